import type { Files } from './files.ts';
import { openWal, readSegment, type SegmentDamage, WAL_SEGMENT_BYTES } from './wal.ts';

/** The folder in the data directory where damaged files are kept, for whoever wants to look at them. */
export const QUARANTINE = 'corrupt';

/** Moves a file or directory there; returns its new path. */
export function setAside(files: Files, directory: string, path: string): string {
  const aside = `${directory}/${QUARANTINE}`;
  files.makeDirectory(aside);
  const name = path.slice(directory.length + 1).replaceAll('/', '-');
  let target = `${aside}/${name}`;
  for (let n = 2; files.status(target); n++) target = `${aside}/${name}.${n}`;
  files.rename(path, target);
  files.syncDirectory(aside);
  return target;
}

/**
 * Makes a damaged log segment readable again, for us and for Prometheus, which would cut the log off at the damage: a torn
 * tail is cut off; damage in the middle is set aside whole, and a new segment takes the readable records' place.
 * Returns where the damaged original went, if it was kept.
 */
export function repairSegment(files: Files, directory: string, damage: SegmentDamage): string | undefined {
  if (damage.tail) {
    const file = files.open(damage.path, 'update');
    try {
      file.truncate(damage.position);
      file.sync();
    } finally {
      file.close();
    }
    return undefined;
  }
  const temporary = `${damage.path}.repair`;
  files.removeTree(temporary);
  const wal = openWal({ files, directory: temporary, compression: 'snappy', segmentBytes: WAL_SEGMENT_BYTES * 2 });
  let pending = 0;
  readSegment(files, damage.path, (record) => {
    wal.add(record);
    pending += record.length;
    if (pending > 1024 * 1024) {
      wal.commit();
      pending = 0;
    }
  });
  wal.commit();
  wal.close();
  const original = setAside(files, directory, damage.path);
  files.rename(`${temporary}/00000000`, damage.path);
  files.removeTree(temporary);
  return original;
}
