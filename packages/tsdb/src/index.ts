export * from './database.ts';
export { type FileHandle, type Files, nodeFiles } from './files.ts';
