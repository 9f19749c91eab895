import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Takes one line at a time. */
export interface LogSink {
  write(line: string): void;
}

/**
 * JSON lines with `time` (RFC 3339), `level` in words, `service` and `msg`. `count` is told the level of every line, so
 * that what the metric says and what the log holds agree.
 */
export function createLogger(
  service: string,
  options: { level: string; sink: LogSink; count: (level: LogLevel) => void },
): Logger {
  return pino(
    {
      level: options.level,
      base: { service },
      messageKey: 'msg',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, method, level) {
          const index = Math.min(LEVELS.length - 1, Math.max(0, Math.floor(level / 10) - 2));
          options.count(LEVELS[index]!);
          method.apply(this, args);
        },
      },
    },
    options.sink,
  );
}
