// What people do with the page, each as one scenario. Every scenario also fails on a console error, a request to another host
// or an answer of the server that it did not expect.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { DESKTOP, PHONE, WAIT_MS, actor, decide, fillIntake, openBrowser, send } from "./driver.mjs";
import { business, fhir, idOf, offersOf, openProgram } from "./program.mjs";

const NURSE = { role: "primary-care", organisation: "gw-post-1429", who: "nurse-1" };
const scenarios = [];
const scenario = (name, body) => scenarios.push({ name, body });
const asReceiver = (organisation) => ({ role: "receiving", organisation, who: `ed-${organisation}` });

/** Waits until `look` gives something; the record follows the page within a moment. */
async function until(look, what) {
  const end = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 150));
  }
}
const untilState = (base, id, state) => until(async () => business(await fhir(base, `Task/${id}`)) === state, `Task ${id} in state ${state}`);

async function sendOne(t, words) {
  const nurse = await t.actor(NURSE);
  await nurse.go("intake");
  await fillIntake(nurse.page, words);
  await decide(nurse.page);
  return { nurse, id: await send(nurse.page) };
}

/** As somebody else, past the page. */
const post = (t, path, body, caller, method = "POST") => fetch(`${t.base}/fhir/${path}`, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/fhir+json", "X-Soyang-Who": "Practitioner/web",
  "X-Soyang-Organization": `Organization/${caller[0]}`, "X-Soyang-Role": caller[1], "X-Soyang-Purpose": "ETREAT" } });

scenario("a newcomer chooses a role and a place, and is told that there is no sign-in", async (t) => {
  const { page, go } = await t.actor(undefined);
  await go("");
  await page.getByText("아직 로그인이 없습니다").waitFor();
  await page.locator("input[name=role][value=receiving]").check({ force: true });
  await page.getByLabel("기관", { exact: true }).fill("강릉아산");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "시작" }).click();
  await page.getByRole("heading", { name: "수용 문의" }).waitFor();
  assert.equal(await page.locator(".who b").textContent(), "강릉아산병원");
});

scenario("the language is switched and stays", async (t) => {
  const { page, go } = await t.actor(NURSE);
  await go("intake");
  await page.getByRole("heading", { name: "접수" }).first().waitFor();
  await page.locator(".language").click();
  await page.getByRole("heading", { name: "Intake" }).first().waitFor();
  await page.getByText("not a certified medical device").waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  await page.reload();
  await page.getByRole("heading", { name: "Vital signs" }).waitFor();
  const hangul = await page.locator(".intake form").evaluate((form) => [...form.querySelectorAll("h2, .field > span, .choice-item, .chip, button")].map((e) => e.textContent).filter((s) => /[가-힣]/.test(s)));
  assert.deepEqual(hangul, []);
});

scenario("an impossible vital sign is refused at its field, and nothing is sent", async (t) => {
  const { page, go, seen } = await t.actor(NURSE);
  await go("intake");
  await fillIntake(page, { spo2: 950 });
  let posts = 0;
  page.on("request", (request) => { posts += request.method() === "POST" ? 1 : 0; });
  await page.getByText("10–100 % 사이여야 합니다").first().waitFor();
  await page.locator(".intake button[type=submit]").click();
  assert.equal(await page.locator("input[name=spo2]").getAttribute("aria-invalid"), "true");
  assert.equal(posts, 0);
  await page.locator("input[name=spo2]").fill("95");
  await decide(page);
  assert.deepEqual(seen.refused, []);
});

scenario("the reading tells the models' word, what they foresee, and that nobody calibrated them for this site", async (t) => {
  const { page, go, seen } = await t.actor(NURSE);
  await go("intake");
  await fillIntake(page, { name: "합성환자-예측" });
  await decide(page);
  const card = page.locator("section.reading").first();
  await card.getByText("단계를 바꾸지 않습니다").waitFor();
  assert.equal(await card.locator(".forecasts li b").count(), 3);
  assert.equal(await card.locator(".forecasts .tag", { hasText: "이 기관에 맞추지 않음" }).count(), 3);
  const tags = await card.locator(".reasons .tag").allTextContents();
  assert.ok(tags.includes("모델") && tags.every((tag) => /^[가-힣 ]+$/.test(tag)), tags.join());
  if (process.env.SOYANG_SHOTS) await card.screenshot({ path: `${process.env.SOYANG_SHOTS}/reading-ko.png` });
  await page.locator(".language").click();
  await card.getByText("they move no level").waitFor();
  const english = await card.locator(".forecasts, .reasons .tag").allTextContents();
  assert.ok(english.every((text) => !/[가-힣]/.test(text)), english.join());
  if (process.env.SOYANG_SHOTS) await card.screenshot({ path: `${process.env.SOYANG_SHOTS}/reading-en.png` });
  assert.deepEqual(seen.refused, []);
});

scenario("a child: the models say that they do not speak, and why; no share of theirs is shown", async (t) => {
  const { page, go } = await t.actor(NURSE);
  await go("intake");
  await fillIntake(page, { name: "합성환자-어린이", age: "8", complaint: "열이 나고 기침", level: 4, sbp: 100, dbp: 62, hr: 110, rr: 22, spo2: 98, temp: 38.6, pain: 2 });
  await decide(page);
  const card = page.locator("section.reading").first();
  assert.match(await card.locator(".reason-reader").first().textContent(), /판독하지 않습니다/);
  assert.match(await card.locator(".forecasts").textContent(), /판독하지 않습니다/);
  assert.doesNotMatch(await card.locator(".forecasts").textContent(), /%/);
  assert.equal(await card.getByText("모델이 그렇게 본 까닭").count(), 0);
  await page.locator(".language").click();
  await card.locator(".forecasts", { hasText: "abstains" }).waitFor();
});

scenario("at a silent site nothing of the models is shown: not to the nurse, not to the receiver, in no language", async (t) => {
  const quiet = await openProgram({ silentSite: NURSE.organisation });
  try {
    const nurse = await t.actor(NURSE, { base: quiet.base });
    await nurse.go("intake");
    await fillIntake(nurse.page, { name: "합성환자-무언" });
    const answered = nurse.page.waitForResponse((answer) => answer.url().endsWith("/$triage"));
    await decide(nurse.page);
    const answer = (await (await answered).json()).parameter.map((one) => JSON.stringify({ ...one, resource: undefined })).join("\n");
    const reading = nurse.page.locator("section.reading").first();
    const isQuiet = async (place, where) => {
      const words = await place.innerText();
      assert.doesNotMatch(words, /모델|예측|학습된|확률|Model|Forecast|Trained|probability/, `${where}: ${words}`);
    };
    await nurse.page.locator("section.reading details summary").first().click();
    await isQuiet(reading, "the reading in Korean");
    assert.equal(await reading.locator(".forecasts, .reason-reader").count(), 0);
    assert.doesNotMatch(answer, /"forecast"|trained-level/);
    await nurse.page.locator(".language").click();
    await nurse.page.getByRole("heading", { name: "Second reading" }).waitFor();
    await isQuiet(reading, "the reading in English");
    const id = await send(nurse.page);
    const [offer] = await offersOf(quiet.base, id);
    const hospital = await t.actor(asReceiver(idOf(offer.owner)), { base: quiet.base });
    await hospital.go(`inbox/${offer.id}`);
    await hospital.page.locator(".inbox-detail .chart").waitFor();
    await hospital.page.locator(".summary-sheet summary").click();
    await hospital.page.locator(".summary-sheet .words").first().waitFor();
    await isQuiet(hospital.page.locator(".inbox-detail"), "the receiver's chart");
  } finally {
    await quiet.close();
  }
});

scenario("a nurse whose telephone loads the page anew has lost nothing, before the decision and after sending", async (t) => {
  const nurse = await t.actor(NURSE);
  await nurse.go("intake");
  await fillIntake(nurse.page, { name: "합성환자-새로고침" });
  await nurse.page.locator("input[name=began]").fill("40");
  await nurse.page.reload();
  await nurse.page.locator("input[name=sbp]").waitFor();
  assert.equal(await nurse.page.locator("input[name=sbp]").inputValue(), "104");
  assert.equal(await nurse.page.locator("input[name=began]").inputValue(), "40");
  assert.match(await nurse.page.locator(".intake textarea").first().inputValue(), /쥐어짜는/);
  await decide(nurse.page);
  await nurse.page.reload(); // after the record was written, before it was sent: the same record is written again
  await decide(nurse.page);
  const id = await send(nurse.page);
  await nurse.page.reload();
  await nurse.page.locator(".referral-head", { hasText: "합성환자-새로고침" }).waitFor();
  const found = await fhir(t.base, `Patient?name=${encodeURIComponent("합성환자-새로고침")}`);
  assert.equal(found.entry.length, 1);
  assert.equal((await fhir(t.base, `Task?patient=Patient/${found.entry[0].resource.id}&part-of:missing=true`)).entry[0].resource.id, id);
  await nurse.go("intake");
  assert.equal(await nurse.page.locator("input[name=sbp]").inputValue(), "", "what was sent is not offered again");
});

scenario("who loses the connection reads how old the page is, and it comes back by itself", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-끊김" });
  nurse.expects(/Failed to load resource|net::ERR/);
  await nurse.context.setOffline(true);
  const told = nurse.page.locator(".lateness");
  await told.getByText("서버의 답을 받지 못했습니다").waitFor();
  await told.getByText("전에 읽은 것입니다").waitFor();
  await nurse.page.locator(".referral-head", { hasText: "합성환자-끊김" }).waitFor();
  await nurse.page.locator("[data-step=ask-controller]").click();
  await nurse.page.getByText("다시 하기 전에 확인하십시오").waitFor();
  assert.equal(business(await fhir(t.base, `Task/${id}`)), "offered");
  await nurse.context.setOffline(false);
  await told.waitFor({ state: "detached" });
  await nurse.page.route(/\/fhir\/Task\//, async (route) => { await new Promise((done) => setTimeout(done, 6000)); await route.continue().catch(() => undefined); });
  await told.getByText("서버의 답이 늦습니다").waitFor();
  await nurse.page.unrouteAll({ behavior: "ignoreErrors" });
});

scenario("sent twice is sent once: by a double click, when the answer is lost, and from a second tab", async (t) => {
  const loopsOf = async (name) => {
    const patient = (await fhir(t.base, `Patient?name=${encodeURIComponent(name)}`)).entry[0].resource.id;
    return { patient, loops: (await fhir(t.base, `Task?patient=Patient/${patient}&part-of:missing=true`)).entry };
  };
  const nurse = await t.actor(NURSE);
  await nurse.go("intake");
  await fillIntake(nurse.page, { name: "합성환자-두번" });
  await decide(nurse.page);
  await nurse.page.locator(".send-button").dblclick();
  await nurse.page.locator(".referral-head").waitFor();
  const { patient, loops } = await loopsOf("합성환자-두번");
  assert.equal(loops.length, 1);

  nurse.expects(/Failed to load resource/);
  await nurse.go("intake");
  await fillIntake(nurse.page, { name: "합성환자-답잃음" });
  await decide(nurse.page);
  await nurse.page.route(/\/fhir\/\$send/, async (route) => { await route.fetch(); await route.abort(); });
  await send(nurse.page); // it goes to the referral that is there
  assert.equal((await loopsOf("합성환자-답잃음")).loops.length, 1);

  const second = await t.actor(NURSE);
  second.expects(/409/);
  await second.go(`intake/${patient}`);
  await until(async () => second.page.getByLabel("등록된 환자").isChecked(), "the recorded patient to be chosen");
  await second.page.locator(".intake textarea").first().fill("가슴 통증");
  await second.page.locator(".choice-item:has(input[name=level])").nth(1).click();
  await decide(second.page);
  await second.page.locator(".send-button").click();
  await second.page.locator(".already-sent a").click();
  await second.page.locator(".referral-head", { hasText: "합성환자-두번" }).waitFor();
  assert.ok(second.seen.refused.length === 1 && /^409 POST/.test(second.seen.refused[0]), second.seen.refused.join());
  second.seen.refused.length = 0;
});

scenario("the server is killed while it sends: the page says so, comes back by itself, and there is one referral or none", async (t) => {
  const program = await openProgram();
  try {
    const nurse = await t.actor(NURSE, { base: program.base });
    nurse.expects(/Failed to load resource|net::ERR/);
    for (const [name, isWritten] of [["합성환자-정전", true], ["합성환자-정전전", false]]) {
      await nurse.go("intake");
      await fillIntake(nurse.page, { name });
      await decide(nurse.page);
      await nurse.page.route(/\/fhir\/\$send/, async (route) => {
        if (isWritten) await route.fetch(); // it was written, and its answer is lost
        await program.kill();
        await route.abort();
      });
      await nurse.page.locator(".send-button").click();
      await nurse.page.locator(".send .fault", { hasText: "서버의 답을 받지 못했습니다" }).waitFor();
      assert.equal(await nurse.page.locator("input[name=sbp]").inputValue(), "104", "what was written is there");
      await nurse.page.unrouteAll({ behavior: "ignoreErrors" });
      await program.start();
      const patient = (await fhir(program.base, `Patient?name=${encodeURIComponent(name)}&name:exact=${encodeURIComponent(name)}`)).entry[0].resource.id;
      const loops = async () => (await fhir(program.base, `Task?patient=Patient/${patient}&part-of:missing=true`)).entry ?? [];
      assert.equal((await loops()).length, isWritten ? 1 : 0);
      await nurse.page.locator(".send-button").click();
      if (isWritten) await nurse.page.locator(".already-sent a").click();
      await nurse.page.locator(".referral-head", { hasText: name }).waitFor();
      assert.equal((await loops()).length, 1);
    }
    await program.kill();
    const told = nurse.page.locator(".lateness");
    await told.getByText("서버의 답을 받지 못했습니다").waitFor();
    await program.start();
    await told.waitFor({ state: "detached" });
    assert.ok(nurse.seen.refused.length === 1 && /^409 POST/.test(nurse.seen.refused[0]), nurse.seen.refused.join());
    nurse.seen.refused.length = 0;
  } finally {
    await program.close();
  }
});

scenario("who reads in another zone sees the region's clock and days, and is told which", async (t) => {
  const { id } = await sendOne(t, { name: "합성환자-시차" });
  const offer = (await offersOf(t.base, id))[0];
  const far = await t.actor(asReceiver(idOf(offer.owner)), { timezone: "America/New_York", language: "en" });
  const seoul = (at) => new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Seoul", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));
  await far.go(`inbox/${offer.id}`);
  const clock = far.page.locator(".server-clock");
  await until(async () => { const text = await clock.textContent(), now = Date.now(); return text.includes("UTC+9") && [now, now - 60000, now + 60000].some((at) => text.startsWith(seoul(at))); }, "the region's clock");
  const near = await t.actor(NURSE);
  await near.go(`referral/${id}`);
  await near.page.locator(".referral-head").waitFor();
  assert.doesNotMatch(await near.page.locator(".server-clock").textContent(), /UTC/);
  const boston = await t.actor(NURSE, { timezone: "America/New_York" });
  await boston.go(`referral/${id}`);
  const by = (person) => person.page.locator(".who-acts small").last();
  await by(boston).waitFor();
  assert.equal(await by(boston).textContent(), await by(near).textContent(), "one deadline, one clock");
  await boston.page.locator("details", { hasText: "전문의에게 협진 묻기" }).locator("summary").click();
  await boston.page.getByLabel("물을 기관").fill("원주세브란스");
  await boston.page.keyboard.press("Enter");
  await boston.page.locator("select[name=consult-need]").selectOption("Y0032");
  await boston.page.locator("input[name=onset]").fill("2026-01-02T00:30");
  await boston.page.locator("textarea[name=consult-question]").fill("시차 시험");
  await boston.page.locator(".ask-consult button[type=submit]").click();
  await boston.page.locator(".consult").first().waitFor();
  const task = (await fhir(t.base, "Task?code=e-consult&_sort=-_lastUpdated&_count=1")).entry[0].resource;
  assert.equal(task.input.find((input) => input.type.coding[0].code === "onset").valueDateTime, "2026-01-01T15:30:00.000Z", "half past midnight at the patient's place");
});

scenario("a chart with odd names and others' zones: the latest is the latest, no name is no blank, a long one does not push", async (t) => {
  const patient = { resourceType: "Patient", id: "odd-names", name: [{ use: "official" }], birthDate: "1950" };
  const long = { resourceType: "Patient", id: "long-name", name: [{ text: "긴이름".repeat(19) + "Abcdefghijklmnopqrstuvwxyz" }], birthDate: "1950" };
  const visit = (of) => ({ resourceType: "Encounter", id: `${of}-visit`, status: "in-progress", class: { code: "EMER" }, subject: { reference: `Patient/${of}` }, period: { start: "2026-01-02T00:10:00+09:00" } });
  const pressure = (of, id, at, value) => ({ resourceType: "Observation", id: `${of}-${id}`, status: "final", code: { coding: [{ system: "http://loinc.org", code: "8480-6" }] }, subject: { reference: `Patient/${of}` }, effectiveDateTime: at,
    valueQuantity: { value, unit: "mmHg", system: "http://unitsofmeasure.org", code: "mm[Hg]" } });
  for (const of of ["odd-names", "long-name"]) {
    const all = [of === "odd-names" ? patient : long, visit(of), pressure(of, "before", "2026-01-02T00:10:00+09:00", 111), pressure(of, "after", "2026-01-01T15:40:00Z", 77)];
    for (const resource of all) {
      const answer = await post(t, `${resource.resourceType}/${resource.id}`, resource, ["gw-post-1429", "primary-care"], "PUT");
      assert.ok(answer.ok, await answer.text());
    }
    const sent = await post(t, "$send", { resourceType: "Parameters", parameter: [{ name: "patient", valueReference: { reference: `Patient/${of}` } }, { name: "encounter", valueReference: { reference: `Encounter/${of}-visit` } },
      { name: "requester", valueReference: { reference: "Organization/gw-post-1429" } }, { name: "human-level", valueInteger: 2 }] }, ["gw-post-1429", "primary-care"]);
    assert.ok(sent.ok, await sent.clone().text());
    const loop = (await sent.json()).parameter.find((one) => one.name === "loop").resource.id;
    const nurse = await t.actor(NURSE, { view: { ...PHONE, width: 360 }, language: of === "odd-names" ? "en" : "ko" });
    for (const hash of [`referral/${loop}`, "referrals"]) {
      await nurse.go(hash);
      await nurse.page.locator(`.patient-line, a[href$="${loop}"]`).first().waitFor();
      assert.ok(await nurse.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${of} ${hash} is too wide`);
    }
    await nurse.go(`referral/${loop}`);
    await nurse.page.locator(".chart").first().waitFor();
    assert.match(await nurse.page.locator(".chart").first().innerText(), /77/, "15:40 in London is after midnight in Seoul");
    if (of === "odd-names") await nurse.page.locator(".patient-line", { hasText: "no name" }).first().waitFor();
    assert.equal(await nurse.page.locator("input[type=search]").count() > 0, true);
    await nurse.page.locator("details", { hasText: /전문의에게|Ask a specialist/ }).locator("summary").click();
    await nurse.page.locator(".ask-consult input[type=search]").fill(of === "odd-names" ? "gw-post-1429" : "기린면보건지소");
    assert.equal(await nurse.page.locator(".ask-consult [role=option]").count(), 0, "nobody asks himself");
  }
});

scenario("an address that is none shows what is wrong, not an empty page", async (t) => {
  const nurse = await t.actor(NURSE);
  nurse.expects(/404|400|Failed to load resource/);
  await nurse.go("referral/%E0%A4%A");
  await nurse.page.locator(".fault").first().waitFor();
  await nurse.go("map/%");
  await nurse.page.locator(".map").first().waitFor();
  nurse.seen.refused.length = 0;
});

scenario("another patient does not slip under the hand that is about to answer", async (t) => {
  const { id } = await sendOne(t, { name: "합성환자-손밑" });
  const place = idOf((await offersOf(t.base, id))[0].owner);
  await sendOne(t, { name: "합성환자-다음" });
  const hospital = await t.actor(asReceiver(place));
  await hospital.go("inbox");
  const accept = hospital.page.locator(".inbox-detail [data-answer=accept]");
  await accept.waitFor();
  const offer = await fhir(t.base, `Task/${await hospital.page.locator(".rows .is-on a").first().getAttribute("data-offer")}`);
  const loop = await fhir(t.base, offer.partOf[0].reference);
  const name = await hospital.page.locator(".inbox-detail .patient-line strong").first().textContent();
  assert.ok((await hospital.page.locator("a[data-offer]").count()) >= 2, "another waits");
  const { meta, ...rest } = loop;
  const answer = await fetch(`${t.base}/fhir/Task/${loop.id}`, { method: "PUT", body: JSON.stringify({ ...rest, status: "cancelled", businessStatus: { coding: [{ ...loop.businessStatus.coding[0], code: "cancelled", display: undefined }] }, statusReason: { text: "증상이 좋아짐" } }),
    headers: { "Content-Type": "application/fhir+json", "If-Match": `W/"${meta.versionId}"`, "X-Soyang-Who": "Practitioner/web", "X-Soyang-Organization": loop.requester.reference, "X-Soyang-Role": "primary-care", "X-Soyang-Purpose": "ETREAT" } });
  assert.ok(answer.ok, await answer.text());
  await accept.waitFor({ state: "detached" });
  assert.equal(await hospital.page.locator(".inbox-detail .patient-line strong").first().textContent(), name);
  await hospital.page.locator("a[data-offer]").first().click(); // the next is chosen, not happened upon
  await accept.waitFor();
});

scenario("a stroke: the onset is asked for, and runs as a clock before the receiving doctor; how soon the patient can leave goes along", async (t) => {
  const { page, go } = await t.actor(NURSE);
  await go("intake");
  await fillIntake(page, { name: "합성환자-시계", complaint: "갑자기 오른쪽 팔다리에 힘이 빠지고 말이 어눌함", pain: 0 });
  await decide(page);
  const asks = page.locator(".banner-alert", { hasText: "언제 시작했는지" });
  await asks.getByRole("button").click();
  await page.keyboard.type("95");
  await page.locator("input[name=ready]").fill("300");
  await page.getByText("0–240 min").or(page.getByText("0–240분")).first().waitFor();
  await page.locator("input[name=ready]").fill("15");
  const ranked = page.waitForRequest((request) => request.url().endsWith("/$rank-places"));
  await page.locator(".intake button[type=submit]").click();
  assert.match((await ranked).postData(), /"ready-in","valueInteger":15/);
  await asks.waitFor({ state: "detached" });
  const sent = page.waitForRequest((request) => request.url().endsWith("/$send"));
  const id = await send(page);
  assert.match((await sent).postData(), /"ready-in","valueInteger":15/);
  const [offer] = await offersOf(t.base, id);
  const hospital = await t.actor(asReceiver(idOf(offer.owner)));
  await hospital.go(`inbox/${offer.id}`);
  await hospital.page.locator(".onset-clock", { hasText: "1시간 35분" }).waitFor();
  assert.match(await hospital.page.title(), /^\(\d+\) 수용 문의 · 소양/);
  await hospital.page.locator(".tabs .badge").waitFor();
  await hospital.go("board");
  await hospital.page.locator(".tabs .badge").waitFor(); // seen from every screen
});

scenario("places tell in plain words what is assumed, and what may hide behind the reading", async (t) => {
  const nurse = await t.actor(NURSE);
  await nurse.go("intake");
  await fillIntake(nurse.page, { name: "합성환자-의심" });
  await decide(nurse.page);
  await nurse.page.locator(".option").first().getByText(/가정|응답에서 학습/).first().waitFor();
  await until(async () => /실제로 .*[이가] 필요하며/.test(await nurse.page.locator(".options").innerHTML()), "a reason with a particle");
  const hedged = (await nurse.page.locator(".options").innerHTML()).match(/[가-힣](이\(가\)|을\(를\)|\(으\)로).{0,20}/g);
  assert.equal(hedged, null, "a particle that was not chosen");
  await nurse.page.locator(".doubts > summary").click();
  assert.match(await nurse.page.locator(".doubts ul li").first().innerText(), /^\d+명 /);
  await nurse.page.locator(".language").click();
  await nurse.page.getByText("Of 100 severely ill patients").waitFor();
  const hangul = await nurse.page.locator(".option small, .option-facts, .doubts li").evaluateAll((all) => all.map((one) => one.textContent).filter((text) => /[가-힣]/.test(text)));
  assert.deepEqual(hangul, []);
});

scenario("by keys alone: a level is passed over without being recorded; a screen is read from its beginning", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-글쇠" });
  const versions = async () => (await fhir(t.base, `Task/${id}`)).meta.versionId;
  const before = await versions();
  await nurse.page.locator("[data-step=retriage]").focus();
  await nurse.page.keyboard.press("Enter");
  await nurse.page.locator("input[name=retriage]").nth(1).focus();
  await nurse.page.keyboard.press("ArrowRight");
  await nurse.page.keyboard.press("ArrowLeft");
  await nurse.page.keyboard.press("ArrowLeft");
  assert.equal(await versions(), before);
  await nurse.page.getByRole("button", { name: "재분류 기록" }).click();
  await until(async () => (await fhir(t.base, `Task/${id}`)).input.some((input) => input.valueInteger === 1), "level 1");
  await nurse.page.locator(".tabs a", { hasText: "지도" }).focus();
  await nurse.page.keyboard.press("Enter");
  await until(async () => nurse.page.evaluate(() => document.activeElement?.id === "main"), "the focus at the screen's beginning");
  assert.match(await nurse.page.title(), /^지도 · 소양/);
});

scenario("no screen has a fault that axe can find, in either language and size", async (t) => {
  const axe = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
  const { nurse, id } = await sendOne(t, { name: "합성환자-접근성" });
  const [offer] = await offersOf(t.base, id);
  const { meta: _, ...board } = await fhir(t.base, "MeasureReport/capacity-A2200012");
  const aged = await fetch(`${t.base}/fhir/MeasureReport/${board.id}`, { method: "PUT", body: JSON.stringify({ ...board, date: new Date(Date.now() - 90 * 60000).toISOString() }), headers: { "Content-Type": "application/fhir+json" } });
  assert.ok(aged.ok, await aged.text()); // a count that is not believed is read all the same
  const receiver = asReceiver(idOf(offer.owner)), room = { role: "control-room", organisation: t.controlRoom, who: "d" };
  const screens = [[NURSE, ["intake", "referrals", `referral/${id}`, "consults", "map", "who"]], [receiver, [`inbox/${offer.id}`, "board"]], [room, ["control", "control/boards"]]];
  const look = async (person, where) => {
    const found = await person.page.evaluate(async (source) => {
      if (window.axe === undefined) (0, eval)(source);
      const { violations } = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], rules: { "target-size": { enabled: false } } }); // a bar that sticks covers what scrolls beneath it
      return violations.flatMap((one) => one.nodes.slice(0, 2).map((node) => `${one.id}: ${node.html.slice(0, 160)}`));
    }, axe);
    assert.deepEqual(found, [], where);
  };
  for (const options of [{ view: DESKTOP, language: "ko" }, { view: PHONE, language: "en" }]) {
    for (const [caller, hashes] of screens) {
      const person = await t.actor(caller, { ...options });
      for (const hash of hashes) {
        await person.go(hash);
        await person.page.locator("h1").first().waitFor({ state: "attached" });
        await person.page.waitForTimeout(300);
        await look(person, `${hash} ${options.language}`);
        if (hash !== "control/boards" || options.view !== PHONE) continue;
        const tall = await person.page.locator(".boards tbody tr").evaluateAll((rows) => rows.filter((row) => row.getBoundingClientRect().height > 170).length);
        assert.equal(tall, 0, "rows of the boards that a telephone squeezes");
      }
    }
  }
  await nurse.close();
  const decided = await t.actor(NURSE);
  await decided.go("intake");
  await fillIntake(decided.page, { name: "합성환자-접근성2" });
  await decide(decided.page);
  await look(decided, "the decision");
});

scenario("the summary says that it is automatic, and a line opens the resource it was taken from; a card's link opens the patient", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-요약" });
  const [first] = await offersOf(t.base, id);
  const hospital = await t.actor(asReceiver(idOf(first.owner)));
  await hospital.go(`inbox/${first.id}`);
  const sheet = hospital.page.locator(".inbox-detail .summary-sheet");
  await sheet.locator("summary").click();
  await sheet.getByRole("note").getByText("자동으로 뽑은 것").waitFor();
  const line = sheet.locator("li", { hasText: "쥐어짜는 가슴 통증" }).first();
  await line.locator(".source").first().click();
  await line.locator("pre").getByText('"resourceType"').waitFor();
  assert.ok(await sheet.locator("li").evaluateAll((lines) => lines.every((one) => one.querySelector(".source") !== null)), "every line has its source");
  const patient = idOf((await fhir(t.base, `Task/${id}`)).for);
  await nurse.go(`intake/${patient}`);
  await until(async () => nurse.page.getByLabel("등록된 환자").isChecked(), "the recorded patient to be chosen");
});

scenario("the first of two legs sees that it is asked to stabilise, and where the patient goes on", async (t) => {
  const of = "two-legs", far = ["gw-post-1550", "primary-care"], subject = { reference: `Patient/${of}` }, encounter = { reference: `Encounter/${of}-visit` };
  for (const resource of [
    { resourceType: "Patient", id: of, name: [{ text: "합성환자-두단계" }], gender: "male", birthDate: "1960" },
    { resourceType: "Encounter", id: `${of}-visit`, status: "in-progress", subject, reasonCode: [{ text: "쥐어짜는 가슴 통증" }], class: { system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: "EMER" } },
    { resourceType: "Condition", id: `${of}-c`, subject, encounter, code: { text: "심전도 ST분절 상승" } },
  ]) {
    const answer = await post(t, `${resource.resourceType}/${resource.id}`, resource, far, "PUT");
    assert.ok(answer.ok, await answer.text());
  }
  const sent = await post(t, "$send", { resourceType: "Parameters", parameter: [{ name: "patient", valueReference: subject }, { name: "encounter", valueReference: encounter }, { name: "human-level", valueInteger: 2 }] }, far);
  assert.ok(sent.ok, await sent.clone().text());
  const loop = (await sent.json()).parameter.find((one) => one.name === "loop").resource.id;
  const offer = (await offersOf(t.base, loop))[0];
  const hospital = await t.actor(asReceiver(idOf(offer.owner)));
  await hospital.go(`inbox/${offer.id}`);
  await hospital.page.locator(".inbox-detail .two-legs", { hasText: "먼저 안정화만 묻습니다" }).waitFor();
  assert.match(await hospital.page.locator(".inbox-detail .two-legs").innerText(), /심근경색.*에서 받습니다.*의사 동승.*분 이 지역을 비웁니다/);
  await hospital.go(`referral/${loop}`);
  await hospital.page.locator(".offers .two-legs").first().waitFor();
});

scenario("there and back: sent, accepted, departed, arrived, taken over, returned, acknowledged", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-왕복" });
  const [first, second] = await offersOf(t.base, id);
  const hospital = await t.actor(asReceiver(idOf(first.owner)));
  await hospital.go("inbox");
  await hospital.page.locator(`a[data-offer="${first.id}"]`).click();
  await hospital.page.locator(".inbox-detail .chart").getByText("쥐어짜는 가슴 통증").waitFor();
  await hospital.page.locator(".inbox-detail .ring, .inbox-list .ring").first().waitFor();
  await hospital.page.locator(".inbox-detail [data-answer=accept]").click();
  await untilState(t.base, id, "accepted");
  if (second !== undefined) assert.equal(business(await fhir(t.base, `Task/${second.id}`)), "withdrawn");

  await nurse.page.locator("[data-step=depart]").click();
  await untilState(t.base, id, "en-route");
  await nurse.page.locator("[data-step=arrive]").click();
  await untilState(t.base, id, "arrived");

  await hospital.go(`inbox/${id}`);
  await hospital.page.locator("[data-step=take-over]").click();
  await untilState(t.base, id, "in-care");
  await hospital.page.locator("[data-step=return]").click();
  await hospital.page.locator("textarea[name=diagnosis]").fill("급성 심근경색(하벽)");
  await hospital.page.locator("textarea[name=treatment]").fill("관상동맥 중재술, 스텐트 1개");
  await hospital.page.locator("textarea[name=advice]").fill("1주 뒤 혈압과 혈액검사");
  await hospital.page.getByRole("button", { name: "회송서 보내기" }).last().click();
  await untilState(t.base, id, "back-referred");

  await nurse.page.getByText("관상동맥 중재술, 스텐트 1개").waitFor();
  await nurse.page.locator("[data-step=acknowledge]").click();
  await untilState(t.base, id, "loop-acknowledged");
  await nurse.page.locator(".way-steps .is-past", { hasText: "종결" }).waitFor();
  assert.ok((await nurse.page.locator(".timeline > li").count()) >= 8);
  assert.equal(await nurse.page.locator("[data-step]").count(), 0);
});

scenario("an answer by telephone is recorded with who spoke: a refusal, then an acceptance", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-전화" });
  const [first] = await offersOf(t.base, id);
  const card = nurse.page.locator(".offers > li").filter({ has: nurse.page.locator("input[name=speaker]") }).first();
  assert.equal(await card.locator("[data-answer=accept]").isDisabled(), true);
  await card.locator("input[name=speaker]").fill("응급실 김 당직의");
  await card.locator("[data-answer=decline]").click();
  await card.locator("[data-reason=staff-absent]").click();
  const declined = await until(async () => (await offersOf(t.base, id)).find((offer) => business(offer) === "declined"), "a declined offer");
  assert.ok(declined.input.some((input) => input.valueString === "응급실 김 당직의"));
  assert.equal(declined.statusReason.coding[0].code, "staff-absent");
  await nurse.page.locator(".offer-name", { hasText: "전문의 부재" }).waitFor(); // the page shows it, and this answer is no longer asked for
  const waiting = nurse.page.locator(".offers > li").filter({ has: nurse.page.locator("input[name=speaker]") }).first();
  await waiting.locator("input[name=speaker]").fill("박 간호사");
  await waiting.locator("[data-answer=accept]").click();
  await untilState(t.base, id, "accepted");
  const loop = await fhir(t.base, `Task/${id}`);
  assert.notEqual(idOf(loop.location), undefined);
  assert.ok(first.id !== undefined);
});

scenario("a receiver declines with one tap, and the next place is asked", async (t) => {
  const { id } = await sendOne(t, { name: "합성환자-거절", level: 3, complaint: "마당에서 넘어진 뒤 오른쪽 고관절 통증, 걷지 못함", spo2: 97, hr: 80, sbp: 140, dbp: 80, rr: 16, pain: 6 });
  const before = await offersOf(t.base, id);
  const hospital = await t.actor(asReceiver(idOf(before[0].owner)));
  await hospital.go(`inbox/${before[0].id}`);
  await hospital.page.locator(".inbox-detail [data-answer=decline]").click();
  await hospital.page.locator("[data-reason=in-theatre]").click();
  await until(async () => (await offersOf(t.base, id)).length > before.length, "a further offer");
  assert.equal(business(await fhir(t.base, `Task/${before[0].id}`)), "declined");
});

scenario("who comes too late reads why, and sees the state as it is now", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-늦음" });
  const [first] = await offersOf(t.base, id);
  const hospital = await t.actor(asReceiver(idOf(first.owner)));
  await hospital.go(`inbox/${first.id}`);
  const accept = hospital.page.locator(".inbox-detail [data-answer=accept]");
  await accept.waitFor();
  await hospital.page.route(/\/fhir\/Task\?/, (route) => route.abort()); // what it shows grows old
  hospital.expects(/Failed to load resource|net::ERR_FAILED/);
  await nurse.page.locator("[data-step=cancel]").click();
  await nurse.page.locator(".step-form input[type=text]").fill("증상이 좋아짐");
  await nurse.page.locator(".step-form button[type=submit]").click();
  await untilState(t.base, id, "cancelled");
  await accept.click();
  await hospital.page.locator(".inbox-detail .fault").waitFor();
  await hospital.page.getByText("그사이 상태가 바뀌어").waitFor();
  await hospital.page.unroute(/\/fhir\/Task\?/);
  await accept.waitFor({ state: "detached" });
  assert.ok(hospital.seen.refused.every((line) => /^(409|412) PUT/.test(line)), hospital.seen.refused.join());
  hospital.seen.refused.length = 0;
});

scenario("another place than the first needs a reason, which is kept", async (t) => {
  const nurse = await t.actor(NURSE);
  await nurse.go("intake");
  await fillIntake(nurse.page, { name: "합성환자-다른곳" });
  await decide(nurse.page);
  await nurse.page.locator(".option").nth(1).locator(".option-head").click();
  assert.equal(await nurse.page.locator(".send-button").isDisabled(), true);
  await nurse.page.getByLabel("첫째가 아닌 곳을 고른 이유 (필수)").fill("보호자가 그곳 근처에 삽니다");
  const wanted = await nurse.page.locator(".option").nth(1).locator("strong").first().textContent();
  const id = await send(nurse.page);
  const region = await (await fetch(`${t.base}/region.json`)).json();
  const [first] = await offersOf(t.base, id);
  assert.equal(region.places.find((place) => place.id === idOf(first.owner)).ko, wanted);
  const decisions = await fhir(t.base, "GuidanceResponse?_count=200");
  assert.ok(JSON.stringify(decisions).includes("보호자가 그곳 근처에 삽니다"));
});

scenario("a case that stays local is not sent without a place and a reason", async (t) => {
  const { page, go } = await t.actor(NURSE);
  await go("intake");
  await fillIntake(page, { name: "합성환자-지역", complaint: "혈압약이 떨어져 처방받으러 옴, 증상 없음", level: 5, sbp: 132, dbp: 82, hr: 72, rr: 16, spo2: 98, temp: 36.5, pain: 0 });
  await decide(page);
  await page.locator(".banner", { hasText: "지역에서 진료할 수 있습니다" }).waitFor();
  assert.equal(await page.locator(".send-button").isDisabled(), true);
  const first = page.locator(".option").first();
  await first.getByText("지금 있는 곳", { exact: true }).waitFor();
  assert.doesNotMatch(await first.innerText(), /수용 가능성/, "nobody is asked where the patient is");
});

scenario("a recorded patient is found by name and by identifier", async (t) => {
  await sendOne(t, { name: "합성환자-찾기" });
  const { page, go } = await t.actor(NURSE);
  await go("intake");
  await page.locator(".choice-item", { hasText: "등록된 환자" }).click();
  const box = page.getByLabel("이름이나 식별 번호로 찾기");
  await box.fill("합성환자-찾기");
  const row = page.locator(".patient-list label", { hasText: "합성환자-찾기" });
  await row.waitFor();
  await row.getByText("합성 환자", { exact: true }).waitFor();
  const found = await fhir(t.base, `Patient?name=${encodeURIComponent("합성환자-찾기")}`);
  await box.fill(found.entry[0].resource.identifier[0].value);
  await page.locator(".patient-list label").first().waitFor();
  await until(async () => (await page.locator(".patient-list label").count()) === 1, "one patient by identifier");
  await row.click();
  await page.locator(".intake textarea").first().fill("흉통");
  await decide(page);
});

scenario("beds are edited where they are seen; who is too late reads it anew", async (t) => {
  const person = await t.actor(asReceiver("A2200008"));
  await person.go("board");
  const row = person.page.locator(".beds li", { hasText: "응급실 일반병상" });
  const before = Number(await row.locator("input").inputValue());
  const typed = await fhir(t.base, "MeasureReport/capacity-A2200008");
  await row.getByRole("button", { name: "응급실 일반병상 하나 줄이기" }).click();
  await person.page.getByRole("button", { name: "바뀐 1가지 알리기" }).click();
  const ageOf = (group) => group.extension?.find((one) => one.url.endsWith("/said"))?.extension.find((one) => one.url === "at").valueInstant;
  await until(async () => (await fhir(t.base, "MeasureReport/capacity-A2200008")).group[0].population[0].count === before - 1, "the new count");
  const changed = await fhir(t.base, "MeasureReport/capacity-A2200008");
  assert.equal(ageOf(changed.group[0]), undefined, "what was changed is said now");
  for (const [i, group] of changed.group.entries()) if (i > 0) assert.equal(ageOf(group), ageOf(typed.group[i]) ?? typed.date, "what nobody touched keeps its age");
  await person.page.getByRole("button", { name: "지금도 맞다고 알리기" }).click();
  await until(async () => (await fhir(t.base, "MeasureReport/capacity-A2200008")).group.every((group) => ageOf(group) === undefined), "all confirmed as true now");
  await person.page.locator(".board-age", { hasText: "강릉아산병원" }).waitFor();
});

scenario("who is on call is put in theatre on the board, and taken out", async (t) => {
  const put = async (resource) => {
    const answer = await fetch(`${t.base}/fhir/${resource.resourceType}/${resource.id}`, { method: "PUT", headers: { "Content-Type": "application/fhir+json" }, body: JSON.stringify(resource) });
    assert.ok(answer.ok, `${resource.id} was answered ${answer.status}`);
  };
  const base = "https://fhir.soyang.example";
  await put({ resourceType: "Practitioner", id: "web-surgeon", name: [{ text: "합성 당직의" }] });
  await put({ resourceType: "PractitionerRole", id: "web-surgeon-A2200008", practitioner: { reference: "Practitioner/web-surgeon" }, organization: { reference: "Organization/A2200008" },
    code: [{ coding: [{ system: `${base}/CodeSystem/practitioner-role`, code: "on-call" }] }], specialty: [{ coding: [{ system: `${base}/CodeSystem/severe-condition`, code: "Y0032" }] }] });
  const person = await t.actor(asReceiver("A2200008"));
  await person.go("board");
  const row = person.page.locator(".on-call li", { hasText: "합성 당직의" });
  await row.getByRole("button", { name: "합성 당직의 수술 중" }).click();
  await row.locator(".theatre-steps button").nth(1).click();
  await row.getByText("까지 수술 중").waitFor();
  const [theatre] = (await fhir(t.base, "Practitioner/web-surgeon")).extension;
  assert.equal(theatre.extension.find((one) => one.url === "by").valueReference.reference, "Organization/A2200008");
  const left = Date.parse(theatre.extension.find((one) => one.url === "until").valueInstant) - Date.now();
  assert.ok(left > 55 * 60000 && left <= 61 * 60000, `an hour: ${left} ms`);
  // A hospital that shares the person is told apart in the choice.
  const sharing = async (place) => put({ resourceType: "PractitionerRole", id: `web-surgeon-${place}`, practitioner: { reference: "Practitioner/web-surgeon" }, organization: { reference: `Organization/${place}` },
    code: [{ coding: [{ system: `${base}/CodeSystem/practitioner-role`, code: "on-call" }] }], specialty: [{ coding: [{ system: `${base}/CodeSystem/severe-condition`, code: "Y0010" }] }] });
  await sharing("A2200008");
  await sharing("A2200013");
  const nurse = await t.actor(NURSE);
  await nurse.go("intake");
  await fillIntake(nurse.page, { name: "합성환자-수술중" });
  await decide(nurse.page);
  if (await nurse.page.locator(".more-options").count() > 0) await nurse.page.locator(".more-options").click();
  for (const place of ["강릉아산", "한림"]) {
    const option = nurse.page.locator(".option", { hasText: place }).first();
    await option.locator(".tag-notice", { hasText: "의료진 수술 중" }).waitFor();
    await option.locator("details summary").click();
    await option.getByText("까지 수술 중").waitFor();
  }
  await row.getByRole("button", { name: "합성 당직의 수술 끝남" }).click();
  await until(async () => (await fhir(t.base, "Practitioner/web-surgeon")).extension === undefined, "out of theatre");
});

scenario("the control room is asked, sees the referral first, and designates a place", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-상황실" });
  await nurse.page.locator("[data-step=ask-controller]").click();
  await untilState(t.base, id, "with-controller");
  const room = await t.actor({ role: "control-room", organisation: t.controlRoom, who: "desk-1" });
  await room.go("control");
  await room.page.locator(".loops-ours a", { hasText: "합성환자-상황실" }).click();
  await room.page.locator("[data-step=designate]").click();
  await room.page.locator(".step-form button[type=submit]").click();
  await untilState(t.base, id, "designated");
  await nurse.page.locator("[data-step=depart]").waitFor();
  await room.go("control/boards");
  await room.page.locator(".boards tbody tr").first().waitFor();
  assert.equal(await room.page.locator(".boards tbody tr").count(), 24);
});

scenario("the patient leaves before anybody accepted: there is a destination from that moment", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-먼저출발" });
  await nurse.page.locator("[data-step=roll]").click();
  await nurse.page.locator(".step-form button[type=submit]").click();
  await until(async () => (await fhir(t.base, `Task/${id}`)).location !== undefined, "a destination");
  await nurse.page.locator(".timeline", { hasText: "수락 전 출발" }).waitFor();
});

scenario("a specialist is asked with the clock and the pictures, answers, and the asker reads it", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-협진" });
  const patient = (await fhir(t.base, `Task/${id}`)).for.reference;
  const put = async (resource) => {
    const answer = await fetch(`${t.base}/fhir/${resource.resourceType}/${resource.id}`, { method: "PUT", headers: { "Content-Type": "application/fhir+json" }, body: JSON.stringify(resource) });
    assert.ok(answer.ok, await answer.text());
  };
  await put({ resourceType: "Endpoint", id: "web-pacs", status: "active", address: "https://pacs.example/dicomweb/studies/1", payloadType: [{ text: "DICOM" }], connectionType: { system: "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", code: "dicom-wado-rs" } });
  await put({ resourceType: "ImagingStudy", id: "web-ct", status: "available", subject: { reference: patient }, description: "머리 CT", endpoint: [{ reference: "Endpoint/web-pacs" }] });
  await nurse.go(`referral/${id}`);
  await nurse.page.getByText("전문의에게 협진 묻기").click();
  const form = nurse.page.locator(".ask-consult");
  await form.getByLabel("물을 기관").fill("원주세브란스");
  await nurse.page.keyboard.press("Enter");
  await form.locator("select[name=consult-need]").selectOption("Y0032");
  assert.equal(await form.locator("button[type=submit]").isDisabled(), true);
  const began = new Date(Date.now() - 90 * 60000), two = (n) => String(n).padStart(2, "0");
  const korean = new Date(began.getTime() + 9 * 3600000);
  await form.locator("input[name=onset]").fill(`${korean.getUTCFullYear()}-${two(korean.getUTCMonth() + 1)}-${two(korean.getUTCDate())}T${two(korean.getUTCHours())}:${two(korean.getUTCMinutes())}`);
  await form.locator("label", { hasText: "머리 CT" }).click();
  await form.locator("textarea[name=consult-question]").fill("뇌출혈인지, 보내야 하는지 봐 주십시오");
  await form.locator("button[type=submit]").click();
  await nurse.page.locator(".consult", { hasText: "뇌출혈인지" }).waitFor();

  const hospital = await t.actor(asReceiver("A2200001"));
  await hospital.go("consults");
  const card = hospital.page.locator(".consult", { hasText: "합성환자-협진" });
  await card.locator(".onset-clock", { hasText: "1시간 3" }).waitFor();
  assert.equal(await card.locator("a", { hasText: "DICOMweb" }).getAttribute("href"), "https://pacs.example/dicomweb/studies/1");
  await card.locator("label", { hasText: "그곳에서 치료" }).click();
  await card.locator("textarea[name=answer-text]").fill("수술할 크기가 아닙니다. 혈압을 140 아래로 두고 6시간 뒤 다시 찍으십시오");
  await card.locator("button[type=submit]").click();
  await nurse.page.locator(".consult-answer", { hasText: "수술할 크기가 아닙니다" }).waitFor();

  const english = await t.actor(asReceiver("A2200001"), { view: { ...PHONE, width: 360 }, language: "en" });
  await english.go("consults");
  await english.page.locator(".consult-answer b", { hasText: "Stay" }).waitFor();
  const over = await english.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(over <= 0, `${over} px too wide`);
});

scenario("an e-consult answered with transfer is a draft that one button sends", async (t) => {
  const { nurse, id } = await sendOne(t, { name: "합성환자-초안" });
  const loop = await fhir(t.base, `Task/${id}`);
  await nurse.go(`referral/${id}`);
  await nurse.page.locator("[data-step=cancel]").click();
  await nurse.page.locator(".step-form input, .step-form textarea").first().fill("먼저 협진을 묻습니다");
  await nurse.page.locator(".step-form button[type=submit]").click();
  await nurse.page.locator(".state-cancelled, .state", { hasText: "취소" }).first().waitFor();
  const asked = await (await post(t, "$consult", { resourceType: "Parameters", parameter: [
    { name: "patient", valueReference: loop.for }, { name: "encounter", valueReference: loop.encounter }, { name: "place", valueReference: { reference: "Organization/A2200001" } },
    { name: "level", valueInteger: 2 }, { name: "question", valueString: "보내야 합니까" }] }, [NURSE.organisation, "primary-care"])).json();
  const task = await fhir(t.base, `Task/${asked.parameter.find((p) => p.name === "consult").resource.id}`);
  const hospital = await t.actor(asReceiver("A2200001"));
  await hospital.go("consults");
  const card = hospital.page.locator(`[data-consult="${task.id}"]`);
  await card.locator("label", { hasText: "보내십시오" }).click();
  await card.locator("textarea[name=answer-text]").fill("시술실을 비워 두겠습니다");
  await card.locator("button[type=submit]").click();
  await nurse.go("consults");
  await nurse.page.locator(`[data-consult="${task.id}"] a`, { hasText: "초안" }).click();
  await nurse.page.locator(".draft .banner", { hasText: "시술실을 비워 두겠습니다" }).waitFor();
  await nurse.page.locator(".draft .send-button").click();
  await nurse.page.locator(".offers li.is-waiting").first().waitFor();
  assert.equal(await nurse.page.locator(".draft").count(), 0);
});

scenario("what a specialist reads makes the need certain: chosen by keys, shown with by whom and when, withdrawn when refuted", async (t) => {
  const axe = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
  const name = "합성환자-확정";
  const { nurse, id } = await sendOne(t, { name, complaint: "갑자기 심한 두통, 구토", pain: 8 });
  const loop = await fhir(t.base, `Task/${id}`);
  const asked = await (await post(t, "$consult", { resourceType: "Parameters", parameter: [
    { name: "patient", valueReference: loop.for }, { name: "encounter", valueReference: loop.encounter }, { name: "place", valueReference: { reference: "Organization/A2200001" } },
    { name: "level", valueInteger: 2 }, { name: "question", valueString: "거미막하출혈입니까" }] }, [NURSE.organisation, "primary-care"])).json();
  const consult = asked.parameter.find((p) => p.name === "consult").resource.id;
  const hospital = await t.actor(asReceiver("A2200001"));
  hospital.expects(/422/);
  await hospital.go("consults");
  const card = hospital.page.locator(`[data-consult="${consult}"]`);
  await card.locator("label", { hasText: "그곳에서 치료" }).locator("input").focus();
  await hospital.page.keyboard.press("Space");
  await card.locator("textarea[name=answer-text]").fill("거미막하출혈로 보입니다");
  await hospital.page.keyboard.press("Tab");
  assert.equal(await hospital.page.evaluate(() => document.activeElement?.getAttribute("name")), "answer-finding", "the field follows the words by Tab");
  await card.getByLabel("무엇으로 읽었습니까").selectOption("Y0031");
  const found = await hospital.page.evaluate(async (source) => {
    (0, eval)(source);
    return (await window.axe.run(document.querySelector(".consults"), { rules: { "target-size": { enabled: false } } })).violations.map((one) => `${one.id}: ${one.nodes[0]?.html.slice(0, 160)}`);
  }, axe);
  assert.deepEqual(found, [], "the answer's form");
  let isBroken = false;
  await hospital.page.route(`**/fhir/Task/${consult}`, async (route) => {
    if (route.request().method() !== "PUT" || isBroken) return route.continue();
    isBroken = true;
    const body = JSON.parse(route.request().postData());
    delete body.output.find((one) => one.type.coding[0].code === "answer-finding").valueCodeableConcept.coding[0].system; // a code without its system is none
    return route.continue({ postData: JSON.stringify(body) });
  });
  await card.locator("button[type=submit]").click();
  await card.locator(".field-fault", { hasText: "answer-finding" }).waitFor();
  assert.equal(await card.locator("select[name=answer-finding]").getAttribute("aria-invalid"), "true");
  assert.match(await card.locator("select[name=answer-finding]").getAttribute("aria-describedby"), /finding-fault/);
  hospital.seen.refused.splice(0); // that one was meant
  await card.locator("select[name=answer-finding]").focus();
  await hospital.page.keyboard.press("Tab");
  await hospital.page.keyboard.press("Enter");
  await card.locator(".consult-finding", { hasText: "거미막하출혈" }).getByText("확진으로 기록됨").waitFor();
  const finding = idOf((await fhir(t.base, `Task/${consult}`)).output.find((one) => one.type.coding[0].code === "finding").valueReference);

  const line = nurse.page.locator(".confirmed-findings li", { hasText: "거미막하출혈" });
  await nurse.go(`referral/${id}`);
  await line.getByText("협진에서 확인").waitFor();
  assert.equal(await nurse.page.locator(".certain").count(), 0, "the choice was made before");
  await nurse.page.locator("[data-step=cancel]").click();
  await nurse.page.locator(".step-form input, .step-form textarea").first().fill("협진의 답에 따라 다시 고릅니다");
  await nurse.page.locator(".step-form button[type=submit]").click();
  await nurse.page.locator(".state", { hasText: "취소" }).first().waitFor();
  const again = await (await post(t, "$send", { resourceType: "Parameters", parameter: [{ name: "patient", valueReference: loop.for }, { name: "encounter", valueReference: loop.encounter },
    { name: "requester", valueReference: { reference: `Organization/${NURSE.organisation}` } }, { name: "human-level", valueInteger: 2 }] }, [NURSE.organisation, "primary-care"])).json();
  const second = again.parameter.find((p) => p.name === "loop").resource.id;
  await nurse.go(`referral/${second}`);
  const banner = nurse.page.locator(".certain", { hasText: "확정된 필요 진료" });
  await banner.getByText("협진에서 확인").waitFor();
  assert.match(await banner.textContent(), /거미막하출혈 수술.*\d\d:\d\d/);
  const { meta: _, ...condition } = await fhir(t.base, `Condition/${finding}`);
  const refuted = await fetch(`${t.base}/fhir/Condition/${finding}`, { method: "PUT", headers: { "Content-Type": "application/fhir+json" },
    body: JSON.stringify({ ...condition, verificationStatus: { coding: [{ system: "http://terminology.hl7.org/CodeSystem/condition-ver-status", code: "refuted" }] } }) });
  assert.ok(refuted.ok, await refuted.text());
  await nurse.page.locator(".certain", { hasText: "확정이 취소되었습니다" }).waitFor();
  await line.getByText("취소됨").waitFor();
  await card.locator(".consult-finding").getByText("취소됨").waitFor();
});

scenario("who has told the national service that it takes nobody is shown as left out, with the patient and with the referral", async (t) => {
  const put = async (resource) => {
    const answer = await fetch(`${t.base}/fhir/${resource.resourceType}/${resource.id}`, { method: "PUT", headers: { "Content-Type": "application/fhir+json" }, body: JSON.stringify(resource) });
    assert.ok(answer.ok, await answer.text());
  };
  const base = "https://fhir.soyang.example", code = (system, value) => ({ coding: [{ system: `${base}/CodeSystem/${system}`, code: value }] });
  const library = await fhir(t.base, "Library/region-gangwon"), board = await fhir(t.base, "MeasureReport/capacity-A2200001");
  const content = library.content.find((one) => one.title === "policy.json"), policy = JSON.parse(Buffer.from(content.data, "base64").toString());
  policy.board.notice_excludes = { value: true, source: "assumption" };
  const hour = (n) => new Date(Date.now() + n * 3600000).toISOString();
  const notice = { code: code("board-notice", "Y0010"), population: [{ extension: [{ url: `${base}/StructureDefinition/notice`, extension: [{ url: "from", valueInstant: hour(-1) }, { url: "until", valueInstant: hour(2) }] }],
    code: code("board-count", "refuses"), count: 1 }] };
  await put({ ...library, content: library.content.map((one) => (one === content ? { ...one, data: Buffer.from(JSON.stringify(policy)).toString("base64") } : one)) });
  await put({ ...board, group: [...board.group, notice] });
  try {
    const nurse = await t.actor(NURSE);
    await nurse.go("intake");
    await fillIntake(nurse.page, { name: "합성환자-공지" });
    await decide(nurse.page);
    const told = nurse.page.locator(".notice-excluded li", { hasText: "원주세브란스" });
    await told.getByText("심근경색").waitFor();
    await send(nurse.page);
    await told.getByText("심근경색").waitFor();
  } finally {
    await put(library);
    await put({ ...board, group: board.group });
  }
});

scenario("the map holds every place of the region, in both tongues, and says whose outline it is", async (t) => {
  const { page, go } = await t.actor(NURSE);
  await go("map");
  await page.locator(".map-areas path").first().waitFor();
  const region = await (await fetch(`${t.base}/region.json`)).json();
  const wanted = [...region.places, ...region.posts].filter((place) => place.lat !== undefined && !place.controlRoom).map((place) => place.id).sort();
  const drawn = await page.locator(".dot[data-place]").evaluateAll((dots) => dots.map((dot) => dot.dataset.place).sort());
  assert.deepEqual(drawn, wanted);
  assert.equal(await page.locator(".map-areas path").count(), 18);
  await page.getByText(region.attribution).waitFor();
  const before = await page.locator(".map svg").first().getAttribute("viewBox");
  await page.getByRole("button", { name: "크게" }).click();
  assert.notEqual(await page.locator(".map svg").first().getAttribute("viewBox"), before);
  await page.locator('.dot[data-place="A2200008"]').first().dispatchEvent("click");
  await page.locator(".map-card", { hasText: "권역응급의료센터" }).waitFor();
});

scenario("on a phone nothing lies beside the screen, and targets are large enough", async (t) => {
  const { id } = await sendOne(t, { name: "합성환자-전화기" });
  const [offer] = await offersOf(t.base, id);
  const screens = [[NURSE, ["intake", "referrals", `referral/${id}`, "map", "who"]], [asReceiver(idOf(offer.owner)), ["inbox", `inbox/${offer.id}`, "board"]], [{ role: "control-room", organisation: t.controlRoom, who: "d" }, ["control"]]];
  for (const [caller, hashes] of screens) {
    const person = await t.actor(caller, { view: { ...PHONE, width: 360 }, language: "en" });
    for (const hash of hashes) {
      await person.go(hash);
      await person.page.waitForTimeout(400);
      const over = await person.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      const wide = over <= 0 ? [] : await person.page.evaluate(() => [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > window.innerWidth + 0.5).map((e) => `${e.tagName}.${e.className}`).slice(0, 8));
      assert.ok(over <= 0, `${hash} is ${over} px too wide: ${wide}`);
      const small = await person.page.locator("main button:visible").evaluateAll((buttons) => buttons.filter((b) => b.getBoundingClientRect().height < 39.5).map((b) => b.textContent));
      assert.deepEqual(small, [], hash);
    }
  }
});

scenario("the page asks no other host, runs no inline script, and is small", async (t) => {
  const answer = await fetch(`${t.base}/`);
  assert.match(answer.headers.get("content-security-policy"), /default-src 'self'/);
  assert.doesNotMatch(answer.headers.get("content-security-policy"), /script-src[^;]*unsafe/);
  const html = await answer.text();
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)/);
  assert.doesNotMatch(html, /https?:\/\//);
  const names = [...html.matchAll(/\/(page-[0-9A-Z]{8}\.(?:js|css))/g)].map((match) => match[1]);
  assert.equal(names.length, 2);
  let size = 0;
  for (const name of names) {
    const file = await fetch(`${t.base}/${name}`, { headers: { "Accept-Encoding": "gzip" } });
    assert.match(file.headers.get("cache-control"), /immutable/);
    size += Number(file.headers.get("content-length"));
  }
  assert.ok(size > 10000 && size < 120 * 1024, `${size} bytes`);
});

/* ---- running ------------------------------------------------------------------------------------------------------------------- */

async function runOne(name, body, shared) {
  const people = [];
  const t = {
    ...shared,
    actor: async (caller, options) => {
      const person = await actor(shared.browser, options?.base ?? shared.base, caller, { view: DESKTOP, ...options });
      const allowed = [];
      people.push({ person, allowed });
      return { ...person, expects: (pattern) => allowed.push(pattern) };
    },
  };
  try {
    await body(t);
    for (const { person, allowed } of people) {
      assert.deepEqual(person.seen.foreign, [], "requests to other hosts");
      assert.deepEqual(person.seen.refused, [], "refused requests");
      assert.deepEqual(person.seen.errors.filter((text) => !allowed.some((pattern) => pattern.test(text))), [], "console errors");
    }
    console.log(`ok      ${name}`);
    return true;
  } catch (error) {
    console.log(`FAILED  ${name}\n        ${String(error?.stack ?? error).split("\n").slice(0, 12).join("\n        ")}`);
    for (const { person } of people) for (const line of [...person.seen.refused, ...person.seen.errors].slice(0, 6)) console.log(`        seen: ${line}`);
    return false;
  } finally {
    for (const { person } of people) await person.close();
  }
}

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
const wanted = scenarios.filter(({ name }) => process.argv[2] === undefined || name.includes(process.argv[2]));
if (!existsSync(chromium)) {
  console.log(`skipped: there is no ${chromium}\n0 passed, 0 failed, ${wanted.length} skipped`);
  process.exit(0);
}
const program = await openProgram().catch((error) => {
  console.log(`${error.message}\n0 passed, ${wanted.length} failed`);
  process.exit(1);
});
const { browser, close } = await openBrowser();
let passed = 0, failed = 0;
try {
  const region = await (await fetch(`${program.base}/region.json`)).json();
  const shared = { browser, base: program.base, controlRoom: region.places.find((place) => place.controlRoom)?.id };
  for (const { name, body } of wanted) (await runOne(name, body, shared)) ? passed++ : failed++;
} finally {
  await close();
  await program.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
