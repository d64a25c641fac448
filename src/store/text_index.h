/* text_index: the words of all versions that a view may see, in an FTS5 table in a file of its own (text.db).
 *
 * The index is a derivative: it may be thrown away at any time and is then made again. Nobody who writes waits for it, and
 * as long as nobody asks for words there is none. Invariants:
 * 1. `mark` is a version's number: of the versions below it, each that some view from `horizon` on may see is in the index.
 * 2. A version is in the index under its own number and never changes there; `document` has a row for each that is in.
 * 3. A version whose successor has been folded says so (document.ended: the successor's sequence number), stands in `ended` under
 *    that number, and leaves the index once it is not behind the horizon.
 * 4. What one transaction of the file says (words, document, ended, mark) is of one moment; only the indexer's thread writes.
 * So a search is right whatever the indexer has done so far: hits count where they are the version that the view sees, and the
 * versions from the mark on are read one by one. */
#ifndef SOYANG_STORE_TEXT_INDEX_H
#define SOYANG_STORE_TEXT_INDEX_H

#include "store/document.h"

enum {
    TEXT_TAIL_MAX = 1000, /* versions behind the mark that one search reads */
    TEXT_TAIL_LONG = 200, /* more of them: the indexer is asked to hurry */
    TEXT_HIT_COST = 3,    /* to take a hit of the index against an index row's */
    TEXT_TEST_COST = 10,  /* to test a body's words against an index row's test */
    TEXT_WAIT_MS = 5000,  /* that a search waits for the indexer */
    TEXT_WAITERS_MAX = 4, /* further searches are told to come again */
    TEXT_READERS_KEPT = 2,
};

struct text_index {
    struct store *store;
    const char *path;
    const char *form; /* the layout's and the source's */
    struct store_text_source source;
    _Atomic uint64_t file_number; /* grows when the file is made anew */

    /* Guarded by `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t asked, moved;
    pthread_t thread;
    bool started, closing, hurry, damaged;
    size_t waiters;
    uint64_t mark; /* 0: there is no index (yet) */
    struct connection *idle;
    size_t idle_count;
};
void text_index_close(struct text_index *index); /* accepts NULL */
/* Whether a file of this form holds the words as the source makes them. */
bool text_form_is_of(struct text form, const struct store_text_source *source);
uint64_t text_index_bytes(struct text_index *index);

/* Says that an index is wanted, soon. */
void text_index_ask(struct text_index *index);
/* Waits until the mark is at `vid` or behind it; STATUS_UNAVAILABLE, saying how far it is, when that takes too long. */
MUST_CHECK enum status text_index_reach(struct text_index *index, uint64_t vid, struct scope *scope);
/* The file contradicts itself: it is made anew. */
void text_index_distrust(struct text_index *index);

/* ---- the file (text_file.c) ----------------------------------------------------------------------------------------- */

struct text_mark {
    uint64_t vid, rid, seq; /* the first version not folded; rid and seq of the last one that was */
    uint64_t horizon;       /* versions that ended up to here may be missing */
};
/* For the indexer: opens it, or makes it anew when it is not of this store, of this form, or damaged. */
MUST_CHECK enum status text_file_open(
    struct connection **out, struct text_index *index, struct connection *store, struct scope *scope);
void text_file_remove(struct text_index *index);
MUST_CHECK enum status text_mark_read(
    struct text_mark *out, struct text *form_out, struct connection *file, struct scope *scope);
MUST_CHECK enum status text_mark_write(
    const struct text_mark *mark, struct text_index *index, struct connection *file, struct scope *scope);
/* False where the last version that was folded is not the one that the store has under its number. */
bool text_mark_is_of(const struct text_mark *mark, struct connection *store, struct scope *scope);
/* True for what only a damaged file says. */
bool text_file_is_damaged(struct connection *file);

/* A search's own snapshot of the file. Closed with the scope's arena. */
struct text_reader {
    struct text_index *index;
    struct connection *connection; /* NULL: there is no index yet, and the mark is 1 */
    uint64_t file_number;
    struct text_mark mark;
    bool damaged; /* what was found by it does not count */
};
MUST_CHECK enum status text_reader_open(struct text_reader **out, struct text_index *index, struct scope *scope);
void text_reader_close(struct text_reader *reader); /* accepts NULL */

/* ---- the indexer (text_indexer.c) ----------------------------------------------------------------------------------- */

void *text_indexer_main(void *index);

/* ---- words (text_match.c) ------------------------------------------------------------------------------------------- */

/* One version's body, to be read over that connection. */
struct text_body {
    uint64_t vid;
    uint16_t type;
    struct connection *connection;
};
/* Calls back with the words, which end with the call. A body that cannot be read has none: that is logged and is no error. */
typedef enum status text_use(void *context, const struct store_words *words, struct scope *scope);
MUST_CHECK enum status text_body_words(
    struct text_index *index, struct arena *arena, const struct text_body *body, text_use *use, void *context);

bool text_document_fits(struct document *document, struct search_run *run, const struct store_text *text);
/* All that fit at the view, waiting for the indexer where it must. */
struct rid_set *text_gather(struct search_run *run, const struct store_text *text);
/* The same without waiting; NULL when the index has more than `most` hits or is far behind. */
struct rid_set *text_list(struct search_run *run, const struct store_text *text, uint64_t most);

/* ---- checking (text_check.c) ---------------------------------------------------------------------------------------- */

/* The file against itself (pages, FTS5's own check, words against documents) and against the store; all is well where there is
 * none. *versions_out: versions in it. Where it is known how words are made (store_text_serve, store_text_know), each current
 * version below the mark that has words is in it: those that are not listed are read, which are few. */
MUST_CHECK enum status text_check(uint64_t *versions_out, struct store *store, struct scope *scope);

#endif
