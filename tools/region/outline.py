#!/usr/bin/env python3
"""Derive the light map outline of a region: its 시군 and its outer edge, as TopoJSON without quantisation.

Borders are cut where three or more borders meet, each piece is kept once (an arc) and thinned once with Douglas and
Peucker's method, so that neighbours stay flush. Standard library only.

    outline.py INPUT.geojson OUTPUT.json SIGUNGU.csv [TOLERANCE_DEGREES]
"""
import csv
import json
import math
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("SOYANG_SHARED", os.path.join(ROOT, "..", "shared"))
DEFAULTS = (
    os.path.join(SHARED, "data", "gangwon", "gangwon_sigungu_2021.geojson"),
    os.path.join(ROOT, "regions", "gangwon", "outline.json"),
    os.path.join(ROOT, "regions", "gangwon", "sigungu.csv"),
)


def polygons_of(geometry):
    return geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]


def open_ring(ring):
    points = [tuple(point) for point in ring]
    return points[:-1] if points[0] == points[-1] else points


def junctions(rings):
    """Points where more than two different border pieces meet."""
    neighbours = {}
    for ring in rings:
        for here, there in zip(ring, ring[1:] + ring[:1]):
            neighbours.setdefault(here, set()).add(there)
            neighbours.setdefault(there, set()).add(here)
    return {point for point, set_ in neighbours.items() if len(set_) > 2}


def pieces(ring, cuts):
    """The ring as consecutive open polylines between junctions (or between two far points when it has none)."""
    marks = [i for i, point in enumerate(ring) if point in cuts]
    if not marks:
        far = max(range(len(ring)), key=lambda i: math.dist(ring[0], ring[i]))
        marks = [0, far]
    for first, last in zip(marks, marks[1:] + [marks[0] + len(ring)]):
        yield [ring[i % len(ring)] for i in range(first, last + 1)]


def distance(point, start, end):
    """Distance of a point from a segment, longitude scaled to the latitude of Gangwon's middle."""
    scale = math.cos(math.radians(37.8))
    ax, ay, bx, by, px, py = start[0] * scale, start[1], end[0] * scale, end[1], point[0] * scale, point[1]
    length = (bx - ax) ** 2 + (by - ay) ** 2
    t = 0.0 if length == 0 else max(0.0, min(1.0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length))
    return math.hypot(px - ax - t * (bx - ax), py - ay - t * (by - ay))


def thin(line, tolerance):
    keep, stack = {0, len(line) - 1}, [(0, len(line) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        middle = max(range(first + 1, last), key=lambda i: distance(line[i], line[first], line[last]))
        if distance(line[middle], line[first], line[last]) > tolerance:
            keep.add(middle)
            stack += [(first, middle), (middle, last)]
    return [line[i] for i in sorted(keep)]


def chain(arc_lines, wanted):
    """Join arcs (by end points) into closed rings of signed arc numbers."""
    left, rings = set(wanted), []
    while left:
        number = left.pop()
        ring, end, start = [number], arc_lines[number][-1], arc_lines[number][0]
        while end != start:
            for other in sorted(left):
                if arc_lines[other][0] == end:
                    ring.append(other)
                    end = arc_lines[other][-1]
                elif arc_lines[other][-1] == end:
                    ring.append(~other)
                    end = arc_lines[other][0]
                else:
                    continue
                left.discard(other)
                break
            else:
                raise SystemExit("outline: the outer edge does not close")
        rings.append(ring)
    return rings


def topology(features, tolerance):
    rings = [open_ring(ring) for f in features for polygon in polygons_of(f["geometry"]) for ring in polygon]
    cuts, numbers, lines, uses, shapes = junctions(rings), {}, [], {}, []
    for feature in features:
        shape = []
        for polygon in polygons_of(feature["geometry"]):
            indices = []
            for ring in polygon:
                members = []
                for line in pieces(open_ring(ring), cuts):
                    forward, backward = tuple(line), tuple(reversed(line))
                    if backward in numbers and forward not in numbers:
                        number, signed = numbers[backward], ~numbers[backward]
                    else:
                        if forward not in numbers:
                            numbers[forward] = len(lines)
                            lines.append(line)
                        number = signed = numbers[forward]
                    uses[number] = uses.get(number, 0) + 1
                    members.append(signed)
                indices.append(members)
            shape.append(indices)
        shapes.append(shape)
    edge = chain(lines, [number for number, count in uses.items() if count == 1])
    arcs = [[[round(x, 4), round(y, 4)] for x, y in thin(line, tolerance)] for line in lines]
    return arcs, shapes, edge


def main(argv):
    source, target, names = argv[1:4] if len(argv) > 3 else DEFAULTS
    tolerance = float(argv[4]) if len(argv) > 4 else 0.0015
    if not os.path.exists(source):
        print("skipped: no ../shared/data/gangwon; outline.json stays as it is")
        return 0
    with open(source, encoding="utf-8") as file:
        features = json.load(file)["features"]
    with open(names, encoding="utf-8", newline="") as file:
        codes = {row["name_ko"]: (row["code"], row["name_en"]) for row in csv.DictReader(file)}
    arcs, shapes, edge = topology(features, tolerance)
    geometries = []
    for feature, shape in zip(features, shapes):
        name = feature["properties"]["sigungu"]
        geometries.append({
            "type": "MultiPolygon", "id": codes[name][0],
            "properties": {"name_ko": name, "name_en": codes[name][1]}, "arcs": shape,
        })
    head = {
        "type": "Topology", "format": "soyang-outline/1",
        "source": "Statistics Korea SGIS 행정구역 2021, through vuski/admdongkor 2021-04; thinned again for a page",
        "licence": "CC BY 4.0 and KOGL type 1",
        "attribution": "경계: 통계청 SGIS · Boundaries: Statistics Korea SGIS",
        "tolerance_degrees": tolerance,
        "bbox": [min(p[0] for a in arcs for p in a), min(p[1] for a in arcs for p in a),
                 max(p[0] for a in arcs for p in a), max(p[1] for a in arcs for p in a)],
        "objects": {
            "region": {"type": "MultiPolygon", "arcs": [[ring] for ring in edge]},
            "sigungu": {"type": "GeometryCollection", "geometries": geometries},
        },
    }
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    body = ",\n".join(json.dumps(arc, separators=(",", ":")) for arc in arcs)
    with open(target, "w", encoding="utf-8") as file:
        file.write(text[:-1].replace(',"objects":', ',\n"objects":') + ',\n"arcs":[\n' + body + "\n]}\n")
    print(f"wrote {os.path.relpath(target, ROOT)}: {os.path.getsize(target)} bytes, {len(arcs)} arcs, {sum(map(len, arcs))} points")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
