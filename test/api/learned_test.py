"""What was learned of a place is for that place and the control room: no door of the record tells it to anybody else, and every decision
replays all the same. Doors and roles are tables: a new door is one line. Synthetic patients."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "laws"))
import province  # noqa: E402
from province import PROGRAM, ROOT, Client, Server, reference  # noqa: E402

ROLES = [  # name, organisation (None: another hospital, "own": the place itself), role
    ("crew", "gw-119", "crew"), ("crew of the place", "own", "crew"), ("another hospital", None, "receiving"), ("health post", province.POST, "primary-care"),
    ("planner", "gw-province", "planner"), ("planner of the place", "own", "planner"), ("researcher", "gw-province", "researcher"),
    ("administrator", "gw-local", "administrator")]
SHOWN = [("the place itself", "own", "receiving"), ("control room", province.CONTROL_ROOM, "control-room")]
# what must not be told: the members of a belief, the answers behind a chance, what a chance was before them
PRIVATE = re.compile(r'\\?"(learned|corrections|shift|weight|board_trust|learned_from|salt|learned-from|board-trust|answers-counting)\\?"'
                     r"|recent answers;|최근 응답 \d|from [\d.]+ (recent )?answer")


def entry(url):
    return {"request": {"method": "GET", "url": url}}


def doors(case):
    """(name, path or (path, body)) of everything that gives out a decision."""
    kept, patient = case.kept, case.patient
    rank = {"resourceType": "Parameters", "parameter": [reference("patient", f"Patient/{patient}"), reference("encounter", f"Encounter/{patient}-visit"),
                                                        reference("origin", f"Organization/{province.POST}"), {"name": "human-level", "valueInteger": 2}]}
    hook = {"hook": "patient-view", "hookInstance": str(uuid.uuid4()), "context": {"userId": "Practitioner/x", "patientId": patient, "encounterId": patient + "-visit"}}
    return [
        ("read", kept), ("vread", f"{kept}/_history/1"), ("history", f"{kept}/_history"), ("type history", "GuidanceResponse/_history?_count=200"),
        ("system history", "_history?_count=500"), ("search", f"GuidanceResponse?subject=Patient/{patient}&_count=200"),
        ("search by post", ("GuidanceResponse/_search?_count=200", None)), ("elements", f"GuidanceResponse?_id={kept.split('/')[1]}&_elements=extension"),
        ("revinclude", f"Patient?_id={patient}&_revinclude=GuidanceResponse:subject"), ("text", f"GuidanceResponse?_content=learned&_count=200"),
        ("compartment", f"Patient/{patient}/GuidanceResponse"), ("$everything", f"Patient/{patient}/$everything?_count=500"),
        ("xml", f"{kept}?_format=xml"), ("task", "Task?_count=200"), ("audit", "AuditEvent?_count=200"), ("provenance", "Provenance?_count=200"),
        ("risk", "RiskAssessment?_count=200"), ("belief as a resource", "Basic?_count=200"),
        ("batch", ("", {"resourceType": "Bundle", "type": "batch", "entry": [entry(kept), entry(f"GuidanceResponse?subject=Patient/{patient}")]})),
        ("transaction", ("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry(kept)]})),
        ("$rank-places", ("$rank-places", rank)), ("cds card", ("/cds-services/soyang-patient-view", hook)),
    ]


class Learned(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(region=province.REGION)
        cls.http = cls.server.client
        cls.taught = None
        for number in range(4):  # the place that is asked first says no four times
            patient = province.new_patient(cls.http, province.infarction, f"taught-{number}")
            _, loop, offers = province.send(cls.http, patient, 2)
            asked = next((o for o in offers if province.owner_of(o) == cls.taught), offers[0])
            cls.taught = cls.taught or province.owner_of(asked)
            if province.owner_of(asked) == cls.taught:
                answer = province.receiver(cls.server, asked).put("Task/" + asked["id"], province.declined(asked, "icu-full"), headers={"If-Match": province.tag(asked)})
                assert answer.status == 200, answer
        cls.patient = province.new_patient(cls.http, province.infarction, "asked-now")
        _, loop, _ = province.send(cls.http, cls.patient, 2)
        cls.kept = next(i["valueReference"]["reference"] for i in loop["input"] if i["type"]["coding"][0]["code"] == "decision")

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def caller(self, organisation, role):
        return Client(self.server.port, {"own": self.taught, None: "A2200038"}.get(organisation, organisation), role)

    def test_the_place_is_not_the_stranger(self):
        self.assertNotEqual(self.taught, "A2200038")

    def test_no_door_tells_it(self):
        tried = told = 0
        for who, organisation, role in ROLES:
            caller = self.caller(organisation, role)
            for name, door in doors(self):
                with self.subTest(f"{name} as {who}"):
                    path, body = door if isinstance(door, tuple) else (door, None)
                    raw = path.startswith("/")
                    kind = {"Content-Type": "application/x-www-form-urlencoded"} if path.startswith("GuidanceResponse/_search") else {}
                    kind = {"Content-Type": "application/json"} if raw else kind
                    answer = caller.send("GET" if not isinstance(door, tuple) else "POST", path, body, kind, raw_path=raw)
                    found = PRIVATE.search(answer.raw.decode())
                    self.assertIsNone(found, found and found.group())
                    tried += 1
                    told += answer.status == 200
        self.assertGreater(told, tried * .7, "the doors were open: what was not told was not there")

    def test_the_decision_was_made_with_it(self):
        kept = {e["url"].rsplit("/", 1)[1]: e["valueString"] for e in self.http.get(self.kept).json["extension"]}
        inputs, outputs = json.loads(kept["decision-inputs"]), json.loads(kept["decision-outputs"])
        self.assertEqual(inputs["format"], "soyang-decision/4")
        self.assertRegex(inputs["learned_digest"], r"^[0-9a-f]{64}$")
        self.assertNotIn("learned", inputs["case"])
        reasons = next(o["reasons"] for o in outputs["options"] if o["place"] == self.taught)
        told = next(r for r in reasons if r["code"] == "chance-learned")
        self.assertRegex(told["en"], r"^\d+ % chance of acceptance \(learned from recent answers\)\.$")
        board = next(r for r in reasons if r["code"] == "board")
        self.assertRegex(board["en"], r"\(said \d+ min ago\)\.$", "a fresh board that is believed less is told as it was typed")
        self.assertRegex(told["ko"], r"^수용 가능성 \d+ %\(최근 응답에서 학습\)\.$")

    def learned_from(self, caller):
        body = dict(doors(self))["$rank-places"][1]
        answer = caller.post("$rank-places", body)
        self.assertEqual(answer.status, 200, answer)
        told = set()
        for option in (p["part"] for p in answer.json["parameter"] if p["name"] == "option"):
            parts = {p["name"]: p for p in option}
            if "learned-from" in parts:
                told.add(parts["place"]["valueReference"]["reference"].split("/")[1])
        return told

    def test_who_may_see_it_does(self):
        for who, organisation, role in SHOWN:
            with self.subTest(who):
                caller = self.caller(organisation, role)
                self.assertEqual(caller.get(f"Organization/{self.taught}/$trust").status, 200)
                told = self.learned_from(caller)
                self.assertIn(self.taught, told)
                if organisation == "own":
                    self.assertEqual(told, {self.taught}, "its own, and nobody else's")
        for who, organisation, role in ROLES:
            with self.subTest(who):
                self.assertEqual(self.caller(organisation, role).get(f"Organization/{self.taught}/$trust").status, 403)
                self.assertEqual(self.learned_from(self.caller(organisation, role)) & {self.taught}, set())

    def test_two_decisions_of_one_belief_have_two_digests(self):
        """Nobody finds a belief by trying what its digest would be."""
        found = self.http.get("GuidanceResponse?_count=200").json["entry"]
        inputs = [json.loads(e["valueString"]) for f in found for e in f["resource"]["extension"] if e["url"].endswith("/decision-inputs")]
        digests = [i["learned_digest"] for i in inputs]
        self.assertGreater(len(digests), 4)
        self.assertEqual(len(set(digests)), len(digests))


class Elsewhere(unittest.TestCase):
    """A decision that goes to another folder leaves what was learned behind, and says so there."""

    def replay(self, folder):
        done = subprocess.run([str(PROGRAM), "policy", "replay", str(ROOT / "regions/korea/policy.json"), "--data", str(folder), "--json"],
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1]), done.stderr

    def test_replay_here_and_elsewhere(self):
        here, there = Server(region=province.REGION), Server(region=province.REGION)
        copy = pathlib.Path(str(here.folder) + "-copy")
        try:
            patient = province.new_patient(here.client)
            answer, _, _ = province.send(here.client, patient, 2)
            self.assertEqual(answer.status, 200, answer)
            found = here.client.get("GuidanceResponse?_count=50").json["entry"]
            for moved in (f["resource"] for f in found):
                moved = {k: v for k, v in moved.items() if k not in ("subject", "encounter", "performer")}
                self.assertIn(there.client.put("GuidanceResponse/" + moved["id"], moved).status, (200, 201))
            self.assertEqual((here.stop(), there.stop()), (0, 0))
            total, _ = self.replay(here.folder)
            self.assertEqual((total["decisions"], total["gone"]), (len(found), 0))
            shutil.copytree(here.folder, copy)  # a backup is the folder: nothing is left behind
            total, _ = self.replay(copy)
            self.assertEqual((total["decisions"], total["gone"]), (len(found), 0))
            total, said = self.replay(there.folder)
            self.assertEqual((total["decisions"], total["gone"]), (0, len(found)))
            for moved in found:
                self.assertIn(f"GuidanceResponse/{moved['resource']['id']} is not replayed: what was learned for it is not in this folder", said)
        finally:
            here.close()
            there.close()
            shutil.rmtree(copy, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
