"""What travels around a resource: codings, origins, addresses, formats in links, conditions, preferences, Binary, the plan."""
import gzip
import json
import time
import unittest

import zstd
from soyang_server import Client, Server

PATIENT = {"resourceType": "Patient", "name": [{"family": "김", "given": ["소양"], "text": "김소양"}], "gender": "female", "birthDate": "1950-05-01"}
NOTE = {"resourceType": "Basic", "code": {"text": "길다 " * 2000}}
XML = "application/fhir+xml"
MIB = 1024 * 1024


def links(bundle):
    return {link["relation"]: link["url"] for link in bundle.get("link", [])}


class Case(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(options=cls.options)
        cls.http = cls.server.client

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def create(self, resource=None, **headers):
        answer = self.http.post((resource or PATIENT)["resourceType"], resource or PATIENT, headers)
        self.assertEqual(answer.status, 201, answer)
        return answer


class Codings(Case):
    options = ("--body-max", "1")

    def setUp(self):
        self.path = "Basic/" + self.create(NOTE).json["id"]
        self.plain = self.http.send("GET", self.path, headers={"Accept-Encoding": "identity"})

    def read(self, accept_encoding, method="GET", path=None):
        return self.http.send(method, path or self.path, headers={"Accept-Encoding": accept_encoding})

    def test_gzip_and_zstd(self):
        for accept, coding, decode in (("gzip", "gzip", gzip.decompress), ("zstd", "zstd", zstd.decompress), ("gzip, zstd", "zstd", zstd.decompress),
                                       ("gzip;q=1, zstd;q=0.5", "gzip", gzip.decompress), ("x-gzip", "gzip", gzip.decompress),
                                       ("*", "zstd", zstd.decompress), ("*;q=0.5, zstd;q=0", "gzip", gzip.decompress), ("GZIP", "gzip", gzip.decompress)):
            with self.subTest(accept):
                answer = self.read(accept)
                self.assertEqual(answer.headers["Content-Encoding"], coding)
                self.assertEqual(decode(answer.raw), self.plain.raw)
                self.assertLess(len(answer.raw), len(self.plain.raw) / 10)
                self.assertEqual((answer.headers["ETag"], answer.headers["Vary"]), (self.plain.headers["ETag"], "Accept, Accept-Encoding"))

    def test_identity(self):
        for accept in ("identity", "br", "", "gzip;q=0", "identity;q=1, *;q=0", "gzip;q=0.2, identity"):
            with self.subTest(accept):
                answer = self.read(accept)
                self.assertEqual((answer.status, answer.headers["Content-Encoding"], answer.raw), (200, None, self.plain.raw))

    def test_refused(self):
        for accept in ("identity;q=0", "*;q=0", "br, identity;q=0"):
            answer = self.read(accept)
            self.assertEqual((answer.status, answer.headers["Content-Encoding"], answer.json["resourceType"]), (406, None, "OperationOutcome"))

    def test_short_answers_stay_plain(self):
        short = "Patient/" + self.create().json["id"]
        self.assertIsNone(self.read("gzip, zstd", path=short).headers["Content-Encoding"])
        forced = self.read("gzip, identity;q=0", path=short)
        self.assertEqual((forced.headers["Content-Encoding"], json.loads(gzip.decompress(forced.raw))["gender"]), ("gzip", "female"))

    def test_head_has_the_same_headers(self):
        for accept in ("gzip", "zstd", "identity"):
            got, head = self.read(accept), self.read(accept, "HEAD")
            without_date = [[(k, v) for k, v in a.headers.items() if k != "Date"] for a in (got, head)]
            self.assertEqual((without_date[1], head.raw), (without_date[0], b""))

    def test_not_modified_in_any_coding(self):
        answer = self.http.send("GET", self.path, headers={"Accept-Encoding": "gzip", "If-None-Match": self.plain.headers["ETag"]})
        self.assertEqual((answer.status, answer.headers["Content-Encoding"], answer.raw), (304, None, b""))
        self.assertEqual(answer.headers["Vary"], "Accept, Accept-Encoding")

    def test_xml_and_bundles_and_statement(self):
        for path, expected in ((self.path + "?_format=xml", b"<Basic"), ("Basic?_pretty=true", b"searchset"), ("metadata", b"CapabilityStatement")):
            answer = self.read("zstd", path=path)
            self.assertEqual((answer.status, answer.headers["Content-Encoding"]), (200, "zstd"))
            self.assertIn(expected, zstd.decompress(answer.raw))

    def test_coded_bodies(self):
        text = json.dumps(NOTE).encode()
        for coding, body in (("gzip", gzip.compress(text)), ("x-gzip", gzip.compress(text)), ("zstd", zstd.compress(text)), ("identity", text),
                             ("gzip", gzip.compress(text[:100]) + gzip.compress(text[100:]))):
            answer = self.http.send("POST", "Basic", body, {"Content-Encoding": coding})
            self.assertEqual((answer.status, answer.json["code"]), (201, NOTE["code"]), coding)

    def test_unknown_coding(self):
        for coding in ("br", "gzip, zstd", "snappy"):
            answer = self.http.send("POST", "Basic", b"{}", {"Content-Encoding": coding})
            self.assertEqual((answer.status, answer.headers["Accept-Encoding"]), (415, "zstd, gzip"), answer)

    def test_broken_coding(self):
        whole = {"gzip": gzip.compress(json.dumps(NOTE).encode()), "zstd": zstd.compress(json.dumps(NOTE).encode())}
        for coding, body in whole.items():
            for broken in (body[:-9], b"\0" + body, body[:20], b"x"):
                answer = self.http.send("POST", "Basic", broken, {"Content-Encoding": coding})
                self.assertEqual(answer.status, 400, (coding, answer))

    def test_bombs_are_refused_at_the_limit_of_a_body(self):
        blank = b" " * (64 * MIB)
        for coding, body in (("gzip", gzip.compress(blank)), ("zstd", zstd.compress(blank))):
            self.assertLess(len(body), 100 * 1024)
            began = time.monotonic()
            answer = self.http.send("POST", "Basic", body, {"Content-Encoding": coding})
            self.assertEqual((answer.status, answer.json["issue"][0]["code"]), (413, "too-long"), answer)
            self.assertLess(time.monotonic() - began, 2)

    def test_files_of_the_page_have_weak_tags(self):
        plain, packed = (self.http.send("GET", "/", headers={"Accept-Encoding": a}, raw_path=True) for a in ("identity", "gzip"))
        self.assertEqual(plain.headers["ETag"], packed.headers["ETag"])
        self.assertTrue(plain.headers["ETag"].startswith('W/"'), plain.headers["ETag"])
        for known in (plain.headers["ETag"], '"other", ' + plain.headers["ETag"], plain.headers["ETag"][2:]):
            self.assertEqual(self.http.send("GET", "/", headers={"If-None-Match": known}, raw_path=True).status, 304)


class Origins(Case):
    options = ("--cors-origin", "https://page.example.org", "--cors-origin", "http://localhost:4200")

    def preflight(self, origin, method="PUT"):
        return self.http.send("OPTIONS", "Patient/1", headers={"Origin": origin, "Access-Control-Request-Method": method,
                                                               "Access-Control-Request-Headers": "content-type,if-match,prefer"})

    def test_listed(self):
        for origin in ("https://page.example.org", "http://localhost:4200"):
            answer = self.http.send("GET", "Patient", headers={"Origin": origin})
            self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (200, origin))
            self.assertEqual(answer.headers["Vary"], "Accept, Accept-Encoding, Origin")
            self.assertIsNone(answer.headers["Access-Control-Allow-Credentials"])
            exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
            self.assertLessEqual({"ETag", "Location", "Content-Location", "Last-Modified", "X-Request-Id"}, set(exposed))

    def test_faults_can_be_read_by_the_page(self):
        answer = self.http.send("GET", "Patient/never-was", headers={"Origin": "https://page.example.org"})
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (404, "https://page.example.org"))

    def test_preflight(self):
        answer = self.preflight("https://page.example.org")
        self.assertEqual((answer.status, answer.raw, answer.headers["Access-Control-Allow-Origin"]), (204, b"", "https://page.example.org"))
        self.assertLessEqual({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}, set(answer.headers["Access-Control-Allow-Methods"].split(", ")))
        allowed = {h.lower() for h in answer.headers["Access-Control-Allow-Headers"].split(", ")}
        self.assertLessEqual({"content-type", "if-match", "if-none-match", "if-none-exist", "prefer", "x-request-id", "content-encoding", "accept"}, allowed)
        self.assertGreater(int(answer.headers["Access-Control-Max-Age"]), 0)
        self.assertIn("Origin", answer.headers["Vary"])

    def test_others_are_refused(self):
        for origin in ("https://evil.example.org", "https://page.example.org.evil.example", "http://page.example.org", "null", "https://page.example.org:8443"):
            for answer in (self.preflight(origin), self.http.send("GET", "Patient", headers={"Origin": origin})):
                self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (403, None), origin)

    def test_a_listed_origin_does_not_open_the_host_check(self):
        answer = self.http.send("GET", "Patient", headers={"Origin": "https://page.example.org", "Host": "page.example.org"})
        self.assertEqual(answer.status, 403)

    def test_options_without_preflight(self):
        self.assertEqual(self.http.send("OPTIONS", "Patient").status, 405)

    def test_statement(self):
        self.assertIs(self.http.get("metadata").json["rest"][0]["security"]["cors"], True)

    def test_own_page_needs_no_listing(self):
        answer = self.http.send("GET", "Patient", headers={"Origin": f"http://127.0.0.1:{self.server.port}"})
        self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (200, None))


class PublicAddress(Case):
    base = "https://fhir.example.org/hospital/fhir"
    options = ("--public-url", base + "/")

    def test_every_link(self):
        made = self.create()
        url = self.base + "/Patient/" + made.json["id"]
        self.assertEqual((made.headers["Location"], made.headers["Content-Location"]), (url + "/_history/1", url + "/_history/1"))
        self.create()
        page = self.http.get("Patient?_count=1").json
        self.assertTrue(all(u.startswith(self.base + "/Patient?") for u in links(page).values()), links(page))
        self.assertIn("next", links(page))
        self.assertTrue(page["entry"][0]["fullUrl"].startswith(self.base + "/Patient/"))
        history = self.http.get("Patient/_history?_count=1").json
        self.assertTrue(all(u.startswith(self.base + "/Patient/_history?") for u in links(history).values()), links(history))
        everything = self.http.get(f"Patient/{made.json['id']}/$everything").json
        self.assertEqual(links(everything)["self"], url + "/$everything")
        self.assertEqual(everything["entry"][0]["fullUrl"], url)
        self.assertEqual(self.http.get("metadata").json["implementation"]["url"], self.base)

    def test_own_absolute_reference_equals_the_relative_one(self):
        patient = "Patient/" + self.create().json["id"]
        made = self.create({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": f"{self.base}/{patient}"}})
        for asked in (patient, f"{self.base}/{patient}"):
            found = self.http.get("Observation?subject=" + asked).json
            self.assertEqual([e["resource"]["id"] for e in found["entry"]], [made.json["id"]], asked)

    def test_host_check(self):
        for host, status in (("fhir.example.org", 200), (f"localhost:{self.server.port}", 200), ("evil.example.org", 403), ("fhir.example.org:81", 403)):
            self.assertEqual(self.http.send("GET", "Patient", headers={"Host": host}).status, status, host)
        self.assertEqual(self.http.send("GET", "Patient", headers={"Origin": "https://fhir.example.org"}).status, 200)
        self.assertEqual(self.http.send("GET", "Patient", headers={"Origin": "http://fhir.example.org"}).status, 403)

    def test_forwarded_headers_of_strangers_do_not_count(self):
        made = self.create(**{"X-Forwarded-Host": "evil.example.org", "Forwarded": "host=evil.example.org;proto=https"})
        self.assertTrue(made.headers["Location"].startswith(self.base), made.headers["Location"])


class Proxy(Case):
    options = ("--trust-proxy", "127.0.0.1", "--trust-proxy", "127.0.0.2")

    def location(self, headers):
        answer = self.http.post("Patient", PATIENT, headers)
        self.assertEqual(answer.status, 201, (headers, answer))
        return answer.headers["Location"].split("/Patient/")[0]

    def test_forwarded(self):
        own = f"http://127.0.0.1:{self.server.port}/fhir"
        for headers, base in (
                ({}, own),
                ({"Forwarded": 'for=10.0.0.1;proto=https;host=fhir.example.org'}, "https://fhir.example.org/fhir"),
                ({"Forwarded": 'proto=http;host=client.example, proto=https;host="fhir.example.org:8443"'}, "https://fhir.example.org:8443/fhir"),
                ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "fhir.example.org"}, "https://fhir.example.org/fhir"),
                ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "client.example, fhir.example.org", "X-Forwarded-Port": "443"}, "https://fhir.example.org/fhir"),
                ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "fhir.example.org", "X-Forwarded-Port": "8443"}, "https://fhir.example.org:8443/fhir"),
                ({"X-Forwarded-Proto": "http", "X-Forwarded-Host": "[2001:db8::1]", "X-Forwarded-Prefix": "/a/b/"}, "http://[2001:db8::1]/a/b/fhir"),
                ({"X-Forwarded-Proto": "https"}, own.replace("http:", "https:"))):
            with self.subTest(headers):
                self.assertEqual(self.location(headers), base)

    def test_what_is_no_address(self):
        for headers in ({"X-Forwarded-Host": "a b"}, {"X-Forwarded-Host": "x/y"}, {"X-Forwarded-Host": "x:0"}, {"X-Forwarded-Host": "x:65536"}, {"X-Forwarded-Host": "x:" + "9" * 50}, {"X-Forwarded-Host": ":80"}, {"X-Forwarded-Host": "a:b:c"}, {"X-Forwarded-Proto": "javascript"}, {"X-Forwarded-Port": "0"},
                        {"X-Forwarded-Prefix": "/../x"}, {"X-Forwarded-Prefix": "//x"}, {"Forwarded": 'host="a b"'}):
            self.assertEqual(self.http.send("GET", "Patient", headers=headers).status, 400, headers)

    def test_the_host_check_looks_at_the_host(self):
        for headers in ({"Host": "evil.example.org", "X-Forwarded-Host": "127.0.0.1"},
                        {"Host": "fhir.example.org", "X-Forwarded-Host": "fhir.example.org"}):
            self.assertEqual(self.http.send("GET", "Patient", headers=headers).status, 403, headers)
        proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "fhir.example.org"}
        self.assertEqual(self.http.send("GET", "Patient", headers={**proxied, "Origin": "https://fhir.example.org"}).status, 200)
        self.assertEqual(self.http.send("GET", "Patient", headers={**proxied, "Origin": "https://evil.example.org"}).status, 403)

    def test_links_and_references(self):
        proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "fhir.example.org"}
        base = "https://fhir.example.org/fhir"
        patient = "Patient/" + self.create().json["id"]
        made = self.http.post("Observation", '{"resourceType":"Observation","status":"final","code":{"text":"\\"reference\\": x"},'
                              f'"subject" : {{ "reference" :\n "{base}/{patient}" }}}}', proxied)
        self.assertEqual((made.status, made.json["subject"]["reference"]), (201, patient), made)
        for asked in (patient, f"{base}/{patient}"):
            found = self.http.send("GET", f"Observation?subject={asked}", headers=proxied).json
            self.assertEqual([e["fullUrl"] for e in found["entry"]], [f"{base}/Observation/{made.json['id']}"], asked)
            self.assertTrue(links(found)["self"].startswith(base + "/Observation?subject="))
        batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Observation?_count=1"}}]}
        inner = self.http.post("", batch, proxied).json["entry"][0]["resource"]
        self.assertTrue(links(inner)["self"].startswith(base + "/Observation?"), links(inner))
        self.assertEqual(self.http.send("GET", "metadata", headers=proxied).json["implementation"]["url"], base)


class Answers(Case):
    def test_formats_stay_in_links(self):
        for _ in range(3):
            self.create()
        for path in ("Patient?_count=1", "Patient/_history?_count=1", "_history?_count=1"):
            first = self.http.get(path + "&_format=json&_pretty=true")
            self.assertIn(b"\n  ", first.raw)
            for relation in ("self", "next"):
                self.assertIn("_format=json", links(first.json)[relation])
                self.assertIn("_pretty=true", links(first.json)[relation])
            following = links(first.json)["next"].split("/fhir/")[1]
            self.assertIn(b"\n  ", self.http.get(following).raw)
        xml = self.http.get("Patient?_count=1&_format=application/fhir%2Bxml")
        self.assertIn(b"_format=application%2Ffhir%2Bxml".lower(), xml.raw.replace(b"/fhir%2B", b"%2Ffhir%2B").lower())
        form = self.http.send("POST", "Patient/_search", "_count=1&_format=json", {"Content-Type": "application/x-www-form-urlencoded"})
        self.assertIn("_format=json", links(form.json)["self"])

    def test_self_shows_what_was_used(self):
        answer = self.http.get("Patient?gender=female&favourite-colour=blue&_count=1", Prefer="handling=lenient")
        shown = links(answer.json)["self"]
        self.assertIn("gender=female", shown)
        self.assertNotIn("favourite-colour", shown)

    def test_summary_and_elements_everywhere(self):
        made = self.create({**PATIENT, "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}}).json["id"]
        for path in (f"Patient/{made}", f"Patient/{made}/_history/1", f"Patient/{made}/_history", f"Patient?_id={made}", "Patient/_history", "_history",
                     f"Patient/{made}/$everything"):
            for parameter, absent, present in (("_summary=true", "text", "name"), ("_summary=text", "name", "text"), ("_summary=data", "text", "name"),
                                               ("_elements=gender", "name", "gender")):
                answer = self.http.get(f"{path}?{parameter}" if "?" not in path else f"{path}&{parameter}")
                self.assertEqual(answer.status, 200, (path, parameter, answer))
                body = answer.json
                resources = [e["resource"] for e in body["entry"] if "resource" in e] if body["resourceType"] == "Bundle" else [body]
                body = next(r for r in resources if r["id"] == made)
                self.assertNotIn(absent, body, (path, parameter))
                self.assertIn(present, body, (path, parameter))
                self.assertIn("SUBSETTED", {t["code"] for t in body["meta"]["tag"]})
                xml = self.http.send("GET", f"{path}{'&' if '?' in path else '?'}{parameter}", headers={"Accept": XML})
                self.assertEqual((xml.status, xml.headers["Content-Type"].split(";")[0]), (200, XML))
                self.assertIn(b"SUBSETTED", xml.raw)
        count = self.http.get(f"Patient/{made}/_history?_summary=count").json
        self.assertEqual((count["total"], count.get("entry")), (1, None))

    def test_conditional_read(self):
        path = "Patient/" + self.create().json["id"]
        read = self.http.get(path)
        modified = read.headers["Last-Modified"]
        for headers, status in (({"If-None-Match": 'W/"1"'}, 304), ({"If-None-Match": '"1"'}, 304), ({"If-None-Match": '"9", W/"1"'}, 304),
                                ({"If-None-Match": "*"}, 304), ({"If-None-Match": 'W/"2"'}, 200), ({"If-Modified-Since": modified}, 304),
                                ({"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 200), ({"If-Modified-Since": "nonsense"}, 200),
                                ({"If-Modified-Since": modified, "If-None-Match": 'W/"2"'}, 200)):
            answer = self.http.send("GET", path, headers=headers)
            self.assertEqual(answer.status, status, headers)
            self.assertEqual(answer.headers["ETag"], 'W/"1"')
            if status == 304:
                self.assertEqual(answer.raw, b"")

    def test_preferences(self):
        for method, path, body in (("POST", "Patient", PATIENT), ("PUT", "Patient/preferred", {**PATIENT, "id": "preferred"}),
                                   ("PATCH", "Patient/preferred", [{"op": "replace", "path": "/gender", "value": "male"}]),
                                   ("PUT", "Patient?_id=preferred", {**PATIENT, "id": "preferred"})):
            kind = {"Content-Type": "application/json-patch+json"} if method == "PATCH" else {}
            for preference, expected in (("minimal", None), ("representation", "Patient"), ("OperationOutcome", "OperationOutcome")):
                answer = self.http.send(method, path, body, {**kind, "Prefer": "return=" + preference})
                self.assertIn(answer.status, (200, 201, 204), (method, preference, answer))
                self.assertEqual(answer.json and answer.json["resourceType"], expected, (method, preference))
                self.assertIsNotNone(answer.headers["ETag"])
                self.assertEqual(answer.headers["Content-Location"] is not None, expected == "Patient")
        strict = self.http.send("GET", "Patient?favourite-colour=blue", headers={"Prefer": "handling=strict"})
        lenient = self.http.send("GET", "Patient?favourite-colour=blue", headers={"Prefer": "return=minimal, handling=lenient"})
        self.assertEqual((strict.status, lenient.status), (400, 200))
        for path in ("Patient/preferred/_history?nonsense=1", "Patient/preferred/$everything?nonsense=1", "Patient/preferred?nonsense=1"):
            self.assertEqual(self.http.get(path).status, 400, path)
            self.assertEqual(self.http.get(path, Prefer="handling=lenient").status, 200, path)

    def test_since_and_at(self):
        path = "Patient/" + self.create().json["id"]
        first = self.http.get(path).json["meta"]["lastUpdated"]
        time.sleep(0.02)
        self.http.put(path, {**PATIENT, "id": path.split("/")[1], "gender": "male"})
        second = self.http.get(path).json["meta"]["lastUpdated"]

        def versions(query):
            answer = self.http.get(f"{path}/_history?{query}")
            self.assertEqual(answer.status, 200, answer)
            return [e["resource"]["meta"]["versionId"] for e in answer.json.get("entry", [])]
        self.assertEqual(versions("_since=" + first.replace("+", "%2B")), ["2", "1"])
        self.assertEqual(versions("_since=" + second.replace("+", "%2B")), ["2"])
        self.assertEqual(versions("_since=2999-01-01T00:00:00Z"), [])
        self.assertEqual(versions("_at=" + first.replace("+", "%2B")), ["1"])
        self.assertEqual(versions("_at=1999"), [])
        for bad in ("_since=yesterday", "_at=nonsense", "_count=-1"):
            self.assertEqual(self.http.get(f"{path}/_history?{bad}").status, 400, bad)

    def test_formats_that_are_not_served(self):
        for accept, status in (("application/pdf", 406), ("text/turtle", 406), ("application/fhir+xml;q=0, application/json;q=0", 406), ("*/*", 200)):
            self.assertEqual(self.http.send("GET", "Patient", headers={"Accept": accept}).status, status, accept)
        self.assertEqual(self.http.get("Patient?_format=ttl").status, 406)
        for content in ("text/plain", "application/x-www-form-urlencoded", "text/turtle"):
            self.assertEqual(self.http.send("POST", "Patient", json.dumps(PATIENT), {"Content-Type": content}).status, 415, content)
        self.assertEqual(self.http.send("PATCH", "Patient/x", "[]", {"Content-Type": "application/merge-patch+json"}).status, 415)
        self.assertEqual(self.http.send("POST", "Patient/_search", "{}", {"Content-Type": "application/json"}).status, 415)

    def test_gone_absent_mismatch(self):
        path = "Patient/" + self.create().json["id"]
        self.assertEqual(self.http.get("Patient/not-yet").status, 404)
        self.http.delete(path)
        for method in ("GET", "HEAD"):
            self.assertEqual(self.http.send(method, path).status, 410)
        self.assertEqual(self.http.get(path + "/_history/1").status, 200)
        self.assertEqual(self.http.get(path + "/_history/2").status, 410)
        self.assertEqual(self.http.get(path + "/_history/3").status, 404)
        self.assertEqual(self.http.put("Patient/a", {**PATIENT, "id": "b"}).status, 400)

    def test_request_id(self):
        for path in ("Patient", "Patient/never-was", "metadata", "$nothing"):
            self.assertEqual(self.http.get(path, X_Request_Id="abc-123").headers["X-Request-Id"], "abc-123")
        self.assertIsNone(self.http.get("Patient").headers["X-Request-Id"])
        self.assertIsNone(self.http.get("Patient", X_Request_Id="x" * 300).headers["X-Request-Id"])

    def test_long_targets_and_headers(self):
        ids = ",".join("x" * 60 for _ in range(120))
        answer = self.http.send("GET", f"Patient?_id={ids}&_id={ids}", headers={"X-Soyang-Who": "Practitioner/" + "y" * 180, "X-Filler": "z" * 4000})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.http.get("Patient?_id=" + "x" * 17000).status, 414)
        many = "&".join("_tag=x" for _ in range(300))
        self.assertEqual(self.http.get("Patient?" + many).json["issue"][0]["code"], "too-costly")

    def test_head_on_all_kinds(self):
        path = "Patient/" + self.create().json["id"]
        for kind in (path, path + "/_history/1", path + "/_history", "Patient", "metadata", path + "/$everything"):
            got, head = self.http.get(kind), self.http.send("HEAD", kind)
            self.assertEqual((head.status, head.raw, head.headers["Content-Type"]), (200, b"", got.headers["Content-Type"]), kind)


class Binaries(Case):
    CONTENT = bytes(range(256)) * 40

    def store(self, content=None, kind="image/png", method="POST", path="Binary", **headers):
        answer = self.http.send(method, path, content if content is not None else self.CONTENT, {"Content-Type": kind, **headers})
        self.assertIn(answer.status, (200, 201), answer)
        return answer

    def test_in_and_out_as_it_is(self):
        made = self.store(**{"X-Security-Context": "Patient/1"})
        self.assertEqual((made.status, made.json["contentType"], made.json["securityContext"]["reference"]), (201, "image/png", "Patient/1"))
        for accept in (None, "*/*", "image/*", "image/png", "text/html,image/png;q=0.9,*/*;q=0.8"):
            answer = self.http.send("GET", "Binary/" + made.json["id"], headers={"Accept": accept} if accept else {})
            self.assertEqual((answer.status, answer.headers["Content-Type"], answer.raw), (200, "image/png", self.CONTENT), accept)
            self.assertEqual((answer.headers["ETag"], answer.headers["X-Security-Context"]), ('W/"1"', "Patient/1"))
        self.assertIn("sandbox", answer.headers["Content-Security-Policy"])
        self.assertEqual((answer.headers["Content-Disposition"], answer.headers["X-Content-Type-Options"]), ("attachment", "nosniff"))
        head = self.http.send("HEAD", "Binary/" + made.json["id"])
        self.assertEqual((head.headers["Content-Length"], head.headers["Content-Type"]), (str(len(self.CONTENT)), "image/png"))

    def test_as_a_resource(self):
        path = "Binary/" + self.store().json["id"]
        for accept in ("application/fhir+json", "application/json", "application/fhir+json, */*;q=0.1"):
            self.assertEqual(self.http.send("GET", path, headers={"Accept": accept}).json["resourceType"], "Binary", accept)
        self.assertIn(b"<Binary", self.http.send("GET", path, headers={"Accept": XML}).raw)
        self.assertEqual(self.http.get(path + "?_format=json").json["contentType"], "image/png")
        self.assertEqual(self.http.send("GET", path, headers={"Accept": "application/pdf"}).status, 406)
        self.assertEqual(self.http.get("Binary?_count=1").json["entry"][0]["resource"]["resourceType"], "Binary")

    def test_resources_come_in_as_resources(self):
        resource = {"resourceType": "Binary", "contentType": "text/plain", "data": "7JWI64WV"}
        made = self.http.post("Binary", resource)
        self.assertEqual((made.status, made.json["data"]), (201, "7JWI64WV"))
        self.assertEqual(self.http.get("Binary/" + made.json["id"]).raw.decode(), "안녕")
        xml = self.http.send("POST", "Binary", '<?xml version="1.0"?><!-- x --><Binary xmlns="http://hl7.org/fhir"><contentType value="text/plain"/>'
                             '<data value="7JWI64WV"/></Binary>', {"Content-Type": XML})
        self.assertEqual((xml.status, xml.json["contentType"]), (201, "text/plain"))

    def test_other_resources_are_content(self):
        for kind, content in (("application/fhir+json", json.dumps(PATIENT)), ("application/json", '{"a": 1}'), ("application/json", "no json"),
                              (XML, '<Patient xmlns="http://hl7.org/fhir"/>'), ("text/plain; charset=utf-8", "안녕")):
            made = self.store(content.encode(), kind)
            self.assertEqual(made.json["contentType"], kind)
            self.assertEqual(self.http.send("GET", "Binary/" + made.json["id"], headers={"Accept": "*/*"}).raw, content.encode())

    def test_update_versions_and_deletion(self):
        self.assertEqual(self.store(b"one", "text/plain", "PUT", "Binary/chosen").status, 201)
        self.assertEqual(self.store(b"two", "text/plain", "PUT", "Binary/chosen", **{"If-Match": 'W/"1"'}).status, 200)
        self.assertEqual(self.http.send("PUT", "Binary/chosen", b"x", {"Content-Type": "text/plain", "If-Match": 'W/"1"'}).status, 412)
        self.assertEqual(self.http.get("Binary/chosen").raw, b"two")
        self.assertEqual(self.http.get("Binary/chosen/_history/1").raw, b"one")
        self.assertEqual(self.http.get("Binary/chosen", If_None_Match='W/"2"').status, 304)
        self.http.delete("Binary/chosen")
        self.assertEqual((self.http.get("Binary/chosen").status, self.http.get("Binary/never-was").status), (410, 404))

    def test_empty_and_coded(self):
        self.assertEqual(self.http.send("POST", "Binary", b"", {"Content-Type": "text/plain"}).status, 400)
        made = self.store(gzip.compress(b"plain text " * 1000), "text/plain", **{"Content-Encoding": "gzip"})
        answer = self.http.send("GET", "Binary/" + made.json["id"], headers={"Accept-Encoding": "gzip"})
        self.assertEqual((answer.headers["Content-Encoding"], gzip.decompress(answer.raw)), ("gzip", b"plain text " * 1000))


class Plans(Case):
    def test_administrators_see_the_plan(self):
        self.create()
        answer = self.http.get("Patient?gender=female&_sort=birthdate&_explain=true")
        self.assertEqual((answer.status, answer.json["resourceType"]), (200, "Parameters"), answer)
        named = {}
        for parameter in answer.json["parameter"]:
            named.setdefault(parameter["name"], []).append(parameter)
        self.assertIn("range Patient", named["plan"][0]["valueString"].replace(" space", " Patient space") + named["plan"][0]["valueString"])
        self.assertEqual(named["search"][0]["valueString"], "Patient")
        self.assertIn("gender", {p["part"][0]["valueString"] for p in named["parameter"]})
        self.assertEqual(named["matches"][0]["valueInteger"], 1)
        self.assertGreaterEqual(named["run-us"][0]["valueInteger"], 0)
        self.assertEqual(self.http.get("Patient?gender=female&_explain=false").json["resourceType"], "Bundle")
        self.assertIn(b"<Parameters", self.http.get("Patient?_explain=true&_format=xml").raw)
        self.assertEqual(self.http.get("Patient?_explain=maybe").status, 400)

    def test_nobody_else(self):
        for role in ("primary-care", "receiving", "researcher", "planner", "control-room", "crew"):
            other = Client(self.server.port, "H01500", role)
            self.assertEqual(other.get("Patient?_explain=true").status, 403, role)
            self.assertEqual(other.get("Patient?_explain=false").status, 200, role)


class Audits(unittest.TestCase):
    def test_narrowed_audit_is_said_aloud(self):
        for mode, phrase in (("off", "THE AUDIT IS OFF"), ("writes", "THE AUDIT OF READINGS IS OFF")):
            server = Server(options=("--audit", mode))
            try:
                rest = server.client.get("metadata").json["rest"][0]
                self.assertIn(phrase, rest["documentation"])
                self.assertIn(phrase, rest["security"]["description"])
                made = server.client.post("Patient", PATIENT)
                path = "Patient/" + made.json["id"]
                self.assertEqual([server.client.get(p).status for p in (path, "Patient?gender=female", path + "/$everything", "Patient/never", path + "/_history")],
                                 [200, 200, 200, 404, 200])
                self.assertEqual(server.client.post("", {"resourceType": "Bundle", "type": "batch", "entry": [
                    {"request": {"method": "GET", "url": path}}]}).status, 200)
                self.assertEqual((server.client.post("Patient", {"resourceType": "Patient", "x": 1}).status, server.client.delete(path).status), (400, 204))
                with open(server.log.name) as log:
                    self.assertIn(phrase, log.read())
            finally:
                server.close()

    def test_on_by_default(self):
        server = Server()
        try:
            rest = server.client.get("metadata").json["rest"][0]
            self.assertNotIn("documentation", rest)
            self.assertNotIn("WARNING", json.dumps(rest["security"]))
        finally:
            server.close()

    def test_bad_options(self):
        for options in (("--audit", "maybe"), ("--cors-origin", "*"), ("--cors-origin", "page.example.org"), ("--public-url", "fhir.example.org"),
                        ("--public-url", "https://x/fhir?a=b"), ("--trust-proxy", "proxy.example.org")):
            with self.assertRaises(AssertionError, msg=str(options)):
                Server(options=options).close()


if __name__ == "__main__":
    unittest.main()
