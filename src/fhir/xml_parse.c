/* libxml2's SAX2 interface as events. Its callbacks run inside scope_run, since an arena's escape must not jump over the
 * parser's own frames; what the parser allocates itself is freed when it returns. */
#include <libxml/parserInternals.h>
#include <libxml/threads.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fhir/xml.h"

enum {
    SOURCE_SIZE_MAX = 1 << 30,
    THREAD_STATE_SIZE = 4096, /* more than sizeof(xmlGlobalState) */
    ATTRIBUTE_FIELDS = 5,
    NAMESPACE_FIELDS = 2,
    ATTRIBUTES_MAX = 64, /* of one tag: libxml2 compares each with each */
    NAMESPACES_MAX = 64, /* declared around an element: libxml2 looks through them one by one */
};

struct parse {
    struct text source;
    xml_handler *handler;
    void *context;
    struct scope *scope;
    xmlParserCtxt *parser;
    const struct xml_event *event;
    enum status status;
    bool is_open;
};

/* ---- what is wrong ---------------------------------------------------------------------------------------------- */

/* In our words: libxml2's quote the document. */
static const struct problem {
    int code;
    const char *text;
} problems[] = {
    {XML_ERR_DOCUMENT_EMPTY, "nothing there, or no element first"},
    {XML_ERR_DOCUMENT_END, "something follows the root element"},
    {XML_ERR_TAG_NAME_MISMATCH, "an end tag does not match its start tag"},
    {XML_ERR_TAG_NOT_FINISHED, "it ends inside an element"},
    {XML_ERR_GT_REQUIRED, "a tag is not closed"},
    {XML_ERR_LT_REQUIRED, "no element where one is due"},
    {XML_ERR_LTSLASH_REQUIRED, "an end tag is missing"},
    {XML_ERR_LT_IN_ATTRIBUTE, "an unescaped < in an attribute"},
    {XML_ERR_ATTRIBUTE_REDEFINED, "an attribute twice in one tag"},
    {XML_ERR_ATTRIBUTE_NOT_STARTED, "an attribute without quotes"},
    {XML_ERR_ATTRIBUTE_NOT_FINISHED, "an attribute's quotes are not closed"},
    {XML_ERR_ATTRIBUTE_WITHOUT_VALUE, "an attribute without a value"},
    {XML_ERR_UNDECLARED_ENTITY, "an entity that XML does not have: use the character itself or its number"},
    {XML_ERR_INVALID_CHARREF, "a character reference to what XML does not allow"},
    {XML_ERR_INVALID_CHAR, "a character that XML does not allow"},
    {XML_NS_ERR_UNDEFINED_NAMESPACE, "a namespace prefix that is not declared"},
};

static const char *problem_text(int code) {
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        if (problems[i].code == code) {
            return problems[i].text;
        }
    }
    return "it is malformed";
}

static void stop(struct parse *parse, enum status status) {
    parse->status = status;
    xmlStopParser(parse->parser);
}

static void on_error(void *context, xmlError *error) {
    struct parse *parse = context;
    if (parse->status != STATUS_OK || error->level < XML_ERR_ERROR || error->code == XML_WAR_NS_URI) {
        return; /* no URI: said also where there was no memory to look; a namespace is compared by its reader */
    }
    if (error->code == XML_ERR_NO_MEMORY) {
        stop(parse, fault(parse->scope, STATUS_UNAVAILABLE, "", "the server is out of memory; try again later"));
        return;
    }
    stop(parse, fault(parse->scope, STATUS_INVALID, "", "not well-formed XML: %s, at line %d, column %d",
                    problem_text(error->code), error->line, error->int2));
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static enum status handle(void *context, struct scope *inner) {
    struct parse *parse = context;
    (void)inner;
    return parse->handler(parse->context, parse->event, parse->scope);
}

static void offer(struct parse *parse, const struct xml_event *event) {
    struct scope inner;
    if (parse->status != STATUS_OK) {
        return;
    }
    parse->event = event;
    enum status status = scope_run(&inner, parse->scope->arena, handle, parse);
    if (status != STATUS_OK) {
        fault_carry(parse->scope, &inner.fault);
        stop(parse, status);
    }
}

static size_t consumed(const struct parse *parse) {
    long bytes = xmlByteConsumed(parse->parser);
    return bytes < 0 || (size_t)bytes > parse->source.size ? parse->source.size : (size_t)bytes;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libxml2's */
static void on_open(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *space,
    int declaration_count, const xmlChar **declarations, int attribute_count, int defaulted_count,
    const xmlChar **attributes) {
    struct parse *parse = context;
    (void)defaulted_count;
    parse->is_open = true;
    if (parse->status == STATUS_OK && parse->parser->nsNr > NAMESPACES_MAX * NAMESPACE_FIELDS) {
        stop(parse, fault(parse->scope, STATUS_INVALID, "", "more than %d namespaces are declared around an element",
                        NAMESPACES_MAX));
    }
    const char *tag = memrchr(parse->source.at, '<', consumed(parse)); /* no attribute holds a bare one */
    struct xml_event event = {
        .kind = XML_OPEN,
        .name = (const char *)name,
        .prefix = (const char *)prefix,
        .space = (const char *)space,
        .offset = tag == NULL ? 0 : (size_t)(tag - parse->source.at),
        .attribute_count = attribute_count,
        .attributes = attributes,
    };
    for (int i = 0; i < declaration_count; i++) {
        event.declares_default |= declarations[i * NAMESPACE_FIELDS] == NULL;
    }
    offer(parse, &event);
}

static void on_close(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *space) {
    struct parse *parse = context;
    (void)prefix, (void)space;
    offer(parse, &(struct xml_event){.kind = XML_CLOSE, .name = (const char *)name, .offset = consumed(parse)});
}

static void on_characters(void *context, const xmlChar *at, int size) {
    offer(
        context, &(struct xml_event){.kind = XML_CHARACTERS, .text = {(const char *)at, size < 0 ? 0 : (size_t)size}});
}

static void on_cdata(void *context, const xmlChar *at, int size) {
    offer(context, &(struct xml_event){.kind = XML_CDATA, .text = {(const char *)at, size < 0 ? 0 : (size_t)size}});
}

static void on_comment(void *context, const xmlChar *text) {
    (void)text;
    offer(context, &(struct xml_event){.kind = XML_COMMENT});
}

static void on_instruction(void *context, const xmlChar *target, const xmlChar *text) {
    (void)target, (void)text;
    offer(context, &(struct xml_event){.kind = XML_INSTRUCTION});
}

static void on_document_type(void *context, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id) {
    struct parse *parse = context;
    (void)name, (void)public_id, (void)system_id;
    if (parse->status == STATUS_OK) {
        stop(parse, fault(parse->scope, STATUS_INVALID, "", "a document type declaration is not allowed"));
    }
}

struct xml_attribute xml_event_attribute(const struct xml_event *event, int index) {
    const unsigned char *const *field = event->attributes + (ptrdiff_t)index * ATTRIBUTE_FIELDS;
    return (struct xml_attribute){
        .name = (const char *)field[0],
        .prefix = (const char *)field[1],
        .space = (const char *)field[2],
        .value = {(const char *)field[3], (size_t)(field[4] - field[3])},
    };
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static const xmlSAXHandler sax = {
    .initialized = XML_SAX2_MAGIC,
    .internalSubset = on_document_type,
    .startElementNs = on_open,
    .endElementNs = on_close,
    .characters = on_characters,
    .ignorableWhitespace = on_characters,
    .cdataBlock = on_cdata,
    .comment = on_comment,
    .processingInstruction = on_instruction,
    .serror = on_error,
};

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The encoding that an XML declaration names, or none. Looked at here, not by libxml2, which would convert first and
 * complain on standard error. */
static struct text declared_encoding(struct text source) {
    if (text_starts(source, "\xEF\xBB\xBF")) {
        source = (struct text){source.at + 3, source.size - 3};
    }
    const char *end = text_starts(source, "<?xml") ? memmem(source.at, source.size, "?>", 2) : NULL;
    const char *at = end == NULL ? NULL : memmem(source.at, (size_t)(end - source.at), "encoding", 8);
    if (at == NULL) {
        return (struct text){NULL, 0};
    }
    for (at += 8; at < end && (is_blank(*at) || *at == '='); at++) {
    }
    const char *close = at == end ? NULL : memchr(at + 1, *at, (size_t)(end - at - 1));
    return close == NULL ? (struct text){NULL, 0} : (struct text){at + 1, (size_t)(close - at - 1)};
}

static bool is_utf8(struct text source) {
    struct text encoding = declared_encoding(source);
    bool is_declared = encoding.at == NULL || (encoding.size == 5 && strncasecmp(encoding.at, "UTF-8", 5) == 0);
    /* libxml2 would take bytes of zero for UTF-16 */
    return is_declared && memchr(source.at, '\0', source.size) == NULL && text_is_utf8(source);
}

/* Where what starts with "<!" or "<?" ends; NULL where it does not, or is a document type. */
static const char *skip_markup(const char *at, const char *end) {
    static const struct {
        const char *open, *close;
    } sections[] = {{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}};
    struct text rest = {at, (size_t)(end - at)};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        size_t opened = strlen(sections[i].open);
        if (text_starts(rest, sections[i].open)) {
            return memmem(at + opened, rest.size - opened, sections[i].close, strlen(sections[i].close));
        }
    }
    return NULL;
}

/* Whether any tag up to the first malformed one has too many attributes. */
static bool is_crowded(struct text source) {
    const char *at = source.at, *end = source.at + source.size;
    while (at != NULL && (at = memchr(at, '<', (size_t)(end - at))) != NULL) {
        if (at + 1 < end && (at[1] == '!' || at[1] == '?')) {
            at = skip_markup(at, end);
            continue;
        }
        int count = 0;
        for (; at < end && *at != '>'; at++) {
            if (*at != '"' && *at != '\'') {
                continue;
            }
            at = memchr(at + 1, *at, (size_t)(end - at - 1));
            if (++count > ATTRIBUTES_MAX || at == NULL) {
                return count > ATTRIBUTES_MAX;
            }
        }
    }
    return false;
}

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

/* libxml2 before 2.12 makes a thread's state when it is first used there, and uses it unseen when there is no memory for it. So
 * it is made here, and only where some memory was to be had just before: without any, what it says of that needs the state again. */
bool fhir_xml_thread_is_ready(void) {
#if LIBXML_VERSION < 21200
    void *volatile probe = malloc(THREAD_STATE_SIZE);
    bool has_memory = probe != NULL;
    free(probe);
    return has_memory && xmlGetGlobalState() != NULL;
#else
    return xmlCheckThreadLocalStorage() == 0;
#endif
}

enum status xml_parse(struct text source, xml_handler *handler, void *context, struct scope *scope) {
    if (source.size > SOURCE_SIZE_MAX) {
        return fault(scope, STATUS_TOO_LARGE, "", "the XML is larger than %d bytes", SOURCE_SIZE_MAX);
    }
    if (source.size == 0) {
        return fault(scope, STATUS_INVALID, "", "not well-formed XML: nothing there");
    }
    if (!is_utf8(source)) {
        return fault(scope, STATUS_INVALID, "", "the encoding of the XML must be UTF-8");
    }
    if (is_crowded(source)) {
        return fault(scope, STATUS_INVALID, "", "a tag has more than %d attributes", ATTRIBUTES_MAX);
    }
    pthread_once(&library_once, xmlInitParser);
    struct parse parse = {.source = source, .handler = handler, .context = context, .scope = scope};
    parse.parser = fhir_xml_thread_is_ready() ? xmlCreateMemoryParserCtxt(source.at, (int)source.size) : NULL;
    if (parse.parser == NULL) {
        return fault(scope, STATUS_UNAVAILABLE, "", "the server is out of memory; try again later");
    }
    *parse.parser->sax = sax;
    parse.parser->userData = &parse;
    /* NOENT gives attributes decoded; there are no entities but the five, since a document type ends the parsing.
     * HUGE lifts libxml2's own limits (10 MB an attribute): a Binary's data may be longer, the source's size bounds all */
    xmlCtxtUseOptions(parse.parser, XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_HUGE | XML_PARSE_IGNORE_ENC);
    xmlParseDocument(parse.parser);
    bool is_whole = parse.parser->wellFormed != 0 && parse.is_open;
    xmlFreeParserCtxt(parse.parser);
    if (parse.status == STATUS_OK && !is_whole) {
        return fault(scope, STATUS_INVALID, "", "not well-formed XML: it is malformed");
    }
    return parse.status;
}
