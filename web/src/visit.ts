// What is written down at intake: its fields, their units and limits, and the transaction they become.
import { BASE, LOINC, UCUM, type Bundle, type BundleEntry, type Patient, type Resource } from "./fhir";
import { say } from "./language";
import { regionDay, serverNow } from "./moment";

export interface Measure {
  id: string;
  code: string; // LOINC
  unit: string; // UCUM
  shown: string;
  ko: string;
  en: string;
  low: number; // what a living or dying patient can show; outside: a slip of key or unit
  high: number;
  step: number;
  usual: [number, number]; // an adult's; only colours the field
}

/** Limits as the server's own (it refuses the same); usual ranges: NEWS2's zero band (RCP 2017). */
export const measures: readonly Measure[] = [
  { id: "sbp", code: "8480-6", unit: "mm[Hg]", shown: "mmHg", ko: "수축기 혈압", en: "Systolic", low: 20, high: 320, step: 1, usual: [111, 219] },
  { id: "dbp", code: "8462-4", unit: "mm[Hg]", shown: "mmHg", ko: "이완기 혈압", en: "Diastolic", low: 5, high: 230, step: 1, usual: [40, 110] },
  { id: "hr", code: "8867-4", unit: "/min", shown: "/min", ko: "심박수", en: "Heart rate", low: 0, high: 350, step: 1, usual: [51, 90] },
  { id: "rr", code: "9279-1", unit: "/min", shown: "/min", ko: "호흡수", en: "Resp. rate", low: 0, high: 120, step: 1, usual: [12, 20] },
  { id: "spo2", code: "59408-5", unit: "%", shown: "%", ko: "산소포화도", en: "SpO₂", low: 10, high: 100, step: 1, usual: [96, 100] },
  { id: "temp", code: "8310-5", unit: "Cel", shown: "°C", ko: "체온", en: "Temperature", low: 10, high: 46, step: 0.1, usual: [36.1, 38] },
  { id: "glucose", code: "2339-0", unit: "mg/dL", shown: "mg/dL", ko: "혈당", en: "Glucose", low: 5, high: 3000, step: 1, usual: [70, 180] },
  { id: "pain", code: "72514-3", unit: "{score}", shown: "0–10", ko: "통증", en: "Pain (NRS)", low: 0, high: 10, step: 1, usual: [0, 3] },
];
export const GCS: Measure = { id: "gcs", code: "9269-2", unit: "{score}", shown: "3–15", ko: "GCS", en: "GCS", low: 3, high: 15, step: 1, usual: [15, 15] };
export const OXYGEN: Measure = { id: "o2", code: "3151-8", unit: "L/min", shown: "L/min", ko: "산소 투여량", en: "Oxygen flow", low: 0, high: 60, step: 0.5, usual: [0, 0] };

export interface Past { code: string; ko: string; en: string }
export const pastIllnesses: readonly Past[] = [
  { code: "I10", ko: "고혈압", en: "Hypertension" },
  { code: "E11", ko: "당뇨병", en: "Diabetes" },
  { code: "I25", ko: "허혈성 심장병", en: "Ischaemic heart disease" },
  { code: "I48", ko: "심방세동", en: "Atrial fibrillation" },
  { code: "I50", ko: "심부전", en: "Heart failure" },
  { code: "I69", ko: "뇌졸중 병력", en: "Past stroke" },
  { code: "J44", ko: "만성 폐쇄성 폐질환", en: "COPD" },
  { code: "N18", ko: "만성 콩팥병", en: "Chronic kidney disease" },
  { code: "K74", ko: "간경변", en: "Cirrhosis" },
  { code: "C80", ko: "암", en: "Cancer" },
];
export const complaints: readonly [ko: string, en: string][] = [
  ["가슴 통증", "Chest pain"],
  ["한쪽 팔다리 마비, 말이 어눌함", "One-sided weakness, slurred speech"],
  ["호흡곤란", "Shortness of breath"],
  ["의식 저하", "Reduced consciousness"],
  ["갑작스러운 심한 두통", "Sudden severe headache"],
  ["복통", "Abdominal pain"],
  ["교통사고 외상", "Road accident, trauma"],
  ["넘어진 뒤 고관절 통증", "Hip pain after a fall"],
  ["발열", "Fever"],
  ["경련", "Seizure"],
  ["토혈·흑색변", "Vomiting blood or black stool"],
  ["진통(임신)", "In labour"],
];

export interface Visit {
  id: string;
  patientMode: "new" | "existing";
  existing: Patient | undefined;
  name: string;
  sex: "male" | "female" | "unknown";
  age: string;
  ageUnit: "years" | "months";
  complaint: string;
  onset: string; // minutes before now
  values: Record<string, string>; // by measure id
  mind: "" | "A" | "C" | "V" | "P" | "U";
  oxygen: "" | "air" | "oxygen";
  past: string[]; // ICD-10
  pastText: string;
  medicines: string; // one a line
  allergies: string; // one a line
  findings: string; // one a line
  pregnant: boolean;
  level: number; // 0: none given
  written: string[]; // ids that a former writing of this visit left
}

const suffix = (): string => String(Math.floor(Math.random() * 9000) + 1000);
export const newVisit = (): Visit => ({
  id: `visit-${crypto.randomUUID()}`, patientMode: "new", existing: undefined, name: `합성환자-${suffix()}`, sex: "unknown", age: "", ageUnit: "years", complaint: "", onset: "",
  values: {}, mind: "", oxygen: "", past: [], pastText: "", medicines: "", allergies: "", findings: "", pregnant: false, level: 0, written: [],
});

/* ---- what is wrong ------------------------------------------------------------------------------------------------------------ */

export function measureFault(measure: Measure, text: string): string | undefined {
  if (text.trim() === "") return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) return say("숫자가 아닙니다", "not a number");
  if (value < measure.low || value > measure.high)
    return say(`${measure.low}–${measure.high} ${measure.shown} 사이여야 합니다`, `must lie between ${measure.low} and ${measure.high} ${measure.shown}`);
  if (measure.id === "gcs" && !Number.isInteger(value)) return say("정수여야 합니다", "must be a whole number");
  return undefined;
}

export function visitFaults(visit: Visit): Record<string, string> {
  const faults: Record<string, string> = {};
  for (const measure of [...measures, GCS, OXYGEN]) {
    const fault = measureFault(measure, visit.values[measure.id] ?? "");
    if (fault !== undefined) faults[measure.id] = fault;
  }
  const sbp = Number(visit.values.sbp), dbp = Number(visit.values.dbp);
  if (visit.values.sbp && visit.values.dbp && sbp < dbp && !faults.sbp && !faults.dbp) faults.dbp = say("수축기보다 높습니다", "higher than systolic");
  if (visit.patientMode === "new") {
    if (visit.name.trim() === "") faults.name = say("이름이나 표시가 필요합니다", "a name or mark is needed");
    const age = Number(visit.age), max = visit.ageUnit === "years" ? 120 : 36;
    if (visit.age.trim() === "") faults.age = say("나이가 필요합니다", "the age is needed");
    else if (!Number.isInteger(age) || age < 0 || age > max) faults.age = say(`0–${max} 사이의 정수`, `a whole number, 0 to ${max}`);
  } else if (visit.existing === undefined) faults.existing = say("환자를 고르십시오", "choose a patient");
  if (visit.onset.trim() !== "" && !(Number(visit.onset) >= 0 && Number(visit.onset) <= 10080)) faults.onset = say("0–10080분(7일) 사이여야 합니다", "must lie between 0 and 10080 min (7 days)");
  const isSaid = visit.complaint.trim() !== "" || visit.level > 0 || visit.mind !== "" || measures.some((measure) => (visit.values[measure.id] ?? "").trim() !== "");
  if (!isSaid) faults.complaint = say("주호소나 활력징후가 필요합니다", "a complaint or a vital sign is needed");
  return faults;
}

/* ---- as FHIR ------------------------------------------------------------------------------------------------------------------- */

const SYNTHETIC = { tag: [{ system: `${BASE}/CodeSystem/label`, code: "synthetic", display: "합성 환자 · synthetic patient" }] };
const CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category";

export const patientIdOf = (visit: Visit): string => (visit.patientMode === "existing" ? (visit.existing?.id ?? "") : visit.id.replace("visit-", "patient-"));

/** Years are known, days are not: the birth is written to the year, or to the month for the very young. */
function birthDate(visit: Visit): string {
  const { year, month } = regionDay();
  if (visit.ageUnit === "years" && Number(visit.age) >= 3) return String(year - Number(visit.age));
  const months = year * 12 + month - 1 - Number(visit.age) * (visit.ageUnit === "years" ? 12 : 1);
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, "0")}`;
}

const lines = (text: string): string[] => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

function observation(visit: Visit, id: string, code: string, now: string, value: object, category = "vital-signs"): Resource {
  return {
    resourceType: "Observation", id: `${visit.id}-${id}`, status: "final", category: [{ coding: [{ system: CATEGORY, code: category }] }],
    code: { coding: [{ system: LOINC, code }] }, subject: { reference: `Patient/${patientIdOf(visit)}` }, encounter: { reference: `Encounter/${visit.id}` }, effectiveDateTime: now, ...value,
  } as Resource;
}

function observations(visit: Visit, now: string): Resource[] {
  const list: Resource[] = [];
  for (const measure of [...measures, GCS]) {
    const text = (visit.values[measure.id] ?? "").trim();
    if (text !== "") list.push(observation(visit, measure.id, measure.code, now, { valueQuantity: { value: Number(text), unit: measure.unit, system: UCUM, code: measure.unit } }));
  }
  if (visit.oxygen !== "") {
    const flow = visit.oxygen === "air" ? 0 : Number(visit.values.o2 ?? "") || 2;
    list.push(observation(visit, "o2", OXYGEN.code, now, { valueQuantity: { value: flow, unit: OXYGEN.unit, system: UCUM, code: OXYGEN.unit } }));
  }
  if (visit.mind !== "") list.push(observation(visit, "mind", "67775-7", now, { valueCodeableConcept: { text: visit.mind } }));
  if (visit.pregnant)
    list.push(observation(visit, "pregnancy", "82810-3", now, { valueCodeableConcept: { coding: [{ system: "http://snomed.info/sct", code: "77386006" }], text: "임신 · pregnant" } }, "social-history"));
  return list;
}

function condition(visit: Visit, id: string, now: string, category: string, code: object): Resource {
  return {
    resourceType: "Condition", id: `${visit.id}-${id}`, clinicalStatus: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/condition-clinical", code: "active" }] },
    category: [{ coding: [{ system: "http://terminology.hl7.org/CodeSystem/condition-category", code: category }] }], code,
    subject: { reference: `Patient/${patientIdOf(visit)}` }, encounter: { reference: `Encounter/${visit.id}` }, recordedDate: now,
  } as Resource;
}

function statements(visit: Visit, now: string): Resource[] {
  const subject = { reference: `Patient/${patientIdOf(visit)}` };
  const onset = visit.onset.trim() === "" || visit.complaint.trim() === "" ? undefined : new Date(serverNow() - Number(visit.onset) * 60000).toISOString();
  const past = pastIllnesses.filter((row) => visit.past.includes(row.code));
  return [
    ...(onset === undefined ? [] : [{ ...condition(visit, "complaint", now, "encounter-diagnosis", { text: visit.complaint.trim() }), onsetDateTime: onset }]),
    ...past.map((row) => condition(visit, `past-${row.code}`, now, "problem-list-item", { coding: [{ system: "http://hl7.org/fhir/sid/icd-10", code: row.code }], text: `${row.ko} · ${row.en}` })),
    ...lines(visit.pastText).map((text, i) => condition(visit, `past-${i}`, now, "problem-list-item", { text })),
    ...lines(visit.findings).map((text, i) => condition(visit, `finding-${i}`, now, "encounter-diagnosis", { text })),
    ...lines(visit.medicines).map((text, i) => ({ resourceType: "MedicationStatement", id: `${visit.id}-medicine-${i}`, status: "active", medicationCodeableConcept: { text }, subject })),
    ...lines(visit.allergies).map((text, i) => ({
      resourceType: "AllergyIntolerance", id: `${visit.id}-allergy-${i}`, clinicalStatus: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", code: "active" }] },
      code: { text }, patient: subject,
    })),
  ] as Resource[];
}

function encounter(visit: Visit, organisation: string, now: string): Resource {
  return {
    resourceType: "Encounter", id: visit.id, status: "in-progress", class: { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "EMER" },
    subject: { reference: `Patient/${patientIdOf(visit)}` }, period: { start: now }, serviceProvider: { reference: `Organization/${organisation}` },
    ...(visit.complaint.trim() === "" ? {} : { reasonCode: [{ text: visit.complaint.trim() }] }),
  } as Resource;
}

/** One transaction that makes the record say what the form says; what a former writing left and is no longer said is deleted. */
export function visitBundle(visit: Visit, organisation: string): { bundle: Bundle; written: string[] } {
  const now = new Date(serverNow()).toISOString();
  const patient = {
    resourceType: "Patient", id: patientIdOf(visit), identifier: [{ system: `${BASE}/demonstration/patient`, value: patientIdOf(visit) }], name: [{ text: visit.name.trim() }],
    gender: visit.sex, birthDate: birthDate(visit),
  } as Patient;
  const resources: Resource[] = [
    ...(visit.patientMode === "new" ? [patient] : []), encounter(visit, organisation, now), ...observations(visit, now), ...statements(visit, now),
  ];
  const written = resources.map((resource) => `${resource.resourceType}/${resource.id}`);
  const labelled = visit.patientMode === "new" || (visit.existing?.meta?.tag?.some((tag) => tag.code === "synthetic") ?? false);
  const entry: BundleEntry[] = [
    ...resources.map((resource) => ({ resource: labelled ? { ...resource, meta: SYNTHETIC } : resource, request: { method: "PUT", url: `${resource.resourceType}/${resource.id}` } })),
    ...visit.written.filter((id) => !written.includes(id)).map((id) => ({ request: { method: "DELETE", url: id } })),
  ];
  return { bundle: { resourceType: "Bundle", type: "transaction", entry }, written };
}
