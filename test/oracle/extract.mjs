// What a search parameter finds in a resource: the published expression evaluated by npm's fhirpath with its R4 model.
import fs from "node:fs";
import path from "node:path";
import fhirpath from "fhirpath";
import model from "fhirpath/fhir-context/r4/index.js";
import { definitions } from "./corpus.mjs";

const not_by_value = new Set(["_id", "_lastUpdated", "_text", "_content", "_query"]);

export function read_parameters() {
  const bundle = JSON.parse(fs.readFileSync(path.join(definitions, "Bundle-searchParams.json"), "utf8"));
  return bundle.entry.map((entry) => entry.resource).filter((p) => p.expression && !not_by_value.has(p.code));
}

export function read_compartments() {
  const names = fs.readdirSync(definitions).filter((name) => /^CompartmentDefinition-(patient|encounter|practitioner|device|relatedPerson)\.json$/i.test(name));
  return names.map((name) => JSON.parse(fs.readFileSync(path.join(definitions, name), "utf8")));
}

/** Cut at the top level, so that parentheses stay whole. */
function cut_union(expression) {
  const parts = [];
  let depth = 0, start = 0;
  for (let i = 0; i < expression.length; i++) {
    if (expression[i] === "(") depth++;
    if (expression[i] === ")") depth--;
    if (expression[i] === "|" && depth === 0) {
      parts.push(expression.slice(start, i).trim());
      start = i + 1;
    }
  }
  return [...parts, expression.slice(start).trim()];
}

// `as` on several elements is an error in FHIRPath, yet published expressions use it as a filter.
const casts_as_filters = (expression) => expression.replace(/\(([\w.]+) as (\w+)\)/g, "$1.ofType($2)").replace(/\.as\((\w+)\)/g, ".ofType($1)");

/** A branch `x.where(resolve() is T)` is x with a wish about the target, which a reference's text tells. */
function branch_of(text) {
  const target = /\.where\(resolve\(\) is (\w+)\)/.exec(text)?.[1];
  return { run: fhirpath.compile(casts_as_filters(text.replace(/\.where\(resolve\(\) is \w+\)/, "")), model, { resolveInternalTypes: false }), target };
}

const starts_with_type = (text, type) => {
  const first = /^\(?(\w+)\b/.exec(text)[1];
  return first === type || first === "Resource" || first === "DomainResource" || !/^[A-Z]/.test(first);
};

const type_of_reference = (reference) => /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[^/]+)?$/.exec(reference?.reference ?? "")?.[1] ?? reference?.type;

const is_elsewhere = (reference) => /^[a-z]+:/.test(reference?.reference ?? "");

/** A parameter of one resource type, with the elements it finds in each resource. */
export class Parameter {
  constructor(definition, type, by_url) {
    Object.assign(this, { code: definition.code, kind: definition.type, type, definition });
    this.targets = definition.target ?? [];
    const texts = cut_union(definition.expression).filter((text) => starts_with_type(text, type));
    this.branches = texts.map(branch_of);
    this.found = new Map();
    if (this.kind === "composite") {
      this.components = definition.component.map((component) => ({
        expression: casts_as_filters(component.expression),
        kind: by_url.get(component.definition).type,
        compiled: new Map(),
      }));
    }
  }

  /** [{ data, type }]: elements with their FHIR type, e.g. FHIR.Quantity. */
  elements(resource) {
    const key = `${resource.resourceType}/${resource.id}`;
    let list = this.found.get(key);
    if (!list) {
      list = this.branches.flatMap((branch) => this.of_branch(branch, resource));
      this.found.set(key, list);
    }
    return list;
  }

  of_branch({ run, target }, resource) {
    const nodes = run(resource);
    const types = fhirpath.types(nodes);
    const list = nodes.map((node, i) => ({ data: data_of(node), type: types[i].replace(/^(FHIR|System)\./, ""), path: node?.path ?? null }));
    if (!target) return list;
    return list.filter((item) => type_of_reference(item.data) === target).map((item) => (is_elsewhere(item.data) ? { ...item, type: "Unresolved" } : item));
  }

  /** For composites: of each base element, the elements of each component. */
  tuples(resource) {
    return this.elements(resource).map((base) => this.components.map((component) => component_elements(component, base, resource)));
  }
}

const data_of = (node) => (node !== null && typeof node === "object" && "data" in node && node.constructor.name === "ResourceNode" ? node.data : typeof node === "object" && node !== null && node.asStr ? node.asStr : node);

function component_elements(component, base, resource) {
  const at = base.path ?? base.type;
  if (!component.compiled.has(at)) {
    const expression = base.data.resourceType ? component.expression : { base: at, expression: component.expression };
    component.compiled.set(at, fhirpath.compile(expression, model, { resolveInternalTypes: false }));
  }
  const nodes = component.compiled.get(at)(base.data, { resource });
  const types = fhirpath.types(nodes);
  return nodes.map((node, i) => ({ data: data_of(node), type: types[i].replace(/^(FHIR|System)\./, "") }));
}

/** All parameters of the types that the corpus has. */
export function parameters_of(types) {
  const definitions = read_parameters();
  const by_url = new Map(definitions.map((definition) => [definition.url, definition]));
  const list = [];
  for (const type of types) {
    for (const definition of definitions) {
      if (definition.base.some((base) => base === type || base === "Resource" || base === "DomainResource")) list.push(new Parameter(definition, type, by_url));
    }
  }
  return list;
}
