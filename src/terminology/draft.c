#include "terminology/draft.h"

#include <stdlib.h>
#include <string.h>

static const size_t row_sizes[DRAFT_KINDS] = {
    [DRAFT_CONCEPTS] = sizeof(struct concept_row),
    [DRAFT_BY_CODE] = sizeof(uint32_t),
    [DRAFT_EDGES] = sizeof(struct edge_row),
    [DRAFT_DECLARED] = sizeof(book_string),
    [DRAFT_PROPERTIES] = sizeof(struct property_row),
    [DRAFT_DESIGNATIONS] = sizeof(struct designation_row),
    [DRAFT_LISTED_DESIGNATIONS] = sizeof(struct designation_row),
    [DRAFT_USES] = sizeof(struct use_row),
    [DRAFT_INCLUDES] = sizeof(struct include_row),
    [DRAFT_LISTED] = sizeof(struct listed_row),
    [DRAFT_LISTED_BY_CODE] = sizeof(uint32_t),
    [DRAFT_FILTERS] = sizeof(struct filter_row),
    [DRAFT_IMPORTS] = sizeof(book_string),
    [DRAFT_GROUPS] = sizeof(struct group_row),
    [DRAFT_ELEMENTS] = sizeof(struct element_row),
    [DRAFT_TARGETS] = sizeof(struct target_row),
    [DRAFT_LINKS] = sizeof(struct link_row),
};

struct draft *draft_open(struct arena *arena) {
    struct draft *draft = ARENA_NEW(arena, struct draft);
    draft->arena = arena;
    draft->strings = buffer_open(arena, DRAFT_BYTES_MAX);
    draft->definitions = buffer_open(arena, DRAFT_BYTES_MAX);
    buffer_put_char(&draft->strings, '\0'); /* offset 0 is none */
    buffer_put_char(&draft->definitions, '\0');
    for (int kind = 0; kind < DRAFT_KINDS; kind++) {
        draft->rows[kind].size = row_sizes[kind];
    }
    return draft;
}

void *draft_add(struct draft *draft, enum draft_kind kind) {
    struct draft_rows *rows = &draft->rows[kind];
    if (rows->count == rows->capacity) {
        uint32_t capacity = rows->capacity == 0 ? 8 : rows->capacity * 2;
        rows->at = arena_resize(draft->arena, rows->at, rows->size * rows->capacity, rows->size * capacity);
        rows->capacity = capacity;
    }
    void *row = draft_at(draft, kind, rows->count++);
    memset(row, 0, rows->size);
    return row;
}

static uint32_t put(struct buffer *buffer, struct text text) {
    if (text.size == 0) {
        return 0;
    }
    uint32_t at = (uint32_t)buffer->size;
    buffer_put(buffer, text);
    buffer_put_char(buffer, '\0');
    return at;
}

book_string draft_string(struct draft *draft, struct text text) {
    return put(&draft->strings, text);
}

book_string draft_member(struct draft *draft, const yyjson_val *object, const char *name) {
    return draft_string(draft, json_get_text(object, name));
}

/* Runs of white space become one blank, as in the generated tables. */
uint32_t draft_definition(struct draft *draft, struct text text) {
    text = text_trim(text);
    if (text.size == 0) {
        return 0;
    }
    uint32_t at = (uint32_t)draft->definitions.size;
    for (size_t i = 0; i < text.size; i++) {
        bool is_blank = strchr(" \t\r\n", text.at[i]) != NULL;
        if (!is_blank) {
            buffer_put_char(&draft->definitions, text.at[i]);
        } else if (strchr(" \t\r\n", text.at[i - 1]) == NULL) {
            buffer_put_char(&draft->definitions, ' ');
        }
    }
    buffer_put_char(&draft->definitions, '\0');
    return at;
}

void draft_title(struct book_title *out, struct draft *draft, const yyjson_val *resource) {
    *out = (struct book_title){
        .url = draft_member(draft, resource, "url"),
        .version = draft_member(draft, resource, "version"),
        .name = draft_member(draft, resource, "name"),
        .title = draft_member(draft, resource, "title"),
        .status = draft_member(draft, resource, "status"),
    };
}

static bool same_string(const struct draft *draft, book_string at, struct text text) {
    return at == 0 ? text.size == 0 : text_is(text, draft->strings.at + at);
}

static uint32_t use_number(struct draft *draft, const yyjson_val *use) {
    struct text system = json_get_text(use, "system"), code = json_get_text(use, "code");
    if (use == NULL) {
        return 0;
    }
    for (uint32_t i = draft_count(draft, DRAFT_USES); i > 0; i--) {
        const struct use_row *row = draft_at(draft, DRAFT_USES, i - 1);
        if (same_string(draft, row->system, system) && same_string(draft, row->code, code)) {
            return i;
        }
    }
    struct use_row *row = draft_add(draft, DRAFT_USES);
    row->system = draft_string(draft, system);
    row->code = draft_string(draft, code);
    row->display = draft_member(draft, use, "display");
    return draft_count(draft, DRAFT_USES);
}

void draft_designations(struct draft *draft, enum draft_kind kind, uint32_t owner, const yyjson_val *designations) {
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)designations);
    for (yyjson_val *item; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        struct designation_row *row = draft_add(draft, kind);
        row->owner = owner;
        row->language = draft_member(draft, item, "language");
        row->value = draft_member(draft, item, "value");
        row->use = use_number(draft, json_get(item, "use"));
    }
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

struct ordering {
    const struct draft *draft;
    enum draft_kind kind;
    uint32_t first;
};

static int compare_codes(const void *a, const void *b, void *context) {
    const struct ordering *ordering = context;
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    /* rows with codes begin with the code */
    const book_string *left_code = draft_at(ordering->draft, ordering->kind, ordering->first + left);
    const book_string *right_code = draft_at(ordering->draft, ordering->kind, ordering->first + right);
    const char *strings = ordering->draft->strings.at;
    int order = strcmp(strings + *left_code, strings + *right_code);
    return order != 0 ? order : (left > right) - (left < right);
}

void draft_order(struct draft *draft, enum draft_kind by_code, enum draft_kind kind, uint32_t first, uint32_t count) {
    uint32_t start = draft_count(draft, by_code);
    for (uint32_t i = 0; i < count; i++) {
        *(uint32_t *)draft_add(draft, by_code) = i;
    }
    struct ordering ordering = {draft, kind, first};
    if (count > 0) {
        qsort_r(draft_at(draft, by_code, start), count, sizeof(uint32_t), compare_codes, &ordering);
    }
}

struct terminology_book *draft_close(struct draft *draft) {
    struct terminology_book *book = ARENA_NEW(draft->arena, struct terminology_book);
    const struct draft_rows *rows = draft->rows;
    for (int kind = 0; kind < DRAFT_KINDS; kind++) {
        if (rows[kind].at == NULL) {
            draft->rows[kind].at = arena_alloc(draft->arena, rows[kind].size);
        }
    }
    *book = (struct terminology_book){
        .strings = draft->strings.at,
        .definitions = draft->definitions.at,
        .concepts = rows[DRAFT_CONCEPTS].at,
        .by_code = rows[DRAFT_BY_CODE].at,
        .edges = rows[DRAFT_EDGES].at,
        .declared = rows[DRAFT_DECLARED].at,
        .properties = rows[DRAFT_PROPERTIES].at,
        .designations = rows[DRAFT_DESIGNATIONS].at,
        .listed_designations = rows[DRAFT_LISTED_DESIGNATIONS].at,
        .uses = rows[DRAFT_USES].at,
        .includes = rows[DRAFT_INCLUDES].at,
        .listed = rows[DRAFT_LISTED].at,
        .listed_by_code = rows[DRAFT_LISTED_BY_CODE].at,
        .filters = rows[DRAFT_FILTERS].at,
        .imports = rows[DRAFT_IMPORTS].at,
        .groups = rows[DRAFT_GROUPS].at,
        .elements = rows[DRAFT_ELEMENTS].at,
        .targets = rows[DRAFT_TARGETS].at,
        .links = rows[DRAFT_LINKS].at,
        .concept_count = rows[DRAFT_CONCEPTS].count,
        .property_count = rows[DRAFT_PROPERTIES].count,
        .designation_count = rows[DRAFT_DESIGNATIONS].count,
        .listed_designation_count = rows[DRAFT_LISTED_DESIGNATIONS].count,
    };
    return book;
}
