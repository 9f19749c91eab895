import { BelfryError } from '@belfry/model';
import { errorCode, type Files, readWhole } from './files.ts';
import { kernelLockHolder, processStart, prometheusOn } from './process-table.ts';

/** The hold on a data directory. */
export interface DirectoryLock {
  release(): void;
}

interface Holder {
  readonly pid: number;
  /** When that process began, in the kernel's own unit: tells it from a later process of the same number. */
  readonly started: string;
}

const MAX_ATTEMPTS = 5;

/**
 * Takes `directory/lock`, the file that Prometheus locks too. Ours holds the process number, so that one left behind by
 * kill -9 is recognised and taken over; a Prometheus that runs on the directory is recognised by its kernel lock or open files.
 * (The other way round there is no protection: Node cannot take a kernel lock, so a Prometheus started on a directory that
 * Belfry holds does not notice.)
 * @throws BelfryError `data_locked`, naming the holder
 */
export function lockDirectory(files: Files, directory: string): DirectoryLock {
  const path = `${directory}/lock`;
  const mine: Holder = { pid: process.pid, started: processStart(process.pid) };
  const content = Buffer.from(`${JSON.stringify({ ...mine, program: 'belfry' })}\n`);
  const prometheus = prometheusOn(directory);
  if (prometheus !== undefined) throw locked(directory, prometheus);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      const file = files.open(path, 'create');
      try {
        file.write(content, 0, content.length, 0);
      } finally {
        file.close();
      }
      return { release: () => releaseLock(files, path, content) };
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
    const pid = holderOf(files, path);
    if (pid !== undefined) throw locked(directory, pid);
    removeStale(files, path);
  }
  throw locked(directory, undefined);
}

function locked(directory: string, pid: number | undefined): BelfryError {
  const who = pid === undefined ? 'another process' : pid === process.pid ? 'this process' : `process ${pid}`;
  return new BelfryError('data_locked', `data directory ${directory} is in use by ${who}`);
}

function releaseLock(files: Files, path: string, content: Buffer): void {
  try {
    if (Buffer.compare(readWhole(files, path), content) === 0) files.remove(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** The living process that holds the lock file, if any. */
function holderOf(files: Files, path: string): number | undefined {
  const kernel = kernelLockHolder(path);
  if (kernel !== undefined) return kernel;
  let text: string;
  try {
    text = Buffer.from(readWhole(files, path)).toString();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const holder = parseHolder(text);
  if (!holder || !isAlive(holder.pid)) return undefined;
  return processStart(holder.pid) === holder.started ? holder.pid : undefined;
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { pid, started } = value as Record<string, unknown>;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : undefined;
  } catch {
    // Prometheus' lock file is empty; whether it is held, the kernel has already said.
    return undefined;
  }
}

/** Renames before removing: of two processes that take over at once, only one finds the file there. */
function removeStale(files: Files, path: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    files.rename(path, aside);
    files.remove(aside);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
