/* ValueSet/$validate-code and CodeSystem/$validate-code. */
#include "terminology/judge.h"
#include "terminology/operation.h"
#include "terminology/reply.h"

static const char *const value_set_names[] = {"url", "valueSet", "valueSetVersion", "code", "system", "systemVersion",
    "display", "coding", "codeableConcept", "abstract", NULL};
static const char *const system_names[] = {
    "url", "codeSystem", "code", "version", "display", "coding", "codeableConcept", "abstract", NULL};

/* What has been found of several codings: the first that is right wins; else what is unknown; else the first no. */
static void take_better(struct terminology_answer *best, const struct terminology_answer *answer, size_t seen) {
    bool is_better = answer->verdict == TERMINOLOGY_YES
                         ? best->verdict != TERMINOLOGY_YES
                         : answer->verdict == TERMINOLOGY_UNKNOWN && best->verdict == TERMINOLOGY_NO;
    if (seen == 0 || is_better) {
        *best = *answer;
    }
}

static enum status write_answer(struct text *out, struct inquiry *inquiry, const struct terminology_answer *answer,
    const struct terminology_coding *coding) {
    struct scope *scope = inquiry->scope;
    if (answer->verdict == TERMINOLOGY_UNKNOWN) { /* neither true nor false would be honest */
        return fault_coded(
            scope, STATUS_NOT_FOUND, "not-found", "", "%.*s", (int)answer->message.size, answer->message.at);
    }
    struct json_writer w = reply_open(scope);
    fhir_parameter_boolean(&w, "result", answer->verdict == TERMINOLOGY_YES);
    fhir_parameter_text(&w, "message", "valueString", answer->message);
    fhir_parameter_text(&w, "display", "valueString", answer->display);
    if (answer->verdict == TERMINOLOGY_YES && coding->system.size == 0) {
        fhir_parameter_text(&w, "system", "valueUri", answer->system);
    }
    return fhir_parameters_finish(out, &w, scope);
}

static enum status read_abstract(struct judge_question *question, const struct arguments *arguments) {
    bool allowed = false;
    enum status status = arguments_bool(&allowed, arguments, "abstract");
    question->abstract = allowed ? JUDGE_ABSTRACT_ALLOWED : JUDGE_ABSTRACT_REFUSED;
    return status;
}

enum status terminology_validate_in_value_set(
    struct text *out, struct terminology *terminology, const struct terminology_call *call, struct scope *scope) {
    static const struct subject subject = {SHELF_VALUE_SETS, "valueSet", "url", "valueSetVersion"};
    struct inquiry *inquiry = ARENA_NEW(scope->arena, struct inquiry);
    struct arguments arguments;
    struct shelf_ref value_set;
    struct codings codings = {0};
    struct judge_question question = {.rule = TERMINOLOGY_CODING};
    struct terminology_answer best = {.message = TEXT("there is no coding")};
    enum status status = arguments_read(&arguments, call, value_set_names, NULL, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = arguments_inquiry(inquiry, &arguments, terminology);
    if (status == STATUS_OK) {
        status = subject_find(&value_set, inquiry, &subject, &arguments, call);
    }
    if (status == STATUS_OK && value_set.book == NULL) {
        return fault(scope, STATUS_INVALID, "url", "expected url or valueSet");
    }
    if (status == STATUS_OK) {
        status = arguments_codings(&codings, &arguments, "system", "systemVersion");
    }
    if (status == STATUS_OK) {
        status = read_abstract(&question, &arguments);
    }
    question.rule = codings.form == CODINGS_CODE ? TERMINOLOGY_CODE_ALONE : TERMINOLOGY_CODING;
    size_t i = 0;
    for (; i < codings.count && status == STATUS_OK && best.verdict != TERMINOLOGY_YES; i++) {
        struct terminology_answer answer;
        question.coding = codings.at[i];
        status = judge_in_value_set(&answer, inquiry, value_set, &question);
        take_better(&best, &answer, i);
    }
    return status == STATUS_OK ? write_answer(out, inquiry, &best, &question.coding) : status;
}

/* The code system that is asked: the instance's or the one given, else the coding's own. */
static enum status name_system(
    struct terminology_coding *coding, struct inquiry *inquiry, struct shelf_ref system, const char *path) {
    if (system.book != NULL) {
        struct text url = book_text(system.book, shelf_system(system)->title.url);
        if (coding->system.size > 0 && !text_equal(coding->system, url)) {
            return fault(inquiry->scope, STATUS_INVALID, path, "the coding is of another code system");
        }
        coding->system = url;
        coding->version = book_text(system.book, shelf_system(system)->title.version);
    }
    return coding->system.size > 0 ? STATUS_OK
                                   : fault(inquiry->scope, STATUS_INVALID, "url", "expected the code system: url");
}

enum status terminology_validate_in_system(
    struct text *out, struct terminology *terminology, const struct terminology_call *call, struct scope *scope) {
    static const struct subject subject = {SHELF_SYSTEMS, "codeSystem", "url", "version"};
    struct inquiry *inquiry = ARENA_NEW(scope->arena, struct inquiry);
    struct arguments arguments;
    struct shelf_ref system = {0};
    struct codings codings = {0};
    struct judge_question question = {.rule = TERMINOLOGY_CODING};
    struct terminology_answer best = {.message = TEXT("there is no coding")};
    enum status status = arguments_read(&arguments, call, system_names, NULL, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = arguments_inquiry(inquiry, &arguments, terminology);
    bool by_rules = status == STATUS_OK && call->id.size == 0 && arguments_find(&arguments, "codeSystem") == NULL;
    if (status == STATUS_OK && !by_rules) {
        status = subject_find(&system, inquiry, &subject, &arguments, call);
    }
    if (status == STATUS_OK) {
        status = arguments_codings(&codings, &arguments, "url", "version");
    }
    if (status == STATUS_OK) {
        status = read_abstract(&question, &arguments);
    }
    for (size_t i = 0; i < codings.count && status == STATUS_OK && best.verdict != TERMINOLOGY_YES; i++) {
        struct terminology_answer answer = best;
        question.coding = codings.at[i];
        struct text url = arguments_text(&arguments, "url");
        if (question.coding.system.size == 0 && by_rules) {
            question.coding.system = url;
        }
        if (codings.form == CODINGS_CONCEPT && url.size > 0 && !text_equal(url, question.coding.system)) {
            continue; /* a concept may be said in other systems too */
        }
        status = name_system(&question.coding, inquiry, system, "coding");
        if (status == STATUS_OK) {
            status = judge_in_system(&answer, inquiry, &question);
        }
        take_better(&best, &answer, i);
    }
    return status == STATUS_OK ? write_answer(out, inquiry, &best, &question.coding) : status;
}
