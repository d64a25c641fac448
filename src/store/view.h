/* view: one sequence number, the database snapshot and the memory generations that together answer for it. */
#ifndef SOYANG_STORE_VIEW_H
#define SOYANG_STORE_VIEW_H

#include "store/store_internal.h"

enum { VIEW_GENERATIONS = 2 };

/* Invariants: `state` was read in the connection's snapshot; every event with a sequence number up to state.seq is in the
 * snapshot's main table or in one of the generations, and is in both only at or before state.merged in the generation
 * numbered state.merge_from. */
struct store_view {
    struct store *store;
    struct connection *connection;
    uint64_t seq;
    struct store_state state;
    struct mem_generation *generations[VIEW_GENERATIONS]; /* the older first */
    size_t generation_count;
    bool open;
    bool kept; /* on a snapshot that an earlier view left open: audit rows may have been added since */
};

/* A reader's snapshot that stays open for the next view while nothing that a view sees changes. */
struct snapshot {
    bool open;
    uint64_t epoch;
    int64_t since_us;
    struct store_state state;
};
/* False while the view is at the newest state of its snapshot: then no past row is visible. */
bool view_is_past(const struct store_view *view);

/* The newest state, on a snapshot of its own. */
enum status store_view_open_fresh(struct store_view **out, struct store *store, struct scope *scope);

/* (type, id) → rid; 0: never mentioned. */
enum status view_rid(uint64_t *out, struct store_view *view, uint16_t type, struct text id, struct scope *scope);

/* What the resource table says of a rid. */
struct resource_head {
    uint64_t rid, vid, seq;
    uint16_t type;
    uint32_t version; /* 0: only mentioned */
    int64_t time_us;
    enum store_method method;
    struct text id;
    uint64_t edition; /* only when writing */
};
/* STATUS_NOT_FOUND without an issue. */
enum status resource_head_read(
    struct resource_head *out, struct connection *connection, uint64_t rid, struct scope *scope);

struct version_head {
    uint64_t vid, rid, previous, base, seq;
    uint16_t type;
    uint32_t version;
    int64_t time_us;
    enum store_method method;
    struct text rows; /* only by version_rows_read */
};
enum status version_head_read(
    struct version_head *out, struct connection *connection, uint64_t vid, struct scope *scope);
/* With its rows, in the scope's arena. */
enum status version_rows_read(
    struct version_head *out, struct store *store, struct connection *connection, uint64_t vid, struct scope *scope);
/* The resource of that version, with its body when wanted. */
enum status version_resource_read(struct store_resource *out, struct store *store, struct connection *connection,
    const struct resource_head *head, uint64_t vid, enum store_want want, struct scope *scope);

/* The vid that is current at the view; 0: none (not created yet). `head` was read in the view. */
enum status view_current(
    uint64_t *vid_out, struct store_view *view, const struct resource_head *head, struct scope *scope);
/* The resource as of the view; STATUS_NOT_FOUND without an issue. A deleted one is found. */
enum status view_resource(
    struct store_resource *out, struct store_view *view, uint64_t rid, enum store_want want, struct scope *scope);

enum status select_page(
    struct store_page *out, struct store_view *view, const struct store_query *query, struct scope *scope);

#endif
