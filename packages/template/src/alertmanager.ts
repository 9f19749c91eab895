/** The functions and the data that Alertmanager gives to notification templates. */
import { compareText } from '@belfry/model';
import type { FunctionMap } from './functions.ts';
import { goDuration } from './go-duration.ts';
import { formatGoTime, type GoTime, goTimeFromMs, TIME, toNanos, ZERO_TIME_MS } from './go-time.ts';
import { toJsonText } from './html.ts';
import { humanizeDuration, lowerCase, matchText, replaceAll, titleCase, upperCase } from './text-functions.ts';
import { type GoType, HTML, mapGet, mapKeys, named, SAFE_URL, STRING_SLICE, typed } from './value.ts';
import { isZone } from './zone.ts';

const ANY_SLICE: GoType = { name: '[]interface {}', kind: 'slice' };
const ANY_MAP: GoType = { name: 'map[string]interface {}', kind: 'map' };

const text1 = (fn: (text: string) => unknown) => ({
  params: ['string'] as const,
  call: ([text]: readonly unknown[]) => fn(text as string),
});

/** Alertmanager's template functions; none promises, so `renderSync` will do. */
export const ALERTMANAGER_FUNCTIONS: FunctionMap<unknown> = {
  toUpper: text1(upperCase),
  toLower: text1(lowerCase),
  title: text1(titleCase),
  trimSpace: text1((text) => text.trim()),
  join: {
    params: ['string', STRING_SLICE],
    call: ([separator, list]) => ((list ?? []) as readonly unknown[]).map(String).join(separator as string),
  },
  match: { params: ['string', 'string'], call: ([pattern, text]) => matchText(pattern as string, text as string) },
  safeHtml: text1((text) => named(HTML, text)),
  safeUrl: text1((text) => named(SAFE_URL, text)),
  urlUnescape: text1(queryUnescape),
  reReplaceAll: {
    params: ['string', 'string', 'string'],
    call: ([pattern, replacement, text]) => replaceAll(pattern as string, replacement as string, text as string),
  },
  stringSlice: { params: ['string'], variadic: true, call: (texts) => typed(STRING_SLICE, [...texts]) },
  date: {
    params: ['string', TIME],
    call: ([layout, time]) => formatGoTime(time as GoTime, layout as string),
  },
  tz: {
    params: ['string', TIME],
    call: ([name, time]) => {
      if (!isZone(name as string)) throw new Error(`unknown time zone ${name}`);
      return { ...(time as GoTime), zone: (name as string) || 'UTC' };
    },
  },
  since: {
    params: [TIME],
    call: ([time], { clock }) => goDuration(toNanos(goTimeFromMs(clock.now())) - toNanos(time as GoTime)),
  },
  humanizeDuration: { params: ['any'], call: ([value]) => humanizeDuration(value) },
  toJson: { params: ['any'], call: ([value]) => toJsonText(value) },
  list: { params: ['any'], variadic: true, call: (items) => [...items] },
  append: {
    params: [ANY_SLICE, 'any'],
    variadic: true,
    call: ([list, ...items]) => [...((list ?? []) as readonly unknown[]), ...items],
  },
  dict: {
    params: ['any'],
    variadic: true,
    call: (items) => {
      if (items.length % 2 !== 0) throw new Error('dict requires an even number of arguments');
      const entries = new Map<string, unknown>();
      for (let i = 0; i < items.length; i += 2) {
        if (typeof items[i] !== 'string') throw new Error('dict keys must be strings');
        entries.set(items[i] as string, items[i + 1]);
      }
      return typed(ANY_MAP, Object.fromEntries(entries));
    },
  },
};

/** @throws Error as Go's url.QueryUnescape */
function queryUnescape(text: string): string {
  const bad = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text);
  if (bad) throw new Error(`invalid URL escape ${JSON.stringify(bad[0])}`);
  const bytes = text
    .replaceAll('+', ' ')
    .split(/(%[0-9a-fA-F]{2})/)
    .map((part) => (/^%[0-9a-fA-F]{2}$/.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part)));
  return Buffer.concat(bytes).toString('utf8');
}

interface Pair {
  readonly Name: string;
  readonly Value: string;
}

const PAIR: GoType = { name: 'template.Pair', kind: 'struct' };
const PAIRS: GoType = {
  name: 'template.Pairs',
  kind: 'slice',
  methods: {
    Names: {
      call: (self: readonly Pair[]) =>
        typed(
          STRING_SLICE,
          self.map((p) => p.Name),
        ),
    },
    Values: {
      call: (self: readonly Pair[]) =>
        typed(
          STRING_SLICE,
          self.map((p) => p.Value),
        ),
    },
    String: { call: (self: readonly Pair[]) => self.map((p) => `${p.Name}=${p.Value}`).join(', ') },
  },
};

type StringMap = Readonly<Record<string, string>>;

function sortedPairs(map: StringMap): readonly Pair[] {
  const names = mapKeys(map).sort((a, b) => rank(a) - rank(b) || compareText(a, b));
  return typed(
    PAIRS,
    names.map((Name) => typed(PAIR, { Name, Value: String(mapGet(map, Name)) })),
  );
}

function rank(name: string): number {
  return name === 'alertname' ? 0 : 1;
}

/** Labels or annotations: missing keys are empty, with SortedPairs, Remove, Names and Values. */
export const KV: GoType = {
  name: 'template.KV',
  kind: 'map',
  zero: '',
  methods: {
    SortedPairs: { call: sortedPairs },
    Remove: {
      params: [STRING_SLICE],
      call: (self: StringMap, [names]: readonly (readonly string[])[]) =>
        kv(Object.fromEntries(Object.entries(self).filter(([name]) => !names!.includes(name)))),
    },
    Names: {
      call: (self: StringMap) =>
        typed(
          STRING_SLICE,
          sortedPairs(self).map((p) => p.Name),
        ),
    },
    Values: {
      call: (self: StringMap) =>
        typed(
          STRING_SLICE,
          sortedPairs(self).map((p) => p.Value),
        ),
    },
    String: {
      call: (self: StringMap) =>
        sortedPairs(self)
          .map((p) => `${p.Name}=${p.Value}`)
          .join(', '),
    },
  },
};

/** Labels or annotations as templates see them. Copies. */
export function kv(entries: StringMap): StringMap {
  return typed(KV, { ...entries });
}

/** One alert as it goes into a notification. */
export interface NotificationAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: StringMap;
  readonly annotations: StringMap;
  readonly startsAtMs: number;
  /** Absent while it fires: templates then see Go's zero time. */
  readonly endsAtMs?: number;
  readonly generatorUrl: string;
  readonly fingerprint: string;
}

/** What a notification is about; the `.` of notification templates. */
export interface NotificationData {
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly alerts: readonly NotificationAlert[];
  readonly groupLabels: StringMap;
  readonly commonLabels: StringMap;
  readonly commonAnnotations: StringMap;
  readonly externalUrl: string;
  readonly notificationReason?: string;
}

const ALERT: GoType = {
  name: 'template.Alert',
  kind: 'struct',
  jsonNames: {
    Status: 'status',
    Labels: 'labels',
    Annotations: 'annotations',
    StartsAt: 'startsAt',
    EndsAt: 'endsAt',
    GeneratorURL: 'generatorURL',
    Fingerprint: 'fingerprint',
  },
};

interface AlertStruct {
  readonly Status: string;
}

const withStatus = (status: string) => ({
  call: (self: readonly AlertStruct[]) =>
    typed(
      ALERT_LIST,
      self.filter((alert) => alert.Status === status),
    ),
});

const ALERT_LIST: GoType = { name: '[]template.Alert', kind: 'slice' };
const ALERTS: GoType = {
  name: 'template.Alerts',
  kind: 'slice',
  methods: { Firing: withStatus('firing'), Resolved: withStatus('resolved') },
};

const DATA: GoType = {
  name: 'template.Data',
  kind: 'struct',
  pointer: true,
  jsonNames: {
    Receiver: 'receiver',
    Status: 'status',
    Alerts: 'alerts',
    NotificationReason: 'notification_reason',
    GroupLabels: 'groupLabels',
    CommonLabels: 'commonLabels',
    CommonAnnotations: 'commonAnnotations',
    ExternalURL: 'externalURL',
  },
};

/** Go's `regexp.QuoteMeta`, which Alertmanager applies to the receiver's name. */
function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** The `.` of notification templates, with Alertmanager's names and methods (`.Alerts.Firing`, `.GroupLabels.SortedPairs`). */
export function notificationTemplateData(data: NotificationData): object {
  return typed(DATA, {
    Receiver: quoteMeta(data.receiver),
    Status: data.status,
    Alerts: typed(ALERTS, data.alerts.map(alertStruct)),
    NotificationReason: data.notificationReason ?? '',
    GroupLabels: kv(data.groupLabels),
    CommonLabels: kv(data.commonLabels),
    CommonAnnotations: kv(data.commonAnnotations),
    ExternalURL: data.externalUrl,
  });
}

function alertStruct(alert: NotificationAlert): object {
  return typed(ALERT, {
    Status: alert.status,
    Labels: kv(alert.labels),
    Annotations: kv(alert.annotations),
    StartsAt: goTimeFromMs(alert.startsAtMs),
    EndsAt: goTimeFromMs(alert.endsAtMs ?? ZERO_TIME_MS),
    GeneratorURL: alert.generatorUrl,
    Fingerprint: alert.fingerprint,
  });
}
