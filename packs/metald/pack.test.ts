import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BuildOptions, build, type GeneratedFile } from '@belfry/sdk';
import { afterAll, describe, expect, it } from 'vitest';
import metaldPack from './pack.ts';

const dir = mkdtempSync(join(tmpdir(), 'belfry-pack-'));
afterAll(() => rmSync(dir, { recursive: true }));

function write(files: readonly GeneratedFile[], into: string): void {
  for (const { path, text } of files) {
    mkdirSync(dirname(join(into, path)), { recursive: true });
    writeFileSync(join(into, path), text);
  }
}

function has(tool: string): boolean {
  return spawnSync(tool, ['--version']).status === 0;
}

/** What the tool says, when it is not content. */
function complaint(tool: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  return status === 0 ? '' : stdout + stderr;
}

const secret = join(dir, 'secret');
writeFileSync(secret, 'https://hooks.example.org/x');
const profiles: Record<string, BuildOptions> = {
  local: { inboxUrl: 'http://127.0.0.1:3000/api/inbox' },
  offset: { inboxUrl: 'http://127.0.0.1:3100/api/inbox', portOffset: 100 },
  real: { secretFiles: { SLACK_WEBHOOK_URL: secret, PAGERDUTY_ROUTING_KEY: secret } },
};

describe.each(Object.entries(profiles))('the metald pack, built with profile %s', (profile, options) => {
  const files = build([metaldPack], options);
  const out = join(dir, profile);
  write(files, out);
  const rules = files.filter((f) => f.path.startsWith('rules/')).map((f) => join(out, f.path));

  it.skipIf(!has('promtool'))('is accepted by promtool (skipped where promtool is not installed)', () => {
    expect(complaint('promtool', 'check', 'config', join(out, 'prometheus.yml'))).toBe('');
    expect(complaint('promtool', 'check', 'rules', ...rules)).toBe('');
  });
  it.skipIf(!has('amtool'))('is accepted by amtool (skipped where amtool is not installed)', () => {
    expect(complaint('amtool', 'check-config', join(out, 'alertmanager.yml'))).toBe('');
  });
  it('is the same every time', () => {
    expect(build([metaldPack], options)).toEqual(files);
  });
  it('holds no placeholder', () => {
    for (const { path, text } of files) expect(/YOUR_|CHANGEME|undefined|NaN/.exec(text)?.[0], path).toBeUndefined();
  });
});

describe('the local profile', () => {
  const files = new Map(build([metaldPack], profiles.local).map((f) => [f.path, f.text]));
  it('has the files that the runtime loads', () => {
    expect([...files.keys()]).toMatchSnapshot();
  });
  it.each(['prometheus.yml', 'alertmanager.yml', 'rules/metald-critical.yml', 'rules/metald-warnings.yml'])(
    '%s',
    (path) => {
      expect(files.get(path)).toMatchSnapshot();
    },
  );
});
