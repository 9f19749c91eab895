import { BelfryError } from '@belfry/model';
import pino from 'pino';
import type { Flag, FlagValues } from './flags.ts';

export type Logger = pino.Logger;

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** JSON lines on standard error: `level`, `time` (ISO 8601), `msg`, and fields. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** @throws BelfryError `usage` */
export function levelOf(values: FlagValues): string {
  const level = values['log.level']!;
  if (LEVELS.includes(level)) return level;
  throw new BelfryError('usage', `--log.level=${level}: expected one of ${LEVELS.join(', ')}`);
}

/** Says which of the given flags change nothing here. */
export function sayIgnoredFlags(log: Logger, flags: readonly Flag[], given: ReadonlySet<string>): void {
  const ignored = flags.filter(({ name, accepted }) => accepted && given.has(name)).map(({ name }) => `--${name}`);
  if (ignored.length > 0) log.warn({ flags: ignored }, 'accepted for compatibility, without effect');
}
