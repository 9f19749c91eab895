import { defineCheck } from '../check.ts';

const pack = (scenarios: string) => ({
  'pack.ts': `import { above, alert, catalogue, counter, pack, rate, ruleGroup, scenario, scrapeJob } from '@belfry/sdk';

const shop = catalogue('shop', { failures: counter({ name: 'shop_failures_total', help: 'Orders that failed.' }) });
const failing = alert('ShopFailing', {
  query: above(rate(shop.metrics.failures, { window: '5m' }), 1),
  for: '5m',
  severity: 'critical',
  summary: 'Orders fail',
  description: 'Orders fail.',
});

export default pack({
  name: 'shop',
  title: 'Shop',
  directory: import.meta.dirname,
  catalogues: [shop],
  scrape: [scrapeJob(shop, { targets: ['127.0.0.1:9100'], interval: '15s' })],
  rules: [ruleGroup('shop', '30s', [failing])],
  scenarios: [${scenarios}],
});
`,
});

export const alertNoScenario = defineCheck({
  name: 'alert-no-scenario',
  finds: 'An alert of a pack that no scenario expects.',
  severity: 'info',
  why: `A scenario breaks something and says which alerts must tell. An alert that no scenario expects has never been seen to
fire. Asked only of packs.`,
  bad: pack(''),
  good: pack(`
    scenario('orders fail', {
      story: 'The payment provider is down.',
      breaks: [{ service: 'shop', incident: 'payment-down' }],
      expects: [{ alert: failing, within: '10m' }],
      resolvesWithin: '10m',
    }),
  `),
  run: ({ packs, alerts }, report) => {
    for (const { pack, placeOf } of packs) {
      const expected = new Set(pack.scenarios.flatMap((s) => s.expects.map((e) => e.alert.name)));
      for (const rule of pack.rules.flatMap((g) => g.rules)) {
        if (rule.kind !== 'alert' || expected.has(rule.name)) continue;
        if (alerts.some((a) => a.name === rule.name)) {
          report({ at: placeOf(rule.name), message: `no scenario of pack ${pack.name} expects alert ${rule.name}` });
        }
      }
    }
  },
});
