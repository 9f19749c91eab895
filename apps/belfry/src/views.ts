import { hostname } from 'node:os';
import type { Clock } from '@belfry/model';
import { VERSION } from './version.ts';

/** `/api/v1/status/buildinfo`: the fields of Prometheus; `goVersion` is what runs us. */
export function buildInfo(): Readonly<Record<string, string>> {
  return {
    // Clients decide by this what they may ask: it is the Prometheus whose API this is.
    version: '3.14.0',
    application: 'Belfry',
    applicationVersion: VERSION,
    revision: '',
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: `node ${process.version}`,
  };
}

/** What of the server's life `/api/v1/status/runtimeinfo` shows. */
export interface ServerLife {
  readonly startedMs: number;
  lastReloadMs: number;
  lastReloadOk: boolean;
  /** How the last reload that went wrong did so. */
  reloadFailure?: { readonly text: string; readonly atMs: number };
}

export function runtimeInfo(clock: Clock, life: ServerLife, retention: string, corruptions: number): unknown {
  return {
    startTime: new Date(life.startedMs).toISOString(),
    CWD: process.cwd(),
    hostname: hostname(),
    serverTime: new Date(clock.now()).toISOString(),
    reloadConfigSuccess: life.lastReloadOk,
    lastConfigTime: new Date(life.lastReloadMs).toISOString(),
    corruptionCount: corruptions,
    goroutineCount: 0,
    GOMAXPROCS: 2,
    GOMEMLIMIT: 0,
    GOGC: '',
    GODEBUG: '',
    storageRetention: retention,
  };
}
