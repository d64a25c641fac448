"""Every command against who means no good, or has a bad day: a clear fault, the right exit status, nothing half written."""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "laws"))
from province import PROGRAM, ROOT  # noqa: E402

FAST = os.environ.get("SOYANG_RELEASE", PROGRAM)  # validation simulates sixteen months
POLICY = ROOT / "regions/korea/policy.json"
DONE, FAULT, USAGE = 0, 1, 2
NOBODY = 65534
UNWRITTEN = "standard output cannot be written"


class Hostile(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="soyang-hostile-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.outside = pathlib.Path(tempfile.mkdtemp(prefix="soyang-hostile-outside-"))
        self.addCleanup(shutil.rmtree, self.outside, ignore_errors=True)

    def run_it(self, *words, **options):
        options = {"stdout": subprocess.PIPE, "cwd": self.folder, "env": os.environ | {"LC_ALL": "C.UTF-8"}} | options
        return subprocess.run([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120, **options)

    def refused(self, words, status, *told, **options):
        """Nothing is made or changed in the folder it runs in."""
        def stands():
            return sorted((str(path), path.stat().st_size) for path in self.folder.rglob("*"))
        before = stands()
        answer = self.run_it(*words, **options)
        self.assertEqual(answer.returncode, status, f"{words}: {answer.stdout} {answer.stderr}")
        for what in told:
            self.assertIn(str(what), answer.stderr, words)
        self.assertEqual(stands(), before, words)
        return answer

    def file(self, name, content, folder=None):
        path = (folder or self.outside) / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def commands(self):
        return [name.split() for name in re.findall(r"^  ([a-z]+(?: [a-z]+)?)  *\S", self.run_it("--help").stdout, re.M)]

    # ---- the words -------------------------------------------------------------------------------------------------------

    def test_options(self):
        for command in self.commands():
            with self.subTest(command):
                self.refused([*command, "--nope"], USAGE, "unknown option --nope", f"{' '.join(command)} --help")
                self.refused([*command, "--nope=1"], USAGE, "unknown option --nope")
                page = self.run_it(*command, "--help").stdout
                for option, value in re.findall(r"^  (--[a-z-]+)( \S+)?  *\S", page, re.M):
                    if option == "--help":
                        continue
                    if value and value.strip()[0].isupper() or re.match(r" [a-z]+\|", value):
                        self.refused([*command, option], USAGE, "needs a value: " + option)
                        self.refused([*command, option, ""], USAGE, "needs a value: " + option)
                        self.refused([*command, option + "="], USAGE, "needs a value: " + option)
                    elif not value:
                        self.refused([*command, option + "=1"], USAGE, "takes no value: " + option)

    def test_operands(self):
        for command in self.commands():
            if command[0] in ("serve", "demo", "simulate"):
                self.refused([*command, "one"], USAGE, "too many operands: one")
            else:
                self.refused(command, USAGE, "--help")
                self.refused([*command, ""], USAGE, "an empty operand")

    def test_numbers(self):
        visit, region = self.file("visit.json", {"resourceType": "Bundle", "type": "collection", "entry": []}), ROOT / "regions/gangwon"
        for number in ("nan", "inf", "0x10", "1.5", "-1", "1e3", "", " ", "9" * 40, "1;2"):
            for words, option in ((["serve"], "--port"), (["serve"], "--body-max"), (["serve"], "--patience"), (["demo"], "--port"), (["triage", visit], "--human-level"),
                                  (["match", visit, "--region", region, "--origin", "37.8,127.7"], "--limit"),
                                  (["match", visit, "--region", region, "--origin", "37.8,127.7"], "--human-level"), (["simulate"], "--days"),
                                  (["simulate", "--region", region], "--validation-runs")):
                self.refused([*words, option, number], USAGE, option)
        for number in ("nan", "inf", "x"):
            begun = time.monotonic()
            self.refused(["simulate", "--region", region, "--days", 1, "--false-boards", number], USAGE, "--false-boards")
            self.refused(["serve", "--speed", number], USAGE, "--speed")
            self.assertLess(time.monotonic() - begun, 20)

    def test_words_that_people_are_used_to(self):
        for command in self.commands():
            page = self.run_it(*command, "--help").stdout
            for words in (["help", *command], ["--help", *command], [*command, "-h"]):
                told = self.run_it(*words)
                self.assertEqual((told.returncode, told.stdout, told.stderr), (DONE, page, ""), words)
        self.refused(["help", "dance"], USAGE, "dance")
        self.file("-odd.json", "nonsense", self.folder)
        self.refused(["triage", "-odd.json"], USAGE, "unknown option -odd.json")
        self.refused(["triage", "--json", "--", "-odd.json"], FAULT, "-odd.json", "not JSON")
        self.refused(["check", "--", "--help"], FAULT, "--help: is no data folder")

    # ---- what is named ---------------------------------------------------------------------------------------------------

    def readers(self, name):
        """Command lines that read the file."""
        return [["import", name], ["triage", name], ["triage", name, "--replay"], ["surge", name, "--region", ROOT / "regions/gangwon"],
                ["match", name, "--region", ROOT / "regions/gangwon", "--origin", "37.8,127.7"], ["policy", "check", name], ["policy", "sign", name],
                ["triage", "batch", "--format", "ktas", name], ["triage", "calibrate", "--site", "Organization/a", name], ["roads", "check", name],
                ["roads", "minutes", name, "--from", "37,127", "--to", "37,128"], ["package", "load", name], ["region", "load", name]]

    def test_a_folder_where_a_file_belongs(self):
        folder = self.outside / "folder"
        folder.mkdir()
        for words in self.readers(folder):
            self.refused(words, FAULT, folder)

    def test_a_file_that_is_not_there(self):
        for words in self.readers(self.outside / "nothing"):
            self.refused(words, FAULT, self.outside / "nothing")

    def test_a_file_that_is_nonsense(self):
        nonsense = self.file("nonsense.json", "this is nothing\n")
        for words in self.readers(nonsense):
            if words[0] in ("import", "package"):  # they have begun by then: the data folder is made, and stays empty
                self.assertEqual(self.run_it(*words).returncode, FAULT, words)
                self.assertIn("is sound: 0 resources", self.run_it("check", "soyang-data").stdout)
                shutil.rmtree(self.folder / "soyang-data")
            else:
                self.refused(words, FAULT)
        for words in (["triage", nonsense], ["surge", nonsense, "--region", ROOT / "regions/gangwon"], ["serve", "--port", 0, "--data", self.outside / "data",
                      "--triage-sites", nonsense], ["simulate", "--region", ROOT / "regions/gangwon", "--parameters", nonsense]):
            self.refused(words, FAULT, nonsense, "not JSON")

    def test_a_file_without_permission(self):
        if os.getuid() == 0 and subprocess.run([PROGRAM, "--version"], user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True).returncode != 0:
            self.skipTest("skipped: the program cannot be run by another user here")
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        for folder in (self.folder, self.outside):
            folder.chmod(0o777)
        secret = self.file("secret.json", {"resourceType": "Patient"})
        secret.chmod(0)
        for words in self.readers(secret):
            if words[0] != "region":
                self.refused(words, FAULT, secret, **user)
        closed = self.outside / "closed"
        closed.mkdir()
        closed.chmod(0o500 if user else 0)
        for words in (["policy", "key", closed / "key"], ["import", "--data", closed / "data", self.file("a.json", {"resourceType": "Patient", "id": "a"})]):
            self.refused(words, FAULT, closed, **user)

    def test_a_data_folder_that_is_not_there(self):
        bundle = self.file("visit.json", {"resourceType": "Bundle", "type": "collection", "entry": [
            {"resource": {"resourceType": "Patient", "id": "p", "birthDate": "1960-01-01"}},
            {"resource": {"resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "EMER"}, "subject": {"reference": "Patient/p"},
                          "reasonCode": [{"text": "chest pain"}]}}]})
        wave = self.file("wave.json", {"resourceType": "Parameters"})
        (self.folder / "empty").mkdir()
        for data in ("nowhere", "empty"):
            for words in (["check", data], ["migrate", data], ["match", bundle, "--data", data, "--origin", "37.8,127.7"], ["surge", wave, "--data", data],
                          ["policy", "replay", POLICY, "--data", data], ["triage", "calibrate", "--site", "Organization/a", "--data", data],
                          ["roads", "service", "http://127.0.0.1:1", "--data", data]):
                self.refused(words, FAULT, data, "is no data folder")
        self.file("plain", "", self.folder)
        for words in (["check", "plain"], ["import", bundle, "--data", "plain"], ["serve", "--port", 0, "--data", "plain"],
                      ["region", "load", ROOT / "regions/gangwon", "--data", "plain"]):
            self.refused(words, FAULT, "plain")

    def test_what_starts_nothing(self):
        for words, told in ((["serve", "--port", 0, "--mllp", "x"], "--mllp"), (["serve", "--port", 0, "--national-url", "http://127.0.0.1:1"], "--national-key")):
            answer = self.run_it(*words)
            self.assertEqual((answer.returncode, answer.stdout), (USAGE if "national" in told else answer.returncode, ""), answer.stderr)
            self.assertNotEqual(answer.returncode, DONE)
            self.assertIn(told, answer.stderr)

    # ---- where it goes ---------------------------------------------------------------------------------------------------

    def with_output(self, how, *words, program=PROGRAM):
        return subprocess.run(["sh", "-c", f'exec "$0" "$@" {how}', program, *map(str, words)], capture_output=True, text=True, timeout=120, cwd=self.folder,
                              env=os.environ | {"LC_ALL": "C.UTF-8"})

    def test_output_that_cannot_be_written(self):
        self.assertEqual(self.run_it("import", self.file("a.json", {"resourceType": "Patient", "id": "a"}), "--data", "data").returncode, DONE)
        lines = [["--help"], ["--version"], ["check", "data"], ["migrate", "data"], ["policy", "check", POLICY], *[[*c, "--help"] for c in self.commands()]]
        for how in (">/dev/full", ">&-"):
            for words in lines:
                answer = self.with_output(how, *words)
                self.assertEqual(answer.returncode, FAULT, (how, words))
                self.assertIn(UNWRITTEN, answer.stderr)
        lines = "row,age\n" * 3
        done = self.with_output(">/dev/full", "triage", "batch", "--format", "ktas", self.file("x.csv", lines))
        self.assertEqual(done.returncode, FAULT)

    def test_a_closed_output_is_no_file_of_ours(self):
        """The next file opened would take its number, and what is printed would go there."""
        for how, name in ((">&-", "out"), ("<&- >&- 2>&-", "all")):
            self.assertEqual(self.with_output(how, "policy", "key", name).returncode, FAULT)
            for file in (self.folder / name, self.folder / (name + ".pub")):
                self.assertRegex(file.read_text(), r"\A-----BEGIN (PRIVATE|PUBLIC) KEY-----\n[^-]+-----END (PRIVATE|PUBLIC) KEY-----\n\Z")
        self.with_output("<&- >&- 2>&-", "import", self.file("a.json", {"resourceType": "Patient", "id": "a"}), "--data", "data")
        self.assertIn("is sound: 1 resources", self.run_it("check", "data").stdout)

    def test_who_reads_one_line(self):
        for command in self.commands():
            answer = subprocess.run(["sh", "-c", f'"$0" {" ".join(command)} --help | head -n 1', PROGRAM], capture_output=True, text=True, timeout=60)
            self.assertEqual((answer.stdout.count("\n"), answer.stderr), (1, ""))

    # ---- a full disk -----------------------------------------------------------------------------------------------------

    def on_a_full_disk(self, *words):
        def full():
            resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
        old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            return self.run_it(*words, preexec_fn=full, restore_signals=False)
        finally:
            signal.signal(signal.SIGXFSZ, old)

    def test_a_full_disk_leaves_what_was(self):
        self.assertEqual(self.run_it("policy", "key", "key").returncode, DONE)
        shutil.copy(POLICY, self.folder / "policy.json")
        self.assertEqual(self.run_it("policy", "sign", "policy.json", "--key", "key").returncode, DONE)
        self.assertEqual(self.run_it("triage", "calibrate", "--site", "Organization/a", "--silent").returncode, DONE)
        before = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        for words in (["policy", "sign", "policy.json", "--key", "key"], ["triage", "calibrate", "--site", "Organization/b", "--silent"], ["policy", "key", "other"]):
            answer = self.on_a_full_disk(*words)
            self.assertEqual(answer.returncode, FAULT, answer.stderr)
            self.assertIn("cannot be written", answer.stderr)
            self.assertEqual({path.name: path.read_bytes() for path in self.folder.iterdir()}, before, words)

    def test_half_a_pair_of_keys_is_none(self):
        (self.folder / "key.pub").mkdir()
        self.refused(["policy", "key", "key"], FAULT, "key.pub")
        self.assertFalse((self.folder / "key").exists())

    def test_links_and_modes_stay(self):
        shutil.copy(POLICY, self.folder / "policy.json")
        self.assertEqual(self.run_it("policy", "key", "key").returncode, DONE)
        real, link = self.file("real.sig", "old"), self.folder / "link.sig"
        real.chmod(0o640)
        link.symlink_to(real)
        self.assertEqual(self.run_it("policy", "sign", "policy.json", "--key", "key", "--signature", "link.sig").returncode, DONE)
        self.assertTrue(link.is_symlink())
        self.assertIn("soyang-policy-signature/1", real.read_text())
        self.assertEqual(stat.S_IMODE(real.stat().st_mode), 0o640)
        written = self.run_it("policy", "sign", "policy.json", "--key", "key", "--signature", "/dev/stderr")
        self.assertIn("soyang-policy-signature/1", written.stderr)
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))

    # ---- ended meanwhile -------------------------------------------------------------------------------------------------

    def test_an_interrupted_question_leaves_no_folder(self):
        temporary = self.outside / "tmp"
        temporary.mkdir()
        for which in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process = subprocess.Popen([PROGRAM, "simulate", "--region", str(ROOT / "regions/gangwon")], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       env=os.environ | {"TMPDIR": str(temporary)})
            end = time.monotonic() + 60
            while not list(temporary.glob("*/store.db")) and time.monotonic() < end:
                time.sleep(.05)
            self.assertTrue(list(temporary.iterdir()), "it began")
            process.send_signal(which)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, -which)
            self.assertEqual(list(temporary.iterdir()), [])

    def test_a_reader_that_went_away_ends_the_simulation(self):
        temporary = self.outside / "tmp"
        temporary.mkdir()
        ends = os.pipe()
        os.close(ends[0])
        begun = time.monotonic()
        done = subprocess.run([FAST, "simulate", "--region", str(ROOT / "regions/gangwon"), "--validation-runs", "1", "--despite-misfit", "--sensitivity"],
                              stdout=ends[1], stderr=subprocess.PIPE, text=True, timeout=240, env=os.environ | {"TMPDIR": str(temporary), "LC_ALL": "C.UTF-8"})
        os.close(ends[1])
        self.assertEqual(done.returncode, FAULT, done.stderr)
        self.assertIn(UNWRITTEN, done.stderr)
        self.assertLess(time.monotonic() - begun, 240)
        self.assertEqual(list(temporary.iterdir()), [])

    def test_what_is_written_at_the_end_is_looked_at_first(self):
        (self.folder / "folder").mkdir()
        for words in (["--picture", "nowhere/x.svg"], ["--picture", "folder"], ["--record", "nowhere/x", "--policy", "soyang"]):
            begun = time.monotonic()
            self.refused(["simulate", "--region", ROOT / "regions/gangwon", *words], FAULT, words[1], "cannot be written")
            self.assertLess(time.monotonic() - begun, 20)
        for words in (["--record", "x"], ["--record", "x", "--policy", "soyang", "--grid"], ["--only", "nope"], ["--sensitivity", "--only", "nope"]):
            self.refused(["simulate", "--region", ROOT / "regions/gangwon", *words], USAGE, words[-2] if "--only" in words else "--record")


if __name__ == "__main__":
    unittest.main()
