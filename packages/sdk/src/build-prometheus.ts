import type { BuildSettings, GeneratedFile } from './build.ts';
import type { Pack, ScrapeJob } from './pack.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

const GLOBAL_INTERVAL = '15s';

export function prometheusFile(
  packs: readonly Pack[],
  rulePaths: readonly string[],
  settings: BuildSettings,
): GeneratedFile {
  const config = {
    global: {
      scrape_interval: GLOBAL_INTERVAL,
      evaluation_interval: GLOBAL_INTERVAL,
      external_labels: settings.externalLabels,
    },
    alerting: { alertmanagers: [{ static_configs: [{ targets: [settings.alertmanager] }] }] },
    rule_files: rulePaths,
    scrape_configs: packs.flatMap((p) => p.scrape.map((job) => scrapeConfig(job, settings.portOffset))),
  };
  return { path: 'prometheus.yml', text: yamlText(config, [GENERATED]) };
}

function scrapeConfig(job: ScrapeJob, portOffset: number) {
  return {
    job_name: job.job,
    scrape_interval: job.interval,
    metrics_path: job.path,
    static_configs: [{ targets: job.targets.map((target) => shiftPort(target, portOffset)) }],
  };
}

/** `host:port` with the port moved. */
function shiftPort(target: string, offset: number): string {
  return target.replace(/\d+$/, (port) => String(Number(port) + offset));
}
