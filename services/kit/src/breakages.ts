import { BelfryError, nearest } from '@belfry/model';

/** An incident that a reference service can be put into. */
export interface Incident {
  readonly name: string;
  /** What then happens, in a sentence. */
  readonly story: string;
}

/** The incidents of a service, and which are on. */
export interface Breakages<N extends string = string> {
  readonly incidents: readonly Incident[];
  isOn(name: N): boolean;
  /** @throws BelfryError `not_found` for a name that is not an incident of this service */
  set(name: string, on: boolean): void;
  list(): readonly (Incident & { readonly on: boolean })[];
}

/** `changed` is called after an incident was switched to the other state. */
export function createBreakages<N extends string>(
  incidents: Readonly<Record<N, string>>,
  changed: (name: N, on: boolean) => void = () => {},
): Breakages<N> {
  const known = Object.entries<string>(incidents).map(([name, story]) => ({ name, story }));
  const broken = new Set<string>();
  return {
    incidents: known,
    isOn: (name) => broken.has(name),
    set(name, on) {
      if (!known.some((i) => i.name === name)) {
        const near = nearest(
          name,
          known.map((i) => i.name),
        );
        const help = near ? `did you mean ${near}?` : `there are ${known.map((i) => i.name).join(', ')}`;
        throw new BelfryError('not_found', `no incident is called ${JSON.stringify(name)}: ${help}`);
      }
      if (broken.has(name) === on) return;
      if (on) broken.add(name);
      else broken.delete(name);
      changed(name as N, on);
    },
    list: () => known.map((i) => ({ ...i, on: broken.has(i.name) })),
  };
}
