import {
  compileMatcher,
  formatDuration,
  type Labels,
  labelsToObject,
  labelValue,
  type Matcher,
  type Metadata,
} from '@belfry/model';
import type { PoolStatus, ScrapeManager } from './manager.ts';
import type { TargetState } from './scrape-loop.ts';

/** Go's zero time: what the API says of a target that was not scraped yet. */
const NEVER = '0001-01-01T00:00:00Z';

/** `/api/v1/targets`: its `data`. `state` is `active`, `dropped` or `any`. */
export function targetsView(manager: ScrapeManager, state: string, pool: string | undefined) {
  const pools = manager.pools().filter((p) => pool === undefined || p.name === pool);
  const wants = (kind: string) => state === '' || state.toLowerCase() === 'any' || state.toLowerCase() === kind;
  return {
    activeTargets: wants('active') ? pools.flatMap((p) => p.active.map((t) => activeView(p, t))).sort(byUrl) : [],
    droppedTargets: wants('dropped')
      ? pools.flatMap((p) =>
          p.dropped.map((d) => ({ discoveredLabels: labelsToObject(d.discoveredLabels), scrapePool: p.name })),
        )
      : [],
    droppedTargetCounts: wants('dropped') ? Object.fromEntries(pools.map((p) => [p.name, p.droppedCount])) : null,
  };
}

function activeView(pool: PoolStatus, state: TargetState) {
  const { target } = state;
  return {
    discoveredLabels: labelsToObject(target.discoveredLabels),
    labels: labelsToObject(target.labels),
    scrapePool: pool.name,
    scrapeUrl: target.url,
    globalUrl: target.url,
    lastError: state.lastError,
    lastScrape: state.lastScrapeMs === 0 ? NEVER : new Date(state.lastScrapeMs).toISOString(),
    lastScrapeDuration: state.lastDurationMs / 1000,
    health: state.health,
    scrapeInterval: formatDuration(target.intervalMs),
    scrapeTimeout: formatDuration(target.timeoutMs),
  };
}

function byUrl(a: { scrapePool: string; scrapeUrl: string }, b: { scrapePool: string; scrapeUrl: string }): number {
  const key = (t: typeof a) => `${t.scrapePool}\xff${t.scrapeUrl}`;
  return key(a) < key(b) ? -1 : 1;
}

/** `/api/v1/scrape_pools`: the names. */
export function scrapePoolsView(manager: ScrapeManager): string[] {
  return manager.pools().map((p) => p.name);
}

/** `/api/v1/targets/metadata`: metadata with the target that told it. `metric` empty: of all; `limit` below 0: no limit. */
export function targetMetadataView(
  manager: ScrapeManager,
  matchers: readonly Matcher[] | undefined,
  metric: string,
  limit: number,
) {
  const compiled = (matchers ?? []).map(compileMatcher);
  const matches = (labels: Labels) => compiled.every((m) => m.matches(labelValue(labels, m.matcher.name)));
  const out: { target: Readonly<Record<string, string>>; metric?: string; type: string; help: string; unit: string }[] =
    [];
  for (const { target, metadata } of activeTargets(manager)) {
    if (!matches(target.labels)) continue;
    for (const { family, type, help, unit } of metadata) {
      if (limit >= 0 && out.length >= limit) return out;
      if (metric !== '' && family !== metric) continue;
      const named = metric === '' ? { metric: family } : {};
      out.push({ target: labelsToObject(target.labels), ...named, type, help, unit });
    }
  }
  return out;
}

/** `/api/v1/metadata`: what targets tell of a metric (of all, without one), each different telling once. */
export function metadataView(manager: ScrapeManager, metric?: string): Map<string, Metadata[]> {
  const out = new Map<string, Metadata[]>();
  for (const { metadata } of activeTargets(manager)) {
    for (const { family, type, help, unit } of metadata) {
      if (metric !== undefined && metric !== '' && family !== metric) continue;
      const told = out.get(family) ?? [];
      if (!told.some((m) => m.type === type && m.help === help && m.unit === unit)) told.push({ type, help, unit });
      out.set(family, told);
    }
  }
  return out;
}

function activeTargets(manager: ScrapeManager): TargetState[] {
  return manager.pools().flatMap((p) => p.active);
}
