/** Names of series. */

export type Labels = Readonly<Record<string, string>>;

/** `{{label}}` replaced by the series' value; a missing label leaves its place empty, as in Grafana. */
export function formatLegend(format: string, labels: Labels): string {
  return format.replace(/\{\{\s*([\w.:]+)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
}

/** The series as PromQL writes it: `name{a="1", b="2"}`. */
export function seriesText(labels: Labels): string {
  const { __name__: name = '', ...rest } = labels;
  const pairs = Object.entries(rest).map(([k, v]) => `${k}="${v}"`);
  return pairs.length === 0 ? name || '{}' : `${name}{${pairs.join(', ')}}`;
}

/**
 * Names for the series of one query. Without a format (or `__auto`) a name is the labels in which the series differ:
 * one differing label gives its bare value, none gives the query's own text.
 */
export function seriesNames(format: string, all: readonly Labels[], expr: string): string[] {
  if (format !== '' && format !== '__auto')
    return all.map((labels) => formatLegend(format, labels) || seriesText(labels));
  if (format === '') return all.map((labels) => (Object.keys(labels).length === 0 ? expr : seriesText(labels)));
  if (all.length === 1) {
    const only = all[0]!;
    return [only.__name__ ?? (Object.keys(only).length === 0 ? expr : seriesText(only))];
  }
  const differing = differingLabels(all);
  return all.map((labels) => {
    if (differing.length === 1) return labels[differing[0]!] || seriesText(labels);
    return seriesText(Object.fromEntries(Object.entries(labels).filter(([k]) => differing.includes(k))));
  });
}

/** Names of the labels that are not the same in all series. */
export function differingLabels(all: readonly Labels[]): string[] {
  const names = new Set(all.flatMap((labels) => Object.keys(labels)));
  return [...names].filter((name) => new Set(all.map((labels) => labels[name])).size > 1).sort();
}
