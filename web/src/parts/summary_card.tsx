// The summary: read when it is opened, since every reading leaves an audit row; each line opens the resource it was taken from.
import { useState } from "preact/hooks";
import { read, ServerFault } from "../client";
import type { Resource } from "../fhir";
import { say } from "../language";
import { readSummary, type Summary, type SummaryLine } from "../summary";
import { Fault, Loading } from "./marks";

function Line({ line }: { line: SummaryLine }) {
  const [shown, show] = useState<{ name: string; text: string }>();
  const open = async (source: string) => {
    if (shown?.name === source) return show(undefined);
    const resource = await read<Resource>(source).catch((error: unknown) => ({ fault: String(error) }));
    show({ name: source, text: JSON.stringify(resource, null, 1) });
  };
  return (
    <li>
      {say(line.ko, line.en)}{" "}
      {line.sources.map((source) => (
        <button key={source} type="button" class="source" aria-expanded={shown?.name === source} title={say(`이 줄의 원본 ${source}`, `the source of this line, ${source}`)} onClick={() => void open(source)}>{say("원본", "source")} {source.split("/")[0]}</button>
      ))}
      {shown && <pre class="source-text">{shown.text}</pre>}
    </li>
  );
}

export function SummaryCard({ patientId }: { patientId: string }) {
  const [summary, setSummary] = useState<Summary>();
  const [fault, setFault] = useState<ServerFault>();
  const load = () => {
    setFault(undefined);
    readSummary(patientId).then(setSummary, (error: unknown) => setFault(error instanceof ServerFault ? error : new ServerFault(-1, [String(error)])));
  };
  return (
    <details class="card summary-sheet" onToggle={(event) => { if (event.currentTarget.open && summary === undefined) load(); }}>
      <summary><h2>{say("받는 의사를 위한 요약", "Summary for the receiving doctor")}</h2></summary>
      <Fault fault={fault} />
      {summary === undefined ? !fault && <Loading /> : (
        <>
          <p class="banner" role="note">{summary.notice}</p>
          {summary.sections.map((section) => (
            <div key={section.code} class="words">
              <h3>{section.title}</h3>
              {section.lines.length === 0 ? <p class="quiet">{say("기록에 없음 (없다는 뜻이 아님)", "nothing recorded (which is not none)")}</p>
                : <ul>{section.lines.map((line) => <Line key={line.ko + line.sources.join()} line={line} />)}</ul>}
              {section.leftOut > 0 && <p class="quiet">{say(`그 밖에 ${section.leftOut}줄은 기록에서 보십시오`, `${section.leftOut} more in the record`)}</p>}
            </div>
          ))}
        </>
      )}
    </details>
  );
}
