import { type FloatHistogram, formatFloat, type Labels } from '@belfry/model';
import { type Columns, FLOAT, HISTOGRAM, histogramBuckets, type RawSeries } from '@belfry/promql';

/** Prometheus' JSON of query values, written as text at once: no object is made for a sample. */

/** Seconds; three decimals where there are milliseconds. */
export function timeJson(ms: number): string {
  const whole = Math.trunc(ms);
  const fraction = Math.abs(whole % 1000);
  if (fraction === 0) return String(whole / 1000);
  return `${whole < 0 ? '-' : ''}${Math.floor(Math.abs(whole) / 1000)}.${String(fraction).padStart(3, '0')}`;
}

/** The result of a scalar: never with an exponent, other than samples. */
export function scalarJson(ms: number, value: number): string {
  return `[${ms / 1000},"${withoutExponent(formatFloat(value))}"]`;
}

function withoutExponent(text: string): string {
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const digits = match[2]! + (match[3] ?? '');
  const exponent = Number(match[4]);
  if (exponent < 0) return `${match[1]}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return match[1] + digits.padEnd(exponent + 1, '0');
}

export function labelsJson(labels: Labels): string {
  let out = '{';
  for (let i = 0; i < labels.length; i += 2) {
    out += `${i === 0 ? '' : ','}${JSON.stringify(labels[i])}:${JSON.stringify(labels[i + 1])}`;
  }
  return `${out}}`;
}

export function floatJson(ms: number, value: number): string {
  return `[${timeJson(ms)},"${formatFloat(value)}"]`;
}

/** Bucket ends: 0 open left, 1 open right, 2 both open, 3 both closed. */
export function histogramJson(ms: number, histogram: FloatHistogram): string {
  const buckets: string[] = [];
  for (const { lower, upper, lowerInclusive, upperInclusive, count } of histogramBuckets(histogram)) {
    if (count === 0) continue;
    const rule = lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2;
    buckets.push(`[${rule},"${formatFloat(lower)}","${formatFloat(upper)}","${formatFloat(count)}"]`);
  }
  const tail = buckets.length > 0 ? `,"buckets":[${buckets.join(',')}]` : '';
  const { count, sum } = histogram;
  return `[${timeJson(ms)},{"count":"${formatFloat(count)}","sum":"${formatFloat(sum)}"${tail}}]`;
}

/** The only step of each row. */
export function* vectorRows(columns: Columns): Generator<string> {
  const { grid, labels, values, present, histograms } = columns;
  for (let i = 0; i < labels.length; i++) {
    if (present[i] !== FLOAT && present[i] !== HISTOGRAM) continue;
    const point =
      present[i] === HISTOGRAM
        ? `"histogram":${histogramJson(grid.startMs, histograms!.get(i)!)}`
        : `"value":${floatJson(grid.startMs, values[i]!)}`;
    yield `{"metric":${labelsJson(labels[i]!)},${point}}`;
  }
}

/** All steps of all rows. */
export function* matrixRows(columns: Columns): Generator<string> {
  const times = Array.from({ length: columns.grid.count }, (_, j) =>
    timeJson(columns.grid.startMs + j * columns.grid.stepMs),
  );
  for (let i = 0; i < columns.labels.length; i++) {
    const row = rowJson(columns, i, times);
    if (row !== '') yield `{"metric":${labelsJson(columns.labels[i]!)},${row}}`;
  }
}

function rowJson(columns: Columns, i: number, times: readonly string[]): string {
  const { grid, values, present, histograms } = columns;
  let floats = '';
  let hists = '';
  const base = i * grid.count;
  for (let j = 0; j < grid.count; j++) {
    const cell = present[base + j];
    if (cell === FLOAT) floats += `${floats === '' ? '' : ','}[${times[j]},"${formatFloat(values[base + j]!)}"]`;
    else if (cell === HISTOGRAM) {
      const json = histogramJson(grid.startMs + j * grid.stepMs, histograms!.get(base + j)!);
      hists += `${hists === '' ? '' : ','}${json}`;
    }
  }
  return pointsJson(floats, hists);
}

function pointsJson(floats: string, hists: string): string {
  if (floats === '') return hists === '' ? '' : `"histograms":[${hists}]`;
  return hists === '' ? `"values":[${floats}]` : `"values":[${floats}],"histograms":[${hists}]`;
}

/** Raw samples: what `metric[5m]` gives as an instant query. */
export function* rawSeriesRows(series: readonly RawSeries[]): Generator<string> {
  for (const { labels, timestamps, values, histograms } of series) {
    const floats: string[] = [];
    const hists: string[] = [];
    for (let i = 0; i < timestamps.length; i++) {
      const histogram = histograms?.[i];
      if (histogram) hists.push(histogramJson(timestamps[i]!, histogram));
      else floats.push(floatJson(timestamps[i]!, values[i]!));
    }
    yield `{"metric":${labelsJson(labels)},${pointsJson(floats.join(','), hists.join(','))}}`;
  }
}

export function envelope(data: string): string {
  return `{"status":"success","data":${data}}`;
}

/** What stands after the data of an answer. */
export function remarksJson(warnings: readonly string[], infos: readonly string[]): string {
  const warn = warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : '';
  const info = infos.length > 0 ? `,"infos":${JSON.stringify(infos)}` : '';
  return `${warn}${info}}`;
}
