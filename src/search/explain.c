#include "search/query.h"

static const char *const kind_names[] = {[STORE_PLAN_NONE] = "none",
    [STORE_PLAN_TYPE] = "type",
    [STORE_PLAN_ID] = "id",
    [STORE_PLAN_RANGE] = "range",
    [STORE_PLAN_UNION] = "union",
    [STORE_PLAN_INTERSECT] = "intersect",
    [STORE_PLAN_SUBTRACT] = "subtract",
    [STORE_PLAN_SOURCES] = "sources",
    [STORE_PLAN_TARGETS] = "targets",
    [STORE_PLAN_REFERRING] = "referring",
    [STORE_PLAN_TEXT] = "text"};

enum { EXPLAIN_BYTES_MAX = 1 << 20, EXPLAIN_KEY_BYTES = 40 };

static void put_key(struct buffer *out, const char *name, struct text key) {
    if (key.at == NULL) {
        return;
    }
    buffer_put_format(out, " %s=", name);
    for (size_t i = 0; i < key.size && i < EXPLAIN_KEY_BYTES; i++) {
        unsigned char c = (unsigned char)key.at[i];
        if (c > ' ' && c < 0x7f) {
            buffer_put_char(out, (char)c);
        } else {
            buffer_put_format(out, "\\%02x", c);
        }
    }
}

static void put_words(struct buffer *out, const struct store_text *text) {
    static const char *const kinds[] = {
        [STORE_TEXT_ALL] = "all", [STORE_TEXT_ANY] = "any", [STORE_TEXT_WITHOUT] = "without"};
    if (text->kind == STORE_TEXT_PHRASE) {
        buffer_put_format(out, " fields=%u", text->fields);
        put_key(out, text->end == STORE_TEXT_PREFIX ? "prefix" : "words", text->words);
        return;
    }
    buffer_put_format(out, " %s(", kinds[text->kind]);
    for (size_t i = 0; i < text->child_count; i++) {
        put_words(out, text->children[i]);
    }
    buffer_put_string(out, " )");
}

static void put_node(struct buffer *out, plan_node node, int depth) {
    for (int i = 0; i < depth; i++) {
        buffer_put_string(out, "  ");
    }
    buffer_put_string(out, kind_names[node->kind]);
    if (node->type != 0) {
        buffer_put_format(out, " %s", fhir_type_name(fhir_resource_type(node->type)));
    }
    if (node->space != 0) {
        buffer_put_format(out, " space=%u", node->space);
    }
    put_key(out, "id", node->id);
    put_key(out, "low", node->low);
    put_key(out, "high", node->high);
    if (node->filter.kind != STORE_FILTER_NONE) {
        buffer_put_format(
            out, " %s@%d", node->filter.kind == STORE_FILTER_SLICE ? "slice" : "contains", node->filter.offset);
        put_key(out, "low", node->filter.low);
        put_key(out, "high", node->filter.high);
    }
    if (node->text != NULL) {
        put_words(out, node->text);
    }
    buffer_put_char(out, '\n');
    for (size_t i = 0; i < node->child_count; i++) {
        put_node(out, node->children[i], depth + 1);
    }
}

struct text search_query_explain(const struct search_query *query, struct scope *scope) {
    struct buffer out = buffer_open(scope->arena, EXPLAIN_BYTES_MAX);
    put_node(&out, query->plan, 0);
    return buffer_text(&out);
}
