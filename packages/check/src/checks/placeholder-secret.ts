import { defineCheck } from '../check.ts';
import { alertmanagerFile } from '../examples.ts';
import { placeIn } from '../source.ts';
import { entriesOf, itemsOf, type MapEntry, placeOf, type Tree, textOf } from '../tree.ts';

const SECRET_FIELD =
  /(?:^|_)(?:api_url|service_key|routing_key|api_key|token|bot_token|user_key|password|secret|auth_password|credentials|webhook_url|slack_api_url|url)$/;
const PLACEHOLDER =
  /^<[^>]+>$|\byour[-_ ]|^YOUR|_HERE$|\bchange[-_]?me\b|\bTODO\b|^x{4,}$|\bexample\.(?:com|org)\/(?:webhook|hook)|\/\.\.\.$|^\.\.\.$|\bplaceholder\b|T0+\/B0+\/X+/i;

export const placeholderSecret = defineCheck({
  name: 'placeholder-secret',
  finds: 'A key, token or address that was never filled in, or a secret written into the file.',
  severity: 'warning',
  why: `With a placeholder every notification fails, and only Alertmanager’s log says so. A real secret in a file is in the
history of the repository for ever: every receiver has a \`…_file\` field for it.`,
  bad: alertmanagerFile(
    'route:\n  receiver: pager\nreceivers:\n  - name: pager\n    pagerduty_configs:\n      - routing_key: YOUR_PAGERDUTY_KEY\n',
  ),
  good: alertmanagerFile(
    'route:\n  receiver: pager\nreceivers:\n  - name: pager\n    pagerduty_configs:\n      - routing_key_file: /run/secrets/pagerduty\n',
  ),
  run: ({ alertmanagers, prometheus }, report) => {
    for (const { tree, origin } of [...alertmanagers, ...prometheus]) {
      for (const [name, { value }] of secretsIn(tree)) {
        const text = textOf(value) ?? '';
        if (!PLACEHOLDER.test(text)) continue;
        report({
          at: placeOf(value),
          severity: origin === 'markdown' ? 'warning' : 'error',
          message: `${name} was never filled in: ${text}`,
          suggestion: `give it as a file: ${name}_file`,
        });
      }
    }
    const leaked = /https:\/\/hooks\.slack\.com\/services\/T[A-Z0-9]{8,}\/B[A-Z0-9]{8,}\/[A-Za-z0-9]{20,}/g;
    for (const { source } of alertmanagers) {
      for (const m of source.text.matchAll(leaked)) {
        if (PLACEHOLDER.test(m[0])) continue;
        report({
          at: placeIn(source, m.index, m.index + m[0].length),
          message: 'a secret is written into the file',
          suggestion: 'api_url_file',
        });
      }
    }
  },
});

function secretsIn(tree: Tree): (readonly [string, MapEntry])[] {
  if (tree.kind === 'list') return itemsOf(tree).flatMap(secretsIn);
  return entriesOf(tree).flatMap((entry) =>
    entry[1].value.kind === 'scalar' ? (SECRET_FIELD.test(entry[0]) ? [entry] : []) : secretsIn(entry[1].value),
  );
}
