/** Time ranges as the URL and dashboards write them: `now-15m`, `now/d`, epoch milliseconds, ISO dates. */

import { wallTime } from './time-zone.ts';

/** As written; kept in the URL so that a relative range stays relative. */
export interface RawRange {
  readonly from: string;
  readonly to: string;
}

/** Resolved to epoch milliseconds; `to` is inclusive. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export type CalendarUnit = 's' | 'm' | 'h' | 'd' | 'w' | 'M' | 'Q' | 'y';

const FIXED_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };
const STEP = /([+\-/])(\d*)([smhdwMQy])/g;
const RELATIVE = /^now(?:[+\-/]\d*[smhdwMQy])*$/;

/** Whether the text is `now` with arithmetic, so that its meaning moves with the clock. */
export function isRelative(text: string): boolean {
  return RELATIVE.test(text.trim());
}

/**
 * One end of a range in epoch milliseconds. `/d` rounds down for a start and up (to the last millisecond) for an end,
 * in the browser's time zone. Undefined when the text is no time.
 */
export function parseTime(text: string, nowMs: number, end: 'from' | 'to'): number | undefined {
  const trimmed = text.trim();
  if (isRelative(trimmed)) return relativeTime(trimmed, nowMs, end);
  if (/^\d{9,}$/.test(trimmed)) return trimmed.length <= 10 ? Number(trimmed) * 1000 : Number(trimmed);
  const spaced = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?(Z|[+-]\d{2}:?\d{2})?$/.exec(trimmed);
  if (!spaced) return undefined;
  const ms = Date.parse(`${spaced[1]}T${spaced[2] ?? '00:00:00'}${spaced[3] ?? ''}`);
  return Number.isNaN(ms) ? undefined : ms;
}

function relativeTime(text: string, nowMs: number, end: 'from' | 'to'): number {
  const date = new Date(nowMs);
  for (const [, operator, amount, unit] of text.slice(3).matchAll(STEP)) {
    if (operator === '/') roundTo(date, unit as CalendarUnit, end);
    else add(date, unit as CalendarUnit, Number(amount || '1') * (operator === '-' ? -1 : 1));
  }
  return date.getTime();
}

function add(date: Date, unit: CalendarUnit, amount: number): void {
  const fixed = FIXED_MS[unit];
  if (fixed) date.setTime(date.getTime() + fixed * amount);
  else if (unit === 'd') date.setDate(date.getDate() + amount);
  else if (unit === 'w') date.setDate(date.getDate() + 7 * amount);
  else if (unit === 'M') date.setMonth(date.getMonth() + amount);
  else if (unit === 'Q') date.setMonth(date.getMonth() + 3 * amount);
  else date.setFullYear(date.getFullYear() + amount);
}

function roundTo(date: Date, unit: CalendarUnit, end: 'from' | 'to'): void {
  if (unit === 's') date.setMilliseconds(0);
  else if (unit === 'm') date.setSeconds(0, 0);
  else if (unit === 'h') date.setMinutes(0, 0, 0);
  else date.setHours(0, 0, 0, 0);
  if (unit === 'w') date.setDate(date.getDate() - ((date.getDay() + 6) % 7));
  if (unit === 'M') date.setDate(1);
  if (unit === 'Q') date.setMonth(Math.floor(date.getMonth() / 3) * 3, 1);
  if (unit === 'y') date.setMonth(0, 1);
  if (end === 'to') {
    add(date, unit, 1);
    date.setTime(date.getTime() - 1);
  }
}

/** Both ends; undefined when one is no time or the range is empty or backwards. */
export function resolveRange(raw: RawRange, nowMs: number): TimeRange | undefined {
  const fromMs = parseTime(raw.from, nowMs, 'from');
  const toMs = parseTime(raw.to, nowMs, 'to');
  if (fromMs === undefined || toMs === undefined || fromMs >= toMs) return undefined;
  return { fromMs, toMs };
}

export interface QuickRange extends RawRange {
  readonly label: string;
}

export const QUICK_RANGES: readonly QuickRange[] = [
  { label: 'Last 5 minutes', from: 'now-5m', to: 'now' },
  { label: 'Last 15 minutes', from: 'now-15m', to: 'now' },
  { label: 'Last 30 minutes', from: 'now-30m', to: 'now' },
  { label: 'Last 1 hour', from: 'now-1h', to: 'now' },
  { label: 'Last 3 hours', from: 'now-3h', to: 'now' },
  { label: 'Last 6 hours', from: 'now-6h', to: 'now' },
  { label: 'Last 12 hours', from: 'now-12h', to: 'now' },
  { label: 'Last 24 hours', from: 'now-24h', to: 'now' },
  { label: 'Last 2 days', from: 'now-2d', to: 'now' },
  { label: 'Last 7 days', from: 'now-7d', to: 'now' },
  { label: 'Last 30 days', from: 'now-30d', to: 'now' },
  { label: 'Last 90 days', from: 'now-90d', to: 'now' },
  { label: 'Today', from: 'now/d', to: 'now/d' },
  { label: 'Today so far', from: 'now/d', to: 'now' },
  { label: 'Yesterday', from: 'now-1d/d', to: 'now-1d/d' },
  { label: 'This week so far', from: 'now/w', to: 'now' },
];

const UNIT_WORDS: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  M: 'month',
  Q: 'quarter',
  y: 'year',
};

/** A range in words: the quick range's name, `Last 42 minutes`, or both dates. */
export function rangeLabel(raw: RawRange): string {
  const quick = QUICK_RANGES.find((q) => q.from === raw.from && q.to === raw.to);
  if (quick) return quick.label;
  const last = /^now-(\d+)([smhdwMQy])$/.exec(raw.from);
  if (last && raw.to === 'now') return `Last ${last[1]} ${UNIT_WORDS[last[2]!]}${last[1] === '1' ? '' : 's'}`;
  const [from, to] = [endLabel(raw.from), endLabel(raw.to)];
  const sameDay = !isRelative(raw.from) && !isRelative(raw.to) && from.slice(0, 10) === to.slice(0, 10);
  return `${from} to ${sameDay ? to.slice(11) : to}`;
}

function endLabel(text: string): string {
  return isRelative(text) ? text : inputText(text);
}

/** An end as people type it: relative text as it is, epoch milliseconds as local `YYYY-MM-DD HH:mm:ss`. */
export function inputText(text: string): string {
  if (isRelative(text)) return text;
  const ms = parseTime(text, 0, 'from');
  // What is typed is read in the browser's zone, so it is written in it too.
  return ms === undefined ? text : localDateTime(ms, new Date(ms));
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** Local `YYYY-MM-DD HH:mm:ss`. */
export function localDateTime(ms: number, d: Date = wallTime(ms)): string {
  const date = `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
  return `${date} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

/** Local `HH:mm:ss`. */
export function localTime(ms: number): string {
  return localDateTime(ms).slice(11);
}

/** The same span one width earlier or later, as absolute epoch milliseconds. */
export function shiftRange(range: TimeRange, direction: -1 | 1): RawRange {
  const half = Math.round((range.toMs - range.fromMs) / 2) * direction;
  return { from: String(range.fromMs + half), to: String(range.toMs + half) };
}

/** Twice the span around the same middle. */
export function zoomOut(range: TimeRange): RawRange {
  const half = Math.round((range.toMs - range.fromMs) / 2);
  return { from: String(range.fromMs - half), to: String(range.toMs + half) };
}

const SPAN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)$/;
const SPAN_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** `10s`, `1.5h` or Prometheus' `1h30m` in milliseconds; undefined for any other text. */
export function parseSpan(text: string): number | undefined {
  const single = SPAN.exec(text);
  if (single) return Number(single[1]) * SPAN_MS[single[2]!]!;
  const parts = [...text.matchAll(/(\d+)(ms|s|m|h|d|w|y)/g)];
  if (parts.length === 0 || parts.map((p) => p[0]).join('') !== text) return undefined;
  return parts.reduce((sum, p) => sum + Number(p[1]) * SPAN_MS[p[2]!]!, 0);
}

/** Milliseconds in the shortest exact text of PromQL: `90s`, `1m`, `1h`. */
export function spanText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = SPAN_MS[unit]!;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}

/** A past time in words, for people: `just now`, `12s ago`, `5m ago`, `3h ago`, `2d ago`. */
export function agoText(ms: number, nowMs: number): string {
  const age = nowMs - ms;
  if (age < 0) return `in ${roughSpan(-age)}`;
  return age < 1000 ? 'just now' : `${roughSpan(age)} ago`;
}

/** A span rounded to what matters: `850ms`, `12s`, `5m 3s`, `3h 20m`, `2d 4h`. */
export function roughSpan(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s}s`;
  const two = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit} ${small}${smallUnit}`;
  if (s < 3600) return two(Math.floor(s / 60), 'm', s % 60, 's');
  if (s < 86_400) return two(Math.floor(s / 3600), 'h', Math.floor((s % 3600) / 60), 'm');
  return two(Math.floor(s / 86_400), 'd', Math.floor((s % 86_400) / 3600), 'h');
}
