import { type ChildProcess, fork } from 'node:child_process';
import { BelfryError, type Clock, messageOf, nearest } from '@belfry/model';
import type { Logger } from './log.ts';

/** A reference service that the fleet can run, each in a process of its own. */
export interface ServiceDefinition {
  readonly name: string;
  readonly description: string;
  /** The file that runs it as a process. */
  readonly main: string;
  readonly env: Readonly<Record<string, string>>;
  /** The first is that of its API, which also answers `/_/breakages`. */
  readonly ports: readonly { readonly name: string; readonly port: number; readonly path: string }[];
}

/** A failure that a service can be put into. */
export interface Breakage {
  readonly name: string;
  readonly description: string;
  readonly active: boolean;
}

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
  list(): Promise<readonly ServiceStatus[]>;
  /** Resolves when the service is ready. @throws BelfryError `not_found`, `unavailable` */
  start(name: string): Promise<void>;
  stop(name: string): Promise<void>;
  setBreakage(name: string, breakage: string, active: boolean): Promise<void>;
  close(): Promise<void>;
}

/** How long a service may take to be ready, to stop once told, and to answer a question, in milliseconds. */
const READY_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 2_000;

interface Member {
  readonly definition: ServiceDefinition;
  state: ServiceStatus['state'];
  child?: ChildProcess;
  error?: string;
}

/** Runs the services; each stops with this process, however that ends, because its channel closes. */
export function createFleet(definitions: readonly ServiceDefinition[], clock: Clock, log: Logger): Fleet {
  const members = new Map<string, Member>(
    definitions.map((definition) => [definition.name, { definition, state: 'stopped' }]),
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

  const stop = async (name: string): Promise<void> => {
    const member = memberOf(name);
    const { child } = member;
    member.state = 'stopped';
    delete member.error;
    if (child) await stopChild(child, clock);
  };

  return {
    list: () => Promise.all([...members.values()].map(statusOf)),
    async start(name) {
      const member = memberOf(name);
      if (member.state === 'running' || member.state === 'starting') return;
      await startMember(member, clock, log);
    },
    stop,
    async setBreakage(name, breakage, active) {
      const member = memberOf(name);
      if (member.state !== 'running') throw new BelfryError('unavailable', `${name} is ${member.state}`);
      const { status, body } = await ask(member, 'POST', { name: breakage, on: active });
      if (status !== 200) throw new BelfryError('not_found', `${name}: ${body.message ?? `answered ${status}`}`);
    },
    async close() {
      await Promise.all([...members.keys()].map(stop));
    },
  };
}

interface BreakagesAnswer {
  readonly incidents?: readonly { readonly name: string; readonly story: string; readonly on: boolean }[];
  readonly message?: string;
}

async function ask(member: Member, method: string, body?: unknown): Promise<{ status: number; body: BreakagesAnswer }> {
  const { name, ports } = member.definition;
  try {
    const response = await fetch(`http://127.0.0.1:${ports[0]!.port}/_/breakages`, {
      method,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as BreakagesAnswer };
  } catch (error) {
    throw new BelfryError('unavailable', `${name} does not answer: ${messageOf(error)}`, { cause: error });
  }
}

async function statusOf(member: Member): Promise<ServiceStatus> {
  const { definition, state, child } = member;
  let { error } = member;
  let breakages: readonly Breakage[] = [];
  if (state === 'running') {
    try {
      const { body } = await ask(member, 'GET');
      breakages = (body.incidents ?? []).map(({ name, story, on }) => ({ name, description: story, active: on }));
    } catch (fault) {
      error = messageOf(fault);
    }
  }
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
  const child = fork(definition.main, [], {
    env: { ...process.env, ...definition.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1'],
  });
  member.child = child;
  let lastWords = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = chunk.toString().trim().split('\n').at(-1) || lastWords;
  });
  return new Promise((resolve, reject) => {
    const fail = (message: string) => {
      timer.cancel();
      if (member.state !== 'stopped') member.state = 'failed';
      member.error = message;
      reject(new BelfryError('unavailable', `${definition.name} did not start: ${message}`));
    };
    const timer = clock.after(READY_TIMEOUT_MS, () => {
      child.kill('SIGKILL');
      fail(`not ready after ${READY_TIMEOUT_MS / 1000} s`);
    });
    child.once('message', () => {
      timer.cancel();
      member.state = 'running';
      resolve();
    });
    child.once('error', (error) => fail(error.message));
    // `close` comes after the last of standard error has been read.
    child.once('close', (code, signal) => {
      if (member.child !== child) return;
      delete member.child;
      const ended = lastWords || (signal ? `ended by ${signal}` : `ended with exit code ${code}`);
      if (member.state === 'starting') fail(ended);
      else if (member.state === 'running') {
        member.state = 'failed';
        member.error = ended;
        log.warn({ service: definition.name, error: ended }, 'service ended');
      }
    });
  });
}

function stopChild(child: ChildProcess, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = clock.after(STOP_TIMEOUT_MS, () => child.kill('SIGKILL'));
    child.once('close', () => {
      timer.cancel();
      resolve();
    });
    child.kill('SIGTERM');
  });
}
