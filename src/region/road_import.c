/* OpenStreetMap into a road graph: the ways first, then the places of their nodes, then edges between the nodes that matter. */
#include <math.h>
#include <readosm.h>
#include <stdlib.h>
#include <string.h>

#include "region/road_graph.h"

enum { PROGRESS_EVERY = 1 << 18 };
/* On a long stretch a node stays at least so often, so that a point beside it finds the road. */
#define STRETCH_DM 2500

enum direction { BOTH_WAYS, ALONG, AGAINST };
struct way {
    int64_t id;
    size_t first_ref, ref_count;
    uint8_t class, kmh;
    enum direction direction;
};
struct edge {
    uint32_t from, to, dm, way;
    uint8_t class, kmh;
};

/* A growing array of the import's arena. */
struct list {
    void *items;
    size_t count, room, size;
};

struct road_import {
    struct arena *arena;
    struct list ways, refs, edges; /* struct way, int64_t, struct edge */
    int64_t *ids;                  /* of nodes on roads, ascending, each once */
    size_t id_count;
    int32_t *lat_e7, *lon_e7; /* by index in ids */
    uint8_t *uses;            /* 1: within a road; 2: a junction, an end or a stretch's node: it stays */
    uint8_t *placed;
    uint32_t *group; /* union-find */
    region_road_progress *progress;
    void *context;
    size_t seen;
};

static void *list_add(struct road_import *m, struct list *list) {
    if (list->count == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 1024;
        list->items = arena_resize(m->arena, list->items, list->room * list->size, room * list->size);
        list->room = room;
    }
    return (char *)list->items + list->size * list->count++;
}

static void tell(struct road_import *m, const char *phase) {
    if (m->progress != NULL && m->seen++ % PROGRESS_EVERY == 0)
        m->progress(m->context, phase, m->seen);
}

/* ---- ways ------------------------------------------------------------------------------------------------------------------ */

static const char *tag_of(const readosm_way *way, const char *key) {
    for (int i = 0; i < way->tag_count; i++) {
        if (way->tags[i].key != NULL && strcmp(way->tags[i].key, key) == 0)
            return way->tags[i].value != NULL ? way->tags[i].value : "";
    }
    return "";
}

static bool is(const char *value, const char *a, const char *b, const char *c) {
    return strcmp(value, a) == 0 || strcmp(value, b) == 0 || strcmp(value, c) == 0;
}

/* "60", "60 km/h", "40 mph"; words and nonsense count as not stated. */
static uint8_t limit_of(const char *value) {
    char *end;
    double kmh = strtod(value, &end);
    if (end == value)
        return 0;
    while (*end == ' ')
        end++;
    if (strcmp(end, "mph") == 0)
        kmh *= 1.609344; /* international mile */
    else if (*end != '\0' && strcmp(end, "km/h") != 0)
        return 0;
    return kmh >= 5 && kmh <= ROAD_KMH_MAX ? (uint8_t)lround(kmh) : 0;
}

static enum direction direction_of(const readosm_way *way, const struct road_class *class) {
    const char *one_way = tag_of(way, "oneway");
    if (is(one_way, "-1", "reverse", "-1"))
        return AGAINST;
    if (is(one_way, "yes", "true", "1"))
        return ALONG;
    bool implied = class->one_way || is(tag_of(way, "junction"), "roundabout", "circular", "roundabout");
    return implied && !is(one_way, "no", "false", "0") ? ALONG : BOTH_WAYS;
}

static int on_way(const void *context, const readosm_way *way) {
    struct road_import *m = (struct road_import *)context;
    const char *highway = tag_of(way, "highway");
    int class = 0;
    tell(m, "ways");
    while (class < ROAD_CLASS_COUNT && strcmp(road_classes[class].highway, highway) != 0)
        class ++;
    /* A gate does not stop an ambulance; a road that is not there does. */
    if (class == ROAD_CLASS_COUNT || way->node_ref_count < 2 || strcmp(tag_of(way, "access"), "no") == 0)
        return READOSM_OK;
    struct way *road = list_add(m, &m->ways);
    *road = (struct way){.id = way->id,
        .first_ref = m->refs.count,
        .ref_count = (size_t)way->node_ref_count,
        .class = (uint8_t) class,
        .kmh = limit_of(tag_of(way, "maxspeed")),
        .direction = direction_of(way, &road_classes[class])};
    for (int i = 0; i < way->node_ref_count; i++)
        *(int64_t *)list_add(m, &m->refs) = way->node_refs[i];
    return READOSM_OK;
}

/* ---- nodes ------------------------------------------------------------------------------------------------------------------ */

static int compare_ids(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t index_of(const struct road_import *m, int64_t id) {
    const int64_t *found = bsearch(&id, m->ids, m->id_count, sizeof(id), compare_ids);
    return found != NULL ? (size_t)(found - m->ids) : SIZE_MAX;
}

static void collect_ids(struct road_import *m) {
    const int64_t *refs = m->refs.items;
    m->ids = arena_array(m->arena, m->refs.count, sizeof(*m->ids));
    memcpy(m->ids, refs, m->refs.count * sizeof(*m->ids));
    qsort(m->ids, m->refs.count, sizeof(*m->ids), compare_ids);
    for (size_t i = 0; i < m->refs.count; i++) {
        if (i == 0 || m->ids[i] != m->ids[m->id_count - 1])
            m->ids[m->id_count++] = m->ids[i];
    }
    m->lat_e7 = arena_array(m->arena, m->id_count, sizeof(int32_t));
    m->lon_e7 = arena_array(m->arena, m->id_count, sizeof(int32_t));
    m->uses = arena_alloc(m->arena, m->id_count);
    m->placed = arena_alloc(m->arena, m->id_count);
    for (size_t i = 0; i < m->ways.count; i++) {
        const struct way *way = (const struct way *)m->ways.items + i;
        for (size_t k = 0; k < way->ref_count; k++) {
            uint8_t *uses = &m->uses[index_of(m, refs[way->first_ref + k])];
            bool end = k == 0 || k == way->ref_count - 1;
            *uses = end || *uses > 0 ? 2 : 1;
        }
    }
}

static int on_node(const void *context, const readosm_node *node) {
    struct road_import *m = (struct road_import *)context;
    tell(m, "nodes");
    size_t i = index_of(m, node->id);
    bool possible = fabs(node->latitude) <= 90 && fabs(node->longitude) <= 180;
    if (i != SIZE_MAX && possible) {
        m->lat_e7[i] = (int32_t)lround(node->latitude * 1e7);
        m->lon_e7[i] = (int32_t)lround(node->longitude * 1e7);
        m->placed[i] = 1;
    }
    return READOSM_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------- */

static enum status read_source(struct road_import *m, const char *source, readosm_node_callback on_nodes,
    readosm_way_callback on_ways, struct scope *scope) {
    const void *handle = NULL;
    int code = readosm_open(source, &handle);
    if (code == READOSM_OK)
        code = readosm_parse(handle, m, on_nodes, on_ways, NULL);
    if (handle != NULL)
        (void)readosm_close(handle);
    switch (code) {
    case READOSM_OK:
        return STATUS_OK;
    case READOSM_INVALID_SUFFIX:
        return fault(scope, STATUS_INVALID, source, "the name must end in .osm.pbf or .osm");
    case READOSM_FILE_NOT_FOUND:
        return fault(scope, STATUS_NOT_FOUND, source, "cannot be opened");
    case READOSM_INSUFFICIENT_MEMORY:
        return fault(scope, STATUS_UNAVAILABLE, source, "there is not enough memory to read it");
    default:
        return fault(scope, STATUS_INVALID, source,
            "is no OpenStreetMap file, or a damaged or cut one (libreadosm says %d)", code);
    }
}

static enum status check_placed(const struct road_import *m, const char *source, struct scope *scope) {
    size_t missing = 0;
    for (size_t i = 0; i < m->id_count; i++)
        missing += m->placed[i] == 0;
    /* An extract may end in the middle of a road; a file that is cut lacks a great part. */
    if (missing * 20 > m->id_count)
        return fault(scope, STATUS_INVALID, source,
            "%zu of the %zu nodes of its roads are not in it: the file is cut, or an extract without complete ways",
            missing, m->id_count);
    return STATUS_OK;
}

/* ---- edges --------------------------------------------------------------------------------------------------------------------- */

static uint32_t find_group(struct road_import *m, uint32_t node) {
    while (m->group[node] != node) {
        m->group[node] = m->group[m->group[node]];
        node = m->group[node];
    }
    return node;
}

static void add_edge(struct road_import *m, const struct way *way, size_t from, size_t to, double dm) {
    struct edge edge = {(uint32_t)from, (uint32_t)to, (uint32_t)fmin(fmax(round(dm), 1), UINT32_MAX),
        (uint32_t)(way - (const struct way *)m->ways.items), way->class, way->kmh};
    if (way->direction != AGAINST)
        *(struct edge *)list_add(m, &m->edges) = edge;
    if (way->direction != ALONG) {
        edge.from = (uint32_t)to;
        edge.to = (uint32_t)from;
        *(struct edge *)list_add(m, &m->edges) = edge;
    }
    m->group[find_group(m, (uint32_t)from)] = find_group(m, (uint32_t)to);
}

static struct region_point point_of(const struct road_import *m, size_t i) {
    return (struct region_point){m->lat_e7[i] / 1e7, m->lon_e7[i] / 1e7};
}

static void add_way(struct road_import *m, const struct way *way) {
    const int64_t *refs = (const int64_t *)m->refs.items + way->first_ref;
    size_t last = SIZE_MAX, before = SIZE_MAX;
    double dm = 0;
    for (size_t k = 0; k < way->ref_count; k++) {
        size_t at = index_of(m, refs[k]);
        if (m->placed[at] == 0) {
            last = SIZE_MAX; /* the extract ends here */
            continue;
        }
        if (last == SIZE_MAX) {
            m->uses[at] = 2;
            last = before = at;
            dm = 0;
            continue;
        }
        dm += region_distance_km(point_of(m, before), point_of(m, at)) * 10000;
        bool next_is_there = k + 1 < way->ref_count && m->placed[index_of(m, refs[k + 1])] != 0;
        if (m->uses[at] == 2 || dm >= STRETCH_DM || !next_is_there) {
            m->uses[at] = 2;
            if (at != last)
                add_edge(m, way, last, at, dm);
            last = at;
            dm = 0;
        }
        before = at;
    }
}

/* ---- writing ------------------------------------------------------------------------------------------------------------------- */

/* Nodes of the largest part that hangs together get numbers; the others ROAD_NONE. */
static uint32_t number_nodes(struct road_import *m, uint32_t *number, struct region_road_size *size) {
    uint32_t *members = arena_array(m->arena, m->id_count, sizeof(*members));
    uint32_t best = 0, count = 0;
    size_t used = 0;
    for (uint32_t i = 0; i < m->id_count; i++) {
        if (m->uses[i] == 2 && m->placed[i] != 0) {
            uint32_t group = find_group(m, i);
            used++;
            if (++members[group] > members[best])
                best = group;
        }
    }
    for (uint32_t i = 0; i < m->id_count; i++) {
        bool inside = m->uses[i] == 2 && m->placed[i] != 0 && find_group(m, i) == best;
        number[i] = inside ? count++ : ROAD_NONE;
    }
    size->left_out = used - count;
    return count;
}

static int compare_edges(const void *a, const void *b) {
    const struct edge *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return (x->way > y->way) - (x->way < y->way);
}

static uint32_t keep_edges(struct road_import *m, const uint32_t *number) {
    struct edge *edges = m->edges.items;
    uint32_t count = 0;
    for (size_t i = 0; i < m->edges.count; i++) {
        struct edge edge = edges[i];
        edge.from = number[edge.from];
        edge.to = number[edge.to];
        if (edge.from != ROAD_NONE && edge.to != ROAD_NONE)
            edges[count++] = edge;
    }
    if (count > 0)
        qsort(edges, count, sizeof(*edges), compare_edges);
    return count;
}

static struct road_header header_of(
    const struct road_import *m, const uint32_t *number, uint32_t nodes, uint32_t edges) {
    int32_t south = INT32_MAX, west = INT32_MAX, north = INT32_MIN, east = INT32_MIN;
    for (size_t i = 0; i < m->id_count; i++) {
        if (number[i] != ROAD_NONE) {
            south = m->lat_e7[i] < south ? m->lat_e7[i] : south;
            north = m->lat_e7[i] > north ? m->lat_e7[i] : north;
            west = m->lon_e7[i] < west ? m->lon_e7[i] : west;
            east = m->lon_e7[i] > east ? m->lon_e7[i] : east;
        }
    }
    struct road_header header = {.nodes = nodes,
        .edges = edges,
        .ways = (uint32_t)m->ways.count,
        .south_e7 = south,
        .west_e7 = west,
        .rows = (uint32_t)(((int64_t)north - south) / ROAD_CELL_E7 + 1),
        .columns = (uint32_t)(((int64_t)east - west) / ROAD_CELL_E7 + 1)};
    memcpy(header.magic, ROAD_MAGIC, sizeof(header.magic));
    return header;
}

struct image {
    char *base;
    struct road_section sections[ROAD_SECTIONS];
};

static void *array_at(const struct image *image, int section) {
    return image->base + image->sections[section].offset;
}

static void fill_edges(const struct image *image, const struct road_import *m, const struct road_header *header) {
    const struct edge *edges = m->edges.items;
    uint32_t *from = array_at(image, 6), *to = array_at(image, 7), *dm = array_at(image, 8), *way = array_at(image, 9);
    uint8_t *class = array_at(image, 10), *kmh = array_at(image, 11);
    for (uint32_t i = 0; i < header->edges; i++) {
        from[i] = edges[i].from;
        to[i] = edges[i].to;
        dm[i] = edges[i].dm;
        way[i] = edges[i].way;
        class[i] = edges[i].class;
        kmh[i] = edges[i].kmh;
    }
    uint32_t *order =
        arena_array(m->arena, header->edges + 1, sizeof(*order)); /* edges lie by `from`: their order is their number */
    road_index_by(array_at(image, 3), order, from, header->nodes, header->edges);
    road_index_by(array_at(image, 4), array_at(image, 5), to, header->nodes, header->edges);
}

static void fill_nodes(
    const struct image *image, const struct road_import *m, const struct road_header *header, const uint32_t *number) {
    int64_t *ids = array_at(image, 0);
    int32_t *lat = array_at(image, 1), *lon = array_at(image, 2);
    uint32_t *cell = arena_array(m->arena, header->nodes, sizeof(*cell));
    for (uint32_t i = 0; i < header->ways; i++)
        ids[i] = ((const struct way *)m->ways.items)[i].id;
    for (size_t i = 0; i < m->id_count; i++) {
        if (number[i] == ROAD_NONE)
            continue;
        lat[number[i]] = m->lat_e7[i];
        lon[number[i]] = m->lon_e7[i];
        cell[number[i]] = (uint32_t)((m->lat_e7[i] - (int64_t)header->south_e7) / ROAD_CELL_E7) * header->columns +
                          (uint32_t)((m->lon_e7[i] - (int64_t)header->west_e7) / ROAD_CELL_E7);
    }
    road_index_by(array_at(image, 12), array_at(image, 13), cell, header->rows * header->columns, header->nodes);
}

static enum status write_graph(
    struct region_road_size *out, struct road_import *m, const char *source, const char *target, struct scope *scope) {
    uint32_t *number = arena_array(m->arena, m->id_count, sizeof(*number));
    uint32_t nodes = number_nodes(m, number, out);
    uint32_t edges = keep_edges(m, number);
    struct image image;
    if (edges == 0)
        return fault(scope, STATUS_INVALID, source, "holds no road that an ambulance could take");
    struct road_header header = header_of(m, number, nodes, edges);
    if ((uint64_t)header.rows * header.columns > 100000000)
        return fault(
            scope, STATUS_TOO_LARGE, source, "spans more than a hundred degrees squared: cut out the region first");
    header.size = road_layout(image.sections, &header);
    image.base = arena_alloc(m->arena, header.size);
    fill_edges(&image, m, &header);
    fill_nodes(&image, m, &header, number);
    struct text body = {image.base + sizeof(header), header.size - sizeof(header)};
    road_digest(header.digest, &header, body);
    out->ways = header.ways;
    out->nodes = nodes;
    out->edges = edges;
    return road_file_write(target, &header, sizeof(header), body.at, body.size, scope);
}

enum status region_road_import(struct region_road_size *out, const char *source, const char *target,
    region_road_progress *progress, void *context, struct scope *scope) {
    struct road_import m = {.arena = scope->arena, .progress = progress, .context = context};
    m.ways.size = sizeof(struct way);
    m.refs.size = sizeof(int64_t);
    m.edges.size = sizeof(struct edge);
    enum status status = read_source(&m, source, NULL, on_way, scope);
    if (status == STATUS_OK && m.ways.count == 0)
        status = fault(scope, STATUS_INVALID, source, "holds no road that an ambulance could take");
    if (status != STATUS_OK)
        return status;
    collect_ids(&m);
    m.seen = 0;
    status = read_source(&m, source, on_node, NULL, scope);
    if (status == STATUS_OK)
        status = check_placed(&m, source, scope);
    if (status != STATUS_OK)
        return status;
    m.group = arena_array(m.arena, m.id_count, sizeof(*m.group));
    for (uint32_t i = 0; i < m.id_count; i++)
        m.group[i] = i;
    for (size_t i = 0; i < m.ways.count; i++) {
        tell(&m, "edges");
        add_way(&m, (const struct way *)m.ways.items + i);
    }
    return write_graph(out, &m, source, target, scope);
}
