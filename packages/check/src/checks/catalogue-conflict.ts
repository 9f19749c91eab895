import type { KnownMetric } from '../catalogue.ts';
import { defineCheck } from '../check.ts';
import { fileSpan, type Place, rangeOf } from '../source.ts';

const row = (type: string, labels: string) => `| Metric | Type | Labels | Description |
| ------ | ---- | ------ | ----------- |
| \`shop_orders_total\` | ${type} | ${labels} | Orders |
`;

export const catalogueConflict = defineCheck({
  name: 'catalogue-conflict',
  finds: 'Two places that declare one metric with different types or different labels.',
  severity: 'warning',
  why: 'One of them is wrong, and queries that were written after it are too. A client library even drops the second of two shapes.',
  bad: { 'a.md': row('Counter', '`status`'), 'b.md': row('Counter', '`status`, `provider`') },
  good: { 'a.md': row('Counter', '`status`'), 'b.md': row('Counter', '`status`') },
  run: ({ declared }, report) => {
    const first = new Map<string, KnownMetric[]>();
    for (const metric of declared) {
      const others = first.get(metric.name) ?? [];
      first.set(metric.name, others);
      const said = metric.at && others.map((o) => difference(o, metric)).find((d) => d !== undefined);
      if (said) report({ at: metric.at!, message: `${metric.name}: ${said}` });
      if (metric.at) others.push(metric);
    }
  },
});

function difference(a: KnownMetric, b: KnownMetric): string | undefined {
  if (!a.at || !b.at || (a.at.in.file === b.at.in.file && fileSpan(a.at).start === fileSpan(b.at).start))
    return undefined;
  // A summary’s or another job’s metric of one name is a thing of its own.
  if (a.authority === 'pack' && b.authority === 'pack') return undefined;
  if (a.type !== b.type && a.type !== 'unknown' && b.type !== 'unknown') {
    return `a ${b.type} here, a ${a.type} at ${where(a.at)}`;
  }
  if (!a.complete || !b.complete) return undefined;
  const own = (m: KnownMetric) => [...m.labels].filter(([, l]) => l.conditional === undefined).map(([name]) => name);
  const [left, right] = [new Set(own(a)), new Set(own(b))];
  const more = own(b).filter((l) => !a.labels.has(l));
  const fewer = own(a).filter((l) => !b.labels.has(l));
  if (more.length === 0 && fewer.length === 0) return undefined;
  const list = (labels: ReadonlySet<string>) => (labels.size > 0 ? `labels ${[...labels].join(', ')}` : 'no labels');
  return `${list(right)} here, ${list(left)} at ${where(a.at)}`;
}

function where(at: Place): string {
  return `${at.in.file.path}:${rangeOf(at).line}`;
}
