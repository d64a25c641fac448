#include <string.h>

#include "fhir/xml.h"

/* XML 1.0 section 2.2: no control characters but tab, line feed and carriage return, and neither U+FFFE nor U+FFFF. The
 * three would come back as blanks from an attribute unless they are written as references. */
static const char *replacement(struct text rest, size_t *taken, enum xml_escape escape) {
    unsigned char c = (unsigned char)rest.at[0];
    bool is_attribute = escape == XML_ESCAPE_ATTRIBUTE;
    *taken = 1;
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return is_attribute ? "&quot;" : NULL;
    case '\t':
        return is_attribute ? "&#9;" : NULL;
    case '\n':
        return is_attribute ? "&#10;" : NULL;
    case '\r':
        return "&#13;";
    case 0xEF:
        if (rest.size >= 3 && memcmp(rest.at, "\xEF\xBF\xBE", 2) == 0 && (unsigned char)rest.at[2] >= 0xBE) {
            *taken = 3;
            return "\xEF\xBF\xBD";
        }
        return NULL;
    default:
        return c < ' ' ? "\xEF\xBF\xBD" : NULL;
    }
}

/* Bytes that may need one: looked at closely, the others are copied in runs. */
static bool is_suspect(unsigned char c) {
    return c < ' ' || c == '&' || c == '<' || c == '>' || c == '"' || c == 0xEF;
}

void xml_put_escaped(struct buffer *out, struct text value, enum xml_escape escape) {
    size_t copied = 0, at = 0;
    while (at < value.size) {
        if (!is_suspect((unsigned char)value.at[at])) {
            at++;
            continue;
        }
        size_t taken;
        const char *instead = replacement((struct text){value.at + at, value.size - at}, &taken, escape);
        if (instead != NULL) {
            buffer_put(out, (struct text){value.at + copied, at - copied});
            buffer_put_string(out, instead);
            copied = at + taken;
        }
        at += taken;
    }
    buffer_put(out, (struct text){value.at + copied, value.size - copied});
}
