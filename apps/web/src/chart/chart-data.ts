/** What a chart draws, and the arithmetic before drawing. */
import { wallTime } from '../format/time-zone.ts';
import { isBinaryUnit } from '../format/units.ts';

export type DrawStyle = 'line' | 'bars' | 'points';
export type Interpolation = 'linear' | 'smooth' | 'stepBefore' | 'stepAfter';

export interface ChartSeries {
  readonly name: string;
  readonly color: string;
  readonly unit: string | undefined;
  readonly decimals: number | undefined;
  readonly draw: DrawStyle;
  readonly interpolation: Interpolation;
  readonly width: number;
  /** 0 to 1. */
  readonly fill: number;
  readonly gradient: boolean;
  readonly dash: readonly number[] | undefined;
  readonly points: 'auto' | 'always' | 'never';
  readonly pointSize: number;
  /** Draws over gaps up to this many milliseconds; true over all. */
  readonly spanNulls: boolean | number;
  readonly axis: 'left' | 'right';
  /** Series of the same group stand on each other. */
  readonly stack: string | undefined;
  readonly stackPercent: boolean;
  /** Drawn below zero, while its values keep their sign in legend and tooltip. */
  readonly negated: boolean;
  readonly hidden: boolean;
}

export interface ChartAxis {
  readonly unit: string | undefined;
  readonly decimals: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly softMin: number | undefined;
  readonly softMax: number | undefined;
  /** 0 is linear, else the base of the logarithm. */
  readonly log: 0 | 2 | 10;
  readonly label: string;
  readonly visible: boolean;
}

export interface ChartThreshold {
  readonly value: number;
  readonly color: string;
}

export type Column = readonly (number | null)[];

/** The column with gaps where NaN or an infinity is: neither has a place on an axis, and one of them would empty it. */
export function drawable(column: Column): Column {
  return column.every((v) => v === null || Number.isFinite(v))
    ? column
    : column.map((v) => (Number.isFinite(v) ? v : null));
}

/** The column as it is drawn: mirrored at zero when its series is. */
export function signed(column: Column, negated: boolean): Column {
  return negated ? column.map((v) => (v === null ? null : -v)) : column;
}

/**
 * Columns with each stacked series standing on those before it. Hidden series take no part; a gap counts as nothing, but
 * stays a gap in its own line.
 */
export function stackColumns(series: readonly ChartSeries[], columns: readonly Column[]): readonly Column[] {
  const sums = new Map<string, number[]>();
  const totals = new Map<string, number[]>();
  series.forEach((s, i) => {
    if (!s.stack || s.hidden || !s.stackPercent) return;
    const total = totals.get(s.stack) ?? new Array<number>(columns[i]!.length).fill(0);
    columns[i]!.forEach((v, j) => {
      total[j] = total[j]! + Math.abs(v ?? 0);
    });
    totals.set(s.stack, total);
  });
  return series.map((s, i) => {
    const column = columns[i]!;
    if (!s.stack || s.hidden) return column;
    const sum = sums.get(s.stack) ?? new Array<number>(column.length).fill(0);
    sums.set(s.stack, sum);
    const total = totals.get(s.stack);
    return column.map((v, j) => {
      if (v === null || Number.isNaN(v)) return null;
      sum[j] = sum[j]! + (total ? (total[j] ? v / total[j]! : 0) : v);
      return sum[j]!;
    });
  });
}

/** For each stacked series, the one it stands on: pairs of indexes. */
export function stackBands(series: readonly ChartSeries[]): readonly (readonly [upper: number, lower: number])[] {
  const below = new Map<string, number>();
  const bands: (readonly [number, number])[] = [];
  series.forEach((s, i) => {
    if (!s.stack || s.hidden) return;
    const lower = below.get(s.stack);
    if (lower !== undefined) bands.push([i, lower]);
    below.set(s.stack, i);
  });
  return bands;
}

/** Room above the highest and below the lowest value, as a share of the span. */
const HEADROOM = 0.08;

/** The limits of a value axis: hard ones as they are, soft ones as far as the data leaves them, zero when it is near. */
export function axisLimits(axis: ChartAxis, dataMin: number | null, dataMax: number | null): [number, number] {
  const low = dataMin ?? axis.softMin ?? 0;
  const high = dataMax ?? axis.softMax ?? low + 1;
  if (axis.log > 0) return logLimits(axis, low, high);
  const span = high - low || Math.abs(high) || 1;
  // A curve that stays near its value shows its shape; one that comes near zero shows its size.
  const nearZero = low >= 0 && low < span * 1.5;
  const nearZeroBelow = high <= 0 && -high < span * 1.5;
  let min = axis.min ?? (nearZero ? 0 : low - span * HEADROOM);
  let max = axis.max ?? (nearZeroBelow ? 0 : high + span * HEADROOM);
  if (axis.min === undefined && axis.softMin !== undefined && axis.softMin <= low) min = Math.min(min, axis.softMin);
  if (axis.min === undefined && axis.softMin !== undefined && axis.softMin <= low && low >= axis.softMin)
    min = axis.softMin;
  if (axis.max === undefined && axis.softMax !== undefined && high <= axis.softMax) max = axis.softMax;
  if (low === 0 && high === 0 && axis.max === undefined && axis.softMax === undefined) max = Math.max(max, 1);
  return min < max ? [min, max] : [min, min + 1];
}

function logLimits(axis: ChartAxis, low: number, high: number): [number, number] {
  const power = (v: number, round: (x: number) => number) => axis.log ** round(Math.log(v) / Math.log(axis.log));
  const positive = low > 0 ? low : high > 0 ? Math.min(high, 1) : 1;
  const min = axis.min && axis.min > 0 ? axis.min : power(positive, Math.floor);
  const max = axis.max && axis.max > 0 ? axis.max : power(Math.max(high, positive * axis.log), Math.ceil);
  return [min, max];
}

const BINARY_INCREMENTS = Array.from({ length: 70 }, (_, i) => 2 ** (i - 4));

/** Tick distances for a unit; undefined for the usual decimal ones. */
export function tickIncrements(unit: string | undefined): number[] | undefined {
  if (isBinaryUnit(unit)) return BINARY_INCREMENTS;
  return undefined;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
const pad = (n: number) => String(n).padStart(2, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Texts of a time axis: seconds only when ticks are that near, the date where the day changes. */
export function timeTicks(ticks: readonly number[], incrementMs: number): string[] {
  let day = '';
  return ticks.map((ms, i) => {
    const d = wallTime(ms);
    const date = `${MONTHS[d.getMonth()]} ${d.getDate()}`;
    const time = `${pad(d.getHours())}:${pad(d.getMinutes())}${incrementMs < MINUTE ? `:${pad(d.getSeconds())}` : ''}`;
    const changed = date !== day;
    day = date;
    if (incrementMs >= 28 * DAY) return `${MONTHS[d.getMonth()]} ${d.getFullYear()}`;
    if (incrementMs >= DAY) return date;
    if (changed && i > 0) return d.getHours() === 0 && d.getMinutes() === 0 ? date : time;
    return time;
  });
}
