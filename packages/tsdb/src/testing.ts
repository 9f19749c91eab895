import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import { type Labels, labelsFrom, type Matcher, seededRandom, sleep, systemClock } from '@belfry/model';
import { type Database, type DatabaseOptions, openDatabase } from './database.ts';

/** What the tests of this room share. */

export const BASE_MS = 1_700_000_000_000 - (1_700_000_000_000 % 7_200_000);

export function temporaryDirectory(): string {
  return fs.mkdtempSync(`${os.tmpdir()}/belfry-tsdb-`);
}

export function open(directory: string, more: Partial<DatabaseOptions> = {}): Database {
  return openDatabase({ directory, clock: systemClock, random: seededRandom(1), ...more });
}

export function metric(name: string, more: Record<string, string> = {}): Labels {
  return labelsFrom({ __name__: name, ...more });
}

export function equal(name: string, value: string): Matcher {
  return { name, op: '=', value };
}

/** `{labels: [[t, value]…]}` of everything a selection gives. */
export function contents(
  db: Database,
  matchers: readonly Matcher[] = [{ name: '__name__', op: '=~', value: '.+' }],
  minMs = -8e15,
  maxMs = 8e15,
): Record<string, (readonly [number, number])[]> {
  const out: Record<string, (readonly [number, number])[]> = {};
  for (const s of db.select(matchers, minMs, maxMs)) {
    const key = JSON.stringify(s.labels);
    out[key] = Array.from({ length: s.count }, (_, i) => [s.timestamps[i], s.values[i]] as const);
  }
  return out;
}

export const promtool = spawnSync('promtool', ['--version']).status === 0;

/** The lines that `promtool tsdb dump` prints: `labels value time`. Of a copy: promtool writes into what it reads. */
export function promtoolDump(source: string): string[] {
  const directory = temporaryDirectory();
  try {
    fs.cpSync(source, directory, { recursive: true });
    return dump(directory);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

function dump(directory: string): string[] {
  const run = spawnSync('promtool', ['tsdb', 'dump', directory], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout.split('\n').filter((line) => line !== '');
}

export const prometheus = spawnSync('prometheus', ['--version']).status === 0;

/** A real Prometheus on a data directory. */
export interface RunningPrometheus {
  /** The `data` of an API answer. */
  get(path: string): Promise<unknown>;
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export async function startPrometheus(
  directory: string,
  flags: readonly string[] = [],
  configuration: (port: number) => readonly string[] = () => [],
): Promise<RunningPrometheus> {
  const port = await freePort();
  const config = `${temporaryDirectory()}/prometheus.yml`;
  fs.writeFileSync(config, configuration(port).join('\n'));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${directory}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-admin-api',
      '--web.enable-remote-write-receiver',
      '--log.level=warn',
      '--enable-feature=native-histograms,exemplar-storage',
      ...flags,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let complaints = '';
  child.stderr.on('data', (text) => (complaints += text));
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`prometheus ended: ${complaints}`);
    const ready = await fetch(`${url}/-/ready`).then(
      (r) => r.status === 200,
      () => false,
    );
    if (ready) break;
    await sleep(systemClock, 50);
  }
  return {
    get: async (path) => {
      const answer = (await (await fetch(`${url}${path}`)).json()) as { data: unknown; error?: string };
      if (answer.error) throw new Error(answer.error);
      return answer.data;
    },
    stop: async (signal) => {
      child.kill(signal);
      await ended;
      fs.rmSync(config.slice(0, config.lastIndexOf('/')), { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
