/* JSON or XML, as the client asks: _format before Accept, Content-Type for bodies
 * (https://hl7.org/fhir/R4/http.html#mime-type). What lies behind the edge is JSON only. */
#include <string.h>

#include "server/exchange.h"

static const struct {
    const char *name;
    enum exchange_format format;
    enum { OF_FHIR, OF_ALL } use;
} names[] = {
    {"application/fhir+json", EXCHANGE_JSON, OF_FHIR},
    {"application/fhir+xml", EXCHANGE_XML, OF_FHIR},
    {"application/json", EXCHANGE_JSON, OF_ALL},
    {"application/xml", EXCHANGE_XML, OF_ALL},
    {"text/json", EXCHANGE_JSON, OF_ALL},
    {"text/xml", EXCHANGE_XML, OF_ALL},
    {"application/json+fhir", EXCHANGE_JSON, OF_FHIR}, /* before R3, and still sent */
    {"application/xml+fhir", EXCHANGE_XML, OF_FHIR},
    {"json", EXCHANGE_JSON, OF_ALL}, /* the short ones are for _format alone: no media type is without a slash */
    {"xml", EXCHANGE_XML, OF_ALL},
};
enum { NAME_COUNT = sizeof names / sizeof names[0] };

/* ASCII letters in either case; a blank stands for the plus that an unescaped query made of it. */
static bool is_same_name(struct text name, const char *expected) {
    if (name.size != strlen(expected)) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char c = name.at[i] == ' ' ? '+' : name.at[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (c != expected[i]) {
            return false;
        }
    }
    return true;
}

void format_write_names(struct json_writer *w) {
    json_name(w, "format");
    json_array_open(w);
    for (size_t i = 0; i < NAME_COUNT; i++) {
        json_string(w, names[i].name);
    }
    json_array_close(w);
}

bool format_names_fhir(struct text media_type) {
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (names[i].use == OF_FHIR && is_same_name(media_type, names[i].name)) {
            return true;
        }
    }
    return false;
}

/* What stands behind the name: no other version of FHIR (https://hl7.org/fhir/R4/http.html#version-parameter), and no other
 * character set than UTF-8. */
static bool is_spoken(struct text parameters) {
    while (parameters.size > 0) {
        struct text value = text_cut(&parameters, ';');
        struct text name = text_trim(text_cut(&value, '='));
        value = text_trim(value);
        if (value.size >= 2 && value.at[0] == '"' && value.at[value.size - 1] == '"') {
            value = (struct text){value.at + 1, value.size - 2};
        }
        bool is_version = is_same_name(name, "fhirversion"), is_charset = is_same_name(name, "charset");
        if ((is_version && !text_is(value, "4.0") && !text_is(value, FHIR_VERSION)) ||
            (is_charset && !is_same_name(value, "utf-8") && !is_same_name(value, "us-ascii"))) {
            return false;
        }
    }
    return true;
}

enum exchange_format format_find(struct text media_type) {
    struct text name = text_trim(text_cut(&media_type, ';'));
    if (!is_spoken(media_type)) {
        return EXCHANGE_NO_FORMAT;
    }
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (is_same_name(name, names[i].name)) {
            return names[i].format;
        }
    }
    return EXCHANGE_NO_FORMAT;
}

enum status format_take_parameter(struct exchange *exchange, struct text value, struct scope *scope) {
    enum exchange_format format = format_find(value);
    if (format == EXCHANGE_NO_FORMAT) {
        exchange->http_status = 406;
        return fault(scope, STATUS_UNSUPPORTED, "_format", "this server answers in json or xml, of FHIR 4.0");
    }
    exchange->format = format;
    exchange->is_format_given = true;
    return STATUS_OK;
}

/* ---- Accept ----------------------------------------------------------------------------------------------------- */

/* How well the header's ranges take a format (RFC 9110 section 12.5.1): the most specific range counts. */
struct acceptance {
    int specificity; /* 0: no range takes it; 1: any type; 2: any subtype; 3: its own name */
    int weight;      /* thousandths */
};

int format_weight(struct text parameters) {
    while (parameters.size > 0) {
        struct text parameter = text_trim(text_cut(&parameters, ';'));
        double weight;
        if (text_starts(parameter, "q=") &&
            text_to_double(&weight, (struct text){parameter.at + 2, parameter.size - 2}) && weight >= 0 &&
            weight <= 1) {
            return (int)(weight * 1000);
        }
    }
    return 1000;
}

static int specificity_of(struct text range, enum exchange_format format) {
    if (text_is(range, "*/*")) {
        return 1;
    }
    if (text_is(range, "application/*")) {
        return 2;
    }
    enum exchange_format named = format_find(range);
    if (named == EXCHANGE_NO_FORMAT && text_ends(range, "json")) { /* a client's own kind of JSON gets JSON */
        named = EXCHANGE_JSON;
    }
    return named == format ? 3 : 0;
}

static struct acceptance acceptance_of(struct text header, enum exchange_format format) {
    struct acceptance best = {0, 0};
    while (header.size > 0) {
        struct text parameters = text_cut(&header, ',');
        struct text range = text_trim(text_cut(&parameters, ';'));
        int specificity = is_spoken(parameters) ? specificity_of(range, format) : 0;
        int weight = format_weight(parameters);
        bool is_better = specificity > best.specificity || (specificity == best.specificity && weight > best.weight);
        if (specificity > 0 && is_better) {
            best = (struct acceptance){specificity, weight};
        }
    }
    return best;
}

enum status format_take_accept(struct exchange *exchange, struct scope *scope) {
    struct text header = text_from(exchange_request_header(exchange, "Accept"));
    if (exchange->is_format_given || text_trim(header).size == 0) {
        return STATUS_OK;
    }
    struct acceptance json = acceptance_of(header, EXCHANGE_JSON), xml = acceptance_of(header, EXCHANGE_XML);
    if (json.weight == 0 && xml.weight == 0) {
        exchange->http_status = 406;
        return fault(scope, STATUS_UNSUPPORTED, "",
            "this server answers in application/fhir+json or application/fhir+xml, of FHIR 4.0");
    }
    bool is_named_only = xml.weight == json.weight && xml.specificity > json.specificity;
    exchange->format = xml.weight > json.weight || is_named_only ? EXCHANGE_XML : EXCHANGE_JSON;
    return STATUS_OK;
}

/* ---- bodies ----------------------------------------------------------------------------------------------------- */

enum status format_take_body(struct text *out, struct exchange *exchange, struct scope *scope) {
    struct text body = buffer_text(&exchange->body);
    if (body.size == 0) {
        return fault(scope, STATUS_INVALID, "", "the request has no body");
    }
    switch (format_find(text_from(exchange_request_header(exchange, "Content-Type")))) {
    case EXCHANGE_JSON:
        *out = body;
        return STATUS_OK;
    case EXCHANGE_XML:
        return fhir_xml_read(out, body, scope);
    default:
        exchange->http_status = 415;
        return fault(scope, STATUS_UNSUPPORTED, "",
            "the Content-Type must be application/fhir+json or application/fhir+xml, of FHIR 4.0 in UTF-8");
    }
}

const char format_json_type[] = "application/fhir+json; charset=utf-8";

enum status format_present(struct exchange *exchange, struct text json, struct scope *scope) {
    bool is_xml = exchange->format == EXCHANGE_XML;
    exchange->content_type = is_xml ? "application/fhir+xml; charset=utf-8" : format_json_type;
    exchange->content = json;
    if (json.size == 0 || (!is_xml && !exchange->is_pretty)) {
        return STATUS_OK;
    }
    yyjson_doc *document;
    enum status status = json_read(&document, json, scope);
    if (status != STATUS_OK) {
        return status;
    }
    if (is_xml) {
        enum fhir_xml_layout layout = exchange->is_pretty ? FHIR_XML_INDENTED : FHIR_XML_COMPACT;
        return fhir_xml_write(&exchange->content, yyjson_doc_get_root(document), layout, scope);
    }
    yyjson_alc allocator = arena_json_allocator(scope->arena);
    size_t size = 0;
    char *pretty = yyjson_write_opts(document, YYJSON_WRITE_PRETTY_TWO_SPACES, &allocator, &size, NULL);
    if (pretty != NULL) {
        exchange->content = (struct text){pretty, size};
    }
    return STATUS_OK;
}
