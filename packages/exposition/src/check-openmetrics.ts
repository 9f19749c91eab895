import {
  BelfryError,
  type Exemplar,
  type Labels,
  labelsKey,
  labelsWithout,
  labelValue,
  METRIC_NAME,
  type MetricType,
} from '@belfry/model';
import { ENTRY, type ExpositionParser } from './entry.ts';
import { openMetricsParser } from './text-parser.ts';

/**
 * What the OpenMetrics 1.0 specification demands beyond its syntax: groups that stay together, histograms that add up,
 * values that their types allow, metadata once and before samples. Scraping does not ask for it, as Prometheus does not;
 * a service's own tests should.
 * @returns every problem as `exposition_syntax`, in the order of the lines; a syntax error is the last.
 */
export function checkOpenMetrics(bytes: Uint8Array): BelfryError[] {
  const problems: BelfryError[] = [];
  const check = newCheck(problems);
  const parser = openMetricsParser(bytes, { verbatim: true });
  try {
    for (;;) {
      const entry = parser.next();
      check.line++;
      if (entry === ENTRY.end) break;
      if (entry === ENTRY.series) takeSample(check, readSample(parser));
      else takeMetadata(check, parser, entry === ENTRY.type ? 'TYPE' : entry === ENTRY.help ? 'HELP' : 'UNIT');
    }
    finishFamily(check);
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    problems.push(error);
  }
  return problems;
}

interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
  /** NaN: none. */
  readonly timestampMs: number;
  readonly exemplar: Exemplar | undefined;
}

interface Family {
  name: string;
  /** Undefined until TYPE, or a sample, says. */
  type: MetricType | undefined;
  unit: string | undefined;
  hasHelp: boolean;
  line: number;
  /** Names that samples of it may have. */
  allowed: readonly string[];
  readonly samples: Sample[];
  group: string | undefined;
  groupTimestampMs: number;
  readonly seenGroups: Set<string>;
}

interface Check {
  line: number;
  family: Family | undefined;
  readonly seenNames: Set<string>;
  complain(message: string, line?: number): void;
}

const SUFFIXES: Readonly<Partial<Record<MetricType, readonly string[]>>> = {
  counter: ['_total', '_created'],
  summary: ['', '_count', '_sum', '_created'],
  histogram: ['_count', '_sum', '_bucket', '_created'],
  gaugehistogram: ['_gcount', '_gsum', '_bucket'],
  info: ['_info'],
};

/** Of an exemplar's labels, names and values together, in characters. */
const MAX_EXEMPLAR_CHARS = 128;

function newCheck(problems: BelfryError[]): Check {
  const check: Check = {
    line: 0,
    family: undefined,
    seenNames: new Set(),
    complain(message, line = check.line) {
      const range = { line, column: 1, endLine: line, endColumn: 2 };
      problems.push(new BelfryError('exposition_syntax', message, { range }));
    },
  };
  return check;
}

function readSample(parser: ExpositionParser): Sample {
  const labels = parser.labels();
  return {
    name: labelValue(labels, METRIC_NAME),
    labels: labelsWithout(labels, new Set([METRIC_NAME])),
    value: parser.value,
    timestampMs: parser.timestampMs,
    exemplar: parser.exemplar(),
  };
}

function startFamily(check: Check, name: string, type: MetricType | undefined): Family {
  finishFamily(check);
  const family: Family = {
    name,
    type,
    unit: undefined,
    hasHelp: false,
    line: check.line,
    allowed: [name],
    samples: [],
    group: undefined,
    groupTimestampMs: NaN,
    seenGroups: new Set(),
  };
  check.family = family;
  return family;
}

function takeMetadata(check: Check, parser: ExpositionParser, keyword: 'TYPE' | 'HELP' | 'UNIT'): void {
  const name = parser.familyName;
  let family = check.family;
  if (family?.name !== name) family = startFamily(check, name, undefined);
  if (family.samples.length > 0) check.complain(`${keyword} of ${name} after its samples`);
  if (keyword === 'TYPE') {
    if (family.type !== undefined) check.complain(`more than one TYPE of ${name}`);
    family.type = parser.metricType;
    family.allowed = (SUFFIXES[family.type] ?? ['']).map((suffix) => name + suffix);
  } else if (keyword === 'HELP') {
    if (family.hasHelp) check.complain(`more than one HELP of ${name}`);
    family.hasHelp = true;
  } else {
    if (family.unit !== undefined) check.complain(`more than one UNIT of ${name}`);
    family.unit = parser.text;
  }
}

function takeSample(check: Check, sample: Sample): void {
  let family = check.family;
  if (!family?.allowed.includes(sample.name)) family = startFamily(check, sample.name, 'unknown');
  checkLabels(check, family, sample);
  checkGrouping(check, family, sample);
  checkValue(check, family, sample);
  if (sample.exemplar) checkExemplar(check, family, sample, sample.exemplar);
  family.samples.push(sample);
}

function checkLabels(check: Check, family: Family, sample: Sample): void {
  const suffix = sample.name.slice(family.name.length);
  const bound = (label: string) => {
    const text = labelValue(sample.labels, label);
    const value = text === '' ? NaN : Number(text.replace(/^([+-]?)Inf$/, '$1Infinity'));
    // Infinity alone has one spelling.
    return value === Infinity && text !== '+Inf' ? NaN : value;
  };
  if (family.type === 'stateset' && labelValue(sample.labels, family.name) === '') {
    check.complain(`a stateset needs the label ${family.name}`);
  }
  if (isHistogram(family) && suffix === '_bucket' && Number.isNaN(bound('le'))) {
    check.complain(`${sample.name} needs a label le with a number`);
  }
  if (family.type === 'summary' && suffix === '') {
    const quantile = bound('quantile');
    if (!(quantile >= 0 && quantile <= 1)) check.complain(`${sample.name} needs a label quantile from 0 to 1`);
  }
}

function isHistogram(family: Family): boolean {
  return family.type === 'histogram' || family.type === 'gaugehistogram';
}

/** What a sample has in common with those that belong to the same metric. */
function groupOf(family: Family, sample: Sample): string {
  if (family.type === 'info') return '';
  const without =
    family.type === 'summary' && sample.name === family.name
      ? 'quantile'
      : family.type === 'stateset'
        ? family.name
        : isHistogram(family) && sample.name === `${family.name}_bucket`
          ? 'le'
          : undefined;
  return labelsKey(without === undefined ? sample.labels : labelsWithout(sample.labels, new Set([without])));
}

function checkGrouping(check: Check, family: Family, sample: Sample): void {
  const group = groupOf(family, sample);
  if (family.group !== undefined && group !== family.group && family.seenGroups.has(group)) {
    check.complain(`the samples of one metric of ${family.name} do not stand together`);
  }
  if (group === family.group && family.samples.length > 0) {
    const before = family.groupTimestampMs;
    const now = sample.timestampMs;
    if (Number.isNaN(before) !== Number.isNaN(now)) {
      check.complain('timestamps are given for some samples of the metric and not for others');
    } else if (before > now && family.type !== 'info') check.complain('timestamps go backwards within the metric');
  }
  family.group = group;
  family.groupTimestampMs = sample.timestampMs;
  family.seenGroups.add(group);
}

function checkValue(check: Check, family: Family, sample: Sample): void {
  const { value, name } = sample;
  const suffix = name.slice(family.name.length);
  if (family.type === 'stateset' && value !== 0 && value !== 1)
    check.complain(`a stateset has the values 0 and 1 only`);
  if (family.type === 'info' && value !== 1) check.complain('an info metric has the value 1 only');
  if (family.type === 'summary' && suffix === '' && value < 0) check.complain('a quantile cannot be negative');
  const counts = SUFFIXES[family.type ?? 'unknown'] !== undefined;
  if (!counts || suffix === '' || suffix === '_created' || suffix === '_info') return;
  if (Number.isNaN(value)) check.complain(`${name} cannot be NaN`);
  if (value < 0 && suffix !== '_gsum') check.complain(`${name} cannot be negative`);
  const whole = suffix === '_bucket' || suffix === '_count' || suffix === '_gcount';
  if (whole && !Number.isInteger(value) && Number.isFinite(value)) check.complain(`${name} must be a whole number`);
}

function checkExemplar(check: Check, family: Family, sample: Sample, exemplar: Exemplar): void {
  const allowed =
    (isHistogram(family) && sample.name === `${family.name}_bucket`) ||
    (family.type === 'counter' && sample.name === `${family.name}_total`);
  if (!allowed) check.complain('only buckets of histograms and counters can have exemplars');
  let characters = 0;
  for (const text of exemplar.labels) characters += [...text].length;
  if (characters > MAX_EXEMPLAR_CHARS) {
    check.complain(`the labels of an exemplar have ${characters} characters, more than ${MAX_EXEMPLAR_CHARS}`);
  }
}

function finishFamily(check: Check): void {
  const { family } = check;
  if (!family) return;
  check.family = undefined;
  const type = family.type ?? 'unknown';
  for (const suffix of new Set([...(SUFFIXES[type] ?? []), ''])) {
    const name = family.name + suffix;
    if (check.seenNames.has(name)) check.complain(`the name ${name} is used twice`, family.line);
    check.seenNames.add(name);
  }
  if (family.unit && (type === 'info' || type === 'stateset')) {
    check.complain(`${family.name}: an ${type} metric has no unit`, family.line);
  }
  if (isHistogram(family)) checkHistogram(check, family);
}

interface HistogramGroup {
  readonly key: string;
  bound: number | undefined;
  value: number;
  count: number | undefined;
  hasSum: boolean;
  hasGaugeSum: boolean;
  negativeBuckets: boolean;
  negativeGaugeSum: boolean;
}

function checkHistogram(check: Check, family: Family): void {
  const complain = (message: string) => check.complain(`${family.name}: ${message}`, family.line);
  let group: HistogramGroup | undefined;
  for (const sample of family.samples) {
    const suffix = sample.name.slice(family.name.length);
    const key = `${groupOf(family, sample)}@${sample.timestampMs}`;
    if (group?.key !== key) {
      if (group) checkHistogramGroup(group, complain);
      group = {
        key,
        bound: undefined,
        value: 0,
        count: undefined,
        hasSum: false,
        hasGaugeSum: false,
        negativeBuckets: false,
        negativeGaugeSum: false,
      };
    }
    if (suffix === '_bucket') {
      const bound = Number(labelValue(sample.labels, 'le').replace(/^([+-]?)Inf$/, '$1Infinity'));
      if (group.bound !== undefined && bound <= group.bound) complain('buckets are out of order');
      if (sample.value < group.value) complain('a bucket counts less than the one before it');
      if (bound < 0) group.negativeBuckets = true;
      group.bound = bound;
      group.value = sample.value;
    } else if (suffix === '_count' || suffix === '_gcount') group.count = sample.value;
    else if (suffix === '_sum') group.hasSum = true;
    else if (suffix === '_gsum') {
      group.hasGaugeSum = true;
      group.negativeGaugeSum = sample.value < 0;
    }
  }
  if (group) checkHistogramGroup(group, complain);
}

function checkHistogramGroup(group: HistogramGroup, complain: (message: string) => void): void {
  if (group.bound !== Infinity) complain('the bucket with le="+Inf" is missing');
  if (group.count !== undefined && group.count !== group.value) complain('the count differs from the last bucket');
  if ((group.hasSum || group.hasGaugeSum) && group.count === undefined) complain('there is a sum and no count');
  if (group.count !== undefined && !group.hasSum && !group.hasGaugeSum) complain('there is a count and no sum');
  if (group.negativeBuckets && group.hasSum) complain('with negative buckets there can be no sum');
  if (!group.negativeBuckets && group.negativeGaugeSum) complain('a negative sum needs negative buckets');
}
