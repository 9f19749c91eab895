import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quantileOf } from './histogram-quantile.ts';
import { FLOAT_KERNELS, placeWindows, type WindowGeometry } from './window-kernels.ts';

/** Samples with uneven gaps, and a grid of windows over them. */
const scenario = (value: fc.Arbitrary<number>) =>
  fc.record({
    gaps: fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 200 }),
    values: fc.array(value, { minLength: 200, maxLength: 200 }),
    stepMs: fc.integer({ min: 1000, max: 100_000 }),
    rangeMs: fc.integer({ min: 1000, max: 1_200_000 }),
    startMs: fc.integer({ min: -100_000, max: 1_000_000 }),
    count: fc.integer({ min: 1, max: 60 }),
  });

type Scenario = typeof scenario extends (v: never) => fc.Arbitrary<infer S> ? S : never;

function run(func: string, s: Scenario, params: readonly Float64Array[] = []): (number | undefined)[] {
  const { ts, vs, geometry } = prepare(s);
  const lo = new Int32Array(s.count);
  const hi = new Int32Array(s.count);
  placeWindows(ts, ts.length, geometry, 0, 0, lo, hi);
  const out = new Float64Array(s.count);
  const present = new Uint8Array(s.count);
  FLOAT_KERNELS[func]!(ts, vs, lo, hi, s.count, out, present, 0, geometry, params);
  return Array.from(out, (v, j) => (present[j] === 0 ? undefined : v));
}

function prepare(s: Scenario) {
  let t = 0;
  const ts = Float64Array.from(s.gaps, (gap) => {
    t += gap;
    return t;
  });
  const vs = Float64Array.from(ts, (_t, i) => s.values[i]!);
  const { startMs, stepMs, rangeMs, count } = s;
  const geometry: WindowGeometry = { count, startMs, stepMs, endMs: startMs, endStepMs: stepMs, rangeMs };
  return { ts, vs, geometry };
}

/** The samples of each window by definition: `end − range < t <= end`. */
function windows(s: Scenario): { ts: number[]; vs: number[]; end: number }[] {
  const { ts, vs } = prepare(s);
  return Array.from({ length: s.count }, (_w, j) => {
    const end = s.startMs + j * s.stepMs;
    const inside = [...ts.keys()].filter((i) => ts[i]! > end - s.rangeMs && ts[i]! <= end);
    return { ts: inside.map((i) => ts[i]!), vs: inside.map((i) => vs[i]!), end };
  });
}

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const odd = fc.oneof(finite, fc.constantFrom(NaN, Infinity, -Infinity, 0, -0));

function near(got: (number | undefined)[], want: (number | undefined)[], scale = 1): void {
  expect(got.length).toBe(want.length);
  got.forEach((g, j) => {
    const w = want[j];
    if (g === undefined || w === undefined || !Number.isFinite(w)) expect(g, `step ${j}`).toEqual(w);
    else
      expect(Math.abs(g - w), `step ${j}: ${g} for ${w}`).toBeLessThanOrEqual(1e-9 * scale * Math.max(1, Math.abs(w)));
  });
}

const some =
  <T>(f: (vs: number[]) => T) =>
  (w: { vs: number[] }) =>
    w.vs.length === 0 ? undefined : f(w.vs);

describe('windows that slide give what windows made anew give', () => {
  const cases: Record<string, (vs: number[]) => number> = {
    count_over_time: (vs) => vs.length,
    last_over_time: (vs) => vs.at(-1)!,
    first_over_time: (vs) => vs[0]!,
    max_over_time: (vs) => vs.reduce((m, v) => (v > m || Number.isNaN(m) ? v : m)),
    min_over_time: (vs) => vs.reduce((m, v) => (v < m || Number.isNaN(m) ? v : m)),
    changes: (vs) =>
      vs.filter((v, i) => i > 0 && v !== vs[i - 1] && !(Number.isNaN(v) && Number.isNaN(vs[i - 1]))).length,
    resets: (vs) => vs.filter((v, i) => i > 0 && v < vs[i - 1]!).length,
    quantile_over_time: (vs) => quantileOf(0.7, Float64Array.from(vs), vs.length),
  };
  test.each(Object.keys(cases))('%s, whatever the values', (func) => {
    fc.assert(
      fc.property(scenario(odd), (s) => {
        const q = [new Float64Array(s.count).fill(0.7)];
        near(run(func, s, q), windows(s).map(some(cases[func]!)));
      }),
    );
  });

  test.each([
    ['sum_over_time', (vs: number[]) => vs.reduce((a, b) => a + b)],
    ['avg_over_time', (vs: number[]) => vs.reduce((a, b) => a + b) / vs.length],
    [
      'stdvar_over_time',
      (vs: number[]) => {
        const mean = vs.reduce((a, b) => a + b) / vs.length;
        return vs.reduce((a, v) => a + (v - mean) ** 2, 0) / vs.length;
      },
    ],
  ] as const)('%s of finite values', (func, naive) => {
    fc.assert(fc.property(scenario(finite), (s) => near(run(func, s), windows(s).map(some(naive)), 1e4)));
  });

  test('sums of whole numbers are exact', () => {
    fc.assert(
      fc.property(scenario(fc.integer({ min: -1e9, max: 1e9 })), (s) => {
        const want = windows(s).map(some((vs) => vs.reduce((a, b) => a + b)));
        expect(run('sum_over_time', s)).toEqual(want);
      }),
    );
  });
});

test.each([true, false])('deriv and predict_linear are least squares (equal gaps: %s)', (equalGaps) => {
  const fit = (ts: number[], vs: number[], origin: number) => {
    const xs = ts.map((t) => (t - origin) / 1000);
    const mx = xs.reduce((a, b) => a + b) / xs.length;
    const my = vs.reduce((a, b) => a + b) / vs.length;
    const slope = xs.reduce((a, x, i) => a + (x - mx) * (vs[i]! - my), 0) / xs.reduce((a, x) => a + (x - mx) ** 2, 0);
    return { slope, intercept: my - slope * mx };
  };
  fc.assert(
    fc.property(scenario(fc.integer({ min: -1000, max: 1000 })), (drawn) => {
      const s = equalGaps ? { ...drawn, gaps: drawn.gaps.map(() => 15_000), stepMs: 30_000 } : drawn;
      const fits = windows(s).map((w) => (w.vs.length < 2 ? undefined : fit(w.ts, w.vs, w.end)));
      const scale = 1e6;
      near(
        run('deriv', s),
        fits.map((f) => f?.slope),
        scale,
      );
      const ahead = [new Float64Array(s.count).fill(600)];
      near(
        run('predict_linear', s, ahead),
        fits.map((f) => f && f.slope * 600 + f.intercept),
        scale,
      );
    }),
  );
});

test('small terms survive large ones that cancel', () => {
  const s: Scenario = {
    gaps: new Array(40).fill(1000),
    values: [...new Array(20).fill([1, 1e100, 1, -1e100]).flat(), ...new Array(120).fill(0)],
    stepMs: 1000,
    rangeMs: 40_000,
    startMs: 37_000,
    count: 4,
  };
  expect(run('sum_over_time', s).at(-1)).toBe(20);
});

test('rate makes good what resets took, extrapolates to the window, and no further back than to zero', () => {
  const base = { gaps: new Array(9).fill(10_000), stepMs: 10_000, startMs: 90_000, count: 1 };
  const values = (vs: number[]) => [...vs, ...new Array(200 - vs.length).fill(0)];
  const at = (vs: number[], rangeMs: number) => run('increase', { ...base, values: values(vs), rangeMs })[0];
  expect(at([0, 10, 20, 30, 40, 50, 60, 70, 80], 50_000)).toBeCloseTo(50);
  expect(at([0, 10, 20, 30, 40, 50, 0, 10, 20], 50_000)).toBeCloseTo(37.5);
  // Within 10% more than the usual gap of the start, but the counter began at 0 right there.
  expect(at([0, 10, 20, 30, 40, 50, 60, 70, 80], 88_000)).toBeCloseTo(80);
});
