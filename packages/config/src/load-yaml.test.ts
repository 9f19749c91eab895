import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { byteSize, checkYaml, count, duration, labelMap, loadYaml, regex, secretText } from './index.ts';

const Item = z.strictObject({
  name: z.string(),
  interval: duration.default(15_000),
  labels: labelMap.default({}),
  enabled: z.boolean().default(false),
  limit: count.default(0),
  size: byteSize.optional(),
  match: regex.optional(),
  password: secretText.optional(),
  action: z.enum(['keep', 'drop']).default('keep'),
});
const Schema = z.strictObject({ items: z.array(Item).default([]), mode: z.union([z.number(), z.string()]).optional() });

const complaints = (text: string): string[] => {
  const result = checkYaml(Schema, text, 'a.yml');
  return result.ok ? [] : result.problems.map((p) => p.located);
};

test('reads what Go reads: scalars by their spelling where text is meant, empty values as defaults', () => {
  const text = [
    'items:',
    '- name: 1.10',
    '  interval: 1m30s',
    '  enabled: yes',
    '  labels: {version: 1.20, flag: true, nothing: }',
    '  size: 1KB',
    '  password: 0123',
    '- name: on',
    '  interval:',
  ].join('\n');
  const { data } = loadYaml(Schema, text);
  expect(data.items[0]).toMatchObject({ name: '1.10', interval: 90_000, enabled: true, size: 1024 });
  expect(data.items[0]!.labels).toEqual({ version: '1.20', flag: 'true' });
  expect(data.items[0]!.password!.reveal()).toBe('0123');
  expect(data.items[1]).toMatchObject({ name: 'on', interval: 15_000 });
  expect(loadYaml(Schema, '').data).toEqual({ items: [] });
});

test('anchors and merge keys', () => {
  const text = 'items:\n- &a {name: x, limit: 3}\n- <<: *a\n  name: y\n';
  const loaded = loadYaml(Schema, text);
  expect(loaded.data.items[1]).toMatchObject({ name: 'y', limit: 3 });
  expect(loaded.rangeOf(['items', 1, 'limit'])).toMatchObject({ line: 2, column: 23 });
});

test.each([
  [
    'items:\n- nam: x\n',
    [
      'a.yml:2:3: field nam not found in items[0], did you mean name?',
      'a.yml:2:3: items[0].name is required, and missing here',
    ],
  ],
  ['items:\n- name: x\n  interval: 15\n', ['a.yml:3:13: items[0].interval: not a valid duration string: "15"']],
  ['items:\n- name: x\n  limit: many\n', ['a.yml:3:10: items[0].limit: expected a number, got "many"']],
  ['items:\n- name: x\n  limit: "3"\n', ['a.yml:3:10: items[0].limit: expected a number, got "3"']],
  ['items:\n- name: x\n  action: kep\n', ['a.yml:3:11: items[0].action: unexpected "kep", did you mean keep?']],
  ['items: {}\n', ['a.yml:1:8: items: expected a list, got a map']],
  ['items:\n- name: [a]\n', ['a.yml:2:9: items[0].name: expected text, got a list']],
  ['a: 1\na: 2\n', ['a.yml:2:1: YAML: Map keys must be unique']],
  ['items:\n  - name: "x\n', ['a.yml:3:1: YAML: Missing closing "quote']],
  ['mode: [1]\n', ['a.yml:1:7: mode: expected a number or text, got a list']],
  ['items:\n-\n', ['a.yml:2:2: items[0]: expected a map, got nothing']],
])('complains about %j at its place', (text, expected) => expect(complaints(text)).toEqual(expected));

test('a bad regular expression is told at its value', () => {
  expect(complaints('items:\n- {name: x, match: "a("}')[0]).toMatch(
    /^a\.yml:2:20: items\[0\]\.match: error parsing regexp: /,
  );
});

test('a secret is not shown by anything', () => {
  const { data } = loadYaml(Schema, 'items: [{name: x, password: hunter2}]');
  for (const shown of [
    JSON.stringify(data),
    String(data.items[0]!.password),
    inspect(data, { depth: 9 }),
    `${JSON.stringify(structuredClone(data))}`,
  ]) {
    expect(shown).not.toContain('hunter2');
  }
  expect(JSON.stringify(data)).toContain('<secret>');
});

test('a bomb of aliases is refused', () => {
  const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(12).fill(`*l${i}`).join(', ')}]`);
  const result = checkYaml(z.unknown(), ['l0: &l0 x', ...levels].join('\n'));
  expect(result.ok).toBe(false);
});
