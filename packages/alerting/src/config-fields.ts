import { httpUrl, SECRET_MASK, type Secret, secret, secretText } from '@belfry/config';
import { BelfryError, isValidName, messageOf, parseDuration } from '@belfry/model';
import { z } from 'zod';

/** Turns a text into something better; what the function throws becomes the problem. */
export function parsedText<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      context.issues.push({ code: 'custom', message: messageOf(error), input: text });
      return z.NEVER;
    }
  });
}

export const text = z.string().default('');
export const flag = (fallback: boolean) => z.boolean().default(fallback);
/** A template with its default. */
export const template = (fallback: string) => z.string().default(fallback);
export const optionalSecret = secretText.optional();
export const file = z.string().default('');
/** A fraction is cut off, as Go's decoder does. */
export const wholeNumber = z.number().transform(Math.trunc);
/** How many; not negative. */
export const count = z.number().min(0, 'expected zero or more').transform(Math.trunc);
export const texts = z.array(z.string()).default([]);
export const textMap = z.record(z.string(), z.string()).default({});

/** An `http:` or `https:` URL that nobody may see; the mask itself is let through, as by amtool. */
export const secretUrl = parsedText((value): Secret => {
  if (value.includes(SECRET_MASK)) return secret(value);
  // The parts between braces are for the template engine; the rest must be a URL.
  const probe = value.replace(/\{\{[\s\S]*?\}\}/g, 'x');
  let url: URL;
  try {
    url = new URL(probe);
  } catch {
    throw new BelfryError(
      'config_invalid',
      'not a URL (not shown, because it is a secret), expected something like https://host/path',
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new BelfryError(
      'config_invalid',
      `unsupported scheme ${JSON.stringify(url.protocol.replace(':', ''))} for URL, expected http or https`,
    );
  }
  if (/^https?:\/\/(?:[/?#]|$)/i.test(value)) throw new BelfryError('config_invalid', 'missing host for URL');
  if (/%(?![0-9a-fA-F]{2})/.test(probe))
    throw new BelfryError('config_invalid', 'invalid URL escape: % must be followed by two hex digits');
  return secret(value);
});

/** A URL to whose path something is appended. */
export const baseUrl = httpUrl.transform((url) => (url.endsWith('/') ? url : `${url}/`));

const GO_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3600_000,
};
const GO_DURATION = /^[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/;

/** Go's duration text (`1.5h`, `2m30s`) in milliseconds. @throws BelfryError `config_invalid` */
function parseGoDuration(value: string): number {
  if (!GO_DURATION.test(value)) throw new BelfryError('config_invalid', `invalid duration ${JSON.stringify(value)}`);
  let ms = 0;
  for (const [, number, unit] of value.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    ms += Number(number) * GO_UNITS_MS[unit!]!;
  }
  return value.startsWith('-') ? -ms : ms;
}

export const goDuration = parsedText(parseGoDuration);

export const promDuration = parsedText(parseDuration);

/** A label name, in UTF-8. */
export const labelNameText = (where: string) =>
  parsedText((name) => {
    if (!isValidName(name))
      throw new BelfryError('config_invalid', `invalid label name ${JSON.stringify(name)}${where}`);
    return name;
  });

export interface HostPort {
  readonly host: string;
  /** NaN for a service name that is not known; then sending fails with `portText`. */
  readonly port: number;
  readonly portText: string;
}

/** `host:port`, `[::1]:25`; empty means not given. */
export const hostPort = parsedText((value): HostPort | undefined => {
  if (value === '') return undefined;
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):([^:]*)$/.exec(value);
  if (!match) throw new BelfryError('config_invalid', `address ${value}: missing port in address`);
  const port = match[3]!;
  if (port === '') throw new BelfryError('config_invalid', `address ${JSON.stringify(value)}: port cannot be empty`);
  const NAMED: Readonly<Record<string, number>> = { smtp: 25, smtps: 465, submission: 587, submissions: 465 };
  const number = NAMED[port] ?? (/^\d+$/.test(port) ? Number(port) : Number.NaN);
  return { host: match[1] ?? match[2]!, port: number, portText: port };
});

type Complain = (message: string, path?: (string | number)[]) => void;

/** A check across fields. */
export function refine<T>(check: (value: T, complain: Complain) => void) {
  return (value: T, context: z.core.$RefinementCtx<T>) =>
    check(value, (message, path = []) => context.addIssue({ code: 'custom', message, path, input: value }));
}

export function isGiven(value: Secret | string | undefined): boolean {
  return value !== undefined && (typeof value === 'string' ? value : value.reveal()) !== '';
}

/** Says so when both ways of giving one thing are used. */
export function atMostOne(value: Readonly<Record<string, unknown>>, a: string, b: string, complain: Complain): void {
  if (isGiven(value[a] as Secret | string | undefined) && isGiven(value[b] as string | undefined)) {
    complain(`at most one of ${a} & ${b} must be configured`, [b]);
  }
}
