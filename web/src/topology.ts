// TopoJSON that is not quantised, as SVG paths; and the projection they are drawn in.
import type { Topology, TopologyObject } from "./region";

export interface Projection {
  x(longitude: number): number;
  y(latitude: number): number;
  longitude(x: number): number;
  latitude(y: number): number;
  width: number;
  height: number;
}

/** Plate carrée with the longitude shrunk at the middle latitude: true enough over two degrees. */
export function projection(box: { west: number; south: number; east: number; north: number }, width: number): Projection {
  const shrink = Math.cos((((box.south + box.north) / 2) * Math.PI) / 180);
  const scale = width / ((box.east - box.west) * shrink);
  return {
    x: (longitude) => (longitude - box.west) * shrink * scale,
    y: (latitude) => (box.north - latitude) * scale,
    longitude: (x) => box.west + x / (shrink * scale),
    latitude: (y) => box.north - y / scale,
    width,
    height: (box.north - box.south) * scale,
  };
}

type Point = [number, number];

/** One ring: arcs end to end, a negative index ~i being arc i backwards; the shared point is kept once. */
function ring(topology: Topology, indices: number[]): Point[] {
  const points: Point[] = [];
  for (const index of indices) {
    const arc = topology.arcs[index < 0 ? ~index : index] ?? [];
    const ordered = index < 0 ? [...arc].reverse() : arc;
    points.push(...(points.length > 0 ? ordered.slice(1) : ordered));
  }
  return points;
}

function rings(topology: Topology, object: TopologyObject): Point[][] {
  if (object.type === "Polygon") return (object.arcs as number[][]).map((indices) => ring(topology, indices));
  if (object.type === "MultiPolygon") return (object.arcs as number[][][]).flatMap((polygon) => polygon.map((indices) => ring(topology, indices)));
  return [];
}

export interface Shape {
  id: string;
  name_ko: string;
  name_en: string;
  path: string;
  middle: Point; // on the drawing
  size: number; // of its box, on the drawing
}

export function shapes(topology: Topology, object: TopologyObject | undefined, to: Projection): Shape[] {
  const members = object?.type === "GeometryCollection" ? (object.geometries ?? []) : object === undefined ? [] : [object];
  return members.map((member) => {
    const all = rings(topology, member).map((points) => points.map(([lon, lat]): Point => [to.x(lon), to.y(lat)]));
    const largest = all.reduce<Point[]>((best, points) => (points.length > best.length ? points : best), []);
    const xs = largest.map(([x]) => x);
    const ys = largest.map(([, y]) => y);
    return {
      id: member.id ?? "",
      name_ko: member.properties?.name_ko ?? "",
      name_en: member.properties?.name_en ?? "",
      path: all.map((points) => `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}Z`).join(""),
      middle: centroid(largest),
      size: Math.min(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)),
    };
  });
}

function centroid(points: Point[]): Point {
  let area = 0, x = 0, y = 0;
  points.forEach((p, i) => {
    const q = points[(i + 1) % points.length] ?? p;
    const cross = p[0] * q[1] - q[0] * p[1];
    area += cross;
    x += (p[0] + q[0]) * cross;
    y += (p[1] + q[1]) * cross;
  });
  return area === 0 ? (points[0] ?? [0, 0]) : [x / (3 * area), y / (3 * area)];
}
