import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { wholeOf } from '../source.ts';

const withLink = (url: string) => ({
  'rules.yml': `${alertFile('up == 0')['rules.yml']}          runbook_url: ${url}\n`,
});
/** Hosts that RFC 2606 keeps for examples, and other signs that the address was never filled in. */
const PLACEHOLDER =
  /\b(?:your|my)[-_.]?(?:org|company|domain|wiki)\b|<[^>]+>|\bTODO\b|\bexample\.(?:com|net)\b|\bchange-?me\b/i;

export const runbookDead = defineCheck({
  name: 'runbook-dead',
  finds: 'A runbook link that cannot be followed: a placeholder, or not a link.',
  severity: 'warning',
  why: 'A dead link is found out at night. Whether a server answers is not asked; what can be seen in the file is.',
  bad: withLink('https://wiki.your-company.com/runbooks/down'),
  good: withLink('https://runbooks.shop.org/down'),
  run: ({ alerts }, report) => {
    for (const { annotations } of alerts) {
      for (const [name, { value }] of annotations) {
        if (!/runbook|playbook/i.test(name) || value.text === '') continue;
        if (PLACEHOLDER.test(value.text))
          report({ at: wholeOf(value), message: `${name} is a placeholder: ${value.text}` });
        else if (/_url$|^https?:/.test(`${name}`) && !/^(?:https?:\/\/|\/|\.{0,2}\/|\{\{)/.test(value.text)) {
          report({ at: wholeOf(value), message: `${name} is not a link: ${value.text}` });
        }
      }
    }
  },
});
