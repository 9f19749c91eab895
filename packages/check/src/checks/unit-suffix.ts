import type { KnownMetric } from '../catalogue.ts';
import { defineCheck } from '../check.ts';
import { listed, ownMetrics } from '../naming.ts';
import { unitByName } from '../units.ts';

/** What is not a base unit, and the base unit and factor in its place. */
const NOT_BASE: Readonly<Record<string, string>> = {
  milliseconds: 'seconds',
  millis: 'seconds',
  ms: 'seconds',
  microseconds: 'seconds',
  us: 'seconds',
  usec: 'seconds',
  sec: 'seconds',
  secs: 'seconds',
  mins: 'seconds',
  nanoseconds: 'seconds',
  ns: 'seconds',
  minutes: 'seconds',
  hours: 'seconds',
  days: 'seconds',
  kilobytes: 'bytes',
  megabytes: 'bytes',
  gigabytes: 'bytes',
  kb: 'bytes',
  mb: 'bytes',
  gb: 'bytes',
  tb: 'bytes',
  kib: 'bytes',
  mib: 'bytes',
  gib: 'bytes',
  bits: 'bytes',
  percent: 'ratio',
  percentage: 'ratio',
  fahrenheit: 'celsius',
};

export const unitSuffix = defineCheck({
  name: 'unit-suffix',
  finds: 'A metric not in a base unit (milliseconds, megabytes, percent), or without its unit at the end of its name.',
  severity: 'info',
  why: `Seconds, bytes and shares of 1 can be calculated with, without looking up what each metric was measured in. The unit
stands last in the name (before \`_total\`), so that one knows it.`,
  bad: listed('shop_cpu_usage_percent', 'Gauge'),
  good: listed('shop_cpu_usage_ratio', 'Gauge'),
  run: (world, report) => {
    for (const metric of ownMetrics(world)) {
      const said = faultOf(metric);
      if (said) report({ at: metric.at, message: said.message, suggestion: said.suggestion });
    }
  },
});

function faultOf({ name, type, unit, help }: KnownMetric): { message: string; suggestion?: string } | undefined {
  const words = name.replace(/_total$/, '').split('_');
  const last = words.at(-1)!;
  const base = NOT_BASE[last];
  if (base)
    return {
      message: `${name} is in ${last}, not in ${base}`,
      suggestion: `${[...words.slice(0, -1), base].join('_')}${name.endsWith('_total') ? '_total' : ''}`,
    };
  if (/\b(?:duration|latency|time)$/.test(last) && (type === 'histogram' || type === 'summary')) {
    return { message: `${name} does not say its unit`, suggestion: `${name}_seconds` };
  }
  const at = words.findIndex((w) => /^(?:seconds|bytes)$/.test(w));
  if (
    at >= 0 &&
    at < words.length - 1 &&
    !/^(?:per|sum|count|bucket|info|max|min|limit|in|out|sent|received|used|free|read|written|ratio|left)$/.test(
      words[at + 1]!,
    ) &&
    unitByName(name) === undefined
  ) {
    return {
      message: `the unit ${words[at]} of ${name} does not stand at the end`,
      suggestion: [...words.filter((_, i) => i !== at), words[at]!].join('_'),
    };
  }
  const declared = { seconds: 'seconds', bytes: 'bytes', milliseconds: 'milliseconds' }[unit ?? ''];
  if (declared && unitByName(name) === undefined && help !== '' && !/timestamp|time_seconds/.test(name)) {
    return { message: `${name} is in ${declared}, which its name does not say`, suggestion: `${name}_${declared}` };
  }
  return undefined;
}
