// Figures beside their budgets. Sizes hold in every run; times and frames are the
// machine's as much as the page's: they are printed, and have to hold only where
// they are measured for docs/benchmarks.md, on a machine that does nothing else:
// DIANCHI_REPORT names the file that the table's rows go to (scripts/bench.mjs).
import { appendFileSync } from 'node:fs';
import { expect } from 'vitest';
import { slowness } from './browser.ts';

const report = process.env.DIANCHI_REPORT;

interface Budget {
  most?: number;
  least?: number;
}

function note(what: string, value: number, unit: string, { most, least }: Budget): void {
  const of = (v: number): string => [v.toFixed(v < 10 && v % 1 !== 0 ? 2 : 0), unit].filter(Boolean).join(' ');
  const row = `| ${what} | ${of(value)} | ${[most === undefined ? `≥ ${of(least ?? 0)}` : `≤ ${of(most)}`]} |`;
  console.info(`${row} slowness ${slowness().toFixed(1)}`);
  if (report) appendFileSync(report, `${row}\n`);
}

function within(what: string, value: number, { most = Infinity, least = -Infinity }: Budget): void {
  expect.soft(value, what).toBeLessThanOrEqual(most);
  expect.soft(value, what).toBeGreaterThanOrEqual(least);
}

/** Notes a size, and fails above its budget. */
export function holds(what: string, value: number, unit: string, most: number): void {
  note(what, value, unit, { most });
  within(what, value, { most });
}

/** Notes what the machine has a say in; only a bench fails by it. */
export function timed(what: string, value: number, unit: string, budget: Budget): void {
  note(what, value, unit, budget);
  if (report) within(what, value, budget);
}
