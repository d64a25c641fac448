/* The guards: every change of a Task or ServiceRequest passes here, inside its unit, before it is written.
 *
 *     guard_task ─ own write? ──────────────→ laws only
 *                ├ not governed ────────────→ as it is
 *                ├ deletion ── guard_delete
 *                ├ new ─────── guard_create
 *                └ changed ─── guard_identity → who → relay | edit | transition → effect → laws → replacement */
#include <string.h>

#include "referral/loop.h"

static bool is_business(const struct task *task, const char *business) {
    return strcmp(task->state.business, business) == 0;
}

/* ---- who ------------------------------------------------------------------------------------------------------------ */

static bool has_part(const struct loop *loop, struct text organisation) {
    struct text place = reference_id(organisation, "Organization");
    if (place.size == 0) {
        return false;
    }
    if (text_equal(place, loop_destination_id(loop)) && !loop_is_asking(loop)) {
        return true;
    }
    for (size_t i = 0; i < loop->offer_count; i++) {
        const struct task *offer = &loop->offers[i];
        bool counts = task_is_open(offer) || is_business(offer, "fulfilled");
        if (counts && text_equal(offer->owner, organisation)) {
            return true;
        }
    }
    return loop->offer_count == 0 && text_equal(loop->parent.owner, organisation) &&
           !text_equal(loop->parent.requester, organisation);
}

static unsigned actors_of(const struct loop *loop, const struct task *subject, const struct records_caller *caller) {
    unsigned all = REFERRAL_INITIATOR | REFERRAL_RECIPIENT | REFERRAL_CONTROLLER;
    if (text_is(caller->role, "administrator") || text_is(caller->role, "system")) {
        return all;
    }
    if (text_is(caller->role, "planner") || text_is(caller->role, "researcher")) {
        return 0;
    }
    unsigned actors = 0;
    if (text_is(caller->role, "control-room")) {
        actors |= REFERRAL_CONTROLLER;
    }
    if (text_equal(caller->organisation, loop->parent.requester)) {
        actors |= REFERRAL_INITIATOR;
    }
    bool receives = subject->kind == REFERRAL_OFFER ? text_equal(subject->owner, caller->organisation)
                                                    : has_part(loop, caller->organisation);
    receives = receives && !text_is(caller->role, "crew"); /* a hospital's own ambulance says no yes for it */
    return receives ? actors | REFERRAL_RECIPIENT : actors;
}

/* What a crew of another organisation may do: carry the patient, and write down what it hears. */
static const char *const crew_triggers[] = {"depart", "depart-now", "arrive", "divert", "keep-destination", "die",
    "refuse", "record-acceptance", "record-decline"};

static bool crew_may(const char *trigger) {
    for (size_t i = 0; i < sizeof crew_triggers / sizeof *crew_triggers; i++) {
        if (strcmp(trigger, crew_triggers[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- identity ------------------------------------------------------------------------------------------------------- */

/* What the engine alone writes among a Task's inputs and outputs. */
static bool is_of_engine(struct text code) {
    static const char *const codes[] = {"departed", "first-offer", "delayed", "decision", "mode", "extreme", "rank",
        "stabilise-for", "second-leg", "second-leg-minutes", "vehicle-away-minutes", "escort", "hold", "hold-until",
        "hold-ended", "return-request"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (text_is(code, codes[i])) {
            return true;
        }
    }
    return false;
}

/* Inputs and outputs stay as they were written; a client adds behind them, and nothing that is the engine's. */
static enum status guard_growing(
    const yyjson_val *before, const yyjson_val *after, const char *member, const char *system, struct scope *scope) {
    yyjson_val *old = (yyjson_val *)json_get(before, member), *new = (yyjson_val *)json_get(after, member);
    const char *path = text_format(scope->arena, "Task.%s", member).at;
    size_t count = yyjson_arr_size(old), new_count = yyjson_arr_size(new);
    bool kept = count <= new_count;
    for (size_t n = 0; n < count && kept; n++) {
        kept = json_equal(yyjson_arr_get(old, n), yyjson_arr_get(new, n));
    }
    if (!kept) {
        return fault(scope, STATUS_CONFLICT, path, "what was written stays: add behind it");
    }
    for (size_t n = count; n < new_count; n++) {
        if (is_of_engine(coding_code(json_get(yyjson_arr_get(new, n), "type"), system))) {
            return fault(scope, STATUS_CONFLICT, path, "the engine alone writes this kind of %s", member);
        }
    }
    return STATUS_OK;
}

static enum status guard_identity(const yyjson_val *before, const yyjson_val *after, struct scope *scope) {
    static const char *const fixed[] = {"focus", "for", "partOf", "requester", "intent", "code"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const yyjson_val *old = json_get(before, fixed[i]), *new = json_get(after, fixed[i]);
        bool same = (old == NULL && new == NULL) || (old != NULL && new != NULL &&json_equal(old, new));
        if (!same) {
            const char *path = text_format(scope->arena, "Task.%s", fixed[i]).at;
            return fault(
                scope, STATUS_CONFLICT, path, "this does not change in the life of a referral: begin another one");
        }
    }
    enum status status = guard_growing(before, after, "input", TASK_INPUT_SYSTEM, scope);
    return status == STATUS_OK ? guard_growing(before, after, "output", TASK_OUTPUT_SYSTEM, scope) : status;
}

static enum status guard_delete(
    struct referral *referral, struct records_change *change, const struct task *before, struct scope *scope) {
    const struct task *open = before;
    struct loop *loop = NULL;
    struct text id = before->kind == REFERRAL_LOOP ? change->id : reference_id(before->part_of, "Task");
    enum status status = loop_open(&loop, referral, change->unit, id, scope);
    if (status == STATUS_OK) {
        open = &loop->parent;
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    if (task_is_open(open) || task_is_open(before)) {
        return fault(scope, STATUS_CONFLICT, "Task", "an open referral is not deleted: cancel it");
    }
    return STATUS_OK;
}

/* ---- creation ------------------------------------------------------------------------------------------------------- */

static enum status check_draft(const yyjson_val *after, struct task *task, struct scope *scope) {
    if (!task_read(task, after) || !is_business(task, "") || strcmp(task->state.status, "draft") != 0) {
        return fault_coded(scope, STATUS_CONFLICT, "conflict", "Task.status",
            "a referral Task begins as a draft without businessStatus; then it is sent");
    }
    if (!text_is(coding_code(json_get(after, "code"), TASK_CODE_SYSTEM), "fulfill")) {
        return fault(
            scope, STATUS_UNPROCESSABLE, "Task.code", "a referral Task has the code fulfill of %s", TASK_CODE_SYSTEM);
    }
    if (json_count(json_get(after, "partOf")) > 1) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.partOf", "an offer is part of one referral");
    }
    if (!text_is(json_get_text(after, "intent"), "order")) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.intent", "a referral Task has the intent order");
    }
    if (reference_id(task->focus, "ServiceRequest").size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.focus", "a referral Task has a ServiceRequest as its focus");
    }
    if (reference_id(task->patient, "Patient").size == 0) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.for", "a referral Task is for a Patient");
    }
    if (reference_id(task->requester, "Organization").size == 0) {
        return fault(
            scope, STATUS_UNPROCESSABLE, "Task.requester", "a referral Task has an Organization as its requester");
    }
    static const char *const own_inputs[] = {"departed", "first-offer", "delayed"};
    for (size_t i = 0; i < sizeof own_inputs / sizeof *own_inputs; i++) {
        if (task_has_input(task, own_inputs[i])) {
            return fault(scope, STATUS_UNPROCESSABLE, "Task.input", "%s is written by the engine only", own_inputs[i]);
        }
    }
    return STATUS_OK;
}

static enum status create_loop(struct loop *loop, const struct records_caller *caller) {
    unsigned actors = actors_of(loop, &loop->parent, caller);
    if ((actors & (REFERRAL_INITIATOR | REFERRAL_CONTROLLER)) == 0) {
        return fault(loop->scope, STATUS_DENIED, "Task.requester", "the caller's organisation is not the requester");
    }
    loop->parent.owner = loop->parent.requester;
    int64_t level = 0;
    if (task_input_number(&level, &loop->parent, "level") && level >= 1 && level <= 5) {
        loop->level = (int)level;
    }
    return STATUS_OK;
}

static enum status create_offer(struct loop **out, struct referral *referral, struct records_change *change,
    const struct task *draft, struct scope *scope) {
    enum status status = loop_open(out, referral, change->unit, reference_id(draft->part_of, "Task"), scope);
    if (status == STATUS_NOT_FOUND) {
        return fault(scope, STATUS_UNPROCESSABLE, "Task.partOf", "there is no such referral");
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct loop *loop = *out;
    unsigned actors = actors_of(loop, &loop->parent, records_unit_caller(change->unit));
    struct text place = reference_id(draft->owner, "Organization");
    bool same = text_equal(draft->patient, loop->parent.patient) && text_equal(draft->focus, loop->parent.focus) &&
                text_equal(draft->requester, loop->parent.requester);
    if ((actors & (REFERRAL_INITIATOR | REFERRAL_CONTROLLER)) == 0) {
        return fault(scope, STATUS_DENIED, "Task.partOf", "only the sender and the control room ask further places");
    }
    if (!same) {
        return fault(
            scope, STATUS_UNPROCESSABLE, "Task", "an offer has for, focus and requester of the referral it is part of");
    }
    if (place.size == 0) {
        return fault(
            scope, STATUS_UNPROCESSABLE, "Task.owner", "an offer has the Organization that is asked as its owner");
    }
    if (!loop_is_asking(loop) && !is_business(&loop->parent, "diverted")) {
        return fault(
            scope, STATUS_CONFLICT, "Task.partOf", "the referral asks nobody in state %s", loop->parent.state.business);
    }
    if (loop_offer_of(loop, place) != NULL) {
        return fault(scope, STATUS_CONFLICT, "Task.owner", "this place is being asked already");
    }
    bool full = loop->offer_count >= LOOP_ASKED_MAX || loop->offer_count >= (size_t)loop->policy.offers_max ||
                loop_open_offers(loop) >= (size_t)loop->policy.open_offers_max;
    return full ? fault(scope, STATUS_CONFLICT, "Task", "the policy allows no further open offer of this referral")
                : STATUS_OK;
}

static enum status guard_create(struct referral *referral, struct records_change *change, struct scope *scope) {
    struct task draft;
    struct loop *loop = NULL;
    enum status status = check_draft(change->after, &draft, scope);
    if (status != STATUS_OK) {
        return status;
    }
    draft.id = change->id;
    draft.is_subject = true;
    struct task *subject = NULL;
    if (draft.kind == REFERRAL_OFFER) {
        status = create_offer(&loop, referral, change, &draft, scope);
        if (status == STATUS_OK) {
            draft.extra_count = 0;
            draft.authored_us = loop->now_us; /* asking and learning count from here: no client's clock */
            if (!task_has_input(&draft, "rank")) {
                task_add_number(&draft, false, "rank", TASK_VALUE_INTEGER, (int64_t)loop->offer_count + 1);
            }
            subject = &loop->offers[loop->offer_count++];
            *subject = draft;
        }
    } else {
        status = loop_begin(&loop, referral, change->unit, scope);
        if (status == STATUS_OK) {
            loop->parent = draft;
            subject = &loop->parent;
            status = create_loop(loop, records_unit_caller(change->unit));
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    subject->location = subject->kind == REFERRAL_LOOP ? draft.location : (struct text){0};
    subject->deadline_us =
        loop->now_us + (int64_t)(policy_minutes(&loop->policy, task_row(subject)->deadline, loop->level, 0) * 60e6);
    status = loop_commit(loop, subject);
    return status == STATUS_OK ? task_write(&change->replacement, subject, loop->now_us, scope) : status;
}

/* ---- what a client wishes --------------------------------------------------------------------------------------------- */

struct wish {
    struct text status, business;
    bool is_bser, by_telephone, changes;
};

/* The code that was set anew, in either system; ours before BSeR's. */
static struct wish wish_of(const struct task *before, const yyjson_val *after) {
    const yyjson_val *old = json_get(before->json, "businessStatus"), *new = json_get(after, "businessStatus");
    struct text own = coding_code(new, REFERRAL_STATE_SYSTEM), other = coding_code(new, BSER_STATE_SYSTEM);
    struct wish wish = {.status = json_get_text(after, "status")};
    if (own.size > 0 && !text_equal(own, coding_code(old, REFERRAL_STATE_SYSTEM))) {
        wish.business = own;
    } else if (other.size > 0 && !text_equal(other, coding_code(old, BSER_STATE_SYSTEM))) {
        wish.business = other;
        wish.is_bser = true;
    }
    bool same_status = text_is(wish.status, before->state.status);
    wish.changes = !same_status || wish.business.size > 0;
    if (same_status && wish.business.size > 0) {
        wish.status = (struct text){0}; /* the business code says it all */
    }
    wish.by_telephone = task_count_inputs(after, "telephone") > task_count_inputs(before->json, "telephone");
    return wish;
}

static enum status guard_reason(
    const struct referral_transition *transition, const struct task *subject, struct scope *scope) {
    const yyjson_val *reason = json_get(subject->json, "statusReason");
    bool declines = strcmp(transition->trigger, "decline") == 0 || strcmp(transition->trigger, "record-decline") == 0;
    if (!transition->reason_required) {
        return STATUS_OK;
    }
    if (declines && !state_is_bser(transition->from.business)) {
        struct text code = coding_code(reason, REFERRAL_DECLINE_SYSTEM);
        return reason_find(code) != NULL ? STATUS_OK
                                         : fault(scope, STATUS_UNPROCESSABLE, "Task.statusReason",
                                               "a decline needs a coding of %s", REFERRAL_DECLINE_SYSTEM);
    }
    bool said = json_get_text(reason, "text").size > 0 || json_count(json_get(reason, "coding")) > 0;
    return said ? STATUS_OK
                : fault(scope, STATUS_UNPROCESSABLE, "Task.statusReason", "%s needs a reason", transition->trigger);
}

static enum status guard_telephone(
    const struct referral_transition *transition, const struct wish *wish, struct scope *scope) {
    bool records = strncmp(transition->trigger, "record-", 7) == 0;
    return !records || wish->by_telephone ? STATUS_OK
                                          : fault(scope, STATUS_UNPROCESSABLE, "Task.input",
                                                "an answer heard by telephone needs an input telephone: who spoke");
}

/* ---- changes ---------------------------------------------------------------------------------------------------------- */

struct update {
    struct referral *referral;
    struct loop *loop;
    struct task *subject;
    const yyjson_val *before, *after;
    struct wish wish;
    struct text owner_wish, location_wish;
    unsigned actors;
};

static enum status choose(const struct referral_transition **out, struct update *u) {
    const struct records_caller *caller = records_unit_caller(u->loop->unit);
    struct transition_wish wish = {
        .kind = u->subject->kind,
        .actors = u->actors,
        .from = u->subject->state,
        .status = u->wish.status,
        .business = u->wish.business,
        .business_is_bser = u->wish.is_bser,
        .by_telephone = u->wish.by_telephone,
    };
    bool crew = text_is(caller->role, "crew") && (u->actors & REFERRAL_INITIATOR) == 0;
    if (crew) {
        wish.actors |= REFERRAL_INITIATOR;
    }
    enum status status = transition_choose(out, &wish, u->loop->scope);
    if (status == STATUS_OK && crew && ((*out)->actors & u->actors) == 0 && !crew_may((*out)->trigger)) {
        return fault(u->loop->scope, STATUS_DENIED, "Task.status",
            "a crew carries the patient and records answers; %s is the sender's", (*out)->trigger);
    }
    return status;
}

static enum status take_level(struct update *u) {
    int64_t level = 0;
    if (task_count_inputs(u->after, "level") == task_count_inputs(u->before, "level")) {
        return STATUS_OK;
    }
    if (!task_input_number(&level, u->subject, "level") || level < 1 || level > 5) {
        return fault(u->loop->scope, STATUS_UNPROCESSABLE, "Task.input.valueInteger", "a level is 1 to 5");
    }
    u->loop->level = (int)level;
    return STATUS_OK;
}

static enum status transit(struct update *u) {
    const struct referral_transition *transition = NULL;
    enum status status = choose(&transition, u);
    if (status == STATUS_OK) {
        status = guard_reason(transition, u->subject, u->loop->scope);
    }
    if (status == STATUS_OK) {
        status = guard_telephone(transition, &u->wish, u->loop->scope);
    }
    if (status == STATUS_OK && u->subject->kind == REFERRAL_LOOP) {
        status = take_level(u); /* a patient may get worse and depart in one write */
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct effect effect = {
        u->loop, u->subject, transition, records_unit_caller(u->loop->unit), u->owner_wish, u->location_wish};
    return effect_apply(&effect);
}

/* A receiver may say on its offer what is the loop's to know: arrived, in care, letter sent. The loop does it; the offer follows. */
static const char *const relayed[] = {"arrived", "in-care", "back-referred"};

static bool is_relayed(const struct update *u) {
    for (size_t i = 0; i < sizeof relayed / sizeof *relayed && u->subject->kind == REFERRAL_OFFER; i++) {
        if (text_is(u->wish.business, relayed[i])) {
            return true;
        }
    }
    return false;
}

static enum status relay(struct update *u) {
    struct loop *loop = u->loop;
    const struct referral_transition *transition = NULL;
    struct transition_wish wish = {
        .kind = REFERRAL_LOOP, .actors = u->actors, .from = loop->parent.state, .business = u->wish.business};
    enum status status = transition_choose(&transition, &wish, loop->scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct text letter = task_output_text(u->subject, "return-letter");
    if (letter.size > 0 && strcmp(transition->trigger, "return") == 0) {
        task_add_text(&loop->parent, true, "return-letter", TASK_VALUE_REFERENCE, letter);
    }
    struct effect effect = {loop, &loop->parent, transition, records_unit_caller(loop->unit), {0}, {0}};
    return effect_apply(&effect);
}

static bool only_note_differs(const yyjson_val *before, const yyjson_val *after) {
    static const char *const free_members[] = {"meta", "note", "lastModified", "_lastModified", "text", "language"};
    const yyjson_val *sides[] = {before, after};
    for (size_t side = 0; side < 2; side++) {
        size_t index, count;
        yyjson_val *key, *value;
        yyjson_obj_foreach((yyjson_val *)sides[side], index, count, key, value) {
            struct text name = json_text(key);
            bool is_free = false;
            for (size_t i = 0; i < sizeof free_members / sizeof *free_members; i++) {
                is_free = is_free || text_is(name, free_members[i]);
            }
            const yyjson_val *other = yyjson_obj_getn((yyjson_val *)sides[1 - side], name.at, name.size);
            if (!is_free && (other == NULL || !json_equal(value, other))) {
                return false;
            }
        }
    }
    return true;
}

/* Setting out before a place has accepted: towards the best candidate, and the asking goes on. */
static enum status roll(struct update *u) {
    struct loop *loop = u->loop;
    struct text place = reference_id(u->location_wish, "Location");
    bool may = (u->actors & (REFERRAL_INITIATOR | REFERRAL_CONTROLLER)) != 0 ||
               text_is(records_unit_caller(loop->unit)->role, "crew");
    bool asking = loop_is_asking(loop) && !is_business(&loop->parent, "");
    if (!may || !asking) {
        return fault(loop->scope, STATUS_CONFLICT, "Task.location",
            "the destination changes by designation or diversion; only who is still asking sets out by location alone");
    }
    if (region_place_find(loop->snapshot, place) < 0) {
        return fault(loop->scope, STATUS_UNPROCESSABLE, "Task.location", "no place of care by that id is known here");
    }
    loop->parent.location = u->location_wish;
    if (!task_has_input(&loop->parent, "departed")) {
        task_add_number(&loop->parent, false, "departed", TASK_VALUE_INSTANT, loop->now_us);
    }
    return STATUS_OK;
}

static enum status retriage(struct update *u) {
    struct loop *loop = u->loop;
    int level_before = loop->level;
    enum status status = take_level(u);
    bool tighter = loop->level < level_before;
    if (status == STATUS_OK && tighter && is_business(&loop->parent, "offered")) {
        status = loop_start_clocks(loop);
    }
    if (status != STATUS_OK || !tighter) {
        return status;
    }
    int64_t latest = loop->now_us + (int64_t)(policy_minutes(&loop->policy, "offer", loop->level, 0) * 60e6);
    for (size_t i = 0; i < loop->offer_count && status == STATUS_OK; i++) {
        struct task *offer = &loop->offers[i];
        if (is_business(offer, "offered") && offer->deadline_us > latest) {
            offer->deadline_us = latest;
            status = loop_commit(loop, offer);
        }
    }
    bool asking = is_business(&loop->parent, "offered") && loop->parent.deadline_us > latest;
    loop->parent.deadline_us = asking ? latest : loop->parent.deadline_us;
    size_t asked = 0;
    return status == STATUS_OK && is_business(&loop->parent, "offered") ? loop_fill(&asked, loop) : status;
}

static enum status edit(struct update *u) {
    struct scope *scope = u->loop->scope;
    const struct records_caller *caller = records_unit_caller(u->loop->unit);
    bool open = task_is_open(u->subject), crew = text_is(caller->role, "crew");
    if (u->actors == 0 && !crew) {
        return fault(scope, STATUS_DENIED, "Task", "the caller has no part in this referral");
    }
    if (!open) {
        return only_note_differs(u->before, u->after)
                   ? STATUS_OK
                   : fault(scope, STATUS_CONFLICT, "Task", "a closed referral Task changes no more, but for its notes");
    }
    enum status status = STATUS_OK;
    if (u->location_wish.size > 0 && u->subject->kind == REFERRAL_LOOP && !is_business(u->subject, "")) {
        status = roll(u);
    }
    bool levelled = task_count_inputs(u->after, "level") > task_count_inputs(u->before, "level");
    if (status == STATUS_OK && levelled && u->subject->kind == REFERRAL_LOOP) {
        status = retriage(u);
    }
    return status == STATUS_OK ? loop_commit(u->loop, u->subject) : status;
}

static enum status take_wishes(struct update *u) {
    struct text location = reference_of(u->after, "location"), owner = reference_of(u->after, "owner");
    u->wish = wish_of(u->subject, u->after);
    if (location.size == 0 && u->subject->location.size > 0 && u->subject->kind == REFERRAL_LOOP &&
        task_is_open(u->subject)) {
        return fault(u->loop->scope, STATUS_UNPROCESSABLE, "Task.location", "a destination may change, never vanish");
    }
    if (location.size > 0 && !text_equal(location, u->subject->location)) {
        u->location_wish = location;
    }
    if (owner.size > 0 && !text_equal(owner, u->subject->owner)) {
        u->owner_wish = owner;
    }
    u->subject->json = u->after;
    u->subject->priority = json_get_text(u->after, "priority");
    u->subject->is_subject = true;
    bool draft = is_business(u->subject, "") && !u->wish.changes;
    if (draft && u->location_wish.size > 0) {
        u->subject->location = u->location_wish;
        u->location_wish = (struct text){0};
    }
    return STATUS_OK;
}

static enum status run_update(struct update *u) {
    const struct records_caller *caller = records_unit_caller(u->loop->unit);
    u->actors = actors_of(u->loop, u->subject, caller);
    enum status status = take_wishes(u);
    if (status != STATUS_OK) {
        return status;
    }
    return is_relayed(u) ? relay(u) : u->wish.changes ? transit(u) : edit(u);
}

static struct task *find_subject(struct loop *loop, struct text id) {
    if (text_equal(loop->parent.id, id)) {
        return &loop->parent;
    }
    for (size_t i = 0; i < loop->offer_count; i++) {
        if (text_equal(loop->offers[i].id, id)) {
            return &loop->offers[i];
        }
    }
    return NULL;
}

static enum status guard_update(
    struct referral *referral, struct records_change *change, const struct task *before, struct scope *scope) {
    struct update update = {.referral = referral, .before = change->before, .after = change->after};
    enum status status = guard_identity(change->before, change->after, scope);
    if (status != STATUS_OK) {
        return status;
    }
    struct text id = before->kind == REFERRAL_LOOP ? change->id : reference_id(before->part_of, "Task");
    status = loop_open(&update.loop, referral, change->unit, id, scope);
    if (status == STATUS_OK) {
        update.subject = find_subject(update.loop, change->id);
    }
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && update.subject == NULL)) {
        return fault(scope, STATUS_CONFLICT, "Task.partOf", "the referral that this offer is part of is not here");
    }
    if (status == STATUS_OK) {
        status = run_update(&update);
    }
    if (status == STATUS_OK) {
        status = law_check_task(update.subject, scope);
    }
    return status == STATUS_OK ? task_write(&change->replacement, update.subject, update.loop->now_us, scope) : status;
}

/* A Task that says nothing of a referral but names one as what it is part of. */
static enum status joins_loop(
    bool *out, struct referral *referral, struct records_change *change, struct scope *scope) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(change->after, "partOf"), index, count, item) {
        struct text id = reference_id(json_get_text(item, "reference"), "Task");
        const yyjson_val *whole = NULL;
        enum status status =
            id.size == 0 ? STATUS_NOT_FOUND : records_unit_get(&whole, change->unit, referral->task, id, scope);
        if (status == STATUS_OK && task_is_governed(whole)) {
            *out = true;
        }
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status guard_task(void *context, struct records_change *change, struct scope *scope) {
    struct referral *referral = context;
    struct task before = {0};
    if (own_write_is(referral, change)) {
        return STATUS_OK; /* loop_commit has checked the laws */
    }
    bool was = task_is_governed(change->before) && task_read(&before, change->before),
         is = task_is_governed(change->after);
    enum status status = was || is ? STATUS_OK : joins_loop(&is, referral, change, scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (!was) {
        return is ? guard_create(referral, change, scope) : STATUS_OK;
    }
    if (change->after == NULL) {
        return guard_delete(referral, change, &before, scope);
    }
    before.id = change->id;
    return guard_update(referral, change, &before, scope);
}

/* ---- ServiceRequest --------------------------------------------------------------------------------------------------- */

static enum status find_open_loop(
    bool *open_out, bool *any_out, struct referral *referral, struct records_change *change, struct scope *scope) {
    struct search_pair pair = {TEXT("focus"), place_reference(scope, "ServiceRequest", change->id)};
    const yyjson_val **found = NULL;
    size_t count = 0;
    enum status status =
        records_unit_search(&found, &count, change->unit, referral->task, &pair, 1, LOOP_OFFERS_MAX, scope);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        struct task task;
        if (task_is_governed(found[i]) && task_read(&task, found[i])) {
            *any_out = true;
            *open_out = *open_out || task_is_open(&task);
        }
    }
    return status;
}

enum status guard_request(void *context, struct records_change *change, struct scope *scope) {
    struct referral *referral = context;
    if (change->before == NULL || own_write_is(referral, change)) {
        return STATUS_OK;
    }
    bool open = false, any = false;
    enum status status = find_open_loop(&open, &any, referral, change, scope);
    if (status != STATUS_OK || !any) {
        return status;
    }
    if (change->after == NULL) {
        return open ? fault(scope, STATUS_CONFLICT, "ServiceRequest",
                          "a request with an open referral is not deleted: cancel the Task")
                    : STATUS_OK;
    }
    static const char *const fixed[] = {"subject", "requester", "intent"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const yyjson_val *old = json_get(change->before, fixed[i]), *new = json_get(change->after, fixed[i]);
        bool same = (old == NULL && new == NULL) || (old != NULL && new != NULL &&json_equal(old, new));
        if (!same) {
            const char *path = text_format(scope->arena, "ServiceRequest.%s", fixed[i]).at;
            return fault(scope, STATUS_CONFLICT, path, "this does not change once a referral carries the request");
        }
    }
    bool same_status = text_equal(json_get_text(change->before, "status"), json_get_text(change->after, "status"));
    if (open && !same_status) {
        return fault(scope, STATUS_CONFLICT, "ServiceRequest.status", "the referral's Task sets this while it is open");
    }
    return STATUS_OK;
}
