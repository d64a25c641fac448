// The chart on one screen: what brings the patient, vitals, findings, history, medicines, allergies.
import { ageOf, patientName, sexOf, vitalTexts, type Chart } from "../chart";
import { isSynthetic } from "../fhir";
import { say } from "../language";
import { ageText } from "../moment";
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
      <h4>{title}</h4>
      {items.length === 0 ? <p class="quiet">{none}</p> : <ul>{items.map((item) => <li key={item}>{item}</li>)}</ul>}
    </div>
  );
}

export function ChartCard({ chart, now }: { chart: Chart; now: number }) {
  const vitals = vitalTexts(chart.vitals);
  const latest = vitals.reduce<string | undefined>((best, vital) => (vital.at !== undefined && (best === undefined || vital.at > best) ? vital.at : best), undefined);
  const none = say("기록 없음", "none recorded");
  return (
    <section class="card chart" aria-label={say("진료 기록 요약", "chart summary")}>
      {chart.complaints.length > 0 && <p class="complaint">{chart.complaints.map((complaint) => <span key={complaint}>“{complaint}”</span>)}</p>}
      <h4>{say("마지막 활력징후", "Last vital signs")} {latest && <small class="quiet">{ageText(latest, now)}</small>}</h4>
      {vitals.length === 0 ? <p class="quiet">{none}</p> : (
        <dl class="vitals">
          {vitals.map((vital) => (
            <div key={vital.code + vital.name}><dt>{vital.name}</dt><dd>{vital.value} <small>{vital.unit}</small></dd></div>
          ))}
        </dl>
      )}
      <div class="words-grid">
        <Words title={say("소견", "Findings")} items={chart.findings} none={none} />
        <Words title={say("병력", "History")} items={chart.history} none={none} />
        <Words title={say("복용 약", "Medicines")} items={chart.medicines} none={none} />
        <Words title={say("알레르기", "Allergies")} items={chart.allergies} none={none} isAlert />
      </div>
    </section>
  );
}
