"""Disks that fill up or fail, folders that may not be written or are taken away, clocks that jump: clear errors, nothing lost."""
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from faults import EIO, ENFILE, ENOMEM, ENOSPC, FROM_THEN_ON, KINDS, ONCE, SQLITE_IOERR, PROGRAM, Faults, FaultyServer, shim

EACCES, EROFS = 13, 30
DAY_S = 86400


def patient(name, **members):
    return {"resourceType": "Patient", "id": name, **members}


@unittest.skipIf(shim() is None, "fault_shim.so is not built")
class Disk(unittest.TestCase):
    def setUp(self):
        self.faults = Faults()
        self.addCleanup(self.faults.close)

    def serve(self, **options):
        server = FaultyServer(self.faults, **options)
        self.addCleanup(server.close)
        return server

    def put(self, server, name, status, **members):
        answer = server.client.put("Patient/" + name, patient(name, **members))
        self.assertEqual(answer.status, status, answer)
        return answer

    def check(self, server):
        server.stop()
        sound = server.check()
        self.assertEqual(sound.returncode, 0, sound.stdout + sound.stderr)
        server.start()

    def test_a_full_disk(self):
        server = self.serve()
        self.put(server, "before", 201)
        self.faults.arm("write", 1, ENOSPC, FROM_THEN_ON)
        for n in range(5):
            answer = self.put(server, f"full-{n}", 507)
            self.assertIn("no room left", answer.diagnostics)
        self.assertEqual(server.client.get("Patient/before").status, 507)  # no audit row, no reading
        self.faults.disarm()
        self.put(server, "after", 201)
        found = server.client.get("Patient?_elements=id").json
        self.assertEqual(sorted(e["resource"]["id"] for e in found["entry"]), ["after", "before"])
        self.check(server)

    def test_a_disk_that_fails_to_sync(self):
        server = self.serve()
        self.put(server, "before", 201)
        self.faults.arm("sync", 1, EIO, FROM_THEN_ON)
        self.put(server, "lost", 500)
        self.faults.disarm()
        self.put(server, "after", 201)
        self.assertEqual(server.client.get("Patient/lost").status, 404)
        self.check(server)

    def start(self, kind, nth, error, lasting=ONCE, folder=None):
        """What a start with this fault says; a server that starts all the same is stopped."""
        own = folder or tempfile.mkdtemp(prefix="soyang-faults-")
        self.addCleanup(shutil.rmtree, own, True)
        self.faults.arm(kind, nth, error, lasting)
        process = FaultyServer.spawn(self.starter, "serve", "--data", own + "/data", "--port", "0", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = process.stdout.readline()
        self.faults.disarm()
        if "listens" in line:
            process.terminate()
        out, err = process.communicate(timeout=60)
        return process.returncode, line + out, err

    @property
    def starter(self):
        starter = object.__new__(FaultyServer)
        starter.faults, starter.program = self.faults, os.environ.get("SOYANG_RELEASE") or PROGRAM
        return starter

    def test_a_folder_that_may_not_be_written(self):
        for error in (EACCES, EROFS):
            code, out, err = self.start("open", 1, error, FROM_THEN_ON)
            self.assertGreater(code, 0, out + err)
            self.assertIn(os.strerror(error), err)

    def test_no_folder_where_a_file_is(self):
        with tempfile.NamedTemporaryFile() as file:
            done = subprocess.run([self.starter.program, "serve", "--data", file.name, "--port", "0"], capture_output=True, text=True, timeout=20)
            self.assertGreater(done.returncode, 0)
            self.assertIn("data folder", done.stderr)
            done = subprocess.run([self.starter.program, "serve", "--data", file.name + "/a/b", "--port", "0"], capture_output=True, text=True, timeout=20)
            self.assertGreater(done.returncode, 0)
            self.assertIn("data folder", done.stderr)

    def test_every_call_of_a_start(self):
        """Ends with an error that is said, or starts; never by a signal. And the folder can be opened afterwards."""
        before = self.faults.calls()
        code, _, err = self.start("memory", 1 << 40, ENOMEM)
        self.assertEqual(code, 0, err)
        counts = dict(zip(("memory", "write", "sync", "read", "open", "sql"), (b - a for a, b in zip(before, self.faults.calls()))))
        tried = 0
        for kind, error in (("memory", ENOMEM), ("write", ENOSPC), ("sync", EIO), ("read", EIO), ("open", ENFILE), ("sql", SQLITE_IOERR)):
            step = max(1, counts[kind] // int(os.environ.get("SOYANG_FAULTS_STARTS", "5")))
            for nth in range(1, counts[kind] + 1, step):
                folder = tempfile.mkdtemp(prefix="soyang-faults-")
                code, out, err = self.start(kind, nth, error, folder=folder)
                what = f"{kind} call {nth} of {counts[kind]} at the start: {code} {out} {err[-2000:]}"
                self.assertGreaterEqual(code, 0, what)
                self.assertTrue(code == 0 or err.strip(), what)
                again, _, err = self.start(kind, 1 << 40, error, folder=folder)
                self.assertEqual(again, 0, what + " and then " + err)
                tried += 1
        print(f"calls of a start: {counts}; {tried} faults")

    def imports(self, kind, nth, error, lines):
        """An import into a new folder with this fault: (its status, what it says, how many are there then)."""
        folder = tempfile.mkdtemp(prefix="soyang-faults-")
        self.addCleanup(shutil.rmtree, folder, True)
        path = pathlib.Path(folder) / "patients.ndjson"
        path.write_text(lines)
        self.faults.arm(kind, nth, error)
        done = FaultyServer.spawn(self.starter, "import", "--data", folder + "/data", str(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = done.communicate(timeout=60)
        self.faults.disarm()
        if not pathlib.Path(folder + "/data/store.db").exists():
            return done.returncode, out + err, 0
        sound = subprocess.run([self.starter.program, "check", folder + "/data"], capture_output=True, text=True, timeout=60)
        self.assertEqual(sound.returncode, 0, f"{kind} call {nth}: {sound.stdout} {sound.stderr}")
        return done.returncode, out + err, int(sound.stdout.split("is sound: ")[1].split()[0])

    def test_every_call_of_an_import(self):
        """Ends well with all of it there, or says that it did not; the folder is sound."""
        lines = "".join(json.dumps(patient(f"i{n}", birthDate="1970-01-01")) + "\n" for n in range(300))
        before = self.faults.calls()
        status, said, there = self.imports("memory", 1 << 40, ENOMEM, lines)
        self.assertEqual((status, there), (0, 300), said)
        counts = [b - a for a, b in zip(before, self.faults.calls())]
        tried = 0
        for kind, count, error in zip(KINDS, counts, (ENOMEM, ENOSPC, EIO, EIO, ENFILE, SQLITE_IOERR)):
            step = max(1, count // int(os.environ.get("SOYANG_FAULTS_STARTS", "5")))
            for nth in range(step // 2 + 1, count + 1, step):
                status, said, there = self.imports(kind, nth, error, lines)
                what = f"{kind} call {nth} of {count} in an import: {status}, {there} there: {said[-2000:]}"
                self.assertGreaterEqual(status, 0, what)
                self.assertTrue(said.strip() and (status > 0 or there == 300), what)
                tried += 1
        print(f"calls of an import: {dict(zip(KINDS, counts))}; {tried} faults")

    def test_a_folder_that_is_taken_away(self):
        for take in (shutil.rmtree, lambda folder: os.rename(folder, folder + "-moved")):
            server = self.serve()
            self.put(server, "before", 201)
            take(server.folder)
            self.addCleanup(shutil.rmtree, server.folder + "-moved", True)
            answer = self.put(server, "lost", 500)
            self.assertIn("moved or removed", answer.diagnostics)
            self.assertEqual(server.client.get("Patient/before").status, 500)
            if pathlib.Path(server.folder + "-moved").exists():
                os.rename(server.folder + "-moved", server.folder)  # put back: it goes on
                self.put(server, "after", 201)
                self.assertEqual(server.client.get("Patient/before").status, 200)
                self.check(server)

    def times(self, server, name):
        page = server.client.get(f"Patient/{name}/_history").json
        return [datetime.datetime.fromisoformat(e["resource"]["meta"]["lastUpdated"]) for e in page["entry"]]

    def test_a_clock_that_jumps(self):
        """Time goes on from where it was: versions keep their order, pages and cursors hold, also over a start."""
        server = self.serve()
        self.put(server, "p", 201)
        for n in range(3):
            self.put(server, f"q{n}", 201)
        page = server.client.get("Patient?_count=2&_sort=-_lastUpdated").json
        following = next(link["url"] for link in page["link"] if link["relation"] == "next").split("/fhir/")[1]
        for offset_s in (-DAY_S, -40 * 365 * DAY_S, 0, 3600, -3600):
            self.faults.clock(offset_s)
            self.put(server, "p", 200, active=offset_s > 0)
            answer = server.client.get(following)
            self.assertIn(answer.status, (200, 410), answer)  # 410: 15 minutes are over
        server.stop()
        server.start()  # with the clock an hour behind
        self.put(server, "p", 200, gender="female")
        times = self.times(server, "p")
        self.assertEqual(len(times), 7)
        self.assertEqual(times, sorted(times, reverse=True))
        self.faults.clock(0)
        self.check(server)


if __name__ == "__main__":
    unittest.main()
