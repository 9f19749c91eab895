import { compareText, formatDuration, formatMatcher, isLegacyLabelName, METRIC_NAME, quote } from '@belfry/model';
import type {
  Aggregation,
  AtModifier,
  Binary,
  BinaryOperator,
  Duration,
  Expr,
  MatrixSelector,
  NumberLiteral,
  Subquery,
  VectorMatching,
  VectorSelector,
} from './ast.ts';

/**
 * The expression on one line, as Prometheus' `String()` writes it: label matchers sorted, durations in units, `by`
 * before the parenthesis. Parentheses are those of the tree, and where a tree made by hand would read otherwise
 * without them, more.
 */
export function formatExpr(expr: Expr): string {
  // A lone U+FFFD stands for broken UTF-8 to the lexer; escaped it is a character like any other.
  return print(expr).replaceAll('\ufffd', '\\ufffd');
}

function print(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return formatNumber(expr);
    case 'string':
      return quote(expr.value);
    case 'paren':
      return `(${print(expr.expr)})`;
    case 'unary':
      return `${expr.op}${printOperand(expr.expr, POWER)}`;
    case 'binary':
      return printBinary(expr);
    case 'aggregation':
      return `${aggregationHead(expr)}(${expr.param ? `${print(expr.param)}, ` : ''}${print(expr.expr)})`;
    case 'call':
      return `${expr.func}(${expr.args.map(print).join(', ')})`;
    case 'selector':
      return printSelector(expr);
    case 'range':
      return printRange(expr);
    case 'subquery':
      return `${printOperand(expr.expr, TIGHTEST)}${subquerySuffix(expr)}`;
  }
}

// --- Operators ----------------------------------------------------------------------------------------------------

const POWER = 6;
const TIGHTEST = 7;
const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '<': 3,
  '<=': 3,
  '>': 3,
  '>=': 3,
  '</': 3,
  '>/': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  atan2: 5,
  '^': POWER,
};

/** How tightly an expression holds together by itself, on the scale of {@link PRECEDENCE}. A sign is like `*`. */
function tightness(expr: Expr): number {
  if (expr.kind === 'binary') return PRECEDENCE[expr.op];
  const isSigned = expr.kind === 'number' && /^[-+]/.test(formatNumber(expr));
  return isSigned || expr.kind === 'unary' ? PRECEDENCE['*'] : TIGHTEST;
}

function printOperand(expr: Expr, least: number): string {
  const text = print(expr);
  // A sign after an operator needs no parentheses: nothing else can be meant.
  const isRightSign = least === POWER && (expr.kind === 'unary' || expr.kind === 'number');
  return tightness(expr) >= least || isRightSign ? text : `(${text})`;
}

function printBinary(expr: Binary): string {
  const level = PRECEDENCE[expr.op];
  return `${printLeft(expr.left, level)} ${operatorWithModifiers(expr)} ${printRight(expr.right, level)}`;
}

function printLeft(left: Expr, level: number): string {
  // Without its sign, which would be taken for one before the whole power.
  if (level === POWER && left.kind === 'number' && left.value === Infinity) return 'Inf';
  return tightness(left) >= (level === POWER ? TIGHTEST : level) ? print(left) : `(${print(left)})`;
}

function printRight(right: Expr, level: number): string {
  const text = print(right);
  if (right.kind !== 'binary') return text;
  return PRECEDENCE[right.op] > level || (level === POWER && PRECEDENCE[right.op] === POWER) ? text : `(${text})`;
}

function operatorWithModifiers(expr: Binary): string {
  const { matching } = expr;
  return `${expr.op}${expr.bool ? ' bool' : ''}${matching ? matchingText(matching) : ''}`;
}

function matchingText(matching: VectorMatching): string {
  const { cardinality, on, labels, include, fillLeft, fillRight } = matching;
  const grouped = cardinality === 'many-to-one' || cardinality === 'one-to-many';
  let out = labels.length > 0 || on || grouped ? ` ${on ? 'on' : 'ignoring'} (${labelList(labels)})` : '';
  if (grouped) out += ` group_${cardinality === 'many-to-one' ? 'left' : 'right'} (${labelList(include)})`;
  if (fillLeft !== undefined && Object.is(fillLeft, fillRight)) return `${out} fill (${formatNumberText(fillLeft)})`;
  if (fillLeft !== undefined) out += ` fill_left (${formatNumberText(fillLeft)})`;
  if (fillRight !== undefined) out += ` fill_right (${formatNumberText(fillRight)})`;
  return out;
}

function labelList(labels: readonly string[]): string {
  return labels.map((label) => (isLegacyLabelName(label) ? label : quote(label))).join(', ');
}

function aggregationHead(expr: Aggregation): string {
  if (expr.without) return `${expr.op} without (${labelList(expr.grouping)}) `;
  return expr.grouping.length > 0 ? `${expr.op} by (${labelList(expr.grouping)}) ` : expr.op;
}

// --- Selectors ----------------------------------------------------------------------------------------------------

function selectorCore(selector: VectorSelector): string {
  const { name, matchers } = selector;
  const texts = matchers
    .filter((m) => !(m.name === METRIC_NAME && m.op === '=' && m.value !== '' && m.value === name))
    .map(formatMatcher)
    .sort(compareText);
  // Without a name and without a matcher, braces are all there is.
  const braces = texts.length > 0 || name === undefined;
  return `${name ?? ''}${braces ? `{${texts.join(',')}}` : ''}`;
}

function printSelector(selector: VectorSelector): string {
  const { at, extended, offset } = selector;
  return `${selectorCore(selector)}${atText(at)}${extended ? ` ${extended}` : ''}${offsetText(offset)}`;
}

function printRange({ selector, range }: MatrixSelector): string {
  const { at, extended, offset } = selector;
  const suffix = `${extended ? ` ${extended}` : ''}${atText(at)}${offsetText(offset)}`;
  return `${selectorCore(selector)}[${printDuration(range, true)}]${suffix}`;
}

function subquerySuffix(expr: Subquery): string {
  const step = expr.step ? printDuration(expr.step, true) : '';
  return `[${printDuration(expr.range, true)}:${step}]${atText(expr.at)}${offsetText(expr.offset)}`;
}

function atText(at: AtModifier | undefined): string {
  if (!at) return '';
  return at.kind === 'timestamp' ? ` @ ${millisAsSeconds(at.ms)}` : ` @ ${at.kind}()`;
}

/** Seconds with three decimals, also where the number is too great for `toFixed`. */
function millisAsSeconds(ms: number): string {
  return Math.abs(ms) < 1e21 ? (ms / 1000).toFixed(3) : `${BigInt(ms) / 1000n}.000`;
}

function offsetText(offset: Duration | undefined): string {
  return offset ? ` offset ${printDuration(offset, true)}` : '';
}

// --- Durations and numbers ----------------------------------------------------------------------------------------

/** Alone a duration is written in units, in arithmetic as it was written. */
function printDuration(duration: Duration, alone: boolean): string {
  switch (duration.kind) {
    case 'duration':
      return duration.bare && !alone ? formatNumberText(duration.ms / 1000) : formatDuration(duration.ms);
    case 'duration-step':
      return 'step()';
    case 'duration-range':
      return 'range()';
    case 'duration-paren':
      return `(${printDuration(duration.inner, false)})`;
    case 'duration-unary':
      return `-${printDuration(duration.operand, false)}`;
    case 'duration-binary': {
      const left = printDuration(duration.left, false);
      const right = printDuration(duration.right, false);
      if (duration.op === 'min' || duration.op === 'max') return `${duration.op}_of(${left}, ${right})`;
      return `${left} ${duration.op} ${right}`;
    }
  }
}

function formatNumber(expr: NumberLiteral): string {
  return expr.duration ? formatDuration(Math.round(expr.value * 1000)) : formatNumberText(expr.value);
}

/** The shortest decimal text that gives the number again, never with an exponent. */
export function formatNumberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return text;
  const digits = match[2]! + (match[3] ?? '');
  const exponent = Number(match[4]);
  if (exponent < 0) return `${match[1]}0.${'0'.repeat(-exponent - 1)}${digits}`;
  return match[1]! + digits.padEnd(exponent + 1, '0');
}

// --- Several lines ------------------------------------------------------------------------------------------------

/** Longest line, in bytes of UTF-8, before it is broken. */
const MAX_LINE_BYTES = 100;

/** The expression as Prometheus' `/api/v1/format_query` answers it: lines over 100 characters are broken and indented. */
export function prettyExpr(expr: Expr): string {
  return pretty(expr, 0).replaceAll('\ufffd', '\\ufffd');
}

function pretty(expr: Expr, level: number): string {
  const indent = '  '.repeat(level);
  if (expr.kind === 'unary') return `${indent}${expr.op}${pretty(expr.expr, level).trim()}`;
  const line = print(expr);
  // Prometheus does not indent a subquery that fits.
  if (Buffer.byteLength(line) <= MAX_LINE_BYTES) return expr.kind === 'subquery' ? line : indent + line;
  switch (expr.kind) {
    case 'aggregation': {
      const param = expr.param ? `${pretty(expr.param, level + 1)},\n` : '';
      return `${indent}${aggregationHead(expr)}(\n${param}${pretty(expr.expr, level + 1)}\n${indent})`;
    }
    case 'binary': {
      const left = pretty(expr.left, level + 1);
      return `${left}\n${indent}${operatorWithModifiers(expr)}\n${pretty(expr.right, level + 1)}`;
    }
    case 'call':
      return `${indent}${expr.func}(\n${expr.args.map((arg) => pretty(arg, level + 1)).join(',\n')}\n${indent})`;
    case 'paren':
      return `${indent}(\n${pretty(expr.expr, level + 1)}\n${indent})`;
    case 'subquery':
      return `${pretty(expr.expr, level)}${subquerySuffix(expr)}`;
    default:
      return indent + line;
  }
}
