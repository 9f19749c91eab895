import { metricNamesOf } from '@belfry/promql';
import { defineCheck } from '../check.ts';
import type { AlertRule } from '../documents.ts';
import { alertFile } from '../examples.ts';
import { shared, statedThresholds, topicOf } from '../prose-thresholds.ts';

const doc = { 'README.md': '## Alerting thresholds\n\n- Heap memory > 500MB\n' };

export const thresholdInTextWithoutAlert = defineCheck({
  name: 'threshold-in-text-without-alert',
  finds: 'A threshold that a document states and no alert watches.',
  severity: 'warning',
  why: `A table of recommended thresholds reads as if somebody watched them. Compared by the words of the alerts, so it is told only
where no alert is about the same thing at all.`,
  bad: doc,
  good: { ...doc, ...alertFile('jvm_heap_memory_bytes{job="shop"} > 5e8') },
  run: ({ prose, alerts }, report) => {
    const topics = alerts.map(alertTopic);
    for (const { subject, at, written } of prose.flatMap(statedThresholds)) {
      const about = topicOf(subject);
      if (about.size === 0 || topics.some((t) => shared(about, t) >= Math.min(2, about.size))) continue;
      report({ at, message: `no alert watches «${subject} ${written}»` });
    }
  },
});

/** What an alert is about, by its name and the metrics it asks. */
export function alertTopic(alert: AlertRule): ReadonlySet<string> {
  const metrics = alert.expression?.ast ? metricNamesOf(alert.expression.ast) : [];
  return topicOf([alert.name, ...metrics].join(' '));
}
