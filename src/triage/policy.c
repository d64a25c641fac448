#include "triage/policy.h"

#include <string.h>

/* regions/korea/triage-policy.json, put into the program by policy_builtin.S. */
extern const char triage_policy_builtin[], triage_policy_builtin_end[];

enum { NEEDS_MAX = 64, RULES_MAX = 512, DEPARTMENTS_MAX = 128 };

static const char *const section_names[POLICY_SECTION_COUNT] = {[POLICY_FLOOR] = "floor",
    [POLICY_ADVICE] = "advice",
    [POLICY_NEED] = "need_rules",
    [POLICY_EXTREME] = "extremes",
    [POLICY_LOCAL] = "local",
    [POLICY_SPECIALTY] = "specialties"};

static const struct {
    const char *code, *ko, *en;
} places[] = {
    [TRIAGE_PLACE_CLINIC] = {"clinic", "의원·보건기관", "clinic or health post"},
    [TRIAGE_PLACE_INSTITUTION] = {"institution", "지역응급의료기관 이상", "local emergency institution or higher"},
    [TRIAGE_PLACE_LOCAL_CENTRE] = {"local-centre", "지역응급의료센터 이상", "local emergency centre or higher"},
    [TRIAGE_PLACE_REGIONAL_CENTRE] = {"regional-centre", "권역응급의료센터", "regional emergency centre"},
};

const char *triage_place_code(enum triage_place place) {
    return places[place].code;
}
const char *triage_place_label(enum triage_place place, const char *language) {
    return strcmp(language, "ko") == 0 ? places[place].ko : places[place].en;
}

/* Everything a policy keeps is copied out of the document. */
struct opening {
    struct triage_policy *policy;
    const yyjson_val *root;
    struct arena *arena;
    struct scope *scope;
};

static struct text kept(const struct opening *opening, const yyjson_val *object, const char *name) {
    struct text value = json_get_text(object, name);
    return value.at ? text_copy(opening->arena, value) : value;
}

static enum status place_read(enum triage_place *out, struct text code, const char *path, struct scope *scope) {
    for (int i = 0; i <= TRIAGE_PLACE_REGIONAL_CENTRE; i++) {
        if (text_is(code, places[i].code)) {
            *out = (enum triage_place)i;
            return STATUS_OK;
        }
    }
    return fault(scope, STATUS_INVALID, path, "a place is clinic, institution, local-centre or regional-centre");
}

static enum status departments_read(
    struct policy_departments *out, const struct opening *opening, yyjson_val *list, const char *path) {
    yyjson_val *names = json_get(opening->root, "departments"), *item;
    size_t i, count;
    if (list && !yyjson_is_arr(list))
        return fault(opening->scope, STATUS_INVALID, path, "departments are a list of codes");
    yyjson_arr_foreach(list, i, count, item) {
        const char *code = text_string(opening->arena, json_text(item));
        const yyjson_val *row = json_get(names, code);
        if (!row || out->count == TRIAGE_DEPARTMENTS_MAX)
            return fault(
                opening->scope, STATUS_INVALID, path, "unknown department, or more than %d", TRIAGE_DEPARTMENTS_MAX);
        out->codes[out->count] = code;
        out->names_ko[out->count] = text_string(opening->arena, json_get_text(row, "ko"));
        out->names_en[out->count++] = text_string(opening->arena, json_get_text(row, "en"));
    }
    return STATUS_OK;
}

static int int_member(const yyjson_val *object, const char *name) {
    int64_t value = 0;
    return json_get_int64(&value, object, name) && value > 0 && value < 100000 ? (int)value : 0;
}

static enum status need_read(const struct opening *opening, yyjson_val *item, size_t index) {
    const char *path = text_format(opening->scope->arena, "needs[%zu]", index).at;
    struct triage_need *need = &opening->policy->needs[index];
    struct policy_departments departments = {0};
    const yyjson_val *systems = json_get(opening->root, "systems");
    struct text list = json_get_text(item, "list");
    need->code = kept(opening, item, "code");
    need->system = list.at ? kept(opening, systems, text_string(opening->scope->arena, list)) : list;
    need->name_ko = kept(opening, item, "ko");
    need->name_en = kept(opening, item, "en");
    need->window_minutes = int_member(item, "window_minutes");
    need->window_source = kept(opening, item, "window_source");
    (void)json_get_bool(&need->time_critical, item, "time_critical");
    if (!need->code.size || !need->system.size || !need->name_ko.size || !need->name_en.size)
        return fault(opening->scope, STATUS_INVALID, path, "a need has code, list (of systems), ko and en");
    if (json_get(item, "window_minutes") && !need->window_minutes)
        return fault(opening->scope, STATUS_INVALID, path, "window_minutes is a whole number above 0");
    if (need->window_minutes && !need->window_source.size)
        return fault(opening->scope, STATUS_INVALID, path, "a time window needs its source");
    enum status status = departments_read(&departments, opening, json_get(item, "departments"), path);
    if (status != STATUS_OK)
        return status;
    need->department_count = departments.count;
    memcpy(need->departments, departments.codes, sizeof need->departments);
    memcpy(need->department_names_ko, departments.names_ko, sizeof need->department_names_ko);
    memcpy(need->department_names_en, departments.names_en, sizeof need->department_names_en);
    return place_read(&need->place, json_get_text(item, "place"), path, opening->scope);
}

static enum status needs_read(const struct opening *opening) {
    yyjson_val *list = json_get(opening->root, "needs"), *item;
    size_t i, count = yyjson_arr_size(list);
    if (count == 0 || count > NEEDS_MAX)
        return fault(opening->scope, STATUS_INVALID, "needs", "a policy describes 1 to %d needs", NEEDS_MAX);
    opening->policy->needs = ARENA_ARRAY(opening->arena, struct triage_need, count);
    opening->policy->need_count = count;
    yyjson_arr_foreach(list, i, count, item) {
        enum status status = need_read(opening, item, i);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static bool id_is_new(const struct policy_rules *rules, const struct policy_rule *rule) {
    for (size_t i = 0; i < rules->count; i++) {
        if (&rules->at[i] != rule && text_equal(rules->at[i].id, rule->id))
            return false;
    }
    return true;
}

static enum status rule_read(struct policy_rule *rule, const struct opening *opening, enum policy_section section,
    yyjson_val *item, size_t index) {
    struct scope *scope = opening->scope;
    const char *path = text_format(scope->arena, "%s[%zu]", section_names[section], index).at;
    rule->id = kept(opening, item, "id");
    rule->ko = kept(opening, item, "ko");
    rule->en = kept(opening, item, "en");
    rule->source = kept(opening, item, "source");
    rule->level = int_member(item, "level");
    (void)json_get_bool(&rule->suspected, item, "suspected");
    bool level_fits = json_get(item, "level") ? rule->level >= 1 && rule->level <= 5 : rule->level == 0;
    if (!rule->id.size || !rule->ko.size || !rule->en.size || !level_fits)
        return fault(scope, STATUS_INVALID, path, "a rule has id, ko, en and a level up to 5");
    if (!id_is_new(&opening->policy->sections[section], rule))
        return fault(scope, STATUS_INVALID, path, "another rule of the section has the same id");
    if ((section == POLICY_FLOOR || section == POLICY_ADVICE) && (!rule->level || !rule->source.size))
        return fault(scope, STATUS_INVALID, path, "a rule of the floor or of advice has a level and a source");
    if (section == POLICY_NEED) {
        rule->need = triage_need_find(opening->policy, json_get_text(item, "need"));
        if (!rule->need)
            return fault(scope, STATUS_INVALID, path, "the need is not described under needs");
    }
    enum status status = departments_read(&rule->departments, opening, json_get(item, "departments"), path);
    if (status == STATUS_OK)
        status = triage_condition_open(
            &rule->when, json_get(item, "when"), opening->policy->lexicon, opening->arena, path, scope);
    if (status == STATUS_OK)
        status = triage_condition_open(
            &rule->unless, json_get(item, "unless"), opening->policy->lexicon, opening->arena, path, scope);
    if (status == STATUS_OK && rule->when.count == 0)
        return fault(scope, STATUS_INVALID, path, "a rule without a condition would hold for everybody");
    return status;
}

static enum status default_needs_read(const struct opening *opening) {
    struct triage_policy *policy = opening->policy;
    const yyjson_val *defaults = json_get(opening->root, "defaults");
    policy->need_emergency = triage_need_find(policy, json_get_text(defaults, "need_emergency"));
    policy->need_local = triage_need_find(policy, json_get_text(defaults, "need_local"));
    if (!policy->need_emergency || !policy->need_local)
        return fault(opening->scope, STATUS_INVALID, "defaults",
            "need_emergency and need_local are needs described under needs");
    return STATUS_OK;
}

static enum status section_read(const struct opening *opening, enum policy_section section) {
    yyjson_val *list = json_get(opening->root, section_names[section]), *item;
    size_t i, count = yyjson_arr_size(list);
    struct policy_rules *rules = &opening->policy->sections[section];
    if (list && !yyjson_is_arr(list)) /* a floor that is silently none would be the worst of all */
        return fault(opening->scope, STATUS_INVALID, section_names[section], "a list of rules");
    if (count > RULES_MAX)
        return fault(opening->scope, STATUS_TOO_LARGE, section_names[section], "more than %d rules", RULES_MAX);
    rules->at = ARENA_ARRAY(opening->arena, struct policy_rule, count + 1);
    yyjson_arr_foreach(list, i, count, item) {
        rules->count = i + 1;
        enum status status = rule_read(&rules->at[i], opening, section, item, i);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status defaults_read(const struct opening *opening) {
    struct triage_policy *policy = opening->policy;
    const yyjson_val *defaults = json_get(opening->root, "defaults");
    yyjson_val *by_level = json_get(defaults, "level_places"), *item;
    size_t i, count;
    policy->version = text_string(opening->arena, json_get_text(opening->root, "version"));
    policy->department_system = kept(opening, json_get(opening->root, "systems"), "departments");
    policy->default_level = int_member(defaults, "level");
    policy->default_level_unmeasured = int_member(defaults, "level_unmeasured");
    if (policy->default_level < 1 || policy->default_level > 5 || policy->default_level_unmeasured < 1 ||
        policy->default_level_unmeasured > 5 || yyjson_arr_size(by_level) != 5)
        return fault(
            opening->scope, STATUS_INVALID, "defaults", "level and level_unmeasured are 1 to 5, level_places are five");
    yyjson_arr_foreach(by_level, i, count, item) {
        enum status status =
            place_read(&policy->level_places[i + 1], json_text(item), "defaults.level_places", opening->scope);
        if (status != STATUS_OK)
            return status;
    }
    enum status status = departments_read(&policy->departments_emergency, opening,
        json_get(defaults, "departments_emergency"), "defaults.departments_emergency");
    if (status != STATUS_OK)
        return status;
    return departments_read(
        &policy->departments_clinic, opening, json_get(defaults, "departments_clinic"), "defaults.departments_clinic");
}

enum status triage_policy_open(
    const struct triage_policy **out, struct text document, struct arena *arena, struct scope *scope) {
    if (!document.at)
        document = (struct text){triage_policy_builtin, (size_t)(triage_policy_builtin_end - triage_policy_builtin)};
    yyjson_doc *json = NULL;
    enum status status = json_read(&json, document, scope);
    if (status != STATUS_OK)
        return status;
    struct triage_policy *policy = ARENA_NEW(arena, struct triage_policy);
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(digest, document);
    digest_text(policy->digest, digest);
    struct opening opening = {.policy = policy, .root = yyjson_doc_get_root(json), .arena = arena, .scope = scope};
    status = lexicon_open(&policy->lexicon, json_get(opening.root, "lexicon"), arena, scope);
    if (status == STATUS_OK)
        status = defaults_read(&opening);
    if (status == STATUS_OK)
        status = needs_read(&opening);
    if (status == STATUS_OK)
        status = default_needs_read(&opening);
    for (int section = 0; section < POLICY_SECTION_COUNT && status == STATUS_OK; section++)
        status = section_read(&opening, (enum policy_section)section);
    *out = policy;
    return status;
}

const char *triage_policy_digest(const struct triage_policy *policy) {
    return policy->digest;
}
const char *triage_policy_version(const struct triage_policy *policy) {
    return policy->version;
}
size_t triage_need_count(const struct triage_policy *policy) {
    return policy->need_count;
}
const struct triage_need *triage_need_at(const struct triage_policy *policy, size_t index) {
    return index < policy->need_count ? &policy->needs[index] : NULL;
}
const struct triage_need *triage_need_find(const struct triage_policy *policy, struct text code) {
    for (size_t i = 0; i < policy->need_count; i++) {
        if (text_equal(policy->needs[i].code, code))
            return &policy->needs[i];
    }
    return NULL;
}
struct text triage_department_system(const struct triage_policy *policy) {
    return policy->department_system;
}
