import './explore.css';
import { Button, Menu, SegmentedControl, Switch, TextInput } from '@mantine/core';
import { IconChartHistogram, IconHistory, IconPlayerPlay, IconPlus, IconX } from '@tabler/icons-react';
import { useIsFetching, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';
import { EmptyState } from '../components/empty-state.tsx';
import { Page } from '../components/page.tsx';
import { useScrapeInterval } from '../components/queries.ts';
import { RefreshPicker, TimeRangePicker } from '../components/time-controls.tsx';
import { useUrlState } from '../components/url-state.ts';
import { useTimeRange } from '../components/use-time-range.ts';
import { DEFAULT_REFRESH_INTERVALS } from '../dashboard/model.ts';
import { forgetHistory, readHistory, remember } from '../explore/history.ts';
import { PromqlEditor } from '../explore/promql-editor.tsx';
import { ResultGraph } from '../explore/result-graph.tsx';
import { ResultTable } from '../explore/result-table.tsx';
import { parseSpan } from '../format/time-range.ts';

const EXAMPLES = [
  ['Which targets are up', 'up'],
  ['Samples per second', 'sum(rate(prometheus_tsdb_head_samples_appended_total[5m]))'],
  ['Metrics with most series', 'topk(10, count by (__name__) ({__name__=~".+"}))'],
] as const;

/** Asks anything: expressions on top, their graph and tables below. */
export function Explore() {
  const [parameters, setParameters] = useSearchParams();
  const time = useTimeRange();
  const [tab, setTab] = useUrlState('tab', 'graph');
  const [step, setStep] = useUrlState('step');
  const [stacked, setStacked] = useUrlState('stacked');
  const scrapeIntervalMs = useScrapeInterval();
  const queryClient = useQueryClient();
  const busy = useIsFetching({ queryKey: ['panel'] }) > 0;
  const fromUrl = parameters.toString();
  const expressions = useMemo(() => expressionsOf(new URLSearchParams(fromUrl)), [fromUrl]);
  const [drafts, setDrafts] = useState<readonly string[]>(expressions.length > 0 ? expressions : ['']);
  // Back, forward and links change the address; the editors follow it.
  const shown = expressions.join('\n');
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a changed address counts
  useEffect(() => {
    if (expressions.length > 0) setDrafts(expressions);
  }, [shown]);

  const run = useCallback(
    (texts: readonly string[]) => {
      const wanted = texts.map((t) => t.trim()).filter((t) => t !== '');
      wanted.toReversed().forEach(remember);
      time.tick();
      void queryClient.invalidateQueries({ queryKey: ['panel'] });
      setParameters((current) => {
        const next = new URLSearchParams([...current].filter(([name]) => name !== 'expr' && !/^g\d+\./.test(name)));
        for (const t of wanted) next.append('expr', t);
        return next;
      });
    },
    [setParameters, time.tick, queryClient],
  );
  const setDraft = (i: number, text: string) => setDrafts((d) => d.map((old, j) => (j === i ? text : old)));
  const remove = (i: number) => {
    const rest = drafts.filter((_, j) => j !== i);
    setDrafts(rest.length > 0 ? rest : ['']);
    run(rest);
  };
  const refresh = () => {
    time.tick();
    void queryClient.invalidateQueries({ queryKey: ['panel'] });
  };
  return (
    <Page
      title="Explore"
      actions={
        <>
          <TimeRangePicker raw={time.raw} range={time.range} onChange={time.setRaw} />
          <RefreshPicker
            value={time.refresh}
            intervals={DEFAULT_REFRESH_INTERVALS}
            onChange={time.setRefresh}
            onRefresh={refresh}
            busy={busy}
          />
        </>
      }
    >
      <div className="queries">
        {drafts.map((text, i) => (
          <QueryRow
            // biome-ignore lint/suspicious/noArrayIndexKey: rows are their places
            key={i}
            index={i}
            text={text}
            many={drafts.length > 1}
            onChange={(t) => setDraft(i, t)}
            onRun={(t) => run(drafts.map((d, j) => (j === i ? t : d)))}
            onRemove={() => remove(i)}
          />
        ))}
        <div className="row wrap">
          <Button size="xs" leftSection={<IconPlayerPlay size={14} />} onClick={() => run(drafts)}>
            Run
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} />}
            onClick={() => setDrafts((d) => [...d, ''])}
          >
            Query
          </Button>
          <HistoryMenu onPick={(expr) => run(drafts.length === 1 ? [expr] : [...drafts.slice(0, -1), expr])} />
          <span className="grow" />
          {tab === 'graph' && (
            <>
              <Switch
                size="xs"
                label="Stacked"
                checked={stacked === '1'}
                onChange={(e) => setStacked(e.currentTarget.checked ? '1' : '')}
              />
              <StepInput value={step} onChange={setStep} />
            </>
          )}
          <SegmentedControl
            size="xs"
            value={tab}
            onChange={setTab}
            data={[
              { value: 'graph', label: 'Graph' },
              { value: 'table', label: 'Table' },
            ]}
          />
        </div>
      </div>
      {expressions.length === 0 ? (
        <EmptyState roomy icon={IconChartHistogram} title="Ask something">
          <p>Enter runs, Shift Enter breaks the line, Ctrl Space completes, Alt ↑ goes through the history.</p>
          <div className="examples">
            {EXAMPLES.map(([title, expr]) => (
              <button key={expr} type="button" className="chip-toggle" title={expr} onClick={() => run([expr])}>
                {title}
              </button>
            ))}
          </div>
        </EmptyState>
      ) : tab === 'graph' ? (
        <ResultGraph
          expressions={expressions}
          step={step}
          stacked={stacked === '1'}
          time={time}
          scrapeIntervalMs={scrapeIntervalMs}
        />
      ) : (
        expressions.map((expr, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same expression may be asked twice
          <ResultTable key={i} expr={expr} refId={expressions.length > 1 ? letter(i) : ''} timeMs={time.range.toMs} />
        ))
      )}
    </Page>
  );
}

const letter = (i: number) => String.fromCharCode(65 + (i % 26));

/** `expr`, or what Prometheus' own addresses call `g0.expr`, `g1.expr`. */
function expressionsOf(parameters: URLSearchParams): readonly string[] {
  const own = parameters.getAll('expr');
  const theirs = [...parameters].filter(([name]) => /^g\d+\.expr$/.test(name)).map(([, value]) => value);
  return [...own, ...theirs].filter((e) => e.trim() !== '');
}

interface QueryRowProps {
  readonly index: number;
  readonly text: string;
  readonly many: boolean;
  readonly onChange: (text: string) => void;
  readonly onRun: (text: string) => void;
  readonly onRemove: () => void;
}

function QueryRow({ index, text, many, onChange, onRun, onRemove }: QueryRowProps) {
  const [at, setAt] = useState(-1);
  const onHistory = (direction: -1 | 1) => {
    const list = readHistory();
    const next = Math.min(Math.max(at - direction, -1), list.length - 1);
    setAt(next);
    return next < 0 ? '' : list[next];
  };
  return (
    <div className="query-row">
      {many && <span className="query-letter">{letter(index)}</span>}
      <PromqlEditor
        value={text}
        label={`Query ${letter(index)}`}
        autoFocus={index === 0 && text === ''}
        onChange={onChange}
        onRun={onRun}
        onHistory={onHistory}
      />
      {many && (
        <button type="button" className="icon-button" aria-label={`Remove query ${letter(index)}`} onClick={onRemove}>
          <IconX size={16} />
        </button>
      )}
    </div>
  );
}

function HistoryMenu({ onPick }: { readonly onPick: (expr: string) => void }) {
  const [open, setOpen] = useState(false);
  const list = open ? readHistory() : [];
  return (
    <Menu opened={open} onChange={setOpen} position="bottom-start">
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconHistory size={14} />}>
          History
        </Button>
      </Menu.Target>
      <Menu.Dropdown maw={640} mah={380} style={{ overflowY: 'auto' }}>
        {list.length === 0 && <Menu.Label>Nothing was run yet</Menu.Label>}
        {list.map((expr) => (
          <Menu.Item key={expr} onClick={() => onPick(expr)}>
            <span className="mono">{expr}</span>
          </Menu.Item>
        ))}
        {list.length > 0 && <Menu.Divider />}
        {list.length > 0 && <Menu.Item onClick={forgetHistory}>Forget all</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}

function StepInput({ value, onChange }: { readonly value: string; readonly onChange: (v: string) => void }) {
  const [text, setText] = useState(value);
  const wrong = text !== '' && !parseSpan(text);
  const commit = () => {
    if (!wrong) onChange(text);
  };
  return (
    <TextInput
      size="xs"
      w={104}
      placeholder="Step: auto"
      aria-label="Step"
      error={wrong}
      value={text}
      onChange={(e) => setText(e.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(e) => e.key === 'Enter' && commit()}
    />
  );
}
