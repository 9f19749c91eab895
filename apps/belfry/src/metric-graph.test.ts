import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from './root.ts';

const dir = mkdtempSync(join(tmpdir(), 'belfry-graph-'));
afterAll(() => rmSync(dir, { recursive: true }));

function belfry(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'belfry'), args, { encoding: 'utf8', cwd: ROOT });
  return { status, text: stdout + stderr };
}
const metald = join(ROOT, 'packs/metald/pack.ts');
type Use = { kind: string; name: string; through: string[] };
const usesOf = (metric: string, ...paths: readonly string[]) =>
  (JSON.parse(belfry('graph', metric, ...paths, '--format', 'json').text) as { uses: Use[] }).uses;

describe('belfry graph', () => {
  it('follows a metric through what is recorded to objectives, scenarios and receivers', () => {
    const uses = usesOf('metald_errors_total', metald);
    const shown = uses.map((u) => [u.kind, u.name, ...u.through]);
    expect(shown).toContainEqual(['alert', 'HighErrorRate']);
    expect(shown).toContainEqual(['scenario', 'database-outage', 'HighErrorRate']);
    expect(shown).toContainEqual(['receiver', 'pagerduty', 'HighErrorRate']);
    const objective = usesOf('metald_billing_batches_sent_total', metald);
    expect(new Set(objective.map((u) => u.kind))).toEqual(
      new Set(['recording', 'alert', 'panel', 'slo', 'scenario', 'receiver']),
    );
    expect(objective.find((u) => u.kind === 'slo')!.through.length).toBeGreaterThan(0);
  });
  it('draws it, and names what is near', () => {
    const dot = belfry('graph', 'metald_errors_total', metald, '--format', 'dot').text;
    expect(dot).toContain('"metald_errors_total" -> "HighErrorRate";');
    expect(dot).toContain('"HighErrorRate" -> "pagerduty";');
    const wrong = belfry('graph', 'metald_error_total', metald);
    expect(wrong).toMatchObject({ status: 1, text: expect.stringContaining('did you mean metald_errors_total?') });
  });
  it('reads plain files, with their routes', () => {
    const plain = join(dir, 'plain');
    mkdirSync(plain);
    writeFileSync(
      join(plain, 'rules.yml'),
      'groups: [{name: a, rules: [{record: "a:x:sum", expr: sum(x_total)}, {alert: X, expr: "a:x:sum > 1", labels: {to: b}}]}]',
    );
    writeFileSync(
      join(plain, 'alertmanager.yml'),
      'route: {receiver: a, routes: [{matchers: [to="b"], receiver: b}]}\nreceivers: [{name: a}, {name: b}]',
    );
    expect(usesOf('x_total', plain).map((u) => [u.kind, u.name, ...u.through])).toEqual([
      ['recording', 'a:x:sum'],
      ['alert', 'X', 'a:x:sum'],
      ['receiver', 'b', 'a:x:sum', 'X'],
    ]);
  });
});

describe('belfry rename', () => {
  const pack = join(dir, 'pay-desk');
  const read = (path: string) => readFileSync(join(pack, path), 'utf8');
  it('shows lines in a dry run, and then changes them, after which the pack passes as before', () => {
    expect(belfry('init', pack)).toMatchObject({ status: 0 });
    const before = read('metrics.ts');
    const args = ['rename', 'pay_desk_request_duration_seconds', 'pay_desk_answer_seconds', join(pack, 'pack.ts')];
    const dry = belfry(...args, '--dry-run');
    expect(dry).toMatchObject({ status: 0 });
    expect(dry.text).toContain('Who is told');
    expect(dry.text).toContain("+    name: 'pay_desk_answer_seconds',");
    expect(dry.text).toContain('pay_desk_answer_seconds_bucket{job="pay-desk"');
    expect(read('metrics.ts')).toBe(before);
    expect(belfry(...args)).toMatchObject({ status: 0 });
    expect(read('metrics.ts')).toBe(before.replace('pay_desk_request_duration_seconds', 'pay_desk_answer_seconds'));
    expect(read('tests/alerts.yml')).not.toContain('request_duration');
    expect(belfry('check', join(pack, 'pack.ts'), '--format', 'json')).toEqual({ status: 0, text: '[]\n' });
    expect(belfry('build', join(pack, 'pack.ts'), '--out', join(pack, 'build'))).toMatchObject({ status: 0 });
    expect(belfry('test', 'rules', join(pack, 'tests/alerts.yml'))).toMatchObject({ status: 0 });
  });
  it('leaves code and longer names alone', () => {
    const source = read('metrics.ts');
    writeFileSync(
      join(pack, 'metrics.ts'),
      source.replace(
        '/** For queries',
        'export const pay_desk_requests_total = `a ${"pay_desk_requests_total"} pay_desk_requests_total_x`;\n/** For queries',
      ),
    );
    belfry('rename', 'pay_desk_requests_total', 'desk_requests_total', join(pack, 'pack.ts'));
    expect(read('metrics.ts')).toContain(
      'export const pay_desk_requests_total = `a ${"desk_requests_total"} pay_desk_requests_total_x`;',
    );
    expect(read('metrics.ts')).toContain("name: 'desk_requests_total'");
  });
  it.each([
    ['a name that is taken', ['metald_errors_total', 'metald_vm_operations_total'], /already/],
    ['a name that is none', ['metald_errors_total', '9'], /is not a name of a metric/],
    ['a name that is composed', ['unkey_metald_vm_boot_requests_total', 'boots_total'], /composes its name/],
  ])('refuses %s', (_, [from, to], message) => {
    const { status, text } = belfry('rename', from!, to!, metald, '--dry-run');
    expect(status).not.toBe(0);
    expect(text).toMatch(message);
  });
});
