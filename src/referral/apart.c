/* What was learned for a decision: kept apart from it, as a note of the store under its own digest. */
#include "referral/decision.h"

#define NOTE_PREFIX "referral.decision."
enum { APART_BYTES_MAX = 900 * 1024, SALT_SIZE = DIGEST_SIZE };

static struct text digest_of(struct text bytes, struct scope *scope) {
    uint8_t digest[DIGEST_SIZE];
    char text[DIGEST_TEXT_SIZE];
    digest_sha256(digest, bytes);
    digest_text(text, digest);
    return text_copy(scope->arena, text_from(text));
}

/* By the decision's time first, so that notes are added where the last ones lie. */
static struct text note_of(int64_t at_us, struct text digest, struct scope *scope) {
    return text_format(
        scope->arena, NOTE_PREFIX "%016llx.%.*s", (unsigned long long)at_us, (int)digest.size, digest.at);
}

enum status apart_make(struct text *out, struct text *digest_out, const struct referral_case *patient,
    const struct region_snapshot *snapshot, struct scope *scope) {
    *out = *digest_out = (struct text){0};
    if (patient->learned == NULL) {
        return STATUS_OK;
    }
    uint8_t salt[SALT_SIZE];
    char salt_text[DIGEST_TEXT_SIZE];
    random_bytes(salt, sizeof salt);
    digest_text(salt_text, salt);
    struct json_writer w = json_writer_open(scope->arena, APART_BYTES_MAX);
    json_object_open(&w);
    json_member_string(&w, "salt", salt_text);
    case_learned_write(&w, patient, snapshot);
    json_object_close(&w);
    enum status status = json_finish(out, &w, scope);
    if (status == STATUS_OK) {
        *digest_out = digest_of(*out, scope);
    }
    return status;
}

enum status apart_keep(struct records_unit *unit, const struct decision *decision, struct scope *scope) {
    struct text apart = decision->apart;
    if (apart.size == 0) {
        return STATUS_OK;
    }
    struct text name = note_of(decision->patient.now_us, digest_of(apart, scope), scope);
    return store_unit_note_set(records_unit_store(unit), name, apart, scope);
}

static enum status look(struct text *out, const struct decision_source *source, struct text name, struct scope *scope) {
    *out = source == NULL ? (struct text){0} : source->given;
    if (source == NULL || out->size > 0) {
        return STATUS_OK;
    }
    if (source->unit != NULL) {
        return store_unit_note(out, records_unit_store(source->unit), name, scope);
    }
    return source->records == NULL ? STATUS_OK : records_note(out, source->records, name, scope);
}

enum status apart_find(
    struct text *out, const yyjson_val *inputs, const struct decision_source *source, struct scope *scope) {
    struct text digest = json_get_text(inputs, "learned_digest");
    *out = (struct text){0};
    if (digest.size == 0) {
        return STATUS_OK;
    }
    int64_t at_us = 0;
    (void)json_get_int64(&at_us, json_get(inputs, "case"), "at_us");
    enum status status = look(out, source, note_of(at_us, digest, scope), scope);
    if (status == STATUS_OK && out->size == 0 && (source == NULL || !source->goes_on)) {
        return fault(scope, STATUS_GONE, "GuidanceResponse.extension",
            "what was learned of the places when this decision was made is kept apart from it and is not in this "
            "store: the decision cannot be replayed here");
    }
    if (status == STATUS_OK && out->size > 0 && !text_equal(digest_of(*out, scope), digest)) {
        return fault(scope, STATUS_CONFLICT, "GuidanceResponse.extension",
            "what was learned of the places is not what this decision was made with");
    }
    return status;
}
