"""The laws of the house, attacked through every door by a client that holds no Soyang code."""
import threading
import unittest

from province import (OPEN, Client, Server, accepted, all_tasks, broken_laws, business, controller, declined, doors, hip, new_patient, offers_of, owner_of, receiver,
                      REGION, send, sender, tag, wait_until, with_state)

QUIET = {"meta", "restriction", "lastModified"}


def without_bookkeeping(task):
    return {k: v for k, v in task.items() if k not in QUIET}


class Laws(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(region=REGION)
        cls.http = cls.server.client

    @classmethod
    def tearDownClass(cls):
        try:
            assert broken_laws(all_tasks(cls.http)) == [], broken_laws(all_tasks(cls.http))
        finally:
            cls.server.close()

    def sent(self, story=None, level=2):
        patient = new_patient(self.http, *([story] if story else []))
        answer, loop, offers = send(self.http, patient, level)
        self.assertEqual(answer.status, 200, answer)
        self.assertGreater(len(offers), 0)
        return loop, offers

    def fresh(self, task):
        return self.http.get("Task/" + task["id"]).json

    def refuse_everywhere(self, task, change, http=None):
        """`change` of the Task as it is now is refused by every door, and nothing has changed."""
        now = self.fresh(task)
        for name, door in doors(self.server, http or self.http, now, change(now)):
            answer = door()
            self.assertGreaterEqual(answer.status, 400, f"{name} let it in: {answer}")
            self.assertLess(answer.status, 502, f"{name}: {answer}")
            after = self.fresh(task)
            self.assertEqual(without_bookkeeping(after), without_bookkeeping(now), f"{name} changed it")

    # 1: only legal transitions, and the refusal names the legal ones
    def test_illegal_transitions(self):
        loop, offers = self.sent()
        self.refuse_everywhere(loop, lambda t: with_state(t, "completed", "loop-acknowledged"))
        self.refuse_everywhere(loop, lambda t: with_state(t, "in-progress", "in-care"))
        self.refuse_everywhere(offers[0], lambda t: with_state(t, "completed", "fulfilled"))
        answer = self.http.put("Task/" + loop["id"], with_state(self.fresh(loop), "in-progress", "in-care"))
        self.assertEqual(answer.status, 409, answer)
        self.assertIn("accept", answer.diagnostics)

    def test_draft_only(self):
        loop, offers = self.sent()
        for body in ({**accepted(loop), "id": "forged-loop"}, {**accepted(offers[0]), "id": "forged-offer"}):
            body.pop("meta")
            self.assertGreaterEqual(self.http.put("Task/" + body["id"], body).status, 400)
            self.assertGreaterEqual(self.http.post("Task", {k: v for k, v in body.items() if k != "id"}).status, 400)
            answer = self.http.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [
                {"resource": body, "request": {"method": "PUT", "url": "Task/" + body["id"]}}]})
            self.assertGreaterEqual(answer.status, 400, answer)
            self.assertEqual(self.http.get("Task/" + body["id"]).status, 404)

    # 2: one acceptance
    def test_one_acceptance(self):
        loop, offers = self.sent(level=1)
        self.assertGreater(len(offers), 1, "level 1 asks several places at once")
        first, second = offers[0], offers[1]
        answer = receiver(self.server, first).put("Task/" + first["id"], accepted(first), tag(first))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(business(self.fresh(loop)), "accepted")
        self.assertEqual(business(self.fresh(second)), "withdrawn")
        self.refuse_everywhere(second, accepted)
        self.refuse_everywhere(second, accepted, receiver(self.server, second))

    def test_two_accept_at_once(self):
        for _ in range(8):
            loop, offers = self.sent(level=1)
            answers = []
            start = threading.Barrier(len(offers))

            def accept(offer):
                http = receiver(self.server, offer)
                start.wait()
                answers.append(http.put("Task/" + offer["id"], accepted(offer)).status)

            threads = [threading.Thread(target=accept, args=(o,)) for o in offers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sum(a < 300 for a in answers), 1, answers)
            states = sorted(business(o) for o in offers_of(self.http, loop["id"]))
            self.assertEqual(states.count("accepted"), 1, states)

    def test_a_second_loop_for_one_patient(self):
        patient = new_patient(self.http)
        first, loop, offers = send(self.http, patient)
        again, _, _ = send(self.http, patient)
        self.assertEqual((first.status, again.status), (200, 409), again)

    # 3: every open Task has an owner and a deadline
    def test_owner_and_deadline_stay(self):
        loop, offers = self.sent()
        for task in (loop, offers[0]):
            now = self.fresh(task)
            for member in ("owner", "restriction"):
                self.http.put("Task/" + task["id"], {k: v for k, v in now.items() if k != member})
                after = self.fresh(task)
                self.assertTrue(after.get("owner"))
                self.assertTrue(after["restriction"]["period"]["end"])
        self.assertEqual(broken_laws(all_tasks(self.http)), [])

    # 10: what a Task is about never changes; open ones are not deleted
    def test_identity_and_deletion(self):
        loop, offers = self.sent()
        other = new_patient(self.http)
        self.refuse_everywhere(loop, lambda t: {**t, "for": {"reference": f"Patient/{other}"}})
        self.refuse_everywhere(loop, lambda t: {**t, "focus": {"reference": "ServiceRequest/another"}})
        self.refuse_everywhere(offers[0], lambda t: {k: v for k, v in t.items() if k != "partOf"})
        for path in ("Task/" + loop["id"], "Task/" + offers[0]["id"], loop["focus"]["reference"]):
            self.assertGreaterEqual(self.http.delete(path).status, 400)
            answer = self.http.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "DELETE", "url": path}}]})
            self.assertGreaterEqual(answer.status, 400)
            self.assertEqual(self.http.get(path).status, 200)

    # 12: a decline has a reason; it leads to the next place
    def test_decline(self):
        loop, offers = self.sent(hip, 3)
        self.refuse_everywhere(offers[0], lambda t: with_state(t, "rejected", "declined"))
        answer = receiver(self.server, offers[0]).put("Task/" + offers[0]["id"], declined(offers[0], "in-theatre"), tag(offers[0]))
        self.assertEqual(answer.status, 200, answer)
        asked = offers_of(self.http, loop["id"])
        self.assertGreater(len(asked), len(offers), "the next place is asked")
        self.assertEqual(len({owner_of(o) for o in asked}), len(asked), "nobody is asked twice")

    def test_who_may(self):
        loop, offers = self.sent()
        stranger = receiver(self.server, {"owner": {"reference": "Organization/A2200038"}})
        if owner_of(offers[0]) != "A2200038":
            self.refuse_everywhere(offers[0], accepted, stranger)

    def test_a_place_s_own_people_who_do_not_speak_for_it(self):
        """A planner, a researcher and a crew of the place asked neither accept nor type its board, nor see what was learned of it."""
        loop, offers = self.sent()
        place = owner_of(offers[0])
        board = {k: v for k, v in self.http.get("MeasureReport/capacity-" + place).json.items() if k != "meta"}
        for role in ("planner", "researcher", "crew"):
            theirs = Client(self.server.port, place, role)
            self.refuse_everywhere(offers[0], accepted, theirs)
            self.assertEqual(theirs.put("MeasureReport/" + board["id"], {**board, "reporter": {"reference": "Organization/" + place}}).status, 403, role)
            self.assertEqual(theirs.get(f"Organization/{place}/$trust").status, 403, role)
        self.assertEqual(receiver(self.server, offers[0]).get(f"Organization/{place}/$trust").status, 200)

    # every decision is kept, and replays
    def test_a_decision_stays_as_it_was_made(self):
        loop, offers = self.sent()
        reference = next(i["valueReference"]["reference"] for i in loop["input"] if i["type"]["coding"][0]["code"] == "decision")
        now = self.http.get(reference).json
        for caller in (self.http, sender(self.server), controller(self.server)):
            for name, door in doors(self.server, caller, now, {**now, "status": "failure"}):
                self.assertGreaterEqual(door().status, 400, name)
            self.assertEqual(caller.put(reference, {**now, "extension": now["extension"][:1]}).status, 409)
            self.assertEqual(caller.send("DELETE", reference).status, 409)
        self.assertEqual({k: v for k, v in self.http.get(reference).json.items() if k != "meta"}, {k: v for k, v in now.items() if k != "meta"})
        self.assertEqual(self.http.put(reference, now).status, 200, "the same again is no change")

    def test_declined_by_all_reaches_the_control_room(self):
        loop, _ = self.sent(hip, 3)
        for _ in range(20):
            waiting = [o for o in offers_of(self.http, loop["id"]) if o["status"] == "requested"]
            if not waiting:
                break
            for offer in waiting:
                self.assertEqual(receiver(self.server, offer).put("Task/" + offer["id"], declined(offer)).status, 200)
        now = self.fresh(loop)
        self.assertEqual(business(now), "with-controller")
        self.assertEqual(owner_of(now), "gw-control-room")
        place = "A2200013"
        answer = controller(self.server).put("Task/" + loop["id"], with_state(now, "accepted", "designated", owner={"reference": f"Organization/{place}"}), tag(now))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.fresh(loop)["location"]["reference"], f"Location/{place}")

    # 9: who travels has a destination
    def test_destination_never_vanishes(self):
        loop, offers = self.sent()
        receiver(self.server, offers[0]).put("Task/" + offers[0]["id"], accepted(offers[0]))
        now = self.fresh(loop)
        destination = now["location"]
        self.refuse_everywhere(loop, lambda t: with_state(t, "in-progress", "en-route", location=None))
        answer = sender(self.server).put("Task/" + loop["id"], with_state(now, "in-progress", "en-route", location=destination), tag(now))
        self.assertEqual(answer.status, 200, answer)
        self.refuse_everywhere(loop, lambda t: {k: v for k, v in t.items() if k != "location"})
        diverted = self.fresh(loop)
        answer = sender(self.server).put("Task/" + loop["id"], with_state(diverted, "in-progress", "diverted", statusReason={"text": "길이 막힘"}), tag(diverted))
        self.assertEqual(answer.status, 200, answer)
        self.assertTrue(self.fresh(loop).get("location"))

    # 13: a telephone answer
    def test_telephone(self):
        loop, offers = self.sent()
        spoken = accepted(offers[0])
        self.assertGreaterEqual(sender(self.server).put("Task/" + offers[0]["id"], spoken).status, 400)
        spoken["input"] = spoken.get("input", []) + [
            {"type": {"coding": [{"system": "https://fhir.soyang.example/CodeSystem/task-input", "code": "telephone"}]}, "valueString": "당직의"}]
        answer = sender(self.server).put("Task/" + offers[0]["id"], spoken, tag(offers[0]))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(business(self.fresh(loop)), "accepted")

    # 6: one hold a bed
    def test_one_hold_a_bed(self):
        place, holds, offers = "A2200013", [], []
        for _ in range(6):
            patient = new_patient(self.http)
            answer, _, asked = send(self.http, patient, 2, place=f"Organization/{place}", override_reason="가족이 있는 곳")
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(owner_of(asked[0]), place)
            offers.append(asked[0])
        threads = [threading.Thread(target=lambda o=o: receiver(self.server, o).put("Task/" + o["id"], accepted(o))) for o in offers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for offer in offers:
            now = self.fresh(offer)
            self.assertEqual(business(now), "accepted")
            held = [o["valueString"] for o in now.get("output", []) if o["type"]["coding"][0]["code"] == "hold"]
            self.assertLessEqual(len(held), 1)
            holds += held
        self.assertGreater(len(holds), 1, "the board shows free beds, so they are held")
        self.assertEqual(len(set(holds)), len(holds), holds)
        taken = self.fresh(offers[0])
        other = next(h for h in holds if h not in str(taken.get("output")))
        kind = {"coding": [{"system": "https://fhir.soyang.example/CodeSystem/task-output", "code": "hold"}]}
        self.http.put("Task/" + taken["id"], {**taken, "output": taken.get("output", []) + [{"type": kind, "valueString": other}]})
        self.assertNotIn(other, str(self.fresh(offers[0]).get("output")), "a hold cannot be written by hand")

    # a count has an age and an author
    def test_boards(self):
        board = self.http.get("MeasureReport/capacity-A2200013").json
        self.assertTrue(board["date"] and board["reporter"]["reference"])
        path = "MeasureReport/capacity-A2200013"
        for wrong in ({**board, "date": "2099-01-01T00:00:00Z"}, {k: v for k, v in board.items() if k != "date"},
                      {k: v for k, v in board.items() if k != "reporter"},
                      {**board, "group": [{**board["group"][0], "code": {"coding": [{**board["group"][0]["code"]["coding"][0], "code": "hvzz"}]}}]}):
            self.assertGreaterEqual(self.http.put(path, wrong).status, 400)
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": wrong, "request": {"method": "PUT", "url": path}}]}
            self.assertGreaterEqual(self.http.post("", bundle).status, 400)
        stranger = receiver(self.server, {"owner": {"reference": "Organization/A2200038"}})
        self.assertEqual(stranger.put(path, board).status, 403)
        self.assertEqual(self.http.get(path).json, board)

    # nothing is read without a purpose
    def test_purpose(self):
        nobody = receiver(self.server, {"owner": {"reference": "Organization/A2200013"}})
        nobody.headers["X-Soyang-Purpose"] = ""
        self.assertEqual(nobody.get("Patient").status, 403)

    # there and back
    def test_the_whole_way(self):
        loop, offers = self.sent()
        place = owner_of(offers[0])
        hospital, post = receiver(self.server, offers[0]), sender(self.server)
        path = "Task/" + loop["id"]

        def step(http, status, code, **members):
            now = self.fresh(loop)
            answer = http.put(path, with_state(now, status, code, **members), tag(now))
            self.assertEqual(answer.status, 200, f"{code}: {answer}")
            self.assertEqual(business(self.fresh(loop)), code)

        self.assertEqual(hospital.put("Task/" + offers[0]["id"], accepted(offers[0])).status, 200)
        step(post, "in-progress", "en-route", location={"reference": f"Location/{place}"})
        step(hospital, "in-progress", "arrived")
        step(hospital, "in-progress", "in-care")
        letter = {"resourceType": "DocumentReference", "status": "current", "subject": loop["for"], "description": "회송",
                  "content": [{"attachment": {"contentType": "text/plain", "title": "회송서"}}]}
        made = hospital.post("DocumentReference", letter)
        self.assertEqual(made.status, 201, made)
        kind = {"coding": [{"system": "https://fhir.soyang.example/CodeSystem/task-output", "code": "return-letter"}]}
        step(hospital, "in-progress", "back-referred", output=[{"type": kind, "valueReference": {"reference": "DocumentReference/" + made.json["id"]}}])
        step(post, "completed", "loop-acknowledged")
        self.assertFalse([o for o in offers_of(self.http, loop["id"]) if o["status"] in OPEN])
        again, second, _ = send(self.http, loop["for"]["reference"].split("/")[1])
        self.assertEqual(again.status, 200, "a closed loop lets go of every claim")


class Deadlines(unittest.TestCase):
    def test_silence_moves_on_and_survives_a_restart(self):
        server = Server(region=REGION, options=["--speed", "120"])
        try:
            patient = new_patient(server.client, hip)
            answer, loop, offers = send(server.client, patient, 3)
            self.assertEqual(answer.status, 200, answer)
            server.kill()
            server.start()
            wait_until(lambda: business(server.client.get("Task/" + offers[0]["id"]).json) == "expired", 60)
            wait_until(lambda: len(offers_of(server.client, loop["id"])) > len(offers), 60)
            server.kill()
            server.start()
            wait_until(lambda: business(server.client.get("Task/" + loop["id"]).json) in ("with-controller", "designated"), 120)
            wait_until(lambda: business(server.client.get("Task/" + loop["id"]).json) == "designated", 120)
            self.assertEqual(broken_laws(all_tasks(server.client)), [])
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main()
