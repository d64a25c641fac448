/* The mapped road graph: opening, the nearest node, Dijkstra towards a place. */
#include "region/road_graph.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Speeds where the map names none: assumptions, for a rural province by day and dry. */
const struct road_class road_classes[ROAD_CLASS_COUNT] = {
    {"motorway", 100, true},
    {"motorway_link", 50, true},
    {"trunk", 80, false},
    {"trunk_link", 50, false},
    {"primary", 70, false},
    {"primary_link", 40, false},
    {"secondary", 60, false},
    {"secondary_link", 40, false},
    {"tertiary", 50, false},
    {"unclassified", 40, false},
    {"residential", 30, false},
    {"living_street", 15, false},
    {"service", 15, false},
};

/* ---- the file ---------------------------------------------------------------------------------------------------------- */

uint64_t road_layout(struct road_section out[static ROAD_SECTIONS], const struct road_header *header) {
    uint64_t nodes = header->nodes, edges = header->edges, cells = (uint64_t)header->rows * header->columns;
    const uint64_t sizes[ROAD_SECTIONS] = {(uint64_t)header->ways * 8, nodes * 4, nodes * 4, (nodes + 1) * 4,
        (nodes + 1) * 4, edges * 4, edges * 4, edges * 4, edges * 4, edges * 4, edges, edges, (cells + 1) * 4,
        nodes * 4};
    uint64_t at = sizeof(struct road_header);
    for (int i = 0; i < ROAD_SECTIONS; i++) {
        out[i] = (struct road_section){at, sizes[i]};
        at = (at + sizes[i] + 7) & ~UINT64_C(7);
    }
    return at;
}

void road_index_by(uint32_t *first, uint32_t *order, const uint32_t *key, uint32_t keys, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        first[key[i] + 1]++;
    for (uint32_t k = 0; k < keys; k++)
        first[k + 1] += first[k];
    for (uint32_t i = 0; i < count; i++)
        order[first[key[i]]++] = i;
    for (uint32_t k = keys; k > 0; k--)
        first[k] = first[k - 1];
    first[0] = 0;
}

enum status road_file_map(
    const void **out, size_t *size_out, const char *path, size_t header_size, struct scope *scope) {
    struct stat info;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return fault(
            scope, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED, path, "cannot be opened: %s", strerror(errno));
    if (fstat(file, &info) == 0 && S_ISDIR(info.st_mode)) {
        (void)close(file);
        return fault(scope, STATUS_INVALID, path, "is a folder, not a file");
    }
    if (fstat(file, &info) != 0 || info.st_size < (off_t)header_size) {
        (void)close(file);
        return fault(scope, STATUS_INVALID, path, "is too short to be such a file");
    }
    void *at = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, file, 0);
    (void)close(file);
    if (at == MAP_FAILED)
        return fault(scope, STATUS_FAILED, path, "cannot be mapped: %s", strerror(errno));
    *out = at;
    *size_out = (size_t)info.st_size;
    return STATUS_OK;
}

static bool write_all(int file, const void *bytes, size_t size) {
    for (const char *at = bytes; size > 0;) {
        ssize_t done = write(file, at, size < (1U << 30) ? size : (1U << 30));
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

enum status road_file_write(
    const char *path, const void *header, size_t header_size, const void *body, size_t body_size, struct scope *scope) {
    struct text draft = text_format(scope->arena, "%s.new", path);
    int file = open(draft.at, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        return fault(scope, STATUS_FAILED, draft.at, "cannot be written: %s", strerror(errno));
    bool done = write_all(file, header, header_size) && write_all(file, body, body_size) && fsync(file) == 0;
    int problem = done ? 0 : errno;
    if (close(file) != 0 && done) {
        done = false;
        problem = errno;
    }
    if (done && rename(draft.at, path) == 0)
        return STATUS_OK;
    problem = done ? errno : problem;
    (void)unlink(draft.at);
    return fault(scope, problem == ENOSPC ? STATUS_STORAGE_FULL : STATUS_FAILED, path, "cannot be written: %s",
        strerror(problem));
}

void road_digest(uint8_t out[static 32], const struct road_header *header, struct text body) {
    struct {
        struct road_header header;
        uint8_t body[32];
    } whole = {.header = *header};
    memset(whole.header.digest, 0, sizeof(whole.header.digest));
    digest_sha256(whole.body, body);
    digest_sha256(out, (struct text){(const char *)&whole, sizeof(whole)});
}

static bool first_is_sound(const uint32_t *first, uint32_t count, uint32_t end) {
    bool sound = first[0] == 0 && first[count] == end;
    for (uint32_t i = 0; i < count && sound; i++)
        sound = first[i] <= first[i + 1];
    return sound;
}

static bool all_below(const uint32_t *values, uint32_t count, uint32_t end) {
    bool sound = true;
    for (uint32_t i = 0; i < count && sound; i++)
        sound = values[i] < end;
    return sound;
}

static bool graph_is_sound(const struct region_road_graph *g) {
    const struct road_header *h = g->header;
    bool sound = first_is_sound(g->out_first, h->nodes, h->edges) && first_is_sound(g->in_first, h->nodes, h->edges) &&
                 first_is_sound(g->cell_first, h->rows * h->columns, h->nodes) &&
                 all_below(g->in_edge, h->edges, h->edges) && all_below(g->edge_from, h->edges, h->nodes) &&
                 all_below(g->edge_to, h->edges, h->nodes) && all_below(g->edge_way, h->edges, h->ways) &&
                 all_below(g->cell_node, h->nodes, h->nodes);
    for (uint32_t i = 0; i < h->edges && sound; i++)
        sound = g->edge_class[i] < ROAD_CLASS_COUNT;
    return sound;
}

static void graph_point(struct region_road_graph *g, const char *base, const struct road_section s[ROAD_SECTIONS]) {
    const void *at[ROAD_SECTIONS];
    for (int i = 0; i < ROAD_SECTIONS; i++)
        at[i] = base + s[i].offset;
    g->header = (const void *)base;
    g->way_id = at[0];
    g->lat_e7 = at[1];
    g->lon_e7 = at[2];
    g->out_first = at[3];
    g->in_first = at[4];
    g->in_edge = at[5];
    g->edge_from = at[6];
    g->edge_to = at[7];
    g->edge_dm = at[8];
    g->edge_way = at[9];
    g->edge_class = at[10];
    g->edge_kmh = at[11];
    g->cell_first = at[12];
    g->cell_node = at[13];
}

enum status region_road_graph_open(
    struct region_road_graph **out, const char *path, struct arena *arena, struct scope *scope) {
    const void *base;
    size_t size;
    struct road_section sections[ROAD_SECTIONS];
    uint8_t digest[32];
    enum status status = road_file_map(&base, &size, path, sizeof(struct road_header), scope);
    if (status != STATUS_OK)
        return status;
    const struct road_header *header = base;
    uint64_t cells = (uint64_t)header->rows * header->columns;
    struct region_road_graph *graph = arena_alloc(arena, sizeof(*graph));
    bool sound = memcmp(header->magic, ROAD_MAGIC, sizeof(header->magic)) == 0 && header->size == size &&
                 header->nodes > 0 && cells > 0 && cells < UINT32_MAX && road_layout(sections, header) == size;
    if (sound) {
        road_digest(digest, header, (struct text){(const char *)base + sizeof(*header), size - sizeof(*header)});
        graph_point(graph, base, sections);
        sound = memcmp(digest, header->digest, sizeof(digest)) == 0 && graph_is_sound(graph);
    }
    if (!sound) {
        (void)munmap((void *)base, size);
        return fault(
            scope, STATUS_INVALID, path, "is no road graph, or a damaged one: make it anew by 'soyang roads import'");
    }
    *out = graph;
    return STATUS_OK;
}

void region_road_graph_close(struct region_road_graph *graph) {
    if (graph != NULL)
        (void)munmap((void *)graph->header, graph->header->size);
}

struct region_road_size region_road_graph_size(const struct region_road_graph *graph) {
    return (struct region_road_size){graph->header->ways, graph->header->nodes, graph->header->edges, 0};
}

/* ---- nearest node ---------------------------------------------------------------------------------------------------------- */

struct nearest {
    const struct region_road_graph *graph;
    struct region_point point;
    uint32_t node;
    double km;
};

static void look_in_cell(struct nearest *n, int64_t row, int64_t column) {
    const struct road_header *h = n->graph->header;
    if (row < 0 || column < 0 || row >= h->rows || column >= h->columns)
        return;
    uint64_t cell = (uint64_t)row * h->columns + (uint64_t)column;
    for (uint32_t i = n->graph->cell_first[cell]; i < n->graph->cell_first[cell + 1]; i++) {
        uint32_t node = n->graph->cell_node[i];
        struct region_point at = {n->graph->lat_e7[node] / 1e7, n->graph->lon_e7[node] / 1e7};
        double km = region_distance_km(n->point, at);
        if (km < n->km) {
            n->km = km;
            n->node = node;
        }
    }
}

uint32_t road_nearest(double *km_out, const struct region_road_graph *graph, struct region_point point) {
    struct nearest n = {graph, point, ROAD_NONE, ROAD_SNAP_MAX_KM};
    if (!(fabs(point.latitude) <= 90 && fabs(point.longitude) <= 180))
        return ROAD_NONE;
    int64_t row = (int64_t)floor((point.latitude * 1e7 - graph->header->south_e7) / ROAD_CELL_E7);
    int64_t column = (int64_t)floor((point.longitude * 1e7 - graph->header->west_e7) / ROAD_CELL_E7);
    /* A cell is at least so wide; degrees of longitude narrow with the cosine of the latitude. */
    double cell_km = 1.11 * fmax(cos(point.latitude * (3.14159265358979323846 / 180.0)), 0.05);
    for (int64_t ring = 0; (double)(ring - 1) * cell_km < n.km; ring++) {
        for (int64_t i = -ring; i <= ring; i++) {
            look_in_cell(&n, row - ring, column + i);
            if (ring > 0)
                look_in_cell(&n, row + ring, column + i);
        }
        for (int64_t i = -ring + 1; i < ring; i++) {
            look_in_cell(&n, row + i, column - ring);
            look_in_cell(&n, row + i, column + ring);
        }
    }
    *km_out = n.km;
    return n.node;
}

/* ---- least minutes (Dijkstra 1959) with a binary heap; outdated entries are passed over ----------------------------------------- */

struct road_entry {
    float minutes;
    uint32_t node;
};
struct road_search {
    const struct region_road_graph *graph;
    double factor;
    uint8_t *closed; /* by way */
    float *minutes;  /* by node */
    struct road_entry *heap;
    size_t count, room;
    struct arena *arena;
};

static enum status close_ways(
    struct road_search *s, const struct region_road_conditions *conditions, struct scope *scope) {
    for (size_t i = 0; i < conditions->closed_count; i++) {
        bool found = false;
        for (uint32_t way = 0; way < s->graph->header->ways; way++) {
            if (s->graph->way_id[way] == conditions->closed_ways[i]) {
                s->closed[way] = 1;
                found = true;
            }
        }
        if (!found)
            return fault(scope, STATUS_NOT_FOUND, "closed", "way %lld is no road of this graph",
                (long long)conditions->closed_ways[i]);
    }
    return STATUS_OK;
}

enum status road_search_open(struct road_search **out, const struct region_road_graph *graph,
    const struct region_road_conditions *conditions, struct scope *scope) {
    struct arena *arena = scope->arena;
    struct road_search *s = arena_alloc(arena, sizeof(*s));
    if (!(conditions->factor >= 0.5 && conditions->factor <= 10))
        return fault(scope, STATUS_INVALID, "factor", "minutes can be multiplied by 0.5 to 10");
    *s = (struct road_search){.graph = graph, .factor = conditions->factor, .arena = arena, .room = 1024};
    s->closed = arena_alloc(arena, graph->header->ways + 1);
    s->minutes = arena_array(arena, graph->header->nodes, sizeof(float));
    s->heap = arena_array(arena, s->room, sizeof(*s->heap));
    *out = s;
    return close_ways(s, conditions, scope);
}

static void heap_push(struct road_search *s, struct road_entry entry) {
    if (s->count == s->room) {
        s->heap = arena_resize(s->arena, s->heap, s->room * sizeof(*s->heap), 2 * s->room * sizeof(*s->heap));
        s->room *= 2;
    }
    size_t at = s->count++;
    while (at > 0 && s->heap[(at - 1) / 2].minutes > entry.minutes) {
        s->heap[at] = s->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    s->heap[at] = entry;
}

static struct road_entry heap_pop(struct road_search *s) {
    struct road_entry top = s->heap[0], last = s->heap[--s->count];
    size_t at = 0;
    for (size_t child = 1; child < s->count; child = 2 * at + 1) {
        child += child + 1 < s->count && s->heap[child + 1].minutes < s->heap[child].minutes;
        if (s->heap[child].minutes >= last.minutes)
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = last;
    return top;
}

static double edge_minutes(const struct road_search *s, uint32_t edge) {
    const struct region_road_graph *g = s->graph;
    double kmh = g->edge_kmh[edge] > 0 ? g->edge_kmh[edge] : road_classes[g->edge_class[edge]].kmh;
    return g->edge_dm[edge] / 10000.0 / kmh * 60 * s->factor;
}

const float *road_minutes_to(struct road_search *s, uint32_t target) {
    const struct region_road_graph *g = s->graph;
    for (uint32_t i = 0; i < g->header->nodes; i++)
        s->minutes[i] = INFINITY;
    s->count = 0;
    s->minutes[target] = 0;
    heap_push(s, (struct road_entry){0, target});
    while (s->count > 0) {
        struct road_entry top = heap_pop(s);
        if (top.minutes > s->minutes[top.node])
            continue;
        for (uint32_t i = g->in_first[top.node]; i < g->in_first[top.node + 1]; i++) {
            uint32_t edge = g->in_edge[i], from = g->edge_from[edge];
            float minutes = top.minutes + (float)edge_minutes(s, edge);
            if (!s->closed[g->edge_way[edge]] && minutes < s->minutes[from]) {
                s->minutes[from] = minutes;
                heap_push(s, (struct road_entry){minutes, from});
            }
        }
    }
    return s->minutes;
}

/* ---- many to many -------------------------------------------------------------------------------------------------------------- */

enum status region_road_minutes(double *minutes, const struct region_road_graph *graph,
    const struct region_road_conditions *conditions, const struct region_road_points *from,
    const struct region_road_points *to, struct scope *scope) {
    struct road_search *search = NULL;
    enum status status = road_search_open(&search, graph, conditions, scope);
    uint32_t *node = arena_array(scope->arena, from->count, sizeof(*node));
    double *access = arena_array(scope->arena, from->count, sizeof(*access));
    for (size_t i = 0; i < from->count && status == STATUS_OK; i++)
        node[i] = road_nearest(&access[i], graph, from->points[i]);
    for (size_t j = 0; j < to->count && status == STATUS_OK; j++) {
        double km = 0;
        uint32_t target = road_nearest(&km, graph, to->points[j]);
        const float *found = target != ROAD_NONE ? road_minutes_to(search, target) : NULL;
        for (size_t i = 0; i < from->count; i++) {
            bool known = found != NULL && node[i] != ROAD_NONE && isfinite(found[node[i]]);
            minutes[i * to->count + j] =
                known ? (double)found[node[i]] + (access[i] + km) / ROAD_ACCESS_KMH * 60 : (double)NAN;
        }
        status = scope_check_deadline(scope);
    }
    return status;
}
