/** Expressions that were run in this browser, newest first. */

const KEY = 'belfry-explore-history';
const MAX_ENTRIES = 60;

export function readHistory(): readonly string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(list) ? list.filter((e): e is string => typeof e === 'string') : [];
  } catch {
    return [];
  }
}

export function remember(expr: string): void {
  const text = expr.trim();
  if (text === '') return;
  const next = [text, ...readHistory().filter((e) => e !== text)].slice(0, MAX_ENTRIES);
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // A full or forbidden store only costs the history.
  }
}

export function forgetHistory(): void {
  localStorage.removeItem(KEY);
}
