/** What was expected against what there was, so that the difference meets the eye. */
import { formatLabels, type Labels, labelsFrom, quote } from '@belfry/model';
import { formatGoFloat } from '@belfry/template';

export interface TestedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface TestedSample {
  readonly labels: Labels;
  readonly value: number;
  /** The notation of a native histogram. */
  readonly histogram?: string;
}

export function alertText(alert: TestedAlert): string {
  const annotations = Object.entries(alert.annotations).map(([name, text]) => `${name}=${quote(text)}`);
  return `${formatLabels(labelsFrom(alert.labels))}${annotations.length === 0 ? '' : ` ${annotations.join(' ')}`}`;
}

export function sampleText(sample: TestedSample): string {
  if (sample.histogram !== undefined) return `${formatLabels(sample.labels)} ${sample.histogram}`;
  const value = sample.value === Number.POSITIVE_INFINITY ? '+Inf' : formatGoFloat(sample.value, 'g', -1);
  return `${formatLabels(sample.labels)} ${value}`;
}

/** Lines that begin with `-` for what is missing, `+` for what is too much, `~` for what differs in its parts. */
export function diffAlerts(expected: readonly TestedAlert[], got: readonly TestedAlert[]): string[] {
  const fields = (alert: TestedAlert): Map<string, string> =>
    new Map([
      ...Object.entries(alert.labels).map(([k, v]) => [`label ${k}`, v] as const),
      ...Object.entries(alert.annotations).map(([k, v]) => [`annotation ${k}`, v] as const),
    ]);
  return diffLists(expected, got, alertText, fields);
}

export function diffSamples(expected: readonly TestedSample[], got: readonly TestedSample[]): string[] {
  const fields = (sample: TestedSample): Map<string, string> => {
    const map = new Map<string, string>();
    for (let i = 0; i < sample.labels.length; i += 2) map.set(`label ${sample.labels[i]}`, sample.labels[i + 1]!);
    const text = sampleText(sample);
    return map.set('value', text.slice(text.lastIndexOf(' ') + 1));
  };
  return diffLists(expected, got, sampleText, fields);
}

function diffLists<T>(
  expected: readonly T[],
  got: readonly T[],
  show: (item: T) => string,
  fields: (item: T) => Map<string, string>,
): string[] {
  const remaining = got.map((item) => ({ text: show(item), item }));
  const missing: T[] = [];
  for (const item of expected) {
    const same = remaining.findIndex((other) => other.text === show(item));
    if (same >= 0) remaining.splice(same, 1);
    else missing.push(item);
  }
  const lines: string[] = [];
  for (const item of missing) {
    const like = mostAlike(
      fields(item),
      remaining.map((other) => fields(other.item)),
    );
    if (like < 0) {
      lines.push(`- ${show(item)}`);
      continue;
    }
    const [other] = remaining.splice(like, 1);
    lines.push(`~ ${show(item)}`, ...fieldDifferences(fields(item), fields(other!.item)));
  }
  for (const other of remaining) lines.push(`+ ${other.text}`);
  return lines;
}

/** The one that has most in common, if that is at least half. */
function mostAlike(wanted: ReadonlyMap<string, string>, candidates: readonly ReadonlyMap<string, string>[]): number {
  let best = -1;
  let bestShare = 0.5;
  candidates.forEach((candidate, i) => {
    let common = 0;
    for (const [name, value] of wanted) if (candidate.get(name) === value) common++;
    const share = common / Math.max(1, wanted.size, candidate.size);
    if (share >= bestShare && (best < 0 || share > bestShare)) {
      best = i;
      bestShare = share;
    }
  });
  return best;
}

function fieldDifferences(expected: ReadonlyMap<string, string>, got: ReadonlyMap<string, string>): string[] {
  const lines: string[] = [];
  for (const name of new Set([...expected.keys(), ...got.keys()])) {
    const a = expected.get(name);
    const b = got.get(name);
    if (a === b) continue;
    lines.push(
      `    ${name}: expected ${a === undefined ? 'none' : quote(a)}, got ${b === undefined ? 'none' : quote(b)}`,
    );
  }
  return lines;
}
