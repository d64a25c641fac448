// The ways to ask for a value that is there: each form makes a parameter's text from one row, and says which rows fit it.
// A form answers true, false, or null where rounding or the specification leaves it open.
import ucum from "@lhncbc/ucum-lhc";
import { folded, interval_of } from "./rows.mjs";

const units = ucum.UcumLhcUtils.getInstance();
const ucum_system = "http://unitsofmeasure.org";

export const escaped = (text) => text.replace(/[\\,$|]/g, "\\$&");

/** Three-valued: true beats open beats false. */
export function any(list, fits) {
  let open = false;
  for (const item of list) {
    const fit = fits(item);
    if (fit === true) return true;
    if (fit === null) open = true;
  }
  return open ? null : false;
}
export const all = (list, fits) => not(any(list, (item) => not(fits(item))));
export const not = (fit) => (fit === null ? null : !fit);

const form = (modifier, value, fits) => ({ modifier, value, accept: (rows) => any(rows, (row) => (row.is_unclear ? null : fits(row))) });

// ---- strings --------------------------------------------------------------------------------------------------------

const has_hangul = (text) => /\p{Script=Hangul}/u.test(text);
const starts = (text, has_words, asked) => text.startsWith(asked) || (has_words && text.includes(" " + asked));
// Index keys see the first 188 bytes of a value: what lies behind them is not asked for.
const seen = (text) => folded(text).slice(0, 60);
// A query's last Hangul syllable may be unfinished: such a query is left to cases worked out by hand.
const is_askable = (text) => text.trim() === text && text !== "" && !has_hangul(text.slice(-1)) && folded(text) !== "";

const string_forms = {
  starts(row, random) {
    const words = row.has_words ? seen(row.text).split(" ") : [seen(row.text)];
    const asked = random.pick(words).slice(0, 1 + random.below(8)).trim();
    return is_askable(asked) ? form("", escaped(asked), (r) => starts(folded(r.text), r.has_words, asked)) : null;
  },
  whole: (row) => (is_askable(row.text) ? form("", escaped(row.text.slice(0, 60).trim()), (r) => starts(folded(r.text), r.has_words, folded(row.text.slice(0, 60).trim()))) : null),
  shouted(row) {
    const asked = row.text.slice(0, 40).toUpperCase().trim();
    return is_askable(asked) ? form("", escaped(asked), (r) => starts(folded(r.text), r.has_words, folded(asked))) : null;
  },
  exact: (row) => form("exact", escaped(row.text), (r) => r.text.normalize("NFC") === row.text.normalize("NFC")),
  contains(row, random) {
    const text = seen(row.text), from = random.below(Math.max(1, text.length - 4));
    const asked = text.slice(from, from + 4).trim();
    return asked.length < 3 || has_hangul(asked) ? null : form("contains", escaped(asked), (r) => (folded(r.text).length > 150 ? (folded(r.text).slice(0, 120).includes(asked) ? true : folded(r.text).includes(asked) ? null : false) : folded(r.text).includes(asked)));
  },
};

// ---- tokens ---------------------------------------------------------------------------------------------------------

const words = (text) => " " + folded(text).replace(/[!-$&-/:-@[-`{-~]+/g, " ").replace(/ +/g, " ").trim();
const by_code = (row, modifier) => (row.code ? form(modifier, escaped(row.code), (r) => r.code === row.code) : null);

const token_forms = {
  code: (row) => by_code(row, ""),
  not: (row) => negated(by_code(row, "not")),
  system_code: (row) => (row.code && row.system ? form("", `${escaped(row.system)}|${escaped(row.code)}`, (r) => (r.is_plain && r.code === row.code ? null : r.code === row.code && r.system === row.system)) : null),
  not_system_code: (row) => (row.code && row.system ? negated(form("not", `${escaped(row.system)}|${escaped(row.code)}`, (r) => (r.is_plain && r.code === row.code ? null : r.code === row.code && r.system === row.system))) : null),
  no_system: (row) => (row.code && !row.is_plain ? form("", `|${escaped(row.code)}`, (r) => (r.is_plain && r.code === row.code ? null : r.code === row.code && r.system === "")) : null),
  system: (row) => (row.system ? form("", `${escaped(row.system)}|`, (r) => (r.is_plain ? null : r.system === row.system)) : null),
  text(row, random) {
    const texts = row.texts.filter((text) => text && words(text).length > 1);
    if (texts.length === 0) return null;
    const asked = random.pick(words(random.pick(texts).slice(0, 50)).trim().split(" ")).slice(0, 7);
    return asked === "" || /[^\x20-\x7e]/.test(asked) ? null : form("text", asked, (r) => any(r.texts.filter(Boolean), (text) => (words(text).slice(0, 180).includes(" " + asked) ? true : words(text).includes(" " + asked) ? null : false)));
  },
  of_type(row) {
    const type = row.typed[0];
    return type ? form("of-type", [type.system ?? "", type.code, type.value].map(escaped).join("|"), (r) => r.typed.some((t) => t.code === type.code && (t.system ?? "") === (type.system ?? "") && t.value === type.value)) : null;
  },
};

function negated(made) {
  return made && { ...made, accept: (rows) => not(made.accept(rows)) };
}

// ---- dates ----------------------------------------------------------------------------------------------------------

const date_fits = {
  eq: (r, q) => q.low <= r.low && r.high <= q.high,
  ne: (r, q) => !(q.low <= r.low && r.high <= q.high),
  gt: (r, q) => r.high > q.high,
  lt: (r, q) => r.low < q.low,
  ge: (r, q) => r.high > q.high || (q.low <= r.low && r.high <= q.high),
  le: (r, q) => r.low < q.low || (q.low <= r.low && r.high <= q.high),
  sa: (r, q) => r.low >= q.high,
  eb: (r, q) => r.high <= q.low,
};

const pad = (n, width = 2) => String(n).padStart(width, "0");

/** The moment written with a random precision. */
function written(ms, random) {
  const at = new Date(ms + 9 * 3600000);
  const day = [pad(at.getUTCFullYear(), 4), pad(at.getUTCMonth() + 1), pad(at.getUTCDate())];
  const time = `T${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}`;
  const utc = new Date(ms).toISOString().slice(0, 19) + "Z";
  return random.pick([day[0], day.slice(0, 2).join("-"), day.join("-"), day.join("-"), day.join("-") + time, day.join("-") + time + "+09:00", utc]);
}

const is_year = (ms) => Number.isFinite(ms) && ms > Date.UTC(1, 0, 1) && ms < Date.UTC(9998, 0, 1);

function date_form(prefix) {
  return (row, random) => {
    const ends = [row.low, row.high - 1].filter(is_year);
    if (ends.length === 0) return null;
    const shift = random.pick([0, 0, 0, 86400000, -86400000, 40 * 86400000]);
    const text = written(random.pick(ends) + shift, random);
    const asked = interval_of(text);
    return form("", (prefix === "eq" && random.below(2) ? "" : prefix) + text, (r) => date_fits[prefix](r, asked));
  };
}

/** A tenth of the time between then and now, on both sides; near its ends the clock decides. */
function date_near(row, random) {
  if (!is_year(row.low)) return null;
  const text = written(row.low, random), asked = interval_of(text), now = Date.now();
  const distance = now > asked.high ? now - asked.high : asked.low > now ? asked.low - now : 0;
  const low = asked.low - distance / 10, high = asked.high + distance / 10;
  const by_clock = (a, b) => Math.abs(a - b) < 120000;
  return form("", "ap" + text, (r) => (by_clock(r.low, high) || by_clock(r.high, low) ? null : r.low < high && r.high > low));
}

const date_forms = Object.fromEntries([...Object.keys(date_fits).map((prefix) => [prefix, date_form(prefix)]), ["ap", date_near]]);

// ---- numbers and quantities -----------------------------------------------------------------------------------------

/** 1.50 stands for 1.495 up to 1.505. */
function implied(text) {
  const decimals = /\.(\d+)$/.exec(text)?.[1].length ?? 0;
  const half = 0.5 * 10 ** -decimals;
  return { at: Number(text), low: Number(text) - half, high: Number(text) + half };
}

const is_close = (a, b) => a !== b && Math.abs(a - b) <= 1e-9 * Math.max(1e-6, Math.abs(a), Math.abs(b));
const unless_close = (edges, value, fit) => (edges.some((edge) => is_close(edge, value)) ? null : fit);

const number_fits = {
  eq: (v, q) => unless_close([q.low, q.high], v, v >= q.low && v < q.high),
  ne: (v, q) => unless_close([q.low, q.high], v, !(v >= q.low && v < q.high)),
  gt: (v, q) => unless_close([q.at], v, v > q.at),
  lt: (v, q) => unless_close([q.at], v, v < q.at),
  ge: (v, q) => unless_close([q.at], v, v >= q.at),
  le: (v, q) => unless_close([q.at], v, v <= q.at),
  sa: (v, q) => unless_close([q.at], v, v > q.at),
  eb: (v, q) => unless_close([q.at], v, v < q.at),
  ap: (v, q) => [q.at * 0.9, q.at * 1.1].includes(v) ? null : unless_close([q.at * 0.9, q.at * 1.1], v, Math.abs(v - q.at) <= Math.abs(q.at) * 0.1),
};

/** The value as it is, rounded, or moved a little. */
function number_text(value, random) {
  const plain = (n) => (/e/.test(String(n)) ? null : String(n));
  return random.pick([plain(value), plain(value), plain(Math.round(value)), value.toFixed(1), value.toFixed(2), plain(Math.round(value * 1.05))]);
}

const edge_is_open = (row, asked) => asked.low === row.value || asked.high === row.value;

function number_form(prefix) {
  return (row, random) => {
    const text = number_text(row.value, random);
    if (text === null) return null;
    const asked = implied(text);
    return form("", (prefix === "eq" && random.below(2) ? "" : prefix) + text, (r) => (edge_is_open(r, asked) && /eq|ne/.test(prefix) ? null : number_fits[prefix](r.value, asked)));
  };
}
const number_forms = Object.fromEntries(Object.keys(number_fits).map((prefix) => [prefix, number_form(prefix)]));

function converted(row, code) {
  if (row.system !== ucum_system || !row.code) return undefined;
  if (row.code === code) return row.value;
  if (/[{%]/.test(row.code + code)) return null; // a share or a score in another unit of no dimension: nobody means that
  const answer = units.convertUnitTo(row.code, row.value, code);
  return answer.status === "succeeded" ? answer.toVal : undefined;
}

function quantity_fit(row, asked, prefix, unit) {
  let value = row.value;
  if (unit.kind === "coded") value = unit.system === ucum_system ? converted(row, unit.code) : row.system === unit.system && row.code === unit.code ? row.value : undefined;
  if (unit.kind === "named") value = row.code === unit.code || row.unit === unit.code ? row.value : converted(row, unit.code) === undefined ? undefined : null; // a server may convert here
  if (value === undefined) return false;
  if (value === null) return null;
  return edge_is_open({ value }, asked) && /eq|ne/.test(prefix) ? null : number_fits[prefix](value, asked);
}

function quantity_form(prefix) {
  return (row, random) => {
    const kinds = ["bare", ...(row.code || row.unit ? ["named"] : []), ...(row.system && row.code ? ["coded", "coded", "scaled"] : [])];
    let kind = random.pick(kinds);
    let unit = { kind, system: row.system, code: row.code || row.unit }, value = row.value;
    if (kind === "scaled") {
      const larger = { g: "kg", kg: "g", cm: "m", m: "cm", "mg/dL": "g/L", mL: "L", "mm[Hg]": "kPa", min: "h", h: "min", d: "h", mg: "g" }[row.code];
      if (!larger) return null;
      unit = { kind: "coded", system: row.system, code: larger };
      value = Number(converted(row, larger)?.toPrecision(4));
    }
    const text = number_text(value, random);
    if (text === null || !Number.isFinite(value)) return null;
    const suffix = unit.kind === "bare" ? "" : unit.kind === "named" ? `||${escaped(unit.code)}` : `|${escaped(unit.system)}|${escaped(unit.code)}`;
    const asked = implied(text);
    return form("", (prefix === "eq" && random.below(2) ? "" : prefix) + text + suffix, (r) => quantity_fit(r, asked, prefix, unit));
  };
}
const quantity_forms = Object.fromEntries(Object.keys(number_fits).map((prefix) => [prefix, quantity_form(prefix)]));

// ---- references and URIs --------------------------------------------------------------------------------------------

const without_version = (uri) => uri.split("|")[0];
const same_place = (row) => (r) => r.type === row.type && r.id === row.id;

const reference_forms = {
  typed: (row) => (row.type && row.id ? form("", `${row.type}/${row.id}`, same_place(row)) : null),
  own_url: (row) => (row.type && row.id ? form("", `{base}/${row.type}/${row.id}`, same_place(row)) : null),
  id: (row, random, parameter) => (row.type && row.id && parameter.targets.includes(row.type) ? form("", row.id, (r) => r.id === row.id && parameter.targets.includes(r.type)) : null),
  modifier: (row, random, parameter) => (row.type && row.id && parameter.targets.includes(row.type) ? form(row.type, row.id, same_place(row)) : null),
  uri: (row) => (/^[a-z]+:/.test(row.uri) && !/^urn:|\s/.test(row.uri) ? form("", escaped_url(row.uri), (r) => (r.uri === undefined ? false : r.uri === row.uri || (!row.uri.includes("|") && without_version(r.uri) === row.uri))) : null),
  identifier: (row) => (row.identifier?.code ? form("identifier", `${escaped(row.identifier.system)}${row.identifier.system ? "|" : ""}${escaped(row.identifier.code)}`, (r) => !!r.identifier && r.identifier.code === row.identifier.code && (!row.identifier.system || r.identifier.system === row.identifier.system)) : null),
};

// A canonical's version is part of the reference: its bar is no separator.
const escaped_url = (uri) => uri.replace(/[\\,$]/g, "\\$&");

const is_version_of = (uri, asked) => uri === asked || (!asked.includes("|") && without_version(uri) === asked);
const is_under = (uri, root) => is_version_of(uri, root) || uri.startsWith(root.endsWith("/") ? root : root + "/");

const uri_forms = {
  whole: (row) => form("", escaped(row.uri), (r) => is_version_of(r.uri, row.uri)),
  below(row, random) {
    const found = /^(\w+:\/\/[^/]+)(\/.*)?$/.exec(row.uri);
    if (!found) return null;
    const segments = (found[2] ?? "").split("/").slice(1);
    const root = [found[1], ...segments.slice(0, random.below(segments.length + 1))].join("/");
    return root.includes("|") ? null : form("below", escaped(root), (r) => is_under(r.uri, root));
  },
  above: (row) => (/^\w+:\/\//.test(row.uri) ? form("above", escaped(row.uri + "/and/deeper"), (r) => /^\w+:\/\//.test(r.uri) && is_under(row.uri + "/and/deeper", r.uri)) : null),
};

// ---- near -----------------------------------------------------------------------------------------------------------

const earth_km = 6371.0088;
const radians = (degrees) => (degrees * Math.PI) / 180;

/** Great-circle distance by the haversine formula. */
function distance_km(a, b) {
  const dlat = radians(b.latitude - a.latitude), dlon = radians(b.longitude - a.longitude);
  const h = Math.sin(dlat / 2) ** 2 + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(dlon / 2) ** 2;
  return 2 * earth_km * Math.asin(Math.min(1, Math.sqrt(h)));
}

const near_forms = {
  near(row, random) {
    if (row.latitude === undefined || row.longitude === undefined) return null;
    const reach = random.pick([1, 5, 20, 60, 300]);
    // The program answers for a shape some percent larger than the circle: between the two it may say either.
    return form("", `${row.latitude}|${row.longitude}|${reach}|km`, (r) => {
      const distance = distance_km(row, r);
      return distance <= reach * 0.999 ? true : distance <= reach * 1.06 ? null : false;
    });
  },
};

export const forms_of = { string: string_forms, token: token_forms, date: date_forms, number: number_forms, quantity: quantity_forms, reference: reference_forms, uri: uri_forms, special: near_forms };
/** What may stand as one part of a composite. */
export const part_forms = { token: ["code", "system_code"], quantity: ["eq", "gt", "le"], string: ["starts"], date: ["eq", "ge", "lt"], reference: ["typed"], number: ["eq", "ge", "le"], uri: ["whole"] };
