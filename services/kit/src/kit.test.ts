import { spawnSync } from 'node:child_process';
import { BelfryError, seededRandom } from '@belfry/model';
import { anyValue, catalogue, counter, gauge, histogram } from '@belfry/sdk/catalogue';
import { createRegistry, instruments } from '@belfry/sdk/instruments';
import { describe, expect, it } from 'vitest';
import { createBreakages } from './breakages.ts';
import { exponential, logNormal, pickWeighted, skewedWeights } from './chance.ts';
import { camelKeys, integerField, withoutDefaults } from './connect.ts';
import { chooseFormat, expose, OPENMETRICS, TEXT } from './exposition.ts';
import { readSettings } from './run.ts';

const shop = catalogue('shop', {
  orders: counter({
    name: 'orders_total',
    help: 'Orders with a "quote"\nand a line.',
    labels: { who: anyValue('', 3) },
  }),
  open: gauge({ name: 'open_orders', help: 'Open.' }),
  latency: histogram({ name: 'latency_seconds', help: 'Latency.', unit: 'seconds', buckets: [0.1, 1] }),
});

describe('the exposition', () => {
  const registry = createRegistry();
  const to = instruments(shop, registry);
  to.orders.inc({ who: 'a "b" \\ c\nd' });
  to.open.set(Infinity);
  to.latency.observe(0.5);

  it('is text for who asks for nothing else', async () => {
    expect(chooseFormat(undefined)).toBe(TEXT);
    const text = await expose(registry, TEXT);
    expect(text).toContain('orders_total{who="a \\"b\\" \\\\ c\\nd"} 1\n');
    expect(text).toContain('open_orders +Inf\n');
    expect(text).toContain('# HELP orders_total Orders with a "quote"\\nand a line.\n');
  });
  it('is OpenMetrics on request: families without _total, an end', async () => {
    expect(chooseFormat('application/openmetrics-text;version=1.0.0,text/plain;q=0.5')).toBe(OPENMETRICS);
    const text = await expose(registry, OPENMETRICS);
    expect(text).toContain('# TYPE orders counter\norders_total{');
    expect(text).toContain('# HELP orders Orders with a \\"quote\\"');
    expect(text.endsWith('# EOF\n')).toBe(true);
  });
  it.skipIf(spawnSync('promtool', ['--version']).status !== 0)('is read by promtool (skipped without it)', async () => {
    const { stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await expose(registry, TEXT),
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
  });
});

describe('messages', () => {
  it('take both spellings of a field, and leave the keys of maps alone', () => {
    const message = { config: { cpu: { vcpu_count: 1, maxVcpuCount: 2 }, metadata: { my_key: 'x' } } };
    expect(camelKeys(message)).toEqual({
      config: { cpu: { vcpuCount: 1, maxVcpuCount: 2 }, metadata: { my_key: 'x' } },
    });
  });
  it('take int64 as text', () => {
    expect(integerField({ n: '134217728' }, 'n')).toBe(134217728);
    expect(() => integerField({ n: '1.5' }, 'n')).toThrow('n must be a whole number');
  });
  it('leave out what has its default', () => {
    expect(withoutDefaults({ a: 0, b: '', c: [], d: false, e: '0', f: 1, g: 'x' })).toEqual({ f: 1, g: 'x' });
  });
});

describe('incidents', () => {
  it('are told by name, with a suggestion for a wrong one', () => {
    const changes: string[] = [];
    const breakages = createBreakages({ 'slow-disk': 'Slow.', 'no-disk': 'None.' }, (name, on) =>
      changes.push(`${name} ${on}`),
    );
    breakages.set('slow-disk', true);
    breakages.set('slow-disk', true);
    expect(breakages.isOn('slow-disk')).toBe(true);
    expect(changes).toEqual(['slow-disk true']);
    expect(() => breakages.set('slow-disc', true)).toThrow(
      'no incident is called "slow-disc": did you mean slow-disk?',
    );
  });
});

describe('settings', () => {
  const read = (env: Record<string, string>, ...argv: string[]) => readSettings(env, argv, { port: 'X_PORT' });
  it('come from flags before the environment before the default', () => {
    expect(read({ X_PORT: '2' }, '--port=1').integer('X_PORT', 3)).toBe(1);
    expect(read({ X_PORT: '2' }).integer('X_PORT', 3)).toBe(2);
    expect(read({ X_PORT: '' }, '--port', '0').integer('X_PORT', 3)).toBe(0);
    expect(read({}).flag('X', true)).toBe(true);
  });
  it.each([
    [
      () => read({ X_PORT: 'abc' }).integer('X_PORT', 1, [0, 65535]),
      'X_PORT is "abc"; expected a whole number from 0 to 65535',
    ],
    [() => read({ X: 'maybe' }).flag('X', true), 'X is "maybe"; expected true or false'],
    [() => read({}, '--prot=1'), 'unknown argument --prot=1; there are --port'],
    [() => read({}, '--port'), '--port needs a value'],
  ])('say what was expected (%#)', (run, message) => {
    expect(run).toThrow(BelfryError);
    expect(run).toThrow(message);
  });
});

describe('chance', () => {
  it('has the shape that was asked for, and repeats with its seed', () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 4000 }, () => logNormal(random, 2.5, 6)).sort((a, b) => a - b);
    };
    const sorted = draw(7);
    expect(draw(7)).toEqual(sorted);
    expect(sorted[2000]!).toBeGreaterThan(2.4);
    expect(sorted[2000]!).toBeLessThan(2.6);
    expect(sorted[3960]!).toBeGreaterThan(5.4);
    expect(sorted[3960]!).toBeLessThan(6.7);
    const random = seededRandom(1);
    const mean = Array.from({ length: 4000 }, () => exponential(random, 10)).reduce((a, b) => a + b, 0) / 4000;
    expect(mean).toBeGreaterThan(9.4);
    expect(mean).toBeLessThan(10.6);
  });
  it('is skewed: few customers have most of the events', () => {
    const random = seededRandom(3);
    const weights = skewedWeights(15);
    const counts = new Map<number, number>();
    for (let i = 0; i < 5000; i++) {
      const who = pickWeighted(
        random,
        weights.map((_, j) => j),
        weights,
      );
      counts.set(who, (counts.get(who) ?? 0) + 1);
    }
    const most = [...counts.values()].sort((a, b) => b - a);
    expect((most[0]! + most[1]! + most[2]!) / 5000).toBeGreaterThan(0.65);
  });
});
