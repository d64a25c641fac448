#!/usr/bin/env python3
"""Check a region's file set. Prints each fault as file:line: field: message, then 'N passed, N failed'.

    check.py [REGION_DIR]        default: regions/gangwon beside this project
Standard library only; exit status 1 when anything failed.
"""
import csv
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("SOYANG_SHARED", os.path.join(ROOT, "..", "shared"))

REQUIRED = {  # columns that may not be blank
    "places": "id name_ko kind sigungu lat lon kind_source position_source",
    "posts": "id name_ko kind sigungu district_code lat lon source position_source source_row",
    "districts": "code name_ko sigungu sigungu_code lat lon position_source population age_0_4 age_5_14 age_15_64 age_65_74 age_75_84 age_85_up",
    "sigungu": "code name_ko kind lat lon residents_2024",
    "neighbours": "id name_ko kind lat lon identity_source position_source note",
    "wards": "id place point_of_care name_ko note",
    "conditions": "code field display_ko display_en group source",
    "needs-own": "code version display_ko display_en kind group why",
    "beds": "free total display_ko display_en pool audience source",
    "equipment": "code display_ko display_en source",
    "reasons": "code display_ko display_en said_by resource source",
    "tiers": "code rank display_ko display_en",
    "kinds": "code display_ko display_en",
    "departments": "code display_ko",
    "states": "origin scope display_ko display_en task_status open owner",
    "transitions": "id scope actor trigger trigger_en trigger_ko from_status to_status owner_after source",
}
KEY = {"districts": "code", "sigungu": "code", "conditions": "code", "needs-own": "code", "beds": "free", "equipment": "code",
       "reasons": "code", "tiers": "code", "kinds": "code", "departments": "code", "places": "id", "posts": "id",
       "neighbours": "id", "wards": "id", "transitions": "id"}
NUMERIC = {"places": "lat lon beds staff", "posts": "lat lon", "neighbours": "lat lon beds", "sigungu": "lat lon districts residents_2022 residents_2023 residents_2024",
           "districts": "lat lon population age_0_4 age_5_14 age_15_64 age_65_74 age_75_84 age_85_up area_km2", "conditions": "age_from_y age_below_y"}
TASK_STATUS = "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed entered-in-error".split()
VITAL_RANGE = {"systolic": (30, 300), "diastolic": (10, 200), "heart_rate": (10, 300), "respiratory_rate": (0, 90), "oxygen_saturation": (30, 100),
               "temperature": (25, 45), "gcs": (3, 15), "oxygen_flow": (0, 60), "glucose": (5, 2000), "pain": (0, 10)}


class Checker:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def expect(self, truth, file, line, field, message):
        if truth:
            self.passed += 1
        else:
            self.failed += 1
            print(f"{os.path.relpath(file, os.getcwd())}:{line}: {field}: {message}")
        return bool(truth)


class Table:
    def __init__(self, check, name, path):
        self.check, self.name, self.path, self.rows = check, name, path, []
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            self.columns = next(reader, [])
            for cells in reader:
                line = reader.line_num
                if check.expect(len(cells) == len(self.columns), path, line, "row", f"{len(cells)} cells, {len(self.columns)} columns"):
                    self.rows.append((line, dict(zip(self.columns, cells))))

    def expect(self, truth, line, field, message):
        return self.check.expect(truth, self.path, line, field, message)

    def values(self, column):
        return {row[column] for _, row in self.rows}

    def check_shape(self):
        for column in REQUIRED.get(self.name, "").split():
            if self.expect(column in self.columns, 1, column, "column is missing"):
                for line, row in self.rows:
                    self.expect(row[column] != "", line, column, "is required and blank")
        for column in NUMERIC.get(self.name, "").split():
            for line, row in self.rows:
                self.expect(row.get(column, "") == "" or is_number(row[column]), line, column, "is not a number")
        if self.name in KEY:
            seen = {}
            for line, row in self.rows:
                value = row[KEY[self.name]]
                self.expect(value not in seen, line, KEY[self.name], f"repeats line {seen.get(value)}")
                seen[value] = line

    def check_known(self, column, known, separator=None):
        for line, row in self.rows:
            for value in filter(None, row[column].split(separator) if separator else [row[column]]):
                self.expect(value in known, line, column, f"'{value}' is not a known code")

    def check_in(self, box):
        for line, row in self.rows:
            inside = is_number(row["lat"]) and is_number(row["lon"]) and box["lat_min"] <= float(row["lat"]) <= box["lat_max"] \
                and box["lon_min"] <= float(row["lon"]) <= box["lon_max"]
            self.expect(inside, line, "lat/lon", "outside the region's box")


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def load_json(check, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        value = json.loads(text)
        check.expect(True, path, 1, "json", "")
        return value, text
    except json.JSONDecodeError as error:
        check.expect(False, path, error.lineno, "json", error.msg)
        return None, text


def line_of(text, key, value):
    at = text.find(f'"{key}": {json.dumps(value)}')
    return text.count("\n", 0, at) + 1 if at >= 0 else 1


def load_all(check, folder):
    region, _ = load_json(check, os.path.join(folder, "region.json"))
    country = os.path.normpath(os.path.join(folder, region["country_files"]))
    tables, documents = {}, {}
    for where, section in ((folder, "files"), (folder, "assumed_files"), (folder, "demo_files"), (country, "country_file_list")):
        for name, entry in region[section].items():
            path = os.path.join(where, entry["file"])
            if not check.expect(os.path.exists(path), os.path.join(folder, "region.json"), 1, section, f"{entry['file']} is missing"):
                continue
            if path.endswith(".csv"):
                tables[name] = Table(check, name, path)
            else:
                documents[name] = (path, *load_json(check, path))
    return region, tables, documents


def check_places(check, region, tables):
    sigungu, sources = tables["sigungu"].values("name_ko"), set(region["sources"])
    for name in ("places", "posts", "districts"):
        tables[name].check_known("sigungu", sigungu)
        tables[name].check_in(region["bbox"])
    tables["neighbours"].check_in(region["neighbours_bbox"])
    for name in ("places", "posts", "districts", "sigungu", "neighbours"):
        for column in (c for c in tables[name].columns if c == "source" or c.endswith("_source")):
            tables[name].check_known(column, sources)
    for name in ("places", "posts", "neighbours"):
        tables[name].check_known("kind", tables["kinds"].values("code"))
    for name in ("places", "neighbours"):
        tables[name].check_known("tier", tables["tiers"].values("code"))
        tables[name].check_known("departments", tables["departments"].values("code"), ";")
    tables["posts"].check_known("place", tables["places"].values("id"))
    if "wards" in tables:
        tables["wards"].check_known("place", tables["places"].values("id"))
        tables["wards"].check_known("bed", tables["beds"].values("free"))
    tables["posts"].check_known("district_code", tables["districts"].values("code"))
    tables["districts"].check_known("position_post", tables["posts"].values("id"))
    tables["districts"].check_known("sigungu_code", tables["sigungu"].values("code"))
    for line, row in tables["places"].rows:
        tables["places"].expect((row["tier"] == "") == (row["hpid"] == ""), line, "hpid", "tier and hpid come together")
        for fact in ("address", "beds"):
            tables["places"].expect((row[fact] == "") == (row[fact + "_source"] == ""), line, fact + "_source", "a fact and its source come together")


def check_totals(check, region, tables):
    expected, path = region["expected"], tables["places"].path
    count = lambda name: len(tables[name].rows)
    for name in ("places", "posts", "districts", "sigungu"):
        check.expect(count(name) == expected[name], tables[name].path, 1, "rows", f"{count(name)}, expected {expected[name]}")
    tiers = [row["tier"] for _, row in tables["places"].rows if row["tier"]]
    check.expect(len(tiers) == expected["emergency_departments"], path, 1, "tier", f"{len(tiers)} emergency departments")
    for tier, number in expected.get("tiers", {}).items():
        check.expect(tiers.count(tier) == number, path, 1, "tier", f"{tiers.count(tier)} of {tier}, expected {number}")
    people = 0
    for line, row in tables["districts"].rows:
        total = sum(int(row[c]) for c in tables["districts"].columns if c.startswith("age_"))
        tables["districts"].expect(total == int(row["population"]), line, "population", f"age bands add up to {total}")
        people += int(row["population"])
    check.expect(people == expected["population"], tables["districts"].path, 1, "population", f"{people}, expected {expected['population']}")
    for line, row in tables["sigungu"].rows:
        number = sum(1 for _, d in tables["districts"].rows if d["sigungu"] == row["name_ko"])
        tables["sigungu"].expect(number == int(row["districts"]), line, "districts", f"{number} in districts.csv")


def check_states(check, tables):
    states, moves, by_key = tables["states"], tables["transitions"], {}
    for line, row in states.rows:
        for scope in ("loop", "offer") if row["scope"] == "both" else (row["scope"],):
            for status in row["task_status"].split(";"):
                states.expect(status in TASK_STATUS, line, "task_status", f"'{status}' is no Task.status")
                states.expect((scope, status, row["code"]) not in by_key, line, "code", "state is listed twice")
                by_key[scope, status, row["code"]] = (line, row)
    left, seen = {}, set()
    for line, row in moves.rows:
        key = tuple(row[c] for c in ("scope", "actor", "trigger", "from_status", "from_business", "to_status", "to_business"))
        moves.expect(key not in seen, line, "trigger", "the same transition is listed twice")
        seen.add(key)
        moves.expect(row["actor"] in ("initiator", "recipient", "controller", "system"), line, "actor", f"'{row['actor']}'")
        for scope in ("loop", "offer") if row["scope"] == "both" else (row["scope"],):
            start, end = (scope, row["from_status"], row["from_business"]), (scope, row["to_status"], row["to_business"])
            moves.expect(start in by_key, line, "from_business", "not a state of states.csv in this scope")
            moves.expect(end in by_key, line, "to_business", "not a state of states.csv in this scope")
            left.setdefault(start, []).append((row["actor"], row["trigger"], end))
    for key, (line, row) in by_key.items():
        if row["open"] == "yes":
            due = any(actor == "system" and trigger == row["at_deadline"] for actor, trigger, _ in left.get(key, []))
            states.expect(row["deadline"] and due, line, "at_deadline", f"open {key} needs a system transition '{row['at_deadline']}'")
            states.expect(row["owner"] != "none", line, "owner", "an open state needs an owner")
            states.expect(reaches_end(key, left, by_key), line, "code", f"no way from {key} to an end")
        else:
            states.expect(key not in left, line, "open", f"closed {key} has a way out")
    shared = os.path.join(SHARED, "reference", "bser_task_transitions.csv")
    if os.path.exists(shared):
        with open(shared, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                facts = ("actor", "from_status", "from_business", "to_status", "to_business")
                same = [m for _, m in moves.rows if m["id"] == "B" + row["tid"] and all(m[f] == row[f] for f in facts)]
                check.expect(same, moves.path, 1, "id", f"B{row['tid']} differs from the published transition")


def reaches_end(key, left, by_key):
    seen, queue = {key}, [key]
    while queue:
        here = queue.pop()
        if here in by_key and by_key[here][1]["open"] == "no":
            return True
        for _, _, there in left.get(here, []):
            if there not in seen:
                seen.add(there)
                queue.append(there)
    return False


def check_policy(check, tables, documents):
    path, policy, text = documents["policy"]
    sources = set(policy["sources"])

    def walk(value, where):
        if isinstance(value, dict):
            if "value" in value:
                check.expect(value.get("source") in sources, path, line_of(text, where.split(".")[-1], value["value"]), where, "value without a known source")
            for key, child in value.items():
                walk(child, f"{where}.{key}")
        elif isinstance(value, list):
            for i, child in enumerate(value):
                walk(child, f"{where}[{i}]")

    walk({k: v for k, v in policy.items() if k != "sources"}, "policy")
    check.expect([entry["level"] for entry in policy["levels"]] == [1, 2, 3, 4, 5], path, 1, "levels", "levels 1 to 5 in order")
    for entry in policy["levels"] + [policy["extreme_action"]]:
        check.expect(entry["mode"] in policy["modes"], path, 1, "mode", f"'{entry['mode']}' is unknown")
    known = tables["conditions"].values("code") | tables["needs-own"].values("code")
    for extreme in policy["extremes"]:
        check.expect(set(extreme["needs"]) <= known, path, line_of(text, "id", extreme["id"]), "needs", "unknown need")
    deadlines = {row["deadline"] for _, row in tables["states"].rows} - {"", "offer"}
    check.expect(deadlines <= set(policy["deadlines_minutes"]), path, 1, "deadlines_minutes", f"missing {sorted(deadlines - set(policy['deadlines_minutes']))}")


def check_assumptions(check, tables, documents):
    path, doc, text = documents["assumptions"]
    rules, patterns = {r["id"] for r in doc["rules"]}, {p["id"] for p in doc["on_call"]}
    needs = tables["conditions"].values("code") | tables["needs-own"].values("code")
    totals, equipment = tables["beds"].values("total"), tables["equipment"].values("code")
    places = tables["places"].values("id") | tables["neighbours"].values("id")
    check.expect(doc["sourced"] is False, path, 1, "sourced", "must say false")
    check.expect({p["place"] for p in doc["places"]} == places, path, 1, "places", "not the places of places.csv and neighbours.csv")
    for entry in doc["places"]:
        line, name = line_of(text, "place", entry["place"]), entry["place"]
        for item in entry["treats"]:
            check.expect(item["need"] in needs, path, line, f"{name}.treats", f"unknown need {item['need']}")
            check.expect(item["on_call"] in patterns and item["rule"] in rules, path, line, f"{name}.treats", "unknown pattern or rule")
        for item in entry["beds"]:
            check.expect(item["code"] in totals and item["rule"] in rules, path, line, f"{name}.beds", f"unknown code or rule {item['code']}")
            check.expect(0 <= item["free"] <= item["total"], path, line, f"{name}.beds.{item['code']}", "free beyond total")
        for item in entry["equipment"]:
            check.expect(item["code"] in equipment and item["rule"] in rules, path, line, f"{name}.equipment", f"unknown code or rule {item['code']}")
    bands = {band["id"] for band in doc["hour_bands"]}
    for pattern in doc["on_call"]:
        check.expect(set(pattern["cover"]) == bands and all(0 <= v <= 1 for v in pattern["cover"].values()), path, 1, "on_call", pattern["id"])


def check_outline(check, tables, documents):
    path, doc, _ = documents["outline"]
    check.expect(os.path.getsize(path) <= 60 * 1024, path, 1, "size", "over 60 KB")
    check.expect(bool(doc.get("source") and doc.get("licence") and doc.get("attribution")), path, 1, "licence", "source, licence and attribution are required")
    codes = {g["id"] for g in doc["objects"]["sigungu"]["geometries"]}
    check.expect(codes == tables["sigungu"].values("code"), path, 1, "objects.sigungu", "not the codes of sigungu.csv")
    shapes = [(g["id"], g["arcs"]) for g in doc["objects"]["sigungu"]["geometries"]] + [("region", doc["objects"]["region"]["arcs"])]
    for name, polygons in shapes:
        for ring in (ring for polygon in polygons for ring in polygon):
            ends = [(doc["arcs"][n][0], doc["arcs"][n][-1]) if n >= 0 else (doc["arcs"][~n][-1], doc["arcs"][~n][0]) for n in ring]
            check.expect(all(a[1] == b[0] for a, b in zip(ends, ends[1:] + ends[:1])), path, 1, name, "a ring does not close")


def check_demo(check, tables, documents):
    path, doc, text = documents["patients"]
    needs, posts = tables["conditions"].values("code") | tables["needs-own"].values("code"), tables["posts"].values("id")
    ids = [p["id"] for p in doc["patients"]]
    check.expect(doc["synthetic"] is True and len(ids) == len(set(ids)) == 12, path, 1, "patients", "twelve distinct synthetic patients")
    for patient in doc["patients"]:
        line = line_of(text, "id", patient["id"])
        check.expect(patient["post"] in posts, path, line, "post", f"unknown post {patient['post']}")
        check.expect("합성" in patient["name_ko"], path, line, "name_ko", "must be labelled synthetic")
        check.expect(1 <= patient["nurse_level"] <= 5, path, line, "nurse_level", "levels are 1 to 5")
        check.expect(set(patient["expected"]["needs"]) <= needs, path, line, "expected.needs", "unknown need")
        for vital, value in patient["vitals"].items():
            check.expect(vital in doc["vital_codes"], path, line, "vitals", f"no code for {vital}")
            low, high = VITAL_RANGE.get(vital, (None, None))
            check.expect(low is None or low <= value <= high, path, line, f"vitals.{vital}", "outside what is possible")
    path, script, text = documents["script"]
    reasons, totals = tables["reasons"].values("code"), tables["beds"].values("free")
    check.expect([e["patient"] for e in script["patients"]] == ids, path, 1, "patients", "not the patients of patients.json, in order")
    for entry in script["patients"]:
        line = line_of(text, "patient", entry["patient"])
        check.expect([a["ask"] for a in entry["answers"]] == list(range(1, len(entry["answers"]) + 1)), path, line, "answers", "asks are numbered from 1")
        for answer in entry["answers"]:
            check.expect(answer["answer"] in ("accept", "decline", "silent"), path, line, "answer", answer["answer"])
            check.expect((answer["answer"] == "decline") == ("reason" in answer) and answer.get("reason", "other") in reasons, path, line, "reason", "a decline needs a coded reason")
    for board in script["boards"]:
        check.expect(board["place"] in tables["places"].values("id") and board["code"] in totals, path, line_of(text, "place", board["place"]), "boards", "unknown place or bed code")


def main(argv):
    folder = argv[1] if len(argv) > 1 else os.path.join(ROOT, "regions", "gangwon")
    check = Checker()
    region, tables, documents = load_all(check, folder)
    if check.failed:  # the rest reads across files and needs all of them
        print(f"{check.passed} passed, {check.failed} failed")
        return 1
    for table in tables.values():
        table.check_shape()
    check_places(check, region, tables)
    check_totals(check, region, tables)
    tables["conditions"].expect(len(tables["conditions"].rows) == 27, 1, "rows", "the national list has 27 conditions")
    check_states(check, tables)
    check_policy(check, tables, documents)
    check_assumptions(check, tables, documents)
    check_outline(check, tables, documents)
    check_demo(check, tables, documents)
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
