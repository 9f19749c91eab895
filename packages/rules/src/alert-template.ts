import type { Clock, FloatHistogram, Labels } from '@belfry/model';
import { BelfryError, messageOf } from '@belfry/model';
import { formatHistogram, formatParseError } from '@belfry/promql';
import {
  ALERT_PREAMBLE,
  alertTemplateData,
  PROMETHEUS_FUNCTIONS,
  type PreparedTemplate,
  type PrometheusHost,
  parseTemplates,
} from '@belfry/template';
import type { RuleQuery } from './sample.ts';

const FUNCTIONS = parseTemplates<PrometheusHost>([], PROMETHEUS_FUNCTIONS);
/** More text than this in one label or annotation is an error. */
const MAX_TEMPLATE_OUTPUT_BYTES = 1024 * 1024;

/** A label's or annotation's text, parsed. Texts without actions are themselves. */
export interface AlertTemplate {
  readonly text: string;
  readonly name: string;
  readonly prepared: PreparedTemplate<PrometheusHost> | undefined;
}

/** @throws BelfryError `template_failed`, in Prometheus' words: the place counts the preamble that it puts before the text. */
export function prepareAlertTemplate(alert: string, text: string): AlertTemplate {
  const name = `__alert_${alert}`;
  const prepared = text.includes('{{') ? FUNCTIONS.prepare(ALERT_PREAMBLE + text, name) : undefined;
  return { text, name, prepared };
}

/** What templates of one evaluation have in common. */
export interface TemplateWorld {
  readonly query: RuleQuery;
  readonly timeMs: number;
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
}

export interface Expanded {
  readonly text: string;
  /** What went wrong; the text then says so, too. */
  readonly error?: string;
}

/** The expansion for one element of the result. A failing template gives a text that tells the failure, as in Prometheus. */
export async function expandAlertTemplate(
  template: AlertTemplate,
  labels: Labels,
  value: number | FloatHistogram,
  world: TemplateWorld,
): Promise<Expanded> {
  if (!template.prepared) return { text: template.text };
  const shown = typeof value === 'number' ? value : formatHistogram(value);
  const data = alertTemplateData(labels, world.externalLabels, world.externalUrl, shown);
  try {
    const text = await template.prepared.render(data, {
      host: hostOf(world),
      clock: world.clock,
      maxOutputBytes: MAX_TEMPLATE_OUTPUT_BYTES,
      ...(world.signal ? { signal: world.signal } : {}),
    });
    return { text };
  } catch (error) {
    if (world.signal?.aborted) throw world.signal.reason;
    const message = `error executing template ${template.name}: ${messageOf(error)}`;
    return { text: `<error expanding template: ${message}>`, error: message };
  }
}

function hostOf(world: TemplateWorld): PrometheusHost {
  return {
    timeMs: world.timeMs,
    externalUrl: world.externalUrl,
    query: async (expr, signal) => {
      const samples = await world.query(expr, world.timeMs, signal).catch((error: unknown) => {
        if (!(error instanceof BelfryError)) throw error;
        throw new Error(error.code === 'query_syntax' ? formatParseError(error, expr) : error.message);
      });
      return samples.map(({ labels, value, histogram }) => ({
        labels,
        value: histogram ? formatHistogram(histogram) : value,
      }));
    },
  };
}
