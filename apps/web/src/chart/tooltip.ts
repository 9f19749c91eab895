import type uPlot from 'uplot';
import { localDateTime } from '../format/time-range.ts';
import { formatValue } from '../format/units.ts';
import type { ChartSeries, Column } from './chart-data.ts';

export interface TooltipOptions {
  readonly mode: 'single' | 'multi' | 'none';
  readonly sort: 'none' | 'asc' | 'desc';
}

interface Source {
  readonly series: readonly ChartSeries[];
  readonly columns: readonly Column[];
  readonly timesMs: readonly number[];
  readonly tooltip: TooltipOptions;
}

/** More rows than this would cover the chart they explain. */
const MAX_ROWS = 14;
const OFFSET_PX = 14;
/** A series counts as pointed at within this distance. */
const NEAR_PX = 26;

interface Row {
  readonly index: number;
  readonly value: number;
  readonly distance: number;
}

/**
 * The values under the cursor, in a box beside it. Plain DOM: it changes with every move of the mouse, and the pages
 * around it need not know.
 */
export function createTooltip(source: () => Source): uPlot.Plugin {
  let box: HTMLDivElement | undefined;
  let inside = false;
  const hide = () => {
    box?.remove();
    box = undefined;
  };
  const update = (u: uPlot) => {
    const { idx, left, top } = u.cursor;
    if (!inside || idx === null || idx === undefined || left === undefined || left < 0) return hide();
    const rows = rowsAt(u, source(), idx, top ?? 0);
    if (rows.length === 0) return hide();
    if (!box) {
      box = document.createElement('div');
      box.className = 'chart-tooltip';
      document.body.append(box);
    }
    fill(box, source(), idx, rows);
    place(box, u.over.getBoundingClientRect(), left, top ?? 0);
  };
  return {
    hooks: {
      init: [
        (u) => {
          u.over.addEventListener('mouseenter', () => {
            inside = true;
          });
          u.over.addEventListener('mouseleave', () => {
            inside = false;
            hide();
          });
        },
      ],
      setCursor: [update],
      setData: [update],
      destroy: [hide],
    },
  };
}

function rowsAt(u: uPlot, { series, columns, tooltip }: Source, idx: number, top: number): readonly Row[] {
  const rows: Row[] = [];
  series.forEach((s, index) => {
    const value = columns[index]?.[idx];
    if (s.hidden || value === null || value === undefined) return;
    const drawn = u.data[index + 1]![idx];
    const distance =
      drawn === null || drawn === undefined ? Number.POSITIVE_INFINITY : Math.abs(u.valToPos(drawn, s.axis) - top);
    rows.push({ index, value, distance });
  });
  if (tooltip.mode === 'single') return rows.toSorted((a, b) => a.distance - b.distance).slice(0, 1);
  if (tooltip.sort === 'none') return rows;
  return rows.toSorted((a, b) => (tooltip.sort === 'asc' ? a.value - b.value : b.value - a.value));
}

function fill(box: HTMLElement, { series, timesMs }: Source, idx: number, rows: readonly Row[]): void {
  const nearest = rows.reduce((a, b) => (b.distance < a.distance ? b : a), rows[0]!);
  const near = nearest.distance <= NEAR_PX && rows.length > 1 ? nearest : undefined;
  const start = Math.max(0, Math.min(rows.indexOf(nearest) - MAX_ROWS + 3, rows.length - MAX_ROWS));
  const shown = rows.slice(start, start + MAX_ROWS);
  const when = element('div', 'when', localDateTime(timesMs[idx]!));
  const items = shown.map((row) => {
    const s = series[row.index]!;
    const item = element('div', row === near ? 'item near' : 'item');
    const mark = element('i', '');
    mark.style.background = s.color;
    item.append(mark, element('span', '', s.name), element('b', '', formatValue(row.value, s.unit, s.decimals)));
    return item;
  });
  const hidden = rows.length - shown.length;
  box.replaceChildren(when, ...items, ...(hidden > 0 ? [element('div', 'more', `and ${hidden} more`)] : []));
}

function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

function place(box: HTMLElement, over: DOMRect, left: number, top: number): void {
  const { width, height } = box.getBoundingClientRect();
  const x = over.left + left;
  const y = over.top + top;
  const toRight = x + OFFSET_PX + width <= window.innerWidth - 8;
  const px = toRight ? x + OFFSET_PX : Math.max(8, x - OFFSET_PX - width);
  const py = Math.min(Math.max(8, y + OFFSET_PX), window.innerHeight - height - 8);
  box.style.transform = `translate(${Math.round(px)}px, ${Math.round(py)}px)`;
}
