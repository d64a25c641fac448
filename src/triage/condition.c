#include "triage/condition.h"

#include <math.h>
#include <string.h>

enum { LINES_MAX = 16 };

static const struct {
    const char *name;
    enum condition_kind kind;
} flags[] = {
    {"female", CONDITION_FEMALE},
    {"male", CONDITION_MALE},
    {"pregnant", CONDITION_PREGNANT},
    {"oxygen", CONDITION_OXYGEN},
    {"hypercapnic", CONDITION_HYPERCAPNIC},
    {"injured", CONDITION_INJURY},
};
static const struct {
    const char *text;
    enum condition_relation relation;
} relations[] = {{"<=", CONDITION_LESS_EQUAL}, {">=", CONDITION_MORE_EQUAL}, {"<", CONDITION_LESS},
    {">", CONDITION_MORE}, {"=", CONDITION_EQUAL}};
static const struct {
    const char *name;
    enum triage_mind mind;
} minds[] = {{"alert", TRIAGE_ALERT}, {"confused", TRIAGE_CONFUSED}, {"voice", TRIAGE_VOICE},
    {"pain", TRIAGE_PAIN_ONLY}, {"unresponsive", TRIAGE_UNRESPONSIVE}};

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static bool quantity_find(struct condition_atom *atom, struct text name) {
    static const struct {
        const char *name;
        enum condition_kind kind;
    } others[] = {{"age", CONDITION_AGE_YEARS}, {"months", CONDITION_AGE_MONTHS}, {"onset", CONDITION_ONSET},
        {"mind", CONDITION_MIND}, {"level", CONDITION_LEVEL}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (text_is(name, others[i].name)) {
            atom->kind = others[i].kind;
            return true;
        }
    }
    for (int i = 0; i < TRIAGE_MEASURE_COUNT; i++) {
        if (text_is(name, triage_measure_code(i))) {
            atom->kind = CONDITION_MEASURE;
            atom->index = i;
            return true;
        }
    }
    for (int i = 0; i < TRIAGE_SCORE_COUNT; i++) {
        if (text_is(name, triage_score_code(i))) {
            atom->kind = CONDITION_SCORE;
            atom->index = i;
            return true;
        }
    }
    return false;
}

static bool number_read(struct condition_atom *atom, struct text value) {
    if (atom->kind != CONDITION_MIND)
        return text_to_double(&atom->number, value);
    for (size_t i = 0; i < sizeof minds / sizeof minds[0]; i++) {
        if (text_is(value, minds[i].name)) {
            atom->number = minds[i].mind;
            return true;
        }
    }
    return false;
}

static bool comparison_read(struct condition_atom *atom, struct text text) {
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++) {
        size_t size = strlen(relations[i].text);
        char *at = memmem(text.at, text.size, relations[i].text, size);
        if (!at)
            continue;
        struct text name = {text.at, (size_t)(at - text.at)};
        struct text value = {at + size, text.size - name.size - size};
        atom->relation = relations[i].relation;
        return quantity_find(atom, text_trim(name)) && number_read(atom, text_trim(value));
    }
    return false;
}

static bool concept_read(struct condition_atom *atom, struct text text, const struct lexicon *lexicon) {
    static const struct {
        const char *prefix;
        enum condition_kind kind;
    } prefixes[] = {{"stated:", CONDITION_STATED}, {"past:", CONDITION_PAST}, {"known:", CONDITION_KNOWN}};
    atom->kind = CONDITION_CONCEPT;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        if (text_starts(text, prefixes[i].prefix)) {
            atom->kind = prefixes[i].kind;
            text.at += strlen(prefixes[i].prefix);
            text.size -= strlen(prefixes[i].prefix);
        }
    }
    if (atom->kind == CONDITION_KNOWN) {
        struct condition_atom measure;
        bool found = quantity_find(&measure, text) && measure.kind == CONDITION_MEASURE;
        atom->index = found ? measure.index : 0;
        return found;
    }
    atom->index = lexicon_concept_find(lexicon, text);
    return atom->index >= 0;
}

static bool atom_read(struct condition_atom *atom, struct text text, const struct lexicon *lexicon) {
    text = text_trim(text);
    if (text_starts(text, "!")) {
        atom->negative = true;
        text.at++, text.size--;
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (text_is(text, flags[i].name)) {
            atom->kind = flags[i].kind;
            return true;
        }
    }
    return text.size > 0 && (comparison_read(atom, text) || concept_read(atom, text, lexicon));
}

enum status triage_condition_open(struct condition *out, const yyjson_val *lines, const struct lexicon *lexicon,
    struct arena *arena, const char *path, struct scope *scope) {
    struct condition_atom *atoms = ARENA_ARRAY(arena, struct condition_atom, CONDITION_ATOMS_MAX);
    *out = (struct condition){.atoms = atoms};
    if (lines && !yyjson_is_arr((yyjson_val *)lines))
        return fault(scope, STATUS_INVALID, path, "a condition ('when', 'unless') is a list of lines");
    size_t i, count;
    yyjson_val *line;
    yyjson_arr_foreach((yyjson_val *)lines, i, count, line) {
        struct text rest = json_text(line);
        if (rest.size == 0 || i >= LINES_MAX)
            return fault(scope, STATUS_INVALID, path, "a condition's line must be words, at most %d lines", LINES_MAX);
        while (rest.at) {
            struct text alternative = text_cut(&rest, '|');
            if (out->count == CONDITION_ATOMS_MAX)
                return fault(
                    scope, STATUS_INVALID, path, "a condition holds at most %d statements", CONDITION_ATOMS_MAX);
            struct condition_atom *atom = &atoms[out->count++];
            if (!atom_read(atom, alternative, lexicon))
                return fault(scope, STATUS_INVALID, path, "'%.*s' is neither a concept of the lexicon nor a comparison",
                    (int)alternative.size, alternative.at);
            atom->ends_line = !rest.at;
        }
    }
    return STATUS_OK;
}

/* ---- holding -------------------------------------------------------------------------------------------------------- */

static bool compare(enum condition_relation relation, double value, double number) {
    switch (relation) {
    case CONDITION_LESS:
        return value < number;
    case CONDITION_LESS_EQUAL:
        return value <= number;
    case CONDITION_EQUAL:
        return value == number;
    case CONDITION_MORE_EQUAL:
        return value >= number;
    case CONDITION_MORE:
        return value > number;
    }
    return false;
}

/* The best match of the concept: stated before suspected before past. */
static const struct lexicon_match *concept_match(
    const struct condition_atom *atom, const struct condition_case *patient) {
    enum lexicon_assertion worst = atom->kind == CONDITION_STATED ? LEXICON_PRESENT
                                   : atom->kind == CONDITION_PAST ? LEXICON_PAST
                                                                  : LEXICON_POSSIBLE;
    const struct lexicon_match *best = NULL;
    for (size_t i = 0; i < patient->matches->count; i++) {
        const struct lexicon_match *match = &patient->matches->at[i];
        if (match->concept == atom->index && match->assertion <= worst && (!best || match->assertion < best->assertion))
            best = match;
    }
    return best;
}

static bool score_holds(const struct condition_atom *atom, const struct triage_score *score) {
    double total = score->kind == TRIAGE_SHOCK_INDEX ? score->total / 100.0 : score->total;
    bool lower_bound_decides = atom->relation >= CONDITION_MORE_EQUAL;
    bool known = score->complete || (score->any && lower_bound_decides);
    if (score->kind == TRIAGE_CTAS_VITALS)
        known = score->total > 0;
    return known && score->fits && compare(atom->relation, total, atom->number);
}

static bool atom_is_true(const struct condition_atom *atom, const struct condition_case *patient) {
    const struct triage_facts *facts = patient->facts;
    switch (atom->kind) {
    case CONDITION_CONCEPT:
    case CONDITION_STATED:
    case CONDITION_PAST:
        return concept_match(atom, patient) != NULL;
    case CONDITION_MEASURE:
        return facts->values[atom->index].known &&
               compare(atom->relation, facts->values[atom->index].value, atom->number);
    case CONDITION_SCORE:
        return score_holds(atom, &patient->scores[atom->index]);
    case CONDITION_AGE_YEARS:
        return facts->age_months >= 0 && compare(atom->relation, floor(facts->age_months / 12.0), atom->number);
    case CONDITION_AGE_MONTHS:
        return facts->age_months >= 0 && compare(atom->relation, facts->age_months, atom->number);
    case CONDITION_ONSET:
        return patient->onset_minutes >= 0 && compare(atom->relation, patient->onset_minutes, atom->number);
    case CONDITION_MIND:
        return facts->mind != TRIAGE_MIND_UNKNOWN && compare(atom->relation, facts->mind, atom->number);
    case CONDITION_LEVEL:
        return patient->level > 0 && compare(atom->relation, patient->level, atom->number);
    case CONDITION_FEMALE:
        return facts->sex == TRIAGE_FEMALE;
    case CONDITION_MALE:
        return facts->sex == TRIAGE_MALE;
    case CONDITION_PREGNANT:
        return facts->pregnant == TRIAGE_YES;
    case CONDITION_OXYGEN:
        return facts->oxygen == TRIAGE_YES;
    case CONDITION_HYPERCAPNIC:
        return facts->hypercapnic == TRIAGE_YES;
    case CONDITION_INJURY:
        return facts->injury == TRIAGE_YES;
    case CONDITION_KNOWN:
        return facts->values[atom->index].known;
    }
    return false;
}

static void ground_add(
    struct condition_grounds *grounds, const struct condition_atom *atom, const struct condition_case *patient) {
    if (atom->negative || atom->kind == CONDITION_KNOWN || atom->kind == CONDITION_LEVEL)
        return;
    if (atom->kind > CONDITION_PAST) {
        if (grounds->atom_count < CONDITION_GROUNDS_MAX)
            grounds->atoms[grounds->atom_count++] = atom;
        return;
    }
    const struct lexicon_match *match = concept_match(atom, patient);
    if (!match)
        return;
    for (int i = 0; i < grounds->match_count; i++) {
        const struct lexicon_match *other = grounds->matches[i];
        if (other->text == match->text && other->from == match->from && other->to == match->to)
            return;
    }
    if (grounds->match_count < CONDITION_GROUNDS_MAX)
        grounds->matches[grounds->match_count++] = match;
}

static bool atom_is_suspicion(const struct condition_atom *atom, const struct condition_case *patient) {
    if (atom->negative || atom->kind != CONDITION_CONCEPT)
        return false;
    const struct lexicon_match *match = concept_match(atom, patient);
    return match && match->assertion == LEXICON_POSSIBLE;
}

bool triage_condition_holds(
    struct condition_grounds *grounds, const struct condition *condition, const struct condition_case *patient) {
    *grounds = (struct condition_grounds){0};
    bool line = false, firm = false;
    for (int i = 0; i < condition->count; i++) {
        const struct condition_atom *atom = &condition->atoms[i];
        if (atom_is_true(atom, patient) != atom->negative) {
            line = true;
            firm = firm || !atom_is_suspicion(atom, patient);
            ground_add(grounds, atom, patient);
        }
        if (atom->ends_line) {
            if (!line)
                return false;
            grounds->possible = grounds->possible || !firm;
            line = firm = false;
        }
    }
    return condition->count > 0;
}

bool triage_condition_any(const struct condition *condition, const struct condition_case *patient) {
    for (int i = 0; i < condition->count; i++) {
        const struct condition_atom *atom = &condition->atoms[i];
        if (atom_is_true(atom, patient) != atom->negative)
            return true;
    }
    return false;
}
