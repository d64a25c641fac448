/* Extensions: one whose definition is known obeys it; an unknown modifier is refused, since it may change what its element means.
 * Where one may stand is a warning: R4's own definitions carry theirs in places that those forbid. */
#include "validate/profile.h"

#include <string.h>

static bool names_holder(const struct validate_holder *holder, struct text expression) {
    for (fhir_type type = holder->type; type != FHIR_TYPE_NONE; type = fhir_type_base(type)) {
        if (text_is(expression, fhir_type_name(type))) {
            return true;
        }
    }
    for (fhir_type owner = holder->owner; owner != FHIR_TYPE_NONE && holder->name != NULL;
         owner = fhir_type_base(owner)) {
        struct text rest = expression;
        const char *name = fhir_type_name(owner);
        size_t size = strlen(name);
        if (text_starts(rest, name) && rest.size > size && rest.at[size] == '.') {
            rest = (struct text){rest.at + size + 1, rest.size - size - 1};
            rest.size -= text_ends(rest, "[x]") ? 3 : 0;
            if (text_is(rest, holder->name)) {
                return true;
            }
        }
    }
    return false;
}

/* Any resource and any element may carry what is meant for Element or Resource; FHIRPath contexts are taken as met. */
static bool is_met(const struct validate_holder *holder, const yyjson_val *context) {
    struct text type = json_get_text(context, "type"), expression = json_get_text(context, "expression");
    bool is_resource = fhir_type_kind(holder->type) == FHIR_RESOURCE;
    if (text_is(type, "extension")) {
        return text_equal(json_get_text(holder->value, "url"), expression);
    }
    if (!text_is(type, "element")) {
        return true;
    }
    if (text_is(expression, "Element") || text_is(expression, "*")) {
        return true;
    }
    return text_is(expression, "Resource") || text_is(expression, "CanonicalResource") ||
                   text_is(expression, "MetadataResource")
               ? is_resource
               : names_holder(holder, expression);
}

static bool stands_well(const struct validate_profile *profile, const struct validate_holder *holder) {
    yyjson_val *contexts = (yyjson_val *)profile->contexts, *each;
    size_t index, count;
    yyjson_arr_foreach(contexts, index, count, each) {
        if (is_met(holder, each)) {
            return true;
        }
    }
    return yyjson_arr_size(contexts) == 0;
}

void validate_check_extension(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_item *item, const struct validate_holder *holder) {
    struct text url = json_get_text(item->value, "url");
    bool is_modifier = strcmp(frame->name, "modifierExtension") == 0;
    if (url.size == 0 || memchr(url.at, ':', url.size) == NULL) {
        return; /* a part of an extension: its definition knows it */
    }
    struct validate_profile_url canonical = validate_canonical(url);
    const struct validate_profile *profile = validate_find_profile(run, frame, canonical.url, canonical.version);
    if (profile == NULL) {
        if (is_modifier) {
            validate_say(run, VALIDATE_ERROR, "extension", NULL, frame,
                "a modifier extension whose definition is not known here");
        } else if (validate_first_time(run, "extension", url)) {
            validate_say(run, VALIDATE_INFORMATION, "not-found", NULL, frame,
                "not checked: the definition of extension %.*s is not known here", (int)url.size, url.at);
        }
        return;
    }
    if (!stands_well(profile, holder)) {
        validate_say(run, VALIDATE_WARNING, "extension", NULL, frame, "the extension %s is not meant to stand here",
            profile->url);
    }
    validate_conform_profile(run, place, frame, profile, item);
}
