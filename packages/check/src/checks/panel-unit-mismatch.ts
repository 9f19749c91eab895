import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import type { Unit } from '../units.ts';
import { unitOf } from '../units.ts';

/** What a unit of Grafana stands for, as a base and the factor from it. */
const GRAFANA: Readonly<Record<string, readonly [base: string, factor: number]>> = {
  s: ['seconds', 1],
  ms: ['seconds', 1000],
  µs: ['seconds', 1e6],
  ns: ['seconds', 1e9],
  m: ['seconds', 1 / 60],
  dtdurations: ['seconds', 1],
  dtdurationms: ['seconds', 1000],
  bytes: ['bytes', 1],
  decbytes: ['bytes', 1],
};
const RATE_UNITS = new Set(['reqps', 'ops', 'rps', 'wps', 'iops', 'cps', 'eps', 'mps', 'Bps', 'binBps', 'pps']);

export const panelUnitMismatch = defineCheck({
  name: 'panel-unit-mismatch',
  finds:
    'A panel whose unit is not the unit of its query: seconds as milliseconds, bytes as seconds, a count as a rate.',
  severity: 'warning',
  why: 'The axis says milliseconds and the numbers are seconds: whoever reads it is wrong by a thousand.',
  bad: panelFile('rate(shop_duration_seconds_sum[5m]) / rate(shop_duration_seconds_count[5m])', { unit: 'ms' }),
  good: panelFile('rate(shop_duration_seconds_sum[5m]) / rate(shop_duration_seconds_count[5m]) * 1000', { unit: 'ms' }),
  run: ({ panels, catalogue }, report) => {
    for (const { unit, unitAt, targets } of panels) {
      if (!unitAt || unit === undefined) continue;
      for (const { expression } of targets) {
        const of = expression?.ast && unitOf(expression.ast, catalogue);
        const said = of && mismatch(unit, of);
        if (!said) continue;
        report({ at: unitAt, message: `the panel shows ${unit}, but ${said}` });
        break;
      }
    }
  },
});

function mismatch(unit: string, of: Unit): string | undefined {
  const wanted = GRAFANA[unit];
  if (wanted) {
    const base = of.base === 'milliseconds' ? 'seconds' : of.base;
    const factor = of.base === 'milliseconds' ? of.factor * 1000 : of.factor;
    if (of.perSecond)
      return of.base === 'bytes' && wanted[0] === 'bytes' ? 'the query gives bytes a second (Bps)' : undefined;
    if (base !== wanted[0])
      return /^(?:seconds|bytes|ratio|percent)$/.test(base) ? `the query gives ${base}` : undefined;
    if (Math.abs(factor / wanted[1] - 1) < 1e-9 || wanted[0] === 'bytes') return undefined;
    return `the query gives ${factor === 1 ? 'seconds' : factor === 1000 ? 'milliseconds' : `seconds times ${factor}`}`;
  }
  if (!RATE_UNITS.has(unit)) return undefined;
  if (of.base === 'ratio') return 'the query gives a share';
  if (!of.perSecond && of.base !== 'count') return `the query gives ${of.base}, not a rate`;
  return undefined;
}
