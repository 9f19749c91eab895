import { BelfryError } from '@belfry/model';
import { TargetGroups } from './discovery-config.ts';
import { type ConfigFiles, diskFiles, type LoadedPrometheusConfig } from './load-prometheus.ts';
import { loadYaml } from './load-yaml.ts';
import type { YamlPath } from './yaml-source.ts';

export interface FileProblems {
  /** What makes a configuration unfit to run. */
  readonly errors: readonly BelfryError[];
  /** What may still come to be: files of targets that are not there yet. */
  readonly warnings: readonly BelfryError[];
}

/**
 * Looks at the files that a configuration names, as `promtool check config` does: rule files given without a pattern,
 * credentials and certificates must exist, files of targets must be well-formed. Loading does not ask for this, since
 * files may come later. Sections of other scrape files are told without a position.
 */
export function checkConfigFiles(loaded: LoadedPrometheusConfig, files: ConfigFiles = diskFiles): FileProblems {
  const errors: BelfryError[] = [];
  const warnings: BelfryError[] = [];
  const problem = (path: YamlPath, message: string) =>
    new BelfryError('config_invalid', message, { file: loaded.file, range: loaded.rangeOf(path) });
  const mustExist = (file: unknown, path: YamlPath, what: string) => {
    if (typeof file !== 'string' || file === '') return;
    const missing = unreadable(file, files);
    if (missing) errors.push(problem(path, `${what} ${JSON.stringify(file)}: ${missing}`));
  };
  const { config } = loaded;
  config.rule_files.forEach((file, i) => {
    if (!/[*?[]/.test(file)) mustExist(file, ['rule_files', i], 'rule file');
  });
  const sections: { readonly path: YamlPath; readonly section: HttpSection }[] = [
    ...config.scrape_configs.map((section, i) => ({ path: ['scrape_configs', i], section })),
    ...config.alerting.alertmanagers.map((section, i) => ({ path: ['alerting', 'alertmanagers', i], section })),
    ...config.remote_write.map((section, i) => ({ path: ['remote_write', i], section })),
    ...config.remote_read.map((section, i) => ({ path: ['remote_read', i], section })),
  ];
  for (const { path, section } of sections) {
    const { authorization, basic_auth: basic, tls_config: tls } = section;
    mustExist(authorization?.credentials_file, [...path, 'authorization', 'credentials_file'], 'credentials file');
    mustExist(basic?.password_file, [...path, 'basic_auth', 'password_file'], 'password file');
    mustExist(tls?.ca_file, [...path, 'tls_config', 'ca_file'], 'CA certificate file');
    mustExist(tls?.cert_file, [...path, 'tls_config', 'cert_file'], 'client certificate file');
    mustExist(tls?.key_file, [...path, 'tls_config', 'key_file'], 'client key file');
    section.file_sd_configs?.forEach((sd, i) => {
      sd.files.forEach((pattern, k) => {
        const found = files.glob(pattern);
        const at = [...path, 'file_sd_configs', i, 'files', k];
        if (found.length === 0) warnings.push(problem(at, `no file of targets matches ${JSON.stringify(pattern)} yet`));
        for (const file of found) errors.push(...targetFileProblems(file, files));
      });
    });
  }
  return { errors, warnings };
}

interface HttpSection {
  readonly authorization?: { readonly credentials_file?: string | undefined } | undefined;
  readonly basic_auth?: { readonly password_file?: string | undefined } | undefined;
  readonly tls_config?:
    | {
        readonly ca_file?: string | undefined;
        readonly cert_file?: string | undefined;
        readonly key_file?: string | undefined;
      }
    | undefined;
  readonly file_sd_configs?: readonly { readonly files: readonly string[] }[];
}

function unreadable(file: string, files: ConfigFiles): string | undefined {
  try {
    files.readText(file);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message;
  }
}

function targetFileProblems(file: string, files: ConfigFiles): BelfryError[] {
  try {
    const text = files.readText(file);
    if (text.trim() !== '') loadYaml(TargetGroups, text, file);
    return [];
  } catch (error) {
    if (error instanceof BelfryError) return [error];
    return [new BelfryError('file_unreadable', `cannot read ${file}: ${(error as Error).message}`)];
  }
}
