// The receiving side: offers with their countdowns, the chart beside the answer, patients on the way and in care.
import { useRef, useState } from "preact/hooks";
import type { Caller } from "../caller";
import { ageOf, patientName, readChart, sexOf } from "../chart";
import { operation } from "../client";
import { CLOCKED } from "../consult";
import { readReading, sentenceIn } from "../decision";
import { isSynthetic, referenceId, type Task } from "../fhir";
import { say } from "../language";
import { ageText, useServerNow } from "../moment";
import { ChartCard } from "../parts/chart_card";
import { Countdown, Due, Empty, Fault, Freshness, Level, Loading, State, Synthetic } from "../parts/marks";
import { LoopSteps, OfferAnswer } from "../parts/steps";
import { SummaryCard } from "../parts/summary_card";
import { TwoLegs } from "../parts/two_legs";
import { usePoll } from "../poll";
import { business, deadlineOf, inputOf, isOpen, levelOf, loopId } from "../referral";
import { findPlace, placeName } from "../region";
import { needName } from "../tables";
import { patientOf, readAsked, type Worklist } from "../worklist";

const CHART_MS = 8000;

export function InboxScreen({ caller, chosen }: { caller: Caller; chosen: string | undefined }) {
  const list = usePoll(`inbox ${caller.organisation}`, () => readAsked(caller.organisation), 2000);
  const now = useServerNow();
  const shown = useRef<string | undefined>(undefined);
  if (list.data === undefined) return list.fault ? <div class="wide"><Fault fault={list.fault} /></div> : <Loading />;
  const data = list.data;
  const mine = data.offers.filter((offer) => referenceId(offer.owner) === caller.organisation);
  const waiting = mine.filter((offer) => offer.status === "requested").sort((a, b) => (deadlineOf(a) ?? 0) - (deadlineOf(b) ?? 0));
  const loopOf = (offer: Task) => data.loops.find((loop) => loop.id === loopId(offer));
  const taken = [...new Map([...mine.filter((offer) => ["accepted", "fulfilled"].includes(business(offer))).map(loopOf), ...data.loops.filter((loop) => referenceId(loop.location) === caller.organisation)]
    .filter((loop): loop is Task => loop !== undefined && isOpen(loop)).map((loop) => [loop.id, loop])).values()].sort((a, b) => (deadlineOf(a) ?? 0) - (deadlineOf(b) ?? 0));
  const known = (id: string | undefined) => mine.find((offer) => offer.id === id) ?? data.loops.find((loop) => loop.id === id);
  const current = known(chosen) ?? known(shown.current) ?? waiting[0] ?? taken[0]; // another patient never slips under the hand that answers
  shown.current = current?.id;
  return (
    <div class={`inbox ${chosen ? "has-chosen" : ""}`}>
      <h1 class="sr-only inbox-heading">{say("수용 문의", "Offers")}</h1>
      <div class="inbox-list">
        <div class="screen-head"><h1>{say("수용 문의", "Offers")}</h1><span class="quiet">{placeName(caller.organisation)}</span></div>
        <Freshness of={list} />
        {waiting.length === 0 && <Empty title={say("기다리는 문의가 없습니다", "No offer is waiting")}>{say("새 문의는 저절로 나타납니다.", "New offers appear by themselves.")}</Empty>}
        <ul class="rows">{waiting.map((offer) => <OfferRow key={offer.id} offer={offer} loop={loopOf(offer)} list={data} now={now} isOn={offer.id === current?.id} />)}</ul>
        <h2>{say("받기로 한 환자", "Accepted patients")} <small class="quiet">{taken.length}</small></h2>
        {taken.length === 0 && <p class="quiet">{say("없음", "none")}</p>}
        <ul class="rows">{taken.map((loop) => <TakenRow key={loop.id} loop={loop} list={data} now={now} isOn={loop.id === current?.id} />)}</ul>
      </div>
      {current && <Detail key={current.id} task={current} caller={caller} list={data} now={now} reload={list.reload} />}
    </div>
  );
}

function OfferRow({ offer, loop, list, now, isOn }: { offer: Task; loop: Task | undefined; list: Worklist; now: number; isOn: boolean }) {
  const patient = patientOf(list, offer), end = deadlineOf(offer);
  return (
    <li class={isOn ? "is-on" : ""}>
      <a href={`#/inbox/${offer.id}`} class="row" data-offer={offer.id}>
        {end !== undefined && <Countdown start={Date.parse(offer.authoredOn ?? "")} end={end} now={now} size={56} />}
        <span class="row-main"><Level level={levelOf(offer) ?? (loop && levelOf(loop))} /> <strong>{patientName(patient)}</strong> <Synthetic shown={isSynthetic(patient)} />
          <small>{sexOf(patient)} · {ageOf(patient)} · {placeName(referenceId(offer.requester ?? loop?.requester), offer.requester?.display)}</small>
        </span>
      </a>
    </li>
  );
}

function TakenRow({ loop, list, now, isOn }: { loop: Task; list: Worklist; now: number; isOn: boolean }) {
  const patient = patientOf(list, loop);
  return (
    <li class={isOn ? "is-on" : ""}>
      <a href={`#/inbox/${loop.id}`} class="row" data-loop={loop.id}>
        <Level level={levelOf(loop)} bare />
        <span class="row-main"><strong>{patientName(patient)}</strong> <span class="quiet">{sexOf(patient)} · {ageOf(patient)}</span> <Synthetic shown={isSynthetic(patient)} /><small>{placeName(referenceId(loop.requester), loop.requester?.display)}</small></span>
        <span class="row-state"><State task={loop} /><Due task={loop} end={deadlineOf(loop)} now={now} /></span>
      </a>
    </li>
  );
}

function Detail({ task, caller, list, now, reload }: { task: Task; caller: Caller; list: Worklist; now: number; reload: () => Promise<void> }) {
  const patientId = referenceId(task.for);
  const loop = list.loops.find((candidate) => candidate.id === (loopId(task) || task.id));
  const offers = list.offers.filter((offer) => loopId(offer) === loop?.id);
  const level = (loop && levelOf(loop)) ?? levelOf(task);
  const chart = usePoll(`chart ${patientId}`, () => readChart(patientId), CHART_MS);
  const [asked] = useState(level);
  const reading = usePoll(`reading ${patientId} ${asked}`, async () => readReading(await operation("$triage", [
    { name: "patient", valueReference: { reference: `Patient/${patientId}` } }, ...(asked ? [{ name: "human-level", valueInteger: asked }] : []), { name: "save", valueBoolean: false },
  ])), 60000);
  const patient = patientOf(list, task);
  const offer = offers.find((candidate) => candidate.id === task.id) ?? offers.find((candidate) => isOpen(candidate) && referenceId(candidate.owner) === caller.organisation);
  const question = inputOf(loop ?? task, "question")?.valueString ?? inputOf(task, "question")?.valueString;
  const from = findPlace(referenceId(loop?.requester ?? task.requester));
  const end = offer && deadlineOf(offer);
  return (
    <div class="inbox-detail">
      <a class="back" href="#/inbox">← {say("목록", "List")}</a>
      <section class="card">
        <div class="referral-title"><Level level={level} large /><div>
          <div class="patient-line"><strong>{patientName(patient)}</strong><span>{sexOf(patient)} · {ageOf(patient)}</span><Synthetic shown={isSynthetic(patient)} /></div>
          <p class="from-to">{say("보낸 곳", "From")} <b>{placeName(from?.id, loop?.requester?.display)}</b> <span class="quiet">{ageText(task.authoredOn, now)}</span></p>
        </div>{offer && isOpen(offer) && offer.status === "requested" && end !== undefined ? <Countdown start={Date.parse(offer.authoredOn ?? offer.lastModified ?? "")} end={end} now={now} /> : loop && <State task={loop} />}</div>
        {reading.data && reading.data.needs.length > 0 && <ul class="needs">{reading.data.needs.map((need) => <li key={need.code}><strong>{needName(need.code) || need.display}</strong>{need.window !== undefined && <span class="quiet">{say(`${need.window}분 안`, `within ${need.window} min`)}</span>}<p>{sentenceIn(need)}</p></li>)}</ul>}
        {question && <p class="banner"><b>{say("보낸 곳의 말", "From the sender")}</b> {question}</p>}
        {offer && <TwoLegs offer={offer} />}
        {offer && loop && <OfferAnswer caller={caller} loop={loop} offers={offers} offer={offer} reload={reload} />}
        {loop === undefined && <p class="quiet">{say("의뢰를 읽을 수 없습니다", "the referral cannot be read")}</p>}
      </section>
      {loop && <LoopSteps caller={caller} loop={loop} offers={offers} reload={reload} />}
      <Fault fault={chart.fault} />
      {chart.data ? <ChartCard chart={chart.data} now={now} isClocked={reading.data?.needs.some((need) => CLOCKED.includes(need.code)) ?? false} /> : <Loading />}
      <SummaryCard patientId={patientId} />
      {loop && <p><a href={`#/referral/${loop.id}`}>{say("의뢰의 지나온 길과 지도 보기", "See the referral's way and map")} →</a></p>}
    </div>
  );
}
