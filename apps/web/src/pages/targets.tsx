import { IconTarget } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ScrapeTarget } from '../api/prometheus.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { LabelList } from '../components/labels.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { Pill, toneOf } from '../components/pill.tsx';
import { targetsQuery } from '../components/queries.ts';
import { SearchInput } from '../components/search-input.tsx';
import { useUrlState } from '../components/url-state.ts';
import { useNow } from '../components/use-now.ts';
import { agoText, localDateTime } from '../format/time-range.ts';
import { formatValue } from '../format/units.ts';
import './targets.css';

/** What is scraped, pool by pool, and how it went. */
export function Targets() {
  const { data, error, refetch } = useQuery(targetsQuery);
  const [search, setSearch] = useUrlState('search');
  const [health, setHealth] = useUrlState('health');
  const now = useNow(2_000);
  const active = data?.active ?? [];
  const found = active.filter((t) => (health === '' || t.health === health) && matches(t, search));
  const pools = [...Map.groupBy(found, (t) => t.pool)].sort((a, b) => a[0].localeCompare(b[0]));
  return (
    <Page title="Targets">
      {error && !data ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : (
        <>
          <div className="filters">
            <SearchInput value={search} onChange={setSearch} placeholder="Search address, label or error" />
            {(['up', 'down', 'unknown'] as const).map((h) => (
              <button
                key={h}
                type="button"
                className={`chip-toggle tone-${toneOf(h)}`}
                aria-pressed={health === h}
                onClick={() => setHealth(health === h ? '' : h)}
              >
                <i />
                {h[0]!.toUpperCase() + h.slice(1)}{' '}
                <span className="num strong">{active.filter((t) => t.health === h).length}</span>
              </button>
            ))}
          </div>
          {pools.map(([pool, targets]) => (
            <Pool
              key={pool}
              name={pool}
              targets={targets}
              now={now}
              onPick={(name, value) => setSearch(`${name}="${value}"`)}
            />
          ))}
          {pools.length === 0 && (
            <EmptyState
              roomy
              icon={IconTarget}
              title={active.length === 0 ? 'Nothing is scraped' : 'No target matches'}
            >
              {active.length === 0
                ? 'Name targets under scrape_configs in the configuration.'
                : 'Fewer letters or another state may.'}
            </EmptyState>
          )}
          {data.dropped.length > 0 && <Dropped dropped={data.dropped} />}
        </>
      )}
    </Page>
  );
}

function matches(t: ScrapeTarget, search: string): boolean {
  const labels = Object.entries(t.labels).map(([k, v]) => `${k}="${v}"`);
  const text = [t.url, t.pool, t.lastError, ...labels].join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

interface PoolProps {
  readonly name: string;
  readonly targets: readonly ScrapeTarget[];
  readonly now: number;
  readonly onPick: (name: string, value: string) => void;
}

function Pool({ name, targets, now, onPick }: PoolProps) {
  const up = targets.filter((t) => t.health === 'up').length;
  return (
    <section className="card">
      <header>
        <h2>{name}</h2>
        <Pill tone={up === targets.length ? 'ok' : up === 0 ? 'critical' : 'warning'}>
          {up} of {targets.length} up
        </Pill>
      </header>
      <div className="scroll-x">
        <table className="table targets-table">
          <thead>
            <tr>
              <th>State</th>
              <th>Endpoint</th>
              <th>Labels</th>
              <th className="right">Last scrape</th>
              <th className="right">Took</th>
              <th className="right">Every</th>
            </tr>
          </thead>
          <tbody>
            {targets.map((t) => (
              <Target key={t.url + JSON.stringify(t.labels)} target={t} now={now} onPick={onPick} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Target({
  target: t,
  now,
  onPick,
}: {
  readonly target: ScrapeTarget;
  readonly now: number;
  readonly onPick: PoolProps['onPick'];
}) {
  const [open, setOpen] = useState(false);
  return (
    <tr>
      <td>
        <Pill tone={toneOf(t.health)}>{t.health}</Pill>
      </td>
      <td>
        <a className="mono" href={t.url} target="_blank" rel="noreferrer">
          {t.url}
        </a>
        {t.lastError && <div className="tone-critical tone-text target-error">{t.lastError}</div>}
      </td>
      <td>
        <LabelList labels={t.labels} onPick={onPick} />
        <button
          type="button"
          className="link-button discovered-button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {open ? 'Hide discovered labels' : 'Discovered labels'}
        </button>
        {open && <LabelList labels={t.discovered} />}
      </td>
      <td className="right num" title={t.lastScrapeMs ? localDateTime(t.lastScrapeMs) : 'never'}>
        {t.lastScrapeMs ? agoText(t.lastScrapeMs, now) : 'never'}
      </td>
      <td className="right num">{t.lastScrapeMs ? formatValue(t.lastDurationMs, 'ms') : '–'}</td>
      <td className="right num" title={`timeout ${t.timeout}`}>
        {t.interval || '–'}
      </td>
    </tr>
  );
}

const MAX_DROPPED = 100;

function Dropped({
  dropped,
}: {
  readonly dropped: readonly { readonly discovered: Readonly<Record<string, string>>; readonly pool: string }[];
}) {
  return (
    <details className="card dropped">
      <summary>
        {dropped.length} {dropped.length === 1 ? 'target' : 'targets'} dropped by relabelling
      </summary>
      {dropped.slice(0, MAX_DROPPED).map((d) => (
        <div key={JSON.stringify(d)} className="row" style={{ marginTop: 8, alignItems: 'start' }}>
          {d.pool && <span className="tag">{d.pool}</span>}
          <LabelList labels={d.discovered} />
        </div>
      ))}
    </details>
  );
}
