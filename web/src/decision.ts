// What the two operations answer, as plain values.
import { read } from "./client";
import type { Certain } from "./confirmed";
import { part, partNumber, parts, partText, partTrue, referenceId, type Parameter, type Resource } from "./fhir";
import { nameIn, particles, say } from "./language";

export interface Reason { code: string; kind: string; ko: string; en: string; source: string }
export interface Need { code: string; display: string; department: string; window: number | undefined; evidence: string[]; ko: string; en: string }
export interface Score { name: string; total: number | undefined; complete: boolean; fits: boolean; missing: string[] }
export interface Forecast { code: string; abstains: boolean; probability: number | undefined; calibrated: boolean; ko: string; en: string }
export interface Reading {
  level: number;
  humanLevel: number | undefined;
  floorLevel: number | undefined;
  reasons: Reason[];
  needs: Need[];
  scores: Score[];
  missing: string[];
  forecasts: Forecast[];
  extreme: boolean;
  stayLocal: boolean;
  policy: string;
}
export interface Option {
  place: string;
  display: string;
  tier: string;
  minutes: number;
  travel: number | undefined;
  distance: number | undefined;
  estimated: boolean;
  chance: number | undefined;
  boardAge: number | undefined;
  learnedFrom: number | undefined; // answers behind the chance: told to the place itself and the control room
  wrong: number | undefined; // chance that the place cannot treat what the patient has after all
  wrongMinutes: number | undefined; // what that costs
  ask: number | undefined;
  reasons: { code: string; ko: string; en: string }[];
  secondLegs: { place: string; display: string; minutes: number | undefined }[];
}
export interface MayNeed { code: string; chance: number; ko: string; en: string }
export interface Excluded { place: string; display: string; code: string; need: string; ko: string; en: string }
export interface Plan { now: number; batches: number; placed: number | undefined; minutes: number | undefined; heading: string; headingDisplay: string }
export interface Ranking { options: Option[]; excluded: Excluded[]; mayNeed: MayNeed[]; certain: Certain | undefined; plan: Plan | undefined; otherwise: { ko: string; en: string } | undefined; decision: string; policy: string }

const sentence = (list: Parameter[] | undefined) => ({ code: partText(list, "code"), ko: partText(list, "ko"), en: partText(list, "en") });
export const sentenceIn = (both: { ko: string; en: string }): string => say(particles(both.ko || both.en), both.en || both.ko);

export function readReading(list: Parameter[]): Reading {
  const scores = parts(list, "score").map(({ part: p }) => ({
    name: partText(p, "name"),
    total: partNumber(p, "total"),
    complete: partTrue(p, "complete"),
    fits: part(p, "fits")?.valueBoolean !== false,
    missing: parts(p, "missing").map((m) => m.valueString ?? m.valueCode ?? ""),
  }));
  return {
    level: partNumber(list, "level") ?? 0,
    humanLevel: partNumber(list, "human-level"),
    floorLevel: partNumber(list, "floor-level"),
    reasons: parts(list, "reason").map(({ part: p }) => ({ ...sentence(p), kind: partText(p, "kind"), source: partText(p, "source") })),
    needs: parts(list, "need").map(({ part: p }) => ({
      ...sentence(p),
      code: part(p, "code")?.valueCoding?.code ?? partText(p, "code"),
      display: part(p, "code")?.valueCoding?.display ?? "",
      department: part(p, "department")?.valueCoding?.code ?? "",
      window: partNumber(p, "window"),
      evidence: parts(p, "evidence").map((e) => e.valueString ?? ""),
    })),
    scores,
    missing: [...new Set(scores.filter((score) => score.fits).flatMap((score) => score.missing))],
    forecasts: parts(list, "forecast").map(({ part: p }) => ({ ...sentence(p), abstains: partTrue(p, "abstains"), probability: partNumber(p, "probability"), calibrated: partTrue(p, "calibrated") })),
    extreme: partTrue(list, "extreme"),
    stayLocal: partTrue(list, "stay-local"),
    policy: partText(list, "policy"),
  };
}

/** No model knows nought or all. */
export const shareText = (share: number): string => (share < 0.01 ? say("1% 미만", "under 1%") : share > 0.99 ? say("99% 초과", "over 99%") : `${Math.round(share * 100)}%`);

const placeOf = (list: Parameter[] | undefined) => {
  const reference = part(list, "place")?.valueReference;
  return { place: referenceId(reference), display: reference?.display ?? "" };
};

export function readRanking(list: Parameter[]): Ranking {
  return {
    options: parts(list, "option").map(({ part: p }) => ({
      ...placeOf(p),
      tier: say(partText(p, "tier"), partText(p, "tier-en") || partText(p, "tier")),
      minutes: partNumber(p, "minutes") ?? 0,
      travel: partNumber(p, "travel"),
      distance: partNumber(p, "distance"),
      estimated: partTrue(p, "estimated"),
      chance: partNumber(p, "chance"),
      boardAge: partNumber(p, "board-age"),
      wrong: partNumber(p, "wrong"),
      wrongMinutes: partNumber(p, "wrong-minutes"),
      learnedFrom: partNumber(p, "learned-from"),
      ask: partNumber(p, "ask"),
      reasons: parts(p, "reason").map((r) => sentence(r.part)),
      secondLegs: parts(p, "second-leg").map((leg) => ({ ...placeOf(leg.part), minutes: partNumber(leg.part, "minutes") })),
    })),
    excluded: parts(list, "excluded").map(({ part: p }) => ({ ...placeOf(p), ...sentence(p), need: part(p, "need")?.valueCoding?.code ?? "" })),
    mayNeed: parts(list, "may-need").map(({ part: p }) => ({ ...sentence(p), chance: partNumber(p, "chance") ?? 0 })).sort((a, b) => b.chance - a.chance),
    certain: readCertain(part(list, "confirmed")?.part),
    plan: readPlan(part(list, "plan")?.part),
    otherwise: part(list, "counterfactual") === undefined ? undefined : sentence(part(list, "counterfactual")?.part),
    decision: part(list, "decision")?.valueReference?.reference ?? "",
    policy: partText(list, "policy"),
  };
}

const readCertain = (list: Parameter[] | undefined): Certain | undefined =>
  list === undefined ? undefined : { code: partText(list, "code"), quote: partText(list, "evidence"), source: partText(list, "source") };

/** What a kept decision took as certain, and whom it left out because they had said so. */
export interface Kept { certain: Certain | undefined; noticed: { place: string; need: string }[] }
interface Guidance extends Resource { extension?: { url: string; valueString?: string }[] }
export async function readKept(reference: string): Promise<Kept> {
  const guidance = await read<Guidance>(reference);
  const kept = (name: string): unknown => JSON.parse(guidance.extension?.find((one) => one.url.endsWith(name))?.valueString ?? "{}");
  const given = (kept("/decision-inputs") as { case?: { confirmed?: string; confirmed_quote?: string; confirmed_source?: string } }).case;
  const left = (kept("/decision-outputs") as { excluded?: { place: string; code: string; need?: string }[] }).excluded ?? [];
  return {
    certain: given?.confirmed ? { code: given.confirmed, quote: given.confirmed_quote ?? "", source: given.confirmed_source ?? "" } : undefined,
    noticed: left.filter((one) => one.code === "notice").map((one) => ({ place: one.place, need: one.need ?? "" })),
  };
}

function readPlan(list: Parameter[] | undefined): Plan | undefined {
  if (list === undefined) return undefined;
  const heading = part(list, "heading")?.valueReference;
  return { now: partNumber(list, "now") ?? 0, batches: partNumber(list, "batches") ?? 0, placed: partNumber(list, "placed"), minutes: partNumber(list, "minutes"),
    heading: referenceId(heading), headingDisplay: heading?.display ?? "" };
}

export const missingName = (code: string): string => {
  const names: Record<string, { name_ko: string; name_en: string }> = {
    respiration: { name_ko: "호흡수", name_en: "respiratory rate" },
    spo2: { name_ko: "산소포화도", name_en: "oxygen saturation" },
    oxygen: { name_ko: "산소 투여 여부", name_en: "oxygen given or not" },
    systolic: { name_ko: "수축기 혈압", name_en: "systolic pressure" },
    diastolic: { name_ko: "이완기 혈압", name_en: "diastolic pressure" },
    map: { name_ko: "평균 동맥압", name_en: "mean arterial pressure" },
    pulse: { name_ko: "심박수", name_en: "heart rate" },
    temperature: { name_ko: "체온", name_en: "temperature" },
    mind: { name_ko: "의식(ACVPU)", name_en: "state of mind (ACVPU)" },
    gcs: { name_ko: "GCS", name_en: "GCS" },
    age: { name_ko: "나이", name_en: "age" },
    leucocytes: { name_ko: "백혈구", name_en: "leucocytes" },
    glucose: { name_ko: "혈당", name_en: "glucose" },
    pain: { name_ko: "통증", name_en: "pain" },
  };
  return names[code] === undefined ? code : nameIn(names[code]);
};
/** Scores are named by the server; three of them read better in Korean. */
export const scoreName = (name: string): string =>
  ({ "shock index": say("쇼크 지수", name), "esi danger-zone vitals": say("ESI 위험 활력징후", name), "ctas first-order vitals": say("CTAS 1차 활력징후", name) })[name.toLowerCase()] ?? name;
/** The shock index is a ratio; what CTAS' vitals come to is a level, and 0 none. */
export const scoreText = (score: Score): string => {
  const known = /shock/i.test(score.name) ? (score.total ?? 0).toFixed(2) : /^ctas/i.test(score.name) ? (score.total ? say(`${score.total}단계`, `level ${score.total}`) : "–") : score.total;
  return `${known}${score.complete ? "" : "+"}`;
};
