import type { KnownMetric } from './catalogue.ts';
import type { Place } from './source.ts';
import type { World } from './world.ts';

/** The metrics of the given catalogues that are somebody's own to name: not those of client libraries. */
export function ownMetrics({ catalogue }: World): readonly (KnownMetric & { readonly at: Place })[] {
  const own: (KnownMetric & { readonly at: Place })[] = [];
  for (const metric of catalogue.metrics) {
    const library = /^(?:go|process|promhttp|python|nodejs|jvm|scrape|http|jdbc|system|up|target)(?:_|$)/.test(
      metric.name,
    );
    if (metric.at && metric.authority !== 'common' && !library) own.push({ ...metric, at: metric.at });
  }
  return own;
}

/** A catalogue of one metric, for examples. */
export function listed(name: string, type: string, labels = '', help = 'What it is'): { 'README.md': string } {
  return {
    'README.md': `| Metric | Type | Labels | Description |
| ------ | ---- | ------ | ----------- |
| \`${name}\` | ${type} | ${labels} | ${help} |
`,
  };
}
