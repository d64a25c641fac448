#include "records/invocation.h"
#include "records/map.h"
#include "records/page.h"
#include "records/query.h"

#include "fhirpath/fhirpath.h"

#include <string.h>

/* $everything: what the compartment of a Patient or an Encounter holds, found by one plan, and what that refers to outside of any such
 * compartment: practitioners, organisations, places, medications. Without an id: what the compartments of all of that type hold, in
 * pages that are never longer than those of a search. */

enum { RESOURCES_MAX = 50000, SUPPORTING_MAX = 10000, LATELY = 8 };

struct everything {
    struct operation *op;
    const struct invocation *invocation;
    struct scope *scope;
    struct page_frame frame;
    struct subset subset;
    struct json_writer w;
    struct text *types; /* _type; none: all */
    size_t type_count;
    int64_t since_us;
    struct fhir_interval care; /* start and end */
    bool has_care;
    const struct fhirpath **dates; /* by resource number: where a type says when it took place */
    struct map seen;               /* references followed */
    struct {
        struct text type;
        bool inside;
    } lately[LATELY]; /* where the types named last belong: most references name the same few */
    size_t lately_next;
    struct supporting {
        fhir_type type;
        struct text id;
    } * supporting;
    size_t supporting_count, written;
};

/* ---- parameters ------------------------------------------------------------------------------------------------- */

static enum status take_instant(
    int64_t *out, struct text value, const char *name, const struct everything *everything) {
    struct fhir_interval interval;
    if (!fhir_interval_parse(&interval, value, everything->op->records->zone_minutes)) {
        return fault(everything->scope, STATUS_INVALID, name,
            "a date or a time, like 2026-11-22T09:00:00+09:00 (+ is written %%2B in a URL)");
    }
    *out = strcmp(name, "end") == 0 ? interval.end_us : interval.start_us;
    return STATUS_OK;
}

static enum status take_parameters(struct everything *everything) {
    struct scope *scope = everything->scope;
    const struct invocation *invocation = everything->invocation;
    struct text since = invocation_text(invocation, "_since", scope),
                start = invocation_text(invocation, "start", scope), end = invocation_text(invocation, "end", scope);
    everything->care = (struct fhir_interval){INT64_MIN, INT64_MAX};
    everything->has_care = start.at != NULL || end.at != NULL;
    enum status status = subset_take(&everything->subset, invocation_text(invocation, "_summary", scope),
        invocation_text(invocation, "_elements", scope), scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = invocation_list(&everything->types, &everything->type_count, invocation, "_type", scope);
    for (size_t i = 0; i < everything->type_count && status == STATUS_OK; i++) {
        if (fhir_resource_number(fhir_type_find(everything->types[i])) == 0) {
            status = fault(scope, STATUS_INVALID, "_type", "a resource type that FHIR R4 does not have");
        }
    }
    if (status == STATUS_OK && since.at != NULL) {
        status = take_instant(&everything->since_us, since, "_since", everything);
    }
    if (status == STATUS_OK && start.at != NULL) {
        status = take_instant(&everything->care.start_us, start, "start", everything);
    }
    if (status == STATUS_OK && end.at != NULL) {
        status = take_instant(&everything->care.end_us, end, "end", everything);
    }
    return status;
}

/* ---- the search ------------------------------------------------------------------------------------------------- */

static bool in_compartment(fhir_type owner, fhir_type type) {
    return type == owner || fhir_compartment_parameters(NULL, 0, owner, type) > 0;
}

/* Types outside the compartment are found through what is inside, so that they narrow what is written, not what is read. */
static struct text searched_types(const struct everything *everything) {
    struct buffer types = buffer_open(everything->scope->arena, SIZE_MAX);
    for (size_t i = 0; i < everything->type_count; i++) {
        if (!in_compartment(everything->op->request.type, fhir_type_find(everything->types[i]))) {
            return (struct text){0};
        }
        buffer_put_string(&types, types.size > 0 ? "," : "");
        buffer_put(&types, everything->types[i]);
    }
    return buffer_text(&types);
}

static enum status search_compartment(struct search_result *out, const struct everything *everything) {
    struct scope *scope = everything->scope;
    const struct operation *op = everything->op;
    bool is_of_all = op->request.id.size == 0;
    struct search_pair pairs[4];
    size_t count = 0;
    struct text types = searched_types(everything), since = invocation_text(everything->invocation, "_since", scope);
    struct text page = invocation_text(everything->invocation, "_count", scope);
    struct text cursor = invocation_text(everything->invocation, "_cursor", scope);
    if (types.size > 0) {
        pairs[count++] = (struct search_pair){TEXT("_type"), types};
    }
    if (since.at != NULL) {
        pairs[count++] =
            (struct search_pair){TEXT("_lastUpdated"), text_format(scope->arena, "ge%.*s", (int)since.size, since.at)};
    }
    if (page.at != NULL) {
        pairs[count++] = (struct search_pair){TEXT("_count"), page};
    }
    if (cursor.at != NULL) {
        pairs[count++] = (struct search_pair){TEXT("_cursor"), cursor};
    }
    const struct search_request request = {
        .compartment = {op->request.type, op->request.id},
        .pairs = pairs,
        .pair_count = count,
        .handling = SEARCH_STRICT,
        .cursor_key = op->records->cursor_key,
        .count_default = is_of_all ? op->records->page_max : RESOURCES_MAX,
        .count_max = is_of_all || page.at != NULL ? op->records->page_max : RESOURCES_MAX,
    };
    const struct search_query *query = NULL;
    enum status status = search_parse(&query, op->records->search, &request, scope);
    return status == STATUS_OK ? search_run(out, op->records->search, query, scope) : status;
}

/* ---- care dates ------------------------------------------------------------------------------------------------- */

/* A type takes place when its search parameter `date` says; one without it is in scope at any time. */
static enum status date_expression(const struct fhirpath **out, struct everything *everything, uint16_t number) {
    *out = everything->dates[number];
    if (*out != NULL) {
        return STATUS_OK;
    }
    const struct fhir_search_parameter *parameter =
        fhir_search_parameter_find(fhir_resource_type(number), TEXT("date"));
    struct text expression = parameter != NULL && parameter->type == FHIR_SEARCH_DATE && parameter->expression != NULL
                                 ? text_from(parameter->expression)
                                 : TEXT("{}");
    enum status status = fhirpath_compile(out, expression, everything->scope);
    everything->dates[number] = *out;
    return status;
}

static bool item_interval(struct fhir_interval *out, const struct fhirpath_item *item, int zone_minutes) {
    if (item->node == NULL) {
        return false;
    }
    return yyjson_is_obj((yyjson_val *)item->node) ? fhir_interval_of_period(out, item->node, zone_minutes)
                                                   : fhir_interval_parse(out, json_text(item->node), zone_minutes);
}

static enum status takes_place(bool *out, struct everything *everything, const struct store_resource *resource) {
    struct scope *scope = everything->scope;
    const struct fhirpath *expression = NULL;
    const yyjson_val *root = NULL;
    struct fhirpath_items items = {0};
    enum status status = date_expression(&expression, everything, resource->type);
    if (status == STATUS_OK) {
        status = body_parse(&root, resource, scope);
    }
    if (status == STATUS_OK) {
        const struct fhirpath_environment environment = {.resource = root};
        status = fhirpath_evaluate(&items, expression, NULL, &environment, scope);
    }
    *out = items.count == 0;
    for (size_t i = 0; i < items.count && status == STATUS_OK && !*out; i++) {
        struct fhir_interval when;
        *out = !item_interval(&when, &items.at[i], everything->op->records->zone_minutes) ||
               (when.start_us < everything->care.end_us && when.end_us > everything->care.start_us);
    }
    return status;
}

/* ---- what supports ---------------------------------------------------------------------------------------------- */

/* A relative reference to a type inside the compartment: nearly all are, so that these are passed over first and fast. */
static bool leads_inside(struct everything *everything, struct text value) {
    struct text type = text_cut(&value, '/');
    for (size_t i = 0; i < LATELY; i++) {
        if (text_equal(everything->lately[i].type, type)) {
            return everything->lately[i].inside;
        }
    }
    fhir_type known = fhir_type_find(type);
    bool inside = known != FHIR_TYPE_NONE && in_compartment(everything->op->request.type, known);
    size_t at = everything->lately_next++ % LATELY;
    everything->lately[at].type = type;
    everything->lately[at].inside = inside;
    return inside;
}

static enum status note_reference(struct everything *everything, struct text value) {
    struct fhir_reference reference;
    struct arena *arena = everything->scope->arena;
    if (leads_inside(everything, value) || !map_add(&everything->seen, value, 0) ||
        !fhir_reference_parse(&reference, value, everything->op->records->own_base) ||
        reference.kind != FHIR_REFERENCE_LOCAL || in_compartment(everything->op->request.type, reference.type)) {
        return STATUS_OK;
    }
    struct text identity =
        text_format(arena, "%s/%.*s", fhir_type_name(reference.type), (int)reference.id.size, reference.id.at);
    if (!text_equal(identity, value) && !map_add(&everything->seen, identity, 0)) {
        return STATUS_OK;
    }
    if (everything->supporting_count == SUPPORTING_MAX) {
        return fault(everything->scope, STATUS_TOO_COSTLY, "_count",
            "what is found refers to more than %d resources: ask for smaller pages", SUPPORTING_MAX);
    }
    everything->supporting[everything->supporting_count++] = (struct supporting){reference.type, reference.id};
    return STATUS_OK;
}

/* Bodies are minified, and a quotation mark inside a string is escaped: this pattern is a member and nothing else. It finds a
 * superset of the References in far less time than reading the JSON would take. */
static enum status note_references(struct everything *everything, struct text body) {
    static const char pattern[] = "\"reference\":\"";
    const char *at = body.at, *end = body.at + body.size;
    while ((at = memmem(at, (size_t)(end - at), pattern, sizeof pattern - 1)) != NULL) {
        at += sizeof pattern - 1;
        const char *close = memchr(at, '"', (size_t)(end - at));
        if (close == NULL) {
            return STATUS_OK;
        }
        enum status status = note_reference(everything, (struct text){at, (size_t)(close - at)});
        if (status != STATUS_OK) {
            return status;
        }
        at = close;
    }
    return STATUS_OK;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static bool is_asked(const struct everything *everything, uint16_t number) {
    const char *name = fhir_type_name(fhir_resource_type(number));
    bool asked = everything->type_count == 0;
    for (size_t i = 0; i < everything->type_count; i++) {
        asked = asked || text_is(everything->types[i], name);
    }
    return asked;
}

static enum status write_one(struct everything *everything, const struct store_resource *resource, const char *mode) {
    struct json_writer *w = &everything->w;
    struct operation *op = everything->op;
    if (everything->written++ == 0) { /* an empty array is not FHIR */
        json_name(w, "entry");
        json_array_open(w);
    }
    audit_note_add(&op->note, everything->scope->arena, fhir_resource_type(resource->type), resource->id);
    return page_write_part(w, &everything->frame, resource, mode, &everything->subset, everything->scope);
}

static enum status write_matches(struct everything *everything, const struct store_page *page) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < page->count && status == STATUS_OK; i++) {
        const struct store_resource *resource = &page->at[i];
        bool wanted = true;
        if (everything->has_care) {
            status = takes_place(&wanted, everything, resource);
        }
        if (status == STATUS_OK && wanted) {
            status = note_references(everything, resource->body);
        }
        if (status == STATUS_OK && wanted && is_asked(everything, resource->type)) {
            status = write_one(everything, resource, "match");
        }
        if (status == STATUS_OK && i % 256 == 255) {
            status = scope_check_deadline(everything->scope);
        }
    }
    return status;
}

static enum status write_supporting(struct everything *everything, struct store_view *view) {
    for (size_t i = 0; i < everything->supporting_count; i++) {
        const struct supporting *one = &everything->supporting[i];
        uint16_t number = fhir_resource_number(one->type);
        struct store_resource resource = {0};
        if (!is_asked(everything, number)) {
            continue;
        }
        enum status status = store_view_get(&resource, view, number, one->id, STORE_WANT_BODY, everything->scope);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
        bool exists = status == STATUS_OK && resource.method != STORE_DELETED;
        if (exists && resource.updated_us >= everything->since_us) {
            status = write_one(everything, &resource, "include");
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return STATUS_OK;
}

static enum status write_bundle(
    struct everything *everything, const struct search_result *result, struct store_view *view) {
    struct json_writer *w = &everything->w;
    const struct operation *op = everything->op;
    struct search_pair *pairs = NULL;
    size_t pair_count = 0;
    invocation_pairs(&pairs, &pair_count, everything->invocation, everything->scope);
    struct text path = invocation_path(op, everything->invocation, everything->scope->arena);
    const struct page_link links[] = {
        {.relation = "self", .path = path, .pairs = pairs, .pair_count = pair_count},
        {.relation = "next", .path = path, .pairs = pairs, .pair_count = pair_count, .cursor = result->cursor},
    };
    json_object_open(w);
    json_member_string(w, "resourceType", "Bundle");
    json_member_string(w, "type", "searchset");
    if (result->has_total && everything->type_count == 0 && !everything->has_care) {
        json_member_int(w, "total", (int64_t)result->total);
    }
    page_write_links(w, &everything->frame, links, result->cursor.at == NULL ? 1 : 2, everything->scope->arena);
    enum status status = write_matches(everything, &result->matches);
    if (status == STATUS_OK) {
        status = write_supporting(everything, view);
    }
    if (everything->written > 0) {
        json_array_close(w);
    }
    json_object_close(w);
    return status == STATUS_OK ? json_finish(&op->answer->body, w, everything->scope) : status;
}

enum status everything_start(struct operation *op, const struct invocation *invocation, struct scope *scope) {
    struct everything everything = {
        .op = op,
        .frame = page_frame_of(op->records, &op->request, scope->arena),
        .invocation = invocation,
        .scope = scope,
        .dates = ARENA_ARRAY(scope->arena, const struct fhirpath *, (size_t)fhir_resource_count() + 1),
        .seen = map_open(scope->arena, 1024),
        .supporting = ARENA_ARRAY(scope->arena, struct supporting, SUPPORTING_MAX),
    };
    struct search_result result = {0};
    struct store_view *view = NULL;
    enum status status = take_parameters(&everything);
    if (status == STATUS_OK) {
        status = search_compartment(&result, &everything);
    }
    if (status == STATUS_OK) {
        status = store_view_open(&view, op->records->store, result.sequence, scope);
    }
    if (status == STATUS_OK && op->request.id.size > 0) {
        struct store_resource subject;
        status = invocation_subject(&subject, op, view, scope);
    }
    if (status == STATUS_OK) {
        everything.w = page_writer_open(scope->arena, &result);
        status = write_bundle(&everything, &result, view);
    }
    store_view_close(view);
    return status;
}
