import { metricNameOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeOfSpan } from '../expression.ts';

export const scopeMissing = defineCheck({
  name: 'scope-missing',
  finds: 'A metric that every service exports, asked for without saying of which.',
  severity: 'warning',
  why: `\`up\`, \`process_…\`, \`go_…\` and \`http_requests_total\` come from everything that is scraped: an alert of the shop then
fires for the database, and a panel draws them all.`,
  bad: alertFile('process_resident_memory_bytes > 2e9'),
  good: alertFile('process_resident_memory_bytes{job="shop"} > 2e9'),
  run: ({ nodes }, report) => {
    for (const { node, expression, around } of nodes) {
      if (node.kind !== 'selector' || expression.use === 'prose' || expression.use === 'variable') continue;
      const name = metricNameOf(node) ?? '';
      const shared =
        /^(?:process|go|jvm|promhttp)_|^http_requests_total$|^http_request_duration_seconds(?:_bucket|_sum|_count)?$/;
      const up = name === 'up' && expression.use === 'panel' && !around.some((a) => a.kind === 'aggregation');
      if (!shared.test(name) && !up) continue;
      if (
        node.matchers.some(
          (m) => m.name !== '__name__' && /job|instance|service|app|namespace|container|pod|cluster/.test(m.name),
        )
      )
        continue;
      const scoped = `${name}{job="…"}`;
      report({
        at: placeOfSpan(expression, node.span),
        severity: expression.use === 'alert' ? 'warning' : 'info',
        message: `${name} is exported by every service: this takes them all`,
        suggestion: scoped,
      });
    }
  },
});
