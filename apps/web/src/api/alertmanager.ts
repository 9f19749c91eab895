/** Alertmanager's API, version 2. */
import { listOf, objectOf, textOf } from '../dashboard/model.ts';
import { query, requestJson } from './http.ts';
import { type Labels, labelsOf, timeOf } from './prometheus.ts';

export interface SilenceMatcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual: boolean;
}

export interface Silence {
  readonly id: string;
  readonly state: 'active' | 'pending' | 'expired';
  readonly matchers: readonly SilenceMatcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
}

export interface NewSilence {
  readonly id?: string;
  readonly matchers: readonly SilenceMatcher[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
}

export interface RoutedAlert {
  readonly labels: Labels;
  readonly state: string;
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
}

export async function silences(signal?: AbortSignal): Promise<readonly Silence[]> {
  return listOf(await requestJson('/api/v2/silences', signal ? { signal } : {})).map((json) => {
    const s = objectOf(json);
    const state = textOf(objectOf(s.status).state);
    return {
      id: textOf(s.id),
      state: state === 'active' || state === 'pending' ? state : 'expired',
      matchers: listOf(s.matchers).map((m) => ({
        name: textOf(objectOf(m).name),
        value: textOf(objectOf(m).value),
        isRegex: objectOf(m).isRegex === true,
        isEqual: objectOf(m).isEqual !== false,
      })),
      startsAtMs: timeOf(s.startsAt) ?? 0,
      endsAtMs: timeOf(s.endsAt) ?? 0,
      createdBy: textOf(s.createdBy),
      comment: textOf(s.comment),
    };
  });
}

/** Creates or replaces a silence; answers its id. */
export async function saveSilence(silence: NewSilence): Promise<string> {
  const body = await requestJson('/api/v2/silences', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(silence),
  });
  return textOf(objectOf(body).silenceID);
}

export async function expireSilence(id: string): Promise<void> {
  await requestJson(`/api/v2/silence/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

/** Alerts that match every filter (`name=value` and so on), with what mutes them. */
export async function routedAlerts(filters: readonly string[], signal?: AbortSignal): Promise<readonly RoutedAlert[]> {
  const found = await requestJson(`/api/v2/alerts${query({ filter: filters })}`, signal ? { signal } : {});
  return listOf(found).map((json) => {
    const a = objectOf(json);
    const status = objectOf(a.status);
    return {
      labels: labelsOf(a.labels),
      state: textOf(status.state),
      silencedBy: listOf(status.silencedBy).map((v) => textOf(v)),
      inhibitedBy: listOf(status.inhibitedBy).map((v) => textOf(v)),
    };
  });
}

/** A matcher as PromQL and amtool write it. */
export function matcherText({ name, value, isRegex, isEqual }: SilenceMatcher): string {
  return `${name}${isEqual ? (isRegex ? '=~' : '=') : isRegex ? '!~' : '!='}${JSON.stringify(value)}`;
}
