// What a need is certain by: a finding that somebody confirmed, who that was and when, and whether it still stands.
import { codeOf, conceptText, referenceId, type Concept, type Condition, type Reference, type Resource } from "./fhir";
import { read, search, ServerFault } from "./client";
import { half, say } from "./language";
import { placeName } from "./region";

export interface Certain { code: string; quote: string; source: string } // a need, the record's words and where they stand; source "": said with the question
export interface Finding { words: string; by: string; at: string | undefined; isWithdrawn: boolean }

interface Communication extends Resource { sender?: Reference }
interface Role extends Resource { organization?: Reference; practitioner?: Reference }
interface Person extends Resource { name?: { text?: string }[] }

const STATUS = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
export const verification = (condition: Condition): string => codeOf(condition.verificationStatus, STATUS) ?? "";
export const isWithdrawn = (condition: Condition): boolean => ["refuted", "entered-in-error"].includes(verification(condition));

const shares = (a: Concept | undefined, b: Concept | undefined): boolean =>
  (a?.coding ?? []).some((one) => one.code !== undefined && (b?.coding ?? []).some((other) => other.code === one.code && other.system === one.system));

/** The finding itself was taken back, or the same was refuted after it. */
export const standsWithdrawn = (condition: Condition, others: readonly Condition[]): boolean =>
  isWithdrawn(condition) ||
  others.some((other) => verification(other) === "refuted" && shares(condition.code, other.code) && (other.meta?.lastUpdated ?? "") >= (condition.meta?.lastUpdated ?? ""));

const quietly = async <T>(look: Promise<T>): Promise<T | undefined> =>
  look.catch((error: unknown) => { if (error instanceof ServerFault && error.isLost) throw error; return undefined; });

async function placesOf(practitioner: string): Promise<string[]> {
  const roles = await quietly(search<Role>(`PractitionerRole?practitioner=${practitioner}&_count=8`));
  return [...new Set((roles ?? []).map((role) => referenceId(role.organization)).filter((id) => id !== ""))].map((id) => placeName(id));
}

/** Who says so, in words: the specialist's hospital, else the person and where that person works. */
export async function authorOf(condition: Condition): Promise<string> {
  for (const detail of (condition.evidence ?? []).flatMap((one) => one.detail ?? [])) {
    const said = detail.reference?.startsWith("Communication/") ? await quietly(read<Communication>(detail.reference)) : undefined;
    if (said?.sender !== undefined) return say(`${placeName(referenceId(said.sender))} 협진`, `e-consult, ${placeName(referenceId(said.sender))}`);
  }
  const author = condition.asserter ?? condition.recorder;
  if (author?.reference === undefined) return author?.display ?? say("누구인지 적히지 않음", "nobody is named");
  if (author.reference.startsWith("PractitionerRole/")) {
    const role = await quietly(read<Role>(author.reference));
    return [author.display ?? role?.practitioner?.display, placeName(referenceId(role?.organization), role?.organization?.display)].filter(Boolean).join(", ");
  }
  const person = author.display === undefined && author.reference.startsWith("Practitioner/") ? await quietly(read<Person>(author.reference)) : undefined;
  const name = author.display ?? person?.name?.[0]?.text ?? author.reference;
  return [name, ...(author.reference.startsWith("Practitioner/") ? await placesOf(author.reference) : [])].join(", ");
}

/** "Condition/1.code.coding[0].display" → "1" */
const idOf = (source: string): string | undefined => /^Condition\/(.+?)\.code(\.|$)/.exec(source)?.[1];

/** The finding as it stands now; a deleted one is withdrawn. */
export async function readFinding(certain: Certain): Promise<Finding | undefined> {
  const id = idOf(certain.source);
  if (id === undefined) return undefined;
  const [found] = await search<Condition>(`Condition?_id=${encodeURIComponent(id)}`);
  if (found === undefined) return { words: certain.quote, by: "", at: undefined, isWithdrawn: true };
  const others = await search<Condition>(`Condition?patient=${found.subject?.reference ?? ""}&verification-status=refuted&_count=50`);
  return { words: half(conceptText(found.code)) || certain.quote, by: await authorOf(found), at: found.recordedDate ?? found.meta?.lastUpdated, isWithdrawn: standsWithdrawn(found, others) };
}
