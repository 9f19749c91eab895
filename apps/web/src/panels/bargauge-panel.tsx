import './gauge-panel.css';
import { useMemo } from 'react';
import { usePalette } from '../components/palette.ts';
import { shownText } from '../dashboard/field-config.ts';
import { textOf } from '../dashboard/model.ts';
import { gaugeLimits, panelValues } from '../dashboard/shown-values.ts';
import { withAlpha } from '../format/color.ts';
import { NoData, type PanelProps } from './panel-props.tsx';

/** A bar for each value, between the limits. */
export function BarGaugePanel({ panel, data, size }: PanelProps) {
  const palette = usePalette();
  const values = useMemo(() => panelValues(data.frames, panel.options, palette), [data.frames, panel.options, palette]);
  if (values.length === 0) return <NoData data={data} panel={panel} />;
  const orientation = textOf(panel.options.orientation, 'auto');
  const upright =
    orientation === 'vertical' || (orientation === 'auto' && size.width > size.height * 1.5 && values.length < 12);
  const gradient = textOf(panel.options.displayMode, 'gradient') === 'gradient';
  const longest = Math.max(...values.map((v) => v.title.length));
  return (
    <div
      className={`bar-gauge ${upright ? 'upright' : ''}`}
      style={{ '--name-width': `${Math.min(longest * 7, size.width * 0.4)}px` } as React.CSSProperties}
    >
      {values.map((value, i) => {
        const [min, max] = gaugeLimits(value, values);
        const share =
          typeof value.value === 'number' ? Math.min(Math.max((value.value - min) / (max - min || 1), 0), 1) * 100 : 0;
        const fill = gradient
          ? `linear-gradient(${upright ? 'to top' : 'to right'}, ${withAlpha(value.color, 0.35)}, ${value.color})`
          : value.color;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: two values may have the same title
          <div className="line" key={i}>
            <span className="name" title={value.title}>
              {value.title}
            </span>
            <div className="track">
              <i style={{ [upright ? 'height' : 'width']: `${share}%`, background: fill }} />
            </div>
            <span className="value" style={{ color: value.color }}>
              {shownText(value.shown)}
            </span>
          </div>
        );
      })}
    </div>
  );
}
