import { useElementSize } from '@mantine/hooks';
import { IconChartLine } from '@tabler/icons-react';
import { useMemo } from 'react';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { Loading } from '../components/loading.tsx';
import type { TimeState } from '../components/use-time-range.ts';
import type { Scope } from '../dashboard/interpolate.ts';
import { parseDashboard } from '../dashboard/model.ts';
import { guessUnit } from '../format/guess-unit.ts';
import { spanText, zoomOut } from '../format/time-range.ts';
import type { DashboardContextValue } from '../panels/context.ts';
import { type PanelData, usePanelData } from '../panels/panel-data.ts';
import { TimeseriesPanel } from '../panels/timeseries-panel.tsx';
import { QueryStatsLine } from './query-stats.tsx';

interface ResultGraphProps {
  readonly expressions: readonly string[];
  readonly step: string;
  readonly stacked: boolean;
  readonly time: TimeState;
  readonly scrapeIntervalMs: number;
}

const NO_VARIABLES: Scope = { variables: new Map(), builtIns: new Map() };

/** All queries as one graph, with what each of them cost. */
export function ResultGraph({ expressions, step, stacked, time, scrapeIntervalMs }: ResultGraphProps) {
  const { ref, width, height } = useElementSize();
  const panel = useMemo(() => panelOf(expressions, step, stacked), [expressions, step, stacked]);
  const { range, raw, setRaw } = time;
  const context = useMemo(
    (): DashboardContextValue => ({
      range,
      rawRange: raw,
      scope: NO_VARIABLES,
      ready: true,
      scrapeIntervalMs,
      syncKey: 'explore',
      onRange: setRaw,
      onZoomOut: () => setRaw(zoomOut(range)),
    }),
    [range, raw, setRaw, scrapeIntervalMs],
  );
  const data = usePanelData(panel, context, Math.round(width), true);
  return (
    <>
      <section className="card explore-graph" aria-label="Graph">
        <div className="explore-canvas" ref={ref}>
          {width > 0 && <Content panel={panel} data={data} context={context} size={{ width, height }} />}
        </div>
      </section>
      {data.answers.length > 0 &&
        data.errors.map((e) => <ErrorState key={e.refId} inline title={`Query ${e.refId} failed`} error={e.error} />)}
      <div className="explore-stats">
        {data.answers.map((a) => (
          <QueryStatsLine
            key={a.target.refId}
            refId={expressions.length > 1 ? a.target.refId : ''}
            answer={a.answer}
            note={`a point every ${spanText(a.stepMs)}`}
          />
        ))}
      </div>
    </>
  );
}

type ContentProps = React.ComponentProps<typeof TimeseriesPanel> & { readonly data: PanelData };

function Content(props: ContentProps) {
  const { data } = props;
  if (data.errors.length > 0 && data.answers.length === 0) return <ErrorState error={data.errors[0]!.error} />;
  if (data.loading) return <Loading label="Asking" />;
  if (data.frames.length === 0) {
    return (
      <EmptyState icon={IconChartLine} title="No data">
        The query is valid and nothing matches it in this time range.
      </EmptyState>
    );
  }
  return <TimeseriesPanel {...props} />;
}

function panelOf(expressions: readonly string[], step: string, stacked: boolean) {
  const unit = expressions.length > 0 ? guessUnit(expressions[0]!) : undefined;
  const agreed = unit && expressions.every((e) => guessUnit(e) === unit) ? unit : undefined;
  return parseDashboard({
    panels: [
      {
        id: 1,
        type: 'timeseries',
        title: 'Graph',
        interval: step,
        targets: expressions.map((expr, i) => ({
          refId: String.fromCharCode(65 + i),
          expr,
          range: true,
          legendFormat: expressions.length > 1 ? '' : '__auto',
        })),
        fieldConfig: {
          defaults: {
            ...(agreed ? { unit: agreed } : {}),
            custom: {
              fillOpacity: stacked ? 30 : 6,
              lineWidth: 1.5,
              stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
            },
          },
        },
        options: {
          legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'min', 'mean', 'max'] },
          tooltip: { mode: 'multi', sort: 'desc' },
        },
      },
    ],
  }).panels[0]!;
}
