import { type Labels, labelsKey, labelsWith, METRIC_NAME } from '@belfry/model';
import type { RecordingRule } from './rule-file.ts';
import type { RuleQuery } from './sample.ts';
import type { SampleToWrite } from './write-samples.ts';

/** Evaluates a recording rule. @throws Error: of the query, or for a result that cannot be recorded */
export async function evaluateRecording(
  rule: RecordingRule,
  timeMs: number,
  limit: number,
  query: RuleQuery,
  signal: AbortSignal | undefined,
): Promise<readonly SampleToWrite[]> {
  const result = await query(rule.query, timeMs, signal);
  const seen = new Set<string>();
  const samples = result.map(({ labels, value, histogram }) => {
    const own = recordedLabels(rule, labels);
    seen.add(labelsKey(own));
    return { labels: own, value, ...(histogram ? { histogram } : {}) };
  });
  if (seen.size < samples.length) {
    throw new Error('vector contains metrics with the same labelset after applying rule labels');
  }
  if (limit > 0 && samples.length > limit) {
    throw new Error(`exceeded limit of ${limit} with ${samples.length} series`);
  }
  return samples;
}

function recordedLabels(rule: RecordingRule, labels: Labels): Labels {
  let own = labelsWith(labels, METRIC_NAME, rule.name);
  for (const [name, value] of rule.labelTexts) own = labelsWith(own, name, value);
  return own;
}
