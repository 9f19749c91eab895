import { compareText } from '@belfry/model';

/** Sorts `[name, value, name, value, …]` by name, in place. Few and mostly sorted: insertion is the fastest. */
export function sortPairs(pairs: string[]): string[] {
  for (let i = 2; i < pairs.length; i += 2) {
    const name = pairs[i]!;
    const value = pairs[i + 1]!;
    let j = i - 2;
    while (j >= 0 && compareText(pairs[j]!, name) > 0) {
      pairs[j + 2] = pairs[j]!;
      pairs[j + 3] = pairs[j + 1]!;
      j -= 2;
    }
    pairs[j + 2] = name;
    pairs[j + 3] = value;
  }
  return pairs;
}
