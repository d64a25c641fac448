// e-consult: questions to a specialist elsewhere, what was answered, and the clock since it began.
import { operation, search, update } from "./client";
import { BASE, codeOf, referenceId, type Concept, type Parameter, type Patient, type Reference, type Resource, type Task, type TaskInput } from "./fhir";
import { say } from "./language";
import { needName } from "./tables";

const KIND = `${BASE}/CodeSystem/task-kind`;
const STATE = `${BASE}/CodeSystem/consult-state`;
const OUTPUT = `${BASE}/CodeSystem/task-output`;

/** Infarction of the heart, stroke and haemorrhages of the brain: the minutes since the onset decide. */
export const CLOCKED = ["Y0032", "Y0031", "Y0020", "Y0010"];

export interface ImagingStudy extends Resource { subject?: Reference; started?: string; description?: string; endpoint?: Reference[]; modality?: { code?: string }[] }
export interface Endpoint extends Resource { address?: string }
export type ConsultAnswer = "advice" | "transfer" | "stay";
export interface Consults { tasks: Task[]; patients: Map<string, Patient> }

export const isConsult = (task: Task): boolean => codeOf(task.code, KIND) === "e-consult";
export const consultState = (task: Task): string => codeOf(task.businessStatus, STATE) ?? "";
const typed = (list: TaskInput[] | undefined, code: string): TaskInput[] => (list ?? []).filter((item) => item.type?.coding?.[0]?.code === code);
export const asked = (task: Task, code: string): (TaskInput & { valueDateTime?: string }) | undefined => typed(task.input, code)[0];
export const said = (task: Task, code: string): TaskInput | undefined => typed(task.output, code)[0];
export const studiesOf = (task: Task): string[] => typed(task.input, "imaging").map((item) => item.valueReference?.reference ?? "");

export const stateWords = (task: Task): string =>
  ({ asked: say("답을 기다림", "waiting for an answer"), escalated: say("시한이 지나 상황실이 맡음", "overdue: with the control room"), answered: say("답함", "answered"), cancelled: say("거둠", "taken back") })[consultState(task)] ?? consultState(task);
export const answerWords = (answer: string | undefined): string =>
  ({ advice: say("조언", "Advice"), transfer: say("보내십시오(이송)", "Transfer"), stay: say("그곳에서 치료", "Stay") })[answer ?? ""] ?? "";

const isTask = (resource: Resource): resource is Task => resource.resourceType === "Task";
const isPatient = (resource: Resource): resource is Patient => resource.resourceType === "Patient";

/** What this organisation asked or was asked; for the control room, all that is open. */
export async function readConsults(organisation: string, all: boolean): Promise<Consults> {
  const tail = `code=${encodeURIComponent(KIND)}%7Ce-consult&_count=100&_sort=-_lastUpdated&_include=Task:patient`;
  const mine = `Organization/${organisation}`;
  const found = all ? await search(`Task?${tail}`) : (await Promise.all([search(`Task?requester=${mine}&${tail}`), search(`Task?owner=${mine}&${tail}`)])).flat();
  const tasks = [...new Map(found.filter(isTask).filter(isConsult).map((task) => [task.id, task])).values()];
  return { tasks, patients: new Map(found.filter(isPatient).map((patient) => [patient.id ?? "", patient])) };
}

export const readStudies = async (patient: string): Promise<ImagingStudy[]> => search<ImagingStudy>(`ImagingStudy?patient=Patient/${patient}&_count=16&_sort=-started`);

/** Where the pictures of a study are; only what a browser may safely follow. */
export async function readPictures(study: string): Promise<string[]> {
  const found = await search(`ImagingStudy?_id=${study.split("/")[1] ?? ""}&_include=ImagingStudy:endpoint`);
  return found.filter((r): r is Endpoint => r.resourceType === "Endpoint").map((endpoint) => endpoint.address ?? "").filter((address) => /^https?:\/\//.test(address));
}

export interface Question { patient: string; encounter?: string; place: string; level: number; need: string; question: string; onset?: string; imaging: string[]; referral?: string }
export async function ask(question: Question): Promise<void> {
  const reference = (name: string, to: string | undefined): Parameter[] => (to ? [{ name, valueReference: { reference: to } }] : []);
  const onset = question.onset === undefined ? { name: "onset-unknown", valueBoolean: true } : { name: "onset", valueDateTime: question.onset };
  await operation("$consult", [
    ...reference("patient", `Patient/${question.patient}`), ...reference("encounter", question.encounter), ...reference("place", `Organization/${question.place}`),
    { name: "level", valueInteger: question.level }, { name: "question", valueString: question.question },
    ...(question.need ? [{ name: "need", valueCode: question.need }, onset] : []), ...question.imaging.flatMap((study) => reference("imaging", study)), ...reference("referral", question.referral),
  ]);
}

const output = (code: string, value: Partial<TaskInput>): TaskInput => ({ type: { coding: [{ system: OUTPUT, code }] }, ...value });
/** A need as a coded finding: the national conditions and the project's own list are two systems. */
export const findingOf = (need: string): Concept =>
  ({ coding: [{ system: `${BASE}/CodeSystem/${need.startsWith("SY-") ? "need" : "severe-condition"}`, code: need, display: needName(need) }] });
export const answer = async (task: Task, code: ConsultAnswer, text: string, finding: string, telephone: string): Promise<void> => {
  const read = finding === "" ? [] : [output("answer-finding", { valueCodeableConcept: findingOf(finding) })];
  await update<Task>({ ...task, status: "completed", output: [output("answer", { valueCode: code }), output("answer-text", { valueString: text }), ...read, ...(telephone ? [output("telephone", { valueString: telephone })] : [])] });
};
export const takeBack = async (task: Task, reason: string): Promise<void> => {
  await update<Task>({ ...task, status: "cancelled", statusReason: { text: reason } });
};
export const mayAnswer = (task: Task, organisation: string, room: boolean): boolean =>
  task.status === "requested" && (room || referenceId(task.owner) === organisation || referenceId(asked(task, "asked")?.valueReference) === organisation);
