#include "records/invocation.h"
#include "records/map.h"
#include "records/page.h"

/* Composition/$document (https://hl7.org/fhir/R4/composition-operation-document.html): a document Bundle of the Composition and of what it
 * refers to, and that in turn, once each. With `persist` it is stored as a Bundle. */

enum { DOCUMENT_RESOURCES_MAX = 5000 };

struct composition {
    struct operation *op;
    struct scope *scope;
    struct page_frame frame;
    struct store_view *view;
    struct map seen;
    struct store_resource *resources; /* the Composition first */
    size_t count, done;               /* done: whose references were followed */
};

static enum status add(struct composition *composition, const struct store_resource *resource) {
    if (composition->count == DOCUMENT_RESOURCES_MAX) {
        return fault(composition->scope, STATUS_TOO_COSTLY, "", "a document may have at most %d resources",
            DOCUMENT_RESOURCES_MAX);
    }
    composition->resources[composition->count++] = *resource;
    return STATUS_OK;
}

/* Called for each reference of a resource that is in the document: what it names comes in too. A document has to be whole, so that what
 * is not here is a fault of the Composition; further away it stays a plain reference. */
static enum status follow(struct text *out, void *context, enum fhir_link_kind kind, struct text value,
    const char *path, struct scope *scope) {
    struct composition *composition = context;
    struct fhir_reference reference;
    struct store_resource resource = {0};
    *out = (struct text){0};
    if (kind != FHIR_LINK_REFERENCE || !fhir_reference_parse(&reference, value, composition->op->records->own_base) ||
        reference.kind != FHIR_REFERENCE_LOCAL) {
        return STATUS_OK;
    }
    struct text identity =
        text_format(scope->arena, "%s/%.*s", fhir_type_name(reference.type), (int)reference.id.size, reference.id.at);
    if (!map_add(&composition->seen, identity, 0)) {
        return STATUS_OK;
    }
    enum status status = store_view_get(
        &resource, composition->view, fhir_resource_number(reference.type), reference.id, STORE_WANT_BODY, scope);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && resource.method == STORE_DELETED)) {
        return composition->done > 0 ? STATUS_OK
                                     : fault(scope, STATUS_UNPROCESSABLE, path,
                                           "the document needs a %s that is not here", fhir_type_name(reference.type));
    }
    return status == STATUS_OK ? add(composition, &resource) : status;
}

static enum status gather(struct composition *composition) {
    struct scope *scope = composition->scope;
    enum status status = STATUS_OK;
    for (; composition->done < composition->count && status == STATUS_OK; composition->done++) {
        const yyjson_val *root = NULL;
        struct json_writer unused = json_writer_open(scope->arena, SIZE_MAX);
        status = body_parse(&root, &composition->resources[composition->done], scope);
        if (status == STATUS_OK) {
            status = fhir_write_rewritten(&unused, root, follow, composition, scope);
        }
        if (status == STATUS_OK) {
            status = scope_check_deadline(scope);
        }
    }
    return status;
}

static void write_entry(struct json_writer *w, struct composition *composition, const struct store_resource *resource) {
    struct arena *arena = composition->scope->arena;
    audit_note_add(&composition->op->note, arena, fhir_resource_type(resource->type), resource->id);
    json_object_open(w);
    page_write_full_url(w, &composition->frame, resource);
    json_name(w, "resource");
    body_write(w, resource);
    json_object_close(w);
}

/* A document is known by an identifier and dated by when it was put together (bundle.html, bdl-9 and bdl-10). */
static enum status write_document(struct text *out, struct composition *composition, const char *id, int64_t now_us) {
    struct json_writer w = json_writer_open(composition->scope->arena, RECORDS_ANSWER_BYTES_MAX);
    char time[TIME_TEXT_SIZE];
    time_format_utc(time, now_us);
    json_object_open(&w);
    json_member_string(&w, "resourceType", "Bundle");
    json_member_string(&w, "id", id);
    json_name(&w, "identifier");
    json_object_open(&w);
    json_member_string(&w, "system", "urn:ietf:rfc:3986");
    json_member_text(&w, "value", text_format(composition->scope->arena, "urn:uuid:%s", id));
    json_object_close(&w);
    json_member_string(&w, "type", "document");
    json_member_string(&w, "timestamp", time);
    json_name(&w, "entry");
    json_array_open(&w);
    for (size_t i = 0; i < composition->count; i++) {
        write_entry(&w, composition, &composition->resources[i]);
    }
    json_array_close(&w);
    json_object_close(&w);
    return json_finish(out, &w, composition->scope);
}

struct composition_plan {
    struct text document;
    struct audit_note gathered;
};

static enum status store_document(struct operation *op, struct records_unit *unit, struct scope *scope) {
    const struct composition_plan *plan = op->plan;
    *unit->note = plan->gathered; /* it read these, and writes one */
    struct text id = {0};
    enum status status = records_unit_put(&id, unit, plan->document, scope);
    if (status == STATUS_OK) {
        op->answer->body = plan->document;
    }
    return status;
}

static enum status take_persist(bool *out, const struct invocation *invocation, struct scope *scope) {
    struct text persist = invocation_text(invocation, "persist", scope);
    if (invocation_text(invocation, "graph", scope).at != NULL) {
        return fault(
            scope, STATUS_UNSUPPORTED, "graph", "a document follows the Composition's references, no GraphDefinition");
    }
    *out = text_is(persist, "true");
    return persist.at == NULL || *out || text_is(persist, "false")
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, "persist", "true or false");
}

static enum status gather_document(
    struct text *out, struct composition *composition, const char *id, struct scope *scope) {
    struct operation *op = composition->op;
    struct store_resource subject = {0};
    enum status status = store_view_open(&composition->view, op->records->store, 0, scope);
    if (status == STATUS_OK) {
        status = invocation_subject(&subject, op, composition->view, scope);
    }
    if (status == STATUS_OK) {
        struct text own = page_location(scope->arena, op->request.type, op->request.id, 0);
        invariant(map_add(&composition->seen, own, 0));
        status = add(composition, &subject);
    }
    if (status == STATUS_OK) {
        status = gather(composition);
    }
    if (status == STATUS_OK) {
        status = write_document(out, composition, id, clock_now_us(op->records->clock));
    }
    store_view_close(composition->view);
    return status;
}

/* On the type the Composition is named by `id`: its id, or its URL on this server. On a resource `id` may not be given. */
static enum status take_id(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    struct text id = invocation_text(invocation, "id", scope);
    struct fhir_reference reference;
    if (op->request.id.size > 0) {
        return id.at == NULL ? STATUS_OK : fault(scope, STATUS_INVALID, "id", "the path names the Composition already");
    }
    if (id.size == 0) {
        return fault(scope, STATUS_INVALID, "id", "expected the id of a Composition, or its URL on this server");
    }
    if (!fhir_id_is_valid(id)) {
        if (!fhir_reference_parse(&reference, id, op->records->own_base)) {
            return fault(scope, STATUS_INVALID, "id", "neither an id nor the URL of a Composition");
        }
        if (reference.kind != FHIR_REFERENCE_LOCAL) {
            return fault(scope, STATUS_UNSUPPORTED, "id", "Compositions of other servers are not fetched");
        }
        if (reference.type != op->request.type) {
            return fault(
                scope, STATUS_INVALID, "id", "it names a %s, and no Composition", fhir_type_name(reference.type));
        }
        id = reference.id;
    }
    op->request.id = id;
    audit_note_add(&op->note, scope->arena, op->request.type, id);
    return STATUS_OK;
}

enum status composition_start(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    struct composition composition = {
        .op = op,
        .frame = page_frame_of(op->records, &op->request, scope->arena),
        .scope = scope,
        .seen = map_open(scope->arena, 64),
        .resources = ARENA_ARRAY(scope->arena, struct store_resource, DOCUMENT_RESOURCES_MAX),
    };
    bool persist = false;
    char id[ID_TEXT_SIZE];
    struct text document = {0};
    id_new(id, op->records->clock);
    enum status status = take_persist(&persist, invocation, scope);
    if (status == STATUS_OK) {
        status = take_id(op, invocation, scope);
    }
    if (status == STATUS_OK) {
        status = gather_document(&document, &composition, id, scope);
    }
    if (status != STATUS_OK || !persist) {
        op->answer->body = document;
        return status;
    }
    struct composition_plan *plan = ARENA_NEW(scope->arena, struct composition_plan);
    *plan = (struct composition_plan){.document = document, .gathered = op->note};
    op->plan = plan;
    op->apply = store_document;
    return STATUS_OK;
}
