/* FHIR XML as FHIR JSON, driven by the definitions' tables; for reading the inputs of HL7's suite only. */
#ifndef SOYANG_TEST_FHIRPATH_XML_DOCUMENT_H
#define SOYANG_TEST_FHIRPATH_XML_DOCUMENT_H

#include "fhir/fhir.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

static inline void xml_put_object(struct json_writer *w, xmlNode *node, fhir_type type);

static inline xmlNode *xml_next_element(xmlNode *node) {
    while (node != NULL && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

static inline struct text xml_attribute(struct json_writer *w, xmlNode *node, const char *name) {
    xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)name);
    struct text copy =
        value != NULL ? text_copy(w->buffer.arena, text_from((const char *)value)) : (struct text){NULL, 0};
    xmlFree(value);
    return copy;
}

static inline bool xml_has_companion(xmlNode *node) {
    return xmlHasProp(node, (const xmlChar *)"id") != NULL || xml_next_element(node->children) != NULL;
}

static inline void xml_put_markup(struct json_writer *w, xmlNode *node) {
    xmlBuffer *buffer = xmlBufferCreate();
    xmlNodeDump(buffer, node->doc, node, 0, 0);
    json_string(w, (const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
}

static inline void xml_put_primitive(struct json_writer *w, xmlNode *node, fhir_type type) {
    static const char *const bare[] = {"boolean", "integer", "positiveInt", "unsignedInt", "decimal"};
    struct text value = xml_attribute(w, node, "value");
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        if (value.at != NULL && strcmp(fhir_type_name(type), bare[i]) == 0) {
            json_raw(w, value);
            return;
        }
    }
    if (strcmp(fhir_type_name(type), "xhtml") == 0) {
        xml_put_markup(w, node);
    } else if (value.at != NULL) {
        json_string_text(w, value);
    } else {
        json_raw(w, TEXT("null"));
    }
}

static inline void xml_put_value(struct json_writer *w, xmlNode *node, fhir_type type, bool is_companion) {
    if (fhir_type_kind(type) == FHIR_PRIMITIVE && !is_companion) {
        xml_put_primitive(w, node, type);
    } else if (is_companion && !xml_has_companion(node)) {
        json_raw(w, TEXT("null"));
    } else if (fhir_type_kind(type) == FHIR_RESOURCE && !is_companion) {
        xmlNode *resource = xml_next_element(node->children);
        xml_put_object(w, resource, fhir_type_find(text_from((const char *)resource->name)));
    } else {
        xml_put_object(w, node, is_companion ? fhir_type_find(TEXT("Element")) : type);
    }
}

/* The run of siblings of one name that starts at `node`, as one member. */
static inline void xml_put_member(
    struct json_writer *w, xmlNode *node, const struct fhir_member *member, bool is_companion) {
    json_name_text(w, is_companion ? text_format(w->buffer.arena, "_%s", (const char *)node->name)
                                   : text_from((const char *)node->name));
    if (member->element->max <= 1) {
        xml_put_value(w, node, member->type, is_companion);
        return;
    }
    json_array_open(w);
    for (xmlNode *each = node; each != NULL && xmlStrEqual(each->name, node->name);
         each = xml_next_element(each->next)) {
        xml_put_value(w, each, member->type, is_companion);
    }
    json_array_close(w);
}

static inline void xml_put_members(struct json_writer *w, xmlNode *node, fhir_type type) {
    for (xmlNode *child = xml_next_element(node->children); child != NULL;) {
        struct fhir_member member;
        bool any_value = false, any_companion = false;
        xmlNode *next = child;
        bool known = fhir_member_find(&member, type, text_from((const char *)child->name));
        for (; next != NULL && xmlStrEqual(next->name, child->name); next = xml_next_element(next->next)) {
            any_value = any_value || xmlHasProp(next, (const xmlChar *)"value") != NULL;
            any_companion = any_companion || xml_has_companion(next);
        }
        if (known) {
            bool is_markup = strcmp(fhir_type_name(member.type), "xhtml") == 0;
            bool is_primitive = fhir_type_kind(member.type) == FHIR_PRIMITIVE && !is_markup;
            if (!is_primitive || any_value) {
                xml_put_member(w, child, &member, false);
            }
            if (is_primitive && any_companion) {
                xml_put_member(w, child, &member, true);
            }
        }
        child = next;
    }
}

static inline void xml_put_object(struct json_writer *w, xmlNode *node, fhir_type type) {
    json_object_open(w);
    if (fhir_type_kind(type) == FHIR_RESOURCE) {
        json_member_string(w, "resourceType", fhir_type_name(type));
    }
    json_member_text(w, "id", xml_attribute(w, node, "id"));
    json_member_text(w, "url", xml_attribute(w, node, "url"));
    xml_put_members(w, node, type);
    json_object_close(w);
}

/* NULL with a fault when it is no XML. */
static inline enum status xml_document_read(yyjson_doc **out, struct text source, struct scope *scope) {
    xmlDoc *doc = xmlReadMemory(source.at, (int)source.size, NULL, NULL, XML_PARSE_NONET);
    xmlNode *root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
    if (root == NULL) {
        return fault(scope, STATUS_INVALID, "", "not XML");
    }
    struct json_writer w = json_writer_open(scope->arena, 64 << 20);
    xml_put_object(&w, root, fhir_type_find(text_from((const char *)root->name)));
    xmlFreeDoc(doc);
    struct text json;
    enum status status = json_finish(&json, &w, scope);
    return status != STATUS_OK ? status : json_read(out, json, scope);
}

#endif
