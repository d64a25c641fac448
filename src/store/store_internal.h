/* store_internal: what the files of the store share. docs/store.md says what the tables hold and why. */
#ifndef SOYANG_STORE_INTERNAL_H
#define SOYANG_STORE_INTERNAL_H

#include "store/block_cache.h"
#include "store/memtable.h"
#include "store/rid_set.h"
#include "store/statement.h"
#include "store/store.h"
#include "store/wait.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    APPLICATION_ID = 0x536F7961,
    SCHEMA_NUMBER = 3,
    SPACE_TYPE = 2,     /* key: type, 2 bytes; a row for each resource that exists */
    SPACE_IDENTITY = 3, /* key: type and packed id; a row for each (type, id) ever mentioned */
    READERS_DEFAULT = 4,
    READERS_MAX = 64,
    MEMORY_ROWS_DEFAULT = 600 * 1000,
    QUEUE_DEFAULT = 4096,
    PACK_LEAST_DEFAULT = 1024, /* versions that lie alone before they are packed */
    ROWS_MAX_DEFAULT = 20 * 1000 * 1000,
    ID_MAX = 128,
    VERSION_STRIDE = 64, /* version.base leads to the last version before whose number is a multiple of this */
    MOMENTS_MAX = 2048,
    MOMENT_GAP_US = 1000 * 1000,
};

/* ---- lanes: a space has one for its key rows and one for its reference rows -------------------------------------- */

static inline uint32_t lane_of_keys(uint32_t space) {
    return space * 2;
}
static inline uint32_t lane_of_references(uint32_t space) {
    return space * 2 + 1;
}
static inline bool lane_is_references(uint32_t lane) {
    return (lane & 1) != 0;
}

enum { REFERENCE_KEY_MAX = 11 };
/* Key of a reference row: the target's type, 2 bytes, the rid's size in bytes, the rid, big-endian. */
size_t reference_key(uint8_t out[static REFERENCE_KEY_MAX], uint16_t type, uint64_t rid);
uint64_t reference_key_rid(struct text key);
uint16_t reference_key_type(struct text key);
void time_key(uint8_t out[static 8], int64_t time_us);
void type_key(uint8_t out[static 2], uint16_t type);

/* ---- rows of one version ------------------------------------------------------------------------------------------ */

struct lane_row {
    uint32_t lane;
    struct text key;
};
struct lane_rows { /* sorted by (lane, key), without doubles */
    struct lane_row *at;
    size_t count;
};
int lane_row_compare(const void *a, const void *b);
void lane_rows_sort(struct lane_rows *rows);
struct text lane_rows_pack(struct arena *arena, const struct lane_rows *rows);
/* Reads packed rows one after the other; their keys point into the packed text. */
struct lane_reader {
    const uint8_t *at, *end;
    uint32_t lane;
};
struct lane_reader lane_reader_open(struct text packed);
bool lane_reader_next(struct lane_row *out, struct lane_reader *reader);

/* Calls back for every row that is in one of two packed lists only. Stops when `change` is false. */
typedef bool lane_change(void *context, enum mem_kind kind, const struct lane_row *row);
bool lane_rows_differ(struct text before, struct text after, lane_change *change, void *context);

/* ---- identities --------------------------------------------------------------------------------------------------- */

enum { PACKED_ID_MAX = 1 + ID_MAX, IDENTITY_KEY_MAX = 2 + PACKED_ID_MAX };
enum { ID_FORM_TEXT = 0, ID_FORM_UUID = 1 }; /* that byte */
/* A lower-case UUID takes 16 bytes, all else its own; a byte in front says which. 0: longer than ID_MAX. */
size_t id_pack(uint8_t out[static PACKED_ID_MAX], struct text id);
bool id_is_packed(struct text packed); /* what a damaged folder holds may be none */
struct text id_unpack(struct arena *arena, struct text packed);
/* The key of (type, id) in SPACE_IDENTITY; 0: the id is too long. */
size_t identity_key(uint8_t out[static IDENTITY_KEY_MAX], uint16_t type, struct text id);

/* ---- figures that stand in the state row -------------------------------------------------------------------------- */

struct place_kept { /* a row_place of its own */
    bool set;
    struct row_place place;
    uint8_t key[UINT8_MAX];
};
void place_keep(struct place_kept *out, const struct row_place *place);

/* Invariants: merge_from <= active_from; events below merge_from are all in the main table; of those from merge_from up to
 * active_from the ones at or before `merged` are; of those from active_from on none is. */
struct store_state {
    uint64_t seq;    /* last committed, or being committed */
    int64_t time_us; /* of the last unit that wrote */
    uint64_t rid_next, vid_next;
    uint64_t merge_from, merge_from_rid, active_from, active_from_rid;
    struct place_kept merged;
    uint64_t horizon; /* views below it may miss rows that have been purged */
    uint64_t audit_number;
    uint8_t audit_hash[DIGEST_SIZE];
    uint64_t resources, rows; /* existing ones; rows of the main table */
};
/* A plain assignment would leave `merged` pointing into the other one. */
void state_copy(struct store_state *out, const struct store_state *state);
enum status state_read(struct store_state *out, struct connection *connection, struct scope *scope);
enum status state_write(const struct store_state *state, struct connection *connection, struct scope *scope);

/* ---- the store ------------------------------------------------------------------------------------------------------ */

struct moment { /* the last sequence number at a time, kept about once a second */
    uint64_t seq;
    int64_t time_us;
};

/* Where the evaluation of a plan turns from one way to another; docs/store.md, Searching. Tests set them low. */
struct search_costs {
    uint64_t trial_rows;         /* the next one of a first trial at a page */
    uint64_t trial_tests;        /* single tests of a condition before that is given up */
    uint64_t list_rows;          /* rows that may be read to list a part of a plan */
    uint64_t union_rows;         /* results of one part of a union that are listed at once */
    uint64_t list_documents;     /* resources, likewise */
    uint64_t tests_before_set;   /* single tests of a condition before its whole set is gathered */
    uint64_t tests_before_list;  /* likewise before it is listed, where it is made of keys alone */
    uint64_t targets_one_by_one; /* targets whose sources are looked up singly */
    uint64_t fetch_trial;        /* the next one, before a walk along the sort key is tried */
    uint64_t fetch_most;         /* results whose sort keys are fetched one by one */
    uint64_t walk_trial;         /* rows of a sort key that are walked before the results are listed */
    uint64_t walk_for_fetch;     /* rows that are walked in the time in which one resource is fetched */
    uint64_t steps_before_seek;  /* rows that a walk steps over before it seeks */
};

struct seen_cache;
struct pack; /* compression contexts and dictionaries */
struct writer;
struct space_table;
struct text_index;

struct store {
    const char *folder, *path;
    int lock_file;
    const struct clock *clock;
    size_t memory_rows_max, queue_max, pack_least;
    size_t readers_kept;
    struct search_costs costs;
    enum store_packing packing;
    struct pack *pack;
    struct frame_cache *frames;
    struct seen_cache *heads, *row_places; /* by rid, what the resource table says; by vid, where its rows lie */
    _Atomic uint64_t packed_to;            /* versions below it are in frames, but for those that stay alone */
    struct space_table *spaces;
    struct writer *writer;
    _Atomic(struct text_index *) text;           /* NULL: nobody serves words */
    const struct store_text_source *known_words; /* for a check where nobody does; may be NULL */

    /* Guarded by `publish`: what a view takes when it opens. */
    pthread_mutex_t publish;
    struct mem_generation *merging, *active;
    struct moment moments[MOMENTS_MAX]; /* oldest first, from moments_first */
    size_t moments_first, moments_count;
    uint64_t horizon;

    /* Guarded by `readers_lock`. */
    pthread_mutex_t readers_lock;
    pthread_cond_t readers_free;
    struct connection *readers_idle;
    size_t readers_idle_count, readers_open;

    /* Grows whenever what a view sees may have changed: units that write more than audit rows, merging, generations. */
    _Atomic uint64_t epoch;
    struct slices slices;
    _Atomic uint64_t committed_seq, units, groups, resources, versions, rows_merged, audit_entries;
    _Atomic int64_t due_earliest_us;
    struct waits waits;
};

void moments_add(struct store *store, struct moment moment);
/* The least sequence number that a view may name now. */
uint64_t store_horizon(struct store *store);
enum status reader_take(struct connection **out, struct store *store, struct scope *scope);
void reader_give(struct store *store, struct connection *connection);
/* Ends the snapshots that idle readers keep, so that the log can begin anew. */
void readers_refresh(struct store *store);
void readers_close(struct store *store);

/* store.c: the folder is made when missing, and is this process's until the file is closed. */
enum status folder_lock(int *out, const char *folder, struct scope *scope);

/* schema.c */
enum status schema_open(struct store *store, struct connection *connection, struct scope *scope);
/* The one number that a statement yields (PRAGMA user_version). */
enum status schema_number(int64_t *out, struct connection *connection, const char *sql, struct scope *scope);

/* pack.c */
struct pack *pack_open(void);
void pack_close(struct pack *pack);
/* Writes the embedded dictionary into the folder unless it is there, and reads all. */
enum status pack_load(struct pack *pack, struct connection *connection, struct scope *scope);
/* A body of dictionary 0 lies expanded already, and is copied. */
enum status pack_expand(struct text *out, struct pack *pack, const struct store_body *body, struct scope *scope);
/* More thoroughly than a body that somebody waits for; with a dictionary where `dictionary_out` is not NULL. */
enum status pack_frame(
    struct text *out, uint32_t *dictionary_out, struct pack *pack, struct text raw, struct scope *scope);
/* Expands a frame of exactly `size` bytes; dictionary 0: it was made without one. */
enum status pack_unframe(
    char *out, size_t size, struct pack *pack, struct text packed, uint32_t dictionary, struct scope *scope);

/* space.c */
struct space_table *space_table_open(void);
void space_table_close(struct space_table *table);
enum status space_table_load(struct space_table *table, struct connection *connection, struct scope *scope);
/* Writes the spaces that were named since the last group; the writer, in its transaction. */
enum status space_table_flush(struct space_table *table, struct connection *connection, struct scope *scope);
size_t space_table_count(struct space_table *table);
void space_table_flushed(struct space_table *table, bool committed);

/* rebuild.c: fills the generation with the events that the main table lacks. */
enum status store_rebuild(
    struct store *store, const struct store_state *state, struct connection *connection, struct scope *scope);

/* due.c */
enum status due_refresh(struct store *store, struct connection *connection);

/* audit.c */
void audit_digest(uint8_t out[static DIGEST_SIZE], const uint8_t before[static DIGEST_SIZE], uint64_t number,
    uint64_t seq, int64_t time_us, struct text entry, struct arena *arena);

#endif
