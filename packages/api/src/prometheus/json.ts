import { type FloatHistogram, formatFloat, type Labels } from '@belfry/model';
import { type Columns, FLOAT, HISTOGRAM, histogramBuckets, type RawSeries } from '@belfry/promql';

/** Prometheus' JSON of query values, written as text at once: no object is made for a sample. */

/** Seconds, with as many decimals as the milliseconds need. */
export function timeJson(ms: number): string {
  return String(ms / 1000);
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
export function vectorJson(columns: Columns, limit: number): { json: string; truncated: boolean } {
  const { grid, labels, values, present, histograms } = columns;
  const rows: string[] = [];
  let truncated = false;
  for (let i = 0; i < labels.length; i++) {
    if (present[i] !== FLOAT && present[i] !== HISTOGRAM) continue;
    if (rows.length >= limit) {
      truncated = true;
      break;
    }
    const point =
      present[i] === HISTOGRAM
        ? `"histogram":${histogramJson(grid.startMs, histograms!.get(i)!)}`
        : `"value":${floatJson(grid.startMs, values[i]!)}`;
    rows.push(`{"metric":${labelsJson(labels[i]!)},${point}}`);
  }
  return { json: `[${rows.join(',')}]`, truncated };
}

/** All steps of all rows. */
export function matrixJson(columns: Columns, limit: number): { json: string; truncated: boolean } {
  const times = Array.from({ length: columns.grid.count }, (_, j) =>
    timeJson(columns.grid.startMs + j * columns.grid.stepMs),
  );
  const rows: string[] = [];
  let truncated = false;
  for (let i = 0; i < columns.labels.length; i++) {
    const row = rowJson(columns, i, times);
    if (row === '') continue;
    if (rows.length >= limit) {
      truncated = true;
      break;
    }
    rows.push(`{"metric":${labelsJson(columns.labels[i]!)},${row}}`);
  }
  return { json: `[${rows.join(',')}]`, truncated };
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
export function rawSeriesJson(series: readonly RawSeries[], limit: number): { json: string; truncated: boolean } {
  const rows: string[] = [];
  for (const { labels, timestamps, values, histograms } of series) {
    if (rows.length >= limit) return { json: `[${rows.join(',')}]`, truncated: true };
    const floats: string[] = [];
    const hists: string[] = [];
    for (let i = 0; i < timestamps.length; i++) {
      const histogram = histograms?.[i];
      if (histogram) hists.push(histogramJson(timestamps[i]!, histogram));
      else floats.push(floatJson(timestamps[i]!, values[i]!));
    }
    rows.push(`{"metric":${labelsJson(labels)},${pointsJson(floats.join(','), hists.join(','))}}`);
  }
  return { json: `[${rows.join(',')}]`, truncated: false };
}

export function envelope(data: string, warnings: readonly string[], infos: readonly string[]): string {
  const warn = warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : '';
  const info = infos.length > 0 ? `,"infos":${JSON.stringify(infos)}` : '';
  return `{"status":"success","data":${data}${warn}${info}}`;
}
