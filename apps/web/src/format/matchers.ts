import type { SilenceMatcher } from '../api/alertmanager.ts';

export interface ParsedMatchers {
  readonly matchers: readonly SilenceMatcher[];
  /** What is wrong with the text, for the person who wrote it. */
  readonly error: string | undefined;
}

const MATCHER = /^\s*([a-zA-Z_][\w.:-]*|"(?:[^"\\]|\\.)*")\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^,\s"{}]+)\s*/;

/** Matchers as amtool and PromQL write them: `a="b", c=~"d|e"`, with or without braces around. */
export function parseMatchers(text: string): ParsedMatchers {
  let rest = text
    .trim()
    .replace(/^\{([\s\S]*)\}$/, '$1')
    .trim();
  const matchers: SilenceMatcher[] = [];
  while (rest !== '') {
    const match = MATCHER.exec(rest);
    if (!match) return { matchers, error: `Expected name="value" at ${JSON.stringify(rest.slice(0, 24))}` };
    const [whole, name, operator, value] = match as unknown as [string, string, string, string];
    matchers.push({
      name: unquote(name),
      value: unquote(value),
      isRegex: operator.endsWith('~'),
      isEqual: operator.startsWith('='),
    });
    rest = rest.slice(whole.length);
    if (rest === '') break;
    if (!rest.startsWith(',')) return { matchers, error: `Expected a comma at ${JSON.stringify(rest.slice(0, 24))}` };
    rest = rest.slice(1).trim();
  }
  if (matchers.length === 0) return { matchers, error: 'At least one matcher is needed' };
  if (matchers.every(matchesEmpty)) return { matchers, error: 'At least one matcher must not match an empty label' };
  return { matchers, error: undefined };
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

function matchesEmpty({ value, isRegex, isEqual }: SilenceMatcher): boolean {
  if (!isRegex) return (value === '') === isEqual;
  try {
    return new RegExp(`^(?:${value})$`).test('') === isEqual;
  } catch {
    return false;
  }
}
