// Who is on call here, and until when somebody is in theatre: said once for the person, and so for every place that shares the person.
import { useState } from "preact/hooks";
import type { Caller } from "../caller";
import { search, update } from "../client";
import { BASE, referenceId, type Concept, type Extension, type HumanName, type Period, type Reference, type Resource } from "../fhir";
import { say } from "../language";
import { ageText, serverNow, timeText, useServerNow } from "../moment";
import { useAction, usePoll } from "../poll";
import { placeName } from "../region";
import { needName } from "../tables";
import { Fault } from "./marks";

interface Practitioner extends Resource { name?: HumanName[]; extension?: Extension[] }
interface PractitionerRole extends Resource { active?: boolean; practitioner?: Reference; specialty?: Concept[]; period?: Period }

const THEATRE = `${BASE}/StructureDefinition/in-theatre`;
const ON_CALL = encodeURIComponent(`${BASE}/CodeSystem/practitioner-role|on-call`);
const STEPS_MIN = [30, 60, 120, 240];

const isRole = (one: Resource): one is PractitionerRole => one.resourceType === "PractitionerRole";
const isPerson = (one: Resource): one is Practitioner => one.resourceType === "Practitioner";
const part = (person: Practitioner, url: string): Extension | undefined =>
  person.extension?.find((one) => one.url === THEATRE)?.extension?.find((one) => one.url === url);
const nameOf = (person: Practitioner): string => person.name?.[0]?.text ?? (`${person.name?.[0]?.family ?? ""}${person.name?.[0]?.given?.join("") ?? ""}` || (person.id ?? ""));
const isNow = (role: PractitionerRole, now: number): boolean =>
  role.active !== false && (role.period?.start === undefined || Date.parse(role.period.start) <= now) && (role.period?.end === undefined || Date.parse(role.period.end) >= now);

export function OnCallCard({ caller, place }: { caller: Caller; place: string }) {
  const found = usePoll(`on call ${place}`, () => search(`PractitionerRole?organization=Organization/${place}&role=${ON_CALL}&_include=PractitionerRole:practitioner&_count=100`), 10000);
  const now = useServerNow(5000);
  const roles = (found.data ?? []).filter(isRole).filter((role) => isNow(role, now));
  const people = (found.data ?? []).filter(isPerson).filter((person) => roles.some((role) => referenceId(role.practitioner) === person.id));
  if (people.length === 0) return null;
  return (
    <section class="card on-call">
      <h2>{say("당직 의료진", "On call")}</h2>
      <ul class="beds">{people.map((person) => (
        <OnCallRow key={person.id} caller={caller} person={person} now={now} reload={found.reload}
          needs={roles.filter((role) => referenceId(role.practitioner) === person.id).flatMap((role) => role.specialty ?? []).map((one) => needName(one.coding?.[0]?.code ?? ""))} />
      ))}</ul>
      <small class="quiet">{say("이 사람을 함께 쓰는 모든 기관에 적용되고, 그 시각이 지나면 저절로 풀립니다.", "Holds at every place that shares the person, and ends by itself at that time.")}</small>
    </section>
  );
}

function OnCallRow({ caller, person, needs, now, reload }: { caller: Caller; person: Practitioner; needs: string[]; now: number; reload: () => Promise<void> }) {
  const action = useAction();
  const [isOpen, setOpen] = useState(false);
  const until = part(person, "until")?.valueInstant, at = part(person, "at")?.valueInstant, by = part(person, "by")?.valueReference;
  const isIn = until !== undefined && Date.parse(until) > now;
  const put = (minutes: number | undefined) => action.run(async () => {
    const kept = (person.extension ?? []).filter((one) => one.url !== THEATRE);
    const said: Extension[] = minutes === undefined ? [] : [{ url: THEATRE, extension: [
      { url: "until", valueInstant: new Date(serverNow() + minutes * 60000).toISOString() }, { url: "at", valueInstant: new Date(serverNow()).toISOString() },
      { url: "by", valueReference: { reference: `Organization/${caller.organisation}` } }] }];
    const { extension: _, ...rest } = person;
    const extension = [...kept, ...said];
    try {
      await update<Practitioner>(extension.length === 0 ? rest : { ...rest, extension });
      setOpen(false);
    } finally {
      await reload();
    }
  });
  const name = nameOf(person);
  return (
    <li>
      <span class="bed-name">{name}<small class="quiet">{[...new Set(needs)].join(", ")}</small>
        {isIn && <small class="age-fading">{say(`${timeText(until)}까지 수술 중`, `in theatre until ${timeText(until)}`)} · {ageText(at, now)} · {placeName(referenceId(by))}</small>}</span>
      {isIn
        ? <button type="button" class="quiet-button" disabled={action.busy} aria-label={say(`${name} 수술 끝남`, `${name}: out of theatre`)} onClick={() => void put(undefined)}>{say("끝남", "Out")}</button>
        : <button type="button" class="quiet-button" aria-expanded={isOpen} aria-label={say(`${name} 수술 중`, `${name}: in theatre`)} onClick={() => setOpen(!isOpen)}>{say("수술 중", "In theatre")}</button>}
      {isOpen && !isIn && <span class="theatre-steps" role="group" aria-label={say("언제까지", "Until when")}>{STEPS_MIN.map((minutes) => (
        <button key={minutes} type="button" class="quiet-button" disabled={action.busy} onClick={() => void put(minutes)}>{say(`${timeText(serverNow() + minutes * 60000)}까지`, `until ${timeText(serverNow() + minutes * 60000)}`)}</button>
      ))}</span>}
      <Fault fault={action.fault} onClose={action.clear} />
    </li>
  );
}
