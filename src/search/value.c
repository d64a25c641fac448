#include "search/value.h"

#include <string.h>

static size_t separator_find(struct text value, char separator) {
    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] == '\\' && i + 1 < value.size) {
            i++;
        } else if (value.at[i] == separator) {
            return i;
        }
    }
    return value.size;
}

struct text value_cut(struct text *rest, char separator) {
    size_t end = separator_find(*rest, separator);
    struct text part = {rest->at, end};
    if (end == rest->size) {
        *rest = (struct text){NULL, 0};
    } else {
        *rest = (struct text){rest->at + end + 1, rest->size - end - 1};
    }
    return part;
}

bool value_has(struct text value, char separator) {
    return separator_find(value, separator) < value.size;
}

static bool is_guarded(char c) {
    return c == ',' || c == '$' || c == '|' || c == '\\';
}

struct text value_unescape(struct arena *arena, struct text value) {
    if (value.size == 0 || memchr(value.at, '\\', value.size) == NULL) {
        return value;
    }
    char *plain = arena_alloc(arena, value.size);
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] == '\\' && i + 1 < value.size && is_guarded(value.at[i + 1])) {
            i++;
        }
        plain[size++] = value.at[i];
    }
    return (struct text){plain, size};
}

static bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

bool value_take_prefix(enum value_prefix *out, struct text *value) {
    static const struct {
        char name[3];
        enum value_prefix prefix;
    } rows[] = {
        {"eq", PREFIX_EQ},
        {"ne", PREFIX_NE},
        {"gt", PREFIX_GT},
        {"lt", PREFIX_LT},
        {"ge", PREFIX_GE},
        {"le", PREFIX_LE},
        {"sa", PREFIX_SA},
        {"eb", PREFIX_EB},
        {"ap", PREFIX_AP},
    };
    *out = PREFIX_EQ;
    if (value->size < 2 || !is_letter(value->at[0]) || !is_letter(value->at[1])) {
        return true;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (text_starts(*value, rows[i].name)) {
            *out = rows[i].prefix;
            *value = (struct text){value->at + 2, value->size - 2};
            return true;
        }
    }
    return false;
}
