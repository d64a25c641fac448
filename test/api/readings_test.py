"""What a reading may hide: the posterior over needs behind $rank-places and $send, over real HTTP. Synthetic patients."""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "laws"))
import province  # noqa: E402
from province import reference  # noqa: E402

POSTS = ["gw-post-1406", "gw-post-1408", "gw-post-1427", "gw-post-1370", "gw-post-1380"]  # Pyeongchang, Gangneung, Jeongseon
TRAUMA = "SY-TRAUMA"


def part(value, name):
    return next((p for p in value["part"] if p["name"] == name), None)


def options(answer):
    return [p for p in answer.json["parameter"] if p["name"] == "option"]


def place(option):
    return part(option, "place")["valueReference"]["reference"]


def reasons(option):
    return {part(p, "code")["valueString"]: (part(p, "ko")["valueString"], part(p, "en")["valueString"]) for p in option["part"] if p["name"] == "reason"}


class Readings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = province.Server(region=province.REGION)
        cls.http = cls.server.client
        cls.patient = province.new_patient(cls.http, province.hip)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def rank(self, origin=POSTS[1], level=2, **extra):
        listed = [reference("patient", f"Patient/{self.patient}"), reference("origin", f"Organization/{origin}"),
                  {"name": "human-level", "valueInteger": level}, {"name": "limit", "valueInteger": 50}]
        listed += [{"name": name.replace("_", "-"), **value} for name, value in extra.items()]
        return self.http.post("$rank-places", {"resourceType": "Parameters", "parameter": listed})

    def test_the_first_choice_changes(self):
        changed = 0
        for post in POSTS:
            doubted, certain = self.rank(post), self.rank(post, confirmed_need={"valueCode": "SY-ORTHO"})
            self.assertEqual((doubted.status, certain.status), (200, 200), (doubted, certain))
            self.assertFalse([p for p in certain.json["parameter"] if p["name"] == "may-need"])
            self.assertFalse([o for o in options(certain) if part(o, "wrong")])
            first, other = options(doubted)[0], options(certain)[0]
            if place(first) != place(other):
                changed += 1
                there = next(o for o in options(doubted) if place(o) == place(other))
                less = (part(first, "wrong") or {"valueDecimal": 0})["valueDecimal"]
                self.assertLess(less, part(there, "wrong")["valueDecimal"], "it is the surer of the two")
        self.assertGreaterEqual(changed, 1)

    def test_each_option_tells(self):
        answer = self.rank()
        doubts = {part(p, "code")["valueCode"]: part(p, "chance")["valueDecimal"] for p in answer.json["parameter"] if p["name"] == "may-need"}
        self.assertGreater(doubts[TRAUMA], .1)
        self.assertLess(sum(doubts.values()), 1)
        told = 0
        for option in options(answer):
            wrong = part(option, "wrong")
            if wrong and wrong["valueDecimal"] >= .15:
                korean, english = reasons(option)["may-need"]
                self.assertIn(f"{doubts[TRAUMA] * 100:.0f} %", korean)
                self.assertIn("권역외상센터", korean)
                self.assertIn("which this place does not have", english)
                self.assertRegex(korean, "권역외상센터 진료[^가]*가 필요하며", "the particle that fits")
                self.assertGreater(part(option, "wrong-minutes")["valueDecimal"], 30)
                told += 1
        self.assertGreater(told, 3)
        self.assertNotRegex(str([reasons(option) for option in options(answer)]), r"이\(가\)|을\(를\)|\(으\)로", "one particle, not both")
        surer = [o for o in options(answer) if (part(o, "wrong") or {"valueDecimal": 0})["valueDecimal"] < .15]
        self.assertTrue(surer, "somebody treats both")
        for option in surer:  # at night its team may be away
            self.assertNotIn("which this place does not have", reasons(option).get("may-need", ("", ""))[1])

    def test_in_an_emergency_department_nothing_is_doubted(self):
        answer = self.rank(origin="A2200008")
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(options(answer))
        self.assertFalse([o for o in options(answer) if part(o, "wrong")])
        self.assertFalse([p for p in answer.json["parameter"] if p["name"] == "may-need"])

    def test_what_was_doubted_is_kept(self):
        answer = self.rank()
        kept = next(p for p in answer.json["parameter"] if p["name"] == "decision")["valueReference"]["reference"]
        stored = {e["url"].rsplit("/", 1)[1]: e["valueString"] for e in self.http.get(kept).json["extension"]}
        self.assertIn('"format":"soyang-decision/4"', stored["decision-inputs"])
        self.assertIn('"need":"SY-TRAUMA"', stored["decision-inputs"])
        self.assertIn('"wrong":', stored["decision-outputs"])

    def test_bad_input(self):
        for value, status, where in (({"valueCode": "SY-NOTHING"}, 422, "valueCode"), ({"valueString": "SY-ORTHO"}, 400, "valueCode")):
            answer = self.rank(confirmed_need=value)
            self.assertEqual(answer.status, status, answer)
            self.assertIn(where, answer.json["issue"][0]["expression"][0])
        for minutes in (-1, 241):
            answer = self.rank(ready_in={"valueInteger": minutes})
            self.assertEqual(answer.status, 400, answer)
            self.assertIn("valueInteger", answer.json["issue"][0]["expression"][0])

    def test_the_loop_asks_by_it(self):
        """The deadline of the first offers passes; who is asked next is ranked with the same doubts and what is left until the patient can leave."""
        patient = province.new_patient(self.http, province.hip)
        answer = self.http.post("$send", {"resourceType": "Parameters", "parameter": [
            reference("patient", f"Patient/{patient}"), reference("encounter", f"Encounter/{patient}-visit"),
            reference("requester", f"Organization/{POSTS[1]}"), {"name": "human-level", "valueInteger": 3}, {"name": "ready-in", "valueInteger": 30}]})
        self.assertEqual(answer.status, 200, answer)
        offer = next(p["resource"] for p in answer.json["parameter"] if p["name"] == "offer")
        offer = self.http.get("Task/" + offer["id"]).json
        declined = province.receiver(self.server, offer).put("Task/" + offer["id"], province.declined(offer), headers={"If-Match": province.tag(offer)})
        self.assertEqual(declined.status, 200, declined)
        time.sleep(.1)
        bundle = self.http.get("GuidanceResponse?subject=Patient/" + patient + "&_count=50").json
        inputs = [e["valueString"] for entry in bundle.get("entry", []) for e in entry["resource"].get("extension", []) if e["url"].endswith("decision-inputs")]
        self.assertGreaterEqual(len(inputs), 2)
        for text in inputs:
            self.assertIn('"doubts":', text)
            self.assertRegex(text, r'"ready_min":(30|29\.\d+)')


if __name__ == "__main__":
    unittest.main()
