import { defineCheck } from '../check.ts';
import { listed, ownMetrics } from '../naming.ts';

export const doublePrefix = defineCheck({
  name: 'double-prefix',
  finds: 'A metric with a word twice in a row, or a library’s metric under the service’s own name.',
  severity: 'warning',
  why: `\`shop_shop_requests\` comes from a namespace that was set twice. \`shop_process_cpu_seconds_total\` and \`shop_go_goroutines\`
are what client libraries export as \`process_…\` and \`go_…\`: dashboards and alerts for those do not find them.`,
  bad: listed('shop_process_cpu_seconds_total', 'Counter'),
  good: listed('shop_worker_cpu_seconds_total', 'Counter'),
  run: (world, report) => {
    for (const { name, at } of ownMetrics(world)) {
      const words = name.split('_');
      const twice = words.findIndex((w, i) => i > 0 && w === words[i - 1] && w.length > 1);
      if (twice > 0)
        report({
          at,
          message: `${name} has ${words[twice]} twice in a row`,
          suggestion: words.filter((_, i) => i !== twice).join('_'),
        });
      const library = /^[a-z0-9]+_((?:process|go|jvm)_\w+)$/.exec(name)?.[1];
      if (library && world.catalogue.find(library)?.metric.authority === 'common') {
        report({
          at,
          message: `${name} is ${library} of the client library under another name`,
          suggestion: `use ${library} with a job label`,
        });
      } else if (library && /^go_(?:goroutines|threads|gc|memstats)/.test(library)) {
        report({ at, message: `${name} is a metric of the client library under another name`, suggestion: library });
      }
    }
  },
});
