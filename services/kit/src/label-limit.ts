/** What stands for every value beyond the limit. */
export const OTHER = 'other';

/**
 * Keeps the first `most` values of a label that callers choose themselves, and gives {@link OTHER} for the rest: a
 * stranger must not be able to fill the store.
 */
export function createLabelLimit(most: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.size < most) known.add(value);
    return known.has(value) ? value : OTHER;
  };
}
