"""`soyang migrate`: a folder of an older schema is refused with the command that migrates it, and migrated, whatever ends it.

A folder of an older schema is made from one of this program: what it had not is taken away in SQL, and the blocks of the index
are read here, by docs/store.md, into the rows that it had."""
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

NOW = 3
TO_SCHEMA_2 = """
CREATE TABLE whole(vid INTEGER PRIMARY KEY,rid INTEGER NOT NULL,version INTEGER NOT NULL,previous INTEGER NOT NULL,
base INTEGER NOT NULL,type INTEGER NOT NULL,seq INTEGER NOT NULL,time INTEGER NOT NULL,method INTEGER NOT NULL,
dictionary INTEGER NOT NULL,gap INTEGER NOT NULL,size INTEGER NOT NULL,rows BLOB NOT NULL,body BLOB NOT NULL);
INSERT INTO whole SELECT v.vid,rid,version,previous,base,type,seq,time,method,dictionary,gap,size,rows,body FROM version v JOIN single USING(vid);
DROP TABLE version;
ALTER TABLE whole RENAME TO version;
CREATE INDEX version_type ON version(type);
DROP TABLE single;
DROP TABLE frame;
DROP TABLE frame_rows;
DROP TABLE fence;
DROP TABLE block;
PRAGMA user_version=2;
"""
TO_SCHEMA_1 = """
DROP TABLE reindexed;
ALTER TABLE resource DROP COLUMN edition;
DELETE FROM note WHERE name IN (CAST('search.edition' AS BLOB), CAST('search.tables' AS BLOB));
PRAGMA user_version=1;
"""


def entries(block):
    """The (key, rid, seq) of a block of the index."""
    at = 2

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = block[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def half(value):
        nonlocal at
        if value == 15:
            value, at = block[at], at + 1
        return value

    key, rid, seq = b"", 0, 0
    for _ in range(int.from_bytes(block[:2], "big")):
        head = number()
        distance = head >> 2
        if head & 1:
            halves, at = block[at], at + 1
            shared, more = half(halves >> 4), 0
            more = half(halves & 15)
            key, at = key[:shared] + block[at:at + more], at + more
            rid += distance >> 1 ^ -(distance & 1)
        else:
            rid += distance
        if head & 2:
            distance = number()
            seq += distance >> 1 ^ -(distance & 1)
        yield key, rid, seq
    assert at == len(block)


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
        self.age(1)

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, script):
        database = sqlite3.connect(self.data / "store.db")
        database.executescript(script)
        database.close()

    def age(self, number):
        """Makes the folder one of schema 2 or 1."""
        database = sqlite3.connect(self.data / "store.db")
        database.execute("CREATE TABLE row(lane INTEGER NOT NULL,key BLOB NOT NULL,rid INTEGER NOT NULL,seq INTEGER NOT NULL,"
                         "PRIMARY KEY(lane,key,rid)) WITHOUT ROWID")
        for lane, block in database.execute("SELECT lane,entries FROM fence JOIN block USING(number)").fetchall():
            database.executemany("INSERT INTO row VALUES(?,?,?,?)", [(lane, *entry) for entry in entries(block)])
        self.assertEqual(*database.execute("SELECT (SELECT count(*) FROM row),(SELECT rows FROM state)").fetchone())
        database.commit()
        database.executescript(TO_SCHEMA_2)
        if number == 1:
            database.executescript(TO_SCHEMA_1)
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

    def test_from_each_schema(self):
        self.assertEqual(run("migrate", self.data).returncode, 0)
        self.age(2)
        done = run("migrate", self.data)
        self.assertIn(f"schema 2 is now {NOW}", done.stdout)
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
                self.age(1)
        self.assertEqual(run("migrate", self.data).returncode, 0)
        self.check()


if __name__ == "__main__":
    unittest.main()
