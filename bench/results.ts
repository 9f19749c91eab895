/** What is measured and kept: plain data, written as the committed baseline. */
import type { DatasetSize } from './dataset.ts';
import type { ServerKind } from './servers.ts';

/** A number of one server; undefined where it was not measured. */
export type Each = Partial<Record<ServerKind, number>>;

/** One line of the table. */
export interface Measurement {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly values: Each;
  /** What Belfry's ratio to Prometheus, or where `absolute` its number, has to reach. */
  readonly target?: { readonly atMost?: number; readonly atLeast?: number; readonly absolute?: boolean };
  readonly note?: string;
  /** Where the ratio is a mean of ratios and not one of these numbers. */
  readonly ratios?: Each;
}

/** One query in one kind of call. */
export interface QueryTiming {
  readonly kind: 'range 1h' | 'range all' | 'instant' | 'metadata';
  readonly name: string;
  readonly expr: string;
  /** p50 in milliseconds. */
  readonly p50Ms: Each;
}

/** An answer of Belfry that is not Prometheus'. */
export interface Difference {
  readonly call: string;
  readonly expr: string;
  readonly what: string;
}

export interface Results {
  readonly size: DatasetSize['name'];
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly kernel: string;
  };
  /** Runnable processes on the machine just before, as a hint at what else it did. */
  readonly loadBefore: number;
  readonly versions: Partial<Record<ServerKind, string>>;
  readonly dataset: { readonly series: number; readonly samples: number; readonly hours: number };
  readonly measurements: Measurement[];
  readonly queries: QueryTiming[];
  readonly differences: Difference[];
}

/** Of one server to Prometheus. */
export function ratioOf({ values, ratios }: Measurement, kind: ServerKind): number | undefined {
  if (ratios) return ratios[kind];
  const [own, theirs] = [values[kind], values.prometheus];
  return own === undefined || theirs === undefined || theirs === 0 ? undefined : own / theirs;
}

/** Whether Belfry is where it has to be; undefined without a target or a number. */
export function reached(m: Measurement): boolean | undefined {
  const value = m.target?.absolute ? m.values.belfry : ratioOf(m, 'belfry');
  if (!m.target || value === undefined) return undefined;
  const { atMost = Infinity, atLeast = -Infinity } = m.target;
  return value <= atMost && value >= atLeast;
}
