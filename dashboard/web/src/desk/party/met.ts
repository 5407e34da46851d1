// The rules that a party met, with what the reader needs to mend them.
import type { Cell } from '../regulator/exports.ts';
import type { RuleCount, RulesMet, RuleMet, Sample } from '../types.ts';

export const ACTIONS = ['reject', 'null', 'flag', 'history', 'duplicate'] as const;
export type Action = (typeof ACTIONS)[number];

/** A rule as it is shown: what the windows count, and what is kept of it. */
export interface Row {
  id: string;
  action: Action;
  count: number; // in the last 24 h
  zh: string;
  en: string;
  mend: { zh: string | null; en: string | null };
  fields: string[];
  met: RuleMet | undefined;
}

/** Rows in order of what becomes of the report, then of how many. */
export function rowsOf(counts: readonly RuleCount[], kept: RulesMet | undefined): Row[] {
  const rows = new Map<string, Row>();
  const key = (id: string, action: string): string => `${id} ${action}`;
  for (const c of counts) {
    if (c.action === null) continue;
    rows.set(key(c.id, c.action), { ...c, action: c.action, zh: c.zh ?? c.id, en: c.en ?? c.id, met: undefined });
  }
  for (const m of kept?.rules ?? []) {
    const row = rows.get(key(m.id, m.action));
    if (row) row.met = m;
  }
  const rank = (r: Row): number => ACTIONS.indexOf(r.action);
  return [...rows.values()].sort((a, b) => rank(a) - rank(b) || b.count - a.count || (a.id < b.id ? -1 : 1));
}

/** The value of a member as it stands in a payload, which may be cut; null if it is not there. */
export function valueIn(payload: string, member: string): string | null {
  const name = member.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = new RegExp(`"${name}"\\s*:\\s*("(?:[^"\\\\]|\\\\.)*"?|[^,}\\s\\]]+)`).exec(payload);
  return found?.[1] ?? null;
}

/** The members that a sample is about, with their values: the rule's own, else those its sentence names. */
export function valuesOf(sample: Sample, fields: readonly string[]): [member: string, value: string][] {
  const names = fields.length > 0 ? fields : [...sample.payload.matchAll(/"(\w+)"\s*:/g)].map((m) => m[1] as string);
  const out: [string, string][] = [];
  for (const name of new Set(names)) {
    if (fields.length === 0 && !new RegExp(`\\b${name}\\b`).test(sample.detail)) continue;
    const value = valueIn(sample.payload, name);
    if (value !== null) out.push([name, value]);
  }
  return out.slice(0, 4);
}

export const CSV_HEADER = [
  'rule', 'action', 'count24h', 'count', 'firstAt', 'lastAt', 'zh', 'en', 'mendZh', 'mendEn',
  'kind', 'object', 'ts', 'receivedAt', 'members', 'detail', 'payload',
] as const;

/** A row a sample, or one for a rule without any. */
export function csvRows(rows: readonly Row[]): Cell[][] {
  return rows.flatMap((r) => {
    const head: Cell[] = [
      r.id, r.action, r.count, r.met?.count, r.met?.firstAt, r.met?.lastAt, r.zh, r.en, r.mend.zh, r.mend.en,
    ];
    const samples = r.met?.samples ?? [];
    if (samples.length === 0) return [[...head, null, null, null, null, null, null, null]];
    return samples.map((s) => [
      ...head, s.kind, s.id, s.ts, s.at, valuesOf(s, r.fields).map(([k, v]) => `${k}=${v}`).join(' '), s.detail, s.payload,
    ]);
  });
}
