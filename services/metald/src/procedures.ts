/** The methods of `vmprovisioner.v1.VmService`. */
import type { Clock, Random } from '@belfry/model';
import { BACKENDS } from '@belfry/pack-metald/metrics';
import {
  booleanField,
  type Call,
  ConnectFailure,
  type JsonObject,
  type Logger,
  messageField,
  type Procedure,
  textField,
  withoutDefaults,
} from '@belfry/service-kit';
import { authenticate, type Caller } from './auth.ts';
import type { HypervisorBackend } from './backend.ts';
import { Refusal } from './refusal.ts';
import { countersOf, type Operation, type Telemetry } from './telemetry.ts';
import { checkedConfig, configProblems } from './validate.ts';
import { type Backend, networkInfo, STATE_NAMES, type Vm, type VmState, type Vms } from './vm.ts';

/** On one bridge. */
const MAX_VMS = 1000;

export interface ProcedureParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly vms: Vms;
  readonly hypervisors: HypervisorBackend;
  readonly telemetry: Telemetry;
  readonly log: Logger;
  readonly defaultBackend: Backend;
  /** Usage of the VM is collected from now on. */
  readonly began: (vm: Vm) => void;
  /** Usage of the VM is no longer collected. */
  readonly ended: (vm: Vm) => void;
  readonly deleted: (vm: Vm) => void;
}

export function createProcedures(parts: ProcedureParts): Readonly<Record<string, Procedure>> {
  return {
    CreateVm: (request, call) => createVm(parts, request, call),
    BootVm: onVm(parts, 'boot', ['created', 'shutdown'], async (vm) => {
      await parts.hypervisors.boot(vm);
      moveTo(parts, vm, 'running');
      parts.began(vm);
      return { success: true, state: STATE_NAMES.running };
    }),
    ShutdownVm: onVm(parts, 'shutdown', ['running', 'paused'], async (vm, request) => {
      await parts.hypervisors.shutdown(vm, booleanField(request, 'force'));
      parts.ended(vm);
      moveTo(parts, vm, 'shutdown');
      return { success: true, state: STATE_NAMES.shutdown };
    }),
    PauseVm: onVm(parts, 'pause', ['running'], async (vm) => {
      await parts.hypervisors.switch(vm);
      parts.ended(vm);
      moveTo(parts, vm, 'paused');
      return { success: true, state: STATE_NAMES.paused };
    }),
    ResumeVm: onVm(parts, 'resume', ['paused'], async (vm) => {
      await parts.hypervisors.switch(vm);
      moveTo(parts, vm, 'running');
      parts.began(vm);
      return { success: true, state: STATE_NAMES.running };
    }),
    RebootVm: onVm(parts, 'reboot', ['running'], async (vm, request) => {
      await parts.hypervisors.shutdown(vm, booleanField(request, 'force'));
      parts.ended(vm);
      moveTo(parts, vm, 'shutdown');
      await parts.hypervisors.bootAgain(vm);
      moveTo(parts, vm, 'running');
      parts.began(vm);
      return { success: true, state: STATE_NAMES.running };
    }),
    DeleteVm: onVm(parts, 'delete', ['created', 'running', 'paused', 'shutdown'], async (vm) => {
      await parts.hypervisors.delete(vm);
      parts.ended(vm);
      moveTo(parts, vm, 'shutdown');
      // Its process is gone even when its row cannot be removed.
      parts.hypervisors.database();
      parts.vms.remove(vm);
      parts.deleted(vm);
      return { success: true };
    }),
    GetVmInfo: (request, call) => getVmInfo(parts, request, call),
    ListVms: (_, call) => listVms(parts, call),
  };
}

function moveTo(parts: ProcedureParts, vm: Vm, state: VmState): void {
  vm.state = state;
  vm.modifiedMs = parts.clock.now();
}

/** Counts an operation from its request to its end, whichever that is. */
async function counted(
  parts: ProcedureParts,
  operation: Operation,
  labels: { backend: Backend; force: boolean; call: Call },
  run: (caller: () => Caller) => Promise<JsonObject>,
): Promise<JsonObject> {
  const { clock, telemetry } = parts;
  const { backend, call } = labels;
  const caller = attempt(() => authenticate(call));
  const customer_id = telemetry.customer(caller.kind === 'value' ? caller.value.customer : undefined);
  if (customer_id !== undefined) telemetry.introduce(customer_id, backend);
  const count = operationCounts(telemetry, operation, { backend, customer_id, force: labels.force });
  count.requested();
  const fromMs = clock.monotonic();
  try {
    const answer = await run(() => {
      if (caller.kind === 'error') throw caller.error;
      return caller.value;
    });
    count.succeeded((clock.monotonic() - fromMs) / 1000);
    return answer;
  } catch (error) {
    const refusal = asRefusal(error);
    count.failed(refusal);
    if (refusal.code === 'internal')
      parts.log.error({ operation, error: refusal.message }, `failed to ${operation} vm`);
    throw refusal;
  }
}

/** Mistakes in the request that the readers of its fields found are mistakes in the configuration. */
function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ConnectFailure) return new Refusal(error.code, 'invalid_config', error.message);
  throw error;
}

type Attempt<T> = { readonly kind: 'value'; readonly value: T } | { readonly kind: 'error'; readonly error: unknown };

function attempt<T>(run: () => T): Attempt<T> {
  try {
    return { kind: 'value', value: run() };
  } catch (error) {
    return { kind: 'error', error };
  }
}

function operationCounts(
  { to }: Telemetry,
  operation: Operation,
  labels: { backend: Backend; customer_id: string | undefined; force: boolean },
) {
  const { backend, customer_id } = labels;
  const force = String(labels.force) as 'true' | 'false';
  const ended = (status: 'success' | 'failed') => to.vmOperations.inc({ operation, status });
  /** Only what reached the hypervisor came to an end there; what was refused before did not. */
  const reached = ({ errorType }: Refusal) => errorType === 'backend_error' || errorType === 'database_error';
  if (operation === 'shutdown') {
    const all = { backend, force, customer_id };
    return {
      requested: () => to.shutdownRequests.inc(all),
      succeeded(seconds: number) {
        to.shutdownSuccess.inc(all);
        to.shutdownDuration.observe(seconds, { backend, force });
        ended('success');
      },
      failed(refusal: Refusal) {
        to.shutdownFailures.inc({ ...all, error_type: refusal.errorType });
        if (reached(refusal)) ended('failed');
      },
    };
  }
  const counters = countersOf(to, operation);
  return {
    requested: () => counters.requests.inc({ backend, customer_id }),
    succeeded(seconds: number) {
      counters.success.inc({ backend, customer_id });
      if (operation === 'create') to.createDuration.observe(seconds, { backend });
      if (operation === 'delete') to.deleteDuration.observe(seconds, { backend });
      if (operation === 'boot') {
        to.bootDuration.observe(seconds, { backend });
        to.vmBootDuration.observe(seconds);
      }
      ended('success');
    },
    failed(refusal: Refusal) {
      counters.failures.inc({ backend, customer_id, error_type: refusal.errorType });
      if (reached(refusal)) ended('failed');
    },
  };
}

async function createVm(parts: ProcedureParts, request: JsonObject, call: Call): Promise<JsonObject> {
  const backend = attempt(() => wantedBackend(parts, request));
  const labels = { backend: backend.kind === 'value' ? backend.value : parts.defaultBackend, force: false, call };
  return counted(parts, 'create', labels, async (caller) => {
    const config = messageField(request, 'config');
    if (!config) throw new Refusal('invalid_argument', 'missing_config', 'VM configuration is required (config)');
    const { customer } = explained(caller, config);
    const claimed = textField(request, 'customerId');
    if (claimed !== '' && claimed !== customer) {
      parts.log.warn({ customer, claimed }, 'SECURITY: customer_id mismatch in request');
      throw new Refusal(
        'permission_denied',
        'permission_denied',
        `customer_id ${claimed} is not the authenticated customer`,
      );
    }
    const checked = checkedConfig(config);
    if (backend.kind === 'error') throw backend.error;
    if (parts.vms.count >= MAX_VMS) {
      throw new Refusal(
        'resource_exhausted',
        'backend_error',
        `failed to create vm: the bridge holds ${MAX_VMS} VMs already`,
      );
    }
    const id = vmIdFor(parts, textField(request, 'vmId'));
    parts.log.info({ vm_id: id, customer, backend: backend.value }, 'creating vm');
    const fromMs = parts.clock.monotonic();
    await parts.hypervisors.create(backend.value);
    if (parts.vms.get(id)) throw taken(id);
    const now = parts.clock.now();
    const metadata = messageField(config, 'metadata') ?? {};
    parts.vms.add({
      id,
      customer,
      backend: backend.value,
      ...checked,
      createdMs: now,
      modifiedMs: now,
      metadata,
      slot: parts.vms.freeSlot(),
      state: 'created',
      busy: false,
    });
    parts.log.info({ vm_id: id, customer, duration: parts.clock.monotonic() - fromMs }, 'vm created successfully');
    return { vmId: id, state: STATE_NAMES.created };
  });
}

/** Who calls without credentials is told in the same breath what else the request lacks. */
function explained(caller: () => Caller, config: JsonObject): Caller {
  try {
    return caller();
  } catch (error) {
    const problems = configProblems(config);
    if (!(error instanceof Refusal) || problems.length === 0) throw error;
    throw new Refusal(error.code, error.errorType, `${error.message}; then also: ${problems.join('; ')}`);
  }
}

function wantedBackend(parts: ProcedureParts, request: JsonObject): Backend {
  const metadata = messageField(messageField(request, 'config') ?? {}, 'metadata', 'config.metadata');
  const wanted = metadata === undefined ? '' : textField(metadata, 'backend', 'config.metadata.backend');
  if (wanted === '') return parts.defaultBackend;
  const known = BACKENDS.find((b) => b === wanted);
  if (!known) {
    throw new Refusal('invalid_argument', 'invalid_config', `config.metadata.backend must be ${BACKENDS.join(' or ')}`);
  }
  return known;
}

function vmIdFor(parts: ProcedureParts, wanted: string): string {
  if (wanted !== '') {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(wanted)) {
      throw new Refusal(
        'invalid_argument',
        'invalid_config',
        'vm_id may hold letters, digits, dot, dash and underscore, at most 64',
      );
    }
    if (parts.vms.get(wanted)) throw taken(wanted);
    return wanted;
  }
  const hex = () =>
    Math.floor(parts.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return `ud-${hex()}${hex()}`;
}

function taken(id: string): Refusal {
  return new Refusal('failed_precondition', 'invalid_config', `a VM with the id ${id} exists already`);
}

/** An operation on an existing VM of the caller, one at a time for each VM. */
function onVm(
  parts: ProcedureParts,
  operation: Exclude<Operation, 'create'>,
  from: readonly VmState[],
  run: (vm: Vm, request: JsonObject) => Promise<JsonObject>,
): Procedure {
  return async (request, call) => {
    const named = typeof request.vmId === 'string' ? parts.vms.get(request.vmId) : undefined;
    const labels = { backend: named?.backend ?? parts.defaultBackend, force: request.force === true, call };
    return counted(parts, operation, labels, async (caller) => {
      const vm = ownVm(parts, request, caller());
      booleanField(request, 'force');
      if (vm.busy) {
        throw new Refusal('failed_precondition', 'invalid_state', `another operation on VM ${vm.id} is under way`);
      }
      if (!from.includes(vm.state)) {
        const states = from.map((s) => STATE_NAMES[s]).join(' or ');
        throw new Refusal(
          'failed_precondition',
          'invalid_state',
          `VM ${vm.id} is ${STATE_NAMES[vm.state]}; ${operation} needs ${states}`,
        );
      }
      parts.hypervisors.database();
      vm.busy = true;
      try {
        return await run(vm, request);
      } finally {
        vm.busy = false;
      }
    });
  };
}

/** @throws Refusal when the VM is not named, not there, or somebody else's */
function ownVm(parts: ProcedureParts, request: JsonObject, caller: Caller): Vm {
  const id = textField(request, 'vmId');
  if (id === '') throw new Refusal('invalid_argument', 'missing_vm_id', 'vm_id is required');
  const vm = parts.vms.get(id);
  if (!vm) throw new Refusal('not_found', 'vm_not_found', `no VM has the id ${id}`);
  if (vm.customer !== caller.customer) {
    parts.log.warn(
      { vm_id: id, requesting_customer: caller.customer, vm_owner: vm.customer },
      'SECURITY: unauthorized vm access attempt',
    );
    throw new Refusal(
      'permission_denied',
      'ownership_validation_failed',
      `VM ${id} is not owned by customer ${caller.customer}`,
    );
  }
  return vm;
}

function getVmInfo(parts: ProcedureParts, request: JsonObject, call: Call): JsonObject {
  const named = typeof request.vmId === 'string' ? parts.vms.get(request.vmId) : undefined;
  parts.telemetry.to.infoRequests.inc({ backend: named?.backend ?? parts.defaultBackend });
  const vm = ownVm(parts, request, authenticate(call));
  parts.hypervisors.database();
  return { vmId: vm.id, config: vm.config, state: STATE_NAMES[vm.state], networkInfo: networkInfo(vm) };
}

function listVms(parts: ProcedureParts, call: Call): JsonObject {
  parts.telemetry.to.listRequests.inc({ backend: parts.defaultBackend });
  const { customer } = authenticate(call);
  parts.hypervisors.database();
  const own = parts.vms.ofCustomer(customer);
  return withoutDefaults({ vms: own.map(listedVm), totalCount: own.length });
}

function listedVm(vm: Vm): JsonObject {
  return {
    vmId: vm.id,
    state: STATE_NAMES[vm.state],
    vcpuCount: vm.vcpus,
    memorySizeBytes: String(vm.memoryBytes),
    createdTimestamp: String(Math.floor(vm.createdMs / 1000)),
    modifiedTimestamp: String(Math.floor(vm.modifiedMs / 1000)),
    ...(Object.keys(vm.metadata).length > 0 ? { metadata: vm.metadata } : {}),
    customerId: vm.customer,
  };
}
