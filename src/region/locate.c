#include "region/locate.h"

#include <string.h>

/* Walks valid JSON without parsing it: strings are skipped as strings, everything else by its brackets. */
static const char *skip_blank(const char *at, const char *end) {
    while (at < end && strchr(" \t\r\n:,", *at) != NULL) {
        at++;
    }
    return at;
}

static const char *skip_string(const char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\';
    }
    return at < end ? at + 1 : end;
}

static const char *skip_value(const char *at, const char *end) {
    int depth = 0;
    do {
        at = skip_blank(at, end);
        if (at >= end) {
            return end;
        }
        if (*at == '"') {
            at = skip_string(at, end);
        } else if (*at == '{' || *at == '[') {
            depth++;
            at++;
        } else if (*at == '}' || *at == ']') {
            depth--;
            at++;
        } else {
            while (at < end && strchr(" \t\r\n,]}", *at) == NULL) {
                at++;
            }
        }
    } while (depth > 0);
    return at;
}

static const char *find_member(const char *at, const char *end, struct text name) {
    if (at >= end || *at != '{') {
        return NULL;
    }
    for (at = skip_blank(at + 1, end); at < end && *at == '"'; at = skip_blank(at, end)) {
        const char *value = skip_string(at, end);
        struct text found = {at + 1, (size_t)(value - at) - 2};
        value = skip_blank(value, end);
        if (text_equal(found, name)) {
            return value;
        }
        at = skip_value(value, end);
    }
    return NULL;
}

static const char *find_item(const char *at, const char *end, int64_t index) {
    if (at >= end || *at != '[') {
        return NULL;
    }
    for (at = skip_blank(at + 1, end); at < end && *at != ']'; at = skip_blank(at, end)) {
        if (index-- == 0) {
            return at;
        }
        at = skip_value(at, end);
    }
    return NULL;
}

int locate_line(struct text source, const char *path) {
    const char *end = source.at + source.size;
    const char *at = skip_blank(source.at, end);
    struct text rest = text_from(path);
    while (rest.size > 0) {
        size_t size = 0;
        while (size < rest.size && rest.at[size] != '.' && rest.at[size] != '[' && rest.at[size] != ']') {
            size++;
        }
        struct text step = {rest.at, size};
        bool is_index = size < rest.size && rest.at[size] == ']';
        size_t used = size + (size < rest.size);
        rest = (struct text){rest.at + used, rest.size - used};
        int64_t index = 0;
        const char *next = at;
        if (is_index) {
            next = text_to_int64(&index, step) ? find_item(at, end, index) : NULL;
        } else if (step.size > 0) {
            next = find_member(at, end, step);
        }
        if (next == NULL) {
            break;
        }
        at = next;
    }
    int line = 1;
    for (const char *c = source.at; c < at; c++) {
        line += *c == '\n';
    }
    return line;
}
