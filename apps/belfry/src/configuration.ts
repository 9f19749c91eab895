import { readFileSync } from 'node:fs';
import { type LoadedPrometheusConfig, loadPrometheusConfig, PROTO_FIRST_SCRAPE_PROTOCOLS } from '@belfry/config';
import { BelfryError, labelsFrom } from '@belfry/model';
import { loadRuleFile, type RuleFile } from '@belfry/rules';

/** A configuration and the rule files it names, checked as a whole: either all of it is put in force, or nothing. */
export interface Configuration {
  readonly loaded: LoadedPrometheusConfig;
  readonly ruleFiles: readonly RuleFile[];
  readonly externalLabels: ReturnType<typeof labelsFrom>;
}

/** @throws BelfryError `file_unreadable`, `config_invalid` with file, line and column */
export function readConfiguration(file: string, features: ReadonlySet<string>): Configuration {
  const loaded = loadPrometheusConfig(file, {
    unsupported: 'refuse',
    ...(features.has('native-histograms') ? { defaultScrapeProtocols: [...PROTO_FIRST_SCRAPE_PROTOCOLS] } : {}),
  });
  const ruleFiles = loaded.ruleFiles.map((path) => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      throw new BelfryError('file_unreadable', `cannot read the rule file ${path}`, { cause: error });
    }
    return loadRuleFile(text, path, { features });
  });
  return { loaded, ruleFiles, externalLabels: labelsFrom(loaded.config.global.external_labels) };
}
