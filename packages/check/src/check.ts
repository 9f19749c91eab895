import type { Severity } from './problem.ts';
import type { Place } from './source.ts';
import type { World } from './world.ts';

/** A finding before it is placed in its file. */
export interface Finding {
  readonly at: Place;
  readonly message: string;
  readonly suggestion?: string | undefined;
  /** When it differs from the check's own. */
  readonly severity?: Severity;
  readonly fix?: readonly Replacement[];
}

/** Puts `text` in place of what stands there. */
export interface Replacement {
  readonly at: Place;
  readonly text: string;
}

export type Report = (finding: Finding) => void;

/** Files by name, as they would lie in a directory. */
export type Example = Readonly<Record<string, string>>;

/** One thing to look for. Produces findings only; reporters print them. */
export interface Check {
  readonly kind: 'check';
  /** Kebab-case; what comments that disable it write. */
  readonly name: string;
  /** What it finds, in a sentence. */
  readonly finds: string;
  /** Of its findings, where they do not say otherwise. */
  readonly severity: Severity;
  /** All of them work on files alone; one that asks a server would say false. */
  readonly offline: true;
  /** Why it matters, for the page of the check. */
  readonly why: string;
  /** Yields at least one finding of this check. */
  readonly bad: Example;
  /** Yields none of this check. */
  readonly good: Example;
  readonly run: (world: World, report: Report) => void;
}

export function defineCheck(check: Omit<Check, 'kind' | 'offline'>): Check {
  return Object.freeze({ kind: 'check', offline: true, ...check });
}
