export type { PostableAlert, RefusedAlert } from './admission.ts';
export { type Alert, NO_TIME } from './alert.ts';
export {
  type Alertmanager,
  type AlertmanagerLimits,
  type AlertmanagerOptions,
  type AlertmanagerStatus,
  createAlertmanager,
} from './alertmanager.ts';
export { loadAlertsFile } from './alerts-file.ts';
export { type ConfigFileCheck, checkConfigFile } from './check-file.ts';
export { type AlertmanagerConfig, type ConfigResult, checkConfig, loadConfig, loadConfigFile } from './config.ts';
export type { IntegrationConfig, ReceiverConfig } from './config-resolve.ts';
export { DEFAULT_TEMPLATES } from './default-templates.ts';
export type { GroupView } from './dispatcher.ts';
export type { AlertingEvent, AlertingLogger } from './events.ts';
export { fingerprintOf } from './fingerprint.ts';
export type { IntervalVerdict } from './flush.ts';
export type { HeartbeatConfig, HeartbeatStatus, Heartbeats } from './heartbeat.ts';
export { loadHeartbeatsFile } from './heartbeat-file.ts';
export type { InFlight } from './history.ts';
export type { InhibitionVerdict, InhibitRule } from './inhibitor.ts';
export type { AttemptResult, Integration, SentPayload } from './integration.ts';
export { formatAlertMatcher, formatAlertMatchers, parseMatcher, parseMatchers } from './matchers.ts';
export type { MetricFamily, MetricSample } from './metrics.ts';
export type { NotificationQuery, NotificationRecord, RecordedAlert, StoredNotification } from './provenance.ts';
export type { AlertGroup, AlertQuery, GettableAlert, GettableSilence } from './queries.ts';
export { buildRoute, matchRoutes, type Route, type RouteConfig, walkRoutes } from './route.ts';
export {
  type AlertOutlook,
  type RouteTest,
  type RouteTestEvent,
  type RouteTestExpectation,
  type RouteTestProblem,
  type RouteTestResult,
  runRouteTest,
  type SentNotification,
  showSent,
} from './route-test.ts';
export { type RouteTestReport, runRouteTestFile } from './route-test-file.ts';
export { routeTestText } from './route-test-text.ts';
export type { Silence, SilenceRequest, SilenceState } from './silences.ts';
export type { DeliveryAttempt } from './stage-send.ts';
export { formatApiTime, formatTime, parseTime } from './time.ts';
export { intervalContains, type TimeInterval } from './time-interval.ts';
export type { Preview } from './try-out.ts';
export type { RouteOutlook, RouteStep, WhyReport } from './why.ts';
