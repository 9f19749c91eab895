export * from './alert.ts';
export * from './dispatcher.ts';
export * from './pipeline.ts';
export * from './state.ts';
