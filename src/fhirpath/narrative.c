/* htmlChecks(): the rules txt-1 and txt-2 of Narrative.div (R4 StructureDefinition Narrative): only basic formatting elements
 * and attributes, well-formed, and something to read in it. */
#include "fhirpath/functions.h"

#include <string.h>

enum { NARRATIVE_DEPTH_MAX = 128 };

/* R4, Narrative, txt-1. */
static const char *const elements[] = {"a", "abbr", "acronym", "b", "big", "blockquote", "br", "caption", "cite",
    "code", "col", "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "li", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "tt", "ul", "var"};
static const char *const attributes[] = {"abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign",
    "cellpadding", "cellspacing", "cellvalign", "char", "charoff", "charset", "cite", "class", "colspan", "compact",
    "coords", "dir", "frame", "headers", "height", "href", "hreflang", "hspace", "id", "lang", "longdesc", "name",
    "nowrap", "rel", "rev", "rowspan", "rules", "scope", "shape", "span", "src", "start", "style", "summary",
    "tabindex", "title", "type", "valign", "value", "vspace", "width", "xmlns", "xml:lang"};

struct reader {
    struct text rest;
    struct text open[NARRATIVE_DEPTH_MAX];
    size_t depth;
    bool has_content, is_closed; /* the one root has been closed */
};

static bool is_one_of(struct text name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (text_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

static void skip(struct reader *r, size_t count) {
    r->rest.at += count;
    r->rest.size -= count;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct reader *r) {
    while (r->rest.size > 0 && is_blank(r->rest.at[0])) {
        skip(r, 1);
    }
}

static bool skip_past(struct reader *r, const char *end) {
    const char *found = memmem(r->rest.at, r->rest.size, end, strlen(end));
    if (found == NULL) {
        return false;
    }
    skip(r, (size_t)(found - r->rest.at) + strlen(end));
    return true;
}

static struct text read_name(struct reader *r) {
    struct text name = {r->rest.at, 0};
    while (r->rest.size > 0 && !is_blank(r->rest.at[0]) && strchr("/>=<\"'", r->rest.at[0]) == NULL) {
        name.size++;
        skip(r, 1);
    }
    return name;
}

static bool read_attribute(struct reader *r) {
    struct text name = read_name(r);
    skip_blanks(r);
    if (!is_one_of(name, attributes, sizeof attributes / sizeof *attributes) || r->rest.size < 2 ||
        r->rest.at[0] != '=') {
        return false;
    }
    skip(r, 1);
    skip_blanks(r);
    char quote = r->rest.size > 0 ? r->rest.at[0] : '\0';
    if (quote != '"' && quote != '\'') {
        return false;
    }
    skip(r, 1);
    const char *end = memchr(r->rest.at, quote, r->rest.size);
    if (end == NULL || memchr(r->rest.at, '<', (size_t)(end - r->rest.at)) != NULL) {
        return false;
    }
    skip(r, (size_t)(end - r->rest.at) + 1);
    return true;
}

static bool read_closing_tag(struct reader *r) {
    struct text name = read_name(r);
    skip_blanks(r);
    if (r->rest.size == 0 || r->rest.at[0] != '>' || r->depth == 0 || !text_equal(name, r->open[r->depth - 1])) {
        return false;
    }
    skip(r, 1);
    r->depth--;
    r->is_closed = r->depth == 0;
    return true;
}

static bool read_opening_tag(struct reader *r) {
    struct text name = read_name(r);
    if (!is_one_of(name, elements, sizeof elements / sizeof *elements) || r->is_closed ||
        r->depth == NARRATIVE_DEPTH_MAX || (r->depth == 0 && !text_is(name, "div"))) {
        return false;
    }
    r->has_content = r->has_content || text_is(name, "img");
    for (skip_blanks(r); r->rest.size > 0 && r->rest.at[0] != '>' && r->rest.at[0] != '/'; skip_blanks(r)) {
        if (!read_attribute(r)) {
            return false;
        }
    }
    if (text_starts(r->rest, "/>")) {
        skip(r, 2);
        r->is_closed = r->depth == 0;
        return true;
    }
    if (r->rest.size == 0 || r->rest.at[0] != '>') {
        return false;
    }
    skip(r, 1);
    r->open[r->depth++] = name;
    return true;
}

static bool read_markup(struct reader *r) {
    if (text_starts(r->rest, "<!--")) {
        return skip_past(r, "-->");
    }
    skip(r, 1);
    if (r->rest.size > 0 && r->rest.at[0] == '/') {
        skip(r, 1);
        return read_closing_tag(r);
    }
    return read_opening_tag(r);
}

static bool is_narrative(struct text div) {
    struct reader reader = {.rest = div};
    while (reader.rest.size > 0) {
        if (reader.rest.at[0] == '<') {
            if (!read_markup(&reader)) {
                return false;
            }
        } else {
            bool blank = is_blank(reader.rest.at[0]);
            if (!blank && reader.depth == 0) {
                return false;
            }
            reader.has_content = reader.has_content || !blank;
            skip(&reader, 1);
        }
    }
    return reader.is_closed && reader.depth == 0 && reader.has_content;
}

enum status html_checks_run(struct collection *out, const struct call *call) {
    struct text div;
    enum presence presence;
    enum status status = call_text(&div, &presence, call, call->input);
    return status != STATUS_OK || presence == ABSENT ? status : give_boolean(out, call, is_narrative(div));
}
