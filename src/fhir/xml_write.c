/* JSON as FHIR XML: the members of an object are laid out by their elements' positions first, then written in that
 * order. */
#include <stdio.h>
#include <string.h>

#include "fhir/definitions.h"
#include "fhir/xml.h"
#include "type_numbers.h"

enum { XML_SIZE_MAX = 1 << 30, ELEMENTS_MAX = 64, PATH_SIZE_MAX = 512, TEXT_SIZE_MAX = 256, NO_INDEX = -1, INDENT = 2 };

struct writer {
    struct buffer buffer;
    struct scope *scope;
    enum fhir_xml_layout layout;
};

struct frame {
    const struct frame *parent;
    const char *name; /* for the path; NULL: a resource in what holds it */
    int index, depth; /* depth: of XML's elements */
};

static struct frame frame_under(const struct frame *parent, const char *name, int index) {
    return (struct frame){.parent = parent, .name = name, .index = index, .depth = parent->depth + 1};
}

/* ---- faults ----------------------------------------------------------------------------------------------------- */

static void put_path(struct buffer *out, const struct frame *frame) {
    if (frame->parent != NULL) {
        put_path(out, frame->parent);
    }
    if (frame->name != NULL) {
        buffer_put_string(out, out->size > 0 ? "." : "");
        buffer_put_string(out, frame->name);
    }
    if (frame->index != NO_INDEX) {
        buffer_put_format(out, "[%d]", frame->index);
    }
}

PRINTF_LIKE(3, 4)
static enum status refuse(struct writer *writer, const struct frame *frame, const char *format, ...) {
    char text[TEXT_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct buffer path = buffer_open(writer->scope->arena, PATH_SIZE_MAX);
    put_path(&path, frame);
    return fault(writer->scope, STATUS_INVALID, text_string(writer->scope->arena, buffer_text(&path)), "%s", text);
}

/* ---- tags ------------------------------------------------------------------------------------------------------- */

static void put_line(struct writer *writer, int depth) {
    if (writer->layout == FHIR_XML_INDENTED) {
        buffer_put_char(&writer->buffer, '\n');
        for (int i = 0; i < depth * INDENT; i++) {
            buffer_put_char(&writer->buffer, ' ');
        }
    }
}

static void put_attribute(struct writer *writer, struct text name, struct text value) {
    struct buffer *out = &writer->buffer;
    buffer_put_char(out, ' ');
    buffer_put(out, name);
    buffer_put(out, TEXT("=\""));
    xml_put_escaped(out, value, XML_ESCAPE_ATTRIBUTE);
    buffer_put_char(out, '"');
}

/* "<name", without its end. */
static void open_tag(struct writer *writer, const struct frame *frame, struct text name) {
    put_line(writer, frame->depth);
    buffer_put_char(&writer->buffer, '<');
    buffer_put(&writer->buffer, name);
}

static void close_tag(struct writer *writer, const struct frame *frame, struct text name, bool has_children) {
    struct buffer *out = &writer->buffer;
    if (!has_children) {
        buffer_put(out, TEXT("/>"));
        return;
    }
    put_line(writer, frame->depth);
    buffer_put(out, TEXT("</"));
    buffer_put(out, name);
    buffer_put_char(out, '>');
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

/* An object's members by their elements' positions: only those whose bit is set are filled. */
struct slot {
    const struct member_row *row;
    const yyjson_val *value, *companion;
};
struct slots {
    uint64_t used;
    struct slot at[ELEMENTS_MAX];
};

static struct text slot_name(const struct slot *slot) {
    return (struct text){fhir_strings + slot->row->name, slot->row->name_size};
}

static enum status fill_slot(struct slots *slots, struct writer *writer, const struct frame *frame,
    const struct type_row *type, yyjson_val *name) {
    const char *at = yyjson_get_str(name);
    size_t size = yyjson_get_len(name);
    bool is_companion = size > 0 && at[0] == '_';
    const struct member_row *row = member_row_find(type, at + is_companion, size - is_companion);
    if (row == NULL) {
        return refuse(writer, frame, "%s has no such member", fhir_strings + type->name);
    }
    struct frame inner = frame_under(frame, type_element(type, row->position)->name, NO_INDEX);
    uint64_t bit = UINT64_C(1) << row->position;
    struct slot *slot = &slots->at[row->position];
    if ((slots->used & bit) == 0) {
        slots->used |= bit;
        *slot = (struct slot){.row = row};
    }
    if (slot->row != row) {
        return refuse(writer, &inner, "%s allows one type at a time here", fhir_strings + type->name);
    }
    const yyjson_val **place = is_companion ? &slot->companion : &slot->value;
    if (is_companion && (type_row_of(row->type)->kind != FHIR_PRIMITIVE || row->type == TYPE_xhtml)) {
        return refuse(writer, &inner, "takes no id or extensions");
    }
    if (*place != NULL) {
        return refuse(writer, &inner, "the same member twice");
    }
    *place = yyjson_obj_iter_get_val(name);
    return STATUS_OK;
}

static enum status fill_slots(struct slots *slots, struct writer *writer, const struct frame *frame,
    const struct type_row *type, const yyjson_val *object) {
    enum status status = STATUS_OK;
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)object);
    yyjson_val *name;
    slots->used = 0;
    while (status == STATUS_OK && (name = yyjson_obj_iter_next(&members)) != NULL) {
        if (type->kind != FHIR_RESOURCE || !yyjson_equals_strn(name, "resourceType", 12)) {
            status = fill_slot(slots, writer, frame, type, name);
        }
    }
    return status;
}

static bool is_attribute(const struct type_row *type, int position) {
    return type->kind != FHIR_RESOURCE && type_element(type, position)->is_bare;
}

/* The attributes that an object's members become, and their bits taken off. */
static enum status put_attributes(
    struct slots *slots, struct writer *writer, const struct frame *frame, const struct type_row *type) {
    for (uint64_t left = slots->used; left != 0; left &= left - 1) {
        int position = __builtin_ctzll(left);
        const struct slot *slot = &slots->at[position];
        if (!is_attribute(type, position)) {
            continue;
        }
        struct text value = json_text(slot->value);
        if (value.at == NULL) {
            struct frame inner = frame_under(frame, type_element(type, position)->name, NO_INDEX);
            return refuse(writer, &inner, "expected a JSON string");
        }
        put_attribute(writer, slot_name(slot), value);
        slots->used &= ~(UINT64_C(1) << position);
    }
    return STATUS_OK;
}

static enum status put_slot(struct writer *writer, const struct frame *frame, const struct type_row *type, int position,
    const struct slot *slot);

/* What is left of an object once its attributes stand. */
static enum status put_children(
    const struct slots *slots, struct writer *writer, const struct frame *frame, const struct type_row *type) {
    enum status status = STATUS_OK;
    for (uint64_t left = slots->used; status == STATUS_OK && left != 0; left &= left - 1) {
        int position = __builtin_ctzll(left);
        status = put_slot(writer, frame, type, position, &slots->at[position]);
    }
    return status;
}

static enum status check_object(struct writer *writer, const struct frame *frame, const yyjson_val *value) {
    if (!yyjson_is_obj((yyjson_val *)value)) {
        return refuse(writer, frame, "expected a JSON object");
    }
    if (frame->depth > 2 * JSON_DEPTH_MAX) {
        return refuse(writer, frame, "nested deeper than %d", JSON_DEPTH_MAX);
    }
    return STATUS_OK;
}

static enum status put_object(struct writer *writer, const struct frame *frame, struct text name,
    const struct type_row *type, const yyjson_val *object) {
    struct slots slots;
    enum status status = check_object(writer, frame, object);
    if (status == STATUS_OK) {
        status = fill_slots(&slots, writer, frame, type, object);
    }
    if (status != STATUS_OK) {
        return status;
    }
    open_tag(writer, frame, name);
    status = put_attributes(&slots, writer, frame, type);
    if (status == STATUS_OK && slots.used != 0) {
        buffer_put_char(&writer->buffer, '>');
        status = put_children(&slots, writer, frame, type);
    }
    close_tag(writer, frame, name, slots.used != 0);
    return status;
}

/* ---- resources -------------------------------------------------------------------------------------------------- */

static enum status put_resource(struct writer *writer, const struct frame *frame, const yyjson_val *object) {
    struct slots slots;
    enum status status = check_object(writer, frame, object);
    if (status != STATUS_OK) {
        return status;
    }
    fhir_type type = fhir_resource_type_of(object);
    if (type == FHIR_TYPE_NONE) {
        return refuse(writer, frame, "expected resourceType to name an R4 resource type");
    }
    const struct type_row *row = type_row_of(type);
    struct text name = text_from(fhir_type_name(type));
    status = fill_slots(&slots, writer, frame, row, object);
    if (status != STATUS_OK) {
        return status;
    }
    open_tag(writer, frame, name);
    if (frame->parent == NULL) {
        put_attribute(writer, TEXT("xmlns"), TEXT(XML_SPACE_FHIR));
    }
    if (slots.used != 0) {
        buffer_put_char(&writer->buffer, '>');
        status = put_children(&slots, writer, frame, row);
    }
    close_tag(writer, frame, name, slots.used != 0);
    return status;
}

/* <contained><Patient>...: one more level than in JSON. */
static enum status put_held(
    struct writer *writer, const struct frame *frame, struct text name, const yyjson_val *object) {
    struct frame inner = frame_under(frame, NULL, NO_INDEX);
    open_tag(writer, frame, name);
    buffer_put_char(&writer->buffer, '>');
    enum status status = put_resource(writer, &inner, object);
    close_tag(writer, frame, name, true);
    return status;
}

/* ---- primitives ------------------------------------------------------------------------------------------------- */

static struct text primitive_text(const yyjson_val *value) {
    yyjson_val *plain = (yyjson_val *)value;
    if (yyjson_is_bool(plain)) {
        return yyjson_get_bool(plain) ? TEXT("true") : TEXT("false");
    }
    return yyjson_is_str(plain) ? json_text(value) : json_number_text(value);
}

static enum status put_narrative(struct writer *writer, const struct frame *frame, const yyjson_val *value) {
    struct text xhtml = json_text(value);
    if (xhtml.at == NULL) {
        return refuse(writer, frame, "expected a JSON string");
    }
    put_line(writer, frame->depth);
    return xml_narrative_put(&writer->buffer, xhtml, writer->scope);
}

/* `value` and `companion` are NULL or null where absent. */
static enum status put_primitive(struct writer *writer, const struct frame *frame, const struct slot *slot,
    const yyjson_val *value, const yyjson_val *companion) {
    const struct type_row *type = type_row_of(slot->row->type);
    struct slots slots = {.used = 0};
    bool has_value = value != NULL && !yyjson_is_null((yyjson_val *)value);
    bool has_companion = companion != NULL && !yyjson_is_null((yyjson_val *)companion);
    struct text text = has_value ? primitive_text(value) : (struct text){NULL, 0};
    if (has_value && text.at == NULL) {
        return refuse(writer, frame, "expected a JSON string, number, true or false");
    }
    if (!has_value && !has_companion) {
        return refuse(writer, frame, "neither a value nor extensions");
    }
    enum status status = has_companion ? check_object(writer, frame, companion) : STATUS_OK;
    if (status == STATUS_OK && has_companion) {
        status = fill_slots(&slots, writer, frame, type, companion);
    }
    if (status != STATUS_OK) {
        return status;
    }
    open_tag(writer, frame, slot_name(slot));
    status = put_attributes(&slots, writer, frame, type);
    if (has_value) {
        put_attribute(writer, TEXT("value"), text);
    }
    if (status == STATUS_OK && slots.used != 0) {
        buffer_put_char(&writer->buffer, '>');
        status = put_children(&slots, writer, frame, type);
    }
    close_tag(writer, frame, slot_name(slot), slots.used != 0);
    return status;
}

/* ---- members ---------------------------------------------------------------------------------------------------- */

static enum status put_one(struct writer *writer, const struct frame *frame, const struct slot *slot,
    const yyjson_val *value, const yyjson_val *companion) {
    const struct type_row *type = type_row_of(slot->row->type);
    if (slot->row->type == TYPE_xhtml) {
        return put_narrative(writer, frame, value);
    }
    if (type->kind == FHIR_PRIMITIVE) {
        return put_primitive(writer, frame, slot, value, companion);
    }
    return type->kind == FHIR_RESOURCE ? put_held(writer, frame, slot_name(slot), value)
                                       : put_object(writer, frame, slot_name(slot), type, value);
}

static enum status put_array(
    struct writer *writer, const struct frame *outer, const char *name, const struct slot *slot) {
    yyjson_val *values = (yyjson_val *)slot->value, *companions = (yyjson_val *)slot->companion;
    struct frame frame = frame_under(outer, name, NO_INDEX);
    bool is_plain = (values == NULL || yyjson_is_arr(values)) && (companions == NULL || yyjson_is_arr(companions));
    if (!is_plain) {
        return refuse(writer, &frame, "expected an array, even for one value");
    }
    size_t count = yyjson_arr_size(values), companion_count = yyjson_arr_size(companions);
    if (values != NULL && companions != NULL && count != companion_count) {
        return refuse(writer, &frame, "_%s and %s differ in length", name, name);
    }
    count = count > companion_count ? count : companion_count;
    yyjson_arr_iter value = yyjson_arr_iter_with(values), companion = yyjson_arr_iter_with(companions);
    for (size_t i = 0; i < count; i++) {
        frame.index = (int)i;
        enum status status = scope_check_deadline(writer->scope);
        if (status == STATUS_OK) {
            status = put_one(writer, &frame, slot, yyjson_arr_iter_next(&value), yyjson_arr_iter_next(&companion));
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status put_slot(struct writer *writer, const struct frame *frame, const struct type_row *type, int position,
    const struct slot *slot) {
    const struct fhir_element *element = type_element(type, position);
    if (element->is_bare && slot->companion != NULL) {
        struct frame inner = frame_under(frame, element->name, NO_INDEX);
        return refuse(writer, &inner, "takes no id or extensions");
    }
    if (element->max != 1) {
        return put_array(writer, frame, element->name, slot);
    }
    struct frame inner = frame_under(frame, element->name, NO_INDEX);
    return put_one(writer, &inner, slot, slot->value, slot->companion);
}

enum status fhir_xml_write(
    struct text *xml_out, const yyjson_val *resource, enum fhir_xml_layout layout, struct scope *scope) {
    struct writer writer = {.buffer = buffer_open(scope->arena, XML_SIZE_MAX), .scope = scope, .layout = layout};
    fhir_type type = fhir_resource_type_of(resource);
    struct frame root = {.name = type == FHIR_TYPE_NONE ? "Resource" : fhir_type_name(type), .index = NO_INDEX};
    buffer_put(&writer.buffer, TEXT("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    enum status status = put_resource(&writer, &root, resource);
    if (status != STATUS_OK) {
        return status;
    }
    if (writer.buffer.full) {
        return fault(scope, STATUS_TOO_LARGE, "", "the answer would be larger than %d bytes", XML_SIZE_MAX);
    }
    *xml_out = buffer_text(&writer.buffer);
    return STATUS_OK;
}
