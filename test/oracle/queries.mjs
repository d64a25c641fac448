// Queries drawn from the data by a seed, each with the test that says which resources it should find.
import { all, any, forms_of, part_forms } from "./forms.mjs";
import { folded, local_reference, rows_of } from "./rows.mjs";

/** A parameter together with the corpus: its rows in each resource. */
export class Subject {
  constructor(parameter, resources) {
    this.parameter = parameter;
    this.resources = resources;
    this.cache = new Map();
    this.holders = resources.filter((resource) => this.rows(resource).length > 0);
  }

  rows(resource) {
    let rows = this.cache.get(resource);
    if (!rows) {
      const { parameter } = this;
      const of_kind = (kind) => (elements) => elements.flatMap((element) => rows_of[kind](element, parameter.targets));
      rows = parameter.kind === "composite"
        ? parameter.tuples(resource).map((tuple) => tuple.map((elements, i) => of_kind(parameter.components[i].kind)(elements))).filter((tuple) => tuple.every((part) => part.length > 0))
        : of_kind(parameter.kind)(parameter.elements(resource));
      this.cache.set(resource, rows);
    }
    return rows;
  }

  get form_names() {
    const { parameter } = this;
    if (parameter.kind === "composite") return ["parts"];
    return [...Object.keys(forms_of[parameter.kind]), ...(parameter.kind === "special" ? [] : ["missing", "present"])];
  }

  /** Whether some of the values have that form. */
  can(form_name) {
    const random = { pick: (list) => list[0], below: () => 0 };
    return this.holders.slice(0, 50).some((resource) => this.rows(resource).some((row) => this.single(form_name, row, random)));
  }

  /** { name, value, test } or nothing where the drawn row has no such form. */
  criterion(form_name, random) {
    const { parameter } = this;
    if (form_name === "missing" || form_name === "present") {
      const is_missing = form_name === "missing";
      return { name: `${parameter.code}:missing`, value: String(is_missing), test: (resource) => this.missing(resource, is_missing) };
    }
    if (this.holders.length === 0) return null;
    const rows = this.rows(random.pick(this.holders));
    const made = parameter.kind === "composite" ? this.parts(random.pick(rows), random) : this.single(form_name, random.pick(rows), random);
    return made && { name: parameter.code + (made.modifier ? ":" + made.modifier : ""), value: made.value, test: (resource) => made.accept(this.rows(resource)) };
  }

  single(form_name, row, random) {
    return row.is_unclear ? null : forms_of[this.parameter.kind][form_name](row, random, this.parameter);
  }

  missing(resource, is_missing) {
    const rows = this.rows(resource);
    const elements = this.parameter.elements(resource);
    if (rows.some((row) => row.is_unclear) || (rows.length === 0 && elements.length > 0)) return null; // an element without a value that can be compared
    return (rows.length === 0) === is_missing;
  }

  parts(tuple, random) {
    const made = tuple.map((rows, i) => {
      const kind = this.parameter.components[i].kind;
      const row = random.pick(rows);
      return row.is_unclear || !part_forms[kind] ? null : forms_of[kind][random.pick(part_forms[kind])](row, random, this.parameter);
    });
    if (made.some((part) => part === null)) return null;
    return { modifier: "", value: made.map((part) => part.value).join("$"), accept: (tuples) => any(tuples, (parts) => all(made, (part) => part.accept(parts[made.indexOf(part)]))) };
  }
}

const written = (criterion, base) => `${encodeURIComponent(criterion.name).replace(/%3A/g, ":")}=${encodeURIComponent(criterion.value.replaceAll("{base}", base)).replace(/%2C/g, ",")}`;

export class Drawer {
  constructor(subjects, resources, base, random) {
    Object.assign(this, { subjects, base, random });
    this.by_place = new Map(resources.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
    this.by_type = group_by(subjects, (s) => s.parameter.type);
    this.references = subjects.filter((s) => s.parameter.kind === "reference" && s.holders.length > 0);
  }

  query(type, criteria, sort) {
    const text = `${type}?${[...criteria.map((criterion) => written(criterion, this.base)), ...(sort ?? [])].join("&")}`;
    return { type, text, test: (resource) => all(criteria, (criterion) => criterion.test(resource)) };
  }

  single(subject, form_name) {
    const criterion = subject.criterion(form_name, this.random);
    return criterion && this.query(subject.parameter.type, [criterion]);
  }

  some_criterion(type) {
    const subjects = (this.by_type.get(type) ?? []).filter((s) => s.holders.length > 0);
    for (let tries = 0; subjects.length > 0 && tries < 20; tries++) {
      const subject = this.random.pick(subjects);
      const criterion = subject.criterion(this.random.pick(subject.form_names), this.random);
      if (criterion) return criterion;
    }
    return null;
  }

  /** Several criteria at once. */
  and(type) {
    const criteria = [this.some_criterion(type), this.some_criterion(type)];
    return criteria.includes(null) ? null : this.query(type, criteria);
  }

  /** Several values of one parameter. */
  or(subject, form_name) {
    const made = [1, 2, 3].map(() => subject.criterion(form_name, this.random)).filter(Boolean);
    if (made.length < 2 || made.some((c) => c.name !== made[0].name) || /:not|:missing/.test(made[0].name)) return null;
    return this.query(subject.parameter.type, [{ name: made[0].name, value: made.map((c) => c.value).join(","), test: (resource) => any(made, (c) => c.test(resource)) }]);
  }

  targets_of(subject, resource, type) {
    return subject.rows(resource).filter((row) => row.type === type && row.id).map((row) => this.by_place.get(`${row.type}/${row.id}`)).filter(Boolean);
  }

  /** A chain of so many links, from a reference that leads to resources that are here. */
  chain_criterion(type, links) {
    const leads = this.references.filter((s) => s.parameter.type === type);
    for (let tries = 0; leads.length > 0 && tries < 20; tries++) {
      const lead = this.random.pick(leads);
      const row = this.random.pick(lead.rows(this.random.pick(lead.holders)));
      if (!row.type || !this.by_place.has(`${row.type}/${row.id}`) || !lead.parameter.targets.includes(row.type)) continue;
      const rest = links > 1 ? this.chain_criterion(row.type, links - 1) : this.some_criterion(row.type);
      if (!rest) continue;
      return { name: `${lead.parameter.code}:${row.type}.${rest.name}`, value: rest.value, test: (resource) => any(this.targets_of(lead, resource, row.type), rest.test) };
    }
    return null;
  }

  chain(type, links) {
    const criterion = this.chain_criterion(type, links);
    return criterion && this.query(type, [criterion]);
  }

  /** _has: resources of the type that others refer to. The rest may be a _has, or have a chain inside. */
  has_criterion(type, depth) {
    const leads = this.references.filter((s) => s.parameter.targets.includes(type));
    for (let tries = 0; leads.length > 0 && tries < 20; tries++) {
      const lead = this.random.pick(leads);
      const source = lead.parameter.type;
      const rest = depth > 1 ? this.has_criterion(source, depth - 1) : this.random.below(4) === 0 ? this.chain_criterion(source, 1) : this.some_criterion(source);
      if (!rest) continue;
      const found = new Map();
      for (const from of lead.holders) {
        for (const target of this.targets_of(lead, from, type)) found.set(target, [...(found.get(target) ?? []), from]);
      }
      if (found.size === 0) continue;
      return { name: `_has:${source}:${lead.parameter.code}:${rest.name}`, value: rest.value, test: (resource) => any(found.get(resource) ?? [], rest.test) };
    }
    return null;
  }

  has(type, depth) {
    const criterion = this.has_criterion(type, depth);
    return criterion && this.query(type, [criterion]);
  }

  /** _include or _revinclude beside one criterion: `included` gives the places that must come along. */
  include(type) {
    const leads = this.references.filter((s) => s.parameter.type === type);
    const criterion = this.some_criterion(type);
    if (leads.length === 0 || !criterion) return null;
    const lead = this.random.pick(leads);
    const query = this.query(type, [criterion], [`_include=${type}:${lead.parameter.code}`]);
    query.included = (matches) => this.targets_here(matches.flatMap((match) => lead.rows(match)).filter((row) => row.type));
    query.may_include = (matches) => this.targets_here(matches.flatMap((match) => lead.rows(match)).filter((row) => local_reference.test(row.uri)).map(({ uri }) => ({ type: uri.split("/")[0], id: uri.split("/")[1] })));
    return query;
  }

  targets_here(rows) {
    return new Set(rows.map((row) => `${row.type}/${row.id}`).filter((id) => this.by_place.has(id)));
  }

  revinclude(type) {
    const leads = this.references.filter((s) => s.parameter.targets.includes(type));
    const criterion = this.some_criterion(type);
    if (leads.length === 0 || !criterion) return null;
    const lead = this.random.pick(leads);
    const query = this.query(type, [criterion], [`_revinclude=${lead.parameter.type}:${lead.parameter.code}`]);
    query.included = (matches) => {
      const wanted = new Set(matches.map(place));
      return places(lead.holders.filter((from) => lead.rows(from).some((row) => row.type && wanted.has(`${row.type}/${row.id}`))));
    };
    return query;
  }

  /** All of a type in the order of one or two parameters: `sorts` gives each resource's keys. */
  sort(type) {
    const able = (this.by_type.get(type) ?? []).filter((s) => s.holders.length > 0 && sort_keys[s.parameter.kind] && s.parameter.branches.length === 1);
    if (able.length === 0) return null;
    const chosen = this.random.shuffled(able).slice(0, 1 + this.random.below(2)).map((subject) => ({ subject, is_descending: this.random.below(2) === 1 }));
    const text = chosen.map(({ subject, is_descending }) => (is_descending ? "-" : "") + subject.parameter.code).join(",");
    const query = this.query(type, [], [`_sort=${text}`]);
    query.sorts = chosen.map(({ subject, is_descending }) => ({ is_descending, key: (resource) => sort_key(subject, resource, is_descending), written: (resource) => spelling(subject, resource) }));
    query.test = () => true;
    return query;
  }

  /** _include:iterate and wildcards: what matches lead to, and what that leads to. */
  include_far(type) {
    const criterion = this.some_criterion(type);
    if (!criterion) return null;
    const is_wild = this.random.below(2) === 0;
    const leads = this.references.filter((s) => s.parameter.type === type);
    if (leads.length === 0) return null;
    const first = is_wild ? leads : [this.random.pick(leads)];
    const reached = new Set(first.flatMap((lead) => lead.holders.flatMap((r) => lead.rows(r).map((row) => row.type))).filter(Boolean));
    const onward = this.references.filter((s) => reached.has(s.parameter.type));
    const next = onward.length > 0 ? this.random.pick(onward) : null;
    const texts = [`_include=${type}:${is_wild ? "*" : first[0].parameter.code}`, ...(next ? [`_include:iterate=${next.parameter.type}:${next.parameter.code}`] : [])];
    const query = this.query(type, [criterion], texts);
    query.included = (matches) => this.closure(matches, first, next, (row) => row.type && !row.is_unclear);
    query.may_include = (matches) => this.closure(matches, first, next, (row) => row.type || local_reference.test(row.uri ?? ""));
    return query;
  }

  closure(matches, first, next, counts) {
    const found = new Set();
    const follow = (resources, leads) => {
      const fresh = [];
      for (const lead of leads) {
        for (const resource of resources.filter((r) => r.resourceType === lead.parameter.type)) {
          for (const row of lead.rows(resource).filter(counts)) {
            const id = row.type ? `${row.type}/${row.id}` : row.uri;
            if (this.by_place.has(id) && !found.has(id)) {
              found.add(id);
              fresh.push(this.by_place.get(id));
            }
          }
        }
      }
      return fresh;
    };
    let fresh = [...follow(matches, first), ...(next ? follow(matches, [next]) : [])];
    while (next && fresh.length > 0) fresh = follow(fresh, [next]);
    return found;
  }

  /** What belongs to a patient, an encounter, ... by the compartment's definition. */
  compartment(definition) {
    const members = definition.resource.filter((r) => r.param && r.code !== definition.code && this.by_type.has(r.code));
    const member = this.random.pick(members);
    const subjects = this.by_type.get(member.code).filter((s) => s.parameter.kind === "reference" && member.param.includes(s.parameter.code));
    const own = subjects.flatMap((subject) => subject.holders.flatMap((r) => subject.rows(r))).filter((row) => row.type === definition.code && row.id);
    if (own.length === 0) return null;
    const focus = this.random.pick(own);
    const belongs = (resource) => any(subjects, (subject) => any(subject.rows(resource), (row) => (row.is_unclear ? null : row.type === definition.code && row.id === focus.id)));
    return { type: member.code, text: `${definition.code}/${focus.id}/${member.code}?_summary=false`, test: belongs };
  }
}

/** How the strings stand there: those that only differ so may come in either order, before the next key is asked. */
const spelling = (subject, resource) => (subject.parameter.kind === "string" ? subject.rows(resource).map((row) => row.text).sort().join("\n") : "");

function sort_key(subject, resource, is_descending) {
  const keys = subject.rows(resource).map(sort_keys[subject.parameter.kind]);
  if (keys.includes(undefined)) return null; // a concept without a code has no place that all agree on
  keys.sort(compare);
  return keys.length === 0 ? undefined : is_descending ? keys.at(-1) : keys[0];
}

const sort_keys = { string: (row) => (folded(row.text).length > 100 ? undefined : folded(row.text)), date: (row) => row.low, number: (row) => row.value, uri: (row) => row.uri, token: (row) => row.code };
export const compare = (a, b) => (typeof a === "number" ? a - b : Buffer.compare(Buffer.from(a), Buffer.from(b)));
export const place = (resource) => `${resource.resourceType}/${resource.id}`;
const places = (list) => new Set(list.map(place));

function group_by(list, key) {
  const map = new Map();
  list.forEach((item) => map.set(key(item), [...(map.get(key(item)) ?? []), item]));
  return map;
}
