import { ENTRY, openMetricsParser, textParser } from '@belfry/exposition';
import { BelfryError } from '@belfry/model';
import type { KnownLabel, KnownMetric, KnownType } from './catalogue.ts';
import type { ReadFault } from './read-json.ts';
import { placeIn, placeOfRange, type SourceFile, wholeFile } from './source.ts';

interface Family {
  type: KnownType;
  help: string;
  unit: string | undefined;
  readonly labels: Map<string, Set<string>>;
  readonly buckets: Set<number>;
  samples: number;
  /** Label sets that had the label. */
  readonly carried: Map<string, number>;
}

/** Whether a text looks like what `/metrics` answers. */
export function isMetricsDump(text: string): boolean {
  return /^# (?:TYPE|HELP) \S+/m.test(text);
}

/** The metrics of a `/metrics` answer. Values of labels are not taken for complete: another moment has others. */
export function readMetricsDump(file: SourceFile): { metrics: KnownMetric[]; fault: ReadFault | undefined } {
  const bytes = new TextEncoder().encode(file.text);
  const openMetrics = /^# EOF\s*$/m.test(file.text);
  const parser = openMetrics ? openMetricsParser(bytes) : textParser(bytes);
  const families = new Map<string, Family>();
  let fault: ReadFault | undefined;
  const family = (name: string): Family => {
    let known = families.get(name);
    if (!known) {
      known = {
        type: 'unknown',
        help: '',
        unit: undefined,
        labels: new Map(),
        buckets: new Set(),
        samples: 0,
        carried: new Map(),
      };
      families.set(name, known);
    }
    return known;
  };
  try {
    for (let entry = parser.next(); entry !== ENTRY.end; entry = parser.next()) {
      if (entry === ENTRY.type) {
        // OpenMetrics names a counter's family without the suffix of its series.
        const total = openMetrics && parser.metricType === 'counter' ? '_total' : '';
        family(parser.familyName + total).type = typeOf(parser.metricType);
      } else if (entry === ENTRY.help) family(parser.familyName).help = parser.text;
      else if (entry === ENTRY.unit) family(parser.familyName).unit = parser.text;
      else if (entry === ENTRY.series) addSeries(parser.labels(), families, family);
    }
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    const snippet = wholeFile(file);
    fault = {
      place: error.range ? placeOfRange(snippet, error.range) : placeIn(snippet, 0, 0),
      message: error.message,
    };
  }
  return { metrics: [...families].filter(([, f]) => f.type !== 'unknown' || f.samples > 0).map(toKnown(file)), fault };
}

function typeOf(type: string): KnownType {
  if (type === 'counter' || type === 'gauge' || type === 'histogram' || type === 'summary' || type === 'info')
    return type;
  return type === 'gaugehistogram' ? 'histogram' : type === 'stateset' ? 'gauge' : 'unknown';
}

function addSeries(labels: readonly string[], families: Map<string, Family>, family: (name: string) => Family): void {
  let name = '';
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === '__name__') name = labels[i + 1]!;
  const base = name.replace(/_(?:bucket|sum|count)$/, '');
  const owner = families.get(base)?.type === 'histogram' || families.get(base)?.type === 'summary' ? base : name;
  const to = family(owner);
  to.samples++;
  for (let i = 0; i < labels.length; i += 2) {
    const label = labels[i]!;
    if (label === '__name__' || (owner !== name && label === 'le') || (to.type === 'summary' && label === 'quantile')) {
      if (label === 'le' && Number.isFinite(Number(labels[i + 1]))) to.buckets.add(Number(labels[i + 1]));
      continue;
    }
    to.carried.set(label, (to.carried.get(label) ?? 0) + 1);
    const values = to.labels.get(label);
    if (values) values.add(labels[i + 1]!);
    else to.labels.set(label, new Set([labels[i + 1]!]));
  }
}

function toKnown(file: SourceFile) {
  return ([name, f]: [string, Family]): KnownMetric => {
    const at = file.text.search(new RegExp(`\\b${name}\\b`));
    return {
      name,
      type: f.type,
      unit: f.unit,
      labels: new Map(
        [...f.labels].map(([label, values]) => [
          label,
          { cardinality: values.size, always: f.carried.get(label) === f.samples } as KnownLabel,
        ]),
      ),
      complete: f.samples > 0,
      buckets: f.buckets.size > 0 ? [...f.buckets].sort((a, b) => a - b) : undefined,
      aliases: [],
      help: f.help,
      authority: 'dump',
      silent: f.samples === 0,
      at: at < 0 ? undefined : placeIn(wholeFile(file), at, at + name.length),
    };
  };
}
