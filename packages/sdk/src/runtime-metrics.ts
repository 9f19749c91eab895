/**
 * What services written in Go export besides their own metrics, by the client library and the common HTTP and logging
 * middleware. Spread into a catalogue; shared, because every such service has them.
 */
import { anyValue, counter, gauge, histogram, info, oneOf, summary } from './catalogue.ts';

/** Seconds; for HTTP and RPC handlers between half a millisecond and ten seconds. */
export const REQUEST_BUCKETS_S = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

export const processMetrics = {
  processCpuSeconds: counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time of the process.',
    unit: 'seconds',
    shared: true,
  }),
  processResidentMemory: gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process.',
    unit: 'bytes',
    shared: true,
  }),
  processVirtualMemory: gauge({
    name: 'process_virtual_memory_bytes',
    help: 'Virtual memory of the process.',
    unit: 'bytes',
    shared: true,
  }),
  processStartTime: gauge({
    name: 'process_start_time_seconds',
    help: 'When the process began, since the Unix epoch.',
    unit: 'timestamp',
    shared: true,
  }),
  processOpenFds: gauge({ name: 'process_open_fds', help: 'Open file descriptors.', shared: true }),
  processMaxFds: gauge({ name: 'process_max_fds', help: 'Most file descriptors that may be open.', shared: true }),
} as const;

const memory = (name: string, help: string) =>
  gauge({ name: `go_memstats_${name}_bytes`, help, unit: 'bytes', shared: true });

export const goMetrics = {
  goGoroutines: gauge({ name: 'go_goroutines', help: 'Goroutines that exist.', shared: true }),
  goThreads: gauge({ name: 'go_threads', help: 'Operating system threads created.', shared: true }),
  goGcDuration: summary({
    name: 'go_gc_duration_seconds',
    help: 'Pauses of garbage collection.',
    unit: 'seconds',
    quantiles: [0, 0.25, 0.5, 0.75, 1],
    shared: true,
  }),
  goMemoryAlloc: memory('alloc', 'Allocated and still in use.'),
  goMemorySys: memory('sys', 'Obtained from the operating system.'),
  goMemoryHeapAlloc: memory('heap_alloc', 'Heap allocated and still in use.'),
  goMemoryHeapInuse: memory('heap_inuse', 'Heap spans in use.'),
  goMemoryHeapSys: memory('heap_sys', 'Heap obtained from the operating system.'),
  goInfo: info({
    name: 'go_info',
    help: 'The runtime.',
    labels: { version: anyValue('version of the runtime', 1) },
    shared: true,
  }),
} as const;

export const serviceMetrics = {
  targetInfo: info({
    name: 'target_info',
    help: 'The service, as its OpenTelemetry resource describes it.',
    labels: {
      service_name: anyValue('name of the service', 1),
      service_namespace: anyValue('namespace of the service', 1),
      service_version: anyValue('version of the service', 1),
    },
    shared: true,
  }),
  metricsRequests: counter({
    name: 'promhttp_metric_handler_requests_total',
    help: 'Scrapes answered, by HTTP status.',
    labels: { code: oneOf('200', '500', '503') },
    shared: true,
  }),
  httpRequests: counter({
    name: 'http_requests_total',
    help: 'HTTP requests answered, by endpoint and status.',
    labels: {
      endpoint: anyValue('route of the request', 12),
      method: oneOf('GET', 'POST', 'PUT', 'DELETE', 'OTHER'),
      code: anyValue('HTTP status', 8),
    },
    shared: true,
  }),
  httpDuration: histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to answer HTTP requests.',
    unit: 'seconds',
    labels: { endpoint: anyValue('route of the request', 12) },
    buckets: REQUEST_BUCKETS_S,
    shared: true,
  }),
  logEntries: counter({
    name: 'log_entries_total',
    help: 'Log lines written, by level.',
    labels: { level: oneOf('debug', 'info', 'warn', 'error') },
    shared: true,
  }),
} as const;

/** Everything of this file. */
export const runtimeMetrics = { ...processMetrics, ...goMetrics, ...serviceMetrics } as const;
