import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { parseMatchers } from './matchers.ts';
import { runRouteTest } from './route-test.ts';
import { runRouteTestFile } from './route-test-file.ts';
import { routeTestText } from './route-test-text.ts';

const directory = mkdtempSync(join(tmpdir(), 'belfry-route-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const CONFIG = `
route:
  receiver: chat
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  routes:
  - matchers: [severity="critical"]
    receiver: pager
    group_wait: 10s
  - matchers: [team="office"]
    receiver: office
    active_time_intervals: [office-hours]
inhibit_rules:
- name: node-down
  source_matchers: [alertname="NodeDown"]
  target_matchers: [severity="warning"]
  equal: [instance]
time_intervals:
- name: office-hours
  time_intervals: [{weekdays: ["monday:friday"], times: [{start_time: "08:00", end_time: "18:00"}], location: Europe/Berlin}]
receivers:
- name: chat
  slack_configs: [{api_url: "http://x/y", channel: a, send_resolved: true}]
  webhook_configs: [{url: "http://x/y"}]
- name: pager
  webhook_configs: [{url: "http://x/y"}]
- name: office
  webhook_configs: [{url: "http://x/y"}]
`;
writeFileSync(join(directory, 'alertmanager.yml'), CONFIG);

const run = (text: string) => {
  const file = join(directory, 'routes.yml');
  writeFileSync(file, text);
  return runRouteTestFile(file);
};

test('a day of routing', async () => {
  const report = await run(`
tests:
- name: a node dies at night
  start: 2026-01-05T22:00:00Z
  events:
  - at: 0s
    alerts:
    - labels: {alertname: NodeDown, severity: critical, instance: i1}
      for: 20m
    - labels: {alertname: Disk, severity: warning, instance: i1}
    - labels: {alertname: Disk, severity: warning, instance: i2}
    - labels: {alertname: Printer, team: office}
  - at: 1h
    resolve: ['alertname="Disk"', 'alertname=Printer']
  - at: 2h
    silence: [{matchers: 'alertname="Known"', duration: 2h}]
    alerts: [{labels: {alertname: Known}}]
  states:
  - {at: 1m, alert: {alertname: Disk, instance: i1}, state: inhibited, by: node-down}
  - {at: 1m, alert: {alertname: Disk, instance: i2}, state: active}
  - {at: 1m, alert: {alertname: Printer}, state: muted, by: office-hours}
  - {at: 2h30m, alert: {alertname: Known}, state: silenced}
  - {at: 2h30m, alert: {alertname: Disk}, state: absent}
  expect:
  - {at: 10s, receiver: pager, firing: [{alertname: NodeDown}], resolved: []}
  - {at: 30s, receiver: chat, firing: [{instance: i2}]}
  - {at: 20m10s, receiver: pager, resolved: [{alertname: NodeDown}]}
  - {at: 20m, within: 1m, receiver: chat, firing: [{instance: i1}, {instance: i2}]}
  - {at: 1h30s, receiver: chat, firing: [], resolved: [{instance: i1}, {instance: i2}]}
  - {at: 4h, within: 6m, receiver: chat, firing: [{alertname: Known}]}
  - {at: 8h, within: 10m, receiver: chat}
  run_for: 10h
`);
  expect(report.results.flatMap((r) => r.problems.map((p) => p.located))).toEqual([]);
  expect(report.ok).toBe(true);
});

test('what is different is told at its place', async () => {
  const report = await run(`tests:
- events:
  - {at: 0s, alerts: [{labels: {alertname: A, severity: critical}}]}
  expect:
  - {at: 30s, receiver: pager, firing: [{alertname: A}]}
  - {at: 30s, receiver: office}
  states:
  - {at: 1m, alert: {alertname: A}, state: silenced}
`);
  expect(report.ok).toBe(false);
  expect(report.results[0]!.problems.map((p) => p.located.replace(directory, ''))).toEqual([
    '/routes.yml:8:5: {alertname="A"} at 1m: expected silenced, got active (told to pager at 2026-01-05T09:00:10Z)',
    '/routes.yml:5:5: expected at 30s to pager: firing {alertname="A"}\n     got at 10s to pager: firing {alertname="A", severity="critical"}',
    '/routes.yml:6:5: expected at 30s to office\n     got nothing at receiver office',
    '/routes.yml:2:3: unexpected notification at 10s to pager: firing {alertname="A", severity="critical"}',
  ]);
});

test('the report reads well in a terminal', async () => {
  const source = `tests:
- name: good
  events: [{at: 0s, alerts: [{labels: {alertname: A}}]}]
  expect: [{at: 30s, receiver: chat}]
- name: late
  events: [{at: 0s, alerts: [{labels: {alertname: A}}]}]
  expect: [{at: 31s, receiver: chat}]
`;
  const report = await run(source);
  expect(routeTestText(report, source).replaceAll(`${directory}/`, '')).toBe(`routes.yml
  ok    good (1 notifications)
  FAIL  late
        routes.yml:7:12: expected at 31s to chat
             got at 30s to chat: firing {alertname="A"}
            expect: [{at: 31s, receiver: chat}]
                     ^^^^^^^^^^^^^^^^^^^^^^^^^
        routes.yml:5:3: unexpected notification at 30s to chat: firing {alertname="A"}
          - name: late
            ^^^^^^^^^^
        told:
          at 30s to chat: firing {alertname="A"}
`);
});

test('a mistake in the file is told with its place', async () => {
  await expect(run('tests:\n- events: [{at: 0s, alert: []}]\n')).rejects.toMatchObject({
    message: expect.stringContaining('field alert not found'),
    range: { line: 2 },
  });
  await expect(runRouteTestFile(join(directory, 'nope.yml'))).rejects.toThrow('cannot read');
});

test('from TypeScript, and a month takes no time', async () => {
  const result = await runRouteTest(loadConfig(CONFIG), {
    name: 'repeats',
    startMs: Date.parse('2026-01-05T09:00:00Z'),
    events: [
      { kind: 'fire', atMs: 0, labels: { alertname: 'A' } },
      { kind: 'resolve', atMs: 30 * 86_400_000, matchers: parseMatchers('alertname=A') },
    ],
    expectations: [],
    allowOthers: true,
    runForMs: 31 * 86_400_000,
  });
  expect(result.ok).toBe(true);
  expect(result.sent.length).toBeGreaterThan(170);
  expect(result.sent.at(-1)).toMatchObject({ firing: [], resolved: [{ alertname: 'A' }] });
});
