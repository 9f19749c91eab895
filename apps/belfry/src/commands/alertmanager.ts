import { systemClock } from '@belfry/model';
import { ALERTMANAGER_FLAGS, parseFlags } from '../flags.ts';
import { createLogger, levelOf, sayIgnoredFlags } from '../log.ts';
import { assertPortsFree } from '../ports.ts';
import { startRouter } from '../router.ts';
import { listenersOf, reloadOnHangUp } from './serve.ts';
import { showFlags } from './show-flags.ts';
import { untilStopped } from './until-stopped.ts';

/** Runs the alert router alone, with Alertmanager's flags; until told to stop. */
export async function alertmanager(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help') || argv.includes('-h')) return showFlags('belfry alertmanager', ALERTMANAGER_FLAGS);
  const { values, given } = parseFlags(ALERTMANAGER_FLAGS, argv);
  const log = createLogger(levelOf(values));
  sayIgnoredFlags(log, ALERTMANAGER_FLAGS, given);
  const listeners = listenersOf(values['web.listen-address']!, 'web.listen-address', values);
  for (const { host, port, flag } of listeners) await assertPortsFree(host, [{ port, purpose: 'HTTP', flag }]);
  const router = await startRouter({
    clock: systemClock,
    log,
    configFile: values['config.file']!,
    statePath: values['storage.path']!,
    externalUrl: values['web.external-url']!,
    retention: values['data.retention']!,
    heartbeatsFile: values['heartbeats.file']!,
    listeners,
  });
  reloadOnHangUp(router.reload, log);
  log.info({ listen: listeners.map(({ host, port }) => `${host}:${port}`) }, 'ready');
  await untilStopped(new Promise(() => {}));
  await router.close();
  log.info('stopped');
}
