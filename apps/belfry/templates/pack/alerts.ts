/** What somebody is told about acme-shop. */
import { above, alert, equals, limit, or, promql, quantile, ratio, ruleGroup, up } from '@belfry/sdk';
import { acmeShop, acmeShopCatalogue } from './metrics.ts';

/** Thresholds, shared with the dashboard. */
export const LIMITS = {
  failureRatio: limit(0.05),
  slowSeconds: limit(0.5),
} as const;

const labels = { team: 'acme-shop' } as const;

const running = up(acmeShopCatalogue.job);

export const down = alert('AcmeShopDown', {
  // A target that is not discovered at all has no `up` that could be 0.
  query: or(equals(running, 0), promql`absent(${running})`),
  for: '2m',
  severity: 'critical',
  labels,
  summary: 'acme-shop is down',
  description: '{{ or $labels.instance "every instance" }} has not answered for more than 2 minutes',
  runbook: 'down',
});

export const failures = alert('AcmeShopFailures', {
  query: above(
    ratio(acmeShop.requests, acmeShop.requests, { by: ['job'], window: '5m', wherePart: { outcome: 'failed' } }),
    LIMITS.failureRatio,
  ),
  for: '5m',
  severity: 'critical',
  labels,
  summary: 'Requests to acme-shop fail',
  description: '{{ $value | humanizePercentage }} of the requests fail',
  runbook: 'failures',
});

export const slow = alert('AcmeShopSlow', {
  query: above(quantile(0.95, acmeShop.requestDuration, { by: ['job'], window: '5m' }), LIMITS.slowSeconds),
  for: '10m',
  severity: 'warning',
  labels,
  summary: 'acme-shop is slow',
  description: '5 % of the requests take {{ $value | humanizeDuration }} or longer',
  runbook: 'slow',
});

export const alerts = ruleGroup('alerts', '30s', [down, failures, slow]);
