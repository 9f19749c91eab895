import { createHash } from 'node:crypto';

/**
 * A text that must not be shown. Prints and serialises as `<secret>` in every way that is not {@link Secret.reveal}.
 * Plain data for `structuredClone`, too: the text does not cross worker borders.
 */
export interface Secret {
  readonly kind: 'secret';
  /** The text itself: for the request that needs it, and nothing else. */
  reveal(): string;
  toString(): string;
  toJSON(): string;
}

export const SECRET_MASK = '<secret>';

export function secret(text: string): Secret {
  const hidden = (value: unknown) => ({ value, enumerable: false });
  return Object.freeze(
    Object.defineProperties({ kind: 'secret' } as Secret, {
      reveal: hidden(() => text),
      toString: hidden(() => SECRET_MASK),
      toJSON: hidden(() => SECRET_MASK),
      [Symbol.for('nodejs.util.inspect.custom')]: hidden(() => SECRET_MASK),
    }),
  );
}

export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && 'reveal' in value && (value as Secret).kind === 'secret';
}

/** A text equal exactly for equal configurations, secrets too, which it does not tell. */
export function configFingerprint(config: unknown): string {
  const visible = (value: unknown): unknown => {
    if (isSecret(value)) return createHash('sha256').update(value.reveal()).digest('hex');
    if (Array.isArray(value)) return value.map(visible);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, visible(v)]));
  };
  return JSON.stringify(visible(config));
}
