/* Does a value belong to a slice? What a discriminator's path leads to in the value is held against what it leads to in the
 * profile: a fixed value or pattern, a required binding, a type, a profile, being there or not. Paths are the little part of
 * FHIRPath that discriminators may use (R4 profiling, 5.1.0.13): names, extension('url'), resolve(), ofType(Type), $this. */
#include "validate/profile.h"

#include <string.h>

/* ---- parsing ---------------------------------------------------------------------------------------------------- */

static bool parse_step(struct validate_step *step, struct text word) {
    struct text argument = word;
    struct text name = text_cut(&argument, '(');
    if (argument.at == NULL) {
        *step = (struct validate_step){.kind = VALIDATE_STEP_CHILD, .name = word};
        return word.size > 0;
    }
    if (!text_ends(argument, ")")) {
        return false;
    }
    argument.size--;
    if (text_is(name, "resolve")) {
        *step = (struct validate_step){.kind = VALIDATE_STEP_RESOLVE};
        return argument.size == 0;
    }
    if (text_is(name, "ofType") || text_is(name, "as")) {
        argument = text_starts(argument, "FHIR.") ? (struct text){argument.at + 5, argument.size - 5} : argument;
        *step = (struct validate_step){.kind = VALIDATE_STEP_OF_TYPE, .type = fhir_type_find(argument)};
        return step->type != FHIR_TYPE_NONE;
    }
    if (text_is(name, "extension") && argument.size > 2) {
        *step = (struct validate_step){.kind = VALIDATE_STEP_EXTENSION, .name = {argument.at + 1, argument.size - 2}};
        return argument.at[0] == '\'' || argument.at[0] == '"';
    }
    return false;
}

/* At the next dot outside of parentheses: an extension's url has dots. */
static struct text cut_step(struct text *rest) {
    int depth = 0;
    for (size_t i = 0; i < rest->size; i++) {
        depth += (rest->at[i] == '(') - (rest->at[i] == ')');
        if (rest->at[i] == '.' && depth == 0) {
            struct text word = {rest->at, i};
            *rest = (struct text){rest->at + i + 1, rest->size - i - 1};
            return word;
        }
    }
    struct text word = *rest;
    *rest = (struct text){NULL, 0};
    return word;
}

static const struct {
    const char *name;
    enum validate_discriminator_kind kind;
} kinds[] = {
    {"value", VALIDATE_BY_VALUE},
    {"pattern", VALIDATE_BY_VALUE},
    {"exists", VALIDATE_BY_EXISTS},
    {"type", VALIDATE_BY_TYPE},
    {"profile", VALIDATE_BY_PROFILE},
};

enum status validate_parse_discriminator(
    struct validate_discriminator **out, const yyjson_val *discriminator, const char *id, struct scope *scope) {
    struct text kind = json_get_text(discriminator, "type"), path = json_get_text(discriminator, "path");
    struct validate_discriminator *parsed = ARENA_NEW(scope->arena, struct validate_discriminator);
    struct validate_step **end = &parsed->steps;
    size_t i = 0;
    while (i < sizeof kinds / sizeof kinds[0] && !text_is(kind, kinds[i].name)) {
        i++;
    }
    if (i == sizeof kinds / sizeof kinds[0] || path.size == 0) {
        return fault(scope, STATUS_UNSUPPORTED, id,
            "a discriminator has a path and one of the types value, pattern, exists, type, profile");
    }
    parsed->kind = kinds[i].kind;
    parsed->path = text_string(scope->arena, path);
    for (struct text rest = path; rest.at != NULL;) {
        struct text word = cut_step(&rest);
        if (text_is(word, "$this")) {
            continue;
        }
        *end = ARENA_NEW(scope->arena, struct validate_step);
        if (!parse_step(*end, word)) {
            return fault(scope, STATUS_UNSUPPORTED, id,
                "a discriminator's path that is not made of names, extension(), resolve() and ofType()");
        }
        end = &(*end)->next;
    }
    *out = parsed;
    return STATUS_OK;
}

/* ---- where a path leads in the profile -------------------------------------------------------------------------- */

struct matching {
    struct validate_run *run;
    const struct validate_frame *frame;
    enum validate_discriminator_kind kind;
};

static const struct validate_node *find_child(const struct validate_node *node, struct text name) {
    for (const struct validate_node *child = node->children; child != NULL; child = child->next) {
        if (text_equal(child->name, name)) {
            return child;
        }
    }
    return NULL;
}

/* In the tree itself, else in the one profile of its type. */
static const struct validate_node *find_below(
    const struct matching *matching, const struct validate_node *node, struct text name) {
    const struct validate_node *child = find_child(node, name);
    const struct validate_kind *kind = node->kinds;
    if (child != NULL || kind == NULL || kind->next != NULL || kind->profiles == NULL || kind->profiles->next != NULL) {
        return child;
    }
    const struct validate_profile *profile =
        validate_find_profile(matching->run, matching->frame, kind->profiles->url, kind->profiles->version);
    return profile == NULL ? NULL : find_child(profile->root, name);
}

static bool has_profile(const struct validate_node *node, struct text url) {
    for (const struct validate_kind *kind = node->kinds; kind != NULL; kind = kind->next) {
        for (const struct validate_profile_url *each = kind->profiles; each != NULL; each = each->next) {
            if (text_equal(each->url, url)) {
                return true;
            }
        }
    }
    const struct validate_node *child = find_child(node, TEXT("url"));
    return child != NULL && text_equal(json_text(child->fixed), url);
}

static const struct validate_node *find_extension(
    const struct matching *matching, const struct validate_node *node, struct text url) {
    const struct validate_node *extensions = find_below(matching, node, TEXT("extension"));
    for (const struct validate_node *slice = extensions == NULL ? NULL : extensions->slices; slice != NULL;
         slice = slice->next) {
        if (has_profile(slice, url)) {
            return slice;
        }
    }
    return NULL;
}

static const struct validate_node *find_of_type(const struct validate_node *node, fhir_type type) {
    for (const struct validate_node *slice = node->slices; slice != NULL; slice = slice->next) {
        if (slice->kinds != NULL && slice->kinds->next == NULL && slice->kinds->type == type) {
            return slice;
        }
    }
    return node;
}

/* ---- matching --------------------------------------------------------------------------------------------------- */

static enum validate_match match_steps(const struct matching *matching, const struct validate_place *place,
    const struct validate_node *node, const struct validate_step *step, const struct validate_item *item);

static enum validate_match verdict(bool matches) {
    return matches ? VALIDATE_MATCHES : VALIDATE_DIFFERS;
}

static enum validate_match match_value(const struct matching *matching, const struct validate_place *place,
    const struct validate_node *node, const struct validate_item *item) {
    if (node->fixed != NULL) {
        return verdict(validate_is_fixed(item->value, node->fixed));
    }
    if (node->pattern != NULL) {
        return verdict(validate_has_pattern(item->value, node->pattern));
    }
    if (node->value_set.size > 0 && node->strength == VALIDATE_REQUIRED) {
        return verdict(validate_is_member(matching->run, item, node->value_set));
    }
    if (node->slices != NULL) {
        enum validate_match match = VALIDATE_CANNOT_SAY;
        for (const struct validate_node *slice = node->slices; slice != NULL && match != VALIDATE_MATCHES;
             slice = slice->next) {
            match = match_value(matching, place, slice, item);
        }
        return match;
    }
    return node->children == NULL ? VALIDATE_CANNOT_SAY
                                  : verdict(validate_is_conforming(matching->run, place, node, item));
}

static enum validate_match match_type(const struct validate_node *node, fhir_type type) {
    for (const struct validate_kind *kind = node->kinds; kind != NULL; kind = kind->next) {
        if (fhir_type_is(type, kind->type)) {
            return VALIDATE_MATCHES;
        }
    }
    return node->kinds == NULL ? VALIDATE_CANNOT_SAY : VALIDATE_DIFFERS;
}

/* `urls`: of the value's type, or of what a reference may lead to. */
static enum validate_match match_profiles(const struct matching *matching, const struct validate_place *place,
    const struct validate_profile_url *urls, const struct validate_item *item) {
    enum validate_match match = urls == NULL ? VALIDATE_CANNOT_SAY : VALIDATE_DIFFERS;
    for (; urls != NULL; urls = urls->next) {
        fhir_type core = validate_core_type(urls->url);
        const struct validate_profile *profile =
            core != FHIR_TYPE_NONE ? NULL
                                   : validate_find_profile(matching->run, matching->frame, urls->url, urls->version);
        fhir_type type = profile != NULL ? profile->type : core;
        bool needs_value = profile != NULL && matching->kind == VALIDATE_BY_PROFILE;
        if (type == FHIR_TYPE_NONE || (needs_value && item->value == NULL)) {
            match = VALIDATE_CANNOT_SAY;
        } else if (fhir_type_is(item->type, type) &&
                   (!needs_value || validate_is_conforming_profile(matching->run, place, profile, item))) {
            return VALIDATE_MATCHES;
        }
    }
    return match;
}

static enum validate_match match_end(const struct matching *matching, const struct validate_place *place,
    const struct validate_node *node, const struct validate_item *item) {
    switch (matching->kind) {
    case VALIDATE_BY_VALUE:
        return match_value(matching, place, node, item);
    case VALIDATE_BY_EXISTS:
        return verdict(node->max > 0); /* $this is there */
    case VALIDATE_BY_TYPE:
        return match_type(node, item->type);
    case VALIDATE_BY_PROFILE:
        return match_profiles(matching, place, node->kinds == NULL ? NULL : node->kinds->profiles, item);
    }
    return VALIDATE_CANNOT_SAY;
}

static enum validate_match match_target(const struct matching *matching, const struct validate_place *place,
    const struct validate_node *node, const struct validate_step *step, const struct validate_item *item) {
    struct validate_target target;
    const struct validate_profile_url *urls = node->kinds == NULL ? NULL : node->kinds->targets;
    validate_find_target(&target, matching->run, place, item->value);
    if (target.resource == NULL) {
        target.resource = validate_resolve(matching->run, place, json_get_text(item->value, "reference"));
        target.type = target.resource != NULL ? fhir_resource_type_of(target.resource) : target.type;
        target.place =
            (struct validate_place){.resource = target.resource, .root = target.resource, .type = target.type};
    }
    struct validate_item found = {target.resource, NULL, target.type, VALIDATE_NO_INDEX};
    if (target.type == FHIR_TYPE_NONE) {
        return VALIDATE_DIFFERS;
    }
    if (step == NULL) {
        return match_profiles(matching, &target.place, urls, &found);
    }
    const struct validate_profile *profile =
        urls == NULL || urls->next != NULL
            ? NULL
            : validate_find_profile(matching->run, matching->frame, urls->url, urls->version);
    return profile == NULL ? VALIDATE_CANNOT_SAY : match_steps(matching, &target.place, profile->root, step, &found);
}

/* Of several values one that matches is enough. */
static enum validate_match match_items(const struct matching *matching, const struct validate_place *place,
    const struct validate_node *node, const struct validate_step *step, const struct validate_items *items,
    struct text url) {
    enum validate_match match = VALIDATE_DIFFERS;
    for (size_t i = 0; i < items->count && match != VALIDATE_MATCHES; i++) {
        if (url.size == 0 || text_equal(json_get_text(items->at[i].value, "url"), url)) {
            match = match_steps(matching, place, node, step, &items->at[i]);
        }
    }
    return match;
}

static enum validate_match match_child(const struct matching *matching, const struct validate_place *place,
    const struct validate_node *node, const struct validate_step *step, const struct validate_item *item) {
    bool is_extension = step->kind == VALIDATE_STEP_EXTENSION;
    struct text name = is_extension ? TEXT("extension") : step->name,
                url = is_extension ? step->name : (struct text){0};
    const struct validate_node *child =
        is_extension ? find_extension(matching, node, url) : find_below(matching, node, name);
    if (text_is(name, "url") && item->type == matching->run->validate->extension && child == NULL) {
        return verdict(has_profile(node, json_get_text(item->value, "url")));
    }
    const struct fhir_element *element = fhir_element_find(item->type, name);
    struct validate_items items =
        element == NULL ? (struct validate_items){0} : validate_items_of(matching->run, item, element->name);
    if (child == NULL) {
        return VALIDATE_CANNOT_SAY;
    }
    if (matching->kind == VALIDATE_BY_EXISTS && step->next == NULL) {
        size_t count = 0;
        for (size_t i = 0; i < items.count; i++) {
            count += url.size == 0 || text_equal(json_get_text(items.at[i].value, "url"), url);
        }
        return child->max == 0 ? verdict(count == 0) : child->min > 0 ? verdict(count > 0) : VALIDATE_CANNOT_SAY;
    }
    enum validate_match match = match_items(matching, place, child, step->next, &items, url);
    for (const struct validate_node *slice = child->slices; slice != NULL && match == VALIDATE_CANNOT_SAY;
         slice = slice->next) {
        match = match_items(matching, place, slice, step->next, &items, url);
    }
    return match;
}

static enum validate_match match_steps(const struct matching *matching, const struct validate_place *place,
    const struct validate_node *node, const struct validate_step *step, const struct validate_item *item) {
    if (step == NULL || (matching->kind == VALIDATE_BY_VALUE && (node->fixed != NULL || node->pattern != NULL))) {
        return match_end(matching, place, node, item); /* a pattern holds what the rest of the path leads to */
    }
    switch (step->kind) {
    case VALIDATE_STEP_RESOLVE:
        return match_target(matching, place, node, step->next, item);
    case VALIDATE_STEP_OF_TYPE:
        return fhir_type_is(item->type, step->type)
                   ? match_steps(matching, place, find_of_type(node, step->type), step->next, item)
                   : VALIDATE_DIFFERS;
    case VALIDATE_STEP_CHILD:
    case VALIDATE_STEP_EXTENSION:
        return match_child(matching, place, node, step, item);
    }
    return VALIDATE_CANNOT_SAY;
}

/* All discriminators together; without any, what the slice asks for decides. */
enum validate_match validate_match_slice(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_node *node, const struct validate_node *slice,
    const struct validate_item *item) {
    enum validate_match match = VALIDATE_MATCHES;
    if (node->discriminators == NULL) {
        return verdict(validate_is_conforming(run, place, slice, item));
    }
    for (const struct validate_discriminator *each = node->discriminators; each != NULL; each = each->next) {
        struct matching matching = {run, frame, each->kind};
        enum validate_match one = match_steps(&matching, place, slice, each->steps, item);
        if (one == VALIDATE_DIFFERS) {
            return VALIDATE_DIFFERS;
        }
        match = one == VALIDATE_CANNOT_SAY ? one : match;
    }
    return match;
}
