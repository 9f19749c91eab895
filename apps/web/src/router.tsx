import { createBrowserRouter } from 'react-router';
import { ErrorState } from './components/error-state.tsx';
import { Loading } from './components/loading.tsx';
import { Shell } from './components/shell.tsx';

const dashboard = async () => ({ Component: (await import('./pages/dashboard.tsx')).DashboardPage });
const explore = async () => ({ Component: (await import('./pages/explore.tsx')).Explore });
const alerts = async () => ({ Component: (await import('./pages/alerts.tsx')).Alerts });

/** Each page is a bundle of its own, fetched when it is first opened. */
export const router = createBrowserRouter([
  {
    path: '/',
    element: <Shell />,
    errorElement: (
      <ErrorState title="This page failed" error={new Error('Reload it; if it fails again, please tell us.')} />
    ),
    hydrateFallbackElement: <Loading label="Opening" />,
    children: [
      { index: true, lazy: async () => ({ Component: (await import('./pages/home.tsx')).Home }) },
      { path: 'dashboards', lazy: async () => ({ Component: (await import('./pages/dashboards.tsx')).Dashboards }) },
      { path: 'd/:uid/:slug?', lazy: dashboard },
      { path: 'explore', lazy: explore },
      { path: 'alerts', lazy: alerts },
      { path: 'inbox', lazy: async () => ({ Component: (await import('./pages/inbox.tsx')).Inbox }) },
      { path: 'silences', lazy: async () => ({ Component: (await import('./pages/silences.tsx')).Silences }) },
      { path: 'targets', lazy: async () => ({ Component: (await import('./pages/targets.tsx')).Targets }) },
      { path: 'fleet', lazy: async () => ({ Component: (await import('./pages/fleet.tsx')).Fleet }) },
      { path: 'status', lazy: async () => ({ Component: (await import('./pages/status.tsx')).Status }) },
      {
        path: 'runbooks/:pack/:name',
        lazy: async () => ({ Component: (await import('./pages/runbook.tsx')).Runbook }),
      },
      // Prometheus' own addresses, so that its links lead somewhere.
      { path: 'graph', lazy: explore },
      { path: 'query', lazy: explore },
      { path: '*', lazy: async () => ({ Component: (await import('./pages/not-found.tsx')).NotFound }) },
    ],
  },
]);

/** How long after the first page the likely next ones are fetched, in milliseconds. */
const PREFETCH_AFTER_MS = 2_500;

/** Fetches the pages that are opened most while nothing else goes on, so that they open at once. */
export function prefetchPages(): void {
  setTimeout(() => {
    for (const page of [dashboard, alerts, explore]) void page().catch(() => undefined);
  }, PREFETCH_AFTER_MS);
}
