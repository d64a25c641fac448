// _text and _content, drawn from the words that are there. What counts as text is decided twice, narrowly and widely: a word that
// stands in the narrow text by itself has to find its resource, one that the wide text does not have anywhere must not; else it is open.
import { all, any, not } from "./forms.mjs";
import { folded } from "./rows.mjs";

// Members that are strings of people's words in every type that has them, when they are strings at all.
const worded = new Set(["display", "family", "given", "title", "description", "city", "conclusion", "text"]);

function texts_of(node, name, out) {
  if (typeof node === "string") {
    if (worded.has(name)) out.push(node);
  } else if (Array.isArray(node)) node.forEach((item) => texts_of(item, name, out));
  else if (node && typeof node === "object") Object.entries(node).forEach(([member, value]) => (member.startsWith("_") || member === "div" ? null : texts_of(value, member, out)));
  return out;
}

const entities = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };
const decoded = (text) => text.replace(/&(\w+);/g, (whole, name) => entities[name] ?? whole).replace(/&#(x?)([0-9a-f]+);/gi, (whole, hex, digits) => String.fromCodePoint(parseInt(digits, hex ? 16 : 10)));
const without_tags = (div, instead) => decoded(div.replace(/<!--.*?-->/gs, instead).replace(/<[^>]*>/g, instead));
const is_apart = (text, word, is_open) => new RegExp(`(?<![^\\x00-\\x2f:-@[-\`{-\\x7f])${word}${is_open ? "" : "(?![^\\x00-\\x2f:-@[-`{-\\x7f])"}`).test(text);

export class Words {
  constructor(drawer, by_type) {
    Object.assign(this, { by_type, random: drawer.random, cache: new Map() });
  }

  /** { parted, joined, wide }: narrow texts, once with tags as blanks and once as nothing, and all that there is. */
  seen(resource, name) {
    const at = `${name} ${resource.resourceType}/${resource.id}`;
    let found = this.cache.get(at);
    if (!found) {
      const div = resource.text?.div ?? "";
      const others = name === "_content" ? texts_of(resource, "", []).join(" ; ") : "";
      const wide = name === "_content" ? decoded(JSON.stringify(resource)) : JSON.stringify([div, ...(resource.contained ?? [])]);
      found = { parted: folded(`${without_tags(div, " ")} ; ${others}`), joined: folded(`${without_tags(div, "")} ; ${others}`), wide: folded(`${wide} ${without_tags(div, "")}`) };
      this.cache.set(at, found);
    }
    return found;
  }

  has(resource, name, word, is_open) {
    const { parted, joined, wide } = this.seen(resource, name);
    if (is_apart(parted, word, is_open) && is_apart(joined, word, is_open)) return true;
    return wide.includes(word) ? null : false;
  }

  word(type, name) {
    const list = this.by_type.get(type) ?? [];
    for (let tries = 0; list.length > 0 && tries < 10; tries++) {
      const words = this.seen(this.random.pick(list), name).parted.match(/[a-z]{4,20}/g);
      if (words) return this.random.pick(words);
    }
    return null;
  }

  query(type) {
    const name = this.random.pick(["_text", "_content"]);
    const one = this.word(type, name), two = this.word(type, name);
    if (!one || !two) return null;
    const has = (word, is_open) => (resource) => this.has(resource, name, word, is_open);
    const [text, test] = this.random.pick([
      [one, has(one)],
      [`${one} ${two}`, (r) => all([one, two], (word) => has(word)(r))],
      [`${one} OR ${two}`, (r) => any([one, two], (word) => has(word)(r))],
      [`${one} NOT ${two}`, (r) => all([has(one)(r), not(has(two)(r))], (fit) => fit)],
      [`${one.slice(0, 3)}*`, has(one.slice(0, 3), true)],
    ]);
    return /\b(and|or|not)\b/.test(`${one} ${two}`) ? null : { type, text: `${type}?${name}=${encodeURIComponent(text)}`, test };
  }
}
