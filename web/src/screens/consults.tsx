// e-consult (협진): what we are asked, what we asked, what was answered; and asking about a recorded patient.
import { useState } from "preact/hooks";
import type { Caller } from "../caller";
import { ageOf, patientName, sexOf } from "../chart";
import { search } from "../client";
import { readConsults } from "../consult";
import { isSynthetic, referenceId, type Patient } from "../fhir";
import { say } from "../language";
import { AskConsult, ConsultCard } from "../parts/consult_card";
import { Empty, Fault, Freshness, Loading, Synthetic } from "../parts/marks";
import { usePoll } from "../poll";
import { deadlineOf } from "../referral";
import { placeName } from "../region";

export function ConsultsScreen({ caller }: { caller: Caller }) {
  const isRoom = caller.role === "control-room";
  const list = usePoll(`consults ${caller.organisation}`, () => readConsults(caller.organisation, isRoom), 2500);
  if (list.data === undefined) return list.fault ? <div class="wide"><Fault fault={list.fault} /></div> : <Loading />;
  const { tasks, patients } = list.data;
  const open = tasks.filter((task) => task.status === "requested").sort((a, b) => (deadlineOf(a) ?? 0) - (deadlineOf(b) ?? 0));
  const closed = tasks.filter((task) => task.status !== "requested");
  return (
    <div class="wide consults">
      <div class="screen-head"><h1>{say("협진", "e-consult")}</h1><span class="quiet">{placeName(caller.organisation)}</span></div>
      <Freshness of={list} />
      {caller.role !== "receiving" && !isRoom && <AskAnybody reload={list.reload} />}
      {open.length === 0 && <Empty title={say("열린 협진이 없습니다", "No question is open")}>{say("새 물음은 저절로 나타납니다.", "New questions appear by themselves.")}</Empty>}
      <ul class="rows">{open.map((task) => <ConsultCard key={task.id} task={task} patient={patients.get(referenceId(task.for))} caller={caller} reload={list.reload} />)}</ul>
      {closed.length > 0 && <h2>{say("끝난 협진", "Closed")} <small class="quiet">{closed.length}</small></h2>}
      <ul class="rows">{closed.map((task) => <ConsultCard key={task.id} task={task} patient={patients.get(referenceId(task.for))} caller={caller} reload={list.reload} />)}</ul>
    </div>
  );
}

function AskAnybody({ reload }: { reload: () => Promise<void> }) {
  const [name, setName] = useState("");
  const [patient, setPatient] = useState<Patient>();
  const found = usePoll(`find ${name}`, async () => (name.trim().length < 2 ? [] : search<Patient>(`Patient?name=${encodeURIComponent(name.trim())}&_count=5`)), 30000);
  return (
    <details class="card">
      <summary><h2>{say("등록된 환자에 대해 묻기", "Ask about a recorded patient")}</h2></summary>
      <label class="field"><span>{say("환자 이름", "Patient's name")}</span><input type="search" name="consult-patient" value={name} onInput={(event) => { setName(event.currentTarget.value); setPatient(undefined); }} /></label>
      {(found.data ?? []).map((one) => (
        <label key={one.id} class={`choice-item ${patient?.id === one.id ? "is-on" : ""}`}><input type="radio" name="consult-who" checked={patient?.id === one.id} onChange={() => setPatient(one)} /> {patientName(one)} · {sexOf(one)} · {ageOf(one)} <Synthetic shown={isSynthetic(one)} /></label>
      ))}
      {patient?.id && <AskConsult key={patient.id} patient={patient.id} level={undefined} onAsked={() => void reload()} />}
    </details>
  );
}
