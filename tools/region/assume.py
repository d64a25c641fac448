#!/usr/bin/env python3
"""Write regions/gangwon/assumptions.json: what no publisher states, derived by written rules from what one does.

Nothing here is a fact about a hospital. Every rule is printed into the file with its reasoning, every figure names the
rule that made it, and the result is the same on every run. Standard library only.
"""
import csv
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GANGWON = os.path.join(ROOT, "regions", "gangwon")

WONJU, GANGNEUNG_ASAN = "A2200001", "A2200008"
REGIONAL, LOCAL, INSTITUTION, REPORTED = "regional-centre", "local-centre", "local-institution", "reported"
INTERNAL, NEUROLOGY, PSYCHIATRY, SURGERY, ORTHOPAEDICS, NEUROSURGERY, THORACIC, PLASTIC = "01 02 03 04 05 06 07 08".split()
ANAESTHESIA, OBSTETRICS, PAEDIATRICS, EYES, RADIOLOGY, FAMILY = "09 10 11 12 16 23".split()
PROVINCE_CENTRE_DEPARTMENTS = [f"{n:02d}" for n in range(1, 25) if n != 20]

HOUR_BANDS = [
    {"id": "day", "days": "mon-fri", "from": "08:00", "to": "18:00"},
    {"id": "evening", "days": "mon-fri", "from": "18:00", "to": "23:00"},
    {"id": "night", "days": "every", "from": "23:00", "to": "08:00"},
    {"id": "weekend", "days": "sat-sun", "from": "08:00", "to": "23:00"},
]
ON_CALL = [
    {"id": "in-house", "cover": {"day": 0.98, "evening": 0.95, "night": 0.92, "weekend": 0.93}, "call_in_minutes": 0,
     "because": "a regional centre keeps a resident or specialist in the building"},
    {"id": "home-call", "cover": {"day": 0.95, "evening": 0.70, "night": 0.50, "weekend": 0.55}, "call_in_minutes": 30,
     "because": "one or two specialists share the month and come from home"},
    {"id": "daytime", "cover": {"day": 0.90, "evening": 0.20, "night": 0.05, "weekend": 0.10}, "call_in_minutes": 45,
     "because": "a single specialist works office hours"},
]

# need: rule id, what it says, why, then for each tier (test over a place, on-call pattern). First match wins.
def has(*codes):
    return lambda p: all(code in p["departments"] for code in codes)


def sized(beds, *codes):
    return lambda p: p["beds"] >= beds and has(*codes)(p)


def only(*ids):
    return lambda p: p["id"] in ids


def known_for(word):
    return lambda p: word in p["known_for"]


def tertiary(*codes):
    return lambda p: p["kind"] == "01" and has(*codes)(p)


def always(_place):
    return True


IN_HOUSE, HOME, DAY = "in-house", "home-call", "daytime"
NEED_RULES = [
    ("Y0010", "internal medicine; a local centre from 400 beds", "a catheter laboratory needs cardiologists in shifts",
     {REGIONAL: (has(INTERNAL), IN_HOUSE), LOCAL: (sized(400, INTERNAL), HOME)}),
    ("Y0020", "neurology, neurosurgery and radiology; a local centre from 400 beds", "thrombectomy is done by a small team",
     {REGIONAL: (has(NEUROLOGY, NEUROSURGERY, RADIOLOGY), IN_HOUSE), LOCAL: (sized(400, NEUROLOGY, NEUROSURGERY, RADIOLOGY), HOME)}),
    ("Y0031", "neurosurgery and anaesthesia; a local centre from 600 beds", "clipping or coiling needs a vascular team",
     {REGIONAL: (has(NEUROSURGERY, ANAESTHESIA), IN_HOUSE), LOCAL: (sized(600, NEUROSURGERY, ANAESTHESIA), HOME)}),
    ("Y0032", "neurosurgery and anaesthesia; a local centre from 400 beds", "evacuation and drainage are general neurosurgery",
     {REGIONAL: (has(NEUROSURGERY, ANAESTHESIA), IN_HOUSE), LOCAL: (sized(400, NEUROSURGERY, ANAESTHESIA), HOME)}),
    ("Y0041", "cardiothoracic surgery and anaesthesia at a regional centre", "open aortic surgery needs bypass and its team",
     {REGIONAL: (has(THORACIC, ANAESTHESIA), HOME)}),
    ("Y0042", "surgery, cardiothoracic surgery and radiology at a regional centre", "open or endovascular repair",
     {REGIONAL: (has(SURGERY, THORACIC, RADIOLOGY), HOME)}),
    ("Y0051", "surgery and anaesthesia; a local institution from 150 beds in office hours", "cholecystectomy is common surgery",
     {REGIONAL: (has(SURGERY, ANAESTHESIA), IN_HOUSE), LOCAL: (has(SURGERY, ANAESTHESIA), HOME),
      INSTITUTION: (sized(150, SURGERY, ANAESTHESIA), DAY)}),
    ("Y0052", "internal medicine and radiology; a local centre from 400 beds", "endoscopic drainage needs one trained endoscopist",
     {REGIONAL: (has(INTERNAL, RADIOLOGY), IN_HOUSE), LOCAL: (sized(400, INTERNAL, RADIOLOGY), HOME)}),
    ("Y0060", "surgery and anaesthesia; a local institution from 180 beds", "laparotomy is general surgery",
     {REGIONAL: (has(SURGERY, ANAESTHESIA), IN_HOUSE), LOCAL: (has(SURGERY, ANAESTHESIA), HOME),
      INSTITUTION: (sized(180, SURGERY, ANAESTHESIA), DAY)}),
    ("Y0070", "paediatrics, surgery and radiology; a local centre from 600 beds", "reduction under imaging with surgery at hand",
     {REGIONAL: (has(PAEDIATRICS, SURGERY, RADIOLOGY), HOME), LOCAL: (sized(600, PAEDIATRICS, SURGERY, RADIOLOGY), HOME)}),
    ("Y0081", "internal medicine; a local institution from 200 beds in office hours", "an endoscopist on call",
     {REGIONAL: (has(INTERNAL), IN_HOUSE), LOCAL: (has(INTERNAL), HOME), INSTITUTION: (sized(200, INTERNAL), DAY)}),
    ("Y0082", "paediatrics and anaesthesia; a local centre from 600 beds", "children's endoscopists are few",
     {REGIONAL: (has(PAEDIATRICS, ANAESTHESIA), HOME), LOCAL: (sized(600, PAEDIATRICS, ANAESTHESIA), DAY)}),
    ("Y0091", "internal medicine; a local centre from 400 beds", "a pulmonologist on call",
     {REGIONAL: (has(INTERNAL), IN_HOUSE), LOCAL: (sized(400, INTERNAL), HOME)}),
    ("Y0092", "a tertiary hospital with paediatrics and otorhinolaryngology", "rare skill",
     {REGIONAL: (tertiary(PAEDIATRICS, "13"), HOME)}),
    ("Y0100", "obstetrics and paediatrics at a regional centre, or a local centre from 600 beds", "a neonatal unit",
     {REGIONAL: (has(OBSTETRICS, PAEDIATRICS), IN_HOUSE), LOCAL: (sized(600, OBSTETRICS, PAEDIATRICS), IN_HOUSE)}),
    ("Y0111", "obstetrics and anaesthesia", "a delivery needs a caesarean within reach",
     {REGIONAL: (has(OBSTETRICS, ANAESTHESIA), IN_HOUSE), LOCAL: (has(OBSTETRICS, ANAESTHESIA), HOME),
      INSTITUTION: (has(OBSTETRICS, ANAESTHESIA), HOME)}),
    ("Y0112", "obstetrics, anaesthesia and paediatrics at a centre", "mother and newborn at once",
     {REGIONAL: (has(OBSTETRICS, ANAESTHESIA, PAEDIATRICS), IN_HOUSE), LOCAL: (has(OBSTETRICS, ANAESTHESIA, PAEDIATRICS), HOME)}),
    ("Y0113", "obstetrics and gynaecology and anaesthesia at a centre", "torsion, ectopic pregnancy",
     {REGIONAL: (has(OBSTETRICS, ANAESTHESIA), IN_HOUSE), LOCAL: (has(OBSTETRICS, ANAESTHESIA), HOME)}),
    ("Y0120", "a known burn centre only", "no hospital of the province is known for severe burns",
     {"any": (known_for("burn-centre"), IN_HOUSE)}),
    ("Y0131", "orthopaedics, plastic surgery and anaesthesia at a regional centre", "microsurgery",
     {REGIONAL: (has(ORTHOPAEDICS, PLASTIC, ANAESTHESIA), HOME)}),
    ("Y0132", "a trauma centre", "limb replantation belongs to trauma surgery", {"any": (known_for("trauma-centre"), HOME)}),
    ("Y0141", "internal medicine; a local centre from 140 beds, a local institution from 180", "a dialysis room with a nephrologist or internist",
     {REGIONAL: (has(INTERNAL), IN_HOUSE), LOCAL: (sized(140, INTERNAL), HOME), INSTITUTION: (sized(180, INTERNAL), HOME)}),
    ("Y0142", "internal medicine at a regional centre, or a local centre from 400 beds", "intensive care with CRRT machines",
     {REGIONAL: (has(INTERNAL), IN_HOUSE), LOCAL: (sized(400, INTERNAL), IN_HOUSE)}),
    ("Y0150", "psychiatry at a centre, or a psychiatric hospital", "a closed ward",
     {REGIONAL: (has(PSYCHIATRY), HOME), LOCAL: (has(PSYCHIATRY), HOME), "kind-29": (always, HOME)}),
    ("Y0160", "ophthalmology and anaesthesia; a local centre from 400 beds", "an eye surgeon on call",
     {REGIONAL: (has(EYES, ANAESTHESIA), HOME), LOCAL: (sized(400, EYES, ANAESTHESIA), DAY)}),
    ("Y0171", "radiology at a regional centre, or a local centre from 400 beds", "an interventional radiologist on call",
     {REGIONAL: (has(RADIOLOGY), HOME), LOCAL: (sized(400, RADIOLOGY), HOME)}),
    ("Y0172", "a tertiary hospital with radiology and paediatrics", "rare skill", {REGIONAL: (tertiary(RADIOLOGY, PAEDIATRICS), DAY)}),
    ("SY-TRAUMA", "a designated trauma centre", "원주세브란스기독병원 is Gangwon's 권역외상센터 (public knowledge)",
     {"any": (known_for("trauma-centre"), IN_HOUSE)}),
    ("SY-ROSC", "internal medicine at a regional centre, or a local centre from 400 beds", "intensive care with temperature control",
     {REGIONAL: (has(INTERNAL), IN_HOUSE), LOCAL: (sized(400, INTERNAL), IN_HOUSE)}),
    ("SY-ECMO", "cardiothoracic surgery at a regional centre", "perfusion team", {REGIONAL: (has(THORACIC), HOME)}),
    ("SY-SEPSIS", "internal medicine and anaesthesia; a local institution from 180 beds", "a ventilated intensive care bed",
     {REGIONAL: (has(INTERNAL), IN_HOUSE), LOCAL: (has(INTERNAL, ANAESTHESIA), IN_HOUSE), INSTITUTION: (sized(180, INTERNAL, ANAESTHESIA), HOME)}),
    ("SY-PED-ED", "paediatrics", "a paediatrician within call",
     {REGIONAL: (has(PAEDIATRICS), IN_HOUSE), LOCAL: (has(PAEDIATRICS), HOME), INSTITUTION: (has(PAEDIATRICS), DAY)}),
    ("SY-ORTHO", "orthopaedics and anaesthesia", "an operating orthopaedist",
     {REGIONAL: (has(ORTHOPAEDICS, ANAESTHESIA), IN_HOUSE), LOCAL: (has(ORTHOPAEDICS, ANAESTHESIA), HOME),
      INSTITUTION: (has(ORTHOPAEDICS, ANAESTHESIA), DAY)}),
    ("SY-POISON", "internal medicine at a centre", "antidotes, intensive care, dialysis",
     {REGIONAL: (has(INTERNAL), IN_HOUSE), LOCAL: (has(INTERNAL), IN_HOUSE)}),
    ("SY-HBO", "the two hospitals publicly known for a chamber", "강릉아산 and 원주세브란스 treated the Gangneung carbon monoxide victims of 2018",
     {"any": (only(WONJU, GANGNEUNG_ASAN), HOME)}),
    ("SY-STABILISE", "any designated emergency department", "airway and circulation are what a designation asks",
     {REGIONAL: (always, IN_HOUSE), LOCAL: (always, IN_HOUSE), INSTITUTION: (always, IN_HOUSE)}),
    ("SY-LYSIS-MI", "any designated emergency department", "a drug and an electrocardiograph",
     {REGIONAL: (always, IN_HOUSE), LOCAL: (always, IN_HOUSE), INSTITUTION: (always, HOME)}),
    ("SY-LYSIS-STROKE", "neurology or neurosurgery, with CT", "someone must read the CT and give the drug",
     {REGIONAL: (lambda p: has(NEUROLOGY)(p) or has(NEUROSURGERY)(p), IN_HOUSE),
      LOCAL: (lambda p: has(NEUROLOGY)(p) or has(NEUROSURGERY)(p), HOME),
      INSTITUTION: (lambda p: has(NEUROLOGY)(p) or has(NEUROSURGERY)(p), DAY)}),
    ("SY-ED", "every emergency department", "its definition",
     {REGIONAL: (always, IN_HOUSE), LOCAL: (always, IN_HOUSE), INSTITUTION: (always, IN_HOUSE), REPORTED: (always, HOME)}),
    ("SY-WARD", "internal medicine and sourced beds", "general admission",
     {REGIONAL: (has(INTERNAL), IN_HOUSE), LOCAL: (has(INTERNAL), IN_HOUSE), INSTITUTION: (sized(1, INTERNAL), HOME),
      REPORTED: (sized(1, INTERNAL), DAY), "no-tier": (sized(1, INTERNAL), DAY)}),
    ("SY-PRIMARY", "internal or family medicine", "office care",
     {"any": (lambda p: has(INTERNAL)(p) or has(FAMILY)(p) or p["kind"] == "75", DAY)}),
]

OTHER_RULES = [
    ("ed-beds", "hvs01: 30 at a regional centre, 20 at a local centre, 10 at a local institution, 5 where only reported; never under the free beds once seen",
     "sizes in the order of the legal minima, not checked against them"),
    ("ed-parts", "hvs02 4 or 2 with paediatrics, hvs03 2 or 1, hvs04 3, 2 or 1, hvs19 12 or 6 at centres", "centres keep a few of each"),
    ("icu-total", "ICU = 8 % of beds at a regional centre, 5 % at a local centre, 3 % at a local institution from 180 beds, none below", "ordinary shares"),
    ("icu-split", "regional: medical 30, surgical 20, neurosurgery 20, cardiology 10, cardiothoracic 10 %, rest general; local from 400 beds: medical 40, neurosurgery 20 %, rest general; else general; a part without its department joins general",
     "larger hospitals divide their intensive care"),
    ("icu-special", "hvs05 6 at a regional centre, 2 at a local centre from 400 beds; hvs08 10 and hvs26 3 where Y0100 is treated; hvs09 4 at a tertiary hospital with paediatrics", "small dedicated units"),
    ("trauma-unit", "a trauma centre: hvs14 20, hvs21 40, hvs23 2, hvs60 2, hvs61 4", "the size a designation implies, not checked"),
    ("burn-unit", "a burn centre: hvs13 20, hvs36 2", "the size of one unit, not checked"),
    ("military", "an armed forces hospital (국군) gets no need", "it takes civilians in exceptions only"),
    ("theatres", "hvs22 = beds / 50 at centres, / 100 elsewhere with anaesthesia, at least 1", "ordinary ratio"),
    ("delivery", "hvs26 2 where Y0111 is treated and no neonatal unit", "a pair of rooms"),
    ("closed-ward", "hvs24 = 60 % of beds in a psychiatric hospital, 20 at a centre that treats Y0150", "wards are partly open"),
    ("general-ward", "hvs38 = sourced beds less intensive care and closed ward", "what remains"),
    ("free-now", "free at the start = total less 75 % (regional), 70 % (local), 60 % (other), rounded half up", "a busy but open day"),
    ("equipment-ed", "CT and ventilator: every designated emergency department; ambulance: as NEMC's board once said", "CT is general in them"),
    ("equipment-centre", "MRI and angiography: regional centres, and local centres from 400 beds; MRI also other local centres", "follows the catheter rule"),
    ("equipment-special", "CRRT with Y0142, ECMO with SY-ECMO, temperature control with SY-ROSC, hyperbaric with SY-HBO, incubator with Y0111, child ventilator with Y0100", "one follows the other"),
    ("response", "mean minutes to answer an inquiry: 6 regional, 7 local centre, 5 local institution, 8 reported or no tier; night times 1.5", "digital answers of minutes; no published mean"),
    ("age-general", "surgical needs at a hospital without paediatrics: from 15 years", "no children's anaesthesia or ward"),
    ("age-psychiatric", "psychiatric hospitals: from 15 years", "adolescent wards are rare"),
    ("neighbour-size", "a neighbouring hospital counts 800 beds (local centre 400) and every department; a burn hospital counts as its burn centre only", "their departments are not in the collected data"),
    ("post-scope", "posts of kind 71, 72 and 75: SY-PRIMARY by a doctor in office hours; kind 73: SY-PRIMARY by a nurse practitioner in office hours", "their legal roles in outline"),
]
SURGICAL = {"Y0051", "Y0060", "SY-ORTHO", "SY-SEPSIS", "Y0160"}


def read(name):
    with open(os.path.join(GANGWON, name), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def gather():
    """Places and neighbours as one list of what the rules look at."""
    result = []
    for row in read("places.csv"):
        known = ["trauma-centre", "helicopter"] if row["id"] == WONJU else []
        if row["name_ko"].startswith("국군"):
            known.append("military")
        result.append({"id": row["id"], "kind": row["kind"], "tier": row["tier"], "beds": int(row["beds"] or 0),
                       "departments": set(filter(None, row["departments"].split(";"))), "known_for": known, "neighbour": ""})
    for row in read("neighbours.csv"):
        beds = {REGIONAL: 800, LOCAL: 400}.get(row["tier"], 0)
        departments = set(PROVINCE_CENTRE_DEPARTMENTS) if row["tier"] else set()
        result.append({"id": row["id"], "kind": row["kind"], "tier": row["tier"], "beds": beds, "departments": departments,
                       "known_for": list(filter(None, row["known_for"].split(";"))), "neighbour": row["province"]})
    return result


def ages(place, need):
    if place["kind"] == "29":
        return {"age_from_y": 15, "age_rule": "age-psychiatric"}
    if need in SURGICAL and PAEDIATRICS not in place["departments"]:
        return {"age_from_y": 15, "age_rule": "age-general"}
    return {}


def needs_of(place):
    tier = place["tier"] or ("kind-29" if place["kind"] == "29" else "no-tier")
    found = []
    if "military" in place["known_for"]:
        return found
    for need, _says, _because, tiers in NEED_RULES:
        test, pattern = tiers.get(tier) or tiers.get("any") or (None, "")
        if place["neighbour"] and not place["tier"] and need == "SY-WARD":
            continue
        if test and test(place):
            found.append({"need": need, "on_call": pattern, "rule": "need-" + need, **ages(place, need)})
    return found


def half_up(x):
    return int(x + 0.5)


def icu_parts(place, total):
    split = []
    if place["tier"] == REGIONAL:
        split = [("hvs06", 0.30, INTERNAL), ("hvs07", 0.20, SURGERY), ("hvs12", 0.20, NEUROSURGERY), ("hvs15", 0.10, INTERNAL), ("hvs16", 0.10, THORACIC)]
    elif place["tier"] == LOCAL and place["beds"] >= 400:
        split = [("hvs06", 0.40, INTERNAL), ("hvs12", 0.20, NEUROSURGERY)]
    parts = [(code, half_up(total * share)) for code, share, department in split if department in place["departments"]]
    return parts + [("hvs17", total - sum(n for _, n in parts))]


def beds_of(place, needs, seen_free):
    tier, beds, out = place["tier"], place["beds"], []
    treats, rank = {n["need"] for n in needs}, {REGIONAL: 0, LOCAL: 1, INSTITUTION: 2, REPORTED: 3}.get(tier)
    share = (0.25, 0.30, 0.40, 0.40)[rank if rank is not None else 3]

    def add(code, total, rule):
        if total > 0:
            out.append({"code": code, "total": total, "free": half_up(total * share), "rule": rule})

    icu = half_up(beds * (0.08, 0.05, 0.03, 0)[rank]) if rank is not None and (rank < 2 or beds >= 180) else 0
    closed = half_up(beds * 0.6) if place["kind"] == "29" else 20 if "Y0150" in treats else 0
    if rank is not None:
        add("hvs01", max((30, 20, 10, 5)[rank], seen_free), "ed-beds")
        if PAEDIATRICS in place["departments"] and rank < 2:
            add("hvs02", 4 - 2 * rank, "ed-parts")
        add("hvs03", (2, 1, 0, 0)[rank], "ed-parts")
        add("hvs04", (3, 2, 1, 0)[rank], "ed-parts")
        add("hvs19", (12, 6, 0, 0)[rank], "ed-parts")
    for code, total in icu_parts(place, icu) if icu else []:
        add(code, total, "icu-split")
    add("hvs05", 6 if tier == REGIONAL else 2 if tier == LOCAL and beds >= 400 else 0, "icu-special")
    if "Y0100" in treats:
        add("hvs08", 10, "icu-special")
        add("hvs26", 3, "icu-special")
    elif "Y0111" in treats:
        add("hvs26", 2, "delivery")
    if place["kind"] == "01" and PAEDIATRICS in place["departments"]:
        add("hvs09", 4, "icu-special")
    if "trauma-centre" in place["known_for"]:
        for code, total in (("hvs14", 20), ("hvs21", 40), ("hvs23", 2), ("hvs60", 2), ("hvs61", 4)):
            add(code, total, "trauma-unit")
    if "burn-centre" in place["known_for"]:
        add("hvs13", 20, "burn-unit")
        add("hvs36", 2, "burn-unit")
    if ANAESTHESIA in place["departments"]:
        add("hvs22", max(1, half_up(beds / (50 if rank in (0, 1) else 100))), "theatres")
    add("hvs24", closed, "closed-ward")
    add("hvs38", beds - icu - closed, "general-ward")
    return sorted(out, key=lambda bed: bed["code"])


def equipment_of(place, needs, ambulance):
    tier, treats, out = place["tier"], {n["need"] for n in needs}, []
    large = tier == REGIONAL or tier == LOCAL and place["beds"] >= 400
    for code, present, rule in (
        ("hvctayn", tier in (REGIONAL, LOCAL, INSTITUTION), "equipment-ed"),
        ("hvventiayn", tier in (REGIONAL, LOCAL, INSTITUTION), "equipment-ed"),
        ("hvamyn", ambulance, "equipment-ed"),
        ("hvmriayn", tier in (REGIONAL, LOCAL), "equipment-centre"),
        ("hvangioayn", large, "equipment-centre"),
        ("hvcrrtayn", "Y0142" in treats, "equipment-special"),
        ("hvecmoayn", "SY-ECMO" in treats, "equipment-special"),
        ("hvhypoayn", "SY-ROSC" in treats, "equipment-special"),
        ("hvoxyayn", "SY-HBO" in treats, "equipment-special"),
        ("hvincuayn", "Y0111" in treats, "equipment-special"),
        ("hvventisoayn", "Y0100" in treats, "equipment-special"),
    ):
        if present:
            out.append({"code": code, "rule": rule})
    return out


# The board's snapshot of an unknown moment in 2026: free emergency beds, and an ambulance. Not capacity; a lower bound only.
SEEN = {
    "A2200008": 16, "A2200009": 12, "A2200011": 4, "A2200007": 16, "A2200012": 16, "A2200002": 9, "A2200015": 6, "A2200048": 5,
    "A2200004": 9, "A2200001": 25, "A2200005": 12, "A2200003": 9, "A2200037": 5, "A2200024": 5, "A2200046": 7, "A2201730": 4,
    "E2200026": 6, "A2200013": 18, "A2200014": 9, "E2200025": 7, "A2200016": 9,
}


def place_entry(place):
    needs = needs_of(place)
    minutes = {REGIONAL: 6, LOCAL: 7, INSTITUTION: 5}.get(place["tier"], 8)
    return {
        "place": place["id"], "known_for": place["known_for"],
        "response": {"minutes": minutes, "night_factor": 1.5, "rule": "response"},
        "treats": needs, "beds": beds_of(place, needs, SEEN.get(place["id"], 0)),
        "equipment": equipment_of(place, needs, place["id"] in SEEN),
    }


def lines(items, indent):
    return ",\n".join(" " * indent + json.dumps(item, ensure_ascii=False) for item in items)


def main():
    rules = [{"id": i, "says": s, "because": b} for i, s, b in OTHER_RULES]
    rules += [{"id": "need-" + need, "says": says, "because": because} for need, says, because, _ in NEED_RULES]
    head = {
        "format": "soyang-assumptions/1", "region": "gangwon", "version": "1", "sourced": False,
        "statement_ko": "이 파일의 모든 값은 가정이다. 어느 기관도 공표하지 않았으며, 시연과 모의에만 쓴다. 실제 진료에 쓰지 말 것.",
        "statement_en": "Every value in this file is an assumption. No publisher states it; it serves demonstration and simulation only, never care.",
    }
    parts = [json.dumps(head, ensure_ascii=False, indent=1)[:-2]]
    parts.append(' "hour_bands": [\n' + lines(HOUR_BANDS, 2) + "\n ]")
    parts.append(' "on_call": [\n' + lines(ON_CALL, 2) + "\n ]")
    parts.append(' "posts_by_kind": [\n' + lines([
        {"kind": kind, "treats": ["SY-PRIMARY"], "by": by, "on_call": "daytime", "rule": "post-scope"}
        for kind, by in (("71", "doctor"), ("72", "doctor"), ("73", "nurse-practitioner"), ("75", "doctor"))], 2) + "\n ]")
    parts.append(' "rules": [\n' + lines(rules, 2) + "\n ]")
    blocks = []
    for place in gather():
        entry = place_entry(place)
        block = [f'  {{"place": {json.dumps(entry["place"])}, "known_for": {json.dumps(entry["known_for"])}, "response": {json.dumps(entry["response"])}']
        for key in ("treats", "beds", "equipment"):
            block.append(f'   "{key}": [\n{lines(entry[key], 4)}\n   ]' if entry[key] else f'   "{key}": []')
        blocks.append(",\n".join(block) + "}")
    parts.append(' "places": [\n' + ",\n".join(blocks) + "\n ]")
    text = ",\n".join(parts) + "\n}\n"
    json.loads(text)
    path = os.path.join(GANGWON, "assumptions.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"wrote {os.path.relpath(path, ROOT)}: {len(blocks)} places, {len(text.encode())} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
