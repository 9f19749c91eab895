/** For tests of reference services: calls, and a scrape read back as numbers. */
import type { JsonObject } from './connect.ts';

export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
}

/** Posts a Connect call; a text is sent as it is. */
export async function call(
  url: string,
  request: JsonObject | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof request === 'string' ? request : JSON.stringify(request),
  });
  return { status: response.status, body: (await response.json()) as JsonObject };
}

/** The samples of a scrape in the text format. */
export interface Scrape {
  readonly text: string;
  /** The sum of the samples of this name whose labels include these. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** Every label set of this name. */
  series(name: string): readonly Readonly<Record<string, string>>[];
}

export async function scrape(port: number, accept = 'text/plain'): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept } });
  const text = await response.text();
  const samples = text
    .split('\n')
    .map((line) => /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name, labels, value]) => ({ name: name!, labels: readLabels(labels ?? ''), value: Number(value) }));
  const named = (name: string) => samples.filter((s) => s.name === name);
  return {
    text,
    sum: (name, labels = {}) =>
      named(name)
        .filter((s) => Object.entries(labels).every(([k, v]) => s.labels[k] === v))
        .reduce((sum, s) => sum + s.value, 0),
    series: (name) => named(name).map((s) => s.labels),
  };
}

function readLabels(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((m) => [m[1]!, m[2]!]));
}
