#!/usr/bin/python3
"""Turns the code systems, value sets and concept maps of the published R4 definitions into C tables.

    terminology.py PACKAGE OUTPUT

PACKAGE is the unpacked folder of hl7.fhir.r4.examples 4.0.1; OUTPUT receives builtin.c, the book that
src/terminology/book.h declares. The same package always gives the same bytes.

Definitions are a megabyte and a half of English, and seldom asked for: they are written in a code in which bytes that they
do not use stand for frequent runs of letters (byte pair encoding).
"""

import collections
import glob
import json
import os
import re
import sys

CONTENTS = ["complete", "fragment", "example", "not-present", "supplement"]
PROPERTY_TYPES = ["Code", "Coding", "String", "Integer", "Boolean", "DateTime", "Decimal"]
OPERATORS = ["=", "is-a", "descendent-of", "is-not-a", "regex", "in", "not-in", "generalizes", "exists"]
INACTIVE = {"retired", "inactive", "withdrawn"}
PARENT_PROPERTIES = {"parent", "subsumedBy"}
SYMBOL_SIZE_MAX = 24
TRAINING_STEP = 9  # every so many-th definition is looked at to find frequent runs


class Refused(Exception):
    """The package does not look as the tables need it."""


def read_all(package, kind):
    resources = []
    for path in sorted(glob.glob(os.path.join(package, kind + "-*.json"))):
        with open(path, encoding="utf-8") as file:
            resources.append(json.load(file))
    return sorted(resources, key=lambda r: (r["url"].encode(), r.get("version", "").encode()))


class Pool:
    """Terminated strings, each kept once; 0 is none."""

    def __init__(self):
        self.offsets, self.order, self.size = {"": 0}, [""], 1

    def add(self, string):
        if not string:
            return 0
        if string not in self.offsets:
            self.offsets[string] = self.size
            self.order.append(string)
            self.size += len(string.encode()) + 1
        return self.offsets[string]


class Definitions:
    """The coded pool: strings are put in first, then coded all together."""

    def __init__(self):
        self.order, self.numbers = [], {}

    def add(self, string):
        string = " ".join(re.split("[ \t\r\n]+", string.strip(" \t\r\n"))) if string else ""
        if not string:
            return 0
        if string not in self.numbers:
            self.numbers[string] = len(self.order) + 1
            self.order.append(string)
        return self.numbers[string]

    def code(self):
        """Returns (symbols by byte, coded strings, offset of each number)."""
        used = set(byte for string in self.order for byte in string.encode())
        free = [byte for byte in range(1, 256) if byte not in used]
        sample = "\n".join(self.order[::TRAINING_STEP]).encode()
        symbols = {byte: bytes([byte]) for byte in used}
        rules = []
        for byte in free:
            pairs = collections.Counter(zip(sample, sample[1:]))
            pair = best_pair(pairs, symbols)
            if pair is None:
                break
            symbols[byte] = symbols[pair[0]] + symbols[pair[1]]
            rules.append((bytes(pair), bytes([byte])))
            sample = sample.replace(bytes(pair), bytes([byte]))
        text = b"\0".join(string.encode() for string in self.order)
        for pair, byte in rules:
            text = text.replace(pair, byte)
        coded = text.split(b"\0") if self.order else []
        offsets, size = [0], 1
        for string in coded:
            offsets.append(size)
            size += len(string) + 1
        return symbols, [b""] + coded, offsets


def best_pair(pairs, symbols):
    best, best_count = None, 3
    for pair, count in pairs.items():
        if 10 in pair or len(symbols[pair[0]]) + len(symbols[pair[1]]) > SYMBOL_SIZE_MAX:
            continue
        if count > best_count or (count == best_count and best is not None and pair < best):
            best, best_count = pair, count
    return best


class Book:
    def __init__(self):
        self.pool, self.definitions = Pool(), Definitions()
        self.rows = collections.OrderedDict((name, []) for name in (
            "systems", "value_sets", "maps", "concepts", "by_code", "edges", "declared", "properties", "designations",
            "listed_designations", "uses", "includes", "listed", "listed_by_code", "filters", "imports", "groups", "elements", "targets",
            "links"))
        self.use_numbers = {}

    def title(self, resource):
        return tuple(self.pool.add(resource.get(member)) for member in ("url", "version", "name", "title", "status"))

    def use(self, use):
        if not use:
            return 0
        row = tuple(self.pool.add(use.get(member)) for member in ("system", "code", "display"))
        if row not in self.use_numbers:
            self.rows["uses"].append(row)
            self.use_numbers[row] = len(self.rows["uses"])
        return self.use_numbers[row]

    def add_designations(self, rows, owner, designations):
        for designation in designations:
            rows.append((owner, self.pool.add(designation.get("language")), self.pool.add(designation["value"]),
                         self.use(designation.get("use"))))

    # ---- code systems ----

    def add_system(self, resource):
        concepts = []  # (concept, parent), in the order of the tree

        def walk(level, parent):
            for concept in level:
                position = len(concepts)
                concepts.append([concept, parent, 0])
                walk(concept.get("concept", []), position + 1)
                concepts[position][2] = len(concepts) - position - 1

        walk(resource.get("concept", []), 0)
        first, edge_first = len(self.rows["concepts"]), len(self.rows["edges"])
        order = sorted(range(len(concepts)), key=lambda position: (concepts[position][0]["code"].encode(), position))
        positions = {}
        for position in reversed(order):
            positions[concepts[position][0]["code"]] = position
        edges = set()
        for position, (concept, parent, below) in enumerate(concepts):
            self.add_concept(first, position, concept, parent, below, positions, edges)
        self.rows["by_code"].extend(order)
        self.rows["edges"].extend(sorted(edge for edge in edges if concepts[edge[0]][1] != edge[1] + 1))
        declared_first = len(self.rows["declared"])
        declared = collections.OrderedDict.fromkeys(entry["code"] for member in ("property", "filter") for entry in resource.get(member, []))
        self.rows["declared"].extend(self.pool.add(code) for code in declared)
        self.rows["systems"].append((
            self.title(resource), self.pool.add(resource.get("valueSet")), first, len(concepts), edge_first,
            len(self.rows["edges"]) - edge_first, declared_first, len(declared), CONTENTS.index(resource["content"]),
            resource.get("caseSensitive") is False, resource.get("hierarchyMeaning", "is-a") != "is-a"))

    def add_concept(self, first, position, concept, parent, below, positions, edges):
        abstract = inactive = False
        for entry in concept.get("property", []):
            member = next(name for name in entry if name.startswith("value"))
            value, code = entry[member], entry["code"]
            if code in PARENT_PROPERTIES and value in positions:
                edges.add((position, positions[value]))
            elif code == "child" and value in positions:
                edges.add((positions[value], position))
            else:
                abstract = abstract or (code in ("notSelectable", "abstract") and value is True)
                inactive = inactive or (code == "inactive" and value is True) or (code == "status" and value in INACTIVE)
                self.add_property(first + position, code, member[len("value"):], value)
        self.add_designations(self.rows["designations"], first + position, concept.get("designation", []))
        self.rows["concepts"].append((
            self.pool.add(concept["code"]), self.pool.add(concept.get("display")),
            self.definitions.add(concept.get("definition")), parent, below, int(abstract), int(inactive)))

    def add_property(self, concept, code, kind, value):
        system = 0
        if kind == "Coding":
            system, value = self.pool.add(value.get("system")), value.get("code")
        elif isinstance(value, bool):
            value = "true" if value else "false"
        self.rows["properties"].append((concept, self.pool.add(code), system, self.pool.add(str(value)),
                                        PROPERTY_TYPES.index(kind)))

    # ---- value sets ----

    def add_value_set(self, resource):
        first = len(self.rows["includes"])
        compose = resource.get("compose", {})
        for kind in ("include", "exclude"):
            for include in compose.get(kind, []):
                self.add_include(include, kind == "exclude")
        if not compose:
            self.add_expanded(resource.get("expansion", {}).get("contains", []))
        self.rows["value_sets"].append((self.title(resource), first, len(self.rows["includes"]) - first,
                                        compose.get("inactive") is False))

    def add_include(self, include, is_exclude):
        listed, filters, imports = (len(self.rows[name]) for name in ("listed", "filters", "imports"))
        for concept in include.get("concept", []):
            self.add_designations(self.rows["listed_designations"], len(self.rows["listed"]), concept.get("designation", []))
            self.rows["listed"].append((self.pool.add(concept["code"]), self.pool.add(concept.get("display"))))
        codes = [concept["code"].encode() for concept in include.get("concept", [])]
        self.rows["listed_by_code"].extend(sorted(range(len(codes)), key=lambda position: (codes[position], position)))
        for entry in include.get("filter", []):
            self.rows["filters"].append((self.pool.add(entry["property"]), self.pool.add(entry["value"]),
                                         OPERATORS.index(entry["op"])))
        self.rows["imports"].extend(self.pool.add(url) for url in include.get("valueSet", []))
        self.rows["includes"].append((
            self.pool.add(include.get("system")), self.pool.add(include.get("version")), listed,
            len(self.rows["listed"]) - listed, filters, imports, len(self.rows["filters"]) - filters,
            len(self.rows["imports"]) - imports, is_exclude))

    def add_expanded(self, contains):
        """A value set that is published as its expansion alone: what it lists."""
        systems = collections.OrderedDict()

        def walk(level):
            for entry in level:
                if "code" in entry and not entry.get("abstract"):
                    systems.setdefault((entry.get("system"), entry.get("version")), []).append(entry)
                walk(entry.get("contains", []))

        walk(contains)
        for (system, version), entries in systems.items():
            self.add_include({"system": system, "version": version, "concept": entries}, False)

    # ---- concept maps ----

    def add_map(self, resource):
        first = len(self.rows["groups"])
        for group in resource.get("group", []):
            elements = len(self.rows["elements"])
            for element in group.get("element", []):
                self.add_element(element)
            unmapped = group.get("unmapped", {})
            self.rows["groups"].append(tuple(
                self.pool.add(group.get(member)) for member in ("source", "sourceVersion", "target", "targetVersion")) + tuple(
                self.pool.add(unmapped.get(member)) for member in ("mode", "code", "display", "url")) + (
                elements, len(self.rows["elements"]) - elements))
        source = resource.get("sourceUri") or resource.get("sourceCanonical")
        target = resource.get("targetUri") or resource.get("targetCanonical")
        self.rows["maps"].append((self.title(resource), self.pool.add(source), self.pool.add(target), first,
                                  len(self.rows["groups"]) - first))

    def add_element(self, element):
        targets = len(self.rows["targets"])
        for target in element.get("target", []):
            links = len(self.rows["links"])
            for link in target.get("dependsOn", []) + target.get("product", []):
                self.rows["links"].append(tuple(self.pool.add(link.get(member)) for member in
                                                ("property", "system", "value", "display")))
            self.rows["targets"].append(tuple(
                self.pool.add(target.get(member)) for member in ("code", "display", "equivalence", "comment")) + (
                links, len(target.get("dependsOn", [])), len(target.get("product", []))))
        self.rows["elements"].append((self.pool.add(element.get("code")), self.pool.add(element.get("display")), targets,
                                      len(self.rows["targets"]) - targets))


def literal(data):
    text = "".join("\\%03o" % byte if byte < 32 or byte > 126 or byte in b'"\\?' else chr(byte) for byte in data)
    return '"%s"' % text


def value(item):
    if isinstance(item, tuple):
        return "{%s}" % ", ".join(value(part) for part in item)
    if isinstance(item, bool):
        return "true" if item else "false"
    return str(item)


STRUCTS = {
    "systems": "struct system_row", "value_sets": "struct value_set_row", "maps": "struct map_row",
    "concepts": "struct concept_row", "by_code": "uint32_t", "edges": "struct edge_row", "declared": "book_string",
    "properties": "struct property_row", "designations": "struct designation_row",
    "listed_designations": "struct designation_row", "uses": "struct use_row", "includes": "struct include_row",
    "listed": "struct listed_row", "listed_by_code": "uint32_t", "filters": "struct filter_row", "imports": "book_string", "groups": "struct group_row",
    "elements": "struct element_row", "targets": "struct target_row", "links": "struct link_row",
}
COUNTED = {"systems": "system_count", "value_sets": "value_set_count", "maps": "map_count", "concepts": "concept_count",
           "properties": "property_count", "designations": "designation_count",
           "listed_designations": "listed_designation_count"}


def array(kind, name, items, per_line):
    lines = [", ".join(items[at:at + per_line]) for at in range(0, len(items), per_line)]
    return "static const %s %s[%d] = {\n%s\n};\n" % (kind, name, len(items), ",\n".join(lines))


def source(book):
    symbols, coded, offsets = book.definitions.code()
    concepts = [row[:2] + (offsets[row[2]],) + row[3:] for row in book.rows["concepts"]]
    parts = [
        "/* Generated by tools/definitions/terminology.py from hl7.fhir.r4.examples 4.0.1. Do not edit. */\n",
        '#include "terminology/book.h"\n',
        '#pragma GCC diagnostic ignored "-Woverlength-strings"\n',
        "static const char strings[] =\n%s;\n" % "\n".join(
            literal(string.encode() + b"\0") for string in book.pool.order),
        "static const char definitions[] =\n%s;\n" % "\n".join(literal(string + b"\0") for string in coded),
        "static const char *const symbols[256] = {\n%s\n};\n" % "\n".join(
            "[%d] = %s," % (byte, literal(symbols[byte])) for byte in sorted(symbols)),
    ]
    members = []
    for name, rows in book.rows.items():
        rows = concepts if name == "concepts" else rows
        items = [value(row) for row in rows] or ["{0}"]
        parts.append(array(STRUCTS[name], name, items, 1 if name in ("systems", "value_sets", "maps") else 6))
        members.append("    .%s = %s," % (name, name))
        if name in COUNTED:
            members.append("    .%s = %d," % (COUNTED[name], len(rows)))
    parts.append("const struct terminology_book terminology_builtin = {\n    .strings = strings,\n"
                 "    .definitions = definitions,\n    .symbols = symbols,\n%s\n};\n" % "\n".join(members))
    return "\n".join(parts)


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def main(arguments):
    if len(arguments) != 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    package, output = arguments[1:]
    book = Book()
    try:
        for resource in read_all(package, "CodeSystem"):
            book.add_system(resource)
        for resource in read_all(package, "ValueSet"):
            book.add_value_set(resource)
        for resource in read_all(package, "ConceptMap"):
            book.add_map(resource)
        if len(book.rows["systems"]) < 1000 or len(book.rows["value_sets"]) < 1300:
            raise Refused("these are not the code systems and value sets of R4")
    except (Refused, OSError, KeyError, ValueError) as problem:
        print("terminology: %s: %r" % (package, problem), file=sys.stderr)
        return 1
    os.makedirs(output, exist_ok=True)
    write(os.path.join(output, "builtin.c"), source(book))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
