/** Virtual machines as metald knows them. */
import type { BACKENDS, VM_STATES } from '@belfry/pack-metald/metrics';
import type { JsonObject } from '@belfry/service-kit';

export type Backend = (typeof BACKENDS)[number];
export type VmState = (typeof VM_STATES)[number];

export const STATE_NAMES = {
  created: 'VM_STATE_CREATED',
  running: 'VM_STATE_RUNNING',
  paused: 'VM_STATE_PAUSED',
  shutdown: 'VM_STATE_SHUTDOWN',
} as const satisfies Record<VmState, string>;

export interface Vm {
  readonly id: string;
  readonly customer: string;
  readonly backend: Backend;
  readonly config: JsonObject;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly createdMs: number;
  readonly metadata: JsonObject;
  /** Position in the address range and the name of the TAP device. */
  readonly slot: number;
  state: VmState;
  modifiedMs: number;
  /** An operation is under way; others have to wait. */
  busy: boolean;
}

/** Metald's database. */
export interface Vms {
  readonly count: number;
  get(id: string): Vm | undefined;
  all(): readonly Vm[];
  ofCustomer(customer: string): readonly Vm[];
  add(vm: Vm): void;
  remove(vm: Vm): void;
  counts(): Readonly<Record<VmState, number>>;
  /** The least slot that no VM has. */
  freeSlot(): number;
}

export function createVms(): Vms {
  const byId = new Map<string, Vm>();
  return {
    get count() {
      return byId.size;
    },
    get: (id) => byId.get(id),
    all: () => [...byId.values()],
    ofCustomer: (customer) => [...byId.values()].filter((vm) => vm.customer === customer),
    add: (vm) => void byId.set(vm.id, vm),
    remove: (vm) => void byId.delete(vm.id),
    counts() {
      const counts = { created: 0, running: 0, paused: 0, shutdown: 0 };
      for (const vm of byId.values()) counts[vm.state]++;
      return counts;
    },
    freeSlot() {
      const used = new Set([...byId.values()].map((vm) => vm.slot));
      let slot = 0;
      while (used.has(slot)) slot++;
      return slot;
    },
  };
}

/** Addresses begin behind the bridge's own, 172.31.0.1/19. */
const FIRST_HOST = 2;

export function networkInfo(vm: Vm): JsonObject {
  const host = vm.slot + FIRST_HOST;
  const [high, low] = [Math.floor(host / 256), host % 256];
  const hex = (n: number) => n.toString(16).padStart(2, '0');
  return {
    ipAddress: `172.31.${high}.${low}`,
    macAddress: `02:fc:1f:00:${hex(high)}:${hex(low)}`,
    tapDevice: `tap-${vm.id.slice(3, 11)}`,
    networkNamespace: `vm-${vm.id}`,
    gateway: '172.31.0.1',
    dnsServers: ['8.8.8.8', '8.8.4.4'],
  };
}
