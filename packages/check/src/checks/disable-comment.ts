import { defineCheck } from '../check.ts';

const file = (comment: string) => ({
  'rules.yml': `groups:
  - name: example
    rules:
      ${comment}
      - record: shop_error_rate
        expr: sum(rate(shop_errors_total[5m]))
`,
});

export const disableComment = defineCheck({
  name: 'disable-comment',
  finds: 'A comment that disables a check without a reason, or names a check that there is not.',
  severity: 'warning',
  why: 'Whoever comes later wants to know whether the reason still holds. Without one, the comment disables nothing.',
  bad: file('# belfry:disable recording-name'),
  good: file('# belfry:disable recording-name dashboards of another team use this name'),
  // The comments are read where findings are filtered; see suppress.ts.
  run: () => {},
});
