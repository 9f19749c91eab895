import './gauge-panel.css';
import { arc } from 'd3-shape';
import { useMemo } from 'react';
import { usePalette } from '../components/palette.ts';
import { thresholdColor } from '../dashboard/field-config.ts';
import { gaugeLimits, type PanelValue, panelValues } from '../dashboard/shown-values.ts';
import { namedColor, type Palette } from '../theme.ts';
import { NoData, type PanelProps } from './panel-props.tsx';

const START = -0.64 * Math.PI;
const END = 0.64 * Math.PI;

/** A value on an arc between its limits, with the thresholds around. */
export function GaugePanel({ panel, data, size }: PanelProps) {
  const palette = usePalette();
  const values = useMemo(() => panelValues(data.frames, panel.options, palette), [data.frames, panel.options, palette]);
  if (values.length === 0) return <NoData data={data} panel={panel} />;
  const columns = bestColumns(values.length, size);
  const rows = Math.ceil(values.length / columns);
  const cell = { width: size.width / columns, height: size.height / rows };
  return (
    <div className="gauge-panel" style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
      {values.map((value, i) => (
        <Gauge
          // biome-ignore lint/suspicious/noArrayIndexKey: two values may have the same title
          key={i}
          value={value}
          limits={gaugeLimits(value, values)}
          cell={cell}
          named={values.length > 1}
          markers={panel.options.showThresholdMarkers !== false}
          palette={palette}
        />
      ))}
    </div>
  );
}

/** The number of columns that gives the largest gauges. */
function bestColumns(count: number, { width, height }: PanelProps['size']): number {
  let best = 1;
  let largest = 0;
  for (let columns = 1; columns <= count; columns++) {
    const side = Math.min(width / columns, (height / Math.ceil(count / columns)) * 1.25);
    if (side > largest) [largest, best] = [side, columns];
  }
  return best;
}

interface GaugeProps {
  readonly value: PanelValue;
  readonly limits: readonly [number, number];
  readonly cell: { readonly width: number; readonly height: number };
  readonly named: boolean;
  readonly markers: boolean;
  readonly palette: Palette;
}

function Gauge({ value, limits: [min, max], cell, named, markers, palette }: GaugeProps) {
  const room = cell.height - (named ? 22 : 4);
  const radius = Math.max(Math.min(cell.width / 2 - 8, room / 1.46), 20);
  const width = Math.max(radius * 0.2, 6);
  const outer = radius - (markers ? 6 : 0);
  const number = typeof value.value === 'number' && Number.isFinite(value.value) ? value.value : undefined;
  const share = (v: number) => Math.min(Math.max((v - min) / (max - min || 1), 0), 1);
  const angle = (v: number) => START + share(v) * (END - START);
  const band = (from: number, to: number, inside: number, outside: number) =>
    arc()({ startAngle: from, endAngle: to, innerRadius: inside, outerRadius: outside }) ?? '';
  const { prefix, text, suffix } = value.shown;
  const fontPx = Math.min((radius * 1.25) / Math.max((prefix + text + suffix).length * 0.55, 2), radius * 0.46);
  return (
    <figure className="gauge" aria-label={`${value.title}: ${prefix}${text}${suffix}`}>
      <svg
        width={radius * 2 + 4}
        height={radius * 1.46}
        viewBox={`${-radius - 2} ${-radius} ${radius * 2 + 4} ${radius * 1.46}`}
        aria-hidden="true"
      >
        <path d={band(START, END, outer - width, outer)} fill={palette.chart.track} />
        {number !== undefined && (
          <path d={band(START, Math.max(angle(number), START + 0.01), outer - width, outer)} fill={value.color} />
        )}
        {markers && <Markers value={value} min={min} max={max} angle={angle} radius={radius} palette={palette} />}
        <text textAnchor="middle" y={radius * 0.1} fill={palette.text.strong} fontSize={fontPx} fontWeight={500}>
          {prefix}
          {text}
          <tspan fontSize={fontPx * 0.62} fontWeight={400}>
            {suffix}
          </tspan>
        </text>
      </svg>
      {named && (
        <figcaption className="ellipsis" title={value.title}>
          {value.title}
        </figcaption>
      )}
    </figure>
  );
}

interface MarkersProps {
  readonly value: PanelValue;
  readonly min: number;
  readonly max: number;
  readonly angle: (v: number) => number;
  readonly radius: number;
  readonly palette: Palette;
}

/** The thresholds as a thin ring outside. */
function Markers({ value, min, max, angle, radius, palette }: MarkersProps) {
  const thresholds = value.field.config?.thresholds;
  if (!thresholds) return null;
  const toValue = (v: number) => (thresholds.mode === 'percentage' ? min + ((max - min) * v) / 100 : v);
  const inner = thresholds.steps.map((s) => toValue(s.value)).filter((v) => v > min && v < max);
  const edges = [min, ...inner, max];
  return edges.slice(0, -1).map((from, i) => (
    <path
      key={from}
      d={
        arc()({
          startAngle: angle(from),
          endAngle: angle(edges[i + 1]!),
          innerRadius: radius - 3,
          outerRadius: radius,
        }) ?? ''
      }
      fill={namedColor(palette, thresholdColor(from, thresholds, { min, max }))}
    />
  ));
}
