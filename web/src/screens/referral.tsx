// One referral: where it stands, who must act by when, the places asked, the way on the map, the chart, everything that happened.
import { useState } from "preact/hooks";
import type { Caller } from "../caller";
import { letterText, patientName, readChart, type Chart } from "../chart";
import { read } from "../client";
import { readKept } from "../decision";
import { isSynthetic, referenceId, type DocumentReference, type Task } from "../fhir";
import { readReferral, type Referral } from "../history";
import { say } from "../language";
import { ageText, clockText, useServerNow } from "../moment";
import { CertainNeed, NoticeExcluded } from "../parts/certain_card";
import { AskConsult } from "../parts/consult_card";
import { DraftCard, isDraft } from "../parts/draft_card";
import { ChartCard, PatientLine } from "../parts/chart_card";
import { MapView } from "../parts/map_view";
import { Countdown, Due, Fault, Freshness, Level, Loading, State } from "../parts/marks";
import { LoopSteps, OfferAnswer } from "../parts/steps";
import { SummaryCard } from "../parts/summary_card";
import { TwoLegs } from "../parts/two_legs";
import { Timeline, Way } from "../parts/timeline";
import { usePoll } from "../poll";
import { deadlineOf, declineReasonOf, inputOf, isOpen, letterOf, levelOf, rankOf, telephoneOf, waitedFor } from "../referral";
import { placeName } from "../region";
import { reasonName } from "../tables";

interface Seen { referral: Referral; chart: Chart; letter: DocumentReference | undefined }
const CHART_EVERY = 4; // looks: the chart changes less than the referral

export function ReferralScreen({ id, caller }: { id: string; caller: Caller }) {
  const [cache] = useState<{ chart?: Chart; looks: number; patient?: string }>({ looks: 0 });
  const seen = usePoll<Seen>(`referral ${id} ${caller.organisation}`, async () => {
    const referral = await readReferral(id);
    const patient = referenceId(referral.loop.for);
    if (cache.chart === undefined || cache.patient !== patient || cache.looks++ % CHART_EVERY === 0) cache.chart = await readChart(patient);
    cache.patient = patient;
    const letter = letterOf(referral.loop)?.reference;
    return { referral, chart: cache.chart, letter: letter?.startsWith("DocumentReference/") ? await read<DocumentReference>(letter) : undefined };
  });
  const now = useServerNow();
  if (seen.data === undefined) return seen.fault ? <div class="wide"><Fault fault={seen.fault} /></div> : <Loading />;
  const { referral: { loop, offers, events }, chart, letter } = seen.data;
  const destination = referenceId(loop.location) || undefined;
  const origin = referenceId(loop.requester);
  const end = deadlineOf(loop);
  const question = inputOf(loop, "question")?.valueString;
  const decision = inputOf(loop, "decision")?.valueReference?.reference;
  return (
    <div class="referral">
      <h1 class="sr-only">{say("의뢰", "Referral")} {patientName(chart.patient)}</h1>
      <Freshness of={seen} />
      <section class="card referral-head">
        <div class="referral-title">
          <Level level={levelOf(loop)} large />
          <div>
            <PatientLine chart={chart} />
            <p class="from-to"><b>{placeName(origin, loop.requester?.display)}</b> → <b>{destination ? placeName(destination, loop.location?.display) : say("정해지지 않음", "not yet known")}</b></p>
          </div>
        </div>
        <div class="referral-state">
          <State task={loop} />
          {isOpen(loop) && end !== undefined && (
            <div class="who-acts"><Countdown start={Date.parse(loop.lastModified ?? loop.meta?.lastUpdated ?? "")} end={end} now={now} /><div><small>{say("지금 할 차례", "must act")}</small><b>{placeName(referenceId(loop.owner), waitedFor(loop) ?? loop.owner?.display)}</b><small>{clockText(end)} {say("까지", "at the latest")}</small></div></div>
          )}
        </div>
        <Way loop={loop} events={events} />
      </section>
      {decision && <DecisionNotes decision={decision} now={now} />}
      {isDraft(loop) && loop.focus?.reference && <DraftCard loop={loop} caller={caller} reload={seen.reload} />}
      <LoopSteps caller={caller} loop={loop} offers={offers} reload={seen.reload} />
      {question && <p class="banner"><b>{say("보낸 곳의 말", "From the sender")}</b> {question}</p>}
      {letter && <LetterCard letter={letter} now={now} />}
      <div class="referral-grid">
        <div>
          <OfferCards caller={caller} loop={loop} offers={offers} now={now} reload={seen.reload} />
          <ChartCard chart={chart} now={now} />
          <SummaryCard patientId={referenceId(loop.for)} />
          {isOpen(loop) && <details class="card"><summary><h2>{say("전문의에게 협진 묻기", "Ask a specialist (e-consult)")}</h2></summary><AskConsult patient={referenceId(loop.for)} level={levelOf(loop)} referral={id} onAsked={() => { location.hash = "#/consults"; }} /></details>}
        </div>
        <div>
          <MapView marks={{ origin, destination, asked: offers.map((offer) => referenceId(offer.owner)), numbered: offers.map((offer) => ({ place: referenceId(offer.owner), rank: rankOf(offer), isChosen: referenceId(offer.owner) === destination })).filter((n) => n.rank > 0) }} />
          <section class="card"><h2>{say("지나온 길", "What happened")}</h2><Timeline events={events} now={now} /></section>
        </div>
      </div>
    </div>
  );
}

/** What the choice took as certain, and whom it left out by their own notice. */
function DecisionNotes({ decision, now }: { decision: string; now: number }) {
  const kept = usePoll(`kept ${decision}`, () => readKept(decision), 60000);
  if (kept.data === undefined) return null;
  return <><CertainNeed certain={kept.data.certain} now={now} isDecided /><NoticeExcluded excluded={kept.data.noticed} /></>;
}

export function OfferCards({ caller, loop, offers, now, reload }: { caller: Caller; loop: Task; offers: readonly Task[]; now: number; reload: () => Promise<void> }) {
  if (offers.length === 0) return null;
  return (
    <section class="card">
      <h2>{say("물은 기관", "Places asked")} <small class="quiet">{offers.length}</small></h2>
      <ul class="offers">
        {offers.map((offer) => {
          const end = deadlineOf(offer), reason = declineReasonOf(offer), spoken = telephoneOf(offer);
          const isWaiting = isOpen(offer) && offer.status === "requested";
          return (
            <li key={offer.id} class={isWaiting ? "is-waiting" : ""}>
              <div class="offer-row">
                {isWaiting && end !== undefined ? <Countdown start={Date.parse(offer.authoredOn ?? "")} end={end} now={now} size={52} /> : <span class="option-rank">{rankOf(offer) || "·"}</span>}
                <div class="offer-name"><strong>{placeName(referenceId(offer.owner), offer.owner?.display)}</strong>
                  <small>{[isWaiting ? say(`${ageText(offer.authoredOn, now)} 물음`, `asked ${ageText(offer.authoredOn, now)}`) : "", reason ? reasonName(reason) : "", offer.statusReason?.text && reason === "other" ? offer.statusReason.text : "", spoken ? `☎ ${spoken}` : ""].filter(Boolean).join(" · ")}</small>
                </div>
                <State task={offer} />
                {isWaiting && <span class="sr-only"><Due task={offer} end={end} now={now} /></span>}
              </div>
              <TwoLegs offer={offer} />
              <OfferAnswer caller={caller} loop={loop} offers={offers} offer={offer} reload={reload} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function LetterCard({ letter, now }: { letter: DocumentReference; now: number }) {
  return (
    <section class="card letter">
      <h2>{say("회송서", "Return letter")} <small class="quiet">{ageText(letter.date, now)}</small>{isSynthetic(letter) && <span class="tag tag-synthetic">{say("합성", "synthetic")}</span>}</h2>
      <p class="letter-text">{letterText(letter)}</p>
    </section>
  );
}
