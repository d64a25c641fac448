#include "search/named.h"

#include <string.h>

#include "search/search.h"

enum { PAIRS_MAX = 4, NAMED_PARTS_MAX = 2 };

struct named_pair {
    const char *name, *value;
};
/* What it holds of one type: all pairs agree. */
struct named_part {
    const char *type;
    struct named_pair pairs[PAIRS_MAX];
};
struct named {
    const char *name, *definition; /* definition: canonical of a query's OperationDefinition */
    struct named_part parts[NAMED_PARTS_MAX];
};

/* ---- functional lists ---------------------------------------------------------------------------------------------- */

#define NOT_DENIED                                                                                                     \
    { "verification-status:not", "refuted,entered-in-error" }

static const struct named lists[] = {
    /* A condition without a status, as encounters' diagnoses may be, is current until it has abated. */
    {"$current-problems", NULL,
        {{"Condition",
            {{"_filter", "clinical-status eq active or clinical-status eq recurrence or clinical-status eq relapse or "
                         "(clinical-status pr false and abatement-date pr false and abatement-age pr false and "
                         "abatement-string pr false)"},
                NOT_DENIED}}}},
    /* What is taken, and what is ordered (not what is proposed or planned). */
    {"$current-medications", NULL,
        {{"MedicationStatement", {{"status", "active"}}},
            {"MedicationRequest", {{"status", "active"}, {"intent:not", "proposal,plan,option"}}}}},
    {"$current-allergies", NULL, {{"AllergyIntolerance", {{"clinical-status:not", "inactive,resolved"}, NOT_DENIED}}}},
    /* Without a category it may be a drug. */
    {"$current-drug-allergies", NULL,
        {{"AllergyIntolerance",
            {{"clinical-status:not", "inactive,resolved"}, NOT_DENIED,
                {"_filter", "category eq medication or category eq biologic or category pr false"}}}}},
};

/* ---- named queries ------------------------------------------------------------------------------------------------- */

#define DEFINITION(name) "https://fhir.soyang.example/OperationDefinition/" name
/* The loop of a referral that has not ended: docs/referral.md. */
#define OPEN_LOOP                                                                                                      \
    "code eq http://hl7.org/fhir/CodeSystem/task-code|fulfill and focus pr true and part-of pr false and not(status "  \
    "eq completed or "                                                                                                 \
    "status eq cancelled or status eq failed or status eq rejected or status eq entered-in-error)"

static const struct named queries[] = {
    {"open-referrals", DEFINITION("Task-open-referrals"), {{"Task", {{"_filter", OPEN_LOOP}}}}},
    {"in-referral", DEFINITION("Patient-in-referral"), {{"Patient", {{"_has:Task:patient:_filter", OPEN_LOOP}}}}},
    {"open-visits", DEFINITION("Encounter-open-visits"),
        {{"Encounter", {{"status", "arrived,triaged,in-progress,onleave"}}}}},
};

/* ---- finding ------------------------------------------------------------------------------------------------------- */

#define COUNT_OF(table) (sizeof(table) / sizeof(table)[0])

static const struct named *named_find(const struct named *table, size_t count, struct text name) {
    for (size_t i = 0; i < count; i++) {
        if (text_is(name, table[i].name)) {
            return &table[i];
        }
    }
    return NULL;
}

static const struct named_part *part_of(const struct named *named, fhir_type type) {
    for (size_t i = 0; i < NAMED_PARTS_MAX && named->parts[i].type != NULL; i++) {
        if (fhir_type_find(text_from(named->parts[i].type)) == type) {
            return &named->parts[i];
        }
    }
    return NULL;
}

/* "$current-problems (Condition), ...": what there is instead, and of which types. */
static struct text names_of(struct arena *arena, const struct named *table, size_t count) {
    struct buffer out = buffer_open(arena, 1024);
    for (size_t i = 0; i < count; i++) {
        buffer_put_format(&out, "%s%s (%s", i > 0 ? ", " : "", table[i].name, table[i].parts[0].type);
        for (size_t p = 1; p < NAMED_PARTS_MAX && table[i].parts[p].type != NULL; p++) {
            buffer_put_format(&out, ", %s", table[i].parts[p].type);
        }
        buffer_put_string(&out, ")");
    }
    return buffer_text(&out);
}

static enum status refuse(
    struct planner *planner, const char *parameter, const char *what, const struct named *table, size_t count) {
    struct text names = names_of(planner->scope->arena, table, count);
    return fault(
        planner->scope, STATUS_INVALID, "", "%s: %s; there are %.*s", parameter, what, (int)names.size, names.at);
}

/* ---- plans --------------------------------------------------------------------------------------------------------- */

static enum status part_plan(plan_node *out, struct planner *planner, const struct named_part *part) {
    fhir_type type = fhir_type_find(text_from(part->type));
    struct plan_list list = {0};
    bool is_bound = false;
    for (size_t i = 0; i < PAIRS_MAX && part->pairs[i].name != NULL; i++) {
        struct filter filter;
        enum status status =
            filter_plan(&filter, planner, type, text_from(part->pairs[i].name), text_from(part->pairs[i].value));
        if (status != STATUS_OK) {
            return status;
        }
        plan_list_add(planner, &list, filter.plan);
        is_bound = is_bound || filter.is_bound;
    }
    if (!is_bound) {
        plan_list_add(planner, &list, plan_type(planner, type));
    }
    *out = plan_intersect(planner, &list);
    return STATUS_OK;
}

enum status named_list_plan(struct filter *out, struct planner *planner, fhir_type type, struct text name) {
    const struct named *named = named_find(lists, COUNT_OF(lists), name);
    if (named == NULL) {
        return refuse(planner, "_list", "no such functional list", lists, COUNT_OF(lists));
    }
    const struct named_part *only = part_of(named, type);
    if (type != FHIR_TYPE_NONE && only == NULL) {
        return refuse(planner, "_list", "that list holds nothing of this type", lists, COUNT_OF(lists));
    }
    struct plan_list parts = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < NAMED_PARTS_MAX && named->parts[i].type != NULL && status == STATUS_OK; i++) {
        if (only == NULL || only == &named->parts[i]) {
            plan_node node;
            status = part_plan(&node, planner, &named->parts[i]);
            plan_list_add(planner, &parts, node);
        }
    }
    *out = (struct filter){plan_union(planner, &parts), type != FHIR_TYPE_NONE};
    return status;
}

bool named_list_concerns(fhir_type type, struct text name) {
    const struct named *named = named_find(lists, COUNT_OF(lists), name);
    return named == NULL || part_of(named, type) != NULL;
}

enum status named_query_plan(struct filter *out, struct planner *planner, fhir_type type, struct text name) {
    const struct named *named = named_find(queries, COUNT_OF(queries), name);
    const struct named_part *part = named == NULL ? NULL : part_of(named, type);
    if (part == NULL) {
        return refuse(planner, "_query", named == NULL ? "no such query" : "that query is not one of this type",
            queries, COUNT_OF(queries));
    }
    out->is_bound = true;
    return part_plan(&out->plan, planner, part);
}

bool search_query_claim(struct search_query_claim *out, fhir_type type, size_t *position) {
    while (*position < COUNT_OF(queries)) {
        const struct named *named = &queries[(*position)++];
        if (part_of(named, type) != NULL) {
            *out = (struct search_query_claim){named->name, named->definition};
            return true;
        }
    }
    return false;
}
