#include "records/operation.h"
#include "records/query.h"
#include "records/subset.h"

#define SECOND_US INT64_C(1000000)

static enum status refuse_absent(const struct operation *op, struct scope *scope) {
    return fault(scope, STATUS_NOT_FOUND, "", "there is no such %s", fhir_type_name(op->request.type));
}

static enum status refuse_deleted(const struct operation *op, struct scope *scope) {
    return fault_coded(scope, STATUS_GONE, "deleted", "", "this %s was deleted", fhir_type_name(op->request.type));
}

/* If-None-Match goes before If-Modified-Since (RFC 9110, 13.2.2); the latter counts whole seconds. */
static bool is_unmodified(const struct records_request *request, const struct store_resource *resource) {
    if (request->if_none_match.size > 0) {
        return etag_matches(request->if_none_match, resource->version);
    }
    int64_t since_us = 0;
    return request->if_modified_since.size > 0 && http_date_parse(&since_us, request->if_modified_since) &&
           resource->updated_us / SECOND_US <= since_us / SECOND_US;
}

static enum status answer_with(struct operation *op, const struct store_resource *resource, struct scope *scope) {
    struct records_answer *answer = op->answer;
    struct subset subset;
    enum status status =
        subset_parse(&subset, op->request.type, op->request.pairs, op->request.pair_count, op->request.handling, scope);
    if (status != STATUS_OK) {
        return status;
    }
    answer->version = resource->version;
    answer->updated_us = resource->updated_us;
    answer->not_modified = is_unmodified(&op->request, resource);
    if (answer->not_modified) {
        return STATUS_OK;
    }
    answer->body = body_splice(scope->arena, resource);
    return subset_is_whole(&subset) ? STATUS_OK : subset_write(&answer->body, &subset, answer->body, scope);
}

static enum status answer_found(
    struct operation *op, enum status found, const struct store_resource *resource, struct scope *scope) {
    if (found == STATUS_NOT_FOUND) {
        return refuse_absent(op, scope);
    }
    if (found != STATUS_OK) {
        return found;
    }
    return resource->method == STORE_DELETED ? refuse_deleted(op, scope) : answer_with(op, resource, scope);
}

enum status read_prepare(struct operation *op, struct scope *scope) {
    uint16_t number = fhir_resource_number(op->request.type);
    if (number == 0 || !fhir_id_is_valid(op->request.id)) {
        return number == 0 ? fault(scope, STATUS_NOT_FOUND, "", "no such resource type") : refuse_absent(op, scope);
    }
    struct store_view *view = NULL;
    enum status status = store_view_open(&view, op->records->store, 0, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct store_resource resource = {0};
    status = store_view_get(&resource, view, number, op->request.id, STORE_WANT_BODY, scope);
    status = answer_found(op, status, &resource, scope);
    store_view_close(view);
    return status;
}

enum status vread_prepare(struct operation *op, struct scope *scope) {
    uint16_t number = fhir_resource_number(op->request.type);
    int64_t version = 0;
    if (number == 0 || !fhir_id_is_valid(op->request.id) || !text_to_int64(&version, op->request.version) ||
        version < 1 || version > UINT32_MAX) {
        return number == 0 ? fault(scope, STATUS_NOT_FOUND, "", "no such resource type")
                           : fault(scope, STATUS_NOT_FOUND, "", "there is no such version");
    }
    struct store_view *view = NULL;
    enum status status = store_view_open(&view, op->records->store, 0, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct store_resource resource = {0};
    status = store_view_get_version(&resource, view, number, op->request.id, (uint32_t)version, scope);
    if (status == STATUS_NOT_FOUND && scope->fault.count == 0) {
        status = fault(scope, STATUS_NOT_FOUND, "", "there is no such version");
    } else {
        status = answer_found(op, status, &resource, scope);
    }
    store_view_close(view);
    return status;
}
