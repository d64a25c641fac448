#include "records/subset.h"

#include "records/body.h"

enum { ELEMENTS_MAX = 100 };

bool subset_is_whole(const struct subset *subset) {
    return subset->summary == SEARCH_SUMMARY_FALSE && subset->element_count == 0;
}

static const struct {
    const char *code;
    enum search_summary summary;
} summaries[] = {
    {"false", SEARCH_SUMMARY_FALSE},
    {"true", SEARCH_SUMMARY_TRUE},
    {"text", SEARCH_SUMMARY_TEXT},
    {"data", SEARCH_SUMMARY_DATA},
};

static enum status parse_summary(struct subset *out, struct text value, struct scope *scope) {
    for (size_t i = 0; i < sizeof summaries / sizeof *summaries; i++) {
        if (text_is(value, summaries[i].code)) {
            out->summary = summaries[i].summary;
            return STATUS_OK;
        }
    }
    return fault(scope, STATUS_INVALID, "_summary", "true, text, data or false");
}

static enum status parse_elements(struct subset *out, struct text value, fhir_type type, struct scope *scope) {
    struct text *elements = ARENA_ARRAY(scope->arena, struct text, ELEMENTS_MAX);
    for (struct text rest = value; rest.at != NULL || out->element_count == 0;) {
        struct text name = text_trim(text_cut(&rest, ','));
        if (out->element_count == ELEMENTS_MAX) {
            return fault(scope, STATUS_TOO_COSTLY, "_elements", "at most %d elements", ELEMENTS_MAX);
        }
        struct text path = name;
        fhir_type of = fhir_path_type(&path);
        bool is_of_another = of != FHIR_TYPE_NONE && type != FHIR_TYPE_NONE && of != type;
        if (is_of_another || !fhir_path_exists(type, name)) {
            return fault(scope, STATUS_INVALID, "_elements", "names of elements, with commas between");
        }
        elements[out->element_count++] = name;
    }
    out->elements = elements;
    return STATUS_OK;
}

enum status subset_parse(struct subset *out, fhir_type type, const struct search_pair *pairs, size_t count,
    enum search_handling handling, struct scope *scope) {
    *out = (struct subset){.summary = SEARCH_SUMMARY_FALSE};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (text_is(pairs[i].name, "_summary")) {
            status = parse_summary(out, pairs[i].value, scope);
        } else if (text_is(pairs[i].name, "_elements")) {
            status = parse_elements(out, pairs[i].value, type, scope);
        } else if (handling == SEARCH_STRICT && !text_is(pairs[i].name, "_format") &&
                   !text_is(pairs[i].name, "_pretty")) {
            status =
                fault(scope, STATUS_INVALID, "", "reading a resource knows the parameters _summary and _elements only");
        }
    }
    return status;
}

enum status subset_take(struct subset *out, struct text summary, struct text elements, struct scope *scope) {
    *out = (struct subset){.summary = SEARCH_SUMMARY_FALSE};
    enum status status = summary.at == NULL ? STATUS_OK : parse_summary(out, summary, scope);
    return status == STATUS_OK && elements.at != NULL ? parse_elements(out, elements, FHIR_TYPE_NONE, scope) : status;
}

/* ---- choosing --------------------------------------------------------------------------------------------------- */

/* A member is asked for by its own name, or by its element's ("value" is valueQuantity too, "name" also _name). */
static bool is_asked(struct text asked, struct text member, const struct fhir_element *element) {
    return text_equal(asked, member) || (element != NULL && text_is(asked, element->name));
}

static bool is_always_kept(struct text member) {
    return text_is(member, "resourceType") || text_is(member, "id");
}

static bool is_kept(const struct subset *subset, struct text member, const struct fhir_element *element) {
    bool mandatory = element != NULL && element->min > 0;
    switch (subset->summary) {
    case SEARCH_SUMMARY_TRUE:
        return element != NULL && element->is_summary;
    case SEARCH_SUMMARY_TEXT:
        return mandatory || text_is(member, "text");
    case SEARCH_SUMMARY_DATA:
        return !text_is(member, "text") && !text_is(member, "_text");
    case SEARCH_SUMMARY_FALSE:
    case SEARCH_SUMMARY_COUNT:
        break;
    }
    return true;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void write_tag(struct json_writer *w) {
    json_object_open(w);
    json_member_string(w, "system", "http://terminology.hl7.org/CodeSystem/v3-ObservationValue");
    json_member_string(w, "code", "SUBSETTED");
    json_object_close(w);
}

static void write_tags(struct json_writer *w, const yyjson_val *tags) {
    json_array_open(w);
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)tags);
    for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
        json_value(w, item);
    }
    write_tag(w);
    json_array_close(w);
}

static void write_meta(struct json_writer *w, const yyjson_val *meta) {
    json_object_open(w);
    bool has_tags = false;
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)meta);
    for (yyjson_val *name = NULL; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        json_name_text(w, json_text(name));
        if (text_is(json_text(name), "tag")) {
            write_tags(w, yyjson_obj_iter_get_val(name));
            has_tags = true;
        } else {
            json_value(w, yyjson_obj_iter_get_val(name));
        }
    }
    if (!has_tags) {
        json_name(w, "tag");
        write_tags(w, NULL);
    }
    json_object_close(w);
}

static void write_summary_object(struct json_writer *w, const yyjson_val *object, fhir_type type);

/* Only elements that a resource defines itself are thinned out further; a datatype stays whole. */
static void write_summary_value(struct json_writer *w, const yyjson_val *value, fhir_type type) {
    if (type == FHIR_TYPE_NONE || fhir_type_kind(type) != FHIR_BACKBONE) {
        json_value(w, value);
    } else if (yyjson_is_arr((yyjson_val *)value)) {
        json_array_open(w);
        yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)value);
        for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
            write_summary_value(w, item, type);
        }
        json_array_close(w);
    } else if (yyjson_is_obj((yyjson_val *)value)) {
        write_summary_object(w, value, type);
    } else {
        json_value(w, value);
    }
}

static void write_summary_object(struct json_writer *w, const yyjson_val *object, fhir_type type) {
    json_object_open(w);
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)object);
    for (yyjson_val *name = NULL; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        struct fhir_member member = {0};
        if (fhir_member_find(&member, type, json_text(name)) && member.element->is_summary) {
            json_name_text(w, json_text(name));
            write_summary_value(w, yyjson_obj_iter_get_val(name), member.is_companion ? FHIR_TYPE_NONE : member.type);
        }
    }
    json_object_close(w);
}

/* What the paths of an object mean for one of its members. */
struct wish {
    bool is_whole;
    fhir_type type;
    struct text within[ELEMENTS_MAX]; /* what is asked of its value */
    size_t count;
};

/* A path that ends takes all of a member; what is mandatory is always taken. */
static void wish_read(
    struct wish *out, const yyjson_val *name, fhir_type type, const struct text *paths, size_t count) {
    struct fhir_member member = {0};
    bool known = fhir_member_find(&member, type, json_text(name));
    out->is_whole = known && member.element->min > 0;
    out->type = member.type;
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct text rest = paths[i];
        struct text asked = text_cut(&rest, '.');
        if (is_asked(asked, json_text(name), known ? member.element : NULL)) {
            out->is_whole = out->is_whole || rest.at == NULL;
            out->within[out->count++] = rest;
        }
    }
    if (!known || member.is_companion || fhir_type_kind(member.type) == FHIR_PRIMITIVE) {
        out->count = 0; /* nothing stands inside */
    }
}

/* FHIR has neither empty objects nor empty arrays. */
static bool has_chosen(const yyjson_val *value, fhir_type type, const struct text *paths, size_t count) {
    if (yyjson_is_arr((yyjson_val *)value)) {
        yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)value);
        for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
            if (has_chosen(item, type, paths, count)) {
                return true;
            }
        }
        return false;
    }
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)value);
    for (yyjson_val *name = NULL; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        struct wish wish;
        wish_read(&wish, name, type, paths, count);
        if (wish.is_whole ||
            (wish.count > 0 && has_chosen(yyjson_obj_iter_get_val(name), wish.type, wish.within, wish.count))) {
            return true;
        }
    }
    return false;
}

static void write_chosen(
    struct json_writer *w, const yyjson_val *value, fhir_type type, const struct text *paths, size_t count);

static void write_chosen_member(struct json_writer *w, const yyjson_val *name, const yyjson_val *value, fhir_type type,
    const struct text *paths, size_t count) {
    struct wish wish;
    wish_read(&wish, name, type, paths, count);
    if (wish.is_whole) {
        json_name_text(w, json_text(name));
        json_value(w, value);
    } else if (wish.count > 0 && has_chosen(value, wish.type, wish.within, wish.count)) {
        json_name_text(w, json_text(name));
        write_chosen(w, value, wish.type, wish.within, wish.count);
    }
}

static void write_chosen(
    struct json_writer *w, const yyjson_val *value, fhir_type type, const struct text *paths, size_t count) {
    if (yyjson_is_arr((yyjson_val *)value)) {
        json_array_open(w);
        yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)value);
        for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL;) {
            if (has_chosen(item, type, paths, count)) {
                write_chosen(w, item, type, paths, count);
            }
        }
        json_array_close(w);
        return;
    }
    json_object_open(w);
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)value);
    for (yyjson_val *name = NULL; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        write_chosen_member(w, name, yyjson_obj_iter_get_val(name), type, paths, count);
    }
    json_object_close(w);
}

/* The paths that speak of this type. Where all speak of others, a resource stays whole. */
static size_t paths_of(struct text *out, const struct subset *subset, fhir_type type) {
    size_t count = 0;
    for (size_t i = 0; i < subset->element_count; i++) {
        struct text path = subset->elements[i];
        fhir_type of = fhir_path_type(&path);
        if (of == FHIR_TYPE_NONE || of == type) {
            out[count++] = path;
        }
    }
    return count;
}

struct choice {
    const struct subset *subset;
    struct text paths[ELEMENTS_MAX];
    size_t path_count;
};

static void write_member(struct json_writer *w, const struct choice *choice, fhir_type type, const yyjson_val *name,
    const yyjson_val *value) {
    const struct subset *subset = choice->subset;
    struct text text = json_text(name);
    struct fhir_member member = {0};
    bool known = fhir_member_find(&member, type, text);
    if (text_is(text, "meta")) {
        json_name(w, "meta");
        write_meta(w, value);
    } else if (is_always_kept(text)) {
        json_name_text(w, text);
        json_value(w, value);
    } else if (choice->path_count > 0) {
        write_chosen_member(w, name, value, type, choice->paths, choice->path_count);
    } else if (is_kept(subset, text, known ? member.element : NULL)) {
        bool thinned = subset->summary == SEARCH_SUMMARY_TRUE && !member.is_companion;
        json_name_text(w, text);
        write_summary_value(w, value, thinned ? member.type : FHIR_TYPE_NONE);
    }
}

enum status subset_write(struct text *out, const struct subset *subset, struct text resource, struct scope *scope) {
    yyjson_doc *doc = NULL;
    enum status status = json_read(&doc, resource, scope);
    if (status != STATUS_OK) {
        return status;
    }
    yyjson_val *root = yyjson_doc_get_root(doc);
    fhir_type type = fhir_resource_type_of(root);
    struct choice choice = {.subset = subset};
    choice.path_count = paths_of(choice.paths, subset, type);
    if (subset->element_count > 0 && choice.path_count == 0) {
        *out = resource;
        return STATUS_OK;
    }
    struct json_writer w = json_writer_open(scope->arena, 2 * RECORDS_RESOURCE_BYTES_MAX);
    json_object_open(&w);
    yyjson_obj_iter members = yyjson_obj_iter_with(root);
    for (yyjson_val *name = NULL; (name = yyjson_obj_iter_next(&members)) != NULL;) {
        write_member(&w, &choice, type, name, yyjson_obj_iter_get_val(name));
    }
    json_object_close(&w);
    return json_finish(out, &w, scope);
}
