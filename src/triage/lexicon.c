#include "triage/lexicon.h"
#include "triage/pattern.h"

#include <limits.h>
#include <string.h>

enum {
    WORDS_MAX = 8192,
    CONCEPTS_MAX = 1024,
    CODES_MAX = 2048,
    TRIGGER_HITS_MAX = 256,
    TEXT_MATCHES_MAX = 2048,
    ALIKE_MAX = 8,                     /* more than the evidence that a reason shows */
    ONSET_MINUTES_MAX = 60 * 24 * 100, /* times 10,000 it is still an int */
    REACH_BYTES = 72,
    SENTENCE_REACH_BYTES = 400,
    AFTER_REACH_BYTES = 160
};

/* Words that change what another word asserts. `list`: reaches over commas. */
enum trigger_kind {
    TRIGGER_NEGATED,
    TRIGGER_NEGATED_LIST,
    TRIGGER_NOT_NEGATED,
    TRIGGER_POSSIBLE,
    TRIGGER_PAST,
    TRIGGER_FAMILY,
    TRIGGER_BREAK,
    TRIGGER_FILLER,
    TRIGGER_JOIN,
    TRIGGER_TOPIC,
    TRIGGER_PAST_BESIDE, /* "old", "s/p": of the next disease alone, never over a comma */
    TRIGGER_RELATIVE,    /* from here on: whose it is and when (below: context) */
    TRIGGER_PATIENT,
    TRIGGER_SELF,
    TRIGGER_SUMMONS,
    TRIGGER_NOW,
    TRIGGER_RECENT,
    TRIGGER_DEATH
};
static const struct {
    const char *name;
    enum trigger_kind kind;
    bool after; /* stands behind the word it changes */
} trigger_lists[] = {
    {"negated_before", TRIGGER_NEGATED, false},
    {"negated_list_before", TRIGGER_NEGATED_LIST, false},
    {"negated_after", TRIGGER_NEGATED, true},
    {"not_negated", TRIGGER_NOT_NEGATED, false},
    {"not_past", TRIGGER_NOT_NEGATED, false},
    {"possible_before", TRIGGER_POSSIBLE, false},
    {"possible_after", TRIGGER_POSSIBLE, true},
    {"past_before", TRIGGER_PAST, false},
    {"past_after", TRIGGER_PAST, true},
    {"past_beside", TRIGGER_PAST_BESIDE, false},
    {"family_before", TRIGGER_FAMILY, false},
    {"family_after", TRIGGER_FAMILY, true},
    {"breaks", TRIGGER_BREAK, false},
    {"fillers", TRIGGER_FILLER, true},
    {"joins", TRIGGER_JOIN, true},
    {"topics", TRIGGER_TOPIC, true},
    {"relatives", TRIGGER_RELATIVE, false},
    {"patients", TRIGGER_PATIENT, false},
    {"selves", TRIGGER_SELF, false},
    {"summons", TRIGGER_SUMMONS, false},
    {"now", TRIGGER_NOW, false},
    {"recent", TRIGGER_RECENT, false},
    {"deaths", TRIGGER_DEATH, false},
};

struct word {
    struct pattern pattern;
    uint16_t owner; /* concept, or row of trigger_lists */
    char second;    /* the pattern's second byte where the text's must be the same; 0: any */
    int next;       /* of the same first byte; -1: last */
};
enum { INDEX_CHAINS = 1024 };
struct word_index {
    struct word *words;
    int count, first[INDEX_CHAINS]; /* by the first character */
};
struct concept {
    struct text code, ko, en;
    bool disease;
};
struct concept_code {
    struct text system, code; /* system: a part of the URI; code: a prefix when `is_prefix` */
    bool is_prefix;
    uint16_t concept;
};
struct onset {
    struct pattern pattern;
    double minutes; /* of one, or of the whole where there is no number */
};
struct lexicon {
    struct concept *concepts;
    int concept_count;
    struct word_index words, triggers;
    struct concept_code *codes;
    int code_count;
    struct onset *onsets;
    size_t onset_count;
    struct pattern_numbers numbers;
};

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static struct word_index index_open(struct arena *arena) {
    struct word_index index = {.words = ARENA_ARRAY(arena, struct word, WORDS_MAX)};
    for (int i = 0; i < INDEX_CHAINS; i++)
        index.first[i] = -1;
    return index;
}

/* Of the whole character that stands first: Hangul syllables share their first byte by the thousand. */
static unsigned chain_of(const char *at, size_t size) {
    const unsigned char *byte = (const unsigned char *)at;
    unsigned hash = byte[0];
    for (size_t i = 1; i < size && i < 4 && byte[0] >= 0xC0 && (byte[i] & 0xC0) == 0x80; i++)
        hash = hash * 61 + byte[i];
    return hash % INDEX_CHAINS;
}

static void index_chain(struct word_index *index, int word, unsigned chain) {
    index->words[word].next = index->first[chain];
    index->first[chain] = word;
}

/* A word that begins with a number stands in the chain of '#', which is tried everywhere. */
static enum status index_add(struct word_index *index, struct text pattern, uint16_t owner, struct arena *arena,
    const char *path, struct scope *scope) {
    if (index->count == WORDS_MAX)
        return fault(scope, STATUS_TOO_LARGE, path, "more than %d words", WORDS_MAX);
    struct word *word = &index->words[index->count];
    *word = (struct word){.pattern = triage_pattern_compile(pattern, arena), .owner = owner};
    if (word->pattern.size == 0 || word->pattern.at[0] == '~' || word->pattern.at[0] == ' ')
        return fault(scope, STATUS_INVALID, path, "a word must begin with a letter, a digit or #");
    if (word->pattern.size > 1 && word->pattern.at[0] != '#' && !strchr("#~ ", word->pattern.at[1]))
        word->second = word->pattern.at[1];
    index_chain(index, index->count++, chain_of(word->pattern.at, word->pattern.size));
    return STATUS_OK;
}

static enum status words_add(struct word_index *index, const yyjson_val *list, uint16_t owner, struct arena *arena,
    const char *path, struct scope *scope) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        enum status status = index_add(index, json_text(item), owner, arena, path, scope);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* "icd|I21*", "sct|22298006" */
static enum status codes_add(
    struct lexicon *lexicon, const yyjson_val *list, const char *path, struct arena *arena, struct scope *scope) {
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)list, i, count, item) {
        struct text code = text_copy(arena, json_text(item)), system = text_cut(&code, '|');
        if (lexicon->code_count == CODES_MAX || code.size == 0)
            return fault(scope, STATUS_INVALID, path, "a code is system|code, at most %d in all", CODES_MAX);
        struct concept_code *row = &lexicon->codes[lexicon->code_count++];
        *row = (struct concept_code){.system = system, .code = code, .concept = (uint16_t)lexicon->concept_count};
        if (text_ends(code, "*")) {
            row->is_prefix = true;
            row->code.size--;
        }
    }
    return STATUS_OK;
}

static enum status concept_add(
    struct lexicon *lexicon, const yyjson_val *item, struct arena *arena, struct scope *scope) {
    struct text code = json_get_text(item, "code");
    const char *path =
        text_string(scope->arena, text_format(scope->arena, "lexicon.concepts[%d]", lexicon->concept_count));
    if (code.size == 0 || lexicon->concept_count == CONCEPTS_MAX)
        return fault(scope, STATUS_INVALID, path, "a concept needs a code; at most %d", CONCEPTS_MAX);
    if (lexicon_concept_find(lexicon, code) >= 0)
        return fault(scope, STATUS_INVALID, path, "the concept is there twice");
    struct concept *concept = &lexicon->concepts[lexicon->concept_count];
    concept->code = text_copy(arena, code);
    (void)json_get_bool(&concept->disease, item, "disease");
    uint16_t owner = (uint16_t)lexicon->concept_count;
    enum status status = words_add(&lexicon->words, json_get(item, "words"), owner, arena, path, scope);
    if (status == STATUS_OK)
        status = codes_add(lexicon, json_get(item, "codes"), path, arena, scope);
    lexicon->concept_count++;
    return status;
}

static enum status onsets_open(
    struct lexicon *lexicon, const yyjson_val *document, struct arena *arena, struct scope *scope) {
    yyjson_val *list = json_get(document, "onset"), *words = json_get(document, "numbers"), *item, *name;
    size_t i, count = yyjson_arr_size(list);
    lexicon->onsets = ARENA_ARRAY(arena, struct onset, count + 1);
    yyjson_arr_foreach(list, i, count, item) {
        struct onset *onset = &lexicon->onsets[lexicon->onset_count++];
        onset->pattern = triage_pattern_compile(json_get_text(item, "word"), arena);
        if (!json_get_double(&onset->minutes, item, "minutes") ||
            !(onset->minutes > 0 && onset->minutes <= ONSET_MINUTES_MAX) || !onset->pattern.size)
            return fault(scope, STATUS_INVALID, "onset", "an onset has a word and minutes, above 0 and at most %d",
                ONSET_MINUTES_MAX);
    }
    struct pattern_number *numbers = ARENA_ARRAY(arena, struct pattern_number, yyjson_obj_size(words) + 1);
    yyjson_obj_foreach(words, i, count, name, item) {
        struct text word = {yyjson_get_str(name), yyjson_get_len(name)};
        struct text value = json_number_text(item);
        numbers[i].word = text_copy(arena, word);
        if (!text_to_double(&numbers[i].value, value))
            numbers[i].value = 0;
    }
    lexicon->numbers = (struct pattern_numbers){yyjson_obj_size(words), numbers};
    return STATUS_OK;
}

enum status lexicon_open(
    const struct lexicon **out, const yyjson_val *document, struct arena *arena, struct scope *scope) {
    struct lexicon *lexicon = ARENA_NEW(arena, struct lexicon);
    lexicon->concepts = ARENA_ARRAY(arena, struct concept, CONCEPTS_MAX);
    lexicon->codes = ARENA_ARRAY(arena, struct concept_code, CODES_MAX);
    lexicon->words = index_open(arena);
    lexicon->triggers = index_open(arena);
    enum status status = STATUS_OK;
    size_t i, count;
    yyjson_val *item;
    yyjson_arr_foreach(json_get(document, "concepts"), i, count, item) {
        status = concept_add(lexicon, item, arena, scope);
        if (status != STATUS_OK)
            return status;
    }
    for (size_t row = 0; row < sizeof trigger_lists / sizeof trigger_lists[0] && status == STATUS_OK; row++)
        status = words_add(&lexicon->triggers, json_get(document, trigger_lists[row].name), (uint16_t)row, arena,
            trigger_lists[row].name, scope);
    if (status == STATUS_OK)
        status = onsets_open(lexicon, document, arena, scope);
    *out = lexicon;
    return status;
}

int lexicon_concept_find(const struct lexicon *lexicon, struct text code) {
    for (int i = 0; i < lexicon->concept_count; i++) {
        if (text_equal(lexicon->concepts[i].code, code))
            return i;
    }
    return -1;
}

struct text lexicon_concept_code(const struct lexicon *lexicon, int concept) {
    return lexicon->concepts[concept].code;
}

/* ---- scanning -------------------------------------------------------------------------------------------------------- */

struct trigger_hit {
    enum trigger_kind kind;
    bool after;
    size_t from, to;
};
struct scan {
    const struct lexicon *lexicon;
    struct text text;              /* lower-cased */
    struct lexicon_match *matches; /* of this text */
    size_t match_count;
    struct trigger_hit triggers[TRIGGER_HITS_MAX]; /* in the order of the text, as the matches are */
    size_t trigger_count;
    uint32_t *parted, *clause_begin, *clause_end; /* places_mark() */
    bool is_history, told_before;                 /* an earlier text tells what the patient has */
};

static bool is_char_start(char c) {
    return ((unsigned char)c & 0xC0) != 0x80;
}

static struct text lower(struct text source, struct arena *arena) {
    char *copy = arena_alloc(arena, source.size + 1);
    for (size_t i = 0; i < source.size; i++)
        copy[i] = (char)(source.at[i] >= 'A' && source.at[i] <= 'Z' ? source.at[i] + 32 : source.at[i]);
    return (struct text){copy, source.size};
}

typedef void hit_work(struct scan *scan, uint16_t owner, size_t from, size_t to, size_t capacity);

static void chain_scan(
    struct scan *scan, const struct word_index *index, unsigned chain, size_t at, hit_work *hit, size_t capacity) {
    double number = 0;
    char second = at + 1 < scan->text.size ? scan->text.at[at + 1] : '\0';
    for (int i = index->first[chain]; i >= 0; i = index->words[i].next) {
        if (index->words[i].second && index->words[i].second != second)
            continue;
        size_t to = pattern_match(&number, &index->words[i].pattern, &scan->lexicon->numbers, scan->text, at);
        if (to > at)
            hit(scan, index->words[i].owner, at, to, capacity);
    }
}

/* Inside a Latin word or number none begins. */
static void index_scan(struct scan *scan, const struct word_index *index, hit_work *hit, size_t capacity) {
    for (size_t at = 0; at < scan->text.size; at++) {
        if (!is_char_start(scan->text.at[at]))
            continue;
        bool inside = at > 0 && pattern_is_alnum(scan->text.at[at - 1]);
        if (!inside || !pattern_is_alnum(scan->text.at[at]))
            chain_scan(scan, index, chain_of(scan->text.at + at, scan->text.size - at), at, hit, capacity);
        if (!inside && pattern_number_begins(&scan->lexicon->numbers, scan->text, at))
            chain_scan(scan, index, chain_of("#", 1), at, hit, capacity);
    }
}

static void concept_hit(struct scan *scan, uint16_t owner, size_t from, size_t to, size_t capacity) {
    for (size_t i = scan->match_count; i > 0 && scan->matches[i - 1].from == from; i--) {
        struct lexicon_match *match = &scan->matches[i - 1];
        if (match->concept == owner) {
            match->to = to > match->to ? to : match->to;
            return;
        }
    }
    if (scan->match_count < capacity)
        scan->matches[scan->match_count++] = (struct lexicon_match){.concept = owner, .from = from, .to = to};
}

/* A trigger inside a concept's own words ("no pulse") changes nothing, but "acute" in "acute mi" says when. */
static void trigger_hit(struct scan *scan, uint16_t owner, size_t from, size_t to, size_t capacity) {
    bool dates = trigger_lists[owner].kind >= TRIGGER_RELATIVE;
    if (scan->trigger_count == capacity)
        return;
    for (size_t i = 0; i < scan->match_count && !dates; i++) {
        if (scan->matches[i].from <= from && to <= scan->matches[i].to)
            return;
    }
    scan->triggers[scan->trigger_count++] =
        (struct trigger_hit){trigger_lists[owner].kind, trigger_lists[owner].after, from, to};
}

/* "no relief of" negates nothing: what overlaps it goes. */
static void triggers_prune(struct scan *scan) {
    size_t kept = 0;
    for (size_t i = 0; i < scan->trigger_count; i++) {
        struct trigger_hit hit = scan->triggers[i];
        bool dropped = false;
        for (size_t k = 0; k < scan->trigger_count && !dropped; k++) {
            const struct trigger_hit *other = &scan->triggers[k];
            bool overlaps = other->from < hit.to && hit.from < other->to;
            bool longer = other->to - other->from > hit.to - hit.from;
            bool alike = other->kind < TRIGGER_RELATIVE && hit.kind < TRIGGER_RELATIVE;
            dropped = k != i && overlaps && alike &&
                      ((other->kind == TRIGGER_NOT_NEGATED && hit.kind <= TRIGGER_NEGATED_LIST) ||
                          (longer && other->kind != TRIGGER_FILLER && other->kind != TRIGGER_TOPIC &&
                              other->kind != TRIGGER_JOIN && other->after == hit.after));
        }
        if (!dropped)
            scan->triggers[kept++] = hit;
    }
    scan->trigger_count = kept;
}

static bool has_between(const struct scan *scan, size_t from, size_t to, char c) {
    return to > from && memchr(scan->text.at + from, c, to - from) != NULL;
}

/* Once a text, for each place and the text's end: where the clause round it begins and ends, and the least end of a break (an end of
 * sentence, a word of contrast) that begins there or later. So a text that repeats itself costs no walk for each of its words. */
static void places_mark(struct scan *scan, struct arena *arena) {
    size_t size = scan->text.size;
    uint32_t *parted = ARENA_ARRAY(arena, uint32_t, size + 1), *begin = ARENA_ARRAY(arena, uint32_t, size + 1),
             *end = ARENA_ARRAY(arena, uint32_t, size + 1);
    begin[0] = 0;
    for (size_t i = 0; i < size; i++) {
        bool is_break = pattern_is_break(scan->text, i);
        parted[i] = is_break ? (uint32_t)i + 1 : UINT32_MAX;
        begin[i + 1] = is_break || scan->text.at[i] == ',' ? (uint32_t)i + 1 : begin[i];
    }
    parted[size] = UINT32_MAX;
    end[size] = (uint32_t)size;
    for (size_t i = 0; i < scan->trigger_count; i++) {
        const struct trigger_hit *hit = &scan->triggers[i];
        if (hit->kind == TRIGGER_BREAK && hit->to < parted[hit->from])
            parted[hit->from] = (uint32_t)hit->to;
    }
    for (size_t i = size; i-- > 0;) {
        end[i] = begin[i + 1] == i + 1 ? (uint32_t)i : end[i + 1];
        parted[i] = parted[i + 1] < parted[i] ? parted[i + 1] : parted[i];
    }
    scan->parted = parted;
    scan->clause_begin = begin;
    scan->clause_end = end;
}

/* A sentence ends, or a word of contrast stands, between two places. */
static bool is_parted(const struct scan *scan, size_t from, size_t to) {
    return scan->parted[from] <= to;
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

/* The first word that begins there or later: they are found in the order of the text. */
static size_t match_first(const struct scan *scan, size_t from) {
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
        for (size_t i = match_first(scan, at); i < scan->match_count && scan->matches[i].from == at; i++) {
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
    if (hit->to > match->from || match->from - hit->to > SENTENCE_REACH_BYTES || is_parted(scan, hit->to, match->from))
        return false;
    bool comma = has_between(scan, hit->to, match->from, ',');
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
    for (size_t i = match_first(scan, at); i < scan->match_count && scan->matches[i].from == at; i++) {
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
    return !has_between(scan, 0, match->from, ',') && !is_parted(scan, 0, match->from);
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

static const struct trigger_hit *trigger_between(
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
            trigger_between(scan, TRIGGER_PATIENT, hit->to, match->from))
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
    if (trigger_between(scan, TRIGGER_NOW, begin, end) || trigger_between(scan, TRIGGER_RECENT, begin, end))
        return true;
    for (size_t i = match_first(scan, begin); i < scan->match_count && scan->matches[i].from < end; i++) {
        const struct lexicon_match *other = &scan->matches[i];
        bool apart = other->to <= match->from || other->from >= match->to;
        if (apart && !scan->lexicon->concepts[other->concept].disease)
            return true;
    }
    return false;
}

static bool is_anothers(
    const struct scan *scan, const struct trigger_hit *relative, const struct lexicon_match *match) {
    if (scan->is_history)
        return true;
    size_t end = scan->clause_end[match->to];
    if (is_acute_clause(scan, relative, match) || trigger_between(scan, TRIGGER_SUMMONS, 0, scan->text.size))
        return false;
    return scan->told_before || is_told_before(scan) || trigger_between(scan, TRIGGER_SELF, end, scan->text.size) ||
           trigger_between(scan, TRIGGER_DEATH, relative->to, end);
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
        if (from <= to && !is_parted(scan, from, to) && !look_between(scan, from, to, 0, INT_MAX).concepts)
            return true;
    }
    return false;
}

static void match_context(const struct scan *scan, struct lexicon_match *match) {
    const struct trigger_hit *relative = relative_of(scan, match);
    match->quote_from = match->from;
    if (relative && is_anothers(scan, relative, match))
        match->assertion = LEXICON_FAMILY;
    else if (relative)
        match->quote_from = relative->from;
    if (match->assertion == LEXICON_PAST && !scan->is_history && is_recent(scan, match))
        match->assertion = LEXICON_PRESENT;
}

/* The strongest of what stands before and behind: family, negated, past, possible. */
static void match_assert(const struct scan *scan, struct lexicon_match *match, const struct triage_text *text) {
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
    match_context(scan, match);
    if (text->doubtful && match->assertion == LEXICON_PRESENT)
        match->assertion = LEXICON_POSSIBLE;
    if (text->kind == TRIAGE_TEXT_HISTORY && match->assertion <= LEXICON_POSSIBLE)
        match->assertion = LEXICON_PAST;
}

static bool system_holds(struct text system, struct text part) {
    return system.size >= part.size && memmem(system.at, system.size, part.at, part.size) != NULL;
}

static void scan_codes(
    struct lexicon_matches *out, const struct lexicon *lexicon, const struct triage_facts *facts, size_t index) {
    const struct triage_text *text = &facts->texts[index];
    for (int i = 0; i < lexicon->code_count; i++) {
        const struct concept_code *row = &lexicon->codes[i];
        bool same = row->is_prefix
                        ? text->code.size >= row->code.size && memcmp(text->code.at, row->code.at, row->code.size) == 0
                        : text_equal(text->code, row->code);
        if (!same || !system_holds(text->system, row->system) || out->count == LEXICON_MATCHES_MAX)
            continue;
        out->at[out->count++] = (struct lexicon_match){.concept = row->concept,
            .text = (uint16_t)index,
            .by_code = true,
            .quote_from = 0,
            .to = text->text.size,
            .assertion = text->kind == TRIAGE_TEXT_HISTORY ? LEXICON_PAST
                         : text->doubtful                  ? LEXICON_POSSIBLE
                                                           : LEXICON_PRESENT};
    }
}

static int scan_onset(const struct lexicon *lexicon, struct text text) {
    double number = 1;
    for (size_t at = 0; at < text.size; at++) {
        if (!is_char_start(text.at[at]))
            continue;
        bool counts = pattern_number_begins(&lexicon->numbers, text, at);
        for (size_t i = 0; i < lexicon->onset_count; i++) {
            number = 1;
            if (lexicon->onsets[i].pattern.at[0] == '#' && !counts)
                continue;
            if (pattern_match(&number, &lexicon->onsets[i].pattern, &lexicon->numbers, text, at) && number >= 0 &&
                number < 10000)
                return (int)(number * lexicon->onsets[i].minutes);
        }
    }
    return -1;
}

/* Of what one text says again and again in the same sense, the first ALIKE_MAX: a text that repeats itself takes no room from the
 * others. */
static void matches_keep(struct lexicon_matches *out, const struct scan *scan, size_t text) {
    size_t first = out->count;
    for (size_t i = 0; i < scan->match_count && out->count < LEXICON_MATCHES_MAX; i++) {
        const struct lexicon_match *match = &scan->matches[i];
        int alike = 0;
        for (size_t k = first; k < out->count && alike < ALIKE_MAX; k++)
        alike += out->at[k].concept == match->concept && out->at[k].assertion == match->assertion;
        if (alike == ALIKE_MAX)
            continue;
        out->at[out->count] = *match;
        out->at[out->count++].text = (uint16_t)text;
    }
}

static bool is_told(const struct lexicon_matches *matches, const struct triage_facts *facts) {
    for (size_t i = 0; i < matches->count; i++) {
        if (matches->at[i].assertion <= LEXICON_POSSIBLE &&
            facts->texts[matches->at[i].text].kind != TRIAGE_TEXT_HISTORY)
            return true;
    }
    return false;
}

struct lexicon_matches lexicon_scan(
    const struct lexicon *lexicon, const struct triage_facts *facts, struct arena *arena) {
    struct lexicon_matches out = {
        .at = ARENA_ARRAY(arena, struct lexicon_match, LEXICON_MATCHES_MAX), .onset_minutes = -1};
    struct scan *scan = ARENA_NEW(arena, struct scan);
    for (size_t i = 0; i < facts->text_count; i++) {
        const struct triage_text *text = &facts->texts[i];
        if (text->code.size > 0)
            scan_codes(&out, lexicon, facts, i);
        if (text->text.size == 0)
            continue;
        size_t room = text->text.size < TEXT_MATCHES_MAX / 8 ? 8 * text->text.size
                                                             : TEXT_MATCHES_MAX; /* a word may be of several concepts */
        struct lexicon_match *matches = ARENA_ARRAY(arena, struct lexicon_match, room);
        *scan = (struct scan){.lexicon = lexicon,
            .text = lower(text->text, arena),
            .matches = matches,
            .is_history = text->kind == TRIAGE_TEXT_HISTORY,
            .told_before = is_told(&out, facts)};
        index_scan(scan, &lexicon->words, concept_hit, room);
        index_scan(scan, &lexicon->triggers, trigger_hit, TRIGGER_HITS_MAX);
        triggers_prune(scan);
        places_mark(scan, arena);
        for (size_t k = 0; k < scan->match_count; k++)
            match_assert(scan, &scan->matches[k], text);
        matches_keep(&out, scan, i);
        if (out.onset_minutes < 0 && text->kind == TRIAGE_TEXT_COMPLAINT)
            out.onset_minutes = scan_onset(lexicon, scan->text);
    }
    return out;
}
