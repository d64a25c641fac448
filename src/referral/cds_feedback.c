/* Feedback on cards: kept as one Communication a card; a later word on the same card is its next version. */
#include "referral/cds.h"
#include "referral/task.h"

enum { FEEDBACK_MAX = 100, COMMENT_MAX = 4000, SUGGESTIONS_MAX = 20 };

struct feeding {
    const struct referral_cds_call *call;
    const struct cds_service *service;
    struct text bodies[FEEDBACK_MAX], ids[FEEDBACK_MAX];
    size_t count;
};

static void write_identifier(struct json_writer *w, const char *system, struct text value) {
    json_object_open(w);
    json_member_string(w, "system", system);
    json_member_text(w, "value", value);
    json_object_close(w);
}

static void write_identifiers(struct json_writer *w, const yyjson_val *item) {
    size_t i, count;
    yyjson_val *suggestion;
    json_name(w, "identifier");
    json_array_open(w);
    write_identifier(w, CDS_CARD_SYSTEM, json_get_text(item, "card"));
    yyjson_arr_foreach(json_get(item, "acceptedSuggestions"), i, count, suggestion) {
        write_identifier(w, CDS_SUGGESTION_SYSTEM, json_get_text(suggestion, "id"));
    }
    json_array_close(w);
}

/* Who said it, where the header names somebody whom a Communication may come from. */
static void write_sender(struct json_writer *w, struct text who) {
    static const char *const types[] = {"Practitioner", "PractitionerRole", "Device", "Organization"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct text id = reference_id(who, types[i]);
        if (id.size > 0 && fhir_id_is_valid(id)) {
            json_name(w, "sender");
            json_object_open(w);
            json_member_text(w, "reference", who);
            json_object_close(w);
            return;
        }
    }
}

static enum status write_communication(struct feeding *f, const yyjson_val *item, struct scope *scope) {
    const yyjson_val *override = json_get(item, "overrideReason"), *reason = json_get(override, "reason");
    struct text comment = json_get_text(override, "userComment"), code = json_get_text(reason, "code");
    struct json_writer writer = json_writer_open(scope->arena, 256 * 1024), *w = &writer;
    json_object_open(w);
    json_member_string(w, "resourceType", "Communication");
    json_member_text(w, "id", f->ids[f->count]);
    write_identifiers(w, item);
    json_name(w, "instantiatesUri");
    json_array_open(w);
    json_string_text(w, text_format(scope->arena, TRIAGE_BASE "/cds-services/%s", f->service->id));
    json_array_close(w);
    json_member_string(w, "status", "completed");
    json_name(w, "category");
    json_array_open(w);
    fhir_write_concept(w, NULL, (struct fhir_coding){TEXT(CDS_FEEDBACK_SYSTEM), json_get_text(item, "outcome"), {0}},
        (struct text){0});
    json_array_close(w);
    json_member_text(w, "sent", json_get_text(item, "outcomeTimestamp"));
    write_sender(w, f->call->caller->who);
    if (code.size > 0) {
        json_name(w, "reasonCode");
        json_array_open(w);
        fhir_write_concept(w, NULL,
            (struct fhir_coding){json_get_text(reason, "system"), code, json_get_text(reason, "display")},
            (struct text){0});
        json_array_close(w);
    }
    if (comment.size > 0) {
        json_name(w, "payload");
        json_array_open(w);
        json_object_open(w);
        json_member_text(w, "contentString", comment);
        json_object_close(w);
        json_array_close(w);
    }
    json_object_close(w);
    return json_finish(&f->bodies[f->count], w, scope);
}

static const char *member_path(size_t index, const char *member, struct scope *scope) {
    return text_format(scope->arena, "feedback[%zu].%s", index, member).at;
}

static enum status check_suggestions(const yyjson_val *item, size_t index, struct scope *scope) {
    const yyjson_val *list = json_get(item, "acceptedSuggestions");
    const char *path = member_path(index, "acceptedSuggestions", scope);
    size_t i, count;
    yyjson_val *suggestion;
    if (text_is(json_get_text(item, "outcome"), "accepted") && json_count(list) == 0) {
        return fault(scope, STATUS_INVALID, path, "an accepted card names the suggestions that were accepted");
    }
    if (list != NULL && (!yyjson_is_arr((yyjson_val *)list) || json_count(list) > SUGGESTIONS_MAX)) {
        return fault(scope, STATUS_INVALID, path, "a list of at most %d suggestions", SUGGESTIONS_MAX);
    }
    yyjson_arr_foreach((yyjson_val *)list, i, count, suggestion) {
        if (!cds_uuid_is_valid(json_get_text(suggestion, "id"))) {
            return fault(scope, STATUS_INVALID, path, "a suggestion has the id of the card's suggestion: a UUID");
        }
    }
    return STATUS_OK;
}

static enum status check_override(const yyjson_val *item, size_t index, struct scope *scope) {
    const yyjson_val *override = json_get(item, "overrideReason"), *reason = json_get(override, "reason");
    bool has_reason = reason != NULL && !yyjson_is_null((yyjson_val *)reason);
    if (override != NULL && !yyjson_is_obj((yyjson_val *) override)) {
        return fault(scope, STATUS_INVALID, member_path(index, "overrideReason", scope), "an object");
    }
    if (has_reason && (json_get_text(reason, "code").size == 0 || json_get_text(reason, "system").size == 0)) {
        return fault(scope, STATUS_INVALID, member_path(index, "overrideReason.reason", scope),
            "a Coding with system and code, as the card gave it");
    }
    const yyjson_val *comment = json_get(override, "userComment");
    if (comment != NULL && !yyjson_is_null((yyjson_val *)comment) && json_text(comment).at == NULL) {
        return fault(scope, STATUS_INVALID, member_path(index, "overrideReason.userComment", scope), "a string");
    }
    return json_text(comment).size <= COMMENT_MAX
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, member_path(index, "overrideReason.userComment", scope),
                     "longer than %d bytes", COMMENT_MAX);
}

static enum status take_feedback(struct feeding *f, const yyjson_val *item, size_t index, struct scope *scope) {
    struct text card = json_get_text(item, "card"), outcome = json_get_text(item, "outcome");
    int64_t at_us = 0;
    if (!cds_uuid_is_valid(card)) {
        return fault(scope, STATUS_INVALID, member_path(index, "card", scope), "the uuid of the card");
    }
    if (!text_is(outcome, "accepted") && !text_is(outcome, "overridden")) {
        return fault(scope, STATUS_INVALID, member_path(index, "outcome", scope), "accepted or overridden");
    }
    if (!time_parse(&at_us, json_get_text(item, "outcomeTimestamp"))) {
        return fault(scope, STATUS_INVALID, member_path(index, "outcomeTimestamp", scope),
            "a moment with zone, like 2026-11-22T03:04:05Z");
    }
    enum status status = check_suggestions(item, index, scope);
    if (status == STATUS_OK) {
        status = check_override(item, index, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    char *id = arena_alloc(scope->arena, card.size + 5);
    for (size_t i = 0; i < card.size + 4; i++) {
        char c = i < 4 ? "cds-"[i] : card.at[i - 4];
        id[i] = (char)(c >= 'A' && c <= 'F' ? c + 'a' - 'A' : c);
    }
    f->ids[f->count] = (struct text){id, card.size + 4};
    status = write_communication(f, item, scope);
    f->count++;
    return status;
}

static enum status read_feedback(struct feeding *f, struct scope *scope) {
    yyjson_doc *document = NULL;
    enum status status = json_read(&document, f->call->body, scope);
    if (status != STATUS_OK) {
        return status;
    }
    yyjson_val *list = json_get(yyjson_doc_get_root(document), "feedback"), *item;
    size_t i, count = yyjson_arr_size(list);
    if (count == 0 || count > FEEDBACK_MAX) {
        return fault(scope, STATUS_INVALID, "feedback", "a list of 1 to %d", FEEDBACK_MAX);
    }
    yyjson_arr_foreach(list, i, count, item) {
        if (status == STATUS_OK) {
            status = take_feedback(f, item, i, scope);
        }
    }
    return status;
}

/* What stands under the id already must be feedback: nothing else is written over. */
static enum status keep(void *context, struct records_unit *unit, struct scope *scope) {
    struct feeding *f = context;
    fhir_type type = fhir_type_find(TEXT("Communication"));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < f->count && status == STATUS_OK; i++) {
        const yyjson_val *before = NULL;
        status = records_unit_get(&before, unit, type, f->ids[i], scope);
        const yyjson_val *category = yyjson_arr_get(json_get(before, "category"), 0);
        if (status == STATUS_OK && coding_code(category, CDS_FEEDBACK_SYSTEM).size == 0) {
            return fault(scope, STATUS_CONFLICT, "feedback", "another resource stands under the id of this feedback");
        }
        if (status == STATUS_OK || status == STATUS_NOT_FOUND || status == STATUS_GONE) {
            status = records_unit_put(NULL, unit, f->bodies[i], scope);
        }
    }
    return status;
}

enum status referral_cds_feedback(
    struct referral *referral, const struct referral_cds_call *call, struct scope *scope) {
    struct feeding *f = ARENA_NEW(scope->arena, struct feeding);
    f->call = call;
    f->service = cds_service_find(call->service);
    if (f->service == NULL) {
        return fault(scope, STATUS_NOT_FOUND, "", "there is no CDS service of this id");
    }
    enum status status = read_feedback(f, scope);
    return status == STATUS_OK ? records_unit_run(referral->records, call->caller, "cds-feedback", keep, f, scope)
                               : status;
}
