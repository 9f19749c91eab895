import { defineCheck } from '../check.ts';

export const globAsProduct = defineCheck({
  name: 'glob-as-product',
  finds: 'A document that lists metrics as a pattern (`shop_*_total`): nobody can tell which of them exist.',
  severity: 'info',
  why: `\`vm_*_requests_total\` reads as if every operation had one, while the code counts some. A pattern is no PromQL either.
Names can be checked; patterns cannot.`,
  bad: { 'README.md': '- `shop_*_requests_total` - Requests by operation\n' },
  good: { 'README.md': '- `shop_order_requests_total` - Requests to order\n' },
  run: ({ prose, catalogue }, report) => {
    for (const { pattern, at } of prose.flatMap((p) => p.globs)) {
      if (
        /^(?:go|process|http|jvm|jdbc|node|python|nodejs|system|rest_client|workqueue|controller_runtime)_\*$/.test(
          pattern,
        )
      )
        continue;
      const regex = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
      const matching = catalogue.metrics.filter((m) => regex.test(m.name)).map((m) => m.name);
      const sure = catalogue.metrics.some((m) => m.authority === 'pack' || m.authority === 'dump');
      report({
        at,
        severity: sure && matching.length === 0 ? 'warning' : 'info',
        message:
          sure && matching.length === 0
            ? `no known metric is like ${pattern}`
            : `${pattern} is a pattern: which metrics exist cannot be told from it`,
        suggestion:
          matching.length > 0
            ? `list them: ${matching.slice(0, 8).join(', ')}`
            : `in a query: {__name__=~"${pattern.replaceAll('*', '.*')}"}`,
      });
    }
  },
});
