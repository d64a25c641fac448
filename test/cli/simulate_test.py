"""soyang simulate: validation first, same seed same bytes, records replay, bad input."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "laws"))
from province import PROGRAM, ROOT  # noqa: E402

COLUMNS = ["accept_median_min", "accept_p95_min", "asked_per_patient", "first_place_wrong_severe", "kept_local_mild",
           "minutes_to_definitive_severe", "overload_hours_tertiary", "placed", "patients"]


# Validation simulates sixteen months: the optimised build where there is one. Memory errors are the unit test's affair.
FAST = os.environ.get("SOYANG_RELEASE", PROGRAM)


def simulate(*arguments, **options):
    return subprocess.run([FAST, "simulate", *map(str, arguments)], capture_output=True, text=True, timeout=300, **options)


class Simulate(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="soyang-simulate-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def test_ten_days_from_anywhere(self):
        picture = self.folder / "picture.svg"
        run = simulate("--region", ROOT / "regions/gangwon", "--days", 10, "--policy", "capable,soyang,clairvoyant", "--json",
                       "--picture", picture, cwd=self.folder)
        self.assertEqual(run.returncode, 0, run.stderr)
        out = json.loads(run.stdout)
        self.assertTrue(out["validation_holds"])
        self.assertTrue(any(f["held_out"] for f in out["validation"]) and any(not f["held_out"] for f in out["validation"]))
        for figure in out["validation"]:
            self.assertLessEqual({"figure", "predicted", "published", "tolerance", "held_out"}, set(figure))
            if figure["kept_back"]:
                self.assertIsNone(figure["published"])
                self.assertFalse(figure["judged"])
            else:
                self.assertEqual(figure["holds"], abs(figure["predicted"] - figure["published"]) <= figure["tolerance"])
            if figure["fitted"]:
                self.assertFalse(figure["held_out"])
                self.assertLessEqual(figure["year"], 2023)
        self.assertTrue(out["hashes"]["frozen"])
        self.assertEqual(out["hashes"]["parameters"], hashlib.sha256((ROOT / "regions/gangwon/simulation.json").read_bytes()).hexdigest())
        self.assertEqual([p["policy"] for p in out["policies"]], ["capable", "soyang", "clairvoyant"])
        limit = out["cells"][0]["limit"]
        self.assertAlmostEqual(limit["dual_min"], limit["primal_min"], places=3)
        for policy in out["policies"]:
            for column in COLUMNS:
                self.assertLessEqual({column, column + "_lo", column + "_hi"}, set(policy))
                self.assertLessEqual(policy[column + "_lo"], policy[column])
                self.assertLessEqual(policy[column], policy[column + "_hi"])
            self.assertEqual(policy["patients"], out["policies"][0]["patients"])
            self.assertGreaterEqual(policy["minutes_to_definitive_severe"], limit["dual_min"])
        self.assertLessEqual({"parameters", "region", "policy"}, set(out["hashes"]))
        self.assertTrue(all(p["source"] for p in out["parameters"]))
        self.assertTrue(picture.read_text().startswith("<svg"))
        self.assertEqual(os.listdir(self.folder), ["picture.svg"])

    def misfitting(self):
        path = self.folder / "parameters.json"
        parameters = json.loads((ROOT / "regions/gangwon/simulation.json").read_text())
        parameters["parameters"]["ambulance_travel"]["value"] = 2
        path.write_text(json.dumps(parameters))
        return path

    def test_fitting_sees_the_fitted_figures_alone(self):
        run = simulate("--region", ROOT / "regions/gangwon", "--fitted-only", "--validation-runs", 1, "--json", "--set",
                       "turn_away=0.5")
        self.assertEqual(run.returncode, 0, run.stderr)
        out = json.loads(run.stdout)
        self.assertTrue(all(f["fitted"] and f["year"] <= 2023 for f in out["validation"]))
        self.assertGreater(out["fit_objective"], 10)  # half of them sent on at the door: far off
        self.assertFalse([c for c in out["cells"] if c] if "cells" in out else [])

    def test_a_later_figure_cannot_be_fitted(self):
        path = self.folder / "parameters.json"
        parameters = json.loads((ROOT / "regions/gangwon/simulation.json").read_text())
        next(f for f in parameters["validation"] if f["id"] == "over60-2024").update(fitted=True, held_out=False)
        path.write_text(json.dumps(parameters))
        run = simulate("--parameters", path, cwd=ROOT)
        self.assertEqual(run.returncode, 1)
        self.assertIn("not later than 2023", run.stderr)

    def test_misfit_compares_nothing(self):
        run = simulate("--region", ROOT / "regions/gangwon", "--days", 1, "--policy", "capable", "--validation-runs", 1,
                       "--parameters", self.misfitting())
        self.assertEqual(run.returncode, 1)
        self.assertIn("FAILS", run.stdout)
        self.assertNotIn("capable", run.stdout)

    def test_misfit_is_on_every_line(self):
        run = simulate("--region", ROOT / "regions/gangwon", "--days", 1, "--policy", "capable", "--validation-runs", 1, "--despite-misfit", "--parameters",
                       self.misfitting())
        self.assertEqual(run.returncode, 0, run.stderr)
        for line in filter(str.strip, run.stdout.splitlines()):
            self.assertTrue(line.startswith("MISFIT"), line)

    def test_one_run_or_one_day_has_no_interval(self):
        told = ["--days", 1, "--policy", "memory,capable,soyang,clairvoyant", "--validation-runs", 1, "--despite-misfit"]
        run = simulate(*told, "--sensitivity", "--only", "board_false", cwd=ROOT)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertNotRegex(run.stdout, r"(?i)\b-?(nan|inf)\b")
        self.assertIn("one run (seed 1): no intervals", run.stdout)
        self.assertRegex(run.stdout, r"over60-2023 +[0-9.]+ \[–\] ")
        self.assertRegex(run.stdout, r"(?m)^gap +soyang.*% \[–\] of what lies.*: no interval$")
        self.assertRegex(run.stdout, r"(?m)^sensitivity +board_false .* \[–\] minutes: no interval$")
        self.assertRegex(run.stdout, r"(?m)^soyang +[0-9]+ .*[0-9] \[–\] ")
        heads = {line.index(" misfit") for line in run.stdout.splitlines() if " misfit" in line and line.startswith("figure")}
        self.assertEqual(len(heads), 1)
        out = json.loads(simulate(*told, "--json", cwd=ROOT).stdout)
        self.assertEqual({(f["predicted_lo"], f["predicted_hi"]) for f in out["validation"]}, {(None, None)})
        self.assertIsNone(out["policies"][0]["minutes_to_definitive_severe_lo"])
        self.assertIsNone(out["cells"][0]["gap"]["closed_percent_lo"])
        self.assertFalse(out["cells"][0]["gap"]["lost"])

    def test_records_replay(self):
        path = self.folder / "record"
        one = simulate("--days", 1, "--policy", "soyang", "--validation-runs", 1, "--despite-misfit", "--record", path, "--json", cwd=ROOT)
        self.assertEqual(one.returncode, 0, one.stderr)
        replay = simulate("--days", 1, "--replay", path, cwd=ROOT)
        self.assertEqual(replay.returncode, 0, replay.stderr)
        self.assertIn("every one to the same bytes", replay.stdout)
        lines = path.read_text().splitlines()
        where = next(n for n, line in enumerate(lines) if '"decision"' in line)
        lines[where] = lines[where].replace('"now":', '"now":1')
        path.write_text("\n".join(lines) + "\n")
        changed = simulate("--days", 1, "--replay", path, cwd=ROOT)
        self.assertNotEqual(changed.returncode, 0)
        self.assertIn(f"line {where + 1}", changed.stderr)

    def test_bad_input(self):
        for words, arguments in [
            ("there is no region 'nowhere'", ["--region", "nowhere"]),
            ("there is no policy 'best'", ["--policy", "best"]),
            ("--days", ["--days", "-1"]),
            ("--days", ["--days", "367"]),
            ("--seed", ["--seed", "x"]),
            ("--year", ["--year", "2031"]),
            ("none.json", ["--parameters", self.folder / "none.json"]),
            ("--set", ["--set", "turn_away"]),
            ("no such parameter", ["--set", "nothing=1"]),
            ("--validation-runs", ["--validation-runs", 0]),
        ]:
            run = simulate(*arguments, cwd=ROOT)
            self.assertNotEqual(run.returncode, 0, arguments)
            self.assertIn(words, run.stderr)
            self.assertEqual(run.stdout, "")


if __name__ == "__main__":
    unittest.main()
