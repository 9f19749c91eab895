import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { BelfryError, type Clock, messageOf } from '@belfry/model';
import {
  ALERTMANAGER_FUNCTIONS,
  escapeHtml,
  notificationTemplateData,
  parseTemplates,
  type TemplateSet,
} from '@belfry/template';
import { type Alert, isResolved } from './alert.ts';
import { DEFAULT_TEMPLATES } from './default-templates.ts';
import type { NotificationData } from './notification-data.ts';

/** What one template may write; a mail of 10,000 alerts fits. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** Expands templates over a notification. No method throws: see each for what it gives when a template fails. */
export interface Renderer {
  /** Text for people; where it fails, the essentials and the complaint. */
  say(template: string, data: TemplateInput): string;
  /** HTML for people, values escaped where they stand; where it fails, the essentials and the complaint. */
  sayHtml(template: string, data: TemplateInput): string;
  /** A text that steers; `fallback` where the template fails. */
  steer(template: string, data: TemplateInput, fallback: string): string;
}

interface TemplateInput {
  readonly receiver: string;
  readonly data: NotificationData;
  readonly alerts: readonly Alert[];
  readonly nowMs: number;
}

/**
 * Reads the template files (a later definition of a name replaces an earlier one, and the defaults).
 * @throws BelfryError `template_failed`, `file_unreadable`
 */
export function createRenderer(patterns: readonly string[], clock: Clock): Renderer {
  const templates = loadTemplates(patterns);
  const expand = (template: string, input: TemplateInput, html: boolean): string => {
    if (!template.includes('{{')) return template;
    const data = dataOf(input);
    return templates.renderSync({ text: template }, data, {
      host: undefined,
      clock,
      html,
      maxOutputBytes: MAX_OUTPUT_BYTES,
    });
  };
  const attempt = (template: string, input: TemplateInput, html: boolean): string => {
    try {
      return expand(template, input, html);
    } catch (error) {
      return essentials(input.data, messageOf(error));
    }
  };
  return {
    say: (template, input) => attempt(template, input, false),
    sayHtml(template, input) {
      const text = attempt(template, input, true);
      return text.startsWith(FAILED) ? `<pre>${escapeHtml(text)}</pre>` : text;
    },
    steer(template, input, fallback) {
      try {
        return expand(template, input, false);
      } catch {
        return fallback;
      }
    },
  };
}

/** The template files of a configuration with the defaults, parsed. @throws BelfryError `template_failed`, `file_unreadable` */
export function loadTemplates(patterns: readonly string[]): TemplateSet<unknown> {
  const sources = templateFiles(patterns).map((file) => {
    try {
      return { name: basename(file), text: readFileSync(file, 'utf8') };
    } catch (error) {
      throw new BelfryError('file_unreadable', `cannot read template file ${file}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  });
  return parseTemplates([{ name: 'default.tmpl', text: DEFAULT_TEMPLATES }, ...sources], ALERTMANAGER_FUNCTIONS);
}

/** The files that patterns name, in the order in which their definitions replace each other. */
export function templateFiles(patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => globSync(pattern).sort());
}

const cache = new WeakMap<TemplateInput, object>();

/** The same `.` serves all the templates of one message. */
function dataOf(input: TemplateInput): object {
  let data = cache.get(input);
  if (!data) {
    const { receiver, alerts, nowMs } = input;
    const { status, groupLabels, commonLabels, commonAnnotations, externalURL: externalUrl } = input.data;
    data = notificationTemplateData({
      receiver,
      status,
      groupLabels,
      commonLabels,
      commonAnnotations,
      externalUrl,
      alerts: input.data.alerts.map((shown, i) => ({
        status: shown.status,
        labels: shown.labels,
        annotations: shown.annotations,
        startsAtMs: alerts[i]!.startsAtMs,
        ...(isResolved(alerts[i]!, nowMs) ? { endsAtMs: alerts[i]!.endsAtMs } : {}),
        generatorUrl: shown.generatorURL,
        fingerprint: shown.fingerprint,
      })),
    });
    cache.set(input, data);
  }
  return data;
}

const FAILED = 'The template of this notification failed';
const MAX_ESSENTIAL_ALERTS = 10;

/** What must be said even when the template is broken. */
function essentials(data: NotificationData, complaint: string): string {
  const lines = data.alerts.slice(0, MAX_ESSENTIAL_ALERTS).map((a) => {
    const labels = Object.entries(a.labels).map(([name, value]) => `${name}=${value}`);
    const said = a.annotations.summary ?? a.annotations.description ?? '';
    return `[${a.status.toUpperCase()}] ${labels.join(' ')}${said ? `: ${said}` : ''}`;
  });
  const more = data.alerts.length - lines.length;
  if (more > 0) lines.push(`… and ${more} more`);
  return `${FAILED} (${complaint}).\n${lines.join('\n')}`;
}
