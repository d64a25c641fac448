#include "search/sentence.h"

#include <string.h>

struct sentence_reader {
    struct text text;
    size_t at; /* bytes read */
    struct scope *scope;
    int depth;
    size_t tests;
};

/* ---- places -------------------------------------------------------------------------------------------------------- */

static size_t place_of(const struct sentence_reader *reader, size_t at) {
    size_t place = 1;
    for (size_t i = 0; i < at; i++) {
        place += ((unsigned char)reader->text.at[i] & 0xc0) != 0x80;
    }
    return place;
}

static enum status expected(const struct sentence_reader *reader, const char *what) {
    return fault(
        reader->scope, STATUS_INVALID, "", "_filter: expected %s at character %zu", what, place_of(reader, reader->at));
}

static enum status past_limit(const struct sentence_reader *reader, const char *what, int limit) {
    return fault(reader->scope, STATUS_TOO_COSTLY, "", "_filter: more than %d %s at character %zu", limit, what,
        place_of(reader, reader->at));
}

/* ---- characters ---------------------------------------------------------------------------------------------------- */

static char peek(const struct sentence_reader *reader) {
    return reader->at < reader->text.size ? reader->text.at[reader->at] : '\0';
}

static bool at_end(const struct sentence_reader *reader) {
    return reader->at == reader->text.size;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool skip_space(struct sentence_reader *reader) {
    size_t start = reader->at;
    while (!at_end(reader) && is_space(peek(reader))) {
        reader->at++;
    }
    return reader->at > start;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_character(char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static struct text take_name(struct sentence_reader *reader) {
    size_t start = reader->at;
    if (is_letter(peek(reader)) || peek(reader) == '_') {
        while (is_name_character(peek(reader))) {
            reader->at++;
        }
    }
    return (struct text){reader->text.at + start, reader->at - start};
}

/* ---- values -------------------------------------------------------------------------------------------------------- */

static enum status read_string(struct text *out, struct sentence_reader *reader) {
    size_t start = reader->at, end = start + 1;
    while (end < reader->text.size && reader->text.at[end] != '"') {
        end += reader->text.at[end] == '\\' ? 2 : 1;
    }
    struct scope trial = {.arena = reader->scope->arena, .deadline_us = reader->scope->deadline_us};
    yyjson_doc *doc = NULL;
    bool is_whole = end < reader->text.size &&
                    json_read(&doc, (struct text){reader->text.at + start, end + 1 - start}, &trial) == STATUS_OK;
    if (!is_whole || !yyjson_is_str(yyjson_doc_get_root(doc))) {
        return expected(reader, "a JSON string");
    }
    *out = json_text(yyjson_doc_get_root(doc));
    reader->at = end + 1;
    return STATUS_OK;
}

static enum status read_value(struct text *out, struct sentence_reader *reader) {
    if (peek(reader) == '"') {
        return read_string(out, reader);
    }
    size_t start = reader->at;
    while (!at_end(reader) && !is_space(peek(reader)) && peek(reader) != ')' && peek(reader) != ']') {
        reader->at++;
    }
    *out = (struct text){reader->text.at + start, reader->at - start};
    return out->size > 0 ? STATUS_OK : expected(reader, "a value");
}

/* ---- tests --------------------------------------------------------------------------------------------------------- */

static enum status read_sentence(struct sentence **out, struct sentence_reader *reader);

static enum status read_nested(struct sentence **out, struct sentence_reader *reader, char close) {
    if (reader->depth == SENTENCE_DEPTH_MAX) {
        return past_limit(reader, "brackets and parentheses in each other", SENTENCE_DEPTH_MAX);
    }
    reader->depth++;
    reader->at++;
    enum status status = read_sentence(out, reader);
    if (status == STATUS_OK && peek(reader) != close) {
        return expected(reader, close == ')' ? "and, or or a closing parenthesis" : "and, or or a closing bracket");
    }
    reader->at++;
    reader->depth--;
    return status;
}

static enum status read_path(
    struct sentence *test, struct sentence_reader *reader, struct text first, size_t first_at) {
    struct sentence_link link = {.name = first, .at = place_of(reader, first_at)};
    test->path = ARENA_ARRAY(reader->scope->arena, struct sentence_link, SENTENCE_LINKS_MAX);
    for (;;) {
        if (test->path_count == SENTENCE_LINKS_MAX) {
            return past_limit(reader, "links", CHAIN_DEPTH_MAX);
        }
        if (peek(reader) == '[') {
            struct sentence *filter;
            enum status status = read_nested(&filter, reader, ']');
            if (status != STATUS_OK) {
                return status;
            }
            link.filter = filter;
            if (peek(reader) != '.') {
                return expected(reader, "a dot and a name");
            }
        }
        test->path[test->path_count++] = link;
        if (peek(reader) != '.') {
            return STATUS_OK;
        }
        reader->at++;
        link = (struct sentence_link){.at = place_of(reader, reader->at)};
        link.name = take_name(reader);
        if (link.name.size == 0) {
            return expected(reader, "the name of a search parameter");
        }
    }
}

static enum status read_test(
    struct sentence **out, struct sentence_reader *reader, struct text first, size_t first_at) {
    if (++reader->tests > SENTENCE_TESTS_MAX) {
        return past_limit(reader, "tests", SENTENCE_TESTS_MAX);
    }
    struct sentence *test = ARENA_NEW(reader->scope->arena, struct sentence);
    test->kind = SENTENCE_TEST;
    *out = test;
    enum status status = read_path(test, reader, first, first_at);
    if (status != STATUS_OK) {
        return status;
    }
    bool is_apart = skip_space(reader);
    test->operator_at = place_of(reader, reader->at);
    test->operator= take_name(reader);
    if (!is_apart || test->operator.size == 0) {
        return expected(reader, "a blank and an operator");
    }
    is_apart = skip_space(reader);
    test->value_at = place_of(reader, reader->at);
    return is_apart ? read_value(&test->value, reader) : expected(reader, "a blank and a value");
}

/* ---- sentences ----------------------------------------------------------------------------------------------------- */

static enum status read_one(struct sentence **out, struct sentence_reader *reader) {
    skip_space(reader);
    if (peek(reader) == '(') {
        return read_nested(out, reader, ')');
    }
    size_t start = reader->at;
    struct text name = take_name(reader);
    if (name.size == 0) {
        return expected(reader, "a test, not or an opening parenthesis");
    }
    size_t end = reader->at;
    if (text_is(name, "not")) {
        skip_space(reader);
        if (peek(reader) == '(') {
            struct sentence *whole = ARENA_NEW(reader->scope->arena, struct sentence);
            whole->kind = SENTENCE_NOT;
            whole->parts = ARENA_ARRAY(reader->scope->arena, struct sentence *, 1);
            whole->part_count = 1;
            *out = whole;
            return read_nested(&whole->parts[0], reader, ')');
        }
        reader->at = end;
    }
    return read_test(out, reader, name, start);
}

/* A run of one word, "a and b and c", is one sentence of three parts. */
static struct sentence *joined(
    struct sentence *left, struct sentence *right, enum sentence_kind kind, bool goes_on, struct scope *scope) {
    if (goes_on) {
        left->parts[left->part_count++] = right;
        return left;
    }
    struct sentence *whole = ARENA_NEW(scope->arena, struct sentence);
    whole->kind = kind;
    whole->parts = ARENA_ARRAY(scope->arena, struct sentence *, SENTENCE_TESTS_MAX);
    whole->parts[whole->part_count++] = left;
    whole->parts[whole->part_count++] = right;
    return whole;
}

static enum status read_sentence(struct sentence **out, struct sentence_reader *reader) {
    enum status status = read_one(out, reader);
    bool has_word = false;
    enum sentence_kind last = SENTENCE_AND;
    while (status == STATUS_OK) {
        bool is_apart = skip_space(reader);
        size_t start = reader->at;
        struct text word = take_name(reader);
        bool is_and = text_is(word, "and");
        if (!is_and && !text_is(word, "or")) {
            reader->at = start;
            return STATUS_OK; /* the caller knows what must stand here */
        }
        bool is_between = is_apart || (start > 0 && reader->text.at[start - 1] == ')');
        if (!is_between) {
            reader->at = start;
            return expected(reader, "a blank");
        }
        struct sentence *right;
        enum sentence_kind kind = is_and ? SENTENCE_AND : SENTENCE_OR;
        status = read_one(&right, reader);
        if (status == STATUS_OK) {
            *out = joined(*out, right, kind, has_word && kind == last, reader->scope);
        }
        has_word = true;
        last = kind;
    }
    return status;
}

enum status sentence_read(const struct sentence **out, struct text text, struct scope *scope) {
    struct sentence_reader reader = {.text = text, .scope = scope};
    struct sentence *whole = NULL;
    enum status status = read_sentence(&whole, &reader);
    if (status == STATUS_OK && !at_end(&reader)) {
        status = expected(&reader, "and, or or the end");
    }
    *out = whole;
    return status;
}
