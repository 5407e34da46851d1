// What each part of a grade costs, and what is missing to the next grade.
import type { Grade, GradeComponent, Grading } from '../types.ts';

export interface Cost extends GradeComponent {
  cost: number; // points of the score that it takes away
}

/** The parts, the dearest first; one without a value has no part in the score. */
export function costsOf(grade: Grade): Cost[] {
  const weights = grade.components.reduce((sum, c) => sum + (c.points === null ? 0 : c.weight), 0);
  return grade.components
    .map((c) => ({ ...c, cost: c.points === null || weights === 0 ? 0 : (c.weight * (100 - c.points)) / weights }))
    .sort((a, b) => b.cost - a.cost);
}

/** The next better grade and how many points it takes; null at the best, or without a grade. */
export function nextGrade(grading: Grading, grade: Grade): { grade: string; points: number } | null {
  const { score } = grade;
  if (score === null || grade.grade === null) return null;
  const above = grading.grades.filter((g) => g.fromScore > score).sort((a, b) => a.fromScore - b.fromScore)[0];
  return above ? { grade: above.grade, points: above.fromScore - score } : null;
}
