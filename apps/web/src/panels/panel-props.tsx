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
export function NoData({ data }: { readonly data: PanelData }) {
  if (data.requests.length === 0 && !data.loading)
    return <EmptyState title="No queries">This panel asks for nothing.</EmptyState>;
  return (
    <EmptyState title="No data" icon={IconChartLine}>
      Nothing in this time range.
    </EmptyState>
  );
}
