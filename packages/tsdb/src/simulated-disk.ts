import type { Random } from '@belfry/model';
import type { FileHandle, Files } from './files.ts';

/** What can be made to go wrong. Shares are chances per operation. */
export interface Faults {
  /** Writes and creations fail as on a full disk, after a part of them happened. */
  full: boolean;
  /** Any operation fails with an I/O error, a write after a part of it happened. */
  ioErrorShare: number;
  /** The machine stops in the middle of an operation: nothing happens any more, every call throws {@link Crash}. */
  crashShare: number;
}

/** The simulated process is gone. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

interface SimulatedFile {
  bytes: Uint8Array;
  length: number;
  /** What a power cut leaves for sure. */
  durable: Uint8Array;
}

/**
 * A disk in memory that fails as told, for tests of crash safety: with kill -9 everything written is there; with a power cut
 * only what was synced is for sure, and of the rest any part.
 */
export interface SimulatedDisk extends Files {
  readonly faults: Faults;
  /** The process is killed: open files are gone, what was written stays. */
  kill(): void;
  /** As {@link kill}, and of what was not synced only a random part stays. */
  cutPower(): void;
  /** Paths of all files. */
  paths(): string[];
  /** Changes a random bit of a file. */
  flipBit(path: string): void;
  readonly operations: number;
}

export function simulatedDisk(random: Random): SimulatedDisk {
  const files = new Map<string, SimulatedFile>();
  const directories = new Set<string>();
  const faults: Faults = { full: false, ioErrorShare: 0, crashShare: 0 };
  let crashed = false;
  let life = 0;
  let operations = 0;

  const fail = (code: string) => Object.assign(new Error(`${code}: simulated`), { code });

  /** Called before each operation; `part` does a part of it, for those that can be torn. */
  const perform = (part: () => void = () => {}, needsSpace = false) => {
    operations++;
    if (crashed) throw new Crash('the process is gone');
    if (random() < faults.crashShare) {
      part();
      crashed = true;
      throw new Crash('the process stops here');
    }
    if (needsSpace && faults.full) {
      part();
      throw fail('ENOSPC');
    }
    if (random() < faults.ioErrorShare) {
      part();
      throw fail('EIO');
    }
  };

  const open: Files['open'] = (path, mode) => {
    perform(undefined, mode === 'create');
    let file = files.get(path);
    if (mode === 'create') {
      if (file) throw fail('EEXIST');
      file = { bytes: new Uint8Array(256), length: 0, durable: new Uint8Array(0) };
      files.set(path, file);
    } else if (!file) throw fail('ENOENT');
    return handle(path, file, life);
  };

  const handle = (path: string, file: SimulatedFile, born: number): FileHandle => {
    const alive = () => {
      if (born !== life) throw new Crash('the file belongs to a process that is gone');
    };
    return {
      path,
      read: (buffer, offset, length, position) => {
        alive();
        perform();
        const end = Math.min(file.length, position + length);
        if (end <= position) return 0;
        buffer.set(file.bytes.subarray(position, end), offset);
        return end - position;
      },
      write: (buffer, offset, length, position) => {
        alive();
        const put = (n: number) => putBytes(file, buffer, offset, n, position);
        perform(() => put(Math.floor(random() * length)), true);
        put(length);
      },
      sync: () => {
        alive();
        perform();
        file.durable = file.bytes.slice(0, file.length);
      },
      truncate: (size) => {
        alive();
        perform();
        if (size > file.length) putBytes(file, new Uint8Array(size - file.length), 0, size - file.length, file.length);
        file.bytes.fill(0, size);
        file.length = size;
      },
      size: () => file.length,
      close: () => {},
      finish: (failed) => {
        alive();
        try {
          perform();
          file.durable = file.bytes.slice(0, file.length);
        } catch (error) {
          if (error instanceof Crash) throw error;
          failed(error);
        }
      },
    };
  };

  const under = (path: string) => [...files.keys()].filter((p) => p.startsWith(`${path}/`));

  const kill = () => {
    crashed = false;
    life++;
    faults.full = false;
    faults.ioErrorShare = 0;
    faults.crashShare = 0;
  };

  return {
    faults,
    get operations() {
      return operations;
    },
    open,
    list: (directory) => {
      perform();
      const names = new Set<string>();
      for (const path of [...files.keys(), ...directories]) {
        if (path.startsWith(`${directory}/`)) names.add(path.slice(directory.length + 1).split('/')[0]);
      }
      return [...names].sort();
    },
    status: (path) => {
      if (crashed) throw new Crash('the process is gone');
      const file = files.get(path);
      if (file) return { size: file.length, isDirectory: false };
      return directories.has(path) || under(path).length > 0 ? { size: 0, isDirectory: true } : undefined;
    },
    makeDirectory: (path) => {
      perform(undefined, true);
      directories.add(path);
    },
    rename: (from, to) => {
      perform();
      const file = files.get(from);
      if (file) {
        files.delete(from);
        files.set(to, file);
        return;
      }
      const moved = under(from);
      if (moved.length === 0 && !directories.has(from)) throw fail('ENOENT');
      for (const path of moved) {
        files.set(`${to}${path.slice(from.length)}`, files.get(path)!);
        files.delete(path);
      }
      for (const path of [...directories]) {
        if (path !== from && !path.startsWith(`${from}/`)) continue;
        directories.delete(path);
        directories.add(`${to}${path.slice(from.length)}`);
      }
    },
    link: (from, to) => {
      perform(undefined, true);
      const file = files.get(from);
      if (!file) throw fail('ENOENT');
      files.set(to, file);
    },
    remove: (path) => {
      perform();
      if (!files.delete(path)) throw fail('ENOENT');
    },
    removeTree: (path) => {
      // Not one operation: a crash may leave a part.
      for (const p of under(path)) {
        perform();
        files.delete(p);
      }
      files.delete(path);
      for (const p of [...directories]) if (p === path || p.startsWith(`${path}/`)) directories.delete(p);
    },
    syncDirectory: () => perform(),
    kill,
    cutPower: () => {
      kill();
      for (const file of files.values()) {
        const kept = Math.floor(file.durable.length + random() * (file.length - file.durable.length + 1));
        const length = Math.max(file.durable.length, Math.min(kept, file.length));
        const bytes = new Uint8Array(length + 256);
        bytes.set(file.bytes.subarray(0, length));
        bytes.set(file.durable.subarray(0, Math.min(file.durable.length, length)));
        file.bytes = bytes;
        file.length = length;
      }
    },
    paths: () => [...files.keys()],
    flipBit: (path) => {
      const file = files.get(path)!;
      const at = Math.floor(random() * file.length);
      file.bytes[at] ^= 1 << Math.floor(random() * 8);
    },
  };
}

function putBytes(file: SimulatedFile, from: Uint8Array, offset: number, length: number, position: number): void {
  const end = position + length;
  if (end > file.bytes.length) {
    const next = new Uint8Array(Math.max(end, file.bytes.length * 2));
    next.set(file.bytes.subarray(0, file.length));
    file.bytes = next;
  }
  file.bytes.set(from.subarray(offset, offset + length), position);
  file.length = Math.max(file.length, end);
}
