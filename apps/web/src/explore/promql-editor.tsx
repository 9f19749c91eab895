import '../components/expr.css';
import './promql-editor.css';
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  completionStatus,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { useEffect, useRef } from 'react';

interface PromqlEditorProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly onRun: (value: string) => void;
  readonly onHistory: (direction: -1 | 1) => string | undefined;
  readonly label: string;
  readonly autoFocus?: boolean;
}

const HIGHLIGHT = HighlightStyle.define([
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

/** PromQL with completion from this server's own series, and errors as one types. Enter runs, Shift-Enter breaks the line. */
export function PromqlEditor({ value, onChange, onRun, onHistory, label, autoFocus = false }: PromqlEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const handlers = useRef({ onChange, onRun, onHistory });
  handlers.current = { onChange, onRun, onHistory };
  const first = useRef({ value, autoFocus, label });

  useEffect(() => {
    const promql = new PromQLExtension().setComplete({
      remote: { url: '', fetchFn: (input, init) => fetch(input, init), httpMethod: 'GET', cache: { maxAge: 60_000 } },
    });
    const language = new Compartment();
    const replace = (text: string | undefined) => {
      const current = view.current;
      if (text === undefined || !current) return false;
      current.dispatch({
        changes: { from: 0, to: current.state.doc.length, insert: text },
        selection: { anchor: text.length },
      });
      return true;
    };
    const run = (current: EditorView) => {
      handlers.current.onRun(current.state.doc.toString());
      return true;
    };
    const created = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: first.current.value,
        extensions: [
          history(),
          bracketMatching(),
          closeBrackets(),
          indentOnInput(),
          autocompletion({ icons: true, activateOnTyping: true, maxRenderedOptions: 60 }),
          language.of(promql.asExtension()),
          syntaxHighlighting(HIGHLIGHT),
          placeholder('Write PromQL, such as  sum by (job) (rate(http_requests_total[5m]))'),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': first.current.label, spellcheck: 'false' }),
          Prec.highest(
            keymap.of([
              { key: 'Shift-Enter', run: insertNewlineAndIndent },
              { key: 'Mod-Enter', run },
              { key: 'Enter', run: (v) => (completionStatus(v.state) === 'active' ? false : run(v)) },
              { key: 'Alt-ArrowUp', run: () => replace(handlers.current.onHistory(-1)) },
              { key: 'Alt-ArrowDown', run: () => replace(handlers.current.onHistory(1)) },
            ]),
          ),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) handlers.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = created;
    if (first.current.autoFocus) created.focus();
    return () => {
      promql.destroy();
      created.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    const current = view.current;
    if (!current || current.state.doc.toString() === value) return;
    current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: value } });
  }, [value]);

  return <div className="promql-editor" ref={host} />;
}
