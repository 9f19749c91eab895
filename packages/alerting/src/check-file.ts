import { readFileSync } from 'node:fs';
import { BelfryError, messageOf } from '@belfry/model';
import { ALERTMANAGER_FUNCTIONS, parseTemplates } from '@belfry/template';
import { type AlertmanagerConfig, checkConfig } from './config.ts';
import { unsupportedReason } from './integrations.ts';
import { loadTemplates, templateFiles } from './renderer.ts';

/** The verdict on a configuration file and the template files that it names. */
export interface ConfigFileCheck {
  readonly file: string;
  /** Why it is refused; empty: it is accepted. */
  readonly problems: readonly BelfryError[];
  /** What is accepted and yet will not do what is meant, or not here. */
  readonly warnings: readonly BelfryError[];
  /** Absent when there are problems. */
  readonly config?: AlertmanagerConfig;
  readonly templateFiles: readonly string[];
}

/** Checks as `amtool check-config` does, and more: texts of receivers that are no templates, receivers that cannot be sent to. */
export function checkConfigFile(file: string): ConfigFileCheck {
  const refuse = (problems: readonly BelfryError[]): ConfigFileCheck => ({
    file,
    problems,
    warnings: [],
    templateFiles: [],
  });
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    return refuse([new BelfryError('file_unreadable', `cannot read ${file}: ${messageOf(error)}`, { cause: error })]);
  }
  const result = checkConfig(content, file);
  if (!result.ok) return refuse(result.problems);
  const { config } = result;
  try {
    loadTemplates(config.templates);
  } catch (error) {
    return refuse([error as BelfryError]);
  }
  return { file, problems: [], warnings: warningsOf(config), config, templateFiles: templateFiles(config.templates) };
}

function warningsOf(config: AlertmanagerConfig): BelfryError[] {
  const warnings: BelfryError[] = [];
  for (const receiver of config.receivers) {
    for (const entry of receiver.integrations) {
      const where = `receiver ${JSON.stringify(receiver.name)}, ${entry.type}_configs[${entry.index}]`;
      const warn = (message: string) =>
        warnings.push(new BelfryError('config_invalid', `${where}: ${message}`, { file: config.file }));
      const reason = unsupportedReason(entry);
      if (reason) warn(reason);
      for (const [name, problem] of brokenTemplates(entry.config as object)) warn(`${name}: ${problem}`);
    }
  }
  return warnings;
}

/** Every text with braces is parsed; what it calls from the template files is not looked at. */
function* brokenTemplates(section: object, path = ''): Generator<[name: string, problem: string]> {
  for (const [key, value] of Object.entries(section)) {
    const name = path ? `${path}.${key}` : key;
    if (typeof value === 'object' && value !== null) yield* brokenTemplates(value, name);
    else if (typeof value === 'string' && value.includes('{{')) {
      try {
        parseTemplates([{ name: key, text: value }], ALERTMANAGER_FUNCTIONS);
      } catch (error) {
        yield [name, messageOf(error)];
      }
    }
  }
}
