/** The part of Grafana's HTTP API that lists and loads dashboards. */
import { type Dashboard, listOf, objectOf, parseDashboard, textOf } from '../dashboard/model.ts';
import { requestJson } from './http.ts';

export interface DashboardSummary {
  readonly uid: string;
  readonly title: string;
  readonly tags: readonly string[];
  readonly url: string;
  readonly folder: string;
}

export async function searchDashboards(signal?: AbortSignal): Promise<readonly DashboardSummary[]> {
  const found = listOf(await requestJson('/api/search?type=dash-db', signal ? { signal } : {}));
  return found
    .map((json) => objectOf(json))
    .filter((d) => textOf(d.uid) !== '')
    .map((d) => ({
      uid: textOf(d.uid),
      title: textOf(d.title, textOf(d.uid)),
      tags: listOf(d.tags).map((t) => textOf(t)),
      url: textOf(d.url, `/d/${textOf(d.uid)}`),
      folder: textOf(d.folderTitle, 'General'),
    }));
}

export interface LoadedDashboard {
  readonly dashboard: Dashboard;
  readonly folder: string;
}

export async function loadDashboard(uid: string, signal?: AbortSignal): Promise<LoadedDashboard> {
  const body = objectOf(await requestJson(`/api/dashboards/uid/${encodeURIComponent(uid)}`, signal ? { signal } : {}));
  return { dashboard: parseDashboard(body), folder: textOf(objectOf(body.meta).folderTitle, 'General') };
}
