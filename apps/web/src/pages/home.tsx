import './home.css';
import { IconArrowUpRight, IconBellCheck, IconLayoutDashboard } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { queryRange } from '../api/prometheus.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { LabelList } from '../components/labels.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { usePalette } from '../components/palette.ts';
import { Pill, toneOf } from '../components/pill.tsx';
import {
  dashboardsQuery,
  fleetQuery,
  LIVE_MS,
  notificationsQuery,
  rulesQuery,
  targetsQuery,
} from '../components/queries.ts';
import { useNow } from '../components/use-now.ts';
import { agoText, roughSpan } from '../format/time-range.ts';
import { formatParts } from '../format/units.ts';
import { Sparkline } from '../panels/sparkline.tsx';

/** The whole system on one page: what is up, what burns, and where to go. */
export function Home() {
  return (
    <Page title="Home">
      <div className="home-figures">
        <TargetsFigure />
        <AlertsFigure />
        <RateFigure
          title="Samples ingested"
          unit="short"
          suffix="/s"
          expr="sum(rate(prometheus_tsdb_head_samples_appended_total[1m])) or sum(sum_over_time(scrape_samples_scraped[1m])) / 60"
          to="/status?tab=tsdb"
        />
        <RateFigure
          title="Series in memory"
          unit="short"
          expr="sum(prometheus_tsdb_head_series) or sum(scrape_samples_post_metric_relabeling)"
          to="/status?tab=tsdb"
        />
      </div>
      <div className="home-columns">
        <div>
          <Firing />
          <Fleet />
          <Recent />
        </div>
        <div>
          <DashboardList />
          <DownTargets />
        </div>
      </div>
    </Page>
  );
}

interface FigureLinkProps {
  readonly to: string;
  readonly title: string;
  readonly tone?: string;
  readonly children: ReactNode;
}

function FigureLink({ to, title, tone = '', children }: FigureLinkProps) {
  return (
    <Link to={to} className={`card home-figure ${tone}`}>
      <span className="dim">{title}</span>
      {children}
      <IconArrowUpRight size={15} className="go" aria-hidden="true" />
    </Link>
  );
}

function TargetsFigure() {
  const { data, error } = useQuery(targetsQuery);
  const up = data?.active.filter((t) => t.health === 'up').length ?? 0;
  const all = data?.active.length ?? 0;
  return (
    <FigureLink
      to={up < all ? '/targets?health=down' : '/targets'}
      title="Targets up"
      tone={up < all ? 'tone-critical' : 'tone-ok'}
    >
      <b className={data && all > 0 ? 'tone-text' : ''}>
        {data ? up : error ? '–' : '…'}
        {data && <small> of {all}</small>}
      </b>
    </FigureLink>
  );
}

function AlertsFigure() {
  const { data, error } = useQuery(rulesQuery);
  const alerts = (data ?? []).flatMap((g) => g.rules).flatMap((r) => r.alerts);
  const firing = alerts.filter((a) => a.state === 'firing').length;
  const pending = alerts.filter((a) => a.state === 'pending').length;
  return (
    <FigureLink
      to={firing > 0 ? '/alerts?state=firing' : '/alerts'}
      title="Alerts firing"
      tone={firing > 0 ? 'tone-critical' : pending > 0 ? 'tone-warning' : 'tone-ok'}
    >
      <b className={data ? 'tone-text' : ''}>
        {data ? firing : error ? '–' : '…'}
        <small>{pending > 0 ? ` ${pending} pending` : ''}</small>
      </b>
    </FigureLink>
  );
}

interface RateFigureProps {
  readonly title: string;
  readonly unit: string;
  readonly suffix?: string;
  readonly expr: string;
  readonly to: string;
}

const SPAN_MS = 30 * 60_000;
const STEP_MS = 30_000;

function RateFigure({ title, unit, suffix = '', expr, to }: RateFigureProps) {
  const palette = usePalette();
  const { data, error } = useQuery({
    queryKey: ['home', expr],
    queryFn: ({ signal }) => {
      const toMs = Math.floor(Date.now() / 1000) * 1000;
      return queryRange(expr, { fromMs: toMs - SPAN_MS, toMs }, STEP_MS, signal);
    },
    refetchInterval: LIVE_MS * 2,
  });
  const values = data?.kind === 'matrix' ? (data.series[0]?.values ?? []) : [];
  const last = values.at(-1);
  const parts = last === undefined ? undefined : formatParts(last, unit);
  return (
    <FigureLink to={to} title={title}>
      <Sparkline column={values} color={palette.accent.base} width={132} height={40} />
      <b>
        {parts ? parts.text : data || error ? '–' : '…'}
        {parts && <small>{parts.suffix + suffix}</small>}
      </b>
    </FigureLink>
  );
}

function Firing() {
  const { data, error, refetch } = useQuery(rulesQuery);
  const now = useNow();
  const active = (data ?? [])
    .flatMap((g) => g.rules)
    .flatMap((rule) => rule.alerts.map((alert) => ({ rule, alert })))
    .filter(({ alert }) => alert.state === 'firing' || alert.state === 'pending')
    .sort(
      (a, b) =>
        Number(b.alert.state === 'firing') - Number(a.alert.state === 'firing') ||
        (b.alert.activeAtMs ?? 0) - (a.alert.activeAtMs ?? 0),
    );
  return (
    <section className="card">
      <header>
        <h2>Active alerts</h2>
        <span className="grow" />
        <Link to="/alerts">All rules</Link>
      </header>
      {error && !data ? (
        <ErrorState inline error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <div style={{ height: 90 }}>
          <Loading />
        </div>
      ) : active.length === 0 ? (
        <EmptyState icon={IconBellCheck} title="All quiet">
          {data.flatMap((g) => g.rules).filter((r) => r.kind === 'alerting').length} alerting rules, none active.
        </EmptyState>
      ) : (
        <ul className="home-list">
          {active.slice(0, 8).map(({ rule, alert }) => (
            <li key={rule.name + JSON.stringify(alert.labels)}>
              <Link to={`/alerts?search=${encodeURIComponent(rule.name)}`}>
                <Pill tone={toneOf(alert.state)}>{alert.state}</Pill>
                <span className="strong">{rule.name}</span>
                <span className="dim ellipsis grow">{alert.annotations.summary ?? ''}</span>
                <span className="faint num">{alert.activeAtMs ? roughSpan(now - alert.activeAtMs) : ''}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Fleet() {
  const { data } = useQuery(fleetQuery);
  if (!data || data.length === 0) return null;
  return (
    <section className="card">
      <header>
        <h2>Fleet</h2>
        <span className="grow" />
        <Link to="/fleet">Start, stop, break</Link>
      </header>
      <ul className="home-list">
        {data.map((s) => (
          <li key={s.name}>
            <Link to="/fleet">
              <Pill tone={toneOf(s.state)}>{s.state}</Pill>
              <span className="strong">{s.name}</span>
              <span className="dim ellipsis grow">{s.description}</span>
              {s.breakages
                .filter((b) => b.active)
                .map((b) => (
                  <Pill key={b.name} tone="warning" plain>
                    {b.name}
                  </Pill>
                ))}
              <span className="faint num">{s.ports.map((p) => p.port).join(', ')}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Recent() {
  const { data } = useQuery(notificationsQuery({ limit: 6 }));
  const now = useNow();
  if (!data || data.length === 0) return null;
  return (
    <section className="card">
      <header>
        <h2>Latest notifications</h2>
        <span className="grow" />
        <Link to="/inbox">Inbox</Link>
      </header>
      <ul className="home-list">
        {data.slice(0, 6).map((n) => (
          <li key={n.id}>
            <Link to={`/inbox?id=${encodeURIComponent(n.id)}`}>
              <Pill tone={toneOf(n.status)}>{n.status}</Pill>
              <span className="strong">{n.alerts[0]?.labels.alertname ?? n.groupLabels.alertname ?? 'Alerts'}</span>
              <span className="dim ellipsis grow">to {n.receiver}</span>
              {n.outcome !== 'delivered' && (
                <Pill tone={toneOf(n.outcome)} plain>
                  {n.outcome}
                </Pill>
              )}
              <span className="faint num">{agoText(n.atMs, now)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function DashboardList() {
  const { data, error, refetch } = useQuery(dashboardsQuery);
  return (
    <section className="card">
      <header>
        <h2>Dashboards</h2>
        <span className="grow" />
        <Link to="/dashboards">All</Link>
      </header>
      {error && !data ? (
        <ErrorState inline error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <div style={{ height: 90 }}>
          <Loading />
        </div>
      ) : data.length === 0 ? (
        <EmptyState icon={IconLayoutDashboard} title="No dashboards yet" />
      ) : (
        <ul className="home-list">
          {data.slice(0, 12).map((d) => (
            <li key={d.uid}>
              <Link to={d.url}>
                <IconLayoutDashboard size={16} stroke={1.5} />
                <span className="strong ellipsis grow">{d.title}</span>
                <span className="faint">{d.folder}</span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function DownTargets() {
  const { data } = useQuery(targetsQuery);
  const down = (data?.active ?? []).filter((t) => t.health === 'down');
  if (down.length === 0) return null;
  return (
    <section className="card">
      <header>
        <h2>Targets down</h2>
        <span className="grow" />
        <Link to="/targets?health=down">All</Link>
      </header>
      <ul className="home-list tall">
        {down.slice(0, 6).map((t) => (
          <li key={t.url}>
            <Link to={`/targets?search=${encodeURIComponent(t.url)}`}>
              <LabelList labels={{ job: t.labels.job ?? t.pool, instance: t.labels.instance ?? t.url }} />
              <span className="tone-critical tone-text ellipsis">{t.lastError}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
