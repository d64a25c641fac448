#include "terminology/book.h"

#include <string.h>

const char *const book_property_members[BOOK_PROPERTY_TYPES] = {
    [BOOK_CODE] = "valueCode",
    [BOOK_CODING] = "valueCoding",
    [BOOK_STRING] = "valueString",
    [BOOK_INTEGER] = "valueInteger",
    [BOOK_BOOLEAN] = "valueBoolean",
    [BOOK_DATE_TIME] = "valueDateTime",
    [BOOK_DECIMAL] = "valueDecimal",
};

const char *const book_operator_codes[BOOK_OPERATORS] = {
    [BOOK_EQUAL] = "=",
    [BOOK_IS_A] = "is-a",
    [BOOK_DESCENDENT_OF] = "descendent-of",
    [BOOK_IS_NOT_A] = "is-not-a",
    [BOOK_REGEX] = "regex",
    [BOOK_IN] = "in",
    [BOOK_NOT_IN] = "not-in",
    [BOOK_GENERALIZES] = "generalizes",
    [BOOK_EXISTS] = "exists",
};

const char *const book_content_codes[BOOK_SUPPLEMENT + 1] = {
    [BOOK_COMPLETE] = "complete",
    [BOOK_FRAGMENT] = "fragment",
    [BOOK_EXAMPLE] = "example",
    [BOOK_NOT_PRESENT] = "not-present",
    [BOOK_SUPPLEMENT] = "supplement",
};

struct text book_definition(const struct terminology_book *book, uint32_t at, struct arena *arena) {
    const char *coded = book->definitions + at;
    if (at == 0) {
        return (struct text){NULL, 0};
    }
    if (book->symbols == NULL) {
        return text_from(coded);
    }
    size_t size = 0;
    for (const char *byte = coded; *byte != '\0'; byte++) {
        size += strlen(book->symbols[(unsigned char)*byte]);
    }
    char *plain = arena_alloc(arena, size + 1), *end = plain;
    for (const char *byte = coded; *byte != '\0'; byte++) {
        end = stpcpy(end, book->symbols[(unsigned char)*byte]);
    }
    return (struct text){plain, size};
}

/* ---- codes ------------------------------------------------------------------------------------------------------ */

static int compare_string(const char *string, struct text text) {
    size_t size = strlen(string);
    size_t common = size < text.size ? size : text.size;
    int order = common == 0 ? 0 : memcmp(string, text.at, common);
    return order != 0 ? order : (size > text.size) - (size < text.size);
}

static bool same_but_case(const char *string, struct text code) {
    return strlen(string) == code.size && strncasecmp(string, code.at, code.size) == 0;
}

uint32_t book_concept_find(const struct terminology_book *book, const struct system_row *system, struct text code) {
    const struct concept_row *concepts = &book->concepts[system->concept_first];
    const uint32_t *order = &book->by_code[system->concept_first];
    if (code.size == 0) {
        return BOOK_NO_CONCEPT;
    }
    uint32_t low = 0, high = system->concept_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_string(book->strings + concepts[order[middle]].code, code) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < system->concept_count && compare_string(book->strings + concepts[order[low]].code, code) == 0) {
        return order[low];
    }
    for (uint32_t i = 0; system->is_case_insensitive && i < system->concept_count; i++) {
        if (same_but_case(book->strings + concepts[i].code, code)) {
            return i;
        }
    }
    return BOOK_NO_CONCEPT;
}

uint32_t book_listed_find(const struct terminology_book *book, const struct include_row *include, struct text code) {
    const struct listed_row *listed = &book->listed[include->listed_first];
    const uint32_t *order = &book->listed_by_code[include->listed_first];
    uint32_t low = 0, high = include->listed_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_string(book->strings + listed[order[middle]].code, code) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is_there = low < include->listed_count && compare_string(book->strings + listed[order[low]].code, code) == 0;
    return is_there ? order[low] : BOOK_NO_CONCEPT;
}

/* ---- rows of an owner ------------------------------------------------------------------------------------------- */

static uint32_t first_property(const struct terminology_book *book, uint32_t concept) {
    uint32_t low = 0, high = book->property_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (book->properties[middle].concept < concept) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct property_rows book_properties(
    const struct terminology_book *book, const struct system_row *system, uint32_t position) {
    uint32_t concept = system->concept_first + position;
    uint32_t first = first_property(book, concept), end = first_property(book, concept + 1);
    return (struct property_rows){book->properties + first, end - first};
}

bool book_has_property(const struct terminology_book *book, const struct system_row *system, struct text code) {
    for (uint32_t i = 0; i < system->declared_count; i++) {
        if (text_equal(book_text(book, book->declared[system->declared_first + i]), code)) {
            return true;
        }
    }
    uint32_t end = first_property(book, system->concept_first + system->concept_count);
    for (uint32_t i = first_property(book, system->concept_first); i < end; i++) {
        if (text_equal(book_text(book, book->properties[i].code), code)) {
            return true;
        }
    }
    return false;
}

static uint32_t first_designation(const struct designation_row *rows, uint32_t count, uint32_t owner) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rows[middle].owner < owner) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct designation_rows designations_of(const struct designation_row *rows, uint32_t count, uint32_t owner) {
    uint32_t first = first_designation(rows, count, owner), end = first_designation(rows, count, owner + 1);
    return (struct designation_rows){rows + first, end - first};
}

struct designation_rows book_designations(
    const struct terminology_book *book, const struct system_row *system, uint32_t position) {
    return designations_of(book->designations, book->designation_count, system->concept_first + position);
}

struct designation_rows book_listed_designations(const struct terminology_book *book, uint32_t listed) {
    return designations_of(book->listed_designations, book->listed_designation_count, listed);
}

/* ---- the tree --------------------------------------------------------------------------------------------------- */

static uint32_t first_edge(const struct terminology_book *book, const struct system_row *system, uint32_t child) {
    const struct edge_row *edges = &book->edges[system->edge_first];
    uint32_t low = 0, high = system->edge_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (edges[middle].child < child) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t book_next_parent(
    uint32_t *walk, const struct terminology_book *book, const struct system_row *system, uint32_t position) {
    const struct edge_row *edges = &book->edges[system->edge_first];
    if (*walk == 0) {
        *walk = 1 + first_edge(book, system, position);
        uint32_t parent = book_concept(book, system, position)->parent;
        if (parent != 0) {
            return parent - 1;
        }
    }
    uint32_t edge = *walk - 1;
    if (edge < system->edge_count && edges[edge].child == position) {
        ++*walk;
        return edges[edge].parent;
    }
    return BOOK_NO_CONCEPT;
}

void book_mark_below(
    uint8_t *marks, const struct terminology_book *book, const struct system_row *system, uint32_t position) {
    const struct edge_row *edges = &book->edges[system->edge_first];
    memset(marks + position, 1, (size_t)book_concept(book, system, position)->below + 1);
    bool grew = system->edge_count > 0;
    while (grew) {
        grew = false;
        for (uint32_t i = 0; i < system->edge_count; i++) {
            uint32_t child = edges[i].child;
            if (marks[edges[i].parent] && !marks[child]) {
                memset(marks + child, 1, (size_t)book_concept(book, system, child)->below + 1);
                grew = true;
            }
        }
    }
}

void book_mark_above(uint8_t *marks, const struct terminology_book *book, const struct system_row *system,
    uint32_t position, struct arena *arena) {
    uint32_t *waiting = ARENA_ARRAY(arena, uint32_t, system->concept_count); /* each concept waits once at most */
    uint32_t count = 0;
    marks[position] = 1;
    waiting[count++] = position;
    while (count > 0) {
        uint32_t at = waiting[--count], walk = 0, parent;
        while ((parent = book_next_parent(&walk, book, system, at)) != BOOK_NO_CONCEPT) {
            if (!marks[parent]) {
                marks[parent] = 1;
                waiting[count++] = parent;
            }
        }
    }
}

bool book_is_below(const struct terminology_book *book, const struct system_row *system, uint32_t position,
    uint32_t ancestor, struct arena *arena) {
    if (position >= ancestor && position - ancestor <= book_concept(book, system, ancestor)->below) {
        return true;
    }
    if (system->edge_count == 0) {
        return false;
    }
    uint8_t *marks = arena_alloc(arena, system->concept_count);
    book_mark_above(marks, book, system, position, arena);
    return marks[ancestor];
}

/* ---- by URL ----------------------------------------------------------------------------------------------------- */

typedef const char *url_at(const struct terminology_book *book, uint32_t index);

static const char *system_url(const struct terminology_book *book, uint32_t index) {
    return book->strings + book->systems[index].title.url;
}

static const char *value_set_url(const struct terminology_book *book, uint32_t index) {
    return book->strings + book->value_sets[index].title.url;
}

static const char *map_url(const struct terminology_book *book, uint32_t index) {
    return book->strings + book->maps[index].title.url;
}

static struct book_range find_url(
    const struct terminology_book *book, uint32_t count, url_at *url_of, struct text url) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_string(url_of(book, middle), url) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    struct book_range range = {low, 0};
    while (low + range.count < count && compare_string(url_of(book, low + range.count), url) == 0) {
        range.count++;
    }
    return range;
}

struct book_range book_systems_find(const struct terminology_book *book, struct text url) {
    return find_url(book, book->system_count, system_url, url);
}

struct book_range book_value_sets_find(const struct terminology_book *book, struct text url) {
    return find_url(book, book->value_set_count, value_set_url, url);
}

struct book_range book_maps_find(const struct terminology_book *book, struct text url) {
    return find_url(book, book->map_count, map_url, url);
}
