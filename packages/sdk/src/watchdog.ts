import type { GeneratedFile } from './build.ts';
import type { Pack } from './pack.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

/** The name that the field gives to the alert which always fires, so that its silence tells of a broken chain. */
export const WATCHDOG = 'Watchdog';

/**
 * A rule that always fires; {@link routeWatchdog} brings it to a dead man's switch. None without a switch, or beside an
 * alertmanager.yml that a pack brings whole: it would disturb whoever is the default receiver.
 */
export function watchdogFiles(packs: readonly Pack[], url: string | undefined): readonly GeneratedFile[] {
  if (url === undefined || packs.some((p) => p.alertmanager)) return [];
  const rule = {
    alert: WATCHDOG,
    expr: 'vector(1)',
    labels: { severity: 'none' },
    annotations: {
      summary: 'Alerting works from rule to receiver',
      description: 'This alert always fires. A heartbeat expects to hear of it, and raises an alert when it does not.',
    },
  };
  const group = { name: 'watchdog', interval: '15s', rules: [rule] };
  return [{ path: 'rules/watchdog.yml', text: yamlText({ groups: [group] }, [GENERATED]) }];
}

interface Tree {
  readonly route: Record<string, unknown>;
  readonly receivers: readonly unknown[];
}

/** The tree with the watchdog's route before all others. */
export function routeWatchdog<T extends Tree>(tree: T, url: string | undefined): T {
  if (url === undefined) return tree;
  const route = {
    receiver: 'watchdog',
    matchers: [`alertname="${WATCHDOG}"`],
    group_wait: '0s',
    group_interval: '30s',
    // Shorter than the interval of the group, so that every flush pings.
    repeat_interval: '10s',
  };
  const others = (tree.route.routes as readonly unknown[] | undefined) ?? [];
  return {
    ...tree,
    route: { ...tree.route, routes: [route, ...others] },
    receivers: [...tree.receivers, { name: 'watchdog', webhook_configs: [{ url, send_resolved: false }] }],
  };
}
