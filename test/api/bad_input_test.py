"""Bad input: a clear error with the element's path, nothing written, the server lives."""
import json
import socket
import unittest

from soyang_server import Client, Server


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(options=["--body-max", "2"])
        cls.http = cls.server.client

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def refuse(self, body, status, words, path="Patient", headers=None):
        before = self.http.get("Patient?_summary=count").json["total"]
        answer = self.http.send("POST", path, body, headers)
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json["resourceType"], "OperationOutcome")
        self.assertIn(words, answer.diagnostics)
        self.assertEqual(self.http.get("Patient?_summary=count").json["total"], before)

    def test_malformed_json(self):
        self.refuse('{"resourceType":"Patient",', 400, "")
        self.refuse('{"resourceType":"Patient"} trailing', 400, "")
        self.refuse('', 400, "body")
        self.refuse('[]', 400, "")
        self.refuse('null', 400, "")
        self.refuse(b'{"resourceType":"Patient","gender":"\xff"}', 400, "")

    def test_duplicate_keys(self):
        self.refuse('{"resourceType":"Patient","active":true,"active":false}', 400, "active")

    def test_deep_nesting(self):
        deep = '{"resourceType":"Patient","extension":' + '[{"url":"http://x.example","extension":' * 3000 + '[]' + '}]' * 3000 + '}'
        self.refuse(deep, 400, "deep")
        self.refuse("[" * 100000, 400, "")

    def test_wrong_types_and_unknown_members(self):
        self.refuse({"resourceType": "Patient", "active": "true"}, 400, "Patient.active")
        self.refuse({"resourceType": "Patient", "name": {"family": "x"}}, 400, "Patient.name")
        self.refuse({"resourceType": "Patient", "name": [{"family": 5}]}, 400, "Patient.name[0].family")
        self.refuse({"resourceType": "Patient", "birthDate": "1950-02-30"}, 400, "Patient.birthDate")
        self.refuse({"resourceType": "Patient", "colour": "blue"}, 400, "colour")
        self.refuse({"resourceType": "Patient", "name": []}, 400, "Patient.name")
        self.refuse({"resourceType": "Observation", "status": "final"}, 400, "Observation.code", path="Observation")

    def test_unknown_resource_type(self):
        self.refuse({"resourceType": "Unicorn"}, 404, "type", path="Unicorn")
        self.refuse({"resourceType": "Unicorn"}, 400, "")
        self.refuse({"active": True}, 400, "resourceType")

    def test_huge_body(self):
        self.refuse('{"resourceType":"Patient","name":[{"text":"' + "x" * (3 * 1024 * 1024) + '"}]}', 413, "larger")

    def test_content_type(self):
        for kind in ("text/plain", "text/html", "application/xhtml+xml", "application/x-www-form-urlencoded", "multipart/form-data", ""):
            self.refuse('{"resourceType":"Patient"}', 415, "Content-Type", headers={"Content-Type": kind})
        for kind in ("text/html", "image/png", "application/xhtml+xml", "application/fhir+json;q=0", "text/*"):
            self.assertEqual(self.http.get("Patient", Accept=kind).status, 406, kind)
        self.assertEqual(self.http.get("Patient?_format=ttl").status, 406)

    def test_broken_urls(self):
        self.assertEqual(self.http.get("Patient?name=%zz").status, 400)
        self.assertEqual(self.http.get("Patient?name=%ff").status, 400)
        self.assertEqual(self.http.get("Patient?name=%00").status, 400)
        self.assertEqual(self.http.get("Patient?birthdate=ge2020-13-01").status, 400)
        self.assertEqual(self.http.get("Patient?name=" + "x" * 20000).status in (413, 414), True)
        self.assertEqual(self.http.get("Patient/" + "x" * 65).status, 400)

    def test_host_and_origin(self):
        self.assertEqual(self.http.get("metadata", Host="evil.example").status, 403)
        self.assertEqual(self.http.get("metadata", Origin="http://evil.example").status, 403)
        self.assertEqual(self.http.get("metadata", Origin=f"http://127.0.0.1:{self.server.port}").status, 200)

    def test_caller(self):
        stranger = Client(self.server.port)
        stranger.headers = {"X-Soyang-Role": "wizard"}
        self.assertEqual(stranger.get("Patient").status, 403)
        stranger.headers = {"X-Soyang-Who": ""}
        self.assertEqual(stranger.get("Patient").status, 403)

    def test_broken_http(self):
        for raw in (b"\x00\x01\x02\r\n\r\n", b"GET /fhir/metadata HTTP/9.9\r\n\r\n", b"POST /fhir/Patient HTTP/1.1\r\nContent-Length: -5\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.server.port), 5) as connection:
                connection.sendall(raw)
                connection.settimeout(2)
                try:
                    connection.recv(100)
                except (TimeoutError, ConnectionError):
                    pass
        self.assertEqual(self.http.get("metadata").status, 200)


if __name__ == "__main__":
    unittest.main()
