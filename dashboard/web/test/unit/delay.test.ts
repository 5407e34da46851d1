import { describe, expect, test } from 'vitest';
import { delayText } from '../../src/desk/delay.ts';

describe('a quantile of delays', () => {
  test('is a number where its class is narrow, and else what is certain', () => {
    expect(delayText(null, null)).toBe('–');
    expect(delayText(0.25, [0, 0.5])).toBe('0.25 s');
    expect(delayText(42.4, [30, 60])).toBe('42 s');
    expect(delayText(42.4, [30, 60], '', 1)).toBe('42.4');
    expect(delayText(1620, [300, 3600])).toBe('300–3600 s');
    expect(delayText(3600, [3600, null])).toBe('> 3600 s');
    expect(delayText(0, [0, 0])).toBe('0.00 s');
  });
});
