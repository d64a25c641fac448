// Who is at this page. There is no sign-in yet, and the screen says so.
import { useState } from "preact/hooks";
import { currentCaller, roleName, setCaller, type Role } from "../caller";
import { say } from "../language";
import { PlacePicker } from "../parts/place_picker";
import { currentRegion, findPlace, type Place } from "../region";

const roles: { role: Role; icon: string; says: () => string }[] = [
  { role: "primary-care", icon: "M12 3v18M3 12h18", says: () => say("보건소·보건지소·진료소·의원에서 환자를 접수하고 보냅니다", "Takes patients in at a health post or clinic, and sends them") },
  { role: "crew", icon: "M3 8h11v9H3zM14 11h4l3 3v3h-7M7 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4M17 20a2 2 0 1 0 0-4 2 2 0 0 0 0 4", says: () => say("구급차에서 접수하고 이송합니다", "Takes patients in and carries them") },
  { role: "receiving", icon: "M4 21V5h16v16M9 21v-5h6v5M12 8v5M9.5 10.5h5", says: () => say("수용 문의에 답하고 병상을 알리고 회송합니다", "Answers offers, keeps the bed board, writes back") },
  { role: "control-room", icon: "M4 5h16v11H4zM9 20h6M12 16v4M8 12l2-3 2 2 4-4", says: () => say("열린 의뢰를 모두 보고 기관을 지정합니다", "Sees every open referral and designates places") },
];

export function ChooserScreen() {
  const region = currentRegion();
  const was = currentCaller();
  const [role, setRole] = useState<Role>(was?.role ?? "primary-care");
  const [place, setPlace] = useState<Place | undefined>(findPlace(was?.organisation));
  const [who, setWho] = useState(was?.who ?? "");
  const candidates = candidatesOf(role);
  const chosen = place !== undefined && candidates.some((candidate) => candidate.id === place.id) ? place : role === "control-room" ? candidates[0] : undefined;
  const whoFault = who !== "" && !/^[A-Za-z0-9.-]{1,64}$/.test(who);
  const enter = (event: Event) => {
    event.preventDefault();
    if (chosen === undefined || whoFault) return;
    setCaller({ role, organisation: chosen.id, who: who || `${role}-${chosen.id}`.slice(0, 64) });
    location.hash = "#/";
  };
  return (
    <form class="chooser" onSubmit={enter}>
      <h1>{say("누구로 일하십니까?", "Who are you here?")}</h1>
      <p class="banner">{say("아직 로그인이 없습니다. 고른 역할과 기관이 요청마다 그대로 기록됩니다. 그래서 이 서버는 이 컴퓨터 안에서만 답합니다.", "There is no sign-in yet. The role and place you choose are recorded with every request; that is why this server answers this machine only.")}</p>
      <div class="roles" role="radiogroup" aria-label={say("역할", "role")}>
        {roles.map((row) => (
          <label key={row.role} class={`role ${role === row.role ? "is-on" : ""}`}>
            <input type="radio" name="role" value={row.role} checked={role === row.role} onChange={() => setRole(row.role)} />
            <svg viewBox="0 0 24 24" aria-hidden="true"><path d={row.icon} /></svg>
            <strong>{roleName(row.role)}</strong>
            <small>{row.says()}</small>
          </label>
        ))}
      </div>
      <PlacePicker label={role === "crew" ? say("현재 있는 기관(출발지)", "Where you are (origin)") : say("기관", "Place")} places={candidates} value={chosen} onChange={setPlace} />
      {candidates.length === 0 && <p class="quiet">{say(`${region?.name_ko ?? ""}에 맞는 기관이 없습니다`, "The region has no such place")}</p>}
      <label class="field">
        <span>{say("직원 표시 (선택)", "Staff mark (optional)")}</span>
        <input type="text" value={who} autocomplete="off" maxLength={64} placeholder="nurse-1" onInput={(event) => setWho(event.currentTarget.value.trim())} aria-invalid={whoFault} />
        {whoFault && <em class="field-fault">{say("영문자, 숫자, 점, 줄표만", "letters, digits, dots and dashes only")}</em>}
      </label>
      <button type="submit" class="main-button" disabled={chosen === undefined || whoFault}>{say("시작", "Start")}</button>
    </form>
  );
}

function candidatesOf(role: Role): Place[] {
  const region = currentRegion();
  if (region === undefined) return [];
  const byTier = [...region.places].sort((a, b) => (a.tier ? 0 : 1) - (b.tier ? 0 : 1));
  if (role === "control-room") return region.controlRooms.length > 0 ? region.controlRooms : [];
  if (role === "receiving") return byTier;
  return [...region.posts, ...byTier];
}
