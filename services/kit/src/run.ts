/** Running a reference service as a process of its own: settings, signals, and one clear line when it cannot start. */
import { BelfryError, messageOf } from '@belfry/model';

export interface Stoppable {
  readonly ports: { readonly api: number; readonly metrics: number };
  close(): Promise<void>;
}

/**
 * Starts, tells the parent process `{kind: 'ready', ports}` when there is one to tell, and stops on SIGTERM and SIGINT or
 * when the parent goes away. Exit code 1, with one line on standard error, when it cannot start.
 */
export async function runService(start: () => Promise<Stoppable>): Promise<void> {
  try {
    const service = await start();
    process.send?.({ kind: 'ready', ports: service.ports });
    let stopping = false;
    const stop = () => {
      if (stopping) return;
      stopping = true;
      service.close().then(
        () => process.exit(0),
        () => process.exit(1),
      );
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    process.on('disconnect', stop);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings by name, from `--name=value` or `--name value` before the environment, before the default. */
export interface Settings {
  text(variable: string, fallback: string): string;
  /** @throws BelfryError `usage` */
  integer(variable: string, fallback: number, range?: readonly [least: number, most: number]): number;
  /** @throws BelfryError `usage` */
  number(variable: string, fallback: number): number;
  /** @throws BelfryError `usage` */
  flag(variable: string, fallback: boolean): boolean;
}

/**
 * `flags` maps command line flags to the variables that they stand for; a flag counts more than the environment.
 * @throws BelfryError `usage` for an argument that is no flag, or a flag without value
 */
export function readSettings(
  env: Environment,
  argv: readonly string[],
  flags: Readonly<Record<string, string>>,
): Settings {
  const given = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const [, name, inline] = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(argv[i]!) ?? [];
    const variable = name === undefined ? undefined : flags[name];
    if (variable === undefined) {
      const known = Object.keys(flags).map((f) => `--${f}`);
      throw new BelfryError('usage', `unknown argument ${argv[i]}; there are ${known.join(', ')}`);
    }
    const value = inline ?? argv[++i];
    if (value === undefined) throw new BelfryError('usage', `--${name} needs a value`);
    given.set(variable, value);
  }
  const raw = (variable: string) => given.get(variable) ?? (env[variable] === '' ? undefined : env[variable]);
  const wrong = (variable: string, expected: string) =>
    new BelfryError('usage', `${variable} is ${JSON.stringify(raw(variable))}; expected ${expected}`);
  return {
    text: (variable, fallback) => raw(variable) ?? fallback,
    integer(variable, fallback, [least, most] = [0, Number.MAX_SAFE_INTEGER]) {
      const text = raw(variable);
      if (text === undefined) return fallback;
      if (!/^\d+$/.test(text) || Number(text) < least || Number(text) > most) {
        throw wrong(variable, `a whole number from ${least} to ${most}`);
      }
      return Number(text);
    },
    number(variable, fallback) {
      const text = raw(variable);
      if (text === undefined) return fallback;
      const value = Number(text);
      if (!Number.isFinite(value) || value < 0) throw wrong(variable, 'a number of at least 0');
      return value;
    },
    flag(variable, fallback) {
      const text = raw(variable)?.toLowerCase();
      if (text === undefined) return fallback;
      if (['true', '1', 'on', 'yes'].includes(text)) return true;
      if (['false', '0', 'off', 'no'].includes(text)) return false;
      throw wrong(variable, 'true or false');
    },
  };
}

export const PORTS = [0, 65_535] as const;

/** Variables of `names` that are set and have no effect here, for a line in the log. */
export function withoutEffect(env: Environment, names: readonly string[]): readonly string[] {
  return names.filter((name) => env[name] !== undefined && env[name] !== '');
}

/** @throws BelfryError `usage` when `value` is not among `allowed` */
export function oneOfSetting<T extends string>(variable: string, value: string, allowed: readonly T[]): T {
  const known = allowed.find((a) => a === value);
  if (known !== undefined) return known;
  throw new BelfryError('usage', `${variable} is ${JSON.stringify(value)}; expected ${allowed.join(' or ')}`);
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
