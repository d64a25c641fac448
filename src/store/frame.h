/* frame: where the bodies and rows of versions lie, and how they are found.
 *
 * A version is written alone (table `single`), its body compressed by the caller. The packer later puts neighbours together
 * into one zstd frame (`frame` for bodies, `frame_rows` for rows), because what a patient's resources have in common is then
 * written once. A version lies either in `single` or in a frame, in every snapshot. A large body stays alone for ever.
 *
 * Both kinds of frame hold, before compression: a varint count; for each version its distance from the one before, its gap
 * (0 for rows) and its size, as varints; then the bytes. A frame of bodies never changes. One of rows is made anew when rows of a
 * version are (store_unit_reindex), and `made` grows. */
#ifndef SOYANG_STORE_FRAME_H
#define SOYANG_STORE_FRAME_H

#include "store/frame_cache.h"
#include "store/store_internal.h"

enum {
    FRAME_BODY_MAX = 64 * 1024, /* a larger one stays alone */
    FRAME_RAW_MAX = 32 * 1024,  /* bodies in one frame, unless a single one has more */
    FRAME_COUNT_MAX = 255,
    FRAME_CACHE_BYTES = 40 * 1024 * 1024,
};

/* A body as it was found; points into the database's or the connection's memory until version_body_give, or until another body is
 * taken over the same connection. */
struct version_body {
    struct store_body body;
    struct statement *statement;
};
enum status version_body_take(
    struct version_body *out, struct store *store, struct connection *connection, uint64_t vid, struct scope *scope);
void version_body_give(struct connection *connection, struct version_body *body);
/* While a connection lends, the bodies that version_body_read finds in frames are not copied: the frames belong to the scope's arena,
 * which must be the same all the time. Of `left` bytes of them at most; what goes beyond is copied. */
struct lending {
    struct frame *last;
    size_t left;
};
enum { LENDING_MOST = 1024 * 1024 };
/* The same, expanded into the scope's arena. */
enum status version_body_read(struct text *out, uint32_t *gap_out, struct store *store, struct connection *connection,
    uint64_t vid, struct scope *scope);

/* The packed rows, in the scope's arena. */
enum status version_rows_find(
    struct text *out, struct store *store, struct connection *connection, uint64_t vid, struct scope *scope);
/* Replaces them; the writer, in its transaction. *single_out: the version lay alone. */
enum status version_rows_put(bool *single_out, struct store *store, struct connection *connection, uint64_t vid,
    struct text rows, struct scope *scope);

/* ---- making ------------------------------------------------------------------------------------------------------- */

struct frame_part {
    uint64_t vid;
    uint32_t gap;
    struct text body, rows;
};
struct frame_made { /* as it goes into the tables */
    uint64_t first, last;
    size_t body_size, rows_size; /* before compression */
    uint32_t dictionary;
    struct text body, rows;
};
/* Parts in the order of their vids, at least one. */
enum status frame_bodies_make(
    struct frame_made *out, struct pack *pack, const struct frame_part *parts, size_t count, struct scope *scope);
/* What frame_bodies_make left out. */
enum status frame_rows_make(
    struct frame_made *out, struct pack *pack, const struct frame_part *parts, size_t count, struct scope *scope);

#endif
