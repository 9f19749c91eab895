import * as fs from 'node:fs';

/**
 * What tells a process from a later one with the same number: boot and start time on Linux. Empty where the system does not
 * say; then a number alone decides.
 */
export function processStart(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name, in parentheses, may hold anything; the start time is the 20th field after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Killed, and only not yet noticed by its parent.
    if (fields[0] === 'Z') return 'ended';
    const started = fields[19] ?? '';
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot}/${started}`;
  } catch {
    return '';
  }
}

/** The process that holds a kernel lock (flock) on the file, where the system lists them (Linux). */
export function kernelLockHolder(path: string): number | undefined {
  try {
    const { ino } = fs.statSync(path);
    for (const line of fs.readFileSync('/proc/locks', 'latin1').split('\n')) {
      const fields = line.split(/\s+/);
      const inode = fields[5]?.split(':')[2];
      if (inode === String(ino)) return Number(fields[4]);
    }
  } catch {
    // Not Linux, or not allowed: unknown.
  }
  return undefined;
}

/**
 * A Prometheus that has files of the directory open, where the system tells (Linux). Debian's takes no lock on its directory
 * unless it is told to.
 */
export function prometheusOn(directory: string): number | undefined {
  try {
    const inside = `${fs.realpathSync(directory)}/`;
    for (const pid of fs.readdirSync('/proc')) {
      if (!/^\d+$/.test(pid) || !isPrometheus(pid)) continue;
      if (openFiles(pid).some((path) => path.startsWith(inside))) return Number(pid);
    }
  } catch {
    // Not Linux: unknown.
  }
  return undefined;
}

function isPrometheus(pid: string): boolean {
  try {
    return fs.readFileSync(`/proc/${pid}/comm`, 'latin1').startsWith('prometheus');
  } catch {
    // It ended in the meantime.
    return false;
  }
}

function openFiles(pid: string): string[] {
  const paths: string[] = [];
  try {
    for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
      try {
        paths.push(fs.readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        // Closed in the meantime.
      }
    }
  } catch {
    // Another user's process.
  }
  return paths;
}
