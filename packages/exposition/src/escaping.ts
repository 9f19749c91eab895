import { isLegacyMetricName } from '@belfry/model';

/** How names beyond the old character set are made to fit it, by the terms of content negotiation. */
export type EscapingScheme = 'allow-utf-8' | 'underscores' | 'dots' | 'values';

/** A name in the old character set, by a scheme; `dots` and `values` can be undone. */
export function escapeName(name: string, scheme: EscapingScheme): string {
  if (scheme === 'allow-utf-8' || name === '') return name;
  if (scheme !== 'dots' && isLegacyMetricName(name)) return name;
  let out = scheme === 'values' ? 'U__' : '';
  let first = true;
  for (const char of name) {
    const legal = first ? /[a-zA-Z_:]/.test(char) : /[a-zA-Z0-9_:]/.test(char);
    first = false;
    if (scheme === 'underscores') out += legal ? char : '_';
    else if (char === '_') out += '__';
    else if (scheme === 'dots') out += char === '.' ? '_dot_' : legal ? char : '__';
    else out += legal ? char : `_${char.isWellFormed() ? char.codePointAt(0)!.toString(16) : 'FFFD'}_`;
  }
  return out;
}

/** Undoes {@link escapeName} by the scheme; what was not escaped, or not by this scheme, stays as it is. */
export function unescapeName(name: string, scheme: EscapingScheme): string {
  if (scheme === 'dots') return name.replaceAll('_dot_', '.').replaceAll('__', '_');
  if (scheme !== 'values' || !name.startsWith('U__')) return name;
  let wrong = false;
  const plain = name.slice(3).replace(/__|_([0-9A-Fa-f]{1,6})_|_/g, (found, hex?: string) => {
    if (found === '__') return '_';
    const code = Number.parseInt(hex ?? '', 16);
    if (!(code <= 0x10ffff) || (code >= 0xd800 && code < 0xe000)) wrong = true;
    return wrong ? found : String.fromCodePoint(code);
  });
  return wrong ? name : plain;
}
