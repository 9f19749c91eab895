import { DEFAULT_RELABEL, type RelabelConfig } from '@belfry/config';
import { labelsFrom, VirtualClock } from '@belfry/model';
import { describe, expect, test } from 'vitest';
import { coarser, limited, schemaForFactor } from './histogram-limits.ts';
import { type IngestConfig, type IngestTarget, type ScrapeJob, scrapeIngester } from './index.ts';
import { fakeStore } from './testing.ts';

const CONFIG: IngestConfig = {
  honorLabels: false,
  honorTimestamps: true,
  trackTimestampsStaleness: false,
  fallbackProtocol: undefined,
  nativeHistograms: false,
  alwaysClassicHistograms: false,
  convertClassicHistograms: false,
  nameValidation: 'utf8',
  sampleLimit: 0,
  labelLimit: 0,
  labelNameLengthLimit: 0,
  labelValueLengthLimit: 0,
  nativeHistogramBucketLimit: 0,
  nativeHistogramMinBucketFactor: 0,
  extraScrapeMetrics: false,
  metricRelabelConfigs: [],
  startTimestamps: false,
  typeAndUnitLabels: false,
};

function setUp(config: Partial<IngestConfig> = {}, labels: Record<string, string> = { job: 'j', instance: 'i' }) {
  const store = fakeStore();
  const ingester = scrapeIngester(store, new VirtualClock(1_000_000));
  const target: IngestTarget = {
    key: 'k',
    labels: labelsFrom(labels),
    timeoutMs: 5000,
    config: { ...CONFIG, ...config },
  };
  ingester.open(target);
  const scrape = (timestampMs: number, body: string, extra: Partial<ScrapeJob> = {}) =>
    ingester.ingest({
      key: 'k',
      timestampMs,
      elapsedMs: 100,
      body: Buffer.from(body),
      contentType: 'text/plain',
      ...extra,
    });
  const fail = (timestampMs: number, extra: Partial<ScrapeJob> = {}) =>
    ingester.ingest({ key: 'k', timestampMs, elapsedMs: 100, failure: 'refused', ...extra });
  const own = () =>
    store.dump((line) => !/^(up|scrape_)/.test(line)).map((l) => l.replace('{instance="i", job="j"}', ''));
  return { store, ingester, target, scrape, fail, own };
}

test('samples get the labels of the target, and the scrape is told of', () => {
  const { store, scrape } = setUp();
  expect(scrape(1000, 'a{x="1"} 1\nb 2\n')).toMatchObject({ scraped: 2, afterRelabelling: 2, seriesAdded: 2 });
  expect(store.dump()).toEqual([
    'a{instance="i", job="j", x="1"} 1@1000',
    'b{instance="i", job="j"} 2@1000',
    'scrape_duration_seconds{instance="i", job="j"} 0.1@1000',
    'scrape_samples_post_metric_relabeling{instance="i", job="j"} 2@1000',
    'scrape_samples_scraped{instance="i", job="j"} 2@1000',
    'scrape_series_added{instance="i", job="j"} 2@1000',
    'up{instance="i", job="j"} 1@1000',
  ]);
});

test('a series that vanishes is ended, once; one that returns goes on', () => {
  const { scrape, own } = setUp();
  expect(scrape(1000, 'a 1\nb 1\n').seriesAdded).toBe(2);
  expect(scrape(2000, 'a 2\n').seriesAdded).toBe(0);
  expect(scrape(3000, 'a 3\n').seriesAdded).toBe(0);
  expect(scrape(4000, 'b 4\na 4\n').seriesAdded).toBe(1);
  expect(own()).toEqual(['a 1@1000', 'a 2@2000', 'a 3@3000', 'a 4@4000', 'b 1@1000', 'b 4@4000', 'b stale@2000']);
});

test('a failed scrape ends all series, and up is 0; the next one takes them up again', () => {
  const { store, scrape, fail, own } = setUp();
  scrape(1000, 'a 1\n');
  expect(fail(2000).error).toBe('refused');
  fail(3000);
  expect(scrape(4000, 'a 4\n')).toMatchObject({ seriesAdded: 0 });
  expect(own()).toEqual(['a 1@1000', 'a 4@4000', 'a stale@2000']);
  expect(store.dump((l) => l.startsWith('up'))).toEqual(
    [1, 0, 0, 1].map((v, i) => `up{instance="i", job="j"} ${v}@${i + 1}000`).sort(),
  );
});

test('a malformed body leaves nothing of itself, keeps what was, and tells line and column', () => {
  const { store, scrape, own } = setUp();
  scrape(1000, 'a 1\nb 1\n');
  const report = scrape(2000, 'a 2\nnew 1\nb{ 2\n');
  expect(report.error).toBe('exposition:3:4: expected a label name, got "2"');
  expect(own()).toEqual(['a 1@1000', 'a stale@2000', 'b 1@1000', 'b stale@2000']);
  expect(store.dump((l) => l.startsWith('up'))).toContain('up{instance="i", job="j"} 0@2000');
  expect(scrape(3000, 'a 3\nnew 3\n')).toMatchObject({ seriesAdded: 1 });
  expect(own()).toContain('new 3@3000');
});

test('exposed labels that the target has too are moved aside, or win when honoured', () => {
  const { own, scrape } = setUp();
  scrape(1000, 'a{job="x",exported_job="y"} 1\n');
  expect(own()).toEqual(['a{exported_exported_job="x", exported_job="y", instance="i", job="j"} 1@1000']);
  const honoured = setUp({ honorLabels: true });
  honoured.scrape(1000, 'a{job="x",instance=""} 1\n');
  expect(honoured.own()).toEqual(['a{job="x"} 1@1000']);
});

test('metric relabelling drops and rewrites, and counts what is left', () => {
  const step = (config: Partial<RelabelConfig>): RelabelConfig => ({ ...DEFAULT_RELABEL, ...config });
  const metricRelabelConfigs = [
    step({ source_labels: ['__name__'], regex: 'debug_.*', action: 'drop' }),
    step({ source_labels: ['x'], target_label: 'y' }),
  ];
  const { own, scrape } = setUp({ metricRelabelConfigs });
  for (const t of [1000, 2000])
    expect(scrape(t, 'debug_a 1\na{x="1"} 1\n')).toMatchObject({ scraped: 2, afterRelabelling: 1 });
  expect(own()).toEqual([1, 2].map((t) => `a{instance="i", job="j", x="1", y="1"} 1@${t}000`));
});

describe('timestamps', () => {
  test('are honoured, and such series do not end; unless that is asked for', () => {
    const plain = setUp();
    plain.scrape(1000, 'a 1 500\n');
    plain.scrape(2000, 'b 1\n');
    expect(plain.own()).toEqual(['a 1@500', 'b 1@2000']);
    const tracked = setUp({ trackTimestampsStaleness: true });
    tracked.scrape(1000, 'a 1 500\n');
    tracked.scrape(2000, 'b 1\n');
    expect(tracked.own()).toContain('a stale@2000');
    const ignored = setUp({ honorTimestamps: false });
    ignored.scrape(1000, 'a 1 500\n');
    expect(ignored.own()).toEqual(['a 1@1000']);
  });
  test('too far ahead, too old, and twice the same are counted and left out', () => {
    const { scrape, own } = setUp();
    scrape(1000, 'old 1 900\n');
    const report = scrape(2000, 'ahead 1 99999999\nold 2 800\nok 1\nok 2\n');
    expect(report).toMatchObject({ outOfBounds: 1, outOfOrder: 1, duplicates: 1, afterRelabelling: 4, seriesAdded: 1 });
    expect(report.error).toBeUndefined();
    expect(own()).toEqual(['ok 1@2000', 'old 1@900']);
  });
});

describe('limits fail the whole scrape', () => {
  test.each([
    [{ sampleLimit: 1 }, 'a 1\nb 2\nc 3\n', 'sample limit exceeded'],
    [{ labelLimit: 3 }, 'a{x="1"} 1\n', 'label_limit exceeded (metric: a, number of labels: 4, limit: 3)'],
    [
      { labelNameLengthLimit: 8 },
      'a{verylongname="1"} 1\n',
      'label_name_length_limit exceeded (metric: a, label name: verylongname, length: 12, limit: 8)',
    ],
    [
      { labelValueLengthLimit: 3 },
      'a{x="1234"} 1\n',
      'label_value_length_limit exceeded (metric: a, label name: x, value: "1234", length: 4, limit: 3)',
    ],
    [{ nameValidation: 'legacy' as const }, '{"a.b"} 1\n', 'invalid metric name or label names: a.b'],
  ])('%o', (config, body, message) => {
    const { scrape, own } = setUp(config);
    const report = scrape(1000, body);
    expect(report.error).toBe(message);
    if (message === 'sample limit exceeded')
      expect(report).toMatchObject({ scraped: 3, afterRelabelling: 3, seriesAdded: 1 });
    expect(own()).toEqual([]);
  });
});

test('the order of series may change from scrape to scrape', () => {
  const { scrape, own } = setUp();
  const names = Array.from({ length: 50 }, (_, i) => `m${i}`);
  for (let t = 1; t <= 20; t++) {
    const shuffled = names.toSorted(
      (a, b) => ((Number(a.slice(1)) * 7919 * t) % 101) - ((Number(b.slice(1)) * 7919 * t) % 101),
    );
    const present = shuffled.filter((_, i) => (i + t) % 7 !== 0);
    expect(scrape(t * 1000, `# TYPE x counter\n${present.map((n) => `${n} ${t}`).join('\n')}\n`).scraped).toBe(
      present.length,
    );
    for (const name of present) expect(own()).toContain(`${name} ${t}@${t}000`);
  }
  const unknown = own().filter(
    (l) => !/stale/.test(l) && Number(l.split(' ')[1]!.split('@')[0]) * 1000 !== Number(l.split('@')[1]),
  );
  expect(unknown).toEqual([]);
});

test('exemplars and metadata', () => {
  const { store, scrape } = setUp();
  const body = '# TYPE a counter\n# HELP a H\na_total 1 # {id="x"} 5\n# EOF\n';
  const first = scrape(1000, body, { contentType: 'application/openmetrics-text' });
  expect(first.metadata).toEqual([{ family: 'a', type: 'counter', help: 'H', unit: '' }]);
  expect(scrape(2000, body, { contentType: 'application/openmetrics-text' }).metadata).toBeUndefined();
  expect(store.exemplars[0]!.exemplar).toEqual({ labels: ['id', 'x'], value: 5, timestampMs: 1000 });
  expect([...store.metadata.values()]).toEqual([{ type: 'counter', help: 'H', unit: '' }]);
});

test('an unknown content type fails unless there is a fallback', () => {
  expect(setUp().scrape(1000, 'a 1\n', { contentType: 'text/html' }).error).toContain(
    'received unsupported Content-Type "text/html"',
  );
  expect(
    setUp({ fallbackProtocol: 'PrometheusText0.0.4' }).scrape(1000, 'a 1\n', { contentType: 'text/html' }).error,
  ).toBeUndefined();
});

test('a store that fails fails the scrape, and recovers', () => {
  const { store, scrape, own } = setUp();
  scrape(1000, 'a 1\n');
  store.failing = new Error('no space');
  expect(scrape(2000, 'a 2\nb 2\n').error).toBe('no space');
  store.failing = undefined;
  expect(scrape(3000, 'a 3\nb 3\n')).toMatchObject({ seriesAdded: 1 });
  expect(own()).toEqual(['a 1@1000', 'a 3@3000', 'b 3@3000']);
});

test('a target that goes away ends all its series; one whose configuration changes ends what it no longer brings forth', () => {
  const { store, ingester, target, scrape, own } = setUp();
  scrape(1000, 'a 1\nb 1\n');
  const drop: RelabelConfig = { ...DEFAULT_RELABEL, source_labels: ['__name__'], regex: 'b', action: 'drop' };
  ingester.open({ ...target, config: { ...CONFIG, metricRelabelConfigs: [drop] } });
  scrape(2000, 'a 2\nb 2\n');
  expect(own()).toEqual(['a 1@1000', 'a 2@2000', 'b 1@1000', 'b stale@2000']);
  ingester.close('k', 3000);
  expect(own()).toContain('a stale@3000');
  expect(store.dump((l) => l.startsWith('up') && l.includes('stale'))).toEqual([
    'up{instance="i", job="j"} stale@3000',
  ]);
});

test('extra metrics of the scrape', () => {
  const { store, scrape, fail } = setUp({ extraScrapeMetrics: true, sampleLimit: 10 });
  scrape(1000, 'a 1\n');
  fail(2000, { bodyTooLarge: true });
  expect(store.dump((l) => /scrape_(timeout|sample_limit|body)/.test(l)).map((l) => l.replace(/\{.*\}/, ''))).toEqual([
    'scrape_body_size_bytes -1@2000',
    'scrape_body_size_bytes 4@1000',
    'scrape_sample_limit 10@1000',
    'scrape_sample_limit 10@2000',
    'scrape_timeout_seconds 5@1000',
    'scrape_timeout_seconds 5@2000',
  ]);
});

test('classic histograms are stored as native ones with custom buckets, when wanted', () => {
  const { own, scrape } = setUp({ convertClassicHistograms: true });
  const body = '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 3\nh_sum 4\nh_count 3\nother 1\n';
  for (const t of [1000, 2000]) expect(scrape(t, body)).toMatchObject({ scraped: 2, seriesAdded: t === 1000 ? 2 : 0 });
  scrape(3000, 'other 1\n');
  expect(own().filter((l) => l.startsWith('h'))).toEqual([
    'h histogram(3)@1000',
    'h histogram(3)@2000',
    'h stale@3000',
  ]);
});

test('histograms are made coarse enough', () => {
  const h = {
    schema: 1,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 10,
    sum: 1,
    positiveSpans: [
      { offset: -2, length: 4 },
      { offset: 2, length: 1 },
    ],
    negativeSpans: [],
    positiveBuckets: [1, 2, 3, 4, 5],
    negativeBuckets: [],
    counterResetHint: 'unknown' as const,
  };
  // Indices −2, −1, 0, 1, 4 become −1, 0, 0, 1, 2.
  expect(coarser(h, 0)).toMatchObject({
    schema: 0,
    positiveSpans: [{ offset: -1, length: 4 }],
    positiveBuckets: [1, 5, 4, 5],
  });
  expect(limited(h, 3, 8)!.positiveBuckets.length).toBeLessThanOrEqual(3);
  expect(limited({ ...h, schema: -53 }, 3, 8)).toBeUndefined();
  expect([schemaForFactor(0), schemaForFactor(2), schemaForFactor(1.1), schemaForFactor(1e9)]).toEqual([8, 0, 2, -4]);
});
