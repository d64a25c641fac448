#!/usr/bin/python3
"""Writes those of regions/korea/definitions/*.json that follow from tables: states, reasons to decline, CDS Hooks' codes. The others (Task inputs
and outputs, the operations) are written by hand.

    definitions.py          writes
    definitions.py --check  says what differs, and exits 1"""
import csv
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KOREA = ROOT / "regions" / "korea"
OUT = KOREA / "definitions"
BASE = "https://fhir.soyang.example"


def concept(code, ko, en):
    return {"code": code, "display": en, "designation": [{"language": "ko", "value": ko}]}


def code_system(name, title, description, concepts):
    return {"resourceType": "CodeSystem", "id": name, "url": f"{BASE}/CodeSystem/{name}", "version": "1",
            "name": "".join(part.capitalize() for part in name.split("-")), "title": title, "status": "active",
            "experimental": False, "publisher": "Soyang", "description": description, "caseSensitive": True,
            "content": "complete", "count": len(concepts), "concept": concepts}


def rows(name):
    with open(KOREA / name, encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


CDS_OVERRIDE = [("already-arranged", "이미 의뢰되었거나 연락함", "Already referred or arranged"), ("patient-declines", "환자나 보호자가 원하지 않음", "The patient or family declines"),
                ("known-baseline", "알려진 평소 상태임", "A known usual state"), ("data-wrong", "기록의 값이 잘못됨", "A value in the record is wrong"),
                ("not-appropriate", "임상적으로 맞지 않음", "Clinically not appropriate"), ("cared-for-here", "여기서 진료함", "Cared for here")]
CDS_FEEDBACK = [("accepted", "받아들임", "A suggestion of the card was accepted"), ("overridden", "따르지 않음", "The card was overridden")]


def definitions():
    states, seen = [], set()
    for row in rows("states.csv"):
        if row["origin"] == "soyang" and row["code"] and row["code"] not in seen:
            seen.add(row["code"])
            states.append(concept(row["code"], row["display_ko"], row["display_en"]))
    yield code_system("referral-state", "States of a referral", "Task.businessStatus of a referral's loop and offers", states)
    yield code_system("decline-reason", "Reasons to decline", "Task.statusReason of a declined offer",
                      [concept(row["code"], row["display_ko"], row["display_en"]) for row in rows("reasons.csv")])
    yield code_system("cds-override-reason", "Reasons to override a card", "Communication.reasonCode of feedback on a CDS Hooks card", [concept(*row) for row in CDS_OVERRIDE])
    yield code_system("cds-feedback", "Outcomes of cards", "Communication.category of feedback on a CDS Hooks card", [concept(*row) for row in CDS_FEEDBACK])


def main():
    OUT.mkdir(exist_ok=True)
    wrong = 0
    for resource in definitions():
        path = OUT / f"{resource['resourceType']}-{resource['id']}.json"
        text = json.dumps(resource, ensure_ascii=False, indent=1) + "\n"
        if "--check" in sys.argv:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                print(f"{path.relative_to(ROOT)}: differs from its source; run tools/referral/definitions.py")
                wrong = 1
        else:
            path.write_text(text, encoding="utf-8")
    sys.exit(wrong)


main()
