// What codes mean, from the published code systems and value sets alone: those that are plain enough (lists, whole systems) to be
// expanded here. Everything else is left to cases worked out by hand.
import fs from "node:fs";
import path from "node:path";
import { definitions } from "./corpus.mjs";
import { any, not } from "./forms.mjs";

const read_all = (prefix) => fs.readdirSync(definitions).filter((name) => name.startsWith(prefix)).map((name) => JSON.parse(fs.readFileSync(path.join(definitions, name), "utf8")));
const key = (system, code) => `${system}|${code}`;

/** Codes with what stands directly above them; null where a system is not all there, or its tree does not subsume. */
function tree_of(system) {
  if (system.content !== "complete" || system.caseSensitive === false || system.supplements) return null;
  const parents = new Map(), edges = [];
  const walk = (concepts, parent) => {
    for (const concept of concepts ?? []) {
      parents.set(concept.code, new Set(parent === null ? [] : [parent]));
      for (const property of concept.property ?? []) {
        const other = property.valueCode ?? property.valueString;
        if (["parent", "subsumedBy"].includes(property.code)) edges.push([concept.code, other]);
        if (property.code === "child") edges.push([other, concept.code]);
      }
      walk(concept.concept, concept.code);
    }
  };
  walk(system.concept, null);
  for (const [code, parent] of edges) if (parents.has(code) && parents.has(parent)) parents.get(code).add(parent);
  return { parents, subsumes: !system.hierarchyMeaning || system.hierarchyMeaning === "is-a" };
}

export class Terms {
  constructor() {
    this.systems = new Map();
    const seen = new Set();
    for (const system of read_all("CodeSystem-")) {
      if (seen.has(system.url)) this.systems.delete(system.url); // which of two counts is not the question here
      else this.systems.set(system.url, tree_of(system));
      seen.add(system.url);
    }
    this.sets_with = new Map();
    const sets = read_all("ValueSet-"), times = new Map();
    sets.forEach((set) => times.set(set.url, (times.get(set.url) ?? 0) + 1));
    for (const set of sets) {
      const codes = times.get(set.url) === 1 ? this.expand(set) : null;
      for (const code of codes ?? []) this.sets_with.set(code, [...(this.sets_with.get(code) ?? []), { url: set.url, codes }]);
    }
  }

  /** The codes of a value set, or null where it asks for more than lists and whole systems. */
  expand(set) {
    const parts = [...(set.compose?.include ?? []), ...(set.compose?.exclude ?? [])];
    if (parts.length === 0 || set.compose.inactive === false || parts.some((part) => part.valueSet || part.filter || part.version || !this.systems.get(part.system))) return null;
    const of = (part) => {
      const known = this.systems.get(part.system).parents;
      return (part.concept ? part.concept.map((concept) => concept.code).filter((code) => known.has(code)) : [...known.keys()]).map((code) => key(part.system, code));
    };
    const codes = new Set((set.compose.include ?? []).flatMap(of));
    (set.compose.exclude ?? []).flatMap(of).forEach((code) => codes.delete(code));
    return codes.size > 0 && codes.size < 3000 ? codes : null;
  }

  /** The code and all above it, or below it. */
  relatives(system, code, below) {
    const tree = this.systems.get(system);
    if (!tree?.subsumes || !tree.parents.has(code)) return null;
    const found = new Set([code]);
    for (let before = 0; before !== found.size;) {
      before = found.size;
      if (below) for (const [child, parents] of tree.parents) { if ([...parents].some((parent) => found.has(parent))) found.add(child); }
      else for (const child of [...found]) tree.parents.get(child).forEach((parent) => found.add(parent));
    }
    return new Set([...found].map((each) => key(system, each)));
  }

  /** Forms of a token row, as forms.mjs has them. */
  get forms() {
    const escaped = (text) => text.replace(/[\\,$|]/g, "\\$&");
    const among = (modifier, value, codes) => {
      const bare = new Set([...codes].map((code) => code.slice(code.lastIndexOf("|") + 1)));
      const fits = (r) => (r.code === undefined ? false : r.is_plain ? (bare.has(r.code) ? null : false) : codes.has(key(r.system, r.code)));
      return { modifier, value, accept: (rows) => any(rows, (r) => (r.is_unclear ? null : fits(r))) };
    };
    const member = (modifier) => (row, random) => {
      const sets = row.code && row.system ? this.sets_with.get(key(row.system, row.code)) : null;
      const set = sets && random.pick(sets);
      return set ? among(modifier, escaped(set.url), set.codes) : null;
    };
    const related = (modifier) => (row) => {
      const codes = row.code && row.system ? this.relatives(row.system, row.code, modifier === "below") : null;
      return codes && among(modifier, `${escaped(row.system)}|${escaped(row.code)}`, codes);
    };
    const not_in = (row, random) => {
      const made = member("not-in")(row, random);
      return made && { ...made, accept: (rows) => not(made.accept(rows)) };
    };
    return { in: member("in"), not_in, below: related("below"), above: related("above") };
  }
}
