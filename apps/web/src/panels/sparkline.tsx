import { area, line } from 'd3-shape';
import { useMemo } from 'react';
import type { Cell } from '../dashboard/frames.ts';
import { withAlpha } from '../format/color.ts';

interface SparklineProps {
  readonly column: readonly Cell[];
  readonly color: string;
  readonly width: number;
  readonly height: number;
}

const PAD = 3;

/** The shape of a column, without axes. */
export function Sparkline({ column, color, width, height }: SparklineProps) {
  const paths = useMemo(() => {
    const numbers = column.filter((v): v is number => typeof v === 'number' && Number.isFinite(v));
    if (numbers.length < 2 || width <= 0 || height <= 0) return undefined;
    let low = Math.min(...numbers);
    const high = Math.max(...numbers);
    if (low >= 0 && low < (high - low) * 1.5) low = 0;
    const span = high - low || 1;
    const x = (_: Cell, i: number) => (i / (column.length - 1)) * width;
    const y = (v: Cell) => height - PAD - ((Number(v) - low) / span) * (height - PAD * 2) * (high === low ? 0.5 : 1);
    const defined = (v: Cell) => typeof v === 'number' && Number.isFinite(v);
    const points = [...column];
    return {
      line: line<Cell>(x, y).defined(defined)(points) ?? '',
      area: area<Cell>(x, height, y).defined(defined)(points) ?? '',
    };
  }, [column, width, height]);
  if (!paths) return null;
  return (
    <svg className="sparkline" width={width} height={height} aria-hidden="true">
      <path d={paths.area} fill={withAlpha(color, 0.13)} />
      <path d={paths.line} fill="none" stroke={withAlpha(color, 0.75)} strokeWidth={1.5} strokeLinejoin="round" />
    </svg>
  );
}
