/** What can go wrong with metald on demand. */
export const METALD_INCIDENTS = {
  'database-outage': 'The database does not answer: every call that needs it fails with an internal error.',
  'asset-outage': 'The asset service does not answer, so that no VM can be created.',
  'jailer-failures': 'The jailer does not start, so that most boots fail.',
  'slow-backend': 'The hypervisors take ten times as long for everything.',
  'vm-crashes': 'Hypervisor processes are killed at random; the reconciler marks their VMs as shut down.',
  'cross-tenant-probing': 'A customer tries to boot, stop and delete the VMs of others.',
  'missing-tenant-header': 'Batches are sent without tenant: billaged refuses each, while heartbeats succeed.',
  'memory-growth': 'Metald reports ever more memory, 100 MB a second up to 3 GB.',
} as const;

export type MetaldIncident = keyof typeof METALD_INCIDENTS;
