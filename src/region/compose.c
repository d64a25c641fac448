#include "region/compose.h"

#include "region/naming.h"

enum { RESOURCE_BYTES_MAX = 4 << 20 };

/* ---- one resource ----------------------------------------------------------------------------------------------- */

static const char assumed_narrative[] =
    "<div xmlns=\"http://www.w3.org/1999/xhtml\">가정: 어느 기관도 공표하지 않은 값이 들어 있으며 시연과 모의에만 "
    "쓴다. "
    "Assumption: holds values that no publisher states; for demonstration and simulation only, never for care.</div>";

static void put_tag(struct json_writer *w, const char *system, struct text code) {
    put_coding(w, &(struct coding){system, code, {0}});
}

struct json_writer resource_open(const struct composing *c, const char *type, struct text id, unsigned labels) {
    struct json_writer w = json_writer_open(c->scope->arena, RESOURCE_BYTES_MAX);
    json_object_open(&w);
    json_member_string(&w, "resourceType", type);
    json_member_text(&w, "id", id);
    json_name(&w, "meta");
    json_object_open(&w);
    json_name(&w, "tag");
    json_array_open(&w);
    put_tag(&w, SYSTEM_REGION, c->folder->settings.id);
    if ((labels & LABELLED_ASSUMED) != 0) {
        put_tag(&w, SYSTEM_LABEL, TEXT(LABEL_ASSUMED));
    }
    if ((labels & LABELLED_NEIGHBOUR) != 0) {
        put_tag(&w, SYSTEM_LABEL, TEXT(LABEL_NEIGHBOUR));
    }
    json_array_close(&w);
    json_object_close(&w);
    if ((labels & LABELLED_ASSUMED) != 0) {
        json_name(&w, "text");
        json_object_open(&w);
        json_member_string(&w, "status", "additional");
        json_member_string(&w, "div", assumed_narrative);
        json_object_close(&w);
    }
    return w;
}

static void keep(struct composing *c, struct text resource) {
    struct composed *out = c->out;
    if (out->count == out->capacity) {
        size_t wider = out->capacity == 0 ? 1024 : out->capacity * 2;
        out->at = arena_resize(c->scope->arena, out->at, out->capacity * sizeof *out->at, wider * sizeof *out->at);
        out->capacity = wider;
    }
    out->at[out->count++] = resource;
}

void resource_close(struct composing *c, struct json_writer *w) {
    struct text resource;
    json_object_close(w);
    enum status status = json_finish(&resource, w, c->scope);
    if (status == STATUS_OK) {
        keep(c, resource);
    } else {
        c->status = status;
    }
}

/* ---- datatypes -------------------------------------------------------------------------------------------------- */

void put_coding(struct json_writer *w, const struct coding *coding) {
    json_object_open(w);
    json_member_string(w, "system", coding->system);
    json_member_text(w, "code", coding->code);
    json_member_text(w, "display", coding->display);
    json_object_close(w);
}

static void put_concept_object(struct json_writer *w, const struct coding *coding) {
    json_object_open(w);
    json_name(w, "coding");
    json_array_open(w);
    put_coding(w, coding);
    json_array_close(w);
    json_object_close(w);
}

void put_concept(struct json_writer *w, const char *name, const struct coding *coding) {
    json_name(w, name);
    put_concept_object(w, coding);
}

void put_concept_list(struct json_writer *w, const char *name, const struct coding *coding) {
    json_name(w, name);
    json_array_open(w);
    put_concept_object(w, coding);
    json_array_close(w);
}

static void put_reference_object(struct json_writer *w, const char *type, struct text id) {
    json_object_open(w);
    struct text reference = text_format(w->buffer.arena, "%s/%.*s", type, (int)id.size, id.at);
    json_member_text(w, "reference", reference);
    json_object_close(w);
}

void put_reference(struct json_writer *w, const char *name, const char *type, struct text id) {
    json_name(w, name);
    put_reference_object(w, type, id);
}

void put_reference_list(struct json_writer *w, const char *name, const char *type, struct text id) {
    json_name(w, name);
    json_array_open(w);
    put_reference_object(w, type, id);
    json_array_close(w);
}

void put_string_list(struct json_writer *w, const char *name, struct text value) {
    if (value.size == 0) {
        return;
    }
    json_name(w, name);
    json_array_open(w);
    json_string_text(w, value);
    json_array_close(w);
}

void extension_open(struct json_writer *w, const char *url) {
    json_object_open(w);
    json_member_string(w, "url", url);
    json_name(w, "extension");
    json_array_open(w);
}

void extension_close(struct json_writer *w) {
    json_array_close(w);
    json_object_close(w);
}

void put_extension_text(struct json_writer *w, const char *url, const char *value_name, struct text value) {
    if (value.size == 0) {
        return;
    }
    json_object_open(w);
    json_member_string(w, "url", url);
    json_member_text(w, value_name, value);
    json_object_close(w);
}

void put_extension_int(struct json_writer *w, const char *url, int64_t value) {
    json_object_open(w);
    json_member_string(w, "url", url);
    json_member_int(w, "valueInteger", value);
    json_object_close(w);
}

void put_extension_decimal(struct json_writer *w, const char *url, double value, int decimals) {
    json_object_open(w);
    json_member_string(w, "url", url);
    json_member_decimal(w, "valueDecimal", value, decimals);
    json_object_close(w);
}

void put_position(struct json_writer *w, const struct csv *table, const struct csv_row *row) {
    double latitude = 0, longitude = 0;
    if (!text_to_double(&latitude, csv_cell(table, row, "lat")) ||
        !text_to_double(&longitude, csv_cell(table, row, "lon"))) {
        return;
    }
    json_name(w, "position");
    json_object_open(w);
    json_member_decimal(w, "longitude", longitude, 7);
    json_member_decimal(w, "latitude", latitude, 7);
    json_object_close(w);
}

void put_physical_type(struct json_writer *w, const char *code) {
    put_concept(w, "physicalType",
        &(struct coding){"http://terminology.hl7.org/CodeSystem/location-physical-type", text_from(code), {0}});
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

enum status compose_folder(
    struct composed *out, const struct region_folder *folder, int64_t now_us, struct scope *scope) {
    *out = (struct composed){0};
    struct composing c = {.folder = folder, .out = out, .now_us = now_us, .scope = scope};
    compose_area(&c);
    compose_codes(&c);
    compose_places(&c);
    return c.status;
}
