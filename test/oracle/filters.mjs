// _filter expressions (https://hl7.org/fhir/R4/search_filter.html) drawn from the data, and what they should find.
import { any, forms_of, not } from "./forms.mjs";
import { folded } from "./rows.mjs";

const compared = (kind, prefixes) => Object.fromEntries(prefixes.map((prefix) => [prefix, (row, random, parameter) => {
  const made = forms_of[kind][prefix](row, random, parameter);
  return made && { value: made.value.startsWith(prefix) ? made.value.slice(2) : made.value, accept: made.accept };
}]));
const prefixes = ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

/** Some row fits; rows that the specification leaves open leave the answer open. */
const test_of = (value, fits) => ({ value, accept: (rows) => any(rows, (row) => (row.is_unclear ? null : fits(row))) });
const seen = (text) => folded(text).slice(0, 40).trim();
const is_short = (text) => folded(text).length < 60 && !/\p{Script=Hangul}/u.test(text);
const starts = (row, asked) => folded(row.text).startsWith(asked) || (row.has_words && folded(row.text).includes(" " + asked));
const with_code = (row, make) => (row.code ? make() : null);

const tests_of = {
  number: compared("number", prefixes),
  date: compared("date", prefixes),
  quantity: compared("quantity", prefixes),
  string: {
    eq: (row) => (is_short(row.text) ? test_of(row.text, (r) => folded(r.text) === folded(row.text)) : null),
    ne: (row) => (is_short(row.text) ? test_of(row.text, (r) => folded(r.text) !== folded(row.text)) : null),
    sw: (row) => (is_short(row.text) ? test_of(seen(row.text).slice(0, 5).trim(), (r) => starts(r, seen(row.text).slice(0, 5).trim())) : null),
    ew: (row) => (is_short(row.text) ? test_of(folded(row.text).slice(-4).trim(), (r) => (folded(r.text).length > 150 ? null : folded(r.text).endsWith(folded(row.text).slice(-4).trim()))) : null),
    co: (row) => (is_short(row.text) ? test_of(seen(row.text).slice(1, 6).trim() || seen(row.text), (r) => (folded(r.text).length > 150 ? null : folded(r.text).includes(seen(row.text).slice(1, 6).trim() || seen(row.text)))) : null),
  },
  token: {
    eq: (row) => with_code(row, () => test_of(row.code, (r) => r.code === row.code)),
    ne: (row) => with_code(row, () => test_of(row.code, (r) => (r.code === undefined ? null : r.code !== row.code))),
  },
  reference: {
    eq: (row) => (row.id ? test_of(`${row.type}/${row.id}`, (r) => r.type === row.type && r.id === row.id) : null),
    re: (row) => (row.id ? test_of(`${row.type}/${row.id}`, (r) => r.type === row.type && r.id === row.id) : null),
  },
  uri: { eq: (row) => test_of(row.uri, (r) => r.uri === row.uri || (!row.uri.includes("|") && r.uri.split("|")[0] === row.uri)), sw: (row) => test_of(row.uri.slice(0, 12), (r) => r.uri.startsWith(row.uri.slice(0, 12))) },
};

// A value with signs that search parameters escape is left to cases worked out by hand.
const is_plain = (value, kind) => !(kind === "quantity" ? /[\\,$"]/ : /[\\,$|"]/).test(value) && value.trim() === value && value !== "";
const written = (value, random) => (/[\s()[\]|]/.test(value) || random.below(3) === 0 ? JSON.stringify(value) : value);

export class Filters {
  constructor(drawer) {
    this.drawer = drawer;
    this.random = drawer.random;
    this.by_code = new Map(drawer.subjects.map((subject) => [`${subject.parameter.type} ${subject.parameter.code}`, subject]));
  }

  /** `code op value` of one type: { text, accept, code, kind }. */
  test(type) {
    const subjects = (this.drawer.by_type.get(type) ?? []).filter((s) => s.holders.length > 0 && tests_of[s.parameter.kind]);
    for (let tries = 0; subjects.length > 0 && tries < 20; tries++) {
      const subject = this.random.pick(subjects), { kind, code } = subject.parameter;
      if (this.random.below(6) === 0) {
        const wanted = this.random.below(2) === 0;
        return { text: `${code} pr ${wanted}`, subject, fits: (resource) => subject.missing(resource, !wanted) };
      }
      const row = this.random.pick(subject.rows(this.random.pick(subject.holders)));
      const [op, make] = this.random.pick(Object.entries(tests_of[kind]));
      const made = row.is_unclear ? null : make(row, this.random, subject.parameter);
      if (made && is_plain(made.value, kind)) return { text: `${code} ${op} ${written(made.value, this.random)}`, subject, fits: (resource) => made.accept(subject.rows(resource)), accept: made.accept };
    }
    return null;
  }

  /** `reference.code op value`: of whatever type the reference leads to that has the parameter. */
  along(type) {
    const leads = this.drawer.references.filter((s) => s.parameter.type === type);
    if (leads.length === 0) return null;
    const lead = this.random.pick(leads);
    const row = this.random.pick(lead.rows(this.random.pick(lead.holders)));
    const rest = row.id && !row.is_unclear && this.drawer.by_place.has(`${row.type}/${row.id}`) ? this.test(row.type) : null;
    if (!rest?.accept) return null;
    const { code, kind } = rest.subject.parameter;
    const fits = (resource) => any(lead.rows(resource), (r) => {
      const target = this.drawer.by_place.get(`${r.type}/${r.id}`), subject = target && this.by_code.get(`${r.type} ${code}`);
      return subject ? (subject.parameter.kind === kind ? rest.accept(subject.rows(target)) : null) : false;
    });
    return { text: `${lead.parameter.code}.${rest.text}`, fits };
  }

  part(type, depth) {
    const way = this.random.below(depth > 2 ? 3 : 6);
    if (way === 2) return this.along(type) ?? this.test(type);
    if (way < 3) return this.test(type);
    const left = this.part(type, depth + 1);
    if (!left) return null;
    if (way === 3) return { text: `not(${left.text})`, fits: (resource) => not(left.fits(resource)) };
    const right = this.part(type, depth + 1);
    if (!right) return null;
    if (way === 4) return { text: `(${left.text}) and (${right.text})`, fits: (resource) => not(any([left, right], (p) => not(p.fits(resource)))) };
    return { text: `(${left.text}) or (${right.text})`, fits: (resource) => any([left, right], (p) => p.fits(resource)) };
  }

  query(type) {
    const whole = this.part(type, 0);
    return whole && { type, text: `${type}?_filter=${encodeURIComponent(whole.text)}`, test: whole.fits };
  }
}
