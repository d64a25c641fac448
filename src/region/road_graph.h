/* road_graph: the roads of a region as one mapped file, and the least minutes between points on it. Private to region, but for what
 * region.h says of it.
 *
 * The file (".roads") is made once from OpenStreetMap (road_import.c) and never changed: a header, then arrays one after the other,
 * each aligned to eight bytes; the SHA-256 of all stands in the header. Little-endian only: the magic tells.
 *
 * Minutes of an edge are its length by its speed: the sign's where the map has one (`maxspeed`), else the class's, which is an
 * assumption (road_classes). A closed way has no minutes.
 *
 * Threads. An open graph is immutable and may be shared; a search has its own workspace. */
#ifndef SOYANG_REGION_ROAD_GRAPH_H
#define SOYANG_REGION_ROAD_GRAPH_H

#include "region/region.h"

#define ROAD_MAGIC "SOYROAD1"
#define ROAD_CELL_E7 100000  /* a cell of the grid that finds the nearest node is 0.01 degrees wide */
#define ROAD_SNAP_MAX_KM 5.0 /* a point further from every road is not on the map: assumption */
#define ROAD_ACCESS_KMH 20.0 /* from a point to the road beside it: assumption */
#define ROAD_NONE UINT32_MAX

enum { ROAD_CLASS_COUNT = 13, ROAD_KMH_MAX = 130 };
struct road_class {
    const char *highway; /* OpenStreetMap's value of `highway` */
    uint8_t kmh;         /* where the map names no limit: assumption */
    bool one_way;        /* unless the map says otherwise */
};
extern const struct road_class road_classes[ROAD_CLASS_COUNT];

struct road_header {
    char magic[8];
    uint32_t nodes, edges, ways;
    int32_t south_e7, west_e7; /* corner of the grid, in 1e-7 degrees */
    uint32_t rows, columns;
    uint32_t zero;
    uint64_t size;      /* of the whole file */
    uint8_t digest[32]; /* road_digest */
};
/* SHA-256 of the header without its digest, and of the SHA-256 of all that follows it. */
void road_digest(uint8_t out[static 32], const struct road_header *header, struct text body);

struct region_road_graph {
    const struct road_header *header; /* the mapping begins here */
    const int64_t *way_id;
    const int32_t *lat_e7, *lon_e7;       /* by node */
    const uint32_t *out_first, *in_first; /* nodes + 1 */
    const uint32_t *in_edge; /* edges, by where they lead to; the edges themselves lie by where they begin */
    const uint32_t *edge_from, *edge_to;    /* nodes */
    const uint32_t *edge_dm, *edge_way;     /* decimetres; index of the way */
    const uint8_t *edge_class, *edge_kmh;   /* kmh 0: the class's */
    const uint32_t *cell_first, *cell_node; /* cells + 1; nodes */
};

/* Where each array lies and how large it is: one list for who writes and who reads. */
enum { ROAD_SECTIONS = 14 };
struct road_section {
    uint64_t offset, size;
};
uint64_t road_layout(
    struct road_section out[static ROAD_SECTIONS], const struct road_header *header); /* the file's size */

/* first[key[i]] ..: where the items of each key begin (keys + 1 of them, zeroed before); `order` lists the items by key. */
void road_index_by(uint32_t *first, uint32_t *order, const uint32_t *key, uint32_t keys, uint32_t count);

/* Nearest node of the graph; ROAD_NONE beyond ROAD_SNAP_MAX_KM. */
uint32_t road_nearest(double *km_out, const struct region_road_graph *graph, struct region_point point);

/* What a search needs beside the graph; of one thread. */
struct road_search;
/* On the scope's arena. STATUS_NOT_FOUND: a closed way is no road of this graph; STATUS_INVALID: the factor. */
MUST_CHECK enum status road_search_open(struct road_search **out, const struct region_road_graph *graph,
    const struct region_road_conditions *conditions, struct scope *scope);
/* Minutes from every node to `target`: INFINITY where no road leads. The array is the search's, until it runs again. */
const float *road_minutes_to(struct road_search *search, uint32_t target);

/* Writes a file whole, or not at all. */
MUST_CHECK enum status road_file_write(
    const char *path, const void *header, size_t header_size, const void *body, size_t body_size, struct scope *scope);
/* Maps a file read-only; `header_size` is the least. Unmap with munmap. */
MUST_CHECK enum status road_file_map(
    const void **out, size_t *size_out, const char *path, size_t header_size, struct scope *scope);

#endif
