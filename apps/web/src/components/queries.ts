/** What several pages ask for, asked once. */
import { keepPreviousData, queryOptions, useQuery } from '@tanstack/react-query';
import { fleet, notifications } from '../api/belfry.ts';
import { searchDashboards } from '../api/grafana.ts';
import { isMissing } from '../api/http.ts';
import { metricMetadata, ruleGroups, targets } from '../api/prometheus.ts';
import { DEFAULT_SCRAPE_INTERVAL_MS } from '../dashboard/interval.ts';
import { parseSpan } from '../format/time-range.ts';

/** How often pages that show the present ask again, in milliseconds. */
export const LIVE_MS = 5_000;

export const dashboardsQuery = queryOptions({
  queryKey: ['dashboards'],
  queryFn: ({ signal }) => searchDashboards(signal),
  staleTime: 30_000,
});

export const rulesQuery = queryOptions({
  queryKey: ['rules'],
  queryFn: ({ signal }) => ruleGroups(signal),
  refetchInterval: LIVE_MS,
  placeholderData: keepPreviousData,
});

export const targetsQuery = queryOptions({
  queryKey: ['targets'],
  queryFn: ({ signal }) => targets(signal),
  refetchInterval: LIVE_MS,
  placeholderData: keepPreviousData,
});

export const metadataQuery = queryOptions({
  queryKey: ['metadata'],
  queryFn: ({ signal }) => metricMetadata(signal),
  staleTime: 60_000,
});

/** Stops asking for what the server does not have. */
const whilePresent = ({ state }: { readonly state: { readonly error: Error | null } }) =>
  isMissing(state.error) ? false : LIVE_MS;

export const fleetQuery = queryOptions({
  queryKey: ['fleet'],
  queryFn: ({ signal }) => fleet(signal),
  refetchInterval: whilePresent,
});

export const notificationsQuery = (filter: {
  readonly receiver?: string;
  readonly alertname?: string;
  readonly limit?: number;
}) =>
  queryOptions({
    queryKey: ['notifications', filter],
    queryFn: ({ signal }) => notifications(filter, signal),
    refetchInterval: whilePresent,
    placeholderData: keepPreviousData,
  });

/** The scrape interval that most targets have, in milliseconds. */
export function useScrapeInterval(): number {
  const { data } = useQuery({
    queryKey: ['scrape-interval'],
    queryFn: async ({ signal }) => {
      const counts = new Map<number, number>();
      for (const target of (await targets(signal)).active) {
        const ms = parseSpan(target.interval);
        if (ms) counts.set(ms, (counts.get(ms) ?? 0) + 1);
      }
      return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? DEFAULT_SCRAPE_INTERVAL_MS;
    },
    staleTime: 300_000,
  });
  return data ?? DEFAULT_SCRAPE_INTERVAL_MS;
}
