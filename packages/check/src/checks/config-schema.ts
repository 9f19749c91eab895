import { checkConfig } from '@belfry/alerting';
import { type ConfigFiles, parsePrometheusConfig } from '@belfry/config';
import { BelfryError } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { placeIn, placeOfRange } from '../source.ts';

/** The checker reads what it is given: no other files. */
const NO_FILES: ConfigFiles = { readText: () => '', glob: () => [] };

export const configSchema = defineCheck({
  name: 'config-schema',
  finds:
    'A `prometheus.yml` or `alertmanager.yml` that the program refuses: unknown fields, wrong values, receivers that are not defined.',
  severity: 'error',
  why: 'The program does not start with it; at a reload it goes on with what it had, and the change is not in effect.',
  bad: { 'alertmanager.yml': 'route:\n  receiver: team\nreceivers:\n  - name: default\n' },
  good: { 'alertmanager.yml': 'route:\n  receiver: default\nreceivers:\n  - name: default\n' },
  run: ({ alertmanagers, prometheus }, report) => {
    for (const { source, origin } of alertmanagers) {
      const result = checkConfig(source.text);
      for (const problem of result.ok ? [] : result.problems) {
        // In prose what is secret or left to the reader is often a word in place of an address.
        const severity = origin === 'markdown' && /URL|url|scheme|file/.test(problem.message) ? 'warning' : 'error';
        report({ at: placeOf(source, problem), severity, message: problem.message });
      }
    }
    for (const { source } of prometheus) {
      try {
        parsePrometheusConfig(source.text, source.file.path, {
          files: NO_FILES,
          environment: {},
          unsupported: 'report',
        });
      } catch (error) {
        if (!(error instanceof BelfryError)) throw error;
        report({ at: placeOf(source, error), message: error.message });
      }
    }
  },
});

function placeOf(source: Parameters<typeof placeOfRange>[0], error: BelfryError) {
  return error.range ? placeOfRange(source, error.range) : placeIn(source, 0, 0);
}
