"""`soyang policy`: what cannot be lived by is refused with its path, signatures hold for these bytes and this key alone, and recorded
decisions are held against another policy."""
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "laws"))
from cli_test import story_bundle  # noqa: E402
from province import POST, PROGRAM, ROOT, Client, Server, new_patient, reference  # noqa: E402

POLICY = ROOT / "regions/korea/policy.json"


def run(*words):
    return subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True, timeout=120)


class Policy(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="soyang-policy-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def changed(self, change):
        policy = json.loads(POLICY.read_text(encoding="utf-8"))
        change(policy)
        path = self.folder / "policy.json"
        path.write_text(json.dumps(policy, ensure_ascii=False), encoding="utf-8")
        return path

    def test_the_province_s_own_is_sound(self):
        self.assertEqual(run("policy", "check", POLICY).returncode, 0)

    def test_faults_name_the_path(self):
        def then(at, value):
            return lambda p: p["triggers"][at].update(then=value)
        cases = [
            (then(2, "widen"), "triggers[0].then", "a cycle: widen -> designate -> delayed -> widen"),
            (then(0, "widen"), "triggers[0].then", "a cycle: widen -> widen"),
            (then(1, "nowhere"), "triggers[1].then", "there is no clock 'nowhere'"),
            (lambda p: p["triggers"][2].pop("then"), "triggers[2].then", "without an end"),
            (lambda p: p["triggers"].pop(1), "triggers[0].then", "there is no clock 'designate'"),
            (lambda p: p.update(triggers=[]), "triggers", "without an end"),
            (lambda p: p["triggers"][0].update(action="ring-a-bell"), "triggers[0].action", "no action 'ring-a-bell'"),
            (lambda p: p["deadlines_minutes"].pop("take-over"), "deadlines_minutes.take-over", "without an end"),
            (lambda p: p["levels"].pop(2), "levels", "level 3 is missing"),
            (lambda p: p["caps"]["open_offers_per_department"].update(value=-1), "caps.open_offers_per_department", "not below 0"),
            (lambda p: p.update(tresholds={}), "tresholds", "no such member"),
            (lambda p: p["confirmation"]["by"].update(value=["hospital", "crew"]), "confirmation.by", "not 'crew'"),
            (lambda p: p["levels"].append(dict(p["levels"][0])), "levels[5].level", "given twice"),
            (lambda p: p["levels"][0]["offer_minutes"].update(value=1e300), "levels.offer_minutes", "at most"),
            (lambda p: p["extremes"][0].update(levels=[9]), "extremes[0].levels", "each 1 to 5"),
            (lambda p: p["extremes"][0].update(choose="nearest"), "extremes[0].choose", "best-plan"),
            (lambda p: p["extremes"][1].update(needs=[]), "extremes[1].needs", "codes of needs"),
            (lambda p: p["extremes"][1].update(needs=["SY-TRAUMA", "SY-TRAUMMA"]), "extremes[1].needs[1]", "no such need"),
            (lambda p: p["extremes"][0].update(needs=[7]), "extremes[0].needs[0]", "no such need"),
            (lambda p: p["triggers"][0].update(levels=[]), "triggers[0].levels", "each 1 to 5"),
            (lambda p: p["patient_terms"]["levels"].update(value=[3, "4"]), "patient_terms.levels", "each 1 to 5"),
            (lambda p: p["board"]["ignored_after_minutes"].update(value=5), "board.ignored_after_minutes", "begun to fade"),
            (lambda p: p["consult"]["answer_minutes"].update(value=[5, 10]), "consult.answer_minutes", "one a level"),
            (lambda p: p["consult"]["escalated_minutes"].update(value=[0, 0, 0, 0, 0]), "consult.escalated_minutes", "above 0"),
            (lambda p: p["surge"]["level_weights"].update(value=[1, 2, 3, 4, -5]), "surge.level_weights", "above 0"),
            (lambda p: p["confirmation"].pop("by"), "confirmation.by", "a list of whose word"),
            (lambda p: p.update(format="soyang-policy/9"), "format", "soyang-policy/1"),
        ]
        for change, path, words in cases:
            with self.subTest(path=path, words=words):
                answer = run("policy", "check", self.changed(change))
                self.assertEqual(answer.returncode, 1)
                self.assertIn(path, answer.stderr)
                self.assertIn(words, answer.stderr)

    def test_a_region_s_own_needs(self):
        """A region may define needs of its own: its policy names them, and no others."""
        gangwon, korea = self.folder / "gangwon", self.folder / "korea"
        shutil.copytree(ROOT / "regions/gangwon", gangwon)
        shutil.copytree(ROOT / "regions/korea", korea)
        with (korea / "needs-own.csv").open("a", encoding="utf-8") as file:
            file.write("SY-OWN,1,지역 진료,A region's own care,definitive,any,24,hvec,for a test,own\n")
        path = korea / "policy.json"
        policy = json.loads(path.read_text(encoding="utf-8"))
        policy["extremes"][1]["needs"].append("SY-OWN")
        path.write_text(json.dumps(policy, ensure_ascii=False), encoding="utf-8")
        alone = run("policy", "check", path)
        self.assertEqual(alone.returncode, 1)
        self.assertIn("no such need among those that the program knows", alone.stderr)
        self.assertIn("--region DIR", alone.stderr)
        with_region = run("policy", "check", path, "--region", gangwon)
        self.assertEqual(with_region.returncode, 0, with_region.stderr)
        codes = sum(len((korea / name).read_text(encoding="utf-8").splitlines()) - 1 for name in ("conditions.csv", "needs-own.csv"))
        self.assertIn(f"needs: the {codes} codes of {gangwon}", with_region.stderr)
        self.assertEqual(run("region", "load", gangwon, "--data", self.folder / "data").returncode, 0, "the door takes it too")
        policy["extremes"][1]["needs"][-1] = "SY-OWNN"
        path.write_text(json.dumps(policy, ensure_ascii=False), encoding="utf-8")
        for words in (["policy", "check", path, "--region", gangwon], ["region", "load", gangwon, "--data", self.folder / "other"]):
            wrong = run(*words)
            self.assertEqual(wrong.returncode, 1)
            self.assertIn("no such need", wrong.stderr)
        self.assertEqual(run("policy", "check", path, "--region", self.folder / "nowhere").returncode, 1)

    def test_a_signature_is_of_these_bytes_and_this_key(self):
        policy = self.changed(lambda p: None)
        key, other = self.folder / "key", self.folder / "other"
        for name in (key, other):
            self.assertEqual(run("policy", "key", name).returncode, 0)
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        self.assertEqual(run("policy", "key", key).returncode, 1, "a key is never written over")
        self.assertEqual(run("policy", "sign", policy, "--key", key).returncode, 0)
        self.assertEqual(run("policy", "verify", policy, "--key", f"{key}.pub").returncode, 0)
        refused = run("policy", "verify", policy, "--key", f"{other}.pub")
        self.assertIn("another key", refused.stderr)
        signature = json.loads((self.folder / "policy.json.sig").read_text())
        signature["signature"] = ("B" if signature["signature"][0] != "B" else "C") + signature["signature"][1:]
        (self.folder / "forged.sig").write_text(json.dumps(signature))
        forged = run("policy", "verify", policy, "--key", f"{key}.pub", "--signature", self.folder / "forged.sig")
        self.assertIn("does not hold", forged.stderr)
        policy.write_text(policy.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        self.assertIn("another policy", run("policy", "verify", policy, "--key", f"{key}.pub").stderr)
        os.chmod(key, 0o644)
        self.assertIn("chmod 600", run("policy", "sign", policy, "--key", key).stderr)

    def test_a_broken_policy_is_not_loaded(self):
        regions = self.folder / "regions"
        shutil.copytree(ROOT / "regions", regions)
        policy = regions / "korea/policy.json"
        policy.write_text(policy.read_text(encoding="utf-8").replace('"then": "end"', '"then": "widen"'), encoding="utf-8")
        data = self.folder / "data"
        refused = run("region", "load", regions / "gangwon", "--data", data)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("a cycle", refused.stderr)
        policy.write_text(POLICY.read_text(encoding="utf-8"), encoding="utf-8")
        loaded = run("region", "load", regions / "gangwon", "--data", data)
        self.assertEqual(loaded.returncode, 0, loaded.stderr)
        self.assertIn("0 unchanged", loaded.stdout, "the refused load has written nothing")
        self.assertIn("0 decisions", run("policy", "replay", policy, "--data", data).stdout)

    def chance_beside_an_old_zero(self, change):
        """What ranking gives a place whose intensive care said 90 minutes ago that it is full, under a changed policy."""
        regions = self.folder / f"regions-{len(list(self.folder.iterdir()))}"
        shutil.copytree(ROOT / "regions", regions)
        policy = json.loads(POLICY.read_text(encoding="utf-8"))
        change(policy["board"])
        (regions / "korea/policy.json").write_text(json.dumps(policy, ensure_ascii=False), encoding="utf-8")
        server = Server(region=regions / "gangwon")
        try:
            place = "A2200008"
            board = server.client.get(f"MeasureReport/capacity-{place}").json
            said = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
            groups = [{k: v for k, v in g.items() if k != "extension"} for g in board["group"] if g["code"]["coding"][0]["code"] in ("hv34", "hv6")]
            for group in groups:
                group["population"] = [{**p, "count": 0} if p["code"]["coding"][0]["code"] == "free" else p for p in group["population"]]
            typed = {**board, "date": said, "period": {"start": said, "end": said}, "reporter": {"reference": f"Organization/{place}"}, "group": groups}
            typed.pop("text", None)
            answer = Client(server.port, place, "receiving").put(f"MeasureReport/capacity-{place}", {k: v for k, v in typed.items() if k != "meta"})
            self.assertEqual(answer.status, 200, answer)
            patient = new_patient(server.client)
            ranked = Client(server.port, POST, "primary-care").post("$rank-places", {"resourceType": "Parameters", "parameter": [
                reference("patient", f"Patient/{patient}"), reference("encounter", f"Encounter/{patient}-visit"), {"name": "human-level", "valueInteger": 2}]})
            self.assertEqual(ranked.status, 200, ranked)
            for option in (p["part"] for p in ranked.json["parameter"] if p["name"] == "option"):
                if {"reference": f"Organization/{place}"}.items() <= next(p["valueReference"] for p in option if p["name"] == "place").items():
                    return next(p["valueDecimal"] for p in option if p["name"] == "chance")
            return None
        finally:
            server.close()

    def test_what_an_old_board_costs_is_the_province_s(self):
        """Over 60 minutes it lowers the chance and excludes nobody; by how much, and from when, the policy says."""
        usual = self.chance_beside_an_old_zero(lambda board: None)
        dear = self.chance_beside_an_old_zero(lambda board: board["unknown_chance_factor"].update(value=0.5))
        believed = self.chance_beside_an_old_zero(lambda board: board["ignored_after_minutes"].update(value=10000))
        self.assertIsNotNone(usual, "an old zero excludes nobody")
        self.assertAlmostEqual(dear / usual, 0.5 / 0.85, places=2)
        self.assertLess(believed, usual * 0.6, "believed for longer, the zero counts")

    def test_recorded_decisions_under_another_policy(self):
        data, bundle = self.folder / "data", self.folder / "patient.json"
        loaded = run("region", "load", ROOT / "regions/gangwon", "--data", data, "--assumptions")
        self.assertEqual(loaded.returncode, 0, loaded.stderr)
        bundle.write_text(json.dumps(story_bundle(), ensure_ascii=False), encoding="utf-8")
        ranked = run("match", bundle, "--data", data, "--origin", "gw-post-1429", "--json")
        self.assertEqual(ranked.returncode, 0, ranked.stderr)
        same = run("policy", "replay", POLICY, "--data", data, "--json")
        self.assertEqual(json.loads(same.stdout), {"decisions": 1, "differ": 0, "mean_minutes": 0, "gone": 0})

        def dear(policy):
            for level in policy["levels"]:
                level["parallel_offers"]["value"] = 3
                level["ask_cost_minutes"]["value"] = 0
                level["offer_minutes"]["value"] = 20
        other = run("policy", "replay", self.changed(dear), "--data", data, "--json")
        difference, total = map(json.loads, other.stdout.splitlines())
        self.assertEqual((total["decisions"], total["differ"]), (1, 1))
        self.assertNotEqual(difference["was"], difference["would"])
        self.assertIn(" + ", difference["would"])


if __name__ == "__main__":
    unittest.main()
