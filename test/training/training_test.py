"""The trainer: the same plan and data give the same bytes; the cards agree with a second computation from the predictions; what
may not be read is refused; nothing is ever lowered. Runs on invented visits, and checks besides whatever cards and predictions
a real training left (docs/models and build/train)."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import measures
import synthetic

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TRAINER = Path(os.environ.get("SOYANG", ROOT / "build/debug/soyang")).parent / "soyang_train"


class Trained:
    """One training in a folder of its own."""

    def __init__(self, plan=None, *options):
        self.folder = Path(tempfile.mkdtemp(prefix="soyang-train-"))
        (self.folder / "invented.csv").write_text(synthetic.text(seed=3, count=500))
        (self.folder / "predictions").mkdir()
        path = self.folder / "plan.json"
        path.write_text(json.dumps(plan) if plan else (HERE / "plan.json").read_text())
        self.run = subprocess.run(
            [TRAINER, "--plan", path, "--data", self.folder, "--policy", ROOT / "regions/korea/triage-policy.json", "--models",
             self.folder, "--cards", self.folder, "--predictions", self.folder / "predictions", *options], capture_output=True, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"})

    def bytes_of(self, ending):
        return (self.folder / f"invented{ending}").read_bytes()

    def close(self):
        shutil.rmtree(self.folder)


class TrainingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not TRAINER.exists():
            raise unittest.SkipTest(f"{TRAINER.name} was not built: libxgboost is missing")
        cls.first = Trained()
        cls.assertEqual(cls(), cls.first.run.returncode, 0, cls.first.run.stderr)

    @classmethod
    def tearDownClass(cls):
        cls.first.close()

    def test_again_gives_the_same_bytes(self):
        second = Trained()
        self.addCleanup(second.close)
        for ending in (".model", ".json", ".md"):
            self.assertEqual(self.first.bytes_of(ending), second.bytes_of(ending), ending)
        predictions = "predictions/invented.csv"
        self.assertEqual((self.first.folder / predictions).read_bytes(), (second.folder / predictions).read_bytes())

    def test_card_agrees_with_a_second_computation(self):
        agree(self, json.loads(self.first.bytes_of(".json")), self.first.folder / "predictions/invented.csv")

    def test_failing_parts_and_intervals_are_told(self):
        words = self.first.bytes_of(".md").decode()
        for output in json.loads(self.first.bytes_of(".json"))["outputs"]:
            for place, what in (("subgroups", ""), ("sites", "hospital "), ("held_out_sites", "held out, hospital "), ("later_period", "the later period ")):
                for part in output[place]:
                    said = f"**Failing**: {what}{part['name']}, observed / expected {part['observed_expected']:.4f} "
                    self.assertEqual(part["failing"], said in words, said)
                    self.assertIn("({:.4f}–{:.4f})".format(*part["observed_expected_interval"]), words)

    def test_goals_are_told_as_they_are(self):
        goals = json.loads(self.first.bytes_of(".json"))["goals"]
        self.assertEqual([goal["met"] for goal in goals], [True, False])
        self.assertIn("**missed**", self.first.bytes_of(".md").decode())

    def test_reporting_items_speak_of_the_model(self):
        card = json.loads(self.first.bytes_of(".json"))
        told = {item["item"]: item["told"] for item in card["tripod_ai"]}
        visits, events = card["data"]["visits"], [output["performance"]["events"] for output in card["outputs"]]
        self.assertEqual(told[1], "Card of invented.")
        self.assertEqual(told[6], f"{visits} visits; {card['data']['left_out_under_age']} left out.")
        self.assertIn(f"level-1-2: Invented (column KTAS_expert; {events[1]} of {visits} visits)", told[8])
        self.assertIn(f"level-1-3 {events[2]} events, {events[2] / len(card['features']):.2f} for each of the {len(card['features'])} inputs", told[10])
        self.assertRegex(told[11], r"^systolic \d+\.\d %, pulse \d+\.\d %\.$")

    def test_bad_reporting_items_are_refused(self):
        for words, said in (("{/data/nothing}", "has no /data/nothing"), ("{events", "not closed")):
            plan = json.loads((HERE / "plan.json").read_text())
            plan["models"][0]["tripod_ai"]["1"] = words
            refused = Trained(plan)
            self.addCleanup(refused.close)
            self.assertEqual(refused.run.returncode, 1)
            self.assertIn(said, refused.run.stderr)

    def test_each_hospital_by_itself(self):
        """One setting, and a calibration for each hospital."""
        plan = json.loads((HERE / "plan.json").read_text())
        model = plan["models"][0]
        model.update({"fixed": True, "goals": [], "outputs": [
            {"name": "level-1-3", "means": "Invented", "label": {"column": "KTAS_expert", "at_most": 3}, "calibrated_by_site": True,
             "grid": [{"max_depth": 2, "eta": 0.2, "rounds": 12, "tree_method": "hist", "max_bin": 32}]}]})
        del model["escalation"]
        trained = Trained(plan)
        self.addCleanup(trained.close)
        self.assertEqual(trained.run.returncode, 0, trained.run.stderr)
        card = json.loads(trained.bytes_of(".json"))
        agree(self, card, trained.folder / "predictions/invented.csv")
        output = card["outputs"][0]
        self.assertIn("before_site_calibration", output)
        for site in output["sites"]:
            self.assertAlmostEqual(site["observed_expected"], 1, delta=0.05)
        model["fixed"] = False
        refused = Trained(plan)
        self.addCleanup(refused.close)
        self.assertEqual(refused.run.returncode, 1)
        self.assertIn("only a fixed model", refused.run.stderr)

    def test_inside_an_outer_fold(self):
        """Forms are compared without the fold's visits: nothing is written, and each fold leaves other visits out."""
        plan = json.loads((HERE / "plan.json").read_text())
        del plan["models"][0]["escalation"]
        plan["models"][0]["goals"], plan["models"][0]["outputs"] = [], plan["models"][0]["outputs"][1:2]
        said = []
        for fold in ("1", "1", "2", "99", "0"):
            inside = Trained(plan, "--inside", fold)
            self.addCleanup(inside.close)
            said.append((inside.run.returncode, inside.run.stdout))
            self.assertFalse(list(inside.folder.glob("invented.[mj]*")) + list((inside.folder / "predictions").iterdir()))
        visits, folds = json.loads(self.first.bytes_of(".json"))["data"]["visits"], plan["models"][0].get("folds", 5)
        lines = said[0][1].splitlines()
        self.assertEqual([code for code, _ in said], [0, 0, 0, 1, 2])
        self.assertEqual(len(lines), plan["models"][0].get("repeats", 1))
        for line in lines:
            told = re.fullmatch(r"inside fold 1, level-1-2, repeat \d: (\d+) visits, log loss (\d\.\d{6}), AUROC (\d\.\d{6}), in the top tenth (\d+)", line)
            self.assertTrue(told, line)
            self.assertAlmostEqual(int(told[1]), visits * (folds - 1) / folds, delta=2)
            self.assertTrue(0 < float(told[2]) < 0.7 and 0.5 < float(told[3]) <= 1, line)
        self.assertEqual(said[0], said[1])
        self.assertNotEqual(said[0][1].split(":", 1)[1], said[2][1].split(":", 1)[1])

    def test_inner_folds_dealt_more_than_once(self):
        """More deals give another calibration; the card holds."""
        plan = json.loads((HERE / "plan.json").read_text())
        del plan["models"][0]["escalation"]
        plan["models"][0]["goals"], plan["models"][0]["outputs"] = [], plan["models"][0]["outputs"][1:2]
        told = []
        for times in (1, 2):
            plan["models"][0]["inner_repeats"] = times
            trained = Trained(plan)
            self.addCleanup(trained.close)
            self.assertEqual(trained.run.returncode, 0, trained.run.stderr)
            agree(self, json.loads(trained.bytes_of(".json")), trained.folder / "predictions/invented.csv")
            told.append([row["probability"] for row in measures.read(trained.folder / "predictions/invented.csv")["level-1-2"][0]])
        self.assertNotEqual(*told)

    def test_no_child_is_in_it(self):
        data = json.loads(self.first.bytes_of(".json"))["data"]
        young = sum(int(line.split(";")[2]) < 16 for line in synthetic.text(3, 500).splitlines()[1:])
        self.assertEqual((data["visits"], data["left_out_under_age"]), (500 - young, young))

    def test_what_is_known_later_is_refused(self):
        plan = json.loads((HERE / "plan.json").read_text())
        plan["sets"][0]["fields"]["crowd"] = {"column": "Disposition"}
        refused = Trained(plan)
        self.addCleanup(refused.close)
        self.assertEqual(refused.run.returncode, 1)
        self.assertIn("never be read", refused.run.stderr)

    def test_bad_plans_are_refused(self):
        for change, told in (({"features": ["agee"]}, "no such feature"), ({"set": "other"}, "no set other"),
                             ({"outputs": []}, "needs outputs"), ({"masked": ["spo2"]}, "does not have"),
                             ({"escalation": {"human": "KTAS_RN", "expert": "KTAS_expert", "rules": [
                                 {"human": 3, "level": 4, "output": "under-triage", "gain": 1, "harm": 1}]}}, "more urgent level")):
            plan = json.loads((HERE / "plan.json").read_text())
            plan["models"][0].update(change)
            refused = Trained(plan)
            self.addCleanup(refused.close)
            self.assertEqual(refused.run.returncode, 1)
            self.assertIn(told, refused.run.stderr)

    def test_stages_of_several_seeds(self):
        """Each stage the mean of three: the written trees say what libxgboost's boosters say, to which the trainer holds them."""
        plan = json.loads((HERE / "plan.json").read_text())
        grid = plan["models"][0]["outputs"][0]["grid"]
        for setting in grid:
            setting["seeds"] = 3
        trained = Trained(plan)
        self.addCleanup(trained.close)
        self.assertEqual(trained.run.returncode, 0, trained.run.stderr)
        self.assertEqual(trained.run.stderr.count("against libxgboost"), 3)
        agree(self, json.loads(trained.bytes_of(".json")), trained.folder / "predictions/invented.csv")
        self.assertGreater(len(trained.bytes_of(".model")), 1.5 * len(self.first.bytes_of(".model")))
        grid[0]["seeds"] = 4
        refused = Trained(plan)
        self.addCleanup(refused.close)
        self.assertEqual(refused.run.returncode, 1)
        self.assertIn("from 1 to 3", refused.run.stderr)

    def test_bad_parts_are_refused(self):
        for output, parts, told in ((0, [{"linear": 1}], "not together with stages"), (1, [], "from 1 to 12"), (1, [{"linear": 0}], "above 0"),
                                    (1, [{"rounds": 2, "seeds": 13}], "from 1 to 12"), (1, [{"linear": 1, "seeds": 2}], "no seeds"),
                                    (1, [{"eta": 0.2}], "need rounds")):
            plan = json.loads((HERE / "plan.json").read_text())
            plan["models"][0]["outputs"][output]["grid"] = [{"parts": parts}]
            refused = Trained(plan)
            self.addCleanup(refused.close)
            self.assertEqual(refused.run.returncode, 1)
            self.assertIn(told, refused.run.stderr)


def parts_agree(test, output):
    """Every part of the visits has its intervals, and is told as failing where observed over expected lies outside .90 to 1.10."""
    for part in output["subgroups"] + output["sites"] + output["held_out_sites"] + output["later_period"] + [output["performance"]]:
        for name in ("auroc", "brier", "observed_expected"):
            low, high = part[name + "_interval"]
            test.assertTrue(low <= part[name] <= high, f"{output['name']} {part.get('name')} {name}")
        if part is not output["performance"]:
            test.assertEqual(part["failing"], part["count"] >= 200 and not .90 <= part["observed_expected"] <= 1.10, part["name"])
    for part in output["subgroups"]:
        test.assertGreaterEqual(part["count"], 200)


def agree(test, card, predictions_path):
    """Every number of the card that can be made anew from the predictions."""
    rows = measures.read(predictions_path)
    for output in card["outputs"]:
        first = rows[output["name"]][0]
        labels, probabilities = [int(r["label"]) for r in first], [float(r["probability"]) for r in first]
        told = output["performance"]
        for name, value in (("auroc", measures.auroc(labels, probabilities)), ("brier", measures.brier(labels, probabilities)),
                            ("ece", measures.ece(labels, probabilities)), ("count", len(labels)), ("events", sum(labels)),
                            ("observed_expected", sum(labels) / sum(probabilities))):
            test.assertAlmostEqual(told[name], value, delta=6e-5, msg=f"{output['name']} {name}")
        if told["slope"] is not None:  # none where the outcomes are told apart without a fault
            for name, value in zip(("slope", "intercept"), measures.calibration(labels, probabilities)):
                test.assertAlmostEqual(told[name], value, delta=6e-5, msg=f"{output['name']} {name}")
        for point, sensitivity in zip(output["at_sensitivity"], (.80, .90, .95), strict=True):
            threshold = measures.threshold_for(labels, probabilities, sensitivity)
            test.assertAlmostEqual(point["threshold"], threshold, delta=6e-5)
            for name, value in measures.at_threshold(labels, probabilities, threshold).items():
                if name in point:
                    test.assertAlmostEqual(point[name], value, delta=6e-5, msg=f"{output['name']} {name} at {sensitivity}")
        for point in output["decision_curve"]:
            made = measures.at_threshold(labels, probabilities, point["threshold"])
            everybody = measures.at_threshold(labels, [1] * len(labels), point["threshold"])
            test.assertAlmostEqual(point["net_benefit"], made["net_benefit"], delta=6e-5)
            test.assertAlmostEqual(point["net_benefit_all"], everybody["net_benefit"], delta=6e-5)
            test.assertAlmostEqual(point["flags_per_100"], made["flags_per_100"], delta=6e-5)
        parts_agree(test, output)
        for reviewed in output["reviewed"]:
            test.assertEqual(reviewed["caught"], measures.caught(labels, probabilities, reviewed["share"]))
        low, high = told["auroc_interval"]
        test.assertTrue(low <= told["auroc"] <= high)
        if "before_site_calibration" in output:
            before = rows[output["name"]]["before calibration"]
            labels, probabilities = [int(r["label"]) for r in before], [float(r["probability"]) for r in before]
            for name, value in (("auroc", measures.auroc(labels, probabilities)), ("brier", measures.brier(labels, probabilities)),
                                ("ece", measures.ece(labels, probabilities))):
                test.assertAlmostEqual(output["before_site_calibration"][name], value, delta=6e-5, msg=f"{output['name']} before {name}")
        for held in output["held_out_sites"] + output["later_period"]:
            unseen = rows[output["name"]]["held out " + held["name"]]
            labels, probabilities = [int(r["label"]) for r in unseen], [float(r["probability"]) for r in unseen]
            for name, value in (("auroc", measures.auroc(labels, probabilities)), ("brier", measures.brier(labels, probabilities)),
                                ("ece", measures.ece(labels, probabilities)), ("count", len(labels)), ("events", sum(labels))):
                test.assertAlmostEqual(held[name], value, delta=6e-5, msg=f"{output['name']} {held['name']} {name}")
    if "levels" not in card:
        return
    for repeat, lines in rows[card["outputs"][0]["name"]].items():
        for line in lines if isinstance(repeat, int) else []:
            test.assertLessEqual(int(line["final"]), int(line["human"]), "a level was lowered")
            test.assertTrue(line["floor"] == "0" or int(line["final"]) <= int(line["floor"]))
    reviewed = card["levels"]["reviewed"]
    caught = [measures.caught([int(r["label"]) for r in lines], [float(r["reviewed"]) for r in lines], reviewed["share"])
              for repeat, lines in rows[card["outputs"][0]["name"]].items() if isinstance(repeat, int)]
    test.assertAlmostEqual(reviewed["caught_mean"], sum(caught) / len(caught), delta=6e-5)
    first = rows[card["outputs"][0]["name"]][0]
    raised = [int(r["expert"]) < int(r["human"]) for r in first if 0 < int(r["floor"]) < int(r["human"])]
    test.assertAlmostEqual(reviewed["rules_right"], (sum(raised) + 1) / (len(raised) + 2), delta=6e-5)
    for line in first:  # the rules only ever add
        test.assertGreaterEqual(float(line["reviewed"]), float(line["probability"]))
    for whose, column in (("human", "human"), ("final", "final")):
        made = measures.levels([int(r[column]) for r in first], [int(r["expert"]) for r in first])
        for name, value in made.items():
            test.assertAlmostEqual(card["levels"][whose][name], value, delta=6e-5, msg=f"{whose} {name}")


class CardsTest(unittest.TestCase):
    def test_committed_cards(self):
        cards = sorted((ROOT / "docs/models").glob("*.json"))
        if not cards:
            self.skipTest("no model is committed")
        for path in cards:
            card, model = json.loads(path.read_text()), ROOT / f"models/{path.stem}.model"
            self.assertLessEqual(model.stat().st_size, 200 * 1024)
            self.assertEqual([item["item"] for item in card["tripod_ai"]], list(range(1, 28)), path.name)
            predictions = ROOT / f"build/train/{path.stem}.csv"
            if predictions.exists():
                agree(self, card, predictions)


if __name__ == "__main__":
    unittest.main()
