/* soyang simulate: a year of a region under several ways of choosing, after the simulator itself was held to published figures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/document.h"
#include "cli/folder.h"
#include "cli/passing.h"
#include "cli/result.h"
#include "cli/simulate.h"

enum { PATH_SIZE = 1024, FILE_BYTES_MAX = 64 << 20, RECORD_BYTES_MAX = 1 << 30, RUN_ARENA_MAX = 1 << 30 };
enum { VALIDATION_RUNS_MAX = 16 };

static const struct option_row options[] = {
    {"--region", "NAME|DIR",
        {"a folder with simulation.json, or its name under regions/",
            "simulation.json이 있는 폴더, 또는 regions/ 아래 이름"},
        "gangwon"},
    {"--days", "N", {"days from 1 January, 1 to 366", "1월 1일부터의 날수, 1에서 366"}, "365"},
    {"--policy", "NAME[,NAME]...",
        {"nearest, capable, parallel3, memory, national, soyang, clairvoyant, or all",
            "nearest, capable, parallel3, memory, national, soyang, clairvoyant, 또는 all"},
        "all"},
    {"--seed", "N", {"same seed, same bytes", "시드가 같으면 바이트도 같습니다"}, "1"},
    {"--year", "2023..2025", {"whose demand, and whose absence of teams", "어느 해의 수요와 의료진 부재인지"}, "2023"},
    {"--parameters", "FILE", {"instead of the region's simulation.json", "지역의 simulation.json 대신 쓸 파일"}, NULL},
    {"--false-boards", "X",
        {"share of the boards' entries that are false, 0 to 1", "병상판 항목 가운데 거짓인 비율, 0에서 1"}, NULL},
    {"--slow-answers", NULL,
        {"answers take twice as long, and four in ten terminals answer",
            "답이 두 배 늦고, 단말 열 가운데 넷이 답합니다"},
        NULL},
    {"--night", NULL,
        {"teams of the night at all hours' calls: everybody calls between 23 and 8",
            "모든 신고를 야간 인력이 받습니다: 모두 23시에서 8시 사이에 신고합니다"},
        NULL},
    {"--snow", NULL,
        {"every winter day has snow, and snow costs 60 %", "겨울에는 날마다 눈이 오고, 눈이 오면 60 % 더 걸립니다"},
        NULL},
    {"--drift", NULL,
        {"from the middle of the span teams are absent, and departments refuse, at 1.88 times the odds",
            "기간의 중간부터 의료진 부재와 수용 거절의 오즈가 1.88배입니다"},
        NULL},
    {"--grid", NULL, {"all of these cells, one after the other", "위의 경우를 모두 차례로"}, NULL},
    {"--frontier", NULL, {"the engine at several intensities of asking as well", "여러 문의 강도의 엔진도"}, NULL},
    {"--sensitivity", NULL,
        {"every assumed number up and down by a quarter, one after the other",
            "가정한 수를 하나씩 4분의 1만큼 올리고 내립니다"},
        NULL},
    {"--only", "NAME[,NAME]...", {"of the sensitivity, these numbers alone", "--sensitivity 가운데 이 수만"}, NULL},
    {"--set", "NAME=VALUE...",
        {"one number of the parameters otherwise, before anything is simulated", "모의 전에 매개변수 하나를 바꿉니다"},
        NULL},
    {"--validation-runs", "N",
        {"years simulated for each figure, with seeds 1 to N", "수치마다 모의할 해의 수, 시드는 1에서 N"}, "5"},
    {"--fitted-only", NULL,
        {"tell the misfit of the fitted figures and nothing else: what fit.py minimises",
            "맞춘 수치의 어긋남만 알립니다: fit.py가 줄이는 값"},
        NULL},
    {"--record", "FILE",
        {"write every decision of one policy with what it rested on", "한 정책의 모든 결정을 근거와 함께 씁니다"},
        NULL},
    {"--replay", "FILE",
        {"recompute the decisions of a record and compare the bytes", "기록의 결정을 다시 계산해 바이트를 견줍니다"},
        NULL},
    {"--picture", "FILE", {"write the comparison as SVG", "비교를 SVG로 씁니다"}, NULL},
    {"--parts", NULL,
        {"where the minutes go, part by part, and what knowing more would be worth, as Markdown",
            "시간이 어디에 드는지와, 더 알면 얼마나 나은지를 Markdown으로"},
        NULL},
    {"--despite-misfit", NULL,
        {"print policies although the validation fails, with MISFIT on every line",
            "검증이 실패해도 줄마다 MISFIT을 붙여 정책을 출력합니다"},
        NULL},
    {"--json", NULL, {"everything as JSON", "모두 JSON으로"}, NULL},
    {0},
};

/* ---- the region ----------------------------------------------------------------------------------------------------- */

static bool is_region(const char *path) {
    char file[PATH_SIZE];
    struct stat info;
    (void)snprintf(file, sizeof file, "%s/region.json", path);
    return stat(file, &info) == 0;
}

/* As a path, under regions/ here, or under regions/ of a folder above the program. */
static enum status find_region(char out[PATH_SIZE], const char *name, struct scope *scope) {
    char program[PATH_SIZE];
    (void)snprintf(out, PATH_SIZE, "%s", name);
    if (is_region(out)) {
        return STATUS_OK;
    }
    (void)snprintf(out, PATH_SIZE, "regions/%s", name);
    if (is_region(out)) {
        return STATUS_OK;
    }
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    program[size > 0 ? size : 0] = '\0';
    for (char *slash = strrchr(program, '/'); slash != NULL; slash = strrchr(program, '/')) {
        *slash = '\0';
        int written = snprintf(out, PATH_SIZE, "%s/regions/%s", program, name);
        if (written < PATH_SIZE && is_region(out)) {
            return STATUS_OK;
        }
    }
    return fault(scope, STATUS_NOT_FOUND, "--region",
        say("there is no region '%s': no folder with a region.json",
            "'%s' 지역은 없습니다: region.json이 있는 폴더가 없습니다"),
        name);
}

struct province {
    char path[PATH_SIZE];
    struct passing_folder store;
    struct folder folder;
    const struct region_snapshot *snapshot;
    struct text districts;
};

static void close_province(struct province *province) {
    if (province->snapshot != NULL) {
        region_release(province->snapshot);
    }
    folder_close(&province->folder);
    passing_close(&province->store);
}

/* Loaded as a server would, into a folder of its own that is removed afterwards: the engine sees what it always sees. */
static enum status open_province(struct province *out, const char *name, struct scope *scope) {
    struct region_loaded loaded;
    *out = (struct province){0};
    enum status status = find_region(out->path, name, scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = passing_open(&out->store, "soyang-simulate", scope);
    if (status == STATUS_OK) {
        status = folder_open(&out->folder, &(struct folder_config){.path = out->store.path, .speed = 1}, scope);
    }
    if (status == STATUS_OK) {
        status = region_load(&loaded, out->folder.records, &folder_operator, out->path, REGION_WITH_ASSUMPTIONS, scope);
    }
    if (status == STATUS_OK) {
        status = region_hold(&out->snapshot, out->folder.region, scope);
    }
    if (status == STATUS_OK) {
        status = file_read(
            &out->districts, text_format(scope->arena, "%s/districts.csv", out->path).at, FILE_BYTES_MAX, scope);
    }
    return status;
}

/* ---- what is asked for ---------------------------------------------------------------------------------------------- */

static enum status read_policies(struct simulate_result *out, const char *list, struct scope *scope) {
    struct text rest = text_from(list);
    while (rest.at != NULL) {
        struct text name = text_trim(text_cut(&rest, ','));
        enum planning_policy policy;
        if (text_is(name, "all")) {
            for (int i = 0; i < PLANNING_POLICIES; i++) {
                out->chosen[i] = true;
            }
        } else if (planning_policy_find(&policy, name)) {
            out->chosen[policy] = true;
        } else {
            return fault(scope, STATUS_INVALID, "--policy",
                say("there is no policy '%.*s'; there are nearest, capable, parallel3, memory, national, soyang, "
                    "clairvoyant and all",
                    "'%.*s' 정책은 없습니다. nearest, capable, parallel3, memory, national, soyang, clairvoyant, all이 "
                    "있습니다"),
                (int)name.size, name.at);
        }
    }
    return STATUS_OK;
}

static enum status read_span(struct planning_span *out, const struct arguments *arguments, struct scope *scope) {
    int64_t days = 0, seed = 0, year = 0;
    enum status status = argument_whole(&days, arguments, "--days", 1, 366, scope);
    if (status == STATUS_OK) {
        status = argument_whole(&seed, arguments, "--seed", 0, INT64_MAX, scope);
    }
    if (status == STATUS_OK) {
        status = argument_whole(&year, arguments, "--year", 2023, 2025, scope);
    }
    *out = (struct planning_span){.seed = (uint64_t)seed, .year = (int)year, .days = (int)days};
    return status;
}

/* ---- cells ------------------------------------------------------------------------------------------------------------ */

struct change {
    const char *name;
    double value;
};
enum { CHANGES_MAX = 4 };
static const struct cell_row {
    const char *name, *says;
    struct change changes[CHANGES_MAX];
} cells[] = {
    {"default", "the parameters as they are in the file", {{0}}},
    {"boards 0 % false", "no board entry is false", {{"board_false", 0}}},
    {"boards 20 % false", "one board entry in five is false", {{"board_false", .2}}},
    {"boards 40 % false", "two board entries in five are false", {{"board_false", .4}}},
    {"slow answers", "answers take twice as long; four in ten terminals answer",
        {{"phone_mean_min", 3.6}, {"digital_mean_min", 5}, {"digital_response", .4}}},
    {"nights", "everybody calls between 23 and 8", {{"night_only", 1}}},
    {"snow", "every winter day has snow; it costs 60 %", {{"snow_day_chance", 1}, {"snow_travel", 1.6}}},
    {"drift", "from the middle of the span teams are absent, and departments refuse, at 1.88 times the odds",
        {{"drift_odds", 1.88}}},
};
enum { CELL_ROWS = sizeof cells / sizeof cells[0], CELL_SLOW = 4, CELL_NIGHT, CELL_SNOW, CELL_DRIFT };

/* The frontier: from asking one after the other and grudgingly to several terminals at once. */
static const struct cell_row intensities[] = {
    {"one, dear", "by telephone or terminal, whichever is quicker; an inquiry costs three times as much in the plan",
        {{"engine_ask_cost", 3}}},
    {"one", "as the policy says", {{0}}},
    {"one, free", "an inquiry costs nothing in the plan", {{"engine_ask_cost", 0}}},
    {"terminals 1", "one terminal after the other", {{"engine_parallel", 1}}},
    {"terminals 2", "two terminals at once", {{"engine_parallel", 2}}},
    {"terminals 3", "three terminals at once", {{"engine_parallel", 3}}},
};
enum { INTENSITY_ROWS = sizeof intensities / sizeof intensities[0] };

static enum status change_by(const struct planning_parameters **out, const struct cell_row *row, struct scope *scope) {
    enum status status = STATUS_OK;
    for (int i = 0; i < CHANGES_MAX && row->changes[i].name != NULL && status == STATUS_OK; i++) {
        status = planning_parameters_with(out, *out, row->changes[i].name, row->changes[i].value, scope);
    }
    return status;
}

static enum status change_by_options(
    const struct planning_parameters **out, const struct arguments *arguments, struct scope *scope) {
    double share = 0;
    enum status status = STATUS_OK;
    if (argument_flag(arguments, "--false-boards")) {
        status = argument_number(&share, arguments, "--false-boards", 0, 1, scope);
        if (status == STATUS_OK) {
            status = planning_parameters_with(out, *out, "board_false", share, scope);
        }
    }
    if (status == STATUS_OK && argument_flag(arguments, "--slow-answers")) {
        status = change_by(out, &cells[CELL_SLOW], scope);
    }
    if (status == STATUS_OK && argument_flag(arguments, "--night")) {
        status = change_by(out, &cells[CELL_NIGHT], scope);
    }
    if (status == STATUS_OK && argument_flag(arguments, "--drift")) {
        status = change_by(out, &cells[CELL_DRIFT], scope);
    }
    return status == STATUS_OK && argument_flag(arguments, "--snow") ? change_by(out, &cells[CELL_SNOW], scope)
                                                                     : status;
}

/* NAME=VALUE, several joined by commas. */
static enum status change_by_set(const struct planning_parameters **out, const char *list, struct scope *scope) {
    struct text rest = text_from(list);
    enum status status = STATUS_OK;
    while (rest.at != NULL && status == STATUS_OK) {
        struct text value = text_trim(text_cut(&rest, ',')), name = text_trim(text_cut(&value, '='));
        double number = 0;
        if (value.at == NULL || !text_to_double(&number, text_trim(value))) {
            return fault(scope, STATUS_INVALID, "--set", "%s",
                say("takes NAME=VALUE, VALUE a number", "이름=값을 적으십시오. 값은 수입니다"));
        }
        status = planning_parameters_with(out, *out, text_string(scope->arena, name), number, scope);
    }
    return status;
}

/* ---- running ---------------------------------------------------------------------------------------------------------- */

struct told {
    const char *what;
};
static void tell(void *context, double share) {
    const struct told *told = context;
    if (isatty(STDERR_FILENO)) {
        (void)fprintf(stderr, "\r%-32s %3.0f %%%s", told->what, 100 * share, share >= .98 ? "\n" : "");
    }
}

struct job {
    const struct arguments *arguments;
    struct simulate_result *result;
    const struct province *province;
    const struct planning_parameters *parameters;
    struct simulate_cell *cell;
    bool limit;          /* the limit is found although the clairvoyant is not run */
    struct scope *scope; /* what outlives the cell */
};

const struct simulate_also simulate_also[SIMULATE_ALSO] = {
    {"soyang without the second reader", PLANNING_SOYANG, PLANNING_NO_READER},
    {"soyang with its tests alone", PLANNING_SOYANG, PLANNING_NO_CONSULT},
    {"memory given the reader, asks as the specialist reads", PLANNING_MEMORY, PLANNING_WITH_READER},
    {"memory given the reader, asks for the likeliest", PLANNING_MEMORY, PLANNING_WITH_READER | PLANNING_LIKELIEST},
    {"capable given the reader, asks as the specialist reads", PLANNING_CAPABLE, PLANNING_WITH_READER},
};

static void keep_batches(struct planning_outcome *out, struct arena *arena) {
    double *kept = ARENA_ARRAY(arena, double, out->batch_count + 1);
    memcpy(kept, out->batch_minutes, out->batch_count * sizeof *kept);
    out->batch_minutes = kept;
}

static enum status run_also(const struct job *job, const struct planning_world *world, struct scope *scope) {
    enum status status = STATUS_OK;
    for (int i = 0; i < SIMULATE_ALSO && status == STATUS_OK; i++) {
        struct told told = {simulate_also[i].says};
        struct planning_run_options run = {
            .policy = simulate_also[i].policy, .told = simulate_also[i].told, .progress = tell, .context = &told};
        status = planning_run(&job->cell->also[i], world, &run, scope);
        if (status == STATUS_OK) {
            keep_batches(&job->cell->also[i], job->scope->arena);
        }
    }
    return status;
}

static enum status run_policy(
    const struct job *job, const struct planning_world *world, enum planning_policy policy, struct scope *scope) {
    struct planning_outcome *out = &job->cell->outcomes[policy];
    char what[64];
    (void)snprintf(what, sizeof what, "%s, %s", job->cell->name, planning_policy_name(policy));
    struct told told = {what};
    struct buffer record = buffer_open(scope->arena, RECORD_BYTES_MAX);
    const char *path = argument(job->arguments, "--record");
    struct planning_run_options run = {
        .policy = policy, .progress = tell, .context = &told, .record = path != NULL ? &record : NULL};
    enum status status = planning_run(out, world, &run, scope);
    if (status != STATUS_OK) {
        return status;
    }
    keep_batches(out, job->scope->arena);
    if (path == NULL) {
        return STATUS_OK;
    }
    return record.full
               ? fault(scope, STATUS_TOO_LARGE, path, "the record would be larger than %d bytes", RECORD_BYTES_MAX)
               : result_write(path, buffer_text(&record), scope);
}

static enum status run_cell(void *context, struct scope *scope) {
    const struct job *job = context;
    const struct planning_world *world;
    enum status status = planning_world_build(
        &world, job->province->snapshot, job->parameters, job->province->districts, &job->result->span, scope);
    for (int i = 0; i < PLANNING_POLICIES && status == STATUS_OK; i++) {
        if (job->result->chosen[i]) {
            status = run_policy(job, world, (enum planning_policy)i, scope);
        }
    }
    const bool *chosen = job->result->chosen;
    job->cell->with_also = job->cell == job->result->cells.at && chosen[PLANNING_SOYANG] && chosen[PLANNING_MEMORY] &&
                           chosen[PLANNING_CAPABLE] && argument(job->arguments, "--record") == NULL;
    if (status == STATUS_OK && job->cell->with_also) {
        status = run_also(job, world, scope);
    }
    if (status == STATUS_OK && (job->result->chosen[PLANNING_CLAIRVOYANT] || job->limit)) {
        job->cell->bounded = true;
        status = planning_bound_find(&job->cell->bound, world, scope);
    }
    return status;
}

/* Each cell has memory of its own, given back after it. */
static enum status in_own_arena(struct job *job, scope_work *work, struct scope *scope) {
    struct arena *arena = arena_open(RUN_ARENA_MAX + (size_t)RECORD_BYTES_MAX);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    }
    struct scope own = {.arena = arena};
    enum status status = scope_run(&own, arena, work, job);
    fault_carry(scope, &own.fault);
    arena_close(arena);
    return status;
}

static enum status run_rows(
    struct job *job, struct simulate_cells *out, const struct cell_row *rows, size_t count, struct scope *scope) {
    const struct planning_parameters *base = job->parameters;
    enum status status = STATUS_OK;
    out->at = ARENA_ARRAY(scope->arena, struct simulate_cell, count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        job->cell = &out->at[i];
        *job->cell = (struct simulate_cell){.name = rows[i].name, .says = rows[i].says};
        job->parameters = base;
        status = change_by(&job->parameters, &rows[i], scope);
        if (status == STATUS_OK) {
            status = in_own_arena(job, run_cell, scope);
        }
        out->count++;
    }
    job->parameters = base;
    return status;
}

static enum status run_frontier(struct job *job, struct scope *scope) {
    bool chosen[PLANNING_POLICIES];
    memcpy(chosen, job->result->chosen, sizeof chosen);
    for (int i = 0; i < PLANNING_POLICIES; i++) {
        job->result->chosen[i] = i == PLANNING_SOYANG;
    }
    enum status status = run_rows(job, &job->result->frontier, intensities, INTENSITY_ROWS, scope);
    memcpy(job->result->chosen, chosen, sizeof chosen);
    return status;
}

/* Of `list`, joined by commas; NULL: all. */
static bool is_wanted(const char *list, const char *name) {
    struct text rest = text_from(list);
    bool found = list == NULL;
    while (!found && rest.at != NULL) {
        found = text_is(text_trim(text_cut(&rest, ',')), name);
    }
    return found;
}

static enum status only_known(const struct job *job, struct scope *scope) {
    size_t count;
    const struct planning_assumption *list = planning_parameters_list(&count, job->parameters);
    struct text rest = text_from(argument(job->arguments, "--only"));
    while (rest.at != NULL) {
        struct text name = text_trim(text_cut(&rest, ','));
        bool found = false;
        for (size_t i = 0; i < count && !found; i++) {
            found = text_is(name, list[i].name);
        }
        if (!found) {
            return fault(scope, STATUS_INVALID, "--only",
                say("there is no parameter '%.*s'", "'%.*s' 매개변수는 없습니다"), (int)name.size, name.at);
        }
    }
    return STATUS_OK;
}

/* Each assumed number, and each fitted one, down and up by a quarter; a count by one; a switch that stands at 0 is left. Nobody's
 * baseline or limit is kept: each meets the changed world. The limit needs no run of the clairvoyant. */
static enum status run_sensitivity(struct job *job, struct scope *scope) {
    static const double by[] = {.75, 1.25};
    size_t count, rows = 0;
    const struct planning_assumption *list = planning_parameters_list(&count, job->parameters);
    struct cell_row *changed = ARENA_ARRAY(scope->arena, struct cell_row, 2 * count);
    for (size_t i = 0; i < count; i++) {
        bool fitted = strncmp(list[i].source, "fitted", 6) == 0;
        bool year = strstr(list[i].name, "2025") != NULL; /* no year that is compared */
        bool due = (list[i].assumed || fitted) && list[i].value > 0 && !year;
        due = due && is_wanted(argument(job->arguments, "--only"), list[i].name);
        for (size_t k = 0; k < 2 && due; k++) {
            bool whole = list[i].value == floor(list[i].value) && list[i].value <= 5 && list[i].high >= 2;
            double to = whole ? list[i].value + (k == 0 ? -1 : 1) : list[i].value * by[k];
            to = fmin(list[i].high, fmax(list[i].low, to));
            if (to != list[i].value) {
                changed[rows++] = (struct cell_row){.name = list[i].name,
                    .says = text_format(scope->arena, "%g", to).at,
                    .changes = {{list[i].name, to}}};
            }
        }
    }
    bool clairvoyant = job->result->chosen[PLANNING_CLAIRVOYANT];
    job->limit = clairvoyant;
    job->result->chosen[PLANNING_CLAIRVOYANT] = false;
    enum status status = run_rows(job, &job->result->sensitivity, changed, rows, scope);
    job->result->chosen[PLANNING_CLAIRVOYANT] = clairvoyant;
    job->limit = false;
    return status;
}

static enum status run_cells(struct job *job, struct scope *scope) {
    struct simulate_result *result = job->result;
    size_t count = argument_flag(job->arguments, "--grid") ? CELL_ROWS : 1;
    enum status status = run_rows(job, &result->cells, cells, count, scope);
    if (status == STATUS_OK && argument_flag(job->arguments, "--frontier")) {
        status = run_frontier(job, scope);
    }
    if (status == STATUS_OK && argument_flag(job->arguments, "--sensitivity")) {
        status = run_sensitivity(job, scope);
    }
    return status;
}

static enum status validate(void *context, struct scope *scope) {
    const struct job *job = context;
    struct planning_validation *out = &job->result->validation;
    struct told told = {"validation"};
    struct planning_validation found;
    int64_t runs = 0;
    enum status status = argument_whole(&runs, job->arguments, "--validation-runs", 1, VALIDATION_RUNS_MAX, scope);
    struct planning_validation_options how = {.runs = (int)runs,
        .fitted_only = argument_flag(job->arguments, "--fitted-only"),
        .progress = tell,
        .context = &told};
    if (status == STATUS_OK) {
        status =
            planning_validate(&found, job->province->snapshot, job->parameters, job->province->districts, &how, scope);
    }
    if (status == STATUS_OK) {
        struct planning_figure *kept = ARENA_ARRAY(job->scope->arena, struct planning_figure, found.count);
        memcpy(kept, found.figures, found.count * sizeof *kept);
        *out = found;
        out->figures = kept;
    }
    return status;
}

static enum status replay(void *context, struct scope *scope) {
    const struct job *job = context;
    const struct planning_world *world;
    struct text record;
    size_t decisions = 0;
    const char *path = argument(job->arguments, "--replay");
    enum status status = file_read(&record, path, RECORD_BYTES_MAX, scope);
    if (status == STATUS_OK) {
        status = planning_world_build(
            &world, job->province->snapshot, job->parameters, job->province->districts, &job->result->span, scope);
    }
    if (status == STATUS_OK) {
        status = planning_replay(&decisions, world, record, scope);
    }
    if (status == STATUS_CONFLICT) { /* which, of a command, would say that a folder is in use */
        status = STATUS_FAILED;
    }
    if (status == STATUS_OK) {
        printf("%zu decisions recomputed, every one to the same bytes\n", decisions);
    }
    return status;
}

static enum status parts(void *context, struct scope *scope) {
    const struct job *job = context;
    const struct planning_world *world;
    enum status status = planning_world_build(
        &world, job->province->snapshot, job->parameters, job->province->districts, &job->result->span, scope);
    return status == STATUS_OK ? simulate_parts(world, scope) : status;
}

static enum status print(const struct simulate_result *result, const struct arguments *arguments, struct scope *scope) {
    struct text out;
    enum status status = STATUS_OK;
    if (argument_flag(arguments, "--json")) {
        status = simulate_json(&out, result, scope);
        if (status == STATUS_OK) {
            printf("%.*s\n", (int)out.size, out.at);
        }
    } else if (result->cells.count > 0) {
        simulate_print_table(result);
    }
    const char *picture = argument(arguments, "--picture");
    if (status == STATUS_OK && picture != NULL && result->cells.count > 0) {
        status = simulate_picture(&out, result, scope);
        if (status == STATUS_OK) {
            status = result_write(picture, out, scope);
        }
    }
    return status;
}

/* Frozen: FILE's own hash stands in the file beside it, NAME.sha256 for NAME.json, as sha256sum writes it. */
static enum status read_frozen(struct simulate_result *out, const char *hash, const char *file, struct scope *scope) {
    struct text path = text_from(file), line;
    if (text_ends(path, ".json")) {
        path.size -= strlen(".json");
    }
    struct scope quiet = {.arena = scope->arena};
    if (file_read(&line, text_format(scope->arena, "%.*s.sha256", (int)path.size, path.at).at, FILE_BYTES_MAX,
            &quiet) == STATUS_OK) {
        out->frozen = text_is(text_trim(text_cut(&line, ' ')), hash);
    }
    return STATUS_OK;
}

static enum status simulate(struct job *job, const struct province *province, struct scope *scope) {
    const char *file = argument(job->arguments, "--parameters");
    struct text json;
    struct simulate_result *result = job->result;
    file = file != NULL ? file : text_format(scope->arena, "%s/simulation.json", province->path).at;
    yyjson_doc *document;
    enum status status = file_read(&json, file, FILE_BYTES_MAX, scope);
    if (status == STATUS_OK) {
        status = source_json(&document, json, file, scope);
    }
    if (status == STATUS_OK) {
        status = planning_parameters_read(&job->parameters, json, scope);
    }
    const char *set = argument(job->arguments, "--set");
    if (status == STATUS_OK) {
        status = read_frozen(result, planning_parameters_hash(job->parameters), file, scope);
    }
    if (status == STATUS_OK && set != NULL) {
        status = change_by_set(&job->parameters, set, scope);
    }
    if (status == STATUS_OK && argument_flag(job->arguments, "--only")) {
        status = only_known(job, scope);
    }
    result->parameters = job->parameters;
    result->policy_hash = text_string(scope->arena, province->snapshot->policy_hash);
    if (status == STATUS_OK && argument_flag(job->arguments, "--replay")) {
        return in_own_arena(job, replay, scope);
    }
    if (status == STATUS_OK) {
        status = in_own_arena(job, validate, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (!argument_flag(job->arguments, "--json") && !argument_flag(job->arguments, "--parts")) {
        simulate_print_validation(result);
    }
    status = output_flush(scope); /* who looks away after that spares the years that follow */
    if (status != STATUS_OK) {
        return status;
    }
    if (argument_flag(job->arguments, "--fitted-only")) {
        return print(result, job->arguments, scope);
    }
    if (argument_flag(job->arguments, "--parts")) {
        bool may = result->validation.holds || result->despite_misfit;
        return may ? in_own_arena(job, parts, scope)
                   : fault(scope, STATUS_UNPROCESSABLE, "", "the simulator does not hold to the published figures");
    }
    if (result->validation.holds || result->despite_misfit) {
        status = change_by_options(&job->parameters, job->arguments, scope);
        result->parameters = job->parameters;
        if (status == STATUS_OK) {
            status = run_cells(job, scope);
        }
    }
    if (status == STATUS_OK) {
        status = print(result, job->arguments, scope);
    }
    if (status == STATUS_OK && !result->validation.holds && !result->despite_misfit) {
        return fault(scope, STATUS_UNPROCESSABLE, "",
            "the simulator does not hold to the published figures: no policy is compared (--despite-misfit prints all "
            "the "
            "same, marked)");
    }
    return status;
}

/* What is written at the end is looked at before the minutes that it takes. */
static enum status check_results(
    const struct simulate_result *result, const struct arguments *arguments, struct scope *scope) {
    const char *record = argument(arguments, "--record"), *picture = argument(arguments, "--picture");
    int64_t runs = 0;
    int policies = 0;
    for (int i = 0; i < PLANNING_POLICIES; i++) {
        policies += result->chosen[i];
    }
    bool several = policies != 1 || argument_flag(arguments, "--grid") || argument_flag(arguments, "--frontier") ||
                   argument_flag(arguments, "--sensitivity");
    if (record != NULL && several) {
        return fault(scope, STATUS_INVALID, "--record", "%s",
            say("is of one policy in one world: name it with --policy, without --grid, --frontier and --sensitivity",
                "한 조건의 한 정책만 기록합니다: --policy로 하나를 적고 --grid, --frontier, --sensitivity는 빼십시오"));
    }
    enum status status = argument_whole(&runs, arguments, "--validation-runs", 1, VALIDATION_RUNS_MAX, scope);
    if (status == STATUS_OK && record != NULL) {
        status = result_check(record, scope);
    }
    double share = 0; /* wrong, it would else be told after the validation's minute */
    if (status == STATUS_OK && argument_flag(arguments, "--false-boards")) {
        status = argument_number(&share, arguments, "--false-boards", 0, 1, scope);
    }
    return status == STATUS_OK && picture != NULL ? result_check(picture, scope) : status;
}

static int run(const struct arguments *arguments, struct scope *scope) {
    struct province province = {0};
    struct simulate_result *result = ARENA_NEW(scope->arena, struct simulate_result);
    struct job job = {.arguments = arguments, .result = result, .province = &province, .scope = scope};
    result->region = argument(arguments, "--region");
    result->despite_misfit = argument_flag(arguments, "--despite-misfit");
    uint8_t digest[DIGEST_SIZE];
    char *hash = arena_alloc(scope->arena, DIGEST_TEXT_SIZE);
    enum status status = read_span(&result->span, arguments, scope);
    if (status == STATUS_OK) {
        status = read_policies(result, argument(arguments, "--policy"), scope);
    }
    if (status == STATUS_OK) {
        status = check_results(result, arguments, scope);
    }
    if (status == STATUS_OK) {
        status = open_province(&province, result->region, scope);
    }
    if (status == STATUS_OK) {
        digest_sha256(digest, province.districts);
        digest_text(hash, digest);
        result->region_hash = hash;
        status = simulate(&job, &province, scope);
    }
    close_province(&province);
    return report(arguments, scope, status);
}

const struct command command_simulate = {"simulate", "",
    {"a year of a region under several ways of choosing", "여러 선택 방식으로 지역의 한 해를 모의합니다"},
    {"Discrete events over the region's districts, vehicles and hospitals; synthetic patients. First the simulator is "
     "held\n"
     "to published figures; while it misses one by more than its tolerance no policy is compared and the exit status "
     "is 1.\n"
     "Then each policy meets the same year (common random numbers). Research and decision support only.",
        "지역의 읍면동, 구급차, 병원에 대한 이산 사건 모의이며 환자는 합성입니다. 먼저 모의를 발표된 수치에 맞추어 "
        "보고, 하나라도\n"
        "허용 오차를 넘게 빗나가면 정책을 비교하지 않으며 종료 상태는 1입니다. 그다음 모든 정책이 같은 한 해를 "
        "겪습니다(공통 난수).\n"
        "연구 및 의사결정 지원 전용입니다."},
    options, 0, 0, run};
