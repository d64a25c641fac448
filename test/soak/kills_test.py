"""SIGKILL at random moments under a write load of 32 clients: every 2xx is there with its content, nothing is half there.

After each kill, of what changed since the kill before: each acknowledged version reads back with its content; what was in flight is
there whole or not at all; transactions are whole or absent; of some, closely: versions have no gaps, and the index finds what stands. At
the end all that was ever acknowledged is read again, and `soyang check` reads the whole folder: pages, bodies, index rows, audit
chain."""
import http.client
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))
from soyang_server import PROGRAM, Client, Server  # noqa: E402

KILLS = int(os.environ.get("SOYANG_KILLS", "25"))
CLIENTS = int(os.environ.get("SOYANG_KILL_CLIENTS", "32"))
SEED = int(os.environ.get("SOYANG_KILL_SEED", "20261122"))
TOKENS = "urn:soyang:kills"
PAGE = 100
NETWORK = (OSError, http.client.HTTPException)


def patient(name, mark):
    return {"resourceType": "Patient", "id": name, "identifier": [{"system": TOKENS, "value": mark}], "name": [{"family": "김", "given": [mark]}]}


class Writer(threading.Thread):
    """One client with one kept-alive connection. Writes only its own resources, so that it knows what must stand.

    `standing`: of each path the (version, mark) acknowledged last; `unsure`: of each path the (version, mark) that was asked for
    and never answered; `transactions`: of each mark whether it was acknowledged."""

    def __init__(self, port, number, seed):
        super().__init__(daemon=True)
        self.port, self.number, self.random = port, number, random.Random(seed)
        self.standing, self.unsure, self.transactions, self.wrong = {}, {}, {}, []
        self.serial, self.connection, self.is_stopping = 0, None, False

    def begin(self, port):
        self.port, self.is_stopping, self.connection = port, False, None

    def ask(self, method, path, body=None):
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.connection.request(method, "/fhir/" + path, None if body is None else json.dumps(body, ensure_ascii=False).encode(),
                                {"Content-Type": "application/fhir+json"})
        response = self.connection.getresponse()
        raw = response.read()
        if response.status >= 300:
            self.wrong.append(f"{method} {path}: {response.status} {raw[:300]!r}")
        return response.status, raw

    def run(self):
        try:
            while not self.is_stopping:
                self.random.choice(self.deeds)(self)
        except NETWORK:
            pass
        if self.connection is not None:
            self.connection.close()

    def mark(self):
        self.serial += 1
        return f"c{self.number}-{self.serial}"

    def put(self, path, mark):
        before = self.standing.get(path, (0, None))
        self.unsure[path] = (before[0] + 1, mark)
        status, raw = self.ask("PUT", path, patient(path.split("/")[1], mark))
        if status in (200, 201):
            self.standing[path] = (int(json.loads(raw)["meta"]["versionId"]), mark)
            if self.standing[path][0] != before[0] + 1:
                self.wrong.append(f"{path} went from version {before[0]} to {self.standing[path][0]}")
        del self.unsure[path]

    def create(self):
        mark = self.mark()
        self.put(f"Patient/{mark}", mark)

    def update(self):
        alive = [path for path, (_, mark) in self.standing.items() if mark is not None]
        if alive:
            self.put(self.random.choice(alive[-20:]), self.mark())

    def delete(self):
        alive = [path for path, (_, mark) in self.standing.items() if mark is not None]
        if len(alive) < 4:
            return
        path = self.random.choice(alive[-20:])
        version = self.standing[path][0] + 1
        self.unsure[path] = (version, None)
        if self.ask("DELETE", path)[0] in (200, 204):
            self.standing[path] = (version, None)
        del self.unsure[path]

    def transact(self):
        mark = self.mark()
        entries = [{"fullUrl": "urn:uuid:0c6f3b9e-0000-4000-8000-000000000000", "resource": patient(f"{mark}-p", mark),
                    "request": {"method": "PUT", "url": f"Patient/{mark}-p"}}]
        entries += [{"resource": {"resourceType": "Observation", "id": f"{mark}-o{n}", "status": "final", "code": {"text": "x"},
                                  "identifier": [{"system": TOKENS, "value": mark}],
                                  "subject": {"reference": "urn:uuid:0c6f3b9e-0000-4000-8000-000000000000"}},
                     "request": {"method": "PUT", "url": f"Observation/{mark}-o{n}"}} for n in range(5)]
        self.transactions[mark] = False
        self.transactions[mark] = self.ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})[0] == 200

    deeds = (create, create, update, update, update, delete, transact)

    # ---- afterwards -------------------------------------------------------------------------------------------------

    def settle(self, http):
        """What was in flight is there or not; then it is known."""
        for path, (version, mark) in list(self.unsure.items()):
            before = self.standing.get(path, (0, None))
            answer = http.get(path)
            stands = self.version_of(http, path, answer)
            if stands == version:
                self.standing[path] = (version, mark)
            elif stands != before[0]:
                self.wrong.append(f"{path} is at version {stands}: neither {before[0]} nor {version}")
            del self.unsure[path]

    def version_of(self, http, path, answer):
        if answer.status == 200:
            return int(answer.json["meta"]["versionId"])
        return http.get(path + "/_history").json["total"] if answer.status == 410 else 0

    def check(self, http, paths):
        """Content and version of these."""
        paths = sorted(paths)
        for first in range(0, len(paths), PAGE):
            some = paths[first:first + PAGE]
            page = http.get(f"Patient?_count={PAGE}&_id=" + ",".join(path.split("/")[1] for path in some))
            there = {f"Patient/{e['resource']['id']}": e["resource"] for e in page.json.get("entry", [])}
            for path in some:
                version, mark = self.standing[path]
                found = there.get(path)
                stands = None if found is None else (int(found["meta"]["versionId"]), found["identifier"][0]["value"])
                if stands != (None if mark is None else (version, mark)):
                    self.wrong.append(f"{path} was acknowledged as {version, mark} and is {stands}")

    def check_closely(self, http, path):
        """Its versions, and what the index finds."""
        version, mark = self.standing[path]
        history = http.get(path + "/_history?_count=1000")
        versions = [int(e["response"]["etag"].strip('W/"')) for e in history.json.get("entry", [])]
        if versions != list(range(version, 0, -1)):
            self.wrong.append(f"{path} has the versions {versions}, not up to {version}")
        answer = http.get(path)
        if answer.status != (410 if mark is None else 200):
            self.wrong.append(f"{path}, acknowledged as {version, mark}: {answer}")
        if mark is not None and http.get(f"Patient?identifier={TOKENS}|{mark}&_summary=count").json["total"] != 1:
            self.wrong.append(f"{path} is not found by {mark}")

    def check_transactions(self, http, marks):
        for mark in marks:
            there = (http.get(f"Patient/{mark}-p").status == 200) + http.get(
                f"Observation?identifier={TOKENS}|{mark}&subject=Patient/{mark}-p&_summary=count").json["total"]
            if there not in (0, 6) or (self.transactions[mark] and there != 6):
                self.wrong.append(f"of transaction {mark}, {'acknowledged' if self.transactions[mark] else 'unanswered'}, {there} of 6 are there")


@unittest.skipIf(KILLS == 0, "SOYANG_KILLS=0")
class Kills(unittest.TestCase):
    def test_kills_under_load(self):
        chance = random.Random(SEED)
        server = Server()
        began = time.monotonic()
        writers = [Writer(server.port, n, chance.random()) for n in range(CLIENTS)]
        starts, wrong = [], []
        try:
            for kill in range(KILLS):
                self.load(server, writers, chance.uniform(0.03, 0.3))
                started = time.monotonic()
                server.start()
                starts.append(time.monotonic() - started)
                self.judge(server, writers, chance)
                for writer in writers:
                    wrong += writer.wrong
                    writer.wrong = []
                self.assertEqual(wrong, [], f"after kill {kill + 1}")
                if (kill + 1) % 50 == 0:
                    print(f"{kill + 1} kills, {self.figures(writers)}, {time.monotonic() - began:.0f} s", flush=True)
                writers = [self.again(writer, server.port) for writer in writers]
            self.end(server, writers)
            print(f"{KILLS} kills under {CLIENTS} clients in {time.monotonic() - began:.0f} s: {self.figures(writers)}; slowest start "
                  f"{max(starts) * 1000:.0f} ms; nothing lost, nothing half")
        finally:
            server.close()

    def load(self, server, writers, seconds):
        for writer in writers:
            writer.known, writer.before = set(writer.transactions), dict(writer.standing)
            writer.start()
        time.sleep(seconds)
        server.kill()
        for writer in writers:
            writer.is_stopping = True
        for writer in writers:
            writer.join(30)

    def again(self, old, port):
        """A thread runs once: the next one goes on with what the last one knows."""
        new = Writer(port, old.number, old.random.random())
        new.standing, new.transactions, new.serial = old.standing, old.transactions, old.serial
        return new

    def judge(self, server, writers, chance):
        """All that changed since the kill before, some of it closely, and a few that did not change."""
        for writer in writers:
            unsure = set(writer.unsure)
            writer.settle(server.client)
            touched = {path for path, state in writer.standing.items() if writer.before.get(path) != state}
            old = [path for path in writer.standing if path not in touched]
            writer.check(server.client, touched | set(chance.sample(old, min(3, len(old)))))
            for path in (unsure & touched) | set(chance.sample(sorted(touched), min(1, len(touched)))):
                writer.check_closely(server.client, path)
            marks = [mark for mark in writer.transactions if mark not in writer.known]
            writer.check_transactions(server.client, [m for m in marks if not writer.transactions[m]] + marks[-1:])

    def end(self, server, writers):
        wrong = []
        for writer in writers:
            writer.check(server.client, writer.standing)
            for path in list(writer.standing)[::20]:
                writer.check_closely(server.client, path)
            writer.check_transactions(server.client, writer.transactions)
            wrong += writer.wrong
        self.assertEqual(wrong, [])
        total = server.client.get("Patient?_summary=count").json["total"]
        alive = sum(mark is not None for w in writers for _, mark in w.standing.values())
        whole = sum(server.client.get(f"Patient/{mark}-p").status == 200 for w in writers for mark in w.transactions)
        self.assertEqual(total, alive + whole)
        server.stop()
        sound = subprocess.run([PROGRAM, "check", server.folder], capture_output=True, text=True, timeout=600)
        self.assertEqual(sound.returncode, 0, sound.stdout + sound.stderr)
        print("soyang check:", *(sound.stdout + sound.stderr).strip().splitlines()[-1:])
        server.start()

    def figures(self, writers):
        versions = sum(version for w in writers for version, _ in w.standing.values())
        whole = sum(w.transactions[m] for w in writers for m in w.transactions)
        return f"{sum(len(w.standing) for w in writers)} resources in {versions} versions and {whole} transactions acknowledged"


if __name__ == "__main__":
    unittest.main()
