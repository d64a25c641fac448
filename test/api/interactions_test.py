"""The FHIR interactions over real HTTP."""
import json
import unittest

from soyang_server import ServerCase

PATIENT = {"resourceType": "Patient", "name": [{"family": "김", "given": ["소양"], "text": "김소양"}], "gender": "female", "birthDate": "1950-05-01"}


class Interactions(ServerCase):
    def create(self, resource=None):
        answer = self.http.post((resource or PATIENT)["resourceType"], resource or PATIENT)
        self.assertEqual(answer.status, 201, answer)
        return answer

    def test_create_read_update_delete(self):
        made = self.create()
        self.assertEqual(made.headers["ETag"], 'W/"1"')
        self.assertIn("/_history/1", made.headers["Location"])
        path = "Patient/" + made.json["id"]
        read = self.http.get(path)
        self.assertEqual(read.status, 200)
        self.assertEqual(read.json["meta"]["versionId"], "1")
        self.assertEqual(read.json["name"], PATIENT["name"])
        changed = self.http.put(path, {**read.json, "gender": "other"}, if_match='W/"1"')
        self.assertEqual((changed.status, changed.headers["ETag"]), (200, 'W/"2"'), changed)
        stale = self.http.put(path, {**read.json, "gender": "male"}, if_match='W/"1"')
        self.assertEqual(stale.status, 412, stale)
        self.assertEqual(self.http.get(path + "/_history/1").json["gender"], "female")
        self.assertIn(self.http.delete(path).status, (200, 204))
        self.assertEqual(self.http.get(path).status, 410)
        history = self.http.get(path + "/_history").json
        self.assertEqual([e["request"]["method"] for e in history["entry"]], ["DELETE", "PUT", "POST"])

    def test_absent_and_unknown(self):
        self.assertEqual(self.http.get("Patient/never-was").status, 404)
        self.assertEqual(self.http.get("Unicorn/1").status, 404)
        self.assertEqual(self.http.get("Patient/x/_history/7").status, 404)
        self.assertEqual(self.http.send("DELETE", "metadata").status in (404, 405), True)

    def test_update_as_create_and_mismatch(self):
        self.assertEqual(self.http.put("Patient/chosen-id", {**PATIENT, "id": "chosen-id"}).status, 201)
        self.assertEqual(self.http.put("Patient/other-id", {**PATIENT, "id": "chosen-id"}).status, 400)
        self.assertEqual(self.http.put("Patient/other-id", PATIENT).status, 400)
        self.assertEqual(self.http.post("Observation", PATIENT).status, 400)

    def test_conditional_create(self):
        body = {**PATIENT, "identifier": [{"system": "urn:test", "value": "once"}]}
        first = self.http.post("Patient", body, {"If-None-Exist": "identifier=urn:test|once"})
        again = self.http.post("Patient", body, {"If-None-Exist": "identifier=urn:test|once"})
        self.assertEqual((first.status, again.status), (201, 200))
        self.assertEqual(first.json["id"], again.json["id"])
        self.http.post("Patient", body)
        self.assertEqual(self.http.post("Patient", body, {"If-None-Exist": "identifier=urn:test|once"}).status, 412)

    def test_not_modified(self):
        made = self.create()
        self.assertEqual(self.http.get("Patient/" + made.json["id"], If_None_Match='W/"1"').status, 304)

    def test_prefer_minimal(self):
        answer = self.http.post("Patient", PATIENT, {"Prefer": "return=minimal"})
        self.assertEqual((answer.status, answer.raw), (201, b""))

    def test_transaction_rewrites_urn(self):
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111", "resource": PATIENT, "request": {"method": "POST", "url": "Patient"}},
            {"resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                          "subject": {"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"}},
             "request": {"method": "POST", "url": "Observation"}}]}
        answer = self.http.post("", bundle)
        self.assertEqual(answer.status, 200, answer)
        locations = [e["response"]["location"] for e in answer.json["entry"]]
        patient = "/".join(locations[0].split("/")[:2]) if not locations[0].startswith("http") else "/".join(locations[0].split("/")[4:6])
        observation = "/".join(locations[1].split("/")[:2]) if not locations[1].startswith("http") else "/".join(locations[1].split("/")[4:6])
        self.assertEqual(self.http.get(observation).json["subject"]["reference"], patient)
        found = self.http.get("Observation?subject=" + patient).json
        self.assertEqual(found["total"] if "total" in found else len(found["entry"]), 1)

    def test_transaction_conditions_that_overlap(self):
        def run(*entries):
            return self.http.post("", {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)})

        def entry(method, value, url=None):
            condition = "identifier=urn:twins|" + value
            resource = {"resourceType": "Patient", "identifier": [{"system": "urn:twins", "value": value}]}
            request = {"method": method, "url": "Patient" if method == "POST" else "Patient?" + condition, **({"ifNoneExist": condition} if method == "POST" else {})}
            return {**({} if method == "DELETE" else {"resource": resource}), **({"fullUrl": url} if url else {}), "request": request}

        def count(value):
            return self.http.get("Patient?_summary=count&identifier=urn:twins|" + value).json["total"]

        urls = ["urn:uuid:00000000-0000-4000-8000-00000000000%d" % i for i in range(2)]
        link = {"resource": {"resourceType": "Basic", "code": {"text": "x"}, "subject": {"reference": urls[1]}}, "request": {"method": "POST", "url": "Basic"}}
        done = run(entry("POST", "a", url=urls[0]), entry("POST", "a", url=urls[1]), link)  # one is made, and the other finds it
        responses = [e["response"] for e in done.json["entry"]]
        self.assertEqual([r["status"][:3] for r in responses], ["201", "200", "201"], done)
        self.assertEqual((responses[0]["location"], count("a")), (responses[1]["location"], 1))
        made = self.http.get(responses[2]["location"].split("/_history")[0]).json
        self.assertEqual(made["subject"]["reference"], responses[0]["location"].split("/_history")[0])
        for entries in ((entry("PUT", "b"), entry("PUT", "b")), (entry("POST", "b"), entry("PUT", "b"))):
            refused = run(*entries)
            self.assertEqual((refused.status, refused.json["issue"][0]["code"]), (400, "duplicate"), refused)
        self.assertEqual((count("a"), count("b")), (1, 0))
        before = responses[0]["location"].split("/_history")[0]
        for entries in ((entry("DELETE", "a"), entry("POST", "a"), entry("POST", "a")), (entry("POST", "a"), entry("DELETE", "a"))):
            done = run(*entries)  # what goes is not found, whatever the order
            made = [e["response"] for e in done.json["entry"] if "location" in e["response"] and e["response"]["status"][:3] != "204"]
            self.assertEqual(made[0]["status"][:3], "201", done)
            after = made[0]["location"].split("/_history")[0]
            self.assertEqual((count("a"), self.http.get(before).status, self.http.get(after).status), (1, 410, 200))
            before = after
        others = run(entry("POST", "c"), entry("POST", "d"), entry("PUT", "e"), entry("PUT", "f"))  # other conditions, other resources
        self.assertEqual([e["response"]["status"][:3] for e in others.json["entry"]], ["201"] * 4, others)
        self.assertEqual([count(value) for value in "cdef"], [1] * 4)
        self.assertEqual(run(entry("DELETE", "a"), entry("DELETE", "none")).status, 200)
        self.assertEqual(count("a"), 0)

    def test_transaction_is_whole(self):
        before = self.http.get("Patient?_summary=count").json["total"]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}},
            {"resource": {"resourceType": "Observation"}, "request": {"method": "POST", "url": "Observation"}}]}
        answer = self.http.post("", bundle)
        self.assertEqual(answer.status, 400, answer)
        self.assertIn("status", answer.diagnostics)
        self.assertEqual(self.http.get("Patient?_summary=count").json["total"], before)

    def test_unresolved_urn(self):
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                          "subject": {"reference": "urn:uuid:22222222-2222-4222-8222-222222222222"}},
             "request": {"method": "POST", "url": "Observation"}}]}
        self.assertEqual(self.http.post("", bundle).status, 400)

    def test_conditional_reference(self):
        entry = {"resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                              "subject": {"reference": "Patient?identifier=urn:test|nobody-has-it"}},
                 "request": {"method": "POST", "url": "Observation"}}
        answer = self.http.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
        self.assertEqual(answer.status, 412, answer)

    def test_batch_is_independent(self):
        answer = self.http.post("", {"resourceType": "Bundle", "type": "batch", "entry": [
            {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}},
            {"resource": {"resourceType": "Observation"}, "request": {"method": "POST", "url": "Observation"}},
            {"request": {"method": "GET", "url": "Patient/never-was"}}]})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual([e["response"]["status"][:3] for e in answer.json["entry"]], ["201", "400", "404"])

    def test_search_pages(self):
        tag = {"system": "urn:test", "code": "paged"}
        for number in range(7):
            self.create({**PATIENT, "meta": {"tag": [tag]}, "birthDate": f"1950-05-0{number + 1}"})
        seen, url = [], "Patient?_tag=urn:test|paged&_sort=-birthdate&_count=3"
        while url:
            page = self.http.get(url).json
            seen += [e["resource"]["birthDate"] for e in page["entry"]]
            url = next((l["url"].split("/fhir/")[1] for l in page["link"] if l["relation"] == "next"), None)
        self.assertEqual(seen, [f"1950-05-0{n}" for n in range(7, 0, -1)])

    def test_search_post_and_unknown_parameter(self):
        answer = self.http.send("POST", "Patient/_search", "gender=female&_count=1", {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual(answer.status, 200, answer)
        strict = self.http.get("Patient?favourite-colour=blue")
        self.assertEqual(strict.status, 400)
        self.assertIn("favourite-colour", strict.diagnostics)
        self.assertEqual(self.http.get("Patient?favourite-colour=blue&_count=1", Prefer="handling=lenient").status, 200)
        forged = self.http.get("Patient?_cursor=AAAA")
        self.assertIn(forged.status, (400, 410), forged)

    def test_number_text_and_order_survive(self):
        text = ('{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00,"unit":"kg"},'
                '"note":[{"text":"\\u00e9 \\ud55c"}]}')
        made = self.http.post("Observation", text)
        self.assertEqual(made.status, 201, made)
        raw = self.http.get("Observation/" + made.json["id"]).raw.decode()
        self.assertIn('"valueQuantity":{"value":1.00,"unit":"kg"}', raw)
        names = list(json.loads(raw))
        self.assertLess(names.index("status"), names.index("code"))
        self.assertLess(names.index("code"), names.index("valueQuantity"))

    def test_capability_statement(self):
        statement = self.http.get("metadata").json
        self.assertEqual((statement["resourceType"], statement["fhirVersion"]), ("CapabilityStatement", "4.0.1"))
        rest = statement["rest"][0]
        types = {r["type"]: r for r in rest["resource"]}
        self.assertEqual(len(types), 146)
        self.assertIn("birthdate", {p["name"] for p in types["Patient"]["searchParam"]})
        self.assertEqual({o["name"] for o in rest["operation"]} >= {"triage", "rank-places", "send"}, True)

    def test_compartment(self):
        patient = self.create().json["id"]
        self.create({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/" + patient}})
        self.assertEqual(len(self.http.get(f"Patient/{patient}/Observation").json["entry"]), 1)


if __name__ == "__main__":
    unittest.main()
