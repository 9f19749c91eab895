/** What a process and its children used, from /proc. Linux only. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** USER_HZ, the same on every Linux that runs this. */
const TICKS_PER_SECOND = 100;

/** CPU seconds so far, threads and children included. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const one of family(pid)) {
    const fields = statFields(one);
    // utime, stime, and those of children that ended.
    if (fields) ticks += Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Most resident memory since the last {@link resetPeak}, in bytes. */
export function peakBytes(pid: number): number {
  let kib = 0;
  for (const one of family(pid)) kib += statusKib(one, 'VmHWM');
  return kib * 1024;
}

/** Lets the kernel count the peak from now on. */
export function resetPeak(pid: number): void {
  for (const one of family(pid)) {
    try {
      writeFileSync(`/proc/${one}/clear_refs`, '5');
    } catch (error) {
      throw new Error(`the peak of process ${one} cannot be reset: ${String(error)}`);
    }
  }
}

/** Bytes of all files below a directory. */
export function bytesBelow(directory: string, wanted: (path: string) => boolean = () => true): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && wanted(path)) bytes += statSync(path).size;
  }
  return bytes;
}

function family(pid: number): number[] {
  const found = [pid];
  for (let i = 0; i < found.length; i++) {
    try {
      for (const task of readdirSync(`/proc/${found[i]}/task`)) {
        const children = readFileSync(`/proc/${found[i]}/task/${task}/children`, 'utf8');
        found.push(...children.split(' ').filter(Boolean).map(Number));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** From the third field on: the second may hold spaces. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function statusKib(pid: number, field: string): number {
  try {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) : 0;
  } catch {
    return 0;
  }
}
