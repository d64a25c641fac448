/* Deadlines: what happens when nobody has acted. Each handler ends with the due row moved or gone. */
#include <string.h>

#include "referral/learning.h"

#define MINUTE_US 60000000

static bool is_business(const struct task *task, const char *business) {
    return strcmp(task->state.business, business) == 0;
}

/* ---- the loop's own deadline ------------------------------------------------------------------------------------------ */

/* A reminder: the state stays, the control room owns it, a new deadline is set. */
static enum status remind(struct loop *loop, const char *trigger) {
    enum status status = loop_step(loop, &loop->parent, REFERRAL_SYSTEM, trigger);
    return status == STATUS_OK ? loop_commit(loop, &loop->parent) : status;
}

static enum status put_off(struct loop *loop) {
    const struct state_row *row = task_row(&loop->parent);
    double minutes = policy_minutes(&loop->policy, row->deadline, loop->level, 0);
    loop->parent.deadline_us = loop->now_us + (int64_t)(minutes * MINUTE_US);
    return loop_commit(loop, &loop->parent);
}

static enum status expire_offers(struct loop *loop, int64_t *latest_us) {
    *latest_us = 0;
    for (size_t i = 0; i < loop->offer_count; i++) {
        struct task *offer = &loop->offers[i];
        const struct referral_transition *expire =
            transition_by_trigger(REFERRAL_OFFER, REFERRAL_SYSTEM, offer->state, "expire");
        if (expire == NULL) {
            continue;
        }
        if (offer->deadline_us > loop->now_us) {
            *latest_us = offer->deadline_us > *latest_us ? offer->deadline_us : *latest_us;
            continue;
        }
        enum status status = learning_note(loop, offer, REFERRAL_SILENT);
        if (status == STATUS_OK) {
            status = loop_move(loop, offer, expire);
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

/* Some have let their time pass and others have time left: the next is asked as after any expiry, and nobody waits for, or rolls towards,
 * who has been silent. */
static enum status go_on(struct loop *loop) {
    size_t asked = 0;
    enum status status = loop_fill(&asked, loop);
    for (size_t i = 0; i < loop->offer_count && status == STATUS_OK; i++) {
        if (is_business(&loop->offers[i], "expired")) {
            status = loop_turn_from(loop, &loop->offers[i]);
        }
    }
    return status == STATUS_OK ? loop_commit(loop, &loop->parent) : status;
}

/* Offers that were sent later than the first have their own, later deadlines: the loop waits for the last. */
static enum status expire_loop(struct loop *loop) {
    int64_t latest_us = 0;
    enum status status = expire_offers(loop, &latest_us);
    if (status != STATUS_OK) {
        return status;
    }
    if (latest_us > 0) {
        loop->parent.deadline_us = latest_us;
        return go_on(loop);
    }
    return loop_reroute(loop, REFERRAL_SYSTEM, "expire");
}

static enum status hand_over(struct loop *loop) {
    return remind(loop, "hand-to-controller");
}

/* No place at all is known, or as many have been named as a referral holds: the control room is asked again. */
static enum status name_or_put_off(struct loop *loop, const char *trigger) {
    bool named = false;
    enum status status = STATUS_OK;
    if (loop->offer_count < LOOP_OFFERS_MAX) {
        status = loop_name_stabilising(&named, loop, trigger);
    }
    return status == STATUS_OK && !named ? put_off(loop) : status;
}

static enum status designate_late(struct loop *loop) {
    return name_or_put_off(loop, "designate-late");
}

/* Nobody decided. A new destination that was named stands; else the nearest place that can stabilise. */
static enum status divert_designate(struct loop *loop) {
    struct text place = loop_destination_id(loop);
    struct task *old = loop_destination_offer(loop);
    bool moved = place.size > 0 && (old == NULL || !text_equal(reference_id(old->owner, "Organization"), place));
    struct task *asked = loop_offer_of(loop, place);
    if (moved && asked != NULL && loop->offer_count < LOOP_OFFERS_MAX) {
        return loop_name_destination(loop, place, REFERRAL_SYSTEM, "divert-designate");
    }
    return name_or_put_off(loop, "divert-designate");
}

static enum status reroute(struct loop *loop) {
    return loop_reroute(loop, REFERRAL_SYSTEM, "reroute");
}

static enum status close_with(struct loop *loop, const char *trigger) {
    enum status status = remind(loop, trigger);
    return status == STATUS_OK ? loop_close(loop) : status;
}

static enum status abandon(struct loop *loop) {
    return close_with(loop, "abandon");
}

static enum status confirm_cancel(struct loop *loop) {
    return close_with(loop, "confirm-cancel");
}

static const struct {
    const char *trigger;
    enum status (*run)(struct loop *);
} actions[] = {
    {"expire", expire_loop},
    {"hand-to-controller", hand_over},
    {"designate-late", designate_late},
    {"divert-designate", divert_designate},
    {"reroute", reroute},
    {"abandon", abandon},
    {"confirm-cancel", confirm_cancel},
};

static enum status act(struct loop *loop, const char *trigger) {
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].trigger, trigger) == 0) {
            return actions[i].run(loop);
        }
    }
    return remind(loop, trigger);
}

/* An earlier deadline that was moved meanwhile is not due yet. */
static bool too_early(const struct loop *loop, const struct task *task) {
    return task->deadline_us > loop->now_us && task->deadline_us > clock_now_us(loop->referral->clock);
}

enum status due_loop(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope) {
    struct referral *referral = context;
    struct loop *loop = NULL;
    (void)at_us;
    enum status status = loop_open(&loop, referral, unit, key, scope);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !task_is_open(&loop->parent))) {
        return store_unit_due_clear(records_unit_store(unit), TEXT(DUE_LOOP), key, scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (too_early(loop, &loop->parent)) {
        return store_unit_due_set(records_unit_store(unit), TEXT(DUE_LOOP), key, loop->parent.deadline_us, scope);
    }
    if (task_row(&loop->parent)->at_deadline == NULL) {
        return put_off(loop);
    }
    return act(loop, task_row(&loop->parent)->at_deadline);
}

/* ---- an offer's deadline ------------------------------------------------------------------------------------------------ */

static enum status offer_due(struct loop *loop, struct task *offer) {
    const struct state_row *row = task_row(offer);
    const char *trigger = is_business(offer, "") ? "abandon" : row->at_deadline;
    if (is_business(offer, "accepted") && !is_business(&loop->parent, "accepted") &&
        !is_business(&loop->parent, "designated")) {
        /* the loop has gone on: its own deadlines watch over what follows */
        int64_t next = loop->now_us + (int64_t)(policy_minutes(&loop->policy, "depart", loop->level, 0) * MINUTE_US);
        offer->deadline_us = loop->parent.deadline_us > next ? loop->parent.deadline_us : next;
        return loop_commit(loop, offer);
    }
    const struct referral_transition *transition =
        transition_by_trigger(REFERRAL_OFFER, REFERRAL_SYSTEM, offer->state, trigger);
    if (transition == NULL) {
        offer->deadline_us = loop->now_us + INT64_C(60) * MINUTE_US;
        return loop_commit(loop, offer);
    }
    if (strcmp(trigger, "expire") == 0) {
        return loop_decline(loop, offer, transition);
    }
    enum status status = loop_move(loop, offer, transition);
    return status == STATUS_OK ? loop_commit(loop, offer) : status;
}

enum status due_offer(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope) {
    struct referral *referral = context;
    struct store_unit *store = records_unit_store(unit);
    const yyjson_val *json = NULL;
    struct task task;
    struct loop *loop = NULL;
    (void)at_us;
    enum status status = records_unit_get(&json, unit, referral->task, key, scope);
    if (status == STATUS_OK) {
        bool governed = task_is_governed(json) && task_read(&task, json) && task_is_open(&task);
        status =
            governed ? loop_open(&loop, referral, unit, reference_id(task.part_of, "Task"), scope) : STATUS_NOT_FOUND;
    }
    if (status == STATUS_NOT_FOUND) {
        return store_unit_due_clear(store, TEXT(DUE_OFFER), key, scope);
    }
    for (size_t i = 0; status == STATUS_OK && i < loop->offer_count; i++) {
        struct task *offer = &loop->offers[i];
        if (text_equal(offer->id, key)) {
            return too_early(loop, offer) ? store_unit_due_set(store, TEXT(DUE_OFFER), key, offer->deadline_us, scope)
                                          : offer_due(loop, offer);
        }
    }
    return status == STATUS_OK ? store_unit_due_clear(store, TEXT(DUE_OFFER), key, scope) : status;
}

/* ---- a bed's lease ------------------------------------------------------------------------------------------------------ */

/* The bed is free again; the acceptance stands, and the offer says that no bed waits for it any more. */
enum status due_hold(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope) {
    struct referral *referral = context;
    struct store_unit *store = records_unit_store(unit);
    const yyjson_val *json = NULL;
    struct task offer;
    struct loop *loop = NULL;
    int64_t until_us = 0;
    (void)at_us;
    enum status status = records_unit_get(&json, unit, referral->task, key, scope);
    bool governed = status == STATUS_OK && task_is_governed(json) && task_read(&offer, json) && task_is_open(&offer) &&
                    time_parse(&until_us, task_output_text(&offer, "hold-until"));
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !governed)) {
        return store_unit_due_clear(store, TEXT(DUE_HOLD), key, scope);
    }
    if (status == STATUS_OK && until_us > records_unit_time_us(unit) && until_us > clock_now_us(referral->clock)) {
        return store_unit_due_set(store, TEXT(DUE_HOLD), key, until_us, scope); /* the clock was set back */
    }
    if (status == STATUS_OK) {
        status = loop_begin(&loop, referral, unit, scope);
    }
    if (status == STATUS_OK) {
        status = bed_release(loop, &offer);
    }
    if (status == STATUS_OK) {
        task_add_number(&offer, true, "hold-ended", TASK_VALUE_INSTANT, loop->now_us);
        status = loop_commit(loop, &offer);
    }
    return status;
}

/* ---- the clocks from the first offer -------------------------------------------------------------------------------------- */

#define NEIGHBOUR_NEAR_ENOUGH                                                                                          \
    .8 /* assumption: of the best place left, what a neighbour's score must reach to be asked before it */

/* One more place than else at once: the best of the neighbouring provinces, or the next by rank where that is clearly better. */
static const struct region_place *choose_wider(struct loop *loop) {
    const struct referral_ranking *ranking = &loop->decision.ranking;
    const struct region_place *places = loop->decision.snapshot->places, *best = NULL;
    double best_score = 0;
    for (size_t i = 0; i < ranking->option_count; i++) {
        const struct referral_option *option = &ranking->options[i];
        const struct region_place *place = &places[option->place];
        if (loop_offer_of(loop, place->id) != NULL) {
            continue;
        }
        if (best == NULL) {
            best = place;
            best_score = option->score;
        }
        if (place->neighbour && option->score >= NEIGHBOUR_NEAR_ENOUGH * best_score) {
            return place;
        }
    }
    return best;
}

static enum status widen(struct loop *loop) {
    bool full = loop_open_offers(loop) >= (size_t)loop->policy.open_offers_max ||
                loop->offer_count >= (size_t)loop->policy.offers_max || loop->offer_count >= LOOP_ASKED_MAX;
    if (full) {
        return STATUS_OK;
    }
    enum status status = loop_rank(loop, WITHOUT_ASKED, REFERRAL_BEST_PLAN);
    const struct region_place *place = status == STATUS_OK && loop->has_decision ? choose_wider(loop) : NULL;
    return place == NULL ? status : offer_ask(loop, place->id);
}

static enum status mark_delayed(struct loop *loop) {
    if (task_has_input(&loop->parent, "delayed")) {
        return STATUS_OK;
    }
    task_add_number(&loop->parent, false, "delayed", TASK_VALUE_INSTANT, loop->now_us);
    return loop_commit(loop, &loop->parent);
}

static enum status run_trigger(struct loop *loop, enum policy_action action) {
    bool offered = is_business(&loop->parent, "offered");
    bool waiting = offered || is_business(&loop->parent, "with-controller") || is_business(&loop->parent, "rerouted");
    switch (action) {
    case POLICY_WIDEN:
        return waiting ? widen(loop) : STATUS_OK;
    case POLICY_DELAYED:
        return waiting ? mark_delayed(loop) : STATUS_OK;
    case POLICY_DESIGNATE:
    case POLICY_CONFIRM_LATE:
        return offered ? hand_over(loop) : STATUS_OK;
    }
    return STATUS_OK;
}

enum status due_trigger(void *context, struct records_unit *unit, struct text key, int64_t at_us, struct scope *scope) {
    struct referral *referral = context;
    struct text rest = key;
    struct text id = text_cut(&rest, '/');
    struct loop *loop = NULL;
    (void)at_us;
    enum status status = store_unit_due_clear(records_unit_store(unit), TEXT(DUE_TRIGGER), key, scope);
    if (status == STATUS_OK) {
        status = loop_open(&loop, referral, unit, id, scope);
    }
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    if (text_is(rest, "confirm")) {
        return run_trigger(loop, POLICY_CONFIRM_LATE);
    }
    for (size_t i = 0; i < loop->policy.trigger_count; i++) {
        if (text_equal(loop->policy.triggers[i].id, rest)) {
            return run_trigger(loop, loop->policy.triggers[i].action);
        }
    }
    return STATUS_OK;
}
