/** Binary operators over columns: labels are matched once, then whole rows are computed. */
import { type FloatHistogram, type Labels, labelsFromSorted, labelsKey, labelValue } from '@belfry/model';
import { type HistogramOperation, note } from './annotations.ts';
import type { Binary, BinaryOperator, VectorMatching } from './ast.ts';
import { type Columns, FLOAT, HISTOGRAM, type ScalarColumn } from './columns.ts';
import {
  executionError,
  formatLabelSet,
  keyPart,
  mergeEqualRows,
  selectRows,
  withoutMetadata,
} from './columns-rows.ts';
import { type Context, inChunks, noteAt, settleNames } from './eval-context.ts';
import {
  addHistogram,
  BOUNDS_RECONCILED,
  divideHistogram,
  histogramsEqual,
  INCOMPATIBLE,
  RESET_COLLISION,
  scaleHistogram,
  subtractHistogram,
} from './histogram-arithmetic.ts';
import { compact, copyHistogram } from './histogram-buckets.ts';
import { trimHistogram } from './histogram-trim.ts';

const ARITHMETIC: ReadonlySet<BinaryOperator> = new Set(['+', '-', '*', '/', '%', '^', 'atan2']);
const COMPARISON: ReadonlySet<BinaryOperator> = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** Go's `math.Pow`: 1 to any power is 1, and so is −1 to an infinite one. */
export function power(x: number, y: number): number {
  if (x === 1 || (x === -1 && (y === Infinity || y === -Infinity))) return 1;
  return x ** y;
}

export function arithmetic(op: BinaryOperator, a: number, b: number): number {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return a % b;
    case '^':
      return power(a, b);
    default:
      return Math.atan2(a, b);
  }
}

export function compare(op: BinaryOperator, a: number, b: number): boolean {
  switch (op) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}

export function scalarScalar(op: BinaryOperator, a: ScalarColumn, b: ScalarColumn): ScalarColumn {
  const { count } = a.grid;
  const values = new Float64Array(count);
  const comparison = COMPARISON.has(op);
  for (let j = 0; j < count; j++) {
    const x = a.values[j]!;
    const y = b.values[j]!;
    values[j] = comparison ? Number(compare(op, x, y)) : arithmetic(op, x, y);
  }
  return { grid: a.grid, values };
}

/** Rows of `a` computed with rows (or one column of scalars) `b`, cell by cell; both sides FLOAT throughout or absent. */
function floatRow(
  op: BinaryOperator,
  bool: boolean,
  a: Float64Array,
  aPresent: Uint8Array,
  aBase: number,
  b: Float64Array,
  bPresent: Uint8Array | undefined,
  bBase: number,
  count: number,
  out: Float64Array,
  present: Uint8Array,
  base: number,
): void {
  for (let j = 0; j < count; j++) {
    if (aPresent[aBase + j] !== 0 && (bPresent === undefined || bPresent[bBase + j] !== 0)) present[base + j] = FLOAT;
  }
  if (!COMPARISON.has(op)) computeRow(op, a, aBase, b, bBase, count, out, base);
  else if (bool) {
    for (let j = 0; j < count; j++) out[base + j] = compare(op, a[aBase + j]!, b[bBase + j]!) ? 1 : 0;
  } else filterRow(op, a, aBase, b, bBase, count, out, present, base);
}

function computeRow(
  op: BinaryOperator,
  a: Float64Array,
  aBase: number,
  b: Float64Array,
  bBase: number,
  count: number,
  out: Float64Array,
  base: number,
): void {
  switch (op) {
    case '+':
      for (let j = 0; j < count; j++) out[base + j] = a[aBase + j]! + b[bBase + j]!;
      break;
    case '-':
      for (let j = 0; j < count; j++) out[base + j] = a[aBase + j]! - b[bBase + j]!;
      break;
    case '*':
      for (let j = 0; j < count; j++) out[base + j] = a[aBase + j]! * b[bBase + j]!;
      break;
    case '/':
      for (let j = 0; j < count; j++) out[base + j] = a[aBase + j]! / b[bBase + j]!;
      break;
    default:
      for (let j = 0; j < count; j++) out[base + j] = arithmetic(op, a[aBase + j]!, b[bBase + j]!);
  }
}

/** Keeps what a comparison holds of: where it does not, `present` is cleared. */
function filterRow(
  op: BinaryOperator,
  a: Float64Array,
  aBase: number,
  b: Float64Array,
  bBase: number,
  count: number,
  out: Float64Array,
  present: Uint8Array,
  base: number,
): void {
  for (let j = 0; j < count; j++) out[base + j] = a[aBase + j]!;
  switch (op) {
    case '>':
      for (let j = 0; j < count; j++) if (!(a[aBase + j]! > b[bBase + j]!)) present[base + j] = 0;
      break;
    case '<':
      for (let j = 0; j < count; j++) if (!(a[aBase + j]! < b[bBase + j]!)) present[base + j] = 0;
      break;
    case '>=':
      for (let j = 0; j < count; j++) if (!(a[aBase + j]! >= b[bBase + j]!)) present[base + j] = 0;
      break;
    case '<=':
      for (let j = 0; j < count; j++) if (!(a[aBase + j]! <= b[bBase + j]!)) present[base + j] = 0;
      break;
    case '==':
      for (let j = 0; j < count; j++) if (a[aBase + j]! !== b[bBase + j]!) present[base + j] = 0;
      break;
    default:
      for (let j = 0; j < count; j++) if (a[aBase + j]! === b[bBase + j]!) present[base + j] = 0;
  }
}

export async function vectorScalar(
  context: Context,
  node: Binary,
  columns: Columns,
  scalars: ScalarColumn,
  scalarLeft: boolean,
): Promise<Columns> {
  const { op, bool } = node;
  const rows = columns.labels.length;
  const values = new Float64Array(columns.values.length);
  const present = new Uint8Array(columns.present.length);
  let histograms: Map<number, FloatHistogram> | undefined;
  if (columns.histograms || op === '</' || op === '>/') {
    histograms = new Map();
    scalarCells(context, node, columns, scalars, scalarLeft, values, present, histograms);
  } else {
    const work = (first: number, last: number) =>
      scalarRows(node, columns, scalars.values, scalarLeft, first, last, values, present);
    await inChunks(context, rows, work);
  }
  const out: Columns = {
    grid: columns.grid,
    labels: columns.labels,
    values,
    present,
    ...(histograms ? { histograms } : {}),
  };
  if (ARITHMETIC.has(op) || bool) return settleNames(context, { ...out, dropName: new Uint8Array(rows).fill(1) });
  return columns.dropName ? { ...out, dropName: columns.dropName } : out;
}

function scalarRows(
  node: Binary,
  columns: Columns,
  scalars: Float64Array,
  scalarLeft: boolean,
  first: number,
  last: number,
  values: Float64Array,
  present: Uint8Array,
): void {
  const { op, bool } = node;
  const { count } = columns.grid;
  const { values: v, present: p } = columns;
  // A comparison with the scalar on the left still gives the vector's value, so it is turned around.
  const turned = scalarLeft && COMPARISON.has(op);
  for (let row = first; row < last; row++) {
    const base = row * count;
    if (scalarLeft && !turned) scalarFirstRow(op, scalars, v, p, base, count, values, present);
    else {
      const actual = turned ? mirrored(op) : op;
      floatRow(actual, bool, v, p, base, scalars, undefined, 0, count, values, present, base);
    }
  }
}

function scalarFirstRow(
  op: BinaryOperator,
  scalars: Float64Array,
  v: Float64Array,
  p: Uint8Array,
  base: number,
  count: number,
  out: Float64Array,
  present: Uint8Array,
): void {
  for (let j = 0; j < count; j++) {
    if (p[base + j] === 0) continue;
    out[base + j] = arithmetic(op, scalars[j]!, v[base + j]!);
    present[base + j] = FLOAT;
  }
}

function mirrored(op: BinaryOperator): BinaryOperator {
  const mirrors: Partial<Record<BinaryOperator, BinaryOperator>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
  return mirrors[op] ?? op;
}

function scalarCells(
  context: Context,
  node: Binary,
  columns: Columns,
  scalars: ScalarColumn,
  scalarLeft: boolean,
  values: Float64Array,
  present: Uint8Array,
  histograms: Map<number, FloatHistogram>,
): void {
  const { count } = columns.grid;
  const comparison = COMPARISON.has(node.op);
  for (let i = 0; i < columns.present.length; i++) {
    if (columns.present[i] === 0) continue;
    const h = columns.present[i] === HISTOGRAM ? columns.histograms!.get(i) : undefined;
    const v = h ?? columns.values[i]!;
    const s = scalars.values[i % count]!;
    const result = scalarLeft ? combine(context, node, s, v) : combine(context, node, v, s);
    if (result === undefined) continue;
    if (result === false && !node.bool) continue;
    let value: number | FloatHistogram = typeof result === 'boolean' ? v : result;
    if (node.bool) value = result === false ? 0 : 1;
    else if (comparison) value = v;
    put(values, present, histograms, i, value);
  }
}

function put(
  values: Float64Array,
  present: Uint8Array,
  histograms: Map<number, FloatHistogram>,
  cell: number,
  value: number | FloatHistogram,
): void {
  if (typeof value === 'number') {
    values[cell] = value;
    present[cell] = FLOAT;
  } else {
    histograms.set(cell, value);
    present[cell] = HISTOGRAM;
  }
}

/**
 * One operator on one pair. A boolean is a comparison's answer (its value is the left side); nothing is a combination that
 * has no meaning, which is noted.
 */
function combine(
  context: Context,
  node: Binary,
  a: number | FloatHistogram,
  b: number | FloatHistogram,
): number | FloatHistogram | boolean | undefined {
  const { op } = node;
  if (typeof a === 'number') {
    if (typeof b !== 'number') {
      if (op === '*') return compact(scaleHistogram(copyHistogram(b), a));
    } else if (COMPARISON.has(op)) return compare(op, a, b);
    else if (ARITHMETIC.has(op)) return arithmetic(op, a, b);
  } else if (typeof b === 'number') {
    if (op === '*') return compact(scaleHistogram(copyHistogram(a), b));
    if (op === '/') return compact(divideHistogram(copyHistogram(a), b));
    if (op === '</') return trimHistogram(a, b, true);
    if (op === '>/') return trimHistogram(a, b, false);
  } else if (op === '==' || op === '!=') return histogramsEqual(a, b) === (op === '==');
  else if (op === '+' || op === '-') return combineHistograms(context, node, a, b);
  const kind = (x: number | FloatHistogram) => (typeof x === 'number' ? 'float' : 'histogram');
  noteAt(context.query, note.incompatibleTypes(kind(a), op, kind(b)), node);
  return undefined;
}

function combineHistograms(
  context: Context,
  node: Binary,
  a: FloatHistogram,
  b: FloatHistogram,
): FloatHistogram | undefined {
  const result = copyHistogram(a);
  const adding = node.op === '+';
  const flags = adding ? addHistogram(result, b) : subtractHistogram(result, b);
  if (flags === INCOMPATIBLE) {
    noteAt(context.query, note.incompatibleLayout(node.op), node);
    return undefined;
  }
  if (!adding) result.counterResetHint = 'gauge';
  const operation: HistogramOperation = adding ? 'addition' : 'subtraction';
  if (flags & BOUNDS_RECONCILED) noteAt(context.query, note.boundsReconciled(operation), node);
  if (flags & RESET_COLLISION) {
    // Prometheus gives no result when the hints collide, only the warning.
    noteAt(context.query, note.resetCollision(operation), node);
    return undefined;
  }
  return compact(result);
}

// --- Vector with vector ---------------------------------------------------------------------------------------------

/** The labels that two series must share to match. */
function signatureLabels(labels: Labels, matching: VectorMatching): Labels {
  const flat: string[] = [];
  const named = matching.labels;
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    const listed = named.includes(name);
    if (matching.on ? listed : !listed && name !== '__name__') flat.push(name, labels[i + 1]!);
  }
  return labelsFromSorted(flat);
}

interface Signatures {
  /** For every row of either side, the number of its signature. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly count: number;
}

function computeSignatures(left: Columns, right: Columns, matching: VectorMatching): Signatures {
  const numbers = new Map<string, number>();
  const number = (labels: Labels): number => {
    const key = signatureKey(labels, matching);
    let n = numbers.get(key);
    if (n === undefined) {
      n = numbers.size;
      numbers.set(key, n);
    }
    return n;
  };
  const leftNumbers = Int32Array.from(left.labels, number);
  const rightNumbers = Int32Array.from(right.labels, number);
  return { left: leftNumbers, right: rightNumbers, count: numbers.size };
}

function signatureKey(labels: Labels, matching: VectorMatching): string {
  let key = '';
  const named = matching.labels;
  if (matching.on) {
    for (let k = 0; k < named.length; k++) {
      const value = labelValue(labels, named[k]!);
      key += `${value.length}:${value}`;
    }
    return key;
  }
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    if (name === '__name__' || named.includes(name)) continue;
    key += keyPart(name, labels[i + 1]!);
  }
  return key;
}

/** For each signature and step: whether a row of the side has a value. */
function presence(columns: Columns, signatures: Int32Array, count: number): Uint8Array {
  const steps = columns.grid.count;
  const seen = new Uint8Array(count * steps);
  for (let row = 0; row < signatures.length; row++) {
    const from = row * steps;
    const to = signatures[row]! * steps;
    for (let j = 0; j < steps; j++) if (columns.present[from + j] !== 0) seen[to + j] = 1;
  }
  return seen;
}

export function setOperation(context: Context, node: Binary, left: Columns, right: Columns): Columns {
  const signatures = computeSignatures(left, right, node.matching!);
  if (node.op === 'or') return unite(context, left, right, signatures);
  const seen = presence(right, signatures.right, signatures.count);
  const wanted = node.op === 'and' ? 1 : 0;
  const steps = left.grid.count;
  const present = left.present.slice();
  for (let row = 0; row < left.labels.length; row++) {
    const at = signatures.left[row]! * steps;
    for (let j = 0; j < steps; j++) if (seen[at + j] !== wanted) present[row * steps + j] = 0;
  }
  return { ...left, present };
}

function unite(context: Context, left: Columns, right: Columns, signatures: Signatures): Columns {
  const seen = presence(left, signatures.left, signatures.count);
  const steps = left.grid.count;
  const rows: number[] = [];
  const masked = right.present.slice();
  for (let row = 0; row < right.labels.length; row++) {
    const at = signatures.right[row]! * steps;
    let any = false;
    for (let j = 0; j < steps; j++) {
      if (seen[at + j] === 1) masked[row * steps + j] = 0;
      else any ||= masked[row * steps + j] !== 0;
    }
    if (any) rows.push(row);
  }
  if (rows.length === 0) return left;
  const rest = selectRows({ ...right, present: masked }, rows);
  return mergeIfNeeded(context, stack(left, rest));
}

/** The rows of both, one below the other. */
function stack(a: Columns, b: Columns): Columns {
  const values = new Float64Array(a.values.length + b.values.length);
  values.set(a.values);
  values.set(b.values, a.values.length);
  const present = new Uint8Array(values.length);
  present.set(a.present);
  present.set(b.present, a.present.length);
  let histograms: Map<number, FloatHistogram> | undefined;
  if (a.histograms || b.histograms) {
    histograms = new Map(a.histograms);
    if (b.histograms) for (const [cell, h] of b.histograms) histograms.set(cell + a.values.length, h);
  }
  let dropName: Uint8Array | undefined;
  if (a.dropName || b.dropName) {
    dropName = new Uint8Array(a.labels.length + b.labels.length);
    if (a.dropName) dropName.set(a.dropName);
    if (b.dropName) dropName.set(b.dropName, a.labels.length);
  }
  return {
    grid: a.grid,
    labels: [...a.labels, ...b.labels],
    values,
    present,
    ...(histograms ? { histograms } : {}),
    ...(dropName ? { dropName } : {}),
  };
}

/** With names still to be dropped, an instant query may carry equal rows; they are told at the end if they remain. */
function mergeIfNeeded(context: Context, columns: Columns): Columns {
  return context.query.delayNames && context.grid.count === 1 ? columns : mergeEqualRows(columns);
}

/** The "one" side: which row stands for a signature at a step (row + 1; 0: none). */
interface OneSide {
  /** The only row of a signature, or −1 when there are several and `perStep` decides. */
  readonly single: Int32Array;
  readonly perStep: Map<number, Int32Array>;
}

function indexOneSide(one: Columns, signatures: Int32Array, count: number, matching: VectorMatching): OneSide {
  const single = new Int32Array(count);
  const perStep = new Map<number, Int32Array>();
  for (let row = 0; row < signatures.length; row++) {
    const signature = signatures[row]!;
    if (single[signature] === 0) {
      single[signature] = row + 1;
      continue;
    }
    let steps = perStep.get(signature);
    if (!steps) {
      steps = new Int32Array(one.grid.count);
      fillSteps(one, single[signature]! - 1, steps, matching);
      perStep.set(signature, steps);
    }
    fillSteps(one, row, steps, matching);
  }
  for (const signature of perStep.keys()) single[signature] = -1;
  return { single, perStep };
}

function fillSteps(one: Columns, row: number, steps: Int32Array, matching: VectorMatching): void {
  const base = row * steps.length;
  for (let j = 0; j < steps.length; j++) {
    if (one.present[base + j] === 0) continue;
    if (steps[j] !== 0) throw duplicateMatch(one.labels[row]!, one.labels[steps[j]! - 1]!, matching);
    steps[j] = row + 1;
  }
}

function duplicateMatch(a: Labels, b: Labels, matching: VectorMatching) {
  const group = formatLabelSet(signatureLabels(a, matching));
  const side = matching.cardinality === 'one-to-many' ? 'left' : 'right';
  return executionError(
    `found duplicate series for the match group ${group} on the ${side} hand-side of the operation: ` +
      `[${formatLabelSet(a)}, ${formatLabelSet(b)}];many-to-many matching not allowed: matching labels must be unique on one side`,
  );
}

interface Output {
  readonly labels: Labels[];
  values: Float64Array;
  present: Uint8Array;
  readonly histograms: Map<number, FloatHistogram>;
}

function newOutput(rows: number, count: number): Output {
  const cells = rows * count;
  return { labels: [], values: new Float64Array(cells), present: new Uint8Array(cells), histograms: new Map() };
}

/** The place of one more row. */
function nextBase(out: Output, count: number): number {
  const base = out.labels.length * count;
  if (base + count > out.values.length) {
    const cells = Math.max(2 * out.values.length, base + count);
    const values = new Float64Array(cells);
    values.set(out.values);
    const present = new Uint8Array(cells);
    present.set(out.present);
    out.values = values;
    out.present = present;
  }
  return base;
}

/** The join under way: sides turned so that `many` may have several rows a signature and `one` may not. */
interface Join {
  readonly context: Context;
  readonly node: Binary;
  readonly matching: VectorMatching;
  readonly many: Columns;
  readonly one: Columns;
  readonly manySignatures: Int32Array;
  readonly oneSignatures: Int32Array;
  readonly signatureCount: number;
  readonly swapped: boolean;
  readonly out: Output;
  /** One-to-one: signatures matched at a step. */
  readonly matched: Uint8Array | undefined;
  /** Many-to-one: result labels seen for a signature at a step. */
  readonly grouped: Map<string, Uint8Array> | undefined;
  readonly filled: Uint8Array | undefined;
}

export async function vectorVector(context: Context, node: Binary, left: Columns, right: Columns): Promise<Columns> {
  const matching = node.matching!;
  const swapped = matching.cardinality === 'one-to-many';
  const signatures = computeSignatures(left, right, matching);
  const steps = context.grid.count;
  const oneToOne = matching.cardinality === 'one-to-one';
  const fillMany = swapped ? matching.fillRight : matching.fillLeft;
  const join: Join = {
    context,
    node,
    matching,
    many: swapped ? right : left,
    one: swapped ? left : right,
    manySignatures: swapped ? signatures.right : signatures.left,
    oneSignatures: swapped ? signatures.left : signatures.right,
    signatureCount: signatures.count,
    swapped,
    out: newOutput((swapped ? right : left).labels.length, steps),
    matched:
      oneToOne && needsMatched(swapped ? signatures.right : signatures.left, signatures.count)
        ? new Uint8Array(signatures.count * steps)
        : undefined,
    grouped: oneToOne ? undefined : new Map(),
    filled: fillMany === undefined ? undefined : new Uint8Array(signatures.count * steps),
  };
  await joinRows(join);
  return assemble(join);
}

/** Whether a signature has several rows on the left, so that it must be watched step by step. */
function needsMatched(signatures: Int32Array, count: number): boolean {
  const seen = new Uint8Array(count);
  for (const signature of signatures) {
    if (seen[signature] === 1) return true;
    seen[signature] = 1;
  }
  return false;
}

async function joinRows(join: Join): Promise<void> {
  const { matching, many, one, swapped } = join;
  const side = indexOneSide(one, join.oneSignatures, join.signatureCount, matching);
  const fillOne = swapped ? matching.fillLeft : matching.fillRight;
  const fillMany = swapped ? matching.fillRight : matching.fillLeft;
  const joinRow = (row: number) => {
    const signature = join.manySignatures[row]!;
    const single = side.single[signature]!;
    if (single > 0) joinPair(join, row, single - 1, undefined, fillOne);
    else if (single < 0) joinSteps(join, row, side.perStep.get(signature)!, fillOne);
    else if (fillOne !== undefined) joinPair(join, row, -1, undefined, fillOne);
  };
  await inChunks(join.context, many.labels.length, (first, last) => {
    for (let row = first; row < last; row++) joinRow(row);
  });
  if (fillMany === undefined) return;
  for (let row = 0; row < one.labels.length; row++) fillManySide(join, row, fillMany);
}

/** A signature whose one side changes rows over time: one pair after the other, each where its row stands. */
function joinSteps(join: Join, row: number, steps: Int32Array, fillOne: number | undefined): void {
  for (const partner of new Set(steps)) {
    if (partner === 0) continue;
    const mask = Uint8Array.from(steps, (p) => (p === partner ? 1 : 0));
    joinPair(join, row, partner - 1, mask, undefined);
  }
  if (fillOne !== undefined && steps.includes(0)) {
    joinPair(
      join,
      row,
      -1,
      Uint8Array.from(steps, (p) => (p === 0 ? 1 : 0)),
      fillOne,
    );
  }
}

function filledRow(count: number, value: number): { values: Float64Array; present: Uint8Array } {
  return { values: new Float64Array(count).fill(value), present: new Uint8Array(count).fill(FLOAT) };
}

/**
 * Computes one row of the many side with one of the other (−1: with the fill value alone), at the steps of `mask` only.
 * A partner's gaps are filled too where there is a fill value.
 */
function joinPair(
  join: Join,
  manyRow: number,
  oneRow: number,
  mask: Uint8Array | undefined,
  fillOne: number | undefined,
): void {
  const { many, one, context } = join;
  const { count } = context.grid;
  const manyLabels = many.labels[manyRow]!;
  if (oneRow >= 0) {
    const labels = resultLabels(join, manyLabels, one.labels[oneRow]!);
    computePair(join, labels, join.manySignatures[manyRow]!, many, manyRow * count, one, oneRow * count, mask);
    if (fillOne === undefined) return;
  }
  const fill = filledRow(count, fillOne!);
  if (mask) for (let j = 0; j < count; j++) if (mask[j] === 0) fill.present[j] = 0;
  if (oneRow >= 0) {
    for (let j = 0; j < count; j++) if (one.present[oneRow * count + j] !== 0) fill.present[j] = 0;
    if (!fill.present.includes(FLOAT)) return;
  }
  const labels = resultLabels(join, manyLabels, signatureLabels(manyLabels, join.matching));
  const filled = { ...one, labels: [], ...fill } as Columns;
  computePair(join, labels, join.manySignatures[manyRow]!, many, manyRow * count, filled, 0, undefined);
}

/** Rows of the one side that matched nothing at a step, computed with the fill value of the many side. */
function fillManySide(join: Join, oneRow: number, value: number): void {
  const { one, context } = join;
  const { count } = context.grid;
  const signature = join.oneSignatures[oneRow]!;
  const fill = filledRow(count, value);
  for (let j = 0; j < count; j++) if (join.filled![signature * count + j] !== 0) fill.present[j] = 0;
  if (!fill.present.includes(FLOAT)) return;
  const labels = signatureLabels(one.labels[oneRow]!, join.matching);
  const filled = { ...join.many, labels: [], ...fill } as Columns;
  const result = resultLabels(join, labels, one.labels[oneRow]!);
  computePair(join, result, signature, filled, 0, one, oneRow * count, undefined);
}

function computePair(
  join: Join,
  labels: Labels,
  signature: number,
  many: Columns,
  manyBase: number,
  one: Columns,
  oneBase: number,
  mask: Uint8Array | undefined,
): void {
  const { node, context } = join;
  const { count } = context.grid;
  watchMatches(join, labels, signature, many.present, manyBase, one.present, oneBase, mask);
  const base = nextBase(join.out, count);
  const { values, present } = join.out;
  const [a, aBase, b, bBase] = join.swapped ? [one, oneBase, many, manyBase] : [many, manyBase, one, oneBase];
  const byCell = a.histograms || b.histograms || mask || node.op === '</' || node.op === '>/';
  if (!byCell) {
    const { op, bool } = node;
    floatRow(op, bool, a.values, a.present, aBase, b.values, b.present, bBase, count, values, present, base);
  } else {
    for (let j = 0; j < count; j++) {
      if (mask?.[j] === 0 || a.present[aBase + j] === 0 || b.present[bBase + j] === 0) continue;
      const x = cellOf(a, aBase + j);
      const result = combine(context, node, x, cellOf(b, bBase + j));
      if (result === undefined || (result === false && !node.bool)) continue;
      const value = node.bool ? Number(result !== false) : typeof result === 'boolean' ? x : result;
      if (typeof value === 'number') values[base + j] = value;
      else join.out.histograms.set(base + j, value);
      present[base + j] = typeof value === 'number' ? FLOAT : HISTOGRAM;
    }
  }
  join.out.labels.push(labels);
}

function cellOf(columns: Columns, cell: number): number | FloatHistogram {
  return columns.present[cell] === HISTOGRAM ? columns.histograms!.get(cell)! : columns.values[cell]!;
}

/** Keeps book of which signatures have matched at which steps, and refuses what would be ambiguous. */
function watchMatches(
  join: Join,
  labels: Labels,
  signature: number,
  manyPresent: Uint8Array,
  manyBase: number,
  onePresent: Uint8Array,
  oneBase: number,
  mask: Uint8Array | undefined,
): void {
  const { count } = join.context.grid;
  let seen: Uint8Array | undefined;
  let offset = 0;
  let message = 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)';
  if (join.grouped) {
    message = 'multiple matches for labels: grouping labels must ensure unique matches';
    const key = `${signature}\xfe${labelsKey(labels)}`;
    seen = join.grouped.get(key);
    if (!seen) {
      seen = new Uint8Array(count);
      join.grouped.set(key, seen);
    }
  } else if (join.matched) {
    seen = join.matched;
    offset = signature * count;
  }
  if (!seen && !join.filled) return;
  for (let j = 0; j < count; j++) {
    if (mask?.[j] === 0 || manyPresent[manyBase + j] === 0 || onePresent[oneBase + j] === 0) continue;
    if (join.filled) join.filled[signature * count + j] = 1;
    if (!seen) continue;
    if (seen[offset + j] === 1) throw executionError(message);
    seen[offset + j] = 1;
  }
}

/** Labels of the result of a pair. */
function resultLabels(join: Join, many: Labels, one: Labels): Labels {
  const { matching, node } = join;
  const dropName = ARITHMETIC.has(node.op) || (node.bool && !join.context.query.delayNames);
  let labels = dropName ? withoutMetadata(many) : many;
  if (matching.cardinality === 'one-to-one') {
    const flat: string[] = [];
    for (let i = 0; i < labels.length; i += 2) {
      if (matching.labels.includes(labels[i]!) === matching.on) flat.push(labels[i]!, labels[i + 1]!);
    }
    labels = labelsFromSorted(flat);
  }
  return matching.include.length === 0 ? labels : withIncluded(labels, one, matching.include);
}

function withIncluded(labels: Labels, one: Labels, include: readonly string[]): Labels {
  const pairs: [string, string][] = [];
  for (let i = 0; i < labels.length; i += 2) {
    if (!include.includes(labels[i]!)) pairs.push([labels[i]!, labels[i + 1]!]);
  }
  for (let i = 0; i < one.length; i += 2) if (include.includes(one[i]!)) pairs.push([one[i]!, one[i + 1]!]);
  pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  return labelsFromSorted(pairs.flat());
}

function assemble(join: Join): Columns {
  const { out, node, context } = join;
  const rows = out.labels.length;
  const cells = rows * context.grid.count;
  const columns: Columns = {
    grid: context.grid,
    labels: out.labels,
    values: out.values.length === cells ? out.values : out.values.slice(0, cells),
    present: out.present.length === cells ? out.present : out.present.slice(0, cells),
    ...(out.histograms.size > 0 ? { histograms: out.histograms } : {}),
    ...(node.bool && context.query.delayNames ? { dropName: new Uint8Array(rows).fill(1) } : {}),
  };
  return mergeIfNeeded(context, columns);
}
