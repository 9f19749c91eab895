/** What a delivery would change, found by asking the service; each step knows how to carry itself out. */
import { isDeepStrictEqual } from 'node:util';
import { BelfryError } from '@belfry/model';
import { type GeneratedFile, parseYamlText } from '@belfry/sdk';
import type { PushClient } from './push-client.ts';

export interface PushStep {
  readonly action: 'create' | 'update' | 'delete' | 'same';
  readonly what: string;
  readonly run: () => Promise<unknown>;
}

type Fields = Readonly<Record<string, unknown>>;

const nothing = async () => undefined;

function answered<T>(text: string, what: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new BelfryError('delivery_failed', `${what}: the answer is not JSON; is the URL that of the service?`, {
      cause: error,
    });
  }
}

export interface GrafanaPushOptions {
  readonly folder: string;
  readonly prometheusUrl: string;
}

/** The folder, the data source where it is missing, and every dashboard that differs. */
export async function grafanaPlan(
  client: PushClient,
  files: readonly GeneratedFile[],
  { folder, prometheusUrl }: GrafanaPushOptions,
): Promise<readonly PushStep[]> {
  const found = await client.send('GET', '/api/folders?limit=1000');
  const folders = answered<{ uid: string; title: string }[]>(found.text, 'folders');
  if (!Array.isArray(folders))
    throw new BelfryError('delivery_failed', 'GET /api/folders gives no list; is this a Grafana?');
  let folderUid = folders.find((f) => f.title === folder)?.uid;
  const makeFolder = async () => {
    const made = await client.send('POST', '/api/folders', { title: folder });
    folderUid = answered<{ uid: string }>(made.text, 'the new folder').uid;
  };
  const steps: PushStep[] = [
    { action: folderUid ? 'same' : 'create', what: `folder ${folder}`, run: folderUid ? nothing : makeFolder },
  ];
  const source = await client.send('GET', '/api/datasources/uid/prometheus');
  steps.push({
    action: source.status === 404 ? 'create' : 'same',
    what: `data source prometheus (${prometheusUrl})`,
    run:
      source.status !== 404 ? nothing : () => client.send('POST', '/api/datasources', prometheusSource(prometheusUrl)),
  });
  for (const { path, text } of files) {
    if (!path.startsWith('grafana/dashboards/')) continue;
    const dashboard = JSON.parse(text) as Fields & { uid: string; title: string };
    const there = await client.send('GET', `/api/dashboards/uid/${encodeURIComponent(dashboard.uid)}`);
    const before =
      there.status === 404 ? undefined : answered<{ dashboard: Fields }>(there.text, dashboard.uid).dashboard;
    const same = before !== undefined && isDeepStrictEqual(plainDashboard(before), plainDashboard(dashboard));
    steps.push({
      action: same ? 'same' : before ? 'update' : 'create',
      what: `dashboard ${dashboard.uid} (${dashboard.title})`,
      run: () =>
        client.send('POST', '/api/dashboards/db', {
          dashboard: { ...dashboard, id: null },
          folderUid,
          overwrite: true,
          message: 'belfry push',
        }),
    });
  }
  return steps;
}

function prometheusSource(url: string) {
  return {
    name: 'Prometheus',
    uid: 'prometheus',
    type: 'prometheus',
    access: 'proxy',
    url,
    jsonData: { httpMethod: 'POST' },
  };
}

/** Without what Grafana counts. */
function plainDashboard({ id: _, version: __, ...rest }: Fields): Fields {
  return rest;
}

/** Where a ruler takes groups. */
export const RULERS = { mimir: '/prometheus/config/v1/rules', loki: '/loki/api/v1/rules' } as const;

/** Makes the groups of each namespace those of `namespaces`; other namespaces are left alone. */
export async function rulerPlan(
  client: PushClient,
  api: string,
  namespaces: ReadonlyMap<string, readonly Fields[]>,
): Promise<readonly PushStep[]> {
  const steps: PushStep[] = [];
  for (const [namespace, groups] of namespaces) {
    const path = `${api}/${encodeURIComponent(namespace)}`;
    const there = await client.send('GET', path);
    const before = there.status === 404 ? [] : groupsIn(there.text, namespace);
    for (const group of groups) {
      const old = before.find((g) => g.name === group.name);
      const same = old !== undefined && isDeepStrictEqual(plainGroup(old), plainGroup(group));
      steps.push({
        action: same ? 'same' : old ? 'update' : 'create',
        what: `rule group ${namespace}/${group.name}`,
        // JSON is YAML.
        run: () => client.send('POST', path, JSON.stringify(group)),
      });
    }
    for (const { name } of before) {
      if (groups.some((g) => g.name === name)) continue;
      const run = () => client.send('DELETE', `${path}/${encodeURIComponent(String(name))}`);
      steps.push({ action: 'delete', what: `rule group ${namespace}/${name}`, run });
    }
  }
  return steps;
}

function groupsIn(text: string, namespace: string): readonly Fields[] {
  const value = parseYamlText(text, `rules of ${namespace}`) as Readonly<Record<string, readonly Fields[]>> | null;
  return value?.[namespace] ?? [];
}

/** Rulers leave out what is empty, and write durations as they like. */
function plainGroup(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainGroup);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key, v]) => v !== '' && v !== null && !(key === 'for' && /^0[a-z]*$/.test(String(v))),
  );
  return Object.fromEntries(
    entries.map(([key, v]) => [key, key === 'for' || key === 'interval' ? plainDuration(String(v)) : plainGroup(v)]),
  );
}

function plainDuration(text: string): string {
  return text.replace(/(?<=[a-z])0[smh]/g, '');
}

/** Mimir's Alertmanager of the tenant. */
export async function alertmanagerPlan(client: PushClient, config: string): Promise<readonly PushStep[]> {
  const there = await client.send('GET', '/api/v1/alerts');
  const before = there.status === 404 ? undefined : (parseYamlText(there.text, 'alertmanager') as Fields | null);
  const same = before?.alertmanager_config === config;
  const body = JSON.stringify({ template_files: {}, alertmanager_config: config });
  return [
    {
      action: same ? 'same' : before ? 'update' : 'create',
      what: 'Alertmanager configuration',
      run: () => client.send('POST', '/api/v1/alerts', body),
    },
  ];
}

const SIGNS = { create: '+', update: '~', delete: '-', same: '=' } as const;

export function planText(steps: readonly PushStep[]): string {
  const lines = steps.filter((s) => s.action !== 'same').map((s) => `  ${SIGNS[s.action]} ${s.what}`);
  const same = steps.length - lines.length;
  return [...lines, `  = ${same} as they should be`].join('\n');
}
