import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';

export const emptyRuleGroup = defineCheck({
  name: 'empty-rule-group',
  finds: 'A rule group without rules.',
  severity: 'warning',
  why: 'A group without rules does nothing. Often its rules were meant to be imported, which no format of rules can do.',
  bad: { 'rules.yml': 'groups:\n  - name: shop\n    rules:\n      # see alerts.yml\n' },
  good: alertFile('up == 0'),
  run: ({ rulesDocuments }, report) => {
    for (const { groups } of rulesDocuments) {
      for (const group of groups) {
        if (group.rules.length === 0) report({ at: group.at, message: `group ${group.name} has no rules` });
      }
    }
  },
});
