#include "records/element.h"

/* ---- members ---------------------------------------------------------------------------------------------------- */

static struct text companion_name(const struct element_editor *editor, struct text member) {
    return text_format(editor->arena, "_%.*s", (int)member.size, member.at);
}

static yyjson_mut_val *get(yyjson_mut_val *owner, struct text name) {
    return yyjson_mut_obj_getn(owner, name.at, name.size);
}

static yyjson_mut_val *name_value(const struct element_editor *editor, struct text name) {
    return yyjson_mut_strncpy(editor->doc, name.at, name.size);
}

/* Keeps the member's place among the others where it has one. */
static void put(const struct element_editor *editor, yyjson_mut_val *owner, struct text name, yyjson_mut_val *value) {
    if (value == NULL) {
        yyjson_mut_obj_remove_keyn(owner, name.at, name.size);
    } else if (!yyjson_mut_obj_replace(owner, name_value(editor, name), value)) {
        yyjson_mut_obj_add(owner, name_value(editor, name), value);
    }
}

void element_put(
    const struct element_editor *editor, yyjson_mut_val *owner, struct text member, struct element_value value) {
    put(editor, owner, member, value.value);
    put(editor, owner, companion_name(editor, member), value.companion);
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

struct list {
    struct text names[2]; /* values, companions */
    yyjson_mut_val *arrays[2];
    size_t count;
};

static struct list list_open(const struct element_editor *editor, yyjson_mut_val *owner, struct text member) {
    struct list list = {.names = {member, companion_name(editor, member)}};
    for (size_t i = 0; i < 2; i++) {
        list.arrays[i] = get(owner, list.names[i]);
        size_t size = yyjson_mut_arr_size(list.arrays[i]);
        list.count = size > list.count ? size : list.count;
    }
    return list;
}

size_t element_count(const struct element_editor *editor, yyjson_mut_val *owner, struct text member) {
    return list_open(editor, owner, member).count;
}

static void pad(const struct element_editor *editor, yyjson_mut_val *array, size_t count) {
    while (yyjson_mut_arr_size(array) < count) {
        yyjson_mut_arr_append(array, yyjson_mut_null(editor->doc));
    }
}

void element_insert(const struct element_editor *editor, yyjson_mut_val *owner, struct text member, size_t index,
    struct element_value value) {
    struct list list = list_open(editor, owner, member);
    yyjson_mut_val *const parts[] = {value.value, value.companion};
    invariant(index <= list.count);
    for (size_t i = 0; i < 2; i++) {
        if (list.arrays[i] == NULL && parts[i] != NULL) {
            list.arrays[i] = yyjson_mut_arr(editor->doc);
            put(editor, owner, list.names[i], list.arrays[i]);
        }
        if (list.arrays[i] != NULL) {
            pad(editor, list.arrays[i], list.count);
            yyjson_mut_arr_insert(list.arrays[i], parts[i] != NULL ? parts[i] : yyjson_mut_null(editor->doc), index);
        }
    }
}

static bool is_all_null(yyjson_mut_val *array) {
    yyjson_mut_arr_iter items = yyjson_mut_arr_iter_with(array);
    for (yyjson_mut_val *item = NULL; (item = yyjson_mut_arr_iter_next(&items)) != NULL;) {
        if (!yyjson_mut_is_null(item)) {
            return false;
        }
    }
    return true;
}

static yyjson_mut_val *unless_null(yyjson_mut_val *value) {
    return yyjson_mut_is_null(value) ? NULL : value;
}

struct element_value element_take(
    const struct element_editor *editor, yyjson_mut_val *owner, struct text member, size_t index) {
    struct list list = list_open(editor, owner, member);
    yyjson_mut_val *taken[2] = {NULL, NULL};
    invariant(index < list.count);
    for (size_t i = 0; i < 2; i++) {
        if (index < yyjson_mut_arr_size(list.arrays[i])) {
            taken[i] = unless_null(yyjson_mut_arr_remove(list.arrays[i], index));
        }
        if (list.arrays[i] != NULL && is_all_null(list.arrays[i])) {
            put(editor, owner, list.names[i], NULL);
        }
    }
    return (struct element_value){taken[0], taken[1]};
}

/* ---- places ----------------------------------------------------------------------------------------------------- */

struct finding {
    const struct fhirpath_item *item;
    struct arena *arena;
    struct element_place *out;
};

static bool find_in_object(
    struct finding *finding, yyjson_val *from, yyjson_mut_val *to, fhir_type type, const struct element_place *up);

static const struct element_place *place_kept(struct arena *arena, const struct element_place *place) {
    if (place == NULL) {
        return NULL;
    }
    struct element_place *kept = ARENA_NEW(arena, struct element_place);
    *kept = *place;
    kept->up = place_kept(arena, place->up);
    return kept;
}

static bool find_at(struct finding *finding, yyjson_val *from, yyjson_mut_val *to, const struct element_place *place) {
    const struct fhirpath_item *item = finding->item;
    if (from == item->node || (item->node == NULL && from == item->companion)) {
        *finding->out = *place;
        finding->out->up = place_kept(finding->arena, place->up);
        return true;
    }
    struct fhir_member member = {0};
    return yyjson_is_obj(from) && fhir_member_find(&member, place->owner_type, place->member) &&
           find_in_object(finding, from, to, member.type, place);
}

static bool find_in_member(
    struct finding *finding, yyjson_val *from, yyjson_mut_val *to, const struct element_place *place) {
    if (!yyjson_is_arr(from)) {
        return find_at(finding, from, to, place);
    }
    struct element_place at = *place;
    at.is_item = true;
    yyjson_arr_iter items = yyjson_arr_iter_with(from);
    yyjson_mut_arr_iter copies = yyjson_mut_arr_iter_with(to);
    for (yyjson_val *item = NULL; (item = yyjson_arr_iter_next(&items)) != NULL; at.index++) {
        if (find_at(finding, item, yyjson_mut_arr_iter_next(&copies), &at)) {
            return true;
        }
    }
    return false;
}

/* Depth is bounded: the document comes from json_read. The copy has the same members in the same order. */
static bool find_in_object(
    struct finding *finding, yyjson_val *from, yyjson_mut_val *to, fhir_type type, const struct element_place *up) {
    fhir_type own = fhir_resource_type_of(from);
    yyjson_obj_iter members = yyjson_obj_iter_with(from);
    yyjson_mut_obj_iter copies = yyjson_mut_obj_iter_with(to);
    for (yyjson_val *key = NULL; (key = yyjson_obj_iter_next(&members)) != NULL;) {
        struct text name = json_text(key);
        yyjson_mut_val *copy = yyjson_mut_obj_iter_get_val(yyjson_mut_obj_iter_next(&copies));
        if (name.size > 0 && name.at[0] == '_') {
            name.at++;
            name.size--;
        }
        const struct element_place place = {
            .up = up, .owner = to, .owner_type = own != FHIR_TYPE_NONE ? own : type, .member = name};
        if (find_in_member(finding, yyjson_obj_iter_get_val(key), copy, &place)) {
            return true;
        }
    }
    return false;
}

bool element_find(struct element_place *out, const struct element_editor *editor, const yyjson_val *root,
    const struct fhirpath_item *item) {
    struct finding finding = {.item = item, .arena = editor->arena, .out = out};
    *out = (struct element_place){0};
    return item->kind == FHIRPATH_NODE && (item->node == root || find_in_object(&finding, (yyjson_val *)root,
                                                                     editor->doc->root, FHIR_TYPE_NONE, NULL));
}

static yyjson_mut_val *part_at(const struct element_place *place, struct text name) {
    yyjson_mut_val *value = get(place->owner, name);
    return place->is_item ? yyjson_mut_arr_get(value, place->index) : value;
}

yyjson_mut_val *element_members(const struct element_editor *editor, const struct element_place *place) {
    if (place->owner == NULL) {
        return editor->doc->root;
    }
    yyjson_mut_val *value = part_at(place, place->member);
    if (yyjson_mut_is_obj(value)) {
        return value;
    }
    yyjson_mut_val *companion = part_at(place, companion_name(editor, place->member));
    if (!yyjson_mut_is_obj(companion)) {
        companion = yyjson_mut_obj(editor->doc);
        element_replace(editor, place, place->member, (struct element_value){unless_null(value), companion});
    }
    return companion;
}

/* ---- changes ---------------------------------------------------------------------------------------------------- */

void element_replace(const struct element_editor *editor, const struct element_place *place, struct text member,
    struct element_value value) {
    if (place->is_item) {
        size_t count = element_count(editor, place->owner, place->member);
        element_insert(editor, place->owner, place->member, place->index, value);
        invariant(place->index < count);
        element_take(editor, place->owner, place->member, place->index + 1);
        return;
    }
    if (!text_equal(member, place->member)) {
        element_put(editor, place->owner, place->member, (struct element_value){NULL, NULL});
    }
    element_put(editor, place->owner, member, value);
}

/* A companion that says nothing more goes; with it the element, where that has no value. */
static void drop_companion(const struct element_editor *editor, const struct element_place *place) {
    yyjson_mut_val *value = unless_null(part_at(place, place->member));
    if (value == NULL) {
        element_remove(editor, place);
    } else {
        element_replace(editor, place, place->member, (struct element_value){value, NULL});
    }
}

void element_remove(const struct element_editor *editor, const struct element_place *place) {
    invariant(place->owner != NULL);
    if (place->is_item) {
        element_take(editor, place->owner, place->member, place->index);
    } else {
        element_put(editor, place->owner, place->member, (struct element_value){NULL, NULL});
    }
    const struct element_place *up = place->up;
    if (up == NULL || yyjson_mut_obj_size(place->owner) > 0) {
        return;
    }
    if (part_at(up, up->member) == place->owner) {
        element_remove(editor, up);
    } else {
        drop_companion(editor, up);
    }
}
