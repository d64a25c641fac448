/* What is said of a word: present, suspected, past, denied, another's. */
#include "triage/lexicon_scan.h"

#include <limits.h>
#include <string.h>

bool scan_has_between(const struct scan *scan, size_t from, size_t to, char c) {
    return to > from && memchr(scan->text.at + from, c, to - from) != NULL;
}

bool scan_is_parted(const struct scan *scan, size_t from, size_t to) {
    return scan->parted[from] <= to;
}

size_t scan_place(const struct scan *scan, enum place_list list, size_t at) {
    const struct place_words *words = &scan->lexicon->places[list];
    size_t end = 0;
    char first = at < scan->text.size ? scan->text.at[at] : '\0';
    for (size_t i = 0; i < words->count && words->begins[(unsigned char)first]; i++) {
        double number = 0;
        if (words->at[i].at[0] != first && words->at[i].at[0] != '#')
            continue;
        size_t to = pattern_match(&number, &words->at[i], &scan->lexicon->numbers, scan->text, at);
        end = to > end ? to : end;
    }
    return end;
}

/* "no fever, cough or chest pain": the comma belongs to a list that a later "or" closes. */
static bool list_goes_on(const struct scan *scan, size_t from) {
    size_t limit = scan->text.size < from + SENTENCE_REACH_BYTES ? scan->text.size : from + SENTENCE_REACH_BYTES;
    for (size_t at = from; at + 4 <= limit && !pattern_is_break(scan->text, at); at++) {
        if (memcmp(scan->text.at + at, " or ", 4) == 0 ||
            (at + 5 <= scan->text.size && memcmp(scan->text.at + at, " nor ", 5) == 0))
            return true;
    }
    return false;
}

size_t scan_match_first(const struct scan *scan, size_t from) {
    size_t low = 0, high = scan->match_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (scan->matches[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What stands between a trigger and a word: other words of the lexicon, joins, and what the lexicon does not know. */
struct between {
    int concepts, joins, unknown;
};

/* Looks no further once there are more than so many. */
static struct between look_between(
    const struct scan *scan, size_t from, size_t to, int most_concepts, int most_unknown) {
    struct between found = {0};
    size_t at = from;
    while (at < to && found.concepts <= most_concepts && found.unknown <= most_unknown) {
        size_t end = 0;
        for (size_t i = scan_match_first(scan, at); i < scan->match_count && scan->matches[i].from == at; i++) {
            if (scan->matches[i].to <= to && scan->matches[i].to > end)
                end = scan->matches[i].to;
        }
        if (end) {
            found.concepts++;
            at = end;
            continue;
        }
        bool blank = scan->text.at[at] == ' ' || scan->text.at[at] == ':';
        end = at + 1;
        while (!blank && end < to && scan->text.at[end] != ' ' && scan->text.at[end] != ',' && scan->text.at[at] != ',')
            end++;
        struct text word = {scan->text.at + at, end - at};
        bool join = text_is(word, ",") || text_is(word, "and") || text_is(word, "or") || text_is(word, "nor") ||
                    text_is(word, "/");
        bool filler = text_is(word, "any") || text_is(word, "of") || text_is(word, "the") || text_is(word, "a");
        found.joins += join;
        found.unknown += !blank && !join && !filler;
        at = end;
    }
    return found;
}

/* "h/o CVA, acute MI": what is new behind the last comma is not the past's. */
static bool is_new_behind_comma(const struct scan *scan, size_t from, const struct lexicon_match *match) {
    size_t comma = match->from;
    while (comma > from && scan->text.at[comma - 1] != ',')
        comma--;
    for (size_t i = 0; i < scan->trigger_count; i++) {
        const struct trigger_hit *hit = &scan->triggers[i];
        if ((hit->kind == TRIGGER_NOW || hit->kind == TRIGGER_RECENT || hit->kind == TRIGGER_SUMMONS) &&
            hit->from >= comma && hit->to <= match->to)
            return true;
    }
    return false;
}

static bool reaches_forward(const struct scan *scan, const struct trigger_hit *hit, const struct lexicon_match *match) {
    if (hit->kind == TRIGGER_PAST_BESIDE && (hit->to > match->from || match->from - hit->to > REACH_BYTES))
        return false;
    if (hit->to > match->from || match->from - hit->to > SENTENCE_REACH_BYTES ||
        scan_is_parted(scan, hit->to, match->from))
        return false;
    bool comma = scan_has_between(scan, hit->to, match->from, ',');
    bool disease = scan->lexicon->concepts[match->concept].disease;
    struct between between = {0};
    if (hit->kind == TRIGGER_NEGATED || !disease || hit->kind == TRIGGER_PAST_BESIDE)
        between = look_between(scan, hit->to, match->from, hit->kind == TRIGGER_NEGATED ? INT_MAX : 0, 1);
    switch (hit->kind) {
    case TRIGGER_NEGATED_LIST:
        return true;
    case TRIGGER_NEGATED: /* one unknown word ("no acute chest pain") only where no list begins */
        return between.unknown <= (between.joins ? 0 : 1) && (!comma || list_goes_on(scan, match->to));
    case TRIGGER_PAST_BESIDE:
        return disease && !comma && !between.joins && !between.concepts && !between.unknown;
    case TRIGGER_PAST: /* what a patient has now often follows what he once had: a symptom must stand close */
        if (comma && is_new_behind_comma(scan, hit->to, match))
            return false;
        return disease ? match->from - hit->to <= REACH_BYTES : !comma && !between.concepts && between.unknown <= 1;
    case TRIGGER_FAMILY:
        return disease ? match->from - hit->to <= REACH_BYTES : !comma && !between.concepts && between.unknown <= 1;
    default:
        return !comma && match->from - hit->to <= REACH_BYTES / 2;
    }
}

/* The first that begins there or later. */
static size_t trigger_first(const struct scan *scan, size_t from) {
    size_t low = 0, high = scan->trigger_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (scan->triggers[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct trigger_hit *trigger_at(const struct scan *scan, size_t at, bool of_glue) {
    const struct trigger_hit *best = NULL;
    for (size_t i = trigger_first(scan, at); i < scan->trigger_count && scan->triggers[i].from == at; i++) {
        const struct trigger_hit *hit = &scan->triggers[i];
        bool glue = hit->kind == TRIGGER_FILLER || hit->kind == TRIGGER_JOIN || hit->kind == TRIGGER_TOPIC;
        if (hit->after && glue == of_glue && (!best || hit->to > best->to))
            best = hit;
    }
    return best;
}

static const struct lexicon_match *match_at(const struct scan *scan, size_t at) {
    const struct lexicon_match *best = NULL;
    for (size_t i = scan_match_first(scan, at); i < scan->match_count && scan->matches[i].from == at; i++) {
        if (!best || scan->matches[i].to > best->to)
            best = &scan->matches[i];
    }
    return best;
}

static bool is_separator(const struct scan *scan, size_t at) {
    char c = scan->text.at[at];
    return c == ',' || c == '/' || (at + 1 < scan->text.size && memcmp(scan->text.at + at, "\xC2\xB7", 2) == 0);
}

/* The word stands before the text's first comma: what a complaint opens with is there, whatever is denied behind it. */
static bool opens_text(const struct scan *scan, const struct lexicon_match *match) {
    return !scan_has_between(scan, 0, match->from, ',') && !scan_is_parted(scan, 0, match->from);
}

/* Walks right from a word over particles, "증상", and a list of further words to what is said of them all. */
static const struct trigger_hit *trigger_behind(const struct scan *scan, const struct lexicon_match *match) {
    size_t at = match->to, limit = match->to + AFTER_REACH_BYTES;
    bool comma = false, topic = false;
    while (at < scan->text.size && at < limit) {
        const struct trigger_hit *hit = trigger_at(scan, at, false), *glue = trigger_at(scan, at, true);
        if (hit && hit->kind != TRIGGER_BREAK) {
            bool disease = scan->lexicon->concepts[match->concept].disease;
            bool list_ok = hit->kind == TRIGGER_NEGATED ? !topic && !opens_text(scan, match)
                                                        : hit->kind == TRIGGER_PAST && disease;
            return !comma || list_ok ? hit : NULL;
        }
        const struct lexicon_match *next = at > match->to ? match_at(scan, at) : NULL;
        if (next) {
            topic = false;
            at = next->to;
        } else if (scan->text.at[at] == ' ' || scan->text.at[at] == '(' || scan->text.at[at] == ':') {
            at++;
        } else if (glue) {
            topic = topic || glue->kind == TRIGGER_TOPIC;
            at = glue->to;
        } else if (is_separator(scan, at)) {
            comma = comma || scan->text.at[at] == ',';
            at += (unsigned char)scan->text.at[at] >= 0x80 ? 2 : 1;
        } else {
            at = scan_place(scan, PLACE_OPERATED, at); /* "hip repaired years ago" */
            if (at == 0)
                return NULL;
        }
    }
    return NULL;
}

static enum lexicon_assertion assertion_of(enum trigger_kind kind) {
    switch (kind) {
    case TRIGGER_NEGATED:
    case TRIGGER_NEGATED_LIST:
        return LEXICON_NEGATED;
    case TRIGGER_POSSIBLE:
        return LEXICON_POSSIBLE;
    case TRIGGER_PAST:
    case TRIGGER_PAST_BESIDE:
        return LEXICON_PAST;
    case TRIGGER_FAMILY:
        return LEXICON_FAMILY;
    default:
        return LEXICON_PRESENT;
    }
}

/* ---- context: whose it is, and when ------------------------------------------------------------------------------------
 *
 * After ConText (Harkema et al., J Biomed Inform 2009;42:839): a relative's word opens a scope up to the end of its clause. The one called
 * "father" may be the patient, though, so it makes a disease another's only where the patient's own trouble is told in a clause
 * before the first relative (or behind "본인은"), or where the relative died of it; and never where help is
 * called for, or the relative's clause speaks of now or tells a symptom. What is left open stays the patient's, and is
 * quoted with the relative's word. */

static bool is_letter(const struct scan *scan, size_t at) {
    char c = at < scan->text.size ? scan->text.at[at] : ' ';
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* A word of the family as a word of its own, or with a particle. */
static bool is_relative(const struct scan *scan, const struct trigger_hit *hit) {
    if (hit->kind != TRIGGER_RELATIVE)
        return false;
    const struct trigger_hit *particle = is_letter(scan, hit->to) ? trigger_at(scan, hit->to, true) : NULL;
    return !is_letter(scan, particle ? particle->to : hit->to);
}

const struct trigger_hit *scan_trigger_between(
    const struct scan *scan, enum trigger_kind kind, size_t from, size_t to) {
    for (size_t i = 0; i < scan->trigger_count; i++) {
        const struct trigger_hit *hit = &scan->triggers[i];
        if (hit->kind == kind && hit->from >= from && hit->to <= to)
            return hit;
    }
    return NULL;
}

/* "with" and "has" lead from a relative to his disease; other words of contrast end his clause. */
static bool is_contrast_between(const struct scan *scan, size_t from, size_t to) {
    for (size_t i = 0; i < scan->trigger_count; i++) {
        const struct trigger_hit *hit = &scan->triggers[i];
        struct text word = {scan->text.at + hit->from, hit->to - hit->from};
        if (hit->kind == TRIGGER_BREAK && hit->from >= from && hit->to <= to && !text_is(word, "with") &&
            !text_is(word, "has"))
            return true;
    }
    return false;
}

static bool is_had(const struct scan *scan, size_t from, size_t to) {
    static const char *const words[] = {"had", "had a", "had an", "has", "has a", "has had", "has had a", "has had an"};
    struct text between = text_trim((struct text){scan->text.at + from, to - from});
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text_is(between, words[i]))
            return true;
    }
    return false;
}

/* The nearest relative before the word whose clause holds it. */
static const struct trigger_hit *relative_of(const struct scan *scan, const struct lexicon_match *match) {
    const struct trigger_hit *best = NULL;
    size_t begin = scan->clause_begin[match->from];
    bool disease = scan->lexicon->concepts[match->concept].disease;
    for (size_t i = 0; i < scan->trigger_count; i++) {
        const struct trigger_hit *hit = &scan->triggers[i];
        if (hit->from < begin || hit->to > match->from || match->from - hit->to > REACH_BYTES ||
            !is_relative(scan, hit))
            continue;
        if (is_contrast_between(scan, hit->to, match->from) ||
            scan_trigger_between(scan, TRIGGER_PATIENT, hit->to, match->from))
            continue;
        if ((disease || is_had(scan, hit->to, match->from)) && (!best || hit->to > best->to))
            best = hit;
    }
    return best;
}

/* Something that is there now and is told in a clause before the first relative. */
static bool is_told_before(const struct scan *scan) {
    size_t first = scan->text.size;
    for (size_t i = 0; i < scan->trigger_count; i++) {
        if (is_relative(scan, &scan->triggers[i]) && scan->triggers[i].from < first)
            first = scan->triggers[i].from;
    }
    size_t begin = scan->clause_begin[first];
    for (size_t i = 0; i < scan->match_count && scan->matches[i].to <= begin; i++) {
        if (scan->matches[i].assertion <= LEXICON_POSSIBLE)
            return true;
    }
    return false;
}

static bool is_acute_clause(
    const struct scan *scan, const struct trigger_hit *relative, const struct lexicon_match *match) {
    size_t begin = scan->clause_begin[relative->from], end = scan->clause_end[match->to];
    if (scan_trigger_between(scan, TRIGGER_NOW, begin, end) || scan_trigger_between(scan, TRIGGER_RECENT, begin, end))
        return true;
    for (size_t i = scan_match_first(scan, begin); i < scan->match_count && scan->matches[i].from < end; i++) {
        const struct lexicon_match *other = &scan->matches[i];
        bool apart = other->to <= match->from || other->from >= match->to;
        if (apart && !scan->lexicon->concepts[other->concept].disease)
            return true;
    }
    return false;
}

/* An age, which no hour of the day reaches. Its last byte is at *to - 1. */
static bool is_age(size_t *to, const struct scan *scan, size_t at) {
    enum { AGE_MIN = 30, AGE_MAX = 110 };
    int age = 0;
    *to = scan_place(scan, PLACE_AGES, at);
    for (size_t i = at; i < *to && age <= AGE_MAX; i++) {
        if (scan->text.at[i] >= '0' && scan->text.at[i] <= '9')
            age = age * 10 + scan->text.at[i] - '0';
    }
    return *to && age >= AGE_MIN && age <= AGE_MAX;
}

/* "had MI at 50" where the clause ends with it, "50대에 심근경색": so one tells of what is long over. */
static bool is_aged(const struct scan *scan, const struct trigger_hit *relative, const struct lexicon_match *match) {
    size_t at = match->to, to = 0;
    while (at < scan->text.size && (scan->text.at[at] == ' ' || scan->text.at[at] == '('))
        at++;
    if (is_age(&to, scan, at) && (to >= scan->text.size || scan->text.at[to] == ',' || scan->text.at[to] == ')' ||
                                     pattern_is_break(scan->text, to)))
        return true;
    for (at = relative->to; at < match->from; at++) {
        if (is_age(&to, scan, at) && (unsigned char)scan->text.at[to - 1] >= 0x80)
            return true;
    }
    return false;
}

static bool is_anothers(
    const struct scan *scan, const struct trigger_hit *relative, const struct lexicon_match *match) {
    if (scan->is_history)
        return true;
    size_t end = scan->clause_end[match->to];
    if (is_acute_clause(scan, relative, match) || scan_trigger_between(scan, TRIGGER_SUMMONS, 0, scan->text.size))
        return false;
    return scan->told_before || is_told_before(scan) ||
           scan_trigger_between(scan, TRIGGER_SELF, end, scan->text.size) ||
           scan_trigger_between(scan, TRIGGER_DEATH, relative->to, end) || is_aged(scan, relative, match);
}

/* "어제 심근경색 진단받고", "s/p seizure 10 min ago": dated hours or days back beside it, it is no past. */
static bool is_recent(const struct scan *scan, const struct lexicon_match *match) {
    size_t begin = scan->clause_begin[match->from], end = scan->clause_end[match->to];
    for (size_t i = 0; i < scan->trigger_count; i++) {
        const struct trigger_hit *hit = &scan->triggers[i];
        if (hit->kind != TRIGGER_RECENT || hit->from < begin || hit->to > end)
            continue;
        size_t from = hit->from < match->from ? hit->to : match->to,
               to = hit->from < match->from ? match->from : hit->from;
        if (from <= to && !scan_is_parted(scan, from, to) && !look_between(scan, from, to, 0, INT_MAX).concepts)
            return true;
    }
    return false;
}

void scan_own(const struct scan *scan, struct lexicon_match *match) {
    const struct trigger_hit *relative = relative_of(scan, match);
    if (relative && is_anothers(scan, relative, match))
        match->assertion = LEXICON_FAMILY;
    else if (relative)
        match->quote_from = relative->from;
}

/* The strongest of what stands before and behind: family, negated, past, possible. */
void scan_assert(const struct scan *scan, struct lexicon_match *match, const struct triage_text *text) {
    match->assertion = LEXICON_PRESENT;
    const struct trigger_hit *behind = trigger_behind(scan, match);
    if (behind)
        match->assertion = assertion_of(behind->kind);
    for (size_t i = scan->trigger_count; i > 0; i--) { /* the nearest first: it mostly settles it */
        const struct trigger_hit *hit = &scan->triggers[i - 1];
        if (hit->after || hit->kind == TRIGGER_BREAK || hit->kind == TRIGGER_NOT_NEGATED ||
            hit->kind >= TRIGGER_RELATIVE || assertion_of(hit->kind) <= match->assertion)
            continue;
        if (reaches_forward(scan, hit, match))
            match->assertion = assertion_of(hit->kind);
    }
    if (match->assertion == LEXICON_PAST && !scan->is_history && is_recent(scan, match))
        match->assertion = LEXICON_PRESENT;
    match->quote_from = match->from;
    if (text->doubtful && match->assertion == LEXICON_PRESENT)
        match->assertion = LEXICON_POSSIBLE;
    if (text->kind == TRIAGE_TEXT_HISTORY && match->assertion <= LEXICON_POSSIBLE)
        match->assertion = LEXICON_PAST;
}
