"""The worst that a client can send, on the running server: each is refused with the limit named, and the server goes on."""
import json
import pathlib
import socket
import sqlite3
import subprocess
import time
import unittest

from soyang_server import PROGRAM, Client, Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class WorstInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.http = cls.server.client
        for n in range(12):
            assert cls.http.put(f"Patient/p{n}", {"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"n{n % 3}"}]}).status == 201

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def tearDown(self):
        self.assertEqual(self.http.get("Patient?_summary=count").json["total"], 12)  # it lives, and nothing was written

    def refuse(self, answer, status, words):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json["resourceType"], "OperationOutcome")
        self.assertIn(words, answer.diagnostics)

    def next_of(self, path):
        page = self.http.get(path)
        self.assertEqual(page.status, 200, page)
        return next(link["url"].split("/fhir/")[1] for link in page.json["link"] if link["relation"] == "next")

    # ---- cursors ----------------------------------------------------------------------------------------------------

    def test_forged_cursors(self):
        for path in ("Patient?_count=2&_sort=family", "Patient/_history?_count=2", "_history?_count=2"):
            following = self.next_of(path)
            head, cursor = following.split("_cursor=")
            self.assertEqual(self.http.get(following).status, 200)
            for at in range(0, len(cursor), 3):
                other = "A" if cursor[at] != "A" else "B"
                self.refuse(self.http.get(f"{head}_cursor={cursor[:at]}{other}{cursor[at + 1:]}"), 400, "_cursor")
            for forged in ("", "A", "AAAA", cursor[:-1], cursor + "A", cursor * 2, "'--", "x" * 5000):
                self.refuse(self.http.get(f"{head}_cursor={forged}"), 400, "_cursor")
            self.refuse(self.http.get(f"{head}_cursor=%00"), 400, "")

    def test_cursors_of_other_searches(self):
        cursor = self.next_of("Patient?_count=2&_sort=family").split("_cursor=")[1]
        for path in ("Patient?_count=2", "Patient?_count=2&_sort=-family", "Patient?_count=2&_sort=family&name=n1", "Patient/_history?_count=2",
                     "Observation?_count=2&_sort=family", "?_type=Patient&_count=2"):
            answer = self.http.get(f"{path}&_cursor={cursor}")
            self.assertEqual(answer.status, 400, answer)

    # ---- searches that would cost too much --------------------------------------------------------------------------

    def test_costly_searches_name_their_limit(self):
        self.refuse(self.http.get("Patient?" + "&".join(["name=x"] * 201)), 403, "200 parameters")
        self.refuse(self.http.get("Patient?_id=" + "p," * 9000), 414, "16384 bytes")
        self.refuse(self.http.post("Patient/_search", "name=" + "x," * 200000, FORM), 403, "bytes")
        self.refuse(self.http.get("Patient?" + "_has:Observation:patient:" * 60 + "code=1"), 403, "")
        self.refuse(self.http.get("Observation?" + "derived-from:Observation." * 40 + "code=1"), 403, "")
        self.refuse(self.http.get("Patient?_sort=" + ",".join(("name", "family", "given", "gender", "birthdate"))), 403, "keys")
        for count in ("99999999999999999999999", "-1", "1e3", "0x10"):
            self.refuse(self.http.get(f"Patient?_count={count}"), 400, "_count")

    # ---- bodies -----------------------------------------------------------------------------------------------------

    def create(self, body, **headers):
        return self.http.post("Observation", body, headers)

    def observation(self, value):
        return '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":' + value + "}}"

    def test_deep_and_long(self):
        self.refuse(self.create("[" * 100000), 400, "")
        self.refuse(self.create('{"a":' * 100000), 400, "")
        self.refuse(self.create('{"resourceType":"Observation","extension":' + '[{"extension":' * 50000 + "1" + "}]" * 50000 + "}"), 400, "deep")
        xml = {"Content-Type": "application/fhir+xml"}
        self.refuse(self.http.post("Patient", b'<Patient xmlns="http://hl7.org/fhir">' + b"<extension url='x'>" * 100000, xml), 400, "")
        self.refuse(self.http.post("Patient", b'<!DOCTYPE x [<!ENTITY a "aa">]><Patient xmlns="http://hl7.org/fhir"/>', xml), 400, "document type")

    def nested_extensions(self, levels):
        value = '{"url":"http://x.example","valueCoding":{"code":"c"}}'
        for _ in range(levels - 1):
            value = '{"url":"http://x.example","extension":[' + value + "]}"
        return "[" + value + "]"

    def test_the_deepest_that_is_taken_is_shown(self):
        meta = '{"resourceType":"Patient","id":"deep-meta","meta":{"extension":' + self.nested_extensions(30) + "}}"
        tag = '{"resourceType":"Patient","id":"deep-tag","meta":{"tag":[{"code":"deep","extension":' + self.nested_extensions(29) + "}]}}"
        for body in (meta, tag):
            path = "Patient/" + json.loads(body)["id"]
            self.assertIn(self.http.put(path, body).status, (200, 201))
            answer = self.http.get(path + "/$meta")
            self.assertEqual(answer.status, 200, answer)
            self.assertIn('"code":"c"', answer.raw.decode())
            answer = self.http.get(path + "/$meta", Accept="application/fhir+xml")
            self.assertEqual(answer.status, 400, answer)
            self.assertIn("nested deeper than 64", answer.raw.decode())
        self.assertEqual(self.http.get("Patient/$meta").status, 200)
        for id in ("deep-meta", "deep-tag"):
            self.assertEqual(self.http.delete("Patient/" + id).status, 204)
        patient = '{"resourceType":"Patient","extension":' + self.nested_extensions(31) + "}"
        for expression in ("Patient", "Patient.trace('all')", "Patient.extension.trace('part').first()"):
            answer = self.http.post("$fhirpath", '{"resourceType":"Parameters","parameter":[{"name":"expression","valueString":"' + expression
                                    + '"},{"name":"resource","extension":[{"url":"http://fhir.forms-lab.com/StructureDefinition/json-value","valueString":'
                                    + json.dumps(patient) + "}]}]}")
            self.assertEqual(answer.status, 200, answer)
            self.assertIn('"name":"result"', answer.raw.decode())

    def test_giant_numbers(self):
        for value in ("9" * 100000, "1e999999999", "1e-999999999", "0." + "0" * 100000 + "1"):
            self.refuse(self.create(self.observation(value)), 400, "Observation.value")
        self.refuse(self.http.post("Patient", '{"resourceType":"Patient","multipleBirthInteger":' + "9" * 1000 + "}"), 400, "Patient.multipleBirth")
        for value in ("1e999999999", "9" * 5000, "1" + "0" * 400):
            self.refuse(self.http.get("Observation?value-quantity=" + value), 400, "value-quantity")

    def test_keys_and_characters(self):
        self.refuse(self.http.post("Patient", '{"resourceType":"Patient","active":true,"active":true}'), 400, "active")
        self.refuse(self.http.post("Patient", '{"resourceType":"Patient","name":[{"text":"a\\u0000b"}]}'), 400, "Patient.name[0].text")
        for bad in (b"\x00", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
            self.refuse(self.http.post("Patient", b'{"resourceType":"Patient","name":[{"text":"' + bad + b'"}]}'), 400, "")

    def test_costly_expressions(self):
        def evaluate(expression):
            return self.http.post("$fhirpath", {"resourceType": "Parameters", "parameter": [
                {"name": "resource", "resource": {"resourceType": "Patient"}}, {"name": "expression", "valueString": expression}]})
        began = time.monotonic()
        for expression in ("(" * 50000 + "1" + ")" * 50000, "1" + "+1" * 100000, "'" + "a" * 200000, "(1|2|3).repeat($this+1)",
                           "(1|2|3|4|5|6|7|8|9).select((1|2|3|4|5|6|7|8|9))" + ".select((1|2|3|4|5|6|7|8|9))" * 40, "'a'.replace('','" + "b" * 50000 + "')"):
            answer = evaluate(expression)
            self.assertIn(answer.status, (200, 400, 403, 422), answer)
        self.assertLess(time.monotonic() - began, 40)

    # ---- the wire ---------------------------------------------------------------------------------------------------

    def say(self, sent, patience_s=3):
        """What comes back before the connection ends or patience does."""
        said = b""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=patience_s) as connection:
            try:
                connection.sendall(sent)
                while part := connection.recv(65536):
                    said += part
            except OSError:
                pass
        return said

    def status_of(self, sent):
        said = self.say(sent)
        return int(said.split()[1]) if said.startswith(b"HTTP/1.1 ") else None

    def test_huge_headers_and_urls(self):
        head = b"GET /fhir/Patient HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        self.assertEqual(self.status_of(b"GET /" + b"a" * 200000), 414)
        self.assertEqual(self.status_of(head + b"X-A: " + b"a" * 100000 + b"\r\n\r\n"), 431)
        self.assertEqual(self.status_of(head + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 300) for n in range(1000)) + b"\r\n"), 431)

    def test_broken_messages(self):
        post = b"POST /fhir/Patient HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/fhir+json\r\nConnection: close\r\n" % self.server.port
        self.assertEqual(self.status_of(post + b"Content-Length: 99999999999999999999\r\n\r\n"), 413)
        self.assertEqual(self.status_of(post + b"Content-Length: -5\r\n\r\n"), 400)
        self.assertIn(self.status_of(post + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"), (400, None))
        self.assertEqual(self.status_of(b"GET /fhir/Patient HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n"), 505)
        self.say(b"\x16\x03\x01\x02\x00\x01" + bytes(range(256)) * 4, 1)
        self.say(post + b"Content-Length: 100\r\n\r\n{", 0.2)  # it ends in the middle

    def test_half_requests(self):
        """900 connections that never say what they want do not keep another waiting."""
        held = []
        try:
            for _ in range(900):
                held.append(socket.create_connection(("127.0.0.1", self.server.port), timeout=5))
                held[-1].sendall(b"GET /fhir/Patient HTTP/1.1\r\nHost: 127")
            began = time.monotonic()
            self.assertEqual(Client(self.server.port, timeout_s=10).get("Patient?_count=1").status, 200)
            self.assertLess(time.monotonic() - began, 5)
        finally:
            for connection in held:
                connection.close()

    def test_thousands_of_connections(self):
        for _ in range(2000):
            socket.create_connection(("127.0.0.1", self.server.port), timeout=5).close()
        self.assertEqual(self.http.get("Patient?_count=1").status, 200)


class BadRow(unittest.TestCase):
    """A body that cannot be read any more: left out of pages and logged, named by `check`, an error by itself."""

    def test_a_bad_row_fails_no_page(self):
        server = Server()
        try:
            subject = {"reference": "Patient/bad"}
            for n, name in enumerate(("a", "bad", "c")):
                server.client.put(f"Patient/{name}", {"resourceType": "Patient", "id": name, "name": [{"family": "x"}], "birthDate": f"1990-01-0{n + 1}"})
            server.client.put("Observation/o", {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "subject": subject})
            server.stop()
            self.assertEqual(self.spoil(server, "bad"), 1)
            server.start()
            http = server.client
            wrong = []
            for path in ("Patient?name=x", "Patient?_sort=birthdate", "Patient?_sort=-birthdate&_count=2", "Patient?_summary=true", "Patient/_history",
                         "_history", "Observation?_include=Observation:subject", "?_type=Patient,Observation", "Patient?_elements=name", "Patient?name=x&_revinclude=Observation:subject",
                         "Patient/a/$everything", "Observation?subject:Patient.name=x&_include=*", "Patient?_id=a,bad"):
                page = http.get(path)
                if page.status != 200:
                    wrong.append((path, page))
                    continue
                there = {e["resource"]["id"] for e in page.json["entry"] if "resource" in e}
                self.assertNotIn("bad", there, path)
                self.assertTrue(there, path)
            self.assertEqual(wrong, [])
            answer = http.get("Patient/bad")
            self.assertEqual(answer.status, 500, answer)
            self.assertEqual(answer.json["resourceType"], "OperationOutcome")
            self.assertIn("damaged", pathlib.Path(server.log.name).read_text())
            server.stop()
            sound = subprocess.run([PROGRAM, "check", server.folder], capture_output=True, text=True)
            self.assertNotEqual(sound.returncode, 0)
            self.assertIn("version", sound.stdout + sound.stderr)
            server.start()
            self.assertEqual(server.client.put("Patient/bad", {"resourceType": "Patient", "id": "bad", "name": [{"family": "x"}]}).status, 200)
            self.assertEqual(server.client.get("Patient/bad").status, 200)
            self.assertEqual(server.client.get("Patient?name=x").json["total"], 3)
        finally:
            server.close()

    def spoil(self, server, name):
        with sqlite3.connect(server.folder + "/store.db") as database:
            rows = database.execute("UPDATE single SET body=x'0102030405' WHERE vid=(SELECT vid FROM resource WHERE CAST(substr(id,2) AS TEXT)=?)", (name,))
            database.commit()
            return rows.rowcount


if __name__ == "__main__":
    unittest.main()
