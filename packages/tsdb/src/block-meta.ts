import { BelfryError } from '@belfry/model';
import { type Files, readWhole, writeWhole } from './files.ts';

/** A block's `meta.json`. Times in milliseconds; `maxTime` is exclusive. */
export interface BlockMeta {
  readonly ulid: string;
  readonly minTime: number;
  readonly maxTime: number;
  readonly stats: BlockStats;
  readonly compaction: BlockCompaction;
  readonly version: 1;
  readonly out_of_order?: boolean;
}

export interface BlockStats {
  readonly numSamples?: number;
  readonly numFloatSamples?: number;
  readonly numHistogramSamples?: number;
  readonly numSeries?: number;
  readonly numChunks?: number;
  readonly numTombstones?: number;
}

export interface BlockDescription {
  readonly ulid: string;
  readonly minTime: number;
  readonly maxTime: number;
}

export interface BlockCompaction {
  readonly level: number;
  readonly sources?: readonly string[];
  readonly deletable?: boolean;
  readonly parents?: readonly BlockDescription[];
  readonly failed?: boolean;
  readonly hints?: readonly string[];
}

/** @throws BelfryError `data_corrupt` */
export function readBlockMeta(files: Files, directory: string): BlockMeta {
  const path = `${directory}/meta.json`;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(readWhole(files, path)).toString());
  } catch (cause) {
    throw new BelfryError('data_corrupt', 'the description of the block is missing or not JSON', { file: path, cause });
  }
  const meta = value as BlockMeta;
  const sound =
    typeof meta === 'object' &&
    meta !== null &&
    meta.version === 1 &&
    typeof meta.ulid === 'string' &&
    Number.isInteger(meta.minTime) &&
    Number.isInteger(meta.maxTime) &&
    typeof meta.compaction?.level === 'number';
  if (!sound) throw new BelfryError('data_corrupt', 'not the description of a block of version 1', { file: path });
  return meta;
}

export function writeBlockMeta(files: Files, directory: string, meta: BlockMeta): void {
  writeWhole(files, `${directory}/meta.json`, Buffer.from(`${JSON.stringify(meta, null, '\t')}\n`));
}
