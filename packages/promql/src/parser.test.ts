import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BelfryError } from '@belfry/model';
import { parser as lezer } from '@prometheus-io/lezer-promql';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expr } from './ast.ts';
import { formatParseError } from './parse-error.ts';
import { MAX_EXPRESSION_DEPTH, PROMQL_FEATURES, parseExpr, parseSelector } from './parser.ts';
import { formatExpr, prettyExpr } from './printer.ts';
import { simplify } from './simplify.ts';
import { toParseTree } from './tree.ts';
import { valueTypeOf } from './value-type.ts';
import { walk } from './walk.ts';

const ALL = { features: PROMQL_FEATURES };

function messageOf(text: string, features?: ReadonlySet<string>): string {
  try {
    parseExpr(text, features ? { features } : {});
  } catch (error) {
    expect(error).toBeInstanceOf(BelfryError);
    expect((error as BelfryError).code).toBe('query_syntax');
    return formatParseError(error as BelfryError, text);
  }
  return 'accepted';
}

/** The tree without its spans. */
function shape(expr: unknown): unknown {
  return JSON.parse(JSON.stringify(expr, (key, value) => (key === 'span' ? undefined : value)));
}

describe('structure', () => {
  it.each([
    ['-1 ^ 2', '-(1 ^ 2)'],
    ['-a * b', '(-a) * b'],
    ['2 ^ 3 ^ 2', '2 ^ (3 ^ 2)'],
    ['a + b * c', 'a + (b * c)'],
    ['a or b and c', 'a or (b and c)'],
    ['a - b - c', '(a - b) - c'],
    ['a == b + c', 'a == (b + c)'],
    ['a atan2 b * c', '(a atan2 b) * c'],
    ['a offset -2 ^ 2', '(a offset -2s) ^ 2'],
    ['a offset 5m + 1', '(a offset 5m) + 1'],
    ['a >/ 1 + 1', 'a >/ (1 + 1)'],
  ])('%s is %s', (text, explicit) => {
    const bare = (source: string) => {
      const strip = (node: unknown): unknown => {
        if (Array.isArray(node)) return node.map(strip);
        if (node === null || typeof node !== 'object') return node;
        if ((node as Expr).kind === 'paren') return strip((node as { expr: Expr }).expr);
        const kept = Object.entries(node).filter(([key]) => key !== 'span' && key !== 'bare');
        return Object.fromEntries(kept.map(([key, value]) => [key, strip(value)]));
      };
      return strip(parseExpr(source, ALL));
    };
    expect(bare(text)).toEqual(bare(explicit));
  });

  it.each([
    ['0x1F', 31],
    ['0755', 493],
    ['08', 8],
    ['1_000.5', 1000.5],
    ['.5e-3', 0.0005],
    ['+Inf', Infinity],
    ['-inf', -Infinity],
    ['1h30m', 5400],
    ['-5m', -300],
  ])('number %s', (text, value) => {
    expect(parseExpr(text)).toMatchObject({ kind: 'number', value });
  });

  it.each([
    [String.raw`"\x41\101\u0042\U0001f600\n"`, 'AAB😀\n'],
    [String.raw`'it\'s'`, "it's"],
    ['`raw\\n`', 'raw\\n'],
    [String.raw`"\xe2\x98\xba"`, '☺'],
  ])('string %s', (text, value) => {
    expect(parseExpr(text)).toMatchObject({ kind: 'string', value });
  });

  it('keeps names written in braces among the matchers only', () => {
    expect(shape(parseExpr('{"my.metric", "label.x"="1"}'))).toEqual({
      kind: 'selector',
      matchers: [
        { name: '__name__', op: '=', value: 'my.metric' },
        { name: 'label.x', op: '=', value: '1' },
      ],
    });
    expect(shape(parseExpr('up{job="a"}'))).toEqual({
      kind: 'selector',
      name: 'up',
      matchers: [
        { name: 'job', op: '=', value: 'a' },
        { name: '__name__', op: '=', value: 'up' },
      ],
    });
  });

  it('reads matching, grouping and fills', () => {
    expect(parseExpr('a / on ("x.y", b) group_left (c) fill (0) d', ALL)).toMatchObject({
      matching: {
        cardinality: 'many-to-one',
        on: true,
        labels: ['x.y', 'b'],
        include: ['c'],
        fillLeft: 0,
        fillRight: 0,
      },
    });
    expect(parseExpr('a and b')).toMatchObject({ matching: { cardinality: 'many-to-many' } });
    expect(parseExpr('a > 1')).not.toHaveProperty('matching');
    expect(parseExpr('sum by (a) (x)')).toMatchObject(shape(parseExpr('SUM(x) By (a,)')) as object);
  });

  it.each([
    'sum',
    'and',
    'offset',
    'start',
    'step',
    'fill',
    'anchored',
    'by',
    'sum + count',
    'foo * sum',
    'fill + fill',
  ])('word %s as a name', (text) => expect(valueTypeOf(parseExpr(text))).toBe('vector'));

  it('leaves out comments and freezes every node', () => {
    const expr = parseExpr('# first\nsum( # second\n rate(up{a=~"b.*"}[5m:1m] @ end() offset -1m) ) by (x)');
    walk(expr, (node) => {
      expect(Object.isFrozen(node)).toBe(true);
      expect(Object.isFrozen(node.span)).toBe(true);
    });
  });

  it('knows where everything stood', () => {
    const text = '  sum(rate(up{job="é"}[5m] offset 1h)) by (job) > 1';
    const seen: string[] = [];
    walk(parseExpr(text), (node) => seen.push(text.slice(node.span.start, node.span.end)));
    expect(seen).toEqual([
      'sum(rate(up{job="é"}[5m] offset 1h)) by (job) > 1',
      'sum(rate(up{job="é"}[5m] offset 1h)) by (job)',
      'rate(up{job="é"}[5m] offset 1h)',
      'up{job="é"}[5m] offset 1h',
      'up{job="é"}',
      '1',
    ]);
  });

  it('parses selectors alone', () => {
    expect(parseSelector('up{a="b"}')).toHaveLength(2);
    expect(parseSelector('{}')).toEqual([]);
    expect(() => parseSelector('up[5m]')).toThrow('unexpected "["');
  });
});

describe('messages', () => {
  it.each([
    ['', 'unknown position: parse error: no expression found in input'],
    ['# nothing', '1:1: parse error: no expression found in input'],
    ['1+', '1:3: parse error: unexpected end of input'],
    ['*1', '1:1: parse error: unexpected <op:*>'],
    ['(1))', "1:5: parse error: unexpected right parenthesis ')'"],
    ['foo bar', '1:5: parse error: unexpected identifier "bar"'],
    ['sum by (job', '1:12: parse error: unclosed left parenthesis'],
    ['sum without(foo,,)(x)', '1:17: parse error: unexpected "," in grouping opts, expected label'],
    ['sum(a b)', '1:7: parse error: unexpected identifier "b" in aggregation'],
    ['rate(a,)', '1:7: parse error: trailing commas not allowed in function call args'],
    ['foo{a=b}', '1:7: parse error: unexpected identifier "b" in label matching, expected string'],
    [
      'foo{a="1" "a long string"}',
      '1:11: parse error: unexpected string "\\"a long st"... in label matching, expected "," or "}"',
    ],
    ['foo[5m', '1:7: parse error: unclosed left bracket'],
    ['foo[0m]', '1:5: parse error: duration must be greater than 0'],
    [
      'foo offset x',
      '1:12: parse error: unexpected identifier "x" in offset, expected number, duration, step(), or range()',
    ],
    ['foo @ x', '1:7: parse error: unexpected identifier "x" in @, expected timestamp'],
    ['foo @ NaN', '1:1: parse error: timestamp out of bounds for @ modifier: NaN'],
    ['rate(foo)', '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
    ['sum(foo[5m])', '1:5: parse error: expected type instant vector in aggregation expression, got range vector'],
    ['1 == 1', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
    ['foo + bool 1', '1:5: parse error: bool modifier can only be used on comparison operators'],
    ['1 and foo', '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
    ['a / on (x) group_left (x) b', '1:3: parse error: label "x" must not occur in ON and GROUP clause at once'],
    ['a or on (x) group_left b', '1:1: parse error: no grouping allowed for "or" operation'],
    ['{}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
    ['foo{__name__="bar"}', '1:1: parse error: metric name must not be set twice: "foo" or "bar"'],
    ['nope(1)', '1:1: parse error: unknown function with name "nope"'],
    ['round(a, 1, 2)', '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3'],
    ['label_join(a)', '1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 1'],
    ['"é" + \n  "é" ^ é', "2:10: parse error: unexpected character: 'é'"],
    ['foo{a=~"("}', '1:5: parse error: error parsing regexp: missing closing ): `(`'],
    ['mad_over_time(a[5m])', '1:1: parse error: function "mad_over_time" is not enabled'],
    [
      'limitk(1, a)',
      '1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions',
    ],
    ['a[5m + 1m]', '1:3: parse error: experimental duration expression is not enabled'],
    ['a offset step()', '1:10: parse error: experimental duration expression is not enabled'],
    ['a[5m] anchored', '1:1: parse error: anchored modifier is experimental and not enabled'],
    ['a + fill(0) b', '1:1: parse error: binop fill modifiers are experimental and not enabled'],
  ])('%s', (text, message) => expect(messageOf(text)).toBe(message));

  it.each([
    ['a[5m/0]', '1:5: parse error: division by zero'],
    ['a[(0)]', '1:4: parse error: duration must be greater than 0'],
    ['a or fill(0) b', '1:1: parse error: filling in missing series not allowed for set operators'],
    ['1 + fill(0) b', '1:1: parse error: filling in missing series only allowed between instant vectors'],
    ['info(a, b)', '1:9: parse error: expected label selectors only, got vector selector instead'],
    ['info(a, {b=""})', 'accepted'],
    ['a[5m] anchored smoothed', '1:1: parse error: anchored and smoothed modifiers cannot be used together'],
  ])('with all features: %s', (text, message) => expect(messageOf(text, PROMQL_FEATURES)).toBe(message));
});

describe('robustness', () => {
  it('refuses deep nesting and long chains instead of overflowing the stack', () => {
    for (const text of [
      `${'('.repeat(10_000)}1${')'.repeat(10_000)}`,
      `${'-'.repeat(10_000)}a`,
      `a[${'('.repeat(10_000)}1${')'.repeat(10_000)}]`,
      `${'abs('.repeat(10_000)}a${')'.repeat(10_000)}`,
      `a${'^a'.repeat(10_000)}`,
    ]) {
      expect(messageOf(text, PROMQL_FEATURES)).toContain('nested too deeply');
    }
    expect(messageOf(`a${' + a'.repeat(10_000)}`)).toContain('too many levels');
  });

  it('prints, breaks, maps and translates the highest trees that it accepts', () => {
    const chain = `a${' + a'.repeat(MAX_EXPRESSION_DEPTH - 1)}`;
    const nest = `${'abs('.repeat(400)}a${')'.repeat(400)}`;
    for (const text of [chain, nest]) {
      const expr = parseExpr(text);
      expect(formatExpr(expr)).toBe(text);
      expect(formatExpr(parseExpr(prettyExpr(expr)))).toBe(text);
      expect(simplify(expr)).toBe(expr);
      expect(toParseTree(expr)).toBeDefined();
    }
  });

  it('fails only with BelfryError, whatever the text', () => {
    const words = fc.constantFrom(
      ...'sum by ( ) { } [ ] , = != =~ ! ~ + - * / ^ == < </ >/ : "a" \'b` ` 5m 1e5 0x 1_ offset @ start end () step range'.split(
        ' ',
      ),
      ...'rate up foo bool on ignoring group_left fill fill_left anchored smoothed min_of # \\ é \ud800 \n . .5 inf'.split(
        ' ',
      ),
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(words, { maxLength: 20 }).map((parts) => parts.join(' ')),
      fc.array(words, { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, fc.boolean(), (text, features) => {
        messageOf(text, features ? PROMQL_FEATURES : undefined);
      }),
      { numRuns: 3000 },
    );
  });
});

interface CorpusEntry {
  readonly source: string;
  readonly expr: string;
  readonly expect: 'accept' | 'reject';
}

const data = process.env.CONFORMANCE_DATA;
const corpusFile = data ? join(data, 'promql-parse', 'corpus.json') : undefined;
const corpus: CorpusEntry[] = corpusFile && existsSync(corpusFile) ? JSON.parse(readFileSync(corpusFile, 'utf8')) : [];

/** Version 2.42 refused these; version 3 gave them a meaning. */
const MEANT_SINCE_V3 = new Set(['some_metric[5m] OFFSET 1', 'some_metric[5m] @ 1m', 'start()', 'end()']);

/** What the grammar for editors cannot read though Prometheus evaluates it, by the construct it lacks. */
const LEZER_LACKS = [
  /<\/|>\//,
  /\bfill/,
  /\b(anchored|smoothed)\b/,
  /^offset\{/,
  /\b(step|range|start|end|min_of|max_of)\s*\(/i,
  /\b0x_/,
  /\d\.(\D|$)/,
];

describe.skipIf(corpus.length === 0)('conformance (set CONFORMANCE_DATA to the folder with the test data)', () => {
  it('accepts and refuses as Prometheus does', () => {
    const wrong = corpus.filter(({ source, expr, expect: wanted }) => {
      if (source === 'parser-tests-v2.42' && MEANT_SINCE_V3.has(expr)) return false;
      return (messageOf(expr, PROMQL_FEATURES) === 'accepted') !== (wanted === 'accept');
    });
    expect(wrong).toEqual([]);
  });
});

function lezerAccepts(text: string): boolean {
  let faulty = false;
  lezer.parse(text).iterate({
    enter: (node) => {
      faulty ||= node.type.isError;
    },
  });
  return !faulty;
}

describe.skipIf(corpus.length === 0)('difference to the grammar for editors', () => {
  it('is what that grammar is known to lack', () => {
    const unexplained = corpus.filter(({ expr }) => {
      const ours = messageOf(expr, PROMQL_FEATURES) === 'accepted';
      return ours && !lezerAccepts(expr) && !LEZER_LACKS.some((pattern) => pattern.test(expr));
    });
    expect(unexplained.map(({ expr }) => expr)).toEqual([]);
  });
});
