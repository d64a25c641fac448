/* References to resources here (by type and id) are reference rows; whatever else a reference element says stands as
 * text in FACET_ELSEWHERE: other servers' URLs, canonicals with their version, one version of a resource here. */
#include "search/kind.h"

#include <ctype.h>
#include <string.h>

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static void emit_elsewhere(struct emitter *emitter, struct text value) {
    struct key key = {0};
    key_put_bounded(&key, value, KEY_URI_MAX);
    emit_key(emitter, FACET_ELSEWHERE, &key);
}

/* There is a reference, though it names nothing that could be asked for. No URI begins with this byte. */
static void emit_presence(struct emitter *emitter) {
    emit_elsewhere(emitter, TEXT("\x01"));
}

static void emit_reference_text(struct emitter *emitter, struct text value) {
    struct fhir_reference reference;
    if (!fhir_reference_parse(&reference, value, emitter->search->own_base)) {
        emit_elsewhere(emitter, value);
        return;
    }
    switch (reference.kind) {
    case FHIR_REFERENCE_LOCAL:
        emit_reference(emitter, reference.type, reference.id);
        if (reference.version.size > 0) {
            emit_elsewhere(emitter,
                text_format(emitter->scope->arena, "%s/%.*s/_history/%.*s", fhir_type_name(reference.type),
                    (int)reference.id.size, reference.id.at, (int)reference.version.size, reference.version.at));
        }
        return;
    case FHIR_REFERENCE_ABSOLUTE:
    case FHIR_REFERENCE_URN:
        emit_elsewhere(emitter, value);
        return;
    case FHIR_REFERENCE_FRAGMENT:
    case FHIR_REFERENCE_CONDITIONAL:
        emit_presence(emitter);
        return;
    }
}

struct text reference_of_item(const struct search *search, const struct fhirpath_item *item, struct scope *scope) {
    if (item->kind == FHIRPATH_NODE && item->type == search->datatypes.reference) {
        return json_get_text(item->node, "reference");
    }
    return fhirpath_item_text(item, scope);
}

static void emit_resource(struct emitter *emitter, const struct fhirpath_item *item) {
    fhir_type type = fhir_resource_type_of(item->node);
    struct text id = json_get_text(item->node, "id");
    if (type != FHIR_TYPE_NONE && fhir_id_is_valid(id)) {
        emit_reference(emitter, type, id);
    }
}

static void reference_emit(struct emitter *emitter, const struct fhirpath_item *item) {
    const struct datatypes *types = &emitter->search->datatypes;
    if (item->kind == FHIRPATH_NODE && item->type != FHIR_TYPE_NONE && fhir_type_kind(item->type) == FHIR_RESOURCE) {
        emit_resource(emitter, item);
        return;
    }
    size_t before = emitter->count;
    struct text value = reference_of_item(emitter->search, item, emitter->scope);
    if (value.size > 0) {
        emit_reference_text(emitter, value);
    }
    if (item->kind != FHIRPATH_NODE || item->type != types->reference) {
        return;
    }
    const yyjson_val *identifier = json_get(item->node, "identifier");
    struct text display = json_get_text(item->node, "display");
    if (identifier != NULL) {
        const struct token token = {json_get_text(identifier, "system"), json_get_text(identifier, "value")};
        token_emit_key(emitter, FACET_IDENTIFIER, &token);
    }
    if (emitter->count == before) {
        emit_presence(emitter);
    }
    if (display.size > 0) {
        token_emit_text(emitter, display);
    }
}

/* ---- plans --------------------------------------------------------------------------------------------------------- */

static enum status list_elsewhere(
    struct plan_list *list, struct planner *planner, struct slot *slot, struct text value, const char *next) {
    struct key key = {0};
    key_put_bounded(&key, value, KEY_URI_MAX);
    plan_node node;
    enum status status;
    if (next != NULL) {
        key_put(&key, text_from(next));
        status = plan_prefix(&node, planner, slot, FACET_ELSEWHERE, key_copy(planner->scope->arena, &key), NULL);
    } else {
        status = plan_key(&node, planner, slot, FACET_ELSEWHERE, &key);
    }
    plan_list_add(planner, list, node);
    return status;
}

/* A canonical without a version finds all its versions. */
static enum status plan_elsewhere(plan_node *out, struct planner *planner, struct slot *slot, struct text value) {
    struct plan_list list = {0};
    enum status status = list_elsewhere(&list, planner, slot, value, NULL);
    bool may_go_on = value.size < KEY_URI_MAX && memchr(value.at, '|', value.size) == NULL &&
                     memchr(value.at, ':', value.size) != NULL;
    if (status == STATUS_OK && may_go_on) {
        status = list_elsewhere(&list, planner, slot, value, "|");
    }
    *out = plan_union(planner, &list);
    return status;
}

static bool allows_target(const struct slot_use *use, const struct criterion *criterion, fhir_type type) {
    if (use->only != FHIR_TYPE_NONE && use->only != type) {
        return false;
    }
    if (criterion->modifier == MODIFIER_TYPE && criterion->modifier_type != type) {
        return false;
    }
    const struct fhir_search_parameter *definition = criterion->parameter->definition;
    for (int i = 0; i < definition->target_count; i++) {
        if (fhir_type_is(type, definition->targets[i])) {
            return true;
        }
    }
    return definition->target_count == 0;
}

/* RFC 3986, section 3.1. */
static bool has_scheme(struct text value) {
    size_t size = 0;
    while (size < value.size && (isalnum((unsigned char)value.at[size]) || strchr("+-.", value.at[size]) != NULL)) {
        size++;
    }
    return size > 0 && size < value.size && value.at[size] == ':' && isalpha((unsigned char)value.at[0]);
}

/* An id alone may be that of any allowed type. */
static enum status plan_bare_id(plan_node *out, struct planner *planner, const struct slot_use *use,
    const struct criterion *criterion, struct text id) {
    struct plan_list list = {0};
    enum status status = STATUS_OK;
    for (int number = 1; number <= fhir_resource_count() && status == STATUS_OK; number++) {
        fhir_type type = fhir_resource_type((uint16_t)number);
        if (allows_target(use, criterion, type)) {
            plan_node node;
            status = plan_sources_of(&node, planner, use->slot, type, id);
            plan_list_add(planner, &list, node);
        }
    }
    *out = plan_union(planner, &list);
    return status;
}

static enum status plan_local(plan_node *out, struct planner *planner, const struct slot_use *use,
    const struct criterion *criterion, const struct fhir_reference *reference) {
    if (!allows_target(use, criterion, reference->type)) {
        *out = plan_none(planner);
        return STATUS_OK;
    }
    if (reference->version.size > 0) {
        return plan_elsewhere(out, planner, use->slot,
            text_format(planner->scope->arena, "%s/%.*s/_history/%.*s", fhir_type_name(reference->type),
                (int)reference->id.size, reference->id.at, (int)reference->version.size, reference->version.at));
    }
    return plan_sources_of(out, planner, use->slot, reference->type, text_copy(planner->scope->arena, reference->id));
}

/* A parameter narrowed to one type of target shares its rows with one that is not. */
static enum status reference_text_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    plan_node shown, typed;
    enum status status = token_plan_text(&shown, planner, use->slot, criterion);
    *out = shown;
    if (status != STATUS_OK || use->only == FHIR_TYPE_NONE) {
        return status;
    }
    status = plan_referring(&typed, planner, use->slot, use->only);
    struct plan_list both = {0};
    plan_list_add(planner, &both, shown);
    plan_list_add(planner, &both, typed);
    *out = plan_intersect(planner, &both);
    return status;
}

/* ---- hierarchies: Location.partOf and its like ------------------------------------------------------------------------- */

/* How a resource of the type names the one that it is part of. */
static const struct slot_use *parent_of(const struct search *search, fhir_type type) {
    static const char *const codes[] = {"partof", "part-of"};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        const struct parameter *parameter = catalog_find(search, type, text_from(codes[i]));
        for (int t = 0; parameter != NULL && t < parameter->definition->target_count; t++) {
            if (parameter->definition->targets[t] == type && parameter->use_count > 0) {
                return &parameter->uses[0];
            }
        }
    }
    return NULL;
}

/* What lies below (type, id), or above it, level by level. */
static enum status list_levels(struct plan_list *levels, struct planner *planner, const struct slot_use *parent,
    fhir_type type, struct text id, enum modifier modifier) {
    plan_node level = plan_id(planner, type, id);
    enum status status = STATUS_OK;
    for (int depth = 0; depth < HIERARCHY_DEPTH_MAX && status == STATUS_OK; depth++) {
        plan_node next;
        if (modifier == MODIFIER_ABOVE) {
            status = plan_targets(&next, planner, parent->slot, level);
        } else if (depth == 0) {
            status = plan_sources_of(&next, planner, parent->slot, type, id);
        } else {
            status = plan_sources(&next, planner, parent->slot, level);
        }
        level = next;
        plan_list_add(planner, levels, level);
    }
    return status;
}

static enum status list_hierarchy(struct plan_list *list, struct planner *planner, const struct slot_use *use,
    const struct criterion *criterion, fhir_type type, struct text id) {
    const struct slot_use *parent = parent_of(planner->search, type);
    struct plan_list levels = {0};
    plan_node own, others;
    enum status status = plan_sources_of(&own, planner, use->slot, type, id);
    if (status == STATUS_OK) {
        status = list_levels(&levels, planner, parent, type, id, criterion->modifier);
    }
    if (status == STATUS_OK) {
        status = plan_sources(&others, planner, use->slot, plan_union(planner, &levels));
    }
    if (status == STATUS_OK) {
        plan_list_add(planner, list, own);
        plan_list_add(planner, list, others);
    }
    return status;
}

static enum status hierarchy_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    struct text value = value_unescape(planner->scope->arena, criterion->value);
    struct fhir_reference reference = {.type = FHIR_TYPE_NONE, .id = value};
    bool is_local =
        fhir_id_is_valid(value) || (fhir_reference_parse(&reference, value, planner->search->own_base) &&
                                       reference.kind == FHIR_REFERENCE_LOCAL && reference.version.size == 0);
    struct plan_list list = {0};
    enum status status = STATUS_OK;
    for (int number = 1; is_local && number <= fhir_resource_count() && status == STATUS_OK; number++) {
        fhir_type type = fhir_resource_type((uint16_t)number);
        bool is_meant = reference.type == FHIR_TYPE_NONE || reference.type == type;
        if (is_meant && allows_target(use, criterion, type) && parent_of(planner->search, type) != NULL) {
            status =
                list_hierarchy(&list, planner, use, criterion, type, text_copy(planner->scope->arena, reference.id));
        }
    }
    if (status == STATUS_OK && list.count == 0) {
        return criterion_malformed(planner, criterion, "an id or Type/id of something that can be part of its like");
    }
    *out = plan_union(planner, &list);
    return status;
}

static enum status reference_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    if (criterion->modifier == MODIFIER_IDENTIFIER) {
        struct token_query query;
        enum status status = token_query_read(&query, planner, criterion);
        return status == STATUS_OK ? token_plan_in(out, planner, use->slot, FACET_IDENTIFIER, &query) : status;
    }
    if (criterion->modifier == MODIFIER_ABOVE || criterion->modifier == MODIFIER_BELOW) {
        return hierarchy_plan(out, planner, use, criterion);
    }
    if (criterion->modifier == MODIFIER_TEXT) {
        return reference_text_plan(out, planner, use, criterion);
    }
    struct text value = value_unescape(planner->scope->arena, criterion->value);
    if (fhir_id_is_valid(value)) {
        return plan_bare_id(out, planner, use, criterion, value);
    }
    struct fhir_reference reference;
    if (fhir_reference_parse(&reference, value, planner->search->own_base)) {
        if (reference.kind == FHIR_REFERENCE_LOCAL) {
            return plan_local(out, planner, use, criterion, &reference);
        }
        if (reference.kind == FHIR_REFERENCE_FRAGMENT || reference.kind == FHIR_REFERENCE_CONDITIONAL) {
            return criterion_malformed(planner, criterion, "an id, Type/id or a URL");
        }
    } else if (!has_scheme(value)) {
        return criterion_malformed(planner, criterion, "an id, Type/id or a URL");
    }
    return plan_elsewhere(out, planner, use->slot, value);
}

const struct kind kind_reference = {reference_emit, reference_plan};
