import { type ChildProcess, fork } from 'node:child_process';
import { BelfryError, type Clock, nearest } from '@belfry/model';
import type { Logger } from './log.ts';

/** A reference service that the fleet can run, each in a process of its own. */
export interface ServiceDefinition {
  readonly name: string;
  readonly description: string;
  /** The file that runs it as a process. */
  readonly main: string;
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly path: string }[];
}

export interface Breakage {
  readonly name: string;
  readonly description: string;
  readonly active: boolean;
}

/** What a service process tells its supervisor. */
export type ServiceMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'breakages'; readonly breakages: readonly Breakage[] };

/** What a supervisor tells a service process. The end of the channel means: stop. */
export type SupervisorMessage =
  | { readonly kind: 'stop' }
  | { readonly kind: 'break'; readonly name: string; readonly active: boolean };

export interface ServiceStatus {
  readonly name: string;
  readonly description: string;
  readonly state: 'running' | 'stopped' | 'starting' | 'failed';
  readonly pid?: number;
  readonly error?: string;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly url: string }[];
  readonly breakages: readonly Breakage[];
}

export interface Fleet {
  list(): readonly ServiceStatus[];
  start(name: string): Promise<void>;
  stop(name: string): Promise<void>;
  setBreakage(name: string, breakage: string, active: boolean): Promise<void>;
  close(): Promise<void>;
}

/** How long a service may take to say that it is ready, and to stop once told, in milliseconds. */
const READY_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;

interface Member {
  readonly definition: ServiceDefinition;
  state: ServiceStatus['state'];
  child?: ChildProcess;
  error?: string;
  breakages: readonly Breakage[];
}

/** Runs the services; each stops with this process, however that ends, because its channel closes. */
export function createFleet(definitions: readonly ServiceDefinition[], clock: Clock, log: Logger): Fleet {
  const members = new Map<string, Member>(
    definitions.map((definition) => [definition.name, { definition, state: 'stopped', breakages: [] }]),
  );

  const memberOf = (name: string): Member => {
    const member = members.get(name);
    if (member) return member;
    const near = nearest(name, members.keys());
    const known = [...members.keys()].join(', ');
    throw new BelfryError(
      'not_found',
      `no service ${name}${near ? ` (did you mean ${near}?)` : ''}; there are ${known}`,
    );
  };

  const start = async (name: string): Promise<void> => {
    const member = memberOf(name);
    if (member.state === 'running' || member.state === 'starting') return;
    await startMember(member, clock, log);
  };

  const stop = async (name: string): Promise<void> => {
    const member = memberOf(name);
    const { child } = member;
    member.state = 'stopped';
    if (child) await stopChild(child, clock);
  };

  return {
    list: () => [...members.values()].map(statusOf),
    start,
    stop,
    async setBreakage(name, breakage, active) {
      const member = memberOf(name);
      const known = member.breakages.map((b) => b.name);
      if (!known.includes(breakage)) {
        throw new BelfryError('not_found', `${name} has no failure ${breakage}; it has ${known.join(', ') || 'none'}`);
      }
      member.child?.send({ kind: 'break', name: breakage, active } satisfies SupervisorMessage);
    },
    async close() {
      await Promise.all([...members.keys()].map(stop));
    },
  };
}

function statusOf(member: Member): ServiceStatus {
  const { definition, state, child, error, breakages } = member;
  return {
    name: definition.name,
    description: definition.description,
    state,
    ...(state === 'running' && child?.pid !== undefined ? { pid: child.pid } : {}),
    ...(error ? { error } : {}),
    ports: definition.ports.map(({ name, port, path }) => ({ name, port, url: `http://127.0.0.1:${port}${path}` })),
    breakages,
  };
}

function startMember(member: Member, clock: Clock, log: Logger): Promise<void> {
  const { definition } = member;
  member.state = 'starting';
  delete member.error;
  const child = fork(definition.main, [...definition.arguments], {
    env: { ...process.env, ...definition.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2'],
  });
  member.child = child;
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = chunk.toString().trim().split('\n').at(-1) ?? lastWords;
  });
  return new Promise((resolve, reject) => {
    const fail = (message: string) => {
      timer.cancel();
      member.state = member.state === 'stopped' ? 'stopped' : 'failed';
      member.error = message;
      reject(new BelfryError('unavailable', `${definition.name} did not start: ${message}`));
    };
    const timer = clock.after(READY_TIMEOUT_MS, () => {
      child.kill('SIGKILL');
      fail(`not ready after ${READY_TIMEOUT_MS / 1000} s`);
    });
    child.on('message', (message: ServiceMessage) => {
      if (message.kind === 'breakages') member.breakages = message.breakages;
      else if (message.kind === 'failed') fail(message.message);
      else {
        timer.cancel();
        member.state = 'running';
        resolve();
      }
    });
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code, signal) => {
      if (member.child !== child) return;
      delete member.child;
      if (member.state === 'starting') fail(lastWords || `exited with ${signal ?? code}`);
      else if (member.state === 'running') {
        member.state = 'failed';
        member.error = lastWords || `ended by ${signal ?? `exit code ${code}`}`;
        log.warn({ service: definition.name, error: member.error }, 'service ended');
      }
    });
  });
}

function stopChild(child: ChildProcess, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(STOP_TIMEOUT_MS, () => child.kill('SIGKILL'));
    child.once('exit', () => {
      timer.cancel();
      resolve();
    });
    if (child.exitCode !== null || child.signalCode !== null) {
      timer.cancel();
      return resolve();
    }
    if (child.connected) child.send({ kind: 'stop' } satisfies SupervisorMessage);
    else child.kill('SIGTERM');
  });
}
