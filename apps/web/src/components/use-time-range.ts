import { useCallback, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import { isRelative, parseSpan, type RawRange, resolveRange, type TimeRange } from '../format/time-range.ts';
import { useEvery } from './time-controls.tsx';

export interface TimeState {
  readonly raw: RawRange;
  readonly range: TimeRange;
  /** Such as `5s`; empty when nothing refreshes by itself. */
  readonly refresh: string;
  readonly setRaw: (raw: RawRange) => void;
  readonly setRefresh: (refresh: string) => void;
  /** Moves `now` to the present. */
  readonly tick: () => void;
}

const FALLBACK: RawRange = { from: 'now-1h', to: 'now' };

/** Time range and refresh interval, kept in the address as `from`, `to` and `refresh`. */
export function useTimeRange(defaults: RawRange = FALLBACK, defaultRefresh = ''): TimeState {
  const [parameters, setParameters] = useSearchParams();
  const [now, setNow] = useState(Date.now);
  const from = parameters.get('from') ?? defaults.from;
  const to = parameters.get('to') ?? defaults.to;
  const refresh = parameters.get('refresh') ?? defaultRefresh;
  const range = useMemo(
    () => resolveRange({ from, to }, now) ?? resolveRange(defaults, now) ?? resolveRange(FALLBACK, now)!,
    [from, to, now, defaults],
  );
  const raw = useMemo(() => ({ from, to }), [from, to]);
  const write = useCallback(
    (changes: Readonly<Record<string, string>>, replace: boolean) => {
      setParameters(
        (current) => {
          const next = new URLSearchParams(current);
          for (const [name, value] of Object.entries(changes)) next.set(name, value);
          return next;
        },
        { replace },
      );
    },
    [setParameters],
  );
  const tick = useCallback(() => setNow(Date.now()), []);
  const setRaw = useCallback(
    (next: RawRange) => {
      setNow(Date.now());
      write({ from: next.from, to: next.to }, false);
    },
    [write],
  );
  const setRefresh = useCallback((next: string) => write({ refresh: next }, true), [write]);
  const moves = isRelative(from) || isRelative(to);
  useEvery(moves && refresh ? parseSpan(refresh) : undefined, tick);
  return { raw, range, refresh, setRaw, setRefresh, tick };
}
