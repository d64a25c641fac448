// Intake and decision: what is known, the reading, the ranked places, and sending.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Caller } from "../caller";
import { ageOf, patientName, sexOf } from "../chart";
import { ServerFault, operation, read, search, transact } from "../client";
import { CLOCKED } from "../consult";
import { readRanking, readReading, type Ranking, type Reading } from "../decision";
import { isSynthetic, part, type Parameter, type Patient, type Task } from "../fhir";
import { say } from "../language";
import { MapView } from "../parts/map_view";
import { Choice, Fault, Level, Synthetic, levelWord } from "../parts/marks";
import { OptionList } from "../parts/option_list";
import { PlacePicker } from "../parts/place_picker";
import { ReadingCard } from "../parts/reading_card";
import { useAction } from "../poll";
import { isGoverned, isOpen } from "../referral";
import { currentRegion, findPlace, placeName } from "../region";
import { GCS, OXYGEN, complaints, measureFault, measures, newVisit, pastIllnesses, patientIdOf, visitBundle, visitFaults, type Measure, type Visit } from "../visit";

interface Draft { organisation: string; visit: Visit; origin: string; ready: string }

const DRAFT = "soyang.intake";

/** What is written is kept for this tab: looking at the map, or a telephone that loads the page anew, loses nothing. */
function keptDraft(organisation: string): Draft | undefined {
  try {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "null") as Draft | null;
    return draft?.organisation === organisation && draft.visit?.id ? { ...draft, visit: { ...newVisit(), ...draft.visit } } : undefined;
  } catch {
    return undefined; // what is stored is not ours
  }
}
function keepDraft(draft: Draft): void {
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  } catch {
    // no room: it lives as long as the page
  }
}
const READY_MAX_MIN = 240;
const readyMinutes = (text: string): number | undefined => (/^\d{1,3}$/.test(text.trim()) && Number(text) <= READY_MAX_MIN ? Number(text) : text.trim() === "" ? 0 : undefined);

interface Decision { reading: Reading; ranking: Ranking; asked: string }
type Change = (change: Partial<Visit>) => void;

export function IntakeScreen({ caller, patient }: { caller: Caller; patient?: string | undefined }) {
  const [kept] = useState(() => keptDraft(caller.organisation));
  const [visit, setVisit] = useState<Visit>(kept?.visit ?? newVisit());
  const [origin, setOrigin] = useState(kept?.origin ?? caller.organisation);
  const [ready, setReady] = useState(kept?.ready ?? "");
  const [decision, setDecision] = useState<Decision>();
  const [isTried, setTried] = useState(false);
  const action = useAction();
  const result = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => keepDraft({ organisation: caller.organisation, visit, origin, ready }), [caller.organisation, visit, origin, ready]);
  const change: Change = (next) => setVisit((old) => ({ ...old, ...next }));
  useEffect(() => { // a link that names a recorded patient
    if (patient !== undefined) void action.run(async () => {
      const existing = await read<Patient>(`Patient/${patient}`);
      change({ patientMode: "existing", existing, sex: existing.gender === "female" || existing.gender === "male" ? existing.gender : "unknown" });
    });
  }, [patient]);
  const readyIn = readyMinutes(ready);
  const faults: Record<string, string> = { ...visitFaults(visit), ...(readyIn === undefined ? { ready: say(`0–${READY_MAX_MIN}분 사이의 정수`, `a whole number, 0 to ${READY_MAX_MIN} min`) } : {}) };
  const shown = isTried ? faults : Object.fromEntries(Object.entries(faults).filter(([key]) => (visit.values[key] ?? "") !== "" || (key === "age" && visit.age !== "") || key === "ready"));
  const asked = JSON.stringify([{ ...visit, written: [] }, origin, ready]);

  const decide = () => action.run(async () => {
    const { bundle, written } = visitBundle(visit, caller.organisation);
    await transact(bundle);
    change({ written });
    const patient: Parameter[] = [{ name: "patient", valueReference: { reference: `Patient/${patientIdOf(visit)}` } }, { name: "encounter", valueReference: { reference: `Encounter/${visit.id}` } }];
    if (visit.level > 0) patient.push({ name: "human-level", valueInteger: visit.level });
    const [reading, ranking] = await Promise.all([
      operation("$triage", patient),
      operation("$rank-places", [...patient, { name: "origin", valueReference: { reference: `Organization/${origin}` } }, { name: "limit", valueInteger: 8 }, ...(readyIn ? [{ name: "ready-in", valueInteger: readyIn }] : [])]),
    ]);
    setDecision({ reading: readReading(reading), ranking: readRanking(ranking), asked });
    window.setTimeout(() => result.current?.scrollIntoView({ behavior: "smooth", block: "start" }), 50);
  });
  const submit = (event: Event) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(faults).length === 0) void decide();
    else document.querySelector<HTMLElement>(".intake [aria-invalid=true]")?.focus();
  };
  const clear = () => {
    const next = newVisit();
    keepDraft({ organisation: caller.organisation, visit: next, origin, ready: "" }); // at once: this screen may be left before it is drawn again
    setVisit(next); setReady(""); setDecision(undefined); setTried(false); action.clear();
  };

  return (
    <div class="split intake">
      <form onSubmit={submit} noValidate aria-label={say("접수", "intake")}>
        <div class="screen-head"><h1>{say("접수", "Intake")}</h1><button type="button" class="quiet-button" onClick={clear}>{say("새로 시작", "Start over")}</button></div>
        <PatientFields visit={visit} faults={shown} change={change} />
        <ComplaintFields visit={visit} faults={shown} change={change} />
        <VitalFields visit={visit} faults={shown} change={change} />
        <HistoryFields visit={visit} change={change} />
        <LevelField visit={visit} change={change} />
        <section class="card"><label class="field field-inline"><span>{say("떠날 준비까지", "Ready to leave in")}</span>
          <span class="with-unit"><input type="text" inputMode="numeric" name="ready" value={ready} placeholder="0" aria-invalid={shown.ready !== undefined} onInput={(event) => setReady(event.currentTarget.value)} /><i>{say("분", "min")}</i></span>
          <small class="quiet">{say("그때까지 묻는 시간은 늦어짐으로 세지 않습니다", "asking until then costs no time")}</small>
          {shown.ready && <em class="field-fault">{shown.ready}</em>}
        </label></section>
        {caller.role === "crew" && <section class="card"><PlacePicker label={say("출발지", "Origin")} places={[...(currentRegion()?.posts ?? []), ...(currentRegion()?.places ?? [])]} value={findPlace(origin)} onChange={(place) => place && setOrigin(place.id)} /></section>}
        <Fault fault={action.fault} onClose={action.clear} />
        <div class="sticky-action">
          <button type="submit" class="main-button" disabled={action.busy}>{action.busy ? say("판단하는 중…", "Deciding…") : decision ? say("다시 판단", "Decide again") : say("판독과 갈 곳 보기", "Show reading and places")}</button>
          {isTried && Object.keys(faults).length > 0 && <em class="field-fault" role="alert">{Object.values(faults)[0]}</em>}
        </div>
      </form>
      <div ref={result} class="result">
        <p class="sr-only" role="status">{decision && decisionSpoken(decision)}</p>
        {decision === undefined ? <Waiting origin={origin} /> : (
          <Result key={decision.asked + decision.ranking.decision} decision={decision} visit={visit} origin={origin} readyIn={readyIn ?? 0} caller={caller} isOld={decision.asked !== asked} onSent={clear} />
        )}
      </div>
    </div>
  );
}

/** What a screen reader says when the decision comes: the level and the first place. */
function decisionSpoken({ reading, ranking }: Decision): string {
  const first = ranking.options[0];
  const level = say(`판독 ${reading.level}단계 ${levelWord(reading.level)}. `, `Reading: level ${reading.level}, ${levelWord(reading.level)}. `);
  if (reading.stayLocal) return level + say("지역에서 진료할 수 있습니다.", "Care can stay local.");
  return level + (first === undefined ? say("맞는 기관이 없습니다.", "No place fits.") : say(`첫째 ${placeName(first.place)}, ${Math.round(first.minutes)}분.`, `First: ${placeName(first.place)}, ${Math.round(first.minutes)} minutes.`));
}

function Waiting({ origin }: { origin: string }) {
  return (
    <>
      <div class="screen-head"><h2>{say("갈 곳", "Where to")}</h2><span class="quiet">{say(`출발지 ${placeName(origin)}`, `from ${placeName(origin)}`)}</span></div>
      <MapView marks={{ origin }} />
      <p class="quiet hint">{say("적은 만큼으로 판독하고, 빠진 값은 빠졌다고 말합니다.", "The reading uses what you wrote, and says what is missing.")}</p>
    </>
  );
}

/* ---- the form ---------------------------------------------------------------------------------------------------------------- */

interface Fields { visit: Visit; faults?: Record<string, string>; change: Change }

function PatientFields({ visit, faults = {}, change }: Fields) {
  return (
    <section class="card">
      <div class="card-head">
        <h2>{say("환자", "Patient")}</h2>
        <Choice name="patient-mode" label={say("환자 종류", "kind of patient")} value={visit.patientMode} onChange={(patientMode) => change({ patientMode })}
          options={[{ value: "new", text: say("새 합성 환자", "New synthetic") }, { value: "existing", text: say("등록된 환자", "Recorded") }]} />
      </div>
      {visit.patientMode === "existing" ? <PatientSearch visit={visit} fault={faults.existing} change={change} /> : (
        <div class="grid-fields">
          <label class="field field-wide"><span>{say("이름·표시", "Name or mark")}</span>
            <input type="text" value={visit.name} maxLength={60} autocomplete="off" aria-invalid={faults.name !== undefined} onInput={(event) => change({ name: event.currentTarget.value })} />
            {faults.name && <em class="field-fault">{faults.name}</em>}
          </label>
          <div class="field"><span id="sex-label">{say("성별", "Sex")}</span>
            <Choice name="sex" label={say("성별", "sex")} value={visit.sex} onChange={(sex) => change(sex === "male" ? { sex, pregnant: false } : { sex })}
              options={[{ value: "female", text: say("여", "Female") }, { value: "male", text: say("남", "Male") }, { value: "unknown", text: say("모름", "Unknown") }]} />
          </div>
          <div class="field"><label for="age">{say("나이", "Age")}</label>
            <div class="with-unit">
              <input id="age" type="text" inputMode="numeric" value={visit.age} aria-invalid={faults.age !== undefined} onInput={(event) => change({ age: event.currentTarget.value })} />
              <select aria-label={say("나이 단위", "unit of age")} value={visit.ageUnit} onChange={(event) => change({ ageUnit: event.currentTarget.value as Visit["ageUnit"] })}>
                <option value="years">{say("세", "years")}</option><option value="months">{say("개월", "months")}</option>
              </select>
            </div>
            {faults.age && <em class="field-fault">{faults.age}</em>}
          </div>
        </div>
      )}
    </section>
  );
}

function PatientSearch({ visit, fault, change }: { visit: Visit; fault: string | undefined; change: Change }) {
  const [text, setText] = useState("");
  const [found, setFound] = useState<Patient[]>();
  const [searchFault, setSearchFault] = useState<ServerFault>();
  useEffect(() => {
    const wanted = text.trim();
    let isCurrent = true;
    const look = async () => {
      const queries = wanted === "" ? ["Patient?_count=12&_sort=-_lastUpdated"] : [`Patient?name=${encodeURIComponent(wanted)}&_count=12`, `Patient?identifier=${encodeURIComponent(wanted)}&_count=12`];
      try {
        const lists = await Promise.all(queries.map((query) => search<Patient>(query)));
        if (!isCurrent) return;
        setFound([...new Map(lists.flat().map((patient) => [patient.id, patient])).values()]);
        setSearchFault(undefined);
      } catch (error) {
        if (isCurrent && error instanceof ServerFault) setSearchFault(error);
      }
    };
    const timer = window.setTimeout(() => void look(), 250);
    return () => { isCurrent = false; clearTimeout(timer); };
  }, [text]);
  return (
    <div>
      <label class="field"><span>{say("이름이나 식별 번호로 찾기", "Find by name or identifier")}</span>
        <input type="search" value={text} aria-invalid={fault !== undefined} onInput={(event) => setText(event.currentTarget.value)} autocomplete="off" />
      </label>
      <Fault fault={searchFault} />
      <ul class="patient-list" role="radiogroup" aria-label={say("환자", "patients")}>
        {[...(visit.existing && !found?.some((patient) => patient.id === visit.existing?.id) ? [visit.existing] : []), ...(found ?? [])].map((patient) => (
          <li key={patient.id}><label class={visit.existing?.id === patient.id ? "is-on" : ""}>
            <input type="radio" name="existing" checked={visit.existing?.id === patient.id} onChange={() => change({ existing: patient, sex: patient.gender === "female" || patient.gender === "male" ? patient.gender : "unknown" })} />
            <strong>{patientName(patient)}</strong><span>{sexOf(patient)} · {ageOf(patient)}</span><Synthetic shown={isSynthetic(patient)} />
          </label></li>
        ))}
      </ul>
      {found?.length === 0 && <p class="quiet">{say("찾은 환자가 없습니다", "no patient found")}</p>}
      {fault && <em class="field-fault">{fault}</em>}
    </div>
  );
}

function ComplaintFields({ visit, faults = {}, change }: Fields) {
  const add = (words: string) => change({ complaint: visit.complaint.trim() === "" ? words : `${visit.complaint.trim()}, ${words}` });
  return (
    <section class="card">
      <h2>{say("주호소", "Complaint")}</h2>
      <div class="chips">{complaints.map(([ko, en]) => <button key={en} type="button" class="chip" onClick={() => add(say(ko, en))}>{say(ko, en)}</button>)}</div>
      <label class="field"><span class="sr-only">{say("주호소", "complaint")}</span>
        <textarea rows={2} value={visit.complaint} maxLength={1000} aria-invalid={faults.complaint !== undefined} onInput={(event) => change({ complaint: event.currentTarget.value })}
          placeholder={say("예: 40분 전부터 쥐어짜는 가슴 통증, 왼팔로 뻗침", "e.g. crushing chest pain for 40 minutes, spreading to the left arm")} />
        {faults.complaint && <em class="field-fault">{faults.complaint}</em>}
      </label>
      <label class="field field-inline"><span>{say("증상 시작", "Began")}</span>
        <span class="with-unit"><input type="text" inputMode="numeric" name="began" value={visit.onset} aria-invalid={faults.onset !== undefined} onInput={(event) => change({ onset: event.currentTarget.value })} /><i>{say("분 전", "min ago")}</i></span>
        {faults.onset && <em class="field-fault">{faults.onset}</em>}
      </label>
    </section>
  );
}

function MeasureField({ measure, visit, fault, change }: { measure: Measure; visit: Visit; fault: string | undefined; change: Change }) {
  const text = visit.values[measure.id] ?? "";
  const value = Number(text);
  const isUnusual = text.trim() !== "" && measureFault(measure, text) === undefined && (value < measure.usual[0] || value > measure.usual[1]);
  return (
    <label class={`field measure ${isUnusual ? "is-unusual" : ""}`}>
      <span>{say(measure.ko, measure.en)}</span>
      <span class="with-unit">
        <input type="text" inputMode="decimal" name={measure.id} value={text} aria-invalid={fault !== undefined} autocomplete="off" onInput={(event) => change({ values: { ...visit.values, [measure.id]: event.currentTarget.value.replace(",", ".") } })} />
        <i>{measure.shown}</i>
      </span>
      {fault ? <em class="field-fault">{fault}</em> : isUnusual && <em class="field-note">{value > measure.usual[1] ? say("▲ 높음", "▲ high") : say("▼ 낮음", "▼ low")}</em>}
    </label>
  );
}

function VitalFields({ visit, faults = {}, change }: Fields) {
  const minds: [Visit["mind"], string][] = [["A", say("명료", "alert")], ["C", say("혼돈", "confused")], ["V", say("음성", "voice")], ["P", say("통증", "pain")], ["U", say("무반응", "none")]];
  return (
    <section class="card">
      <h2>{say("활력징후", "Vital signs")}</h2>
      <div class="measure-grid">{measures.map((measure) => <MeasureField key={measure.id} measure={measure} visit={visit} fault={faults[measure.id]} change={change} />)}</div>
      <div class="field"><span>{say("의식 (ACVPU)", "Consciousness (ACVPU)")}</span>
        <Choice wide name="mind" label={say("의식", "consciousness")} value={visit.mind} onChange={(mind) => change({ mind })} options={minds.map(([value, text]) => ({ value, text: <><b>{value}</b><small>{text}</small></> }))} />
      </div>
      <div class="measure-grid measure-grid-2">
        <MeasureField measure={GCS} visit={visit} fault={faults.gcs} change={change} />
        <div class="field"><span>{say("산소", "Oxygen")}</span>
          <Choice name="oxygen" label={say("산소", "oxygen")} value={visit.oxygen} onChange={(oxygen) => change({ oxygen })} options={[{ value: "air", text: say("실내 공기", "Room air") }, { value: "oxygen", text: say("투여 중", "Given") }]} />
        </div>
        {visit.oxygen === "oxygen" && <MeasureField measure={OXYGEN} visit={visit} fault={faults.o2} change={change} />}
      </div>
    </section>
  );
}

function HistoryFields({ visit, change }: Fields) {
  const toggle = (code: string) => change({ past: visit.past.includes(code) ? visit.past.filter((other) => other !== code) : [...visit.past, code] });
  const area = (label: string, key: "findings" | "pastText" | "medicines" | "allergies") => (
    <label class="field"><span>{label} <small class="quiet">{say("한 줄에 하나", "one a line")}</small></span><textarea rows={2} value={visit[key]} maxLength={2000} onInput={(event) => change({ [key]: event.currentTarget.value })} /></label>
  );
  const count = visit.past.length + [visit.findings, visit.pastText, visit.medicines, visit.allergies].filter((text) => text.trim() !== "").length + (visit.pregnant ? 1 : 0);
  return (
    <details class="card" open={count > 0}>
      <summary><h2>{say("병력·소견·약", "History, findings, medicines")}</h2> <span class="quiet">{count > 0 ? count : say("선택", "optional")}</span></summary>
      <div class="chips" role="group" aria-label={say("병력", "history")}>
        {pastIllnesses.map((row) => <button key={row.code} type="button" class={`chip ${visit.past.includes(row.code) ? "is-on" : ""}`} aria-pressed={visit.past.includes(row.code)} onClick={() => toggle(row.code)}>{say(row.ko, row.en)}</button>)}
        {visit.sex !== "male" && <button type="button" class={`chip ${visit.pregnant ? "is-on" : ""}`} aria-pressed={visit.pregnant} onClick={() => change({ pregnant: !visit.pregnant })}>{say("임신", "Pregnant")}</button>}
      </div>
      <div class="grid-fields">
        {area(say("소견·검사", "Findings, tests"), "findings")}{area(say("그 밖의 병력", "Other history"), "pastText")}
        {area(say("복용 약", "Medicines"), "medicines")}{area(say("알레르기", "Allergies"), "allergies")}
      </div>
    </details>
  );
}

function LevelField({ visit, change }: Fields) {
  return (
    <section class="card">
      <h2>{say("사람이 본 단계 (KTAS)", "Human level (KTAS)")}</h2>
      <Choice wide name="level" label={say("사람이 본 단계", "human level")} value={visit.level} onChange={(level) => change({ level })}
        options={[1, 2, 3, 4, 5].map((level) => ({ value: level, text: <><Level level={level} bare /><small>{levelWord(level)}</small></>, className: "choice-level" }))} />
    </section>
  );
}

/* ---- the decision ------------------------------------------------------------------------------------------------------------- */

/** The open referral of this patient, if there is one: what a lost answer may have left behind. */
async function openLoopOf(patient: string): Promise<Task | undefined> {
  const tasks = await search<Task>(`Task?patient=Patient/${patient}&part-of:missing=true&_sort=-_lastUpdated&_count=10`);
  return tasks.find((task) => task.resourceType === "Task" && isGoverned(task) && isOpen(task));
}

function Result({ decision, visit, origin, readyIn, caller, isOld, onSent }: { decision: Decision; visit: Visit; origin: string; readyIn: number; caller: Caller; isOld: boolean; onSent: () => void }) {
  const { reading, ranking } = decision;
  const first = reading.stayLocal ? "" : (ranking.options[0]?.place ?? "");
  const [chosen, setChosen] = useState(first);
  const [other, setOther] = useState("");
  const [reason, setReason] = useState("");
  const [question, setQuestion] = useState("");
  const [departs, setDeparts] = useState(reading.extreme);
  const [sent, setSent] = useState<string>(); // a referral that is there already
  const action = useAction();
  const place = other || chosen;
  const needsReason = place !== "" && place !== first;
  const candidates = [...(currentRegion()?.places ?? [])];
  const send = () => action.run(async () => {
    const parameters: Parameter[] = [
      { name: "patient", valueReference: { reference: `Patient/${patientIdOf(visit)}` } }, { name: "encounter", valueReference: { reference: `Encounter/${visit.id}` } },
      { name: "requester", valueReference: { reference: `Organization/${caller.organisation}` } }, { name: "origin", valueReference: { reference: `Organization/${origin}` } },
      ...(visit.level > 0 ? [{ name: "human-level", valueInteger: visit.level }] : []),
      ...(needsReason ? [{ name: "place", valueReference: { reference: `Organization/${place}` } }, { name: "override-reason", valueString: reason.trim() }] : []),
      ...(question.trim() === "" ? [] : [{ name: "question", valueString: question.trim() }]),
      ...(departs ? [{ name: "depart", valueBoolean: true }] : []),
      ...(readyIn > 0 ? [{ name: "ready-in", valueInteger: readyIn }] : []),
      ...(ranking.decision === "" ? [] : [{ name: "decision", valueReference: { reference: ranking.decision } }]),
    ];
    setSent(undefined);
    let loop: Task | undefined;
    try {
      loop = part(await operation("$send", parameters), "loop")?.resource as Task | undefined;
    } catch (error) {
      if (!(error instanceof ServerFault) || !(error.isLost || error.isStale)) throw error;
      const known = await openLoopOf(patientIdOf(visit)).catch(() => undefined);
      if (known === undefined || error.isStale) { // a second one is refused: the first is shown where it stands
        setSent(known?.id);
        throw error;
      }
      loop = known;
    }
    onSent();
    location.hash = loop?.id === undefined ? "#/referrals" : `#/referral/${loop.id}`;
  });
  return (
    <>
      {isOld && <p class="banner banner-alert" role="status">{say("적은 내용이 바뀌었습니다. 다시 판단하십시오.", "What is written has changed: decide again.")}</p>}
      <ReadingCard reading={reading} />
      {visit.onset.trim() === "" && reading.needs.some((need) => CLOCKED.includes(need.code)) && (
        <p class="banner banner-alert">{say("이 병은 시작 시각이 치료를 정합니다. 언제 시작했는지(마지막으로 멀쩡하던 때) 적어 주십시오.", "In this illness the onset decides the treatment: write when it began (when the patient was last well).")} <button type="button" class="quiet-button" onClick={() => document.querySelector<HTMLElement>("input[name=began]")?.focus()}>{say("적기", "Write it")}</button></p>
      )}
      <div class="screen-head"><h2>{say("갈 곳", "Where to")}</h2><span class="quiet">{say(`출발지 ${placeName(origin)}`, `from ${placeName(origin)}`)}</span></div>
      <MapView marks={{ origin, destination: place || undefined, numbered: ranking.options.map((option, i) => ({ place: option.place, rank: i + 1, isChosen: option.place === place })) }} onPick={(picked) => ranking.options.some((option) => option.place === picked.id) && (setChosen(picked.id), setOther(""))} />
      {ranking.options.length === 0 && <p class="banner banner-alert">{say("맞는 기관이 없습니다. 보내면 상황실이 맡습니다.", "No place fits. When sent, the control room takes it.")}</p>}
      <OptionList ranking={ranking} chosen={other === "" ? chosen : ""} onChoose={(picked) => { setChosen(picked); setOther(""); }} />
      <section class="card send" aria-label={say("보내기", "send")}>
        <details open={other !== ""}><summary>{say("목록에 없는 곳 고르기", "Choose a place not listed")}</summary>
          <PlacePicker label={say("기관", "Place")} places={candidates} value={findPlace(other)} onChange={(picked) => setOther(picked?.id ?? "")} />
        </details>
        {needsReason && (
          <label class="field"><span>{reading.stayLocal ? say("지역 진료 대신 보내는 이유 (필수)", "Why send instead of local care (required)") : say("첫째가 아닌 곳을 고른 이유 (필수)", "Why not the first (required)")}</span>
            <input type="text" value={reason} maxLength={300} onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        )}
        <details><summary>{say("받는 곳에 묻거나 알릴 말", "A word to the receiver")}</summary>
          <label class="field"><span class="sr-only">{say("알릴 말", "word")}</span><textarea rows={2} maxLength={1000} value={question} onInput={(event) => setQuestion(event.currentTarget.value)} /></label>
        </details>
        <label class="check"><input type="checkbox" checked={departs} onChange={(event) => setDeparts(event.currentTarget.checked)} /><span>{say("구급차가 지금 출발합니다", "The ambulance leaves now")}</span></label>
        {sent === undefined ? <Fault fault={action.fault} onClose={action.clear} /> : (
          <p class="banner banner-alert already-sent" role="alert">{say("이 환자의 의뢰가 이미 열려 있어 다시 보내지 않았습니다.", "This patient is being referred already: it was not sent again.")} <a href={`#/referral/${sent}`} onClick={onSent}>{say("그 의뢰 보기", "See that referral")}</a></p>
        )}
        {place === "" && reading.stayLocal && <p class="quiet">{say("지역에서 진료합니다. 그래도 보내려면 기관을 고르십시오.", "Care stays local. To send all the same, choose a place.")}</p>}
      </section>
      <div class="sticky-action">
        <button type="button" class="main-button send-button" disabled={action.busy || isOld || (needsReason && reason.trim() === "") || (place === "" && reading.stayLocal)} onClick={() => void send()}>
          {action.busy ? say("보내는 중…", "Sending…") : say("보내기", "Send")}{place !== "" && <small>{placeName(place)}</small>}
        </button>
      </div>
    </>
  );
}
