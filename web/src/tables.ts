// Code tables: what the page acts by (states, transitions, reasons, bed kinds) is put in by the build (build.mjs), from the files
// that the program itself is built from; names of other codes come with the region.
import bedRows from "table:beds";
import reasonRows from "table:reasons";
import stateRows from "table:states";
import transitionRows from "table:transitions";
import { say } from "./language";

export interface NamedRow {
  code: string;
  display_ko: string;
  display_en: string;
}
export interface StateRow extends NamedRow {
  scope: "loop" | "offer" | "both";
  task_status: string;
  open: "yes" | "no";
  owner: "initiator" | "recipient" | "controller" | "system" | "none";
}
export interface TransitionRow {
  scope: "loop" | "offer" | "both";
  actor: "initiator" | "recipient" | "controller";
  trigger: string;
  trigger_ko: string;
  trigger_en: string;
  from_status: string;
  from_business: string;
  to_status: string;
  to_business: string;
  reason_required: string;
}
export interface BedRow {
  free: string;
  total: string;
  display_ko: string;
  display_en: string;
  pool: string;
}

export const transitions: readonly TransitionRow[] = transitionRows;
export const states: readonly StateRow[] = stateRows;
export const declineReasons = reasonRows.filter((row) => row.said_by === "recipient");
export const beds: readonly BedRow[] = bedRows;

export const named = (row: { display_ko: string; display_en: string }): string => say(row.display_ko, row.display_en || row.display_ko);

/** Names of codes, as the server's region has them. */
type Names = Record<string, { ko: string; en: string }>;
export interface CodeFile { needs?: Names; departments?: Names; kinds?: Names; tiers?: Names; reasons?: Names }
let codes: CodeFile = {};
export const setCodeNames = (file: CodeFile): void => {
  codes = { needs: file.needs, departments: file.departments, kinds: file.kinds, tiers: file.tiers, reasons: file.reasons };
};
const nameFrom = (list: keyof CodeFile) => (code: string | undefined): string => {
  const names = code === undefined ? undefined : codes[list]?.[code];
  return names === undefined ? (code ?? "") : say(names.ko, names.en);
};
export const tierName = nameFrom("tiers");
export const kindName = nameFrom("kinds");
export const departmentName = nameFrom("departments");
export const reasonName = nameFrom("reasons");
export const needName = nameFrom("needs");
/** Every need of the region, by name. */
export const needCodes = (): string[] => Object.keys(codes.needs ?? {}).sort((a, b) => needName(a).localeCompare(needName(b), say("ko", "en")));

const bedByCode = new Map(bedRows.map((row) => [row.free, row]));
export const bedRow = (code: string): BedRow | undefined => bedByCode.get(code);
