import { createContext, useContext } from 'react';
import type { Scope } from '../dashboard/interpolate.ts';
import type { RawRange, TimeRange } from '../format/time-range.ts';

/** What panels know of the dashboard they stand on. */
export interface DashboardContextValue {
  readonly range: TimeRange;
  readonly rawRange: RawRange;
  readonly scope: Scope;
  /** False until every variable has its options. */
  readonly ready: boolean;
  readonly scrapeIntervalMs: number;
  readonly syncKey: string;
  readonly onRange: (range: RawRange) => void;
  readonly onZoomOut: () => void;
}

export const DashboardContext = createContext<DashboardContextValue | undefined>(undefined);

export function useDashboardContext(): DashboardContextValue {
  const value = useContext(DashboardContext);
  if (!value) throw new Error('a panel outside of a dashboard');
  return value;
}
