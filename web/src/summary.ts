// The sheet for the receiving doctor: $referral-summary, as the server extracted it.
import { readJson } from "./client";
import type { Parameter } from "./fhir";
import { say } from "./language";

export interface SummaryLine { ko: string; en: string; sources: string[] }
export interface SummarySection { code: string; title: string; lines: SummaryLine[]; leftOut: number }
export interface Summary { notice: string; sections: SummarySection[] }

const partsOf = (list: readonly Parameter[] | undefined, name: string): Parameter[] => (list ?? []).filter((part) => part.name === name);
const wordsOf = (list: readonly Parameter[] | undefined, name: string): string => partsOf(list, name)[0]?.valueString ?? "";

export async function readSummary(patientId: string): Promise<Summary> {
  const { parameter } = await readJson<{ parameter?: Parameter[] }>(`/fhir/Patient/${patientId}/$referral-summary`);
  return {
    notice: say(wordsOf(parameter, "notice-ko"), wordsOf(parameter, "notice-en")),
    sections: partsOf(parameter, "section").map((section) => ({
      code: partsOf(section.part, "code")[0]?.valueCode ?? "",
      title: say(wordsOf(section.part, "title-ko"), wordsOf(section.part, "title-en")),
      leftOut: partsOf(section.part, "left-out")[0]?.valueInteger ?? 0,
      lines: partsOf(section.part, "line").map((line) => ({
        ko: wordsOf(line.part, "ko"), en: wordsOf(line.part, "en"),
        sources: partsOf(line.part, "source").map((source) => source.valueReference?.reference ?? ""),
      })),
    })),
  };
}
