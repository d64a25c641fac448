// The second reading: level and why, what is missing, what care is needed.
import { missingName, scoreName, scoreText, sentenceIn, shareText, type Forecast, type Reading, type Reason } from "../decision";
import { say } from "../language";
import { departmentName, needName } from "../tables";
import { Level } from "./marks";

const kindName = (kind: string): string =>
  ({ floor: say("규칙", "Rule"), advice: say("권고", "Advice"), score: say("점수", "Score"), note: say("참고", "Note"), need: say("필요 진료", "Need"), human: say("사람", "Human"), reader: say("모델", "Model"), missing: say("빠짐", "Missing") })[kind] ?? kind;
const KIND_ORDER = ["floor", "human", "reader", "advice", "score", "note", "missing"];
const BEHIND = ["term", "change", "uncalibrated"]; // what stands behind a model's word
const SHOWN = 5;

export function ReadingCard({ reading }: { reading: Reading }) {
  const behind = reading.reasons.filter((reason) => reason.kind === "reader" && BEHIND.includes(reason.code));
  const reasons = reading.reasons.filter((reason) => reason.kind !== "need" && !behind.includes(reason)).sort((a, b) => KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind));
  const scores = reading.scores.filter((score) => score.fits && score.total !== undefined && !(score.total === 0 && /ESI|CTAS/.test(score.name)));
  const human = reading.humanLevel;
  return (
    <section class="card reading" aria-label={say("판독", "Reading")}>
      <header class="reading-head">
        <Level level={reading.level} large />
        <div>
          <h3>{say("두 번째 판독", "Second reading")}</h3>
          <p>
            {human === undefined || human === 0
              ? say("사람이 준 단계 없음", "no human level given")
              : human === reading.level
                ? say(`사람 ${human}단계와 같음`, `same as the human level ${human}`)
                : say(`사람 ${human}단계 → 판독 ${reading.level}단계로 올림`, `raised from the human level ${human}`)}
          </p>
        </div>
      </header>
      {reading.extreme && <p class="banner banner-alert">{say("지정 중증: 수용을 묻지 않고 통보 후 곧바로 출발합니다.", "Listed extreme: the place is notified, not asked; depart at once.")}</p>}
      {reading.stayLocal && <p class="banner">{say("지역에서 진료할 수 있습니다. 의뢰가 필요하지 않습니다.", "Care can stay local: no referral is needed.")}</p>}
      {reading.needs.length > 0 && (
        <ul class="needs" aria-label={say("필요한 진료", "needs")}>
          {reading.needs.map((need) => (
            <li key={need.code}>
              <strong>{needName(need.code) || need.display}</strong>
              <span class="quiet">{[need.department ? departmentName(need.department) : "", need.window === undefined ? "" : say(`${need.window}분 안`, `within ${need.window} min`)].filter(Boolean).join(" · ")}</span>
              {sentenceIn(need) && <p>{sentenceIn(need)}</p>}
            </li>
          ))}
        </ul>
      )}
      <ReasonList reasons={reasons.slice(0, SHOWN)} />
      {reasons.length > SHOWN && (
        <details><summary>{say(`이유 ${reasons.length - SHOWN}개 더`, `${reasons.length - SHOWN} more reasons`)}</summary><ReasonList reasons={reasons.slice(SHOWN)} /></details>
      )}
      {behind.length > 0 && (
        <details><summary>{say("모델이 그렇게 본 까닭", "Why the model says so")}</summary><ReasonList reasons={behind} /></details>
      )}
      <Forecasts forecasts={reading.forecasts} />
      {scores.length > 0 && (
        <ul class="scores" aria-label={say("점수", "scores")}>
          {scores.map((score) => (
            <li key={score.name} title={score.complete ? "" : say(`빠진 값: ${score.missing.map(missingName).join(", ")}`, `missing: ${score.missing.map(missingName).join(", ")}`)}>
              <span>{scoreName(score.name)}</span> <b>{scoreText(score)}</b>
            </li>
          ))}
        </ul>
      )}
      {reading.missing.length > 0 && (
        <p class="missing"><b>{say("아직 모르는 값", "Not known yet")}</b> {reading.missing.map(missingName).join(", ")} <span class="quiet">{say("— 더 적으면 판독이 정확해집니다", "— the reading gets sharper with them")}</span></p>
      )}
      <p class="quiet device">{say("사람의 판단을 돕는 참고입니다. 인증된 의료기기가 아닙니다.", "Support for a human's decision; not a certified medical device.")}</p>
    </section>
  );
}

const forecastName = (code: string): string =>
  ({ disposition: say("입원·전원·사망", "admission, transfer or death"), "intensive-care": say("중환자실 치료", "intensive care"), admission: say("입원", "admission") })[code] ?? code;

function Forecasts({ forecasts }: { forecasts: Forecast[] }) {
  if (forecasts.length === 0) return null;
  const told = forecasts.filter((forecast) => !forecast.abstains && forecast.probability !== undefined);
  const silent = [...new Set(forecasts.filter((forecast) => forecast.abstains).map(sentenceIn))];
  return (
    <div class="forecasts">
      <b>{say("모델의 예측", "Forecasts")}</b> <span class="quiet">{say("— 단계를 바꾸지 않습니다", "— they move no level")}</span>
      <ul>
        {told.map((forecast) => (
          <li key={forecast.code}>
            <span>{forecastName(forecast.code)}</span> <b>{shareText(forecast.probability ?? 0)}</b>
            {!forecast.calibrated && <span class="tag tag-estimated">{say("이 기관에 맞추지 않음", "not calibrated for this site")}</span>}
          </li>
        ))}
        {silent.map((why) => <li key={why} class="quiet">{why}</li>)}
      </ul>
    </div>
  );
}

function ReasonList({ reasons }: { reasons: Reason[] }) {
  return (
    <ul class="reasons">
      {reasons.map((reason, i) => (
        <li key={reason.code + i} class={`reason-${reason.kind}`} title={reason.source}><span class="tag">{kindName(reason.kind)}</span><span>{sentenceIn(reason)}{reason.source && <small class="quiet source">{reason.source}</small>}</span></li>
      ))}
    </ul>
  );
}
