/** Histogram buckets as rows of a heatmap. */
import { alignFrames, type Frame } from './frames.ts';

export interface Heatmap {
  readonly timesMs: readonly number[];
  /** Upper bounds, ascending; NaN for series that are no buckets. */
  readonly bounds: readonly number[];
  readonly names: readonly string[];
  /** From the lowest bucket up. */
  readonly rows: readonly (readonly (number | null)[])[];
}

/** Series with `le` are cumulative: each row loses what the row below has. Others stand as they are. */
export function heatmapOf(frames: readonly Frame[]): Heatmap {
  const { timesMs, fields, columns } = alignFrames(frames);
  const series = fields.map((f, i) => {
    const name = f.labels.le ?? f.displayName ?? f.name;
    return { name, bound: name === '+Inf' ? Number.POSITIVE_INFINITY : Number(name), values: columns[i]! };
  });
  const cumulative = fields.length > 1 && fields.every((f) => f.labels.le !== undefined);
  const sorted = series.some((s) => Number.isNaN(s.bound)) ? series : series.toSorted((a, b) => a.bound - b.bound);
  const rows = sorted.map((s, r) => {
    const below = cumulative && r > 0 ? sorted[r - 1]!.values : undefined;
    return below ? s.values.map((v, i) => (v === null ? null : Math.max(v - (below[i] ?? 0), 0))) : s.values;
  });
  const filled = rows.map((row) => row.some((v) => v !== null && v > 0));
  // Buckets that nothing fell into, above and below the rest, would only make the rest small.
  const from = Math.max(filled.indexOf(true) - 1, 0);
  const to = filled.includes(true) ? Math.min(filled.lastIndexOf(true) + 2, rows.length) : rows.length;
  const kept = sorted.slice(from, to);
  return { timesMs, bounds: kept.map((s) => s.bound), names: kept.map((s) => s.name), rows: rows.slice(from, to) };
}
