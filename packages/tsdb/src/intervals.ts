/** A span of time, both ends inclusive, in milliseconds. */
export interface Interval {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Adds a span to ascending, disjoint spans; those that touch become one. */
export function addInterval(intervals: readonly Interval[], added: Interval): Interval[] {
  const out: Interval[] = [];
  let { minMs, maxMs } = added;
  let placed = false;
  for (const i of intervals) {
    if (i.maxMs < minMs - 1) out.push(i);
    else if (i.minMs > maxMs + 1) {
      if (!placed) out.push({ minMs, maxMs });
      placed = true;
      out.push(i);
    } else {
      minMs = Math.min(minMs, i.minMs);
      maxMs = Math.max(maxMs, i.maxMs);
    }
  }
  if (!placed) out.push({ minMs, maxMs });
  return out;
}

/** Whether all of a span is within one of the ascending spans. */
export function covers(intervals: readonly Interval[] | undefined, minMs: number, maxMs: number): boolean {
  return intervals?.some((i) => i.minMs <= minMs && i.maxMs >= maxMs) ?? false;
}

export function overlapsAny(intervals: readonly Interval[] | undefined, minMs: number, maxMs: number): boolean {
  return intervals?.some((i) => i.minMs <= maxMs && i.maxMs >= minMs) ?? false;
}

export function within(intervals: readonly Interval[], t: number): boolean {
  for (const i of intervals) if (t >= i.minMs && t <= i.maxMs) return true;
  return false;
}
