// What was learned of a place from its answers, and what would mend it: shown to the place itself and to the control room.
import { readJson } from "../client";
import { sentenceIn } from "../decision";
import { partNumber, parts, partText, type Parameter } from "../fhir";
import { say } from "../language";
import { usePoll } from "../poll";

const percent = (value: number): string => `${Math.round(value * 100)}%`;

export function TrustCard({ place }: { place: string }) {
  const trust = usePoll(`trust ${place}`, () => readJson<{ parameter?: Parameter[] }>(`/fhir/Organization/${place}/$trust`), 60000);
  const list = trust.data?.parameter;
  if (list === undefined) return null; // others may not see it, and an older server has no such operation
  const rows: [string, number | undefined, (value: number) => string][] = [
    [say("병상판을 믿는 정도", "How far the board is believed"), partNumber(list, "board-trust"), percent],
    [say("수용한 문의", "Questions answered with yes"), partNumber(list, "accepted"), percent],
    [say("답한 문의", "Questions answered at all"), partNumber(list, "answered"), percent],
    [say("한 시간 안에 고친 병상판", "Board at most an hour old"), partNumber(list, "board-current"), percent],
    [say("응답까지", "Until an answer"), partNumber(list, "answer-minutes"), (value) => say(`${value.toFixed(1)}분`, `${value.toFixed(1)} min`)],
  ];
  return (
    <section class="card trust">
      <h2>{say("이 기관의 응답에서 배운 것", "Learned from this place's answers")}</h2>
      <dl>{rows.map(([name, value, text]) => value === undefined ? null : <div key={name}><dt>{name}</dt><dd>{text(value)}</dd></div>)}</dl>
      <ul>{parts(list, "mend").map(({ part: hint }, i) => <li key={i}>{sentenceIn({ ko: partText(hint, "ko"), en: partText(hint, "en") })}</li>)}</ul>
      <small class="quiet">{say("이 기관과 상황실만 봅니다.", "Seen by this place and the control room only.")}</small>
    </section>
  );
}
