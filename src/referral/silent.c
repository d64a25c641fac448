#include "referral/silent.h"

#define NOTE_PREFIX "triage.silent/"
enum { NOTE_BYTES_MAX = 16 << 10 };

static struct text note_name(struct text assessment, struct scope *scope) {
    return text_format(scope->arena, NOTE_PREFIX "%.*s", (int)assessment.size, assessment.at);
}

enum status silent_keep(
    const struct triage_reading *reading, struct records_unit *unit, struct text assessment, struct scope *scope) {
    if (!triage_is_silent(reading)) {
        return STATUS_OK;
    }
    struct json_writer w = json_writer_open(scope->arena, NOTE_BYTES_MAX);
    struct text note = {0};
    triage_write_silent(&w, reading);
    enum status status = json_finish(&note, &w, scope);
    return status == STATUS_OK
               ? store_unit_note_set(records_unit_store(unit), note_name(assessment, scope), note, scope)
               : status;
}

enum status silent_read(
    const yyjson_val **out, struct referral *referral, struct text assessment, struct scope *scope) {
    struct text note = {0};
    yyjson_doc *doc = NULL;
    *out = NULL;
    enum status status = records_note(&note, referral->records, note_name(assessment, scope), scope);
    if (status == STATUS_OK && note.size > 0) {
        status = json_read(&doc, note, scope);
    }
    if (status == STATUS_OK && doc != NULL) {
        *out = yyjson_doc_get_root(doc);
    }
    return status;
}

enum status guard_assessment(void *context, struct records_change *change, struct scope *scope) {
    struct store_unit *unit = records_unit_store(change->unit);
    struct text note = {0};
    (void)context;
    if (change->after != NULL) {
        return STATUS_OK;
    }
    struct text name = note_name(change->id, scope);
    enum status status = store_unit_note(&note, unit, name, scope);
    return status == STATUS_OK && note.size > 0 ? store_unit_note_set(unit, name, TEXT(""), scope) : status;
}
