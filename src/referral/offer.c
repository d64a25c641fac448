/* Offers: whom to ask next, what an answer brings, who becomes the destination. */
#include <string.h>

#include "referral/learning.h"

#define MINUTE_US 60000000.0

static bool is_business(const struct task *task, const char *business) {
    return strcmp(task->state.business, business) == 0;
}

static bool is_waiting(const struct task *offer) {
    return is_business(offer, "offered") || is_business(offer, "2.0");
}

static struct text place_of(const struct task *offer) {
    return reference_id(offer->owner, "Organization");
}

/* ---- ranking anew --------------------------------------------------------------------------------------------------- */

static bool is_left_out(const struct task *offer, enum loop_without without) {
    switch (without) {
    case WITHOUT_ASKED:
        return true;
    case WITHOUT_DECLINED:
        return is_business(offer, "declined") || is_business(offer, "4.0");
    case WITHOUT_NOBODY:
        break;
    }
    return false;
}

/* How it stands with the asking: since when, who rolls, who has not answered yet. */
static void set_asking(struct loop *loop, struct referral_case *patient, int64_t asked_us) {
    double elapsed_min = 0;
    int64_t first_us = 0;
    if (time_parse(&first_us, task_input_text(&loop->parent, "first-offer"))) {
        elapsed_min = (double)(loop->now_us - first_us) / MINUTE_US;
    }
    double ready_min = patient->asking.ready_min - (double)(loop->now_us - asked_us) / MINUTE_US;
    policy_apply(patient, &loop->policy, elapsed_min > 0 ? elapsed_min : 0);
    patient->asking.ready_min = ready_min > 0 ? ready_min : 0;
    patient->departs = task_has_input(&loop->parent, "departed");
    struct referral_open *open = ARENA_ARRAY(loop->scope->arena, struct referral_open, loop->offer_count + 1);
    patient->open = open;
    patient->open_count = 0;
    for (size_t i = 0; i < loop->offer_count; i++) {
        int place = region_place_find(loop->snapshot, place_of(&loop->offers[i]));
        if (place >= 0 && is_waiting(&loop->offers[i])) {
            double since_min = (double)(loop->now_us - loop->offers[i].authored_us) / MINUTE_US;
            open[patient->open_count++] = (struct referral_open){place, since_min > 0 ? since_min : 0};
        }
    }
}

enum status loop_rank(struct loop *loop, enum loop_without without, enum referral_choice choice) {
    enum status status = loop_need_case(loop);
    if (status != STATUS_OK || !loop->has_decision || loop->case_json == NULL || loop->snapshot->place_count == 0) {
        return status;
    }
    struct referral_case patient;
    status = case_read(&patient, loop->case_json, loop->snapshot, loop->scope);
    if (status != STATUS_OK) {
        return status;
    }
    int *excluded = ARENA_ARRAY(loop->scope->arena, int, patient.excluded_count + loop->offer_count + 1);
    size_t count = 0;
    for (; count < patient.excluded_count; count++) {
        excluded[count] = patient.excluded[count];
    }
    for (size_t i = 0; i < loop->offer_count; i++) {
        int place = region_place_find(loop->snapshot, place_of(&loop->offers[i]));
        if (place >= 0 && is_left_out(&loop->offers[i], without)) {
            excluded[count++] = place;
        }
    }
    patient.excluded = excluded;
    patient.excluded_count = count;
    int64_t asked_us = patient.now_us;
    patient.now_us = loop->now_us;
    patient.level = loop->level;
    patient.options_max = 0;
    if (choice == REFERRAL_NEAREST_STABILISING) {
        patient.choice = choice;
    }
    set_asking(loop, &patient, asked_us);
    referral_wrongs_of(&patient, loop->snapshot, loop->scope->arena);
    status = learning_apply(&patient, loop->referral->learning, loop->snapshot, loop->unit, loop->scope);
    if (status != STATUS_OK) {
        return status;
    }
    status = decision_make(&loop->decision, loop->snapshot, &patient, (struct text){0}, loop->scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct decision_stamp stamp = {.patient = loop->parent.patient, .encounter = loop->parent.encounter};
    return decision_store(&loop->decision_reference, loop->unit, &loop->decision, &stamp, loop->scope);
}

enum status loop_adopt(struct loop *loop, const struct decision *decision, const struct decision_stamp *stamp) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, decision->inputs, loop->scope);
    if (status != STATUS_OK) {
        return status;
    }
    loop->decision = *decision;
    loop->case_json = json_get(yyjson_doc_get_root(doc), "case");
    loop->has_decision = true;
    return decision_store(&loop->decision_reference, loop->unit, decision, stamp, loop->scope);
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static struct text department_of(const struct loop *loop) {
    if (!loop->has_decision) {
        return (struct text){0};
    }
    const struct region_snapshot *snapshot = loop->decision.snapshot;
    return snapshot->department_count > 0 ? snapshot->departments[0].code : (struct text){0};
}

static const struct referral_option *option_of(const struct loop *loop, struct text place_id) {
    const struct referral_ranking *ranking = &loop->decision.ranking;
    for (size_t i = 0; loop->has_decision && i < ranking->option_count; i++) {
        if (text_equal(loop->decision.snapshot->places[ranking->options[i].place].id, place_id)) {
            return &ranking->options[i];
        }
    }
    return NULL;
}

/* Who is asked as the first of two legs is told so: what is not asked of them, where that is done, how the patient gets there. Else they
 * would answer to a need that they do not serve. */
static void tell_legs(struct task *offer, const struct loop *loop, const struct referral_option *option) {
    if (option == NULL || option->missing_need < 0) {
        return;
    }
    const struct region_snapshot *snapshot = loop->decision.snapshot;
    task_add_text(offer, false, "stabilise-for", TASK_VALUE_CODE, snapshot->needs[option->missing_need].code);
    if (option->second_place >= 0) {
        struct text second = snapshot->places[option->second_place].id;
        task_add_text(
            offer, false, "second-leg", TASK_VALUE_REFERENCE, place_reference(loop->scope, "Organization", second));
        task_add_number(
            offer, false, "second-leg-minutes", TASK_VALUE_INTEGER, (int64_t)(option->second_leg_min + 0.5));
        task_add_number(
            offer, false, "vehicle-away-minutes", TASK_VALUE_INTEGER, (int64_t)(option->vehicle_away_min + 0.5));
        task_add_text(offer, false, "escort", TASK_VALUE_CODE, text_from(referral_escort_code(loop->level)));
    }
}

enum status offer_new(struct task **out, struct loop *loop, struct text place_id) {
    if (loop->offer_count == LOOP_OFFERS_MAX) {
        return fault(loop->scope, STATUS_TOO_COSTLY, "Task", "a referral asks at most %d times", LOOP_OFFERS_MAX);
    }
    char id[ID_TEXT_SIZE];
    id_new(id, loop->referral->clock);
    struct task *offer = &loop->offers[loop->offer_count++];
    const struct state_row *draft = state_find(REFERRAL_OFFER, TEXT("draft"), (struct text){0});
    invariant(draft != NULL);
    *offer = (struct task){
        .id = text_copy(loop->scope->arena, text_from(id)),
        .kind = REFERRAL_OFFER,
        .state = {draft->status, draft->code},
        .patient = loop->parent.patient,
        .focus = loop->parent.focus,
        .requester = loop->parent.requester,
        .encounter = loop->parent.encounter,
        .priority = loop->parent.priority,
        .part_of = place_reference(loop->scope, "Task", loop->parent.id),
        .owner = place_reference(loop->scope, "Organization", place_id),
        .department = department_of(loop),
        .authored_us = loop->now_us,
    };
    task_add_number(offer, false, "rank", TASK_VALUE_INTEGER, (int64_t)loop->offer_count);
    task_add_number(offer, false, "level", TASK_VALUE_INTEGER, loop->level);
    if (loop->decision_reference.size > 0) {
        task_add_text(offer, false, "decision", TASK_VALUE_REFERENCE, loop->decision_reference);
    }
    tell_legs(offer, loop, option_of(loop, place_id));
    struct text question = task_input_text(&loop->parent, "question");
    if (question.size > 0) {
        task_add_text(offer, false, "question", TASK_VALUE_STRING, question);
    }
    *out = offer;
    return STATUS_OK;
}

enum status offer_ask(struct loop *loop, struct text place_id) {
    struct task *offer = NULL;
    if (loop->offer_count >= LOOP_ASKED_MAX) {
        return fault(loop->scope, STATUS_CONFLICT, "Task.owner",
            "this referral has asked %d times: designate a place, or cancel it", LOOP_ASKED_MAX);
    }
    enum status status = offer_new(&offer, loop, place_id);
    if (status == STATUS_OK) {
        status = loop_step(loop, offer, REFERRAL_SYSTEM, "offer");
    }
    return status == STATUS_OK ? loop_commit(loop, offer) : status;
}

/* Whether a place's department has as many open questions as it is to have, from all referrals together. */
static enum status is_busy(bool *out, struct loop *loop, struct text place_id) {
    *out = false;
    struct search_pair pairs[] = {
        {TEXT("owner"), place_reference(loop->scope, "Organization", place_id)}, {TEXT("status"), TEXT("requested")}};
    const yyjson_val **found = NULL;
    size_t count = 0;
    enum status status =
        records_unit_search(&found, &count, loop->unit, loop->referral->task, pairs, 2, LOOP_OFFERS_MAX, loop->scope);
    int open = 0;
    struct text department = department_of(loop);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        yyjson_val *type = yyjson_arr_get_first((yyjson_val *)json_get(found[i], "performerType"));
        bool same = text_equal(coding_code(type, TASK_DEPARTMENT_SYSTEM), department);
        open += same && task_kind_of(found[i]) == REFERRAL_OFFER ? 1 : 0;
    }
    *out = open >= loop->policy.department_offers_max;
    return status;
}

static bool was_asked(const struct loop *loop, struct text place_id) {
    for (size_t i = 0; i < loop->offer_count; i++) {
        if (text_equal(place_of(&loop->offers[i]), place_id)) {
            return true;
        }
    }
    return false;
}

/* While a place that serves the whole need is better, the first of two legs is not asked beside it: its yes, if it came first,
 * would send the patient the worse way. */
static bool waits_for_direct(const struct referral_ranking *ranking, const struct referral_option *option) {
    bool planned = option->ask_batch == 1; /* the plan has weighed that */
    return !planned && option->missing_need >= 0 && ranking->options[0].missing_need < 0;
}

static enum status ask_down_the_list(size_t *asked_out, struct loop *loop, size_t wanted) {
    const struct referral_ranking *ranking = &loop->decision.ranking;
    for (size_t i = 0; i < 2 * ranking->option_count && *asked_out < wanted; i++) {
        bool again = i >= ranking->option_count; /* a second time through, when nobody is left to ask directly */
        const struct referral_option *option = &ranking->options[i % ranking->option_count];
        struct text place = loop->decision.snapshot->places[option->place].id;
        bool busy = false, last_resort = again && *asked_out + loop_open_offers(loop) == 0;
        if (was_asked(loop, place) || (waits_for_direct(ranking, option) && !last_resort)) {
            continue;
        }
        enum status status = is_busy(&busy, loop, place);
        if (status == STATUS_OK && !busy) {
            status = offer_ask(loop, place);
            *asked_out += 1;
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* How many more the policy allows. */
static size_t places_allowed(const struct loop *loop) {
    int parallel = loop->policy.levels[loop->level].parallel;
    parallel = parallel < loop->policy.open_offers_max ? parallel : loop->policy.open_offers_max;
    size_t open = loop_open_offers(loop), left = (size_t)loop->policy.offers_max;
    left = left < LOOP_ASKED_MAX ? left : LOOP_ASKED_MAX;
    left = left > loop->offer_count ? left - loop->offer_count : 0;
    size_t wanted = (size_t)parallel > open ? (size_t)parallel - open : 0;
    return wanted < left ? wanted : left;
}

/* How many of those the plan asks now. Where nobody is being asked, at least one is: to stop is for the control room. */
static size_t places_to_ask(const struct loop *loop) {
    const struct referral_plan *plan = &loop->decision.ranking.plan;
    size_t allowed = places_allowed(loop), now = allowed;
    if (plan->batch_count > 0) {
        now = plan->now_count < allowed ? plan->now_count : allowed;
    }
    return now == 0 && allowed > 0 && loop_open_offers(loop) == 0 ? 1 : now;
}

enum status loop_ask_listed(size_t *asked_out, struct loop *loop) {
    *asked_out = 0;
    return loop->has_decision ? ask_down_the_list(asked_out, loop, places_to_ask(loop)) : STATUS_OK;
}

enum status loop_fill(size_t *asked_out, struct loop *loop) {
    *asked_out = 0;
    if (places_allowed(loop) == 0) {
        return STATUS_OK;
    }
    enum status status = loop_rank(loop, WITHOUT_ASKED, REFERRAL_BEST_PLAN);
    return status == STATUS_OK ? loop_ask_listed(asked_out, loop) : status;
}

/* ---- no, and then ---------------------------------------------------------------------------------------------------- */

static const struct task *first_waiting(const struct loop *loop) {
    for (size_t i = 0; i < loop->offer_count; i++) {
        if (is_waiting(&loop->offers[i])) {
            return &loop->offers[i];
        }
    }
    return NULL;
}

static bool is_asked(const struct loop *loop, struct text place_id) {
    for (size_t i = 0; i < loop->offer_count; i++) {
        if (is_waiting(&loop->offers[i]) && text_equal(place_of(&loop->offers[i]), place_id)) {
            return true;
        }
    }
    return false;
}

void loop_turn(struct loop *loop) {
    const struct task *next = first_waiting(loop);
    if (next != NULL && task_has_input(&loop->parent, "departed") && !is_asked(loop, loop_destination_id(loop))) {
        loop->parent.location = place_reference(loop->scope, "Location", place_of(next));
    }
}

/* The destination is lost: who rolls already keeps a place to roll to. */
static void turn_to_next(struct loop *loop) {
    if (!task_has_input(&loop->parent, "departed")) {
        loop->parent.location = (struct text){0};
    }
    loop_turn(loop);
}

enum status loop_reroute(struct loop *loop, unsigned actors, const char *trigger) {
    enum status status = loop_step(loop, &loop->parent, actors, trigger);
    if (status == STATUS_OK) {
        turn_to_next(loop);
        status = loop_commit(loop, &loop->parent);
    }
    size_t asked = 0;
    if (status == STATUS_OK) {
        status = loop_fill(&asked, loop);
    }
    if (status != STATUS_OK) {
        return status;
    }
    bool any = loop_open_offers(loop) > 0;
    status = loop_step(loop, &loop->parent, REFERRAL_SYSTEM, any ? "offer-next" : "hand-to-controller");
    if (status == STATUS_OK) {
        turn_to_next(loop);
        status = loop_commit(loop, &loop->parent);
    }
    return status;
}

static void copy_reason(struct task *to, const struct task *from) {
    const yyjson_val *reason = json_get(from->json, "statusReason");
    const yyjson_val *coding = yyjson_arr_get_first((yyjson_val *)json_get(reason, "coding"));
    to->reason_system = json_get_text(coding, "system");
    to->reason_code = json_get_text(coding, "code");
    to->reason_text = json_get_text(reason, "text");
}

/* The place that had said yes says no. On the way the old destination stays until there is a new one. */
static enum status lose_destination(struct loop *loop, struct task *offer) {
    copy_reason(&loop->parent, offer);
    const char *business = loop->parent.state.business;
    if (strcmp(business, "accepted") == 0 || strcmp(business, "designated") == 0) {
        enum status status = destination_release(loop);
        return status == STATUS_OK ? loop_reroute(loop, REFERRAL_RECIPIENT, "decline") : status;
    }
    bool here = strcmp(business, "arrived") == 0;
    if (strcmp(business, "en-route") != 0 && !here) {
        return STATUS_OK;
    }
    enum status status = loop_step(loop, &loop->parent, REFERRAL_RECIPIENT, here ? "divert" : "decline");
    if (status == STATUS_OK) {
        status = loop_commit(loop, &loop->parent);
    }
    size_t asked = 0;
    return status == STATUS_OK ? loop_fill(&asked, loop) : status;
}

/* One of several has said no: neither is it the one who must act any more, nor does a patient who rolls roll on towards it. */
enum status loop_turn_from(struct loop *loop, const struct task *offer) {
    struct task *parent = &loop->parent;
    const struct task *next = first_waiting(loop);
    bool owned = text_equal(parent->owner, offer->owner);
    bool ahead = task_has_input(parent, "departed") && text_equal(loop_destination_id(loop), place_of(offer));
    if (next == NULL || !(owned || ahead)) {
        return STATUS_OK;
    }
    parent->owner = owned ? next->owner : parent->owner;
    loop_turn(loop);
    return loop_commit(loop, parent);
}

static enum status after_no(struct loop *loop, const struct task *offer, const char *trigger) {
    size_t asked = 0;
    if (is_business(&loop->parent, "offered") && loop_open_offers(loop) == 0) {
        return loop_reroute(loop, REFERRAL_SYSTEM, trigger);
    }
    if (is_business(&loop->parent, "offered")) {
        enum status status = loop_fill(&asked, loop);
        return status == STATUS_OK ? loop_turn_from(loop, offer) : status;
    }
    if (is_business(&loop->parent, "diverted")) {
        return loop_fill(&asked, loop);
    }
    /* with the control room, which acts; only who rolls towards this place turns */
    return is_business(&loop->parent, "with-controller") ? loop_turn_from(loop, offer) : STATUS_OK;
}

enum status loop_decline(struct loop *loop, struct task *offer, const struct referral_transition *transition) {
    bool had_accepted = !is_waiting(offer);
    bool expired = strcmp(transition->trigger, "expire") == 0;
    enum status status = had_accepted ? STATUS_OK : learning_note(loop, offer, learning_answer_of(offer, expired));
    if (status == STATUS_OK) {
        status = loop_move(loop, offer, transition);
    }
    if (status == STATUS_OK) {
        status = bed_release(loop, offer);
    }
    if (status == STATUS_OK) {
        status = loop_commit(loop, offer);
    }
    if (status != STATUS_OK) {
        return status;
    }
    return had_accepted ? lose_destination(loop, offer) : after_no(loop, offer, expired ? "expire" : "reroute");
}

/* ---- yes, and then -------------------------------------------------------------------------------------------------- */

enum status loop_withdraw_others(struct loop *loop, const struct task *but) {
    for (size_t i = 0; i < loop->offer_count; i++) {
        struct task *offer = &loop->offers[i];
        if (offer == but || !task_is_open(offer)) {
            continue;
        }
        const char *trigger = is_business(offer, "") ? "abandon" : "withdraw";
        const struct referral_transition *transition =
            transition_by_trigger(REFERRAL_OFFER, REFERRAL_SYSTEM, offer->state, trigger);
        if (transition == NULL) {
            continue; /* a visit of the BSeR kind ends by its own rows */
        }
        enum status status = loop_move(loop, offer, transition);
        if (status == STATUS_OK) {
            status = bed_release(loop, offer);
        }
        if (status == STATUS_OK) {
            status = loop_commit(loop, offer);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* The patient rolls already: acceptance and departure are one. */
static enum status roll_on(struct loop *loop) {
    bool departed = task_has_input(&loop->parent, "departed");
    const struct referral_transition *depart =
        transition_by_trigger(REFERRAL_LOOP, REFERRAL_INITIATOR, loop->parent.state, "depart");
    if (!departed || depart == NULL) {
        return STATUS_OK;
    }
    enum status status = loop_move(loop, &loop->parent, depart);
    return status == STATUS_OK ? loop_commit(loop, &loop->parent) : status;
}

static enum status parent_accepts(struct loop *loop, const char *trigger) {
    struct task *parent = &loop->parent;
    unsigned anyone = REFERRAL_INITIATOR | REFERRAL_RECIPIENT | REFERRAL_CONTROLLER;
    const struct referral_transition *transition = transition_by_trigger(REFERRAL_LOOP, anyone, parent->state, trigger);
    if (transition == NULL) {
        transition = transition_by_trigger(REFERRAL_LOOP, anyone, parent->state, "accept");
    }
    if (transition == NULL) {
        return fault_coded(loop->scope, STATUS_CONFLICT, "conflict", "Task.status",
            "the referral is in state %s: no place can accept it now", parent->state.business);
    }
    enum status status = loop_move(loop, parent, transition);
    if (status == STATUS_OK) {
        status = loop_commit(loop, parent);
    }
    return status == STATUS_OK ? roll_on(loop) : status;
}

enum status loop_accept(struct loop *loop, struct task *offer, const struct referral_transition *transition) {
    enum status status = loop_need_case(loop);
    if (status == STATUS_OK && is_waiting(offer)) {
        status = learning_note(loop, offer, REFERRAL_YES);
    }
    if (status == STATUS_OK) {
        status = destination_take(loop, offer->id);
    }
    if (status == STATUS_OK) {
        status = bed_hold(loop, offer);
    }
    if (status == STATUS_OK) {
        status = loop_move(loop, offer, transition);
    }
    if (status == STATUS_OK) {
        offer->location = place_reference(loop->scope, "Location", place_of(offer));
        status = loop_commit(loop, offer);
    }
    if (status == STATUS_OK) {
        status = loop_withdraw_others(loop, offer);
    }
    if (status == STATUS_OK) {
        loop->parent.location = offer->location;
        status = parent_accepts(loop, transition->trigger);
    }
    return status;
}

static enum status take_without_asking(struct task **out, struct loop *loop, struct text place_id) {
    struct task *offer = NULL;
    enum status status = offer_new(&offer, loop, place_id);
    if (status == STATUS_OK) {
        status = destination_take(loop, offer->id);
    }
    if (status == STATUS_OK) {
        status = bed_hold(loop, offer);
    }
    if (status == STATUS_OK) {
        status = loop_step(loop, offer, REFERRAL_SYSTEM, "notify");
    }
    if (status == STATUS_OK) {
        offer->location = place_reference(loop->scope, "Location", place_id);
        status = loop_commit(loop, offer);
    }
    *out = offer;
    return status;
}

enum status loop_name_destination(struct loop *loop, struct text place_id, unsigned actors, const char *trigger) {
    enum status status = loop_need_case(loop);
    struct task *offer = loop_destination_offer(loop);
    bool stays = offer != NULL && text_equal(place_of(offer), place_id);
    if (status == STATUS_OK && !stays) {
        status = take_without_asking(&offer, loop, place_id);
    }
    if (status == STATUS_OK) {
        status = loop_withdraw_others(loop, offer);
    }
    if (status == STATUS_OK) {
        loop->parent.location = place_reference(loop->scope, "Location", place_id);
        status = loop_step(loop, &loop->parent, actors, trigger);
    }
    if (status == STATUS_OK) {
        status = loop_commit(loop, &loop->parent);
    }
    return status == STATUS_OK ? roll_on(loop) : status;
}

enum status loop_name_stabilising(bool *named_out, struct loop *loop, const char *trigger) {
    static const enum loop_without orders[] = {WITHOUT_DECLINED, WITHOUT_NOBODY};
    *named_out = false;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        enum status status = loop_rank(loop, orders[i], REFERRAL_NEAREST_STABILISING);
        if (status != STATUS_OK || !loop->has_decision) {
            return status;
        }
        if (loop->decision.ranking.option_count > 0) {
            *named_out = true;
            struct text place = loop->decision.snapshot->places[loop->decision.ranking.options[0].place].id;
            return loop_name_destination(loop, place, REFERRAL_SYSTEM, trigger);
        }
    }
    return STATUS_OK;
}
