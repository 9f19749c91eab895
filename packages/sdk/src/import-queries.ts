/** PromQL as Prometheus or Grafana have it, with the places where metrics are named. */
import { BelfryError } from '@belfry/model';
import { type Expr, PROMQL_FEATURES, parseExpr } from '@belfry/promql';

/** A query's text, and its tree if it has one: Grafana's variables may stand anywhere. */
export interface ImportedQuery {
  readonly text: string;
  readonly expr: Expr | undefined;
  /** Where in `text` the tree's text begins. */
  readonly offset: number;
}

const VARIABLE = /\$\{[^}]*\}|\$\w+|\[\[\w+(?::\w+)?\]\]/g;
/** `label_values(label)` alone names no metric. */
const METRIC_OF_VARIABLE =
  /^\s*(?:label_values\(\s*([\s\S]+?)\s*,\s*"?[a-zA-Z_]\w*"?|query_result\(\s*([\s\S]+?))\s*\)\s*$/;

/** @throws BelfryError `query_syntax`, `query_type` */
export function ruleQuery(text: string): ImportedQuery {
  return { text, expr: parseExpr(text), offset: 0 };
}

/** A panel's query; without a tree where it cannot be read. */
export function panelQuery(text: string): ImportedQuery {
  return { text, expr: parsedWithVariables(text), offset: 0 };
}

/** A variable's `label_values(…)` or `query_result(…)`. */
export function variableQuery(text: string): ImportedQuery {
  const match = METRIC_OF_VARIABLE.exec(text);
  const inner = match?.[1] ?? match?.[2];
  if (inner === undefined) return { text, expr: undefined, offset: 0 };
  return { text, expr: parsedWithVariables(inner), offset: text.indexOf(inner) };
}

/** Variables give way to something that is as long and can be parsed, so that places stay what they are. */
function parsedWithVariables(text: string): Expr | undefined {
  for (const standIn of ['v', '1']) {
    const filled = text.replace(VARIABLE, (variable, at: number) => {
      const isDuration = /(?:\[|:|\boffset)\s*$/.test(text.slice(0, at));
      return (isDuration ? '1m' : standIn).padEnd(variable.length, ' ');
    });
    try {
      return parseExpr(filled, { features: PROMQL_FEATURES });
    } catch (error) {
      if (!(error instanceof BelfryError)) throw error;
    }
  }
  return undefined;
}
