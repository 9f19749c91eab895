import { useMemo } from 'react';
import { interpolate } from '../dashboard/interpolate.ts';
import { objectOf, textOf } from '../dashboard/model.ts';
import { Markdown } from './markdown.tsx';
import type { PanelProps } from './panel-props.tsx';

/** What the author wrote. HTML is shown as text: a dashboard must not run scripts in the reader's browser. */
export function TextPanel({ panel, context }: PanelProps) {
  const content =
    textOf(panel.options.content) || textOf(panel.source.content) || textOf(objectOf(panel.source.text).content);
  const text = useMemo(() => interpolate(content, context.scope, 'text'), [content, context.scope]);
  return (
    <div className="text-panel">
      {textOf(panel.options.mode, 'markdown') === 'code' ? (
        <pre className="code">{text}</pre>
      ) : (
        <Markdown text={text} />
      )}
    </div>
  );
}
