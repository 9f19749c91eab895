import { randomUUID } from 'node:crypto';
import { BelfryError, isValidName, type Labels, type Matcher } from '@belfry/model';
import { NO_TIME } from './alert.ts';
import { type AlertMatcher, compileAlertMatchers, matchesAll } from './matchers.ts';

export type SilenceState = 'active' | 'pending' | 'expired';

/** Alerts that match all of `matchers` are not told from `startsAtMs` to `endsAtMs`. Immutable. */
export interface Silence {
  readonly kind: 'silence';
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly updatedAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
}

/** What a caller gives: without `id` a new one; `startsAtMs` {@link NO_TIME} means now. */
export interface SilenceRequest {
  readonly id?: string;
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
}

export interface SilenceLimits {
  /** 0: no limit. */
  readonly maxSilences: number;
  /** Size of one silence as JSON; 0: no limit. */
  readonly maxSilenceBytes: number;
}

export const DEFAULT_SILENCE_LIMITS: SilenceLimits = { maxSilences: 0, maxSilenceBytes: 0 };

/** Where silences are kept; a change is durable when the call returns. */
export interface SilenceStorage {
  putSilences(silences: readonly Silence[]): void;
  deleteSilences(ids: readonly string[]): void;
}

export interface Silences {
  get(id: string): Silence | undefined;
  list(): Silence[];
  /**
   * Creates one, or changes one: in place where that does not rewrite history (only its end, or a pending one's start),
   * else the old one is expired and a new one takes its place.
   * @returns the id that is now in force
   * @throws BelfryError `bad_data`, `not_found`, `limit_exceeded`
   */
  set(request: SilenceRequest): string;
  /** Ends one now. Harmless when it is over. @throws BelfryError `not_found` */
  expire(id: string): void;
  /** The ids of the active silences for these labels, sorted. */
  silencing(labels: Labels, nowMs: number): string[];
  /** Forgets those that ended longer than the retention ago. */
  collect(nowMs: number): string[];
}

export function silenceState(silence: Silence, nowMs: number): SilenceState {
  if (nowMs < silence.startsAtMs) return 'pending';
  // Expired at its very end, as Alertmanager's newer releases say: an expire call must take effect at once.
  return nowMs >= silence.endsAtMs ? 'expired' : 'active';
}

interface Held {
  readonly silence: Silence;
  readonly matchers: readonly AlertMatcher[];
}

export function createSilences(options: {
  now: () => number;
  initial?: Iterable<Silence>;
  storage?: SilenceStorage;
  retentionMs: number;
  limits?: SilenceLimits;
}): Silences {
  const { now, storage, retentionMs, limits = DEFAULT_SILENCE_LIMITS } = options;
  const held = new Map<string, Held>();
  const hold = (silence: Silence) => {
    const known = held.get(silence.id);
    const matchers =
      known?.silence.matchers === silence.matchers ? known.matchers : compileAlertMatchers(silence.matchers);
    held.set(silence.id, { silence, matchers });
  };
  for (const silence of options.initial ?? []) hold(silence);

  // Stored first: what is acknowledged must be there after a crash.
  const save = (...silences: Silence[]) => {
    storage?.putSilences(silences);
    for (const silence of silences) hold(silence);
  };

  const find = (id: string): Silence => {
    const found = held.get(id)?.silence;
    if (!found) throw new BelfryError('not_found', `silence ${id} not found`);
    return found;
  };

  return {
    get: (id) => held.get(id)?.silence,
    list: () => [...held.values()].map((h) => h.silence),
    set(request) {
      const nowMs = now();
      const wanted = { ...request, startsAtMs: request.startsAtMs === NO_TIME ? nowMs : request.startsAtMs };
      validateSilence(wanted, limits);
      const previous = request.id ? find(request.id) : undefined;
      if (previous && canUpdate(previous, wanted, nowMs)) {
        save(toSilence(wanted, previous.id, nowMs));
        return previous.id;
      }
      if (limits.maxSilences > 0 && held.size + 1 > limits.maxSilences) {
        throw new BelfryError(
          'limit_exceeded',
          `exceeded maximum number of silences: ${held.size} (limit: ${limits.maxSilences})`,
        );
      }
      const id = randomUUID();
      const silence = toSilence({ ...wanted, startsAtMs: Math.max(wanted.startsAtMs, nowMs) }, id, nowMs);
      if (previous && silenceState(previous, nowMs) !== 'expired') save(expired(previous, nowMs), silence);
      else save(silence);
      return id;
    },
    expire(id) {
      const silence = find(id);
      const nowMs = now();
      if (silenceState(silence, nowMs) !== 'expired') save(expired(silence, nowMs));
    },
    silencing(labels, nowMs) {
      const ids: string[] = [];
      for (const { silence, matchers } of held.values()) {
        if (silenceState(silence, nowMs) === 'active' && matchesAll(matchers, labels)) ids.push(silence.id);
      }
      return ids.sort();
    },
    collect(nowMs) {
      const gone: string[] = [];
      for (const { silence } of held.values()) if (silence.endsAtMs + retentionMs <= nowMs) gone.push(silence.id);
      if (gone.length > 0) storage?.deleteSilences(gone);
      for (const id of gone) held.delete(id);
      return gone;
    },
  };
}

function toSilence(request: SilenceRequest, id: string, nowMs: number): Silence {
  const { matchers, startsAtMs, endsAtMs, createdBy, comment } = request;
  return { kind: 'silence', id, matchers, startsAtMs, endsAtMs, updatedAtMs: nowMs, createdBy, comment };
}

function expired(silence: Silence, nowMs: number): Silence {
  return { ...silence, startsAtMs: Math.min(silence.startsAtMs, nowMs), endsAtMs: nowMs, updatedAtMs: nowMs };
}

function canUpdate(old: Silence, wanted: SilenceRequest, nowMs: number): boolean {
  if (!sameMatchers(old.matchers, wanted.matchers)) return false;
  const state = silenceState(old, nowMs);
  if (state === 'expired') return false;
  if (state === 'pending') return wanted.startsAtMs >= nowMs;
  const second = (ms: number) => Math.floor(ms / 1000);
  return second(wanted.startsAtMs) === second(old.startsAtMs) && wanted.endsAtMs >= nowMs;
}

function sameMatchers(a: readonly Matcher[], b: readonly Matcher[]): boolean {
  return (
    a.length === b.length && a.every((m, i) => m.name === b[i]!.name && m.op === b[i]!.op && m.value === b[i]!.value)
  );
}

function validateSilence(request: SilenceRequest, limits: SilenceLimits): void {
  const fail = (message: string) => new BelfryError('bad_data', `invalid silence: ${message}`);
  if (request.matchers.length === 0) throw fail('at least one matcher required');
  let matchers: readonly AlertMatcher[];
  try {
    request.matchers.forEach((m, i) => {
      if (!isValidName(m.name))
        throw new BelfryError('bad_data', `invalid label matcher ${i}: invalid label name ${JSON.stringify(m.name)}`);
    });
    matchers = compileAlertMatchers(request.matchers);
  } catch (error) {
    throw fail((error as Error).message);
  }
  // A silence of `foo!="bar"` alone is allowed, one of `foo=~".*"` alone would hide everything.
  const empty = (m: AlertMatcher) => (m.matcher.op === '=' || m.matcher.op === '=~') && m.matches('');
  if (matchers.every(empty)) throw fail('at least one matcher must not match the empty string');
  if (request.endsAtMs === NO_TIME) throw fail('invalid zero end timestamp');
  if (request.endsAtMs < request.startsAtMs) throw fail('end time must not be before start time');
  if (limits.maxSilenceBytes > 0) {
    const bytes = Buffer.byteLength(JSON.stringify(request));
    if (bytes > limits.maxSilenceBytes) {
      throw new BelfryError(
        'limit_exceeded',
        `silence exceeded maximum size: ${bytes} bytes (limit: ${limits.maxSilenceBytes} bytes)`,
      );
    }
  }
}
