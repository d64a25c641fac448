// What the first of two legs is asked: to stabilise; where definitive care follows, and how the patient gets there.
import { referenceId, type Task } from "../fhir";
import { say } from "../language";
import { inputOf } from "../referral";
import { placeName } from "../region";
import { needName } from "../tables";

export function TwoLegs({ offer }: { offer: Task }) {
  const need = inputOf(offer, "stabilise-for")?.valueCode;
  if (need === undefined) return null;
  const second = inputOf(offer, "second-leg")?.valueReference;
  const name = needName(need) || need;
  if (second === undefined) {
    return <p class="banner two-legs"><b>{say("먼저 안정화만 묻습니다", "Asked to stabilise")}</b> {say(`${name}: 상황실이 다음 기관을 찾습니다.`, `${name}: the control room looks further.`)}</p>;
  }
  const place = placeName(referenceId(second), second.display);
  const minutes = inputOf(offer, "second-leg-minutes")?.valueInteger, away = inputOf(offer, "vehicle-away-minutes")?.valueInteger;
  const hasPhysician = inputOf(offer, "escort")?.valueCode === "physician";
  return (
    <p class="banner two-legs">
      <b>{say("먼저 안정화만 묻습니다", "Asked to stabilise")}</b>{" "}
      {say(`${name}은(는) 그 뒤 ${place}에서 받습니다(${minutes ?? "?"}분 더).`, `${name} follows at ${place} (${minutes ?? "?"} min more).`)}{" "}
      {say(`이송은 ${hasPhysician ? "의사" : "간호사·응급구조사"} 동승(가정), 차량은 약 ${away ?? "?"}분 이 지역을 비웁니다.`, `The transfer goes with a ${hasPhysician ? "physician" : "nurse or paramedic"} (assumed); its vehicle is away for about ${away ?? "?"} min.`)}
    </p>
  );
}
