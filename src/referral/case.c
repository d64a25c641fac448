/* A case: from a reading, and between its struct and JSON. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "referral/decision.h"

static enum status take_needs(struct referral_case *out, const struct region_snapshot *snapshot,
    const struct triage_reading *reading, struct scope *scope) {
    for (size_t i = 0; i < reading->need_count; i++) {
        struct text code = reading->needs[i].need->code;
        int need = region_need_find(snapshot, code);
        if (need < 0) {
            return fault(scope, STATUS_UNPROCESSABLE, "need", "the loaded region does not know the need %.*s",
                (int)code.size, code.at);
        }
        out->needs |= UINT64_C(1) << need;
    }
    for (int i = 0; i < reading->department_count; i++) {
        int department = region_department_find(snapshot, text_from(reading->departments[i]));
        if (department >= 0) {
            out->departments[department / 64] |= UINT64_C(1) << (department % 64);
        }
    }
    return STATUS_OK;
}

static enum referral_choice choice_of(
    const struct policy *policy, const struct triage_reading *reading, struct scope *scope) {
    for (size_t i = 0; i < policy->extreme_count; i++) {
        if (text_equal(policy->extremes[i].id, reading->extreme_rule)) {
            return policy->extremes[i].choose;
        }
    }
    struct text *codes = ARENA_ARRAY(scope->arena, struct text, reading->need_count + 1);
    for (size_t i = 0; i < reading->need_count; i++) {
        codes[i] = reading->needs[i].need->code;
    }
    const struct policy_extreme *extreme = policy_extreme_of(policy, reading->level, codes, reading->need_count);
    return extreme == NULL ? REFERRAL_BEST_PLAN : extreme->choose;
}

enum status case_of(struct referral_case *out, const struct region_snapshot *snapshot, const struct policy *policy,
    const struct triage_reading *reading, const struct triage_facts *facts, struct scope *scope) {
    if (snapshot->place_count == 0) {
        return fault(
            scope, STATUS_UNPROCESSABLE, "", "no region is loaded: there are no places to rank (soyang region load)");
    }
    *out = (struct referral_case){
        .level = reading->level,
        .place = reading->place,
        .window_minutes = reading->window_minutes,
        .age_months = facts->age_months,
        .extreme = reading->extreme,
        .stay_local = reading->stay_local,
        .origin_place = -1,
        .known_place = -1,
        .family_place = -1,
        .now_us = facts->at_us,
    };
    if (reading->extreme) {
        out->choice = choice_of(policy, reading, scope);
    }
    policy_apply(out, policy, 0);
    return take_needs(out, snapshot, reading, scope);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------------- */

static void write_id(struct json_writer *w, const char *name, const struct region_snapshot *snapshot, int place) {
    if (place >= 0) {
        json_member_text(w, name, snapshot->places[place].id);
    }
}

static void write_weights(
    struct json_writer *w, const struct referral_case *patient, const struct region_snapshot *snapshot) {
    const struct referral_asking *asking = &patient->asking;
    if (patient->family_min > 0) {
        write_id(w, "family_place", snapshot, patient->family_place);
        json_member_decimal(w, "family_min", patient->family_min, 3);
    }
    json_member_decimal(w, "scarcity_min", patient->scarcity_min, 3);
    json_member_decimal(w, "unknown_factor", patient->unknown_factor, 6);
    if (patient->notice_excludes) {
        json_member_bool(w, "notice_excludes", true);
    }
    json_member_bool(w, "departs", patient->departs);
    if (patient->one_leg) {
        json_member_bool(w, "one_leg", true);
    }
    json_name(w, "asking");
    json_object_open(w);
    json_member_int(w, "parallel_max", asking->parallel_max);
    json_member_decimal(w, "ask_cost_min", asking->ask_cost_min, 3);
    json_member_decimal(w, "deadline_min", asking->deadline_min, 3);
    if (asking->ready_min > 0) {
        json_member_decimal(w, "ready_min", asking->ready_min, 3);
    }
    json_member_decimal(w, "unplaced_min", asking->unplaced_min, 3);
    json_member_decimal(w, "silence_min", asking->silence_min, 3);
    json_member_decimal(w, "elapsed_min", asking->elapsed_min, 3);
    json_object_close(w);
    json_name(w, "open");
    json_array_open(w);
    for (size_t i = 0; i < patient->open_count; i++) {
        json_object_open(w);
        json_member_text(w, "place", snapshot->places[patient->open[i].place].id);
        json_member_decimal(w, "since_min", patient->open[i].since_min, 3);
        json_object_close(w);
    }
    json_array_close(w);
}

/* What was believed: of places of which nothing is, nothing is written. */
void case_learned_write(
    struct json_writer *w, const struct referral_case *patient, const struct region_snapshot *snapshot) {
    json_name(w, "learned");
    json_array_open(w);
    for (size_t i = 0; i < snapshot->place_count; i++) {
        const struct referral_learned *one = &patient->learned[i];
        bool nothing =
            fabs(one->shift) < 5e-7 && one->weight < 5e-4 && (one->board_trust <= 0 || one->board_trust >= 1);
        if (nothing) {
            continue;
        }
        json_object_open(w);
        json_member_text(w, "place", snapshot->places[i].id);
        json_member_decimal(w, "shift", one->shift, 6);
        json_member_decimal(w, "weight", one->weight, 3);
        json_member_decimal(w, "board_trust", one->board_trust, 6);
        json_member_decimal(w, "answer_min", one->answer_min, 3);
        json_object_close(w);
    }
    json_array_close(w);
    json_name(w, "corrections");
    json_array_open(w);
    for (int i = 0; i < REFERRAL_CHANCE_BANDS; i++) {
        json_decimal(w, patient->corrections[i], 6);
    }
    json_array_close(w);
}

/* What else the patient may need, and what that means at the places that could be asked. */
static void write_doubts(
    struct json_writer *w, const struct referral_case *patient, const struct region_snapshot *snapshot) {
    if (patient->confirmed.size > 0) {
        json_member_text(w, "confirmed", patient->confirmed);
        json_member_text(w, "confirmed_quote", patient->confirmed_quote);
        json_member_text(w, "confirmed_source", patient->confirmed_source);
    }
    if (patient->wrong == NULL) {
        return;
    }
    json_name(w, "doubts");
    json_array_open(w);
    for (size_t i = 0; i < patient->doubt_count; i++) {
        json_object_open(w);
        json_member_text(w, "need", patient->doubts[i].need);
        json_member_text(w, "ko", patient->doubts[i].name_ko);
        json_member_text(w, "en", patient->doubts[i].name_en);
        json_member_decimal(w, "chance", patient->doubts[i].chance, 6);
        json_object_close(w);
    }
    json_array_close(w);
    json_name(w, "wrong");
    json_array_open(w);
    for (size_t i = 0; i < snapshot->place_count; i++) {
        const struct referral_wrong *one = &patient->wrong[i];
        if (one->chance < 5e-7) {
            continue;
        }
        json_object_open(w);
        json_member_text(w, "place", snapshot->places[i].id);
        json_member_decimal(w, "chance", one->chance, 6);
        json_member_decimal(w, "minutes", one->minutes, 3);
        json_member_int(w, "most", one->doubt);
        json_member_decimal(w, "share", one->share, 6);
        json_object_close(w);
    }
    json_array_close(w);
}

void case_write(struct json_writer *w, const struct referral_case *patient, const struct region_snapshot *snapshot) {
    json_object_open(w);
    json_member_int(w, "level", patient->level);
    json_name(w, "needs");
    json_array_open(w);
    for (uint64_t left = patient->needs; left != 0; left &= left - 1) {
        json_string_text(w, snapshot->needs[__builtin_ctzll(left)].code);
    }
    json_array_close(w);
    json_name(w, "departments");
    json_array_open(w);
    for (size_t i = 0; i < snapshot->department_count; i++) {
        if ((patient->departments[i / 64] >> (i % 64) & 1) != 0) {
            json_string_text(w, snapshot->departments[i].code);
        }
    }
    json_array_close(w);
    json_member_string(w, "place", triage_place_code(patient->place));
    json_member_int(w, "window_minutes", patient->window_minutes);
    json_member_int(w, "age_months", patient->age_months);
    json_member_bool(w, "extreme", patient->extreme);
    json_member_bool(w, "stay_local", patient->stay_local);
    json_member_bool(w, "nearest", patient->choice == REFERRAL_NEAREST_STABILISING);
    json_member_decimal(w, "continuity_min", patient->continuity_min, 3);
    json_member_decimal(w, "latitude", patient->origin.latitude, 7);
    json_member_decimal(w, "longitude", patient->origin.longitude, 7);
    write_id(w, "origin_place", snapshot, patient->origin_place);
    write_id(w, "known_place", snapshot, patient->known_place);
    json_member_int(w, "at_us", patient->now_us);
    json_name(w, "excluded");
    json_array_open(w);
    for (size_t i = 0; i < patient->excluded_count; i++) {
        json_string_text(w, snapshot->places[patient->excluded[i]].id);
    }
    json_array_close(w);
    json_member_int(w, "options_max", (int64_t)patient->options_max);
    write_weights(w, patient, snapshot);
    write_doubts(w, patient, snapshot);
    json_object_close(w);
}

static int number_of(const yyjson_val *json, const char *name) {
    int64_t value = 0;
    return json_get_int64(&value, json, name) && value >= INT_MIN && value <= INT_MAX ? (int)value : 0;
}

static bool truth_of(const yyjson_val *json, const char *name) {
    bool value = false;
    return json_get_bool(&value, json, name) && value;
}

static double decimal_of(const yyjson_val *json, const char *name) {
    double value = 0;
    return json_get_double(&value, json, name) ? value : 0;
}

static enum status read_codes(
    struct referral_case *out, const yyjson_val *json, const struct region_snapshot *snapshot, struct scope *scope) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(json, "needs"), index, count, item) {
        int need = region_need_find(snapshot, json_text(item));
        if (need < 0) {
            return fault(
                scope, STATUS_UNPROCESSABLE, "case.needs", "the loaded region no longer knows a need of this case");
        }
        out->needs |= UINT64_C(1) << need;
    }
    yyjson_arr_foreach((yyjson_val *)json_get(json, "departments"), index, count, item) {
        int department = region_department_find(snapshot, json_text(item));
        if (department >= 0) {
            out->departments[department / 64] |= UINT64_C(1) << (department % 64);
        }
    }
    const yyjson_val *excluded = json_get(json, "excluded");
    int *places = ARENA_ARRAY(scope->arena, int, json_count(excluded) + 1);
    yyjson_arr_foreach((yyjson_val *)excluded, index, count, item) {
        int place = region_place_find(snapshot, json_text(item));
        if (place >= 0) {
            places[out->excluded_count++] = place;
        }
    }
    out->excluded = places;
    return STATUS_OK;
}

static void read_asking(struct referral_case *out, const yyjson_val *json) {
    const yyjson_val *asking = json_get(json, "asking");
    out->asking = (struct referral_asking){.parallel_max = number_of(asking, "parallel_max"),
        .ask_cost_min = decimal_of(asking, "ask_cost_min"),
        .deadline_min = decimal_of(asking, "deadline_min"),
        .ready_min = decimal_of(asking, "ready_min"),
        .unplaced_min = decimal_of(asking, "unplaced_min"),
        .silence_min = decimal_of(asking, "silence_min"),
        .elapsed_min = decimal_of(asking, "elapsed_min")};
}

static void read_open(
    struct referral_case *out, const yyjson_val *json, const struct region_snapshot *snapshot, struct scope *scope) {
    const yyjson_val *array = json_get(json, "open");
    struct referral_open *open = ARENA_ARRAY(scope->arena, struct referral_open, json_count(array) + 1);
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)array, index, count, item) {
        int place = region_place_find(snapshot, json_get_text(item, "place"));
        if (place >= 0) {
            open[out->open_count++] = (struct referral_open){place, decimal_of(item, "since_min")};
        }
    }
    out->open = open;
}

void case_learned_read(
    struct referral_case *out, const yyjson_val *json, const struct region_snapshot *snapshot, struct scope *scope) {
    const yyjson_val *array = json_get(json, "learned"), *corrections = json_get(json, "corrections");
    if (array == NULL) {
        return;
    }
    struct referral_learned *learned = ARENA_ARRAY(scope->arena, struct referral_learned, snapshot->place_count + 1);
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)array, index, count, item) {
        int place = region_place_find(snapshot, json_get_text(item, "place"));
        if (place >= 0) {
            learned[place] = (struct referral_learned){decimal_of(item, "shift"), decimal_of(item, "weight"),
                decimal_of(item, "board_trust"), decimal_of(item, "answer_min")};
        }
    }
    yyjson_arr_foreach((yyjson_val *)corrections, index, count, item) {
        if (index < REFERRAL_CHANCE_BANDS) {
            (void)text_to_double(&out->corrections[index], json_number_text(item));
        }
    }
    out->learned = learned;
}

/* A decision of before the third format has none: its reading was certain. */
static void read_doubts(
    struct referral_case *out, const yyjson_val *json, const struct region_snapshot *snapshot, struct scope *scope) {
    const yyjson_val *doubts = json_get(json, "doubts"), *wrongs = json_get(json, "wrong");
    size_t index, count;
    yyjson_val *item;
    out->confirmed = json_get_text(json, "confirmed");
    out->confirmed_quote = json_get_text(json, "confirmed_quote");
    out->confirmed_source = json_get_text(json, "confirmed_source");
    if (doubts == NULL || wrongs == NULL) {
        return;
    }
    struct referral_doubt *rows = ARENA_ARRAY(scope->arena, struct referral_doubt, REFERRAL_DOUBTS_MAX);
    yyjson_arr_foreach((yyjson_val *)doubts, index, count, item) {
        if (out->doubt_count < REFERRAL_DOUBTS_MAX) {
            rows[out->doubt_count++] = (struct referral_doubt){json_get_text(item, "need"), json_get_text(item, "ko"),
                json_get_text(item, "en"), decimal_of(item, "chance")};
        }
    }
    struct referral_wrong *wrong = ARENA_ARRAY(scope->arena, struct referral_wrong, snapshot->place_count + 1);
    yyjson_arr_foreach((yyjson_val *)wrongs, index, count, item) {
        int place = region_place_find(snapshot, json_get_text(item, "place")), most = number_of(item, "most");
        bool known = most >= 0 && (size_t)most < out->doubt_count;
        if (place >= 0) {
            wrong[place] = (struct referral_wrong){decimal_of(item, "chance"), decimal_of(item, "minutes"),
                known ? most : 0, known ? decimal_of(item, "share") : 0};
        }
    }
    out->doubts = rows;
    out->wrong = wrong;
}

enum status case_read(
    struct referral_case *out, const yyjson_val *json, const struct region_snapshot *snapshot, struct scope *scope) {
    *out = (struct referral_case){
        .level = number_of(json, "level"),
        .window_minutes = number_of(json, "window_minutes"),
        .age_months = number_of(json, "age_months"),
        .extreme = truth_of(json, "extreme"),
        .stay_local = truth_of(json, "stay_local"),
        .choice = truth_of(json, "nearest") ? REFERRAL_NEAREST_STABILISING : REFERRAL_BEST_PLAN,
        .continuity_min = decimal_of(json, "continuity_min"),
        .origin = {decimal_of(json, "latitude"), decimal_of(json, "longitude")},
        .origin_place = region_place_find(snapshot, json_get_text(json, "origin_place")),
        .known_place = region_place_find(snapshot, json_get_text(json, "known_place")),
        .options_max = (size_t)number_of(json, "options_max"),
        .family_place = region_place_find(snapshot, json_get_text(json, "family_place")),
        .family_min = decimal_of(json, "family_min"),
        .scarcity_min = decimal_of(json, "scarcity_min"),
        .notice_excludes = truth_of(json, "notice_excludes"),
        .unknown_factor = decimal_of(json, "unknown_factor"),
        .departs = truth_of(json, "departs"),
        .one_leg = truth_of(json, "one_leg"),
    };
    read_asking(out, json);
    read_open(out, json, snapshot, scope);
    case_learned_read(out, json, snapshot, scope); /* before format 4 it stood here */
    read_doubts(out, json, snapshot, scope);
    int64_t at_us = 0;
    if (json_get_int64(&at_us, json, "at_us")) {
        out->now_us = at_us;
    }
    if (out->level < 1 || out->level > 5) {
        return fault(scope, STATUS_INVALID, "case.level", "a case needs a level from 1 to 5");
    }
    if (at_us <= -DECISION_TIME_MOST_US || at_us >= DECISION_TIME_MOST_US) {
        return fault(scope, STATUS_INVALID, "case.at_us", "no clock shows this time");
    }
    for (int place = TRIAGE_PLACE_CLINIC; place <= TRIAGE_PLACE_REGIONAL_CENTRE; place++) {
        if (text_is(json_get_text(json, "place"), triage_place_code((enum triage_place)place))) {
            out->place = (enum triage_place)place;
        }
    }
    return read_codes(out, json, snapshot, scope);
}
