// What is certain, by whom and since when; and which places have said that they take nobody for it now.
import { authorOf, readFinding, standsWithdrawn, type Certain } from "../confirmed";
import type { Chart } from "../chart";
import { conceptText, type Condition } from "../fhir";
import { half, say } from "../language";
import { ageText, clockText } from "../moment";
import { usePoll } from "../poll";
import { placeName } from "../region";
import { needName } from "../tables";

const said = (by: string, at: string | undefined, now: number): string =>
  [by === "" ? "" : say(`${by}에서 확인`, `confirmed by ${by}`), at === undefined ? "" : `${clockText(at)} (${ageText(at, now)})`].filter(Boolean).join(" · ");

/** The need that a ranking took as certain; withdrawn as soon as somebody has refuted it. */
export function CertainNeed({ certain, now, isDecided }: { certain: Certain | undefined; now: number; isDecided?: boolean }) {
  const finding = usePoll(`certain ${certain?.source}`, async () => (certain === undefined ? undefined : ((await readFinding(certain)) ?? null)), 5000);
  if (certain === undefined) return null;
  const found = finding.data ?? undefined;
  if (found?.isWithdrawn)
    return (
      <p class="banner banner-alert certain is-withdrawn" role="status"><b>{say("확정이 취소되었습니다", "The confirmation was withdrawn")}</b> <s>{needName(certain.code)}</s> {said(found.by, found.at, now)}{" "}
        {isDecided ? say("이 순위는 그 전에 매긴 것입니다.", "This ranking was made before.") : say("다시 판단하십시오.", "Decide again.")}</p>
    );
  return (
    <p class="banner certain"><b>{say("확정된 필요 진료", "Confirmed need")}</b> {needName(certain.code)}{certain.quote && <> “{certain.quote}”</>}{" "}
      <span class="quiet">{found ? said(found.by, found.at, now) : certain.source === "" ? say("물을 때 확정했다고 밝힘", "said with the question") : ""}</span></p>
  );
}

/** Left out because they say so themselves, through the national service. */
export function NoticeExcluded({ excluded }: { excluded: { place: string; display?: string; need: string }[] }) {
  if (excluded.length === 0) return null;
  const byNeed = new Map<string, string[]>();
  for (const one of excluded) byNeed.set(one.need, [...(byNeed.get(one.need) ?? []), placeName(one.place, one.display)]);
  return (
    <div class="banner notice-excluded"><b>{say("지금은 받을 수 없다고 국가 응급의료정보에 알려 제외한 기관", "Left out: these have told the national service that they cannot take it now")}</b>
      <ul>{[...byNeed].map(([need, places]) => <li key={need}>{places.join(", ")}{need && <span class="quiet"> · {needName(need)}</span>}</li>)}</ul></div>
  );
}

function ConfirmedLine({ condition, others, now }: { condition: Condition; others: readonly Condition[]; now: number }) {
  const by = usePoll(`author ${condition.id} ${condition.meta?.versionId}`, () => authorOf(condition), 60000);
  const at = condition.recordedDate ?? condition.meta?.lastUpdated, words = half(conceptText(condition.code)), withdrawn = standsWithdrawn(condition, others);
  return (
    <li class={withdrawn ? "is-withdrawn" : ""}>{withdrawn ? <><s>{words}</s> <b>{say("취소됨", "withdrawn")}</b></> : words} <small class="quiet">{withdrawn ? clockText(condition.meta?.lastUpdated) : said(by.data ?? "", at, now)}</small></li>
  );
}

/** Of the chart: what somebody has confirmed for this visit, and what was taken back. */
export function ConfirmedFindings({ chart, now }: { chart: Chart; now: number }) {
  if (chart.confirmed.length === 0) return null;
  return (
    <div class="words confirmed-findings">
      <h3>{say("확진", "Confirmed")}</h3>
      <ul>{chart.confirmed.map((condition) => <ConfirmedLine key={condition.id} condition={condition} others={chart.confirmed} now={now} />)}</ul>
    </div>
  );
}
