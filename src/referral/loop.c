#include "referral/loop.h"
#include "referral/policy_shelf.h"

#include <math.h>
#include <string.h>

#define MINUTE_US 60000000.0

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static void give_back(void *snapshot) {
    region_release(snapshot);
}

enum status loop_begin(struct loop **out, struct referral *referral, struct records_unit *unit, struct scope *scope) {
    struct loop *loop = ARENA_NEW(scope->arena, struct loop);
    *loop = (struct loop){
        .referral = referral, .unit = unit, .scope = scope, .now_us = records_unit_time_us(unit), .level = 3};
    enum status status = region_hold_within(&loop->snapshot, referral->region, unit, scope);
    if (status != STATUS_OK) {
        return status;
    }
    arena_defer(scope->arena, give_back, (void *)loop->snapshot);
    *out = loop;
    const struct policy *policy = NULL;
    status = policy_shelf_hold(&policy, referral->shelf, loop->snapshot, scope);
    if (status == STATUS_OK) {
        loop->policy = *policy;
    }
    return status;
}

static int64_t rank_of(const struct task *offer) {
    int64_t rank = 0;
    return task_input_number(&rank, offer, "rank") ? rank : INT64_MAX;
}

/* In the order of asking; the store gives them in none. */
static void insert_offer(struct loop *loop, const struct task *offer) {
    size_t at = loop->offer_count++;
    int64_t rank = rank_of(offer);
    for (; at > 0; at--) {
        const struct task *left = &loop->offers[at - 1];
        int64_t left_rank = rank_of(left);
        if (left_rank < rank || (left_rank == rank && text_compare(left->id, offer->id) <= 0)) {
            break;
        }
        loop->offers[at] = *left;
    }
    loop->offers[at] = *offer;
}

static enum status read_offers(struct loop *loop) {
    struct search_pair pair = {TEXT("part-of"), place_reference(loop->scope, "Task", loop->parent.id)};
    const yyjson_val **found = NULL;
    size_t count = 0;
    enum status status =
        records_unit_search(&found, &count, loop->unit, loop->referral->task, &pair, 1, LOOP_OFFERS_MAX, loop->scope);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct task offer;
        if (task_is_governed(found[i]) && task_read(&offer, found[i]) && offer.kind == REFERRAL_OFFER) {
            insert_offer(loop, &offer);
        }
    }
    return status;
}

enum status loop_open(
    struct loop **out, struct referral *referral, struct records_unit *unit, struct text id, struct scope *scope) {
    const yyjson_val *json = NULL;
    enum status status = records_unit_get(&json, unit, referral->task, id, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct task parent;
    if (!task_is_governed(json) || !task_read(&parent, json) || parent.kind != REFERRAL_LOOP) {
        return STATUS_NOT_FOUND;
    }
    status = loop_begin(out, referral, unit, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct loop *loop = *out;
    loop->parent = parent;
    int64_t level = 0;
    if (task_input_number(&level, &parent, "level") && level >= 1 && level <= 5) {
        loop->level = (int)level;
    }
    return read_offers(loop);
}

enum status loop_need_case(struct loop *loop) {
    if (loop->has_decision) {
        return STATUS_OK;
    }
    struct text reference = task_input_text(&loop->parent, "decision");
    struct text id = reference_id(reference, "GuidanceResponse");
    const yyjson_val *stored = NULL;
    enum status status = id.size == 0
                             ? STATUS_NOT_FOUND
                             : records_unit_get(&stored, loop->unit, loop->referral->decision, id, loop->scope);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK; /* a loop that a client drew up by itself */
    }
    struct text inputs = decision_inputs_of(stored);
    if (status != STATUS_OK || inputs.size == 0) {
        return status;
    }
    yyjson_doc *doc = NULL;
    status = json_read(&doc, inputs, loop->scope);
    if (status == STATUS_OK) {
        struct decision_source source = {.unit = loop->unit, .goes_on = true};
        status = decision_replay(&loop->decision, inputs, &source, loop->scope);
    }
    if (status == STATUS_OK) {
        loop->case_json = json_get(yyjson_doc_get_root(doc), "case");
        loop->decision_reference = reference;
        loop->has_decision = true;
    }
    return status;
}

/* ---- what is so ----------------------------------------------------------------------------------------------------- */

struct text place_reference(struct scope *scope, const char *type, struct text id) {
    return text_format(scope->arena, "%s/%.*s", type, (int)id.size, id.at);
}

struct text loop_patient_id(const struct loop *loop) {
    struct text id = reference_id(loop->parent.patient, "Patient");
    return id.size > 0 ? id : loop->parent.patient;
}

static bool is_business(const struct task *task, const char *business) {
    return strcmp(task->state.business, business) == 0;
}

bool loop_is_asking(const struct loop *loop) {
    const struct task *parent = &loop->parent;
    return is_business(parent, "") || is_business(parent, "offered") || is_business(parent, "rerouted") ||
           is_business(parent, "with-controller") || is_business(parent, "2.0") || is_business(parent, "4.0");
}

bool loop_is_travelling(const struct loop *loop) {
    return is_business(&loop->parent, "en-route") || is_business(&loop->parent, "diverted");
}

static bool is_waiting(const struct task *offer) {
    return is_business(offer, "offered") || is_business(offer, "2.0");
}

size_t loop_open_offers(const struct loop *loop) {
    size_t open = 0;
    for (size_t i = 0; i < loop->offer_count; i++) {
        open += is_waiting(&loop->offers[i]) ? 1 : 0;
    }
    return open;
}

struct task *loop_offer_of(struct loop *loop, struct text place_id) {
    for (size_t i = loop->offer_count; i > 0; i--) {
        struct task *offer = &loop->offers[i - 1];
        if (task_is_open(offer) && text_equal(reference_id(offer->owner, "Organization"), place_id)) {
            return offer;
        }
    }
    return NULL;
}

struct task *loop_destination_offer(struct loop *loop) {
    for (size_t i = loop->offer_count; i > 0; i--) {
        struct task *offer = &loop->offers[i - 1];
        if (is_business(offer, "accepted") || is_business(offer, "3.0")) {
            return offer;
        }
    }
    return NULL;
}

struct text loop_destination_id(const struct loop *loop) {
    return reference_id(loop->parent.location, "Location");
}

struct text loop_control_room(const struct loop *loop) {
    int index = loop->snapshot->control_room;
    if (index < 0) {
        return loop->parent.requester; /* a region without one: the sender stays in charge */
    }
    return place_reference(loop->scope, "Organization", loop->snapshot->places[index].id);
}

/* ---- steps ---------------------------------------------------------------------------------------------------------- */

static struct text recipient_of(const struct loop *loop) {
    const struct task *parent = &loop->parent;
    if (!state_is_bser(parent->state.business)) {
        for (size_t i = 0; i < loop->offer_count && loop_is_asking(loop); i++) {
            if (is_waiting(&loop->offers[i])) {
                return loop->offers[i].owner;
            }
        }
    }
    struct text destination = loop_destination_id(loop);
    return destination.size > 0 ? place_reference(loop->scope, "Organization", destination) : parent->owner;
}

static struct text owner_of(const struct loop *loop, unsigned actor) {
    switch (actor) {
    case REFERRAL_INITIATOR:
        return loop->parent.requester;
    case REFERRAL_RECIPIENT:
        return recipient_of(loop);
    case REFERRAL_CONTROLLER:
        return loop_control_room(loop);
    case REFERRAL_SYSTEM:
        return TEXT(REFERRAL_DEVICE);
    default:
        return loop->parent.owner;
    }
}

double loop_travel_minutes(const struct loop *loop, struct text place_id) {
    int place = region_place_find(loop->snapshot, place_id);
    if (place < 0 || !loop->has_decision) {
        return 30;
    }
    struct region_travel travel;
    region_travel_from(&travel, loop->snapshot, loop->decision.patient.origin, place);
    return isfinite(travel.minutes) ? travel.minutes : 30;
}

enum status loop_move(struct loop *loop, struct task *task, const struct referral_transition *transition) {
    task->state = transition->to;
    const struct state_row *row = task_row(task);
    invariant(row != NULL);
    if (task->kind == REFERRAL_LOOP) {
        task->owner = owner_of(loop, transition->owner_after);
    }
    task->deadline_us = 0;
    if (!row->open) {
        return STATUS_OK;
    }
    double travel = 0;
    if (strcmp(row->deadline, "arrive") == 0) {
        enum status status = loop_need_case(loop);
        if (status != STATUS_OK) {
            return status;
        }
        travel = loop_travel_minutes(loop, loop_destination_id(loop));
    }
    task->deadline_us =
        loop->now_us + (int64_t)(policy_minutes(&loop->policy, row->deadline, loop->level, travel) * MINUTE_US);
    return STATUS_OK;
}

enum status loop_step(struct loop *loop, struct task *task, unsigned actors, const char *trigger) {
    const struct referral_transition *transition = transition_by_trigger(task->kind, actors, task->state, trigger);
    if (transition == NULL) {
        return fault_coded(loop->scope, STATUS_CONFLICT, "conflict", "Task.status",
            "%s is not possible for the %s in state %s", trigger, task->kind == REFERRAL_LOOP ? "loop" : "offer",
            task->state.business[0] == '\0' ? task->state.status : task->state.business);
    }
    return loop_move(loop, task, transition);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

enum status law_check_task(const struct task *task, struct scope *scope) {
    const struct state_row *row = task_row(task);
    if (row == NULL) {
        return fault(scope, STATUS_FAILED, "Task.status", "the engine made a state that is not in the table");
    }
    if (!row->open) {
        return STATUS_OK;
    }
    if (task->owner.size == 0) {
        return fault(
            scope, STATUS_UNPROCESSABLE, "Task.owner", "an open referral Task needs an owner: name who must act");
    }
    if (task->deadline_us == 0) {
        return fault(scope, STATUS_FAILED, "Task.restriction.period.end", "an open referral Task needs a deadline");
    }
    bool rolling = task->kind == REFERRAL_LOOP && task_has_input(task, "departed");
    if (task->kind == REFERRAL_LOOP && (row->destination == DESTINATION_MUST || rolling) && task->location.size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.location",
            "a patient on the way has a destination: it may change, never vanish");
    }
    return STATUS_OK;
}

static enum status set_due(struct loop *loop, const struct task *task) {
    struct store_unit *unit = records_unit_store(loop->unit);
    struct text owner = task->kind == REFERRAL_LOOP ? TEXT(DUE_LOOP) : TEXT(DUE_OFFER);
    return task_is_open(task) ? store_unit_due_set(unit, owner, task->id, task->deadline_us, loop->scope)
                              : store_unit_due_clear(unit, owner, task->id, loop->scope);
}

enum status loop_commit(struct loop *loop, struct task *task) {
    if (task->kind == REFERRAL_LOOP && task->location.size == 0 && task_row(task)->destination == DESTINATION_MUST) {
        struct text place = reference_id(recipient_of(loop), "Organization");
        if (place.size > 0) {
            task->location = place_reference(loop->scope, "Location", place);
        }
    }
    enum status status = law_check_task(task, loop->scope);
    if (status == STATUS_OK) {
        status = set_due(loop, task);
    }
    if (status != STATUS_OK || task->is_subject) {
        return status;
    }
    struct text body = {0};
    status = task_write(&body, task, loop->now_us, loop->scope);
    return status == STATUS_OK ? own_write(loop->referral, loop->unit, task->id, body, loop->scope) : status;
}
