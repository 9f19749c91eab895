/** What a registry of prom-client holds, as a scrape's answer: the text format, or OpenMetrics 1.0 for who asks for it. */
import { formatFloat } from '@belfry/model';
import type { InstrumentRegistry } from '@belfry/sdk/instruments';

export const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
export const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** OpenMetrics when `accept` names it. */
export function chooseFormat(accept: string | undefined): typeof TEXT | typeof OPENMETRICS {
  return accept?.includes('application/openmetrics-text') ? OPENMETRICS : TEXT;
}

/** The whole exposition, made at once: either all of it or none. */
export async function expose(registry: InstrumentRegistry, format: typeof TEXT | typeof OPENMETRICS): Promise<string> {
  const open = format === OPENMETRICS;
  let text = '';
  for (const { name, help, type, values } of await registry.getMetricsAsJSON()) {
    const counter = String(type) === 'counter';
    const family = open && counter ? name.replace(/_total$/, '') : name;
    text += `# HELP ${family} ${escapeHelp(help, open)}\n# TYPE ${family} ${String(type)}\n`;
    for (const sample of values as readonly Sample[]) {
      text += `${sampleName(sample.metricName ?? name, open && counter)}${formatSampleLabels(sample.labels)} ${formatFloat(sample.value)}\n`;
    }
  }
  return open ? `${text}# EOF\n` : text;
}

interface Sample {
  readonly value: number;
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
}

function sampleName(name: string, needsTotal: boolean): string {
  return needsTotal && !name.endsWith('_total') ? `${name}_total` : name;
}

function formatSampleLabels(labels: Sample['labels']): string {
  let inner = '';
  for (const name in labels) {
    const value = labels[name];
    if (value === undefined) continue;
    inner += `${inner === '' ? '' : ','}${name}="${escapeValue(String(value))}"`;
  }
  return inner === '' ? '' : `{${inner}}`;
}

function escapeValue(value: string): string {
  return /[\\"\n]/.test(value) ? value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n') : value;
}

function escapeHelp(help: string, quotes: boolean): string {
  const text = help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  return quotes ? text.replace(/"/g, '\\"') : text;
}
