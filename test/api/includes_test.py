"""Includes of many matches: what hundreds of resources refer to comes along whole."""
import unittest

from soyang_server import Server

WARDS, PATIENTS = 60, 900


class Includes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.http = cls.server.client
        wards = [{"resourceType": "Location", "id": f"ward-{n}"} for n in range(WARDS)]
        lines = [{"resourceType": "Encounter", "id": f"stay-{n}", "status": "finished", "class": {"code": "IMP"},
                  "period": {"start": f"2026-{1 + n % 12:02}-01", "end": f"2026-{1 + n % 12:02}-02"},
                  "location": [{"location": {"reference": f"Location/ward-{n * 7 % WARDS}"}}]} for n in range(PATIENTS)]
        for part in (wards, lines[:450], lines[450:]):
            entry = [{"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}} for r in part]
            answer = cls.http.post("", {"resourceType": "Bundle", "type": "batch", "entry": entry})
            assert answer.status == 200, answer

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def test_every_target_comes_along(self):
        for size in (50, 150, 300, 1000):
            for months in (2, 5, 12):
                bundle = self.http.get(f"Encounter?date=lt2026-{months:02}-15&_include=Encounter:location&_count={size}").json
                matches = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "match"]
                included = {"Location/" + e["resource"]["id"] for e in bundle["entry"] if e["search"]["mode"] == "include"}
                self.assertEqual(included, {r["location"][0]["location"]["reference"] for r in matches}, (size, months))


if __name__ == "__main__":
    unittest.main()
