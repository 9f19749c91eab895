import { type Labels, labelsToObject } from '@belfry/model';
import { type Alert, isResolved } from './alert.ts';
import type { Flush } from './flush.ts';
import { formatTime } from './time.ts';

/** One alert as notifications carry it, in the words of the webhook's payload. */
interface DataAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
  readonly fingerprint: string;
}

/** What a notification says: the webhook's payload without its envelope, and the templates' data. */
export interface NotificationData {
  readonly receiver: string;
  readonly status: 'firing' | 'resolved';
  readonly alerts: readonly DataAlert[];
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly commonLabels: Readonly<Record<string, string>>;
  readonly commonAnnotations: Readonly<Record<string, string>>;
  readonly externalURL: string;
}

export function notificationData(flush: Flush, alerts: readonly Alert[], externalUrl: string): NotificationData {
  const firing = alerts.some((a) => !isResolved(a, flush.nowMs));
  return {
    receiver: quoteMeta(flush.route.receiver),
    status: firing ? 'firing' : 'resolved',
    alerts: alerts.map((a) => ({
      status: isResolved(a, flush.nowMs) ? 'resolved' : 'firing',
      labels: labelsToObject(a.labels),
      annotations: labelsToObject(a.annotations),
      startsAt: formatTime(a.startsAtMs),
      endsAt: formatTime(a.endsAtMs),
      generatorURL: a.generatorUrl,
      fingerprint: a.fingerprint,
    })),
    groupLabels: labelsToObject(flush.groupLabels),
    commonLabels: common(alerts.map((a) => a.labels)),
    commonAnnotations: common(alerts.map((a) => a.annotations)),
    externalURL: externalUrl,
  };
}

/** As Alertmanager does, whose links carry the receiver as a regular expression. */
function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** The pairs that all sets have. */
function common(sets: readonly Labels[]): Record<string, string> {
  const [first, ...rest] = sets;
  if (!first) return {};
  const shared = new Map(Object.entries(labelsToObject(first)));
  for (const set of rest) {
    if (shared.size === 0) break;
    const other = labelsToObject(set);
    for (const [name, value] of shared) if (other[name] !== value) shared.delete(name);
  }
  return Object.fromEntries(shared);
}
