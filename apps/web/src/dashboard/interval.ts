/** Steps of queries, computed as Grafana's Prometheus data source does. */
import type { TimeRange } from '../format/time-range.ts';

/** When nothing tells how often targets are scraped, in milliseconds. */
export const DEFAULT_SCRAPE_INTERVAL_MS = 15_000;
/** Prometheus refuses ranges with more steps. */
export const MAX_STEPS = 11_000;

/** Up to the left value, the right one is used; both in milliseconds. */
const NICE: readonly (readonly [below: number, interval: number])[] = [
  [10, 1],
  [15, 10],
  [35, 20],
  [75, 50],
  [150, 100],
  [350, 200],
  [750, 500],
  [1500, 1000],
  [3500, 2000],
  [7500, 5000],
  [12_500, 10_000],
  [17_500, 15_000],
  [25_000, 20_000],
  [45_000, 30_000],
  [90_000, 60_000],
  [210_000, 120_000],
  [450_000, 300_000],
  [750_000, 600_000],
  [1_050_000, 900_000],
  [1_500_000, 1_200_000],
  [2_700_000, 1_800_000],
  [5_400_000, 3_600_000],
  [9_000_000, 7_200_000],
  [16_200_000, 10_800_000],
  [32_400_000, 21_600_000],
  [86_400_000, 43_200_000],
  [604_800_000, 86_400_000],
  [1_814_400_000, 604_800_000],
  [3_628_800_000, 2_592_000_000],
];
const YEAR_MS = 31_536_000_000;

/** The nearest span that people would choose, in milliseconds. */
export function niceInterval(ms: number): number {
  return NICE.find(([below]) => ms < below)?.[1] ?? YEAR_MS;
}

export interface StepInput {
  readonly range: TimeRange;
  /** As many points as the panel has room for. */
  readonly maxDataPoints: number;
  readonly scrapeIntervalMs: number;
  /** The panel's or target's minimal step. */
  readonly minStepMs?: number;
  /** The target's resolution `1/n`. */
  readonly factor?: number;
}

/** `$__interval`: the range over the points, at a nice step that is not below the scrape interval. Milliseconds. */
export function queryStepMs({ range, maxDataPoints, scrapeIntervalMs, minStepMs, factor }: StepInput): number {
  const spanMs = range.toMs - range.fromMs;
  const wanted = niceInterval(spanMs / Math.max(maxDataPoints, 1));
  const least = minStepMs ?? scrapeIntervalMs;
  const step = Math.max(wanted, least) * (factor ?? 1);
  const safe = spanMs / MAX_STEPS;
  return Math.max(step, safe > 1 ? Math.ceil(safe / 1000) * 1000 : 1, 1);
}

/** `$__rate_interval`: at least four scrapes, so that `rate` always has two samples. Milliseconds. */
export function rateIntervalMs(stepMs: number, scrapeIntervalMs: number): number {
  return Math.max(stepMs + scrapeIntervalMs, 4 * scrapeIntervalMs);
}

/** The range moved to multiples of the step, so that a refresh asks for the same points again. */
export function alignRange(range: TimeRange, stepMs: number): TimeRange {
  return {
    fromMs: Math.floor(range.fromMs / stepMs) * stepMs,
    toMs: Math.floor(range.toMs / stepMs) * stepMs,
  };
}
