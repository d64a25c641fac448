#include "search/kind.h"

#include <string.h>

static void uri_emit(struct emitter *emitter, const struct fhirpath_item *item) {
    struct text value = fhirpath_item_text(item, emitter->scope);
    if (value.size > 0) {
        struct key key = {0};
        key_put_bounded(&key, value, KEY_URI_MAX);
        emit_key(emitter, FACET_MAIN, &key);
    }
}

/* A key is a whole URI: exactly this one, which others may begin with. */
static enum status plan_exact(plan_node *out, struct planner *planner, struct slot *slot, struct text uri) {
    struct key key = {0};
    key_put_bounded(&key, uri, KEY_URI_MAX);
    return plan_key(out, planner, slot, FACET_MAIN, &key);
}

static enum status list_exact(struct plan_list *list, struct planner *planner, struct slot *slot, struct text uri) {
    plan_node node;
    enum status status = plan_exact(&node, planner, slot, uri);
    plan_list_add(planner, list, node);
    return status;
}

/* A canonical without a version finds all its versions, as with references. */
static enum status list_versions(struct plan_list *list, struct planner *planner, struct slot *slot, struct text uri) {
    enum status status = list_exact(list, planner, slot, uri);
    bool may_go_on = uri.size < KEY_URI_MAX - KEY_MARK_SIZE && memchr(uri.at, '|', uri.size) == NULL;
    if (status == STATUS_OK && may_go_on) {
        plan_node node;
        struct text prefix = text_format(planner->scope->arena, "%.*s|", (int)uri.size, uri.at);
        status = plan_prefix(&node, planner, slot, FACET_MAIN, prefix, NULL);
        plan_list_add(planner, list, node);
    }
    return status;
}

static enum status plan_versions(plan_node *out, struct planner *planner, struct slot *slot, struct text uri) {
    struct plan_list list = {0};
    enum status status = list_versions(&list, planner, slot, uri);
    *out = plan_union(planner, &list);
    return status;
}

/* http://x/a finds itself and http://x/a/b, not http://x/ab. */
static enum status plan_below(plan_node *out, struct planner *planner, struct slot *slot, struct text uri) {
    struct plan_list list = {0};
    enum status status = list_versions(&list, planner, slot, uri);
    struct buffer path = buffer_open(planner->scope->arena, uri.size + 1);
    buffer_put(&path, uri);
    if (!text_ends(uri, "/")) {
        buffer_put_char(&path, '/');
    }
    plan_node node;
    if (status == STATUS_OK) {
        struct text prefix = buffer_text(&path);
        if (prefix.size > KEY_URI_MAX - KEY_MARK_SIZE) {
            prefix.size = KEY_URI_MAX - KEY_MARK_SIZE;
        }
        status = plan_prefix(&node, planner, slot, FACET_MAIN, prefix, NULL);
        plan_list_add(planner, &list, node);
    }
    *out = plan_union(planner, &list);
    return status;
}

/* http://x/a/b finds itself, http://x/a/, http://x/a, http://x/ and http://x. */
static enum status plan_above(plan_node *out, struct planner *planner, struct slot *slot, struct text uri) {
    struct plan_list list = {0};
    enum status status = list_exact(&list, planner, slot, uri);
    const char *authority = memmem(uri.at, uri.size, "://", 3);
    size_t first = authority == NULL ? 0 : (size_t)(authority - uri.at) + 3;
    for (size_t i = uri.size; i > first && status == STATUS_OK; i--) {
        if (uri.at[i - 1] == '/') {
            status = list_exact(&list, planner, slot, (struct text){uri.at, i});
            if (status == STATUS_OK) {
                status = list_exact(&list, planner, slot, (struct text){uri.at, i - 1});
            }
        }
    }
    *out = plan_union(planner, &list);
    return status;
}

static enum status plan_other(plan_node *out, struct planner *planner, struct slot *slot, struct text uri) {
    const struct text unbounded = {NULL, 0};
    struct key key = {0};
    key_put_bounded(&key, uri, KEY_URI_MAX);
    char *bytes = arena_alloc(planner->scope->arena, key.size + 1); /* with a zero byte behind: the key after it */
    memcpy(bytes, key.at, key.size);
    const struct text own = {bytes, key.size}, next = {bytes, key.size + 1};
    plan_node below, above;
    enum status status = plan_range(&below, planner, slot, FACET_MAIN, unbounded, own, NULL);
    if (status == STATUS_OK) {
        status = plan_range(&above, planner, slot, FACET_MAIN, next, unbounded, NULL);
    }
    struct plan_list list = {0};
    plan_list_add(planner, &list, below);
    plan_list_add(planner, &list, above);
    *out = plan_union(planner, &list);
    return status;
}

/* Where a URI begins, ends or holds a text. */
static enum status plan_part(
    plan_node *out, struct planner *planner, struct slot *slot, struct text part, enum modifier modifier) {
    const struct text unbounded = {NULL, 0};
    if (part.size > KEY_URI_MAX - KEY_MARK_SIZE) {
        part.size = KEY_URI_MAX - KEY_MARK_SIZE;
    }
    if (modifier == MODIFIER_STARTS) {
        return plan_prefix(out, planner, slot, FACET_MAIN, part, NULL);
    }
    struct plan_filter filter = {.kind = STORE_FILTER_CONTAINS, .low = part};
    if (modifier == MODIFIER_ENDS) {
        filter = plan_filter_equal(planner, -(int)part.size, part);
    }
    return plan_range(out, planner, slot, FACET_MAIN, unbounded, unbounded, &filter);
}

static enum status uri_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    struct text uri = value_unescape(planner->scope->arena, criterion->value);
    switch (criterion->modifier) {
    case MODIFIER_BELOW:
        return plan_below(out, planner, use->slot, uri);
    case MODIFIER_ABOVE:
        return plan_above(out, planner, use->slot, uri);
    case MODIFIER_UNEQUAL:
        return plan_other(out, planner, use->slot, uri);
    case MODIFIER_STARTS:
    case MODIFIER_ENDS:
    case MODIFIER_CONTAINS:
        return plan_part(out, planner, use->slot, uri, criterion->modifier);
    default:
        return plan_versions(out, planner, use->slot, uri);
    }
}

const struct kind kind_uri = {uri_emit, uri_plan};
