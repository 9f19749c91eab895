import { compileMatcher, nearest } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { hasVariable, placeOfSpan } from '../expression.ts';

const config = {
  'prometheus.yml': 'scrape_configs:\n  - job_name: shop\n    static_configs:\n      - targets: [shop:9100]\n',
};

export const jobUnknown = defineCheck({
  name: 'job-unknown',
  finds: 'A query of a job that the given scrape configuration does not have.',
  severity: 'warning',
  why: `\`up{job="hypersdk"} == 0\` never fires when the job is called otherwise: there is no such \`up\`. Told where a Prometheus
configuration is checked too, unless its jobs are found by an operator or renamed by relabelling.`,
  bad: { ...config, ...alertFile('up{job="shopp"} == 0') },
  good: { ...config, ...alertFile('up{job="shop"} == 0') },
  run: ({ prometheus, monitors, packs, nodes }, report) => {
    const jobs = prometheus.flatMap((p) => p.jobs);
    const renamed = jobs.some((j) => j.labels.includes('job') || j.labels.includes('exported_job'));
    const federated = jobs.some((j) => /federate/.test(j.name));
    if (jobs.length === 0 || monitors.length > 0 || renamed || federated) return;
    const names = [...jobs.map((j) => j.name), ...packs.flatMap((p) => p.pack.scrape.map((s) => s.job))];
    for (const { node, expression } of nodes) {
      for (const matcher of node.kind === 'selector' ? node.matchers : []) {
        if (matcher.name !== 'job' || hasVariable(matcher.value) || matcher.value === '') continue;
        let matches: (value: string) => boolean;
        try {
          ({ matches } = compileMatcher(matcher));
        } catch {
          continue;
        }
        if (names.some(matches) || matches('')) continue;
        const near = nearest(matcher.value, names);
        report({
          at: placeOfSpan(expression, node.span),
          message: `no job that is scraped is ${matcher.op === '=' ? '' : 'like '}${JSON.stringify(matcher.value)}`,
          suggestion: near ? `did you mean ${near}?` : `jobs: ${names.join(', ')}`,
        });
      }
    }
  },
});
