/* What is plainly past, or only asked about.
 *
 * A missed emergency is worse than one too many, so a word is past only where nothing else can be meant:
 *  - a year beside a disease, against the day of the visit, which must be stated. "MI in 2015", "2015년 뇌졸중" and "CVA '12" say a year; "MI 2015" may
 *    also be a quarter past eight, so there everything else that is told must be ordinary ("MI 2015, knee pain").
 *  - a sign that an illness left behind: "residual weakness", "뇌졸중 후유증으로 왼쪽 마비", "weakness from an old stroke". "Old CVA with left weakness" may
 *    be a new one: it is past only beside an ordinary reason to come.
 *  - what is asked about: "stroke clinic appointment".
 * Where the clause says now, or the text says again, the same, worse or since when, nothing is past by these rules. */
#include "triage/lexicon_scan.h"

#include <stdlib.h>
#include <string.h>

enum {
    YEAR_MIN = 1930,
    YEAR_OVER_DAYS =
        30, /* a year counts as past when it had ended so long before: a stroke of last December is not old in January */
    BEFORE_YEAR_BYTES = 24,
    QUOTE_BYTES = 3 /* ’ */
};

/* What may be past, per word, before what else is told has been looked at. */
enum candidate { CANDIDATE_NONE, CANDIDATE_OPEN, CANDIDATE_PLAIN };

struct past {
    struct scan *scan;
    uint8_t *candidates; /* of each match */
    bool *dated;         /* a year made it past */
    int year_limit;      /* years before it are past; 0: the visit's day is not known */
    bool again, changes;
};

static const struct concept *concept_of(const struct past *past, const struct lexicon_match *match) {
    return &past->scan->lexicon->concepts[match->concept];
}

static bool is_place_anywhere(const struct scan *scan, enum place_list list) {
    for (size_t at = 0; at < scan->text.size; at++) {
        if (((unsigned char)scan->text.at[at] & 0xC0) != 0x80 && scan_place(scan, list, at))
            return true;
    }
    return false;
}

/* The clause round it speaks of now, or of today. */
static bool is_now(const struct past *past, const struct lexicon_match *match) {
    size_t begin = past->scan->clause_begin[match->from], end = past->scan->clause_end[match->to];
    return scan_trigger_between(past->scan, TRIGGER_NOW, begin, end) ||
           scan_trigger_between(past->scan, TRIGGER_RECENT, begin, end);
}

static char byte_at(const struct scan *scan, size_t at) {
    return at < scan->text.size ? scan->text.at[at] : '\0';
}

static bool is_digit_at(const struct scan *scan, size_t at) {
    return byte_at(scan, at) >= '0' && byte_at(scan, at) <= '9';
}

static bool text_stands(const struct scan *scan, size_t at, const char *word) {
    size_t size = strlen(word);
    return at + size <= scan->text.size && memcmp(scan->text.at + at, word, size) == 0;
}

static size_t blanks_skip(const struct scan *scan, size_t at) {
    while (byte_at(scan, at) == ' ' || byte_at(scan, at) == ':' || byte_at(scan, at) == '(')
        at++;
    return at;
}

/* ---- years ----------------------------------------------------------------------------------------------------------- */

struct year {
    int value;
    size_t to;
    bool plain; /* nothing but a year */
};

/* A day and month behind a year: "2015-03-02", "2015년 3월". Where there is one, the number is no time of day. */
static size_t date_skip(const struct scan *scan, size_t at) {
    for (int part = 0; part < 2; part++) {
        char mark = byte_at(scan, at);
        size_t digits = at + 1;
        if ((mark != '-' && mark != '.' && mark != '/') || !is_digit_at(scan, digits))
            return at;
        digits += is_digit_at(scan, digits + 1) ? 2 : 1;
        if (is_digit_at(scan, digits))
            return at;
        at = digits;
    }
    return at;
}

static size_t korean_date_skip(const struct scan *scan, size_t at) {
    static const char *const units[] = {"월", "일"};
    for (int part = 0; part < 2; part++) {
        size_t digits = at;
        while (byte_at(scan, digits) == ' ')
            digits++;
        size_t end = digits;
        while (is_digit_at(scan, end))
            end++;
        if (end == digits || !text_stands(scan, end, units[part]))
            return at;
        at = end + strlen(units[part]);
    }
    return at;
}

/* "'12" */
static bool short_year_read(struct year *out, const struct past *past, size_t at) {
    const struct scan *scan = past->scan;
    bool curly = text_stands(scan, at, "\xE2\x80\x99") || text_stands(scan, at, "\xE2\x80\x98");
    size_t digits = at + (curly ? QUOTE_BYTES : 1);
    if ((!curly && byte_at(scan, at) != '\'') || !is_digit_at(scan, digits) || !is_digit_at(scan, digits + 1) ||
        pattern_is_alnum(byte_at(scan, digits + 2)) || (at > 0 && pattern_is_alnum(scan->text.at[at - 1])))
        return false;
    int value = (scan->text.at[digits] - '0') * 10 + scan->text.at[digits + 1] - '0';
    value += value <= past->year_limit % 100 ? past->year_limit / 100 * 100 : past->year_limit / 100 * 100 - 100;
    *out = (struct year){.value = value, .to = digits + 2, .plain = true};
    return true;
}

static bool year_read(struct year *out, const struct past *past, size_t at) {
    const struct scan *scan = past->scan;
    if (!short_year_read(out, past, at)) {
        char before = at > 0 ? scan->text.at[at - 1] : ' ';
        int value = 0;
        for (size_t i = at; i < at + 4; i++) {
            if (!is_digit_at(scan, i))
                return false;
            value = value * 10 + scan->text.at[i] - '0';
        }
        if (pattern_is_alnum(before) || strchr("-./:'", before) || pattern_is_alnum(byte_at(scan, at + 4)))
            return false;
        *out = (struct year){.value = value, .to = date_skip(scan, at + 4)};
        out->plain = out->to > at + 4;
    }
    if (text_stands(scan, out->to, "년")) {
        out->plain = true;
        out->to = korean_date_skip(scan, out->to + strlen("년"));
    }
    return out->value >= YEAR_MIN && out->value < past->year_limit;
}

/* Behind a word, the clause ends with the year, or goes on by a word of contrast: "MI 2015 ml", "MI '12 lead" do not. */
static bool year_ends(const struct scan *scan, size_t at) {
    static const char ends[] = ",;.)/\n";
    while (byte_at(scan, at) == ' ')
        at++;
    if (at >= scan->text.size || strchr(ends, scan->text.at[at]))
        return true;
    for (size_t i = 0; i < scan->trigger_count; i++) {
        enum trigger_kind kind = scan->triggers[i].kind;
        if (scan->triggers[i].from == at && (kind == TRIGGER_BREAK || kind == TRIGGER_JOIN))
            return true;
    }
    return scan_place(scan, PLACE_BESIDE_YEARS, at) > 0;
}

static size_t disease_skip(const struct past *past, size_t at) {
    const struct scan *scan = past->scan;
    size_t end = 0;
    for (size_t i = scan_match_first(scan, at); i < scan->match_count && scan->matches[i].from == at; i++) {
        if (concept_of(past, &scan->matches[i])->disease && scan->matches[i].to > end)
            end = scan->matches[i].to;
    }
    return end;
}

/* "MI 2015", "stent (2019)", "hip replaced in 2011" */
static enum candidate year_behind(const struct past *past, const struct lexicon_match *match) {
    const struct scan *scan = past->scan;
    bool operated = concept_of(past, match)->disease, says_year = false;
    size_t at = blanks_skip(scan, match->to), end = scan->clause_end[match->to];
    while (at < end && at - match->to < REACH_BYTES) {
        struct year year;
        if (year_read(&year, past, at)) {
            if (!operated || (!text_stands(scan, year.to - strlen("년"), "년") && !year_ends(scan, year.to)))
                return CANDIDATE_NONE;
            return year.plain || says_year ? CANDIDATE_PLAIN : CANDIDATE_OPEN;
        }
        size_t skip = scan_place(scan, PLACE_OPERATED, at);
        operated = operated || skip > 0;
        if (!skip) {
            skip = scan_place(scan, PLACE_BEFORE_YEARS, at);
            says_year = skip > 0;
        }
        if (!skip)
            skip = disease_skip(past, at);
        if (!skip)
            return CANDIDATE_NONE;
        at = blanks_skip(scan, skip);
    }
    return CANDIDATE_NONE;
}

/* "in" before a year, or the clause begins with it. */
static bool is_year_led(bool *says_year, const struct scan *scan, size_t begin, size_t at) {
    size_t first = blanks_skip(scan, begin);
    for (size_t i = at - begin > BEFORE_YEAR_BYTES ? at - BEFORE_YEAR_BYTES : begin; i < at; i++) {
        size_t end = scan_place(scan, PLACE_BEFORE_YEARS, i);
        if (end && blanks_skip(scan, end) == at) {
            *says_year = true;
            return true;
        }
    }
    return first == at;
}

/* "2015년 뇌졸중", "2019년에 심근경색으로", "in 2012 had a stroke" */
static enum candidate year_before(const struct past *past, const struct lexicon_match *match) {
    const struct scan *scan = past->scan;
    size_t begin = scan->clause_begin[match->from];
    size_t first = match->from - begin > REACH_BYTES ? match->from - REACH_BYTES : begin;
    for (size_t from = first; concept_of(past, match)->disease && from < match->from; from++) {
        struct year year;
        bool says_year = false;
        if (!year_read(&year, past, from))
            continue;
        size_t at = year.to;
        while (at < match->from) {
            size_t skip = byte_at(scan, at) == ')' ? at + 1 : blanks_skip(scan, at);
            if (skip == at)
                skip = scan_place(scan, PLACE_BESIDE_YEARS, at);
            if (skip == 0)
                break;
            at = skip;
        }
        if (at != match->from || (!is_year_led(&says_year, scan, begin, from) && !year.plain))
            continue;
        return year.plain || says_year ? CANDIDATE_PLAIN : CANDIDATE_OPEN;
    }
    return CANDIDATE_NONE;
}

/* ---- what else is told ------------------------------------------------------------------------------------------------ */

struct told {
    int ordinary, grave;
};

static bool overlaps_candidate(const struct past *past, const struct lexicon_match *match) {
    const struct scan *scan = past->scan;
    size_t near = match->from > REACH_BYTES ? scan_match_first(scan, match->from - REACH_BYTES) : 0;
    for (size_t i = near; i < scan->match_count && scan->matches[i].from < match->to; i++) {
        if (past->candidates[i] && match->from < scan->matches[i].to)
            return true;
    }
    return false;
}

/* Beside what may be past, and what is. */
static struct told told_else(const struct past *past) {
    const struct scan *scan = past->scan;
    struct told told = {.grave = scan->told_before};
    for (size_t i = 0; i < scan->match_count; i++) {
        const struct lexicon_match *match = &scan->matches[i];
        enum company company = concept_of(past, match)->company;
        if (match->assertion > LEXICON_POSSIBLE || past->candidates[i] || overlaps_candidate(past, match))
            continue;
        told.ordinary += company == COMPANY_ORDINARY;
        told.grave += company == COMPANY_GRAVE;
    }
    return told;
}

/* A plain one is past, an open one only where all else is ordinary. */
static void candidates_settle(struct past *past) {
    struct scan *scan = past->scan;
    const struct told told = told_else(past);
    bool ordinary = told.ordinary > 0 && told.grave == 0;
    for (size_t i = 0; i < scan->match_count; i++) {
        if (past->candidates[i] == CANDIDATE_PLAIN || (past->candidates[i] == CANDIDATE_OPEN && ordinary))
            scan->matches[i].assertion = LEXICON_PAST;
    }
}

static void years_settle(struct past *past) {
    struct scan *scan = past->scan;
    bool any = false;
    for (size_t i = 0; i < scan->match_count && past->year_limit && !past->again; i++) {
        const struct lexicon_match *match = &scan->matches[i];
        if (match->assertion != LEXICON_PRESENT || is_now(past, match))
            continue;
        enum candidate candidate = year_behind(past, match);
        if (!candidate)
            candidate = year_before(past, match);
        past->candidates[i] = (uint8_t)candidate;
        any = any || candidate;
    }
    if (!any)
        return;
    candidates_settle(past);
    for (size_t i = 0; i < scan->match_count; i++) {
        past->dated[i] = past->candidates[i] && scan->matches[i].assertion == LEXICON_PAST;
        past->candidates[i] = CANDIDATE_NONE;
    }
}

/* Help is called for. A sign that is told itself ("마비") calls for none. */
static bool is_summoned(const struct past *past) {
    const struct scan *scan = past->scan;
    for (size_t i = 0; i < scan->trigger_count; i++) {
        const struct trigger_hit *hit = &scan->triggers[i];
        bool told = false;
        for (size_t k = 0; k < scan->match_count && scan->matches[k].from <= hit->from && !told; k++)
            told = concept_of(past, &scan->matches[k])->sequel && hit->to <= scan->matches[k].to;
        if (hit->kind == TRIGGER_SUMMONS && !told)
            return true;
    }
    return false;
}

/* "119: 2015년 뇌졸중": where help is called for and nothing is told but what a year makes past, it stays. */
static void summons_settle(struct past *past) {
    struct scan *scan = past->scan;
    bool told = scan->told_before, dated = false;
    for (size_t i = 0; i < scan->match_count; i++) {
        told = told || scan->matches[i].assertion <= LEXICON_POSSIBLE;
        dated = dated || past->dated[i];
    }
    if (!dated || told || !is_summoned(past))
        return;
    for (size_t i = 0; i < scan->match_count; i++) {
        if (past->dated[i])
            scan->matches[i].assertion = LEXICON_PRESENT;
    }
}

/* ---- what an illness left behind -------------------------------------------------------------------------------------- */

static bool is_sign(const struct past *past, const struct lexicon_match *match) {
    return concept_of(past, match)->sequel && match->assertion == LEXICON_PRESENT && !is_now(past, match);
}

/* Nothing stands between but sides and degrees: "chronic afib left weakness" is another chronic. */
static bool is_beside(const struct scan *scan, size_t at, size_t to) {
    while (at < to) {
        size_t end = blanks_skip(scan, at);
        if (end == at)
            end = scan_place(scan, PLACE_SEQUEL_BESIDE, at);
        if (end == 0)
            return false;
        at = end;
    }
    return true;
}

/* "residual right hemiparesis", "후유증으로 왼쪽 마비", "left weakness, unchanged" */
static bool is_residual(const struct past *past, const struct lexicon_match *match) {
    const struct scan *scan = past->scan;
    size_t begin = scan->clause_begin[match->from];
    size_t first = match->from - begin > REACH_BYTES ? match->from - REACH_BYTES : begin;
    for (size_t at = first; at < match->from; at++) {
        size_t end = scan_place(scan, PLACE_SEQUEL_BEFORE, at);
        if (end && end <= match->from && is_beside(scan, end, match->from))
            return true;
    }
    size_t behind = blanks_skip(scan, match->to);
    return scan_place(scan, PLACE_SEQUEL_USUAL, byte_at(scan, behind) == ',' ? blanks_skip(scan, behind + 1) : behind) >
           0;
}

/* "and" between two signs, and nothing else. */
static bool is_joined(const struct scan *scan, size_t from, size_t to) {
    const struct trigger_hit *join = scan_trigger_between(scan, TRIGGER_JOIN, from, to);
    struct text between = text_trim((struct text){scan->text.at + from, to - from});
    return join && between.size == join->to - join->from;
}

/* Behind a year that stands at `at`, or `at` itself: "stroke in 2014 with weakness". */
static size_t year_skip(const struct past *past, size_t at) {
    const struct scan *scan = past->scan;
    struct year year;
    size_t in = scan_place(scan, PLACE_BEFORE_YEARS, at);
    size_t end = past->year_limit && year_read(&year, past, blanks_skip(scan, in ? in : at)) ? year.to : at;
    while (byte_at(scan, end) == ' ' || byte_at(scan, end) == ')')
        end++;
    return end;
}

/* The one stands before the other in a clause, and a word of the list leads from it there. */
static bool is_led(
    const struct past *past, enum place_list list, const struct lexicon_match *from, const struct lexicon_match *to) {
    const struct scan *scan = past->scan;
    if (to->from < from->to || to->from - from->to > REACH_BYTES || to->from > scan->clause_end[from->to])
        return false;
    size_t at = from->to;
    while (byte_at(scan, at) == ' ' || byte_at(scan, at) == ')')
        at++;
    size_t end = scan_place(scan, list, year_skip(past, at));
    return end && end <= to->from && is_beside(scan, end, to->from);
}

/* "뇌졸중 후유증", "stroke with sequelae" */
static bool has_sequel_behind(const struct past *past, const struct lexicon_match *match) {
    return scan_place(past->scan, PLACE_SEQUEL_AFTER, blanks_skip(past->scan, match->to)) > 0;
}

/* Of every sign and disease of a clause, whether the one is told as what the other left. */
typedef void pair_work(struct past *past, struct lexicon_match *sign, struct lexicon_match *disease);

static void pairs_walk(struct past *past, pair_work *work) {
    struct scan *scan = past->scan;
    for (size_t i = 0; i < scan->match_count; i++) {
        struct lexicon_match *sign = &scan->matches[i];
        if (!concept_of(past, sign)->sequel || is_now(past, sign))
            continue;
        size_t begin = scan->clause_begin[sign->from], end = scan->clause_end[sign->to];
        for (size_t k = scan_match_first(scan, begin); k < scan->match_count && scan->matches[k].from < end; k++) {
            if (concept_of(past, &scan->matches[k])->disease)
                work(past, sign, &scan->matches[k]);
        }
    }
}

/* "weakness from an old stroke", "10년 전 뇌출혈로 왼쪽 마비" */
static void pair_link(struct past *past, struct lexicon_match *sign, struct lexicon_match *disease) {
    bool linked = is_led(past, PLACE_SEQUEL_LINKS, sign, disease) || is_led(past, PLACE_SEQUEL_LINKS, disease, sign);
    if (linked && disease->assertion == LEXICON_PAST && sign->assertion == LEXICON_PRESENT)
        sign->assertion = LEXICON_PAST;
}

/* "residual weakness from stroke", "stroke with residual weakness" */
static void pair_back(struct past *past, struct lexicon_match *sign, struct lexicon_match *disease) {
    bool linked = is_led(past, PLACE_SEQUEL_LINKS, sign, disease) || is_led(past, PLACE_SEQUEL_WITH, disease, sign);
    if (linked && sign->assertion == LEXICON_PAST && disease->assertion == LEXICON_PRESENT)
        disease->assertion = LEXICON_PAST;
}

/* "old CVA with left weakness" */
static void pair_with(struct past *past, struct lexicon_match *sign, struct lexicon_match *disease) {
    if (disease->assertion == LEXICON_PAST && sign->assertion == LEXICON_PRESENT &&
        is_led(past, PLACE_SEQUEL_WITH, disease, sign))
        past->candidates[sign - past->scan->matches] = CANDIDATE_OPEN;
}

static void sequels_settle(struct past *past) {
    struct scan *scan = past->scan;
    for (size_t i = 0; i < scan->match_count; i++) {
        struct lexicon_match *match = &scan->matches[i];
        bool disease = concept_of(past, match)->disease && match->assertion == LEXICON_PRESENT && !is_now(past, match);
        if ((disease && has_sequel_behind(past, match)) || (is_sign(past, match) && is_residual(past, match)))
            match->assertion = LEXICON_PAST;
    }
    pairs_walk(past, pair_link);
    for (size_t i = 0; i < scan->match_count; i++) {
        const struct lexicon_match *first = &scan->matches[i];
        for (size_t k = i + 1; k < scan->match_count && scan->matches[k].from < first->to + REACH_BYTES / 2; k++) {
            struct lexicon_match *second = &scan->matches[k];
            bool joined = concept_of(past, first)->sequel && first->assertion == LEXICON_PAST &&
                          second->from >= first->to && is_joined(scan, first->to, second->from);
            if (joined && is_sign(past, second))
                second->assertion = LEXICON_PAST;
        }
    }
    pairs_walk(past, pair_back);
    pairs_walk(past, pair_with);
    candidates_settle(past);
}

/* ---- what is only asked about ----------------------------------------------------------------------------------------- */

static bool is_asked(const struct past *past, const struct lexicon_match *match) {
    const struct scan *scan = past->scan;
    size_t begin = scan->clause_begin[match->from], end = scan->clause_end[match->to];
    if (scan_trigger_between(scan, TRIGGER_NOW, begin, end) ||
        scan_trigger_between(scan, TRIGGER_SUMMONS, 0, scan->text.size))
        return false;
    if (scan_place(scan, PLACE_ASKED_AFTER, blanks_skip(scan, match->to)))
        return true;
    size_t first = match->from - begin > REACH_BYTES ? match->from - REACH_BYTES : begin;
    for (size_t at = first; at < match->from; at++) {
        size_t to = scan_place(scan, PLACE_ASKED_BEFORE, at);
        if (to && blanks_skip(scan, to) == match->from)
            return true;
    }
    return false;
}

static void asked_settle(struct past *past) {
    struct scan *scan = past->scan;
    for (size_t i = 0; i < scan->match_count; i++) {
        struct lexicon_match *match = &scan->matches[i];
        const struct concept *concept = concept_of(past, match);
        if ((concept->disease || concept->taught) && match->assertion == LEXICON_PRESENT && is_asked(past, match))
            match->assertion = LEXICON_NEGATED;
    }
}

/* Years before this one had ended YEAR_OVER_DAYS before the visit. */
static int year_limit_of(int64_t at_us) {
    char moment[TIME_TEXT_SIZE];
    if (at_us == 0)
        return 0;
    time_format_utc(moment, at_us - (int64_t)YEAR_OVER_DAYS * 24 * 3600 * 1000000);
    return (int)strtol(moment, NULL, 10);
}

void scan_past(struct scan *scan, int64_t at_us, struct arena *arena) {
    bool any = false;
    for (size_t i = 0; i < scan->match_count && !any; i++) {
        const struct concept *concept = &scan->lexicon->concepts[scan->matches[i].concept];
        any =
            scan->matches[i].assertion <= LEXICON_POSSIBLE && (concept->disease || concept->sequel || concept->taught);
    }
    bool operated = at_us && scan->match_count; /* "hip replaced in 2011" is neither */
    if (scan->is_history || (!any && !operated))
        return;
    struct past past = {.scan = scan,
        .candidates = ARENA_ARRAY(arena, uint8_t, scan->match_count),
        .dated = ARENA_ARRAY(arena, bool, scan->match_count),
        .year_limit = year_limit_of(at_us),
        .again = is_place_anywhere(scan, PLACE_AGAIN)};
    past.changes = is_place_anywhere(scan, PLACE_CHANGES);
    years_settle(&past);
    if (!past.again && !past.changes)
        sequels_settle(&past);
    asked_settle(&past);
    summons_settle(&past);
}
