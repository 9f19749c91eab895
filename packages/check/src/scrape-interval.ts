import type { World } from './world.ts';

/** Prometheus' own default. */
const DEFAULT_MS = 60_000;

/** The shortest and the longest interval at which the given configurations scrape; nothing when none is given. */
export function scrapeIntervals({
  prometheus,
  monitors,
}: World): { readonly fastest: number; readonly slowest: number } | undefined {
  const all = [
    ...prometheus.flatMap((p) => p.jobs.map((j) => j.intervalMs ?? DEFAULT_MS)),
    ...monitors.flatMap((m) => m.endpoints.flatMap((e) => e.intervalMs ?? [])),
  ];
  return all.length > 0 ? { fastest: Math.min(...all), slowest: Math.max(...all) } : undefined;
}
