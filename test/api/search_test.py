"""Search over HTTP: what is refused and how it is said, lenient handling, pages of any order, _filter, Korean names."""
import unicodedata
import unittest
from urllib.parse import quote

from soyang_server import Server

PATIENTS = [
    {"resourceType": "Patient", "id": "p-hong", "name": [{"text": "홍길동", "family": "홍", "given": ["길동"]}], "gender": "male",
     "birthDate": "1950-01-01", "managingOrganization": {"reference": "Organization/o-2"}},
    {"resourceType": "Patient", "id": "p-kim", "name": [{"family": "김", "given": ["하늘"]}], "gender": "female",
     "birthDate": "1970-05-05", "managingOrganization": {"reference": "Organization/o-1"}},
    {"resourceType": "Patient", "id": "p-eve", "name": [{"family": "Muller", "given": ["Eve"]}], "birthDate": "1990"},
]
ORGANIZATIONS = [
    {"resourceType": "Organization", "id": "o-1", "name": "국립강원대학교병원"},
    {"resourceType": "Organization", "id": "o-2", "name": "Seaside Clinic", "partOf": {"reference": "Organization/o-1"}},
]


class Search(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.http = cls.server.client
        for resource in ORGANIZATIONS + PATIENTS:
            answer = cls.http.send("PUT", f"{resource['resourceType']}/{resource['id']}", resource)
            assert answer.status == 201, answer

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def ids(self, path):
        answer = self.http.get(path)
        self.assertEqual(answer.status, 200, answer)
        return [entry["resource"]["id"] for entry in answer.json.get("entry", []) if entry["search"]["mode"] == "match"]

    def refuse(self, path, status, words):
        answer = self.http.get(path)
        self.assertEqual(answer.status, status, (path, answer))
        self.assertEqual(answer.json["resourceType"], "OperationOutcome")
        self.assertIn(words, answer.diagnostics)

    def test_unknown_and_malformed(self):
        for path, words in (
                ("Patient?nonsense=1", "nonsense"), ("Patient?name:nonsense=1", ":exact, :contains"), ("Patient?name:text=x", ":contains"),
                ("Patient?gender:exact=male", ":not"), ("Patient?_id:text=x", ":not"), ("Patient?birthdate=tomorrow", "birthdate"),
                ("Patient?birthdate=zz2020", "birthdate"), ("Patient?birthdate:exact=2020", ":missing"), ("Patient?organization.nonsense=x", "nonsense"),
                ("Patient?name.family=x", "reference"), ("Patient?organization:Nonsense.name=x", "resource types"), ("Patient?_has:Nonsense:x:y=1", "_has"),
                ("Patient?_has:Observation:nonsense:code=1", "nonsense"), ("Patient?_count=many", "_count"), ("Patient?_sort=nonsense", "_sort"),
                ("Patient?_total=perhaps", "_total"), ("Patient?_summary=short", "_summary"), ("Patient?_elements=nonsense", "_elements"),
                ("Patient?_include=nonsense", "_include"), ("Patient?_include:nonsense=Patient:organization", "_include"), ("Patient?_contained=true", "_contained"),
                ("Patient?_contained=both", "_contained"), ("Patient?_containedType=contained", "_containedType"), ("Patient?_type=Patient", "_type"),
                ("?_type=Nonsense", "_type"), ("?name=x", "name"), ("Patient?name=", "name"), ("Patient?name=a,,b", "name"), ("Patient?name:missing=perhaps", "missing"),
                ("Observation?value-quantity=heavy", "value-quantity"), ("RiskAssessment?probability=likely", "probability"),
                ("Observation?code-value-quantity=only-one", "code-value-quantity"), ("Patient?_cursor=forged", "_cursor"), ("Location?near=here", "near"),
                ("Patient?organization=%3Aodd", "organization")):
            self.refuse(path, 400, words)

    def test_lenient(self):
        answer = self.http.get("Patient?nonsense=1&gender=male&_sort=nonsense&birthdate=tomorrow", Prefer="handling=lenient")
        self.assertEqual(answer.status, 200, answer)
        outcomes = [entry["resource"] for entry in answer.json["entry"] if entry["search"]["mode"] == "outcome"]
        self.assertEqual(len(outcomes[0]["issue"]), 3)
        self.assertEqual({issue["severity"] for issue in outcomes[0]["issue"]}, {"warning"})
        link = [link["url"] for link in answer.json["link"] if link["relation"] == "self"][0]
        self.assertTrue(link.endswith("Patient?gender=male"), link)
        matches = [entry["resource"]["id"] for entry in answer.json["entry"] if entry["search"]["mode"] == "match"]
        self.assertEqual(matches, ["p-hong"])

    def test_too_costly(self):
        self.refuse("Patient?_id=" + ",".join(["x"] * 1001), 403, "1000 values")
        self.refuse("Organization?" + ".".join(["partof"] * 9) + ".name=x", 403, "8 links")
        self.refuse("Patient?" + "&".join(["active=true"] * 201), 403, "200 parameters")
        self.refuse("Patient?_filter=" + quote("(" * 17 + "gender eq male" + ")" * 17), 403, "16 brackets")
        self.refuse("Patient?_sort=_id,gender,birthdate,name,family", 403, "4 keys")

    def test_filter(self):
        self.assertEqual(self.ids("Patient?_filter=" + quote('gender eq male or name co "mull"')), ["p-hong", "p-eve"])
        self.assertEqual(self.ids("Patient?_filter=" + quote("not (organization.name co 강원) and birthdate lt 1980")), ["p-hong"])
        self.assertEqual(self.ids("Patient?_filter=" + quote('organization[partof.name co "강원"].name sw sea')), ["p-hong"])
        posted = self.http.send("POST", "Patient/_search", "_filter=" + quote("gender eq female"), {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertEqual([entry["resource"]["id"] for entry in posted.json["entry"]], ["p-kim"])
        self.refuse("Patient?_filter=" + quote("gender eq male and"), 400, "character 19")
        self.refuse("Patient?_filter=" + quote("gender gt male"), 400, "character 8")
        link = [link["url"] for link in self.http.get("Patient?_filter=" + quote("gender eq male")).json["link"] if link["relation"] == "self"][0]
        self.assertIn("_filter=", link)

    def follow(self, path):
        found = []
        while path is not None:
            page = self.http.get(path)
            self.assertEqual(page.status, 200, page)
            found += [entry["resource"]["id"] for entry in page.json.get("entry", [])]
            following = [link["url"] for link in page.json["link"] if link["relation"] == "next"]
            path = following[0].split("/fhir/", 1)[1] if following else None
        return found

    def test_pages_of_any_order(self):
        for sort, expected in (
                ("_id", ["p-eve", "p-hong", "p-kim"]), ("-_id", ["p-kim", "p-hong", "p-eve"]),
                ("organization", ["p-kim", "p-hong", "p-eve"]), ("-organization", ["p-hong", "p-kim", "p-eve"]),
                ("birthdate", ["p-hong", "p-kim", "p-eve"]), ("gender", ["p-kim", "p-hong", "p-eve"]), ("-gender,_id", ["p-hong", "p-kim", "p-eve"]),
                ("_lastUpdated", ["p-hong", "p-kim", "p-eve"]), ("-_lastUpdated", ["p-eve", "p-kim", "p-hong"])):
            self.assertEqual(self.ids(f"Patient?_sort={sort}"), expected, sort)
            self.assertEqual(self.follow(f"Patient?_sort={sort}&_count=1"), expected, sort)

    def test_a_page_stays_what_it_was(self):
        first = self.http.get("Organization?_sort=_id&_count=1")
        following = [link["url"] for link in first.json["link"] if link["relation"] == "next"][0].split("/fhir/", 1)[1]
        added = {"resourceType": "Organization", "id": "o-1a", "name": "Later"}
        self.assertEqual(self.http.send("PUT", "Organization/o-1a", added).status, 201)
        self.assertEqual(self.follow(following), ["o-2"])
        self.assertEqual(self.follow("Organization?_sort=_id&_count=1"), ["o-1", "o-1a", "o-2"])
        self.assertEqual(self.http.send("DELETE", "Organization/o-1a").status // 100, 2)
        damaged = following[:-2] + ("AA" if not following.endswith("AA") else "BB")
        self.assertEqual(self.http.get(damaged).status, 400)

    def test_korean(self):
        for name, expected in (("홍", ["p-hong"]), ("홍기", ["p-hong"]), ("홍길", ["p-hong"]), ("홍길동", ["p-hong"]), ("ㅎㄱㄷ", ["p-hong"]), ("김하늘", ["p-kim"]),
                               ("ㄱㅎㄴ", ["p-kim"]), ("길동", ["p-hong"]), ("동", [])):
            self.assertEqual(self.ids("Patient?name=" + quote(name)), expected, name)
            self.assertEqual(self.ids("Patient?name=" + quote(unicodedata.normalize("NFD", name))), expected, name)
        self.assertEqual(self.ids("Patient?name:contains=" + quote("동")), ["p-hong"])
        self.assertEqual(self.ids("Organization?name:contains=" + quote("강원")), ["o-1"])
        self.assertEqual(self.ids("Organization?name=" + quote("강원")), [])

    def test_hierarchy(self):
        self.assertEqual(self.ids("Patient?organization:below=o-1"), ["p-hong", "p-kim"])
        self.assertEqual(self.ids("Patient?organization:above=Organization/o-2"), ["p-hong", "p-kim"])


if __name__ == "__main__":
    unittest.main()
