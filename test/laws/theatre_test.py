"""On call as a person: whoever is in theatre is missing at every place that shares the person, until then. Holds no Soyang code."""
import datetime
import time
import unittest

from province import CONTROL_ROOM, REGION, Client, Server, doors, new_patient, reference

BASE = "https://fhir.soyang.example/"
NEED = "Y0010"
ONE, OTHER = "A2200001", "A2200008"


def instant(**later):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**later)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def person(name, until=None, by=ONE, at=None):
    resource = {"resourceType": "Practitioner", "id": name, "name": [{"text": "합성 " + name}]}
    if until:
        resource["extension"] = [{"url": BASE + "StructureDefinition/in-theatre", "extension": [
            {"url": "until", "valueInstant": until}, {"url": "at", "valueInstant": at or instant()},
            {"url": "by", "valueReference": {"reference": "Organization/" + by}}]}]
    return resource


def duty(name, place, need=NEED, **members):
    return {"resourceType": "PractitionerRole", "id": f"{name}-{place}", "practitioner": {"reference": "Practitioner/" + name},
            "organization": {"reference": "Organization/" + place},
            "code": [{"coding": [{"system": BASE + "CodeSystem/practitioner-role", "code": "on-call"}]}],
            "specialty": [{"coding": [{"system": BASE + "CodeSystem/severe-condition", "code": need}]}], **members}


class Theatre(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(region=REGION)
        cls.http = cls.server.client
        cls.one = Client(cls.server.port, ONE, "receiving")
        cls.other = Client(cls.server.port, OTHER, "receiving")
        cls.third = Client(cls.server.port, "A2200009", "receiving")
        cls.room = Client(cls.server.port, CONTROL_ROOM, "control-room")
        cls.patient = new_patient(cls.http)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def ok(self, answer):
        self.assertIn(answer.status, (200, 201), answer)
        return answer

    def options(self):
        """By place: chance and, if somebody is in theatre, the sentence in English."""
        answer = self.ok(self.http.post("$rank-places", {"resourceType": "Parameters", "parameter": [
            reference("patient", f"Patient/{self.patient}"), reference("encounter", f"Encounter/{self.patient}-visit"),
            reference("origin", "Organization/gw-post-1429"), {"name": "human-level", "valueInteger": 2}]}))
        found = {}
        for option in (p["part"] for p in answer.json["parameter"] if p["name"] == "option"):
            parts = {p["name"]: p for p in option if p["name"] != "reason"}
            reasons = [{q["name"]: q.get("valueString") for q in p["part"]} for p in option if p["name"] == "reason"]
            said = next((r for r in reasons if r["code"] == "in-theatre"), None)
            if "second-leg" not in parts:
                found[parts["place"]["valueReference"]["reference"].split("/")[1]] = (float(parts["chance"]["valueDecimal"]), said)
        return found

    def test_shared_person(self):
        self.ok(self.one.put("Practitioner/shared", person("shared")))
        self.ok(self.one.put(f"PractitionerRole/shared-{ONE}", duty("shared", ONE)))
        self.assertEqual(self.other.put(f"PractitionerRole/shared-{OTHER}", duty("shared", OTHER)).status, 403)
        self.ok(self.room.put(f"PractitionerRole/shared-{OTHER}", duty("shared", OTHER)))
        before = self.options()
        until = instant(hours=12)
        self.ok(self.one.put("Practitioner/shared", person("shared", until)))
        during = self.options()
        local = (datetime.datetime.fromisoformat(until.replace("Z", "+00:00")) + datetime.timedelta(hours=9)).strftime("%H:%M")
        for place in (ONE, OTHER):
            self.assertIsNone(before[place][1])
            self.assertLess(during[place][0], .5 * before[place][0])
            self.assertIn(f"until {local}", during[place][1]["en"])
            self.assertIn(f"{local}까지 수술 중", during[place][1]["ko"])
            self.assertNotIn("합성 shared", during[place][1]["ko"])
        for place in before.keys() - {ONE, OTHER}:
            self.assertEqual(during[place], before[place])
        # a second who is free, at one of the two alone
        self.ok(self.other.put("Practitioner/second", person("second")))
        self.ok(self.other.put(f"PractitionerRole/second-{OTHER}", duty("second", OTHER)))
        after = self.options()
        self.assertEqual((after[OTHER], after[ONE]), (before[OTHER], during[ONE]))
        # whose turn of duty is over counts for nothing
        self.ok(self.other.put(f"PractitionerRole/second-{OTHER}", duty("second", OTHER, period={"end": instant(seconds=-5)})))
        self.assertEqual(self.options()[OTHER], during[OTHER])
        self.ok(self.room.put("Practitioner/shared", person("shared")))
        self.assertEqual(self.options(), before)
        # over by itself
        self.ok(self.other.put("Practitioner/shared", person("shared", instant(seconds=3), OTHER)))
        self.assertIsNotNone(self.options()[ONE][1])
        time.sleep(3.1)
        self.assertEqual(self.options(), before)

    def test_refused(self):
        self.ok(self.one.put("Practitioner/own", person("own")))
        self.ok(self.one.put(f"PractitionerRole/own-{ONE}", duty("own", ONE, "Y0020")))
        stands = self.http.get("Practitioner/own").json
        claimed = {**stands, **person("own", instant(hours=2), "A2200009")}
        for name, enter in doors(self.server, self.third, stands, claimed):
            with self.subTest(door=name):
                self.assertEqual(enter().status, 403)
        for wrong in (person("own", instant(minutes=-10)), person("own", instant(hours=25)), person("own", "14:20"), person("own", instant(hours=1), at=instant(hours=1))):
            with self.subTest(wrong=wrong["extension"][0]["extension"]):
                answer = self.one.put("Practitioner/own", wrong)
                self.assertIn(answer.status, (400, 422), answer)
                self.assertNotIn("합성", answer.diagnostics)
        self.assertEqual(self.one.put("Practitioner/own", person("own", instant(hours=1), "A2200009")).status, 403)
        self.assertEqual(self.third.delete(f"PractitionerRole/own-{ONE}").status, 403)
        self.assertEqual(self.third.put(f"PractitionerRole/mine-{ONE}", duty("mine", ONE)).status, 403)
        for member in ("organization", "practitioner", "specialty"):
            broken = {k: v for k, v in duty("own", ONE).items() if k != member}
            self.assertIn(self.one.put(f"PractitionerRole/own-{ONE}", broken).status, (403, 422))
        self.assertEqual(self.http.get("Practitioner/own").json["meta"]["versionId"], stands["meta"]["versionId"])


if __name__ == "__main__":
    unittest.main()
