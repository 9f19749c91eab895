/** `GET /_/health`: the machine, the backend and the checks. */
import { cpus, freemem, hostname, totalmem, uptime } from 'node:os';
import type { Clock } from '@belfry/model';
import type { JsonObject } from '@belfry/service-kit';
import type { Backend } from './vm.ts';

const NANOSECONDS_PER_MILLISECOND = 1e6;

export interface HealthAnswer {
  readonly status: 200 | 503;
  readonly body: JsonObject;
}

/** `ping` throws when the backend does not answer. A check that fails makes the whole degraded. */
export function health(clock: Clock, backend: Backend, ping: () => void): HealthAnswer {
  const backendCheck = check(clock, ping);
  const systemCheck = check(clock, () => {});
  const healthy = backendCheck.status === 'healthy';
  const body = {
    status: healthy ? 'healthy' : 'degraded',
    timestamp: new Date(clock.now()).toISOString(),
    version: 'dev',
    backend: {
      type: backend,
      status: backendCheck.status,
      ...(backendCheck.error ? { error: backendCheck.error } : {}),
    },
    system: system(),
    checks: { backend_ping: backendCheck, system_info: systemCheck },
  };
  return { status: healthy ? 200 : 503, body: body as unknown as JsonObject };
}

/** `duration_ms` holds nanoseconds, as in metald itself, which prints a Go Duration there. */
function check(clock: Clock, run: () => void) {
  const timestamp = new Date(clock.now()).toISOString();
  const fromMs = clock.monotonic();
  const duration = () => Math.round((clock.monotonic() - fromMs) * NANOSECONDS_PER_MILLISECOND);
  try {
    run();
    return { status: 'healthy', duration_ms: duration(), timestamp };
  } catch (error) {
    return { status: 'unhealthy', duration_ms: duration(), error: (error as Error).message, timestamp };
  }
}

function system() {
  const processors = cpus();
  const total = totalmem();
  const available = freemem();
  return {
    hostname: hostname(),
    cpu: { architecture: process.arch, cores: processors.length, model: processors[0]?.model ?? 'unknown' },
    memory: {
      total_bytes: total,
      used_bytes: total - available,
      available_bytes: available,
      used_percent: ((total - available) / total) * 100,
    },
    uptime: goDuration(uptime()),
  };
}

/** As Go prints a duration: `72h3m0.5s`. */
function goDuration(seconds: number): string {
  const h = Math.floor(seconds / 3600);
  const m = Math.floor((seconds % 3600) / 60);
  const s = Number((seconds % 60).toFixed(3));
  return `${h > 0 ? `${h}h` : ''}${h > 0 || m > 0 ? `${m}m` : ''}${s}s`;
}
