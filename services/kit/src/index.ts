export * from './breakages.ts';
export * from './chance.ts';
export * from './connect.ts';
export * from './exposition.ts';
export type { Logger, LogSink } from './log.ts';
export * from './post-json.ts';
export * from './run.ts';
export * from './runtime.ts';
export * from './service.ts';
