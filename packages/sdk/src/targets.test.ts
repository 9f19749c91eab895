/** What every target makes of the example pack, to the byte. After a wanted change: `UPDATE_GOLDEN=1 vitest`. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, type GeneratedFile } from './build.ts';
import { shopPack } from './example-shop.ts';
import { buildTargets, TARGETS, type TargetName, targetNames } from './targets.ts';

const GOLDEN = join(import.meta.dirname, 'golden');
const all = targetNames(['all']);

describe.each(all)('target %s', (target) => {
  const files = buildTargets([shopPack], [target]);
  it('makes the golden files and no others', () => {
    const folder = join(GOLDEN, target);
    if (process.env.UPDATE_GOLDEN) rewrite(folder, files);
    for (const { path, text } of files) expect(text, path).toBe(readFileSync(join(folder, path), 'utf8'));
    expect(listed(folder)).toEqual(files.map((f) => f.path));
  });
  it('makes the same bytes every time', () => {
    expect(buildTargets([shopPack], [target])).toEqual(files);
  });
  it('leaves nothing open', () => {
    for (const { path, text } of files)
      expect(/YOUR_|CHANGEME|undefined|NaN|\[object /.exec(text)?.[0], path).toBeUndefined();
  });
});

describe('targets', () => {
  it('are named, all of them by one word', () => {
    expect(targetNames(['grafana', 'prometheus'])).toEqual(['prometheus', 'grafana']);
    expect(targetNames(['all'])).toEqual(Object.keys(TARGETS));
    expect(() => targetNames(['nagios'])).toThrow('unknown target "nagios"; known are prometheus,');
  });
  it('that a tower loads are those of a build without targets', () => {
    const loaded: TargetName[] = ['prometheus', 'alertmanager', 'grafana', 'runbooks'];
    expect(buildTargets([shopPack], loaded)).toEqual(build([shopPack]));
  });
  it('do not write the same path twice', () => {
    const paths = buildTargets([shopPack], all).map((f) => f.path);
    expect(new Set(paths).size).toBe(paths.length);
  });
});

function listed(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function rewrite(folder: string, files: readonly GeneratedFile[]): void {
  rmSync(folder, { recursive: true, force: true });
  for (const { path, text } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
