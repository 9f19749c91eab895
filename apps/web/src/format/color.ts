/** Colour arithmetic on CSS hex and rgb() texts. The colours themselves live in theme.ts. */

export interface Rgba {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  /** 0 to 1. */
  readonly a: number;
}

const HEX = /^#([0-9a-f]{3,8})$/i;
const FUNCTIONAL = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)(?:[\s,/]+([\d.]+%?))?\s*\)$/i;

/** The channels of `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb()` or `rgba()`; undefined for any other text. */
export function parseColor(text: string): Rgba | undefined {
  const hex = HEX.exec(text)?.[1];
  if (hex) return parseHex(hex);
  const match = FUNCTIONAL.exec(text);
  if (!match) return undefined;
  const alpha = match[4];
  const a = alpha === undefined ? 1 : alpha.endsWith('%') ? Number.parseFloat(alpha) / 100 : Number(alpha);
  return { r: Number(match[1]), g: Number(match[2]), b: Number(match[3]), a };
}

function parseHex(hex: string): Rgba | undefined {
  const long = hex.length <= 4 ? [...hex].map((c) => c + c).join('') : hex;
  if (long.length !== 6 && long.length !== 8) return undefined;
  const channel = (i: number) => Number.parseInt(long.slice(i, i + 2), 16);
  return { r: channel(0), g: channel(2), b: channel(4), a: long.length === 8 ? channel(6) / 255 : 1 };
}

/** The same colour with another opacity (0 to 1); a text that is no colour is given back as it is. */
export function withAlpha(color: string, alpha: number): string {
  const c = parseColor(color);
  return c ? `rgba(${c.r}, ${c.g}, ${c.b}, ${alpha})` : color;
}

/** `share` of `b` in `a`: 0 is `a`, 1 is `b`. */
export function mix(a: string, b: string, share: number): string {
  const x = parseColor(a);
  const y = parseColor(b);
  if (!x || !y) return a;
  const between = (p: number, q: number) => Math.round(p + (q - p) * share);
  return `rgb(${between(x.r, y.r)}, ${between(x.g, y.g)}, ${between(x.b, y.b)})`;
}

/** Relative luminance as WCAG 2 defines it, 0 (black) to 1 (white). */
export function luminance(color: string): number {
  const c = parseColor(color);
  if (!c) return 0;
  const linear = (v: number) => {
    const s = v / 255;
    return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
}

/** WCAG 2 contrast ratio of two opaque colours, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** The point at `share` (0 to 1) of a ramp of colours. */
export function rampColor(ramp: readonly string[], share: number): string {
  const at = Math.min(Math.max(share, 0), 1) * (ramp.length - 1);
  const i = Math.min(Math.floor(at), ramp.length - 2);
  return mix(ramp[i]!, ramp[i + 1]!, at - i);
}
