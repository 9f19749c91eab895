import { useCallback } from 'react';
import { useSearchParams } from 'react-router';

/** One parameter of the address as state. The fallback is never written to the address. */
export function useUrlState(name: string, fallback = ''): readonly [string, (value: string) => void] {
  const [parameters, setParameters] = useSearchParams();
  const value = parameters.get(name) ?? fallback;
  const set = useCallback(
    (next: string) => {
      setParameters(
        (current) => {
          const out = new URLSearchParams(current);
          if (next === fallback) out.delete(name);
          else out.set(name, next);
          return out;
        },
        { replace: true },
      );
    },
    [setParameters, name, fallback],
  );
  return [value, set];
}

/**
 * Changes several parameters at once; an empty value removes its parameter. Two changes one after the other would lose
 * the first, because both start from the address as it was.
 */
export function useUrlChange(): (changes: Readonly<Record<string, string>>) => void {
  const [, setParameters] = useSearchParams();
  return useCallback(
    (changes) => {
      setParameters(
        (current) => {
          const out = new URLSearchParams(current);
          for (const [name, value] of Object.entries(changes)) {
            if (value === '') out.delete(name);
            else out.set(name, value);
          }
          return out;
        },
        { replace: true },
      );
    },
    [setParameters],
  );
}
