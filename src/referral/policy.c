#include "referral/policy.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *code;
    enum policy_mode mode;
} modes[] = {
    {"notify", POLICY_NOTIFY},
    {"confirm", POLICY_CONFIRM},
    {"inquire", POLICY_INQUIRE},
    {"none", POLICY_NO_INQUIRY},
};

static const struct {
    const char *code;
    enum policy_action action;
} actions[] = {
    {"offer-neighbouring-provinces", POLICY_WIDEN},
    {"control-room-designates", POLICY_DESIGNATE},
    {"mark-delayed", POLICY_DELAYED},
};

const char *policy_mode_code(enum policy_mode mode) {
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (modes[i].mode == mode) {
            return modes[i].code;
        }
    }
    return "inquire";
}

enum { NUMBER_MAX = 1000000 }; /* minutes: nearly two years; beyond it lies a slip, and a time that cannot be told */

/* Members read as {"value": n, "source": ...} or as a plain number; not below 0. */
static enum status read_number(
    double *out, const yyjson_val *object, const char *name, const char *where, struct scope *scope) {
    const yyjson_val *wrapped = json_get(object, name);
    bool found = json_get_double(out, object, name) || json_get_double(out, wrapped, "value");
    if (!found || !isfinite(*out) || *out < 0) {
        return fault(scope, STATUS_INVALID, where, "policy: %s must be a number not below 0", name);
    }
    return *out <= NUMBER_MAX ? STATUS_OK
                              : fault(scope, STATUS_INVALID, where, "policy: %s is at most %d", name, NUMBER_MAX);
}

/* The same where a policy may be silent: then 0. */
static enum status read_optional(
    double *out, const yyjson_val *object, const char *name, const char *where, struct scope *scope) {
    *out = 0;
    return json_get(object, name) == NULL ? STATUS_OK : read_number(out, object, name, where, scope);
}

static unsigned read_levels(const yyjson_val *array) {
    unsigned levels = 0;
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)array, index, count, item) {
        int64_t level = 0;
        if (text_to_int64(&level, json_number_text(item)) && level >= 1 && level <= 5) {
            levels |= 1U << level;
        }
    }
    return levels;
}

static enum status read_extremes(struct policy *out, const yyjson_val *root, struct scope *scope) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(root, "extremes"), index, count, item) {
        if (out->extreme_count == POLICY_EXTREMES_MAX) {
            return fault(scope, STATUS_TOO_COSTLY, "extremes", "policy: more than %d extremes", POLICY_EXTREMES_MAX);
        }
        struct policy_extreme *extreme = &out->extremes[out->extreme_count++];
        *extreme = (struct policy_extreme){
            .id = json_get_text(item, "id"),
            .display_ko = json_get_text(item, "display_ko"),
            .display_en = json_get_text(item, "display_en"),
            .levels = read_levels(json_get(item, "levels")),
            .choose = text_is(json_get_text(item, "choose"), "nearest-stabilising") ? REFERRAL_NEAREST_STABILISING
                                                                                    : REFERRAL_BEST_PLAN,
        };
        size_t need_index, need_count;
        yyjson_val *need;
        yyjson_arr_foreach((yyjson_val *)json_get(item, "needs"), need_index, need_count, need) {
            if (extreme->need_count < POLICY_EXTREME_NEEDS_MAX) {
                extreme->needs[extreme->need_count++] = json_text(need);
            }
        }
    }
    return STATUS_OK;
}

static enum status read_level(struct policy *out, const yyjson_val *item, struct scope *scope) {
    int64_t level = 0;
    if (!json_get_int64(&level, item, "level") || level < 1 || level > 5) {
        return fault(scope, STATUS_INVALID, "levels", "policy: level must be 1 to 5");
    }
    struct policy_level *row = &out->levels[level];
    struct text mode = json_get_text(item, "mode");
    bool known = false;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (text_is(mode, modes[i].code)) {
            row->mode = modes[i].mode;
            known = true;
        }
    }
    if (!known) {
        return fault(scope, STATUS_INVALID, "levels.mode", "policy: mode must be notify, confirm, inquire or none");
    }
    double parallel = 0;
    enum status status = read_number(&row->confirm_min, item, "confirm_minutes", "levels.confirm_minutes", scope);
    if (status == STATUS_OK) {
        status = read_number(&row->offer_min, item, "offer_minutes", "levels.offer_minutes", scope);
    }
    if (status == STATUS_OK) {
        status = read_number(&parallel, item, "parallel_offers", "levels.parallel_offers", scope);
    }
    if (status == STATUS_OK && (parallel < 1 || parallel > 32 || row->offer_min <= 0)) {
        return fault(scope, STATUS_INVALID, "levels", "policy: an offer needs minutes, and 1 to 32 go out at once");
    }
    row->parallel = (int)parallel;
    if (status == STATUS_OK) {
        status = read_optional(&row->ask_cost_min, item, "ask_cost_minutes", "levels.ask_cost_minutes", scope);
    }
    if (status == STATUS_OK) {
        status = read_optional(&row->unplaced_min, item, "unplaced_minutes", "levels.unplaced_minutes", scope);
    }
    if (status == STATUS_OK) {
        status = read_optional(&row->scarcity_min, item, "scarcity_minutes", "levels.scarcity_minutes", scope);
    }
    return status;
}

static enum status read_triggers(struct policy *out, const yyjson_val *root, struct scope *scope) {
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(root, "triggers"), index, count, item) {
        if (out->trigger_count == POLICY_TRIGGERS_MAX) {
            return fault(scope, STATUS_TOO_COSTLY, "triggers", "policy: more than %d triggers", POLICY_TRIGGERS_MAX);
        }
        struct policy_trigger *trigger = &out->triggers[out->trigger_count++];
        *trigger = (struct policy_trigger){.id = json_get_text(item, "id"),
            .then = json_get_text(item, "then"),
            .levels = read_levels(json_get(item, "levels"))};
        enum status status = read_number(&trigger->after_min, item, "after_minutes", "triggers.after_minutes", scope);
        bool known = false;
        for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
            if (text_is(json_get_text(item, "action"), actions[i].code)) {
                trigger->action = actions[i].action;
                known = true;
            }
        }
        const char *path = text_string(scope->arena, text_format(scope->arena, "triggers[%zu].action", index));
        if (status == STATUS_OK && !known) {
            struct text action = json_get_text(item, "action");
            return fault(scope, STATUS_INVALID, path, "policy: there is no action '%.*s'", (int)action.size, action.at);
        }
        if (status != STATUS_OK || trigger->id.size == 0) {
            return status != STATUS_OK ? status : fault(scope, STATUS_INVALID, path, "policy: a trigger needs an id");
        }
    }
    return STATUS_OK;
}

static enum status read_deadlines(struct policy *out, const yyjson_val *root, struct scope *scope) {
    const yyjson_val *deadlines = json_get(root, "deadlines_minutes");
    size_t index, count;
    yyjson_val *key, *value;
    yyjson_obj_foreach((yyjson_val *)deadlines, index, count, key, value) {
        if (out->deadline_count == POLICY_DEADLINES_MAX) {
            return fault(
                scope, STATUS_TOO_COSTLY, "deadlines_minutes", "policy: more than %d deadlines", POLICY_DEADLINES_MAX);
        }
        struct policy_deadline *deadline = &out->deadlines[out->deadline_count++];
        deadline->key = json_text(key);
        enum status status = read_number(&deadline->minutes, value, "value", "deadlines_minutes", scope);
        if (status != STATUS_OK) {
            return status;
        }
        if (json_get(value, "travel_factor") != NULL) {
            status = read_number(&deadline->travel_factor, value, "travel_factor", "deadlines_minutes", scope);
        }
        if (status != STATUS_OK || deadline->minutes <= 0) {
            return status != STATUS_OK
                       ? status
                       : fault(scope, STATUS_INVALID, "deadlines_minutes", "policy: a deadline must be over 0");
        }
    }
    return STATUS_OK;
}

static enum status read_caps(struct policy *out, const yyjson_val *root, struct scope *scope) {
    const yyjson_val *caps = json_get(root, "caps");
    double open = 0, department = 0, all = 0;
    enum status status = read_number(&open, caps, "open_offers_per_referral", "caps.open_offers_per_referral", scope);
    if (status == STATUS_OK) {
        status = read_number(&department, caps, "open_offers_per_department", "caps.open_offers_per_department", scope);
    }
    if (status == STATUS_OK) {
        status = read_number(&all, caps, "offers_per_referral", "caps.offers_per_referral", scope);
    }
    if (status == STATUS_OK &&
        (open < 1 || open > 64 || department < 1 || department > 1000 || all < 1 || all > 1000)) {
        return fault(scope, STATUS_INVALID, "caps", "policy: a cap is out of bounds");
    }
    out->open_offers_max = (int)open;
    out->department_offers_max = (int)department;
    out->offers_max = (int)all;
    return status;
}

static enum status read_terms(struct policy *out, const yyjson_val *root, struct scope *scope) {
    const yyjson_val *terms = json_get(root, "patient_terms");
    enum status status = read_optional(
        &out->unknown_factor, json_get(root, "board"), "unknown_chance_factor", "board.unknown_chance_factor", scope);
    if (status == STATUS_OK && out->unknown_factor > 1) {
        status =
            fault(scope, STATUS_INVALID, "board.unknown_chance_factor", "policy: a factor of a chance is at most 1");
    }
    const yyjson_val *board = json_get(root, "board");
    const yyjson_val *excludes = json_get(json_get(board, "notice_excludes"), "value");
    if (status == STATUS_OK && excludes != NULL &&
        !json_get_bool(&out->notice_excludes, json_get(board, "notice_excludes"), "value")) {
        status = fault(scope, STATUS_INVALID, "board.notice_excludes", "policy: true or false");
    }
    if (status == STATUS_OK) {
        status = read_optional(&out->fades_from_min, board, "fades_from_minutes", "board.fades_from_minutes", scope);
    }
    if (status == STATUS_OK) {
        status = read_optional(
            &out->ignored_after_min, board, "ignored_after_minutes", "board.ignored_after_minutes", scope);
    }
    if (status != STATUS_OK || terms == NULL) {
        return status;
    }
    status =
        read_optional(&out->family_min, terms, "family_place_minutes", "patient_terms.family_place_minutes", scope);
    if (status != STATUS_OK) {
        return status;
    }
    out->term_levels = read_levels(json_get(json_get(terms, "levels"), "value"));
    return read_number(&out->continuity_min, terms, "continuity_minutes", "patient_terms.continuity_minutes", scope);
}

static enum status read_confirmation(struct policy *out, const yyjson_val *root, struct scope *scope) {
    static const struct {
        const char *code;
        unsigned by;
    } words[] = {{"hospital", POLICY_BY_HOSPITAL}, {"e-consult", POLICY_BY_CONSULT},
        {"control-room", POLICY_BY_CONTROL_ROOM}, {"anybody", POLICY_BY_ANYBODY}};
    const yyjson_val *confirmation = json_get(root, "confirmation");
    const yyjson_val *list = json_get(json_get(confirmation, "by"), "value");
    out->confirmed_by = POLICY_BY_DEFAULT;
    if (confirmation == NULL) {
        return STATUS_OK;
    }
    if (!yyjson_is_arr((yyjson_val *)list)) {
        return fault(scope, STATUS_INVALID, "confirmation.by", "policy: a list of whose word confirms");
    }
    out->confirmed_by = 0;
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)list, index, count, item) {
        unsigned by = 0;
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            by |= text_is(json_text(item), words[i].code) ? words[i].by : 0;
        }
        if (by == 0) {
            return fault(scope, STATUS_INVALID, "confirmation.by",
                "policy: hospital, e-consult, control-room or anybody, not '%.*s'", (int)json_text(item).size,
                json_text(item).at);
        }
        out->confirmed_by |= by;
    }
    return STATUS_OK;
}

enum status policy_read(struct policy *out, struct text document, struct scope *scope) {
    *out = (struct policy){0};
    if (document.size == 0) {
        document = (struct text){policy_built_in, policy_built_in_size};
    }
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_TEXT_SIZE];
    digest_sha256(digest, document);
    digest_text(hex, digest);
    out->hash = text_copy(scope->arena, text_from(hex));

    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, document, scope);
    if (status != STATUS_OK) {
        return status;
    }
    const yyjson_val *root = yyjson_doc_get_root(doc);
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)json_get(root, "levels"), index, count, item) {
        if (status == STATUS_OK) {
            status = read_level(out, item, scope);
        }
    }
    for (int level = 1; level <= 5 && status == STATUS_OK; level++) {
        if (out->levels[level].parallel == 0) {
            status = fault(scope, STATUS_INVALID, "levels", "policy: level %d is missing", level);
        }
    }
    static enum status (*const parts[])(struct policy *, const yyjson_val *, struct scope *) = {
        read_extremes, read_triggers, read_caps, read_deadlines, read_terms, read_confirmation};
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == STATUS_OK; i++) {
        status = parts[i](out, root, scope);
    }
    return status == STATUS_OK ? policy_check_clocks(out, scope) : status;
}

const struct policy_extreme *policy_extreme_of(
    const struct policy *policy, int level, const struct text *needs, size_t need_count) {
    for (size_t i = 0; i < policy->extreme_count; i++) {
        const struct policy_extreme *extreme = &policy->extremes[i];
        if (level < 1 || level > 5 || (extreme->levels & (1U << level)) == 0) {
            continue;
        }
        for (size_t n = 0; n < need_count; n++) {
            for (size_t e = 0; e < extreme->need_count; e++) {
                if (text_equal(needs[n], extreme->needs[e])) {
                    return extreme;
                }
            }
        }
    }
    return NULL;
}

#define DEADLINE_OFFERS 3 /* assumption: where no clock ends the asking, it is planned over so many offers in a row */
#define UNPLACED_MIN 180. /* assumption, where a policy does not say: what it costs to find nobody */

struct referral_asking policy_asking(const struct policy *policy, int level, double elapsed_min) {
    const struct policy_level *row = &policy->levels[level];
    struct referral_asking out = {
        .parallel_max = row->parallel < policy->open_offers_max ? row->parallel : policy->open_offers_max,
        .ask_cost_min = row->ask_cost_min,
        .unplaced_min = row->unplaced_min > 0 ? row->unplaced_min : UNPLACED_MIN,
        .silence_min = row->offer_min,
        .elapsed_min = elapsed_min,
        .deadline_min = DEADLINE_OFFERS * row->offer_min};
    for (size_t i = 0; i < policy->trigger_count; i++) {
        const struct policy_trigger *trigger = &policy->triggers[i];
        double left = trigger->after_min - elapsed_min;
        bool ends = trigger->action == POLICY_DESIGNATE && (trigger->levels >> level & 1U) != 0;
        if (ends && left > 0) {
            out.deadline_min = left;
        }
    }
    return out;
}

void policy_apply(struct referral_case *out, const struct policy *policy, double elapsed_min) {
    bool counts = (policy->term_levels >> out->level & 1U) != 0;
    out->continuity_min = counts ? policy->continuity_min : 0;
    out->family_min = counts ? policy->family_min : 0;
    out->scarcity_min = policy->levels[out->level].scarcity_min;
    out->unknown_factor = policy->unknown_factor;
    out->notice_excludes = policy->notice_excludes;
    out->asking = policy_asking(policy, out->level, elapsed_min);
}

double policy_minutes(const struct policy *policy, const char *key, int level, double travel_min) {
    int row = level >= 1 && level <= 5 ? level : 3;
    if (strcmp(key, "offer") == 0) {
        return policy->levels[row].offer_min;
    }
    for (size_t i = 0; i < policy->deadline_count; i++) {
        if (text_is(policy->deadlines[i].key, key)) {
            return policy->deadlines[i].minutes + policy->deadlines[i].travel_factor * travel_min;
        }
    }
    return 30; /* a policy that leaves a key out gets half an hour: something happens all the same */
}
