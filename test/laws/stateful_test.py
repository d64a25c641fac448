"""Referrals carried by 32 actors at once who do whatever the table of transitions lets them, and what it does not, while the clock
jumps and the server is killed. What they were told and what the histories say is held against a small reference model.

SOYANG_REFERRALS (120) and SOYANG_KILLS_STATEFUL (4) say how long; `./dev soak stateful` runs 10,000 and 1,000."""
import collections
import csv
import datetime
import http.client
import os
import pathlib
import random
import tempfile
import threading
import time
import unittest

import province
from province import (CONTROL_ROOM, POST, REGION, STATE, Client, Server, business, hip, infarction, new_patient, offers_of, owner_of, send, tag,
                      with_state)

REFERRALS = int(os.environ.get("SOYANG_REFERRALS", "120"))
KILLS = int(os.environ.get("SOYANG_KILLS_STATEFUL", "4"))
ACTORS = 32
NETWORK = (OSError, http.client.HTTPException, ValueError)
FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
CLOSED = {"completed", "cancelled", "failed", "rejected", "entered-in-error"}
TRAVELLING = {"en-route", "diverted", "arrived", "in-care"}


def rows():
    with (province.ROOT / "regions/korea/transitions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Model:
    """The laws over what is, and over how it came about. Knows the table and nothing of the program."""

    def __init__(self):
        self.steps = collections.defaultdict(set)  # (kind, from) -> the states it may go to
        for row in rows():
            for kind in ("loop", "offer") if row["scope"] == "both" else (row["scope"],):
                self.steps[kind, (row["from_status"], row["from_business"])].add((row["to_status"], row["to_business"]))

    def may(self, kind, before, after):
        return before == after or after in self.steps[kind, before]

    def wrong_steps(self, kind, versions):
        """A unit may take several steps at once (declined by the last place: rerouted, and offered to the next): up to three."""
        for before, after in zip(versions, versions[1:]):
            reached = {state_of(before)}
            for _ in range(3):
                reached |= {s for r in reached for s in self.steps[kind, r]}
            if state_of(after) not in reached:
                yield f"{after['id']}: {state_of(before)} to {state_of(after)} is no row of the table"
            if before["status"] in CLOSED and state_of(before) != state_of(after) and (before["status"], business(before)) != ("completed", None):
                yield f"{after['id']}: changed after its end"

    @staticmethod
    def wrong_versions(kind, versions):
        for task in versions:
            if task["status"] not in CLOSED and not (task.get("owner") and task.get("restriction", {}).get("period", {}).get("end")):
                yield f"{task['id']}/{task['meta']['versionId']}: open without owner or deadline"
            if kind == "loop" and business(task) in TRAVELLING and not task.get("location"):
                yield f"{task['id']}/{task['meta']['versionId']}: travels without a destination"

    @staticmethod
    def wrong_moments(changes):
        """At no moment two accepted offers of one loop, nor two holds of one bed. `changes`: all versions in the order of writing; a unit of
        work writes several with one time, and only its end is a moment that anybody can see. A hold whose lease is over holds no more."""
        accepted, holder, until = collections.defaultdict(set), collections.defaultdict(set), {}
        for number, version in enumerate(changes):
            when, task = version["meta"]["lastUpdated"], version["id"]
            loop = version.get("partOf", [{}])[0].get("reference")
            if loop:
                holds = version["status"] in ("accepted", "in-progress")
                (accepted[loop].add if holds else accepted[loop].discard)(task)
                key = output_of(version, "hold")
                if key and holds and not output_of(version, "hold-ended") and until.get(task) != "over":
                    holder[key].add(task)
                    until[task] = output_of(version, "hold-until")
                elif key:
                    holder[key].discard(task)
            if number + 1 == len(changes) or changes[number + 1]["meta"]["lastUpdated"] != when:
                yield from (f"{when}: {loop} has {len(ids)} accepted offers" for loop, ids in accepted.items() if len(ids) > 1)
                for key, ids in holder.items():
                    for task in [t for t in ids if len(ids) > 1 and instant(until[t]) <= instant(when)]:
                        ids.discard(task)  # taken by the next, before its own end was written
                        until[task] = "over"
                    if len(ids) > 1:
                        yield f"{when}: {key} is held {len(ids)} times"

    @staticmethod
    def wrong_leases(histories, now):
        """What is still held at the end is within its lease, but for the moments that the timer takes."""
        for task, versions in histories.items():
            end = output_of(versions[-1], "hold-until")
            if end and versions[-1]["status"] in ("accepted", "in-progress") and not output_of(versions[-1], "hold-ended"):
                if (instant(now) - instant(end)).total_seconds() > 600:
                    yield f"{task}: its lease ended at {end} and it still holds a bed at {now}"


def instant(iso):
    return datetime.datetime.fromisoformat(iso.replace("Z", "+00:00"))


def output_of(task, code):
    found = next((o for o in task.get("output", []) if o["type"]["coding"][0]["code"] == code), {})
    return found.get("valueString") or found.get("valueInstant")


def state_of(task):
    codes = [c["code"] for c in task.get("businessStatus", {}).get("coding", [])]
    own = business(task)
    return task["status"], own or (codes[0] if codes else "")


class ClockedServer(Server):
    """The program under a clock that the test moves."""

    def __init__(self, **how):
        self.clock = pathlib.Path(tempfile.mkstemp(prefix="soyang-clock-")[1])
        self.shift_s = 0
        self.jump(0)
        super().__init__(**how)

    def jump(self, by_s):
        self.shift_s += by_s
        draft = self.clock.with_suffix(".new")
        draft.write_text(f"{self.shift_s:+d}")
        draft.rename(self.clock)

    def start(self):
        moved = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_CACHE_DURATION": "1", "DONT_FAKE_MONOTONIC": "1"}
        os.environ.update(moved)
        try:
            super().start()
        finally:
            for name in moved:
                del os.environ[name]

    def close(self):
        super().close()
        self.clock.unlink()


class World:
    """What all actors share."""

    def __init__(self, server):
        self.server, self.lock = server, threading.Lock()
        self.loops, self.told, self.done, self.broken = [], {}, collections.Counter(), []
        self.unsure = []  # patients whose sending was cut off before the answer
        self.sent, self.is_stopping = 0, False


class Actor(threading.Thread):
    def __init__(self, world, seed, sends):
        super().__init__(daemon=True)
        self.world, self.random, self.sends = world, random.Random(seed), sends
        self.table = [r for r in rows() if r["actor"] != "system" and not r["to_business"][:1].isdigit() and r["to_business"]]
        self.model = Model()

    def run(self):
        while not self.world.is_stopping:
            try:
                self.refer() if self.sends and self.random.random() < 0.5 else self.act()
            except NETWORK:
                time.sleep(0.02)
            except Exception as problem:  # the test's own mistake, or an answer that is none
                self.world.broken.append(f"{type(problem).__name__}: {problem}")
                return

    def refer(self):
        with self.world.lock:
            if self.world.unsure:
                name = self.world.unsure.pop()
            elif self.world.sent < REFERRALS:
                self.world.sent += 1
                name = f"stateful-{self.world.sent}"
            else:
                self.sends = False
                return
        try:
            known = self.send_one(name)
        except NETWORK:
            known = False
        if not known:
            with self.world.lock:
                self.world.unsure.append(name)

    def send_one(self, name):
        """A kill may take the answer, not the referral: asked again it is refused or done. True once its loop is known."""
        http = Client(self.world.server.port, timeout_s=20)
        try:
            new_patient(http, self.random.choice([infarction, hip]), name)
        except AssertionError as problem:
            raise OSError(str(problem)) from problem
        answer, loop, offers = send(http, name, self.random.choice([1, 1, 2, 2, 3]))
        if answer.status == 409:
            found = http.get(f"Task?patient=Patient/{name}&_count=50").json.get("entry", [])
            loop = next(e["resource"] for e in found if not e["resource"].get("partOf"))
        elif answer.status != 200:
            return False
        for task in [loop] + offers:
            self.told_of(task)
        with self.world.lock:
            self.world.loops.append(loop["id"])
        return True

    def told_of(self, task):
        with self.world.lock:
            version = int(task["meta"]["versionId"])
            self.world.told[task["id"], version] = state_of(task)

    def act(self):
        with self.world.lock:
            of = self.world.loops[-100:] if self.random.random() < 0.8 else self.world.loops  # the late ones have more before them
            loop = self.random.choice(of) if of else None
        if loop is None:
            time.sleep(0.05)
            return
        http = Client(self.world.server.port, timeout_s=20)
        tasks = [http.get("Task/" + loop)]
        if tasks[0].status != 200:
            return
        tasks = [tasks[0].json] + offers_of(http, loop)
        task = self.random.choice(tasks)
        kind = "offer" if task.get("partOf") else "loop"
        if self.random.random() < 0.1:
            self.forbidden(task, kind)
            return
        choice = [r for r in self.table if r["scope"] in (kind, "both") and (r["from_status"], r["from_business"]) == state_of(task)]
        if choice:
            self.step(task, self.random.choice(choice), tasks)

    def step(self, task, row, tasks):
        who = {"initiator": (POST, "primary-care"), "controller": (CONTROL_ROOM, "control-room"),
               "recipient": (self.recipient(task, tasks), "receiving")}[row["actor"]]
        if who[0] is None:
            return
        http = Client(self.world.server.port, *who, timeout_s=20)
        body = with_state(task, row["to_status"], row["to_business"])
        if row["trigger"] in ("decline", "record-decline"):
            body["statusReason"] = {"coding": [{"system": province.DECLINE, "code": "ed-full"}]}
        elif row["reason_required"]:
            body["statusReason"] = {"text": "합성 사유"}
        if row["trigger"].startswith("record-"):
            body["input"] = task.get("input", []) + [{"type": {"coding": [{"system": STATE.replace("referral-state", "task-input"), "code": "telephone"}]},
                                                      "valueString": "합성 당직의"}]
        if row["trigger"] in ("designate", "divert", "depart-now"):
            body["location"] = {"reference": "Location/" + self.random.choice(["A2200008", "A2200001", "A2200014"])}
        if row["trigger"] == "return":
            body["output"] = task.get("output", []) + [{"type": {"coding": [{"system": STATE.replace("referral-state", "task-output"), "code": "return-letter"}]},
                                                        "valueReference": {"reference": self.letter(task)}}]
        answer = http.put("Task/" + task["id"], body, tag(task))
        with self.world.lock:
            self.world.done[row["trigger"], answer.status // 100] += 1
        if answer.status == 200:
            self.told_of(answer.json)
        elif answer.status not in (400, 403, 409, 412, 422, 503):
            self.world.broken.append(f"{row['id']} was answered by {answer.status}: {answer.raw[:300]}")

    def recipient(self, task, tasks):
        if task.get("partOf"):
            return owner_of(task)
        offer = next((t for t in tasks[1:] if t["status"] in ("accepted", "requested", "completed")), None)
        return owner_of(offer) if offer else None

    def letter(self, task):
        patient = task["for"]["reference"]
        http = Client(self.world.server.port, timeout_s=20)
        answer = http.post("DocumentReference", {"resourceType": "DocumentReference", "status": "current", "subject": {"reference": patient},
                                                 "content": [{"attachment": {"contentType": "text/plain", "title": "합성 회송서"}}]})
        return "DocumentReference/" + answer.json["id"] if answer.status == 201 else "DocumentReference/none"

    def forbidden(self, task, kind):
        """A step that no row allows, by somebody who may do everything else."""
        states = sorted({(r["to_status"], r["to_business"]) for r in self.table if r["scope"] in (kind, "both")})
        state = self.random.choice(states)
        if self.model.may(kind, state_of(task), state):
            return
        answer = Client(self.world.server.port, timeout_s=20).put("Task/" + task["id"], with_state(task, *state), tag(task))
        with self.world.lock:
            self.world.done["forbidden", answer.status // 100] += 1
        if answer.status < 400:
            self.world.broken.append(f"{task['id']}: {state_of(task)} to {state} was allowed")


class Stateful(unittest.TestCase):
    def setUp(self):
        self.assertIsNotNone(FAKETIME, "libfaketime is missing: ./dev install test")
        program = os.environ.get("SOYANG_RELEASE")
        if program:  # a preloaded clock and the sanitizers' own preloading do not go together
            self.addCleanup(setattr, province.sys.modules["soyang_server"], "PROGRAM", province.PROGRAM)
            province.sys.modules["soyang_server"].PROGRAM = program

    def changes(self, http):
        """Every version of every Task, in the order of writing."""
        versions, url = [], "Task/_history?_count=500"
        while url:
            page = http.get(url).json
            versions += [e["resource"] for e in page.get("entry", []) if "resource" in e]
            url = next((link["url"].split("/fhir/")[1] for link in page["link"] if link["relation"] == "next"), None)
        return versions[::-1]

    def test_whatever_they_do(self):
        chance = random.Random(20261122)
        server = ClockedServer(region=REGION, options=["--speed", "60"])
        world = World(server)
        began = time.monotonic()
        try:
            for kill in range(KILLS + 1):
                world.is_stopping = False
                actors = [Actor(world, chance.random(), number % 4 == 0) for number in range(ACTORS)]
                for actor in actors:
                    actor.start()
                target = REFERRALS * (kill + 1) // (KILLS + 1)
                end = time.monotonic() + 120
                while len(world.loops) < target and time.monotonic() < end and not world.broken:
                    time.sleep(0.05)
                    if chance.random() < 0.05:
                        server.jump(chance.choices([-600, -60, 60, 600, 1200, 10800], [2, 2, 2, 2, 2, 1])[0])
                time.sleep(chance.uniform(0, 0.3))
                world.is_stopping = True
                if kill < KILLS:
                    server.kill()
                for actor in actors:
                    actor.join(60)
                if kill < KILLS:
                    server.start()
                if (kill + 1) % 50 == 0:
                    print(f"{kill + 1} kills, {len(world.loops)} referrals, {time.monotonic() - began:.0f} s", flush=True)
            self.assertEqual(world.broken[:5], [])
            self.check(world, Model())
        finally:
            server.close()

    def check(self, world, model):
        http = world.server.client
        wrong, histories = [], collections.defaultdict(list)
        now = http.send("GET", "/region.json", raw_path=True).json["time"]
        time.sleep(3)  # three minutes of the server's: what was due is done
        changes = self.changes(http)
        for version in changes:
            histories[version["id"]].append(version)
        for task, versions in histories.items():
            kind = "offer" if versions[0].get("partOf") else "loop"
            wrong += [*model.wrong_steps(kind, versions), *model.wrong_versions(kind, versions)]
            if [int(v["meta"]["versionId"]) for v in versions] != list(range(1, len(versions) + 1)):
                wrong.append(f"{task}: versions are missing")
        wrong += model.wrong_moments(changes)
        wrong += model.wrong_leases(histories, now)
        for (task, version), state in world.told.items():
            if task not in histories or len(histories[task]) < version:
                wrong.append(f"Task/{task}/_history/{version} was acknowledged and is gone")
            elif state_of(histories[task][version - 1]) != state:
                wrong.append(f"Task/{task}/_history/{version} was acknowledged as {state}")
        versions = sum(map(len, histories.values()))
        done = {name: world.done[name, 2] for name in ("accept", "decline", "depart", "arrive", "take-over", "cancel", "designate")}
        ended = sum(bool(output_of(v[-1], "hold-ended")) for v in histories.values())
        print(f"{len(world.loops)} referrals, {len(histories)} tasks, {versions} versions, {KILLS} kills, {len(world.told)} acknowledged; "
              f"{world.done['forbidden', 4]} forbidden steps refused; {ended} holds ended by lease; {done}")
        for line in wrong[:3]:  # what came before what is wrong
            for version in histories.get(line.split("/")[0].split(":")[0], []):
                print(line, version["meta"], state_of(version), version.get("owner"), version.get("location"), version.get("restriction"))
        self.assertEqual(wrong[:20], [], f"{len(wrong)} in all")
        self.assertGreaterEqual(len(world.loops), REFERRALS * 0.9)
        self.assertGreater(world.done["forbidden", 4], 0)
        for name, count in done.items():
            self.assertGreater(count, 0, f"nobody ever managed to {name}")


if __name__ == "__main__":
    unittest.main()
