#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

/* yyjson parses iteratively and keeps every value in one flat array. What it accepts and FHIR does not (depth, duplicate
 * members, U+0000) is looked for afterwards by one pass over that array; only when there is something, a walk along the
 * tree finds the first of it and says where. */

/* ---- where something is ----------------------------------------------------------------------------------------- */

enum { PATH_MAX_BYTES = 512 };

struct frame {
    const yyjson_val *container;
    const yyjson_val *child; /* next to visit: the name in an object, the value in an array */
    const yyjson_val *name;  /* of the member being visited */
    size_t left, index;
};

struct walk {
    struct frame frames[JSON_DEPTH_MAX];
    int depth;
    const yyjson_doc *doc;
    struct text source;
    const yyjson_val **names; /* room to sort the names of one large object */
    size_t names_capacity;
    struct scope *scope;
};

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Only what looks like the name of an element is quoted: anything else might be data. */
static struct text quotable(const yyjson_val *name) {
    struct text text = json_text(name);
    for (size_t i = 0; i < text.size; i++) {
        if (!is_name_byte(text.at[i])) {
            return TEXT("?");
        }
    }
    return text.size > 0 && text.size <= 64 ? text : TEXT("?");
}

/* "Patient.name[0].given" for the value being visited. */
static const char *walk_path(const struct walk *walk) {
    struct buffer path = buffer_open(walk->scope->arena, PATH_MAX_BYTES);
    const yyjson_val *type = json_get(yyjson_doc_get_root((yyjson_doc *)walk->doc), "resourceType");
    if (type != NULL && yyjson_is_str((yyjson_val *)type)) {
        buffer_put(&path, quotable(type));
    }
    for (int i = 0; i < walk->depth; i++) {
        const struct frame *frame = &walk->frames[i];
        if (yyjson_is_arr((yyjson_val *)frame->container)) {
            buffer_put_format(&path, "[%zu]", frame->index - (frame->index > 0));
        } else if (frame->name != NULL) {
            if (path.size > 0) {
                buffer_put_char(&path, '.');
            }
            buffer_put(&path, quotable(frame->name));
        }
    }
    return text_string(walk->scope->arena, buffer_text(&path));
}

static size_t line_of(struct text source, size_t offset) {
    size_t line = 1;
    for (size_t i = 0; i < offset && i < source.size; i++) {
        line += source.at[i] == '\n';
    }
    return line;
}

/* Strings stay where they were in yyjson's copy of the source, so that their place there is their place in the source. */
static size_t offset_of(const struct walk *walk, const yyjson_val *string) {
    const char *at = yyjson_get_str((yyjson_val *)string);
    return at == NULL || walk->doc->str_pool == NULL ? 0 : (size_t)(at - walk->doc->str_pool);
}

static enum status refuse_string(const struct walk *walk, const yyjson_val *string, const char *what) {
    size_t offset = offset_of(walk, string);
    return fault(walk->scope, STATUS_INVALID, walk_path(walk), "%s at byte %zu, line %zu", what, offset,
        line_of(walk->source, offset));
}

/* ---- duplicate members ------------------------------------------------------------------------------------------ */

enum { PAIRWISE_MAX = 16 };

static int compare_names(const void *a, const void *b) {
    struct text left = json_text(*(yyjson_val *const *)a);
    struct text right = json_text(*(yyjson_val *const *)b);
    if (left.size != right.size) {
        return left.size < right.size ? -1 : 1;
    }
    return text_compare(left, right);
}

static const yyjson_val *next_member(const yyjson_val *name) {
    return unsafe_yyjson_get_next((yyjson_val *)name + 1);
}

static const yyjson_val *find_duplicate_pairwise(const yyjson_val *object) {
    const yyjson_val *names[PAIRWISE_MAX];
    size_t count = unsafe_yyjson_get_len((yyjson_val *)object);
    const yyjson_val *name = unsafe_yyjson_get_first((yyjson_val *)object);
    for (size_t i = 0; i < count; i++, name = next_member(name)) {
        for (size_t j = 0; j < i; j++) { /* lengths (the tag's upper bits) and first bytes differ nearly always */
            if (names[j]->tag >> YYJSON_TAG_BIT == name->tag >> YYJSON_TAG_BIT &&
                names[j]->uni.str[0] == name->uni.str[0] &&
                memcmp(names[j]->uni.str, name->uni.str, unsafe_yyjson_get_len((yyjson_val *)name)) == 0) {
                return name;
            }
        }
        names[i] = name;
    }
    return NULL;
}

static const yyjson_val *find_duplicate_sorted(struct walk *walk, const yyjson_val *object) {
    size_t count = yyjson_obj_size((yyjson_val *)object);
    if (count > walk->names_capacity) {
        walk->names = arena_array(walk->scope->arena, count, sizeof *walk->names);
        walk->names_capacity = count;
    }
    const yyjson_val *name = unsafe_yyjson_get_first((yyjson_val *)object);
    for (size_t i = 0; i < count; i++, name = next_member(name)) {
        walk->names[i] = name;
    }
    qsort(walk->names, count, sizeof *walk->names, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (compare_names(&walk->names[i - 1], &walk->names[i]) == 0) {
            return walk->names[i - 1] > walk->names[i] ? walk->names[i - 1] : walk->names[i];
        }
    }
    return NULL;
}

static const yyjson_val *find_duplicate(struct walk *walk, const yyjson_val *object) {
    return unsafe_yyjson_get_len((yyjson_val *)object) <= PAIRWISE_MAX ? find_duplicate_pairwise(object)
                                                                       : find_duplicate_sorted(walk, object);
}

static enum status refuse_duplicates(struct walk *walk, const yyjson_val *object) {
    const yyjson_val *duplicate = find_duplicate(walk, object);
    if (duplicate == NULL) {
        return STATUS_OK;
    }
    size_t offset = offset_of(walk, duplicate);
    struct text name = quotable(duplicate);
    return fault(walk->scope, STATUS_INVALID, walk_path(walk), "duplicate member \"%.*s\" at byte %zu, line %zu",
        (int)name.size, name.at, offset, line_of(walk->source, offset));
}

/* ---- the pass over the flat array ------------------------------------------------------------------------------- */

/* True when nothing is to be refused. `walk` lends its room for sorting. */
static bool is_acceptable(struct walk *walk) {
    static const char escaped_zero[] = "\\u0000"; /* the only way to U+0000: yyjson refuses the bare byte */
    if (memmem(walk->source.at, walk->source.size, escaped_zero, sizeof escaped_zero - 1) != NULL) {
        return false;
    }
    const yyjson_val *ends[JSON_DEPTH_MAX]; /* where each open container's values end */
    int depth = 0;
    const yyjson_val *value = walk->doc->root;
    const yyjson_val *end = value + walk->doc->val_read;
    for (; value < end; value++) {
        while (depth > 0 && value >= ends[depth - 1]) {
            depth--;
        }
        if (!unsafe_yyjson_is_ctn((yyjson_val *)value)) {
            continue;
        }
        if (depth == JSON_DEPTH_MAX) {
            return false;
        }
        ends[depth++] = unsafe_yyjson_get_next((yyjson_val *)value);
        if (unsafe_yyjson_get_type((yyjson_val *)value) == YYJSON_TYPE_OBJ && find_duplicate(walk, value) != NULL) {
            return false;
        }
    }
    return true;
}

/* ---- the walk --------------------------------------------------------------------------------------------------- */

static enum status check_string(const struct walk *walk, const yyjson_val *value) {
    struct text text = json_text(value);
    if (text.size > 0 && memchr(text.at, '\0', text.size) != NULL) {
        return refuse_string(walk, value, "the character U+0000 is not allowed");
    }
    return STATUS_OK;
}

/* The first bracket that goes too deep. The source is known to be JSON, and to have one. */
static size_t too_deep_offset(struct text source) {
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < source.size; i++) {
        char c = source.at[i];
        if (in_string) {
            i += c == '\\';
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if ((c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX) {
            return i;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return source.size;
}

static enum status enter(struct walk *walk, const yyjson_val *container) {
    if (walk->depth == JSON_DEPTH_MAX) {
        size_t offset = too_deep_offset(walk->source);
        return fault(walk->scope, STATUS_INVALID, walk_path(walk), "nested deeper than %d levels at byte %zu, line %zu",
            JSON_DEPTH_MAX, offset, line_of(walk->source, offset));
    }
    size_t size = yyjson_get_len((yyjson_val *)container);
    walk->frames[walk->depth++] = (struct frame){
        .container = container,
        .child = size == 0 ? NULL : unsafe_yyjson_get_first((yyjson_val *)container),
        .left = size,
    };
    return yyjson_is_obj((yyjson_val *)container) ? refuse_duplicates(walk, container) : STATUS_OK;
}

static enum status visit(struct walk *walk, const yyjson_val *value) {
    if (yyjson_is_ctn((yyjson_val *)value)) {
        return enter(walk, value);
    }
    return yyjson_is_str((yyjson_val *)value) ? check_string(walk, value) : STATUS_OK;
}

static enum status walk_values(struct walk *walk) {
    enum status status = visit(walk, yyjson_doc_get_root((yyjson_doc *)walk->doc));
    while (status == STATUS_OK && walk->depth > 0) {
        struct frame *frame = &walk->frames[walk->depth - 1];
        if (frame->left == 0) {
            walk->depth--;
            continue;
        }
        const yyjson_val *value = frame->child;
        if (yyjson_is_obj((yyjson_val *)frame->container)) {
            frame->name = value;
            status = check_string(walk, value);
            value++;
        }
        frame->left--;
        frame->index++;
        frame->child = frame->left == 0 ? NULL : unsafe_yyjson_get_next((yyjson_val *)value);
        if (status == STATUS_OK) {
            status = visit(walk, value);
        }
    }
    return status;
}

enum status json_read(yyjson_doc **out, struct text source, struct scope *scope) {
    if (source.size == 0) {
        return fault(scope, STATUS_INVALID, "", "not JSON: nothing there");
    }
    yyjson_alc allocator = arena_json_allocator(scope->arena);
    yyjson_read_err problem = {0};
    yyjson_doc *doc = yyjson_read_opts((char *)source.at, source.size, YYJSON_READ_NUMBER_AS_RAW, &allocator, &problem);
    if (doc == NULL) {
        return fault(scope, STATUS_INVALID, "", "not JSON: %s at byte %zu, line %zu", problem.msg, problem.pos,
            line_of(source, problem.pos));
    }
    struct walk walk;
    walk.depth = 0;
    walk.doc = doc;
    walk.source = source;
    walk.names = NULL;
    walk.names_capacity = 0;
    walk.scope = scope;
    /* an escaped backslash before "u0000" sends acceptable text on the walk too, which then finds nothing */
    enum status status = is_acceptable(&walk) ? STATUS_OK : walk_values(&walk);
    if (status == STATUS_OK) {
        *out = doc;
    }
    return status;
}
