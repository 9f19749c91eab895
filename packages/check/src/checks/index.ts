import type { Check } from '../check.ts';
import { absentNotCovered } from './absent-not-covered.ts';
import { absentWithoutFor } from './absent-without-for.ts';
import { alertFiresIdle } from './alert-fires-idle.ts';
import { alertLatch } from './alert-latch.ts';
import { alertNoCondition } from './alert-no-condition.ts';
import { alertNoRoute } from './alert-no-route.ts';
import { alertNoScenario } from './alert-no-scenario.ts';
import { annotationLabelAggregatedAway } from './annotation-label-aggregated-away.ts';
import { annotationMissing } from './annotation-missing.ts';
import { averageOfRatios } from './average-of-ratios.ts';
import { bucketNotExported } from './bucket-not-exported.ts';
import { bucketRangeVsUnit } from './bucket-range-vs-unit.ts';
import { cardinalityRisk } from './cardinality-risk.ts';
import { catalogueConflict } from './catalogue-conflict.ts';
import { catalogueNeverUsed } from './catalogue-never-used.ts';
import { clampDenominator } from './clamp-denominator.ts';
import { configSchema } from './config-schema.ts';
import { counterMissingTotal } from './counter-missing-total.ts';
import { counterNoRate } from './counter-no-rate.ts';
import { dashboardEditable } from './dashboard-editable.ts';
import { dashboardIncomplete } from './dashboard-incomplete.ts';
import { datasourceHardcoded } from './datasource-hardcoded.ts';
import { datasourceUidUnresolved } from './datasource-uid-unresolved.ts';
import { deprecatedField } from './deprecated-field.ts';
import { disableComment } from './disable-comment.ts';
import { divisionByZero } from './division-by-zero.ts';
import { documentedAlertMissing } from './documented-alert-missing.ts';
import { doublePrefix } from './double-prefix.ts';
import { duplicateRule } from './duplicate-rule.ts';
import { duplicateTarget } from './duplicate-target.ts';
import { duplicateUid } from './duplicate-uid.ts';
import { emptyRuleGroup } from './empty-rule-group.ts';
import { experimentalFunction } from './experimental-function.ts';
import { forShorterThanInterval } from './for-shorter-than-interval.ts';
import { fragileAlert } from './fragile-alert.ts';
import { gaugeNamedTotal } from './gauge-named-total.ts';
import { globAsProduct } from './glob-as-product.ts';
import { groupByMissingLabel } from './group-by-missing-label.ts';
import { groupIntervalShort } from './group-interval-short.ts';
import { groupbyUnknown } from './groupby-unknown.ts';
import { helpMissing } from './help-missing.ts';
import { histogramBaseName } from './histogram-base-name.ts';
import { impossibleComparison } from './impossible-comparison.ts';
import { impossibleMatcher } from './impossible-matcher.ts';
import { inhibitNever } from './inhibit-never.ts';
import { jobUnknown } from './job-unknown.ts';
import { labelConditional } from './label-conditional.ts';
import { labelConflictExternal } from './label-conflict-external.ts';
import { labelUnknown } from './label-unknown.ts';
import { labelValueUnknown } from './label-value-unknown.ts';
import { legendLabelAbsent } from './legend-label-absent.ts';
import { metricAlias } from './metric-alias.ts';
import { metricDeprecated } from './metric-deprecated.ts';
import { metricNeverEmitted } from './metric-never-emitted.ts';
import { metricUnknown } from './metric-unknown.ts';
import { mojibake } from './mojibake.ts';
import { nameInvalid } from './name-invalid.ts';
import { namePrefixInconsistent } from './name-prefix-inconsistent.ts';
import { nameRegexRate } from './name-regex-rate.ts';
import { panelDescriptionMissing } from './panel-description-missing.ts';
import { panelIncomplete } from './panel-incomplete.ts';
import { panelUnitMismatch } from './panel-unit-mismatch.ts';
import { parseError } from './parse-error.ts';
import { percentFormat } from './percent-format.ts';
import { placeholderSecret } from './placeholder-secret.ts';
import { precedenceSuspicious } from './precedence-suspicious.ts';
import { quantileLabelOnHistogram } from './quantile-label-on-histogram.ts';
import { quantileNoLe } from './quantile-no-le.ts';
import { quantileNoRate } from './quantile-no-rate.ts';
import { rateAfterAggregation } from './rate-after-aggregation.ts';
import { rateInterval } from './rate-interval.ts';
import { rateOnGauge } from './rate-on-gauge.ts';
import { rateOnRatioSuffix } from './rate-on-ratio-suffix.ts';
import { ratePresentedAsRatio } from './rate-presented-as-ratio.ts';
import { ratioSelfMatch } from './ratio-self-match.ts';
import { receiverEmpty } from './receiver-empty.ts';
import { receiverUnreachable } from './receiver-unreachable.ts';
import { recordingMissing } from './recording-missing.ts';
import { recordingName } from './recording-name.ts';
import { recordingNameVsAggregation } from './recording-name-vs-aggregation.ts';
import { recordingNoWindow } from './recording-no-window.ts';
import { recordingUnused } from './recording-unused.ts';
import { refreshFasterThanScrape } from './refresh-faster-than-scrape.ts';
import { regexpNeedless } from './regexp-needless.ts';
import { relabelDropsUsedMetric } from './relabel-drops-used-metric.ts';
import { routeContinueNoop } from './route-continue-noop.ts';
import { routeNoAlert } from './route-no-alert.ts';
import { routeShadowed } from './route-shadowed.ts';
import { ruleSchema } from './rule-schema.ts';
import { runbookDead } from './runbook-dead.ts';
import { runbookMissing } from './runbook-missing.ts';
import { scopeMissing } from './scope-missing.ts';
import { setOpLabelMismatch } from './set-op-label-mismatch.ts';
import { severityMissing } from './severity-missing.ts';
import { sliEmptyBeforeFirstEvent } from './sli-empty-before-first-event.ts';
import { sliWindowFixed } from './sli-window-fixed.ts';
import { sloNoAlert } from './slo-no-alert.ts';
import { sloNotRatio } from './slo-not-ratio.ts';
import { sloObjective } from './slo-objective.ts';
import { stalenessGap } from './staleness-gap.ts';
import { templateError } from './template-error.ts';
import { textDisagrees } from './text-disagrees.ts';
import { thresholdAboveTopBucket } from './threshold-above-top-bucket.ts';
import { thresholdBelowFirstBucket } from './threshold-below-first-bucket.ts';
import { thresholdConflictBetweenArtefacts } from './threshold-conflict-between-artefacts.ts';
import { thresholdDefault } from './threshold-default.ts';
import { thresholdInTextWithoutAlert } from './threshold-in-text-without-alert.ts';
import { thresholdInverted } from './threshold-inverted.ts';
import { titleTimeUnitMismatch } from './title-time-unit-mismatch.ts';
import { typeInName } from './type-in-name.ts';
import { unitSuffix } from './unit-suffix.ts';
import { unusedVariable } from './unused-variable.ts';
import { valueFormat } from './value-format.ts';
import { valueInLabels } from './value-in-labels.ts';
import { valueUnformatted } from './value-unformatted.ts';
import { variableEmpty } from './variable-empty.ts';
import { variableRefresh } from './variable-refresh.ts';
import { variableUndefined } from './variable-undefined.ts';
import { vectorMatchEmpty } from './vector-match-empty.ts';
import { windowShorterThan4Scrapes } from './window-shorter-than-4-scrapes.ts';
import { yamlSyntax } from './yaml-syntax.ts';

/** Every check, by name. */
export const CHECKS: readonly Check[] = [
  absentNotCovered,
  absentWithoutFor,
  alertFiresIdle,
  alertLatch,
  alertNoCondition,
  alertNoRoute,
  alertNoScenario,
  annotationLabelAggregatedAway,
  annotationMissing,
  averageOfRatios,
  bucketNotExported,
  bucketRangeVsUnit,
  cardinalityRisk,
  catalogueConflict,
  catalogueNeverUsed,
  clampDenominator,
  configSchema,
  counterMissingTotal,
  counterNoRate,
  dashboardEditable,
  dashboardIncomplete,
  datasourceHardcoded,
  datasourceUidUnresolved,
  deprecatedField,
  disableComment,
  divisionByZero,
  documentedAlertMissing,
  doublePrefix,
  duplicateRule,
  duplicateTarget,
  duplicateUid,
  emptyRuleGroup,
  experimentalFunction,
  forShorterThanInterval,
  fragileAlert,
  gaugeNamedTotal,
  globAsProduct,
  groupByMissingLabel,
  groupIntervalShort,
  groupbyUnknown,
  helpMissing,
  histogramBaseName,
  impossibleComparison,
  impossibleMatcher,
  inhibitNever,
  jobUnknown,
  labelConditional,
  labelConflictExternal,
  labelUnknown,
  labelValueUnknown,
  legendLabelAbsent,
  metricAlias,
  metricDeprecated,
  metricNeverEmitted,
  metricUnknown,
  mojibake,
  nameInvalid,
  namePrefixInconsistent,
  nameRegexRate,
  panelDescriptionMissing,
  panelIncomplete,
  panelUnitMismatch,
  parseError,
  percentFormat,
  placeholderSecret,
  precedenceSuspicious,
  quantileLabelOnHistogram,
  quantileNoLe,
  quantileNoRate,
  rateAfterAggregation,
  rateInterval,
  rateOnGauge,
  rateOnRatioSuffix,
  ratePresentedAsRatio,
  ratioSelfMatch,
  receiverEmpty,
  receiverUnreachable,
  recordingMissing,
  recordingNameVsAggregation,
  recordingName,
  recordingNoWindow,
  recordingUnused,
  refreshFasterThanScrape,
  regexpNeedless,
  relabelDropsUsedMetric,
  routeContinueNoop,
  routeNoAlert,
  routeShadowed,
  ruleSchema,
  runbookDead,
  runbookMissing,
  scopeMissing,
  setOpLabelMismatch,
  severityMissing,
  sliEmptyBeforeFirstEvent,
  sliWindowFixed,
  sloNoAlert,
  sloNotRatio,
  sloObjective,
  stalenessGap,
  templateError,
  textDisagrees,
  thresholdAboveTopBucket,
  thresholdBelowFirstBucket,
  thresholdConflictBetweenArtefacts,
  thresholdDefault,
  thresholdInTextWithoutAlert,
  thresholdInverted,
  titleTimeUnitMismatch,
  typeInName,
  unitSuffix,
  unusedVariable,
  valueFormat,
  valueInLabels,
  valueUnformatted,
  variableEmpty,
  variableRefresh,
  variableUndefined,
  vectorMatchEmpty,
  windowShorterThan4Scrapes,
  yamlSyntax,
];
