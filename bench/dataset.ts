/** Series like those of real exporters: counters, gauges, histograms with `le`; the same for the same seed. */
import { type Random, seededRandom } from '@belfry/model';

/** How much there is to load. */
export interface DatasetSize {
  readonly name: 'small' | 'large';
  /** Series that exist at any moment. */
  readonly series: number;
  /** Of them, how many are replaced by new ones on the way (instances that are deployed anew). */
  readonly churned: number;
  readonly hours: number;
}

export const SIZES: Readonly<Record<'small' | 'large', DatasetSize>> = {
  small: { name: 'small', series: 5_000, churned: 0, hours: 2 },
  large: { name: 'large', series: 20_000, churned: 4_000, hours: 6 },
};

export const SCRAPE_INTERVAL_MS = 15_000;

/** One exporter: all its series get their samples at the same moment. */
export interface Target {
  /** Flat label pairs of each series, sorted by name. */
  readonly series: readonly (readonly string[])[];
  /** Where in the scrape interval it stands. */
  readonly offsetMs: number;
  readonly fromMs: number;
  /** Exclusive; at it come staleness markers, unless it is the end of the data. */
  readonly untilMs: number;
  /** Goes on by so many seconds and writes the value of each series. */
  next(seconds: number, out: Float64Array): void;
}

export interface Dataset {
  readonly size: DatasetSize;
  readonly startMs: number;
  readonly endMs: number;
  readonly targets: readonly Target[];
  readonly seriesCount: number;
}

/** Some series that belong together, and how their values go on. */
interface Family {
  readonly series: readonly (readonly string[])[];
  readonly next: (seconds: number, out: Float64Array, at: number) => void;
}

/** Names and labels of everything, with the values still to come. `endMs` is where the data ends. */
export function createDataset(size: DatasetSize, endMs: number, seed: number): Dataset {
  const random = seededRandom(seed);
  const startMs = endMs - size.hours * 3_600_000;
  const targets: Target[] = [];
  let live = 0;
  let replaced = 0;
  for (let i = 0; live < size.series; i++) {
    const job = JOBS[i % JOBS.length]!;
    const room = size.series - live;
    const churns = job === 'api' && replaced < size.churned;
    if (!churns) {
      const target = createTarget(job, i, 0, startMs, endMs, random, room);
      targets.push(target);
      live += target.series.length;
      continue;
    }
    const turnMs = startMs + Math.round((0.1 + 0.8 * random()) * (endMs - startMs));
    const before = createTarget(job, i, 0, startMs, turnMs, random, room);
    targets.push(before, createTarget(job, i, 1, turnMs, endMs, random, room));
    live += before.series.length;
    replaced += before.series.length;
  }
  const seriesCount = targets.reduce((n, t) => n + t.series.length, 0);
  return { size, startMs, endMs, targets, seriesCount };
}

const JOBS = ['node', 'api', 'node', 'api', 'grpc', 'api', 'node', 'api', 'worker', 'node', 'api', 'grpc'] as const;
type Job = (typeof JOBS)[number];

function createTarget(
  job: Job,
  index: number,
  generation: number,
  fromMs: number,
  untilMs: number,
  random: Random,
  room: number,
): Target {
  const instance = `${job}-${index}${generation === 0 ? '' : `-g${generation}`}.example:9100`;
  const families = FAMILIES[job](random);
  const series = families
    .flatMap((f) => f.series)
    .slice(0, room)
    .map((labels) => sorted([...labels, 'job', job, 'instance', instance]));
  const all = new Float64Array(families.reduce((n, f) => n + f.series.length, 0));
  const offsetMs = Math.floor(random() * SCRAPE_INTERVAL_MS);
  const next = (seconds: number, out: Float64Array) => {
    let at = 0;
    for (const family of families) {
      family.next(seconds, all, at);
      at += family.series.length;
    }
    out.set(all.subarray(0, series.length));
  };
  return { series, offsetMs, fromMs, untilMs, next };
}

function sorted(pairs: readonly string[]): string[] {
  const names: [string, string][] = [];
  for (let i = 0; i < pairs.length; i += 2) names.push([pairs[i]!, pairs[i + 1]!]);
  return names.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).flat();
}

const FAMILIES: Readonly<Record<Job, (random: Random) => Family[]>> = {
  node: nodeFamilies,
  api: apiFamilies,
  grpc: grpcFamilies,
  worker: workerFamilies,
};

function nodeFamilies(random: Random): Family[] {
  const modes = ['idle', 'iowait', 'irq', 'nice', 'softirq', 'steal', 'system', 'user'];
  const share = [0.8, 0.01, 0, 0, 0.005, 0, 0.05, 0.135];
  const gib = 2 ** 30;
  return [
    constant('up', [], 1),
    constant('node_boot_time_seconds', [], 1_700_000_000),
    ...['0', '1', '2', '3'].flatMap((cpu) =>
      modes.map((mode, i) => seconds('node_cpu_seconds_total', ['cpu', cpu, 'mode', mode], share[i]!, random)),
    ),
    constant('node_memory_MemTotal_bytes', [], 16 * gib),
    gauge('node_memory_MemAvailable_bytes', [], 7 * gib, 0.01, 4096, random),
    gauge('node_memory_Cached_bytes', [], 5 * gib, 0.005, 4096, random),
    gauge('node_memory_Buffers_bytes', [], 0.3 * gib, 0.002, 4096, random),
    ...['/', '/boot', '/var', '/home'].flatMap((mountpoint, i) => {
      const labels = ['device', `/dev/sda${i + 1}`, 'fstype', 'ext4', 'mountpoint', mountpoint];
      return [
        constant('node_filesystem_size_bytes', labels, 100 * gib),
        gauge('node_filesystem_avail_bytes', labels, (10 + 25 * i) * gib, 0.0005, 4096, random),
      ];
    }),
    ...['eth0', 'eth1', 'lo'].flatMap((device) => [
      counter('node_network_receive_bytes_total', ['device', device], 2e5 * random(), 97, random),
      counter('node_network_transmit_bytes_total', ['device', device], 1e5 * random(), 97, random),
    ]),
    ...['sda', 'sdb', 'nvme0n1'].flatMap((device) => [
      counter('node_disk_read_bytes_total', ['device', device], 1e5 * random(), 512, random),
      counter('node_disk_written_bytes_total', ['device', device], 2e5 * random(), 512, random),
      seconds('node_disk_io_time_seconds_total', ['device', device], 0.2 * random(), random),
    ]),
    gauge('node_load1', [], 1.2, 0.1, 0.01, random),
    gauge('node_load5', [], 1.1, 0.03, 0.01, random),
    gauge('node_load15', [], 1.0, 0.01, 0.01, random),
  ];
}

function processFamilies(random: Random): Family[] {
  return [
    constant('up', [], 1),
    constant('process_start_time_seconds', [], 1_700_000_000 + Math.floor(random() * 1e6)),
    seconds('process_cpu_seconds_total', [], 0.3, random),
    gauge('process_resident_memory_bytes', [], 2e8, 0.01, 4096, random),
    gauge('go_goroutines', [], 150, 0.05, 1, random),
  ];
}

function apiFamilies(random: Random): Family[] {
  const handlers = ['/', '/api/items', '/api/orders', '/api/search', '/login', '/static'];
  const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  return [
    ...processFamilies(random),
    ...handlers.flatMap((handler) =>
      ['GET', 'POST'].flatMap((method) =>
        ['200', '404', '500'].map((code, i) =>
          counter('http_requests_total', ['handler', handler, 'method', method, 'code', code], 20 / 9 ** i, 1, random),
        ),
      ),
    ),
    ...handlers.map((handler) =>
      histogram('http_request_duration_seconds', ['handler', handler], bounds, 20 * random(), 0.08, random),
    ),
    ...handlers.map((handler) => gauge('http_requests_in_flight', ['handler', handler], 4, 0.3, 1, random)),
  ];
}

function grpcFamilies(random: Random): Family[] {
  const methods = ['Get', 'List', 'Create', 'Update', 'Delete', 'Watch', 'Check', 'Export'];
  const bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.3, 0.6, 1, 3];
  return [
    ...processFamilies(random),
    ...methods.flatMap((method) =>
      ['OK', 'NotFound', 'Internal', 'Unavailable'].map((code, i) =>
        counter('grpc_server_handled_total', ['grpc_method', method, 'grpc_code', code], 12 / 6 ** i, 1, random),
      ),
    ),
    ...methods.map((method) =>
      histogram('grpc_server_handling_seconds', ['grpc_method', method], bounds, 10 * random(), 0.03, random),
    ),
  ];
}

function workerFamilies(random: Random): Family[] {
  const queues = ['mail', 'billing', 'images', 'exports', 'webhooks', 'search', 'audit', 'cleanup'];
  return [
    ...processFamilies(random),
    ...queues.flatMap((queue) => [
      gauge('queue_depth', ['queue', queue], 40, 0.2, 1, random),
      counter('jobs_processed_total', ['queue', queue, 'result', 'ok'], 3, 1, random),
      counter('jobs_processed_total', ['queue', queue, 'result', 'failed'], 0.01, 1, random),
    ]),
  ];
}

function constant(name: string, labels: readonly string[], value: number): Family {
  return {
    series: [['__name__', name, ...labels]],
    next: (_seconds, out, at) => {
      out[at] = value;
    },
  };
}

/** Grows by whole units of about `perSecond`; starts again at zero once in a long while. */
function counter(name: string, labels: readonly string[], perSecond: number, unit: number, random: Random): Family {
  let value = Math.floor(random() * 1e6) * unit;
  return {
    series: [['__name__', name, ...labels]],
    next: (elapsed, out, at) => {
      if (random() < 0.00005) value = 0;
      value += Math.floor((perSecond * elapsed * (0.6 + 0.8 * random())) / unit + random()) * unit;
      out[at] = value;
    },
  };
}

/** Seconds of work, a share of the time, in hundredths as the kernel counts. */
function seconds(name: string, labels: readonly string[], share: number, random: Random): Family {
  let ticks = Math.floor(random() * 1e7);
  return {
    series: [['__name__', name, ...labels]],
    next: (elapsed, out, at) => {
      if (share > 0) ticks += Math.floor(100 * share * elapsed * (0.8 + 0.4 * random()) + random());
      out[at] = ticks / 100;
    },
  };
}

/** A walk that comes back to `middle`. */
function gauge(
  name: string,
  labels: readonly string[],
  middle: number,
  spread: number,
  unit: number,
  random: Random,
): Family {
  let value = middle * (0.7 + 0.6 * random());
  return {
    series: [['__name__', name, ...labels]],
    next: (_seconds, out, at) => {
      value += (middle - value) * 0.01 + middle * spread * (random() - 0.5);
      if (value < 0) value = 0;
      // Division, since hundredths are not exact as factors.
      out[at] = unit < 1 ? Math.round(value / unit) / Math.round(1 / unit) : Math.round(value / unit) * unit;
    },
  };
}

function histogram(
  name: string,
  labels: readonly string[],
  bounds: readonly number[],
  perSecond: number,
  median: number,
  random: Random,
): Family {
  const n = bounds.length;
  const shares = bounds.map((bound) => 1 / (1 + (median / bound) ** 1.6));
  // It has been up for a while: what a counter's first minutes mean, versions of Prometheus see differently.
  const past = 1e5 + Math.floor(random() * 1e6);
  const counts = Float64Array.from([...shares.map((share) => Math.floor(past * share)), past]);
  let sum = past * median;
  return {
    series: [
      ...bounds.map((bound) => ['__name__', `${name}_bucket`, ...labels, 'le', String(bound)]),
      ['__name__', `${name}_bucket`, ...labels, 'le', '+Inf'],
      ['__name__', `${name}_sum`, ...labels],
      ['__name__', `${name}_count`, ...labels],
    ],
    next: (elapsed, out, at) => {
      const events = Math.floor(perSecond * elapsed * (0.5 + random()) + random());
      let least = 0;
      for (let i = 0; i < n; i++) {
        const below = Math.min(events, Math.max(least, Math.floor(events * shares[i]! + random())));
        counts[i] += below;
        sum += (below - least) * bounds[i]! * 0.7;
        least = below;
        out[at + i] = counts[i]!;
      }
      sum += (events - least) * bounds[n - 1]! * 1.3;
      counts[n] += events;
      out[at + n] = counts[n]!;
      out[at + n + 1] = sum;
      out[at + n + 2] = counts[n]!;
    },
  };
}
