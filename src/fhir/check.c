/* The structure of a resource against the tables: one pass over its members, a chain of frames on the stack from which a
 * path is written only when there is a fault to say. */
#include <stdio.h>
#include <string.h>

#include "fhir/definitions.h"
#include "fhir/primitives.h"

enum { PATH_SIZE_MAX = 512, TEXT_SIZE_MAX = 256, NAME_SHOWN_MAX = 64, NO_INDEX = -1 };

struct frame {
    const struct frame *parent;
    const char *name;
    int index;
    int depth;
};

struct checker {
    struct scope *scope;
    int faults_before;
};

static bool is_full(const struct checker *checker) {
    return checker->scope->fault.count - checker->faults_before >= FAULT_ISSUES_MAX;
}

static size_t write_path(char *out, size_t size, const struct frame *frame) {
    size_t used = frame->parent == NULL ? 0 : write_path(out, size, frame->parent);
    int wrote = snprintf(out + used, size - used, "%s%s", frame->parent == NULL ? "" : ".", frame->name);
    used = used + (size_t)wrote < size ? used + (size_t)wrote : size - 1;
    if (frame->index != NO_INDEX) {
        wrote = snprintf(out + used, size - used, "[%d]", frame->index);
        used = used + (size_t)wrote < size ? used + (size_t)wrote : size - 1;
    }
    return used;
}

PRINTF_LIKE(3, 4)
static void refuse(struct checker *checker, const struct frame *frame, const char *format, ...) {
    if (is_full(checker)) {
        return;
    }
    char path[PATH_SIZE_MAX], text[TEXT_SIZE_MAX];
    write_path(path, sizeof path, frame);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)fault(checker->scope, STATUS_INVALID, path, "%s", text);
}

/* ---- primitives ------------------------------------------------------------------------------------------------- */

static void check_primitive(
    struct checker *checker, const struct frame *frame, fhir_type type, const yyjson_val *value) {
    const struct primitive *primitive = primitive_of(type);
    switch (primitive->json) {
    case PRIMITIVE_BOOLEAN:
        if (!yyjson_is_bool((yyjson_val *)value)) {
            refuse(checker, frame, "expected true or false, as JSON without quotes");
        }
        return;
    case PRIMITIVE_NUMBER: {
        struct text number = json_number_text(value);
        if (number.at == NULL) {
            refuse(checker, frame, "expected a JSON number (%s)", fhir_type_name(type));
        } else if (!primitive->is_valid(number)) {
            refuse(checker, frame, "expected %s", primitive->expected);
        }
        return;
    }
    case PRIMITIVE_STRING: {
        struct text text = json_text(value);
        if (text.at == NULL) {
            refuse(checker, frame, "expected a JSON string (%s)", fhir_type_name(type));
        } else if (text.size == 0) {
            refuse(checker, frame, "an empty string: leave the member out");
        } else if (!primitive->is_valid(text)) {
            refuse(checker, frame, "expected %s", primitive->expected);
        }
        return;
    }
    }
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

struct subject {
    const struct frame *frame;
    const yyjson_val *object;
    const struct type_row *type;
};

static void check_object(struct checker *checker, const struct frame *frame, fhir_type type, const yyjson_val *object);
static void check_resource(struct checker *checker, const struct frame *frame, const yyjson_val *object);

static struct frame frame_under(const struct frame *parent, const char *name) {
    return (struct frame){.parent = parent, .name = name, .index = NO_INDEX, .depth = parent->depth + 1};
}

static const yyjson_val *sibling(const struct subject *subject, const struct member_row *row, const char *prefix) {
    char name[NAME_SHOWN_MAX + 2];
    int size = snprintf(name, sizeof name, "%s%s", prefix, fhir_strings + row->name);
    return yyjson_obj_getn((yyjson_val *)subject->object, name, (size_t)size);
}

static bool fits_cardinality(
    struct checker *checker, const struct frame *frame, const struct fhir_element *element, const yyjson_val *value) {
    bool is_array = yyjson_is_arr((yyjson_val *)value);
    if (element->max == 1) {
        if (is_array) {
            refuse(checker, frame, "expected one value, not an array");
        }
        return !is_array;
    }
    if (!is_array) {
        refuse(checker, frame, "expected an array, even for one value");
        return false;
    }
    size_t count = json_count(value);
    if (count == 0) {
        refuse(checker, frame, "an empty array: leave the member out");
    } else if (element->max != FHIR_MAX_MANY && count > element->max) {
        refuse(checker, frame, "at most %d values", element->max);
    }
    return count > 0;
}

static void check_primitive_array(struct checker *checker, struct frame *frame, const struct subject *subject,
    const struct member_row *row, const yyjson_val *array) {
    const yyjson_val *companions = NULL;
    size_t index, count;
    yyjson_val *value;
    yyjson_arr_foreach((yyjson_val *)array, index, count, value) {
        if (is_full(checker)) {
            return;
        }
        frame->index = (int)index;
        if (!yyjson_is_null(value)) {
            check_primitive(checker, frame, row->type, value);
            continue;
        }
        companions = companions == NULL ? sibling(subject, row, "_") : companions;
        if (!yyjson_is_obj(json_at(companions, index))) {
            refuse(
                checker, frame, "null without an id or extension at the same place of _%s", fhir_strings + row->name);
        }
    }
}

static void check_companion(struct checker *checker, struct frame *frame, const struct subject *subject,
    const struct member_row *row, const yyjson_val *value) {
    const struct fhir_element *element = type_element(subject->type, row->position);
    if (element->is_bare) {
        refuse(checker, frame, "takes no id or extensions");
        return;
    }
    if (!fits_cardinality(checker, frame, element, value)) {
        return;
    }
    if (element->max == 1) {
        check_object(checker, frame, row->type, value);
        return;
    }
    const yyjson_val *primitives = sibling(subject, row, "");
    if (yyjson_is_arr((yyjson_val *)primitives) && json_count(primitives) != json_count(value)) {
        refuse(checker, frame, "_%s and %s differ in length", fhir_strings + row->name, fhir_strings + row->name);
    }
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)value, index, count, item) {
        frame->index = (int)index;
        if (!yyjson_is_null(item)) {
            check_object(checker, frame, row->type, item);
        } else if (primitives == NULL) {
            refuse(checker, frame, "null in _%s without a value at the same place", fhir_strings + row->name);
        }
    }
}

static void check_complex(struct checker *checker, const struct frame *frame, fhir_type type, const yyjson_val *value) {
    if (fhir_type_kind(type) == FHIR_RESOURCE) {
        check_resource(checker, frame, value);
    } else {
        check_object(checker, frame, type, value);
    }
}

static void check_value(
    struct checker *checker, const struct subject *subject, const struct member_row *row, const yyjson_val *value) {
    const struct fhir_element *element = type_element(subject->type, row->position);
    struct frame frame = frame_under(subject->frame, element->name);
    if (yyjson_is_null((yyjson_val *)value)) {
        refuse(checker, &frame, "null: leave the member out");
        return;
    }
    if (!fits_cardinality(checker, &frame, element, value)) {
        return;
    }
    bool is_primitive = type_row_of(row->type)->kind == FHIR_PRIMITIVE;
    if (element->max == 1) {
        if (is_primitive) {
            check_primitive(checker, &frame, row->type, value);
        } else {
            check_complex(checker, &frame, row->type, value);
        }
        return;
    }
    if (is_primitive) {
        check_primitive_array(checker, &frame, subject, row, value);
        return;
    }
    size_t index, count;
    yyjson_val *item;
    yyjson_arr_foreach((yyjson_val *)value, index, count, item) {
        frame.index = (int)index;
        if (is_full(checker)) {
            return;
        }
        check_complex(checker, &frame, row->type, item);
    }
}

static bool is_showable(const char *name, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c == '_' && i == 0))) {
            return false;
        }
    }
    return size > 0 && size <= NAME_SHOWN_MAX;
}

static void refuse_member(
    struct checker *checker, const struct subject *subject, const char *name, size_t size, const char *reason) {
    const char *type = fhir_strings + subject->type->name;
    if (is_showable(name, size)) {
        char shown[NAME_SHOWN_MAX + 1];
        memcpy(shown, name, size);
        shown[size] = '\0';
        struct frame frame = frame_under(subject->frame, shown);
        refuse(checker, &frame, reason, type);
    } else {
        refuse(checker, subject->frame, "a member whose name no type of R4 has");
    }
}

/* Which elements were seen, and as which type where there is a choice. */
struct seen {
    uint64_t bits;
    fhir_type chosen[64];
};

static void check_member(
    struct checker *checker, const struct subject *subject, struct seen *seen, yyjson_val *name, yyjson_val *value) {
    const char *at = yyjson_get_str(name);
    size_t size = yyjson_get_len(name);
    bool is_companion = size > 0 && at[0] == '_';
    const struct member_row *row = member_row_find(subject->type, at + is_companion, size - is_companion);
    if (row == NULL || (is_companion && type_row_of(row->type)->kind != FHIR_PRIMITIVE)) {
        refuse_member(checker, subject, at, size, "%s has no such member");
        return;
    }
    const struct fhir_element *element = type_element(subject->type, row->position);
    uint64_t bit = UINT64_C(1) << row->position;
    if (element->is_choice) {
        if ((seen->bits & bit) != 0 && seen->chosen[row->position] != row->type) {
            refuse_member(checker, subject, at, size, "%s allows one type at a time here");
        }
        seen->chosen[row->position] = row->type;
    }
    seen->bits |= bit;
    if (is_companion) {
        struct frame frame = frame_under(subject->frame, element->name);
        check_companion(checker, &frame, subject, row, value);
    } else {
        check_value(checker, subject, row, value);
    }
}

static void check_members(struct checker *checker, const struct subject *subject) {
    bool is_resource = subject->type->kind == FHIR_RESOURCE;
    struct seen seen;
    seen.bits = 0;
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)subject->object);
    for (yyjson_val *name = yyjson_obj_iter_next(&members); name != NULL; name = yyjson_obj_iter_next(&members)) {
        if (is_full(checker)) {
            return;
        }
        if (!is_resource || !yyjson_equals_strn(name, "resourceType", 12)) {
            check_member(checker, subject, &seen, name, yyjson_obj_iter_get_val(name));
        }
    }
    uint64_t missing = subject->type->required & ~seen.bits;
    for (int i = 0; missing != 0; i++, missing >>= 1) {
        if ((missing & 1) != 0) {
            struct frame frame = frame_under(subject->frame, type_element(subject->type, i)->name);
            refuse(checker, &frame, "missing: at least one value is required");
        }
    }
}

static bool is_object(struct checker *checker, const struct frame *frame, const yyjson_val *value) {
    if (!yyjson_is_obj((yyjson_val *)value)) {
        refuse(checker, frame, "expected a JSON object");
        return false;
    }
    if (yyjson_obj_size((yyjson_val *)value) == 0) {
        refuse(checker, frame, "an empty object: leave the member out");
        return false;
    }
    if (frame->depth > JSON_DEPTH_MAX) {
        refuse(checker, frame, "nested deeper than %d", JSON_DEPTH_MAX);
        return false;
    }
    return true;
}

static void check_object(struct checker *checker, const struct frame *frame, fhir_type type, const yyjson_val *object) {
    if (is_object(checker, frame, object)) {
        check_members(checker, &(struct subject){.frame = frame, .object = object, .type = type_row_of(type)});
    }
}

static void check_resource(struct checker *checker, const struct frame *frame, const yyjson_val *object) {
    if (!is_object(checker, frame, object)) {
        return;
    }
    fhir_type type = fhir_resource_type_of(object);
    if (type == FHIR_TYPE_NONE) {
        struct frame name = frame_under(frame, "resourceType");
        refuse(checker, &name, "expected the name of an R4 resource type");
        return;
    }
    check_members(checker, &(struct subject){.frame = frame, .object = object, .type = type_row_of(type)});
}

enum status fhir_check(const yyjson_val *resource, struct scope *scope) {
    struct checker checker = {.scope = scope, .faults_before = scope->fault.count};
    fhir_type type = fhir_resource_type_of(resource);
    struct frame root = {.name = type == FHIR_TYPE_NONE ? "Resource" : fhir_type_name(type), .index = NO_INDEX};
    check_resource(&checker, &root, resource);
    return scope->fault.count == checker.faults_before ? STATUS_OK : STATUS_INVALID;
}
