import { expect, test } from 'vitest';
import { notCarriedOut, parsePrometheusConfig } from './index.ts';

const told = (text: string) =>
  notCarriedOut(parsePrometheusConfig(text, '/p.yml')).map(({ field, range }) => `${range.line}: ${field}`);

test('tells what is accepted without effect, with its place', () => {
  const text = `global:
  query_log_file: q.log
scrape_configs:
  - job_name: a
    scrape_failure_log_file: f.log
remote_read:
  - url: http://a/read
  - url: http://b/read
remote_write:
  - url: http://a/write
  - url: http://b/write
    round_robin_dns: true
otlp: {}
runtime:
  gogc: 50
tracing:
  endpoint: localhost:4317
storage:
  tsdb:
    retention:
      time: 3d
    stale_series_compaction_threshold: 0.5
`;
  expect(told(text)).toEqual([
    '7: remote_read',
    '8: remote_read',
    '12: remote_write.round_robin_dns',
    '17: tracing',
    '13: otlp',
    '15: runtime',
    '2: global.query_log_file',
    '5: scrape_configs.scrape_failure_log_file',
    '21: storage.tsdb.retention',
    '22: storage.tsdb.stale_series_compaction_threshold',
  ]);
});

test('an ordinary configuration has nothing of it', () => {
  expect(told('scrape_configs: [{job_name: a}]\nremote_write: [{url: "http://a/write"}]\n')).toEqual([]);
  expect(told('')).toEqual([]);
});
