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

What \`belfry check\` looks for. An error is truly wrong; warnings and information are advice.

| check | severity | finds |
| ----- | -------- | ----- |
${rows.join('\n')}
`;
  return [{ path: 'README.md', text: list }, ...CHECKS.map((c) => ({ path: `${c.name}.md`, text: checkPage(c) }))];
}
