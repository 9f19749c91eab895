import './gauge-panel.css';
import { arc, pie } from 'd3-shape';
import { useMemo, useState } from 'react';
import { Legend } from '../chart/legend.tsx';
import { usePalette } from '../components/palette.ts';
import { seriesColor, shownText } from '../dashboard/field-config.ts';
import { listOf, objectOf, textOf } from '../dashboard/model.ts';
import { type PanelValue, panelValues } from '../dashboard/shown-values.ts';
import { numberText } from '../format/units.ts';
import { NoData, type PanelProps } from './panel-props.tsx';

/** Shares of a whole. */
export function PieChartPanel({ panel, data, size }: PanelProps) {
  const palette = usePalette();
  const [only, setOnly] = useState<string | undefined>();
  const [focus, setFocus] = useState<string | undefined>();
  const values = useMemo(
    () =>
      panelValues(data.frames, panel.options, palette)
        .map(
          (v, i): PanelValue => ({
            ...v,
            color: v.field.config?.color ? v.color : seriesColor(v.field, i, null, palette),
          }),
        )
        .filter((v) => typeof v.value === 'number' && v.value > 0),
    [data.frames, panel.options, palette],
  );
  if (values.length === 0) return <NoData data={data} panel={panel} />;
  const legend = objectOf(panel.options.legend);
  const below = legend.placement !== 'right' && size.width < size.height * 1.4;
  const shown = values.filter((v) => only === undefined || v.title === only);
  const total = shown.reduce((sum, v) => sum + Number(v.value), 0);
  const side = Math.max(Math.min(below ? size.height * 0.72 : size.height - 12, size.width * (below ? 0.9 : 0.44)), 40);
  const radius = side / 2;
  const slices = pie<PanelValue>()
    .value((v) => Number(v.value))
    .sortValues(null)([...shown]);
  const shape = arc<(typeof slices)[number]>()
    .innerRadius(textOf(panel.options.pieType) === 'donut' ? radius * 0.6 : 0)
    .outerRadius(radius - 2)
    .cornerRadius(2);
  const percent = (v: PanelValue) => `${numberText((Number(v.value) / total) * 100)}%`;
  const columns = listOf(legend.values).map((v) => textOf(v));
  return (
    <div className={`pie-panel ${below ? 'below' : ''}`}>
      <svg
        width={side}
        height={side}
        viewBox={`${-radius} ${-radius} ${side} ${side}`}
        role="img"
        aria-label={panel.title}
      >
        {slices.map((slice) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: the same is reachable by keyboard in the legend
          <path
            key={slice.data.title}
            d={shape(slice) ?? ''}
            fill={slice.data.color}
            opacity={focus === undefined || focus === slice.data.title ? 1 : 0.3}
            onMouseEnter={() => setFocus(slice.data.title)}
            onMouseLeave={() => setFocus(undefined)}
          >
            <title>{`${slice.data.title}: ${shownText(slice.data.shown)} (${percent(slice.data)})`}</title>
          </path>
        ))}
      </svg>
      {legend.showLegend !== false && (
        <div className="pie-legend">
          <Legend
            mode={legend.displayMode === 'table' ? 'table' : 'list'}
            side={below ? 'bottom' : 'right'}
            items={values.map((v) => ({
              name: v.title,
              color: v.color,
              hidden: only !== undefined && v.title !== only,
              dashed: false,
              values: (columns.length > 0 ? columns : ['percent']).map((c) =>
                c === 'value'
                  ? { label: '', text: shownText(v.shown), value: Number(v.value) }
                  : { label: ' ', text: percent(v), value: Number(v.value) },
              ),
            }))}
            onToggle={(name) => setOnly((o) => (o === name ? undefined : name))}
            onFocus={setFocus}
          />
        </div>
      )}
    </div>
  );
}
