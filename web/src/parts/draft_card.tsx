// A referral that an e-consult drew up: where to, why, with which words. Nobody is asked until a human sends it.
import { useState } from "preact/hooks";
import type { Caller } from "../caller";
import { operation, read } from "../client";
import { referenceId, type Concept, type Parameter, type Resource, type Reference, type Task } from "../fhir";
import { say } from "../language";
import { useAction, usePoll } from "../poll";
import { levelOf } from "../referral";
import { currentRegion, findPlace, placeName, type Place } from "../region";
import { needName } from "../tables";
import { Fault, Level } from "./marks";
import { PlacePicker } from "./place_picker";

interface DraftRequest extends Resource { performer?: Reference[]; reasonCode?: Concept[]; note?: { text?: string }[]; supportingInfo?: Reference[] }

export const isDraft = (loop: Task): boolean => loop.status === "draft";

export function DraftCard({ loop, caller, reload }: { loop: Task; caller: Caller; reload: () => Promise<void> }) {
  const request = usePoll(`draft ${loop.id}`, () => read<DraftRequest>(loop.focus?.reference ?? ""), 60000);
  const [picked, setPicked] = useState<Place>();
  const action = useAction();
  const advised = referenceId(request.data?.performer?.[0]);
  const place = picked?.id ?? advised;
  const words = request.data?.note?.[0]?.text ?? "";
  const need = request.data?.reasonCode?.[0]?.coding?.[0]?.code;
  const studies = (request.data?.supportingInfo ?? []).filter((one) => one.reference?.startsWith("ImagingStudy/"));
  const level = levelOf(loop);
  const mine = referenceId(loop.requester) === caller.organisation || caller.role === "control-room";
  const send = () => action.run(async () => {
    const reference = (name: string, to: string | undefined): Parameter[] => (to ? [{ name, valueReference: { reference: to } }] : []);
    await operation("$send", [
      ...reference("patient", loop.for?.reference), ...reference("encounter", loop.encounter?.reference), ...reference("requester", loop.requester?.reference),
      ...reference("draft", `Task/${loop.id}`), ...(level ? [{ name: "human-level", valueInteger: level }] : []),
      ...reference("place", place ? `Organization/${place}` : undefined), { name: "override-reason", valueString: say("협진의 답", "the e-consult's answer") },
    ]);
    await reload();
  });
  return (
    <section class="card draft" aria-label={say("의뢰 초안", "draft of a referral")}>
      <h2>{say("의뢰 초안: 아직 보내지 않았습니다", "A draft: not sent yet")}</h2>
      <p class="quiet">{say("협진의 답에 따라 만들어졌습니다. 확인하고 보내십시오. 보내기 전에는 아무 기관에도 묻지 않습니다.", "Drawn up from the e-consult's answer. Look at it and send it; until then nobody is asked.")}</p>
      <p><Level level={level} bare /> {need && <b>{needName(need)}</b>} {place && <>→ <b>{placeName(place)}</b></>}</p>
      {words && <p class="banner">{words}</p>}
      {studies.length > 0 && <p class="quiet">{say(`영상 ${studies.length}건이 함께 갑니다`, `${studies.length} imaging ${studies.length === 1 ? "study goes" : "studies go"} along`)}</p>}
      <Fault fault={request.fault ?? action.fault} onClose={action.clear} />
      {mine && (
        <>
          <details><summary>{say("다른 기관으로", "To another place")}</summary><PlacePicker label={say("기관", "Place")} places={(currentRegion()?.places ?? []).filter((one) => !one.control_room)} value={findPlace(place)} onChange={setPicked} /></details>
          <button type="button" class="main-button send-button" disabled={action.busy || request.data === undefined} onClick={() => void send()}>{action.busy ? say("보내는 중…", "Sending…") : say("보내기", "Send")}{place && <small>{placeName(place)}</small>}</button>
        </>
      )}
    </section>
  );
}
