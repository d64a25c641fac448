#include "search/expression.h"

#include <ctype.h>
#include <string.h>

struct text expression_cut(struct text *rest) {
    int depth = 0;
    bool quoted = false;
    size_t end = 0;
    for (; end < rest->size; end++) {
        char c = rest->at[end];
        if (c == '\'') {
            quoted = !quoted;
        } else if (!quoted && c == '(') {
            depth++;
        } else if (!quoted && c == ')') {
            depth--;
        } else if (!quoted && depth == 0 && c == '|') {
            break;
        }
    }
    struct text branch = {rest->at, end};
    *rest = end < rest->size ? (struct text){rest->at + end + 1, rest->size - end - 1} : (struct text){NULL, 0};
    return text_trim(branch);
}

static bool is_name_character(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static struct text take_name(struct text *rest) {
    size_t size = 0;
    while (size < rest->size && is_name_character(rest->at[size])) {
        size++;
    }
    struct text name = {rest->at, size};
    *rest = (struct text){rest->at + size, rest->size - size};
    return name;
}

static struct text skip_opening(struct text branch) {
    while (branch.size > 0 && (branch.at[0] == '(' || branch.at[0] == ' ')) {
        branch = (struct text){branch.at + 1, branch.size - 1};
    }
    return branch;
}

static fhir_type leading_resource(struct text *rest) {
    struct text after = *rest;
    fhir_type type = fhir_type_find(take_name(&after));
    if (type == FHIR_TYPE_NONE || fhir_type_kind(type) != FHIR_RESOURCE) {
        return FHIR_TYPE_NONE;
    }
    *rest = after;
    return type;
}

fhir_type expression_type(struct text branch) {
    struct text rest = skip_opening(branch);
    return leading_resource(&rest);
}

/* ---- types of a result ------------------------------------------------------------------------------------------- */

struct reach {
    fhir_type *types;
    size_t most, count;
};

static void reach_element(struct reach *reach, struct text name) {
    const struct fhir_element *element = reach->count == 1 ? fhir_element_find(reach->types[0], name) : NULL;
    if (element == NULL || element->type_count > reach->most) {
        reach->count = 0;
        return;
    }
    reach->count = element->type_count;
    for (size_t i = 0; i < element->type_count; i++) {
        reach->types[i] = element->types[i];
    }
}

static void reach_only(struct reach *reach, struct text name) {
    name = text_trim(name);
    if (text_starts(name, "FHIR.")) {
        name = (struct text){name.at + 5, name.size - 5};
    }
    reach->types[0] = fhir_type_find(name);
    reach->count = reach->types[0] == FHIR_TYPE_NONE ? 0 : 1;
}

/* What stands between the parentheses that *rest begins with; moves behind them. */
static struct text take_arguments(struct text *rest) {
    int depth = 0;
    bool quoted = false;
    size_t end = 0;
    for (; end < rest->size; end++) {
        char c = rest->at[end];
        quoted = c == '\'' ? !quoted : quoted;
        depth += quoted ? 0 : c == '(' ? 1 : c == ')' ? -1 : 0;
        if (depth == 0) {
            break;
        }
    }
    struct text inside = {rest->at + 1, end > 0 ? end - 1 : 0};
    *rest = end < rest->size ? (struct text){rest->at + end + 1, rest->size - end - 1} : (struct text){NULL, 0};
    return inside;
}

static void reach_call(struct reach *reach, struct text name, struct text arguments) {
    static const char *const keeping[] = {"where", "first", "last", "single", "distinct", "tail", "skip", "take"};
    if (text_is(name, "as") || text_is(name, "ofType")) {
        reach_only(reach, arguments);
        return;
    }
    if (text_is(name, "extension")) {
        reach_only(reach, TEXT("Extension"));
        return;
    }
    for (size_t i = 0; i < sizeof keeping / sizeof *keeping; i++) {
        if (text_is(name, keeping[i])) {
            return;
        }
    }
    reach->count = 0;
}

static void reach_path(struct reach *reach, struct text rest, fhir_type type) {
    reach->types[0] = type;
    reach->count = 1;
    if (leading_resource(&rest) != FHIR_TYPE_NONE && rest.size > 0 && rest.at[0] == '.') {
        rest = (struct text){rest.at + 1, rest.size - 1};
    }
    while (rest.size > 0 && reach->count > 0) {
        struct text name = take_name(&rest);
        if (name.size == 0) {
            reach->count = 0;
            return;
        }
        if (rest.size > 0 && rest.at[0] == '(') {
            reach_call(reach, name, take_arguments(&rest));
        } else {
            reach_element(reach, name);
        }
        if (text_starts(rest, " as ")) { /* "Observation.value as Quantity" */
            reach_only(reach, (struct text){rest.at + 4, rest.size - 4});
            return;
        }
        if (rest.size > 0 && rest.at[0] != '.') {
            reach->count = 0;
        } else if (rest.size > 0) {
            rest = (struct text){rest.at + 1, rest.size - 1};
        }
    }
}

size_t expression_types(fhir_type *out, size_t most, struct text branch, fhir_type type) {
    struct reach reach = {.types = out, .most = most};
    if (branch.size > 0 && branch.at[0] == '(') { /* "(Observation.value as Quantity)", and nothing behind it */
        struct text rest = branch;
        branch = text_trim(take_arguments(&rest));
        if (rest.size > 0) {
            return 0;
        }
    }
    reach_path(&reach, branch, type);
    if (reach.count == 1 && text_is(text_from(fhir_type_name(out[0])), "Extension")) {
        return 0; /* its value is meant */
    }
    return reach.count;
}

bool expression_concerns(struct text branch, fhir_type type) {
    struct text rest = skip_opening(branch);
    fhir_type named = leading_resource(&rest);
    return named == FHIR_TYPE_NONE || fhir_type_is(type, named);
}

static bool contains(struct text haystack, const char *needle) {
    return memmem(haystack.at, haystack.size, needle, strlen(needle)) != NULL;
}

/* Any of these may make something of nothing, or starts a second path. */
static bool may_invent(struct text branch) {
    static const char *const signs[] = {".exists(", ".empty(", ".not(", ".count(", ".all(", " and ", " or ", " xor ",
        " implies ", " = ", " != ", "|", "%", "iif("};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (contains(branch, signs[i])) {
            return true;
        }
    }
    return false;
}

struct text expression_member(struct text branch) {
    const struct text none = {NULL, 0};
    struct text rest = skip_opening(branch);
    if (may_invent(branch)) {
        return none;
    }
    if (leading_resource(&rest) != FHIR_TYPE_NONE) {
        if (rest.size == 0 || rest.at[0] != '.') {
            return none;
        }
        rest = (struct text){rest.at + 1, rest.size - 1};
    }
    struct text name = take_name(&rest);
    bool is_call = rest.size > 0 && rest.at[0] == '(';
    if (is_call && text_is(name, "extension")) {
        return name;
    }
    return is_call || name.size == 0 ? none : name;
}

bool expression_narrowed(struct text *base_out, fhir_type *type_out, struct text branch) {
    static const char opening[] = ".where(resolve() is ";
    const size_t opening_size = sizeof opening - 1;
    const char *at = branch.size > 0 ? memmem(branch.at, branch.size, opening, opening_size) : NULL;
    if (at == NULL || !text_ends(branch, ")")) {
        return false;
    }
    struct text name = {at + opening_size, (size_t)(branch.at + branch.size - 1 - (at + opening_size))};
    fhir_type type = fhir_type_find(text_trim(name));
    if (type == FHIR_TYPE_NONE || fhir_resource_number(type) == 0) {
        return false;
    }
    *base_out = (struct text){branch.at, (size_t)(at - branch.at)};
    *type_out = type;
    return true;
}

const struct fhir_element *expression_element(struct text branch, fhir_type type) {
    struct text rest = branch;
    if (leading_resource(&rest) == FHIR_TYPE_NONE) {
        return NULL;
    }
    const struct fhir_element *element = NULL;
    while (rest.size > 0) {
        if (rest.at[0] != '.' || type == FHIR_TYPE_NONE) {
            return NULL;
        }
        rest = (struct text){rest.at + 1, rest.size - 1};
        element = fhir_element_find(type, take_name(&rest));
        if (element == NULL) {
            return NULL;
        }
        type = element->type_count == 1 ? element->types[0] : FHIR_TYPE_NONE;
    }
    return element;
}

/* R4 4.0.1 publishes Observation's code-value-date with a type DateTime, which there is none of, and swaps the
 * expressions of DocumentReference's relationship (https://hl7.org/fhir/R4/documentreference.html#search). */
struct text expression_of_component(const char *parameter_url, const char *published) {
    static const struct {
        const char *parameter_url, *published, *meant;
    } rows[] = {
        {"http://hl7.org/fhir/SearchParameter/Observation-code-value-date", "value.as(DateTime) | value.as(Period)",
            "value.as(dateTime) | value.as(Period)"},
        {"http://hl7.org/fhir/SearchParameter/DocumentReference-relationship", "code", "target"},
        {"http://hl7.org/fhir/SearchParameter/DocumentReference-relationship", "target", "code"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(parameter_url, rows[i].parameter_url) == 0 && strcmp(published, rows[i].published) == 0) {
            return text_from(rows[i].meant);
        }
    }
    return text_from(published);
}
