/* Whether a policy can be lived by: its clocks come to an end, and nobody is asked for ever. Pure. */
#include <string.h>

#include "referral/consult.h"
#include "referral/policy.h"
#include "referral/rank.h"
#include "referral/surge.h"

static int clock_find(const struct policy *policy, struct text id) {
    for (size_t i = 0; i < policy->trigger_count; i++) {
        if (text_equal(policy->triggers[i].id, id)) {
            return (int)i;
        }
    }
    return -1;
}

static const char *path_of(size_t clock, const char *member, struct scope *scope) {
    return text_string(scope->arena, text_format(scope->arena, "triggers[%zu].%s", clock, member));
}

/* The way from one clock on, as a line: "widen -> designate -> widen". */
static struct text way_of(const struct policy *policy, size_t from, struct scope *scope) {
    struct text way = policy->triggers[from].id;
    int at = (int)from;
    for (size_t step = 0; step < policy->trigger_count; step++) {
        struct text next = policy->triggers[at].then;
        way = text_format(scope->arena, "%.*s -> %.*s", (int)way.size, way.at, (int)next.size, next.at);
        at = clock_find(policy, next);
        if (at < 0 || (size_t)at == from) {
            break;
        }
    }
    return way;
}

static enum status check_clock(const struct policy *policy, size_t clock, struct scope *scope) {
    const struct policy_trigger *trigger = &policy->triggers[clock];
    for (size_t i = 0; i < clock; i++) {
        if (text_equal(policy->triggers[i].id, trigger->id)) {
            return fault(scope, STATUS_INVALID, path_of(clock, "id", scope), "policy: this id is given twice");
        }
    }
    if (trigger->then.size == 0 || text_is(trigger->then, "end")) {
        return STATUS_OK;
    }
    int next = clock_find(policy, trigger->then);
    if (next < 0) {
        return fault(scope, STATUS_INVALID, path_of(clock, "then", scope),
            "policy: there is no clock '%.*s'; 'end' ends", (int)trigger->then.size, trigger->then.at);
    }
    int at = next;
    for (size_t step = 0; step <= policy->trigger_count && at >= 0; step++) {
        if ((size_t)at == clock) {
            struct text way = way_of(policy, clock, scope);
            return fault(
                scope, STATUS_INVALID, path_of(clock, "then", scope), "policy: a cycle: %.*s", (int)way.size, way.at);
        }
        at = clock_find(policy, policy->triggers[at].then);
    }
    return policy->triggers[next].after_min > trigger->after_min
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, path_of(clock, "then", scope),
                     "policy: a clock is followed by one that strikes later");
}

/* Where one clock says what follows, all of them do. */
static enum status check_end(const struct policy *policy, size_t clock, struct scope *scope) {
    bool said = false;
    for (size_t i = 0; i < policy->trigger_count; i++) {
        said = said || policy->triggers[i].then.size > 0;
    }
    return !said || policy->triggers[clock].then.size > 0
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, path_of(clock, "then", scope),
                     "policy: without an end: say which clock follows, or 'end'");
}

enum status policy_check_clocks(const struct policy *policy, struct scope *scope) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < policy->trigger_count && status == STATUS_OK; i++) {
        status = check_clock(policy, i, scope);
    }
    for (size_t i = 0; i < policy->trigger_count && status == STATUS_OK; i++) {
        status = check_end(policy, i, scope);
    }
    return status;
}

/* ---- for who writes one --------------------------------------------------------------------------------------------------- */

static const char *const members[] = {"format", "id", "version", "title_ko", "title_en", "note", "sources", "extremes",
    "extreme_action", "levels", "modes", "triggers", "caps", "deadlines_minutes", "offer_deadline", "board",
    "patient_terms", "surge", "consult", "confirmation"};

static enum status check_members(const yyjson_val *root, struct scope *scope) {
    enum status status = STATUS_OK;
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach((yyjson_val *)root, index, count, key, value) {
        bool known = false;
        for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
            known = known || text_is(json_text(key), members[i]);
        }
        if (!known) {
            status = fault(scope, STATUS_INVALID, text_string(scope->arena, json_text(key)),
                "policy: no such member: nobody would read it");
        }
    }
    return status;
}

/* Every level that asks must come to somebody who decides. */
static enum status check_levels(const struct policy *policy, struct scope *scope) {
    enum status status = STATUS_OK;
    for (int level = 1; level <= 5; level++) {
        bool ends = policy->levels[level].mode == POLICY_NO_INQUIRY || policy->levels[level].mode == POLICY_NOTIFY;
        for (size_t i = 0; i < policy->trigger_count; i++) {
            const struct policy_trigger *trigger = &policy->triggers[i];
            ends = ends || (trigger->action == POLICY_DESIGNATE && (trigger->levels >> level & 1U) != 0);
        }
        if (!ends) {
            status = fault(scope, STATUS_INVALID, "triggers",
                "policy: without an end: at level %d places are asked and no clock makes the control room designate",
                level);
        }
    }
    return status;
}

static const char *const deadlines[] = {
    "draft", "reroute", "designate", "depart", "arrive", "divert", "take-over", "return-letter", "acknowledge"};

static enum status check_deadlines(const struct policy *policy, struct scope *scope) {
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        bool found = false;
        for (size_t j = 0; j < policy->deadline_count; j++) {
            found = found || text_is(policy->deadlines[j].key, deadlines[i]);
        }
        if (!found) {
            const char *path =
                text_string(scope->arena, text_format(scope->arena, "deadlines_minutes.%s", deadlines[i]));
            status = fault(scope, STATUS_INVALID, path, "policy: without an end: this state has no deadline");
        }
    }
    return status;
}

/* ---- values that would be passed over ----------------------------------------------------------------------------------- */

static enum status check_level_list(const yyjson_val *list, const char *path, struct scope *scope) {
    bool good = json_count(list) > 0;
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)list, index, count, item) {
        int64_t level = 0;
        good = good && text_to_int64(&level, json_number_text(item)) && level >= 1 && level <= 5;
    }
    return good ? STATUS_OK : fault(scope, STATUS_INVALID, path, "policy: a list of levels, each 1 to 5");
}

static const char *member_path(const char *list, size_t index, const char *member, struct scope *scope) {
    return text_string(scope->arena, text_format(scope->arena, "%s[%zu].%s", list, index, member));
}

static enum status check_lists(const yyjson_val *root, struct scope *scope) {
    static const char *const lists[] = {"extremes", "triggers"};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        size_t index, count;
        yyjson_val *item;
        yyjson_arr_foreach((yyjson_val *)json_get(root, lists[i]), index, count, item) {
            enum status one =
                check_level_list(json_get(item, "levels"), member_path(lists[i], index, "levels", scope), scope);
            status = status == STATUS_OK ? one : status;
        }
    }
    const yyjson_val *terms = json_get(json_get(root, "patient_terms"), "levels");
    enum status one =
        terms == NULL ? STATUS_OK : check_level_list(json_get(terms, "value"), "patient_terms.levels", scope);
    return status == STATUS_OK ? one : status;
}

static bool is_known(const struct region_needs *needs, struct text code) {
    return needs != NULL ? region_needs_have(needs, code) : need_number(code) >= 0;
}

static enum status check_extreme(
    const yyjson_val *extreme, size_t index, const struct region_needs *region, struct scope *scope) {
    struct text choose = json_get_text(extreme, "choose");
    const yyjson_val *needs = json_get(extreme, "needs");
    if (!text_is(choose, "nearest-stabilising") && !text_is(choose, "best-plan")) {
        return fault(scope, STATUS_INVALID, member_path("extremes", index, "choose", scope),
            "policy: nearest-stabilising or best-plan");
    }
    if (json_get_text(extreme, "id").size == 0) {
        return fault(
            scope, STATUS_INVALID, member_path("extremes", index, "id", scope), "policy: an extreme has an id");
    }
    bool good = json_count(needs) > 0 && json_count(needs) <= POLICY_EXTREME_NEEDS_MAX;
    size_t at, count;
    yyjson_val *need;
    if (!good) {
        return fault(scope, STATUS_INVALID, member_path("extremes", index, "needs", scope),
            "policy: 1 to %d codes of needs", POLICY_EXTREME_NEEDS_MAX);
    }
    yyjson_arr_foreach((yyjson_val *)needs, at, count, need) {
        if (!is_known(region, json_text(need))) { /* nobody would ever be one of these */
            return fault(scope, STATUS_INVALID,
                text_string(scope->arena, text_format(scope->arena, "extremes[%zu].needs[%zu]", index, at)),
                region != NULL ? "policy: there is no such need; the codes are those of the region's conditions.csv "
                                 "and needs-own.csv"
                               : "policy: there is no such need among those that the program knows by itself");
        }
    }
    return STATUS_OK;
}

static enum status check_extremes(const yyjson_val *root, const struct region_needs *needs, struct scope *scope) {
    enum status status = STATUS_OK;
    size_t index, count;
    yyjson_val *extreme;
    yyjson_arr_foreach((yyjson_val *)json_get(root, "extremes"), index, count, extreme) {
        enum status one = check_extreme(extreme, index, needs, scope);
        status = status == STATUS_OK ? one : status;
    }
    return status;
}

/* Each level once: of two the later would stand, and nobody would know. */
static enum status check_level_rows(const yyjson_val *root, struct scope *scope) {
    unsigned seen = 0;
    size_t index, count;
    yyjson_val *row;
    yyjson_arr_foreach((yyjson_val *)json_get(root, "levels"), index, count, row) {
        int64_t level = 0;
        (void)json_get_int64(&level, row, "level");
        if ((seen >> level & 1U) != 0) {
            return fault(scope, STATUS_INVALID, member_path("levels", index, "level", scope),
                "policy: this level is given twice");
        }
        seen |= 1U << level;
    }
    return STATUS_OK;
}

static enum status check_board(const struct policy *policy, struct scope *scope) {
    return policy->ignored_after_min == 0 || policy->ignored_after_min > policy->fades_from_min
               ? STATUS_OK
               : fault(scope, STATUS_INVALID, "board.ignored_after_minutes",
                     "policy: a count is ignored after it has begun to fade");
}

/* The parts that other engines read. */
static enum status check_others(struct text document, struct scope *scope) {
    struct consult_policy consult;
    struct surge_policy surge;
    enum status asked = consult_policy_read(&consult, document, scope);
    enum status wave = surge_policy_read(&surge, document, scope);
    return asked == STATUS_OK ? wave : asked;
}

enum status policy_check(
    struct policy *out, struct text document, const struct region_needs *needs, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, document, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *root = yyjson_doc_get_root(doc);
    if (!text_is(json_get_text(root, "format"), "soyang-policy/1")) {
        return fault(scope, STATUS_INVALID, "format", "policy: format is soyang-policy/1");
    }
    status = policy_read(out, document, scope);
    if (status != STATUS_OK) {
        return status;
    }
    enum status parts[] = {check_members(root, scope), check_level_rows(root, scope), check_lists(root, scope),
        check_extremes(root, needs, scope), check_levels(out, scope), check_deadlines(out, scope),
        check_board(out, scope), check_others(document, scope)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        status = status == STATUS_OK ? parts[i] : status;
    }
    return status;
}
