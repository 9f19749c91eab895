import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { at, itemsOf, textOf } from '../tree.ts';

const NO_QUERY = /^(?:text|row|news|dashlist|annolist|alertlist|welcome|gettingstarted|canvas|debug|nodeGraph)$/;

export const panelIncomplete = defineCheck({
  name: 'panel-incomplete',
  finds: 'A panel without a title, or without a query.',
  severity: 'info',
  why: 'Without a title nobody knows what is drawn; without a query nothing is.',
  bad: panelFile('up{job="a"}', { title: '' }),
  good: panelFile('up{job="a"}'),
  run: ({ dashboards }, report) => {
    for (const { panels, origin } of dashboards) {
      for (const panel of origin === 'pack' ? [] : panels) {
        if (NO_QUERY.test(panel.type) || at(panel.tree, 'libraryPanel')) continue;
        const queries = itemsOf(at(panel.tree, 'targets'));
        if (panel.title === '') report({ at: panel.at, message: 'this panel has no title' });
        if (queries.length === 0)
          report({ at: panel.at, severity: 'warning', message: `panel ${JSON.stringify(panel.title)} has no query` });
        for (const target of panel.targets) {
          if (target.expression || textOf(at(target.tree, 'expr'))?.trim()) continue;
          report({
            at: target.at,
            severity: 'warning',
            message: `a query of panel ${JSON.stringify(panel.title)} is empty`,
          });
        }
      }
    }
  },
});
