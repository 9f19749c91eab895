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
