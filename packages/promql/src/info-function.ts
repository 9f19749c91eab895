/** `info(v, {selector})`: labels of info metrics, joined by `instance` and `job`. */
import {
  compileMatcher,
  type Labels,
  labelsFrom,
  labelValue,
  type Matcher,
  METRIC_NAME,
  metricName,
} from '@belfry/model';
import type { Call, Expr, VectorSelector } from './ast.ts';
import { type Columns, HISTOGRAM } from './columns.ts';
import { emptyColumns, executionError, formatLabelSet, mergeEqualRows, selectRows } from './columns-rows.ts';
import type { Context } from './eval-context.ts';

const TARGET_INFO = 'target_info';
const ANY_INFO: Matcher = { name: METRIC_NAME, op: '=~', value: '.+_info' };
const IDENTIFYING = ['instance', 'job'];

interface InfoSelector {
  readonly names: readonly Matcher[];
  /** Conditions on data labels; only these labels are joined when there are any. */
  readonly data: readonly Matcher[];
}

function selectorOf(arg: Expr | undefined): InfoSelector {
  const matchers = arg ? (arg as VectorSelector).matchers : [];
  const names = matchers.filter((m) => m.name === METRIC_NAME);
  if (names.length === 0) names.push({ name: METRIC_NAME, op: '=', value: TARGET_INFO });
  // Names that are only excluded leave the info metrics, not all metrics.
  else if (!names.some((m) => m.op === '=' || m.op === '=~')) names.push(ANY_INFO);
  return {
    names,
    data: matchers.filter((m) => m.name !== METRIC_NAME),
  };
}

/** Offset and `@` of the first selector in the first argument: the info series are looked up at its time. */
export interface InfoTime {
  readonly offsetMs: number;
  readonly atMs: number | undefined;
}

export async function joinInfo(context: Context, node: Call, base: Columns, time: InfoTime): Promise<Columns> {
  const selector = selectorOf(node.args[1]);
  // Info series are not joined with themselves; that they are such, only a name asked for says.
  const names = selector.names.map(compileMatcher);
  const asked = !node.args[1] || (node.args[1] as VectorSelector).matchers.some((m) => m.name === METRIC_NAME);
  const ignore = base.labels.map((l) => asked && names.every((m) => m.matches(metricName(l))));
  const infos = await fetchInfos(context, base, ignore, selector, time);
  return combine(context, base, ignore, infos, selector);
}

async function fetchInfos(
  context: Context,
  base: Columns,
  ignore: readonly boolean[],
  selector: InfoSelector,
  time: InfoTime,
): Promise<Columns> {
  const matchers: Matcher[] = [...selector.names];
  let identified = false;
  for (const name of IDENTIFYING) {
    const values = new Set<string>();
    base.labels.forEach((l, row) => {
      const value = labelValue(l, name);
      if (!ignore[row] && value !== '') values.add(value);
    });
    if (values.size === 0) continue;
    identified = true;
    matchers.push({ name, op: '=~', value: [...values].map(escapeRegex).join('|') });
  }
  if (!identified) return emptyColumns(context.grid);
  const { query } = context;
  const result = await query.queryable.leaf(
    {
      matchers: [...matchers, ...selector.data],
      grid: context.grid,
      offsetMs: time.offsetMs,
      ...(time.atMs === undefined ? {} : { atMs: time.atMs }),
      operation: { kind: 'instant', lookbackMs: query.lookbackMs, emit: 'float-timestamp' },
      maxSamples: query.maxSamples,
    },
    query.signal,
  );
  query.counters.total += result.samples;
  const { columns } = result;
  const wrong = columns.present.indexOf(HISTOGRAM);
  if (wrong >= 0) {
    const labels = columns.labels[Math.floor(wrong / columns.grid.count)]!;
    throw executionError(`this should be an info metric, with float samples: ${formatLabelSet(labels)}`);
  }
  return columns;
}

function escapeRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

function signature(labels: Labels): string {
  return IDENTIFYING.map((name) => labelValue(labels, name)).join('\xff');
}

function combine(
  context: Context,
  base: Columns,
  ignore: readonly boolean[],
  infos: Columns,
  selector: InfoSelector,
): Columns {
  const { count } = context.grid;
  const candidates = new Map<string, number[]>();
  infos.labels.forEach((l, row) => {
    const key = signature(l);
    const list = candidates.get(key);
    if (list) list.push(row);
    else candidates.set(key, [row]);
  });
  const wanted = new Set(selector.data.map((m) => m.name));
  const needsMatch = selector.data.some((m) => !compileMatcher(m).matchesEmpty);
  const parts: { row: number; labels: Labels; steps: Uint8Array }[] = [];
  base.labels.forEach((l, row) => {
    if (ignore[row]) {
      parts.push({ row, labels: l, steps: new Uint8Array(count).fill(1) });
      return;
    }
    const rows = candidates.get(signature(l)) ?? [];
    const variants = new Map<string, { infos: number[]; steps: Uint8Array }>();
    for (let j = 0; j < count; j++) {
      if (base.present[row * count + j] === 0) continue;
      const at = newestByName(infos, rows, j);
      if (at.length === 0 && needsMatch) continue;
      const key = at.join();
      let variant = variants.get(key);
      if (!variant) {
        variant = { infos: at, steps: new Uint8Array(count) };
        variants.set(key, variant);
      }
      variant.steps[j] = 1;
    }
    for (const { infos: at, steps } of variants.values()) {
      parts.push({
        row,
        labels: enriched(
          l,
          at.map((i) => infos.labels[i]!),
          wanted,
        ),
        steps,
      });
    }
  });
  const out = selectRows(
    base,
    parts.map((p) => p.row),
  );
  parts.forEach(({ steps }, i) => {
    for (let j = 0; j < count; j++) if (steps[j] === 0) out.present[i * count + j] = 0;
  });
  return mergeEqualRows({ ...out, labels: parts.map((p) => p.labels) });
}

/** Of the info series of each name with a sample at the step, the one that was written last. */
function newestByName(infos: Columns, rows: readonly number[], j: number): number[] {
  const { count } = infos.grid;
  const best = new Map<string, number>();
  for (const row of rows) {
    const cell = row * count + j;
    if (infos.present[cell] === 0) continue;
    const name = metricName(infos.labels[row]!);
    const known = best.get(name);
    if (known === undefined) {
      best.set(name, row);
      continue;
    }
    const a = infos.values[known * count + j]! * 1000;
    const b = infos.values[cell]! * 1000;
    if (a === b) {
      throw executionError(
        `found duplicate series for info metric: existing ${formatLabelSet(infos.labels[known]!)} @ ${Math.round(a)}, ` +
          `new ${formatLabelSet(infos.labels[row]!)} @ ${Math.round(b)}`,
      );
    }
    if (b > a) best.set(name, row);
  }
  return [...best.values()];
}

function enriched(base: Labels, infos: readonly Labels[], wanted: ReadonlySet<string>): Labels {
  const added = new Map<string, string>();
  for (const labels of infos) {
    for (let i = 0; i < labels.length; i += 2) {
      const name = labels[i]!;
      const value = labels[i + 1]!;
      if (name === METRIC_NAME || (wanted.size > 0 && !wanted.has(name))) continue;
      const other = added.get(name);
      if (other !== undefined && other !== value) throw executionError(`conflicting label: ${name}`);
      if (labelValue(base, name) === '') added.set(name, value);
    }
  }
  if (added.size === 0) return base;
  for (let i = 0; i < base.length; i += 2) added.set(base[i]!, base[i + 1]!);
  return labelsFrom(added);
}
