import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskFiles } from '@belfry/config';
import { expect, test } from 'vitest';
import { runRuleTests } from './index.ts';

/** Templates whose text is to be the same from Go: with `$value` 1234567.891 and `$labels` job, instance and text. */
const TEMPLATES = [
  '{{ $value }} {{ $labels }} {{ $labels.job }} {{ .ExternalLabels }}',
  '{{ . }}',
  '{{ printf "%v %d %s %q %f %.2f %e %g %x %t %T %5.1f|%-8s|%08.3f|%+d" $value 42 "x" "q\\"" 1.5 2.345 12345.678 1e21 255 true $value 3.14159 "ab" -3.14159 7 }}',
  '{{ printf "%d %s %!" "x" 1 }} {{ printf "%d" }} {{ printf "x" 1 "y" }} {{ printf "%z" 1 }}',
  '{{ printf "%#v %#v %+v %v" "a" $labels $labels nil }} {{ printf "%6d|%-6d|%06d|%x|%X|%o|%b|%c|%U" 42 42 42 255 255 8 5 65 65 }}',
  '{{ print 1 2 "a" 3 "b" "c" 4.5 true nil }}|{{ println "x" 1 }}',
  '{{ len $labels.job }} {{ len $labels }} {{ index $labels "job" }} {{ slice "hello" 1 3 }} {{ index "abc" 1 }}',
  '{{ eq 1 1 }} {{ eq "a" "b" "a" }} {{ ne 1.5 1.5 }} {{ lt 1 2 }} {{ le "a" "a" }} {{ gt 2.5 1.5 }} {{ ge 1 2 }} {{ and 1 0 }} {{ or 0 "x" }} {{ not 1 }}',
  '{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ else }}none{{ end }}',
  '{{ range $i, $e := query "count by (job) (x)" }}{{ $i }}:{{ $e.Value }}:{{ $e.Labels.job }} {{ end }}',
  '{{ with $labels.none }}x{{ else }}no{{ end }} {{ with $x := $labels.job }}{{ $x }}{{ end }} {{ if and $labels.job (gt $value 1.0) }}big{{ else if true }}small{{ end }}',
  'a {{- " b " -}} c {{- /* comment */ -}} d',
  '{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" $value }}{{ template "t" }}{{ block "b" "x" }}[{{ . }}]{{ end }}',
  '{{ $x := 1 }}{{ range query "x" }}{{ $x = 2 }}{{ end }}{{ $x }}{{ range query "x" }}{{ break }}{{ end }}',
  '{{ humanize $value }} {{ humanize1024 $value }} {{ humanizeDuration $value }} {{ humanizePercentage 0.12345 }} {{ humanizeTimestamp $value }}',
  '{{ humanize 0.00012345 }} {{ humanize -1500.0 }} {{ humanizeDuration 0.0123 }} {{ humanizeDuration -3661.5 }} {{ humanize "12" }} {{ humanize1024 2048.0 }}',
  '{{ 1435065584.128 | humanizeTimestamp }} {{ (1435065584.128 | toTime).Format "Mon Jan _2 15:04:05.000 MST 2006 -0700 Z07:00 PM 3" }} {{ (toTime 0).Unix }} {{ (toTime 60).Add 5 }}',
  '{{ "foo.bar:80" | stripPort }} {{ "foo.bar:80" | stripDomain }} {{ "aa bb_cc-dd" | title }} {{ "ß" | toUpper }} {{ match "a+" "xay" }} {{ reReplaceAll "(a)(b)?" "<$1$2>" "abaXa" }}',
  '{{ graphLink "up{a=\\"b\\"}" }} {{ tableLink "a+b c" }} {{ parseDuration "1h30m" }} {{ args 1 "b" }}',
  '{{ html "<a href=\\"x\\">&\'" }} {{ js "it\'s <b>\\n" }} {{ urlquery "a b&c=d/é?" }} {{ "<b>" | safeHtml }}',
  '{{ query "x" | first | value }} {{ query "x" | first | label "job" }} {{ (query "x" | first).Labels }}',
  "{{ 1 }} {{ -1.5 }} {{ 0x1F }} {{ 1e3 }} {{ 1_000 }} {{ 'a' }} {{ 0b101 }} {{ 0o17 }} {{ 1.0 }} {{ 100000.0 }} {{ 1000000.0 }} {{ 123456789.0 }} {{ 0.0001 }} {{ 0.00001 }}",
  // Failures, whose words and places count too.
  '{{ $labels.a.b }}',
  '{{ $value.x }}',
  '{{ $value | toUpper }}',
  '{{ toUpper 1 }}',
  '{{ toUpper "a" "b" }}',
  '{{ eq 1 "a" }}',
  '{{ eq 1 }}',
  '{{ lt $labels $labels }}',
  '{{ index $labels 1 }}',
  '{{ slice "abc" 5 }}',
  '{{ len 3 }}',
  '{{ query "x" | first | label 1 }}',
  '{{ query "1 +" }}',
  '{{ range 1.5 }}{{ end }}',
  '{{ range true }}{{ end }}',
  '{{ template "nope" }}',
  '{{ humanize "one" }}',
  '{{ humanize $labels }}',
  '{{ humanizeTimestamp 1e300 }}',
  '{{ nil }}',
  '{{ 1 | 1 }}'.replace('| 1', '| print'),
  '{{ "a" "b" }}',
  '{{ ($labels.job).x }}',
  '{{ first (query "none") }}',
  '{{ (query "x").banana }}',
  'text\n  {{ $labels.a.b }}',
  'é{{ $labels.a.b }}',
  '{{ call $labels.job }}',
  '{{ parseDuration "x" }}',
  '{{ $labels.job.Foo 1 }}',
];

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** The annotations of a failed test, out of promtool's report. */
function annotationsOf(report: string): Record<string, string> {
  const line = report.split('\n').findLast((l) => l.includes('Annotations:{'))!;
  const found: Record<string, string> = {};
  for (const [, name, text] of line.matchAll(/(a\d+)=("(?:[^"\\]|\\.)*")/g)) {
    found[name!] = JSON.parse(
      text!
        .replace(/\\x([0-9a-f]{2})/g, '\\u00$1')
        .replaceAll('\\a', '\\u0007')
        .replaceAll('\\v', '\\u000b'),
    );
  }
  return found;
}

test.skipIf(!hasPromtool)(
  'templates give the text that Go gives (skipped where promtool is not installed)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'belfry-templates-'));
    try {
      const annotations = Object.fromEntries(TEMPLATES.map((text, i) => [`a${i}`, text]));
      const rules = { groups: [{ name: 'g', rules: [{ alert: 'A', expr: 'x > 1', annotations }] }] };
      writeFileSync(join(folder, 'rules.yml'), JSON.stringify(rules));
      const tests = {
        rule_files: ['rules.yml'],
        tests: [
          {
            interval: '1m',
            external_labels: { region: 'eu' },
            external_url: 'http://p',
            input_series: [{ series: 'x{job="api", instance="a:1", text="<b>"}', values: '1234567.891' }],
            alert_rule_test: [{ eval_time: '0m', alertname: 'A', exp_alerts: [] }],
          },
        ],
      };
      const file = join(folder, 'test.yml');
      writeFileSync(file, JSON.stringify(tests));
      const theirs = annotationsOf(spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' }).stderr);
      const report = await runRuleTests([file], { files: diskFiles });
      const failure = report.files[0]!.groups[0]!.failures[0]!;
      const ours = failure.kind === 'alert' ? failure.got[0]!.annotations : {};
      const differences = TEMPLATES.flatMap((text, i) =>
        ours[`a${i}`] === theirs[`a${i}`] ? [] : [{ text, ours: ours[`a${i}`], theirs: theirs[`a${i}`] }],
      );
      expect(differences).toEqual([]);
      expect(Object.keys(theirs)).toHaveLength(TEMPLATES.length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
