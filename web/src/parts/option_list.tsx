// Ranked places, each with its minutes, chance, board and reasons; and those left out, with why.
import { useState } from "preact/hooks";
import { sentenceIn, type Excluded, type Option, type Plan, type Ranking } from "../decision";
import { say } from "../language";
import { durationText } from "../moment";
import { placeName } from "../region";
import { reasonName, tierName } from "../tables";
import { Estimated } from "./marks";

const REASONS_SHOWN = 2;
const OPTIONS_SHOWN = 3;

export function OptionList({ ranking, chosen, onChoose }: { ranking: Ranking; chosen: string; onChoose: (place: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  const at = ranking.options.findIndex((option) => option.place === chosen); // what the map chose is never hidden
  const shown = isOpen || at >= OPTIONS_SHOWN ? ranking.options : ranking.options.slice(0, OPTIONS_SHOWN);
  const more = ranking.options.length - shown.length;
  return (
    <div class="options">
      {ranking.plan !== undefined && <PlanLine plan={ranking.plan} />}
      <ol role="radiogroup" aria-label={say("순위 매긴 기관", "ranked places")}>
        {shown.map((option, i) => <OptionRow key={option.place + option.secondLegs.length} option={option} rank={i + 1} isChosen={option.place === chosen} onChoose={() => onChoose(option.place)} />)}
      </ol>
      {more > 0 && <button type="button" class="quiet-button more-options" onClick={() => setOpen(true)}>{say(`${more}곳 더 보기`, `${more} more places`)}</button>}
      {ranking.otherwise !== undefined && <p class="quiet otherwise">{sentenceIn(ranking.otherwise)}</p>}
      {ranking.excluded.length > 0 && <ExcludedList excluded={ranking.excluded} />}
    </div>
  );
}

function OptionRow({ option, rank, isChosen, onChoose }: { option: Option; rank: number; isChosen: boolean; onChoose: () => void }) {
  const chance = option.chance === undefined ? undefined : Math.round(option.chance * 100);
  return (
    <li class={`option ${isChosen ? "is-on" : ""}`}>
      <label class="option-head">
        <input type="radio" name="option" checked={isChosen} onChange={onChoose} />
        <span class="option-rank" aria-hidden="true">{rank}</span>
        <span class="option-name"><strong>{placeName(option.place, option.display)}</strong><small>{tierName(option.tier)}</small></span>
        <span class="option-minutes"><b>{Math.round(option.minutes)}</b> {say("분", "min")} {option.estimated && <Estimated />}</span>
      </label>
      <div class="option-facts">
        {option.ask === 1 && <b class="asked-now">{say("지금 문의", "asked now")}</b>}
        {option.distance !== undefined && <span>{option.distance.toFixed(1)} km</span>}
        {option.travel !== undefined && <span>{say(`이동 ${Math.round(option.travel)}분`, `travel ${Math.round(option.travel)} min`)}</span>}
        {chance !== undefined && (
          <span class="chance" title={say("수용 가능성: 배우기 전까지는 가정", "chance of acceptance: an assumption until learned")}>
            <span class="chance-bar" aria-hidden="true"><i style={`width:${chance}%`} /></span>{say(`수용 ${chance}%`, `chance ${chance}%`)}
          </span>
        )}
        <span class={option.boardAge === undefined || option.boardAge > 60 ? "board-old" : ""}>
          {option.boardAge === undefined ? say("병상판 모름", "board unknown") : say(`병상판 ${durationText(option.boardAge * 60000)} 전`, `board ${durationText(option.boardAge * 60000)} old`)}
        </span>
      </div>
      {option.secondLegs.map((leg) => (
        <p key={leg.place} class="second-leg">↳ {say("안정화 뒤", "then on to")} <b>{placeName(leg.place, leg.display)}</b>{leg.minutes === undefined ? "" : say(` +${Math.round(leg.minutes)}분`, ` +${Math.round(leg.minutes)} min`)}</p>
      ))}
      <ul class="option-reasons">{option.reasons.slice(0, REASONS_SHOWN).map((reason, i) => <li key={i}>{sentenceIn(reason)}</li>)}</ul>
      {option.reasons.length > REASONS_SHOWN && (
        <details><summary>{say(`이유 ${option.reasons.length - REASONS_SHOWN}개 더`, `${option.reasons.length - REASONS_SHOWN} more reasons`)}</summary>
          <ul class="option-reasons">{option.reasons.slice(REASONS_SHOWN).map((reason, i) => <li key={i}>{sentenceIn(reason)}</li>)}</ul>
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

function ExcludedList({ excluded }: { excluded: Excluded[] }) {
  const groups = new Map<string, Excluded[]>();
  for (const item of excluded) groups.set(sentenceIn(item), [...(groups.get(sentenceIn(item)) ?? []), item]);
  return (
    <details class="excluded">
      <summary>{say(`제외한 기관 ${excluded.length}곳과 이유`, `${excluded.length} places left out, and why`)}</summary>
      {[...groups].map(([why, items]) => (
        <div key={why}><h5>{why || reasonName(items[0]?.code)} <small>({items.length})</small></h5><p>{items.map((item) => placeName(item.place, item.display)).join(", ")}</p></div>
      ))}
    </details>
  );
}
