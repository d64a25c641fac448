// A patient's chart on one screen: what was read from the record, in one go.
import { search } from "./client";
import {
  LOINC, codeOf, conceptText, type AllergyIntolerance, type Condition, type DocumentReference, type Encounter, type MedicationStatement, type Observation, type Patient,
} from "./fhir";
import { isWithdrawn, verification } from "./confirmed";
import { half, say } from "./language";
import { regionDay } from "./moment";

export interface Chart {
  patient: Patient | undefined;
  complaints: string[];
  onset: string | undefined; // when what brings the patient began: of this visit's complaint, the earliest
  visit: Encounter | undefined;
  confirmed: Condition[]; // findings of this visit that somebody has confirmed or taken back, coded
  findings: string[];
  history: string[];
  medicines: string[];
  allergies: string[];
  vitals: Observation[]; // the latest of each kind
  letters: DocumentReference[];
}

/** Others write their own zones: moments are compared, not their letters. */
const moment = (at: string | undefined): number => Date.parse(at ?? "") || 0;

const unique = (texts: string[]): string[] => [...new Set(texts.filter((text) => text !== ""))];

export async function readChart(patientId: string): Promise<Chart> {
  const of = (type: string, extra = "") => search(`${type}?patient=Patient/${patientId}&_count=100${extra}`);
  const [patients, encounters, conditions, medicines, allergies, observations, letters] = await Promise.all([
    search<Patient>(`Patient?_id=${patientId}`),
    of("Encounter", "&_sort=-date") as Promise<Encounter[]>,
    of("Condition") as Promise<Condition[]>,
    of("MedicationStatement") as Promise<MedicationStatement[]>,
    of("AllergyIntolerance") as Promise<AllergyIntolerance[]>,
    of("Observation", "&_sort=-date") as Promise<Observation[]>,
    of("DocumentReference") as Promise<DocumentReference[]>,
  ]);
  const visit = [...encounters].sort((a, b) => moment(b.period?.start) - moment(a.period?.start))[0];
  const isFinding = (condition: Condition) => condition.category?.some((c) => c.coding?.some((coding) => coding.code === "encounter-diagnosis")) ?? false;
  const ofVisit = (condition: Condition) => isFinding(condition) && (condition.encounter === undefined || condition.encounter.reference === `Encounter/${visit?.id}`);
  const words = (list: { code?: { text?: string } }[]) => unique(list.map((item) => half(conceptText(item.code))));
  const complaints = unique((visit?.reasonCode ?? []).map(conceptText));
  const hasHangul = (text: string) => /[가-힣]/.test(text);
  return {
    patient: patients[0],
    visit,
    onset: conditions.filter((one) => ofVisit(one) && !isWithdrawn(one) && one.onsetDateTime?.includes("T")).map((one) => one.onsetDateTime ?? "").sort((a, b) => moment(a) - moment(b))[0],
    complaints: complaints.some(hasHangul) && !complaints.every(hasHangul) ? complaints.filter((text) => hasHangul(text) === (say("ko", "en") === "ko")) : complaints,
    confirmed: conditions.filter((one) => ofVisit(one) && (one.code?.coding ?? []).length > 0 && ["confirmed", "refuted", "entered-in-error"].includes(verification(one))),
    findings: words(conditions.filter((one) => isFinding(one) && !isWithdrawn(one))).filter((text) => !complaints.includes(text)),
    history: words(conditions.filter((condition) => !isFinding(condition) && !isWithdrawn(condition))),
    medicines: unique(medicines.map((item) => half(conceptText(item.medicationCodeableConcept)))),
    allergies: words(allergies),
    vitals: latestOfEach(observations),
    letters: letters.filter((letter) => letter.resourceType === "DocumentReference"),
  };
}

function latestOfEach(observations: Observation[]): Observation[] {
  const latest = new Map<string, Observation>();
  for (const observation of observations) {
    const code = observation.code?.coding?.[0]?.code ?? conceptText(observation.code);
    const known = latest.get(code);
    if (known === undefined || moment(observation.effectiveDateTime) > moment(known.effectiveDateTime)) latest.set(code, observation);
  }
  return [...latest.values()];
}

/* ---- words ----------------------------------------------------------------------------------------------------------------- */

export function patientName(patient: Patient | undefined): string {
  const names = patient?.name ?? [];
  const chosen = say("ko", "en") === "en" ? (names.find((name) => name.use === "usual") ?? names[0]) : names[0];
  if (chosen === undefined) return say("이름 없음", "no name");
  return chosen.text || [chosen.family, ...(chosen.given ?? [])].filter(Boolean).join(say("", " ")) || say("이름 없음", "no name");
}

export function ageOf(patient: Patient | undefined): string {
  if (patient?.birthDate === undefined) return say("나이 모름", "age unknown");
  const born = patient.birthDate.split("-").map(Number);
  const { year, month, day } = regionDay();
  let months = (year - (born[0] ?? 0)) * 12 + (month - (born[1] ?? 1));
  if (born[2] !== undefined && day < born[2]) months--;
  if (born[1] === undefined) return say(`${year - (born[0] ?? 0)}세`, `${year - (born[0] ?? 0)} y`);
  if (months < 24) return say(`${Math.max(months, 0)}개월`, `${Math.max(months, 0)} mo`);
  return say(`${Math.floor(months / 12)}세`, `${Math.floor(months / 12)} y`);
}

export function sexOf(patient: Patient | undefined): string {
  const words: Record<string, string> = { male: say("남", "male"), female: say("여", "female"), other: say("기타", "other") };
  return words[patient?.gender ?? ""] ?? say("성별 모름", "sex unknown");
}

/** In the order in which they are read; the rest follows. */
const VITALS: [code: string, ko: string, en: string][] = [
  ["8480-6", "수축기", "Systolic"],
  ["8462-4", "이완기", "Diastolic"],
  ["8867-4", "심박수", "Heart rate"],
  ["9279-1", "호흡수", "Resp. rate"],
  ["59408-5", "SpO₂", "SpO₂"],
  ["3151-8", "산소", "Oxygen"],
  ["8310-5", "체온", "Temp."],
  ["67775-7", "의식", "ACVPU"],
  ["9269-2", "GCS", "GCS"],
  ["2339-0", "혈당", "Glucose"],
  ["72514-3", "통증", "Pain"],
  ["82810-3", "임신", "Pregnancy"],
];
const UNITS: Record<string, string> = { "mm[Hg]": "mmHg", Cel: "°C" };
export const unitText = (unit: string | undefined): string => {
  if (unit === "/min") return say("/분", "/min");
  if (unit === "{score}") return say("점", "pts");
  return UNITS[unit ?? ""] ?? unit ?? "";
};

export interface VitalText { code: string; name: string; value: string; unit: string; at: string | undefined }
export function vitalTexts(vitals: Observation[]): VitalText[] {
  const order = (observation: Observation) => {
    const at = VITALS.findIndex(([code]) => code === codeOf(observation.code, LOINC));
    return at < 0 ? VITALS.length : at;
  };
  return [...vitals].sort((a, b) => order(a) - order(b)).map((observation) => {
    const row = VITALS[order(observation)];
    const quantity = observation.valueQuantity;
    return {
      code: codeOf(observation.code, LOINC) ?? "",
      name: row === undefined ? half(conceptText(observation.code)) : say(row[1], row[2]),
      value: quantity?.value !== undefined ? String(quantity.value) : half(observation.valueString ?? conceptText(observation.valueCodeableConcept)),
      unit: quantity === undefined ? "" : unitText(quantity.code ?? quantity.unit),
      at: observation.effectiveDateTime,
    };
  });
}

export function letterText(letter: DocumentReference): string {
  const attachment = letter.content?.find((content) => content.attachment?.data !== undefined && content.attachment.contentType?.startsWith("text/"))?.attachment;
  if (attachment?.data === undefined) return letter.description ?? "";
  const bytes = Uint8Array.from(atob(attachment.data), (c) => c.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

export const asBase64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
