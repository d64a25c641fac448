/* The reading, written: a stable object, and a FHIR RiskAssessment. Same reading, same bytes. */
#include "triage/sentences.h"
#include "triage/triage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXTENSION_BASE TRIAGE_BASE "/StructureDefinition/"
enum { RISK_ASSESSMENT_BYTES_MAX = 1 << 20, VALUE_DECIMALS = 2, PROBABILITY_DECIMALS = 6, EXACT_DECIMALS_MAX = 17 };

/* As few decimals as say the same. */
static void member_number(struct json_writer *w, const char *name, double value) {
    int decimals = 0;
    while (decimals < VALUE_DECIMALS && fabs(value * pow(10, decimals) - nearbyint(value * pow(10, decimals))) > 1e-9)
        decimals++;
    json_member_decimal(w, name, value, decimals);
}

/* As few as read back as the very same number: facts are replayed from what is written. */
static void member_exact(struct json_writer *w, const char *name, double value) {
    char digits[64];
    int decimals = 0;
    for (; decimals < EXACT_DECIMALS_MAX; decimals++) {
        (void)snprintf(digits, sizeof digits, "%.*f", decimals, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    json_member_decimal(w, name, value, decimals);
}

static const char *answer_code(enum triage_answer answer) {
    return answer == TRIAGE_YES ? "yes" : answer == TRIAGE_NO ? "no" : NULL;
}

static void write_values(struct json_writer *w, const struct triage_facts *facts) {
    json_name(w, "values");
    json_array_open(w);
    for (int i = 0; i < TRIAGE_MEASURE_COUNT; i++) {
        const struct triage_value *value = &facts->values[i];
        if (!value->known)
            continue;
        json_object_open(w);
        json_member_string(w, "code", triage_measure_code((enum triage_measure)i));
        member_exact(w, "value", value->value);
        json_member_string(w, "unit", triage_measure_unit((enum triage_measure)i));
        json_member_text(w, "path", value->path);
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_texts(struct json_writer *w, const struct triage_facts *facts) {
    static const char *const kinds[] = {
        [TRIAGE_TEXT_COMPLAINT] = "complaint", [TRIAGE_TEXT_FINDING] = "finding", [TRIAGE_TEXT_HISTORY] = "history"};
    json_name(w, "texts");
    json_array_open(w);
    for (size_t i = 0; i < facts->text_count; i++) {
        const struct triage_text *text = &facts->texts[i];
        json_object_open(w);
        json_member_string(w, "kind", kinds[text->kind]);
        json_member_text(w, "text", text->text);
        json_member_text(w, "system", text->system);
        json_member_text(w, "code", text->code);
        json_member_text(w, "path", text->path);
        if (text->doubtful)
            json_member_bool(w, "doubtful", true);
        if (text->confirmed)
            json_member_bool(w, "confirmed", true);
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_remarks(struct json_writer *w, const struct triage_facts *facts) {
    if (facts->note_count == 0)
        return;
    json_name(w, "notes");
    json_array_open(w);
    for (size_t i = 0; i < facts->note_count; i++) {
        json_object_open(w);
        json_member_string(w, "code", facts->notes[i].code);
        json_member_text(w, "path", facts->notes[i].path);
        json_member_text(w, "ko", facts->notes[i].ko);
        json_member_text(w, "en", facts->notes[i].en);
        json_object_close(w);
    }
    json_array_close(w);
}

void triage_write_facts(struct json_writer *w, const struct triage_facts *facts) {
    char time[TIME_TEXT_SIZE];
    json_object_open(w);
    json_member_text(w, "patient", facts->patient);
    json_member_text(w, "encounter", facts->encounter);
    json_member_text(w, "site", facts->site);
    if (facts->at_us) {
        time_format_utc(time, facts->at_us);
        json_member_string(w, "at", time);
    }
    if (facts->age_months >= 0)
        json_member_int(w, "ageMonths", facts->age_months);
    json_member_string(w, "sex", facts->sex == TRIAGE_FEMALE ? "female" : facts->sex == TRIAGE_MALE ? "male" : NULL);
    json_member_string(w, "pregnant", answer_code(facts->pregnant));
    json_member_string(w, "oxygen", answer_code(facts->oxygen));
    json_member_string(w, "hypercapnic", answer_code(facts->hypercapnic));
    json_member_string(w, "injury", answer_code(facts->injury));
    json_member_string(w, "mind", facts->mind == TRIAGE_MIND_UNKNOWN ? NULL : mind_letter(facts->mind));
    if (facts->onset_minutes >= 0)
        json_member_int(w, "onsetMinutes", facts->onset_minutes);
    if (facts->past.known) {
        json_member_int(w, "pastVisits", facts->past.visits);
        json_member_int(w, "pastAdmissions", facts->past.admissions);
    }
    if (facts->human_level) {
        json_member_int(w, "humanLevel", facts->human_level);
        json_member_text(w, "humanSystem", facts->human_system);
    }
    write_values(w, facts);
    write_texts(w, facts);
    write_remarks(w, facts);
    json_object_close(w);
}

static void write_evidence(struct json_writer *w, const struct triage_evidence *evidence, int count) {
    if (count == 0)
        return;
    json_name(w, "evidence");
    json_array_open(w);
    for (int i = 0; i < count; i++) {
        json_object_open(w);
        json_member_text(w, "quote", evidence[i].quote);
        json_member_text(w, "path", evidence[i].path);
        json_member_int(w, "from", (int64_t)evidence[i].from);
        json_member_int(w, "to", (int64_t)evidence[i].to);
        json_member_text(w, "concept", evidence[i].concept);
        json_member_bool(w, "possible", evidence[i].possible);
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_score(struct json_writer *w, const struct triage_score *score) {
    json_object_open(w);
    json_member_string(w, "code", triage_score_code(score->kind));
    json_member_string(w, "name", triage_score_name(score->kind));
    if (score->kind == TRIAGE_SHOCK_INDEX)
        json_member_decimal(w, "total", score->total / 100.0, 2);
    else
        json_member_int(w, "total", score->total);
    json_member_bool(w, "complete", score->complete);
    json_member_bool(w, "fits", score->fits);
    json_member_string(w, "unfitKo", score->unfit_ko);
    json_member_string(w, "unfitEn", score->unfit_en);
    json_name(w, "parts");
    json_array_open(w);
    for (int i = 0; i < score->part_count; i++) {
        const struct triage_part *part = &score->parts[i];
        json_object_open(w);
        json_member_string(w, "code", part->code);
        json_member_bool(w, "known", part->known);
        if (part->known) {
            member_number(w, "value", part->value);
            json_member_int(w, "points", part->points);
        }
        if (part->estimated)
            json_member_bool(w, "estimated", true);
        json_object_close(w);
    }
    json_array_close(w);
    json_member_string(w, "source", triage_score_source(score->kind));
    json_object_close(w);
}

static void write_departments(struct json_writer *w, const char *const *codes, int count) {
    json_name(w, "departments");
    json_array_open(w);
    for (int i = 0; i < count; i++)
        json_string(w, codes[i]);
    json_array_close(w);
}

static void write_needed(struct json_writer *w, const struct triage_needed *needed) {
    const struct triage_need *need = needed->need;
    json_object_open(w);
    json_member_text(w, "code", need->code);
    json_member_text(w, "system", need->system);
    json_member_text(w, "nameKo", need->name_ko);
    json_member_text(w, "nameEn", need->name_en);
    json_member_bool(w, "possible", needed->possible);
    if (needed->confirmed) /* a reading without confirmed findings has the bytes it always had */
        json_member_bool(w, "confirmed", true);
    json_member_bool(w, "timeCritical", need->time_critical);
    json_member_string(w, "place", triage_place_code(need->place));
    write_departments(w, need->departments, need->department_count);
    if (need->window_minutes) {
        json_member_int(w, "windowMinutes", need->window_minutes);
        json_member_text(w, "windowSource", need->window_source);
    }
    json_member_text(w, "rule", needed->rule);
    json_member_text(w, "ko", needed->ko);
    json_member_text(w, "en", needed->en);
    write_evidence(w, needed->evidence, needed->evidence_count);
    json_object_close(w);
}

static void write_reason(struct json_writer *w, const struct triage_reason *reason) {
    json_object_open(w);
    json_member_string(w, "kind", triage_reason_kind_code(reason->kind));
    json_member_text(w, "code", reason->code);
    if (reason->level)
        json_member_int(w, "level", reason->level);
    json_member_text(w, "ko", reason->ko);
    json_member_text(w, "en", reason->en);
    json_member_text(w, "source", reason->source);
    write_evidence(w, reason->evidence, reason->evidence_count);
    json_object_close(w);
}

static void member_level(struct json_writer *w, const char *name, int level) {
    if (level)
        json_member_int(w, name, level);
}

static void write_lists(struct json_writer *w, const struct triage_reading *reading) {
    json_name(w, "needs");
    json_array_open(w);
    for (size_t i = 0; i < reading->need_count; i++)
        write_needed(w, &reading->needs[i]);
    json_array_close(w);
    json_name(w, "scores");
    json_array_open(w);
    for (int i = 0; i < TRIAGE_SCORE_COUNT; i++) {
        if (reading->scores[i].any)
            write_score(w, &reading->scores[i]);
    }
    json_array_close(w);
    json_name(w, "reasons");
    json_array_open(w);
    for (size_t i = 0; i < reading->reason_count; i++)
        write_reason(w, &reading->reasons[i]);
    json_array_close(w);
}

static void write_probability(struct json_writer *w, const struct triage_reading *reading) {
    if (reading->reader_probability < 0)
        return;
    json_member_decimal(w, "readerProbability", reading->reader_probability, PROBABILITY_DECIMALS);
    json_member_string(w, "readerOutput", reading->reader_output);
}

static void write_forecasts(struct json_writer *w, const struct triage_forecast *forecasts, int count) {
    json_name(w, "forecasts");
    json_array_open(w);
    for (int i = 0; i < count; i++) {
        const struct triage_forecast *forecast = &forecasts[i];
        json_object_open(w);
        json_member_string(w, "code", triage_forecast_code(forecast->kind));
        json_member_bool(w, "abstains", forecast->abstains);
        if (!forecast->abstains)
            json_member_decimal(w, "probability", forecast->probability, PROBABILITY_DECIMALS);
        json_member_bool(w, "calibrated", forecast->calibrated);
        json_member_string(w, "model", forecast->digest);
        json_member_text(w, "ko", forecast->ko);
        json_member_text(w, "en", forecast->en);
        json_object_close(w);
    }
    json_array_close(w);
}

/* Of a trained reader only: a reading by rules alone has the bytes it always had. */
static void write_reader(struct json_writer *w, const struct triage_reading *reading) {
    if (reading->reader_digest) {
        json_member_bool(w, "readerAbstains", reading->reader_abstains);
        json_member_bool(w, "readerCalibrated", reading->reader_calibrated);
        if (reading->reader_silent)
            json_member_bool(w, "readerSilent", true);
        else
            write_probability(w, reading);
    }
    if (reading->forecast_count > 0)
        write_forecasts(w, reading->forecasts, reading->forecast_count);
}

bool triage_is_silent(const struct triage_reading *reading) {
    return reading->reader_silent || reading->silent_forecast_count > 0;
}

void triage_write_silent(struct json_writer *w, const struct triage_reading *reading) {
    json_object_open(w);
    json_member_string(w, "readerDigest", reading->reader_digest);
    if (reading->reader_digest) {
        json_member_bool(w, "readerAbstains", reading->reader_abstains);
        json_member_bool(w, "readerCalibrated", reading->reader_calibrated);
        write_probability(w, reading);
        member_level(w, "silentLevel", reading->silent_level);
    }
    write_forecasts(w, reading->silent_forecasts, reading->silent_forecast_count);
    json_object_close(w);
}

void triage_write(struct json_writer *w, const struct triage_reading *reading, const struct triage_facts *facts) {
    json_object_open(w);
    json_member_int(w, "level", reading->level);
    member_level(w, "humanLevel", reading->human_level);
    member_level(w, "floorLevel", reading->floor_level);
    json_member_int(w, "ruleLevel", reading->rule_level);
    member_level(w, "readerLevel", reading->reader_level);
    json_member_bool(w, "escalated", reading->escalated);
    json_member_bool(w, "extreme", reading->extreme);
    json_member_text(w, "extremeRule", reading->extreme_rule);
    json_member_bool(w, "stayLocal", reading->stay_local);
    json_member_string(w, "place", triage_place_code(reading->place));
    write_departments(w, reading->departments, reading->department_count);
    member_level(w, "windowMinutes", reading->window_minutes);
    write_lists(w, reading);
    json_name(w, "facts");
    triage_write_facts(w, facts);
    json_member_string(w, "policy", reading->policy_digest);
    json_member_string(w, "policyVersion", reading->policy_version);
    json_member_string(w, "reader", reading->reader_name);
    json_member_string(w, "readerDigest", reading->reader_digest);
    json_member_string(w, "sites", reading->sites_digest);
    if (reading->engine)
        json_member_int(w, "engine", reading->engine);
    write_reader(w, reading);
    json_object_close(w);
}

/* ---- RiskAssessment -------------------------------------------------------------------------------------------------- */

static void write_level_concept(struct json_writer *w, const char *name, int level) {
    static const char *const displays[] = {"", "1 (most urgent)", "2", "3", "4", "5 (least urgent)"};
    static const char *const codes[] = {"", "1", "2", "3", "4", "5"};
    fhir_write_concept(w, name,
        (struct fhir_coding){TEXT(TRIAGE_LEVEL_SYSTEM), text_from(codes[level]), text_from(displays[level])},
        (struct text){0});
}

static void write_level_extension(struct json_writer *w, const char *url, int level) {
    if (!level)
        return;
    json_object_open(w);
    json_member_string(w, "url", url);
    json_member_int(w, "valueInteger", level);
    json_object_close(w);
}

static void write_text_extension(struct json_writer *w, const char *url, struct text value) {
    if (!value.size)
        return;
    json_object_open(w);
    json_member_string(w, "url", url);
    json_member_text(w, "valueString", value);
    json_object_close(w);
}

static void write_flag_extension(struct json_writer *w, const char *url, bool value) {
    json_object_open(w);
    json_member_string(w, "url", url);
    json_member_bool(w, "valueBoolean", value);
    json_object_close(w);
}

/* What a human decided in the end, and why. */
static void write_override(struct json_writer *w, const struct triage_stamp *stamp) {
    if (!stamp->override_level)
        return;
    json_object_open(w);
    json_member_string(w, "url", EXTENSION_BASE "triage-override");
    json_name(w, "extension");
    json_array_open(w);
    write_level_extension(w, "level", stamp->override_level);
    write_text_extension(w, "reason", stamp->override_reason);
    write_text_extension(w, "who", stamp->override_who);
    json_array_close(w);
    json_object_close(w);
}

static void write_extensions(
    struct json_writer *w, const struct triage_reading *reading, const struct triage_stamp *stamp) {
    json_name(w, "extension");
    json_array_open(w);
    write_level_extension(w, EXTENSION_BASE "triage-human-level", reading->human_level);
    write_level_extension(w, EXTENSION_BASE "triage-floor-level", reading->floor_level);
    write_level_extension(w, EXTENSION_BASE "triage-reader-level", reading->reader_level);
    write_flag_extension(w, EXTENSION_BASE "triage-extreme", reading->extreme);
    write_flag_extension(w, EXTENSION_BASE "triage-stay-local", reading->stay_local);
    json_object_open(w);
    json_member_string(w, "url", EXTENSION_BASE "triage-policy");
    json_member_string(w, "valueString", reading->policy_digest);
    json_object_close(w);
    if (reading->reader_digest) {
        json_object_open(w);
        json_member_string(w, "url", EXTENSION_BASE "triage-reader");
        json_member_string(w, "valueString", reading->reader_digest);
        json_object_close(w);
        write_flag_extension(w, EXTENSION_BASE "triage-reader-abstains", reading->reader_abstains);
        write_flag_extension(w, EXTENSION_BASE "triage-reader-calibrated", reading->reader_calibrated);
    }
    if (reading->reader_silent)
        write_flag_extension(w, EXTENSION_BASE "triage-reader-silent", true);
    write_override(w, stamp);
    write_text_extension(w, EXTENSION_BASE "triage-reading", stamp->reading);
    json_array_close(w);
}

static void write_need_coding(struct json_writer *w, const struct triage_needed *needed) {
    const struct triage_need *need = needed->need;
    fhir_write_concept(w, NULL, (struct fhir_coding){need->system, need->code, need->name_ko}, needed->en);
}

/* What made the level: where a human gave one, the floor, the human or a reader; else the advice too. Sorted: the most telling first. */
static const struct triage_reason *deciding_reason(const struct triage_reading *reading) {
    for (size_t i = 0; i < reading->reason_count; i++) {
        const struct triage_reason *reason = &reading->reasons[i];
        bool counts = reason->kind == TRIAGE_REASON_HUMAN || reason->kind == TRIAGE_REASON_FLOOR ||
                      reason->kind == TRIAGE_REASON_READER ||
                      (reason->kind == TRIAGE_REASON_ADVICE && !reading->human_level);
        if (counts && reason->level == reading->level)
            return reason;
    }
    return &reading->reasons[0];
}

/* What the reading foresees: the level, then each need as an outcome with its rationale. */
static void write_predictions(struct json_writer *w, const struct triage_reading *reading) {
    json_name(w, "prediction");
    json_array_open(w);
    json_object_open(w);
    json_name(w, "outcome");
    json_object_open(w);
    json_member_string(w, "text", "응급도 · urgency level");
    json_object_close(w);
    write_level_concept(w, "qualitativeRisk", reading->level);
    if (reading->reason_count)
        json_member_text(w, "rationale", deciding_reason(reading)->ko);
    json_object_close(w);
    for (int i = 0; i < reading->forecast_count; i++) {
        const struct triage_forecast *forecast = &reading->forecasts[i];
        if (forecast->abstains)
            continue;
        json_object_open(w);
        json_name(w, "outcome");
        json_object_open(w);
        json_member_string(w, "text", triage_forecast_code(forecast->kind));
        json_object_close(w);
        json_member_decimal(w, "probabilityDecimal", forecast->probability, PROBABILITY_DECIMALS);
        json_member_text(w, "rationale", forecast->ko);
        json_object_close(w);
    }
    for (size_t i = 0; i < reading->need_count; i++) {
        json_object_open(w);
        json_name(w, "outcome");
        write_need_coding(w, &reading->needs[i]);
        json_member_text(w, "rationale", reading->needs[i].ko);
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_notes(struct json_writer *w, const struct triage_reading *reading, struct arena *arena) {
    json_name(w, "note");
    json_array_open(w);
    for (size_t i = 0; i < reading->reason_count; i++) {
        const struct triage_reason *reason = &reading->reasons[i];
        json_object_open(w);
        json_member_text(w, "text",
            text_format(arena, "[%s/%.*s] %.*s — %.*s", triage_reason_kind_code(reason->kind), (int)reason->code.size,
                reason->code.at, (int)reason->ko.size, reason->ko.at, (int)reason->en.size, reason->en.at));
        json_object_close(w);
    }
    json_array_close(w);
}

static void write_method(struct json_writer *w, const struct triage_reading *reading, struct arena *arena) {
    json_name(w, "method");
    json_object_open(w);
    json_name(w, "coding");
    json_array_open(w);
    json_object_open(w);
    json_member_string(w, "system", TRIAGE_BASE "/CodeSystem/triage-method");
    json_member_string(w, "version", reading->policy_version);
    json_member_string(w, "code", reading->reader_digest ? "rules-and-reader" : "rules");
    json_object_close(w);
    json_array_close(w);
    json_member_text(w, "text",
        text_format(arena, "Soyang second reading; policy %s; decision support, not a certified medical device",
            reading->policy_digest));
    json_object_close(w);
}

enum status triage_write_risk_assessment(struct text *out, const struct triage_reading *reading,
    const struct triage_facts *facts, const struct triage_stamp *stamp, struct scope *scope) {
    struct json_writer writer = json_writer_open(scope->arena, RISK_ASSESSMENT_BYTES_MAX), *w = &writer;
    char time[TIME_TEXT_SIZE];
    time_format_utc(time, stamp->at_us);
    json_object_open(w);
    json_member_string(w, "resourceType", "RiskAssessment");
    json_member_text(w, "id", stamp->id);
    write_extensions(w, reading, stamp);
    json_member_string(w, "status", "final");
    write_method(w, reading, scope->arena);
    if (facts->patient.size) {
        fhir_write_reference(w, "subject", facts->patient);
    } else {
        json_name(w, "subject");
        json_object_open(w);
        json_member_string(w, "display", "patient not named");
        json_object_close(w);
    }
    fhir_write_reference(w, "encounter", facts->encounter);
    json_member_string(w, "occurrenceDateTime", time);
    fhir_write_reference(w, "performer", stamp->performer);
    if (facts->basis_count) {
        json_name(w, "basis");
        json_array_open(w);
        for (size_t i = 0; i < facts->basis_count; i++) {
            json_object_open(w);
            json_member_text(w, "reference", facts->basis[i]);
            json_object_close(w);
        }
        json_array_close(w);
    }
    write_predictions(w, reading);
    write_notes(w, reading, scope->arena);
    json_object_close(w);
    return json_finish(out, w, scope);
}
