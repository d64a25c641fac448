/* shelf: where a book is found: the built-in one, and those of uploaded resources.
 *
 * Of an upload the shelf knows URL, version and status; its book is compiled when somebody asks for it and kept while there
 * is room. What changed is marked by the unit that changed it and read anew, through a view, by whoever asks next: a mark
 * stays until a view has passed its sequence number.
 *
 * Locks: `reading` is held while marks are read (by one thread), `lock` for moments and never while an arena is used. */
#ifndef SOYANG_TERMINOLOGY_SHELF_H
#define SOYANG_TERMINOLOGY_SHELF_H

#include <pthread.h>

#include "terminology/book.h"
#include "terminology/terminology.h"

enum shelf_kind { SHELF_SYSTEMS, SHELF_VALUE_SETS, SHELF_MAPS, SHELF_KINDS };

/* A row of a book. */
struct shelf_ref {
    const struct terminology_book *book; /* NULL: none */
    uint32_t index;
};
static inline const struct system_row *shelf_system(struct shelf_ref ref) {
    return &ref.book->systems[ref.index];
}
static inline const struct value_set_row *shelf_value_set(struct shelf_ref ref) {
    return &ref.book->value_sets[ref.index];
}
static inline const struct map_row *shelf_map(struct shelf_ref ref) {
    return &ref.book->maps[ref.index];
}

enum { SHELF_MARKS_MAX = 512, SHELF_ID_SIZE = 65 };

struct volume; /* a compiled upload, counted */
struct upload {
    enum shelf_kind kind;
    char id[SHELF_ID_SIZE];
    uint64_t url_hash;
    char *url, *version, *value_set; /* one allocation, at url; value_set: CodeSystem.valueSet */
    int status_rank;                 /* less goes before */
    int64_t updated_us;
    uint64_t seq;
    uint64_t scan; /* that saw it last */
    uint64_t used; /* when it was last asked for */
    struct volume *volume;
};
struct shelf_mark {
    enum shelf_kind kind;
    char id[SHELF_ID_SIZE];
    uint64_t sequence;
};

struct terminology {
    struct store *store;
    const struct clock *clock;
    struct clock *own_clock; /* where none was given */
    pthread_mutex_t reading, lock;
    /* under `lock` */
    struct upload *uploads;
    size_t upload_count, upload_capacity;
    struct shelf_mark marks[SHELF_MARKS_MAX];
    size_t mark_count;
    bool must_scan;         /* all is read anew */
    uint64_t scan_sequence; /* by a unit of this number; 0: at the start */
    uint64_t scans;
    bool has_read;
    uint64_t read_sequence; /* of the last view that was read */
    uint64_t uses;
    size_t kept_bytes;
};

/* All of these hold what they find until the scope's arena ends. STATUS_NOT_FOUND without an issue. */

/* The best of a URL; `version` none: the latest. A supplement is not found. */
MUST_CHECK enum status shelf_find(struct shelf_ref *out, struct terminology *terminology, enum shelf_kind kind,
    struct text url, struct text version, struct scope *scope);
/* By the id of its resource; a built-in one by the last segment of its URL. */
MUST_CHECK enum status shelf_find_id(
    struct shelf_ref *out, struct terminology *terminology, enum shelf_kind kind, struct text id, struct scope *scope);
/* The code system whose value set of all codes has this canonical. */
MUST_CHECK enum status shelf_find_whole(
    struct shelf_ref *out, struct terminology *terminology, struct text value_set, struct scope *scope);
/* All code systems that something is known of, by URL; of one URL the one that is found without a version comes first. Their
 * books are not opened. */
struct shelf_entry {
    struct text url, version;
    struct shelf_ref builtin; /* book NULL: an upload */
    bool is_default;
};
MUST_CHECK enum status shelf_systems(
    struct shelf_entry **out, size_t *count_out, struct terminology *terminology, struct scope *scope);
/* All concept maps, uploaded ones first. */
MUST_CHECK enum status shelf_maps(
    struct shelf_ref **out, size_t *count_out, struct terminology *terminology, struct scope *scope);

fhir_type shelf_type(enum shelf_kind kind);
/* Which version is greater: numbers by value, else by letters. */
int shelf_compare_versions(struct text a, struct text b);

void shelf_close(struct terminology *terminology);

#endif
