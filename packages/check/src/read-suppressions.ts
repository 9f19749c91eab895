import { loadYaml } from '@belfry/config';
import { nearest } from '@belfry/model';
import { z } from 'zod';
import { CHECKS } from './checks/index.ts';
import type { ConfiguredSuppression } from './suppress.ts';

const File = z.strictObject({
  disable: z
    .array(
      z.strictObject({
        check: z.string().min(1),
        path: z.string().optional(),
        matching: z.string().optional(),
        reason: z.string().min(1, 'a reason is needed'),
      }),
    )
    .default([]),
});

/** Reads `.belfry-check.yml`. @throws BelfryError `config_invalid`, also for a check that there is not */
export function readSuppressions(text: string, path: string): readonly ConfiguredSuppression[] {
  const loaded = loadYaml(File, text, path);
  const known = CHECKS.map((c) => c.name);
  loaded.data.disable.forEach(({ check }, i) => {
    if (known.includes(check)) return;
    const near = nearest(check, known);
    throw loaded.problem(['disable', i, 'check'], `there is no check ${check}${near ? `, did you mean ${near}?` : ''}`);
  });
  return loaded.data.disable;
}
