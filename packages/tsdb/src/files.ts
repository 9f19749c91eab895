import * as fs from 'node:fs';
import { BelfryError } from '@belfry/model';

/** An open file. Positions and sizes are bytes. All calls are synchronous and throw the platform's error with its `code`. */
export interface FileHandle {
  readonly path: string;
  /** Fills as much of `[offset, offset+length)` of `buffer` as the file has from `position` on; returns how much. */
  read(buffer: Uint8Array, offset: number, length: number, position: number): number;
  /** Writes all of it, or throws; after a throw any part of it may be in the file. */
  write(buffer: Uint8Array, offset: number, length: number, position: number): void;
  sync(): void;
  truncate(size: number): void;
  size(): number;
  close(): void;
  /** Syncs and closes without waiting for the disk; a failure to sync is given to `failed`. The handle is not used again. */
  finish(failed: (error: unknown) => void): void;
}

export interface FileStatus {
  readonly size: number;
  readonly isDirectory: boolean;
}

/**
 * The seam to the file system: everything the store does with files goes through here, so that tests can stand a failing
 * disk behind it.
 */
export interface Files {
  /** `create` fails with `EEXIST` when the file is there; `update` opens an existing file for reading and writing. */
  open(path: string, mode: 'read' | 'create' | 'update'): FileHandle;
  /** Names in a directory, sorted; none when it does not exist. */
  list(directory: string): string[];
  status(path: string): FileStatus | undefined;
  makeDirectory(path: string): void;
  rename(from: string, to: string): void;
  /** A second name for the same file; a copy where the file system cannot. */
  link(from: string, to: string): void;
  remove(path: string): void;
  /** Removes a directory and all in it; nothing when it is not there. */
  removeTree(path: string): void;
  /** Makes renames, creations and removals in the directory survive a power cut. */
  syncDirectory(path: string): void;
}

/** The file system of the machine. */
export const nodeFiles: Files = {
  open(path, mode) {
    const fd = fs.openSync(path, mode === 'read' ? 'r' : mode === 'create' ? 'wx+' : 'r+', 0o644);
    return {
      path,
      read: (buffer, offset, length, position) => {
        let done = 0;
        while (done < length) {
          const n = fs.readSync(fd, buffer, offset + done, length - done, position + done);
          if (n === 0) break;
          done += n;
        }
        return done;
      },
      write: (buffer, offset, length, position) => {
        let done = 0;
        while (done < length) done += fs.writeSync(fd, buffer, offset + done, length - done, position + done);
      },
      sync: () => fs.fdatasyncSync(fd),
      truncate: (size) => fs.ftruncateSync(fd, size),
      size: () => fs.fstatSync(fd).size,
      close: () => fs.closeSync(fd),
      finish: (failed) => finishFile(fd, failed),
    };
  },
  list(directory) {
    try {
      return fs.readdirSync(directory).sort();
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  },
  status(path) {
    const s = fs.statSync(path, { throwIfNoEntry: false });
    return s && { size: s.size, isDirectory: s.isDirectory() };
  },
  makeDirectory: (path) => void fs.mkdirSync(path, { recursive: true, mode: 0o755 }),
  rename: (from, to) => fs.renameSync(from, to),
  link(from, to) {
    try {
      fs.linkSync(from, to);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') throw error;
      fs.copyFileSync(from, to, fs.constants.COPYFILE_EXCL);
    }
  },
  remove: (path) => fs.unlinkSync(path),
  removeTree: (path) => fs.rmSync(path, { recursive: true, force: true }),
  syncDirectory(path) {
    const fd = fs.openSync(path, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },
};

let finishing = 0;
/** With more on their way, one is waited for: a thread that never rests would run out of files. */
const MAX_FINISHING = 8;

function finishFile(fd: number, failed: (error: unknown) => void): void {
  if (finishing < MAX_FINISHING) {
    finishing++;
    fs.fdatasync(fd, (error) => {
      finishing--;
      if (error) failed(error);
      fs.closeSync(fd);
    });
    return;
  }
  try {
    fs.fdatasyncSync(fd);
  } catch (error) {
    failed(error);
  }
  fs.closeSync(fd);
}

/** The platform's code of a file error (`ENOENT`, `ENOSPC`, …), or `''`. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Turns a failed file operation into an error for the person who runs the server. */
export function fileFault(error: unknown, doing: string): BelfryError {
  if (error instanceof BelfryError) return error;
  const code = errorCode(error);
  const reason = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new BelfryError('storage_full', `${doing}: no space left on the device`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOENT' || code === 'ENOTDIR') {
    return new BelfryError('file_unreadable', `${doing}: ${reason}`, { cause: error });
  }
  return new BelfryError('internal', `${doing}: ${reason}`, { cause: error });
}

/** The whole content of a file. */
export function readWhole(files: Files, path: string): Uint8Array {
  const file = files.open(path, 'read');
  try {
    const bytes = new Uint8Array(file.size());
    const got = file.read(bytes, 0, bytes.length, 0);
    return got === bytes.length ? bytes : bytes.subarray(0, got);
  } finally {
    file.close();
  }
}

/** Writes a file so that after a crash there is either the old content or all of the new: temporary file, sync, rename. */
export function writeWhole(files: Files, path: string, bytes: Uint8Array): void {
  const temporary = `${path}.tmp`;
  if (files.status(temporary)) files.remove(temporary);
  const file = files.open(temporary, 'create');
  try {
    file.write(bytes, 0, bytes.length, 0);
    file.sync();
  } finally {
    file.close();
  }
  files.rename(temporary, path);
}

export function directorySize(files: Files, directory: string): number {
  let bytes = 0;
  for (const name of files.list(directory)) {
    const path = `${directory}/${name}`;
    const status = files.status(path);
    if (status) bytes += status.isDirectory ? directorySize(files, path) : status.size;
  }
  return bytes;
}
