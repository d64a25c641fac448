// The region as a drawing: outline, places by tier, posts, ranked options with numbers, a referral's way there and back.
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { nameIn, say } from "../language";
import { currentRegion, findPlace, type Place, type Region } from "../region";
import { kindName, tierName } from "../tables";
import { projection, shapes, type Projection, type Shape } from "../topology";

export interface MapMarks {
  origin?: string; // id of a place
  destination?: string;
  numbered?: { place: string; rank: number; isChosen?: boolean }[];
  asked?: string[]; // drawn as thin ways
  ways?: { id: string; origin: string; destination: string; level: number; isMoving: boolean }[]; // many referrals at once
}
interface View { x: number; y: number; width: number } // of the drawing; the height follows from the element
interface Size { width: number; height: number } // of the element, CSS pixels

const WIDTH = 1000;
const ZOOM_MAX = 14;
const tierRank = (place: Place): number => ["regional-centre", "local-centre", "local-institution", "reported"].indexOf(place.tier ?? "") + 1;
const clamp = (value: number, low: number, high: number): number => (high < low ? (low + high) / 2 : Math.max(low, Math.min(high, value)));

type Point = [number, number];
type Drawing = { to: Projection; areas: Shape[]; home: Point[] };

/** Shapes only change with the region. `home`: the corners of the region itself, without its neighbours. */
function useDrawing(region: Region | undefined): Drawing | undefined {
  const outline = region?.outline;
  const count = (region?.places.length ?? 0) + (region?.posts.length ?? 0);
  return useMemo(() => {
    if (region === undefined || count === 0) return undefined;
    const placed = (places: Place[]) => places.flatMap((p): Point[] => (p.longitude === undefined || p.latitude === undefined ? [] : [[p.longitude, p.latitude]]));
    const own: Point[] = outline?.arcs.flat() ?? placed([...region.places.filter((p) => !p.neighbour), ...region.posts]);
    const all = [...own, ...placed(region.places)];
    const box = (points: Point[], pad: number) => ({
      west: Math.min(...points.map(([lon]) => lon)) - pad, east: Math.max(...points.map(([lon]) => lon)) + pad,
      south: Math.min(...points.map(([, lat]) => lat)) - pad, north: Math.max(...points.map(([, lat]) => lat)) + pad,
    });
    const to = projection(box(all, 0.12), WIDTH), home = box(own, 0.05);
    return { to, areas: outline === undefined ? [] : shapes(outline, outline.objects.sigungu, to), home: [[to.x(home.west), to.y(home.north)], [to.x(home.east), to.y(home.south)]] };
  }, [region?.id, count, outline?.arcs.length]);
}

const at = (to: Projection, place: Place | undefined): Point | undefined =>
  place?.longitude === undefined || place.latitude === undefined ? undefined : [to.x(place.longitude), to.y(place.latitude)];

/** A view of the element's proportions that holds all points. */
function viewOver(points: Point[], size: Size, pad: number): View {
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const west = Math.min(...xs), east = Math.max(...xs), north = Math.min(...ys), south = Math.max(...ys);
  const width = Math.max((east - west) * pad, ((south - north) * pad * size.width) / size.height, WIDTH / ZOOM_MAX);
  return { x: (west + east) / 2 - width / 2, y: (north + south) / 2 - (width * size.height) / size.width / 2, width };
}

function fit(drawing: Drawing, marks: MapMarks, size: Size): View {
  const ids = [marks.origin, marks.destination, ...(marks.numbered ?? []).map((n) => n.place)].filter((id): id is string => id !== undefined);
  const points = ids.flatMap((id) => { const p = at(drawing.to, findPlace(id)); return p === undefined ? [] : [p]; });
  return points.length < 2 ? viewOver(drawing.home, size, 1) : viewOver(points, size, 1.45);
}

function useSize(): [(element: HTMLElement | null) => void, Size] {
  const [size, setSize] = useState<Size>({ width: 600, height: 500 });
  const observer = useRef<ResizeObserver | undefined>(undefined);
  const watch = useCallback((element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (element === null) return;
    const measure = () => { const box = element.getBoundingClientRect(); if (box.width > 0) setSize({ width: box.width, height: box.height }); };
    observer.current = new ResizeObserver(measure);
    observer.current.observe(element);
    measure();
  }, []);
  return [watch, size];
}

function useView(drawing: Drawing | undefined, marks: MapMarks, size: Size) {
  const key = JSON.stringify([drawing?.to.height, marks.origin, marks.destination, marks.numbered?.map((n) => n.place)]);
  const [state, setState] = useState<{ key: string; view: View }>();
  const fitted = useMemo(() => (drawing === undefined ? { x: 0, y: 0, width: WIDTH } : fit(drawing, marks, size)), [key, size.width, size.height]);
  const view = state?.key === key ? state.view : fitted;
  const tall = drawing?.to.height ?? WIDTH;
  const widest = Math.max(WIDTH, (tall * size.width) / size.height);
  const set = (next: View) => {
    const width = clamp(next.width, WIDTH / ZOOM_MAX, widest), height = (width * size.height) / size.width;
    setState({ key, view: { width, x: clamp(next.x, Math.min(0, WIDTH - width), Math.max(0, WIDTH - width)), y: clamp(next.y, Math.min(0, tall - height), Math.max(0, tall - height)) } });
  };
  const zoom = (factor: number, fx = 0.5, fy = 0.5) => {
    const width = clamp(view.width * factor, WIDTH / ZOOM_MAX, widest), grown = view.width - width;
    set({ width, x: view.x + grown * fx, y: view.y + ((grown * size.height) / size.width) * fy });
  };
  return { view, set, zoom, reset: () => setState(undefined) };
}

export function MapView({ marks = {}, onPick, tall }: { marks?: MapMarks; onPick?: (place: Place) => void; tall?: boolean }) {
  const region = currentRegion();
  const drawing = useDrawing(region);
  const [watch, size] = useSize();
  const { view, set, zoom, reset } = useView(drawing, marks, size);
  const [shown, setShown] = useState<Place>();
  const svg = useRef<SVGSVGElement>(null);
  const drag = useRef<{ x: number; y: number; view: View; moved: boolean } | undefined>(undefined);
  const live = useRef({ zoom });
  live.current.zoom = zoom;

  useEffect(() => {
    const element = svg.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey && !tall) return; // a page that scrolls past a small map goes on scrolling
      event.preventDefault();
      const box = element.getBoundingClientRect();
      live.current.zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [drawing === undefined, tall]);

  if (region === undefined || drawing === undefined) return <div class="map map-empty">{say("지도 자료가 없습니다", "no map data")}</div>;
  const { to, areas } = drawing;
  const k = view.width / size.width; // drawing units a CSS pixel: keeps marks and words the same size
  const height = (view.width * size.height) / size.width;

  const onDown = (event: PointerEvent) => { drag.current = { x: event.clientX, y: event.clientY, view, moved: false }; };
  const onMove = (event: PointerEvent) => {
    const from = drag.current, element = svg.current;
    if (from === undefined || element === null) return;
    const dx = event.clientX - from.x, dy = event.clientY - from.y;
    if (!from.moved && Math.hypot(dx, dy) < 5) return;
    if (!from.moved) element.setPointerCapture(event.pointerId);
    from.moved = true;
    const scale = from.view.width / element.getBoundingClientRect().width;
    set({ ...from.view, x: from.view.x - dx * scale, y: from.view.y - dy * scale });
  };
  const onUp = () => { window.setTimeout(() => { drag.current = undefined; }, 0); };
  const onKey = (event: KeyboardEvent) => {
    const step = view.width / 8;
    const moves: Record<string, () => void> = {
      "+": () => zoom(1 / 1.4), "=": () => zoom(1 / 1.4), "-": () => zoom(1.4), "0": reset,
      ArrowLeft: () => set({ ...view, x: view.x - step }), ArrowRight: () => set({ ...view, x: view.x + step }),
      ArrowUp: () => set({ ...view, y: view.y - step }), ArrowDown: () => set({ ...view, y: view.y + step }),
    };
    if (moves[event.key] === undefined) return;
    moves[event.key]?.();
    event.preventDefault();
  };
  const pick = (place: Place) => {
    if (drag.current?.moved) return;
    setShown(place);
    onPick?.(place);
  };

  return (
    <figure class={`map ${tall ? "map-tall" : ""}`}>
      <div class="map-frame" ref={watch}>
      <svg ref={svg} viewBox={`${view.x} ${view.y} ${view.width} ${height}`} role="application" tabIndex={0} aria-label={say(`${region.name_ko} 지도. 화살표로 움직이고 +, −로 키우고 줄입니다.`, `Map of ${region.name_en ?? region.name_ko}. Arrows move, + and − zoom.`)}
        onPointerDown={onDown} onPointerMove={onMove} onPointerUp={onUp} onPointerCancel={onUp} onKeyDown={onKey}>
        <g class="map-areas">{areas.map((area) => <path key={area.id} d={area.path} stroke-width={1.1 * k} />)}</g>
        <g class="map-area-names" aria-hidden="true">
          {areas.filter((area) => area.size / k > 46).map((area) => <text key={area.id} x={area.middle[0]} y={area.middle[1]} font-size={12.5 * k}>{nameIn(area).replace(/-(gun|si)$/, "")}</text>)}
        </g>
        <g class="map-posts">{region.posts.map((place) => <Dot key={place.id} place={place} to={to} k={k} onPick={pick} />)}</g>
        <g class="map-places">
          {[...region.places].sort((a, b) => (tierRank(b) || 9) - (tierRank(a) || 9)).map((place) => <Dot key={place.id} place={place} to={to} k={k} onPick={pick} />)}
        </g>
        <Ways marks={marks} to={to} k={k} />
        <PlaceNames region={region} marks={marks} to={to} k={k} view={view} zoom={(to.width / view.width) * (size.width > 700 ? 1.6 : 1)} />
      </svg>
      </div>
      <div class="map-tools">
        <button type="button" onClick={() => zoom(1 / 1.5)} aria-label={say("크게", "zoom in")}>+</button>
        <button type="button" onClick={() => zoom(1.5)} aria-label={say("작게", "zoom out")}>−</button>
        <button type="button" onClick={reset} aria-label={say("처음 보기", "first view")}>⤢</button>
      </div>
      {shown && (
        <div class="map-card" role="status">
          <button type="button" class="plain" onClick={() => setShown(undefined)} aria-label={say("닫기", "close")}>✕</button>
          <strong>{nameIn(shown)}</strong>
          <span>{[shown.tier ? tierName(shown.tier) : "", kindName(shown.kind), shown.neighbour ? say("이웃 시·도", "neighbouring province") : ""].filter(Boolean).join(" · ")}</span>
        </div>
      )}
      <figcaption>
        <Legend />
        <small>{region.outline?.attribution}</small>
      </figcaption>
    </figure>
  );
}

const SIZES = [2.4, 9, 7.5, 6.5, 5.5]; // by tier; posts and places without an emergency department are dots

function Dot({ place, to, k, onPick }: { place: Place; to: Projection; k: number; onPick: (place: Place) => void }) {
  const point = at(to, place);
  if (point === undefined) return null;
  const rank = tierRank(place);
  const size = (SIZES[rank] ?? 3) * k;
  const kind = rank > 0 ? `tier-${rank}` : ["71", "72", "73", "74", "75"].includes(place.kind) ? "post" : "ward";
  return (
    <g class={`dot dot-${kind} ${place.neighbour ? "dot-neighbour" : ""}`} data-place={place.id} onClick={() => onPick(place)}>
      <title>{nameIn(place)}</title>
      <circle class="dot-reach" cx={point[0]} cy={point[1]} r={Math.max(size, 9 * k)} />
      <Shape rank={rank} x={point[0]} y={point[1]} size={kind === "ward" ? 3.2 * k : size} width={1.6 * k} />
    </g>
  );
}

/** A shape for each tier, so that no tier is told by colour alone. */
function Shape({ rank, x, y, size, width }: { rank: number; x: number; y: number; size: number; width: number }) {
  if (rank === 1) {
    const cross = size * 0.55, arm = size * 0.17;
    return (
      <>
        <rect class="dot-body" x={x - size} y={y - size} width={2 * size} height={2 * size} rx={size * 0.35} stroke-width={width} />
        <path class="dot-cross" d={`M${x - arm} ${y - cross}h${2 * arm}v${cross - arm}h${cross - arm}v${2 * arm}h${arm - cross}v${cross - arm}h${-2 * arm}v${arm - cross}h${arm - cross}v${-2 * arm}h${cross - arm}z`} />
      </>
    );
  }
  if (rank === 2) return <rect class="dot-body" x={x - size * 0.85} y={y - size * 0.85} width={size * 1.7} height={size * 1.7} rx={size * 0.2} stroke-width={width} />;
  if (rank === 3) return <path class="dot-body" d={`M${x} ${y - size}L${x + size} ${y + size * 0.8}H${x - size}Z`} stroke-width={width} stroke-linejoin="round" />;
  if (rank === 4) return <path class="dot-body" d={`M${x} ${y - size}L${x + size} ${y}L${x} ${y + size}L${x - size} ${y}Z`} stroke-width={width} />;
  return <circle class="dot-body" cx={x} cy={y} r={size} stroke-width={width * 0.6} />;
}

function Ways({ marks, to, k }: { marks: MapMarks; to: Projection; k: number }) {
  const origin = at(to, findPlace(marks.origin));
  const destination = at(to, findPlace(marks.destination));
  const bend = (a: [number, number], b: [number, number]) => `M${a[0]} ${a[1]}Q${(a[0] + b[0]) / 2 + (b[1] - a[1]) * 0.12} ${(a[1] + b[1]) / 2 - (b[0] - a[0]) * 0.12} ${b[0]} ${b[1]}`;
  return (
    <g class="map-ways">
      {origin && (marks.asked ?? []).filter((id) => id !== marks.destination).map((id) => {
        const point = at(to, findPlace(id));
        return point && <path key={id} class="way way-asked" d={bend(origin, point)} stroke-width={1.6 * k} stroke-dasharray={`${4 * k} ${4 * k}`} />;
      })}
      {(marks.ways ?? []).map((way) => {
        const from = at(to, findPlace(way.origin)), end = at(to, findPlace(way.destination));
        return from && end && (
          <g key={way.id} class={way.isMoving ? "way-moving" : "way-still"}>
            <path class="way" d={bend(from, end)} stroke-width={(way.isMoving ? 3 : 2) * k} stroke-dasharray={way.isMoving ? undefined : `${5 * k} ${5 * k}`} />
            <circle class="way-level" cx={from[0]} cy={from[1]} r={10 * k} stroke-width={2 * k} /><text x={from[0]} y={from[1] + 4.5 * k} font-size={13 * k}>{way.level || "?"}</text>
          </g>
        );
      })}
      {origin && destination && <path class="way" d={bend(origin, destination)} stroke-width={4 * k} />}
      {destination && <circle class="way-end" cx={destination[0]} cy={destination[1]} r={17 * k} stroke-width={3 * k} />}
      {origin && <circle class="way-start" cx={origin[0]} cy={origin[1]} r={7 * k} stroke-width={3 * k} />}
      {[...(marks.numbered ?? [])].reverse().map(({ place, rank, isChosen }) => {
        const point = at(to, findPlace(place));
        return point && (
          <g key={place} class={`pin ${isChosen ? "pin-chosen" : ""}`}>
            <circle cx={point[0]} cy={point[1] - 16 * k} r={12 * k} stroke-width={2 * k} />
            <text x={point[0]} y={point[1] - 11.2 * k} font-size={14 * k}>{rank}</text>
          </g>
        );
      })}
    </g>
  );
}

/** Names of what matters most, first come first served: a name that would lie on another is left out. */
function PlaceNames({ region, marks, to, k, view, zoom }: { region: Region; marks: MapMarks; to: Projection; k: number; view: View; zoom: number }) {
  const special = new Set([marks.origin, marks.destination, ...(marks.numbered ?? []).map((n) => n.place)]);
  const wanted = [...region.places, ...region.posts]
    .filter((place) => special.has(place.id) || (tierRank(place) > 0 && tierRank(place) <= (zoom > 4.5 ? 4 : zoom > 3 ? 3 : zoom > 1.8 ? 2 : 1)) || (zoom > 8 && !special.size))
    .sort((a, b) => (special.has(a.id) ? 0 : tierRank(a) || 9) - (special.has(b.id) ? 0 : tierRank(b) || 9));
  const taken: { x: number; y: number; w: number; h: number }[] = [];
  const placed: { id: string; x: number; y: number; text: string; strong: boolean }[] = [];
  for (const place of wanted) {
    const point = at(to, place);
    const text = shortName(nameIn(place));
    if (point === undefined || point[0] < view.x || point[0] > view.x + view.width) continue;
    const w = [...text].reduce((sum, c) => sum + (c.charCodeAt(0) > 0x2000 ? 12 : 7), 0) * k, h = 17 * k;
    const offset = tierRank(place) === 1 ? 26 : 21;
    const x = clamp(point[0], view.x + w / 2 + 4 * k, view.x + view.width - w / 2 - 4 * k);
    const spot = [point[1] + offset * k, point[1] - (special.has(place.id) ? 34 : 15) * k].find((y) =>
      taken.every((t) => x + w / 2 < t.x || x - w / 2 > t.x + t.w || y < t.y || y - h > t.y + t.h));
    if (spot === undefined) continue;
    taken.push({ x: x - w / 2, y: spot - h, w, h });
    placed.push({ id: place.id, x, y: spot, text, strong: special.has(place.id) });
  }
  return (
    <g class="map-names" aria-hidden="true">
      {placed.map((name) => <text key={name.id} x={name.x} y={name.y} font-size={12.5 * k} stroke-width={3.2 * k} class={name.strong ? "is-strong" : ""}>{name.text}</text>)}
    </g>
  );
}
const NAME_MAX = 32;
/** What people call a place: without the legal body in front of it. */
function shortName(name: string): string {
  const bare = name
    .replace(/^(의료법인 ?|\(의\) ?|강원특별자치도 ?|강원도 ?|근로복지공단 |연세대학교 |가톨릭대학교 |고려대학교 )+/, "").replace(/^\S+의료재단 /, "").replace(/ \(.*\)$/, "")
    .replace(/^(The Catholic University of Korea|Hallym University|Korea University|Seoul National University|Kangwon National University) (?=\S+ .*Hospital|\S+ Hospital)/, "");
  return bare.length > NAME_MAX ? `${bare.slice(0, NAME_MAX - 1)}…` : bare;
}

function Legend() {
  const rows: [number, string][] = [
    [1, tierName("regional-centre")], [2, tierName("local-centre")], [3, tierName("local-institution")], [4, tierName("reported")],
  ];
  return (
    <ul class="map-legend" aria-label={say("범례", "legend")}>
      {rows.map(([rank, text]) => (
        <li key={rank}><svg viewBox="0 0 22 22" class={`dot dot-tier-${rank}`} aria-hidden="true"><Shape rank={rank} x={11} y={11} size={8} width={1.2} /></svg>{text}</li>
      ))}
      <li><svg viewBox="0 0 22 22" class="dot dot-ward" aria-hidden="true"><circle class="dot-body" cx="11" cy="11" r="5" /></svg>{say("그 밖의 병원", "Other hospital")}</li>
      <li><svg viewBox="0 0 22 22" class="dot dot-post" aria-hidden="true"><circle class="dot-body" cx="11" cy="11" r="4" /></svg>{say("보건기관", "Health post")}</li>
    </ul>
  );
}

