import './barchart-panel.css';
import { scaleLinear } from 'd3-scale';
import { useMemo } from 'react';
import { usePalette } from '../components/palette.ts';
import { shownText, showValue } from '../dashboard/field-config.ts';
import { fieldTitle } from '../dashboard/frames.ts';
import { objectOf, textOf } from '../dashboard/model.ts';
import { panelValues } from '../dashboard/shown-values.ts';
import { formatTicks } from '../format/units.ts';
import { categoricalColor } from '../theme.ts';
import { NoData, type PanelProps } from './panel-props.tsx';

interface Bar {
  readonly value: number;
  readonly text: string;
  readonly color: string;
  readonly name: string;
}

interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

/** A bar for each row of a table, or for each series' last value. */
export function BarChartPanel({ panel, data, size }: PanelProps) {
  const palette = usePalette();
  const groups = useMemo((): readonly Group[] => {
    const table = data.frames.find((f) => f.fields.some((x) => x.type === 'string'));
    const numbers = table?.fields.filter((f) => f.type === 'number') ?? [];
    if (table && numbers.length > 0) {
      const wanted = textOf(panel.options.xField);
      const names = table.fields.find((f) => f.name === wanted) ?? table.fields.find((f) => f.type === 'string')!;
      return names.values.map((title, row) => ({
        title: String(title ?? ''),
        bars: numbers.map((f, i) => ({
          name: fieldTitle(f),
          value: Number(f.values[row] ?? 0),
          text: shownText(showValue(f.values[row] ?? null, f.config, palette)),
          color:
            (f.config?.color ? showValue(f.values[row] ?? null, f.config, palette).color : undefined) ??
            categoricalColor(palette, i),
        })),
      }));
    }
    return panelValues(data.frames, panel.options, palette).map((v) => ({
      title: v.title,
      bars: [{ name: v.title, value: Number(v.value ?? 0), text: shownText(v.shown), color: v.color }],
    }));
  }, [data.frames, panel.options, palette]);
  if (groups.length === 0) return <NoData data={data} panel={panel} />;
  const all = groups.flatMap((g) => g.bars.map((b) => b.value)).filter(Number.isFinite);
  const scale = scaleLinear()
    .domain([Math.min(0, ...all), Math.max(...all, 0) || 1])
    .nice(5);
  const ticks = scale.ticks(Math.max(Math.floor(size.height / 50), 2));
  const texts = formatTicks(ticks, panel.fieldConfig.defaults.unit, panel.fieldConfig.defaults.decimals);
  const [low, high] = scale.domain() as [number, number];
  const share = (v: number) => ((v - low) / (high - low)) * 100;
  const labelled =
    textOf(panel.options.showValue, 'auto') !== 'never' &&
    groups.length * (groups[0]?.bars.length ?? 1) < size.width / 44;
  return (
    <div className="bar-chart" role="img" aria-label={panel.title}>
      <div className="axis">
        {ticks.map((t, i) => (
          <span key={t} style={{ bottom: `${share(t)}%` }}>
            {texts[i]}
          </span>
        ))}
      </div>
      <div className="plot">
        {ticks.map((t) => (
          <hr key={t} style={{ bottom: `${share(t)}%` }} />
        ))}
        {groups.map((g) => (
          <div
            className="group"
            key={g.title}
            title={g.bars.map((b) => `${g.title} · ${b.name}: ${b.text}`).join('\n')}
          >
            {g.bars.map((b) => (
              <i key={b.name} style={{ height: `${share(b.value) - share(Math.max(low, 0))}%`, background: b.color }}>
                {labelled && <b>{b.text}</b>}
              </i>
            ))}
          </div>
        ))}
      </div>
      <div className="names">
        {groups.map((g) => (
          <span key={g.title} className="ellipsis" title={g.title}>
            {g.title}
          </span>
        ))}
      </div>
      {(groups[0]?.bars.length ?? 0) > 1 && objectOf(panel.options.legend).showLegend !== false && (
        <div className="key">
          {groups[0]!.bars.map((b, i) => (
            <span key={b.name}>
              <i style={{ background: b.color ?? categoricalColor(palette, i) }} />
              {b.name}
            </span>
          ))}
        </div>
      )}
    </div>
  );
}
