#include "referral/transition.h"

#include <string.h>

const struct referral_transition *referral_transitions(size_t *count_out) {
    *count_out = transition_row_count;
    return transition_rows;
}

const struct reason_row *reason_find(struct text code) {
    for (size_t i = 0; i < reason_row_count; i++) {
        if (text_is(code, reason_rows[i].code)) {
            return &reason_rows[i];
        }
    }
    return NULL;
}

/* ---- states ----------------------------------------------------------------------------------------------------- */

static bool has_status(const struct state_row *row, struct text status) {
    return status.size == 0 || text_is(status, row->status) ||
           (row->other_status != NULL && text_is(status, row->other_status));
}

const struct state_row *state_find(enum referral_task_kind kind, struct text status, struct text business) {
    for (size_t i = 0; i < state_row_count; i++) {
        const struct state_row *row = &state_rows[i];
        bool fits = (row->kinds & (unsigned)kind) != 0 && strlen(row->code) == business.size &&
                    (business.size == 0 || text_is(business, row->code));
        if (fits && has_status(row, status)) {
            return row;
        }
    }
    return NULL;
}

struct referral_state state_of(const struct state_row *row, struct text status) {
    bool other = row->other_status != NULL && text_is(status, row->other_status);
    return (struct referral_state){other ? row->other_status : row->status, row->code};
}

bool state_equal(struct referral_state a, struct referral_state b) {
    return strcmp(a.status, b.status) == 0 && strcmp(a.business, b.business) == 0;
}

bool state_is_bser(const char *business) {
    return business[0] >= '0' && business[0] <= '9';
}

static const struct {
    unsigned kinds;
    const char *own, *bser;
} companions[] = {
    {REFERRAL_LOOP | REFERRAL_OFFER, "offered", "2.0"},
    {REFERRAL_LOOP | REFERRAL_OFFER, "accepted", "3.0"},
    {REFERRAL_LOOP, "designated", "3.0"},
    {REFERRAL_OFFER, "declined", "4.0"},
    {REFERRAL_LOOP, "en-route", "5.1"},
    {REFERRAL_LOOP, "diverted", "5.1"},
    {REFERRAL_LOOP, "arrived", "5.1"},
    {REFERRAL_LOOP, "in-care", "5.1"},
    {REFERRAL_LOOP, "cancelled", "6.0"},
    {REFERRAL_LOOP, "refused-by-patient", "6.0"},
    {REFERRAL_LOOP | REFERRAL_OFFER, "abandoned", "6.0"},
    {REFERRAL_OFFER, "withdrawn", "6.0"},
    {REFERRAL_LOOP, "back-referred", "7.0"},
    {REFERRAL_LOOP, "loop-acknowledged", "7.0"},
};

const char *state_companion(enum referral_task_kind kind, const char *business) {
    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++) {
        if ((companions[i].kinds & (unsigned)kind) != 0 && strcmp(companions[i].own, business) == 0) {
            return companions[i].bser;
        }
    }
    return NULL;
}

/* ---- transitions ------------------------------------------------------------------------------------------------ */

static bool row_fits(
    const struct referral_transition *row, enum referral_task_kind kind, unsigned actors, struct referral_state from) {
    return (row->kinds & (unsigned)kind) != 0 && (row->actors & actors) != 0 && state_equal(row->from, from);
}

const struct referral_transition *referral_transition_find(
    enum referral_task_kind kind, unsigned actors, struct referral_state from, struct referral_state to) {
    for (size_t i = 0; i < transition_row_count; i++) {
        const struct referral_transition *row = &transition_rows[i];
        if (row_fits(row, kind, actors, from) && state_equal(row->to, to)) {
            return row;
        }
    }
    return NULL;
}

const struct referral_transition *transition_by_trigger(
    enum referral_task_kind kind, unsigned actors, struct referral_state from, const char *trigger) {
    for (size_t i = 0; i < transition_row_count; i++) {
        const struct referral_transition *row = &transition_rows[i];
        if (row_fits(row, kind, actors, from) && strcmp(row->trigger, trigger) == 0) {
            return row;
        }
    }
    return NULL;
}

static bool names_target(const struct referral_transition *row, const struct transition_wish *wish) {
    if (wish->status.size > 0 && !text_is(wish->status, row->to.status)) {
        return false;
    }
    if (wish->business.size == 0) {
        return true;
    }
    if (text_is(wish->business, row->to.business)) {
        return true;
    }
    const char *companion = state_companion(wish->kind, row->to.business);
    return wish->business_is_bser && !state_is_bser(wish->from.business) && companion != NULL &&
           text_is(wish->business, companion);
}

static bool records_an_answer(const struct referral_transition *row) {
    return strncmp(row->trigger, "record-", 7) == 0;
}

static const char *const actor_names[] = {"initiator", "recipient", "controller", "system"};

static void name_legal(struct buffer *buffer, const struct transition_wish *wish) {
    bool any = false;
    for (size_t i = 0; i < transition_row_count; i++) {
        const struct referral_transition *row = &transition_rows[i];
        if (!row_fits(row, wish->kind, ~0U, wish->from) || row->actors == REFERRAL_SYSTEM) {
            continue;
        }
        const char *actor = actor_names[row->actors == REFERRAL_INITIATOR   ? 0
                                        : row->actors == REFERRAL_RECIPIENT ? 1
                                                                            : 2];
        buffer_put_format(buffer, "%s%s (%s → %s%s%s)", any ? ", " : "", row->trigger, actor, row->to.status,
            row->to.business[0] == '\0' ? "" : " ", row->to.business);
        any = true;
    }
    if (!any) {
        buffer_put_string(buffer, "none, it is closed");
    }
}

static enum status refuse(const struct transition_wish *wish, bool others_may, struct scope *scope) {
    struct buffer buffer = buffer_open(scope->arena, 8192);
    name_legal(&buffer, wish);
    buffer_put_char(&buffer, '\0');
    const char *kind = wish->kind == REFERRAL_LOOP ? "loop" : "offer";
    const char *state = wish->from.business[0] == '\0' ? wish->from.status : wish->from.business;
    if (others_may) {
        return fault(scope, STATUS_DENIED, "Task.status",
            "the caller may not do this to the %s in state %s; legal from here: %s", kind, state, buffer.at);
    }
    return fault_coded(scope, STATUS_CONFLICT, "conflict", "Task.status",
        "not a legal transition of the %s in state %s; legal from here: %s", kind, state, buffer.at);
}

enum status transition_choose(
    const struct referral_transition **out, const struct transition_wish *wish, struct scope *scope) {
    const struct referral_transition *second = NULL;
    bool others_may = false;
    for (size_t i = 0; i < transition_row_count; i++) {
        const struct referral_transition *row = &transition_rows[i];
        if (!row_fits(row, wish->kind, ~0U, wish->from) || !names_target(row, wish)) {
            continue;
        }
        if ((row->actors & wish->actors) == 0) {
            others_may = true;
            continue;
        }
        if (records_an_answer(row) == wish->by_telephone) {
            *out = row;
            return STATUS_OK;
        }
        if (second == NULL) {
            second = row;
        }
    }
    if (second == NULL) {
        return refuse(wish, others_may, scope);
    }
    *out = second;
    return STATUS_OK;
}
