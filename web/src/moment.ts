// Time: the server's clock is the only one that counts (a demonstration runs it fast, and skips).
import { useEffect, useState } from "preact/hooks";
import { say } from "./language";

let serverAt = Date.now();
let hereAt = performance.now();
let speed = 1;

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

const two = (n: number): string => String(n).padStart(2, "0");

export function clockText(at: number | string | undefined): string {
  if (at === undefined) return "–";
  const date = new Date(at);
  const today = new Date(serverNow());
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return date.toDateString() === today.toDateString() ? time : `${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

export function dayText(at: number | string): string {
  const date = new Date(at), days = ["일", "월", "화", "수", "목", "금", "토"], names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  return say(`${date.getMonth() + 1}월 ${date.getDate()}일 (${days[date.getDay()]})`, `${names[date.getDay()]} ${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`);
}
export const timeText = (at: number | string): string => `${two(new Date(at).getHours())}:${two(new Date(at).getMinutes())}`;

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
