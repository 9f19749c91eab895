export type { AlertStateName, AlertTransition, RuleAlert, TransitionReason } from './alert-state.ts';
export { RESOLVED_RETENTION_MS } from './alert-state.ts';
export {
  type AlertCoverage,
  type CoverageReport,
  type CoveredState,
  type RecordingCoverage,
  type TemplateCoverage,
  uncovered,
} from './coverage.ts';
export { engineQuery } from './engine-query.ts';
export {
  ALERT_NAME,
  ALERT_STATE,
  ALERTS,
  ALERTS_FOR_STATE,
  ALERTS_KEEP_FIRING_SINCE,
  ALERTS_KEEP_FIRING_VALUE,
} from './evaluate-alerting.ts';
export type { Evidence, EvidenceSample } from './explain.ts';
export {
  createRuleManager,
  DEFAULT_RULE_LIMITS,
  type RuleLimits,
  type RuleManager,
  type RuleManagerOptions,
  type RuleSettings,
} from './manager.ts';
export {
  type AlertmanagerStatus,
  createNotifier,
  DEFAULT_BATCH_SIZE,
  DEFAULT_QUEUE_CAPACITY,
  type Notifier,
  type NotifierOptions,
  type NotifierSettings,
} from './notifier.ts';
export { firstThen, type RemoteQueryOptions, remoteQuery, remoteRestoreSource } from './remote-query.ts';
export type { RestoreSource } from './restore.ts';
export * from './rule-file.ts';
export type { AlertingState, GroupCounters, GroupState, RecordingState, RuleHealth, RuleState } from './rule-state.ts';
export type {
  AlertingRuleView,
  AlertsData,
  AlertView,
  RecordingRuleView,
  RuleGroupView,
  RulesData,
  RulesFilter,
} from './rules-view.ts';
export type { RuleQuery, VectorSample } from './sample.ts';
export {
  type RuleTestFailure,
  type RuleTestFileResult,
  type RuleTestGroupResult,
  type RuleTestOptions,
  type RuleTestReport,
  runRuleTests,
} from './unit-test.ts';
export type { TestedAlert, TestedSample } from './unit-test-diff.ts';
export type { TestFiles } from './unit-test-file.ts';
export { formatRuleTests, ruleTestsJson, ruleTestsJunit } from './unit-test-report.ts';
