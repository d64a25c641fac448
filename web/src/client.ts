// Speaking to the server: every request names its caller; every fault says what the server said.
import { callerHeaders } from "./caller";
import type { Bundle, OperationOutcome, Parameter, Resource } from "./fhir";
import { say } from "./language";
import { observeServerStamp } from "./moment";

export class ServerFault extends Error {
  constructor(readonly status: number, readonly issues: readonly string[]) {
    super(issues.join("\n"));
  }
  /** Somebody else changed it meanwhile, or the step is not legal any more. */
  get isStale(): boolean {
    return this.status === 409 || this.status === 412;
  }
  /** No answer came: what was sent may have arrived all the same. */
  get isLost(): boolean {
    return this.status === 0;
  }
}

function issuesOf(status: number, body: unknown): string[] {
  const outcome = body as OperationOutcome | undefined;
  const said = (outcome?.issue ?? []).map((issue) => {
    const words = issue.diagnostics ?? issue.details?.text ?? issue.code ?? "";
    const where = issue.expression?.join(", ");
    return where ? `${where}: ${words}` : words;
  });
  return said.length > 0 ? said : [say(`서버가 ${status}로 답했습니다.`, `The server answered ${status}.`)];
}

const READ_LIMIT_MS = 20000;
const WRITE_LIMIT_MS = 60000;

interface Ask {
  body?: unknown;
  etag?: string;
}

async function ask(method: string, path: string, options: Ask = {}): Promise<unknown> {
  const headers: Record<string, string> = { Accept: "application/fhir+json", ...callerHeaders() };
  if (options.body !== undefined) headers["Content-Type"] = "application/fhir+json";
  if (options.etag !== undefined) headers["If-Match"] = options.etag;
  const signal = AbortSignal.timeout(method === "GET" ? READ_LIMIT_MS : WRITE_LIMIT_MS);
  let answer: Response, text: string;
  try {
    answer = await fetch(path, { method, headers, body: options.body === undefined ? undefined : JSON.stringify(options.body), cache: "no-store", signal });
    text = await answer.text();
  } catch {
    const why = signal.aborted ? say("서버가 제때 답하지 않았습니다.", "The server did not answer in time.") : say("연결을 확인하십시오.", "Check the connection.");
    throw new ServerFault(0, [method === "GET" ? why : `${why} ${say("보낸 것이 닿았는지 알 수 없으니 다시 하기 전에 확인하십시오.", "What was sent may have arrived: look before you repeat it.")}`]);
  }
  let body: unknown;
  try {
    body = text === "" ? undefined : JSON.parse(text);
  } catch {
    throw new ServerFault(answer.status, [say("서버의 답을 읽을 수 없습니다.", "The server's answer cannot be read.")]);
  }
  if (!answer.ok) throw new ServerFault(answer.status, issuesOf(answer.status, body));
  observeServerStamp((body as Resource | undefined)?.meta?.lastUpdated);
  return body;
}

export const readJson = async <T>(path: string): Promise<T> => (await ask("GET", path)) as T;
export const read = async <T extends Resource>(path: string): Promise<T> => (await ask("GET", `/fhir/${path}`)) as T;

/** All resources of one page of a search, matches and included alike. */
export async function search<T extends Resource = Resource>(path: string): Promise<T[]> {
  const bundle = (await ask("GET", `/fhir/${path}`)) as Bundle<T>;
  return (bundle.entry ?? []).flatMap((entry) => (entry.resource === undefined || entry.search?.mode === "outcome" ? [] : [entry.resource]));
}

/** How many a search would find. */
export const count = async (path: string): Promise<number> => ((await ask("GET", `/fhir/${path}&_summary=count`)) as Bundle).total ?? 0;

/** Writes what was read, if nobody wrote in between. */
export async function update<T extends Resource>(resource: T): Promise<T> {
  const version = resource.meta?.versionId;
  const { meta, ...rest } = resource;
  const body = meta?.tag === undefined ? rest : { ...rest, meta: { tag: meta.tag } };
  return (await ask("PUT", `/fhir/${resource.resourceType}/${resource.id}`, { body, etag: version === undefined ? undefined : `W/"${version}"` })) as T;
}

export const create = async <T extends Resource>(resource: T): Promise<T> =>
  (await ask("POST", `/fhir/${resource.resourceType}`, { body: resource })) as T;

export const transact = async (bundle: Bundle): Promise<Bundle> => (await ask("POST", "/fhir", { body: bundle })) as Bundle;

export async function operation(name: string, parameters: Parameter[]): Promise<Parameter[]> {
  const body = (await ask("POST", `/fhir/${name}`, { body: { resourceType: "Parameters", parameter: parameters } })) as { parameter?: Parameter[] };
  return body.parameter ?? [];
}
