/* store: versioned resources and their index rows, units of work, group commit, claims, due times, audit rows.
 *
 * Knows bytes: a resource type is a number, an index is a numbered space of byte keys. It never hears of FHIRPath, search
 * parameters or JSON: `search` hands it rows and plans. One backend lies behind this header today (SQLite); docs/store.md
 * tabulates every table's key and value, the visibility rules and the bound of the memory part.
 *
 * Writing. A unit of work is a callback that runs in the one writer thread, inside a SAVEPOINT of the current group. It sees
 * all earlier units. Any status but STATUS_OK undoes it whole. The group is committed durably once; only then is `done`
 * called. What is costly (parsing, extraction, compression) belongs in the caller's thread, before.
 *
 * Reading. A view names one sequence number and answers as of it, however long it lives. Views are short: one request.
 *
 * Threads. store_submit, store_view_open and the functions taking a `struct store *` may be called from any thread; a view and a unit
 * belong to one thread at a time. */
#ifndef SOYANG_STORE_H
#define SOYANG_STORE_H

#include "base/base.h"

struct store;

/* When versions that lie alone are put into frames. */
enum store_packing {
    STORE_PACKS_AT_REST, /* while nobody writes; beside writers as much as keeps those that lie alone below a share of all */
    STORE_PACKS_AT_ONCE, /* as they come: who writes in bulk waits for the end of that anyway */
};

struct store_config {
    const char *folder; /* created when missing; locked by one process: else STATUS_CONFLICT "in use" */
    const struct clock *clock;
    int reader_connections; /* 0: the default */
    size_t memory_rows_max; /* bound of index rows kept in memory before writers wait; 0: the default */
    size_t pack_least;      /* versions that lie alone before they are put into frames; 0: the default */
    enum store_packing packing;
    size_t queue_max; /* units waiting; past it STATUS_UNAVAILABLE; 0: the default */
};
MUST_CHECK enum status store_open(struct store **out, const struct store_config *config, struct scope *scope);
/* Finishes accepted units, then closes. Accepts NULL. */
void store_close(struct store *store);
uint64_t store_sequence(const struct store *store); /* of the last committed unit */

/* The number of an index space, the same for ever in this folder; made on first use (durable before it returns). 1.. */
MUST_CHECK enum status store_space(uint32_t *out, struct store *store, struct text name, struct scope *scope);

/* ---- resources, rows -------------------------------------------------------------------------------------------- */

enum { STORE_KEY_MAX = 200 };

/* One index row of a resource. A reference row points at another resource, which need not exist (yet). */
struct store_row {
    uint32_t space;
    uint16_t target_type;  /* 0: a key row */
    struct text key;       /* key row: compared as bytes; at most STORE_KEY_MAX */
    struct text target_id; /* reference row */
};

/* A body as it is kept: compressed. `gap` is where versionId and lastUpdated are spliced in when it is read. */
struct store_body {
    struct text packed;
    uint32_t size, gap, dictionary;
};
MUST_CHECK enum status store_body_pack(
    struct store_body *out, struct store *store, struct text body, uint32_t gap, struct scope *scope);

enum store_method { STORE_CREATED = 1, STORE_UPDATED = 2, STORE_DELETED = 3, STORE_PATCHED = 4 };

/* One version of a resource. */
struct store_resource {
    uint64_t rid; /* the identity (type, id) in this folder; grows with first mention */
    uint16_t type;
    struct text id;
    uint32_t version; /* 1.. */
    uint64_t seq;
    int64_t updated_us;
    enum store_method method; /* STORE_DELETED: there is no body */
    struct text body;         /* decompressed; none when not asked for */
    uint32_t gap;
};
enum store_want { STORE_WANT_IDENTITY, STORE_WANT_BODY };

/* ---- words ------------------------------------------------------------------------------------------------------ */

/* The words of a body, by field: each field begins and ends with a blank, and one blank stands between two words. A word is
 * of a-z, 0-9 and bytes over 0x7f. What no phrase may reach across is set apart by the word "\xc2\xb6" (¶). */
enum { STORE_TEXT_FIELDS = 2 };
struct store_words {
    struct text fields[STORE_TEXT_FIELDS];
};
/* Makes them; always the same for the same body. Called from many threads at once. */
typedef enum status store_text_read(
    struct store_words *out, void *context, uint16_t type, struct text body, struct scope *scope);
struct store_text_source {
    store_text_read *read;
    void *context;
    const char *form; /* names how words are made: when it changes, the index is made anew */
};
/* From now on plans may ask for words. An index of them is made in the background once somebody does; docs/store.md, Words.
 * Only the first source counts. It must stay until the store is closed. */
MUST_CHECK enum status store_text_serve(
    struct store *store, const struct store_text_source *source, struct scope *scope);
/* For store_check alone, where no words are served: it then knows which versions have some. Nothing is indexed. */
void store_text_know(struct store *store, const struct store_text_source *source);

enum store_text_kind {
    STORE_TEXT_PHRASE,
    STORE_TEXT_ALL,
    STORE_TEXT_ANY,
    STORE_TEXT_WITHOUT, /* children[0] without the others */
};
enum store_text_end { STORE_TEXT_WHOLE, STORE_TEXT_PREFIX }; /* the last word as it stands, or what begins with it */
struct store_text {
    enum store_text_kind kind;
    unsigned fields;   /* phrase: one bit a field where it may stand */
    struct text words; /* phrase: in this order, one behind the other, one blank between two */
    enum store_text_end end;
    const struct store_text *const *children;
    size_t child_count;
};

/* ---- units of work ---------------------------------------------------------------------------------------------- */

struct store_unit;
typedef enum status store_apply(void *context, struct store_unit *unit, struct scope *scope);
/* Called once, from a store thread, after the durable commit or the undoing. Must not block. */
typedef void store_done(void *context, enum status status, uint64_t seq);

struct store_work {
    store_apply *apply;
    store_done *done;
    void *context;
    struct scope *scope; /* the unit's own; lent to the writer until `done` */
    bool can_wait;       /* a few milliseconds for others like it, so that one commit serves more of them */
};
/* STATUS_UNAVAILABLE when the queue is full or the store is closing: then `done` is not called. */
MUST_CHECK enum status store_submit(struct store *store, const struct store_work *work);
/* The same, waiting for the end. */
MUST_CHECK enum status store_run(struct store *store, store_apply *apply, void *context, struct scope *scope);

int64_t store_unit_time_us(
    const struct store_unit *unit); /* lastUpdated of what the unit writes; grows from unit to unit */
uint64_t store_unit_sequence(const struct store_unit *unit);

/* The current version, seeing this and earlier units; STATUS_NOT_FOUND without an issue when there never was one. A deleted
 * one is found, with method STORE_DELETED. */
MUST_CHECK enum status store_unit_get(struct store_resource *out, struct store_unit *unit, uint16_t type,
    struct text id, enum store_want want, struct scope *scope);
/* Who named the resource. An id that was made by id_new() for this put, and that nothing before this unit can hold, is not
 * looked for among those that are known. */
enum store_id_origin { STORE_ID_GIVEN, STORE_ID_MADE };
struct store_put {
    uint16_t type;
    struct text id;
    enum store_id_origin origin;
    enum store_method method;
    struct store_body body;
    const struct store_row *rows;
    size_t row_count;
    uint64_t edition; /* which edition of its tables the caller made the rows by; see store_unit_reindex */
};
/* A new version: 1, or one more than the current, deleted or not. The rows of the version before end here. */
MUST_CHECK enum status store_unit_put(
    struct store_resource *out, struct store_unit *unit, const struct store_put *put, struct scope *scope);
MUST_CHECK enum status store_unit_delete(
    struct store_resource *out, struct store_unit *unit, uint16_t type, struct text id, struct scope *scope);

/* New index rows for a version that stands: the resource does not change, its history and its time neither. *done_out is false,
 * and nothing is done, when `version` is not the current one. A unit makes anew what it wrote itself, or writes nothing else. */
struct store_reindex {
    uint16_t type;
    struct text id;
    uint32_t version;
    const struct store_row *rows;
    size_t row_count;
    uint64_t edition;
};
MUST_CHECK enum status store_unit_reindex(
    bool *done_out, struct store_unit *unit, const struct store_reindex *reindex, struct scope *scope);

/* A claim is a unique key with one holder. Taking what another holds is STATUS_CONFLICT (no issue; `holder_out`, where not
 * NULL, says who); taking it again oneself is fine. */
MUST_CHECK enum status store_unit_claim(struct text *holder_out, struct store_unit *unit, struct text space,
    struct text key, struct text holder, struct scope *scope);
MUST_CHECK enum status store_unit_release(struct store_unit *unit, struct text space, struct text key,
    struct text holder, struct scope *scope); /* STATUS_CONFLICT unless `holder` holds it or nobody does */
MUST_CHECK enum status store_unit_holder(struct text *out, struct store_unit *unit, struct text space, struct text key,
    struct scope *scope); /* none when free */

/* One due time a (owner, key); setting moves it. `owner` names who handles it (see records_due_register). */
MUST_CHECK enum status store_unit_due_set(
    struct store_unit *unit, struct text owner, struct text key, int64_t at_us, struct scope *scope);
MUST_CHECK enum status store_unit_due_clear(
    struct store_unit *unit, struct text owner, struct text key, struct scope *scope);

/* Appends to the hash chain of audit rows. */
MUST_CHECK enum status store_unit_audit(struct store_unit *unit, struct text entry, struct scope *scope);

/* Small named values of upper modules (what region is loaded, under which policy). */
MUST_CHECK enum status store_unit_note_set(
    struct store_unit *unit, struct text name, struct text value, struct scope *scope);
/* As the unit sees it; none when there is none. */
MUST_CHECK enum status store_unit_note(
    struct text *out, struct store_unit *unit, struct text name, struct scope *scope);

/* ---- plans ------------------------------------------------------------------------------------------------------- */

/* A plan is a tree that yields a set of resources (current, not deleted, as of the view). It is data; the store chooses how. */
enum store_plan_kind {
    STORE_PLAN_NONE,  /* nothing */
    STORE_PLAN_TYPE,  /* all of `type`; 0: all */
    STORE_PLAN_ID,    /* the one (type, id), if it exists */
    STORE_PLAN_RANGE, /* has a key row in `space` with low <= key < high that passes the filter */
    STORE_PLAN_UNION,
    STORE_PLAN_INTERSECT,
    STORE_PLAN_SUBTRACT, /* children[0] without the others */
    STORE_PLAN_SOURCES, /* has a reference row in `space` to a result of children[0], or to (type, id) if there is no child,
                             whether that exists or not */
    STORE_PLAN_TARGETS,   /* is the target of a reference row in `space` of a result of children[0] */
    STORE_PLAN_REFERRING, /* has any reference row in `space` (to a resource of `type`, unless 0): for :missing */
    STORE_PLAN_TEXT,      /* its body's words fit `text` */
};
enum store_filter_kind {
    STORE_FILTER_NONE,
    STORE_FILTER_SLICE,    /* low <= key[offset, offset + length) < high; `offset` < 0 counts from the key's end */
    STORE_FILTER_CONTAINS, /* `low` occurs in key[offset..] */
};
struct store_plan {
    enum store_plan_kind kind;
    uint16_t type;
    uint32_t space;
    struct text id;
    uint64_t rid;          /* of an ID that is known to exist, as a page of the same view said; 0: it is looked up */
    struct text low, high; /* none: unbounded on that side */
    struct {
        enum store_filter_kind kind;
        int offset, length;
        struct text low, high;
    } filter;
    const struct store_text *text;
    const struct store_plan *const *children;
    size_t child_count;
};
/* The least key greater than every key that starts with `prefix`: the `high` of a prefix range. none: there is none. */
struct text store_prefix_end(struct arena *arena, struct text prefix);

/* Built-in key spaces, kept by the store itself. */
enum {
    STORE_SPACE_UPDATED = 1 /* key: updated_us, 8 bytes big-endian with the sign bit flipped */,
    STORE_SPACE_FIRST_OWN = 16
};

enum store_sort_by {
    STORE_SORT_KEYS,    /* the least key of the resource in `space` (descending: the greatest) */
    STORE_SORT_ID,      /* its id, as text */
    STORE_SORT_TARGETS, /* the least (type, id) that it refers to through `space` */
};
struct store_sort {
    enum store_sort_by by;
    uint32_t space;
    uint16_t
        type; /* of all results, where that is known: an order by id is then found without reading them all; 0: not */
    bool descending;
}; /* those without a key come last */
enum { STORE_SORTS_MAX = 4 };
struct store_query {
    const struct store_plan *plan;
    struct store_sort sorts[STORE_SORTS_MAX];
    size_t sort_count; /* ties, and everything when 0, by rid */
    size_t limit;
    struct text after; /* `next` of the page before; none: from the start */
    enum store_want want;
    uint16_t type;   /* when all results are known to be of one; 0: of any */
    size_t rows_max; /* index rows that may be touched; past it STATUS_TOO_COSTLY naming the limit; 0: the default */
};
struct store_page {
    struct store_resource *at;
    size_t count;
    struct text next; /* where the next page goes on; none: this was the last */
};

/* ---- views ------------------------------------------------------------------------------------------------------- */

struct store_view;
/* As of `seq`; 0: the latest. STATUS_GONE when that is no longer kept (older than STORE_CURSOR_LIFE_S).
 * It is closed with the scope's arena at the latest. */
enum { STORE_CURSOR_LIFE_S = 900 };
MUST_CHECK enum status store_view_open(struct store_view **out, struct store *store, uint64_t seq, struct scope *scope);
void store_view_close(struct store_view *view); /* accepts NULL */
uint64_t store_view_sequence(const struct store_view *view);

MUST_CHECK enum status store_view_get(struct store_resource *out, struct store_view *view, uint16_t type,
    struct text id, enum store_want want, struct scope *scope);
MUST_CHECK enum status store_view_get_version(struct store_resource *out, struct store_view *view, uint16_t type,
    struct text id, uint32_t version, struct scope *scope);
MUST_CHECK enum status store_view_select(
    struct store_page *out, struct store_view *view, const struct store_query *query, struct scope *scope);
MUST_CHECK enum status store_view_count(
    uint64_t *out, struct store_view *view, const struct store_plan *plan, size_t rows_max, struct scope *scope);
/* Where the current version of (type, id) points through `space`; space 0: through any. Identities only, existing or not
 * (version 0: does not exist). */
MUST_CHECK enum status store_view_targets(struct store_page *out, struct store_view *view, uint16_t type,
    struct text id, uint32_t space, struct scope *scope);

struct store_history_query {
    uint16_t type;    /* 0: any */
    struct text id;   /* none: any */
    int64_t since_us; /* updated at or after; 0: from the start */
    int64_t at_us;    /* versions that were current at some time at or after this one...; 0: not asked */
    size_t limit;
    struct text after;
    enum store_want want;
};
/* Newest first. */
MUST_CHECK enum status store_view_history(
    struct store_page *out, struct store_view *view, const struct store_history_query *query, struct scope *scope);
MUST_CHECK enum status store_view_history_count(
    uint64_t *out, struct store_view *view, const struct store_history_query *query, struct scope *scope);
MUST_CHECK enum status store_view_holder(
    struct text *out, struct store_view *view, struct text space, struct text key, struct scope *scope);
MUST_CHECK enum status store_view_note(
    struct text *out, struct store_view *view, struct text name, struct scope *scope);

/* How many existing resources of a type have rows of an edition. */
struct store_edition {
    uint16_t type;
    uint64_t edition, count;
};
/* All of them, by type and edition, counted anew in the view's snapshot. */
MUST_CHECK enum status store_view_editions(
    struct store_edition **out, size_t *count_out, struct store_view *view, struct scope *scope);
/* Existing resources from `rid` on whose edition is below required[type], with their bodies; one that cannot be read is left out
 * and logged. *next_out is where the next call goes on; 0: nothing is left. A call looks at a bounded number of resources. */
struct store_outdated {
    const uint64_t *required; /* by type */
    size_t type_count;
    uint64_t rid;
    size_t limit;
};
MUST_CHECK enum status store_view_outdated(struct store_page *out, uint64_t *next_out, struct store_view *view,
    const struct store_outdated *which, struct scope *scope);

/* The same from inside a unit, seeing what it and earlier units wrote: for conditional matches. */
MUST_CHECK enum status store_unit_select(
    struct store_page *out, struct store_unit *unit, const struct store_query *query, struct scope *scope);

struct store_audit_entry {
    uint64_t number, seq;
    int64_t time_us;
    struct text entry;
    uint8_t hash[DIGEST_SIZE]; /* SHA-256 of the hash before, number, seq, time and entry */
};
MUST_CHECK enum status store_view_audit(struct store_audit_entry **out, size_t *count_out, struct store_view *view,
    uint64_t after_number, size_t limit, struct scope *scope);

/* ---- due times, checks, figures ---------------------------------------------------------------------------------- */

struct store_due {
    struct text owner, key;
    int64_t at_us;
};
/* Those at or before `now_us`, earliest first. They stay until a unit clears or moves them. */
MUST_CHECK enum status store_due_list(
    struct store_due **out, size_t *count_out, struct store *store, int64_t now_us, size_t limit, struct scope *scope);
int64_t store_due_earliest_us(const struct store *store); /* INT64_MAX when none; cheap */

/* Integrity of the whole folder: database pages, every body readable, every current version's rows present and no others,
 * the audit chain, and where words were indexed that file with itself and the versions it names (how many, in *text_versions_out, which
 * may be NULL). Issues name what is wrong; `progress` may be NULL. */
typedef void store_progress(void *context, uint64_t done, uint64_t total);
MUST_CHECK enum status store_check(
    uint64_t *text_versions_out, struct store *store, store_progress *progress, void *context, struct scope *scope);

/* Brings a folder of an older schema up to this program's: one transaction, so that whatever ends it leaves the folder as it was
 * or migrated. `progress` counts statements and may be NULL. STATUS_NOT_FOUND where there is no folder. */
struct store_migration {
    int from, to; /* the same: nothing was to be done */
};
MUST_CHECK enum status store_migrate(
    struct store_migration *out, const char *folder, store_progress *progress, void *context, struct scope *scope);

struct store_figures {
    uint64_t resources, versions, rows_in_memory, rows_merged, units, groups, queue_depth, disk_bytes, audit_entries;
};
void store_figures(struct store_figures *out, struct store *store);

/* What requests waited for since the store was opened, by cause. Those of the writer thread keep everybody whose unit is queued:
 * memory (full: merging goes first), units (the work of a group), commit (its log written and synced) and commit-beside-log (the same, while the log is being copied), answers (those who asked are
 * told), merge and pack (a slice), log (the writer's own copying of the log). Reader and snapshot are each request's own: for a
 * connection, and until its view of the record stood. */
enum store_wait {
    STORE_WAIT_MEMORY,
    STORE_WAIT_UNITS,
    STORE_WAIT_COMMIT,
    STORE_WAIT_COMMIT_BESIDE_LOG,
    STORE_WAIT_ANSWERS,
    STORE_WAIT_MERGE,
    STORE_WAIT_PACK,
    STORE_WAIT_LOG,
    STORE_WAIT_READER,
    STORE_WAIT_SNAPSHOT,
    STORE_WAIT_COUNT
};
struct store_wait_figures {
    uint64_t count, long_count; /* of 300 ms and more */
    uint64_t total_us, longest_us;
};
void store_waits(struct store_wait_figures out[static STORE_WAIT_COUNT], struct store *store);
const char *store_wait_name(enum store_wait cause);

#endif
