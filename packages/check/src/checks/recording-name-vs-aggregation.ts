import type { Expr } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { recordFile } from '../examples.ts';
import { bare } from '../windows.ts';

export const recordingNameVsAggregation = defineCheck({
  name: 'recording-name-vs-aggregation',
  finds: 'A recording rule whose name promises a level of aggregation that its expression does not have.',
  severity: 'warning',
  why: `\`job:x:rate5m\` is read as «one series for each job». If the expression does not aggregate, there is one for each
instance, path and method; whoever adds or divides by it gets something else than the name says.`,
  bad: recordFile('job:shop_requests:rate5m', 'rate(shop_requests_total[5m])'),
  good: recordFile('job:shop_requests:rate5m', 'sum by (job) (rate(shop_requests_total[5m]))'),
  run: ({ recordings, labelsOf }, report) => {
    for (const { name, at, expression } of recordings) {
      const level = /^([a-z_]+):/.exec(name)?.[1];
      if (!expression?.ast || level === undefined || !name.includes(':', level.length + 1)) continue;
      const words = level.split('_');
      const labels = labelsOf(expression.ast);
      if (
        !aggregates(expression.ast) &&
        /^(?:job|cluster|namespace|service|app|method|code|status|region)$/.test(level)
      ) {
        report({
          at,
          message: `the name says one series a ${level}, but nothing is aggregated`,
          suggestion: `sum by (${level}) (…)`,
        });
      } else if (labels.narrowed && !labels.open && !labels.possible.has(level)) {
        const by = [...labels.possible];
        const named = words.some((w) => by.some((l) => l === w || l.includes(w) || w.includes(l)));
        if (by.length > 0 && !named && /^(?:job|instance|cluster|namespace)$/.test(level)) {
          report({ at, message: `the name says one series a ${level}, but the result has ${by.join(', ')}` });
        }
      }
    }
  },
});

/** Whether some aggregation stands between the series and the result. */
function aggregates(expr: Expr): boolean {
  const node = bare(expr);
  switch (node.kind) {
    case 'aggregation':
      return true;
    case 'call':
      return node.args.some(aggregates) || /^absent/.test(node.func);
    case 'binary':
      return aggregates(node.left) || aggregates(node.right) || (node.matching?.on ?? false);
    case 'unary':
    case 'subquery':
      return aggregates(node.expr);
    case 'selector':
      return node.name?.includes(':') ?? true;
    case 'range':
      return node.selector.name?.includes(':') ?? true;
    default:
      return false;
  }
}
