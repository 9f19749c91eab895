import {
  crc32c,
  type FloatHistogram,
  isStaleNaNAt,
  type Labels,
  labelsFrom,
  labelsToObject,
  STALE_NAN,
  type WriteBatch,
} from '@belfry/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  acceptHeader,
  decodeRemoteRead,
  decodeRemoteWrite,
  ENTRY,
  encodeRemoteRead,
  encodeRemoteWrite,
  escapeName,
  formatOf,
  negotiateText,
  protobufParser,
  remoteWriteMessage,
  unescapeName,
} from './index.ts';
import { WireReader, WireWriter } from './wire.ts';

describe('the wire', () => {
  test('numbers of every kind come back', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.maxSafeNat(), fc.double(), fc.string({ unit: 'binary' }), (i, u, d, s) => {
        if (!s.isWellFormed()) return;
        const w = new WireWriter(1);
        w.int(1, i);
        w.uint(2, u);
        w.double(3, d);
        w.string(4, s);
        const half = Math.trunc(i / 4);
        w.sint(5, half);
        const r = new WireReader(w.finish());
        const seen: Record<number, unknown> = { 1: 0, 2: 0, 3: 0, 4: '', 5: 0 };
        while (r.more) {
          const field = r.tag() >>> 3;
          seen[field] = [() => r.int(), () => r.uint(), () => r.double(), () => r.string(), () => r.sint()][
            field - 1
          ]!();
        }
        expect(seen).toEqual({ 1: i + 0, 2: u, 3: d, 4: s, 5: half + 0 });
      }),
    );
  });

  test('messages longer than a byte counts', () => {
    const w = new WireWriter(1);
    w.message(1, () => w.message(2, () => w.string(3, 'x'.repeat(70_000))));
    const r = new WireReader(w.finish());
    r.tag();
    r.enter();
    r.tag();
    r.enter();
    r.tag();
    expect(r.string()).toHaveLength(70_000);
  });

  test('the checksum is that of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });
});

function family(write: (w: WireWriter) => void): Uint8Array {
  const w = new WireWriter();
  write(w);
  const head = new WireWriter();
  head.rawUint(w.length);
  return Buffer.concat([head.finish(), w.finish()]);
}

const labelPair = (w: WireWriter, name: string, value: string) =>
  w.message(1, () => {
    w.string(1, name);
    w.string(2, value);
  });

const HISTOGRAM = family((w) => {
  w.string(1, 'h');
  w.string(2, 'help');
  w.uint(3, 4);
  w.message(4, () => {
    labelPair(w, 'z', '1');
    labelPair(w, 'a', '2');
    w.int(6, 1234);
    w.message(7, () => {
      w.uint(1, 6);
      w.double(2, 18.4);
      w.message(3, () => {
        w.uint(1, 2);
        w.double(2, 0.5);
        w.message(3, () => {
          labelPair(w, 'id', 'x');
          w.double(2, 0.25);
          w.message(3, () => {
            w.int(1, 9);
            w.int(2, 5_000_000);
          });
        });
      });
      w.sint(5, 3);
      w.double(6, 1e-128);
      w.uint(7, 2);
      w.message(12, () => {
        w.sint(1, -2);
        w.uint(2, 3);
      });
      w.packed(13, [1, 1, -1], (v) => w.rawUint(v >= 0 ? v * 2 : -v * 2 - 1));
      w.message(15, () => w.int(1, 5));
    });
  });
});

describe('the protobuf format', () => {
  const read = (options = {}) => {
    const parser = protobufParser(HISTOGRAM, options);
    const out: unknown[] = [];
    for (let entry = parser.next(); entry !== ENTRY.end; entry = parser.next()) {
      if (entry === ENTRY.help) out.push(['help', parser.familyName, parser.text]);
      else if (entry === ENTRY.type) out.push(['type', parser.metricType]);
      else if (entry === ENTRY.histogram)
        out.push([
          labelsToObject(parser.labels()),
          parser.histogram(),
          parser.exemplar(),
          parser.startTimestampMs(),
          parser.timestampMs,
        ]);
      else out.push([{ ...labelsToObject(parser.labels()) }, parser.value]);
    }
    return out;
  };
  test('a native histogram as one, with its exemplars', () => {
    const [help, type, histogram, ...rest] = read({ nativeHistograms: true });
    expect([help, type, rest]).toEqual([['help', 'h', 'help'], ['type', 'histogram'], []]);
    const expected: FloatHistogram = {
      schema: 3,
      zeroThreshold: 1e-128,
      zeroCount: 2,
      count: 6,
      sum: 18.4,
      positiveSpans: [{ offset: -2, length: 3 }],
      negativeSpans: [],
      positiveBuckets: [1, 2, 1],
      negativeBuckets: [],
      counterResetHint: 'unknown',
      integer: true,
    };
    expect(histogram).toEqual([
      { __name__: 'h', a: '2', z: '1' },
      expected,
      { labels: ['id', 'x'], value: 0.25, timestampMs: 9005 },
      5000,
      1234,
    ]);
  });
  test('or as the series of its classic form', () => {
    const series = (labels: Record<string, string>, value: number) => [{ a: '2', z: '1', ...labels }, value];
    const classic = [
      series({ __name__: 'h_count' }, 6),
      series({ __name__: 'h_sum' }, 18.4),
      series({ __name__: 'h_bucket', le: '0.5' }, 2),
      series({ __name__: 'h_bucket', le: '+Inf' }, 6),
    ];
    expect(read().slice(2)).toEqual(classic);
    expect(read({ nativeHistograms: true, alwaysClassic: true }).slice(3)).toEqual(classic);
  });
  test('cut off anywhere, it is refused', () => {
    for (let n = 1; n < HISTOGRAM.length; n++) {
      const parser = protobufParser(HISTOGRAM.subarray(0, n), { nativeHistograms: true });
      expect(() => {
        while (parser.next() !== ENTRY.end);
      }).toThrow();
    }
  });
});

const labelsOf = (i: number): Labels => labelsFrom({ __name__: `m${i}`, job: 'ä', i: String(i) });
const histogram: FloatHistogram = {
  schema: -53,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 3.5,
  sum: 2,
  positiveSpans: [
    { offset: 0, length: 2 },
    { offset: 1, length: 1 },
  ],
  negativeSpans: [],
  positiveBuckets: [1, 2, 0.5],
  negativeBuckets: [],
  customValues: [1, 2, 3],
  counterResetHint: 'gauge',
  integer: false,
};
const integerHistogram: FloatHistogram = {
  ...histogram,
  schema: 2,
  zeroThreshold: 0.001,
  count: 9,
  positiveBuckets: [1, 5, 3],
  counterResetHint: 'unknown',
  integer: true,
  negativeSpans: [{ offset: -1, length: 1 }],
  negativeBuckets: [4],
};
delete (integerHistogram as { customValues?: unknown }).customValues;

describe('remote write', () => {
  const values = new Float64Array([1.5, STALE_NAN, 0, 0, 0, -0]);
  const batch: WriteBatch = {
    labels: [labelsOf(0), labelsOf(1)],
    series: new Uint32Array([0, 0, 0, 1, 1, 1]),
    timestamps: new Float64Array([-5, 1000, 2000, 1000, 2000, 3000]),
    values,
    histograms: new Map([
      [3, histogram],
      [4, integerHistogram],
    ]),
    exemplars: [{ series: 1, exemplar: { labels: labelsFrom({ trace: 'x' }), value: 7, timestampMs: 8 } }],
  };
  test.each(['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'] as const)(
    '%s comes back as it went',
    (message) => {
      const metadata =
        message === 'prometheus.WriteRequest'
          ? {}
          : { metadata: [{ series: 1, metadata: { type: 'gauge', help: 'H', unit: '' } as const }] };
      const { batch: read, invalid } = decodeRemoteWrite(
        encodeRemoteWrite({ ...batch, ...metadata }, message),
        message,
      );
      expect(invalid).toEqual([]);
      expect(read.labels).toEqual(batch.labels);
      expect(read.series).toEqual(new Uint32Array([0, 0, 0, 1, 1, 1]));
      expect([...read.timestamps].sort()).toEqual([...batch.timestamps].sort());
      expect(isStaleNaNAt(read.values, 1)).toBe(true);
      expect(read.values[0]).toBe(1.5);
      expect(Object.is(read.values[5], -0)).toBe(true);
      expect([...read.histograms!.values()]).toEqual([histogram, integerHistogram]);
      expect(read.exemplars).toEqual(batch.exemplars);
      expect(read.metadata).toEqual('metadata' in metadata ? metadata.metadata : undefined);
    },
  );
  test('invalid series are left out and told, damage is refused', () => {
    const bad = { ...batch, labels: [labelsFrom({ job: 'x' }), labelsOf(1)] };
    const { batch: read, invalid } = decodeRemoteWrite(
      encodeRemoteWrite(bad, 'prometheus.WriteRequest'),
      'prometheus.WriteRequest',
    );
    expect(read.labels).toEqual([labelsOf(1)]);
    expect(invalid).toEqual(['no metric name in {job="x"}']);
    expect(() => decodeRemoteWrite(Buffer.from('nonsense'), 'prometheus.WriteRequest')).toThrow(
      'snappy: corrupt input',
    );
    expect(() => decodeRemoteWrite(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 1]), 'prometheus.WriteRequest')).toThrow(
      'more than',
    );
    expect(remoteWriteMessage('application/x-protobuf;proto=io.prometheus.write.v2.Request')).toBe(
      'io.prometheus.write.v2.Request',
    );
    expect(() => remoteWriteMessage('text/plain')).toThrow('expected application/x-protobuf');
  });
});

test('remote read requests come back as they went', () => {
  const request = {
    queries: [
      {
        startMs: -1,
        endMs: 5,
        matchers: [{ name: 'a', op: '!~' as const, value: 'b.*' }],
        hints: { stepMs: 1, func: 'rate', startMs: 2, endMs: 3, rangeMs: 4, by: true, grouping: ['x'] },
      },
    ],
    accepted: ['streamed-xor-chunks' as const, 'samples' as const],
  };
  expect(decodeRemoteRead(encodeRemoteRead(request))).toEqual(request);
});

describe('negotiation', () => {
  test('asks as Prometheus 3 asks', () => {
    expect(
      acceptHeader(
        ['OpenMetricsText1.0.0', 'OpenMetricsText0.0.1', 'PrometheusText1.0.0', 'PrometheusText0.0.4'],
        'allow-utf-8',
      ),
    ).toBe(
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    );
  });
  test('takes the announced format, or the fallback, or refuses', () => {
    expect(formatOf('text/plain; version=0.0.4; charset=utf-8')).toBe('text');
    expect(formatOf('application/openmetrics-text; version=1.0.0')).toBe('openmetrics');
    expect(formatOf('text/html', 'PrometheusText0.0.4')).toBe('text');
    expect(() => formatOf('')).toThrow('blank Content-Type and no fallback_scrape_protocol');
    expect(() => formatOf('text/html')).toThrow('unsupported Content-Type "text/html"');
  });
  test('answers what was wanted most', () => {
    expect(
      negotiateText('application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.3'),
    ).toEqual({
      format: 'openmetrics',
      escaping: 'allow-utf-8',
      contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8',
    });
    expect(negotiateText(undefined)).toMatchObject({ format: 'text', escaping: 'underscores' });
    expect(negotiateText('text/html,*/*')).toMatchObject({ format: 'text' });
  });
  test.each([
    ['no:escaping_required', 'no:escaping_required', 'no:escaping__required', 'no:escaping_required'],
    [
      'mysystem.prod.west.cpu.load',
      'mysystem_prod_west_cpu_load',
      'mysystem_dot_prod_dot_west_dot_cpu_dot_load',
      'U__mysystem_2e_prod_2e_west_2e_cpu_2e_load',
    ],
    ['my_ä.x', 'my___x', 'my_____dot_x', 'U__my___e4__2e_x'],
  ])('%s escapes to %s, %s, %s', (name, underscores, dots, values) => {
    expect([escapeName(name, 'underscores'), escapeName(name, 'dots'), escapeName(name, 'values')]).toEqual([
      underscores,
      dots,
      values,
    ]);
    expect(unescapeName(values, 'values')).toBe(name);
  });
});
