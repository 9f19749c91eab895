/** Alerting inside of Grafana, provisioned by files: rules, contact points, policies. Inhibitions are not known there. */
import { createHash } from 'node:crypto';
import { BelfryError } from '@belfry/model';
import { prettyExpr } from '@belfry/promql';
import { type Alert, alertExpr } from './alert.ts';
import { type BuildSettings, type GeneratedFile, settle } from './build.ts';
import { secretOf } from './build-alertmanager.ts';
import type { Pack } from './pack.ts';
import { type Integration, type Receiver, type Route, receiversOf } from './routing.ts';
import type { Deployment } from './targets.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

/** How far back a query may look for its one value. */
const LOOK_BACK_S = 600;
const EXPRESSION = '__expr__';

export function grafanaAlertingFiles(packs: readonly Pack[], { options }: Deployment): readonly GeneratedFile[] {
  const settings = settle({ ...options, runbookBaseUrl: options.runbookBaseUrl ?? '' });
  const groups = packs.flatMap((pack) =>
    pack.rules
      .map((group) => ({
        orgId: 1,
        name: `${pack.name}-${group.name}`,
        folder: pack.title,
        interval: group.interval,
        rules: group.rules.filter((r) => r.kind === 'alert').map((a) => ruleOf(pack, a, settings)),
      }))
      .filter((group) => group.rules.length > 0),
  );
  const routed = packs.filter((p) => p.routing);
  const lost = routed.filter((p) => p.routing!.inhibitions.length > 0).map((p) => p.name);
  const notes =
    lost.length > 0 ? [`Grafana knows no inhibition; those of these packs are not here: ${lost.join(', ')}`] : [];
  const file = (name: string, value: object, more: readonly string[] = []) => ({
    path: `grafana-alerting/provisioning/alerting/${name}.yml`,
    text: yamlText({ apiVersion: 1, ...value }, [GENERATED, ...more]),
  });
  return [
    file('rules', { groups }, ['Recording rules stay with Prometheus: these alerts read what they record.']),
    ...(routed.length > 0
      ? [
          file('contact-points', { contactPoints: routed.flatMap(contactPoints) }, [
            'Secrets come from the environment.',
          ]),
          file('policies', { policies: [policies(routed)] }, notes),
        ]
      : []),
  ];
}

function ruleOf(pack: Pack, alert: Alert, settings: BuildSettings) {
  const expr = prettyExpr(alertExpr(alert));
  // What was written elsewhere may have several alerts of one name.
  const identity = alert.exact ? `${alert.name}/${expr}/${JSON.stringify(alert.labels)}` : alert.name;
  const uid = createHash('sha256').update(`${pack.name}/${identity}`).digest('hex').slice(0, 20);
  const own = alert.exact ? {} : { pack: pack.name };
  const runbook =
    alert.runbook && settings.runbookBaseUrl !== ''
      ? { runbook_url: `${settings.runbookBaseUrl}/${pack.name}/${alert.runbook}` }
      : {};
  return {
    uid,
    title: alert.name,
    condition: 'C',
    data: [
      {
        refId: 'A',
        relativeTimeRange: { from: LOOK_BACK_S, to: 0 },
        datasourceUid: settings.datasourceUid,
        model: { refId: 'A', expr, instant: true, range: false },
      },
      // Any series that the query gives is an alert, whatever its value.
      expression('B', { type: 'math', expression: 'is_number($A) || is_nan($A) || is_inf($A)' }),
      expression('C', {
        type: 'threshold',
        expression: 'B',
        conditions: [{ evaluator: { type: 'gt', params: [0] } }],
      }),
    ],
    // No series means that all is well; a query that fails is told.
    noDataState: 'OK',
    execErrState: 'Error',
    for: alert.for,
    ...(alert.keepFiringFor ? { keepFiringFor: alert.keepFiringFor } : {}),
    labels: mapValues({ ...alert.labels, ...own }, (text) => literal(templateOf(text))),
    annotations: mapValues({ ...alert.annotations, ...runbook }, templateOf),
  };
}

function expression(refId: string, model: Readonly<Record<string, unknown>>) {
  return {
    refId,
    relativeTimeRange: { from: 0, to: 0 },
    datasourceUid: EXPRESSION,
    model: { refId, datasource: { type: EXPRESSION, uid: EXPRESSION }, ...model },
  };
}

/** `$value` is a text about all values in Grafana; the number itself is the query's. */
const templateOf = (text: string) => text.replace(/\$value\b/g, () => '$values.A.Value');

/** Grafana puts the environment into what it provisions; the doubled sign is one that stays. */
const literal = (text: string) => text.replaceAll('$', '$$$$');

function mapValues(record: Readonly<Record<string, string>>, change: (text: string) => string) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

const pointName = (pack: Pack, receiver: Receiver) => `${pack.name}/${receiver.name}`;

function contactPoints(pack: Pack) {
  return receiversOf(pack.routing!.root).map((receiver) => {
    if (receiver.integrations.length === 0)
      throw new BelfryError(
        'bad_data',
        `receiver ${receiver.name} of pack ${pack.name} tells nobody: Grafana has no such contact point`,
      );
    return {
      orgId: 1,
      name: pointName(pack, receiver),
      receivers: receiver.integrations.map((integration, i) => ({
        uid: createHash('sha256').update(`${pack.name}/${receiver.name}/${i}`).digest('hex').slice(0, 20),
        type: integration.kind,
        disableResolveMessage: !integration.sendResolved,
        settings: settingsOf(integration),
      })),
    };
  });
}

function settingsOf(integration: Integration): Readonly<Record<string, string>> {
  const secret = secretOf(integration);
  const held = secret ? `$${secret.name}` : '';
  const texts = (fields: Readonly<Record<string, string | undefined>>) =>
    Object.fromEntries(Object.entries(fields).flatMap(([k, v]) => (v === undefined ? [] : [[k, literal(v)]])));
  switch (integration.kind) {
    case 'slack':
      return {
        url: held,
        ...texts({ recipient: integration.channel, title: integration.title, text: integration.text }),
      };
    case 'pagerduty':
      return { integrationKey: held, ...texts({ summary: integration.description, severity: integration.severity }) };
    case 'webhook':
      return { url: typeof integration.url === 'string' ? literal(integration.url) : held };
  }
}

/** Grafana has one tree: each pack's hangs under a policy on the label `pack`. The first pack takes what no pack has. */
function policies(packs: readonly Pack[]) {
  const routes = packs.map((pack) => ({ ...policy(pack, pack.routing!.root, [['pack', '=', pack.name]]) }));
  return { orgId: 1, receiver: pointName(packs[0]!, packs[0]!.routing!.root.receiver), routes };
}

function policy(pack: Pack, route: Route, own: readonly (readonly string[])[] = []): Readonly<Record<string, unknown>> {
  const matchers = Object.entries(route.when).map(([name, wanted]) =>
    typeof wanted === 'string' ? [name, '=', wanted] : [name, wanted.op, wanted.value],
  );
  return {
    receiver: pointName(pack, route.receiver),
    object_matchers: [...own, ...matchers],
    ...(route.groupBy ? { group_by: route.groupBy } : {}),
    ...(route.groupWait ? { group_wait: route.groupWait } : {}),
    ...(route.groupInterval ? { group_interval: route.groupInterval } : {}),
    ...(route.repeatInterval ? { repeat_interval: route.repeatInterval } : {}),
    ...(route.continue ? { continue: true } : {}),
    ...(route.routes.length > 0 ? { routes: route.routes.map((r) => policy(pack, r)) } : {}),
  };
}
