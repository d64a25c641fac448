#!/usr/bin/python3
"""Turns what the published R4 definitions ask beyond structure into C tables.

    validate.py PACKAGE OUTPUT

PACKAGE is the unpacked folder of hl7.fhir.r4.examples 4.0.1; OUTPUT receives rule_tables.c: the constraints and bindings of every
type and element (src/validate/rules.h), numbered as generate.py numbers the types, and the extensions and derived profiles
that R4 publishes, each as its differential without prose. The same package always gives the same bytes.
"""

import json
import os
import sys

import generate

BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
NATIVE = {"ele-1"}  # checked in C on every element
PROSE = {"definition", "comment", "requirements", "short", "alias", "mapping", "isSummary", "mustSupport", "example",
         "label", "code", "condition", "isModifierReason", "meaningWhenMissing", "extension", "base", "isModifier"}
KEPT = ("resourceType", "url", "version", "name", "kind", "abstract", "type", "context", "baseDefinition", "derivation")
STRENGTHS = {"required": "VALIDATE_REQUIRED", "extensible": "VALIDATE_EXTENSIBLE", "preferred": "VALIDATE_PREFERRED"}
# Of the type of a literal, not of an element: R5 corrected it (https://hl7.org/fhir/R5/questionnaire.html#invs, que-7).
CORRECTED = {"operator = 'exists' implies (answer is Boolean)": "operator = 'exists' implies (answer is boolean)"}
PIECE = 4000  # bytes of one string literal


def extension_value(holder, url):
    for extension in holder.get("extension", []):
        if extension["url"] == url:
            return next(value for name, value in extension.items() if name.startswith("value"))
    return None


class Rules:
    def __init__(self):
        self.strings, self.lists = generate.Strings(), generate.Lists()
        self.rules, self.numbers = [], {}
        self.elements, self.types = [], []

    def rule_number(self, constraint):
        severity = "VALIDATE_" + constraint["severity"].upper()
        expression = CORRECTED.get(constraint["expression"], constraint["expression"])
        if extension_value(constraint, BEST_PRACTICE):
            severity = "VALIDATE_INFORMATION"
        line = "{%s, %s, %s, %s}" % (self.strings.pointer(constraint["key"]), self.strings.pointer(constraint["human"]),
                                     self.strings.pointer(expression), severity)
        if line not in self.numbers:
            self.numbers[line] = len(self.rules)
            self.rules.append(line)
        return self.numbers[line]

    def rule_run(self, constraints):
        run = [self.rule_number(constraint) for constraint in constraints]
        return self.lists.add(run), len(run)

    def add_element(self, element, constraints):
        binding = element.get("binding", {})
        strength = STRENGTHS.get(binding.get("strength"))
        greatest = extension_value(binding, MAX_VALUE_SET)
        profiles = {url for kind in element.get("type", []) for url in kind.get("profile", [])}
        if len(profiles) > 1:
            raise generate.Refused("several profiles on one element: " + element["id"])
        profile = next(iter(profiles), None)
        if strength == "VALIDATE_PREFERRED" and not greatest:
            strength = None
        if not constraints and not strength and not profile:
            return
        name = element["path"].rsplit(".", 1)[1].removesuffix("[x]")
        first, count = self.rule_run(constraints)
        self.elements.append("{%s, %d, %d, %s, %s, %s, %s}" % (
            self.strings.pointer(name), first, count, strength or "VALIDATE_NO_BINDING",
            self.strings.pointer(binding.get("valueSet") if strength else None), self.strings.pointer(greatest),
            self.strings.pointer(profile)))


def usable(element):
    return [constraint for constraint in element.get("constraint", [])
            if constraint.get("expression") and constraint["key"] not in NATIVE]


def load_roots(package):
    """The constraints of each type's own root."""
    roots = {}
    for definition in generate.read_all(package, "StructureDefinition"):
        if definition["kind"] in generate.KINDS and definition.get("derivation") != "constraint":
            elements = definition["snapshot"]["element"]
            roots[definition["type"]] = usable(elements[0])
            parents = {element["path"].rsplit(".", 1)[0] for element in elements if "." in element["path"]}
            for element in elements[1:]:
                if element["path"] in parents:
                    roots[element["path"]] = usable(element)
    return roots


def build(package):
    rows, _ = generate.load_types(package)
    names, roots, rules = {row.name for row in rows}, load_roots(package), Rules()
    for row in rows:
        first = len(rules.elements)
        for element in row.elements:
            if element["path"] in names:
                known = usable(element)  # a backbone: they are its type's own
            else:
                known = [constraint for kind in element.get("type", [])
                         for constraint in roots.get(generate.type_code(element, kind), [])]
            keys = {constraint["key"] for constraint in known}
            rules.add_element(element, [constraint for constraint in usable(element) if constraint["key"] not in keys])
        run, count = rules.rule_run(roots.get(row.name, []))
        rules.types.append("{%d, %d, %d, %d}" % (run, count, first, len(rules.elements) - first))
    return rules


def stripped(element):
    kept = {name: value for name, value in element.items() if name not in PROSE}
    if "binding" in kept:
        kept["binding"] = {name: value for name, value in kept["binding"].items() if name in ("strength", "valueSet")}
    return kept


def published(package):
    """(url, JSON) of every profile and extension of the standard itself."""
    found = {}
    for definition in generate.read_all(package, "StructureDefinition"):
        url = definition["url"]
        if definition.get("derivation") != "constraint" or not url.startswith(generate.BASE):
            continue
        kept = {name: definition[name] for name in KEPT if name in definition}
        kept["differential"] = {"element": [stripped(element) for element in definition["differential"]["element"]]}
        if url in found:
            raise generate.Refused("two definitions of " + url)
        found[url] = json.dumps(kept, separators=(",", ":"), ensure_ascii=True)
    return sorted(found.items())


def pieces(text):
    """One definition as adjacent string literals."""
    return "\n".join(generate.literal(text[at:at + PIECE]).removesuffix('\\0"') + '"' for at in range(0, len(text), PIECE))


def source(rules, definitions):
    lines, at = [], 0
    for url, text in definitions:
        lines.append("{%s, %d, %d}" % (rules.strings.pointer(url), at, len(text)))
        at += len(text)
    return "\n".join([
        "/* Generated by tools/definitions/validate.py from hl7.fhir.r4.examples %s. Do not edit. */\n" % generate.VERSION,
        '#include "validate/rules.h"\n',
        '#pragma GCC diagnostic ignored "-Woverlength-strings"\n',
        "static const char strings[] =\n%s;\n" % "\n".join(generate.literal(text) for text in rules.strings.order),
        "#define P(offset) (strings + (offset))\n",
        "const int validate_rule_count = %d;" % len(rules.rules),
        "const int validate_type_rule_count = %d;" % len(rules.types),
        "const int validate_published_count = %d;\n" % len(definitions),
        generate.array("struct validate_rule", "validate_rules", rules.rules),
        generate.array("uint16_t", "validate_rule_lists", generate.numbers(rules.lists.items), 24),
        generate.array("struct validate_element_rule", "validate_element_rules", rules.elements),
        generate.array("struct validate_type_rule", "validate_type_rules", rules.types, 6),
        generate.array("struct validate_published", "validate_published_rows", lines),
        "const char validate_published_text[] =\n%s;\n" % "\n".join(pieces(text) for _, text in definitions),
    ])


def main(arguments):
    if len(arguments) != 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    package, output = arguments[1:]
    try:
        rules, definitions = build(package), published(package)
    except (generate.Refused, OSError, KeyError, ValueError) as problem:
        print("definitions: %s: %r" % (package, problem), file=sys.stderr)
        return 1
    os.makedirs(output, exist_ok=True)
    generate.write(os.path.join(output, "rule_tables.c"), source(rules, definitions))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
