import type { KubernetesDiscovery } from '@belfry/config';
import { hostPort, sanitizeLabelName, type TargetsFound } from './discovery.ts';

/** Objects of the Kubernetes API, as far as they are used here. */
export interface KubernetesObject {
  readonly metadata: ObjectMeta;
}

interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly controller?: boolean }[];
}

interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

interface Container {
  readonly name: string;
  readonly image?: string;
  readonly ports?: readonly ContainerPort[];
}

interface ContainerStatus {
  readonly name: string;
  readonly containerID?: string;
}

export interface Pod extends KubernetesObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status?: {
    readonly podIP?: string;
    readonly hostIP?: string;
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface Service extends KubernetesObject {
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly externalName?: string;
    readonly loadBalancerIP?: string;
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
  };
}

export interface Node extends KubernetesObject {
  readonly spec?: { readonly providerID?: string };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly daemonEndpoints?: { readonly kubeletEndpoint?: { readonly Port?: number } };
  };
}

interface TargetRef {
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
}

interface EndpointAddress {
  readonly ip: string;
  readonly hostname?: string;
  readonly nodeName?: string;
  readonly targetRef?: TargetRef;
}

export interface Endpoints extends KubernetesObject {
  readonly subsets?: readonly {
    readonly addresses?: readonly EndpointAddress[];
    readonly notReadyAddresses?: readonly EndpointAddress[];
    readonly ports?: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
  }[];
}

export interface EndpointSlice extends KubernetesObject {
  readonly addressType: string;
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean; readonly serving?: boolean; readonly terminating?: boolean };
    readonly hostname?: string;
    readonly nodeName?: string;
    readonly zone?: string;
    readonly targetRef?: TargetRef;
    readonly deprecatedTopology?: Readonly<Record<string, string>>;
  }[];
  readonly ports?: readonly {
    readonly name?: string;
    readonly port?: number;
    readonly protocol?: string;
    readonly appProtocol?: string;
  }[];
}

export interface Ingress extends KubernetesObject {
  readonly spec: {
    readonly ingressClassName?: string;
    readonly tls?: readonly { readonly hosts?: readonly string[] }[];
    readonly rules?: readonly {
      readonly host?: string;
      readonly http?: { readonly paths?: readonly { readonly path?: string }[] };
    }[];
  };
}

/** What is known of a cluster, by kind and `namespace/name`. */
export interface ClusterView {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly pods: ReadonlyMap<string, Pod>;
  readonly services: ReadonlyMap<string, Service>;
  readonly endpoints: ReadonlyMap<string, Endpoints>;
  readonly endpointslices: ReadonlyMap<string, EndpointSlice>;
  readonly ingresses: ReadonlyMap<string, Ingress>;
  readonly namespaces: ReadonlyMap<string, KubernetesObject>;
}

type LabelSet = Record<string, string>;
type Attach = KubernetesDiscovery['attach_metadata'];

const META = '__meta_kubernetes_';

export function objectKey(object: KubernetesObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

/** All targets of a role. */
export function kubernetesTargets(
  role: KubernetesDiscovery['role'],
  view: ClusterView,
  attach: Attach,
): TargetsFound[] {
  switch (role) {
    case 'node':
      return [...view.nodes.values()].flatMap((node) => nodeTargets(node));
    case 'pod':
      return [...view.pods.values()].flatMap((pod) => podTargets(pod, view, attach));
    case 'service':
      return [...view.services.values()].map((service) => serviceTargets(service, view, attach));
    case 'endpoints':
      return [...view.endpoints.values()].map((endpoints) => endpointsTargets(endpoints, view, attach));
    case 'endpointslice':
      return [...view.endpointslices.values()].map((slice) => sliceTargets(slice, view, attach));
    case 'ingress':
      return [...view.ingresses.values()].map((ingress) => ingressTargets(ingress, view, attach));
  }
}

function metaLabels(meta: ObjectMeta, role: string, named = true): LabelSet {
  const labels: LabelSet = named ? { [`${META}${role}_name`]: meta.name } : {};
  for (const [k, v] of Object.entries(meta.labels ?? {})) {
    const name = sanitizeLabelName(k);
    labels[`${META}${role}_label_${name}`] = v;
    labels[`${META}${role}_labelpresent_${name}`] = 'true';
  }
  for (const [k, v] of Object.entries(meta.annotations ?? {})) {
    const name = sanitizeLabelName(k);
    labels[`${META}${role}_annotation_${name}`] = v;
    labels[`${META}${role}_annotationpresent_${name}`] = 'true';
  }
  return labels;
}

function groupLabels(object: KubernetesObject, role: string, view: ClusterView, attach: Attach): LabelSet {
  const namespace = object.metadata.namespace ?? '';
  const labels = { [`${META}namespace`]: namespace, ...metaLabels(object.metadata, role) };
  const space = attach.namespace ? view.namespaces.get(`/${namespace}`) : undefined;
  return space ? { ...labels, ...metaLabels(space.metadata, 'namespace', false) } : labels;
}

function attachedNode(name: string | undefined, view: ClusterView, attach: Attach): LabelSet {
  const node = attach.node && name !== undefined ? view.nodes.get(`/${name}`) : undefined;
  return node ? metaLabels(node.metadata, 'node') : {};
}

/** Which address of a node to take, first come first. */
const ADDRESS_TYPES = ['InternalIP', 'InternalDNS', 'ExternalIP', 'ExternalDNS', 'LegacyHostIP', 'Hostname'];

function nodeTargets(node: Node): TargetsFound[] {
  const addresses = node.status?.addresses ?? [];
  const chosen = ADDRESS_TYPES.map((type) => addresses.find((a) => a.type === type)).find((a) => a !== undefined);
  if (!chosen) return [];
  const target: LabelSet = {
    __address__: hostPort(chosen.address, node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0),
    instance: node.metadata.name,
  };
  for (const { type, address } of addresses) target[`${META}node_address_${sanitizeLabelName(type)}`] ??= address;
  const labels = { ...metaLabels(node.metadata, 'node'), [`${META}node_provider_id`]: node.spec?.providerID ?? '' };
  return [{ source: `node/${node.metadata.name}`, targets: [target], labels }];
}

function podLabels(pod: Pod): LabelSet {
  const { status, spec, metadata } = pod;
  const ready = status?.conditions?.find((c) => c.type === 'Ready')?.status ?? 'Unknown';
  const controller = metadata.ownerReferences?.find((o) => o.controller);
  return {
    [`${META}pod_ip`]: status?.podIP ?? '',
    [`${META}pod_ready`]: ready.toLowerCase(),
    [`${META}pod_phase`]: status?.phase ?? '',
    [`${META}pod_node_name`]: spec.nodeName ?? '',
    [`${META}pod_host_ip`]: status?.hostIP ?? '',
    [`${META}pod_uid`]: metadata.uid ?? '',
    ...metaLabels(metadata, 'pod'),
    ...(controller
      ? { [`${META}pod_controller_kind`]: controller.kind, [`${META}pod_controller_name`]: controller.name }
      : {}),
  };
}

function containersOf(pod: Pod): { readonly container: Container; readonly init: boolean }[] {
  const init = (pod.spec.initContainers ?? []).map((container) => ({ container, init: true }));
  return [...pod.spec.containers.map((container) => ({ container, init: false })), ...init];
}

function containerLabels(container: Container, init: boolean): LabelSet {
  return {
    [`${META}pod_container_name`]: container.name,
    [`${META}pod_container_image`]: container.image ?? '',
    [`${META}pod_container_init`]: String(init),
  };
}

function portLabels(port: ContainerPort): LabelSet {
  return {
    [`${META}pod_container_port_name`]: port.name ?? '',
    [`${META}pod_container_port_number`]: String(port.containerPort),
    [`${META}pod_container_port_protocol`]: port.protocol ?? 'TCP',
  };
}

function podTargets(pod: Pod, view: ClusterView, attach: Attach): TargetsFound[] {
  const ip = pod.status?.podIP;
  // While a pod starts, or after its eviction, it has no address.
  if (!ip) return [];
  const labels = {
    ...groupLabels(pod, 'pod', view, attach),
    ...podLabels(pod),
    ...attachedNode(pod.spec.nodeName, view, attach),
  };
  const targets = containersOf(pod).flatMap(({ container, init }) => {
    const statuses = init ? pod.status?.initContainerStatuses : pod.status?.containerStatuses;
    const id = statuses?.find((s) => s.name === container.name)?.containerID ?? '';
    const common = { ...containerLabels(container, init), [`${META}pod_container_id`]: id };
    const ports = container.ports ?? [];
    // Without ports, the address is left for relabelling to complete.
    if (ports.length === 0) return [{ __address__: ip.includes(':') ? `[${ip}]` : ip, ...common }];
    return ports.map((port) => ({ __address__: hostPort(ip, port.containerPort), ...common, ...portLabels(port) }));
  });
  return [{ source: `pod/${objectKey(pod)}`, targets, labels }];
}

function serviceTargets(service: Service, view: ClusterView, attach: Attach): TargetsFound {
  const { name, namespace } = service.metadata;
  const { type = 'ClusterIP', clusterIP, externalName, loadBalancerIP } = service.spec;
  const targets = (service.spec.ports ?? []).map((port) => ({
    __address__: `${name}.${namespace}.svc:${port.port}`,
    [`${META}service_port_name`]: port.name ?? '',
    [`${META}service_port_number`]: String(port.port),
    [`${META}service_port_protocol`]: port.protocol ?? 'TCP',
    [`${META}service_type`]: type,
    ...(type === 'ExternalName'
      ? { [`${META}service_external_name`]: externalName ?? '' }
      : { [`${META}service_cluster_ip`]: clusterIP ?? '' }),
    ...(type === 'LoadBalancer' ? { [`${META}service_loadbalancer_ip`]: loadBalancerIP ?? '' } : {}),
  }));
  return { source: `svc/${objectKey(service)}`, targets, labels: groupLabels(service, 'service', view, attach) };
}

function serviceLabelsFor(namespace: string | undefined, name: string | undefined, view: ClusterView): LabelSet {
  const service = name === undefined ? undefined : view.services.get(`${namespace ?? ''}/${name}`);
  return service ? metaLabels(service.metadata, 'service') : {};
}

/** Follows references to pods, and remembers which of their ports were covered. */
class PodPorts {
  readonly #view: ClusterView;
  readonly #seen = new Map<string, { readonly pod: Pod; readonly ports: Set<number> }>();

  constructor(view: ClusterView) {
    this.#view = view;
  }

  /** What the pod behind an endpoint adds to the endpoint's target. */
  labels(ref: TargetRef | undefined, port: number | undefined): LabelSet {
    if (ref?.kind !== 'Pod') return {};
    const key = `${ref.namespace ?? ''}/${ref.name ?? ''}`;
    const pod = this.#view.pods.get(key);
    if (!pod) return {};
    const seen = this.#seen.get(key) ?? { pod, ports: new Set<number>() };
    this.#seen.set(key, seen);
    if (port !== undefined) seen.ports.add(port);
    const labels = podLabels(pod);
    for (const { container, init } of containersOf(pod)) {
      const own = container.ports?.find((p) => p.containerPort === port);
      if (own) Object.assign(labels, containerLabels(container, init), portLabels(own));
    }
    return labels;
  }

  /** Targets for the container ports that no endpoint covers. */
  uncovered(): LabelSet[] {
    return [...this.#seen.values()].flatMap(({ pod, ports }) => {
      const ip = pod.status?.podIP;
      if (!ip) return [];
      return containersOf(pod).flatMap(({ container, init }) =>
        (container.ports ?? [])
          .filter((port) => !ports.has(port.containerPort))
          .map((port) => ({
            __address__: hostPort(ip, port.containerPort),
            ...podLabels(pod),
            ...containerLabels(container, init),
            ...portLabels(port),
          })),
      );
    });
  }
}

function endpointsTargets(endpoints: Endpoints, view: ClusterView, attach: Attach): TargetsFound {
  const pods = new PodPorts(view);
  const targets: LabelSet[] = [];
  for (const subset of endpoints.subsets ?? []) {
    for (const port of subset.ports ?? []) {
      const add = (address: EndpointAddress, ready: boolean) => {
        const node = address.targetRef?.kind === 'Node' ? address.targetRef.name : address.nodeName;
        targets.push({
          __address__: hostPort(address.ip, port.port),
          [`${META}endpoint_port_name`]: port.name ?? '',
          [`${META}endpoint_port_protocol`]: port.protocol ?? 'TCP',
          [`${META}endpoint_ready`]: String(ready),
          ...(address.targetRef
            ? {
                [`${META}endpoint_address_target_kind`]: address.targetRef.kind ?? '',
                [`${META}endpoint_address_target_name`]: address.targetRef.name ?? '',
              }
            : {}),
          ...(address.nodeName ? { [`${META}endpoint_node_name`]: address.nodeName } : {}),
          ...(address.hostname ? { [`${META}endpoint_hostname`]: address.hostname } : {}),
          ...attachedNode(node, view, attach),
          ...pods.labels(address.targetRef, port.port),
        });
      };
      for (const address of subset.addresses ?? []) add(address, true);
      for (const address of subset.notReadyAddresses ?? []) add(address, false);
    }
  }
  const { name, namespace } = endpoints.metadata;
  const labels = { ...groupLabels(endpoints, 'endpoints', view, attach), ...serviceLabelsFor(namespace, name, view) };
  return { source: `endpoints/${objectKey(endpoints)}`, targets: [...targets, ...pods.uncovered()], labels };
}

function sliceTargets(slice: EndpointSlice, view: ClusterView, attach: Attach): TargetsFound {
  const pods = new PodPorts(view);
  const targets: LabelSet[] = [];
  const said = (name: string, value: string | number | boolean | undefined): LabelSet =>
    value === undefined ? {} : { [`${META}endpointslice_${name}`]: String(value) };
  for (const endpoint of slice.endpoints ?? []) {
    const node = endpoint.targetRef?.kind === 'Node' ? endpoint.targetRef.name : endpoint.nodeName;
    const common: LabelSet = {
      ...said('endpoint_conditions_ready', endpoint.conditions?.ready),
      ...said('endpoint_conditions_serving', endpoint.conditions?.serving),
      ...said('endpoint_conditions_terminating', endpoint.conditions?.terminating),
      ...said('endpoint_hostname', endpoint.hostname),
      ...said('address_target_kind', endpoint.targetRef?.kind),
      ...said('address_target_name', endpoint.targetRef?.name),
      ...said('endpoint_node_name', endpoint.nodeName),
      ...said('endpoint_zone', endpoint.zone),
      ...attachedNode(node, view, attach),
    };
    for (const [k, v] of Object.entries(endpoint.deprecatedTopology ?? {})) {
      common[`${META}endpointslice_endpoint_topology_${sanitizeLabelName(k)}`] = v;
      common[`${META}endpointslice_endpoint_topology_present_${sanitizeLabelName(k)}`] = 'true';
    }
    for (const port of slice.ports ?? []) {
      for (const address of endpoint.addresses) {
        targets.push({
          __address__: port.port === undefined ? address : hostPort(address, port.port),
          ...said('port_name', port.name),
          ...said('port_protocol', port.protocol),
          ...said('port', port.port),
          ...said('port_app_protocol', port.appProtocol),
          ...common,
          ...pods.labels(endpoint.targetRef, port.port),
        });
      }
    }
  }
  const service = slice.metadata.labels?.['kubernetes.io/service-name'];
  const labels = {
    ...groupLabels(slice, 'endpointslice', view, attach),
    [`${META}endpointslice_address_type`]: slice.addressType,
    ...serviceLabelsFor(slice.metadata.namespace, service, view),
  };
  return { source: `endpointslice/${objectKey(slice)}`, targets: [...targets, ...pods.uncovered()], labels };
}

function ingressTargets(ingress: Ingress, view: ClusterView, attach: Attach): TargetsFound {
  const secure = (ingress.spec.tls ?? []).flatMap((tls) => tls.hosts ?? []);
  const targets = (ingress.spec.rules ?? []).flatMap((rule) => {
    const host = rule.host ?? '';
    const scheme = secure.some((pattern) => matchesHost(pattern, host)) ? 'https' : 'http';
    const paths = rule.http?.paths?.map((p) => p.path || '/') ?? ['/'];
    return paths.map((path) => ({
      __address__: host,
      [`${META}ingress_scheme`]: scheme,
      [`${META}ingress_host`]: host,
      [`${META}ingress_path`]: path,
    }));
  });
  const className = ingress.spec.ingressClassName;
  const labels = {
    ...groupLabels(ingress, 'ingress', view, attach),
    ...(className ? { [`${META}ingress_class_name`]: className } : {}),
  };
  return { source: `ingress/${objectKey(ingress)}`, targets, labels };
}

/** Whether a host is the one named, or has one label in place of the pattern's `*`. */
function matchesHost(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  if (!pattern.startsWith('*.')) return false;
  const dot = host.indexOf('.');
  return dot > 0 && host.slice(dot + 1) === pattern.slice(2);
}
