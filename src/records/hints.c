#include "records/hints.h"

#include <string.h>

#include "records/surroundings.h"

enum { TIME_MAX_US = 5000000 };

struct hinting {
    struct validate_report *report;
    const struct records *records;
    const yyjson_val *resource;
    struct scope *scope;
};

static void say(const struct hinting *hinting, enum validate_severity severity, const char *path, const char *text) {
    const struct validate_issue issue = {.severity = severity, .code = "business-rule", .path = path, .text = text};
    validate_report_add(hinting->report, &issue, hinting->scope->arena);
}

/* The canonical without its version. */
static bool is_own(const struct hinting *hinting, const yyjson_val *canonical) {
    struct text named = json_text(canonical), url = json_get_text(hinting->resource, "url");
    return url.size > 0 && text_equal(text_cut(&named, '|'), url);
}

static bool value_set_names_itself(const struct hinting *hinting) {
    static const char *const members[] = {"include", "exclude"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        yyjson_arr_iter parts =
            yyjson_arr_iter_with((yyjson_val *)json_get(json_get(hinting->resource, "compose"), members[i]));
        for (yyjson_val *part; (part = yyjson_arr_iter_next(&parts)) != NULL;) {
            yyjson_arr_iter imports = yyjson_arr_iter_with((yyjson_val *)json_get(part, "valueSet"));
            for (yyjson_val *import; (import = yyjson_arr_iter_next(&imports)) != NULL;) {
                if (is_own(hinting, import)) {
                    return true;
                }
            }
        }
    }
    return false;
}

static bool map_names_itself(const struct hinting *hinting) {
    yyjson_arr_iter groups = yyjson_arr_iter_with((yyjson_val *)json_get(hinting->resource, "group"));
    for (yyjson_val *group; (group = yyjson_arr_iter_next(&groups)) != NULL;) {
        if (is_own(hinting, json_get(json_get(group, "unmapped"), "url"))) {
            return true;
        }
    }
    return false;
}

/* One code of it: what is wrong with its parts shows all the same. */
static void try_to_expand(const struct hinting *hinting) {
    struct arena *arena = hinting->scope->arena;
    struct scope trial = {.arena = arena, .deadline_us = hinting->scope->deadline_us};
    struct json_writer w = json_writer_open(arena, RECORDS_RESOURCE_BYTES_MAX);
    const struct terminology_pair one = {TEXT("count"), TEXT("1")};
    struct terminology_call call = {
        .operation = terminology_operation_find(fhir_type_find(TEXT("ValueSet")), TEXT("expand"), false),
        .pairs = &one,
        .pair_count = 1,
    };
    struct text unused;
    json_value(&w, hinting->resource);
    enum status status = json_finish(&call.body, &w, &trial);
    if (status == STATUS_OK) {
        status = terminology_run(&unused, hinting->records->terminology, &call, &trial);
    }
    if (status == STATUS_OK || trial.fault.first == NULL) {
        return;
    }
    bool is_unknown = status == STATUS_NOT_FOUND || status == STATUS_TOO_COSTLY;
    const struct issue *first = trial.fault.first;
    bool is_placed = first->path != NULL && strncmp(first->path, "ValueSet.", 9) == 0;
    struct text text = text_format(arena, "it cannot be expanded: %s", first->text);
    say(hinting, is_unknown ? VALIDATE_INFORMATION : VALIDATE_WARNING, is_placed ? first->path : "ValueSet", text.at);
}

void hints_add_terms(
    struct validate_report *report, const struct records *records, const yyjson_val *resource, struct scope *scope) {
    const struct hinting hinting = {report, records, resource, scope};
    fhir_type type = fhir_resource_type_of(resource);
    if (records->terminology == NULL) {
        return;
    }
    if (type == fhir_type_find(TEXT("ConceptMap")) && map_names_itself(&hinting)) {
        say(&hinting, VALIDATE_WARNING, "ConceptMap.group", "what it has no map for, it maps by itself");
    }
    if (type != fhir_type_find(TEXT("ValueSet"))) {
        return;
    }
    if (value_set_names_itself(&hinting)) {
        say(&hinting, VALIDATE_WARNING, "ValueSet.compose", "it cannot be expanded: it imports itself");
    } else {
        try_to_expand(&hinting);
    }
}

static void soften(struct validate_report *report) {
    for (struct validate_issue *issue = report->first; issue != NULL; issue = issue->next) {
        issue->severity = issue->severity == VALIDATE_ERROR ? VALIDATE_WARNING : issue->severity;
    }
    report->warnings += report->errors;
    report->errors = 0;
}

struct text hints_of(const struct records *records, const yyjson_val *resource, struct scope *scope) {
    struct scope trial = {.arena = scope->arena, .deadline_us = clock_monotonic_us() + TIME_MAX_US};
    struct validate_report report = {0};
    struct surroundings surroundings;
    struct store_view *view = NULL;
    struct text out = {0};
    if (store_view_open(&view, records->store, 0, &trial) != STATUS_OK) {
        return out;
    }
    surroundings_of(&surroundings, records, view);
    const struct validate_request request = {.resource = resource};
    enum status status = validate_resource(&report, records->validate, &request, &surroundings.environment, &trial);
    store_view_close(view);
    if (status == STATUS_OK) {
        hints_add_terms(&report, records, resource, &trial);
        soften(&report);
        struct json_writer w = json_writer_open(scope->arena, RECORDS_ANSWER_BYTES_MAX);
        validate_write_outcome(&w, &report);
        status = json_finish(&out, &w, &trial);
    }
    return status == STATUS_OK ? out : (struct text){0};
}
