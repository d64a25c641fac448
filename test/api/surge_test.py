"""$surge and `soyang surge`: the answer is feasible, proved by its own prices, and says who gives way. Holds no Soyang code."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from soyang_server import PROGRAM, ROOT, Client, Server

SCENE = {"latitude": 37.75, "longitude": 128.9}


def part(name, kind, value):
    return {"name": name, kind: value}


def patient(label, level, count=1, needs=(), **extra):
    parts = [part("label", "valueString", label), part("level", "valueInteger", level), part("count", "valueInteger", count)]
    parts += [part("need", "valueCode", code) for code in needs]
    for name, value in {**SCENE, **extra}.items():
        if value is not None:
            parts.append(part(name, "valueDecimal", value))
    return {"name": "patient", "part": parts}


def bed(name, place, kind, free):
    return {"name": name, "part": [part("place", "valueReference", {"reference": f"Organization/{place}"}), part("bed", "valueCode", kind),
                                   part("free", "valueInteger", free)]}


def wave(*items):
    return {"resourceType": "Parameters", "parameter": list(items)}


def parts(item):
    return {p["name"]: p for p in item.get("part", [])}


def all_of(answer, name):
    return [parts(p) for p in answer.json["parameter"] if p["name"] == name]


def place_of(item, name="place"):
    return item[name]["valueReference"]["reference"].split("/")[1] if name in item else None


class Surge(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(region=ROOT / "regions/gangwon")
        cls.room = Client(cls.server.port, "gw-control-room", "control-room")

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def ask(self, *items, status=200):
        answer = self.room.post("$surge", wave(*items))
        self.assertEqual(answer.status, status, answer)
        return answer

    def test_certificate_and_beds(self):
        answer = self.ask(patient("red", 1, 8, ["SY-TRAUMA"]), patient("yellow", 3, 60), patient("green", 5, 40))
        certificate = all_of(answer, "certificate")[0]
        self.assertTrue(certificate["optimal"]["valueBoolean"])
        self.assertEqual(certificate["primal"]["valueDecimal"], certificate["dual"]["valueDecimal"])
        patients, beds = all_of(answer, "patient"), all_of(answer, "beds")
        self.assertEqual(len(patients), 108)
        kept = next(p["valueReference"]["reference"] for p in answer.json["parameter"] if p["name"] == "decision")
        record = self.server.client.get(kept).json
        self.assertTrue(record["moduleUri"].endswith("/OperationDefinition/surge"), record["moduleUri"])
        part_of = lambda name: json.loads("".join(e["valueString"] for e in record["extension"] if e["url"].endswith(name)))
        outputs = part_of("/surge-outputs")
        self.assertEqual(sum(row["patients"] for row in outputs["placed"]), 108)
        self.assertEqual(sum(row["patients"] for row in outputs["placed"] if "gives_way_at" in row), sum("gives-way" in p for p in patients))
        self.assertEqual(outputs["certificate"]["primal"], outputs["certificate"]["dual"])
        self.assertEqual([g["count"] for g in part_of("/surge-inputs")["groups"]], [8, 60, 40])
        used = {}
        for p in patients:
            if "unplaced" not in p:
                key = (place_of(p), p.get("bed", {}).get("valueCode"))
                used[key] = used.get(key, 0) + 1
        for b in beds:
            key = (place_of(b), b.get("bed", {}).get("valueCode"))
            self.assertEqual(used.get(key, 0), b["used"]["valueInteger"])
            self.assertLessEqual(b["used"]["valueInteger"], b["free"]["valueInteger"])
            if b["price"]["valueDecimal"] > 0:
                self.assertEqual(b["used"]["valueInteger"], b["free"]["valueInteger"], "a free bed has a price")
            self.assertTrue("age" in b and "author" in b or "assumed" in b, "a count without age and author")
        self.assertGreater(sum("gives-way" in p for p in patients), 0)

    def test_exchange(self):
        group = patient("yellow", 3, 30)
        first = self.ask(group)
        full = next(b for b in all_of(first, "beds") if b["used"]["valueInteger"] > 1 and b["price"]["valueDecimal"] > 0)
        place, kind, free = place_of(full), full["bed"]["valueCode"], full["free"]["valueInteger"]
        changed = self.ask(group, bed("change", place, kind, free - 1))
        exchange = next(p for p in changed.json["parameter"] if p["name"] == "exchange")
        moves = [parts(p) for p in exchange["part"] if p["name"] == "move"]
        self.assertGreater(len(moves), 0)
        self.assertEqual(place_of(moves[0], "from"), place)
        self.assertTrue(all_of(changed, "certificate")[0]["optimal"]["valueBoolean"])
        self.assertLess(parts(exchange)["milliseconds"]["valueDecimal"], 1000)
        typed = self.ask(group, bed("bed", place, kind, free - 1))
        cost = [all_of(a, "certificate")[0]["primal"]["valueDecimal"] for a in (changed, typed)]
        self.assertEqual(cost[0], cost[1], "the warm answer costs what the cold one does")

    def test_urgent_first(self):
        answer = self.ask(patient("green", 5, 200), patient("red", 1, 1))
        red = next(p for p in all_of(answer, "patient") if p["label"]["valueString"] == "red")
        self.assertNotIn("unplaced", red)
        self.assertNotIn("gives-way", red)

    def inputs_of(self, answer, name):
        kept = next(p["valueReference"]["reference"] for p in answer.json["parameter"] if p["name"] == "decision")
        return json.loads("".join(e["valueString"] for e in self.server.client.get(kept).json["extension"] if e["url"].endswith(name)))

    def test_a_reading_is_weighed_as_in_ranking(self):
        """The same posterior, place by place, as $rank-places keeps for one such patient."""
        complaint = {"resourceType": "Bundle", "type": "collection", "entry": [
            {"resource": {"resourceType": "Patient", "id": "p", "birthDate": "1960-01-01"}},
            {"resource": {"resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "EMER"}, "subject": {"reference": "Patient/p"}, "period": {"start": "2026-01-01T00:00:00Z"}, "reasonCode": [{"text": "쥐어짜는 가슴 통증, 식은땀"}]}},
            {"resource": {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "code": {"text": "심전도 ST분절 상승"}}}]}
        ranked = self.room.post("$rank-places", wave({"name": "bundle", "resource": complaint}, part("human-level", "valueInteger", 2),
                                                     {"name": "origin", "part": [part("latitude", "valueDecimal", 37.75), part("longitude", "valueDecimal", 128.9)]}))
        self.assertEqual(ranked.status, 200, ranked)
        case = self.inputs_of(ranked, "/decision-inputs")["case"]
        self.assertGreater(len(case["doubts"]), 0)
        question = patient("read", 2, 3, case["needs"])
        question["part"].append(part("age-months", "valueInteger", case["age_months"]))
        kept = self.inputs_of(self.ask(question), "/surge-inputs")
        self.assertEqual(kept["format"], "soyang-surge/2")
        self.assertEqual(kept["groups"][0]["doubt"], 0)
        self.assertEqual(kept["doubts"][0]["may_need"], [[d["need"], d["chance"]] for d in case["doubts"]])
        self.assertEqual({p: c for p, c, _ in kept["doubts"][0]["wrong"]}, {w["place"]: w["chance"] for w in case["wrong"]})

    def test_what_is_confirmed_is_not_doubted(self):
        read = patient("x", 2, 1, ["SY-ED"])
        sure = patient("x", 2, 1, ["SY-ED"])
        sure["part"].append(part("confirmed-need", "valueCode", "SY-ED"))
        doubted, certain = self.ask(read), self.ask(sure)
        costs = [all_of(a, "certificate")[0]["primal"]["valueDecimal"] for a in (doubted, certain)]
        self.assertGreater(costs[0], costs[1], "what a reading may hide costs something")
        self.assertNotIn("wrong", all_of(certain, "patient")[0])
        self.assertNotIn("doubt", self.inputs_of(certain, "/surge-inputs")["groups"][0])
        self.assertEqual(self.inputs_of(certain, "/surge-inputs")["groups"][0]["confirmed"], "SY-ED")
        mild = self.inputs_of(self.ask(patient("x", 4, 1, ["SY-ED"])), "/surge-inputs")
        self.assertEqual(mild["doubts"], [], "levels 4 and 5 are taken as they are read")
        self.assertNotIn("doubt", mild["groups"][0])

    def test_refused(self):
        cases = [
            (wave(bed("bed", "A2200001", "hvec", 1)), 400, "patient"),
            (wave(patient("x", 0)), 422, "level"),
            (wave(patient("x", 3, latitude=35.1, longitude=129.0)), 422, "outside the region"),
            (wave(patient("x", 3, latitude=None)), 400, "latitude"),
            (wave(patient("x", 3, 20001)), 422, "count"),
            (wave(patient("x", 3, 15000), patient("y", 3, 15000)), 413, "wave"),
            (wave(patient("x", 3, needs=["Y9999"])), 422, "need"),
            (wave({"name": "patient", "part": patient("x", 3)["part"] + [part("confirmed-need", "valueCode", "Y9999")]}), 422, "need"),
            (wave(patient("x", 3), bed("bed", "nowhere", "hvec", 1)), 422, "no place"),
            (wave(patient("x", 3), bed("bed", "A2200001", "hv999", 1)), 422, "bed"),
            (wave(patient("x", 3), bed("bed", "A2200001", "hvec", -1)), 422, "free"),
            (wave(patient("x", 3), {"name": "weather", "valueString": "snow"}), 400, "parameter"),
        ]
        for body, status, words in cases:
            answer = self.room.post("$surge", body)
            self.assertEqual(answer.status, status, (words, answer))
            self.assertIn(words, answer.diagnostics)
        sender = Client(self.server.port, "gw-post-1429", "primary-care")
        self.assertEqual(sender.post("$surge", wave(patient("x", 3))).status, 403)

    def test_command(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "wave.json"
            file.write_text(json.dumps(wave(patient("red", 1, 2, ["SY-TRAUMA"]), patient("yellow", 3, 20), bed("change", "A2200001", "hvec", 0))))
            url = f"http://127.0.0.1:{self.server.port}"
            for language, words, place, other in (("en", "nothing better is possible", "Wonju Severance Christian Hospital", "원주세브란스기독병원"),
                                                  ("ko", "더 나은 배정이 없음", "원주세브란스기독병원", "Wonju Severance Christian Hospital")):
                done = subprocess.run([PROGRAM, "surge", str(file), "--url", url, "--language", language], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(words, done.stdout)
                self.assertIn(place, done.stdout, "places by their name in the language asked for")
                self.assertNotIn(other, done.stdout)
            done = subprocess.run([PROGRAM, "surge", str(file), "--url", url, "--json"], capture_output=True, text=True)
            self.assertEqual(json.loads(done.stdout)["resourceType"], "Parameters")
            self.assertEqual(subprocess.run([PROGRAM, "surge", str(file), "--nothing"], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
