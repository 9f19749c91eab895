/** Stops on our own mistakes, in production too. Never for input from outside: that gets a {@link BelfryError}. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}
