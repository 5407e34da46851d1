// Grades of the operators' data, with all that they are made of.
import { get } from '../lib/api.ts';
import type { Words } from '../lib/types.ts';

export interface Component {
  id: string;
  name: Words;
  valuePct: number | null;
  sample: number;
  fullPct: number; // value of 100 points
  nonePct: number; // value of 0 points
  points: number | null;
  weight: number;
  needed: boolean;
}

export interface Grade {
  grade: string | null;
  score: number | null;
  reason: Words | null; // why there is none
  components: Component[];
}

export interface Graded {
  id: string;
  kind: 'operator' | 'maker';
  sample: number;
  grade: Grade;
}

export interface Grading {
  formula: Words;
  minSample: number;
  grades: { grade: string; fromScore: number }[];
  parties: ReadonlyMap<string, Graded>;
}

interface Answer {
  grading: { formula: Words; minSample: number; grades: Grading['grades'] };
  parties: Graded[];
}

/** Asks for the grades of the last day; throws ApiError where the token may not see them. */
export async function loadGrades(): Promise<Grading> {
  const { grading, parties } = await get<Answer>('/quality', { window: '24h' });
  return { ...grading, parties: new Map(parties.map((p) => [p.id, p])) };
}
