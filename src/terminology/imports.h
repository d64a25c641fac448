/* imports: the graph of value sets that import one another, walked once for a question.
 *
 * Where value sets are shared by several importers there are exponentially many ways through the graph. What was found out
 * about a value set is therefore noted, and found again: a question costs as many steps as there are imports, not ways. */
#ifndef SOYANG_TERMINOLOGY_IMPORTS_H
#define SOYANG_TERMINOLOGY_IMPORTS_H

#include "terminology/inquiry.h"

struct opinion {
    enum terminology_verdict verdict;
    struct text missing; /* UNKNOWN: what is not known here */
};

/* What is known of a value set, for the length of a question. */
struct import_note {
    const struct value_set_row *row;
    enum { IMPORT_NEW, IMPORT_OPEN, IMPORT_CHECKED } state;
    int height;            /* value sets on the longest way down from here, itself counted */
    bool imports;          /* whether it imports any */
    uint64_t walk;         /* inquiry->walks, when its codes, or its systems, were listed last; 0: never */
    uint64_t opinion_turn; /* of inquiry->turn, when `opinion` was formed; 0: never */
    struct opinion opinion;
};

/* Refuses a value set that imports itself, over whatever ways (422), and one with more than TERMINOLOGY_IMPORT_DEPTH_MAX below one
 * another. What is not known here is left to those who need it. */
MUST_CHECK enum status imports_check(struct inquiry *inquiry, struct shelf_ref value_set);

/* Never NULL; until the next note is asked for. */
struct import_note *imports_note(struct inquiry *inquiry, const struct value_set_row *row);

static inline struct text imports_at(
    const struct terminology_book *book, const struct include_row *include, uint32_t index) {
    return book_text(book, book->imports[include->import_first + index]);
}

#endif
