// Builds the page: src/ into dist/ (index.html, one script and one style sheet with a hash in their names).
// Code tables (states, transitions, reasons ...) come from the country's files, the same that the program is built from.
import { build } from "esbuild";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const country = join(here, "..", "regions", "korea");
const SIZE_MAX = 120 * 1024; // compressed, script and style sheet together

/** Columns of a table that the page uses. */
const tables = {
  states: ["code", "scope", "display_ko", "display_en", "task_status", "open", "owner"],
  transitions: ["scope", "actor", "trigger", "trigger_en", "trigger_ko", "from_status", "from_business", "to_status", "to_business", "reason_required"],
  reasons: ["code", "display_ko", "display_en", "said_by"],
  beds: ["free", "total", "display_ko", "display_en", "pool"],
};

/** RFC 4180, as far as the region's files use it. */
function parseCsv(text) {
  const rows = [[]];
  let cell = "", quoted = false;
  const endCell = () => { rows[rows.length - 1].push(cell); cell = ""; };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') { cell += c; i++; }
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === ",") endCell();
    else if (c === "\n") { endCell(); rows.push([]); }
    else if (c !== "\r") cell += c;
  }
  if (cell !== "" || rows[rows.length - 1].length > 0) endCell();
  const [names, ...values] = rows.filter((row) => row.length > 0);
  return values.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? ""])));
}

function tableModule(name) {
  const columns = tables[name];
  if (columns === undefined) throw new Error(`no table '${name}'`);
  let rows = parseCsv(readFileSync(join(country, `${name}.csv`), "utf8"));
  if (name === "transitions") rows = rows.filter((row) => row.actor !== "system"); // deadlines are the server's business
  return JSON.stringify(rows.map((row) => Object.fromEntries(columns.map((column) => [column, row[column]]))));
}

const tablePlugin = {
  name: "table",
  setup(b) {
    b.onResolve({ filter: /^table:/ }, (args) => ({ path: args.path.slice("table:".length), namespace: "table" }));
    b.onLoad({ filter: /.*/, namespace: "table" }, (args) => ({ contents: tableModule(args.path), loader: "json" }));
  },
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const result = await build({
  entryPoints: [join(here, "src", "main.tsx")],
  outdir: dist,
  entryNames: "page-[hash]",
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2021", "chrome100", "firefox100", "safari15"],
  charset: "utf8",
  legalComments: "none",
  jsx: "automatic",
  jsxImportSource: "preact",
  metafile: true,
  plugins: [tablePlugin],
  logLevel: "warning",
});
const names = Object.keys(result.metafile.outputs).map((path) => basename(path));
const script = names.find((name) => name.endsWith(".js"));
const style = names.find((name) => name.endsWith(".css"));
const html = readFileSync(join(here, "src", "index.html"), "utf8").replace("page.js", script).replace("page.css", style);
writeFileSync(join(dist, "index.html"), html);
writeFileSync(join(dist, "icon.svg"), readFileSync(join(here, "src", "icon.svg")));

const packed = [script, style].reduce((size, name) => size + gzipSync(readFileSync(join(dist, name)), { level: 9 }).length, 0);
console.log(`web/dist: ${script}, ${style}: ${(packed / 1024).toFixed(1)} KiB compressed`);
if (packed > SIZE_MAX) {
  console.error(`the page is over its limit of ${SIZE_MAX / 1024} KiB`);
  process.exit(1);
}
