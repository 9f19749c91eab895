/** What a pack holds, for readers: metrics, alerts, objectives, runbooks. */
import type { GeneratedFile } from './build.ts';
import { runbookFiles } from './build-rules.ts';
import { type AnyMetric, type Label, type LabelSet, metricsOf, plainLabel } from './catalogue.ts';
import { alertsOf, type Pack } from './pack.ts';

export function docsFiles(packs: readonly Pack[]): readonly GeneratedFile[] {
  const files = packs.flatMap((pack) => [
    { path: `${pack.name}/metrics.md`, text: metricsPage(pack) },
    { path: `${pack.name}/alerts.md`, text: alertsPage(pack) },
    ...(pack.slos.length > 0 ? [{ path: `${pack.name}/slos.md`, text: slosPage(pack) }] : []),
    ...runbookFiles(pack).map((f) => ({ ...f, path: f.path.replace(/^runbooks\/([^/]+)\//, '$1/runbooks/') })),
  ]);
  return [{ path: 'README.md', text: index(packs) }, ...files].map(({ path, text }) => ({
    path: `docs/${path}`,
    text,
  }));
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

function index(packs: readonly Pack[]): string {
  const parts = packs.map((p) => {
    const slos = p.slos.length > 0 ? `, [objectives](${p.name}/slos.md)` : '';
    return `- ${p.title}: [metrics](${p.name}/metrics.md), [alerts](${p.name}/alerts.md)${slos}`;
  });
  return `# Monitoring\n\n${parts.join('\n')}\n`;
}

function metricsPage(pack: Pack): string {
  const sections = pack.catalogues.map((catalogue) => {
    const rows = metricsOf(catalogue).map((m) => [`\`${m.name}\``, m.kind, m.unit, labelsText(m), helpText(m)]);
    return `## ${catalogue.job}\n\n${table(['metric', 'type', 'unit', 'labels', 'meaning'], rows)}\n`;
  });
  return `# Metrics of ${pack.title}\n\n${sections.join('\n')}`;
}

function labelsText(metric: AnyMetric): string {
  return Object.entries(metric.labels as LabelSet)
    .map(([name, label]) => `\`${name}\` (${labelText(label)})`)
    .join(', ');
}

function labelText(label: Label): string {
  const plain = plainLabel(label);
  const values = plain.kind === 'closed' ? plain.values.join(', ') : plain.meaning;
  return label.kind === 'conditional' ? `${values}; only ${label.when}` : values;
}

function helpText(metric: AnyMetric): string {
  const old = metric.deprecated;
  if (old) return `${metric.help} Deprecated: ${old.reason}${old.renamedTo ? ` Now \`${old.renamedTo}\`.` : ''}`;
  return metric.stability === 'experimental' ? `${metric.help} Experimental.` : metric.help;
}

function alertsPage(pack: Pack): string {
  const sections = alertsOf(pack).map((alert) => {
    const { severity = 'none', ...others } = alert.labels;
    const rows = Object.entries(others).map(([name, value]) => `${name} \`${value}\``);
    const facts = [`severity ${severity}`, `after ${alert.for}`, ...rows].join(', ');
    const runbook = alert.runbook ? `\n[Runbook](runbooks/${alert.runbook}.md)\n` : '';
    const says = alert.annotations.description ?? alert.annotations.summary ?? '';
    return `## ${alert.name}\n\n${facts}\n\n${says}\n\n\`\`\`promql\n${alert.query.text}\n\`\`\`\n${runbook}`;
  });
  return `# Alerts of ${pack.title}\n\n${sections.join('\n')}`;
}

function slosPage(pack: Pack): string {
  const rows = pack.slos.map((s) => [
    s.title,
    `${Number((s.objective * 100).toPrecision(6))} %`,
    s.window,
    s.team ?? '',
    s.runbook ? `[${s.runbook}](runbooks/${s.runbook}.md)` : '',
  ]);
  return `# Objectives of ${pack.title}\n\n${table(['objective', 'good events', 'within', 'team', 'runbook'], rows)}\n`;
}
