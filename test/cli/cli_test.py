"""The command line, without and beside a server."""
import bz2
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "laws"))
from province import PROGRAM, ROOT, Server, infarction, quantity  # noqa: E402

GANGWON = ROOT / "regions/gangwon"
IN_USE = 3


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)


def story_bundle():
    complaint, findings, vitals = infarction()
    resources = [
        {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1960-01-01"},
        {"resourceType": "Encounter", "id": "e", "status": "in-progress", "subject": {"reference": "Patient/p"}, "reasonCode": [{"text": complaint}],
         "class": {"code": "EMER"}},
    ]
    resources += [{"resourceType": "Condition", "id": f"c{n}", "subject": {"reference": "Patient/p"}, "encounter": {"reference": "Encounter/e"},
                   "code": {"text": text}} for n, text in enumerate(findings)]
    resources += [{"resourceType": "Observation", "id": f"o{n}", "status": "final", "subject": {"reference": "Patient/p"},
                   "encounter": {"reference": "Encounter/e"}, **quantity(*vital)} for n, vital in enumerate(vitals)]
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="soyang-cli-"))
        self.data = self.folder / "data"

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())
        return path

    def ndjson(self, count, prefix="n"):
        return "".join(json.dumps({"resourceType": "Patient", "id": f"{prefix}{n}", "birthDate": "1970-01-01"}) + "\n" for n in range(count)).encode()

    # ---- help and usage ---------------------------------------------------------------------------------------------

    def test_help(self):
        overview = run("--help")
        self.assertEqual(overview.returncode, 0)
        for command in ("serve", "demo", "region", "import", "triage", "match", "surge", "check"):
            self.assertIn(command, overview.stdout)
            page = run(command, "--help")
            self.assertEqual(page.returncode, 0)
            self.assertIn("usage: soyang " + command, page.stdout)

    def test_usage_faults(self):
        for arguments in (["dance"], ["serve", "--colour"], ["serve", "--port"], ["serve", "--port", "x"], ["import"], ["region", "dance", "x"],
                          ["check"], ["triage"], ["match"], ["surge"], []):
            done = run(*arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
            self.assertTrue(done.stderr.strip(), arguments)

    # ---- folders ------------------------------------------------------------------------------------------------------

    def test_one_process_a_folder(self):
        server = Server(folder=str(self.data))
        try:
            for arguments in (["import", "--data", self.data, self.write("a.ndjson", self.ndjson(1))], ["check", self.data],
                              ["region", "load", GANGWON, "--data", self.data]):
                done = run(*arguments)
                self.assertEqual(done.returncode, IN_USE, done.stderr)
                self.assertIn("in use", done.stderr)
        finally:
            server.close()

    def test_check_finds_damage(self):
        self.assertEqual(run("import", "--data", self.data, self.write("a.ndjson", self.ndjson(3000))).returncode, 0)
        self.assertEqual(run("check", self.data).returncode, 0)
        database = next(p for p in self.data.iterdir() if p.suffix == ".db")
        size = database.stat().st_size
        with open(database, "r+b") as file:
            for part in range(20, 80, 5):
                file.seek(size * part // 100)
                file.write(b"\xa5" * 64)
        done = run("check", self.data)
        self.assertNotEqual(done.returncode, 0)
        self.assertGreater(done.returncode, 0, "a fault, not a crash")
        self.assertNotEqual(run("check", self.folder / "nothing-here").returncode, 0)

    # ---- import ---------------------------------------------------------------------------------------------------------

    def test_import_formats(self):
        plain = self.ndjson(50, "plain")
        files = [self.write("a.ndjson", plain), self.write("b.ndjson.gz", gzip.compress(self.ndjson(50, "gz"))),
                 self.write("c.ndjson.bz2", bz2.compress(self.ndjson(50, "bz"))),
                 self.write("d.json", {"resourceType": "Patient", "id": "single"}),
                 self.write("e.json", {"resourceType": "Bundle", "type": "collection",
                                       "entry": [{"resource": {"resourceType": "Patient", "id": "bundled"}}]})]
        if shutil.which("zstd"):
            packed = subprocess.run(["zstd", "-c"], input=self.ndjson(50, "zst"), capture_output=True).stdout
            files.append(self.write("f.ndjson.zst", packed))
        done = run("import", "--data", self.data, *files)
        self.assertEqual(done.returncode, 0, done.stderr)
        expected = 152 + (50 if shutil.which("zstd") else 0)
        self.assertIn(f"imported {expected} resources", done.stdout)
        server = Server(folder=str(self.data))
        try:
            self.assertEqual(server.client.get("Patient?_summary=count").json["total"], expected)
            more = run("import", "--url", f"http://127.0.0.1:{server.port}", self.write("g.ndjson", self.ndjson(1200, "url")))
            self.assertEqual(more.returncode, 0, more.stderr)
            self.assertEqual(server.client.get("Patient?_summary=count").json["total"], expected + 1200)
        finally:
            server.close()

    def test_import_faults_name_the_line(self):
        lines = self.ndjson(5).splitlines(keepends=True)
        lines[3] = b'{"resourceType":"Patient","id":"bad","active":"yes"}\n'
        done = run("import", "--data", self.data, self.write("a.ndjson", b"".join(lines)))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("line 4", done.stderr)
        self.assertIn("Patient.active", done.stderr)
        for name, content in (("cut.ndjson.gz", gzip.compress(self.ndjson(500))[:100]), ("cut.ndjson.bz2", bz2.compress(self.ndjson(500))[:60]),
                              ("not.ndjson.zst", b"this is not zstd"), ("cut.json", b'{"resourceType":')):
            done = run("import", "--data", self.data, self.write(name, content))
            self.assertNotEqual(done.returncode, 0, name)
            self.assertIn(name, done.stderr)
        self.assertNotEqual(run("import", "--data", self.data, self.folder / "absent.ndjson").returncode, 0)
        self.assertNotEqual(run("import", "--url", "http://example.com", self.write("z.ndjson", lines[0])).returncode, 0)

    # ---- engines ----------------------------------------------------------------------------------------------------------

    def test_triage(self):
        file = self.write("patient.json", story_bundle())
        done = run("triage", file, "--human-level", "3", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        reading = json.loads(done.stdout)
        self.assertLessEqual(reading["level"], 2)
        self.assertIn("Y0010", [n["code"] for n in reading["needs"]])
        self.assertEqual(run("triage", file, "--json", "--human-level", "3").stdout, done.stdout, "the same bytes again")
        for language in ("ko", "en"):
            page = run("triage", file, "--language", language)
            self.assertEqual(page.returncode, 0)
            self.assertIn("medical device" if language == "en" else "의료기기", page.stdout)

    def test_impossible_vitals(self):
        for code, value, unit in (("8480-6", 1040, "mm[Hg]"), ("59408-5", 150, "%"), ("8310-5", 60, "Cel"), ("8867-4", -5, "/min"), ("9279-1", 20, "kg")):
            bundle = story_bundle()
            bundle["entry"].append({"resource": {"resourceType": "Observation", "id": "odd", "status": "final", "subject": {"reference": "Patient/p"},
                                                 "encounter": {"reference": "Encounter/e"}, **quantity(code, value, unit)}})
            done = run("triage", self.write("odd.json", bundle))
            self.assertNotEqual(done.returncode, 0, f"{code} {value} {unit}: {done.stdout}")
            self.assertIn("odd", done.stderr)
            self.assertNotIn(str(value), done.stderr.replace("Observation", ""), "never a patient's value")

    def test_match(self):
        file = self.write("patient.json", story_bundle())
        origin = ["--origin", "gw-post-1429", "--human-level", "2"]
        alone = run("match", file, "--region", GANGWON, "--assumptions", *origin, "--json")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        options = [p for p in json.loads(alone.stdout)["parameter"] if p["name"] == "option"]
        self.assertGreaterEqual(len(options), 3)
        table = run("match", file, "--region", GANGWON, "--assumptions", *origin, "--language", "en")
        self.assertIn("min", table.stdout)
        self.assertEqual(run("region", "load", GANGWON, "--data", self.data, "--assumptions").returncode, 0)
        stored = run("match", file, "--data", self.data, *origin, "--json")
        self.assertEqual(stored.returncode, 0, stored.stderr)
        server = Server(folder=str(self.data))
        try:
            remote = run("match", file, "--url", f"http://127.0.0.1:{server.port}", *origin, "--json")
            self.assertEqual(remote.returncode, 0, remote.stderr)
        finally:
            server.close()
        for wrong in (["--origin", "nowhere"], ["--origin", "abc,def"], ["--origin", "35.1,129.0"], []):
            self.assertNotEqual(run("match", file, "--data", self.data, *wrong).returncode, 0, wrong)

    def test_region_faults(self):
        broken = self.folder / "gangwon"
        shutil.copytree(GANGWON, broken)
        shutil.copytree(ROOT / "regions/korea", self.folder / "korea")
        lines = (broken / "places.csv").read_text().splitlines(keepends=True)
        lines[4] = lines[4].replace("37.", "97.", 1)
        (broken / "places.csv").write_text("".join(lines))
        done = run("region", "load", broken, "--data", self.data)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("places.csv:5", done.stderr)


class Strict(unittest.TestCase):
    def test_strict_references(self):
        dangling = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/nobody"}}
        loose, strict = Server(), Server(options=["--strict-references"])
        try:
            self.assertEqual(loose.client.post("Observation", dangling).status, 201)
            refused = strict.client.post("Observation", dangling)
            self.assertGreaterEqual(refused.status, 400)
            self.assertIn("subject", refused.diagnostics)
        finally:
            loose.close()
            strict.close()


class FullDisk(unittest.TestCase):
    def test_full_disk(self):
        folder = tempfile.mkdtemp(prefix="soyang-full-")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], capture_output=True)
        if mounted.returncode != 0:
            os.rmdir(folder)
            self.skipTest("skipped: no right to mount a small disk")
        try:
            data = os.path.join(folder, "data")
            server = Server(folder=data)
            statuses = []
            for number in range(400):
                statuses.append(server.client.post("Basic", {"resourceType": "Basic", "code": {"text": os.urandom(20000).hex()}}).status)
                if statuses[-1] == 507:
                    break
            self.assertEqual(statuses[-1], 507, f"{len(statuses)} writes")
            self.assertEqual(server.client.get("metadata").status, 200, "the server lives")
            kept = statuses.count(201)
            server.kill()
            subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
            server.start()
            self.assertEqual(server.client.get("Basic?_summary=count").json["total"], kept)
            self.assertEqual(server.client.post("Basic", {"resourceType": "Basic", "code": {"text": "room again"}}).status, 201)
            server.stop()
        finally:
            subprocess.run(["umount", "-l", folder])
            os.rmdir(folder)


if __name__ == "__main__":
    unittest.main()
