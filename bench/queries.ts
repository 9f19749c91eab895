/** 25 queries as dashboards and rules have them. */

export interface BenchQuery {
  readonly name: string;
  readonly expr: string;
}

export const QUERIES: readonly BenchQuery[] = [
  { name: 'targets up', expr: 'sum by (job) (up)' },
  { name: 'target down', expr: 'up == 0' },
  { name: 'request rate', expr: 'sum(rate(http_requests_total[5m]))' },
  { name: 'request rate by handler', expr: 'sum by (handler) (rate(http_requests_total[5m]))' },
  { name: 'request rate by code, 1m', expr: 'sum by (code) (rate(http_requests_total{job="api"}[1m]))' },
  {
    name: 'error ratio',
    expr: 'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',
  },
  {
    name: 'error ratio by handler, alert',
    expr: 'sum by (handler) (rate(http_requests_total{code=~"5.."}[5m])) / sum by (handler) (rate(http_requests_total[5m])) > 0.01',
  },
  { name: 'p99', expr: 'histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))' },
  {
    name: 'p95 by handler',
    expr: 'histogram_quantile(0.95, sum by (handler, le) (rate(http_request_duration_seconds_bucket[5m])))',
  },
  {
    name: 'mean duration by handler',
    expr: 'sum by (handler) (rate(http_request_duration_seconds_sum[5m])) / sum by (handler) (rate(http_request_duration_seconds_count[5m]))',
  },
  {
    name: 'latency objective, 30m',
    expr: '1 - sum(rate(http_request_duration_seconds_bucket{le="0.25"}[30m])) / sum(rate(http_request_duration_seconds_count[30m]))',
  },
  { name: 'cpu by node', expr: '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))' },
  { name: 'cpu by mode, 1m', expr: 'sum by (mode) (rate(node_cpu_seconds_total[1m]))' },
  { name: 'memory used', expr: '1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes' },
  {
    name: 'disk nearly full',
    expr: 'node_filesystem_avail_bytes{mountpoint!~"/boot.*"} / node_filesystem_size_bytes{mountpoint!~"/boot.*"} < 0.2',
  },
  { name: 'disk full in four hours', expr: 'predict_linear(node_filesystem_avail_bytes[1h], 4 * 3600) < 0' },
  {
    name: 'network by node',
    expr: 'sum by (instance) (rate(node_network_receive_bytes_total{device!="lo"}[5m])) * 8',
  },
  { name: 'busiest disks', expr: 'topk(5, sum by (instance, device) (rate(node_disk_io_time_seconds_total[5m])))' },
  { name: 'load, most in ten minutes', expr: 'max_over_time(node_load1[10m])' },
  {
    name: 'load by core',
    expr: 'node_load5 / on (instance) count by (instance) (node_cpu_seconds_total{mode="idle"})',
  },
  {
    name: 'grpc error ratio by method',
    expr: 'sum by (grpc_method) (rate(grpc_server_handled_total{grpc_code!="OK"}[5m])) / sum by (grpc_method) (rate(grpc_server_handled_total[5m]))',
  },
  {
    name: 'grpc p90 by method',
    expr: 'histogram_quantile(0.9, sum by (le, grpc_method) (rate(grpc_server_handling_seconds_bucket[5m])))',
  },
  {
    name: 'queue grows',
    expr: 'avg_over_time(queue_depth[15m]) > 1.2 * avg_over_time(queue_depth[15m] offset 30m)',
  },
  { name: 'failed jobs', expr: 'increase(jobs_processed_total{result="failed"}[10m]) > 0' },
  {
    name: 'highest request rate of half an hour',
    expr: 'max_over_time(sum(rate(http_requests_total[1m]))[30m:1m])',
  },
];
