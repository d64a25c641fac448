// A test fixture, not the product: answers with the shapes of docs/api.md and docs/referral.md from memory, so that the
// page's looks can be worked on without the program. Knows no law, no deadline, no triage: its numbers are invented.
//   node test/web/fixture_server.mjs PORT
import { createServer } from "node:http";
import { readFileSync, existsSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const S = "https://fhir.soyang.example";
const rows = (path) => {
  const [head, ...lines] = readFileSync(join(root, path), "utf8").trim().split("\n");
  const cells = (line) => [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((m) => (m[1] ?? m[2]).replaceAll('""', '"'));
  const names = cells(head);
  return lines.map((line) => Object.fromEntries(cells(line).map((cell, i) => [names[i], cell])));
};
const place = (row) => ({ id: row.id, ko: row.name_ko, en: row.name_en || row.name_ko, kind: row.kind, tier: row.tier || undefined, lat: +row.lat, lon: +row.lon });
const names = (...paths) => Object.fromEntries(paths.flatMap(rows).map((row) => [row.code, { ko: row.display_ko, en: row.display_en }]));
const places = rows("regions/gangwon/places.csv").map(place);
const neighbours = rows("regions/gangwon/neighbours.csv").map((row) => ({ ...place(row), neighbour: true }));
const posts = rows("regions/gangwon/posts.csv").map(place);
const controlRoom = { id: "gw-control-room", ko: "강원 광역응급의료상황실", en: "Gangwon emergency control room", kind: "", controlRoom: true };
const outline = JSON.parse(readFileSync(join(root, "regions/gangwon/outline.json"), "utf8"));

const store = new Map(); // "Type/id" -> versions
let counter = 0;
const now = () => new Date().toISOString();
const put = (resource) => {
  const key = `${resource.resourceType}/${resource.id}`;
  const versions = store.get(key) ?? [];
  const saved = { ...resource, meta: { ...resource.meta, versionId: String(versions.length + 1), lastUpdated: now() } };
  store.set(key, [...versions, saved]);
  return saved;
};
const latest = (key) => store.get(key)?.at(-1);
const newId = () => `fixture-${++counter}`;
for (const p of places.filter((p) => p.tier))
  put({ resourceType: "MeasureReport", id: `capacity-${p.id}`, status: "complete", type: "summary", date: new Date(Date.now() - Math.random() * 5e6).toISOString(), reporter: { reference: `Organization/${p.id}` },
    group: [["hvec", 12, 20], ["hv28", 1, 2], ["hvicc", 2, 8], ["hv6", 0, 4], ["hvoc", 3, 6], ["hvgc", -1, 80]].map(([code, free, total]) => ({ code: { coding: [{ system: `${S}/CodeSystem/bed`, code }] }, population: [{ count: free }, { count: total }], measureScore: { value: free } })) });

const value = (name, v) => (typeof v === "boolean" ? { name, valueBoolean: v } : Number.isInteger(v) ? { name, valueInteger: v } : typeof v === "number" ? { name, valueDecimal: v } : { name, valueString: v });
const group = (name, o) => ({ name, part: Object.entries(o).map(([k, v]) => (typeof v === "object" ? { name: k, ...v } : value(k, v))) });
const reading = (human) => [
  value("level", 2), ...(human ? [value("human-level", human)] : []), value("floor-level", 2),
  group("reason", { code: "floor-chest-pain", kind: "floor", ko: "가슴 통증과 식은땀: 급성 관상동맥 증후군이 의심되면 2단계 아래로 두지 않습니다", en: "Chest pain with cold sweat: not below level 2 while an acute coronary syndrome is suspected", source: "CTAS 2016" }),
  group("reason", { code: "news2", kind: "score", ko: "NEWS2 3점(최소): 심박수 96/분, 산소포화도 95 %", en: "NEWS2 3 (at least): heart rate 96 /min, saturation 95 %", source: "Royal College of Physicians 2017" }),
  group("reason", { code: "ecg", kind: "advice", ko: "10분 안에 12유도 심전도", en: "12-lead ECG within 10 minutes", source: "ACC/AHA 2025" }),
  group("score", { name: "news2", total: 3, complete: false, fits: true, missing: "temperature" }), group("score", { name: "qsofa", total: 0, complete: true, fits: true }), group("score", { name: "shock-index", total: { valueDecimal: 0.92 }, complete: true, fits: true }),
  group("need", { code: { valueCoding: { system: `${S}/CodeSystem/need`, code: "Y0010" } }, department: { valueCoding: { code: "01" } }, window: { valueQuantity: { value: 120, code: "min" } }, ko: "가슴 통증이 왼팔로 뻗치고 식은땀", en: "Chest pain spreading to the left arm, cold sweat" }),
  value("extreme", false), value("stay-local", false), value("policy", "fixture"),
];
const km = (a, b) => Math.hypot((a.lat - b.lat) * 111, (a.lon - b.lon) * 88);
function ranking(originId) {
  const origin = [...places, ...posts].find((p) => p.id === originId) ?? posts[0];
  const ranked = places.filter((p) => p.tier).map((p) => ({ p, d: km(origin, p) })).sort((a, b) => a.d - b.d);
  return [
    { name: "reading", part: reading() },
    ...ranked.slice(0, 6).map(({ p, d }, i) => group("option", {
      place: { valueReference: { reference: `Organization/${p.id}`, display: p.ko } }, tier: p.tier, minutes: 8 + d * 1.43 + 0.01, travel: 3 + d * 1.43 + 0.01, distance: d, estimated: true, chance: 0.9 - i * 0.08,
      benefit: 0.9, score: 0.7, ...(i === 3 ? {} : { "board-age": 6.5 + i * 14 }), reason: { part: [value("code", "need"), value("ko", "필요한 심근경색 재관류중재술을 합니다"), value("en", "Does the reperfusion that is needed")] },
    })),
    ...ranked.slice(6, 16).map(({ p }, i) => group("excluded", { place: { valueReference: { reference: `Organization/${p.id}`, display: p.ko } }, code: "no-need", ko: i % 2 ? "필요한 진료를 하지 않습니다" : "나이 제한", en: i % 2 ? "does not offer the care needed" : "age limit" })),
    { name: "decision", valueReference: { reference: "GuidanceResponse/fixture" } }, value("policy", "fixture"),
  ];
}
const ranked = (id) => ranking(id).filter((p) => p.name === "option").map((p) => p.part[0].valueReference);
const state = (code) => ({ coding: [{ system: `${S}/CodeSystem/referral-state`, code }] });
const input = (code, v) => ({ type: { coding: [{ system: `${S}/CodeSystem/task-input`, code }] }, ...v });
const until = (min) => ({ period: { end: new Date(Date.now() + min * 60000).toISOString() } });
const refer = (p) => Object.fromEntries((p ?? []).map((x) => [x.name, x]));

function send(parameters) {
  const given = refer(parameters), requester = given.requester.valueReference;
  const first = given.place?.valueReference ?? ranked(requester.reference.split("/")[1])[0];
  const shared = { status: "requested", intent: "order", code: { coding: [{ system: "http://hl7.org/fhir/CodeSystem/task-code", code: "fulfill" }] }, businessStatus: state("offered"), for: given.patient.valueReference, requester, authoredOn: now(), lastModified: now(), restriction: until(5) };
  const loop = put({ resourceType: "Task", id: newId(), ...shared, owner: first, input: [input("level", { valueInteger: 2 })] });
  const offers = [first, ...ranked(requester.reference.split("/")[1]).slice(1, 2)].map((owner, i) => put({ resourceType: "Task", id: newId(), ...shared, partOf: [{ reference: `Task/${loop.id}` }], owner, input: [input("rank", { valueInteger: i + 1 })] }));
  return [{ name: "loop", resource: loop }, ...offers.map((resource) => ({ name: "offer", resource }))];
}

const business = (task) => task.businessStatus?.coding?.find((c) => c.system?.endsWith("referral-state"))?.code;
function putTask(task) {
  const before = latest(`Task/${task.id}`);
  let code = business(task);
  if (before && task.status === "accepted" && before.status === "requested") code = code === "designated" ? code : "accepted";
  const saved = put({ ...task, businessStatus: state(code), lastModified: now(), restriction: until(15) });
  const loop = saved.partOf ? latest(saved.partOf[0].reference) : saved;
  const offers = [...store.values()].map((v) => v.at(-1)).filter((r) => r.partOf?.[0].reference === `Task/${loop.id}`);
  if (saved.partOf && code === "accepted") {
    put({ ...loop, status: "accepted", businessStatus: state("accepted"), owner: loop.requester, location: { reference: saved.owner.reference.replace("Organization", "Location") }, restriction: until(15), lastModified: now() });
    for (const offer of offers.filter((o) => o.id !== saved.id && o.status === "requested")) put({ ...offer, status: "cancelled", businessStatus: state("withdrawn") });
  }
  if (!saved.partOf && code === "in-care") for (const offer of offers.filter((o) => o.status === "accepted")) put({ ...offer, status: "completed", businessStatus: state("fulfilled") });
  return saved;
}

function search(type, query) {
  const all = [...store.entries()].filter(([key]) => key.startsWith(`${type}/`)).map(([, versions]) => versions.at(-1)).filter((r) => !r.deleted);
  const id = (reference) => reference?.reference;
  const tests = {
    _id: (r, v) => r.id === v, "part-of": (r, v) => id(r.partOf?.[0]) === v, owner: (r, v) => id(r.owner) === v, requester: (r, v) => id(r.requester) === v, status: (r, v) => v.split(",").includes(r.status),
    patient: (r, v) => id(r.subject ?? r.patient ?? r.for) === v, name: (r, v) => r.name?.some((n) => n.text?.startsWith(v)), identifier: (r, v) => r.identifier?.some((i) => i.value === v),
  };
  const found = all.filter((r) => [...query].every(([k, v]) => tests[k] === undefined || tests[k](r, v)));
  const wanted = new Set(query.getAll("_include").flatMap((i) => found.map((r) => (i.endsWith("patient") ? id(r.for) : id(r.partOf?.[0]))).filter(Boolean)));
  return { resourceType: "Bundle", type: "searchset", entry: [...found.map((resource) => ({ resource, search: { mode: "match" } })), ...[...wanted].map(latest).filter(Boolean).map((resource) => ({ resource, search: { mode: "include" } }))] };
}

const outcome = (text) => ({ resourceType: "OperationOutcome", issue: [{ severity: "error", code: "processing", diagnostics: text }] });
function answer(method, path, query, body, ifMatch) {
  const [type, id, history] = path;
  if (method === "POST" && type === undefined) return [200, { resourceType: "Bundle", type: "transaction-response", entry: body.entry.map((e) => { if (e.resource) put(e.resource); else store.delete(e.request.url); return { response: { status: "200" } }; }) }];
  if (method === "POST" && type === "$triage") return [200, { resourceType: "Parameters", parameter: reading(refer(body.parameter)["human-level"]?.valueInteger) }];
  if (method === "POST" && type === "$rank-places") return [200, { resourceType: "Parameters", parameter: ranking(refer(body.parameter).origin.valueReference.reference.split("/")[1]) }];
  if (method === "POST" && type === "$send") return [200, { resourceType: "Parameters", parameter: send(body.parameter) }];
  if (method === "POST") return [201, put({ ...body, id: newId() })];
  if (method === "PUT") {
    const known = latest(`${type}/${id}`);
    if (known && ifMatch !== `W/"${known.meta.versionId}"`) return [412, outcome(`the version is now ${known.meta.versionId}`)];
    return [200, type === "Task" ? putTask(body) : put(body)];
  }
  if (history) return [200, { resourceType: "Bundle", type: "history", entry: [...(store.get(`${type}/${id}`) ?? [])].reverse().map((resource) => ({ resource })) }];
  if (id) return latest(`${type}/${id}`) ? [200, latest(`${type}/${id}`)] : [404, outcome("not found")];
  return [200, search(type, query)];
}

const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
createServer((request, response) => {
  const url = new URL(request.url, "http://local");
  let text = "";
  request.on("data", (chunk) => (text += chunk));
  request.on("end", () => {
    const reply = (status, type, content) => response.writeHead(status, { "Content-Type": type, "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:" }).end(content);
    if (url.pathname === "/region.json")
      return reply(200, "application/json", JSON.stringify({ time: now(), speed: 1, id: "gangwon", names: { ko: "강원특별자치도", en: "Gangwon State" }, outline, places: [...places, ...neighbours, controlRoom], posts,
        needs: names("regions/korea/conditions.csv", "regions/korea/needs-own.csv"), departments: names("regions/korea/departments.csv"), kinds: names("regions/korea/kinds.csv"), tiers: names("regions/korea/tiers.csv"), reasons: names("regions/korea/reasons.csv") }));
    if (url.pathname.startsWith("/fhir")) {
      const [status, body] = answer(request.method, url.pathname.split("/").slice(2).filter(Boolean), url.searchParams, text ? JSON.parse(text) : undefined, request.headers["if-match"]);
      return reply(status, "application/fhir+json", JSON.stringify(body));
    }
    const file = join(root, "web/dist", url.pathname === "/" ? "index.html" : url.pathname);
    return existsSync(file) ? reply(200, types[extname(file)], readFileSync(file)) : reply(404, "text/plain", "");
  });
}).listen(Number(process.argv[2] ?? 8399), "127.0.0.1");
