// Two languages, both written where they are said; Korean until the reader chooses.
export type Language = "ko" | "en";

const KEY = "soyang.language";
const listeners = new Set<() => void>();
let language: Language = localStorage.getItem(KEY) === "en" ? "en" : "ko";

export const currentLanguage = (): Language => language;

export function setLanguage(next: Language): void {
  language = next;
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next;
  listeners.forEach((listener) => listener());
}

export function onLanguage(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const say = (ko: string, en: string): string => (language === "ko" ? ko : en);

/** The particle that follows this sound: the server's sentences leave both ("병원이(가)"), since what they name is not theirs. */
const PARTICLES: [both: string, closed: string, open: string][] = [["이(가)", "이", "가"], ["을(를)", "을", "를"], ["은(는)", "은", "는"], ["와(과)", "과", "와"], ["(으)로", "으로", "로"]];
export function particles(text: string): string {
  for (const [both, closed, open] of PARTICLES) {
    for (let at = text.indexOf(both); at >= 0; at = text.indexOf(both, at + 1)) {
      const code = (text[at - 1] ?? "").charCodeAt(0) - 0xac00; // Hangul syllables: 28 finals each; 0 none, 8 ㄹ
      if (!(code >= 0 && code < 11172)) continue; // a bracket, a figure or a Latin letter: how it is read aloud is not known
      const final = code % 28, isOpen = final === 0 || (both === "(으)로" && final === 8);
      text = text.slice(0, at) + (isOpen ? open : closed) + text.slice(at + both.length);
    }
  }
  return text;
}

/** A thing with names in both languages; where only one is known, that one. */
export const nameIn = (thing: { name_ko?: string; name_en?: string }): string =>
  (language === "ko" ? thing.name_ko || thing.name_en : thing.name_en || thing.name_ko) ?? "";

/** Text recorded as "한국어 · English": the reader's half. */
export function half(text: string): string {
  const parts = text.split(" · ");
  return parts.length === 2 ? (parts[language === "ko" ? 0 : 1] ?? text) : text;
}
