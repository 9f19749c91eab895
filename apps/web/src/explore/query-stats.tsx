import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import type { QueryAnswer } from '../api/prometheus.ts';
import { formatValue } from '../format/units.ts';

interface QueryStatsLineProps {
  readonly refId: string;
  readonly answer: QueryAnswer;
  readonly note: string;
}

/** How much a query gave, what the server read for it, and how long each part took. */
export function QueryStatsLine({ refId, answer, note }: QueryStatsLineProps) {
  const count = answer.kind === 'matrix' ? answer.series.length : answer.kind === 'vector' ? answer.samples.length : 1;
  const { stats } = answer;
  return (
    <div className="query-stats">
      {refId && <b>{refId}</b>}
      <span>
        <b className="num">{count}</b> series
      </span>
      {note && <span>{note}</span>}
      {stats && (
        <span title="Samples that the engine read from storage, over all steps">
          <b className="num">{formatValue(stats.totalSamples, 'locale')}</b> samples read
        </span>
      )}
      {stats && (
        <span title="Most samples in memory at one moment">
          <b className="num">{formatValue(stats.peakSamples, 'locale')}</b> at once
        </span>
      )}
      {stats && stats.evalMs > 0 && (
        <span title="Evaluation on the server">
          <b className="num">{formatValue(stats.evalMs, 'ms')}</b> evaluating
        </span>
      )}
      <span title="From the question to the answer read, as the browser saw it">
        <b className="num">{formatValue(answer.durationMs, 'ms')}</b> in all
      </span>
      {answer.warnings.map((w) => (
        <span key={w} className="tone-warning tone-text">
          <IconAlertTriangle size={13} /> {w}
        </span>
      ))}
      {answer.infos.map((w) => (
        <span key={w} className="tone-info tone-text">
          <IconInfoCircle size={13} /> {w}
        </span>
      ))}
    </div>
  );
}
