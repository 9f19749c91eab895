import { lazy, type ReactElement, Suspense } from 'react';
import { EmptyState } from '../components/empty-state.tsx';
import { Loading } from '../components/loading.tsx';
import { BarGaugePanel } from './bargauge-panel.tsx';
import { GaugePanel } from './gauge-panel.tsx';
import type { PanelProps } from './panel-props.tsx';
import { PieChartPanel } from './piechart-panel.tsx';
import { StatPanel } from './stat-panel.tsx';
import { TablePanel } from './table-panel.tsx';
import { TextPanel } from './text-panel.tsx';
import { TimeseriesPanel } from './timeseries-panel.tsx';

// Rarer kinds come when they are needed.
const HeatmapPanel = lazy(async () => ({ default: (await import('./heatmap-panel.tsx')).HeatmapPanel }));
const StateTimelinePanel = lazy(async () => ({
  default: (await import('./state-timeline-panel.tsx')).StateTimelinePanel,
}));
const BarChartPanel = lazy(async () => ({ default: (await import('./barchart-panel.tsx')).BarChartPanel }));

type Draw = (props: PanelProps) => ReactElement;

const KINDS: Readonly<Record<string, Draw>> = {
  timeseries: (p) => <TimeseriesPanel {...p} />,
  stat: (p) => <StatPanel {...p} />,
  gauge: (p) => <GaugePanel {...p} />,
  bargauge: (p) => <BarGaugePanel {...p} />,
  table: (p) => <TablePanel {...p} />,
  'table-old': (p) => <TablePanel {...p} />,
  piechart: (p) => <PieChartPanel {...p} />,
  text: (p) => <TextPanel {...p} />,
  heatmap: (p) => <HeatmapPanel {...p} />,
  'state-timeline': (p) => <StateTimelinePanel {...p} />,
  'status-history': (p) => <StateTimelinePanel {...p} />,
  barchart: (p) => <BarChartPanel {...p} />,
  singlestat: (p) => <StatPanel {...p} />,
};

/** Whether panels of this type are drawn here. */
export function isKnownPanel(type: string): boolean {
  return Object.hasOwn(KINDS, type);
}

/** The content of a panel by its type; an unknown type says so. */
export function PanelView(props: PanelProps) {
  const draw = isKnownPanel(props.panel.type) ? KINDS[props.panel.type] : undefined;
  if (!draw) {
    return (
      <EmptyState title={`Panels of type “${props.panel.type}” are not drawn here`}>
        Its queries and data are under inspect, in the panel's menu.
      </EmptyState>
    );
  }
  return <Suspense fallback={<Loading />}>{draw(props)}</Suspense>;
}
