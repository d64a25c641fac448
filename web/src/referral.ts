// The loop and its offers: their states, who may do what (the country's own table), and the changes as Tasks.
import type { Caller } from "./caller";
import { BASE, codeOf, referenceId, type Coding, type Reference, type Task, type TaskInput } from "./fhir";
import { say } from "./language";
import { named, states, transitions, type StateRow, type TransitionRow } from "./tables";

const STATE = `${BASE}/CodeSystem/referral-state`;
const INPUT = `${BASE}/CodeSystem/task-input`;
const OUTPUT = `${BASE}/CodeSystem/task-output`;
const DECLINE = `${BASE}/CodeSystem/decline-reason`;

export type Kind = "loop" | "offer";
export type Actor = TransitionRow["actor"];

export const isOffer = (task: Task): boolean => (task.partOf?.length ?? 0) > 0;
export const kindOf = (task: Task): Kind => (isOffer(task) ? "offer" : "loop");
export const isGoverned = (task: Task): boolean => codeOf(task.businessStatus, STATE) !== undefined || task.code?.coding?.some((c) => c.code === "fulfill") === true;
export const loopId = (offer: Task): string => referenceId(offer.partOf?.[0]);
export const business = (task: Task): string => codeOf(task.businessStatus, STATE) ?? task.businessStatus?.coding?.[0]?.code ?? "";

export function stateRow(task: Task): StateRow | undefined {
  const code = business(task);
  const kind = kindOf(task);
  return states.find((row) => row.code === code && (row.scope === kind || row.scope === "both") && row.task_status.split(";").includes(task.status));
}
export const stateName = (task: Task): string => {
  const row = stateRow(task);
  return row === undefined ? task.businessStatus?.text || business(task) || task.status : named(row);
};
export const isOpen = (task: Task): boolean => stateRow(task)?.open !== "no" && !["completed", "cancelled", "failed", "rejected", "entered-in-error"].includes(task.status);

export const inputOf = (task: Task, code: string): TaskInput | undefined => {
  const all = (task.input ?? []).filter((input) => codeOf(input.type, INPUT) === code);
  return all[all.length - 1];
};
export const levelOf = (task: Task): number | undefined => inputOf(task, "level")?.valueInteger;
export const rankOf = (task: Task): number => inputOf(task, "rank")?.valueInteger ?? 0;
export const hasDeparted = (task: Task): boolean => inputOf(task, "departed") !== undefined;
export const telephoneOf = (task: Task): string | undefined => inputOf(task, "telephone")?.valueString;
export const letterOf = (task: Task): Reference | undefined => task.output?.find((output) => codeOf(output.type, OUTPUT) === "return-letter")?.valueReference;
export const deadlineOf = (task: Task): number | undefined => {
  const end = task.restriction?.period?.end;
  return end === undefined ? undefined : Date.parse(end);
};
export const declineReasonOf = (task: Task): string | undefined => codeOf(task.statusReason, DECLINE);

/** Who is waited for, in words; undefined where nobody is. */
export function waitedFor(task: Task): string | undefined {
  switch (stateRow(task)?.owner) {
    case "initiator": return say("보낸 곳", "Sender");
    case "recipient": return say("수용 기관", "Receiver");
    case "controller": return say("상황실", "Control room");
    case "system": return say("시스템", "System");
    default: return undefined;
  }
}

/* ---- who may ------------------------------------------------------------------------------------------------------------- */

const CREW_TRIGGERS = new Set(["depart", "arrive", "divert", "keep-destination", "die", "refuse", "record-acceptance", "record-decline"]);

const owns = (task: Task, caller: Caller): boolean => referenceId(task.owner) === caller.organisation;

function actorsOf(caller: Caller, loop: Task, offers: readonly Task[], task: Task): Set<Actor> {
  const actors = new Set<Actor>();
  if (caller.role === "control-room") actors.add("controller");
  if (caller.role === "crew") actors.add("initiator");
  if (referenceId(loop.requester) === caller.organisation && caller.role !== "control-room") actors.add("initiator");
  const isDestination = referenceId(loop.location) === caller.organisation;
  const hasOpenOffer = offers.some((offer) => owns(offer, caller) && isOpen(offer));
  if (isOffer(task) ? owns(task, caller) : isDestination || hasOpenOffer || owns(task, caller)) {
    if (caller.role === "receiving" || caller.role === "primary-care") actors.add("recipient");
  }
  return actors;
}

/** What this page can carry out on a loop; the rest of the table is done on offers or by other systems. */
const LOOP_TRIGGERS = new Set([
  "depart", "depart-now", "arrive", "take-over", "return", "acknowledge", "ask-controller", "designate", "offer-next", "divert", "keep-destination", "cancel",
  "refuse", "die",
]);
const OFFER_TRIGGERS = new Set(["accept", "decline", "record-acceptance", "record-decline"]);

export function legalSteps(caller: Caller, loop: Task, offers: readonly Task[], task: Task): TransitionRow[] {
  const kind = kindOf(task);
  const actors = actorsOf(caller, loop, offers, task);
  const from = business(task);
  const known = kind === "loop" ? LOOP_TRIGGERS : OFFER_TRIGGERS;
  const seen = new Set<string>();
  return transitions.filter((row) => {
    if (row.scope !== kind && row.scope !== "both") return false;
    if (row.from_status !== task.status || row.from_business !== from || !actors.has(row.actor)) return false;
    if (caller.role === "crew" && !CREW_TRIGGERS.has(row.trigger)) return false;
    // An accepted designation is confirmed on the loop; all other answers are the offers'.
    if (!known.has(row.trigger) && !(kind === "loop" && row.trigger === "accept" && from === "designated")) return false;
    if (row.trigger === "depart-now" && (levelOf(loop) ?? 5) > 2) return false;
    if (seen.has(row.trigger)) return false;
    seen.add(row.trigger);
    return true;
  });
}

export const stepName = (row: TransitionRow): string => say(row.trigger_ko, row.trigger_en);

/* ---- changes --------------------------------------------------------------------------------------------------------------- */

const concept = (system: string, code: string) => ({ coding: [{ system, code }] as Coding[] });

export interface StepDetail {
  declineReason?: string; // code
  reasonText?: string;
  location?: string; // id of a place
  owner?: string; // id of a place
  telephone?: string; // who spoke
  letter?: string; // reference
}

/** The Task after a step, as its actor sends it; the server sets the rest. */
export function changed(task: Task, row: Pick<TransitionRow, "to_status" | "to_business">, detail: StepDetail = {}): Task {
  const next: Task = { ...task, status: row.to_status, businessStatus: concept(STATE, row.to_business) };
  if (detail.declineReason !== undefined) next.statusReason = { ...concept(DECLINE, detail.declineReason), ...(detail.reasonText ? { text: detail.reasonText } : {}) };
  else if (detail.reasonText) next.statusReason = { text: detail.reasonText };
  if (detail.location !== undefined) next.location = { reference: `Location/${detail.location}` };
  if (detail.owner !== undefined) next.owner = { reference: `Organization/${detail.owner}` };
  if (detail.telephone !== undefined) next.input = [...(task.input ?? []), { type: concept(INPUT, "telephone"), valueString: detail.telephone }];
  if (detail.letter !== undefined) next.output = [...(task.output ?? []), { type: concept(OUTPUT, "return-letter"), valueReference: { reference: detail.letter } }];
  return next;
}

/** Departing before anybody accepted: only the destination is set, the state stays. */
export const rolling = (task: Task, place: string): Task => ({ ...task, location: { reference: `Location/${place}` } });

/** A new level on the way. */
export const retriaged = (task: Task, level: number): Task => ({ ...task, input: [...(task.input ?? []), { type: concept(INPUT, "level"), valueInteger: level }] });
