export { type AlertmanagerRoutesOptions, alertmanagerRoutes } from './alertmanager/routes.ts';
export { type NotificationView, notificationView } from './belfry/notifications.ts';
export { type BelfryHost, belfryRoutes, type NotificationFilter } from './belfry/routes.ts';
export { type Dashboard, type DashboardEntry, grafanaRoutes } from './grafana/routes.ts';
export { createHttpServer, listen } from './http.ts';
export type { PrometheusHost, ReceiveHeaders, ReceiveResult } from './prometheus/host.ts';
export { prometheusRootRoutes, prometheusRoutes } from './prometheus/routes.ts';
export { runbookRoutes } from './runbooks.ts';
export { uiRoutes } from './ui.ts';
