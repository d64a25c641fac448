/* $rank-places: where, in which order, with reasons. Every ranking is kept as a decision. */
#include <math.h>

#include "referral/intake.h"
#include "referral/learning.h"
#include "referral/task.h"

static const char *const names[] = {"patient", "bundle", "encounter", "human-level", "origin", "limit", "exclude",
    "family-place", "depart", "confirmed-need", "ready-in"};
enum { LIMIT_DEFAULT = 8, LIMIT_MAX = 50 };

struct ranking_call {
    struct intake_question question;
    struct intake intake;
    struct decision decision;
    struct text reference;
    int64_t began_us, read_us, ranked_us; /* monotonic */
};

static enum status store(void *context, struct records_unit *unit, struct scope *scope) {
    struct ranking_call *ranking = context;
    struct decision_stamp stamp = {.patient = ranking->intake.patient, .encounter = ranking->intake.encounter};
    return decision_store(&ranking->reference, unit, &ranking->decision, &stamp, scope);
}

/* ---- the answer ------------------------------------------------------------------------------------------------------- */

static struct text organization(struct text id, struct scope *scope) {
    return text_format(scope->arena, "Organization/%.*s", (int)id.size, id.at);
}

static void write_option(struct json_writer *w, const struct referral_option *option,
    const struct region_snapshot *snapshot, const struct records_caller *caller, struct scope *scope) {
    const struct region_place *place = &snapshot->places[option->place];
    fhir_parameter_open(w, "option");
    fhir_parameter_reference(w, "place", organization(place->id, scope), place->name_ko);
    fhir_parameter_text(w, "name-en", "valueString", place->name_en);
    fhir_parameter_text(w, "tier", "valueString", text_from(region_tier_text(place->tier, "ko")));
    fhir_parameter_text(w, "tier-en", "valueString", text_from(region_tier_text(place->tier, "en")));
    fhir_parameter_decimal(w, "minutes", option->minutes, 1);
    fhir_parameter_decimal(w, "travel", option->travel_min, 1);
    fhir_parameter_decimal(w, "answer", option->answer_min, 1);
    fhir_parameter_decimal(w, "wait", option->wait_min, 1);
    fhir_parameter_decimal(w, "distance", option->distance_km, 1);
    fhir_parameter_boolean(w, "estimated", option->estimated);
    fhir_parameter_decimal(w, "chance", option->chance, 3);
    fhir_parameter_decimal(w, "benefit", option->benefit, 3);
    fhir_parameter_decimal(w, "score", option->score, 6);
    if (option->ask_batch > 0) {
        fhir_parameter_integer(w, "ask", option->ask_batch);
    }
    if (option->learned_weight > 0 && learning_is_shown(caller, place->id)) {
        fhir_parameter_decimal(w, "learned-from", option->learned_weight, 1);
    }
    if (option->board_age_min >= 0) {
        fhir_parameter_decimal(w, "board-age", option->board_age_min, 1);
    }
    if (option->wrong > 0) {
        fhir_parameter_decimal(w, "wrong", option->wrong, 3);
        fhir_parameter_decimal(w, "wrong-minutes", option->wrong_min, 1);
    }
    if (isfinite(place->point.latitude)) {
        fhir_parameter_decimal(w, "latitude", place->point.latitude, 6);
        fhir_parameter_decimal(w, "longitude", place->point.longitude, 6);
    }
    for (size_t i = 0; i < option->reason_count; i++) {
        fhir_parameter_open(w, "reason");
        fhir_parameter_text(w, "code", "valueString", text_from(option->reasons[i].code));
        fhir_parameter_text(w, "ko", "valueString", korean_particles(w->buffer.arena, option->reasons[i].ko));
        fhir_parameter_text(w, "en", "valueString", option->reasons[i].en);
        fhir_parameter_close(w);
    }
    if (option->second_place >= 0) {
        const struct region_place *second = &snapshot->places[option->second_place];
        fhir_parameter_open(w, "second-leg");
        fhir_parameter_reference(w, "place", organization(second->id, scope), second->name_ko);
        fhir_parameter_text(w, "name-en", "valueString", second->name_en);
        fhir_parameter_decimal(w, "minutes", option->second_leg_min, 1);
        fhir_parameter_decimal(w, "vehicle-away", option->vehicle_away_min, 1);
        fhir_parameter_close(w);
    }
    fhir_parameter_close(w);
}

static void write_excluded(struct json_writer *w, const struct referral_excluded *excluded,
    const struct region_snapshot *snapshot, struct scope *scope) {
    const struct region_place *place = &snapshot->places[excluded->place];
    if (place->post) {
        return; /* hundreds of health posts, all for the same reason */
    }
    fhir_parameter_open(w, "excluded");
    fhir_parameter_reference(w, "place", organization(place->id, scope), place->name_ko);
    fhir_parameter_text(w, "code", "valueCode", text_from(referral_exclusion_code(excluded->why)));
    fhir_parameter_text(w, "ko", "valueString", text_from(referral_exclusion_text(excluded->why, "ko")));
    fhir_parameter_text(w, "en", "valueString", text_from(referral_exclusion_text(excluded->why, "en")));
    if (excluded->need >= 0) {
        const struct region_code *need = &snapshot->needs[excluded->need];
        fhir_parameter_coding(w, "need", (struct fhir_coding){need->system, need->code, need->name_ko});
    }
    fhir_parameter_close(w);
}

static void write_plan(struct json_writer *w, const struct referral_ranking *ranking,
    const struct region_snapshot *snapshot, struct scope *scope) {
    const struct referral_plan *plan = &ranking->plan;
    const struct referral_counterfactual *otherwise = &ranking->otherwise;
    if (plan->batch_count > 0) {
        fhir_parameter_open(w, "plan");
        fhir_parameter_integer(w, "now", (int64_t)plan->now_count);
        fhir_parameter_integer(w, "batches", (int64_t)plan->batch_count);
        fhir_parameter_decimal(w, "placed", plan->placed, 3);
        fhir_parameter_decimal(w, "asked", plan->asked, 2);
        fhir_parameter_decimal(w, "minutes", plan->minutes, 1);
        if (ranking->heading >= 0 && (size_t)ranking->heading < ranking->option_count) {
            const struct region_place *place = &snapshot->places[ranking->options[ranking->heading].place];
            fhir_parameter_reference(w, "heading", organization(place->id, scope), place->name_ko);
        }
        fhir_parameter_close(w);
    }
    if (otherwise->place >= 0) {
        const struct region_place *place = &snapshot->places[otherwise->place];
        fhir_parameter_open(w, "counterfactual");
        fhir_parameter_reference(w, "place", organization(place->id, scope), place->name_ko);
        fhir_parameter_text(w, "ko", "valueString", korean_particles(w->buffer.arena, otherwise->ko));
        fhir_parameter_text(w, "en", "valueString", otherwise->en);
        fhir_parameter_close(w);
    }
}

static void write_confirmed(struct json_writer *w, const struct decision *decision) {
    const struct referral_case *patient = &decision->patient;
    int need = region_need_find(decision->snapshot, patient->confirmed);
    if (need < 0) {
        return;
    }
    fhir_parameter_open(w, "confirmed");
    fhir_parameter_text(w, "code", "valueCode", patient->confirmed);
    fhir_parameter_text(w, "ko", "valueString", decision->snapshot->needs[need].name_ko);
    fhir_parameter_text(w, "en", "valueString", decision->snapshot->needs[need].name_en);
    fhir_parameter_text(w, "evidence", "valueString", patient->confirmed_quote);
    fhir_parameter_text(w, "source", "valueString", patient->confirmed_source);
    fhir_parameter_close(w);
}

static void write_doubts(struct json_writer *w, const struct referral_case *patient) {
    for (size_t i = 0; i < patient->doubt_count; i++) {
        const struct referral_doubt *doubt = &patient->doubts[i];
        fhir_parameter_open(w, "may-need");
        fhir_parameter_text(w, "code", "valueCode", doubt->need);
        fhir_parameter_text(w, "ko", "valueString", doubt->name_ko);
        fhir_parameter_text(w, "en", "valueString", doubt->name_en);
        fhir_parameter_decimal(w, "chance", doubt->chance, 3);
        fhir_parameter_close(w);
    }
}

static void write_duration(struct json_writer *w, const char *name, int64_t from_us, int64_t to_us) {
    json_object_open(w);
    json_member_string(w, "name", name);
    json_name(w, "valueQuantity");
    json_object_open(w);
    json_member_decimal(w, "value", (double)(to_us - from_us) / 1000, 3);
    json_member_string(w, "unit", "ms");
    json_member_string(w, "system", "http://unitsofmeasure.org");
    json_member_string(w, "code", "ms");
    json_object_close(w);
    json_object_close(w);
}

static enum status write_answer(struct text *out, const struct ranking_call *ranking, struct scope *scope) {
    const struct decision *decision = &ranking->decision;
    struct json_writer w = json_writer_open(scope->arena, 8 << 20);
    fhir_parameters_open(&w);
    fhir_parameter_open(&w, "reading");
    intake_write_answer(&w, &ranking->intake, scope);
    fhir_parameter_close(&w);
    for (size_t i = 0; i < decision->ranking.option_count; i++) {
        write_option(&w, &decision->ranking.options[i], decision->snapshot, ranking->question.call->caller, scope);
    }
    write_confirmed(&w, decision);
    write_doubts(&w, &decision->patient);
    write_plan(&w, &decision->ranking, decision->snapshot, scope);
    for (size_t i = 0; i < decision->ranking.excluded_count; i++) {
        write_excluded(&w, &decision->ranking.excluded[i], decision->snapshot, scope);
    }
    fhir_parameter_reference(&w, "decision", ranking->reference, (struct text){0});
    fhir_parameter_text(&w, "policy", "valueString", decision->policy_hash);
    fhir_parameter_open(&w, "timing");
    write_duration(&w, "reading", ranking->began_us, ranking->read_us);
    write_duration(&w, "ranking", ranking->read_us, ranking->ranked_us);
    write_duration(&w, "storing", ranking->ranked_us, clock_monotonic_us());
    fhir_parameter_close(&w);
    return fhir_parameters_finish(out, &w, scope);
}

/* ---- the operation ---------------------------------------------------------------------------------------------------- */

static enum status read_limit(size_t *out, const struct intake *intake, struct scope *scope) {
    int64_t limit = LIMIT_DEFAULT;
    bool found = false;
    enum status status = parameter_integer(&found, &limit, intake->parameters, "limit", scope);
    if (status == STATUS_OK && (limit < 1 || limit > LIMIT_MAX)) {
        return fault(scope, STATUS_INVALID, parameter_path(intake->parameters, "limit", "valueInteger", scope),
            "limit is 1 to %d", LIMIT_MAX);
    }
    *out = (size_t)limit;
    return status;
}

static enum status decide(void *context, struct records_visit *visit, struct scope *scope) {
    struct ranking_call *ranking = context;
    struct intake *intake = &ranking->intake;
    struct referral_case patient;
    struct text reading = {0};
    size_t limit = 0;
    enum status status = intake_read(intake, &ranking->question, visit, scope);
    ranking->read_us = clock_monotonic_us();
    if (status == STATUS_OK) {
        status = read_limit(&limit, intake, scope);
    }
    if (status == STATUS_OK) {
        status = intake_case(&patient, intake, intake->call->caller->organisation, scope);
    }
    if (status == STATUS_OK) {
        bool found = false;
        patient.options_max = limit;
        status = parameter_boolean(&found, &patient.departs, intake->parameters, "depart", scope);
    }
    if (status == STATUS_OK) {
        status = intake_write_reading(&reading, intake, scope);
    }
    if (status == STATUS_OK) {
        status = decision_make(&ranking->decision, intake->snapshot, &patient, reading, scope);
    }
    ranking->ranked_us = clock_monotonic_us();
    return status;
}

enum status referral_operation_rank(
    struct text *out, struct referral *referral, const struct referral_call *call, struct scope *scope) {
    struct ranking_call *ranking = ARENA_NEW(scope->arena, struct ranking_call);
    ranking->began_us = clock_monotonic_us();
    ranking->question = (struct intake_question){referral, call, names, sizeof names / sizeof *names};
    enum status status =
        records_visit_run(referral->records, call->caller, "$rank-places", decide, store, ranking, scope);
    return status == STATUS_OK ? write_answer(out, ranking, scope) : status;
}
