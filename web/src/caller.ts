// Who is at this page: chosen, not signed in. Kept for this tab, and as the next tab's first choice.
import { useEffect, useState } from "preact/hooks";
import { say } from "./language";

export type Role = "primary-care" | "crew" | "receiving" | "control-room";
export interface Caller {
  role: Role;
  organisation: string; // id of an Organization
  who: string; // id of a Practitioner
}

const KEY = "soyang.caller";
const listeners = new Set<() => void>();
const purposes: Record<Role, string> = { "primary-care": "ETREAT", crew: "ETREAT", receiving: "ETREAT", "control-room": "ETREAT" };

export const roleName = (role: Role): string =>
  ({
    "primary-care": say("일차의료", "Primary care"),
    crew: say("119 구급대", "Ambulance crew"),
    receiving: say("수용 병원", "Receiving hospital"),
    "control-room": say("상황실", "Control room"),
  })[role];

function stored(): Caller | undefined {
  try {
    const text = sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
    const value = text === null ? undefined : (JSON.parse(text) as Partial<Caller>);
    if (value?.role !== undefined && value.role in purposes && value.organisation && value.who) return value as Caller;
  } catch {
    // what is stored is not ours: as if nobody had chosen
  }
  return undefined;
}

let caller = stored();
export const currentCaller = (): Caller | undefined => caller;

export function setCaller(next: Caller): void {
  caller = next;
  sessionStorage.setItem(KEY, JSON.stringify(next));
  localStorage.setItem(KEY, JSON.stringify(next));
  listeners.forEach((listener) => listener());
}

export function useCaller(): Caller | undefined {
  const [, draw] = useState(0);
  useEffect(() => {
    const listener = () => draw((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return caller;
}

export function callerHeaders(): Record<string, string> {
  if (caller === undefined) return {};
  return {
    "X-Soyang-Who": `Practitioner/${caller.who}`,
    "X-Soyang-Organization": `Organization/${caller.organisation}`,
    "X-Soyang-Role": caller.role,
    "X-Soyang-Purpose": purposes[caller.role],
  };
}
