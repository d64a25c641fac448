/* The clocks that run from the first offer: until the control room confirms, until a trigger of the policy. */
#include "referral/loop.h"

#define MINUTE_US 60000000.0

static struct text clock_key(const struct loop *loop, struct text id) {
    return text_format(
        loop->scope->arena, "%.*s/%.*s", (int)loop->parent.id.size, loop->parent.id.at, (int)id.size, id.at);
}

enum status loop_start_clocks(struct loop *loop) {
    struct store_unit *unit = records_unit_store(loop->unit);
    const struct policy_level *level = &loop->policy.levels[loop->level];
    enum status status = STATUS_OK;
    if (!task_has_input(&loop->parent, "first-offer")) {
        task_add_number(&loop->parent, false, "first-offer", TASK_VALUE_INSTANT, loop->now_us);
    }
    if (level->mode == POLICY_CONFIRM && level->confirm_min > 0) {
        status = store_unit_due_set(unit, TEXT(DUE_TRIGGER), clock_key(loop, TEXT("confirm")),
            loop->now_us + (int64_t)(level->confirm_min * MINUTE_US), loop->scope);
    }
    for (size_t i = 0; i < loop->policy.trigger_count && status == STATUS_OK; i++) {
        const struct policy_trigger *trigger = &loop->policy.triggers[i];
        if ((trigger->levels >> loop->level & 1U) != 0) {
            status = store_unit_due_set(unit, TEXT(DUE_TRIGGER), clock_key(loop, trigger->id),
                loop->now_us + (int64_t)(trigger->after_min * MINUTE_US), loop->scope);
        }
    }
    return status;
}

enum status loop_stop_clocks(struct loop *loop) {
    struct store_unit *unit = records_unit_store(loop->unit);
    enum status status = store_unit_due_clear(unit, TEXT(DUE_TRIGGER), clock_key(loop, TEXT("confirm")), loop->scope);
    for (size_t i = 0; i < loop->policy.trigger_count && status == STATUS_OK; i++) {
        status =
            store_unit_due_clear(unit, TEXT(DUE_TRIGGER), clock_key(loop, loop->policy.triggers[i].id), loop->scope);
    }
    return status;
}
