import { type GoType, type Named, named } from './value.ts';

const NANOS = { ns: 1n, us: 1000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3600_000_000_000n };

/** Go's `time.Duration.String`: `1h2m3.5s`, `250ms`, `0s`. */
export function formatGoDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  const abs = nanos < 0n ? -nanos : nanos;
  if (abs < NANOS.s) {
    const unit = abs < NANOS.us ? 'ns' : abs < NANOS.ms ? 'us' : 'ms';
    return `${sign}${fraction(abs, NANOS[unit])}${unit === 'us' ? 'µs' : unit}`;
  }
  const hours = abs / NANOS.h;
  const minutes = (abs / NANOS.m) % 60n;
  let out = '';
  if (hours > 0n) out += `${hours}h`;
  if (abs >= NANOS.m) out += `${minutes}m`;
  return `${sign}${out}${fraction(abs % NANOS.m, NANOS.s)}s`;
}

function fraction(value: bigint, unit: bigint): string {
  const whole = value / unit;
  const rest = value % unit;
  if (rest === 0n) return String(whole);
  const digits = String(rest).padStart(String(unit).length - 1, '0');
  return `${whole}.${digits.replace(/0+$/, '')}`;
}

function roundTo(nanos: bigint, multiple: bigint): bigint {
  if (multiple <= 0n) return nanos;
  const rest = nanos % multiple;
  const away = nanos < 0n ? -multiple : multiple;
  return (rest < 0n ? -rest : rest) * 2n < multiple ? nanos - rest : nanos - rest + away;
}

const inUnit = (unit: bigint) => ({ call: (self: Named) => Number(self.value) / Number(unit) });
const whole = (unit: bigint) => ({ call: (self: Named) => (self.value as bigint) / unit });

/** Go's time.Duration: nanoseconds, with its methods. */
export const DURATION: GoType = {
  name: 'time.Duration',
  kind: 'int',
  methods: {
    String: { call: (self: Named) => formatGoDuration(self.value as bigint) },
    Hours: inUnit(NANOS.h),
    Minutes: inUnit(NANOS.m),
    Seconds: inUnit(NANOS.s),
    Milliseconds: whole(NANOS.ms),
    Microseconds: whole(NANOS.us),
    Nanoseconds: whole(1n),
    Abs: {
      call: (self: Named) => {
        const nanos = self.value as bigint;
        return goDuration(nanos < 0n ? -nanos : nanos);
      },
    },
    Round: {
      params: ['int'],
      call: (self: Named, [m]: readonly bigint[]) => goDuration(roundTo(self.value as bigint, m!)),
    },
    Truncate: {
      params: ['int'],
      call: (self: Named, [m]: readonly bigint[]) => {
        const nanos = self.value as bigint;
        return goDuration(m! <= 0n ? nanos : nanos - (nanos % m!));
      },
    },
  },
};

/** A duration as templates see it. */
export function goDuration(nanos: bigint): Named {
  return named(DURATION, nanos);
}
