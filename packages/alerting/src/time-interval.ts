import { BelfryError } from '@belfry/model';

/** Both ends inclusive. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/**
 * A recurring time: every given list must contain the moment, one member of a list is enough. An absent list contains
 * everything.
 */
export interface TimeInterval {
  readonly kind: 'time_interval';
  /** Minutes of the day, `begin` inclusive, `end` exclusive (up to 1440). */
  readonly times?: readonly Range[];
  /** 0 is Sunday. */
  readonly weekdays?: readonly Range[];
  /** 1 to 31, or -1 (last day of the month) to -31. */
  readonly daysOfMonth?: readonly Range[];
  /** 1 is January. */
  readonly months?: readonly Range[];
  readonly years?: readonly Range[];
  /** IANA name; UTC when absent. */
  readonly timeZone?: string;
}

const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const MINUTE_OF_DAY = /^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/;
const bad = (message: string) => new BelfryError('bad_data', message);

/** `start_time` and `end_time` (`HH:MM`, up to `24:00`). @throws BelfryError `bad_data` */
export function parseTimeRange(start: string, end: string): Range {
  if (start === '' || end === '') throw bad('both start and end times must be provided');
  const range = { begin: parseMinute(start), end: parseMinute(end) };
  if (range.begin >= range.end) throw bad('start time cannot be equal or greater than end time');
  return range;
}

function parseMinute(text: string): number {
  if (!MINUTE_OF_DAY.test(text)) throw bad(`couldn't parse timestamp ${text}, invalid format (expected HH:MM)`);
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

/** `monday`, `monday:friday`. @throws BelfryError `bad_data` */
export function parseWeekdays(text: string): Range {
  const range = parseRange(text, (word) => {
    const day = WEEKDAYS.indexOf(word);
    if (day === -1) throw bad(`${word} is not a valid weekday`);
    return day;
  });
  if (range.begin > range.end) throw bad('start day cannot be before end day');
  return range;
}

/** `1:5`, `-3:-1`. @throws BelfryError `bad_data` */
export function parseDaysOfMonth(text: string): Range {
  const range = parseRange(text, integer);
  for (const day of [range.begin, range.end]) {
    if (day === 0 || day < -31 || day > 31) throw bad(`${day} is not a valid day of the month: out of range`);
  }
  if (range.begin < 0 && range.end > 0) throw bad('end day must be negative if start day is negative');
  // A month has at least 28 days: what is empty then, is always empty.
  const least = (day: number) => (day < 0 ? 28 + day : day);
  if (least(range.begin) > least(range.end)) {
    throw bad(`end day ${range.end} is always before start day ${range.begin}`);
  }
  return range;
}

/** `january:march`, `1:3`. @throws BelfryError `bad_data` */
export function parseMonths(text: string): Range {
  const range = parseRange(text, (word) => {
    const month = MONTHS.indexOf(word) + 1;
    if (month === 0 && !/^[+-]?\d+$/.test(word)) throw bad(`${word} is not a valid month`);
    // A number beyond 12 is accepted, as by Alertmanager: that month never comes.
    return month || Number(word);
  });
  if (range.begin > range.end) {
    throw bad(
      `end month ${MONTHS[range.end - 1] ?? range.end} is before start month ${MONTHS[range.begin - 1] ?? range.begin}`,
    );
  }
  return range;
}

/** `2024`, `2024:2026`. @throws BelfryError `bad_data` */
export function parseYears(text: string): Range {
  const range = parseRange(text, integer);
  if (range.begin > range.end) throw bad(`end year ${range.end} is before start year ${range.begin}`);
  return range;
}

function integer(word: string): number {
  if (!/^[+-]?\d+$/.test(word)) throw bad(`${JSON.stringify(word)} is not a whole number`);
  return Number(word);
}

function parseRange(text: string, member: (word: string) => number): Range {
  const parts = text.toLowerCase().split(':');
  if (parts.length > 2) throw bad(`couldn't parse range ${text}, invalid format`);
  const begin = member(parts[0]!);
  return { begin, end: parts.length === 2 ? member(parts[1]!) : begin };
}

/** An IANA time zone, `UTC` or `Local` (of the machine). @throws BelfryError `bad_data` */
export function parseTimeZone(text: string): string {
  if (text === '' || text === 'UTC') return 'UTC';
  if (text === 'Local') return Intl.DateTimeFormat().resolvedOptions().timeZone;
  // Intl accepts offsets and any case; Go's zone database does not.
  if (/^[+-]/.test(text)) throw bad(`unknown time zone ${text}`);
  let canonical: string;
  try {
    canonical = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw bad(`unknown time zone ${text}`);
  }
  if (canonical !== text && canonical.toLowerCase() === text.toLowerCase()) {
    throw bad(`unknown time zone ${text}, did you mean ${canonical}?`);
  }
  return text;
}

interface LocalTime {
  readonly minute: number;
  readonly weekday: number;
  readonly day: number;
  readonly month: number;
  readonly year: number;
}

/** Whether the interval contains the moment `atMs`. */
export function intervalContains(interval: TimeInterval, atMs: number): boolean {
  const local = localTime(atMs, interval.timeZone ?? 'UTC');
  const within = (ranges: readonly Range[] | undefined, value: number) =>
    !ranges || ranges.some((r) => value >= r.begin && value <= r.end);
  return (
    (!interval.times || interval.times.some((r) => local.minute >= r.begin && local.minute < r.end)) &&
    (!interval.daysOfMonth || interval.daysOfMonth.some((r) => containsDay(r, local))) &&
    within(interval.months, local.month) &&
    within(interval.weekdays, local.weekday) &&
    within(interval.years, local.year)
  );
}

function containsDay(range: Range, local: LocalTime): boolean {
  const days = new Date(Date.UTC(local.year, local.month, 0)).getUTCDate();
  const begin = range.begin < 0 ? days + range.begin + 1 : range.begin;
  const end = range.end < 0 ? days + range.end + 1 : range.end;
  return begin <= days && local.day >= begin && local.day <= Math.min(end, days);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function localTime(atMs: number, timeZone: string): LocalTime {
  if (timeZone === 'UTC') {
    const date = new Date(atMs);
    return {
      minute: date.getUTCHours() * 60 + date.getUTCMinutes(),
      weekday: date.getUTCDay(),
      day: date.getUTCDate(),
      month: date.getUTCMonth() + 1,
      year: date.getUTCFullYear(),
    };
  }
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    formats.set(timeZone, format);
  }
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(atMs)) parts[type] = Number(value);
  const { year, month, day, hour, minute } = parts as Record<'year' | 'month' | 'day' | 'hour' | 'minute', number>;
  const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
  return { minute: hour * 60 + minute, weekday, day, month, year };
}
