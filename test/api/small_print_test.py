"""The small print of interactions and searches, over real HTTP: test/cases/api/*.json, a line each.

    send      method and path below /fhir; {x*N}: N times x
    headers, body (JSON) or text
    is        the status
    holds, lacks   words of the answer's body; says: of an OperationOutcome's diagnostics or expressions
    equals    members of the answer, as they must be
    header    of the answer
    empty     no body
    codes     of an expansion, in any order
    walk      ids of all pages, in this order; between two pages the first resource is written again
"""
import http.client
import json
import re
import socket
import time
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
        path = re.sub(r"\{(.)\*(\d+)\}", lambda found: found[1] * int(found[2]), path)
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
        ("no value", b"GET", [b"X-Odd:", b"X-Other:   "], b"", 200),
        ("no blank, many blanks, a tab", b"GET", [b"X-One:1", b"X-Two:    2  ", b"X-Three:\t3\t3"], b"", 200),
        ("a folded header", b"GET", [b"X-Odd: 1\r\n 2"], b"", 400),
        ("a folded header, another behind", b"GET", [b"X-Odd: 1\r\n\t2", b"X-Even: 2"], b"", 400),
        ("a folded length", b"POST", [b"Content-Length: 2\r\n 6"], BODY, 400),
        ("a folded coding", b"POST", [b"Transfer-Encoding:\r\n chunked"], b"1a\r\n" + BODY + b"\r\n0\r\n\r\n", 400),
        ("a blank before a name", b"GET", [b"X-A: 1", b" X-Odd: 1"], b"", 400),
        ("a bare LF between headers", b"GET", [b"X-A: 1\nX-B: 2"], b"", 400),
        ("a bare CR in a value", b"GET", [b"X-A: 1\rX-B: 2"], b"", 400),
        ("a control character in a value", b"GET", [b"X-A: 1\x012"], b"", 400),
        ("a coding that is not known", b"POST", [b"Transfer-Encoding: gzip, chunked"], b"1a\r\n" + BODY + b"\r\n0\r\n\r\n", 501),
        ("no coding at all", b"POST", [b"Transfer-Encoding: identity"], BODY, 501),
        ("CHUNKED", b"POST", [b"Transfer-Encoding: CHUNKED"], b"1a\r\n" + BODY + b"\r\n0\r\n\r\n", 201),
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
            host = b"Host: 127.0.0.1:%d\r\n" % server.port
            for name, head, status in (
                    ("a bare LF behind the request line", b"GET /fhir/Patient HTTP/1.1\n" + host + b"\r\n", 400),
                    ("bare LFs", b"GET /fhir/Patient HTTP/1.1\n" + host.replace(b"\r", b"") + b"\n", 400),
                    ("chunks in HTTP/1.0", b"POST /fhir/Patient HTTP/1.0\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n", 400),
                    ("absolute form", b"GET http://127.0.0.1:%d/fhir/Patient HTTP/1.1\r\n" % server.port + host + b"\r\n", 200),
                    ("absolute form, elsewhere", b"GET http://evil.test/fhir/Patient HTTP/1.1\r\n" + host + b"\r\n", 403)):
                with self.subTest(name), socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
                    connection.sendall(head)
                    self.assertEqual(int(connection.recv(1000).split()[1]), status)
            self.assertEqual(server.client.get("metadata").status, 200)
        finally:
            server.close()

    def test_what_is_refused_ends_the_connection(self):
        """What stands behind a head that is refused is not read as a request."""
        server = Server()
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
                head = b"POST /fhir/Patient HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/fhir+json\r\n" % server.port
                hidden = b"DELETE /fhir/Patient/x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % server.port
                connection.sendall(head + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + hidden)
                answer = b""
                while part := connection.recv(4096):
                    answer += part
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
        finally:
            server.close()

    def test_whole_heads_in_pieces(self):
        """However a head arrives, and with however many requests: a line is taken for folded or bare only where it is."""
        server = Server()
        try:
            filler = b"".join(b"X-Filler-%d: %s\r\n" % (i, b"y" * 400) for i in range(40))
            head = b"GET /fhir/Patient?_summary=count HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % server.port + filler + b"\r\n"
            for size in (1, 700, 5000, 3 * len(head)):
                with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if size == 1:
                        head_now = head.replace(filler, b"X-A: b\r\n")
                    else:
                        head_now = head
                    sent = head_now * 3
                    for at in range(0, len(sent), size):
                        connection.sendall(sent[at:at + size])
                    answer = b""
                    while answer.count(b"HTTP/1.1 200") < 3 and b"HTTP/1.1 4" not in answer:
                        answer += connection.recv(65536)
                    self.assertNotIn(b"HTTP/1.1 4", answer, size)
        finally:
            server.close()


class SlowClients(unittest.TestCase):
    """A connection has so long and no longer (--patience), however it trickles; and others are served beside it."""

    def trickle(self, connections, more):
        """Sends one byte more on each that is still there; which are."""
        still = []
        for connection in connections:
            try:
                if connection.recv(1000) == b"":
                    raise ConnectionResetError
            except BlockingIOError:
                try:
                    connection.send(more)
                    still.append(connection)
                    continue
                except OSError:
                    pass
            except OSError:
                pass
            connection.close()
        return still

    def test_slow_heads_and_bodies(self):
        server = Server(options=("--patience", "1"))
        try:
            server.client.put("Patient/a", {"resourceType": "Patient", "id": "a"})
            head = b"POST /fhir/Patient HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % server.port
            began = time.monotonic()
            heads = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(200)]
            bodies = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(20)]
            for connection in heads:
                connection.sendall(head + b"X-Slow: ")
            for connection in bodies:
                connection.sendall(head + b"Content-Type: application/fhir+json\r\nContent-Length: 5000\r\n\r\n{")
            for connection in heads + bodies:
                connection.setblocking(False)
            heads_s = bodies_s = None
            reads = 0
            while bodies_s is None and time.monotonic() - began < 30:
                heads, bodies = self.trickle(heads, b"z"), self.trickle(bodies, b" ")
                before = time.monotonic()
                self.assertEqual(server.client.get("Patient/a").status, 200)
                self.assertLess(time.monotonic() - before, 5)
                reads += 1
                now = time.monotonic() - began
                heads_s = now if not heads and heads_s is None else heads_s
                bodies_s = now if not bodies else None
                time.sleep(0.2)
            self.assertGreater(reads, 5)
            self.assertIsNotNone(heads_s)
            self.assertIsNotNone(bodies_s)
            self.assertLess(heads_s, bodies_s)
            self.assertGreater(bodies_s, 5)  # six times as long as a head, less what the clocks differ
        finally:
            server.close()

    def test_idle_connections_are_kept_between_requests(self):
        server = Server(options=("--patience", "1"))
        try:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            for _ in range(2):
                connection.request("GET", "/fhir/Patient?_summary=count")
                self.assertEqual(connection.getresponse().read()[:1], b"{")
                time.sleep(2)
            connection.close()
        finally:
            server.close()


if __name__ == "__main__":
    unittest.main()
