import {
  type Appender,
  assert,
  BelfryError,
  type Exemplar,
  type FloatHistogram,
  isStaleNaN,
  type Labels,
  type Metadata,
  REFUSED,
  type Refusal,
  type SeriesRef,
} from '@belfry/model';
import { ByteBuffer } from './bytes.ts';
import { addExemplar, judgeExemplar } from './exemplars.ts';
import { fileFault } from './files.ts';
import {
  appendableMinT,
  appendFloat,
  appendHistogramSample,
  endsInHistogram,
  getOrCreateSeries,
  type Head,
  noteSegment,
} from './head.ts';
import { flushHeadChunks } from './head-chunks.ts';
import { sameHistogram, staleHistogram } from './histogram-chunk.ts';
import { insertOutOfOrder, MAX_OUT_OF_ORDER_SAMPLES, spillOutOfOrder } from './out-of-order.ts';
import { MAX_SERIES, slotOfRef } from './series-table.ts';
import {
  type ExemplarRecord,
  encodeExemplars,
  encodeHistograms,
  encodeMetadata,
  encodeMmapMarkers,
  encodeSamples,
  encodeSeries,
  growColumns,
  type HistogramRecord,
  histogramRecordType,
  type MmapMarker,
  type SampleColumns,
  sampleColumns,
} from './wal-records.ts';

/** The buffers of a transaction; kept for the next. */
interface Batch {
  readonly columns: SampleColumns;
  slots: Uint32Array;
}

const MAX_IDLE_BATCHES = 4;
const MAX_IDLE_BATCH_SAMPLES = 65_536;
const FIRST_BATCH_SAMPLES = 1024;
const idleBatches: Batch[] = [];
const record = new ByteBuffer(64 * 1024);

const scratch = new Float64Array(1);
const scratchWords = new Uint32Array(scratch.buffer);
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;

/** Begins a transaction on the head. */
export function openAppender(head: Head): Appender {
  return new HeadAppender(head);
}

class HeadAppender implements Appender {
  readonly #head: Head;
  readonly #minT: number;
  /** Nothing older is taken, not even out of order. */
  readonly #oldestT: number;
  #batch: Batch | undefined;
  #created: number[] | undefined;
  #histograms: { slot: number; t: number; histogram: FloatHistogram }[] | undefined;
  #exemplars: { slot: number; exemplar: ExemplarRecord }[] | undefined;
  #metadata: Map<number, Metadata> | undefined;
  #late: { readonly columns: SampleColumns; readonly slots: number[] } | undefined;

  constructor(head: Head) {
    this.#head = head;
    this.#minT = appendableMinT(head);
    const { windowMs } = head.outOfOrder;
    this.#oldestT = windowMs > 0 ? head.maxT - windowMs : Infinity;
    const batch = idleBatches.pop();
    this.#batch = batch ?? {
      columns: sampleColumns(FIRST_BATCH_SAMPLES),
      slots: new Uint32Array(FIRST_BATCH_SAMPLES),
    };
    this.#batch.columns.count = 0;
  }

  append(ref: SeriesRef, labels: Labels, t: number, value: number): SeriesRef | Refusal {
    const head = this.#head;
    const s = head.series;
    const slot = ref > 0 && slotOfRef(s, ref) ? slotOfRef(s, ref) : this.#series(labels);
    if (value !== value && isStaleNaN(value) && endsInHistogram(head, slot) !== 'none') {
      return this.#appendHistogram(slot, t, staleHistogram(endsInHistogram(head, slot) === 'integer'));
    }
    if (t <= s.tipT[slot] || t < this.#minT) {
      const refusal = this.#takeLate(slot, t, value);
      return refusal === 0 ? s.refs[slot] : refusal;
    }
    if (s.logged[slot] === 0) this.#mustLog(slot);
    const batch = this.#batch!;
    const c = batch.columns;
    const i = c.count;
    if (i === c.refs.length) growBatch(batch);
    batch.slots[i] = slot;
    c.refs[i] = s.walRefs[slot];
    c.ts[i] = t;
    c.values[i] = value;
    if (value !== value) keepStaleBits(c.words, i, value);
    c.count = i + 1;
    s.tipT[slot] = t;
    s.tipV[slot] = value;
    return s.refs[slot];
  }

  #series(labels: Labels): number {
    if (labels.length === 0) throw new BelfryError('bad_data', 'a series without labels');
    const slot = getOrCreateSeries(this.#head, labels);
    if (slot === 0) {
      throw new BelfryError('limit_exceeded', `the head holds ${MAX_SERIES} series, the most that it can`);
    }
    return slot;
  }

  #mustLog(slot: number): void {
    this.#head.series.logged[slot] = 2;
    this.#created ??= [];
    this.#created.push(slot);
  }

  /** A sample not newer than the newest: 0 when it may be taken as the same once more, else why not. */
  #takeLate(slot: number, t: number, value: number): 0 | Refusal {
    const { series: s, stats } = this.#head;
    if (t >= this.#minT && t === s.tipT[slot]) {
      scratch[0] = value;
      const same = sameBits(scratchWords[0], scratchWords[1], s.tipWords[slot * 2], s.tipWords[slot * 2 + 1]);
      if (same || (isStaleNaN(value) && isStaleNaN(s.tipV[slot]))) return 0;
      stats.duplicates++;
      return REFUSED.duplicate;
    }
    if (this.#oldestT !== Infinity) {
      if (t >= this.#oldestT) {
        this.#addLate(slot, t, value);
        return 0;
      }
      stats.tooOld++;
      return REFUSED.tooOld;
    }
    if (t < this.#minT) {
      stats.outOfBounds++;
      return REFUSED.outOfBounds;
    }
    stats.outOfOrder++;
    return REFUSED.outOfOrder;
  }

  #addLate(slot: number, t: number, value: number): void {
    if (this.#head.series.logged[slot] === 0) this.#mustLog(slot);
    this.#late ??= { columns: sampleColumns(64), slots: [] };
    const c = this.#late.columns;
    if (c.count === c.refs.length) growColumns(c, c.count + 1);
    c.refs[c.count] = this.#head.series.walRefs[slot];
    c.ts[c.count] = t;
    c.values[c.count] = value;
    if (value !== value) keepStaleBits(c.words, c.count, value);
    c.count++;
    this.#late.slots.push(slot);
  }

  appendHistogram(ref: SeriesRef, labels: Labels, t: number, histogram: FloatHistogram): SeriesRef | Refusal {
    const slot = slotOfRef(this.#head.series, ref) || this.#series(labels);
    return this.#appendHistogram(slot, t, histogram);
  }

  #appendHistogram(slot: number, t: number, histogram: FloatHistogram): SeriesRef | Refusal {
    const { series: s, stats } = this.#head;
    if (t < this.#minT) {
      stats.outOfBounds++;
      return REFUSED.outOfBounds;
    }
    if (t < s.tipT[slot]) {
      stats.outOfOrder++;
      return REFUSED.outOfOrder;
    }
    if (t === s.tipT[slot]) {
      const last = this.#lastHistogram(slot);
      if (last && sameHistogram(last, histogram)) return s.refs[slot];
      stats.duplicates++;
      return REFUSED.duplicate;
    }
    if (s.logged[slot] === 0) this.#mustLog(slot);
    this.#histograms ??= [];
    this.#histograms.push({ slot, t, histogram });
    s.tipT[slot] = t;
    return s.refs[slot];
  }

  #lastHistogram(slot: number): FloatHistogram | undefined {
    return this.#histograms?.findLast((h) => h.slot === slot)?.histogram ?? this.#head.histograms.get(slot)?.last;
  }

  appendExemplar(ref: SeriesRef, exemplar: Exemplar): void {
    const { series: s, exemplars, stats } = this.#head;
    const slot = slotOfRef(s, ref);
    if (slot === 0 || exemplars.capacity === 0) return;
    const t = exemplar.timestampMs ?? s.tipT[slot];
    const judgement = judgeExemplar(exemplars, s.labels[slot], exemplar, t);
    if (judgement === 'old') stats.exemplarsOutOfOrder++;
    if (judgement !== 'store') return;
    this.#exemplars ??= [];
    const stored = { ref: s.walRefs[slot], t, value: exemplar.value, labels: exemplar.labels };
    this.#exemplars.push({ slot, exemplar: stored });
  }

  updateMetadata(ref: SeriesRef, labels: Labels, metadata: Metadata): void {
    const slot = slotOfRef(this.#head.series, ref) || this.#series(labels);
    const known = this.#metadata?.get(slot) ?? this.#head.metadata.get(slot);
    if (known && known.type === metadata.type && known.unit === metadata.unit && known.help === metadata.help) return;
    if (this.#head.series.logged[slot] === 0) this.#mustLog(slot);
    this.#metadata ??= new Map();
    this.#metadata.set(slot, metadata);
  }

  commit(): void {
    const head = this.#head;
    assert(this.#batch !== undefined, 'an appender is used once');
    try {
      this.#log();
      if (this.#late) logLate(head, this.#late.columns, this.#late.slots);
    } catch (error) {
      head.stats.walWriteFailures++;
      head.wal?.discard();
      head.outOfOrder.wal?.discard();
      this.rollback();
      throw fileFault(error, 'write-ahead log');
    }
    if (this.#created) for (const slot of this.#created) head.series.logged[slot] = 1;
    applyFloats(head, this.#batch.columns, this.#batch.slots);
    if (this.#late) applyLate(head, this.#late.columns, this.#late.slots);
    if (this.#histograms) this.#applyHistograms(this.#histograms);
    for (const { slot, exemplar: e } of this.#exemplars ?? []) {
      addExemplar(head.exemplars, head.series.labels[slot], e.labels, e.value, e.t);
      head.stats.exemplars++;
    }
    for (const [slot, metadata] of this.#metadata ?? []) head.metadata.set(slot, metadata);
    this.#spend();
    head.committed();
  }

  #applyHistograms(histograms: readonly { slot: number; t: number; histogram: FloatHistogram }[]): void {
    const head = this.#head;
    for (const { slot, t, histogram } of histograms) {
      if (t <= head.series.xor.lastT[slot]) continue;
      appendHistogramSample(head, slot, t, histogram);
      if (t > head.maxT) head.maxT = t;
      if (t < head.minT) head.minT = t;
      head.stats.histogramSamples++;
    }
  }

  #log(): void {
    const { wal, series: s } = this.#head;
    if (!wal) return;
    const first = wal.segment;
    const put = (encode: () => void) => {
      record.clear();
      encode();
      wal.add(record.view());
    };
    const created = this.#created;
    if (created)
      put(() =>
        encodeSeries(
          record,
          created.map((slot) => ({ ref: s.walRefs[slot], labels: s.labels[slot] })),
        ),
      );
    const metadata = this.#metadata;
    if (metadata) {
      put(() =>
        encodeMetadata(
          record,
          [...metadata].map(([slot, m]) => ({ ref: s.walRefs[slot], metadata: m })),
        ),
      );
    }
    const { columns } = this.#batch!;
    if (columns.count > 0) put(() => encodeSamples(record, columns));
    for (const [type, records] of this.#histogramRecords()) put(() => encodeHistograms(record, type, records));
    const exemplars = this.#exemplars;
    if (exemplars)
      put(() =>
        encodeExemplars(
          record,
          exemplars.map((e) => e.exemplar),
        ),
      );
    wal.commit();
    noteSegment(this.#head, first, this.#newestT());
  }

  #newestT(): number {
    const { columns } = this.#batch!;
    let newest = -Infinity;
    for (let i = 0; i < columns.count; i++) if (columns.ts[i] > newest) newest = columns.ts[i];
    for (const { t } of this.#histograms ?? []) if (t > newest) newest = t;
    return newest;
  }

  #histogramRecords(): Map<number, HistogramRecord[]> {
    const byType = new Map<number, HistogramRecord[]>();
    for (const { slot, t, histogram } of this.#histograms ?? []) {
      const type = histogramRecordType(histogram);
      const entry = { ref: this.#head.series.walRefs[slot], t, histogram };
      const records = byType.get(type);
      if (records) records.push(entry);
      else byType.set(type, [entry]);
    }
    return byType;
  }

  rollback(): void {
    const { series: s } = this.#head;
    if (!this.#batch) return;
    for (const slot of this.#created ?? []) if (s.logged[slot] === 2) s.logged[slot] = 0;
    for (let i = 0; i < this.#batch.columns.count; i++) restoreTip(this.#head, this.#batch.slots[i]);
    for (const { slot } of this.#histograms ?? []) restoreTip(this.#head, slot);
    this.#spend();
  }

  #spend(): void {
    const batch = this.#batch;
    const reusable = batch && batch.slots.length <= MAX_IDLE_BATCH_SAMPLES && idleBatches.length < MAX_IDLE_BATCHES;
    if (reusable) idleBatches.push(batch);
    this.#batch = undefined;
    this.#created = undefined;
    this.#histograms = undefined;
    this.#exemplars = undefined;
    this.#metadata = undefined;
    this.#late = undefined;
  }
}

/**
 * Writes out-of-order samples to their log. Series that would have too many in memory give theirs to a chunk before; a marker
 * says so ahead of the new samples.
 */
function logLate(head: Head, columns: SampleColumns, slots: readonly number[]): void {
  const o = head.outOfOrder;
  o.wal ??= o.openWal();
  const incoming = new Map<number, number>();
  for (const slot of slots) incoming.set(slot, (incoming.get(slot) ?? 0) + 1);
  const markers: MmapMarker[] = [];
  for (const [slot, n] of incoming) {
    const series = o.series.get(slot);
    if (!series || series.count === 0 || series.count + n <= MAX_OUT_OF_ORDER_SAMPLES) continue;
    const ref = head.series.walRefs[slot];
    markers.push({ ref, chunk: spillOutOfOrder(series, head.chunks, ref) });
  }
  // A marker must not be in the log before its chunk is in the file: after a crash another chunk might come to lie there.
  if (markers.length > 0 && flushed(head)) {
    record.clear();
    encodeMmapMarkers(record, markers);
    o.wal.add(record.view());
  }
  record.clear();
  encodeSamples(record, columns);
  o.wal.add(record.view());
  o.wal.commit();
}

function flushed(head: Head): boolean {
  try {
    flushHeadChunks(head.chunks);
    return true;
  } catch {
    // The samples are in the log, and without a marker they will be read from there.
    return false;
  }
}

function applyLate(head: Head, c: SampleColumns, slots: readonly number[]): void {
  for (let i = 0; i < c.count; i++) {
    if (insertOutOfOrder(head.outOfOrder, slots[i], c.ts[i], c.words[2 * i], c.words[2 * i + 1])) {
      head.stats.outOfOrderAppended++;
      head.stats.floatSamples++;
    }
  }
}

function growBatch(batch: Batch): void {
  growColumns(batch.columns, batch.columns.count + 1);
  const slots = new Uint32Array(batch.columns.refs.length);
  slots.set(batch.slots);
  batch.slots = slots;
}

/** The marker may have been quieted on its way through the machine; what is stored is the exact one. */
function keepStaleBits(words: Uint32Array, i: number, value: number): void {
  if (!isStaleNaN(value)) return;
  words[2 * i] = STALE_LOW;
  words[2 * i + 1] = STALE_HIGH;
}

function sameBits(aLow: number, aHigh: number, bLow: number, bHigh: number): boolean {
  return aLow === bLow && aHigh === bHigh;
}

function restoreTip(head: Head, slot: number): void {
  const { series: s } = head;
  s.tipT[slot] = s.xor.lastT[slot];
  s.tipWords[slot * 2] = s.xor.lastVWords[slot * 2];
  s.tipWords[slot * 2 + 1] = s.xor.lastVWords[slot * 2 + 1];
}

/** Moves committed samples into the chunks. Those that another transaction has overtaken are dropped, as in a replay. */
function applyFloats(head: Head, c: SampleColumns, slots: Uint32Array): void {
  const { stats } = head;
  let { minT, maxT } = head;
  let taken = 0;
  for (let i = 0; i < c.count; i++) {
    const slot = slots[i];
    const t = c.ts[i];
    if (t <= head.series.xor.lastT[slot] || t < head.minValidT) {
      stats.outOfOrder++;
      continue;
    }
    appendFloat(head, slot, t, c.values[i]);
    if (t > maxT) maxT = t;
    if (t < minT) minT = t;
    taken++;
  }
  head.minT = minT;
  head.maxT = maxT;
  stats.floatSamples += taken;
}
