import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { build, pack, receiver, route, routing } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'belfry-watchdog-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const some = (name: string) =>
  pack({
    name,
    title: name,
    directory,
    catalogues: [],
    scrape: [],
    routing: routing(
      route({ receiver: receiver('people'), routes: [route({ when: { a: 'b' }, receiver: receiver('b') })] }),
    ),
  });
const url = 'http://127.0.0.1:9093/api/belfry/alerting/heartbeats/watchdog/ping';

test.each([[['one']], [['one', 'two']]])('the watchdog of %j fires always and goes to the switch only', (names) => {
  const files = new Map(build(names.map(some), { watchdogUrl: url }).map(({ path, text }) => [path, text]));
  const rules = files.get('rules/watchdog.yml')!;
  expect(parse(rules).groups[0].rules[0]).toMatchObject({ alert: 'Watchdog', expr: 'vector(1)' });
  expect(parse(files.get('prometheus.yml')!).rule_files).toContain('rules/watchdog.yml');
  const { route: root, receivers } = parse(files.get('alertmanager.yml')!);
  expect(root.routes[0]).toMatchObject({ receiver: 'watchdog', matchers: ['alertname="Watchdog"'] });
  expect(receivers.at(-1)).toEqual({ name: 'watchdog', webhook_configs: [{ url, send_resolved: false }] });
  for (const [tool, command, path] of [
    ['promtool', ['check', 'rules'], 'rules/watchdog.yml'],
    ['amtool', ['check-config'], 'alertmanager.yml'],
  ] as const) {
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) continue;
    const file = join(directory, 'checked.yml');
    writeFileSync(file, files.get(path)!);
    const { status, stdout, stderr } = spawnSync(tool, [...command, file], { encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  }
});

test('without a switch there is none', () => {
  const files = build([some('one')]);
  expect(files.map(({ path }) => path)).not.toContain('rules/watchdog.yml');
  expect(files.find(({ path }) => path === 'alertmanager.yml')!.text).not.toContain('Watchdog');
});
