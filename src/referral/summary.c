/* The record's resources → lines. */
#include "referral/summary.h"

#include <string.h>

#include "referral/task.h"

static const struct {
    const char *code, *ko, *en;
    size_t room;
} sections[] = {
    [SUMMARY_COMPLAINT] = {"complaint", "온 까닭", "Reason for coming", 6},
    [SUMMARY_ASKED] = {"asked", "요청", "What is asked", 6},
    [SUMMARY_PROBLEMS] = {"problems", "문제 목록", "Problems", 24},
    [SUMMARY_ALLERGIES] = {"allergies", "알레르기", "Allergies", 12},
    [SUMMARY_MEDICINES] = {"medicines", "약", "Medicines", 24},
    [SUMMARY_VALUES] = {"values", "마지막 값과 흐름", "Last values and trends", 28},
    [SUMMARY_FINDINGS] = {"findings", "검사 결론", "Conclusions of tests", 12},
    [SUMMARY_DONE] = {"done", "한 일", "What was done", 24},
};

const char *summary_section_code(enum summary_section section) {
    return sections[section].code;
}

const char *summary_section_title(enum summary_section section, const char *language) {
    return language[0] == 'k' ? sections[section].ko : sections[section].en;
}

const char *summary_notice(const char *language) {
    return language[0] == 'k'
               ? "이 요약은 기록에서 자동으로 뽑은 것입니다. 원본은 기록이며, 줄마다 그 출처로 이어집니다. 여기 없다고 "
                 "해서 "
                 "환자에게 없다는 뜻은 아닙니다."
               : "This summary was extracted automatically. The record is the source, and every line leads to it. "
                 "What is not here is not therefore absent in the patient.";
}

/* ---- words of a resource ---------------------------------------------------------------------------------------------- */

struct sheet {
    const struct summary_record *record;
    struct summary *out;
    struct scope *scope;
    size_t taken[SUMMARY_SECTION_COUNT];
};

/* What a CodeableConcept is called in the record: its text, a display, or at least a code. */
static struct text concept_words(const yyjson_val *concept) {
    struct text words = json_get_text(concept, "text");
    size_t i, count;
    yyjson_val *coding;
    yyjson_arr_foreach(json_get(concept, "coding"), i, count, coding) {
        words = words.size > 0 ? words : json_get_text(coding, "display");
    }
    yyjson_arr_foreach(json_get(concept, "coding"), i, count, coding) {
        words = words.size > 0 ? words : json_get_text(coding, "code");
    }
    return words;
}

static struct text first_code(const yyjson_val *concept) {
    return json_get_text(yyjson_arr_get(json_get(concept, "coding"), 0), "code");
}

static bool is_one_of(struct text value, const char *const *list) {
    for (; *list != NULL; list++) {
        if (text_is(value, *list)) {
            return true;
        }
    }
    return false;
}

static struct text reference_to(const yyjson_val *resource, struct scope *scope) {
    struct text type = json_get_text(resource, "resourceType"), id = json_get_text(resource, "id");
    return text_format(scope->arena, "%.*s/%.*s", (int)type.size, type.at, (int)id.size, id.at);
}

/* The first of the time elements that the resource has: a Period's start, or the text itself. */
static struct text time_of(const yyjson_val *resource, const char *const *names) {
    struct text found = {0};
    for (; *names != NULL && found.size == 0; names++) {
        const yyjson_val *value = json_get(resource, *names);
        found = json_text(value);
        found = found.size > 0 ? found : json_get_text(value, "start");
    }
    return found;
}

/* "2026-11-22 14:05" on the region's clock; a date stays one. */
static struct text stamp_words(struct text time, const struct sheet *sheet) {
    enum { DATE = 10, MINUTE = 16 };
    struct fhir_interval interval;
    int zone = sheet->record->zone_minutes;
    if (time.size <= DATE || !fhir_interval_parse(&interval, time, zone)) {
        return time;
    }
    char *words = arena_alloc(sheet->scope->arena, TIME_TEXT_SIZE);
    time_format_utc(words, interval.start_us + (int64_t)zone * 60000000);
    words[DATE] = ' ';
    words[MINUTE] = '\0';
    return (struct text){words, MINUTE};
}

/* " (2026-11-22 14:05)", or nothing. */
static struct text stamp_in_brackets(struct text time, const struct sheet *sheet) {
    struct text words = stamp_words(time, sheet);
    return words.size == 0 ? TEXT("") : text_format(sheet->scope->arena, " (%.*s)", (int)words.size, words.at);
}

static struct summary_line *line_add(struct sheet *sheet, enum summary_section section, const yyjson_val *source) {
    struct summary *out = sheet->out;
    if (sheet->taken[section] == sections[section].room || out->count == SUMMARY_LINES_MAX) {
        out->left_out[section]++;
        return NULL;
    }
    sheet->taken[section]++;
    struct summary_line *line = &out->lines[out->count++];
    *line = (struct summary_line){.section = section, .source_count = 1};
    line->sources[0] = reference_to(source, sheet->scope);
    return line;
}

/* A line that reads the same in both languages, but for a mark behind it. What is recorded without a name is not left out. NULL: no
 * line, for want of room or of words. */
static struct summary_line *line_say(struct sheet *sheet, enum summary_section section, const yyjson_val *source,
    struct text words, struct text time, struct text mark_ko, struct text mark_en) {
    bool named = words.size > 0;
    if (!named && section == SUMMARY_COMPLAINT) {
        return NULL;
    }
    struct summary_line *line = line_add(sheet, section, source);
    if (line == NULL) {
        return NULL;
    }
    struct text stamp = stamp_in_brackets(time, sheet);
    struct text ko = named ? words : TEXT("(이름 없이 기록됨)"), en = named ? words : TEXT("(recorded without a name)");
    line->ko = text_format(sheet->scope->arena, "%.*s%.*s%.*s", (int)ko.size, ko.at, (int)mark_ko.size,
        mark_ko.at != NULL ? mark_ko.at : "", (int)stamp.size, stamp.at);
    line->en = text_format(sheet->scope->arena, "%.*s%.*s%.*s", (int)en.size, en.at, (int)mark_en.size,
        mark_en.at != NULL ? mark_en.at : "", (int)stamp.size, stamp.at);
    return line;
}

/* A further resource that the line's words are taken from; none: nothing. */
static void line_source(struct summary_line *line, struct text reference) {
    if (line != NULL && reference.size > 0 && line->source_count < SUMMARY_SOURCES_MAX) {
        line->sources[line->source_count++] = reference;
    }
}

enum { JOINED_MAX = 12 };

/* Of a list, whether an item is still to be told; behind the last that is, the ellipsis that says so. */
static bool is_within(struct text *all, size_t index, struct scope *scope) {
    if (index == JOINED_MAX) {
        *all = text_format(scope->arena, "%.*s …", (int)all->size, all->at != NULL ? all->at : "");
    }
    return index < JOINED_MAX;
}

/* "a: b", where both are there. */
static struct text with_detail(struct text words, struct text detail, const char *between, struct scope *scope) {
    if (words.size == 0 || detail.size == 0) {
        return words.size > 0 ? words : detail;
    }
    return text_format(scope->arena, "%.*s%s%.*s", (int)words.size, words.at, between, (int)detail.size, detail.at);
}

/* Of an order: that something is not to be done. */
static bool is_forbidding(const yyjson_val *order) {
    bool forbids = false;
    return json_get_bool(&forbids, order, "doNotPerform") && forbids;
}

/* ---- complaint, what is asked -------------------------------------------------------------------------------------------- */

static const char *const unreal[] = {"cancelled", "entered-in-error", "nullified", "revoked", "not-done", NULL};

static enum status find_visit(const yyjson_val **visit, const struct sheet *sheet) {
    const struct summary_record *record = sheet->record;
    for (size_t i = 0; i < record->counts[SUMMARY_ENCOUNTERS]; i++) {
        const yyjson_val *encounter = record->resources[SUMMARY_ENCOUNTERS][i];
        bool wanted = record->encounter.size > 0 ? text_equal(record->encounter, reference_to(encounter, sheet->scope))
                                                 : !is_one_of(json_get_text(encounter, "status"), unreal);
        if (wanted) {
            *visit = encounter;
            return STATUS_OK;
        }
    }
    return record->encounter.size == 0
               ? STATUS_OK
               : fault(sheet->scope, STATUS_UNPROCESSABLE, "encounter", "the visit is not among the patient's");
}

static void say_complaint(struct sheet *sheet, const yyjson_val *visit) {
    static const char *const times[] = {"period", NULL};
    size_t i, count;
    yyjson_val *reason;
    yyjson_arr_foreach(json_get(visit, "reasonCode"), i, count, reason) {
        line_say(sheet, SUMMARY_COMPLAINT, visit, concept_words(reason), time_of(visit, times), (struct text){0},
            (struct text){0});
    }
}

static struct text joined_reasons(const yyjson_val *request, struct scope *scope) {
    struct text all = {0};
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_get(request, "reasonCode"), i, count, item) {
        if (is_within(&all, i, scope)) {
            all = with_detail(all, concept_words(item), ", ", scope);
        }
    }
    yyjson_arr_foreach(json_get(request, "note"), i, count, item) {
        if (is_within(&all, i, scope)) {
            all = with_detail(all, json_get_text(item, "text"), "; ", scope);
        }
    }
    return all;
}

static enum status say_asked(struct sheet *sheet) {
    static const char *const times[] = {"authoredOn", NULL};
    const struct summary_record *record = sheet->record;
    bool found = record->request.size == 0;
    for (size_t i = 0; i < record->counts[SUMMARY_REQUESTS]; i++) {
        const yyjson_val *request = record->resources[SUMMARY_REQUESTS][i];
        bool wanted = record->request.size > 0 ? text_equal(record->request, reference_to(request, sheet->scope))
                                               : text_is(json_get_text(request, "status"), "active");
        if (!wanted) {
            continue;
        }
        found = true;
        struct text words = with_detail(
            concept_words(json_get(request, "code")), joined_reasons(request, sheet->scope), ": ", sheet->scope);
        struct text priority = json_get_text(request, "priority");
        if (priority.size > 0) {
            priority = text_format(sheet->scope->arena, " [%.*s]", (int)priority.size, priority.at);
        }
        bool forbids = is_forbidding(request);
        line_say(sheet, SUMMARY_ASKED, request, words, time_of(request, times),
            forbids ? TEXT(" [하지 말 것]") : priority, forbids ? TEXT(" [not to be done]") : priority);
    }
    return found ? STATUS_OK
                 : fault(sheet->scope, STATUS_UNPROCESSABLE, "request", "the request is not among the patient's");
}

/* ---- problems, allergies, medicines -------------------------------------------------------------------------------------- */

static bool is_doubtful(const yyjson_val *resource) {
    static const char *const doubtful[] = {"unconfirmed", "provisional", "differential", NULL};
    return is_one_of(first_code(json_get(resource, "verificationStatus")), doubtful);
}

static bool is_struck_out(const yyjson_val *resource) {
    static const char *const struck[] = {"refuted", "entered-in-error", NULL};
    return is_one_of(first_code(json_get(resource, "verificationStatus")), struck);
}

static bool is_over(const yyjson_val *resource) {
    static const char *const over[] = {"inactive", "remission", "resolved", NULL};
    return is_one_of(first_code(json_get(resource, "clinicalStatus")), over);
}

/* What lasts first, then what is over, said so. */
static void say_problems(struct sheet *sheet) {
    static const char *const times[] = {"onsetDateTime", "onsetPeriod", "recordedDate", NULL};
    const struct summary_record *record = sheet->record;
    for (int past = 0; past < 2; past++) {
        for (size_t i = 0; i < record->counts[SUMMARY_CONDITIONS]; i++) {
            const yyjson_val *condition = record->resources[SUMMARY_CONDITIONS][i];
            if (is_struck_out(condition) || is_over(condition) != (past == 1)) {
                continue;
            }
            bool doubtful = is_doubtful(condition);
            line_say(sheet, SUMMARY_PROBLEMS, condition, concept_words(json_get(condition, "code")),
                time_of(condition, times),
                past       ? TEXT(" [끝남]")
                : doubtful ? TEXT(" [확인 전]")
                           : (struct text){0},
                past       ? TEXT(" [over]")
                : doubtful ? TEXT(" [not confirmed]")
                           : (struct text){0});
        }
    }
}

/* Every manifestation of every reaction: the one that kills need not stand first. */
static struct text reaction_words(const yyjson_val *allergy, struct scope *scope) {
    struct text all = {0};
    size_t i, k, count, signs, told = 0;
    yyjson_val *reaction, *sign;
    yyjson_arr_foreach(json_get(allergy, "reaction"), i, count, reaction) {
        yyjson_arr_foreach(json_get(reaction, "manifestation"), k, signs, sign) {
            if (is_within(&all, told++, scope)) {
                all = with_detail(all, concept_words(sign), ", ", scope);
            }
        }
    }
    return all;
}

static void say_allergies(struct sheet *sheet) {
    static const char *const times[] = {"onsetDateTime", "lastOccurrence", "recordedDate", NULL};
    const struct summary_record *record = sheet->record;
    for (size_t i = 0; i < record->counts[SUMMARY_ALLERGY_RECORDS]; i++) {
        const yyjson_val *allergy = record->resources[SUMMARY_ALLERGY_RECORDS][i];
        if (is_struck_out(allergy) || is_over(allergy)) {
            continue;
        }
        struct text words = with_detail(
            concept_words(json_get(allergy, "code")), reaction_words(allergy, sheet->scope), ": ", sheet->scope);
        bool high = text_is(json_get_text(allergy, "criticality"), "high"), doubtful = is_doubtful(allergy);
        line_say(sheet, SUMMARY_ALLERGIES, allergy, words, time_of(allergy, times),
            high && doubtful ? TEXT(" [위험 높음, 확인 전]")
            : high           ? TEXT(" [위험 높음]")
            : doubtful       ? TEXT(" [확인 전]")
                             : (struct text){0},
            high && doubtful ? TEXT(" [high risk, not confirmed]")
            : high           ? TEXT(" [high risk]")
            : doubtful       ? TEXT(" [not confirmed]")
                             : (struct text){0});
    }
}

static struct text quantity_words(const yyjson_val *quantity, struct scope *scope) {
    struct text number = json_number_text(json_get(quantity, "value"));
    struct text unit = json_get_text(quantity, "unit"), comparator = json_get_text(quantity, "comparator");
    unit = unit.size > 0 ? unit : json_get_text(quantity, "code");
    if (number.size == 0) {
        return (struct text){0};
    }
    return text_format(scope->arena, "%.*s%.*s%s%.*s", (int)comparator.size, comparator.at != NULL ? comparator.at : "",
        (int)number.size, number.at, unit.size > 0 && !text_is(unit, "%") ? " " : "", (int)unit.size,
        unit.at != NULL ? unit.at : "");
}

static struct text medication_name(const yyjson_val *list_item, struct text id) {
    return text_equal(json_get_text(list_item, "id"), id) ? concept_words(json_get(list_item, "code"))
                                                          : (struct text){0};
}

/* Of medication[x]: a concept, what a reference says of itself, the Medication it leads to (then *from is that), or at least where it
 * leads. */
static struct text medicine_words(struct text *from, const struct sheet *sheet, const yyjson_val *resource) {
    struct text words = concept_words(json_get(resource, "medicationCodeableConcept"));
    const yyjson_val *link = json_get(resource, "medicationReference");
    struct text reference = json_get_text(link, "reference"), id = reference_id(reference, "Medication");
    words = words.size > 0 ? words : json_get_text(link, "display");
    for (size_t i = 0; i < sheet->record->medication_count && words.size == 0 && id.size > 0; i++) {
        words = medication_name(sheet->record->medications[i], id);
        *from = words.size > 0 ? reference_to(sheet->record->medications[i], sheet->scope) : *from;
    }
    size_t i, count;
    yyjson_val *inside;
    yyjson_arr_foreach(json_get(resource, "contained"), i, count, inside) {
        if (words.size == 0 && reference.size > 1 && reference.at[0] == '#') {
            words = medication_name(inside, (struct text){reference.at + 1, reference.size - 1});
        }
    }
    return words.size > 0 ? words : reference;
}

/* "1-2 mg", "<5 mg": of a Range both ends. */
static struct text range_words(const yyjson_val *range, struct scope *scope) {
    return with_detail(
        quantity_words(json_get(range, "low"), scope), quantity_words(json_get(range, "high"), scope), "–", scope);
}

/* "2 x / 1 d", or what the timing is called. */
static struct text timing_words(const yyjson_val *timing, struct scope *scope) {
    const yyjson_val *repeat = json_get(timing, "repeat");
    struct text times = json_number_text(json_get(repeat, "frequency")), unit = json_get_text(repeat, "periodUnit");
    struct text period = json_number_text(json_get(repeat, "period")), name = concept_words(json_get(timing, "code"));
    if (name.size > 0 || period.size == 0 || unit.size == 0) {
        return name;
    }
    times = times.size > 0 ? times : TEXT("1");
    return text_format(scope->arena, "%.*s x / %.*s %.*s", (int)times.size, times.at, (int)period.size, period.at,
        (int)unit.size, unit.at);
}

static struct text one_dose_words(const yyjson_val *dosage, struct scope *scope) {
    struct text words = json_get_text(dosage, "text");
    if (words.size > 0) {
        return words;
    }
    const yyjson_val *rate = yyjson_arr_get(json_get(dosage, "doseAndRate"), 0);
    bool at_need = false;
    words = quantity_words(json_get(rate, "doseQuantity"), scope);
    words = words.size > 0 ? words : range_words(json_get(rate, "doseRange"), scope);
    words = words.size > 0 ? words : quantity_words(json_get(dosage, "dose"), scope);
    words = with_detail(words, quantity_words(json_get(rate, "rateQuantity"), scope), ", ", scope);
    words = with_detail(words, quantity_words(json_get(dosage, "rateQuantity"), scope), ", ", scope);
    words = with_detail(words, timing_words(json_get(dosage, "timing"), scope), ", ", scope);
    words = with_detail(words, concept_words(json_get(dosage, "route")), ", ", scope);
    if ((json_get_bool(&at_need, dosage, "asNeededBoolean") && at_need) ||
        json_get(dosage, "asNeededCodeableConcept") != NULL) {
        words = with_detail(words, TEXT("PRN"), ", ", scope);
        words = with_detail(words, concept_words(json_get(dosage, "asNeededCodeableConcept")), " ", scope);
    }
    return words;
}

/* Every dosage: half of an order is another order. */
static struct text dose_words(const yyjson_val *resource, const char *member, struct scope *scope) {
    const yyjson_val *dosage = json_get(resource, member);
    struct text all = {0};
    size_t i, count;
    yyjson_val *item;
    if (!yyjson_is_arr((yyjson_val *)dosage)) {
        return one_dose_words(dosage, scope);
    }
    yyjson_arr_foreach((yyjson_val *)dosage, i, count, item) {
        if (is_within(&all, i, scope)) {
            all = with_detail(all, one_dose_words(item, scope), "; ", scope);
        }
    }
    return all;
}

static void say_medicines(struct sheet *sheet) {
    static const char *const times[] = {"effectiveDateTime", "effectivePeriod", "dateAsserted", "authoredOn", NULL};
    static const char *const running[] = {"active", "on-hold", "intended", "unknown", NULL};
    static const struct {
        enum summary_source source;
        const char *dosage;
    } rows[] = {{SUMMARY_STATEMENTS, "dosage"}, {SUMMARY_PRESCRIPTIONS, "dosageInstruction"}};
    const struct summary_record *record = sheet->record;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        for (size_t i = 0; i < record->counts[rows[row].source]; i++) {
            const yyjson_val *resource = record->resources[rows[row].source][i];
            struct text state = json_get_text(resource, "status");
            if (!is_one_of(state, running)) {
                continue;
            }
            bool held = text_is(state, "on-hold"), forbids = is_forbidding(resource);
            bool intended = text_is(state, "intended");
            struct text from = {0};
            struct text words = with_detail(medicine_words(&from, sheet, resource),
                dose_words(resource, rows[row].dosage, sheet->scope), ", ", sheet->scope);
            line_source(line_say(sheet, SUMMARY_MEDICINES, resource, words, time_of(resource, times),
                            forbids    ? TEXT(" [투여하지 말 것]")
                            : held     ? TEXT(" [멈춤]")
                            : intended ? TEXT(" [예정]")
                                       : (struct text){0},
                            forbids    ? TEXT(" [not to be given]")
                            : held     ? TEXT(" [on hold]")
                            : intended ? TEXT(" [intended]")
                                       : (struct text){0}),
                from);
        }
    }
}

/* ---- values ---------------------------------------------------------------------------------------------------------------- */

/* Names of the vital signs in both languages, in the order in which they are read. LOINC. */
static const struct {
    const char *code, *ko, *en;
} vital_names[] = {
    {"8480-6", "수축기 혈압", "systolic pressure"},
    {"8462-4", "이완기 혈압", "diastolic pressure"},
    {"8867-4", "심박수", "heart rate"},
    {"9279-1", "호흡수", "respiratory rate"},
    {"59408-5", "산소포화도", "oxygen saturation"},
    {"2708-6", "산소포화도", "oxygen saturation"},
    {"3151-8", "산소 유량", "oxygen flow"},
    {"8310-5", "체온", "temperature"},
    {"67775-7", "의식(ACVPU)", "level of consciousness (ACVPU)"},
    {"80288-4", "의식(AVPU)", "level of consciousness (AVPU)"},
    {"9269-2", "GCS 합계", "GCS total"},
    {"72514-3", "통증(0–10)", "pain (0–10)"},
    {"2339-0", "혈당", "glucose"},
};
enum { VITALS = sizeof vital_names / sizeof *vital_names, POINTS_MAX = SUMMARY_SOURCES_MAX, SERIES_MAX = 256 };
static const char *const complaint_codes[] = {"8661-1", "10154-3", "46239-0", NULL};

struct point {
    const yyjson_val *observation;
    struct text value, time;
    bool is_early; /* preliminary */
    double number;
    struct text unit; /* none where it is no quantity */
};
struct series {
    struct text system, code, name;
    struct point points[POINTS_MAX]; /* the newest first */
    int count;
    int rank; /* of vital_names; VITALS: another */
};

/* "1:128". */
static struct text ratio_words(const yyjson_val *ratio, struct scope *scope) {
    return with_detail(quantity_words(json_get(ratio, "numerator"), scope),
        quantity_words(json_get(ratio, "denominator"), scope), ":", scope);
}

static struct text period_words(const yyjson_val *period, struct scope *scope) {
    struct text end = json_get_text(period, "end");
    return with_detail(json_get_text(period, "start"), end.size > 0 ? end : TEXT("…"), " – ", scope);
}

static struct text bare_value_words(const yyjson_val *holder, struct scope *scope) {
    const struct text each[] = {quantity_words(json_get(holder, "valueQuantity"), scope),
        json_get_text(holder, "valueString"), concept_words(json_get(holder, "valueCodeableConcept")),
        json_number_text(json_get(holder, "valueInteger")), ratio_words(json_get(holder, "valueRatio"), scope),
        range_words(json_get(holder, "valueRange"), scope), json_get_text(holder, "valueTime"),
        json_get_text(holder, "valueDateTime")};
    bool flag = false;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        if (each[i].size > 0) {
            return each[i];
        }
    }
    if (json_get(holder, "valuePeriod") != NULL) {
        return period_words(json_get(holder, "valuePeriod"), scope);
    }
    return !json_get_bool(&flag, holder, "valueBoolean") ? (struct text){0} : flag ? TEXT("true") : TEXT("false");
}

/* With what the laboratory said of it: "6.8 mmol/L [HH]". */
static struct text value_words(const yyjson_val *holder, struct scope *scope) {
    struct text words = bare_value_words(holder, scope);
    struct text judged = concept_words(yyjson_arr_get(json_get(holder, "interpretation"), 0));
    if (words.size == 0 || judged.size == 0) {
        return words;
    }
    return text_format(scope->arena, "%.*s [%.*s]", (int)words.size, words.at, (int)judged.size, judged.at);
}

static int vital_rank(struct text code) {
    for (int i = 0; i < VITALS; i++) {
        if (text_is(code, vital_names[i].code)) {
            return i;
        }
    }
    return VITALS;
}

static struct series *series_find(struct series *all, size_t *count, const yyjson_val *concept) {
    const yyjson_val *coding = yyjson_arr_get(json_get(concept, "coding"), 0);
    struct text system = json_get_text(coding, "system"), code = json_get_text(coding, "code");
    struct text name = concept_words(concept);
    for (size_t i = 0; i < *count; i++) {
        bool same = code.size > 0 ? text_equal(all[i].code, code) && text_equal(all[i].system, system)
                                  : all[i].code.size == 0 && text_equal(all[i].name, name);
        if (same) {
            return &all[i];
        }
    }
    if (*count == SERIES_MAX || name.size == 0) {
        return NULL;
    }
    all[*count] = (struct series){.system = system, .code = code, .name = name, .rank = vital_rank(code)};
    return &all[(*count)++];
}

/* Of a text that no sheet holds, the beginning, cut before a character. */
static struct text beginning(struct text words, struct scope *scope) {
    enum { MOST = 8000 };
    size_t size = MOST;
    if (words.size <= MOST) {
        return words;
    }
    while (size > 0 && ((unsigned char)words.at[size] & 0xC0) == 0x80) {
        size--;
    }
    return text_format(scope->arena, "%.*s…", (int)size, words.at);
}

static void series_put(
    struct series *series, const yyjson_val *observation, const yyjson_val *holder, struct scope *scope) {
    static const char *const times[] = {"effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued", NULL};
    struct text value = beginning(value_words(holder, scope), scope);
    if (series == NULL || value.size == 0 || series->count == POINTS_MAX) {
        return;
    }
    const yyjson_val *quantity = json_get(holder, "valueQuantity");
    struct point *point = &series->points[series->count++];
    *point = (struct point){.observation = observation, .value = value, .time = time_of(observation, times)};
    point->is_early = text_is(json_get_text(observation, "status"), "preliminary");
    struct text unit = json_get_text(quantity, "code");
    unit = unit.size > 0 ? unit : json_get_text(quantity, "unit");
    bool is_plain = json_get_text(quantity, "comparator").size == 0;
    if (is_plain && text_to_double(&point->number, json_number_text(json_get(quantity, "value")))) {
        point->unit = unit.size > 0 ? unit : TEXT("1");
    }
}

/* Against the value before, where both are numbers in one unit. */
static void trend_words(const struct series *series, struct text *ko, struct text *en) {
    const struct point *last = &series->points[0], *before = &series->points[1];
    *ko = *en = TEXT("");
    if (series->count < 2 || last->unit.size == 0 || !text_equal(last->unit, before->unit)) {
        return;
    }
    bool higher = last->number > before->number, lower = last->number < before->number;
    *ko = higher ? TEXT(" — 앞 값보다 높음") : lower ? TEXT(" — 앞 값보다 낮음") : TEXT(" — 앞 값과 같음");
    *en = higher  ? TEXT(" — higher than the value before")
          : lower ? TEXT(" — lower than the value before")
                  : TEXT(" — as the value before");
}

/* The words of one language. */
struct series_language {
    const char *name, *earlier, *early;
    struct text trend;
};

static struct text series_words(
    const struct series *series, const struct sheet *sheet, const struct series_language *language) {
    struct buffer words = buffer_open(sheet->scope->arena, 1 << 16);
    buffer_put_string(&words, language->name);
    for (int i = 0; i < series->count; i++) {
        buffer_put_string(&words, i == 0 ? " " : i == 1 ? language->earlier : ", ");
        buffer_put(&words, series->points[i].value);
        buffer_put_string(&words, series->points[i].is_early ? language->early : "");
        buffer_put(&words, stamp_in_brackets(series->points[i].time, sheet));
    }
    buffer_put(&words, language->trend);
    return buffer_text(&words);
}

static void say_series(struct sheet *sheet, const struct series *series) {
    struct summary_line *line = line_add(sheet, SUMMARY_VALUES, series->points[0].observation);
    if (line == NULL) {
        return;
    }
    const char *own = text_string(sheet->scope->arena, beginning(series->name, sheet->scope));
    struct series_language ko = {own, "; 앞서 ", " [예비]", {0}}, en = {own, "; before ", " [preliminary]", {0}};
    if (series->rank < VITALS) {
        ko.name = vital_names[series->rank].ko;
        en.name = vital_names[series->rank].en;
    }
    trend_words(series, &ko.trend, &en.trend);
    line->ko = series_words(series, sheet, &ko);
    line->en = series_words(series, sheet, &en);
    for (int i = 1; i < series->count; i++) {
        line->sources[line->source_count++] = reference_to(series->points[i].observation, sheet->scope);
    }
}

static void take_observation(struct sheet *sheet, struct series *all, size_t *count, const yyjson_val *observation) {
    const yyjson_val *code = json_get(observation, "code");
    if (is_one_of(json_get_text(observation, "status"), unreal)) {
        return;
    }
    if (is_one_of(first_code(code), complaint_codes)) {
        static const char *const times[] = {"effectiveDateTime", "effectivePeriod", NULL};
        line_say(sheet, SUMMARY_COMPLAINT, observation, value_words(observation, sheet->scope),
            time_of(observation, times), (struct text){0}, (struct text){0});
        return;
    }
    series_put(series_find(all, count, code), observation, observation, sheet->scope);
    size_t i, parts;
    yyjson_val *part;
    yyjson_arr_foreach(json_get(observation, "component"), i, parts, part) {
        series_put(series_find(all, count, json_get(part, "code")), observation, part, sheet->scope);
    }
}

static void say_values(struct sheet *sheet, const struct series *all, size_t count) {
    for (int rank = 0; rank <= VITALS; rank++) {
        for (size_t i = 0; i < count; i++) {
            if (all[i].rank == rank && all[i].count > 0) {
                say_series(sheet, &all[i]);
            }
        }
    }
}

/* ---- conclusions, what was done ---------------------------------------------------------------------------------------- */

/* In words, or as coded. */
static struct text conclusion_words(const yyjson_val *report, struct scope *scope) {
    struct text all = json_get_text(report, "conclusion");
    size_t i, count;
    yyjson_val *coded;
    if (all.size > 0) {
        return all;
    }
    yyjson_arr_foreach(json_get(report, "conclusionCode"), i, count, coded) {
        if (is_within(&all, i, scope)) {
            all = with_detail(all, concept_words(coded), ", ", scope);
        }
    }
    return all;
}

static void say_findings(struct sheet *sheet) {
    static const char *const times[] = {"effectiveDateTime", "effectivePeriod", "issued", NULL};
    const struct summary_record *record = sheet->record;
    for (size_t i = 0; i < record->counts[SUMMARY_REPORTS]; i++) {
        const yyjson_val *report = record->resources[SUMMARY_REPORTS][i];
        struct text conclusion = conclusion_words(report, sheet->scope), state = json_get_text(report, "status");
        if (conclusion.size == 0 || is_one_of(state, unreal)) {
            continue;
        }
        bool early = text_is(state, "preliminary") || text_is(state, "partial") || text_is(state, "registered");
        line_say(sheet, SUMMARY_FINDINGS, report,
            with_detail(concept_words(json_get(report, "code")), conclusion, ": ", sheet->scope),
            time_of(report, times), early ? TEXT(" [예비]") : (struct text){0},
            early ? TEXT(" [preliminary]") : (struct text){0});
    }
}

static void say_done(struct sheet *sheet) {
    static const char *const times[] = {
        "performedDateTime", "performedPeriod", "effectiveDateTime", "effectivePeriod", NULL};
    static const char *const done[] = {"completed", "in-progress", NULL};
    static const enum summary_source sources[] = {SUMMARY_ADMINISTRATIONS, SUMMARY_PROCEDURES};
    const struct summary_record *record = sheet->record;
    for (size_t row = 0; row < sizeof sources / sizeof *sources; row++) {
        for (size_t i = 0; i < record->counts[sources[row]]; i++) {
            const yyjson_val *resource = record->resources[sources[row]][i];
            struct text state = json_get_text(resource, "status");
            if (!is_one_of(state, done)) {
                continue;
            }
            struct text from = {0};
            struct text words = sources[row] == SUMMARY_PROCEDURES
                                    ? with_detail(concept_words(json_get(resource, "code")),
                                          concept_words(json_get(resource, "outcome")), ": ", sheet->scope)
                                    : with_detail(medicine_words(&from, sheet, resource),
                                          dose_words(resource, "dosage", sheet->scope), ", ", sheet->scope);
            bool runs = text_is(state, "in-progress");
            line_source(
                line_say(sheet, SUMMARY_DONE, resource, words, time_of(resource, times),
                    runs ? TEXT(" [진행 중]") : (struct text){0}, runs ? TEXT(" [in progress]") : (struct text){0}),
                from);
        }
    }
}

/* ---- all together --------------------------------------------------------------------------------------------------------- */

/* Lines by section; those of one section keep their order. */
static void sort_lines(struct summary *out, struct scope *scope) {
    struct summary_line *sorted = ARENA_ARRAY(scope->arena, struct summary_line, out->count + 1);
    size_t count = 0;
    for (int section = 0; section < SUMMARY_SECTION_COUNT; section++) {
        for (size_t i = 0; i < out->count; i++) {
            if ((int)out->lines[i].section == section) {
                sorted[count++] = out->lines[i];
            }
        }
    }
    out->lines = sorted;
}

enum status summary_of(struct summary *out, const struct summary_record *record, struct scope *scope) {
    struct sheet sheet = {.record = record, .out = out, .scope = scope};
    struct series *all = ARENA_ARRAY(scope->arena, struct series, SERIES_MAX);
    const yyjson_val *visit = NULL;
    size_t count = 0;
    *out = (struct summary){.patient = record->patient};
    out->lines = ARENA_ARRAY(scope->arena, struct summary_line, SUMMARY_LINES_MAX);
    enum status status = find_visit(&visit, &sheet);
    if (status != STATUS_OK) {
        return status;
    }
    if (visit != NULL) {
        out->encounter = reference_to(visit, scope);
        say_complaint(&sheet, visit);
    }
    status = say_asked(&sheet);
    for (size_t i = 0; i < record->counts[SUMMARY_OBSERVATIONS] && status == STATUS_OK; i++) {
        take_observation(&sheet, all, &count, record->resources[SUMMARY_OBSERVATIONS][i]);
        status = scope_check_deadline(scope);
    }
    if (status != STATUS_OK) {
        return status;
    }
    say_problems(&sheet);
    say_allergies(&sheet);
    say_medicines(&sheet);
    say_values(&sheet, all, count);
    say_findings(&sheet);
    say_done(&sheet);
    sort_lines(out, scope);
    return STATUS_OK;
}

/* The Medications that are only referred to, without a word of what they are. */
static enum status gather_medications(struct summary_record *out, struct records_visit *visit, struct scope *scope) {
    static const enum summary_source sources[] = {SUMMARY_STATEMENTS, SUMMARY_PRESCRIPTIONS, SUMMARY_ADMINISTRATIONS};
    const fhir_type type = fhir_type_find(TEXT("Medication"));
    size_t room = 1;
    for (size_t row = 0; row < sizeof sources / sizeof *sources; row++) {
        room += out->counts[sources[row]];
    }
    out->medications = ARENA_ARRAY(scope->arena, const yyjson_val *, room);
    for (size_t row = 0; row < sizeof sources / sizeof *sources; row++) {
        for (size_t i = 0; i < out->counts[sources[row]]; i++) {
            const yyjson_val *link = json_get(out->resources[sources[row]][i], "medicationReference"), *found = NULL;
            struct text id = reference_id(json_get_text(link, "reference"), "Medication");
            if (json_get_text(link, "display").size > 0 || !fhir_id_is_valid(id)) {
                continue;
            }
            enum status status = records_visit_get(&found, visit, type, id, scope);
            if (status != STATUS_OK && status != STATUS_NOT_FOUND && status != STATUS_GONE) {
                return status;
            }
            if (found != NULL) {
                out->medications[out->medication_count++] = found;
            }
        }
    }
    return STATUS_OK;
}

enum status summary_gather(
    struct summary_record *out, struct records_visit *visit, struct text patient_id, struct scope *scope) {
    enum { FIND_MAX = 400 };
    static const struct {
        const char *type, *sort;
    } rows[] = {
        [SUMMARY_ENCOUNTERS] = {"Encounter", "-date"},
        [SUMMARY_REQUESTS] = {"ServiceRequest", "-authored"},
        [SUMMARY_CONDITIONS] = {"Condition", "-recorded-date"},
        [SUMMARY_ALLERGY_RECORDS] = {"AllergyIntolerance", "-date"},
        [SUMMARY_STATEMENTS] = {"MedicationStatement", "-effective"},
        [SUMMARY_PRESCRIPTIONS] = {"MedicationRequest", "-authoredon"},
        [SUMMARY_OBSERVATIONS] = {"Observation", "-date"},
        [SUMMARY_REPORTS] = {"DiagnosticReport", "-date"},
        [SUMMARY_PROCEDURES] = {"Procedure", "-date"},
        [SUMMARY_ADMINISTRATIONS] = {"MedicationAdministration", "-effective-time"},
    };
    const yyjson_val *patient = NULL;
    enum status status = records_visit_get(&patient, visit, fhir_type_find(TEXT("Patient")), patient_id, scope);
    if (status != STATUS_OK) {
        return scope->fault.count > 0 ? status : fault(scope, status, "patient", "no such patient in the record");
    }
    out->patient = text_format(scope->arena, "Patient/%.*s", (int)patient_id.size, patient_id.at);
    for (size_t row = 0; row < SUMMARY_SOURCE_COUNT && status == STATUS_OK; row++) {
        struct search_pair pairs[] = {{TEXT("patient"), out->patient}, {TEXT("_sort"), text_from(rows[row].sort)}};
        status = records_visit_find(&out->resources[row], &out->counts[row], visit,
            fhir_type_find(text_from(rows[row].type)), pairs, sizeof pairs / sizeof *pairs, FIND_MAX, scope);
        out->counts[row] = out->counts[row] < FIND_MAX ? out->counts[row] : FIND_MAX;
    }
    return status == STATUS_OK ? gather_medications(out, visit, scope) : status;
}
