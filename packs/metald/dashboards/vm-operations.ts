/** VM operations: the six panels of the dashboards' README, the four of the monitoring guide, and causes as a table. */
import {
  above,
  chosen,
  dashboard,
  increase,
  labelVariable,
  panel,
  plus,
  quantile,
  rate,
  ratio,
  row,
  select,
  steps,
  sum,
} from '@belfry/sdk';
import { metald as m } from '../metrics.ts';

const backendVariable = labelVariable(m.createRequests, 'backend', { title: 'Backend' });
const where = { backend: chosen(backendVariable) };

/** Good is green: the success rate is bad when it is low. */
const successColours = steps('red', [0.9, 'yellow'], [0.95, 'green']);

const failures = {
  create: sum(rate(m.createFailures, { where })),
  boot: sum(rate(m.bootFailures, { where })),
  shutdown: sum(rate(m.shutdownFailures, { where })),
  delete: sum(rate(m.deleteFailures, { where })),
};

const byCause = { where, window: '$__range' } as const;

export const vmOperations = dashboard('metald-vm-ops', {
  title: 'Metald VM Operations Dashboard',
  description: 'Life cycle, success and failures of virtual machines, their processes and jailers.',
  tags: ['metald', 'vm', 'operations'],
  refresh: '5s',
  from: 'now-15m',
  variables: [backendVariable],
  rows: [
    row(
      'Now',
      [
        panel.stat('Running VMs', select(m.vms, { state: 'running' }), {
          width: 5,
          description: 'VMs in the state running.',
        }),
        panel.gauge(
          'VM Operation Success Rates',
          {
            Create: ratio(m.createSuccess, m.createRequests, { where, window: '5m' }),
            Boot: ratio(m.bootSuccess, m.bootRequests, { where, window: '5m' }),
            Shutdown: ratio(m.shutdownSuccess, m.shutdownRequests, { where, window: '5m' }),
            Delete: ratio(m.deleteSuccess, m.deleteRequests, { where, window: '5m' }),
          },
          {
            unit: 'percentunit',
            min: 0,
            max: 1,
            decimals: 1,
            thresholds: successColours,
            width: 19,
            description:
              'Share of the requests of the last five minutes that succeeded; refused ones count as failed. Empty while nobody asks.',
          },
        ),
      ],
      { height: 6 },
    ),
    row('Life cycle', [
      panel.timeseries(
        'VM Lifecycle Requests per Second',
        {
          Create: sum(rate(m.createRequests, { where })),
          Boot: sum(rate(m.bootRequests, { where })),
          Shutdown: sum(rate(m.shutdownRequests, { where })),
          Delete: sum(rate(m.deleteRequests, { where })),
        },
        { unit: 'reqps' },
      ),
      panel.timeseries(
        'VM Operation Failures per Second',
        {
          Total: plus(failures.create, failures.boot, failures.shutdown, failures.delete),
          Create: failures.create,
          Boot: failures.boot,
          Shutdown: failures.shutdown,
          Delete: failures.delete,
        },
        { unit: 'ops' },
      ),
      panel.timeseries(
        'VM State Operations per Second',
        {
          Pause: sum(rate(m.pauseRequests, { where })),
          Resume: sum(rate(m.resumeRequests, { where })),
          Reboot: sum(rate(m.rebootRequests, { where })),
          Info: sum(rate(m.infoRequests, { where })),
          List: sum(rate(m.listRequests, { where })),
        },
        { unit: 'reqps' },
      ),
      panel.timeseries(
        'VM Operations Rate',
        { '{{operation}} - {{status}}': sum(rate(m.vmOperations, { window: '5m' }), ['operation', 'status']) },
        { unit: 'ops', description: 'Operations that came to an end at the hypervisor, of every backend.' },
      ),
    ]),
    row('Causes', [
      panel.table(
        'Failures by Cause',
        {
          Create: above(sum(increase(m.createFailures, byCause), ['error_type']), 0),
          Boot: above(sum(increase(m.bootFailures, byCause), ['error_type']), 0),
          Shutdown: above(sum(increase(m.shutdownFailures, byCause), ['error_type']), 0),
          Delete: above(sum(increase(m.deleteFailures, byCause), ['error_type']), 0),
        },
        {
          columns: { error_type: 'Cause' },
          decimals: 0,
          width: 12,
          description: 'Requests refused or failed in the shown range of time.',
        },
      ),
      panel.timeseries(
        'API Latency',
        {
          p50: quantile(0.5, m.apiDuration, { window: '5m' }),
          p95: quantile(0.95, m.apiDuration, { window: '5m' }),
          p99: quantile(0.99, m.apiDuration, { window: '5m' }),
        },
        { unit: 's', width: 12, description: 'Time to answer calls of the API, of every method and backend.' },
      ),
    ]),
    row('Durations', [
      panel.timeseries(
        'Create Duration',
        {
          'p50 {{backend}}': quantile(0.5, m.createDuration, { where, by: ['backend'], window: '5m' }),
          'p95 {{backend}}': quantile(0.95, m.createDuration, { where, by: ['backend'], window: '5m' }),
        },
        { unit: 's' },
      ),
      panel.timeseries(
        'Boot Duration',
        {
          'p50 {{backend}}': quantile(0.5, m.bootDuration, { where, by: ['backend'], window: '5m' }),
          'p95 {{backend}}': quantile(0.95, m.bootDuration, { where, by: ['backend'], window: '5m' }),
          'p95 of all backends': quantile(0.95, m.vmBootDuration, { window: '5m' }),
        },
        { unit: 's' },
      ),
      panel.timeseries(
        'Shutdown and Delete Duration',
        {
          'Shutdown p95': quantile(0.95, m.shutdownDuration, { where: { ...where, force: 'false' }, window: '5m' }),
          'Shutdown p95, forced': quantile(0.95, m.shutdownDuration, {
            where: { ...where, force: 'true' },
            window: '5m',
          }),
          'Delete p95': quantile(0.95, m.deleteDuration, { where, window: '5m' }),
        },
        { unit: 's' },
      ),
      panel.timeseries(
        'Pause, Resume and Reboot: Outcome',
        {
          'Pause success': sum(rate(m.pauseSuccess, { where })),
          'Pause failures': sum(rate(m.pauseFailures, { where })),
          'Resume success': sum(rate(m.resumeSuccess, { where })),
          'Resume failures': sum(rate(m.resumeFailures, { where })),
          'Reboot success': sum(rate(m.rebootSuccess, { where })),
          'Reboot failures': sum(rate(m.rebootFailures, { where })),
        },
        { unit: 'ops' },
      ),
    ]),
    row('Processes and billing', [
      panel.timeseries(
        'Process Management Operations',
        {
          'Create requests': sum(rate(m.processCreateRequests)),
          'Create success': sum(rate(m.processCreateSuccess)),
          'Create failures': sum(rate(m.processCreateFailures)),
          Terminations: sum(rate(m.processTerminations)),
          Cleanups: sum(rate(m.processCleanups)),
        },
        { unit: 'ops', description: 'Processes are not told apart by backend.' },
      ),
      panel.timeseries(
        'Jailer Operations (AWS Production)',
        {
          'Start requests': sum(rate(m.jailerStartRequests, { where })),
          'Start success': sum(rate(m.jailerStartSuccess, { where })),
          'Start failures': sum(rate(m.jailerStartFailures, { where })),
        },
        { unit: 'ops' },
      ),
      panel.timeseries(
        'Billing Metrics Collection',
        { samples: sum(rate(m.billingMetricsCollected, { window: '5m' })) },
        {
          unit: 'cps',
          description: 'Usage samples read from VMs per second: ten for each running VM.',
        },
      ),
    ]),
  ],
});
