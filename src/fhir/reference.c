/* The text of Reference.reference, taken apart (R4 2.3.0.1, http.html 3.1.0.7). */
#include <string.h>

#include "fhir/fhir.h"

static bool has_blank_or_control(struct text value) {
    for (size_t i = 0; i < value.size; i++) {
        if ((uint8_t)value.at[i] <= ' ') {
            return true;
        }
    }
    return false;
}

static struct text drop(struct text value, size_t count) {
    return (struct text){value.at + count, value.size - count};
}

/* Type/id, Type/id/_history/version: all of the text. */
static bool parse_literal(struct fhir_reference *out, struct text value) {
    struct text rest = value;
    struct text type = text_cut(&rest, '/');
    struct text id = text_cut(&rest, '/');
    out->type = fhir_type_find(type);
    out->id = id;
    out->version = (struct text){NULL, 0};
    if (fhir_resource_number(out->type) == 0 || !fhir_id_is_valid(id)) {
        return false;
    }
    if (rest.at == NULL) {
        return true;
    }
    struct text history = text_cut(&rest, '/');
    out->version = rest;
    return text_is(history, "_history") && fhir_id_is_valid(rest);
}

static bool parse_conditional(struct fhir_reference *out, struct text value) {
    struct text rest = value;
    out->type = fhir_type_find(text_cut(&rest, '?'));
    out->query = rest;
    out->id = out->version = (struct text){NULL, 0};
    return rest.size > 0 && fhir_resource_number(out->type) != 0;
}

/* Local and conditional references; leaves *out without kind otherwise. */
static bool parse_relative(struct fhir_reference *out, struct text value) {
    *out = (struct fhir_reference){.kind = FHIR_REFERENCE_LOCAL};
    if (value.size > 0 && memchr(value.at, '?', value.size) != NULL) {
        out->kind = FHIR_REFERENCE_CONDITIONAL;
        return parse_conditional(out, value);
    }
    return parse_literal(out, value);
}

static bool has_scheme(struct text value) {
    for (size_t i = 0; i < value.size; i++) {
        char c = value.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == ':') {
            return i > 0 && i + 1 < value.size;
        }
        if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))) {
            return false;
        }
    }
    return false;
}

/* What follows own_base and its slash; none when the URL is not under it. */
static struct text under_base(struct text value, struct text own_base) {
    while (own_base.size > 0 && own_base.at[own_base.size - 1] == '/') {
        own_base.size--;
    }
    if (own_base.size == 0 || value.size <= own_base.size + 1 || value.at[own_base.size] != '/' ||
        memcmp(value.at, own_base.at, own_base.size) != 0) {
        return (struct text){NULL, 0};
    }
    return drop(value, own_base.size + 1);
}

/* Shows the type and id that another server's URL ends with; a URL of any other shape stays as it is. */
static void show_ending(struct fhir_reference *out, struct text value) {
    if (memchr(value.at, '?', value.size) != NULL) {
        return;
    }
    const char *scheme_end = memchr(value.at, ':', value.size);
    size_t first = (size_t)(scheme_end - value.at) + 1;
    int slashes = 0;
    for (size_t at = value.size; at-- > first && slashes < 4;) {
        if (value.at[at] != '/') {
            continue;
        }
        slashes++;
        struct fhir_reference ending = {.kind = FHIR_REFERENCE_ABSOLUTE};
        bool is_pair = slashes == 2 || slashes == 4;
        if (is_pair && parse_literal(&ending, drop(value, at + 1))) {
            *out = ending;
            return;
        }
    }
}

bool fhir_reference_parse(struct fhir_reference *out, struct text value, struct text own_base) {
    *out = (struct fhir_reference){.kind = FHIR_REFERENCE_ABSOLUTE};
    if (value.size == 0 || has_blank_or_control(value)) {
        return false;
    }
    if (value.at[0] == '#') {
        out->kind = FHIR_REFERENCE_FRAGMENT;
        out->id = drop(value, 1);
        return true;
    }
    if (text_starts(value, "urn:")) {
        bool is_uuid = text_starts(value, "urn:uuid:"), is_oid = text_starts(value, "urn:oid:");
        out->kind = is_uuid || is_oid ? FHIR_REFERENCE_URN : FHIR_REFERENCE_ABSOLUTE;
        out->id = is_uuid ? drop(value, 9) : is_oid ? drop(value, 8) : (struct text){NULL, 0};
        return value.size > 4 && (out->kind == FHIR_REFERENCE_ABSOLUTE || out->id.size > 0);
    }
    struct text ours = under_base(value, own_base);
    if (ours.at != NULL && parse_relative(out, ours)) {
        return true;
    }
    if (has_scheme(value)) {
        *out = (struct fhir_reference){.kind = FHIR_REFERENCE_ABSOLUTE};
        show_ending(out, value);
        return true;
    }
    return parse_relative(out, value);
}
