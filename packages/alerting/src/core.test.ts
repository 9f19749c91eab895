import { labelsFrom, type Matcher } from '@belfry/model';
import { expect, test } from 'vitest';
import { type Alert, compareAlerts, mergeAlerts, NO_TIME } from './alert.ts';
import { fingerprintOf } from './fingerprint.ts';
import { createInhibitor } from './inhibitor.ts';
import { formatAlertMatcher, parseMatcher, parseMatchers } from './matchers.ts';
import { buildRoute, matchRoutes, type RouteConfig } from './route.ts';
import { createSilences, silenceState } from './silences.ts';
import { dedupStage } from './stage-dedup.ts';
import { formatTime, parseTime } from './time.ts';
import {
  intervalContains,
  parseDaysOfMonth,
  parseMonths,
  parseTimeRange,
  parseWeekdays,
  parseYears,
} from './time-interval.ts';

const alertOf = (labels: Record<string, string>, more: Partial<Alert> = {}): Alert => {
  const set = labelsFrom(labels);
  return {
    kind: 'alert',
    labels: set,
    annotations: labelsFrom({}),
    startsAtMs: 0,
    endsAtMs: 1000,
    updatedAtMs: 0,
    generatorUrl: '',
    timeout: false,
    fingerprint: fingerprintOf(set),
    ...more,
  };
};

/** The same hash with BigInt, as the specification of FNV-1a says it. */
function slowFingerprint(labels: Record<string, string>): string {
  let hash = 0xcbf29ce484222325n;
  for (const text of labelsFrom(labels)) {
    for (const byte of [...new TextEncoder().encode(text), 0xff]) {
      hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
    }
  }
  return hash.toString(16).padStart(16, '0');
}

test.each([
  {},
  { alertname: 'ServiceDown' },
  { alertname: 'ServiceDown', instance: '127.0.0.1:9464', job: 'metald' },
  { ort: 'Zürich', 火: '🔥', long: 'x'.repeat(500) },
])('the fingerprint of %j is FNV-1a', (labels) => {
  expect(fingerprintOf(labelsFrom(labels))).toBe(slowFingerprint(labels));
});

test.each([
  ['foo=bar', [{ name: 'foo', op: '=', value: 'bar' }]],
  [
    'foo="bar",baz=~"a|b"',
    [
      { name: 'foo', op: '=', value: 'bar' },
      { name: 'baz', op: '=~', value: 'a|b' },
    ],
  ],
  [
    '{foo!="a,b", x !~ y.*}',
    [
      { name: 'foo', op: '!=', value: 'a,b' },
      { name: 'x', op: '!~', value: 'y.*' },
    ],
  ],
  ['foo="a\\"b\\n\\d"', [{ name: 'foo', op: '=', value: 'a"b\n\\d' }]],
  ['foo=', [{ name: 'foo', op: '=', value: '' }]],
  ['"a.b"="c d"', [{ name: 'a.b', op: '=', value: 'c d' }]],
  ['{"火"="\\u706b",}', [{ name: '火', op: '=', value: '火' }]],
  ['ort="\\x5a\\xc3\\xbcrich"', [{ name: 'ort', op: '=', value: '\\x5a\\xc3\\xbcrich' }]],
  ['"o"="\\x5a\\xc3\\xbcrich"', [{ name: 'o', op: '=', value: 'Zürich' }]],
  ['a.b=c', [{ name: 'a.b', op: '=', value: 'c' }]],
  ['{}', []],
] as [string, Matcher[]][])('reads %s', (text, expected) => expect(parseMatchers(text)).toEqual(expected));

test.each([
  ['foo', 'bad matcher format: foo'],
  ['foo="bar', 'matcher value contains unescaped double quote: "bar'],
  ['foo=b"ar', 'matcher value contains unescaped double quote: b"ar'],
  ['foo=~"("', /error parsing regexp/],
  ['{"a"="b"', /end of input at column 9.*expected a comma or close brace/],
  ['"a"="b"}', /expected opening brace/],
])('refuses %s', (text, expected) => expect(() => parseMatchers(text)).toThrow(expected));

test('one matcher only where one is asked for, and printed as Alertmanager prints', () => {
  expect(() => parseMatcher('a=b,c=d')).toThrow('expected 1 matcher, found 2');
  expect(formatAlertMatcher({ name: 'a', op: '=~', value: 'x"y\\' })).toBe('a=~"x\\"y\\\\"');
  expect(formatAlertMatcher({ name: 'a b', op: '=', value: 'x' })).toBe('"a b"="x"');
});

const at = (text: string) => Date.parse(text);
test.each([
  [
    'working hours in',
    { times: [parseTimeRange('09:00', '17:00')], weekdays: [parseWeekdays('Monday:Friday')] },
    '2026-03-04T09:00:00Z',
    true,
  ],
  ['end exclusive', { times: [parseTimeRange('09:00', '17:00')] }, '2026-03-04T17:00:00Z', false],
  ['weekend', { weekdays: [parseWeekdays('saturday'), parseWeekdays('sunday')] }, '2026-03-01T12:00:00Z', true],
  ['last day of February', { daysOfMonth: [parseDaysOfMonth('-1')] }, '2028-02-29T12:00:00Z', true],
  ['31st in a short month is clamped away', { daysOfMonth: [parseDaysOfMonth('31')] }, '2026-04-30T12:00:00Z', false],
  ['28th to 31st in a short month', { daysOfMonth: [parseDaysOfMonth('28:31')] }, '2026-04-30T12:00:00Z', true],
  [
    'months and years',
    { months: [parseMonths('may:8')], years: [parseYears('2026:2027')] },
    '2026-08-01T00:00:00Z',
    true,
  ],
  [
    'a time zone',
    { times: [parseTimeRange('00:00', '01:00')], timeZone: 'Australia/Sydney' },
    '2026-06-30T14:30:00Z',
    true,
  ],
  [
    'daylight saving time',
    { times: [parseTimeRange('09:00', '10:00')], timeZone: 'Europe/Berlin' },
    '2026-07-01T07:30:00Z',
    true,
  ],
  [
    'standard time',
    { times: [parseTimeRange('09:00', '10:00')], timeZone: 'Europe/Berlin' },
    '2026-12-01T07:30:00Z',
    false,
  ],
  [
    'the weekday is local',
    { weekdays: [parseWeekdays('monday')], timeZone: 'Pacific/Auckland' },
    '2026-03-01T12:00:00Z',
    true,
  ],
])('time interval: %s', (_name, interval, text, expected) => {
  expect(intervalContains({ kind: 'time_interval', ...interval }, at(text))).toBe(expected);
});

test.each([
  [() => parseTimeRange('9:00', '17:00'), "couldn't parse timestamp 9:00"],
  [() => parseTimeRange('17:00', '09:00'), 'start time cannot be equal or greater than end time'],
  [() => parseWeekdays('friday:monday'), 'start day cannot be before end day'],
  [() => parseWeekdays('mon'), 'mon is not a valid weekday'],
  [() => parseDaysOfMonth('0'), '0 is not a valid day of the month'],
  [() => parseDaysOfMonth('-1:5'), 'end day must be negative if start day is negative'],
  [() => parseDaysOfMonth('-1:-5'), 'end day -5 is always before start day -1'],
  [() => parseMonths('may:march'), 'end month march is before start month may'],
])('a bad interval is refused (%#)', (parse, message) => expect(parse).toThrow(message));

const node = (more: Partial<RouteConfig>): RouteConfig => ({
  matchers: [],
  continue: false,
  routes: [],
  muteTimeIntervals: [],
  activeTimeIntervals: [],
  ...more,
});

test('the routing tree: deepest match, continue, inheritance, keys', () => {
  const root = buildRoute(
    node({
      receiver: 'default',
      groupBy: ['alertname'],
      routes: [
        node({
          receiver: 'db',
          matchers: parseMatchers('team=db'),
          continue: true,
          groupWaitMs: 1000,
          routes: [node({ matchers: parseMatchers('z=~"1|2", a="x"'), groupBy: ['...'] })],
        }),
        node({ receiver: 'pager', matchers: parseMatchers('severity=critical') }),
        node({ receiver: 'never', matchers: parseMatchers('team=db') }),
      ],
    }),
  );
  const take = (labels: Record<string, string>) => matchRoutes(root, labelsFrom(labels)).map((r) => r.receiver);
  expect(take({ team: 'web' })).toEqual(['default']);
  expect(take({ team: 'db', severity: 'critical' })).toEqual(['db', 'pager']);
  expect(take({ team: 'db' })).toEqual(['db', 'never']);
  const deep = matchRoutes(root, labelsFrom({ team: 'db', a: 'x', z: '2' }))[0]!;
  expect(deep).toMatchObject({ receiver: 'db', groupWaitMs: 1000, groupBy: undefined });
  expect(deep.key).toBe('{}/{team="db"}/{a="x",z=~"1|2"}');
  expect(deep.id).toBe('{}/{team="db"}/0/{a="x",z=~"1|2"}/0');
});

test('merging: earliest start, latest explicit end, the younger for the rest', () => {
  const merge = (a: Partial<Alert>, b: Partial<Alert>) =>
    mergeAlerts(alertOf({ a: '1' }, a), alertOf({ a: '1' }, b), 100);
  expect(
    merge({ startsAtMs: 10, endsAtMs: 500, updatedAtMs: 1 }, { startsAtMs: 20, endsAtMs: 400, updatedAtMs: 2 }),
  ).toMatchObject({ startsAtMs: 10, endsAtMs: 500 });
  expect(merge({ endsAtMs: 500, timeout: true, updatedAtMs: 1 }, { endsAtMs: 400, updatedAtMs: 2 }).endsAtMs).toBe(400);
  expect(merge({ endsAtMs: 500, updatedAtMs: 1 }, { endsAtMs: 90, updatedAtMs: 2 }).endsAtMs).toBe(90);
  expect(merge({ endsAtMs: 95, updatedAtMs: 1 }, { endsAtMs: 90, updatedAtMs: 2 }).endsAtMs).toBe(95);
});

test('the order of alerts in a notification', () => {
  const sorted = [
    alertOf({ z: '1' }),
    alertOf({ job: 'b', instance: '2' }),
    alertOf({ job: 'b', instance: '1' }),
    alertOf({ job: 'a' }),
    alertOf({ a: '2', b: '1' }),
  ];
  expect(sorted.sort(compareAlerts).map((a) => a.labels.join(' '))).toEqual([
    'job a',
    'instance 1 job b',
    'instance 2 job b',
    'z 1',
    'a 2 b 1',
  ]);
});

test('inhibition: equal labels, resolved sources, both sides', () => {
  const inhibitor = createInhibitor([
    {
      sourceMatchers: parseMatchers('severity=critical'),
      targetMatchers: parseMatchers('severity=~"warning|critical"'),
      equal: ['cluster'],
    },
  ]);
  const source = alertOf({ alertname: 'Down', severity: 'critical', cluster: 'a' });
  inhibitor.observe(source);
  const inhibited = (labels: Record<string, string>, nowMs = 10) =>
    inhibitor.inhibitions(labelsFrom(labels), nowMs).flatMap((i) => i.sources);
  expect(inhibited({ severity: 'warning', cluster: 'a' })).toEqual([source.fingerprint]);
  expect(inhibited({ severity: 'warning', cluster: 'b' })).toEqual([]);
  expect(inhibited({ severity: 'warning', cluster: 'a' }, 1000)).toEqual([]);
  expect(inhibited({ severity: 'critical', cluster: 'a', alertname: 'Other' })).toEqual([]);
  expect(inhibitor.explain(source.labels, 10)[0]).toMatchObject({
    applied: false,
    reason: 'an alert does not inhibit itself',
  });
});

test('silences: create, change in place, replace, expire, forget', () => {
  let now = 1000;
  const silences = createSilences({ now: () => now, retentionMs: 100_000 });
  const request = {
    matchers: parseMatchers('job=a'),
    startsAtMs: NO_TIME,
    endsAtMs: 60_000,
    createdBy: 'me',
    comment: 'c',
  };
  const id = silences.set(request);
  expect(silences.silencing(labelsFrom({ job: 'a' }), now)).toEqual([id]);
  expect(silences.silencing(labelsFrom({ job: 'b' }), now)).toEqual([]);
  now = 2000;
  expect(silences.set({ ...request, id, startsAtMs: 1000, endsAtMs: 90_000 })).toBe(id);
  expect(silences.get(id)).toMatchObject({ endsAtMs: 90_000, updatedAtMs: 2000 });
  const other = silences.set({ ...request, id, matchers: parseMatchers('job=b') });
  expect(other).not.toBe(id);
  expect(silenceState(silences.get(id)!, now)).toBe('expired');
  silences.expire(other);
  expect(silences.silencing(labelsFrom({ job: 'b' }), now)).toEqual([]);
  expect(() => silences.expire('nope')).toThrow('silence nope not found');
  expect(() => silences.set({ ...request, id: 'nope' })).toThrow('not found');
  expect(() => silences.set({ ...request, matchers: parseMatchers('job=~".*"') })).toThrow(
    'must not match the empty string',
  );
  expect(() => silences.set({ ...request, startsAtMs: 90_000 })).toThrow('end time must not be before start time');
  expect(silences.collect(102_000)).toHaveLength(2);
});

test('dedup says why', () => {
  const options = { sendResolved: true, repeatIntervalMs: 1000, nowMs: 10_000 };
  const a = alertOf({ a: '1' });
  const b = alertOf({ b: '1' });
  const entry = (firing: Alert[], resolved: Alert[], atMs = 9500) => ({
    kind: 'log_entry' as const,
    groupKey: '',
    integration: '',
    atMs,
    expiresAtMs: 0,
    firing: new Set(firing.map((x) => x.fingerprint)),
    resolved: new Set(resolved.map((x) => x.fingerprint)),
  });
  const tell = (e: Parameters<typeof dedupStage>[0], firing: Alert[], resolved: Alert[], more = {}) =>
    dedupStage(e, { firing, resolved }, { ...options, ...more }).tell;
  expect(tell(undefined, [a], [])).toBe(true);
  expect(tell(undefined, [], [a])).toBe(false);
  expect(tell(entry([a], []), [a], [])).toBe(false);
  expect(tell(entry([a], []), [a, b], [])).toBe(true);
  expect(tell(entry([a, b], []), [a], [])).toBe(false);
  expect(tell(entry([a, b], []), [a], [b])).toBe(true);
  expect(tell(entry([a, b], []), [a], [b], { sendResolved: false })).toBe(false);
  expect(tell(entry([a], []), [], [a])).toBe(true);
  expect(tell(entry([], [a]), [], [a])).toBe(false);
  expect(tell(entry([a], [], 8000), [a], [])).toBe(true);
});

test('times as Go prints and reads them', () => {
  expect(formatTime(NO_TIME)).toBe('0001-01-01T00:00:00Z');
  expect(formatTime(at('2026-01-02T03:04:10.500Z'))).toBe('2026-01-02T03:04:10.5Z');
  expect(formatTime(at('2026-01-02T03:04:10Z'))).toBe('2026-01-02T03:04:10Z');
  expect(parseTime('2026-01-02T05:04:10.123456789+02:00')).toBe(at('2026-01-02T03:04:10.123Z'));
  expect(parseTime('0001-01-01T00:00:00Z')).toBe(NO_TIME);
  expect(() => parseTime('yesterday')).toThrow('not a time: "yesterday"');
});
