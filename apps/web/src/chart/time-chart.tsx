import 'uplot/dist/uPlot.min.css';
import './time-chart.css';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import { withAlpha } from '../format/color.ts';
import type { TimeRange } from '../format/time-range.ts';
import { wallTime } from '../format/time-zone.ts';
import { formatTicks } from '../format/units.ts';
import { FONT_SANS, type Palette } from '../theme.ts';
import {
  axisLimits,
  type ChartAxis,
  type ChartSeries,
  type ChartThreshold,
  type Column,
  drawable,
  signed,
  stackBands,
  stackColumns,
  tickIncrements,
  timeTicks,
} from './chart-data.ts';
import { createTooltip, type TooltipOptions } from './tooltip.ts';

export interface TimeChartProps {
  readonly timesMs: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly columns: readonly Column[];
  readonly left: ChartAxis;
  /** Undefined when no series stands on the right. */
  readonly right: ChartAxis | undefined;
  readonly thresholds: readonly ChartThreshold[];
  readonly thresholdStyle: 'off' | 'line' | 'dashed' | 'area' | 'line+area';
  readonly range: TimeRange;
  readonly palette: Palette;
  readonly tooltip: TooltipOptions;
  /** Charts of one key move their crosshairs together. */
  readonly syncKey?: string;
  readonly onZoom?: (fromMs: number, toMs: number) => void;
  readonly onZoomOut?: () => void;
  /** The series that stands out, by its name. */
  readonly focus?: string | undefined;
}

const AXIS_FONT = `11px ${FONT_SANS}`;
const X_AXIS_HEIGHT = 26;
const LABEL_FONT = `500 11px ${FONT_SANS}`;
const FADED = 0.18;
/** With more series, points at the cursor would hide the lines. */
const MAX_WITH_POINTS = 60;
const SECONDS_SHOWN_BELOW_MS = 6 * 60_000;
/** Shorter drags are clicks. */
const MIN_DRAG_PX = 4;

/** Draws lines, bars and points over time: the one place that knows uPlot. It fills its parent. */
export function TimeChart(props: TimeChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const data = useMemo(
    (): uPlot.AlignedData => [
      props.timesMs as number[],
      ...(stackColumns(
        props.series,
        props.columns.map((c, i) => signed(drawable(c), props.series[i]!.negated)),
      ) as number[][]),
    ],
    [props.timesMs, props.series, props.columns],
  );
  const shape = shapeKey(props);

  // A new shape is a new chart; new data, size or range only redraws.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the shape stands for all that the options read
  useLayoutEffect(() => {
    const element = host.current!;
    const made = new uPlot(optionsOf(latest, element.clientWidth, element.clientHeight), data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height: element.clientHeight });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current = null;
      made.destroy();
    };
  }, [shape]);

  useLayoutEffect(() => {
    const current = plot.current;
    if (!current) return;
    if (current.data !== data) current.setData(data);
    else current.setScale('x', { min: props.range.fromMs, max: props.range.toMs });
  }, [data, props.range.fromMs, props.range.toMs]);

  useEffect(() => {
    const index = props.series.findIndex((s) => s.name === props.focus);
    plot.current?.setSeries(index < 0 ? (null as unknown as number) : index + 1, { focus: true });
  }, [props.focus, props.series]);

  return <div className="time-chart" ref={host} />;
}

/** Everything that options are made of. */
function shapeKey({
  series,
  left,
  right,
  thresholds,
  thresholdStyle,
  palette,
  tooltip,
  syncKey,
}: TimeChartProps): string {
  return JSON.stringify([series, left, right, thresholds, thresholdStyle, palette.scheme, tooltip, syncKey]);
}

type Latest = { readonly current: TimeChartProps };

function optionsOf(latest: Latest, width: number, height: number): uPlot.Options {
  const { series, left, right, palette, syncKey, tooltip } = latest.current;
  const onDoubleClick = () => {
    latest.current.onZoomOut?.();
    return null;
  };
  const bands = stackBands(series).map(([upper, lower]): uPlot.Band => ({ series: [upper + 1, lower + 1] }));
  return {
    width,
    height,
    ms: 1,
    // Ticks stand on full hours and days of the shown zone.
    tzDate: wallTime,
    padding: [8, right?.visible ? 0 : 12, 0, left.visible ? 0 : 12],
    legend: { show: false },
    focus: { alpha: FADED },
    scales: {
      x: { time: true, range: () => [latest.current.range.fromMs, latest.current.range.toMs] },
      left: scaleOf(left),
      ...(right ? { right: scaleOf(right) } : {}),
    },
    axes: [xAxis(palette), valueAxis('left', left, palette), ...(right ? [valueAxis('right', right, palette)] : [])],
    series: [{}, ...series.map((s) => seriesOptions(s))],
    ...(bands.length > 0 ? { bands } : {}),
    cursor: {
      points: {
        ...(series.length > MAX_WITH_POINTS ? { show: false } : {}),
        size: 7,
        width: 1.5,
        stroke: () => palette.surface.panel,
        fill: (u, i) => (u.series[i]!.stroke as unknown as () => string)(),
      },
      drag: { x: true, y: false, setScale: false, dist: MIN_DRAG_PX },
      bind: { dblclick: () => onDoubleClick },
      focus: { prox: -1 },
      ...(syncKey ? { sync: { key: syncKey, setSeries: false, scales: ['x', null] } } : {}),
    },
    hooks: {
      drawClear: [(u) => drawThresholds(u, latest.current, 'area')],
      draw: [(u) => drawThresholds(u, latest.current, 'line')],
      setSelect: [(u) => zoom(u, latest.current)],
    },
    plugins: tooltip.mode === 'none' ? [] : [createTooltip(() => latest.current)],
  };
}

function zoom(u: uPlot, { onZoom }: TimeChartProps): void {
  const { left, width } = u.select;
  if (width < MIN_DRAG_PX) return;
  const fromMs = Math.round(u.posToVal(left, 'x'));
  const toMs = Math.round(u.posToVal(left + width, 'x'));
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onZoom?.(fromMs, toMs);
}

function scaleOf(axis: ChartAxis): uPlot.Scale {
  return {
    distr: axis.log > 0 ? 3 : 1,
    ...(axis.log > 0 ? { log: axis.log as 2 | 10 } : {}),
    range: (_, min, max) => axisLimits(axis, min, max),
  };
}

function xAxis(palette: Palette): uPlot.Axis {
  return {
    font: AXIS_FONT,
    stroke: palette.chart.axis,
    size: X_AXIS_HEIGHT,
    // Texts with seconds are longer.
    space: (_u, _axis, min, max) => (max - min < SECONDS_SHOWN_BELOW_MS ? 74 : 56),
    gap: 6,
    grid: { stroke: palette.chart.grid, width: 1 },
    ticks: { show: false },
    values: (u, splits, _, __, increment) => {
      const right = u.bbox.width / devicePixelRatio;
      // Half of a text that stands at the edge would be cut off.
      return timeTicks(splits, increment).map((text, i) =>
        right - u.valToPos(splits[i]!, 'x') < text.length * 2.4 - 8 ? '' : text,
      );
    },
  };
}

function valueAxis(scale: 'left' | 'right', axis: ChartAxis, palette: Palette): uPlot.Axis {
  const increments = tickIncrements(axis.unit);
  return {
    scale,
    side: scale === 'left' ? 3 : 1,
    show: axis.visible,
    font: AXIS_FONT,
    stroke: palette.chart.axis,
    space: axis.log > 0 ? 20 : 34,
    gap: 8,
    ...(increments ? { incrs: increments } : {}),
    grid: { show: scale === 'left', stroke: palette.chart.grid, width: 1 },
    ticks: { show: false },
    ...(axis.label ? { label: axis.label, labelFont: LABEL_FONT, labelSize: 20, labelGap: 2 } : {}),
    values: (_, splits) => formatTicks(splits, axis.unit, axis.decimals),
    size: (u, values) => axisWidth(u, values),
  };
}

/** As wide as the longest text. */
function axisWidth(u: uPlot, values: readonly string[] | null): number {
  const longest = (values ?? []).reduce((a, b) => (b && b.length > a.length ? b : a), '');
  if (longest === '') return 34;
  u.ctx.font = `${11 * devicePixelRatio}px ${FONT_SANS}`;
  return Math.ceil(u.ctx.measureText(longest).width / devicePixelRatio) + 18;
}

function seriesOptions(s: ChartSeries): uPlot.Series {
  const paths = pathsOf(s);
  return {
    label: s.name,
    scale: s.axis,
    show: !s.hidden,
    stroke: s.color,
    width: s.draw === 'points' ? 0 : s.width,
    spanGaps: s.spanNulls === true,
    ...(typeof s.spanNulls === 'number' ? { gaps: longGaps(s.spanNulls) } : {}),
    ...(s.dash ? { dash: [...s.dash] } : {}),
    ...(s.fill > 0 && s.draw !== 'points' ? { fill: (u: uPlot) => fillOf(u, s) } : {}),
    ...(paths ? { paths } : {}),
    points: pointsOf(s),
  };
}

/** Of the gaps, only those longer than this are left open. */
function longGaps(thresholdMs: number): uPlot.Series.GapsRefiner {
  return (u, _index, _from, _to, gaps) =>
    gaps.filter(([from, to]) => u.posToVal(to, 'x', true) - u.posToVal(from, 'x', true) > thresholdMs);
}

function pointsOf(s: ChartSeries): uPlot.Series.Points {
  const always = s.draw === 'points' || s.points === 'always';
  return {
    size: always ? s.pointSize : Math.max(s.width * 2.5, 4),
    width: 0,
    fill: s.color,
    show: s.draw !== 'bars',
    // A sample with gaps on both sides has no line; its point keeps it visible.
    ...(always ? {} : { filter: (u: uPlot, index: number) => lonelySamples(u.data[index] as Column) }),
  };
}

/** Indexes of samples without neighbours. */
function lonelySamples(column: Column): number[] {
  const out: number[] = [];
  for (let i = 0; i < column.length; i++) {
    const alone = (v: number | null | undefined) => v === null || v === undefined;
    if (!alone(column[i]) && alone(column[i - 1]) && alone(column[i + 1])) out.push(i);
  }
  return out;
}

/** Colour strong at the line, gone at the ground. */
function fillOf(u: uPlot, s: ChartSeries): string | CanvasGradient {
  if (!s.gradient || u.bbox.height === 0 || !Number.isFinite(u.bbox.height)) return withAlpha(s.color, s.fill);
  const gradient = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
  gradient.addColorStop(0, withAlpha(s.color, s.fill));
  gradient.addColorStop(1, withAlpha(s.color, s.fill * 0.12));
  return gradient;
}

function pathsOf(s: ChartSeries): uPlot.Series.PathBuilder | undefined {
  const { bars, spline, stepped } = uPlot.paths;
  if (s.draw === 'bars') return bars!({ size: [0.72, 60], align: 0 });
  if (s.draw === 'points') return () => null;
  if (s.interpolation === 'smooth') return spline!();
  if (s.interpolation === 'stepAfter') return stepped!({ align: 1 });
  if (s.interpolation === 'stepBefore') return stepped!({ align: -1 });
  return undefined;
}

function drawThresholds(u: uPlot, props: TimeChartProps, part: 'area' | 'line'): void {
  const { thresholds, thresholdStyle } = props;
  if (thresholdStyle === 'off') return;
  const { left, top, width, height } = u.bbox;
  const y = (value: number) => Math.min(Math.max(u.valToPos(value, 'left', true), top), top + height);
  u.ctx.save();
  if (part === 'area' && thresholdStyle.includes('area')) {
    thresholds.forEach(({ value, color }, i) => {
      const low = y(Math.max(value, u.scales.left!.min ?? value));
      const next = thresholds[i + 1];
      const high = next ? y(next.value) : top;
      u.ctx.fillStyle = withAlpha(color, 0.09);
      u.ctx.fillRect(left, high, width, low - high);
    });
  }
  if (part === 'line' && thresholdStyle !== 'area') {
    if (thresholdStyle === 'dashed') u.ctx.setLineDash([7 * devicePixelRatio, 5 * devicePixelRatio]);
    u.ctx.lineWidth = 1.5 * devicePixelRatio;
    for (const { value, color } of thresholds) {
      const at = u.valToPos(value, 'left', true);
      if (!Number.isFinite(value) || at < top || at > top + height) continue;
      u.ctx.strokeStyle = withAlpha(color, 0.85);
      u.ctx.beginPath();
      u.ctx.moveTo(left, at);
      u.ctx.lineTo(left + width, at);
      u.ctx.stroke();
    }
  }
  u.ctx.restore();
}
