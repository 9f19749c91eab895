const RUN = 1024;
const STEPS = 2048;

/** Sorts as `Array.sort`, in small steps: yields after each, so that the thread can do something else in between. */
export function* sortSlowly<T>(items: readonly T[], compare: (a: T, b: T) => number): Generator<void, T[], void> {
  let from = items.slice();
  for (let at = 0; at < from.length; at += RUN) {
    const run = from.slice(at, at + RUN).sort(compare);
    for (let i = 0; i < run.length; i++) from[at + i] = run[i];
    yield;
  }
  let to = new Array<T>(from.length);
  for (let width = RUN; width < from.length; width *= 2) {
    for (let at = 0; at < from.length; at += 2 * width) {
      const middle = Math.min(at + width, from.length);
      const end = Math.min(at + 2 * width, from.length);
      let i = at;
      let j = middle;
      for (let k = at; k < end; k++) {
        to[k] = j >= end || (i < middle && compare(from[i], from[j]) <= 0) ? from[i++] : from[j++];
        if (k % STEPS === 0) yield;
      }
    }
    [from, to] = [to, from];
  }
  return from;
}
