/* condition: what a rule asks of a patient, compiled from the policy's words.
 *
 * A condition is a list that must hold altogether; each line may offer alternatives parted by " | ". One alternative:
 *   chest-pain            the concept is present or suspected now
 *   stated:chest-pain     present, not merely suspected
 *   past:dialysis         in the history, or now
 *   !ALTERNATIVE          does not hold
 *   spo2<90  age>=65  months<3  onset<=270  news2>=7  shock-index>=1  mind>=voice
 *   level<=3              the human's level, floor and advice so far; 0 where there is none yet: then it does not hold
 *   female  male  pregnant  oxygen  hypercapnic  injured  known:spo2
 * A comparison with what is not known does not hold. */
#ifndef SOYANG_TRIAGE_CONDITION_H
#define SOYANG_TRIAGE_CONDITION_H

#include "triage/lexicon.h"

enum { CONDITION_ATOMS_MAX = 24 };

enum condition_kind {
    CONDITION_CONCEPT,
    CONDITION_STATED,
    CONDITION_PAST,
    CONDITION_MEASURE,
    CONDITION_SCORE,
    CONDITION_AGE_YEARS,
    CONDITION_AGE_MONTHS,
    CONDITION_ONSET,
    CONDITION_MIND,
    CONDITION_LEVEL,
    CONDITION_FEMALE,
    CONDITION_MALE,
    CONDITION_PREGNANT,
    CONDITION_OXYGEN,
    CONDITION_HYPERCAPNIC,
    CONDITION_INJURY,
    CONDITION_KNOWN,
};
enum condition_relation { CONDITION_LESS, CONDITION_LESS_EQUAL, CONDITION_EQUAL, CONDITION_MORE_EQUAL, CONDITION_MORE };
struct condition_atom {
    enum condition_kind kind;
    enum condition_relation relation;
    int index; /* concept, measure or score */
    double number;
    bool negative, ends_line; /* ends_line: the last alternative */
};
struct condition {
    const struct condition_atom *atoms;
    int count;
};
/* `lines` is an array of strings; absent: an empty condition. STATUS_INVALID at `path` for what is no list, or no such words. The atoms
 * live in `arena`. */
MUST_CHECK enum status triage_condition_open(struct condition *out, const yyjson_val *lines,
    const struct lexicon *lexicon, struct arena *arena, const char *path, struct scope *scope);

/* What a condition is held against. */
struct condition_case {
    const struct triage_facts *facts;
    const struct triage_score *scores;
    const struct lexicon_matches *matches;
    int onset_minutes;
    int level; /* 0: none yet */
};
/* What made it hold: the atoms with values, and the words. */
enum { CONDITION_GROUNDS_MAX = 12 };
struct condition_grounds {
    int atom_count, match_count;
    const struct condition_atom *atoms[CONDITION_GROUNDS_MAX];
    const struct lexicon_match *matches[CONDITION_GROUNDS_MAX];
    bool possible; /* one of the lines stands on a suspicion only */
};
bool triage_condition_holds(
    struct condition_grounds *grounds, const struct condition *condition, const struct condition_case *patient);
/* Any one line is enough: for what excludes. */
bool triage_condition_any(const struct condition *condition, const struct condition_case *patient);

#endif
