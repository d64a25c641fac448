/* replay: a record's decisions made again from their inputs. */
#include <stdlib.h>
#include <string.h>

#include "planning/run.h"

enum { CHOICE_ARENA_MAX = 64 << 20 };

struct replay {
    struct run *run;
    size_t line;
    struct scope *scope;
};

static bool hex_of(uint64_t *out, struct text text) {
    *out = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0 || text.size != 16) {
            return false;
        }
        *out = *out << 4 | (uint64_t)digit;
    }
    return text.size == 16;
}

static bool integer(int *out, const yyjson_val *object, const char *name, int low, int high) {
    int64_t value;
    bool fits = json_get_int64(&value, object, name) && value >= low && value <= high;
    *out = fits ? (int)value : 0;
    return fits;
}

static enum status wrong(struct replay *replay, const char *what) {
    return fault(replay->scope, STATUS_INVALID, "", "line %zu of the record: %s", replay->line, what);
}

static enum status take_board(struct replay *replay, const yyjson_val *line) {
    struct run *run = replay->run;
    int place, free[REGION_BEDS_MAX] = {0};
    uint64_t teams;
    double at;
    yyjson_val *list = (yyjson_val *)(uintptr_t)json_get(line, "free");
    size_t count = yyjson_arr_size(list);
    if (!integer(&place, line, "place", 0, run->world->place_count - 1) || !json_get_double(&at, line, "at") ||
        !hex_of(&teams, json_get_text(line, "teams")) || count != run->world->snapshot.bed_count) {
        return wrong(replay, "no board");
    }
    for (size_t i = 0; i < count; i++) {
        int64_t value = 0;
        if (!text_to_int64(&value, json_number_text(yyjson_arr_get(list, i)))) {
            return wrong(replay, "no board");
        }
        free[i] = (int)value;
    }
    hospital_said(run, place, free, teams, at);
    return STATUS_OK;
}

static bool asked_back(struct referral_asked *out, const yyjson_val *line) {
    yyjson_val *list = (yyjson_val *)(uintptr_t)json_get(line, "asked");
    int64_t whole[5];
    double exact[3];
    for (size_t i = 0; i < 8; i++) {
        yyjson_val *one = yyjson_arr_get(list, i);
        uint64_t bits = 0;
        bool read = i < 5 ? text_to_int64(&whole[i], json_number_text(one)) : hex_of(&bits, json_text(one));
        if (!read) {
            return false;
        }
        if (i >= 5) {
            memcpy(&exact[i - 5], &bits, sizeof bits);
        }
    }
    *out = (struct referral_asked){.place = (int)whole[0],
        .need = (int)whole[1],
        .at_us = whole[2],
        .zone_minutes = (int)whole[3],
        .board_free = (int)whole[4],
        .prior = exact[0],
        .load = exact[1],
        .board_age_min = exact[2]};
    return whole[0] >= 0 && whole[0] < PLACES_MAX && whole[1] >= -1 && whole[1] < REGION_NEEDS_MAX;
}

static enum status take_answer(struct replay *replay, const yyjson_val *line) {
    struct run *run = replay->run;
    struct lesson lesson = {0};
    int answer;
    if (!integer(&lesson.place, line, "place", 0, run->world->place_count - 1) ||
        !integer(&lesson.condition, line, "condition", 0, run->p->condition_count - 1) ||
        !integer(&answer, line, "answer", 0, ANSWERS - 1) || !json_get_bool(&lesson.between, line, "between") ||
        !json_get_double(&lesson.at, line, "at") || !json_get_double(&lesson.answer_min, line, "answer_min") ||
        (run->policy == PLANNING_SOYANG &&
            (!asked_back(&lesson.asked, line) || lesson.asked.place >= run->world->place_count))) {
        return wrong(replay, "no answer");
    }
    lesson.answer = (enum answer)answer;
    learn(run, &lesson);
    return STATUS_OK;
}

static bool open_back(struct asking *out, const yyjson_val *line, int places) {
    yyjson_val *list = (yyjson_val *)(uintptr_t)json_get(line, "open");
    size_t count = yyjson_arr_size(list);
    for (size_t i = 0; i + 1 < count && out->open_count < REFERRAL_PLAN_MAX; i += 2) {
        struct referral_open *open = &out->open[out->open_count++];
        int64_t place;
        if (!text_to_int64(&place, json_number_text(yyjson_arr_get(list, i))) || place < 0 || place >= places ||
            !text_to_double(&open->since_min, json_number_text(yyjson_arr_get(list, i + 1)))) {
            return false;
        }
        open->place = (int)place;
    }
    return count % 2 == 0 && count <= 2 * REFERRAL_PLAN_MAX;
}

/* Without a second reader: as the crew reads it. */
static bool seen_back(struct asking *out, struct run *run, const yyjson_val *line) {
    yyjson_val *list = json_get(line, "reader");
    int64_t values[4] = {out->condition, 0, 0, 0};
    const int64_t below[4] = {
        run->p->condition_count, 1 << REGION_TESTS_MAX, 1 << REGION_TESTS_MAX, run->p->condition_count + 1};
    for (size_t i = 0; i < 4 && list != NULL; i++) {
        if (!text_to_int64(&values[i], json_number_text(json_at(list, i))) || values[i] < 0 || values[i] >= below[i]) {
            return false;
        }
    }
    run->reader = list != NULL;
    out->seen = (struct region_seen){
        (int)values[0], out->level, out->age_months, (unsigned)values[1], (unsigned)values[2], (int)values[3]};
    return true;
}

/* The line that this decision would be written as; compared with what stands in the record. */
static enum status take_decision(struct replay *replay, const yyjson_val *line, struct text bytes) {
    struct run *run = replay->run;
    const struct planning_world *w = run->world;
    struct asking asking = {0};
    int leg;
    if (!integer(&asking.patient, line, "patient", 0, w->patient_count - 1) ||
        !integer(&asking.district, line, "district", -1, w->district_count - 1) ||
        !integer(&asking.from_place, line, "from_place", -1, w->place_count - 1) ||
        (asking.district < 0) == (asking.from_place < 0) ||
        !integer(&asking.condition, line, "condition", 0, run->p->condition_count - 1) ||
        !integer(&asking.level, line, "level", 1, LEVELS) ||
        !integer(&asking.age_months, line, "age_months", 0, INT16_MAX) || !integer(&leg, line, "leg", 0, LEGS_MAX) ||
        !hex_of(&asking.tried, json_get_text(line, "tried")) || !json_get_double(&asking.at, line, "at") ||
        !json_get_double(&asking.since, line, "since") || !json_get_double(&asking.ready, line, "ready") ||
        !json_get_bool(&asking.heli, line, "helicopter") || !open_back(&asking, line, w->place_count) ||
        !seen_back(&asking, run, line)) {
        return wrong(replay, "no decision");
    }
    asking.from = asking.district >= 0 ? w->districts[asking.district].point : w->places[asking.from_place].point;
    struct buffer made = buffer_open(replay->scope->arena, bytes.size + 4096);
    struct journey *journey = &run->journeys[asking.patient];
    journey->leg = leg;
    journey->now = 0;
    run->record = &made;
    enum status status = choose(journey, run, &asking);
    run->record = NULL;
    if (status == STATUS_OK && !text_equal(text_trim(buffer_text(&made)), bytes)) {
        return fault(replay->scope, STATUS_CONFLICT, "", "line %zu of the record: the decision comes out differently",
            replay->line);
    }
    return status;
}

static enum status take(struct replay *replay, struct text bytes) {
    struct arena *arena = arena_open(CHOICE_ARENA_MAX);
    if (arena == NULL) {
        return fault(replay->scope, STATUS_UNAVAILABLE, "", "no memory for a line");
    }
    struct scope own = {.arena = arena}, *outer = replay->scope;
    yyjson_doc *document;
    enum status status = json_read(&document, bytes, &own);
    replay->scope = &own;
    if (status == STATUS_OK) {
        const yyjson_val *line = yyjson_doc_get_root(document);
        struct text what = json_get_text(line, "what");
        status = text_is(what, "board")      ? take_board(replay, line)
                 : text_is(what, "answer")   ? take_answer(replay, line)
                 : text_is(what, "decision") ? take_decision(replay, line, bytes)
                                             : wrong(replay, "neither board nor answer nor decision");
    }
    replay->scope = outer;
    fault_carry(outer, &own.fault);
    arena_close(arena);
    return status;
}

static enum status take_head(struct replay *replay, enum planning_policy *policy, struct text bytes) {
    yyjson_doc *document;
    enum status status = json_read(&document, bytes, replay->scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *head = yyjson_doc_get_root(document);
    if (!text_is(json_get_text(head, "what"), "record") ||
        !planning_policy_find(policy, json_get_text(head, "policy"))) {
        return wrong(replay, "a head with the policy is due");
    }
    if (*policy == PLANNING_CLAIRVOYANT) {
        return fault(replay->scope, STATUS_UNSUPPORTED, "", "what a clairvoyant knows is in no record");
    }
    return STATUS_OK;
}

enum status planning_replay(
    size_t *decisions_out, const struct planning_world *world, struct text record, struct scope *scope) {
    struct run *run = ARENA_NEW(scope->arena, struct run);
    struct replay replay = {.run = run, .line = 1, .scope = scope};
    enum planning_policy policy = PLANNING_NEAREST;
    enum status status = take_head(&replay, &policy, text_cut(&record, '\n'));
    if (status != STATUS_OK) {
        return status;
    }
    run_open(run, world, policy, scope);
    run->choice_arena = arena_open(CHOICE_ARENA_MAX);
    if (run->choice_arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory for decisions");
    }
    while (status == STATUS_OK && record.at != NULL && record.size > 0) {
        struct text line = text_cut(&record, '\n');
        replay.line++;
        if (line.size > 0) {
            status = take(&replay, line);
        }
    }
    arena_close(run->choice_arena);
    *decisions_out = run->decisions;
    return status;
}
