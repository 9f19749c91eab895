import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DiscoveryConfig, httpClient, parsePrometheusConfig } from '@belfry/config';
import { systemClock } from '@belfry/model';
import { afterAll, describe, expect, test } from 'vitest';
import { dockerTargets } from './discovery-docker.ts';
import { diskDiscoveryFiles } from './discovery-file.ts';
import { discover, systemDns, type TargetsFound } from './index.ts';

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

async function serve(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  socket?: string,
): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) =>
    socket ? server.listen(socket, resolve) : server.listen(0, '127.0.0.1', resolve),
  );
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return socket ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function watchTargets(yaml: string) {
  const config: DiscoveryConfig = parsePrometheusConfig(`scrape_configs: [{job_name: x, ${yaml}}]`, '/p.yml').config
    .scrape_configs[0]!;
  const problems: string[] = [];
  let latest: readonly TargetsFound[] = [];
  const discovery = discover(
    config,
    {
      clock: systemClock,
      files: diskDiscoveryFiles,
      dns: systemDns(),
      environment: {},
      userAgent: 'test',
      client: (c, more) => httpClient(c, { clock: systemClock, ...more }),
      onProblem: (message) => problems.push(message),
    },
    (all) => {
      latest = all;
    },
  );
  cleanups.push(() => discovery.stop());
  const until = async (holds: (all: readonly TargetsFound[]) => boolean): Promise<readonly TargetsFound[]> => {
    for (let i = 0; i < 400; i++) {
      if (holds(latest)) return latest;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`waited in vain; problems: ${problems.join('; ')}; latest: ${JSON.stringify(latest)}`);
  };
  return { until, problems };
}

const addresses = (all: readonly TargetsFound[]) => all.flatMap((g) => g.targets.map((t) => t.__address__)).sort();

test('files on a disk, noticed when they change', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'belfry-sd-'));
  writeFileSync(join(directory, 'a.json'), '[{"targets": ["h:1"]}]');
  const { until } = watchTargets(`file_sd_configs: [{files: ["${directory}/*.json"], refresh_interval: 1h}]`);
  await until((all) => addresses(all).join() === 'h:1');
  writeFileSync(join(directory, 'b.json'), '[{"targets": ["h:2"]}]');
  await until((all) => addresses(all).join() === 'h:1,h:2');
  rmSync(join(directory, 'a.json'));
  await until((all) => addresses(all).join() === 'h:2');
});

describe('Docker', () => {
  const containers = [
    {
      Id: 'c1',
      Names: ['/web'],
      Labels: { 'com.x/y': 'z' },
      HostConfig: { NetworkMode: 'net' },
      NetworkSettings: {
        Networks: { b: { NetworkID: 'n2', IPAddress: '10.2.0.1' }, a: { NetworkID: 'n1', IPAddress: '10.1.0.1' } },
      },
      Ports: [
        { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
        { PrivatePort: 53, Type: 'udp' },
      ],
    },
    {
      Id: 'c2',
      Names: ['/sidecar'],
      HostConfig: { NetworkMode: 'container:c1' },
      NetworkSettings: { Networks: {} },
      Ports: [],
    },
    {
      Id: 'c3',
      Names: ['/host'],
      HostConfig: { NetworkMode: 'host' },
      NetworkSettings: { Networks: { host: { NetworkID: 'n3', IPAddress: '' } } },
    },
  ];
  const networks = [{ Id: 'n1', Name: 'a', Scope: 'local', Internal: false, Ingress: false, Labels: { k: 'v' } }];

  test('containers become targets for their networks and ports', () => {
    const options = { port: 80, host_networking_host: 'localhost', match_first_network: true };
    const found = dockerTargets(containers, networks, options);
    expect(found.map((t) => t.__address__)).toEqual(['10.1.0.1:80', '10.1.0.1:80', 'localhost']);
    expect(found[0]).toMatchObject({
      __meta_docker_container_name: '/web',
      __meta_docker_container_label_com_x_y: 'z',
      __meta_docker_network_name: 'a',
      __meta_docker_network_label_k: 'v',
      __meta_docker_port_public: '8080',
      __meta_docker_port_public_ip: '0.0.0.0',
    });
    expect(dockerTargets(containers, networks, { ...options, match_first_network: false })).toHaveLength(5);
  });

  test('asked through its socket', async () => {
    const socket = join(mkdtempSync(join(tmpdir(), 'belfry-docker-')), 'docker.sock');
    await serve(
      (request, response) => response.end(JSON.stringify(request.url!.startsWith('/networks') ? networks : containers)),
      socket,
    );
    const { until } = watchTargets(`docker_sd_configs: [{host: "unix://${socket}"}]`);
    expect(addresses(await until((all) => all.length > 0))).toEqual(['10.1.0.1:80', '10.1.0.1:80', 'localhost']);
  });
});

test('Consul: services that come and go, by waiting questions', async () => {
  let services: Record<string, string[]> = { web: ['a', 'b'], other: [] };
  let index = 1;
  let token: string | undefined;
  const waiting = new Set<() => void>();
  const url = await serve((request, response) => {
    const at = new URL(request.url!, 'http://x');
    token = request.headers['x-consul-token'] as string;
    const answer = () => {
      response.setHeader('x-consul-index', String(index));
      if (at.pathname === '/v1/agent/self') response.end('{"Config":{"Datacenter":"dc1"}}');
      else if (at.pathname === '/v1/catalog/services') response.end(JSON.stringify(services));
      else {
        const service = at.pathname.split('/').at(-1)!;
        const entry = {
          Node: {
            Node: 'n',
            Address: '10.0.0.9',
            Datacenter: 'dc1',
            Meta: { rack: '1' },
            TaggedAddresses: { lan: '10.0.0.9' },
          },
          Service: {
            ID: `${service}-1`,
            Address: service === 'web' ? '10.0.0.1' : '',
            Port: 80,
            Tags: services[service],
            Meta: { 'v-x': '2' },
          },
          Checks: [{ Status: 'passing' }, { Status: 'critical' }],
        };
        response.end(JSON.stringify(services[service] ? [entry] : []));
      }
    };
    if (at.searchParams.get('index') === String(index)) waiting.add(answer);
    else answer();
  });
  const { until } = watchTargets(
    `consul_sd_configs: [{server: "${new URL(url).host}", token: t, refresh_interval: 100ms}]`,
  );
  const first = await until((all) => all.length === 2);
  expect(addresses(first)).toEqual(['10.0.0.1:80', '10.0.0.9:80']);
  expect(token).toBe('t');
  expect(first.find((g) => g.source === 'web')).toMatchObject({
    labels: { __meta_consul_service: 'web', __meta_consul_dc: 'dc1' },
    targets: [
      {
        __meta_consul_tags: ',a,b,',
        __meta_consul_health: 'critical',
        __meta_consul_service_metadata_v_x: '2',
        __meta_consul_tagged_address_lan: '10.0.0.9',
        __meta_consul_service_id: 'web-1',
      },
    ],
  });
  services = { other: [] };
  index = 2;
  for (const answer of waiting) answer();
  await until((all) => addresses(all).join() === '10.0.0.9:80');
});

describe('Kubernetes', () => {
  const meta = (name: string, more = {}) => ({
    name,
    namespace: 'default',
    uid: `u-${name}`,
    labels: { 'app.kubernetes.io/name': name },
    ...more,
  });
  const pod = (name: string, ip: string) => ({
    metadata: meta(name, { ownerReferences: [{ kind: 'ReplicaSet', name: 'rs', controller: true }] }),
    spec: {
      nodeName: 'node1',
      containers: [
        {
          name: 'c',
          image: 'img',
          ports: [
            { name: 'http', containerPort: 8080, protocol: 'TCP' },
            { name: 'extra', containerPort: 9090 },
          ],
        },
      ],
      initContainers: [{ name: 'i' }],
    },
    status: {
      podIP: ip,
      hostIP: '192.168.0.1',
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'c', containerID: 'docker://abc' }],
    },
  });
  const cluster: Record<string, object[]> = {
    '/api/v1/pods': [pod('p1', '10.0.0.1')],
    '/api/v1/namespaces/default/pods': [pod('p1', '10.0.0.1')],
    '/api/v1/nodes': [
      {
        metadata: { name: 'node1', labels: { zone: 'z' } },
        spec: { providerID: 'x' },
        status: {
          addresses: [
            { type: 'Hostname', address: 'h' },
            { type: 'InternalIP', address: '192.168.0.1' },
          ],
          daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
        },
      },
    ],
    '/api/v1/services': [
      {
        metadata: meta('svc'),
        spec: { type: 'ClusterIP', clusterIP: '10.9.0.1', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
      },
    ],
    '/api/v1/endpoints': [
      {
        metadata: meta('svc'),
        subsets: [
          {
            addresses: [{ ip: '10.0.0.1', targetRef: { kind: 'Pod', name: 'p1', namespace: 'default' } }],
            notReadyAddresses: [{ ip: '10.0.0.7' }],
            ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
          },
        ],
      },
    ],
    '/apis/discovery.k8s.io/v1/endpointslices': [
      {
        metadata: meta('svc-abc', { labels: { 'kubernetes.io/service-name': 'svc' } }),
        addressType: 'IPv4',
        endpoints: [
          {
            addresses: ['10.0.0.1'],
            conditions: { ready: true },
            nodeName: 'node1',
            targetRef: { kind: 'Pod', name: 'p1', namespace: 'default' },
          },
        ],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ],
    '/apis/networking.k8s.io/v1/ingresses': [
      {
        metadata: meta('ing'),
        spec: {
          ingressClassName: 'nginx',
          tls: [{ hosts: ['*.example.org'] }],
          rules: [{ host: 'a.example.org', http: { paths: [{ path: '/x' }, {}] } }, { host: 'plain.com' }],
        },
      },
    ],
  };
  const watchers = new Map<string, ServerResponse>();
  let authorization: string | undefined;
  const server = serve((request, response) => {
    const at = new URL(request.url!, 'http://x');
    authorization = request.headers.authorization;
    if (at.searchParams.get('watch')) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      watchers.set(at.pathname, response);
    } else response.end(JSON.stringify({ metadata: { resourceVersion: '5' }, items: cluster[at.pathname] ?? [] }));
  });
  const watchRole = async (role: string, more = '') =>
    watchTargets(`kubernetes_sd_configs: [{role: ${role}, api_server: "${await server}"${more}}]`);

  test('pods, and what becomes of them', async () => {
    const { until } = await watchRole(
      'pod',
      ', bearer_token: secret, namespaces: {names: [default]}, attach_metadata: {node: true}',
    );
    const all = await until((found) => found.length === 1);
    expect(authorization).toBe('Bearer secret');
    expect(addresses(all)).toEqual(['10.0.0.1', '10.0.0.1:8080', '10.0.0.1:9090']);
    expect(all[0]!.labels).toMatchObject({
      __meta_kubernetes_namespace: 'default',
      __meta_kubernetes_pod_name: 'p1',
      __meta_kubernetes_pod_ready: 'true',
      __meta_kubernetes_pod_controller_kind: 'ReplicaSet',
      __meta_kubernetes_pod_label_app_kubernetes_io_name: 'p1',
      __meta_kubernetes_pod_labelpresent_app_kubernetes_io_name: 'true',
      __meta_kubernetes_node_label_zone: 'z',
    });
    expect(all[0]!.targets[0]).toMatchObject({
      __meta_kubernetes_pod_container_id: 'docker://abc',
      __meta_kubernetes_pod_container_port_name: 'http',
      __meta_kubernetes_pod_container_init: 'false',
    });
    const path = '/api/v1/namespaces/default/pods';
    const watching = async () => {
      for (let i = 0; i < 200 && !watchers.has(path); i++) await new Promise((resolve) => setTimeout(resolve, 25));
      return watchers.get(path)!;
    };
    const tell = async (event: object) => (await watching()).write(`${JSON.stringify(event)}\n`);
    await tell({
      type: 'ADDED',
      object: { ...pod('p2', '10.0.0.2'), metadata: { ...meta('p2'), resourceVersion: '6' } },
    });
    await until((found) => addresses(found).includes('10.0.0.2:8080'));
    await tell({ type: 'DELETED', object: pod('p1', '10.0.0.1') });
    await until((found) => !addresses(found).includes('10.0.0.1:8080'));
    // A watch that lost its place lists again.
    const old = await watching();
    watchers.delete(path);
    old.end(`${JSON.stringify({ type: 'ERROR', object: { metadata: {}, code: 410 } })}\n`);
    await until((found) => addresses(found).includes('10.0.0.1:8080') && !addresses(found).includes('10.0.0.2:8080'));
  });

  test.each([
    ['node', ['192.168.0.1:10250'], { __meta_kubernetes_node_provider_id: 'x' }],
    ['service', ['svc.default.svc:80'], { __meta_kubernetes_service_name: 'svc' }],
    [
      'endpoints',
      ['10.0.0.1:8080', '10.0.0.1:9090', '10.0.0.7:8080'],
      { __meta_kubernetes_endpoints_name: 'svc', __meta_kubernetes_service_name: 'svc' },
    ],
    [
      'endpointslice',
      ['10.0.0.1:8080', '10.0.0.1:9090'],
      { __meta_kubernetes_endpointslice_address_type: 'IPv4', __meta_kubernetes_service_name: 'svc' },
    ],
    ['ingress', ['a.example.org', 'a.example.org', 'plain.com'], { __meta_kubernetes_ingress_class_name: 'nginx' }],
  ])('role %s', async (role, expected, labels) => {
    const { until } = await watchRole(role);
    const all = await until((found) => found.length > 0);
    expect(addresses(all)).toEqual(expected);
    expect(all[0]!.labels).toMatchObject(labels);
    if (role === 'endpoints') {
      const covered = all[0]!.targets.find((t) => t.__address__ === '10.0.0.1:8080');
      expect(covered).toMatchObject({
        __meta_kubernetes_endpoint_ready: 'true',
        __meta_kubernetes_pod_name: 'p1',
        __meta_kubernetes_pod_container_port_name: 'http',
      });
    }
    if (role === 'ingress')
      expect(
        all[0]!.targets.map((t) => `${t.__meta_kubernetes_ingress_scheme}${t.__meta_kubernetes_ingress_path}`),
      ).toEqual(['https/x', 'https/', 'http/']);
  });

  test('by a kubeconfig file', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'belfry-kube-')), 'config');
    writeFileSync(
      file,
      `current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: "${await server}"}}]\nusers: [{name: u, user: {token: tok}}]\n`,
    );
    const { until } = watchTargets(`kubernetes_sd_configs: [{role: node, kubeconfig_file: "${file}"}]`);
    await until((found) => found.length === 1);
    expect(authorization).toBe('Bearer tok');
  });

  test('outside of a cluster, without a way in, it says so', () => {
    expect(watchTargets('kubernetes_sd_configs: [{role: node}]').problems).toEqual([
      'Kubernetes: neither api_server nor kubeconfig_file is given, and this does not run in a cluster',
    ]);
  });
});
