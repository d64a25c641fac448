// The program under test: a fresh folder with a region in it, served on a free port of this machine.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const READY_MS = 30000;

/** `silentSite`: the id of an organisation where the models run without being shown. */
export async function openProgram({ silentSite } = {}) {
  const binary = resolve(ROOT, process.env.SOYANG_RELEASE ?? process.env.SOYANG ?? "build/release/soyang");
  const folder = mkdtempSync(join(tmpdir(), "soyang-web-data-"));
  const data = join(folder, "data");
  const loaded = spawnSync(binary, ["region", "load", "--assumptions", "--data", data, "regions/gangwon"], { cwd: ROOT, encoding: "utf8" });
  if (loaded.status !== 0) throw new Error(`${binary} region load: ${loaded.error ?? loaded.stderr}`);
  const more = [];
  if (silentSite !== undefined) {
    const sites = join(folder, "sites.json");
    writeFileSync(sites, JSON.stringify({ format: "soyang-triage-sites/1", sites: [{ site: `Organization/${silentSite}`, mode: "silent", calibrations: [] }] }));
    more.push("--triage-sites", sites);
  }
  let child;
  const end = async (signal) => {
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
  };
  const close = async () => {
    await end("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  const serve = (port) => new Promise((done, fail) => {
    child = spawn(binary, ["serve", "--data", data, "--port", String(port), ...more], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    const timer = setTimeout(() => fail(new Error(`the program was not ready: ${said}`)), READY_MS);
    child.once("exit", (code) => fail(new Error(`the program ended with ${code}`)));
    child.stdout.on("data", (chunk) => {
      said += chunk;
      const match = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (match !== null) { clearTimeout(timer); done(match[0]); }
    });
  });
  const base = await serve(0);
  /** As the power fails; and on again, the same folder at the same address. */
  const kill = () => end("SIGKILL");
  const start = () => serve(new URL(base).port);
  return { base, close, kill, start };
}

/** Reading the record beside the page, as the local operator. */
export async function fhir(base, path) {
  const answer = await fetch(`${base}/fhir/${path}`);
  if (!answer.ok) throw new Error(`${path} was answered ${answer.status}`);
  return answer.json();
}
export const business = (task) => task.businessStatus?.coding?.find((coding) => coding.system.endsWith("/referral-state"))?.code;
export const offersOf = async (base, loop) => ((await fhir(base, `Task?part-of=Task/${loop}&_count=50`)).entry ?? []).map((entry) => entry.resource)
  .sort((a, b) => a.authoredOn.localeCompare(b.authoredOn));
export const idOf = (reference) => reference.reference.split("/")[1];
