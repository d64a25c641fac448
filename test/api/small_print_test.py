"""The small print of interactions and searches, over real HTTP: test/cases/api/*.json, a line each.

    send      method and path below /fhir
    headers, body (JSON) or text
    is        the status
    holds, lacks   words of the answer's body; says: of an OperationOutcome's diagnostics or expressions
    equals    members of the answer, as they must be
    header    of the answer
    empty     no body
    codes     of an expansion, in any order
    walk      ids of all pages, in this order; between two pages the first resource is written again
"""
import json
import socket
import unittest

from soyang_server import ROOT, Server


class SmallPrint(unittest.TestCase):
    def walk(self, client, answer, first):
        seen = []
        while True:
            seen += [e["resource"]["id"] for e in answer.json.get("entry", [])]
            following = [link["url"] for link in answer.json.get("link", []) if link["relation"] == "next"]
            if not following:
                return seen
            client.put(first["resourceType"] + "/" + first["id"], first)
            answer = client.send("GET", following[0].split("/fhir/")[1])

    def look(self, client, case, data):
        method, path = case["send"].split(" ", 1)
        answer = client.send(method, path.replace("|", "%7C"), case.get("body", case.get("text")), case.get("headers"))
        text = answer.raw.decode()
        self.assertEqual(answer.status, case["is"], answer)
        for word in case.get("holds", []):
            self.assertIn(word, text)
        for word in case.get("lacks", []):
            self.assertNotIn('"' + word + '"', text)
        for name, value in case.get("equals", {}).items():
            self.assertEqual(answer.json.get(name), value)
        for name, value in case.get("header", {}).items():
            self.assertEqual(answer.headers[name], value)
        if "says" in case:
            self.assertIn(case["says"], answer.diagnostics)
        if case.get("empty"):
            self.assertEqual(text, "")
        if "codes" in case:
            self.assertEqual(sorted(c["code"] for c in answer.json["expansion"].get("contains", [])), case["codes"])
        if "walk" in case:
            self.assertEqual(self.walk(client, answer, next(r for r in data["resources"] if r["id"] == case["walk"][0])), case["walk"])

    def test_cases(self):
        for file in sorted((ROOT / "test/cases/api").glob("*.json")):
            data = json.loads(file.read_text())
            server = Server()
            try:
                for resource in data["resources"]:
                    answer = server.client.put(resource["resourceType"] + "/" + resource["id"], resource)
                    self.assertIn(answer.status, (200, 201), answer)
                for case in data["cases"]:
                    with self.subTest(file=file.name, send=case["send"], headers=case.get("headers")):
                        self.look(server.client, case, data)
            finally:
                server.close()


class Framing(unittest.TestCase):
    """What a proxy in front could read otherwise than this server: 400, and the connection closes."""

    BODY = b'{"resourceType":"Patient"}'
    CASES = [  # name, method, headers, what follows; None: served
        ("plain", b"POST", [b"Content-Length: 26"], BODY, 201),
        ("chunked", b"POST", [b"Transfer-Encoding: chunked"], b"1a\r\n" + BODY + b"\r\n0\r\n\r\n", 201),
        ("two lengths", b"POST", [b"Content-Length: 26", b"Content-Length: 25"], BODY, 400),
        ("the same length twice", b"POST", [b"Content-Length: 26", b"Content-Length: 26"], BODY, 400),
        ("length and chunks", b"POST", [b"Content-Length: 5", b"Transfer-Encoding: chunked"], b"1a\r\n" + BODY + b"\r\n0\r\n\r\n", 400),
        ("two hosts", b"GET", [b"Host: evil.test"], b"", 400),
        ("a blank behind the name", b"GET", [b"X-Odd : 1"], b"", 400),
        ("no colon", b"GET", [b"X-Odd"], b"", 400),
        ("three thousand headers", b"GET", [b"X-%d: 1" % i for i in range(3000)], b"", 431),
    ]

    def test_cases(self):
        server = Server()
        try:
            for name, method, headers, body, status in self.CASES:
                with self.subTest(name), socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
                    lines = [method + b" /fhir/Patient HTTP/1.1", b"Host: 127.0.0.1:%d" % server.port, b"Content-Type: application/fhir+json"]
                    connection.sendall(b"\r\n".join(lines + headers) + b"\r\n\r\n" + body)
                    self.assertEqual(int(connection.recv(1000).split()[1]), status)
            self.assertEqual(server.client.get("metadata").status, 200)
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main()
