"""SIGKILL at random moments while patients are carried: no acknowledged write is lost, no law is broken."""
import http.client
import os
import random
import subprocess
import threading
import time
import unittest

import province
from province import (Client, PROGRAM, REGION, Server, accepted, all_tasks, broken_laws, declined, hip, infarction, new_patient, offers_of, receiver, send)

KILLS = int(os.environ.get("SOYANG_KILLS", "50"))
ACTORS = 4
NETWORK = (OSError, http.client.HTTPException, AssertionError, KeyError, ValueError, TypeError)


class Actor(threading.Thread):
    """Creates patients, sends them, lets places answer; keeps what the server acknowledged."""

    def __init__(self, server, seed, number):
        super().__init__(daemon=True)
        self.server, self.random, self.number = server, random.Random(seed), number
        self.acknowledged, self.accepted, self.is_stopping = {}, {}, False

    def run(self):
        count = 0
        while not self.is_stopping:
            count += 1
            try:
                self.carry(f"kill-{self.number}-{count}")
            except NETWORK:
                time.sleep(0.02)

    def note(self, answer):
        if 200 <= answer.status < 300 and answer.json:
            self.acknowledged[f"{answer.json['resourceType']}/{answer.json['id']}"] = int(answer.json["meta"]["versionId"])

    def carry(self, name):
        http = Client(self.server.port, timeout_s=20)
        patient = new_patient(http, self.random.choice([infarction, hip]), name)
        self.acknowledged[f"Patient/{patient}"] = 1
        answer, loop, offers = send(http, patient, self.random.choice([1, 2, 3]))
        if answer.status != 200:
            return
        for task in [loop] + offers:
            self.acknowledged[f"Task/{task['id']}"] = int(task["meta"]["versionId"])
        for offer in offers:
            body = accepted(offer) if self.random.random() < 0.6 else declined(offer)
            answer = receiver(self.server, offer).put("Task/" + offer["id"], body)
            self.note(answer)
            if answer.status == 200 and body["status"] == "accepted":
                self.accepted.setdefault(loop["id"], []).append(offer["id"])


@unittest.skipIf(KILLS == 0, "SOYANG_KILLS=0")
class Kills(unittest.TestCase):
    def test_kills(self):
        program = province.PROGRAM
        server = Server(region=REGION, options=["--speed", "60"])
        chance = random.Random(20261122)
        actors, slowest = [], 0.0
        try:
            for kill in range(KILLS):
                actors = [Actor(server, chance.random(), f"{kill}-{n}") for n in range(ACTORS)]
                for actor in actors:
                    actor.start()
                time.sleep(chance.uniform(0.05, 0.8))
                server.kill()
                for actor in actors:
                    actor.is_stopping = True
                began = time.monotonic()
                server.start()
                slowest = max(slowest, time.monotonic() - began)
                for actor in actors:
                    actor.join(30)
                self.check(server, actors)
            tasks = all_tasks(server.client)
            self.assertEqual(broken_laws(tasks), [])
            print(f"{KILLS} kills, {len(tasks)} tasks, slowest start after a kill {slowest * 1000:.0f} ms")
            server.stop()
            sound = subprocess.run([program, "check", server.folder], capture_output=True, text=True)
            self.assertEqual(sound.returncode, 0, sound.stderr)
            server.start()
        finally:
            server.close()

    def check(self, server, actors):
        for actor in actors:
            for path, version in list(actor.acknowledged.items()):
                read = server.client.get(path)
                self.assertEqual(read.status, 200, f"{path} was acknowledged and is gone")
                self.assertGreaterEqual(int(read.json["meta"]["versionId"]), version, f"{path} lost a version")
            for loop, offers in actor.accepted.items():
                self.assertEqual(len(offers), 1, f"{loop} was accepted twice")


if __name__ == "__main__":
    unittest.main()
