export * from './billaged.ts';
export * from './config.ts';
export * from './incidents.ts';
