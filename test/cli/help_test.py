"""Help and usage faults in Korean and English: the same commands, options and defaults in both, in the language of the locale."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "laws"))
from province import PROGRAM  # noqa: E402

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
ROW = re.compile(r"^  (--[a-z-]+)( \S+)? +(\S.*)$", re.M)
DEFAULT = re.compile(r"\((?:default|기본값): ([^)]*)\)$")
HANGUL = re.compile("[가-힣]")


def run(*words, **locale):
    environment = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LC_MESSAGES", "LANG")}
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60, env=environment | locale)


def page(language, *words):
    answer = run(*words, "--help", LC_ALL={"ko": "ko_KR.UTF-8", "en": "C.UTF-8"}[language])
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stderr
    return answer.stdout


def commands(language):
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?)  *(\S.*)$", page(language), re.M)


class Help(unittest.TestCase):
    def test_the_same_commands(self):
        korean, english = commands("ko"), commands("en")
        self.assertEqual([name for name, _ in korean], [name for name, _ in english])
        self.assertGreaterEqual(len(english), 15)
        for (name, ko), (_, en) in zip(korean, english):
            self.assertRegex(ko, HANGUL, name)
            self.assertNotRegex(en, HANGUL, name)

    def test_the_same_options(self):
        for name, _ in commands("en"):
            with self.subTest(name):
                korean, english = page("ko", *name.split()), page("en", *name.split())
                self.assertEqual(set(OPTION.findall(korean)), set(OPTION.findall(english)))
                rows = ROW.findall(korean)
                self.assertEqual([row[:2] for row in rows], [row[:2] for row in ROW.findall(english)])
                for (option, _, ko), (_, _, en) in zip(rows, ROW.findall(english)):
                    self.assertTrue(HANGUL.search(ko) or ko.startswith(en.split(" ")[0]), f"{option}: {ko}")
                    self.assertNotEqual(ko, en, option)
                    self.assertEqual(len(DEFAULT.findall(ko)), len(DEFAULT.findall(en)), option)
                    if not HANGUL.search("".join(DEFAULT.findall(ko))):  # a sentence for a default is in its own language
                        self.assertEqual(DEFAULT.findall(ko), DEFAULT.findall(en), option)
                self.assertTrue(korean.startswith(f"사용법: soyang {name} "), korean[:60])
                self.assertTrue(english.startswith(f"usage: soyang {name} "), english[:60])
                description = [text.split("\n\n")[1] for text in (korean, english)]
                self.assertRegex(description[0], HANGUL)
                self.assertEqual(len(re.findall(r"^\w+ FILE|^\w+ URL", description[0], re.M)), len(re.findall(r"^\w+ FILE|^\w+ URL", description[1], re.M)))

    def test_the_first_that_is_set_decides(self):
        cases = [
            ({}, "en"), ({"LANG": "ko_KR.UTF-8"}, "ko"), ({"LANG": "ko"}, "ko"), ({"LANG": "C", "LC_MESSAGES": "ko_KR.UTF-8"}, "ko"),
            ({"LANG": "ko_KR.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"), ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
            ({"LANG": "ko_KR.UTF-8", "LC_ALL": ""}, "ko"), ({"LC_MESSAGES": "", "LANG": "ko_KR"}, "ko"), ({"LC_ALL": "ko_KR.eucKR", "LANG": "en"}, "ko"),
            ({"LANG": "kok_IN"}, "en"), ({"LANG": "ja_JP.UTF-8"}, "en"),
        ]
        for locale, language in cases:
            with self.subTest(locale):
                self.assertIn({"ko": "사용법:", "en": "usage:"}[language], run("check", "--help", **locale).stdout)

    def test_usage_faults(self):
        cases = [
            (["dance"], "there is no command 'dance'", "'dance' 명령은 없습니다", ""),
            (["serve", "--colour"], "unknown option --colour", "모르는 옵션 --colour", "serve "),
            (["serve", "--port"], "needs a value: --port", "값이 필요한 옵션: --port", "serve "),
            (["serve", "--port", "x"], "takes a whole number from 0 to 65535", "0에서 65535 사이의 정수", "serve "),
            (["serve", "--speed", "x"], "takes a number from 0.01 to 10000", "0.01에서 10000 사이의 수", "serve "),
            (["demo", "--language", "fr"], "takes ko|en, not fr", "ko|en 가운데 하나여야 합니다: fr", "demo "),
            (["check"], "missing operand: DATA", "빠진 인자: DATA", "check "),
            (["check", ""], "an empty operand", "빈 인자", "check "),
            (["check", "a", "b"], "too many operands: b", "남는 인자: b", "check "),
            (["region", "dance", "x"], "the action is load, not dance", "동작은 load입니다: dance", "region "),
            (["policy", "sign", "x", "--key"], "needs a value: --key", "값이 필요한 옵션: --key", "policy "),
            (["triage", "batch", "x"], "--format: is required", "--format: ktas, nhamcs, yale", "triage batch "),
            (["simulate", "--days", "0"], "takes a whole number from 1 to 366", "1에서 366 사이의 정수", "simulate "),
        ]
        for words, english, korean, command in cases:
            with self.subTest(words):
                for locale, told, hint in (("C", english, f"Try 'soyang {command}--help'."), ("ko_KR.UTF-8", korean, f"'soyang {command}--help'를 보십시오.")):
                    answer = run(*words, LC_ALL=locale)
                    self.assertEqual((answer.returncode, answer.stdout), (2, ""), answer.stderr)
                    self.assertIn(told, answer.stderr)
                    self.assertEqual(answer.stderr.splitlines()[-1], hint)


if __name__ == "__main__":
    unittest.main()
