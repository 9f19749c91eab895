import type { Matcher } from '@belfry/model';
import { defineCheck } from '../check.ts';
import { alertFile } from '../examples.ts';
import { hasVariable, placeOfSpan } from '../expression.ts';

export const regexpNeedless = defineCheck({
  name: 'regexp-needless',
  finds: 'A regular expression that is none, is anchored twice, or matches everything.',
  severity: 'info',
  why: `Prometheus anchors every pattern at both ends. \`^a$\` says the same as \`a\`, a pattern without special characters the same
as equality (which is faster), and \`=~".*"\` nothing at all; who means "not empty" writes \`!=""\`.`,
  bad: alertFile('up{job=~"^shop$"} == 0'),
  good: alertFile('up{job="shop"} == 0'),
  run: ({ nodes }, report) => {
    for (const { node, expression } of nodes) {
      for (const matcher of node.kind === 'selector' ? node.matchers : []) {
        const said = smell(matcher);
        if (said && !hasVariable(matcher.value)) {
          report({ at: placeOfSpan(expression, node.span), message: said.message, suggestion: said.suggestion });
        }
      }
    }
  },
});

function smell({ name, op, value }: Matcher): { message: string; suggestion: string } | undefined {
  if (op !== '=~' && op !== '!~') return undefined;
  const equal = op === '=~' ? '=' : '!=';
  if (/^[\w\s:/-]*$/.test(value) && value !== '') {
    return { message: `${name}${op}"${value}" has no pattern in it`, suggestion: `${name}${equal}"${value}"` };
  }
  if (/^\^/.test(value) || /(?:^|[^\\])\$$/.test(value)) {
    const plain = value.replace(/^\^/, '').replace(/\$$/, '');
    return { message: `${name}${op}"${value}": patterns are anchored already`, suggestion: `${name}${op}"${plain}"` };
  }
  if (value === '.*' && op === '=~') {
    return {
      message: `${name}=~".*" selects everything`,
      suggestion: `leave it out, or write ${name}!="" for those that have the label`,
    };
  }
  return undefined;
}
