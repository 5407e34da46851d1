import { describe, expect, test } from 'vitest';
import { Pace, STEPS } from '../../src/lib/pace.ts';

/** The steps that a move of so many frames is drawn at, one each `every` ms from `at` on. */
function move(pace: Pace, at: number, every: number, frames: number): number[] {
  pace.begin(at);
  return Array.from({ length: frames }, (_, i) => pace.frame(at + (i + 1) * every));
}

describe('a map that moves', () => {
  test('stays fine where frames come in time', () => {
    expect(move(new Pace(), 0, 33, 6)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('gets coarser while frames are late, and never coarser than the last step', () => {
    expect(move(new Pace(), 0, 50, 6)).toEqual([0, 1, 1, 2, 2, STEPS.length - 1]);
  });

  test('goes to the last step at once where a frame is far too late', () => {
    expect(move(new Pace(), 0, 200, 2)).toEqual([2, 2]);
  });

  test('begins with fewer pixels where it is told to, and goes back to that', () => {
    const pace = new Pace(1);
    expect(move(pace, 0, 20, 1)).toEqual([1]);
    expect(move(pace, 60_000, 20, 1)).toEqual([1]);
  });

  test('one late frame between others changes nothing', () => {
    const pace = new Pace();
    pace.begin(0);
    expect([30, 110, 140, 230, 260].map((at) => pace.frame(at))).toEqual([0, 0, 0, 0, 0]);
  });

  test('begins as coarse as the last move ended, and a step finer after a while', () => {
    const pace = new Pace();
    move(pace, 0, 50, 2);
    expect(move(pace, 5_000, 20, 1)).toEqual([1]);
    expect(move(pace, 60_000, 20, 1)).toEqual([0]);
  });
});
