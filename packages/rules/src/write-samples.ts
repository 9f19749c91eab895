import { type FloatHistogram, type Labels, REFUSED, STALE_NAN, type WriteBatch, type Writer } from '@belfry/model';

export interface SampleToWrite {
  readonly labels: Labels;
  readonly value: number;
  readonly histogram?: FloatHistogram | undefined;
}

/** Writes samples of one time. @returns what was wrong with samples that the store refused, or nothing */
export async function writeSamples(
  writer: Writer,
  timestampMs: number,
  samples: readonly SampleToWrite[],
): Promise<string | undefined> {
  if (samples.length === 0) return undefined;
  const { refused } = await writer.write(batchOf(timestampMs, samples));
  if (refused.length === 0) return undefined;
  const { reason, first } = refused[0]!;
  return `${REFUSAL_TEXTS[reason] ?? 'sample refused'}: ${first}`;
}

/** Ends series. That another rule still writes one of them is no fault, so refusals are not told. */
export async function writeStaleMarkers(writer: Writer, timestampMs: number, series: readonly Labels[]): Promise<void> {
  if (series.length === 0) return;
  await writer.write(
    batchOf(
      timestampMs,
      series.map((labels) => ({ labels, value: STALE_NAN })),
    ),
  );
}

const REFUSAL_TEXTS: Readonly<Record<number, string>> = {
  [REFUSED.outOfOrder]: 'out of order sample',
  [REFUSED.duplicate]: 'duplicate sample for timestamp',
  [REFUSED.outOfBounds]: 'out of bounds',
  [REFUSED.tooOld]: 'too old sample',
};

function batchOf(timestampMs: number, samples: readonly SampleToWrite[]): WriteBatch {
  const histograms = new Map<number, FloatHistogram>();
  const values = new Float64Array(samples.length);
  samples.forEach(({ value, histogram }, i) => {
    values[i] = value;
    if (histogram) histograms.set(i, histogram);
  });
  return {
    labels: samples.map((s) => s.labels),
    series: Uint32Array.from(samples, (_, i) => i),
    timestamps: new Float64Array(samples.length).fill(timestampMs),
    values,
    ...(histograms.size > 0 ? { histograms } : {}),
  };
}
