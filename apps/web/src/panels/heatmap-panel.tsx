import { useEffect, useMemo, useRef, useState } from 'react';
import { timeTicks } from '../chart/chart-data.ts';
import { usePalette } from '../components/palette.ts';
import { heatmapOf } from '../dashboard/heatmap.ts';
import { objectOf, textOf } from '../dashboard/model.ts';
import { rampColor, withAlpha } from '../format/color.ts';
import { localDateTime } from '../format/time-range.ts';
import { formatTicks, formatValue } from '../format/units.ts';
import { FONT_SANS } from '../theme.ts';
import { NoData, type PanelProps } from './panel-props.tsx';

const FOOT_PX = 24;
const HEAD_PX = 8;
const RIGHT_PX = 12;
const NARROW_CELL_PX = 7;

/** Buckets over time: the darker or lighter a cell, the more fell into it. */
export function HeatmapPanel({ panel, data, size }: PanelProps) {
  const palette = usePalette();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [hover, setHover] = useState<{ readonly x: number; readonly y: number } | undefined>();
  const map = useMemo(() => heatmapOf(data.frames), [data.frames]);
  const yAxis = objectOf(panel.options.yAxis);
  const unit = textOf(yAxis.unit) || panel.fieldConfig.defaults.unit;
  const names = useMemo(() => bucketNames(map.bounds, map.names, unit), [map, unit]);
  const leftPx = Math.max(...names.map((n) => n.length), 3) * 6.2 + 18;
  const width = size.width - leftPx - RIGHT_PX;
  const height = size.height - FOOT_PX - HEAD_PX;
  const stepMs = map.timesMs.length > 1 ? map.timesMs[1]! - map.timesMs[0]! : 60_000;
  const { fromMs, toMs } = data.range;
  const x = (ms: number) => leftPx + ((ms - fromMs) / (toMs - fromMs)) * width;
  const rowPx = height / Math.max(map.rows.length, 1);
  const max = useMemo(() => Math.max(...map.rows.flatMap((r) => r.map((v) => v ?? 0)), 0), [map]);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const ratio = devicePixelRatio;
    element.width = size.width * ratio;
    element.height = size.height * ratio;
    const ctx = element.getContext('2d')!;
    ctx.scale(ratio, ratio);
    ctx.font = `11px ${FONT_SANS}`;
    const cellPx = Math.max((stepMs / (toMs - fromMs)) * width, 1);
    // Between narrow cells a gap would be stripes; they overlap by a hair instead, so that no seam shows.
    const gapPx = cellPx >= NARROW_CELL_PX ? 1 : -0.5;
    ctx.save();
    ctx.beginPath();
    ctx.rect(leftPx, HEAD_PX, width, height);
    ctx.clip();
    map.rows.forEach((row, r) => {
      const top = HEAD_PX + height - (r + 1) * rowPx;
      row.forEach((value, i) => {
        if (value === null || value <= 0) return;
        // The square root lets small counts be seen beside large ones.
        ctx.fillStyle = rampColor(palette.sequential, 0.12 + 0.88 * Math.sqrt(value / (max || 1)));
        ctx.fillRect(x(map.timesMs[i]!) - cellPx, top + 0.5, cellPx - gapPx, Math.max(rowPx - 1, 1));
      });
    });
    ctx.restore();
    ctx.fillStyle = palette.chart.axis;
    ctx.textBaseline = 'middle';
    ctx.textAlign = 'right';
    const every = Math.max(Math.ceil(16 / rowPx), 1);
    names.forEach((name, r) => {
      if (r % every === 0) ctx.fillText(name, leftPx - 8, HEAD_PX + height - (r + 0.5) * rowPx);
    });
    ctx.textAlign = 'center';
    const count = Math.max(Math.floor(width / 100), 1);
    const ticks = Array.from({ length: count }, (_, i) => fromMs + ((i + 0.5) / count) * (toMs - fromMs));
    for (const [i, text] of timeTicks(ticks, (toMs - fromMs) / count).entries()) {
      ctx.fillText(text, x(ticks[i]!), size.height - FOOT_PX / 2);
    }
    ctx.strokeStyle = withAlpha(palette.chart.axis, 0.3);
    ctx.strokeRect(leftPx, HEAD_PX, width, height);
  });

  if (map.rows.length === 0) return <NoData data={data} panel={panel} />;
  const at = hover && cellAt(hover);
  function cellAt(p: { readonly x: number; readonly y: number }) {
    const ms = fromMs + ((p.x - leftPx) / width) * (toMs - fromMs);
    const column = map.timesMs.findIndex((t) => t >= ms);
    const row = Math.floor((HEAD_PX + height - p.y) / rowPx);
    if (column < 0 || row < 0 || row >= map.rows.length || p.x < leftPx) return undefined;
    return { time: map.timesMs[column]!, name: names[row]!, value: map.rows[row]![column] ?? null };
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the mouse only shows what inspect shows as a table
    <div
      className="heatmap"
      style={{ position: 'relative' }}
      onMouseMove={(e) => setHover({ x: e.nativeEvent.offsetX, y: e.nativeEvent.offsetY })}
      onMouseLeave={() => setHover(undefined)}
    >
      <canvas
        ref={canvas}
        style={{ width: size.width, height: size.height, display: 'block' }}
        role="img"
        aria-label={panel.title}
      />
      {at && hover && (
        <div
          className="chart-tooltip"
          style={{
            position: 'absolute',
            transform: `translate(${hover.x > size.width / 2 ? hover.x - 190 : hover.x + 14}px, ${Math.max(hover.y - 60, 0)}px)`,
          }}
        >
          <div className="when">{localDateTime(at.time)}</div>
          <div className="item">
            <i style={{ background: palette.accent.base }} />
            <span>{at.name}</span>
            <b>{formatValue(at.value)}</b>
          </div>
        </div>
      )}
    </div>
  );
}

function bucketNames(bounds: readonly number[], names: readonly string[], unit: string | undefined): readonly string[] {
  if (bounds.some(Number.isNaN)) return names;
  const finite = bounds.filter(Number.isFinite);
  const texts = formatTicks(finite, unit);
  return bounds.map((b) => (Number.isFinite(b) ? (texts[finite.indexOf(b)] ?? String(b)) : '+Inf'));
}
