import { DURATION, goDuration } from './go-duration.ts';
import { GO_TYPE, type GoType, type Named, named } from './value.ts';
import { zoneAt } from './zone.ts';

/** A point in time as templates see it: Go's time.Time. Seconds since the Unix epoch, nanoseconds within, a zone. */
export interface GoTime {
  readonly [GO_TYPE]: GoType;
  readonly seconds: number;
  readonly nanos: number;
  /** An IANA name, or `UTC`. */
  readonly zone: string;
}

/** Go's zero time, the first moment of the year 1. */
const ZERO_SECONDS = -62_135_596_800;
const NANOS_PER_SECOND = 1_000_000_000;

export function goTime(seconds: number, nanos = 0, zone = 'UTC'): GoTime {
  return { [GO_TYPE]: TIME, seconds, nanos, zone };
}

/** From milliseconds since the epoch; fractions of a millisecond count. */
export function goTimeFromMs(ms: number, zone = 'UTC'): GoTime {
  const seconds = Math.floor(ms / 1000);
  return goTime(seconds, Math.round((ms - seconds * 1000) * 1e6), zone);
}

export const ZERO_TIME_MS = ZERO_SECONDS * 1000;

export function isGoTime(value: unknown): value is GoTime {
  return typeof value === 'object' && value !== null && (value as GoTime)[GO_TYPE] === TIME;
}

export function toNanos(time: GoTime): bigint {
  return BigInt(time.seconds) * 1_000_000_000n + BigInt(time.nanos);
}

function fromNanos(total: bigint, zone: string): GoTime {
  const nanos = ((total % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return goTime(Number((total - nanos) / 1_000_000_000n), Number(nanos), zone);
}

interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly weekday: number;
  readonly yearDay: number;
  readonly offsetSeconds: number;
  readonly abbreviation: string;
}

function civil(time: GoTime): Civil {
  const { offsetSeconds, abbreviation } = zoneAt(time.zone, time.seconds * 1000);
  const local = new Date((time.seconds + offsetSeconds) * 1000);
  const year = local.getUTCFullYear();
  const start = new Date(0);
  start.setUTCFullYear(year, 0, 1);
  return {
    year,
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    weekday: local.getUTCDay(),
    yearDay: Math.floor((local.getTime() - start.getTime()) / 86_400_000) + 1,
    offsetSeconds,
    abbreviation,
  };
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const MONTH: GoType = {
  name: 'time.Month',
  kind: 'int',
  methods: { String: { call: (self: Named) => MONTHS[Number(self.value) - 1] ?? `%!Month(${self.value})` } },
};
const WEEKDAY: GoType = {
  name: 'time.Weekday',
  kind: 'int',
  methods: { String: { call: (self: Named) => WEEKDAYS[Number(self.value)] ?? `%!Weekday(${self.value})` } },
};

/** The parts of a Go layout, the longer before what they begin with. */
const LAYOUT =
  /January|Jan|Monday|Mon|MST|2006|__2|_2|002|01|02|03|04|05|06|15|PM|pm|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|[.,]0+(?![0-9])|[.,]9+(?![0-9])|1|2|3|4|5/g;

/** Go's `Time.Format`: the layout shows how the reference time `Mon Jan 2 15:04:05 MST 2006` would look. */
export function formatGoTime(time: GoTime, layout: string): string {
  const c = civil(time);
  return layout.replace(LAYOUT, (part) => formatPart(part, c, time.nanos));
}

function formatPart(part: string, c: Civil, nanos: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const hour12 = c.hour % 12 || 12;
  switch (part) {
    case 'January':
      return MONTHS[c.month - 1]!;
    case 'Jan':
      return MONTHS[c.month - 1]!.slice(0, 3);
    case 'Monday':
      return WEEKDAYS[c.weekday]!;
    case 'Mon':
      return WEEKDAYS[c.weekday]!.slice(0, 3);
    case 'MST':
      return c.abbreviation;
    case '2006':
      return `${c.year < 0 ? '-' : ''}${String(Math.abs(c.year)).padStart(4, '0')}`;
    case '06':
      return two(Math.abs(c.year) % 100);
    case '01':
      return two(c.month);
    case '1':
      return String(c.month);
    case '02':
      return two(c.day);
    case '_2':
      return String(c.day).padStart(2, ' ');
    case '2':
      return String(c.day);
    case '__2':
      return String(c.yearDay).padStart(3, ' ');
    case '002':
      return String(c.yearDay).padStart(3, '0');
    case '15':
      return two(c.hour);
    case '03':
      return two(hour12);
    case '3':
      return String(hour12);
    case '04':
      return two(c.minute);
    case '4':
      return String(c.minute);
    case '05':
      return two(c.second);
    case '5':
      return String(c.second);
    case 'PM':
      return c.hour >= 12 ? 'PM' : 'AM';
    case 'pm':
      return c.hour >= 12 ? 'pm' : 'am';
    default:
      return /^[.,]/.test(part) ? formatFraction(part, nanos) : formatOffset(part, c.offsetSeconds);
  }
}

function formatFraction(part: string, nanos: number): string {
  const digits = String(nanos)
    .padStart(9, '0')
    .slice(0, part.length - 1)
    .padEnd(part.length - 1, '0');
  if (part[1] === '0') return part[0] + digits;
  const trimmed = digits.replace(/0+$/, '');
  return trimmed === '' ? '' : part[0] + trimmed;
}

function formatOffset(part: string, offsetSeconds: number): string {
  if (part.startsWith('Z') && offsetSeconds === 0) return 'Z';
  const two = (n: number) => String(n).padStart(2, '0');
  const abs = Math.abs(offsetSeconds);
  const fields = [two(Math.floor(abs / 3600)), two(Math.floor(abs / 60) % 60), two(abs % 60)];
  const shape = part.slice(1);
  const count = Math.ceil(shape.replaceAll(':', '').length / 2);
  return (offsetSeconds < 0 ? '-' : '+') + fields.slice(0, count).join(shape.includes(':') ? ':' : '');
}

const field = (pick: (c: Civil) => number) => ({ call: (self: GoTime) => BigInt(pick(civil(self))) });

const compare = (test: (a: bigint, b: bigint) => boolean) => ({
  params: ['any'] as const,
  call: (self: GoTime, [other]: readonly unknown[]) => {
    if (!isGoTime(other)) throw new Error('expected time.Time');
    return test(toNanos(self), toNanos(other));
  },
});

const shifted = (multiple: (d: bigint) => (nanos: bigint) => bigint) => ({
  params: [DURATION] as const,
  call: (self: GoTime, [d]: readonly Named[]) => fromNanos(multiple(d!.value as bigint)(toNanos(self)), self.zone),
});

/** How Go prints a time without being told how. */
const DEFAULT_LAYOUT = '2006-01-02 15:04:05.999999999 -0700 MST';

export const TIME: GoType = {
  name: 'time.Time',
  kind: 'struct',
  methods: {
    Format: { params: ['string'], call: (self: GoTime, [layout]: readonly string[]) => formatGoTime(self, layout!) },
    String: { call: (self: GoTime) => formatGoTime(self, DEFAULT_LAYOUT) },
    MarshalJSON: { call: (self: GoTime) => `"${formatGoTime(self, '2006-01-02T15:04:05.999999999Z07:00')}"` },
    Unix: { call: (self: GoTime) => BigInt(self.seconds) },
    UnixMilli: { call: (self: GoTime) => toNanos(self) / 1_000_000n },
    UnixMicro: { call: (self: GoTime) => toNanos(self) / 1000n },
    UnixNano: { call: (self: GoTime) => toNanos(self) },
    UTC: { call: (self: GoTime) => goTime(self.seconds, self.nanos) },
    Local: { call: (self: GoTime) => goTime(self.seconds, self.nanos, 'UTC') },
    Add: shifted((d) => (t) => t + d),
    Truncate: shifted((d) => (t) => (d <= 0n ? t : t - ((((t - ZERO_NANOS) % d) + d) % d))),
    Round: shifted((d) => (t) => {
      if (d <= 0n) return t;
      const rest = (t - ZERO_NANOS) % d;
      return rest * 2n < d ? t - rest : t - rest + d;
    }),
    AddDate: {
      params: ['int', 'int', 'int'],
      call: (self: GoTime, [years, months, days]: readonly bigint[]) => {
        const date = new Date(self.seconds * 1000);
        date.setUTCFullYear(date.getUTCFullYear() + Number(years));
        date.setUTCMonth(date.getUTCMonth() + Number(months));
        date.setUTCDate(date.getUTCDate() + Number(days));
        return goTime(Math.floor(date.getTime() / 1000), self.nanos, self.zone);
      },
    },
    Sub: {
      params: ['any'],
      call: (self: GoTime, [other]: readonly unknown[]) => {
        if (!isGoTime(other)) throw new Error('expected time.Time');
        return goDuration(toNanos(self) - toNanos(other));
      },
    },
    Before: compare((a, b) => a < b),
    After: compare((a, b) => a > b),
    Equal: compare((a, b) => a === b),
    IsZero: { call: (self: GoTime) => self.seconds === ZERO_SECONDS && self.nanos === 0 },
    Year: field((c) => c.year),
    Day: field((c) => c.day),
    Hour: field((c) => c.hour),
    Minute: field((c) => c.minute),
    Second: field((c) => c.second),
    YearDay: field((c) => c.yearDay),
    Nanosecond: { call: (self: GoTime) => BigInt(self.nanos) },
    Month: { call: (self: GoTime) => named(MONTH, BigInt(civil(self).month)) },
    Weekday: { call: (self: GoTime) => named(WEEKDAY, BigInt(civil(self).weekday)) },
  },
};

const ZERO_NANOS = BigInt(ZERO_SECONDS) * BigInt(NANOS_PER_SECOND);
