/** The compiler: packs in, the field's standard files out. Same packs and options, same bytes. */
import { alertmanagerFile } from './build-alertmanager.ts';
import { grafanaFiles } from './build-grafana.ts';
import { prometheusFile } from './build-prometheus.ts';
import { ruleFiles, runbookFiles } from './build-rules.ts';
import { alertsOf, dashboardUidsOf, ownNames, type Pack, recordingsOf, refuseDoubles } from './pack.ts';
import { watchdogFiles } from './watchdog.ts';

/** A file of the build; `path` is relative, with `/`. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

export interface BuildOptions {
  /** Added to every port of a scrape target. Default 0. */
  readonly portOffset?: number;
  /** `host:port` of the Alertmanager that Prometheus tells. Default `127.0.0.1:9093` plus the offset. */
  readonly alertmanager?: string;
  /** Of Prometheus, for Grafana. Default `http://127.0.0.1:9090` plus the offset. */
  readonly prometheusUrl?: string;
  /** The uid by which dashboards name the Prometheus data source. Default `prometheus`. */
  readonly datasourceUid?: string;
  /** Where Grafana finds the dashboards' folder. Default `/var/lib/grafana/dashboards`. */
  readonly dashboardsPath?: string;
  /** A webhook that is told everything, beside what a receiver's secrets allow. */
  readonly inboxUrl?: string;
  /** A dead man's switch that is pinged by an alert which always fires. Without it there is no such alert. */
  readonly watchdogUrl?: string;
  /** Secret name → file that holds its value. A receiver's way to tell whose secret is not here is left out. */
  readonly secretFiles?: Readonly<Record<string, string>>;
  /** Before `/<pack>/<runbook>` in the annotation `runbook_url`; empty for no such annotation. Default `http://127.0.0.1:3000/runbooks` plus the offset. */
  readonly runbookBaseUrl?: string;
  /** Default `{cluster: 'local'}`. */
  readonly externalLabels?: Readonly<Record<string, string>>;
}

/** {@link BuildOptions} with every default settled. */
export type BuildSettings = Required<Omit<BuildOptions, 'inboxUrl' | 'watchdogUrl'>> & {
  readonly inboxUrl: string | undefined;
  readonly watchdogUrl: string | undefined;
};

/** The options with their defaults. */
export function settle(options: BuildOptions): BuildSettings {
  const offset = options.portOffset ?? 0;
  return {
    portOffset: offset,
    alertmanager: options.alertmanager ?? `127.0.0.1:${9093 + offset}`,
    prometheusUrl: options.prometheusUrl ?? `http://127.0.0.1:${9090 + offset}`,
    datasourceUid: options.datasourceUid ?? 'prometheus',
    dashboardsPath: options.dashboardsPath ?? '/var/lib/grafana/dashboards',
    inboxUrl: options.inboxUrl,
    watchdogUrl: options.watchdogUrl,
    secretFiles: options.secretFiles ?? {},
    runbookBaseUrl: options.runbookBaseUrl ?? `http://127.0.0.1:${3000 + offset}/runbooks`,
    externalLabels: options.externalLabels ?? { cluster: 'local' },
  };
}

/**
 * `prometheus.yml`, `rules/<pack>-<group>.yml`, `alertmanager.yml`, `grafana/dashboards/<uid>.json`,
 * `grafana/provisioning/…`, `runbooks/<pack>/<name>.md`, sorted by path. Reads the packs' runbooks, writes nothing.
 * @throws BelfryError `conflict` for names that two packs share, `file_unreadable` for a runbook that is not there
 */
export function build(packs: readonly Pack[], options: BuildOptions = {}): readonly GeneratedFile[] {
  const settings = settle(options);
  refuseConflicts(packs);
  const rules = [...packs.flatMap((p) => ruleFiles(p, settings)), ...watchdogFiles(packs, settings.watchdogUrl)];
  return sortedByPath([
    prometheusFile(
      packs,
      rules.map((r) => r.path),
      settings,
    ),
    alertmanagerFile(packs, settings),
    ...rules,
    ...packs.flatMap(runbookFiles),
    ...grafanaFiles(packs, settings),
  ]);
}

export function sortedByPath(files: readonly GeneratedFile[]): readonly GeneratedFile[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** @throws BelfryError `conflict` for names that two packs share, or a pack has twice */
export function refuseConflicts(packs: readonly Pack[]): void {
  const where = 'these packs together';
  refuseDoubles(
    where,
    'pack',
    packs.map((p) => p.name),
  );
  refuseDoubles(
    where,
    'scrape job',
    packs.flatMap((p) => p.scrape.map((j) => j.job)),
  );
  refuseDoubles(where, 'dashboard uid', packs.flatMap(dashboardUidsOf));
  refuseDoubles(
    where,
    'recording rule',
    packs.flatMap((p) => ownNames(recordingsOf(p))),
  );
  for (const pack of packs) refuseDoubles(`pack ${pack.name}`, 'alert', ownNames(alertsOf(pack)));
}
