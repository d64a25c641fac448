/* element: a resource's elements, changed in place. FHIR's view over JSON's: an element is a member and, where it is a primitive,
 * the companion beside it ("_name"); a list is both arrays, kept equally long; nothing is left empty.
 *
 * Everything lives in the document's and the arena's memory; neither knows the other's end. */
#ifndef SOYANG_RECORDS_ELEMENT_H
#define SOYANG_RECORDS_ELEMENT_H

#include "fhirpath/fhirpath.h"

struct element_value {
    yyjson_mut_val *value, *companion; /* either may be NULL, not both */
};

/* Where one element stands. */
struct element_place {
    const struct element_place *up; /* the element that `owner` is, or is the companion of; NULL: the resource */
    yyjson_mut_val *owner;          /* the object whose member it is; NULL: this is the resource itself */
    fhir_type owner_type;
    struct text member; /* in JSON, without the underscore */
    bool is_item;
    size_t index;
};

struct element_editor {
    yyjson_mut_doc *doc;
    struct arena *arena;
};

/* The place, in a copy of `root`, of an item that was found in `root`. False: it does not stand there. */
bool element_find(struct element_place *out, const struct element_editor *editor, const yyjson_val *root,
    const struct fhirpath_item *item);
/* The object with the element's own members; of a primitive its companion, made when missing. */
yyjson_mut_val *element_members(const struct element_editor *editor, const struct element_place *place);
/* What becomes empty by it goes too. Never the resource. */
void element_remove(const struct element_editor *editor, const struct element_place *place);
/* `member` is its new name in JSON, which for a choice follows the type. */
void element_replace(const struct element_editor *editor, const struct element_place *place, struct text member,
    struct element_value value);

/* Sets the one element `member` of an object. */
void element_put(
    const struct element_editor *editor, yyjson_mut_val *owner, struct text member, struct element_value value);
size_t element_count(const struct element_editor *editor, yyjson_mut_val *owner, struct text member);
/* In a list; `index` is at most its length. */
void element_insert(const struct element_editor *editor, yyjson_mut_val *owner, struct text member, size_t index,
    struct element_value value);
struct element_value element_take(
    const struct element_editor *editor, yyjson_mut_val *owner, struct text member, size_t index);

#endif
