#!/usr/bin/python3
"""States in the triage policy what each rule of the floor and of advice did on the training visits.

  TRIAGE_FLOOR_TABLE=/tmp/table.tsv build/debug/test/triage_floor_cost_test
  tools/triage/measure.py /tmp/table.tsv [POLICY]

Rewrites the `measured` members of regions/korea/triage-policy.json, one rule a line, nothing else."""
import csv
import json
import sys
from pathlib import Path

POLICY = Path(__file__).resolve().parent.parent.parent / "regions/korea/triage-policy.json"


def text(value):
    return json.dumps(value, ensure_ascii=False)


def lines_of_list(name, values, indent, last):
    yield f"{indent}{text(name)}: ["
    for number, value in enumerate(values):
        yield f"{indent}  {text(value)}{',' if number < len(values) - 1 else ''}"
    yield f"{indent}]{last}"


def written(policy):
    """One rule, concept or need a line, so that a change is a line in a diff."""
    yield "{"
    for index, (name, value) in enumerate(policy.items()):
        last = "," if index < len(policy) - 1 else ""
        if isinstance(value, list):
            yield from lines_of_list(name, value, " ", last)
        elif name in ("lexicon", "departments"):
            yield f" {text(name)}: {{"
            for number, (part, content) in enumerate(value.items()):
                comma = "," if number < len(value) - 1 else ""
                if part in ("concepts", "onset"):
                    yield from lines_of_list(part, content, "  ", comma)
                else:
                    yield f"  {text(part)}: {text(content)}{comma}"
            yield f" }}{last}"
        else:
            yield f" {text(name)}: {text(value)}{last}"
    yield "}"


def sentence(row):
    if row is None:
        return "no such visit among the 991"
    return "{hits} visits; raised {raised}: right {right}, harmed {harmed}, too high {too_high}".format(**row)


def main():
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else POLICY
    policy = json.loads(path.read_text())
    rows = {row["rule"]: row for row in csv.DictReader(open(sys.argv[1]), delimiter="\t")}
    for section in ("floor", "advice"):
        for rule in policy[section]:
            rule["measured"] = sentence(rows.get(rule["id"]))
    path.write_text("\n".join(written(policy)) + "\n")


if __name__ == "__main__":
    main()
