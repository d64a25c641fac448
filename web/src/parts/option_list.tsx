// Ranked places, each with its minutes, chance, board and reasons; and those left out, with why.
import { useState } from "preact/hooks";
import { sentenceIn, shareText, type Excluded, type MayNeed, type Option, type Plan, type Ranking } from "../decision";
import { say } from "../language";
import { durationText, useServerNow } from "../moment";
import { findPlace, placeName } from "../region";
import { needName, reasonName, tierName } from "../tables";
import { CertainNeed, NoticeExcluded } from "./certain_card";
import { Estimated } from "./marks";

const REASONS_SHOWN = 2;
const WRONG_FROM = 0.05;
const OPTIONS_SHOWN = 3;

export function OptionList({ ranking, chosen, onChoose }: { ranking: Ranking; chosen: string; onChoose: (place: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  const now = useServerNow(5000);
  const at = ranking.options.findIndex((option) => option.place === chosen); // what the map chose is never hidden
  const shown = isOpen || at >= OPTIONS_SHOWN ? ranking.options : ranking.options.slice(0, OPTIONS_SHOWN);
  const more = ranking.options.length - shown.length;
  return (
    <div class="options">
      {ranking.plan !== undefined && <PlanLine plan={ranking.plan} />}
      <CertainNeed certain={ranking.certain} now={now} />
      <NoticeExcluded excluded={ranking.excluded.filter((one) => one.code === "notice")} />
      <Doubts mayNeed={ranking.mayNeed} />
      <div role="radiogroup" aria-label={say("순위 매긴 기관", "ranked places")}><ol>
        {shown.map((option, i) => <OptionRow key={option.place + option.secondLegs.length} option={option} rank={i + 1} isChosen={option.place === chosen} onChoose={() => onChoose(option.place)} />)}
      </ol></div>
      {more > 0 && <button type="button" class="quiet-button more-options" onClick={() => setOpen(true)}>{say(`${more}곳 더 보기`, `${more} more places`)}</button>}
      {ranking.otherwise !== undefined && <p class="quiet otherwise">{sentenceIn(ranking.otherwise)}</p>}
      {ranking.excluded.length > 0 && <ExcludedList excluded={ranking.excluded} />}
    </div>
  );
}

function OptionRow({ option, rank, isChosen, onChoose }: { option: Option; rank: number; isChosen: boolean; onChoose: () => void }) {
  const reasons = [...option.reasons.filter((reason) => reason.code !== "may-need"), ...option.reasons.filter((reason) => reason.code === "may-need")]; // its figures stand among the facts
  const isHere = option.distance === 0 && option.reasons.some((reason) => reason.code === "local"); // nobody is asked there
  const chance = option.chance === undefined || isHere ? undefined : Math.round(option.chance * 100);
  return (
    <li class={`option ${isChosen ? "is-on" : ""}`}>
      <label class="option-head">
        <input type="radio" name="option" checked={isChosen} onChange={onChoose} />
        <span class="option-rank" aria-hidden="true">{rank}</span>
        <span class="option-name"><strong>{placeName(option.place, option.display)}</strong><small>{tierName(findPlace(option.place)?.tier ?? "") || option.tier}</small></span>
        <span class="option-minutes"><b>{Math.round(option.minutes)}</b> {say("분", "min")} {option.estimated && <Estimated />}</span>
      </label>
      <div class="option-facts">
        {option.reasons.some((reason) => reason.code === "notice") && <b class="tag tag-notice">{say("받을 수 없다고 알림", "says that it cannot take this")}</b>}
        {option.reasons.some((reason) => reason.code === "in-theatre") && <b class="tag tag-notice">{say("의료진 수술 중", "team in theatre")}</b>}
        {option.ask === 1 && <b class="asked-now">{say("지금 문의", "asked now")}</b>}
        {isHere && <b class="tag">{say("지금 있는 곳", "where the patient is")}</b>}
        {option.distance !== undefined && !isHere && <span>{option.distance.toFixed(1)} km</span>}
        {option.travel !== undefined && !isHere && <span>{say(`이동 ${Math.round(option.travel)}분`, `travel ${Math.round(option.travel)} min`)}</span>}
        {chance !== undefined && (
          <span class="chance">
            <span class="chance-bar" aria-hidden="true"><i style={`width:${chance}%`} /></span>{say(`수용 가능성 ${chance}%`, `${chance}% to accept`)}
            <small class="quiet">{option.reasons.every((reason) => reason.code !== "chance-learned") ? say("가정", "assumed") : option.learnedFrom === undefined ? say("응답에서 학습", "learned") : say(`답 ${Math.round(option.learnedFrom)}건에서`, `from ${Math.round(option.learnedFrom)} answer${Math.round(option.learnedFrom) === 1 ? "" : "s"}`)}</small>
          </span>
        )}
        {option.wrong !== undefined && option.wrong >= WRONG_FROM && (
          <span class="board-old">{say(`가 보니 치료할 수 없을 가능성 ${shareText(option.wrong)}`, `${shareText(option.wrong)} that it turns out unable to treat`)}{option.wrongMinutes !== undefined && say(`(그러면 ${Math.round(option.wrongMinutes)}분 더)`, ` (then ${Math.round(option.wrongMinutes)} min more)`)}</span>
        )}
        <span class={option.boardAge === undefined || option.boardAge > 60 ? "board-old" : ""}>
          {option.boardAge === undefined ? say("병상판 모름", "board unknown") : say(`병상판 ${durationText(option.boardAge * 60000)} 전`, `board ${durationText(option.boardAge * 60000)} old`)}
        </span>
      </div>
      {option.secondLegs.map((leg) => (
        <p key={leg.place} class="second-leg">↳ {say("안정화 뒤", "then on to")} <b>{placeName(leg.place, leg.display)}</b>{leg.minutes === undefined ? "" : say(` +${Math.round(leg.minutes)}분`, ` +${Math.round(leg.minutes)} min`)}</p>
      ))}
      <ul class="option-reasons">{reasons.slice(0, REASONS_SHOWN).map((reason, i) => <li key={i}>{sentenceIn(reason)}</li>)}</ul>
      {reasons.length > REASONS_SHOWN && (
        <details><summary>{say(`이유 ${reasons.length - REASONS_SHOWN}개 더`, `${reasons.length - REASONS_SHOWN} more reasons`)}</summary>
          <ul class="option-reasons">{reasons.slice(REASONS_SHOWN).map((reason, i) => <li key={i}>{sentenceIn(reason)}</li>)}</ul>
        </details>
      )}
    </li>
  );
}

function PlanLine({ plan }: { plan: Plan }) {
  const placed = plan.placed === undefined ? "" : say(` 받아들일 확률 ${Math.round(plan.placed * 100)}%.`, ` ${Math.round(plan.placed * 100)}% that one says yes.`);
  const heading = plan.heading === "" ? "" : say(` 그동안 ${placeName(plan.heading, plan.headingDisplay)} 쪽으로 출발합니다.`, ` Meanwhile roll towards ${placeName(plan.heading, plan.headingDisplay)}.`);
  return <p class="quiet plan">{say(`지금 ${plan.now}곳에 함께 묻고, 모두 거절하면 다음으로: 최대 ${plan.batches}번.`, `Ask ${plan.now} now; when all have said no, the next: ${plan.batches} rounds at most.`)}{placed}{heading}</p>;
}

const DOUBTS_SHOWN = 4, DOUBT_FROM = 0.005;

/** What a reading may hide: of a hundred who look like this patient, how many turn out to need what. */
function Doubts({ mayNeed }: { mayNeed: MayNeed[] }) {
  const told = mayNeed.filter((need) => need.chance >= DOUBT_FROM);
  if (told.length === 0) return null;
  const line = (need: MayNeed) => <li key={need.code}><b>{Math.max(1, Math.round(need.chance * 100))}{say("명", "")}</b> {needName(need.code) || sentenceIn(need)}</li>;
  return (
    <details class="doubts">
      <summary>{say("겉으로 드러나지 않은 병이 있을 수 있습니다", "The patient may have something that does not show")}</summary>
      <p class="quiet">{say("이 환자처럼 보이는 중증 환자 100명 가운데(공표된 자료와 가정으로 추정):", "Of 100 severely ill patients who look like this one (estimated from published figures and assumptions):")}</p>
      <ul>{told.slice(0, DOUBTS_SHOWN).map(line)}</ul>
      {told.length > DOUBTS_SHOWN && <details><summary>{say(`${told.length - DOUBTS_SHOWN}가지 더`, `${told.length - DOUBTS_SHOWN} more`)}</summary><ul>{told.slice(DOUBTS_SHOWN).map(line)}</ul></details>}
      <p class="quiet">{say("그래서 이런 진료도 할 수 있는 기관이 조금 앞에 옵니다.", "Places that could treat these, too, are therefore ranked a little higher.")}</p>
    </details>
  );
}

function ExcludedList({ excluded }: { excluded: Excluded[] }) {
  const groups = new Map<string, Excluded[]>();
  for (const item of excluded) groups.set(sentenceIn(item), [...(groups.get(sentenceIn(item)) ?? []), item]);
  return (
    <details class="excluded">
      <summary>{say(`제외한 기관 ${excluded.length}곳과 이유`, `${excluded.length} places left out, and why`)}</summary>
      {[...groups].map(([why, items]) => (
        <div key={why}><h3>{why || reasonName(items[0]?.code)} <small>({items.length})</small></h3><p>{items.map((item) => placeName(item.place, item.display)).join(", ")}</p></div>
      ))}
    </details>
  );
}
