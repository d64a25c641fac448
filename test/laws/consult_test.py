"""e-consult: asked with the chart, answered in time or escalated, never lost; its laws hold at every door. Holds no Soyang code."""
import datetime
import unittest

from province import (CONTROL_ROOM, POST, REGION, Client, Server, new_patient, reference, tag, wait_until)

BASE = "https://fhir.soyang.example/CodeSystem/"
ASKED = "A2200001"


def coded(system, code):
    return {"coding": [{"system": BASE + system, "code": code}]}


def state(task):
    return task["businessStatus"]["coding"][0]["code"]


def inputs(task, code):
    return [i for i in task["input"] if i["type"]["coding"][0]["code"] == code]


def output(code, **value):
    return {"type": coded("task-output", code), **value}


def answered(task, answer="advice", text="혈압을 140 아래로, 6시간 뒤 CT를 다시 찍으십시오", more=()):
    return {**task, "status": "completed", "output": [output("answer", valueCode=answer), output("answer-text", valueString=text), *more]}


def end_of(task):
    return datetime.datetime.fromisoformat(task["restriction"]["period"]["end"].replace("Z", "+00:00"))


class Consult(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(region=REGION)
        cls.http = cls.server.client
        cls.asker = Client(cls.server.port, POST, "primary-care")
        cls.asked = Client(cls.server.port, ASKED, "receiving")
        cls.other = Client(cls.server.port, "A2200008", "receiving")
        cls.room = Client(cls.server.port, CONTROL_ROOM, "control-room")
        cls.patient = new_patient(cls.http)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def question(self, patient=None, drop=(), **extra):
        patient = patient or self.patient
        values = {"level": ("valueInteger", 2), "question": ("valueString", "뇌출혈 의심, 이송해야 합니까"), "need": ("valueCode", "Y0032"),
                  "onset": ("valueDateTime", "2026-01-01T10:00:00+09:00"), **extra}
        parameters = [reference("patient", f"Patient/{patient}"), reference("encounter", f"Encounter/{patient}-visit"), reference("place", f"Organization/{ASKED}")]
        parameters += [{"name": name, kind: value} for name, (kind, value) in values.items() if name not in drop]
        return {"resourceType": "Parameters", "parameter": [p for p in parameters if p["name"] not in drop]}

    def ask(self, **named):
        answer = self.asker.post("$consult", self.question(**named))
        self.assertEqual(answer.status, 200, answer)
        made = next(p["resource"] for p in answer.json["parameter"] if p["name"] == "consult")
        return self.http.get("Task/" + made["id"]).json

    def fresh(self, task):
        return self.http.get("Task/" + task["id"]).json

    def test_question(self):
        task = self.ask()
        self.assertEqual((task["status"], state(task), task["owner"]["reference"], task["priority"]), ("requested", "asked", "Organization/" + ASKED, "stat"))
        authored = datetime.datetime.fromisoformat(task["authoredOn"].replace("Z", "+00:00"))
        self.assertEqual((end_of(task) - authored).total_seconds(), 600)
        words = self.http.get(inputs(task, "communication")[0]["valueReference"]["reference"]).json
        self.assertEqual(words["about"][0]["reference"], "Task/" + task["id"])
        self.assertEqual(words["payload"][0]["contentString"], "뇌출혈 의심, 이송해야 합니까")
        self.assertEqual(inputs(task, "onset")[0]["valueDateTime"], "2026-01-01T10:00:00+09:00")

    def test_answers(self):
        for code in ("advice", "transfer", "stay"):
            task = self.ask()
            answer = self.asked.put("Task/" + task["id"], answered(task, code), tag(task))
            self.assertEqual(answer.status, 200, answer)
            after = self.fresh(task)
            self.assertEqual((after["status"], state(after)), ("completed", "answered"))
            self.assertNotIn("restriction", after)
            said = next(o for o in after["output"] if o["type"]["coding"][0]["code"] == "communication")
            words = self.http.get(said["valueReference"]["reference"]).json
            self.assertEqual(words["inResponseTo"], [inputs(task, "communication")[0]["valueReference"]])
            self.assertEqual((words["sender"]["reference"], words["recipient"][0]["reference"]), ("Organization/" + ASKED, "Organization/" + POST))

    def test_transfer_leads_to_a_draft(self):
        """The answer draws the referral up; a human sends it; it is one referral from the draft to the offers."""
        patient = new_patient(self.http)
        study = {"resourceType": "ImagingStudy", "id": "ct-draft", "status": "available", "subject": {"reference": f"Patient/{patient}"}}
        self.assertIn(self.http.put("ImagingStudy/ct-draft", study).status, (200, 201))
        task = self.ask(patient=patient, imaging=("valueReference", {"reference": "ImagingStudy/ct-draft"}))
        forged = output("referral", valueReference={"reference": "Task/forged"})
        answer = self.asked.put("Task/" + task["id"], answered(task, "transfer", "보내십시오", [forged]), tag(task))
        self.assertEqual(answer.status, 200, answer)
        made = [o["valueReference"]["reference"] for o in self.fresh(task)["output"] if o["type"]["coding"][0]["code"] == "referral"]
        self.assertEqual(len(made), 1, "the engine alone says what it drew up")
        draft = self.http.get(made[0]).json
        self.assertEqual((draft["status"], draft["owner"]["reference"], draft["for"]["reference"], draft["priority"]), ("draft", "Organization/" + POST, f"Patient/{patient}", "asap"))
        self.assertIn("restriction", draft, "it has a deadline")
        request = self.http.get(draft["focus"]["reference"]).json
        self.assertEqual((request["status"], request["performer"][0]["reference"], request["reasonCode"][0]["coding"][0]["code"], request["note"][0]["text"]),
                         ("draft", "Organization/" + ASKED, "Y0032", "보내십시오"))
        self.assertIn({"reference": "ImagingStudy/ct-draft"}, request["supportingInfo"])
        sending = {"resourceType": "Parameters", "parameter": [reference("patient", f"Patient/{patient}"), reference("encounter", f"Encounter/{patient}-visit"),
                   reference("requester", f"Organization/{POST}"), {"name": "human-level", "valueInteger": 2}, reference("place", f"Organization/{ASKED}"),
                   {"name": "override-reason", "valueString": "협진의 답"}, reference("draft", made[0])]}
        stranger = {**sending, "parameter": [reference("patient", f"Patient/{self.patient}"), reference("encounter", f"Encounter/{self.patient}-visit"), *sending["parameter"][2:]]}
        self.assertEqual(self.asker.post("$send", stranger).status, 422)
        sent = self.asker.post("$send", sending)
        self.assertEqual(sent.status, 200, sent)
        after = self.http.get(made[0]).json
        self.assertEqual(after["businessStatus"]["coding"][0]["code"], "offered")
        request = self.http.get(draft["focus"]["reference"]).json
        self.assertEqual(request["status"], "active")
        self.assertIn({"reference": "ImagingStudy/ct-draft"}, request["supportingInfo"])
        self.assertEqual(self.asker.post("$send", sending).status, 409, "it was sent already")

    def test_other_answers_move_nobody(self):
        for code in ("advice", "stay"):
            patient = new_patient(self.http)
            task = self.ask(patient=patient)
            self.assertEqual(self.asked.put("Task/" + task["id"], answered(task, code), tag(task)).status, 200)
            found = self.http.get(f"Task?patient=Patient/{patient}").json
            self.assertEqual([e["resource"]["id"] for e in found["entry"]], [task["id"]])

    def rank(self, patient):
        """The answer's `confirmed`, `may-need` and the first option's reasons."""
        body = {"resourceType": "Parameters", "parameter": [reference("patient", f"Patient/{patient}"), reference("encounter", f"Encounter/{patient}-visit"), {"name": "human-level", "valueInteger": 2}]}
        answer = self.asker.post("$rank-places", body)
        self.assertEqual(answer.status, 200, answer)
        named = lambda name: [{p["name"]: next(v for k, v in p.items() if k != "name") for p in item["part"] if "part" not in p} for item in answer.json["parameter"] if item["name"] == name]
        option = next(item for item in answer.json["parameter"] if item["name"] == "option")
        reasons = {p["part"][0]["valueString"]: p["part"] for p in option["part"] if p["name"] == "reason"}
        self.decision = next(p["valueReference"]["reference"] for p in answer.json["parameter"] if p["name"] == "decision")
        return named("confirmed"), named("may-need"), reasons

    def test_what_a_specialist_says_it_is_stands_until_refuted(self):
        patient = new_patient(self.http, story=lambda: ("두통, 구토", [], []))
        confirmed, doubts, reasons = self.rank(patient)
        self.assertEqual(confirmed, [])
        self.assertGreater(len(doubts), 0, "a reading is doubted")
        task = self.ask(patient=patient)
        concept = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I60.9", "display": "지주막하출혈"}]}
        answer = self.asked.put("Task/" + task["id"], answered(task, "stay", "지주막하출혈입니다", [output("answer-finding", valueCodeableConcept=concept), output("finding", valueReference={"reference": "Condition/forged"})]), tag(task))
        self.assertEqual(answer.status, 200, answer)
        outputs = {o["type"]["coding"][0]["code"]: o for o in self.fresh(task)["output"]}
        kept, said = outputs["finding"]["valueReference"]["reference"], outputs["communication"]["valueReference"]["reference"]
        self.assertNotIn("forged", kept)
        condition = self.http.get(kept).json
        self.assertEqual((condition["code"], condition["verificationStatus"]["coding"][0]["code"], condition["encounter"]["reference"], condition["evidence"][0]["detail"][0]["reference"]),
                         (concept, "confirmed", f"Encounter/{patient}-visit", said))
        self.assertEqual(self.http.get(said).json["reasonCode"], [concept])
        confirmed, doubts, reasons = self.rank(patient)
        self.assertEqual([(c["code"], c["evidence"], c["source"]) for c in confirmed], [("Y0031", "지주막하출혈", kept + ".code.coding[0].display")])
        self.assertEqual(doubts, [])
        self.assertIn("confirmed", reasons)
        self.assertIn("지주막하출혈", str(self.http.get(self.decision).json), "the decision quotes its evidence")
        for status in ("refuted", "entered-in-error"):
            doubted = {**condition, "verificationStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": status}]}}
            if status == "entered-in-error":
                doubted.pop("clinicalStatus", None)
            self.assertEqual(self.http.put(kept, doubted).status, 200)
            confirmed, doubts, reasons = self.rank(patient)
            self.assertEqual((confirmed, "confirmed" in reasons), ([], False), status)
            self.assertGreater(len(doubts), 0, status)

    def confirm(self, patient, code="I60.9", **members):
        """A finding of this visit that somebody marks as confirmed; returns its id."""
        condition = {"resourceType": "Condition", "id": f"{patient}-confirmed", "subject": {"reference": f"Patient/{patient}"}, "encounter": {"reference": f"Encounter/{patient}-visit"},
                     "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
                     "verificationStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "confirmed"}]},
                     "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code, "display": "지주막하출혈"}]}, **members}
        answer = self.http.put("Condition/" + condition["id"], condition)
        self.assertIn(answer.status, (200, 201), answer)
        return condition["id"]

    def test_whose_word_confirms(self):
        """The policy's confirmation.by: a hospital's doctor and the control room's do, nobody else's own note does."""
        for name, organisation, active in (("doctor", ASKED, True), ("medic", "Organization/elsewhere", True), ("retired", ASKED, False), ("nurse", POST, True), ("director", CONTROL_ROOM, True)):
            organisation = organisation.removeprefix("Organization/")
            if organisation == "elsewhere":
                self.http.put("Organization/elsewhere", {"resourceType": "Organization", "id": "elsewhere", "name": "119 구급대"})
            self.http.put(f"Practitioner/word-{name}", {"resourceType": "Practitioner", "id": f"word-{name}"})
            role = self.http.put(f"PractitionerRole/word-{name}", {"resourceType": "PractitionerRole", "id": f"word-{name}", "active": active, "practitioner": {"reference": f"Practitioner/word-{name}"},
                                                                  "organization": {"reference": f"Organization/{organisation}"}})
            self.assertIn(role.status, (200, 201), role)
        by = lambda who: {"reference": f"Practitioner/word-{who}"}
        cases = [
            ("nobody says so", {}, False), ("a crew's own note", {"recorder": by("medic")}, False), ("a post's nurse", {"asserter": by("nurse")}, False),
            ("a doctor of a hospital", {"asserter": by("doctor")}, True), ("its recorder", {"recorder": by("doctor")}, True), ("the role itself", {"asserter": {"reference": "PractitionerRole/word-doctor"}}, True),
            ("who asserts goes before who writes", {"asserter": by("medic"), "recorder": by("doctor")}, False), ("a role that has ended", {"asserter": by("retired")}, False),
            ("the control room's doctor", {"asserter": by("director")}, True), ("the patient", {"asserter": "patient"}, False), ("nobody known", {"asserter": {"display": "외과 의사"}}, False),
        ]
        for what, members, counts in cases:
            with self.subTest(what):
                patient = new_patient(self.http, story=lambda: ("두통, 구토", [], []))
                members = {k: {"reference": f"Patient/{patient}"} if v == "patient" else v for k, v in members.items()}
                self.confirm(patient, **members)
                confirmed, _, reasons = self.rank(patient)
                self.assertEqual((len(confirmed), "confirmed" in reasons), (1, True) if counts else (0, False))
                kept = next(e["valueString"] for e in self.http.get(self.decision).json["extension"] if e["url"].endswith("/decision-inputs"))
                self.assertEqual("not-confirmed" in kept, not counts, "what does not count is noted")

    def test_a_specialist_s_word_covers_what_was_said_alone(self):
        patient = new_patient(self.http, story=lambda: ("두통, 구토", [], []))
        task = self.ask(patient=patient)
        concept = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I60.9", "display": "지주막하출혈"}]}
        self.assertEqual(self.asked.put("Task/" + task["id"], answered(task, "stay", "지주막하출혈입니다", [output("answer-finding", valueCodeableConcept=concept)]), tag(task)).status, 200)
        outputs = {o["type"]["coding"][0]["code"]: o for o in self.fresh(task)["output"]}
        said = [{"detail": [outputs["communication"]["valueReference"]]}]
        question = [{"detail": [inputs(task, "communication")[0]["valueReference"]]}]
        condition = self.http.get(outputs["finding"]["valueReference"]["reference"]).json
        self.assertEqual(len(self.rank(patient)[0]), 1)
        condition["code"]["coding"].append({"system": "http://hl7.org/fhir/sid/icd-10", "code": "I21.9"})
        self.assertEqual(self.http.put("Condition/" + condition["id"], condition).status, 200)
        self.assertEqual(self.rank(patient)[0], [], "a code was added that the specialist never said")
        for what, evidence, code, counts in (("the same again", said, "I60.9", 1), ("another code", said, "I21.9", 0), ("the question is no answer", question, "I60.9", 0),
                                             ("none", [{"detail": [{"reference": "Communication/none"}]}], "I60.9", 0)):
            with self.subTest(what):
                self.confirm(patient, code=code, evidence=evidence)
                self.assertEqual(len(self.rank(patient)[0]), counts)
        stranger = new_patient(self.http, story=lambda: ("두통, 구토", [], []))
        self.confirm(stranger, evidence=said)
        self.assertEqual(self.rank(stranger)[0], [], "it was said of another patient")

    def test_a_crew_of_the_hospital_is_no_specialist(self):
        task = self.ask()
        for role in ("crew", "planner", "researcher"):
            self.assertEqual(Client(self.server.port, ASKED, role).put("Task/" + task["id"], answered(task), tag(task)).status, 403, role)
        self.assertEqual(self.fresh(task)["status"], "requested")

    def test_what_the_engine_alone_says_cannot_be_said_before(self):
        task = self.ask()
        forged = [output(code, valueReference={"reference": kind + "/forged"}) for code, kind in (("communication", "Communication"), ("finding", "Condition"), ("referral", "Task"))]
        self.assertEqual(self.asker.put("Task/" + task["id"], {**task, "output": forged}, tag(task)).status, 200)
        self.assertNotIn("forged", str(self.fresh(task)))

    def test_whose_question_confirms(self):
        patient = new_patient(self.http, story=lambda: ("두통, 구토", [], []))
        body = {"resourceType": "Parameters", "parameter": [reference("patient", f"Patient/{patient}"), reference("encounter", f"Encounter/{patient}-visit"), {"name": "human-level", "valueInteger": 2},
                                                           reference("origin", f"Organization/{POST}"), {"name": "confirmed-need", "valueCode": "Y0031"}]}
        for who, organisation, role, status in (("a hospital", ASKED, "receiving", 200), ("the control room", CONTROL_ROOM, "control-room", 200), ("a post", POST, "primary-care", 403), ("a crew", POST, "crew", 403),
                                                ("a crew that says it were a hospital", ASKED, "crew", 403)):
            with self.subTest(who):
                answer = Client(self.server.port, organisation, role).post("$rank-places", body)
                self.assertEqual(answer.status, status, answer)
                self.assertEqual("Parameters.parameter[4].valueCode" in str(answer.json), status == 403)

    def test_a_finding_without_a_code_is_refused(self):
        task = self.ask()
        for value in ({"text": "뇌출혈"}, {"coding": [{"code": "I61.0"}]}, {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10"}]}, {}):
            answer = self.asked.put("Task/" + task["id"], answered(task, "stay", "그렇습니다", [output("answer-finding", valueCodeableConcept=value)]), tag(task))
            self.assertIn(answer.status, (400, 422), (value, answer))
            self.assertEqual(self.fresh(task)["status"], "requested")
        self.assertEqual(self.asked.put("Task/" + task["id"], answered(task), tag(task)).status, 200)

    def test_imaging(self):
        self.http.put("Endpoint/pacs", {"resourceType": "Endpoint", "id": "pacs", "status": "active", "address": "https://pacs.example/dicomweb",
                                        "connectionType": {"system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "dicom-wado-rs"},
                                        "payloadType": [{"text": "DICOM"}]})
        study = {"resourceType": "ImagingStudy", "id": "ct-1", "status": "available", "subject": {"reference": f"Patient/{self.patient}"}, "endpoint": [{"reference": "Endpoint/pacs"}]}
        self.assertIn(self.http.put("ImagingStudy/ct-1", study).status, (200, 201))
        task = self.ask(imaging=("valueReference", {"reference": "ImagingStudy/ct-1"}))
        self.assertEqual(inputs(task, "imaging")[0]["valueReference"]["reference"], "ImagingStudy/ct-1")
        stranger = new_patient(self.http)
        refused = self.asker.post("$consult", self.question(patient=stranger, imaging=("valueReference", {"reference": "ImagingStudy/ct-1"})))
        self.assertEqual(refused.status, 422, refused)

    def test_refused_questions(self):
        cases = [
            (dict(level=("valueInteger", 0)), 400, "level"), (dict(question=("valueString", " ")), 400, "question"), (dict(onset=("valueDateTime", "2126-01-01T10:00:00Z")), 422, "future"),
            (dict(onset=("valueDateTime", "2026-01-01")), 400, "onset"), (dict(drop=("onset",)), 422, "onset"), (dict(need=("valueCode", "Y9999")), 422, "need"),
            (dict(department=("valueCode", "ZZ")), 422, "department"),
            (dict(imaging=("valueReference", {"reference": "ImagingStudy/none"})), 422, "study"), (dict(weather=("valueString", "x")), 400, "parameter"),
        ]
        before = self.http.get("Task?_summary=count").json["total"]
        for extra, status, words in cases:
            answer = self.asker.post("$consult", self.question(**extra))
            self.assertEqual(answer.status, status, (extra, answer))
            self.assertIn(words, answer.diagnostics)
        body = self.question()
        next(p for p in body["parameter"] if p["name"] == "place")["valueReference"] = {"reference": "Organization/moon"}
        self.assertEqual(self.asker.post("$consult", body).status, 422)
        itself = self.asked.post("$consult", self.question())
        self.assertEqual((itself.status, "goes to another place" in itself.diagnostics), (422, True), "nobody asks himself")
        self.assertEqual(self.asker.post("$consult", self.question(patient="nobody")).status, 422)
        self.assertEqual(self.http.get("Task?_summary=count").json["total"], before)
        self.assertEqual(self.asker.post("$consult", self.question(drop=("onset",), **{"onset-unknown": ("valueBoolean", True)})).status, 200)

    def doors(self, task, changed, http):
        yield http.put("Task/" + task["id"], changed)
        yield http.put("Task/" + task["id"], changed, tag(task))
        for kind in ("batch", "transaction"):
            yield http.post("", {"resourceType": "Bundle", "type": kind, "entry": [{"resource": changed, "request": {"method": "PUT", "url": "Task/" + task["id"]}}]})
        yield http.put(f"Task?_id={task['id']}", changed)

    def refuse(self, task, changed, http=None):
        now = self.fresh(task)
        for answer in self.doors(now, changed, http or self.http):
            self.assertTrue(answer.status >= 400 or '"status":"4' in answer.raw.decode(), answer)
            self.assertEqual(self.fresh(task)["meta"]["versionId"], now["meta"]["versionId"])

    def test_laws_at_every_door(self):
        task = self.ask()
        self.refuse(task, {**task, "for": {"reference": "Patient/other"}})
        self.refuse(task, {**task, "input": task["input"][1:]})
        self.refuse(task, {**task, "requester": {"reference": "Organization/" + ASKED}})
        self.refuse(task, {**task, "status": "completed"})
        self.refuse(task, answered(task, "perhaps"))
        self.refuse(task, answered(task, text=""))
        self.refuse(task, answered(task), self.other)
        self.refuse(task, answered(task), self.asker)
        self.refuse(task, {**answered(task), "status": "requested"})
        self.refuse(task, {**task, "status": "failed"})
        self.refuse(task, {**task, "status": "cancelled"})
        self.refuse(task, {**task, "owner": {"reference": "Organization/A2200008"}}, self.asked)
        self.refuse(task, {**task, "owner": {"reference": "Organization/moon"}}, self.room)
        self.refuse(task, {**task, "owner": {"reference": "Organization/" + POST}}, self.room)  # who asks
        self.refuse(task, {k: v for k, v in task.items() if k != "code"})
        self.assertEqual(self.http.delete("Task/" + task["id"]).status, 409)
        forged = {**task, "id": "forged"}
        self.assertEqual(self.http.put("Task/forged", forged).status, 409)
        words = self.http.get(inputs(task, "communication")[0]["valueReference"]["reference"]).json
        self.assertEqual(self.http.put("Communication/" + words["id"], {**words, "payload": [{"contentString": "다른 말"}]}).status, 409)
        self.assertEqual(self.http.delete("Communication/" + words["id"]).status, 409)

    def test_deadline_is_not_a_clients(self):
        task = self.ask()
        later = {**task, "restriction": {"period": {"end": "2099-01-01T00:00:00Z"}}}
        self.assertEqual(self.asked.put("Task/" + task["id"], later).status, 200)
        self.assertEqual(self.fresh(task)["restriction"], task["restriction"])

    def test_cancel_and_closed(self):
        task = self.ask()
        reasoned = {**task, "status": "cancelled", "statusReason": {"text": "환자가 회복함"}}
        self.assertEqual(self.asked.put("Task/" + task["id"], reasoned).status, 403)
        self.assertEqual(self.asker.put("Task/" + task["id"], reasoned).status, 200)
        self.assertEqual(state(self.fresh(task)), "cancelled")
        self.refuse(task, answered(self.fresh(task)))

    def test_control_room(self):
        task = self.ask()
        silent = self.room.put("Task/" + task["id"], answered(task))
        self.assertEqual(silent.status, 422, silent)
        moved = self.room.put("Task/" + task["id"], {**task, "owner": {"reference": "Organization/A2200008"}})
        self.assertEqual(moved.status, 200, moved)
        after = self.fresh(task)
        self.assertEqual((state(after), after["owner"]["reference"]), ("asked", "Organization/A2200008"))
        heard = answered(after, more=[output("telephone", valueString="신경외과 이 교수")])
        self.assertEqual(self.room.put("Task/" + task["id"], heard).status, 200)


class Deadline(unittest.TestCase):
    """At 600 times the speed: ten minutes are a second."""

    def test_escalates_and_is_never_lost(self):
        server = Server(region=REGION, options=["--speed", "600"])
        try:
            patient = new_patient(server.client)
            asker = Client(server.port, POST, "primary-care")
            body = Consult.question(Consult, patient=patient)
            made = asker.post("$consult", body).json["parameter"][0]["resource"]
            read = lambda: server.client.get("Task/" + made["id"]).json
            task = wait_until(lambda: read() if state(read()) == "escalated" else None)
            self.assertEqual(task["owner"]["reference"], "Organization/" + CONTROL_ROOM)
            self.assertEqual(task["status"], "requested")
            first = end_of(task)
            wait_until(lambda: end_of(read()) > first)
            server.kill()  # nothing is lost with the process: the deadline falls due after it
            server.start()
            again = end_of(server.client.get("Task/" + made["id"]).json)
            read = lambda: server.client.get("Task/" + made["id"]).json
            wait_until(lambda: end_of(read()) > again)
            late = Client(server.port, ASKED, "receiving")
            wait_until(lambda: late.put("Task/" + made["id"], answered(read())).status == 200)
            self.assertEqual(state(read()), "answered")
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main()
