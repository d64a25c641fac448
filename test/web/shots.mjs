// Pictures of every screen, for people to look at: node test/web/shots.mjs BASE [FOLDER]. BASE is a demonstration (`./dev demo`, once its
// patients have gone through), or any server with a region.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DESKTOP, PHONE, actor, decide, fillIntake, openBrowser, send } from "./driver.mjs";

const base = process.argv[2] ?? "http://127.0.0.1:8399";
const folder = process.argv[3] ?? "build/screenshots";
mkdirSync(folder, { recursive: true });
const { browser, close } = await openBrowser();
const region = await (await fetch(`${base}/region.json`)).json();
const controlRoom = region.places.find((place) => place.controlRoom)?.id;
const nurse = { role: "primary-care", organisation: "gw-post-1429", who: "nurse-1" };

async function shot(person, name) {
  await person.page.waitForTimeout(500);
  await person.page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  console.log(name, person.seen.errors.length > 0 ? person.seen.errors : "");
}

for (const [size, view] of [["desktop", DESKTOP], ["phone", PHONE]]) {
  const stranger = await actor(browser, base, undefined, { view });
  await stranger.go("");
  await shot(stranger, `${size}-1-chooser`);
  await stranger.close();

  const sender = await actor(browser, base, nurse, { view });
  await sender.go("intake");
  await shot(sender, `${size}-2-intake-empty`);
  await fillIntake(sender.page, { spo2: size === "desktop" ? 95 : 91 });
  await decide(sender.page);
  await shot(sender, `${size}-2-intake-decided`);
  const id = await send(sender.page);
  await shot(sender, `${size}-3-referral-offered`);

  const task = await (await fetch(`${base}/fhir/Task?part-of=Task/${id}`)).json();
  const asked = task.entry.map((entry) => entry.resource).find((offer) => offer.status === "requested")?.owner.reference.split("/")[1];
  if (asked !== undefined) {
    const receiver = await actor(browser, base, { role: "receiving", organisation: asked, who: "ed-1" }, { view });
    await receiver.go("inbox");
    await shot(receiver, `${size}-4-inbox`);
    await receiver.page.locator("a[data-offer]").first().click();
    await receiver.page.locator(".inbox-detail [data-answer=decline]").click();
    await shot(receiver, `${size}-4-inbox-decline`);
    await receiver.page.locator(".inbox-detail [data-answer=accept]").click();
    await receiver.page.locator("a[data-loop]").first().waitFor({ state: "attached" });
    await shot(receiver, `${size}-4-inbox-accepted`);
    await receiver.go("board");
    await shot(receiver, `${size}-4-board`);
    await receiver.close();
    await sender.go(`referral/${id}`);
    await sender.page.locator("[data-step=depart]").click();
    await sender.page.locator("[data-step=arrive]").waitFor();
    await shot(sender, `${size}-3-referral-en-route`);
  }
  await sender.go(`referral/${id}`);
  await sender.page.locator("details", { hasText: "전문의에게 협진 묻기" }).locator("summary").click();
  await sender.page.getByLabel("물을 기관").fill("원주세브란스");
  await sender.page.keyboard.press("Enter");
  await sender.page.locator("textarea[name=consult-question]").fill("시술을 서둘러야 하는지 봐 주십시오");
  await shot(sender, `${size}-3-referral-ask`);
  await sender.page.locator(".ask-consult button[type=submit]").click();
  await sender.page.locator(".consult").first().waitFor();
  await shot(sender, `${size}-7-consults`);
  const specialist = await actor(browser, base, { role: "receiving", organisation: "A2200001", who: "cardiologist-1" }, { view });
  await specialist.go("consults");
  await specialist.page.locator(".consult").first().waitFor();
  await shot(specialist, `${size}-7-consults-asked`);
  await specialist.close();
  await sender.go("referrals");
  await shot(sender, `${size}-3-referrals`);
  await sender.go("map");
  await shot(sender, `${size}-6-map`);
  await sender.close();

  const controller = await actor(browser, base, { role: "control-room", organisation: controlRoom, who: "desk-1" }, { view, language: size === "phone" ? "en" : "ko" });
  await controller.go("control");
  await shot(controller, `${size}-5-control`);
  await controller.go("control/boards");
  await shot(controller, `${size}-5-boards`);
  const closed = (await (await fetch(`${base}/fhir/Task?status=completed&part-of:missing=true&business-status=loop-acknowledged&_count=1&_sort=-_lastUpdated`)).json()).entry?.[0]?.resource;
  if (closed !== undefined) {
    await controller.go(`referral/${closed.id}`);
    await shot(controller, `${size}-5-closed`);
  }
  await controller.close();
}
await close();
