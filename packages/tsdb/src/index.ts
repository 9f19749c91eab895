export { type BlockBuilder, blockBuilder } from './block-builder.ts';
export type { BlockCompaction, BlockMeta, BlockStats } from './block-meta.ts';
export type { BlockContext } from './block-writer.ts';
export type { CallHandler, CallHandlers, CallOptions, CallPort, Transfer } from './calls.ts';
export { transferring } from './calls.ts';
export {
  type Database,
  type DatabaseEvent,
  type DatabaseOptions,
  type DatabaseSettings,
  DEFAULT_BLOCK_RANGE_MS,
  DEFAULT_MAX_EXEMPLARS,
  DEFAULT_RETENTION_MS,
  newReplayProgress,
  openDatabase,
  openDatabaseSteps,
} from './database.ts';
export { type FileHandle, type Files, nodeFiles } from './files.ts';
export { connectDatabase, type RemoteDatabase, type ServeOptions, serveDatabase } from './remote.ts';
export { DEFAULT_MAX_SERIES_BY_BYTES, type SeriesByBytes, seriesByBytes } from './series-by-bytes.ts';
export {
  blocksStatus,
  metricMetadata,
  type NamedCount,
  type StoreMetric,
  storeMetrics,
  type TsdbStatus,
  tsdbStatus,
  walReplayStatus,
} from './status.ts';
export { runSteps } from './steps.ts';
export { type StoreTail, storeTail, type TailBatch, type TailOptions } from './tail.ts';
export {
  analyzeBlock,
  type BlockAnalysis,
  type NamedTotal,
  type StoreProblem,
  setDamagedBlocksAside,
  verifyBlock,
  verifyDirectory,
} from './verify.ts';
export { writeBatch } from './write.ts';
