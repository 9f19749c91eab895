import type { NotificationRecord, RouteOutlook, WhyReport } from '@belfry/alerting';
import { formatLabels, labelsFrom } from '@belfry/model';
import pc from 'picocolors';
import type { Origin, OriginPart, OriginTransition } from './provenance.ts';

/** Notifications that are shown; the API has more. */
const MAX_NOTIFICATIONS = 5;

const TRANSITIONS: Readonly<Record<OriginTransition['reason'], string>> = {
  appeared: 'the expression gave it',
  held: 'it held for as long as `for` asks',
  vanished: 'the expression gave it no more',
  'keep-firing': 'the expression gave it no more; `keep_firing_for` holds it',
  'keep-firing-ended': '`keep_firing_for` is over',
  'hold-raised': 'a reload raised `for`',
  restored: 'taken over from before a restart',
  'limit-exceeded': 'its rule made more alerts than the group allows',
};

/** The story of an alert, for a terminal: how it came to be, where it goes, what held it back, who was told. */
export function whyText(report: WhyReport): string {
  const { alertname = '', ...labels } = report.alert.labels;
  const state = report.alert.status === 'firing' ? pc.red('firing') : pc.green('resolved');
  const since = report.alert.status === 'firing' ? report.alert.startsAt : report.alert.endsAt;
  return [
    `${pc.bold(alertname)}${labelsText(labels)} is ${state} since ${since}.`,
    `${capital(report.summary)}.`,
    ...section('How it came to be', originLines(report.origin, report.alert.generatorURL)),
    ...section('Route', stepLines(report)),
    ...section('Groups', report.routes.map(outlookText)),
    ...section('Inhibition', inhibitionLines(report)),
    ...section('Silences', silenceLines(report)),
    ...section('Notifications', notificationLines(report.notifications)),
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return ['', pc.bold(title), ...lines.map((line) => `  ${line}`)];
}

function originLines(told: unknown, generatorUrl: string): string[] {
  const origin = told as Origin | undefined;
  if (origin?.kind !== 'rule') {
    const from = generatorUrl === '' ? '' : ` It names ${generatorUrl} as its source.`;
    return [`It was not sent by rules of this server, so nothing more is known.${from}`];
  }
  return [
    `Rule ${pc.bold(origin.alert)} of group ${origin.group} in ${origin.file}:`,
    ...origin.expr
      .trim()
      .split('\n')
      .map((line) => `  ${pc.cyan(line)}`),
    ...origin.transitions.flatMap(transitionLines),
  ];
}

function transitionLines({ at, from, to, reason, value, evidence = [] }: OriginTransition): string[] {
  const change = from === to ? `stays ${to}` : `${from} → ${to}`;
  return [`${at}  ${change}: ${TRANSITIONS[reason]}, value ${value}`, ...evidence.flatMap(partLines)];
}

function partLines({ expr, samples, more, error }: OriginPart): string[] {
  const name = `    ${oneLine(expr)}`;
  if (error !== undefined) return [`${name}  ${pc.red(error)}`];
  if (samples.length === 0) return [`${name}  gave nothing`];
  const [only] = samples;
  if (samples.length === 1 && more === 0) return [`${name} = ${only!.value}  ${pc.dim(labelsText(only!.labels))}`];
  const lines = samples.map((s) => `      ${s.value}  ${pc.dim(labelsText(s.labels))}`);
  return [name, ...lines, ...(more > 0 ? [`      and ${more} more`] : [])];
}

function oneLine(expr: string): string {
  return expr.replace(/\s+/g, ' ').trim();
}

function stepLines({ steps }: WhyReport): string[] {
  return steps.map(({ depth, receiver, matchers, matched, taken, reason }) => {
    const mark = taken ? pc.green('→') : matched ? '·' : pc.dim('×');
    const name = depth === 0 && matchers === '{}' ? '(root)' : matchers;
    return `${'  '.repeat(depth)}${mark} ${name} to ${receiver}: ${reason}`;
  });
}

function outlookText({ receiver, groupLabels, mutedBy, intervals, nextFlush, lastFlush, told }: RouteOutlook): string {
  const parts = [
    ...intervals.map(
      ({ name, use, contains }) => `${use} time interval ${name} ${contains ? 'covers' : 'does not cover'} now`,
    ),
    ...(mutedBy.length > 0 ? [`muted by ${mutedBy.join(', ')}`] : []),
    ...told.map(
      (t) =>
        `${t.integration} was told at ${t.at}${t.asFiring ? '' : t.asResolved ? ' that it is resolved' : ', without this alert'}`,
    ),
    ...(lastFlush ? [`last looked at ${lastFlush}`] : []),
    nextFlush ? `next at ${nextFlush}` : 'the group does not exist (any more)',
  ];
  return `${labelsText(groupLabels) || '{}'} to ${receiver}: ${parts.join('; ')}`;
}

function inhibitionLines({ inhibitions }: WhyReport): string[] {
  if (inhibitions.length === 0) return ['No rule has it as a target.'];
  return inhibitions.map(
    ({ rule, name, applied, reason }) =>
      `${applied ? pc.yellow('inhibits') : 'does not apply'}: rule ${name ?? rule}: ${reason}`,
  );
}

function silenceLines({ silences }: WhyReport): string[] {
  if (silences.length === 0) return ['None matches.'];
  return silences.map(
    ({ id, state, createdBy, endsAt, comment }) =>
      `${state}: ${id} by ${createdBy} until ${endsAt}${comment ? `: ${comment}` : ''}`,
  );
}

/** The newest first, each with its attempts. */
export function notificationLines(notifications: readonly NotificationRecord[]): string[] {
  if (notifications.length === 0) return ['None yet.'];
  const lines = notifications.slice(0, MAX_NOTIFICATIONS).flatMap((n) => {
    const how = n.integration === '' ? n.receiver : `${n.receiver} by ${n.integration}`;
    const mark =
      n.outcome === 'sent' ? pc.green('sent') : n.outcome === 'failed' ? pc.red('failed') : pc.yellow(n.outcome);
    const what = `${n.alerts.length} ${n.alerts.length === 1 ? 'alert' : 'alerts'}`;
    const head = `${new Date(n.atMs).toISOString()}  ${mark} to ${how}, ${what}${n.drill ? ' (a drill)' : ''}: ${n.reason}`;
    const attempts = n.attempts.map((a) => {
      const status = a.status === undefined ? '' : `, status ${a.status}`;
      return `    ${a.ok ? 'delivered' : `failed: ${a.error ?? 'no reason'}`}${status}, ${Math.round(a.latencyMs)} ms`;
    });
    return [head, ...attempts];
  });
  const more = notifications.length - MAX_NOTIFICATIONS;
  return more > 0 ? [...lines, `and ${more} more; --format json shows them`] : lines;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.keys(labels).length === 0 ? '' : formatLabels(labelsFrom(labels));
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
