import { BelfryError, type Clock, type Timer } from '@belfry/model';
import type { PostableAlert } from './admission.ts';
import { formatTime } from './time.ts';

/** A sign of life that is expected again and again: from a watchdog alert of another system, a cron job, a backup. */
export interface HeartbeatConfig {
  readonly name: string;
  /** How often it is expected. */
  readonly everyMs: number;
  /** How much later than that it may be. */
  readonly graceMs: number;
  /** Labels of the alert that tells its absence; `alertname` is `HeartbeatMissed` unless given. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface HeartbeatStatus extends HeartbeatConfig {
  /** Absent: never yet. */
  readonly lastMs?: number;
  /** When its absence is, or was, told. */
  readonly dueMs: number;
  readonly missing: boolean;
}

/** A dead man's switch: tells by an alert that nobody has pinged, and resolves it when somebody does. */
export interface Heartbeats {
  /** Notes a sign of life. @throws BelfryError `not_found` */
  ping(name: string): void;
  list(): HeartbeatStatus[];
  close(): void;
}

/** While a heartbeat is missing, its alert is renewed this often, and outlives a renewal by as much again. */
const RENEW_MS = 60_000;

interface Beat {
  readonly config: HeartbeatConfig;
  lastMs: number | undefined;
  dueMs: number;
  missing: boolean;
  timer: Timer;
}

/**
 * Watches heartbeats; each counts as just seen at the start, unless `lastSeen` knows better.
 * `onPing` may store the moment.
 */
export function createHeartbeats(options: {
  readonly heartbeats: readonly HeartbeatConfig[];
  readonly clock: Clock;
  readonly putAlerts: (alerts: readonly PostableAlert[]) => void;
  readonly lastSeen?: (name: string) => number | undefined;
  readonly onPing?: (name: string, atMs: number) => void;
}): Heartbeats {
  const { clock, putAlerts } = options;
  const beats = new Map<string, Beat>();

  const expectAfter = (beat: Beat, sinceMs: number) => {
    beat.dueMs = sinceMs + beat.config.everyMs + beat.config.graceMs;
    beat.timer.cancel();
    beat.timer = clock.after(Math.max(0, beat.dueMs - clock.now()), () => miss(beat), { background: true });
  };
  const miss = (beat: Beat) => {
    beat.missing = true;
    putAlerts([alertOf(beat, clock.now() + 2 * RENEW_MS)]);
    beat.timer = clock.after(RENEW_MS, () => miss(beat), { background: true });
  };

  for (const config of options.heartbeats) {
    if (beats.has(config.name))
      throw new BelfryError('config_invalid', `heartbeat ${JSON.stringify(config.name)} is not unique`);
    const lastMs = options.lastSeen?.(config.name);
    const beat: Beat = { config, lastMs, dueMs: 0, missing: false, timer: { cancel() {} } };
    beats.set(config.name, beat);
    expectAfter(beat, Math.max(lastMs ?? 0, clock.now()));
  }
  return {
    ping(name) {
      const beat = beats.get(name);
      if (!beat) {
        const known = [...beats.keys()].join(', ') || 'none';
        throw new BelfryError('not_found', `no heartbeat is called ${JSON.stringify(name)} (there are: ${known})`);
      }
      beat.lastMs = clock.now();
      options.onPing?.(name, beat.lastMs);
      if (beat.missing) putAlerts([alertOf(beat, clock.now())]);
      beat.missing = false;
      expectAfter(beat, beat.lastMs);
    },
    list: () =>
      [...beats.values()].map(({ config, lastMs, dueMs, missing }) => ({
        ...config,
        dueMs,
        missing,
        ...(lastMs === undefined ? {} : { lastMs }),
      })),
    close() {
      for (const beat of beats.values()) beat.timer.cancel();
    },
  };
}

function alertOf({ config, lastMs, dueMs }: Beat, endsAtMs: number): PostableAlert {
  const seen = lastMs === undefined ? 'never' : `at ${formatTime(lastMs)}`;
  return {
    labels: { alertname: 'HeartbeatMissed', severity: 'critical', ...config.labels, heartbeat: config.name },
    annotations: {
      summary: `Heartbeat ${config.name} is missing`,
      description: `It is expected every ${config.everyMs / 1000} s and was last seen ${seen}.`,
      ...config.annotations,
    },
    startsAt: formatTime(dueMs),
    endsAt: formatTime(Math.max(endsAtMs, dueMs)),
  };
}
