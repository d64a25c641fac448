// The chart on one screen: what brings the patient, vitals, findings, history, medicines, allergies.
import { ageOf, patientName, sexOf, vitalTexts, type Chart } from "../chart";
import { isSynthetic } from "../fhir";
import { say } from "../language";
import { ageText, clockText, durationText } from "../moment";
import { ConfirmedFindings } from "./certain_card";
import { Level, Synthetic } from "./marks";

export function PatientLine({ chart, level }: { chart: Chart | undefined; level?: number }) {
  return (
    <div class="patient-line">
      {level !== undefined && <Level level={level} bare />}
      <strong>{patientName(chart?.patient)}</strong>
      <span>{sexOf(chart?.patient)} · {ageOf(chart?.patient)}</span>
      <Synthetic shown={isSynthetic(chart?.patient)} />
    </div>
  );
}

function Words({ title, items, none, isAlert }: { title: string; items: string[]; none: string; isAlert?: boolean }) {
  return (
    <div class={`words ${isAlert && items.length > 0 ? "words-alert" : ""}`}>
      <h3>{title}</h3>
      {items.length === 0 ? <p class="quiet">{none}</p> : <ul>{items.map((item) => <li key={item}>{item}</li>)}</ul>}
    </div>
  );
}

/** Since it began: in a stroke, a haemorrhage of the brain and an infarction these minutes decide. */
function Since({ onset, now, isClocked }: { onset: string | undefined; now: number; isClocked: boolean }) {
  if (onset === undefined) return isClocked ? <p class="onset-clock"><b>{say("시작 시각 기록 없음", "Onset not recorded")}</b> <span class="quiet">{say("보낸 곳에 물어보십시오", "ask the sender")}</span></p> : null;
  return <p class="onset-clock" role="timer" data-onset={onset}><b>{durationText(now - Date.parse(onset))}</b> {say("증상 시작 후", "since it began")} <span class="quiet">{clockText(onset)}</span></p>;
}

export function ChartCard({ chart, now, isClocked = false }: { chart: Chart; now: number; isClocked?: boolean }) {
  const vitals = vitalTexts(chart.vitals);
  const latest = vitals.reduce<string | undefined>((best, vital) => (vital.at !== undefined && (best === undefined || vital.at > best) ? vital.at : best), undefined);
  const none = say("기록 없음", "none recorded");
  return (
    <section class="card chart" aria-label={say("진료 기록 요약", "chart summary")}>
      <h2 class="sr-only">{say("진료 기록", "Chart")}</h2>
      {chart.complaints.length > 0 && <p class="complaint">{chart.complaints.map((complaint) => <span key={complaint}>“{complaint}”</span>)}</p>}
      <Since onset={chart.onset} now={now} isClocked={isClocked} />
      <h3>{say("마지막 활력징후", "Last vital signs")} {latest && <small class="quiet">{ageText(latest, now)}</small>}</h3>
      {vitals.length === 0 ? <p class="quiet">{none}</p> : (
        <dl class="vitals">
          {vitals.map((vital) => (
            <div key={vital.code + vital.name}><dt>{vital.name}</dt><dd>{vital.value} <small>{vital.unit}</small></dd></div>
          ))}
        </dl>
      )}
      <ConfirmedFindings chart={chart} now={now} />
      <div class="words-grid">
        <Words title={say("소견", "Findings")} items={chart.findings} none={none} />
        <Words title={say("병력", "History")} items={chart.history} none={none} />
        <Words title={say("복용 약", "Medicines")} items={chart.medicines} none={none} />
        <Words title={say("알레르기", "Allergies")} items={chart.allergies} none={none} isAlert />
      </div>
    </section>
  );
}
