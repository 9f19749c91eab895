import './stat-panel.css';
import { useMemo } from 'react';
import { usePalette } from '../components/palette.ts';
import { textOf } from '../dashboard/model.ts';
import { type PanelValue, panelValues } from '../dashboard/shown-values.ts';
import { contrast, withAlpha } from '../format/color.ts';
import type { Palette } from '../theme.ts';
import { NoData, type PanelProps } from './panel-props.tsx';
import { Sparkline } from './sparkline.tsx';

/** Big numbers, with the curve that led to them. */
export function StatPanel({ panel, data, size }: PanelProps) {
  const palette = usePalette();
  const values = useMemo(() => panelValues(data.frames, panel.options, palette), [data.frames, panel.options, palette]);
  if (values.length === 0) return <NoData data={data} panel={panel} />;
  const textMode = textOf(panel.options.textMode, 'auto');
  const showName = textMode === 'value_and_name' || textMode === 'name' || (textMode === 'auto' && values.length > 1);
  const graph = textOf(panel.options.graphMode, 'area') !== 'none' && values.some((v) => v.column.length > 2);
  const { columns, rows, fontPx } = bestLayout(
    values,
    size,
    textOf(panel.options.orientation, 'auto'),
    showName,
    graph,
  );
  const cell = { width: size.width / columns, height: size.height / rows };
  return (
    <div
      className="stat-panel"
      style={{
        gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
        gridTemplateRows: `repeat(${rows}, minmax(0, 1fr))`,
      }}
    >
      {values.map((value, i) => (
        <Stat
          // biome-ignore lint/suspicious/noArrayIndexKey: two values may have the same title
          key={i}
          value={value}
          cell={cell}
          fontPx={fontPx}
          options={{
            name: showName,
            value: textMode !== 'name' && textMode !== 'none',
            color: textOf(panel.options.colorMode, 'value'),
            graph,
            center:
              textOf(panel.options.justifyMode, 'auto') === 'center' ||
              (values.length === 1 && !hasGraph(value, panel.options.graphMode)),
          }}
          palette={palette}
        />
      ))}
    </div>
  );
}

const hasGraph = (v: PanelValue, mode: unknown) => mode !== 'none' && v.column.length > 2;

/** The grid in which the numbers can be largest. */
function bestLayout(
  values: readonly PanelValue[],
  size: PanelProps['size'],
  orientation: string,
  named: boolean,
  graph: boolean,
) {
  const count = values.length;
  const candidates =
    orientation === 'vertical' ? [count] : orientation === 'horizontal' ? [1] : values.map((_, i) => i + 1);
  const layouts = candidates.map((columns) => {
    const rows = Math.ceil(count / columns);
    const cell = { width: size.width / columns, height: size.height / rows };
    return {
      columns,
      rows,
      fontPx: Math.min(...values.map((v) => fontSize(v, cell, named, graph))),
      empty: columns * rows - count,
    };
  });
  return layouts.reduce((a, b) => (b.fontPx - b.empty > a.fontPx - a.empty + 0.5 ? b : a));
}

const MAX_FONT_PX = 56;
const MIN_FONT_PX = 13;
/** Average width of a digit of the font, as a share of its size. */
const DIGIT_WIDTH = 0.57;

function fontSize(
  { shown }: PanelValue,
  cell: { width: number; height: number },
  named: boolean,
  graph: boolean,
): number {
  const letters = shown.prefix.length + shown.text.length + shown.suffix.length * 0.6;
  const byWidth = (cell.width - 32) / Math.max(letters * DIGIT_WIDTH, 1);
  const byHeight = (cell.height - (named ? 22 : 4)) * (graph ? 0.44 : 0.56);
  return Math.max(Math.min(byWidth, byHeight, MAX_FONT_PX), MIN_FONT_PX);
}

interface StatProps {
  readonly value: PanelValue;
  readonly cell: { readonly width: number; readonly height: number };
  readonly fontPx: number;
  readonly options: {
    readonly name: boolean;
    readonly value: boolean;
    readonly color: string;
    readonly graph: boolean;
    readonly center: boolean;
  };
  readonly palette: Palette;
}

function Stat({ value, cell, fontPx, options, palette }: StatProps) {
  const background = options.color === 'background' || options.color === 'background_solid';
  const onColor = contrast(value.color, palette.text.strong) > 3 ? palette.text.strong : palette.surface.sunken;
  const color = background ? onColor : options.color === 'none' ? palette.text.strong : value.color;
  const { prefix, text, suffix } = value.shown;
  return (
    <div
      className={`stat ${options.center ? 'center' : ''} ${options.graph && value.column.length > 2 ? 'with-graph' : ''}`}
      style={
        background
          ? { background: `linear-gradient(135deg, ${withAlpha(value.color, 0.82)}, ${value.color})` }
          : undefined
      }
    >
      {options.graph && value.column.length > 2 && (
        <Sparkline
          column={value.column}
          color={background ? onColor : value.color}
          width={cell.width}
          height={cell.height * 0.4}
        />
      )}
      {options.name && (
        <div className="stat-name" style={background ? { color } : undefined} title={value.title}>
          {value.title}
        </div>
      )}
      {options.value && (
        <div
          className="stat-value"
          style={{ color, fontSize: fontPx }}
          title={`${value.title}: ${String(value.value)}`}
        >
          {prefix}
          {text}
          {suffix && <small>{suffix}</small>}
        </div>
      )}
    </div>
  );
}
