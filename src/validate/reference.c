/* References: what they lead to, within the document first: contained resources, entries of the Bundle. */
#include "validate/run.h"

#include <string.h>

/* The entries of a Bundle in an open-addressing table by the tail of their fullUrl, "Patient/1", or by all of it where it has
 * none (urn:uuid:). At most half full. */
struct validate_entries {
    size_t mask;
    struct entry_slot {
        struct text url, tail;
        const yyjson_val *resource;
    } * slots;
};

static size_t text_hash(struct text text) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ (uint8_t)text.at[i]) * 16777619u;
    }
    return hash ^ (hash >> 15);
}

/* "Patient/1" of "http://server/fhir/Patient/1" and of "Patient/1/_history/2". */
static struct text tail_of(struct validate_run *run, struct text url) {
    struct fhir_reference parsed;
    if (fhir_reference_parse(&parsed, url, run->environment->own_base) && parsed.type != FHIR_TYPE_NONE &&
        parsed.id.size > 0 && (parsed.kind == FHIR_REFERENCE_LOCAL || parsed.kind == FHIR_REFERENCE_ABSOLUTE)) {
        return text_format(
            run->scope->arena, "%s/%.*s", fhir_type_name(parsed.type), (int)parsed.id.size, parsed.id.at);
    }
    return url;
}

static struct validate_entries *read_entries(struct validate_run *run, const yyjson_val *bundle) {
    struct validate_entries *entries = ARENA_NEW(run->scope->arena, struct validate_entries);
    yyjson_val *all = (yyjson_val *)json_get(bundle, "entry"), *each;
    size_t size = 4, index, count;
    while (size < 2 * yyjson_arr_size(all)) {
        size *= 2;
    }
    entries->mask = size - 1;
    entries->slots = ARENA_ARRAY(run->scope->arena, struct entry_slot, size);
    yyjson_arr_foreach(all, index, count, each) {
        struct text url = json_get_text(each, "fullUrl"), tail = tail_of(run, url);
        const yyjson_val *resource = json_get(each, "resource");
        if (url.size == 0 || resource == NULL) {
            continue;
        }
        size_t at = text_hash(tail) & entries->mask;
        while (entries->slots[at].resource != NULL) {
            at = (at + 1) & entries->mask;
        }
        entries->slots[at] = (struct entry_slot){url, tail, resource};
    }
    return entries;
}

/* A relative reference means the same server as the entry it stands in; between the entries of one Bundle the tail decides. */
static const yyjson_val *find_entry(
    struct validate_run *run, const struct validate_place *bundle, struct text reference) {
    struct validate_place *place = (struct validate_place *)bundle; /* the table is its own cache */
    if (place->entries == NULL) {
        place->entries = read_entries(run, bundle->resource);
    }
    struct text tail = tail_of(run, reference);
    bool is_relative = memchr(reference.at, ':', reference.size) == NULL;
    for (size_t at = text_hash(tail) & place->entries->mask; place->entries->slots[at].resource != NULL;
         at = (at + 1) & place->entries->mask) {
        const struct entry_slot *slot = &place->entries->slots[at];
        if (text_equal(slot->url, reference) || (is_relative && text_equal(slot->tail, tail))) {
            return slot->resource;
        }
    }
    return NULL;
}

static const yyjson_val *find_contained(const yyjson_val *root, struct text id) {
    yyjson_val *all = (yyjson_val *)json_get(root, "contained"), *each;
    size_t index, count;
    if (id.size == 0) {
        return root;
    }
    yyjson_arr_foreach(all, index, count, each) {
        if (text_equal(json_get_text(each, "id"), id)) {
            return each;
        }
    }
    return NULL;
}

/* The place of what is found is a copy on which nothing depends but the target itself. */
static void find_inside(
    struct validate_target *out, struct validate_run *run, const struct validate_place *place, struct text reference) {
    if (reference.at[0] == '#') {
        out->resource = find_contained(place->root, (struct text){reference.at + 1, reference.size - 1});
        out->place = (struct validate_place){.around = place->around, .resource = out->resource, .root = place->root};
    }
    for (const struct validate_place *each = place; each != NULL && out->resource == NULL && reference.at[0] != '#';
         each = each->around) {
        if (each->type == run->validate->bundle) {
            out->resource = find_entry(run, each, reference);
            out->place = (struct validate_place){.around = each, .resource = out->resource, .root = out->resource};
        }
    }
    if (out->resource != NULL) {
        out->type = out->place.type = fhir_resource_type_of(out->resource);
    }
}

void validate_find_target(struct validate_target *out, struct validate_run *run, const struct validate_place *place,
    const yyjson_val *reference) {
    struct text text =
        yyjson_is_str((yyjson_val *)reference) ? json_text(reference) : json_get_text(reference, "reference");
    struct text told = json_get_text(reference, "type");
    struct fhir_reference parsed;
    *out = (struct validate_target){0};
    if (text.size > 0) {
        find_inside(out, run, place, text);
    }
    if (out->resource == NULL && text.size > 0 && fhir_reference_parse(&parsed, text, run->environment->own_base)) {
        out->type = parsed.type;
    }
    if (out->type == FHIR_TYPE_NONE && told.size > 0) {
        out->type = fhir_type_find(told);
    }
}

const yyjson_val *validate_resolve(
    struct validate_run *run, const struct validate_place *place, struct text reference) {
    const struct validate_environment *environment = run->environment;
    struct validate_target target = {0};
    if (reference.size > 0) {
        find_inside(&target, run, place, reference);
    }
    if (target.resource == NULL && reference.size > 0 && reference.at[0] != '#' && environment->resolve != NULL) {
        struct scope scope = validate_side_scope(run);
        enum status status = environment->resolve(&target.resource, environment->context, reference, &scope);
        if (status != STATUS_OK) {
            (void)validate_stops(run, status);
            return NULL;
        }
    }
    return target.resource;
}

bool validate_allows_target(const fhir_type *targets, size_t count, fhir_type type) {
    for (size_t i = 0; i < count; i++) {
        if (fhir_type_is(type, targets[i])) {
            return true;
        }
    }
    return count == 0 || type == FHIR_TYPE_NONE;
}

void validate_check_reference(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, const struct fhir_element *element) {
    struct validate_target target;
    validate_find_target(&target, run, place, item->value);
    if (!validate_allows_target(element->targets, element->target_count, target.type)) {
        validate_say(run, VALIDATE_ERROR, "value", NULL, frame, "may not refer to a %s", fhir_type_name(target.type));
    }
}
