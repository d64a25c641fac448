// The way there and back: where the loop stands, and everything that happened.
import { conceptText, referenceId, type Task } from "../fhir";
import type { Event } from "../history";
import { say } from "../language";
import { ageText, clockText, dayText, timeText } from "../moment";
import { business, declineReasonOf, isOffer, levelOf, stateName, telephoneOf } from "../referral";
import { placeName } from "../region";
import { reasonName } from "../tables";

/** The seven stations of a referral that goes well; the others are shown where the loop stands. */
const stations: [states: string[], ko: string, en: string][] = [
  [["", "offered", "rerouted", "with-controller"], "문의", "Asked"],
  [["accepted", "designated"], "수용", "Accepted"],
  [["en-route", "diverted"], "이송", "On the way"],
  [["arrived"], "도착", "Arrived"],
  [["in-care"], "진료", "In care"],
  [["back-referred"], "회송", "Returned"],
  [["loop-acknowledged"], "종결", "Closed"],
];

export function Way({ loop, events }: { loop: Task; events: readonly Event[] }) {
  const current = stations.findIndex(([states]) => states.includes(business(loop)));
  const reached = current >= 0 ? current : Math.max(0, ...events.filter((event) => !isOffer(event.task)).map((event) => stations.findIndex(([states]) => states.includes(business(event.task)))));
  const isBroken = current < 0;
  const timeOf = (index: number): string | undefined => events.find((event) => !isOffer(event.task) && event.kind !== "deadline" && (stations[index]?.[0] ?? []).includes(business(event.task)))?.at;
  return (
    <ol class={`way-steps ${isBroken ? "is-broken" : ""}`} aria-label={say("가는 길과 돌아오는 길", "the way there and back")}>
      {stations.map(([, ko, en], i) => (
        <li key={en} class={i < reached || (i === reached && i === stations.length - 1) ? "is-past" : i === reached ? "is-now" : ""} aria-current={i === reached ? "step" : undefined}>
          <i aria-hidden="true" /><span>{say(ko, en)}</span><small>{i <= reached && timeOf(i) !== undefined ? clockText(timeOf(i)) : ""}</small>
        </li>
      ))}
      {isBroken && <li class="is-end"><i aria-hidden="true" /><span>{stateName(loop)}</span></li>}
    </ol>
  );
}

function wordsOf({ task, kind }: Event): { title: string; detail: string; tone: string } {
  const owner = placeName(referenceId(task.owner), task.owner?.display);
  const to = placeName(referenceId(task.location), task.location?.display);
  const reason = declineReasonOf(task) ? reasonName(declineReasonOf(task)) : conceptText(task.statusReason);
  if (kind === "sent" && business(task) === "en-route") return { title: say("의뢰 작성, 통보하고 출발", "Referral written, place notified, departed"), detail: `${placeName(referenceId(task.requester), task.requester?.display)} → ${to}`, tone: "move" };
  if (kind === "sent") return { title: say("의뢰 작성", "Referral written"), detail: placeName(referenceId(task.requester), task.requester?.display), tone: "move" };
  if (kind === "level") return { title: say(`재분류: ${levelOf(task)}단계`, `Re-triaged: level ${levelOf(task)}`), detail: "", tone: "alert" };
  if (kind === "roll") return { title: say("수락 전 출발", "Departed before acceptance"), detail: `→ ${to}`, tone: "move" };
  if (kind === "destination") return { title: say("목적지 바뀜", "Destination changed"), detail: `→ ${to}`, tone: "alert" };
  if (kind === "delayed") return { title: say("이송 지연으로 표시", "Marked as delayed"), detail: say("첫 문의 뒤 44분", "44 min after the first offer"), tone: "alert" };
  if (kind === "deadline") return { title: say("시한이 지나 알림", "Deadline passed: reminder"), detail: say(`이제 ${owner}`, `now ${owner}`), tone: "alert" };
  if (isOffer(task)) {
    const spoken = telephoneOf(task);
    const code = business(task);
    const detail = [code === "declined" ? reason : "", spoken ? say(`전화: ${spoken}`, `by telephone: ${spoken}`) : ""].filter(Boolean).join(" · ");
    return { title: `${owner}: ${stateName(task)}`, detail, tone: code === "accepted" || code === "fulfilled" ? "good" : code === "declined" || code === "expired" ? "bad" : "wait" };
  }
  const code = business(task);
  const isGoing = ["accepted", "designated", "en-route", "diverted", "arrived", "in-care"].includes(code);
  return { title: stateName(task) || task.status, detail: [isGoing && task.location ? `→ ${to}` : "", reason].filter(Boolean).join(" · "), tone: code === "with-controller" || code === "diverted" ? "alert" : isGoing || code === "loop-acknowledged" ? "good" : "wait" };
}

export function Timeline({ events, now }: { events: readonly Event[]; now: number }) {
  const latestFirst = [...events].reverse();
  return (
    <ol class="timeline">
      {latestFirst.map((event, i) => {
        const words = wordsOf(event);
        const day = dayText(event.at), before = latestFirst[i - 1];
        return (
          <li key={`${event.task.id}-${event.task.meta?.versionId}-${event.kind}`} class={`tone-${words.tone} ${isOffer(event.task) ? "is-offer" : ""} ${i === 0 ? "is-latest" : ""}`}>
            {(before === undefined || dayText(before.at) !== day) && <h3 class="timeline-day">{day}</h3>}
            <time dateTime={event.at} title={ageText(event.at, now)}>{timeText(event.at)}</time>
            <div><strong>{words.title}</strong>{words.detail && <span>{words.detail}</span>}</div>
          </li>
        );
      })}
    </ol>
  );
}
