import { defineCheck } from '../check.ts';
import { listed, ownMetrics } from '../naming.ts';

export const typeInName = defineCheck({
  name: 'type-in-name',
  finds: 'A metric with its type in its name: `…_histogram`, `…_gauge`, `…_counter`.',
  severity: 'warning',
  why: 'The type is exported beside the name. In the name it is noise, wrong after a change, and reads `_histogram_bucket` in queries.',
  bad: listed('shop_batch_size_histogram', 'Histogram'),
  good: listed('shop_batch_size', 'Histogram'),
  run: (world, report) => {
    for (const { name, at } of ownMetrics(world)) {
      const word = /(?:^|_)(counter|gauge|histogram|summary)(?=_|$)/.exec(name)?.[1];
      if (word) report({ at, message: `${name} has its type in its name`, suggestion: name.replace(`_${word}`, '') });
    }
  },
});
