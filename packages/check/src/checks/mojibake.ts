import { defineCheck } from '../check.ts';
import { type Place, placeIn, type SourceFile, wholeFile } from '../source.ts';

export const mojibake = defineCheck({
  name: 'mojibake',
  finds: 'Text that was UTF-8 and has been read as another encoding: `Ã©`, `â€™`.',
  severity: 'warning',
  why: 'Some tool in between took the bytes for another encoding and saved what it saw. Titles and annotations show it to everybody.',
  bad: { 'README.md': 'The cafÃ© is open.\n' },
  good: { 'README.md': 'The café is open.\n' },
  run: ({ files }, report) => {
    for (const file of files) {
      const found = garbledIn(file);
      const first = found[0];
      if (!first) continue;
      report({
        at: first.at,
        message: `this was UTF-8 and has been read as ${first.encoding}${found.length > 1 ? `, here and in ${found.length - 1} more places` : ''}`,
        suggestion: `«${first.text}»`,
        fix: found.map(({ at, text }) => ({ at, text })),
      });
    }
  },
});

const ENCODINGS = ['windows-1252', 'macintosh'] as const;

/** From the character that an encoding makes of a byte, back to the byte; only those above ASCII. */
const BYTES = ENCODINGS.map((name) => {
  const decoder = new TextDecoder(name);
  const table = new Map<string, number>();
  for (let byte = 0x80; byte < 0x100; byte++) table.set(decoder.decode(new Uint8Array([byte])), byte);
  return { name, table };
});

interface Garbled {
  readonly at: Place;
  readonly text: string;
  readonly encoding: string;
}

function garbledIn(file: SourceFile): Garbled[] {
  const whole = wholeFile(file);
  const out: Garbled[] = [];
  for (const run of file.text.matchAll(/[^ -~\s]{2,}/g)) {
    for (const { name, table } of BYTES) {
      const text = restored(run[0], table, name === 'macintosh');
      if (text === undefined) continue;
      out.push({ at: placeIn(whole, run.index, run.index + run[0].length), text, encoding: name });
      break;
    }
  }
  return out;
}

/** What the run was, if all of it was UTF-8. Of Mac Roman only symbols: its letters and quotes also stand side by side. */
function restored(run: string, table: ReadonlyMap<string, number>, symbolsOnly: boolean): string | undefined {
  const bytes: number[] = [];
  for (const char of run) {
    const byte = table.get(char);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes));
  } catch {
    return undefined;
  }
  const symbols = [...text].every((c) => c.codePointAt(0)! >= 0x2000);
  return text !== '' && (symbols || !symbolsOnly) ? text : undefined;
}
