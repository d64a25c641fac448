#include "terminology/terminology.h"

#include <stdlib.h>

#include "terminology/expand.h"
#include "terminology/judge.h"

enum status terminology_open(struct terminology **out, const struct terminology_config *config, struct scope *scope) {
    struct terminology *terminology = calloc(1, sizeof *terminology);
    *out = NULL;
    if (terminology == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for the code systems");
    }
    terminology->store = config->store;
    terminology->clock = config->clock;
    if (terminology->clock == NULL) {
        terminology->own_clock = clock_open(1);
        terminology->clock = terminology->own_clock;
    }
    if (terminology->clock == NULL) {
        free(terminology);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for a clock");
    }
    terminology->must_scan = true;
    pthread_mutex_init(&terminology->reading, NULL);
    pthread_mutex_init(&terminology->lock, NULL);
    *out = terminology;
    return STATUS_OK;
}

void terminology_close(struct terminology *terminology) {
    if (terminology != NULL) {
        shelf_close(terminology);
        pthread_mutex_destroy(&terminology->lock);
        pthread_mutex_destroy(&terminology->reading);
        clock_close(terminology->own_clock);
        free(terminology);
    }
}

void terminology_builtin_figures(struct terminology_figures *out) {
    const struct terminology_book *book = &terminology_builtin;
    *out = (struct terminology_figures){
        .systems = book->system_count,
        .concepts = book->concept_count,
        .value_sets = book->value_set_count,
        .maps = book->map_count,
    };
}

/* ---- one code --------------------------------------------------------------------------------------------------- */

static struct inquiry *inquiry_open(struct terminology *terminology, struct scope *scope) {
    struct inquiry *inquiry = ARENA_NEW(scope->arena, struct inquiry);
    inquiry->terminology = terminology;
    inquiry->scope = scope;
    return inquiry;
}

enum status terminology_validate(struct terminology_answer *out, struct terminology *terminology, struct text value_set,
    const struct terminology_coding *coding, enum terminology_rule rule, struct scope *scope) {
    struct inquiry *inquiry = inquiry_open(terminology, scope);
    struct shelf_ref ref;
    enum status status = inquiry_value_set(&ref, inquiry, value_set);
    *out = (struct terminology_answer){.verdict = TERMINOLOGY_UNKNOWN, .missing = value_set};
    if (status == STATUS_NOT_FOUND) {
        out->message = text_format(scope->arena, "the value set %.*s is not known here", (int)value_set.size,
            value_set.size > 0 ? value_set.at : "");
        return STATUS_OK;
    }
    const struct judge_question question = {.coding = *coding, .rule = rule, .abstract = JUDGE_ABSTRACT_ALLOWED};
    return status == STATUS_OK ? judge_in_value_set(out, inquiry, ref, &question) : status;
}

/* ---- memberOf() ------------------------------------------------------------------------------------------------- */

/* Any one that is in will do; one that cannot be said makes a no unknown. */
struct membership {
    struct inquiry *inquiry;
    struct shelf_ref value_set;
    enum terminology_verdict verdict;
};

static enum status try_coding(
    struct membership *membership, const struct terminology_coding *coding, enum terminology_rule rule) {
    struct terminology_answer answer;
    const struct judge_question question = {.coding = *coding, .rule = rule, .abstract = JUDGE_ABSTRACT_ALLOWED};
    enum status status = judge_in_value_set(&answer, membership->inquiry, membership->value_set, &question);
    if (status == STATUS_OK && (answer.verdict == TERMINOLOGY_YES || membership->verdict == TERMINOLOGY_NO)) {
        membership->verdict = answer.verdict;
    }
    return status;
}

static struct terminology_coding coding_of(const yyjson_val *node) {
    return (struct terminology_coding){
        .system = json_get_text(node, "system"),
        .version = json_get_text(node, "version"),
        .code = json_get_text(node, "code"),
    };
}

static enum status try_item(struct membership *membership, const struct fhirpath_item *item, struct scope *scope) {
    if (item->kind == FHIRPATH_NODE && yyjson_is_obj((yyjson_val *)item->node)) {
        const yyjson_val *codings = json_get(item->node, "coding");
        if (codings == NULL) {
            const struct terminology_coding coding = coding_of(item->node);
            return try_coding(membership, &coding, TERMINOLOGY_CODING);
        }
        enum status status = STATUS_OK;
        yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)codings);
        for (yyjson_val *node; status == STATUS_OK && (node = yyjson_arr_iter_next(&items)) != NULL;) {
            const struct terminology_coding coding = coding_of(node);
            status = try_coding(membership, &coding, TERMINOLOGY_CODING);
        }
        return status;
    }
    const struct terminology_coding coding = {.code = fhirpath_item_text(item, scope)};
    return try_coding(membership, &coding, TERMINOLOGY_CODE_ALONE);
}

enum status terminology_member_of(bool *out, bool *known, void *context, const struct fhirpath_item *code,
    struct text value_set, struct scope *scope) {
    struct membership membership = {.inquiry = inquiry_open(context, scope), .verdict = TERMINOLOGY_NO};
    enum status status = inquiry_value_set(&membership.value_set, membership.inquiry, value_set);
    *out = false;
    *known = false;
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = try_item(&membership, code, scope);
    }
    *out = membership.verdict == TERMINOLOGY_YES;
    *known = membership.verdict != TERMINOLOGY_UNKNOWN;
    return status;
}

/* ---- for search ------------------------------------------------------------------------------------------------- */

enum status terminology_codes(
    struct terminology_codes *out, struct terminology *terminology, struct text value_set, struct scope *scope) {
    struct inquiry *inquiry = inquiry_open(terminology, scope);
    struct expand_request request = {.whole = EXPAND_WHOLE_SYSTEMS};
    struct expansion expansion;
    enum status status = inquiry_value_set(&request.value_set, inquiry, value_set);
    *out = (struct terminology_codes){0};
    if (status == STATUS_NOT_FOUND) {
        return inquiry_fault_missing(inquiry, "value set");
    }
    if (status == STATUS_OK) {
        status = expand_codes(&expansion, inquiry, &request);
    }
    if (status != STATUS_OK) {
        return status;
    }
    out->at = ARENA_ARRAY(scope->arena, struct terminology_coding, expansion.count + 1);
    out->count = expansion.count;
    out->whole_systems = expansion.whole_systems;
    out->whole_count = expansion.whole_count;
    for (size_t i = 0; i < expansion.count; i++) {
        const struct candidate *candidate = &expansion.at[i];
        out->at[i] = (struct terminology_coding){.system = candidate->system, .code = candidate->code};
    }
    return STATUS_OK;
}

enum status terminology_relatives(struct terminology_codes *out, struct terminology *terminology,
    const struct terminology_coding *coding, enum terminology_direction direction, struct scope *scope) {
    struct inquiry *inquiry = inquiry_open(terminology, scope);
    struct candidate candidate = {.system = coding->system, .version = coding->version, .code = coding->code};
    enum status status = compose_resolve(inquiry, &candidate);
    *out = (struct terminology_codes){0};
    if (status != STATUS_OK) {
        return status;
    }
    if (candidate.ref.book == NULL) {
        return inquiry_fault_missing(inquiry, "code system");
    }
    if (candidate_concept(&candidate) == NULL) {
        return fault_coded(scope, STATUS_NOT_FOUND, "code-invalid", "", "the code system %.*s has no code %.*s here",
            (int)coding->system.size, coding->system.at, (int)coding->code.size, coding->code.at);
    }
    const struct system_row *system = shelf_system(candidate.ref);
    uint8_t *marks = arena_alloc(scope->arena, system->concept_count);
    if (system->is_not_subsuming) {
        marks[candidate.position] = 1;
    } else if (direction == TERMINOLOGY_BELOW) {
        book_mark_below(marks, candidate.ref.book, system, candidate.position);
    } else {
        book_mark_above(marks, candidate.ref.book, system, candidate.position, scope->arena);
    }
    out->at = ARENA_ARRAY(scope->arena, struct terminology_coding, system->concept_count);
    for (uint32_t i = 0; i < system->concept_count; i++) {
        if (marks[i]) {
            struct text code = book_text(candidate.ref.book, book_concept(candidate.ref.book, system, i)->code);
            out->at[out->count++] = (struct terminology_coding){.system = coding->system, .code = code};
        }
    }
    return STATUS_OK;
}
