import { loadYaml } from '@belfry/config';
import { z } from 'zod';
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

/** Reads `.belfry-check.yml`. @throws BelfryError `config_invalid` */
export function readSuppressions(text: string, path: string): readonly ConfiguredSuppression[] {
  return loadYaml(File, text, path).data.disable;
}
