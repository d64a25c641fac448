#include "search/kind.h"

#include <string.h>

/* ---- elements ------------------------------------------------------------------------------------------------------ */

static struct token coding_token(const yyjson_val *coding) {
    return (struct token){json_get_text(coding, "system"), json_get_text(coding, "code")};
}

static void each_coding(const yyjson_val *codings, token_visit *visit, void *context) {
    yyjson_arr_iter items = yyjson_arr_iter_with((yyjson_val *)codings);
    for (yyjson_val *coding; (coding = yyjson_arr_iter_next(&items)) != NULL;) {
        struct token token = coding_token(coding);
        visit(context, &token);
    }
}

void token_each(const struct search *search, const struct fhirpath_item *item, token_visit *visit, void *context,
    struct scope *scope) {
    const struct datatypes *types = &search->datatypes;
    struct token token = {{NULL, 0}, {NULL, 0}};
    if (item->kind != FHIRPATH_NODE) {
        token.code = fhirpath_item_text(item, scope);
    } else if (item->type == types->codeable_concept) {
        each_coding(json_get(item->node, "coding"), visit, context);
        return;
    } else if (item->type == types->coding) {
        token = coding_token(item->node);
    } else if (item->type == types->identifier) {
        token = (struct token){json_get_text(item->node, "system"), json_get_text(item->node, "value")};
    } else if (item->type == types->contact_point) {
        token.code = json_get_text(item->node, "value");
    } else {
        token.code = fhirpath_item_text(item, scope);
    }
    if (token.code.size > 0 || token.system.size > 0) {
        visit(context, &token);
    }
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static struct key token_key(const struct token *token) {
    struct key key = {0};
    key_put_bounded(&key, token->code, KEY_CODE_MAX);
    key_put_char(&key, '\0');
    key_put_hash(&key, token->system);
    return key;
}

void token_emit_key(struct emitter *emitter, enum facet facet, const struct token *token) {
    struct key key = token_key(token);
    emit_key(emitter, facet, &key);
}

/* Folded words, each after one blank, so that " sin" is found at the start of any word. */
static struct text text_words(struct arena *arena, struct text value) {
    struct text folded = string_fold(arena, value);
    char *words = arena_alloc(arena, folded.size + 1);
    size_t size = 0;
    words[size++] = ' ';
    for (size_t i = 0; i < folded.size; i++) {
        char c = folded.at[i];
        bool is_blank = c == ' ' || (c > 0 && c < 0x7f && strchr("!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~", c) != NULL);
        if (!is_blank) {
            words[size++] = c;
        } else if (words[size - 1] != ' ') {
            words[size++] = ' ';
        }
    }
    while (size > 0 && words[size - 1] == ' ') {
        size--;
    }
    return (struct text){words, size};
}

void token_emit_text(struct emitter *emitter, struct text value) {
    struct text words = text_words(emitter->scope->arena, value);
    if (value.size == 0 || words.size == 0) {
        return;
    }
    struct key key = {0};
    key_put(&key, (struct text){words.at, words.size < STORE_KEY_MAX ? words.size : STORE_KEY_MAX});
    emit_key(emitter, FACET_TEXT, &key);
}

static void emit_concept_texts(struct emitter *emitter, const yyjson_val *concept) {
    token_emit_text(emitter, json_get_text(concept, "text"));
    yyjson_arr_iter codings = yyjson_arr_iter_with(json_get(concept, "coding"));
    for (yyjson_val *coding; (coding = yyjson_arr_iter_next(&codings)) != NULL;) {
        token_emit_text(emitter, json_get_text(coding, "display"));
    }
}

static struct key typed_key(struct arena *arena, const struct token *type, struct text value) {
    struct key key = {0};
    key_put_bounded(&key, value, KEY_CODE_MAX);
    key_put_char(&key, '\0');
    key_put_hash(
        &key, text_format(arena, "%.*s|%.*s", (int)type->system.size, type->system.size > 0 ? type->system.at : "",
                  (int)type->code.size, type->code.size > 0 ? type->code.at : ""));
    return key;
}

static void emit_identifier_types(struct emitter *emitter, const yyjson_val *identifier) {
    const yyjson_val *type = json_get(identifier, "type");
    struct text value = json_get_text(identifier, "value");
    emit_concept_texts(emitter, type);
    yyjson_arr_iter codings = yyjson_arr_iter_with(json_get(type, "coding"));
    for (yyjson_val *coding; (coding = yyjson_arr_iter_next(&codings)) != NULL;) {
        struct token token = coding_token(coding);
        if (token.code.size > 0 && value.size > 0) {
            struct key key = typed_key(emitter->scope->arena, &token, value);
            emit_key(emitter, FACET_TYPED, &key);
        }
    }
}

static void emit_visited(void *context, const struct token *token) {
    token_emit_key(context, FACET_MAIN, token);
}

static void token_emit(struct emitter *emitter, const struct fhirpath_item *item) {
    const struct datatypes *types = &emitter->search->datatypes;
    size_t before = emitter->count;
    token_each(emitter->search, item, emit_visited, emitter, emitter->scope);
    bool has_code = emitter->count > before;
    if (item->kind != FHIRPATH_NODE || item->node == NULL) {
        return;
    }
    if (item->type == types->codeable_concept) {
        emit_concept_texts(emitter, item->node);
    } else if (item->type == types->coding) {
        token_emit_text(emitter, json_get_text(item->node, "display"));
    } else if (item->type == types->identifier) {
        emit_identifier_types(emitter, item->node);
    }
    if (!has_code) {
        const struct token nothing = {{NULL, 0}, {NULL, 0}}; /* there is a value, though it has no code: for :missing */
        token_emit_key(emitter, FACET_MAIN, &nothing);
    }
}

/* ---- plans --------------------------------------------------------------------------------------------------------- */

enum status token_query_read(struct token_query *out, struct planner *planner, const struct criterion *criterion) {
    struct arena *arena = planner->scope->arena;
    struct text rest = criterion->value;
    struct text first = value_unescape(arena, value_cut(&rest, '|'));
    *out = (struct token_query){.any_system = true, .code = first};
    if (rest.at != NULL) {
        *out = (struct token_query){.system = first, .code = value_unescape(arena, rest)};
        out->any_code = out->code.size == 0;
    }
    if (out->code.size == 0 && out->system.size == 0) {
        return criterion_malformed(planner, criterion, "code, system|code, |code or system|");
    }
    return STATUS_OK;
}

static struct text segment_of(struct text url) {
    for (size_t i = url.size; i > 0; i--) {
        if (url.at[i - 1] == '/') {
            return (struct text){url.at + i, url.size - i};
        }
    }
    return url;
}

/* A `code` or boolean has no system beside it: its binding implies one. R4 names a code system and the value set of all
 * its codes alike, so the last segments are compared (http://hl7.org/fhir/administrative-gender). */
static bool implies_system(const struct slot *slot, struct text system) {
    struct text segment = segment_of(system);
    if (text_is(segment, "special-values")) {
        return true;
    }
    for (size_t i = 0; i < slot->branch_count; i++) {
        if (slot->branches[i]->code_system.size > 0 && text_equal(slot->branches[i]->code_system, segment)) {
            return true;
        }
    }
    return false;
}

static enum status plan_system(plan_node *out, struct planner *planner, struct slot *slot, enum facet facet,
    const struct token_query *query, struct text system) {
    const struct text unbounded = {NULL, 0};
    if (query->any_code) {
        struct key key = {0};
        key_put_hash(&key, system);
        struct plan_filter filter = plan_filter_equal(planner, -KEY_HASH_SIZE, key_text(&key));
        return plan_range(out, planner, slot, facet, unbounded, unbounded, &filter);
    }
    const struct token token = {system, query->code};
    struct key key = token_key(&token);
    return plan_key(out, planner, slot, facet, &key);
}

enum status token_plan_in(
    plan_node *out, struct planner *planner, struct slot *slot, enum facet facet, const struct token_query *query) {
    if (query->any_system) {
        struct key key = {0};
        key_put_bounded(&key, query->code, KEY_CODE_MAX);
        key_put_char(&key, '\0');
        return plan_prefix(out, planner, slot, facet, key_copy(planner->scope->arena, &key), NULL);
    }
    plan_node named;
    enum status status = plan_system(&named, planner, slot, facet, query, query->system);
    if (status != STATUS_OK || query->system.size == 0 || !implies_system(slot, query->system)) {
        *out = named;
        return status;
    }
    plan_node implied;
    status = plan_system(&implied, planner, slot, facet, query, (struct text){NULL, 0});
    struct plan_list list = {0};
    plan_list_add(planner, &list, named);
    plan_list_add(planner, &list, implied);
    *out = plan_union(planner, &list);
    return status;
}

/* The key behind that of an element without a token: such a one says that there is something, but is no other token. */
static struct text first_token(struct arena *arena) {
    struct key nothing = token_key(&(const struct token){{NULL, 0}, {NULL, 0}});
    struct text low = key_text(&nothing);
    char *next = arena_alloc(arena, low.size + 1);
    memcpy(next, low.at, low.size);
    next[low.size] = '\0';
    return (struct text){next, low.size + 1};
}

/* Has a token that is another one. Elements whose system is implied are compared by their code alone. */
static enum status plan_other(
    plan_node *out, struct planner *planner, struct slot *slot, const struct token_query *query) {
    struct arena *arena = planner->scope->arena;
    const struct text unbounded = {NULL, 0}, first = first_token(arena);
    plan_node below, above;
    enum status status;
    if (query->any_code) { /* the last bytes are the system's hash */
        struct key key = {0};
        key_put_hash(&key, query->system);
        struct text hash = key_copy(arena, &key);
        struct plan_filter low = {.kind = STORE_FILTER_SLICE,
                               .offset = -KEY_HASH_SIZE,
                               .length = KEY_HASH_SIZE,
                               .high = hash},
                           high = low;
        high.low = store_prefix_end(arena, hash);
        high.high = unbounded;
        status = plan_range(&below, planner, slot, FACET_MAIN, first, unbounded, &low);
        if (status == STATUS_OK) {
            status = plan_range(&above, planner, slot, FACET_MAIN, unbounded, unbounded, &high);
        }
    } else {
        struct key key = token_key(&(const struct token){query->system, query->code});
        bool is_any = query->any_system || (query->system.size > 0 && implies_system(slot, query->system));
        if (is_any) {
            key.size -= KEY_HASH_SIZE;
        }
        struct text low = key_copy(arena, &key), high = store_prefix_end(arena, low);
        status = plan_range(&below, planner, slot, FACET_MAIN, first, low, NULL);
        if (status == STATUS_OK) {
            status = plan_range(&above, planner, slot, FACET_MAIN, high, unbounded, NULL);
        }
    }
    struct plan_list list = {0};
    plan_list_add(planner, &list, below);
    plan_list_add(planner, &list, above);
    *out = plan_union(planner, &list);
    return status;
}

static enum status plan_of_type(
    plan_node *out, struct planner *planner, struct slot *slot, const struct criterion *criterion) {
    struct arena *arena = planner->scope->arena;
    struct text rest = criterion->value;
    struct token type;
    type.system = value_unescape(arena, value_cut(&rest, '|'));
    type.code = value_unescape(arena, value_cut(&rest, '|'));
    struct text value = value_unescape(arena, rest);
    if (type.system.size == 0 || type.code.size == 0 || value.size == 0) {
        return criterion_malformed(planner, criterion, "system|code|value");
    }
    struct key key = typed_key(arena, &type, value);
    return plan_key(out, planner, slot, FACET_TYPED, &key);
}

/* At the start of a word; anywhere where words are not set apart by blanks (Hangul, Han, kana). */
enum status token_plan_text(
    plan_node *out, struct planner *planner, struct slot *slot, const struct criterion *criterion) {
    const struct text unbounded = {NULL, 0};
    struct arena *arena = planner->scope->arena;
    struct text words = text_words(arena, value_unescape(arena, criterion->value));
    if (words.size == 0) {
        return criterion_malformed(planner, criterion, "some letters or digits");
    }
    if ((unsigned char)words.at[1] >= 0xe1) {
        words = (struct text){words.at + 1, words.size - 1};
    }
    if (words.size > STORE_KEY_MAX) {
        words.size = STORE_KEY_MAX;
    }
    struct plan_filter filter = {.kind = STORE_FILTER_CONTAINS, .low = words};
    return plan_range(out, planner, slot, FACET_TEXT, unbounded, unbounded, &filter);
}

static enum status token_plan(
    plan_node *out, struct planner *planner, const struct slot_use *use, const struct criterion *criterion) {
    if (criterion->modifier == MODIFIER_OF_TYPE) {
        return plan_of_type(out, planner, use->slot, criterion);
    }
    if (criterion->modifier == MODIFIER_TEXT) {
        return token_plan_text(out, planner, use->slot, criterion);
    }
    if (criterion->modifier == MODIFIER_IN || criterion->modifier == MODIFIER_NOT_IN ||
        criterion->modifier == MODIFIER_ABOVE || criterion->modifier == MODIFIER_BELOW) {
        return concept_plan(out, planner, use->slot, criterion);
    }
    struct token_query query;
    enum status status = token_query_read(&query, planner, criterion);
    if (status == STATUS_OK && criterion->modifier == MODIFIER_UNEQUAL) {
        return plan_other(out, planner, use->slot, &query);
    }
    return status == STATUS_OK ? token_plan_in(out, planner, use->slot, FACET_MAIN, &query) : status;
}

const struct kind kind_token = {token_emit, token_plan};
