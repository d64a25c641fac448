/* walk: the visible rows of one lane in the order of (key, rid), from all places where a row can lie.
 *
 * A lookup's error is kept in the search and ends every walk of it: what looks like the end must be checked there. */
#ifndef SOYANG_STORE_WALK_H
#define SOYANG_STORE_WALK_H

#include "store/block_cursor.h"
#include "store/view.h"

enum { SEARCH_SPOTS = 8 };

/* One evaluation: its view, what it may still touch, and the first thing that went wrong. */
struct search_run {
    struct store_view *view;
    const struct search_costs *costs;
    struct scope *scope;
    uint64_t rows, rows_max;
    struct arena *document_arena; /* for one document at a time; NULL: not needed yet */
    uint16_t type;                /* of all results; 0: of any */
    bool is_trial;                /* gives up rather than gather a whole set */
    bool gave_up;
    enum status status;
    struct block_cursor *free_cursors; /* of walks that were closed */
    struct spot *spots[SEARCH_SPOTS];  /* where rows were looked up singly; by lane, NULL: nowhere yet */
};
/* Invariant: while `sought`, the lane's first entry at or behind (key, from) is where the cursor stands, or there is none. */
struct spot {
    struct block_cursor cursor;
    bool sought;
    uint64_t from;
    size_t key_size;
    char key[UINT8_MAX];
};
struct search_run search_run_open(struct store_view *view, size_t rows_max, struct scope *scope);
void search_run_fail(struct search_run *run, enum status status);
/* Counts rows that were touched; false once the limit or the deadline has passed. */
bool search_run_touch(struct search_run *run, uint64_t rows);
/* Of a resource that a visible row names: false, and the run has failed, where there was none of that number yet. What came
 * later stands in rows that the view does not see. */
bool search_run_knows(struct search_run *run, uint64_t rid);
static inline bool search_run_goes_on(const struct search_run *run) {
    return run->status == STATUS_OK && !run->gave_up;
}

enum walk_shape {
    WALK_RANGE, /* low <= key < high */
    WALK_KEY,   /* key == low: in the order of rid */
};

struct walk_table { /* past */
    struct statement *statement;
    struct text key;
    uint64_t rid;
    bool has;
    char *bound; /* where the last seek began: the statement compares with it at every step */
};

struct walk {
    struct search_run *run;
    enum walk_shape shape;
    uint32_t lane;
    struct text low, high;    /* high.at == NULL: to the lane's end */
    struct block_cursor *row; /* NULL once closed */
    bool row_settled;         /* the key that it stands on is inside the walk */
    struct walk_table past;
    struct mem_node *nodes[VIEW_GENERATIONS]; /* the next of each generation; NULL: behind the end */
    struct text key;                          /* where it stands; valid until it moves */
    uint64_t rid;
    char *key_bytes; /* of a range: the key's own copy */
};
struct block_cursor *cursor_take(struct search_run *run);
void cursor_give(struct search_run *run, struct block_cursor *cursor);

/* Starts before the first row. */
struct walk *walk_open(struct search_run *run, enum walk_shape shape, uint32_t lane, struct text low, struct text high);
void walk_close(struct walk *walk); /* gives its statements back; the memory is the arena's */
/* Moves to the next visible row; false at the end. */
bool walk_next(struct walk *walk);
/* Moves to the first visible row at or behind (key, rid), which must not lie before where it stands. */
bool walk_seek(struct walk *walk, struct text key, uint64_t rid);
/* Starts anew under another key; for WALK_KEY. The key must stay where it is until the walk moves on. */
void walk_reopen(struct walk *walk, uint32_t lane, struct text key);
/* The greatest key of the lane below `bound` (NULL: of all), whether the view sees a row of it or not; false: none. */
bool walk_key_before(
    struct text *out, char bytes[static UINT8_MAX], struct search_run *run, uint32_t lane, const struct text *bound);

/* Visible rows from the greatest key down, and up the rids of each key. */
struct walk_down;
/* Starts at (from, from_rid); `from` NULL: at the lane's end. */
struct walk_down *walk_down_open(struct search_run *run, uint32_t lane, const struct text *from, uint64_t from_rid);
void walk_down_close(struct walk_down *down);
bool walk_down_next(
    struct text *key_out, uint64_t *rid_out, struct walk_down *down); /* the key is valid until the next call */

/* The events in memory that the view sees under one key and the tables do not hold yet, by resource. */
struct walk_events;
struct walk_events *walk_events_open(struct search_run *run, uint32_t lane, struct text key);
bool walk_events_next(enum mem_kind *first_out, enum mem_kind *last_out, struct walk_events *events);

/* Whether the view sees the row (lane, key, rid). Cheap for rids that follow each other under one key. */
bool walk_has(struct search_run *run, uint32_t lane, struct text key, uint64_t rid);
/* No row of the key lies at or behind `rid` and before the answer; RID_NONE: none lies behind. */
uint64_t walk_least(struct search_run *run, uint32_t lane, struct text key, uint64_t rid);

#endif
