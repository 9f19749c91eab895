/** Items whose text has all the letters in order, best first: prefixes and word starts before gaps. */
export function rankMatches<T>(needle: string, items: readonly T[], textOf: (item: T) => string): T[] {
  const wanted = needle.toLowerCase().replace(/\s+/g, ' ').trim();
  return items
    .map((item) => ({ item, score: score(wanted, textOf(item).toLowerCase()) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item);
}

/** 0 when the letters are not all there. */
export function score(needle: string, text: string): number {
  if (needle === '') return 1;
  const whole = text.indexOf(needle);
  if (whole === 0) return 1000 - text.length;
  if (whole > 0) return (isStart(text, whole) ? 800 : 600) - text.length;
  let at = 0;
  let points = 0;
  for (const letter of needle) {
    if (letter === ' ') continue;
    const next = text.indexOf(letter, at);
    if (next < 0) return 0;
    points += next === at ? 6 : isStart(text, next) ? 4 : 1;
    at = next + 1;
  }
  return Math.max(points - text.length / 50, 0.1);
}

function isStart(text: string, at: number): boolean {
  return at === 0 || /[^a-z0-9]/.test(text[at - 1]!);
}
