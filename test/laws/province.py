"""Patients and actors of a small story in Gangwon, over plain HTTP. Holds no Soyang code."""
import itertools
import sys
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))
from soyang_server import DECLINE, PROGRAM, ROOT, STATE, Answer, Client, Server, wait_until  # noqa: E402,F401

REGION = ROOT / "regions/gangwon"
POST = "gw-post-1429"
CONTROL_ROOM = "gw-control-room"
numbers = itertools.count(1)
LOINC = "http://loinc.org"


def quantity(code, value, unit):
    return {"code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}


def infarction():
    return "쥐어짜는 가슴 통증, 식은땀", ["심전도 ST분절 상승"], [("8480-6", 104, "mm[Hg]"), ("8867-4", 96, "/min"), ("9279-1", 20, "/min"), ("59408-5", 95, "%")]


def hip():
    return "넘어진 뒤 오른쪽 고관절 통증, 걷지 못함", ["고관절 골절 의심"], [("8480-6", 140, "mm[Hg]"), ("8867-4", 88, "/min"), ("9279-1", 16, "/min"), ("59408-5", 97, "%")]


def new_patient(http, story=infarction, name=None):
    """Writes a patient with one visit; returns its id."""
    name = name or f"law-{next(numbers)}"
    complaint, findings, vitals = story()
    subject = {"reference": f"Patient/{name}"}
    visit = {"reference": f"Encounter/{name}-visit"}
    resources = [
        {"resourceType": "Patient", "id": name, "name": [{"text": "합성 " + name}], "gender": "male", "birthDate": "1960-01-01",
         "meta": {"tag": [{"system": "https://fhir.soyang.example/CodeSystem/label", "code": "synthetic"}]}},
        {"resourceType": "Encounter", "id": f"{name}-visit", "status": "in-progress", "subject": subject, "reasonCode": [{"text": complaint}],
         "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"}},
    ]
    for number, text in enumerate(findings):
        resources.append({"resourceType": "Condition", "id": f"{name}-c{number}", "subject": subject, "encounter": visit, "code": {"text": text},
                          "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-category", "code": "encounter-diagnosis"}]}],
                          "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}})
    for number, vital in enumerate(vitals):
        resources.append({"resourceType": "Observation", "id": f"{name}-o{number}", "status": "final", "subject": subject, "encounter": visit, **quantity(*vital)})
    answer = http.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in resources]})
    assert answer.status == 200, answer
    return name


def reference(name, to):
    return {"name": name, "valueReference": {"reference": to}}


def send(http, patient, level=2, **extra):
    """$send; returns (answer, loop, offers)."""
    parameters = [reference("patient", f"Patient/{patient}"), reference("encounter", f"Encounter/{patient}-visit"),
                  reference("requester", f"Organization/{POST}"), {"name": "human-level", "valueInteger": level}]
    for name, value in extra.items():
        kind = "valueBoolean" if isinstance(value, bool) else "valueString"
        parameters.append(reference(name, value) if str(value).startswith("Organization/") else {"name": name.replace("_", "-"), kind: value})
    answer = http.post("$send", {"resourceType": "Parameters", "parameter": parameters})
    if answer.status != 200:
        return answer, None, []
    loop = next(p["resource"] for p in answer.json["parameter"] if p["name"] == "loop")
    offers = [p["resource"] for p in answer.json["parameter"] if p["name"] == "offer"]
    read = [http.get("Task/" + task["id"]).json for task in [loop] + offers]
    return answer, read[0], read[1:]


def business(task):
    return next((c["code"] for c in task.get("businessStatus", {}).get("coding", []) if c.get("system") == STATE), None)


def with_state(task, status, code, **members):
    changed = {**task, "status": status, "businessStatus": {"coding": [{"system": STATE, "code": code}]}, **members}
    return {k: v for k, v in changed.items() if v is not None}


def accepted(offer):
    return with_state(offer, "accepted", "accepted")


def declined(offer, reason="ed-full"):
    return with_state(offer, "rejected", "declined", statusReason={"coding": [{"system": DECLINE, "code": reason}]})


def owner_of(task):
    return task["owner"]["reference"].split("/")[1]


def receiver(server, offer):
    return Client(server.port, owner_of(offer), "receiving")


def sender(server):
    return Client(server.port, POST, "primary-care")


def controller(server):
    return Client(server.port, CONTROL_ROOM, "control-room")


def tag(task):
    return f'W/"{task["meta"]["versionId"]}"'


def offers_of(http, loop):
    bundle = http.get(f"Task?part-of=Task/{loop}&_count=200").json
    return [e["resource"] for e in bundle.get("entry", [])]


def all_tasks(http):
    tasks, url = [], "Task?_count=200"
    while url:
        page = http.get(url).json
        tasks += [e["resource"] for e in page.get("entry", [])]
        url = next((link["url"].split("/fhir/")[1] for link in page["link"] if link["relation"] == "next"), None)
    return tasks


OPEN = {"draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold"}


def broken_laws(tasks):
    """What the laws of the house forbid, read from outside."""
    wrong = []
    accepted_by_loop = {}
    for task in tasks:
        loop = task.get("partOf", [{}])[0].get("reference")
        if task["status"] in OPEN and not task.get("owner"):
            wrong.append(f"{task['id']} is open without an owner")
        if task["status"] in OPEN and not task.get("restriction", {}).get("period", {}).get("end"):
            wrong.append(f"{task['id']} is open without a deadline")
        if loop and task["status"] in ("accepted", "in-progress"):
            accepted_by_loop.setdefault(loop, []).append(task["id"])
        if not loop and business(task) in ("en-route", "diverted", "arrived", "in-care") and not task.get("location"):
            wrong.append(f"{task['id']} travels without a destination")
    wrong += [f"{loop} was accepted {len(ids)} times" for loop, ids in accepted_by_loop.items() if len(ids) > 1]
    by_patient = {}
    for task in tasks:
        if not task.get("partOf") and business(task) in ("accepted", "designated", "en-route", "diverted", "arrived"):
            by_patient.setdefault(task["for"]["reference"], []).append(task["id"])
    wrong += [f"{patient} has {len(ids)} destinations" for patient, ids in by_patient.items() if len(ids) > 1]
    return wrong


def doors(server, http, task, forbidden):
    """Every way in by which a client may try to write `forbidden` over `task`: name and a call that returns the answer."""
    import json
    import subprocess
    import tempfile
    path = f"{task['resourceType']}/{task['id']}"
    entry = {"resource": forbidden, "request": {"method": "PUT", "url": path}}
    yield "PUT", lambda: http.put(path, forbidden)
    yield "PUT with If-Match", lambda: http.put(path, forbidden, if_match=tag(task))
    yield "transaction", lambda: http.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    yield "batch", lambda: inner(http.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]}))
    yield "conditional update", lambda: http.put(f"{task['resourceType']}?_id={task['id']}", forbidden)
    patch = [{"op": "replace", "path": "/" + k, "value": v} if k in task else {"op": "add", "path": "/" + k, "value": v}
             for k, v in forbidden.items() if task.get(k) != v and k != "meta"]
    patch += [{"op": "remove", "path": "/" + k} for k in task if k not in forbidden]
    yield "PATCH", lambda: http.send("PATCH", path, patch, {"Content-Type": "application/json-patch+json"})

    def by_import():
        with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
            file.write(json.dumps(forbidden, ensure_ascii=False) + "\n")
            file.flush()
            done = subprocess.run([PROGRAM, "import", "--url", f"http://127.0.0.1:{server.port}", file.name], capture_output=True, text=True)
        return Answer(200 if done.returncode == 0 else 422, {}, b"")
    if http is server.client:  # imports act as the local operator
        yield "import", by_import


def inner(answer):
    """The status of a batch's only entry."""
    if answer.status != 200:
        return answer
    return Answer(int(answer.json["entry"][0]["response"]["status"][:3]), answer.headers, answer.raw)
