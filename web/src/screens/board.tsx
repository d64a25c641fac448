// The bed board of one place, edited where it is seen: free counts with their age and author.
import { useState } from "preact/hooks";
import type { Caller } from "../caller";
import { read, update } from "../client";
import { BASE, codeOf, referenceId, type MeasureGroup, type MeasureReport } from "../fhir";
import { say } from "../language";
import { ageText, serverNow, useServerNow } from "../moment";
import { Empty, Fault, Freshness, Loading } from "../parts/marks";
import { OnCallCard } from "../parts/on_call_card";
import { TrustCard } from "../parts/trust_card";
import { useAction, usePoll } from "../poll";
import { placeName } from "../region";
import { bedRow, named } from "../tables";

const OLD_MS = 60 * 60000; // law: older counts do not count
const FADING_MS = 15 * 60000;

export const bedCode = (group: MeasureGroup): string => group.code?.coding?.map((coding) => coding.code ?? "").find((code) => bedRow(code) !== undefined) ?? group.code?.coding?.[0]?.code ?? "";
export const freeOf = (group: MeasureGroup): number | undefined => group.population?.[0]?.count ?? group.measureScore?.value;
export const totalOf = (group: MeasureGroup): number | undefined => group.population?.[1]?.count;
export const ageTone = (date: string | undefined, now: number): string => {
  const age = date === undefined ? Infinity : now - Date.parse(date);
  return age > OLD_MS ? "old" : age > FADING_MS ? "fading" : "fresh";
};

const poolName = (pool: string): string =>
  ({ ed: say("응급실", "Emergency department"), icu: say("중환자실", "Intensive care"), ward: say("입원실", "Wards"), theatre: say("수술실", "Theatres"), delivery: say("분만실", "Delivery"),
    treatment: say("처치실", "Treatment rooms") })[pool] ?? say("기타", "Other");

const SAID = `${BASE}/StructureDefinition/said`;
/** The age and author of one count, where they are its own: it followed admissions, or stood while another did. */
function saidOf(group: MeasureGroup): { at: string; by: string } | undefined {
  const inner = group.extension?.find((extension) => extension.url === SAID)?.extension ?? [];
  const at = inner.find((extension) => extension.url === "at")?.valueInstant, by = inner.find((extension) => extension.url === "by")?.valueReference;
  return at === undefined || by === undefined ? undefined : { at, by: by.reference === "Device/mllp" ? say("입퇴원 전산(HL7)", "admissions (HL7)") : placeName(referenceId(by)) };
}
/** A count said now, by whoever publishes. */
const saidAnew = (group: MeasureGroup): MeasureGroup => {
  const { extension, ...rest } = group;
  const kept = (extension ?? []).filter((one) => one.url !== SAID);
  return kept.length === 0 ? rest : { ...rest, extension: kept };
};

/** A count that stands as it was said before: with its own age and author, or those of the report it came with. */
function saidBefore(report: MeasureReport, group: MeasureGroup): MeasureGroup {
  const { date, reporter } = report;
  if (date === undefined || reporter?.reference === undefined || group.extension?.some((one) => one.url === SAID)) return group;
  return { ...group, extension: [...(group.extension ?? []), { url: SAID, extension: [{ url: "at", valueInstant: date }, { url: "by", valueReference: { reference: reporter.reference } }] }] };
}

function withFree(group: MeasureGroup, free: number): MeasureGroup {
  const population = (group.population ?? []).map((item, i) => (i === 0 ? { ...item, count: free } : item));
  return { ...group, population, ...(group.measureScore === undefined ? {} : { measureScore: { ...group.measureScore, value: free } }) };
}

export function BoardScreen({ caller, place }: { caller: Caller; place: string }) {
  const board = usePoll(`board ${place}`, () => read<MeasureReport>(`MeasureReport/capacity-${place}`), 5000);
  const [edits, setEdits] = useState<Record<string, number>>({});
  const action = useAction();
  const now = useServerNow(5000);
  if (board.data === undefined) {
    if (board.fault?.status === 404) return <div class="wide"><Empty title={say("병상판이 없습니다", "No board")}>{say("이 기관의 병상 수는 알려져 있지 않습니다.", "The beds of this place are not known.")}</Empty></div>;
    return board.fault ? <div class="wide"><Fault fault={board.fault} /></div> : <Loading />;
  }
  const report = board.data;
  const mayEdit = caller.organisation === place || caller.role === "control-room";
  const groups = report.group ?? [];
  const pools = [...new Set(groups.map((group) => bedRow(bedCode(group))?.pool ?? ""))];
  const isEdited = Object.keys(edits).length > 0;
  const save = (others: (group: MeasureGroup) => MeasureGroup) => action.run(async () => {
    try {
      await update<MeasureReport>({
        ...report, date: new Date(serverNow()).toISOString(), reporter: { reference: `Organization/${caller.organisation}` },
        group: groups.map((group) => { const free = edits[bedCode(group)]; return free === undefined ? others(group) : saidAnew(withFree(group, free)); }),
      });
      setEdits({});
    } finally {
      await board.reload();
    }
  });
  return (
    <div class="wide board">
      <div class="screen-head"><h1>{say("병상판", "Bed board")}</h1><span class="quiet">{placeName(place)}</span></div>
      <p class={`board-age age-${ageTone(report.date, now)}`}>
        <b>{ageText(report.date, now)}</b> · {placeName(referenceId(report.reporter), report.reporter?.display)}
        <span class="quiet">{ageTone(report.date, now) === "old" ? say("한 시간이 넘어 믿지 않고, 수용 가능성을 낮춥니다", "over an hour old: not believed, and the chance is lowered") : ageTone(report.date, now) === "fading" ? say("15분이 넘어 점점 덜 믿습니다", "over 15 minutes old: believed less and less") : ""}</span>
      </p>
      <Freshness of={board} />
      <Fault fault={action.fault} onClose={action.clear} />
      <div class="board-pools">{pools.map((pool) => (
        <section key={pool} class="card">
          <h2>{poolName(pool)}</h2>
          <ul class="beds">{groups.filter((group) => (bedRow(bedCode(group))?.pool ?? "") === pool).map((group) => (
            <BedRow key={bedCode(group)} group={group} edit={edits[bedCode(group)]} mayEdit={mayEdit} onEdit={(free) => setEdits((old) => {
              const { [bedCode(group)]: _, ...rest } = old;
              return free === freeOf(group) ? rest : { ...rest, [bedCode(group)]: free };
            })} />
          ))}</ul>
        </section>
      ))}</div>
      {mayEdit && <OnCallCard caller={caller} place={place} />}
      {mayEdit && <TrustCard place={place} />}
      {mayEdit && (
        <div class="sticky-action">
          {isEdited && <button type="button" class="main-button" disabled={action.busy} onClick={() => void save((group) => saidBefore(report, group))}>{say(`바뀐 ${Object.keys(edits).length}가지 알리기`, `Publish ${Object.keys(edits).length} changes`)}</button>}
          <button type="button" class={isEdited ? "quiet-button" : "main-button"} disabled={action.busy} onClick={() => void save(saidAnew)}>{isEdited ? say("나머지도 지금 맞다고 알리기", "Publish, and confirm the rest") : say("지금도 맞다고 알리기", "Confirm as still true")}</button>
          {isEdited && <small class="quiet">{say("바뀐 것만 알리면 나머지 수는 전에 알린 시각과 사람 그대로 남습니다.", "With the changes alone, the other counts keep the age and author they had.")}</small>}
          {isEdited && <button type="button" class="quiet-button" onClick={() => setEdits({})}>{say("되돌리기", "Undo")}</button>}
        </div>
      )}
    </div>
  );
}

function BedRow({ group, edit, mayEdit, onEdit }: { group: MeasureGroup; edit: number | undefined; mayEdit: boolean; onEdit: (free: number) => void }) {
  const code = bedCode(group), row = bedRow(code), was = freeOf(group), total = totalOf(group);
  const free = edit ?? was, said = saidOf(group);
  const name = row === undefined ? (group.code?.text ?? codeOf(group.code, "") ?? code) : named(row);
  return (
    <li class={edit !== undefined ? "is-edited" : ""}>
      <span class="bed-name">{name}{total !== undefined && <small class="quiet">{say(`전체 ${total}병상`, `of ${total} beds`)}</small>}{said && <small class={`quiet age-${ageTone(said.at, serverNow())}`}>{ageText(said.at)} · {said.by}</small>}</span>
      {mayEdit && <button type="button" aria-label={say(`${name} 하나 줄이기`, `${name}: one less`)} onClick={() => onEdit((free ?? 0) - 1)}>−</button>}
      {mayEdit ? (
        <input type="text" inputMode="numeric" aria-label={say(`${name} 빈 병상`, `${name}: free beds`)} value={free ?? ""} onInput={(event) => { const value = Number(event.currentTarget.value); if (event.currentTarget.value.trim() !== "" && Number.isInteger(value) && Math.abs(value) < 1000) onEdit(value); }} />
      ) : <b>{free ?? "?"}</b>}
      {mayEdit && <button type="button" aria-label={say(`${name} 하나 늘리기`, `${name}: one more`)} onClick={() => onEdit((free ?? 0) + 1)}>+</button>}
      {edit !== undefined && <small class="quiet">{say(`전 ${was ?? "?"}`, `was ${was ?? "?"}`)}</small>}
      {free !== undefined && total !== undefined && free > total && <em class="field-note">{say(`전체 ${total}병상보다 많습니다`, `more than the ${total} there are`)}</em>}
      {free !== undefined && free < 0 && <em class="field-note">{say(`정원보다 ${-free}명 많음`, `${-free} over capacity`)}</em>}
    </li>
  );
}
