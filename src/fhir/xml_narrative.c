#include <string.h>

#include "fhir/xml.h"

enum { NARRATIVE_DEPTH_MAX = 256 };

/* HTML's void elements (https://html.spec.whatwg.org/#void-elements): only these may be written <br/>, since an HTML
 * reader takes <td/> for a start tag. */
static const char *const void_names[] = {"br", "hr", "img", "col", "area", "input", "link", "meta", "wbr"};

static bool is_void(const char *name) {
    for (size_t i = 0; i < sizeof void_names / sizeof *void_names; i++) {
        if (strcmp(void_names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_same(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

struct xml_narrative xml_narrative_begin(struct text source, const struct xml_event *event, struct scope *scope) {
    return (struct xml_narrative){
        .source = source,
        .canonical = buffer_open(scope->arena, SIZE_MAX),
        .start = event->offset,
        .space = event->space,
        .is_plain = event->declares_default,
    };
}

static void end_tag_start(struct xml_narrative *narrative) {
    if (narrative->is_tag_open) {
        buffer_put_char(&narrative->canonical, '>');
        narrative->is_tag_open = false;
    }
}

static const char *open_tag(struct xml_narrative *narrative, const struct xml_event *event) {
    struct buffer *out = &narrative->canonical;
    if (!is_same(event->space, narrative->space)) {
        return "an element that is not XHTML";
    }
    if (narrative->depth == NARRATIVE_DEPTH_MAX) {
        return "elements nested too deep";
    }
    narrative->is_plain = narrative->is_plain && event->prefix == NULL;
    end_tag_start(narrative);
    buffer_put_char(out, '<');
    buffer_put_string(out, event->name);
    if (narrative->depth == 0) {
        buffer_put_string(out, " xmlns=\"" XML_SPACE_XHTML "\"");
    }
    for (int i = 0; i < event->attribute_count; i++) {
        struct xml_attribute attribute = xml_event_attribute(event, i);
        bool is_xml = attribute.prefix != NULL && strcmp(attribute.prefix, "xml") == 0; /* bound by XML itself */
        if (attribute.space != NULL && !is_xml) {
            return "an attribute of another namespace";
        }
        buffer_put_string(out, is_xml ? " xml:" : " ");
        buffer_put_string(out, attribute.name);
        buffer_put_string(out, "=\"");
        xml_put_escaped(out, attribute.value, XML_ESCAPE_ATTRIBUTE);
        buffer_put_char(out, '"');
    }
    narrative->is_tag_open = true;
    narrative->depth++;
    return NULL;
}

static void close_tag(struct xml_narrative *narrative, const struct xml_event *event) {
    struct buffer *out = &narrative->canonical;
    narrative->depth--;
    if (narrative->is_tag_open && is_void(event->name)) {
        buffer_put_string(out, "/>");
    } else {
        end_tag_start(narrative);
        buffer_put_string(out, "</");
        buffer_put_string(out, event->name);
        buffer_put_char(out, '>');
    }
    narrative->is_tag_open = false;
}

const char *xml_narrative_take(struct xml_narrative *narrative, const struct xml_event *event) {
    switch (event->kind) {
    case XML_OPEN:
        return open_tag(narrative, event);
    case XML_CLOSE:
        close_tag(narrative, event);
        return NULL;
    case XML_CDATA:
        narrative->is_plain = false;
        end_tag_start(narrative);
        xml_put_escaped(&narrative->canonical, event->text, XML_ESCAPE_CONTENT);
        return NULL;
    case XML_CHARACTERS:
        end_tag_start(narrative);
        xml_put_escaped(&narrative->canonical, event->text, XML_ESCAPE_CONTENT);
        return NULL;
    case XML_INSTRUCTION:
        narrative->is_plain = false;
        return NULL;
    default:
        return NULL;
    }
}

struct text xml_narrative_text(const struct xml_narrative *narrative, size_t end) {
    const char *source = narrative->source.at;
    size_t start = narrative->start;
    if (narrative->is_plain && start < end && source[start] == '<' && source[end - 1] == '>') {
        return (struct text){source + start, end - start};
    }
    return buffer_text(&narrative->canonical);
}

/* ---- from JSON -------------------------------------------------------------------------------------------------- */

struct inspection {
    struct text source;
    struct xml_narrative narrative;
    bool is_begun;
};

static enum status inspect(void *context, const struct xml_event *event, struct scope *scope) {
    struct inspection *inspection = context;
    if (!inspection->is_begun) {
        if (event->kind != XML_OPEN) { /* before the root */
            return STATUS_INVALID;
        }
        bool is_xhtml = event->space == NULL || strcmp(event->space, XML_SPACE_XHTML) == 0;
        if (!is_xhtml || event->prefix != NULL || strcmp(event->name, "div") != 0) {
            return STATUS_INVALID;
        }
        inspection->narrative = xml_narrative_begin(inspection->source, event, scope);
        inspection->is_begun = true;
    } else if (inspection->narrative.depth == 0) { /* behind it */
        return STATUS_INVALID;
    }
    const char *problem = xml_narrative_take(&inspection->narrative, event);
    return problem == NULL ? STATUS_OK : STATUS_INVALID;
}

static void put_as_text(struct buffer *out, struct text xhtml) {
    buffer_put_string(out, "<div xmlns=\"" XML_SPACE_XHTML "\">");
    xml_put_escaped(out, xhtml, XML_ESCAPE_CONTENT);
    buffer_put_string(out, "</div>");
}

enum status xml_narrative_put(struct buffer *out, struct text xhtml, struct scope *scope) {
    static const char opening[] = "<div";
    struct text trimmed = text_trim(xhtml);
    struct inspection inspection = {.source = trimmed};
    struct scope inner = {.arena = scope->arena}; /* what is wrong with it is not the caller's fault */
    enum status status =
        text_starts(trimmed, opening) ? xml_parse(trimmed, inspect, &inspection, &inner) : STATUS_INVALID;
    if (status == STATUS_INVALID) {
        put_as_text(out, xhtml);
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        fault_carry(scope, &inner.fault);
        return status;
    }
    buffer_put_string(out, opening);
    if (inspection.narrative.space == NULL) {
        buffer_put_string(out, " xmlns=\"" XML_SPACE_XHTML "\"");
    }
    size_t written = sizeof opening - 1;
    buffer_put(out, (struct text){trimmed.at + written, trimmed.size - written});
    return STATUS_OK;
}
