/** Shapes of chance that telemetry has. Everything takes a seeded source, so that a seed repeats a run. */
import type { Random } from '@belfry/model';

/** Standard normal (Box and Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** z such that 99 % of a normal distribution lies below it. */
const Z99 = 2.3263;

/** Log-normal, given by its median and its 99th percentile: how durations are distributed. */
export function logNormal(random: Random, median: number, p99: number): number {
  return median * Math.exp((Math.log(p99 / median) / Z99) * normal(random));
}

/** The time until the next event of a Poisson process, given the mean time between events. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** One of `items`, with chances proportional to `weights`. */
export function pickWeighted<T>(random: Random, items: readonly T[], weights: readonly number[]): T {
  let rest = random() * weights.reduce((a, b) => a + b, 0);
  for (let i = 0; i < items.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return items[i]!;
  }
  return items[items.length - 1]!;
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!;
}

/** Weights by which about a fifth of `count` things get four fifths of the events. */
export function skewedWeights(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => 1 / (i + 1) ** 1.4);
}
