/**
 * What metald and billaged export: every metric that their dashboards' README and their monitoring guide name, and the
 * few more that the guide's ratios need. Names are the documents'; what real exporters call them is an alias.
 */
import { anyValue, catalogue, counter, gauge, histogram, oneOf, onlyWhen } from '@belfry/sdk/catalogue';
import { REQUEST_BUCKETS_S, runtimeMetrics } from '@belfry/sdk/runtime-metrics';

/** The environment variable that adds labels for single VMs and customers. */
export const HIGH_CARDINALITY = 'UNKEY_METALD_OTEL_HIGH_CARDINALITY_ENABLED';

export const BACKENDS = ['firecracker', 'cloudhypervisor'] as const;
export const VM_STATES = ['created', 'running', 'paused', 'shutdown'] as const;
export const OPERATIONS = ['create', 'boot', 'shutdown', 'delete', 'pause', 'resume', 'reboot'] as const;
/** Why an operation on a VM was refused or failed. */
export const ERROR_TYPES = [
  'missing_config',
  'invalid_config',
  'missing_vm_id',
  'vm_not_found',
  'invalid_state',
  'missing_customer_context',
  'authentication_failed',
  'permission_denied',
  'ownership_validation_failed',
  'backend_error',
  'database_error',
] as const;
/** Connect's error codes that the two services use. */
export const ERROR_CODES = [
  'invalid_argument',
  'unauthenticated',
  'permission_denied',
  'not_found',
  'failed_precondition',
  'resource_exhausted',
  'unimplemented',
  'deadline_exceeded',
  'unavailable',
  'internal',
] as const;
/** Those of them that are the service's fault. */
export const SERVER_FAULTS = ['deadline_exceeded', 'unavailable', 'internal'] as const;

const backend = oneOf(...BACKENDS);
const errorType = oneOf(...ERROR_TYPES);
const force = oneOf('true', 'false');
const customerId = onlyWhen(HIGH_CARDINALITY, anyValue('customer that owns the VM', 20));
const vmId = onlyWhen(HIGH_CARDINALITY, anyValue('one virtual machine', 75));
const operation = oneOf(...OPERATIONS);
const rpcMethod = anyValue('full path of the procedure', 12);

const VM_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 15, 30, 60] as const;
const COLLECTION_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2] as const;
const SEND_SECONDS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const BATCH_SAMPLES = [1, 10, 30, 60, 100, 200, 300, 450, 600, 800, 1000] as const;

const asked = (op: string, labels = { backend, customer_id: customerId } as const) =>
  counter({ name: `unkey_metald_vm_${op}_requests_total`, help: `Requests to ${op} a VM, refused ones too.`, labels });
const done = (op: string, labels = { backend, customer_id: customerId } as const) =>
  counter({ name: `unkey_metald_vm_${op}_success_total`, help: `Requests to ${op} a VM that succeeded.`, labels });
const failed = (op: string) =>
  counter({
    name: `unkey_metald_vm_${op}_failures_total`,
    help: `Requests to ${op} a VM that were refused or failed, by cause.`,
    labels: { backend, error_type: errorType, customer_id: customerId },
  });
const took = (op: string) =>
  histogram({
    name: `unkey_metald_vm_${op}_duration_seconds`,
    help: `Time to ${op} a VM, where it succeeded.`,
    unit: 'seconds',
    labels: { backend },
    buckets: VM_SECONDS,
  });

const lifecycle = {
  createRequests: asked('create'),
  createSuccess: done('create'),
  createFailures: failed('create'),
  createDuration: took('create'),
  bootRequests: asked('boot'),
  bootSuccess: done('boot'),
  bootFailures: failed('boot'),
  bootDuration: took('boot'),
  deleteRequests: asked('delete'),
  deleteSuccess: done('delete'),
  deleteFailures: failed('delete'),
  deleteDuration: took('delete'),
  pauseRequests: asked('pause'),
  pauseSuccess: done('pause'),
  pauseFailures: failed('pause'),
  resumeRequests: asked('resume'),
  resumeSuccess: done('resume'),
  resumeFailures: failed('resume'),
  rebootRequests: asked('reboot'),
  rebootSuccess: done('reboot'),
  rebootFailures: failed('reboot'),
  shutdownRequests: counter({
    name: 'unkey_metald_vm_shutdown_requests_total',
    help: 'Requests to shut a VM down, refused ones too.',
    labels: { backend, force, customer_id: customerId },
  }),
  shutdownSuccess: counter({
    name: 'unkey_metald_vm_shutdown_success_total',
    help: 'Requests to shut a VM down that succeeded.',
    labels: { backend, force, customer_id: customerId },
  }),
  shutdownFailures: counter({
    name: 'unkey_metald_vm_shutdown_failures_total',
    help: 'Requests to shut a VM down that were refused or failed, by cause.',
    labels: { backend, force, error_type: errorType, customer_id: customerId },
  }),
  shutdownDuration: histogram({
    name: 'unkey_metald_vm_shutdown_duration_seconds',
    help: 'Time to shut a VM down, where it succeeded.',
    unit: 'seconds',
    labels: { backend, force },
    buckets: VM_SECONDS,
  }),
  infoRequests: counter({
    name: 'unkey_metald_vm_info_requests_total',
    help: 'Requests for what is known of a VM.',
    labels: { backend },
  }),
  listRequests: counter({
    name: 'unkey_metald_vm_list_requests_total',
    help: 'Requests for the list of VMs.',
    labels: { backend },
  }),
  vmMetricsRequests: counter({
    name: 'unkey_metald_vm_metrics_requests_total',
    help: 'Readings of the usage of VMs, by backend.',
    labels: { backend },
  }),
} as const;

const useJailer = oneOf('true', 'false');

const processes = {
  processCreateRequests: counter({
    name: 'unkey_metald_process_create_requests_total',
    help: 'Hypervisor processes to be started.',
    labels: { use_jailer: useJailer },
  }),
  processCreateSuccess: counter({
    name: 'unkey_metald_process_create_success_total',
    help: 'Hypervisor processes started.',
    labels: { use_jailer: useJailer },
  }),
  processCreateFailures: counter({
    name: 'unkey_metald_process_create_failures_total',
    help: 'Hypervisor processes that did not start, by cause.',
    labels: {
      use_jailer: useJailer,
      error_type: oneOf('start_timeout', 'jailer_error', 'process_limit', 'exec_error'),
    },
  }),
  processTerminations: counter({
    name: 'unkey_metald_process_terminations_total',
    help: 'Hypervisor processes that ended, by exit code.',
    labels: { exit_code: oneOf('0', '1', '137', '143') },
  }),
  processCleanups: counter({
    name: 'unkey_metald_process_cleanups_total',
    help: 'Hypervisor processes whose sockets and directories were removed.',
  }),
  jailerStartRequests: counter({
    name: 'unkey_metald_jailer_start_requests_total',
    help: 'Jailers to be started.',
    labels: { backend },
  }),
  jailerStartSuccess: counter({
    name: 'unkey_metald_jailer_start_success_total',
    help: 'Jailers started.',
    labels: { backend },
  }),
  jailerStartFailures: counter({
    name: 'unkey_metald_jailer_start_failures_total',
    help: 'Jailers that did not start, by cause.',
    labels: { backend, error_type: oneOf('chroot', 'cgroup', 'netns', 'exec') },
  }),
} as const;

const billing = {
  batchesSent: counter({
    name: 'metald_billing_batches_sent_total',
    help: 'Batches of usage samples that billaged took.',
    labels: { vm_id: vmId, customer_id: customerId },
  }),
  batchFailures: counter({
    name: 'metald_billing_batch_failures_total',
    help: 'Batches of usage samples that billaged did not take; their samples are lost.',
    labels: { reason: oneOf('unavailable', 'timeout', 'refused') },
  }),
  batchSendDuration: histogram({
    name: 'metald_billing_batch_send_duration_seconds',
    help: 'Time to send a batch that billaged took.',
    unit: 'seconds',
    labels: { customer_id: customerId },
    buckets: SEND_SECONDS,
  }),
  batchSize: histogram({
    name: 'metald_billing_batch_size_histogram', // belfry:disable type-in-name the guide's name
    help: 'Samples in a batch.',
    buckets: BATCH_SAMPLES,
  }),
  heartbeatsSent: counter({
    name: 'metald_heartbeat_sent_total',
    help: 'Heartbeats that billaged answered.',
    labels: { instance_id: anyValue('run of the process: metald-<unix time of its start>', 1) },
  }),
  heartbeatFailures: counter({
    name: 'metald_heartbeat_failures_total',
    help: 'Heartbeats that billaged did not answer.',
    labels: { instance_id: anyValue('run of the process: metald-<unix time of its start>', 1) },
  }),
  samplesCollected: counter({
    name: 'metald_metrics_collected_total',
    help: 'Usage samples read from VMs.',
    labels: { vm_id: vmId, customer_id: customerId },
  }),
  billingMetricsCollected: counter({
    name: 'metald_billing_metrics_collected_total',
    help: 'Usage samples read for billing, of all VMs.',
  }),
  collectionDuration: histogram({
    name: 'metald_metrics_collection_duration_seconds',
    help: 'Time to read one usage sample.',
    unit: 'seconds',
    buckets: COLLECTION_SECONDS,
  }),
  vmMetricsReadings: counter({
    name: 'metald_vm_metrics_requests_total',
    help: 'Attempts to read usage from a VM, failed ones too.',
    labels: { vm_id: vmId },
  }),
} as const;

const api = {
  apiRequests: counter({
    name: 'metald_api_requests_total',
    help: 'Calls of the API, failed ones too.',
    labels: { method: rpcMethod },
  }),
  apiErrors: counter({
    name: 'metald_api_errors_total',
    help: 'Calls of the API that were answered with an error, by its code.',
    labels: { method: rpcMethod, code: oneOf(...ERROR_CODES) },
  }),
  apiDuration: histogram({
    name: 'metald_api_duration_seconds',
    help: 'Time to answer a call of the API.',
    unit: 'seconds',
    labels: { method: rpcMethod },
    buckets: [...REQUEST_BUCKETS_S, 15, 30],
  }),
  errors: counter({
    name: 'metald_errors_total',
    help: 'Faults of metald itself, by component; a refused call is not one.',
    labels: { component: oneOf('api', 'billing', 'jailer', 'process') },
  }),
  vmOperations: counter({
    name: 'metald_vm_operations_total',
    help: 'Operations on VMs that came to an end.',
    labels: { operation, status: oneOf('success', 'failed') },
  }),
} as const;

const inventory = {
  // belfry:disable gauge-named-total the guide's name
  vms: gauge({ name: 'metald_vms_total', help: 'VMs that exist, by state.', labels: { state: oneOf(...VM_STATES) } }),
  vmBootDuration: histogram({
    name: 'metald_vm_boot_duration_seconds',
    help: 'Time to boot a VM, of every backend.',
    unit: 'seconds',
    buckets: VM_SECONDS,
  }),
  vmCpu: gauge({
    name: 'metald_cpu_usage_percent',
    help: 'CPU in use by a VM; 100 is one processor.',
    unit: 'percent',
    labels: { vm_id: anyValue('one virtual machine', 75), customer_id: customerId },
  }),
  vmMemory: gauge({
    name: 'metald_memory_usage_bytes',
    help: 'Memory in use by a VM.',
    unit: 'bytes',
    labels: { vm_id: anyValue('one virtual machine', 75), customer_id: customerId },
  }),
  vmDisk: counter({
    name: 'metald_disk_io_bytes_total',
    help: 'Bytes that a VM read from and wrote to its disks.',
    unit: 'bytes',
    labels: { vm_id: anyValue('one virtual machine', 75), op: oneOf('read', 'write'), customer_id: customerId },
  }),
} as const;

const rpc = {
  rpcRequests: counter({
    name: 'rpc_server_requests_total',
    help: 'Calls that passed authentication, by method and status.',
    labels: { rpc_method: rpcMethod, rpc_status: oneOf('ok', ...ERROR_CODES) },
    aliases: ['rpc_server_requests_ratio_total'],
    shared: true,
  }),
  rpcActive: gauge({
    name: 'rpc_server_active_requests',
    help: 'Calls being answered.',
    labels: { rpc_method: rpcMethod },
    aliases: ['rpc_server_active_requests_ratio'],
    shared: true,
  }),
} as const;

/** The process' own numbers under the names of the guide, beside the standard ones. */
const ownProcess = <const P extends string>(prefix: P) =>
  ({
    ownCpuSeconds: counter({
      name: `${prefix}_process_cpu_seconds_total`,
      help: `User and system CPU time of ${prefix}.`,
      unit: 'seconds',
    }),
    ownResidentMemory: gauge({
      name: `${prefix}_process_resident_memory_bytes`,
      help: `Resident memory of ${prefix}.`,
      unit: 'bytes',
    }),
  }) as const;

export const metaldCatalogue = catalogue('metald', {
  ...lifecycle,
  ...processes,
  ...billing,
  ...api,
  ...inventory,
  ...rpc,
  ...ownProcess('metald'),
  // belfry:disable double-prefix the guide's name, served beside go_goroutines
  ownGoroutines: gauge({ name: 'metald_go_goroutines', help: 'Goroutines of metald.' }),
  ...runtimeMetrics,
});

export const billagedCatalogue = catalogue('billaged', {
  samplesReceived: counter({
    name: 'billaged_metrics_received_total',
    help: 'Usage samples that arrived, refused ones too.',
  }),
  samplesProcessed: counter({
    name: 'billaged_metrics_processed_total',
    help: 'Usage samples that were taken into account.',
  }),
  recordsProcessed: counter({
    name: 'billaged_usage_records_processed_total',
    help: 'Batches that were taken into account.',
    labels: { customer_id: onlyWhen('UNKEY_BILLAGED_OTEL_HIGH_CARDINALITY_ENABLED', anyValue('customer', 20)) },
    aliases: ['billaged_usage_records_processed_ratio_total'],
  }),
  // belfry:disable type-in-name the guide's name
  batchSize: histogram({ name: 'billaged_batch_size_histogram', help: 'Samples in a batch.', buckets: BATCH_SAMPLES }),
  processingDuration: histogram({
    name: 'billaged_processing_duration_seconds',
    help: 'Time to take a batch into account.',
    unit: 'seconds',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  }),
  activeVms: gauge({
    name: 'billaged_active_vms',
    help: 'VMs that are being accounted.',
    aliases: ['billaged_active_vms_ratio'],
  }),
  aggregationDuration: histogram({
    name: 'billaged_aggregation_duration_seconds',
    help: 'Time to bring the totals of a VM up to date.',
    unit: 'seconds',
    buckets: [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1],
  }),
  aggregationErrors: counter({
    name: 'billaged_aggregation_errors_total',
    help: 'Batches that could not be taken into account, by cause.',
    labels: { error_type: oneOf('empty_batch', 'invalid_sample', 'missing_vm_id', 'overload') },
    aliases: ['billaged_billing_errors_total', 'billaged_billing_errors_ratio_total'],
  }),
  errors: counter({
    name: 'billaged_errors_total',
    help: 'Faults of billaged itself, by component; a refused call is not one.',
    labels: { component: oneOf('api', 'aggregation') },
  }),
  apiRequests: counter({
    name: 'billaged_api_requests_total',
    help: 'Calls of the API, failed ones too.',
    labels: { method: rpcMethod },
  }),
  gapNotifications: counter({
    name: 'billaged_gap_notifications_total',
    help: 'Notices that samples of a VM may be missing.',
  }),
  heartbeats: counter({ name: 'billaged_heartbeats_received_total', help: 'Heartbeats of metald that arrived.' }),
  summaries: counter({ name: 'billaged_usage_summaries_total', help: 'Usage summaries written, one a VM each.' }),
  customerCpu: counter({
    name: 'billaged_customer_cpu_seconds_total',
    help: 'CPU time accounted to a customer.',
    unit: 'seconds',
    labels: { customer_id: anyValue('customer', 20) },
  }),
  customerMemory: gauge({
    name: 'billaged_customer_memory_bytes',
    help: 'Greatest memory of each VM of a customer that is being accounted, together.',
    unit: 'bytes',
    labels: { customer_id: anyValue('customer', 20) },
  }),
  customerNetwork: counter({
    name: 'billaged_customer_network_bytes_total',
    help: 'Bytes received and sent by the VMs of a customer.',
    unit: 'bytes',
    labels: { customer_id: anyValue('customer', 20), direction: oneOf('receive', 'transmit') },
  }),
  customerDisk: counter({
    name: 'billaged_customer_disk_bytes_total',
    help: 'Bytes read and written by the VMs of a customer.',
    unit: 'bytes',
    labels: { customer_id: anyValue('customer', 20), op: oneOf('read', 'write') },
  }),
  customerScore: gauge({
    name: 'billaged_customer_resource_score',
    help: 'Resource score of the VMs of a customer that are being accounted: CPU seconds + 0.5 x memory GiB + 0.3 x disk MiB.',
    labels: { customer_id: anyValue('customer', 20) },
  }),
  ...rpc,
  ...ownProcess('billaged'),
  ...runtimeMetrics,
});

/** metald's metrics, for queries. */
export const metald = metaldCatalogue.metrics;
/** billaged's metrics, for queries. */
export const billaged = billagedCatalogue.metrics;
