// What is searched: published R4 examples of every type and some Synthea patients, as resources with ids of their own, so
// that they can be stored by PUT and nothing about them comes from the program.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { root } from "./program.mjs";

const shared = process.env.SOYANG_SHARED || path.join(root, "../shared");
export const definitions = path.join(root, "build/deps/fhir/package");
export const synthea = path.join(shared, "data/fhir/synthea");

// Stored, these would change what the program finds or refuses, or they are the program's own business.
const kept_out = new Set(["SearchParameter", "StructureDefinition", "CodeSystem", "ValueSet", "ConceptMap", "Subscription", "Task", "AuditEvent", "OperationDefinition"]);

function invalid_files() {
  const lines = fs.readFileSync(path.join(root, "test/cases/fhir/invalid-examples.tsv"), "utf8").split("\n");
  return new Set(lines.filter((line) => line && !line.startsWith("#")).map((line) => line.split("\t")[0]));
}

/** At most so many examples of a type, the smallest first. */
export function examples(each) {
  const invalid = invalid_files();
  const files = fs.readdirSync(definitions).filter((name) => /^[A-Z]\w+-.*\.json$/.test(name) && !invalid.has(name) && !kept_out.has(name.split("-")[0]));
  const sized = files.map((name) => ({ name, size: fs.statSync(path.join(definitions, name)).size })).sort((a, b) => a.size - b.size || (a.name < b.name ? -1 : 1));
  const count = new Map();
  const list = [];
  for (const { name } of sized) {
    const type = name.split("-")[0];
    if ((count.get(type) ?? 0) >= each) continue;
    const resource = JSON.parse(fs.readFileSync(path.join(definitions, name), "utf8"));
    if (resource.resourceType !== type || !resource.id) continue;
    count.set(type, (count.get(type) ?? 0) + 1);
    list.push(resource);
  }
  return list;
}

function read_bundle(name) {
  const text = execFileSync("bzip2", ["-dc", path.join(synthea, name)], { maxBuffer: 1 << 28 }).toString();
  return JSON.parse(text).entry;
}

/** Replaces what a transaction would replace: urn:uuid: and conditional references. */
function rewrite(node, places) {
  if (Array.isArray(node)) node.forEach((item) => rewrite(item, places));
  else if (node && typeof node === "object") {
    for (const [name, value] of Object.entries(node)) {
      if (name === "reference" && typeof value === "string" && places.has(value)) node[name] = places.get(value);
      else rewrite(value, places);
    }
  }
}

/** The two bundles of places and staff, and so many of the smallest patients. */
export function patients(count) {
  if (!fs.existsSync(synthea)) return [];
  const names = fs.readdirSync(synthea).filter((name) => name.endsWith(".json.bz2"));
  const ground = names.filter((name) => /hospital|practitioner/.test(name)).sort();
  const size = (name) => fs.statSync(path.join(synthea, name)).size;
  const people = names.filter((name) => !ground.includes(name)).sort((a, b) => size(a) - size(b) || (a < b ? -1 : 1));
  const entries = [...ground, ...people.slice(0, count)].flatMap(read_bundle);
  const places = new Map();
  for (const { fullUrl, resource } of entries) {
    const place = `${resource.resourceType}/${resource.id}`;
    places.set(fullUrl, place);
    for (const identifier of resource.identifier ?? []) places.set(`${resource.resourceType}?identifier=${identifier.system}|${identifier.value}`, place);
  }
  entries.forEach(({ resource }) => rewrite(resource, places));
  return entries.map(({ resource }) => resource);
}

/** Stores all by batches of PUT. A resource that is refused is a fault of the program or of the corpus. */
export async function store(program, resources) {
  for (let at = 0; at < resources.length; at += 400) {
    const part = resources.slice(at, at + 400);
    const entry = part.map((resource) => ({ resource, request: { method: "PUT", url: `${resource.resourceType}/${resource.id}` } }));
    const { status, body } = await program.post({ resourceType: "Bundle", type: "batch", entry });
    if (status !== 200) throw new Error(`a batch was answered ${status}: ${JSON.stringify(body).slice(0, 800)}`);
    body.entry.forEach((answer, i) => {
      if (!/^20[01]/.test(answer.response.status)) {
        const why = JSON.stringify(answer.response.outcome ?? answer.resource ?? "").slice(0, 500);
        throw new Error(`PUT ${part[i].resourceType}/${part[i].id} was answered ${answer.response.status}: ${why}`);
      }
    });
  }
}
