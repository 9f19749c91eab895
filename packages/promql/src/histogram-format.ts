/** Native histograms as text. */
import { type FloatHistogram, formatFloat } from '@belfry/model';
import { formatG } from './annotations.ts';
import {
  allBuckets,
  type Bucket,
  negativeBucketList,
  positiveBucketList,
  usesCustomBuckets,
} from './histogram-buckets.ts';

/** As `count_values` labels it: `{count:2, sum:3, (1,2]:2}`. */
export function formatHistogram(h: FloatHistogram): string {
  const custom = usesCustomBuckets(h);
  const parts = [`count:${formatG(h.count)}`, `sum:${formatG(h.sum)}`];
  const add = (b: Bucket, lowerIn: boolean, upperIn: boolean) => {
    if (b.count === 0) return;
    parts.push(
      `${lowerIn ? '[' : '('}${formatG(b.lower)},${formatG(b.upper)}${upperIn ? ']' : ')'}:${formatG(b.count)}`,
    );
  };
  for (const b of negativeBucketList(h).reverse()) add(b, true, false);
  if (h.zeroCount !== 0) {
    add({ lower: -h.zeroThreshold, upper: h.zeroThreshold, count: h.zeroCount, index: 0 }, true, true);
  }
  for (const b of positiveBucketList(h)) add(b, custom && b.index === 0, true);
  return `{${parts.join(', ')}}`;
}

/** As the script language of PromQL tests writes it: `{{schema:0 count:2 sum:3 buckets:[1 1]}}`. */
export function formatHistogramNotation(h: FloatHistogram): string {
  const parts: string[] = [];
  if (h.schema !== 0) parts.push(`schema:${h.schema}`);
  if (h.count !== 0) parts.push(`count:${formatFloat(h.count)}`);
  if (h.sum !== 0) parts.push(`sum:${formatFloat(h.sum)}`);
  if (h.zeroCount !== 0) parts.push(`z_bucket:${formatFloat(h.zeroCount)}`);
  if (h.zeroThreshold !== 0) parts.push(`z_bucket_w:${formatFloat(h.zeroThreshold)}`);
  if (h.customValues && usesCustomBuckets(h))
    parts.push(`custom_values:[${h.customValues.map(formatFloat).join(' ')}]`);
  if (h.counterResetHint !== 'unknown') parts.push(`counter_reset_hint:${h.counterResetHint}`);
  const side = (list: Bucket[], offset: string, name: string) => {
    if (list.length === 0) return;
    if (list[0]!.index !== 0) parts.push(`${offset}:${list[0]!.index}`);
    const counts: string[] = [];
    let next = list[0]!.index;
    for (const b of list) {
      for (; next < b.index; next++) counts.push('0');
      counts.push(formatFloat(b.count));
      next++;
    }
    parts.push(`${name}:[${counts.join(' ')}]`);
  };
  side(positiveBucketList(h), 'offset', 'buckets');
  side(negativeBucketList(h), 'n_offset', 'n_buckets');
  return `{{${parts.join(' ')}}}`;
}

/** A bucket with its bounds and whether they belong to it. */
export interface HistogramBucket {
  readonly lower: number;
  readonly upper: number;
  readonly lowerInclusive: boolean;
  readonly upperInclusive: boolean;
  readonly count: number;
}

/** All buckets from the lowest to the highest, empty ones too, the zero bucket among them when it is populated. */
export function histogramBuckets(h: FloatHistogram): HistogramBucket[] {
  const custom = usesCustomBuckets(h);
  return allBuckets(h).map(({ lower, upper, count, index }) => ({
    lower,
    upper,
    lowerInclusive: custom ? index === 0 : lower < 0,
    upperInclusive: custom || upper > 0,
    count,
  }));
}
