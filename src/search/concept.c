/* The token modifiers that need to know what codes mean: :in, :not-in, :below, :above. Each value becomes the union of the
 * codes that the terminology module finds for it. */
#include "search/kind.h"

static enum status plan_codes(
    plan_node *out, struct planner *planner, struct slot *slot, const struct terminology_codes *codes) {
    struct plan_list list = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < codes->count && status == STATUS_OK; i++) {
        const struct token_query query = {.system = codes->at[i].system, .code = codes->at[i].code};
        plan_node node;
        status = token_plan_in(&node, planner, slot, FACET_MAIN, &query);
        if (status == STATUS_OK) {
            plan_list_add(planner, &list, node);
            status = planner_check(planner);
        }
    }
    for (size_t i = 0; i < codes->whole_count && status == STATUS_OK; i++) {
        const struct token_query query = {.system = codes->whole_systems[i], .any_code = true};
        plan_node node;
        status = token_plan_in(&node, planner, slot, FACET_MAIN, &query);
        if (status == STATUS_OK) {
            plan_list_add(planner, &list, node);
        }
    }
    *out = plan_union(planner, &list);
    return status;
}

static enum status find_relatives(
    struct terminology_codes *out, struct planner *planner, const struct criterion *criterion) {
    struct token_query query;
    enum status status = token_query_read(&query, planner, criterion);
    if (status == STATUS_OK && (query.any_system || query.any_code || query.system.size == 0)) {
        return criterion_malformed(planner, criterion, "system|code");
    }
    const struct terminology_coding coding = {.system = query.system, .code = query.code};
    enum terminology_direction direction =
        criterion->modifier == MODIFIER_BELOW ? TERMINOLOGY_BELOW : TERMINOLOGY_ABOVE;
    return status == STATUS_OK
               ? terminology_relatives(out, planner->search->terminology, &coding, direction, planner->scope)
               : status;
}

/* What is not known here is the query's fault: nothing is answered for it rather than something wrong. */
enum status concept_plan(
    plan_node *out, struct planner *planner, struct slot *slot, const struct criterion *criterion) {
    struct terminology *terminology = planner->search->terminology;
    struct text name = criterion->name;
    struct terminology_codes codes;
    enum status status;
    if (terminology == NULL) {
        return fault(
            planner->scope, STATUS_UNSUPPORTED, "", "%.*s: this search has no code systems", (int)name.size, name.at);
    }
    if (criterion->modifier == MODIFIER_IN || criterion->modifier == MODIFIER_NOT_IN) {
        struct text value_set = value_unescape(planner->scope->arena, criterion->value);
        status = terminology_codes(&codes, terminology, value_set, planner->scope);
    } else {
        status = find_relatives(&codes, planner, criterion);
    }
    if (status == STATUS_NOT_FOUND) {
        return STATUS_INVALID;
    }
    return status == STATUS_OK ? plan_codes(out, planner, slot, &codes) : status;
}
