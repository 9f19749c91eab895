import { familyWord } from '../catalogue.ts';
import { defineCheck } from '../check.ts';
import { ownMetrics } from '../naming.ts';

const rows = (names: readonly string[]) => ({
  'README.md': `| Metric | Type | Labels | Description |\n| ------ | ---- | ------ | ----------- |\n${names.map((n) => `| \`${n}\` | Counter | | What |\n`).join('')}`,
});

export const namePrefixInconsistent = defineCheck({
  name: 'name-prefix-inconsistent',
  finds:
    'A metric of a service that does not begin as the service’s others do, or whose prefix stands inside another one.',
  severity: 'info',
  why: 'With one prefix one finds all that a service exports by typing its first letters. `acme_shop_x` beside `shop_y` hides half.',
  bad: rows(['shop_requests_total', 'shop_errors_total', 'shop_orders_total', 'acme_shop_jobs_total']),
  good: rows(['shop_requests_total', 'shop_errors_total', 'shop_orders_total', 'shop_jobs_total']),
  run: (world, report) => {
    const metrics = ownMetrics(world);
    const families = new Map<string, number>();
    for (const { name } of metrics) families.set(familyWord(name), (families.get(familyWord(name)) ?? 0) + 1);
    const globs = world.prose.flatMap((p) => p.globs.map(({ pattern, at }) => ({ name: pattern, at })));
    const told = new Set<string>();
    for (const { name, at } of [...metrics, ...globs]) {
      const [first, second] = name.split('_');
      const inner = families.get(second ?? '') ?? 0;
      const pair = `${first}_${second}`;
      if (first === second || inner < 3 || told.has(pair)) continue;
      told.add(pair);
      report({
        at,
        message: `${name} begins with ${first}_, other metrics of ${second} with ${second}_`,
        suggestion: name.slice(first!.length + 1),
      });
    }
  },
});
