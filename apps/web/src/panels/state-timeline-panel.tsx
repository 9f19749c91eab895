import './state-timeline-panel.css';
import { useMemo } from 'react';
import { timeTicks } from '../chart/chart-data.ts';
import { usePalette } from '../components/palette.ts';
import { shownText, showValue } from '../dashboard/field-config.ts';
import { alignFrames, fieldTitle } from '../dashboard/frames.ts';
import { stateRuns } from '../dashboard/state-runs.ts';
import { contrast } from '../format/color.ts';
import { localDateTime } from '../format/time-range.ts';
import { categoricalColor } from '../theme.ts';
import { NoData, type PanelProps } from './panel-props.tsx';

const MIN_TEXT_PX = 34;

/** Which state each series was in, and when. */
export function StateTimelinePanel({ panel, data, size }: PanelProps) {
  const palette = usePalette();
  const aligned = useMemo(() => alignFrames(data.frames), [data.frames]);
  if (aligned.fields.length === 0) return <NoData data={data} panel={panel} />;
  const { fromMs, toMs } = data.range;
  const share = (ms: number) => ((Math.min(Math.max(ms, fromMs), toMs) - fromMs) / (toMs - fromMs)) * 100;
  const count = Math.max(Math.floor(size.width / 120), 2);
  const ticks = Array.from({ length: count }, (_, i) => fromMs + ((i + 0.5) / count) * (toMs - fromMs));
  const texts = timeTicks(ticks, (toMs - fromMs) / count);
  return (
    <div className="timeline" role="img" aria-label={panel.title}>
      {aligned.fields.map((field, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two series may have the same name
        <div className="lane" key={i}>
          <span className="ellipsis" title={fieldTitle(field)}>
            {fieldTitle(field)}
          </span>
          <div className="track">
            {stateRuns(aligned.timesMs, aligned.columns[i]!).map((run) => {
              const shown = showValue(run.value, field.config, palette);
              const color = shown.color ?? categoricalColor(palette, Math.abs(Math.round(Number(run.value))));
              const text = shownText(shown);
              const ink = contrast(color, palette.text.strong) > 3 ? palette.text.strong : palette.surface.sunken;
              const widthPx = ((share(run.toMs) - share(run.fromMs)) / 100) * size.width * 0.8;
              return (
                <i
                  key={run.fromMs}
                  title={`${text}\n${localDateTime(run.fromMs)} to ${localDateTime(run.toMs)}`}
                  style={{
                    left: `${share(run.fromMs)}%`,
                    width: `${share(run.toMs) - share(run.fromMs)}%`,
                    background: color,
                    color: ink,
                  }}
                >
                  {widthPx > MIN_TEXT_PX ? text : ''}
                </i>
              );
            })}
          </div>
        </div>
      ))}
      <div className="lane foot">
        <span />
        <div className="ticks">
          {texts.map((t, i) => (
            <span key={ticks[i]}>{t}</span>
          ))}
        </div>
      </div>
    </div>
  );
}
