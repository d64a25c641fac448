// The region as the server tells it at /region.json: outline, places and posts, clock. No patient data.
import { useEffect, useState } from "preact/hooks";
import { readJson } from "./client";
import { nameIn, say } from "./language";
import { setServerClock, setZone } from "./moment";
import { setCodeNames, type CodeFile } from "./tables";

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
}
interface PlaceFile {
  id: string;
  ko: string;
  en?: string;
  kind: string;
  tier?: string | null;
  lat?: number;
  lon?: number;
  neighbour?: boolean;
  controlRoom?: boolean;
}
interface RegionFile extends CodeFile {
  time: string; // the server's
  speed: number; // of its clock
  utcOffsetMinutes?: number; // of the region's own
  id: string;
  names: { ko: string; en?: string };
  outline?: Topology | null;
  places: PlaceFile[];
  posts?: PlaceFile[];
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

const RESYNC_MS = 20000;

let region: Region | undefined;
let byId = new Map<string, Place>();
const listeners = new Set<() => void>();

const placeOf = (file: PlaceFile): Place => ({
  id: file.id, name_ko: file.ko, name_en: file.en, kind: file.kind, tier: file.tier ?? undefined, latitude: file.lat, longitude: file.lon, neighbour: file.neighbour,
  control_room: file.controlRoom,
});

function take(file: RegionFile): void {
  const places = file.places.map(placeOf), posts = (file.posts ?? []).map(placeOf);
  byId = new Map([...places, ...posts].map((place) => [place.id, place]));
  region = {
    id: file.id,
    name_ko: file.names.ko,
    name_en: file.names.en,
    outline: file.outline ?? undefined,
    places: places.filter((place) => !place.control_room),
    posts,
    controlRooms: places.filter((place) => place.control_room),
  };
  setCodeNames(file);
  setZone(file.utcOffsetMinutes);
  setServerClock(Date.parse(file.time), file.speed);
  listeners.forEach((listener) => listener());
}

export async function loadRegion(): Promise<void> {
  take(await readJson<RegionFile>("/region.json"));
}

/** Keeps the clock true: a demonstration's clock skips quiet stretches, and a telephone's own stands still while it sleeps. */
export function keepRegionFresh(): void {
  const look = () => {
    if (!document.hidden) loadRegion().catch(() => undefined); // the screens' own requests tell of a lost server
  };
  setInterval(look, RESYNC_MS);
  document.addEventListener("visibilitychange", look);
}

export const currentRegion = (): Region | undefined => region;
export const findPlace = (id: string | undefined): Place | undefined => (id === undefined ? undefined : byId.get(id));
export const placeName = (id: string | undefined, display?: string): string => {
  const place = findPlace(id);
  if (place !== undefined) return nameIn(place);
  return id?.endsWith("-assumptions") ? say("가정한 값", "an assumption") : (display ?? id ?? "–");
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
