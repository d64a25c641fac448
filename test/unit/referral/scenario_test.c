/* Golden scenarios: test/region/NAME.json holds a small province, a patient, and what must come out, worked out by hand from
 * docs/referral.md. Positions are km north of the patient; the travel model is Gangwon's. Every scenario also goes through a
 * decision, which must replay to the byte. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "referral/decision.h"
#include "referral/referral.h"
#include "unit/cmocka_all.h"

#define FOLDER "test/region"
#define NOON_US INT64_C(1795316400000000) /* noon in Seoul */
#define KM_PER_DEGREE 111.19508372419141  /* of latitude, on the sphere of 6371.0088 km */

struct world {
    struct arena *arena;
    struct scope scope;
    struct region_snapshot *snapshot;
    struct region_place *places;
    struct referral_case patient;
    const yyjson_val *root;
    const char *name;
};

static double number(const yyjson_val *object, const char *name, double otherwise) {
    double value = 0;
    return json_get_double(&value, object, name) ? value : otherwise;
}

static bool truth(const yyjson_val *object, const char *name) {
    bool value = false;
    return json_get_bool(&value, object, name) && value;
}

static size_t list_codes(struct region_code *out, const yyjson_val *array) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)array, index, count, item) {
        out[index] = (struct region_code){json_text(item), TEXT("urn:x"), json_text(item), json_text(item)};
    }
    return yyjson_arr_size((yyjson_val *)array);
}

static uint64_t need_bits(const struct world *w, const yyjson_val *array) {
    uint64_t bits = 0;
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)array, index, count, item) {
        int need = region_need_find(w->snapshot, json_text(item));
        assert_true(need >= 0);
        bits |= UINT64_C(1) << need;
    }
    return bits;
}

static enum region_tier tier_of(struct text name) {
    static const char *const names[] = {"none", "reported", "institution", "local-centre", "regional"};
    for (int i = 0; i < 5; i++) {
        if (text_is(name, names[i])) {
            return (enum region_tier)i;
        }
    }
    fail_msg("unknown tier");
    return REGION_TIER_NONE;
}

/* "in_theatre": by need the people on call for it, each the minutes until out of theatre; 0: not in it. */
static void build_duties(struct world *w, struct region_place *out, const yyjson_val *json) {
    size_t index, count, at, people;
    yyjson_val *need, *minutes, *one;
    yyjson_obj_foreach((yyjson_val *)json_get(json, "in_theatre"), index, count, need, minutes) {
        size_t had = out->duty_count;
        struct region_duty *duties = ARENA_ARRAY(w->arena, struct region_duty, had + yyjson_arr_size(minutes) + 1);
        for (size_t i = 0; i < had; i++) {
            duties[i] = out->duties[i];
        }
        int found = region_need_find(w->snapshot, json_text(need));
        assert_true(found >= 0);
        yyjson_arr_foreach(minutes, at, people, one) {
            double left = 0;
            assert_true(text_to_double(&left, json_number_text(one)));
            duties[out->duty_count++] = (struct region_duty){.needs = UINT64_C(1) << found,
                .from_us = INT64_MIN,
                .to_us = INT64_MAX,
                .theatre_until_us = left <= 0 ? INT64_MIN : w->patient.now_us + (int64_t)(left * 60e6)};
        }
        out->duties = duties;
    }
}

static void build_place(struct world *w, struct region_place *out, const yyjson_val *json) {
    *out = (struct region_place){
        .id = json_get_text(json, "id"),
        .name_ko = json_get_text(json, "id"),
        .name_en = json_get_text(json, "id"),
        .tier = tier_of(json_get_text(json, "tier")),
        .point = {37.5 + number(json, "km_north", 0) / KM_PER_DEGREE, 128},
        .needs = need_bits(w, json_get(json, "needs")),
        .closed = truth(json, "closed"),
        .neighbour = truth(json, "neighbour"),
        .control_room = truth(json, "control_room"),
        .post = truth(json, "post"),
        .answer_minutes = number(json, "answer", 0),
        .answer_night_factor = number(json, "night_factor", 1),
    };
    double on_call = number(json, "on_call", -1);
    uint8_t *hours = on_call >= 0 ? ARENA_ARRAY(w->arena, uint8_t, (size_t)24 * REGION_NEEDS_MAX) : NULL;
    for (size_t i = 0; hours != NULL && i < (size_t)24 * REGION_NEEDS_MAX; i++) {
        hours[i] = (uint8_t)on_call;
    }
    out->on_call = hours;
    out->on_call_weekend = hours;
    for (int i = 0; i < REGION_NEEDS_MAX; i++) {
        out->age_min_months[i] = (int)number(json, "age_from_y", 0) * 12;
        out->age_max_months[i] = INT32_MAX;
        out->call_in_minutes[i] = (uint8_t)number(json, "call_in", 0);
    }
    build_duties(w, out, json);
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach((yyjson_val *)json_get(json, "beds"), index, count, key, value) {
        int bed = region_bed_find(w->snapshot, json_text(key));
        assert_true(bed >= 0);
        double parts[3] = {0};
        for (size_t i = 0; i < 3; i++) {
            assert_true(text_to_double(&parts[i], json_number_text(yyjson_arr_get(value, i))));
        }
        out->beds[bed] = (struct region_count){.known = true,
            .free = (int)parts[0],
            .total = (int)parts[1],
            .said_us = w->patient.now_us - (int64_t)(parts[2] * 60e6)};
    }
}

static int place_by_id(const struct world *w, struct text id) {
    return id.size == 0 ? -1 : region_place_find(w->snapshot, id);
}

/* How it is asked, what is open already, what was learned: all of it optional. */
static void build_asking(struct world *w, const yyjson_val *json) {
    struct referral_case *out = &w->patient;
    const yyjson_val *asking = json_get(json, "asking"), *learned = json_get(w->root, "learned");
    out->asking = (struct referral_asking){.parallel_max = (int)number(asking, "parallel", 0),
        .ask_cost_min = number(asking, "cost", 0),
        .deadline_min = number(asking, "deadline", 0),
        .ready_min = number(asking, "ready", 0),
        .unplaced_min = number(asking, "unplaced", 0),
        .silence_min = number(asking, "silence", 0)};
    out->departs = truth(json, "departs");
    out->one_leg = truth(json, "one_leg");
    out->family_place = place_by_id(w, json_get_text(json, "family_place"));
    out->family_min = number(json, "family", 0);
    out->scarcity_min = number(json, "scarcity", 0);
    yyjson_val *open = (yyjson_val *)json_get(json, "open"), *item, *key;
    struct referral_open *places = ARENA_ARRAY(w->arena, struct referral_open, yyjson_arr_size(open) + 1);
    size_t index, count;
    yyjson_arr_foreach(open, index, count, item) {
        places[out->open_count++] =
            (struct referral_open){place_by_id(w, json_get_text(item, "place")), number(item, "since", 0)};
    }
    out->open = places;
    if (learned == NULL) {
        return;
    }
    struct referral_learned *cells = ARENA_ARRAY(w->arena, struct referral_learned, w->snapshot->place_count + 1);
    yyjson_obj_foreach((yyjson_val *)learned, index, count, key, item) {
        int place = place_by_id(w, json_text(key));
        assert_true(place >= 0);
        cells[place] = (struct referral_learned){number(item, "shift", 0), number(item, "weight", 10),
            number(item, "board_trust", 1), number(item, "answer", 0)};
    }
    out->learned = cells;
}

static void build_case(struct world *w) {
    const yyjson_val *json = json_get(w->root, "case");
    struct referral_case *out = &w->patient;
    out->level = (int)number(json, "level", 0);
    out->needs = need_bits(w, json_get(json, "needs"));
    out->window_minutes = (int)number(json, "window", 0);
    out->age_months = json_get(json, "age_y") == NULL ? -1 : (int)number(json, "age_y", 0) * 12;
    out->extreme = truth(json, "extreme");
    out->stay_local = truth(json, "stay_local");
    out->choice = truth(json, "nearest") ? REFERRAL_NEAREST_STABILISING : REFERRAL_BEST_PLAN;
    out->continuity_min = number(json, "continuity", 0);
    out->origin = (struct region_point){37.5, 128};
    out->origin_place = place_by_id(w, json_get_text(json, "origin_place"));
    out->known_place = place_by_id(w, json_get_text(json, "known_place"));
    for (int place = TRIAGE_PLACE_CLINIC; place <= TRIAGE_PLACE_REGIONAL_CENTRE; place++) {
        if (text_is(json_get_text(json, "place"), triage_place_code((enum triage_place)place))) {
            out->place = (enum triage_place)place;
        }
    }
    yyjson_val *excluded = (yyjson_val *)json_get(json, "excluded"), *item;
    int *places = ARENA_ARRAY(w->arena, int, yyjson_arr_size(excluded) + 1);
    size_t index, count;
    yyjson_arr_foreach(excluded, index, count, item) {
        places[out->excluded_count++] = place_by_id(w, json_text(item));
    }
    out->excluded = places;
    build_asking(w, json);
}

/* "readings": as the region's file has them, with "people"; what the patient is read as is the first need of the case, or "read_as". A need
 * that is "confirmed" is not doubted. "systolic": the pressure that the region's second reader may look at. */
static void build_readings(struct world *w) {
    const yyjson_val *json = json_get(w->root, "readings"), *patient = json_get(w->root, "case");
    if (json == NULL) {
        return;
    }
    struct region_readings *readings = ARENA_NEW(w->arena, struct region_readings);
    assert_int_equal(region_readings_read(readings, json, &w->scope), STATUS_OK);
    for (int i = 0; i < REGION_AGE_BANDS; i++) {
        readings->people[i] = 1000;
    }
    region_readings_settle(readings, w->snapshot, w->arena);
    w->snapshot->readings = readings;
    w->patient.confirmed = json_get_text(patient, "confirmed");
    struct text read_as = json_get_text(patient, "read_as");
    if (read_as.size == 0) {
        read_as = json_text(yyjson_arr_get_first((yyjson_val *)json_get(patient, "needs")));
    }
    struct triage_facts *facts = triage_facts_new(w->arena);
    double systolic = number(patient, "systolic", 0);
    if (systolic > 0) {
        assert_int_equal(
            triage_facts_put(facts, TRIAGE_SYSTOLIC, systolic, (struct text){0}, TEXT("case"), 0, &w->scope),
            STATUS_OK);
    }
    referral_doubts_of(&w->patient, w->snapshot, read_as, facts, w->arena);
    referral_wrongs_of(&w->patient, w->snapshot, w->arena);
}

/* region_place_find looks places up by their order. */
static int by_id(const void *left, const void *right) {
    return text_compare(((const struct region_place *)left)->id, ((const struct region_place *)right)->id);
}

static void build(struct world *w) {
    w->snapshot = ARENA_NEW(w->arena, struct region_snapshot);
    w->snapshot->control_room = -1;
    w->snapshot->zone_minutes = 540;
    w->snapshot->board = region_board_default;
    w->snapshot->travel = (struct region_travel_model){3, 1.435, 8, 30, 60, {0}};
    w->snapshot->need_count = list_codes(w->snapshot->needs, json_get(w->root, "needs"));
    w->snapshot->bed_count = list_codes(w->snapshot->beds, json_get(w->root, "beds"));
    w->patient.now_us = NOON_US + (int64_t)(number(w->root, "hour", 12) - 12) * INT64_C(3600000000);
    yyjson_val *places = (yyjson_val *)json_get(w->root, "places"), *item;
    w->places = ARENA_ARRAY(w->arena, struct region_place, yyjson_arr_size(places) + 1);
    size_t index, count;
    yyjson_arr_foreach(places, index, count, item) {
        build_place(w, &w->places[index], item);
    }
    qsort(w->places, count, sizeof *w->places, by_id);
    w->snapshot->places = w->places;
    w->snapshot->place_count = yyjson_arr_size(places);
    build_case(w);
    build_readings(w);
}

/* "near", or "near>far" for two legs. */
static struct text label(
    struct world *w, const struct region_snapshot *snapshot, const struct referral_option *option) {
    struct text first = snapshot->places[option->place].id;
    if (option->second_place < 0) {
        return first;
    }
    struct text second = snapshot->places[option->second_place].id;
    return text_format(w->arena, "%.*s>%.*s", (int)first.size, first.at, (int)second.size, second.at);
}

static const struct referral_option *find_option(struct world *w, const struct decision *d, struct text wanted) {
    for (size_t i = 0; i < d->ranking.option_count; i++) {
        if (text_equal(label(w, d->snapshot, &d->ranking.options[i]), wanted)) {
            return &d->ranking.options[i];
        }
    }
    fail_msg("%s: no option %.*s", w->name, (int)wanted.size, wanted.at);
    return NULL;
}

static void check_order(struct world *w, const struct decision *d) {
    yyjson_val *order = (yyjson_val *)json_get(json_get(w->root, "expect"), "order"), *item;
    size_t index, count;
    for (size_t i = 0; i < d->ranking.option_count; i++) {
        struct text is = label(w, d->snapshot, &d->ranking.options[i]);
        struct text wanted = json_text(yyjson_arr_get(order, i));
        if (!text_equal(is, wanted)) {
            print_message("%s: option %zu is %.*s (score %.4f), expected %.*s\n", w->name, i, (int)is.size, is.at,
                d->ranking.options[i].score, (int)wanted.size, wanted.at);
        }
    }
    assert_int_equal(d->ranking.option_count, yyjson_arr_size(order));
    yyjson_arr_foreach(order, index, count, item) {
        assert_true(text_equal(label(w, d->snapshot, &d->ranking.options[index]), json_text(item)));
    }
}

static void check_numbers(struct world *w, const struct decision *d) {
    static const char *const names[] = {"minutes", "chance", "board_age", "wrong", "wrong_min"};
    static const double grains[] = {.06, .0006, .06, .0006, .06};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        size_t index, count;
        yyjson_val *key, *value;
        yyjson_obj_foreach((yyjson_val *)json_get(json_get(w->root, "expect"), names[n]), index, count, key, value) {
            const struct referral_option *option = find_option(w, d, json_text(key));
            const double values[] = {
                option->minutes, option->chance, option->board_age_min, option->wrong, option->wrong_min};
            double is = values[n], wanted = 0;
            assert_true(text_to_double(&wanted, json_number_text(value)));
            if (fabs(is - wanted) > grains[n]) {
                fail_msg("%s: %s of %s is %.4f, expected %.4f", w->name, names[n],
                    text_string(w->arena, json_text(key)), is, wanted);
            }
        }
    }
}

static void check_words(struct world *w, const struct decision *d) {
    size_t index, count, place_index, place_count;
    yyjson_val *key, *value, *code;
    yyjson_obj_foreach(
        (yyjson_val *)json_get(json_get(w->root, "expect"), "reasons"), place_index, place_count, key, value) {
        const struct referral_option *option = find_option(w, d, json_text(key));
        yyjson_arr_foreach(value, index, count, code) {
            bool found = false;
            for (size_t i = 0; i < option->reason_count; i++) {
                found = found || text_is(json_text(code), option->reasons[i].code);
            }
            if (!found) {
                fail_msg("%s: %s lacks the reason %s", w->name, text_string(w->arena, json_text(key)),
                    text_string(w->arena, json_text(code)));
            }
        }
        for (size_t i = 0; i < option->reason_count; i++) {
            assert_true(option->reasons[i].ko.size > 0 && option->reasons[i].en.size > 0);
        }
    }
    yyjson_obj_foreach(
        (yyjson_val *)json_get(json_get(w->root, "expect"), "excluded"), place_index, place_count, key, value) {
        bool found = false;
        for (size_t i = 0; i < d->ranking.excluded_count; i++) {
            const struct referral_excluded *excluded = &d->ranking.excluded[i];
            bool same = text_equal(d->snapshot->places[excluded->place].id, json_text(key));
            found = found || (same && text_is(json_text(value), referral_exclusion_code(excluded->why)));
        }
        if (!found) {
            fail_msg("%s: %s is not excluded as expected", w->name, text_string(w->arena, json_text(key)));
        }
    }
}

/* "batches": [["asked", "now"], ["then"]]; "heading": a place; "otherwise": "place bed free", or "place" for the team. */
static void check_plan(struct world *w, const struct decision *d) {
    const yyjson_val *expect = json_get(w->root, "expect"), *batches = json_get(expect, "batches");
    const struct referral_ranking *ranking = &d->ranking;
    size_t at = 0, index, count, place_index, place_count;
    yyjson_val *batch, *place;
    yyjson_arr_foreach((yyjson_val *)batches, index, count, batch) {
        yyjson_arr_foreach(batch, place_index, place_count, place) {
            assert_true(at < ranking->option_count);
            struct text is = label(w, d->snapshot, &ranking->options[at]);
            if (ranking->options[at].ask_batch != (int)index + 1 || !text_equal(is, json_text(place))) {
                fail_msg("%s: question %zu is %.*s in batch %d", w->name, at, (int)is.size, is.at,
                    ranking->options[at].ask_batch);
            }
            at++;
        }
    }
    if (batches != NULL) {
        assert_int_equal(ranking->plan.count, at);
    }
    struct text heading = json_get_text(expect, "heading");
    if (heading.size > 0) {
        assert_true(ranking->heading >= 0);
        assert_true(text_equal(label(w, d->snapshot, &ranking->options[ranking->heading]), heading));
    }
    if (json_get(expect, "otherwise") != NULL) {
        const struct referral_counterfactual *is = &ranking->otherwise;
        struct text id = is->place < 0 ? TEXT("nothing") : d->snapshot->places[is->place].id, line = id;
        if (is->place >= 0 && is->bed >= 0) {
            struct text bed = d->snapshot->beds[is->bed].code;
            line = text_format(w->arena, "%.*s %.*s %d", (int)id.size, id.at, (int)bed.size, bed.at, is->beds_free);
        }
        if (!text_equal(line, json_get_text(expect, "otherwise"))) {
            fail_msg("%s: otherwise is %.*s", w->name, (int)line.size, line.at);
        }
        assert_true(is->place < 0 || (is->ko.size > 0 && is->en.size > 0));
    }
}

static void run(const char *name) {
    struct world w = {.arena = arena_open((size_t)64 << 20), .name = name};
    w.scope = (struct scope){.arena = w.arena};
    struct text source = {0};
    yyjson_doc *doc = NULL;
    struct decision made, again;
    char path[512];
    snprintf(path, sizeof path, FOLDER "/%s", name);
    assert_int_equal(file_read(&source, path, 1 << 20, &w.scope), STATUS_OK);
    assert_int_equal(json_read(&doc, source, &w.scope), STATUS_OK);
    w.root = yyjson_doc_get_root(doc);
    build(&w);
    assert_int_equal(decision_make(&made, w.snapshot, &w.patient, (struct text){0}, &w.scope), STATUS_OK);
    check_order(&w, &made);
    check_numbers(&w, &made);
    check_words(&w, &made);
    check_plan(&w, &made);
    assert_int_equal(
        decision_replay(&again, made.inputs, &(struct decision_source){.given = made.apart}, &w.scope), STATUS_OK);
    assert_true(text_equal(made.outputs, again.outputs));
    struct referral_ranking direct; /* from the snapshot itself: the same order */
    assert_int_equal(referral_rank(&direct, w.snapshot, &w.patient, REFERRAL_NUMBERS_ONLY, &w.scope), STATUS_OK);
    assert_int_equal(direct.option_count, made.ranking.option_count);
    for (size_t i = 0; i < direct.option_count; i++) {
        assert_true(
            text_equal(label(&w, w.snapshot, &direct.options[i]), label(&w, made.snapshot, &made.ranking.options[i])));
    }
    arena_close(w.arena);
}

static void every_scenario_comes_out(void **state) {
    (void)state;
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    int count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        size_t size = strlen(entry->d_name);
        if (size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0) {
            run(entry->d_name);
            count++;
        }
    }
    closedir(folder);
    print_message("%d scenarios\n", count);
    assert_true(count >= 36);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_scenario_comes_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
