import { type Exemplar, formatFloat, labelsFrom, labelsToObject, messageOf } from '@belfry/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ENTRY,
  type ExpositionParser,
  encodeOpenMetrics,
  encodeText,
  type MetricFamily,
  openMetricsParser,
  textParser,
} from './index.ts';

interface Read {
  readonly labels: Record<string, string>;
  readonly value: number;
  readonly timestampMs?: number;
  readonly exemplar?: Exemplar;
  readonly startMs?: number;
}

function readAll(parser: ExpositionParser): { samples: Read[]; metadata: string[] } {
  const samples: Read[] = [];
  const metadata: string[] = [];
  for (;;) {
    const entry = parser.next();
    if (entry === ENTRY.end) return { samples, metadata };
    if (entry === ENTRY.type) metadata.push(`type ${parser.familyName} ${parser.metricType}`);
    else if (entry === ENTRY.help) metadata.push(`help ${parser.familyName} ${parser.text}`);
    else if (entry === ENTRY.unit) metadata.push(`unit ${parser.familyName} ${parser.text}`);
    else {
      const exemplar = parser.exemplar();
      const startMs = parser.startTimestampMs();
      samples.push({
        labels: { ...labelsToObject(parser.labels()) },
        value: parser.value,
        ...(parser.timestampMs === parser.timestampMs ? { timestampMs: parser.timestampMs } : {}),
        ...(exemplar ? { exemplar } : {}),
        ...(startMs ? { startMs } : {}),
      });
    }
  }
}

const text = (body: string) => readAll(textParser(Buffer.from(body)));
const openMetrics = (body: string, options = {}) => readAll(openMetricsParser(Buffer.from(body), options));

describe('the text format', () => {
  test('samples, metadata, escapes, blanks', () => {
    const { samples, metadata } = text(
      [
        '# HELP a_total Things\\nof "note" \\\\.',
        '#   TYPE a_total counter',
        '# just a comment',
        '',
        'a_total{ x = "1" , y="q\\"\\\\\\n", } +Inf',
        '\ta_total 1e3 1395066363000 ',
        'up{empty=""}0.1',
        '# TYPE h histogram',
        'h_bucket{le="1"} 2',
        'h_bucket{le="1e-05"} 2',
        '{"my.metric", "a b"="c"} -.5',
      ].join('\n'),
    );
    expect(metadata).toEqual(['help a_total Things\nof "note" \\.', 'type a_total counter', 'type h histogram']);
    expect(samples).toEqual([
      { labels: { __name__: 'a_total', x: '1', y: 'q"\\\n' }, value: Infinity },
      { labels: { __name__: 'a_total' }, value: 1000, timestampMs: 1395066363000 },
      { labels: { __name__: 'up' }, value: 0.1 },
      { labels: { __name__: 'h_bucket', le: '1.0' }, value: 2 },
      { labels: { __name__: 'h_bucket', le: '1e-05' }, value: 2 },
      { labels: { __name__: 'my.metric', 'a b': 'c' }, value: -0.5 },
    ]);
  });

  test.each([
    ['a 1\nb{c="d" 2\n', '2:9: expected a label name, got "2"'],
    ['a 1\nb\n', '2:2: expected a value after the metric, got the end of the line'],
    ['a 1\nb x\n', '2:3: not a number, got "x"'],
    ['a{ü="1"} 1', '1:3: expected a label name, got "ü'],
    ['a{b="ü', '1:5: a quote is opened here and not closed, got '],
    ['# TYPE a countr\n', '1:10: invalid metric type "countr", expected one of counter, gauge'],
    ['a{b="1",b="2"} 1', '1:1: label name "b" is not unique'],
    ['a 1 2 3', '1:7: expected the end of the line after the timestamp'],
    ['ä 1', '1:1: expected a metric name, a comment or {'],
  ])('%j: %s', (body, message) => {
    try {
      text(body);
      expect.fail('accepted');
    } catch (error) {
      expect(messageOf(error)).toContain(message);
    }
  });

  test('a foretold series is recognised, and only that', () => {
    const body = Buffer.from('a{b="1"} 1\na{b="2"} 2\nabc 3\n');
    const parser = textParser(body);
    const prior = Buffer.from('a{b="1"}ab');
    parser.expect(prior, 0, 8);
    parser.next();
    expect([parser.expected, parser.value]).toEqual([true, 1]);
    expect(labelsToObject(parser.labels())).toEqual({ __name__: 'a', b: '1' });
    parser.expect(prior, 0, 8);
    parser.next();
    expect([parser.expected, parser.value]).toEqual([false, 2]);
    parser.expect(prior, 8, 10);
    parser.next();
    expect(parser.expected).toBe(false);
    expect(labelsToObject(parser.labels())).toEqual({ __name__: 'abc' });
  });
});

describe('OpenMetrics', () => {
  test('units, exemplars, timestamps in seconds', () => {
    const { samples, metadata } = openMetrics(
      '# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds H\na_seconds_total{b="c"} 1 1.5 # {id="x"} 0.5 2.25\na_seconds_total 2 # {} 1\n# EOF\n',
    );
    expect(metadata).toEqual(['type a_seconds counter', 'unit a_seconds seconds', 'help a_seconds H']);
    expect(samples[0]).toMatchObject({ timestampMs: 1500, exemplar: { value: 0.5, timestampMs: 2250 } });
    expect(samples[0]!.exemplar!.labels).toEqual(['id', 'x']);
    expect(samples[1]!.exemplar).toEqual({ labels: [], value: 1 });
  });

  test('start timestamps from _created, when asked for', () => {
    const body =
      '# TYPE a counter\na_total{x="1"} 1\na_created{x="1"} 100.5\n# TYPE h histogram\nh_created 7\nh_bucket{le="+Inf"} 1\nh_count 1\nh_sum 1\n# EOF\n';
    expect(openMetrics(body).samples).toHaveLength(6);
    expect(openMetrics(body, { startTimestamps: true }).samples.map((s) => s.startMs)).toEqual([
      100_500, 7000, 7000, 7000,
    ]);
  });

  test('type and unit as labels, when asked for', () => {
    const body = '# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\nother 2\n# EOF\n';
    const { samples } = openMetrics(body, { typeAndUnitLabels: true });
    expect(samples.map((s) => s.labels)).toEqual([
      { __name__: 'a_seconds', __type__: 'gauge', __unit__: 'seconds' },
      { __name__: 'other' },
    ]);
  });
});

const anyText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
const sample = fc.record({
  labels: fc.dictionary(
    anyText.filter((n) => n !== '__name__' && n !== 'le' && n !== 'quantile'),
    anyText,
    { maxKeys: 4 },
  ),
  value: fc.double(),
  timestampMs: fc.integer({ min: 0, max: 2e12 }),
});

test('what the encoders write the parsers read, whatever names and values', () => {
  fc.assert(
    fc.property(anyText, fc.array(sample, { maxLength: 5 }), (name, given) => {
      const samples = given.map((s) => ({ ...s, labels: labelsFrom({ ...s.labels, __name__: name }) }));
      const family: MetricFamily = { name, type: 'gauge', help: 'a\nb\\c', samples };
      for (const read of [
        text(encodeText([family], 'allow-utf-8')),
        openMetrics(encodeOpenMetrics([family], 'allow-utf-8')),
      ]) {
        expect(read.metadata).toContain(`help ${name} a\nb\\c`);
        expect(read.samples.map((s) => s.labels)).toEqual(samples.map((s) => ({ ...labelsToObject(s.labels) })));
        expect(read.samples.map((s) => formatFloat(s.value))).toEqual(samples.map((s) => formatFloat(s.value)));
        expect(read.samples.map((s) => Math.abs(s.timestampMs! - 0))).toEqual(
          samples.map((s, i) =>
            Math.abs(read.samples[i]!.timestampMs! - s.timestampMs) <= 1
              ? read.samples[i]!.timestampMs!
              : s.timestampMs,
          ),
        );
      }
    }),
  );
});

test('numbers are read as the language reads them', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      for (const form of [String(value), value.toExponential(), value.toPrecision(17)]) {
        expect(text(`a ${form}\n`).samples[0]!.value).toBe(Number(form));
      }
    }),
  );
});

test('no bytes at all make a parser fail otherwise than with a place', () => {
  const pieces = fc.constantFrom(
    'a',
    '{',
    '}',
    '"',
    '=',
    ',',
    ' ',
    '\n',
    '#',
    '# TYPE a counter\n',
    '# HELP ',
    '# EOF',
    '1',
    '\\',
    'le',
    '\xff',
    '\0',
    '\t',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const body = Buffer.from(parts.join(''), 'latin1');
      for (const parser of [textParser(body), openMetricsParser(body)]) {
        try {
          readAll(parser);
        } catch (error) {
          expect((error as { code?: string }).code, messageOf(error)).toBe('exposition_syntax');
        }
      }
    }),
    { numRuns: 2000 },
  );
});
