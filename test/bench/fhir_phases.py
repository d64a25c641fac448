"""The phases of ./dev bench fhir: each takes a Bench and adds its figures."""
import http.client
import json
import os
import pathlib
import pickle
import random
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from synthea import Synthea, compact

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("SOYANG_SHARED", ROOT.parent / "shared"))
BIG_BUNDLE = 27000
WRITERS = 16  # beside the big bundle
CREATES = 20000  # templates, of which a tenth are updates
COUNT_CODES = 10
EVERYTHING_LEAST = 3419  # resources of the largest record, as Synthea exports it
OUT_OF_CLONES = 100000  # clone numbers of what is written beside the imported ones
MB = 1024 * 1024


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


# ---- programs -----------------------------------------------------------------------------------------------------------

def compiled(name, *libraries):
    """test/bench/NAME.c as a program under build/bench-tools."""
    source, binary = ROOT / f"test/bench/{name}.c", ROOT / "build/bench-tools" / name
    binary.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", binary, source, *libraries], check=True)
    return binary


class Server:
    """The program in a folder; its resident memory is looked at twice a second."""

    def __init__(self, program, folder, options=()):
        self.command = [program, "serve", "--data", str(folder), "--port", "0", *options]
        self.log = open(f"{folder}.log", "ab")
        self.peak_mb = 0.0
        began = time.monotonic()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        if not found:
            raise SystemExit(f"the server did not start: {line} {pathlib.Path(self.log.name).read_text()[-2000:]}")
        self.port = int(found[1])
        self.get("/fhir/Patient?_count=1")
        self.start_ms = (time.monotonic() - began) * 1000
        self.watching = threading.Thread(target=self.watch, daemon=True)
        self.watching.start()

    def watch(self):
        while self.process.poll() is None:
            self.peak_mb = max(self.peak_mb, self.resident_mb())
            time.sleep(0.5)

    def resident_mb(self):
        try:
            return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{self.process.pid}/status").read())[1]) / 1024
        except (OSError, TypeError):
            return 0.0

    def take_peak_mb(self):
        peak, self.peak_mb = max(self.peak_mb, self.resident_mb()), 0.0
        return peak

    def get(self, path, method="GET", body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body, {"Content-Type": "application/fhir+json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def json(self, path):
        status, raw = self.get(path)
        if status != 200:
            raise SystemExit(f"{path}: {status} {raw[:500]}")
        return json.loads(raw)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Bench:
    def __init__(self, given):
        self.given, self.seconds, self.chance = given, given.seconds, random.Random(20261122)
        self.figures = {"resources": given.resources, "seconds": given.seconds, "cores": os.cpu_count(), "ceiling": {}, "tails": {}, "goals": {}, "notes": [],
                        "refused": {}, "memory_mb": {}}
        self.folder, self.work, self.ndjson = given.data / "imported", given.data / "work", given.data / "synthea.ndjson"
        self.loader = compiled("fhir_load")
        self.server = None
        self.synthea_cached, self.sampled = None, None
        help_text = subprocess.run([given.program, "serve", "--help"], capture_output=True, text=True).stdout
        self.has_audit_off = "--audit" in help_text

    @property
    def synthea(self):
        """Read once: cutting the bundles takes a minute, so what it gave is kept beside the builds."""
        if self.synthea_cached is None:
            cache = ROOT / "build/bench-tools/synthea.pickle"
            source = (ROOT / "test/bench/synthea.py").stat().st_mtime
            if cache.exists() and cache.stat().st_mtime > source:
                self.synthea_cached = pickle.loads(cache.read_bytes())
            else:
                say("reading Synthea's bundles")
                self.synthea_cached = Synthea(SHARED)
                cache.write_bytes(pickle.dumps(self.synthea_cached))
        return self.synthea_cached

    def note(self, text):
        self.figures["notes"].append(text)
        say(text)

    def serve(self, *options):
        self.server = Server(self.given.program, self.work, options)
        return self.server

    def fresh_work(self):
        """Every load that writes begins from the imported folder."""
        shutil.rmtree(self.work, ignore_errors=True)
        subprocess.run(["cp", "-r", "--reflink=auto", str(self.folder), str(self.work)], check=True)
        (self.work / "lock").unlink(missing_ok=True)
        os.sync()  # the copy is not written back while a load is timed

    def load(self, requests, connections, seconds=None, port=None):
        """Sends requests of (kind, follow, weight, bytes); fhir_load.c says what comes back."""
        with tempfile.NamedTemporaryFile(dir=self.given.data, suffix=".requests") as file:
            for kind, follow, weight, raw in requests:
                file.write(packed(kind, follow, weight, raw, port or self.server.port))
            file.flush()
            done = subprocess.run([self.loader, str(port or self.server.port), str(connections), str(self.seconds if seconds is None else seconds), file.name],
                                  capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("the load broke off: " + done.stderr)
        found = json.loads(done.stdout)
        found["per_s"] = (found["all"]["count"] - found["all"]["refused"]) / found["seconds"]
        found["weight_per_s"] = found["all"]["weight"] / found["seconds"]
        return found

    def keep_tail(self, key, row):
        self.figures["tails"][key] = {k: row[k] for k in ("p50_ms", "p99_ms", "p999_ms", "max_ms")}

    def keep_refused(self, key, found):
        if found["all"]["refused"]:
            self.figures["refused"][key] = found["all"]["refused"]
            self.note(f"{key}: {found['all']['refused']} of {found['all']['count']} were refused, the first with {found['all']['first_refusal']}")

    def keep_memory(self, phase):
        self.figures["memory_mb"][phase] = round(self.server.take_peak_mb(), 1)

    @property
    def sample(self):
        if self.sampled is None:
            self.sampled = Sample(self.ndjson, self.chance, self.figures["resources"])
        return self.sampled


def packed(kind, follow, weight, raw, port):
    """A record of fhir_load's file; the server answers only its own address."""
    raw = raw.replace(b"Host: bench", b"Host: 127.0.0.1:%d" % port, 1)
    return struct.pack("<IIII", kind, follow, weight, len(raw)) + raw


class Sample:
    """Lines drawn from the imported file, and what the loads need to know of it."""

    def __init__(self, ndjson, chance, resources):
        self.lines, self.patients, self.most = [], [], ("", 0)
        share = min(1.0, 1.5 * CREATES / max(resources, 1))
        patient, count, self.codes, self.observations = "", 0, {}, {}
        code_of = re.compile(r'"code":\{"coding":\[\{"system":"http://loinc.org","code":"([^"]*)"')
        with open(ndjson, encoding="utf-8") as file:
            for line in file:
                count += 1
                if line.startswith('{"resourceType":"Patient"'):
                    patient, count = id_of(line), 0
                    self.patients.append(patient)
                elif count > self.most[1]:
                    self.most = (patient, count)
                if line.startswith('{"resourceType":"Observation"'):
                    found = code_of.search(line)
                    if found:
                        self.codes[found[1]] = self.codes.get(found[1], 0) + 1
                        if chance.random() < 0.1:
                            self.observations.setdefault(found[1], []).append(line)
                if chance.random() < share and patient and not line.startswith(('{"resourceType":"Patient"', '{"resourceType":"Provenance"')):
                    self.lines.append(line.rstrip("\n"))


def id_of(line):
    return re.search(r'"id":"([^"]*)"', line)[1]


def type_of(line):
    return re.search(r'"resourceType":"([^"]*)"', line)[1]


def get_request(path):
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def body_request(method, path, body):
    body = body.encode() if isinstance(body, str) else body
    return f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def create_request(line):
    """A resource like the line's, with another value where it has identifiers or quantities."""
    body = re.sub(r'"id":"[^"]*",', "", line, count=1)
    return body_request("POST", f"/fhir/{type_of(line)}", varied(body))


def varied(body):
    body = re.sub(r'("valueQuantity":\{"value":)[-0-9.]+', r"\g<1>######", body)
    return re.sub(r'("identifier":\[[^\]]*"value":"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)[0-9a-f]{12}', r"\g<1>@@@@@@@@@@@@", body)


def update_request(line):
    return body_request("PUT", f"/fhir/{type_of(line)}/{id_of(line)}", varied(line.rstrip("\n")))


# ---- ceilings and import ------------------------------------------------------------------------------------------------

def fsync_rate(folder, seconds):
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            os.pwrite(file.fileno(), b"x" * 4096, 4096 * (count % 256))
            os.fdatasync(file.fileno())
            count += 1
    return count / seconds


def measure_ceilings(bench):
    seconds = min(10, bench.seconds)
    process = subprocess.Popen([compiled("bare_server", "-lmicrohttpd"), "2"], stdout=subprocess.PIPE, text=True)
    port = int(process.stdout.readline())
    get = bench.load([(0, 0, 1, get_request("/fhir/Patient/x"))], 64, seconds, port)
    post = bench.load([(0, 0, 1, body_request("POST", "/fhir/Observation", "x" * 2048))], 64, seconds, port)
    process.kill()
    process.wait()
    process.stdout.close()
    bench.figures["ceiling"].update(get_per_s=get["per_s"], post_per_s=post["per_s"], fsync_per_s=fsync_rate(bench.given.data, seconds))


def measure_import(bench):
    kept = bench.given.data / "import.json"
    if bench.given.reuse and kept.exists() and bench.folder.exists():
        figures = json.loads(kept.read_text())
        bench.figures.update({k: figures[k] for k in ("import_per_s", "disk_ratio", "resources")})
        bench.note(f"the folder was reused: import_per_s and disk_ratio are of its own import of {figures['resources']:,}")
        return
    resources = bench.given.resources
    say(f"writing {resources:,} resources as NDJSON")
    size = bench.synthea.write_ndjson(bench.ndjson, resources)
    shutil.rmtree(bench.folder, ignore_errors=True)
    os.sync()  # what the bench itself wrote and removed shall not be written back while the import is timed
    say(f"importing {size / 1e6:,.0f} MB")
    began = time.monotonic()
    subprocess.run([bench.given.program, "import", "--data", str(bench.folder), str(bench.ndjson)], check=True, stdout=sys.stderr)
    took = time.monotonic() - began
    disk = disk_bytes(bench.folder)
    bench.note(f"disk_ratio: as the import left it, closed, with {versions_alone(bench.folder):,} versions that lay alone")
    bench.figures.update(import_per_s=resources / took, disk_ratio=disk / size)
    kept.write_text(json.dumps({"import_per_s": resources / took, "disk_ratio": disk / size, "resources": resources, "ndjson_bytes": size, "disk_bytes": disk}))


# ---- start, memory, reads -----------------------------------------------------------------------------------------------

def measure_start(bench):
    starts = []
    for _ in range(5):
        bench.serve().stop()
        starts.append(bench.server.start_ms)
    bench.figures["start_ms"] = sorted(starts)[2]
    bench.figures["tails"]["start_ms"] = {"p50_ms": sorted(starts)[2], "p99_ms": max(starts), "p999_ms": max(starts), "max_ms": max(starts)}
    bench.serve()
    time.sleep(3)
    bench.figures["idle_mb"] = bench.server.resident_mb()
    bench.server.stop()


def read_load(bench, key, *options):
    bench.serve(*options)
    patients = bench.sample.patients.copy()
    bench.chance.shuffle(patients)
    found = bench.load([(0, 0, 1, get_request(f"/fhir/Patient/{patient}")) for patient in patients], 64)
    bench.figures[key] = found["per_s"]
    bench.keep_tail(key, found["all"])
    bench.keep_refused(key, found)
    bench.keep_memory(key.removesuffix("_per_s"))
    bench.server.stop()
    return found


def measure_read_audited(bench):
    found = read_load(bench, "read_audited_per_s")
    bench.figures["read_audited_p99_ms"] = found["all"]["p99_ms"]
    bench.figures.setdefault("read_p99_ms", found["all"]["p99_ms"])
    bench.keep_tail("read_p99_ms", found["all"])


def measure_read(bench):
    if not bench.has_audit_off:
        bench.note("read_per_s and read_vs_bare are not measured: this program cannot serve without audit")
        return
    found = read_load(bench, "read_per_s", "--audit", "off")
    bench.figures["read_p99_ms"] = max(found["all"]["p99_ms"], bench.figures.get("read_audited_p99_ms", 0))
    if bench.figures["ceiling"]:
        bench.figures["read_vs_bare"] = found["per_s"] / bench.figures["ceiling"]["get_per_s"]


def measure_everything(bench):
    """The record of the patient with the most resources, all of it in one answer: `_count` would cut it at a page's bound."""
    bench.serve()
    patient, least = bench.sample.most[0], min(bench.sample.most[1] + 1, EVERYTHING_LEAST)
    path = f"/fhir/Patient/{patient}/$everything"
    first = bench.server.json(path)
    took, entries = [], len(first.get("entry", []))
    if entries < least or any(link["relation"] == "next" for link in first["link"]):
        raise SystemExit(f"$everything gave {entries:,} of {least:,} resources at least")
    end = time.monotonic() + bench.seconds
    while time.monotonic() < end:
        began = time.monotonic()
        bench.server.get(path)
        took.append((time.monotonic() - began) * 1000)
    took.sort()
    bench.figures["everything_ms"], bench.figures["everything_resources"] = took[len(took) // 2], entries
    bench.figures["tails"]["everything_ms"] = {"p50_ms": took[len(took) // 2], "p99_ms": took[len(took) * 99 // 100], "p999_ms": took[-1], "max_ms": took[-1]}
    bench.note(f"everything_ms: of {entries:,} resources in one answer, {len(took):,} times")
    if entries < EVERYTHING_LEAST:
        bench.note(f"everything_ms: the goal is for {EVERYTHING_LEAST:,}, which so few resources have no patient of")
    bench.keep_memory("everything")
    bench.server.stop()


# ---- searches -----------------------------------------------------------------------------------------------------------

def search_kinds():
    """(kind, query, pages to follow) of the fixed mix."""
    for line in (SHARED / "data/fhir/searches.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        kind, query = line.split("\t")[:2]
        follow = re.search(r"follow next (\d+) times", query)
        yield kind, query.split(" (")[0].strip(), int(follow[1]) if follow else 0


def search_path(query, patient):
    where, _, parameters = query.replace("{patient}", patient).partition("?")
    parameters = urllib.parse.quote(parameters, safe="=&:/?,;+-_.~$!*()'@|")
    if "_count=" not in parameters:
        parameters += "&_count=20"
    return f"/fhir/{where}?{parameters}".replace("/fhir/?", "/fhir?").replace("|", "%7C")


def measure_search(bench):
    bench.serve()
    kinds = list(search_kinds())
    requests = []
    for patient in bench.chance.sample(bench.sample.patients, min(50, len(bench.sample.patients))):
        turn = [(number, follow, 1, get_request(search_path(query, patient))) for number, (_, query, follow) in enumerate(kinds)]
        bench.chance.shuffle(turn)
        requests += turn
    found = bench.load(requests, 30)
    bench.figures["search_per_s"] = found["per_s"]
    bench.figures["searches"] = {kinds[int(number)][0]: row for number, row in found["kinds"].items()}
    worst = max(bench.figures["searches"], key=lambda kind: bench.figures["searches"][kind]["p99_ms"])
    bench.figures["search_worst_p99_ms"], bench.figures["search_worst_kind"] = bench.figures["searches"][worst]["p99_ms"], worst
    bench.keep_tail("search_per_s", found["all"])
    bench.keep_tail("search_worst_p99_ms", bench.figures["searches"][worst])
    bench.keep_refused("search", found)
    bench.keep_memory("search")
    bench.server.stop()


# ---- writes -------------------------------------------------------------------------------------------------------------

def write_requests(bench):
    lines = bench.sample.lines.copy()
    bench.chance.shuffle(lines)
    lines = lines[:CREATES]
    updates = [line for line in lines if "valueQuantity" in line]
    if not updates:
        raise SystemExit("there are too few resources to draw updates from")
    return [(1, 0, 1, update_request(updates[number % len(updates)])) if number % 10 == 3 else (0, 0, 1, create_request(line))
            for number, line in enumerate(lines)]


def versions_alone(folder):
    """Versions behind the last frame: those that the packer has not come to."""
    database = sqlite3.connect(f"file:{folder}/store.db?mode=ro", uri=True)
    try:
        return database.execute("SELECT (SELECT max(vid) FROM version)-coalesce((SELECT max(last) FROM frame),0)").fetchone()[0]
    finally:
        database.close()


def disk_bytes(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


def measure_packing(bench, before, written):
    """What a load left to the packer, how long that took, and the disk before and after, audit rows included."""
    alone, at_end, began = versions_alone(bench.work), disk_bytes(bench.work), time.monotonic()
    while versions_alone(bench.work) > 2048 and time.monotonic() - began < 600:
        time.sleep(0.5)
    took = time.monotonic() - began
    bench.figures.update(create_alone=alone, create_packed_after_s=took, create_disk_ratio=(at_end - before) / written)
    bench.note(f"creates: at the end {alone:,} versions lay alone and the folder had grown by {(at_end - before) / written:.2f} x what was written "
               f"(log and audit included); packed {took:.1f} s later, {(disk_bytes(bench.work) - before) / written:.2f} x")


def measure_create(bench):
    bench.fresh_work()
    before = disk_bytes(bench.work)
    bench.serve()
    requests = write_requests(bench)
    found = bench.load(requests, 64)
    measure_packing(bench, before, found["all"]["count"] * sum(len(raw.partition(b"\r\n\r\n")[2]) for *_, raw in requests) / len(requests))
    bench.figures["create_per_s"], bench.figures["create_p99_ms"] = found["per_s"], found["all"]["p99_ms"]
    bench.figures["create_p999_ms"], bench.figures["create_max_ms"] = found["all"]["p999_ms"], found["all"]["max_ms"]
    bench.figures["updates_per_s"] = found["kinds"].get("1", {"count": 0})["count"] / found["seconds"]
    for key in ("create_per_s", "create_p99_ms", "create_p999_ms"):
        bench.keep_tail(key, found["all"])
    bench.keep_refused("create", found)
    bench.keep_memory("create")
    bench.server.stop()


def bundle_text(bench, patient_count, clone, limit=None):
    """Transaction bundles as Synthea exports them, every tenth observation an update of the imported one of the same patient. Yields (text, entries)."""
    names = list(bench.synthea.bundles)
    for number in range(patient_count):
        name = names[number % len(names)]
        bundle, entries = bench.synthea.bundles[name], []
        for index, entry in enumerate(bundle["entry"][:limit]):
            resource = entry["resource"]
            if index % 10 == 3 and "valueQuantity" in resource:
                entry = {"fullUrl": entry["fullUrl"], "resource": {**resource, "valueQuantity": {**resource["valueQuantity"], "value": clone + index}},
                         "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}}
            entries.append(entry)
        yield compact({"resourceType": "Bundle", "type": "transaction", "entry": entries}), len(entries)


def measure_bundle(bench):
    bench.fresh_work()
    bench.serve()
    requests = [(0, 0, entries, body_request("POST", "/fhir", text)) for text, entries in bundle_text(bench, len(bench.synthea.bundles), OUT_OF_CLONES)]
    bench.chance.shuffle(requests)
    found = bench.load(requests, 20)
    bench.figures["bundle_per_s"] = found["weight_per_s"]
    bench.keep_tail("bundle_per_s", found["all"])
    bench.keep_refused("bundle", found)
    bench.keep_memory("bundle")
    largest = max(len(raw) for *_, raw in requests)
    bench.figures["goals"]["load_mb"] = 256 + 8 * largest / MB
    check_searchable(bench)
    bench.server.stop()


def check_searchable(bench):
    """What was answered 200 is found at once."""
    line = next(line for line in bench.sample.lines if type_of(line) == "Observation")
    resource = {**json.loads(line), "identifier": [{"system": "urn:bench", "value": "at-once"}]}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": resource, "request": {"method": "POST", "url": "Observation"}}]}
    status, _ = bench.server.get("/fhir", "POST", compact(bundle).encode())
    found = bench.server.json("/fhir/Observation?identifier=urn:bench%7Cat-once&_total=accurate")
    if status != 200 or found["total"] != 1:
        raise SystemExit(f"a bundle answered {status} was found {found['total']} times")


def big_bundle(bench):
    entries, number = [], 0
    names = list(bench.synthea.bundles)
    while len(entries) < BIG_BUNDLE:
        text = compact(bench.synthea.bundles[names[number % len(names)]]["entry"])
        if number >= len(names):
            text = text.replace("urn:uuid:", f"urn:uuid:{number // len(names):02d}")
        entries += json.loads(text)
        number += 1
    return compact({"resourceType": "Bundle", "type": "transaction", "entry": entries[:BIG_BUNDLE]}).encode()


def measure_big_bundle(bench):
    """Three times, beside clients that create and update; the slowest counts."""
    bench.fresh_work()
    bench.serve()
    body, requests = big_bundle(bench), write_requests(bench)
    took, waits = [], []
    for _ in range(3):
        others = {}
        thread = threading.Thread(target=lambda: others.update(bench.load(requests, WRITERS, 20)))
        thread.start()
        time.sleep(5)
        began = time.monotonic()
        status, raw = bench.server.get("/fhir", "POST", body)
        took.append(time.monotonic() - began)
        thread.join()
        waits.append(others["all"]["max_ms"] / 1000)
        if status != 200:
            bench.note(f"big bundle: answered {status}: {raw[:300]!r}")
            took[-1] = 1e9
        say(f"big bundle: {took[-1]:.2f} s, others waited {waits[-1]:.2f} s at most")
    bench.figures.update(big_bundle_s=max(took), big_bundle_others_wait_s=max(waits), big_bundle_mb=len(body) / MB)
    bench.figures["tails"]["big_bundle_s"] = {"p50_ms": sorted(took)[1] * 1000, "p99_ms": max(took) * 1000, "p999_ms": max(took) * 1000, "max_ms": max(took) * 1000}
    bench.keep_memory("big_bundle")
    bench.figures["big_bundle_memory_goal_mb"] = 256 + 8 * len(body) / MB
    bench.server.stop()


def measure_count(bench):
    bench.fresh_work()
    bench.serve()
    codes = sorted(bench.sample.codes, key=lambda code: -bench.sample.codes[code])[:COUNT_CODES]
    changes = []
    for code in codes:
        for number, line in enumerate(bench.sample.observations.get(code, [])):
            path = f"/fhir/Observation/{id_of(line)}"
            changes.append((0, 0, 1, f"DELETE {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()) if number % 10 == 0 else (0, 0, 1, update_request(line)))
    bench.chance.shuffle(changes)
    say(f"count: {len(changes):,} of {sum(bench.sample.codes[code] for code in codes):,} are updated or deleted")
    bench.keep_refused("count_changes", bench.load(changes, 64, 0))
    requests = [(0, 0, 0, get_request(f"/fhir/Observation?code=http://loinc.org%7C{code}&_summary=count")) for code in codes]
    found = bench.load(requests, 2)
    bench.figures["count_per_s"], bench.figures["counts_per_s"] = found["weight_per_s"], found["per_s"]
    bench.keep_tail("count_per_s", found["all"])
    bench.keep_refused("count", found)
    bench.keep_memory("count")
    bench.server.stop()


def measure_recover(bench):
    """Killed under load, until the first answer after the restart; the slowest of five."""
    bench.fresh_work()
    requests, took = write_requests(bench), []
    for _ in range(5):
        bench.serve()
        path = bench.given.data / "recover.requests"
        with open(path, "wb") as file:
            for kind, follow, weight, raw in requests:
                file.write(packed(kind, follow, weight, raw, bench.server.port))
        load = subprocess.Popen([bench.loader, str(bench.server.port), "64", "600", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(min(10, max(5, bench.seconds)))
        bench.server.stop(signal.SIGKILL)
        load.wait()
        path.unlink()
        bench.serve()
        took.append(bench.server.start_ms)
        say(f"recovered in {took[-1]:.0f} ms")
        bench.server.stop()
    bench.figures["recover_ms"] = max(took)
    bench.figures["tails"]["recover_ms"] = {"p50_ms": sorted(took)[2], "p99_ms": max(took), "p999_ms": max(took), "max_ms": max(took)}


PHASES = {
    "ceilings": measure_ceilings,
    "import": measure_import,
    "start": measure_start,
    "read_audited": measure_read_audited,
    "read": measure_read,
    "everything": measure_everything,
    "search": measure_search,
    "create": measure_create,
    "bundle": measure_bundle,
    "big_bundle": measure_big_bundle,
    "count": measure_count,
    "recover": measure_recover,
}


def load_memory(figures):
    """Of all loads but the bundles', the largest; a bundle's load is beside its own bodies."""
    plain = [mb for phase, mb in figures["memory_mb"].items() if phase not in ("bundle", "big_bundle")]
    if plain:
        figures["load_mb"] = max(plain + [figures["memory_mb"].get("bundle", 0)])
        figures["goals"].setdefault("load_mb", 256)


def run_phase(bench, name, phase):
    """A phase that breaks off leaves its figures unmeasured, and the others are measured all the same."""
    before = dict(bench.figures)
    try:
        phase(bench)
    except (SystemExit, OSError, ValueError, http.client.HTTPException) as why:
        if name == "import":
            raise
        bench.note(f"{name} broke off: {why}")
        if bench.server is not None and bench.server.process.poll() is None:
            bench.server.stop(signal.SIGKILL)
    for key, value in bench.figures.items():
        if isinstance(value, (int, float)) and before.get(key) != value:
            say(f"  {key} {value:,.2f}")


def measure(given, phases):
    bench = Bench(given)
    if "import" not in phases:
        phases = ["import", *phases]
    given.reuse = given.reuse or given.only is not None and (given.data / "import.json").exists()
    began = time.monotonic()
    try:
        for name, phase in PHASES.items():
            if name not in phases:
                continue
            say(f"{name}")
            if name == "start":
                bench.fresh_work()
            elif name in ("read_audited", "read", "everything", "search") and not bench.work.exists():
                bench.fresh_work()
            run_phase(bench, name, phase)
    finally:
        if bench.server is not None and bench.server.process.poll() is None:
            bench.server.stop(signal.SIGKILL)
        shutil.rmtree(bench.work, ignore_errors=True)
    load_memory(bench.figures)
    bench.figures["took_s"] = time.monotonic() - began
    if bench.seconds < 300:
        bench.note(f"shortened: {bench.seconds} s a load; a figure needs 300 s")
    return bench.figures
