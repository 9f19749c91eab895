import { readFileSync } from 'node:fs';
import { BelfryError, messageOf } from '@belfry/model';
import { parse } from 'yaml';

/**
 * Reads one alert or a list of alerts, as API v2 takes them, from JSON or YAML. What is in them is checked by whoever
 * takes them. @throws BelfryError `file_unreadable`, `config_invalid`
 */
export function loadAlertsFile(file: string): readonly unknown[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  try {
    const read = parse(text) as unknown;
    return Array.isArray(read) ? read : [read];
  } catch (error) {
    throw new BelfryError('config_invalid', messageOf(error).split('\n')[0]!, { file, cause: error });
  }
}
