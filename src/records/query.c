#include "records/query.h"

#include <string.h>

/* ---- pairs ------------------------------------------------------------------------------------------------------ */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool decode(struct text *out, struct text coded, struct arena *arena) {
    char *at = arena_alloc(arena, coded.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < coded.size; i++) {
        char c = coded.at[i];
        if (c == '%') {
            int high = i + 2 < coded.size ? hex_digit(coded.at[i + 1]) : -1;
            int low = i + 2 < coded.size ? hex_digit(coded.at[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        at[size++] = c;
    }
    *out = (struct text){at, size};
    return text_is_utf8(*out) && memchr(at, '\0', size) == NULL;
}

enum status query_pairs(
    struct search_pair **out, size_t *count_out, struct text query, const char *path, struct scope *scope) {
    size_t capacity = 1;
    for (size_t i = 0; i < query.size; i++) {
        capacity += query.at[i] == '&';
    }
    if (capacity > QUERY_PAIRS_MAX) {
        return fault(scope, STATUS_TOO_COSTLY, path, "a query may have at most %d parameters", QUERY_PAIRS_MAX);
    }
    struct search_pair *pairs = ARENA_ARRAY(scope->arena, struct search_pair, capacity);
    size_t count = 0;
    while (query.size > 0) {
        struct text value = text_cut(&query, '&');
        if (value.size == 0) {
            continue;
        }
        struct text name = text_cut(&value, '=');
        if (!decode(&pairs[count].name, name, scope->arena) || !decode(&pairs[count].value, value, scope->arena)) {
            return fault(scope, STATUS_INVALID, path, "the query is not percent-encoded UTF-8");
        }
        count++;
    }
    *out = pairs;
    *count_out = count;
    return STATUS_OK;
}

void query_put(struct buffer *buffer, struct text value) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (plain || (c != 0 && strchr("-._~:,/|$*@", c) != NULL)) {
            buffer_put_char(buffer, (char)c);
        } else {
            buffer_put_char(buffer, '%');
            buffer_put_char(buffer, digits[c >> 4]);
            buffer_put_char(buffer, digits[c & 15]);
        }
    }
}

const struct search_pair *query_find(const struct search_pair *pairs, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        if (text_is(pairs[i].name, name)) {
            return &pairs[i];
        }
    }
    return NULL;
}

/* ---- targets ---------------------------------------------------------------------------------------------------- */

static struct text without_base(struct text url, struct text own_base) {
    if (own_base.size > 0 && url.size >= own_base.size && memcmp(url.at, own_base.at, own_base.size) == 0) {
        url.at += own_base.size;
        url.size -= own_base.size;
    }
    if (url.size > 0 && url.at[0] == '/') {
        url.at++;
        url.size--;
    }
    return url;
}

static fhir_type concrete_resource(struct text name) {
    fhir_type type = fhir_type_find(name);
    return fhir_resource_number(type) == 0 ? FHIR_TYPE_NONE : type;
}

enum { SEGMENTS_MAX = 5 };

static size_t segments_of(struct text out[static SEGMENTS_MAX], struct text path) {
    size_t count = 0;
    while (path.size > 0) {
        struct text segment = text_cut(&path, '/');
        if (count == SEGMENTS_MAX || segment.size == 0) {
            return SIZE_MAX;
        }
        out[count++] = segment;
    }
    return count;
}

static bool target_of_instance(struct target *out, const struct text *segments, size_t count) {
    out->id = segments[1];
    if (!fhir_id_is_valid(out->id)) {
        return false;
    }
    out->kind = TARGET_INSTANCE;
    if (count == 2) {
        return true;
    }
    if (text_is(segments[2], "_history") && count <= 4) {
        out->kind = count == 4 ? TARGET_VERSION : TARGET_INSTANCE_HISTORY;
        out->version = count == 4 ? segments[3] : (struct text){0};
        return true;
    }
    out->kind = TARGET_COMPARTMENT;
    out->owner = out->type;
    out->type = concrete_resource(segments[2]);
    return count == 3 && (out->type != FHIR_TYPE_NONE || text_is(segments[2], "*"));
}

static bool target_of_segments(struct target *out, const struct text *segments, size_t count) {
    if (count == 0) {
        out->kind = TARGET_SYSTEM;
        return true;
    }
    if (count == 1 && text_is(segments[0], "_history")) {
        out->kind = TARGET_SYSTEM_HISTORY;
        return true;
    }
    out->type = concrete_resource(segments[0]);
    if (out->type == FHIR_TYPE_NONE) {
        return false;
    }
    out->kind = TARGET_TYPE;
    if (count == 1) {
        return true;
    }
    if (count == 2 && text_is(segments[1], "_history")) {
        out->kind = TARGET_TYPE_HISTORY;
        return true;
    }
    return target_of_instance(out, segments, count);
}

/* On whatever stands before it. */
static bool target_of_operation(struct target *out, const struct text *segments, size_t count) {
    struct text name = segments[count - 1];
    if (!target_of_segments(out, segments, count - 1)) {
        return false;
    }
    bool callable = out->kind == TARGET_SYSTEM || out->kind == TARGET_TYPE || out->kind == TARGET_INSTANCE ||
                    out->kind == TARGET_VERSION;
    out->kind = TARGET_OPERATION;
    out->operation = (struct text){name.at + 1, name.size - 1};
    return callable;
}

enum status target_parse(
    struct target *out, struct text url, struct text own_base, const char *path, struct scope *scope) {
    struct text query = without_base(url, own_base);
    struct text way = text_cut(&query, '?');
    struct text segments[SEGMENTS_MAX];
    size_t count = segments_of(segments, way);
    *out = (struct target){.query = query, .has_query = query.at != NULL};
    bool is_operation = count != SIZE_MAX && count > 0 && text_starts(segments[count - 1], "$");
    bool known = count != SIZE_MAX &&
                 (is_operation ? target_of_operation(out, segments, count) : target_of_segments(out, segments, count));
    if (!known) {
        return fault(scope, STATUS_INVALID, path, "the URL names no resource type, resource or version");
    }
    return STATUS_OK;
}

/* ---- headers ---------------------------------------------------------------------------------------------------- */

static struct text tag_value(struct text tag) {
    tag = text_trim(tag);
    if (text_starts(tag, "W/")) {
        tag.at += 2;
        tag.size -= 2;
    }
    if (tag.size >= 2 && tag.at[0] == '"' && tag.at[tag.size - 1] == '"') {
        tag.at++;
        tag.size -= 2;
    }
    return tag;
}

bool etag_matches(struct text list, uint32_t version) {
    while (list.size > 0) {
        struct text tag = tag_value(text_cut(&list, ','));
        int64_t number = 0;
        if (text_is(tag, "*") || (text_to_int64(&number, tag) && number == (int64_t)version)) {
            return true;
        }
    }
    return false;
}

static bool two_digits(int *out, const char *at) {
    if (at[0] < '0' || at[0] > '9' || at[1] < '0' || at[1] > '9') {
        return false;
    }
    *out = (at[0] - '0') * 10 + (at[1] - '0');
    return true;
}

bool http_date_parse(int64_t *out_us, struct text value) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    enum { FIXDATE_SIZE = 29 }; /* Sun, 06 Nov 1994 08:49:37 GMT */
    value = text_trim(value);
    if (value.size != FIXDATE_SIZE || !text_ends(value, " GMT")) {
        return time_parse(out_us, value);
    }
    int day = 0, century = 0, year = 0, hour = 0, minute = 0, second = 0, month = 0;
    for (int i = 0; i < 12; i++) {
        month = memcmp(value.at + 8, months + 3 * i, 3) == 0 ? i + 1 : month;
    }
    if (month == 0 || !two_digits(&day, value.at + 5) || !two_digits(&century, value.at + 12) ||
        !two_digits(&year, value.at + 14) || !two_digits(&hour, value.at + 17) || !two_digits(&minute, value.at + 20) ||
        !two_digits(&second, value.at + 23)) {
        return false;
    }
    char iso[] = "0000-00-00T00:00:00Z";
    const struct {
        int at, value;
    } parts[] = {{0, century}, {2, year}, {5, month}, {8, day}, {11, hour}, {14, minute}, {17, second}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        iso[parts[i].at] = (char)('0' + parts[i].value / 10);
        iso[parts[i].at + 1] = (char)('0' + parts[i].value % 10);
    }
    return time_parse(out_us, text_from(iso));
}
