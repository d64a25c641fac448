// Small marks that every screen uses: level, state, countdown, faults, labels.
import type { ComponentChildren } from "preact";
import type { ServerFault } from "../client";
import { say } from "../language";
import { durationText } from "../moment";
import type { Polled } from "../poll";
import { business, isOpen, stateName } from "../referral";
import type { Task } from "../fhir";

/** The words of KTAS levels. */
export const levelWord = (level: number | undefined): string =>
  ["", say("소생", "Resuscitation"), say("긴급", "Emergent"), say("응급", "Urgent"), say("준응급", "Less urgent"), say("비응급", "Non-urgent")][level ?? 0] ?? "";

/** Colour is never alone: the number is in it, the word beside it. */
export function Level({ level, large, bare }: { level: number | undefined; large?: boolean; bare?: boolean }) {
  if (!level) return <span class="level level-0" title={say("중증도 모름", "level unknown")}>?</span>;
  return (
    <span class={`level-mark ${large ? "level-large" : ""}`}>
      <span class={`level level-${level}`} role="img" aria-label={say(`중증도 ${level}단계 ${levelWord(level)}`, `level ${level}, ${levelWord(level)}`)}>{level}</span>
      {!bare && <span class="level-word">{levelWord(level)}</span>}
    </span>
  );
}

const TONES: Record<string, string> = {
  offered: "wait", rerouted: "wait", "with-controller": "alert", designated: "good", accepted: "good", "en-route": "move", diverted: "alert", arrived: "move", "in-care": "good",
  "back-referred": "wait", "loop-acknowledged": "done", declined: "bad", expired: "bad", withdrawn: "done", fulfilled: "good", died: "done",
};
export function State({ task }: { task: Task }) {
  return <span class={`state state-${TONES[business(task)] ?? "done"}`}>{stateName(task)}</span>;
}

export function Synthetic({ shown }: { shown: boolean }) {
  return shown ? <span class="tag tag-synthetic">{say("합성 환자", "Synthetic")}</span> : null;
}

export function Estimated() {
  return <span class="tag tag-estimated" title={say("도로망이 아니라 모형으로 계산한 값", "by a model, not by a road graph")}>{say("추정", "estimated")}</span>;
}

/** How much of a deadline is left, as a ring with its time in words; overdue says so. */
export function Countdown({ start, end, now, size = 64 }: { start: number; end: number; now: number; size?: number }) {
  const left = end - now;
  const share = Math.max(0, Math.min(1, left / Math.max(end - start, 1)));
  const radius = size / 2 - 4;
  const round = 2 * Math.PI * radius;
  const tone = left <= 0 ? "over" : share < 0.25 ? "low" : "fine";
  const shown = Math.abs(left) >= 3600000 ? (Math.abs(left) >= 86400000 ? `${Math.floor(Math.abs(left) / 86400000)}${say("일", "d")}` : `${Math.floor(Math.abs(left) / 3600000)}${say("시간", "h")}`) : clock(left);
  const spoken = left <= 0 ? say(`${durationText(left)} 지남`, `${durationText(left)} overdue`) : say(`${durationText(left)} 남음`, `${durationText(left)} left`);
  return (
    <span class={`ring ring-${tone}`} role="timer" aria-label={spoken} title={spoken} style={`width:${size}px;height:${size}px`}>
      <svg viewBox={`0 0 ${size} ${size}`} aria-hidden="true">
        <circle class="ring-track" cx={size / 2} cy={size / 2} r={radius} />
        <circle class="ring-left" cx={size / 2} cy={size / 2} r={radius} stroke-dasharray={`${round * (left <= 0 ? 1 : share)} ${round}`} transform={`rotate(-90 ${size / 2} ${size / 2})`} />
      </svg>
      <span class="ring-text">{left < 0 ? "+" : ""}{shown}</span>
    </span>
  );
}

function clock(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A deadline in words, for lists. */
export function Due({ task, end, now }: { task: Task; end: number | undefined; now: number }) {
  if (!isOpen(task)) return null;
  if (end === undefined) return <span class="due due-over">{say("시한 없음", "no deadline")}</span>;
  const left = end - now;
  return left < 0 ? (
    <span class="due due-over">{say(`${durationText(left)} 지남`, `${durationText(left)} overdue`)}</span>
  ) : (
    <span class={`due ${left < 120000 ? "due-low" : ""}`}>{say(`${durationText(left)} 남음`, `${durationText(left)} left`)}</span>
  );
}

/** What happened in the reader's language; the server's own words, which name the element, follow. */
function faultTitle({ status, isStale, isLost }: ServerFault): string {
  if (isStale) return say("그사이 상태가 바뀌어 다시 읽었습니다.", "It changed meanwhile; it was read again.");
  if (isLost) return say("서버의 답을 받지 못했습니다.", "No answer came from the server.");
  if (status === 403) return say("이 역할과 기관으로는 할 수 없습니다.", "This role and place may not do that.");
  if (status === 404 || status === 410) return say("그런 기록이 없거나 지워졌습니다.", "There is no such record, or it was deleted.");
  if (status === 400 || status === 422) return say("서버가 적은 값을 받아들이지 않았습니다.", "The server did not accept what was written.");
  if (status >= 500) return say("서버가 지금 처리하지 못합니다. 잠시 뒤에 다시 하십시오.", "The server cannot do that now. Try again in a moment.");
  return say("처리하지 못했습니다.", "That did not work.");
}

/** Above what is looked at again and again: that the server is gone or slow, and how old is what is shown. */
export function Freshness({ of }: { of: Polled<unknown> }) {
  if (of.fault === undefined && !of.isLate) return null;
  const age = of.readAt === undefined ? "" : say(`아래는 ${durationText(performance.now() - of.readAt)} 전에 읽은 것입니다.`, `What is shown was read ${durationText(performance.now() - of.readAt)} ago.`);
  const again = say("저절로 다시 시도합니다.", "It is tried again by itself.");
  if (of.fault === undefined) return <p class="banner banner-alert lateness" role="status">{say("서버의 답이 늦습니다.", "The server is slow to answer.")} <span aria-hidden="true">{age}</span></p>;
  return (
    <div class="fault lateness" role="alert">
      <div><strong>{faultTitle(of.fault)}</strong>{of.fault.issues.map((issue) => <p key={issue}>{issue}</p>)}<p aria-hidden="true">{age} {again}</p></div>
    </div>
  );
}

export function Fault({ fault, onClose }: { fault: ServerFault | undefined; onClose?: () => void }) {
  if (fault === undefined) return null;
  return (
    <div class="fault" role="alert">
      <div>
        <strong>{faultTitle(fault)}</strong>
        {fault.issues.map((issue) => <p key={issue}>{issue}</p>)}
      </div>
      {onClose && <button type="button" class="plain" onClick={onClose} aria-label={say("닫기", "close")}>✕</button>}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <svg viewBox="0 0 64 40" aria-hidden="true"><path d="M4 26 L18 8 L28 20 L38 10 L60 28" /><path d="M4 35 C16 28 24 40 36 34 S52 31 60 34" /></svg>
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

export const Loading = () => <div class="loading" role="status">{say("읽는 중…", "Loading…")}</div>;

/** One of a few: large touch targets, arrow keys by the browser's own radio group. */
export function Choice<T extends string | number>({ name, label, value, options, onChange, wide }: {
  name: string; label: string; value: T; options: readonly { value: T; text: ComponentChildren; title?: string; className?: string }[]; onChange: (value: T) => void; wide?: boolean;
}) {
  return (
    <div class={`choice ${wide ? "choice-wide" : ""}`} role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={String(option.value)} class={`choice-item ${option.value === value ? "is-on" : ""} ${option.className ?? ""}`} title={option.title}>
          <input type="radio" name={name} checked={option.value === value} onChange={() => onChange(option.value)} />
          <span>{option.text}</span>
        </label>
      ))}
    </div>
  );
}
