"""FHIR operations and the finer points of interactions, over real HTTP."""
import bz2
import json
import unittest
import urllib.parse

from soyang_server import SHARED, Server, ServerCase

SYNTHEA = SHARED / "data/fhir/synthea"
PATH_OF = "http://fhir.forms-lab.com/StructureDefinition/resource-path"
JSON_OF = "http://fhir.forms-lab.com/StructureDefinition/json-value"


def relative(client, url):
    """The path below the base, as the client sends it."""
    return url.split("/fhir/", 1)[1]


def parameters(**values):
    listed = [{"name": k.strip("_"), **v} for k, v in values.items()]
    return {"resourceType": "Parameters", **({"parameter": listed} if listed else {})}


class OneServer(ServerCase):
    def put(self, resource, **headers):
        answer = self.http.put(resource["resourceType"] + "/" + resource["id"], resource, headers=headers)
        self.assertIn(answer.status, (200, 201), answer)
        return answer

    def ids(self, answer, mode=None):
        self.assertEqual(answer.status, 200, answer)
        return sorted(e["resource"]["resourceType"] + "/" + e["resource"]["id"] for e in answer.json.get("entry", [])
                      if mode is None or e["search"]["mode"] == mode)


class Everything(OneServer):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        me = {"reference": "Patient/me"}
        for resource in (
                {"resourceType": "Organization", "id": "post", "name": "보건지소"},
                {"resourceType": "Practitioner", "id": "nurse"},
                {"resourceType": "Patient", "id": "me", "managingOrganization": {"reference": "Organization/post"}},
                {"resourceType": "Patient", "id": "you"},
                {"resourceType": "Encounter", "id": "visit", "status": "finished", "class": {"code": "AMB"}, "subject": me,
                 "period": {"start": "2020-03-01", "end": "2020-03-02"},
                 "participant": [{"individual": {"reference": "Practitioner/nurse"}}]},
                {"resourceType": "Observation", "id": "old", "status": "final", "code": {"text": "x"}, "subject": me,
                 "effectiveDateTime": "2019-01-01", "encounter": {"reference": "Encounter/visit"}},
                {"resourceType": "Observation", "id": "new", "status": "final", "code": {"text": "x"}, "subject": me,
                 "effectiveDateTime": "2021-01-01", "performer": [{"reference": "Practitioner/nurse"}, {"reference": "Patient/you"}]},
                {"resourceType": "Observation", "id": "other", "status": "final", "code": {"text": "x"},
                 "subject": {"reference": "Patient/you"}}):
            answer = cls.http.put(resource["resourceType"] + "/" + resource["id"], resource)
            assert answer.status == 201, answer

    def test_all(self):
        answer = self.http.get("Patient/me/$everything")
        self.assertEqual(self.ids(answer, "match"), ["Encounter/visit", "Observation/new", "Observation/old", "Patient/me"])
        self.assertEqual(self.ids(answer, "include"), ["Organization/post", "Practitioner/nurse"])
        self.assertEqual((answer.json["type"], answer.json["total"]), ("searchset", 4))
        by_post = self.http.post("Patient/me/$everything", parameters())
        self.assertEqual(self.ids(by_post), self.ids(answer))
        self.assertEqual(self.ids(self.http.send("POST", "Patient/me/$everything", None)), self.ids(answer))

    def test_of_an_encounter(self):
        answer = self.http.get("Encounter/visit/$everything")
        self.assertEqual(self.ids(answer, "match"), ["Encounter/visit", "Observation/old"])
        self.assertEqual(self.ids(answer, "include"), ["Patient/me", "Practitioner/nurse"])

    def test_types(self):
        self.assertEqual(self.ids(self.http.get("Patient/me/$everything?_type=Observation")), ["Observation/new", "Observation/old"])
        self.assertEqual(self.ids(self.http.get("Patient/me/$everything?_type=Encounter,Practitioner")), ["Encounter/visit", "Practitioner/nurse"])
        self.assertEqual(self.http.get("Patient/me/$everything?_type=Unicorn").status, 400)

    def test_since(self):
        since = self.http.get("Observation/new").json["meta"]["lastUpdated"]
        self.assertEqual(self.ids(self.http.get("Patient/me/$everything?_since=" + urllib.parse.quote(since))), ["Observation/new"])

    def test_care_dates(self):
        self.assertEqual(self.ids(self.http.get("Patient/me/$everything?start=2020-03-02"), "match"), ["Encounter/visit", "Observation/new", "Patient/me"])
        self.assertEqual(self.ids(self.http.get("Patient/me/$everything?end=2020-02"), "match"), ["Observation/old", "Patient/me"])

    def test_pages(self):
        seen, path, pages = [], "Patient/me/$everything?_count=1", 0
        while path:
            answer = self.http.get(path)
            self.assertEqual(len(self.ids(answer, "match")), 1)
            seen += self.ids(answer, "match")
            links = {link["relation"]: link["url"] for link in answer.json["link"]}
            path = relative(self.http, links["next"]) if "next" in links else None
            pages += 1
        self.assertEqual((pages, sorted(seen)), (4, ["Encounter/visit", "Observation/new", "Observation/old", "Patient/me"]))

    def test_cursors_are_signed(self):
        links = {link["relation"]: link["url"] for link in self.http.get("Patient/me/$everything?_count=1").json["link"]}
        path = relative(self.http, links["next"])
        self.assertEqual(self.http.get(path.replace("Patient/me", "Patient/you")).status, 400)
        self.assertEqual(self.http.get(path[:-9] + ("A" if path[-9] != "A" else "B") + path[-8:]).status, 400)

    def test_absent_deleted_unknown(self):
        self.put({"resourceType": "Patient", "id": "gone"})
        self.http.delete("Patient/gone")
        self.assertEqual(self.http.get("Patient/gone/$everything").status, 410)
        self.assertEqual(self.http.get("Patient/never/$everything").status, 404)
        self.assertEqual(self.http.get("Observation/new/$everything").status, 404)
        self.assertEqual(self.http.get("Patient/me/$everything?speed=fast").status, 400)
        self.assertEqual(self.http.get("Patient/me/$everything?speed=fast", Prefer="handling=lenient").status, 200)
        self.assertEqual(self.http.get("Patient/me/$nothing").status, 404)

    def test_compartment_of_any_type(self):
        self.assertEqual(self.ids(self.http.get("Patient/me/*")), ["Encounter/visit", "Observation/new", "Observation/old", "Patient/me"])


class LastN(OneServer):
    def test_lastn(self):
        def observe(id, day, *codes, patient="a"):
            self.put({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/" + patient},
                      "effectiveDateTime": f"2026-01-{day:02}", "code": {"coding": [{"system": "urn:c", "code": c} for c in codes]}})
        observe("p1", 1, "pulse")
        observe("p3", 3, "pulse")
        observe("p2", 2, "pulse", "heart")
        observe("h4", 4, "heart")
        observe("t1", 1, "temperature")
        observe("t9", 9, "temperature", patient="b")
        last = lambda query: [e["resource"]["id"] for e in self.http.get("Observation/$lastn?" + query).json.get("entry", [])]
        self.assertEqual(last("patient=a"), ["h4", "p3", "t1"])
        self.assertEqual(last("patient=a&max=2"), ["h4", "p3", "p2", "t1"])
        self.assertEqual(sorted(last("subject=Patient/a&max=5")), ["h4", "p1", "p2", "p3", "t1"])
        self.assertEqual(last("patient=a&code=urn:c|temperature&max=3"), ["t1"])
        self.assertEqual(last("patient=nobody"), [])
        for wrong in ("patient=a&max=0", "patient=a&max=x", "patient=a&_sort=date", "patient=a&colour=red"):
            self.assertEqual(self.http.get("Observation/$lastn?" + wrong).status, 400, wrong)
        posted = self.http.post("Observation/$lastn", parameters(patient={"valueString": "a"}, max={"valuePositiveInt": 1}))
        self.assertEqual([e["resource"]["id"] for e in posted.json["entry"]], ["h4", "p3", "t1"])


class Meta(OneServer):
    TAG, OTHER = {"system": "urn:t", "code": "a", "display": "A"}, {"system": "urn:t", "code": "b"}

    def meta(self, answer):
        self.assertEqual(answer.status, 200, answer)
        (one,) = answer.json["parameter"]
        self.assertEqual(one["name"], "return")
        return one["valueMeta"]

    def test_add_and_delete(self):
        self.put({"resourceType": "Patient", "id": "m", "meta": {"tag": [self.TAG]}, "gender": "male"})
        change = parameters(meta={"valueMeta": {"tag": [self.OTHER, {"system": "urn:t", "code": "a"}],
                                                "security": [{"system": "urn:s", "code": "R"}], "profile": ["urn:p"]}})
        added = self.meta(self.http.post("Patient/m/$meta-add", change))
        self.assertEqual((added["tag"], added["profile"], added["versionId"]), ([self.TAG, self.OTHER], ["urn:p"], "2"))
        self.assertEqual(self.meta(self.http.post("Patient/m/$meta-add", change))["versionId"], "2")
        self.assertEqual(self.meta(self.http.get("Patient/m/$meta")), added)
        self.assertEqual(self.meta(self.http.get("Patient/m/_history/1/$meta"))["tag"], [self.TAG])
        self.assertEqual(self.ids(self.http.get("Patient?_tag=urn:t|b&_security=urn:s|R"))[0], "Patient/m")
        left = self.meta(self.http.post("Patient/m/$meta-delete", parameters(meta={"valueMeta": {"tag": [self.TAG], "profile": ["urn:p"]}})))
        self.assertEqual((left["tag"], left.get("profile"), left["versionId"]), ([self.OTHER], None, "3"))
        self.assertEqual(self.http.get("Patient/m").json["gender"], "male")
        self.assertEqual(self.ids(self.http.get("Patient?_tag=urn:t|a")), [])

    def test_of_types_and_system(self):
        self.put({"resourceType": "Group", "id": "g", "type": "person", "actual": True, "meta": {"tag": [{"system": "urn:of", "code": "g"}]}})
        self.put({"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "meta": {"tag": [{"system": "urn:of", "code": "b"}]}})
        self.assertEqual(self.meta(self.http.get("Group/$meta")), {"tag": [{"system": "urn:of", "code": "g"}]})
        codes = [t["code"] for t in self.meta(self.http.get("$meta"))["tag"]]
        self.assertIn("g", codes)
        self.assertIn("b", codes)

    def test_refusals(self):
        self.put({"resourceType": "Patient", "id": "r"})
        self.assertEqual(self.http.get("Patient/r/$meta-add").status, 405)
        self.assertEqual(self.http.post("Patient/r/$meta-add", parameters()).status, 400)
        self.assertEqual(self.http.post("Patient/absent/$meta-add", parameters(meta={"valueMeta": {"tag": [self.TAG]}})).status, 404)
        self.assertEqual(self.http.post("Patient/r/$meta-add", parameters(meta={"valueMeta": {"tag": "x"}})).status, 400)
        stale = self.http.post("Patient/r/$meta-add", parameters(meta={"valueMeta": {"tag": [self.TAG]}}), {"If-Match": 'W/"9"'})
        self.assertEqual(stale.status, 412)
        self.assertEqual(self.http.get("Patient/r").json["meta"]["versionId"], "1")


class Validate(OneServer):
    def judge(self, path, body):
        answer = self.http.post(path, body)
        self.assertEqual((answer.status, answer.json["resourceType"]), (200, "OperationOutcome"), answer)
        return answer.json["issue"]

    def errors(self, path, body):
        return [i["expression"][0] if "expression" in i else "" for i in self.judge(path, body) if i["severity"] in ("error", "fatal")]

    def test_structure(self):
        good = {"resourceType": "Patient", "gender": "male"}
        self.assertEqual(self.errors("Patient/$validate", good), [])
        self.assertEqual(self.errors("Patient/$validate", parameters(resource={"resource": good})), [])
        self.assertIn("Patient.birthDate", self.errors("Patient/$validate", {"resourceType": "Patient", "birthDate": "soon"}))
        self.assertIn("Observation.status", self.errors("Observation/$validate", {"resourceType": "Observation", "code": {"text": "x"}}))
        self.assertNotEqual(self.errors("Observation/$validate", good), [])
        self.assertNotEqual(self.errors("Patient/$validate", {"resourceType": "Unicorn"}), [])
        self.assertEqual(self.http.post("Patient/$validate", "{").status, 400)
        self.assertEqual(self.http.get("Patient?_summary=count").json["total"], 0)

    def test_modes(self):
        self.put({"resourceType": "Patient", "id": "v", "gender": "male"})
        body = {"resourceType": "Patient", "id": "w"}
        self.assertNotEqual(self.errors("Patient/v/$validate", parameters(mode={"valueCode": "update"}, resource={"resource": body})), [])
        self.assertEqual(self.errors("Patient/w/$validate", parameters(mode={"valueCode": "update"}, resource={"resource": body})), [])
        self.assertEqual(self.errors("Patient/$validate", parameters(mode={"valueCode": "create"}, resource={"resource": body})), [])
        self.assertEqual(self.errors("Patient/v/$validate", parameters(mode={"valueCode": "delete"})), [])
        self.assertEqual(self.http.get("Patient/v/$validate").status, 200)
        self.assertEqual(self.http.get("Patient/never/$validate").status, 404)
        self.assertEqual(self.http.post("Patient/$validate", parameters(mode={"valueCode": "wish"}, resource={"resource": body})).status, 400)
        self.http.delete("Patient/v")


class FhirPath(OneServer):
    PATIENT = {"resourceType": "Patient", "id": "example", "birthDate": "1974-12-25", "active": True,
               "name": [{"family": "Chalmers", "given": ["Peter", "James"]}, {"given": ["Jim"]}],
               "contact": [{"name": {"text": "x"}}]}

    def ask(self, expression, context=None, variables=None, resource=PATIENT):
        body = parameters(expression={"valueString": expression}, resource={"resource": resource})
        if context:
            body["parameter"].append({"name": "context", "valueString": context})
        if variables:
            body["parameter"].append({"name": "variables", "part": variables})
        answer = self.http.post("$fhirpath", body)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["id"], "fhirpath")
        first, *results = answer.json["parameter"]
        self.assertEqual(first["name"], "parameters")
        return {p["name"]: p for p in first["part"]}, results

    def test_values(self):
        told, (result,) = self.ask("birthDate | name.family | active | (1 + 1) | 1.50 | @2026-11-22 | name[0] | contact | 5 'mg'")
        self.assertIn("Soyang", told["evaluator"]["valueString"])
        self.assertEqual(told["resource"]["resource"], self.PATIENT)
        parts = {p["name"]: p for p in result["part"]}
        self.assertEqual(parts["string"]["valueString"], "Chalmers")
        self.assertEqual(parts["string"]["extension"], [{"url": PATH_OF, "valueString": "Patient.name[0].family"}])
        self.assertEqual(parts["integer"]["valueInteger"], 2)
        self.assertEqual(parts["decimal"]["valueDecimal"], 1.5)
        self.assertEqual(parts["boolean"]["valueBoolean"], True)
        self.assertEqual(parts["HumanName"]["valueHumanName"], self.PATIENT["name"][0])
        self.assertEqual(parts["Quantity"]["valueQuantity"]["value"], 5)
        self.assertEqual({p["valueDate"] for p in result["part"] if p["name"] == "date"}, {"1974-12-25", "2026-11-22"})
        backbone = {e["url"]: e["valueString"] for e in parts["Patient.contact"]["extension"]}
        self.assertEqual(json.loads(backbone[JSON_OF]), self.PATIENT["contact"][0])
        self.assertNotIn("valueString", result)

    def test_context_variables_trace(self):
        told, results = self.ask("given.trace('trc', length()).join(' ') | %who", "name", [{"name": "who", "valueString": "me"}])
        self.assertEqual([r["valueString"] for r in results], ["Patient.name[0]", "Patient.name[1]"])
        values = [[p["valueString"] for p in r["part"] if p["name"] == "string"] for r in results]
        self.assertEqual(values, [["Peter James", "me"], ["Jim", "me"]])
        traces = [[p for p in r["part"] if p["name"] == "trace"] for r in results]
        self.assertEqual([t[0]["valueString"] for t in traces], ["trc", "trc"])
        self.assertEqual([[p["valueInteger"] for p in t[0]["part"]] for t in traces], [[5, 5], [3]])
        self.assertEqual(told["context"]["valueString"], "name")
        self.assertEqual(told["variables"]["part"], [{"name": "who", "valueString": "me"}])

    def test_empty_and_wrong(self):
        self.assertEqual(self.ask("deceased")[1], [{"name": "result"}])
        self.assertEqual(self.ask("''")[1][0]["part"], [{"name": "empty-string"}])
        self.assertEqual(self.ask("Patient.name", "Patient.photo")[1], [])
        for body in (parameters(expression={"valueString": "name.where("}, resource={"resource": self.PATIENT}),
                     parameters(expression={"valueString": "name"}), parameters(resource={"resource": self.PATIENT})):
            answer = self.http.post("$fhirpath", body)
            self.assertEqual((answer.status, answer.json["resourceType"]), (400, "OperationOutcome"))
        text = {"name": "resource", "extension": [{"url": JSON_OF, "valueString": json.dumps(self.PATIENT)}]}
        answer = self.http.post("$fhirpath", {"resourceType": "Parameters", "parameter": [{"name": "expression", "valueString": "active"}, text]})
        self.assertEqual(answer.json["parameter"][1]["part"][0]["valueBoolean"], True)

    def test_costly(self):
        answer = self.http.post("$fhirpath", parameters(
            expression={"valueString": "repeat($this).select(descendants().descendants().descendants())" + ".select(%resource.descendants())" * 12},
            resource={"resource": self.PATIENT}))
        self.assertEqual(answer.status, 403, answer)


class Document(OneServer):
    def composition(self, **more):
        return {"resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "회송서"}, "date": "2026-11-22",
                "title": "t", "author": [{"reference": "Practitioner/d"}], "subject": {"reference": "Patient/p"},
                "section": [{"entry": [{"reference": "Observation/o"}]}], **more}

    def test_document(self):
        self.put({"resourceType": "Organization", "id": "org"})
        self.put({"resourceType": "Practitioner", "id": "d"})
        self.put({"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "Organization/org"}})
        self.put({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/p"}})
        self.put(self.composition())
        answer = self.http.get("Composition/c/$document")
        self.assertEqual(answer.status, 200, answer)
        bundle = answer.json
        self.assertEqual((bundle["type"], bundle["entry"][0]["resource"]["resourceType"]), ("document", "Composition"))
        self.assertEqual(sorted(e["resource"]["id"] for e in bundle["entry"]), ["c", "d", "o", "org", "p"])
        self.assertTrue(bundle["identifier"]["value"] and bundle["timestamp"] and all(e["fullUrl"] for e in bundle["entry"]))
        self.assertEqual(self.http.get("Bundle/" + bundle["id"]).status, 404)
        kept = self.http.post("Composition/c/$document", parameters(persist={"valueBoolean": True})).json
        self.assertEqual(self.http.get("Bundle/" + kept["id"]).json["entry"], kept["entry"])

    def test_what_is_missing(self):
        self.put(self.composition(id="broken", author=[{"reference": "Practitioner/nobody"}], section=[{"title": "x"}]))
        answer = self.http.get("Composition/broken/$document")
        self.assertEqual(answer.status, 422, answer)
        self.assertIn("author", answer.diagnostics)
        self.assertEqual(self.http.get("Composition/never/$document").status, 404)


class Interactions(OneServer):
    PATIENT = {"resourceType": "Patient", "gender": "male"}

    def bundle(self, kind, *entries, **headers):
        body = {"resourceType": "Bundle", "type": kind,
                "entry": [{"request": {"method": m, "url": u}, **({"resource": r} if r else {})} for m, u, r in entries]}
        answer = self.http.post("", body, {k.replace("_", "-"): v for k, v in headers.items()})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["entry"]

    def test_prefer_in_bundles(self):
        for kind in ("transaction", "batch"):
            entry = ("POST", "Patient", self.PATIENT)
            self.assertNotIn("resource", self.bundle(kind, entry)[0])
            self.assertNotIn("resource", self.bundle(kind, entry, Prefer="return=minimal")[0])
            whole = self.bundle(kind, entry, Prefer="return=representation")[0]
            self.assertEqual((whole["resource"]["gender"], whole["resource"]["meta"]["versionId"]), ("male", "1"))
            self.assertIn(whole["resource"]["id"], whole["response"]["location"])
            told = self.bundle(kind, entry, Prefer="return=OperationOutcome")[0]
            self.assertEqual(told["response"]["outcome"]["resourceType"], "OperationOutcome")

    def test_operations_in_bundles(self):
        self.put({**self.PATIENT, "id": "b"})
        one, two, three, four, five = self.bundle(
            "batch", ("GET", "Patient/b/$everything", None), ("POST", "Patient/b/$meta-add", parameters(meta={"valueMeta": {"tag": [{"code": "x"}]}})),
            ("GET", "Patient/b/$meta-add", None), ("GET", "Patient/b/$nothing", None),
            ("POST", "$fhirpath", parameters(expression={"valueString": "gender"}, resource={"resource": self.PATIENT})))
        self.assertEqual(one["resource"]["entry"][0]["resource"]["id"], "b")
        self.assertEqual(two["resource"]["parameter"][0]["valueMeta"]["tag"], [{"code": "x"}])
        self.assertEqual((three["response"]["status"][:3], four["response"]["status"][:3]), ("400", "404"))
        self.assertEqual(five["resource"]["parameter"][1]["part"][0]["valueCode"], "male")
        made, read = self.bundle("transaction", ("PUT", "Patient/fresh", {**self.PATIENT, "id": "fresh"}), ("GET", "Patient/fresh/$everything", None))
        self.assertEqual(read["resource"]["total"], 1)
        refused = self.http.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"request": {"method": "POST", "url": "Patient/b/$meta-add"}, "resource": parameters()}]})
        self.assertEqual(refused.status, 501, refused)

    def test_head(self):
        self.put({**self.PATIENT, "id": "h"})
        get, head = self.http.get("Patient/h"), self.http.send("HEAD", "Patient/h")
        self.assertEqual((head.status, head.raw, head.headers["ETag"]), (200, b"", get.headers["ETag"]))
        self.assertEqual(head.headers["Content-Length"], str(len(get.raw)))
        self.assertEqual(self.http.send("HEAD", "Patient/never").status, 404)
        self.assertEqual(self.http.send("HEAD", "Patient?gender=male").status, 200)
        self.assertEqual(self.http.send("HEAD", "Patient/h/$everything").status, 200)

    def test_modified_since(self):
        made = self.put({**self.PATIENT, "id": "since"})
        stamp = self.http.get("Patient/since").headers["Last-Modified"]
        self.assertEqual(self.http.get("Patient/since", If_Modified_Since=stamp).status, 304)
        self.assertEqual(self.http.get("Patient/since", If_Modified_Since="Sun, 06 Nov 1994 08:49:37 GMT").status, 200)
        self.assertEqual(self.http.get("Patient/since", If_Modified_Since=stamp, If_None_Match='W/"7"').status, 200)
        self.assertEqual(self.http.get("Patient/since/_history/1", If_Modified_Since=stamp).status, 304)
        self.assertEqual(made.status, 201)

    def test_gone_and_absent(self):
        self.put({**self.PATIENT, "id": "g"})
        self.http.delete("Patient/g")
        for path, status in (("Patient/g", 410), ("Patient/g/_history/1", 200), ("Patient/g/_history/2", 410), ("Patient/g/_history/3", 404),
                             ("Patient/g/_history", 200), ("Patient/never/_history", 404), ("Patient/g/$meta", 410), ("Patient/never/$meta", 404)):
            self.assertEqual(self.http.get(path).status, status, path)
        self.assertEqual(self.http.delete("Patient/g").status, 204)
        self.assertEqual(self.http.delete("Patient/never").status, 204)
        self.assertEqual(self.put({**self.PATIENT, "id": "g"}).status, 201)
        self.assertEqual(self.http.get("Patient/g").headers["ETag"], 'W/"3"')

    def test_conditional_delete(self):
        for value in ("one", "many", "many"):
            self.http.post("Patient", {**self.PATIENT, "identifier": [{"system": "urn:del", "value": value}]})
        self.assertEqual(self.http.delete("Patient?identifier=urn:del|one").status, 204)
        self.assertEqual(self.http.delete("Patient?identifier=urn:del|one").status, 204)
        self.assertEqual(self.http.delete("Patient?identifier=urn:del|many").status, 412)
        self.assertEqual(self.http.delete("Patient").status, 412)
        self.assertEqual(self.http.get("Patient?identifier=urn:del|many&_summary=count").json["total"], 2)

    def test_policies(self):
        server = Server(options=["--strict-references", "--delete-many"])
        try:
            http = server.client
            self.assertEqual(http.put("Patient/p", {**self.PATIENT, "id": "p"}).status, 201)
            for _ in range(3):
                self.assertEqual(http.post("Observation", {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                                                           "subject": {"reference": "Patient/p"}}).status, 201)
            self.assertEqual(http.delete("Patient/p").status, 409)
            self.assertEqual(http.delete("Patient?gender=male").status, 409)
            self.assertEqual(http.get("Patient/p").status, 200)
            self.assertEqual(http.delete("Observation").status, 412)
            self.assertEqual(http.delete("Observation?patient=p").status, 204)
            self.assertEqual(http.get("Observation?_summary=count").json["total"], 0)
            self.assertEqual(http.delete("Patient/p").status, 204)
            self.assertEqual(http.get("metadata").json["rest"][0]["resource"][0]["conditionalDelete"], "multiple")
        finally:
            server.close()

    def test_history_parts(self):
        self.put({**self.PATIENT, "id": "parts", "name": [{"family": "김"}], "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}})
        self.put({**self.PATIENT, "id": "parts", "birthDate": "1950"})
        for query, kept, dropped in (("_elements=birthDate", "birthDate", "gender"), ("_summary=true", "gender", "text"), ("_summary=data", "gender", "text")):
            entries = self.http.get("Patient/parts/_history?" + query).json["entry"]
            self.assertEqual(len(entries), 2)
            self.assertIn(kept, entries[0]["resource"], query)
            self.assertNotIn(dropped, entries[1]["resource"], query)
            self.assertEqual(entries[0]["resource"]["meta"]["tag"][-1]["code"], "SUBSETTED")
        self.assertNotIn("gender", self.http.get("Patient/parts/_history/1?_elements=name").json)
        count = self.http.get("Patient/parts/_history?_summary=count").json
        self.assertEqual((count["total"], count.get("entry")), (2, None))

    def test_history_pages_and_totals(self):
        for _ in range(5):
            self.put({**self.PATIENT, "id": "paged"})
        path, versions = "Patient/paged/_history?_count=2", []
        while path:
            page = self.http.get(path).json
            self.assertEqual(page["total"], 5)
            versions += [e["resource"]["meta"]["versionId"] for e in page["entry"]]
            links = {link["relation"]: link["url"] for link in page["link"]}
            path, before = relative(self.http, links["next"]) if "next" in links else None, path
        self.assertEqual(versions, ["5", "4", "3", "2", "1"])
        self.assertEqual(self.http.get(before.replace("paged", "parts")).status, 400)
        self.assertEqual(self.http.get(before.replace("_count=2", "_count=3")).status, 400)
        self.assertEqual(self.http.get(before.replace("Patient/paged/_history", "_history")).status, 400)
        self.assertEqual(self.http.get("Patient/paged/_history?_cursor=00").status, 400)
        stamps = [e["resource"]["meta"]["lastUpdated"] for e in self.http.get("Patient/paged/_history").json["entry"]][::-1]
        for stamp in stamps:  # what was current at some time in that millisecond
            at = self.http.get("Patient/paged/_history?_at=" + urllib.parse.quote(stamp)).json
            self.assertEqual(at["total"], len(at["entry"]))
            self.assertLessEqual({e["resource"]["meta"]["lastUpdated"] for e in at["entry"]}, {s for s in stamps if s <= stamp})
            first = self.http.get("Patient/paged/_history?_count=1&_at=" + urllib.parse.quote(stamp)).json
            self.assertEqual((first["total"], first["entry"]), (at["total"], at["entry"][:1]))
        self.assertEqual(self.http.get("Patient/paged/_history?_at=1999").json["total"], 0)
        self.assertEqual(self.http.get("Patient/paged/_history?_at=" + stamps[0][:4]).json["total"], 5)

    def test_capabilities_name_the_operations(self):
        rest = self.http.get("metadata").json["rest"][0]
        self.assertLessEqual({"fhirpath", "meta"}, {o["name"] for o in rest["operation"]})
        of = {r["type"]: {o["name"] for o in r.get("operation", [])} for r in rest["resource"]}
        self.assertIn("everything", of["Patient"])
        self.assertIn("lastn", of["Observation"])
        self.assertIn("document", of["Composition"])
        self.assertNotIn("lastn", of["Patient"])
        for type_, operations in of.items():
            self.assertLessEqual({"meta", "meta-add", "meta-delete", "validate"}, operations, type_)


@unittest.skipUnless(SYNTHEA.is_dir(), "skipped: no ../shared")
class SyntheaEverything(OneServer):
    def test_all_of_a_patient(self):
        for name in ("0-hospitalInformation*", "0-practitionerInformation*"):
            (file,) = SYNTHEA.glob(name)
            self.assertEqual(self.http.post("", bz2.decompress(file.read_bytes())).status, 200)
        file = min((f for f in SYNTHEA.glob("*-*-*-*-*.json.bz2")), key=lambda f: f.stat().st_size)
        sent = json.loads(bz2.decompress(file.read_bytes()))
        self.assertEqual(self.http.post("", sent).status, 200)
        (patient,) = self.ids(self.http.get("Patient"))
        expected = sorted(e["resource"]["resourceType"] for e in sent["entry"] if e["resource"]["resourceType"] not in ("Claim", "Medication"))
        got = self.http.get(patient + "/$everything")
        types = sorted(e["resource"]["resourceType"] for e in got.json["entry"] if e["search"]["mode"] == "match")
        self.assertEqual([t for t in types if t != "Claim"], expected)
        self.assertTrue({"Organization", "Practitioner"} <= {e["resource"]["resourceType"] for e in got.json["entry"] if e["search"]["mode"] == "include"})


if __name__ == "__main__":
    unittest.main()
