import './timeseries-panel.css';
import { useMemo, useState } from 'react';
import type { ChartAxis, ChartSeries, ChartThreshold, DrawStyle, Interpolation } from '../chart/chart-data.ts';
import { Legend, type LegendItem } from '../chart/legend.tsx';
import { TimeChart } from '../chart/time-chart.tsx';
import { usePalette } from '../components/palette.ts';
import { seriesColor, shownText, showValue } from '../dashboard/field-config.ts';
import { type AlignedSeries, alignFrames, type Field, fieldTitle } from '../dashboard/frames.ts';
import { type FieldConfig, type JsonObject, listOf, numberOf, objectOf, textOf } from '../dashboard/model.ts';
import { calculationOf, reduceValues } from '../dashboard/reduce.ts';
import { namedColor, type Palette } from '../theme.ts';
import { NoData, type PanelProps } from './panel-props.tsx';

/** Lines, bars and points over time, with their legend. */
export function TimeseriesPanel({ panel, data, context, size }: PanelProps) {
  const palette = usePalette();
  const [chosen, setChosen] = useState<Chosen>({ kind: 'all' });
  const [focus, setFocus] = useState<string | undefined>();
  const aligned = useMemo(() => alignFrames(data.frames), [data.frames]);
  const series = useMemo(() => aligned.fields.map((f, i) => chartSeries(f, i, aligned, palette)), [aligned, palette]);
  const shown = useMemo(
    () => series.map((s) => ({ ...s, hidden: s.hidden || !isChosen(chosen, s.name) })),
    [series, chosen],
  );
  const legend = legendOptions(panel.options);
  const items = useMemo(
    () => legendItems(aligned, series, chosen, legend.calcs, panel.options, palette),
    [aligned, series, chosen, legend.calcs, panel.options, palette],
  );
  const thresholds = thresholdsOf(panel.fieldConfig.defaults, palette);
  if (aligned.fields.length === 0) return <NoData data={data} panel={panel} />;
  const right = aligned.fields.find((f) => placementOf(f) === 'right');
  const left = aligned.fields.find((f) => placementOf(f) !== 'right') ?? aligned.fields[0]!;
  const tooltip = objectOf(panel.options.tooltip);
  const toggle = (name: string, additive: boolean) =>
    setChosen((c) =>
      choose(
        c,
        name,
        additive,
        series.map((s) => s.name),
      ),
    );
  const side = legend.placement === 'right' && size.width > 420 ? 'right' : 'bottom';
  return (
    <div className={`ts-panel legend-${legend.show ? side : 'none'} ${legend.mode}`}>
      <div className="ts-chart">
        <TimeChart
          timesMs={aligned.timesMs}
          series={shown}
          columns={aligned.columns}
          left={axisOf(left, aligned, 'left')}
          right={right && axisOf(right, aligned, 'right')}
          thresholds={thresholds}
          thresholdStyle={thresholdStyle(panel.fieldConfig.defaults)}
          range={data.range}
          palette={palette}
          tooltip={{
            mode:
              tooltip.mode === 'none' ? 'none' : tooltip.mode === 'single' && series.length > 1 ? 'single' : 'multi',
            sort: tooltip.sort === 'asc' || tooltip.sort === 'none' ? tooltip.sort : 'desc',
          }}
          syncKey={context.syncKey}
          onZoom={(from, to) => context.onRange({ from: String(from), to: String(to) })}
          onZoomOut={context.onZoomOut}
          focus={focus}
        />
      </div>
      {legend.show && (
        <div
          className="ts-legend"
          style={
            side === 'right'
              ? { width: Math.min(legend.width, size.width * 0.45) }
              : { maxHeight: Math.max(size.height * 0.38, 24) }
          }
        >
          <Legend items={items} mode={legend.mode} side={side} onToggle={toggle} onFocus={setFocus} />
        </div>
      )}
    </div>
  );
}

type Chosen = { readonly kind: 'all' } | { readonly kind: 'only'; readonly names: readonly string[] };

const isChosen = (chosen: Chosen, name: string) => chosen.kind === 'all' || chosen.names.includes(name);

/** A click isolates, the same click again shows all; with a modifier one series comes or goes. */
function choose(chosen: Chosen, name: string, additive: boolean, all: readonly string[]): Chosen {
  if (additive) {
    const names = chosen.kind === 'all' ? all : chosen.names;
    const next = names.includes(name) ? names.filter((n) => n !== name) : [...names, name];
    return next.length === 0 || new Set(next).size === new Set(all).size
      ? { kind: 'all' }
      : { kind: 'only', names: next };
  }
  const alone = chosen.kind === 'only' && chosen.names.length === 1 && chosen.names[0] === name;
  return alone ? { kind: 'all' } : { kind: 'only', names: [name] };
}

interface LegendOptions {
  readonly show: boolean;
  readonly mode: 'list' | 'table';
  readonly placement: 'bottom' | 'right';
  readonly calcs: readonly string[];
  readonly width: number;
}

const NO_CALCS: readonly string[] = [];
const calcLists = new Map<string, readonly string[]>();

function legendOptions(options: JsonObject): LegendOptions {
  const legend = objectOf(options.legend);
  const mode = legend.displayMode === 'table' ? 'table' : 'list';
  const calcs = listOf(legend.calcs).map((c) => textOf(c));
  // The same list for the same ids, so that memory of what was computed from it holds.
  const key = calcs.join();
  if (!calcLists.has(key)) calcLists.set(key, calcs);
  return {
    show: legend.showLegend !== false && legend.displayMode !== 'hidden',
    mode,
    placement: legend.placement === 'right' ? 'right' : 'bottom',
    calcs: calcLists.get(key) ?? NO_CALCS,
    width: numberOf(legend.width) ?? (mode === 'table' ? 140 + 66 * calcs.length : 170),
  };
}

function legendItems(
  aligned: AlignedSeries,
  series: readonly ChartSeries[],
  chosen: Chosen,
  calcs: readonly string[],
  options: JsonObject,
  palette: Palette,
): readonly LegendItem[] {
  return series.flatMap((s, i) => {
    const field = aligned.fields[i]!;
    const hideFrom = objectOf(field.config?.custom.hideFrom);
    if (hideFrom.legend === true) return [];
    const legend = objectOf(options.legend);
    const column = aligned.columns[i]!;
    if (legend.hideEmpty === true && column.every((v) => v === null)) return [];
    if (legend.hideZero === true && column.every((v) => v === null || v === 0)) return [];
    return [
      {
        name: s.name,
        color: s.color,
        hidden: s.hidden || !isChosen(chosen, s.name),
        dashed: s.dash !== undefined,
        values: calcs.map((id) => {
          const value = reduceValues(id, aligned.columns[i]!);
          return {
            label: calculationOf(id)?.label ?? id,
            value,
            text: shownText(showValue(value, field.config, palette)),
          };
        }),
      },
    ];
  });
}

const placementOf = (f: Field): string => textOf(f.config?.custom.axisPlacement, 'auto');

/** With more series than this, faint fills are left out. */
const MAX_FILLED = 16;

/** How a field is drawn, from Grafana's custom options. */
export function chartSeries(field: Field, index: number, aligned: AlignedSeries, palette: Palette): ChartSeries {
  const config = field.config;
  const custom = config?.custom ?? {};
  const last = reduceValues('lastNotNull', aligned.columns[index]!);
  const style = objectOf(custom.lineStyle);
  const stacking = objectOf(custom.stacking);
  const stackMode = textOf(stacking.mode, 'none');
  const draw = textOf(custom.drawStyle, 'line');
  const fill = numberOf(custom.fillOpacity) ?? 6;
  const gradient = textOf(custom.gradientMode, 'none');
  const show = textOf(custom.showPoints, 'auto');
  const span = custom.spanNulls;
  const negated = custom.transform === 'negative-Y';
  return {
    name: fieldTitle(field),
    color: seriesColor(field, index, last, palette),
    unit: config?.unit,
    decimals: config?.decimals,
    draw: (draw === 'bars' || draw === 'points' ? draw : 'line') satisfies DrawStyle,
    interpolation: textOf(custom.lineInterpolation, 'linear') as Interpolation,
    width: numberOf(custom.lineWidth) ?? 1.5,
    // Many faint fills on each other are one thick fog.
    fill: stackMode === 'none' && aligned.fields.length > MAX_FILLED && fill < 20 ? 0 : Math.min(fill, 100) / 100,
    gradient: gradient !== 'none' || (stackMode === 'none' && fill > 0 && fill <= 25),
    dash:
      style.fill === 'dash' || style.fill === 'dot'
        ? listOf(style.dash).length > 0
          ? listOf(style.dash).map(Number)
          : [6, 4]
        : undefined,
    points: show === 'always' || show === 'never' ? show : 'auto',
    pointSize: numberOf(custom.pointSize) ?? 5,
    spanNulls: typeof span === 'number' ? span : span === true,
    axis: placementOf(field) === 'right' ? 'right' : 'left',
    // What is drawn below zero stands on its own pile.
    stack: stackMode === 'none' ? undefined : `${textOf(stacking.group, 'A')}${negated ? ' below' : ''}`,
    negated,
    stackPercent: stackMode === 'percent',
    hidden: objectOf(custom.hideFrom).viz === true,
  };
}

function axisOf(field: Field, aligned: AlignedSeries, side: 'left' | 'right'): ChartAxis {
  const config = field.config;
  const custom = config?.custom ?? {};
  const scale = objectOf(custom.scaleDistribution);
  const percent = objectOf(custom.stacking).mode === 'percent';
  const own = aligned.fields.filter((f) => (placementOf(f) === 'right') === (side === 'right'));
  return {
    unit: percent ? 'percentunit' : (config?.unit ?? own.find((f) => f.config?.unit)?.config?.unit),
    decimals: config?.decimals,
    min: config?.min ?? (percent ? 0 : undefined),
    max: config?.max ?? (percent ? 1 : undefined),
    softMin: numberOf(custom.axisSoftMin),
    softMax: numberOf(custom.axisSoftMax),
    log: scale.type === 'log' ? (scale.log === 2 ? 2 : 10) : 0,
    label: textOf(custom.axisLabel),
    visible: placementOf(field) !== 'hidden',
  };
}

function thresholdStyle(config: FieldConfig): 'off' | 'line' | 'dashed' | 'area' | 'line+area' {
  const mode = textOf(objectOf(config.custom.thresholdsStyle).mode, 'off');
  if (mode === 'line' || mode === 'dashed' || mode === 'area') return mode;
  return mode === 'line+area' || mode === 'dashed+area' ? 'line+area' : 'off';
}

function thresholdsOf(config: FieldConfig, palette: Palette): readonly ChartThreshold[] {
  return (config.thresholds?.steps ?? [])
    .map((s) => ({ value: s.value, color: namedColor(palette, s.color) }))
    .filter((s) => Number.isFinite(s.value) || thresholdStyle(config).includes('area'));
}
