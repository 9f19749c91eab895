import { BelfryError } from './errors.ts';

const UNITS_MS: Readonly<Record<string, number>> = {
  y: 365 * 24 * 3600_000,
  w: 7 * 24 * 3600_000,
  d: 24 * 3600_000,
  h: 3600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};
const SHAPE = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const NAMES = ['y', 'w', 'd', 'h', 'm', 's', 'ms'] as const;

/**
 * Prometheus' duration text (`1h30m`, `15s`, `2w`, `0`) in milliseconds.
 * @throws BelfryError `bad_data`
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  if (text === '') throw new BelfryError('bad_data', 'empty duration string');
  const match = SHAPE.exec(text);
  if (!match) throw new BelfryError('bad_data', `not a valid duration string: ${JSON.stringify(text)}`);
  let ms = 0;
  NAMES.forEach((unit, i) => {
    if (match[i + 1]) ms += Number(match[i + 1]) * UNITS_MS[unit]!;
  });
  if (ms > (Number.MAX_SAFE_INTEGER / 1e6) * 1e3) throw new BelfryError('bad_data', 'duration out of range');
  return ms;
}

/** As Prometheus prints a duration: exact in its greatest units, years, weeks and days only when nothing remains. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.abs(ms);
  let out = ms < 0 ? '-' : '';
  const take = (unit: string, exact: boolean) => {
    const size = UNITS_MS[unit]!;
    if (exact && rest % size !== 0) return;
    const n = Math.floor(rest / size);
    if (n > 0) {
      out += `${n}${unit}`;
      rest -= n * size;
    }
  };
  take('y', true);
  take('w', true);
  take('d', false);
  take('h', false);
  take('m', false);
  take('s', false);
  take('ms', false);
  return out;
}
