/* Minutes from every node of a road graph to every place: made once from the graph, mapped beside it, read in microseconds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "region/road_graph.h"

#define TABLE_MAGIC "SOYMINS1"
#define TABLE_SUFFIX ".minutes"
enum { PLACE_ID_SIZE = 64, UNREACHED = UINT16_MAX };

struct table_header {
    char magic[8];
    uint32_t nodes, places;
    double factor;
    uint64_t closed; /* how many roads were closed */
    uint64_t size;
    uint8_t graph[32]; /* digest of the graph it was made from */
    uint8_t digest[32];
};
struct table_place {
    char id[PLACE_ID_SIZE];
    double latitude, longitude; /* where it was: a place that has moved since is not known here */
};
struct region_road_table {
    struct region_road_graph *graph;
    const struct table_header *header;
    const struct table_place *places; /* by id */
    const uint16_t *tenths;           /* of minutes: [node * places + place] */
};

static struct text table_path(const char *graph_path, struct arena *arena) {
    return text_format(arena, "%s" TABLE_SUFFIX, graph_path);
}

static int compare_places(const void *a, const void *b) {
    return strncmp(((const struct table_place *)a)->id, ((const struct table_place *)b)->id, PLACE_ID_SIZE);
}

static void digest_table(uint8_t out[static 32], const struct table_header *header, struct text body) {
    struct {
        struct table_header header;
        uint8_t body[32];
    } whole = {.header = *header};
    memset(whole.header.digest, 0, sizeof whole.header.digest);
    digest_sha256(whole.body, body);
    digest_sha256(out, (struct text){(const char *)&whole, sizeof whole});
}

/* ---- making ----------------------------------------------------------------------------------------------------------------- */

static size_t list_places(struct table_place *out, const struct region_snapshot *snapshot) {
    size_t count = 0;
    for (size_t i = 0; i < snapshot->place_count; i++) {
        const struct region_place *place = &snapshot->places[i];
        if (isfinite(place->point.latitude) && isfinite(place->point.longitude) && place->id.size < PLACE_ID_SIZE) {
            memcpy(out[count].id, place->id.at, place->id.size);
            out[count].latitude = place->point.latitude;
            out[count++].longitude = place->point.longitude;
        }
    }
    qsort(out, count, sizeof *out, compare_places);
    return count;
}

static void fill_place(uint16_t *tenths, size_t places, const struct table_place *place,
    const struct region_road_graph *graph, struct road_search *search) {
    double km = 0;
    uint32_t node = road_nearest(&km, graph, (struct region_point){place->latitude, place->longitude});
    const float *minutes = node != ROAD_NONE ? road_minutes_to(search, node) : NULL;
    for (uint32_t i = 0; i < graph->header->nodes; i++) {
        double whole = minutes != NULL ? ((double)minutes[i] + km / ROAD_ACCESS_KMH * 60) * 10 : INFINITY;
        tenths[(size_t)i * places] = whole < UNREACHED ? (uint16_t)lround(whole) : UNREACHED;
    }
}

static enum status write_table(const struct region_road_graph *graph, const char *graph_path,
    const struct region_road_conditions *conditions, struct text body, size_t places, struct scope *scope) {
    struct table_header header = {.nodes = graph->header->nodes,
        .places = (uint32_t)places,
        .factor = conditions->factor,
        .closed = conditions->closed_count,
        .size = sizeof header + body.size};
    memcpy(header.magic, TABLE_MAGIC, sizeof header.magic);
    memcpy(header.graph, graph->header->digest, sizeof header.graph);
    digest_table(header.digest, &header, body);
    return road_file_write(table_path(graph_path, scope->arena).at, &header, sizeof header, body.at, body.size, scope);
}

enum status region_road_table_make(size_t *places_out, const char *graph_path,
    const struct region_road_conditions *conditions, const struct region_snapshot *snapshot,
    region_road_progress *progress, void *context, struct scope *scope) {
    struct region_road_graph *graph = NULL;
    struct road_search *search = NULL;
    enum status status = region_road_graph_open(&graph, graph_path, scope->arena, scope);
    if (status == STATUS_OK)
        status = road_search_open(&search, graph, conditions, scope);
    if (status == STATUS_OK && snapshot->place_count == 0)
        status = fault(scope, STATUS_UNPROCESSABLE, "data", "no region is loaded: 'soyang region load' first");
    if (status != STATUS_OK) {
        region_road_graph_close(graph);
        return status;
    }
    struct table_place *places = ARENA_ARRAY(scope->arena, struct table_place, snapshot->place_count);
    size_t count = list_places(places, snapshot), head = count * sizeof *places;
    size_t body_size = head + (size_t)graph->header->nodes * count * sizeof(uint16_t);
    char *body = arena_bytes(scope->arena, body_size);
    memcpy(body, places, head);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (progress != NULL)
            progress(context, "places", i);
        fill_place((uint16_t *)(body + head) + i, count, &places[i], graph, search);
        status = scope_check_deadline(scope);
    }
    if (status == STATUS_OK)
        status = write_table(graph, graph_path, conditions, (struct text){body, body_size}, count, scope);
    region_road_graph_close(graph);
    *places_out = count;
    return status;
}

/* ---- from somebody else's minutes --------------------------------------------------------------------------------------------- */

static int32_t e7(double degrees) {
    return (int32_t)lround(degrees * 1e7);
}

/* A graph without roads: its nodes are the places. */
static enum status write_points(const char *path, const struct table_place *places, size_t count, struct scope *scope) {
    int32_t south = INT32_MAX, west = INT32_MAX, north = INT32_MIN, east = INT32_MIN;
    for (size_t i = 0; i < count; i++) {
        south = e7(places[i].latitude) < south ? e7(places[i].latitude) : south;
        north = e7(places[i].latitude) > north ? e7(places[i].latitude) : north;
        west = e7(places[i].longitude) < west ? e7(places[i].longitude) : west;
        east = e7(places[i].longitude) > east ? e7(places[i].longitude) : east;
    }
    struct road_section at[ROAD_SECTIONS];
    struct road_header header = {.nodes = (uint32_t)count,
        .south_e7 = south,
        .west_e7 = west,
        .rows = (uint32_t)(((int64_t)north - south) / ROAD_CELL_E7 + 1),
        .columns = (uint32_t)(((int64_t)east - west) / ROAD_CELL_E7 + 1)};
    memcpy(header.magic, ROAD_MAGIC, sizeof header.magic);
    header.size = road_layout(at, &header);
    char *base = arena_alloc(scope->arena, header.size);
    int32_t *latitude = (void *)(base + at[1].offset), *longitude = (void *)(base + at[2].offset);
    uint32_t *cell = ARENA_ARRAY(scope->arena, uint32_t, count);
    for (size_t i = 0; i < count; i++) {
        latitude[i] = e7(places[i].latitude);
        longitude[i] = e7(places[i].longitude);
        cell[i] = (uint32_t)(((int64_t)latitude[i] - south) / ROAD_CELL_E7) * header.columns +
                  (uint32_t)(((int64_t)longitude[i] - west) / ROAD_CELL_E7);
    }
    road_index_by((void *)(base + at[12].offset), (void *)(base + at[13].offset), cell, header.rows * header.columns,
        header.nodes);
    struct text body = {base + sizeof header, header.size - sizeof header};
    road_digest(header.digest, &header, body);
    return road_file_write(path, &header, sizeof header, body.at, body.size, scope);
}

enum status region_road_table_keep(
    const char *graph_path, const struct region_snapshot *snapshot, const double *minutes, struct scope *scope) {
    struct table_place *places = ARENA_ARRAY(scope->arena, struct table_place, snapshot->place_count + 1);
    size_t count = list_places(places, snapshot), head = count * sizeof *places;
    size_t body_size = head + count * count * sizeof(uint16_t);
    struct region_road_graph *graph = NULL;
    if (count == 0)
        return fault(scope, STATUS_UNPROCESSABLE, "data", "no region is loaded: 'soyang region load' first");
    char *body = arena_bytes(scope->arena, body_size);
    uint16_t *tenths = (void *)(body + head);
    memcpy(body, places, head);
    for (size_t i = 0; i < count; i++) {
        size_t from = (size_t)region_place_find(snapshot, text_from(places[i].id));
        for (size_t j = 0; j < count; j++) {
            size_t to = (size_t)region_place_find(snapshot, text_from(places[j].id));
            double whole = minutes[from * snapshot->place_count + to] * 10;
            tenths[i * count + j] = whole >= 0 && whole < UNREACHED ? (uint16_t)lround(whole) : UNREACHED;
        }
    }
    enum status status = write_points(graph_path, places, count, scope);
    if (status == STATUS_OK)
        status = region_road_graph_open(&graph, graph_path, scope->arena, scope);
    if (status == STATUS_OK)
        status = write_table(graph, graph_path, &(struct region_road_conditions){.factor = 1},
            (struct text){body, body_size}, count, scope);
    region_road_graph_close(graph);
    return status;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------------- */

enum status region_road_table_open(
    struct region_road_table **out, const char *graph_path, struct arena *arena, struct scope *scope) {
    struct region_road_table *table = arena_alloc(arena, sizeof *table);
    struct text path = table_path(graph_path, arena);
    const void *base = NULL;
    size_t size = 0;
    enum status status = region_road_graph_open(&table->graph, graph_path, arena, scope);
    if (status == STATUS_OK)
        status = road_file_map(&base, &size, path.at, sizeof(struct table_header), scope);
    if (status != STATUS_OK) {
        region_road_graph_close(table->graph);
        return status;
    }
    const struct table_header *header = base;
    uint8_t digest[32];
    size_t head = sizeof *header + header->places * sizeof(struct table_place);
    bool sound = memcmp(header->magic, TABLE_MAGIC, sizeof header->magic) == 0 && header->size == size &&
                 header->nodes == table->graph->header->nodes &&
                 size == head + (size_t)header->nodes * header->places * sizeof(uint16_t) &&
                 memcmp(header->graph, table->graph->header->digest, sizeof header->graph) == 0;
    if (sound) {
        digest_table(digest, header, (struct text){(const char *)base + sizeof *header, size - sizeof *header});
        sound = memcmp(digest, header->digest, sizeof digest) == 0;
    }
    if (!sound) {
        (void)munmap((void *)base, size);
        region_road_graph_close(table->graph);
        return fault(scope, STATUS_INVALID, path.at,
            "is no table of this graph, or a damaged one: make it anew by 'soyang roads table'");
    }
    table->header = header;
    table->places = (const void *)((const char *)base + sizeof *header);
    table->tenths = (const void *)((const char *)base + head);
    *out = table;
    return STATUS_OK;
}

void region_road_table_close(struct region_road_table *table) {
    if (table == NULL)
        return;
    region_road_graph_close(table->graph);
    (void)munmap((void *)table->header, table->header->size);
}

double region_road_table_minutes(
    const struct region_road_table *table, struct region_point from, const struct region_place *to) {
    struct table_place key = {.id = ""};
    double km = 0;
    if (to->id.size >= PLACE_ID_SIZE)
        return (double)NAN;
    memcpy(key.id, to->id.at, to->id.size);
    const struct table_place *place = bsearch(&key, table->places, table->header->places, sizeof key, compare_places);
    bool stands =
        place != NULL && region_distance_km(to->point, (struct region_point){place->latitude, place->longitude}) < 0.1;
    uint32_t node = stands ? road_nearest(&km, table->graph, from) : ROAD_NONE;
    uint16_t tenths = node != ROAD_NONE
                          ? table->tenths[(size_t)node * table->header->places + (size_t)(place - table->places)]
                          : UNREACHED;
    return tenths != UNREACHED ? tenths / 10.0 + km / ROAD_ACCESS_KMH * 60 : (double)NAN;
}
