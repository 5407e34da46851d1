// What the platform wrote into the page: the figures of the moment it was asked for.
import type { OperatorRow, Overview } from '../lib/types.ts';

export interface First {
  at: number; // epoch milliseconds by the platform's clock
  city: { name: string; nameEn: string; zone: string };
  overview: Overview;
  operators: OperatorRow[];
}

/** Reads the snapshot inside of `target`; null where there is none. */
export function takeFirst(target: ParentNode): First | null {
  try {
    const text = target.querySelector('#first')?.textContent;
    return text ? (JSON.parse(text) as First) : null;
  } catch {
    return null;
  }
}
