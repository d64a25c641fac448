/* Values against a profile's tree. */
#include "validate/profile.h"

#include <string.h>

/* ---- one value -------------------------------------------------------------------------------------------------- */

static const struct validate_kind *find_kind(const struct validate_node *node, fhir_type type) {
    for (const struct validate_kind *kind = node->kinds; kind != NULL; kind = kind->next) {
        if (fhir_type_is(type, kind->type)) {
            return kind;
        }
    }
    return NULL;
}

static size_t count_characters(struct text text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) {
        count += ((unsigned char)text.at[i] & 0xC0) != 0x80;
    }
    return count;
}

static void check_value(struct validate_run *run, const struct validate_frame *frame, const struct validate_node *node,
    const struct validate_item *item) {
    if (node->fixed != NULL && !validate_is_fixed(item->value, node->fixed)) {
        validate_say(run, VALIDATE_ERROR, "value", NULL, frame, "is not the fixed value of %s", node->id);
    }
    if (node->pattern != NULL && !validate_has_pattern(item->value, node->pattern)) {
        validate_say(run, VALIDATE_ERROR, "value", NULL, frame, "does not match the pattern of %s", node->id);
    }
    enum validate_order order = validate_compare_bounds(run, node, item);
    if (order != VALIDATE_WITHIN) {
        validate_say(run, VALIDATE_ERROR, "value", NULL, frame, "is %s value of %s",
            order == VALIDATE_BELOW ? "below the least" : "above the greatest", node->id);
    }
    if (node->max_length > 0 && count_characters(json_text(item->value)) > node->max_length) {
        validate_say(run, VALIDATE_ERROR, "value", NULL, frame, "is longer than %u characters", node->max_length);
    }
    if (node->value_set.size > 0) {
        validate_check_binding(run, frame, item, node->strength, node->value_set);
    }
}

/* ---- the profiles of its type ----------------------------------------------------------------------------------- */

static bool fits_core(const struct validate_profile_url *url, fhir_type type, bool *is_core) {
    fhir_type core = validate_core_type(url->url);
    *is_core = core != FHIR_TYPE_NONE;
    return *is_core && fhir_type_is(type, core);
}

static void say_unknown(struct validate_run *run, const struct validate_frame *frame, struct text url) {
    if (validate_first_time(run, "profile", url)) {
        validate_say(run, VALIDATE_INFORMATION, "not-found", NULL, frame,
            "not checked against the profile %.*s: it is not known here, or cannot be used", (int)url.size, url.at);
    }
}

/* An extension's own definition was applied where it stands. */
static bool is_own_definition(
    const struct validate_run *run, const struct validate_item *item, const struct validate_profile_url *url) {
    return item->type == run->validate->extension && text_equal(json_get_text(item->value, "url"), url->url);
}

static void check_profiles(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_kind *kind, const struct validate_item *item) {
    bool is_core;
    for (const struct validate_profile_url *url = kind->profiles; url != NULL; url = url->next) {
        if (is_own_definition(run, item, url) || fits_core(url, item->type, &is_core)) {
            return;
        }
        const struct validate_profile *profile = validate_find_profile(run, frame, url->url, url->version);
        if (profile == NULL) {
            say_unknown(run, frame, url->url);
            return;
        }
        if (kind->profiles->next == NULL) {
            validate_conform_profile(run, place, frame, profile, item);
            return;
        }
        if (validate_is_conforming_profile(run, place, profile, item)) {
            return;
        }
    }
    if (kind->profiles != NULL) {
        validate_say(run, VALIDATE_ERROR, "structure", NULL, frame,
            "conforms to none of the profiles that its type may have here");
    }
}

/* ---- references ------------------------------------------------------------------------------------------------- */

struct validate_done {
    size_t count, capacity; /* a power of two, at most half full */
    struct done_pair {
        const yyjson_val *resource;
        const struct validate_profile *profile;
        bool is_conforming;
    } * pairs;
};

static struct done_pair *find_pair(
    struct validate_done *done, const yyjson_val *resource, const struct validate_profile *profile) {
    size_t at = ((uintptr_t)resource / 16 * 31 + (uintptr_t)profile / 16) * 2654435761u;
    for (at &= done->capacity - 1; done->pairs[at].resource != NULL; at = (at + 1) & (done->capacity - 1)) {
        if (done->pairs[at].resource == resource && done->pairs[at].profile == profile) {
            break;
        }
    }
    return &done->pairs[at];
}

static void make_room(struct validate_run *run) {
    struct validate_done *old = run->done;
    if (old != NULL && 2 * (old->count + 1) <= old->capacity) {
        return;
    }
    struct validate_done *done = ARENA_NEW(run->scope->arena, struct validate_done);
    done->capacity = old == NULL ? 16 : 2 * old->capacity;
    done->pairs = ARENA_ARRAY(run->scope->arena, struct done_pair, done->capacity);
    for (size_t i = 0; old != NULL && i < old->capacity; i++) {
        if (old->pairs[i].resource != NULL) {
            *find_pair(done, old->pairs[i].resource, old->pairs[i].profile) = old->pairs[i];
            done->count++;
        }
    }
    run->done = done;
}

/* Once for each resource and profile; while it is under way it is taken to conform, so that circles end. */
static bool is_conforming_target(
    struct validate_run *run, const struct validate_profile *profile, const struct validate_target *target) {
    make_room(run);
    struct done_pair *pair = find_pair(run->done, target->resource, profile);
    if (pair->resource != NULL) {
        return pair->is_conforming;
    }
    *pair = (struct done_pair){target->resource, profile, true};
    run->done->count++;
    struct validate_item item = {target->resource, NULL, target->type, VALIDATE_NO_INDEX};
    bool is_conforming = validate_is_conforming_profile(run, &target->place, profile, &item);
    find_pair(run->done, target->resource, profile)->is_conforming = is_conforming;
    return is_conforming;
}

static bool allows_target(struct validate_run *run, const struct validate_frame *frame,
    const struct validate_profile_url *url, const struct validate_target *target) {
    bool is_core, fits = fits_core(url, target->type, &is_core);
    if (is_core) {
        return fits;
    }
    const struct validate_profile *profile = validate_find_profile(run, frame, url->url, url->version);
    if (profile == NULL) {
        say_unknown(run, frame, url->url);
        return true;
    }
    return fhir_type_is(target->type, profile->type) &&
           (target->resource == NULL || is_conforming_target(run, profile, target));
}

static void check_targets(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_kind *kind, const struct validate_item *item) {
    struct validate_target target;
    if (kind->targets == NULL || item->type != run->validate->reference) {
        return;
    }
    validate_find_target(&target, run, place, item->value);
    for (const struct validate_profile_url *url = kind->targets; url != NULL; url = url->next) {
        if (target.type == FHIR_TYPE_NONE || allows_target(run, frame, url, &target)) {
            return;
        }
    }
    validate_say(run, VALIDATE_ERROR, "value", NULL, frame,
        "refers to a %s that is, or conforms to, none of what the profile lets it refer to",
        fhir_type_name(target.type));
}

/* ---- its children ----------------------------------------------------------------------------------------------- */

static void check_count(
    struct validate_run *run, const struct validate_frame *frame, const struct validate_node *node, size_t count) {
    if (count < node->min) {
        validate_say(run, VALIDATE_ERROR, "required", NULL, frame, "at least %u of %s required, %zu found", node->min,
            node->id, count);
    } else if (count > node->max) {
        validate_say(run, VALIDATE_ERROR, "structure", NULL, frame, "at most %u of %s allowed, %zu found", node->max,
            node->id, count);
    }
}

static void conform_child(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_node *child, const struct validate_item *owner) {
    const struct fhir_element *element = fhir_element_find(owner->type, child->name);
    if (element == NULL) {
        return; /* what another type of a choice has */
    }
    struct validate_items items = validate_items_of(run, owner, element->name);
    struct validate_frame whole = validate_frame_under(frame, element->name, VALIDATE_NO_INDEX);
    check_count(run, &whole, child, items.count);
    for (size_t i = 0; i < items.count; i++) {
        struct validate_frame here = validate_frame_under(frame, element->name, items.at[i].index);
        validate_conform(run, place, &here, child, &items.at[i]);
    }
    if (child->slices != NULL || child->is_sliced) {
        validate_check_slices(run, place, frame, child, &items);
    }
}

void validate_conform(struct validate_run *run, const struct validate_place *place, const struct validate_frame *frame,
    const struct validate_node *node, const struct validate_item *item) {
    const struct validate_kind *kind = find_kind(node, item->type);
    if (validate_is_over(run) || !validate_is_sound(item)) {
        return;
    }
    if (node->kinds != NULL && kind == NULL) {
        validate_say(run, VALIDATE_ERROR, "structure", NULL, frame, "%s does not allow the type %s", node->id,
            fhir_type_name(item->type));
        return;
    }
    struct validate_place within = *place;
    if (fhir_type_kind(item->type) == FHIR_RESOURCE && item->value != place->resource) {
        within = validate_place_within(run->validate, place, frame, item->value);
    }
    check_value(run, frame, node, item);
    for (const struct validate_constraint *each = node->constraints; each != NULL; each = each->next) {
        if (each->fault != NULL && validate_first_time(run, "constraint", text_from(each->invariant.key))) {
            validate_say(
                run, VALIDATE_WARNING, "not-supported", each->invariant.key, frame, "not checked: %s", each->fault);
        }
        validate_check_invariant(run, &within, frame, item, &each->invariant);
    }
    if (kind != NULL) {
        check_profiles(run, &within, frame, kind, item);
        check_targets(run, &within, frame, kind, item);
    }
    for (const struct validate_node *child = node->children; child != NULL; child = child->next) {
        conform_child(run, &within, frame, child, item);
    }
}

void validate_conform_profile(struct validate_run *run, const struct validate_place *place,
    const struct validate_frame *frame, const struct validate_profile *profile, const struct validate_item *item) {
    const char *speaker = run->profile;
    if (run->depth >= VALIDATE_CHAIN_MAX) {
        validate_say(run, VALIDATE_WARNING, "too-costly", NULL, frame,
            "not checked: profiles ask for one another more than %d deep", VALIDATE_CHAIN_MAX);
        return;
    }
    run->profile = profile->url;
    run->depth++;
    if (fhir_type_is(item->type, profile->type)) {
        validate_conform(run, place, frame, profile->root, item);
    } else {
        validate_say(run, VALIDATE_ERROR, "structure", NULL, frame, "is no %s, as the profile asks",
            fhir_type_name(profile->type));
    }
    run->depth--;
    run->profile = speaker;
}

/* ---- trials ----------------------------------------------------------------------------------------------------- */

static const struct validate_frame trial_frame = {NULL, "", VALIDATE_NO_INDEX};

bool validate_is_conforming(struct validate_run *run, const struct validate_place *place,
    const struct validate_node *node, const struct validate_item *item) {
    struct validate_report trial = {0}, *report = run->report;
    run->report = &trial;
    run->trials++;
    validate_conform(run, place, &trial_frame, node, item);
    run->trials--;
    run->report = report;
    return trial.errors == 0;
}

bool validate_is_conforming_profile(struct validate_run *run, const struct validate_place *place,
    const struct validate_profile *profile, const struct validate_item *item) {
    struct validate_report trial = {0}, *report = run->report;
    run->report = &trial;
    run->trials++;
    validate_conform_profile(run, place, &trial_frame, profile, item);
    run->trials--;
    run->report = report;
    return trial.errors == 0;
}
