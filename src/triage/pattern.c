#include "triage/pattern.h"

#include <string.h>

enum { GAP_MAX = 36, BREAK_WORD_MIN = 4, PLURAL_MIN = 3 /* "ha" is a headache, "has" none */ };

bool pattern_is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
static bool is_letter_byte(char c) {
    return pattern_is_alnum(c) || (unsigned char)c >= 0x80;
}
static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '-' || c == '\r';
}

struct pattern triage_pattern_compile(struct text word, struct arena *arena) {
    struct pattern pattern = {0};
    if (word.size > 0 && word.at[0] == '^') {
        pattern.edge_before = true;
        word.at++, word.size--;
    }
    if (word.size > 0 && word.at[word.size - 1] == '$') {
        pattern.edge_after = true;
        word.size--;
    }
    if (word.size > 0 && word.at[word.size - 1] == '*') {
        pattern.open_end = true;
        word.size--;
    }
    pattern.at = text_string(arena, word);
    pattern.size = word.size;
    return pattern;
}

/* "." ends a sentence only behind a number, Hangul or a whole word: "ant. chest pain" goes on. */
bool pattern_is_break(struct text text, size_t at) {
    char c = text.at[at];
    if (c == '\n' || c == ';' || c == '!')
        return true;
    if (c != '.' || (at + 1 < text.size && text.at[at + 1] != ' ' && text.at[at + 1] != '\n'))
        return false;
    size_t from = at;
    while (from > 0 && is_letter_byte(text.at[from - 1]))
        from--;
    return at - from >= BREAK_WORD_MIN || (at > from && ((unsigned char)text.at[from] >= 0x80 || text.at[from] <= '9'));
}

static size_t match_number(double *number, const struct pattern_numbers *numbers, struct text text, size_t at) {
    size_t end = at;
    while (end < text.size && ((text.at[end] >= '0' && text.at[end] <= '9') || (end > at && text.at[end] == '.')))
        end++;
    if (end > at && text_to_double(number, (struct text){text.at + at, end - at}))
        return end;
    for (size_t i = 0; i < numbers->count; i++) {
        struct text word = numbers->at[i].word;
        if (word.size <= text.size - at && memcmp(text.at + at, word.at, word.size) == 0) {
            *number = numbers->at[i].value;
            return at + word.size;
        }
    }
    return 0;
}

bool pattern_number_begins(const struct pattern_numbers *numbers, struct text text, size_t at) {
    double number = 0;
    return match_number(&number, numbers, text, at) > 0;
}

struct cursor {
    double *number;
    const struct pattern_numbers *numbers;
    struct text text;
    struct text pattern;
};

static size_t match_rest(const struct cursor *cursor, size_t pattern_at, size_t at);

static size_t match_gap(const struct cursor *cursor, size_t pattern_at, size_t at) {
    size_t limit = at + GAP_MAX < cursor->text.size ? at + GAP_MAX : cursor->text.size;
    for (; at < limit; at++) {
        size_t end = match_rest(cursor, pattern_at, at);
        if (end)
            return end;
        if (pattern_is_break(cursor->text, at))
            return 0;
    }
    return 0;
}

/* A blank of the pattern: a run in the text; beside Hangul it may be missing. 0 when it does not match. */
static bool match_blank(const struct cursor *cursor, size_t pattern_at, size_t *at) {
    struct text pattern = cursor->pattern, text = cursor->text;
    bool optional = (unsigned char)pattern.at[pattern_at - 1] >= 0x80 ||
                    (pattern_at + 1 < pattern.size && (unsigned char)pattern.at[pattern_at + 1] >= 0x80);
    size_t start = *at;
    while (*at < text.size && (is_blank(text.at[*at]) || (!optional && text.at[*at] == '/')))
        (*at)++;
    return optional || *at > start;
}

static size_t match_rest(const struct cursor *cursor, size_t pattern_at, size_t at) {
    struct text pattern = cursor->pattern, text = cursor->text;
    for (; pattern_at < pattern.size; pattern_at++) {
        char c = pattern.at[pattern_at];
        if (c == '~')
            return match_gap(cursor, pattern_at + 1, at);
        if (c == '#') {
            at = match_number(cursor->number, cursor->numbers, text, at);
            if (at == 0)
                return 0;
        } else if (c == ' ' && pattern_at > 0) {
            if (!match_blank(cursor, pattern_at, &at))
                return 0;
        } else if (at >= text.size || text.at[at] != c) {
            return 0;
        } else {
            at++;
        }
    }
    return at;
}

size_t pattern_match(double *number, const struct pattern *pattern, const struct pattern_numbers *numbers,
    struct text text, size_t from) {
    if (pattern->size == 0)
        return 0;
    char first = pattern->at[0], last = pattern->at[pattern->size - 1];
    bool latin_start = pattern_is_alnum(first) || first == '#';
    if (from > 0 && ((latin_start && pattern_is_alnum(text.at[from - 1])) ||
                        (pattern->edge_before && is_letter_byte(text.at[from - 1]))))
        return 0;
    struct cursor cursor = {number, numbers, text, {pattern->at, pattern->size}};
    size_t end = match_rest(&cursor, 0, from);
    if (end == 0)
        return 0;
    if (pattern->open_end) {
        while (end < text.size && pattern_is_alnum(text.at[end]))
            end++;
        return end;
    }
    if (pattern_is_alnum(last)) {
        if (pattern->size >= PLURAL_MIN && end < text.size && text.at[end] == 's' &&
            (end + 1 == text.size || !pattern_is_alnum(text.at[end + 1])))
            end++;
        if (end < text.size && pattern_is_alnum(text.at[end]))
            return 0;
    }
    if (pattern->edge_after && end < text.size && is_letter_byte(text.at[end]))
        return 0;
    return end;
}
