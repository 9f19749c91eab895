import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openState } from './state.ts';

const directory = mkdtempSync(join(tmpdir(), 'belfry-state-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Changes state as fast as it can, writing what was acknowledged to a file, until it is killed. */
const WRITER = (state: string, acknowledged: string) => `
import { appendFileSync } from 'node:fs';
import { createAlertmanager, NO_TIME } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
const config = 'route: {receiver: r}\\nreceivers: [{name: r}]\\n';
const am = createAlertmanager({ config, statePath: ${JSON.stringify(state)} });
for (let i = 0; ; i++) {
  const id = am.setSilence({ matchers: [{ name: 'a', op: '=', value: String(i) }], startsAtMs: NO_TIME, endsAtMs: Date.now() + 1e9, createdBy: '', comment: '' });
  am.putAlerts([{ labels: { alertname: 'A' + i } }]);
  if (i % 3 === 0) am.expireSilence(id);
  appendFileSync(${JSON.stringify(acknowledged)}, JSON.stringify({ i, id, expired: i % 3 === 0 }) + '\\n');
}
`;

test('everything acknowledged is there after kill -9 at any moment', async () => {
  const state = join(directory, 'killed');
  const acknowledged = join(directory, 'acknowledged');
  writeFileSync(acknowledged, '');
  for (const acks of [5, 50, 200]) {
    const before = lines(acknowledged).length;
    const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER(state, acknowledged)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    while (lines(acknowledged).length < before + acks && child.exitCode === null)
      await new Promise((r) => setTimeout(r, 5));
    child.kill('SIGKILL');
    await gone;
    expect(child.signalCode).toBe('SIGKILL');
  }
  const opened = openState(state);
  const silences = new Map(opened.silences.map((s) => [s.id, s]));
  const names = new Set(opened.alerts.map((a) => a.labels[1]));
  const now = Date.now();
  for (const { i, id, expired } of lines(acknowledged).map((line) => JSON.parse(line))) {
    expect(silences.has(id)).toBe(true);
    expect(silences.get(id)!.endsAtMs <= now).toBe(expired);
    expect(names.has(`A${i}`)).toBe(true);
  }
  opened.close();
}, 60_000);

function lines(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

test('a damaged file is told, not overwritten', () => {
  const path = join(directory, 'damaged');
  openState(path).close();
  writeFileSync(join(path, 'alerting.db'), 'this is no database, but long enough to look like one'.repeat(100));
  expect(() => openState(path)).toThrow(/alerting\.db: .*not a database/);
  expect(readFileSync(join(path, 'alerting.db'), 'utf8')).toContain('this is no database');
});

test('the history of notifications is bounded and can be asked in pages', () => {
  const state = openState(undefined);
  const record = (i: number) => ({
    kind: 'notification' as const,
    atMs: i * 1000,
    receiver: i % 2 ? 'odd' : 'even',
    integration: 'webhook',
    integrationIndex: 0,
    outcome: 'sent' as const,
    reason: '',
    route: '{}',
    groupKey: 'k',
    groupLabels: {},
    intervals: [],
    attempts: [],
    payloads: [],
    alerts: [
      {
        fingerprint: `f${i % 3}`,
        status: 'firing' as const,
        labels: { alertname: `A${i % 5}` },
        annotations: {},
        startsAt: '',
        endsAt: '',
        generatorURL: '',
        decision: 'sent' as const,
        reason: '',
        inhibitions: [],
        silences: [],
      },
    ],
  });
  for (let i = 0; i < 100; i++) state.addNotification(record(i));
  expect(state.notifications({ limit: 2 }).map((n) => n.atMs)).toEqual([99_000, 98_000]);
  expect(state.notifications({ receiver: 'even', alertname: 'A1', sinceMs: 50_000 }).map((n) => n.atMs / 1000)).toEqual(
    [96, 86, 76, 66, 56],
  );
  expect(state.notifications({ fingerprint: 'f0', limit: 1 })[0]!.atMs).toBe(99_000);
  const page = state.notifications({ limit: 3 });
  expect(state.notifications({ limit: 1, beforeId: page.at(-1)!.id })[0]!.atMs).toBe(96_000);
  expect(state.notification(page[0]!.id)).toMatchObject({ receiver: 'odd' });
  const bytes = JSON.stringify(record(99)).length;
  state.trimNotifications({ maxRows: 50, maxBytes: 1e9, beforeMs: 0 });
  expect(state.notifications({})).toHaveLength(50);
  state.trimNotifications({ maxRows: 50, maxBytes: 10.5 * bytes, beforeMs: 0 });
  expect(state.notifications({})).toHaveLength(10);
  state.trimNotifications({ maxRows: 10, maxBytes: 1e9, beforeMs: 95_000 });
  expect(state.notifications({})).toHaveLength(5);
  expect(state.notifications({ alertname: 'A0' }).map((n) => n.atMs)).toEqual([95_000]);
  state.close();
});
