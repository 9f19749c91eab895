/** Time zones by IANA name, from the runtime's own data. */

export interface ZoneState {
  readonly offsetSeconds: number;
  /** `CET`, `EDT`; where the zone has no letters, its offset as Go shows it: `+03`. */
  readonly abbreviation: string;
}

const UTC_STATE: ZoneState = { offsetSeconds: 0, abbreviation: 'UTC' };
const MAX_CACHED_ZONES = 600;
/** English locales differ in which zones they have letters for; asked in this order. */
const LOCALES = ['en-US', 'en-GB', 'en-AU', 'en-CA', 'en-NZ', 'en-IN', 'en-ZA', 'en-IE'] as const;
/** Letters that no English locale gives. */
const LETTERS: Readonly<Record<string, string>> = {
  'Asia/Tokyo': 'JST',
  'Asia/Seoul': 'KST',
  'Asia/Shanghai': 'CST',
  'Asia/Taipei': 'CST',
  'Asia/Hong_Kong': 'HKT',
  'Asia/Manila': 'PST',
  'Asia/Jakarta': 'WIB',
  'Asia/Karachi': 'PKT',
  'Europe/Moscow': 'MSK',
  'Africa/Nairobi': 'EAT',
  'Africa/Lagos': 'WAT',
};

interface ZoneFormats {
  readonly offset: Intl.DateTimeFormat;
  readonly letters: readonly Intl.DateTimeFormat[];
}

const cache = new Map<string, ZoneFormats>();

/** Whether the runtime knows a zone of this name. `Local` is read as UTC: a server's own zone is no property of an alert. */
export function isZone(name: string): boolean {
  return name === '' || name === 'UTC' || name === 'Local' || formats(name) !== undefined;
}

function formats(name: string): ZoneFormats | undefined {
  const known = cache.get(name);
  if (known) return known;
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(name)) return undefined;
  try {
    const make = (locale: string, timeZoneName: 'longOffset' | 'short') =>
      new Intl.DateTimeFormat(locale, { timeZone: name, timeZoneName });
    const made = { offset: make('en-US', 'longOffset'), letters: LOCALES.map((locale) => make(locale, 'short')) };
    if (cache.size >= MAX_CACHED_ZONES) cache.delete(cache.keys().next().value!);
    cache.set(name, made);
    return made;
  } catch {
    return undefined;
  }
}

/** What a zone is at a time. A zone that nobody knows is UTC: check with {@link isZone} first. */
export function zoneAt(name: string, ms: number): ZoneState {
  if (name === 'UTC' || name === '' || name === 'Local') return UTC_STATE;
  const found = formats(name);
  if (!found) return UTC_STATE;
  const offsetSeconds = parseOffset(zonePart(found.offset, ms));
  for (const format of found.letters) {
    const text = zonePart(format, ms);
    if (!/^(GMT|UTC)[+\-−]/.test(text)) return { offsetSeconds, abbreviation: text };
  }
  return { offsetSeconds, abbreviation: LETTERS[name] ?? offsetText(offsetSeconds) };
}

function zonePart(format: Intl.DateTimeFormat, ms: number): string {
  return format.formatToParts(ms).find((part) => part.type === 'timeZoneName')?.value ?? 'UTC';
}

function parseOffset(text: string): number {
  const match = /GMT([+\-−])(\d{2}):(\d{2})(?::(\d{2}))?/.exec(text);
  if (!match) return 0;
  const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
  return match[1] === '+' ? seconds : -seconds;
}

function offsetText(seconds: number): string {
  const abs = Math.abs(seconds);
  const minutes = Math.floor(abs / 60) % 60;
  const tail = minutes === 0 ? '' : String(minutes).padStart(2, '0');
  return `${seconds < 0 ? '-' : '+'}${String(Math.floor(abs / 3600)).padStart(2, '0')}${tail}`;
}
