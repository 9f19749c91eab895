import { CHECKS } from './checks/index.ts';
import { type Problem, type Severity, urlOf } from './problem.ts';

const LEVEL: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' };

/** SARIF 2.1.0 (OASIS), as code scanning services read it. */
export function reportSarif(problems: readonly Problem[]): string {
  const used = [...new Set(problems.map((p) => p.check))].sort();
  const rules = used.map((name) => {
    const check = CHECKS.find((c) => c.name === name);
    return {
      id: name,
      shortDescription: { text: check?.finds ?? name },
      help: { text: check?.why ?? name },
      properties: { page: urlOf(name) },
    };
  });
  const results = problems.map((p) => ({
    ruleId: p.check,
    ruleIndex: used.indexOf(p.check),
    level: LEVEL[p.severity],
    message: { text: p.suggestion ? `${p.message}\n${p.suggestion}` : p.message },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: p.path.split('/').map(encodeURIComponent).join('/') },
          region: { startLine: p.line, startColumn: p.column, endLine: p.endLine, endColumn: p.endColumn },
        },
      },
    ],
  }));
  const run = { tool: { driver: { name: 'belfry check', rules } }, columnKind: 'utf16CodeUnits', results };
  const log = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] };
  return `${JSON.stringify(log, null, 2)}\n`;
}
