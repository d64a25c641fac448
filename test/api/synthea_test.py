"""Synthea bundles as transactions: every resource reads back equal, but for id, meta and rewritten references."""
import bz2
import json
import re
import unittest

from soyang_server import SHARED, ServerCase

FOLDER = SHARED / "data/fhir/synthea"
PATIENTS = 3


class Number(str):
    """The text of a number: 1.0 and 1.00 are different."""


def parse(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


def differences(sent, got, links, path):
    """Where `got` is not what was sent; references may be rewritten by `links` (urn → Type/id) or resolved from a query."""
    if isinstance(sent, dict) and isinstance(got, dict):
        if path.count(".") == 0:
            sent = {k: v for k, v in sent.items() if k not in ("id", "meta")}
            got = {k: v for k, v in got.items() if k not in ("id", "meta")}
        if list(sent) != list(got):
            yield f"{path}: members {list(sent)} against {list(got)}"
            return
        for name in sent:
            yield from differences(sent[name], got[name], links, f"{path}.{name}")
    elif isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        for index, (a, b) in enumerate(zip(sent, got)):
            yield from differences(a, b, links, f"{path}[{index}]")
    elif type(sent) is not type(got) or sent != got:
        if isinstance(sent, str) and not isinstance(sent, Number):
            if links.get(sent) == got:
                return
            if re.fullmatch(r"[A-Z]\w+\?identifier=.+", sent) and re.fullmatch(sent.split("?")[0] + r"/[A-Za-z0-9\-.]{1,64}", str(got)):
                return
        yield f"{path}: differs"


@unittest.skipUnless(FOLDER.is_dir(), "skipped: no ../shared")
class Synthea(ServerCase):
    def post_and_compare(self, file):
        text = bz2.decompress(file.read_bytes()).decode()
        bundle = parse(text)
        answer = self.http.post("", text)
        self.assertEqual(answer.status, 200, f"{file.name}: {answer}")
        places = []
        for entry in answer.json["entry"]:
            self.assertEqual(entry["response"]["status"][:3] in ("201", "200"), True, entry)
            location = entry["response"]["location"]
            found = re.search(r"([A-Z]\w+/[A-Za-z0-9\-.]{1,64})/_history/", location)
            places.append(found.group(1))
        links = {e["fullUrl"]: p for e, p in zip(bundle["entry"], places) if "fullUrl" in e}
        for entry, place in zip(bundle["entry"], places):
            read = self.http.get(place)
            self.assertEqual(read.status, 200, place)
            wrong = list(differences(entry["resource"], parse(read.raw), links, entry["resource"]["resourceType"]))
            self.assertEqual(wrong, [], f"{file.name} {place}")
        return places

    def test_bundles_read_back_equal(self):
        files = sorted(FOLDER.glob("*.json.bz2"))
        first = [f for f in files if "hospitalInformation" in f.name] + [f for f in files if "practitionerInformation" in f.name]
        people = sorted((f for f in files if f not in first), key=lambda f: f.stat().st_size)
        for file in first + people[:PATIENTS]:
            places = self.post_and_compare(file)
            self.assertGreater(len(places), 0)
        patients = self.http.get("Patient?_summary=count").json["total"]
        self.assertEqual(patients, PATIENTS)


if __name__ == "__main__":
    unittest.main()
