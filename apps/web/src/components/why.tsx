import './why.css';
import { Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Explanation, explain } from '../api/belfry.ts';
import { isMissing } from '../api/http.ts';
import { localTime } from '../format/time-range.ts';
import { EmptyState } from './empty-state.tsx';
import { ErrorState } from './error-state.tsx';
import { LabelList } from './labels.tsx';
import { Loading } from './loading.tsx';
import { Pill } from './pill.tsx';
import { LIVE_MS } from './queries.ts';

/** A link that opens what the alert router does with an alert: the routes it tried, what mutes it, when it tells next. */
export function Why({ alertname }: { readonly alertname: string }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="link-button" onClick={() => setOpen(true)}>
        Who is told, and why
      </button>
      <Drawer
        opened={open}
        onClose={() => setOpen(false)}
        position="right"
        size="min(680px, 96vw)"
        title={alertname}
        padding="lg"
      >
        {open && <Explanations alertname={alertname} />}
      </Drawer>
    </>
  );
}

function Explanations({ alertname }: { readonly alertname: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['why', alertname],
    queryFn: ({ signal }) => explain(alertname, signal),
    refetchInterval: LIVE_MS,
  });
  if (error && isMissing(error)) {
    return (
      <EmptyState roomy title="Nobody is told yet">
        {error.message}
      </EmptyState>
    );
  }
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  if (data.length === 0) {
    return (
      <EmptyState roomy title="The alert router does not have it">
        Rules send an alert once it fires; a pending one is not told to anyone.
      </EmptyState>
    );
  }
  return (
    <div className="why">
      {data.map((e) => (
        <OneAlert key={JSON.stringify(e.labels)} explanation={e} />
      ))}
    </div>
  );
}

function OneAlert({ explanation: e }: { readonly explanation: Explanation }) {
  const silences = e.silences.filter((s) => s.state === 'active');
  return (
    <section>
      <LabelList labels={e.labels} without={['alertname']} />
      <h3>Routes</h3>
      <ul className="why-steps">
        {e.steps.map((s, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: steps are a walk through one tree
          <li key={i} style={{ paddingLeft: s.depth * 18 }} className={s.matched ? '' : 'unmatched'}>
            <code className="mono">{s.matchers}</code>
            <span className="dim">{s.reason}</span>
            {s.taken && (
              <Pill tone="info" plain>
                {s.receiver}
              </Pill>
            )}
          </li>
        ))}
      </ul>
      {e.routes.map((r) => (
        <p key={r.receiver} className="dim num">
          <span className="strong">{r.receiver}</span>
          {r.lastFlushMs && ` looked at ${localTime(r.lastFlushMs)}`}
          {r.nextFlushMs && `, next at ${localTime(r.nextFlushMs)}`}
          {r.mutedBy.length > 0 && `; muted by ${r.mutedBy.join(', ')}`}
        </p>
      ))}
      <h3>Kept quiet by</h3>
      {silences.length + e.inhibitions.length === 0 && (
        <p className="dim">Nothing: no silence matches, no other alert inhibits it.</p>
      )}
      {silences.map((s) => (
        <p key={s.id}>
          <Pill tone="info">silence</Pill> {s.comment} <span className="dim">({s.createdBy})</span>
        </p>
      ))}
      {e.inhibitions.map((text) => (
        <p key={text}>
          <Pill tone="info">inhibited</Pill> {text}
        </p>
      ))}
    </section>
  );
}
