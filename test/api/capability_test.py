"""The capability statement is a promise: every claim in it is called."""
import json
import re
import unittest

from soyang_server import SHARED, Server

EXAMPLES = SHARED / "data/fhir/examples"
PATIENT = {"resourceType": "Patient", "active": True}
NOT_SERVED = {404, 405, 415, 501}
OF_TYPE = {"read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"}
OF_SYSTEM = {"transaction", "batch", "history-system", "search-system"}
VALUES = {"number": "1", "date": "2020-01-01", "string": "a", "token": "a", "reference": "a", "quantity": "1", "uri": "urn:x", "composite": None, "special": None}
SPECIAL = {"near": "37|127|1|km", "_text": "a", "_content": "a", "_list": "a", "_filter": "_id eq a", "_has": None, "_query": None}
JSON_PATCH = [{"op": "add", "path": "/language", "value": "ko"}]
FHIRPATH_PATCH = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
    {"name": "type", "valueCode": "add"}, {"name": "path", "valueString": "Patient"}, {"name": "name", "valueString": "gender"},
    {"name": "value", "valueCode": "female"}]}]}
FHIRPATH_PATCH_XML = ('<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="delete"/></part>'
                      '<part><name value="path"/><valueString value="Patient.gender"/></part></parameter></Parameters>')


def examples():
    found = {}
    for file in sorted(EXAMPLES.glob("*.json")) if EXAMPLES.is_dir() else []:
        resource = json.loads(file.read_text())
        found.setdefault(resource["resourceType"], resource)
    return found


class Statement(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.http = cls.server.client
        cls.statement = cls.http.get("metadata").json
        cls.rest = cls.statement["rest"][0]
        cls.types = {r["type"]: r for r in cls.rest["resource"]}
        cls.examples = examples()

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def batch(self, urls):
        urls = list(urls)
        if not urls:
            return []
        entries = [{"request": {"method": "GET", "url": url}} for url in urls]
        answer = self.http.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries})
        self.assertEqual(answer.status, 200, answer)
        return zip(urls, answer.json["entry"])

    def all_found(self, urls):
        for url, entry in self.batch(urls):
            self.assertEqual(entry["response"]["status"][:3], "200", (url, entry["response"]))

    def test_formats(self):
        self.assertLessEqual({"json", "xml", "application/fhir+json", "application/fhir+xml"}, set(self.statement["format"]))
        for name in self.statement["format"]:
            given = self.http.get("Patient?_format=" + name.replace("+", "%2B"))
            self.assertEqual(given.status, 200, name)
            self.assertIn(given.headers["Content-Type"].split(";")[0], ("application/fhir+json", "application/fhir+xml"))
            if "/" in name:
                self.assertEqual(self.http.send("GET", "Patient", headers={"Accept": name}).headers["Content-Type"], given.headers["Content-Type"])
                body = '<Patient xmlns="http://hl7.org/fhir"/>' if "xml" in name else '{"resourceType": "Patient"}'
                self.assertEqual(self.http.send("POST", "Patient", body, {"Content-Type": name}).status, 201, name)

    def test_patch_formats(self):
        bodies = {"application/json-patch+json": json.dumps(JSON_PATCH), "application/fhir+json": json.dumps(FHIRPATH_PATCH), "application/fhir+xml": FHIRPATH_PATCH_XML}
        self.assertEqual(set(self.statement["patchFormat"]), set(bodies))
        path = "Patient/" + self.http.post("Patient", PATIENT).json["id"]
        for number, name in enumerate(self.statement["patchFormat"]):
            answer = self.http.send("PATCH", path, bodies[name], {"Content-Type": name})
            self.assertEqual((answer.status, answer.json["meta"]["versionId"]), (200, str(number + 2)), name)

    def test_all_types_claim_the_same_interactions(self):
        self.assertEqual(len(self.types), 146)
        for name, claim in self.types.items():
            self.assertEqual({i["code"] for i in claim["interaction"]}, OF_TYPE, name)
        self.assertEqual({i["code"] for i in self.rest["interaction"]}, OF_SYSTEM)

    def test_interactions_of_types(self):
        lived = 0
        for name in self.types:
            answer = self.http.post(name, self.examples.get(name, {"resourceType": name}))
            if answer.status == 400:  # it needs elements, and says which; some published examples are not valid either
                self.assertRegex(answer.diagnostics, rf"\b{name}\.\w+")
                self.absent(name)
                continue
            self.assertEqual(answer.status, 201, (name, answer))
            self.lives(name, answer.json)
            lived += 1
        self.assertGreaterEqual(lived, 60 if self.examples else 20)

    def absent(self, name):
        for method, path, body in (("GET", f"{name}/x", None), ("GET", f"{name}/x/_history/1", None), ("GET", f"{name}/x/_history", None),
                                   ("PATCH", f"{name}/x", json.dumps(JSON_PATCH))):
            answer = self.http.send(method, path, body, {"Content-Type": "application/json-patch+json"} if body else {})
            self.assertEqual((answer.status, answer.json["issue"][0]["code"]), (404, "not-found"), (method, path))
            self.assertNotIn("nothing at this path", answer.diagnostics)
        self.assertEqual((self.http.delete(f"{name}/x").status, self.http.get(f"{name}/_history").status, self.http.get(name).status), (204, 200, 200))

    def lives(self, name, made):
        path = f"{name}/{made['id']}"
        accept = {"Accept": "application/fhir+json"}
        self.assertEqual(self.http.send("GET", path, headers=accept).status, 200)
        self.assertEqual(self.http.send("GET", path + "/_history/1", headers=accept).json["id"], made["id"])
        self.assertEqual(self.http.put(path, made).status, 200, path)
        patched = self.http.send("PATCH", path, json.dumps(JSON_PATCH), {"Content-Type": "application/json-patch+json"})
        self.assertEqual((patched.status, patched.json["language"]), (200, "ko"), path)
        for kind, least in ((path + "/_history", 3), (f"{name}/_history", 3), (f"{name}?_id={made['id']}", 1)):
            answer = self.http.get(kind)
            self.assertGreaterEqual(answer.json["total"], least, kind)
        self.assertEqual((self.http.delete(path).status, self.http.get(path).status), (204, 410))

    def test_interactions_of_the_system(self):
        for kind in ("batch", "transaction"):
            answer = self.http.post("", {"resourceType": "Bundle", "type": kind, "entry": [
                {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}]})
            self.assertEqual((answer.status, answer.json["type"]), (200, kind + "-response"))
        self.assertEqual((self.http.get("_history?_count=1").status, self.http.get("?_type=Patient&_count=1").status), (200, 200))

    def test_versions_and_conditions(self):
        for name, claim in self.types.items():
            self.assertEqual((claim["versioning"], claim["readHistory"], claim["updateCreate"], claim["conditionalCreate"], claim["conditionalRead"],
                              claim["conditionalUpdate"], claim["conditionalDelete"]),
                             ("versioned-update", True, True, True, "full-support", True, "single"), name)
        body = {**PATIENT, "identifier": [{"system": "urn:test", "value": "claimed"}]}
        self.assertEqual(self.http.put("Patient/claimed", {**body, "id": "claimed"}).status, 201)
        read = self.http.get("Patient/claimed")
        for header, value in (("If-None-Match", read.headers["ETag"]), ("If-Modified-Since", read.headers["Last-Modified"])):
            self.assertEqual(self.http.send("GET", "Patient/claimed", headers={header: value}).status, 304)
        self.assertEqual(self.http.post("Patient", body, {"If-None-Exist": "identifier=urn:test|claimed"}).status, 200)
        self.assertEqual(self.http.put("Patient?identifier=urn:test|claimed", {**body, "gender": "male"}).json["id"], "claimed")
        self.assertEqual(self.http.delete("Patient?identifier=urn:test|claimed").status, 204)
        self.assertEqual(self.http.get("Patient/claimed").status, 410)

    def test_search_parameters(self):
        called = 0
        for name, claim in self.types.items():
            urls = []
            for parameter in claim.get("searchParam", []):
                value = SPECIAL[parameter["name"]] if parameter["name"] in SPECIAL else VALUES[parameter["type"]]
                if value is not None:
                    urls.append(f"{name}?{parameter['name']}={value}&_count=1")
                elif parameter["type"] == "composite":
                    urls.append(f"{name}?{parameter['name']}:missing=true&_count=1")
                self.assertRegex(parameter["definition"], r"^https?://")
            self.all_found(urls)
            called += len(urls)
        self.assertGreater(called, 1300)

    def test_includes(self):
        for name, claim in self.types.items():
            self.all_found([f"{name}?_include={include}&_count=1" for include in claim.get("searchInclude", [])])
            self.all_found([f"{name}?_revinclude={include}&_count=1" for include in claim.get("searchRevInclude", [])])

    def test_operations(self):
        patient = self.http.post("Patient", PATIENT).json["id"]
        for claim in self.rest["operation"]:
            answer = self.http.post("$" + claim["name"], {"resourceType": "Parameters"})
            self.assertNotIn("no such operation", answer.diagnostics, claim)
            self.assertNotEqual(answer.status, 405)
            self.assertRegex(claim["definition"], r"^https?://")
        for name, resource in self.types.items():
            for claim in resource.get("operation", []):
                if self.http.get(f"{name}?_query={claim['name']}").status == 200:
                    continue  # a named query
                levels = [self.http.post(f"{name}{level}/${claim['name']}", {"resourceType": "Parameters"}) for level in ("", "/" + patient)]
                served = [a for a in levels if "no such operation" not in a.diagnostics]
                self.assertTrue(served, (name, claim))
                self.assertTrue(all(a.status not in (405, 501) for a in served), (name, claim, served))

    def test_compartments(self):
        ids = {re.sub(".*/", "", url) for url in self.rest["compartment"]}
        self.assertEqual(ids, {"patient", "encounter", "practitioner", "relatedPerson", "device"})
        for name in ids:
            owner = name[0].upper() + name[1:]
            self.assertEqual((self.http.get(f"{owner}/x/*").status, self.http.get(f"{owner}/x/Observation").status), (200, 200), owner)
        self.assertEqual(self.http.get("Organization/x/Observation").status, 404)

    def test_security(self):
        self.assertIs(self.rest["security"]["cors"], False)
        answer = self.http.send("OPTIONS", "Patient", headers={"Origin": "https://page.example.org", "Access-Control-Request-Method": "GET"})
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (403, None))

    def test_what_the_statement_itself_needs(self):
        self.assertEqual((self.statement["fhirVersion"], self.statement["kind"], self.rest["mode"]), ("4.0.1", "instance", "server"))
        self.assertEqual(self.statement["implementation"]["url"], f"http://127.0.0.1:{self.server.port}/fhir")
        judged = self.http.post("CapabilityStatement/$validate", self.statement)
        self.assertEqual([i for i in judged.json["issue"] if i["severity"] in ("error", "fatal")], [])

    def test_modes(self):
        for mode, kind in (("normative", "CapabilityStatement"), ("terminology", "TerminologyCapabilities")):
            statement = self.http.get("metadata?mode=" + mode).json
            judged = self.http.post(kind + "/$validate", statement)
            self.assertEqual([i for i in judged.json["issue"] if i["severity"] in ("error", "fatal")], [], mode)

    def test_code_systems(self):
        """Those that are claimed are known, and what is uploaded is claimed: of two versions the later is the default."""
        for version in ("1.9", "1.10"):
            self.http.put("CodeSystem/cap" + version, {"resourceType": "CodeSystem", "id": "cap" + version, "url": "http://x.test/cap",
                                                       "version": version, "status": "active", "content": "complete", "concept": [{"code": "c"}]})
        listed = self.http.get("metadata?mode=terminology").json["codeSystem"]
        systems = {s["uri"]: s["version"] for s in listed}
        self.assertEqual(len(systems), len(listed))
        self.assertEqual([(v["code"], v["isDefault"]) for v in systems["http://x.test/cap"]], [("1.10", True), ("1.9", False)])
        self.assertGreater(len(systems), 1000)
        self.assertEqual([v["compositional"] for v in systems["http://unitsofmeasure.org"]], [True])
        urls = [f"CodeSystem/$validate-code?url={url}&code=x" for url in list(systems)[::50]]
        self.all_found(urls)
        for gone in ("cap1.9", "cap1.10"):
            self.http.delete("CodeSystem/" + gone)


if __name__ == "__main__":
    unittest.main()
