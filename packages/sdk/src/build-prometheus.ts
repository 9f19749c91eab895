import type { BuildSettings, GeneratedFile } from './build.ts';
import type { Pack, ScrapeJob } from './pack.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

const GLOBAL_INTERVAL = '15s';

/** What a place of work adds to `prometheus.yml`, or does in its own way. */
export interface PrometheusExtras {
  /** Where a job's targets are found; the rest of the scrape configuration is the same everywhere. Default: static targets. */
  readonly discovery?: (job: ScrapeJob) => Readonly<Record<string, unknown>>;
  /** Jobs beside those of the packs, whole. One of a pack with the same name gives way. */
  readonly jobs?: readonly ({ readonly job_name: string } & Readonly<Record<string, unknown>>)[];
  /** Further sections, such as `remote_write`. */
  readonly sections?: Readonly<Record<string, unknown>>;
  readonly path?: string;
}

export function prometheusFile(
  packs: readonly Pack[],
  rulePaths: readonly string[],
  settings: BuildSettings,
  extras: PrometheusExtras = {},
): GeneratedFile {
  const { jobs = [], sections = {}, path = 'prometheus.yml' } = extras;
  const discovery =
    extras.discovery ??
    ((job) => ({ static_configs: [{ targets: job.targets.map((t) => shiftPort(t, settings.portOffset)) }] }));
  const taken = new Set(jobs.map((j) => j.job_name));
  const own = packs.flatMap((p) => p.scrape).filter((j) => !taken.has(j.job));
  const config = {
    global: {
      scrape_interval: GLOBAL_INTERVAL,
      evaluation_interval: GLOBAL_INTERVAL,
      external_labels: settings.externalLabels,
    },
    alerting: { alertmanagers: [{ static_configs: [{ targets: [settings.alertmanager] }] }] },
    rule_files: rulePaths,
    scrape_configs: [...own.map((job) => job.exact ?? { ...scrapeBasics(job), ...discovery(job) }), ...jobs],
    ...sections,
  };
  return { path, text: yamlText(config, [GENERATED]) };
}

function scrapeBasics(job: ScrapeJob) {
  return { job_name: job.job, scrape_interval: job.interval, metrics_path: job.path };
}

/** `host:port` with the port moved. */
function shiftPort(target: string, offset: number): string {
  return target.replace(/\d+$/, (port) => String(Number(port) + offset));
}
