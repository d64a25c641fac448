// The referrals that concern the caller's organisation, the open ones first.
import type { Caller } from "../caller";
import { ageOf, patientName, sexOf } from "../chart";
import { isSynthetic, referenceId, type Task } from "../fhir";
import { say } from "../language";
import { ageText, useServerNow } from "../moment";
import { Due, Empty, Fault, Freshness, Level, Loading, State, Synthetic } from "../parts/marks";
import { usePoll } from "../poll";
import { deadlineOf, isOpen, levelOf, stateRow, waitedFor } from "../referral";
import { placeName } from "../region";
import { patientOf, readAsked, readOpen, readSent, type Worklist } from "../worklist";

async function concerned(caller: Caller): Promise<Worklist> {
  if (caller.role === "control-room" || caller.role === "crew") return readOpen();
  const [sent, asked] = await Promise.all([readSent(caller.organisation), readAsked(caller.organisation)]);
  const loops = new Map([...asked.loops, ...sent.loops].map((loop) => [loop.id, loop]));
  return { loops: [...loops.values()], offers: [...sent.offers, ...asked.offers], patients: new Map([...sent.patients, ...asked.patients]) };
}

export function ReferralsScreen({ caller }: { caller: Caller }) {
  const list = usePoll(`referrals ${caller.role} ${caller.organisation}`, () => concerned(caller));
  const now = useServerNow();
  if (list.data === undefined) return list.fault ? <div class="wide"><Fault fault={list.fault} /></div> : <Loading />;
  const data = list.data;
  const isOurs = (loop: Task) => stateRow(loop)?.owner === "initiator" && referenceId(loop.requester) === caller.organisation;
  const byDue = (a: Task, b: Task) => Number(isOurs(b)) - Number(isOurs(a)) || (deadlineOf(a) ?? 0) - (deadlineOf(b) ?? 0);
  const open = data.loops.filter(isOpen).sort(byDue);
  const closed = data.loops.filter((loop) => !isOpen(loop)).slice(0, 50);
  return (
    <div class="wide">
      <div class="screen-head"><h1>{say("의뢰", "Referrals")}</h1><span class="quiet">{say(`열린 의뢰 ${open.length}건`, `${open.length} open`)}</span></div>
      <Freshness of={list} />
      {data.loops.length === 0 && <Empty title={say("의뢰가 없습니다", "No referrals")}>{say("보낸 의뢰와 받은 의뢰가 여기에 보입니다.", "Referrals sent and received are shown here.")}</Empty>}
      <ul class="rows">{open.map((loop) => <LoopRow key={loop.id} loop={loop} list={data} now={now} isMine={isOurs(loop)} />)}</ul>
      {closed.length > 0 && (
        <>
          <h2>{say("끝난 의뢰", "Closed")}</h2>
          <ul class="rows rows-closed">{closed.map((loop) => <LoopRow key={loop.id} loop={loop} list={data} now={now} />)}</ul>
        </>
      )}
    </div>
  );
}

export function LoopRow({ loop, list, now, isMine }: { loop: Task; list: Worklist; now: number; isMine?: boolean }) {
  const patient = patientOf(list, loop);
  const end = deadlineOf(loop);
  return (
    <li class={isMine ? "is-mine" : ""}>
      <a href={`#/referral/${loop.id}`} class="row">
        <Level level={levelOf(loop)} bare />
        <span class="row-main"><strong>{patientName(patient)}</strong> <span class="quiet">{sexOf(patient)} · {ageOf(patient)}</span> <Synthetic shown={isSynthetic(patient)} />
          <small>{placeName(referenceId(loop.requester), loop.requester?.display)} → {loop.location ? placeName(referenceId(loop.location), loop.location.display) : say("찾는 중", "being found")}</small>
        </span>
        <span class="row-state"><State task={loop} /><small class="quiet">{isOpen(loop) ? <>{waitedFor(loop)} · <Due task={loop} end={end} now={now} /></> : ageText(loop.lastModified, now)}</small></span>
      </a>
    </li>
  );
}
