// Elements as the values that a search compares (https://hl7.org/fhir/R4/search.html), each kind of parameter by itself.
// Written from the specification; it shares nothing with the program.
const zone_minutes = 540; // a date without a zone is of Korea

// ---- text -----------------------------------------------------------------------------------------------------------

export const folded = (text) =>
  text.normalize("NFD").replace(/(\p{Script=Latin})\p{M}+/gu, "$1").normalize("NFC").toLowerCase().replace(/\s+/gu, " ").trim();

const name_parts = (name) => [name.text, name.family, ...(name.given ?? []), ...(name.prefix ?? []), ...(name.suffix ?? [])];
const address_parts = (address) => [address.text, ...(address.line ?? []), address.city, address.district, address.state, address.postalCode, address.country];

function string_rows({ data, type }) {
  const has_words = type === "HumanName" || type === "Address";
  const parts = type === "HumanName" ? name_parts(data) : type === "Address" ? address_parts(data) : [data];
  return parts.filter((part) => typeof part === "string" && folded(part) !== "").map((text) => ({ text, has_words }));
}

// ---- tokens ---------------------------------------------------------------------------------------------------------

const coding_row = (coding) => ({ system: coding.system ?? "", code: coding.code ?? "", texts: [coding.display], typed: [] });

function token_rows({ data, type }) {
  if (type === "CodeableConcept") return [...(data.coding ?? []).map(coding_row), ...(data.text ? [{ texts: [data.text], typed: [] }] : [])];
  if (type === "Coding") return [coding_row(data)];
  if (type === "Identifier") {
    const typed = (data.type?.coding ?? []).filter((coding) => coding.code && data.value).map((coding) => ({ ...coding, value: data.value }));
    return [{ system: data.system ?? "", code: data.value ?? "", texts: [data.type?.text, ...(data.type?.coding ?? []).map((coding) => coding.display)], typed }];
  }
  if (type === "ContactPoint") return data.value ? [{ code: data.value, texts: [], typed: [], is_plain: true }] : [];
  if (typeof data === "object") return [{ texts: [], typed: [], is_unclear: true }];
  return [{ code: String(data), texts: [], typed: [], is_plain: true }];
}

// ---- dates ----------------------------------------------------------------------------------------------------------

/** The half-open interval in ms that a partial date stands for. */
export function interval_of(text) {
  const found = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/.exec(text);
  if (!found) return null;
  const [, year, month, day, hour, minute, second, fraction, zone] = found;
  const [y, m, d] = [Number(year), Number(month ?? 1) - 1, Number(day ?? 1)];
  const offset = zone === undefined ? zone_minutes : zone === "Z" ? 0 : (zone[0] === "-" ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
  const at = (...parts) => Date.UTC(...parts) - offset * 60000;
  if (!month) return { low: at(y, 0, 1), high: at(y + 1, 0, 1) };
  if (!day) return { low: at(y, m, 1), high: at(y, m + 1, 1) };
  if (!hour) return { low: at(y, m, d), high: at(y, m, d + 1) };
  const low = at(y, m, d, Number(hour), Number(minute), Number(second ?? 0)) + Number(fraction ?? 0) * 1000;
  return { low, high: low + (second === undefined ? 60000 : fraction ? 1000 / 10 ** (fraction.length - 1) : 1000) };
}

function date_rows({ data, type }) {
  if (type === "Period") {
    const start = data.start && interval_of(data.start), end = data.end && interval_of(data.end);
    return start || end ? [{ low: start ? start.low : -Infinity, high: end ? end.high : Infinity }] : [];
  }
  if (type === "Timing") {
    const events = (data.event ?? []).map(interval_of);
    const bounds = data.repeat?.boundsPeriod ? date_rows({ data: data.repeat.boundsPeriod, type: "Period" }) : [];
    const all = [...events, ...bounds];
    return all.length ? [{ low: Math.min(...all.map((i) => i.low)), high: Math.max(...all.map((i) => i.high)) }] : [];
  }
  if (type === "string") return interval_of(data) ? [{ is_unclear: true }] : [];
  if (!["date", "dateTime", "instant"].includes(type)) return [];
  const interval = interval_of(data);
  return interval ? [interval] : [];
}

// ---- numbers and quantities -----------------------------------------------------------------------------------------

const number_rows = ({ data, type }) => (type === "Range" ? [data.low?.value, data.high?.value].filter((v) => v !== undefined) : [Number(data)]).map((value) => ({ value }));

function quantity_rows({ data, type }) {
  if (type === "SampledData") return [{ is_unclear: true }];
  if (type === "Range") return [data.low, data.high].filter((end) => end?.value !== undefined).map((end) => quantity_rows({ data: end, type: "Quantity" })[0]);
  if (data.value === undefined) return [];
  if (type === "Money") return [{ value: data.value, system: "urn:iso:std:iso:4217", code: data.currency ?? "", unit: data.currency ?? "" }];
  return [{ value: data.value, system: data.system ?? "", code: data.code ?? "", unit: data.unit ?? "" }];
}

// ---- references and URIs --------------------------------------------------------------------------------------------

export const local_reference = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]+)?$/;

/** A reference to a type that the parameter does not have as a target is against the definitions: such a row is open. */
function reference_rows(element, targets) {
  return reference_values(element).map((row) => (row.type && targets.length > 0 && !targets.includes(row.type) ? { ...row, is_unclear: true } : row));
}

function reference_values({ data, type }) {
  if (type === "Reference") {
    const found = local_reference.exec(data.reference ?? "");
    const identifier = data.identifier ? token_rows({ data: data.identifier, type: "Identifier" })[0] : undefined;
    if (found) return [{ type: found[1], id: found[2], identifier }];
    return [{ uri: data.reference?.startsWith("#") ? undefined : data.reference, identifier }];
  }
  if (typeof data === "string") return [{ uri: data, ...(local_reference.test(data) && { is_unclear: true }) }];
  if (data.resourceType) return [{ type: data.resourceType, id: data.id, is_unclear: !data.id }];
  return [{ is_unclear: true }];
}

const uri_rows = ({ data }) => [{ uri: String(data) }];
const near_rows = ({ data }) => [{ latitude: data.latitude, longitude: data.longitude }];

export const rows_of = { string: string_rows, token: token_rows, date: date_rows, number: number_rows, quantity: quantity_rows, reference: reference_rows, uri: uri_rows, special: near_rows };
