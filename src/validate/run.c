/* The run's own business: when it is over, what it reports, how values of an element are gathered. */
#include "validate/run.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE_MAX = 1024, TEXT_SIZE_MAX = 1024 };

struct validate_said {
    struct validate_said *next;
    const char *what;
    struct text subject;
};

bool validate_is_over(struct validate_run *run) {
    if (run->status == STATUS_OK) {
        run->status = scope_check_deadline(run->scope);
    }
    return run->status != STATUS_OK;
}

bool validate_stops(struct validate_run *run, enum status status) {
    if (status == STATUS_FAILED || status == STATUS_UNAVAILABLE || status == STATUS_STORAGE_FULL) {
        run->status = status;
    }
    return run->status != STATUS_OK;
}

struct scope validate_side_scope(const struct validate_run *run) {
    return (struct scope){.arena = run->scope->arena, .deadline_us = run->scope->deadline_us};
}

struct validate_frame validate_frame_under(const struct validate_frame *parent, const char *name, int index) {
    return (struct validate_frame){.parent = parent, .name = name, .index = index};
}

static size_t write_path(char *out, size_t size, const struct validate_frame *frame) {
    size_t used = frame->parent == NULL ? 0 : write_path(out, size, frame->parent);
    int wrote = snprintf(out + used, size - used, "%s%s", frame->parent == NULL ? "" : ".", frame->name);
    used = used + (size_t)wrote < size ? used + (size_t)wrote : size - 1;
    if (frame->index != VALIDATE_NO_INDEX) {
        wrote = snprintf(out + used, size - used, "[%d]", frame->index);
        used = used + (size_t)wrote < size ? used + (size_t)wrote : size - 1;
    }
    return used;
}

static bool is_equal(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Profiles repeat what their bases say: once is enough. */
static bool is_said(const struct validate_report *report, const struct validate_issue *issue) {
    for (const struct validate_issue *each = report->first; each != NULL; each = each->next) {
        if (each->severity == issue->severity && strcmp(each->path, issue->path) == 0 &&
            is_equal(each->key, issue->key) && (issue->key != NULL || strcmp(each->text, issue->text) == 0)) {
            return true;
        }
    }
    return false;
}

void validate_say(struct validate_run *run, enum validate_severity severity, const char *code, const char *key,
    const struct validate_frame *frame, const char *format, ...) {
    struct validate_report *report = run->report;
    int *count = validate_report_count(report, severity);
    char path[PATH_SIZE_MAX] = "", text[TEXT_SIZE_MAX];
    if (frame != NULL) {
        write_path(path, sizeof path, frame);
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct validate_issue issue = {NULL, severity, code, path, key, run->profile, text};
    if (*count >= VALIDATE_ISSUES_MAX) {
        ++*count;
    } else if (!is_said(report, &issue)) {
        validate_report_add(report, &issue, run->scope->arena);
    }
}

bool validate_first_time(struct validate_run *run, const char *what, struct text subject) {
    if (run->trials > 0) {
        return false;
    }
    for (const struct validate_said *said = run->said; said != NULL; said = said->next) {
        if (strcmp(said->what, what) == 0 && text_equal(said->subject, subject)) {
            return false;
        }
    }
    struct validate_said *said = ARENA_NEW(run->scope->arena, struct validate_said);
    *said = (struct validate_said){run->said, what, text_copy(run->scope->arena, subject)};
    run->said = said;
    return true;
}

/* ---- values of an element --------------------------------------------------------------------------------------- */

static void add_item(
    struct validate_items *items, const yyjson_val *value, const yyjson_val *companion, fhir_type type, int index) {
    value = yyjson_is_null((yyjson_val *)value) ? NULL : value;
    companion = yyjson_is_obj((yyjson_val *)companion) ? companion : NULL;
    if (type != FHIR_TYPE_NONE && fhir_type_kind(type) == FHIR_RESOURCE) {
        type = fhir_resource_type_of(value);
    }
    if ((value != NULL || companion != NULL) && type != FHIR_TYPE_NONE) {
        items->at[items->count++] = (struct validate_item){value, companion, type, index};
    }
}

static void add_member(struct validate_items *out, struct validate_run *run, const yyjson_val *value,
    const yyjson_val *companion, fhir_type type) {
    bool repeats = yyjson_is_arr((yyjson_val *)value) || yyjson_is_arr((yyjson_val *)companion);
    size_t values = json_count(value), companions = json_count(companion);
    size_t count = !repeats ? 1 : values > companions ? values : companions;
    out->at = ARENA_ARRAY(run->scope->arena, struct validate_item, count > 0 ? count : 1);
    if (!repeats) {
        add_item(out, value, companion, type, VALIDATE_NO_INDEX);
        return;
    }
    yyjson_arr_iter each_value = yyjson_arr_iter_with((yyjson_val *)value);
    yyjson_arr_iter each_companion = yyjson_arr_iter_with((yyjson_val *)companion);
    for (size_t i = 0; i < count; i++) {
        add_item(out, yyjson_arr_iter_next(&each_value), yyjson_arr_iter_next(&each_companion), type, (int)i);
    }
}

static void add_choice(struct validate_items *out, struct validate_run *run, const yyjson_val *object, fhir_type type,
    const struct fhir_element *element) {
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)object);
    const yyjson_val *value = NULL, *companion = NULL;
    fhir_type chosen = FHIR_TYPE_NONE;
    for (yyjson_val *name = yyjson_obj_iter_next(&members); name != NULL; name = yyjson_obj_iter_next(&members)) {
        struct fhir_member member;
        struct text text = {yyjson_get_str(name), yyjson_get_len(name)};
        if (fhir_member_find(&member, type, text) && member.element == element) {
            *(member.is_companion ? &companion : &value) = yyjson_obj_iter_get_val(name);
            chosen = member.type;
        }
    }
    if (chosen != FHIR_TYPE_NONE) {
        add_member(out, run, value, companion, chosen);
    }
}

/* Of a primitive the members are its companion's: id and extension. */
struct validate_items validate_items_of(struct validate_run *run, const struct validate_item *owner, const char *name) {
    struct validate_items items = {0};
    const yyjson_val *object = fhir_type_kind(owner->type) == FHIR_PRIMITIVE ? owner->companion : owner->value;
    const struct fhir_element *element = fhir_element_find(owner->type, text_from(name));
    if (element == NULL || !yyjson_is_obj((yyjson_val *)object)) {
        return items;
    }
    if (element->is_choice) {
        add_choice(&items, run, object, owner->type, element);
        return items;
    }
    char companion[128];
    (void)snprintf(companion, sizeof companion, "_%s", name);
    const yyjson_val *value = json_get(object, name), *beside = NULL;
    if (fhir_type_kind(element->types[0]) == FHIR_PRIMITIVE && !element->is_bare) {
        beside = json_get(object, companion);
    }
    if (value != NULL || beside != NULL) {
        add_member(&items, run, value, beside, element->types[0]);
    }
    return items;
}
