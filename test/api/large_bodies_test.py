"""Many large bodies at once: each is answered, in its turn, and what is small does not wait for them. What a client leaves behind that
goes away before its answer, or sends short and coded, takes nobody's turn."""
import base64
import gzip
import json
import socket
import threading
import unittest

from soyang_server import Client, Server

SYSTEM = "urn:soyang:large-bodies"
AT_ONCE = 12
LARGE, SMALLER = 1200 * 1024, 100 * 1024  # bytes of content, each side of where bodies count as large


def bundle(mark, size):
    """A transaction of one attachment of this size and a patient that it is about."""
    content = base64.b64encode(b"\0" * (size * 3 // 4)).decode()
    patient = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": mark}], "name": [{"family": "박"}]}
    document = {"resourceType": "DocumentReference", "status": "current", "subject": {"reference": "urn:uuid:" + mark},
                "content": [{"attachment": {"contentType": "application/pdf", "data": content}}]}
    return {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:" + mark, "resource": patient, "request": {"method": "POST", "url": "Patient"}},
        {"fullUrl": "urn:uuid:d" + mark[1:], "resource": document, "request": {"method": "POST", "url": "DocumentReference"}}]}


def mark_of(number):
    return f"0c1c3dc8-5b2f-4bd2-8c5e-{number:012d}"


class LargeBodies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.client = Client(cls.server.port)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def assert_there(self, number):
        found = self.client.get(f"Patient?identifier={SYSTEM}%7C{mark_of(number)}&_total=accurate")
        self.assertEqual(found.json["total"], 1, number)

    def test_all_at_once_beside_small_ones(self):
        answers, small = {}, 0

        def send(number):
            answers[number] = self.client.post("", bundle(mark_of(number), LARGE if number % 2 else SMALLER))

        threads = [threading.Thread(target=send, args=(number,)) for number in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.assertEqual(self.client.post("Patient", {"resourceType": "Patient"}).status, 201)
            self.assertEqual(self.client.get("metadata?_summary=true").status, 200)  # a worker's
            small += 1
        for thread in threads:
            thread.join()
        self.assertEqual([answers[number].status for number in range(AT_ONCE)], [200] * AT_ONCE)
        self.assertGreater(small, 1, "small ones waited until all large ones were done")
        for number in range(AT_ONCE):
            self.assert_there(number)

    def test_who_goes_away_leaves_its_turn(self):
        body = json.dumps(bundle(mark_of(100), LARGE)).encode()
        head = f"POST /fhir HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        for _ in range(AT_ONCE):  # more than there is room for among those in work
            with socket.create_connection(("127.0.0.1", self.server.port)) as connection:
                connection.sendall(head + body)
        answer = self.client.post("", bundle(mark_of(101), LARGE))
        self.assertEqual(answer.status, 200, answer)
        self.assert_there(101)

    def test_refused_ones_leave_their_turn(self):
        for number in range(AT_ONCE):
            broken = json.dumps(bundle(mark_of(200), LARGE))[:-1 - number]
            self.assertEqual(self.client.post("", broken).status, 400)
        self.assertEqual(self.client.post("", bundle(mark_of(201), LARGE)).status, 200)

    def test_short_once_coded(self):
        for number in range(300, 300 + AT_ONCE):
            body = gzip.compress(json.dumps(bundle(mark_of(number), LARGE)).encode())
            answer = self.client.post("", body, {"Content-Encoding": "gzip", "Accept": "application/fhir+xml"})
            self.assertEqual(answer.status, 200, answer)
        self.assert_there(300)

    def test_larger_than_all_room(self):
        answer = self.client.post("", bundle(mark_of(400), 9 * LARGE), {"Prefer": "return=representation"})
        self.assertEqual(answer.status, 200)
        self.assertGreater(len(answer.raw), 9 * LARGE)
        self.assert_there(400)


if __name__ == "__main__":
    unittest.main()
