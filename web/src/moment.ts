// Time: the server's clock is the only one that counts (a demonstration runs it fast, and skips), and it is shown as the region's
// clocks show it, wherever the reader is.
import { useEffect, useState } from "preact/hooks";
import { say } from "./language";

let serverAt = Date.now();
let hereAt = performance.now();
let speed = 1;
let zoneMs: number | undefined; // the region's clock before UTC; until it is told, this machine's own

export const serverNow = (): number => serverAt + (performance.now() - hereAt) * speed;
export const clockSpeed = (): number => speed;

const watchers = new Set<() => void>();

export function setServerClock(now: number, nextSpeed: number): void {
  serverAt = now;
  hereAt = performance.now();
  speed = nextSpeed > 0 ? nextSpeed : 1;
  for (const tell of watchers) tell();
}

/** A stamp the server has just made: its clock is at least there. */
export function observeServerStamp(stamp: string | undefined): void {
  const at = stamp === undefined ? NaN : Date.parse(stamp);
  if (at > serverNow()) setServerClock(at, speed);
}

/** Renders anew as the server's clock goes on. */
export function useServerNow(everyMs = 1000): number {
  const [now, setNow] = useState(serverNow());
  useEffect(() => {
    const look = () => setNow(serverNow());
    const timer = setInterval(look, everyMs);
    watchers.add(look); // a clock that was set is shown at once: no second of this machine's own time
    look();
    return () => { clearInterval(timer); watchers.delete(look); };
  }, [everyMs]);
  return now;
}

export function setZone(minutes: number | undefined): void {
  zoneMs = minutes === undefined ? undefined : minutes * 60000;
}

const zoneAt = (at: number): number => zoneMs ?? -new Date(at).getTimezoneOffset() * 60000;

/** Its getUTC... tell the region's day and hour. */
function local(at: number | string): Date {
  const moment = new Date(at).getTime();
  return new Date(moment + zoneAt(moment));
}

/** The region's year, month (1 to 12) and day. */
export function regionDay(at: number = serverNow()): { year: number; month: number; day: number } {
  const date = local(at);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** What a field without a zone (datetime-local) means on the region's clock. */
export function fromLocalField(text: string): string {
  const moment = Date.parse(`${text}Z`);
  return new Date(moment - zoneAt(moment)).toISOString();
}

/** "UTC+9" for who reads in another zone than the region's; else nothing. */
export function foreignZone(): string {
  if (zoneMs === undefined || zoneMs === -new Date().getTimezoneOffset() * 60000) return "";
  const minutes = Math.abs(zoneMs / 60000);
  return `UTC${zoneMs < 0 ? "−" : "+"}${Math.floor(minutes / 60)}${minutes % 60 === 0 ? "" : `:${two(minutes % 60)}`}`;
}

const two = (n: number): string => String(n).padStart(2, "0");

export function clockText(at: number | string | undefined): string {
  if (at === undefined) return "–";
  const day = (when: number | string) => local(when).toISOString().slice(5, 10);
  const year = (when: number | string) => local(when).getUTCFullYear();
  const isToday = day(at) === day(serverNow()) && year(at) === year(serverNow());
  return isToday ? timeText(at) : `${day(at)} ${timeText(at)}`;
}

export function dayText(at: number | string): string {
  const date = local(at), days = ["일", "월", "화", "수", "목", "금", "토"], names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  return say(`${date.getUTCMonth() + 1}월 ${date.getUTCDate()}일 (${days[date.getUTCDay()]})`, `${names[date.getUTCDay()]} ${date.toISOString().slice(0, 10)}`);
}
export const timeText = (at: number | string): string => local(at).toISOString().slice(11, 16);

export function durationText(ms: number): string {
  const minutes = Math.floor(Math.abs(ms) / 60000);
  if (minutes < 1) return say(`${Math.floor(Math.abs(ms) / 1000)}초`, `${Math.floor(Math.abs(ms) / 1000)} s`);
  if (minutes < 60) return say(`${minutes}분`, `${minutes} min`);
  if (minutes < 60 * 24) {
    const hours = Math.floor(minutes / 60);
    return say(`${hours}시간 ${minutes % 60}분`, `${hours} h ${minutes % 60} min`);
  }
  const days = Math.floor(minutes / 1440);
  return say(`${days}일 ${Math.floor((minutes % 1440) / 60)}시간`, `${days} d ${Math.floor((minutes % 1440) / 60)} h`);
}

export function ageText(at: number | string | undefined, now = serverNow()): string {
  if (at === undefined) return say("시각 모름", "time unknown");
  const past = now - new Date(at).getTime();
  if (past < 30000) return say("방금", "just now");
  return say(`${durationText(past)} 전`, `${durationText(past)} ago`);
}
