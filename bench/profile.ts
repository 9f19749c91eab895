/**
 * Where Belfry spends its time: `node bench/profile.ts load|range|instant|metadata|scrape|rules`. Prints, for each thread, the
 * functions with the most time of their own, and leaves the profiles (for Chromium's developer tools) in a directory.
 */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDataset, SIZES } from './dataset.ts';
import { startExposition } from './exposition.ts';
import { get, send, sleep } from './http-client.ts';
import { load } from './phase-load.ts';
import { metadataCalls, queryCalls } from './phase-queries.ts';
import { ruleFileText } from './phase-rules.ts';
import { QUERIES } from './queries.ts';
import { killAll, ready, startServer } from './servers.ts';
import { encodeDataset } from './write-requests.ts';

const SEED = 20_240_607;
const SHOWN = 25;
const [part = 'range', only] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'belfry-profile-'));
let profiles = join(directory, 'profiles');
process.env.NODE_OPTIONS = `--cpu-prof --cpu-prof-interval=500 --cpu-prof-dir=${profiles}`;

try {
  if (part === 'scrape' || part === 'rules') await profileScraping(part === 'rules');
  else await profileLoaded();
} finally {
  killAll();
}
for (const file of readdirSync(profiles).sort()) printProfile(join(profiles, file));
console.log(`\nprofiles: ${profiles}`);

async function profileLoaded(): Promise<void> {
  const dataset = createDataset(SIZES.small, Math.floor(Date.now() / 60_000) * 60_000, SEED);
  const requests = encodeDataset(dataset, join(directory, 'requests'), SEED);
  const { server } = await load('belfry', join(directory, 'belfry'), requests, 30_000);
  if (part !== 'load') {
    await server.stop();
    // The load's own profiles are not wanted.
    process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS}-${part}`;
    profiles += `-${part}`;
    const again = await startServer({ kind: 'belfry', directory: server.directory });
    await ready(again);
    const calls =
      part === 'metadata'
        ? metadataCalls(dataset)
        : QUERIES.filter((q) => !only || q.name === only)
            .flatMap(({ name, expr }) => queryCalls(name, expr, dataset))
            .filter((c) => c.kind.startsWith(part));
    const turns = part === 'range' ? 12 : 80;
    for (let turn = 0; turn < turns; turn++) for (const call of calls) await call.ask(again, turn);
    await again.stop();
  } else await server.stop();
}

async function profileScraping(withRules: boolean): Promise<void> {
  const saved = process.env.NODE_OPTIONS!;
  delete process.env.NODE_OPTIONS;
  const exposition = await startExposition(withRules ? 20 : 80, 500);
  process.env.NODE_OPTIONS = saved;
  const ruleFile = join(directory, 'rules.yml');
  writeFileSync(ruleFile, ruleFileText());
  const config = exposition.config(withRules ? 5 : 1);
  const server = await startServer({
    kind: 'belfry',
    directory: join(directory, 'b'),
    config,
    ...(withRules ? { ruleFile } : {}),
  });
  await ready(server);
  await sleep(withRules ? 45_000 : 25_000);
  await get(server.base, '/metrics');
  await send(`${server.base}/-/quit`, { method: 'POST' });
  await server.stop();
  await exposition.stop();
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

function printProfile(file: string): void {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile;
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.replace(/^.*\/(packages|apps|node_modules)\//, '$1/')}:${lineNumber + 1}`,
    ]),
  );
  const own = new Map<string, number>();
  let busy = 0;
  for (let i = 0; i < samples.length; i++) {
    const name = names.get(samples[i]!)!;
    if (name.startsWith('(idle)') || name.startsWith('(program)')) continue;
    busy += timeDeltas[i]!;
    own.set(name, (own.get(name) ?? 0) + timeDeltas[i]!);
  }
  console.log(`\n${file}: ${(busy / 1e6).toFixed(2)} s busy`);
  const most = [...own].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  for (const [name, us] of most) console.log(`  ${((100 * us) / busy).toFixed(1).padStart(5)} %  ${name}`);
}
