import { defineCheck } from '../check.ts';
import { panelFile } from '../examples.ts';
import { at, textOf } from '../tree.ts';

const without = {
  'dashboard.json': panelFile('up{job="a"}')['dashboard.json']!.replace('"description": "Requests answered.",', ''),
};

export const panelDescriptionMissing = defineCheck({
  name: 'panel-description-missing',
  finds: 'A dashboard with panels that nothing describes.',
  severity: 'info',
  why: 'What is good and what is bad here, and what to do then, is known to the author. One finding a dashboard, with the number of panels.',
  bad: without,
  good: panelFile('up{job="a"}'),
  run: ({ dashboards }, report) => {
    for (const { panels, at: place, origin } of dashboards) {
      if (origin !== 'file' && origin !== 'kubernetes') continue;
      const silent = panels.filter((p) => p.targets.length > 0 && !textOf(at(p.tree, 'description')));
      if (silent.length > 0)
        report({ at: place, message: `${silent.length} of ${panels.length} panels have no description` });
    }
  },
});
