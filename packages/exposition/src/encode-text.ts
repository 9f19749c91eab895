import { type Exemplar, formatFloat, type Labels, METRIC_NAME, type MetricType } from '@belfry/model';
import type { EscapingScheme } from './escaping.ts';
import { escapeName } from './escaping.ts';
import { familyOf } from './text-parser.ts';

/** A family of metrics to be exposed. */
export interface MetricFamily {
  /** Without what the type adds (`_total`, `_bucket`, …). */
  readonly name: string;
  readonly type: MetricType;
  readonly help?: string;
  readonly unit?: string;
  readonly samples: readonly FamilySample[];
}

export interface FamilySample {
  /** The name of the sample's own metric among them (`…_total`, `…_bucket`). */
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs?: number;
  readonly exemplar?: Exemplar;
}

const LEGACY_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The text format 0.0.4, or 1.0.0 where the escaping lets names be quoted. */
export function encodeText(families: Iterable<MetricFamily>, escaping: EscapingScheme = 'underscores'): string {
  let out = '';
  for (const family of families) {
    // In this format a counter's family has the name of its series.
    const suffix = family.type === 'counter' && seriesAre(family, '_total') ? '_total' : '';
    const name = shownName(family.name + suffix, escaping);
    if (family.help !== undefined) out += `# HELP ${name} ${escapeHelp(family.help)}\n`;
    out += `# TYPE ${name} ${TEXT_TYPE[family.type]}\n`;
    for (const sample of family.samples) {
      out += `${seriesText(sample.labels, escaping)} ${formatFloat(sample.value)}`;
      out += sample.timestampMs === undefined ? '\n' : ` ${sample.timestampMs}\n`;
    }
  }
  return out;
}

const TEXT_TYPE: Readonly<Record<MetricType, string>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  gaugehistogram: 'untyped',
  summary: 'summary',
  info: 'gauge',
  stateset: 'gauge',
  unknown: 'untyped',
};

/** OpenMetrics 1.0. */
export function encodeOpenMetrics(families: Iterable<MetricFamily>, escaping: EscapingScheme = 'underscores'): string {
  let out = '';
  for (const family of families) {
    // A counter whose series do not end in _total is none in this format.
    const type = family.type === 'counter' && !seriesAre(family, '_total') ? 'unknown' : family.type;
    const name = shownName(family.name, escaping);
    out += `# TYPE ${name} ${type}\n`;
    if (family.unit) out += `# UNIT ${name} ${family.unit}\n`;
    if (family.help !== undefined) out += `# HELP ${name} ${escapeValue(family.help)}\n`;
    for (const sample of family.samples) {
      out += `${seriesText(sample.labels, escaping)} ${formatFloat(sample.value)}`;
      if (sample.timestampMs !== undefined) out += ` ${formatSeconds(sample.timestampMs)}`;
      if (sample.exemplar) out += exemplarText(sample.exemplar, escaping);
      out += '\n';
    }
  }
  return `${out}# EOF\n`;
}

function seriesAre(family: MetricFamily, suffix: string): boolean {
  return family.samples.every((s) => metricOf(s.labels).endsWith(suffix) || metricOf(s.labels).endsWith('_created'));
}

function metricOf(labels: Labels): string {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === METRIC_NAME) return labels[i + 1]!;
  return '';
}

function exemplarText(exemplar: Exemplar, escaping: EscapingScheme): string {
  const time = exemplar.timestampMs === undefined ? '' : ` ${formatSeconds(exemplar.timestampMs)}`;
  return ` # {${labelTexts(exemplar.labels, escaping).join(',')}} ${formatFloat(exemplar.value)}${time}`;
}

function formatSeconds(ms: number): string {
  return String(ms / 1000);
}

/** A series as both formats write it: `name{a="b"}`, or `{"na.me",a="b"}`. */
function seriesText(labels: Labels, escaping: EscapingScheme): string {
  const name = escapeName(metricOf(labels), escaping);
  const inside = labelTexts(labels, escaping);
  if (!LEGACY_NAME.test(name)) return `{${[`"${escapeValue(name)}"`, ...inside].join(',')}}`;
  return inside.length === 0 ? name : `${name}{${inside.join(',')}}`;
}

function labelTexts(labels: Labels, escaping: EscapingScheme): string[] {
  const out: string[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (labels[i] === METRIC_NAME) continue;
    const name = escapeName(labels[i]!, escaping);
    const shown = LEGACY_LABEL.test(name) ? name : `"${escapeValue(name)}"`;
    out.push(`${shown}="${escapeValue(labels[i + 1]!)}"`);
  }
  return out;
}

function shownName(name: string, escaping: EscapingScheme): string {
  const escaped = escapeName(name, escaping);
  return LEGACY_NAME.test(escaped) ? escaped : `"${escapeValue(escaped)}"`;
}

function escapeValue(text: string): string {
  return /[\\\n"]/.test(text) ? text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"') : text;
}

function escapeHelp(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

/**
 * Groups samples of a store into families, for federation: by metric name, with the metadata that is known of it.
 * `samples` must be sorted by metric name.
 */
export function* familiesOf(
  samples: Iterable<FamilySample>,
  metadataOf: (
    family: string,
  ) => { readonly type: MetricType; readonly help?: string; readonly unit?: string } | undefined,
): Generator<MetricFamily> {
  let name = '';
  let group: FamilySample[] = [];
  const finish = (): MetricFamily => {
    const known = metadataOf(name);
    const type = known && familyOf(name, known.type) === name ? known.type : 'unknown';
    return { name, type, ...(known?.help ? { help: known.help } : {}), samples: group };
  };
  for (const sample of samples) {
    const next = metricOf(sample.labels);
    if (next !== name && group.length > 0) {
      yield finish();
      group = [];
    }
    name = next;
    group.push(sample);
  }
  if (group.length > 0) yield finish();
}
