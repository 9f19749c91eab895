// biome-ignore-all lint/suspicious/noTemplateCurlyInString: relabelling has templates of its own.
import { execFileSync } from 'node:child_process';
import { type Labels, labelsFrom, labelsToObject } from '@belfry/model';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { loadYaml, RelabelConfig, relabeller } from './index.ts';

const steps = (yaml: string) => loadYaml(z.array(RelabelConfig), yaml).data;
const run = (yaml: string, labels: Record<string, string>) => {
  const out: Labels | undefined = relabeller(steps(yaml))(labelsFrom(labels));
  return out && { ...labelsToObject(out) };
};

test.each([
  [
    'replace with groups',
    '[{source_labels: [a], regex: "f(.*)", target_label: d, replacement: "ch${1}-ch${1}"}]',
    { a: 'foo', b: 'bar' },
    { a: 'foo', b: 'bar', d: 'choo-choo' },
  ],
  [
    'two sources and their separator',
    '[{source_labels: [a, b], separator: "|", target_label: c}]',
    { a: '1', b: '2' },
    { a: '1', b: '2', c: '1|2' },
  ],
  [
    'no match, no change',
    '[{source_labels: [a], regex: "x", target_label: b, replacement: y}]',
    { a: 'foo' },
    { a: 'foo' },
  ],
  [
    'an empty replacement removes',
    '[{source_labels: [a], target_label: a, replacement: ""}]',
    { a: 'foo', b: '1' },
    { b: '1' },
  ],
  [
    'an absent source matches empty',
    '[{source_labels: [nope], regex: "", target_label: b, replacement: y}]',
    { a: '1' },
    { a: '1', b: 'y' },
  ],
  [
    'the target is a template',
    '[{source_labels: [a], regex: "some-([^-]+)-([^,]+)", target_label: "${1}", replacement: "${2}"}]',
    { a: 'some-name-value' },
    { a: 'some-name-value', name: 'value' },
  ],
  [
    'a target that is no name is left alone',
    '[{source_labels: [a], regex: "(x?)(.*)", target_label: "${1}", replacement: "${2}"}]',
    { a: 'value' },
    { a: 'value' },
  ],
  [
    'named groups and dollars',
    '[{source_labels: [a], regex: "(?P<n>.).*", target_label: b, replacement: "$$${n}$x"}]',
    { a: 'foo' },
    { a: 'foo', b: '$f' },
  ],
  ['keep', '[{source_labels: [a], regex: "f|b.*", action: keep}]', { a: 'bar' }, { a: 'bar' }],
  ['keep drops the rest', '[{source_labels: [a], regex: "f", action: keep}]', { a: 'foo' }, undefined],
  ['drop', '[{source_labels: [a], regex: "f.*", action: Drop}]', { a: 'foo' }, undefined],
  ['keepequal', '[{source_labels: [a], target_label: b, action: keepequal}]', { a: '1', b: '1' }, { a: '1', b: '1' }],
  ['dropequal', '[{source_labels: [a], target_label: b, action: dropequal}]', { a: '1', b: '1' }, undefined],
  [
    'hashmod',
    '[{source_labels: [c], target_label: d, action: hashmod, modulus: 1000}]',
    { c: 'baz' },
    { c: 'baz', d: '976' },
  ],
  [
    'hashmod of several lines',
    '[{source_labels: [a], target_label: d, action: hashmod, modulus: 1000}]',
    { a: 'foo\nbar' },
    { a: 'foo\nbar', d: '734' },
  ],
  [
    'labelmap',
    '[{regex: "__meta_(my.*)", action: labelmap}]',
    { a: '1', __meta_my_bar: 'aaa', __meta_other: 'x' },
    { a: '1', __meta_my_bar: 'aaa', __meta_other: 'x', my_bar: 'aaa' },
  ],
  ['labeldrop', '[{regex: "a.*", action: labeldrop}]', { a: '1', ab: '2', c: '3' }, { c: '3' }],
  ['labelkeep', '[{regex: "a.*", action: labelkeep}]', { a: '1', ab: '2', c: '3' }, { a: '1', ab: '2' }],
  [
    'lowercase and uppercase',
    '[{source_labels: [a], target_label: l, action: lowercase}, {source_labels: [a], target_label: u, action: uppercase}]',
    { a: 'fOo' },
    { a: 'fOo', l: 'foo', u: 'FOO' },
  ],
  ['a dot matches a newline', '[{source_labels: [a], target_label: b}]', { a: 'x\ny' }, { a: 'x\ny', b: 'x\ny' }],
])('%s', (_, yaml, labels, expected) => {
  expect(run(yaml, labels as Record<string, string>)).toEqual(expected);
});

test.each([
  ['[{action: }]', 'relabel action cannot be empty'],
  ['[{action: rplace}]', 'unknown relabel action "rplace"'],
  ['[{action: replace}]', "relabel configuration for replace action requires 'target_label' value"],
  ['[{action: hashmod, target_label: a}]', 'relabel configuration for hashmod requires non-zero modulus'],
  ['[{action: dropequal, target_label: a, regex: "(.*)"}]', "dropequal action requires only 'source_labels'"],
  ['[{action: labeldrop, regex: a, target_label: b}]', "labeldrop action requires only 'regex', and no other fields"],
  ['[{action: lowercase, target_label: a, replacement: b}]', "'replacement' can not be set for lowercase action"],
  ['[{action: labelmap, replacement: "${"}]', "is invalid 'replacement' for labelmap action"],
  ['[{action: keep, regex: "("}]', 'error parsing regexp'],
  ['[{target_labl: a}]', 'field target_labl not found in [0], did you mean target_label?'],
])('%s is refused', (yaml, message) => expect(() => steps(yaml)).toThrow(message));

test('hashing agrees with the reference tool', () => {
  const md5 = (text: string) => execFileSync('md5sum', { input: text }).toString().slice(16, 32);
  for (const text of ['', 'a', 'ümläut;x', 'x'.repeat(200)]) {
    const expected = String(BigInt(`0x${md5(text)}`) % 7919n);
    const config = steps('[{source_labels: [s], target_label: h, action: hashmod, modulus: 7919}]');
    expect(labelsToObject(relabeller(config)(labelsFrom({ s: text }))!)).toMatchObject({ h: expected });
  }
});
