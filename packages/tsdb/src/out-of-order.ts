/** Samples older than the newest of their series, within a window. */
export interface OutOfOrder {
  /** How far behind the newest sample of the head one may be; 0: not at all. */
  windowMs: number;
  readonly series: Map<number, unknown>;
}
