// The real program on a free port, and the few requests that the comparison needs.
import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";

export const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../..");
const executable = process.env.SOYANG || path.join(root, "build/release/soyang");
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });

export class Program {
  async start() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "soyang-oracle-"));
    this.process = spawn(executable, ["serve", "--data", this.folder, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
    const port = await new Promise((resolve, reject) => {
      let said = "";
      this.process.stdout.on("data", (chunk) => {
        said += chunk;
        const found = /127\.0\.0\.1:(\d+)/.exec(said);
        if (found) resolve(Number(found[1]));
      });
      this.process.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
    this.base = `http://127.0.0.1:${port}/fhir`;
    return this;
  }

  async stop() {
    agent.destroy();
    this.process.removeAllListeners("exit");
    const ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill("SIGTERM");
    const code = await ended;
    fs.rmSync(this.folder, { recursive: true });
    return code;
  }

  /** A connection that was kept may have been closed while nothing was asked: then once more, on another. */
  async request(method, url, body) {
    try {
      return await this.once(method, url, body);
    } catch (error) {
      if (!error.was_kept || !/EPIPE|ECONNRESET/.test(error.code)) throw error;
      return this.once(method, url, body);
    }
  }

  once(method, url, body) {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { "Content-Type": "application/fhir+json" };
      const request = http.request(url, { method, agent, headers }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode, body: text && JSON.parse(text) });
        });
      });
      request.on("error", (error) => reject(Object.assign(error, { was_kept: request.reusedSocket })));
      request.end(body);
    });
  }

  post(bundle) {
    return this.request("POST", this.base, JSON.stringify(bundle));
  }

  /** All pages of a search: entries in order, or the refusal's status and text. */
  async search(query) {
    const entries = [];
    let url = `${this.base}/${query}`;
    for (let page = 0; url; page++) {
      const { status, body } = await this.request("GET", url);
      if (status !== 200) return { status, refusal: (body.issue ?? []).map((issue) => issue.diagnostics).join("; ") };
      entries.push(...(body.entry ?? []));
      url = body.link?.find((link) => link.relation === "next")?.url;
    }
    return { status: 200, entries };
  }
}
