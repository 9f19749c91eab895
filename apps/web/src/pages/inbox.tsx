import './inbox.css';
import { Drawer } from '@mantine/core';
import { IconArrowRight, IconInbox, IconVolumeOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import type { Notification } from '../api/belfry.ts';
import { isMissing } from '../api/http.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { LabelList } from '../components/labels.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { Pill, toneOf } from '../components/pill.tsx';
import { notificationsQuery } from '../components/queries.ts';
import { SearchInput } from '../components/search-input.tsx';
import { useUrlState } from '../components/url-state.ts';
import { useNow } from '../components/use-now.ts';
import { agoText, localDateTime, localTime } from '../format/time-range.ts';
import { formatValue } from '../format/units.ts';
import { Annotations } from './alerts.tsx';

const LIMIT = 300;

/** Every notification: to whom, how it went, and why it was sent. */
export function Inbox() {
  const [receiver, setReceiver] = useUrlState('receiver');
  const [alertname, setAlertname] = useUrlState('alertname');
  const [status, setStatus] = useUrlState('status');
  const [search, setSearch] = useUrlState('search');
  const [chosen, setChosen] = useUrlState('id');
  const { data, error, refetch } = useQuery(
    notificationsQuery({ limit: LIMIT, ...(receiver ? { receiver } : {}), ...(alertname ? { alertname } : {}) }),
  );
  const now = useNow();
  if (error && !data) {
    return (
      <Page title="Inbox">
        {isMissing(error) ? (
          <EmptyState roomy icon={IconInbox} title="No alert router runs here">
            This server keeps no record of notifications. Start it with an alertmanager.yml to see each one here.
          </EmptyState>
        ) : (
          <ErrorState error={error} onRetry={() => void refetch()} />
        )}
      </Page>
    );
  }
  if (!data) {
    return (
      <Page title="Inbox">
        <Loading />
      </Page>
    );
  }
  const receivers = [...new Set(data.map((n) => n.receiver))].sort();
  const found = data.filter(
    (n) => (status === '' || n.status === status || n.outcome === status) && matches(n, search),
  );
  const days = [...Map.groupBy(found, (n) => localDateTime(n.atMs).slice(0, 10))];
  const open = data.find((n) => n.id === chosen);
  return (
    <Page
      title="Inbox"
      beside={<span className="faint num">{data.length === LIMIT ? `newest ${LIMIT}` : data.length}</span>}
    >
      <div className="filters">
        <SearchInput value={search} onChange={setSearch} placeholder="Search alerts and labels" />
        {(['firing', 'resolved', 'suppressed', 'failed'] as const).map((s) => (
          <button
            key={s}
            type="button"
            className={`chip-toggle tone-${toneOf(s)}`}
            aria-pressed={status === s}
            onClick={() => setStatus(status === s ? '' : s)}
          >
            <i />
            {s === 'failed' ? 'Not delivered' : s[0]!.toUpperCase() + s.slice(1)}
          </button>
        ))}
        {receivers.length > 1 || receiver
          ? receivers.map((r) => (
              <button
                key={r}
                type="button"
                className="chip-toggle"
                aria-pressed={receiver === r}
                onClick={() => setReceiver(receiver === r ? '' : r)}
              >
                {r}
              </button>
            ))
          : null}
        {alertname && (
          <button type="button" className="chip-toggle" aria-pressed="true" onClick={() => setAlertname('')}>
            {alertname} ×
          </button>
        )}
      </div>
      {days.map(([day, list]) => (
        <section className="card" key={day}>
          <header>
            <h2>{day}</h2>
          </header>
          <ul className="inbox-list">
            {list.map((n) => (
              <li key={n.id}>
                <button
                  type="button"
                  className={`tone-${toneOf(n.status)}`}
                  aria-pressed={n.id === chosen}
                  onClick={() => setChosen(n.id)}
                >
                  <span className="when num" title={agoText(n.atMs, now)}>
                    {localTime(n.atMs)}
                  </span>
                  <Pill tone={toneOf(n.status)}>{n.status}</Pill>
                  <span className="what">
                    <span className="strong ellipsis">{titleOf(n)}</span>
                    <span className="dim ellipsis">{summaryOf(n)}</span>
                  </span>
                  <span className="to ellipsis">
                    <IconArrowRight size={13} /> {n.receiver} <span className="faint">{n.integration}</span>
                  </span>
                  <Pill tone={toneOf(n.outcome)} plain>
                    {n.outcome}
                  </Pill>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
      {found.length === 0 && (
        <EmptyState
          roomy
          icon={IconInbox}
          title={data.length === 0 ? 'No notifications yet' : 'No notification matches'}
        >
          {data.length === 0
            ? 'When an alert fires and is routed, what was sent appears here, with the reasons.'
            : 'Fewer filters may show some.'}
        </EmptyState>
      )}
      <Drawer
        opened={open !== undefined}
        onClose={() => setChosen('')}
        position="right"
        size="min(680px, 96vw)"
        title={open && titleOf(open)}
        padding="lg"
      >
        {open && <Detail notification={open} now={now} />}
      </Drawer>
    </Page>
  );
}

function titleOf(n: Notification): string {
  const names = [...new Set(n.alerts.map((a) => a.labels.alertname).filter(Boolean))];
  const name = names.length === 0 ? (n.groupLabels.alertname ?? 'Alerts') : names.slice(0, 3).join(', ');
  return n.alerts.length > 1 ? `${name} (${n.alerts.length})` : name;
}

function summaryOf(n: Notification): string {
  if (n.outcome === 'suppressed' && n.reason) return n.reason;
  const first = n.alerts[0];
  return first?.annotations.summary ?? first?.annotations.description ?? Object.values(n.groupLabels).join(' ');
}

function matches(n: Notification, search: string): boolean {
  if (search === '') return true;
  const labels = n.alerts.flatMap((a) =>
    [...Object.entries(a.labels), ...Object.entries(a.annotations)].map(([k, v]) => `${k}="${v}"`),
  );
  const text = [n.receiver, n.integration, n.groupKey, ...labels].join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function Detail({ notification: n, now }: { readonly notification: Notification; readonly now: number }) {
  return (
    <div className="inbox-detail">
      <div className="row wrap">
        <Pill tone={toneOf(n.status)}>{n.status}</Pill>
        <Pill tone={toneOf(n.outcome)} plain>
          {n.outcome}
        </Pill>
        <span className="dim num">
          {localDateTime(n.atMs)} ({agoText(n.atMs, now)})
        </span>
      </div>
      {n.reason && <p className={`tone-text tone-${toneOf(n.outcome)}`}>{n.reason}</p>}
      <section>
        <h3>To whom</h3>
        <ol className="route">
          {(n.routePath.length > 0 ? n.routePath : ['root']).map((step, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a path may repeat a step
            <li key={i} className="mono">
              {step}
            </li>
          ))}
          <li className="strong">
            {n.receiver} <span className="faint">{n.integration}</span>
          </li>
        </ol>
        {Object.keys(n.groupLabels).length > 0 && (
          <div className="row" style={{ marginTop: 8 }}>
            <span className="dim">grouped by</span>
            <LabelList labels={n.groupLabels} />
          </div>
        )}
      </section>
      {n.decisions.length > 0 && (
        <section>
          <h3>Why</h3>
          <ul className="decisions">
            {n.decisions.map((d, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a stage may speak twice
              <li key={i} className={`tone-${toneOf(d.outcome)}`}>
                <span className="strong">{d.stage}</span>
                <Pill tone={toneOf(d.outcome)} plain>
                  {d.outcome}
                </Pill>
                <span>{d.reason}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h3>Attempts</h3>
        {n.attempts.length === 0 ? (
          <p className="dim">Not tried yet.</p>
        ) : (
          <table className="table">
            <tbody>
              {n.attempts.map((a, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: attempts only grow
                <tr key={i}>
                  <td className="num">{a.atMs ? localTime(a.atMs) : '–'}</td>
                  <td>
                    <Pill tone={a.error ? 'critical' : 'ok'} plain>
                      {a.statusCode ?? (a.error ? 'failed' : 'sent')}
                    </Pill>
                  </td>
                  <td className="num right">{formatValue(a.durationMs, 'ms')}</td>
                  <td className="tone-critical tone-text">{a.error}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
      <section>
        <h3>Alerts</h3>
        {n.alerts.map((a) => (
          <div className="inbox-alert" key={a.fingerprint || JSON.stringify(a.labels)}>
            <div className="row wrap">
              <Pill tone={toneOf(a.status)}>{a.status}</Pill>
              {a.startsAtMs && <span className="dim num">since {localDateTime(a.startsAtMs)}</span>}
              <span className="grow" />
              <Link to={`/alerts?search=${encodeURIComponent(a.labels.alertname ?? '')}`}>Rule</Link>
              <Link
                to={`/silences?new=1&matcher=${encodeURIComponent(
                  Object.entries(a.labels)
                    .map(([k, v]) => `${k}=${JSON.stringify(v)}`)
                    .join(','),
                )}`}
              >
                <IconVolumeOff size={13} style={{ verticalAlign: -2 }} /> Silence
              </Link>
            </div>
            <LabelList labels={a.labels} />
            <Annotations annotations={a.annotations} />
          </div>
        ))}
      </section>
      {n.payload && (
        <details>
          <summary className="dim">What was sent</summary>
          <pre className="code">{pretty(n.payload)}</pre>
        </details>
      )}
    </div>
  );
}

function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), undefined, 2);
  } catch {
    return payload;
  }
}
