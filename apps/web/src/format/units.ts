/** Values as people read them, by Grafana's unit ids. */
import { localDateTime } from './time-range.ts';

export interface FormattedValue {
  readonly prefix: string;
  readonly text: string;
  /** With its leading space, where it has one. */
  readonly suffix: string;
}

type Formatter = (value: number, decimals: number | undefined) => FormattedValue;

const SI = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const SI_SMALL = ['', 'm', 'µ', 'n', 'p'];
const IEC = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];
const SHORT = ['', ' K', ' Mil', ' Bil', ' Tri', ' Quadr', ' Quint'];
/** Digits shown when a panel does not say how many. */
const SIGNIFICANT_DIGITS = 3;

/** The number alone: fixed decimals when given, else three significant digits without trailing zeros. */
export function numberText(value: number, decimals?: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (decimals !== undefined) return value.toFixed(Math.min(Math.max(decimals, 0), 20));
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const places = Math.min(Math.max(SIGNIFICANT_DIGITS - 1 - magnitude, 0), 20);
  const text = value.toFixed(places);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function scaled(names: readonly string[], factor: number, unit: string, start = 0, space = ' '): Formatter {
  return (value, decimals) => {
    let v = value;
    let i = start;
    // Rounding first, so that 999.9996 is 1 k and not 1000.
    while (Math.abs(Number(numberText(v, decimals ?? undefined))) >= factor && i < names.length - 1) {
      v /= factor;
      i++;
    }
    const name = names[i]!;
    const gap = unit === '' && (name === '' || name.startsWith(' ')) ? '' : space;
    return { prefix: '', text: numberText(v, decimals), suffix: `${gap}${name}${unit}` };
  };
}

/** Metric prefixes in both directions, for units where small values are usual. */
function si(unit: string, start = 0): Formatter {
  const large = scaled(SI, 1000, unit, Math.max(start, 0));
  return (value, decimals) => {
    if (value === 0 || Math.abs(value) >= 1 || start !== 0 || !Number.isFinite(value)) return large(value, decimals);
    let v = value;
    let i = 0;
    while (Math.abs(v) < 1 && i < SI_SMALL.length - 1) {
      v *= 1000;
      i++;
    }
    return { prefix: '', text: numberText(v, decimals), suffix: ` ${SI_SMALL[i]}${unit}` };
  };
}

function fixed(suffix: string, prefix = ''): Formatter {
  return (value, decimals) => ({ prefix, text: numberText(value, decimals), suffix });
}

/** Suffix after a number with K, Mil, Bil. */
function counted(unit: string): Formatter {
  const short = scaled(SHORT, 1000, '');
  return (value, decimals) => {
    const { text, suffix } = short(value, decimals);
    return { prefix: '', text, suffix: `${suffix} ${unit}` };
  };
}

const SECONDS: readonly (readonly [limit: number, size: number, name: string])[] = [
  [1e-6, 1e-9, 'ns'],
  [1e-3, 1e-6, 'µs'],
  [1, 1e-3, 'ms'],
  [60, 1, 's'],
  [3600, 60, 'min'],
  [86_400, 3600, 'h'],
  [604_800, 86_400, 'd'],
  [31_536_000, 604_800, 'wk'],
  [Number.POSITIVE_INFINITY, 31_536_000, 'yr'],
];

function duration(secondsPerUnit: number): Formatter {
  return (value, decimals) => {
    const seconds = value * secondsPerUnit;
    if (seconds === 0) {
      const name = SECONDS.find(([, size]) => size === secondsPerUnit)?.[2] ?? 's';
      return { prefix: '', text: numberText(0, decimals), suffix: ` ${name}` };
    }
    const [, size, name] = SECONDS.find(([limit]) => Math.abs(seconds) < limit) ?? SECONDS.at(-1)!;
    return { prefix: '', text: numberText(seconds / size, decimals), suffix: ` ${name}` };
  };
}

function clockDuration(secondsPerUnit: number): Formatter {
  return (value) => {
    const total = Math.round(Math.abs(value) * secondsPerUnit);
    const pad = (n: number) => String(n).padStart(2, '0');
    const days = Math.floor(total / 86_400);
    const hours = Math.floor((total % 86_400) / 3600);
    const text = `${pad(hours)}:${pad(Math.floor((total % 3600) / 60))}:${pad(total % 60)}`;
    return { prefix: value < 0 ? '-' : '', text: days > 0 ? `${days}d ${text}` : text, suffix: '' };
  };
}

function dateTime(secondsPerUnit: number, relative: boolean): Formatter {
  return (value) => {
    const date = new Date(value * secondsPerUnit * 1000);
    if (Number.isNaN(date.getTime())) return { prefix: '', text: numberText(value), suffix: '' };
    if (!relative) return { prefix: '', text: localDateTime(date.getTime()), suffix: '' };
    const minutes = Math.round((Date.now() - date.getTime()) / 60_000);
    const { text, suffix } = duration(60)(Math.abs(minutes), 0);
    return { prefix: '', text: `${text}${suffix}`, suffix: minutes >= 0 ? ' ago' : ' ahead' };
  };
}

const bool =
  (yes: string, no: string): Formatter =>
  (value) => ({ prefix: '', text: value === 0 ? no : yes, suffix: '' });

const percent: Formatter = (value, decimals) => ({ prefix: '', text: numberText(value, decimals), suffix: '%' });
const percentUnit: Formatter = (value, decimals) => percent(value * 100, decimals);

const UNITS: Readonly<Record<string, Formatter>> = {
  none: fixed(''),
  string: fixed(''),
  short: scaled(SHORT, 1000, ''),
  sishort: si(''),
  percent,
  percentunit: percentUnit,
  humidity: fixed(' %H'),
  dB: fixed(' dB'),
  hex0x: (value) => ({ prefix: '0x', text: Math.round(value).toString(16).toUpperCase(), suffix: '' }),
  hex: (value) => ({ prefix: '', text: Math.round(value).toString(16).toUpperCase(), suffix: '' }),
  sci: (value, decimals) => ({ prefix: '', text: value.toExponential(decimals), suffix: '' }),
  locale: (value, decimals) => ({
    prefix: '',
    text: value.toLocaleString('en-US', { maximumFractionDigits: decimals ?? 2 }),
    suffix: '',
  }),
  bytes: scaled(IEC, 1024, 'B'),
  decbytes: scaled(SI, 1000, 'B'),
  bits: scaled(IEC, 1024, 'b'),
  decbits: scaled(SI, 1000, 'b'),
  kbytes: scaled(IEC, 1024, 'B', 1),
  deckbytes: scaled(SI, 1000, 'B', 1),
  mbytes: scaled(IEC, 1024, 'B', 2),
  decmbytes: scaled(SI, 1000, 'B', 2),
  gbytes: scaled(IEC, 1024, 'B', 3),
  decgbytes: scaled(SI, 1000, 'B', 3),
  tbytes: scaled(IEC, 1024, 'B', 4),
  dectbytes: scaled(SI, 1000, 'B', 4),
  pbytes: scaled(IEC, 1024, 'B', 5),
  binBps: scaled(IEC, 1024, 'B/s'),
  Bps: scaled(SI, 1000, 'B/s'),
  binbps: scaled(IEC, 1024, 'b/s'),
  bps: scaled(SI, 1000, 'b/s'),
  KiBs: scaled(IEC, 1024, 'B/s', 1),
  KBs: scaled(SI, 1000, 'B/s', 1),
  MiBs: scaled(IEC, 1024, 'B/s', 2),
  MBs: scaled(SI, 1000, 'B/s', 2),
  GiBs: scaled(IEC, 1024, 'B/s', 3),
  GBs: scaled(SI, 1000, 'B/s', 3),
  Kbits: scaled(SI, 1000, 'b/s', 1),
  Mbits: scaled(SI, 1000, 'b/s', 2),
  Gbits: scaled(SI, 1000, 'b/s', 3),
  pps: scaled(SI, 1000, 'p/s'),
  hertz: si('Hz'),
  rothz: si('Hz'),
  ns: duration(1e-9),
  µs: duration(1e-6),
  us: duration(1e-6),
  ms: duration(1e-3),
  s: duration(1),
  m: duration(60),
  h: duration(3600),
  d: duration(86_400),
  dtdurationms: duration(1e-3),
  dtdurations: duration(1),
  dthms: clockDuration(1),
  dtdhms: clockDuration(1),
  clocks: clockDuration(1),
  clockms: clockDuration(1e-3),
  timeticks: duration(0.01),
  dateTimeAsIso: dateTime(1e-3, false),
  dateTimeAsIsoNoDateIfToday: dateTime(1e-3, false),
  dateTimeAsUS: dateTime(1e-3, false),
  dateTimeAsLocal: dateTime(1e-3, false),
  dateTimeAsSystem: dateTime(1e-3, false),
  dateTimeFromNow: dateTime(1e-3, true),
  cps: counted('c/s'),
  ops: counted('ops/s'),
  reqps: counted('req/s'),
  rps: counted('rd/s'),
  wps: counted('wr/s'),
  iops: counted('io/s'),
  eps: counted('evt/s'),
  mps: counted('msg/s'),
  recps: counted('rec/s'),
  rowsps: counted('rows/s'),
  jobps: counted('jobs/s'),
  cpm: counted('c/min'),
  opm: counted('ops/min'),
  reqpm: counted('req/min'),
  rpm: counted('rd/min'),
  wpm: counted('wr/min'),
  epm: counted('evt/min'),
  flops: si('FLOPS'),
  watt: si('W'),
  kwatt: si('W', 1),
  watth: si('Wh'),
  joule: si('J'),
  amp: si('A'),
  volt: si('V'),
  ohm: si('Ω'),
  celsius: fixed(' °C'),
  fahrenheit: fixed(' °F'),
  kelvin: fixed(' K'),
  mwatt: scaled(['mW', 'W', 'kW', 'MW'], 1000, ''),
  Wm2: fixed(' W/m²'),
  voltamp: si('VA'),
  kvoltamp: si('VA', 1),
  voltampreact: si('VAr'),
  kwatth: si('Wh', 1),
  wattm: fixed(' W-min'),
  ah: si('Ah'),
  mah: fixed(' mAh'),
  mamp: scaled(['mA', 'A', 'kA'], 1000, ''),
  kvolt: si('V', 1),
  mvolt: scaled(['mV', 'V', 'kV'], 1000, ''),
  farad: si('F'),
  henry: si('H'),
  lumens: si('lm'),
  dBm: fixed(' dBm'),
  pressurebar: si('bar'),
  pressurembar: fixed(' mbar'),
  pressurehpa: fixed(' hPa'),
  pressurekpa: fixed(' kPa'),
  pressurepsi: fixed(' psi'),
  massg: si('g'),
  masskg: si('g', 1),
  masst: fixed(' t'),
  litre: si('L'),
  mlitre: scaled(['mL', 'L', 'kL'], 1000, ''),
  m3: fixed(' m³'),
  flowlpm: fixed(' L/min'),
  lengthmm: scaled(['mm', 'm', 'km'], 1000, ''),
  lengthkm: si('m', 1),
  lengthft: fixed(' ft'),
  lengthmi: fixed(' mi'),
  velocitymph: fixed(' mph'),
  velocityknot: fixed(' kn'),
  accMS2: fixed(' m/s²'),
  radian: fixed(' rad'),
  rotrpm: fixed(' rpm'),
  conppb: fixed(' ppb'),
  conmgm3: fixed(' mg/m³'),
  conμgm3: fixed(' µg/m³'),
  pH: fixed(' pH'),
  decpbytes: scaled(SI, 1000, 'B', 5),
  TiBs: scaled(IEC, 1024, 'B/s', 4),
  TBs: scaled(SI, 1000, 'B/s', 4),
  PiBs: scaled(IEC, 1024, 'B/s', 5),
  PBs: scaled(SI, 1000, 'B/s', 5),
  Kibits: scaled(IEC, 1024, 'b/s', 1),
  Mibits: scaled(IEC, 1024, 'b/s', 2),
  Gibits: scaled(IEC, 1024, 'b/s', 3),
  Tbits: scaled(SI, 1000, 'b/s', 4),
  Pbits: scaled(SI, 1000, 'b/s', 5),
  Mhs: scaled(SI, 1000, 'H/s', 2),
  Ghs: scaled(SI, 1000, 'H/s', 3),
  Hs: scaled(SI, 1000, 'H/s'),
  mflops: si('FLOPS', 2),
  gflops: si('FLOPS', 3),
  jobpm: counted('jobs/min'),
  mpm: counted('msg/min'),
  rowspm: counted('rows/min'),
  lengthm: si('m'),
  velocityms: fixed(' m/s'),
  velocitykmh: fixed(' km/h'),
  degree: fixed('°'),
  ppm: fixed(' ppm'),
  currencyUSD: fixed('', '$'),
  currencyEUR: fixed('', '€'),
  currencyGBP: fixed('', '£'),
  currencyJPY: fixed('', '¥'),
  currencyCHF: fixed(' CHF'),
  currencyRUB: fixed(' ₽'),
  currencyUAH: fixed(' ₴'),
  currencyPLN: fixed(' zł'),
  currencyCZK: fixed(' Kč'),
  currencySEK: fixed(' kr'),
  currencyNOK: fixed(' kr'),
  currencyDKK: fixed(' kr'),
  currencyINR: fixed('', '₹'),
  currencyKRW: fixed('', '₩'),
  currencyBRL: fixed('', 'R$'),
  currencyTRY: fixed('', '₺'),
  currencyBTC: fixed('', '฿'),
  bool: bool('True', 'False'),
  bool_yes_no: bool('Yes', 'No'),
  bool_on_off: bool('On', 'Off'),
};

/** Custom units: `suffix: req`, `prefix:$`, `si:W`, `count:req`, `currency:£`, `time:…`; any other text is a suffix. */
function customUnit(unit: string): Formatter {
  const colon = unit.indexOf(':');
  const kind = unit.slice(0, colon);
  const rest = unit.slice(colon + 1);
  if (kind === 'suffix') return fixed(rest.startsWith(' ') ? rest : ` ${rest}`);
  if (kind === 'prefix') return fixed('', rest);
  if (kind === 'si') return si(rest);
  if (kind === 'count') return counted(rest);
  if (kind === 'currency') return fixed('', rest);
  if (kind === 'bool') return bool(rest.split('/')[0] || 'True', rest.split('/')[1] || 'False');
  return fixed(` ${unit}`);
}

const custom = new Map<string, Formatter>();

function formatterOf(unit: string | undefined): Formatter {
  if (!unit) return UNITS.short!;
  if (Object.hasOwn(UNITS, unit)) return UNITS[unit]!;
  const known = custom.get(unit) ?? customUnit(unit);
  custom.set(unit, known);
  return known;
}

/** Prefix, number and suffix of a value. No unit reads as `short`. Never fails: NaN and infinities have their names. */
export function formatParts(value: number, unit?: string, decimals?: number): FormattedValue {
  if (!Number.isFinite(value)) return { prefix: '', text: numberText(value), suffix: '' };
  return formatterOf(unit)(value, decimals);
}

/** The value in one text. */
export function formatValue(value: number | null | undefined, unit?: string, decimals?: number): string {
  if (value === null || value === undefined) return '–';
  const { prefix, text, suffix } = formatParts(value, unit, decimals);
  return prefix + text + suffix;
}

/** The ticks of one axis, all with the decimals that tell neighbours apart and without needless zeros. */
export function formatTicks(ticks: readonly number[], unit?: string, decimals?: number): string[] {
  if (decimals !== undefined) return ticks.map((t) => formatValue(t, unit, decimals));
  for (let places = 0; places <= 6; places++) {
    const texts = ticks.map((t) => formatValue(t, unit, places));
    const exact = ticks.every((t) =>
      close(Number.parseFloat(formatParts(t, unit, places).text), scaledNumber(t, unit)),
    );
    if (exact && new Set(texts).size === texts.length) return texts.map(trimZeros);
  }
  return ticks.map((t) => formatValue(t, unit));
}

function trimZeros(text: string): string {
  return text.replace(/(\d)\.0+(?!\d)/, '$1');
}

function scaledNumber(value: number, unit: string | undefined): number {
  return Number.parseFloat(formatParts(value, unit, 9).text);
}

function close(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  return Math.abs(a - b) <= Math.max(Math.abs(b), 1) * 1e-6;
}

/** Whether ticks should fall on powers of two. */
export function isBinaryUnit(unit: string | undefined): boolean {
  return unit !== undefined && /^(bytes|bits|[kmgtp]bytes|binBps|binbps|[KMG]iBs)$/.test(unit);
}
