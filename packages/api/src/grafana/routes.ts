import { BelfryError } from '@belfry/model';
import type { FastifyInstance } from 'fastify';
import { parametersOf } from '../http.ts';

/** A dashboard as its JSON file has it. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly tags?: readonly string[];
  readonly [field: string]: unknown;
}

export interface DashboardEntry {
  readonly dashboard: Dashboard;
  readonly folder: string;
}

export interface GrafanaHost {
  readonly version: string;
  dashboards(): readonly DashboardEntry[];
}

/** The part of Grafana's HTTP API that scripts and our own pages use: health, search, dashboards. */
export async function grafanaRoutes(app: FastifyInstance, host: GrafanaHost): Promise<void> {
  app.get('/api/health', async () => ({ database: 'ok', version: host.version, commit: '' }));
  app.get('/api/search', async (request) => {
    const parameters = parametersOf(request);
    const text = (parameters.get('query') ?? '').toLowerCase();
    const tags = parameters.getAll('tag');
    return host
      .dashboards()
      .filter(({ dashboard }) => dashboard.title.toLowerCase().includes(text))
      .filter(({ dashboard }) => tags.every((tag) => dashboard.tags?.includes(tag)))
      .map(({ dashboard, folder }) => ({
        uid: dashboard.uid,
        title: dashboard.title,
        uri: `db/${slug(dashboard.title)}`,
        url: `/d/${dashboard.uid}/${slug(dashboard.title)}`,
        type: 'dash-db',
        tags: dashboard.tags ?? [],
        isStarred: false,
        folderTitle: folder,
      }));
  });
  app.get<{ Params: { uid: string } }>('/api/dashboards/uid/:uid', async (request) => {
    const { uid } = request.params;
    const entry = host.dashboards().find(({ dashboard }) => dashboard.uid === uid);
    if (!entry) throw new BelfryError('not_found', `Dashboard not found: ${uid}`);
    const { dashboard, folder } = entry;
    return {
      meta: {
        type: 'db',
        canSave: false,
        canEdit: false,
        provisioned: true,
        folderTitle: folder,
        slug: slug(dashboard.title),
        url: `/d/${uid}/${slug(dashboard.title)}`,
      },
      dashboard,
    };
  });
}

function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
