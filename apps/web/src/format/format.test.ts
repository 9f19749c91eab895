import { describe, expect, test } from 'vitest';
import { categoricalColor, namedColor, paletteOf } from '../theme.ts';
import { contrast, mix, parseColor, rampColor, withAlpha } from './color.ts';
import { rankMatches } from './fuzzy.ts';
import { guessUnit } from './guess-unit.ts';
import { parseMatchers } from './matchers.ts';

describe('colours', () => {
  test('are read in every writing', () => {
    expect(parseColor('#f00')).toEqual({ r: 255, g: 0, b: 0, a: 1 });
    expect(parseColor('rgba(1, 2, 3, 0.5)')).toEqual({ r: 1, g: 2, b: 3, a: 0.5 });
    expect(parseColor('rgb(1 2 3 / 50%)')).toEqual({ r: 1, g: 2, b: 3, a: 0.5 });
    expect(parseColor('green')).toBeUndefined();
    expect(withAlpha('#000000', 0.2)).toBe('rgba(0, 0, 0, 0.2)');
    expect(mix('#000000', '#ffffff', 0.5)).toBe('rgb(128, 128, 128)');
    expect(rampColor(['#000000', '#ffffff'], 2)).toBe('rgb(255, 255, 255)');
  });

  test("a dashboard's names, shades and own colours", () => {
    const palette = paletteOf('dark');
    expect(namedColor(palette, 'green')).toBe(palette.named.green);
    expect(namedColor(palette, 'dark-green')).not.toBe(palette.named.green);
    expect(namedColor(palette, '#123456')).toBe('#123456');
    expect(namedColor(palette, 'no-such-colour')).toBe(palette.text.dim);
  });

  test('series beyond the palette still differ', () => {
    const palette = paletteOf('light');
    const colors = Array.from({ length: 36 }, (_, i) => categoricalColor(palette, i));
    expect(new Set(colors).size).toBe(36);
  });

  test.each(['dark', 'light'] as const)('text can be read on every surface: %s', (scheme) => {
    const { surface, text, accent, semantic } = paletteOf(scheme);
    for (const ground of [surface.page, surface.panel, surface.raised, surface.sunken]) {
      expect(contrast(text.strong, ground)).toBeGreaterThan(7);
      expect(contrast(text.body, ground)).toBeGreaterThan(7);
      expect(contrast(text.dim, ground)).toBeGreaterThan(4.5);
      expect(contrast(accent.text, ground)).toBeGreaterThan(4.5);
    }
    for (const color of Object.values(semantic)) expect(contrast(color, surface.panel)).toBeGreaterThan(3);
  });
});

test('search prefers prefixes, then starts of words, then anything in order', () => {
  const items = ['my_node_cpu', 'node_cpu_seconds_total', 'nothing', 'n_o_d_e_c_p_u'];
  expect(rankMatches('node_cpu', items, (i) => i)).toEqual(['node_cpu_seconds_total', 'my_node_cpu', 'n_o_d_e_c_p_u']);
  expect(rankMatches('zzz', items, (i) => i)).toEqual([]);
});

describe('matchers of a silence', () => {
  test.each([
    ['a="b"', [['a', 'b', false, true]]],
    [
      '{a="b", c=~"d|e"}',
      [
        ['a', 'b', false, true],
        ['c', 'd|e', true, true],
      ],
    ],
    [
      'a!="b",c!~d.*',
      [
        ['a', 'b', false, false],
        ['c', 'd.*', true, false],
      ],
    ],
    ['a="x,y \\"z\\""', [['a', 'x,y "z"', false, true]]],
  ] as const)('%s', (text, expected) => {
    const { matchers } = parseMatchers(text as string);
    (expected as readonly (readonly unknown[])[]).forEach((e, i) => {
      const m = matchers[i]!;
      expect([m.name, m.value, m.isRegex, m.isEqual]).toEqual(e);
    });
  });

  test('say what is wrong', () => {
    expect(parseMatchers('').error).toBe('At least one matcher is needed');
    expect(parseMatchers('a').error).toContain('name="value"');
    expect(parseMatchers('a="b" c="d"').error).toContain('comma');
    expect(parseMatchers('a=~".*"').error).toContain('empty label');
    expect(parseMatchers('a=~".*", b="c"').error).toBeUndefined();
  });
});

test.each([
  ['process_resident_memory_bytes', 'bytes'],
  ['sum(rate(node_network_receive_bytes_total[5m]))', 'binBps'],
  ['histogram_quantile(0.9, sum by (le) (rate(http_duration_seconds_bucket[5m])))', 's'],
  ['go_memstats_gc_cpu_fraction', undefined],
  ['rate(process_cpu_seconds_total[1m])', undefined],
  ['a_bytes / b_bytes', undefined],
  ['process_start_time_seconds > 5', undefined],
  ['up', undefined],
])('the unit of %s is guessed as %s', (expr, unit) => {
  expect(guessUnit(expr)).toBe(unit);
});
