/* Cards: what the reading says, and what it says of a referral that is about to be signed. */
#include <string.h>

#include "referral/cds.h"
#include "referral/task.h"

enum { SUMMARY_CHARACTERS = 139, REASONS_SHOWN = 8, DECIDING_SHOWN = 4, ORDERS_MAX = 20, CARDS_BYTES_MAX = 8 << 20 };

static const char *const by_urgency[] = {"routine", "urgent", "asap", "stat"};

static const struct {
    const char *code, *ko, *en;
} override_reasons[] = {
    {"already-arranged", "이미 의뢰되었거나 연락함", "Already referred or arranged"},
    {"patient-declines", "환자나 보호자가 원하지 않음", "The patient or family declines"},
    {"known-baseline", "알려진 평소 상태임", "A known usual state"},
    {"data-wrong", "기록의 값이 잘못됨", "A value in the record is wrong"},
    {"not-appropriate", "임상적으로 맞지 않음", "Clinically not appropriate"},
    {"cared-for-here", "여기서 진료함", "Cared for here"},
};

struct cards {
    const struct cds_run *run;
    struct json_writer *w;
    struct scope *scope;
};

static const char *say(const struct cards *c, const char *ko, const char *en) {
    return c->run->call->english ? en : ko;
}

/* A place without an English name keeps its own. */
static struct text say_text(const struct cards *c, struct text ko, struct text en) {
    return c->run->call->english && en.size > 0 ? en : ko;
}

static void write_uuid(const struct cards *c, const char *member) {
    char id[ID_TEXT_SIZE];
    id_new(id, c->run->referral->clock);
    json_member_text(c->w, member, text_copy(c->scope->arena, text_from(id)));
}

/* Under 140 characters, whole ones, with an ellipsis where something was cut. */
static struct text shortened(struct text words, struct scope *scope) {
    size_t characters = 0, cut = words.size;
    for (size_t i = 0; i < words.size; i++) {
        bool begins = ((unsigned char)words.at[i] & 0xC0) != 0x80;
        characters += begins;
        if (begins && characters == SUMMARY_CHARACTERS && cut == words.size) {
            cut = i;
        }
    }
    return characters < SUMMARY_CHARACTERS ? words : text_format(scope->arena, "%.*s…", (int)cut, words.at);
}

/* Text of a record inside GitHub-flavoured Markdown: nothing of it is markup. */
static void put_escaped(struct buffer *to, struct text words) {
    for (size_t i = 0; i < words.size; i++) {
        char c = words.at[i];
        if ((unsigned char)c < ' ') {
            buffer_put_char(to, ' ');
            continue;
        }
        if (c == '<' || c == '>' || c == '&') { /* HTML is Markdown too */
            buffer_put_string(to, c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;");
            continue;
        }
        if (strchr("\\`*_{}[]()#+-!|~", c) != NULL) {
            buffer_put_char(to, '\\');
        }
        buffer_put_char(to, c);
    }
}

/* ---- parts of a card -------------------------------------------------------------------------------------------------------- */

static void write_source(const struct cards *c) {
    json_name(c->w, "source");
    json_object_open(c->w);
    json_member_text(c->w, "label",
        text_format(c->scope->arena, "%s %s", say(c, "소양 판독, 규칙", "Soyang reading, rules"),
            c->run->reading.policy_version));
    json_member_text(c->w, "url", c->run->call->page);
    json_name(c->w, "topic");
    fhir_write_coding(c->w, (struct fhir_coding){TEXT(TRIAGE_BASE "/CodeSystem/cds-topic"),
                                text_from(c->run->service->hook_name), text_from(c->run->service->title)});
    json_object_close(c->w);
}

static void write_overrides(const struct cards *c) {
    json_name(c->w, "overrideReasons");
    json_array_open(c->w);
    for (size_t i = 0; i < sizeof override_reasons / sizeof *override_reasons; i++) {
        fhir_write_coding(c->w, (struct fhir_coding){TEXT(CDS_OVERRIDE_SYSTEM), text_from(override_reasons[i].code),
                                    text_from(say(c, override_reasons[i].ko, override_reasons[i].en))});
    }
    json_array_close(c->w);
}

/* A patient who is only prefetched has no page to look at: there the link leads to where one is entered. */
static void write_links(const struct cards *c) {
    struct text id = c->run->patient_id, page = c->run->call->page;
    json_name(c->w, "links");
    json_array_open(c->w);
    json_object_open(c->w);
    json_member_string(c->w, "label",
        c->run->is_ours ? say(c, "소양에서 갈 곳 보기", "See the places in Soyang")
                        : say(c, "소양에 접수하기 (이 환자의 기록이 아직 없음)",
                              "Enter the patient in Soyang (no record there yet)"));
    json_member_text(c->w, "url",
        c->run->is_ours
            ? text_format(c->scope->arena, "%.*s#/intake/%.*s", (int)page.size, page.at, (int)id.size, id.at)
            : text_format(c->scope->arena, "%.*s#/intake", (int)page.size, page.at));
    json_member_string(c->w, "type", "absolute");
    json_object_close(c->w);
    json_array_close(c->w);
}

static void open_card(const struct cards *c, struct text summary, const char *indicator, struct text detail) {
    json_object_open(c->w);
    write_uuid(c, "uuid");
    json_member_text(c->w, "summary", shortened(summary, c->scope));
    json_member_string(c->w, "indicator", indicator);
    json_member_text(c->w, "detail", detail);
    write_source(c);
}

static void close_card(const struct cards *c) {
    write_overrides(c);
    write_links(c);
    json_object_close(c->w);
}

static void open_suggestion(const struct cards *c, const char *label, const char *action, const char *description) {
    json_member_string(c->w, "selectionBehavior", "any");
    json_name(c->w, "suggestions");
    json_array_open(c->w);
    json_object_open(c->w);
    json_member_string(c->w, "label", label);
    write_uuid(c, "uuid");
    json_member_bool(c->w, "isRecommended", true);
    json_name(c->w, "actions");
    json_array_open(c->w);
    json_object_open(c->w);
    json_member_string(c->w, "type", action);
    json_member_string(c->w, "description", description);
    json_name(c->w, "resource");
}

static void close_suggestion(const struct cards *c) {
    json_object_close(c->w);
    json_array_close(c->w);
    json_object_close(c->w);
    json_array_close(c->w);
}

/* ---- the reading's card ------------------------------------------------------------------------------------------------------ */

/* A need that says more than that somebody should be seen. */
static bool is_named_need(const struct triage_needed *needed) {
    return !text_is(needed->need->code, "SY-ED") && !text_is(needed->need->code, "SY-PRIMARY");
}

static void put_needs(struct buffer *to, const struct cards *c) {
    const struct triage_reading *reading = &c->run->reading;
    bool first = true;
    for (size_t i = 0; i < reading->need_count; i++) {
        const struct triage_needed *needed = &reading->needs[i];
        if (!is_named_need(needed)) {
            continue;
        }
        buffer_put_string(to, first ? ": " : ", ");
        buffer_put(to, say_text(c, needed->need->name_ko, needed->need->name_en));
        buffer_put_string(to, needed->possible ? say(c, "(의심)", " (suspected)") : "");
        first = false;
    }
}

static struct text reading_summary(const struct cards *c) {
    const struct triage_reading *reading = &c->run->reading;
    struct buffer words = buffer_open(c->scope->arena, 1 << 16);
    buffer_put_format(&words, "%s %d", say(c, "중증도", "Level"), reading->level);
    if (reading->escalated) {
        buffer_put_format(
            &words, say(c, " (사람이 준 %d보다 급함)", " (more urgent than the given %d)"), reading->human_level);
    }
    put_needs(&words, c);
    return buffer_text(&words);
}

/* The sentence, and the quoted words that it does not hold itself. */
static void put_reason(struct buffer *to, const struct cards *c, const struct triage_reason *reason) {
    struct text sentence = say_text(c, reason->ko, reason->en);
    int quoted = 0;
    buffer_put_string(to, "- ");
    put_escaped(to, sentence);
    for (int i = 0; i < reason->evidence_count; i++) {
        struct text quote = reason->evidence[i].quote;
        if (quote.size == 0 || memmem(sentence.at, sentence.size, quote.at, quote.size) != NULL) {
            continue;
        }
        buffer_put_string(to, quoted++ == 0 ? " — “" : ", “");
        put_escaped(to, quote);
        buffer_put_string(to, "”");
    }
    buffer_put_char(to, '\n');
}

enum { TURN_DECIDES, TURN_NEED, TURN_ADVICE, TURN_REMARK, TURN_TERM, TURN_COUNT };

/* What made the level comes first, then what is needed and why, then advice, then what is noted, missing or said of a model; a model's
 * terms would fill the card. */
static int turn_of(const struct triage_reason *reason, int level) {
    switch (reason->kind) {
    case TRIAGE_REASON_FLOOR:
    case TRIAGE_REASON_READER:
        if (reason->level > 0) {
            return reason->level == level ? TURN_DECIDES : TURN_ADVICE;
        }
        return text_is(reason->code, "term") ? TURN_TERM : TURN_REMARK;
    case TRIAGE_REASON_NEED:
        return TURN_NEED;
    case TRIAGE_REASON_ADVICE:
        return TURN_ADVICE;
    case TRIAGE_REASON_HUMAN:
    case TRIAGE_REASON_SCORE:
        return TURN_COUNT;
    default:
        return TURN_REMARK;
    }
}

/* A probability is never told without it, however full the card is. */
static bool is_always_shown(const struct triage_reason *reason) {
    return text_is(reason->code, "uncalibrated") && reason->kind == TRIAGE_REASON_READER;
}

static struct text reading_detail(const struct cards *c) {
    const struct triage_reading *reading = &c->run->reading;
    struct buffer words = buffer_open(c->scope->arena, 1 << 20);
    int shown = 0;
    for (int turn = 0; turn < TURN_COUNT; turn++) {
        int room = turn == TURN_DECIDES ? DECIDING_SHOWN : REASONS_SHOWN;
        for (size_t i = 0; i < reading->reason_count; i++) {
            const struct triage_reason *reason = &reading->reasons[i];
            bool always = is_always_shown(reason);
            if (turn_of(reason, reading->level) == turn && (always || shown < room)) {
                put_reason(&words, c, reason);
                shown += !always;
            }
        }
    }
    buffer_put_string(&words,
        say(c, "\n자동으로 만든 것입니다. 원본은 기록이고 결정은 사람이 합니다. 인증된 의료기기가 아닙니다.",
            "\nMade automatically. The record is the source and a human decides. Not a certified medical device."));
    return buffer_text(&words);
}

static void write_reference(
    struct json_writer *w, const char *name, const char *type, struct text id, struct scope *scope) {
    json_name(w, name);
    json_object_open(w);
    json_member_text(w, "reference", text_format(scope->arena, "%s/%.*s", type, (int)id.size, id.at));
    json_object_close(w);
}

static void write_need_concept(struct json_writer *w, const struct triage_need *need) {
    fhir_write_concept(w, NULL, (struct fhir_coding){need->system, need->code, need->name_en}, need->name_ko);
}

static void write_draft_request(const struct cards *c) {
    const struct triage_reading *reading = &c->run->reading;
    char now[TIME_TEXT_SIZE];
    time_format_utc(now, clock_now_us(c->run->referral->clock));
    json_object_open(c->w);
    json_member_string(c->w, "resourceType", "ServiceRequest");
    json_member_string(c->w, "status", "draft");
    json_member_string(c->w, "intent", "order");
    json_member_string(c->w, "priority", task_priority(reading->level));
    json_name(c->w, "code");
    json_object_open(c->w);
    json_member_string(c->w, "text", "진료 의뢰 (referral)");
    json_object_close(c->w);
    write_reference(c->w, "subject", "Patient", c->run->patient_id, c->scope);
    struct text visit = reference_id(c->run->facts->encounter, "Encounter");
    if (visit.size > 0) {
        write_reference(c->w, "encounter", "Encounter", visit, c->scope);
    }
    json_member_string(c->w, "authoredOn", now);
    json_name(c->w, "reasonCode");
    json_array_open(c->w);
    for (size_t i = 0; i < reading->need_count; i++) {
        write_need_concept(c->w, reading->needs[i].need);
    }
    json_array_close(c->w);
    json_object_close(c->w);
}

static const char *indicator_of(int level) {
    return level == 1 ? "critical" : level == 2 ? "warning" : "info";
}

/* Said where it matters: what may stay is not interrupted for. */
static void write_reading_card(const struct cards *c) {
    const struct triage_reading *reading = &c->run->reading;
    if (!reading->escalated && (reading->stay_local || reading->level > 3)) {
        return;
    }
    open_card(c, reading_summary(c), indicator_of(reading->level), reading_detail(c));
    if (!reading->stay_local && reading->need_count > 0) {
        open_suggestion(c, say(c, "의뢰 만들기", "Create the referral"), "create",
            say(c, "읽은 필요와 우선순위로 의뢰 초안을 만듭니다",
                "Creates a draft ServiceRequest with the needs and priority read"));
        write_draft_request(c);
        close_suggestion(c);
    }
    close_card(c);
}

/* ---- referrals that are about to be signed ------------------------------------------------------------------------------------ */

static bool has_coding(const yyjson_val *concept, struct text system, struct text code) {
    size_t i, count;
    yyjson_val *coding;
    yyjson_arr_foreach(json_get(concept, "coding"), i, count, coding) {
        if (text_equal(json_get_text(coding, "system"), system) && text_equal(json_get_text(coding, "code"), code)) {
            return true;
        }
    }
    return false;
}

static bool contains(struct text words, const char *part) {
    size_t size = strlen(part);
    for (size_t i = 0; i + size <= words.size; i++) {
        if (strncasecmp(words.at + i, part, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_any_coding(const yyjson_val *list, const char *const *codes) {
    size_t i, count;
    yyjson_val *concept;
    yyjson_arr_foreach((yyjson_val *)list, i, count, concept) {
        for (const char *const *code = codes; *code != NULL; code++) {
            if (has_coding(concept, TEXT("http://snomed.info/sct"), text_from(*code))) {
                return true;
            }
        }
    }
    return false;
}

static bool says_referral(const yyjson_val *concept) {
    static const char *const words[] = {"referral", "transfer", "의뢰", "전원", NULL};
    size_t i, count;
    yyjson_val *coding;
    bool found = false;
    for (const char *const *row = words; *row != NULL; row++) {
        found = found || contains(json_get_text(concept, "text"), *row);
        yyjson_arr_foreach(json_get(concept, "coding"), i, count, coding) {
            found = found || contains(json_get_text(coding, "display"), *row);
        }
    }
    return found;
}

/* SNOMED CT: patient referral, referral by service, patient transfer; or the words; or a need of ours as its reason. */
static bool is_referral(const yyjson_val *order) {
    static const char *const referrals[] = {"3457005", "306206005", "107724000", NULL};
    const yyjson_val *code = json_get(order, "code");
    bool found = has_any_coding(json_get(order, "category"), referrals);
    for (const char *const *row = referrals; *row != NULL; row++) {
        found = found || has_coding(code, TEXT("http://snomed.info/sct"), text_from(*row));
    }
    found = found || says_referral(code);
    size_t i, count;
    yyjson_val *reason, *category;
    yyjson_arr_foreach(json_get(order, "category"), i, count, category) {
        found = found || says_referral(category);
    }
    yyjson_arr_foreach(json_get(order, "reasonCode"), i, count, reason) {
        struct text system = json_get_text(yyjson_arr_get(json_get(reason, "coding"), 0), "system");
        found = found || text_starts(system, TRIAGE_BASE "/CodeSystem/");
    }
    return found;
}

static bool names_need(const yyjson_val *order, const struct triage_need *need) {
    size_t i, count;
    yyjson_val *reason;
    yyjson_arr_foreach(json_get(order, "reasonCode"), i, count, reason) {
        if (has_coding(reason, need->system, need->code)) {
            return true;
        }
    }
    return false;
}

static int urgency_of(struct text priority) {
    for (int i = 0; i < 4; i++) {
        if (text_is(priority, by_urgency[i])) {
            return i;
        }
    }
    return 0;
}

/* The draft with the needs it does not name and at least the reading's priority; all else stays as it is. */
static void write_improved(const struct cards *c, const yyjson_val *order) {
    const struct triage_reading *reading = &c->run->reading;
    int wanted = urgency_of(text_from(task_priority(reading->level))),
        given = urgency_of(json_get_text(order, "priority"));
    size_t i, count;
    yyjson_val *name, *value;
    json_object_open(c->w);
    yyjson_obj_foreach((yyjson_val *)order, i, count, name, value) {
        struct text member = json_text(name);
        if (!text_is(member, "priority") && !text_is(member, "reasonCode")) {
            json_name_text(c->w, member);
            json_value(c->w, value);
        }
    }
    json_member_string(c->w, "priority", by_urgency[given > wanted ? given : wanted]);
    json_name(c->w, "reasonCode");
    json_array_open(c->w);
    yyjson_arr_foreach(json_get(order, "reasonCode"), i, count, value) {
        json_value(c->w, value);
    }
    for (size_t k = 0; k < reading->need_count; k++) {
        if (is_named_need(&reading->needs[k]) && !names_need(order, reading->needs[k].need)) {
            write_need_concept(c->w, reading->needs[k].need);
        }
    }
    json_array_close(c->w);
    json_object_close(c->w);
}

/* The needs that the draft does not name; and whether one of them is against the clock. */
static struct text missing_needs(const struct cards *c, const yyjson_val *order, bool *critical) {
    const struct triage_reading *reading = &c->run->reading;
    struct buffer words = buffer_open(c->scope->arena, 1 << 16);
    for (size_t i = 0; i < reading->need_count; i++) {
        const struct triage_need *need = reading->needs[i].need;
        if (is_named_need(&reading->needs[i]) && !names_need(order, need)) {
            buffer_put_string(&words, words.size > 0 ? ", " : "");
            buffer_put(&words, say_text(c, need->name_ko, need->name_en));
            *critical = *critical || need->time_critical;
        }
    }
    return buffer_text(&words);
}

static void write_order_card(const struct cards *c, const yyjson_val *order) {
    const struct triage_reading *reading = &c->run->reading;
    bool critical = false;
    struct text missing = missing_needs(c, order, &critical);
    bool low = urgency_of(json_get_text(order, "priority")) < urgency_of(text_from(task_priority(reading->level)));
    if (missing.size == 0 && !low) {
        return;
    }
    struct buffer words = buffer_open(c->scope->arena, 1 << 16);
    if (missing.size > 0) {
        buffer_put_string(&words, say(c, "의뢰에 없는 필요: ", "The referral does not name: "));
        buffer_put(&words, missing);
    }
    if (low) {
        const char *words_low = say(c, "우선순위는 %s이(가) 맞음(중증도 %d)", "priority should be %s (level %d)");
        buffer_put_string(&words, missing.size > 0 ? "; " : "");
        buffer_put(&words, korean_particles(c->scope->arena,
                               text_format(c->scope->arena, words_low, task_priority(reading->level), reading->level)));
    }
    open_card(c, buffer_text(&words), critical || reading->level <= 2 ? "warning" : "info", reading_detail(c));
    open_suggestion(c, say(c, "의뢰에 더하기", "Add to the referral"), "update",
        say(c, "빠진 필요와 우선순위를 이 의뢰에 씁니다",
            "Writes the missing needs and the priority into this referral"));
    write_improved(c, order);
    close_suggestion(c);
    close_card(c);
}

/* The place that a performer is, or whose emergency department it is; -1: none of the region. */
static int place_of(const struct region_snapshot *snapshot, struct text performer) {
    struct text id = reference_id(performer, "Organization"), service = reference_id(performer, "HealthcareService");
    if (id.size == 0 && text_ends(service, "-ed")) {
        id = (struct text){service.at, service.size - 3};
    }
    return id.size > 0 ? region_place_find(snapshot, id) : -1;
}

/* A place of the region that structurally lacks what is needed. */
static void write_place_card(const struct cards *c, const yyjson_val *order) {
    const struct region_snapshot *snapshot = c->run->snapshot;
    size_t i, count;
    yyjson_val *performer;
    yyjson_arr_foreach(json_get(order, "performer"), i, count, performer) {
        int place = place_of(snapshot, json_get_text(performer, "reference"));
        for (size_t k = 0; place >= 0 && k < c->run->reading.need_count; k++) {
            const struct triage_needed *needed = &c->run->reading.needs[k];
            int need = region_need_find(snapshot, needed->need->code);
            if (!is_named_need(needed) || need < 0 || (snapshot->places[place].needs >> need & 1) != 0) {
                continue;
            }
            struct text name = say_text(c, snapshot->places[place].name_ko, snapshot->places[place].name_en);
            struct text care = say_text(c, needed->need->name_ko, needed->need->name_en);
            open_card(c,
                text_format(c->scope->arena,
                    say(c, "%.*s: 지역 자료에 이 진료가 없음 — %.*s", "%.*s: not there by the region's data: %.*s"),
                    (int)name.size, name.at, (int)care.size, care.at),
                needed->need->time_critical ? "critical" : "warning", reading_detail(c));
            close_card(c);
            break;
        }
    }
}

/* "Patient/1", of whatever server. */
static bool is_of_context(const struct cards *c, const yyjson_val *order) {
    struct text own = c->run->patient_id, subject = reference_of(order, "subject");
    struct text short_form = text_format(c->scope->arena, "Patient/%.*s", (int)own.size, own.at);
    return text_equal(subject, short_form) ||
           text_ends(subject, text_format(c->scope->arena, "/%.*s", (int)short_form.size, short_form.at).at);
}

static enum status write_order_cards(const struct cards *c) {
    size_t i, count, seen = 0;
    yyjson_val *entry;
    yyjson_arr_foreach(json_get(json_get(c->run->context, "draftOrders"), "entry"), i, count, entry) {
        const yyjson_val *order = json_get(entry, "resource");
        if (!text_is(json_get_text(order, "resourceType"), "ServiceRequest") || !is_referral(order)) {
            continue;
        }
        if (!is_of_context(c, order)) {
            return fault(c->scope, STATUS_INVALID,
                text_format(c->scope->arena, "context.draftOrders.entry[%zu].resource.subject", i).at,
                "this is not of the patient whom the context names");
        }
        if (seen++ == ORDERS_MAX) {
            return fault(c->scope, STATUS_TOO_COSTLY, "context.draftOrders", "more than %d referrals", ORDERS_MAX);
        }
        write_order_card(c, order);
        write_place_card(c, order);
    }
    return STATUS_OK;
}

enum status cds_write_cards(struct text *out, const struct cds_run *run, struct scope *scope) {
    struct json_writer w = json_writer_open(scope->arena, CARDS_BYTES_MAX);
    const struct cards c = {run, &w, scope};
    json_object_open(&w);
    json_name(&w, "cards");
    json_array_open(&w);
    enum status status = STATUS_OK;
    if (run->has_reading && run->service->hook == CDS_ORDER_SIGN) {
        status = write_order_cards(&c);
    } else if (run->has_reading) {
        write_reading_card(&c);
    }
    json_array_close(&w);
    json_object_close(&w);
    return status == STATUS_OK ? json_finish(out, &w, scope) : status;
}
