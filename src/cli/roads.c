/* soyang roads: OpenStreetMap into a road graph, and what it says. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/folder.h"
#include "cli/osrm.h"
#include "region/region.h"

enum { CLOSED_MAX = 1000, POINTS_MAX = 1000 };

static const struct option_row options[] = {
    {"--out", "FILE", {"import, service: the graph to write", "import, service: 쓸 도로망 파일"}, "region.roads"},
    {"--data", "DIR",
        {"table, service: the data folder whose region's places are meant",
            "table, service: 지역 기관이 들어 있는 데이터 폴더"},
        "soyang-data"},
    {"--from", "LAT,LON...",
        {"minutes: where from, degrees (may be given several times)", "minutes: 출발지, 위도,경도(여러 번 쓸 수 있음)"},
        NULL},
    {"--to", "LAT,LON...",
        {"minutes: where to, degrees (may be given several times)", "minutes: 도착지, 위도,경도(여러 번 쓸 수 있음)"},
        NULL},
    {"--factor", "X",
        {"table, minutes: all minutes times this, for weather or night (0.5 to 10)",
            "table, minutes: 모든 시간에 곱할 값. 날씨나 야간(0.5–10)"},
        "1"},
    {"--closed", "WAY...",
        {"table, minutes: a closed road, by OpenStreetMap's number (may be given several times)",
            "table, minutes: 막힌 도로의 OpenStreetMap 번호(여러 번 쓸 수 있음)"},
        NULL},
    {"--json", NULL, {"minutes: as JSON", "minutes: JSON으로"}, NULL},
    {0},
};

static void show_progress(void *context, const char *phase, size_t done) {
    (void)context;
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r%s ... %zu ", phase, done);
}

static enum status import(const struct arguments *arguments, struct scope *scope) {
    struct region_road_size size = {0};
    const char *target = argument(arguments, "--out");
    enum status status = region_road_import(&size, arguments->operands[1], target, show_progress, NULL, scope);
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K");
    if (status == STATUS_OK)
        printf("%s: %zu roads, %zu nodes, %zu edges; %zu nodes left out that do not hang together with the rest\n",
            target, size.ways, size.nodes, size.edges, size.left_out);
    return status;
}

/* "37.88,127.73,37.34,127.92": pairs; several options were joined by commas. */
static enum status read_points(
    struct region_road_points *out, const struct arguments *arguments, const char *name, struct scope *scope) {
    struct text rest = text_from(argument(arguments, name));
    struct region_point *points = arena_array(scope->arena, POINTS_MAX, sizeof(*points));
    size_t count = 0;
    while (rest.size > 0) {
        struct text latitude = text_trim(text_cut(&rest, ',')), longitude = text_trim(text_cut(&rest, ','));
        if (count == POINTS_MAX)
            return fault(scope, STATUS_INVALID, name, say("at most %d points", "최대 %d곳입니다"), POINTS_MAX);
        if (!text_to_double(&points[count].latitude, latitude) ||
            !text_to_double(&points[count].longitude, longitude) || fabs(points[count].latitude) > 90 ||
            fabs(points[count].longitude) > 180)
            return fault(scope, STATUS_INVALID, name, "is LATITUDE,LONGITUDE in degrees");
        count++;
    }
    if (count == 0)
        return fault(scope, STATUS_INVALID, name, "%s",
            say("is required: LATITUDE,LONGITUDE in degrees", "위도,경도를 적으십시오"));
    *out = (struct region_road_points){points, count};
    return STATUS_OK;
}

static enum status read_closed(
    struct region_road_conditions *out, const struct arguments *arguments, struct scope *scope) {
    struct text rest = text_from(argument(arguments, "--closed"));
    int64_t *ways = arena_array(scope->arena, CLOSED_MAX, sizeof(*ways));
    while (rest.size > 0) {
        if (out->closed_count == CLOSED_MAX)
            return fault(scope, STATUS_INVALID, "--closed", say("at most %d roads", "최대 %d개입니다"), CLOSED_MAX);
        if (!text_to_int64(&ways[out->closed_count], text_trim(text_cut(&rest, ','))))
            return fault(scope, STATUS_INVALID, "--closed", "%s",
                say("takes the number of a way of OpenStreetMap", "OpenStreetMap의 도로 번호를 적으십시오"));
        out->closed_count++;
    }
    out->closed_ways = ways;
    return STATUS_OK;
}

static enum status print_json(const double *minutes, const struct region_road_points *from,
    const struct region_road_points *to, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, SIZE_MAX);
    struct text json;
    json_object_open(&w);
    json_name(&w, "minutes");
    json_array_open(&w);
    for (size_t i = 0; i < from->count; i++) {
        json_array_open(&w);
        for (size_t j = 0; j < to->count; j++) {
            if (isfinite(minutes[i * to->count + j]))
                json_decimal(&w, minutes[i * to->count + j], 2);
            else
                json_null(&w);
        }
        json_array_close(&w);
    }
    json_array_close(&w);
    json_object_close(&w);
    enum status status = json_finish(&json, &w, scope);
    if (status == STATUS_OK)
        printf("%.*s\n", (int)json.size, json.at);
    return status;
}

static void print_table(
    const double *minutes, const struct region_road_points *from, const struct region_road_points *to) {
    for (size_t i = 0; i < from->count; i++) {
        for (size_t j = 0; j < to->count; j++) {
            const struct region_point *a = &from->points[i], *b = &to->points[j];
            double value = minutes[i * to->count + j];
            printf("%.5f,%.5f -> %.5f,%.5f  ", a->latitude, a->longitude, b->latitude, b->longitude);
            if (isfinite(value))
                printf("%.1f min\n", value);
            else
                puts("no road");
        }
    }
}

static enum status print_minutes(
    const struct region_road_graph *graph, const struct arguments *arguments, struct scope *scope) {
    struct region_road_points from = {0}, to = {0};
    struct region_road_conditions conditions = {.factor = 1};
    enum status status = read_points(&from, arguments, "--from", scope);
    if (status == STATUS_OK)
        status = read_points(&to, arguments, "--to", scope);
    if (status == STATUS_OK)
        status = argument_number(&conditions.factor, arguments, "--factor", 0.5, 10, scope);
    if (status == STATUS_OK)
        status = read_closed(&conditions, arguments, scope);
    if (status != STATUS_OK)
        return status;
    double *minutes = arena_array(scope->arena, from.count * to.count, sizeof(*minutes));
    status = region_road_minutes(minutes, graph, &conditions, &from, &to, scope);
    if (status == STATUS_OK && argument_flag(arguments, "--json"))
        status = print_json(minutes, &from, &to, scope);
    else if (status == STATUS_OK)
        print_table(minutes, &from, &to);
    return status;
}

static enum status make_table(const struct arguments *arguments, struct scope *scope) {
    struct folder folder = {0};
    struct region_road_conditions conditions = {.factor = 1};
    const struct region_snapshot *snapshot = NULL;
    size_t places = 0;
    struct folder_config config = {.path = argument(arguments, "--data"), .speed = 1, .making = FOLDER_STANDS};
    enum status status = argument_number(&conditions.factor, arguments, "--factor", 0.5, 10, scope);
    if (status == STATUS_OK)
        status = read_closed(&conditions, arguments, scope);
    if (status == STATUS_OK)
        status = folder_open(&folder, &config, scope);
    if (status == STATUS_OK)
        status = region_hold(&snapshot, folder.region, scope);
    if (status == STATUS_OK) {
        status =
            region_road_table_make(&places, arguments->operands[1], &conditions, snapshot, show_progress, NULL, scope);
        region_release(snapshot);
    }
    folder_close(&folder);
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K");
    if (status == STATUS_OK)
        printf("%s.minutes: minutes to %zu places; 'soyang serve --roads %s' asks them\n", arguments->operands[1],
            places, arguments->operands[1]);
    return status;
}

/* Pairs of places that are apart and have positions; those of them that no way joins. */
static void count_ways(size_t *pairs, size_t *apart, const double *minutes, const struct region_snapshot *snapshot) {
    size_t count = snapshot->place_count;
    *pairs = *apart = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            bool placed =
                i != j && isfinite(snapshot->places[i].point.latitude) && isfinite(snapshot->places[j].point.latitude);
            *pairs += placed ? 1 : 0;
            *apart += placed && !isfinite(minutes[i * count + j]) ? 1 : 0;
        }
    }
}

/* The first operand is where the service is. */
static enum status ask_service(const struct arguments *arguments, struct scope *scope) {
    struct folder folder = {0};
    const struct region_snapshot *snapshot = NULL;
    const char *target = argument(arguments, "--out");
    struct folder_config config = {.path = argument(arguments, "--data"), .speed = 1, .making = FOLDER_STANDS};
    size_t pairs = 0, apart = 0;
    enum status status = folder_open(&folder, &config, scope);
    if (status == STATUS_OK)
        status = region_hold(&snapshot, folder.region, scope);
    if (status == STATUS_OK) {
        double *minutes = ARENA_ARRAY(scope->arena, double, snapshot->place_count * snapshot->place_count + 1);
        status = osrm_minutes(minutes, arguments->operands[1], snapshot, show_progress, NULL, scope);
        count_ways(&pairs, &apart, minutes, snapshot);
        if (status == STATUS_OK && pairs == apart)
            status = fault(scope, STATUS_INVALID, "durations",
                "the service knows no way between any two places: is its map of this region?");
        if (status == STATUS_OK)
            status = region_road_table_keep(target, snapshot, minutes, scope);
        region_release(snapshot);
    }
    folder_close(&folder);
    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r\033[K");
    if (status == STATUS_OK)
        printf("%s, %s.minutes: minutes between the region's places, by %s; 'soyang serve --roads %s' asks them\n",
            target, target, arguments->operands[1], target);
    if (status == STATUS_OK && apart > 0)
        printf("%zu of %zu pairs have no way by the service: their minutes stay estimates\n", apart, pairs);
    return status;
}

static enum status open_and_print(const struct arguments *arguments, bool minutes, struct scope *scope) {
    struct region_road_graph *graph = NULL;
    enum status status = region_road_graph_open(&graph, arguments->operands[1], scope->arena, scope);
    if (status == STATUS_OK && minutes)
        status = print_minutes(graph, arguments, scope);
    else if (status == STATUS_OK) {
        struct region_road_size size = region_road_graph_size(graph);
        printf(
            "%s: sound; %zu roads, %zu nodes, %zu edges\n", arguments->operands[1], size.ways, size.nodes, size.edges);
    }
    region_road_graph_close(graph);
    return status;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    const char *action = arguments->operands[0];
    if (strcmp(action, "import") == 0)
        return report(arguments, scope, import(arguments, scope));
    if (strcmp(action, "table") == 0)
        return report(arguments, scope, make_table(arguments, scope));
    if (strcmp(action, "service") == 0)
        return report(arguments, scope, ask_service(arguments, scope));
    if (strcmp(action, "minutes") == 0 || strcmp(action, "check") == 0)
        return report(arguments, scope, open_and_print(arguments, strcmp(action, "minutes") == 0, scope));
    return usage_fault(arguments->command,
        say("the actions are import, service, check, table and minutes, not ",
            "동작은 import, service, check, table, minutes입니다: "),
        action);
}

const struct command command_roads = {"roads", "import|service|check|table|minutes FILE|URL",
    {"a road graph from OpenStreetMap", "OpenStreetMap의 도로망"},
    {"import FILE.osm.pbf   reads OpenStreetMap and writes the graph (--out), whole or not at all\n"
     "service URL           asks an OSRM-compatible table service for the minutes between the region's places (--data, "
     "--out)\n"
     "check FILE.roads      reads a graph whole and says what it holds\n"
     "table FILE.roads      minutes from everywhere to the places of a data folder's region, for 'soyang serve "
     "--roads'\n"
     "minutes FILE.roads    minutes by road, from each --from to each --to\n"
     "Speeds are the map's limits, else assumed by the class of road; no traffic is known.",
        "import FILE.osm.pbf   OpenStreetMap을 읽어 도로망(--out)을 씁니다. 온전히 쓰거나 전혀 쓰지 않습니다\n"
        "service URL           OSRM 호환 table 서비스에 지역 기관 사이의 시간(분)을 묻습니다(--data, --out)\n"
        "check FILE.roads      도로망을 끝까지 읽고 무엇이 들었는지 알립니다\n"
        "table FILE.roads      모든 곳에서 데이터 폴더의 지역 기관까지의 시간(분). 'soyang serve --roads'가 씁니다\n"
        "minutes FILE.roads    각 --from에서 각 --to까지 도로로 걸리는 시간(분)\n"
        "속도는 지도의 제한 속도이고, 없으면 도로 등급에 따른 가정입니다. 교통량은 모릅니다."},
    options, 2, 2, run};
