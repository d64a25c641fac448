/* The formats of R4 2.24 (datatypes, "Primitive Types"), stricter only where a regular expression there lets through what
 * its prose refuses: days that do not exist, base64 padding inside, characters below 32. */
#include "fhir/primitives.h"

#include <string.h>

#include "fhir/calendar.h"
#include "fhir/decimal.h"
#include "type_numbers.h"

enum { STRING_CHARACTERS_MAX = 1024 * 1024 };

static uint64_t load_word(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Whether any byte is below `limit` (at most 128), eight at a time. */
static bool has_byte_below(struct text value, uint8_t limit) {
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    size_t at = 0;
    for (; at + 8 <= value.size; at += 8) {
        uint64_t word = load_word(value.at + at);
        if (((word - ones * limit) & ~word & highs) != 0) {
            return true;
        }
    }
    for (; at < value.size; at++) {
        if ((uint8_t)value.at[at] < limit) {
            return true;
        }
    }
    return false;
}

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static size_t character_count(struct text value) {
    size_t count = 0;
    for (size_t i = 0; i < value.size; i++) {
        count += ((uint8_t)value.at[i] & 0xC0) != 0x80;
    }
    return count;
}

static bool has_control(struct text value) {
    if (!has_byte_below(value, ' ')) {
        return false;
    }
    for (size_t i = 0; i < value.size; i++) {
        char c = value.at[i];
        if ((uint8_t)c < ' ' && c != '\t' && c != '\n' && c != '\r') {
            return true;
        }
    }
    return false;
}

static bool is_string(struct text value) {
    bool is_long = value.size > STRING_CHARACTERS_MAX && character_count(value) > STRING_CHARACTERS_MAX;
    return value.size > 0 && !is_long && !has_control(value);
}

static bool is_uri(struct text value) {
    return value.size > 0 && !has_byte_below(value, ' ' + 1);
}

static bool is_code(struct text value) {
    if (value.size == 0 || is_blank(value.at[0]) || is_blank(value.at[value.size - 1]) || !is_string(value)) {
        return false;
    }
    for (size_t i = 1; i < value.size; i++) {
        if (is_blank(value.at[i]) && is_blank(value.at[i - 1])) {
            return false;
        }
    }
    return true;
}

bool fhir_id_is_valid(struct text id) {
    if (id.size == 0 || id.size > 64) {
        return false;
    }
    unsigned others = 0; /* without a branch a byte: every resource of an answer is looked at */
    for (size_t i = 0; i < id.size; i++) {
        unsigned c = (unsigned char)id.at[i];
        others |= !(((c | 0x20U) - 'a' < 26U) | (c - '0' < 10U) | (c == '-') | (c == '.'));
    }
    return others == 0;
}

static bool is_oid(struct text value) {
    if (!text_starts(value, "urn:oid:")) {
        return false;
    }
    struct text rest = {value.at + 8, value.size - 8};
    struct text root = text_cut(&rest, '.');
    if (root.size != 1 || root.at[0] < '0' || root.at[0] > '2' || rest.at == NULL) {
        return false;
    }
    while (rest.at != NULL) {
        struct text arc = text_cut(&rest, '.');
        if (arc.size == 0 || (arc.at[0] == '0' && arc.size > 1)) {
            return false;
        }
        for (size_t i = 0; i < arc.size; i++) {
            if (arc.at[i] < '0' || arc.at[i] > '9') {
                return false;
            }
        }
    }
    return true;
}

static bool is_uuid(struct text value) {
    static const char shape[] = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (value.size != sizeof shape - 1) {
        return false;
    }
    for (size_t i = 0; i < value.size; i++) {
        bool fits = shape[i] == 'x' ? is_hex(value.at[i]) : value.at[i] == shape[i];
        if (!fits) {
            return false;
        }
    }
    return true;
}

static bool is_base64_digit(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

static bool is_base64(struct text value) {
    size_t digits = 0, padding = 0;
    for (size_t i = 0; i < value.size; i++) {
        char c = value.at[i];
        if (is_base64_digit(c)) {
            if (padding > 0) {
                return false;
            }
            digits++;
        } else if (c == '=') {
            padding++;
        } else if (!is_blank(c)) {
            return false;
        }
    }
    return digits > 0 && padding <= 2 && (digits + padding) % 4 == 0;
}

static bool is_date(struct text value) {
    struct calendar_time time;
    return calendar_read(&time, value) && time.precision <= CALENDAR_DAY;
}

static bool is_date_time(struct text value) {
    struct calendar_time time;
    return calendar_read(&time, value) &&
           (time.precision <= CALENDAR_DAY || (time.precision >= CALENDAR_SECOND && time.has_zone));
}

static bool is_instant(struct text value) {
    struct calendar_time time;
    return calendar_read(&time, value) && time.precision >= CALENDAR_SECOND && time.has_zone;
}

static bool is_time(struct text value) {
    struct calendar_time time;
    return calendar_read_clock(&time, value) && time.precision >= CALENDAR_SECOND;
}

static bool is_boolean(struct text value) {
    return text_is(value, "true") || text_is(value, "false");
}

static bool is_decimal(struct text value) {
    struct decimal decimal;
    return decimal_read(&decimal, value);
}

static bool is_integer_from(struct text value, int64_t low) {
    int64_t number;
    if (value.size == 0 || value.size > 11 || value.at[0] == '+' || !text_to_int64(&number, value)) {
        return false;
    }
    char leading = value.at[value.at[0] == '-'];
    bool has_leading_zero = leading == '0' && value.size > 1;
    return !has_leading_zero && number >= low && number <= INT32_MAX;
}

static bool is_integer(struct text value) {
    return is_integer_from(value, INT32_MIN);
}

static bool is_unsigned_int(struct text value) {
    return is_integer_from(value, 0);
}

static bool is_positive_int(struct text value) {
    return is_integer_from(value, 1);
}

/* That it is one XHTML div; its inside is looked at where narratives are read. */
static bool is_xhtml(struct text value) {
    struct text trimmed = text_trim(value);
    bool is_opened = text_starts(trimmed, "<div") && trimmed.size > 4 &&
                     (is_blank(trimmed.at[4]) || trimmed.at[4] == '>' || trimmed.at[4] == '/');
    return is_opened && (text_ends(trimmed, "</div>") || text_ends(trimmed, "/>")) && !has_control(value);
}

static const struct primitive primitives[PRIMITIVE_COUNT + 1] = {
    [TYPE_base64Binary] = {PRIMITIVE_STRING, is_base64, "base64 text"},
    [TYPE_boolean] = {PRIMITIVE_BOOLEAN, is_boolean, "true or false"},
    [TYPE_canonical] = {PRIMITIVE_STRING, is_uri, "a canonical URL without white space"},
    [TYPE_code] = {PRIMITIVE_STRING, is_code, "a code without white space around it or more than one blank inside"},
    [TYPE_date] = {PRIMITIVE_STRING, is_date, "an existing date as YYYY, YYYY-MM or YYYY-MM-DD"},
    [TYPE_dateTime] = {PRIMITIVE_STRING, is_date_time,
        "an existing date as YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset from UTC"},
    [TYPE_decimal] = {PRIMITIVE_NUMBER, is_decimal, "a decimal of at most 128 digits and a magnitude under 1e300"},
    [TYPE_id] = {PRIMITIVE_STRING, fhir_id_is_valid, "1 to 64 letters, digits, '-' and '.'"},
    [TYPE_instant] = {PRIMITIVE_STRING, is_instant, "an instant as YYYY-MM-DDThh:mm:ss with Z or an offset from UTC"},
    [TYPE_integer] = {PRIMITIVE_NUMBER, is_integer, "an integer of 32 bits"},
    [TYPE_markdown] = {PRIMITIVE_STRING, is_string, "text of at most 1048576 characters without control characters"},
    [TYPE_oid] = {PRIMITIVE_STRING, is_oid, "urn:oid: and an OID"},
    [TYPE_positiveInt] = {PRIMITIVE_NUMBER, is_positive_int, "an integer from 1 to 2147483647"},
    [TYPE_string] = {PRIMITIVE_STRING, is_string, "text of at most 1048576 characters without control characters"},
    [TYPE_time] = {PRIMITIVE_STRING, is_time, "a time as hh:mm:ss"},
    [TYPE_unsignedInt] = {PRIMITIVE_NUMBER, is_unsigned_int, "an integer from 0 to 2147483647"},
    [TYPE_uri] = {PRIMITIVE_STRING, is_uri, "a URI without white space"},
    [TYPE_url] = {PRIMITIVE_STRING, is_uri, "a URL without white space"},
    [TYPE_uuid] = {PRIMITIVE_STRING, is_uuid, "urn:uuid: and a UUID in lower case"},
    [TYPE_xhtml] = {PRIMITIVE_STRING, is_xhtml, "one XHTML div"},
};

const struct primitive *primitive_of(fhir_type type) {
    invariant(type != FHIR_TYPE_NONE && type <= PRIMITIVE_COUNT && primitives[type].is_valid != NULL);
    return &primitives[type];
}

bool fhir_primitive_is_valid(fhir_type type, struct text value) {
    return type != FHIR_TYPE_NONE && type <= PRIMITIVE_COUNT && primitive_of(type)->is_valid(value);
}
