/** Functions that look at each value by itself: mathematics, times and dates. */
import { type Columns, FLOAT, HISTOGRAM, type ScalarColumn } from './columns.ts';
import { selectRows } from './columns-rows.ts';

type Unary = (x: number) => number;

/** Day number since the epoch's Monday-based calendar is of no use here; dates go through the platform's UTC calendar. */
const dated = (read: (date: Date) => number): Unary => {
  return (seconds) => {
    // Go converts the float to an integer of seconds; what does not fit is undefined there and NaN here.
    const date = new Date(Math.trunc(seconds) * 1000);
    return read(date);
  };
};

const DAY_MS = 86_400_000;

export const DATE_FUNCTIONS: Readonly<Record<string, Unary>> = {
  day_of_month: dated((d) => d.getUTCDate()),
  day_of_week: dated((d) => d.getUTCDay()),
  day_of_year: dated(
    (d) =>
      (Date.UTC(d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate()) - Date.UTC(d.getUTCFullYear(), 0, 1)) / DAY_MS + 1,
  ),
  days_in_month: dated((d) => new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + 1, 0)).getUTCDate()),
  hour: dated((d) => d.getUTCHours()),
  minute: dated((d) => d.getUTCMinutes()),
  month: dated((d) => d.getUTCMonth() + 1),
  year: dated((d) => d.getUTCFullYear()),
};

export const MATH_FUNCTIONS: Readonly<Record<string, Unary>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  sqrt: Math.sqrt,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  rad: (x) => (x * Math.PI) / 180,
  deg: (x) => (x * 180) / Math.PI,
  sgn: (x) => (x < 0 ? -1 : x > 0 ? 1 : x),
};

/** `f` of every float; histograms are left out. Names are flagged to be dropped. */
export function mapFloats(columns: Columns, f: (x: number, step: number) => number): Columns {
  const { count } = columns.grid;
  const values = new Float64Array(columns.values.length);
  const present = new Uint8Array(columns.present.length);
  for (let base = 0; base < present.length; base += count) {
    for (let j = 0; j < count; j++) {
      if (columns.present[base + j] !== FLOAT) continue;
      values[base + j] = f(columns.values[base + j]!, j);
      present[base + j] = FLOAT;
    }
  }
  return { grid: columns.grid, labels: columns.labels, values, present, dropName: allRows(columns) };
}

export function allRows(columns: Columns): Uint8Array {
  return new Uint8Array(columns.labels.length).fill(1);
}

/** As Go's math.Max and math.Min: NaN wins over anything but an infinity of its own direction. */
const larger = (a: number, b: number) => (a === Infinity || b === Infinity ? Infinity : Math.max(a, b));
const smaller = (a: number, b: number) => (a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b));

export function maxOf(a: ScalarColumn, b: ScalarColumn): ScalarColumn {
  return { grid: a.grid, values: a.values.map((x, j) => larger(x, b.values[j]!)) };
}

export function minOf(a: ScalarColumn, b: ScalarColumn): ScalarColumn {
  return { grid: a.grid, values: a.values.map((x, j) => smaller(x, b.values[j]!)) };
}

export function clamp(columns: Columns, low: Float64Array | undefined, high: Float64Array | undefined): Columns {
  const out = mapFloats(columns, (x, j) => larger(low ? low[j]! : -Infinity, smaller(high ? high[j]! : Infinity, x)));
  if (!low || !high) return out;
  const { count } = columns.grid;
  for (let j = 0; j < count; j++) {
    if (high[j]! < low[j]!) for (let i = j; i < out.present.length; i += count) out.present[i] = 0;
  }
  return out;
}

export function roundTo(columns: Columns, nearest: Float64Array | undefined): Columns {
  if (!nearest) return mapFloats(columns, (x) => Math.floor(x + 0.5));
  return mapFloats(columns, (x, j) => {
    // Through the inverse, which loses less to rounding.
    const inverse = 1 / nearest[j]!;
    return Math.floor(x * inverse + 0.5) / inverse;
  });
}

/** The value of the only float at each step, else NaN. */
export function toScalar(columns: Columns): ScalarColumn {
  const { count } = columns.grid;
  const values = new Float64Array(count).fill(NaN);
  const seen = new Uint8Array(count);
  for (let i = 0; i < columns.present.length; i++) {
    if (columns.present[i] !== FLOAT) continue;
    const j = i % count;
    values[j] = seen[j] === 0 ? columns.values[i]! : NaN;
    seen[j] = 1;
  }
  return { grid: columns.grid, values };
}

/** 1 where no row has a value. */
export function absentSteps(columns: Columns): { values: Float64Array; present: Uint8Array } {
  const { count } = columns.grid;
  const present = new Uint8Array(count).fill(FLOAT);
  for (let i = 0; i < columns.present.length; i++) if (columns.present[i] !== 0) present[i % count] = 0;
  return { values: new Float64Array(count).fill(1), present };
}

/** Rows by value, NaN last; histograms left out. For grids of one step; longer ones keep their order. */
export function sortByValue(columns: Columns, descending: boolean): Columns {
  const { histograms: _, ...rest } = columns;
  const floats = columns.histograms
    ? { ...rest, present: columns.present.map((kind) => (kind === HISTOGRAM ? 0 : kind)) }
    : columns;
  if (columns.grid.count !== 1) return floats;
  const rows = columns.labels.map((_l, row) => row).filter((row) => floats.present[row] === FLOAT);
  const { values } = columns;
  rows.sort((a, b) => {
    const x = values[a]!;
    const y = values[b]!;
    if (x !== x) return y !== y ? 0 : 1;
    if (y !== y) return -1;
    if (x === y) return 0;
    return x < y === descending ? 1 : -1;
  });
  return selectRows(floats, rows);
}
