#!/usr/bin/python3
"""Writes regions/korea/definitions/*.json: the code systems of the referral from their CSV files, and the operations.

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


TASK_INPUT = [("level", "중증도 단계", "Triage level, 1 to 5"), ("mode", "문의 방식", "Mode of asking by the policy: notify, confirm, inquire, none"),
              ("extreme", "지정 중증 규칙", "Rule of the listed extreme"), ("decision", "결정 기록", "The decision record"),
              ("question", "의뢰 내용", "The question of the sender"), ("telephone", "전화 응답자", "Who answered by telephone"),
              ("departed", "수용 전 출발 시각", "When the patient set out before acceptance"), ("first-offer", "첫 문의 시각", "When the first place was asked"),
              ("delayed", "지연 표시 시각", "When the referral was marked delayed"), ("rank", "문의 순서", "Order of asking, from 1")]
TASK_OUTPUT = [("return-letter", "회송서", "The return letter"), ("return-request", "회송 의뢰", "The ServiceRequest of the way back"),
               ("hold", "병상 확보", "The bed that is held: place/kind/number")]


CDS_OVERRIDE = [("already-arranged", "이미 의뢰되었거나 연락함", "Already referred or arranged"), ("patient-declines", "환자나 보호자가 원하지 않음", "The patient or family declines"),
                ("known-baseline", "알려진 평소 상태임", "A known usual state"), ("data-wrong", "기록의 값이 잘못됨", "A value in the record is wrong"),
                ("not-appropriate", "임상적으로 맞지 않음", "Clinically not appropriate"), ("cared-for-here", "여기서 진료함", "Cared for here")]
CDS_FEEDBACK = [("accepted", "받아들임", "A suggestion of the card was accepted"), ("overridden", "따르지 않음", "The card was overridden")]


def parameter(name, use, least, most, kind, documentation, parts=None):
    out = {"name": name, "use": use, "min": least, "max": most, "documentation": documentation}
    if parts:
        out["part"] = [parameter(*([part[0], use] + list(part[1:]))) for part in parts]
    else:
        out["type"] = kind
    return out


def patient_parameters():
    return [parameter("patient", "in", 0, "1", "Reference", "A stored Patient; or bundle"),
            parameter("bundle", "in", 0, "1", "Bundle", "Patient, Encounter, Observation, Condition, ...: not stored"),
            parameter("encounter", "in", 0, "1", "Reference", "Only this visit"),
            parameter("human-level", "in", 0, "1", "integer", "The level a human gave, 1 to 5: the reading is never less urgent")]


def origin():
    return parameter("origin", "in", 0, "1", "Reference", "Location or Organization where the patient is; or parts latitude and longitude (decimal)")


REASON = ("reason", 0, "*", None, "Why", [("code", 1, "1", "string", "Rule"), ("kind", 0, "1", "code", "Kind"), ("ko", 0, "1", "string", "Korean"),
                                          ("en", 0, "1", "string", "English"), ("source", 0, "1", "string", "Source")])


def reading_parameters():
    return [parameter("level", "out", 1, "1", "integer", "1 most urgent to 5"), parameter("human-level", "out", 0, "1", "integer", "As given"),
            parameter("floor-level", "out", 0, "1", "integer", "The rules' floor"), parameter(REASON[0], "out", *REASON[1:]),
            parameter("score", "out", 0, "*", None, "Published scores", [("name", 1, "1", "string", "Name"), ("total", 1, "1", "integer", "Total"),
                      ("complete", 1, "1", "boolean", "Every input was known"), ("missing", 0, "*", "string", "Inputs not known"),
                      ("fits", 1, "1", "boolean", "Meant for this patient")]),
            parameter("need", "out", 0, "*", None, "What care is needed", [("code", 1, "1", "Coding", "Code"), ("department", 0, "1", "Coding", "Department"),
                      ("place-level", 1, "1", "code", "Least kind of place"), ("window", 0, "1", "Quantity", "Minutes"),
                      ("evidence", 0, "*", "string", "Words of the record"), ("ko", 0, "1", "string", "Korean"), ("en", 0, "1", "string", "English")]),
            parameter("extreme", "out", 1, "1", "boolean", "Departs on notification"), parameter("stay-local", "out", 1, "1", "boolean", "Care stays local"),
            parameter("policy", "out", 1, "1", "string", "SHA-256 of the triage policy")]


def operation(name, title, description, parameters):
    return {"resourceType": "OperationDefinition", "id": name, "url": f"{BASE}/OperationDefinition/{name}", "version": "1",
            "name": "".join(part.capitalize() for part in name.split("-")), "title": title, "status": "active", "kind": "operation",
            "experimental": False, "publisher": "Soyang", "description": description, "affectsState": True, "code": name,
            "resource": ["Patient"], "system": True, "type": False, "instance": True, "parameter": parameters}


def definitions():
    states, seen = [], set()
    for row in rows("states.csv"):
        if row["origin"] == "soyang" and row["code"] and row["code"] not in seen:
            seen.add(row["code"])
            states.append(concept(row["code"], row["display_ko"], row["display_en"]))
    yield code_system("referral-state", "States of a referral", "Task.businessStatus of a referral's loop and offers", states)
    yield code_system("decline-reason", "Reasons to decline", "Task.statusReason of a declined offer",
                      [concept(row["code"], row["display_ko"], row["display_en"]) for row in rows("reasons.csv")])
    yield code_system("task-input", "Inputs of referral Tasks", "Task.input.type", [concept(*row) for row in TASK_INPUT])
    yield code_system("task-output", "Outputs of referral Tasks", "Task.output.type", [concept(*row) for row in TASK_OUTPUT])
    yield code_system("cds-override-reason", "Reasons to override a card", "Communication.reasonCode of feedback on a CDS Hooks card", [concept(*row) for row in CDS_OVERRIDE])
    yield code_system("cds-feedback", "Outcomes of cards", "Communication.category of feedback on a CDS Hooks card", [concept(*row) for row in CDS_FEEDBACK])
    yield operation("triage", "Triage", "How urgent a patient is and what care they need, with reasons. Decision support, not a certified medical device.",
                    patient_parameters() + [parameter("save", "in", 0, "1", "boolean", "Keep the reading; default true where the patient is stored")]
                    + reading_parameters() + [parameter("reading", "out", 1, "1", "RiskAssessment", "The reading")])
    yield operation("rank-places", "Rank places", "Which places can give the care, in order, with minutes, chance and reasons; kept as a decision.",
                    patient_parameters() + [origin(), parameter("limit", "in", 0, "1", "integer", "1 to 50, default 8"),
                                            parameter("exclude", "in", 0, "*", "Reference", "Organizations not to rank")]
                    + [parameter("reading", "out", 1, "1", None, "As $triage", [("level", 1, "1", "integer", "And what else $triage gives")]),
                       parameter("option", "out", 0, "*", None, "In rank order", [
                           ("place", 1, "1", "Reference", "Organization"), ("tier", 0, "1", "string", "Emergency tier"), ("minutes", 1, "1", "decimal", "To definitive care"),
                           ("travel", 1, "1", "decimal", "Minutes"), ("answer", 1, "1", "decimal", "Minutes"), ("wait", 1, "1", "decimal", "Minutes"),
                           ("distance", 1, "1", "decimal", "km"), ("estimated", 1, "1", "boolean", "By the travel model"), ("chance", 1, "1", "decimal", "Of acceptance"),
                           ("benefit", 1, "1", "decimal", "Left after the delay"), ("score", 1, "1", "decimal", "What the order is by"), ("board-age", 0, "1", "decimal", "Minutes"),
                           ("latitude", 0, "1", "decimal", "Degrees"), ("longitude", 0, "1", "decimal", "Degrees"), REASON,
                           ("second-leg", 0, "1", None, "Where a two-leg plan goes on to", [("place", 1, "1", "Reference", "Organization"), ("minutes", 1, "1", "decimal", "Stay and way")])]),
                       parameter("excluded", "out", 0, "*", None, "Structurally not able", [("place", 1, "1", "Reference", "Organization"), ("code", 1, "1", "code", "Why"),
                                 ("ko", 1, "1", "string", "Korean"), ("en", 1, "1", "string", "English")]),
                       parameter("decision", "out", 1, "1", "Reference", "The decision record"), parameter("policy", "out", 0, "1", "string", "SHA-256 of the province's policy"),
                       parameter("timing", "out", 1, "1", None, "What the answer took", [
                           ("reading", 1, "1", "Quantity", "Of the record, with the triage, ms"), ("ranking", 1, "1", "Quantity", "With the decision's inputs and outputs written, ms"),
                           ("storing", 1, "1", "Quantity", "Until the decision was durable, ms")])])
    summary = operation("referral-summary", "Referral summary", "The record on one sheet for the receiving doctor: extracted, each line with the resources it "
                        "was taken from; made automatically, the record is the source. Decision support, not a certified medical device.",
                        [parameter("encounter", "in", 0, "1", "Reference", "Only this visit's complaint; default: the latest"),
                         parameter("request", "in", 0, "1", "Reference", "Only this ServiceRequest; default: all active ones"),
                         parameter("language", "in", 0, "1", "code", "ko (default) or en: of the document's title and the draft"),
                         parameter("draft", "in", 0, "1", "boolean", "Also a draft in running sentences, where an endpoint is configured; default false"),
                         parameter("notice-ko", "out", 1, "1", "string", "That it was made automatically; Korean"),
                         parameter("notice-en", "out", 1, "1", "string", "The same in English"),
                         parameter("patient", "out", 1, "1", "Reference", "The patient"), parameter("encounter", "out", 0, "1", "Reference", "The visit"),
                         parameter("section", "out", 1, "*", None, "complaint, asked, problems, allergies, medicines, values, findings, done", [
                             ("code", 1, "1", "code", "Which"), ("title-ko", 1, "1", "string", "Korean"), ("title-en", 1, "1", "string", "English"),
                             ("left-out", 0, "1", "integer", "Further lines there is no room for"),
                             ("line", 0, "*", None, "What the record says", [("ko", 1, "1", "string", "Korean"), ("en", 1, "1", "string", "English"),
                                                                             ("source", 1, "*", "Reference", "Where it was taken from")])]),
                         parameter("document", "out", 1, "1", "Composition", "The same by sections, not kept"),
                         parameter("draft", "out", 0, "1", None, "What the configured endpoint made of the lines", [
                             ("notice", 1, "1", "string", "That it is a draft"), ("problem", 0, "1", "string", "Why there is none"),
                             ("dropped", 0, "1", "integer", "Sentences without a source"),
                             ("sentence", 0, "*", None, "One that its sources cover", [("text", 1, "1", "string", "Words"), ("source", 1, "*", "Reference", "Where from")])])])
    yield {**summary, "affectsState": False, "system": False}
    yield operation("send", "Send", "Makes the referral and asks the first places, or notifies and departs for listed extremes.",
                    [parameter("patient", "in", 0, "1", "Reference", "A stored Patient"), parameter("encounter", "in", 0, "1", "Reference", "This visit"),
                     parameter("requester", "in", 0, "1", "Reference", "Organization that sends; default: the caller's"), origin(),
                     parameter("human-level", "in", 0, "1", "integer", "1 to 5"), parameter("place", "in", 0, "1", "Reference", "Chosen by a human instead of the first"),
                     parameter("override-reason", "in", 0, "1", "string", "Required then"), parameter("question", "in", 0, "1", "string", "To the receiver"),
                     parameter("depart", "in", 0, "1", "boolean", "Sets out at once, towards the best candidate"), parameter("decision", "in", 0, "1", "Reference", "An earlier decision"),
                     parameter("based-on", "in", 0, "1", "Reference", "ServiceRequest that this one continues (transfer on)"),
                     parameter("request", "out", 1, "1", "ServiceRequest", "The intent"), parameter("loop", "out", 1, "1", "Task", "The loop"),
                     parameter("offer", "out", 0, "*", "Task", "One for each place asked")])


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
