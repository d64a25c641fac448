"""`soyang migrate`: a folder of an older schema is refused with the command that migrates it, and migrated, whatever ends it.

A folder of schema 1 is made from one of this program by taking away in SQL what schema 1 had not."""
import json
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))
from soyang_server import PROGRAM, Server, wait_until  # noqa: E402

NOW = 2
TO_SCHEMA_1 = """
DROP TABLE reindexed;
ALTER TABLE resource DROP COLUMN edition;
DELETE FROM note WHERE name IN (CAST('search.edition' AS BLOB), CAST('search.tables' AS BLOB));
PRAGMA user_version=1;
"""


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120)


class Migration(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="soyang-migrate-"))
        self.data = self.folder / "data"
        patients = "".join(json.dumps({"resourceType": "Patient", "id": f"p{n}", "gender": "male" if n % 2 else "female",
                                       "name": [{"family": "김"}]}) + "\n" for n in range(600))
        (self.folder / "patients.ndjson").write_text(patients)
        done = run("import", "--data", self.data, self.folder / "patients.ndjson")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.sql(TO_SCHEMA_1)

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, script):
        database = sqlite3.connect(self.data / "store.db")
        database.executescript(script)
        database.close()

    def schema(self):
        database = sqlite3.connect(self.data / "store.db")
        number = database.execute("PRAGMA user_version").fetchone()[0]
        database.close()
        return number

    def check(self):
        done = run("check", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("600 resources", done.stdout)

    def test_help_and_folders_that_are_none(self):
        self.assertIn("usage: soyang migrate", run("migrate", "--help").stdout)
        self.assertIn("migrate", run("--help").stdout)
        self.assertEqual(run("migrate").returncode, 2)
        self.assertEqual(run("migrate", self.folder / "none").returncode, 1)
        self.assertFalse((self.folder / "none").exists())

    def test_refused_migrated_served(self):
        for command in (("check", self.data), ("serve", "--data", self.data, "--port", "0")):
            refused = run(*command)
            self.assertEqual(refused.returncode, 1, command)
            self.assertIn(f"soyang migrate {self.data}", refused.stderr)
        done = run("migrate", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"schema 1 is now {NOW}", done.stdout)
        self.assertIn("step 1 of", done.stderr)
        again = run("migrate", self.data)
        self.assertEqual((again.returncode, again.stderr), (0, ""))
        self.assertIn("nothing was to be done", again.stdout)
        self.check()
        server = Server(folder=str(self.data))
        try:  # what it was indexed by is not known: it is indexed anew while it is served
            self.assertEqual(server.client.get("Patient/p7").status, 200)
            found = wait_until(lambda: (a := server.client.get("Patient?gender=male&_summary=count")).status == 200 and a)
            self.assertEqual(found.json["total"], 300)
            self.assertEqual(run("migrate", self.data).returncode, 3)  # in use
        finally:
            server.stop()
        self.check()

    def test_a_newer_folder_is_left_alone(self):
        self.sql("PRAGMA user_version=99")
        refused = run("migrate", self.data)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("a newer one wrote it", refused.stderr)
        self.assertEqual(self.schema(), 99)

    def test_whatever_ends_it(self):
        dice = random.Random(4)
        ended = set()
        for _ in range(25):
            process = subprocess.Popen([PROGRAM, "migrate", str(self.data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(dice.random() * 0.03)
            process.kill()
            process.wait()
            schema = self.schema()
            self.assertIn(schema, (1, NOW))
            ended.add(schema)
            if schema == NOW:
                self.check()
                self.sql(TO_SCHEMA_1)
        self.assertEqual(run("migrate", self.data).returncode, 0)
        self.check()


if __name__ == "__main__":
    unittest.main()
