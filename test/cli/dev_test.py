"""`./dev` tells its help and refuses unknown names at once: nothing is built, nothing installed."""
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HANGUL = re.compile("[가-힣]")
BENCHES = sorted(path.name for path in (ROOT / "test/bench").iterdir() if path.is_file() and os.access(path, os.X_OK))
COMMANDS = ["demo", "build", "test", "check", "check-packages", "bench", "fuzz", "soak", "train", "format", "install"]


class Dev(unittest.TestCase):
    def run_dev(self, *words, language="en_US.UTF-8"):
        environment = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LC_MESSAGES", "LANG")}
        return subprocess.run([str(ROOT / "dev"), *words], capture_output=True, text=True, timeout=30, env=environment | {"LANG": language})

    def test_the_same_in_korean_and_english(self):
        pages = [[], *[[name] for name in COMMANDS], *[["bench", name] for name in BENCHES]]
        for words in pages:
            with self.subTest(words):
                korean, english = (self.run_dev(*words, "--help", language=language) for language in ("ko_KR.UTF-8", "en_US.UTF-8"))
                for page in (korean, english):
                    self.assertEqual((page.returncode, page.stderr), (0, ""))
                self.assertRegex(korean.stdout, HANGUL)
                self.assertNotRegex(english.stdout, HANGUL)
                for what in (r"--[a-z][a-z-]*", r"SOYANG_[A-Z_]+", r"(?m)^  +(?:\./dev )?([a-z-]+)"):
                    self.assertEqual(set(re.findall(what, korean.stdout)), set(re.findall(what, english.stdout)), what)
        listed = re.findall(r"(?m)^  ([a-z-]+)", self.run_dev("--help").stdout)
        self.assertEqual(listed, COMMANDS)

    def test_a_measurement_s_words_name_its_options(self):
        for name in BENCHES:
            with self.subTest(name):
                source = (ROOT / "test/bench" / name).read_text()
                taken = set(re.findall(r'add_argument\("(--[a-z-]+)"', source))
                self.assertLessEqual(taken, set(re.findall(r"--[a-z][a-z-]*", self.run_dev("bench", name, "--help").stdout)))

    def test_unknown_options_are_refused_by_name(self):
        cases = [*[(["bench", name, "--nope", "1"], "--nope") for name in BENCHES], (["bench", "surge", "--nope=2"], "--nope"), (["bench", "--json"], ""),
                 (["bench", "surge", "store", "--json"], "--json"), (["soak", "--nope"], "--nope"), (["soak", "kills", "nope"], "nope"),
                 (["train", "--nope"], "--nope"), (["fuzz", "--nope"], "--nope"), (["build", "--nope"], "--nope"), (["build", "debug", "more"], "more"),
                 (["test", "nope"], "nope"), (["check", "--nope"], "--nope"), (["format", "x"], "x"), (["check-packages", "x"], "x"), (["install", "nope"], "nope"),
                 (["demo", "--nope"], "--nope"), (["sing"], "sing")]
        for words, told in cases:
            with self.subTest(words):
                for language in ("ko_KR.UTF-8", "C"):
                    answer = self.run_dev(*words, language=language)
                    self.assertEqual((answer.returncode, answer.stdout), (2, ""), answer.stderr)
                    self.assertIn(told, answer.stderr)
                    self.assertIn("--help", answer.stderr)
                    self.assertEqual(bool(HANGUL.search(answer.stderr)), language != "C")

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
