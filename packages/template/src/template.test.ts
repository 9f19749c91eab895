import { labelsFrom, VirtualClock } from '@belfry/model';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ALERT_PREAMBLE,
  ALERTMANAGER_FUNCTIONS,
  alertTemplateData,
  CONSOLE_FUNCTIONS,
  formatGoFloat,
  goTimeFromMs,
  notificationTemplateData,
  parseTemplates,
  type RenderOptions,
  sprintf,
  type TemplateSample,
  templateFault,
} from './index.ts';

const clock = new VirtualClock(Date.UTC(2024, 0, 15, 12, 0, 0));
const plain = (text: string, data?: unknown, options: Partial<RenderOptions<unknown>> = {}) =>
  parseTemplates([], ALERTMANAGER_FUNCTIONS).renderSync({ text, as: 'test' }, data, {
    host: undefined,
    clock,
    ...options,
  });
const failure = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
};

describe('the language', () => {
  test.each([
    ['plain', undefined, 'plain'],
    [
      '{{ 1 }} {{ 1.0 }} {{ 0x10 }} {{ 1_000 }} {{ 1e3 }} {{ \'a\' }} {{ "q\\n\\x41" }} {{ `raw\\n` }}',
      undefined,
      '1 1 16 1000 1000 97 q\nA raw\\n',
    ],
    ['a {{- /* comment */ -}} b', undefined, 'ab'],
    ['a {{- 1 -}} b {{ -1 }}', undefined, 'a1b -1'],
    ['{{ .Foo }}', undefined, '<no value>'],
    ['{{ .Foo }}', {}, '<no value>'],
    ['{{ .a.b }}', { a: { b: 'x' } }, 'x'],
    ['{{ if .x }}yes{{ else if .y }}maybe{{ else }}no{{ end }}', { y: true }, 'maybe'],
    ['{{ with .x }}{{ . }}{{ else with .y }}{{ . }}{{ else }}none{{ end }}', { y: 'Y' }, 'Y'],
    ['{{ range $i, $e := .xs }}{{ $i }}={{ $e }};{{ else }}empty{{ end }}', { xs: ['a', 'b'] }, '0=a;1=b;'],
    ['{{ range .xs }}x{{ else }}empty{{ end }}', { xs: [] }, 'empty'],
    ['{{ range $k, $v := . }}{{ $k }}:{{ $v }} {{ end }}', { b: 2n, a: 1n }, 'a:1 b:2 '],
    ['{{ range 3 }}{{ . }}{{ end }}', undefined, '012'],
    [
      '{{ range . }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ if eq . 4 }}{{ break }}{{ end }}{{ . }}{{ end }}',
      [1n, 2n, 3n, 4n, 5n],
      '13',
    ],
    ['{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ $y }}{{ end }}{{ $x }}', undefined, '32'],
    ['{{ define "t" }}<{{ . }}>{{ end }}{{ template "t" "x" }}{{ template "t" }}', undefined, '<x><<no value>>'],
    ['{{ block "b" .v }}[{{ . }}]{{ end }}', { v: 1n }, '[1]'],
    ['{{ $ := 5 }}{{ $ }}', undefined, '5'],
    ['{{ range .xs }}{{ $.sep }}{{ . }}{{ end }}', { xs: ['a'], sep: '-' }, '-a'],
    [
      '{{ (index .m "k").n }} {{ index .l 1 }} {{ slice "hello" 1 3 }} {{ len "héé" }}',
      { m: { k: { n: 'N' } }, l: ['a', 'b'] },
      'N b el 5',
    ],
    ['{{ and 1 0 2 }} {{ or 0 "" "x" }} {{ not 0 }} {{ and true (index .l 0) }}', { l: ['z'] }, '0 x true z'],
    ['{{ or true (index .nothing 1) }}', {}, 'true'],
    [
      '{{ eq 1 2 1 }} {{ ne "a" "b" }} {{ lt 1 2 }} {{ le 2.5 2.5 }} {{ gt "b" "a" }} {{ ge 1 2 }}',
      undefined,
      'true true true true true false',
    ],
    ['{{ print 1 2 "a" 3 "b" "c" nil }} {{ println "x" 1 }}', undefined, '1 2a3b c<nil> x 1\n'.replace('b c', 'bc')],
    [
      '{{ html "<a&\'\\">" }} {{ js "it\'s <b>" }} {{ urlquery "a b&c/é" }}',
      undefined,
      "&lt;a&amp;&#39;&#34;&gt; it\\'s \\u003Cb\\u003E a+b%26c%2F%C3%A9",
    ],
    ['{{ "quoted" | printf "%q %s" "x" }}', undefined, '"x" quoted'],
    ['{{ printf "%v %v %v" 1.5 .m .l }}', { m: { b: 1n, a: 'x' }, l: [1n, 'y', null] }, '1.5 map[a:x b:1] [1 y <nil>]'],
    ['{{ true | printf "%t" | len }}', undefined, '4'],
    ['{{ . }}', 1e6, '1e+06'],
    ['{{ . }}', 123456, '123456'],
    ['{{ . }}', 1234567, '1.234567e+06'],
    ['{{ . }}', 0.00001, '1e-05'],
    ['{{ . }}', [Infinity, -Infinity, NaN, -0], '[+Inf -Inf NaN -0]'],
    ['{{ call .f 1 2 }}', { f: undefined }, 'error'],
    ['{{ if and .a (eq .a.b "x") }}1{{ else }}2{{ end }}', { a: null }, '2'],
  ])('%s', (text, data, expected) => {
    if (expected === 'error') expect(() => plain(text, data)).toThrow();
    else expect(plain(text, data)).toBe(expected);
  });

  test.each([
    ['{{', undefined, 'template: test:1: unclosed action'],
    ['a\n{{ .x', undefined, 'template: test:2: unclosed action'],
    ['{{ \u00a0}}', undefined, 'template: test:1: unrecognized character in action: U+00A0'],
    ['{{ foo }}', undefined, 'template: test:1: function "foo" not defined'],
    ['{{ $x }}', undefined, 'template: test:1: undefined variable "$x"'],
    ['{{ if }}x{{ end }}', undefined, 'template: test:1: missing value for if'],
    ['{{ if 1 }}x', undefined, 'template: test:1: unexpected EOF'],
    ['{{ end }}', undefined, 'template: test:1: unexpected {{end}}'],
    ['{{ break }}', undefined, 'template: test:1: {{break}} outside {{range}}'],
    ['{{ "a }}', undefined, 'template: test:1: unterminated quoted string'],
    ['{{ .x | 3 }}', undefined, 'template: test:1: non executable command in pipeline stage 2'],
    ['{{ (1 }}', undefined, 'template: test:1: unclosed left paren'],
    ['{{ 1) }}', undefined, 'template: test:1: unexpected right paren'],
    ['{{/* x }}', undefined, 'template: test:1: unclosed comment'],
    ['{{ $a, $b := 1 }}', undefined, 'template: test:1: too many declarations in command'],
    ['{{ 1 2 }}', undefined, 'template: test:1:3: executing "test" at <1>: can\'t give argument to non-function 1'],
    ['{{ nil }}', undefined, 'template: test:1:3: executing "test" at <nil>: nil is not a command'],
    [
      '{{ template "x" }}',
      undefined,
      'template: test:1:12: executing "test" at <{{template "x"}}>: template "x" not defined',
    ],
    [
      '{{ .a.b }}',
      { a: 'x' },
      'template: test:1:5: executing "test" at <.a.b>: can\'t evaluate field b in type string',
    ],
    ['{{ .a.b.c }}', {}, 'template: test:1:5: executing "test" at <.a.b.c>: nil pointer evaluating interface {}.b'],
    ['{{ toUpper 1 }}', undefined, 'template: test:1:11: executing "test" at <1>: expected string; found 1'],
    [
      '{{ .x | toUpper }}',
      { x: 1.5 },
      'template: test:1:8: executing "test" at <toUpper>: wrong type for value; expected string; got float64',
    ],
    [
      '{{ toUpper "a" "b" }}',
      undefined,
      'template: test:1:3: executing "test" at <toUpper>: wrong number of args for toUpper: want 1 got 2',
    ],
    [
      'é{{ eq 1 "a" }}',
      undefined,
      'template: test:1:5: executing "test" at <eq 1 "a">: error calling eq: incompatible types for comparison',
    ],
    [
      '{{ index .l 9 }}',
      { l: [] },
      'template: test:1:3: executing "test" at <index .l 9>: error calling index: index out of range: 9',
    ],
    [
      '{{ range 1.5 }}{{ end }}',
      undefined,
      'template: test:1:9: executing "test" at <1.5>: range can\'t iterate over 1.5',
    ],
    [
      '{{ match "(" "x" }}',
      undefined,
      'template: test:1:3: executing "test" at <match "(" "x">: error calling match: error parsing regexp: missing closing ): `(`',
    ],
    [
      '{{ define "a" }}x{{ end }}{{ define "a" }}y{{ end }}',
      undefined,
      'template: test:1: template: multiple definition of template "a"',
    ],
  ])("%s fails in Go's words", (text, data, expected) => {
    expect(failure(() => plain(text, data))).toBe(expected);
  });

  test('the place of a fault is data, too', () => {
    try {
      plain('ok\n  {{ .a.b }}', { a: 1 });
      expect.unreachable();
    } catch (error) {
      expect(templateFault(error)).toMatchObject({ template: 'test', line: 2, column: 7, phase: 'execute' });
    }
  });

  test('endless output, endless work and endless recursion end', () => {
    expect(failure(() => plain('{{ range 100 }}0123456789{{ end }}', undefined, { maxOutputBytes: 100 }))).toMatch(
      /more than 100 bytes of output/,
    );
    expect(failure(() => plain('{{ range 1000000000 }}{{ end }}', undefined, { maxSteps: 1000 }))).toMatch(
      /stopped after 1000 steps/,
    );
    expect(failure(() => plain('{{ define "r" }}{{ template "r" }}{{ end }}{{ template "r" }}'))).toMatch(
      /exceeded maximum template depth \(300\)/,
    );
    const doubling = `{{ $x := "0123456789" }}${'{{ $x = print $x $x }}'.repeat(60)}{{ len $x }}`;
    expect(failure(() => plain(doubling, undefined, { maxOutputBytes: 10_000 }))).toMatch(/bytes of output/);
    expect(failure(() => plain(`{{ ${'('.repeat(600)}1${')'.repeat(600)} }}`))).toMatch(/nested deeper than 500/);
  });

  test('no name reaches into JavaScript', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(plain(`{{ .${name} }}`, {})).toBe('<no value>');
      expect(plain(`{{ index . "${name}" }}`, {})).toBe('<no value>');
    }
  });

  test('any text is parsed or refused in words', () => {
    const pieces = [
      '{{',
      '}}',
      ' ',
      '-',
      '.x',
      '$a',
      ':=',
      '|',
      '(',
      ')',
      '"s"',
      '1',
      'if',
      'end',
      'range',
      'else',
      'len',
      ',',
      '\n',
      '/*',
      '*/',
      'text',
      '`',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 25 }), (parts) => {
        expect(failure(() => plain(parts.join(''), {}))).toMatch(/^(no error|template: )/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('printf', () => {
  test.each([
    [
      '%d|%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%U',
      [1n, 2n, 3n, 4n, 5n, 255n, 255n, 8n, 5n, 65n, 65n],
      '1|    2|3    |00004|+5|ff|FF|10|101|A|U+0041',
    ],
    [
      '%f|%.2f|%8.3f|%e|%g|%.3g|%G',
      [1.5, 2.005, 3.14789, 12345.678, 1e21, 1234.5, 1e-7],
      '1.500000|2.00|   3.148|1.234568e+04|1e+21|1.23e+03|1E-07',
    ],
    ['%s|%10s|%-10s|%.2s|%q|%x', ['a', 'b', 'c', 'def', 'g"h', 'hi'], 'a|         b|c         |de|"g\\"h"|6869'],
    ['%v %v %v %T %T %T', [true, null, [1n, 2n], 1n, 1.5, 'x'], 'true <nil> [1 2] int float64 string'],
    ['%t %%', [true], 'true %'],
    ['%d', ['x'], '%!d(string=x)'],
    ['%d', [1.5], '%!d(float64=1.5)'],
    ['%s', [1n], '%!s(int=1)'],
    ['%d', [], '%!d(MISSING)'],
    ['x', [1n, 'a'], 'x%!(EXTRA int=1, string=a)'],
    ['%', [], '%!(NOVERB)'],
    ['%*d|%-*d', [5n, 1n, 5n, 2n], '    1|2    '],
    ['%[2]s %[1]s', ['a', 'b'], 'b a'],
    ['%.0f %.0f %.0f %.0f', [0.5, 1.5, 2.5, -0.5], '0 2 2 -0'],
    ['%.1f %.2f %.3g', [0.25, 0.125, 1.0005], '0.2 0.12 1'],
    ['%6.2f|%-8.1f|%08.3f|%+.1e', [3.14789, 2.5, -3.14789, 12345.6789], '  3.15|2.5     |-003.148|+1.2e+04'],
    ['%v', [1e20], '1e+20'],
    ['%q', [['a', 'b']], '["a" "b"]'],
    ['%#x %#v %+v', [255n, 'a', { a: 1n }], '0xff "a" map[a:1]'],
  ])('%s', (format, args, expected) => expect(sprintf(format, args)).toBe(expected));

  test('the shortest form reads back the same', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        for (const verb of ['e', 'f', 'g'] as const) expect(Number(formatGoFloat(x, verb, -1))).toBe(x);
      }),
    );
  });
});

describe("Prometheus' functions", () => {
  const up: TemplateSample[] = [
    { labels: labelsFrom({ __name__: 'metric', instance: 'b' }), value: 21 },
    { labels: labelsFrom({ __name__: 'metric', instance: 'a', __value__: 'v' }), value: 11 },
  ];
  const host = (result: readonly TemplateSample[]) => ({
    query: async () => result,
    timeMs: 0,
    externalUrl: 'http://testhost:9090/path/prefix',
  });
  const set = parseTemplates([], CONSOLE_FUNCTIONS);
  const render = (text: string, data?: unknown, result = up, html = false) =>
    set.render({ text, as: 'test' }, data, { host: host(result), html });

  test.each([
    ['{{ query "metric" | first | value }}', '21'],
    [
      '{{ range query "metric" | sortByLabel "instance" }}{{ .Labels.instance }}:{{ .Value }}: {{ end }}',
      'a:11: b:21: ',
    ],
    ['{{ query "metric" | sortByLabel "instance" | first | strvalue }}', 'v'],
    ['{{ query "metric" | first | label "foo" }}|{{ $x := query "metric" | first }}{{ $x.Labels.foo }}', '|'],
    ['{{define "x"}}{{.arg0}} {{.arg1}}{{end}}{{template "x" (args 1 "2")}}', '1 2'],
    [
      '{{ "foo.example.com:12345" | stripPort }} {{ "[2001:0DB8::1]:12345" | stripPort }} {{ "[2001:0DB8::1]::12345" | stripPort }}',
      'foo.example.com 2001:0DB8::1 [2001:0DB8::1]::12345',
    ],
    [
      '{{ "foo.example.com:12345" | stripDomain }} {{ "192.0.2.1:12345" | stripDomain }} {{ "[2001:0DB8::1]:12345" | stripDomain }}',
      'foo:12345 192.0.2.1:12345 [2001:0DB8::1]:12345',
    ],
    ['{{ reReplaceAll "(a)b" "x$1" "ab" }} {{ reReplaceAll "(?P<n>a)" "${n}${n}$$" "a" }}', 'xa aa$'],
    ['{{ match "a+" "aa" }} {{ match "a+" "b" }}', 'true false'],
    ['{{ "aa bb CC" | title }} {{ "aa" | toUpper }} {{ "Bb" | toLower }}', 'Aa Bb CC AA bb'],
    ['{{ graphLink "up" }} {{ tableLink "a b" }}', '/graph?g0.expr=up&g0.tab=0 /graph?g0.expr=a+b&g0.tab=1'],
    ['{{ pathPrefix }} {{ externalURL }}', '/path/prefix http://testhost:9090/path/prefix'],
    ['{{ printf "%0.2f" (parseDuration "1h2m10ms") }} {{ parseDurationTime "1h2m" }}', '3720.01 1h2m0s'],
    [
      '{{ 1435065584.128 | humanizeTimestamp }} {{ (1435065584.128 | toTime).Format "2006" }}',
      '2015-06-23 13:19:44.128 +0000 UTC 2015',
    ],
    ['{{ toDuration 90.5 }} {{ (toTime 60).Unix }} {{ now }}', '1m30.5s 60 0'],
    ['{{ urlQueryEscape "a b+c" }}', 'a+b%2Bc'],
  ])('%s', async (text, expected) => expect(await render(text)).toBe(expected));

  test.each([
    ['humanize', [0, 1, 1234567, 0.12, '0.12', 9223372036854775807n], '0:1:1.235M:120m:120m:9.223E:'],
    ['humanize1024', [0, 1, 1048576, 0.12, 9223372036854775807n], '0:1:1Mi:0.12:8Ei:'],
    [
      'humanizeDuration',
      [0, 1, 60, 3600, 86400, 90000, -183845, 899.99],
      '0s:1s:1m 0s:1h 0m 0s:1d 0h 0m 0s:1d 1h 0m 0s:-2d 3h 4m 5s:14m 59s:',
    ],
    [
      'humanizeDuration',
      [0.1, 0.0001, 0.12345, 60.1, 60.5, 1.2345, 12.345],
      '100ms:100us:123.5ms:1m 0s:1m 0s:1.234s:12.35s:',
    ],
    ['humanizePercentage', [-0.22222, 0, 0.1234567, 1.23456, 1234567n], '-22.22%:0%:12.35%:123.5%:1.235e+08%:'],
    [
      'humanizeTimestamp',
      [0, -1, 1234567, 9223372036],
      '1970-01-01 00:00:00 +0000 UTC:1969-12-31 23:59:59 +0000 UTC:1970-01-15 06:56:07 +0000 UTC:2262-04-11 23:47:16 +0000 UTC:',
    ],
    ['humanize', [Infinity, -Infinity, NaN, '+Inf', 'NaN'], '+Inf:-Inf:NaN:+Inf:NaN:'],
    ['humanizeTimestamp', [Infinity, NaN], '+Inf:NaN:'],
  ])('%s', async (name, input, expected) => {
    expect(await render(`{{ range . }}{{ ${name} . }}:{{ end }}`, input)).toBe(expected);
  });

  test.each([
    [
      '{{ query "missing" | first }}',
      'template: test:1:21: executing "test" at <first>: error calling first: first() called on vector with no elements',
    ],
    [
      '{{ (query "missing").banana }}',
      'template: test:1:10: executing "test" at <"missing">: can\'t evaluate field banana in type template.queryResult',
    ],
    [
      '{{ humanize "one" }}',
      'template: test:1:3: executing "test" at <humanize "one">: error calling humanize: strconv.ParseFloat: parsing "one": invalid syntax',
    ],
    [
      '{{ "one" | humanizePercentage }}',
      'template: test:1:11: executing "test" at <humanizePercentage>: error calling humanizePercentage: strconv.ParseFloat: parsing "one": invalid syntax',
    ],
    [
      '{{ humanizeTimestamp 1e300 }}',
      'template: test:1:3: executing "test" at <humanizeTimestamp 1e300>: error calling humanizeTimestamp: 1e+300 cannot be represented as a nanoseconds timestamp since it overflows int64',
    ],
  ])('%s fails in their words', async (text, expected) => {
    await expect(render(text, undefined, [])).rejects.toThrow(expected);
  });

  test('in HTML, with tmpl and safeHtml', async () => {
    expect(await render('{{ "<b>" }}{{ "<b>" | safeHtml }}{{ .Foo }}', undefined, [], true)).toBe('&lt;b&gt;<b>');
    expect(await render('{{ define "a" }}x{{ . }}{{ end }}{{ $name := "a"}}{{ tmpl $name 1 }}', 1, [], true)).toBe(
      'x1',
    );
  });

  test("a rule's data and preamble", async () => {
    const data = alertTemplateData(labelsFrom({ instance: 'i' }), labelsFrom({ dc: 'x' }), 'http://b', 0.5);
    const text = `${ALERT_PREAMBLE}{{ $labels.instance }} {{ $value }} {{ $externalLabels.dc }} {{ $externalURL }} {{ $labels.none }}|{{ .Value | humanize }}`;
    expect(await set.render({ text }, data, { host: host([]) })).toBe('i 0.5 x http://b |500m');
    await expect(set.render({ text: '{{ .Labels.a.b }}', as: 'x' }, data, { host: host([]) })).rejects.toThrow(
      "can't evaluate field b in type string",
    );
  });

  test('a synchronous rendering refuses a promise in words', () => {
    expect(failure(() => set.renderSync({ text: '{{ query "x" }}' }, 1, { host: host([]) }))).toMatch(/answers later/);
  });
});

describe("Alertmanager's functions and data", () => {
  const data = notificationTemplateData({
    receiver: 'team.x',
    status: 'firing',
    alerts: [
      {
        status: 'firing',
        labels: { alertname: 'A', b: '2', a: '1' },
        annotations: { summary: 'down' },
        startsAtMs: 0,
        generatorUrl: 'http://g',
        fingerprint: 'ff',
      },
      {
        status: 'resolved',
        labels: { alertname: 'A' },
        annotations: {},
        startsAtMs: 0,
        endsAtMs: 1000,
        generatorUrl: '',
        fingerprint: 'fe',
      },
    ],
    groupLabels: { alertname: 'A' },
    commonLabels: { alertname: 'A', zone: 'eu' },
    commonAnnotations: {},
    externalUrl: 'http://am',
  });

  test.each([
    [
      '{{ .Receiver }} {{ .Status | toUpper }} {{ .Alerts.Firing | len }} {{ len .Alerts.Resolved }}',
      'team\\.x FIRING 1 1',
    ],
    [
      '{{ range .Alerts.Firing }}{{ range .Labels.SortedPairs }}{{ .Name }}={{ .Value }} {{ end }}{{ end }}',
      'alertname=A a=1 b=2 ',
    ],
    ['{{ .CommonLabels.zone }}{{ .CommonLabels.none }} {{ .GroupLabels.SortedPairs.Values | join " " }}', 'eu A'],
    ['{{ (.CommonLabels.Remove .GroupLabels.Names).SortedPairs.Values | join "," }}', 'eu'],
    ['{{ .CommonLabels }} {{ .GroupLabels.Names }}', 'alertname=A, zone=eu [alertname]'],
    [
      '{{ (index .Alerts 0).StartsAt.Format "2006-01-02T15:04:05Z07:00" }} {{ (index .Alerts 0).EndsAt.IsZero }}',
      '1970-01-01T00:00:00Z true',
    ],
    ['{{ (index .Alerts 1).EndsAt | tz "Europe/Paris" | date "15:04:05 MST -0700" }}', '01:00:01 CET +0100'],
    ['{{ (index .Alerts 1).EndsAt | tz "Asia/Tokyo" | date "Mon Jan _2 3:04PM MST" }}', 'Thu Jan  1 9:00AM JST'],
    [
      '{{ "hello wORLD foo_bar" | title }} {{ " x " | trimSpace }} {{ urlUnescape "a%20b+c" }}',
      'Hello World Foo_bar x a b c',
    ],
    ['{{ stringSlice "a" "b" | join "-" }} {{ match "^a" "ab" }} {{ reReplaceAll "a" "b" "aa" }}', 'a-b true bb'],
    [
      '{{ .GroupLabels | toJson }} {{ list 1 "a" true | toJson }} {{ dict "k" (list 1.5) | toJson }}',
      '{"alertname":"A"} [1,"a",true] {"k":[1.5]}',
    ],
    [
      '{{ (index .Alerts 1) | toJson }}',
      '{"status":"resolved","labels":{"alertname":"A"},"annotations":{},"startsAt":"1970-01-01T00:00:00Z","endsAt":"1970-01-01T00:00:01Z","generatorURL":"","fingerprint":"fe"}',
    ],
    ['{{ append (list 1) 2 3 }} {{ since (index .Alerts 1).EndsAt | humanizeDuration }}', '[1 2 3] 19737d 11h 59m 59s'],
    ['{{ (index .Alerts 0).Labels.alertname }}', 'A'],
  ])('%s', (text, expected) => expect(plain(text, data)).toBe(expected));

  test('a field that is not there is named with its type', () => {
    expect(failure(() => plain('{{ .Foo }}', data))).toBe(
      'template: test:1:3: executing "test" at <.Foo>: can\'t evaluate field Foo in type *template.Data',
    );
  });

  test('a set: later definitions win, empty ones do not', () => {
    const set = parseTemplates(
      [
        { name: 'default.tmpl', text: '{{ define "a" }}1{{ end }}{{ define "b" }}[{{ template "a" . }}]{{ end }}' },
        { name: 'mine.tmpl', text: '{{ define "a" }}2{{ end }}{{ define "b" }} {{ end }}' },
      ],
      ALERTMANAGER_FUNCTIONS,
    );
    expect(set.names).toEqual(['a', 'b', 'default.tmpl', 'mine.tmpl']);
    expect(set.renderSync({ name: 'b' }, 0, { host: undefined })).toBe('[2]');
    expect(set.renderSync({ text: '{{ define "a" }}3{{ end }}{{ template "b" }}' }, 0, { host: undefined })).toBe(
      '[3]',
    );
    expect(failure(() => set.renderSync({ name: 'zz' }, 0, { host: undefined }))).toMatch(
      /no template "zz" is defined/,
    );
  });

  test.each([
    ['<p title="{{ . }}">{{ . }}</p>', '"<x>&+', '<p title="&#34;&lt;x&gt;&amp;&#43;">&#34;&lt;x&gt;&amp;&#43;</p>'],
    ['<a href="{{ . }}">', 'http://a/b?c=d&e=ü', '<a href="http://a/b?c=d&amp;e=%c3%bc">'],
    ['<a href="{{ . }}">', 'javascript:alert(1)', '<a href="#ZgotmplZ">'],
    ['<a href="/x?q={{ . }}">', 'a b&c', '<a href="/x?q=a%20b%26c">'],
    ['<a title={{ . }}>', 'a b', '<a title=a&#32;b>'],
    ['<!-- {{ . }} -->x', 'secret', 'x'],
    [
      '<script>var x = {{ . }};</script>{{ . }}',
      { a: '</script>' },
      '<script>var x = {"a":"\\u003c/script\\u003e"};</script>map[a:&lt;/script&gt;]',
    ],
    ['<style>p { color: {{ . }} }</style>', 'red; x: expression(1)', '<style>p { color: ZgotmplZ }</style>'],
    ['<div style="color: {{ . }}">', 'red', '<div style="color: red">'],
    ['<textarea>{{ . }}</textarea>', '</textarea>', '<textarea>&lt;/textarea&gt;</textarea>'],
    ['<p>{{ if . }}<b {{ end }}class="x{{ . }}">', "'", '<p><b class="x&#39;">'],
  ])('HTML: %s', (text, value, expected) => expect(plain(text, value, { html: true })).toBe(expected));

  test('times print as in Go', () => {
    expect(plain('{{ . }} {{ .Weekday }} {{ .Month }} {{ .YearDay }}', goTimeFromMs(1435065584128))).toBe(
      '2015-06-23 13:19:44.128 +0000 UTC Tuesday June 174',
    );
    expect(plain('{{ .Format "Mon, 02 Jan 06 15:04:05.000 -07:00 (2/1) pm" }}', goTimeFromMs(1435065584128))).toBe(
      'Tue, 23 Jun 15 13:19:44.128 +00:00 (23/6) pm',
    );
  });
});
