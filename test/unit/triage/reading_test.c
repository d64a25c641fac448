/* Laws of the reading on 100,000 random patients; the ten worst inputs; the second reader's door; replay to the byte; policies
 * that must be refused. */
#include "triage/triage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h> /* after what it needs */

enum { RANDOM_PATIENTS = 100000, ARENA_BYTES = 128 << 20, JSON_BYTES = 4 << 20 };

static struct arena *process_arena;
static const struct triage_policy *policy;

static enum status open_policy(void *context, struct scope *scope) {
    (void)context;
    return triage_policy_open(&policy, (struct text){0}, process_arena, scope);
}

static int open_all(void **state) {
    (void)state;
    struct scope scope;
    process_arena = arena_open(ARENA_BYTES);
    return scope_run(&scope, process_arena, open_policy, NULL) == STATUS_OK ? 0 : 1;
}
static int close_all(void **state) {
    (void)state;
    arena_close(process_arena);
    return 0;
}

/* xorshift64*: the same patients on every machine. */
static uint64_t seed = 0x9E3779B97F4A7C15u;
static uint32_t chance(uint32_t below) {
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545F4914F6CDD1Du) >> 33) % below;
}

static const char *const phrases[] = {
    "가슴 통증",
    "chest pain",
    "없음",
    "denies",
    "no",
    "r/o",
    "의심",
    "과거력",
    "history of",
    "숨이 차고",
    "stroke",
    "경련",
    "심정지",
    "unresponsive",
    "투석을 거름",
    "임신 38주",
    "진통",
    "추락",
    "골반 불안정",
    "fever",
    "열이",
    "혈압약 처방받",
    "감기",
    "but",
    "그러나",
    ",",
    ".",
    "?",
    "#",
    "~",
    "2시간 전",
    "cardiac arrest",
    "ROSC",
    "아나필락시스",
    "목이 부어 숨",
    "anaphylaxis",
    "\xF0\x9F\x9A\x91",
    "  ",
    "(-)",
    "abdominal pain",
    "복통",
    "stab",
    "abdomen",
};
enum { PHRASES = sizeof phrases / sizeof phrases[0] };

static struct triage_facts *random_patient(struct scope *scope) {
    static const struct {
        int low, high;
    } ranges[TRIAGE_MEASURE_COUNT] = {{0, 80}, {40, 100}, {30, 260}, {10, 150}, {0, 250}, {28, 43}, {3, 15}, {0, 10},
        {0, 40}, {10, 900}, {2, 9}, {0, 15}};
    struct triage_facts *facts = triage_facts_new(scope->arena);
    facts->age_months = (int)chance(1200) - 1;
    facts->sex = (enum triage_sex)chance(3);
    facts->pregnant = (enum triage_answer)chance(3);
    facts->oxygen = (enum triage_answer)chance(3);
    facts->hypercapnic = (enum triage_answer)chance(3);
    facts->injury = (enum triage_answer)chance(3);
    facts->mind = (enum triage_mind)chance(6);
    facts->human_level = (int)chance(6);
    for (int i = 0; i < TRIAGE_MEASURE_COUNT; i++) {
        double value = ranges[i].low + (int)chance((uint32_t)(ranges[i].high - ranges[i].low + 1));
        if (chance(3) &&
            triage_facts_put(facts, (enum triage_measure)i, value, (struct text){0}, TEXT("x"), 0, scope) != STATUS_OK)
            scope->fault = (struct fault){0};
    }
    for (uint32_t i = chance(3); i > 0; i--) {
        struct buffer words = buffer_open(scope->arena, 2000);
        for (uint32_t k = chance(9); k > 0; k--) {
            buffer_put_string(&words, phrases[chance(PHRASES)]);
            buffer_put_char(&words, ' ');
        }
        struct triage_text text = {
            .kind = (enum triage_text_kind)chance(3), .text = buffer_text(&words), .path = TEXT("x")};
        assert_int_equal(triage_facts_put_text(facts, text, scope), STATUS_OK);
    }
    return facts;
}

static void check_laws(const struct triage_reading *reading, const struct triage_facts *facts) {
    assert_true(reading->level >= 1 && reading->level <= 5);
    assert_true(!facts->human_level || reading->level <= facts->human_level);
    assert_true(!reading->floor_level || reading->level <= reading->floor_level);
    assert_true(!reading->stay_local ||
                (reading->level >= 4 && !reading->floor_level && reading->place == TRIAGE_PLACE_CLINIC));
    assert_true(!reading->extreme || reading->level <= 2);
    assert_true(reading->need_count >= 1 && reading->need_count <= TRIAGE_NEEDED_MAX);
    assert_true(reading->reason_count >= 1);
    for (size_t i = 0; i < reading->reason_count; i++) {
        assert_true(reading->reasons[i].ko.size > 0 && reading->reasons[i].en.size > 0);
        assert_true(reading->reasons[i].kind != TRIAGE_REASON_FLOOR || reading->reasons[i].level >= reading->level ||
                    text_is(reading->reasons[i].code, "change"));
    }
}

struct random_work {
    int read, refused, escalated;
};

static enum status read_random(void *context, struct scope *scope) {
    struct random_work *work = context;
    struct triage_facts *facts = random_patient(scope);
    struct triage_reading reading;
    enum status status = triage_read(&reading, policy, facts, NULL, 0, scope);
    if (status != STATUS_OK) {
        assert_int_equal(status, STATUS_UNPROCESSABLE);
        work->refused++;
        return STATUS_OK;
    }
    check_laws(&reading, facts);
    work->read++;
    work->escalated += reading.escalated;
    return STATUS_OK;
}

static void test_never_lowers(void **state) {
    (void)state;
    struct random_work work = {0};
    struct arena *arena = arena_open(ARENA_BYTES);
    int64_t start = clock_monotonic_us();
    for (int i = 0; i < RANDOM_PATIENTS; i++) {
        struct scope scope;
        assert_int_equal(scope_run(&scope, arena, read_random, &work), STATUS_OK);
        arena_reset(arena);
    }
    printf("%d random patients read, %d had nothing to read, %d escalated; %.1f microseconds each\n", work.read,
        work.refused, work.escalated, (double)(clock_monotonic_us() - start) / RANDOM_PATIENTS);
    assert_true(work.read > RANDOM_PATIENTS / 2 && work.escalated > 1000);
    arena_close(arena);
}

/* ---- what would change it ------------------------------------------------------------------------------------------- */

enum { FLOOR_LEVELS = 3, CHANGE_PATIENTS = 20000 };
struct without {
    const struct triage_policy
        *policies[FLOOR_LEVELS + 1]; /* the built-in policy without its floor rules of this level */
    int told, untold;
};

static enum status open_without(void *context, struct scope *scope) {
    struct without *without = context;
    struct text document = {0};
    yyjson_doc *doc = NULL;
    enum status status = file_read(&document, "regions/korea/triage-policy.json", JSON_BYTES, scope);
    for (int level = 1; level <= FLOOR_LEVELS && status == STATUS_OK; level++) {
        status = json_read(&doc, document, scope);
        if (status != STATUS_OK)
            return status;
        yyjson_mut_doc *changed = yyjson_doc_mut_copy(doc, NULL);
        yyjson_mut_val *kept = yyjson_mut_arr(changed), *rule;
        size_t i, count;
        yyjson_mut_arr_foreach(yyjson_mut_obj_get(yyjson_mut_doc_get_root(changed), "floor"), i, count, rule) {
            if (*yyjson_mut_get_raw(yyjson_mut_obj_get(rule, "level")) != (char)('0' + level))
                (void)yyjson_mut_arr_append(kept, yyjson_mut_val_mut_copy(changed, rule));
        }
        (void)yyjson_mut_obj_replace(yyjson_mut_doc_get_root(changed), yyjson_mut_str(changed, "floor"), kept);
        size_t size = 0;
        char *written = yyjson_mut_write(changed, 0, &size);
        status = triage_policy_open(
            &without->policies[level], text_copy(process_arena, (struct text){written, size}), process_arena, scope);
        free(written);
        yyjson_mut_doc_free(changed);
    }
    return status;
}

static const struct triage_reason *reason_find(
    const struct triage_reading *reading, enum triage_reason_kind kind, const char *code) {
    for (size_t i = 0; i < reading->reason_count; i++) {
        if (reading->reasons[i].kind == kind && text_is(reading->reasons[i].code, code))
            return &reading->reasons[i];
    }
    return NULL;
}

/* The sentence's level is the one that is read where the policy lacks those rules; where nothing is told, it is the same. */
static enum status read_without(void *context, struct scope *scope) {
    struct without *without = context;
    struct triage_facts *facts = random_patient(scope);
    struct triage_reading reading, other;
    if (triage_read(&reading, policy, facts, NULL, 0, scope) != STATUS_OK || !reading.floor_level)
        return STATUS_OK;
    const struct triage_reason *change = reason_find(&reading, TRIAGE_REASON_FLOOR, "change");
    assert_int_equal(triage_read(&other, without->policies[reading.floor_level], facts, NULL, 0, scope), STATUS_OK);
    if (!change) {
        assert_int_equal(other.level, reading.level);
        without->untold++;
        return STATUS_OK;
    }
    char level[24];
    (void)snprintf(level, sizeof level, "it would be level %d.", other.level);
    assert_non_null(strstr(text_string(scope->arena, change->en), level));
    (void)snprintf(level, sizeof level, "%d단계였을", other.level);
    assert_non_null(strstr(text_string(scope->arena, change->ko), level));
    assert_true(other.level > reading.level && change->level == 0 && change > reading.reasons && change[-1].level > 0);
    without->told++;
    return STATUS_OK;
}

static void test_change_is_what_would_be(void **state) {
    (void)state;
    struct without without = {.told = 0};
    struct scope scope;
    struct arena *arena = arena_open(ARENA_BYTES);
    assert_int_equal(scope_run(&scope, process_arena, open_without, &without), STATUS_OK);
    for (int i = 0; i < CHANGE_PATIENTS; i++) {
        assert_int_equal(scope_run(&scope, arena, read_without, &without), STATUS_OK);
        arena_reset(arena);
    }
    printf("%d readings tell what their level would be without the rules, %d are not made by rules alone\n",
        without.told, without.untold);
    assert_true(without.told > CHANGE_PATIENTS / 20 && without.untold > CHANGE_PATIENTS / 20);
    arena_close(arena);
}

struct timed {
    const char *word;
    double least;
};
enum { REPETITION_MOST = 6 };

/* ---- the ten worst inputs ------------------------------------------------------------------------------------------- */

static struct text repeated(struct arena *arena, const char *word, size_t bytes) {
    struct buffer buffer = buffer_open(arena, bytes);
    while (!buffer.full && buffer.size + strlen(word) <= bytes)
        buffer_put_string(&buffer, word);
    return buffer_text(&buffer);
}

static enum status read_worst(void *context, struct scope *scope) {
    int64_t *longest = context;
    const struct text worst[] = {
        repeated(scope->arena, "no ", 8000),
        repeated(scope->arena, "가슴 통증, ", 8000),
        repeated(scope->arena, "오른쪽 ", 8000),
        repeated(scope->arena, "chest pain no ", 8000),
        repeated(scope->arena, "없음", 8000),
        repeated(scope->arena, "?", 8000),
        repeated(scope->arena, "denies chest pain, ", 8000),
        repeated(scope->arena, "1시간 ", 8000),
        repeated(scope->arena, "((((", 8000),
        repeated(scope->arena, "\xF0\x9F\x9A\x91\xE2\x80\x8D", 8000),
    };
    for (size_t i = 0; i < sizeof worst / sizeof worst[0]; i++) {
        struct triage_facts *facts = triage_facts_new(scope->arena);
        struct triage_reading reading;
        for (int k = 0; k < 10; k++) {
            struct triage_text text = {.kind = TRIAGE_TEXT_COMPLAINT, .text = worst[i], .path = TEXT("x")};
            assert_int_equal(triage_facts_put_text(facts, text, scope), STATUS_OK);
        }
        int64_t start = clock_monotonic_us();
        assert_int_equal(triage_read(&reading, policy, facts, NULL, 0, scope), STATUS_OK);
        int64_t took = clock_monotonic_us() - start;
        *longest = took > *longest ? took : *longest;
        check_laws(&reading, facts);
    }
    return STATUS_OK;
}

static void test_ten_worst_inputs(void **state) {
    (void)state;
    struct scope scope;
    struct arena *arena = arena_open(ARENA_BYTES);
    int64_t longest = 0;
    assert_int_equal(scope_run(&scope, arena, read_worst, &longest), STATUS_OK);
    printf("the slowest of the ten worst inputs: %.1f ms\n", (double)longest / 1000);
    assert_true(longest < 5000000);
    arena_close(arena);
}

/* Processor time of a reading, the least of three, in microseconds. */
static enum status read_timed(void *context, struct scope *scope) {
    struct timed *timed = context;
    struct triage_text text = {.kind = TRIAGE_TEXT_COMPLAINT, .text = repeated(scope->arena, timed->word, 8000)};
    for (int k = 0; k < 3; k++) {
        struct triage_facts *facts = triage_facts_new(scope->arena);
        struct triage_reading reading;
        facts->at_us = INT64_C(1773457200) * 1000000; /* 2026-03-14: years can be past */
        assert_int_equal(triage_facts_put_text(facts, text, scope), STATUS_OK);
        clock_t start = clock();
        assert_int_equal(triage_read(&reading, policy, facts, NULL, 0, scope), STATUS_OK);
        double took = (double)(clock() - start) * 1e6 / CLOCKS_PER_SEC;
        timed->least = k == 0 || took < timed->least ? took : timed->least;
    }
    return STATUS_OK;
}

static double repeated_time(const char *word) {
    struct scope scope;
    struct arena *arena = arena_open(ARENA_BYTES);
    struct timed timed = {word, 0};
    assert_int_equal(scope_run(&scope, arena, read_timed, &timed), STATUS_OK);
    arena_close(arena);
    return timed.least;
}

/* What is said a thousand times over costs about what as many bytes of other words do: no walk through all for each. */
static void test_repetition_is_no_dearer(void **state) {
    (void)state;
    static const char *const words[] = {"no cva ", "old cva ", "r/o cva ", "father mi ", "chest pain ", "cva/",
        "아버지가 뇌졸중 ", "mi 2015 ", "2015년 뇌졸중 ", "residual weakness from stroke ",
        "old cva with left weakness ", "뇌졸중 후유증으로 왼쪽 마비 ", "cpr cva class "};
    double plain = repeated_time("walked well here ");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        double took = repeated_time(words[i]);
        print_message("8,000 bytes of '%s': %.0f microseconds, other words %.0f\n", words[i], took, plain);
        assert_true(took < REPETITION_MOST * plain);
    }
}

/* Who stays local without a vital sign is not told that none is alarming. */
static enum status read_unmeasured(void *context, struct scope *scope) {
    (void)context;
    for (int measured = 0; measured < 2; measured++) {
        struct triage_facts *facts = triage_facts_new(scope->arena);
        struct triage_reading reading;
        const struct triage_reason *local = NULL;
        facts->human_level = 5;
        if (measured)
            facts->values[TRIAGE_PULSE] = (struct triage_value){.known = true, .value = 72};
        assert_int_equal(triage_read(&reading, policy, facts, NULL, 0, scope), STATUS_OK);
        for (size_t i = 0; i < reading.reason_count; i++) {
            if (text_is(reading.reasons[i].code, "stay-local"))
                local = &reading.reasons[i];
        }
        assert_non_null(local);
        assert_int_equal(strstr(text_string(scope->arena, local->en), "No vital sign was measured") != NULL, !measured);
        assert_int_equal(strstr(text_string(scope->arena, local->ko), "측정되지 않았습니다") != NULL, !measured);
    }
    return STATUS_OK;
}

static void test_what_was_not_measured_is_not_calm(void **state) {
    (void)state;
    struct scope scope;
    struct arena *arena = arena_open(ARENA_BYTES);
    assert_int_equal(scope_run(&scope, arena, read_unmeasured, NULL), STATUS_OK);
    arena_close(arena);
}

/* ---- the second reader ----------------------------------------------------------------------------------------------- */

static void read_fixed(struct triage_opinion *out, const struct triage_reader *reader, const struct triage_facts *facts,
    const struct triage_reading *rules, struct arena *arena) {
    (void)facts, (void)rules, (void)arena;
    int level = *(const int *)reader->model;
    *out = (struct triage_opinion){.abstains = level == 0, .level = level, .ko = TEXT("이유"), .en = TEXT("why")};
}

static enum status read_with_reader(void *context, struct scope *scope) {
    (void)context;
    for (int opinion = 0; opinion <= 5; opinion++) {
        struct triage_reader reader = {.name = "fixed", .digest = "d", .model = &opinion, .read = read_fixed};
        struct triage_facts *facts = triage_facts_new(scope->arena);
        struct triage_reading reading;
        facts->human_level = 3;
        assert_int_equal(triage_read(&reading, policy, facts, &reader, 1, scope), STATUS_OK);
        assert_int_equal(reading.level, opinion && opinion < 3 ? opinion : 3);
        assert_int_equal(reading.reader_level, opinion);
        assert_string_equal(reading.reader_digest, "d");
    }
    return STATUS_OK;
}

static void test_a_reader_only_escalates(void **state) {
    (void)state;
    struct scope scope;
    struct arena *arena = arena_open(ARENA_BYTES);
    assert_int_equal(scope_run(&scope, arena, read_with_reader, NULL), STATUS_OK);
    arena_close(arena);
}

/* ---- replay ---------------------------------------------------------------------------------------------------------- */

struct written {
    struct text reading, assessment;
};

static enum status write_once(void *context, struct scope *scope) {
    struct written *written = context;
    struct triage_facts *facts = triage_facts_new(scope->arena);
    struct triage_reading reading;
    struct triage_text text = {.kind = TRIAGE_TEXT_COMPLAINT,
        .text = TEXT("40분 전부터 쥐어짜는 가슴 통증, 식은땀"),
        .path = TEXT("Encounter/e.reasonCode[0].text")};
    facts->age_months = 59 * 12;
    facts->patient = TEXT("Patient/p");
    facts->human_level = 3;
    assert_int_equal(triage_facts_put_text(facts, text, scope), STATUS_OK);
    assert_int_equal(
        triage_facts_put(facts, TRIAGE_SYSTOLIC, 84, (struct text){0}, TEXT("Observation/bp.valueQuantity"), 0, scope),
        STATUS_OK);
    assert_int_equal(triage_read(&reading, policy, facts, NULL, 0, scope), STATUS_OK);
    assert_int_equal(reading.level, 2);
    assert_true(reading.escalated);
    struct json_writer w = json_writer_open(scope->arena, JSON_BYTES);
    triage_write(&w, &reading, facts);
    assert_int_equal(json_finish(&written->reading, &w, scope), STATUS_OK);
    struct triage_stamp stamp = {.id = TEXT("r1"), .at_us = 1795316645000000, .performer = TEXT("Device/soyang")};
    return triage_write_risk_assessment(&written->assessment, &reading, facts, &stamp, scope);
}

static void test_replays_to_the_byte(void **state) {
    (void)state;
    struct written first = {0}, second = {0};
    struct arena *arenas[] = {arena_open(ARENA_BYTES), arena_open(ARENA_BYTES)};
    struct scope scope;
    assert_int_equal(scope_run(&scope, arenas[0], write_once, &first), STATUS_OK);
    assert_int_equal(scope_run(&scope, arenas[1], write_once, &second), STATUS_OK);
    assert_true(text_equal(first.reading, second.reading));
    assert_true(text_equal(first.assessment, second.assessment));
    yyjson_doc *doc = NULL;
    struct scope reading_scope = {.arena = arenas[0]};
    assert_int_equal(json_read(&doc, first.assessment, &reading_scope), STATUS_OK);
    assert_int_equal(fhir_check(yyjson_doc_get_root(doc), &reading_scope), STATUS_OK);
    assert_int_equal(json_read(&doc, first.reading, &reading_scope), STATUS_OK);
    arena_close(arenas[0]);
    arena_close(arenas[1]);
}

/* Readings as an engine wrote them, by a made-up policy. Where one differs, what makes readings has changed: raise TRIAGE_ENGINE, write
 * engine-N.ndjson anew and leave the old one: what an earlier engine wrote says so, and is no conflict. */
static enum status stored_readings(void *context, struct scope *scope) {
    const struct triage_policy *made_up = NULL;
    struct text document = {0}, stored = {0};
    char path[64];
    int replayed_here = 0;
    (void)context;
    enum status status = file_read(&document, "test/cases/triage/engine-policy.json", JSON_BYTES, scope);
    if (status == STATUS_OK)
        status = triage_policy_open(&made_up, document, scope->arena, scope);
    for (int engine = 1; engine <= TRIAGE_ENGINE && status == STATUS_OK; engine++) {
        (void)snprintf(path, sizeof path, "test/cases/triage/engine-%d.ndjson", engine);
        status = file_read(&stored, path, JSON_BYTES, scope);
        while (status == STATUS_OK && stored.size) {
            struct triage_replayed replayed;
            struct text line = text_cut(&stored, '\n');
            if (!line.size)
                continue;
            status = triage_replay(&replayed, line, made_up, NULL, scope);
            assert_true(replayed.possible || (engine < TRIAGE_ENGINE && replayed.why.size));
            replayed_here += engine == TRIAGE_ENGINE;
        }
    }
    assert_true(status != STATUS_OK || replayed_here >= 3);
    return status;
}

static void test_stored_readings(void **state) {
    (void)state;
    struct scope scope;
    struct arena *arena = arena_open(ARENA_BYTES);
    enum status status = scope_run(&scope, arena, stored_readings, NULL);
    if (status != STATUS_OK)
        fail_msg("%s %s", scope.fault.first->path, scope.fault.first->text);
    arena_close(arena);
}

/* A reading of before engines were numbered replays in its own form; one that does not says that an earlier engine made it. */
static enum status before_engines(void *context, struct scope *scope) {
    struct triage_facts *facts = triage_facts_new(scope->arena);
    struct triage_reading reading;
    struct triage_replayed replayed;
    struct text json = {0};
    (void)context;
    facts->mind = TRIAGE_VOICE;
    enum status status = triage_read(&reading, policy, facts, NULL, 0, scope);
    struct json_writer w = json_writer_open(scope->arena, JSON_BYTES);
    assert_int_equal(reading.engine, TRIAGE_ENGINE);
    reading.engine = 0;
    triage_write(&w, &reading, facts);
    if (status == STATUS_OK)
        status = json_finish(&json, &w, scope);
    if (status == STATUS_OK)
        status = triage_replay(&replayed, json, policy, NULL, scope);
    assert_true(replayed.possible);
    assert_int_equal(replayed.bytes, json.size);
    char *changed = memcpy(arena_alloc(scope->arena, json.size + 1), json.at, json.size);
    char *level = strstr(changed, "\"ruleLevel\":");
    level[strlen("\"ruleLevel\":")] = '9';
    if (status == STATUS_OK)
        status = triage_replay(&replayed, (struct text){changed, json.size}, policy, NULL, scope);
    assert_false(replayed.possible);
    assert_non_null(strstr(text_string(scope->arena, replayed.why), "engine"));
    return status;
}

static void test_before_engines(void **state) {
    (void)state;
    struct scope scope;
    struct arena *arena = arena_open(ARENA_BYTES);
    assert_int_equal(scope_run(&scope, arena, before_engines, NULL), STATUS_OK);
    arena_close(arena);
}

/* ---- policies that must be refused ----------------------------------------------------------------------------------- */

#define DEFAULTS                                                                                                       \
    "\"version\":\"1\",\"systems\":{\"own\":\"urn:x\",\"departments\":\"urn:d\"},\"departments\":{\"24\":{\"ko\":"     \
    "\"a\",\"en\":\"b\"}},"                                                                                            \
    "\"defaults\":{\"level\":4,\"level_unmeasured\":3,\"level_places\":[\"clinic\",\"clinic\",\"clinic\",\"clinic\","  \
    "\"clinic\"],"                                                                                                     \
    "\"need_emergency\":\"N\",\"need_local\":\"N\",\"departments_emergency\":[\"24\"],\"departments_clinic\":[\"24\"]" \
    "},"                                                                                                               \
    "\"needs\":[{\"code\":\"N\",\"list\":\"own\",\"ko\":\"a\",\"en\":\"b\",\"departments\":[\"24\"],\"place\":"        \
    "\"clinic\"}],"                                                                                                    \
    "\"lexicon\":{\"concepts\":[{\"code\":\"c\",\"words\":[\"w\"]}]}"
#define RULE(members) "{" DEFAULTS ",\"floor\":[{" members "}]}"

static enum status open_given(void *context, struct scope *scope) {
    const struct triage_policy *opened = NULL;
    return triage_policy_open(&opened, text_from(context), scope->arena, scope);
}

static void test_policies(void **state) {
    (void)state;
    static const struct {
        const char *document, *path;
    } cases[] = {
        {RULE("\"id\":\"r\",\"level\":2,\"when\":[\"c | spo2<90\"],\"ko\":\"a\",\"en\":\"b\",\"source\":\"s\""), NULL},
        {RULE("\"id\":\"r\",\"level\":2,\"when\":[\"unknown-word\"],\"ko\":\"a\",\"en\":\"b\",\"source\":\"s\""),
            "floor[0]"},
        {RULE("\"id\":\"r\",\"level\":2,\"when\":[\"spo2<ninety\"],\"ko\":\"a\",\"en\":\"b\",\"source\":\"s\""),
            "floor[0]"},
        {RULE("\"id\":\"r\",\"level\":2,\"when\":[],\"ko\":\"a\",\"en\":\"b\",\"source\":\"s\""), "floor[0]"},
        {RULE("\"id\":\"r\",\"level\":2,\"when\":[\"c\"],\"ko\":\"a\",\"en\":\"b\""), "floor[0]"},
        {RULE("\"id\":\"r\",\"level\":9,\"when\":[\"c\"],\"ko\":\"a\",\"en\":\"b\",\"source\":\"s\""), "floor[0]"},
        {"{" DEFAULTS ",\"need_rules\":[{\"id\":\"r\",\"need\":\"X\",\"when\":[\"c\"],\"ko\":\"a\",\"en\":\"b\"}]}",
            "need_rules[0]"},
        {RULE("\"id\":\"r\",\"level\":2,\"when\":[\"c\"],\"unless\":\"c\",\"ko\":\"a\",\"en\":\"b\",\"source\":\"s\""),
            "floor[0]"},
        {"{" DEFAULTS ",\"floor\":{\"r\":1}}", "floor"},
        {"{" DEFAULTS ",\"need_rules\":[{\"id\":\"r\",\"need\":\"N\",\"level\":\"2\",\"when\":[\"c\"],\"ko\":\"a\","
         "\"en\":\"b\"}]}",
            "need_rules[0]"},
        {"{" DEFAULTS
         ",\"specialties\":[{\"id\":\"r\",\"departments\":\"24\",\"when\":[\"c\"],\"ko\":\"a\",\"en\":\"b\"}]}",
            "specialties[0]"},
        {"{}", "defaults"},
        {"[", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scope scope;
        struct arena *arena = arena_open(ARENA_BYTES);
        enum status status = scope_run(&scope, arena, open_given, (void *)(uintptr_t)cases[i].document);
        if (i == 0)
            assert_int_equal(status, STATUS_OK);
        else
            assert_int_equal(status, STATUS_INVALID);
        if (cases[i].path)
            assert_string_equal(scope.fault.first->path, cases[i].path);
        arena_close(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_lowers),
        cmocka_unit_test(test_change_is_what_would_be),
        cmocka_unit_test(test_ten_worst_inputs),
        cmocka_unit_test(test_repetition_is_no_dearer),
        cmocka_unit_test(test_what_was_not_measured_is_not_calm),
        cmocka_unit_test(test_a_reader_only_escalates),
        cmocka_unit_test(test_replays_to_the_byte),
        cmocka_unit_test(test_stored_readings),
        cmocka_unit_test(test_before_engines),
        cmocka_unit_test(test_policies),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
