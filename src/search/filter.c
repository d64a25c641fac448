#include "search/filter.h"

#include <string.h>

#include "search/kind.h"
#include "search/named.h"
#include "search/sentence.h"
#include "search/words.h"

/* ---- modifiers ----------------------------------------------------------------------------------------------------- */

enum { BIT_ALL = (1 << (FHIR_SEARCH_SPECIAL + 1)) - 1 };
#define BIT(type) (1U << FHIR_SEARCH_##type)

/* https://hl7.org/fhir/R4/search.html#modifiers. All that R4 gives a type is served. */
static const struct {
    const char *name;
    enum modifier modifier;
    unsigned types;
} modifiers[] = {
    {"missing", MODIFIER_MISSING, BIT_ALL}, {"exact", MODIFIER_EXACT, BIT(STRING)},
    {"contains", MODIFIER_CONTAINS, BIT(STRING)}, {"text", MODIFIER_TEXT, BIT(TOKEN) | BIT(REFERENCE)},
    {"not", MODIFIER_NOT, BIT(TOKEN)}, {"in", MODIFIER_IN, BIT(TOKEN)}, {"not-in", MODIFIER_NOT_IN, BIT(TOKEN)},
    {"above", MODIFIER_ABOVE, BIT(TOKEN) | BIT(URI) | BIT(REFERENCE)},
    {"below", MODIFIER_BELOW, BIT(TOKEN) | BIT(URI) | BIT(REFERENCE)}, {"of-type", MODIFIER_OF_TYPE, BIT(TOKEN)},
    {"identifier", MODIFIER_IDENTIFIER, BIT(REFERENCE)},
    {"[type]", MODIFIER_TYPE, BIT(REFERENCE)}, /* the name of a resource type stands for it */
};

const char *filter_modifier_of(enum fhir_search_type type, size_t *position) {
    for (; *position < sizeof modifiers / sizeof modifiers[0]; ++*position) {
        if ((modifiers[*position].types & 1U << type) != 0) {
            return modifiers[(*position)++].name;
        }
    }
    return NULL;
}

static bool modifier_find(enum modifier *out, struct text name, enum fhir_search_type type) {
    for (size_t i = 0; i < sizeof modifiers / sizeof modifiers[0]; i++) {
        if ((modifiers[i].types & 1U << type) != 0 && text_is(name, modifiers[i].name)) {
            *out = modifiers[i].modifier;
            return *out != MODIFIER_TYPE;
        }
    }
    return false;
}

static enum status no_such_modifier(struct planner *planner, const struct criterion *criterion) {
    enum fhir_search_type type = criterion->parameter->type;
    bool is_id = criterion->parameter->role == ROLE_ID; /* a token by name only: it has neither system nor text */
    struct buffer legal = buffer_open(planner->scope->arena, 512);
    buffer_put_string(&legal, is_id ? ":missing, :not" : "");
    const char *name;
    for (size_t at = 0; !is_id && (name = filter_modifier_of(type, &at)) != NULL;) {
        buffer_put_format(&legal, "%s:%s", legal.size > 0 ? ", " : "", name);
    }
    struct text names = buffer_text(&legal);
    return fault(planner->scope, STATUS_INVALID, "", "%.*s: %s have no such modifier; they have %.*s",
        (int)criterion->name.size, criterion->name.at,
        is_id ? "ids" : text_format(planner->scope->arena, "%s parameters", search_type_name(type)).at, (int)names.size,
        names.at);
}

static enum status modifier_read(struct criterion *criterion, struct planner *planner, struct text modifier) {
    const struct parameter *parameter = criterion->parameter;
    criterion->modifier = MODIFIER_NONE;
    if (modifier.at == NULL) {
        return STATUS_OK;
    }
    if (modifier_find(&criterion->modifier, modifier, parameter->type)) {
        bool has_it = parameter->role != ROLE_ID || criterion->modifier == MODIFIER_NOT ||
                      criterion->modifier == MODIFIER_MISSING;
        return has_it ? STATUS_OK : no_such_modifier(planner, criterion);
    }
    fhir_type type = fhir_type_find(modifier);
    if (parameter->type == FHIR_SEARCH_REFERENCE && fhir_resource_number(type) != 0) {
        criterion->modifier = MODIFIER_TYPE;
        criterion->modifier_type = type;
        return STATUS_OK;
    }
    return no_such_modifier(planner, criterion);
}

/* ---- one parameter ------------------------------------------------------------------------------------------------- */

static enum status unknown_parameter(struct planner *planner, fhir_type type, struct text name) {
    return fault(planner->scope, STATUS_INVALID, "", "%.*s: %s has no such search parameter", (int)name.size, name.at,
        type == FHIR_TYPE_NONE ? "a search over all types" : fhir_type_name(type));
}

static enum status list_presence(struct plan_list *list, struct planner *planner, const struct slot_use *use) {
    const struct text unbounded = {NULL, 0};
    static const enum facet elsewhere[] = {FACET_ELSEWHERE, FACET_IDENTIFIER};
    plan_node node;
    enum status status;
    if (use->slot->type != FHIR_SEARCH_REFERENCE) {
        status = plan_range(&node, planner, use->slot, FACET_MAIN, unbounded, unbounded, NULL);
        plan_list_add(planner, list, node);
        return status;
    }
    status = plan_referring(&node, planner, use->slot, use->only);
    plan_list_add(planner, list, node);
    for (size_t i = 0; status == STATUS_OK && use->only == FHIR_TYPE_NONE && i < 2; i++) {
        status = plan_range(&node, planner, use->slot, elsewhere[i], unbounded, unbounded, NULL);
        plan_list_add(planner, list, node);
    }
    return status;
}

static enum status presence_plan(plan_node *out, struct planner *planner, const struct parameter *parameter) {
    struct plan_list list = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < parameter->use_count && status == STATUS_OK; i++) {
        status = list_presence(&list, planner, &parameter->uses[i]);
    }
    *out = plan_union(planner, &list);
    return status;
}

static enum status missing_plan(
    struct filter *out, struct planner *planner, fhir_type type, const struct criterion *criterion) {
    const struct parameter *parameter = criterion->parameter;
    bool wants_missing = text_is(criterion->value, "true");
    if (!wants_missing && !text_is(criterion->value, "false")) {
        return criterion_malformed(planner, criterion, "true or false");
    }
    out->is_bound = true;
    if (parameter->role == ROLE_ID || parameter->role == ROLE_UPDATED) { /* every resource has them */
        out->plan = wants_missing ? plan_none(planner) : plan_type(planner, type);
        return STATUS_OK;
    }
    for (size_t i = 0; i < parameter->use_count; i++) {
        out->is_bound = out->is_bound && parameter->uses[i].slot->resource != FHIR_TYPE_NONE;
    }
    enum status status = presence_plan(&out->plan, planner, parameter);
    if (wants_missing) {
        out->plan = plan_without(planner, plan_type(planner, type), out->plan);
        out->is_bound = true;
    }
    return status;
}

static enum status list_id(
    struct plan_list *list, struct planner *planner, fhir_type type, const struct criterion *criterion) {
    struct text id = value_unescape(planner->scope->arena, criterion->value);
    if (!fhir_id_is_valid(id)) {
        return criterion_malformed(planner, criterion, "an id");
    }
    if (type != FHIR_TYPE_NONE) {
        plan_list_add(planner, list, plan_id(planner, type, id));
        return STATUS_OK;
    }
    for (int number = 1; number <= fhir_resource_count(); number++) {
        plan_list_add(planner, list, plan_id(planner, fhir_resource_type((uint16_t)number), id));
    }
    return STATUS_OK;
}

static enum status list_value(
    struct plan_list *list, struct planner *planner, fhir_type type, const struct criterion *criterion);

/* `url=http://x/a|1` of what has a canonical URL: that URL in that business version
 * (https://hl7.org/fhir/R4/search.html#uri). */
static enum status list_business_version(
    struct plan_list *list, struct planner *planner, fhir_type type, const struct criterion *criterion) {
    const struct parameter *version = catalog_find(planner->search, type, TEXT("version"));
    struct text rest = criterion->value;
    struct text url = value_cut(&rest, '|');
    bool is_asked = criterion->modifier == MODIFIER_NONE && criterion->parameter->type == FHIR_SEARCH_URI &&
                    strcmp(criterion->parameter->code, "url") == 0;
    if (!is_asked || rest.size == 0 || url.size == 0 || version == NULL || version->type != FHIR_SEARCH_TOKEN) {
        return STATUS_OK;
    }
    const struct criterion parts[] = {{.name = criterion->name, .parameter = criterion->parameter, .value = url},
        {.name = criterion->name, .parameter = version, .value = rest}};
    struct plan_list both = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        struct plan_list part = {0};
        status = list_value(&part, planner, type, &parts[i]);
        plan_list_add(planner, &both, plan_union(planner, &part));
    }
    if (status == STATUS_OK) {
        plan_list_add(planner, list, plan_intersect(planner, &both));
    }
    return status;
}

static enum status list_value(
    struct plan_list *list, struct planner *planner, fhir_type type, const struct criterion *criterion) {
    const struct parameter *parameter = criterion->parameter;
    plan_node node;
    enum status status = STATUS_OK;
    if (parameter->role == ROLE_ID) {
        return list_id(list, planner, type, criterion);
    }
    if (parameter->role == ROLE_UPDATED) {
        status = date_updated_plan(&node, planner, criterion);
        if (status == STATUS_OK) {
            plan_list_add(planner, list, node);
        }
        return status;
    }
    for (size_t i = 0; i < parameter->use_count && status == STATUS_OK; i++) {
        const struct slot_use *use = &parameter->uses[i];
        status = kind_of(use->slot->type)->plan(&node, planner, use, criterion);
        if (status == STATUS_OK) {
            plan_list_add(planner, list, node);
        }
    }
    return status == STATUS_OK ? list_business_version(list, planner, type, criterion) : status;
}

static bool is_bound(const struct parameter *parameter, fhir_type type) {
    if (parameter->role == ROLE_ID) {
        return type != FHIR_TYPE_NONE;
    }
    for (size_t i = 0; i < parameter->use_count; i++) {
        if (parameter->uses[i].slot->resource == FHIR_TYPE_NONE) {
            return false;
        }
    }
    return parameter->use_count > 0;
}

static enum status values_plan(
    struct filter *out, struct planner *planner, fhir_type type, struct criterion *criterion) {
    struct plan_list list = {0};
    struct text rest = criterion->value;
    enum status status = STATUS_OK;
    for (int count = 0; rest.at != NULL && status == STATUS_OK; count++) {
        criterion->value = value_cut(&rest, ',');
        if (criterion->value.size == 0) {
            return criterion_malformed(planner, criterion, "a value");
        }
        if (count == VALUES_MAX) {
            return fault(planner->scope, STATUS_TOO_COSTLY, "", "%.*s: more than %d values", (int)criterion->name.size,
                criterion->name.at, VALUES_MAX);
        }
        status = list_value(&list, planner, type, criterion);
        if (status == STATUS_OK) {
            status = planner_check(planner);
        }
    }
    out->plan = plan_union(planner, &list);
    out->is_bound = is_bound(criterion->parameter, type);
    if (status == STATUS_OK && criterion->modifier == MODIFIER_UNEQUAL &&
        criterion->parameter->type == FHIR_SEARCH_REFERENCE) {
        plan_node present;
        status = presence_plan(&present, planner, criterion->parameter);
        out->plan = plan_without(planner, present, out->plan);
    }
    if (criterion->modifier == MODIFIER_NOT || criterion->modifier == MODIFIER_NOT_IN) {
        out->plan = plan_without(planner, plan_type(planner, type), out->plan);
        out->is_bound = true;
    }
    return status;
}

/* _text, _content: a language of its own. In a URL they take no modifier; `eq` and `co` of _filter are as good. */
static enum status words_criterion(struct filter *out, struct planner *planner, const struct criterion *criterion) {
    enum modifier modifier = criterion->modifier;
    if (modifier != MODIFIER_NONE && modifier != MODIFIER_EQUAL && modifier != MODIFIER_CONTAINS) {
        return fault(planner->scope, STATUS_INVALID, "", "%.*s: words are searched with eq and co only",
            (int)criterion->name.size, criterion->name.at);
    }
    out->is_bound = false;
    return words_plan(&out->plan, planner, criterion);
}

enum status filter_criterion(struct filter *out, struct planner *planner, fhir_type type, struct criterion *criterion) {
    if (criterion->parameter->role == ROLE_WORDS) {
        return words_criterion(out, planner, criterion);
    }
    return criterion->modifier == MODIFIER_MISSING ? missing_plan(out, planner, type, criterion)
                                                   : values_plan(out, planner, type, criterion);
}

static enum status parameter_plan(
    struct filter *out, struct planner *planner, fhir_type type, struct text name, struct text value) {
    struct text modifier = name;
    struct text code = text_cut(&modifier, ':');
    struct criterion criterion = {.name = name, .parameter = catalog_find(planner->search, type, code), .value = value};
    if (criterion.parameter == NULL) {
        return unknown_parameter(planner, type, name);
    }
    if (criterion.parameter->role == ROLE_UNSERVED) {
        return fault(planner->scope, STATUS_UNSUPPORTED, "", "%.*s: this search parameter is not served",
            (int)name.size, name.at);
    }
    if (value.size == 0) {
        return criterion_malformed(planner, &criterion, "a value");
    }
    if (criterion.parameter->role == ROLE_WORDS && modifier.at != NULL) {
        return fault(
            planner->scope, STATUS_INVALID, "", "%.*s: a search for words takes no modifier", (int)name.size, name.at);
    }
    enum status status = modifier_read(&criterion, planner, modifier);
    return status == STATUS_OK ? filter_criterion(out, planner, type, &criterion) : status;
}

/* _list=id: what the list's items name; _list=$name: a functional list. */
static enum status list_members_plan(
    struct filter *out, struct planner *planner, fhir_type type, struct text name, struct text value) {
    fhir_type list_type = fhir_type_find(TEXT("List"));
    const struct parameter *item = catalog_find(planner->search, list_type, TEXT("item"));
    struct plan_list lists = {0}, all = {0};
    for (struct text rest = value; rest.at != NULL;) {
        struct text id = value_cut(&rest, ',');
        if (text_starts(id, "$")) {
            enum status status = named_list_plan(out, planner, type, id);
            if (status != STATUS_OK) {
                return status;
            }
            plan_list_add(planner, &all, out->plan);
            continue;
        }
        if (text_starts(id, "List/")) {
            id = (struct text){id.at + 5, id.size - 5};
        }
        if (!fhir_id_is_valid(id)) {
            return fault(
                planner->scope, STATUS_INVALID, "", "%.*s: expected the id of a List", (int)name.size, name.at);
        }
        plan_list_add(planner, &lists, plan_id(planner, list_type, id));
    }
    invariant(item != NULL && item->use_count > 0);
    enum status status = STATUS_OK;
    if (lists.count > 0) {
        plan_node members;
        status = plan_targets(&members, planner, item->uses[0].slot, plan_union(planner, &lists));
        plan_list_add(planner, &all, members);
    }
    *out = (struct filter){plan_union(planner, &all), type != FHIR_TYPE_NONE && lists.count == 0};
    return status;
}

/* ---- chains -------------------------------------------------------------------------------------------------------- */

static enum status deeper(struct planner *planner, struct text name) {
    if (++planner->depth > CHAIN_DEPTH_MAX) {
        return fault(planner->scope, STATUS_TOO_COSTLY, "", "%.*s: more than %d links", (int)name.size, name.at,
            CHAIN_DEPTH_MAX);
    }
    return planner_check(planner);
}

/* The resources of `type` that the rest of a chain or _has describes, and no others. */
static enum status described_plan(
    plan_node *out, struct planner *planner, fhir_type type, struct text name, const struct chain_rest *rest) {
    struct filter filter;
    enum status status = deeper(planner, name);
    if (status == STATUS_OK) {
        status = rest->plan(&filter, planner, type, rest->context);
    }
    planner->depth--;
    if (status != STATUS_OK) {
        return status;
    }
    *out = filter.plan;
    if (!filter.is_bound) {
        struct plan_list list = {0};
        plan_list_add(planner, &list, filter.plan);
        plan_list_add(planner, &list, plan_type(planner, type));
        *out = plan_intersect(planner, &list);
    }
    return status;
}

static bool reaches(const struct parameter *parameter, const struct slot_use *use, fhir_type type) {
    if (use->only != FHIR_TYPE_NONE && use->only != type) {
        return false;
    }
    for (int i = 0; i < parameter->definition->target_count; i++) {
        if (fhir_type_is(type, parameter->definition->targets[i])) {
            return true;
        }
    }
    return parameter->definition->target_count == 0;
}

static struct text first_code(struct text name) {
    size_t size = 0;
    while (size < name.size && name.at[size] != ':' && name.at[size] != '.') {
        size++;
    }
    return (struct text){name.at, size};
}

/* The rest of a chain as its name and value. */
struct named_rest {
    struct text name, value;
};

static bool named_is_known(struct planner *planner, fhir_type type, const void *context) {
    const struct named_rest *rest = context;
    struct text code = first_code(rest->name);
    if (text_is(code, "_filter")) {
        return sentence_is_known(planner, type, rest->value);
    }
    if (text_is(code, "_list")) {
        return !text_starts(rest->value, "$") || named_list_concerns(type, rest->value);
    }
    return text_is(code, "_has") || catalog_find(planner->search, type, code) != NULL;
}

static enum status named_plan(struct filter *out, struct planner *planner, fhir_type type, const void *context) {
    const struct named_rest *rest = context;
    return filter_plan(out, planner, type, rest->name, rest->value);
}

/* The resources that a link of a chain may lead to and that have the rest. */
static enum status link_plan(plan_node *out, size_t *types_out, struct planner *planner, const struct chain_link *link,
    const struct slot_use *use, const struct chain_rest *rest) {
    struct plan_list list = {0};
    enum status status = STATUS_OK;
    for (int number = 1; number <= fhir_resource_count() && status == STATUS_OK; number++) {
        fhir_type type = fhir_resource_type((uint16_t)number);
        bool is_wanted = link->wanted == FHIR_TYPE_NONE || link->wanted == type;
        if (is_wanted && reaches(link->parameter, use, type) && rest->is_known(planner, type, rest->context)) {
            plan_node node;
            status = described_plan(&node, planner, type, link->name, rest);
            if (status == STATUS_OK) {
                plan_list_add(planner, &list, node);
                ++*types_out;
            }
        }
    }
    *out = plan_union(planner, &list);
    return status;
}

enum status filter_chain(struct filter *out, struct planner *planner, fhir_type type, const struct chain_link *link,
    const struct chain_rest *rest) {
    const struct parameter *parameter = link->parameter;
    struct plan_list list = {0};
    size_t types = 0;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < parameter->use_count && status == STATUS_OK; i++) {
        plan_node described, node;
        status = link_plan(&described, &types, planner, link, &parameter->uses[i], rest);
        if (status == STATUS_OK) {
            status = plan_sources(&node, planner, parameter->uses[i].slot, described);
            plan_list_add(planner, &list, node);
        }
    }
    if (status == STATUS_OK && types == 0) {
        return fault(planner->scope, STATUS_INVALID, "", "%.*s: nothing it leads to has such a search parameter",
            (int)link->name.size, link->name.at);
    }
    *out = (struct filter){plan_union(planner, &list), is_bound(parameter, type)};
    return status;
}

static enum status chain_plan(
    struct filter *out, struct planner *planner, fhir_type type, struct text name, struct text value) {
    struct text rest = name;
    struct text target = text_cut(&rest, '.');
    struct text code = text_cut(&target, ':');
    struct chain_link link = {.name = name, .parameter = catalog_find(planner->search, type, code)};
    if (link.parameter == NULL) {
        return unknown_parameter(planner, type, name);
    }
    link.wanted = target.at == NULL ? FHIR_TYPE_NONE : fhir_type_find(target);
    bool is_known = target.at == NULL || fhir_resource_number(link.wanted) != 0;
    if (link.parameter->type != FHIR_SEARCH_REFERENCE || !is_known) {
        return fault(planner->scope, STATUS_INVALID, "", "%.*s: a chain goes along references, to resource types",
            (int)name.size, name.at);
    }
    const struct named_rest named = {rest, value};
    return filter_chain(out, planner, type, &link, &(const struct chain_rest){named_is_known, named_plan, &named});
}

/* _has:Observation:patient:code=x: what a reference `patient` of such Observations points at. */
static enum status has_plan(
    struct filter *out, struct planner *planner, fhir_type type, struct text name, struct text value) {
    struct text rest = name;
    (void)text_cut(&rest, ':');
    fhir_type source = fhir_type_find(text_cut(&rest, ':'));
    struct text code = text_cut(&rest, ':');
    if (fhir_resource_number(source) == 0 || code.size == 0 || rest.size == 0 || type == FHIR_TYPE_NONE) {
        return fault(planner->scope, STATUS_INVALID, "", "%.*s: expected _has:Type:reference:parameter, of one type",
            (int)name.size, name.at);
    }
    const struct parameter *parameter = catalog_find(planner->search, source, code);
    if (parameter == NULL || parameter->type != FHIR_SEARCH_REFERENCE) {
        return unknown_parameter(planner, source, name);
    }
    plan_node described, node;
    const struct named_rest named = {rest, value};
    const struct chain_rest what = {named_is_known, named_plan, &named};
    enum status status = described_plan(&described, planner, source, name, &what);
    struct plan_list list = {0};
    for (size_t i = 0; i < parameter->use_count && status == STATUS_OK; i++) {
        if (reaches(parameter, &parameter->uses[i], type)) {
            status = plan_targets(&node, planner, parameter->uses[i].slot, described);
            plan_list_add(planner, &list, node);
        }
    }
    if (status == STATUS_OK && list.count == 0) {
        return fault(planner->scope, STATUS_INVALID, "", "%.*s: that reference never leads to a %s", (int)name.size,
            name.at, fhir_type_name(type));
    }
    *out = (struct filter){plan_union(planner, &list), false};
    return status;
}

enum status filter_plan(
    struct filter *out, struct planner *planner, fhir_type type, struct text name, struct text value) {
    if (value.size > VALUE_SIZE_MAX) {
        return fault(planner->scope, STATUS_TOO_COSTLY, "", "%.*s: a value of more than %d bytes", (int)name.size,
            name.at, VALUE_SIZE_MAX);
    }
    if (text_is(name, "_filter")) {
        return sentence_plan(out, planner, type, value);
    }
    if (text_starts(name, "_has:")) {
        return has_plan(out, planner, type, name, value);
    }
    if (name.size > 0 && memchr(name.at, '.', name.size) != NULL) {
        return chain_plan(out, planner, type, name, value);
    }
    if (text_is(name, "_list")) {
        return list_members_plan(out, planner, type, name, value);
    }
    return parameter_plan(out, planner, type, name, value);
}

bool filter_is_shared(const struct search *search, struct text name) {
    struct text code = first_code(name);
    if (text_is(code, "_list")) {
        return true;
    }
    const struct parameter *parameter = catalog_find(search, FHIR_TYPE_NONE, code);
    return parameter != NULL && (name.size == code.size || name.at[code.size] == ':');
}

/* ---- compartments -------------------------------------------------------------------------------------------------- */

enum { COMPARTMENT_PARAMETERS_MAX = 32 };

bool filter_has_compartment(fhir_type owner, fhir_type type) {
    return type == owner || fhir_compartment_parameters(NULL, 0, owner, type) > 0;
}

enum status filter_compartment(
    plan_node *out, struct planner *planner, fhir_type type, fhir_type owner, struct text id) {
    const char *codes[COMPARTMENT_PARAMETERS_MAX];
    int count = fhir_compartment_parameters(codes, COMPARTMENT_PARAMETERS_MAX, owner, type);
    invariant(count <= COMPARTMENT_PARAMETERS_MAX);
    struct plan_list list = {0};
    enum status status = STATUS_OK;
    if (type == owner) {
        plan_list_add(planner, &list, id.size == 0 ? plan_type(planner, owner) : plan_id(planner, owner, id));
    }
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        const struct parameter *parameter = catalog_find(planner->search, type, text_from(codes[i]));
        for (size_t u = 0; parameter != NULL && u < parameter->use_count && status == STATUS_OK; u++) {
            const struct slot_use *use = &parameter->uses[u];
            if (use->slot->type == FHIR_SEARCH_REFERENCE && (use->only == FHIR_TYPE_NONE || use->only == owner)) {
                plan_node node;
                status = id.size == 0 ? plan_referring(&node, planner, use->slot, owner)
                                      : plan_sources_of(&node, planner, use->slot, owner, id);
                plan_list_add(planner, &list, node);
            }
        }
    }
    *out = plan_union(planner, &list);
    return status;
}
