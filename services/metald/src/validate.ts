/** What CreateVm requires of a configuration, in metald's order. */
import { integerField, type JsonObject, listField, messageField, textField } from '@belfry/service-kit';
import { Refusal } from './refusal.ts';

export interface VmConfig {
  readonly config: JsonObject;
  readonly vcpus: number;
  readonly memoryBytes: number;
}

const MAX_VCPUS = 128;

/** Everything that is wrong with a configuration, in order; empty when nothing is. */
export function configProblems(config: JsonObject): readonly string[] {
  const problems: string[] = [];
  const check = (look: () => string | undefined) => {
    try {
      const problem = look();
      if (problem) problems.push(problem);
    } catch (error) {
      problems.push((error as Error).message);
    }
  };
  check(() => (messageField(config, 'cpu', 'config.cpu') ? undefined : 'cpu configuration is required'));
  check(() => (messageField(config, 'memory', 'config.memory') ? undefined : 'memory configuration is required'));
  check(() =>
    messageField(config, 'boot', 'config.boot')
      ? undefined
      : 'boot configuration is required (config.boot.kernel_path)',
  );
  check(() => vcpuProblem(config));
  check(() => {
    const memory = config.memory === undefined ? undefined : messageField(config, 'memory');
    if (!memory) return undefined;
    return integerField(memory, 'sizeBytes', 'config.memory.size_bytes') > 0
      ? undefined
      : 'memory size_bytes must be greater than 0';
  });
  check(() => {
    const boot = messageField(config, 'boot');
    return !boot || textField(boot, 'kernelPath', 'config.boot.kernel_path') ? undefined : 'kernel_path is required';
  });
  check(() => storageProblem(config));
  return [...new Set(problems)];
}

function vcpuProblem(config: JsonObject): string | undefined {
  const cpu = messageField(config, 'cpu');
  if (!cpu) return undefined;
  const count = integerField(cpu, 'vcpuCount', 'config.cpu.vcpu_count');
  const most = integerField(cpu, 'maxVcpuCount', 'config.cpu.max_vcpu_count');
  if (count <= 0) return 'vcpu_count must be greater than 0';
  if (count > MAX_VCPUS) return `vcpu_count must be at most ${MAX_VCPUS}`;
  return most !== 0 && most < count ? 'max_vcpu_count must be at least vcpu_count' : undefined;
}

function storageProblem(config: JsonObject): string | undefined {
  const devices = listField(config, 'storage', 'config.storage');
  if (devices.length === 0) return 'at least one storage device is required (config.storage)';
  const bare = devices.findIndex((d) => textField(d, 'path', 'config.storage.path') === '');
  return bare < 0 ? undefined : `storage device ${bare} has no path`;
}

/** @throws Refusal `invalid_argument` with the first problem */
export function checkedConfig(config: JsonObject): VmConfig {
  const problems = configProblems(config);
  if (problems.length > 0)
    throw new Refusal('invalid_argument', 'invalid_config', `invalid VM configuration: ${problems.join('; ')}`);
  return {
    config,
    vcpus: integerField(messageField(config, 'cpu')!, 'vcpuCount'),
    memoryBytes: integerField(messageField(config, 'memory')!, 'sizeBytes'),
  };
}
