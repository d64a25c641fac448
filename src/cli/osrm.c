/* The `table` service of OSRM: https://project-osrm.org/docs/v5.24.0/api/#table-service */
#include "cli/osrm.h"

#include <math.h>

#include "http/http.h"

enum { SIDE = 50, ANSWER_MAX = 8 << 20, CONNECT_S = 5, TIMEOUT_S = 60 };
#define SECONDS_MAX 604800. /* a week: no way within a region */

struct osrm {
    struct http_client *client;
    const char *url;
    const struct region_snapshot *snapshot;
    const int *places; /* those with a position */
    size_t count;
    double *minutes;
};

static void put_points(struct buffer *url, const struct osrm *osrm, size_t from, size_t count) {
    for (size_t i = from; i < from + count; i++) {
        struct region_point at = osrm->snapshot->places[osrm->places[i]].point;
        buffer_put_format(
            url, "%s%.6f,%.6f", url->size > 0 && url->at[url->size - 1] != '/' ? ";" : "", at.longitude, at.latitude);
    }
}

static void put_numbers(struct buffer *url, const char *name, size_t from, size_t count) {
    buffer_put_format(url, "&%s=", name);
    for (size_t i = from; i < from + count; i++)
        buffer_put_format(url, "%s%zu", i > from ? ";" : "", i);
}

static enum status read_answer(
    struct osrm *osrm, struct text body, size_t row, size_t rows, size_t column, size_t columns, struct scope *scope) {
    yyjson_doc *document = NULL;
    enum status status = json_read(&document, body, scope);
    if (status != STATUS_OK)
        return status;
    const yyjson_val *root = yyjson_doc_get_root(document), *durations = json_get(root, "durations");
    bool fits = text_is(json_get_text(root, "code"), "Ok") && json_count(durations) == rows;
    for (size_t i = 0; i < rows && fits; i++)
        fits = yyjson_arr_size(json_at(durations, i)) == columns;
    for (size_t i = 0; i < rows && fits; i++) {
        for (size_t j = 0; j < columns; j++) {
            yyjson_val *cell = yyjson_arr_get(json_at(durations, i), j);
            double seconds = NAN;
            double *out = &osrm->minutes[(size_t)osrm->places[row + i] * osrm->snapshot->place_count +
                                         (size_t)osrm->places[column + j]];
            bool told = text_to_double(&seconds, json_number_text(cell)) && seconds >= 0 && seconds <= SECONDS_MAX;
            if (!told && !yyjson_is_null(cell))
                return fault(scope, STATUS_INVALID, text_format(scope->arena, "durations[%zu][%zu]", i, j).at,
                    "the service's answer is no duration: null, or seconds from 0 to %.0f", SECONDS_MAX);
            *out = told ? seconds / 60 : (double)NAN;
        }
    }
    return fits ? STATUS_OK
                : fault(scope, STATUS_INVALID, "durations", "the service's answer is no table of %zu by %zu durations",
                      rows, columns);
}

/* A square of the table: the coordinates of its rows, then of its columns. */
static enum status ask(struct osrm *osrm, size_t row, size_t column, struct scope *scope) {
    size_t rows = osrm->count - row < SIDE ? osrm->count - row : SIDE;
    size_t columns = osrm->count - column < SIDE ? osrm->count - column : SIDE;
    struct buffer url = buffer_open(scope->arena, ANSWER_MAX);
    struct http_answer answer;
    buffer_put_format(&url, "%s/table/v1/driving/", osrm->url);
    put_points(&url, osrm, row, rows);
    put_points(&url, osrm, column, columns);
    buffer_put_string(&url, "?annotations=duration");
    put_numbers(&url, "sources", 0, rows);
    put_numbers(&url, "destinations", rows, columns);
    struct http_request request = {.url = text_string(scope->arena, buffer_text(&url)),
        .connect_s = CONNECT_S,
        .timeout_s = TIMEOUT_S,
        .answer_max = ANSWER_MAX};
    enum status status = http_send(&answer, osrm->client, &request, "url", scope);
    if (status != STATUS_OK)
        return status;
    if (answer.status != 200)
        return fault(scope, STATUS_UNAVAILABLE, "url", "the service answers with HTTP %d", answer.status);
    return read_answer(osrm, answer.body, row, rows, column, columns, scope);
}

enum status osrm_minutes(double *minutes, const char *url, const struct region_snapshot *snapshot,
    region_road_progress *progress, void *context, struct scope *scope) {
    int *places = ARENA_ARRAY(scope->arena, int, snapshot->place_count + 1);
    struct osrm osrm = {.url = url, .snapshot = snapshot, .places = places, .minutes = minutes};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < snapshot->place_count; i++) {
        const struct region_point *at = &snapshot->places[i].point;
        if (isfinite(at->latitude) && isfinite(at->longitude))
            places[osrm.count++] = (int)i;
    }
    for (size_t i = 0; i < snapshot->place_count * snapshot->place_count; i++)
        minutes[i] = NAN;
    status = http_open(&osrm.client, scope);
    for (size_t row = 0; row < osrm.count && status == STATUS_OK; row += SIDE) {
        for (size_t column = 0; column < osrm.count && status == STATUS_OK; column += SIDE) {
            if (progress != NULL)
                progress(context, "durations", row * osrm.count + column);
            status = ask(&osrm, row, column, scope);
        }
    }
    http_close(osrm.client);
    return status;
}
