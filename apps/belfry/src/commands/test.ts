import { readFileSync } from 'node:fs';
import { runRouteTestFile, showSent } from '@belfry/alerting';
import { diskFiles } from '@belfry/config';
import { BelfryError, messageOf, systemClock } from '@belfry/model';
import { runPromqlTest } from '@belfry/promql';
import { formatRuleTests, ruleTestsJson, ruleTestsJunit, runRuleTests } from '@belfry/rules';
import pc from 'picocolors';

/** Runs Prometheus' promqltest scripts. Exit code 1 when an evaluation fails. */
export async function testPromql(files: readonly string[]): Promise<void> {
  let evals = 0;
  let failed = 0;
  for (const file of files) {
    const result = await runPromqlTest(read(file), { clock: systemClock });
    evals += result.evals;
    failed += result.failures.length;
    for (const { line, message } of result.failures) console.log(`${pc.red('FAIL')} ${file}:${line}: ${message}`);
  }
  console.log(`${evals - failed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

/** Runs promtool's unit tests of rules, with its exit codes. */
export async function testRules(
  files: readonly string[],
  options: {
    readonly format: string;
    readonly coverage?: boolean;
    readonly run?: string;
    readonly enableFeature?: string;
  },
): Promise<void> {
  const report = await runRuleTests(files, {
    files: diskFiles,
    clock: systemClock,
    ...(options.enableFeature ? { features: new Set(options.enableFeature.split(',')) } : {}),
    ...(options.run ? { run: new RegExp(options.run) } : {}),
  });
  if (options.format === 'json') console.log(ruleTestsJson(report));
  else if (options.format === 'junit') console.log(ruleTestsJunit(report));
  else if (options.format === 'text') console.log(formatRuleTests(report, { coverage: options.coverage ?? false }));
  else throw new BelfryError('usage', `--format is text, json or junit, not ${options.format}`);
  if (!report.ok) process.exitCode = 1;
}

/** Runs tests of alert routing on virtual time. Exit code 1 when one fails. */
export async function testRoutes(files: readonly string[]): Promise<void> {
  let passed = 0;
  let failed = 0;
  for (const file of files) {
    const report = await runRouteTestFile(file);
    for (const { name, ok, problems, sent } of report.results) {
      console.log(`${ok ? pc.green('ok  ') : pc.red('FAIL')} ${file}: ${name}`);
      if (ok) passed++;
      else failed++;
      if (ok) continue;
      for (const problem of problems) console.log(`     ${problem.located}`);
      if (sent.length > 0) console.log('     What was told:');
      for (const notification of sent) console.log(`       ${showSent(notification)}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}
