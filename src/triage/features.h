/* features: one visit as it is known at triage → the numbers a model sees. The trainer, the batch and the server use this one
 * file, so that a model never sees other inputs than it was trained on.
 *
 * A feature is known by its name, which a model file carries; there is no fixed vector. Names:
 *   age, systolic ...      a field of the visit (visit_field_name), in the field's unit
 *   shock-index, news2 ... derived from the fields; sources in features.c
 *   concept:CODE           a concept of the policy's lexicon in the complaint: 1 present, 0.5 possible, else 0
 *   gram:BUCKETS:N         1 when a 3- to 5-gram of the complaint's characters falls into bucket N of BUCKETS, else 0
 *   column:NAME            a column of the data set itself, by its name in the header
 *   mark:NAME              1 where that column holds more than 0, else not known: a history that does not name a disease is no
 *                          proof that there is none, and a record without the column says the same as one without the mark
 * What is not known is NaN: a missing vital, the derived value of a missing vital, every word of an absent complaint.
 *
 * Grams: of the complaint's search form (text_fold: NFC, case folded, single blanks) with a blank at both ends; code points, not
 * bytes; FNV-1a 64 of the gram's UTF-8, modulo BUCKETS. The hash and the form are part of the models' format: a change makes
 * every model with grams void.
 *
 * Only what is known at triage has a place here: no diagnosis, no disposition, no length of stay, no judgement of experts. The
 * human's level is a field, and a model that must not see it does not name it. */
#ifndef SOYANG_TRIAGE_FEATURES_H
#define SOYANG_TRIAGE_FEATURES_H

#include "triage/triage.h"

enum visit_field {
    VISIT_AGE,         /* a */
    VISIT_MALE,        /* 1 male, 0 female */
    VISIT_AMBULANCE,   /* came by ambulance: 1, else 0 */
    VISIT_WALKED,      /* came on foot: 1, else 0 */
    VISIT_INJURY,      /* comes for an injury: 1, else 0 */
    VISIT_MIND,        /* 0 alert, 1 newly confused, 2 voice, 3 pain, 4 unresponsive */
    VISIT_IN_PAIN,     /* says that there is pain: 1, else 0 */
    VISIT_PAIN_SCORE,  /* {score} NRS 0..10 */
    VISIT_SYSTOLIC,    /* mm[Hg] */
    VISIT_DIASTOLIC,   /* mm[Hg] */
    VISIT_PULSE,       /* /min */
    VISIT_RESPIRATION, /* /min */
    VISIT_TEMPERATURE, /* Cel */
    VISIT_SPO2,        /* % */
    VISIT_CROWD,       /* /h: patients who come in an hour */
    VISIT_HUMAN_LEVEL, /* 1..5, 1 the most urgent */
    VISIT_PRIVATE_AMBULANCE, /* came by an ambulance that is not the public one: in Korea mostly from another hospital. 1, else 0 */
    VISIT_FIELD_COUNT
};
const char *visit_field_name(enum visit_field field); /* "pain-score" */

struct visit {
    double fields[VISIT_FIELD_COUNT]; /* NaN: not known */
    struct text complaint;            /* UTF-8; none: not known. What is not UTF-8 counts as not known */
    const double *columns;            /* by features_open's `columns`; NULL: none known */
    const struct visit_words *words;  /* visit_scan's; NULL: every fill looks for itself */
};
struct visit visit_new(void); /* knows nothing */
/* What the facts say. Arrival, crowd and columns stay unknown: facts do not hold them. Complaints are joined by blanks; they
 * live in `arena`. */
bool visit_field_of_facts(const char *name); /* false for those; true for every other name */
struct visit visit_from_facts(const struct triage_facts *facts, struct arena *arena);

struct feature_set;
/* Looks through the complaint once, for all sets of the policy that `set` was opened with. Whoever changes the complaint
 * afterwards sets `words` to NULL. Lives in `arena`. */
void visit_scan(struct visit *visit, const struct feature_set *set, struct arena *arena);
/* Binds names. `columns` names what visit.columns will hold, in its order. STATUS_INVALID with the name for one that is not
 * known here; STATUS_NOT_FOUND for a column that is not among `columns`. Lives in `arena`; names are copied; immutable. */
MUST_CHECK enum status features_open(const struct feature_set **out, const struct text *names, size_t count,
    const struct text *columns, size_t column_count, const struct triage_policy *policy, struct arena *arena,
    struct scope *scope);
size_t features_count(const struct feature_set *set);
/* Pure: `out` gets features_count values. The complaint is scanned only when the set has words of it. */
void features_fill(float *out, const struct feature_set *set, const struct visit *visit, struct arena *arena);

/* For sentences and cards. Unit: UCUM, "" where there is none. */
struct feature_label {
    struct text name;
    const char *unit, *ko, *en; /* "mm[Hg]", "수축기 혈압", "systolic pressure" */
    bool is_word;               /* of the complaint: a concept or a gram */
};
struct feature_label features_label(const struct feature_set *set, size_t index);

#endif
