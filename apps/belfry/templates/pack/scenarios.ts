/** What must be noticed, and by when. */
import { scenario } from '@belfry/sdk';
import { down, failures, slow } from './alerts.ts';

export const scenarios = [
  scenario('acme-shop-stopped', {
    story: 'acme-shop is gone.',
    breaks: [{ service: 'acme-shop', incident: 'stopped' }],
    expects: [{ alert: down, within: '4m' }],
    resolvesWithin: '3m',
  }),
  scenario('acme-shop-failing', {
    story: 'What acme-shop stands on does not answer: requests fail.',
    breaks: [{ service: 'acme-shop', incident: 'failing' }],
    expects: [{ alert: failures, within: '12m' }],
    resolvesWithin: '10m',
  }),
  scenario('acme-shop-slow', {
    story: 'Every request takes a second longer.',
    breaks: [{ service: 'acme-shop', incident: 'slow' }],
    expects: [{ alert: slow, within: '16m' }],
    resolvesWithin: '10m',
  }),
];
