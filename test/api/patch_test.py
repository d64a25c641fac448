"""PATCH over real HTTP: JSON Patch, FHIRPath Patch, by condition, inside bundles."""
import base64
import json
import unittest

from soyang_server import ServerCase

FHIR_JSON = {"Content-Type": "application/fhir+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


def operation(kind, path, value=None, **numbers):
    parts = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    name = numbers.pop("name", None)
    if name:
        parts.append({"name": "name", "valueString": name})
    parts += [{"name": k, "valueInteger": v} for k, v in numbers.items()]
    if value:
        parts.append({"name": "value", **value})
    return {"name": "operation", "part": parts}


def fhirpatch(*operations):
    return {"resourceType": "Parameters", "parameter": list(operations)}


class Patch(ServerCase):
    def make(self, **more):
        answer = self.http.post("Patient", {"resourceType": "Patient", "gender": "male", **more})
        self.assertEqual(answer.status, 201, answer)
        return answer.json["id"]

    def patch(self, path, body, headers=FHIR_JSON):
        return self.http.send("PATCH", path, body, headers)

    def test_fhirpath_patch(self):
        path = "Patient/" + self.make(name=[{"family": "김"}, {"family": "이"}])
        answer = self.patch(path, fhirpatch(
            operation("replace", "Patient.gender", {"valueCode": "female"}),
            operation("add", "Patient", {"valueDate": "1950-05-01"}, name="birthDate"),
            operation("insert", "Patient.name[0].given", {"valueString": "소양"}, index=0),
            operation("move", "Patient.name", source=1, destination=0),
            operation("delete", "Patient.name.where(family = '이')")))
        self.assertEqual((answer.status, answer.headers["ETag"]), (200, 'W/"2"'), answer)
        read = self.http.get(path).json
        self.assertEqual((read["gender"], read["birthDate"], read["name"]), ("female", "1950-05-01", [{"family": "김", "given": ["소양"]}]))

    def test_that_does_not_apply(self):
        path = "Patient/" + self.make()
        for patch, status in [
                (fhirpatch(operation("replace", "Patient.birthDate", {"valueDate": "1950"})), 422),
                (fhirpatch(operation("add", "Patient", {"valueCode": "female"}, name="gender")), 422),
                (fhirpatch(operation("replace", "Patient.gender", {"valueQuantity": {"value": 1}})), 422),
                (fhirpatch(operation("replace", "Patient.gender..x", {"valueCode": "other"})), 400),
                (fhirpatch({"name": "operation"}), 400),
                ({"resourceType": "Patient"}, 400),
                ([{"op": "replace", "path": "/gender", "value": "other"}], 400)]:
            answer = self.patch(path, patch)
            self.assertEqual(answer.status, status, (patch, answer))
        self.assertEqual(self.patch(path, "<x/>", {"Content-Type": "text/plain"}).status, 415)
        self.assertEqual(self.http.get(path).json["meta"]["versionId"], "1")

    def test_preconditions(self):
        path = "Patient/" + self.make()
        one = fhirpatch(operation("replace", "Patient.gender", {"valueCode": "other"}))
        self.assertEqual(self.patch(path, one, {**FHIR_JSON, "If-Match": 'W/"1"'}).status, 200)
        self.assertEqual(self.patch(path, one, {**FHIR_JSON, "If-Match": 'W/"1"'}).status, 412)
        self.assertEqual(self.patch("Patient/never-was", one).status, 404)
        self.http.delete(path)
        self.assertEqual(self.patch(path, one).status, 410)
        self.assertEqual(self.http.get(path + "/_history/2").status, 200)
        self.assertEqual(self.http.get(path + "/_history/3").status, 410)

    def test_by_condition(self):
        for value in ("one", "two", "two"):
            self.make(identifier=[{"system": "urn:patch", "value": value}])
        one = fhirpatch(operation("replace", "Patient.gender", {"valueCode": "other"}))
        self.assertEqual(self.patch("Patient?identifier=urn:patch|one", one).status, 200)
        self.assertEqual(self.patch("Patient?identifier=urn:patch|two", one).status, 412)
        self.assertEqual(self.patch("Patient?identifier=urn:patch|none", one).status, 404)
        self.assertEqual(self.patch("Patient?identifier=urn:patch|one", [{"op": "remove", "path": "/gender"}], JSON_PATCH).status, 200)

    def test_prefer(self):
        path = "Patient/" + self.make()
        one = fhirpatch(operation("replace", "Patient.gender", {"valueCode": "other"}))
        self.assertEqual(self.patch(path, one, {**FHIR_JSON, "Prefer": "return=minimal"}).raw, b"")
        told = self.patch(path, one, {**FHIR_JSON, "Prefer": "return=OperationOutcome"})
        self.assertEqual((told.status, told.json["resourceType"]), (200, "OperationOutcome"))

    def test_in_bundles(self):
        one = fhirpatch(operation("replace", "Patient.gender", {"valueCode": "other"}))
        json_patch = base64.b64encode(json.dumps([{"op": "replace", "path": "/gender", "value": "unknown"}]).encode()).decode()
        for kind in ("transaction", "batch"):
            for resource, gender in ((one, "other"),
                                     ({"resourceType": "Binary", "contentType": "application/json-patch+json", "data": json_patch}, "unknown")):
                path = "Patient/" + self.make()
                answer = self.http.post("", {"resourceType": "Bundle", "type": kind, "entry": [
                    {"resource": resource, "request": {"method": "PATCH", "url": path, "ifMatch": 'W/"1"'}}]})
                self.assertEqual(answer.status, 200, answer)
                self.assertEqual(answer.json["entry"][0]["response"]["status"], "200 OK", answer)
                self.assertEqual(self.http.get(path).json["gender"], gender)


if __name__ == "__main__":
    unittest.main()
