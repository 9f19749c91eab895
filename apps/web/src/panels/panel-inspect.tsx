import { Button, Drawer, SegmentedControl, Select } from '@mantine/core';
import { IconCopy, IconDownload } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { DataTable } from '../components/data-table.tsx';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { csvOf } from '../dashboard/csv.ts';
import { type Frame, fieldTitle } from '../dashboard/frames.ts';
import type { Panel } from '../dashboard/model.ts';
import { localDateTime, roughSpan, spanText } from '../format/time-range.ts';
import { formatValue, numberText } from '../format/units.ts';
import type { PanelData } from './panel-data.ts';

type Tab = 'data' | 'query' | 'json';

interface PanelInspectProps {
  readonly panel: Panel;
  readonly title: string;
  readonly data: PanelData;
  readonly tab: Tab;
  readonly onTab: (tab: Tab) => void;
  readonly onClose: () => void;
}

/** What a panel asked, what it got, and what its file says. */
export function PanelInspect({ panel, title, data, tab, onTab, onClose }: PanelInspectProps) {
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="min(860px, 96vw)"
      title={`Inspect: ${title || panel.type}`}
      padding="md"
    >
      <SegmentedControl
        size="xs"
        value={tab}
        onChange={(v) => onTab(v as Tab)}
        data={[
          { value: 'data', label: 'Data' },
          { value: 'query', label: 'Query' },
          { value: 'json', label: 'Panel JSON' },
        ]}
      />
      <div style={{ marginTop: 14 }}>
        {tab === 'data' && <InspectData data={data} title={title} />}
        {tab === 'query' && <InspectQuery data={data} />}
        {tab === 'json' && <pre className="code">{JSON.stringify(panel.source, undefined, 2)}</pre>}
      </div>
    </Drawer>
  );
}

function InspectData({ data, title }: { readonly data: PanelData; readonly title: string }) {
  const [chosen, setChosen] = useState('0');
  const frame = data.frames[Number(chosen)];
  if (!frame) return <EmptyState title="No data" roomy />;
  const download = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([csvOf(data.frames)], { type: 'text/csv' }));
    link.download = `${title || 'panel'}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <>
      <div className="row" style={{ marginBottom: 10 }}>
        <Select
          size="xs"
          w={380}
          searchable
          allowDeselect={false}
          aria-label="Series"
          value={chosen}
          onChange={(v) => setChosen(v ?? '0')}
          data={data.frames.map((f, i) => ({
            value: String(i),
            label: `${f.refId}: ${f.fields
              .filter((x) => x.type === 'number')
              .map(fieldTitle)
              .join(', ')}`,
          }))}
        />
        <Button size="xs" variant="default" leftSection={<IconDownload size={14} />} onClick={download}>
          Download CSV
        </Button>
      </div>
      <div className="card" style={{ height: '68vh', overflow: 'hidden' }}>
        <FrameTable frame={frame} />
      </div>
    </>
  );
}

function FrameTable({ frame }: { readonly frame: Frame }) {
  const columns = useMemo(
    () =>
      frame.fields.map((field, i) => ({
        key: `${i}-${field.name}`,
        title: fieldTitle(field),
        align: field.type === 'number' ? ('right' as const) : ('left' as const),
        widthPx: field.type === 'time' ? 160 : undefined,
        values: field.values,
        render: (row: number) => {
          const value = field.values[row] ?? null;
          if (field.type === 'time') return { content: localDateTime(Number(value)) };
          if (typeof value === 'number')
            return { content: formatValue(value, field.config?.unit, field.config?.decimals), title: String(value) };
          return { content: value ?? '–' };
        },
      })),
    [frame],
  );
  return <DataTable label="Data" columns={columns} rowCount={frame.fields[0]?.values.length ?? 0} rowPx={26} />;
}

function InspectQuery({ data }: { readonly data: PanelData }) {
  if (data.requests.length === 0) return <EmptyState title="No queries" roomy />;
  return (
    <div style={{ display: 'grid', gap: 16 }}>
      {data.requests.map((request) => {
        const answered = data.answers.find((a) => a.target.refId === request.target.refId);
        const failed = data.errors.find((e) => e.refId === request.target.refId);
        const answer = answered?.answer;
        const count =
          answer?.kind === 'matrix'
            ? answer.series.length
            : answer?.kind === 'vector'
              ? answer.samples.length
              : answer
                ? 1
                : 0;
        return (
          <div key={request.target.refId}>
            <div className="row" style={{ marginBottom: 6 }}>
              <strong>{request.target.refId}</strong>
              <span className="dim">
                {request.instant ? 'instant' : `range, a point every ${spanText(request.stepMs)}`}
                {answer && ` · ${count} series in ${roughSpan(answer.durationMs)}`}
                {answer?.stats &&
                  ` · ${numberText(answer.stats.totalSamples)} samples read, ${roughSpan(answer.stats.evalMs)} on the server`}
              </span>
              <span className="grow" />
              <button
                type="button"
                className="icon-button"
                aria-label="Copy"
                title="Copy"
                onClick={() => void navigator.clipboard.writeText(request.expr)}
              >
                <IconCopy size={15} />
              </button>
            </div>
            <code className="expr">{request.expr}</code>
            {request.expr !== request.target.expr && (
              <details className="dim" style={{ marginTop: 6 }}>
                <summary>As the dashboard has it</summary>
                <code className="expr">{request.target.expr}</code>
              </details>
            )}
            {failed && <ErrorState inline error={failed.error} />}
          </div>
        );
      })}
    </div>
  );
}
