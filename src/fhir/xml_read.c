/* FHIR XML as JSON in one pass: since elements stand in definition order, an array ends where the next member begins. A
 * primitive's id and extensions are written aside until its value, or the whole array of values, has ended. */
#include <stdio.h>
#include <string.h>

#include "fhir/definitions.h"
#include "fhir/primitives.h"
#include "fhir/xml.h"
#include "type_numbers.h"

enum {
    FRAMES_MAX = 2 * JSON_DEPTH_MAX + 2, /* what holds a resource has a level in XML that JSON has not */
    JSON_SIZE_MAX = 1 << 30,
    PATH_SIZE_MAX = 512,
    TEXT_SIZE_MAX = 256,
    NAME_SHOWN_MAX = 64,
    NO_INDEX = -1,
    NO_POSITION = -1,
    DEADLINE_EVERY = 4096, /* elements */
    SKIPPED_DEPTH_MAX = 256,
};

enum place {
    PLACE_OBJECT,
    PLACE_RESOURCE,
    PLACE_HOLDER, /* its one child is a resource */
    PLACE_PRIMITIVE,
};

struct companion {
    struct companion *next;
    int index;
    struct text json;
};

struct frame {
    enum place place;
    const struct type_row *type; /* whose members stand inside; NULL in a holder */
    const char *name;            /* NULL: the resource in a holder, whose path is the holder's */
    int index;                   /* in its array, or NO_INDEX */
    int depth;                   /* of JSON's containers */
    bool is_bare, is_empty, has_text;
    struct json_writer *writer; /* where its members go; a primitive's is made when it is needed */
    /* the member being written */
    const struct member_row *member;
    int position, count;
    bool is_array_open; /* of values */
    struct companion *first, *last;
};

struct reader {
    struct scope *scope;
    struct text source;
    struct json_writer writer;
    struct xml_narrative narrative;
    bool in_narrative;
    int depth, skipped; /* open frames; open elements inside one that was refused, itself included */
    int faults_before;
    size_t elements;
    struct frame frames[FRAMES_MAX];
};

static struct frame *top(struct reader *reader) {
    return &reader->frames[reader->depth - 1];
}

/* ---- faults ----------------------------------------------------------------------------------------------------- */

static bool is_showable(const char *name) {
    size_t size = strlen(name);
    return size > 0 && size <= NAME_SHOWN_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == size;
}

/* Of the open element, or of its child `name` where one is named. */
static const char *path_of(const struct reader *reader, const char *name) {
    struct buffer path = buffer_open(reader->scope->arena, PATH_SIZE_MAX);
    for (int i = 0; i < reader->depth; i++) {
        const struct frame *frame = &reader->frames[i];
        if (frame->name != NULL) {
            buffer_put_string(&path, path.size > 0 ? "." : "");
            buffer_put_string(&path, frame->name);
        }
        if (frame->index != NO_INDEX) {
            buffer_put_format(&path, "[%d]", frame->index);
        }
    }
    if (name != NULL) {
        buffer_put_string(&path, path.size > 0 ? "." : "");
        buffer_put_string(&path, name);
    }
    return text_string(reader->scope->arena, buffer_text(&path));
}

/* STATUS_OK while there is room for more faults: the reading goes on to find them. What holds a fault is not called empty
 * on top of it. */
PRINTF_LIKE(3, 4)
static enum status refuse(struct reader *reader, const char *name, const char *format, ...) {
    char text[TEXT_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)fault(reader->scope, STATUS_INVALID, path_of(reader, name), "%s", text);
    if (reader->depth > 0) {
        top(reader)->is_empty = false;
    }
    return reader->scope->fault.count - reader->faults_before < FAULT_ISSUES_MAX ? STATUS_OK : STATUS_INVALID;
}

/* ---- members ---------------------------------------------------------------------------------------------------- */

static struct text member_name(const struct member_row *row) {
    return (struct text){fhir_strings + row->name, row->name_size};
}

static void write_companion_name(struct json_writer *w, const struct member_row *row) {
    char name[NAME_SHOWN_MAX + 2];
    int size = snprintf(name, sizeof name, "_%s", fhir_strings + row->name);
    json_name_text(w, (struct text){name, (size_t)size});
}

/* A primitive's writer is that of its companion. */
static struct json_writer *writer_of(struct reader *reader, struct frame *frame) {
    if (frame->writer == NULL) {
        frame->writer = arena_alloc(reader->scope->arena, sizeof *frame->writer);
        *frame->writer = json_writer_open(reader->scope->arena, JSON_SIZE_MAX);
        json_object_open(frame->writer);
    }
    frame->is_empty = false;
    return frame->writer;
}

static const struct fhir_element *open_element_of(const struct frame *frame) {
    return type_element(frame->type, frame->member->position);
}

/* Ends what the member before left open. */
static void end_member(struct reader *reader, struct frame *frame) {
    if (frame->member == NULL || open_element_of(frame)->max == 1) {
        return;
    }
    struct json_writer *w = writer_of(reader, frame);
    if (frame->is_array_open) {
        json_array_close(w);
        frame->is_array_open = false;
    }
    if (frame->first == NULL) {
        return;
    }
    write_companion_name(w, frame->member);
    json_array_open(w);
    const struct companion *companion = frame->first;
    for (int i = 0; i < frame->count; i++) {
        if (companion != NULL && companion->index == i) {
            json_raw(w, companion->json);
            companion = companion->next;
        } else {
            json_null(w);
        }
    }
    json_array_close(w);
    frame->first = frame->last = NULL;
}

/* Name and bracket of a member that gets its first value; nulls stand for primitives before it that had none. */
static void begin_value(struct json_writer *w, struct frame *parent, const struct member_row *row, uint16_t max) {
    if (max == 1) {
        json_name_text(w, member_name(row));
        return;
    }
    if (!parent->is_array_open) {
        json_name_text(w, member_name(row));
        json_array_open(w);
        parent->is_array_open = true;
        for (int i = 1; i < parent->count; i++) {
            json_null(w);
        }
    }
}

/* What JSON holds without quotes must be checked before it stands there. */
static enum status write_primitive(struct reader *reader, struct json_writer *w, fhir_type type, struct text value) {
    const struct primitive *primitive = primitive_of(type);
    if (primitive->json == PRIMITIVE_STRING) {
        json_string_text(w, value);
        return STATUS_OK;
    }
    if (primitive->is_valid(value)) {
        json_raw(w, value);
        return STATUS_OK;
    }
    json_null(w);
    return refuse(reader, NULL, "expected %s", primitive->expected);
}

/* ---- attributes ------------------------------------------------------------------------------------------------- */

/* Where validators look for schemas: allowed, and of no meaning here. */
static bool is_schema_location(const struct xml_attribute *attribute) {
    return attribute->space != NULL && strcmp(attribute->space, XML_SPACE_SCHEMA_INSTANCE) == 0 &&
           (strcmp(attribute->name, "schemaLocation") == 0 ||
               strcmp(attribute->name, "noNamespaceSchemaLocation") == 0);
}

/* ids and Extension.url: the elements without an inside, outside of resources. */
static const struct member_row *attribute_row(const struct frame *frame, const struct xml_attribute *attribute) {
    if (attribute->space != NULL || frame->place == PLACE_RESOURCE || frame->type == NULL || frame->is_bare) {
        return NULL;
    }
    const struct member_row *row = member_row_find(frame->type, attribute->name, strlen(attribute->name));
    return row != NULL && type_element(frame->type, row->position)->is_bare ? row : NULL;
}

/* Writes the attributes of the element that was opened last; a primitive's value is the caller's. */
static enum status take_attributes(
    struct reader *reader, struct frame *frame, const struct xml_event *event, struct text *value) {
    *value = (struct text){NULL, 0};
    for (int i = 0; i < event->attribute_count; i++) {
        struct xml_attribute attribute = xml_event_attribute(event, i);
        bool is_value = attribute.space == NULL && strcmp(attribute.name, "value") == 0;
        if (frame->place == PLACE_PRIMITIVE && is_value) {
            *value = attribute.value;
            continue;
        }
        if (is_schema_location(&attribute)) {
            continue;
        }
        const struct member_row *row = attribute_row(frame, &attribute);
        if (row == NULL) {
            const char *name = attribute.space == NULL && is_showable(attribute.name) ? attribute.name : "of this name";
            enum status status = refuse(reader, NULL, "no attribute %s is allowed here", name);
            if (status != STATUS_OK) {
                return status;
            }
            continue;
        }
        struct json_writer *w = writer_of(reader, frame);
        json_name_text(w, member_name(row));
        json_string_text(w, attribute.value);
    }
    return STATUS_OK;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static struct frame *push(struct reader *reader, struct frame frame) {
    invariant(reader->depth < FRAMES_MAX);
    frame.position = NO_POSITION;
    frame.is_empty = true;
    reader->frames[reader->depth++] = frame;
    return top(reader);
}

static bool is_in_space(const struct xml_event *event, const char *space) {
    return event->space != NULL && strcmp(event->space, space) == 0;
}

static enum status open_resource(struct reader *reader, const struct xml_event *event) {
    struct frame *holder = reader->depth == 0 ? NULL : top(reader);
    if (!is_in_space(event, XML_SPACE_FHIR)) {
        reader->skipped = 1;
        return refuse(reader, NULL, "expected a resource in the namespace " XML_SPACE_FHIR);
    }
    fhir_type type = fhir_type_find(text_from(event->name));
    if (type == FHIR_TYPE_NONE || fhir_resource_number(type) == 0) {
        reader->skipped = 1;
        return refuse(reader, NULL, "expected an element with the name of an R4 resource type");
    }
    if (holder != NULL && holder->count++ > 0) {
        reader->skipped = 1;
        return refuse(reader, NULL, "one resource stands here, not more");
    }
    struct json_writer *w = holder == NULL ? &reader->writer : holder->writer;
    struct frame *frame = push(reader, (struct frame){
                                           .place = PLACE_RESOURCE,
                                           .type = type_row_of(type),
                                           .name = holder == NULL ? fhir_type_name(type) : NULL,
                                           .index = NO_INDEX,
                                           .depth = holder == NULL ? 1 : holder->depth,
                                           .writer = w,
                                       });
    json_object_open(w);
    json_member_string(w, "resourceType", fhir_type_name(type));
    struct text none;
    return take_attributes(reader, frame, event, &none);
}

/* What is wrong with a child of this name here; NULL and its row where nothing is. */
static const char *find_member(
    const struct member_row **out, const struct frame *parent, const struct xml_event *event) {
    const struct member_row *row = parent->type == NULL || parent->is_bare
                                       ? NULL
                                       : member_row_find(parent->type, event->name, strlen(event->name));
    if (row == NULL) {
        return "%s has no such element";
    }
    if (!is_in_space(event, row->type == TYPE_xhtml ? XML_SPACE_XHTML : XML_SPACE_FHIR)) {
        return "this element of %s is in another namespace";
    }
    const struct fhir_element *element = type_element(parent->type, row->position);
    if (element->is_bare && parent->place != PLACE_RESOURCE) {
        return "%s has this as an attribute";
    }
    if (row->position < parent->position) {
        return "out of order: it stands further up among the elements of %s";
    }
    if (row->position == parent->position && row != parent->member) {
        return "%s allows one type at a time here";
    }
    if (row->position == parent->position && element->max == 1) {
        return "%s allows one value here";
    }
    *out = row;
    return NULL;
}

static enum status open_primitive(struct reader *reader, struct frame *parent, const struct member_row *row,
    struct frame frame, const struct xml_event *event) {
    const struct fhir_element *element = open_element_of(parent);
    struct json_writer *w = writer_of(reader, parent);
    frame.place = PLACE_PRIMITIVE;
    frame.is_bare = element->is_bare;
    struct frame *own = push(reader, frame);
    struct text value;
    enum status status = take_attributes(reader, own, event, &value);
    if (value.at == NULL && parent->is_array_open) {
        json_null(w);
    } else if (value.at != NULL) {
        own->is_empty = false;
        begin_value(w, parent, row, element->max);
        enum status written = write_primitive(reader, w, row->type, value);
        status = status == STATUS_OK ? written : status;
    }
    return status;
}

static enum status open_complex(struct reader *reader, struct frame *parent, const struct member_row *row,
    struct frame frame, const struct xml_event *event) {
    struct json_writer *w = writer_of(reader, parent);
    bool is_holder = fhir_type_kind(row->type) == FHIR_RESOURCE;
    begin_value(w, parent, row, open_element_of(parent)->max);
    frame.place = is_holder ? PLACE_HOLDER : PLACE_OBJECT;
    frame.type = is_holder ? NULL : frame.type;
    frame.writer = w;
    struct frame *own = push(reader, frame);
    if (!is_holder) {
        json_object_open(w);
    }
    struct text none;
    return take_attributes(reader, own, event, &none);
}

static enum status open_narrative(
    struct reader *reader, struct frame *parent, const struct member_row *row, const struct xml_event *event) {
    struct json_writer *w = writer_of(reader, parent);
    begin_value(w, parent, row, 1);
    reader->narrative = xml_narrative_begin(reader->source, event, reader->scope);
    reader->in_narrative = true;
    const char *problem = xml_narrative_take(&reader->narrative, event);
    return problem == NULL ? STATUS_OK : fault(reader->scope, STATUS_INVALID, path_of(reader, "div"), "%s", problem);
}

static enum status open_member(struct reader *reader, const struct xml_event *event) {
    struct frame *parent = top(reader);
    const struct member_row *row = NULL;
    const char *problem = find_member(&row, parent, event);
    if (problem != NULL) {
        char text[TEXT_SIZE_MAX];
        const char *type = parent->type == NULL ? "this" : fhir_strings + parent->type->name;
        (void)snprintf(text, sizeof text, problem, type);
        reader->skipped = 1;
        return refuse(reader, is_showable(event->name) ? event->name : NULL, "%s", text);
    }
    const struct fhir_element *element = type_element(parent->type, row->position);
    bool is_repeating = element->max != 1, is_primitive = type_row_of(row->type)->kind == FHIR_PRIMITIVE;
    if (parent->depth + is_repeating + !is_primitive > JSON_DEPTH_MAX) {
        reader->skipped = 1;
        return refuse(reader, element->name, "nested deeper than %d", JSON_DEPTH_MAX);
    }
    if (row->position != parent->position) {
        end_member(reader, parent);
        parent->member = row;
        parent->position = row->position;
        parent->count = 0;
    }
    struct frame frame = {
        .type = type_row_of(row->type),
        .name = element->name,
        .index = is_repeating ? parent->count : NO_INDEX,
        .depth = parent->depth + 1 + is_repeating,
    };
    parent->count++;
    if (row->type == TYPE_xhtml) {
        return open_narrative(reader, parent, row, event);
    }
    return is_primitive ? open_primitive(reader, parent, row, frame, event)
                        : open_complex(reader, parent, row, frame, event);
}

static enum status open_element(struct reader *reader, const struct xml_event *event) {
    if (++reader->elements % DEADLINE_EVERY == 0) {
        enum status status = scope_check_deadline(reader->scope);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (reader->skipped > 0) {
        return reader->skipped++ < SKIPPED_DEPTH_MAX ? STATUS_OK : STATUS_INVALID; /* there is a fault already */
    }
    bool is_resource = reader->depth == 0 || top(reader)->place == PLACE_HOLDER;
    return is_resource ? open_resource(reader, event) : open_member(reader, event);
}

/* ---- closing ---------------------------------------------------------------------------------------------------- */

static enum status close_primitive(struct reader *reader, struct frame *frame) {
    struct frame *parent = frame - 1;
    if (frame->is_empty) {
        return refuse(reader, NULL, "an element with neither a value nor extensions: leave it out");
    }
    if (frame->writer == NULL) {
        return STATUS_OK;
    }
    struct text json;
    json_object_close(frame->writer);
    enum status status = json_finish(&json, frame->writer, reader->scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (frame->index == NO_INDEX) {
        struct json_writer *w = writer_of(reader, parent);
        write_companion_name(w, parent->member);
        json_raw(w, json);
        return STATUS_OK;
    }
    struct companion *companion = ARENA_NEW(reader->scope->arena, struct companion);
    *companion = (struct companion){.index = frame->index, .json = json};
    if (parent->last == NULL) {
        parent->first = companion;
    } else {
        parent->last->next = companion;
    }
    parent->last = companion;
    return STATUS_OK;
}

static enum status close_frame(struct reader *reader, struct frame *frame) {
    end_member(reader, frame);
    switch (frame->place) {
    case PLACE_PRIMITIVE:
        return close_primitive(reader, frame);
    case PLACE_HOLDER:
        if (frame->count > 0) {
            return STATUS_OK;
        }
        json_null(frame->writer);
        return frame->is_empty ? refuse(reader, NULL, "expected a resource") : STATUS_OK;
    case PLACE_OBJECT:
        json_object_close(frame->writer);
        return frame->is_empty ? refuse(reader, NULL, "an empty element: leave it out") : STATUS_OK;
    case PLACE_RESOURCE:
        json_object_close(frame->writer);
    }
    return STATUS_OK;
}

static enum status close_element(struct reader *reader) {
    if (reader->skipped > 0) {
        reader->skipped--;
        return STATUS_OK;
    }
    enum status status = close_frame(reader, top(reader));
    reader->depth--;
    return status;
}

static enum status take_text(struct reader *reader, struct text text) {
    if (reader->skipped > 0 || reader->depth == 0 || top(reader)->has_text || text_trim(text).size == 0) {
        return STATUS_OK;
    }
    top(reader)->has_text = true;
    return refuse(reader, NULL, "text between elements: a value stands in the attribute value");
}

static enum status take_narrative(struct reader *reader, const struct xml_event *event) {
    const char *problem = xml_narrative_take(&reader->narrative, event);
    if (problem != NULL) {
        return fault(reader->scope, STATUS_INVALID, path_of(reader, "div"), "%s", problem);
    }
    if (reader->narrative.depth == 0) {
        reader->in_narrative = false;
        json_string_text(top(reader)->writer, xml_narrative_text(&reader->narrative, event->offset));
    }
    return STATUS_OK;
}

static enum status take_event(void *context, const struct xml_event *event, struct scope *scope) {
    struct reader *reader = context;
    (void)scope;
    if (reader->in_narrative) {
        return take_narrative(reader, event);
    }
    switch (event->kind) {
    case XML_OPEN:
        return open_element(reader, event);
    case XML_CLOSE:
        return close_element(reader);
    case XML_CHARACTERS:
    case XML_CDATA:
        return take_text(reader, event->text);
    default:
        return STATUS_OK;
    }
}

enum status fhir_xml_read(struct text *json_out, struct text xml, struct scope *scope) {
    struct reader reader;
    memset(&reader, 0, offsetof(struct reader, frames));
    reader.scope = scope;
    reader.source = xml;
    reader.writer = json_writer_open(scope->arena, JSON_SIZE_MAX);
    reader.faults_before = scope->fault.count;
    enum status status = xml_parse(xml, take_event, &reader, scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (scope->fault.count > reader.faults_before) {
        return STATUS_INVALID;
    }
    return json_finish(json_out, &reader.writer, scope);
}
