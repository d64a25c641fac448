"""Terminology over real HTTP: the operations at type and instance level by GET and POST, in batches, in the capability
statement and the audit; uploads and what becomes of them; the search modifiers that need to know what codes mean."""
import unittest
from urllib.parse import quote

from soyang_server import ServerCase

GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
ACT_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActClass"
FRUIT = "http://example.org/CodeSystem/fruit"
CONDITIONS = "http://example.org/CodeSystem/conditions"


def parameters(**values):
    entries = []
    for name, value in values.items():
        kind = ("Boolean" if isinstance(value, bool) else "Coding" if isinstance(value, dict) and "code" in value
                else "CodeableConcept" if isinstance(value, dict) and "coding" in value else "String")
        if isinstance(value, dict) and "resourceType" in value:
            entries.append({"name": name, "resource": value})
        else:
            entries.append({"name": name, "value" + kind: value})
    return {"resourceType": "Parameters", "parameter": entries}


def named(answer, name):
    for entry in answer.json["parameter"]:
        if entry["name"] == name:
            return next(value for key, value in entry.items() if key.startswith("value"))
    return None


class Terminology(ServerCase):
    def put(self, resource):
        answer = self.http.put(resource["resourceType"] + "/" + resource["id"], resource)
        self.assertIn(answer.status, (200, 201), answer)

    def codes(self, path, expected, body=None):
        answer = self.http.post(path, body) if body else self.http.get(path)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual([entry["code"] for entry in answer.json["expansion"].get("contains", [])], expected)
        return answer.json

    def found(self, query, expected):
        answer = self.http.get(query)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(sorted(entry["resource"]["id"] for entry in answer.json.get("entry", [])), sorted(expected), query)

    # ---- operations ----

    def test_expand(self):
        everything = ["male", "female", "other", "unknown"]
        self.codes("ValueSet/$expand?url=" + GENDERS, everything)
        self.codes("ValueSet/administrative-gender/$expand", everything)
        self.codes("ValueSet/$expand", everything, parameters(url=GENDERS))
        self.codes("ValueSet/administrative-gender/$expand", ["male"], parameters(filter="ma"))
        page = self.codes("ValueSet/$expand?url=" + GENDERS + "&offset=1&count=2", ["female", "other"])
        self.assertEqual(page["expansion"]["total"], 4)
        self.codes("ValueSet/$expand", ["other"], {"resourceType": "ValueSet", "status": "draft", "compose": {
            "include": [{"system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": "other"}]}]}})

    def test_what_is_not_known_is_said(self):
        for path, says in (("ValueSet/$expand?url=http://example.org/none", "http://example.org/none"),
                           ("ValueSet/$expand?url=" + quote("http://snomed.info/sct?fhir_vs"), "http://snomed.info/sct"),
                           ("CodeSystem/$lookup?system=http://loinc.org&code=8867-4", "http://loinc.org"),
                           ("ValueSet/nothing/$expand", "value set")):
            answer = self.http.get(path)
            self.assertEqual(answer.status, 404, answer)
            self.assertEqual(answer.json["issue"][0]["code"], "not-found")
            self.assertIn(says, answer.diagnostics)

    def test_bad_calls(self):
        self.assertEqual(self.http.get("ValueSet/$expand").status, 400)
        self.assertEqual(self.http.get("ValueSet/$expand?url=" + GENDERS + "&count=many").status, 400)
        self.assertEqual(self.http.get("ValueSet/$expand?url=" + GENDERS + "&wibble=1").status, 400)
        self.assertEqual(self.http.get("Patient/$expand?url=" + GENDERS).status, 404)
        self.assertEqual(self.http.get("$expand?url=" + GENDERS).status, 404)
        self.assertEqual(self.http.post("ValueSet/$expand", "{").status, 400)
        self.assertEqual(self.http.send("PUT", "ValueSet/$expand", {}).status, 405)

    def test_validate_code(self):
        right = self.http.get("ValueSet/$validate-code?url=" + GENDERS + "&code=male&system=http://hl7.org/fhir/administrative-gender")
        self.assertEqual((named(right, "result"), named(right, "display")), (True, "Male"))
        wrong = self.http.get("ValueSet/administrative-gender/$validate-code?code=m")
        self.assertEqual(named(wrong, "result"), False)
        self.assertIn("administrative-gender", named(wrong, "message"))
        concept = {"coding": [{"system": "http://x", "code": "?"}, {"system": "http://hl7.org/fhir/administrative-gender", "code": "other"}]}
        self.assertEqual(named(self.http.post("ValueSet/$validate-code", parameters(url=GENDERS, codeableConcept=concept)), "result"), True)
        self.assertEqual(named(self.http.get("CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mm%5BHg%5D"), "result"), True)
        self.assertEqual(named(self.http.get("CodeSystem/administrative-gender/$validate-code?code=other"), "result"), True)

    def test_lookup_and_subsumes(self):
        answer = self.http.get("CodeSystem/$lookup?system=" + ACT_CLASS + "&code=CLUSTER")
        self.assertEqual(named(answer, "display"), "Cluster")
        answer = self.http.post("CodeSystem/$lookup", parameters(coding={"system": ACT_CLASS, "code": "ACT"}))
        self.assertEqual(named(answer, "display"), "act")
        outcome = self.http.get("CodeSystem/$subsumes?system=" + ACT_CLASS + "&codeA=ACT&codeB=CLUSTER")
        self.assertEqual(named(outcome, "outcome"), "subsumes")
        outcome = self.http.post("CodeSystem/v3-ActClass/$subsumes", parameters(
            codingA={"system": ACT_CLASS, "code": "CLUSTER"}, codingB={"system": ACT_CLASS, "code": "ACT"}))
        self.assertEqual(named(outcome, "outcome"), "subsumed-by")

    def test_translate(self):
        answer = self.http.get("ConceptMap/101/$translate?system=http://hl7.org/fhir/address-use&code=home")
        self.assertEqual(named(answer, "result"), True)
        match = next(entry for entry in answer.json["parameter"] if entry["name"] == "match")
        self.assertIn({"name": "equivalence", "valueCode": "equivalent"}, match["part"])
        answer = self.http.post("ConceptMap/$translate", parameters(
            url="http://hl7.org/fhir/ConceptMap/101", coding={"system": "http://hl7.org/fhir/address-use", "code": "home"}))
        self.assertEqual(named(answer, "result"), True)

    def test_head_xml_and_batch(self):
        self.assertEqual(self.http.send("HEAD", "ValueSet/administrative-gender/$expand").status, 200)
        xml = self.http.get("ValueSet/administrative-gender/$expand?_format=xml")
        self.assertEqual(xml.status, 200)
        self.assertIn(b'<code value="female"/>', xml.raw)
        batch = {"resourceType": "Bundle", "type": "batch", "entry": [
            {"request": {"method": "GET", "url": "ValueSet/administrative-gender/$expand"}},
            {"request": {"method": "GET", "url": "CodeSystem/$lookup?system=http://loinc.org&code=1"}}]}
        answer = self.http.post("", batch)
        self.assertEqual(answer.status, 200, answer)
        statuses = [entry["response"]["status"][:3] for entry in answer.json["entry"]]
        self.assertEqual(statuses, ["200", "404"], answer)

    def test_capabilities(self):
        resources = {r["type"]: r for r in self.http.get("metadata").json["rest"][0]["resource"]}
        self.assertEqual({o["name"] for o in resources["ValueSet"]["operation"]} >= {"expand", "validate-code"}, True)
        self.assertEqual({o["name"] for o in resources["CodeSystem"]["operation"]} >= {"lookup", "subsumes", "validate-code"}, True)
        self.assertIn("translate", {o["name"] for o in resources["ConceptMap"]["operation"]})

    def test_member_of(self):
        for gender, expected in (("female", True), ("fox", False)):
            answer = self.http.post("$fhirpath", parameters(
                expression="Patient.gender.memberOf('" + GENDERS + "')", resource={"resourceType": "Patient", "gender": gender}))
            self.assertEqual(answer.status, 200, answer)
            result = next(entry for entry in answer.json["parameter"] if entry["name"] == "result")
            self.assertEqual([part["valueBoolean"] for part in result["part"] if "valueBoolean" in part], [expected], answer)

    # ---- uploads ----

    def test_uploads_change(self):
        system = {"resourceType": "CodeSystem", "id": "fruit", "url": FRUIT, "version": "1", "status": "active",
                  "content": "complete", "concept": [{"code": "apple", "display": "Apple", "designation": [{"language": "ko", "value": "사과"}]}]}
        value_set = {"resourceType": "ValueSet", "id": "fruit", "url": "http://example.org/ValueSet/fruit", "status": "active",
                     "compose": {"include": [{"system": FRUIT}]}}
        path = "ValueSet/$expand?url=http://example.org/ValueSet/fruit"
        self.assertEqual(self.http.get(path).status, 404)
        self.put(value_set)
        self.assertEqual(self.http.get(path).status, 404)
        self.put(system)
        self.codes(path, ["apple"])
        self.put({**system, "concept": system["concept"] + [{"code": "pear"}]})
        self.codes(path, ["apple", "pear"])
        self.codes(path + "&displayLanguage=ko&filter=" + quote("사과"), ["apple"])
        self.http.delete("CodeSystem/fruit")
        self.assertEqual(self.http.get(path).status, 404)
        self.put(system)
        self.codes(path, ["apple"])

    def test_uploads_outlive_a_restart(self):
        self.put({"resourceType": "CodeSystem", "id": "kept", "url": "http://example.org/kept", "status": "active",
                  "content": "complete", "concept": [{"code": "k"}]})
        self.server.stop()
        self.server.start()
        type(self).http = self.server.client
        self.codes("ValueSet/$expand?url=" + quote("http://example.org/kept?fhir_vs"), ["k"])

    # ---- search ----

    def test_a_large_system(self):
        """More concepts than another resource may have index rows."""
        system = "http://example.org/CodeSystem/large"
        large = {"resourceType": "CodeSystem", "id": "large", "url": system, "status": "active", "content": "complete",
                 "concept": [{"code": f"c{i}"} for i in range(60000)]}
        self.assertEqual(self.http.put("CodeSystem/large", large).status, 201)
        self.assertEqual(self.http.get(f"CodeSystem/$lookup?system={system}&code=c59999").status, 200)
        self.assertEqual(self.http.get("CodeSystem?code=c59999&_summary=count").json["total"], 1)
        self.assertEqual(self.http.get(f"ValueSet/$expand?url={system}%3Ffhir_vs&filter=c59999").json["expansion"]["total"], 1)
        answer = self.http.get(f"ValueSet/$expand?url={system}%3Ffhir_vs")
        self.assertEqual((answer.status, answer.json["issue"][0]["code"]), (403, "too-costly"), answer)
        many = {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": str(i)} for i in range(60000)]}
        self.assertEqual(self.http.post("Patient", many).status, 403)
        self.assertEqual(self.http.delete("CodeSystem/large").status, 204)

    def test_search_modifiers(self):
        self.put({"resourceType": "CodeSystem", "id": "conditions", "url": CONDITIONS, "status": "active", "content": "complete",
                  "concept": [{"code": "heart", "concept": [{"code": "mi", "concept": [{"code": "stemi"}]}, {"code": "failure"}]},
                              {"code": "brain", "concept": [{"code": "stroke"}]}]})
        self.put({"resourceType": "ValueSet", "id": "urgent", "url": "http://example.org/ValueSet/urgent", "status": "active",
                  "compose": {"include": [{"system": CONDITIONS, "filter": [{"property": "concept", "op": "is-a", "value": "mi"}]},
                                          {"system": CONDITIONS, "concept": [{"code": "stroke"}]}]}})
        self.put({"resourceType": "ValueSet", "id": "anysct", "url": "http://example.org/ValueSet/anysct", "status": "active",
                  "compose": {"include": [{"system": "http://snomed.info/sct"}]}})
        self.put({"resourceType": "Patient", "id": "p", "gender": "female"})
        self.put({"resourceType": "Patient", "id": "q"})
        codings = {"c1": (CONDITIONS, "stemi"), "c2": (CONDITIONS, "failure"), "c3": (CONDITIONS, "stroke"),
                   "c4": ("http://snomed.info/sct", "22298006"), "c5": (CONDITIONS, "heart")}
        for name, (system, code) in codings.items():
            self.put({"resourceType": "Condition", "id": name, "subject": {"reference": "Patient/p" if name == "c1" else "Patient/q"},
                      "code": {"coding": [{"system": system, "code": code}]}})
        urgent = "http://example.org/ValueSet/urgent"
        self.found("Condition?code:in=" + urgent, ["c1", "c3"])
        self.found("Condition?code:in=ValueSet/urgent", ["c1", "c3"])
        self.found("Condition?code:not-in=" + urgent, ["c2", "c4", "c5"])
        self.found("Condition?code:in=http://example.org/ValueSet/anysct", ["c4"])
        self.found("Condition?code:in=" + urgent + ",http://example.org/ValueSet/anysct", ["c1", "c3", "c4"])
        self.found("Condition?code:below=" + CONDITIONS + "%7Cheart", ["c1", "c2", "c5"])
        self.found("Condition?code:below=" + CONDITIONS + "%7Cmi", ["c1"])
        self.found("Condition?code:above=" + CONDITIONS + "%7Cstemi", ["c1", "c5"])
        self.found("Condition?code:above=" + CONDITIONS + "%7Cfailure", ["c2", "c5"])
        self.found("Patient?_has:Condition:patient:code:in=" + urgent + "&_id=p", ["p"])
        self.found("Condition?subject:Patient.gender:in=" + GENDERS, ["c1"])
        self.found("Patient?gender:in=" + GENDERS, ["p"])
        self.found("Patient?gender:not-in=" + GENDERS + "&_id=p,q", ["q"])
        for query in ("Condition?code:in=http://example.org/none", "Condition?code:below=heart", "Condition?code:below=http://snomed.info/sct%7C1",
                      "Condition?code:below=" + CONDITIONS + "%7Cnone", "Condition?_id:in=" + GENDERS):
            self.assertIn(self.http.get(query).status, (400, 501), query)
        self.http.delete("ValueSet/anysct")
        self.assertEqual(self.http.get("Condition?code:in=http://example.org/ValueSet/anysct").status, 400)

    def test_conditions_that_need_codes(self):
        """A condition is decided inside the unit of work, also where the value set came in the unit before it."""
        resource = {"resourceType": "Basic", "code": {"coding": [{"system": "http://example.org/kinds", "code": "k1"}]}}
        self.put({"resourceType": "CodeSystem", "id": "kinds", "url": "http://example.org/kinds", "status": "active",
                  "content": "complete", "concept": [{"code": "k1"}]})
        condition = "code:in=" + quote("http://example.org/kinds?fhir_vs", safe=":/")
        made = self.http.post("Basic", resource, {"If-None-Exist": condition})
        self.assertEqual(made.status, 201, made)
        again = self.http.post("Basic", resource, {"If-None-Exist": condition})
        self.assertEqual((again.status, again.json["id"]), (200, made.json["id"]), again)
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": {**resource, "id": "x"}, "request": {"method": "POST", "url": "Basic", "ifNoneExist": condition}},
            {"resource": {"resourceType": "CodeSystem", "id": "kinds2", "url": "http://example.org/kinds2", "status": "active",
                          "content": "complete"}, "request": {"method": "PUT", "url": "CodeSystem/kinds2"}}]}
        for _ in range(3):
            answer = self.http.post("", bundle)
            self.assertEqual(answer.status, 200, answer)
            self.assertTrue(answer.json["entry"][0]["response"]["status"].startswith("200"), answer)


if __name__ == "__main__":
    unittest.main()
