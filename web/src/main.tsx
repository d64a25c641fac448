// The page: shell, routes, language, footer.
import "./style.css";
import { render, type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { roleName, useCaller, type Caller, type Role } from "./caller";
import { ServerFault, count } from "./client";
import { currentLanguage, nameIn, onLanguage, say, setLanguage } from "./language";
import { clockSpeed, clockText, foreignZone, useServerNow } from "./moment";
import { Fault, Loading } from "./parts/marks";
import { usePoll } from "./poll";
import { currentRegion, keepRegionFresh, loadRegion, placeName, useRegion } from "./region";
import { BoardScreen } from "./screens/board";
import { ChooserScreen } from "./screens/chooser";
import { ConsultsScreen } from "./screens/consults";
import { ControlScreen } from "./screens/control";
import { InboxScreen } from "./screens/inbox";
import { IntakeScreen } from "./screens/intake";
import { MapScreen } from "./screens/map";
import { ReferralScreen } from "./screens/referral";
import { ReferralsScreen } from "./screens/referrals";

interface Tab { path: string; text: () => string; icon: string }
const INTAKE: Tab = { path: "intake", text: () => say("접수·결정", "Intake"), icon: "M12 5v14M5 12h14" };
const REFERRALS: Tab = { path: "referrals", text: () => say("의뢰", "Referrals"), icon: "M4 7h13l-3-3M20 17H7l3 3" };
const INBOX: Tab = { path: "inbox", text: () => say("수용 문의", "Inbox"), icon: "M4 13l2-8h12l2 8v6H4zM4 13h5l1 3h4l1-3h5" };
const BOARD: Tab = { path: "board", text: () => say("병상판", "Beds"), icon: "M4 19v-9M4 15h16v4M20 15v-2a3 3 0 0 0-3-3H9v5" };
const CONTROL: Tab = { path: "control", text: () => say("상황판", "Control"), icon: "M4 5h16v11H4zM9 20h6M12 16v4" };
const CONSULTS: Tab = { path: "consults", text: () => say("협진", "Consult"), icon: "M4 5h11v8H9l-4 3v-3H4zM18 10h2v7h-1v3l-4-3h-4" };
const MAP: Tab = { path: "map", text: () => say("지도", "Map"), icon: "M9 4 4 6v14l5-2 6 2 5-2V4l-5 2-6-2zM9 4v14M15 6v14" };
const tabs: Record<Role, Tab[]> = {
  "primary-care": [INTAKE, REFERRALS, CONSULTS, MAP],
  crew: [INTAKE, REFERRALS, CONSULTS, MAP],
  receiving: [INBOX, CONSULTS, BOARD, REFERRALS, MAP],
  "control-room": [CONTROL, REFERRALS, CONSULTS, MAP],
};

/** A part of the address without its escapes; what is no such thing stays as it is. */
function plainPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function useRoute(): string[] {
  const parse = () => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(plainPart);
  const [route, setRoute] = useState(parse());
  useEffect(() => {
    const onHash = () => {
      setRoute((old) => {
        const next = parse();
        if (next[0] !== old[0]) document.getElementById("main")?.focus({ preventScroll: true }); // another screen is read from its beginning
        return next;
      });
      window.scrollTo(0, 0);
    };
    window.addEventListener("hashchange", onHash);
    return () => window.removeEventListener("hashchange", onHash);
  }, []);
  return route;
}

function Screen({ route, caller }: { route: string[]; caller: Caller | undefined }): JSX.Element {
  if (caller === undefined || route[0] === "who") return <ChooserScreen />;
  switch (route[0]) {
    case "intake": return <IntakeScreen caller={caller} patient={route[1]} />;
    case "referrals": return <ReferralsScreen caller={caller} />;
    case "referral": return <ReferralScreen id={route[1] ?? ""} caller={caller} />;
    case "inbox": return <InboxScreen caller={caller} chosen={route[1]} />;
    case "board": return <BoardScreen caller={caller} place={route[1] ?? caller.organisation} />;
    case "control": return <ControlScreen caller={caller} view={route[1]} />;
    case "consults": return <ConsultsScreen caller={caller} />;
    case "map": return <MapScreen chosen={route[1]} />;
    default: return <Screen route={[tabs[caller.role][0]?.path ?? "map"]} caller={caller} />;
  }
}

function ServerClock() {
  const now = useServerNow(1000);
  const speed = clockSpeed();
  return (
    <span class="server-clock" title={say("서버의 시각", "the server's time")}>
      {clockText(now)}{foreignZone() && <small> {foreignZone()}</small>}{speed !== 1 && <small> ×{speed}</small>}
    </span>
  );
}

const WAITING_MS = 5000;
const OPEN = "requested,received,accepted,in-progress,rejected";

/** How many wait for this place: offers at a hospital, referrals at the control room. Counted also while another tab is in front. */
function useWaiting(caller: Caller | undefined): number {
  const of = caller === undefined ? undefined : ({ receiving: "part-of:missing=false&status=requested", "control-room": `part-of:missing=true&status=${OPEN}` } as Partial<Record<Role, string>>)[caller.role];
  const waiting = usePoll(`waiting ${of} ${caller?.organisation}`, async () => (of === undefined ? 0 : count(`Task?owner=Organization/${caller?.organisation}&${of}`)), WAITING_MS, true);
  return waiting.data ?? 0;
}

function screenOf(route: string[], caller: Caller | undefined): Tab | undefined {
  const list = caller === undefined ? [] : tabs[caller.role];
  const path = route[0] === "referral" ? "referrals" : (route[0] ?? list[0]?.path);
  return list.find((tab) => tab.path === path);
}

function Header({ route, caller, waiting }: { route: string[]; caller: Caller | undefined; waiting: number }) {
  const region = currentRegion();
  const list = caller === undefined ? [] : tabs[caller.role];
  const current = screenOf(route, caller)?.path;
  const isCounted = (tab: Tab) => waiting > 0 && (tab === INBOX || tab === CONTROL);
  return (
    <header class="top">
      <a class="brand" href="#/" title={say("처음으로", "home")}>
        <svg viewBox="0 0 32 32" aria-hidden="true"><path class="peak" d="M4 19 11 8l5 7 4-5 8 9" /><path class="river" d="M4 25c5-4 9 3 14-.5s8-1.5 10-.5" /></svg>
        <span><b>{say("소양", "Soyang")}</b><small>{region ? nameIn(region) : ""}</small></span>
      </a>
      <nav class="tabs" aria-label={say("화면", "screens")}>
        {list.map((tab) => (
          <a key={tab.path} href={`#/${tab.path}`} class={current === tab.path ? "is-on" : ""} aria-current={current === tab.path ? "page" : undefined}>
            <svg viewBox="0 0 24 24" aria-hidden="true"><path d={tab.icon} /></svg><span>{tab.text()}</span>
            {isCounted(tab) && <b class="badge" title={say(`기다림 ${waiting}건`, `${waiting} waiting`)}><span class="sr-only">{say("기다림 ", "waiting ")}</span>{waiting}</b>}
          </a>
        ))}
      </nav>
      <div class="top-right">
        <ServerClock />
        {caller && (
          <a class="who" href="#/who" title={say("역할과 기관 바꾸기", "change role and place")}>
            <b>{placeName(caller.organisation)}</b><small>{roleName(caller.role)}</small>
          </a>
        )}
        <button type="button" class="language" onClick={() => setLanguage(currentLanguage() === "ko" ? "en" : "ko")} lang={say("en", "ko")}>{say("English", "한국어")}</button>
      </div>
    </header>
  );
}

function Page() {
  const [, draw] = useState(0);
  const [fault, setFault] = useState<ServerFault>();
  const caller = useCaller();
  const region = useRegion();
  const route = useRoute();
  const waiting = useWaiting(caller);
  useEffect(() => onLanguage(() => draw((n) => n + 1)), []);
  useEffect(() => {
    let timer = 0;
    const load = () =>
      loadRegion().then(
        () => { setFault(undefined); keepRegionFresh(); },
        (error: unknown) => {
          setFault(error instanceof ServerFault ? error : new ServerFault(-1, [String(error)]));
          timer = window.setTimeout(load, 3000);
        },
      );
    void load();
    return () => clearTimeout(timer);
  }, []);
  document.title = [waiting > 0 ? `(${waiting})` : "", [screenOf(route, caller)?.text(), say("소양", "Soyang"), region && nameIn(region)].filter(Boolean).join(" · ")].filter(Boolean).join(" ");
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>{say("본문으로", "Skip to content")}</a>
      <Header route={route} caller={caller} waiting={waiting} />
      <main id="main" tabIndex={-1}>
        {region === undefined ? (fault ? <div class="wide"><Fault fault={fault} /></div> : <Loading />) : <Screen route={route} caller={caller} />}
      </main>
      <footer class="foot">
        <p><b>{say("연구 및 의사결정 지원용, 인증된 의료기기가 아님", "Research and decision support; not a certified medical device")}</b></p>
        <p>{say("추정한 값은 추정이라고, 모르는 것은 모른다고 적습니다. 로그인 기능이 없어 이 서버는 이 컴퓨터 안에서만 답합니다.", "What is estimated says so, what is not known says so. There is no sign-in yet: this server answers this machine only.")}</p>
      </footer>
    </>
  );
}

document.documentElement.lang = currentLanguage();
const root = document.getElementById("page");
if (root !== null) render(<Page />, root);
