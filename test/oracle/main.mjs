import { examples, patients, store } from "./corpus.mjs";
import { parameters_of, read_compartments } from "./extract.mjs";
import { Filters } from "./filters.mjs";
import { Program } from "./program.mjs";
import { compare, Drawer, place, Subject } from "./queries.mjs";
import { Random } from "./random.mjs";
import { forms_of } from "./forms.mjs";
import { Terms } from "./terms.mjs";
import { Words } from "./words.mjs";

const options = { patients: 4, examples: 6, queries: 1800, seed: 20260101, all: false, verbose: false };
for (let i = 2; i < process.argv.length; i++) {
  const name = process.argv[i].slice(2);
  options[name] = typeof options[name] === "boolean" ? true : Number(process.argv[++i]);
}

const started = Date.now();
const say = (text) => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);

// ---- drawing --------------------------------------------------------------------------------------------------------

// What few parameters' values have: drawn from those only.
const seldom = new Set(["of_type", "in", "not_in", "below", "above", "identifier"]);

/** Every kind of parameter with every form equally often, whatever the data has most of; --all: all of each. */
function draw(drawer, subjects, random, by_type_of_resource) {
  const queries = new Map();
  const add = (query) => query && queries.set(query.text, query);
  const held = subjects.filter((subject) => subject.holders.length > 0);
  const by_form = new Map();
  for (const subject of held) {
    for (const name of subject.form_names.filter((name) => !seldom.has(name) || subject.can(name))) {
      const key = `${subject.parameter.kind} ${name}`;
      by_form.set(key, [...(by_form.get(key) ?? []), [subject, name]]);
    }
  }
  if (options.all) held.forEach((subject) => subject.form_names.forEach((name) => [1, 2].forEach(() => add(drawer.single(subject, name)))));
  const types = [...drawer.by_type.keys()];
  const leading = drawer.references.map((s) => s.parameter.type), led_to = drawer.references.flatMap((s) => s.holders.flatMap((r) => s.rows(r).map((row) => row.type))).filter((type) => drawer.by_type.has(type));
  const filters = new Filters(drawer), words = new Words(drawer, by_type_of_resource), compartments = read_compartments();
  const ways = [
    ...[...by_form.values()].map((list) => () => drawer.single(...random.pick(list))),
    ...[...by_form.values()].map((list) => () => drawer.or(...random.pick(list))),
    ...Array(6).fill(() => drawer.and(random.pick(types))),
    ...Array(6).fill(() => drawer.chain(random.pick(leading), 1)),
    ...Array(3).fill(() => drawer.chain(random.pick(leading), 2)),
    ...Array(6).fill(() => drawer.has(random.pick(led_to), 1)),
    ...Array(2).fill(() => drawer.has(random.pick(led_to), 2)),
    ...Array(4).fill(() => drawer.include(random.pick(leading))),
    ...Array(4).fill(() => drawer.revinclude(random.pick(led_to))),
    ...Array(4).fill(() => drawer.include_far(random.pick(leading))),
    ...Array(6).fill(() => drawer.sort(random.pick(types))),
    ...Array(8).fill(() => filters.query(random.pick(types))),
    ...Array(4).fill(() => drawer.compartment(random.pick(compartments))),
    ...Array(5).fill(() => words.query(random.pick(types))),
  ];
  for (let i = 0, idle = 0; queries.size < options.queries && idle < 5000; i++) {
    const before = queries.size;
    add(ways[i % ways.length]());
    idle = queries.size === before ? idle + 1 : 0;
  }
  return [...queries.values()];
}

// ---- comparing ------------------------------------------------------------------------------------------------------

const some = (list) => `${list.slice(0, 3).join(" ")}${list.length > 3 ? ` and ${list.length - 3} more` : ""}`;

function differences(expected, open, got, what) {
  const missing = [...expected].filter((id) => !got.has(id));
  const extra = [...got].filter((id) => !expected.has(id) && !open.has(id));
  return [...(missing.length ? [`${what} not found: ${some(missing)}`] : []), ...(extra.length ? [`${what} too many: ${some(extra)}`] : [])];
}

/** Less than zero: a stands before b. Those without a key come last, either way. */
function order_of(sorts, a, b) {
  for (const { key, is_descending, written } of sorts) {
    const [x, y] = [key(a), key(b)];
    const order = x === undefined || y === undefined ? (x === undefined) - (y === undefined) : is_descending ? compare(y, x) : compare(x, y);
    if (order !== 0 || written(a) !== written(b)) return order;
  }
  return 0;
}

function order_differences(sorts, found) {
  const clear = found.filter((resource) => sorts.every(({ key }) => key(resource) !== null));
  const at = clear.findIndex((resource, i) => i > 0 && order_of(sorts, clear[i - 1], resource) > 0);
  return at < 0 ? [] : [`out of order at ${at}: ${place(clear[at - 1])} before ${place(clear[at])}`];
}

/** { expected, open }: places that have to be found, and those that may be. */
function scan(query, resources) {
  const expected = new Set(), open = new Set();
  for (const resource of resources.get(query.type) ?? []) {
    const fit = query.test(resource);
    if (fit === true) expected.add(place(resource));
    if (fit === null) open.add(place(resource));
  }
  return { expected, open };
}

const includes_max = 10000; // docs/search.md: past it a search is refused

function judge(query, { expected, open }, answer, by_place) {
  if (query.included && answer.status === 403 && new Set(query.included([...expected].map((id) => by_place.get(id)))).size > includes_max) return [];
  if (answer.status !== 200) return [`answered ${answer.status}: ${answer.refusal}`];
  const of_mode = (mode) => answer.entries.filter((entry) => entry.search?.mode === mode).map((entry) => place(entry.resource));
  const matches = of_mode("match");
  const found = matches.map((id) => by_place.get(id)).filter(Boolean);
  const wrong = differences(expected, open, new Set(matches), "matches");
  if (new Set(matches).size !== matches.length) wrong.push("a match came twice");
  if (query.sorts) wrong.push(...order_differences(query.sorts, found));
  if (query.included) {
    const also = query.included(found), may = query.may_include?.(found) ?? [];
    wrong.push(...differences(new Set([...also].filter((id) => !matches.includes(id))), new Set([...also, ...may]), new Set(of_mode("include")), "included"));
  }
  return wrong;
}

/** Small pages now and then (some forty at most), so that cursors are walked too. Sorted and including queries are asked as they are. */
function asked(query, number, foreseen) {
  const size = query.included ? 1000 : number % 7 === 0 ? Math.max(7, Math.ceil(foreseen / 40)) : 500;
  return `${query.text}&_count=${size}&_elements=id`;
}

async function main() {
  const random = new Random(options.seed);
  Object.assign(forms_of.token, new Terms().forms);
  const people = patients(options.patients);
  if (people.length === 0) say("Synthea patients skipped: no ../shared");
  const resources = [...examples(options.examples), ...people];
  const by_place = new Map(resources.map((resource) => [place(resource), resource]));
  const by_type = new Map();
  resources.forEach((resource) => by_type.set(resource.resourceType, [...(by_type.get(resource.resourceType) ?? []), resource]));

  const program = await new Program().start();
  await store(program, resources);
  say(`${resources.length} resources of ${by_type.size} types stored`);
  const subjects = parameters_of(by_type.keys()).map((parameter) => new Subject(parameter, by_type.get(parameter.type)));
  say(`${subjects.length} parameters evaluated; ${subjects.filter((s) => s.holders.length > 0).length} find something`);

  const queries = draw(new Drawer(subjects, resources, program.base, random), subjects, random, by_type);
  say(`${queries.length} searches drawn`);
  let passed = 0, failed = 0, matched = 0;
  for (const [number, query] of queries.entries()) {
    const fits = scan(query, by_type);
    const answer = await program.search(asked(query, number, fits.expected.size));
    const wrong = judge(query, fits, answer, by_place);
    if (wrong.length === 0) passed++;
    else failed++;
    matched += answer.entries?.length ?? 0;
    if ((number + 1) % 500 === 0) say(`${number + 1} asked`);
    if (wrong.length || options.verbose) console.log(`${wrong.length ? "FAIL" : "ok  "} ${options.verbose ? `${answer.entries?.length} ` : ""}${decodeURIComponent(query.text)}${wrong.map((w) => `\n       ${w}`).join("")}`);
  }
  const code = await program.stop();
  if (code !== 0) console.log(`FAIL the server ended with ${code}`);
  say(`${matched} entries compared`);
  console.log(`${passed + (code === 0 ? 1 : 0)} passed, ${failed + (code === 0 ? 0 : 1)} failed`);
  process.exit(failed || code ? 1 : 0);
}

await main();
