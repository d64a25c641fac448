/* triage: how urgent a patient is and what care they need, with every reason.
 *
 * Two halves. The gatherer reads FHIR (a Bundle, or records) into `struct triage_facts`. The engine is pure: facts and a
 * policy in, `struct triage_reading` out; neither clock nor I/O nor randomness, so that every reading replays to the byte.
 *
 * Scores are tables in C, each with its source. What is policy (the lexicon, the rules' floor, needs, windows, places) is
 * data: a policy file (regions/korea/triage-policy.json is built in), identified by its SHA-256. Nothing in C knows a need's
 * code or a language's words.
 *
 * Laws. A reading is never less urgent than the human's level, nor than the floor. Facts are never a quiet number: a value
 * in another unit is converted with a note, an impossible one is refused with its path. What is missing is said.
 * Level 1 is the most urgent, 5 the least, 0 is none.
 *
 * Refuses to know places, travel and referral. It decides nothing for a human: research and decision support, not a
 * certified medical device.
 *
 * Threads. A policy is immutable once open and may be shared; everything else belongs to its arena. */
#ifndef SOYANG_TRIAGE_H
#define SOYANG_TRIAGE_H

#include "base/base.h"
#include "records/records.h"

#define TRIAGE_BASE "https://fhir.soyang.example"
/* Observation codes of the project's own: "human-level" (valueInteger 1..5), "spo2-scale" (valueInteger 1 or 2), "injury" (valueBoolean). */
#define TRIAGE_OBSERVATION_SYSTEM TRIAGE_BASE "/CodeSystem/observation"
#define TRIAGE_LEVEL_SYSTEM                                                                                            \
    TRIAGE_BASE "/CodeSystem/triage-level" /* codes 1..5 of RiskAssessment.prediction.qualitativeRisk */

/* ---- facts ------------------------------------------------------------------------------------------------------------ */

enum triage_answer { TRIAGE_UNKNOWN, TRIAGE_NO, TRIAGE_YES };
enum triage_sex { TRIAGE_SEX_UNKNOWN, TRIAGE_FEMALE, TRIAGE_MALE };
enum triage_mind {
    TRIAGE_MIND_UNKNOWN,
    TRIAGE_ALERT,
    TRIAGE_CONFUSED,
    TRIAGE_VOICE,
    TRIAGE_PAIN_ONLY,
    TRIAGE_UNRESPONSIVE
}; /* ACVPU */

enum triage_measure {
    TRIAGE_RESPIRATION, /* /min */
    TRIAGE_SPO2,        /* % */
    TRIAGE_SYSTOLIC,    /* mm[Hg] */
    TRIAGE_DIASTOLIC,   /* mm[Hg] */
    TRIAGE_PULSE,       /* /min */
    TRIAGE_TEMPERATURE, /* Cel */
    TRIAGE_GCS,         /* {score} 3..15 */
    TRIAGE_PAIN,        /* {score} NRS 0..10 */
    TRIAGE_LEUCOCYTES,  /* 10*3/uL */
    TRIAGE_GLUCOSE,     /* mg/dL */
    TRIAGE_POTASSIUM,   /* mmol/L */
    TRIAGE_LACTATE,     /* mmol/L */
    TRIAGE_MEASURE_COUNT
};
const char *triage_measure_code(enum triage_measure measure);                        /* "respiration" */
const char *triage_measure_unit(enum triage_measure measure);                        /* UCUM: "/min" */
const char *triage_measure_label(enum triage_measure measure, const char *language); /* "호흡수", "respiratory rate" */
/* Whether a living or dying patient can show it; `value` in the measure's unit. Facts hold nothing else. */
bool triage_measure_holds(enum triage_measure measure, double value);
enum { TRIAGE_AGE_MAX_MONTHS = 130 * 12 };

struct triage_value {
    bool known;
    double value;     /* in the measure's unit */
    struct text path; /* where it was found: "Observation/rr1.valueQuantity", or an element path of the bundle */
    int64_t at_us;    /* 0: not stated */
};

enum triage_text_kind {
    TRIAGE_TEXT_COMPLAINT, /* what brings the patient now */
    TRIAGE_TEXT_FINDING,   /* working diagnosis, conclusion of a test, note of this visit */
    TRIAGE_TEXT_HISTORY,   /* problem list, past conditions, medicines, allergies */
};
/* Words or a code. `code` is none, or what a coding says; `system` its URI. Text is NFC. */
struct triage_text {
    enum triage_text_kind kind;
    struct text text, system, code;
    struct text path;
    bool doubtful; /* the record itself marks it: verificationStatus unconfirmed, provisional, differential */
    bool
        confirmed; /* a finding with verificationStatus confirmed, which nothing later refutes, by somebody whose word counts */
};

/* A remark on the facts: corrected, converted, not used. */
struct triage_note {
    const char
        *code; /* "converted", "assumed", "swapped", "bound", "derived", "doubtful", "stale", "future", "not-used" */
    struct text path, ko, en;
};

/* Emergency visits and stays that began in the year before the moment. */
struct triage_past {
    bool known; /* the record holds something from before */
    int visits, admissions;
};

enum { TRIAGE_TEXTS_MAX = 400, TRIAGE_NOTES_MAX = 64 };
/* Zeroed is legal and means nothing is known, but for age_months: open with triage_facts_new. */
struct triage_facts {
    struct text patient, encounter; /* references; may be none */
    struct text site;               /* reference of the visit's service provider; none: not known */
    int64_t at_us;                  /* the moment the facts describe; 0: not stated */
    int age_months;                 /* -1: not known */
    enum triage_sex sex;
    enum triage_answer pregnant;
    enum triage_answer oxygen;      /* breathes added oxygen */
    enum triage_answer hypercapnic; /* SpO2 scale 2 of NEWS2 was chosen by a clinician, or a lower baseline is known */
    enum triage_answer injury;
    enum triage_mind mind;
    struct triage_value values[TRIAGE_MEASURE_COUNT];
    int onset_minutes; /* before at_us; -1: not known */
    struct triage_past past;
    int human_level;          /* 1..5; 0: none given */
    struct text human_system; /* "ktas", "ctas", "esi", "mts" or none */
    struct triage_text *texts;
    size_t text_count;
    struct triage_note *notes;
    size_t note_count;
    struct text *basis; /* references of what was read, for RiskAssessment.basis */
    size_t basis_count;
};
struct triage_facts *triage_facts_new(struct arena *arena);
/* Nothing beyond TRIAGE_NOTES_MAX is kept. */
void triage_facts_note(struct triage_facts *facts, const char *code, struct text path, struct text ko, struct text en);

/* Puts one measured value: converts its unit (degrees Fahrenheit, kPa, fractions ...) with a note, checks its range. An empty
 * unit means the measure's own (with a note for temperature, glucose and lactate); a temperature that can only be Fahrenheit is then
 * converted, with a note. STATUS_UNPROCESSABLE
 * with `path` for what cannot be: another dimension, out of range, not a number, a number without a unit that is likelier another's
 * (a diastolic pressure under 20: kPa; glucose under 20: mmol/L). Where a value is already there, the later
 * at_us wins; of one moment the last that comes, with a note where they differ. */
MUST_CHECK enum status triage_facts_put(struct triage_facts *facts, enum triage_measure measure, double value,
    struct text unit, struct text path, int64_t at_us, struct scope *scope);
MUST_CHECK enum status triage_facts_put_age(
    struct triage_facts *facts, int months, struct text path, struct scope *scope);
MUST_CHECK enum status triage_facts_put_human_level(
    struct triage_facts *facts, int64_t level, struct text system, struct text path, struct scope *scope);
MUST_CHECK enum status triage_facts_put_text(struct triage_facts *facts, struct triage_text text, struct scope *scope);
#define TRIAGE_NOTHING_TO_READ "required" /* issue code of the fault that says so */
/* Last: what only shows in the whole: swapped pressures (exchanged, with a note; of two moments the earlier is not used), GCS against
 * AVPU (the more urgent stands alone), a pregnant man;
 * STATUS_UNPROCESSABLE too when nothing is known that a reading could stand on, with the code TRIAGE_NOTHING_TO_READ. */
MUST_CHECK enum status triage_facts_check(struct triage_facts *facts, struct scope *scope);

/* ---- scores ----------------------------------------------------------------------------------------------------------- */

enum triage_score_kind {
    TRIAGE_NEWS2,         /* RCP 2017 */
    TRIAGE_MEWS,          /* Subbe 2001 */
    TRIAGE_REMS,          /* Olsson 2004 */
    TRIAGE_QSOFA,         /* Sepsis-3, 2016 */
    TRIAGE_SIRS,          /* Bone 1992 */
    TRIAGE_SHOCK_INDEX,   /* Allgöwer 1967: total is HR/SBP in hundredths */
    TRIAGE_ESI_DANGER,    /* ESI danger-zone vitals, AHRQ: total = vitals in the zone */
    TRIAGE_CTAS_VITALS,   /* first-order modifiers of the CTAS parent: total = level they suggest, 0: none */
    TRIAGE_PALS_PRESSURE, /* hypotension by age, PALS: total 1 when low; under 16 */
    TRIAGE_SIPA,          /* Acker 2015: shock index over its limit for the age: total 1; 4 to 16 years, injured */
    TRIAGE_SCORE_COUNT
};
enum { TRIAGE_PARTS_MAX = 8 };
/* One input of a score, and its points. */
struct triage_part {
    const char *code; /* "respiration", "age", "mind", "oxygen", "map" */
    bool known;
    bool estimated; /* REMS: GCS read from AVPU (McNarry 2004) */
    double value;
    int points;
};
struct triage_score {
    enum triage_score_kind kind;
    int total; /* of what is known; a lower bound where `complete` is false */
    int maximum;
    bool complete;                   /* every input was known */
    bool any;                        /* at least one was */
    bool fits;                       /* the score is meant for this patient */
    bool single_red;                 /* NEWS2: one parameter alone scored 3 */
    const char *unfit_ko, *unfit_en; /* why it does not fit; NULL when it does */
    int part_count;
    struct triage_part parts[TRIAGE_PARTS_MAX];
};
/* Pure, microseconds; any facts will do. */
struct triage_score triage_score(enum triage_score_kind kind, const struct triage_facts *facts);
const char *triage_score_code(enum triage_score_kind kind); /* "news2" */
const char *triage_score_name(enum triage_score_kind kind); /* "NEWS2" */
const char *triage_score_source(enum triage_score_kind kind);

/* ---- policy ----------------------------------------------------------------------------------------------------------- */

struct triage_policy;
/* Compiles a policy document (JSON, see docs/triage.md); {NULL, 0} is the built-in one. It lives in `arena`, which should be the
 * process's or the handle's. STATUS_INVALID with the rule's path. */
MUST_CHECK enum status triage_policy_open(
    const struct triage_policy **out, struct text document, struct arena *arena, struct scope *scope);
const char *triage_policy_digest(const struct triage_policy *policy); /* SHA-256, hex */
const char *triage_policy_version(const struct triage_policy *policy);

/* How much of a place is needed, least first. */
enum triage_place {
    TRIAGE_PLACE_CLINIC,
    TRIAGE_PLACE_INSTITUTION,
    TRIAGE_PLACE_LOCAL_CENTRE,
    TRIAGE_PLACE_REGIONAL_CENTRE
};
const char *triage_place_code(enum triage_place place); /* "clinic", "institution", "local-centre", "regional-centre" */
const char *triage_place_label(enum triage_place place, const char *language);

enum { TRIAGE_DEPARTMENTS_MAX = 4 };
/* A need as the policy describes it. */
struct triage_need {
    struct text code, system, name_ko, name_en;
    const char *departments[TRIAGE_DEPARTMENTS_MAX]; /* codes, the leading one first */
    const char *department_names_ko[TRIAGE_DEPARTMENTS_MAX], *department_names_en[TRIAGE_DEPARTMENTS_MAX];
    int department_count;
    enum triage_place place;
    int window_minutes; /* from the first contact to the care; 0: no sourced window */
    struct text window_source;
    bool time_critical;
};
size_t triage_need_count(const struct triage_policy *policy);
const struct triage_need *triage_need_at(const struct triage_policy *policy, size_t index);
const struct triage_need *triage_need_find(const struct triage_policy *policy, struct text code); /* NULL: unknown */
struct text triage_department_system(const struct triage_policy *policy);

/* ---- the second reader's door ----------------------------------------------------------------------------------------- */

/* A trained reader gives an opinion; the engine takes it only where it is more urgent, so that a reader can never lower a
 * level. It must be pure. Its digest stands in the reading. */
struct triage_remark {
    const char *code; /* "term", "change", "uncalibrated" */
    struct text ko, en;
};
enum { TRIAGE_REMARKS_MAX = 8 };
struct triage_opinion {
    bool abstains;
    bool silent;                                      /* recorded, but neither shown nor counted */
    bool calibrated;                                  /* for the visit's own site */
    int level;                                        /* 1..5; 0: it sees no cause to change the level */
    double probability;                               /* of what it judges by; below 0: none */
    struct text ko, en;                               /* why, or why it abstains */
    struct triage_remark remarks[TRIAGE_REMARKS_MAX]; /* what stands behind it */
    int remark_count;
    const char *output;  /* whose probability it is: "under-triage"; NULL: none */
    const float *inputs; /* what it saw, for drift; NULL: none */
};
struct triage_reading;
struct triage_reader {
    const char *name, *digest;
    const void *model;
    void (*read)(struct triage_opinion *out, const struct triage_reader *reader, const struct triage_facts *facts,
        const struct triage_reading *rules, struct arena *arena);
};

/* ---- the reading ------------------------------------------------------------------------------------------------------ */

enum triage_reason_kind {
    TRIAGE_REASON_HUMAN,
    TRIAGE_REASON_FLOOR,
    TRIAGE_REASON_ADVICE,
    TRIAGE_REASON_READER,
    TRIAGE_REASON_SCORE,
    TRIAGE_REASON_NEED,
    TRIAGE_REASON_NOTE,
    TRIAGE_REASON_MISSING
};
const char *triage_reason_kind_code(enum triage_reason_kind kind); /* "floor" */

/* Words of the patient's record that a statement rests on. */
struct triage_evidence {
    struct text quote, path; /* quote is a slice of the text found at path */
    size_t from, to;         /* byte offsets in that text */
    struct text concept;     /* lexicon code */
    bool possible;           /* the record says "suspected", "r/o", "?" */
};
enum { TRIAGE_EVIDENCE_MAX = 6 };
struct triage_reason {
    enum triage_reason_kind kind;
    struct text code;   /* rule id, score code, note code */
    int level;          /* the level it speaks for; 0: none */
    struct text ko, en; /* whole sentences, with values and units */
    struct text source; /* none where it is the patient's record itself */
    int evidence_count;
    struct triage_evidence evidence[TRIAGE_EVIDENCE_MAX];
};

/* What a model foresees of the visit. It says nothing of urgency and moves no level. */
enum triage_forecast_kind { TRIAGE_DISPOSITION, TRIAGE_INTENSIVE_CARE, TRIAGE_ADMISSION, TRIAGE_FORECAST_COUNT };
struct triage_forecast {
    enum triage_forecast_kind kind;
    bool abstains, calibrated;
    double probability;
    const char *digest; /* of its model */
    struct text ko, en; /* the sentence, or why it abstains */
};
const char *triage_forecast_code(enum triage_forecast_kind kind); /* "disposition" */

struct triage_needed {
    const struct triage_need *need;
    struct text rule;
    bool possible; /* suspected, not stated */
    /* A rule that is no suspicion holds by codes of confirmed findings alone, or one is coded as this need; `evidence` is then theirs. */
    bool confirmed;
    struct text ko, en;
    int evidence_count;
    struct triage_evidence evidence[TRIAGE_EVIDENCE_MAX];
};

enum { TRIAGE_NEEDED_MAX = 16 };
/* Of what makes readings: raised whenever the same facts, policy, models and sites give other bytes. Stands in every reading. */
enum { TRIAGE_ENGINE = 6 };
struct triage_reading {
    int engine;       /* TRIAGE_ENGINE; 0: made before engines were numbered */
    int level;        /* the reading: 1..5 */
    int human_level;  /* 0: none given */
    int floor_level;  /* 0: no floor rule applies */
    int rule_level;   /* what rules, advice and needs say together; the reading where no human level is given */
    int reader_level; /* the most urgent opinion; 0: no reader, or all abstain */
    bool escalated;   /* the reading is more urgent than the human's level */
    struct triage_score scores[TRIAGE_SCORE_COUNT];
    struct triage_reason *reasons; /* most telling first: floor, human, reader, advice, need, score, note, missing */
    size_t reason_count;
    struct triage_needed needs[TRIAGE_NEEDED_MAX]; /* time-critical first */
    size_t need_count;
    const char *departments[TRIAGE_DEPARTMENTS_MAX], *department_names_ko[TRIAGE_DEPARTMENTS_MAX],
        *department_names_en[TRIAGE_DEPARTMENTS_MAX];
    int department_count;
    enum triage_place place; /* what kind of place is enough */
    int window_minutes;      /* the shortest of the needs'; 0: none */
    bool extreme;            /* a listed extreme at level 1 or 2: departs on notification */
    struct text extreme_rule;
    bool stay_local; /* a clinic or health post is enough */
    const char *policy_digest, *policy_version;
    const char *reader_name, *reader_digest; /* NULL: none */
    bool reader_abstains, reader_calibrated;
    bool reader_silent;        /* silent_level is what it would have said */
    int silent_level;          /* 0: no change */
    double reader_probability; /* below 0: none */
    const char *reader_output; /* whose; NULL: none */
    const float *reader_inputs;
    const char *sites_digest; /* NULL: no sites document */
    struct triage_forecast forecasts[TRIAGE_FORECAST_COUNT], silent_forecasts[TRIAGE_FORECAST_COUNT];
    int forecast_count, silent_forecast_count; /* at a silent site only the latter: never to be shown */
};
/* `readers` may be NULL with a count of 0. STATUS_UNPROCESSABLE when the facts hold nothing to read. */
MUST_CHECK enum status triage_read(struct triage_reading *out, const struct triage_policy *policy,
    const struct triage_facts *facts, const struct triage_reader *readers, size_t reader_count, struct scope *scope);

/* ---- trained readers -------------------------------------------------------------------------------------------------- */

enum triage_model_kind {
    TRIAGE_MODEL_LEVEL, /* beside the human's level: outputs "under-triage", "level-1-2" and what escalates */
    TRIAGE_MODEL_LEVEL_WITHOUT_HUMAN, /* where no human's level is given: "level-1-2" and what escalates */
    TRIAGE_MODEL_DISPOSITION,         /* "disposition": admitted, transferred or died */
    TRIAGE_MODEL_INTENSIVE_CARE,      /* "intensive-care" */
    TRIAGE_MODEL_ADMISSION,           /* "admission" */
    TRIAGE_MODEL_COUNT
};
const char *triage_model_file_name(enum triage_model_kind kind); /* "level.model" */

/* Opened models and what is known of sites. Immutable; shared between threads. */
struct triage_readers;
struct triage_readers_config {
    const struct triage_policy *policy;
    bool only_given;                        /* the built-in models are left out */
    struct text models[TRIAGE_MODEL_COUNT]; /* files; none: the built-in one, where there is one */
    struct text sites; /* a sites document (docs/triage.md); none: no site is calibrated or silent */
};
MUST_CHECK enum status triage_readers_open(const struct triage_readers **out,
    const struct triage_readers_config *config, struct arena *arena, struct scope *scope);
/* SHA-256 of the sites document; NULL: none was given. */
const char *triage_readers_sites_digest(const struct triage_readers *readers);
const char *triage_readers_digest(
    const struct triage_readers *readers, enum triage_model_kind kind); /* NULL: no such model */
/* The output that a reading of a record asks this model for: what a site is calibrated by. */
const char *triage_readers_output(const struct triage_readers *readers, enum triage_model_kind kind);
bool triage_readers_has_output(const struct triage_readers *readers, enum triage_model_kind kind, const char *output);
/* triage_read with everything that was trained: the level's reader and the forecasts. `readers` may be NULL. */
MUST_CHECK enum status triage_read_all(struct triage_reading *out, const struct triage_policy *policy,
    const struct triage_readers *readers, const struct triage_facts *facts, struct scope *scope);

/* One forecast, and what came of the visit. */
struct triage_followed {
    struct text site, output, model; /* "Organization/x", "admission", the model's digest */
    double probability;              /* as it was told, with the site's calibration where there was one */
    bool calibrated, happened;
};

/* Drift: how the inputs of late differ from those of training. A table of counts, safe for threads. */
struct triage_drift;
struct triage_drift *triage_drift_open(const struct triage_readers *readers, struct arena *arena);
void triage_drift_count(struct triage_drift *drift, const struct triage_reading *reading);
/* A population stability index is told from so many readings on: with eleven bins chance alone then keeps under .1, the limit in use, in
 * 95 of 100 (about chi squared of ten degrees over the readings: 18.3 / 200). */
enum { TRIAGE_DRIFT_READINGS_LEAST = 200 };
/* Prometheus text (exposition format 0.0.4): population stability index of each input that facts can hold, readings, abstentions, escalations, and what
 * the sites document says of observed and expected; and of `followed`, by site and output, visits, observed and expected. */
MUST_CHECK enum status triage_drift_write(struct text *out, struct triage_drift *drift,
    const struct triage_followed *followed, size_t followed_count, struct scope *scope);

/* ---- batches: rows of the public data sets ------------------------------------------------------------------------------ */

enum triage_batch_format { TRIAGE_BATCH_KTAS, TRIAGE_BATCH_NHAMCS, TRIAGE_BATCH_YALE, TRIAGE_BATCH_FORMAT_COUNT };
const char *triage_batch_format_name(enum triage_batch_format format);   /* "ktas" */
const char *triage_batch_format_header(enum triage_batch_format format); /* of what is written: "row,p_icu,abstained" */
struct triage_batch;
/* `header` is the file's first line. Columns are found by name; what is known only after triage is never looked at. */
MUST_CHECK enum status triage_batch_open(struct triage_batch **out, enum triage_batch_format format, struct text header,
    const struct triage_policy *policy, const struct triage_readers *readers, struct arena *arena, struct scope *scope);
/* One data row (the first is number 1) becomes one line without its end. Never fails for what a cell holds. */
MUST_CHECK enum status triage_batch_row(
    struct text *out, struct triage_batch *batch, struct text line, struct scope *scope);
/* Whether a quote is still open at the line's end, so that the row may go on in the next line; whether it has as many cells as the
 * header. */
bool triage_batch_is_open(const struct triage_batch *batch, struct text line);
bool triage_batch_is_whole(const struct triage_batch *batch, struct text line);
/* What was odd, counted by column and kind; never a value. */
struct triage_batch_note {
    const char *column, *what;
    long count, first_row;
};
const struct triage_batch_note *triage_batch_notes(const struct triage_batch *batch, size_t *count);

/* ---- calibration -------------------------------------------------------------------------------------------------------- */

/* What a site's own visits say of one output: its margins or probabilities and what came of them. */
struct triage_outcome {
    double probability; /* as the model said, uncalibrated for the site */
    bool happened;
};
enum { TRIAGE_CALIBRATION_VISITS_LEAST = 100, TRIAGE_CALIBRATION_EVENTS_LEAST = 10 };
struct triage_calibrated {
    size_t visits, events;
    double expected_before, expected_after; /* sums; observed is `events` */
    double ece_before, ece_after;           /* expected calibration error, ten bins of equal count */
    double brier_before, brier_after;
    double slope, intercept;
};
/* Fits Platt's two numbers to the logit of the probability (Platt 1999, his target smoothing; Newton's method) and adds them to a
 * sites document: `sites` is the one there was (none: a new one), `out` the new one. STATUS_UNPROCESSABLE with too few visits, or where
 * the probabilities do not rise with the outcome; STATUS_TOO_LARGE where the document is full. */
struct triage_calibrate_question {
    struct text sites, site;
    const char *model_digest, *output;
    const struct triage_outcome *outcomes;
    size_t count;
};
MUST_CHECK enum status triage_calibrate(struct text *out, struct triage_calibrated *measured,
    const struct triage_calibrate_question *question, struct scope *scope);
/* Sets a site's mode in a sites document. */
MUST_CHECK enum status triage_site_silence(
    struct text *out, struct text sites, struct text site, bool silent, struct scope *scope);

/* ---- the reading, written --------------------------------------------------------------------------------------------- */

/* A stable JSON object: same reading, same bytes. */
void triage_write(struct json_writer *w, const struct triage_reading *reading, const struct triage_facts *facts);
/* What was read in silence, and stands in neither triage_write nor the RiskAssessment: level, probability, forecasts. */
bool triage_is_silent(const struct triage_reading *reading);
void triage_write_silent(struct json_writer *w, const struct triage_reading *reading);
void triage_write_facts(struct json_writer *w, const struct triage_facts *facts);
/* Facts as triage_write_facts wrote them; slices of `json`, which must outlive them. STATUS_INVALID for what it never writes: a value or
 * an age that no patient has, an unknown measure or kind of text, too many of either. */
MUST_CHECK enum status triage_facts_read(struct triage_facts **out, const yyjson_val *json, struct scope *scope);
struct triage_replayed {
    bool possible;   /* false: policy, models, sites or engine are not those it was made with */
    struct text why; /* which of them, and which made it */
    size_t bytes;    /* that were compared, and are the same */
};
/* Makes a written reading again from its own facts and compares the bytes: STATUS_CONFLICT names the first that differs. One of before
 * engines were numbered is compared in its own form; where it differs, an earlier engine made it: not possible here. */
MUST_CHECK enum status triage_replay(struct triage_replayed *out, struct text reading,
    const struct triage_policy *policy, const struct triage_readers *readers, struct scope *scope);
/* The written reading within a RiskAssessment of ours; none: it holds none. */
struct text triage_reading_of(const yyjson_val *risk_assessment);
/* A FHIR RiskAssessment. Time and id are handed in; `id` none leaves it out. */
struct triage_stamp {
    struct text id;
    int64_t at_us;
    struct text performer; /* reference; none: left out */
    struct text reading;   /* as triage_write wrote it, kept within for the replay; none: left out */
    int override_level;    /* what a human decided after the reading, 0: nothing; with the reason and who */
    struct text override_reason, override_who;
};
MUST_CHECK enum status triage_write_risk_assessment(struct text *out, const struct triage_reading *reading,
    const struct triage_facts *facts, const struct triage_stamp *stamp, struct scope *scope);

/* ---- gathering -------------------------------------------------------------------------------------------------------- */

/* Whether a Condition that is marked confirmed counts as that: who says so is the caller's to weigh. */
typedef enum status triage_confirms(bool *out, void *context, const yyjson_val *condition, struct scope *scope);
struct triage_gather_options {
    struct text encounter; /* "Encounter/1": only this visit; none: the latest that has begun */
    int64_t at_us;         /* 0: the latest moment the resources speak of */
    int64_t
        now_us; /* of a clock: of a visit that has begun by then nothing later is the moment; 0: no clock is known */
    int human_level; /* 0: as the resources say */
    struct text human_system;
    int zone_minutes;          /* for dates without zone */
    triage_confirms *confirms; /* NULL: every one counts */
    void *confirms_context;
};
/* From a Bundle of any type that holds one Patient (or Parameters' bundle). Vitals older than 24 hours before the moment
 * are not used, and noted. STATUS_UNPROCESSABLE names the element for what cannot be. */
MUST_CHECK enum status triage_gather_bundle(struct triage_facts **out, const yyjson_val *bundle,
    const struct triage_gather_options *options, struct scope *scope);
/* From the patient's record, within a visit; `patient` is an id. */
MUST_CHECK enum status triage_gather_records(struct triage_facts **out, struct records_visit *visit,
    struct text patient, const struct triage_gather_options *options, struct scope *scope);

#endif
