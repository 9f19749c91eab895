/** Starts the three servers that are measured, each as a process of its own on loopback. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { get, until } from './http-client.ts';

const ROOT = resolve(import.meta.dirname, '..');

export type ServerKind = 'belfry' | 'prometheus' | 'victoria';
export const KINDS: readonly ServerKind[] = ['belfry', 'prometheus', 'victoria'];
const COMMANDS: Readonly<Record<ServerKind, string>> = {
  belfry: join(ROOT, 'belfry'),
  prometheus: 'prometheus',
  victoria: 'victoria-metrics',
};

export interface Server {
  readonly kind: ServerKind;
  readonly base: string;
  readonly pid: number;
  readonly directory: string;
  /** When it was started, on `performance.now()`. */
  readonly startedMs: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** What is under way: stopped when the run ends, however it ends. */
const running = new Set<ChildProcess>();
const STOP_TIMEOUT_MS = 30_000;

/** Ends what is still there at once. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

export interface StartOptions {
  readonly kind: ServerKind;
  /** Its data, and beside it `….yml`, its configuration. */
  readonly directory: string;
  /** `scrape_configs` and `global` in Prometheus' words; none: it scrapes nothing. */
  readonly config?: string;
  /** A file of rule groups; VictoriaMetrics' rules run in vmalert, which the caller starts. */
  readonly ruleFile?: string;
}

/** Starts one. Ready or not: ask {@link ready}. */
export async function startServer({ kind, directory, config = '', ruleFile }: StartOptions): Promise<Server> {
  const port = await freePort();
  mkdirSync(directory, { recursive: true });
  const file = `${directory}.yml`;
  const rules = ruleFile && kind !== 'victoria' ? `rule_files: ['${ruleFile}']\n` : '';
  writeFileSync(file, config + rules);
  const address = `127.0.0.1:${port}`;
  const startedMs = performance.now();
  const { child, stop } = startProcess(COMMANDS[kind], argumentsOf(kind, directory, file, address, config !== ''));
  return { kind, base: `http://${address}`, pid: child.pid!, directory, startedMs, stop };
}

function argumentsOf(kind: ServerKind, directory: string, file: string, address: string, scrapes: boolean): string[] {
  if (kind === 'victoria') {
    return [
      `-storageDataPath=${directory}`,
      `-httpListenAddr=${address}`,
      '-search.disableCache',
      '-search.latencyOffset=0s',
      '-loggerLevel=ERROR',
      ...(scrapes ? [`-promscrape.config=${file}`] : []),
    ];
  }
  return [
    ...(kind === 'belfry' ? ['serve'] : []),
    `--config.file=${file}`,
    `--storage.tsdb.path=${directory}`,
    `--web.listen-address=${address}`,
    '--web.enable-remote-write-receiver',
    '--web.enable-admin-api',
    '--web.enable-lifecycle',
    '--log.level=error',
  ];
}

/** Any process that ends with the run. */
export function startProcess(
  command: string,
  args: readonly string[],
): { child: ChildProcess; stop: Server['stop']; output: () => string } {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-8_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  running.add(child);
  let stopping = false;
  const exited = new Promise<void>((done) => {
    child.once('exit', (code, signal) => {
      running.delete(child);
      if (!stopping) console.error(`${command} ended by itself (${code ?? signal}): ${output.slice(-2_000)}`);
      done();
    });
  });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    stopping = true;
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };
  return { child, stop, output: () => output };
}

/** Waits until it answers queries. */
export async function ready(server: Server, timeoutMs = 60_000): Promise<void> {
  await until(`${server.kind} ready`, timeoutMs, 20, async () => {
    const { status } = await get(server.base, '/api/v1/query', { query: '1' });
    return status === 200 ? true : undefined;
  });
}

/** Which version each is, in one line. */
export function versionOf(kind: ServerKind): string {
  const output = (command: string, args: readonly string[]) =>
    spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' }).stdout.split('\n')[0]!.trim();
  if (kind === 'belfry') {
    const commit = output('git', ['rev-parse', '--short', 'HEAD']);
    return `Belfry ${output(COMMANDS.belfry, ['--version'])} (${commit}), Node ${process.version}`;
  }
  if (kind === 'prometheus')
    return output(COMMANDS.prometheus, ['--version']).replace(/ \(.*/, '').replace('prometheus, version', 'Prometheus');
  // Debian's build does not know its own version.
  return `VictoriaMetrics ${output('dpkg-query', ['-W', '-f', '${Version}', 'victoria-metrics']) || 'of unknown version'}`;
}

export function installed(kind: ServerKind): boolean {
  return spawnSync('sh', ['-c', `command -v ${COMMANDS[kind]}`]).status === 0;
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolvePort(port));
    });
  });
}
