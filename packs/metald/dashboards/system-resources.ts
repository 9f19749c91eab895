/** The checklist's dashboard of resources: what the two services use, and what the VMs do. */
import { average, chosen, dashboard, labelVariable, panel, rate, row, scale, select, sum, topk } from '@belfry/sdk';
import { billaged as b, metald as m } from '../metrics.ts';

const customerVariable = labelVariable(m.vmCpu, 'customer_id', { title: 'Customer' });
const where = { customer_id: chosen(customerVariable) };
const MOST = 10;

export const systemResources = dashboard('metald-resources', {
  title: 'metald and billaged: system resources',
  description: 'Processors, memory and disks of the services and of the virtual machines.',
  tags: ['metald', 'billaged', 'resources'],
  refresh: '10s',
  from: 'now-30m',
  variables: [customerVariable],
  rows: [
    row('Virtual machines', [
      panel.timeseries(
        'Processors in Use',
        { processors: scale(sum(select(m.vmCpu, where)), 0.01) },
        { description: 'By all running VMs together.' },
      ),
      panel.timeseries('Memory in Use', { memory: sum(select(m.vmMemory, where)) }, { unit: 'bytes' }),
      panel.timeseries('Disk', { '{{op}}': sum(rate(m.vmDisk, { where }), ['op']) }, { unit: 'Bps' }),
    ]),
    row('Busiest virtual machines', [
      panel.timeseries(
        'CPU',
        { '{{vm_id}}': topk(MOST, select(m.vmCpu, where)) },
        { unit: 'percent', description: '100 % is one processor.' },
      ),
      panel.timeseries('Memory', { '{{vm_id}}': topk(MOST, select(m.vmMemory, where)) }, { unit: 'bytes' }),
      panel.timeseries(
        'Average CPU by Customer',
        { '{{customer_id}}': average(select(m.vmCpu, where), ['customer_id']) },
        { unit: 'percent' },
      ),
    ]),
    row('Services', [
      panel.timeseries(
        'CPU of the Services',
        { metald: rate(m.ownCpuSeconds), billaged: rate(b.ownCpuSeconds) },
        { unit: 'percentunit', description: 'Of one processor.' },
      ),
      panel.timeseries(
        'Memory of the Services',
        { metald: select(m.ownResidentMemory), billaged: select(b.ownResidentMemory) },
        { unit: 'bytes' },
      ),
      panel.timeseries('Goroutines of metald', { goroutines: select(m.ownGoroutines) }),
    ]),
    row('Traffic', [
      panel.timeseries('Calls under Way', {
        'metald {{rpc_method}}': select(m.rpcActive),
        'billaged {{rpc_method}}': select(b.rpcActive),
      }),
      panel.timeseries(
        'Readings of Usage by Backend',
        { '{{backend}}': sum(rate(m.vmMetricsRequests), ['backend']) },
        { unit: 'cps' },
      ),
      panel.timeseries('Heartbeats and Summaries per Minute', {
        heartbeats: scale(sum(rate(b.heartbeats, { window: '5m' })), 60),
        summaries: scale(sum(rate(b.summaries, { window: '5m' })), 60),
      }),
    ]),
  ],
});
