import pino from 'pino';

export type Logger = pino.Logger;

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
