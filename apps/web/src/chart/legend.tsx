import './legend.css';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState } from 'react';
import { sortedRows } from '../dashboard/transformations.ts';

export interface LegendItem {
  readonly name: string;
  readonly color: string;
  readonly hidden: boolean;
  readonly dashed: boolean;
  readonly values: readonly { readonly label: string; readonly text: string; readonly value: number | null }[];
}

interface LegendProps {
  readonly items: readonly LegendItem[];
  readonly mode: 'list' | 'table';
  readonly side: 'bottom' | 'right';
  readonly onToggle: (name: string, additive: boolean) => void;
  readonly onFocus: (name: string | undefined) => void;
}

const ROW_PX = 22;
const VIRTUAL_ABOVE = 60;

/** Names and colours; a click shows only that series, with Ctrl or Shift it hides or shows it. */
export function Legend(props: LegendProps) {
  return props.mode === 'table' ? <LegendTable {...props} /> : <LegendList {...props} />;
}

function LegendList({ items, side, onToggle, onFocus }: LegendProps) {
  return (
    <ul className={`legend-list ${side}`}>
      {items.map((item, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two series may have the same name
        <li key={`${item.name}-${i}`}>
          <LegendButton item={item} onToggle={onToggle} onFocus={onFocus} />
          {item.values.map((v) => (
            <span key={v.label} className="legend-value">
              <span className="faint">{v.label}</span> {v.text}
            </span>
          ))}
        </li>
      ))}
    </ul>
  );
}

function LegendButton({
  item,
  onToggle,
  onFocus,
}: Pick<LegendProps, 'onToggle' | 'onFocus'> & { readonly item: LegendItem }) {
  return (
    <button
      type="button"
      className="legend-name"
      aria-pressed={!item.hidden}
      title={item.name}
      onClick={(event) => onToggle(item.name, event.ctrlKey || event.metaKey || event.shiftKey)}
      onMouseEnter={() => onFocus(item.name)}
      onMouseLeave={() => onFocus(undefined)}
      onFocus={() => onFocus(item.name)}
      onBlur={() => onFocus(undefined)}
    >
      <i style={item.dashed ? { borderTop: `2px dashed ${item.color}` } : { background: item.color }} />
      <span>{item.name}</span>
    </button>
  );
}

function LegendTable({ items, onToggle, onFocus }: LegendProps) {
  const [sort, setSort] = useState<{ readonly column: number; readonly desc: boolean } | undefined>();
  const scroll = useRef<HTMLDivElement>(null);
  const heads = items[0]?.values.map((v) => v.label) ?? [];
  const order = sort
    ? sortedRows(
        items.map((i) => (sort.column < 0 ? i.name : (i.values[sort.column]?.value ?? null))),
        sort.desc,
      )
    : items.map((_, i) => i);
  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const visible = items.length > VIRTUAL_ABOVE ? virtual.getVirtualItems().map((v) => v.index) : order.map((_, i) => i);
  const above = (visible[0] ?? 0) * ROW_PX;
  const below = (items.length - 1 - (visible.at(-1) ?? -1)) * ROW_PX;
  const clickHead = (column: number) =>
    setSort((s) => (s?.column !== column ? { column, desc: true } : s.desc ? { column, desc: false } : undefined));
  const head = (label: string, column: number) => (
    <th
      key={label}
      className={column < 0 ? '' : 'right'}
      aria-sort={sort?.column === column ? (sort.desc ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" className="legend-head" onClick={() => clickHead(column)}>
        {label}
        {sort?.column === column && (sort.desc ? ' ↓' : ' ↑')}
      </button>
    </th>
  );
  return (
    <div className="legend-table" ref={scroll}>
      <table>
        <thead>
          <tr>
            {head('Name', -1)}
            {heads.map((label, i) => head(label, i))}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <tr style={{ height: above }} />}
          {visible.map((at) => {
            const item = items[order[at]!]!;
            return (
              <tr key={order[at]}>
                <td>
                  <LegendButton item={item} onToggle={onToggle} onFocus={onFocus} />
                </td>
                {item.values.map((v) => (
                  <td key={v.label} className="right num">
                    {v.text}
                  </td>
                ))}
              </tr>
            );
          })}
          {below > 0 && <tr style={{ height: below }} />}
        </tbody>
      </table>
    </div>
  );
}
