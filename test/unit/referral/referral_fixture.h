/* A province at work: Gangwon loaded in a fresh folder, the referral's guards, a clock moved by hand, and short ways to write
 * Tasks as any FHIR client would: read, change, PUT. */
#ifndef SOYANG_TEST_REFERRAL_FIXTURE_H
#define SOYANG_TEST_REFERRAL_FIXTURE_H

#include <time.h>

#include "referral/referral.h"
#include "unit/region/region_fixture.h"

#define STATE_SYSTEM "https://fhir.soyang.example/CodeSystem/referral-state"
#define DECLINE_SYSTEM "https://fhir.soyang.example/CodeSystem/decline-reason"
#define INPUT_SYSTEM "https://fhir.soyang.example/CodeSystem/task-input"
#define OUTPUT_SYSTEM "https://fhir.soyang.example/CodeSystem/task-output"
#define MINUTE INT64_C(60000000)

struct province {
    struct fixture f;
    struct referral *referral;
};

#define CALLER(who, organisation, role)                                                                                \
    ((struct records_caller){                                                                                          \
        {who, sizeof who - 1}, {organisation, sizeof organisation - 1}, {role, sizeof role - 1}, {"ETREAT", 6}})
#define SENDER "Organization/gw-post-1429"
static const struct records_caller nurse = {
    {"Practitioner/nurse", 18}, {SENDER, sizeof SENDER - 1}, {"primary-care", 12}, {"ETREAT", 6}};
static const struct records_caller controller = {
    {"Practitioner/control", 20}, {"Organization/gw-control-room", 28}, {"control-room", 12}, {"ETREAT", 6}};
static const struct records_caller crew = {
    {"Practitioner/crew", 17}, {"Organization/fire-inje", 22}, {"crew", 4}, {"ETREAT", 6}};

static inline struct text joined(struct province *p, const char *format, ...) {
    char line[8192];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    return text_copy(p->f.arena, text_from(line));
}

static inline struct records_caller receiver(struct province *p, struct text place) {
    return (struct records_caller){TEXT("Practitioner/coordinator"),
        joined(p, "Organization/%.*s", (int)place.size, place.at), TEXT("receiving"), TEXT("ETREAT")};
}

static inline void province_open(struct province *p) {
    fixture_open(&p->f);
    fixture_ok(&p->f, referral_open(&p->referral, p->f.records, p->f.region, &p->f.scope));
}

static inline void province_load(struct province *p) {
    fixture_load(&p->f, REGION_WITH_ASSUMPTIONS);
}

static inline void province_close(struct province *p) {
    records_timer_stop(p->f.records);
    referral_close(p->referral);
    fixture_close(&p->f);
}

/* ---- resources ---------------------------------------------------------------------------------------------------- */

static inline const yyjson_val *parse(struct province *p, struct text json) {
    yyjson_doc *doc = NULL;
    fixture_ok(&p->f, json_read(&doc, json, &p->f.scope));
    return yyjson_doc_get_root(doc);
}

static inline const yyjson_val *at(const yyjson_val *root, const char *way) {
    return yyjson_ptr_get((yyjson_val *)root, way);
}

static inline void put(struct province *p, const char *type, const char *id, struct text body) {
    fixture_ok(&p->f, fixture_send(&p->f, &fixture_operator, RECORDS_UPDATE, type, text_from(id), body));
}

static inline const yyjson_val *fetch(struct province *p, const char *type, struct text id) {
    struct records_answer answer;
    const struct records_request request = {
        .interaction = RECORDS_READ, .caller = fixture_operator, .type = fhir_type_find(text_from(type)), .id = id};
    p->f.scope.fault = (struct fault){0};
    fixture_ok(&p->f, records_run(&answer, p->f.records, &request, &p->f.scope));
    return parse(p, answer.body);
}

static inline const yyjson_val *fetch_all(struct province *p, const char *type, const char *name, struct text value) {
    struct records_answer answer;
    struct search_pair pairs[] = {{text_from(name), value}, {TEXT("_count"), TEXT("100")}};
    const struct records_request request = {.interaction = RECORDS_SEARCH,
        .caller = fixture_operator,
        .type = fhir_type_find(text_from(type)),
        .pairs = pairs,
        .pair_count = 2};
    p->f.scope.fault = (struct fault){0};
    fixture_ok(&p->f, records_run(&answer, p->f.records, &request, &p->f.scope));
    return parse(p, answer.body);
}

/* A Patient with what a nurse saw; `vitals` are LOINC=value pairs, ended by NULL; `words` the complaint. */
static inline void add_patient(
    struct province *p, const char *id, const char *born, const char *sex, const char *words) {
    put(p, "Patient", id,
        joined(
            p, "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"gender\":\"%s\",\"birthDate\":\"%s\"}", id, sex, born));
    put(p, "Condition", id,
        joined(p,
            "{\"resourceType\":\"Condition\",\"id\":\"%s\",\"subject\":{\"reference\":\"Patient/"
            "%s\"},\"recordedDate\":\"2026-11-22T02:50:00Z\","
            "\"clinicalStatus\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"
            "condition-clinical\",\"code\":\"active\"}]},"
            "\"category\":[{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"
            "condition-category\",\"code\":\"encounter-diagnosis\"}]}],"
            "\"code\":{\"text\":\"%s\"}}",
            id, id, words));
}

static inline void add_vital(
    struct province *p, const char *patient, const char *loinc, const char *value, const char *unit) {
    struct text id = joined(p, "%s-%s", patient, loinc);
    put(p, "Observation", text_string(p->f.arena, id),
        joined(p,
            "{\"resourceType\":\"Observation\",\"id\":\"%s-%s\",\"status\":\"final\",\"code\":{\"coding\":[{\"system\":"
            "\"http://loinc.org\","
            "\"code\":\"%s\"}]},\"subject\":{\"reference\":\"Patient/"
            "%s\"},\"effectiveDateTime\":\"2026-11-22T02:55:00Z\","
            "\"valueQuantity\":{\"value\":%s,\"unit\":\"%s\",\"system\":\"http://"
            "unitsofmeasure.org\",\"code\":\"%s\"}}",
            patient, loinc, loinc, patient, value, unit, unit));
}

static inline void add_infarction(struct province *p, const char *id) {
    add_patient(p, id, "1967-03-14", "male", "가슴 통증, 심전도 II, III, aVF ST분절 상승");
    add_vital(p, id, "8480-6", "104", "mm[Hg]");
    add_vital(p, id, "8867-4", "96", "/min");
    add_vital(p, id, "9279-1", "20", "/min");
    add_vital(p, id, "59408-5", "95", "%");
}

/* ---- operations ----------------------------------------------------------------------------------------------------- */

typedef enum status operation(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope);

static inline enum status try_operation(const yyjson_val **out, struct province *p, operation *run,
    const struct records_caller *caller, struct text parameters) {
    struct text answer = {0};
    struct referral_call call = {.caller = caller, .type = FHIR_TYPE_NONE, .parameters = parameters};
    p->f.scope.fault = (struct fault){0};
    enum status status = run(&answer, p->referral, &call, &p->f.scope);
    if (status == STATUS_OK) {
        *out = parse(p, answer);
    }
    return status;
}

static inline const yyjson_val *operate(
    struct province *p, operation *run, const struct records_caller *caller, struct text parameters) {
    const yyjson_val *out = NULL;
    fixture_ok(&p->f, try_operation(&out, p, run, caller, parameters));
    return out;
}

/* The n-th parameter (or part) of a name. */
static inline const yyjson_val *named(const yyjson_val *of, const char *name, int n) {
    size_t index, count;
    yyjson_val *item, *array = (yyjson_val *)json_get(of, "parameter");
    array = array != NULL ? array : (yyjson_val *)json_get(of, "part");
    yyjson_arr_foreach(array, index, count, item) {
        if (text_is(json_get_text(item, "name"), name) && n-- == 0) {
            return item;
        }
    }
    return NULL;
}

static inline const yyjson_val *send_patient(struct province *p, const char *patient, const char *more) {
    return operate(p, referral_operation_send, &nurse,
        joined(p,
            "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"patient\",\"valueReference\":{\"reference\":"
            "\"Patient/%s\"}},"
            "{\"name\":\"requester\",\"valueReference\":{\"reference\":\"" SENDER "\"}}%s]}",
            patient, more));
}

/* ---- Tasks ---------------------------------------------------------------------------------------------------------- */

static inline struct text task_state(const yyjson_val *task) {
    return json_get_text(at(task, "/businessStatus/coding/0"), "code");
}

static inline void assert_state(const yyjson_val *task, const char *status, const char *business) {
    if (!text_is(json_get_text(task, "status"), status) ||
        !(business[0] == '\0' || text_is(task_state(task), business))) {
        struct text is = json_get_text(task, "status"), code = task_state(task);
        print_message(
            "state is %.*s/%.*s, expected %s/%s\n", (int)is.size, is.at, (int)code.size, code.at, status, business);
    }
    assert_true(text_is(json_get_text(task, "status"), status));
    assert_true(business[0] == '\0' || text_is(task_state(task), business));
}

/* A Task as read, with members replaced: `changes` is JSON of the new members ({"status":"accepted"}); null drops one; "+input" and
 * "+output" append one; "business" sets the referral-state coding. */
static inline struct text changed(struct province *p, const yyjson_val *task, const char *changes) {
    const yyjson_val *edit = parse(p, text_from(changes));
    struct json_writer w = json_writer_open(p->f.arena, 1 << 20);
    json_object_open(&w);
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach((yyjson_val *)task, index, count, key, value) {
        struct text name = json_text(key);
        bool listed = text_is(name, "input") || text_is(name, "output");
        bool business = text_is(name, "businessStatus") && json_get(edit, "business") != NULL;
        if (!listed && !business && json_get(edit, text_string(p->f.arena, name)) == NULL) {
            json_name_text(&w, name);
            json_value(&w, value);
        }
    }
    static const char *const lists[][2] = {{"input", "+input"}, {"output", "+output"}};
    for (size_t i = 0; i < 2; i++) {
        const yyjson_val *more = json_get(edit, lists[i][1]);
        yyjson_val *old = (yyjson_val *)json_get(task, lists[i][0]), *item;
        if ((old == NULL && more == NULL) || json_get(edit, lists[i][0]) != NULL) {
            continue;
        }
        json_name(&w, lists[i][0]);
        json_array_open(&w);
        yyjson_arr_foreach(old, index, count, item) {
            json_value(&w, item);
        }
        if (more != NULL) {
            json_value(&w, more);
        }
        json_array_close(&w);
    }
    yyjson_obj_foreach((yyjson_val *)edit, index, count, key, value) {
        struct text name = json_text(key);
        if (text_starts(name, "+") || yyjson_is_null(value)) {
            continue;
        }
        if (text_is(name, "business")) {
            json_name(&w, "businessStatus");
            json_object_open(&w);
            json_name(&w, "coding");
            json_array_open(&w);
            json_object_open(&w);
            json_member_string(&w, "system", STATE_SYSTEM);
            json_member_text(&w, "code", json_text(value));
            json_object_close(&w);
            json_array_close(&w);
            json_object_close(&w);
            continue;
        }
        json_name_text(&w, name);
        json_value(&w, value);
    }
    json_object_close(&w);
    struct text out = {0};
    fixture_ok(&p->f, json_finish(&out, &w, &p->f.scope));
    return out;
}

static inline enum status change(
    struct province *p, const struct records_caller *caller, struct text id, const char *changes) {
    return fixture_send(&p->f, caller, RECORDS_UPDATE, "Task", id, changed(p, fetch(p, "Task", id), changes));
}

static inline void change_ok(
    struct province *p, const struct records_caller *caller, struct text id, const char *changes) {
    fixture_ok(&p->f, change(p, caller, id, changes));
}

#define DECLINE(code)                                                                                                  \
    "{\"status\":\"rejected\",\"statusReason\":{\"coding\":[{\"system\":\"" DECLINE_SYSTEM "\",\"code\":\"" code       \
    "\"}]}}"
#define TELEPHONE                                                                                                      \
    ",\"+input\":{\"type\":{\"coding\":[{\"system\":\"" INPUT_SYSTEM                                                   \
    "\",\"code\":\"telephone\"}]},\"valueString\":\"duty doctor\"}"

struct sent {
    struct text loop, offers[16], places[16];
    size_t count;
};
static inline struct text id_after_slash(struct text reference) {
    struct text rest = reference;
    (void)text_cut(&rest, '/');
    return rest;
}

static inline int64_t rank_of(const yyjson_val *task) {
    int64_t rank = 0;
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(task, "input"), index, count, item) {
        if (text_is(json_get_text(at(item, "/type/coding/0"), "code"), "rank")) {
            assert_true(json_get_int64(&rank, item, "valueInteger"));
        }
    }
    return rank;
}

/* In the order of asking. */
static inline struct sent offers_of(struct province *p, struct text loop) {
    struct sent out = {.loop = loop};
    const yyjson_val *bundle = fetch_all(p, "Task", "part-of", joined(p, "Task/%.*s", (int)loop.size, loop.at));
    size_t index, count;
    yyjson_val *entry;
    yyjson_arr_foreach((yyjson_val *)json_get(bundle, "entry"), index, count, entry) {
        const yyjson_val *task = json_get(entry, "resource");
        int64_t rank = rank_of(task);
        assert_true(rank >= 1 && rank <= 16);
        out.offers[rank - 1] = json_get_text(task, "id");
        out.places[rank - 1] = id_after_slash(json_get_text(json_get(task, "owner"), "reference"));
        out.count++;
    }
    return out;
}

static inline struct sent send_infarction(struct province *p, const char *id, const char *more) {
    add_infarction(p, id);
    const yyjson_val *answer = send_patient(p, id, more);
    return offers_of(p, json_get_text(json_get(named(answer, "loop", 0), "resource"), "id"));
}

/* Moves the clock and runs what is due, as the timer does. */
static inline void pass_minutes(struct province *p, int64_t minutes) {
    clock_advance(p->f.clock, minutes * MINUTE);
    p->f.scope.fault = (struct fault){0};
    for (int i = 0; i < 2000; i++) {
        struct timespec pause = {0, 5000000};
        if (store_due_earliest_us(p->f.store) > clock_now_us(p->f.clock)) {
            return;
        }
        nanosleep(&pause, NULL);
    }
    fail_msg("a deadline passed and nothing happened");
}

/* Every law that shows in the stored Tasks of one loop. */
static inline void assert_laws(struct province *p, struct text loop) {
    struct sent sent = offers_of(p, loop);
    const yyjson_val *parent = fetch(p, "Task", loop);
    int accepted = 0;
    for (size_t i = 0; i <= sent.count; i++) {
        const yyjson_val *task = i == sent.count ? parent : fetch(p, "Task", sent.offers[i]);
        struct text status = json_get_text(task, "status");
        bool open = text_is(status, "draft") || text_is(status, "requested") || text_is(status, "received") ||
                    text_is(status, "accepted") || text_is(status, "in-progress");
        if (open) {
            assert_true(json_get_text(json_get(task, "owner"), "reference").size > 0);
            assert_true(json_get_text(at(task, "/restriction/period"), "end").size > 0);
        }
        accepted += i < sent.count && text_is(status, "accepted") ? 1 : 0;
    }
    assert_true(accepted <= 1);
    struct text business = task_state(parent);
    if (text_is(business, "en-route") || text_is(business, "diverted") || text_is(business, "arrived")) {
        assert_true(json_get_text(json_get(parent, "location"), "reference").size > 0);
    }
}

#endif
