/* What a client's transition brings along, by kind and trigger: one row an effect. */
#include <string.h>

#include "referral/loop.h"

static bool is_business(const struct task *task, const char *business) {
    return strcmp(task->state.business, business) == 0;
}

static enum status plain(const struct effect *e) {
    enum status status = loop_move(e->loop, e->subject, e->transition);
    return status == STATUS_OK ? loop_commit(e->loop, e->subject) : status;
}

/* ---- places named by clients ---------------------------------------------------------------------------------------- */

/* The place a client named by owner or location: known to the region, or at least a Location here. */
static enum status named_place(struct text *out, const struct effect *e, bool by_owner) {
    struct text place = reference_id(e->location_wish, "Location");
    if (place.size == 0 && by_owner) {
        place = reference_id(e->owner_wish, "Organization");
    }
    *out = place;
    if (place.size == 0) {
        return STATUS_OK;
    }
    const struct region_snapshot *snapshot = e->loop->snapshot;
    int index = region_place_find(snapshot, place);
    if (index >= 0 && index != snapshot->control_room && !snapshot->places[index].control_room) {
        return STATUS_OK;
    }
    const yyjson_val *there = NULL;
    const struct referral *referral = e->loop->referral;
    fhir_type type = e->location_wish.size > 0 ? referral->location : referral->organization;
    enum status status =
        index >= 0 ? STATUS_NOT_FOUND : records_unit_get(&there, e->loop->unit, type, place, e->loop->scope);
    if (status == STATUS_NOT_FOUND) {
        return fault(
            e->loop->scope, STATUS_UNPROCESSABLE, "Task.location", "no place of care by that id is known here");
    }
    return status;
}

static enum status need_place(struct text *out, const struct effect *e, bool by_owner) {
    enum status status = named_place(out, e, by_owner);
    if (status == STATUS_OK && out->size == 0) {
        return fault(e->loop->scope, STATUS_UNPROCESSABLE, "Task.location", "%s needs a place: set %slocation",
            e->transition->trigger, by_owner ? "owner or " : "");
    }
    return status;
}

/* ---- asking --------------------------------------------------------------------------------------------------------- */

static enum status ask_drafts(size_t *asked, const struct effect *e) {
    for (size_t i = 0; i < e->loop->offer_count; i++) {
        struct task *offer = &e->loop->offers[i];
        if (!is_business(offer, "") || strcmp(offer->state.status, "draft") != 0) {
            continue;
        }
        enum status status = loop_step(e->loop, offer, REFERRAL_SYSTEM, "offer");
        if (status == STATUS_OK) {
            status = loop_commit(e->loop, offer);
        }
        if (status != STATUS_OK) {
            return status;
        }
        *asked += 1;
    }
    return STATUS_OK;
}

static enum status ask_some(const struct effect *e) {
    struct text place = {0};
    size_t asked = 0;
    enum status status = named_place(&place, e, true);
    if (status == STATUS_OK) {
        status = ask_drafts(&asked, e);
    }
    if (status == STATUS_OK && place.size > 0) {
        status = offer_ask(e->loop, place);
        asked++;
    }
    if (status == STATUS_OK && asked == 0) {
        status = loop_fill(&asked, e->loop);
    }
    if (status == STATUS_OK && loop_open_offers(e->loop) == 0) {
        status = fault(e->loop->scope, STATUS_UNPROCESSABLE, "Task.owner",
            "there is no place to ask: name one as owner, or use $send");
    }
    return status;
}

static enum status send(const struct effect *e) {
    enum status status = ask_some(e);
    if (status == STATUS_OK) {
        status = loop_start_clocks(e->loop);
    }
    return status == STATUS_OK ? plain(e) : status;
}

static enum status offer_next(const struct effect *e) {
    enum status status = ask_some(e);
    loop_turn(e->loop); /* who rolled on with nobody asked */
    return status == STATUS_OK ? plain(e) : status;
}

/* ---- naming a destination ------------------------------------------------------------------------------------------- */

/* Designation, and departure without waiting for an answer: the place is told. */
static enum status name_destination(const struct effect *e) {
    struct text place = {0};
    bool departs = strcmp(e->transition->to.business, "en-route") == 0 && !loop_is_travelling(e->loop);
    if (departs && e->loop->level > 2) {
        return fault(e->loop->scope, STATUS_CONFLICT, "Task.status",
            "only levels 1 and 2 depart before a place has accepted; others may set out by location alone, and go on "
            "being asked for");
    }
    enum status status = named_place(&place, e, !departs);
    if (status == STATUS_OK && place.size == 0 && loop_is_travelling(e->loop)) {
        place = loop_destination_id(e->loop); /* confirmed as it is */
    }
    if (status == STATUS_OK && place.size == 0) {
        status = need_place(&place, e, !departs);
    }
    return status == STATUS_OK ? loop_name_destination(e->loop, place, e->transition->actors, e->transition->trigger)
                               : status;
}

static enum status parent_accept(const struct effect *e) {
    struct text place = reference_id(e->caller->organisation, "Organization");
    if (strcmp(e->transition->trigger, "record-acceptance") == 0 || loop_offer_of(e->loop, place) == NULL) {
        enum status status = named_place(&place, e, true);
        if (status != STATUS_OK) {
            return status;
        }
    }
    struct task *offer = loop_offer_of(e->loop, place);
    const struct referral_transition *yes = NULL;
    if (offer != NULL) {
        yes = transition_by_trigger(REFERRAL_OFFER, e->transition->actors, offer->state, e->transition->trigger);
    }
    if (offer != NULL && is_business(&e->loop->parent, "designated") && is_business(offer, "accepted")) {
        return plain(e); /* told before, now it confirms */
    }
    if (yes == NULL) {
        return fault(e->loop->scope, STATUS_CONFLICT, "Task.owner",
            "no open offer to that place: an acceptance belongs to an offer");
    }
    return loop_accept(e->loop, offer, yes);
}

static enum status depart(const struct effect *e) {
    if (e->location_wish.size > 0 && e->loop->parent.location.size > 0) {
        return fault(e->loop->scope, STATUS_CONFLICT, "Task.location",
            "depart to the place that accepted; divert once on the way");
    }
    if (e->loop->parent.location.size == 0) {
        struct text place = {0};
        enum status status = need_place(&place, e, false);
        if (status != STATUS_OK) {
            return status;
        }
        e->loop->parent.location = e->location_wish;
    }
    return plain(e);
}

/* ---- on the way ----------------------------------------------------------------------------------------------------- */

static enum status divert(const struct effect *e) {
    struct text place = {0};
    size_t asked = 0;
    enum status status = named_place(&place, e, false);
    if (status == STATUS_OK) {
        status = loop_move(e->loop, e->subject, e->transition);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (place.size > 0) {
        e->loop->parent.location = e->location_wish;
        if (loop_offer_of(e->loop, place) == NULL) {
            status = offer_ask(e->loop, place);
        }
    } else {
        status = loop_fill(&asked, e->loop);
    }
    return status == STATUS_OK ? loop_commit(e->loop, e->subject) : status;
}

static enum status keep_destination(const struct effect *e) {
    struct task *destination = loop_destination_offer(e->loop);
    if (destination != NULL) {
        e->loop->parent.location =
            place_reference(e->loop->scope, "Location", reference_id(destination->owner, "Organization"));
    }
    enum status status = loop_withdraw_others(e->loop, destination);
    return status == STATUS_OK ? plain(e) : status;
}

/* Where the patient is, is where the claim is: a place on whose doorstep the patient stands has no say any more. */
static enum status arrive(const struct effect *e) {
    struct text place = loop_destination_id(e->loop);
    struct task *destination = loop_destination_offer(e->loop);
    bool here = destination != NULL && text_equal(reference_id(destination->owner, "Organization"), place);
    if (here || place.size == 0 || e->loop->offer_count == 0) {
        enum status status = here ? loop_withdraw_others(e->loop, destination) : STATUS_OK;
        return status == STATUS_OK ? plain(e) : status;
    }
    return loop_name_destination(e->loop, place, e->transition->actors, e->transition->trigger);
}

static enum status parent_decline(const struct effect *e) {
    struct task *destination = loop_destination_offer(e->loop);
    if (destination == NULL) {
        return fault(
            e->loop->scope, STATUS_CONFLICT, "Task.status", "no place has accepted: there is nothing to take back");
    }
    const yyjson_val *reason = json_get(e->loop->parent.json, "statusReason");
    destination->reason_system = TEXT(REFERRAL_DECLINE_SYSTEM);
    destination->reason_code = coding_code(reason, REFERRAL_DECLINE_SYSTEM);
    destination->reason_text = json_get_text(reason, "text");
    const struct referral_transition *no =
        transition_by_trigger(REFERRAL_OFFER, REFERRAL_RECIPIENT, destination->state, "decline");
    if (no == NULL) {
        return fault(e->loop->scope, STATUS_CONFLICT, "Task.status", "the acceptance can no longer be taken back");
    }
    enum status status = loop_decline(e->loop, destination, no);
    return status == STATUS_OK ? loop_commit(e->loop, e->subject) : status;
}

/* ---- care and ends -------------------------------------------------------------------------------------------------- */

static enum status take_over(const struct effect *e) {
    return loop_take_over(e->loop, e->transition);
}

static enum status give_letter(const struct effect *e) {
    return loop_return(e->loop, e->transition);
}

static enum status end(const struct effect *e) {
    enum status status = plain(e);
    return status == STATUS_OK ? loop_close(e->loop) : status;
}

/* ---- BSeR loops: one place, no offers ------------------------------------------------------------------------------- */

static enum status bser(const struct effect *e) {
    struct loop *loop = e->loop;
    struct task *parent = e->subject;
    const char *to = e->transition->to.business;
    bool sends = parent->state.business[0] == '\0';
    if (sends) {
        struct text place = {0};
        enum status status = need_place(&place, e, true);
        if (status != STATUS_OK) {
            return status;
        }
        parent->owner = place_reference(loop->scope, "Organization", place);
    }
    enum status status = loop_move(loop, parent, e->transition);
    if (status == STATUS_OK && strcmp(to, "3.0") == 0) {
        status = destination_take(loop, parent->id);
    }
    bool over = strcmp(to, "4.0") == 0 || strcmp(to, "6.0") == 0 || strcmp(to, "7.0") == 0;
    if (status == STATUS_OK && over) {
        status = destination_release(loop);
    }
    if (status == STATUS_OK) {
        status = loop_commit(loop, parent);
    }
    return status == STATUS_OK && strcmp(to, "6.0") == 0 ? loop_close(loop) : status;
}

/* ---- offers --------------------------------------------------------------------------------------------------------- */

static enum status offer_yes(const struct effect *e) {
    return loop_accept(e->loop, e->subject, e->transition);
}

static enum status offer_no(const struct effect *e) {
    return loop_decline(e->loop, e->subject, e->transition);
}

static enum status offer_out(const struct effect *e) {
    if (!loop_is_asking(e->loop) && !is_business(&e->loop->parent, "diverted")) {
        return fault(e->loop->scope, STATUS_CONFLICT, "Task.status", "the referral asks nobody in state %s",
            e->loop->parent.state.business);
    }
    if (is_business(&e->loop->parent, "")) {
        return fault(
            e->loop->scope, STATUS_CONFLICT, "Task.status", "send the referral itself: its drafts go out with it");
    }
    return plain(e);
}

static enum status offer_taken_over(const struct effect *e) {
    const struct referral_transition *taken =
        transition_by_trigger(REFERRAL_LOOP, REFERRAL_RECIPIENT, e->loop->parent.state, "take-over");
    if (taken == NULL) {
        return fault(e->loop->scope, STATUS_CONFLICT, "Task.status",
            "take over once the patient has arrived; the referral is in state %s", e->loop->parent.state.business);
    }
    return loop_take_over(e->loop, taken);
}

static const struct {
    unsigned kinds;
    const char *trigger;
    enum status (*run)(const struct effect *);
} effects[] = {
    {REFERRAL_LOOP, "send", send},
    {REFERRAL_LOOP, "offer-next", offer_next},
    {REFERRAL_LOOP, "notify", name_destination},
    {REFERRAL_LOOP, "depart-now", name_destination},
    {REFERRAL_LOOP, "designate", name_destination},
    {REFERRAL_LOOP, "accept", parent_accept},
    {REFERRAL_LOOP, "record-acceptance", parent_accept},
    {REFERRAL_LOOP, "depart", depart},
    {REFERRAL_LOOP, "divert", divert},
    {REFERRAL_LOOP, "keep-destination", keep_destination},
    {REFERRAL_LOOP, "arrive", arrive},
    {REFERRAL_LOOP, "decline", parent_decline},
    {REFERRAL_LOOP, "take-over", take_over},
    {REFERRAL_LOOP, "transfer-on", take_over},
    {REFERRAL_LOOP, "return", give_letter},
    {REFERRAL_LOOP, "acknowledge", end},
    {REFERRAL_LOOP, "cancel", end},
    {REFERRAL_LOOP, "refuse", end},
    {REFERRAL_LOOP, "die", end},
    {REFERRAL_OFFER, "accept", offer_yes},
    {REFERRAL_OFFER, "record-acceptance", offer_yes},
    {REFERRAL_OFFER, "designate", offer_yes},
    {REFERRAL_OFFER, "decline", offer_no},
    {REFERRAL_OFFER, "record-decline", offer_no},
    {REFERRAL_OFFER, "offer", offer_out},
    {REFERRAL_OFFER, "send-package", offer_out},
    {REFERRAL_OFFER, "take-over", offer_taken_over},
};

enum status effect_apply(const struct effect *e) {
    if (e->subject->kind == REFERRAL_LOOP && state_is_bser(e->transition->to.business)) {
        return bser(e);
    }
    for (size_t i = 0; i < sizeof effects / sizeof *effects; i++) {
        if ((effects[i].kinds & (unsigned)e->subject->kind) != 0 &&
            strcmp(effects[i].trigger, e->transition->trigger) == 0) {
            return effects[i].run(e);
        }
    }
    return plain(e);
}
