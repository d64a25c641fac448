#include "records/audit.h"

#include <string.h>

static const char *const roles[] = {
    "primary-care",
    "crew",
    "receiving",
    "control-room",
    "planner",
    "researcher",
    "administrator",
    "system",
};
/* HL7 v3 PurposeOfUse */
static const char *const purposes[] = {"TREAT", "ETREAT", "HOPERAT", "HRESCH", "HSYSADMIN", "PUBHLTH", "PATRQT"};

enum { CALLER_TEXT_MAX = 256 };

static bool is_listed(struct text code, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (text_is(code, list[i])) {
            return true;
        }
    }
    return false;
}

enum status audit_check_caller(const struct records_caller *caller, struct scope *scope) {
    const struct {
        const char *name;
        struct text value;
    } members[] = {
        {"who", caller->who},
        {"organisation", caller->organisation},
        {"role", caller->role},
        {"purpose", caller->purpose},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        size_t size = members[i].value.size;
        if (size == 0 || size > CALLER_TEXT_MAX || !text_is_utf8(members[i].value)) {
            return fault(scope, STATUS_DENIED, "", "every request must say its caller; \"%s\" is missing or malformed",
                members[i].name);
        }
    }
    if (!is_listed(caller->role, roles, sizeof roles / sizeof *roles)) {
        return fault(scope, STATUS_DENIED, "", "the caller's role is not one of this server's codes");
    }
    if (!is_listed(caller->purpose, purposes, sizeof purposes / sizeof *purposes)) {
        return fault(scope, STATUS_DENIED, "", "the caller's purpose is not one of this server's codes");
    }
    return STATUS_OK;
}

/* ---- the note --------------------------------------------------------------------------------------------------- */

void audit_note_add(struct audit_note *note, struct arena *arena, fhir_type type, struct text id) {
    note->count++;
    if (note->kept == AUDIT_REFERENCES_MAX || !fhir_id_is_valid(id)) {
        return;
    }
    struct audit_reference *reference = ARENA_NEW(arena, struct audit_reference);
    *reference = (struct audit_reference){.type = type, .id = id};
    if (note->last == NULL) {
        note->first = reference;
    } else {
        note->last->next = reference;
    }
    note->last = reference;
    note->kept++;
}

void audit_note_clear(struct audit_note *note) {
    note->first = note->last = NULL;
    note->kept = note->count = 0;
}

/* ---- the row ---------------------------------------------------------------------------------------------------- */

/* A parameter's name as a server may know one. Anything else could be a value that slipped into the wrong place. */
static bool is_parameter_name(struct text name) {
    for (size_t i = 0; i < name.size; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && strchr("_-:.", c) == NULL) {
            return false;
        }
    }
    return name.size > 0 && name.size <= AUDIT_NAME_BYTES_MAX;
}

static void write_names(struct json_writer *w, const struct audit_note *note) {
    if (note->pair_count == 0) {
        return;
    }
    json_name(w, "names");
    json_array_open(w);
    for (size_t i = 0; i < note->pair_count && i < AUDIT_NAMES_MAX; i++) {
        struct text name = note->pairs[i].name;
        json_string_text(w, is_parameter_name(name) ? name : TEXT("?"));
    }
    json_array_close(w);
}

/* A type's name and an id need no escaping. */
static void write_reference(struct json_writer *w, const struct audit_reference *reference) {
    json_raw(w, TEXT("\""));
    buffer_put_string(&w->buffer, fhir_type_name(reference->type));
    buffer_put_char(&w->buffer, '/');
    buffer_put(&w->buffer, reference->id);
    buffer_put_char(&w->buffer, '"');
}

static void write_references(struct json_writer *w, const struct audit_note *note) {
    if (note->count == 0) {
        return;
    }
    json_name(w, "on");
    json_array_open(w);
    for (const struct audit_reference *at = note->first; at != NULL; at = at->next) {
        write_reference(w, at);
    }
    json_array_close(w);
    if (note->count != note->kept) {
        json_member_int(w, "count", (int64_t)note->count);
    }
}

/* A caller that was refused may say anything at any length. */
static struct text clipped(struct text value) {
    return value.size > CALLER_TEXT_MAX ? (struct text){value.at, CALLER_TEXT_MAX} : value;
}

enum status audit_row(struct text *out, const struct audit_note *note, const struct records_caller *caller,
    enum status outcome, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, AUDIT_ROW_BYTES_MAX);
    json_object_open(&w);
    json_member_string(&w, "do", note->what);
    json_member_text(&w, "who", clipped(caller->who));
    json_member_text(&w, "org", clipped(caller->organisation));
    json_member_text(&w, "role", clipped(caller->role));
    json_member_text(&w, "purpose", clipped(caller->purpose));
    if (note->type != FHIR_TYPE_NONE) {
        json_member_string(&w, "type", fhir_type_name(note->type));
    }
    write_names(&w, note);
    write_references(&w, note);
    json_member_string(&w, "outcome", status_name(outcome));
    json_object_close(&w);
    return json_finish(out, &w, scope);
}
