"""The session: one request of each kind over the API, each with what must be true afterwards.

A step prepares (without faults), acts (one request, with a fault) and judges (without faults). A writing step marks everything it
writes with a new token: afterwards all of it is there or nothing, and all of it when it was acknowledged."""
import gzip
import itertools
import json
import re
import time

from province import infarction, new_patient, POST, send

TOKENS = "urn:soyang:token"
JSON_PATCH = {"Content-Type": "application/json-patch+json"}
PORT = re.compile(rb"(?<=http://127\.0\.0\.1):\d+")
OF_THE_MOMENT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)")
tokens = itertools.count(1)


def patient(token, **members):
    return {"resourceType": "Patient", "identifier": [{"system": TOKENS, "value": token}], "name": [{"family": "김", "given": [token]}], **members}


def observation(token, subject, **members):
    return {"resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
            "identifier": [{"system": TOKENS, "value": token}], "subject": {"reference": subject},
            "valueQuantity": {"value": 120, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}, **members}


def entry(method, url, resource=None, **request):
    return {"request": {"method": method, "url": url, **request}, **({"resource": resource} if resource else {}),
            **({"fullUrl": resource.pop("fullUrl")} if resource and "fullUrl" in resource else {})}


def bundle(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


class Wrong(AssertionError):
    pass


def must(true, *said):
    if not true:
        raise Wrong(" ".join(map(str, said)))


def found(http, token, kind="Patient"):
    answer = http.get(f"{kind}?identifier={TOKENS}|{token}&_summary=count")
    must(answer.status == 200, "counting", answer)
    return answer.json["total"]


def current(http, path):
    answer = http.get(path)
    return answer.json if answer.status == 200 else None


class Step:
    name = ""

    def prepare(self, http):
        pass

    def act(self, http):
        raise NotImplementedError

    def judge(self, http, acknowledged):
        pass

    def kept(self):
        """(path, text that stands in it) of what was acknowledged and stays to the end; a text of None: it is deleted."""
        return []


class Write(Step):
    """Prepared with one patient of its own, at version 1."""

    def prepare(self, http):
        self.token = f"t{next(tokens)}"
        self.path = f"Patient/p-{self.token}"
        answer = http.put(self.path, patient(self.token + "-old", id=self.path.split("/")[1]))
        must(answer.status == 201, "preparing", answer)
        self.acknowledged = False

    def judge(self, http, acknowledged):
        self.acknowledged = acknowledged
        self.look(http, acknowledged)

    def whole(self, parts, acknowledged):
        """`parts`: of each part of the change, whether it is there."""
        must(all(parts) or (not acknowledged and not any(parts)), "acknowledged" if acknowledged else "refused", "and half there:", parts)


class Create(Write):
    name = "create"
    headers = {}

    def act(self, http):
        return http.post("Patient", patient(self.token), headers=self.headers)

    def look(self, http, acknowledged):
        count = found(http, self.token)
        must(count in ((1,) if acknowledged else (0, 1)), self.token, "is there", count, "times")


class ConditionalCreate(Create):
    name = "conditional create"

    def act(self, http):
        return http.post("Patient", patient(self.token), headers={"If-None-Exist": f"identifier={TOKENS}|{self.token}"})


class CreateXml(Create):
    name = "create from XML"

    def act(self, http):
        xml = (f'<Patient xmlns="http://hl7.org/fhir"><identifier><system value="{TOKENS}"/><value value="{self.token}"/></identifier>'
               f'<name><family value="김"/></name></Patient>')
        return http.post("Patient", xml, headers={"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"})


class CreateCoded(Create):
    name = "create from gzip"

    def act(self, http):
        coded = gzip.compress(json.dumps(patient(self.token)).encode())
        return http.post("Patient", coded, headers={"Content-Encoding": "gzip"})


class Content(Write):
    name = "content of a Binary"

    def act(self, http):
        return http.send("PUT", f"Binary/b-{self.token}", self.token * 200, {"Content-Type": "text/plain"})

    def look(self, http, acknowledged):
        answer = http.get(f"Binary/b-{self.token}")
        must(answer.status == 200 or (answer.status == 404 and not acknowledged), "the content", answer)
        must(answer.status == 404 or self.token * 200 in answer.raw.decode() or "resourceType" in answer.raw.decode(), "other content", answer)


class Parameter(Write):
    """An uploaded search parameter is indexed beside other work, whatever fails meanwhile, and counted before it says so."""
    name = "search parameter"

    def act(self, http):
        return http.put(f"SearchParameter/{self.token}", {
            "resourceType": "SearchParameter", "id": self.token, "url": f"urn:soyang:parameter:{self.token}", "name": "x", "status": "active", "description": "x",
            "code": f"x{self.token}", "base": ["Practitioner"], "type": "string", "expression": "Practitioner.name.family"})

    def look(self, http, acknowledged):
        is_there = current(http, f"SearchParameter/{self.token}") is not None
        must(is_there or not acknowledged, "acknowledged and not there")
        end = time.monotonic() + 20
        while is_there:
            answer = http.get(f"Practitioner?x{self.token}=%EB%B0%95&_summary=count")
            if answer.status == 200 and answer.json["total"] == 1:
                break
            must(time.monotonic() < end, "it is not served in time:", answer)
            time.sleep(0.05)
        must(not is_there or http.delete(f"SearchParameter/{self.token}").status in (200, 204), "it cannot be deleted")


class Change(Write):
    """One change of the one patient: afterwards it is old at version 1, or new at version 2."""

    def look(self, http, acknowledged):
        now = current(http, self.path)
        must(now is not None, self.path, "is gone")
        version, is_new = now["meta"]["versionId"], self.token + "-old" not in json.dumps(now)
        self.whole([version == "2", is_new], acknowledged)
        must(found(http, self.token + "-old") == (0 if is_new else 1), "the index says otherwise")
        must(found(http, self.token) == (1 if is_new else 0), "the index says otherwise of the new one")
        history = http.get(self.path + "/_history")
        must(history.status == 200 and history.json["total"] == int(version), "its history has gaps", history)

    def changed(self):
        return patient(self.token, id=self.path.split("/")[1])

    def kept(self):
        return [(self.path, f'"{self.token}"')] if self.acknowledged else []


class Update(Change):
    name = "update"

    def act(self, http):
        return http.put(self.path, self.changed(), if_match='W/"1"')


class ConditionalUpdate(Change):
    name = "conditional update"

    def act(self, http):
        return http.put(f"Patient?identifier={TOKENS}|{self.token}-old", self.changed())


REPLACED = [{"op": "replace", "path": "/identifier/0/value", "value": None}, {"op": "replace", "path": "/name/0/given/0", "value": None}]


class JsonPatch(Change):
    name = "JSON Patch"

    def where(self):
        return self.path

    def act(self, http):
        return http.send("PATCH", self.where(), [{**step, "value": self.token} for step in REPLACED], JSON_PATCH)


class ConditionalPatch(JsonPatch):
    name = "conditional patch"

    def where(self):
        return f"Patient?identifier={TOKENS}|{self.token}-old"


class FhirPatch(Change):
    name = "FHIRPath Patch"

    def act(self, http):
        def step(path):
            parts = [{"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": path}, {"name": "value", "valueString": self.token}]
            return {"name": "operation", "part": parts}
        steps = [step("Patient.identifier[0].value"), step("Patient.name[0].given[0]")]
        return http.send("PATCH", self.path, {"resourceType": "Parameters", "parameter": steps})


class Delete(Write):
    name = "delete"

    def act(self, http):
        return http.delete(self.path)

    def look(self, http, acknowledged):
        answer = http.get(self.path)
        must(answer.status in ((410,) if acknowledged else (200, 410)), self.path, "answers", answer)
        must(found(http, self.token + "-old") == (0 if answer.status == 410 else 1), "the index says otherwise")

    def kept(self):
        return [(self.path, None)] if self.acknowledged else []


class ConditionalDelete(Delete):
    name = "conditional delete"

    def act(self, http):
        return http.delete(f"Patient?identifier={TOKENS}|{self.token}-old")


class Transaction(Write):
    name = "transaction"

    def prepare(self, http):
        super().prepare(http)
        self.other = f"Patient/q-{self.token}"
        must(http.put(self.other, patient(self.token + "-other", id=self.other.split("/")[1])).status == 201, "preparing")

    def entries(self):
        subject = f"urn:uuid:00000000-0000-4000-8000-{int(self.token[1:]):012d}"
        return [entry("POST", "Patient", {**patient(self.token), "fullUrl": subject}),
                *(entry("POST", "Observation", observation(self.token, subject)) for _ in range(3)),
                entry("PUT", self.path, patient(self.token + "-new", id=self.path.split("/")[1])),
                entry("DELETE", self.other)]

    def act(self, http):
        return http.post("", bundle("transaction", *self.entries()))

    def look(self, http, acknowledged):
        now = current(http, self.path)
        self.whole([found(http, self.token) == 1, found(http, self.token, "Observation") == 3, now["meta"]["versionId"] == "2",
                    found(http, self.token + "-new") == 1, http.get(self.other).status == 410], acknowledged)


class Batch(Transaction):
    name = "batch"

    def act(self, http):
        answer = http.post("", bundle("batch", *self.entries()))
        self.entry_states = [int(e["response"]["status"][:3]) for e in answer.json["entry"]] if answer.status == 200 else []
        return answer

    def look(self, http, acknowledged):
        """Each entry is its own unit."""
        for state in self.entry_states:
            must(state < 300 or state in (500, 503, 507), "an entry says", state)
        created = [s == 201 for s in self.entry_states]
        if acknowledged:
            must(found(http, self.token) >= created[0] and found(http, self.token, "Observation") >= sum(created[1:4]), "an entry is not there")


class Send(Write):
    """$send: the request, the loop and its offers in one unit."""
    name = "$send"

    def prepare(self, http):
        self.token = f"t{next(tokens)}"
        self.patient = new_patient(http, infarction, f"s-{self.token}")

    def act(self, http):
        return send(http, self.patient)[0]

    def look(self, http, acknowledged):
        tasks = http.get(f"Task?patient=Patient/{self.patient}&_count=50").json.get("entry", [])
        requests = http.get(f"ServiceRequest?patient=Patient/{self.patient}&_summary=count").json["total"]
        loops = [t for t in tasks if "partOf" not in t["resource"]]
        self.whole([len(loops) == 1, requests >= 1, len(tasks) > len(loops)], acknowledged)


class Meta(Change):
    name = "$meta-add"

    def act(self, http):
        tag = {"system": "urn:t", "code": "fault"}
        return http.post(self.path + "/$meta-add", {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [tag]}}]})

    def look(self, http, acknowledged):
        now = current(http, self.path)
        has = any(t.get("code") == "fault" for t in now["meta"].get("tag", []))
        must(has or not acknowledged, "acknowledged and not there")

    def kept(self):
        return []


class CodeSystem(Write):
    """Uploaded terminology is asked at once: an answer is right or an error, never that of a book half read."""
    name = "code system"

    def url(self):
        return f"urn:soyang:codes:{self.token}"

    def act(self, http):
        return http.post("CodeSystem", {"resourceType": "CodeSystem", "url": self.url(), "status": "active", "content": "complete",
                                        "identifier": [{"system": TOKENS, "value": self.token}],
                                        "concept": [{"code": "a", "display": "A", "concept": [{"code": "b", "display": "B"}]}]})

    def look(self, http, acknowledged):
        count = found(http, self.token, "CodeSystem")
        must(count in ((1,) if acknowledged else (0, 1)), "there", count, "times")
        answer = http.get(f"CodeSystem/$lookup?system={self.url()}&code=b")
        must(answer.status == 200 if count else answer.status in (404, 422, 400), "$lookup answers", answer)


class Read(Step):
    """Reads what does not change during the session: the same answer as without a fault, or an error."""

    def __init__(self, path, method="GET", body=None, headers=None, leave=()):
        self.name, self.path, self.method, self.body, self.headers, self.leave = f"{method} {path}", path, method, body, headers, leave
        self.expected = None

    def essence(self, answer):
        """What is compared: the answer without what tells of the request's time."""
        raw = PORT.sub(b"", answer.raw)  # another one after a start
        if not raw or b"resourceType" not in raw or answer.headers.get("Content-Type", "").startswith("application/fhir+xml"):
            return raw
        whole = json.loads(raw)
        for name in ("link", "id", "meta", "date", "timestamp", *self.leave):
            whole.pop(name, None)
        return OF_THE_MOMENT.sub("", json.dumps(whole, sort_keys=True))

    def prepare(self, http):
        if self.expected is None:
            answer = self.act(http)
            must(answer.status == 200, self.name, answer)
            self.expected = self.essence(answer)

    def act(self, http):
        self.answer = http.send(self.method, self.path, self.body, self.headers)
        if self.answer.headers.get("Content-Encoding") == "gzip":
            self.answer.raw = gzip.decompress(self.answer.raw)
        return self.answer

    def judge(self, http, acknowledged):
        if acknowledged:
            must(self.essence(self.answer) == self.expected, "another answer than without a fault:", self.answer, "instead of", self.expected[:400])


def fixed(http):
    """What the readings read: types that no writing step writes."""
    practitioner = {"resourceType": "Practitioner", "id": "f-d", "name": [{"family": "박", "given": ["의사"]}]}
    entries = [entry("PUT", "Practitioner/f-d", practitioner),
               entry("PUT", "Patient/f-p", {"resourceType": "Patient", "id": "f-p", "name": [{"family": "이", "given": ["하나"]}], "birthDate": "1950-03-01",
                                            "generalPractitioner": [{"reference": "Practitioner/f-d"}]})]
    for n in range(12):
        entries.append(entry("PUT", f"Procedure/f-{n}", {
            "resourceType": "Procedure", "id": f"f-{n}", "status": "completed", "subject": {"reference": "Patient/f-p"},
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": str(100 + n % 3)}], "text": f"procedure {n}"},
            "performedDateTime": f"2024-01-{n + 1:02d}", "performer": [{"actor": {"reference": "Practitioner/f-d"}}]}))
        entries.append(entry("PUT", f"RiskAssessment/f-{n}", {
            "resourceType": "RiskAssessment", "id": f"f-{n}", "status": "final", "subject": {"reference": "Patient/f-p"},
            "prediction": [{"probabilityDecimal": n / 20}]}))
        entries.append(entry("PUT", f"DiagnosticReport/f-{n}", {
            "resourceType": "DiagnosticReport", "id": f"f-{n}", "status": "final", "subject": {"reference": "Patient/f-p"},
            "code": {"coding": [{"system": "http://loinc.org", "code": "58410-2"}]}, "effectiveDateTime": "2024-05-01T10:00:00+09:00",
            "performer": [{"reference": "Practitioner/f-d"}]}))
    must(http.post("", bundle("transaction", *entries)).status == 200, "the fixed resources")
    must(http.put("Procedure/f-0", {"resourceType": "Procedure", "id": "f-0", "status": "completed", "subject": {"reference": "Patient/f-p"},
                                    "code": {"text": "procedure again"}, "performedDateTime": "2024-02-01"}).status == 200, "an update")


READINGS = [
    "Patient/f-p", "Procedure/f-0/_history/1", "Procedure/f-0/_history", "DiagnosticReport/_history?_count=3",
    "Procedure?code=http://snomed.info/sct|101", "Procedure?date=ge2024-01-03&date=lt2024-01-09&_sort=-date&_count=3",
    "Practitioner?name=%EB%B0%95&_elements=name", "RiskAssessment?patient=Patient/f-p&probability=gt0.2&_total=accurate&_count=2",
    "Procedure?patient.name=%EC%9D%B4&_include=Procedure:performer&_summary=false", "Practitioner?_has:Procedure:performer:code=102",
    "Practitioner?_revinclude=DiagnosticReport:performer", "DiagnosticReport?patient:Patient.general-practitioner.name=%EB%B0%95&_count=2",
    "Procedure?code:text=procedure&code:missing=false", "Procedure?_id=f-1,f-2&_summary=count", "?_type=Procedure,DiagnosticReport&_count=4",
    "Patient/f-p/Procedure?_sort=date", "Patient/f-p/$everything?_count=5", "metadata",
    "Procedure?_filter=code%20eq%20http://snomed.info/sct%7C101%20and%20date%20gt%202024-01-02", "Procedure?_content=procedure&_count=3",
    "DiagnosticReport?code:in=http://hl7.org/fhir/ValueSet/report-codes",
    "ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender",
    "CodeSystem/$lookup?system=http://hl7.org/fhir/administrative-gender&code=male",
]


def parameters(*listed):
    return {"resourceType": "Parameters", "parameter": list(listed)}


def readings():
    listed = [Read(path) for path in READINGS]
    listed.append(Read("Patient/f-p", headers={"Accept": "application/fhir+xml"}))
    listed.append(Read("DiagnosticReport?_count=12", headers={"Accept-Encoding": "gzip"}))
    listed.append(Read("Procedure/_search", "POST", "code=http://snomed.info/sct|101", {"Content-Type": "application/x-www-form-urlencoded"}))
    listed.append(Read("Patient/$validate", "POST", patient("x", gender="female")))
    listed.append(Read("$fhirpath", "POST", parameters({"name": "expression", "valueString": "Patient.name.given | Patient.birthDate"},
                                                       {"name": "resource", "resource": patient("x", birthDate="1950")}), leave=("parameter",)))
    return listed


class Rank(Read):
    """$rank-places keeps its decision with its inputs; the options are compared."""

    def __init__(self, name, *extra):
        super().__init__(name, "POST")
        self.extra = extra

    def prepare(self, http):
        if self.body is None:
            self.body = parameters(
                {"name": "patient", "valueReference": {"reference": f"Patient/{new_patient(http, infarction, 'rank' + self.path[1:])}"}},
                {"name": "encounter", "valueReference": {"reference": f"Encounter/rank{self.path[1:]}-visit"}},
                {"name": "human-level", "valueInteger": 2}, *self.extra)
            answer = self.act(http)
            must(answer.status == 200, self.name, answer)

    def judge(self, http, acknowledged):
        must(not acknowledged or self.answer.json.get("parameter"), "an answer without content", self.answer)


def session():
    writes = [Create, ConditionalCreate, CreateXml, CreateCoded, Content, Parameter, Update, ConditionalUpdate, JsonPatch, ConditionalPatch, FhirPatch, Delete,
              ConditionalDelete, Transaction, Batch, Send, Meta, CodeSystem]
    return [kind() for kind in writes] + readings() + [
        Rank("$rank-places", {"name": "origin", "valueReference": {"reference": f"Organization/{POST}"}}), Rank("$triage")]
