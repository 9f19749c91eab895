import { alignFrames, type Cell, type Frame, fieldTitle } from './frames.ts';

/** Frames as comma-separated values: series joined over their times, tables one after the other. */
export function csvOf(frames: readonly Frame[]): string {
  const isSeries = frames.every((f) => f.fields.length === 2 && f.fields[0]!.type === 'time');
  if (!isSeries)
    return frames
      .map((f) =>
        table(
          f.fields.map(fieldTitle),
          f.fields.map((x) => x.values),
        ),
      )
      .join('\n');
  const { timesMs, fields, columns } = alignFrames(frames);
  return table(['Time', ...fields.map(fieldTitle)], [timesMs.map((t) => new Date(t).toISOString()), ...columns]);
}

function table(titles: readonly string[], columns: readonly (readonly Cell[])[]): string {
  const rows = (columns[0] ?? []).map((_, i) => columns.map((c) => quoted(c[i] ?? '')).join(','));
  return `${[titles.map(quoted).join(','), ...rows].join('\n')}\n`;
}

function quoted(cell: Cell): string {
  const text = String(cell);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
