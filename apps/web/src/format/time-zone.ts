/** The zone in which the page writes times: the browser's, unless a dashboard names another. */

let shown = '';
let format: Intl.DateTimeFormat | undefined;

/** `utc`, an IANA name, or empty and `browser` for the browser's own. A name that nobody knows is the browser's. */
export function showTimesIn(zone: string): void {
  if (zone === shown) return;
  shown = zone;
  format = zone === '' || zone === 'browser' ? undefined : formatOf(zone);
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone === 'utc' ? 'UTC' : zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
}

/** A date whose local fields (`getHours` and the like) are those of the shown zone at this instant. */
export function wallTime(ms: number): Date {
  if (!format || !Number.isFinite(ms)) return new Date(ms);
  const parts = Object.fromEntries(format.formatToParts(ms).map((p) => [p.type, Number(p.value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return new Date(year, month - 1, day, hour, minute, second);
}
