export {
  type Database,
  type DatabaseEvent,
  type DatabaseOptions,
  DEFAULT_BLOCK_RANGE_MS,
  DEFAULT_MAX_EXEMPLARS,
  DEFAULT_RETENTION_MS,
  newReplayProgress,
  openDatabase,
  openDatabaseSteps,
  runSteps,
} from './database.ts';
export { type FileHandle, type Files, nodeFiles } from './files.ts';
