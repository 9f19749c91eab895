import { join } from 'node:path';
import { BelfryError, systemClock } from '@belfry/model';
import { type FlagValues, parseAddress, parseFlags, refusePublicAddress, SERVE_FLAGS } from '../flags.ts';
import { createLogger, type Logger, levelOf, sayIgnoredFlags } from '../log.ts';
import { assertPortsFree } from '../ports.ts';
import { ROOT } from '../root.ts';
import { type Listener, startTower } from '../tower.ts';
import { showFlags } from './show-flags.ts';
import { untilStopped } from './until-stopped.ts';

/** Runs the tower on a configuration that exists, with Prometheus' flags; until told to stop. */
export async function serve(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) return showFlags('belfry serve', SERVE_FLAGS);
  const { values, given } = parseFlags(SERVE_FLAGS, argv);
  const log = createLogger(levelOf(values));
  sayIgnoredFlags(log, SERVE_FLAGS, given);
  const settled = settle(values, given);
  const listeners = listenersOf(settled['web.listen-address']!, 'web.listen-address', settled);
  const router = settled['alertmanager.config.file']
    ? listenersOf(settled['alertmanager.listen-address']!, 'alertmanager.listen-address', settled)[0]
    : undefined;
  for (const { host, port, flag } of [...listeners, ...(router ? [router] : [])]) {
    await assertPortsFree(host, [{ port, purpose: 'HTTP', flag }]);
  }
  const tower = await startTower({
    clock: systemClock,
    log,
    flags: settled,
    listeners,
    ...(router ? { alertmanagerListener: router } : {}),
    pages: join(ROOT, 'apps/web/dist'),
  });
  reloadOnHangUp(tower.reload, log);
  log.info({ listen: listeners.map(({ host, port }) => `${host}:${port}`) }, 'ready');
  await untilStopped(tower.quitRequested);
  log.info('stopping');
  await tower.close();
  log.info('stopped');
}

/** SIGHUP reads the configuration again; a wrong one is said, and the old one goes on. */
export function reloadOnHangUp(reload: () => Promise<void>, log: Logger): void {
  process.on('SIGHUP', () => {
    reload().catch((error: unknown) => {
      log.error({ error: error instanceof BelfryError ? error.located : String(error) }, 'reload failed');
    });
  });
}

/** The old name of the retention flag counts when only it is given. */
function settle(values: FlagValues, given: ReadonlySet<string>): FlagValues {
  if (!given.has('storage.tsdb.retention') || given.has('storage.tsdb.retention.time')) return values;
  return { ...values, 'storage.tsdb.retention.time': values['storage.tsdb.retention']! };
}

/** The listeners of a list of addresses. @throws BelfryError `usage` */
export function listenersOf(addresses: string, flag: string, values: FlagValues): Listener[] {
  return addresses.split(',').map((address) => {
    const { host, port } = parseAddress(address, flag);
    refusePublicAddress(host, flag, values);
    return { host, port, flag: `--${flag}` };
  });
}
