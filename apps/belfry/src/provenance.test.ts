import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprintOf } from '@belfry/alerting';
import { labelsFrom, labelsWith, VirtualClock } from '@belfry/model';
import type { AlertTransition, Evidence, RuleAlert } from '@belfry/rules';
import { afterAll, expect, test } from 'vitest';
import { openProvenance, type Provenance } from './provenance.ts';

const directory = mkdtempSync(join(tmpdir(), 'belfry-provenance-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const labels = labelsFrom({ alertname: 'Down', job: 'api' });
const step = (atMs: number, from: 'inactive' | 'pending' | 'firing', to: typeof from): AlertTransition => ({
  kind: 'alert-transition',
  file: 'r.yml',
  group: 'g',
  alert: 'Down',
  labels,
  from,
  to,
  reason: to === 'firing' ? 'held' : to === 'pending' ? 'appeared' : 'vanished',
  atMs,
  activeAtMs: 1000,
  query: 'up == 0',
  value: 0,
});
const evidence: readonly Evidence[] = [
  { query: 'up == 0', samples: [{ labels: labelsFrom({ job: 'api' }), value: 0 }], more: 0 },
  { query: 'up', samples: Array.from({ length: 10 }, () => ({ labels, value: Number.NaN })), more: 2 },
];
const told: RuleAlert = {
  labels: labelsWith(labels, 'cluster', 'eu'),
  annotations: [],
  startsAtMs: 0,
  endsAtMs: 0,
  resolved: false,
  generatorUrl: '',
  source: { file: 'r.yml', group: 'g', alert: 'Down', query: 'up == 0', labels, value: 0, activeAtMs: 1000 },
};
const fingerprint = fingerprintOf(told.labels);

function open(clock: VirtualClock, explain = async () => evidence): Provenance {
  return openProvenance({ file: join(directory, 'p.db'), clock, explain, onProblem: (m) => expect.unreachable(m) });
}

test('rule, states and evidence, found by the labels that were told, before and after a restart', async () => {
  const clock = new VirtualClock(0);
  const first = open(clock);
  first.changed(step(1000, 'inactive', 'pending'));
  first.changed(step(2000, 'pending', 'firing'));
  first.told([told]);
  expect(first.originOf(fingerprint)).toMatchObject({ file: 'r.yml', expr: 'up == 0' });
  await clock.advance(200);
  await first.close();

  const second = open(clock);
  expect(second.originOf(fingerprint)).toEqual({
    kind: 'rule',
    file: 'r.yml',
    group: 'g',
    alert: 'Down',
    expr: 'up == 0',
    labels: { alertname: 'Down', job: 'api' },
    activeAt: '1970-01-01T00:00:01Z',
    transitions: [
      {
        at: '1970-01-01T00:00:01Z',
        from: 'inactive',
        to: 'pending',
        reason: 'appeared',
        value: '0',
        evidence: expect.anything(),
      },
      {
        at: '1970-01-01T00:00:02Z',
        from: 'pending',
        to: 'firing',
        reason: 'held',
        value: '0',
        evidence: [
          { expr: 'up == 0', samples: [{ labels: { job: 'api' }, value: '0' }], more: 0 },
          {
            expr: 'up',
            samples: Array.from({ length: 3 }, () => ({ labels: { alertname: 'Down', job: 'api' }, value: 'NaN' })),
            more: 9,
          },
        ],
      },
    ],
  });
  expect(second.originOf('0000000000000000')).toBeUndefined();
  await second.close();
});

test('a part that cannot be explained leaves the change; evidence stays with the latest change into a state', async () => {
  const clock = new VirtualClock(0);
  let fail = false;
  const provenance = openProvenance({
    file: ':memory:',
    clock,
    explain: async () => {
      if (fail) throw new Error('no such rule');
      return evidence;
    },
    onProblem: (m) => expect.unreachable(m),
  });
  provenance.told([told]);
  for (const atMs of [1000, 5000]) {
    provenance.changed(step(atMs, 'inactive', 'firing'));
    await clock.advance(200);
  }
  fail = true;
  provenance.changed(step(6000, 'firing', 'inactive'));
  await clock.advance(200);
  provenance.told([told]);
  await clock.advance(200);
  const { transitions } = provenance.originOf(fingerprint)!;
  expect(transitions.map((t) => [t.to, t.evidence !== undefined])).toEqual([
    ['firing', false],
    ['firing', true],
    ['inactive', false],
  ]);
  await provenance.close();
});

test('a storm keeps changes bounded', async () => {
  const clock = new VirtualClock(0);
  const provenance = open(clock);
  provenance.changed(step(0, 'inactive', 'pending'));
  provenance.told([told]);
  for (let i = 1; i < 100; i++) provenance.changed(step(i * 1000, 'inactive', 'pending'));
  await clock.advance(1000);
  expect(provenance.originOf(fingerprint)!.transitions).toHaveLength(20);
  await provenance.close();
});
