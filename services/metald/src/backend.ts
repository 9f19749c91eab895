/** The hypervisors, emulated: how long each step takes, how often it fails, and what processes and jailers are doing. */
import { type Clock, type Random, sleep } from '@belfry/model';
import { type Breakages, logNormal, pickWeighted } from '@belfry/service-kit';
import type { MetaldIncident } from './incidents.ts';
import { Refusal } from './refusal.ts';
import type { MetaldInstruments } from './telemetry.ts';
import type { Backend, Vm } from './vm.ts';

/** Seconds: median and 99th percentile. */
type Shape = readonly [median: number, p99: number];

const DURATIONS: Readonly<
  Record<'create' | 'boot' | 'shutdown' | 'delete' | 'switch', Readonly<Record<Backend, Shape>>>
> = {
  create: { firecracker: [2.5, 6], cloudhypervisor: [6, 12] },
  boot: { firecracker: [0.08, 0.4], cloudhypervisor: [1.3, 3] },
  shutdown: { firecracker: [1.2, 5], cloudhypervisor: [2, 8] },
  delete: { firecracker: [0.3, 0.9], cloudhypervisor: [0.3, 0.9] },
  switch: { firecracker: [0.01, 0.05], cloudhypervisor: [0.03, 0.1] },
};
const FORCED_SHUTDOWN: Shape = [0.2, 0.6];
/** Of reboots, between shutdown and boot. */
const REBOOT_PAUSE_S = 1;
const SLOW_FACTOR = 10;
/** Steady shares of operations that fail by themselves. */
const BACKEND_ERROR = 0.003;
const DATABASE_ERROR = 0.00005;
const BROKEN_JAILER_ERROR = 0.8;

export interface BackendOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly latencyScale: number;
  readonly jailer: boolean;
  readonly maxProcesses: number;
  readonly breakages: Breakages<MetaldIncident>;
  readonly to: MetaldInstruments;
}

/** Every step takes its time, and rejects with a Refusal when it fails. */
export interface HypervisorBackend {
  /** Whether the database answers. @throws Refusal `internal` when it does not */
  database(): void;
  create(backend: Backend): Promise<void>;
  boot(vm: Vm): Promise<void>;
  shutdown(vm: Vm, force: boolean): Promise<void>;
  /** The second half of a reboot. */
  bootAgain(vm: Vm): Promise<void>;
  /** Pause or resume. */
  switch(vm: Vm): Promise<void>;
  delete(vm: Vm): Promise<void>;
  /** A process died by itself: counted, and gone. */
  crashed(vm: Vm): void;
  processes(): number;
}

export function createBackend(options: BackendOptions): HypervisorBackend {
  const { clock, random, latencyScale, breakages, to } = options;
  const running = new Set<string>();
  const jail = String(options.jailer) as 'true' | 'false';

  const take = async ([median, p99]: Shape, extraS = 0) => {
    const slow = breakages.isOn('slow-backend') ? SLOW_FACTOR : 1;
    const seconds = (logNormal(random, median, p99) + extraS) * slow * latencyScale;
    if (seconds > 0) await sleep(clock, seconds * 1000);
  };
  const database = () => {
    if (breakages.isOn('database-outage') || random() < DATABASE_ERROR) {
      throw new Refusal('internal', 'database_error', 'database error: connection refused');
    }
  };
  const mayFail = (what: string) => {
    if (random() < BACKEND_ERROR) throw new Refusal('internal', 'backend_error', `failed to ${what}`);
  };

  const startJailer = (vm: Vm) => {
    if (!options.jailer) return;
    to.jailerStartRequests.inc({ backend: vm.backend });
    if (breakages.isOn('jailer-failures') && random() < BROKEN_JAILER_ERROR) {
      const error_type = pickWeighted(random, ['chroot', 'cgroup', 'netns', 'exec'] as const, [5, 2, 2, 1]);
      to.jailerStartFailures.inc({ backend: vm.backend, error_type });
      to.processCreateFailures.inc({ use_jailer: jail, error_type: 'jailer_error' });
      to.errors.inc({ component: 'jailer' });
      throw new Refusal('internal', 'backend_error', `failed to boot vm: jailer: ${error_type} failed`);
    }
    to.jailerStartSuccess.inc({ backend: vm.backend });
  };
  const startProcess = (vm: Vm) => {
    to.processCreateRequests.inc({ use_jailer: jail });
    if (running.size >= options.maxProcesses) {
      to.processCreateFailures.inc({ use_jailer: jail, error_type: 'process_limit' });
      throw new Refusal(
        'resource_exhausted',
        'backend_error',
        `failed to boot vm: the limit of ${options.maxProcesses} hypervisor processes is reached`,
      );
    }
    // Counted at once, so that boots at the same time cannot pass the limit together.
    running.add(vm.id);
  };
  const endProcess = (vm: Vm, exit_code: '0' | '1' | '137' | '143') => {
    if (!running.delete(vm.id)) return;
    to.processTerminations.inc({ exit_code });
    to.processCleanups.inc();
  };

  const boot = async (vm: Vm) => {
    startProcess(vm);
    try {
      startJailer(vm);
      await take(DURATIONS.boot[vm.backend]);
      if (random() < BACKEND_ERROR) {
        to.processCreateFailures.inc({ use_jailer: jail, error_type: 'start_timeout' });
        to.errors.inc({ component: 'process' });
        throw new Refusal(
          'internal',
          'backend_error',
          'failed to boot vm: the hypervisor process did not become ready',
        );
      }
      to.processCreateSuccess.inc({ use_jailer: jail });
    } catch (error) {
      running.delete(vm.id);
      throw error;
    }
  };
  const shutdown = async (vm: Vm, force: boolean) => {
    mayFail('shutdown vm');
    await take(force ? FORCED_SHUTDOWN : DURATIONS.shutdown[vm.backend]);
    endProcess(vm, force ? '137' : '0');
  };

  return {
    database,
    async create(backend) {
      if (breakages.isOn('asset-outage')) {
        throw new Refusal(
          'internal',
          'backend_error',
          'failed to create vm: asset preparation: assetmanagerd is unavailable',
        );
      }
      await take(DURATIONS.create[backend]);
      mayFail('create vm');
      database();
    },
    boot,
    shutdown,
    async bootAgain(vm) {
      if (latencyScale > 0) await sleep(clock, REBOOT_PAUSE_S * 1000 * latencyScale);
      await boot(vm);
    },
    async switch(vm) {
      mayFail('switch vm');
      await take(DURATIONS.switch[vm.backend]);
    },
    async delete(vm) {
      mayFail('delete vm');
      await take(DURATIONS.delete[vm.backend]);
      endProcess(vm, '143');
    },
    crashed: (vm) => endProcess(vm, '137'),
    processes: () => running.size,
  };
}
