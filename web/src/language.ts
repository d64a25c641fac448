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

/** A thing with names in both languages; where only one is known, that one. */
export const nameIn = (thing: { name_ko?: string; name_en?: string }): string =>
  (language === "ko" ? thing.name_ko || thing.name_en : thing.name_en || thing.name_ko) ?? "";

/** Text recorded as "한국어 · English": the reader's half. */
export function half(text: string): string {
  const parts = text.split(" · ");
  return parts.length === 2 ? (parts[language === "ko" ? 0 : 1] ?? text) : text;
}
