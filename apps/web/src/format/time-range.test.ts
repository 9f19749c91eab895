import { describe, expect, test } from 'vitest';
import {
  agoText,
  localDateTime,
  parseSpan,
  parseTime,
  rangeLabel,
  resolveRange,
  roughSpan,
  shiftRange,
  spanText,
  zoomOut,
} from './time-range.ts';

const NOW = new Date(2026, 2, 4, 15, 30, 45, 500).getTime();
const at = (text: string, end: 'from' | 'to' = 'from') => {
  const ms = parseTime(text, NOW, end);
  return ms === undefined ? undefined : localDateTime(ms);
};

describe('ends of a range', () => {
  test.each([
    ['now', '2026-03-04 15:30:45'],
    ['now-15m', '2026-03-04 15:15:45'],
    ['now+1h', '2026-03-04 16:30:45'],
    ['now-1d/d', '2026-03-03 00:00:00'],
    ['now/h', '2026-03-04 15:00:00'],
    ['now/w', '2026-03-02 00:00:00'],
    ['now/M', '2026-03-01 00:00:00'],
    ['now-1M/M', '2026-02-01 00:00:00'],
    ['now-1y', '2025-03-04 15:30:45'],
    ['2026-03-01', '2026-03-01 00:00:00'],
    ['2026-03-01 09:30', '2026-03-01 09:30:00'],
    ['2026-03-01T09:30:15', '2026-03-01 09:30:15'],
  ])('%s', (text, expected) => {
    expect(at(text)).toBe(expected);
  });

  test('rounding an end goes to the last millisecond', () => {
    expect(at('now/d', 'to')).toBe('2026-03-04 23:59:59');
    expect(at('now-1d/d', 'to')).toBe('2026-03-03 23:59:59');
  });

  test('epoch seconds and milliseconds', () => {
    expect(parseTime('1700000000', NOW, 'from')).toBe(1_700_000_000_000);
    expect(parseTime('1700000000123', NOW, 'from')).toBe(1_700_000_000_123);
  });

  test.each(['', 'yesterday', 'now-', 'now-15', '15m', '2026-13-45'])('%j is no time', (text) => {
    expect(parseTime(text, NOW, 'from')).toBeUndefined();
  });

  test('a range that ends before it begins is none', () => {
    expect(resolveRange({ from: 'now', to: 'now-1h' }, NOW)).toBeUndefined();
    expect(resolveRange({ from: 'now-1h', to: 'now' }, NOW)).toEqual({ fromMs: NOW - 3_600_000, toMs: NOW });
  });
});

test('ranges in words', () => {
  expect(rangeLabel({ from: 'now-15m', to: 'now' })).toBe('Last 15 minutes');
  expect(rangeLabel({ from: 'now-42m', to: 'now' })).toBe('Last 42 minutes');
  expect(rangeLabel({ from: 'now-1w', to: 'now' })).toBe('Last 1 week');
  expect(rangeLabel({ from: 'now-2h', to: 'now-1h' })).toBe('now-2h to now-1h');
});

test('steps through time', () => {
  expect(shiftRange({ fromMs: 1000, toMs: 2000 }, -1)).toEqual({ from: '500', to: '1500' });
  expect(zoomOut({ fromMs: 1000, toMs: 2000 })).toEqual({ from: '500', to: '2500' });
});

test('spans', () => {
  expect(parseSpan('1h30m')).toBe(5_400_000);
  expect(parseSpan('1.5h')).toBe(5_400_000);
  expect(parseSpan('250ms')).toBe(250);
  expect(parseSpan('1h 30m')).toBeUndefined();
  expect(parseSpan('soon')).toBeUndefined();
  expect(spanText(60_000)).toBe('1m');
  expect(spanText(90_000)).toBe('90s');
  expect(spanText(250)).toBe('250ms');
  expect(roughSpan(3_723_000)).toBe('1h 2m');
  expect(agoText(NOW - 12_000, NOW)).toBe('12s ago');
  expect(agoText(NOW + 60_000, NOW)).toBe('in 1m');
});
