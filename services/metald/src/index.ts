export * from './config.ts';
export * from './incidents.ts';
export * from './metald.ts';
