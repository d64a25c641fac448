// A referral as it is now, and all its versions: the way there and back.
import { read, search } from "./client";
import { referenceId, type Bundle, type Task } from "./fhir";
import { business, inputOf, isOffer, levelOf, loopId, rankOf } from "./referral";

export interface Referral { loop: Task; offers: Task[]; events: Event[] }
export interface Event {
  at: string;
  task: Task; // the version that it came with
  kind: "state" | "destination" | "roll" | "level" | "delayed" | "deadline" | "sent";
}

/** Versions never change: what was once read of a Task's history is only added to. */
const known = new Map<string, { version: string; versions: Task[] }>();

async function versionsOf(task: Task): Promise<Task[]> {
  const id = task.id ?? "", version = task.meta?.versionId ?? "";
  const kept = known.get(id);
  if (kept !== undefined && kept.version === version) return kept.versions;
  const bundle = await read<Bundle<Task>>(`Task/${id}/_history?_count=200`);
  const versions = (bundle.entry ?? []).flatMap((entry) => (entry.resource === undefined ? [] : [entry.resource]));
  versions.sort((a, b) => Number(a.meta?.versionId ?? 0) - Number(b.meta?.versionId ?? 0));
  known.set(id, { version, versions });
  return versions;
}

export async function readReferral(id: string): Promise<Referral> {
  let loop = await read<Task>(`Task/${id}`);
  if (isOffer(loop)) loop = await read<Task>(`Task/${loopId(loop)}`);
  const found = await search<Task>(`Task?part-of=Task/${loop.id}&_count=100`);
  const offers = found.filter((task) => task.resourceType === "Task").sort((a, b) => (a.authoredOn ?? "").localeCompare(b.authoredOn ?? "") || rankOf(a) - rankOf(b));
  const histories = await Promise.all([loop, ...offers].map(versionsOf));
  const events = histories.flatMap(eventsOf).sort((a, b) => a.at.localeCompare(b.at));
  return { loop, offers, events };
}

/** What changed from one version to the next, as far as people care. */
function eventsOf(versions: Task[]): Event[] {
  const events: Event[] = [];
  versions.forEach((task, i) => {
    const before = versions[i - 1];
    const at = task.meta?.lastUpdated ?? task.lastModified ?? "";
    const add = (kind: Event["kind"]) => events.push({ at, task, kind });
    if (before === undefined) {
      add(isOffer(task) ? "state" : "sent");
      return;
    }
    const isMoved = business(task) !== business(before) || task.status !== before.status;
    if (isMoved) add("state");
    else if (!isOffer(task) && task.restriction?.period?.end !== before.restriction?.period?.end && Date.parse(before.restriction?.period?.end ?? "") <= Date.parse(at)) add("deadline");
    if (inputOf(task, "departed") !== undefined && inputOf(before, "departed") === undefined) add("roll");
    else if (!isMoved && before.location !== undefined && referenceId(task.location) !== referenceId(before.location)) add("destination");
    if (levelOf(task) !== levelOf(before)) add("level");
    if (inputOf(task, "delayed") !== undefined && inputOf(before, "delayed") === undefined) add("delayed");
  });
  return events;
}

