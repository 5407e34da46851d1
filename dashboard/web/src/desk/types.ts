// Answers of the platform that only the desk reads.

export interface Words {
  zh: string;
  en: string;
}

export type Window = '1h' | '24h' | 'total';

export interface Account {
  received: number;
  taken: number;
  duplicate: number;
  history: number;
  rejected: number;
}

export interface RuleCount {
  id: string;
  action: 'reject' | 'duplicate' | 'history' | 'flag' | 'null' | null;
  count: number;
  zh: string | null;
  en: string | null;
  mend: { zh: string | null; en: string | null };
  fields: string[]; // members that it is usually about
}

export interface GradeComponent {
  id: string;
  name: Words;
  valuePct: number | null;
  sample: number;
  fullPct: number;
  nonePct: number;
  points: number | null;
  weight: number;
  needed: boolean;
  reason: Words;
}

export interface Grade {
  grade: string | null;
  score: number | null;
  reason: Words | null;
  components: GradeComponent[];
}

/** Seconds between which a quantile lies for certain; the second is null where there is no bound. */
export type DelayRange = readonly [number, number | null];

export interface Timeliness {
  reports: number;
  p50S: number | null;
  p50RangeS: DelayRange | null;
  p95S: number | null;
  p95RangeS: DelayRange | null;
  p99S: number | null;
  p99RangeS: DelayRange | null;
  limitS: number;
  withinLimitPct: number | null;
}

export interface PartyQuality {
  id: string;
  kind: 'operator' | 'maker';
  name: string;
  nameEn: string | null;
  lastReportAt: string | null;
  sample: number;
  account: Account;
  rules: RuleCount[];
  timeliness: Timeliness;
  missing: { cadenceS: number; expected: number; missing: number; ratePct: number | null };
  flagged: { kept: number; flagged: number; ratePct: number | null; accuracyPct: number | null };
  nulls: { values: number; ratePct: number | null };
  online: { rows: number; ratePct: number | null };
  grade: Grade;
}

export interface Grading {
  formula: Words;
  minSample: number;
  grades: { grade: string; fromScore: number }[];
}

/** GET /quality/{party}. */
export interface QualityAnswer {
  at: string;
  window: Window;
  from: string | null;
  grading: Grading;
  party: PartyQuality;
}

/** A report that met a rule. */
export interface Sample {
  rule: string;
  action: string;
  kind: string;
  id: string | null;
  ts: string | null;
  at: string | null;
  detail: string;
  payload: string;
}

export interface RuleMet {
  id: string;
  action: string;
  count: number;
  firstAt: string | null;
  lastAt: string | null;
  zh: string | null;
  en: string | null;
  mend: { zh: string | null; en: string | null };
  fields: string[];
  samples: Sample[];
}

/** GET /quality/{party}/rules. */
export interface RulesMet {
  at: string | null;
  party: string;
  rules: RuleMet[];
}

/** A message of the feed `tail`. */
export interface TailMessage extends Account {
  id: string;
  receivedAt: string;
  kind: string;
  skipped: number;
  rules: { rule: string; action: string; count: number }[];
  samples: Sample[];
}
