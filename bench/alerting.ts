/**
 * How fast rules are evaluated, alerts routed and templates rendered:
 *
 *     node bench/alerting.ts [--only rules,routing,templates]
 *
 * Prints a table in Markdown; docs/benchmarks-alerting.md holds one. Rules run in a `belfry serve` of their own that
 * scrapes 20,000 series, beside a Prometheus where there is one; the rest runs in this process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createAlertmanager, DEFAULT_TEMPLATES } from '../packages/alerting/src/index.ts';
import { seededRandom, VirtualClock } from '../packages/model/src/index.ts';
import { ALERTMANAGER_FUNCTIONS, notificationTemplateData, parseTemplates } from '../packages/template/src/index.ts';
import { startExposition } from './exposition.ts';
import { rules } from './phase-rules.ts';
import { installed, killAll } from './servers.ts';

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly goal: string;
}

const TARGETS = 20;
const SERIES_PER_TARGET = 1000;
const RULES = 1000;
const RULE_INTERVAL_SECONDS = 5;

const ALERTS = 10_000;
const GROUPS = 500;
const SILENCES = 100;
const INHIBITIONS = 50;
const GROUP_INTERVAL_MS = 60_000;
const TICKS = 5;

const RENDER_MS = 2000;

async function measureRules(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-bench-alerting-'));
  const exposition = await startExposition(TARGETS, SERIES_PER_TARGET);
  try {
    const kinds = (['belfry', 'prometheus'] as const).filter(installed);
    const { cpuPerEvaluation } = await rules(kinds, directory, exposition);
    return kinds.map((kind) => ({
      what: `${RULES} rules every ${RULE_INTERVAL_SECONDS} s over ${TARGETS * SERIES_PER_TARGET} series, ${kind}`,
      measured: `${((cpuPerEvaluation[kind]! * RULES * 100) / RULE_INTERVAL_SECONDS).toFixed(1)} % of a core`,
      goal: kind === 'belfry' ? 'below 50 %' : '',
    }));
  } finally {
    await exposition.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

const severities = ['critical', 'warning'];

/** Alert `i`: one of twenty in its group. Half of the groups are critical, and inhibit the others. */
function alertOf(i: number, startsAt: string, endsAt: string) {
  const group = i % GROUPS;
  return {
    labels: {
      alertname: `Alert${group}`,
      cluster: `c${(group >> 1) % 10}`,
      severity: severities[group % 2]!,
      team: `team-${group % INHIBITIONS}`,
      instance: `host-${Math.floor(i / GROUPS)}:9100`,
    },
    annotations: { summary: `Alert ${i}`, description: 'Something is wrong with the host.' },
    startsAt,
    endsAt,
  };
}

function routingConfig(): string {
  const routes = Array.from({ length: INHIBITIONS }, (_, i) => `  - {matchers: [team="team-${i}"], receiver: r${i}}\n`);
  const receivers = Array.from(
    { length: INHIBITIONS },
    (_, i) => `- {name: r${i}, webhook_configs: [{url: 'http://127.0.0.1:9/${i}'}]}\n`,
  );
  const inhibitions = Array.from(
    { length: INHIBITIONS },
    (_, i) =>
      `- {source_matchers: [severity="critical", team="team-${i}"], target_matchers: [severity="warning"], equal: [cluster, instance]}\n`,
  );
  return `route:
  receiver: r0
  group_by: [alertname, cluster]
  group_wait: 0s
  group_interval: ${GROUP_INTERVAL_MS / 1000}s
  routes:
${routes.join('')}inhibit_rules:
${inhibitions.join('')}receivers:
${receivers.join('')}`;
}

async function measureRouting(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-bench-routing-'));
  const clock = new VirtualClock(Date.parse('2026-01-05T08:00:00Z'));
  const config = routingConfig();
  const am = createAlertmanager({
    config,
    clock,
    random: seededRandom(1),
    statePath: directory,
    integrations: (_, real) => ({ ...real, notify: async () => ({ ok: true, payloads: [] }) }),
  });
  for (let i = 0; i < SILENCES; i++) {
    const startsAtMs = clock.now();
    const matchers = [
      { name: 'alertname', op: '=~' as const, value: `Alert${i * 3}|Other${i}` },
      { name: 'instance', op: '=' as const, value: 'host-1:9100' },
    ];
    am.setSilence({ matchers, startsAtMs, endsAtMs: startsAtMs + 86_400_000, createdBy: 'bench', comment: 'x' });
  }
  const iso = (ms: number) => new Date(ms).toISOString();
  const start = iso(clock.now());
  const post = (count: number) =>
    am.putAlerts(Array.from({ length: count }, (_, i) => alertOf(i, start, iso(clock.now() + 3600_000))));
  const timed = async (work: () => unknown) => {
    const before = performance.now();
    await work();
    return performance.now() - before;
  };
  const taken = await timed(() => post(ALERTS));
  const first = await timed(() => clock.advance(1000));
  const quiet: number[] = [];
  for (let i = 0; i < TICKS; i++) quiet.push(await timed(() => clock.advance(GROUP_INTERVAL_MS)));
  const groups = am.groups().length;
  const alerts = am.getAlerts({}).length;
  await am.close();
  rmSync(directory, { recursive: true, force: true });
  if (groups !== GROUPS || alerts !== ALERTS) throw new Error(`${groups} groups, ${alerts} alerts`);
  const all = `${ALERTS} alerts, ${GROUPS} groups, ${SILENCES} silences, ${INHIBITIONS} inhibition rules`;
  const median = quiet.sort((a, b) => a - b)[Math.floor(TICKS / 2)]!;
  return [
    { what: `${all}: a tick, all groups looked at`, measured: `${median.toFixed(0)} ms`, goal: 'below 250 ms' },
    { what: 'the same: the first tick, all told and recorded', measured: `${first.toFixed(0)} ms`, goal: '' },
    { what: `taking in ${ALERTS} alerts, on the disk`, measured: `${taken.toFixed(0)} ms`, goal: '' },
  ];
}

function measureTemplates(): Row[] {
  const templates = parseTemplates([{ name: 'default.tmpl', text: DEFAULT_TEMPLATES }], ALERTMANAGER_FUNCTIONS);
  const labels = { alertname: 'DiskFull', cluster: 'eu', instance: 'host-1:9100', severity: 'critical' };
  const data = notificationTemplateData({
    receiver: 'team',
    status: 'firing',
    groupLabels: { alertname: 'DiskFull' },
    commonLabels: labels,
    commonAnnotations: { summary: 'The disk is full' },
    externalUrl: 'http://127.0.0.1:9093',
    alerts: Array.from({ length: 5 }, (_, i) => ({
      status: 'firing' as const,
      labels: { ...labels, instance: `host-${i}:9100` },
      annotations: { summary: 'The disk is full' },
      startsAtMs: 0,
      generatorUrl: 'http://127.0.0.1:9090/graph',
      fingerprint: '673a4078c833a983',
    })),
  });
  const cases: readonly (readonly [name: string, text: string])[] = [
    ['the title of a Slack message', '{{ template "slack.default.title" . }}'],
    [
      'a text over five alerts',
      '{{ range .Alerts }}*{{ .Labels.alertname }}* on {{ .Labels.instance }}: {{ .Annotations.summary | title }}\n{{ end }}',
    ],
  ];
  return cases.map(([name, text]) => {
    const prepared = templates.prepare(text);
    const options = { host: undefined };
    prepared.renderSync(data, options);
    const end = performance.now() + RENDER_MS;
    let count = 0;
    while (performance.now() < end) for (let i = 0; i < 100; i++, count++) prepared.renderSync(data, options);
    const perSecond = Math.round((count * 1000) / RENDER_MS);
    return { what: `template: ${name}`, measured: `${perSecond} renders/s`, goal: 'above 10000 renders/s' };
  });
}

const PHASES = { rules: measureRules, routing: measureRouting, templates: measureTemplates };

const { values } = parseArgs({ options: { only: { type: 'string', default: Object.keys(PHASES).join(',') } } });
process.once('SIGINT', () => {
  killAll();
  process.exit(130);
});
console.log(`Load of the machine before: ${loadavg()[0]!.toFixed(1)}.\n\n| what | measured | goal |\n|---|---|---|`);
for (const [name, measure] of Object.entries(PHASES)) {
  if (!values.only.split(',').includes(name)) continue;
  for (const { what, measured, goal } of await measure()) console.log(`| ${what} | ${measured} | ${goal} |`);
}
