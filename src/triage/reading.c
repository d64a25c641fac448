/* The reading: floor, human, readers, advice and needs become one level, with every reason. Pure. */
#include "triage/policy.h"
#include "triage/sentences.h"

#include <stdlib.h>
#include <string.h>

enum { REASONS_MAX = 160, NEWS2_NEEDS_A_LOOK = 5 };

static const char *const reason_kinds[] = {[TRIAGE_REASON_HUMAN] = "human",
    [TRIAGE_REASON_FLOOR] = "floor",
    [TRIAGE_REASON_ADVICE] = "advice",
    [TRIAGE_REASON_READER] = "reader",
    [TRIAGE_REASON_SCORE] = "score",
    [TRIAGE_REASON_NEED] = "need",
    [TRIAGE_REASON_NOTE] = "note",
    [TRIAGE_REASON_MISSING] = "missing"};
const char *triage_reason_kind_code(enum triage_reason_kind kind) {
    return reason_kinds[kind];
}

struct work {
    struct triage_reading *reading;
    const struct triage_policy *policy;
    struct condition_case patient;
    struct lexicon_matches matches;
    struct arena *arena;
};

/* 0 is none, so that it never wins. */
static int more_urgent(int a, int b) {
    return !a ? b : !b ? a : a < b ? a : b;
}

static struct triage_reason *reason_add(
    struct work *work, enum triage_reason_kind kind, struct text code, struct text ko, struct text en) {
    struct triage_reading *reading = work->reading;
    invariant(reading->reason_count < REASONS_MAX);
    struct triage_reason *reason = &reading->reasons[reading->reason_count];
    if (reading->reason_count + 1 <
        REASONS_MAX) /* the last is written over: a policy may hold more rules than anyone reads */
        reading->reason_count++;
    *reason = (struct triage_reason){.kind = kind, .code = code, .ko = ko, .en = en};
    return reason;
}

static int evidence_fill(
    struct triage_evidence *out, const struct work *work, const struct condition_grounds *grounds) {
    int count = 0;
    for (int i = 0; i < grounds->match_count && count < TRIAGE_EVIDENCE_MAX; i++) {
        const struct lexicon_match *match = grounds->matches[i];
        const struct triage_text *text = &work->patient.facts->texts[match->text];
        struct text quote = {text->text.at ? text->text.at + match->quote_from : NULL, match->to - match->quote_from};
        out[count++] = (struct triage_evidence){.quote = quote.size ? quote : text->code,
            .path = text->path,
            .from = match->quote_from,
            .to = match->to,
            .concept = lexicon_concept_code(work->policy->lexicon, match->concept),
            .possible = match->assertion == LEXICON_POSSIBLE};
    }
    return count;
}

static struct text grounded(const struct work *work, const struct policy_rule *rule,
    const struct condition_grounds *grounds, enum language language) {
    return sentence_with_grounds(
        language == KOREAN ? rule->ko : rule->en, grounds, &work->patient, language, work->arena);
}

static bool rule_holds(struct condition_grounds *grounds, const struct work *work, const struct policy_rule *rule) {
    return triage_condition_holds(grounds, &rule->when, &work->patient) &&
           !triage_condition_any(&rule->unless, &work->patient);
}

/* Level by level, which rules of a section hold. */
struct held {
    int count[6]; /* by level, 1..5 */
};

static int most_urgent_held(const struct held *held, int from) {
    for (int level = from; level <= 5; level++) {
        if (held->count[level])
            return level;
    }
    return 0;
}

/* All rules of a section that hold become reasons. */
static struct held read_levels(struct work *work, enum policy_section section, enum triage_reason_kind kind) {
    struct held held = {{0}};
    const struct policy_rules *rules = &work->policy->sections[section];
    for (size_t i = 0; i < rules->count; i++) {
        const struct policy_rule *rule = &rules->at[i];
        struct condition_grounds grounds;
        if (!rule_holds(&grounds, work, rule))
            continue;
        struct triage_reason *reason = reason_add(
            work, kind, rule->id, grounded(work, rule, &grounds, KOREAN), grounded(work, rule, &grounds, ENGLISH));
        reason->level = rule->level;
        reason->source = rule->source;
        reason->evidence_count = evidence_fill(reason->evidence, work, &grounds);
        held.count[rule->level]++;
    }
    return held;
}

/* ---- needs ---------------------------------------------------------------------------------------------------------- */

static struct triage_needed *needed_find(struct triage_reading *reading, const struct triage_need *need) {
    for (size_t i = 0; i < reading->need_count; i++) {
        if (reading->needs[i].need == need)
            return &reading->needs[i];
    }
    return NULL;
}

static void need_put(struct work *work, const struct policy_rule *rule, const struct condition_grounds *grounds) {
    struct triage_reading *reading = work->reading;
    bool possible = rule->suspected || grounds->possible;
    struct triage_needed *needed = needed_find(reading, rule->need);
    if (needed && (possible || !needed->possible))
        return; /* the first rule that finds it speaks; a firm one over a suspicion */
    if (!needed) {
        if (reading->need_count == TRIAGE_NEEDED_MAX)
            return;
        needed = &reading->needs[reading->need_count++];
    }
    *needed = (struct triage_needed){.need = rule->need,
        .rule = rule->id,
        .possible = possible,
        .ko = grounded(work, rule, grounds, KOREAN),
        .en = grounded(work, rule, grounds, ENGLISH)};
    needed->evidence_count = evidence_fill(needed->evidence, work, grounds);
}

/* ---- what is confirmed --------------------------------------------------------------------------------------------- */

/* The matches of confirmed findings' codes, and nothing else: their words may say more than what was confirmed. */
static struct lexicon_matches confirmed_matches(const struct work *work) {
    struct lexicon_matches out = {
        .at = ARENA_ARRAY(work->arena, struct lexicon_match, work->matches.count + 1), .onset_minutes = -1};
    for (size_t i = 0; i < work->matches.count; i++) {
        const struct lexicon_match *match = &work->matches.at[i];
        if (match->by_code && match->assertion == LEXICON_PRESENT && work->patient.facts->texts[match->text].confirmed)
            out.at[out.count++] = *match;
    }
    return out;
}

/* The finding is coded as the need itself. */
static const struct triage_text *coded_as(const struct work *work, const struct triage_need *need) {
    const struct triage_facts *facts = work->patient.facts;
    for (size_t i = 0; i < facts->text_count; i++) {
        const struct triage_text *text = &facts->texts[i];
        if (text->confirmed && text_equal(text->code, need->code) && text_equal(text->system, need->system))
            return text;
    }
    return NULL;
}

static struct triage_needed *needed_open(struct work *work, const struct triage_need *need) {
    struct triage_reading *reading = work->reading;
    struct triage_needed *needed = needed_find(reading, need);
    if (!needed && reading->need_count < TRIAGE_NEEDED_MAX)
        needed = &reading->needs[reading->need_count++];
    return needed && !needed->confirmed ? needed : NULL;
}

static void confirm_by_rules(struct work *work) {
    const struct policy_rules *rules = &work->policy->sections[POLICY_NEED];
    const struct lexicon_matches matches = confirmed_matches(work);
    struct condition_case confirmed = work->patient;
    confirmed.matches = &matches;
    for (size_t i = 0; i < rules->count && matches.count > 0; i++) {
        const struct policy_rule *rule = &rules->at[i];
        struct condition_grounds grounds;
        if (rule->suspected || !triage_condition_holds(&grounds, &rule->when, &confirmed) || grounds.match_count == 0 ||
            grounds.possible || triage_condition_any(&rule->unless, &work->patient))
            continue;
        struct triage_needed *needed = needed_open(work, rule->need);
        if (!needed)
            continue;
        *needed = (struct triage_needed){.need = rule->need,
            .rule = rule->id,
            .confirmed = true,
            .ko = grounded(work, rule, &grounds, KOREAN),
            .en = grounded(work, rule, &grounds, ENGLISH)};
        needed->evidence_count = evidence_fill(needed->evidence, work, &grounds);
    }
}

static void confirm_by_need(struct work *work) {
    for (size_t i = 0; i < work->policy->need_count; i++) {
        const struct triage_need *need = &work->policy->needs[i];
        const struct triage_text *text = coded_as(work, need);
        struct triage_needed *needed = text ? needed_open(work, need) : NULL;
        if (!needed)
            continue;
        *needed = (struct triage_needed){.need = need,
            .rule = TEXT("confirmed"),
            .confirmed = true,
            .ko = TEXT("확진된 진단이 이 진료를 필요로 합니다"),
            .en = TEXT("A confirmed finding is coded as this need"),
            .evidence_count = 1};
        needed->evidence[0] = (struct triage_evidence){
            .quote = text->text.size ? text->text : text->code, .path = text->path, .to = text->text.size};
    }
}

static int needed_rank(const struct triage_needed *needed) {
    return (needed->need->time_critical ? 0 : 2) + (needed->possible ? 1 : 0);
}

/* Stable: the policy's order stands within a rank. */
static void needs_sort(struct triage_reading *reading) {
    for (size_t i = 1; i < reading->need_count; i++) {
        struct triage_needed moved = reading->needs[i];
        size_t at = i;
        for (; at > 0 && needed_rank(&reading->needs[at - 1]) > needed_rank(&moved); at--)
            reading->needs[at] = reading->needs[at - 1];
        reading->needs[at] = moved;
    }
}

static int read_needs(struct work *work) {
    int level = 0;
    const struct policy_rules *rules = &work->policy->sections[POLICY_NEED];
    for (size_t i = 0; i < rules->count; i++) {
        struct condition_grounds grounds;
        if (!rule_holds(&grounds, work, &rules->at[i]))
            continue;
        level = more_urgent(level, rules->at[i].level);
        need_put(work, &rules->at[i], &grounds);
    }
    confirm_by_rules(work);
    confirm_by_need(work);
    needs_sort(work->reading);
    return level;
}

static void need_reasons(struct work *work) {
    for (size_t i = 0; i < work->reading->need_count; i++) {
        const struct triage_needed *needed = &work->reading->needs[i];
        struct triage_reason *reason = reason_add(work, TRIAGE_REASON_NEED, needed->rule, needed->ko, needed->en);
        reason->source = needed->need->window_source;
        reason->evidence_count = needed->evidence_count;
        memcpy(reason->evidence, needed->evidence, sizeof reason->evidence);
    }
}

/* ---- departments and place ------------------------------------------------------------------------------------------ */

static void department_add(struct triage_reading *reading, const char *code, const char *ko, const char *en) {
    for (int i = 0; i < reading->department_count; i++) {
        if (strcmp(reading->departments[i], code) == 0)
            return;
    }
    if (reading->department_count == TRIAGE_DEPARTMENTS_MAX)
        return;
    reading->department_names_ko[reading->department_count] = ko;
    reading->department_names_en[reading->department_count] = en;
    reading->departments[reading->department_count++] = code;
}

static void departments_add(struct triage_reading *reading, const struct policy_departments *departments) {
    for (int i = 0; i < departments->count; i++)
        department_add(reading, departments->codes[i], departments->names_ko[i], departments->names_en[i]);
}

static bool has_only_default_need(const struct work *work) {
    const struct triage_reading *reading = work->reading;
    return reading->need_count == 1 && text_is(reading->needs[0].rule, "default");
}

static void read_departments(struct work *work) {
    struct triage_reading *reading = work->reading;
    const struct policy_rules *rules = &work->policy->sections[POLICY_SPECIALTY];
    bool by_specialty = has_only_default_need(work) && !reading->stay_local;
    for (size_t i = 0; i < rules->count && by_specialty; i++) {
        struct condition_grounds grounds;
        if (rule_holds(&grounds, work, &rules->at[i]))
            departments_add(reading, &rules->at[i].departments);
    }
    bool by_need = reading->department_count == 0;
    for (size_t i = 0; i < reading->need_count && by_need; i++) {
        const struct triage_need *need = reading->needs[i].need;
        for (int k = 0; k < need->department_count; k++)
            department_add(reading, need->departments[k], need->department_names_ko[k], need->department_names_en[k]);
    }
    if (reading->department_count == 0)
        departments_add(
            reading, reading->stay_local ? &work->policy->departments_clinic : &work->policy->departments_emergency);
}

static void read_place(struct work *work) {
    struct triage_reading *reading = work->reading;
    const struct triage_score *news2 = &reading->scores[TRIAGE_NEWS2];
    int level = more_urgent(reading->level, reading->rule_level);
    reading->place = work->policy->level_places[level];
    for (size_t i = 0; i < reading->need_count; i++) {
        const struct triage_need *need = reading->needs[i].need;
        if (need->place > reading->place)
            reading->place = need->place;
        reading->window_minutes = more_urgent(reading->window_minutes, need->window_minutes);
    }
    bool calm = !news2->fits || (news2->total < NEWS2_NEEDS_A_LOOK && !news2->single_red);
    reading->stay_local = reading->need_count == 0 && reading->place == TRIAGE_PLACE_CLINIC && calm;
    if (!reading->stay_local && reading->place == TRIAGE_PLACE_CLINIC)
        reading->place = TRIAGE_PLACE_INSTITUTION;
}

/* A reading always names a need, so that a place can be looked for: general emergency care, or primary care. */
static void read_default_need(struct work *work) {
    struct triage_reading *reading = work->reading;
    if (reading->need_count > 0)
        return;
    struct triage_needed *needed = &reading->needs[reading->need_count++];
    *needed = (struct triage_needed){
        .need = reading->stay_local ? work->policy->need_local : work->policy->need_emergency, .rule = TEXT("default")};
    needed->ko = reading->stay_local ? TEXT("일차진료로 충분합니다")
                                     : TEXT("특정 중증 질환의 조건에는 들지 않아 응급실 일반진료가 필요합니다");
    needed->en = reading->stay_local ? TEXT("Primary care is enough")
                                     : TEXT("No severe condition's rule holds: general emergency care is needed");
}

static void local_reason(struct work *work, const struct policy_rule *rule, const struct condition_grounds *grounds) {
    invariant(work->reading->stay_local);
    struct text ko =
        TEXT("가까운 의원이나 보건기관에서 볼 수 있습니다: 중증 질환의 조건에 들지 않고 위급한 활력징후가 없습니다.");
    struct text en = TEXT(
        "A clinic or health post nearby is enough: no severe condition's rule holds and no vital sign is alarming.");
    if (!work->reading->scores[TRIAGE_NEWS2].any) { /* nothing was measured that could alarm */
        ko = TEXT("가까운 의원이나 보건기관에서 볼 수 있습니다: 중증 질환의 조건에 들지 않습니다. 활력징후는 측정되지 "
                  "않았습니다.");
        en = TEXT(
            "A clinic or health post nearby is enough: no severe condition's rule holds. No vital sign was measured.");
    }
    struct triage_reason *reason = reason_add(work, TRIAGE_REASON_NEED, TEXT("stay-local"), ko, en);
    if (!rule)
        return;
    struct text why_ko = grounded(work, rule, grounds, KOREAN), why_en = grounded(work, rule, grounds, ENGLISH);
    reason->ko = text_format(work->arena, "%.*s %.*s.", (int)ko.size, ko.at, (int)why_ko.size, why_ko.at);
    reason->en = text_format(work->arena, "%.*s %.*s.", (int)en.size, en.at, (int)why_en.size, why_en.at);
    reason->source = rule->source;
    reason->evidence_count = evidence_fill(reason->evidence, work, grounds);
}

/* ---- level ---------------------------------------------------------------------------------------------------------- */

static const struct policy_rule *first_rule(
    struct condition_grounds *grounds, const struct work *work, enum policy_section section) {
    const struct policy_rules *rules = &work->policy->sections[section];
    for (size_t i = 0; i < rules->count; i++) {
        if (rule_holds(grounds, work, &rules->at[i]))
            return &rules->at[i];
    }
    return NULL;
}

static void human_reason(struct work *work) {
    const struct triage_facts *facts = work->patient.facts;
    struct triage_reason *reason =
        reason_add(work, TRIAGE_REASON_HUMAN, facts->human_level ? TEXT("human-level") : TEXT("no-human-level"),
            sentence_of_human_level(facts, KOREAN, work->arena), sentence_of_human_level(facts, ENGLISH, work->arena));
    reason->level = facts->human_level;
}

static void opinion_reasons(struct work *work, const char *name, const struct triage_opinion *opinion) {
    struct triage_reason *reason = reason_add(work, TRIAGE_REASON_READER, text_from(name), opinion->ko, opinion->en);
    reason->level = opinion->abstains ? 0 : opinion->level;
    for (int i = 0; i < opinion->remark_count; i++)
        reason_add(work, TRIAGE_REASON_READER, text_from(opinion->remarks[i].code), opinion->remarks[i].ko,
            opinion->remarks[i].en);
}

/* A reader's opinion counts only where it is more urgent: it can never lower. A silent one is kept and moves nothing. */
static void read_readers(struct work *work, const struct triage_reader *readers, size_t reader_count) {
    struct triage_reading *reading = work->reading;
    reading->reader_probability = -1;
    for (size_t i = 0; i < reader_count; i++) {
        struct triage_opinion opinion = {.probability = -1};
        readers[i].read(&opinion, &readers[i], work->patient.facts, reading, work->arena);
        invariant(opinion.level >= 0 && opinion.level <= 5);
        reading->reader_name = readers[i].name;
        reading->reader_digest = readers[i].digest;
        reading->reader_abstains = opinion.abstains;
        reading->reader_calibrated = opinion.calibrated;
        reading->reader_probability = opinion.abstains ? -1 : opinion.probability;
        reading->reader_output = opinion.abstains ? NULL : opinion.output;
        reading->reader_inputs = opinion.inputs;
        reading->reader_silent = opinion.silent;
        int level = opinion.abstains ? 0 : opinion.level;
        if (opinion.silent) {
            reading->silent_level = level;
            continue;
        }
        opinion_reasons(work, readers[i].name, &opinion);
        reading->reader_level = more_urgent(reading->reader_level, level);
    }
}

static void read_extreme(struct work *work) {
    struct condition_grounds grounds;
    if (work->reading->level > 2)
        return;
    work->patient.level = work->reading->level;
    const struct policy_rule *rule = first_rule(&grounds, work, POLICY_EXTREME);
    if (!rule)
        return;
    work->reading->extreme = true;
    work->reading->extreme_rule = rule->id;
    struct triage_reason *reason = reason_add(work, TRIAGE_REASON_NEED, rule->id,
        grounded(work, rule, &grounds, KOREAN), grounded(work, rule, &grounds, ENGLISH));
    reason->source = rule->source;
    reason->evidence_count = evidence_fill(reason->evidence, work, &grounds);
}

static void remark_reasons(struct work *work) {
    const struct triage_facts *facts = work->patient.facts;
    for (int i = 0; i < TRIAGE_SCORE_COUNT; i++) {
        const struct triage_score *score = &work->reading->scores[i];
        if (!score->any)
            continue;
        struct triage_reason *reason = reason_add(work, TRIAGE_REASON_SCORE, text_from(triage_score_code(score->kind)),
            sentence_of_score(score, KOREAN, work->arena), sentence_of_score(score, ENGLISH, work->arena));
        reason->source = text_from(triage_score_source(score->kind));
    }
    for (size_t i = 0; i < facts->note_count; i++)
        reason_add(work, TRIAGE_REASON_NOTE, text_from(facts->notes[i].code), facts->notes[i].ko, facts->notes[i].en);
    struct text missing = sentence_of_missing(facts, KOREAN, work->arena);
    if (missing.at)
        reason_add(work, TRIAGE_REASON_MISSING, TEXT("vital-signs"), missing,
            sentence_of_missing(facts, ENGLISH, work->arena));
}

/* A complaint of which the lexicon knows no word: said, so that nobody takes silence for safety. */
static void unknown_complaint_reason(struct work *work) {
    const struct triage_facts *facts = work->patient.facts;
    bool said = false, understood = false;
    for (size_t i = 0; i < facts->text_count; i++)
        said = said || facts->texts[i].kind == TRIAGE_TEXT_COMPLAINT;
    for (size_t i = 0; i < work->matches.count; i++)
        understood = understood || facts->texts[work->matches.at[i].text].kind == TRIAGE_TEXT_COMPLAINT;
    if (said && !understood)
        reason_add(work, TRIAGE_REASON_MISSING, TEXT("unknown-complaint"),
            TEXT("호소에 아는 낱말이 없습니다: 필요한 진료를 사람이 판단해야 합니다."),
            TEXT("No word of the complaint is known: a human must judge what care is needed."));
}

static int reason_rank(const struct triage_reason *reason) {
    static const int ranks[] = {[TRIAGE_REASON_FLOOR] = 0,
        [TRIAGE_REASON_HUMAN] = 1,
        [TRIAGE_REASON_READER] = 2,
        [TRIAGE_REASON_ADVICE] = 3,
        [TRIAGE_REASON_NEED] = 4,
        [TRIAGE_REASON_SCORE] = 5,
        [TRIAGE_REASON_NOTE] = 6,
        [TRIAGE_REASON_MISSING] = 7};
    bool by_level = reason->kind == TRIAGE_REASON_FLOOR || reason->kind == TRIAGE_REASON_ADVICE;
    return ranks[reason->kind] * 8 + (!by_level ? 0 : reason->level ? reason->level : 7);
}

static void reasons_sort(struct triage_reading *reading) {
    for (size_t i = 1; i < reading->reason_count; i++) {
        struct triage_reason moved = reading->reasons[i];
        size_t at = i;
        for (; at > 0 && reason_rank(&reading->reasons[at - 1]) > reason_rank(&moved); at--)
            reading->reasons[at] = reading->reasons[at - 1];
        reading->reasons[at] = moved;
    }
}

static bool facts_say_something(const struct triage_facts *facts) {
    if (facts->human_level || vital_signs_known(facts) > 0 || facts->values[TRIAGE_GCS].known ||
        facts->values[TRIAGE_PAIN].known)
        return true;
    for (size_t i = 0; i < facts->text_count; i++) {
        if (facts->texts[i].kind != TRIAGE_TEXT_HISTORY)
            return true;
    }
    return false;
}

enum { VITAL_SIGNS_ENOUGH = 3 };

/* Where no rule gives a level. */
static int level_by_default(const struct work *work, const struct policy_rule *local) {
    int human = work->patient.facts->human_level;
    bool measured = vital_signs_known(work->patient.facts) >= VITAL_SIGNS_ENOUGH;
    int level = local && local->level ? local->level
                : measured            ? work->policy->default_level
                                      : work->policy->default_level_unmeasured;
    return human > level && !local ? human : level;
}

/* Without a human's level, the rules' stands in its place. */
static int level_stated(const struct work *work, int rules, const struct policy_rule *local) {
    int human = work->patient.facts->human_level;
    return human ? human : rules ? rules : level_by_default(work, local);
}

/* Where floor rules alone make the level what it is: what it would be if they did not hold, all else as it is. */
static void floor_change_reason(
    struct work *work, const struct held *floor, int other_rules, const struct policy_rule *local) {
    struct triage_reading *reading = work->reading;
    int next = most_urgent_held(floor, reading->floor_level + 1);
    int without = more_urgent(
        level_stated(work, more_urgent(next, other_rules), local), more_urgent(next, reading->reader_level));
    if (!reading->floor_level || without <= reading->level)
        return;
    int count = floor->count[reading->floor_level];
    struct text ko = text_format(
        work->arena, "%d단계의 규칙 %d개가 아니었다면 %d단계였을 것입니다.", reading->level, count, without);
    struct text en = text_format(
        work->arena, "Without the %d rules for level %d it would be level %d.", count, reading->level, without);
    if (count == 1) {
        ko = text_format(work->arena, "%d단계의 규칙이 아니었다면 %d단계였을 것입니다.", reading->level, without);
        en = text_format(work->arena, "Without the rule for level %d it would be level %d.", reading->level, without);
    }
    (void)reason_add(work, TRIAGE_REASON_FLOOR, TEXT("change"), ko, en);
}

static void read_level(struct work *work, const struct triage_reader *readers, size_t reader_count) {
    struct triage_reading *reading = work->reading;
    const struct triage_facts *facts = work->patient.facts;
    struct condition_grounds grounds;
    const struct held floor = read_levels(work, POLICY_FLOOR, TRIAGE_REASON_FLOOR);
    const struct held advice = read_levels(work, POLICY_ADVICE, TRIAGE_REASON_ADVICE);
    int advice_level = most_urgent_held(&advice, 1);
    reading->floor_level = most_urgent_held(&floor, 1);
    work->patient.level = more_urgent(facts->human_level, more_urgent(reading->floor_level, advice_level));
    int other_rules = more_urgent(advice_level, read_needs(work));
    const struct policy_rule *local = first_rule(&grounds, work, POLICY_LOCAL);
    reading->rule_level = more_urgent(reading->floor_level, other_rules);
    if (reading->rule_level == 0)
        reading->rule_level = level_by_default(work, local);
    reading->human_level = facts->human_level;
    read_readers(work, readers, reader_count);
    int stated = level_stated(work, reading->rule_level, local);
    reading->level = more_urgent(stated, more_urgent(reading->floor_level, reading->reader_level));
    reading->escalated = facts->human_level > 0 && reading->level < facts->human_level;
    floor_change_reason(work, &floor, other_rules, local);
    read_place(work);
    if (reading->stay_local)
        local_reason(work, local, &grounds);
    read_default_need(work);
}

enum status triage_read(struct triage_reading *out, const struct triage_policy *policy,
    const struct triage_facts *facts, const struct triage_reader *readers, size_t reader_count, struct scope *scope) {
    *out = (struct triage_reading){
        .engine = TRIAGE_ENGINE, .policy_digest = policy->digest, .policy_version = policy->version};
    if (!facts_say_something(facts))
        return fault(scope, STATUS_UNPROCESSABLE, "",
            "nothing to read: neither a complaint, nor a vital sign, nor a human level");
    struct work work = {.reading = out, .policy = policy, .arena = scope->arena};
    out->reasons = ARENA_ARRAY(scope->arena, struct triage_reason, REASONS_MAX);
    for (int i = 0; i < TRIAGE_SCORE_COUNT; i++)
        out->scores[i] = triage_score((enum triage_score_kind)i, facts);
    work.matches = lexicon_scan(policy->lexicon, facts, scope->arena);
    work.patient = (struct condition_case){.facts = facts,
        .scores = out->scores,
        .matches = &work.matches,
        .onset_minutes = facts->onset_minutes >= 0 ? facts->onset_minutes : work.matches.onset_minutes};
    read_level(&work, readers, reader_count);
    human_reason(&work);
    need_reasons(&work);
    read_extreme(&work);
    read_departments(&work);
    remark_reasons(&work);
    unknown_complaint_reason(&work);
    reasons_sort(out);
    invariant(out->level >= 1 && out->level <= 5);
    invariant(!out->human_level || out->level <= out->human_level);
    invariant(!out->floor_level || out->level <= out->floor_level);
    return STATUS_OK;
}
