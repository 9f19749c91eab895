import { type Dashboard, dashboard, panel, row, steps } from './dashboard.ts';
import type { Query } from './query.ts';
import { type Slo, sloRecordings } from './slo.ts';

/** A row for each objective: what is left of its budget, the share of good events, and how fast the budget burns. */
export function sloDashboard(
  uid: string,
  options: { readonly title: string; readonly tags?: readonly string[] },
  slos: readonly Slo[],
): Dashboard {
  return dashboard(uid, {
    title: options.title,
    description: 'Service level objectives: what was promised, what was kept, and what may still fail.',
    tags: [...(options.tags ?? []), 'slo'],
    refresh: '1m',
    from: 'now-6h',
    rows: slos.map(objectiveRow),
  });
}

function objectiveRow(of: Slo) {
  const names = sloRecordings(of);
  const budget = Number((1 - of.objective).toPrecision(6));
  const percent = `${Number((of.objective * 100).toPrecision(6))} %`;
  return row(
    `${of.title}: ${percent} in ${of.window}`,
    [
      panel.stat('Budget Left', stored(names.budget), {
        unit: 'percentunit',
        width: 5,
        thresholds: steps('red', [0, 'yellow'], [0.25, 'green']),
        description:
          'Of the events that may be bad in the window; below 0 it is overdrawn. Without older data: of what was seen.',
      }),
      panel.stat('Good Events', stored(`1 - ${names.errors(of.window)}`), {
        unit: 'percentunit',
        width: 5,
        decimals: 3,
        thresholds: steps('red', [of.objective, 'green']),
      }),
      panel.timeseries(
        'Burn Rate',
        {
          '5m': stored(`${names.errors('5m')} / ${budget}`),
          '1h': stored(`${names.errors('1h')} / ${budget}`),
          '6h': stored(`${names.errors('6h')} / ${budget}`),
        },
        { width: 14, description: 'Times the speed at which the budget lasts exactly for the window.' },
      ),
    ],
    { height: 6 },
  );
}

function stored(text: string): Query {
  return { kind: 'query', text, metrics: [], binding: 1 };
}
