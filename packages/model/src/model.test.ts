import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BelfryError,
  compareLabels,
  compareText,
  compileMatcher,
  ERRORS,
  excerpt,
  formatDuration,
  formatFloat,
  formatLabels,
  isStaleNaN,
  labelsEqual,
  labelsFrom,
  labelsKey,
  labelsToObject,
  labelsWith,
  labelValue,
  nearest,
  parseDuration,
  rangeAt,
  STALE_NAN,
  sleep,
  VirtualClock,
} from './index.ts';

describe('labels', () => {
  const record = fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }));

  test('are sorted whatever the order they came in, and give back what went in', () => {
    fc.assert(
      fc.property(record, (object) => {
        const labels = labelsFrom(object);
        const reversed = labelsFrom(Object.entries(object).reverse());
        expect(labelsEqual(labels, reversed)).toBe(true);
        expect(labelsKey(labels)).toBe(labelsKey(reversed));
        expect({ ...labelsToObject(labels) }).toEqual({ ...object });
        for (let i = 2; i < labels.length; i += 2) expect(compareText(labels[i - 2]!, labels[i]!)).toBeLessThan(0);
      }),
    );
  });

  test('may be called like what every object has', () => {
    const labels = labelsFrom([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(JSON.stringify(labelsToObject(labels))).toBe('{"__proto__":"x","constructor":"y"}');
  });

  test('different sets have different keys, whatever letters they have', () => {
    expect(labelsKey(labelsFrom({ a: 'bÿcÿd' }))).not.toBe(labelsKey(labelsFrom({ a: 'b', c: 'd' })));
  });

  test('text compares as its UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        if (!a.isWellFormed() || !b.isWellFormed()) return;
        expect(Math.sign(compareText(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
  });

  test('set, replace and remove one', () => {
    const labels = labelsFrom({ b: '2', a: '1' });
    expect(labelsToObject(labelsWith(labels, 'aa', 'x'))).toEqual({ a: '1', aa: 'x', b: '2' });
    expect(labelsToObject(labelsWith(labels, 'b', ''))).toEqual({ a: '1' });
    expect(labelsWith(labels, 'c', '')).toBe(labels);
    expect(labelValue(labels, 'c')).toBe('');
    expect(compareLabels(labels, labelsFrom({ a: '1', b: '3' }))).toBeLessThan(0);
  });

  test('print as PromQL', () => {
    expect(formatLabels(labelsFrom({ __name__: 'up', job: 'a"b' }))).toBe('up{job="a\\"b"}');
    expect(formatLabels(labelsFrom({ __name__: 'my.metric', 'x.y': '1' }))).toBe('{"my.metric", "x.y"="1"}');
    expect(formatLabels(labelsFrom({}))).toBe('{}');
  });
});

describe('matchers', () => {
  const matches = (op: '=~' | '!~', value: string, text: string) =>
    compileMatcher({ name: 'x', op, value }).matches(text);

  test.each([
    ['a|b', 'a', true],
    ['a|b', 'ab', false],
    ['(a|)', '', true],
    ['foo.*', 'foo\nbar', true],
    ['foo.+', 'foo', false],
    ['.*', '', true],
    ['.+', '', false],
    ['a{2}b?', 'aab', true],
    ['(?i)ABC', 'abc', true],
  ])('%s against %j is %s', (pattern, text, expected) => {
    expect(matches('=~', pattern, text)).toBe(expected);
    expect(matches('!~', pattern, text)).toBe(!expected);
  });

  test('a prefix, where claimed, is a prefix of all that matches', () => {
    for (const pattern of ['node_.*', 'node_+', 'node_?x', 'node_{2}', 'ab|ac', 'a(b|c)d', 'node.+']) {
      const { prefix, matches } = compileMatcher({ name: 'x', op: '=~', value: pattern });
      for (const text of ['node_', 'node', 'node__', 'nodex', 'node_x', 'ab', 'ac', 'abd', 'acd', 'node_cpu']) {
        if (matches(text)) expect(text.startsWith(prefix ?? '')).toBe(true);
      }
    }
  });

  test('look-around is refused in words', () => {
    expect(() => compileMatcher({ name: 'x', op: '=~', value: '(?=a)' })).toThrow(BelfryError);
  });
});

describe('durations', () => {
  test.each([
    ['0', 0],
    ['1ms', 1],
    ['15s', 15_000],
    ['1h30m', 5_400_000],
    ['1y2w3d4h5m6s7ms', 31536000_000 + 14 * 86400_000 + 3 * 86400_000 + 4 * 3600_000 + 5 * 60_000 + 6007],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', '1', '1x', '1m1h', '-1s', '1.5h', ' 1s'])('%j is refused', (text) => {
    expect(() => parseDuration(text)).toThrow(BelfryError);
  });

  test('print and parse again', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe('values', () => {
  test('floats print as in Go', () => {
    expect([0, -0, 1, 0.1, 1e21, 1e-7, 0.00001, 123456789, 1e20, NaN, Infinity, -Infinity].map(formatFloat)).toEqual([
      '0',
      '-0',
      '1',
      '0.1',
      '1e+21',
      '1e-07',
      '0.00001',
      '123456789',
      '100000000000000000000',
      'NaN',
      '+Inf',
      '-Inf',
    ]);
  });

  test('the staleness marker is not just any NaN', () => {
    expect(isStaleNaN(STALE_NAN)).toBe(true);
    expect(isStaleNaN(NaN)).toBe(false);
    expect(isStaleNaN(1)).toBe(false);
  });
});

describe('virtual clock', () => {
  test('runs timers in order, and the promises between them', async () => {
    const clock = new VirtualClock(1000);
    const seen: string[] = [];
    clock.after(20, () => seen.push(`b@${clock.now()}`));
    clock.after(10, () => seen.push(`a@${clock.now()}`));
    void (async () => {
      await sleep(clock, 15);
      seen.push(`slept@${clock.now()}`);
      await sleep(clock, 100);
      seen.push('never');
    })();
    await clock.advance(50);
    expect(seen).toEqual(['a@1010', 'slept@1015', 'b@1020']);
    expect(clock.now()).toBe(1050);
  });
});

describe('errors', () => {
  test('the registry is what it is: a change here is a change for users', () => {
    expect(Object.entries(ERRORS).map(([code, e]) => `${e.status} ${code}`)).toMatchSnapshot();
  });

  test('point at the place', () => {
    const source = 'groups:\n  - nam: x\n';
    const range = rangeAt(source, 12, 15);
    expect(range).toEqual({ line: 2, column: 5, endLine: 2, endColumn: 8 });
    expect(excerpt(source, range)).toBe('  - nam: x\n    ^^^');
    expect(nearest('nam', ['name', 'interval'])).toBe('name');
    expect(nearest('zzz', ['name', 'interval'])).toBeUndefined();
    expect(new BelfryError('config_invalid', 'wrong', { file: 'a.yml', range }).located).toBe('a.yml:2:5: wrong');
  });
});
