#!/usr/bin/python3
"""Turns the published R4 definitions into C tables.

    generate.py PACKAGE OUTPUT

PACKAGE is the unpacked folder of hl7.fhir.r4.examples 4.0.1; OUTPUT receives definitions.c (the tables that
src/fhir/definitions.h declares) and type_numbers.h (the numbers of primitives and datatypes, for code that must know one).
The same package always gives the same bytes.
"""

import glob
import json
import os
import sys

VERSION = "4.0.1"
BASE = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM = "http://hl7.org/fhirpath/System."
FHIR_TYPE = BASE + "structuredefinition-fhir-type"
MANY = 65535
MAX_ELEMENTS = 64  # the checker keeps one bit an element
KINDS = {"primitive-type": "FHIR_PRIMITIVE", "complex-type": "FHIR_COMPLEX", "resource": "FHIR_RESOURCE"}
FNV_OFFSET, FNV_PRIME = 2166136261, 16777619


class Refused(Exception):
    """The package does not look as the tables need it."""


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def read_all(package, kind):
    return [read(path) for path in sorted(glob.glob(os.path.join(package, kind + "-*.json")))]


def name_hash(name):
    """The hash of src/fhir/types.c: FNV-1a, its upper half folded in."""
    value = FNV_OFFSET
    for byte in name.encode():
        value = ((value ^ byte) * FNV_PRIME) & 0xFFFFFFFF
    return value ^ (value >> 15)


def slots_for(names):
    """An open-addressing table of 1-based positions, at most half full."""
    size = 2
    while size < 2 * len(names):
        size *= 2
    slots = [0] * size
    for position, name in enumerate(names):
        at = name_hash(name) & (size - 1)
        while slots[at]:
            at = (at + 1) & (size - 1)
        slots[at] = position + 1
    return slots


class Strings:
    """One pool of terminated strings, each kept once."""

    def __init__(self):
        self.offsets, self.order, self.size = {}, [], 0

    def add(self, string):
        if string not in self.offsets:
            self.offsets[string] = self.size
            self.order.append(string)
            self.size += len(string.encode()) + 1
        return self.offsets[string]

    def pointer(self, string):
        return "NULL" if string is None else "P(%d)" % self.add(string)


class Lists:
    """Runs of numbers in one array, each distinct run kept once."""

    def __init__(self):
        self.offsets, self.items = {}, []

    def add(self, run):
        run = tuple(run)
        if run not in self.offsets:
            self.offsets[run] = len(self.items)
            self.items.extend(run)
        return self.offsets[run]


class Type:
    def __init__(self, name, kind, abstract, base):
        self.name, self.kind, self.abstract, self.base = name, kind, abstract, base
        self.elements = []  # of raw ElementDefinitions


def load_types(package):
    """Type rows in their final order: primitives, datatypes, resources, backbones; by name within each."""
    types = {}
    date = None
    for definition in read_all(package, "StructureDefinition"):
        if definition["kind"] not in KINDS or definition.get("derivation") == "constraint":
            continue
        name = definition["type"]
        base = definition.get("baseDefinition")
        types[name] = Type(name, KINDS[definition["kind"]], definition["abstract"], base and base[len(BASE):])
        if name == "Patient":
            date = definition["date"]
        load_elements(types, definition["snapshot"]["element"])
    rank = {"FHIR_PRIMITIVE": 0, "FHIR_COMPLEX": 1, "FHIR_RESOURCE": 2, "FHIR_BACKBONE": 3}
    rows = sorted(types.values(), key=lambda row: (rank[row.kind], row.name))
    if date is None or len(rows) < 600:
        raise Refused("the structure definitions are not those of R4 " + VERSION)
    return rows, date


def load_elements(types, elements):
    parents = {element["path"].rsplit(".", 1)[0] for element in elements if "." in element["path"]}
    for element in elements:
        path = element["path"]
        if "." not in path or element["max"] == "0":
            continue
        parent = path.rsplit(".", 1)[0]
        if types[parent].kind == "FHIR_PRIMITIVE" and path.endswith(".value"):
            continue  # the value itself is the JSON value, not a member
        types[parent].elements.append(element)
        if path in parents:
            types[path] = Type(path, "FHIR_BACKBONE", False, element["type"][0]["code"])


def type_code(element, reference):
    code = reference["code"]
    if not code.startswith(SYSTEM):
        return code
    if element["base"]["path"] == "Resource.id":
        return "id"
    for extension in reference.get("extension", []):
        if extension["url"] == FHIR_TYPE:
            return extension["valueUrl"]
    system = code[len(SYSTEM):]
    return system[:1].lower() + system[1:]


def profile_name(url):
    return url.split("|")[0].rsplit("/", 1)[1]


class Tables:
    def __init__(self, rows):
        self.rows = rows
        self.numbers = {row.name: index + 1 for index, row in enumerate(rows)}
        self.strings, self.type_lists, self.element_lists = Strings(), Lists(), Lists()
        self.slot_lists, self.member_lists = Lists(), Lists()
        self.elements, self.element_numbers = [], {}
        self.members, self.type_lines = [], []

    def element_types(self, element):
        if "contentReference" in element:
            return [self.numbers[element["contentReference"].lstrip("#")]]
        if element["path"] in self.numbers:
            return [self.numbers[element["path"]]]
        return [self.numbers[type_code(element, reference)] for reference in element["type"]]

    def element_targets(self, element):
        targets = []
        for reference in element.get("type", []):
            for url in reference.get("targetProfile", []):
                number = self.numbers.get(profile_name(url))
                if number and number not in targets:
                    targets.append(number)
        return targets

    def element_number(self, element):
        name = element["path"].rsplit(".", 1)[1]
        is_choice = name.endswith("[x]")
        name = name[:-3] if is_choice else name
        types, targets = self.element_types(element), self.element_targets(element)
        binding = element.get("binding", {})
        value_set = binding.get("valueSet") if binding.get("strength") == "required" else None
        maximum = MANY if element["max"] == "*" else int(element["max"])
        flags = [is_choice, element.get("isSummary", False), element.get("isModifier", False),
                 any(reference["code"].startswith(SYSTEM) for reference in element.get("type", []))]
        line = "{%s, %d, %d, %s, %d, %d, T(%d), %s, %s}" % (
            self.strings.pointer(name), element["min"], maximum, ", ".join("true" if flag else "false" for flag in flags),
            len(types), len(targets), self.type_lists.add(types),
            "T(%d)" % self.type_lists.add(targets) if targets else "NULL", self.strings.pointer(value_set))
        if line not in self.element_numbers:
            self.element_numbers[line] = len(self.elements)
            self.elements.append(line)
        return self.element_numbers[line], name, is_choice, types

    def add_types(self):
        resources = [row.name for row in self.rows if row.kind == "FHIR_RESOURCE" and not row.abstract]
        for row in self.rows:
            if len(row.elements) > MAX_ELEMENTS:
                raise Refused(row.name + " has more elements than the checker has bits")
            numbers, members, required = [], [], 0
            for position, element in enumerate(row.elements):
                number, name, is_choice, types = self.element_number(element)
                numbers.append(number)
                required |= (1 << position) if element["min"] else 0
                for kind in types:
                    suffix = self.rows[kind - 1].name if is_choice else ""
                    members.append((name + suffix[:1].upper() + suffix[1:], position, kind))
            member_run = tuple((self.strings.add(name), len(name), position, kind) for name, position, kind in members)
            slots = slots_for([name for name, _, _ in members])
            self.type_lines.append("{%d, %d, %s, %s, %d, %d, %d, %d, %d, %d, 0x%xu}" % (
                self.strings.add(row.name), self.numbers[row.base] if row.base else 0, row.kind,
                "true" if row.abstract else "false",
                resources.index(row.name) + 1 if row.name in resources else 0,
                self.element_lists.add(numbers), len(numbers), self.member_lists.add(member_run),
                self.slot_lists.add(slots), len(slots) - 1, required))
        self.resources = [self.numbers[name] for name in resources]
        self.type_slots = slots_for([row.name for row in self.rows])


def load_search_parameters(package):
    """The standard's own: the package also holds a few that exist only as examples (another version or none), and a few
    drafts on extensions that name no base or no expression."""
    kept = []
    for parameter in read_all(package, "SearchParameter"):
        if parameter.get("version") != VERSION or not parameter.get("base"):
            continue
        if not parameter.get("expression") and parameter["code"] not in ("_text", "_content", "_query"):
            continue
        kept.append(parameter)
    return sorted(kept, key=lambda parameter: parameter["url"])


def add_search_parameters(tables, parameters):
    components, lines, by_type = [], [], {}
    for index, parameter in enumerate(parameters):
        bases = [tables.numbers[name] for name in parameter["base"]]
        targets = [tables.numbers[name] for name in parameter.get("target", [])]
        first = len(components)
        for component in parameter.get("component", []):
            components.append("{%s, %s}" % (tables.strings.pointer(component["definition"]),
                                            tables.strings.pointer(component["expression"])))
        count = len(components) - first
        lines.append("{%s, %s, %s, %s, %d, %d, %d, T(%d), %s, %s}" % (
            tables.strings.pointer(parameter["url"]), tables.strings.pointer(parameter["code"]),
            "FHIR_SEARCH_" + parameter["type"].upper(), tables.strings.pointer(parameter.get("expression")),
            len(bases), len(targets), count, tables.type_lists.add(bases),
            "T(%d)" % tables.type_lists.add(targets) if targets else "NULL",
            "fhir_search_components + %d" % first if count else "NULL"))
        for base in bases:
            if (base, parameter["code"]) in by_type:
                raise Refused("two search parameters %s on one type" % parameter["code"])
            by_type[base, parameter["code"]] = index
    index_lines = ["{%d, %d}" % (base, index) for (base, _), index in
                   sorted(by_type.items(), key=lambda entry: (entry[0][0], entry[0][1].encode()))]
    return components, lines, index_lines


def add_compartments(tables, package):
    lines, names = [], []
    for definition in read_all(package, "CompartmentDefinition"):
        if definition["id"] == "example":
            continue
        owner = tables.numbers[definition["code"]]
        for resource in definition["resource"]:
            parameters = resource.get("param", [])
            if parameters:
                lines.append((owner, tables.numbers[resource["code"]], len(names), len(parameters)))
                names.extend(tables.strings.pointer(name) for name in parameters)
    lines.sort()
    return ["{%d, %d, %d, %d}" % line for line in lines], names


def literal(string):
    text = "".join("\\%03o" % byte if byte < 32 or byte > 126 or byte in b'"\\?' else chr(byte)
                   for byte in string.encode())
    return '"%s\\0"' % text


def array(kind, name, items, per_line=1):
    lines = [", ".join(items[at:at + per_line]) for at in range(0, len(items), per_line)]
    return "const %s %s[%d] = {\n%s\n};\n" % (kind, name, len(items), ",\n".join(lines))


def numbers(items):
    return [str(item) for item in items]


def definitions_source(tables, date, search, compartments):
    components, parameters, index = search
    compartment_rows, compartment_names = compartments
    counts = {"type": len(tables.rows), "resource": len(tables.resources), "search_parameter": len(parameters),
              "search_index": len(index), "compartment": len(compartment_rows)}
    date_pointer = tables.strings.pointer(date)
    member_rows = ["{%d, %d, %d, %d}" % row for row in tables.member_lists.items]
    parts = [
        "/* Generated by tools/definitions/generate.py from hl7.fhir.r4.examples %s. Do not edit. */\n" % VERSION,
        '#include "fhir/definitions.h"\n',
        "#define P(offset) (fhir_strings + (offset))\n#define T(offset) (fhir_type_lists + (offset))\n",
        '#pragma GCC diagnostic ignored "-Woverlength-strings"\n',
        "const char fhir_strings[] =\n%s;\n" % "\n".join(literal(string) for string in tables.strings.order),
        "".join("const int fhir_%s_rows = %d;\n" % entry for entry in counts.items()),
        "const uint32_t fhir_type_slot_mask = %d;\n" % (len(tables.type_slots) - 1),
        array("uint16_t", "fhir_type_slots", numbers(tables.type_slots), 24),
        array("fhir_type", "fhir_type_lists", numbers(tables.type_lists.items), 24),
        array("struct type_row", "fhir_types", tables.type_lines),
        array("fhir_type", "fhir_resources", numbers(tables.resources), 24),
        array("struct fhir_element", "fhir_elements", tables.elements),
        array("uint16_t", "fhir_element_lists", numbers(tables.element_lists.items), 24),
        array("struct member_row", "fhir_members", member_rows, 6),
        array("uint8_t", "fhir_member_slots", numbers(tables.slot_lists.items), 32),
        array("struct fhir_search_component", "fhir_search_components", components),
        array("struct fhir_search_parameter", "fhir_search_parameters", parameters),
        array("struct search_index_row", "fhir_search_index", index, 8),
        array("struct compartment_row", "fhir_compartments", compartment_rows, 6),
        array("char *const", "fhir_compartment_names", compartment_names, 8),
        "const char *const fhir_definitions_date = %s;\n" % date_pointer,
    ]
    return "\n".join(parts)


def type_numbers_header(tables):
    lines = ["/* Generated by tools/definitions/generate.py. Do not edit. */", "#ifndef SOYANG_FHIR_TYPE_NUMBERS_H",
             "#define SOYANG_FHIR_TYPE_NUMBERS_H", "", "enum {"]
    named = [row for row in tables.rows if row.kind in ("FHIR_PRIMITIVE", "FHIR_COMPLEX") or row.abstract]
    for row in named:
        lines.append("    TYPE_%s = %d," % (row.name, tables.numbers[row.name]))
    primitives = sum(row.kind == "FHIR_PRIMITIVE" for row in tables.rows)
    return "\n".join(lines + ["    PRIMITIVE_COUNT = %d" % primitives, "};", "", "#endif", ""])


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def main(arguments):
    if len(arguments) != 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    package, output = arguments[1:]
    try:
        rows, date = load_types(package)
        tables = Tables(rows)
        tables.add_types()
        search = add_search_parameters(tables, load_search_parameters(package))
        compartments = add_compartments(tables, package)
    except (Refused, OSError, KeyError, ValueError) as problem:
        print("definitions: %s: %r" % (package, problem), file=sys.stderr)
        return 1
    os.makedirs(output, exist_ok=True)
    write(os.path.join(output, "definitions.c"), definitions_source(tables, date, search, compartments))
    write(os.path.join(output, "type_numbers.h"), type_numbers_header(tables))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
