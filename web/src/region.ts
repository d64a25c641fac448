// The region as the server tells it at /region.json: outline, places and posts, clock. No patient data.
import { useEffect, useState } from "preact/hooks";
import { readJson } from "./client";
import { nameIn } from "./language";
import { setServerClock } from "./moment";

export interface Topology {
  arcs: [number, number][][];
  objects: Record<string, TopologyObject>;
  bbox?: number[];
  attribution?: string;
}
export interface TopologyObject {
  type: string;
  id?: string;
  arcs?: unknown;
  properties?: { name_ko?: string; name_en?: string };
  geometries?: TopologyObject[];
}
export interface Place {
  id: string;
  name_ko: string;
  name_en?: string;
  kind: string;
  tier?: string;
  latitude?: number;
  longitude?: number;
  neighbour?: boolean;
  control_room?: boolean;
  sigungu?: string;
}
interface RegionFile {
  id: string;
  name_ko: string;
  name_en?: string;
  outline?: Topology | null;
  places: Place[];
  posts?: Place[];
  control_room?: string;
  serverTime?: string;
  clock?: { speed?: number };
}
export interface Region {
  id: string;
  name_ko: string;
  name_en?: string;
  outline: Topology | undefined;
  places: Place[]; // hospitals, neighbours' too
  posts: Place[]; // public health posts
  controlRooms: Place[];
}

const POST_KINDS = new Set(["71", "72", "73", "74", "75"]);
const RESYNC_MS = 20000;

let region: Region | undefined;
let byId = new Map<string, Place>();
const listeners = new Set<() => void>();

function take(file: RegionFile): void {
  const all = [...file.places, ...(file.posts ?? [])];
  byId = new Map(all.map((place) => [place.id, place]));
  const isControlRoom = (place: Place) => place.control_room === true || place.id === file.control_room;
  const isPost = (place: Place) => POST_KINDS.has(place.kind) && !place.tier;
  const unique = [...byId.values()];
  region = {
    id: file.id,
    name_ko: file.name_ko,
    name_en: file.name_en,
    outline: file.outline ?? undefined,
    places: unique.filter((place) => !isPost(place) && !isControlRoom(place)),
    posts: unique.filter(isPost),
    controlRooms: unique.filter(isControlRoom),
  };
  if (file.serverTime !== undefined) setServerClock(Date.parse(file.serverTime), file.clock?.speed ?? 1);
  listeners.forEach((listener) => listener());
}

export async function loadRegion(): Promise<void> {
  take(await readJson<RegionFile>("/region.json"));
}

/** Keeps the clock true: a demonstration's clock skips quiet stretches. */
export function keepRegionFresh(): void {
  setInterval(() => {
    if (!document.hidden) loadRegion().catch(() => undefined); // the screens' own requests tell of a lost server
  }, RESYNC_MS);
}

export const currentRegion = (): Region | undefined => region;
export const findPlace = (id: string | undefined): Place | undefined => (id === undefined ? undefined : byId.get(id));
export const placeName = (id: string | undefined, display?: string): string => {
  const place = findPlace(id);
  return place === undefined ? (display ?? id ?? "–") : nameIn(place);
};

export function useRegion(): Region | undefined {
  const [, draw] = useState(0);
  useEffect(() => {
    const listener = () => draw((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return region;
}
