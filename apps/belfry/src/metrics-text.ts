import { encodeText, type MetricFamily } from '@belfry/exposition';
import { labelsFrom, METRIC_NAME, type MetricType } from '@belfry/model';

/** A family as the rooms count it: plain, so that they need no exposition. */
export interface CountedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: readonly {
    readonly name?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

/** Families in the text format. */
export function metricsText(families: readonly CountedFamily[]): string {
  return encodeText(
    families.map(
      ({ name, help, type, samples }): MetricFamily => ({
        name: type === 'counter' ? name.replace(/_total$/, '') : name,
        type,
        help,
        samples: samples.map((s) => ({
          labels: labelsFrom({ ...s.labels, [METRIC_NAME]: s.name ?? name }),
          value: s.value,
        })),
      }),
    ),
  );
}

/** A counter or gauge with one sample. */
export function single(name: string, type: 'counter' | 'gauge', help: string, value: number): CountedFamily {
  return { name, type, help, samples: [{ value }] };
}
