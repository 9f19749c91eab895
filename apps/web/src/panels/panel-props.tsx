import { IconChartLine } from '@tabler/icons-react';
import { EmptyState } from '../components/empty-state.tsx';
import type { Panel } from '../dashboard/model.ts';
import type { DashboardContextValue } from './context.ts';
import type { PanelData } from './panel-data.ts';

/** What every kind of panel gets. */
export interface PanelProps {
  readonly panel: Panel;
  readonly data: PanelData;
  readonly context: DashboardContextValue;
  /** Room for the panel's content, in CSS pixels. */
  readonly size: { readonly width: number; readonly height: number };
}

/** The queries answered, with nothing. */
export function NoData({ data, panel }: { readonly data: PanelData; readonly panel?: Panel }) {
  const foreign = panel?.targets.find((t) => t.foreign !== '')?.foreign;
  if (data.requests.length === 0 && foreign)
    return <EmptyState title={`Asks “${foreign}”`}>Only queries in PromQL are answered here.</EmptyState>;
  if (data.requests.length === 0 && !data.loading)
    return <EmptyState title="No queries">This panel asks for nothing.</EmptyState>;
  return (
    <EmptyState title="No data" icon={IconChartLine}>
      Nothing in this time range.
    </EmptyState>
  );
}
