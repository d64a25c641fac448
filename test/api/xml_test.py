"""FHIR in XML over real HTTP: bodies, answers, negotiation, faults. Python's own parser reads what the server writes."""
import json
import unittest
import xml.etree.ElementTree as ElementTree

from soyang_server import SHARED, ServerCase

FHIR = "{http://hl7.org/fhir}"
XHTML = "{http://www.w3.org/1999/xhtml}"
XML = "application/fhir+xml"
PATIENT = """<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment -->
<Patient xmlns="http://hl7.org/fhir">
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>김소양 &amp; <b>x</b></p></div></text>
  <identifier><system value="urn:test"/><value value="x-1"/></identifier>
  <active value="true"/>
  <name><family value="김"/><given value="소양"/><given id="g2" value="B"><extension url="http://x.example"><valueDecimal value="1.00"/></extension></given></name>
  <gender value="female"/>
  <birthDate value="1950-05-01"/>
</Patient>"""


def value(tree, path):
    found = tree.find("/".join(FHIR + part for part in path.split("/")))
    return None if found is None else found.get("value")


class Xml(ServerCase):
    def send(self, method, path, body=None, accept=XML, kind=XML, **headers):
        headers = {name.replace("_", "-"): text for name, text in headers.items()}
        return self.http.send(method, path, body, {"Content-Type": kind, "Accept": accept, **headers})

    def tree(self, answer, name, status=200):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/fhir+xml; charset=utf-8")
        self.assertIn("Accept", answer.headers["Vary"])
        tree = ElementTree.fromstring(answer.raw)
        self.assertEqual(tree.tag, FHIR + name)
        return tree

    def test_create_read_update(self):
        made = self.send("POST", "Patient", PATIENT)
        tree = self.tree(made, "Patient", 201)
        path = "Patient/" + value(tree, "id")
        self.assertEqual(made.headers["ETag"], 'W/"1"')
        self.assertEqual(value(tree, "meta/versionId"), "1")
        self.assertEqual([child.tag for child in tree][:2], [FHIR + "id", FHIR + "meta"])
        self.assertEqual(tree.find(f"{FHIR}text/{XHTML}div/{XHTML}p").text, "김소양 & ")
        read = self.http.get(path).json
        self.assertEqual(read["name"][0]["given"], ["소양", "B"])
        self.assertEqual(read["name"][0]["_given"][1], {"id": "g2", "extension": [{"url": "http://x.example", "valueDecimal": 1.00}]})
        self.assertIn(b'"valueDecimal":1.00', self.http.get(path).raw)
        self.assertEqual(read["text"]["div"], '<div xmlns="http://www.w3.org/1999/xhtml"><p>김소양 &amp; <b>x</b></p></div>')
        again = self.send("GET", path)
        changed = self.send("PUT", path, again.raw.decode().replace('"female"', '"other"'), If_Match='W/"1"')
        self.assertEqual(value(self.tree(changed, "Patient"), "gender"), "other")
        self.assertEqual(value(self.tree(self.send("GET", path + "/_history/1"), "Patient"), "gender"), "female")
        history = self.tree(self.send("GET", path + "/_history"), "Bundle")
        self.assertEqual([e.get("value") for e in history.findall(f"{FHIR}entry/{FHIR}request/{FHIR}method")], ["PUT", "POST"])
        self.assertEqual(self.send("GET", path, If_None_Match='W/"2"').status, 304)
        head = self.send("HEAD", path)
        self.assertEqual((head.status, head.raw, head.headers["Content-Type"]), (200, b"", "application/fhir+xml; charset=utf-8"))

    def test_formats_are_independent(self):
        made = self.send("POST", "Patient", PATIENT, accept="application/fhir+json")
        self.assertEqual((made.status, made.json["gender"]), (201, "female"))
        self.tree(self.send("POST", "Patient", json.dumps({"resourceType": "Patient"}), kind="application/fhir+json"), "Patient", 201)
        minimal = self.send("POST", "Patient", PATIENT, Prefer="return=minimal")
        self.assertEqual((minimal.status, minimal.raw), (201, b""))

    def test_content_types_of_bodies(self):
        for kind in ("application/fhir+xml", "application/xml", "text/xml", "Application/FHIR+XML; charset=UTF-8", "application/fhir+xml;fhirVersion=4.0"):
            self.assertEqual(self.send("POST", "Patient", PATIENT, kind=kind).status, 201, kind)

    def test_negotiation(self):
        path = "Patient/" + self.send("POST", "Patient", PATIENT, accept="application/json").json["id"]
        for accept in ("application/fhir+xml", "text/xml", "application/xml", "APPLICATION/FHIR+XML", "application/fhir+xml; fhirVersion=4.0",
                       "application/fhir+json;q=0.5, application/fhir+xml", "*/*;q=0.1, text/xml;q=0.9", "application/fhir+json;q=0, */*",
                       "text/html, application/xml;q=0.9, */*;q=0.8", "application/fhir+xml, */*"):
            self.tree(self.send("GET", path, accept=accept), "Patient")
        for accept in ("", "*/*", "application/*", "application/json", "application/fhir+json, application/fhir+xml",
                       "application/fhir+xml;q=0.5, application/fhir+json", "application/fhir+xml;q=0, */*", "application/json-patch+json"):
            answer = self.send("GET", path, accept=accept)
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/fhir+json; charset=utf-8"), accept)
        for name in ("xml", "text/xml", "application/xml", "application/fhir+xml", "application/fhir%2Bxml", "application%2Ffhir%2Bxml%3B%20fhirVersion%3D4.0"):
            self.tree(self.send("GET", path + "?_format=" + name, accept="application/fhir+json"), "Patient")
            self.tree(self.send("GET", path + "?_format=" + name, accept="text/html"), "Patient")
        for name in ("json", "application/fhir+json"):
            self.assertEqual(self.send("GET", path + "?_format=" + name).json["resourceType"], "Patient")
        refused = self.send("GET", path + "?_format=ttl")
        self.assertEqual((refused.status, refused.json["resourceType"]), (406, "OperationOutcome"))

    def test_pretty(self):
        path = "Patient/" + self.send("POST", "Patient", PATIENT, accept="application/json").json["id"]
        plain, pretty = self.send("GET", path).raw, self.send("GET", path + "?_pretty=true").raw
        self.assertNotIn(b"\n", plain.replace(b"\n</div>", b""))
        self.assertIn(b'\n  <active value="true"/>\n', pretty)
        strip = lambda raw: [(e.tag, e.attrib) for e in ElementTree.fromstring(raw).iter()]
        self.assertEqual(strip(plain), strip(pretty))

    def test_search_and_metadata(self):
        self.send("POST", "Patient", PATIENT.replace("x-1", "found-by-xml"))
        found = self.tree(self.send("GET", "Patient?identifier=urn:test|found-by-xml"), "Bundle")
        self.assertEqual(len(found.findall(f"{FHIR}entry/{FHIR}resource/{FHIR}Patient")), 1)
        posted = self.send("POST", "Patient/_search", "identifier=urn:test|found-by-xml&_format=xml", accept="*/*", kind="application/x-www-form-urlencoded")
        self.assertEqual(len(self.tree(posted, "Bundle").findall(f"{FHIR}entry")), 1)
        capability = self.tree(self.send("GET", "metadata"), "CapabilityStatement")
        self.assertIn(XML, [e.get("value") for e in capability.findall(FHIR + "format")])
        self.assertIn("xml", self.http.get("metadata").json["format"])

    def test_transaction(self):
        bundle = f"""<Bundle xmlns="http://hl7.org/fhir"><type value="transaction"/>
          <entry><fullUrl value="urn:uuid:11111111-1111-4111-8111-111111111111"/>
            <resource>{PATIENT[PATIENT.index("<Patient"):]}</resource><request><method value="POST"/><url value="Patient"/></request></entry>
          <entry><resource><Observation><status value="final"/><code><text value="x"/></code>
            <subject><reference value="urn:uuid:11111111-1111-4111-8111-111111111111"/></subject></Observation></resource>
            <request><method value="POST"/><url value="Observation"/></request></entry></Bundle>"""
        answer = self.tree(self.send("POST", "", bundle), "Bundle")
        self.assertEqual([e.get("value")[:3] for e in answer.findall(f"{FHIR}entry/{FHIR}response/{FHIR}status")], ["201", "201"])
        observation = "/".join(answer.findall(f"{FHIR}entry/{FHIR}response/{FHIR}location")[1].get("value").split("/_history")[0].split("/")[-2:])
        self.assertTrue(value(self.tree(self.send("GET", observation), "Observation"), "subject/reference").startswith("Patient/"))
        batch = bundle.replace('"transaction"', '"batch"').replace('<status value="final"/>', '<status value=" "/>')
        answer = self.tree(self.send("POST", "", batch), "Bundle")
        self.assertEqual([e.get("value")[:3] for e in answer.findall(f"{FHIR}entry/{FHIR}response/{FHIR}status")], ["201", "400"])
        self.assertEqual(len(answer.findall(f"{FHIR}entry/{FHIR}response/{FHIR}outcome/{FHIR}OperationOutcome")), 1)

    def test_patch_in_xml(self):
        path = "Patient/" + self.send("POST", "Patient", PATIENT, accept="application/json").json["id"]
        part = lambda name, kind, text: f'<part><name value="{name}"/><value{kind} value="{text}"/></part>'
        parameters = ('<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>' + part("type", "Code", "replace") +
                      part("path", "String", "Patient.gender") + part("value", "Code", "unknown") + "</parameter></Parameters>")
        self.assertEqual(value(self.tree(self.send("PATCH", path, parameters), "Patient"), "gender"), "unknown")
        self.assertEqual(self.send("PATCH", path, "<diff/>", kind="application/xml-patch+xml").status, 415)

    def refuse(self, body, status, words, path="Patient", **headers):
        before = self.http.get("Patient?_summary=count").json["total"]
        tree = self.tree(self.send("POST", path, body, **headers), "OperationOutcome", status)
        told = " ".join(e.get("value") for e in tree.iter() if e.get("value"))
        self.assertIn(words, told)
        self.assertNotIn("SECRET", told)
        self.assertEqual(self.http.get("Patient?_summary=count").json["total"], before)

    def test_bad_bodies(self):
        empty = '<Patient xmlns="http://hl7.org/fhir">%s</Patient>'
        self.refuse("", 400, "body")
        self.refuse("<Patient>", 400, "not well-formed XML")
        self.refuse('{"resourceType":"Patient"}', 400, "not well-formed XML")
        self.refuse("<Patient/>", 400, "namespace")
        self.refuse(empty % '<colour value="SECRET"/>', 400, "Patient.colour")
        self.refuse(empty % '<name/><name><nome value="SECRET"/></name>', 400, "Patient.name[1].nome")
        self.refuse(empty % '<birthDate value="SECRET"/>', 400, "Patient.birthDate")
        self.refuse(empty % '<gender value="male"/><active value="true"/>', 400, "Patient.active")
        self.refuse(empty % ("<extension url='u'>" * 5000 + "</extension>" * 5000), 400, "deep")
        self.refuse('<!DOCTYPE x [<!ENTITY SECRET SYSTEM "file:///etc/passwd">]>' + empty % '<name><text value="&SECRET;"/></name>', 400, "document type")
        self.refuse(empty.encode().replace(b"%s", b'<name><text value="\xff"/></name>'), 400, "UTF-8")
        self.refuse('<Observation xmlns="http://hl7.org/fhir"><status value="final"/></Observation>', 400, "Observation.code", path="Observation")

    def test_faults_are_xml_too(self):
        for path, status in (("Patient/never-was", 404), ("Unicorn", 404), ("Patient?colour=blue", 400), ("Patient/" + "x" * 65, 400)):
            self.tree(self.send("GET", path), "OperationOutcome", status)
        self.tree(self.send("DELETE", "Patient/x/_history"), "OperationOutcome", 405)

    def test_broken_narrative_breaks_no_page(self):
        made = self.http.post("Patient", {"resourceType": "Patient", "identifier": [{"value": "broken"}],
                                          "text": {"status": "generated", "div": "<div>a<br>&nbsp;</div>"}})
        self.assertEqual(made.status, 201, made)
        found = self.tree(self.send("GET", "Patient?identifier=broken"), "Bundle")
        self.assertEqual([e.text for e in found.iter(XHTML + "div")], ["<div>a<br>&nbsp;</div>"])

    def test_examples(self):
        files = sorted((SHARED / "data/fhir/examples").glob("*.xml"))
        if not files:
            self.skipTest("no ../shared")
        for file in files:
            name = ElementTree.parse(file).getroot().tag.split("}")[1]
            made = self.send("POST", name, file.read_bytes())
            tree = self.tree(made, name, 201)
            strip = lambda root: [(e.tag, sorted(e.attrib.items())) for child in root if child.tag not in (FHIR + "id", FHIR + "meta") for e in child.iter()
                                  if isinstance(e.tag, str)]
            self.assertEqual(strip(tree), strip(ElementTree.parse(file).getroot()), file.name)


if __name__ == "__main__":
    unittest.main()
