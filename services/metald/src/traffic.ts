/** Random customers at the API: VMs that come, live and go, people who look, and a few who make mistakes. Over real HTTP. */
import { type Clock, type Random, sleep } from '@belfry/model';
import {
  type Breakages,
  exponential,
  type JsonClient,
  type JsonObject,
  type PostResult,
  pick,
  pickWeighted,
  skewedWeights,
} from '@belfry/service-kit';
import type { MetaldIncident } from './incidents.ts';
import type { Vms } from './vm.ts';

const CUSTOMERS = [
  'acme',
  'globex',
  'initech',
  'umbrella',
  'hooli',
  'stark',
  'wayne',
  'wonka',
  'cyberdyne',
  'tyrell',
  'soylent',
  'aperture',
] as const;
/** Takes part only in the incident of cross-tenant probing. */
const INTRUDER = 'mallory';

/** Mean seconds between events. */
const MEAN_S = { birth: 12, life: 190, look: 1, health: 10, mistake: 300, probe: 0.5, crash: 6 } as const;
const POPULATION = { first: 12, least: 10, most: 22 } as const;
const FIRST_SPREAD_S = 6;
const LIFE_S = { least: 25, most: 900 } as const;
const CLOUDHYPERVISOR_SHARE = 0.1;
const TIMEOUT_MS = 120_000;
const SERVICE = '/vmprovisioner.v1.VmService';
const GIB = 2 ** 30;

export interface TrafficOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly client: JsonClient;
  readonly baseUrl: string;
  readonly vms: Vms;
  readonly breakages: Breakages<MetaldIncident>;
  /** A running VM's process dies. */
  readonly crash: () => void;
}

export interface Traffic {
  close(): void;
}

export function startTraffic(options: TrafficOptions): Traffic {
  const { clock, random, breakages } = options;
  const stop = new AbortController();
  const api = createApi(options);
  const weights = skewedWeights(CUSTOMERS.length);
  const someone = () => pickWeighted(random, CUSTOMERS, weights);
  let alive = 0;

  const live = async () => {
    alive++;
    try {
      await oneLife(options, api, someone(), stop.signal);
    } finally {
      alive--;
    }
  };
  const background = (run: () => Promise<unknown>) => {
    run().catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
  };
  const every = (meanS: () => number, run: () => Promise<unknown> | undefined) => {
    background(async () => {
      for (;;) {
        await sleep(clock, exponential(random, meanS()) * 1000, stop.signal);
        const running = run();
        if (running) background(() => running);
      }
    });
  };

  for (let i = 0; i < POPULATION.first; i++) {
    background(async () => {
      await sleep(clock, random() * FIRST_SPREAD_S * 1000, stop.signal);
      await live();
    });
  }
  every(
    () => (alive < POPULATION.least ? MEAN_S.birth / 6 : MEAN_S.birth),
    () => (alive < POPULATION.most ? live() : undefined),
  );
  every(
    () => MEAN_S.look,
    () => look(options, api, someone()),
  );
  every(
    () => MEAN_S.health,
    () => options.client.get(`${options.baseUrl}/_/health`, { timeoutMs: TIMEOUT_MS }),
  );
  every(
    () => MEAN_S.mistake,
    () => mistake(options, api, someone()),
  );
  every(
    () => MEAN_S.probe,
    () => (breakages.isOn('cross-tenant-probing') ? probe(options, api) : undefined),
  );
  every(
    () => MEAN_S.crash,
    () => {
      if (breakages.isOn('vm-crashes')) options.crash();
      return undefined;
    },
  );
  return { close: () => stop.abort(new Error('traffic is stopped')) };
}

type Api = (method: string, request: JsonObject, headers: Record<string, string>) => Promise<PostResult>;

function createApi({ client, baseUrl }: TrafficOptions): Api {
  return (method, request, headers) =>
    client.post(`${baseUrl}${SERVICE}/${method}`, JSON.stringify(request), { timeoutMs: TIMEOUT_MS, headers });
}

function credentials(customer: string): Record<string, string> {
  return { authorization: `Bearer dev_user_${customer}`, 'x-tenant-id': customer };
}

function succeeded(result: PostResult): result is Extract<PostResult, { kind: 'answered' }> {
  return result.kind === 'answered' && result.status === 200;
}

function randomConfig(random: Random): JsonObject {
  const vcpuCount = pickWeighted(random, [1, 2, 4, 8], [50, 30, 15, 5]);
  const backend = random() < CLOUDHYPERVISOR_SHARE ? 'cloudhypervisor' : 'firecracker';
  return {
    cpu: { vcpuCount },
    memory: { sizeBytes: String(vcpuCount * pick(random, [0.5, 1, 2]) * GIB) },
    boot: { kernelPath: '/assets/vmlinux', kernelArgs: 'console=ttyS0 reboot=k panic=1' },
    storage: [{ id: 'rootfs', path: '/assets/rootfs.ext4', isRootDevice: true }],
    metadata: { backend, image: pick(random, ['web', 'worker', 'batch', 'database']) },
  };
}

/** A VM from its creation to its end, with what may happen between. */
async function oneLife(
  { clock, random }: TrafficOptions,
  api: Api,
  customer: string,
  signal: AbortSignal,
): Promise<void> {
  const headers = credentials(customer);
  const created = await api('CreateVm', { config: randomConfig(random) }, headers);
  if (!succeeded(created)) return;
  const vmId = created.body.vmId as string;
  const wait = (seconds: number) => sleep(clock, seconds * 1000, signal);
  await wait(0.2 + random());
  let booted = succeeded(await api('BootVm', { vmId }, headers));
  for (let attempt = 0; attempt < 2 && !booted; attempt++) {
    await wait(2 + 3 * random());
    booted = succeeded(await api('BootVm', { vmId }, headers));
  }
  if (booted) {
    const life = Math.min(LIFE_S.most, Math.max(LIFE_S.least, exponential(random, MEAN_S.life)));
    await wait(life / 2);
    await maybeInterrupt(random, api, vmId, headers, wait);
    await wait(life / 2);
    await api('ShutdownVm', random() < 0.2 ? { vmId, force: true } : { vmId }, headers);
    await wait(1 + random());
  }
  await api('DeleteVm', { vmId }, headers);
}

async function maybeInterrupt(
  random: Random,
  api: Api,
  vmId: string,
  headers: Record<string, string>,
  wait: (seconds: number) => Promise<void>,
): Promise<void> {
  const chance = random();
  if (chance < 0.15) {
    if (!succeeded(await api('PauseVm', { vmId }, headers))) return;
    await wait(5 + 20 * random());
    await api('ResumeVm', { vmId }, headers);
  } else if (chance < 0.25) {
    await api('RebootVm', { vmId }, headers);
  }
}

async function look({ random, vms }: TrafficOptions, api: Api, customer: string): Promise<void> {
  const own = vms.ofCustomer(customer);
  if (own.length === 0 || random() < 0.4) await api('ListVms', {}, credentials(customer));
  else await api('GetVmInfo', { vmId: pick(random, own).id }, credentials(customer));
}

/** The mistakes that real callers make, in about the shares they have. */
async function mistake({ random, vms }: TrafficOptions, api: Api, customer: string): Promise<void> {
  const kind = pickWeighted(random, ['config', 'ownership', 'context', 'token', 'no-id'] as const, [15, 10, 10, 3, 2]);
  const others = vms.all().filter((vm) => vm.customer !== customer);
  switch (kind) {
    case 'config':
      await api('CreateVm', { config: { ...randomConfig(random), cpu: { vcpuCount: 0 } } }, credentials(customer));
      return;
    case 'ownership':
      if (others.length > 0) {
        await api(
          pick(random, ['BootVm', 'ShutdownVm', 'DeleteVm']),
          { vmId: pick(random, others).id },
          credentials(customer),
        );
      }
      return;
    case 'context':
      await api('CreateVm', { config: randomConfig(random) }, {});
      return;
    case 'token':
      await api(
        'CreateVm',
        { config: randomConfig(random) },
        { authorization: 'Bearer expired', 'x-tenant-id': customer },
      );
      return;
    case 'no-id':
      await api('BootVm', {}, credentials(customer));
      return;
  }
}

async function probe({ random, vms }: TrafficOptions, api: Api): Promise<void> {
  const all = vms.all();
  if (all.length === 0) return;
  const method = pick(random, ['BootVm', 'ShutdownVm', 'DeleteVm']);
  await api(method, { vmId: pick(random, all).id }, credentials(INTRUDER));
}
