import type { Expr } from '@belfry/promql';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue, counter, gauge } from './catalogue.ts';
import * as q from './query.ts';
import { exprOf } from './query-expr.ts';

const { metrics: m } = catalogue('shop', {
  a: gauge({ name: 'a', help: 'A.' }),
  b: gauge({ name: 'b', help: 'B.', shared: true }),
  c: counter({ name: 'c_total', help: 'C.' }),
});

/** A query, and the same with every part in parentheses. */
interface Pair {
  readonly query: q.Query;
  readonly explicit: string;
}

const leaf = fc.constantFrom<Pair>(
  { query: q.select(m.a), explicit: '(a)' },
  { query: q.select(m.b), explicit: '(b{job="shop"})' },
  { query: q.rate(m.c, { window: '5m' }), explicit: '(rate(c_total[5m]))' },
);

type Two = readonly [op: string, make: (x: q.Query, y: q.Query) => q.Query];
const TWO: readonly Two[] = [
  ['or', q.or],
  ['and', q.and],
  ['unless', q.unless],
  ['+', q.plus],
  ['-', q.minus],
];

const { pair } = fc.letrec<{ pair: Pair }>((tie) => ({
  pair: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.tuple(fc.constantFrom(...TWO), tie('pair'), tie('pair')).map(([[op, make], x, y]) => ({
      query: make(x.query, y.query),
      explicit: `(${x.explicit} ${op} ${y.explicit})`,
    })),
    fc.tuple(tie('pair'), tie('pair')).map(([x, y]) => ({
      query: q.shareOf(x.query, y.query),
      explicit: `(${x.explicit} / (${y.explicit} > 0))`,
    })),
    tie('pair').map((x) => ({ query: q.above(x.query, 3), explicit: `(${x.explicit} > 3)` })),
    tie('pair').map((x) => ({ query: q.scale(x.query, 60), explicit: `(${x.explicit} * 60)` })),
    tie('pair').map((x) => ({ query: q.sum(x.query, ['job']), explicit: `(sum by (job) (${x.explicit}))` })),
    tie('pair').map((x) => ({ query: q.promql`1 - ${x.query}`, explicit: `(1 - ${x.explicit})` })),
  ),
}));

/** Without parentheses and places: what remains is what is meant. */
function meaning(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(meaning);
  if (typeof node !== 'object' || node === null) return node;
  if ((node as Expr).kind === 'paren') return meaning((node as { expr: Expr }).expr);
  return Object.fromEntries(
    Object.entries(node)
      .filter(([name]) => name !== 'span')
      .map(([name, value]) => [name, meaning(value)]),
  );
}

describe('composition', () => {
  it('puts parentheses exactly where the meaning needs them', () => {
    fc.assert(
      fc.property(pair, ({ query, explicit }) => {
        const meant = exprOf({ kind: 'query', text: explicit, metrics: [], binding: 1 }, 'explicit');
        expect(meaning(exprOf(query, 'composed'))).toEqual(meaning(meant));
      }),
      { numRuns: 300 },
    );
  });
});
