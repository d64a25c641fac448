/* soyang demo: twelve invented patients of a region, carried there and back before one's eyes. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/demo_case.h"
#include "cli/document.h"
#include "cli/folder.h"
#include "cli/parameters.h"
#include "cli/passing.h"
#include "cli/serve.h"
#include "server/server.h"

static const struct option_row options[] = {
    {"--data", "DIR",
        {"a fresh data folder (default: a new one under /tmp)", "새 데이터 폴더(기본값: /tmp 아래 새 폴더)"}, NULL},
    {"--region", "DIR", {"the region's folder", "지역 폴더"}, "regions/gangwon"},
    {"--port", "N", {"TCP port on 127.0.0.1; 0 takes any free one", "127.0.0.1의 TCP 포트. 0이면 빈 포트를 씁니다"},
        "8080"},
    {"--speed", "X", {"how fast its clock runs; quiet stretches are skipped", "시계의 배속. 조용한 구간은 건너뜁니다"},
        "60"},
    {"--language", "ko|en", {"language of the sentences", "문장의 언어"}, "ko"},
    {"--once", NULL, {"end after the summary instead of serving the page", "화면을 제공하지 않고 요약 뒤에 끝냅니다"},
        NULL},
    {0},
};
enum {
    TICK_MS = 40,
    STARTS_APART_MIN = 2,
    SKIP_MARGIN_US = 2000000,
    REAL_LIMIT_S = 900,
    CASE_ARENA_MAX = 256 * 1024 * 1024
};

struct stage {
    struct folder folder;
    struct server *server;
    struct demo demo;
    char made_folder[64];
    struct demo_case cases[DEMO_CASES_MAX];
    int case_count;
};

/* ---- setting up ---------------------------------------------------------------------------------------------------------- */

static bool is_empty_folder(const char *path) {
    DIR *folder = opendir(path);
    int entries = 0;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (folder != NULL)
        closedir(folder);
    return entries == 0;
}

static enum status choose_folder(
    const char **out, struct stage *stage, const struct arguments *arguments, struct scope *scope) {
    *out = argument(arguments, "--data");
    if (*out != NULL) {
        struct text taken = text_format(scope->arena,
            say("%s is not empty; the demonstration needs a fresh folder",
                "%s은(는) 비어 있지 않습니다. 시연에는 새 폴더가 필요합니다"),
            *out);
        taken = korean_particles(scope->arena, taken);
        return is_empty_folder(*out) ? STATUS_OK
                                     : fault(scope, STATUS_INVALID, "--data", "%.*s", (int)taken.size, taken.at);
    }
    (void)snprintf(stage->made_folder, sizeof stage->made_folder, "/tmp/soyang-demo-XXXXXX");
    *out = mkdtemp(stage->made_folder);
    return *out != NULL ? STATUS_OK
                        : fault(scope, STATUS_FAILED, "", "no temporary folder under /tmp: %s", strerror(errno));
}

static enum status read_scripts(struct stage *stage, const char *region, struct scope *scope) {
    enum status status =
        source_document(&stage->demo.patients, text_format(scope->arena, "%s/demo/patients.json", region).at, scope);
    if (status == STATUS_OK)
        status =
            source_document(&stage->demo.script, text_format(scope->arena, "%s/demo/script.json", region).at, scope);
    if (status != STATUS_OK)
        return status;
    size_t index, count, at, scripts;
    yyjson_val *patient, *script;
    yyjson_arr_foreach(json_get(stage->demo.patients, "patients"), index, count, patient) {
        if (stage->case_count == DEMO_CASES_MAX)
            return fault(scope, STATUS_INVALID, "demo/patients.json", "more than %d patients", DEMO_CASES_MAX);
        struct demo_case *c = &stage->cases[stage->case_count++];
        *c = (struct demo_case){.patient = patient, .due_us = INT64_MAX};
        yyjson_arr_foreach(json_get(stage->demo.script, "patients"), at, scripts, script) {
            if (text_equal(json_get_text(script, "patient"), json_get_text(patient, "id")))
                c->script = script;
        }
        if (c->script == NULL)
            return fault(scope, STATUS_INVALID, "demo/script.json", "a patient has no script");
    }
    return stage->case_count > 0 ? STATUS_OK : fault(scope, STATUS_INVALID, "demo/patients.json", "holds no patients");
}

static enum status open_all(struct stage *stage, const struct arguments *arguments, struct scope *scope) {
    int64_t port = 0;
    double speed = 0;
    const char *path = NULL, *region = argument(arguments, "--region");
    struct region_loaded loaded;
    enum status status = argument_whole(&port, arguments, "--port", 0, 65535, scope);
    if (status == STATUS_OK)
        status = argument_number(&speed, arguments, "--speed", 1.01, 600, scope);
    if (status == STATUS_OK)
        status = choose_folder(&path, stage, arguments, scope);
    if (status == STATUS_OK)
        status = read_scripts(stage, region, scope);
    struct server_config config = {0};
    if (status == STATUS_OK)
        status = server_listen(&config.socket, &config.port, (uint16_t)port, scope);
    const char *base = text_format(scope->arena, "http://127.0.0.1:%u/fhir", (unsigned)config.port).at;
    if (status == STATUS_OK)
        status = folder_open(
            &stage->folder, &(struct folder_config){.path = path, .speed = speed, .public_base = base}, scope);
    if (status == STATUS_OK)
        status = region_load(&loaded, stage->folder.records, &folder_operator, region, REGION_WITH_ASSUMPTIONS, scope);
    if (status == STATUS_OK)
        status = records_timer_start(stage->folder.records, scope);
    config.records = stage->folder.records;
    config.region = stage->folder.region;
    config.referral = stage->folder.referral;
    config.clock = stage->folder.clock;
    if (status == STATUS_OK)
        status = server_open(&stage->server, &config, scope);
    if (status == STATUS_OK)
        status = remote_open(&stage->demo.remote, base, scope);
    if (status == STATUS_OK)
        status = region_hold(&stage->demo.snapshot, stage->folder.region, scope);
    if (status != STATUS_OK)
        return status;
    stage->demo.clock = stage->folder.clock;
    stage->demo.arena = scope->arena;
    stage->demo.language = argument(arguments, "--language");
    stage->demo.control_room = stage->demo.snapshot->control_room >= 0
                                   ? stage->demo.snapshot->places[stage->demo.snapshot->control_room].id
                                   : TEXT("control-room");
    const struct region_snapshot *snapshot = stage->demo.snapshot;
    struct text region_name = strcmp(stage->demo.language, "en") == 0 ? snapshot->name_en : snapshot->name_ko;
    printf("Soyang demonstration. Research and decision support; not a certified medical device. All patients are "
           "invented.\n"
           "%.*s: %zu places, %zu public health posts, %zu districts, with assumptions where no source speaks. Data "
           "folder: %s\n"
           "Page: http://127.0.0.1:%u/   clock: %.0f times as fast, quiet stretches skipped\n\n",
        (int)region_name.size, region_name.at, loaded.places, loaded.posts, loaded.districts, path,
        (unsigned)server_port(stage->server), speed);
    (void)fflush(stdout);
    return STATUS_OK;
}

/* ---- boards that the script falsifies or ages -------------------------------------------------------------------------------- */

static void write_board_group(
    struct json_writer *w, yyjson_val *group, struct text code, const yyjson_val *free_count) {
    size_t index, count;
    yyjson_val *name, *value;
    bool is_it = false;
    yyjson_arr_foreach(json_get(json_get(group, "code"), "coding"), index, count, value) is_it =
        is_it || text_equal(json_get_text(value, "code"), code);
    json_object_open(w);
    yyjson_obj_foreach(group, index, count, name, value) {
        bool is_measure = text_is(json_text(name), "measureScore");
        json_name_text(w, json_text(name));
        if (is_it && is_measure) {
            json_object_open(w);
            json_name(w, "value");
            json_value(w, free_count);
            json_object_close(w);
        } else if (is_it && text_is(json_text(name), "population")) {
            size_t at, parts;
            yyjson_val *part;
            json_array_open(w);
            yyjson_arr_foreach(value, at, parts, part) {
                size_t member, members;
                yyjson_val *key, *item;
                json_object_open(w);
                yyjson_obj_foreach(part, member, members, key, item) {
                    json_name_text(w, json_text(key));
                    json_value(w, at == 0 && text_is(json_text(key), "count") ? free_count : item);
                }
                json_object_close(w);
            }
            json_array_close(w);
        } else {
            json_value(w, value);
        }
    }
    json_object_close(w);
}

static enum status set_board(struct stage *stage, const yyjson_val *board, struct scope *scope) {
    struct text place = json_get_text(board, "place"), code = json_get_text(board, "code"), body;
    const char *path = text_format(scope->arena, "MeasureReport/capacity-%.*s", (int)place.size, place.at).at;
    const yyjson_val *report;
    double minutes = 0;
    char when[TIME_TEXT_SIZE];
    size_t index, count, at, groups;
    yyjson_val *name, *value, *group;
    struct remote_answer answer;
    enum status status = demo_get(&report, stage->demo.remote, path, scope);
    if (status != STATUS_OK)
        return status;
    json_get_double(&minutes, board, "typed_minutes_before");
    time_format_utc(when, clock_now_us(stage->demo.clock) - (int64_t)(minutes * 60e6));
    struct json_writer w = json_writer_open(scope->arena, DOCUMENT_MAX);
    json_object_open(&w);
    yyjson_obj_foreach((yyjson_val *)report, index, count, name, value) {
        if (text_is(json_text(name), "meta"))
            continue;
        json_name_text(&w, json_text(name));
        if (text_is(json_text(name), "date")) {
            json_string(&w, when);
        } else if (text_is(json_text(name), "group")) {
            json_array_open(&w);
            yyjson_arr_foreach(value, at, groups, group) write_board_group(&w, group, code, json_get(board, "free"));
            json_array_close(&w);
        } else {
            json_value(&w, value);
        }
    }
    json_object_close(&w);
    status = json_finish(&body, &w, scope);
    if (status == STATUS_OK)
        status = remote_send(&answer, stage->demo.remote, "PUT", path, body, NULL, scope);
    if (status == STATUS_OK && answer.http_status >= 300)
        status = fault(scope, STATUS_FAILED, path, "the board was answered %d: %.*s", answer.http_status,
            (int)(answer.body.size < 400 ? answer.body.size : 400), answer.body.at);
    return status;
}

/* ---- the run ------------------------------------------------------------------------------------------------------------------- */

struct step {
    struct stage *stage;
    struct demo_case *c;
    const yyjson_val *board;
};

static enum status run_step(void *context, struct scope *scope) {
    struct step *step = context;
    if (step->board != NULL)
        return set_board(step->stage, step->board, scope);
    return step->c->loop[0] == '\0' ? demo_case_start(step->c, &step->stage->demo, scope)
                                    : demo_case_step(step->c, &step->stage->demo, scope);
}

/* Each step has an arena of its own; a fault ends the demonstration. */
static enum status run_apart(struct arena *arena, struct step step, struct scope *scope) {
    struct scope own = {.arena = arena};
    enum status status = scope_run(&own, arena, run_step, &step);
    if (status != STATUS_OK)
        fault_carry(scope, &own.fault);
    arena_reset(arena);
    return status;
}

static void print_case(const struct demo_case *c, const struct demo *demo) {
    printf("%.*s", (int)c->report.size, c->report.at);
    for (int i = 0; i < c->offer_count; i++)
        printf("  asked    %s: %s\n", c->offers[i].name, c->offers[i].outcome != NULL ? c->offers[i].outcome : "open");
    if (c->went_to_controller)
        printf("  control room designated the place\n");
    int place = region_place_find(demo->snapshot, text_from(c->treated_at));
    struct text name = demo_place_name(demo, place, text_from(c->treated_at));
    double hours = (double)(c->closed_us - c->started_us) / 3600e6;
    if (c->stage == DEMO_LOCAL)
        printf("  treated  %.*s: stays local, nobody was asked\n\n", (int)name.size, name.at);
    else if (c->stage == DEMO_CLOSED)
        printf("  treated  %.*s; loop closed after %.1f h\n\n", (int)name.size, name.at, hours);
    else
        printf("  LOST: the loop is in no known state\n\n");
    (void)fflush(stdout);
}

static int64_t earliest_us(const struct stage *stage) {
    int64_t next_us = store_due_earliest_us(records_store(stage->folder.records));
    for (int i = 0; i < stage->case_count; i++) {
        int64_t own_us = demo_case_next_us(&stage->cases[i]);
        next_us = own_us < next_us ? own_us : next_us;
    }
    return next_us;
}

/* Jumps to just before the next moment at which anybody acts. */
static void skip_quiet_time(const struct stage *stage) {
    int64_t next_us = earliest_us(stage), now_us = clock_now_us(stage->demo.clock);
    if (next_us != INT64_MAX && next_us - now_us > 2 * SKIP_MARGIN_US)
        clock_advance(stage->demo.clock, next_us - now_us - SKIP_MARGIN_US);
}

static enum status run_all(struct stage *stage, struct scope *scope) {
    struct arena *arena = arena_open(CASE_ARENA_MAX);
    size_t index, count;
    yyjson_val *board;
    int over = 0, started = 0;
    int64_t began_us = clock_monotonic_us(), next_start_us = 0;
    enum status status = STATUS_OK;
    if (arena == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    yyjson_arr_foreach(json_get(stage->demo.script, "boards"), index, count, board) {
        if (status == STATUS_OK)
            status = run_apart(arena, (struct step){stage, NULL, board}, scope);
    }
    while (status == STATUS_OK && over < stage->case_count) {
        for (int i = 0; i < started && status == STATUS_OK; i++) {
            struct demo_case *c = &stage->cases[i];
            if (demo_case_is_over(c))
                continue;
            status = run_apart(arena, (struct step){stage, c, NULL}, scope);
            if (status == STATUS_OK && demo_case_is_over(c)) {
                over++;
                print_case(c, &stage->demo);
            }
        }
        if (status == STATUS_OK && started < stage->case_count && clock_now_us(stage->demo.clock) >= next_start_us) {
            struct demo_case *c = &stage->cases[started++];
            status = run_apart(arena, (struct step){stage, c, NULL}, scope);
            next_start_us = clock_now_us(stage->demo.clock) + (int64_t)STARTS_APART_MIN * 60000000;
            if (status == STATUS_OK && demo_case_is_over(c)) {
                over++;
                print_case(c, &stage->demo);
            }
        }
        if (serve_is_interrupted())
            status = fault(scope, STATUS_UNAVAILABLE, "", "interrupted");
        if (clock_monotonic_us() - began_us > (int64_t)REAL_LIMIT_S * 1000000)
            status = fault(scope, STATUS_TOO_COSTLY, "", "the demonstration did not end within %d s", REAL_LIMIT_S);
        if (started == stage->case_count)
            skip_quiet_time(stage);
        nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000L}, NULL);
    }
    arena_close(arena);
    return status;
}

/* ---- for who looks at the page ---------------------------------------------------------------------------------------------------- */

static bool has_board(const struct region_place *place) {
    bool known = false;
    for (int i = 0; i < REGION_BEDS_MAX; i++)
        known = known || place->beds[i].known;
    return known && !place->post && !place->control_room;
}

/* Days were skipped: the boards (assumed counts, and shown as such) are said anew, as of 2 to 41 minutes ago, so that they are neither all
 * stale nor all of one moment. */
static enum status say_boards_anew(struct stage *stage, struct scope *scope) {
    struct arena *arena = arena_open(CASE_ARENA_MAX);
    enum status status = STATUS_OK;
    if (arena == NULL)
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    for (size_t i = 0; i < stage->demo.snapshot->place_count && status == STATUS_OK; i++) {
        const struct region_place *place = &stage->demo.snapshot->places[i];
        if (!has_board(place))
            continue;
        struct json_writer w = json_writer_open(scope->arena, 1024);
        struct text json;
        yyjson_doc *board = NULL;
        json_object_open(&w);
        json_member_text(&w, "place", place->id);
        json_member_int(&w, "typed_minutes_before", 2 + (int64_t)(i * 7 % 40));
        json_object_close(&w);
        status = json_finish(&json, &w, scope);
        if (status == STATUS_OK)
            status = json_read(&board, json, scope);
        if (status == STATUS_OK)
            status = run_apart(arena, (struct step){stage, NULL, yyjson_doc_get_root(board)}, scope);
    }
    arena_close(arena);
    return status;
}

/* The closing line; the exit status says whether anybody was lost. */
static int summarise(const struct stage *stage) {
    int placed = 0, closed = 0, local = 0, asked = 0, lost = 0;
    for (int i = 0; i < stage->case_count; i++) {
        const struct demo_case *c = &stage->cases[i];
        asked += c->offer_count;
        closed += c->stage == DEMO_CLOSED;
        local += c->stage == DEMO_LOCAL;
        placed += c->treated_at[0] != '\0' && c->stage != DEMO_LOCAL;
        lost += c->stage != DEMO_CLOSED && c->stage != DEMO_LOCAL;
    }
    printf("patients %d, placed %d, kept local %d, loops closed %d, asked per patient %.2f, lost %d\n",
        stage->case_count, placed, local, closed, placed > 0 ? (double)asked / placed : 0.0, lost);
    (void)fflush(stdout);
    return lost == 0 ? EXIT_DONE : EXIT_FAULT;
}

static void close_all(struct stage *stage) {
    region_release(stage->demo.snapshot);
    remote_close(stage->demo.remote);
    server_close(stage->server);
    folder_close(&stage->folder);
    if (stage->made_folder[0] == '\0')
        return;
    passing_remove(stage->made_folder);
}

static int run(const struct arguments *arguments, struct scope *scope) {
    struct stage *stage = ARENA_NEW(scope->arena, struct stage);
    int exit_status = EXIT_FAULT;
    serve_block_signals();
    enum status status = open_all(stage, arguments, scope);
    if (status == STATUS_OK)
        status = run_all(stage, scope);
    if (status == STATUS_OK) {
        exit_status = summarise(stage);
        if (!argument_flag(arguments, "--once")) {
            status = say_boards_anew(stage, scope);
            clock_set_speed(stage->demo.clock, 1); /* whoever looks at the page now has real minutes */
            printf("The page stays at http://127.0.0.1:%u/ until Ctrl-C.\n", (unsigned)server_port(stage->server));
            (void)fflush(stdout);
            serve_until_interrupted();
        }
    }
    close_all(stage);
    return status == STATUS_OK ? exit_status : report(arguments, scope, status);
}

const struct command command_demo = {"demo", "", {"the demonstration", "시연"},
    {"Loads a region and its invented patients into a fresh folder, lets a scripted receiving side accept, decline and "
     "stay\n"
     "silent, prints each patient's way, and then serves the page. The clock runs fast and skips quiet stretches.",
        "지역과 가상 환자를 새 폴더에 적재하고, 대본대로 움직이는 수용 기관이 수락·거절·무응답하게 하며, 환자마다 "
        "지나온 길을\n"
        "출력한 뒤 화면을 제공합니다. 시계는 빠르게 가고 조용한 구간은 건너뜁니다."},
    options, 0, 0, run};
