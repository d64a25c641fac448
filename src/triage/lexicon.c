#include "triage/lexicon_scan.h"

#include <string.h>

enum {
    WORDS_MAX = 8192,
    CONCEPTS_MAX = 1024,
    CODES_MAX = 2048,
    PLACE_WORDS_MAX = 256,
    TEXT_MATCHES_MAX = 2048,
    ALIKE_MAX = 8,                    /* more than the evidence that a reason shows */
    ONSET_MINUTES_MAX = 60 * 24 * 100 /* times 10,000 it is still an int */
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
    struct text company = json_get_text(item, "company");
    (void)json_get_bool(&concept->disease, item, "disease");
    (void)json_get_bool(&concept->sequel, item, "sequel");
    (void)json_get_bool(&concept->taught, item, "taught");
    concept->company = text_is(company, "ordinary")  ? COMPANY_ORDINARY
                       : text_is(company, "neutral") ? COMPANY_NEUTRAL
                                                     : COMPANY_GRAVE;
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

static void place_begin(struct place_words *place, const struct pattern_numbers *numbers, char first) {
    place->begins[(unsigned char)first] = true;
    for (char digit = '0'; first == '#' && digit <= '9'; digit++)
        place->begins[(unsigned char)digit] = true;
    for (size_t i = 0; first == '#' && i < numbers->count; i++)
        place->begins[(unsigned char)numbers->at[i].word.at[0]] = true;
}

static enum status places_open(
    struct lexicon *lexicon, const yyjson_val *document, struct arena *arena, struct scope *scope) {
    static const char *const names[PLACE_LIST_COUNT] = {[PLACE_OPERATED] = "operated",
        [PLACE_BESIDE_YEARS] = "beside_years",
        [PLACE_BEFORE_YEARS] = "before_years",
        [PLACE_AGAIN] = "again",
        [PLACE_CHANGES] = "changes",
        [PLACE_SEQUEL_BEFORE] = "sequel_before",
        [PLACE_SEQUEL_BESIDE] = "sequel_beside",
        [PLACE_SEQUEL_AFTER] = "sequel_after",
        [PLACE_SEQUEL_USUAL] = "sequel_usual",
        [PLACE_SEQUEL_LINKS] = "sequel_links",
        [PLACE_SEQUEL_WITH] = "sequel_with",
        [PLACE_ASKED_BEFORE] = "asked_before",
        [PLACE_ASKED_AFTER] = "asked_after",
        [PLACE_AGES] = "ages"};
    for (int list = 0; list < PLACE_LIST_COUNT; list++) {
        yyjson_val *words = json_get(document, names[list]), *item;
        size_t i, count = yyjson_arr_size(words);
        struct place_words *place = &lexicon->places[list];
        if (count > PLACE_WORDS_MAX)
            return fault(scope, STATUS_INVALID, names[list], "more than %d words", PLACE_WORDS_MAX);
        place->at = ARENA_ARRAY(arena, struct pattern, count + 1);
        yyjson_arr_foreach(words, i, count, item) {
            place->at[place->count] = triage_pattern_compile(json_text(item), arena);
            if (place->at[place->count].size == 0)
                return fault(scope, STATUS_INVALID, names[list], "a word is empty");
            place_begin(place, &lexicon->numbers, place->at[place->count++].at[0]);
        }
    }
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
    if (status == STATUS_OK)
        status = places_open(lexicon, document, arena, scope);
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

/* ---- codes, onset, all texts ------------------------------------------------------------------------------------------ */

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
            scan_assert(scan, &scan->matches[k], text);
        scan_past(scan, facts->at_us, arena);
        for (size_t k = 0; k < scan->match_count; k++)
            scan_own(scan, &scan->matches[k]);
        matches_keep(&out, scan, i);
        if (out.onset_minutes < 0 && text->kind == TRIAGE_TEXT_COMPLAINT)
            out.onset_minutes = scan_onset(lexicon, scan->text);
    }
    return out;
}
