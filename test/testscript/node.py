"""A FHIR document as a tree, the same from JSON and from XML: every element has a name, perhaps a value (as text), children."""
import json
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape, quoteattr

FHIR = "{http://hl7.org/fhir}"
XHTML = "{http://www.w3.org/1999/xhtml}"


class Node:
    def __init__(self, name, value=None, children=(), resource_type=None):
        self.name, self.value, self.children, self.resource_type = name, value, list(children), resource_type

    def named(self, name):
        """Children of a name; of a choice (value[x]) by its common part."""
        found = [c for c in self.children if c.name == name]
        return found or [c for c in self.children if c.name.startswith(name) and c.name[len(name):len(name) + 1].isupper()]


def written(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def narrative(element):
    """XHTML as it compares: whatever prefix it was written with."""
    element.tail = None
    return ElementTree.canonicalize(ElementTree.tostring(element, encoding="unicode"), rewrite_prefixes=True)


def from_json_value(name, value):
    if isinstance(value, list):
        for item in value:
            yield from from_json_value(name, item)
    elif isinstance(value, dict):
        yield from_object(name, value)
    elif value is not None:
        yield Node(name, narrative(ElementTree.fromstring(value)) if name == "div" else written(value))


def from_object(name, value):
    kind = value.get("resourceType")
    children = [c for key, v in value.items() if key != "resourceType" and not key.startswith("_") for c in from_json_value(key, v)]
    return Node(name, None, children, kind)


class Number(str):
    """A number with the digits it was written with."""


def from_json(text):
    value = json.loads(text, parse_float=Number, parse_int=Number)
    return from_object(value.get("resourceType", ""), value)


def from_element(element):
    name = element.tag.removeprefix(FHIR)
    if element.tag.startswith(XHTML):
        return Node("div", narrative(element))
    children = [Node(key, element.get(key)) for key in ("id", "url") if element.get(key) is not None]
    children += [from_element(child) for child in element]
    if len(element) == 1 and name in ("resource", "contained", "outcome") and element[0].tag.removeprefix(FHIR)[0].isupper():
        inner = from_element(element[0])
        return Node(name, None, inner.children, inner.resource_type)
    return Node(name, element.get("value"), children, name if name[0].isupper() else None)


def from_xml(text):
    return from_element(ElementTree.fromstring(text))


# ---- JSON written as XML: what fixtures need -------------------------------------------------------------------------


def xml_members(value):
    for key, item in value.items():
        if key != "resourceType":
            for one in item if isinstance(item, list) else [item]:
                yield xml_member(key, one)


def xml_member(key, value):
    if key == "div":
        return value
    if not isinstance(value, dict):
        return f"<{key} value={quoteattr(written(value))}/>"
    if "resourceType" in value:
        return f"<{key}>{xml_resource(value, '')}</{key}>"
    attributes = "".join(f" {name}={quoteattr(value[name])}" for name in ("id", "url") if name in value and (name == "id" or key.lower().endswith("extension")))
    inside = "".join(xml_members({k: v for k, v in value.items() if k != "id" and not (k == "url" and "url=" in attributes)}))
    return f"<{key}{attributes}>{inside}</{key}>"


def xml_resource(value, namespace=' xmlns="http://hl7.org/fhir"'):
    kind = escape(value["resourceType"])
    return f"<{kind}{namespace}>{''.join(xml_members(value))}</{kind}>"


def to_xml(text):
    return xml_resource(json.loads(text, parse_float=Number, parse_int=Number))
