/** What can go wrong with billaged on demand. */
export const BILLAGED_INCIDENTS = {
  'slow-processing': 'Every batch takes several hundred milliseconds to process.',
  overload: 'Every batch is refused as an internal error; its samples are lost.',
  'silent-refusal': 'Every batch is answered with success: false and HTTP status 200, which RPC metrics count as ok.',
} as const;

export type BillagedIncident = keyof typeof BILLAGED_INCIDENTS;
