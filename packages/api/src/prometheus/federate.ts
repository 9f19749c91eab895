import {
  compareText,
  formatFloat,
  isLegacyLabelName,
  isLegacyMetricName,
  isStaleNaN,
  type Labels,
  labelPairs,
  labelValue,
  type Matcher,
  METRIC_NAME,
  metricName,
  quote,
} from '@belfry/model';
import type { PrometheusHost } from './host.ts';

/** The newest samples of the selected series, and the labels this server adds, in the text format. */
export async function federate(
  host: PrometheusHost,
  matcherSets: readonly (readonly Matcher[])[],
  signal: AbortSignal,
): Promise<string> {
  const nowMs = host.clock.now();
  const { lookbackMs } = host;
  const rows = new Map<string, { name: string; line: string }>();
  for (const matchers of matcherSets) {
    const series = await host.queryable.raw(matchers, nowMs - lookbackMs, nowMs, Number.MAX_SAFE_INTEGER, signal);
    for (const { labels, timestamps, values, histograms } of series) {
      const last = timestamps.length - 1;
      // A native histogram has no form in this format.
      if (last < 0 || histograms?.[last] || isStaleNaN(values[last]!)) continue;
      const key = textSeries(withExternal(labels, host.externalLabels()));
      rows.set(key, { name: metricName(labels), line: `${key} ${formatFloat(values[last]!)} ${timestamps[last]}` });
    }
  }
  const sorted = [...rows.values()].sort((a, b) => compareText(a.name, b.name) || compareText(a.line, b.line));
  let out = '';
  let previous: string | undefined;
  for (const { name, line } of sorted) {
    if (name !== previous) out += `# TYPE ${isLegacyMetricName(name) ? name : quote(name)} untyped\n`;
    previous = name;
    out += `${line}\n`;
  }
  return out;
}

/**
 * The labels of the series, then those it lacks: the external ones, and an empty `instance`, so that the scraper does not
 * put its own there.
 */
function withExternal(labels: Labels, external: Labels): [string, string][] {
  const added = [...labelPairs(external)];
  if (labelValue(external, 'instance') === '') added.push(['instance', '']);
  const missing = added.filter(([name]) => labelValue(labels, name) === '');
  return [...labelPairs(labels), ...missing.sort((a, b) => compareText(a[0], b[0]))];
}

function textSeries(pairs: readonly [string, string][]): string {
  const name = pairs.find(([n]) => n === METRIC_NAME)?.[1] ?? '';
  const escaped = (value: string) => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
  const parts = pairs
    .filter(([n]) => n !== METRIC_NAME)
    .map(([n, v]) => `${isLegacyLabelName(n) ? n : `"${escaped(n)}"`}="${escaped(v)}"`);
  if (isLegacyMetricName(name)) return `${name}{${parts.join(',')}}`;
  return `{${[`"${escaped(name)}"`, ...parts].join(',')}}`;
}
