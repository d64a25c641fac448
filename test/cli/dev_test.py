"""`./dev` tells its help and refuses unknown names at once: nothing is built, nothing installed."""
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Dev(unittest.TestCase):
    def run_dev(self, *words):
        return subprocess.run([str(ROOT / "dev"), *words], capture_output=True, text=True, timeout=30)

    def test_help_builds_nothing(self):
        cases = [
            (["--help"], ["demo", "bench", "soak"]),
            (["bench", "--help"], ["fhir", "surge", "roads", "Optimal assignment"]),
            (["bench", "surge", "--help"], ["--patients", "--places", "Goals"]),
            (["bench", "store", "-h"], ["SOYANG_BENCH_RESOURCES"]),
            (["soak", "--help"], ["kills", "oracle"]),
        ]
        for words, told in cases:
            with self.subTest(words):
                answer = self.run_dev(*words)
                self.assertEqual((answer.returncode, answer.stderr), (0, ""))
                for word in told:
                    self.assertIn(word, answer.stdout)
                self.assertNotIn("build release", answer.stdout)

    def test_unknown_names_are_refused_with_those_there_are(self):
        for words, told in (["bench", "nothing"], "surge"), (["bench", "nothing", "--json"], "surge"), (["fuzz", "1", "nothing_fuzz"], "json_fuzz"), (["sing"], "--help"):
            with self.subTest(words):
                answer = self.run_dev(*words)
                self.assertNotEqual(answer.returncode, 0)
                self.assertIn(told, answer.stderr)
                self.assertEqual(answer.stdout, "")


if __name__ == "__main__":
    unittest.main()
