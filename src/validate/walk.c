/* R4's own rules over a document: invariants of types and elements, bindings, references, extensions; and the profiles that
 * its resources declare. The structure was checked before: what has the wrong kind of JSON is passed over here. */
#include "validate/profile.h"

#include <string.h>

static void walk_members(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *owner, const struct validate_holder *holder);

bool validate_is_sound(const struct validate_item *item) {
    yyjson_val *value = (yyjson_val *)item->value;
    bool is_primitive = fhir_type_kind(item->type) == FHIR_PRIMITIVE;
    return is_primitive ? !yyjson_is_ctn(value) : yyjson_is_obj(value);
}

struct validate_place validate_place_within(const struct validate *validate, const struct validate_place *around,
    const struct validate_frame *frame, const yyjson_val *resource) {
    bool is_contained = around != NULL && around->type != validate->bundle && strcmp(frame->name, "contained") == 0;
    return (struct validate_place){
        .around = around,
        .resource = resource,
        .root = is_contained ? around->root : resource,
        .type = fhir_resource_type_of(resource),
    };
}

static bool has_contained(const yyjson_val *root, struct text id) {
    yyjson_arr_iter contained = yyjson_arr_iter_with((yyjson_val *)json_get(root, "contained"));
    for (yyjson_val *resource = NULL; (resource = yyjson_arr_iter_next(&contained)) != NULL;) {
        if (text_equal(json_get_text(resource, "id"), id)) {
            return true;
        }
    }
    return false;
}

/* ref-1 ("#id" is contained in the outermost resource) without FHIRPath, which would list all ids for each reference. */
static void check_local_reference(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, const struct validate_invariant *invariant) {
    struct text reference = json_get_text(item->value, "reference");
    if (!validate_is_over(run) && reference.size > 1 && text_starts(reference, "#") &&
        !has_contained(place->root, (struct text){reference.at + 1, reference.size - 1})) {
        validate_say(run, invariant->severity, "invariant", invariant->key, frame, "%s", invariant->human);
    }
}

static void check_rules(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, uint16_t first, uint16_t count) {
    for (uint16_t i = 0; i < count; i++) {
        const struct validate_invariant *invariant = &run->validate->invariants[validate_rule_lists[first + i]];
        if (item->type == run->validate->reference && strcmp(invariant->key, "ref-1") == 0) {
            check_local_reference(run, place, frame, item, invariant);
        } else {
            validate_check_invariant(run, place, frame, item, invariant);
        }
    }
}

static void check_type(struct validate_run *run, const struct validate_place *place, const struct validate_frame *frame,
    const struct validate_item *item) {
    const struct validate_type_rule *rule = validate_type_rule_of(item->type);
    check_rules(run, place, frame, item, rule->first, rule->count);
}

/* ele-1, which every element has, without FHIRPath. */
static void check_content(
    struct validate_run *run, const struct validate_frame *frame, const struct validate_item *item) {
    const yyjson_val *object = fhir_type_kind(item->type) == FHIR_PRIMITIVE ? item->companion : item->value;
    if (item->companion != NULL && item->value != NULL) {
        return;
    }
    if (yyjson_is_obj((yyjson_val *)object) && yyjson_obj_size((yyjson_val *)object) == 1 &&
        json_get(object, "id") != NULL) {
        validate_say(
            run, VALIDATE_ERROR, "invariant", "ele-1", frame, "All FHIR elements must have a @value or children");
    }
}

static void check_element_rule(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, const struct validate_element_rule *rule) {
    check_rules(run, place, frame, item, rule->first, rule->count);
    if (rule->value_set != NULL) {
        validate_check_binding(run, frame, item, (enum validate_strength)rule->strength, text_from(rule->value_set));
    }
    if (rule->max_value_set != NULL) {
        validate_check_binding(run, frame, item, VALIDATE_REQUIRED, text_from(rule->max_value_set));
    }
    if (rule->profile != NULL && item->value != NULL) {
        const struct validate_profile *profile =
            validate_find_profile(run, frame, text_from(rule->profile), (struct text){0});
        if (profile != NULL && fhir_type_is(item->type, profile->type)) { /* of a choice, one type has it */
            validate_conform_profile(run, place, frame, profile, item);
        }
    }
}

struct standing {
    const struct fhir_element *element;
    const struct validate_element_rule *rule;
    const struct validate_holder *holder; /* of the owner: where its extensions stand */
    fhir_type owner;
};

static void walk_item(struct validate_run *run, const struct validate_place *place, const struct validate_frame *frame,
    const struct standing *standing, const struct validate_item *item) {
    if (fhir_type_kind(item->type) == FHIR_RESOURCE) {
        validate_walk_resource(run, place, frame, item->value);
        return;
    }
    if (!validate_is_sound(item)) {
        return;
    }
    check_content(run, frame, item);
    check_type(run, place, frame, item);
    if (standing->rule != NULL) {
        check_element_rule(run, place, frame, item, standing->rule);
    }
    if (item->type == run->validate->reference) {
        validate_check_reference(run, place, frame, item, standing->element);
    }
    if (item->type == run->validate->extension) {
        validate_check_extension(run, place, frame, item, standing->holder);
    }
    struct validate_holder holder = {item->type, standing->owner, standing->element->name, item->value};
    walk_members(run, place, frame, item, &holder);
}

static void walk_element(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *owner, const struct validate_holder *holder,
    const struct fhir_element *element) {
    struct validate_items items = validate_items_of(run, owner, element->name);
    struct standing standing = {element, validate_element_rule_find(owner->type, element->name), holder, owner->type};
    for (size_t i = 0; i < items.count && !validate_is_over(run); i++) {
        struct validate_frame here = validate_frame_under(frame, element->name, items.at[i].index);
        walk_item(run, place, &here, &standing, &items.at[i]);
    }
}

/* Each element once: a companion goes with its value where there is one. */
static void walk_members(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *owner, const struct validate_holder *holder) {
    const yyjson_val *object = fhir_type_kind(owner->type) == FHIR_PRIMITIVE ? owner->companion : owner->value;
    yyjson_obj_iter members = yyjson_obj_iter_with((yyjson_val *)object);
    for (yyjson_val *name = yyjson_obj_iter_next(&members); name != NULL; name = yyjson_obj_iter_next(&members)) {
        struct fhir_member member;
        struct text text = {yyjson_get_str(name), yyjson_get_len(name)};
        if (!fhir_member_find(&member, owner->type, text)) {
            continue;
        }
        bool has_value =
            member.is_companion && yyjson_obj_getn((yyjson_val *)object, text.at + 1, text.size - 1) != NULL;
        if (!has_value) {
            walk_element(run, place, frame, owner, holder, member.element);
        }
    }
}

/* ---- declared profiles ------------------------------------------------------------------------------------------ */

static void check_declared(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, struct text canonical) {
    struct validate_profile_url url = validate_canonical(canonical);
    fhir_type core = validate_core_type(url.url);
    if (core != FHIR_TYPE_NONE) {
        if (!fhir_type_is(item->type, core)) {
            validate_say(
                run, VALIDATE_ERROR, "structure", NULL, frame, "declares that it is a %s", fhir_type_name(core));
        }
        return;
    }
    const struct validate_profile *profile = validate_find_profile(run, frame, url.url, url.version);
    if (profile != NULL) {
        validate_conform_profile(run, place, frame, profile, item);
    } else if (validate_first_time(run, "declared", canonical)) {
        validate_say(run, VALIDATE_WARNING, "not-found", NULL, frame,
            "not checked against the declared profile %.*s: it is not known here, or cannot be used",
            (int)canonical.size, canonical.at);
    }
}

void validate_walk_resource(struct validate_run *run, const struct validate_place *around,
    const struct validate_frame *frame, const yyjson_val *resource) {
    struct validate_place place = validate_place_within(run->validate, around, frame, resource);
    struct validate_item item = {resource, NULL, place.type, VALIDATE_NO_INDEX};
    struct validate_holder holder = {place.type, FHIR_TYPE_NONE, NULL, resource};
    if (place.type == FHIR_TYPE_NONE || validate_is_over(run)) {
        return;
    }
    check_type(run, &place, frame, &item);
    walk_members(run, &place, frame, &item, &holder);
    if (place.type == run->validate->structure_definition) {
        validate_check_definition(run, frame, resource);
    }
    yyjson_val *declared = (yyjson_val *)json_get(json_get(resource, "meta"), "profile"), *each;
    size_t index, count;
    if (run->ignores_declared) {
        return;
    }
    yyjson_arr_foreach(declared, index, count, each) {
        if (json_text(each).size > 0 && index < VALIDATE_PROFILES_MAX && !validate_is_over(run)) {
            check_declared(run, &place, frame, &item, json_text(each));
        }
    }
}
