"""The national emergency information service, played by a server of our own with invented documents in its shape. Holds no Soyang code."""
import calendar
import http.server
import json
import os
import tempfile
import threading
import time
import unittest
import urllib.parse
from xml.sax.saxutils import escape

from soyang_server import ROOT, Client, Server, wait_until

BASE = "https://fhir.soyang.example/"
PLACES = ["A2200001", "A2200008"]
BEDS, CONDITIONS, NOTICES = "getEmrrmRltmUsefulSckbdInfoInqire", "getSrsillDissAceptncPosblInfoInqire", "getEmrrmSrsillDissMsgInqire"


def korean(ago_s=0):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() - ago_s + 9 * 3600))


class Service(http.server.ThreadingHTTPServer):
    """Answers what `items` says, in pages; `fault` is answered instead where it is set."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.items, self.fault, self.asked = {BEDS: [], CONDITIONS: [], NOTICES: []}, None, []
        self.faults = {}  # by operation
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/B552657/ErmctInfoInqireService"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        asked = dict(urllib.parse.parse_qsl(query))
        self.server.asked.append((time.monotonic(), path.split("/")[-1], asked))
        status, kind, body = self.server.fault or self.server.faults.get(path.split("/")[-1]) or (200, None, None)
        if body is None:
            items, page, rows = self.server.items[path.split("/")[-1]], int(asked["pageNo"]), 2
            part = items[(page - 1) * rows:page * rows]
            make = as_json if asked.get("_type") == "json" else as_xml
            kind, body = make(part, page, rows, len(items))
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def as_xml(items, page, rows, total):
    inner = "".join("<item>" + "".join(f"<{k}>{escape(str(v))}</{k}>" for k, v in item.items()) + "</item>" for item in items)
    return "application/xml", ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?><response><header><resultCode>00</resultCode><resultMsg>NORMAL SERVICE.</resultMsg></header>'
                               f"<body><items>{inner}</items><numOfRows>{rows}</numOfRows><pageNo>{page}</pageNo><totalCount>{total}</totalCount></body></response>")


def as_json(items, page, rows, total):
    held = "" if not items else {"item": items if len(items) > 1 else items[0]}
    return "application/json", json.dumps({"response": {"header": {"resultCode": "00", "resultMsg": "NORMAL SERVICE."}, "body": {"items": held, "numOfRows": rows, "pageNo": page, "totalCount": total}}})


class National(unittest.TestCase):
    def start(self, service, *options):
        key = tempfile.NamedTemporaryFile("w", suffix=".key", delete=False)
        key.write("k+/=1\n")
        key.close()
        self.addCleanup(os.unlink, key.name)
        self.addCleanup(service.server_close)
        self.addCleanup(service.shutdown)
        server = Server(region=ROOT / "regions/gangwon", options=["--national-url", service.url, "--national-key", key.name, "--national-area", "강원특별자치도/춘천시", "--national-every", "0.3", *options])
        self.addCleanup(server.close)
        return server

    def log(self, server):
        with open(server.log.name) as file:
            return file.read()

    def board(self, server, place=PLACES[0]):
        return server.client.get("MeasureReport/capacity-" + place).json

    def group(self, server, code, place=PLACES[0]):
        for group in self.board(server, place)["group"]:
            if group["code"]["coding"][0]["code"] == code:
                counts = {p["code"]["coding"][0]["code"]: p["count"] for p in group["population"]}
                said = {e["url"]: e.get("valueInstant") or e["valueReference"]["reference"] for e in group["extension"][0]["extension"]} if "extension" in group else None
                return counts, said
        return None, None

    def read(self, server, code, wanted, place=PLACES[0]):
        wait_until(lambda: (self.group(server, code, place)[0] or {}).get("free", "none") == wanted)

    def test_both_formats(self):
        for form in ("xml", "json"):
            service = Service()
            typed = korean(60)
            service.items[BEDS] = [{"hpid": "Z0000001", "hvec": 1, "hvidate": typed}, {"hpid": PLACES[0], "hvec": -3, "hvs01": 22, "hv42": "Y", "hv6": "", "hvgc": 9, "hvs38": 8, "hvctayn": "Y", "hvs27": 3, "hvmriayn": "N1", "hvecmoayn": "정보미제공", "hvdnm": "합성당직의", "hv1": "000-0000", "hvidate": typed},
                                   {"hpid": PLACES[1], "hvec": "7", "hvidate": typed}]
            service.items[CONDITIONS] = [{"hpid": PLACES[0], "MKioskTy1": "Y", "MKioskTy2": "불가능", "MKioskTy3": "정보미제공", "MKioskTy4": "N"}]
            server = self.start(service, "--national-format", form)
            self.read(server, "hvec", -3)
            self.read(server, "hvec", 7, PLACES[1])  # on the second page
            counts, said = self.group(server, "hvec")
            self.assertEqual(counts, {"free": -3, "total": 22}, "patients beyond capacity are a negative count")
            self.assertEqual(said["by"], "Organization/" + PLACES[0])
            self.assertEqual(said["at"][:16].replace("-", "").replace("T", "").replace(":", ""), time.strftime("%Y%m%d%H%M", time.gmtime(calendar.timegm(time.strptime(typed, "%Y%m%d%H%M%S")) - 9 * 3600)))
            self.assertEqual(self.group(server, "hv42")[0], {"free": 1})
            self.assertEqual(self.group(server, "hvgc")[0], {"free": 9}, "more than was agreed: taken without the total")
            self.assertRegex(self.log(server), r'over-total"?[=:] ?"?1')
            self.assertEqual(self.group(server, "hvctayn"), ({"available": 1, "total": 3}, said))
            self.assertEqual(self.group(server, "hvmriayn")[0], {"available": 0})
            self.assertIsNone(self.group(server, "hvecmoayn")[0], "not provided is not known")
            self.assertNotIn("합성당직의", str(self.board(server)), "the duty doctor's name and number stay unread")
            wait_until(lambda: self.group(server, "Y0010")[0] == {"accepts": 1})
            self.assertEqual(self.group(server, "Y0020")[0], {"accepts": 0})
            self.assertEqual(self.group(server, "Y0032")[0], {"accepts": 0})
            self.assertIsNone(self.group(server, "Y0031")[0], "not provided is not known")
            self.assertEqual(self.board(server)["reporter"]["reference"], "Device/national-board")
            asked = service.asked[0][2]
            self.assertEqual((asked["serviceKey"], asked["STAGE1"], asked["STAGE2"]), ("k+/=1", "강원특별자치도", "춘천시"))
            log = self.log(server)
            self.assertNotIn("k+/=1", log)
            self.assertNotIn("k%2B", log)

    def test_a_declared_no_lowers_the_chance(self):
        service = Service()
        server = self.start(service)
        chance = lambda: next((self.part(o, "chance") for o in self.options(server) if self.part(o, "place")["reference"].endswith(PLACES[0])), None)
        before = chance()
        service.items[CONDITIONS] = [{"hpid": PLACES[0], "MKioskTy1": "불가능"}]
        wait_until(lambda: self.group(server, "Y0010")[0] == {"accepts": 0})
        self.assertLess(chance(), before / 2)

    @staticmethod
    def notice(place=PLACES[0], code="Y0010", words="심혈관 중재 불가", start=600, end=-7200):
        return {"hpid": place, "symBlkMsg": words, "symBlkMsgTyp": "중증", "symTypCod": code, "symBlkSttDtm": start if isinstance(start, str) else korean(start), "symBlkEndDtm": end if isinstance(end, str) else korean(end)}

    def notices(self, server, place=PLACES[0]):
        """[code, words] of each notice on the board, and who says so."""
        found = []
        for group in self.board(server, place)["group"]:
            coding = group["code"]["coding"][0]
            if coding["system"].endswith("/board-notice"):
                said = {e["url"]: e for e in group["population"][0]["extension"][0]["extension"]}
                by = next(e for e in group["extension"][0]["extension"] if e["url"] == "by")["valueReference"]["reference"]
                found.append((coding["code"], said.get("words", {}).get("valueString"), by))
        return sorted(found)

    def option(self, server):
        return next((o for o in self.options(server) if self.part(o, "place")["reference"].endswith(PLACES[0])), None)

    def reasons(self, option):
        return {next(q for q in p["part"] if q["name"] == "code")["valueString"]: p for p in option["part"] if p["name"] == "reason"}

    def test_notices(self):
        for form in ("xml", "json"):
            service = Service()
            service.items[BEDS] = [{"hpid": PLACES[0], "hvec": 3, "hvidate": korean(30)}]
            server = self.start(service, "--national-format", form)
            self.read(server, "hvec", 3)
            before = self.part(self.option(server), "chance")
            mine, other = self.notice(), self.notice(code="Y0032", words="<신경외과> 당직 부재 & 전원")
            service.items[NOTICES] = [mine, mine, other]  # two pages
            wait_until(lambda: len(self.notices(server)) == 2)
            self.assertEqual(self.notices(server), [("Y0010", "심혈관 중재 불가", "Organization/" + PLACES[0]), ("Y0032", "<신경외과> 당직 부재 & 전원", "Organization/" + PLACES[0])])
            option = self.option(server)
            self.assertLess(self.part(option, "chance"), before / 2)
            end = mine["symBlkEndDtm"]
            self.assertIn(f"{end[8:10]}:{end[10:12]}", str(self.reasons(option)["notice"]))
            self.assertEqual(self.group(server, "hvec")[0]["free"], 3, "the counts stay")
            version = self.board(server)["meta"]["versionId"]
            seen = len(service.asked)
            wait_until(lambda: len(service.asked) > seen + 8)
            self.assertEqual(self.board(server)["meta"]["versionId"], version, "the same again writes nothing")
            service.items[NOTICES] = [other]  # taken back before its end
            wait_until(lambda: [n[0] for n in self.notices(server)] == ["Y0032"])
            self.assertAlmostEqual(self.part(self.option(server), "chance"), before, delta=.05)
            service.items[NOTICES] = []
            wait_until(lambda: self.notices(server) == [])

    def test_a_notice_ends_by_itself(self):
        service = Service()
        service.items[NOTICES] = [self.notice(end=-6)]
        server = self.start(service)
        wait_until(lambda: self.notices(server) != [])
        service.fault = (503, "text/plain", "x")  # nobody takes it back
        wait_until(lambda: "notice" not in self.reasons(self.option(server)), timeout_s=40)

    def test_broken_notices_are_named_and_change_nothing(self):
        service = Service()
        service.items[NOTICES] = [self.notice()]
        server = self.start(service)
        wait_until(lambda: self.notices(server) != [])
        version = self.board(server)["meta"]["versionId"]
        for broken, words in [({"end": "20261341250000"}, "item[0].symBlkEndDtm: no time"), ({"start": "tomorrow"}, "item[0].symBlkSttDtm: no time"), ({"end": ""}, "item[0].symBlkEndDtm: no time"),
                              ({"start": -7200, "end": -3600}, "item[0].symBlkEndDtm: is not after the beginning"), ({"code": "Y9999"}, "item[0].symTypCod: no need of the region"), ({"code": ""}, "item[0].symTypCod")]:
            service.items[NOTICES] = [self.notice(**broken)]
            wait_until(lambda: words in self.log(server), timeout_s=40)
            self.assertEqual(self.board(server)["meta"]["versionId"], version, words)
        self.assertNotIn("심혈관", self.log(server))

    @staticmethod
    def part(option, name):
        found = next(p for p in option["part"] if p["name"] == name)
        return found.get("valueDecimal", found.get("valueReference"))

    def options(self, server):
        patient = {"resourceType": "Bundle", "type": "collection", "entry": [
            {"resource": {"resourceType": "Patient", "id": "p", "birthDate": "1960-01-01"}},
            {"resource": {"resourceType": "Encounter", "id": "e", "status": "in-progress", "class": {"code": "EMER"}, "subject": {"reference": "Patient/p"}, "reasonCode": [{"text": "쥐어짜는 가슴 통증, 식은땀"}]}},
            {"resource": {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "code": {"text": "심전도 ST분절 상승"}}}]}
        answer = server.client.post("$rank-places", {"resourceType": "Parameters", "parameter": [
            {"name": "bundle", "resource": patient}, {"name": "human-level", "valueInteger": 2}, {"name": "limit", "valueInteger": 50},
            {"name": "origin", "part": [{"name": "latitude", "valueDecimal": 37.35}, {"name": "longitude", "valueDecimal": 127.95}]}]})
        self.assertEqual(answer.status, 200, answer)
        return [p for p in answer.json["parameter"] if p["name"] == "option"]

    def test_one_operation_that_fails_keeps_no_other_from_its_pages(self):
        service = Service()
        service.faults = {BEDS: (500, "text/plain", "no")}
        service.items[CONDITIONS] = [{"hpid": f"X{n}"} for n in range(5)]
        self.start(service, "--national-every", "60")
        wait_until(lambda: any(operation == NOTICES for _, operation, _ in service.asked))
        self.assertEqual([asked["pageNo"] for _, operation, asked in service.asked if operation == CONDITIONS], ["1", "2", "3"])

    def test_what_is_newer_stands(self):
        service = Service()
        server = self.start(service)
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        board = {"resourceType": "MeasureReport", "id": "capacity-" + PLACES[0], "status": "complete", "type": "summary", "measure": BASE + "Measure/board",
                 "subject": {"reference": "Location/" + PLACES[0]}, "date": when, "reporter": {"reference": "Organization/" + PLACES[0]}, "period": {"start": when, "end": when},
                 "group": [{"code": {"coding": [{"system": BASE + "CodeSystem/board-bed", "code": "hvec"}]},
                            "population": [{"code": {"coding": [{"system": BASE + "CodeSystem/board-count", "code": "free"}]}, "count": 11}]}]}
        self.assertEqual(Client(server.port, PLACES[0], "receiving").put("MeasureReport/capacity-" + PLACES[0], board).status, 200)
        service.items[BEDS] = [{"hpid": PLACES[0], "hvec": 2, "hvicc": 4, "hvidate": korean(600)}, {"hpid": PLACES[1], "hvec": 5, "hvidate": korean(-3600)}]
        self.read(server, "hvicc", 4)
        counts, said = self.group(server, "hvec")
        self.assertEqual((counts["free"], said["by"], said["at"][:19]), (11, "Organization/" + PLACES[0], when[:19]))
        self.assertNotEqual((self.group(server, "hvec", PLACES[1])[0] or {}).get("free"), 5, "a board from the future")

    def test_failures_leave_what_is_known(self):
        service = Service()
        service.items[BEDS] = [{"hpid": PLACES[0], "hvec": 3, "hvidate": korean(30)}]
        server = self.start(service)
        self.read(server, "hvec", 3)
        version = self.board(server)["meta"]["versionId"]
        gateway = "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg><returnAuthMsg>SERVICE_KEY_IS_NOT_REGISTERED_ERROR</returnAuthMsg><returnReasonCode>30</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
        bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><response><header><resultCode>00</resultCode></header></response>'
        log = lambda: self.log(server)
        for fault, words in [((200, "application/xml", gateway), "SERVICE_KEY_IS_NOT_REGISTERED_ERROR"), ((500, "text/plain", "x"), "answered 500"), ((200, "application/xml", "<response><header>"), "well-formed"),
                             ((200, "application/xml", bomb), "document type"), ((200, "application/json", "{"), "national-board-unread"),
                             ((200, "application/xml", "<response><header><resultCode>22</resultCode><resultMsg>LIMITED</resultMsg></header></response>"), "LIMITED")]:
            service.fault = fault
            wait_until(lambda: words in log(), timeout_s=40)
            self.assertEqual(self.board(server)["meta"]["versionId"], version)
            service.fault = None
            seen = len(service.asked)
            wait_until(lambda: len(service.asked) > seen + 2, timeout_s=40)
        self.assertEqual(self.group(server, "hvec")[0]["free"], 3)

    def test_backs_off(self):
        service = Service()
        service.fault = (503, "text/plain", "x")
        self.start(service)
        wait_until(lambda: len([a for a in service.asked if a[1] == BEDS]) >= 5, timeout_s=40)
        times = [a[0] for a in service.asked if a[1] == BEDS]
        self.assertGreater(times[4] - times[3], 2 * 0.3, "the fourth pause is eight times the first, half of it at least")


if __name__ == "__main__":
    unittest.main()
