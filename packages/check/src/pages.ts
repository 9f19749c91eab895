import type { Check, Example } from './check.ts';
import { CHECKS } from './checks/index.ts';

/** The page of a check as Markdown. */
export function checkPage(check: Check): string {
  return `# ${check.name}

${check.finds} Severity: ${check.severity}. Works offline.

## Why

${check.why}

## Bad

${shown(check.bad)}
## Good

${shown(check.good)}
## How to disable it

On the line before (or at the end of the line), with the reason:

\`\`\`yaml
# belfry:disable ${check.name} why it is right here
\`\`\`

For a whole file \`# belfry:disable-file ${check.name} why\`; in Markdown \`<!-- belfry:disable ${check.name} why -->\`; for
files without comments, such as dashboards, in \`.belfry-check.yml\`:

\`\`\`yaml
disable:
  - check: ${check.name}
    path: dashboards/*.json
    reason: why it is right there
\`\`\`
`;
}

const LANGUAGES: Readonly<Record<string, string>> = {
  yml: 'yaml',
  yaml: 'yaml',
  json: 'json',
  md: 'markdown',
  txt: 'text',
};

function shown(example: Example): string {
  return Object.entries(example)
    .map(([name, text]) => {
      const language = LANGUAGES[name.split('.').at(-1)!] ?? '';
      const fence = text.includes('```') ? '````' : '```';
      return `\`${name}\`:\n\n${fence}${language}\n${text.trimEnd()}\n${fence}\n`;
    })
    .join('\n');
}

/** File names and texts of all pages, and of the list of them. */
export function checkPages(): readonly { readonly path: string; readonly text: string }[] {
  const rows = CHECKS.map((c) => `| [${c.name}](${c.name}.md) | ${c.severity} | ${c.finds.replaceAll('|', '\\|')} |`);
  const list = `# Checks

What \`belfry check [PATHS…]\` looks for. An error is truly wrong: it is refused, or can never do what it says. Warnings and
information are advice.

**It reads** rule files, \`prometheus.yml\`, \`alertmanager.yml\`, Grafana dashboards (also in the envelope of its API), Kubernetes
manifests (PrometheusRule, ServiceMonitor, PodMonitor, ConfigMap, Secret with \`stringData\`), the fenced blocks, tables and lists
of Markdown, OpenTelemetry Collector configurations, SLO files, dumps of \`/metrics\`, and packs (a \`pack.ts\`, or a directory with
one). Everything given is checked together, so that a rule is held against the scrape configuration and the routing.

**The catalogue**: what is known of metrics comes from packs, from dumps of \`/metrics\` (any file with \`# TYPE\` lines; with
\`--catalogue FILE\` nothing is told of the dump itself), and from the listings and tables of Markdown, in this order of trust.

**Output** with \`--format\`: \`text\`, \`json\`, \`github\`, \`sarif\`, \`junit\`. Exit code 1 from severity error up, 2 for misuse.
\`--fix\` repairs what can be repaired without changing what was meant.

**Disabling** takes a reason: \`# belfry:disable CHECK why\` before a rule (or at the end of its line), \`// belfry:disable CHECK why\`
in packs, \`<!-- belfry:disable CHECK why -->\` in Markdown, \`belfry:disable-file\` for a whole file, and \`.belfry-check.yml\` for
files without comments:

\`\`\`yaml
disable:
  - check: threshold-default
    path: dashboards/*.json # * stands for anything; without a path everywhere
    matching: reqps # a part of the message; optional
    reason: the colours are not used
\`\`\`

| check | severity | finds |
| ----- | -------- | ----- |
${rows.join('\n')}
`;
  return [{ path: 'README.md', text: list }, ...CHECKS.map((c) => ({ path: `${c.name}.md`, text: checkPage(c) }))];
}
