// Lists of Tasks with the patients they are for.
import { search } from "./client";
import { referenceId, type Patient, type Resource, type Task } from "./fhir";
import { isGoverned, isOffer, isOpen, loopId } from "./referral";

export interface Worklist { loops: Task[]; offers: Task[]; patients: Map<string, Patient> }

const isTask = (resource: Resource): resource is Task => resource.resourceType === "Task";
const isPatient = (resource: Resource): resource is Patient => resource.resourceType === "Patient";

function worklist(resources: Resource[]): Worklist {
  const tasks = [...new Map(resources.filter(isTask).filter(isGoverned).map((task) => [task.id, task])).values()];
  return {
    loops: tasks.filter((task) => !isOffer(task)),
    offers: tasks.filter(isOffer),
    patients: new Map(resources.filter(isPatient).map((patient) => [patient.id ?? "", patient])),
  };
}

export const patientOf = (list: Worklist, task: Task): Patient | undefined => list.patients.get(referenceId(task.for));

const LIST = "&_count=200&_sort=-_lastUpdated&_include=Task:patient";

/** What an organisation sent. */
export const readSent = async (organisation: string): Promise<Worklist> => worklist(await search(`Task?requester=Organization/${organisation}${LIST}`));

/** What an organisation was asked, with the loops those offers belong to. */
export const readAsked = async (organisation: string): Promise<Worklist> =>
  worklist(await search(`Task?owner=Organization/${organisation}${LIST}&_include=Task:part-of`));

/** Every loop and offer that is open. */
export async function readOpen(): Promise<Worklist> {
  const list = worklist(await search(`Task?status=requested,received,accepted,in-progress,rejected${LIST}`));
  return { ...list, loops: list.loops.filter(isOpen), offers: list.offers.filter(isOpen) };
}

/** The loops that ended last. */
export const readClosed = async (): Promise<Worklist> => worklist(await search("Task?status=completed,cancelled,failed&part-of:missing=true&_count=10&_sort=-_lastUpdated&_include=Task:patient"));

export const offersOf = (list: Worklist, loop: Task): Task[] => list.offers.filter((offer) => loopId(offer) === loop.id);
