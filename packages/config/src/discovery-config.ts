import { isValidName } from '@belfry/model';
import { z } from 'zod';
import { duration, httpUrl, secretText } from './fields.ts';
import { DEFAULT_HTTP_CONFIG, finishHttpConfig, httpConfigFields } from './http-config.ts';

/** Targets that share labels. `targets` are addresses, `host:port`. */
export const TargetGroup = z.strictObject({
  targets: z.array(z.string()).default([]),
  labels: z
    .record(
      z.string().refine(isValidName, { error: (issue) => `${JSON.stringify(issue.input)} is not a valid label name` }),
      z.string(),
    )
    .default({}),
});
export type TargetGroup = z.output<typeof TargetGroup>;

/** What files and URLs of targets hold. */
export const TargetGroups = z.array(TargetGroup);

const FILE_PATTERN = /^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$/;

export const FileDiscovery = z.strictObject({
  files: z
    .array(
      z.string().refine((p) => FILE_PATTERN.test(p), {
        error: (issue) => `path name ${JSON.stringify(issue.input)} is not valid for file discovery`,
      }),
    )
    .min(1, 'file service discovery config must contain at least one path name'),
  refresh_interval: duration.default(5 * 60_000),
});
export type FileDiscovery = z.output<typeof FileDiscovery>;

export const HttpDiscovery = z
  .strictObject({
    ...httpConfigFields,
    refresh_interval: duration.default(60_000),
    url: httpUrl,
  })
  .transform(finishHttpConfig);
export type HttpDiscovery = z.output<typeof HttpDiscovery>;

const DNS_TYPES = ['SRV', 'A', 'AAAA', 'MX', 'NS'] as const;

export const DnsDiscovery = z
  .strictObject({
    names: z.array(z.string()).min(1, 'DNS-SD config must contain at least one SRV record name'),
    refresh_interval: duration.default(30_000),
    type: z
      .string()
      .default('SRV')
      .transform((text, context): (typeof DNS_TYPES)[number] => {
        const type = DNS_TYPES.find((t) => t === text.toUpperCase());
        if (type) return type;
        context.issues.push({ code: 'custom', message: `invalid DNS-SD records type ${text}`, input: text });
        return z.NEVER;
      }),
    port: z.number().int().min(0).max(65_535).default(0),
  })
  .superRefine((dns, context) => {
    if ((dns.type === 'A' || dns.type === 'AAAA') && dns.port === 0) {
      const message = 'a port is required in DNS-SD configs for all record types except SRV, MX and NS';
      context.addIssue({ code: 'custom', message });
    }
  });
export type DnsDiscovery = z.output<typeof DnsDiscovery>;

const KUBERNETES_ROLES = ['pod', 'service', 'endpoints', 'endpointslice', 'node', 'ingress'] as const;
type KubernetesRole = (typeof KUBERNETES_ROLES)[number];

const SELECTOR_KEY = /^(?:[\w.-]+\/)?[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?$/;

/** `a=b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`, `a>1`, by commas. */
function isLabelSelector(text: string): boolean {
  if (text.trim() === '') return true;
  const terms = text.match(/(?:\([^)]*\)|[^,()])+/g) ?? [];
  if (terms.join(',') !== text) return false;
  return terms.every((term) => {
    const set = /^\s*(\S+)\s+(?:in|notin)\s*\(([^()]*)\)\s*$/.exec(term);
    const key = (set?.[1] ?? /^\s*!?\s*([^\s=!<>]+)\s*(?:(?:==?|!=|[<>])\s*[\w.-]*\s*)?$/.exec(term)?.[1] ?? '').trim();
    return SELECTOR_KEY.test(key);
  });
}

/** `a=b`, `a==b`, `a!=b`, by commas. */
function isFieldSelector(text: string): boolean {
  return (
    text.trim() === '' || text.split(/(?<!\\),/).every((term) => term.trim() === '' || /^[^=!]+(?:==?|!=)/.test(term))
  );
}

const KUBERNETES_SELECTORS: Readonly<Record<KubernetesRole, readonly KubernetesRole[]>> = {
  pod: ['pod'],
  service: ['service'],
  endpointslice: ['pod', 'service', 'endpointslice'],
  endpoints: ['pod', 'service', 'endpoints'],
  node: ['node'],
  ingress: ['ingress'],
};

export const KubernetesDiscovery = z
  .strictObject({
    ...httpConfigFields,
    api_server: httpUrl.optional(),
    role: z.enum(KUBERNETES_ROLES),
    kubeconfig_file: z.string().default(''),
    namespaces: z
      .strictObject({ own_namespace: z.boolean().default(false), names: z.array(z.string()).default([]) })
      .default({ own_namespace: false, names: [] }),
    selectors: z
      .array(
        z.strictObject({
          role: z.enum(KUBERNETES_ROLES),
          label: z
            .string()
            .default('')
            .refine(isLabelSelector, {
              error: (issue) =>
                `invalid label selector ${JSON.stringify(issue.input)}, expected such as app=web,tier!=test`,
            }),
          field: z
            .string()
            .default('')
            .refine(isFieldSelector, {
              error: (issue) =>
                `invalid field selector ${JSON.stringify(issue.input)}, expected such as metadata.name=web`,
            }),
        }),
      )
      .default([]),
    attach_metadata: z
      .strictObject({ node: z.boolean().default(false), namespace: z.boolean().default(false) })
      .default({ node: false, namespace: false }),
  })
  .transform(finishHttpConfig)
  .superRefine((config, context) => {
    const complain = (message: string, field: string) => context.addIssue({ code: 'custom', message, path: [field] });
    const custom = Object.keys(httpConfigFields).some((field) => {
      const value = (config as Record<string, unknown>)[field];
      return value !== undefined && value !== (DEFAULT_HTTP_CONFIG as unknown as Record<string, unknown>)[field];
    });
    if (config.kubeconfig_file !== '' && config.api_server) {
      complain("cannot use 'kubeconfig_file' and 'api_server' simultaneously", 'kubeconfig_file');
    } else if (config.kubeconfig_file !== '' && custom) {
      complain("cannot use a custom HTTP client configuration together with 'kubeconfig_file'", 'kubeconfig_file');
    } else if (!config.api_server && custom) {
      complain("to use custom HTTP client configuration please provide the 'api_server' URL explicitly", 'api_server');
    }
    if (config.api_server && config.namespaces.own_namespace) {
      complain("cannot use 'api_server' and 'namespaces.own_namespace' simultaneously", 'namespaces');
    }
    if (config.kubeconfig_file !== '' && config.namespaces.own_namespace) {
      complain("cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously", 'namespaces');
    }
    const allowed = KUBERNETES_SELECTORS[config.role];
    const seen = new Set<string>();
    for (const { role } of config.selectors) {
      if (seen.has(role)) complain(`duplicated selector role: ${role}`, 'selectors');
      seen.add(role);
      if (!allowed.includes(role))
        complain(`${config.role} role supports only ${allowed.join(', ')} selectors`, 'selectors');
    }
  });
export type KubernetesDiscovery = z.output<typeof KubernetesDiscovery>;

export const DockerDiscovery = z
  .strictObject({
    ...httpConfigFields,
    host: z.string(),
    port: z.number().int().min(0).max(65_535).default(80),
    filters: z.array(z.strictObject({ name: z.string(), values: z.array(z.string()).default([]) })).default([]),
    host_networking_host: z.string().default('localhost'),
    match_first_network: z.boolean().default(true),
    refresh_interval: duration.default(60_000),
  })
  .transform(finishHttpConfig);
export type DockerDiscovery = z.output<typeof DockerDiscovery>;

export const ConsulDiscovery = z
  .strictObject({
    ...httpConfigFields,
    server: z.string().default('localhost:8500'),
    path_prefix: z.string().default(''),
    token: secretText.optional(),
    datacenter: z.string().default(''),
    namespace: z.string().default(''),
    partition: z.string().default(''),
    tag_separator: z.string().default(','),
    scheme: z.string().default('http'),
    username: z.string().optional(),
    password: secretText.optional(),
    allow_stale: z.boolean().default(true),
    refresh_interval: duration.default(30_000),
    services: z.array(z.string()).default([]),
    tags: z.array(z.string()).default([]),
    node_meta: z.record(z.string(), z.string()).default({}),
    filter: z.string().default(''),
    health_filter: z.string().default(''),
  })
  .transform((config, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', message });
    if (config.server.trim() === '') complain('consul SD configuration requires a server address');
    const basic = config.username !== undefined || config.password !== undefined;
    if (basic && config.basic_auth)
      complain('at most one of consul SD configuration username and password and basic auth can be configured');
    if (config.token && (config.authorization || config.oauth2)) {
      complain('at most one of consul SD token, authorization, or oauth2 can be configured');
    }
    return finishHttpConfig(config, context);
  });
export type ConsulDiscovery = z.output<typeof ConsulDiscovery>;

/** The mechanisms that Prometheus has and Belfry has not. Their sections are taken note of, and refused in words. */
export const UNSUPPORTED_DISCOVERY = [
  'aws',
  'azure',
  'digitalocean',
  'dockerswarm',
  'ec2',
  'eureka',
  'gce',
  'hetzner',
  'ionos',
  'kuma',
  'lightsail',
  'linode',
  'marathon',
  'nerve',
  'nomad',
  'openstack',
  'ovhcloud',
  'puppetdb',
  'scaleway',
  'serverset',
  'stackit',
  'triton',
  'uyuni',
  'vultr',
] as const;

type Unsupported = `${(typeof UNSUPPORTED_DISCOVERY)[number]}_sd_configs`;

const unsupportedFields = Object.fromEntries(
  UNSUPPORTED_DISCOVERY.map((name) => [`${name}_sd_configs`, z.array(z.unknown()).optional()]),
) as Record<Unsupported, z.ZodOptional<z.ZodArray<z.ZodUnknown>>>;

/** The discovery fields of a section that has targets. */
export const discoveryFields = {
  static_configs: z.array(TargetGroup).default([]),
  file_sd_configs: z.array(FileDiscovery).default([]),
  http_sd_configs: z.array(HttpDiscovery).default([]),
  dns_sd_configs: z.array(DnsDiscovery).default([]),
  kubernetes_sd_configs: z.array(KubernetesDiscovery).default([]),
  docker_sd_configs: z.array(DockerDiscovery).default([]),
  consul_sd_configs: z.array(ConsulDiscovery).default([]),
  ...unsupportedFields,
};

/** Where targets come from. */
export interface DiscoveryConfig {
  readonly static_configs: readonly TargetGroup[];
  readonly file_sd_configs: readonly FileDiscovery[];
  readonly http_sd_configs: readonly HttpDiscovery[];
  readonly dns_sd_configs: readonly DnsDiscovery[];
  readonly kubernetes_sd_configs: readonly KubernetesDiscovery[];
  readonly docker_sd_configs: readonly DockerDiscovery[];
  readonly consul_sd_configs: readonly ConsulDiscovery[];
}

/** Refuses URLs among static targets, where no relabelling could make an address of them. */
export function checkStaticTargets(
  config: { readonly static_configs: readonly TargetGroup[]; readonly relabel_configs: readonly unknown[] },
  complain: (message: string, path: (string | number)[]) => void,
): void {
  if (config.relabel_configs.length > 0) return;
  config.static_configs.forEach((group, g) => {
    group.targets.forEach((target, t) => {
      if (target.includes('/')) {
        complain(`${JSON.stringify(target)} is not a valid hostname, expected host:port`, [
          'static_configs',
          g,
          'targets',
          t,
        ]);
      }
    });
  });
}
