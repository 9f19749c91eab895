import { defineCheck } from '../check.ts';
import type { Place } from '../source.ts';
import { at, itemsOf, placeOf, textOf } from '../tree.ts';

const file = (second: string) => ({
  'prometheus.yml': `scrape_configs:
  - job_name: shop
    static_configs:
      - targets: [127.0.0.1:9100]
  - job_name: mail
    static_configs:
      - targets: [${second}]
`,
});

export const duplicateTarget = defineCheck({
  name: 'duplicate-target',
  finds: 'One address that two jobs scrape under the same path.',
  severity: 'warning',
  why: `Two services cannot listen on one port: one of the jobs scrapes the wrong one, and its dashboards show the other’s numbers.
Where it is meant, the same series are stored twice and sums count them twice.`,
  bad: file('127.0.0.1:9100'),
  good: file('127.0.0.1:9101'),
  run: ({ prometheus, packs }, report) => {
    const seen = new Map<string, string>();
    const tell = (address: string, path: string, job: string, place: Place) => {
      const key = `${address}${path}`;
      const other = seen.get(key);
      if (other !== undefined && other !== job)
        report({ at: place, message: `${address} is scraped by job ${other} and by job ${job}` });
      else seen.set(key, job);
    };
    for (const { tree } of prometheus) {
      seen.clear();
      for (const job of itemsOf(at(tree, 'scrape_configs'))) {
        // The blackbox way of probing has the address of the prober in another place.
        if (at(job, 'relabel_configs') || at(job, 'params')) continue;
        for (const target of itemsOf(at(job, 'static_configs')).flatMap((c) => itemsOf(at(c, 'targets')))) {
          const name = textOf(at(job, 'job_name')) ?? '';
          tell(textOf(target) ?? '', textOf(at(job, 'metrics_path')) ?? '/metrics', name, placeOf(target));
        }
      }
    }
    seen.clear();
    for (const { pack, placeOf: place } of packs) {
      for (const { job, targets, path } of pack.scrape) for (const t of targets) tell(t, path, job, place(t));
    }
  },
});
