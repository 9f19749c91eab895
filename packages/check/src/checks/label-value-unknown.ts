import { compileMatcher, nearest } from '@belfry/model';
import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { hasVariable, placeOfSpan } from '../expression.ts';

const DOCUMENT = (query: string) => `| Metric | Type | Labels | Description |
| ------ | ---- | ------ | ----------- |
| \`shop_orders_total\` | Counter | \`outcome\` | Orders |

- \`outcome\`: how it ended (\`success\`, \`failure\`)

\`\`\`promql
${query}
\`\`\`
`;

export const labelValueUnknown = defineCheck({
  name: 'label-value-unknown',
  finds: 'A matcher that none of the label’s known values fulfils.',
  severity: 'warning',
  why: `A label of a closed set (an outcome, a state) has values from the code. A matcher for another spelling selects
nothing and looks right. It is an error where a pack declares the values.`,
  bad: { 'README.md': DOCUMENT('rate(shop_orders_total{outcome="failed"}[5m])') },
  good: { 'README.md': DOCUMENT('rate(shop_orders_total{outcome="failure"}[5m])') },
  run: ({ nodes, found }, report) => {
    for (const { node, expression } of nodes) {
      if (node.kind !== 'selector') continue;
      const metric = found(node)?.metric;
      for (const matcher of metric ? node.matchers : []) {
        const values = metric!.labels.get(matcher.name)?.values;
        if (!values || hasVariable(matcher.value)) continue;
        let matches: (value: string) => boolean;
        try {
          ({ matches } = compileMatcher(matcher));
        } catch {
          continue;
        }
        if (values.some(matches) || matches('')) continue;
        const near = nearest(matcher.value, values);
        report({
          at: placeOfSpan(expression, node.span),
          severity: metric!.authority === 'pack' ? 'error' : 'warning',
          message: `${metricNameOf(node)} never has ${matcher.name}${matcher.op}"${matcher.value}"`,
          suggestion: near ? `did you mean "${near}"?` : `values of ${matcher.name}: ${values.join(', ')}`,
        });
      }
    }
  },
});
