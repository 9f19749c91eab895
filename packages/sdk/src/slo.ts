/**
 * Service level objectives on events: the share of bad ones among all may be at most 1 − objective within the window.
 * Compiled to recording rules and to alerts on the speed at which the budget burns, by two windows each (a long one for
 * significance, a short one so that the alert ends soon after the trouble), after the Google SRE Workbook, chapter 5.
 */
import { BelfryError, formatDuration, parseDuration } from '@belfry/model';
import {
  type Alert,
  alert,
  type Recording,
  type RuleGroup,
  recorded,
  recording,
  ruleGroup,
  type Severity,
} from './alert.ts';
import type { Counter, Histogram, LabelSet } from './catalogue.ts';
import { checkedDuration, type DurationText } from './duration-text.ts';
import { minus, observationRate, promql, type Query, rate, rateWithin, sum, type Where } from './query.ts';

/** Events a second by job, bad ones and all, as seen in the window `within`. */
export interface Indicator {
  readonly kind: 'events';
  readonly bad: (within: DurationText) => Query<'job'>;
  readonly total: (within: DurationText) => Query<'job'>;
}

/** Bad events are counted by one counter, all of them by another. */
export function eventRatio<B extends LabelSet, T extends LabelSet>(options: {
  readonly bad: Counter<B>;
  readonly total: Counter<T>;
  readonly whereBad?: Where<B>;
  readonly whereTotal?: Where<T>;
}): Indicator {
  const { bad, total, whereBad, whereTotal } = options;
  return {
    kind: 'events',
    bad: (window) => sum(rate(bad, { window, where: whereBad }), ['job']),
    total: (window) => sum(rate(total, { window, where: whereTotal }), ['job']),
  };
}

/** Events are observations; bad ones took longer than `within`, which must be one of the bucket bounds. */
export function latency<L extends LabelSet>(options: {
  readonly histogram: Histogram<L>;
  readonly within: number;
  readonly where?: Where<L>;
}): Indicator {
  const { histogram, within, where } = options;
  const total = (window: DurationText) => sum(observationRate(histogram, { window, where }), ['job']);
  return {
    kind: 'events',
    bad: (window) => minus(total(window), sum(rateWithin(within, histogram, { window, where }), ['job'])),
    total,
  };
}

export interface Slo {
  readonly kind: 'slo';
  /** Lower-case words joined by `_`: the part of rule names that tells it apart. */
  readonly id: string;
  readonly title: string;
  readonly indicator: Indicator;
  /** Share of events that must be good, below 1. */
  readonly objective: number;
  readonly window: string;
  readonly team?: string;
  readonly runbook?: string;
  /** Below so many events in an alert's long window, chance decides: no alert. */
  readonly leastEvents: number;
}

export interface SloOptions {
  readonly title: string;
  readonly indicator: Indicator;
  readonly objective: number;
  readonly window: DurationText;
  readonly team?: string;
  readonly runbook?: string;
  readonly leastEvents?: number;
}

const ID = /^[a-z][a-z0-9_]*$/;

/** @throws BelfryError `bad_data` for an invalid id, an objective not between 0 and 1, or a window that is no duration */
export function slo(id: string, options: SloOptions): Slo {
  if (!ID.test(id)) throw new BelfryError('bad_data', `SLO id ${JSON.stringify(id)}: lower-case letters, digits and _`);
  if (!(options.objective > 0 && options.objective < 1)) {
    throw new BelfryError('bad_data', `SLO ${id}: the objective is a share between 0 and 1, such as 0.999`);
  }
  checkedDuration(options.window, `SLO ${id}: window`);
  return Object.freeze({ kind: 'slo', id, leastEvents: 0, ...options });
}

/** An alert fires when `share` of the window's budget would be gone after `long`. */
interface Burn {
  readonly share: number;
  readonly long: DurationText;
  readonly short: DurationText;
}

const FAST: readonly Burn[] = [
  { share: 0.02, long: '1h', short: '5m' },
  { share: 0.05, long: '6h', short: '30m' },
];
const SLOW: readonly Burn[] = [
  { share: 0.1, long: '1d', short: '2h' },
  { share: 0.1, long: '3d', short: '6h' },
];
/** Of the two rates that everything else is made of. */
const BASE: DurationText = '5m';
const EVALUATED_EVERY_S = 60;

/** The names of what an SLO records. */
export function sloRecordings(of: Slo) {
  const name = (part: string, operation: string) => `job:slo_${of.id}_${part}:${operation}`;
  return {
    bad: name('bad', `rate${BASE}`),
    total: name('total', `rate${BASE}`),
    /** Share of bad events in this window. */
    errors: (window: string) => name('errors', `ratio_rate${window}`),
    /** What is left of the window's budget: 1 is all, below 0 it is overdrawn. */
    budget: name('budget', 'remaining'),
  };
}

/** The rules of an SLO: two rates, the share of bad events in each window, what is left of the budget, two alerts. */
export function sloRules(of: Slo): RuleGroup {
  const names = sloRecordings(of);
  // Before the first bad event its series may not exist; no bad events is not the same as no events.
  const total = of.indicator.total(BASE);
  const bad = promql<'job'>`clamp_min(${of.indicator.bad(BASE)}, 0) or 0 * ${total}`;
  const windows = [...new Set([BASE, ...[...FAST, ...SLOW].flatMap((b) => [b.short, b.long]), of.window])];
  const shares = windows
    .sort((a, b) => parseDuration(a) - parseDuration(b))
    .map((window) => recording(names.errors(window), shareOver(names, window)));
  const budget = 1 - of.objective;
  const whole = shares.find((r) => r.name === names.errors(of.window))!;
  const rules: (Alert | Recording)[] = [
    recording(names.bad, bad),
    recording(names.total, total),
    ...shares,
    recording(names.budget, promql`1 - ${recorded(whole)} / ${rounded(budget)}`),
    burnAlert(of, 'Fast', FAST, 'critical', '2m'),
    burnAlert(of, 'Slow', SLOW, 'warning', '15m'),
  ];
  return ruleGroup(`slo-${of.id.replaceAll('_', '-')}`, `${EVALUATED_EVERY_S}s`, rules);
}

type Names = ReturnType<typeof sloRecordings>;

/** From the recorded rates, which are one series each: events weigh the same whenever they happened. */
function shareOver({ bad, total }: Names, window: string): Query {
  const text =
    window === BASE
      ? `${bad} / (${total} > 0)`
      : `avg_over_time(${bad}[${window}]) / (avg_over_time(${total}[${window}]) > 0)`;
  return { kind: 'query', text, metrics: [], binding: 5 };
}

function burnAlert(
  of: Slo,
  speed: 'Fast' | 'Slow',
  burns: readonly Burn[],
  severity: Severity,
  wait: DurationText,
): Alert {
  const names = sloRecordings(of);
  const budget = 1 - of.objective;
  const conditions = burns.map(({ share, long, short }) => {
    const factor = rounded((share * parseDuration(of.window)) / parseDuration(long));
    const bound = rounded(factor * budget);
    const enough =
      of.leastEvents > 0
        ? `\n  and sum_over_time(${names.total}[${long}]) * ${EVALUATED_EVERY_S} >= ${of.leastEvents}`
        : '';
    return `(\n  ${names.errors(long)} > ${bound}\n  and ${names.errors(short)} > ${bound}${enough}\n)`;
  });
  const pascal = of.id.replace(/(?:^|_)([a-z0-9])/g, (_, c: string) => c.toUpperCase());
  const percent = `${rounded(of.objective * 100)} %`;
  return alert(`${pascal}Burn${speed}`, {
    query: { kind: 'query', text: conditions.join('\nor '), metrics: [], binding: 1 },
    for: wait,
    severity,
    labels: { slo: of.id, service: '{{ $labels.job }}', ...(of.team ? { team: of.team } : {}) },
    summary: `${of.title}: the error budget burns ${speed === 'Fast' ? 'fast' : 'steadily'}`,
    description: `{{ $value | humanizePercentage }} of the events are bad; ${percent} good ones within ${formatDuration(parseDuration(of.window))} are the objective`,
    ...(of.runbook ? { runbook: of.runbook } : {}),
  });
}

/** Without the noise of binary fractions: 0.001 rather than 0.0010000000000000009. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
