// Driving the page in a real browser: one context an actor, each watched for console errors and requests to other hosts.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { chromium } from "playwright-core";

export const WAIT_MS = 20000;

export async function openBrowser() {
  const folder = mkdtempSync(join(tmpdir(), "soyang-web-"));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", `--disk-cache-dir=${folder}`],
  });
  return { browser, close: async () => { await browser.close(); rmSync(folder, { recursive: true, force: true }); } };
}

export const DESKTOP = { width: 1360, height: 900 };
export const PHONE = { width: 390, height: 844, deviceScaleFactor: 2 };

/** SOYANG_PAGE=web/dist: the page as it was built last instead of the program's own, for work on the page without building the program. */
async function servePage(context, base) {
  const folder = process.env.SOYANG_PAGE;
  if (folder === undefined) return;
  await context.route((url) => url.origin === base && (url.pathname === "/" || url.pathname.startsWith("/page-")), (route) => {
    const name = basename(new URL(route.request().url()).pathname) || "index.html";
    return route.fulfill({ body: readFileSync(resolve(folder, name)), contentType: { html: "text/html", js: "text/javascript", css: "text/css" }[name.split(".").pop()] });
  });
}

/** A person at the page: `caller` is { role, organisation, who } or nothing, for somebody who has not chosen. */
export async function actor(browser, base, caller, { view = DESKTOP, language = "ko", timezone = "Asia/Seoul" } = {}) {
  const { deviceScaleFactor, ...viewport } = view;
  const context = await browser.newContext({ viewport, deviceScaleFactor, locale: "ko-KR", timezoneId: timezone });
  await context.addInitScript(([chosen, words]) => {
    if (localStorage.getItem("soyang.language") === null) localStorage.setItem("soyang.language", words);
    if (chosen !== null && sessionStorage.getItem("soyang.caller") === null) sessionStorage.setItem("soyang.caller", JSON.stringify(chosen));
  }, [caller ?? null, language]);
  await servePage(context, base);
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const seen = { errors: [], foreign: [], refused: [] };
  page.on("console", (message) => { if (message.type() === "error") seen.errors.push(message.text()); });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith(base) && !request.url().startsWith("data:")) seen.foreign.push(request.url()); });
  page.on("response", (response) => { if (response.status() >= 400) seen.refused.push(`${response.status()} ${response.request().method()} ${response.url()}`); });
  const go = async (hash) => { await page.goto(`${base}/#/${hash}`); await page.locator("main > *").first().waitFor(); };
  return { page, context, seen, go, close: () => context.close() };
}

/** Fills in the intake of an infarction, or of what `words` says. */
export async function fillIntake(page, words = {}) {
  const given = { name: "합성환자-시험", sex: "남", age: "59", complaint: "40분 전부터 쥐어짜는 가슴 통증, 왼팔로 뻗침, 식은땀", level: 2, sbp: 104, dbp: 68, hr: 96, rr: 20, spo2: 95, temp: 36.4, pain: 9, ...words };
  await page.locator(".intake form input[type=text]").first().fill(given.name);
  await page.locator(".intake .choice-item", { hasText: new RegExp(`^${given.sex}$`) }).click();
  await page.locator("#age").fill(given.age);
  await page.locator(".intake textarea").first().fill(given.complaint);
  for (const id of ["sbp", "dbp", "hr", "rr", "spo2", "temp", "pain"]) if (given[id] !== undefined) await page.locator(`input[name=${id}]`).fill(String(given[id]));
  await page.locator(".choice-item:has(input[name=mind])").first().click();
  await page.locator(".choice-item:has(input[name=oxygen])").first().click();
  await page.locator(`.choice-item:has(input[name=level])`).nth(given.level - 1).click();
}

export async function decide(page) {
  await page.locator(".intake button[type=submit]").click();
  await page.locator(".reading").waitFor();
  await page.locator(".option").first().waitFor();
}

/** Sends, and gives the referral's id. */
export async function send(page) {
  await page.locator(".send-button").click();
  await page.locator(".referral-head").waitFor();
  return new URL(page.url()).hash.split("/")[2];
}
