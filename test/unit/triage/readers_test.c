/* Trained readers, with made-up models: laws over random patients, abstention, silence, calibration, sentences, drift; model files
 * that must be refused; TreeSHAP against the definition of Shapley's values. SOYANG_MADE_UP_MODELS=DIR only writes the models there. */
#include "triage/readers.h"
#include "unit/triage/made_up_models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> /* after what it needs */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { RANDOM_PATIENTS = 3000 };
#else
enum { RANDOM_PATIENTS = 100000 };
#endif
enum { ARENA_BYTES = 256 << 20, ROW_BYTES = 32 << 20 };

static struct arena *process_arena;
static const struct triage_policy *policy;
static const struct triage_readers *readers;
static struct text files[TRIAGE_MODEL_COUNT];

static const struct triage_readers *readers_with(const char *sites, struct scope *scope) {
    struct triage_readers_config config = {.policy = policy, .only_given = true, .sites = text_from(sites)};
    const struct triage_readers *opened = NULL;
    memcpy(config.models, files, sizeof files);
    assert_int_equal(triage_readers_open(&opened, &config, process_arena, scope), STATUS_OK);
    return opened;
}

static enum status open_all(void *context, struct scope *scope) {
    (void)context;
    enum status status = triage_policy_open(&policy, (struct text){0}, process_arena, scope);
    for (int i = 0; i < TRIAGE_MODEL_COUNT && status == STATUS_OK; i++)
        status = made_up_model(&files[i], (enum triage_model_kind)i,
            i == TRIAGE_MODEL_ADMISSION        ? "column:cc_chestpain"
            : i == TRIAGE_MODEL_INTENSIVE_CARE ? "column:RFV1"
                                               : NULL,
            process_arena, scope);
    if (status == STATUS_OK)
        readers = readers_with(NULL, scope);
    return status;
}

static int setup(void **state) {
    (void)state;
    struct scope scope;
    process_arena = arena_open(ARENA_BYTES);
    return scope_run(&scope, process_arena, open_all, NULL) == STATUS_OK ? 0 : 1;
}
static int teardown(void **state) {
    (void)state;
    arena_close(process_arena);
    return 0;
}

/* Runs a case in an arena of its own; its asserts stand inside. */
static void run_case(scope_work *work, void *context) {
    struct arena *arena = arena_open(ARENA_BYTES);
    struct scope scope;
    assert_int_equal(scope_run(&scope, arena, work, context), STATUS_OK);
    arena_close(arena);
}

static void put(struct triage_facts *facts, enum triage_measure measure, double value, struct scope *scope) {
    assert_int_equal(triage_facts_put(facts, measure, value, (struct text){0}, TEXT("test"), 0, scope), STATUS_OK);
}

static struct triage_facts *plain_facts(struct scope *scope) {
    struct triage_facts *facts = triage_facts_new(scope->arena);
    facts->age_months = 60 * 12;
    facts->sex = TRIAGE_MALE;
    facts->mind = TRIAGE_ALERT;
    put(facts, TRIAGE_SYSTOLIC, 118, scope);
    put(facts, TRIAGE_DIASTOLIC, 71, scope);
    put(facts, TRIAGE_PULSE, 96, scope);
    put(facts, TRIAGE_RESPIRATION, 20, scope);
    put(facts, TRIAGE_TEMPERATURE, 37.1, scope);
    put(facts, TRIAGE_SPO2, 96, scope);
    struct triage_text words = {.kind = TRIAGE_TEXT_COMPLAINT, .text = TEXT("dizziness"), .path = TEXT("test")};
    assert_int_equal(triage_facts_put_text(facts, words, scope), STATUS_OK);
    return facts;
}

static struct triage_facts *random_facts(struct scope *scope) {
    static const struct {
        enum triage_measure measure;
        double low, high;
    } ranges[] = {{TRIAGE_SYSTOLIC, 40, 260}, {TRIAGE_DIASTOLIC, 30, 160}, {TRIAGE_PULSE, 25, 210},
        {TRIAGE_RESPIRATION, 4, 50}, {TRIAGE_TEMPERATURE, 32, 41.5}, {TRIAGE_SPO2, 60, 100}, {TRIAGE_PAIN, 0, 10}};
    static const char *const words[] = {"abd pain", "두통", "chest pain", "어지러움", "fever", "laceration"};
    struct triage_facts *facts = triage_facts_new(scope->arena);
    facts->age_months = made_up_chance() < 0.03 ? -1 : (int)(made_up_chance() * 1250);
    facts->sex = (enum triage_sex)(int)(made_up_chance() * 3);
    facts->mind = made_up_chance() < 0.8 ? TRIAGE_ALERT : (enum triage_mind)(int)(made_up_chance() * 6);
    facts->human_level = (int)(made_up_chance() * 6);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (made_up_chance() < 0.85)
            put(facts, ranges[i].measure, floor(ranges[i].low + made_up_chance() * (ranges[i].high - ranges[i].low)),
                scope);
    }
    struct triage_text text = {
        .kind = TRIAGE_TEXT_COMPLAINT, .text = text_from(words[(int)(made_up_chance() * 6)]), .path = TEXT("test")};
    assert_int_equal(triage_facts_put_text(facts, text, scope), STATUS_OK);
    return facts;
}

static int more_urgent(int a, int b) {
    return !a ? b : !b ? a : a < b ? a : b;
}

static void check_additive(const struct triage_facts *facts, struct scope *scope) {
    struct visit visit = visit_from_facts(facts, scope->arena);
    const struct reader_model *level = &readers->models[TRIAGE_MODEL_LEVEL];
    struct reader_inputs inputs = reader_fill(level, &visit, scope->arena);
    const struct triage_model_source *content = triage_model_content(level->model);
    static double terms[TRIAGE_MODEL_FEATURES_MAX];
    for (size_t o = 0; o < content->output_count; o++) {
        double sum = triage_model_explain(terms, level->model, o, inputs.at);
        for (size_t i = 0; i < content->feature_count; i++)
            sum += terms[i];
        assert_true(fabs(sum - (double)triage_model_margin(level->model, o, inputs.at)) <= 1e-5);
    }
}

struct tally {
    long raised, abstained, silent;
};

static enum status one_patient(void *context, struct scope *scope) {
    struct tally *tally = context;
    struct triage_reading rules, reading;
    const struct triage_facts *facts = random_facts(scope);
    assert_int_equal(triage_read(&rules, policy, facts, NULL, 0, scope), STATUS_OK);
    assert_int_equal(triage_read_all(&reading, policy, readers, facts, scope), STATUS_OK);
    /* Never lowers: not the human, not the floor, not what the rules say; and only by what it speaks for. */
    assert_true(reading.level <= rules.level);
    assert_true(!facts->human_level || reading.level <= facts->human_level);
    assert_true(!reading.floor_level || reading.level <= reading.floor_level);
    assert_int_equal(reading.level, more_urgent(rules.level, reading.reader_level));
    if (facts->age_months < 192)
        assert_true(reading.reader_abstains && reading.reader_level == 0);
    check_additive(facts, scope);
    tally->raised += reading.level < rules.level;
    tally->abstained += reading.reader_abstains;
    return STATUS_OK;
}

static void test_laws_of_random_patients(void **state) {
    (void)state;
    struct tally tally = {0};
    struct arena *arena = arena_open(ROW_BYTES);
    for (int i = 0; i < RANDOM_PATIENTS; i++) {
        struct scope scope;
        assert_int_equal(scope_run(&scope, arena, one_patient, &tally), STATUS_OK);
        arena_reset(arena);
    }
    arena_close(arena);
    print_message("%d random patients: raised %ld, abstained %ld\n", RANDOM_PATIENTS, tally.raised, tally.abstained);
    assert_true(tally.raised > RANDOM_PATIENTS / 100); /* the made-up models do speak */
    assert_true(tally.abstained > RANDOM_PATIENTS / 20 && tally.abstained < RANDOM_PATIENTS);
}

static enum status ours_open(void *context, struct scope *scope) {
    (void)context;
    struct triage_readers_config config = {.policy = policy};
    return triage_readers_open(&readers, &config, process_arena, scope);
}

/* The same laws with the models that are built in. */
static void test_laws_of_our_models(void **state) {
    (void)state;
    const struct triage_readers *made_up = readers;
    struct tally tally = {0};
    struct scope scope;
    assert_int_equal(scope_run(&scope, process_arena, ours_open, NULL), STATUS_OK);
    if (!readers->models[TRIAGE_MODEL_LEVEL].model) {
        readers = made_up;
        skip();
    }
    struct arena *arena = arena_open(ROW_BYTES);
    for (int i = 0; i < RANDOM_PATIENTS; i++) {
        assert_int_equal(scope_run(&scope, arena, one_patient, &tally), STATUS_OK);
        arena_reset(arena);
    }
    arena_close(arena);
    readers = made_up;
    print_message(
        "%d random patients, our models: raised %ld, abstained %ld\n", RANDOM_PATIENTS, tally.raised, tally.abstained);
    assert_true(tally.raised > 0 && tally.abstained > 0 && tally.abstained < RANDOM_PATIENTS);
}

/* ---- abstention ----------------------------------------------------------------------------------------------------- */

static const struct triage_reason *reader_reason(const struct triage_reading *reading, const char *code) {
    for (size_t i = 0; i < reading->reason_count; i++) {
        if (reading->reasons[i].kind == TRIAGE_REASON_READER && text_is(reading->reasons[i].code, code))
            return &reading->reasons[i];
    }
    return NULL;
}

static bool says(struct text sentence, const char *words) {
    return sentence.at && memmem(sentence.at, sentence.size, words, strlen(words)) != NULL;
}

static enum status abstentions(void *context, struct scope *scope) {
    (void)context;
    struct {
        int age_months;
        double systolic;
        bool bare;
        const char *why;
    } rows[] = {{-1, 118, false, "age is not known"}, {15 * 12 + 11, 118, false, "under 16"},
        {60 * 12, 300, false, "outside what it learnt from (systolic pressure)"}, {60 * 12, 118, true, "too little"},
        {16 * 12, 118, false, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct triage_facts *facts = plain_facts(scope);
        struct triage_reading reading;
        facts->age_months = rows[i].age_months;
        facts->human_level = 4;
        facts->values[TRIAGE_SYSTOLIC].value = rows[i].systolic;
        if (rows[i].bare)
            memset(facts->values, 0, sizeof facts->values);
        assert_int_equal(triage_read_all(&reading, policy, readers, facts, scope), STATUS_OK);
        assert_int_equal(reading.reader_abstains, rows[i].why != NULL);
        const struct triage_reason *reason = reader_reason(&reading, "trained-level");
        assert_non_null(reason);
        if (rows[i].why) {
            assert_true(says(reason->en, rows[i].why));
            assert_true(says(reason->ko, "판독하지 않습니다"));
            assert_true(reading.reader_probability < 0);
        }
    }
    return STATUS_OK;
}

static void test_abstains_with_its_reason(void **state) {
    (void)state;
    run_case(abstentions, NULL);
}

/* ---- sentences, replay ------------------------------------------------------------------------------------------------ */

static struct text written(
    const struct triage_reading *reading, const struct triage_facts *facts, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, 4 << 20);
    struct text json;
    triage_write(&w, reading, facts);
    assert_int_equal(json_finish(&json, &w, scope), STATUS_OK);
    return json;
}

static enum status sentences(void *context, struct scope *scope) {
    (void)context;
    int raised = 0, would = 0;
    for (int pulse = 60; pulse < 200; pulse += 5) {
        struct triage_facts *facts = plain_facts(scope);
        struct triage_reading reading, again;
        facts->human_level = 4;
        facts->values[TRIAGE_PULSE].value = pulse;
        assert_int_equal(triage_read_all(&reading, policy, readers, facts, scope), STATUS_OK);
        assert_int_equal(triage_read_all(&again, policy, readers, facts, scope), STATUS_OK);
        struct text first = written(&reading, facts, scope), second = written(&again, facts, scope);
        assert_true(text_equal(first, second));
        int terms = 0;
        for (size_t i = 0; i < reading.reason_count; i++) {
            const struct triage_reason *reason = &reading.reasons[i];
            if (reason->kind == TRIAGE_REASON_READER && text_is(reason->code, "term")) {
                terms++;
                assert_true(says(reason->en, "the risk (log odds ") && says(reason->ko, "위험을 "));
            }
        }
        assert_int_equal(terms, 5);
        assert_non_null(reader_reason(&reading, "uncalibrated"));
        const struct triage_reason *change = reader_reason(&reading, "change"),
                                   *said = reader_reason(&reading, "trained-level");
        assert_true(change || reading.reader_level == 0);
        if (change && reading.reader_level == 0)
            assert_true(says(change->en, "alone at ") && says(change->en, " it would have advised level "));
        else if (change)
            assert_true(says(change->en, "would not have raised the level") || says(change->en, " tried)"));
        assert_int_equal(says(said->en, "is advised"), reading.reader_level > 0);
        assert_int_equal(says(said->en, ", below the 35"), reading.reader_level == 0);
        would += change && reading.reader_level == 0;
        assert_int_equal(reading.forecast_count, 3);
        raised += reading.reader_level > 0;
    }
    assert_true(raised > 0 && would > 0);
    return STATUS_OK;
}

static void test_reasons_and_replay(void **state) {
    (void)state;
    run_case(sentences, NULL);
}

/* ---- our models: sentences that hold -------------------------------------------------------------------------------- */

static struct triage_facts *our_facts(
    int human_level, const char *complaint, const double values[static TRIAGE_GCS], struct scope *scope) {
    struct triage_facts *facts = triage_facts_new(scope->arena);
    struct triage_text words = {.kind = TRIAGE_TEXT_COMPLAINT, .text = text_from(complaint), .path = TEXT("test")};
    facts->age_months = 65 * 12;
    facts->sex = TRIAGE_MALE;
    facts->human_level = human_level;
    for (int i = 0; i < TRIAGE_GCS; i++) {
        if (values[i] > 0)
            put(facts, (enum triage_measure)i, values[i], scope);
    }
    assert_int_equal(triage_facts_put_text(facts, words, scope), STATUS_OK);
    return facts;
}

static const struct triage_reason *said_of(
    struct triage_reading *reading, const struct triage_facts *facts, const char *code, struct scope *scope) {
    assert_int_equal(triage_read_all(reading, policy, readers, facts, scope), STATUS_OK);
    return reader_reason(reading, code);
}

/* Respiration, SpO2, systolic, diastolic, pulse, temperature. */
static const double fall[] = {16, 95, 150, 80, 88, 36.0};

/* The mind alone would change it: it is said, and it is so. */
static enum status mind_changes(void *context, struct scope *scope) {
    struct triage_reading reading;
    struct triage_facts *facts = our_facts(3, "fall", fall, scope);
    (void)context;
    facts->mind = TRIAGE_VOICE;
    const struct triage_reason *change = said_of(&reading, facts, "change", scope);
    assert_int_equal(reading.reader_level, 2);
    assert_non_null(change);
    assert_true(says(change->en, "With the mind alone at A (alert) it would not have raised the level."));
    assert_true(says(change->ko, "의식만 A(명료)였다면 올리지 않았을 것입니다."));
    facts->mind = TRIAGE_ALERT;
    assert_non_null(said_of(&reading, facts, "trained-level", scope));
    assert_int_equal(reading.reader_level, 0);
    return STATUS_OK;
}

/* What did not raise tells what would have, and it would. */
static enum status would_raise(void *context, struct scope *scope) {
    static const struct {
        const char *label;
        enum triage_measure measure;
    } labels[] = {{"respiratory rate", TRIAGE_RESPIRATION}, {"oxygen saturation", TRIAGE_SPO2},
        {"systolic pressure", TRIAGE_SYSTOLIC}, {"diastolic pressure", TRIAGE_DIASTOLIC}, {"pulse", TRIAGE_PULSE},
        {"temperature", TRIAGE_TEMPERATURE}};
    struct triage_reading reading;
    struct triage_facts *facts = our_facts(3, "fall", fall, scope);
    (void)context;
    facts->mind = TRIAGE_ALERT;
    const struct triage_reason *change = said_of(&reading, facts, "change", scope);
    assert_int_equal(reading.reader_level, 0);
    assert_non_null(change);
    const char *at = strstr(text_string(scope->arena, change->en), " alone at ");
    assert_non_null(at);
    bool found = false;
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (!says(change->en, text_format(scope->arena, "With %s alone at ", labels[i].label).at))
            continue;
        facts->values[labels[i].measure].value = strtod(at + strlen(" alone at "), NULL);
        found = true;
    }
    assert_true(found);
    (void)said_of(&reading, facts, "trained-level", scope);
    assert_true(reading.reader_level > 0);
    assert_true(says(change->en, text_format(scope->arena, "advised level %d", reading.reader_level).at));
    facts->human_level = 1; /* nothing could raise it */
    assert_null(said_of(&reading, facts, "change", scope));
    assert_true(says(reader_reason(&reading, "trained-level")->en, "beside a human's level of 1 it raises nothing"));
    return STATUS_OK;
}

/* Probability and sentence agree: below the threshold, or nothing to raise. */
static enum status no_cause(void *context, struct scope *scope) {
    static const double ill[] = {22, 93, 85, 50, 120, 38.9};
    struct triage_reading reading;
    struct triage_facts *facts = our_facts(0, "복통", ill, scope);
    (void)context;
    facts->mind = TRIAGE_ALERT;
    const struct triage_reason *said = said_of(&reading, facts, "trained-level", scope);
    assert_true(reading.reader_probability > 0.5 && reading.reader_level == 0);
    assert_true(says(said->en, "without a human's level it raises nothing (probability of level 1 or 2: "));
    assert_false(says(said->en, "no cause"));
    facts = our_facts(3, "fall", fall, scope);
    facts->mind = TRIAGE_ALERT;
    said = said_of(&reading, facts, "trained-level", scope);
    assert_true(says(said->en, " %, below the 10 % at which it would raise the level."));
    assert_true(says(said->ko, "단계를 올리는 기준 10%에 못 미칩니다"));
    return STATUS_OK;
}

/* NEWS2 as the model knows it and NEWS2 as it is: where they differ, the term says why. */
static enum status news2_told_apart(void *context, struct scope *scope) {
    static const double breathless[] = {20, 90, 130, 80, 96, 37.0};
    struct triage_reading reading;
    (void)context;
    for (int other = 0; other < 2; other++) {
        struct triage_facts *facts = our_facts(3, "dyspnea", breathless, scope);
        int terms = 0, told = 0;
        facts->mind = TRIAGE_ALERT;
        facts->oxygen = other ? TRIAGE_YES : TRIAGE_UNKNOWN;
        facts->hypercapnic = other ? TRIAGE_YES : TRIAGE_UNKNOWN;
        (void)said_of(&reading, facts, "trained-level", scope);
        assert_int_equal(reading.scores[TRIAGE_NEWS2].total, other ? 3 : 4);
        for (size_t i = 0; i < reading.reason_count; i++) {
            const struct triage_reason *reason = &reading.reasons[i];
            if (!text_is(reason->code, "term") || !says(reason->en, "NEWS2"))
                continue;
            terms++;
            told += says(reason->en, " (without oxygen and scale 2)") && says(reason->ko, "(산소와 2번 척도 없이 셈)");
        }
        assert_true(terms > 0);
        assert_int_equal(told, other ? terms : 0);
    }
    return STATUS_OK;
}

static void test_sentences_of_our_models(void **state) {
    static scope_work *const works[] = {mind_changes, would_raise, no_cause, news2_told_apart};
    (void)state;
    const struct triage_readers *made_up = readers;
    struct scope scope;
    assert_int_equal(scope_run(&scope, process_arena, ours_open, NULL), STATUS_OK);
    for (size_t i = 0; i < sizeof works / sizeof works[0] && readers->models[TRIAGE_MODEL_LEVEL].model; i++)
        run_case(works[i], NULL);
    bool ours = readers->models[TRIAGE_MODEL_LEVEL].model != NULL;
    readers = made_up;
    if (!ours)
        skip();
}

/* Written, read back, read again: the same bytes; another model or another byte is noticed. */
static enum status replays(void *context, struct scope *scope) {
    (void)context;
    struct triage_readers_config config = {.policy = policy, .only_given = true};
    const struct triage_readers *none = NULL;
    assert_int_equal(triage_readers_open(&none, &config, process_arena, scope), STATUS_OK);
    for (int i = 0; i < 200; i++) {
        struct triage_facts *facts = random_facts(scope);
        struct triage_reading reading;
        struct triage_replayed replayed;
        facts->site = TEXT("Organization/one");
        facts->at_us = 1700000000123000;
        facts->onset_minutes = i % 3 ? -1 : 40;
        facts->oxygen = (enum triage_answer)(i % 3);
        facts->injury = (enum triage_answer)(i / 3 % 3);
        if (i % 4 == 0)
            put(facts, TRIAGE_TEMPERATURE, 98.6, scope); /* a note comes along */
        facts->texts[0].doubtful = i % 5 == 0;
        assert_int_equal(triage_read_all(&reading, policy, readers, facts, scope), STATUS_OK);
        struct text json = written(&reading, facts, scope);
        assert_int_equal(triage_replay(&replayed, json, policy, readers, scope), STATUS_OK);
        assert_true(replayed.possible);
        assert_int_equal(replayed.bytes, json.size);
        if (reading.reader_digest) {
            assert_int_equal(triage_replay(&replayed, json, policy, none, scope), STATUS_OK);
            assert_false(replayed.possible);
            assert_non_null(replayed.why.at);
        }
        char *changed = memcpy(arena_alloc(scope->arena, json.size + 1), json.at, json.size);
        char *level = strstr(changed, "\"ruleLevel\":");
        level[strlen("\"ruleLevel\":")] = '9';
        scope->fault = (struct fault){0};
        assert_int_equal(
            triage_replay(&replayed, (struct text){changed, json.size}, policy, readers, scope), STATUS_CONFLICT);
        scope->fault = (struct fault){0};
    }
    return STATUS_OK;
}

static void test_replay_to_the_byte(void **state) {
    (void)state;
    run_case(replays, NULL);
}

/* ---- sites ---------------------------------------------------------------------------------------------------------- */

static enum status sites_matter(void *context, struct scope *scope) {
    (void)context;
    struct triage_outcome *outcomes = ARENA_ARRAY(scope->arena, struct triage_outcome, 4000);
    for (int i = 0; i < 4000; i++) { /* the truth is half as likely as said, in log odds one less */
        double p = 0.02 + 0.9 * made_up_chance();
        double truth = 1 / (1 + exp(-(0.8 * log(p / (1 - p)) - 1)));
        outcomes[i] = (struct triage_outcome){p, made_up_chance() < truth};
    }
    struct text document = {0};
    struct triage_calibrated m;
    struct triage_calibrate_question q = {.site = TEXT("Organization/one"),
        .model_digest = triage_readers_digest(readers, TRIAGE_MODEL_LEVEL),
        .output = "under-triage",
        .outcomes = outcomes,
        .count = 4000};
    assert_int_equal(triage_calibrate(&document, &m, &q, scope), STATUS_OK);
    assert_true(fabs(m.slope - 0.8) < 0.12 && fabs(m.intercept + 1) < 0.15);
    assert_true(m.ece_after < m.ece_before / 3 && fabs(m.expected_after / (double)m.events - 1) < 0.02);
    q.sites = document;
    assert_int_equal(triage_calibrate(&document, &m, &q, scope), STATUS_OK); /* again: in place of the first */
    assert_int_equal(triage_site_silence(&document, document, TEXT("Organization/two"), true, scope), STATUS_OK);
    struct sites sites;
    assert_int_equal(sites_read(&sites, document, scope->arena, scope), STATUS_OK);
    assert_int_equal(sites.count, 2);
    assert_int_equal(sites.at[0].calibration_count, 1);
    const struct triage_readers *known = readers_with(text_string(scope->arena, document), scope);
    long silent = 0, calibrated = 0, differs = 0;
    for (int i = 0; i < 100; i++) {
        struct triage_facts *facts = random_facts(scope);
        facts->human_level = 1 + i % 5;
        facts->age_months = 700;
        struct triage_reading rules, one, two, other;
        assert_int_equal(triage_read(&rules, policy, facts, NULL, 0, scope), STATUS_OK);
        facts->site = TEXT("Organization/one");
        assert_int_equal(triage_read_all(&one, policy, known, facts, scope), STATUS_OK);
        facts->site = TEXT("Organization/two");
        assert_int_equal(triage_read_all(&two, policy, known, facts, scope), STATUS_OK);
        facts->site = TEXT("Organization/three");
        assert_int_equal(triage_read_all(&other, policy, known, facts, scope), STATUS_OK);
        assert_true(two.reader_silent && two.level == rules.level && two.reader_level == 0);
        assert_null(reader_reason(&two, "trained-level"));
        assert_int_equal(two.forecast_count, 0);
        assert_true(triage_is_silent(&two) && !triage_is_silent(&one));
        assert_int_equal(two.silent_forecast_count, other.forecast_count);
        for (int k = 0; k < two.silent_forecast_count; k++)
            assert_true(two.silent_forecasts[k].probability == other.forecasts[k].probability);
        assert_false(other.reader_calibrated);
        silent += two.silent_level > 0;
        calibrated += one.reader_calibrated;
        differs += !one.reader_abstains && one.reader_probability < other.reader_probability;
    }
    assert_true(silent > 0); /* what it would have said is kept */
    assert_true(calibrated > 0 && differs > 0);
    q.count = 99;
    assert_int_equal(triage_calibrate(&document, &m, &q, scope), STATUS_UNPROCESSABLE);
    for (int i = 0; i < 4000; i++)
        outcomes[i].happened = outcomes[i].probability < 0.4;
    q.count = 4000;
    assert_int_equal(triage_calibrate(&document, &m, &q, scope), STATUS_UNPROCESSABLE); /* upside down */
    return STATUS_OK;
}

static void test_sites(void **state) {
    (void)state;
    run_case(sites_matter, NULL);
}

static enum status sites_refused(void *context, struct scope *scope) {
    (void)context;
    static const char *const bad[] = {"{", "[]", "{}", "{\"format\":\"soyang-triage-sites/2\",\"sites\":[]}",
        "{\"format\":\"soyang-triage-sites/1\"}",
        "{\"format\":\"soyang-triage-sites/1\",\"sites\":[{\"site\":\"a\",\"mode\":\"loud\"}]}",
        "{\"format\":\"soyang-triage-sites/1\",\"sites\":[{\"site\":\"a\",\"calibrations\":[{}]}]}",
        "{\"format\":\"soyang-triage-sites/"
        "1\",\"sites\":[{\"site\":\"a\",\"calibrations\":[{\"model\":\"x\",\"output\":\"y\","
        "\"slope\":-1,\"intercept\":0,\"visits\":9,\"observed\":1,\"expected\":1}]}]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sites sites;
        assert_int_equal(sites_read(&sites, text_from(bad[i]), scope->arena, scope), STATUS_INVALID);
    }
    return STATUS_OK;
}

static void test_sites_refused(void **state) {
    (void)state;
    run_case(sites_refused, NULL);
}

/* ---- drift ---------------------------------------------------------------------------------------------------------- */

static enum status drifts(void *context, struct scope *scope) {
    (void)context;
    struct triage_drift *drift = triage_drift_open(readers, scope->arena);
    struct text metrics;
    for (int i = 0; i < TRIAGE_DRIFT_READINGS_LEAST;
         i++) { /* everybody is 60: three of the four bins of training stay empty */
        assert_int_equal(triage_drift_write(&metrics, drift, NULL, 0, scope), STATUS_OK);
        assert_false(says(metrics, "soyang_triage_input_psi{")); /* too few to tell */
        struct triage_facts *facts = plain_facts(scope);
        struct triage_reading reading;
        facts->human_level = 3;
        assert_int_equal(triage_read_all(&reading, policy, readers, facts, scope), STATUS_OK);
        triage_drift_count(drift, &reading);
    }
    const struct triage_followed followed[] = {
        {TEXT("Organization/a"), TEXT("admission"), TEXT(""), 0.25, false, true},
        {TEXT("Organization/a"), TEXT("admission"), TEXT(""), 0.5, true, false},
        {TEXT("Organization/b"), TEXT("admission"), TEXT(""), 0.125, false, false},
    };
    assert_int_equal(triage_drift_write(&metrics, drift, followed, 3, scope), STATUS_OK);
    assert_true(says(metrics, "soyang_triage_rolling_visits{site=\"Organization/a\",output=\"admission\"} 2.000\n"));
    assert_true(says(metrics, "soyang_triage_rolling_observed{site=\"Organization/a\",output=\"admission\"} 1.000\n"));
    assert_true(says(metrics, "soyang_triage_rolling_expected{site=\"Organization/a\",output=\"admission\"} 0.750\n"));
    assert_true(says(metrics, "soyang_triage_rolling_expected{site=\"Organization/b\",output=\"admission\"} 0.125\n"));
    assert_true(says(metrics, "soyang_triage_readings_total 200\n"));
    const char *row = strstr(metrics.at, "input=\"age\"} ");
    assert_non_null(row);
    double index = strtod(row + strlen("input=\"age\"} "), NULL), expected = 0;
    /* Shares of training .2 .3 .3 .2 and none missing; now all in the third. */
    const double then[] = {0.2, 0.3, 0.3, 0.2}, now[] = {1e-4, 1e-4, 1, 1e-4};
    for (int i = 0; i < 4; i++)
        expected += (now[i] - then[i]) * log(now[i] / then[i]);
    assert_true(fabs(index - expected) < 1e-3);
    return STATUS_OK;
}

/* What facts never hold, as the way of coming, has no index: it would stand as fully drifted for ever. */
static enum status drifts_of_ours(void *context, struct scope *scope) {
    const struct triage_model_source *content = triage_model_content(readers->models[TRIAGE_MODEL_LEVEL].model);
    struct triage_drift *drift = triage_drift_open(readers, scope->arena);
    int told = 0;
    (void)context;
    struct triage_reading reading;
    struct triage_facts *facts = plain_facts(scope);
    facts->human_level = 3;
    assert_int_equal(triage_read_all(&reading, policy, readers, facts, scope), STATUS_OK);
    for (int i = 0; i < TRIAGE_DRIFT_READINGS_LEAST; i++)
        triage_drift_count(drift, &reading);
    struct text metrics;
    assert_int_equal(triage_drift_write(&metrics, drift, NULL, 0, scope), STATUS_OK);
    for (size_t i = 0; i < content->feature_count; i++) {
        const char *name = content->features[i].name;
        bool way =
            strcmp(name, "ambulance") == 0 || strcmp(name, "private-ambulance") == 0 || strcmp(name, "walked") == 0;
        bool said = says(metrics, text_format(scope->arena, "input=\"%s\"} ", name).at);
        assert_int_equal(said, !way && content->features[i].edge_count > 0);
        told += said;
    }
    assert_true(told > 5);
    return STATUS_OK;
}

static void test_drift(void **state) {
    (void)state;
    run_case(drifts, NULL);
    const struct triage_readers *made_up = readers;
    struct scope scope;
    assert_int_equal(scope_run(&scope, process_arena, ours_open, NULL), STATUS_OK);
    if (readers->models[TRIAGE_MODEL_LEVEL].model)
        run_case(drifts_of_ours, NULL);
    readers = made_up;
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

static enum status damage(void *context, struct scope *scope) {
    (void)context;
    struct text file = files[TRIAGE_MODEL_LEVEL], again;
    const struct triage_model *model = NULL;
    assert_int_equal(triage_model_open(&model, file, scope->arena, scope), STATUS_OK);
    assert_int_equal(triage_model_write(&again, triage_model_content(model), scope), STATUS_OK);
    assert_true(text_equal(file, again)); /* what is read writes the same bytes */
    char *copy = arena_alloc(scope->arena, file.size + 1);
    for (size_t at = 0; at < file.size; at += at < 200 ? 1 : 97) {
        memcpy(copy, file.at, file.size);
        copy[at] = (char)(copy[at] ^ 0x41);
        assert_int_equal(
            triage_model_open(&model, (struct text){copy, file.size}, scope->arena, scope), STATUS_INVALID);
    }
    for (size_t size = 0; size < file.size; size += 301)
        assert_int_equal(triage_model_open(&model, (struct text){file.at, size}, scope->arena, scope), STATUS_INVALID);
    return STATUS_OK;
}

/* With the checksum put right: the checks behind it must hold by themselves. */
static enum status forged(void *context, struct scope *scope) {
    (void)context;
    struct text file = files[TRIAGE_MODEL_LEVEL];
    size_t opened = 0;
    for (size_t i = 0; i < 600; i++) {
        struct arena *arena = arena_open(ROW_BYTES);
        struct scope inner = {.arena = arena};
        char *copy = arena_alloc(arena, file.size);
        memcpy(copy, file.at, file.size);
        for (int k = 0; k < 3; k++)
            copy[8 + (size_t)(made_up_chance() * (double)(file.size - 8 - DIGEST_SIZE))] =
                (char)(made_up_chance() * 256);
        digest_sha256((uint8_t *)copy + file.size - DIGEST_SIZE, (struct text){copy, file.size - DIGEST_SIZE});
        const struct triage_model *model = NULL;
        if (triage_model_open(&model, (struct text){copy, file.size}, arena, &inner) == STATUS_OK) {
            const struct triage_model_source *content = triage_model_content(model);
            float *inputs = arena_alloc(arena, content->feature_count * sizeof *inputs);
            double *terms = arena_alloc(arena, content->feature_count * sizeof *terms);
            for (size_t k = 0; k < content->output_count; k++) {
                (void)triage_model_probability(model, k, inputs, "a", NULL);
                (void)triage_model_explain(terms, model, k, inputs);
            }
            opened++;
        }
        arena_close(arena);
    }
    (void)scope;
    assert_true(opened > 0 && opened < 600);
    return STATUS_OK;
}

/* What would leave the numbers, or the answer's UTF-8, is refused when opening, whatever the checksum says. */
static enum status unreasonable(void *context, struct scope *scope) {
    (void)context;
    struct text file = files[TRIAGE_MODEL_LEVEL], again;
    const struct triage_model *model = NULL;
    assert_int_equal(triage_model_open(&model, file, scope->arena, scope), STATUS_OK);
    struct triage_model_source source = *triage_model_content(model);
    struct triage_model_feature feature = {
        .name = "age", .unit = "a", .label_ko = "\xff", .label_en = "age", .group = ""};
    struct triage_model_node nodes[] = {{.threshold = 1, .cover = 2, .left = 1, .right = 2},
        {.threshold = 1, .cover = 1, .feature = TRIAGE_MODEL_LEAF},
        {.threshold = 1, .cover = 1, .feature = TRIAGE_MODEL_LEAF}};
    struct triage_model_tree tree = {nodes, 3};
    struct triage_model_output output = {.name = "x", .link = TRIAGE_LINK_LOGISTIC, .trees = &tree, .tree_count = 1};
    const float leaves[] = {1, 1e7F, 1, 1, NAN, 1}, covers[] = {1, 1, 3, 1e-20F, 1, NAN};
    source = (struct triage_model_source){.name = "m",
        .version = "",
        .cohort = "",
        .card = "",
        .features = &feature,
        .feature_count = 1,
        .outputs = &output,
        .output_count = 1};
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        nodes[2].threshold = leaves[i];
        nodes[2].cover = covers[i];
        assert_int_equal(triage_model_write(&again, &source, scope), i == 0 ? STATUS_OK : STATUS_INVALID);
        if (i == 0)
            assert_int_equal(triage_model_open(&model, again, scope->arena, scope), STATUS_INVALID); /* the label */
    }
    nodes[2].threshold = nodes[2].cover = 1;
    feature.label_ko = "나이";
    assert_int_equal(triage_model_write(&again, &source, scope), STATUS_OK);
    assert_int_equal(triage_model_open(&model, again, scope->arena, scope), STATUS_OK);
    return STATUS_OK;
}

static void test_damaged_files(void **state) {
    (void)state;
    run_case(damage, NULL);
    run_case(forged, NULL);
    run_case(unreasonable, NULL);
}

/* ---- Shapley's values by their definition ------------------------------------------------------------------------------ */

/* What a tree says where only the features of `known` are known: Lundberg 2018, algorithm 1. */
static double tree_expects(const struct triage_model_tree *tree, size_t at, const float *inputs, unsigned known) {
    const struct triage_model_node *node = &tree->nodes[at];
    if (node->feature == TRIAGE_MODEL_LEAF)
        return (double)node->threshold;
    float input = inputs[node->feature];
    bool left = isnan(input) ? node->missing_left : input < node->threshold;
    if (known >> node->feature & 1)
        return tree_expects(tree, left ? node->left : node->right, inputs, known);
    double share = (double)tree->nodes[node->left].cover / (double)node->cover;
    double other = (double)tree->nodes[node->right].cover / (double)node->cover;
    return share * tree_expects(tree, node->left, inputs, known) +
           other * tree_expects(tree, node->right, inputs, known);
}

static double weight_of(unsigned known, int feature, int count) {
    double weight = 1.0 / count;
    int size = __builtin_popcount(known & ~(1u << feature));
    for (int i = 1; i <= size; i++)
        weight *= (double)i / (count - i);
    return weight;
}

static enum status by_definition(void *context, struct scope *scope) {
    (void)context;
    enum { FEATURES = 6 };
    struct triage_model_feature features[FEATURES];
    for (int i = 0; i < FEATURES; i++)
        features[i] = (struct triage_model_feature){.name = text_format(scope->arena, "f%d", i).at};
    struct triage_model_output output = made_up_output("x", 0.25F, FEATURES, scope->arena);
    struct triage_model_source source = {
        .name = "definition", .features = features, .feature_count = FEATURES, .outputs = &output, .output_count = 1};
    struct text file;
    const struct triage_model *model;
    assert_int_equal(triage_model_write(&file, &source, scope), STATUS_OK);
    assert_int_equal(triage_model_open(&model, file, scope->arena, scope), STATUS_OK);
    const struct triage_model_output *opened = triage_model_content(model)->outputs;
    for (int trial = 0; trial < 20; trial++) {
        float inputs[FEATURES];
        double terms[FEATURES], expected[FEATURES] = {0};
        for (int i = 0; i < FEATURES; i++)
            inputs[i] = made_up_chance() < 0.2 ? NAN : (float)(made_up_chance() * (double)made_up_inputs[i].high);
        triage_model_explain(terms, model, 0, inputs);
        for (unsigned known = 0; known < 1u << FEATURES; known++) {
            for (int i = 0; i < FEATURES; i++) {
                if (known >> i & 1)
                    continue;
                for (size_t t = 0; t < opened->tree_count; t++)
                    expected[i] +=
                        weight_of(known, i, FEATURES) * (tree_expects(&opened->trees[t], 0, inputs, known | 1u << i) -
                                                            tree_expects(&opened->trees[t], 0, inputs, known));
            }
        }
        for (int i = 0; i < FEATURES; i++)
            assert_true(fabs(terms[i] - expected[i]) < 1e-9);
    }
    return STATUS_OK;
}

static void test_terms_by_definition(void **state) {
    (void)state;
    run_case(by_definition, NULL);
}

/* ---- the models, for suites that need files --------------------------------------------------------------------------- */

static int write_models(const char *folder) {
    for (int i = 0; i < TRIAGE_MODEL_COUNT; i++) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s", folder, triage_model_file_name((enum triage_model_kind)i));
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(files[i].at, 1, files[i].size, file) != files[i].size || fclose(file) != 0)
            return 1;
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_laws_of_random_patients),
        cmocka_unit_test(test_laws_of_our_models),
        cmocka_unit_test(test_abstains_with_its_reason),
        cmocka_unit_test(test_reasons_and_replay),
        cmocka_unit_test(test_sentences_of_our_models),
        cmocka_unit_test(test_replay_to_the_byte),
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_sites_refused),
        cmocka_unit_test(test_drift),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_terms_by_definition),
    };
    const char *folder = getenv("SOYANG_MADE_UP_MODELS");
    if (folder && setup(NULL) == 0) {
        int failed = write_models(folder);
        return failed + teardown(NULL);
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
