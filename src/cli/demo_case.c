/* One patient's way through the demonstration: what its actors do, stage by stage. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/demo.h"
#include "cli/demo_case.h"
#include "cli/parameters.h"
#include "referral/referral.h"

enum { MINUTE_US = 60000000, SHOWN_PLACES = 3, LETTER_MAX = 64 * 1024 };

static int64_t minutes_us(double minutes) {
    return (int64_t)(minutes * MINUTE_US);
}

static double script_minutes(const yyjson_val *object, const char *name) {
    double minutes = 0;
    json_get_double(&minutes, object, name);
    return minutes;
}

static void copy_id(char out[static DEMO_ID_SIZE], struct text id) {
    size_t size = id.size < DEMO_ID_SIZE - 1 ? id.size : DEMO_ID_SIZE - 1;
    memcpy(out, id.at, size);
    out[size] = '\0';
}

static struct text reference_id(const yyjson_val *reference) {
    struct text rest = json_get_text(reference, "reference");
    text_cut(&rest, '/');
    return rest;
}

/* ---- the decision -------------------------------------------------------------------------------------------------- */

static enum status write_question(
    struct text *out, const struct demo_case *c, struct text decision, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, LETTER_MAX);
    struct text post = json_get_text(c->patient, "post");
    int64_t level = 0;
    fhir_parameters_open(&w);
    fhir_parameter_reference(&w, "patient", text_format(scope->arena, "Patient/%s", c->id), (struct text){0});
    fhir_parameter_reference(&w, "encounter", text_format(scope->arena, "Encounter/%s-visit", c->id), (struct text){0});
    struct text organisation = text_format(scope->arena, "Organization/%.*s", (int)post.size, post.at);
    fhir_parameter_reference(&w, "origin", organisation, (struct text){0});
    if (decision.at != NULL) {
        fhir_parameter_reference(&w, "requester", organisation, (struct text){0});
        fhir_parameter_reference(&w, "decision", decision, (struct text){0});
    }
    if (json_get_int64(&level, c->patient, "nurse_level"))
        fhir_parameter_number(&w, "human-level", "valueInteger", text_format(scope->arena, "%lld", (long long)level));
    return fhir_parameters_finish(out, &w, scope);
}

static void report_reading(
    struct buffer *report, const yyjson_val *reading, const struct demo_case *c, const char *language) {
    size_t index, count;
    yyjson_val *part;
    int64_t human = 0;
    int shown = 0;
    json_get_int64(&human, c->patient, "nurse_level");
    buffer_put_format(
        report, "  %-8s %.0f (human %lld)\n", "level", answer_part_number(reading, "level"), (long long)human);
    yyjson_arr_foreach(json_get(reading, "part"), index, count, part) {
        struct text kind = answer_part_text(part, "kind");
        if (!text_is(json_get_text(part, "name"), "reason") || shown == SHOWN_PLACES ||
            !(text_is(kind, "floor") || text_is(kind, "advice") || text_is(kind, "human")))
            continue;
        struct text words = answer_part_text(part, language);
        buffer_put_format(report, "           because %.*s\n", (int)words.size, words.at);
        shown++;
    }
    yyjson_arr_foreach(json_get(reading, "part"), index, count, part) {
        if (!text_is(json_get_text(part, "name"), "need"))
            continue;
        struct text words = answer_part_text(part, language),
                    code = json_get_text(json_get(answer_part(part, "part", "code"), "valueCoding"), "code");
        buffer_put_format(report, "  %-8s %.*s: %.*s\n", "need", (int)code.size, code.at, (int)words.size, words.at);
    }
}

struct text demo_place_name(const struct demo *demo, int place, struct text otherwise) {
    if (place < 0)
        return otherwise;
    const struct region_place *at = &demo->snapshot->places[place];
    return strcmp(demo->language, "en") == 0 && at->name_en.size > 0 ? at->name_en : at->name_ko;
}

static void report_option(struct buffer *report, int rank, const yyjson_val *option, const char *language) {
    struct text english = answer_part_text(option, "name-en"), place = answer_part_display(option, "place");
    place = strcmp(language, "en") == 0 && english.size > 0 ? english : place;
    const yyjson_val *reason = answer_part(option, "part", "reason");
    struct text words = answer_part_text(reason, language);
    if (answer_part_number(option, "distance") == 0 && text_is(answer_part_text(reason, "code"), "local")) {
        buffer_put_format(report, "  %d.       %.*s  is here, nobody is asked  %.*s\n", rank, (int)place.size, place.at,
            (int)words.size, words.at != NULL ? words.at : "");
        return;
    }
    buffer_put_format(report, "  %d.       %.*s  %.0f min%s, chance %.0f %%  %.*s\n", rank, (int)place.size, place.at,
        answer_part_number(option, "minutes"), answer_part_true(option, "estimated") ? " (estimated)" : "",
        100 * answer_part_number(option, "chance"), (int)words.size, words.at != NULL ? words.at : "");
}

/* The answer of $rank-places (no decision) or of $send (with one). */
static enum status ask(const yyjson_val **out, const struct demo_case *c, const struct demo *demo, struct text decision,
    struct scope *scope) {
    struct text question, answer;
    yyjson_doc *document;
    enum status status = write_question(&question, c, decision, scope);
    if (status == STATUS_OK)
        status = remote_post(&answer, demo->remote, decision.at == NULL ? "$rank-places" : "$send", question, scope);
    if (status == STATUS_OK)
        status = json_read(&document, answer, scope);
    if (status == STATUS_OK)
        *out = yyjson_doc_get_root(document);
    return status;
}

/* Asks for the ranking, keeps what is to be printed; *decision is the reference to send with. */
static enum status rank(struct text *decision, bool *stays, struct demo_case *c, const struct demo *demo,
    struct buffer *report, struct scope *scope) {
    const yyjson_val *root = NULL;
    size_t index, count;
    yyjson_val *parameter;
    int shown = 0;
    enum status status = ask(&root, c, demo, (struct text){0}, scope);
    if (status != STATUS_OK)
        return status;
    const yyjson_val *reading = answer_part(root, "parameter", "reading");
    report_reading(report, reading, c, demo->language);
    yyjson_arr_foreach(json_get(root, "parameter"), index, count, parameter) {
        if (text_is(json_get_text(parameter, "name"), "option") && shown < SHOWN_PLACES)
            report_option(report, ++shown, parameter, demo->language);
    }
    *stays = answer_part_true(reading, "stay-local");
    *decision = json_get_text(json_get(answer_part(root, "parameter", "decision"), "valueReference"), "reference");
    return STATUS_OK;
}

static enum status start(struct demo_case *c, const struct demo *demo, struct buffer *report, struct scope *scope) {
    struct text decision;
    const yyjson_val *root = NULL;
    bool stays = false;
    enum status status = rank(&decision, &stays, c, demo, report, scope);
    if (status != STATUS_OK)
        return status;
    if (stays) {
        c->stage = DEMO_LOCAL;
        copy_id(c->treated_at, json_get_text(c->patient, "post"));
        c->closed_us = clock_now_us(demo->clock);
        return STATUS_OK;
    }
    status = ask(&root, c, demo, decision, scope);
    if (status != STATUS_OK)
        return status;
    const yyjson_val *loop = json_get(answer_part(root, "parameter", "loop"), "resource");
    copy_id(c->loop, json_get_text(loop, "id"));
    c->stage = DEMO_ASKING;
    c->due_us = INT64_MAX;
    return STATUS_OK;
}

/* ---- the places asked ------------------------------------------------------------------------------------------------ */

/* The script's answer to the n-th ask, else its default. */
static const yyjson_val *answer_of(const struct demo *demo, const struct demo_case *c, int ask) {
    size_t index, count;
    yyjson_val *answer;
    yyjson_arr_foreach(json_get(c->script, "answers"), index, count, answer) {
        int64_t number = 0;
        if (json_get_int64(&number, answer, "ask") && number == ask)
            return answer;
    }
    return json_get(demo->script, "default_answer");
}

static struct demo_offer *offer_of(struct demo_case *c, const yyjson_val *task, const struct demo *demo) {
    struct text id = json_get_text(task, "id");
    for (int i = 0; i < c->offer_count; i++)
        if (text_is(id, c->offers[i].id))
            return &c->offers[i];
    if (c->offer_count == DEMO_OFFERS_MAX)
        return NULL;
    struct demo_offer *offer = &c->offers[c->offer_count++];
    copy_id(offer->id, id);
    copy_id(offer->place, reference_id(json_get(task, "owner")));
    int place = region_place_find(demo->snapshot, text_from(offer->place));
    copy_id(offer->name, demo_place_name(demo, place, text_from(offer->place)));
    offer->seen_us = clock_now_us(demo->clock);
    offer->answer = answer_of(demo, c, c->offer_count);
    offer->answer_us = text_is(json_get_text(offer->answer, "answer"), "silent")
                           ? INT64_MAX
                           : offer->seen_us + minutes_us(script_minutes(offer->answer, "after_minutes"));
    return offer;
}

static void note_outcome(struct demo_offer *offer, const yyjson_val *task, struct arena *arena) {
    static const struct {
        const char *business, *outcome;
    } outcomes[] = {{"accepted", "accepted"}, {"fulfilled", "accepted"}, {"expired", "no answer in time"},
        {"withdrawn", "withdrawn: another place accepted"}};
    struct text business = demo_business(task);
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        if (text_is(business, outcomes[i].business))
            offer->outcome = outcomes[i].outcome;
    if (!text_is(business, "declined") || offer->is_declined)
        return;
    const yyjson_val *coding = yyjson_arr_get_first(json_get(json_get(task, "statusReason"), "coding"));
    struct text reason = json_get_text(coding, "code");
    offer->outcome = text_format(arena, "declined (%.*s)", (int)reason.size, reason.at != NULL ? reason.at : "").at;
    offer->is_declined = true;
}

static enum status answer_offer(struct demo_offer *offer, const struct demo *demo, struct scope *scope) {
    bool accepts = text_is(json_get_text(offer->answer, "answer"), "accept"), refused;
    struct text reason = json_get_text(offer->answer, "reason");
    struct demo_change change = {
        .actor = DEMO_RECEIVER,
        .organisation = text_from(offer->place),
        .status = accepts ? "accepted" : "rejected",
        .business = accepts ? "accepted" : "declined",
        .reason = accepts ? NULL : text_string(scope->arena, reason),
    };
    offer->answer_us = INT64_MAX;
    return demo_task_change(&refused, demo->remote, offer->id, &change, scope);
}

static enum status look_at_offers(struct demo_case *c, const struct demo *demo, struct scope *scope) {
    const yyjson_val *bundle;
    size_t index, count;
    yyjson_val *entry;
    int64_t now_us = clock_now_us(demo->clock);
    enum status status = demo_get(
        &bundle, demo->remote, text_format(scope->arena, "Task?part-of=Task/%s&_count=100", c->loop).at, scope);
    if (status != STATUS_OK)
        return status;
    yyjson_arr_foreach(json_get(bundle, "entry"), index, count, entry) {
        const yyjson_val *task = json_get(entry, "resource");
        struct demo_offer *offer = offer_of(c, task, demo);
        if (offer == NULL)
            continue;
        note_outcome(offer, task, demo->arena);
        bool is_open = text_is(json_get_text(task, "status"), "requested");
        if (status == STATUS_OK && is_open && offer->answer_us <= now_us)
            status = answer_offer(offer, demo, scope);
        if (!is_open)
            offer->answer_us = INT64_MAX;
    }
    return status;
}

static struct demo_offer *accepted_offer(struct demo_case *c) {
    for (int i = c->offer_count - 1; i >= 0; i--)
        if (c->offers[i].outcome != NULL && strcmp(c->offers[i].outcome, "accepted") == 0)
            return &c->offers[i];
    return NULL;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------------- */

static struct text post_of(const struct demo_case *c) {
    return json_get_text(c->patient, "post");
}

/* Minutes on the road, as the region's own model says; read from the map that the page uses. */
static double travel_to(const struct demo *demo, const struct demo_case *c, const char *place) {
    const struct region_snapshot *snapshot = demo->snapshot;
    int from = region_place_find(snapshot, post_of(c)), to = region_place_find(snapshot, text_from(place));
    struct region_travel travel = {0};
    if (from >= 0 && to >= 0)
        region_travel_estimate(&travel, &snapshot->travel, snapshot->places[from].point, snapshot->places[to].point);
    return travel.minutes;
}

static enum status change_loop(
    struct demo_case *c, const struct demo *demo, struct demo_change change, struct scope *scope) {
    bool refused;
    enum status status = demo_task_change(&refused, demo->remote, c->loop, &change, scope);
    c->due_us = refused ? clock_now_us(demo->clock) + MINUTE_US : INT64_MAX;
    return status;
}

static enum status depart(struct demo_case *c, const struct demo *demo, const yyjson_val *loop, struct scope *scope) {
    struct text location = json_get_text(json_get(loop, "location"), "reference");
    return change_loop(c, demo,
        (struct demo_change){.actor = DEMO_SENDER,
            .organisation = post_of(c),
            .status = "in-progress",
            .business = "en-route",
            .location = location},
        scope);
}

static enum status receiver_step(
    struct demo_case *c, const struct demo *demo, const char *business, struct scope *scope) {
    return change_loop(c, demo,
        (struct demo_change){.actor = DEMO_RECEIVER,
            .organisation = text_from(c->treated_at),
            .status = "in-progress",
            .business = business},
        scope);
}

/* 회송: a DocumentReference with the letter's words, then the loop's output. */
static enum status return_letter(struct demo_case *c, const struct demo *demo, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, LETTER_MAX);
    struct text body, ko = json_get_text(c->script, "return_letter_ko"),
                      en = json_get_text(c->script, "return_letter_en");
    const char *id = text_format(scope->arena, "%s-letter", c->id).at;
    char now[TIME_TEXT_SIZE];
    struct remote_answer answer;
    time_format_utc(now, clock_now_us(demo->clock));
    json_object_open(&w);
    json_member_string(&w, "resourceType", "DocumentReference");
    json_member_string(&w, "id", id);
    json_member_string(&w, "status", "current");
    json_name(&w, "subject");
    json_object_open(&w);
    json_name(&w, "reference");
    json_string_text(&w, text_format(scope->arena, "Patient/%s", c->id));
    json_object_close(&w);
    json_member_string(&w, "date", now);
    json_name(&w, "description");
    json_string_text(&w, text_format(scope->arena, "%.*s\n%.*s", (int)ko.size, ko.at, (int)en.size, en.at));
    json_name(&w, "content");
    json_array_open(&w);
    json_object_open(&w);
    json_name(&w, "attachment");
    json_object_open(&w);
    json_member_string(&w, "contentType", "text/plain");
    json_member_string(&w, "title", "회송서 · return letter (synthetic)");
    json_object_close(&w);
    json_object_close(&w);
    json_array_close(&w);
    json_object_close(&w);
    enum status status = json_finish(&body, &w, scope);
    const char *headers[] = {text_format(scope->arena, "X-Soyang-Organization: Organization/%s", c->treated_at).at,
        "X-Soyang-Role: receiving", "X-Soyang-Purpose: TREAT", NULL};
    const char *path = text_format(scope->arena, "DocumentReference/%s", id).at;
    if (status == STATUS_OK)
        status = remote_send(&answer, demo->remote, "PUT", path, body, headers, scope);
    if (status == STATUS_OK && answer.http_status >= 300)
        status = fault(scope, STATUS_FAILED, path, "the letter was answered %d", answer.http_status);
    if (status != STATUS_OK)
        return status;
    return change_loop(c, demo,
        (struct demo_change){.actor = DEMO_RECEIVER,
            .organisation = text_from(c->treated_at),
            .status = "in-progress",
            .business = "back-referred",
            .output = text_from(path)},
        scope);
}

/* The control room names the best place that was not asked yet: the head of a fresh ranking without those asked. */
static enum status designate(struct demo_case *c, const struct demo *demo, struct scope *scope) {
    const yyjson_val *root = NULL;
    size_t index, count;
    yyjson_val *parameter;
    struct text place = {0};
    enum status status = ask(&root, c, demo, (struct text){0}, scope);
    if (status != STATUS_OK)
        return status;
    yyjson_arr_foreach(json_get(root, "parameter"), index, count, parameter) {
        if (!text_is(json_get_text(parameter, "name"), "option") || place.at != NULL)
            continue;
        struct text id = reference_id(json_get(answer_part(parameter, "part", "place"), "valueReference"));
        bool was_asked = false;
        for (int i = 0; i < c->offer_count; i++)
            was_asked = was_asked || text_is(id, c->offers[i].place);
        place = was_asked ? place : id;
    }
    if (place.at == NULL && c->offer_count > 0)
        place = text_from(c->offers[0].place);
    struct demo_change change = {.actor = DEMO_CONTROLLER,
        .organisation = demo->control_room,
        .status = "accepted",
        .business = "designated",
        .owner = text_format(scope->arena, "Organization/%.*s", (int)place.size, place.at)};
    return change_loop(c, demo, change, scope);
}

static enum status late_decline(struct demo_case *c, const struct demo *demo, struct scope *scope) {
    struct demo_offer *offer = accepted_offer(c);
    const yyjson_val *event = yyjson_arr_get_first(json_get(c->script, "events"));
    bool refused;
    if (offer == NULL)
        return STATUS_OK;
    struct demo_change change = {.actor = DEMO_RECEIVER,
        .organisation = text_from(offer->place),
        .status = "rejected",
        .business = "declined",
        .reason = text_string(scope->arena, json_get_text(event, "reason"))};
    c->is_late_decline_done = true;
    c->due_us = INT64_MAX;
    return demo_task_change(&refused, demo->remote, offer->id, &change, scope);
}

/* ---- what each state of the loop asks of its actors: after how long, and what ----------------------------------------- */

static const yyjson_val *late_event(const struct demo_case *c) {
    return c->is_late_decline_done ? NULL : yyjson_arr_get_first(json_get(c->script, "events"));
}

static double wait_to_depart(struct demo_case *c, const struct demo *demo) {
    (void)demo;
    const yyjson_val *late = late_event(c);
    return late != NULL ? script_minutes(late, "after_acceptance_minutes")
                        : script_minutes(c->script, "depart_minutes");
}

static double wait_for_controller(struct demo_case *c, const struct demo *demo) {
    const yyjson_val *own = json_get(c->script, "controller");
    c->went_to_controller = true;
    return script_minutes(
        yyjson_is_obj((yyjson_val *)own) ? own : json_get(demo->script, "default_controller"), "after_minutes");
}

static double wait_on_the_way(struct demo_case *c, const struct demo *demo) {
    return travel_to(demo, c, c->treated_at);
}

static double wait_to_take_over(struct demo_case *c, const struct demo *demo) {
    (void)demo;
    return script_minutes(c->script, "take_over_minutes");
}

static double wait_for_care(struct demo_case *c, const struct demo *demo) {
    (void)demo;
    return script_minutes(c->script, "care_minutes");
}

static double wait_to_acknowledge(struct demo_case *c, const struct demo *demo) {
    (void)demo;
    return script_minutes(c->script, "acknowledge_minutes");
}

static enum status act_depart(
    struct demo_case *c, const struct demo *demo, const yyjson_val *loop, struct scope *scope) {
    return late_event(c) != NULL ? late_decline(c, demo, scope) : depart(c, demo, loop, scope);
}

static enum status act_designate(
    struct demo_case *c, const struct demo *demo, const yyjson_val *loop, struct scope *scope) {
    (void)loop;
    return designate(c, demo, scope);
}

static enum status act_arrive(
    struct demo_case *c, const struct demo *demo, const yyjson_val *loop, struct scope *scope) {
    (void)loop;
    return receiver_step(c, demo, "arrived", scope);
}

static enum status act_take_over(
    struct demo_case *c, const struct demo *demo, const yyjson_val *loop, struct scope *scope) {
    (void)loop;
    return receiver_step(c, demo, "in-care", scope);
}

static enum status act_return(
    struct demo_case *c, const struct demo *demo, const yyjson_val *loop, struct scope *scope) {
    (void)loop;
    return return_letter(c, demo, scope);
}

static enum status act_acknowledge(
    struct demo_case *c, const struct demo *demo, const yyjson_val *loop, struct scope *scope) {
    (void)loop;
    return change_loop(c, demo,
        (struct demo_change){
            .actor = DEMO_SENDER, .organisation = post_of(c), .status = "completed", .business = "loop-acknowledged"},
        scope);
}

static const struct {
    const char *business;
    enum demo_stage stage;
    double (*wait_min)(struct demo_case *c, const struct demo *demo); /* NULL: its actors wait for others */
    enum status (*act)(struct demo_case *c, const struct demo *demo, const yyjson_val *loop, struct scope *scope);
} stages[] = {
    {"offered", DEMO_ASKING, NULL, NULL},
    {"rerouted", DEMO_ASKING, NULL, NULL},
    {"with-controller", DEMO_WAITING, wait_for_controller, act_designate},
    {"accepted", DEMO_ACCEPTED, wait_to_depart, act_depart},
    {"designated", DEMO_ACCEPTED, wait_to_depart, act_depart},
    {"en-route", DEMO_ON_THE_WAY, wait_on_the_way, act_arrive},
    {"diverted", DEMO_ON_THE_WAY, wait_on_the_way, act_arrive},
    {"arrived", DEMO_ARRIVED, wait_to_take_over, act_take_over},
    {"in-care", DEMO_IN_CARE, wait_for_care, act_return},
    {"back-referred", DEMO_RETURNED, wait_to_acknowledge, act_acknowledge},
    {"loop-acknowledged", DEMO_CLOSED, NULL, NULL},
};

static enum status follow_loop(
    struct demo_case *c, const struct demo *demo, const yyjson_val *loop, struct scope *scope) {
    struct text business = demo_business(loop), place = reference_id(json_get(loop, "location"));
    int64_t now_us = clock_now_us(demo->clock);
    size_t i = 0;
    while (i < sizeof stages / sizeof *stages && !text_is(business, stages[i].business)) {
        i++;
    }
    if (i == sizeof stages / sizeof *stages) {
        c->stage = DEMO_FAILED;
        return STATUS_OK;
    }
    bool has_new_way = stages[i].stage == DEMO_ON_THE_WAY && !text_is(place, c->treated_at);
    if (c->stage == stages[i].stage && !has_new_way) {
        bool acts = stages[i].act != NULL && c->due_us <= now_us;
        return acts ? stages[i].act(c, demo, loop, scope) : STATUS_OK;
    }
    c->stage = stages[i].stage;
    if (c->stage == DEMO_ON_THE_WAY) {
        copy_id(c->treated_at, place);
    }
    c->due_us = stages[i].wait_min != NULL ? now_us + minutes_us(stages[i].wait_min(c, demo)) : INT64_MAX;
    c->closed_us = now_us;
    return STATUS_OK;
}

enum status demo_case_start(struct demo_case *c, const struct demo *demo, struct scope *scope) {
    struct text bundle, answer;
    struct buffer report = buffer_open(demo->arena, LETTER_MAX);
    bool korean = strcmp(demo->language, "ko") == 0;
    struct text name = json_get_text(c->patient, korean ? "name_ko" : "name_en"),
                complaint = json_get_text(c->patient, korean ? "complaint_ko" : "complaint_en");
    copy_id(c->id, json_get_text(c->patient, "id"));
    c->started_us = clock_now_us(demo->clock);
    int post = region_place_find(demo->snapshot, post_of(c));
    struct text post_name = demo_place_name(demo, post, post_of(c));
    buffer_put_format(&report, "%.*s (synthetic) at %.*s\n           %.*s\n", (int)name.size, name.at,
        (int)post_name.size, post_name.at, (int)complaint.size, complaint.at);
    enum status status = demo_patient_bundle(&bundle, demo->patients, c->patient, c->started_us, scope);
    if (status == STATUS_OK)
        status = remote_post(&answer, demo->remote, "", bundle, scope);
    if (status == STATUS_OK)
        status = start(c, demo, &report, scope);
    c->report = text_copy(demo->arena, buffer_text(&report));
    return status;
}

enum status demo_case_step(struct demo_case *c, const struct demo *demo, struct scope *scope) {
    const yyjson_val *loop;
    enum status status = look_at_offers(c, demo, scope);
    if (status == STATUS_OK)
        status = demo_get(&loop, demo->remote, text_format(scope->arena, "Task/%s", c->loop).at, scope);
    return status == STATUS_OK ? follow_loop(c, demo, loop, scope) : status;
}

bool demo_case_is_over(const struct demo_case *c) {
    return c->stage == DEMO_CLOSED || c->stage == DEMO_LOCAL || c->stage == DEMO_FAILED;
}

int64_t demo_case_next_us(const struct demo_case *c) {
    int64_t next_us = c->due_us;
    for (int i = 0; i < c->offer_count; i++)
        if (c->offers[i].answer_us < next_us)
            next_us = c->offers[i].answer_us;
    return demo_case_is_over(c) ? INT64_MAX : next_us;
}
