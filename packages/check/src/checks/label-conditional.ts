import { selectorsOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { hasVariable, placeOfSpan } from '../expression.ts';
import { matchesEmpty } from '../infer.ts';

const DOCUMENT = (query: string) => `| Metric | Type | Labels | Description |
| ------ | ---- | ------ | ----------- |
| \`shop_orders_total\` | Counter | \`region\`, \`user\` (only with --detailed) | Orders |

\`\`\`promql
${query}
\`\`\`
`;

export const labelConditional = defineCheck({
  name: 'label-conditional',
  finds: 'A query that needs a label which the service carries only when it is configured so.',
  severity: 'warning',
  why: `Labels of high cardinality are often off by default. A query that asks for a value of one, or groups by it alone, is
empty or has one nameless row on every installation that left the default. Catalogues say it with \`onlyWhen\`, tables in
parentheses after the label.`,
  bad: { 'README.md': DOCUMENT('sum by (user) (rate(shop_orders_total[5m]))') },
  good: { 'README.md': DOCUMENT('sum by (region) (rate(shop_orders_total[5m]))') },
  run: ({ nodes, found }, report) => {
    for (const { node, expression } of nodes) {
      const tell = (label: string, when: string) =>
        report({
          at: placeOfSpan(expression, node.span),
          message: `label ${label} is there only in some installations (${when}); in the others this shows nothing useful`,
          suggestion: 'let the query work without the label, or say beside it what it needs',
        });
      if (node.kind === 'selector') {
        for (const matcher of node.matchers) {
          const when = found(node)?.metric.labels.get(matcher.name)?.conditional;
          if (when !== undefined && !hasVariable(matcher.value) && !matchesEmpty(matcher)) tell(matcher.name, when);
        }
      } else if (node.kind === 'aggregation' && !node.without && node.grouping.length === 1) {
        const label = node.grouping[0]!;
        const whens = selectorsOf(node.expr).map((s) => found(s)?.metric.labels.get(label)?.conditional);
        const when = whens.find((w) => w !== undefined);
        if (when !== undefined && expression.use !== 'panel') tell(label, when);
      }
    }
  },
});
