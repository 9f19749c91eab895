/** Answers of queries as columns: what transformations change and panels draw. */
import type { InstantSample, QueryAnswer, RangeSeries } from '../api/prometheus.ts';
import type { TimeRange } from '../format/time-range.ts';
import { type Labels, seriesNames } from './legend.ts';
import type { FieldConfig, Target } from './model.ts';

export type Cell = number | string | null;

export interface Field {
  readonly name: string;
  readonly type: 'time' | 'number' | 'string';
  readonly labels: Labels;
  /** Times are epoch milliseconds; null is no value. */
  readonly values: readonly Cell[];
  /** What people see instead of the name. */
  readonly displayName?: string;
  readonly config?: FieldConfig;
}

export interface Frame {
  readonly refId: string;
  readonly fields: readonly Field[];
}

export interface TargetAnswer {
  readonly target: Target;
  /** The query as it was sent. */
  readonly expr: string;
  readonly legend: string;
  readonly answer: QueryAnswer;
  readonly range: TimeRange;
  readonly stepMs: number;
}

/** Frames of all targets of a panel, in their order. */
export function framesOf(answers: readonly TargetAnswer[]): Frame[] {
  const tables = answers.filter((a) => a.target.format === 'table').length;
  return answers.flatMap((a) => {
    if (a.target.format === 'table') return [tableFrame(a, tables > 1 ? `Value #${a.target.refId}` : 'Value')];
    return seriesFrames(a);
  });
}

function seriesFrames({ target, answer, legend, expr, range, stepMs }: TargetAnswer): Frame[] {
  if (answer.kind === 'matrix') {
    const names = seriesNames(
      legend,
      answer.series.map((s) => s.labels),
      expr,
    );
    const grid = timeGrid(range, stepMs);
    return answer.series.map((s, i) => ({
      refId: target.refId,
      fields: [
        { name: 'Time', type: 'time', labels: {}, values: grid },
        {
          name: 'Value',
          type: 'number',
          labels: s.labels,
          values: onGrid(s, range.fromMs, stepMs, grid.length),
          displayName: names[i]!,
        },
      ],
    }));
  }
  const samples = samplesOf(answer);
  const names = seriesNames(
    legend,
    samples.map((s) => s.labels),
    expr,
  );
  return samples.map((s, i) => ({
    refId: target.refId,
    fields: [
      { name: 'Time', type: 'time', labels: {}, values: [s.timeMs] },
      { name: 'Value', type: 'number', labels: s.labels, values: [s.value], displayName: names[i]! },
    ],
  }));
}

function samplesOf(answer: QueryAnswer): readonly InstantSample[] {
  if (answer.kind === 'vector') return answer.samples;
  if (answer.kind === 'scalar') return [{ labels: {}, timeMs: answer.timeMs, value: answer.value }];
  return [];
}

/** Every step of a range, both ends included. The same array for the same range, so that joining is cheap. */
const grids = new Map<string, readonly number[]>();
const MAX_GRIDS = 32;
export function timeGrid(range: TimeRange, stepMs: number): readonly number[] {
  const key = `${range.fromMs}/${range.toMs}/${stepMs}`;
  const known = grids.get(key);
  if (known) return known;
  const grid = Array.from(
    { length: Math.floor((range.toMs - range.fromMs) / stepMs) + 1 },
    (_, i) => range.fromMs + i * stepMs,
  );
  if (grids.size >= MAX_GRIDS) grids.delete(grids.keys().next().value!);
  grids.set(key, grid);
  return grid;
}

/** The series on the grid; steps without a sample are null, so that lines show the gap. */
function onGrid(series: RangeSeries, fromMs: number, stepMs: number, length: number): (number | null)[] {
  const out: (number | null)[] = new Array(length).fill(null);
  const { timesMs, values } = series;
  for (let i = 0; i < timesMs.length; i++) {
    const at = Math.round((timesMs[i]! - fromMs) / stepMs);
    if (at >= 0 && at < length) out[at] = values[i]!;
  }
  return out;
}

function tableFrame({ target, answer }: TargetAnswer, valueName: string): Frame {
  const rows: { labels: Labels; timeMs: number; value: number }[] = [];
  if (answer.kind === 'matrix') {
    for (const s of answer.series)
      for (const [i, timeMs] of s.timesMs.entries()) rows.push({ labels: s.labels, timeMs, value: s.values[i]! });
  } else rows.push(...samplesOf(answer));
  const names = [...new Set(rows.flatMap((r) => Object.keys(r.labels)))].sort();
  return {
    refId: target.refId,
    fields: [
      { name: 'Time', type: 'time', labels: {}, values: rows.map((r) => r.timeMs) },
      ...names.map(
        (name): Field => ({ name, type: 'string', labels: {}, values: rows.map((r) => r.labels[name] ?? '') }),
      ),
      { name: valueName, type: 'number', labels: {}, values: rows.map((r) => r.value) },
    ],
  };
}

/** The title of a field as people see it: its configuration's, its series' name, or its own. */
export function fieldTitle(field: Field): string {
  return field.config?.displayName || field.displayName || field.name;
}

export interface AlignedSeries {
  /** Epoch milliseconds, ascending, the union of all frames' times. */
  readonly timesMs: readonly number[];
  readonly fields: readonly Field[];
  /** One column a field, as long as `timesMs`. */
  readonly columns: readonly (readonly (number | null)[])[];
}

/** Number fields of all frames over one time axis. Frames that share their time array are taken as they are. */
export function alignFrames(frames: readonly Frame[]): AlignedSeries {
  const timed = frames.filter((f) => f.fields.some((x) => x.type === 'time'));
  const timesOf = (f: Frame) => f.fields.find((x) => x.type === 'time')!.values as readonly number[];
  const first = timed[0];
  if (!first) return { timesMs: [], fields: [], columns: [] };
  const numbers = (f: Frame) => f.fields.filter((x) => x.type === 'number');
  const shared = timesOf(first);
  const fields = timed.flatMap(numbers);
  if (timed.every((f) => timesOf(f) === shared)) {
    return { timesMs: shared, fields, columns: fields.map((f) => f.values as readonly (number | null)[]) };
  }
  const timesMs = [...new Set(timed.flatMap((f) => timesOf(f) as number[]))].sort((a, b) => a - b);
  const index = new Map(timesMs.map((t, i) => [t, i]));
  const columns = timed.flatMap((f) =>
    numbers(f).map((field) => {
      const column: (number | null)[] = new Array(timesMs.length).fill(null);
      timesOf(f).forEach((t, i) => {
        column[index.get(t)!] = field.values[i] as number | null;
      });
      return column;
    }),
  );
  return { timesMs, fields, columns };
}
