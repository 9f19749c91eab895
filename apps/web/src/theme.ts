/**
 * Every colour of the interface: surfaces, text, and the three palettes (categorical, semantic, sequential), dark and
 * light. Components take them from here or through the `--b-…` CSS variables made here; nowhere else is a colour written.
 */
import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';
import { mix, parseColor } from './format/color.ts';

export type Scheme = 'dark' | 'light';

export interface Palette {
  readonly scheme: Scheme;
  /** From the page's ground to what floats above it. */
  readonly surface: {
    readonly page: string;
    readonly panel: string;
    readonly raised: string;
    readonly sunken: string;
    readonly input: string;
    readonly hover: string;
    readonly selected: string;
    readonly border: string;
    readonly borderStrong: string;
    readonly overlay: string;
  };
  readonly text: { readonly strong: string; readonly body: string; readonly dim: string; readonly faint: string };
  readonly accent: { readonly base: string; readonly text: string; readonly soft: string; readonly on: string };
  readonly brand: string;
  /** One colour a series, told apart from its neighbours. */
  readonly categorical: readonly string[];
  /** What a colour means. */
  readonly semantic: {
    readonly ok: string;
    readonly warning: string;
    readonly critical: string;
    readonly info: string;
    readonly neutral: string;
  };
  /** Little to much. */
  readonly sequential: readonly string[];
  /** The hues Grafana's dashboards name. */
  readonly named: Readonly<Record<string, string>>;
  readonly chart: { readonly grid: string; readonly axis: string; readonly crosshair: string; readonly track: string };
  /** PromQL in the editor. */
  readonly syntax: {
    readonly metric: string;
    readonly func: string;
    readonly keyword: string;
    readonly label: string;
    readonly string: string;
    readonly number: string;
    readonly operator: string;
  };
  readonly shadow: string;
}

const DARK: Palette = {
  scheme: 'dark',
  surface: {
    page: '#0e1014',
    panel: '#15181e',
    raised: '#1c2027',
    sunken: '#0a0c0f',
    input: '#0e1014',
    hover: '#1f242c',
    selected: '#232a3a',
    border: '#252a33',
    borderStrong: '#363d49',
    overlay: 'rgba(4, 5, 8, 0.62)',
  },
  text: { strong: '#f2f4f8', body: '#ccd2dc', dim: '#949dac', faint: '#667080' },
  accent: { base: '#5b7cfa', text: '#8ea6ff', soft: 'rgba(91, 124, 250, 0.16)', on: '#ffffff' },
  brand: '#e3ad4c',
  categorical: [
    '#6b9bfa',
    '#f0b23e',
    '#3fc9a9',
    '#ee7cb0',
    '#a98bf7',
    '#f28b54',
    '#56c6ec',
    '#a8cf55',
    '#ef6e6e',
    '#d39bf0',
    '#7fdca4',
    '#e6d36a',
  ],
  semantic: { ok: '#3fbf7f', warning: '#f0ad3d', critical: '#f2605f', info: '#6b9bfa', neutral: '#7d8796' },
  sequential: ['#1a2233', '#213b6b', '#2b5fae', '#3b8bd8', '#5fb8ea', '#a6e0ef', '#f3f7d8'],
  named: {
    red: '#f2605f',
    orange: '#f28b54',
    yellow: '#f0bd45',
    green: '#3fbf7f',
    blue: '#6b9bfa',
    purple: '#a98bf7',
    white: '#f2f4f8',
    black: '#0a0c0f',
    gray: '#7d8796',
  },
  chart: { grid: 'rgba(160, 175, 200, 0.09)', axis: '#8690a0', crosshair: '#8690a0', track: '#22272f' },
  syntax: {
    metric: '#ccd2dc',
    func: '#8ea6ff',
    keyword: '#ee7cb0',
    label: '#56c6ec',
    string: '#8fd694',
    number: '#f0b23e',
    operator: '#949dac',
  },
  shadow: '0 10px 32px rgba(0, 0, 0, 0.45), 0 2px 6px rgba(0, 0, 0, 0.35)',
};

const LIGHT: Palette = {
  scheme: 'light',
  surface: {
    page: '#f4f5f8',
    panel: '#ffffff',
    raised: '#ffffff',
    sunken: '#eceef3',
    input: '#ffffff',
    hover: '#eef1f6',
    selected: '#e6ebff',
    border: '#e0e3ea',
    borderStrong: '#c7ccd7',
    overlay: 'rgba(24, 30, 44, 0.38)',
  },
  text: { strong: '#12161d', body: '#2f3745', dim: '#5d6778', faint: '#8891a0' },
  accent: { base: '#3d5fe3', text: '#3151cf', soft: 'rgba(61, 95, 227, 0.11)', on: '#ffffff' },
  brand: '#b67e12',
  categorical: [
    '#3d6fe0',
    '#d98e04',
    '#0f9d7e',
    '#d5408a',
    '#7c55dd',
    '#dd6420',
    '#0d94c2',
    '#6b9a12',
    '#d63f3f',
    '#a64fd0',
    '#2f9e5b',
    '#ab8a00',
  ],
  semantic: { ok: '#15884f', warning: '#b36b00', critical: '#cf3231', info: '#3d6fe0', neutral: '#6a7382' },
  sequential: ['#eef3fb', '#cfe0f5', '#9fc5ec', '#64a2df', '#367bc6', '#1f559c', '#14366b'],
  named: {
    red: '#d63f3f',
    orange: '#dd6420',
    yellow: '#cf9400',
    green: '#17935a',
    blue: '#3d6fe0',
    purple: '#7c55dd',
    white: '#ffffff',
    black: '#12161d',
    gray: '#6a7382',
  },
  chart: { grid: 'rgba(50, 65, 95, 0.10)', axis: '#667080', crosshair: '#667080', track: '#e6e9ef' },
  syntax: {
    metric: '#12161d',
    func: '#3151cf',
    keyword: '#c02f78',
    label: '#0a7ea6',
    string: '#1f7f49',
    number: '#a86400',
    operator: '#5d6778',
  },
  shadow: '0 10px 30px rgba(24, 32, 56, 0.14), 0 2px 6px rgba(24, 32, 56, 0.08)',
};

/** The palette of a scheme. */
export function paletteOf(scheme: Scheme): Palette {
  return scheme === 'dark' ? DARK : LIGHT;
}

/** How the hues change each time they are used up. */
const ROUNDS: readonly (readonly [towards: 'text' | 'ground', share: number])[] = [
  ['text', 0],
  ['text', 0.38],
  ['ground', 0.36],
  ['text', 0.6],
  ['ground', 0.55],
];

/** The colour of the n-th series; after the last hue they repeat, lighter and darker by turns. */
export function categoricalColor(palette: Palette, index: number): string {
  const { categorical } = palette;
  const round = Math.floor(index / categorical.length);
  const base = categorical[index % categorical.length]!;
  const [towards, share] = ROUNDS[round % ROUNDS.length]!;
  return share === 0 ? base : mix(base, towards === 'text' ? palette.text.strong : palette.surface.page, share);
}

/** Grafana's shades, as a share of white (above zero) or black (below). */
const SHADES: readonly (readonly [string, number])[] = [
  ['super-light-', 0.55],
  ['semi-dark-', -0.18],
  ['light-', 0.3],
  ['dark-', -0.34],
];

/** A colour as a dashboard names it: `green`, `semi-dark-red`, `text`, `transparent`, or any CSS colour. */
export function namedColor(palette: Palette, name: string): string {
  if (name === 'transparent') return 'transparent';
  if (name === 'text') return palette.text.strong;
  const exact = palette.named[name];
  if (exact) return exact;
  for (const [prefix, share] of SHADES) {
    const base = name.startsWith(prefix) ? palette.named[name.slice(prefix.length)] : undefined;
    if (base) return mix(base, share > 0 ? DARK.named.white! : DARK.named.black!, Math.abs(share));
  }
  return parseColor(name) ? name : palette.text.dim;
}

const ACCENT_SHADES: MantineColorsTuple = [
  '#edf0ff',
  '#d9dffd',
  '#b3bffa',
  '#8ea6ff',
  '#7490fb',
  '#5b7cfa',
  '#4a6df0',
  '#3d5fe3',
  '#3151cf',
  '#2443b3',
];
const DARK_SHADES: MantineColorsTuple = [
  DARK.text.body,
  '#aab2bf',
  DARK.text.dim,
  DARK.text.faint,
  DARK.surface.borderStrong,
  DARK.surface.border,
  DARK.surface.raised,
  DARK.surface.panel,
  DARK.surface.page,
  DARK.surface.sunken,
];

export const FONT_SANS = "Roboto, system-ui, -apple-system, 'Segoe UI', sans-serif";
export const FONT_MONO = "ui-monospace, 'JetBrains Mono', 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace";

export const mantineTheme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 5 },
  colors: { accent: ACCENT_SHADES, dark: DARK_SHADES },
  fontFamily: FONT_SANS,
  fontFamilyMonospace: FONT_MONO,
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  headings: { fontFamily: FONT_SANS, fontWeight: '500' },
  defaultRadius: 'sm',
  radius: { xs: '3px', sm: '5px', md: '7px', lg: '10px', xl: '14px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
});

/** The palettes as CSS variables, for style sheets. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  dark: variablesOf(DARK),
  light: variablesOf(LIGHT),
});

function variablesOf(p: Palette): Record<string, string> {
  const out: Record<string, string> = {
    '--mantine-color-body': p.surface.page,
    '--mantine-color-text': p.text.body,
    '--mantine-color-dimmed': p.text.dim,
    '--mantine-color-placeholder': p.text.faint,
    '--mantine-color-default': p.surface.raised,
    '--mantine-color-default-hover': p.surface.hover,
    '--mantine-color-default-border': p.surface.border,
    '--b-brand': p.brand,
    '--b-shadow': p.shadow,
    '--b-track': p.chart.track,
    '--b-crosshair': p.chart.crosshair,
  };
  for (const [name, value] of Object.entries(p.surface)) out[`--b-${kebab(name)}`] = value;
  for (const [name, value] of Object.entries(p.text)) out[`--b-text-${name}`] = value;
  for (const [name, value] of Object.entries(p.accent)) out[`--b-accent${name === 'base' ? '' : `-${name}`}`] = value;
  for (const [name, value] of Object.entries(p.semantic)) out[`--b-${name}`] = value;
  for (const [name, value] of Object.entries(p.syntax)) out[`--b-syntax-${name}`] = value;
  return out;
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
}
