// The few FHIR shapes that the page reads and writes.
export const BASE = "https://fhir.soyang.example";
export const LOINC = "http://loinc.org";
export const UCUM = "http://unitsofmeasure.org";

export interface Coding { system?: string; code?: string; display?: string }
export interface Concept { coding?: Coding[]; text?: string }
export interface Reference { reference?: string; display?: string }
export interface Quantity { value?: number; unit?: string; system?: string; code?: string }
export interface Period { start?: string; end?: string }
export interface Meta { versionId?: string; lastUpdated?: string; tag?: Coding[] }
export interface Resource { resourceType: string; id?: string; meta?: Meta }

export interface HumanName { use?: string; text?: string; family?: string; given?: string[] }
export interface Patient extends Resource {
  name?: HumanName[];
  gender?: string;
  birthDate?: string;
  identifier?: { system?: string; value?: string }[];
}
export interface TaskInput {
  type?: Concept;
  valueInteger?: number;
  valueString?: string;
  valueCode?: string;
  valueInstant?: string;
  valueBoolean?: boolean;
  valueReference?: Reference;
  valueCodeableConcept?: Concept;
}
export interface Task extends Resource {
  status: string;
  intent?: string;
  priority?: string;
  code?: Concept;
  businessStatus?: Concept;
  statusReason?: Concept;
  partOf?: Reference[];
  focus?: Reference;
  for?: Reference;
  requester?: Reference;
  encounter?: Reference;
  owner?: Reference;
  location?: Reference;
  authoredOn?: string;
  lastModified?: string;
  restriction?: { period?: Period };
  input?: TaskInput[];
  output?: TaskInput[];
  note?: { text?: string; time?: string }[];
}
export interface Observation extends Resource {
  code?: Concept;
  effectiveDateTime?: string;
  valueQuantity?: Quantity;
  valueCodeableConcept?: Concept;
  valueString?: string;
}
export interface Condition extends Resource { code?: Concept; category?: Concept[]; recordedDate?: string; onsetDateTime?: string; encounter?: Reference; subject?: Reference; verificationStatus?: Concept; asserter?: Reference; recorder?: Reference; evidence?: { detail?: Reference[] }[] }
export interface MedicationStatement extends Resource { medicationCodeableConcept?: Concept; status?: string }
export interface AllergyIntolerance extends Resource { code?: Concept }
export interface Encounter extends Resource { reasonCode?: Concept[]; period?: Period; status?: string; serviceProvider?: Reference }
export interface DocumentReference extends Resource {
  description?: string;
  date?: string;
  type?: Concept;
  content?: { attachment?: { contentType?: string; data?: string; title?: string } }[];
}
export interface Extension { url: string; extension?: Extension[]; valueInstant?: string; valueReference?: Reference }
export interface MeasureGroup { extension?: Extension[]; code?: Concept; population?: { code?: Concept; count?: number }[]; measureScore?: Quantity }
export interface MeasureReport extends Resource {
  date?: string;
  reporter?: Reference;
  subject?: Reference;
  group?: MeasureGroup[];
}
export interface BundleEntry<T extends Resource = Resource> {
  fullUrl?: string;
  resource?: T;
  search?: { mode?: string };
  response?: { status?: string; location?: string; outcome?: Resource };
  request?: { method: string; url: string };
}
export interface Bundle<T extends Resource = Resource> extends Resource {
  type?: string;
  total?: number;
  entry?: BundleEntry<T>[];
}
export interface Parameter {
  name: string;
  part?: Parameter[];
  resource?: Resource;
  valueString?: string;
  valueCode?: string;
  valueInteger?: number;
  valueDateTime?: string;
  valueDecimal?: number;
  valueBoolean?: boolean;
  valueReference?: Reference;
  valueCoding?: Coding;
  valueQuantity?: Quantity;
}
export interface OperationOutcome extends Resource {
  issue?: { severity?: string; code?: string; diagnostics?: string; details?: Concept; expression?: string[] }[];
}

export const referenceId = (reference: Reference | undefined): string => reference?.reference?.split("/").slice(1, 2)[0] ?? "";
export const codeOf = (concept: Concept | undefined, system: string): string | undefined =>
  concept?.coding?.find((coding) => coding.system === system)?.code;
export const conceptText = (concept: Concept | undefined): string =>
  concept?.text ?? concept?.coding?.find((coding) => coding.display)?.display ?? concept?.coding?.[0]?.code ?? "";
export const isSynthetic = (resource: Resource | undefined): boolean =>
  resource?.meta?.tag?.some((tag) => tag.code === "synthetic" || tag.code === "HTEST") ?? false;

export const parts = (list: Parameter[] | undefined, name: string): Parameter[] => (list ?? []).filter((part) => part.name === name);
export const part = (list: Parameter[] | undefined, name: string): Parameter | undefined => (list ?? []).find((p) => p.name === name);
export const partText = (list: Parameter[] | undefined, name: string): string => {
  const found = part(list, name);
  return found?.valueString ?? found?.valueCode ?? found?.valueCoding?.code ?? "";
};
export const partNumber = (list: Parameter[] | undefined, name: string): number | undefined => {
  const found = part(list, name);
  return found?.valueInteger ?? found?.valueDecimal ?? found?.valueQuantity?.value;
};
export const partTrue = (list: Parameter[] | undefined, name: string): boolean => part(list, name)?.valueBoolean === true;
