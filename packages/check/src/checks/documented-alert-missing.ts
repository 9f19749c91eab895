import { nearest } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeIn } from '../source.ts';

const doc = (name: string) => ({
  'README.md': `## Alerts\n\n**${name}**\n- **Severity**: Warning\n- **Condition**: >100 jobs\n`,
});

export const documentedAlertMissing = defineCheck({
  name: 'documented-alert-missing',
  finds: 'An alert that a document describes and that no rule defines.',
  severity: 'info',
  why: 'Readers rely on it; it does not exist, or is called otherwise. A warning where rules are among what is checked.',
  bad: { ...doc('QueueBacklog'), ...alertFile('up == 0') },
  good: { ...doc('Example'), ...alertFile('up == 0') },
  run: ({ prose, alerts }, report) => {
    const known = new Set(alerts.map((a) => a.name));
    for (const { lines } of prose) {
      lines.forEach((line, i) => {
        const match =
          /^\s*(?:#{2,6}\s+|[-*]\s+)?(?:\*\*|`)?([A-Z][A-Za-z0-9]*[a-z][A-Z][A-Za-z0-9]*)(?:\*\*|`)?\s*:?\s*$/.exec(
            line.text,
          );
        const next = lines
          .slice(i + 1, i + 5)
          .map((l) => l.text)
          .join('\n');
        if (!match || known.has(match[1]!) || !/^\s*[-*]?\s*\**(?:severity|condition|expr|trigger)\b/im.test(next))
          return;
        const start = line.text.indexOf(match[1]!);
        const near = nearest(match[1]!, known);
        report({
          at: placeIn(line, start, start + match[1]!.length),
          severity: alerts.length > 0 ? 'warning' : 'info',
          message: `alert ${match[1]} is described, but no rule that was checked defines it`,
          suggestion: near ? `did you mean ${near}?` : undefined,
        });
      });
    }
  },
});
