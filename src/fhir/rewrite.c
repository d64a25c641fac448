/* Walks a resource by its definitions and offers each link to the caller. The path is one buffer that grows and shrinks
 * with the walk, so that it costs nothing to keep. */
#include <stdio.h>
#include <string.h>

#include "fhir/definitions.h"
#include "type_numbers.h"

enum { PATH_SIZE_MAX = 512 };

struct walk {
    struct json_writer *writer;
    fhir_rewrite *rewrite;
    void *context;
    struct scope *scope;
    size_t path_size;
    char path[PATH_SIZE_MAX];
};

/* Returns the size to go back to. A path too long for the buffer stays cut. */
static size_t enter(struct walk *walk, const char *format, const char *name, size_t index) {
    size_t before = walk->path_size, room = sizeof walk->path - before;
    int wrote = name != NULL ? snprintf(walk->path + before, room, "%s%s", format, name)
                             : snprintf(walk->path + before, room, "[%zu]", index);
    walk->path_size = (size_t)wrote < room ? before + (size_t)wrote : sizeof walk->path - 1;
    return before;
}

static void leave(struct walk *walk, size_t before) {
    walk->path_size = before;
    walk->path[before] = '\0';
}

static enum status offer(struct text *out, struct walk *walk, enum fhir_link_kind kind, struct text value) {
    *out = (struct text){NULL, 0};
    return walk->rewrite(out, walk->context, kind, value, walk->path, walk->scope);
}

/* ---- narrative -------------------------------------------------------------------------------------------------- */

static bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == ':' || c == '.';
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void put_escaped(struct buffer *buffer, struct text value) {
    for (size_t i = 0; i < value.size; i++) {
        switch (value.at[i]) {
        case '"':
            buffer_put_string(buffer, "&quot;");
            break;
        case '\'':
            buffer_put_string(buffer, "&apos;");
            break;
        case '<':
            buffer_put_string(buffer, "&lt;");
            break;
        case '&':
            buffer_put_string(buffer, "&amp;");
            break;
        default:
            buffer_put_char(buffer, value.at[i]);
        }
    }
}

struct attribute {
    struct text name, value;
};

/* The next attribute of the start tag that *at is inside; false at the tag's end, where *at is left. */
static bool next_attribute(struct attribute *out, const char **at, const char *end) {
    const char *here = *at;
    while (here < end && *here != '>') {
        if (!is_name_character(*here)) {
            here++;
            continue;
        }
        const char *name = here;
        while (here < end && is_name_character(*here)) {
            here++;
        }
        out->name = (struct text){name, (size_t)(here - name)};
        while (here < end && is_blank(*here)) {
            here++;
        }
        if (here == end || *here != '=') {
            continue;
        }
        here++;
        while (here < end && is_blank(*here)) {
            here++;
        }
        if (here == end || (*here != '"' && *here != '\'')) {
            continue;
        }
        const char *close = memchr(here + 1, *here, (size_t)(end - here - 1));
        if (close == NULL) {
            here = end;
            break;
        }
        out->value = (struct text){here + 1, (size_t)(close - here - 1)};
        *at = close + 1;
        return true;
    }
    *at = here;
    return false;
}

/* Past a comment, a CDATA section or an instruction that starts at `at` ("<!" or "<?"); links there are text. */
static const char *skip_markup(const char *at, const char *end) {
    static const struct {
        const char *open, *close;
    } sections[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ">"}};
    struct text rest = {at, (size_t)(end - at)};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (text_starts(rest, sections[i].open)) {
            size_t skipped = strlen(sections[i].open);
            const char *close = memmem(at + skipped, rest.size - skipped, sections[i].close, strlen(sections[i].close));
            return close == NULL ? end : close + strlen(sections[i].close);
        }
    }
    return at + 1;
}

static enum status rewrite_narrative(struct text *out, struct walk *walk, struct text xhtml) {
    const char *at = xhtml.at, *end = xhtml.at + xhtml.size, *copied = at;
    struct buffer buffer = buffer_open(walk->scope->arena, SIZE_MAX);
    *out = (struct text){NULL, 0};
    while ((at = memchr(at, '<', (size_t)(end - at))) != NULL) {
        if (at + 1 < end && (at[1] == '!' || at[1] == '?')) {
            at = skip_markup(at, end);
            continue;
        }
        at++;
        while (at < end && is_name_character(*at)) {
            at++;
        }
        struct attribute attribute;
        while (next_attribute(&attribute, &at, end)) {
            if (attribute.value.size == 0 || (!text_is(attribute.name, "href") && !text_is(attribute.name, "src"))) {
                continue;
            }
            struct text link;
            enum status status = offer(&link, walk, FHIR_LINK_NARRATIVE, attribute.value);
            if (status != STATUS_OK) {
                return status;
            }
            if (link.at != NULL) {
                buffer_put(&buffer, (struct text){copied, (size_t)(attribute.value.at - copied)});
                put_escaped(&buffer, link);
                copied = attribute.value.at + attribute.value.size;
            }
        }
    }
    if (copied != xhtml.at) {
        buffer_put(&buffer, (struct text){copied, (size_t)(end - copied)});
        *out = buffer_text(&buffer);
    }
    return STATUS_OK;
}

/* ---- the walk --------------------------------------------------------------------------------------------------- */

static bool is_link(enum fhir_link_kind *out, const struct type_row *parent, const struct member_row *row) {
    if (row->type == TYPE_string) {
        *out = FHIR_LINK_REFERENCE;
        return parent == &fhir_types[TYPE_Reference - 1] && strcmp(fhir_strings + row->name, "reference") == 0;
    }
    switch (row->type) {
    case TYPE_canonical:
        *out = FHIR_LINK_CANONICAL;
        return true;
    case TYPE_uri:
    case TYPE_url:
    case TYPE_oid:
    case TYPE_uuid:
        *out = FHIR_LINK_URI;
        return true;
    case TYPE_xhtml:
        *out = FHIR_LINK_NARRATIVE;
        return true;
    default:
        return false;
    }
}

static enum status write_link(struct walk *walk, enum fhir_link_kind kind, const yyjson_val *value) {
    struct text before = json_text(value), after = {NULL, 0};
    enum status status = STATUS_OK;
    if (before.size > 0) {
        status =
            kind == FHIR_LINK_NARRATIVE ? rewrite_narrative(&after, walk, before) : offer(&after, walk, kind, before);
    }
    if (after.at != NULL) {
        json_string_text(walk->writer, after);
    } else {
        json_value(walk->writer, value);
    }
    return status;
}

/* What stands at a member: how each of its values is written. */
struct place {
    fhir_type type;
    bool is_plain, is_link;
    enum fhir_link_kind kind;
};

static enum status write_object(struct walk *walk, fhir_type type, const yyjson_val *object);

static enum status write_one(struct walk *walk, const struct place *place, const yyjson_val *value) {
    if (place->is_link) {
        return write_link(walk, place->kind, value);
    }
    fhir_type type = place->type;
    if (type != FHIR_TYPE_NONE && type_row_of(type)->kind == FHIR_RESOURCE) {
        type = fhir_resource_type_of(value);
    }
    if (place->is_plain || type == FHIR_TYPE_NONE || !yyjson_is_obj((yyjson_val *)value)) {
        json_value(walk->writer, value);
        return STATUS_OK;
    }
    return write_object(walk, type, value);
}

static enum status write_array(struct walk *walk, const struct place *place, const yyjson_val *array) {
    enum status status = STATUS_OK;
    size_t index, count;
    yyjson_val *item;
    json_array_open(walk->writer);
    yyjson_arr_foreach((yyjson_val *)array, index, count, item) {
        size_t before = enter(walk, NULL, NULL, index);
        status = write_one(walk, place, item);
        leave(walk, before);
        if (status != STATUS_OK) {
            break;
        }
    }
    json_array_close(walk->writer);
    return status;
}

static struct place place_of(const struct type_row *type, const char *name, size_t size) {
    bool is_companion = size > 0 && name[0] == '_';
    const struct member_row *row = member_row_find(type, name + is_companion, size - is_companion);
    struct place place = {.is_plain = true};
    if (row != NULL) {
        place.type = row->type;
        place.is_link = !is_companion && is_link(&place.kind, type, row);
        place.is_plain = !is_companion && type_row_of(row->type)->kind == FHIR_PRIMITIVE;
    }
    return place;
}

static enum status write_object(struct walk *walk, fhir_type type, const yyjson_val *object) {
    const struct type_row *row = type_row_of(type);
    enum status status = STATUS_OK;
    json_object_open(walk->writer);
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)object);
    yyjson_val *name;
    while (status == STATUS_OK && (name = yyjson_obj_iter_next(&members)) != NULL) {
        const yyjson_val *value = yyjson_obj_iter_get_val(name);
        const char *at = yyjson_get_str(name);
        size_t size = yyjson_get_len(name);
        struct place place = place_of(row, at, size);
        json_name_text(walk->writer, (struct text){at, size});
        if (place.is_plain && !place.is_link) {
            json_value(walk->writer, value);
            continue;
        }
        size_t before = enter(walk, ".", at + (at[0] == '_'), 0);
        status = yyjson_is_arr((yyjson_val *)value) ? write_array(walk, &place, value) : write_one(walk, &place, value);
        leave(walk, before);
    }
    json_object_close(walk->writer);
    return status;
}

enum status fhir_write_rewritten(
    struct json_writer *w, const yyjson_val *resource, fhir_rewrite *rewrite, void *context, struct scope *scope) {
    fhir_type type = fhir_resource_type_of(resource);
    if (type == FHIR_TYPE_NONE) {
        return fault(scope, STATUS_INVALID, "resourceType", "expected the name of an R4 resource type");
    }
    struct walk walk = {.writer = w, .rewrite = rewrite, .context = context, .scope = scope};
    enter(&walk, "", fhir_type_name(type), 0);
    return write_object(&walk, type, resource);
}
