import { readFileSync } from 'node:fs';
import { duration, loadYaml, positiveDuration } from '@belfry/config';
import { BelfryError, messageOf } from '@belfry/model';
import { z } from 'zod';
import { labelNameText } from './config-fields.ts';
import type { HeartbeatConfig } from './heartbeat.ts';

const labelMap = z.record(labelNameText(''), z.string()).optional();
const HeartbeatFile = z.strictObject({
  heartbeats: z
    .array(
      z.strictObject({
        name: z.string().min(1, 'a heartbeat needs a name'),
        every: positiveDuration,
        grace: duration.default(0),
        labels: labelMap,
        annotations: labelMap,
      }),
    )
    .default([]),
});

/**
 * Reads expected signs of life from YAML:
 *
 * ```yaml
 * heartbeats:
 * - {name: nightly-backup, every: 1d, grace: 2h, labels: {team: storage, severity: warning}}
 * ```
 *
 * @throws BelfryError `file_unreadable`, `config_invalid` with the place
 */
export function loadHeartbeatsFile(file: string): HeartbeatConfig[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  const loaded = loadYaml(HeartbeatFile, text, file);
  const names = loaded.data.heartbeats.map((h) => h.name);
  names.forEach((name, i) => {
    if (names.indexOf(name) < i)
      throw loaded.problem(['heartbeats', i, 'name'], `heartbeat ${JSON.stringify(name)} is not unique`);
  });
  return loaded.data.heartbeats.map(({ name, every, grace, labels, annotations }) => ({
    name,
    everyMs: every,
    graceMs: grace,
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
  }));
}
