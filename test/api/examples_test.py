"""The published examples of R4 over HTTP: every valid one is stored and reads back equal; in XML it goes out, comes in again
and reads back equal once more. Parsing alone is tried on all of them in test/unit/fhir."""
import json
import os
import unittest

from soyang_server import ROOT, Server

FOLDER = ROOT / "build/deps/fhir/package"
BATCH = 50
EACH = int(os.environ.get("SOYANG_EXAMPLES", "40"))  # of each type, and of those the first by XML; 100000: all (test/soak)
XML_EACH = EACH if EACH > 40 else 4
BYTES_MAX = 64 << 20 if EACH > 40 else 2 << 20
JSON, XML = "application/fhir+json", "application/fhir+xml"


class Number(str):
    """The text of a number: 1.0 and 1.00 are different."""


def parse(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


def plain(resource):
    """Without what the server writes: version and time."""
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    return {**{k: v for k, v in resource.items() if k != "meta"}, **({"meta": meta} if meta else {})}


def invalid_files():
    lines = (ROOT / "test/cases/fhir/invalid-examples.tsv").read_text().splitlines()
    return {line.split("\t")[0] for line in lines if line and not line.startswith("#")}


def examples():
    """(place, text) of each, in the order of the files' names; one of several with the same id."""
    invalid, seen, count = invalid_files(), set(), {}
    for file in sorted(FOLDER.glob("*.json")):
        if file.stat().st_size > BYTES_MAX:
            continue
        text = file.read_text()
        resource = json.loads(text) if file.name != "package.json" and file.name not in invalid else {}
        place = f"{resource.get('resourceType')}/{resource.get('id')}"
        kind = resource.get("resourceType")
        if not resource.get("id") or place in seen or count.get(kind, 0) >= EACH:
            continue
        seen.add(place)
        count[kind] = count.get(kind, 0) + 1
        yield place, text


@unittest.skipUnless(FOLDER.is_dir() or "SOYANG_RELEASE" in os.environ, "skipped: no published examples in build/deps")
class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.http = cls.server.client
        cls.examples = list(examples())

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def batch(self, entries):
        text = '{"resourceType":"Bundle","type":"batch","entry":[' + ",".join(entries) + "]}"
        answer = self.http.post("", text)
        self.assertEqual(answer.status, 200, answer)
        return parse(answer.raw)["entry"]

    def test_store_and_read(self):
        self.assertGreater(len(self.examples), 900)
        for at in range(0, len(self.examples), BATCH):
            part = self.examples[at:at + BATCH]
            stored = self.batch([f'{{"resource":{text},"request":{{"method":"PUT","url":"{place}"}}}}' for place, text in part])
            refused = [(place, e["response"]) for (place, _), e in zip(part, stored) if e["response"]["status"][:3] not in ("200", "201")]
            self.assertEqual(refused, [])
            read = self.batch([f'{{"request":{{"method":"GET","url":"{place}"}}}}' for place, _ in part])
            for (place, text), entry in zip(part, read):
                self.assertEqual(plain(entry["resource"]), plain(parse(text)), place)
        self.there_and_back_through_xml()

    def there_and_back_through_xml(self):
        count, tried = {}, 0
        for place, text in self.examples:
            kind = place.split("/")[0]
            count[kind] = count.get(kind, 0) + 1
            if count[kind] > XML_EACH:
                continue
            sent = self.http.get(place, Accept=XML)
            self.assertEqual((sent.status, sent.headers["Content-Type"].split(";")[0]), (200, XML), place)
            stored = self.http.send("PUT", place, sent.raw, {"Content-Type": XML, "Prefer": "return=minimal"})
            self.assertEqual(stored.status, 200, f"{place}: {stored}")
            self.assertEqual(plain(parse(self.http.get(place, Accept=JSON).raw)), plain(parse(text)), place)
            tried += 1
        self.assertGreater(tried, 300)


if __name__ == "__main__":
    unittest.main()
