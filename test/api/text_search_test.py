"""_text and _content over HTTP: against a full scan of its own, at once after a write, in pages under writes, after a kill."""
import bz2
import json
import os
import random
import re
import unicodedata
import unittest
import urllib.parse

from soyang_server import SHARED, Server, ServerCase, wait_until

FOLDER = SHARED / "data/fhir/synthea"
BUNDLES = 3
HINTS = ["0-hospitalInformation1625911868739.json.bz2", "0-practitionerInformation1625911868739.json.bz2"]
NO_TEXT = {"id", "resourceType", "reference", "system", "url", "uri", "fullUrl", "profile", "versionId", "lastUpdated", "source", "data", "div",
           "valueUri", "valueUrl", "valueCanonical", "definition", "instantiatesUri", "instantiatesCanonical", "carrierAIDC"}
DATE = re.compile(r"\d{4}-\d\d-\d\d(T.*)?")


def folded(text):
    text = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in text if unicodedata.category(c) != "Mn"))


def words(text):
    return re.findall(r"[^\W_]+", folded(text))


def texts(value, key=None):
    """Every text of a resource, by its members' names: the definitions are not asked."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from texts(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member, key)
    elif isinstance(value, str) and key not in NO_TEXT and not DATE.fullmatch(value):
        yield value


def narrative(resource):
    markup = resource.get("text", {}).get("div", "")
    for block in re.split(r"</?(?!(?:b|i|a|em|strong|span)\b)[^>]*>", markup):
        yield re.sub("<[^>]*>", "", block).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def ids_of(http, path):
    """All pages of a search; it is asked again while the index is being made."""
    found = []
    while path:
        answer = wait_until(lambda: (lambda a: None if a.status == 503 else a)(http.send("GET", path, raw_path=True)), timeout_s=120)
        assert answer.status == 200, f"{path}: {answer}"
        bundle = answer.json
        found += [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle.get("entry", [])]
        links = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        path = urllib.parse.urlsplit(links[0]).path + "?" + urllib.parse.urlsplit(links[0]).query if links else None
    assert len(found) == len(set(found)), "a resource came twice"
    return found


def search(http, type_name, **parameters):
    return ids_of(http, f"/fhir/{type_name}?" + urllib.parse.urlencode(parameters))


class Scan:
    """The words of all resources, found by looking at each."""

    def __init__(self, resources):
        self.fields = {}
        for resource in resources:
            told = [words(t) for t in narrative(resource)]
            other = [words(t) for t in texts(resource)]
            self.fields[f"{resource['resourceType']}/{resource['id']}"] = ([w for w in told if w], [w for w in other if w])

    def holding(self, parameter, phrase, begins=False):
        sought = words(phrase)
        size = len(sought)

        def fits(part):
            if begins:
                return part[:-1] == sought[:-1] and part[-1].startswith(sought[-1])
            return part == sought
        found = set()
        for name, (told, other) in self.fields.items():
            field = told if parameter == "_text" else told + other
            if any(fits(text[i:i + size]) for text in field for i in range(len(text) - size + 1)):
                found.add(name)
        return found


@unittest.skipUnless(FOLDER.is_dir(), "skipped: no ../shared")
class Synthea(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        files = [FOLDER / name for name in HINTS] + sorted((f for f in FOLDER.glob("*.bz2") if f.name not in HINTS), key=lambda f: f.stat().st_size)[:BUNDLES]
        for file in files:
            answer = cls.server.client.post("", bz2.decompress(file.read_bytes()).decode())
            assert answer.status == 200, answer
        cls.resources = []
        path = "/fhir?_count=1000"
        while path:
            bundle = cls.server.client.send("GET", path, raw_path=True).json
            cls.resources += [e["resource"] for e in bundle.get("entry", [])]
            links = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
            path = "/fhir?" + urllib.parse.urlsplit(links[0]).query if links else None
        cls.scan = Scan(cls.resources)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def compare(self, type_name, parameter, query, expected):
        found = set(search(self.server.client, type_name, **{parameter: query, "_count": "1000"}))
        if type_name:
            expected = {name for name in expected if name.startswith(type_name + "/")}
        self.assertEqual(found, expected, f"{type_name}?{parameter}={query}")

    def sample(self, count, seed):
        pick = random.Random(seed)
        fields = sorted(self.scan.fields.items())
        for _ in range(count):
            name, (told, other) = pick.choice(fields)
            parameter = pick.choice(["_text", "_content"])
            field = told if parameter == "_text" else other
            if field:
                yield pick, name.split("/")[0], parameter, pick.choice(field)

    def test_words(self):
        for pick, type_name, parameter, text in self.sample(80, 1):
            word = pick.choice(text)
            if word not in ("and", "or", "not"):
                self.compare(type_name, parameter, word.upper(), self.scan.holding(parameter, word))

    def test_phrases_and_beginnings(self):
        for pick, type_name, parameter, text in self.sample(60, 2):
            at = pick.randrange(len(text))
            phrase = " ".join(text[at:at + 3])
            self.compare(type_name, parameter, f'"{phrase}"', self.scan.holding(parameter, phrase))
            begun = phrase[:-1] if len(phrase.split()[-1]) > 2 else phrase
            if len(begun.split()[-1]) >= 2:
                self.compare(type_name, parameter, f'"{begun}"*', self.scan.holding(parameter, begun, begins=True))

    def test_both_and_either_and_without(self):
        for pick, type_name, parameter, text in self.sample(40, 3):
            a, b = (pick.choice([w for w in text if w not in ("and", "or")] or ["x"]) for _ in range(2))
            with_a, with_b = self.scan.holding(parameter, a), self.scan.holding(parameter, b)
            self.compare(type_name, parameter, f"{a} {b}", with_a & with_b)
            self.compare(type_name, parameter, f"{a} OR zzz", with_a)
            self.compare(type_name, parameter, f"{a},{b}", with_a | with_b)
            self.compare("", parameter, f"{a} NOT {b}", with_a - with_b)

    def test_combined(self):
        female = {f"Patient/{r['id']}" for r in self.resources if r["resourceType"] == "Patient" and r["gender"] == "female"}
        english = self.scan.holding("_content", "english") & female
        self.assertEqual(set(search(self.server.client, "Patient", _content="english", gender="female")), english)
        of_female = {f"{r['resourceType']}/{r['id']}" for r in self.resources if r.get("subject", {}).get("reference") in female}
        vital = {n for n in self.scan.holding("_content", "vital-signs") if n.startswith("Observation/")} & of_female
        got = search(self.server.client, "Observation", _content="vital-signs", **{"subject:Patient.gender": "female", "_sort": "-date", "_count": "50"})
        self.assertEqual(set(got), vital)
        dates = {f"Observation/{r['id']}": r["effectiveDateTime"] for r in self.resources if r["resourceType"] == "Observation"}
        moments = [dates[name] for name in got]
        self.assertEqual(sorted(moments, reverse=True), moments)
        total = self.server.client.get("Observation?_content=vital-signs&_summary=count").json["total"]
        self.assertEqual(total, len({n for n in self.scan.holding("_content", "vital-signs") if n.startswith("Observation/")}))

    def test_z_killed_and_started_again(self):
        before = set(search(self.server.client, "", _content="encounter", _count="1000"))
        self.server.kill()
        self.server.start()
        self.assertEqual(set(search(self.server.client, "", _content="encounter", _count="1000")), before)
        wait_until(lambda: os.path.exists(os.path.join(self.server.folder, "text.db")))
        self.server.kill()
        for end in ("", "-wal", "-shm"):
            try:
                os.unlink(os.path.join(self.server.folder, "text.db" + end))
            except FileNotFoundError:
                pass
        self.server.start()
        self.assertEqual(set(search(self.server.client, "", _content="encounter", _count="1000")), before)


class Words(ServerCase):
    def basic(self, id, text):
        answer = self.http.put(f"Basic/{id}", {"resourceType": "Basic", "id": id, "code": {"text": text}})
        self.assertIn(answer.status, (200, 201), answer)

    def test_at_once(self):
        self.basic("once", "급성 심근경색")
        self.assertEqual(search(self.http, "Basic", _content="심근"), ["Basic/once"])
        self.basic("once", "협심증")
        self.assertEqual(search(self.http, "Basic", _content="심근"), [])
        self.assertEqual(search(self.http, "Basic", _content="협심"), ["Basic/once"])
        self.assertEqual(self.http.delete("Basic/once").status, 204)
        self.assertEqual(search(self.http, "Basic", _content="협심"), [])

    def test_pages_are_of_one_moment(self):
        entry = [{"resource": {"resourceType": "Basic", "id": f"page{i}", "code": {"text": "turning pages"}},
                  "request": {"method": "PUT", "url": f"Basic/page{i}"}} for i in range(30)]
        self.assertEqual(self.http.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entry}).status, 200)
        for sort in ("", "&_sort=-_lastUpdated"):
            first = self.http.get("Basic?_content=turning&_count=7" + sort).json
            url = [link["url"] for link in first["link"] if link["relation"] == "next"][0]
            self.basic("page20", "no more" + sort)
            self.basic("page31", "turning too" + sort)
            self.http.delete("Basic/page25")
            rest = ids_of(self.http, urllib.parse.urlsplit(url).path + "?" + urllib.parse.urlsplit(url).query)
            whole = [f"Basic/{e['resource']['id']}" for e in first["entry"]] + rest
            self.assertEqual(set(whole), {f"Basic/page{i}" for i in range(30)})
            for i in (20, 25):
                self.basic(f"page{i}", "turning pages")
            self.http.delete("Basic/page31")

    def test_conditional(self):
        body = {"resourceType": "Basic", "code": {"text": "conditional wording"}}
        for status in (201, 200):
            self.assertEqual(self.http.post("Basic", body, {"If-None-Exist": "_content=wording"}).status, status)

    def test_faults_name_the_place(self):
        for query, place in (("(a", 3), ("a)", 2), ('"a', 3), ("a AND", 6), ("심장 *", 4), ("ab*c", 4), ("a OR NOT b", 6), ("-", 1)):
            answer = self.http.get("Basic?_content=" + urllib.parse.quote(query))
            self.assertEqual(answer.status, 400, query)
            self.assertIn(f"_content: at character {place}: expected", answer.diagnostics, query)
            self.assertNotIn("심장", answer.diagnostics)
        self.assertEqual(self.http.get("Basic?_content=" + "a" * 1025).status, 403)
        self.assertEqual(self.http.get("Basic?_content=" + "%20".join(["ab"] * 65)).status, 403)

    def test_nothing_reaches_the_index_as_its_own_language(self):
        self.basic("odd", "field0 words near rank")
        for query, ids in (("words:rank", []), ("{field0} rank", ["Basic/odd"]), ("near/2 rank", []), ("rank'); DROP", []), ("^words", ["Basic/odd"]),
                           ("a\x01b", []), ("words MATCH rank", []), ('"words\\" rank"', None)):
            answer = self.http.get("Basic?_content=" + urllib.parse.quote(query))
            if ids is None:
                self.assertEqual(answer.status, 400, query)
            else:
                self.assertEqual([f"Basic/{e['resource']['id']}" for e in answer.json.get("entry", [])], ids, query)

    def test_claimed(self):
        statement = self.http.get("metadata").json
        for resource in statement["rest"][0]["resource"]:
            names = {p["name"] for p in resource.get("searchParam", [])} | {p["name"] for p in statement["rest"][0].get("searchParam", [])}
            self.assertLessEqual({"_text", "_content"}, names, resource["type"])


if __name__ == "__main__":
    unittest.main()
