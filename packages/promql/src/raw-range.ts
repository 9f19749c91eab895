import { executionError } from './columns-rows.ts';
import type { RawSeries } from './storage.ts';
import { interpolate } from './window-mixed.ts';

/** `metric[5m] anchored` (or smoothed) as an instant query: samples brought to exactly the ends of the range. */
export function extendRawSeries(
  series: readonly RawSeries[],
  startMs: number,
  endMs: number,
  how: 'anchored' | 'smoothed',
): RawSeries[] {
  const all: RawSeries[] = [];
  for (const s of series) {
    if (s.histograms) throw executionError(`${how} modifier is not supported with histograms`);
    const extended = extend(s, startMs, endMs, how === 'smoothed');
    if (extended) all.push(extended);
  }
  return all;
}

function extend(s: RawSeries, startMs: number, endMs: number, smoothed: boolean): RawSeries | undefined {
  const { timestamps: ts, values: vs } = s;
  if (ts.length === 0) return undefined;
  let last = ts.length - 1;
  let first = 0;
  while (first < last && ts[first]! <= startMs) first++;
  first = Math.max(0, first - 1);
  if (smoothed) {
    let i = 0;
    while (i < last && ts[i]! < endMs) i++;
    last = i;
  }
  if (ts[last]! <= startMs) return undefined;
  const left = smoothed && ts[first]! < startMs ? interpolate(ts, vs, first, startMs, false) : vs[first]!;
  const right = smoothed && last > 0 && ts[last]! > endMs ? interpolate(ts, vs, last - 1, endMs, false) : vs[last]!;
  if (ts[first]! <= startMs) first++;
  if (ts[last]! >= endMs) last--;
  const inner = Math.max(0, last - first + 1);
  const timestamps = new Float64Array(inner + 2);
  const values = new Float64Array(inner + 2);
  timestamps[0] = startMs;
  values[0] = left;
  timestamps.set(ts.subarray(first, first + inner), 1);
  values.set(vs.subarray(first, first + inner), 1);
  timestamps[inner + 1] = endMs;
  values[inner + 1] = right;
  return { labels: s.labels, timestamps, values };
}
