/**
 * The rules of the house that no linter knows: which room may import which, and that time comes from the clock.
 * Prints one line a violation; exits 1 when there is one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** Each room, and the rooms below it that it may import. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'packages/model': [],
  'packages/config': ['packages/model'],
  'packages/exposition': ['packages/model'],
  'packages/template': ['packages/model'],
  'packages/promql': ['packages/model'],
  'packages/tsdb': ['packages/model', 'packages/promql'],
  'packages/scrape': ['packages/model', 'packages/config', 'packages/exposition'],
  'packages/rules': ['packages/model', 'packages/config', 'packages/template', 'packages/promql'],
  'packages/alerting': ['packages/model', 'packages/config', 'packages/template'],
  'packages/sdk': [
    'packages/model',
    'packages/config',
    'packages/template',
    'packages/promql',
    'packages/rules',
    'packages/alerting',
  ],
  'packages/check': [
    'packages/model',
    'packages/config',
    'packages/exposition',
    'packages/promql',
    'packages/template',
    'packages/rules',
    'packages/alerting',
    'packages/sdk',
  ],
  'packages/api': [
    'packages/model',
    'packages/config',
    'packages/exposition',
    'packages/promql',
    'packages/scrape',
    'packages/rules',
    'packages/alerting',
  ],
  'packs/metald': ['packages/sdk'],
  'services/kit': ['packages/model', 'packages/sdk'],
  'services/metald': ['packages/model', 'packages/sdk', 'packs/metald', 'services/kit'],
  'services/billaged': ['packages/model', 'packages/sdk', 'packs/metald', 'services/kit'],
  'apps/web': ['packages/model', 'packages/promql'],
};
/** Wires everything; nobody imports it. */
const COMPOSITION = ['apps/belfry', 'tests', 'tools', 'bench'];

const TIME = /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bMath\.random\(/;
const TIME_ALLOWED = /(^packages\/model\/src\/clock\.ts$)|(\.test\.tsx?$)|^apps\/web\/|^tests\/|^tools\/|^bench\//;
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'";]*?from\s+['"]([^'"]+)['"]|(?:^|\W)import\(\s*['"]([^'"]+)['"]\s*\)/g;

function* sources(dir: string): Generator<string> {
  for (const entry of readdirSync(join(root, dir), { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name.startsWith('.')) continue;
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(entry.name)) yield path;
  }
}

function roomOf(path: string): string | undefined {
  const composed = COMPOSITION.find((c) => path.startsWith(`${c}/`));
  return composed ?? Object.keys(ARROWS).find((room) => path.startsWith(`${room}/`));
}

const roomOfPackage = new Map<string, string>();
for (const room of [...Object.keys(ARROWS), 'apps/belfry']) {
  const name = (JSON.parse(readFileSync(join(root, room, 'package.json'), 'utf8')) as { name: string }).name;
  roomOfPackage.set(name, room);
}

const problems: string[] = [];
const files = ['packages', 'packs', 'services', 'apps', 'tools', 'tests', 'bench'].flatMap((dir) => [...sources(dir)]);
for (const path of files) {
  const room = roomOf(path);
  if (!room) {
    problems.push(`${path}: belongs to no room; add the room to tools/house.ts and docs/architecture.md`);
    continue;
  }
  const text = readFileSync(join(root, path), 'utf8');
  const allowed = ARROWS[room];
  for (const match of text.matchAll(IMPORT)) {
    const target = match[1] ?? match[2]!;
    const line = text.slice(0, match.index).split('\n').length;
    const to = target.startsWith('.')
      ? roomOf(relative(root, resolve(root, dirname(path), target)))
      : roomOfPackage.get(target.split('/').slice(0, 2).join('/'));
    if (to && to !== room && allowed && !allowed.includes(to)) {
      problems.push(`${path}:${line}: ${room} may not import ${to} (arrows go down: docs/architecture.md)`);
    }
    if (target.startsWith('.') && to && to !== room && allowed) {
      problems.push(`${path}:${line}: reaches into ${to} by path; import the package by name`);
    }
  }
  if (!TIME_ALLOWED.test(path)) {
    text.split('\n').forEach((content, i) => {
      if (TIME.test(content) && !/^\s*(\/\/|\*)/.test(content)) {
        problems.push(`${path}:${i + 1}: takes time or chance from a global; take a Clock or a Random`);
      }
    });
  }
}

for (const problem of problems) console.error(problem);
console.log(`${files.length} files, ${problems.length} violations of the house rules`);
process.exitCode = problems.length > 0 ? 1 : 0;
