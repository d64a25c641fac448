// One question to a specialist: its words, the clock since it began, the pictures, and the answer.
import { useState } from "preact/hooks";
import { currentCaller, type Caller } from "../caller";
import { CLOCKED, answer, answerWords, ask, asked, consultState, mayAnswer, readPictures, readStudies, said, stateWords, studiesOf, takeBack, type ConsultAnswer } from "../consult";
import { readFinding } from "../confirmed";
import { referenceId, type Patient, type Task } from "../fhir";
import { ageOf, patientName, readChart, sexOf } from "../chart";
import { isSynthetic } from "../fhir";
import { say } from "../language";
import { ageText, clockText, durationText, fromLocalField, useServerNow } from "../moment";
import { useAction, usePoll } from "../poll";
import { deadlineOf } from "../referral";
import { currentRegion, placeName, type Place } from "../region";
import { needCodes, needName } from "../tables";
import { ChartCard } from "./chart_card";
import { Choice, Countdown, Fault, Level, Loading, Synthetic } from "./marks";
import { PlacePicker } from "./place_picker";

/** Minutes since it began: in infarction and haemorrhage of the brain they decide. */
function Onset({ task, now }: { task: Task; now: number }) {
  const onset = asked(task, "onset")?.valueDateTime;
  if (onset !== undefined) return <p class="onset-clock" role="timer" data-onset={onset}><b>{durationText(now - Date.parse(onset))}</b> {say("발생 후", "since onset")} <span class="quiet">{clockText(onset)}</span></p>;
  return asked(task, "onset-unknown")?.valueBoolean ? <p class="onset-clock"><b>{say("발생 시각 모름", "Onset unknown")}</b></p> : null;
}

function Pictures({ study }: { study: string }) {
  const links = usePoll(`pictures ${study}`, () => readPictures(study), 60000);
  return (
    <li>{study.split("/")[1]} {(links.data ?? []).map((address) => <a key={address} href={address} target="_blank" rel="noreferrer noopener">{say("영상 열기 (DICOMweb)", "open the pictures (DICOMweb)")}</a>)}
      {links.data?.length === 0 && <span class="quiet">{say("영상 주소가 없습니다", "no address of the pictures is recorded")}</span>}</li>
  );
}

function AnswerForm({ task, caller, reload }: { task: Task; caller: Caller; reload: () => Promise<void> }) {
  const [code, setCode] = useState<ConsultAnswer>();
  const [text, setText] = useState("");
  const [finding, setFinding] = useState("");
  const [speaker, setSpeaker] = useState("");
  const action = useAction();
  const isHeard = referenceId(asked(task, "asked")?.valueReference) !== caller.organisation && caller.role === "control-room";
  const isReady = code !== undefined && text.trim() !== "" && (!isHeard || speaker.trim() !== "");
  const findingFault = action.fault?.issues.find((issue) => issue.includes("answer-finding"));
  const faultId = `finding-fault-${task.id}`, noteId = `finding-note-${task.id}`;
  return (
    <form class="step-form" onSubmit={(event) => { event.preventDefault(); if (code) void action.run(async () => { try { await answer(task, code, text.trim(), finding, isHeard ? speaker.trim() : ""); } finally { await reload(); } }); }}>
      {findingFault === undefined && <Fault fault={action.fault} onClose={action.clear} />}
      <Choice<ConsultAnswer | ""> wide name={`answer-${task.id}`} label={say("무엇을 해야 합니까", "What follows")} value={code ?? ""} onChange={(value) => setCode(value === "" ? undefined : value)}
        options={(["advice", "stay", "transfer"] as const).map((value) => ({ value, text: answerWords(value) }))} />
      <label class="field"><span>{say("답", "Answer")}</span><textarea name="answer-text" rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} /></label>
      <div class="field">
        <label for={`finding-${task.id}`}>{say("무엇으로 읽었습니까 (알면)", "What it is (if known)")}</label>
        <select id={`finding-${task.id}`} name="answer-finding" value={finding} aria-invalid={findingFault !== undefined} aria-describedby={findingFault === undefined ? noteId : `${faultId} ${noteId}`} onChange={(event) => { setFinding(event.currentTarget.value); action.clear(); }}>
          <option value="">{say("밝히지 않음", "not said")}</option>
          {needCodes().map((need) => <option key={need} value={need}>{needName(need)}</option>)}
        </select>
        {findingFault !== undefined && <em id={faultId} class="field-fault" role="alert">{say("서버가 이 소견을 받아들이지 않았습니다:", "The server did not accept this finding:")} {findingFault}</em>}
        <small id={noteId} class="quiet">{say("고르면 확진으로 기록되어, 다음 순위부터 다른 병을 의심하지 않습니다. 틀렸으면 나중에 취소할 수 있습니다.", "Chosen, it is recorded as confirmed, and the next ranking doubts nothing else. It can be withdrawn later.")}</small>
      </div>
      {isHeard && <label class="field"><span>{say("누가 말했습니까 (전화)", "Who spoke (by telephone)")}</span><input type="text" name="speaker" value={speaker} onInput={(event) => setSpeaker(event.currentTarget.value)} /></label>}
      <button type="submit" class="main-button" disabled={!isReady || action.busy}>{say("답 보내기", "Send the answer")}</button>
    </form>
  );
}

/** The chart goes with the question: read when it is opened, since every reading is recorded. */
function Chart({ patient, now }: { patient: string; now: number }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="consult-chart" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say("환자 기록 보기", "See the chart")}</summary>
      {isOpen && <ChartOf patient={patient} now={now} />}
    </details>
  );
}

function ChartOf({ patient, now }: { patient: string; now: number }) {
  const chart = usePoll(`chart ${patient}`, () => readChart(patient), 30000);
  if (chart.data === undefined) return chart.fault ? <Fault fault={chart.fault} /> : <Loading />;
  return <ChartCard chart={chart.data} now={now} />;
}

/** Whether what the specialist said still stands in the record. */
function FindingState({ condition }: { condition: string }) {
  const finding = usePoll(`finding ${condition}`, () => readFinding({ code: "", quote: "", source: `${condition}.code` }), 15000);
  if (finding.data === undefined) return null;
  return finding.data.isWithdrawn ? <b class="tag tag-notice">{say("취소됨", "withdrawn")}</b> : <span class="tag">{say("확진으로 기록됨", "recorded as confirmed")}</span>;
}

export function ConsultCard({ task, patient, caller, reload }: { task: Task; patient: Patient | undefined; caller: Caller; reload: () => Promise<void> }) {
  const now = useServerNow();
  const [reason, setReason] = useState("");
  const action = useAction();
  const end = deadlineOf(task), isOpen = task.status === "requested", need = asked(task, "need")?.valueCode, level = asked(task, "level")?.valueInteger;
  const code = said(task, "answer")?.valueCode, place = referenceId(asked(task, "asked")?.valueReference), studies = studiesOf(task);
  const drawnUp = referenceId(said(task, "referral")?.valueReference);
  const mine = referenceId(task.requester) === caller.organisation;
  const read = said(task, "answer-finding")?.valueCodeableConcept?.coding?.[0], drawnFinding = said(task, "finding")?.valueReference?.reference;
  return (
    <li class={`card consult consult-${consultState(task)}`} data-consult={task.id}>
      <div class="referral-title">
        {isOpen && end !== undefined ? <Countdown start={Date.parse(task.lastModified ?? task.authoredOn ?? "")} end={end} now={now} size={56} /> : null}
        <div>
          <div class="patient-line"><Level level={level} bare /><strong>{patientName(patient)}</strong><span>{sexOf(patient)} · {ageOf(patient)}</span><Synthetic shown={isSynthetic(patient)} /></div>
          <p class="from-to"><b>{placeName(referenceId(task.requester))}</b> → <b>{placeName(place)}</b> <span class="quiet">{ageText(task.authoredOn, now)} · {stateWords(task)}</span></p>
        </div>
      </div>
      {need && <p><b>{needName(need)}</b></p>}
      <Onset task={task} now={now} />
      <p class="banner">{asked(task, "question")?.valueString}</p>
      {studies.length > 0 && <ul class="consult-studies">{studies.map((study) => <Pictures key={study} study={study} />)}</ul>}
      {isOpen && <Chart patient={referenceId(task.for)} now={now} />}
      {code && <p class="banner consult-answer"><b>{answerWords(code)}</b> {said(task, "answer-text")?.valueString}{said(task, "telephone")?.valueString && <span class="quiet"> ☎ {said(task, "telephone")?.valueString}</span>}</p>}
      {read && <p class="consult-finding"><b>{say("소견", "Finding")}</b> {needName(read.code) || read.display}{drawnFinding && <FindingState condition={drawnFinding} />}</p>}
      {code === "transfer" && drawnUp && <p><a href={`#/referral/${drawnUp}`}>{mine ? say("의뢰 초안을 확인하고 보내기", "Look at the draft referral and send it") : say("이 협진이 이끈 의뢰", "The referral that this led to")} →</a></p>}
      {mayAnswer(task, caller.organisation, caller.role === "control-room") && !(mine && caller.role !== "control-room") && <AnswerForm task={task} caller={caller} reload={reload} />}
      {isOpen && mine && (
        <form class="step-form" onSubmit={(event) => { event.preventDefault(); void action.run(async () => { try { await takeBack(task, reason.trim()); } finally { await reload(); } }); }}>
          <Fault fault={action.fault} onClose={action.clear} />
          <label class="field"><span>{say("물음을 거두는 까닭", "Why the question is taken back")}</span><input type="text" name="take-back" value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
          <button type="submit" class="quiet-button" disabled={reason.trim() === "" || action.busy}>{say("거두기", "Take back")}</button>
        </form>
      )}
    </li>
  );
}

const ASKED_ABOUT = CLOCKED.filter((code) => code !== "Y0010"); // the server asks these for their onset

/** Asking: where, about what, since when, with which pictures. */
export function AskConsult({ patient, level, referral, onAsked }: { patient: string; level: number | undefined; referral?: string; onAsked: () => void }) {
  const [place, setPlace] = useState<Place>();
  const [need, setNeed] = useState("");
  const [onset, setOnset] = useState("");
  const [isUnknown, setUnknown] = useState(false);
  const [chosen, setChosen] = useState<string[]>([]);
  const [given, setGiven] = useState(level);
  const [question, setQuestion] = useState("");
  const studies = usePoll(`studies ${patient}`, () => readStudies(patient), 5000);
  const action = useAction();
  const places = (currentRegion()?.places ?? []).filter((candidate) => !candidate.control_room && candidate.id !== currentCaller()?.organisation);
  const isReady = place !== undefined && given !== undefined && question.trim() !== "" && (need === "" || isUnknown || onset !== "");
  const send = () => action.run(async () => {
    if (place === undefined || given === undefined) return;
    await ask({ patient, place: place.id, level: given, need, question: question.trim(), imaging: chosen, ...(isUnknown || onset === "" ? {} : { onset: fromLocalField(onset) }), ...(referral ? { referral: `Task/${referral}` } : {}) });
    setQuestion("");
    onAsked();
  });
  return (
    <form class="ask-consult" onSubmit={(event) => { event.preventDefault(); void send(); }}>
      <Fault fault={action.fault} onClose={action.clear} />
      <PlacePicker label={say("물을 기관", "Place to ask")} places={places} value={place} onChange={setPlace} />
      {level === undefined && <label class="field"><span>{say("중증도", "Level")}</span><select name="consult-level" value={given ?? ""} onChange={(event) => setGiven(Number(event.currentTarget.value) || undefined)}><option value="">–</option>{[1, 2, 3, 4, 5].map((n) => <option key={n} value={n}>{n}</option>)}</select></label>}
      <label class="field"><span>{say("무엇에 대한 물음입니까", "What it is about")}</span>
        <select name="consult-need" value={need} onChange={(event) => setNeed(event.currentTarget.value)}><option value="">{say("그 밖", "something else")}</option>{ASKED_ABOUT.map((code) => <option key={code} value={code}>{needName(code)}</option>)}</select></label>
      {need !== "" && (
        <div class="field-inline">
          <label class="field"><span>{say("발생 시각", "Onset")}</span><input type="datetime-local" name="onset" value={onset} disabled={isUnknown} onInput={(event) => setOnset(event.currentTarget.value)} /></label>
          <label class={`choice-item ${isUnknown ? "is-on" : ""}`}><input type="checkbox" checked={isUnknown} onChange={(event) => setUnknown(event.currentTarget.checked)} /> {say("모름", "not known")}</label>
        </div>
      )}
      {(studies.data ?? []).map((study) => {
        const reference = `ImagingStudy/${study.id}`;
        return <label key={study.id} class={`choice-item ${chosen.includes(reference) ? "is-on" : ""}`}><input type="checkbox" name="study" checked={chosen.includes(reference)} onChange={(event) => setChosen(event.currentTarget.checked ? [...chosen, reference] : chosen.filter((one) => one !== reference))} /> {say("영상", "Study")} {study.description ?? study.id}</label>;
      })}
      <label class="field"><span>{say("물음", "Question")}</span><textarea name="consult-question" rows={3} value={question} onInput={(event) => setQuestion(event.currentTarget.value)} /></label>
      <button type="submit" class="main-button" disabled={!isReady || action.busy}>{say("협진 묻기", "Ask")}</button>
    </form>
  );
}
