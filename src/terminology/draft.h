/* draft: a book while it is compiled: its strings and rows, growing. */
#ifndef SOYANG_TERMINOLOGY_DRAFT_H
#define SOYANG_TERMINOLOGY_DRAFT_H

#include "terminology/book.h"

/* Rows of one kind. */
struct draft_rows {
    void *at;
    size_t size; /* of a row */
    uint32_t count, capacity;
};
enum draft_kind {
    DRAFT_CONCEPTS,
    DRAFT_BY_CODE,
    DRAFT_EDGES,
    DRAFT_DECLARED,
    DRAFT_PROPERTIES,
    DRAFT_DESIGNATIONS,
    DRAFT_LISTED_DESIGNATIONS,
    DRAFT_USES,
    DRAFT_INCLUDES,
    DRAFT_LISTED,
    DRAFT_LISTED_BY_CODE,
    DRAFT_FILTERS,
    DRAFT_IMPORTS,
    DRAFT_GROUPS,
    DRAFT_ELEMENTS,
    DRAFT_TARGETS,
    DRAFT_LINKS,
    DRAFT_KINDS
};
struct draft {
    struct arena *arena;
    struct buffer strings, definitions;
    struct draft_rows rows[DRAFT_KINDS];
};
enum { DRAFT_BYTES_MAX = 512 << 20 };

struct draft *draft_open(struct arena *arena);
/* The next row, zeroed; it moves when the next one of its kind is added. */
void *draft_add(struct draft *draft, enum draft_kind kind);
static inline uint32_t draft_count(const struct draft *draft, enum draft_kind kind) {
    return draft->rows[kind].count;
}
static inline void *draft_at(const struct draft *draft, enum draft_kind kind, uint32_t index) {
    return (char *)draft->rows[kind].at + draft->rows[kind].size * index;
}
book_string draft_string(struct draft *draft, struct text text); /* 0 for none and empty */
book_string draft_member(struct draft *draft, const yyjson_val *object, const char *name);
uint32_t draft_definition(struct draft *draft, struct text text);
void draft_title(struct book_title *out, struct draft *draft, const yyjson_val *resource);
void draft_designations(struct draft *draft, enum draft_kind kind, uint32_t owner, const yyjson_val *designations);
/* Sets all members of the book but the three top rows. */
struct terminology_book *draft_close(struct draft *draft);

/* Adds to `by_code` the positions 0..count-1 in the order of the codes that stand in rows of `kind` from `first`. */
void draft_order(struct draft *draft, enum draft_kind by_code, enum draft_kind kind, uint32_t first, uint32_t count);

#endif
