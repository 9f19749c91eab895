import { compilePattern, isValidName, messageOf, type Pattern, parseDuration } from '@belfry/model';
import { z } from 'zod';
import { type Secret, secret } from './secret.ts';

/** Turns a text into something better, its complaint becoming the problem's message. */
function parsed<T>(parse: (text: string) => T) {
  return z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      context.issues.push({ code: 'custom', message: messageOf(error), input: text });
      return z.NEVER;
    }
  });
}

/** Prometheus' duration text (`1m30s`) as milliseconds. */
export const duration = parsed(parseDuration);

/** As {@link duration}, but zero is refused. */
export const positiveDuration = parsed((text) => {
  const ms = parseDuration(text);
  if (ms <= 0) throw new Error('expected a duration above zero, such as 15s');
  return ms;
});

const BYTE_POWERS: Readonly<Record<string, number>> = { K: 1, M: 2, G: 3, T: 4, P: 5, E: 6 };
const BYTE_PARTS = /(\d+(?:\.\d*)?|\.\d+)([KMGTPE]?)i?B/y;

/**
 * A size such as `512MB` or `1GiB512MiB`, in bytes; `0` needs no unit. As in Prometheus, whose library reads every unit
 * in powers of 1024, `KB` and `KiB` are the same.
 * @throws Error with what was expected
 */
export function parseByteSize(text: string): number {
  if (text === '0') return 0;
  let bytes = 0;
  BYTE_PARTS.lastIndex = 0;
  for (let at = 0; at < text.length || at === 0; at = BYTE_PARTS.lastIndex) {
    const part = BYTE_PARTS.exec(text);
    if (!part) throw new Error(`not a size: ${JSON.stringify(text)}, expected a number and a unit, such as 512MB`);
    bytes += Number(part[1]) * 1024 ** (BYTE_POWERS[part[2]!] ?? 0);
  }
  return Math.round(bytes);
}

export const byteSize = parsed(parseByteSize);

/** A label name by the rules of Prometheus 3: any non-empty Unicode text. */
export const labelName = parsed((text) => {
  if (!isValidName(text)) throw new Error(`${JSON.stringify(text)} is not a valid label name`);
  return text;
});

/** A map of labels. Values written as numbers or booleans are text here, as everywhere in labels. */
export const labelMap = z.record(labelName, z.string());

/** A fully anchored RE2 expression, compiled. */
export const regex = parsed((text): Pattern => compilePattern(text));

/** A URL with a scheme and a host. */
export const url = parsed(checkUrl);

function checkUrl(text: string): string {
  let parsedUrl: URL;
  try {
    parsedUrl = new URL(text);
  } catch {
    throw new Error(`${JSON.stringify(text)} is not a URL, expected something like http://host:port/path`);
  }
  if (parsedUrl.host === '') throw new Error(`missing host in URL ${JSON.stringify(text)}`);
  return text;
}

/** An `http:` or `https:` URL. */
export const httpUrl = parsed((text) => {
  const scheme = new URL(checkUrl(text)).protocol;
  if (scheme !== 'http:' && scheme !== 'https:') {
    throw new Error(`unsupported scheme ${JSON.stringify(scheme.replace(':', ''))} in URL, expected http or https`);
  }
  return text;
});

/** A text that is never shown again. */
export const secretText = z.string().transform((text): Secret => secret(text));

/** A whole number of things, zero or more. */
export const count = z.number().int('expected a whole number').min(0, 'expected zero or more');
