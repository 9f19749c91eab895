import type { ConfigOf } from './config-receivers.ts';
import {
  compact,
  type Deliver,
  type Delivery,
  type DeliveryResponse,
  judge,
  truncate,
  type Verdict,
} from './delivery.ts';
import { parseJson } from './receiver-chat.ts';

const MAX_SUMMARY_CHARS = 255;
const MAX_DESCRIPTION_CHARS = 32_767;
const DONE = 'done';

interface Issue {
  readonly key: string;
  readonly fields?: { readonly status?: { readonly statusCategory?: { readonly key?: string } } };
}

/**
 * One issue for each group, found again by a label made from the group key: created when the group fires, updated, moved
 * by `reopen_transition` and `resolve_transition`.
 */
export const deliverJira: Deliver<ConfigOf<'jira'>> = async (config, delivery) => {
  const firing = delivery.data.status === 'firing';
  const found = await findIssue(config, delivery);
  if (!found.verdict.ok) return found.verdict;
  const { issue } = found;
  if (!issue) {
    // Resolved, and nobody made an issue: there is nothing to say.
    if (!firing && !delivery.preview) return { ok: true };
    return judge(
      await delivery.send({ url: apiUrl(config, 'issue'), json: { fields: fieldsOf(config, delivery, false) } }),
    );
  }
  const url = apiUrl(config, `issue/${issue.key}`);
  const updated = judge(
    await delivery.send({ method: 'PUT', url, json: { fields: fieldsOf(config, delivery, true) } }),
  );
  if (!updated.ok) return updated;
  const done = issue.fields?.status?.statusCategory?.key === DONE;
  if (firing && done) return transition(config, delivery, issue.key, config.reopen_transition);
  if (!firing && !done) return transition(config, delivery, issue.key, config.resolve_transition);
  return updated;
};

function apiUrl(config: ConfigOf<'jira'>, path: string): string {
  return `${config.api_url!.replace(/\/$/, '')}/${path}`;
}

function isCloud(config: ConfigOf<'jira'>): boolean {
  return (
    config.api_type === 'cloud' ||
    (config.api_type === 'auto' && new URL(config.api_url!).hostname.endsWith('atlassian.net'))
  );
}

const groupLabel = (delivery: Delivery) => `ALERT{${delivery.keyHash}}`;

async function findIssue(
  config: ConfigOf<'jira'>,
  delivery: Delivery,
): Promise<{ readonly verdict: Verdict; readonly issue?: Issue }> {
  const quoted = (text: string) => JSON.stringify(text);
  const conditions = [
    ...(config.wont_fix_resolution ? [`resolution != ${quoted(config.wont_fix_resolution)}`] : []),
    ...ageConditions(config, delivery),
    `project = ${quoted(delivery.steer(config.project))}`,
    `labels = ${quoted(groupLabel(delivery))}`,
  ];
  const jql = `${conditions.join(' AND ')} ORDER BY status ASC, resolutiondate DESC`;
  const url = apiUrl(config, isCloud(config) ? 'search/jql' : 'search');
  const response = await delivery.send({ url, json: { jql, maxResults: 2, fields: ['status'] } });
  const verdict = judge(response);
  const issues = (parseJson(response.text) as { issues?: readonly Issue[] } | undefined)?.issues;
  return { verdict, ...(issues?.[0] ? { issue: issues[0] } : {}) };
}

/** Closed issues count only when they may be reopened: not for a resolved group, not without a transition, not too old. */
function ageConditions(config: ConfigOf<'jira'>, delivery: Delivery): string[] {
  if (delivery.data.status === 'resolved' || !config.reopen_transition) return ['statusCategory != Done'];
  const minutes = Math.floor(config.reopen_duration / 60_000);
  return minutes > 0 ? [`(resolutiondate is EMPTY OR resolutiondate >= -${minutes}m)`] : [];
}

function fieldsOf(config: ConfigOf<'jira'>, delivery: Delivery, update: boolean): Record<string, unknown> {
  const { say, steer } = delivery;
  const expand = (value: unknown): unknown => {
    if (typeof value === 'string') return say(value);
    if (Array.isArray(value)) return value.map(expand);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, expand(v)]));
  };
  const summary = truncate(say(config.summary.template), MAX_SUMMARY_CHARS);
  const description = truncate(say(config.description.template), MAX_DESCRIPTION_CHARS);
  const priority = steer(config.priority).trim();
  return {
    ...(expand(config.custom_fields ?? config.fields) as object),
    ...(update ? {} : { project: { key: steer(config.project) }, issuetype: { name: steer(config.issue_type) } }),
    ...(update && !config.summary.enable_update ? {} : { summary }),
    ...(update && !config.description.enable_update ? {} : compact({ description: describe(config, description) })),
    labels: [...config.labels.map((l) => steer(l)).filter((l) => l !== ''), groupLabel(delivery)],
    ...(priority ? { priority: { name: priority } } : {}),
  };
}

/** Version 3 of the API wants a document; a template may write one, else the text becomes one. */
function describe(config: ConfigOf<'jira'>, text: string): unknown {
  if (!/\/3\/?$/.test(config.api_url!) || text === '') return text;
  const written = parseJson(text);
  if (typeof written === 'object' && written !== null) return written;
  const paragraphs = text
    .split('\n')
    .map((line) => ({ type: 'paragraph', content: line ? [{ type: 'text', text: line }] : [] }));
  return { type: 'doc', version: 1, content: paragraphs };
}

async function transition(config: ConfigOf<'jira'>, delivery: Delivery, key: string, wanted: string): Promise<Verdict> {
  if (!wanted) return { ok: true };
  const name = delivery.steer(wanted, wanted);
  const url = apiUrl(config, `issue/${key}/transitions`);
  const listed = await delivery.send({ method: 'GET', url });
  const verdict = judge(listed);
  if (!verdict.ok) return verdict;
  const id = transitionId(listed, name);
  if (!id) return { ok: false, retry: false, error: `can't find transition ${JSON.stringify(name)} for issue ${key}` };
  return judge(await delivery.send({ url, json: { transition: { id } } }));
}

function transitionId(response: DeliveryResponse, name: string): string | undefined {
  const answer = parseJson(response.text) as { transitions?: readonly { id: string; name: string }[] } | undefined;
  return answer?.transitions?.find((t) => t.name === name)?.id;
}
