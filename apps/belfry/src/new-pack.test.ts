import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packNames } from './new-pack.ts';
import { ROOT } from './root.ts';

const dir = mkdtempSync(join(tmpdir(), 'belfry-init-'));
afterAll(() => rmSync(dir, { recursive: true }));

function run(command: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: ROOT });
  return { status, text: stdout + stderr };
}
const belfry = (...args: readonly string[]) => run('./belfry', ...args);
const has = (tool: string) => spawnSync(tool, ['--version']).status === 0;

it('makes every way of writing a name', () => {
  expect(packNames('/x/payDesk_2')).toEqual({
    kebab: 'pay-desk-2',
    snake: 'pay_desk_2',
    camel: 'payDesk2',
    pascal: 'PayDesk2',
    title: 'Pay desk 2',
  });
  expect(() => packNames('/x/9-lives')).toThrow(/begin it with a letter/);
});

describe.each([
  ['in a folder of its own', join(dir, 'pay-desk')],
  ['in a folder below others', join(dir, 'deep/er/shop')],
])('a pack made %s', (_, pack) => {
  beforeAll(() => expect(belfry('init', pack)).toMatchObject({ status: 0 }));
  const build = join(pack, 'build');

  it('has no findings', () => {
    expect(belfry('check', join(pack, 'pack.ts'), '--format', 'json')).toEqual({ status: 0, text: '[]\n' });
  });
  it('builds, and its alerts pass their tests', () => {
    expect(belfry('build', join(pack, 'pack.ts'), '--out', build)).toMatchObject({ status: 0 });
    expect(belfry('test', 'rules', join(pack, 'tests/alerts.yml'))).toMatchObject({ status: 0 });
  });
  it.skipIf(!has('promtool'))('is accepted by promtool (skipped where promtool is not installed)', () => {
    expect(run('promtool', 'check', 'config', join(build, 'prometheus.yml'))).toMatchObject({ status: 0 });
    expect(run('promtool', 'test', 'rules', join(pack, 'tests/alerts.yml'))).toMatchObject({ status: 0 });
  });
  it.skipIf(!has('amtool'))('is accepted by amtool (skipped where amtool is not installed)', () => {
    expect(run('amtool', 'check-config', join(build, 'alertmanager.yml'))).toMatchObject({ status: 0 });
  });
});

it('leaves alone what is there', () => {
  const full = join(dir, 'full');
  mkdirSync(full);
  writeFileSync(join(full, 'mine.txt'), 'x');
  expect(belfry('init', full)).toMatchObject({ status: 1, text: expect.stringContaining('is not empty') });
});
