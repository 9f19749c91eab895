/** Security: who is refused, why, and on whose machines. The README names it; its filter by customer works here. */
import {
  above,
  among,
  chosen,
  dashboard,
  increase,
  labelVariable,
  panel,
  plus,
  type Query,
  rate,
  ratio,
  row,
  scale,
  select,
  steps,
  sum,
} from '@belfry/sdk';
import { metald as m } from '../metrics.ts';

const backendVariable = labelVariable(m.createRequests, 'backend', { title: 'Backend' });
const customerVariable = labelVariable(m.createRequests, 'customer_id', { title: 'Customer' });
const where = { backend: chosen(backendVariable), customer_id: chosen(customerVariable) };

/** Causes that are about who calls, not about what was asked. */
const refusedCaller = among(
  'ownership_validation_failed',
  'missing_customer_context',
  'permission_denied',
  'authentication_failed',
);
const security = { ...where, error_type: refusedCaller };

const refused = {
  create: sum(rate(m.createFailures, { where: security })),
  boot: sum(rate(m.bootFailures, { where: security })),
  shutdown: sum(rate(m.shutdownFailures, { where: security })),
  delete: sum(rate(m.deleteFailures, { where: security })),
};
const refusedAll = plus(refused.create, refused.boot, refused.shutdown, refused.delete);

const ownership = { where: { ...where, error_type: 'ownership_validation_failed' } } as const;
const violations = plus(
  sum(rate(m.bootFailures, ownership)),
  sum(rate(m.shutdownFailures, ownership)),
  sum(rate(m.deleteFailures, ownership)),
);

const inRange = { where: security, window: '$__range' } as const;
const some = <L extends string>(query: Query<L>) => above(query, 0);

export const securityOperations = dashboard('metald-security-ops', {
  title: 'Metald Security & Authentication Operations',
  description: 'Calls that were refused for who made them, by cause, operation and customer; and the jailer.',
  tags: ['metald', 'security', 'authentication', 'authorization', 'multi-tenant'],
  refresh: '5s',
  from: 'now-15m',
  variables: [backendVariable, customerVariable],
  rows: [
    row(
      'Now',
      [
        panel.stat('Security Alerts - Authentication Failures', scale(refusedAll, 60), {
          description: 'Refused callers per minute, all operations together.',
          thresholds: steps('green', [1, 'yellow'], [10, 'red']),
          decimals: 1,
        }),
        panel.stat('Ownership Violations', scale(violations, 60), {
          description: 'Attempts per minute on the VMs of another customer.',
          thresholds: steps('green', [0.5, 'yellow'], [5, 'red']),
          decimals: 1,
        }),
        panel.stat('Running VMs', select(m.vms, { state: 'running' })),
      ],
      { height: 5 },
    ),
    row('Refused callers', [
      panel.timeseries(
        'Authentication & Security Failures by Operation',
        {
          'Create: {{error_type}}': sum(rate(m.createFailures, { where: security }), ['error_type']),
          Boot: refused.boot,
          Shutdown: refused.shutdown,
          Delete: refused.delete,
        },
        { unit: 'ops', width: 14 },
      ),
      panel.table(
        'Authentication & Authorization Failures by Type',
        {
          Create: some(sum(increase(m.createFailures, inRange), ['error_type'])),
          Boot: some(sum(increase(m.bootFailures, inRange), ['error_type'])),
          Shutdown: some(sum(increase(m.shutdownFailures, inRange), ['error_type'])),
          Delete: some(sum(increase(m.deleteFailures, inRange), ['error_type'])),
        },
        { columns: { error_type: 'Cause' }, decimals: 0, width: 10, description: 'In the shown range of time.' },
      ),
    ]),
    row('Operations and jailers', [
      panel.timeseries(
        'VM Operation Success Rate',
        {
          Create: ratio(m.createSuccess, m.createRequests, { where, window: '5m' }),
          Boot: ratio(m.bootSuccess, m.bootRequests, { where, window: '5m' }),
          Shutdown: ratio(m.shutdownSuccess, m.shutdownRequests, { where, window: '5m' }),
          Delete: ratio(m.deleteSuccess, m.deleteRequests, { where, window: '5m' }),
        },
        { unit: 'percentunit', min: 0, max: 1 },
      ),
      panel.timeseries(
        'Jailer Security Operations',
        {
          'Requests - {{backend}}': sum(rate(m.jailerStartRequests, { where: { backend: where.backend } }), [
            'backend',
          ]),
          'Success - {{backend}}': sum(rate(m.jailerStartSuccess, { where: { backend: where.backend } }), ['backend']),
          'Failures - {{backend}}': sum(rate(m.jailerStartFailures, { where: { backend: where.backend } }), [
            'backend',
          ]),
        },
        { unit: 'ops' },
      ),
    ]),
  ],
});
