#include "region/hl7.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>

bool hl7_refuse(
    struct hl7_problem *out, enum hl7_error error, const char *segment, int sequence, int field, const char *text) {
    *out = (struct hl7_problem){.error = error, .sequence = sequence, .field = field, .text = text};
    (void)snprintf(out->segment, sizeof out->segment, "%s", segment);
    return false;
}

/* ---- character sets ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name; /* HL7 table 0211 */
    const char *iconv_name;
} charsets[] = {
    {"ASCII", "ASCII"},
    {"UNICODE UTF-8", "UTF-8"},
    {"UTF-8", "UTF-8"},
    {"KS X 1001", "EUC-KR"},
    {"8859/1", "ISO-8859-1"},
};

static const char *charset_of(struct text name) {
    if (name.size == 0) {
        return charsets[0].iconv_name;
    }
    for (size_t i = 0; i < sizeof charsets / sizeof *charsets; i++) {
        if (text_is(name, charsets[i].name)) {
            return charsets[i].iconv_name;
        }
    }
    return NULL;
}

static bool decode(struct text *out, const char *charset, struct text bytes, struct arena *arena) {
    size_t room = bytes.size * 3 + 4;
    char *to = arena_bytes(arena, room), *at = to, *from = (char *)bytes.at;
    size_t left = bytes.size, free = room;
    iconv_t converter = iconv_open("UTF-8", charset);
    if (converter == (iconv_t)-1) {
        return false;
    }
    bool good = iconv(converter, &from, &left, &at, &free) == 0 && left == 0;
    (void)iconv_close(converter);
    *out = (struct text){to, room - free};
    return good && text_is_utf8(*out) && memchr(out->at, '\0', out->size) == NULL;
}

/* ---- segments ---------------------------------------------------------------------------------------------------------- */

static bool is_name(struct text line) {
    for (size_t i = 0; i < 3; i++) {
        bool letter = line.at[i] >= 'A' && line.at[i] <= 'Z';
        bool digit = line.at[i] >= '0' && line.at[i] <= '9';
        if (!letter && (i == 0 || !digit)) {
            return false;
        }
    }
    return true;
}

static bool read_separators(struct hl7_message *out, struct hl7_problem *problem, struct text bytes) {
    if (bytes.size < 8 || memcmp(bytes.at, "MSH", 3) != 0) {
        return hl7_refuse(problem, HL7_SEQUENCE, "MSH", 1, 0, "a message begins with MSH and its separators");
    }
    char all[5] = {bytes.at[3], bytes.at[4], bytes.at[5], bytes.at[6], bytes.at[7]};
    for (int i = 0; i < 5; i++) {
        bool plain = all[i] > ' ' && all[i] < 0x7f;
        bool word =
            (all[i] >= '0' && all[i] <= '9') || (all[i] >= 'A' && all[i] <= 'Z') || (all[i] >= 'a' && all[i] <= 'z');
        if (!plain || word || memchr(all, all[i], (size_t)i) != NULL) {
            return hl7_refuse(problem, HL7_DATA, "MSH", 1, 2, "the separators are five different signs");
        }
    }
    if (bytes.size > 8 && bytes.at[8] != all[0] && bytes.at[8] != '\r' && bytes.at[8] != '\n') {
        return hl7_refuse(problem, HL7_DATA, "MSH", 1, 2, "MSH-2 has four signs");
    }
    out->field = all[0], out->component = all[1], out->repetition = all[2], out->escape = all[3];
    out->subcomponent = all[4];
    return true;
}

static bool add_segment(struct hl7_message *out, struct hl7_problem *problem, struct text line) {
    if (out->segment_count == HL7_SEGMENTS_MAX) {
        return hl7_refuse(problem, HL7_SEQUENCE, "", 0, 0, "too many segments");
    }
    if (line.size < 3 || !is_name(line) || (line.size > 3 && line.at[3] != out->field)) {
        static const char broken[] = "a segment begins with its name and the field separator";
        const char *last = out->segment_count > 0 ? out->segments[out->segment_count - 1].name : "";
        return hl7_refuse(problem, HL7_SEQUENCE, last, 1, 0, broken);
    }
    struct hl7_segment *segment = &out->segments[out->segment_count++];
    memcpy(segment->name, line.at, 3);
    segment->name[3] = '\0';
    segment->line = line;
    size_t from = strcmp(segment->name, "MSH") == 0 ? 9 : 4;
    segment->fields = line.size > from ? (struct text){line.at + from, line.size - from} : (struct text){0};
    return true;
}

static struct text cut_line(struct text *rest) {
    size_t size = 0;
    while (size < rest->size && rest->at[size] != '\r' && rest->at[size] != '\n') {
        size++;
    }
    struct text line = {rest->at, size};
    size_t taken = size < rest->size ? size + 1 : size;
    *rest = (struct text){rest->at + taken, rest->size - taken};
    return line;
}

static bool split(struct hl7_message *out, struct hl7_problem *problem, struct text rest) {
    out->segment_count = 0;
    while (rest.size > 0) {
        struct text line = cut_line(&rest);
        if (line.size > 0 && !add_segment(out, problem, line)) {
            return false;
        }
    }
    for (int i = 1; i < out->segment_count; i++) {
        if (strcmp(out->segments[i].name, "MSH") == 0) {
            return hl7_refuse(problem, HL7_SEQUENCE, "MSH", 2, 0, "one message in one frame");
        }
    }
    return true;
}

static bool check_escapes(const struct hl7_message *message, struct hl7_problem *problem);

bool hl7_parse(struct hl7_message *out, struct hl7_problem *problem, struct text bytes, struct arena *arena) {
    *problem = (struct hl7_problem){0};
    out->segment_count = 0;
    out->text = (struct text){0};
    if (!read_separators(out, problem, bytes)) {
        return false;
    }
    /* The header alone first, byte by byte: it says what the other bytes are. All character sets taken keep ASCII's bytes. */
    struct text rest = bytes, head = cut_line(&rest), decoded;
    if (!add_segment(out, problem, head)) {
        return false;
    }
    if (bytes.size > HL7_MESSAGE_MAX) {
        return hl7_refuse(problem, HL7_INTERNAL, "", 0, 0, "the message is too large");
    }
    const char *charset = charset_of(hl7_value(out, &out->segments[0], 18, 1, arena));
    if (charset == NULL) {
        return hl7_refuse(problem, HL7_TABLE, "MSH", 1, 18, "this character set is not taken");
    }
    if (!decode(&decoded, charset, bytes, arena)) {
        return hl7_refuse(problem, HL7_DATA, "MSH", 1, 18, "the bytes are not of the character set that MSH-18 names");
    }
    out->text = decoded;
    return split(out, problem, decoded) && check_escapes(out, problem);
}

/* ---- values -------------------------------------------------------------------------------------------------------------- */

const struct hl7_segment *hl7_find(const struct hl7_message *message, const char *name) {
    for (int i = 0; i < message->segment_count; i++) {
        if (strcmp(message->segments[i].name, name) == 0) {
            return &message->segments[i];
        }
    }
    return NULL;
}

static struct text nth(struct text all, char separator, int number) {
    for (int i = 1; i < number && all.at != NULL; i++) {
        (void)text_cut(&all, separator);
    }
    return all.at == NULL ? all : text_cut(&all, separator);
}

static int hex_of(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands between two escape signs, 2.7 of the standard; false: nothing that is known. Highlighting says nothing here. */
static bool unescape_one(struct buffer *out, const struct hl7_message *message, struct text name) {
    static const char letters[] = "FSTRE";
    const char signs[] = {
        message->field, message->component, message->subcomponent, message->repetition, message->escape};
    const char *letter = name.size == 1 ? memchr(letters, name.at[0], sizeof letters - 1) : NULL;
    if (letter != NULL) {
        buffer_put_char(out, signs[letter - letters]);
        return true;
    }
    if (text_is(name, "H") || text_is(name, "N")) {
        return true;
    }
    if (text_starts(name, ".")) {
        buffer_put_char(out, '\n');
        return true;
    }
    if (name.size < 3 || name.at[0] != 'X' || name.size % 2 == 0) {
        return false;
    }
    for (size_t i = 1; i < name.size; i += 2) {
        int high = hex_of(name.at[i]), low = hex_of(name.at[i + 1]), value = high * 16 + low;
        bool plain =
            high >= 0 && low >= 0 && ((value >= 0x20 && value < 0x7f) || value == 9 || value == 10 || value == 13);
        if (!plain) {
            return false;
        }
        buffer_put_char(out, (char)value);
    }
    return true;
}

static bool unescape(struct text *out, const struct hl7_message *message, struct text value, struct arena *arena) {
    if (value.size == 0 || memchr(value.at, message->escape, value.size) == NULL) {
        *out = value;
        return true;
    }
    struct buffer buffer = buffer_open(arena, value.size + 8);
    while (value.at != NULL && value.size > 0) {
        buffer_put(&buffer, text_cut(&value, message->escape));
        if (value.at == NULL) {
            break;
        }
        const char *end = memchr(value.at, message->escape, value.size);
        if (end == NULL || !unescape_one(&buffer, message, text_cut(&value, message->escape))) {
            return false;
        }
    }
    *out = buffer_text(&buffer);
    return true;
}

/* Every escape of the message is one that is known: a value is never read as something else. */
static bool check_escapes(const struct hl7_message *message, struct hl7_problem *problem) {
    for (int i = 0; i < message->segment_count; i++) {
        struct text rest = message->segments[i].fields;
        for (int field = i == 0 ? 3 : 1; rest.at != NULL; field++) {
            struct text value = text_cut(&rest, message->field);
            while (value.at != NULL && value.size > 0) {
                (void)text_cut(&value, message->escape);
                if (value.at == NULL) {
                    break;
                }
                struct buffer ignored = {.limit = 0};
                const char *end = memchr(value.at, message->escape, value.size);
                if (end == NULL || !unescape_one(&ignored, message, text_cut(&value, message->escape))) {
                    return hl7_refuse(
                        problem, HL7_DATA, message->segments[i].name, 1, field, "an escape sequence that is not known");
                }
            }
        }
    }
    return true;
}

struct text hl7_value(const struct hl7_message *message, const struct hl7_segment *segment, int field, int component,
    struct arena *arena) {
    struct text value = {0};
    if (segment == NULL) {
        return value;
    }
    int number = strcmp(segment->name, "MSH") == 0 ? field - 2 : field;
    struct text whole = nth(nth(segment->fields, message->field, number), message->repetition, 1);
    whole = nth(nth(whole, message->component, component), message->subcomponent, 1);
    if (text_is(whole, "\"\"") || !unescape(&value, message, whole, arena)) {
        return (struct text){0};
    }
    return text_trim(value);
}

/* ---- time ------------------------------------------------------------------------------------------------------------------ */

static bool digits(int *out, struct text *rest, int count) {
    *out = 0;
    for (int i = 0; i < count; i++) {
        if (rest->size == 0 || rest->at[0] < '0' || rest->at[0] > '9') {
            return false;
        }
        *out = *out * 10 + (rest->at[0] - '0');
        *rest = (struct text){rest->at + 1, rest->size - 1};
    }
    return true;
}

static int64_t days_of(
    int year, int month, int day) { /* since 1970-01-01; Hinnant, "chrono-compatible date algorithms" */
    year -= month <= 2;
    int era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t of_days = (int64_t)of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return (int64_t)era * 146097 + of_days - 719468;
}

enum { YEAR_LEAST = 1900, YEAR_MOST = 9998 }; /* others are signs for "none", and not times in every zone */

bool hl7_time(int64_t *out_us, struct text value, int zone_minutes) {
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, hour, minute, second = 0, zone_hour = 0, zone_minute = 0;
    struct text rest = value;
    if (!digits(&year, &rest, 4) || !digits(&month, &rest, 2) || !digits(&day, &rest, 2) || !digits(&hour, &rest, 2) ||
        !digits(&minute, &rest, 2)) {
        return false;
    }
    if (rest.size > 0 && rest.at[0] != '+' && rest.at[0] != '-' && !digits(&second, &rest, 2)) {
        return false;
    }
    if (rest.size > 0 && rest.at[0] == '.') {
        do {
            rest = (struct text){rest.at + 1, rest.size - 1};
        } while (rest.size > 0 && rest.at[0] >= '0' && rest.at[0] <= '9');
    }
    if (rest.size > 0) {
        int sign = rest.at[0] == '-' ? -1 : 1;
        bool zoned = rest.at[0] == '+' || rest.at[0] == '-';
        rest = (struct text){rest.at + 1, rest.size - 1};
        if (!zoned || !digits(&zone_hour, &rest, 2) || !digits(&zone_minute, &rest, 2) || rest.size > 0 ||
            zone_hour > 14 || zone_minute > 59) {
            return false;
        }
        zone_minutes = sign * (zone_hour * 60 + zone_minute);
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < YEAR_LEAST || year > YEAR_MOST || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] ||
        (month == 2 && day == 29 && !leap) || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    int64_t minutes = days_of(year, month, day) * 1440 + hour * 60 + minute - zone_minutes;
    *out_us = (minutes * 60 + second) * INT64_C(1000000);
    return true;
}

/* ---- acknowledgement --------------------------------------------------------------------------------------------------------- */

static void put_escaped(struct buffer *out, struct text value) {
    static const char signs[] = "|^&~\\", names[] = "FSTRE";
    for (size_t i = 0; i < value.size; i++) {
        const char *sign = value.at[i] == '\0' ? NULL : strchr(signs, value.at[i]);
        if (sign != NULL) {
            buffer_put_format(out, "\\%c\\", names[sign - signs]);
        } else if ((unsigned char)value.at[i] >= ' ') {
            buffer_put_char(out, value.at[i]);
        } else {
            buffer_put_char(out, ' ');
        }
    }
}

static void put_field(struct buffer *out, const struct hl7_message *message, int field, struct arena *arena) {
    struct text value = hl7_value(message, hl7_find(message, "MSH"), field, 1, arena);
    buffer_put_char(out, '|');
    if (value.size <= HL7_CONTROL_ID_MAX && text_is_utf8(value)) {
        put_escaped(out, value);
    }
}

static void put_time(struct buffer *out, int64_t now_us) {
    char iso[TIME_TEXT_SIZE];
    time_format_utc(iso, now_us);
    buffer_put_format(out, "|%.4s%.2s%.2s%.2s%.2s%.2s+0000", iso, iso + 5, iso + 8, iso + 11, iso + 14, iso + 17);
}

static const char *code_of(const struct hl7_problem *problem) {
    if (problem->error == HL7_ACCEPTED) {
        return "AA";
    }
    bool rejected = (problem->error >= HL7_MESSAGE_TYPE && problem->error <= HL7_VERSION) ||
                    problem->error == HL7_INTERNAL || problem->error == HL7_LOCKED ||
                    strcmp(problem->segment, "MSH") == 0;
    return rejected ? "AR" : "AE";
}

struct text hl7_acknowledge(const struct hl7_message *message, const struct hl7_problem *problem, const char *note,
    int64_t now_us, struct arena *arena) {
    struct buffer out = buffer_open(arena, 8192);
    char id[ID_TEXT_SIZE];
    uint64_t bits;
    random_bytes(&bits, sizeof bits);
    (void)snprintf(id, sizeof id, "SY%016llx", (unsigned long long)bits);
    buffer_put_string(&out, "MSH|^~\\&");
    put_field(&out, message, 5, arena);
    put_field(&out, message, 6, arena);
    put_field(&out, message, 3, arena);
    put_field(&out, message, 4, arena);
    put_time(&out, now_us);
    struct text event = hl7_value(message, hl7_find(message, "MSH"), 9, 2, arena);
    bool plain = event.size == 3 && is_name(event);
    buffer_put_format(&out, "||ACK%s%.*s%s|%s|P|2.5.1||||||UNICODE UTF-8\r", plain ? "^" : "", plain ? 3 : 0,
        plain ? event.at : "", plain ? "^ACK" : "", id);
    buffer_put_format(&out, "MSA|%s", code_of(problem));
    put_field(&out, message, 10, arena);
    if (note != NULL) {
        buffer_put_char(&out, '|');
        put_escaped(&out, text_from(note));
    }
    buffer_put_char(&out, '\r');
    if (problem->error != HL7_ACCEPTED) {
        buffer_put_string(&out, "ERR||");
        if (problem->segment[0] != '\0') {
            buffer_put_format(&out, "%s^%d", problem->segment, problem->sequence);
        }
        if (problem->field > 0) {
            buffer_put_format(&out, "^%d", problem->field);
        }
        buffer_put_format(&out, "|%d^^HL70357|E||||", (int)problem->error);
        put_escaped(&out, text_from(problem->text));
        buffer_put_char(&out, '\r');
    }
    return buffer_text(&out);
}
