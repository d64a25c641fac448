// The real program, serving a folder on a free port of this machine.
"use strict";
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const executable = process.env.SOYANG || path.join(__dirname, "../../build/release/soyang");

async function start() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "soyang-clients-"));
  const server = spawn(executable, ["serve", "--data", folder, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await new Promise((resolve, reject) => {
    let said = "";
    server.stdout.on("data", (chunk) => {
      said += chunk;
      const found = /127\.0\.0\.1:(\d+)/.exec(said);
      if (found) resolve(Number(found[1]));
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  async function stop() {
    server.removeAllListeners("exit");
    const ended = new Promise((resolve) => server.on("exit", resolve));
    server.kill("SIGTERM");
    const code = await ended;
    fs.rmSync(folder, { recursive: true });
    return code;
  }
  return { url: `http://127.0.0.1:${port}`, stop };
}

module.exports = { start };
