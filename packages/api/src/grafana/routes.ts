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
  app.get('/api/folders', async () => {
    const titles = [...new Set(host.dashboards().map(({ folder }) => folder))];
    return titles.map((title, i) => ({ id: i + 1, uid: slug(title), title }));
  });
  // Dashboards come from packs: what was saved here would be gone with the next build. 400 is Grafana's own answer.
  app.post('/api/dashboards/db', async (request, reply) => {
    const { dashboard } = (request.body ?? {}) as { dashboard?: { uid?: unknown } };
    const isOurs = host.dashboards().some((entry) => entry.dashboard.uid === dashboard?.uid);
    const message = isOurs
      ? 'Cannot save provisioned dashboard: it comes from a pack, and is shown here already'
      : 'Dashboards are read-only here: they come from packs; `belfry import` makes a pack of a dashboard';
    return reply.status(isOurs ? 400 : 403).send({ message, status: isOurs ? 'provisioned' : 'read-only' });
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
