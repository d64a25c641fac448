/* record: the boards, answers and decisions of a run, a line of JSON each; and their replay to the byte. */
#include <math.h>
#include <string.h>

#include "planning/run.h"

enum { RECORD_LINE_MAX = 1 << 16, CHOICE_ARENA_MAX = 64 << 20 };

double record_time(double at) {
    return round(at * 1e6) / 1e6;
}

static void put_line(struct run *run, struct json_writer *w) {
    struct text line;
    struct scope scope = {.arena = run->choice_arena};
    if (json_finish(&line, w, &scope) == STATUS_OK) {
        buffer_put(run->record, line);
        buffer_put_char(run->record, '\n');
    }
}

void record_board(struct run *run, int place, const int *free, uint64_t teams, double at) {
    if (run->record == NULL) {
        return;
    }
    struct json_writer w = json_writer_open(run->choice_arena, RECORD_LINE_MAX);
    json_object_open(&w);
    json_member_string(&w, "what", "board");
    json_member_decimal(&w, "at", at, 6);
    json_member_int(&w, "place", place);
    json_name(&w, "teams");
    json_string_text(&w, text_format(run->choice_arena, "%016llx", (unsigned long long)teams));
    json_name(&w, "free");
    json_array_open(&w);
    for (int i = 0; i < (int)run->world->snapshot.bed_count; i++) {
        json_int(&w, free[i]);
    }
    json_array_close(&w);
    json_object_close(&w);
    put_line(run, &w);
    arena_reset(run->choice_arena);
}

void record_head(struct run *run) {
    if (run->record == NULL) {
        return;
    }
    const struct planning_world *world = run->world;
    struct json_writer w = json_writer_open(run->choice_arena, RECORD_LINE_MAX);
    json_object_open(&w);
    json_member_string(&w, "what", "record");
    json_member_string(&w, "policy", planning_policy_name(run->policy));
    json_member_int(&w, "seed", (int64_t)world->span.seed);
    json_member_int(&w, "year", world->span.year);
    json_member_int(&w, "days", world->span.days);
    json_member_string(&w, "parameters", run->p->hash);
    json_member_string(&w, "districts", world->region_hash);
    json_member_text(&w, "province_policy", world->snapshot.policy_hash);
    json_object_close(&w);
    put_line(run, &w);
    arena_reset(run->choice_arena);
}

void record_answer(struct run *run, const struct lesson *lesson) {
    if (run->record == NULL) {
        return;
    }
    struct json_writer w = json_writer_open(run->choice_arena, RECORD_LINE_MAX);
    const struct referral_asked *asked = &lesson->asked;
    json_object_open(&w);
    json_member_string(&w, "what", "answer");
    json_member_decimal(&w, "at", lesson->at, 6);
    json_member_int(&w, "place", lesson->place);
    json_member_int(&w, "condition", lesson->condition);
    json_member_int(&w, "answer", (int)lesson->answer);
    json_member_bool(&w, "between", lesson->between);
    json_member_decimal(&w, "answer_min", lesson->answer_min, 6);
    if (run->policy == PLANNING_SOYANG) { /* what the engine knew when it asked: doubles by their bits */
        json_name(&w, "asked");
        json_array_open(&w);
        json_int(&w, asked->place);
        json_int(&w, asked->need);
        json_int(&w, asked->at_us);
        json_int(&w, asked->zone_minutes);
        json_int(&w, asked->board_free);
        const double exact[] = {asked->prior, asked->load, asked->board_age_min};
        for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++) {
            uint64_t bits;
            memcpy(&bits, &exact[i], sizeof bits);
            json_string_text(&w, text_format(run->choice_arena, "%016llx", (unsigned long long)bits));
        }
        json_array_close(&w);
    }
    json_object_close(&w);
    put_line(run, &w);
    arena_reset(run->choice_arena);
}

void record_decision(struct run *run, const struct asking *asking, const struct journey *chosen) {
    run->decisions++;
    if (run->record == NULL) {
        return;
    }
    struct json_writer w = json_writer_open(run->choice_arena, RECORD_LINE_MAX);
    json_object_open(&w);
    json_member_string(&w, "what", "decision");
    json_member_decimal(&w, "at", asking->at, 6);
    json_member_int(&w, "patient", asking->patient);
    json_member_int(&w, "district", asking->district);
    json_member_int(&w, "from_place", asking->from_place);
    json_member_int(&w, "condition", asking->condition);
    json_member_int(&w, "level", asking->level);
    if (run->reader && asking->from_place < 0) {
        json_name(&w, "reader"); /* what the crew reads, tests done, tests positive, 1 + what the specialist reads */
        json_array_open(&w);
        json_int(&w, asking->seen.condition);
        json_int(&w, asking->seen.done);
        json_int(&w, asking->seen.positive);
        json_int(&w, asking->seen.consult);
        json_array_close(&w);
    }
    json_member_int(&w, "age_months", asking->age_months);
    json_member_int(&w, "leg", run->journeys[asking->patient].leg);
    json_name(&w, "tried");
    json_string_text(&w, text_format(run->choice_arena, "%016llx", (unsigned long long)asking->tried));
    json_member_decimal(&w, "since", asking->since, 6);
    json_member_decimal(&w, "ready", asking->ready, 6);
    json_member_bool(&w, "helicopter", asking->heli);
    json_name(&w, "open");
    json_array_open(&w);
    for (int i = 0; i < asking->open_count; i++) {
        json_int(&w, asking->open[i].place);
        json_decimal(&w, asking->open[i].since_min, 6);
    }
    json_array_close(&w);
    json_member_int(&w, "now", chosen->now);
    json_name(&w, "order");
    json_array_open(&w);
    for (int i = 0; i < chosen->order_count; i++) {
        json_string_text(&w, run->world->places[chosen->order[i]].id);
    }
    json_array_close(&w);
    json_object_close(&w);
    put_line(run, &w);
    arena_reset(run->choice_arena);
}
