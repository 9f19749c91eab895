import { isIP } from 'node:net';

/** Go's `net.SplitHostPort`; nothing for what cannot be split. */
export function splitHostPort(text: string): { host: string; port: string } | undefined {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return undefined;
  let host: string;
  let bracketFree: string;
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    if (close < 0 || close + 1 !== colon) return undefined;
    host = text.slice(1, close);
    bracketFree = host + text.slice(close + 1);
  } else {
    host = text.slice(0, colon);
    if (host.includes(':')) return undefined;
    bracketFree = text;
  }
  return /[[\]]/.test(bracketFree) ? undefined : { host, port: text.slice(colon + 1) };
}

export function stripPort(text: string): string {
  return splitHostPort(text)?.host ?? text;
}

/** The first part of a host's name, keeping its port; addresses stay whole. */
export function stripDomain(text: string): string {
  const { host, port } = splitHostPort(text) ?? { host: text, port: '' };
  if (isIP(host) !== 0) return text;
  const first = host.split('.')[0]!;
  if (port === '') return first;
  return first.includes(':') ? `[${first}]:${port}` : `${first}:${port}`;
}
