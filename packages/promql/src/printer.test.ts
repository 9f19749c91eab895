import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expr } from './ast.ts';
import { durationMs } from './duration-expr.ts';
import { PROMQL_FEATURES, parseExpr } from './parser.ts';
import { formatExpr, prettyExpr } from './printer.ts';
import { sharedSubtrees, simplify } from './simplify.ts';
import { toParseTree } from './tree.ts';
import { mapExpr, metricNamesOf, selectorsOf } from './walk.ts';

const parse = (text: string): Expr => parseExpr(text, { features: PROMQL_FEATURES });

/** The tree without spans, and without how a duration was written, which printing settles. */
function shape(expr: unknown): unknown {
  if (Array.isArray(expr)) {
    const items = expr.map(shape);
    const isMatchers =
      expr.length > 0 && expr.every((m) => m !== null && typeof m === 'object' && 'op' in m && 'name' in m);
    return isMatchers ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items;
  }
  if (expr === null || typeof expr !== 'object') return expr;
  const kept = Object.entries(expr).filter(([key]) => key !== 'span' && key !== 'bare');
  return Object.fromEntries(kept.map(([key, value]) => [key, shape(value)]));
}

describe('formatExpr', () => {
  it.each([
    ['sum(x) by (a, "b.c")', 'sum by (a, "b.c") (x)'],
    ['SUM WITHOUT () (x)', 'sum without () (x)'],
    ['topk by (a) (5, x)', 'topk by (a) (5, x)'],
    ['a{z="1",b!~"x|y"}[300s]offset 90s @ 1.5', 'a{b!~"x|y",z="1"}[5m] @ 1.500 offset 1m30s'],
    ['{"my.metric"}', '{__name__="my.metric"}'],
    ['{"l.x"="1"}', '{"l.x"="1"}'],
    ['a == bool on() group_left() b', 'a == bool on () group_left () b'],
    ['a+ignoring(x)b', 'a + ignoring (x) b'],
    ['1e3', '1000'],
    ['1e-9', '0.000000001'],
    ['-1e22', '-10000000000000000000000'],
    ['Inf', '+Inf'],
    ['5m*2', '5m * 2'],
    ["'it\\'s \"q\"'", '"it\'s \\"q\\""'],
    ['a[60*30+step()]', 'a[60 * 30 + step()]'],
    ['a offset -(min_of(step(),1s))', 'a offset -(min_of(step(), 1s))'],
    ['a[1h:] offset -5m', 'a[1h:] offset -5m'],
    ['a + fill_left(1) fill_right(NaN) b', 'a + fill_left (1) fill_right (NaN) b'],
    ['a[5m] anchored @ end()', 'a[5m] anchored @ end()'],
    ['-(-a) ^ -b', '-(-a) ^ -b'],
  ])('%s', (text, printed) => expect(formatExpr(parse(text))).toBe(printed));

  it('adds the parentheses that a tree made by hand needs', () => {
    const sum = parse('a + b');
    const product = mapExpr(parse('x * c'), (e) => (e.kind === 'selector' && e.name === 'x' ? sum : e));
    expect(formatExpr(product)).toBe('(a + b) * c');
    const difference = mapExpr(parse('c - x'), (e) => (e.kind === 'selector' && e.name === 'x' ? sum : e));
    expect(formatExpr(difference)).toBe('c - (a + b)');
    expect(formatExpr(simplify(parse('(0 - 2) ^ x')))).toBe('(-2) ^ x'.replace('x', 'x'));
  });
});

const selectorText = fc.constantFrom(
  'up',
  '{"a.b", c="d"}',
  'x{a=~"b.*",c!="\\n\\"é"}',
  'sum',
  'a:b{__name__!="q"}',
  '{a!=""}',
);
const durationText = fc.constantFrom(
  '5m',
  '300',
  '1h30m',
  '2m * 3',
  '-1m + step()',
  '(range() / 2) ^ 2',
  'max_of(1m, 90)',
);
const offsetText = fc.constantFrom(
  '',
  ' offset 5m',
  ' offset -90',
  ' offset (1m + 1)',
  ' offset -step()',
  ' @ 12.5',
  ' @ start() offset 1d',
);
const vectorText: fc.Arbitrary<string> = fc.letrec((tie) => ({
  vector: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(selectorText, offsetText).map(([s, o]) => s + o),
    fc.tuple(selectorText, durationText, offsetText).map(([s, d, o]) => `rate(${s}[${d}]${o})`),
    fc.tuple(tie('vector'), durationText, offsetText).map(([v, d, o]) => `max_over_time((${v})[${d}:${d}]${o})`),
    fc
      .tuple(fc.constantFrom('sum', 'avg by (a, "b.c")', 'max without ()'), tie('vector'))
      .map(([a, v]) => `${a} (${v})`),
    fc
      .tuple(
        tie('vector'),
        fc.constantFrom(
          '+',
          '-',
          '*',
          '/',
          '%',
          '^',
          'atan2',
          '== bool',
          '<',
          'and',
          'or',
          'unless on (a)',
          '>/',
          '* on (a) group_left (b)',
        ),
        tie('vector'),
      )
      .map(([l, op, r]) => `${l} ${op} ${r}`),
    fc
      .tuple(tie('vector'), fc.constantFrom('+', '* 2 ^ -', '- -', '> 1e-7 +', '^ 2 ^'), fc.double())
      .map(([v, op, n]) => `(${v}) ${op} ${Number.isNaN(n) ? 'NaN' : Number.isFinite(n) ? n : n > 0 ? 'Inf' : '-Inf'}`),
    tie('vector').map((v) => `-${v}`),
    tie('vector').map((v) => `(${v})`),
    fc
      .tuple(tie('vector'), fc.string())
      .map(([v, s]) => `label_join(${v}, ${JSON.stringify(s).replace(/[^ -~]/g, '?')}, ",")`),
  ),
})).vector as fc.Arbitrary<string>;

describe('printing and parsing again', () => {
  const accepted = (text: string) => {
    try {
      return parse(text);
    } catch {
      return undefined;
    }
  };

  it('keeps an infinite base a base', () => {
    expect(formatExpr(parseExpr('up + Inf ^ up'))).toBe('up + Inf ^ up');
  });

  it('gives the same tree', () => {
    let count = 0;
    fc.assert(
      fc.property(vectorText, (text) => {
        const expr = accepted(text);
        if (!expr) return;
        count++;
        expect(shape(parse(formatExpr(expr)))).toEqual(shape(expr));
        expect(shape(parse(prettyExpr(expr)))).toEqual(shape(expr));
        expect(formatExpr(simplify(simplify(expr)))).toBe(formatExpr(simplify(expr)));
      }),
      { numRuns: 500 },
    );
    expect(count).toBeGreaterThan(50);
  });

  const data = process.env.CONFORMANCE_DATA;
  const file = data ? join(data, 'promql-parse', 'corpus.json') : '';
  it.skipIf(!existsSync(file))(
    'gives the same tree for the corpus (set CONFORMANCE_DATA to the folder with the test data)',
    () => {
      for (const { expr: text } of JSON.parse(readFileSync(file, 'utf8')) as { expr: string }[]) {
        const expr = accepted(text);
        if (!expr) continue;
        expect(shape(parse(formatExpr(expr))), text).toEqual(shape(expr));
        expect(shape(parse(prettyExpr(expr))), text).toEqual(shape(expr));
        toParseTree(expr);
      }
    },
  );
});

describe('prettyExpr', () => {
  it('breaks only what is too long', () => {
    expect(prettyExpr(parse('sum(rate(up[5m]))'))).toBe('sum(rate(up[5m]))');
    const long =
      'sum by (job) (rate(http_requests_total{job="api-server", code=~"5.."}[5m])) / on (job) sum by (job) (rate(http_requests_total{job="api-server"}[5m]))';
    expect(prettyExpr(parse(long))).toBe(
      [
        '  sum by (job) (rate(http_requests_total{code=~"5..",job="api-server"}[5m]))',
        '/ on (job)',
        '  sum by (job) (rate(http_requests_total{job="api-server"}[5m]))',
      ].join('\n'),
    );
    expect(prettyExpr(parse(`topk(3, (${long}))`))).toBe(
      [
        'topk(',
        '  3,',
        '  (',
        '      sum by (job) (rate(http_requests_total{code=~"5..",job="api-server"}[5m]))',
        '    / on (job)',
        '      sum by (job) (rate(http_requests_total{job="api-server"}[5m]))',
        '  )',
        ')',
      ].join('\n'),
    );
  });
});

describe('toParseTree', () => {
  it('has the fields of parse_query', () => {
    expect(toParseTree(parse('sum by (a) (rate(up{job="x"}[5m] @ end() offset 1m)) > bool 1e3'))).toEqual({
      type: 'binaryExpr',
      op: '>',
      bool: true,
      matching: null,
      lhs: {
        type: 'aggregation',
        op: 'sum',
        param: null,
        grouping: ['a'],
        without: false,
        expr: {
          type: 'call',
          func: { name: 'rate', argTypes: ['matrix'], variadic: 0, returnType: 'vector' },
          args: [
            {
              type: 'matrixSelector',
              name: 'up',
              range: 300000,
              offset: 60000,
              matchers: [
                { name: 'job', value: 'x', type: '=' },
                { name: '__name__', value: 'up', type: '=' },
              ],
              timestamp: null,
              startOrEnd: 'end',
              anchored: false,
              smoothed: false,
            },
          ],
        },
      },
      rhs: { type: 'numberLiteral', val: '1000' },
    });
    expect(toParseTree(parse('a / on (x) group_right b'))).toMatchObject({
      matching: { card: 'one-to-many', labels: ['x'], on: true, include: [], fillValues: { lhs: null, rhs: null } },
    });
    expect(toParseTree(parse('a[1h:] @ 1.5'))).toMatchObject({
      type: 'subquery',
      step: 0,
      timestamp: 1500,
      startOrEnd: null,
    });
  });
});

describe('trees', () => {
  it('finds selectors and names', () => {
    const expr = parse('rate(a[5m]) / {__name__="b.c"} + sum(a) + {__name__=~"d.*"}');
    expect(selectorsOf(expr)).toHaveLength(4);
    expect(metricNamesOf(expr)).toEqual(['a', 'b.c']);
  });

  it.each([
    ['a * (2 * 60)', 'a * 120'],
    ['-(1 + 1) * a', '-2 * a'],
    ['rate(a[5m]) > (1 == bool 1)', 'rate(a[5m]) > 1'],
    ['vector(1 ^ NaN)', 'vector(1)'],
    ['a + time()', 'a + time()'],
    ['pi() / 2', '1.5707963267948966'],
  ])('simplifies %s', (text, simple) => expect(formatExpr(simplify(parse(text)))).toBe(simple));

  it('shares what does not change', () => {
    const expr = parse('rate(a[5m]) + sum(b)');
    expect(simplify(expr)).toBe(expr);
  });

  it('finds what is written twice, apart from what other times are asked for', () => {
    const keys = (text: string) => sharedSubtrees(parse(text)).map(({ key, nodes }) => [key, nodes.length]);
    expect(keys('sum(rate(a[5m])) / (sum(rate(a[5m])) + b)')).toEqual([['sum(rate(a[5m]))', 2]]);
    expect(keys('sum(a) + a + sum(a)')).toEqual([
      ['sum(a)', 2],
      ['a', 3],
    ]);
    expect(keys('a + max_over_time(a[5m:])')).toEqual([]);
  });
});

describe('durationMs', () => {
  const rangeOf = (text: string, context = { stepMs: 15_000, rangeMs: 3600_000 }) => {
    const expr = parse(`a[${text}]`);
    return durationMs((expr as Expr & { kind: 'range' }).range, context);
  };
  it.each([
    ['5m', 300_000],
    ['1.5', 1500],
    ['5m * 2 + 1', 601_000],
    ['-10s + 15s', 5000],
    ['step() ^ 2', 225_000],
    ['max_of(range() / 2, 1h % 7m)', 1800_000],
    ['2 ^ 3 ^ 0', 2000],
  ])('%s is %d ms', (text, ms) => expect(rangeOf(text)).toBe(ms));

  it.each([
    ['step() - 1m', 'duration must be greater than 0'],
    ['1m / (step() - 15)', 'division by zero'],
    ['1m % (step() - 15)', 'modulo by zero'],
    ['10 ^ 100', 'duration is out of range'],
  ])('%s: %s', (text, message) => expect(() => rangeOf(text)).toThrow(message));

  it('lets offsets be negative', () => {
    const expr = parse('a offset -step()') as Expr & { kind: 'selector' };
    expect(durationMs(expr.offset!, { stepMs: 1000, rangeMs: 0, allowNegative: true })).toBe(-1000);
  });
});
