import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BelfryError, systemClock } from '@belfry/model';
import { build } from '@belfry/sdk';
import pc from 'picocolors';
import { SERVE_FLAGS } from '../flags.ts';
import { createFleet, type Fleet } from '../fleet.ts';
import { createLogger } from '../log.ts';
import { openMissingDoors } from '../missing-doors.ts';
import { loadPacks, ownPackFiles, writeFiles } from '../packs.ts';
import { assertPortsFree, type PlannedPort } from '../ports.ts';
import { referenceServices } from '../reference-services.ts';
import { ROOT } from '../root.ts';
import { startTower, type Tower } from '../tower.ts';
import { untilStopped } from './until-stopped.ts';

const HOST = '127.0.0.1';

const WATCHDOG_HEARTBEAT = 'watchdog';

/** The dead man's switch: the built alert Watchdog always fires and pings it through rules, notifier, route and webhook. */
const HEARTBEATS = `heartbeats:
  - name: ${WATCHDOG_HEARTBEAT}
    every: 1m
    grace: 2m
    labels: {severity: critical}
    annotations:
      summary: Alerting is broken somewhere between rule and receiver
      description: The alert Watchdog always fires and was not heard of. Other alerts may be missing too.
`;

export interface UpOptions {
  readonly portOffset: number;
  readonly uiPort: number;
  readonly prometheusPort: number;
  readonly alertmanagerPort: number;
  readonly traffic: string;
  readonly seed: number;
  readonly fleet: boolean;
  readonly data: string;
}

/** Builds the packs, runs the tower on what was built, and the reference services; until told to stop. */
export async function up(options: UpOptions): Promise<void> {
  const { traffic } = options;
  if (traffic !== 'on' && traffic !== 'off') throw new BelfryError('usage', `--traffic is on or off, not ${traffic}`);
  const offset = options.portOffset;
  const ports = {
    ui: options.uiPort + offset,
    prometheus: options.prometheusPort + offset,
    alertmanager: options.alertmanagerPort + offset,
  };
  const services = options.fleet ? referenceServices({ portOffset: offset, traffic, seed: options.seed }) : [];
  await assertPortsFree(HOST, [
    { port: ports.ui, purpose: 'pages', flag: '--ui-port' },
    { port: ports.prometheus, purpose: 'Prometheus’ API', flag: '--prometheus-port' },
    { port: ports.alertmanager, purpose: 'Alertmanager’s API', flag: '--alertmanager-port' },
    ...services.flatMap(({ name, ports: own }) =>
      own.map(({ name: what, port }): PlannedPort => ({ port, purpose: `${name} ${what}`, flag: '--port-offset' })),
    ),
  ]);

  const directory = resolve(options.data);
  const built = join(directory, 'build');
  mkdirSync(built, { recursive: true });
  const packs = await loadPacks(ownPackFiles());
  const files = build(packs, {
    portOffset: offset,
    alertmanager: `${HOST}:${ports.alertmanager}`,
    prometheusUrl: `http://${HOST}:${ports.prometheus}`,
    dashboardsPath: join(built, 'grafana/dashboards'),
    inboxUrl: `http://${HOST}:${ports.ui}/api/belfry/inbox`,
    watchdogUrl: `http://${HOST}:${ports.alertmanager}/api/belfry/alerting/heartbeats/${WATCHDOG_HEARTBEAT}/ping`,
    runbookBaseUrl: `http://localhost:${ports.ui}/runbooks`,
  });
  writeFiles(built, [...files, { path: 'heartbeats.yml', text: HEARTBEATS }]);

  const log = createLogger('warn');
  const fleet = createFleet(services, systemClock, log);
  const missing = await openMissingDoors(HOST, offset);
  let tower: Tower | undefined;
  try {
    tower = await startTower({
      clock: systemClock,
      log,
      flags: {
        ...Object.fromEntries(SERVE_FLAGS.map((flag) => [flag.name, flag.fallback])),
        'config.file': join(built, 'prometheus.yml'),
        'storage.tsdb.path': join(directory, 'data'),
        'web.external-url': `http://localhost:${ports.ui}`,
        'web.enable-lifecycle': 'true',
        'web.enable-remote-write-receiver': 'true',
        'alertmanager.config.file': join(built, 'alertmanager.yml'),
        'alertmanager.storage.path': join(directory, 'alertmanager'),
        'heartbeats.file': join(built, 'heartbeats.yml'),
        'dashboards.path': join(built, 'grafana/dashboards'),
        'runbooks.path': join(built, 'runbooks'),
      },
      listeners: [
        { host: HOST, port: ports.ui, flag: '--ui-port' },
        { host: HOST, port: ports.prometheus, flag: '--prometheus-port' },
      ],
      alertmanagerListener: { host: HOST, port: ports.alertmanager, flag: '--alertmanager-port' },
      fleet,
      pages: join(ROOT, 'apps/web/dist'),
      inboxFile: join(directory, 'inbox.db'),
    });
    await Promise.all(services.map(({ name }) => fleet.start(name)));
    console.log(await banner(fleet, ports, existsSync(join(ROOT, 'apps/web/dist/index.html'))));
    await untilStopped(tower.quitRequested);
    console.log('\nStopping …');
  } finally {
    await missing.close();
    await fleet.close();
    await tower?.close();
  }
}

async function banner(
  fleet: Fleet,
  ports: { ui: number; prometheus: number; alertmanager: number },
  pages: boolean,
): Promise<string> {
  const at = (port: number, path = '') => pc.cyan(`http://localhost:${port}${path}`);
  const row = (name: string, text: string) => `  ${name.padEnd(14)} ${text}`;
  const lines = [
    '',
    `  ${pc.bold('Belfry')} ${pc.dim('is up.')}`,
    '',
    row('Pages', pages ? at(ports.ui) : pc.yellow('not built: run `make build`')),
    row('Dashboard', at(ports.ui, '/d/metald-vm-ops')),
    row('Prometheus API', at(ports.prometheus)),
    row('Alertmanager', at(ports.alertmanager)),
  ];
  for (const service of await fleet.list()) {
    const text = service.ports.map(({ name, port, url }) => `${name} ${at(port, new URL(url).pathname)}`).join('  ');
    lines.push(row(service.name, text));
  }
  lines.push(
    '',
    `  Try: ${pc.bold('./belfry fleet stop billaged')} and watch ${at(ports.ui, '/alerts')}`,
    `  ${pc.dim('Ctrl-C stops everything; what was measured stays.')}`,
    '',
  );
  return lines.join('\n');
}
