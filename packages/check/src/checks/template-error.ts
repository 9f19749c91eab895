import { BelfryError, nearest } from '@belfry/model';
import {
  ALERT_PREAMBLE,
  ALERTMANAGER_FUNCTIONS,
  PROMETHEUS_FUNCTIONS,
  parseTemplates,
  templateFault,
} from '@belfry/template';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { placeIn, type Snippet, wholeOf } from '../source.ts';
import { actionsOf } from '../template-text.ts';
import { entriesOf, snippetOf, type Tree } from '../tree.ts';

export const templateError = defineCheck({
  name: 'template-error',
  finds:
    'A template of an annotation, label or notification that does not parse, or calls a function that does not exist.',
  severity: 'error',
  why: `Prometheus refuses the whole rule file for it. Alertmanager fails when it notifies: nobody hears of the alert.`,
  bad: alertFile('up == 0', { description: 'used {{ $value | humanizeBytes }}' }),
  good: alertFile('up == 0', { description: 'used {{ $value | humanize1024 }}B' }),
  run: ({ alerts, recordings, alertmanagers }, report) => {
    const rules = parseTemplates([], PROMETHEUS_FUNCTIONS);
    const notifications = parseTemplates([], ALERTMANAGER_FUNCTIONS);
    const names = Object.keys(PROMETHEUS_FUNCTIONS);
    const check = (
      value: Snippet,
      set: { prepare(text: string, as?: string): unknown },
      prefix: string,
      known: readonly string[],
    ) => {
      if (!value.text.includes('{{')) return;
      try {
        set.prepare(prefix + value.text, 'text');
      } catch (error) {
        if (!(error instanceof BelfryError)) throw error;
        const message = templateFault(error)?.detail ?? error.message;
        const unknown = /function "(\w+)" not defined/.exec(message)?.[1];
        const action = actionsOf(value.text).find((a) => unknown !== undefined && a.text.includes(unknown));
        const near =
          unknown === undefined ? undefined : unknown === 'humanizeBytes' ? 'humanize1024' : nearest(unknown, known);
        report({
          at: action ? placeIn(value, action.start, action.end) : wholeOf(value),
          message: unknown ? `templates have no function ${unknown}` : message,
          suggestion: near ? `did you mean ${near}?` : undefined,
        });
      }
    };
    for (const rule of [...alerts, ...recordings]) {
      const texts = rule.kind === 'alert' ? [...rule.labels.values(), ...rule.annotations.values()] : [];
      for (const { value } of texts) check(value, rules, ALERT_PREAMBLE, names);
    }
    for (const { receivers } of alertmanagers) {
      for (const integration of receivers.flatMap((r) => r.integrations)) {
        for (const value of scalarsOf(integration.tree)) {
          check(value, notifications, '', Object.keys(ALERTMANAGER_FUNCTIONS));
        }
      }
    }
  },
});

function scalarsOf(tree: Tree): Snippet[] {
  if (tree.kind === 'scalar') return tree.text.includes('{{') ? [snippetOf(tree)] : [];
  if (tree.kind === 'list') return tree.items.flatMap(scalarsOf);
  return entriesOf(tree).flatMap(([, { value }]) => scalarsOf(value));
}
