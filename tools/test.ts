/**
 * Everything that must hold, in the order in which it is cheapest to learn that it does not. Each step that is no test
 * suite counts as one test. Ends with `N passed, N failed`, and exits 1 when anything failed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ensurePeers } from './peers.ts';

const root = resolve(import.meta.dirname, '..');
const bin = (name: string) => join(root, 'node_modules/.bin', name);
const node = bin('node');
const ci = process.env.CI === 'true';
const scratch = mkdtempSync(join(tmpdir(), 'belfry-test-'));

let passed = 0;
let failed = 0;
let skipped = 0;

function verdict(name: string, ok: boolean, seconds?: number): void {
  if (ok) passed++;
  else failed++;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}${seconds === undefined ? '' : ` (${seconds.toFixed(1)} s)`}`);
}

function run(name: string, command: string, args: readonly string[]): boolean {
  const started = performance.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  verdict(name, status === 0, (performance.now() - started) / 1000);
  return status === 0;
}

interface SuiteReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/** A suite that cannot even be loaded has no failed test: it counts as one. */
function suite(name: string, args: readonly string[]): void {
  const file = join(scratch, `${name}.json`);
  const reporters = ['--silent=passed-only', '--reporter=dot', '--reporter=json', `--outputFile.json=${file}`];
  const { status } = spawnSync(bin('vitest'), ['run', ...args, ...reporters], { cwd: root, stdio: 'inherit' });
  let report: SuiteReport;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as SuiteReport;
  } catch {
    verdict(`${name}: no report`, false);
    return;
  }
  const unloadable = report.testResults.filter((r) => r.status === 'failed' && r.assertionResults.length === 0).length;
  passed += report.numPassedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  const failures = report.numFailedTests + unloadable;
  failed += failures === 0 && status !== 0 ? 1 : failures;
}

const missing = ensurePeers();
if (missing.length > 0) {
  console.log(`Not installed, so what they judge is skipped: ${missing.join(', ')}`);
  if (ci) verdict(`peers are installed (missing: ${missing.join(', ')})`, false);
}
if (!process.env.CONFORMANCE_DATA) {
  console.log('CONFORMANCE_DATA names no folder of conformance data, so the conformance suites are skipped');
  if (ci) verdict('conformance data is there', false);
}

run('format and lint', bin('biome'), ['ci', '--error-on-warnings', '.']);
run('types', bin('tsc'), ['-p', 'tsconfig.json']);
run('types of the pages', bin('tsc'), ['-p', 'apps/web/tsconfig.json']);
run('house rules', node, ['tools/house.ts']);
run('no dead code', bin('knip'), ['--no-progress']);
run('generated documents are fresh', node, ['tools/docs.ts', '--check']);
suite('unit', []);
suite('end-to-end', ['--config', 'vitest.e2e.config.ts']);

rmSync(scratch, { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
