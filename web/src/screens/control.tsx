// The control room: every open loop by who must act by when, overdue first; and which boards are true.
import type { Caller } from "../caller";
import { search } from "../client";
import { referenceId, type MeasureReport, type Task } from "../fhir";
import { nameIn, say } from "../language";
import { ageText, useServerNow } from "../moment";
import { MapView } from "../parts/map_view";
import { Empty, Fault, Freshness, Loading } from "../parts/marks";
import { usePoll } from "../poll";
import { business, deadlineOf, levelOf } from "../referral";
import { currentRegion, placeName } from "../region";
import { bedRow, named, tierName } from "../tables";
import { readClosed, readOpen } from "../worklist";
import { ageTone, bedCode, freeOf, totalOf } from "./board";
import { LoopRow } from "./referrals";

export function ControlScreen({ caller, view }: { caller: Caller; view: string | undefined }) {
  return (
    <div class={view === "boards" ? "wide" : "wide control"}>
      <div class="screen-head"><h1>{say("상황판", "Control room")}</h1>
        <nav class="sub-tabs" aria-label={say("보기", "view")}>
          <a href="#/control" class={view === "boards" ? "" : "is-on"}>{say("열린 의뢰", "Open referrals")}</a>
          <a href="#/control/boards" class={view === "boards" ? "is-on" : ""}>{say("병상판", "Boards")}</a>
        </nav>
      </div>
      {view === "boards" ? <Boards /> : <OpenLoops caller={caller} />}
    </div>
  );
}

function OpenLoops({ caller }: { caller: Caller }) {
  const list = usePoll("open", readOpen, 2500);
  const closed = usePoll("closed", readClosed, 10000);
  const now = useServerNow();
  if (list.data === undefined) return list.fault ? <Fault fault={list.fault} /> : <Loading />;
  const data = list.data;
  const byDue = (a: Task, b: Task) => (deadlineOf(a) ?? 0) - (deadlineOf(b) ?? 0);
  const isOverdue = (task: Task) => (deadlineOf(task) ?? 0) < now;
  const isOurs = (task: Task) => referenceId(task.owner) === caller.organisation || ["with-controller", "diverted"].includes(business(task));
  const overdue = data.loops.filter(isOverdue).sort(byDue);
  const ours = data.loops.filter((task) => !isOverdue(task) && isOurs(task)).sort(byDue);
  const others = data.loops.filter((task) => !isOverdue(task) && !isOurs(task)).sort(byDue);
  const travelling = data.loops.filter((task) => ["en-route", "diverted"].includes(business(task))).length;
  const section = (title: string, loops: Task[], tone: string) => loops.length > 0 && (
    <section class={`loops loops-${tone}`}><h2>{title} <small>{loops.length}</small></h2><ul class="rows">{loops.map((loop) => <LoopRow key={loop.id} loop={loop} list={data} now={now} isMine={tone !== "others"} />)}</ul></section>
  );
  return (
    <>
      <Freshness of={list} />
      <dl class="figures">
        <div class={overdue.length > 0 ? "is-alert" : ""}><dt>{say("시한 지남", "Overdue")}</dt><dd>{overdue.length}</dd></div>
        <div class={ours.length > 0 ? "is-warn" : ""}><dt>{say("상황실 차례", "Ours to act")}</dt><dd>{ours.length}</dd></div>
        <div><dt>{say("열린 의뢰", "Open")}</dt><dd>{data.loops.length}</dd></div>
        <div><dt>{say("이송 중", "On the way")}</dt><dd>{travelling}</dd></div>
        <div><dt>{say("답을 기다리는 문의", "Offers waiting")}</dt><dd>{data.offers.filter((offer) => offer.status === "requested").length}</dd></div>
      </dl>
      <div class="control-grid"><div>
      {data.loops.length === 0 && <Empty title={say("열린 의뢰가 없습니다", "No open referral")}>{say("열린 의뢰는 모두 여기에, 급한 것부터 보입니다.", "Every open referral is shown here, the most pressing first.")}</Empty>}
      {section(say("시한이 지났습니다", "Overdue"), overdue, "overdue")}
      {section(say("상황실이 할 차례", "Ours to act"), ours, "ours")}
      {section(say("다른 곳이 할 차례", "Others must act"), others, "others")}
      {closed.data && closed.data.loops.length > 0 && <section class="loops"><h2>{say("방금 끝난 의뢰", "Closed lately")}</h2><ul class="rows rows-closed">{closed.data.loops.map((loop) => closed.data && <LoopRow key={loop.id} loop={loop} list={closed.data} now={now} />)}</ul></section>}
      </div><div class="control-map"><MapView marks={{ ways: data.loops.filter((loop) => loop.location !== undefined).map((loop) => ({ id: loop.id ?? "", origin: referenceId(loop.requester), destination: referenceId(loop.location), level: levelOf(loop) ?? 0, isMoving: ["en-route", "diverted"].includes(business(loop)) })) }} /></div></div>
    </>
  );
}

const SHOWN_BEDS = ["hvec", "hvicc", "hvcc", "hv6", "hvoc", "hvgc"];

function Boards() {
  const boards = usePoll("boards", () => search<MeasureReport>("MeasureReport?_count=200"), 6000);
  const now = useServerNow(5000);
  if (boards.data === undefined) return boards.fault ? <Fault fault={boards.fault} /> : <Loading />;
  const byPlace = new Map(boards.data.filter((report) => report.id?.startsWith("capacity-")).map((report) => [(report.id ?? "").slice("capacity-".length), report]));
  const places = (currentRegion()?.places ?? []).filter((place) => place.tier && !place.neighbour);
  if (places.length === 0) return <Empty title={say("병상판이 없습니다", "No boards")} />;
  const beds = SHOWN_BEDS.flatMap((code) => { const row = bedRow(code); return row === undefined ? [] : [row]; });
  return (
    <div class="table-scroll">
      <Freshness of={boards} />
      <table class="boards">
        <caption class="quiet">{say("빈 병상 / 전체. 음수는 정원 초과. 한 시간이 넘은 값은 믿지 않습니다.", "Free / all beds. Negative: over capacity. Counts over an hour old are not believed.")}</caption>
        <thead><tr><th scope="col">{say("기관", "Place")}</th><th scope="col">{say("적은 때", "Written")}</th>{beds.map((bed) => <th key={bed.free} scope="col">{named(bed)}</th>)}</tr></thead>
        <tbody>
          {places.map((place) => {
            const report = byPlace.get(place.id);
            const count = (code: string) => report?.group?.find((group) => bedCode(group) === code);
            return (
              <tr key={place.id} class={`age-${ageTone(report?.date, now)}`}>
                <th scope="row"><a href={`#/board/${place.id}`}>{nameIn(place)}</a><small>{tierName(place.tier)}</small></th>
                <td>{report ? <>{ageText(report.date, now)}<small>{placeName(referenceId(report.reporter), report.reporter?.display)}</small></> : say("모름", "unknown")}</td>
                {beds.map((bed) => { const group = count(bed.free); const free = group && freeOf(group); return <td key={bed.free} class={`count ${free !== undefined && free <= 0 ? "count-none" : ""}`}>{group ? <><b>{free ?? "?"}</b>{totalOf(group) !== undefined && <small> / {totalOf(group)}</small>}</> : "–"}</td>; })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
