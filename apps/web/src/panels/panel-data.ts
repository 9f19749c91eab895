/** From a panel's targets to the frames it draws. */
import { useQuery } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import { type QueryAnswer, queryInstant, queryRange } from '../api/prometheus.ts';
import { applyFieldConfig } from '../dashboard/field-config.ts';
import { type Frame, framesOf, type TargetAnswer } from '../dashboard/frames.ts';
import { builtIns, interpolate, type Scope, type VariableValue } from '../dashboard/interpolate.ts';
import { alignRange, queryStepMs, rateIntervalMs } from '../dashboard/interval.ts';
import type { Panel, Target } from '../dashboard/model.ts';
import { transform } from '../dashboard/transformations.ts';
import { parseSpan, resolveRange, type TimeRange } from '../format/time-range.ts';
import type { DashboardContextValue } from './context.ts';

/** One query as it goes to the server. */
export interface PanelRequest {
  readonly target: Target;
  readonly expr: string;
  readonly legend: string;
  readonly instant: boolean;
  readonly range: TimeRange;
  readonly stepMs: number;
}

export interface PanelError {
  readonly refId: string;
  readonly error: unknown;
}

interface PanelAnswers {
  readonly answers: readonly TargetAnswer[];
  readonly errors: readonly PanelError[];
}

export interface PanelData {
  readonly requests: readonly PanelRequest[];
  readonly answers: readonly TargetAnswer[];
  /** After transformations, with each field's configuration. */
  readonly frames: readonly Frame[];
  readonly errors: readonly PanelError[];
  readonly warnings: readonly string[];
  readonly unknownTransformations: readonly string[];
  /** Nothing has come yet. */
  readonly loading: boolean;
  /** Something is shown, and newer is on its way. */
  readonly fetching: boolean;
  readonly range: TimeRange;
}

/** Queries of a panel with every variable and step filled in. */
export function requestsOf(
  panel: Panel,
  context: Pick<DashboardContextValue, 'scope' | 'scrapeIntervalMs'>,
  range: TimeRange,
  widthPx: number,
): readonly PanelRequest[] {
  return panel.targets
    .filter((t) => !t.hide && t.foreign === '' && t.expr.trim() !== '')
    .flatMap((target) => {
      const least = parseSpan(interpolate(target.interval || panel.interval, context.scope, 'text').replace(/^>/, ''));
      const scrapeIntervalMs = least ?? context.scrapeIntervalMs;
      const stepMs = queryStepMs({
        range,
        maxDataPoints: panel.maxDataPoints ?? Math.max(Math.round(widthPx), 60),
        scrapeIntervalMs,
        ...(least === undefined ? {} : { minStepMs: least }),
        factor: target.intervalFactor,
      });
      const scope = scopeWith(context.scope, builtIns(range, stepMs, rateIntervalMs(stepMs, scrapeIntervalMs)));
      const request = {
        target,
        expr: interpolate(target.expr, scope, 'promql'),
        legend: interpolate(target.legendFormat, scope, 'text'),
        range,
        stepMs,
      };
      // A target may ask for both; its instant answer then stands beside the range.
      if (target.instant && target.range) return [{ ...request, instant: false }];
      return [{ ...request, instant: target.instant }];
    });
}

export function scopeWith(scope: Scope, extra: ReadonlyMap<string, string>): Scope {
  return { ...scope, builtIns: new Map([...scope.builtIns, ...extra]) };
}

/** The scope in which the variable of a repeated panel has the one value of this copy. */
export function scopedTo(
  scope: Scope,
  scoped: { readonly name: string; readonly value: string; readonly text: string } | undefined,
): Scope {
  const known = scoped && scope.variables.get(scoped.name);
  if (!known) return scope;
  const one: VariableValue = { ...known, values: [scoped.value], texts: [scoped.text], all: false };
  return { ...scope, variables: new Map(scope.variables).set(scoped.name, one) };
}

/** The panel's own range: the dashboard's, or what `timeFrom` and `timeShift` make of it. */
export function panelRange(panel: Panel, range: TimeRange): TimeRange {
  const own = panel.timeFrom ? resolveRange({ from: `now-${panel.timeFrom}`, to: 'now' }, range.toMs) : undefined;
  const base = own ?? range;
  const shift = panel.timeShift ? parseSpan(panel.timeShift) : undefined;
  return shift ? { fromMs: base.fromMs - shift, toMs: base.toMs - shift } : base;
}

async function ask(request: PanelRequest, signal: AbortSignal): Promise<TargetAnswer> {
  const { target, expr, legend, instant, stepMs } = request;
  const range = instant ? request.range : alignRange(request.range, stepMs);
  const answer: QueryAnswer = instant
    ? await queryInstant(expr, range.toMs, signal)
    : await queryRange(expr, range, stepMs, signal);
  return { target, expr, legend, answer, range, stepMs };
}

async function askAll(requests: readonly PanelRequest[], signal: AbortSignal): Promise<PanelAnswers> {
  const settled = await Promise.allSettled(requests.map((r) => ask(r, signal)));
  signal.throwIfAborted();
  return {
    answers: settled.flatMap((s) => (s.status === 'fulfilled' ? [s.value] : [])),
    errors: settled.flatMap((s, i) =>
      s.status === 'rejected' ? [{ refId: requests[i]!.target.refId, error: s.reason }] : [],
    ),
  };
}

function requestKey(r: PanelRequest): readonly unknown[] {
  const range = r.instant ? { fromMs: 0, toMs: Math.floor(r.range.toMs / 1000) } : alignRange(r.range, r.stepMs);
  return [r.target.refId, r.expr, r.instant, range.fromMs, range.toMs, r.stepMs];
}

const NO_ERRORS: readonly PanelError[] = [];

/** Asks for a panel while it is in sight; what was shown stays until its successor is here. */
export function usePanelData(
  panel: Panel,
  context: DashboardContextValue,
  widthPx: number,
  visible: boolean,
): PanelData {
  const range = useMemo(() => panelRange(panel, context.range), [panel, context.range]);
  const requests = useMemo(
    () => (widthPx > 0 ? requestsOf(panel, context, range, widthPx) : []),
    [panel, context, range, widthPx],
  );
  const previous = useRef<PanelAnswers | undefined>(undefined);
  const query = useQuery({
    queryKey: ['panel', ...requests.map(requestKey)],
    queryFn: ({ signal }) => askAll(requests, signal),
    enabled: visible && context.ready && requests.length > 0,
    staleTime: 60_000,
    gcTime: 60_000,
  });
  const lastGood = previous.current;
  const settled: PanelAnswers | undefined =
    query.data ?? (query.error ? { answers: [], errors: [{ refId: '', error: query.error }] } : undefined);
  // A failure stands beside what was shown before; while a new answer is on its way, all stays as it was.
  const shown = !settled
    ? lastGood
    : settled.answers.length > 0 || settled.errors.length === 0
      ? settled
      : { ...settled, answers: lastGood?.answers ?? [] };
  if (settled) previous.current = shown;
  const errors = shown?.errors ?? NO_ERRORS;
  const answers = shown?.answers;
  const derived = useMemo(() => {
    // Legends are not part of the query's key: a title that changes needs no new question.
    const { frames, unknown } = transform(framesOf(answers ?? []), panel.transformations);
    return { frames: applyFieldConfig(frames, panel.fieldConfig), unknown };
  }, [answers, panel]);
  return {
    requests,
    answers: answers ?? [],
    frames: derived.frames,
    errors,
    warnings: [...new Set((answers ?? []).flatMap((a) => [...a.answer.warnings, ...a.answer.infos]))],
    unknownTransformations: derived.unknown,
    loading: shown === undefined && panel.targets.some((t) => !t.hide && t.foreign === '' && t.expr.trim() !== ''),
    fetching: query.isFetching,
    range,
  };
}
