#include "referral/service.h"

#include <string.h>

#include "referral/consult.h"
#include "referral/decision.h"
#include "referral/learning.h"
#include "referral/policy_shelf.h"
#include "referral/silent.h"
#include "referral/surge_record.h"

enum { HANDLE_BYTES = 64 << 20, METRICS_READINGS = 1000 };

static void find_types(struct referral *referral) {
    const struct {
        fhir_type *type;
        const char *name;
    } rows[] = {
        {&referral->task, "Task"},
        {&referral->request, "ServiceRequest"},
        {&referral->patient, "Patient"},
        {&referral->location, "Location"},
        {&referral->organization, "Organization"},
        {&referral->decision, "GuidanceResponse"},
        {&referral->letter, "DocumentReference"},
        {&referral->composition, "Composition"},
        {&referral->device, "Device"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        *rows[i].type = fhir_type_find(text_from(rows[i].name));
        invariant(*rows[i].type != FHIR_TYPE_NONE);
    }
}

enum status referral_readers_open(
    struct referral *referral, const struct triage_readers_config *config, struct scope *scope) {
    struct triage_readers_config own = *config;
    own.policy = referral->triage;
    enum status status = triage_readers_open(&referral->readers, &own, referral->arena, scope);
    if (status == STATUS_OK) {
        referral->drift = triage_drift_open(referral->readers, referral->arena);
    }
    return status;
}

enum status referral_metrics(
    struct text *out, struct referral *referral, const struct records_caller *caller, struct scope *scope) {
    struct triage_followed *followed = NULL;
    size_t count = 0;
    enum status status = referral_outcomes(&followed, &count, referral, caller, METRICS_READINGS, scope);
    return status == STATUS_OK ? triage_drift_write(out, referral->drift, followed, count, scope) : status;
}

enum status referral_triage_read(
    struct triage_reading *out, struct referral *referral, const struct triage_facts *facts, struct scope *scope) {
    enum status status = triage_read_all(out, referral->triage, referral->readers, facts, scope);
    if (status == STATUS_OK) {
        triage_drift_count(referral->drift, out);
    }
    return status;
}

enum status referral_open(struct referral **out, struct records *records, struct region *region, struct scope *scope) {
    struct arena *arena = arena_open(HANDLE_BYTES);
    if (arena == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    }
    struct referral *referral = ARENA_NEW(arena, struct referral);
    *referral =
        (struct referral){.arena = arena, .records = records, .region = region, .clock = records_clock(records)};
    find_types(referral);
    referral->shelf = policy_shelf_open();
    if (referral->shelf == NULL) {
        arena_close(arena);
        return fault(scope, STATUS_UNAVAILABLE, "", "no memory");
    }
    enum status status = triage_policy_open(&referral->triage, (struct text){0}, arena, scope);
    if (status == STATUS_OK) {
        status = learning_open(&referral->learning, records, arena, scope);
    }
    if (status == STATUS_OK) {
        status = referral_readers_open(referral, &(struct triage_readers_config){.policy = NULL}, scope);
    }
    if (status != STATUS_OK) {
        policy_shelf_close(referral->shelf);
        arena_close(arena);
        return status;
    }
    records_guard_register(records, referral->task, guard_task, referral);
    records_guard_register(records, referral->request, guard_request, referral);
    records_guard_register(records, fhir_type_find(TEXT("Library")), guard_policy, referral);
    records_guard_register(records, fhir_type_find(TEXT("RiskAssessment")), guard_assessment, referral);
    records_guard_register(records, referral->task, guard_consult, referral);
    records_guard_register(records, referral->decision, guard_decision, referral);
    records_guard_register(records, fhir_type_find(TEXT("Communication")), guard_communication, referral);
    records_due_register(records, DUE_CONSULT, due_consult, referral);
    records_due_register(records, DUE_LOOP, due_loop, referral);
    records_due_register(records, DUE_OFFER, due_offer, referral);
    records_due_register(records, DUE_TRIGGER, due_trigger, referral);
    records_due_register(records, DUE_HOLD, due_hold, referral);
    *out = referral;
    return STATUS_OK;
}

void referral_close(struct referral *referral) {
    if (referral != NULL) {
        learning_close(referral->learning);
        policy_shelf_close(referral->shelf);
        arena_close(referral->arena);
    }
}

/* ---- own writes ------------------------------------------------------------------------------------------------------- */

bool own_write_is(const struct referral *referral, const struct records_change *change) {
    return referral->own.unit == change->unit &&
           referral->own.sequence == store_unit_sequence(records_unit_store(change->unit)) &&
           text_is(change->id, referral->own.id);
}

enum status own_write(
    struct referral *referral, struct records_unit *unit, struct text id, struct text resource, struct scope *scope) {
    invariant(id.size > 0 && id.size < OWN_ID_SIZE);
    memcpy(referral->own.id, id.at, id.size);
    referral->own.id[id.size] = '\0';
    referral->own.sequence = store_unit_sequence(records_unit_store(unit));
    referral->own.unit = unit;
    enum status status = records_unit_put(NULL, unit, resource, scope);
    referral->own.unit = NULL;
    return status;
}

/* The reading that a decision rests on, where policy and models are still those it was made with. */
static enum status replay_reading(struct referral *referral, const yyjson_val *stored, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, decision_inputs_of(stored), scope);
    const yyjson_val *reading = status == STATUS_OK ? json_get(yyjson_doc_get_root(doc), "reading") : NULL;
    if (status != STATUS_OK || reading == NULL) {
        return status;
    }
    struct json_writer w = json_writer_open(scope->arena, 4 << 20);
    struct text json = {0};
    struct triage_replayed replayed;
    json_value(&w, reading);
    status = json_finish(&json, &w, scope);
    return status == STATUS_OK ? triage_replay(&replayed, json, referral->triage, referral->readers, scope) : status;
}

enum status referral_decision_replay(
    struct referral *referral, const struct records_caller *caller, struct text id, struct scope *scope) {
    const yyjson_val *stored = NULL;
    enum status status = records_read(&stored, referral->records, caller, referral->decision, id, scope);
    if (status == STATUS_OK && surge_record_is(stored)) {
        return surge_record_compare(stored, scope);
    }
    if (status == STATUS_OK) {
        status = decision_compare(stored, &(struct decision_source){.records = referral->records}, scope);
    }
    return status == STATUS_OK ? replay_reading(referral, stored, scope) : status;
}
