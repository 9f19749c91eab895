import { highlightCode, tagHighlighter, tags } from '@lezer/highlight';
import { parser } from '@prometheus-io/lezer-promql';
import { type ReactNode, useMemo } from 'react';
import { Link } from 'react-router';
import './expr.css';

const CLASSES = tagHighlighter([
  { tag: tags.keyword, class: 'px-keyword' },
  { tag: [tags.function(tags.variableName), tags.modifier], class: 'px-func' },
  { tag: tags.labelName, class: 'px-label' },
  { tag: tags.string, class: 'px-string' },
  { tag: [tags.number, tags.unit], class: 'px-number' },
  {
    tag: [tags.operator, tags.arithmeticOperator, tags.compareOperator, tags.definitionOperator],
    class: 'px-operator',
  },
  { tag: tags.comment, class: 'px-comment' },
]);

/** A PromQL expression in colours; with an address it leads there. */
export function Expr({ expr, to }: { readonly expr: string; readonly to?: string }) {
  const parts = useMemo(() => highlight(expr), [expr]);
  if (!to) return <code className="expr">{parts}</code>;
  return (
    <Link className="expr" to={to} title="Open in explore">
      {parts}
    </Link>
  );
}

function highlight(expr: string): readonly ReactNode[] {
  const out: ReactNode[] = [];
  highlightCode(
    expr,
    parser.parse(expr),
    CLASSES,
    (text, classes) =>
      out.push(
        classes ? (
          <span key={out.length} className={classes}>
            {text}
          </span>
        ) : (
          text
        ),
      ),
    () => out.push('\n'),
  );
  return out;
}
