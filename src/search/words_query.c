/* words_query: what _text and _content are asked, as a tree over phrases.
 *
 *      any   ← all ((OR | ,) all)*
 *      all   ← one ((AND)? one)*
 *      one   ← NOT? (word | "phrase") *? | NOT? ( any ) */
#include <string.h>
#include <utf8proc.h>

#include "search/words.h"

struct words_parser {
    struct planner *planner;
    const struct criterion *criterion;
    struct text value;
    size_t at;
    unsigned fields;
    int terms, depth;
};

struct text_list {
    const struct store_text **at;
    size_t count, capacity;
};

typedef const struct store_text *text_node;
static enum status parse_any(text_node *out, struct words_parser *parser);

/* ---- faults ---------------------------------------------------------------------------------------------------------- */

/* In characters, from 1. */
static size_t position_of(const struct words_parser *parser, size_t at) {
    size_t position = 1;
    for (size_t i = 0; i < at && i < parser->value.size; i++) {
        position += ((unsigned char)parser->value.at[i] & 0xc0) != 0x80;
    }
    return position;
}

static enum status wrong_at(struct words_parser *parser, size_t at, const char *expected) {
    struct text name = parser->criterion->name;
    return fault(parser->planner->scope, STATUS_INVALID, "", "%.*s: at character %zu: expected %s", (int)name.size,
        name.at, position_of(parser, at), expected);
}

static enum status too_much(struct words_parser *parser, int most, const char *what) {
    struct text name = parser->criterion->name;
    return fault(
        parser->planner->scope, STATUS_TOO_COSTLY, "", "%.*s: more than %d %s", (int)name.size, name.at, most, what);
}

/* ---- nodes ----------------------------------------------------------------------------------------------------------- */

static void list_add(struct words_parser *parser, struct text_list *list, text_node node) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        list->at = arena_resize(
            parser->planner->scope->arena, list->at, list->capacity * sizeof *list->at, capacity * sizeof *list->at);
        list->capacity = capacity;
    }
    list->at[list->count++] = node;
}

static text_node node_of(struct words_parser *parser, enum store_text_kind kind, const struct text_list *list) {
    if (list->count == 1) {
        return list->at[0];
    }
    struct store_text *node = ARENA_NEW(parser->planner->scope->arena, struct store_text);
    *node = (struct store_text){.kind = kind, .children = list->at, .child_count = list->count};
    return node;
}

static text_node phrase_of(struct words_parser *parser, struct text words, enum store_text_end end) {
    struct store_text *node = ARENA_NEW(parser->planner->scope->arena, struct store_text);
    *node = (struct store_text){.kind = STORE_TEXT_PHRASE, .fields = parser->fields, .words = words, .end = end};
    return node;
}

/* ---- phrases --------------------------------------------------------------------------------------------------------- */

/* Unicode 15, section 3.12: a syllable without a final consonant is followed by its 27 with one. */
enum { SYLLABLE_FIRST = 0xac00, SYLLABLE_LAST = 0xd7a3, SYLLABLE_FINALS = 28, SYLLABLE_BYTES = 3 };

static bool ends_open(utf8proc_int32_t *point_out, struct text words) {
    if (words.size < SYLLABLE_BYTES) {
        return false;
    }
    const utf8proc_uint8_t *last = (const utf8proc_uint8_t *)words.at + words.size - SYLLABLE_BYTES;
    return utf8proc_iterate(last, SYLLABLE_BYTES, point_out) == SYLLABLE_BYTES && *point_out >= SYLLABLE_FIRST &&
           *point_out <= SYLLABLE_LAST && (*point_out - SYLLABLE_FIRST) % SYLLABLE_FINALS == 0;
}

/* 고혀* also finds 고혈: the last syllable may be unfinished. */
static text_node unfinished(
    struct words_parser *parser, struct text words, utf8proc_int32_t point, enum store_text_end end) {
    struct text_list list = {0};
    for (utf8proc_int32_t i = 0; i < SYLLABLE_FINALS; i++) {
        struct text with = text_copy(parser->planner->scope->arena, words);
        utf8proc_encode_char(point + i, (utf8proc_uint8_t *)with.at + with.size - SYLLABLE_BYTES);
        list_add(parser, &list, phrase_of(parser, with, end));
    }
    return node_of(parser, STORE_TEXT_ANY, &list);
}

/* `prose` is what stands between two blanks or quotes; `is_begun` when a * follows. A run of Hangul, Han or kana at the end may
 * go on in the resource, so its last character is left to the pair before it; one alone begins a pair. */
static enum status phrase_plan(
    text_node *out, struct words_parser *parser, struct text prose, size_t at, bool is_begun) {
    if (parser->terms++ == WORDS_TERMS_MAX) {
        return too_much(parser, WORDS_TERMS_MAX, "words and phrases");
    }
    struct arena *arena = parser->planner->scope->arena;
    struct buffer words = buffer_open(arena, SIZE_MAX);
    struct words_end end = words_put(&words, value_unescape(arena, prose));
    struct text found = buffer_text(&words);
    if (end.script == WORDS_NONE) {
        return wrong_at(parser, at, "letters or digits");
    }
    found.size--; /* the blank behind the last word */
    if (end.script == WORDS_LETTERS) {
        if (is_begun && end.count < WORDS_PREFIX_MIN) {
            return wrong_at(parser, at, "at least two letters or digits in front of *");
        }
        *out = phrase_of(parser, found, is_begun ? STORE_TEXT_PREFIX : STORE_TEXT_WHOLE);
        return STATUS_OK;
    }
    enum store_text_end ends = end.count > 1 ? STORE_TEXT_WHOLE : STORE_TEXT_PREFIX;
    if (end.count > 1) {
        found.size = end.last_at - 1;
    }
    utf8proc_int32_t point;
    *out =
        is_begun && ends_open(&point, found) ? unfinished(parser, found, point, ends) : phrase_of(parser, found, ends);
    return STATUS_OK;
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char peek(struct words_parser *parser) {
    while (parser->at < parser->value.size && is_blank(parser->value.at[parser->at])) {
        parser->at++;
    }
    return parser->at < parser->value.size ? parser->value.at[parser->at] : '\0';
}

static bool ends_word(char c) {
    return is_blank(c) || c == '(' || c == ')' || c == '"' || c == ',' || c == '*';
}

/* The bytes of the word at `at`, escapes still in. */
static struct text word_at(const struct words_parser *parser) {
    size_t end = parser->at;
    while (end < parser->value.size && !ends_word(parser->value.at[end])) {
        end += parser->value.at[end] == '\\' && end + 1 < parser->value.size ? 2 : 1;
    }
    return (struct text){parser->value.at + parser->at, end - parser->at};
}

/* `lower` NULL: in capitals only. */
static bool take_operator(struct words_parser *parser, const char *upper, const char *lower) {
    (void)peek(parser);
    struct text word = word_at(parser);
    bool is_one = text_is(word, upper) || (lower != NULL && text_is(word, lower));
    size_t behind = parser->at + word.size;
    if (is_one && (behind >= parser->value.size || parser->value.at[behind] != '*')) {
        parser->at = behind;
        return true;
    }
    return false;
}

static enum status take_star(bool *out, struct words_parser *parser) {
    *out = parser->at < parser->value.size && parser->value.at[parser->at] == '*';
    if (!*out) {
        return STATUS_OK;
    }
    parser->at++;
    char next = parser->at < parser->value.size ? parser->value.at[parser->at] : ' ';
    bool is_end = is_blank(next) || next == ')' || next == ',';
    return is_end ? STATUS_OK : wrong_at(parser, parser->at, "a blank behind *");
}

static enum status parse_quoted(text_node *out, struct words_parser *parser) {
    size_t from = parser->at;
    const char *end = memchr(parser->value.at + from + 1, '"', parser->value.size - from - 1);
    if (end == NULL) {
        return wrong_at(parser, parser->value.size, "a quotation mark that ends the phrase");
    }
    struct text prose = {parser->value.at + from + 1, (size_t)(end - parser->value.at) - from - 1};
    bool is_begun;
    parser->at = from + prose.size + 2;
    enum status status = take_star(&is_begun, parser);
    return status == STATUS_OK ? phrase_plan(out, parser, prose, from, is_begun) : status;
}

static bool is_operator(struct text word) {
    static const char *const operators[] = {"AND", "OR", "NOT", "and", "or"};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (text_is(word, operators[i])) {
            return true;
        }
    }
    return false;
}

static enum status parse_word(text_node *out, struct words_parser *parser) {
    size_t from = parser->at;
    struct text word = word_at(parser);
    if (word.size == 0 || is_operator(word)) {
        return wrong_at(parser, from, "a word, a phrase or an opening parenthesis");
    }
    bool is_begun;
    parser->at = from + word.size;
    enum status status = take_star(&is_begun, parser);
    return status == STATUS_OK ? phrase_plan(out, parser, word, from, is_begun) : status;
}

static enum status parse_one(text_node *out, struct words_parser *parser) {
    char c = peek(parser);
    if (c == '"') {
        return parse_quoted(out, parser);
    }
    if (c != '(') {
        return parse_word(out, parser);
    }
    if (++parser->depth > WORDS_DEPTH_MAX) {
        return too_much(parser, WORDS_DEPTH_MAX, "parentheses in each other");
    }
    parser->at++;
    enum status status = parse_any(out, parser);
    parser->depth--;
    if (status == STATUS_OK && peek(parser) != ')') {
        return wrong_at(parser, parser->at, "a closing parenthesis");
    }
    parser->at++;
    return status;
}

/* At an end of what AND joins. */
static bool is_over(struct words_parser *parser) {
    char c = peek(parser);
    size_t at = parser->at;
    bool over = c == '\0' || c == ')' || c == ',' || take_operator(parser, "OR", "or");
    parser->at = at;
    return over;
}

static enum status parse_all(text_node *out, struct words_parser *parser) {
    struct text_list with = {0}, without = {0};
    enum status status = STATUS_OK;
    size_t from = (peek(parser), parser->at);
    for (bool more = true; status == STATUS_OK && more;) {
        bool is_negated = take_operator(parser, "NOT", NULL);
        text_node node;
        status = parse_one(&node, parser);
        if (status == STATUS_OK) {
            list_add(parser, is_negated ? &without : &with, node);
            more = take_operator(parser, "AND", "and") || !is_over(parser);
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (with.count == 0) {
        return wrong_at(parser, from, "a word beside NOT");
    }
    struct text_list list = {0};
    list_add(parser, &list, node_of(parser, STORE_TEXT_ALL, &with));
    for (size_t i = 0; i < without.count; i++) {
        list_add(parser, &list, without.at[i]);
    }
    *out = node_of(parser, STORE_TEXT_WITHOUT, &list);
    return STATUS_OK;
}

static enum status parse_any(text_node *out, struct words_parser *parser) {
    struct text_list list = {0};
    enum status status = STATUS_OK;
    for (bool more = true; status == STATUS_OK && more;) {
        text_node node;
        status = parse_all(&node, parser);
        if (status == STATUS_OK) {
            list_add(parser, &list, node);
            bool is_comma = peek(parser) == ',';
            parser->at += is_comma;
            more = is_comma || take_operator(parser, "OR", "or");
        }
    }
    *out = status == STATUS_OK ? node_of(parser, STORE_TEXT_ANY, &list) : NULL;
    return status;
}

enum status words_plan(plan_node *out, struct planner *planner, const struct criterion *criterion) {
    bool is_narrative = strcmp(criterion->parameter->code, "_text") == 0;
    struct words_parser parser = {.planner = planner,
        .criterion = criterion,
        .value = criterion->value,
        .fields = is_narrative ? 1U << WORDS_NARRATIVE : 1U << WORDS_NARRATIVE | 1U << WORDS_OTHER};
    if (criterion->value.size > WORDS_QUERY_BYTES_MAX) {
        return too_much(&parser, WORDS_QUERY_BYTES_MAX, "bytes");
    }
    text_node text;
    enum status status = parse_any(&text, &parser);
    if (status == STATUS_OK && peek(&parser) != '\0') {
        status = wrong_at(&parser, parser.at, "AND, OR, a word or the end");
    }
    if (status == STATUS_OK) {
        *out = plan_words(planner, text);
    }
    return status;
}
