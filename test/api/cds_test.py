"""CDS Hooks 2.0 over real HTTP: discovery, cards with and without prefetch, suggestions that the record takes, feedback, refusals."""
import copy
import json
import unittest
import uuid

from soyang_server import ROOT, Client, Server

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
NEED = "https://fhir.soyang.example/CodeSystem/severe-condition"
KEYS = ("patient", "encounters", "observations", "conditions", "medications", "prescriptions", "allergies", "reports")
EVIL = "<script>alert(1)</script> **[가슴 통증](http://evil.example)** 식은땀"


def vital(identity, who, loinc, value, unit):
    return {"resourceType": "Observation", "id": identity, "status": "final", "subject": {"reference": "Patient/" + who},
            "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]}, "effectiveDateTime": "2026-11-22T14:05:00+09:00",
            "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}


def record(who, complaint="30분 전부터 쥐어짜는 가슴 통증, 식은땀", state="in-progress"):
    me = {"reference": "Patient/" + who}
    return {
        "patient": {"resourceType": "Patient", "id": who, "gender": "male", "birthDate": "1961-02-03"},
        "encounters": [{"resourceType": "Encounter", "id": who + "-visit", "status": state, "class": {"code": "EMER"}, "subject": me,
                        "period": {"start": "2026-11-22T13:50:00+09:00"}, "reasonCode": [{"text": complaint}]}],
        "observations": [vital(who + "-sbp", who, "8480-6", 104, "mm[Hg]"), vital(who + "-hr", who, "8867-4", 96, "/min"),
                         vital(who + "-rr", who, "9279-1", 18, "/min"), vital(who + "-sat", who, "59408-5", 97, "%")],
        "conditions": [], "medications": [], "prescriptions": [], "allergies": [],
        "reports": [{"resourceType": "DiagnosticReport", "id": who + "-ecg", "status": "final", "subject": me, "code": {"text": "ECG"},
                     "effectiveDateTime": "2026-11-22T14:06:00+09:00", "conclusion": "ST분절 상승 II, III, aVF"}],
    }


def prefetched(record):
    return {key: value if key == "patient" else {"resourceType": "Bundle", "type": "searchset", "total": len(value),
                                                 **({"entry": [{"resource": r, "search": {"mode": "match"}} for r in value]} if value else {})}
            for key, value in record.items()}


class Cds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(region=ROOT / "regions/gangwon", options=["--cors-origin", "https://ehr.example.org"])
        cls.http = cls.server.client
        for who, state in (("here", "in-progress"), ("gone", "finished")):
            for value in record(who, state=state).values():
                for resource in value if isinstance(value, list) else [value]:
                    assert cls.http.put(f"{resource['resourceType']}/{resource['id']}", resource).status in (200, 201)
        cls.http.put("Patient/empty", {"resourceType": "Patient", "id": "empty"})

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def send(self, path, body, method="POST", **headers):
        return self.http.send(method, "/cds-services" + path, body, {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}},
                              raw_path=True)

    def request(self, hook, who="here", prefetch=None, **context):
        return {"hook": hook, "hookInstance": str(uuid.uuid4()), "fhirServer": "http://127.0.0.1:1/never-called",
                "context": {"userId": "Practitioner/example", "patientId": who, **context}, **({"prefetch": prefetch} if prefetch is not None else {})}

    def cards(self, hook="patient-view", body=None, expected=200, **headers):
        answer = self.send("/soyang-" + hook, body or self.request(hook), **headers)
        self.assertEqual(answer.status, expected, answer)
        return answer.json.get("cards") if expected == 200 else answer

    def check_card(self, card):
        self.assertRegex(card["uuid"], UUID)
        self.assertLess(len(card["summary"]), 140)
        self.assertIn(card["indicator"], ("info", "warning", "critical"))
        self.assertTrue(card["source"]["label"])
        self.assertTrue(card["overrideReasons"] and all(r["code"] and r["system"] and r["display"] for r in card["overrideReasons"]))
        for link in card["links"]:
            self.assertEqual(link["type"], "absolute")
            page, _, patient = link["url"].partition("#/intake")
            self.assertEqual(page, f"http://127.0.0.1:{self.server.port}/")
            if patient:  # the page reads whom the link names
                self.assertEqual(self.http.get("Patient" + patient).status, 200, link)
        for suggestion in card.get("suggestions", []):
            self.assertRegex(suggestion["uuid"], UUID)
            self.assertIn(card["selectionBehavior"], ("any", "at-most-one"))
            for action in suggestion["actions"]:
                self.assertIn(action["type"], ("create", "update"))
                self.assertTrue(action["description"])

    # ---- discovery

    def test_discovery(self):
        answer = self.http.send("GET", "/cds-services", raw_path=True)
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.headers["Content-Type"].startswith("application/json"))
        services = answer.json["services"]
        self.assertEqual({s["hook"] for s in services}, {"patient-view", "encounter-start", "order-sign"})
        for service in services:
            self.assertTrue(service["id"] and service["title"] and service["description"] and service["usageRequirements"])
            self.assertEqual(set(service["prefetch"]), set(KEYS))
            for template in service["prefetch"].values():
                query = template.replace("{{context.patientId}}", "here")
                self.assertEqual(self.http.get(query).status, 200, query)

    # ---- cards

    def test_from_our_own_record(self):
        for hook, context in (("patient-view", {}), ("encounter-start", {"encounterId": "here-visit"}), ("patient-view", {"encounterId": "Encounter/here-visit"})):
            card, = self.cards(hook, self.request(hook, **context))
            self.check_card(card)
            self.assertIn("심근경색", card["summary"])
            self.assertIn("가슴 통증", card["detail"])
            self.assertEqual(card["indicator"], "warning")

    def test_language(self):
        card, = self.cards(Accept_Language="en-GB, ko;q=0.5")
        self.assertTrue(card["summary"].startswith("Level 2: Myocardial infarction"), card["summary"])

    def test_prefetch_is_honoured(self):
        body = self.request("patient-view", "stranger", prefetched(record("stranger")))
        card, = self.cards(body=body)
        self.assertIn("심근경색", card["summary"])
        mild = prefetched(record("here", complaint="콧물, 가슴 통증 없음"))
        mild["reports"] = {"resourceType": "Bundle", "type": "searchset"}
        self.assertEqual(self.cards(body=self.request("patient-view", "here", mild)), [], "the prefetch counts, not the record")

    def test_the_visit_is_the_one_that_began_last(self):
        """An appointment is no visit yet, whatever it is called in time; and times are compared, not their letters."""
        for change, other in (({}, {"status": "planned", "period": {"start": "2026-12-20T09:00:00+09:00"}}),
                              ({"period": {"start": "2026-11-22T04:50:00Z"}}, {"period": {"start": "2026-11-22T05:00:00+09:00"}})):
            taken = record("stranger")
            here = taken["encounters"][0]
            here.update(change)
            for resource in taken["observations"] + taken["reports"]:
                resource["encounter"] = {"reference": "Encounter/" + here["id"]}
            for encounters in ([here, {**here, "id": "other", "reasonCode": [{"text": "check-up"}], **other}],
                               [{**here, "id": "other", "reasonCode": [{"text": "check-up"}], **other}, here]):
                cards = self.cards(body=self.request("patient-view", "stranger", prefetched({**taken, "encounters": encounters})))
                self.assertEqual(len(cards), 1, other)
                self.assertIn("심근경색", cards[0]["summary"])

    def test_an_open_visit_without_its_id_is_refused(self):
        taken = record("stranger")
        del taken["encounters"][0]["id"]
        self.assertIn("without its id", self.cards(body=self.request("patient-view", "stranger", prefetched(taken)), expected=422).raw.decode())

    def test_a_link_leads_to_whom_the_page_knows(self):
        for who, end in (("here", "#/intake/here"), ("stranger", "#/intake")):
            card, = self.cards(body=self.request("patient-view", who, prefetched(record(who))))
            self.check_card(card)
            self.assertTrue(card["links"][0]["url"].endswith("/" + end), card["links"])

    def test_what_made_the_level_stands_first(self):
        """A raise by the trained reader is told before the advice, once, with what it is not calibrated for."""
        given = prefetched(record("raised", complaint="chest pain since 30 min, cold sweat, dyspnea, palpitation, headache, vomiting, abdominal pain, dizziness"))
        given["encounters"]["entry"][0]["resource"]["priority"] = {"coding": [{"system": "https://fhir.soyang.example/CodeSystem/triage-level", "code": "3"}]}
        del given["reports"]["entry"]
        card, = self.cards(body=self.request("patient-view", "raised", given), Accept_Language="en")
        self.check_card(card)
        self.assertIn("more urgent than the given 3", card["summary"])
        lines = card["detail"].split("\n")
        decides = [n for n, line in enumerate(lines) if line.startswith("- Trained reader: level 2 is advised")]
        advice = [n for n, line in enumerate(lines) if "Severe pain" in line or line.startswith("- Chest pain")]
        self.assertTrue(decides and advice and decides[0] < advice[0], lines)
        self.assertEqual(sum("not calibrated for this site" in line for line in lines), 1, lines)
        self.assertFalse([line for line in lines if line.count("“chest pain”") > 1], "a quote that the sentence holds is not told twice")

    def test_what_is_needed_is_told_beside_many_rules(self):
        given = prefetched(record("hit", complaint="교통사고, 의식 저하, 두부 손상, 복통, 호흡곤란"))
        del given["reports"]["entry"]
        sign = lambda code, value: {**vital("hit-" + code, "hit", code, value, "1"), "valueQuantity": {"value": value}}
        given["observations"]["entry"] = [{"resource": sign(*row)} for row in (("8480-6", 78), ("8867-4", 138), ("9279-1", 34), ("59408-5", 84), ("9269-2", 7))]
        card, = self.cards(body=self.request("patient-view", "hit", given), Accept_Language="en")
        self.check_card(card)
        self.assertEqual(card["indicator"], "critical")
        self.assertIn("Major trauma", card["summary"])
        self.assertIn("depart on notification", card["detail"], "a listed extreme is told, however many rules hold")

    def test_a_medicine_by_reference(self):
        """Warfarin behind a reference counts, from the own record and from what was included in the prefetch."""
        given = record("fall", complaint="fell, hit his head, headache")
        given["reports"] = []
        given["medications"] = [{"resourceType": "MedicationStatement", "id": "fall-m", "status": "active", "subject": {"reference": "Patient/fall"},
                                 "medicationReference": {"reference": "Medication/fall-w"}}]
        warfarin = {"resourceType": "Medication", "id": "fall-w", "code": {"text": "warfarin"}}
        summary = lambda body: "".join(card["summary"] for card in self.cards(body=body, Accept_Language="en"))
        self.assertNotIn("ntracranial", summary(self.request("patient-view", "fall", prefetched(given))))
        included = prefetched(given)
        included["medications"]["entry"].append({"resource": warfarin, "search": {"mode": "include"}})
        told = summary(self.request("patient-view", "fall", included))
        for value in given.values():
            for resource in value if isinstance(value, list) else [value]:
                self.assertIn(self.http.put(f"{resource['resourceType']}/{resource['id']}", resource).status, (200, 201))
        self.assertEqual(self.http.put("Medication/fall-w", warfarin).status, 201)
        self.assertEqual(summary(self.request("patient-view", "fall")), told)
        self.assertIn("haemorrhage", told.lower())

    def test_missing_keys_are_read_here_or_refused(self):
        partial = prefetched(record("here"))
        del partial["observations"], partial["encounters"]
        partial["allergies"] = None
        partial["conditions"] = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
        self.assertEqual(len(self.cards(body=self.request("patient-view", "here", partial))), 1)
        stranger = prefetched(record("stranger"))
        del stranger["observations"]
        for body, path in ((self.request("patient-view", "stranger", stranger), "prefetch.observations"), (self.request("patient-view", "nobody"), "prefetch.patient"),
                           (self.request("encounter-start", "here", encounterId="other"), "context.encounterId")):
            self.assertIn(path, self.cards(body["hook"], body, 412).diagnostics)

    def test_nothing_to_say(self):
        self.assertEqual(self.cards(body=self.request("patient-view", "gone")), [], "a finished visit is not today's")
        self.assertEqual(self.cards(body=self.request("patient-view", "empty")), [])
        bare = prefetched(record("bare"))
        for key in ("observations", "reports"):
            bare[key] = {"resourceType": "Bundle", "type": "searchset"}
        del bare["encounters"]["entry"][0]["resource"]["reasonCode"]
        self.assertEqual(self.cards(body=self.request("patient-view", "bare", bare)), [])

    def test_the_suggestion_creates_the_referral(self):
        card, = self.cards("encounter-start", self.request("encounter-start", encounterId="here-visit"))
        action = card["suggestions"][0]["actions"][0]
        self.assertEqual(action["type"], "create")
        request = action["resource"]
        self.assertEqual((request["resourceType"], request["status"], request["priority"]), ("ServiceRequest", "draft", "asap"))
        self.assertEqual(request["subject"], {"reference": "Patient/here"})
        self.assertEqual(request["encounter"], {"reference": "Encounter/here-visit"})
        self.assertEqual(request["reasonCode"][0]["coding"][0], {"system": NEED, "code": "Y0010", "display": "Myocardial infarction: reperfusion"})
        self.assertEqual(self.http.post("ServiceRequest", request).status, 201)

    def test_text_of_the_record_is_no_markup(self):
        card, = self.cards(body=self.request("patient-view", "x", prefetched(record("x", complaint=EVIL + "\n# 제목 " + "가" * 500))))
        self.check_card(card)
        for raw in ("<script", "**[", "](http", "\n# "):
            self.assertNotIn(raw, card["detail"])

    # ---- order-sign

    def order(self, **change):
        return {"resourceType": "ServiceRequest", "id": "draft-1", "status": "draft", "intent": "order", "priority": "routine", "code": {"text": "진료 의뢰"},
                "subject": {"reference": "Patient/here"}, "note": [{"text": "그대로"}], **change}

    def sign(self, *orders):
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": o} for o in orders]}
        cards = self.cards("order-sign", self.request("order-sign", draftOrders=bundle))
        for card in cards:
            self.check_card(card)
        return cards

    def test_a_referral_without_its_need(self):
        card, = self.sign(self.order())
        action = card["suggestions"][0]["actions"][0]
        self.assertEqual(action["type"], "update")
        better = action["resource"]
        self.assertEqual((better["id"], better["priority"], better["note"]), ("draft-1", "asap", [{"text": "그대로"}]))
        self.assertEqual(better["reasonCode"][0]["coding"][0]["code"], "Y0010")
        self.assertEqual(self.sign(better), [], "what the card wanted is enough")

    def test_orders_that_are_no_referrals(self):
        lab = self.order(code={"text": "혈액 검사"})
        other = self.order(subject={"reference": "Patient/other"})
        drug = {"resourceType": "MedicationRequest", "status": "draft", "intent": "order", "subject": {"reference": "Patient/here"},
                "medicationCodeableConcept": {"text": "아스피린"}}
        self.assertEqual(self.sign(lab, drug), [])
        for orders, path in (([lab, other], "context.draftOrders.entry[1].resource.subject"),
                             ([self.order()] * 21, "context.draftOrders")):
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": o} for o in orders]}
            answer = self.send("/soyang-order-sign", self.request("order-sign", draftOrders=bundle))
            self.assertIn(answer.status, (400, 413, 422, 403), answer)
            self.assertIn(path, answer.diagnostics)
        self.assertEqual(len(self.sign(self.order(subject={"reference": "https://ehr.example.org/fhir/Patient/here"}))), 1)
        snomed = {"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}
        self.assertEqual(len(self.sign(self.order(code={"text": "x"}, category=[snomed]))), 1)
        self.assertEqual(len(self.sign(self.order(code={"coding": [{"system": "https://ehr.example.org", "code": "7", "display": "Patient transfer"}]}))), 1)
        self.assertEqual(len(self.sign(self.order(code={"text": "x"}, category=[{"coding": [{"display": "Referral"}]}]))), 1)

    def test_a_place_that_cannot(self):
        places = [e["resource"] for e in self.http.get("HealthcareService?_count=200").json["entry"]]
        without = next(s for s in places if "providedBy" in s and not any(c.get("code") == "Y0010" for t in s.get("type", []) for c in t.get("coding", [])))
        reason = [{"coding": [{"system": NEED, "code": "Y0010"}]}]
        for performer in (without["providedBy"], {"reference": "HealthcareService/" + without["id"]}):
            cards = self.sign(self.order(priority="stat", reasonCode=reason, performer=[performer]))
            self.assertEqual([c["indicator"] for c in cards], ["critical"])

    def test_every_place_is_named(self):
        """Who reads English gets a Korean name where the region knows no other, not none."""
        reason = [{"coding": [{"system": NEED, "code": "Y0010"}]}]
        for entry in self.http.get("HealthcareService?_count=200").json["entry"]:
            service = entry["resource"]
            if "providedBy" not in service or any(c.get("code") == "Y0010" for t in service.get("type", []) for c in t.get("coding", [])):
                continue
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": self.order(priority="stat", reasonCode=reason, performer=[service["providedBy"]])}]}
            for card in self.cards("order-sign", self.request("order-sign", draftOrders=bundle), Accept_Language="en"):
                self.assertRegex(card["summary"], r"^[^:]+: not there by the region's data: Myocardial", service["id"])

    # ---- feedback

    def feedback(self, *items, service="soyang-patient-view", expected=200, client=None):
        answer = (client or self.http).send("POST", f"/cds-services/{service}/feedback", {"feedback": list(items)}, {"Content-Type": "application/json"}, raw_path=True)
        self.assertEqual(answer.status, expected, answer)
        return answer

    def test_feedback_is_kept(self):
        card, = self.cards()
        nurse = Client(self.server.port, "gw-post-1429", "primary-care", who="Practitioner/nurse-1")
        reason = card["overrideReasons"][1]
        self.feedback({"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-22T05:10:00Z",
                       "overrideReason": {"reason": {"code": reason["code"], "system": reason["system"]}, "userComment": "보호자가 원치 않음"}}, client=nurse)
        kept = self.http.get("Communication/cds-" + card["uuid"]).json
        self.assertEqual(kept["category"][0]["coding"][0]["code"], "overridden")
        self.assertEqual(kept["reasonCode"][0]["coding"][0]["code"], reason["code"])
        self.assertEqual(kept["payload"], [{"contentString": "보호자가 원치 않음"}])
        self.assertEqual(kept["sender"], {"reference": "Practitioner/nurse-1"})
        accepted = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}],
                    "outcomeTimestamp": "2026-11-22T05:11:00Z"}
        self.feedback(accepted)
        self.feedback(accepted)
        kept = self.http.get("Communication/cds-" + card["uuid"]).json
        self.assertEqual(kept["category"][0]["coding"][0]["code"], "accepted")
        self.assertEqual(kept["identifier"][1]["value"], card["suggestions"][0]["uuid"])
        found = self.http.get("Communication?category=https://fhir.soyang.example/CodeSystem/cds-feedback|accepted&identifier=" + card["uuid"]).json
        self.assertEqual(found["total"], 1)

    def test_a_server_and_a_token_that_are_none(self):
        token = {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.read", "subject": "soyang"}
        for change, path in (({"fhirServer": 5}, "fhirServer"), ({"fhirServer": "ehr"}, "fhirServer"), ({"fhirAuthorization": "x"}, "fhirAuthorization"),
                             ({"fhirAuthorization": token, "fhirServer": None}, "fhirAuthorization"),
                             *(({"fhirAuthorization": {**token, member: value}}, "fhirAuthorization." + member)
                               for member, value in (("access_token", ""), ("token_type", "basic"), ("expires_in", "300"), ("scope", None), ("subject", 5)))):
            with self.subTest(path):
                self.assertIn(path, self.cards(body={**self.request("patient-view"), **change}, expected=400).diagnostics)
        self.assertEqual(len(self.cards(body={**self.request("patient-view"), "fhirAuthorization": token})), 1)

    def test_bad_feedback(self):
        good = {"card": str(uuid.uuid4()), "outcome": "overridden", "outcomeTimestamp": "2026-11-22T05:10:00Z"}
        for change in ({"card": "x"}, {"card": None}, {"outcome": "maybe"}, {"outcome": "accepted"}, {"outcomeTimestamp": "today"}, {"overrideReason": 5},
                       {"overrideReason": {"reason": {"code": "x"}}}, {"acceptedSuggestions": [{"id": "../x"}]}, {"acceptedSuggestions": "x"},
                       {"overrideReason": {"userComment": "x" * 5000}}, {"overrideReason": {"userComment": 5}}):
            self.feedback({**good, **change}, expected=400)
        self.feedback(expected=400)
        self.feedback(*[good] * 101, expected=400)
        self.feedback(good, service="none", expected=404)
        self.feedback(good, {**good, "card": "x"}, expected=400)
        self.assertIn(self.http.get("Communication/cds-" + good["card"]).status, (404, 410), "half a list is not kept")
        self.http.put("Communication/cds-" + good["card"], {"resourceType": "Communication", "id": "cds-" + good["card"], "status": "completed"})
        self.feedback(good, expected=409)

    # ---- refusals

    def test_paths_and_methods(self):
        for method, path, expected in (("POST", "/none", 404), ("GET", "/soyang-patient-view", 405), ("POST", "", 405), ("PUT", "/soyang-patient-view", 405),
                                       ("POST", "/soyang-patient-view/other", 404), ("POST", "/soyang-patient-view/feedback/x", 404)):
            self.assertEqual(self.send(path, self.request("patient-view"), method).status, expected, (method, path))
        self.assertEqual(self.send("/soyang-patient-view", self.request("patient-view"), Content_Type="text/plain").status, 415)
        self.assertEqual(Client(self.server.port, "x", "stranger").send("POST", "/cds-services/soyang-patient-view", self.request("patient-view"),
                                                                     {"Content-Type": "application/json"}, raw_path=True).status, 403)

    def test_requests_that_are_none(self):
        good = self.request("patient-view")
        for path, value in ((("hook",), None), (("hook",), "order-sign"), (("hookInstance",), "1"), (("hookInstance",), None), (("context",), None), (("context",), []),
                            (("context", "userId"), None), (("context", "patientId"), None), (("context", "patientId"), "a b"), (("context", "patientId"), "x" * 65),
                            (("context", "patientId"), {"a": 1}), (("context", "encounterId"), 7), (("prefetch",), "x"), (("prefetch",), {"patient": 5}),
                            (("prefetch",), {"patient": {"resourceType": "Nonsense"}}), (("prefetch",), {"patient": {"resourceType": "Patient", "id": "here", "gender": 5}}),
                            (("prefetch",), {"observations": {"resourceType": "Patient", "id": "here"}})):
            body = copy.deepcopy(good)
            at = body
            for name in path[:-1]:
                at = at[name]
            at[path[-1]] = value
            answer = self.send("/soyang-patient-view", body)
            self.assertEqual(answer.status, 400, (path, value, answer))
            self.assertEqual(answer.json["resourceType"], "OperationOutcome")
            self.assertIn(path[0], answer.diagnostics)
        for raw in ("", "{", "[]", "null", '{"hook":"patient-view","hook":"patient-view"}', "[" * 2000):
            self.assertEqual(self.send("/soyang-patient-view", raw).status, 400, raw[:20])
        self.assertEqual(self.send("/soyang-encounter-start", self.request("encounter-start")).status, 400)
        for orders in (None, {}, {"resourceType": "Patient"}, {"resourceType": "Bundle"}):
            self.assertEqual(self.send("/soyang-order-sign", self.request("order-sign", draftOrders=orders)).status, 400, orders)

    def test_another_patients_data(self):
        for key, change in (("observations", {"subject": {"reference": "Patient/else"}}), ("observations", {"subject": {"reference": "Patient/not-here"}}),
                            ("patient", {"id": "else"})):
            given = prefetched(record("here"))
            (given[key] if key == "patient" else given[key]["entry"][0]["resource"]).update(change)
            self.assertIn("prefetch." + key, self.cards(body=self.request("patient-view", "here", given), expected=400).diagnostics)
        given = prefetched(record("here"))
        given["observations"]["entry"][0]["resource"]["subject"]["reference"] = "https://ehr.example.org/fhir/Patient/here"
        self.assertEqual(len(self.cards(body=self.request("patient-view", "here", given))), 1)

    def test_impossible_values(self):
        given = prefetched(record("here"))
        given["observations"]["entry"][0]["resource"]["valueQuantity"]["value"] = -2
        answer = self.cards(body=self.request("patient-view", "here", given), expected=422)
        self.assertIn("Observation/here-sbp", answer.diagnostics)

    def test_pages_of_other_origins(self):
        asked = self.send("/soyang-patient-view", None, "OPTIONS", Origin="https://ehr.example.org", Access_Control_Request_Method="POST",
                          Access_Control_Request_Headers="authorization, content-type")
        self.assertEqual(asked.status, 204)
        self.assertIn("Authorization", asked.headers["Access-Control-Allow-Headers"])
        answer = self.send("/soyang-patient-view", self.request("patient-view"), Origin="https://ehr.example.org")
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (200, "https://ehr.example.org"))
        self.assertEqual(self.send("/soyang-patient-view", self.request("patient-view"), Origin="https://evil.example").status, 403)


if __name__ == "__main__":
    unittest.main()
