"""$validate against R4, against profiles of a package that `soyang package load` brought, and the loading of packages, spoilt
ones too."""
import gzip
import io
import json
import os
import pathlib
import subprocess
import tarfile
import tempfile
import unittest

from soyang_server import PROGRAM, ROOT, Server

BASE = "http://example.org/krcore/"
PATIENT = BASE + "StructureDefinition/patient"
ORGANIZATION = BASE + "StructureDefinition/organization"
HIRA = "http://www.hl7korea.or.kr/CodeSystem/hira-healthcare-organization-types"
KINDS = {"01": "상급종합병원", "11": "종합병원", "21": "병원", "31": "의원", "71": "보건소", "72": "보건지소", "73": "보건진료소", "75": "보건의료원"}


def definitions():
    """The Korean profiles of the unit tests' cases, complete enough to be stored, with the terminology they bind to."""
    cases = json.loads((ROOT / "test/cases/validate/krcore.json").read_text(encoding="utf-8"))
    for profile in cases["definitions"]:
        yield {**profile, "id": profile["url"].rsplit("/", 1)[1], "status": "active", "abstract": False, "version": "2.0.0"}
    yield {"resourceType": "CodeSystem", "id": "hira-types", "url": HIRA, "status": "active", "content": "complete",
           "concept": [{"code": code, "display": display} for code, display in KINDS.items()]}
    yield {"resourceType": "ValueSet", "id": "organization-types", "url": BASE + "ValueSet/organization-types", "status": "active",
           "compose": {"include": [{"system": HIRA}]}}
    yield {"resourceType": "ValueSet", "id": "countries", "url": BASE + "ValueSet/countries", "status": "active",
           "compose": {"include": [{"system": "urn:iso:std:iso:3166", "concept": [{"code": "KR"}]}]}}


def archive(files, folder, name="package.tgz", kind=tarfile.PAX_FORMAT):
    path = pathlib.Path(folder) / name
    with tarfile.open(path, "w:gz", format=kind) as tar:
        for entry, content in files:
            data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
            info = tarfile.TarInfo(entry)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def package(folder, extra=(), manifest=None, **options):
    manifest = manifest or {"name": "kr.example.core", "version": "2.0.0", "fhirVersions": ["4.0.1"]}
    files = [("package/package.json", manifest), ("package/.index.json", {"files": []})]
    files += [(f"package/{d['resourceType']}-{d['id']}.json", d) for d in definitions()]
    return archive(files + list(extra), folder, **options)


def load(path, *options):
    return subprocess.run([PROGRAM, "package", "load", str(path), *options], capture_output=True, text=True, timeout=300)


class WithPackage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="soyang-package-")
        data = os.path.join(cls.folder.name, "data")
        done = load(package(cls.folder.name), "--data", data)
        assert done.returncode == 0, done.stderr
        assert "6 stored, 0 unchanged, 0 refused" in done.stdout, done.stdout
        cls.server = Server(folder=data)
        cls.http = cls.server.client

    @classmethod
    def tearDownClass(cls):
        cls.server.close()
        cls.folder.cleanup()

    def issues(self, path, body, severity="error"):
        answer = self.http.post(path, body)
        self.assertEqual((answer.status, answer.json["resourceType"]), (200, "OperationOutcome"), answer)
        return [(i["code"], i.get("expression", [""])[0]) for i in answer.json["issue"] if i["severity"] == severity]

    def errors(self, path, body):
        return self.issues(path, body)


def asked(resource, *profiles, mode=None):
    listed = [{"name": "resource", "resource": resource}]
    listed += [{"name": "profile", "valueUri": profile} for profile in profiles]
    listed += [{"name": "mode", "valueCode": mode}] if mode else []
    return {"resourceType": "Parameters", "parameter": listed}


class Profiles(WithPackage):
    good = {"resourceType": "Patient", "identifier": [{"system": "http://example.org/mrn", "value": "1"}], "name": [{"text": "김소양"}],
            "gender": "female", "birthDate": "1950-02-03"}
    hospital = {"resourceType": "Organization", "name": "춘천", "identifier": [{"system": "http://www.hl7korea.or.kr/Identifier/hira-krnpi", "value": "7"}],
                "type": [{"coding": [{"system": HIRA, "code": "11"}]}]}

    def test_package_is_tagged(self):
        found = self.http.get("StructureDefinition?_tag=kr.example.core&_summary=count").json["total"]
        self.assertEqual(found, 3)

    def test_base(self):
        self.assertEqual(self.errors("Patient/$validate", self.good), [])
        self.assertEqual(self.errors("Patient/$validate", {"resourceType": "Patient", "contact": [{"gender": "male"}]}),
                         [("invariant", "Patient.contact[0]")])
        self.assertEqual(self.errors("Patient/$validate", {"resourceType": "Patient", "gender": "lady"}), [("code-invalid", "Patient.gender")])
        self.assertEqual(self.issues("Patient/$validate", {"resourceType": "Patient", "maritalStatus": {"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "ZZ"}]}}, "warning"), [("code-invalid", "Patient.maritalStatus")])

    def test_no_value_of_the_resource_is_told(self):
        answer = self.http.post("Patient/$validate", {"resourceType": "Patient", "gender": "Secret1", "birthDate": "Secret2", "name": [{"use": "Secret3"}],
                                                      "contact": [{"telecom": [{"system": "Secret4", "value": "Secret5"}]}]})
        self.assertGreaterEqual(len(answer.json["issue"]), 4)
        self.assertNotIn(b"Secret", answer.raw)

    def test_asked_profile(self):
        self.assertEqual(self.errors("Patient/$validate", asked(self.good, PATIENT)), [])
        poor = {k: v for k, v in self.good.items() if k not in ("gender", "birthDate")}
        self.assertEqual(self.errors("Patient/$validate", poor), [])
        self.assertEqual(self.errors("Patient/$validate", asked(poor, PATIENT)), [("required", "Patient.gender"), ("required", "Patient.birthDate")])
        self.assertEqual(self.errors("Patient/$validate?profile=" + PATIENT, poor), [("required", "Patient.gender"), ("required", "Patient.birthDate")])
        self.assertEqual(self.errors("Patient/$validate", asked(self.good, PATIENT + "|2.0.0")), [])
        self.assertEqual(self.errors("Patient/$validate", asked(self.good, PATIENT + "|9.9")), [("not-found", "Patient")])
        self.assertEqual(self.errors("Patient/$validate", asked(self.good, "http://example.org/nothing")), [("not-found", "Patient")])

    def test_declared_profile(self):
        declared = {**self.good, "meta": {"profile": [PATIENT]}, "name": [{"family": "김"}]}
        self.assertEqual(self.errors("Patient/$validate", declared), [("required", "Patient.name[0].text")])
        answer = self.http.post("Patient/$validate", declared)
        self.assertIn(PATIENT, answer.diagnostics)

    def test_uploaded_codes(self):
        self.assertEqual(self.errors("Organization/$validate", asked(self.hospital, ORGANIZATION)), [])
        other = {**self.hospital, "type": [{"coding": [{"system": HIRA, "code": "99"}]}]}
        self.assertEqual(self.errors("Organization/$validate", asked(other, ORGANIZATION)), [("required", "Organization.type")])

    def test_stored_resource_and_modes(self):
        self.http.put("Patient/v1", {**self.good, "id": "v1"})
        self.assertEqual(self.http.get("Patient/v1/$validate?profile=" + PATIENT).status, 200)
        self.assertEqual(self.errors("Patient/v1/$validate", asked({**self.good, "id": "other"}, mode="update")), [("value", "Patient.id")])
        self.assertEqual(self.errors("Patient/v1/$validate", asked({**self.good, "id": "v1"}, mode="update")), [])
        self.assertEqual(self.errors("Patient/$validate", asked(self.good, PATIENT, mode="profile")), [])
        self.assertEqual(self.http.post("Patient/$validate", asked(self.good, mode="profile")).status, 400)

    def test_the_latest_version_is_meant(self):
        url = "http://example.org/versions"
        for version, path, status in (("1.9.0", "Patient.gender", "active"), ("1.10.0", "Patient.birthDate", "active"), ("2.0.0", "Patient.name", "draft")):
            definition = {"resourceType": "StructureDefinition", "id": "versions-" + version, "url": url, "version": version, "name": "Versions",
                          "status": status, "kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint",
                          "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
                          "differential": {"element": [{"id": "Patient", "path": "Patient"}, {"id": path, "path": path, "min": 1}]}}
            self.assertEqual(self.http.put("StructureDefinition/" + definition["id"], definition).status, 201)
        nothing = {"resourceType": "Patient"}
        self.assertEqual(self.errors("Patient/$validate", asked(nothing, url)), [("required", "Patient.birthDate")])
        self.assertEqual(self.errors("Patient/$validate", asked(nothing, url + "|1.9.0")), [("required", "Patient.gender")])
        self.assertEqual(self.errors("Patient/$validate", asked(nothing, url + "|2.0.0")), [("required", "Patient.name")])

    def test_a_profile_of_no_use_is_said_so(self):
        definition = {"resourceType": "StructureDefinition", "id": "useless", "url": "http://example.org/useless", "name": "Useless", "status": "active",
                      "kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint",
                      "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
                      "differential": {"element": [{"id": "Patient", "path": "Patient"}, {"id": "Patient.wings", "path": "Patient.wings", "min": 1}]}}
        self.http.put("StructureDefinition/useless", definition)
        self.assertEqual(self.errors("Patient/$validate", asked(self.good, "http://example.org/useless")), [("not-found", "Patient")])
        warning = self.issues("Patient/$validate", asked(self.good, "http://example.org/useless"), "warning")
        self.assertEqual(warning, [("not-supported", "Patient")])

    def test_load_again_over_http(self):
        done = load(package(self.folder.name), "--url", f"http://127.0.0.1:{self.server.port}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0 stored, 6 unchanged, 0 refused", done.stdout)
        extra = [("package/ValueSet-new.json", {"resourceType": "ValueSet", "id": "new", "url": "http://example.org/new", "status": "active"}),
                 ("package/Bundle-kept.json", {"resourceType": "Bundle", "id": "kept", "type": "collection", "entry": [{"resource": self.good}]})]
        done = load(package(self.folder.name, extra), "--url", f"http://127.0.0.1:{self.server.port}", "--examples")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 stored, 6 unchanged", done.stdout)
        self.assertEqual(done.stderr, "")
        odd = [("package/self.json", {"resourceType": "ValueSet", "id": "self", "url": "http://example.org/self", "status": "active",
                                      "compose": {"include": [{"valueSet": ["http://example.org/self"]}]}})]
        done = load(package(self.folder.name, odd), "--url", f"http://127.0.0.1:{self.server.port}")
        self.assertIn("warning: package/self.json: ValueSet.compose: it cannot be expanded: it imports itself", done.stderr)
        self.assertEqual(self.http.get("Bundle/kept").json["entry"][0]["resource"]["name"][0]["text"], "김소양")


class Packages(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory(prefix="soyang-package-")
        self.folder = self.holder.name
        self.data = os.path.join(self.folder, "data")

    def tearDown(self):
        self.holder.cleanup()

    def refused(self, path, words, code=1):
        done = load(path, "--data", self.data)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        self.assertIn(words, done.stderr)
        return done

    def test_invalid_entries_are_named_and_the_rest_is_kept(self):
        extra = [("package/ValueSet-bad.json", {"resourceType": "ValueSet", "id": "bad", "url": "http://example.org/bad", "stattus": "x"}),
                 ("package/ValueSet-none.json", {"resourceType": "ValueSet", "url": "http://example.org/none", "status": "active"}),
                 ("package/broken.json", b"{\"resourceType\": "), ("package/other/deep.json", {"resourceType": "ValueSet"}),
                 ("package/Patient-p.json", {"resourceType": "Patient", "id": "p"}), ("package/readme.txt", b"hello")]
        done = self.refused(package(self.folder, extra), "package/ValueSet-bad.json: ValueSet.stattus")
        self.assertIn("package/ValueSet-none.json: it has no id", done.stderr)
        self.assertIn("package/broken.json", done.stderr)
        self.assertIn("6 stored, 0 unchanged, 3 refused, 1 passed over", done.stdout)

    def test_definitions_with_faults_are_kept_and_named(self):
        """Whatever is needed may stand later in the package, or in another one: all is judged at the end."""
        profile = {"resourceType": "StructureDefinition", "id": "odd", "url": "http://example.org/odd", "name": "Odd", "status": "active", "kind": "resource",
                   "abstract": False, "type": "Patient", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "derivation": "constraint",
                   "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 3, "max": "1"}]}}
        needs = lambda id, other: {"resourceType": "ValueSet", "id": id, "url": "http://example.org/" + id, "status": "active",
                                   "compose": {"include": [{"valueSet": ["http://example.org/" + other]}]}}
        extra = [("package/a.json", needs("a", "z")), ("package/odd.json", profile), ("package/self.json", needs("self", "self")),
                 ("package/z.json", {"resourceType": "ValueSet", "id": "z", "url": "http://example.org/z", "status": "active",
                                     "compose": {"include": [{"system": "http://hl7.org/fhir/administrative-gender"}]}})]
        done = load(package(self.folder, extra), "--data", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("warning: package/odd.json: StructureDefinition", done.stderr)
        self.assertIn("at least 3 and at most 1", done.stderr)
        self.assertIn("warning: package/self.json: ValueSet.compose: it cannot be expanded: it imports itself", done.stderr)
        self.assertNotIn("package/a.json", done.stderr)
        self.assertIn("3 of 10 stored definitions have faults", done.stdout)  # one of the package's own has elements without ids
        again = load(package(self.folder, extra), "--data", self.data)
        self.assertEqual((again.returncode, again.stderr), (0, ""))

    def test_an_id_is_not_taken_from_another_definition(self):
        load(package(self.folder), "--data", self.data)
        other = [("package/package.json", {"name": "other", "version": "1", "fhirVersions": ["4.0.1"]}),
                 ("package/ValueSet-countries.json", {"resourceType": "ValueSet", "id": "countries", "url": "http://example.org/other", "status": "active"})]
        self.refused(archive(other, self.folder, "other.tgz"), "its id is taken by a resource of another url")

    def test_a_changed_definition_is_stored_again(self):
        load(package(self.folder), "--data", self.data)
        changed = [("package/package.json", {"name": "kr.example.core", "version": "2.0.1", "fhirVersions": ["4.0.1"]})]
        changed += [(f"package/{d['id']}.json", d) for d in definitions()]
        done = load(archive(changed, self.folder, "changed.tgz"), "--data", self.data)
        self.assertIn("6 stored, 0 unchanged", done.stdout)

    def test_no_package(self):
        self.refused(os.path.join(self.folder, "nothing.tgz"), "No such file")
        self.refused(archive([("readme.txt", b"x")], self.folder), "no package/package.json")
        self.refused(archive([("package/package.json", b"{")], self.folder), "package.json")
        self.refused(archive([("package/package.json", {"name": "x"})], self.folder), "no name and version")
        self.refused(package(self.folder, manifest={"name": "x", "version": "1", "fhirVersions": ["5.0.0"]}), "another release than R4")
        plain = pathlib.Path(self.folder) / "plain.tgz"
        plain.write_bytes(b"this is no archive at all\n" * 100)
        self.refused(plain, "no tar archive")

    def test_a_package_that_builds_on_itself_is_refused(self):
        manifest = {"name": "x", "version": "1", "fhirVersions": ["4.0.1"], "dependencies": {"hl7.fhir.r4.core": "4.0.1", "x": "0.9"}}
        done = self.refused(package(self.folder, manifest=manifest), "names the package itself among its dependencies")
        self.assertNotIn("x 1: 6 stored", done.stdout)

    def test_packages_may_build_on_one_another(self):
        ring = {"a": "b", "b": "c", "c": "a"}
        paths = []
        for name, needs in ring.items():
            manifest = {"name": name, "version": "1", "fhirVersions": ["4.0.1"], "dependencies": {needs: "1"}}
            profile = {"resourceType": "StructureDefinition", "id": name, "url": "http://example.org/ring/" + name, "name": name.upper(), "status": "active", "kind": "resource", "abstract": False,
                       "type": "Patient", "derivation": "constraint", "baseDefinition": "http://example.org/ring/" + needs, "differential": {"element": [{"id": "Patient", "path": "Patient"}]}}
            paths.append(str(archive([("package/package.json", manifest), ("package/profile.json", profile)], self.folder, name + ".tgz")))
        done = subprocess.run([PROGRAM, "package", "load", *paths, "--data", self.data], capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr.count("it is derived from itself"), done.stderr.count("\n")), (0, 3, 3))
        self.assertEqual(done.stdout.count("1 stored, 0 unchanged, 0 refused"), 3, done.stdout)
        self.assertNotIn("builds on", done.stdout)
        self.assertIn("a builds on b 1, which is not loaded with it", load(paths[0], "--data", self.data).stdout)
        server = Server(folder=self.data)
        try:  # profiles that derive from one another in a ring: not used, and said
            answer = server.client.post("Patient/$validate?profile=http://example.org/ring/a", {"resourceType": "Patient"})
            wrong = [i for i in answer.json["issue"] if i["severity"] != "information"]
            self.assertEqual([(i["severity"], i["code"]) for i in wrong], [("warning", "not-supported"), ("error", "not-found")])
            self.assertIn("it is derived from itself", wrong[0]["diagnostics"])
        finally:
            server.close()

    def test_spoilt_archives(self):
        whole = package(self.folder).read_bytes()
        plain = gzip.decompress(whole)
        path = pathlib.Path(self.folder) / "spoilt.tgz"
        path.write_bytes(whole[: len(whole) // 2])
        self.refused(path, "spoilt.tgz")
        path.write_bytes(whole[:600] + bytes(b ^ 0x55 for b in whole[600:700]) + whole[700:])
        self.refused(path, "spoilt.tgz")
        path.write_bytes(gzip.compress(plain[:700]))
        self.refused(path, "ends too early")
        path.write_bytes(gzip.compress(plain[:1024] + b"X" + plain[1025:]))
        self.refused(path, "spoilt")
        path.write_bytes(b"")
        self.refused(path, "ends too early")

    def test_names_that_lead_elsewhere_are_only_names(self):
        bad = [("package/package.json", {"name": "x", "version": "1"}), ("../../escape.json", {"resourceType": "ValueSet"}),
               ("/tmp/soyang-escape.json", {"resourceType": "ValueSet"}), ("package/../../up.json", {"resourceType": "ValueSet"})]
        done = load(archive(bad, self.folder), "--data", self.data)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0 stored", done.stdout)
        self.assertFalse(os.path.exists("/tmp/soyang-escape.json"))

    def test_long_names(self):
        name = "package/" + "x" * 180 + ".json"
        for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
            extra = [(name, {"resourceType": "ValueSet", "id": "long", "url": "http://example.org/long", "stattus": "x"})]
            done = self.refused(package(self.folder, extra, kind=kind), name)
            self.assertIn("1 refused", done.stdout)

    def test_usage(self):
        done = subprocess.run([PROGRAM, "package", "frob", "x"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
