// Code tables of the country, put in by the build (build.mjs) from the files that the program itself is built from.
import bedRows from "table:beds";
import conditionRows from "table:conditions";
import departmentRows from "table:departments";
import kindRows from "table:kinds";
import ownNeedRows from "table:needs-own";
import reasonRows from "table:reasons";
import stateRows from "table:states";
import tierRows from "table:tiers";
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
export const tiers = tierRows;

export const named = (row: { display_ko: string; display_en: string }): string => say(row.display_ko, row.display_en || row.display_ko);

function namesOf(rows: readonly NamedRow[]): (code: string | undefined) => string {
  const byCode = new Map(rows.map((row) => [row.code, row]));
  return (code) => {
    const row = code === undefined ? undefined : byCode.get(code);
    return row === undefined ? (code ?? "") : named(row);
  };
}
export const tierName = namesOf(tierRows);
export const kindName = namesOf(kindRows);
export const departmentName = namesOf(departmentRows);
export const reasonName = namesOf(reasonRows);
export const needName = namesOf([...conditionRows, ...ownNeedRows]);

const bedByCode = new Map(bedRows.map((row) => [row.free, row]));
export const bedRow = (code: string): BedRow | undefined => bedByCode.get(code);
