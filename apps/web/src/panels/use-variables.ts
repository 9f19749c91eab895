import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { labelNames, labelValues, queryInstant, series } from '../api/prometheus.ts';
import { builtIns, interpolate, referencedNames, type Scope, type VariableValue } from '../dashboard/interpolate.ts';
import { rateIntervalMs } from '../dashboard/interval.ts';
import { seriesText } from '../dashboard/legend.ts';
import type { Variable } from '../dashboard/model.ts';
import {
  autoInterval,
  type ChosenVariable,
  chooseValue,
  parseVariableQuery,
  queryOptions,
  queryResultText,
  staticOptions,
} from '../dashboard/variables.ts';
import type { TimeRange } from '../format/time-range.ts';

export interface VariableState {
  readonly chosen: readonly ChosenVariable[];
  readonly scope: Scope;
  readonly ready: boolean;
  readonly loading: ReadonlySet<string>;
  readonly errors: ReadonlyMap<string, unknown>;
}

/** Options change slowly; a range that moves by seconds asks for the same ones. Milliseconds. */
const RANGE_STEP_MS = 60_000;

async function answersOf(query: string, range: TimeRange, signal: AbortSignal): Promise<readonly string[]> {
  const asked = parseVariableQuery(query);
  switch (asked.kind) {
    case 'label_names':
      return labelNames(asked.match, range, signal);
    case 'label_values':
      return labelValues(asked.label, asked.match, range, signal);
    case 'metrics': {
      const pattern = new RegExp(asked.pattern || '.*');
      return (await labelValues('__name__', '', range, signal)).filter((name) => pattern.test(name));
    }
    case 'query_result': {
      const answer = await queryInstant(asked.expr, range.toMs, signal);
      if (answer.kind === 'scalar') return [String(answer.value)];
      if (answer.kind !== 'vector') return [];
      return answer.samples.map((s) => queryResultText(s.labels, String(s.value), s.timeMs / 1000));
    }
    case 'series':
      return (await series(asked.match, range, signal)).map(seriesText);
  }
}

/**
 * Values of a dashboard's variables. Query variables ask once the variables they mention are settled; what depends on a
 * changed value asks again by itself, because its query text changes.
 */
export function useVariables(
  variables: readonly Variable[],
  range: TimeRange,
  scrapeIntervalMs: number,
): VariableState {
  const [parameters] = useSearchParams();
  const stepped = useMemo(
    () => ({
      fromMs: Math.floor(range.fromMs / RANGE_STEP_MS) * RANGE_STEP_MS,
      toMs: Math.ceil(range.toMs / RANGE_STEP_MS) * RANGE_STEP_MS,
    }),
    [range],
  );
  const names = new Set(variables.map((v) => v.name));
  const base = builtIns(range, scrapeIntervalMs, rateIntervalMs(scrapeIntervalMs, scrapeIntervalMs));
  const queries = variables.filter((v) => v.type === 'query');
  const asked = useVariableQueries(queries, variables, parameters, base, stepped, names);
  const chosen = useMemo(
    () => chooseAll(variables, asked.answers, parameters, range),
    [variables, asked.answers, parameters, range],
  );
  const key = JSON.stringify(chosen.map((c) => [c.variable.name, c.values, c.texts, c.all]));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says all that panels can see of the values
  const scope = useMemo(
    (): Scope => ({
      variables: new Map(chosen.map((c): [string, VariableValue] => [c.variable.name, c])),
      builtIns: new Map(),
    }),
    [key],
  );
  return { chosen, scope, ready: asked.loading.size === 0, loading: asked.loading, errors: asked.errors };
}

interface Asked {
  readonly answers: ReadonlyMap<string, readonly string[]>;
  readonly loading: ReadonlySet<string>;
  readonly errors: ReadonlyMap<string, unknown>;
}

function useVariableQueries(
  queries: readonly Variable[],
  all: readonly Variable[],
  parameters: URLSearchParams,
  base: ReadonlyMap<string, string>,
  range: TimeRange,
  names: ReadonlySet<string>,
): Asked {
  const queryClient = useQueryClient();
  // The last answer to a question, for while it is asked again over a moved range.
  const known = useMemo(() => new Map<string, readonly string[]>(), []);
  const keyOf = (variable: Variable, text: string | undefined) => [
    'variable',
    text,
    variable.refresh === 2 ? range : undefined,
  ];
  const settled = new Map<string, VariableValue>();
  const texts = all.map((variable): { readonly variable: Variable; readonly text: string | undefined } => {
    const needs = [...referencedNames(variable.query)].filter((n) => names.has(n));
    const open = needs.some((n) => !settled.has(n));
    const scope: Scope = { variables: settled, builtIns: base };
    const text = variable.type !== 'query' || open ? undefined : interpolate(variable.query, scope, 'promql');
    const answers =
      text === undefined
        ? undefined
        : (queryClient.getQueryData<readonly string[]>(keyOf(variable, text)) ??
          known.get(`${variable.name}\n${text}`));
    const options = staticOptions(variable) ?? (answers && queryOptions(answers, variable));
    if (options)
      settled.set(variable.name, chooseValue(variable, options, parameters.getAll(`var-${variable.name}`), true));
    return { variable, text };
  });
  const asked = texts.filter(({ variable }) => queries.includes(variable));
  const results = useQueries({
    queries: asked.map(({ variable, text }) => ({
      queryKey: keyOf(variable, text),
      queryFn: ({ signal }: { signal: AbortSignal }) => answersOf(text!, range, signal),
      enabled: text !== undefined && text !== '',
      staleTime: variable.refresh === 0 ? Number.POSITIVE_INFINITY : 30_000,
    })),
  });
  const answers = new Map<string, readonly string[]>();
  const loading = new Set<string>();
  const errors = new Map<string, unknown>();
  results.forEach((result, i) => {
    const { variable, text } = asked[i]!;
    if (result.data) {
      known.set(`${variable.name}\n${text}`, result.data);
      answers.set(variable.name, result.data);
    } else if (result.error) {
      errors.set(variable.name, result.error);
      known.set(`${variable.name}\n${text}`, []);
    } else {
      const before = known.get(`${variable.name}\n${text}`);
      if (before) answers.set(variable.name, before);
      else if (text !== '') loading.add(variable.name);
    }
  });
  const signature = JSON.stringify([[...answers], [...loading], [...errors.keys()]]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the signature says what is in the maps
  return useMemo(() => ({ answers, loading, errors }), [signature]);
}

function chooseAll(
  variables: readonly Variable[],
  answers: ReadonlyMap<string, readonly string[]>,
  parameters: URLSearchParams,
  range: TimeRange,
): readonly ChosenVariable[] {
  return variables.map((variable) => {
    const found = answers.get(variable.name);
    const options = staticOptions(variable) ?? (found ? queryOptions(found, variable) : variable.options);
    const chosen = chooseValue(
      variable,
      options,
      parameters.getAll(`var-${variable.name}`),
      variable.type !== 'query' || found !== undefined,
    );
    if (variable.type !== 'interval' || !chosen.values[0]?.startsWith('$__auto')) return chosen;
    return { ...chosen, values: [autoInterval(range.toMs - range.fromMs)] };
  });
}
