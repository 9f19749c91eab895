export type * from './ast.ts';
export * from './columns.ts';
export type * from './storage.ts';
