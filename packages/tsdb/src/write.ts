import {
  type Appendable,
  BelfryError,
  formatLabels,
  REFUSED,
  type Refusal,
  type WriteBatch,
  type WriteReport,
} from '@belfry/model';

interface Refused {
  readonly reason: Refusal;
  count: number;
  readonly first: string;
}

/**
 * Writes a batch as one transaction.
 * @param refs the store's references of `batch.labels`, 0 where unknown, if the caller keeps them; those learnt are put into it
 * @throws BelfryError `storage_full`, `bad_data`
 */
export function writeBatch(
  store: Appendable,
  batch: WriteBatch,
  refs: Float64Array = new Float64Array(batch.labels.length),
): WriteReport {
  const { labels, series, timestamps, values } = batch;
  checkBatch(batch);
  const appender = store.appender();
  const refused = new Map<Refusal, Refused>();
  let samples = 0;
  let histograms = 0;
  let exemplars = 0;
  try {
    for (let i = 0; i < series.length; i++) {
      const k = series[i];
      const histogram = batch.histograms?.get(i);
      const result = histogram
        ? appender.appendHistogram(refs[k], labels[k], timestamps[i], histogram)
        : appender.append(refs[k], labels[k], timestamps[i], values[i]);
      if (result > 0) {
        refs[k] = result;
        if (histogram) histograms++;
        else samples++;
      } else {
        const reason = result as Refusal;
        const known = refused.get(reason);
        if (known) known.count++;
        else refused.set(reason, { reason, count: 1, first: describe(batch, i, reason) });
      }
    }
    for (const { series: k, metadata } of batch.metadata ?? []) appender.updateMetadata(refs[k], labels[k], metadata);
    for (const { series: k, exemplar } of batch.exemplars ?? []) {
      if (refs[k] === 0) continue;
      appender.appendExemplar(refs[k], exemplar);
      exemplars++;
    }
  } catch (error) {
    appender.rollback();
    throw error;
  }
  appender.commit();
  return { samples, histograms, exemplars, refused: [...refused.values()] };
}

function checkBatch({ labels, series, timestamps, values }: WriteBatch): void {
  if (timestamps.length !== series.length || values.length !== series.length) {
    throw new BelfryError('bad_data', 'the columns of a batch have different lengths');
  }
  for (let i = 0; i < series.length; i++) {
    if (series[i] >= labels.length) throw new BelfryError('bad_data', `sample ${i} of a batch belongs to no series`);
  }
}

const REASONS: Readonly<Record<Refusal, string>> = {
  [REFUSED.outOfOrder]: 'out of order sample',
  [REFUSED.duplicate]: 'duplicate sample for timestamp',
  [REFUSED.outOfBounds]: 'out of bounds',
  [REFUSED.tooOld]: 'too old sample',
};

function describe(batch: WriteBatch, i: number, reason: Refusal): string {
  return `${REASONS[reason]}: ${formatLabels(batch.labels[batch.series[i]])} at ${batch.timestamps[i]}`;
}
