"""HL7 v2 admissions over MLLP: a board follows them, cancellations undo them, and what is refused has changed nothing. Holds no Soyang code."""
import itertools
import os
import pathlib
import resource
import socket
import time
import unittest

from soyang_server import ROOT, Client, Server

PLACE = "A2200001"
BASE = "https://fhir.soyang.example/"
numbers = itertools.count(1)


class Feed:
    """One MLLP connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def raw(self, data):
        self.socket.sendall(data)

    def answer(self):
        data = b""
        while not data.endswith(b"\x1c\r"):
            more = self.socket.recv(4096)
            if not more:
                return None
            data += more
        assert data[:1] == b"\x0b", data
        return data[1:-2].decode()

    def send(self, text, charset="utf-8"):
        self.raw(b"\x0b" + text.encode(charset) + b"\x1c\r")
        return self.answer()

    def close(self):
        self.socket.close()


def stamp(ago_s=0):
    return time.strftime("%Y%m%d%H%M%S+0000", time.gmtime(time.time() - ago_s))


def message(event, visit, ward, prior="", control=None, facility=PLACE, kind="ADT", version="2.5.1", when=None, charset="UNICODE UTF-8", extra="", processing="P"):
    control = control or f"c{next(numbers)}"
    head = f"MSH|^~\\&|HIS|{facility}|SOYANG|GW|{stamp()}||{kind}^{event}^ADT_A01|{control}|{processing}|{version}||||||{charset}"
    return "\r".join([head, f"EVN|{event}|{when or stamp()}", "PID|1||555||홍^길동" if charset != "" else "PID|1||555", f"PV1|1|I|{ward}^101^1|||{prior}" + "|" * 13 + visit, extra]) + "\r"


def code(answer):
    return next(line for line in answer.split("\r") if line.startswith("MSA")).split("|")[1]


def error(answer):
    line = next((line for line in answer.split("\r") if line.startswith("ERR")), None)
    return (line.split("|")[2], int(line.split("|")[3].split("^")[0])) if line else None


class Mllp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(region=ROOT / "regions/gangwon", options=["--mllp", "127.0.0.1:0", "--mllp-timeout", "1"])
        for _ in range(3):
            line = cls.server.process.stdout.readline()
            if line.startswith("HL7 v2 over MLLP: port "):
                cls.port = int(line.split()[-1])
                break
        cls.place = Client(cls.server.port, PLACE, "receiving")

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def setUp(self):
        self.feed = Feed(self.port)
        self.addCleanup(self.feed.close)
        self.type_board({"hvicc": (3, 10), "hvec": (2, 20)})
        self.visit = f"v{next(numbers)}"

    def type_board(self, beds):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        counts = lambda free, total: [{"code": {"coding": [{"system": BASE + "CodeSystem/board-count", "code": c}]}, "count": n} for c, n in (("free", free), ("total", total))]
        board = {"resourceType": "MeasureReport", "id": "capacity-" + PLACE, "status": "complete", "type": "summary", "measure": BASE + "Measure/board",
                 "subject": {"reference": "Location/" + PLACE}, "date": when, "reporter": {"reference": "Organization/" + PLACE}, "period": {"start": when, "end": when},
                 "group": [{"code": {"coding": [{"system": BASE + "CodeSystem/board-bed", "code": bed}]}, "population": counts(*n)} for bed, n in beds.items()]}
        answer = self.place.put("MeasureReport/capacity-" + PLACE, board)
        self.assertIn(answer.status, (200, 201), answer)

    def board(self):
        return self.place.get("MeasureReport/capacity-" + PLACE).json

    def free(self, bed="hvicc"):
        group = next(g for g in self.board()["group"] if g["code"]["coding"][0]["code"] == bed)
        return next(p["count"] for p in group["population"] if p["code"]["coding"][0]["code"] == "free")

    def said(self, bed):
        group = next(g for g in self.board()["group"] if g["code"]["coding"][0]["code"] == bed)
        inner = {e["url"]: e for e in group["extension"][0]["extension"]}
        return inner["at"]["valueInstant"], inner["by"]["valueReference"]["reference"]

    def accepted(self, *arguments, **named):
        answer = self.feed.send(message(*arguments, **named))
        self.assertEqual(code(answer), "AA", answer)
        self.assertIsNone(error(answer))

    def test_story(self):
        """In, moved, moved back, out, back in, and as if it had never been."""
        steps = [("A01", "ICU", "", 2, 2), ("A02", "ED", "ICU^101^1", 3, 1), ("A12", "ICU", "", 2, 2), ("A08", "ICU", "", 2, 2), ("A03", "ICU", "", 3, 2), ("A13", "ICU", "", 2, 2),
                 ("A11", "ICU", "", 3, 2)]
        for event, ward, prior, icu, ed in steps:
            self.accepted(event, self.visit, ward, prior)
            self.assertEqual((self.free("hvicc"), self.free("hvec")), (icu, ed), event)
        self.assertEqual(self.said("hvicc")[1], "Device/mllp")

    def test_each_count_keeps_its_age(self):
        typed = self.board()["date"]
        self.accepted("A01", self.visit, "ICU")
        self.assertEqual(self.said("hvec"), (typed, "Organization/" + PLACE))
        at, by = self.said("hvicc")
        self.assertGreater(at, typed)
        self.assertEqual(by, "Device/mllp")

    def test_what_nobody_touched_keeps_its_age(self):
        """One count is typed anew; the other is sent with the age and author it had, which no other count may bear."""
        board = self.board()
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        stood = {"url": BASE + "StructureDefinition/said", "extension": [{"url": "at", "valueInstant": board["date"]}, {"url": "by", "valueReference": board["reporter"]}]}
        for bed, age, count, status in (("hvec", stood, 0, 200), ("hvec", stood, 1, 422), ("hvec", {**stood, "extension": [{"url": "at", "valueInstant": now}, stood["extension"][1]]}, 0, 422),
                                        ("hvec", {**stood, "extension": [stood["extension"][0], {"url": "by", "valueReference": {"reference": "Organization/A2200008"}}]}, 0, 422)):
            groups = []
            for group in board["group"]:
                kept = group["code"]["coding"][0]["code"] == bed
                free, total = group["population"]
                groups.append({**group, "extension": [age], "population": [{**free, "count": free["count"] + count}, total]} if kept else group)
            answer = self.place.put("MeasureReport/capacity-" + PLACE, {**board, "date": now, "group": groups})
            self.assertEqual(answer.status, status, answer)
            if status == 422:
                self.assertIn("MeasureReport.group[", answer.json["issue"][0]["expression"][0])
        self.assertEqual(self.said("hvec"), (board["date"], "Organization/" + PLACE))
        self.assertEqual(self.board()["date"], now)

    def test_beyond_capacity(self):
        for n in range(5):
            self.accepted("A01", f"{self.visit}-{n}", "ICU")
        self.assertEqual(self.free(), -2)

    def test_what_was_typed_later_stands(self):
        self.accepted("A01", self.visit, "ICU", when=stamp(3600))
        self.assertEqual(self.free(), 3, "the count was typed after that admission: it is in it")

    def test_feed_that_begins_midway(self):
        self.accepted("A03", self.visit, "ICU")
        self.assertEqual(self.free(), 4)
        self.accepted("A02", self.visit + "b", "ED", "ICU^1^1")
        self.assertEqual((self.free("hvicc"), self.free("hvec")), (5, 1))
        self.accepted("A01", self.visit + "c", "OPD")
        self.assertEqual((self.free("hvicc"), self.free("hvec")), (5, 1), "a ward that no board counts")

    def test_idempotent(self):
        text = message("A01", self.visit, "ICU", control="same-" + self.visit)
        for _ in range(3):
            self.assertEqual(code(self.feed.send(text)), "AA")
        self.assertEqual(self.free(), 2)
        other = self.feed.send(message("A03", self.visit, "ICU", control="same-" + self.visit))
        self.assertEqual((code(other), error(other)[1]), ("AR", 205))
        self.assertEqual(self.free(), 2)

    def test_refused_and_nothing_changed(self):
        before = self.board()["meta"]["versionId"]
        cases = [
            (message("A01", self.visit, "MOON"), "AE", ("PV1^1^3", 204)),
            (message("A01", self.visit, ""), "AE", ("PV1^1^3", 101)),
            (message("A01", "", "ICU"), "AE", ("PV1^1^19", 101)),
            (message("A01", self.visit, "ICU", facility="A9999999"), "AR", ("MSH^1^4", 204)),
            (message("A01", self.visit, "ICU", facility=""), "AR", ("MSH^1^4", 101)),
            (message("A28", self.visit, "ICU"), "AR", ("MSH^1^9", 201)),
            (message("A01", self.visit, "ICU", kind="ORU"), "AR", ("MSH^1^9", 200)),
            (message("A01", self.visit, "ICU", version="3.0"), "AR", ("MSH^1^12", 203)),
            (message("A01", self.visit, "ICU", processing="T"), "AR", ("MSH^1^11", 202)),
            (message("A01", self.visit, "ICU", when=stamp(-3600)), "AE", ("EVN^1^2", 102)),
            (message("A01", self.visit, "ICU", when="yesterday"), "AE", ("EVN^1^2", 102)),
            (message("A01", self.visit, "ICU", extra="PV2x|broken"), "AE", ("PV1^1", 100)),
            (message("A01", self.visit, "ICU", extra="NTE|1||\\Q\\"), "AE", ("NTE^1^3", 102)),
            (message("A01", self.visit, "ICU").replace("\rPV1|", "\rPV3|"), "AE", ("PV1^1", 100)),
            (message("A01", self.visit, "ICU", charset="EBCDIC"), "AR", ("MSH^1^18", 103)),
            (message("A11", self.visit, "ICU"), "AE", ("PV1^1^19", 204)),
            (message("A12", self.visit, "ICU"), "AE", ("PV1^1^19", 204)),
            (message("A13", self.visit, "ICU"), "AE", ("PV1^1^19", 204)),
            (message("A02", self.visit, "ICU"), "AE", ("PV1^1^19", 204)),
            ("nothing of the kind", "AR", ("MSH^1", 100)),
        ]
        for text, wanted, place in cases:
            answer = self.feed.send(text)
            self.assertEqual((code(answer), error(answer)), (wanted, place), (text, answer))
            self.assertNotIn("길동", answer)
        self.assertEqual(self.board()["meta"]["versionId"], before)
        # the ids of what was refused are free: the same message, mended, is taken
        self.accepted("A01", self.visit, "ICU")

    def test_wrong_order(self):
        self.accepted("A01", self.visit, "ICU")
        again = self.feed.send(message("A01", self.visit, "ED"))
        self.assertEqual((code(again), error(again)), ("AE", ("PV1^1^19", 205)))
        elsewhere = self.feed.send(message("A02", self.visit, "WARD", "ED^1^1"))
        self.assertEqual((code(elsewhere), error(elsewhere)), ("AE", ("PV1^1^6", 204)))
        self.accepted("A03", self.visit, "ICU")
        late = self.feed.send(message("A02", self.visit, "ED"))
        self.assertEqual((code(late), error(late)), ("AE", ("PV1^1^19", 100)))
        self.assertIn("this visit has ended: A13 takes back its discharge, then this is sent again", late)
        self.assertEqual((self.free("hvicc"), self.free("hvec")), (3, 2))
        self.accepted("A13", self.visit, "ICU")  # what the refusal says mends it
        self.accepted("A02", self.visit, "ED")
        self.assertEqual((self.free("hvicc"), self.free("hvec")), (3, 1))
        self.accepted("A11", self.visit, "ED")
        cancelled = self.feed.send(message("A02", self.visit, "ICU"))
        self.assertEqual((code(cancelled), error(cancelled)), ("AE", ("PV1^1^19", 100)))
        self.assertIn("this visit was cancelled: A01 admits it", cancelled)
        self.accepted("A01", self.visit, "ICU")
        self.assertEqual((self.free("hvicc"), self.free("hvec")), (2, 2))

    def test_an_admission_that_comes_last(self):
        """A01 and A03 (or A02) the wrong way round leave the counts as in their order."""
        beds = (self.free("hvicc"), self.free("hvec"))
        self.accepted("A03", self.visit, "ICU", when=stamp(-10))
        self.assertEqual(self.free("hvicc"), beds[0] + 1)
        self.accepted("A01", self.visit, "ICU")
        self.assertEqual((self.free("hvicc"), self.free("hvec")), beds, "the bed was taken and left")
        again = self.feed.send(message("A01", self.visit, "ICU"))
        self.assertEqual((code(again), error(again)), ("AE", ("PV1^1^19", 205)))
        moved = self.visit + "m"
        self.accepted("A02", moved, "ED", "ICU^1^1", when=stamp(-10))
        self.accepted("A01", moved, "ICU")
        self.assertEqual((self.free("hvicc"), self.free("hvec")), (beds[0], beds[1] - 1))
        self.accepted("A03", moved, "ED")
        self.assertEqual((self.free("hvicc"), self.free("hvec")), beds)
        other = self.visit + "o"
        self.accepted("A03", other, "ICU")
        later = self.feed.send(message("A01", other, "ICU", when=stamp(-30)))
        self.assertEqual((code(later), error(later)), ("AE", ("PV1^1^19", 205)), "after its end it is another visit")

    def test_no_patient_is_kept(self):
        self.accepted("A01", self.visit, "ICU")
        stored = self.server.client.get("Encounter?identifier=" + BASE + "identifier/visit%7C").raw + self.server.client.get("Encounter?_count=1000").raw
        self.assertNotIn("길동".encode(), stored)
        self.assertNotIn(b'"555"', stored)
        self.assertNotIn(self.visit.encode(), stored)

    def test_korean(self):
        text = message("A01", self.visit, "ICU", charset="KS X 1001")
        self.assertEqual(code(self.feed.send(text, "euc-kr")), "AA")
        wrong = message("A03", self.visit, "ICU", charset="KS X 1001")
        answer = self.feed.send(wrong, "utf-8")
        if code(answer) == "AA":  # bytes that happen to be both
            self.assertEqual(self.free(), 3)
        else:
            self.assertEqual(error(answer), ("MSH^1^18", 102))

    def test_frames(self):
        first, second = message("A01", self.visit, "ICU"), message("A03", self.visit, "ICU")
        self.feed.raw(b"noise\x0b" + first.encode() + b"\x1c\r\x0b" + second.encode()[:40])
        self.assertEqual(code(self.feed.answer()), "AA")
        self.assertEqual(self.free(), 2)
        self.feed.raw(second.encode()[40:] + b"\x1c\r")
        self.assertEqual(code(self.feed.answer()), "AA")
        self.assertEqual(self.free(), 3)

    def test_too_large(self):
        self.feed.raw(b"\x0b" + message("A01", self.visit, "ICU").encode())
        try:
            self.feed.raw(b"x" * 300000)
        except OSError:
            pass
        try:
            answer = self.feed.answer()
            self.assertTrue(answer is None or code(answer) == "AR", answer)
        except ConnectionError:
            pass
        self.assertEqual(self.free(), 3)

    def test_slow_sender(self):
        self.feed.raw(b"\x0bMSH|")
        began = time.monotonic()
        self.assertIsNone(self.feed.answer())
        self.assertLess(time.monotonic() - began, 15)

    def test_many_at_once(self):
        feeds = [Feed(self.port) for _ in range(8)]
        for n, feed in enumerate(feeds):
            feed.raw(b"\x0b" + message("A01", f"{self.visit}-{n}", "ICU").encode() + b"\x1c\r")
        self.assertEqual([code(feed.answer()) for feed in feeds], ["AA"] * 8)
        self.assertEqual(self.free(), -5)
        for feed in feeds:
            feed.close()

    def test_a_typed_board_cannot_borrow_an_age(self):
        self.accepted("A01", self.visit, "ICU")
        board = self.board()
        same = self.place.put("MeasureReport/capacity-" + PLACE, {**board, "reporter": {"reference": "Organization/" + PLACE}})
        self.assertEqual(same.status, 200, same)
        for population in board["group"][0]["population"]:
            population["count"] += 5
        answer = self.place.put("MeasureReport/capacity-" + PLACE, {**board, "reporter": {"reference": "Organization/" + PLACE}})
        self.assertEqual(answer.status, 422, answer)


class Stubborn(unittest.TestCase):
    """Senders that do not read, and a machine without another file descriptor."""

    def start(self):
        server = Server(region=ROOT / "regions/gangwon", options=["--mllp", "127.0.0.1:0", "--mllp-timeout", "60"])
        for _ in range(3):
            line = server.process.stdout.readline()
            if line.startswith("HL7 v2 over MLLP: port "):
                return server, int(line.split()[-1])
        self.fail("no port")

    def test_one_who_never_reads_keeps_nobody_from_ending(self):
        server, port = self.start()
        deaf = socket.socket()
        self.addCleanup(deaf.close)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.settimeout(3)
        frames = (b"\x0b" + message("A99", "v", "ICU").encode() + b"\x1c\r") * 200
        try:  # until its answers fill every buffer, and it takes no more itself
            for _ in range(2000):
                deaf.sendall(frames)
            self.fail("the answers of 400,000 messages fit into buffers")
        except TimeoutError:
            pass
        began = time.monotonic()
        server.close()
        self.assertLess(time.monotonic() - began, 20)

    def test_no_descriptor_left(self):
        server, port = self.start()
        self.addCleanup(server.close)
        pid = server.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = lambda: sum(int(n) for n in pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        waiting = socket.create_connection(("127.0.0.1", port))
        self.addCleanup(waiting.close)
        time.sleep(.2)
        before = used()
        time.sleep(2)
        self.assertLess(used() - before, .5, "who cannot be taken in is not asked for again and again")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        feed = Feed(port)
        self.addCleanup(feed.close)
        self.assertEqual(code(feed.send(message("A08", "v9", "ICU"))), "AA")


if __name__ == "__main__":
    unittest.main()