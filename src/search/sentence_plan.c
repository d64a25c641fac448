#include <string.h>

#include "search/kind.h"
#include "search/sentence.h"

/* ---- operators ----------------------------------------------------------------------------------------------------- */

#define BIT(type) (1U << FHIR_SEARCH_##type)
#define COMPARED (BIT(NUMBER) | BIT(DATE) | BIT(QUANTITY))
#define NAMED (BIT(TOKEN) | BIT(REFERENCE) | BIT(URI))

/* What each operator means is what a modifier or a prefix means that a query has, too, or one that only _filter has. */
static const struct sentence_operator {
    const char *name;
    unsigned types;
    enum modifier modifier;
    const char *prefix;
} operators[] = {
    {"eq", COMPARED, MODIFIER_NONE, "eq"},
    {"eq", NAMED | BIT(COMPOSITE) | BIT(SPECIAL), MODIFIER_NONE, ""},
    {"eq", BIT(STRING), MODIFIER_EQUAL, ""},
    {"ne", COMPARED, MODIFIER_NONE, "ne"},
    {"ne", NAMED | BIT(STRING), MODIFIER_UNEQUAL, ""},
    {"co", BIT(STRING) | BIT(URI), MODIFIER_CONTAINS, ""},
    {"sw", BIT(STRING) | BIT(URI), MODIFIER_STARTS, ""},
    {"ew", BIT(STRING) | BIT(URI), MODIFIER_ENDS, ""},
    {"gt", COMPARED, MODIFIER_NONE, "gt"},
    {"lt", COMPARED, MODIFIER_NONE, "lt"},
    {"ge", COMPARED, MODIFIER_NONE, "ge"},
    {"le", COMPARED, MODIFIER_NONE, "le"},
    {"ap", COMPARED, MODIFIER_NONE, "ap"},
    {"sa", COMPARED, MODIFIER_NONE, "sa"},
    {"eb", COMPARED, MODIFIER_NONE, "eb"},
    {"pr", COMPARED | NAMED | BIT(STRING) | BIT(COMPOSITE) | BIT(SPECIAL), MODIFIER_MISSING, ""},
    {"po", BIT(DATE), MODIFIER_OVERLAPS, ""},
    {"ss", BIT(TOKEN), MODIFIER_BELOW, ""},
    {"sb", BIT(TOKEN), MODIFIER_ABOVE, ""},
    {"in", BIT(TOKEN), MODIFIER_IN, ""},
    {"ni", BIT(TOKEN), MODIFIER_NOT_IN, ""},
    {"re", BIT(REFERENCE), MODIFIER_NONE, ""},
};

const char *sentence_operator_of(enum fhir_search_type type, size_t *position) {
    for (; *position < sizeof operators / sizeof operators[0]; ++*position) {
        if ((operators[*position].types & 1U << type) != 0) {
            return operators[(*position)++].name;
        }
    }
    return NULL;
}

static const struct sentence_operator *operator_find(struct text name, enum fhir_search_type type) {
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if ((operators[i].types & 1U << type) != 0 && text_is(name, operators[i].name)) {
            return &operators[i];
        }
    }
    return NULL;
}

static enum status no_such_operator(
    struct planner *planner, const struct sentence *test, const struct parameter *parameter) {
    struct buffer legal = buffer_open(planner->scope->arena, 256);
    const char *name;
    for (size_t at = 0; (name = sentence_operator_of(parameter->type, &at)) != NULL;) {
        buffer_put_format(&legal, "%s%s", legal.size > 0 ? ", " : "", name);
    }
    struct text names = buffer_text(&legal);
    return fault(planner->scope, STATUS_INVALID, "",
        "_filter: no such operator at character %zu; %s parameters have %.*s", test->operator_at,
        search_type_name(parameter->type), (int)names.size, names.at);
}

/* ---- one test ------------------------------------------------------------------------------------------------------ */

/* A value of _filter is one value: what separates values in a query is guarded, but for what separates a value's parts. */
static struct text guarded(struct planner *planner, const char *prefix, struct text value, enum fhir_search_type type) {
    struct buffer out = buffer_open(planner->scope->arena, value.size * 2 + 4);
    buffer_put_string(&out, prefix);
    for (size_t i = 0; i < value.size; i++) {
        char c = value.at[i];
        bool is_guarded = c == ',' || c == '\\' || (c == '$' && type != FHIR_SEARCH_COMPOSITE);
        if (is_guarded) {
            buffer_put_char(&out, '\\');
        }
        buffer_put_char(&out, c);
    }
    return buffer_text(&out);
}

static enum status presence_value(struct text *out, struct planner *planner, const struct sentence *test) {
    bool is_true = text_is(test->value, "true");
    if (!is_true && !text_is(test->value, "false")) {
        return fault(
            planner->scope, STATUS_INVALID, "", "_filter: expected true or false at character %zu", test->value_at);
    }
    *out = is_true ? TEXT("false") : TEXT("true"); /* of :missing */
    return STATUS_OK;
}

static enum status find_parameter(
    const struct parameter **out, struct planner *planner, fhir_type type, const struct sentence_link *link) {
    *out = catalog_find(planner->search, type, link->name);
    if (*out == NULL) {
        return fault(planner->scope, STATUS_INVALID, "", "_filter: %s has no search parameter %.*s at character %zu",
            type == FHIR_TYPE_NONE ? "a search over all types" : fhir_type_name(type), (int)link->name.size,
            link->name.at, link->at);
    }
    if ((*out)->role == ROLE_UNSERVED) {
        return fault(planner->scope, STATUS_UNSUPPORTED, "",
            "_filter: the search parameter at character %zu is not served", link->at);
    }
    return STATUS_OK;
}

static enum status test_plan(struct filter *out, struct planner *planner, fhir_type type, const struct sentence *test) {
    const struct sentence_link *link = &test->path[test->path_count - 1];
    const struct parameter *parameter;
    enum status status = find_parameter(&parameter, planner, type, link);
    if (status != STATUS_OK) {
        return status;
    }
    const struct sentence_operator *operator= operator_find(test->operator, parameter->type);
    bool is_id = parameter->role == ROLE_ID;
    if (operator== NULL ||(is_id &&strchr("enp", operator->name[0]) == NULL)) {
        return no_such_operator(planner, test, parameter);
    }
    struct criterion criterion = {.parameter = parameter,
        .modifier = operator->modifier,
        .name = text_format(planner->scope->arena, "_filter: %s at character %zu", parameter->code, test->value_at)};
    if (is_id && criterion.modifier == MODIFIER_UNEQUAL) {
        criterion.modifier = MODIFIER_NOT; /* there is one id only */
    }
    if (criterion.modifier == MODIFIER_MISSING) {
        status = presence_value(&criterion.value, planner, test);
    } else {
        criterion.value = guarded(planner, operator->prefix, test->value, parameter->type);
    }
    return status == STATUS_OK ? filter_criterion(out, planner, type, &criterion) : status;
}

/* ---- paths --------------------------------------------------------------------------------------------------------- */

/* A test from the link `first` on. */
struct path_rest {
    const struct sentence *test;
    size_t first;
};

static bool is_known(struct planner *planner, fhir_type type, const struct sentence *sentence) {
    if (sentence->kind == SENTENCE_TEST) {
        return catalog_find(planner->search, type, sentence->path[0].name) != NULL;
    }
    for (size_t i = 0; i < sentence->part_count; i++) {
        if (!is_known(planner, type, sentence->parts[i])) {
            return false;
        }
    }
    return true;
}

static bool rest_is_known(struct planner *planner, fhir_type type, const void *context) {
    const struct path_rest *rest = context;
    const struct sentence *filter = rest->test->path[rest->first - 1].filter;
    return catalog_find(planner->search, type, rest->test->path[rest->first].name) != NULL &&
           (filter == NULL || is_known(planner, type, filter));
}

static enum status tree_plan(
    struct filter *out, struct planner *planner, fhir_type type, const struct sentence *sentence);
static enum status path_plan(struct filter *out, struct planner *planner, fhir_type type, const struct path_rest *rest);

/* What a reference leads to: what the brackets say of it, and the rest of the path. */
static enum status rest_plan(struct filter *out, struct planner *planner, fhir_type type, const void *context) {
    const struct path_rest *rest = context;
    const struct sentence *filter = rest->test->path[rest->first - 1].filter;
    enum status status = path_plan(out, planner, type, rest);
    if (status != STATUS_OK || filter == NULL) {
        return status;
    }
    struct filter bracketed;
    status = tree_plan(&bracketed, planner, type, filter);
    if (status != STATUS_OK) {
        return status;
    }
    struct plan_list both = {0};
    plan_list_add(planner, &both, bracketed.plan);
    plan_list_add(planner, &both, out->plan);
    *out = (struct filter){plan_intersect(planner, &both), out->is_bound || bracketed.is_bound};
    return status;
}

static enum status path_plan(
    struct filter *out, struct planner *planner, fhir_type type, const struct path_rest *rest) {
    const struct sentence *test = rest->test;
    if (rest->first + 1 == test->path_count) {
        return test_plan(out, planner, type, test);
    }
    const struct sentence_link *here = &test->path[rest->first];
    const struct parameter *parameter;
    enum status status = find_parameter(&parameter, planner, type, here);
    if (status != STATUS_OK) {
        return status;
    }
    if (parameter->type != FHIR_SEARCH_REFERENCE) {
        return fault(planner->scope, STATUS_INVALID, "",
            "_filter: a path goes along references, and %s at character %zu is none", parameter->code, here->at);
    }
    const struct chain_link link = {
        .name = text_format(planner->scope->arena, "_filter: %s at character %zu", parameter->code, here->at),
        .parameter = parameter};
    const struct path_rest behind = {test, rest->first + 1};
    return filter_chain(out, planner, type, &link, &(const struct chain_rest){rest_is_known, rest_plan, &behind});
}

/* ---- the whole ----------------------------------------------------------------------------------------------------- */

static enum status parts_plan(
    struct filter *out, struct planner *planner, fhir_type type, const struct sentence *sentence) {
    struct plan_list list = {0};
    bool any_bound = false, all_bound = true;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sentence->part_count && status == STATUS_OK; i++) {
        struct filter part;
        status = tree_plan(&part, planner, type, sentence->parts[i]);
        if (status == STATUS_OK) {
            plan_list_add(planner, &list, part.plan);
            any_bound = any_bound || part.is_bound;
            all_bound = all_bound && part.is_bound;
            status = planner_check(planner);
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (sentence->kind == SENTENCE_NOT) {
        *out = (struct filter){plan_without(planner, plan_type(planner, type), list.at[0]), true};
    } else if (sentence->kind == SENTENCE_AND) {
        *out = (struct filter){plan_intersect(planner, &list), any_bound};
    } else {
        *out = (struct filter){plan_union(planner, &list), all_bound};
    }
    return status;
}

static enum status tree_plan(
    struct filter *out, struct planner *planner, fhir_type type, const struct sentence *sentence) {
    const struct path_rest whole = {sentence, 0};
    return sentence->kind == SENTENCE_TEST ? path_plan(out, planner, type, &whole)
                                           : parts_plan(out, planner, type, sentence);
}

bool sentence_is_known(struct planner *planner, fhir_type type, struct text text) {
    struct scope trial = {.arena = planner->scope->arena, .deadline_us = planner->scope->deadline_us};
    const struct sentence *sentence;
    return sentence_read(&sentence, text, &trial) != STATUS_OK || is_known(planner, type, sentence);
}

enum status sentence_plan(struct filter *out, struct planner *planner, fhir_type type, struct text text) {
    const struct sentence *sentence;
    enum status status = sentence_read(&sentence, text, planner->scope);
    return status == STATUS_OK ? tree_plan(out, planner, type, sentence) : status;
}
