#include "terminology/compile.h"

#include <stdlib.h>
#include <string.h>

#include "terminology/draft.h"
#include "terminology/terminology.h"

struct compilation {
    struct draft *draft;
    struct scope *scope;
    const yyjson_val **concepts; /* by position, while a code system is compiled */
    uint32_t concept_capacity;
};

static uint32_t listed_index(const char *const *names, size_t count, struct text name) {
    uint32_t index = 0;
    while (index < count && !text_is(name, names[index])) {
        index++;
    }
    return index;
}

/* ---- code systems ----------------------------------------------------------------------------------------------- */

static enum status add_concepts(struct compilation *c, const yyjson_val *level, uint32_t parent) {
    struct draft *draft = c->draft;
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)level);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        uint32_t position = draft_count(draft, DRAFT_CONCEPTS);
        if (position == TERMINOLOGY_CONCEPTS_MAX) {
            return fault(c->scope, STATUS_TOO_COSTLY, "CodeSystem.concept", "more than %d concepts in a code system",
                TERMINOLOGY_CONCEPTS_MAX);
        }
        if (position == c->concept_capacity) {
            uint32_t capacity = position == 0 ? 64 : position * 2;
            c->concepts = arena_resize(
                c->scope->arena, c->concepts, sizeof *c->concepts * position, sizeof *c->concepts * capacity);
            c->concept_capacity = capacity;
        }
        c->concepts[position] = item;
        struct concept_row *row = draft_add(draft, DRAFT_CONCEPTS);
        row->code = draft_member(draft, item, "code");
        row->display = draft_member(draft, item, "display");
        row->definition = draft_definition(draft, json_get_text(item, "definition"));
        row->parent = parent;
        enum status status = add_concepts(c, json_get(item, "concept"), position + 1);
        if (status != STATUS_OK) {
            return status;
        }
        row = draft_at(draft, DRAFT_CONCEPTS, position);
        row->below = (draft_count(draft, DRAFT_CONCEPTS) - position - 1) & 0x3fffffffU;
    }
    return STATUS_OK;
}

static uint32_t find_position(const struct compilation *c, struct text code) {
    struct draft *draft = c->draft;
    const struct terminology_book book = {.strings = draft->strings.at,
        .concepts = draft->rows[DRAFT_CONCEPTS].at,
        .by_code = draft->rows[DRAFT_BY_CODE].at};
    const struct system_row system = {.concept_count = draft_count(draft, DRAFT_CONCEPTS)};
    return book_concept_find(&book, &system, code);
}

static void add_edge(struct compilation *c, uint32_t child, uint32_t parent) {
    const struct concept_row *row = draft_at(c->draft, DRAFT_CONCEPTS, child);
    if (row->parent != parent + 1 && child != parent) {
        *(struct edge_row *)draft_add(c->draft, DRAFT_EDGES) = (struct edge_row){child, parent};
    }
}

struct property {
    struct text code, system, value;
    enum book_property_type type;
};

static bool property_read(struct property *out, const yyjson_val *entry) {
    *out = (struct property){.code = json_get_text(entry, "code")};
    for (int type = 0; type < BOOK_PROPERTY_TYPES; type++) {
        const yyjson_val *value = json_get(entry, book_property_members[type]);
        if (value == NULL) {
            continue;
        }
        out->type = type;
        out->value = json_text(value);
        if (type == BOOK_CODING) {
            out->system = json_get_text(value, "system");
            out->value = json_get_text(value, "code");
        } else if (type == BOOK_BOOLEAN) {
            out->value = yyjson_is_true((yyjson_val *)value) ? TEXT("true") : TEXT("false");
        } else if (type == BOOK_INTEGER || type == BOOK_DECIMAL) {
            out->value = json_number_text(value);
        }
        return out->value.size > 0;
    }
    return false;
}

static bool says_inactive(const struct property *property) {
    static const char *const statuses[] = {"retired", "inactive", "withdrawn"};
    if (text_is(property->code, "status")) {
        return listed_index(statuses, 3, property->value) < 3;
    }
    return text_is(property->code, "inactive") && text_is(property->value, "true");
}

static bool says_abstract(const struct property *property) {
    return (text_is(property->code, "notSelectable") || text_is(property->code, "abstract")) &&
           text_is(property->value, "true");
}

/* `parent`, `child` and their like are the hierarchy, not values. */
static bool take_edge(struct compilation *c, uint32_t position, const struct property *property) {
    bool up = text_is(property->code, "parent") || text_is(property->code, "subsumedBy");
    bool down = text_is(property->code, "child");
    uint32_t other = up || down ? find_position(c, property->value) : BOOK_NO_CONCEPT;
    if (other == BOOK_NO_CONCEPT) {
        return false;
    }
    add_edge(c, up ? position : other, up ? other : position);
    return true;
}

static void add_properties(struct compilation *c, uint32_t position) {
    struct draft *draft = c->draft;
    yyjson_arr_iter items = yyjson_arr_iter_with(json_get(c->concepts[position], "property"));
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        struct property property;
        if (!property_read(&property, item) || take_edge(c, position, &property)) {
            continue;
        }
        struct concept_row *concept = draft_at(draft, DRAFT_CONCEPTS, position);
        if (says_abstract(&property)) {
            concept->is_abstract = 1;
        }
        if (says_inactive(&property)) {
            concept->is_inactive = 1;
        }
        struct property_row *row = draft_add(draft, DRAFT_PROPERTIES);
        row->concept = position;
        row->code = draft_string(draft, property.code);
        row->system = draft_string(draft, property.system);
        row->value = draft_string(draft, property.value);
        row->type = property.type;
    }
}

static void add_declared(struct draft *draft, const yyjson_val *declared) {
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)declared);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        struct text code = json_get_text(item, "code");
        bool is_known = code.size == 0;
        for (uint32_t i = 0; i < draft_count(draft, DRAFT_DECLARED) && !is_known; i++) {
            const book_string *known = draft_at(draft, DRAFT_DECLARED, i);
            is_known = text_is(code, draft->strings.at + *known);
        }
        if (!is_known) {
            book_string string = draft_string(draft, code);
            *(book_string *)draft_add(draft, DRAFT_DECLARED) = string;
        }
    }
}

static int compare_edges(const void *a, const void *b) {
    const struct edge_row *left = a, *right = b;
    int order = (left->child > right->child) - (left->child < right->child);
    return order != 0 ? order : (left->parent > right->parent) - (left->parent < right->parent);
}

static void sort_edges(struct draft *draft) {
    struct draft_rows *edges = &draft->rows[DRAFT_EDGES];
    struct edge_row *rows = edges->at;
    uint32_t kept = 0;
    if (edges->count > 0) {
        qsort(rows, edges->count, sizeof *rows, compare_edges);
    }
    for (uint32_t i = 0; i < edges->count; i++) {
        if (kept == 0 || compare_edges(&rows[kept - 1], &rows[i]) != 0) {
            rows[kept++] = rows[i];
        }
    }
    edges->count = kept;
}

static enum status compile_system(struct terminology_book **out, struct compilation *c, const yyjson_val *resource) {
    struct draft *draft = c->draft;
    struct system_row *system = ARENA_NEW(c->scope->arena, struct system_row);
    draft_title(&system->title, draft, resource);
    system->value_set = draft_member(draft, resource, "valueSet");
    enum status status = add_concepts(c, json_get(resource, "concept"), 0);
    if (status != STATUS_OK) {
        return status;
    }
    add_declared(draft, json_get(resource, "property"));
    add_declared(draft, json_get(resource, "filter"));
    uint32_t count = draft_count(draft, DRAFT_CONCEPTS);
    draft_order(draft, DRAFT_BY_CODE, DRAFT_CONCEPTS, 0, count);
    for (uint32_t i = 0; i < count; i++) {
        add_properties(c, i);
        draft_designations(draft, DRAFT_DESIGNATIONS, i, json_get(c->concepts[i], "designation"));
    }
    sort_edges(draft);
    bool is_case_sensitive = true;
    (void)json_get_bool(&is_case_sensitive, resource, "caseSensitive");
    struct text meaning = json_get_text(resource, "hierarchyMeaning");
    uint32_t content = listed_index(book_content_codes, BOOK_SUPPLEMENT + 1, json_get_text(resource, "content"));
    system->concept_count = count;
    system->edge_count = draft_count(draft, DRAFT_EDGES);
    system->declared_count = draft_count(draft, DRAFT_DECLARED);
    system->content = (uint8_t)(content > BOOK_SUPPLEMENT ? BOOK_FRAGMENT : content);
    system->is_case_insensitive = !is_case_sensitive;
    system->is_not_subsuming = meaning.size > 0 && !text_is(meaning, "is-a");
    struct terminology_book *book = draft_close(draft);
    book->systems = system;
    book->system_count = 1;
    *out = book;
    return STATUS_OK;
}

/* ---- value sets ------------------------------------------------------------------------------------------------- */

static enum status add_filters(struct compilation *c, const yyjson_val *filters, const char *path) {
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)filters);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        uint32_t op = listed_index(book_operator_codes, BOOK_OPERATORS, json_get_text(item, "op"));
        if (op == BOOK_OPERATORS) {
            return fault_coded(
                c->scope, STATUS_UNPROCESSABLE, "not-supported", path, "%s.filter: an operator R4 has not", path);
        }
        struct filter_row *row = draft_add(c->draft, DRAFT_FILTERS);
        row->property = draft_member(c->draft, item, "property");
        row->value = draft_member(c->draft, item, "value");
        row->op = op;
    }
    return STATUS_OK;
}

static void add_listed(struct compilation *c, const yyjson_val *concept) {
    struct draft *draft = c->draft;
    draft_designations(
        draft, DRAFT_LISTED_DESIGNATIONS, draft_count(draft, DRAFT_LISTED), json_get(concept, "designation"));
    struct listed_row *row = draft_add(draft, DRAFT_LISTED);
    row->code = draft_member(draft, concept, "code");
    row->display = draft_member(draft, concept, "display");
}

static void close_include(struct draft *draft, const struct include_row *include) {
    struct include_row *row = draft_add(draft, DRAFT_INCLUDES);
    *row = *include;
    row->listed_count = draft_count(draft, DRAFT_LISTED) - include->listed_first;
    row->filter_count = (uint16_t)(draft_count(draft, DRAFT_FILTERS) - include->filter_first);
    row->import_count = (uint16_t)(draft_count(draft, DRAFT_IMPORTS) - include->import_first);
    draft_order(draft, DRAFT_LISTED_BY_CODE, DRAFT_LISTED, row->listed_first, row->listed_count);
}

static struct include_row open_include(struct draft *draft, const yyjson_val *include) {
    return (struct include_row){
        .system = draft_member(draft, include, "system"),
        .version = draft_member(draft, include, "version"),
        .listed_first = draft_count(draft, DRAFT_LISTED),
        .filter_first = draft_count(draft, DRAFT_FILTERS),
        .import_first = draft_count(draft, DRAFT_IMPORTS),
    };
}

enum include_sense { INCLUDES, EXCLUDES };

static enum status add_include(struct compilation *c, const yyjson_val *include, enum include_sense sense) {
    struct draft *draft = c->draft;
    const char *path = sense == INCLUDES ? "ValueSet.compose.include" : "ValueSet.compose.exclude";
    struct include_row row = open_include(draft, include);
    row.is_exclude = sense == EXCLUDES;
    yyjson_arr_iter concepts = yyjson_arr_iter_with(json_get(include, "concept"));
    for (yyjson_val *concept; (concept = yyjson_arr_iter_next(&concepts)) != NULL;) {
        add_listed(c, concept);
    }
    yyjson_arr_iter imports = yyjson_arr_iter_with(json_get(include, "valueSet"));
    for (yyjson_val *import; (import = yyjson_arr_iter_next(&imports)) != NULL;) {
        *(book_string *)draft_add(draft, DRAFT_IMPORTS) = draft_string(draft, json_text(import));
    }
    enum status status = add_filters(c, json_get(include, "filter"), path);
    if (status != STATUS_OK) {
        return status;
    }
    if (draft_count(draft, DRAFT_FILTERS) - row.filter_first > UINT16_MAX ||
        draft_count(draft, DRAFT_IMPORTS) - row.import_first > UINT16_MAX) {
        return fault(c->scope, STATUS_TOO_COSTLY, path, "%s: more than %d filters or value sets", path, UINT16_MAX);
    }
    close_include(draft, &row);
    return STATUS_OK;
}

/* A value set that is given as its expansion alone is what that lists: one include a run of equal system and version. */
static void add_expanded(
    struct compilation *c, const yyjson_val *contains, struct include_row *open, struct text *system) {
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)contains);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        bool is_abstract = false;
        (void)json_get_bool(&is_abstract, item, "abstract");
        if (json_get(item, "code") != NULL && !is_abstract) {
            struct text next = json_get_text(item, "system");
            if (open->system == 0 || !text_equal(next, *system)) {
                if (open->system != 0) {
                    close_include(c->draft, open);
                }
                *open = open_include(c->draft, item);
                *system = next;
            }
            add_listed(c, item);
        }
        add_expanded(c, json_get(item, "contains"), open, system);
    }
}

static enum status compile_value_set(struct terminology_book **out, struct compilation *c, const yyjson_val *resource) {
    struct draft *draft = c->draft;
    struct value_set_row *row = ARENA_NEW(c->scope->arena, struct value_set_row);
    const yyjson_val *compose = json_get(resource, "compose");
    static const char *const members[] = {[INCLUDES] = "include", [EXCLUDES] = "exclude"};
    draft_title(&row->title, draft, resource);
    for (int sense = INCLUDES; sense <= EXCLUDES; sense++) {
        yyjson_arr_iter includes = yyjson_arr_iter_with(json_get(compose, members[sense]));
        for (yyjson_val *include; (include = yyjson_arr_iter_next(&includes)) != NULL;) {
            enum status status = add_include(c, include, sense);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    if (compose == NULL) {
        struct include_row open = {0};
        struct text system = {NULL, 0};
        add_expanded(c, json_get(json_get(resource, "expansion"), "contains"), &open, &system);
        if (open.system != 0) {
            close_include(draft, &open);
        }
    }
    bool inactive = true;
    (void)json_get_bool(&inactive, compose, "inactive");
    row->is_active_only = !inactive;
    row->include_count = draft_count(draft, DRAFT_INCLUDES);
    struct terminology_book *book = draft_close(draft);
    book->value_sets = row;
    book->value_set_count = 1;
    *out = book;
    return STATUS_OK;
}

const struct terminology_book *compile_implicit(const struct compile_implicit *what, struct arena *arena) {
    struct draft *draft = draft_open(arena);
    struct value_set_row *row = ARENA_NEW(arena, struct value_set_row);
    struct include_row include = open_include(draft, NULL);
    row->title.url = draft_string(draft, what->url);
    row->title.version = draft_string(draft, what->version);
    row->title.status = draft_string(draft, TEXT("active"));
    include.system = draft_string(draft, what->system);
    include.version = draft_string(draft, what->version);
    if (what->op != BOOK_OPERATORS) {
        struct filter_row *filter = draft_add(draft, DRAFT_FILTERS);
        filter->property = draft_string(draft, TEXT("concept"));
        filter->value = draft_string(draft, what->code);
        filter->op = what->op;
    }
    close_include(draft, &include);
    row->include_count = 1;
    struct terminology_book *book = draft_close(draft);
    book->value_sets = row;
    book->value_set_count = 1;
    return book;
}

/* ---- concept maps ----------------------------------------------------------------------------------------------- */

static size_t add_links(struct draft *draft, const yyjson_val *links) {
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)links);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        struct link_row *row = draft_add(draft, DRAFT_LINKS);
        row->property = draft_member(draft, item, "property");
        row->system = draft_member(draft, item, "system");
        row->value = draft_member(draft, item, "value");
        row->display = draft_member(draft, item, "display");
    }
    return json_count(links);
}

static void add_element(struct draft *draft, const yyjson_val *element) {
    uint32_t first = draft_count(draft, DRAFT_TARGETS);
    yyjson_arr_iter targets = yyjson_arr_iter_with(json_get(element, "target"));
    for (yyjson_val *target; (target = yyjson_arr_iter_next(&targets)) != NULL;) {
        struct target_row row = {
            .code = draft_member(draft, target, "code"),
            .display = draft_member(draft, target, "display"),
            .equivalence = draft_member(draft, target, "equivalence"),
            .comment = draft_member(draft, target, "comment"),
            .link_first = draft_count(draft, DRAFT_LINKS),
        };
        row.depends_count = (uint16_t)add_links(draft, json_get(target, "dependsOn"));
        row.product_count = (uint16_t)add_links(draft, json_get(target, "product"));
        *(struct target_row *)draft_add(draft, DRAFT_TARGETS) = row;
    }
    struct element_row *row = draft_add(draft, DRAFT_ELEMENTS);
    row->code = draft_member(draft, element, "code");
    row->display = draft_member(draft, element, "display");
    row->target_first = first;
    row->target_count = draft_count(draft, DRAFT_TARGETS) - first;
}

static void add_group(struct draft *draft, const yyjson_val *group) {
    const yyjson_val *unmapped = json_get(group, "unmapped");
    uint32_t first = draft_count(draft, DRAFT_ELEMENTS);
    yyjson_arr_iter elements = yyjson_arr_iter_with(json_get(group, "element"));
    for (yyjson_val *element; (element = yyjson_arr_iter_next(&elements)) != NULL;) {
        add_element(draft, element);
    }
    struct group_row *row = draft_add(draft, DRAFT_GROUPS);
    row->source = draft_member(draft, group, "source");
    row->source_version = draft_member(draft, group, "sourceVersion");
    row->target = draft_member(draft, group, "target");
    row->target_version = draft_member(draft, group, "targetVersion");
    row->unmapped_mode = draft_member(draft, unmapped, "mode");
    row->unmapped_code = draft_member(draft, unmapped, "code");
    row->unmapped_display = draft_member(draft, unmapped, "display");
    row->unmapped_url = draft_member(draft, unmapped, "url");
    row->element_first = first;
    row->element_count = draft_count(draft, DRAFT_ELEMENTS) - first;
}

static book_string either_member(
    struct draft *draft, const yyjson_val *resource, const char *uri, const char *canonical) {
    book_string found = draft_member(draft, resource, uri);
    return found != 0 ? found : draft_member(draft, resource, canonical);
}

static enum status compile_map(struct terminology_book **out, struct compilation *c, const yyjson_val *resource) {
    struct draft *draft = c->draft;
    struct map_row *row = ARENA_NEW(c->scope->arena, struct map_row);
    draft_title(&row->title, draft, resource);
    row->source = either_member(draft, resource, "sourceUri", "sourceCanonical");
    row->target = either_member(draft, resource, "targetUri", "targetCanonical");
    yyjson_arr_iter groups = yyjson_arr_iter_with(json_get(resource, "group"));
    for (yyjson_val *group; (group = yyjson_arr_iter_next(&groups)) != NULL;) {
        add_group(draft, group);
    }
    row->group_count = draft_count(draft, DRAFT_GROUPS);
    struct terminology_book *book = draft_close(draft);
    book->maps = row;
    book->map_count = 1;
    *out = book;
    return STATUS_OK;
}

/* ---- any of them ------------------------------------------------------------------------------------------------ */

typedef enum status compile_kind(struct terminology_book **out, struct compilation *c, const yyjson_val *resource);
static const struct {
    const char *type;
    compile_kind *compile;
} kinds[] = {
    {"CodeSystem", compile_system},
    {"ValueSet", compile_value_set},
    {"ConceptMap", compile_map},
};

enum status compile_resource(const struct terminology_book **out, const yyjson_val *resource, struct scope *scope) {
    struct compilation c = {.draft = draft_open(scope->arena), .scope = scope};
    struct text type = json_get_text(resource, "resourceType");
    struct terminology_book *book = NULL;
    *out = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!text_is(type, kinds[i].type)) {
            continue;
        }
        enum status status = kinds[i].compile(&book, &c, resource);
        if (status == STATUS_OK && (c.draft->strings.full || c.draft->definitions.full)) {
            status = fault(scope, STATUS_TOO_COSTLY, kinds[i].type, "more than %d MB of text", DRAFT_BYTES_MAX >> 20);
        }
        *out = book;
        return status;
    }
    return fault(scope, STATUS_UNPROCESSABLE, "", "expected a CodeSystem, ValueSet or ConceptMap");
}
