/** Counters of the head since the database was opened. */
export interface HeadStats {
  seriesCreated: number;
  seriesRemoved: number;
  chunksCreated: number;
  chunksRemoved: number;
  /** Found in `chunks_head` at start. */
  chunksAdopted: number;
  floatSamples: number;
  histogramSamples: number;
  outOfOrder: number;
  outOfOrderAppended: number;
  outOfBounds: number;
  tooOld: number;
  duplicates: number;
  exemplars: number;
  exemplarsOutOfOrder: number;
  truncations: number;
  walCorruptions: number;
  walWriteFailures: number;
}

export function newHeadStats(): HeadStats {
  return {
    seriesCreated: 0,
    seriesRemoved: 0,
    chunksCreated: 0,
    chunksRemoved: 0,
    chunksAdopted: 0,
    floatSamples: 0,
    histogramSamples: 0,
    outOfOrder: 0,
    outOfOrderAppended: 0,
    outOfBounds: 0,
    tooOld: 0,
    duplicates: 0,
    exemplars: 0,
    exemplarsOutOfOrder: 0,
    truncations: 0,
    walCorruptions: 0,
    walWriteFailures: 0,
  };
}
