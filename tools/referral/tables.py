#!/usr/bin/python3
"""States, transitions, reasons and the default policy of regions/korea as one C file: tables.py FOLDER OUT.c

A fault in a file is printed as file:line: field: message, and nothing is written."""
import csv
import json
import sys
from pathlib import Path

ACTORS = {"initiator": "REFERRAL_INITIATOR", "recipient": "REFERRAL_RECIPIENT", "controller": "REFERRAL_CONTROLLER",
          "system": "REFERRAL_SYSTEM", "none": "0", "": "0"}
KINDS = {"loop": "REFERRAL_LOOP", "offer": "REFERRAL_OFFER", "both": "REFERRAL_LOOP | REFERRAL_OFFER"}
DESTINATIONS = {"must": "DESTINATION_MUST", "may": "DESTINATION_MAY", "no": "DESTINATION_NO"}


def fail(path, line, field, message):
    sys.exit(f"{path}:{line}: {field}: {message}")


def rows(path):
    with open(path, encoding="utf-8", newline="") as source:
        reader = csv.DictReader(source)
        for row in reader:
            yield reader.line_num, row


def choose(table, row, field, path, line):
    if row[field] not in table:
        fail(path, line, field, f"'{row[field]}' is none of {', '.join(filter(None, table))}")
    return table[row[field]]


def quoted(text):
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127 and char != "?":
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def states(folder, out):
    path = folder / "states.csv"
    known = {("loop", ""), ("offer", "")}
    out.append("const struct state_row state_rows[] = {")
    for line, row in rows(path):
        statuses = row["task_status"].split(";")
        if not statuses[0]:
            fail(path, line, "task_status", "empty")
        for scope in ("loop", "offer") if row["scope"] == "both" else (row["scope"],):
            known.add((scope, row["code"]))
        fields = [quoted(row["code"]), choose(KINDS, row, "scope", path, line), quoted(statuses[0]),
                  quoted(statuses[1]) if len(statuses) > 1 else "NULL", "true" if row["open"] == "yes" else "false",
                  choose(ACTORS, row, "owner", path, line), quoted(row["deadline"]) if row["deadline"] else "NULL",
                  quoted(row["at_deadline"]) if row["at_deadline"] else "NULL",
                  choose(DESTINATIONS, row, "destination", path, line), quoted(row["display_ko"]), quoted(row["display_en"])]
        out.append("    {" + ", ".join(fields) + "},")
    out += ["};", "const size_t state_row_count = sizeof state_rows / sizeof *state_rows;", ""]
    return known


def transitions(folder, known, out):
    path = folder / "transitions.csv"
    seen = set()
    out.append("const struct referral_transition transition_rows[] = {")
    for line, row in rows(path):
        if row["id"] in seen:
            fail(path, line, "id", "twice")
        seen.add(row["id"])
        for scope in ("loop", "offer") if row["scope"] == "both" else (row["scope"],):
            for field in ("from_business", "to_business"):
                if (scope, row[field]) not in known:
                    fail(path, line, field, f"'{row[field]}' is no state of {scope}")
        fields = [quoted(row["id"]), choose(KINDS, row, "scope", path, line), choose(ACTORS, row, "actor", path, line),
                  f'{{{quoted(row["from_status"])}, {quoted(row["from_business"])}}}',
                  f'{{{quoted(row["to_status"])}, {quoted(row["to_business"])}}}',
                  quoted(row["trigger"]), quoted(row["trigger_ko"]), quoted(row["trigger_en"]),
                  choose(ACTORS, row, "owner_after", path, line), "true" if row["reason_required"] == "yes" else "false"]
        out.append("    {" + ", ".join(fields) + "},")
    out += ["};", "const size_t transition_row_count = sizeof transition_rows / sizeof *transition_rows;", ""]


def reasons(folder, out):
    out.append("const struct reason_row reason_rows[] = {")
    for _, row in rows(folder / "reasons.csv"):
        out.append(f'    {{{quoted(row["code"])}, {quoted(row["display_ko"])}, {quoted(row["display_en"])}}},')
    out += ["};", "const size_t reason_row_count = sizeof reason_rows / sizeof *reason_rows;", ""]


def policy(folder, out):
    text = json.dumps(json.loads((folder / "policy.json").read_text(encoding="utf-8")), ensure_ascii=False, separators=(",", ":"))
    data = text.encode()
    out.append("const char policy_built_in[] = {")
    for start in range(0, len(data), 24):
        out.append("    " + ", ".join(f"'\\{byte:03o}'" if byte < 128 else f"'\\x{byte:02x}'" for byte in data[start:start + 24]) + ",")
    out += ["};", "const size_t policy_built_in_size = sizeof policy_built_in;"]


def main():
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    out = ["/* Made from regions/korea/{states,transitions,reasons}.csv and policy.json by tools/referral/tables.py. */",
           '#include "referral/policy.h"', '#include "referral/transition.h"', ""]
    known = states(folder, out)
    transitions(folder, known, out)
    reasons(folder, out)
    policy(folder, out)
    target.write_text("\n".join(out) + "\n", encoding="ascii")


main()
