/* xml: well-formed XML as a series of events, and narratives. Private to fhir; only xml_parse.c knows libxml2.
 *
 * A document type declaration is refused, and with it every entity but XML's own five; nothing is ever fetched. */
#ifndef SOYANG_FHIR_XML_H
#define SOYANG_FHIR_XML_H

#include "fhir/fhir.h"

#define XML_SPACE_FHIR "http://hl7.org/fhir"
#define XML_SPACE_XHTML "http://www.w3.org/1999/xhtml"
#define XML_SPACE_SCHEMA_INSTANCE "http://www.w3.org/2001/XMLSchema-instance"

enum xml_event_kind {
    XML_OPEN,
    XML_CLOSE,
    XML_CHARACTERS,
    XML_CDATA, /* its text, too */
    XML_COMMENT,
    XML_INSTRUCTION,
};

struct xml_attribute {
    const char *name, *prefix, *space; /* without prefix: no space */
    struct text value;                 /* decoded */
};

/* Lasts for the call. */
struct xml_event {
    enum xml_event_kind kind;
    const char *name, *prefix, *space; /* OPEN; CLOSE has the name alone */
    struct text text;                  /* CHARACTERS, CDATA: a piece of it */
    size_t offset;                     /* OPEN: of its "<"; CLOSE: behind its ">" */
    bool declares_default;             /* OPEN: it carries xmlns="..." itself */
    int attribute_count;
    const unsigned char *const *attributes; /* libxml2's, five pointers each */
};
struct xml_attribute xml_event_attribute(const struct xml_event *event, int index);

/* Whatever it returns but STATUS_OK ends the parsing, and is what xml_parse returns. */
typedef enum status xml_handler(void *context, const struct xml_event *event, struct scope *scope);
/* Linear in the source's size, whatever it holds. STATUS_INVALID with the line and column of what is not well-formed, not UTF-8, or a document type declaration. */
MUST_CHECK enum status xml_parse(struct text source, xml_handler *handler, void *context, struct scope *scope);

/* Text as XML: an attribute's value in double quotes, or text between tags. What XML 1.0 has no character for becomes
 * U+FFFD. */
enum xml_escape { XML_ESCAPE_ATTRIBUTE, XML_ESCAPE_CONTENT };
void xml_put_escaped(struct buffer *out, struct text value, enum xml_escape escape);

/* ---- narratives ------------------------------------------------------------------------------------------------- */

/* An XHTML div on its way from events to text. What stood in the source is kept to the byte, unless it needs something
 * from outside (a namespace, a prefix) or holds what an HTML reader misreads (CDATA, instructions); then it is written
 * anew in one canonical form. */
struct xml_narrative {
    struct text source;
    struct buffer canonical;
    size_t start;
    int depth;
    const char *space;
    bool is_plain, is_tag_open;
};
/* Begins at the event that opens the div. */
struct xml_narrative xml_narrative_begin(struct text source, const struct xml_event *event, struct scope *scope);
/* Every event from the one that opens the div to the one that closes it, after which depth is 0. Returns what is wrong
 * with it, or NULL. */
const char *xml_narrative_take(struct xml_narrative *narrative, const struct xml_event *event);
struct text xml_narrative_text(const struct xml_narrative *narrative, size_t end);

/* Writes a narrative as it stands in JSON into an XML document. One that is not well-formed XHTML goes out as text
 * inside a div: nothing is lost, and no document breaks. */
MUST_CHECK enum status xml_narrative_put(struct buffer *out, struct text xhtml, struct scope *scope);

#endif
