import { relabeller } from '@belfry/config';
import {
  isLegacyLabelName,
  isLegacyMetricName,
  isValidName,
  type Labels,
  labelsWith,
  labelValue,
  METRIC_NAME,
} from '@belfry/model';
import type { IngestTarget } from './ingest-contract.ts';

/** From the labels that a target exposes to those that are stored; nothing when relabelling drops the series. */
export type SampleLabels = (exposed: Labels, emptyNames: readonly string[]) => Labels | undefined;

/**
 * Adds the target's labels to exposed ones, then relabels. Where both have a label, the exposed one is kept as
 * `exported_…`, or wins when labels are honoured.
 */
export function sampleLabels(target: IngestTarget): SampleLabels {
  const { config, labels: own } = target;
  const relabel = relabeller(config.metricRelabelConfigs, config.nameValidation);
  if (config.honorLabels) return (exposed, emptyNames) => relabel(honouring(exposed, emptyNames, own));
  return (exposed) => relabel(overriding(exposed, own));
}

function honouring(exposed: Labels, emptyNames: readonly string[], own: Labels): Labels {
  let out = exposed;
  for (let i = 0; i < own.length; i += 2) {
    const name = own[i]!;
    if (labelValue(exposed, name) === '' && !emptyNames.includes(name)) out = labelsWith(out, name, own[i + 1]!);
  }
  return out;
}

function overriding(exposed: Labels, own: Labels): Labels {
  let out = exposed;
  const displaced: (readonly [string, string])[] = [];
  for (let i = 0; i < own.length; i += 2) {
    const name = own[i]!;
    const was = labelValue(exposed, name);
    if (was !== '') displaced.push([name, was]);
    out = labelsWith(out, name, own[i + 1]!);
  }
  // Shorter names first, so that an exposed `exported_job` finds its place behind that of `job`.
  for (const [name, value] of displaced.sort((a, b) => a[0].length - b[0].length)) {
    let free = `exported_${name}`;
    while (labelValue(out, free) !== '') free = `exported_${free}`;
    out = labelsWith(out, free, value);
  }
  return out;
}

/** What is wrong with a series that is to be stored, if anything. */
export function labelFault(labels: Labels, target: IngestTarget): string | undefined {
  const { config } = target;
  const metric = labelValue(labels, METRIC_NAME);
  if (metric === '') return 'missing metric name (__name__ label)';
  const legacy = config.nameValidation === 'legacy';
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    const fine = legacy ? isLegacyLabelName(name) : isValidName(name);
    if (!fine || (name === METRIC_NAME && legacy && !isLegacyMetricName(metric))) {
      return `invalid metric name or label names: ${metric}`;
    }
  }
  return limitFault(labels, metric, config);
}

function limitFault(labels: Labels, metric: string, config: IngestTarget['config']): string | undefined {
  const { labelLimit, labelNameLengthLimit, labelValueLengthLimit } = config;
  const count = labels.length / 2;
  const cut = (text: string) => text.slice(0, 50);
  if (labelLimit > 0 && count > labelLimit) {
    return `label_limit exceeded (metric: ${cut(metric)}, number of labels: ${count}, limit: ${labelLimit})`;
  }
  if (labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return undefined;
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    const nameLength = Buffer.byteLength(name);
    if (labelNameLengthLimit > 0 && nameLength > labelNameLengthLimit) {
      return `label_name_length_limit exceeded (metric: ${cut(metric)}, label name: ${cut(name)}, length: ${nameLength}, limit: ${labelNameLengthLimit})`;
    }
    const valueLength = Buffer.byteLength(labels[i + 1]!);
    if (labelValueLengthLimit > 0 && valueLength > labelValueLengthLimit) {
      return `label_value_length_limit exceeded (metric: ${cut(metric)}, label name: ${cut(name)}, value: ${JSON.stringify(cut(labels[i + 1]!))}, length: ${valueLength}, limit: ${labelValueLengthLimit})`;
    }
  }
  return undefined;
}
