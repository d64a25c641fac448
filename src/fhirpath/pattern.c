#include "fhirpath/pattern.h"

#include "fhirpath/functions.h"
#include "fhirpath/value.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

enum {
    MATCH_EFFORT_MAX = 1000000,
    MATCH_DEPTH_MAX = 2000,
    MATCH_HEAP_MAX_KIB = 16 * 1024,
    REPLACED_SIZE_MAX = 1024 * 1024
};
enum { PATTERN_SIZE_MAX = 16 * 1024 };

struct pattern {
    pcre2_code *code;
};

bool pattern_is_argument_of(const struct function *function) {
    return function->run == matches_run || function->run == replace_matches_run;
}

static void close_code(void *code) {
    pcre2_code_free(code);
}

/* A dot matches a line's end too (FHIRPath 5.6.9: single-line mode). */
enum status pattern_compile(
    const struct pattern **out, struct text source, const struct function *function, struct scope *scope) {
    uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C;
    int error = 0;
    PCRE2_SIZE at = 0;
    if (function->detail == PATTERN_FULL) {
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    }
    if (source.size > PATTERN_SIZE_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, "", "FHIRPath: a regular expression over %d bytes", PATTERN_SIZE_MAX);
    }
    struct pattern *pattern = ARENA_NEW(scope->arena, struct pattern);
    pattern->code =
        pcre2_compile((PCRE2_SPTR)(source.size > 0 ? source.at : ""), source.size, options, &error, &at, NULL);
    if (pattern->code == NULL) {
        return fault(
            scope, STATUS_INVALID, "", "FHIRPath: a regular expression is wrong at its character %zu", (size_t)at);
    }
    arena_defer(scope->arena, close_code, pattern->code);
    *out = pattern;
    return STATUS_OK;
}

static pcre2_match_context *match_limits(void) {
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    if (context != NULL) {
        pcre2_set_match_limit(context, MATCH_EFFORT_MAX);
        pcre2_set_depth_limit(context, MATCH_DEPTH_MAX);
        pcre2_set_heap_limit(context, MATCH_HEAP_MAX_KIB);
    }
    return context;
}

/* What a call starts with: the input, and the pattern compiled now or before. */
struct matching {
    struct text input;
    const struct pattern *pattern;
};

static enum status start_matching(struct matching *out, enum presence *presence, const struct call *call) {
    struct text source = TEXT("");
    enum presence has_source = PRESENT;
    enum status status = call_text(&out->input, presence, call, call->input);
    out->pattern = call->node->pattern;
    if (status == STATUS_OK && out->pattern == NULL) {
        status = call_argument_text(&source, &has_source, call, 0);
    }
    if (status != STATUS_OK || *presence == ABSENT || has_source == ABSENT) {
        *presence = ABSENT;
        return status;
    }
    if (out->input.size == 0) {
        out->input = TEXT("");
    }
    return out->pattern != NULL ? STATUS_OK
                                : pattern_compile(&out->pattern, source, call->node->function, call->machine->scope);
}

static enum status match_fault(const struct call *call, int code) {
    bool costly = code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT || code == PCRE2_ERROR_HEAPLIMIT ||
                  code == PCRE2_ERROR_NOMEMORY;
    return costly ? fault(call->machine->scope, STATUS_TOO_COSTLY, "",
                        "FHIRPath, column %u: a regular expression took too much effort", (unsigned)call->node->column)
                  : machine_fault(call->machine, call->node, "a regular expression failed");
}

/* Nothing between creation and release takes from the arena, which might leave by its escape. */
static int match_once(const struct matching *matching) {
    int code = PCRE2_ERROR_NOMEMORY;
    pcre2_match_context *context = match_limits();
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(matching->pattern->code, NULL);
    if (context != NULL && data != NULL) {
        code = pcre2_match(
            matching->pattern->code, (PCRE2_SPTR)matching->input.at, matching->input.size, 0, 0, data, context);
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    return code;
}

enum status matches_run(struct collection *out, const struct call *call) {
    struct matching matching;
    enum presence presence;
    enum status status = start_matching(&matching, &presence, call);
    if (status != STATUS_OK || presence == ABSENT) {
        return status;
    }
    int code = match_once(&matching);
    if (code < 0 && code != PCRE2_ERROR_NOMATCH) {
        return match_fault(call, code);
    }
    return give_boolean(out, call, code != PCRE2_ERROR_NOMATCH);
}

static int substitute_once(PCRE2_UCHAR *at, PCRE2_SIZE *made, const struct matching *matching, struct text with) {
    uint32_t options = PCRE2_SUBSTITUTE_GLOBAL | PCRE2_SUBSTITUTE_UNSET_EMPTY | PCRE2_SUBSTITUTE_OVERFLOW_LENGTH;
    pcre2_match_context *context = match_limits();
    int code = context == NULL
                   ? PCRE2_ERROR_NOMEMORY
                   : pcre2_substitute(matching->pattern->code, (PCRE2_SPTR)matching->input.at, matching->input.size, 0,
                         options, NULL, context, (PCRE2_SPTR)(with.size > 0 ? with.at : ""), with.size, at, made);
    pcre2_match_context_free(context);
    return code;
}

static enum status substitute(
    struct text *out, const struct call *call, const struct matching *matching, struct text with) {
    PCRE2_SIZE size = matching->input.size * 2 + with.size + 256;
    while (size <= REPLACED_SIZE_MAX) {
        PCRE2_SIZE made = size;
        char *at = arena_alloc(call->machine->scope->arena, size);
        int code = substitute_once((PCRE2_UCHAR *)at, &made, matching, with);
        if (code >= 0) {
            *out = (struct text){at, made};
            return STATUS_OK;
        }
        if (code != PCRE2_ERROR_NOMEMORY || made <= size) {
            return match_fault(call, code);
        }
        size = made; /* what it would have needed */
    }
    return match_fault(call, PCRE2_ERROR_NOMEMORY);
}

/* In the replacement $1 and ${name} stand for groups. An empty expression replaces nothing (R4 suite, testReplaceMatches2). */
enum status replace_matches_run(struct collection *out, const struct call *call) {
    struct matching matching;
    struct text with, result;
    enum presence presence, has_with;
    enum status status = start_matching(&matching, &presence, call);
    if (status == STATUS_OK && presence == PRESENT) {
        status = call_argument_text(&with, &has_with, call, 1);
    }
    if (status != STATUS_OK || presence == ABSENT || has_with == ABSENT) {
        return status;
    }
    const struct node *source = call->node->argument[0];
    if (source->kind == NODE_LITERAL && source->literal.text.size == 0) {
        return give_text(out, call, FHIRPATH_STRING, matching.input);
    }
    status = substitute(&result, call, &matching, with);
    return status != STATUS_OK ? status : give_text(out, call, FHIRPATH_STRING, result);
}
