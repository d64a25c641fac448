// What the caller may do now: the legal steps of the country's table, each with what it needs. Every one is a PUT of the Task.
import { useState } from "preact/hooks";
import type { Caller } from "../caller";
import { asBase64 } from "../chart";
import { create, update } from "../client";
import { BASE, referenceId, type DocumentReference, type Task } from "../fhir";
import { say } from "../language";
import { serverNow } from "../moment";
import { useAction } from "../poll";
import { business, changed, hasDeparted, isOpen, legalSteps, levelOf, rankOf, retriaged, rolling, stepName } from "../referral";
import { currentRegion, findPlace, placeName, type Place } from "../region";
import { declineReasons, named, type TransitionRow } from "../tables";
import { Choice, Fault, Level, levelWord } from "./marks";
import { PlacePicker } from "./place_picker";

interface StepProps { caller: Caller; loop: Task; offers: readonly Task[]; reload: () => Promise<void> }

/** The loudest first; a step of few words is one tap, the others open their form. */
const LOUD = new Set(["depart", "arrive", "take-over", "return", "acknowledge", "accept", "designate", "keep-destination"]);
const ENDING = ["cancel", "refuse", "die"];
const ONE_TAP = new Set(["depart", "arrive", "take-over", "acknowledge", "keep-destination", "accept", "ask-controller"]);

export function LoopSteps(props: StepProps) {
  const { caller, loop, offers, reload } = props;
  const [open, setOpen] = useState<string>();
  const action = useAction();
  const steps = legalSteps(caller, loop, offers, loop);
  const isSender = (referenceId(loop.requester) === caller.organisation || caller.role === "crew") && caller.role !== "control-room";
  const canRoll = isSender && !hasDeparted(loop) && ["offered", "rerouted", "with-controller"].includes(business(loop));
  const canRetriage = referenceId(loop.requester) === caller.organisation && isOpen(loop) && !["in-care", "back-referred"].includes(business(loop));
  const run = (task: Task) => action.run(async () => {
    try {
      await update(task);
      setOpen(undefined);
    } finally {
      await reload();
    }
  });
  const oneTap = (step: TransitionRow) => run(changed(loop, step, step.trigger === "depart" && loop.location !== undefined ? { location: referenceId(loop.location) } : {}));
  if (steps.length === 0 && !canRoll && !canRetriage) return <Fault fault={action.fault} onClose={action.clear} />;
  const loud = steps.filter((step) => LOUD.has(step.trigger));
  const quiet = steps.filter((step) => !LOUD.has(step.trigger) && !ENDING.includes(step.trigger));
  const ending = ENDING.flatMap((trigger) => steps.filter((step) => step.trigger === trigger));
  const button = (step: TransitionRow, className: string) => (
    <button key={step.trigger} type="button" data-step={step.trigger} class={className} disabled={action.busy} aria-expanded={ONE_TAP.has(step.trigger) ? undefined : open === step.trigger}
      onClick={() => (ONE_TAP.has(step.trigger) ? void oneTap(step) : setOpen(open === step.trigger ? undefined : step.trigger))}>{stepName(step)}</button>
  );
  const opened = steps.find((step) => step.trigger === open);
  return (
    <section class="card steps" aria-label={say("할 수 있는 일", "what you can do")}>
      <div class="step-buttons">
        {loud.map((step) => button(step, step.trigger === "arrive" && step.from_status === "accepted" ? "second-button" : "main-button"))}
        {canRoll && <button type="button" data-step="roll" class="second-button" aria-expanded={open === "roll"} disabled={action.busy} onClick={() => setOpen(open === "roll" ? undefined : "roll")}>{say("수락 전에 먼저 출발", "Leave before acceptance")}</button>}
        {quiet.map((step) => button(step, "second-button"))}
        <span class="step-end">
        {canRetriage && <button type="button" data-step="retriage" class="quiet-button" aria-expanded={open === "retriage"} disabled={action.busy} onClick={() => setOpen(open === "retriage" ? undefined : "retriage")}>{say("재분류", "Re-triage")}</button>}
        {ending.map((step) => button(step, "quiet-button"))}
        </span>
      </div>
      {opened !== undefined && <StepForm key={opened.trigger} {...props} step={opened} busy={action.busy} run={run} />}
      {open === "roll" && canRoll && <RollForm offers={offers} busy={action.busy} onGo={(place) => void run(rolling(loop, place))} />}
      {open === "retriage" && canRetriage && <RetriageForm level={levelOf(loop)} busy={action.busy} onLevel={(level) => void run(retriaged(loop, level))} />}
      <Fault fault={action.fault} onClose={action.clear} />
    </section>
  );
}

type FormProps = StepProps & { step: TransitionRow; busy: boolean; run: (task: Task) => Promise<boolean> };

function StepForm(props: FormProps) {
  switch (props.step.trigger) {
    case "return": return <LetterForm {...props} />;
    case "die": return <ConfirmForm {...props} text={say("사망으로 기록하고 의뢰를 끝냅니다.", "Records the death and ends the referral.")} />;
    case "cancel":
    case "refuse": return <ReasonForm {...props} />;
    case "designate": return <DestinationForm {...props} as="owner" isRequired label={say("지정할 기관", "Place to designate")} />;
    case "offer-next": return <DestinationForm {...props} as="owner" label={say("물을 기관 (비우면 다음 순위)", "Place to ask (empty: the next by rank)")} />;
    case "divert": return <DestinationForm {...props} as="location" label={say("새 목적지 (비우면 순위대로 묻습니다)", "New destination (empty: asked by rank)")} />;
    case "depart-now": return <DestinationForm {...props} as="location" isRequired label={say("목적지", "Destination")} />;
    default: return <ConfirmForm {...props} text={stepName(props.step)} />;
  }
}

function ConfirmForm({ loop, step, busy, run, text }: FormProps & { text: string }) {
  return <div class="step-form"><p>{text}</p><button type="button" class="danger-button" disabled={busy} onClick={() => void run(changed(loop, step))}>{say("확인", "Confirm")}</button></div>;
}

function ReasonForm({ loop, step, busy, run }: FormProps) {
  const [reason, setReason] = useState("");
  const quick = step.trigger === "refuse" ? [say("환자가 이송을 원하지 않음", "the patient does not want to be moved"), say("보호자가 다른 기관을 원함", "the family wants another place")]
    : [say("증상이 좋아짐", "the patient got better"), say("잘못 보냄", "sent by mistake"), say("직접 방문하기로 함", "goes by own means")];
  return (
    <form class="step-form" onSubmit={(event) => { event.preventDefault(); if (reason.trim() !== "") void run(changed(loop, step, { reasonText: reason.trim() })); }}>
      <div class="chips">{quick.map((text) => <button key={text} type="button" class={`chip ${reason === text ? "is-on" : ""}`} onClick={() => setReason(text)}>{text}</button>)}</div>
      <label class="field"><span>{say("이유 (필수)", "Reason (required)")}</span><input type="text" value={reason} maxLength={300} onInput={(event) => setReason(event.currentTarget.value)} /></label>
      <button type="submit" class="danger-button" disabled={busy || reason.trim() === ""}>{stepName(step)}</button>
    </form>
  );
}

function DestinationForm({ loop, offers, step, busy, run, as, label, isRequired }: FormProps & { as: "owner" | "location"; label: string; isRequired?: boolean }) {
  const best = isRequired ? findPlace(referenceId([...offers].filter(isOpen).sort((a, b) => rankOf(a) - rankOf(b))[0]?.owner)) : undefined;
  const [place, setPlace] = useState<Place | undefined>(best);
  const [reason, setReason] = useState("");
  const needsReason = step.reason_required === "yes";
  const asked = offers.map((offer) => ({ offer, place: findPlace(referenceId(offer.owner)) }));
  const go = (event: Event) => {
    event.preventDefault();
    void run(changed(loop, step, { ...(place === undefined ? {} : { [as]: place.id }), ...(reason.trim() === "" ? {} : { reasonText: reason.trim() }) }));
  };
  return (
    <form class="step-form" onSubmit={go}>
      <div class="chips">
        {asked.map(({ offer, place: candidate }) => candidate && (
          <button key={offer.id} type="button" class={`chip ${place?.id === candidate.id ? "is-on" : ""}`} onClick={() => setPlace(candidate)}>{placeName(candidate.id)}</button>
        ))}
      </div>
      <PlacePicker label={label} places={currentRegion()?.places ?? []} value={place} onChange={setPlace} />
      {needsReason && <label class="field"><span>{say("이유 (필수)", "Reason (required)")}</span><input type="text" value={reason} maxLength={300} onInput={(event) => setReason(event.currentTarget.value)} /></label>}
      <button type="submit" class="main-button" disabled={busy || (isRequired && place === undefined) || (needsReason && reason.trim() === "")}>{stepName(step)}{place && <small>{placeName(place.id)}</small>}</button>
    </form>
  );
}

function RollForm({ offers, busy, onGo }: { offers: readonly Task[]; busy: boolean; onGo: (place: string) => void }) {
  const best = [...offers].filter(isOpen).sort((a, b) => rankOf(a) - rankOf(b))[0];
  const [place, setPlace] = useState<Place | undefined>(findPlace(referenceId(best?.owner)));
  return (
    <form class="step-form" onSubmit={(event) => { event.preventDefault(); if (place) onGo(place.id); }}>
      <p class="quiet">{say("이 목적지로 떠납니다. 어느 곳이 받아들이면 목적지가 그곳이 됩니다.", "The ambulance heads there; whoever accepts becomes the destination.")}</p>
      <PlacePicker label={say("우선 향할 곳", "Head for")} places={currentRegion()?.places ?? []} value={place} onChange={setPlace} />
      <button type="submit" class="main-button" disabled={busy || place === undefined}>{say("출발", "Depart")}</button>
    </form>
  );
}

/** Chosen, then recorded: arrow keys pass over levels that nobody meant. */
function RetriageForm({ level, busy, onLevel }: { level: number | undefined; busy: boolean; onLevel: (level: number) => void }) {
  const [next, setNext] = useState(level ?? 0);
  return (
    <form class="step-form" onSubmit={(event) => { event.preventDefault(); if (next !== 0 && next !== level) onLevel(next); }}>
      <Choice wide name="retriage" label={say("새 단계", "new level")} value={next} onChange={setNext}
        options={[1, 2, 3, 4, 5].map((value) => ({ value, text: <><Level level={value} bare /><small>{levelWord(value)}</small></>, className: "choice-level" }))} />
      <button type="submit" class="main-button" disabled={busy || next === 0 || next === level}>{say("재분류 기록", "Record the new level")}</button>
    </form>
  );
}

/* ---- the return letter (회송서) --------------------------------------------------------------------------------------------------- */

function LetterForm({ caller, loop, step, busy, run, reload }: FormProps) {
  const [words, setWords] = useState({ diagnosis: "", treatment: "", medicines: "", advice: "" });
  const action = useAction();
  const fields: [keyof typeof words, string][] = [
    ["diagnosis", say("진단", "Diagnosis")], ["treatment", say("한 치료와 검사", "Treatment and tests")], ["medicines", say("퇴원 약", "Medicines on return")],
    ["advice", say("보낸 곳에 부탁하는 일·다음 진료", "What the sender is asked to do, next visit")],
  ];
  const isReady = words.diagnosis.trim() !== "" && words.treatment.trim() !== "";
  const send = (event: Event) => {
    event.preventDefault();
    if (!isReady) return;
    void action.run(async () => {
      const text = fields.filter(([key]) => words[key].trim() !== "").map(([key, label]) => `${label}\n${words[key].trim()}`).join("\n\n");
      const letter = await create<DocumentReference>({
        resourceType: "DocumentReference", status: "current", type: { coding: [{ system: "http://loinc.org", code: "11488-4", display: "Consult note" }], text: "회송서 · return letter" },
        subject: loop.for, date: new Date(serverNow()).toISOString(), custodian: { reference: `Organization/${caller.organisation}` }, description: words.diagnosis.trim(),
        ...(loop.meta?.tag === undefined ? {} : { meta: { tag: [{ system: `${BASE}/CodeSystem/label`, code: "synthetic" }] } }),
        content: [{ attachment: { contentType: "text/plain; charset=utf-8", title: "회송서 · return letter", data: asBase64(text) } }],
      } as DocumentReference);
      if (!(await run(changed(loop, step, { letter: `DocumentReference/${letter.id}` })))) await reload();
    });
  };
  return (
    <form class="step-form letter-form" onSubmit={send}>
      {fields.map(([key, label]) => (
        <label key={key} class="field"><span>{label}{key === "diagnosis" || key === "treatment" ? say(" (필수)", " (required)") : ""}</span>
          <textarea name={key} rows={key === "diagnosis" ? 1 : 2} maxLength={4000} value={words[key]} onInput={(event) => setWords({ ...words, [key]: event.currentTarget.value })} />
        </label>
      ))}
      <Fault fault={action.fault} onClose={action.clear} />
      <button type="submit" class="main-button" disabled={busy || action.busy || !isReady}>{say("회송서 보내기", "Send the return letter")}</button>
    </form>
  );
}

/* ---- answers to an offer ------------------------------------------------------------------------------------------------------------ */

/** The receiver's own answer, or one heard by telephone: who spoke is then written down. */
export function OfferAnswer({ caller, loop, offers, offer, reload }: StepProps & { offer: Task }) {
  const [isDeclining, setDeclining] = useState(false);
  const [speaker, setSpeaker] = useState("");
  const [words, setWords] = useState("");
  const action = useAction();
  const steps = legalSteps(caller, loop, offers, offer);
  const own = { accept: steps.find((s) => s.trigger === "accept"), decline: steps.find((s) => s.trigger === "decline") };
  const heard = { accept: steps.find((s) => s.trigger === "record-acceptance"), decline: steps.find((s) => s.trigger === "record-decline") };
  const isOwn = own.accept !== undefined || own.decline !== undefined;
  const accept = isOwn ? own.accept : heard.accept, decline = isOwn ? own.decline : heard.decline;
  if (accept === undefined && decline === undefined) return <Fault fault={action.fault} onClose={action.clear} />; // why the answer came too late
  const isSaid = isOwn || speaker.trim() !== "";
  const answer = (step: TransitionRow, declineReason?: string) => action.run(async () => {
    try {
      await update(changed(offer, step, { declineReason, reasonText: declineReason === "other" ? words.trim() : undefined, telephone: isOwn ? undefined : speaker.trim() }));
      setDeclining(false);
    } finally {
      await reload();
    }
  });
  return (
    <div class={`answer ${isOwn ? "" : "answer-heard"}`}>
      {!isOwn && (
        <label class="field"><span>☎ {say("전화로 답한 사람", "Who answered the telephone")}</span>
          <input type="text" name="speaker" value={speaker} maxLength={80} autocomplete="off" placeholder={say("예: 응급실 김○○ 당직의", "e.g. Dr Kim, ED on duty")} onInput={(event) => setSpeaker(event.currentTarget.value)} />
        </label>
      )}
      <div class="step-buttons">
        {accept && <button type="button" data-answer="accept" class="accept-button" disabled={action.busy || !isSaid} onClick={() => void answer(accept)}>{isOwn ? say("수용", "Accept") : say("전화로 수용함", "Accepted by telephone")}</button>}
        {decline && <button type="button" data-answer="decline" class={accept === undefined ? "quiet-button" : "decline-button"} aria-expanded={isDeclining} disabled={action.busy || !isSaid} onClick={() => setDeclining(!isDeclining)}>{accept === undefined ? say("수용 철회", "Withdraw acceptance") : isOwn ? say("수용 불가", "Decline") : say("전화로 거절함", "Declined by telephone")}</button>}
      </div>
      {isDeclining && decline && (
        <div class="decline-reasons" role="group" aria-label={say("거절 이유: 누르면 바로 보냅니다", "reason: one tap sends it")}>
          <p class="quiet">{say("이유를 누르면 바로 기록됩니다.", "One tap on a reason records it.")}</p>
          {declineReasons.filter((reason) => reason.code !== "other").map((reason) => (
            <button key={reason.code} type="button" data-reason={reason.code} class="reason-button" disabled={action.busy} onClick={() => void answer(decline, reason.code)}>{named(reason)}</button>
          ))}
          <form class="other-reason" onSubmit={(event) => { event.preventDefault(); if (words.trim() !== "") void answer(decline, "other"); }}>
            <input type="text" aria-label={say("다른 이유", "other reason")} placeholder={say("다른 이유를 적기", "another reason, in words")} value={words} maxLength={300} onInput={(event) => setWords(event.currentTarget.value)} />
            <button type="submit" class="second-button" disabled={action.busy || words.trim() === ""}>{say("기록", "Record")}</button>
          </form>
        </div>
      )}
      <Fault fault={action.fault} onClose={action.clear} />
    </div>
  );
}
