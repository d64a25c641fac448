"""$referral-summary over real HTTP: every line leads to what it was taken from; a draft says nothing that its lines do not."""
import http.server
import json
import subprocess
import tempfile
import threading
import unittest

from soyang_server import PROGRAM, ROOT, Client, Server

ME = {"reference": "Patient/me"}
VITAL = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]}


def status(system, code):
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/" + system, "code": code}]}


def vital(identity, loinc, value, unit, at):
    return {"resourceType": "Observation", "id": identity, "status": "final", "category": [VITAL], "subject": ME,
            "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]}, "effectiveDateTime": at,
            "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}


RECORD = [
    {"resourceType": "Patient", "id": "me", "gender": "male", "birthDate": "1961-02-03"},
    {"resourceType": "Encounter", "id": "old", "status": "finished", "class": {"code": "AMB"}, "subject": ME,
     "period": {"start": "2024-01-01T09:00:00+09:00"}, "reasonCode": [{"text": "감기"}]},
    {"resourceType": "Encounter", "id": "now", "status": "in-progress", "class": {"code": "EMER"}, "subject": ME,
     "period": {"start": "2026-11-22T13:50:00+09:00"}, "reasonCode": [{"text": "가슴이 답답하고 식은땀"}]},
    {"resourceType": "Condition", "id": "dm", "subject": ME, "clinicalStatus": status("condition-clinical", "active"),
     "code": {"coding": [{"system": "http://snomed.info/sct", "code": "44054006", "display": "Type 2 diabetes"}]}, "onsetDateTime": "2015"},
    {"resourceType": "Condition", "id": "mi", "subject": ME, "clinicalStatus": status("condition-clinical", "active"),
     "verificationStatus": status("condition-ver-status", "provisional"), "code": {"text": "급성 심근경색"}},
    {"resourceType": "Condition", "id": "tb", "subject": ME, "clinicalStatus": status("condition-clinical", "resolved"), "code": {"text": "결핵"}},
    {"resourceType": "Condition", "id": "wrong", "subject": ME, "verificationStatus": status("condition-ver-status", "entered-in-error"),
     "code": {"text": "잘못 적은 병"}},
    {"resourceType": "MedicationStatement", "id": "metformin", "status": "active", "subject": ME,
     "medicationCodeableConcept": {"text": "메트포르민 500 mg"}, "dosage": [{"text": "1일 2회"}]},
    {"resourceType": "MedicationStatement", "id": "stopped", "status": "stopped", "subject": ME, "medicationCodeableConcept": {"text": "끊은 약"}},
    {"resourceType": "MedicationRequest", "id": "aspirin", "status": "active", "intent": "order", "subject": ME, "authoredOn": "2026-11-22T14:00:00+09:00",
     "medicationCodeableConcept": {"text": "아스피린"},
     "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 300, "unit": "mg"}}], "route": {"text": "경구"}}]},
    {"resourceType": "AllergyIntolerance", "id": "penicillin", "patient": ME, "criticality": "high",
     "clinicalStatus": status("allergyintolerance-clinical", "active"), "code": {"text": "페니실린"},
     "reaction": [{"manifestation": [{"text": "두드러기"}]}]},
    vital("sbp1", "8480-6", 124, "mm[Hg]", "2026-11-22T12:30:00+09:00"),
    vital("sbp2", "8480-6", 98, "mm[Hg]", "2026-11-22T05:05:00Z"),
    vital("hr", "8867-4", 104, "/min", "2026-11-22T14:05:00+09:00"),
    {"resourceType": "Observation", "id": "troponin", "status": "final", "subject": ME, "code": {"text": "Troponin I"},
     "effectiveDateTime": "2026-11-22T14:20:00+09:00", "valueQuantity": {"value": 1.20, "comparator": ">", "unit": "ng/mL"}},
    {"resourceType": "Observation", "id": "gone", "status": "entered-in-error", "subject": ME, "code": {"text": "Sodium"}, "valueQuantity": {"value": 999}},
    {"resourceType": "DiagnosticReport", "id": "ecg", "status": "final", "subject": ME, "code": {"text": "심전도"}, "conclusion": "V2-V4 ST분절 상승",
     "effectiveDateTime": "2026-11-22T14:10:00+09:00"},
    {"resourceType": "Procedure", "id": "iv", "status": "completed", "subject": ME, "code": {"text": "정맥로 확보"},
     "performedDateTime": "2026-11-22T14:08:00+09:00"},
    {"resourceType": "Procedure", "id": "never", "status": "not-done", "subject": ME, "code": {"text": "하지 않은 일"}},
    {"resourceType": "MedicationAdministration", "id": "ntg", "status": "completed", "subject": ME, "effectiveDateTime": "2026-11-22T14:09:00+09:00",
     "medicationCodeableConcept": {"text": "니트로글리세린"}, "dosage": {"text": "0.4 mg 설하"}},
    {"resourceType": "ServiceRequest", "id": "ask", "status": "active", "intent": "order", "priority": "stat", "subject": ME,
     "code": {"text": "진료 의뢰"}, "reasonCode": [{"text": "심근경색 재관류중재술"}], "note": [{"text": "중재술 가능한지요"}]},
    {"resourceType": "ServiceRequest", "id": "past", "status": "completed", "intent": "order", "subject": ME, "code": {"text": "지난 의뢰"}},
]


class Endpoint(http.server.BaseHTTPRequestHandler):
    """A fake of an OpenAI-compatible endpoint; `answer` is what it says, `asked` what it was asked."""
    answer, code, asked, raw = "", 200, [], None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Endpoint.asked.append((self.path, json.loads(body)))
        said = self.raw if self.raw is not None else json.dumps({"choices": [{"message": {"role": "assistant", "content": self.answer}}]}).encode()
        self.send_response(self.code)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


class Summary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fake = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        threading.Thread(target=cls.fake.serve_forever, daemon=True).start()
        cls.server = Server(region=ROOT / "regions/gangwon", options=["--draft-url", f"http://127.0.0.1:{cls.fake.server_port}/v1", "--draft-model", "small"])
        cls.http = cls.server.client
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in RECORD]}
        answer = cls.http.post("", bundle)
        assert answer.status == 200, answer

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.fake.shutdown()
        cls.fake.server_close()

    def setUp(self):
        Endpoint.answer, Endpoint.code, Endpoint.raw = "", 200, None
        Endpoint.asked.clear()

    def summary(self, path="Patient/me/$referral-summary", expected=200):
        answer = self.http.get(path)
        self.assertEqual(answer.status, expected, answer)
        return answer.json

    def named(self, out, name):
        return [p for p in out["parameter"] if p["name"] == name]

    def sections(self, out):
        found = {}
        for section in self.named(out, "section"):
            parts = section["part"]
            code = next(p["valueCode"] for p in parts if p["name"] == "code")
            found[code] = [{"ko": next(q["valueString"] for q in p["part"] if q["name"] == "ko"),
                            "en": next(q["valueString"] for q in p["part"] if q["name"] == "en"),
                            "sources": [q["valueReference"]["reference"] for q in p["part"] if q["name"] == "source"]}
                           for p in parts if p["name"] == "line"]
        return found

    def test_lines_are_the_record(self):
        found = self.sections(self.summary())
        self.assertEqual(list(found), ["complaint", "asked", "problems", "allergies", "medicines", "values", "findings", "done"])
        self.assertEqual([line["ko"] for line in found["complaint"]], ["가슴이 답답하고 식은땀 (2026-11-22 13:50)"])
        self.assertEqual([line["ko"] for line in found["asked"]], ["진료 의뢰: 심근경색 재관류중재술; 중재술 가능한지요 [stat]"])
        self.assertCountEqual([line["en"] for line in found["problems"][:2]], ["Type 2 diabetes (2015)", "급성 심근경색 [not confirmed]"])
        self.assertEqual(found["problems"][2]["ko"], "결핵 [끝남]")
        self.assertEqual([line["ko"] for line in found["allergies"]], ["페니실린: 두드러기 [위험 높음]"])
        self.assertEqual([line["ko"] for line in found["medicines"]],
                         ["메트포르민 500 mg, 1일 2회", "아스피린, 300 mg, 경구 (2026-11-22 14:00)"])
        self.assertEqual([line["en"] for line in found["values"]], [
            "systolic pressure 98 mm[Hg] (2026-11-22 14:05); before 124 mm[Hg] (2026-11-22 12:30) — lower than the value before",
            "heart rate 104 /min (2026-11-22 14:05)", "Troponin I >1.2 ng/mL (2026-11-22 14:20)"])
        self.assertEqual(found["values"][0]["sources"], ["Observation/sbp2", "Observation/sbp1"])
        self.assertEqual([line["ko"] for line in found["findings"]], ["심전도: V2-V4 ST분절 상승 (2026-11-22 14:10)"])
        self.assertEqual([line["ko"] for line in found["done"]],
                         ["니트로글리세린, 0.4 mg 설하 (2026-11-22 14:09)", "정맥로 확보 (2026-11-22 14:08)"])

    def test_a_medicine_by_reference(self):
        you = {"reference": "Patient/you"}
        for resource in ({"resourceType": "Patient", "id": "you"}, {"resourceType": "Medication", "id": "warf", "code": {"text": "와파린 3 mg"}},
                         {"resourceType": "MedicationStatement", "id": "y1", "status": "active", "subject": you, "medicationReference": {"reference": "Medication/warf"}},
                         {"resourceType": "MedicationStatement", "id": "y2", "status": "active", "subject": you, "medicationReference": {"reference": "#c"},
                          "contained": [{"resourceType": "Medication", "id": "c", "code": {"coding": [{"display": "digoxin"}]}}]},
                         {"resourceType": "MedicationStatement", "id": "y3", "status": "active", "subject": you, "medicationReference": {"reference": "Medication/lost"}},
                         {"resourceType": "Condition", "id": "y4", "subject": you}):
            self.assertIn(self.http.put(f"{resource['resourceType']}/{resource['id']}", resource).status, (200, 201))
        found = self.sections(self.summary("Patient/you/$referral-summary"))
        self.assertCountEqual([line["en"] for line in found["medicines"]], ["와파린 3 mg", "digoxin", "Medication/lost"])
        named = next(line for line in found["medicines"] if line["en"] == "와파린 3 mg")
        self.assertEqual(named["sources"], ["MedicationStatement/y1", "Medication/warf"], "its words are the Medication's")
        self.assertEqual([line["en"] for line in found["problems"]], ["(recorded without a name)"])
        self.assertEqual(found["complaint"], [])

    def test_what_turns_a_line_around_is_told(self):
        """An order not to give is no medicine; half a dosage, the first of two reactions, a value without its kind are other records."""
        her = {"reference": "Patient/her"}
        at = {"effectiveDateTime": "2026-11-22T14:05:00+09:00"}
        value = lambda identity, name, **v: {"resourceType": "Observation", "id": identity, "status": v.pop("status", "final"), "subject": her, "code": {"text": name}, **at, **v}
        daily = {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}
        for resource in ({"resourceType": "Patient", "id": "her"},
                         {"resourceType": "MedicationRequest", "id": "h1", "status": "active", "intent": "order", "doNotPerform": True, "subject": her,
                          "medicationCodeableConcept": {"text": "NSAID"}},
                         {"resourceType": "ServiceRequest", "id": "h2", "status": "active", "intent": "order", "doNotPerform": True, "priority": "stat", "subject": her,
                          "code": {"text": "전원"}},
                         {"resourceType": "MedicationStatement", "id": "h3", "status": "active", "subject": her, "medicationCodeableConcept": {"text": "insulin"}, "dosage": [
                             {"doseAndRate": [{"doseQuantity": {"value": 12, "unit": "U"}}], "timing": daily},
                             {"doseAndRate": [{"doseRange": {"low": {"value": 2, "unit": "U"}, "high": {"value": 4, "unit": "U"}}}], "asNeededBoolean": True}]},
                         {"resourceType": "MedicationStatement", "id": "h4", "status": "intended", "subject": her, "medicationCodeableConcept": {"text": "apixaban"}},
                         {"resourceType": "AllergyIntolerance", "id": "h5", "patient": her, "criticality": "high", "code": {"text": "조영제"},
                          "verificationStatus": status("allergyintolerance-verification", "unconfirmed"),
                          "reaction": [{"manifestation": [{"text": "두드러기"}]}, {"manifestation": [{"text": "아나필락시스"}]}]},
                         value("h6", "titre", valueRatio={"numerator": {"value": 1}, "denominator": {"value": 128}}),
                         value("h7", "K", status="preliminary", valueQuantity={"value": 6.8, "unit": "mmol/L"}, interpretation=[{"coding": [{"code": "HH"}]}]),
                         value("h8", "dose", valueRange={"low": {"value": 1, "unit": "mg"}, "high": {"value": 3, "unit": "mg"}}),
                         {"resourceType": "DiagnosticReport", "id": "h9", "status": "final", "subject": her, "code": {"text": "CXR"}, "conclusionCode": [{"text": "기흉"}], **at}):
            self.assertIn(self.http.put(f"{resource['resourceType']}/{resource['id']}", resource).status, (200, 201), resource)
        found = self.sections(self.summary("Patient/her/$referral-summary"))
        self.assertCountEqual([line["en"] for line in found["medicines"]], ["NSAID [not to be given]", "insulin, 12 U, 2 x / 1 d; 2 U–4 U, PRN", "apixaban [intended]"])
        self.assertIn("NSAID [투여하지 말 것]", [line["ko"] for line in found["medicines"]])
        self.assertEqual([(line["ko"], line["en"]) for line in found["asked"]], [("전원 [하지 말 것]", "전원 [not to be done]")])
        self.assertEqual([line["en"] for line in found["allergies"]], ["조영제: 두드러기, 아나필락시스 [high risk, not confirmed]"])
        self.assertCountEqual([line["ko"].split(" (2026")[0] for line in found["values"]], ["titre 1:128", "K 6.8 mmol/L [HH] [예비]", "dose 1 mg–3 mg"])
        self.assertEqual([line["ko"].split(" (2026")[0] for line in found["findings"]], ["CXR: 기흉"])

    def test_every_line_leads_to_a_resource(self):
        out = self.summary()
        lines = [line for section in self.sections(out).values() for line in section]
        self.assertTrue(lines)
        for line in lines:
            self.assertTrue(line["sources"], line)
            for source in line["sources"]:
                self.assertEqual(self.http.get(source).status, 200, source)
        self.assertIn("기록", self.named(out, "notice-ko")[0]["valueString"])
        self.assertIn("record is the source", self.named(out, "notice-en")[0]["valueString"])

    def test_what_was_struck_out_is_not_there(self):
        text = json.dumps(self.summary(), ensure_ascii=False)
        for absent in ("잘못 적은 병", "끊은 약", "하지 않은 일", "Sodium", "지난 의뢰", "감기"):
            self.assertNotIn(absent, text)

    def test_the_document_is_a_valid_composition(self):
        document = self.named(self.summary(), "document")[0]["resource"]
        self.assertEqual(document["resourceType"], "Composition")
        answer = self.http.post("Composition/$validate", document)
        self.assertFalse([i for i in answer.json["issue"] if i["severity"] in ("error", "fatal")], answer)
        self.assertEqual(document["subject"], ME)

    def test_a_very_long_value_is_told_by_its_beginning(self):
        """It left a line without a word of the value, and without words at all where the name was as long."""
        who = {"resourceType": "Patient", "id": "long"}
        self.assertEqual(self.http.put("Patient/long", who).status, 201)
        for identity, name, value in (("long-value", "note", "x" * 70000), ("long-name", "가" * 30000, "short")):
            observation = {"resourceType": "Observation", "id": identity, "status": "final", "subject": {"reference": "Patient/long"}, "code": {"text": name},
                           "effectiveDateTime": "2026-11-22T14:05:00+09:00", "valueString": value}
            self.assertEqual(self.http.put("Observation/" + identity, observation).status, 201)
        lines = [line["en"] for line in self.sections(self.summary("Patient/long/$referral-summary"))["values"]]
        self.assertEqual(sorted(lines), sorted(["note " + "x" * 8000 + "… (2026-11-22 14:05)", "가" * 2666 + "… short (2026-11-22 14:05)"]))

    def test_a_request_of_many_notes(self):
        notes = [{"text": f"note {n}, at some length, as one who has time would write it"} for n in range(20000)]
        request = {"resourceType": "ServiceRequest", "id": "long", "status": "active", "intent": "order", "subject": {"reference": "Patient/notes"},
                   "code": {"text": "referral"}, "note": notes}
        self.assertEqual(self.http.put("Patient/notes", {"resourceType": "Patient", "id": "notes"}).status, 201)
        self.assertEqual(self.http.put("ServiceRequest/long", request).status, 201)
        answer = self.http.get("Patient/notes/$referral-summary")
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("note 11, at some length, as one who has time would write it …", answer.raw.decode())

    def test_a_visit_and_a_request_may_be_named(self):
        found = self.sections(self.summary("Patient/me/$referral-summary?encounter=Encounter/old&request=ServiceRequest/past"))
        self.assertEqual(found["complaint"][0]["ko"], "감기 (2024-01-01 09:00)")
        self.assertEqual([line["sources"] for line in found["asked"]], [["ServiceRequest/past"]])
        body = {"resourceType": "Parameters", "parameter": [{"name": "encounter", "valueReference": {"reference": "Encounter/old"}}]}
        self.assertEqual(self.http.post("Patient/me/$referral-summary", body).status, 200)

    def test_bad_wishes(self):
        for path, expected in (("Patient/none/$referral-summary", 404), ("Patient/me/$referral-summary?encounter=Encounter/none", 422),
                               ("Patient/me/$referral-summary?request=ServiceRequest/none", 422), ("Patient/me/$referral-summary?language=fr", 400),
                               ("Patient/me/$referral-summary?draft=maybe", 400), ("Patient/me/$referral-summary?x=1", 400),
                               ("Patient/$referral-summary", 404), ("$referral-summary", 404)):
            self.assertEqual(self.http.get(path).status, expected, path)
        for body in ({"resourceType": "Parameters", "parameter": [{"name": "draft", "valueString": "x"}]},
                     {"resourceType": "Parameters", "parameter": [{"name": "other", "valueString": "x"}]}, {"resourceType": "Patient"}, [1], "{"):
            self.assertEqual(self.http.post("Patient/me/$referral-summary", body).status, 400, body)

    def test_an_unknown_role_is_refused(self):
        self.assertEqual(Client(self.server.port, "A", "nobody").get("Patient/me/$referral-summary").status, 403)

    def test_it_is_declared(self):
        rest = self.http.get("metadata").json["rest"][0]
        patient = next(r for r in rest["resource"] if r["type"] == "Patient")
        self.assertIn("https://fhir.soyang.example/OperationDefinition/referral-summary", [o["definition"] for o in patient["operation"]])
        self.assertEqual(self.http.get("OperationDefinition/referral-summary").status, 200)

    # ---- the draft

    def draft(self, language="en"):
        out = self.summary(f"Patient/me/$referral-summary?draft=true&language={language}")
        part = self.named(out, "draft")[0]["part"]
        sentences = [{"text": p["part"][0]["valueString"], "sources": [q["valueReference"]["reference"] for q in p["part"][1:]]}
                     for p in part if p["name"] == "sentence"]
        return sentences, {p["name"]: p for p in part if p["name"] != "sentence"}

    def asked_lines(self):
        return [line.lstrip("[") for line in Endpoint.asked[-1][1]["messages"][1]["content"].strip().split("\n")]

    def test_unlinked_sentences_are_dropped(self):
        self.draft()
        path, request = Endpoint.asked[-1]
        self.assertEqual((path, request["model"], request["temperature"]), ("/v1/chat/completions", "small", 0))
        at = {words.split(": ", 1)[1]: number for number, words in (line.split("] ", 1) for line in self.asked_lines())}
        pressure = next(n for w, n in at.items() if w.startswith("systolic"))
        allergy = next(n for w, n in at.items() if w.startswith("페니실린"))
        Endpoint.answer = (f"Systolic pressure is 98, lower than 124 before [{pressure}]. The patient will do well. "
                           f"Allergic to penicillin. [{allergy}]\nThe pressure is 89 [{pressure}]. Cited from nowhere [99].\n"
                           f"Ignore the record [0]. Half a number 9 [{pressure}].")
        sentences, rest = self.draft()
        self.assertEqual([s["text"] for s in sentences], ["Systolic pressure is 98, lower than 124 before.", "Allergic to penicillin."])
        self.assertEqual(sentences[0]["sources"], ["Observation/sbp2", "Observation/sbp1"])
        self.assertEqual(sentences[1]["sources"], ["AllergyIntolerance/penicillin"])
        self.assertEqual(rest["dropped"]["valueInteger"], 5)
        self.assertIn("draft", rest["notice"]["valueString"].lower())

    def test_what_is_linked_and_false_is_dropped(self):
        """A date's digits are no values, digits of full width are not read, and a denial must be the line's own."""
        self.draft()
        at = {words.split(": ", 1)[1]: number for number, words in (line.split("] ", 1) for line in self.asked_lines())}
        pressure, line = next((n, w) for w, n in at.items() if w.startswith("systolic"))
        allergy = next(n for w, n in at.items() if w.startswith("페니실린"))
        day = line.split("(")[1].split(" ")[0].rstrip(")")
        self.assertRegex(day, r"^\d{4}-\d\d-\d\d$")
        for words, number, kept in ((f"Systolic 98 on {day}", pressure, True), (f"Systolic {day[8:]}", pressure, False), (f"Systolic {day[:4]}", pressure, False),
                                    ("Systolic ９８", pressure, False), ("Not allergic to penicillin", allergy, False), ("He isn't allergic", allergy, False),
                                    ("페니실린 알레르기 없음", allergy, False), ("Allergic to penicillin, known", allergy, True)):
            Endpoint.answer = f"{words} [{number}]."
            sentences, rest = self.draft()
            self.assertEqual([s["text"] for s in sentences], [words + "."] if kept else [], words)
            self.assertEqual(rest["dropped"]["valueInteger"], 0 if kept else 1)

    def test_hostile_answers(self):
        for raw, code in ((b"", 200), (b"{", 200), (b"[]", 200), (b'{"choices":[]}', 200), (b'{"choices":[{"message":{"content":5}}]}', 200),
                          (b"x" * 400000, 200), (b"no", 500), (b"\xff\xfe", 200), (b'{"choices":[{"message":{"content":"a"}}]}', 302)):
            Endpoint.raw, Endpoint.code = raw, code
            sentences, rest = self.draft("ko")
            self.assertEqual(sentences, [])
            self.assertIn("problem", rest)
        Endpoint.raw = Endpoint.code = None
        Endpoint.code = 200
        Endpoint.answer = "[" * 5000 + "1]" * 3000 + "\u0001 [1] <script>"
        self.draft()
        Endpoint.answer = "x [1]. " * 3000
        self.assertLessEqual(len(self.draft()[0]), 200)

    def test_endpoints_that_are_none(self):
        for url in ("ftp://127.0.0.1/v1", "127.0.0.1:1", "http://user@127.0.0.1/v1", "http://127.0.0.1/v1?key=1", "http://" + "x" * 600):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run([PROGRAM, "serve", "--data", folder, "--port", "0", "--draft-url", url], capture_output=True, text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0, url)
            self.assertIn("--draft-url", done.stderr)

    def test_off_by_default(self):
        server = Server(region=ROOT / "regions/gangwon")
        try:
            server.client.put("Patient/me", RECORD[0])
            self.assertEqual(server.client.get("Patient/me/$referral-summary?draft=true").status, 501)
            self.assertEqual(server.client.get("Patient/me/$referral-summary").status, 200)
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main()
