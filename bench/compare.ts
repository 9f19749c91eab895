/** Whether two answers of the query API say the same. */

const TOLERANCE = 1e-9;

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

export interface QueryData {
  readonly resultType: string;
  readonly result: readonly Series[];
}

/** The first difference in words; undefined when there is none. */
export function difference(ours: QueryData, theirs: QueryData): string | undefined {
  if (ours.resultType !== theirs.resultType) return `type ${ours.resultType}, expected ${theirs.resultType}`;
  const left = byMetric(ours.result);
  const right = byMetric(theirs.result);
  for (const key of right.keys()) if (!left.has(key)) return `series missing: ${key}`;
  for (const key of left.keys()) if (!right.has(key)) return `series too many: ${key}`;
  for (const [key, series] of right) {
    const told = pointsDifference(points(left.get(key)!), points(series));
    if (told !== undefined) return `${key}: ${told}`;
  }
  return undefined;
}

function byMetric(result: readonly Series[]): Map<string, Series> {
  return new Map(result.map((s) => [JSON.stringify(Object.entries(s.metric).sort(([a], [b]) => (a < b ? -1 : 1))), s]));
}

function points(series: Series): readonly (readonly [number, string])[] {
  return series.values ?? (series.value ? [series.value] : []);
}

function pointsDifference(
  ours: readonly (readonly [number, string])[],
  theirs: readonly (readonly [number, string])[],
): string | undefined {
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [time, value] = ours[i] ?? [];
    const [wantedTime, wanted] = theirs[i] ?? [];
    if (time !== wantedTime) return `point at ${time}, expected one at ${wantedTime} (${wanted})`;
    if (!near(value!, wanted!)) return `${value} at ${time}, expected ${wanted}`;
  }
  return undefined;
}

function near(a: string, b: string): boolean {
  if (a === b) return true;
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isFinite(x) || !Number.isFinite(y)) return Object.is(x, y);
  return Math.abs(x - y) <= TOLERANCE * Math.max(Math.abs(x), Math.abs(y));
}
