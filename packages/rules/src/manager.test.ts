import { BelfryError, labelsToObject, labelValue, xxhash64 } from '@belfry/model';
import { describe, expect, test } from 'vitest';
import { createRuleManager, type RuleManager, type RuleManagerOptions } from './index.ts';
import { groupOffsetMs, slotAt, wakeAt } from './schedule.ts';
import { sample, settingsOf, type TestWorld, testWorld } from './test-world.ts';

const MINUTE = 60_000;
/** Late enough that no slot lies before the beginning of time. */
const START = 1_700_000_000_000 - (1_700_000_000_000 % MINUTE);

/** A world whose clock stands at a slot of group `g` of `r.yml`, so that evaluations are at whole minutes from START. */
function world(): TestWorld {
  return testWorld(START + groupOffsetMs('r.yml', 'g', MINUTE));
}

async function started(w: TestWorld, text: string, more: Partial<RuleManagerOptions> = {}): Promise<RuleManager> {
  const manager = createRuleManager({
    clock: w.clock,
    query: w.query,
    writer: w.writer,
    notify: (alerts) => w.sent.push({ atMs: w.clock.now(), alerts }),
    onTransition: (t) => w.transitions.push(t),
    log: (message, details) => w.logged.push(`${message}: ${details.error}`),
    ...more,
  });
  await manager.update(settingsOf(text));
  manager.start();
  return manager;
}

const rules = (body: string) => `groups:\n- name: g\n  rules:\n  - ${body.trim().replaceAll('\n', '\n    ')}\n`;
const DOWN = rules(`
alert: Down
expr: up == 0
for: 2m
labels: {severity: page, where: "{{ $labels.job }}/{{ $externalLabels.region }}"}
annotations: {summary: "{{ $labels.job }} is {{ $value }}"}`);

const minutes = (w: TestWorld, ms: number) => Math.round((ms - w.clock.now()) / MINUTE);

describe('slots', () => {
  test('xxhash64 is the published one', () => {
    const hash = (text: string) => xxhash64(Buffer.from(text)).toString(16);
    expect(hash('')).toBe('ef46db3751d8e999');
    expect(hash('a')).toBe('d24ec4f1a98c6e5b');
    expect(hash('abc')).toBe('44bc2cf5ad770999');
    expect(hash('a'.repeat(100))).toHaveLength(16);
    expect(hash('Nobody inspects the spammish repetition')).toBe('fbcea83c8a378bf1');
  });

  test('follow each other at the interval, shifted by the offset', () => {
    expect(slotAt(125_000, 60_000, 10_000)).toBe(70_000);
    expect(slotAt(130_000, 60_000, 10_000)).toBe(130_000);
    expect(wakeAt(130_000, 70_000, 60_000, 10_000)).toEqual({ kind: 'run', slotMs: 130_000, missed: 0 });
    expect(wakeAt(129_000, 70_000, 60_000, 10_000)).toEqual({ kind: 'wait', delayMs: 1000 });
    expect(wakeAt(400_000, 70_000, 60_000, 10_000)).toEqual({ kind: 'run', slotMs: 370_000, missed: 4 });
  });

  test('a clock that was set back begins anew', () => {
    expect(wakeAt(100_000, 900_000_070, 60_000, 10_000)).toEqual({ kind: 'run', slotMs: 70_000, missed: 0 });
    expect(wakeAt(69_000, 70_000, 60_000, 10_000)).toEqual({ kind: 'wait', delayMs: 60_000 });
  });

  test('groups differ in their offsets', () => {
    const offsets = new Set(Array.from({ length: 20 }, (_, i) => groupOffsetMs('f', `g${i}`, MINUTE)));
    expect(offsets.size).toBeGreaterThan(15);
  });
});

describe('alerts', () => {
  test('go from pending over firing to resolved, and receivers hear of it', async () => {
    const w = world();
    let up = false;
    w.answers.set('up == 0', () => (up ? [] : [sample({ __name__: 'up', job: 'api' }, 0)]));
    const manager = await started(w, DOWN);
    await w.clock.advance(2.5 * MINUTE);
    expect(manager.alerts().alerts).toMatchObject([{ state: 'pending', value: '0e+00' }]);
    expect(w.sent).toEqual([]);
    await w.clock.advance(MINUTE);
    expect(w.sent).toHaveLength(1);
    const [alert] = w.sent[0]!.alerts;
    expect(labelsToObject(alert!.labels)).toEqual({
      alertname: 'Down',
      job: 'api',
      severity: 'page',
      where: 'api/eu',
    });
    expect(alert!.annotations).toEqual([['summary', 'api is 0']]);
    expect(alert!.generatorUrl).toBe('http://belfry/graph?g0.expr=up+%3D%3D+0&g0.tab=1');
    expect(alert!.startsAtMs).toBe(w.sent[0]!.atMs);
    expect(alert!.endsAtMs - alert!.startsAtMs).toBe(4 * MINUTE);
    expect(alert!.resolved).toBe(false);
    up = true;
    // The next evaluation is exactly one resend delay later: only a resolved alert is told again then.
    await w.clock.advance(MINUTE);
    expect(w.sent).toHaveLength(2);
    expect(w.sent[1]!.alerts[0]).toMatchObject({ resolved: true, startsAtMs: alert!.startsAtMs });
    expect(w.sent[1]!.alerts[0]!.endsAtMs).toBe(w.sent[1]!.atMs);
    expect(manager.alerts().alerts).toEqual([]);
    // Told again for a quarter of an hour, then forgotten.
    await w.clock.advance(30 * MINUTE);
    expect(w.sent.at(-1)!.atMs - w.sent[1]!.atMs).toBe(14 * MINUTE);
    const [state] = manager.groups()[0]!.rules;
    expect(state!.kind === 'alerting' && state!.active.size).toBe(0);
    expect(w.transitions.map((t) => `${t.from}>${t.to} ${t.reason}`)).toEqual([
      'inactive>pending appeared',
      'pending>firing held',
      'firing>inactive vanished',
    ]);
    expect(w.transitions[1]).toMatchObject({ query: 'up == 0', value: 0, alert: 'Down', group: 'g' });
    await manager.stop();
  });

  test('a firing alert is told again after the resend delay', async () => {
    const w = world();
    w.answers.set('up == 0', () => [sample({ job: 'api' }, 0)]);
    const manager = await started(w, rules('alert: Down\nexpr: up == 0'));
    await w.clock.advance(5.5 * MINUTE);
    const first = w.sent[0]!.atMs;
    expect(w.sent.map((s) => (s.atMs - first) / MINUTE)).toEqual([0, 2, 4]);
    await manager.stop();
  });

  test('write ALERTS and ALERTS_FOR_STATE, and end them', async () => {
    const w = world();
    let up = false;
    w.answers.set('up == 0', () => (up ? [] : [sample({ job: 'api' }, 0)]));
    const manager = await started(
      w,
      rules('alert: Down\nexpr: up == 0\nfor: 1m\nlabels: {a: "", b: "{{ $labels.none }}"}'),
    );
    await w.clock.advance(3.5 * MINUTE);
    up = true;
    await w.clock.advance(2 * MINUTE);
    // Until the state from before a restart was asked for, after two evaluations, nothing is written.
    expect(w.written('ALERTS')).toEqual([
      '{alertname=Down,alertstate=firing,b={{ $labels.none }},job=api} 180=1 240=stale',
    ]);
    expect(w.written('ALERTS_FOR_STATE')[0]).toMatch(/^\{alertname=Down,b=.*,job=api\} 180=\d+ 240=stale$/);
    await manager.stop();
  });

  test('keep_firing_for holds what vanished', async () => {
    const w = world();
    const up = new Set([3, 4, 7, 8, 9, 10, 11]);
    const begin = w.clock.now();
    w.answers.set('up == 0', (t) => (up.has((t - begin) / MINUTE) ? [] : [sample({ job: 'api' }, 0)]));
    const manager = await started(w, rules('alert: Down\nexpr: up == 0\nkeep_firing_for: 3m'));
    await w.clock.advance(4.5 * MINUTE);
    expect(manager.alerts().alerts[0]).toMatchObject({ state: 'firing' });
    expect(manager.alerts().alerts[0]!.keepFiringSince).toBe(new Date(begin + 3 * MINUTE).toISOString());
    await w.clock.advance(MINUTE);
    expect(manager.alerts().alerts[0]).not.toHaveProperty('keepFiringSince');
    await w.clock.advance(4 * MINUTE);
    expect(manager.alerts().alerts).toHaveLength(1);
    await w.clock.advance(2 * MINUTE);
    expect(manager.alerts().alerts).toEqual([]);
    expect(w.transitions.map((t) => `${t.to} ${t.reason}`)).toEqual([
      'pending appeared',
      'firing held',
      'firing keep-firing',
      'firing keep-firing',
      'inactive keep-firing-ended',
    ]);
    await manager.stop();
  });

  test('with a broken template still notify, with the error in the text', async () => {
    const w = world();
    w.answers.set('up == 0', () => [sample({ job: 'api' }, 0)]);
    const manager = await started(
      w,
      rules('alert: Down\nexpr: up == 0\nannotations: {s: \'{{ query "nothing" | first }}\'}'),
    );
    await w.clock.advance(1.5 * MINUTE);
    expect(w.sent[0]!.alerts[0]!.annotations[0]![1]).toBe(
      '<error expanding template: error executing template __alert_Down: template: __alert_Down:1:133: executing ' +
        '"__alert_Down" at <first>: error calling first: first() called on vector with no elements>',
    );
    expect(w.logged[0]).toMatch(/expanding an alert template failed/);
    await manager.stop();
  });

  test('beyond the limit of their group are dropped, and the rule is unhealthy', async () => {
    const w = world();
    w.answers.set('up == 0', () => ['a', 'b', 'c'].map((job) => sample({ job }, 0)));
    const manager = await started(w, `groups:\n- name: g\n  limit: 2\n  rules:\n  - {alert: Down, expr: up == 0}\n`);
    await w.clock.advance(1.5 * MINUTE);
    const [rule] = manager.rules().groups[0]!.rules;
    expect(rule).toMatchObject({ health: 'err', lastError: 'exceeded limit of 2 with 3 alerts', state: 'inactive' });
    expect(w.sent).toEqual([]);
    await manager.stop();
  });

  test('whose labels become the same are an error', async () => {
    const w = world();
    w.answers.set('up == 0', () => ['a', 'b'].map((job) => sample({ job }, 0)));
    const manager = await started(w, rules('alert: Down\nexpr: up == 0\nlabels: {job: x}'));
    await w.clock.advance(1.5 * MINUTE);
    expect(manager.rules().groups[0]!.rules[0]).toMatchObject({
      lastError: 'vector contains metrics with the same labelset after applying alert labels',
    });
    await manager.stop();
  });

  test('neither resolve nor fire because the machine slept', async () => {
    const w = world();
    const begin = w.clock.now();
    let vanish = false;
    w.answers.set('up == 0', () => [
      ...(vanish ? [] : [sample({ job: 'old' }, 0)]),
      ...(w.clock.now() - begin > 2.5 * MINUTE ? [sample({ job: 'new' }, 0)] : []),
    ]);
    const late = lateClock(w);
    const manager = await started(w, rules('alert: Down\nexpr: up == 0\nfor: 2m'), { clock: late.clock });
    await w.clock.advance(3.5 * MINUTE);
    expect(manager.alerts().alerts.map((a) => `${a.labels.job} ${a.state}`)).toEqual(['old firing', 'new pending']);
    vanish = true;
    late.sleepMs = 60 * MINUTE;
    await w.clock.advance(61 * MINUTE);
    expect(manager.alerts().alerts.map((a) => `${a.labels.job} ${a.state}`)).toEqual(['old firing', 'new pending']);
    late.sleepMs = 0;
    await w.clock.advance(4 * MINUTE);
    expect(manager.alerts().alerts.map((a) => `${a.labels.job} ${a.state}`)).toEqual(['new firing']);
    await manager.stop();
  });
});

/** A clock whose next timer comes late once, as after a sleep. */
function lateClock(w: TestWorld) {
  const late = {
    sleepMs: 0,
    clock: {
      now: () => w.clock.now(),
      monotonic: () => w.clock.monotonic(),
      after: (ms: number, callback: () => void) =>
        w.clock.after(ms, () => {
          const sleepMs = late.sleepMs;
          late.sleepMs = 0;
          if (sleepMs > 0) w.clock.after(sleepMs, callback);
          else callback();
        }),
    },
  };
  return late;
}

describe('recording rules', () => {
  test('write their results under their name, labels and time', async () => {
    const w = world();
    let jobs = ['a', 'b'];
    w.answers.set('sum by (job) (up)', () => jobs.map((job, i) => sample({ __name__: 'up', job, x: '1' }, i)));
    const text = `groups:\n- name: g\n  query_offset: 30s\n  labels: {team: t}\n  rules:\n  - {record: r, expr: sum by (job) (up), labels: {x: ""}}\n`;
    const manager = await started(w, text);
    await w.clock.advance(1.5 * MINUTE);
    jobs = ['b'];
    await w.clock.advance(MINUTE);
    expect(w.written('r')).toEqual(['{job=a,team=t} 30=0 90=stale', '{job=b,team=t} 30=1 90=0']);
    expect(w.asked[0]).toEqual({ expr: 'sum by (job) (up)', timeMs: w.clock.now() - 2 * MINUTE });
    await manager.stop();
  });

  test('that fail leave the others alone', async () => {
    const w = world();
    w.answers.set('a', () => {
      throw new BelfryError('query_execution', 'too much');
    });
    w.answers.set('b', () => [sample({ job: 'x' }, 1)]);
    const manager = await started(
      w,
      `groups:\n- name: g\n  rules:\n  - {record: r1, expr: a}\n  - {record: r2, expr: b}\n  - {record: r3, expr: b, labels: {job: ""}}\n`,
    );
    w.answers.set('c', () => []);
    await w.clock.advance(1.5 * MINUTE);
    expect(manager.rules().groups[0]!.rules.map((r) => [r.name, r.health, r.lastError])).toEqual([
      ['r1', 'err', 'too much'],
      ['r2', 'ok', undefined],
      ['r3', 'ok', undefined],
    ]);
    expect(w.written('r2')).toEqual(['{job=x} 60=1']);
    expect(w.written('r3')).toEqual(['{} 60=1']);
    expect(manager.groups()[0]!.counters).toMatchObject({ evaluations: 3, evaluationFailures: 1, lastSamples: 2 });
    await manager.stop();
  });

  test('see what the rules before them wrote', async () => {
    const w = world();
    let writtenFirst = 0;
    w.answers.set('a', () => [sample({}, 1)]);
    w.answers.set('r1', () => {
      writtenFirst = w.written('r1').length;
      return [];
    });
    const manager = await started(
      w,
      'groups:\n- name: g\n  rules:\n  - {record: r1, expr: a}\n  - {record: r2, expr: r1}\n',
    );
    await w.clock.advance(1.5 * MINUTE);
    expect(writtenFirst).toBe(1);
    await manager.stop();
  });

  test('that take too long miss iterations, which are counted', async () => {
    const w = world();
    let slow = true;
    w.answers.set('a', async () => {
      if (slow) await new Promise<void>((resolve) => w.clock.after(3.5 * MINUTE, resolve));
      slow = false;
      return [sample({}, 1)];
    });
    const manager = await started(w, rules('record: r\nexpr: a'));
    await w.clock.advance(6.2 * MINUTE);
    expect(manager.groups()[0]!.counters).toMatchObject({ iterations: 6, iterationsMissed: 2 });
    expect(w.asked.map((q) => (q.timeMs - w.asked[0]!.timeMs) / MINUTE)).toEqual([0, 3, 4, 5]);
    await manager.stop();
  });
});

describe('a restart', () => {
  const LONG = rules(`
alert: Down
expr: up == 0
for: 30m
labels: {severity: page, job: "{{ $labels.job }}"}`);

  async function restarted(text: string, beforeMs: number, downMs: number, afterUp = false) {
    const w = world();
    let up = false;
    w.answers.set('up == 0', () => (up ? [] : [sample({ job: 'api' }, 0)]));
    const first = await started(w, text, { restore: w.restore });
    await w.clock.advance(beforeMs);
    await first.stop();
    await w.clock.advance(downMs);
    up = afterUp;
    w.transitions.length = 0;
    w.sent.length = 0;
    const manager = await started(w, text, { restore: w.restore });
    return { w, manager };
  }

  test('goes on counting for', async () => {
    const { w, manager } = await restarted(LONG, 15.5 * MINUTE, 5 * MINUTE);
    await w.clock.advance(2.6 * MINUTE);
    const { activeAt } = manager.alerts().alerts[0]!;
    // Pending for 14 minutes before; 7 minutes until the state was restored, and 1 since.
    expect(minutes(w, Date.parse(activeAt))).toBe(-15);
    await w.clock.advance(12 * MINUTE);
    expect(manager.alerts().alerts[0]!.state).toBe('pending');
    await w.clock.advance(3 * MINUTE);
    expect(manager.alerts().alerts[0]!.state).toBe('firing');
    await manager.stop();
  });

  test('fires at once what fired before', async () => {
    const { w, manager } = await restarted(LONG, 40 * MINUTE, 5 * MINUTE);
    await w.clock.advance(3.6 * MINUTE);
    expect(manager.alerts().alerts[0]!.state).toBe('firing');
    await manager.stop();
  });

  test('gives what was nearly due a grace period', async () => {
    const { w, manager } = await restarted(LONG, 29.5 * MINUTE, 5 * MINUTE);
    await w.clock.advance(9 * MINUTE);
    expect(manager.alerts().alerts[0]!.state).toBe('pending');
    await w.clock.advance(5 * MINUTE);
    expect(manager.alerts().alerts[0]!.state).toBe('firing');
    await manager.stop();
  });

  test('too long ago counts for nothing', async () => {
    const { w, manager } = await restarted(LONG, 40 * MINUTE, 90 * MINUTE);
    await w.clock.advance(20 * MINUTE);
    expect(manager.alerts().alerts[0]!.state).toBe('pending');
    await manager.stop();
  });

  test('keeps firing what was kept firing, until its time is over', async () => {
    const text = rules(
      'alert: Down\nexpr: up == 0\nkeep_firing_for: 20m\nlabels: {severity: page}\nannotations: {s: "{{ $labels.job }}"}',
    );
    const { w, manager } = await restarted(text, 10.5 * MINUTE, 3 * MINUTE, true);
    await w.clock.advance(3.5 * MINUTE);
    expect(manager.alerts().alerts).toMatchObject([
      { state: 'firing', labels: { alertname: 'Down', job: 'api', severity: 'page' }, annotations: { s: 'api' } },
    ]);
    expect(w.transitions).toMatchObject([{ reason: 'restored', to: 'firing' }]);
    expect(w.sent[0]!.alerts[0]!.resolved).toBe(false);
    await w.clock.advance(20 * MINUTE);
    expect(manager.alerts().alerts).toEqual([]);
    expect(w.sent.at(-1)!.alerts[0]!.resolved).toBe(true);
    await manager.stop();
  });

  test('a source that fails costs the state, not the rules', async () => {
    const w = world();
    w.answers.set('up == 0', () => [sample({ job: 'api' }, 0)]);
    const manager = await started(w, LONG, { restore: () => Promise.reject(new Error('no store')) });
    await w.clock.advance(4 * MINUTE);
    expect(w.logged.join()).toMatch(/no store/);
    expect(w.written('ALERTS')).toHaveLength(1);
    await manager.stop();
  });
});

describe('a reload', () => {
  test('keeps alerts, also in a changed group; a raised for sends back to pending', async () => {
    const w = world();
    w.answers.set('up == 0', () => [sample({ job: 'api' }, 0)]);
    const manager = await started(w, DOWN);
    await w.clock.advance(4.5 * MINUTE);
    expect(manager.alerts().alerts[0]!.state).toBe('firing');
    const since = manager.alerts().alerts[0]!.activeAt;
    await manager.update(settingsOf(DOWN.replace('is {{', 'was {{')));
    await w.clock.advance(MINUTE);
    expect(manager.alerts().alerts[0]).toMatchObject({ state: 'firing', activeAt: since });
    expect(manager.alerts().alerts[0]!.annotations.summary).toBe('api was 0');
    await manager.update(settingsOf(DOWN.replace('for: 2m', 'for: 1h')));
    await w.clock.advance(MINUTE);
    expect(manager.alerts().alerts[0]).toMatchObject({ state: 'pending', activeAt: since });
    expect(w.transitions.at(-1)!.reason).toBe('hold-raised');
    await manager.stop();
  });

  test('leaves an unchanged group running, and ends the series of one that is gone', async () => {
    const w = world();
    w.answers.set('a', () => [sample({}, 1)]);
    const two = 'groups:\n- {name: g, rules: [{record: r, expr: a}]}\n- {name: h, rules: [{record: s, expr: a}]}\n';
    const manager = await started(w, two);
    await w.clock.advance(2.5 * MINUTE);
    const before = manager.groups()[0];
    await manager.update(settingsOf('groups:\n- {name: g, rules: [{record: r, expr: a}]}\n'));
    expect(manager.groups()).toEqual([before]);
    expect(manager.groups()[0]).toBe(before);
    await w.clock.advance(3 * MINUTE);
    expect(w.written('s')[0]).toMatch(/=stale$/);
    expect(w.written('r')[0]).not.toMatch(/stale/);
    await manager.stop();
  });

  test('ends the series of a rule that is gone from its group', async () => {
    const w = world();
    w.answers.set('a', () => [sample({}, 1)]);
    const manager = await started(w, rules('record: r\nexpr: a'));
    await w.clock.advance(1.5 * MINUTE);
    await manager.update(settingsOf(rules('record: r2\nexpr: a')));
    await w.clock.advance(MINUTE);
    expect(w.written('r')).toEqual(['{} 60=1 120=stale']);
    expect(w.written('r2')).toEqual(['{} 120=1']);
    await manager.stop();
  });
});

describe('the rules API', () => {
  const text = `groups:
- name: g
  limit: 7
  rules:
  - {record: r, expr: a}
  - {alert: Down, expr: up==0, for: 5m, keep_firing_for: 1m, labels: {team: x}, annotations: {s: t}}
- name: h
  interval: 10s
  rules:
  - {record: s, expr: a, labels: {team: y}}
`;
  test('has the shapes of Prometheus', async () => {
    const w = world();
    w.answers.set('up == 0', () => [sample({ job: 'api' }, 1.5)]);
    const manager = await started(w, text);
    const never = '0001-01-01T00:00:00Z';
    expect(JSON.parse(JSON.stringify(manager.rules({ rule_group: ['g'] })))).toEqual({
      groups: [
        {
          name: 'g',
          file: 'r.yml',
          rules: [
            { name: 'r', query: 'a', health: 'unknown', evaluationTime: 0, lastEvaluation: never, type: 'recording' },
            {
              state: 'unknown',
              name: 'Down',
              query: 'up == 0',
              duration: 300,
              keepFiringFor: 60,
              labels: { team: 'x' },
              annotations: { s: 't' },
              alerts: [],
              health: 'unknown',
              evaluationTime: 0,
              lastEvaluation: never,
              type: 'alerting',
            },
          ],
          interval: 60,
          limit: 7,
          evaluationTime: 0,
          lastEvaluation: never,
        },
      ],
    });
    await w.clock.advance(1.5 * MINUTE);
    expect(manager.alerts()).toEqual({
      alerts: [
        {
          labels: { alertname: 'Down', job: 'api', team: 'x' },
          annotations: { s: 't' },
          state: 'pending',
          activeAt: new Date(w.clock.now() - 0.5 * MINUTE).toISOString(),
          value: '1.5e+00',
        },
      ],
    });
    await manager.stop();
  });

  test('filters and pages', async () => {
    const w = world();
    const manager = await started(w, text);
    const names = (filter: Parameters<RuleManager['rules']>[0]) =>
      manager.rules(filter).groups.map((g) => `${g.name}: ${g.rules.map((r) => r.name).join(' ')}`);
    expect(names({})).toEqual(['g: r Down', 'h: s']);
    expect(names({ type: 'alert' })).toEqual(['g: Down']);
    expect(names({ type: 'record', rule_name: ['s'] })).toEqual(['h: s']);
    expect(names({ file: ['other.yml'] })).toEqual([]);
    expect(names({ match: ['{team="x"}', '{team="y"}'] })).toEqual(['g: Down', 'h: s']);
    expect(manager.rules({ type: 'alert', exclude_alerts: 'true' }).groups[0]!.rules[0]).toMatchObject({
      alerts: null,
    });
    const first = manager.rules({ group_limit: '1' });
    expect(first.groups.map((g) => g.name)).toEqual(['g']);
    const second = manager.rules({ group_limit: '1', group_next_token: first.groupNextToken! });
    expect(second.groups.map((g) => g.name)).toEqual(['h']);
    expect(second).not.toHaveProperty('groupNextToken');
    await manager.stop();
  });

  test.each([
    [{ type: 'x' }, 'invalid parameter "type": not supported value "x"'],
    [{ group_limit: '0' }, 'invalid parameter "group_limit": group_limit needs to be greater than 0'],
    [{ group_limit: 'x' }, 'invalid parameter "group_limit": group_limit needs to be a valid number: "x"'],
    [
      { group_next_token: 'x' },
      'invalid parameter "group_next_token": group_limit needs to be present in order to paginate over the groups',
    ],
    [
      { group_limit: '1', group_next_token: 'x' },
      'invalid parameter "group_next_token": invalid group_next_token \'x\'. were rule groups changed?',
    ],
    [{ match: ['{a=""}'] }, 'invalid parameter "match[]": match[] must contain at least one non-empty matcher'],
    [
      { exclude_alerts: 'maybe' },
      'invalid parameter "exclude_alerts": error converting exclude_alerts: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
  ])('refuses %o', async (filter, expected) => {
    const w = world();
    const manager = await started(w, text);
    expect(() => manager.rules(filter)).toThrow(expected);
    await manager.stop();
  });
});

test('why an alert fires is told by the parts of its expression', async () => {
  const w = world();
  const errors = ['api', 'db'].map((job, i) => sample({ __name__: 'errors', job }, 5 + i));
  const ratio = ['api', 'db'].map((job, i) => sample({ job }, 0.5 + i));
  w.answers.set('errors / on (job) total > 0.1 and up', () => [sample({ job: 'api' }, 0.5)]);
  w.answers.set('errors / on (job) total > 0.1', () => ratio);
  w.answers.set('errors / on (job) total', () => ratio);
  w.answers.set('errors', () => errors);
  w.answers.set('total', () => [sample({ __name__: 'total', job: 'api' }, 10)]);
  w.answers.set('up', () => {
    throw new BelfryError('query_timeout', 'too slow');
  });
  const manager = await started(w, rules('alert: Errors\nexpr: errors / on (job) total > 0.1 and up'));
  await w.clock.advance(1.5 * MINUTE);
  const fired = w.transitions.find((t) => t.reason === 'held')!;
  w.asked.length = 0;
  const evidence = await manager.explain(fired);
  expect(
    evidence.map((e) => [e.query, e.samples.map((s) => `${labelValue(s.labels, 'job')} ${s.value}`), e.error]),
  ).toEqual([
    ['errors / on (job) total > 0.1 and up', ['api 0.5'], undefined],
    ['errors / on (job) total > 0.1', ['api 0.5'], undefined],
    ['up', [], 'too slow'],
    ['errors / on (job) total', ['api 0.5'], undefined],
    ['errors', ['api 5'], undefined],
    ['total', ['api 10'], undefined],
  ]);
  expect(new Set(w.asked.map((q) => q.timeMs))).toEqual(new Set([fired.atMs]));
  await expect(manager.explain({ ...fired, alert: 'Gone' })).rejects.toThrow('no alerting rule Gone');
  await manager.stop();
});

test('stopping cancels what is under way', async () => {
  const w = world();
  let signal: AbortSignal | undefined;
  const manager = await started(w, rules('record: r\nexpr: a'), {
    query: (_, __, s) => {
      signal = s;
      return new Promise((_, reject) => s!.addEventListener('abort', () => reject(s!.reason)));
    },
  });
  await w.clock.advance(1.5 * MINUTE);
  await manager.stop();
  expect(signal!.aborted).toBe(true);
  expect(w.logged).toEqual([]);
});
