/* Types, elements and members: look-ups in the generated tables, by open addressing on FNV-1a as the generator laid them. */
#include <string.h>

#include "fhir/definitions.h"

static uint32_t name_hash(const char *name, size_t size) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    }
    return hash ^ (hash >> 15);
}

static bool is_named(uint32_t offset, const char *name, size_t size) {
    const char *known = fhir_strings + offset;
    return memcmp(known, name, size) == 0 && known[size] == '\0';
}

enum { NAME_SIZE_MAX = 96 }; /* past every name in the tables, so that no long stranger is hashed */

fhir_type fhir_type_find(struct text name) {
    if (name.size == 0 || name.size > NAME_SIZE_MAX || memchr(name.at, '\0', name.size) != NULL) {
        return FHIR_TYPE_NONE;
    }
    uint32_t at = name_hash(name.at, name.size);
    while (true) {
        at &= fhir_type_slot_mask;
        fhir_type type = fhir_type_slots[at++];
        if (type == FHIR_TYPE_NONE) {
            return FHIR_TYPE_NONE;
        }
        const char *known = fhir_strings + type_row_of(type)->name;
        if (strncmp(known, name.at, name.size) == 0 && known[name.size] == '\0') {
            return type;
        }
    }
}

const char *fhir_type_name(fhir_type type) {
    return type == FHIR_TYPE_NONE ? "" : fhir_strings + type_row_of(type)->name;
}

enum fhir_kind fhir_type_kind(fhir_type type) {
    return (enum fhir_kind)type_row_of(type)->kind;
}

bool fhir_type_is_abstract(fhir_type type) {
    return type_row_of(type)->is_abstract;
}

fhir_type fhir_type_base(fhir_type type) {
    return type == FHIR_TYPE_NONE ? FHIR_TYPE_NONE : type_row_of(type)->base;
}

bool fhir_type_is(fhir_type type, fhir_type ancestor) {
    while (type != FHIR_TYPE_NONE && type != ancestor) {
        type = type_row_of(type)->base;
    }
    return type != FHIR_TYPE_NONE;
}

int fhir_resource_count(void) {
    return fhir_resource_rows;
}

uint16_t fhir_resource_number(fhir_type type) {
    return type == FHIR_TYPE_NONE ? 0 : type_row_of(type)->resource_number;
}

fhir_type fhir_resource_type(uint16_t number) {
    return number == 0 || number > fhir_resource_rows ? FHIR_TYPE_NONE : fhir_resources[number - 1];
}

fhir_type fhir_resource_type_of(const yyjson_val *object) {
    fhir_type type = fhir_type_find(json_get_text(object, "resourceType"));
    return fhir_resource_number(type) == 0 ? FHIR_TYPE_NONE : type;
}

int fhir_element_count(fhir_type type) {
    return type_row_of(type)->element_count;
}

const struct fhir_element *fhir_element_at(fhir_type type, int index) {
    const struct type_row *row = type_row_of(type);
    invariant(index >= 0 && index < row->element_count);
    return type_element(row, index);
}

const struct member_row *member_row_find(const struct type_row *type, const char *name, size_t size) {
    if (size == 0 || size > NAME_SIZE_MAX) {
        return NULL;
    }
    const uint8_t *slots = fhir_member_slots + type->slot_first;
    const struct member_row *members = fhir_members + type->member_first;
    uint32_t at = name_hash(name, size);
    while (true) {
        at &= type->slot_mask;
        uint8_t slot = slots[at++];
        if (slot == 0) {
            return NULL;
        }
        const struct member_row *row = &members[slot - 1];
        if (row->name_size == size && is_named(row->name, name, size)) {
            return row;
        }
    }
}

bool fhir_member_find(struct fhir_member *out, fhir_type parent, struct text member) {
    if (parent == FHIR_TYPE_NONE || member.size == 0) {
        return false;
    }
    bool is_companion = member.at[0] == '_';
    const struct type_row *type = type_row_of(parent);
    const struct member_row *row = member_row_find(type, member.at + is_companion, member.size - is_companion);
    if (row == NULL || (is_companion && type_row_of(row->type)->kind != FHIR_PRIMITIVE)) {
        return false;
    }
    *out = (struct fhir_member){
        .element = type_element(type, row->position), .type = row->type, .is_companion = is_companion};
    return true;
}

const struct fhir_element *fhir_element_find(fhir_type parent, struct text name) {
    if (parent == FHIR_TYPE_NONE) {
        return NULL;
    }
    const struct type_row *type = type_row_of(parent);
    for (int i = 0; i < type->element_count; i++) {
        const struct fhir_element *element = type_element(type, i);
        if (text_is(name, element->name)) {
            return element;
        }
    }
    return NULL;
}

fhir_type fhir_path_type(struct text *path) {
    struct text rest = *path;
    fhir_type type = fhir_type_find(text_cut(&rest, '.'));
    if (type == FHIR_TYPE_NONE || fhir_type_kind(type) != FHIR_RESOURCE || rest.at == NULL) {
        return FHIR_TYPE_NONE;
    }
    *path = rest;
    return type;
}

/* Within a value of one type; of a choice, any of its types may go on. */
static bool leads_on(fhir_type type, struct text path) {
    struct text rest = path;
    struct text name = text_cut(&rest, '.');
    struct fhir_member member;
    const struct fhir_element *element = fhir_element_find(type, name);
    if (fhir_member_find(&member, type, name) && !member.is_companion) {
        return rest.at == NULL || leads_on(member.type, rest);
    }
    for (size_t i = 0; element != NULL && rest.at != NULL && i < element->type_count; i++) {
        if (leads_on(element->types[i], rest)) {
            return true;
        }
    }
    return element != NULL && rest.at == NULL;
}

bool fhir_path_exists(fhir_type type, struct text path) {
    fhir_type own = fhir_path_type(&path);
    if (own != FHIR_TYPE_NONE) {
        return leads_on(own, path);
    }
    bool found = type != FHIR_TYPE_NONE && leads_on(type, path);
    for (int number = 1; type == FHIR_TYPE_NONE && number <= fhir_resource_count() && !found; number++) {
        found = leads_on(fhir_resource_type((uint16_t)number), path);
    }
    return found;
}
