/**
 * The unit of an expression's values, guessed from the names that Prometheus' conventions give metrics. Undefined when
 * the names do not tell: a wrong unit is worse than none.
 */
export function guessUnit(expr: string): string | undefined {
  const text = expr.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const names = [...text.matchAll(/\b[a-z][a-z0-9_:]*_[a-z0-9_]+\b(?!\s*\()/g)].map((m) => m[0]);
  const perSecond = /\b(?:i?rate|deriv)\s*\(/.test(text);
  if (/\/|\b(?:count|group|absent|present_over_time|changes|resets|timestamp|vector)\b|[<>]=?|[=!]=/.test(text))
    return undefined;
  if (/histogram_quantile/.test(text))
    return names.some((n) => n.includes('_seconds'))
      ? 's'
      : names.some((n) => n.includes('_bytes'))
        ? 'bytes'
        : undefined;
  if (names.length === 0) return undefined;
  const every = (test: (n: string) => boolean) =>
    names.filter((n) => /_(bytes|seconds|ratio|total|percent|celsius)/.test(n)).every(test) && names.some(test);
  if (every((n) => /_bytes(_total|_sum)?$/.test(n))) return perSecond ? 'binBps' : 'bytes';
  if (every((n) => /_timestamp_seconds$/.test(n))) return undefined;
  if (every((n) => /_seconds(_sum)?$/.test(n)) && !perSecond) return 's';
  if (every((n) => /_ratio$/.test(n))) return 'percentunit';
  if (every((n) => /_percent$/.test(n))) return 'percent';
  return undefined;
}
