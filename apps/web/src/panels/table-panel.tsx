import { Select } from '@mantine/core';
import { type ReactNode, useMemo, useState } from 'react';
import { type DataColumn, DataTable } from '../components/data-table.tsx';
import { usePalette } from '../components/palette.ts';
import { shownText, showValue } from '../dashboard/field-config.ts';
import { type Cell, type Field, type Frame, fieldTitle } from '../dashboard/frames.ts';
import { numberOf, objectOf, textOf } from '../dashboard/model.ts';
import { contrast, withAlpha } from '../format/color.ts';
import { localDateTime } from '../format/time-range.ts';
import type { Palette } from '../theme.ts';
import { NoData, type PanelProps } from './panel-props.tsx';

/** Rows and columns; several frames can be chosen from. */
export function TablePanel({ panel, data }: PanelProps) {
  const palette = usePalette();
  const [chosen, setChosen] = useState(0);
  const frames = data.frames.filter((f) => f.fields.length > 0);
  const frame = frames[Math.min(chosen, frames.length - 1)];
  const columns = useMemo(() => (frame ? columnsOf(frame, palette) : []), [frame, palette]);
  const rowCount = frame?.fields[0]?.values.length ?? 0;
  if (!frame || rowCount === 0) return <NoData data={data} panel={panel} />;
  return (
    <div className="table-panel">
      <div className="grow">
        <DataTable
          label={panel.title || 'Table'}
          columns={columns}
          rowCount={rowCount}
          rowPx={{ sm: 28, md: 36, lg: 44 }[textOf(panel.options.cellHeight, 'sm')] ?? 28}
          header={panel.options.showHeader !== false}
        />
      </div>
      {frames.length > 1 && (
        <Select
          size="xs"
          aria-label="Series"
          data={frames.map((f, i) => ({ value: String(i), label: frameTitle(f) }))}
          value={String(Math.min(chosen, frames.length - 1))}
          onChange={(v) => setChosen(Number(v ?? 0))}
          searchable
          allowDeselect={false}
        />
      )}
    </div>
  );
}

const frameTitle = (frame: Frame): string =>
  frame.fields
    .filter((f) => f.type === 'number')
    .map(fieldTitle)
    .join(', ') || frame.refId;

function columnsOf(frame: Frame, palette: Palette): readonly DataColumn[] {
  return frame.fields
    .filter((f) => f.config?.custom.hidden !== true && objectOf(f.config?.custom.hideFrom).viz !== true)
    .map((field, i): DataColumn => {
      const custom = field.config?.custom ?? {};
      const align = textOf(custom.align, 'auto');
      return {
        key: `${i}-${field.name}`,
        title: fieldTitle(field),
        align:
          align === 'left' || align === 'right' || align === 'center'
            ? align
            : field.type === 'number'
              ? 'right'
              : 'left',
        widthPx: numberOf(custom.width) ?? (field.type === 'time' ? 150 : undefined),
        values: field.values,
        render: (row) => cellOf(field, field.values[row] ?? null, palette),
      };
    });
}

interface RenderedCell {
  readonly content: ReactNode;
  readonly title?: string;
  readonly style?: React.CSSProperties;
}

function cellOf(field: Field, value: Cell, palette: Palette): RenderedCell {
  if (field.type === 'time' && typeof value === 'number' && !field.config?.unit)
    return { content: localDateTime(value) };
  const custom = field.config?.custom ?? {};
  const options = objectOf(custom.cellOptions);
  const mode = textOf(options.type, textOf(custom.displayMode, 'auto'));
  const shown = showValue(value, field.config, palette);
  const text = shownText(shown);
  const color = shown.color;
  switch (mode) {
    case 'color-text':
      return { content: text, title: text, ...(color ? { style: { color } } : {}) };
    case 'color-background':
    case 'color-background-solid': {
      if (!color) return { content: text, title: text };
      const solid = mode === 'color-background-solid' || options.mode === 'basic';
      const ink = contrast(color, palette.text.strong) > 3 ? palette.text.strong : palette.surface.sunken;
      const background = solid ? color : `linear-gradient(120deg, ${withAlpha(color, 0.82)}, ${color})`;
      return { content: text, title: text, style: { background, color: ink } };
    }
    case 'gauge':
    case 'basic':
    case 'gradient-gauge':
    case 'lcd-gauge':
      return {
        content: <CellGauge field={field} value={value} text={text} color={color ?? palette.accent.base} />,
        title: text,
      };
    default: {
      const link = field.config?.links?.[0];
      return { content: link ? <a href={link.url}>{text}</a> : text, title: text };
    }
  }
}

function CellGauge({
  field,
  value,
  text,
  color,
}: {
  readonly field: Field;
  readonly value: Cell;
  readonly text: string;
  readonly color: string;
}) {
  const numbers = field.values.filter((v): v is number => typeof v === 'number' && Number.isFinite(v));
  const min = field.config?.min ?? Math.min(0, ...numbers);
  const max = field.config?.max ?? Math.max(...numbers, min + 1);
  const share = typeof value === 'number' ? Math.min(Math.max((value - min) / (max - min), 0), 1) * 100 : 0;
  return (
    <div className="cell-gauge">
      <div className="track">
        <i style={{ width: `${share}%`, background: color }} />
      </div>
      <span>{text}</span>
    </div>
  );
}
