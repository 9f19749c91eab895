import { afterEach, expect, test } from 'vitest';
import { localDateTime } from './time-range.ts';
import { showTimesIn } from './time-zone.ts';

afterEach(() => showTimesIn(''));
const MS = Date.UTC(2026, 5, 1, 22, 30, 5);

test.each([
  ['utc', '2026-06-01 22:30:05'],
  ['Asia/Tokyo', '2026-06-02 07:30:05'],
  ['America/New_York', '2026-06-01 18:30:05'],
])('times in %s', (zone, text) => {
  showTimesIn(zone);
  expect(localDateTime(MS)).toBe(text);
});

test('an unknown zone is the browser’s', () => {
  const own = localDateTime(MS);
  showTimesIn('Nowhere/At_All');
  expect(localDateTime(MS)).toBe(own);
});
