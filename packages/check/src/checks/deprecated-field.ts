import { quote } from '@belfry/model';
import { defineCheck, type Replacement, type Report } from '../check.ts';
import { alertmanagerFile } from '../examples.ts';
import { allRoutes } from '../routes.ts';
import { type Place, placeIn } from '../source.ts';
import { at, entriesOf, entryOf, itemsOf, type MapEntry, type Tree, textOf } from '../tree.ts';

const file = (route: string) =>
  alertmanagerFile(`route:
  receiver: mail
  routes:
    - receiver: pager
      ${route}
receivers:
  - name: mail
  - name: pager
`);

/** Exporters that OpenTelemetry's Collector has no more, and since when. */
const GONE_EXPORTERS: Readonly<Record<string, string>> = {
  jaeger: 'removed in v0.86; Jaeger takes OTLP: use otlp',
  logging: 'renamed to debug, removed in v0.111',
  opencensus: 'removed in v0.119: use otlp',
};

export const deprecatedField = defineCheck({
  name: 'deprecated-field',
  finds:
    'Fields and addresses that are deprecated or gone: `match`, PagerDuty’s `service_key`, Alertmanager’s API v1, removed exporters of the Collector.',
  severity: 'warning',
  why: 'What is deprecated works until an upgrade; what is gone does not work at all: a Collector with an unknown exporter does not start.',
  bad: file('match: { severity: critical }'),
  good: file('matchers: [severity="critical"]'),
  run: ({ alertmanagers, documents, shell, prometheus }, report) => {
    for (const { root, receivers, tree } of alertmanagers) {
      for (const route of root ? allRoutes(root) : [])
        for (const f of ['match', 'match_re']) oldMatch(route.tree, f, 'matchers', report);
      for (const rule of itemsOf(at(tree, 'inhibit_rules'))) {
        for (const side of ['source', 'target'])
          for (const f of ['match', 'match_re']) oldMatch(rule, `${side}_${f}`, `${side}_matchers`, report);
      }
      for (const { type, tree: config } of receivers.flatMap((r) => r.integrations)) {
        const key = entryOf(config, 'service_key');
        if (type === 'pagerduty' && key) {
          report({
            at: key.key,
            message: 'service_key is for PagerDuty’s old Prometheus integration',
            suggestion: 'use routing_key with an integration of Events API v2',
          });
        }
        const url = entryOf(config, 'url')?.value;
        if (/\/api\/v1\/alerts$/.test(textOf(url) ?? '')) {
          report({
            at: { in: url!.in, start: url!.start, end: url!.end },
            severity: 'warning',
            message: 'Alertmanager has no API v1 since version 0.27',
          });
        }
      }
      oldIntervals(tree, report);
    }
    for (const { tree } of prometheus) {
      for (const am of itemsOf(at(tree, 'alerting', 'alertmanagers'))) {
        const version = entryOf(am, 'api_version');
        if (textOf(version?.value) === 'v1')
          report({
            at: version!.key,
            message: 'Alertmanager has no API v1 since version 0.27',
            suggestion: 'api_version: v2',
          });
      }
    }
    for (const document of documents) {
      if (document.kind !== 'collector') continue;
      for (const [name, { key }] of entriesOf(at(document.tree, 'exporters'))) {
        const gone = GONE_EXPORTERS[name.split('/')[0]!];
        if (gone) report({ at: key, severity: 'warning', message: `the Collector’s exporter ${name} was ${gone}` });
      }
    }
    for (const snippet of shell) {
      for (const m of snippet.text.matchAll(/:9093\/api\/v1\/\w+/g)) {
        report({
          at: placeIn(snippet, m.index, m.index + m[0].length),
          message: 'Alertmanager has no API v1 since version 0.27: this answers 410',
          suggestion: m[0].replace('/v1/', '/v2/'),
          fix: [{ at: placeIn(snippet, m.index, m.index + m[0].length), text: m[0].replace('/v1/', '/v2/') }],
        });
      }
    }
  },
});

function oldMatch(tree: Tree, field: string, now: string, report: Report): void {
  const entry = entryOf(tree, field);
  if (!entry) return;
  const op = field.endsWith('_re') ? '=~' : '=';
  const matchers = entriesOf(entry.value).map(([name, { value }]) => `${name}${op}${quote(textOf(value) ?? '')}`);
  const fix = entryOf(tree, now) ? undefined : rewrite(entry, now, matchers);
  report({
    at: entry.key,
    message: `${field} is deprecated since Alertmanager 0.22`,
    suggestion: `${now}: [${matchers.join(', ')}]`,
    ...(fix ? { fix } : {}),
  });
}

/** The map in block style replaced by a list in flow style on the key's line. */
function rewrite(
  { key, value }: MapEntry,
  now: string,
  matchers: readonly string[],
): readonly Replacement[] | undefined {
  if (value.kind !== 'map' || value.in !== key.in) return undefined;
  const length = value.in.text.slice(0, value.end).trimEnd().length;
  const items = matchers.map((m) => `'${m.replaceAll("'", "''")}'`).join(', ');
  const whole: Place = placeIn(value.in, key.start, length);
  return [{ at: whole, text: `${now}: [${items}]` }];
}

function oldIntervals(tree: Tree, report: Report): void {
  const entry = entryOf(tree, 'mute_time_intervals');
  if (entry)
    report({
      at: entry.key,
      message: 'the top-level mute_time_intervals is deprecated since Alertmanager 0.24',
      suggestion: 'time_intervals',
    });
}
