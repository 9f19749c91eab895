import './data-table.css';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, type ReactNode, useMemo, useRef, useState } from 'react';
import type { Cell } from '../dashboard/frames.ts';
import { sortedRows } from '../dashboard/transformations.ts';

export interface DataColumn {
  readonly key: string;
  readonly title: string;
  readonly align: 'left' | 'right' | 'center';
  /** Undefined lets the column take its share of what is left. */
  readonly widthPx?: number | undefined;
  /** What the column is sorted by. */
  readonly values: readonly Cell[];
  readonly render: (row: number) => {
    readonly content: ReactNode;
    readonly title?: string;
    readonly style?: CSSProperties;
  };
}

interface DataTableProps {
  readonly columns: readonly DataColumn[];
  readonly rowCount: number;
  readonly rowPx?: number;
  readonly header?: boolean;
  readonly label: string;
}

/** Longer tables draw only the rows in sight. */
const VIRTUAL_ABOVE = 200;
const MIN_COLUMN_PX = 68;
const MAX_COLUMN_PX = 440;
/** A wide column may shrink to this before the table scrolls sideways. */
const ENOUGH_PX = 104;
const LETTER_PX = 7.4;
const TITLE_LETTER_PX = 6.6;
const PADDING_PX = 22;
const SAMPLED_ROWS = 100;

/** As wide as its longest text among the first rows. */
function naturalWidth(column: DataColumn): number {
  const titlePx = column.title.length * TITLE_LETTER_PX;
  let letters = 0;
  const rows = Math.min(column.values.length, SAMPLED_ROWS);
  for (let row = 0; row < rows; row++) {
    const { title, content } = column.render(row);
    letters = Math.max(letters, (title ?? (typeof content === 'string' ? content : '')).length);
  }
  const textPx = Math.max(letters * LETTER_PX, titlePx) + PADDING_PX;
  return Math.min(Math.max(Math.round(textPx), MIN_COLUMN_PX), MAX_COLUMN_PX);
}

/** A table of many rows that sorts by a click on a heading. It fills its parent and scrolls inside. */
export function DataTable({ columns, rowCount, rowPx = 30, header = true, label }: DataTableProps) {
  const [sort, setSort] = useState<{ readonly key: string; readonly desc: boolean } | undefined>();
  const scroll = useRef<HTMLDivElement>(null);
  const sorted = columns.find((c) => c.key === sort?.key);
  const order = useMemo(
    () => (sorted ? sortedRows(sorted.values, sort!.desc) : Array.from({ length: rowCount }, (_, i) => i)),
    [sorted, sort, rowCount],
  );
  const virtual = useVirtualizer({
    count: rowCount,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowPx,
    overscan: 16,
    enabled: rowCount > VIRTUAL_ABOVE,
  });
  const items = rowCount > VIRTUAL_ABOVE ? virtual.getVirtualItems().map((v) => v.index) : order.map((_, i) => i);
  const above = (items[0] ?? 0) * rowPx;
  const below = Math.max(rowCount - 1 - (items.at(-1) ?? -1), 0) * rowPx;
  const widths = useMemo(() => columns.map(naturalWidth), [columns]);
  const template = columns.map((c, i) => (c.widthPx ? `${c.widthPx}px` : `minmax(0, ${widths[i]}fr)`)).join(' ');
  const leastPx = widths.reduce((sum, w, i) => sum + (columns[i]!.widthPx ?? Math.min(w, ENOUGH_PX)), 0);
  const clickHead = (key: string) =>
    setSort((s) => (s?.key !== key ? { key, desc: false } : s.desc ? undefined : { key, desc: true }));
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows are drawn on a grid, and only those in sight
    <div
      className="data-table"
      ref={scroll}
      role="table"
      aria-label={label}
      aria-rowcount={rowCount}
      style={{ '--columns': template, '--row': `${rowPx}px`, '--least': `${leastPx}px` } as CSSProperties}
    >
      {header && (
        // biome-ignore lint/a11y/useSemanticElements: part of the grid
        // biome-ignore lint/a11y/useFocusableInteractive: its headings are
        <div className="head" role="row">
          {columns.map((c) => (
            // biome-ignore lint/a11y/useSemanticElements: part of the grid
            // biome-ignore lint/a11y/useFocusableInteractive: its button is
            <div
              key={c.key}
              role="columnheader"
              className={c.align}
              aria-sort={sort?.key === c.key ? (sort.desc ? 'descending' : 'ascending') : 'none'}
            >
              <button type="button" onClick={() => clickHead(c.key)} title={c.title}>
                <span className="ellipsis">{c.title}</span>
                {sort?.key === c.key && <span>{sort.desc ? '↓' : '↑'}</span>}
              </button>
            </div>
          ))}
        </div>
      )}
      {above > 0 && <div style={{ height: above }} />}
      {items.map((at) => {
        const row = order[at]!;
        return (
          // biome-ignore lint/a11y/useSemanticElements: part of the grid
          // biome-ignore lint/a11y/useFocusableInteractive: nothing to do on a row
          <div className="line" role="row" key={row} aria-rowindex={at + 1}>
            {columns.map((c) => {
              const { content, title, style } = c.render(row);
              return (
                // biome-ignore lint/a11y/useSemanticElements: part of the grid
                <div key={c.key} role="cell" className={`cell ${c.align}`} title={title} style={style}>
                  {content}
                </div>
              );
            })}
          </div>
        );
      })}
      {below > 0 && <div style={{ height: below }} />}
    </div>
  );
}
