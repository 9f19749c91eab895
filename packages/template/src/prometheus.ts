/** The functions and the data that Prometheus gives to templates of alerting rules. */
import { type Labels, labelsToObject, parseDuration } from '@belfry/model';
import { queryEscape } from './builtins.ts';
import { formatValue } from './format.ts';
import type { FunctionMap } from './functions.ts';
import { goDuration } from './go-duration.ts';
import { formatGoTime, goTime } from './go-time.ts';
import { stripDomain, stripPort } from './host-port.ts';
import {
  fourDigits,
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  lowerCase,
  matchText,
  replaceAll,
  titleWords,
  toFloat,
  upperCase,
} from './text-functions.ts';
import { type GoType, HTML, named, STRING_MAP, typed } from './value.ts';

/** One element of what a query in a template gives. */
export interface TemplateSample {
  readonly labels: Labels;
  /** A number; a native histogram as the text to show. */
  readonly value: number | string;
}

/** What Prometheus' functions need of the world. */
export interface PrometheusHost {
  /** Runs an instant query at the time of the evaluation. */
  readonly query: (expr: string, signal: AbortSignal | undefined) => PromiseLike<readonly TemplateSample[]>;
  /** The time of the evaluation, in milliseconds. */
  readonly timeMs: number;
  /** Where users reach the server; no slash at the end. */
  readonly externalUrl: string;
}

const SAMPLE: GoType = { name: 'template.sample', kind: 'struct', pointer: true };
const QUERY_RESULT: GoType = { name: 'template.queryResult', kind: 'slice' };

interface Sample {
  readonly Labels: Readonly<Record<string, string>>;
  readonly Value: unknown;
}

function templateSample({ labels, value }: TemplateSample): Sample {
  return typed(SAMPLE, { Labels: labelMap(labels), Value: value });
}

function labelMap(labels: Labels): Readonly<Record<string, string>> {
  return typed(STRING_MAP, labelsToObject(labels));
}

const MAX_NANOS = 2 ** 63;

/** @throws Error when the time cannot be told in 64 bits of nanoseconds, as in Go */
function timeOf(seconds: number) {
  const nanos = seconds * 1e9;
  if (nanos >= MAX_NANOS || nanos < -MAX_NANOS) {
    throw new Error(
      `${formatValue(seconds)} cannot be represented as a nanoseconds timestamp since it overflows int64`,
    );
  }
  const ms = Math.trunc(nanos / 1e6);
  const whole = Math.floor(ms / 1000);
  return goTime(whole, (ms - whole * 1000) * 1e6);
}

const DEFAULT_TIME_LAYOUT = '2006-01-02 15:04:05.999999999 -0700 MST';

const text1 = (fn: (text: string) => unknown) => ({
  params: ['string'] as const,
  call: ([text]: readonly unknown[]) => fn(text as string),
});
const any1 = (fn: (value: unknown) => unknown) => ({
  params: ['any'] as const,
  call: ([value]: readonly unknown[]) => fn(value),
});

/** What templates of alerting rules may call in Prometheus. `query` promises, so such templates are rendered asynchronously. */
export const PROMETHEUS_FUNCTIONS: FunctionMap<PrometheusHost> = {
  query: {
    params: ['string'],
    call: async ([expr], { host, signal }) => {
      const samples = await host.query(expr as string, signal);
      return typed(QUERY_RESULT, samples.map(templateSample));
    },
  },
  first: {
    params: [QUERY_RESULT],
    call: ([result]) => {
      const [sample] = result as readonly Sample[];
      if (!sample) throw new Error('first() called on vector with no elements');
      return sample;
    },
  },
  label: {
    params: ['string', SAMPLE],
    call: ([name, sample]) => {
      const { Labels } = present(sample);
      return Object.hasOwn(Labels, name as string) ? Labels[name as string] : '';
    },
  },
  value: { params: [SAMPLE], call: ([sample]) => present(sample).Value },
  strvalue: { params: [SAMPLE], call: ([sample]) => present(sample).Labels.__value__ ?? '' },
  args: {
    params: ['any'],
    variadic: true,
    call: (args) => Object.fromEntries(args.map((arg, i) => [`arg${i}`, arg])),
  },
  sortByLabel: {
    params: ['string', QUERY_RESULT],
    call: ([label, result]) => {
      const of = (s: Sample) => (Object.hasOwn(s.Labels, label as string) ? s.Labels[label as string]! : '');
      const sorted = (result as readonly Sample[]).toSorted((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0));
      return typed(QUERY_RESULT, sorted);
    },
  },
  reReplaceAll: {
    params: ['string', 'string', 'string'],
    call: ([pattern, replacement, text]) => replaceAll(pattern as string, replacement as string, text as string),
  },
  match: { params: ['string', 'string'], call: ([pattern, text]) => matchText(pattern as string, text as string) },
  safeHtml: text1((text) => named(HTML, text)),
  title: text1(titleWords),
  toUpper: text1(upperCase),
  toLower: text1(lowerCase),
  graphLink: text1((expr) => `/graph?g0.expr=${queryEscape(expr)}&g0.tab=0`),
  tableLink: text1((expr) => `/graph?g0.expr=${queryEscape(expr)}&g0.tab=1`),
  urlQueryEscape: text1(queryEscape),
  stripPort: text1(stripPort),
  stripDomain: text1(stripDomain),
  humanize: any1(humanize),
  humanize1024: any1(humanize1024),
  humanizeDuration: any1(humanizeDuration),
  humanizePercentage: any1(humanizePercentage),
  humanizeTimestamp: any1((value) => {
    const seconds = toFloat(value);
    return Number.isFinite(seconds) ? formatGoTime(timeOf(seconds), DEFAULT_TIME_LAYOUT) : fourDigits(seconds);
  }),
  toTime: any1((value) => timeOf(toFloat(value))),
  toDuration: any1((value) => goDuration(BigInt(Math.trunc(toFloat(value) * 1e9)))),
  now: { params: [], call: (_, { host }) => host.timeMs / 1000 },
  parseDuration: text1((text) => parseDuration(text) / 1000),
  parseDurationTime: text1((text) => goDuration(BigInt(parseDuration(text)) * 1_000_000n)),
  externalURL: { params: [], call: (_, { host }) => host.externalUrl },
  pathPrefix: { params: [], call: (_, { host }) => new URL(host.externalUrl).pathname.replace(/\/$/, '') },
};

/** What console templates may call: in addition `tmpl`, which renders a template whose name is computed. */
export const CONSOLE_FUNCTIONS: FunctionMap<PrometheusHost> = {
  ...PROMETHEUS_FUNCTIONS,
  tmpl: {
    params: ['string', 'any'],
    call: ([name, data], { renderNamed }) => renderNamed(name as string, data === null ? undefined : data),
  },
};

function present(sample: unknown): Sample {
  if (!sample) throw new Error('runtime error: invalid memory address or nil pointer dereference');
  return sample as Sample;
}

/** Declares what Prometheus declares before every template of a rule. */
export const ALERT_PREAMBLE =
  '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}';

const ALERT_DATA: GoType = {
  name: 'struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }',
  kind: 'struct',
};

/** The `.` of an alerting rule's templates. A histogram's value is given as its text. */
export function alertTemplateData(
  labels: Labels,
  externalLabels: Labels,
  externalUrl: string,
  value: number | string,
): object {
  return typed(ALERT_DATA, {
    Labels: labelMap(labels),
    ExternalLabels: labelMap(externalLabels),
    ExternalURL: externalUrl,
    Value: value,
  });
}
