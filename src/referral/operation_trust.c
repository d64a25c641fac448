/* $trust: what was learned of a place, for itself and the control room; over all places, for planners. Nobody else. */
#include "referral/learning.h"
#include "referral/parameters.h"

enum { PLACES_LEAST = 5 }; /* assumption: over fewer, an aggregate would tell of one */
#define MEND_BOARD_BELOW .8
#define MEND_CURRENT_BELOW .8
#define MEND_SPOKEN_BELOW .9
#define MEND_ANSWER_OVER_MIN 8. /* assumptions: from where on a hint is worth its place */
#define HINT_FROM 3.            /* answers */

static double mean(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

static struct referral_cell sum_of(struct referral_cell a, const struct referral_cell *b) {
    a.yes += b->yes;
    a.asked += b->asked;
    return a;
}

struct sums {
    struct referral_cell all, board, current, spoken, answer;
    size_t places;
};

static void add(void *context, const struct referral_belief_place *place) {
    struct sums *sums = context;
    sums->all = sum_of(sums->all, &place->all);
    sums->board = sum_of(sums->board, &place->board);
    sums->current = sum_of(sums->current, &place->current);
    sums->spoken = sum_of(sums->spoken, &place->spoken);
    sums->answer = sum_of(sums->answer, &place->answer);
    sums->places += place->all.asked > 0 ? 1 : 0;
}

static void write_share(struct json_writer *w, const char *name, const struct referral_cell *cell) {
    if (cell->asked > 0) {
        fhir_parameter_decimal(w, name, cell->yes / cell->asked, 3);
    }
}

static void write_sums(struct json_writer *w, const struct sums *sums) {
    fhir_parameter_decimal(w, "answers", sums->all.asked, 1);
    write_share(w, "accepted", &sums->all);
    write_share(w, "board-true", &sums->board);
    write_share(w, "board-current", &sums->current);
    write_share(w, "answered", &sums->spoken);
    write_share(w, "answer-minutes", &sums->answer);
}

/* ---- what would mend it --------------------------------------------------------------------------------------------------- */

static void write_hint(struct json_writer *w, const char *code, struct text ko, struct text en) {
    fhir_parameter_open(w, "mend");
    fhir_parameter_text(w, "code", "valueCode", text_from(code));
    fhir_parameter_text(w, "ko", "valueString", ko);
    fhir_parameter_text(w, "en", "valueString", en);
    fhir_parameter_close(w);
}

static bool is_low(const struct referral_cell *cell, double below) {
    return cell->asked >= HINT_FROM && mean(cell->yes, cell->asked) < below;
}

static double missing_percent(const struct referral_cell *cell) {
    return 100 * (1 - mean(cell->yes, cell->asked));
}

static void write_hints(struct json_writer *w, const struct sums *sums, struct arena *arena) {
    if (sums->all.asked < HINT_FROM) {
        write_hint(w, "too-few", TEXT("아직 배운 응답이 거의 없어 공표된 정보와 가정으로 계산합니다."),
            TEXT("Hardly any answers yet: what is published and assumed counts."));
    }
    if (is_low(&sums->board, MEND_BOARD_BELOW)) {
        double percent = missing_percent(&sums->board);
        write_hint(w, "board-false",
            text_format(arena,
                "병상판에 빈 병상이 있을 때 받은 응답의 %.0f%%가 '병상 없음'이었습니다. 마지막 병상이 찰 때 바로 "
                "고치면 믿음이 "
                "돌아옵니다.",
                percent),
            text_format(arena,
                "While the board said free, %.0f%% of the answers were 'no bed'. Correct a count when its last bed "
                "goes.",
                percent));
    }
    if (is_low(&sums->current, MEND_CURRENT_BELOW)) {
        double percent = missing_percent(&sums->current);
        write_hint(w, "board-old",
            text_format(arena,
                "문의의 %.0f%%에서 병상판이 한 시간 넘게 오래되었습니다. 15분마다 확인하면 그대로 믿습니다.", percent),
            text_format(arena,
                "At %.0f%% of the questions the board was over an hour old. Confirmed every 15 minutes it is believed "
                "fully.",
                percent));
    }
    if (is_low(&sums->spoken, MEND_SPOKEN_BELOW)) {
        double percent = missing_percent(&sums->spoken);
        write_hint(w, "silent",
            text_format(arena, "문의의 %.0f%%가 답 없이 끝났습니다. 응답 담당자를 정하면 먼저 문의받습니다.", percent),
            text_format(arena, "%.0f%% of the questions ended without an answer. Name who answers.", percent));
    }
    double minutes = mean(sums->answer.yes, sums->answer.asked);
    if (sums->answer.asked >= HINT_FROM && minutes > MEND_ANSWER_OVER_MIN) {
        write_hint(w, "slow", text_format(arena, "응답까지 평균 %.0f분이 걸립니다.", minutes),
            text_format(arena, "An answer takes %.0f min on average.", minutes));
    }
}

/* ---- the two levels ------------------------------------------------------------------------------------------------------- */

static enum status one_place(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    if (!learning_is_shown(call->caller, call->id)) {
        return fault(
            scope, STATUS_DENIED, "Organization", "what was learned of a place is for that place and the control room");
    }
    struct referral_belief_place *place = ARENA_NEW(scope->arena, struct referral_belief_place);
    enum status status = learning_place(place, referral->learning, call->id, scope);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t now_us = clock_now_us(referral->clock);
    struct referral_belief belief = {NULL, place, 1};
    struct sums sums = {0};
    add(&sums, place);
    struct json_writer w = json_writer_open(scope->arena, 256 * 1024);
    fhir_parameters_open(&w);
    fhir_parameter_reference(&w, "place", place_reference(scope, "Organization", call->id), (struct text){0});
    fhir_parameter_decimal(&w, "board-trust", referral_belief_board_trust(&belief, 0, now_us), 3);
    fhir_parameter_decimal(&w, "answers-counting", referral_belief_weight(&belief, 0, now_us), 1);
    write_sums(&w, &sums);
    write_hints(&w, &sums, scope->arena);
    return fhir_parameters_finish(out, &w, scope);
}

static enum status all_places(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    static const char *const hours[REFERRAL_HOUR_BANDS] = {"00-06", "06-12", "12-18", "18-24"};
    const struct records_caller *caller = call->caller;
    if (!text_is(caller->role, "planner") && !text_is(caller->role, "control-room")) {
        return fault(scope, STATUS_DENIED, "Organization",
            "what was learned over all places is for planners and the control room");
    }
    struct sums sums = {0};
    struct referral_belief_region *region = ARENA_NEW(scope->arena, struct referral_belief_region);
    enum status status = learning_each(region, referral->learning, add, &sums, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, 256 * 1024);
    fhir_parameters_open(&w);
    fhir_parameter_integer(&w, "places", (int64_t)sums.places);
    if (sums.places >= PLACES_LEAST) {
        write_sums(&w, &sums);
        for (int i = 0; i < REFERRAL_HOUR_BANDS; i++) {
            fhir_parameter_open(&w, "hours");
            fhir_parameter_text(&w, "band", "valueString", text_from(hours[i]));
            fhir_parameter_decimal(&w, "answers", region->hours[i].asked, 1);
            write_share(&w, "accepted", &region->hours[i]);
            fhir_parameter_close(&w);
        }
    } else {
        fhir_parameter_text(&w, "withheld", "valueString",
            text_format(
                scope->arena, "fewer than %d places have answered: an aggregate would tell of one", PLACES_LEAST));
    }
    return fhir_parameters_finish(out, &w, scope);
}

enum status referral_operation_trust(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    return call->id.size > 0 ? one_place(out, referral, call, scope) : all_places(out, referral, call, scope);
}
