import { nearest } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { isAbsent } from '../infer.ts';
import { placeIn } from '../source.ts';
import { labelsReadBy } from '../template-text.ts';

export const annotationLabelAggregatedAway = defineCheck({
  name: 'annotation-label-aggregated-away',
  finds: 'An annotation or label that names a label which the alert’s expression does not have.',
  severity: 'warning',
  why: `The notification says «error rate of  is high», with a gap where the name should be: an aggregation removed the label,
or the metric never had it. (\`$labels\` are the labels of the result; those the rule adds are not among them.)`,
  bad: alertFile('sum by (job) (rate(errors_total[5m])) > 1', { description: 'errors on {{ $labels.instance }}' }),
  good: alertFile('sum by (job, instance) (rate(errors_total[5m])) > 1', {
    description: 'errors on {{ $labels.instance }}',
  }),
  run: ({ alerts, labelsOf }, report) => {
    for (const { expression, annotations, labels: own } of alerts) {
      if (!expression?.ast) continue;
      const labels = labelsOf(expression.ast);
      for (const { value } of [...annotations.values(), ...own.values()]) {
        for (const { label, start, end } of labelsReadBy(value.text)) {
          if (label === 'alertname' || label === '__name__' || !isAbsent(labels, label)) continue;
          const there = [...labels.possible].sort();
          const near = nearest(label, there);
          const what = labels.narrowed ? 'the expression aggregates it away' : 'no series of the expression has it';
          report({
            at: placeIn(value, start, end),
            message: `label ${label} is always empty here: ${what}`,
            suggestion: near
              ? `did you mean ${near}?`
              : there.length > 0 && there.length < 6
                ? `the result has ${there.join(', ')}`
                : 'keep it in the grouping, or leave it out of the text',
          });
        }
      }
    }
  },
});
