"""`soyang roads`: a small network, written here as OpenStreetMap's PBF, comes out as minutes that were worked out by hand; broken files,
closed roads and weather."""
import csv
import http.server
import json
import math
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "laws"))
import province  # noqa: E402
from province import PROGRAM  # noqa: E402

RADIUS_KM = 6371.0088


def run(*arguments):
    return subprocess.run([PROGRAM, "roads", *map(str, arguments)], capture_output=True, text=True, timeout=60)


# ---- protocol buffers, as osm.pbf needs them (https://wiki.openstreetmap.org/wiki/PBF_Format) ----------------------------------

def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def number(field, value):
    return varint(field << 3) + varint(value)


def block(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def deltas(values):
    out, last = b"", 0
    for value in values:
        out += zigzag(value - last)
        last = value
    return out


def blob(kind, content):
    body = number(2, len(content)) + block(3, zlib.compress(content))
    header = block(1, kind.encode()) + number(3, len(body))
    return struct.pack(">I", len(header)) + header + body


def pbf(nodes, ways):
    """nodes: {id: (lat, lon)}; ways: [(id, [nodes], {tag: value})]."""
    strings = [b""]

    def string(text):
        if text.encode() not in strings:
            strings.append(text.encode())
        return strings.index(text.encode())

    ids = sorted(nodes)
    dense = (block(1, deltas(ids)) + block(8, deltas([round(nodes[i][0] * 1e7) for i in ids])) +
             block(9, deltas([round(nodes[i][1] * 1e7) for i in ids])))
    roads = b"".join(
        block(3, number(1, way) + block(2, b"".join(varint(string(key)) for key in tags)) +
              block(3, b"".join(varint(string(value)) for value in tags.values())) + block(8, deltas(refs)))
        for way, refs, tags in ways)
    table = block(1, b"".join(block(1, text) for text in strings))
    content = table + block(2, block(2, dense)) + block(2, roads)
    return blob("OSMHeader", block(4, b"OsmSchema-V0.6") + block(4, b"DenseNodes")) + blob("OSMData", content)


# ---- the network -------------------------------------------------------------------------------------------------------------
#
#   1 ---- 2 ---- 3        primary, 60 km/h by its sign; 2-3 is one way, from 2 to 3
#   |             |
#   4 ----------- 5        residential (30 km/h assumed); 5-3 service (15)
#                          6 -- 7 apart from all; 8 in the middle of 1-2, no junction
NODES = {1: (37.80, 127.70), 8: (37.80, 127.75), 2: (37.80, 127.80), 3: (37.80, 127.90), 4: (37.75, 127.70), 5: (37.75, 127.90),
         6: (37.20, 127.10), 7: (37.21, 127.10)}
WAYS = [(101, [1, 8, 2], {"highway": "primary", "maxspeed": "60"}),
        (102, [2, 3], {"highway": "primary", "maxspeed": "60", "oneway": "yes"}),
        (103, [1, 4, 5], {"highway": "residential"}),
        (104, [5, 3], {"highway": "service"}),
        (105, [6, 7], {"highway": "primary"}),
        (106, [4, 2], {"highway": "footway"})]


def km(a, b):
    return distance_km(NODES[a], NODES[b])


def distance_km(a, b):
    (lat1, lon1), (lat2, lon2) = [(math.radians(x), math.radians(y)) for x, y in (a, b)]
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * RADIUS_KM * math.asin(math.sqrt(h))


class Roads(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="soyang-roads-"))
        self.source = self.folder / "small.osm.pbf"
        self.graph = self.folder / "small.roads"
        self.source.write_bytes(pbf(NODES, WAYS))

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def import_roads(self):
        done = run("import", self.source, "--out", self.graph)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def minutes(self, a, b, *more):
        done = run("minutes", self.graph, "--from", "%f,%f" % NODES[a], "--to", "%f,%f" % NODES[b], "--json", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["minutes"][0][0]

    def test_what_cannot_be_written_says_why(self):
        self.graph.mkdir()
        done = run("import", self.source, "--out", self.graph)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("Is a directory", done.stderr)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["small.osm.pbf", "small.roads"])

    def test_what_is_imported(self):
        self.assertIn("5 roads, 6 nodes", self.import_roads())
        self.assertIn("2 nodes left out", self.import_roads())
        self.assertIn("sound", run("check", self.graph).stdout)

    def test_minutes_by_hand(self):
        self.import_roads()
        along = (km(1, 8) + km(8, 2)) + km(2, 3)  # at 60 km/h: a minute a kilometre
        around = (km(3, 5)) * 4 + (km(5, 4) + km(4, 1)) * 2  # service at 15, residential at 30
        self.assertAlmostEqual(self.minutes(1, 3), along, delta=0.02)
        self.assertAlmostEqual(self.minutes(3, 1), around, delta=0.02)  # against the one-way street: the long way round
        self.assertEqual(self.minutes(1, 1), 0)
        self.assertAlmostEqual(self.minutes(8, 2), km(8, 2), delta=0.02)  # a stretch of 4 km keeps its node

    def test_weather_and_closures(self):
        self.import_roads()
        dry = self.minutes(1, 3)
        self.assertAlmostEqual(self.minutes(1, 3, "--factor", "1.5"), dry * 1.5, delta=0.02)
        around = km(1, 4) * 2 + km(4, 5) * 2 + km(5, 3) * 4
        self.assertAlmostEqual(self.minutes(1, 3, "--closed", "102"), around, delta=0.02)
        self.assertIsNone(self.minutes(1, 3, "--closed", "102", "--closed", "104"))
        unknown = run("minutes", self.graph, "--from", "37.8,127.7", "--to", "37.8,127.9", "--closed", "999")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("way 999 is no road", unknown.stderr)

    def test_beside_the_road_and_far_from_it(self):
        self.import_roads()
        done = run("minutes", self.graph, "--from", "37.809,127.70", "--to", "37.80,127.80", "--json")
        straight = 0.009 * math.pi / 180 * RADIUS_KM
        self.assertAlmostEqual(json.loads(done.stdout)["minutes"][0][0], km(1, 8) + km(8, 2) + straight * 3, delta=0.02)
        done = run("minutes", self.graph, "--from", "36.0,127.70", "--to", "37.80,127.80", "--json")
        self.assertIsNone(json.loads(done.stdout)["minutes"][0][0])

    def test_many_to_many_agrees_with_one_to_one(self):
        self.import_roads()
        points = [argument for n in (1, 2, 3, 4, 5) for argument in ("--from", "%f,%f" % NODES[n])]
        targets = [argument for n in (1, 2, 3, 4, 5) for argument in ("--to", "%f,%f" % NODES[n])]
        table = json.loads(run("minutes", self.graph, *points, *targets, "--json").stdout)["minutes"]
        for i, a in enumerate((1, 2, 3, 4, 5)):
            for j, b in enumerate((1, 2, 3, 4, 5)):
                self.assertEqual(table[i][j], self.minutes(a, b))

    def test_a_file_cut_anywhere_writes_nothing(self):
        whole = self.source.read_bytes()
        for size in [0, 3, 4, 20, len(whole) // 4, len(whole) // 2, len(whole) * 3 // 4, len(whole) - 1]:
            self.source.write_bytes(whole[:size])
            done = run("import", self.source, "--out", self.graph)
            self.assertEqual(done.returncode, 1, f"{size} bytes: {done.stdout}")
            self.assertIn("small.osm.pbf", done.stderr)
            self.assertEqual(list(self.folder.glob("*.roads*")), [])

    def test_nodes_missing(self):
        self.source.write_bytes(pbf({n: NODES[n] for n in (1, 2)}, WAYS))
        done = run("import", self.source, "--out", self.graph)
        self.assertEqual(done.returncode, 1)
        self.assertIn("are not in it", done.stderr)

    def test_no_roads_and_no_file(self):
        self.source.write_bytes(pbf(NODES, [(1, [1, 2], {"highway": "footway"})]))
        self.assertIn("no road", run("import", self.source, "--out", self.graph).stderr)
        self.assertIn("cannot be opened", run("import", self.folder / "none.osm.pbf", "--out", self.graph).stderr)
        (self.folder / "roads.txt").write_text("x")
        self.assertIn("must end in", run("import", self.folder / "roads.txt", "--out", self.graph).stderr)

    def test_a_damaged_graph_is_refused(self):
        self.import_roads()
        good = self.graph.read_bytes()
        for size in (0, 10, 79, len(good) - 1):
            self.graph.write_bytes(good[:size])
            self.assertEqual(run("check", self.graph).returncode, 1)
        for at in (0, 9, 13, 21, 40, 60, len(good) // 2, len(good) - 1):
            self.graph.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            self.assertEqual(run("check", self.graph).returncode, 1, f"byte {at}")

    def test_bad_options(self):
        self.import_roads()
        for options in (["--from", "37.8", "--to", "37.8,127.9"], ["--from", "97,127", "--to", "37.8,127.9"], ["--to", "37.8,127.9"],
                        ["--from", "37.8,127.7", "--to", "37.8,127.9", "--factor", "-1"],
                        ["--from", "37.8,127.7", "--to", "37.8,127.9", "--closed", "x"]):
            self.assertEqual(run("minutes", self.graph, *options).returncode, 2, options)
        self.assertEqual(run("pave", self.graph).returncode, 2)


class Ranking(unittest.TestCase):
    """The roads of a province of four places: what ranking says of them is what the roads say."""

    def test_ranking_asks_the_roads(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="soyang-roads-"))
        self.addCleanup(shutil.rmtree, folder, True)
        with (province.ROOT / "regions/gangwon/places.csv").open(encoding="utf-8", newline="") as file:
            at = {row["id"]: (float(row["lat"]), float(row["lon"])) for row in csv.DictReader(file) if row["lat"]}
        with (province.ROOT / "regions/gangwon/posts.csv").open(encoding="utf-8", newline="") as file:
            at.update({row["id"]: (float(row["lat"]), float(row["lon"])) for row in csv.DictReader(file) if row["lat"]})
        names = [province.POST, "A2200001", "A2200008", "A2200009"]
        nodes = {number: at[name] for number, name in enumerate(names, 1)}
        # One road from the post to each: 100, 50 and 30 km/h.
        ways = [(201, [1, 2], {"highway": "trunk", "maxspeed": "100"}), (202, [1, 3], {"highway": "trunk", "maxspeed": "50"}),
                (203, [1, 4], {"highway": "residential", "maxspeed": "30"})]
        (folder / "g.osm.pbf").write_bytes(pbf(nodes, ways))
        graph = folder / "g.roads"
        self.assertEqual(run("import", folder / "g.osm.pbf", "--out", graph).returncode, 0)
        server = province.Server(region=province.REGION)
        try:
            self.assertEqual(server.stop(), 0)
            refused = run("table", folder / "none.roads", "--data", server.folder)
            self.assertIn("none.roads", refused.stderr)
            made = run("table", graph, "--data", server.folder)
            self.assertEqual(made.returncode, 0, made.stderr)
            server.options = ["--roads", str(graph)]
            server.start()
            patient = province.new_patient(server.client)
            answer, loop, offers = province.send(server.client, patient, 2)
            self.assertEqual(answer.status, 200, answer)
            decision = next(i["valueReference"]["reference"] for i in loop["input"] if "GuidanceResponse" in str(i.get("valueReference")))
            stored = server.client.get(decision).json
            inputs, outputs = (json.loads(next(e["valueString"] for e in stored["extension"] if e["url"].endswith(kind)))
                               for kind in ("decision-inputs", "decision-outputs"))
            roads = {p["id"]: p["road"] for p in inputs["region"]["places"] if "road" in p}
            for name, kmh in (("A2200001", 100), ("A2200008", 50), ("A2200009", 30)):
                minutes = distance_km(at[province.POST], at[name]) / kmh * 60
                self.assertAlmostEqual(roads[name], minutes, delta=0.2, msg=name)
            told = {o["place"]: o["travel_min"] for o in outputs["options"]}
            self.assertAlmostEqual(told["A2200001"], roads["A2200001"], places=2)
            self.assertAlmostEqual(told["A2200008"], roads["A2200008"], places=2)
            self.assertNotIn("A2200011", roads)  # no road leads there: the model, said as estimated
        finally:
            server.close()


class Service(unittest.TestCase):
    """An OSRM-compatible service, played by a few lines: 3 minutes and a second for each hundredth of a degree."""

    class Osrm(http.server.BaseHTTPRequestHandler):
        answers = "good"
        sizes = []
        cells = {"nowhere": None, "nan": math.nan, "endless": 1e300, "words in cells": "60", "truth": True, "before": -1, "a year": 3e7}

        def do_GET(self):
            path, _, query = self.path.partition("?")
            points = [tuple(map(float, point.split(","))) for point in path.rsplit("/", 1)[1].split(";")]
            query = dict(part.split("=") for part in query.split("&"))
            sources, targets = ([points[int(n)] for n in query[name].split(";")] for name in ("sources", "destinations"))
            self.sizes.append(len(points))
            seconds = [[180 + 100 * (abs(a[0] - b[0]) + abs(a[1] - b[1])) for b in targets] for a in sources]
            if self.answers == "short":
                seconds = seconds[:-1]
            if self.answers in self.cells:
                seconds = [[self.cells[self.answers] for _ in row] for row in seconds]
            if self.answers == "islands":
                seconds = [[None if (i + j) % 2 else cell for j, cell in enumerate(row)] for i, row in enumerate(seconds)]
            body = json.dumps({"code": "Ok" if self.answers != "NoRoute" else "NoRoute", "durations": seconds}).encode() if self.answers != "words" else b"<html>"
            self.send_response({"busy": 503, "elsewhere": 302}.get(self.answers, 200))
            if self.answers == "elsewhere":
                self.send_header("Location", "http://127.0.0.1:9/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="soyang-roads-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        loaded = subprocess.run([PROGRAM, "region", "load", str(province.REGION), "--data", str(self.folder / "data"), "--assumptions"],
                                capture_output=True, text=True)
        self.assertEqual(loaded.returncode, 0, loaded.stderr)
        self.service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.Osrm)
        threading.Thread(target=self.service.serve_forever, daemon=True).start()
        self.addCleanup(self.service.server_close)
        self.addCleanup(self.service.shutdown)
        self.url = f"http://127.0.0.1:{self.service.server_port}"

    def ask(self):
        return run("service", self.url, "--data", self.folder / "data", "--out", self.folder / "g.roads")

    def test_a_table_from_a_service(self):
        self.Osrm.answers = "good"
        done = self.ask()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLessEqual(max(self.Osrm.sizes), 100)
        server = province.Server(folder=str(self.folder / "data"), options=["--roads", str(self.folder / "g.roads")])
        try:
            patient = province.new_patient(server.client)
            answer, loop, _ = province.send(server.client, patient, 2)
            self.assertEqual(answer.status, 200, answer)
            decision = next(i["valueReference"]["reference"] for i in loop["input"] if "GuidanceResponse" in str(i.get("valueReference")))
            extensions = server.client.get(decision).json["extension"]
            places = {p["id"]: p for p in json.loads(next(e["valueString"] for e in extensions if e["url"].endswith("inputs")))["region"]["places"]}
            with (province.ROOT / "regions/gangwon/posts.csv").open(encoding="utf-8", newline="") as file:
                post = next((float(r["lat"]), float(r["lon"])) for r in csv.DictReader(file) if r["id"] == province.POST)
            there, on = places["A2200001"], places["A2200008"]
            self.assertAlmostEqual(there["road_to"]["A2200008"], 3 + 100 / 60 * (abs(there["latitude"] - on["latitude"]) +
                                                                                 abs(there["longitude"] - on["longitude"])), delta=0.06)
            minutes = 3 + 100 / 60 * (abs(there["latitude"] - post[0]) + abs(there["longitude"] - post[1]))
            self.assertAlmostEqual(there["road"], minutes, delta=0.06)
        finally:
            server.stop()

    def test_answers_that_are_none(self):
        for self.Osrm.answers, told in (("short", "no table of"), ("words", ""), ("busy", "HTTP 503")):
            done = self.ask()
            self.assertEqual(done.returncode, 1)
            self.assertIn(told, done.stderr)
            self.assertEqual(list(self.folder.glob("g.*")), [])
        for self.Osrm.answers, told in (("nowhere", "no way between any two"), ("nan", "not JSON"), ("endless", "durations[0][0]"), ("words in cells", "durations[0][0]"),
                                        ("truth", "durations[0][0]"), ("before", "durations[0][0]"), ("a year", "durations[0][0]"), ("NoRoute", "no table"), ("elsewhere", "HTTP 302")):
            with self.subTest(self.Osrm.answers):
                done = self.ask()
                self.assertEqual((done.returncode, list(self.folder.glob("g.*"))), (1, []))
                self.assertIn(told, done.stderr)
        self.Osrm.answers = "islands"
        done = self.ask()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\d+ of \d+ pairs have no way")
        self.service.shutdown()
        self.service.server_close()
        self.assertIn("does not answer", self.ask().stderr)


if __name__ == "__main__":
    unittest.main()
