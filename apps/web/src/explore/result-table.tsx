import { IconTable } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type QueryAnswer, queryInstant } from '../api/prometheus.ts';
import { type DataColumn, DataTable } from '../components/data-table.tsx';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { Loading } from '../components/loading.tsx';
import { localDateTime } from '../format/time-range.ts';
import { QueryStatsLine } from './query-stats.tsx';

const ROW_PX = 28;
const MAX_HEIGHT_PX = 560;

/** One query's values at one moment, a row a series. */
export function ResultTable({
  expr,
  refId,
  timeMs,
}: {
  readonly expr: string;
  readonly refId: string;
  readonly timeMs: number;
}) {
  const time = Math.floor(timeMs / 1000) * 1000;
  const { data, error, refetch, isPlaceholderData } = useQuery({
    queryKey: ['panel', 'instant', expr, time],
    queryFn: ({ signal }) => queryInstant(expr, time, signal),
    placeholderData: keepPreviousData,
  });
  return (
    <section className="card explore-table" aria-busy={isPlaceholderData}>
      <header>
        {refId && <h2>{refId}</h2>}
        <code className="mono dim ellipsis grow">{expr}</code>
        <span className="faint num">at {localDateTime(time)}</span>
      </header>
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : data ? (
        <>
          <Values answer={data} />
          <QueryStatsLine refId="" answer={data} note="" />
        </>
      ) : (
        <div style={{ height: 120 }}>
          <Loading label="Asking" />
        </div>
      )}
    </section>
  );
}

function Values({ answer }: { readonly answer: QueryAnswer }) {
  const table = useMemo(() => tableOf(answer), [answer]);
  if (table.rowCount === 0) {
    return (
      <EmptyState icon={IconTable} title="No data">
        The query is valid and nothing matches it at this moment.
      </EmptyState>
    );
  }
  return (
    <div style={{ height: Math.min(table.rowCount * ROW_PX + 34, MAX_HEIGHT_PX) }}>
      <DataTable label="Result" columns={table.columns} rowCount={table.rowCount} rowPx={ROW_PX} />
    </div>
  );
}

function tableOf(answer: QueryAnswer): { readonly columns: readonly DataColumn[]; readonly rowCount: number } {
  if (answer.kind === 'scalar' || answer.kind === 'string') {
    const text = answer.kind === 'scalar' ? String(answer.value) : answer.text;
    return {
      rowCount: 1,
      columns: [{ key: 'value', title: answer.kind, align: 'left', values: [text], render: () => ({ content: text }) }],
    };
  }
  const rows =
    answer.kind === 'vector'
      ? answer.samples.map((s) => ({
          labels: s.labels,
          value: s.value,
          text: s.histogram ? `count ${s.histogram.count}, sum ${s.histogram.sum}` : String(s.value),
        }))
      : answer.series.map((s) => ({
          labels: s.labels,
          value: s.values.at(-1) ?? Number.NaN,
          text: s.values.map((v, i) => `${v} @${s.timesMs[i]! / 1000}`).join('  '),
        }));
  const names = [...new Set(rows.flatMap((r) => Object.keys(r.labels)))].sort(
    (a, b) => Number(b === '__name__') - Number(a === '__name__') || a.localeCompare(b),
  );
  const labelColumns = names.map((name): DataColumn => {
    const values = rows.map((r) => r.labels[name] ?? null);
    return {
      key: `label-${name}`,
      title: name === '__name__' ? 'metric' : name,
      align: 'left',
      values,
      render: (row) => ({ content: <span className="mono">{values[row] ?? ''}</span>, title: values[row] ?? '' }),
    };
  });
  const value: DataColumn = {
    key: 'value',
    title: 'Value',
    align: 'right',
    values: rows.map((r) => r.value),
    render: (row) => ({ content: <span className="mono strong">{rows[row]!.text}</span>, title: rows[row]!.text }),
  };
  return { rowCount: rows.length, columns: [...labelColumns, value] };
}
