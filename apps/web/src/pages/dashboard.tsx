import './dashboard.css';
import { Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconDeviceTv, IconLayoutDashboard, IconX } from '@tabler/icons-react';
import { useIsFetching, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from 'react';
import { Link, useParams, useSearchParams } from 'react-router';
import { loadDashboard } from '../api/grafana.ts';
import { isMissing } from '../api/http.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { useScrapeInterval } from '../components/queries.ts';
import { isTyping } from '../components/search-input.tsx';
import { RefreshPicker, TimeRangePicker } from '../components/time-controls.tsx';
import { useTimeRange } from '../components/use-time-range.ts';
import { type Section, sectionsOf } from '../dashboard/grid-layout.ts';
import { interpolate } from '../dashboard/interpolate.ts';
import type { Dashboard, Panel } from '../dashboard/model.ts';
import { zoomOut } from '../format/time-range.ts';
import { showTimesIn } from '../format/time-zone.ts';
import { DashboardContext, type DashboardContextValue } from '../panels/context.ts';
import { PanelFrame } from '../panels/panel-frame.tsx';
import { useVariables, type VariableState } from '../panels/use-variables.ts';
import { VariableBar } from '../panels/variable-bar.tsx';

/** A Grafana dashboard, drawn. */
export function DashboardPage() {
  const { uid = '' } = useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['dashboard', uid],
    queryFn: ({ signal }) => loadDashboard(uid, signal),
    staleTime: 30_000,
  });
  if (error) {
    return (
      <Page title="Dashboard">
        {isMissing(error) ? (
          <EmptyState roomy icon={IconLayoutDashboard} title={`There is no dashboard “${uid}”`}>
            <Link to="/dashboards">All dashboards</Link>
          </EmptyState>
        ) : (
          <ErrorState error={error} onRetry={() => void refetch()} />
        )}
      </Page>
    );
  }
  if (!data) {
    return (
      <Page title="Dashboard">
        <Loading label="Opening the dashboard" />
      </Page>
    );
  }
  return <DashboardView key={uid} dashboard={data.dashboard} folder={data.folder} />;
}

function DashboardView({ dashboard, folder }: { readonly dashboard: Dashboard; readonly folder: string }) {
  const [parameters, setParameters] = useSearchParams();
  // Before anything of the dashboard is drawn.
  const zone = parameters.get('timezone') ?? dashboard.timezone;
  showTimesIn(zone);
  // Leaving another dashboard has just put the zone back.
  useLayoutEffect(() => {
    showTimesIn(zone);
    return () => showTimesIn('');
  }, [zone]);
  const time = useTimeRange(dashboard.time, dashboard.refresh);
  const scrapeIntervalMs = useScrapeInterval();
  const variables = useVariables(dashboard.variables, time.range, scrapeIntervalMs);
  const queryClient = useQueryClient();
  const busy = useIsFetching({ queryKey: ['panel'] }) > 0;
  const kiosk = parameters.has('kiosk');
  const viewed = Number(parameters.get('viewPanel')?.replace(/^panel-/, '') ?? Number.NaN);

  const change = useCallback(
    (edit: (p: URLSearchParams) => void, replace = false) => {
      setParameters(
        (current) => {
          const next = new URLSearchParams(current);
          edit(next);
          return next;
        },
        { replace },
      );
    },
    [setParameters],
  );
  const onView = useCallback(
    (id: number | undefined) =>
      change((p) => (id === undefined ? p.delete('viewPanel') : p.set('viewPanel', `panel-${id}`))),
    [change],
  );
  const onKiosk = useCallback(
    () => change((p) => (p.has('kiosk') ? p.delete('kiosk') : p.set('kiosk', '1'))),
    [change],
  );
  const onVariable = (name: string, values: readonly string[]) =>
    change((p) => {
      p.delete(`var-${name}`);
      for (const v of values) p.append(`var-${name}`, v);
    });
  const refresh = useCallback(() => {
    time.tick();
    void queryClient.invalidateQueries({ queryKey: ['panel'] });
    void queryClient.invalidateQueries({ queryKey: ['variable'] });
  }, [time.tick, queryClient]);
  const { range, raw, setRaw } = time;
  const context = useMemo(
    (): DashboardContextValue => ({
      range,
      rawRange: raw,
      scope: variables.scope,
      ready: variables.ready,
      scrapeIntervalMs,
      syncKey: dashboard.uid || 'dashboard',
      onRange: setRaw,
      onZoomOut: () => setRaw(zoomOut(range)),
    }),
    [range, raw, setRaw, variables.scope, variables.ready, scrapeIntervalMs, dashboard.uid],
  );
  useKeys({
    onKiosk,
    onRefresh: refresh,
    onEscape: () => (Number.isNaN(viewed) ? kiosk && onKiosk() : onView(undefined)),
  });
  return (
    <DashboardContext value={context}>
      <Page
        title={dashboard.title}
        tight
        bare={kiosk}
        crumb={
          <>
            <Link to="/dashboards" className="dim">
              {folder}
            </Link>{' '}
            <span className="faint">/</span>
          </>
        }
        actions={
          <>
            <TimeRangePicker raw={time.raw} range={time.range} onChange={time.setRaw} />
            <RefreshPicker
              value={time.refresh}
              intervals={dashboard.refreshIntervals}
              onChange={time.setRefresh}
              onRefresh={refresh}
              busy={busy}
            />
            <Tooltip label="Kiosk ( k )">
              <button type="button" className="icon-button" aria-label="Kiosk" onClick={onKiosk}>
                <IconDeviceTv size={17} />
              </button>
            </Tooltip>
          </>
        }
      >
        <VariableBar state={variables} onChange={onVariable} />
        <Links dashboard={dashboard} variables={variables} />
        {dashboard.annotations.length > 0 && (
          <p className="faint" style={{ margin: '0 0 10px' }}>
            Annotations of this file are not drawn: {dashboard.annotations.join(', ')}.
          </p>
        )}
        <Panels dashboard={dashboard} viewed={viewed} variables={variables} onView={onView} />
        {kiosk && (
          <button
            type="button"
            className="icon-button leave-kiosk"
            aria-label="Leave kiosk"
            title="Leave kiosk ( Esc )"
            onClick={onKiosk}
          >
            <IconX size={16} />
          </button>
        )}
      </Page>
    </DashboardContext>
  );
}

interface Keys {
  readonly onKiosk: () => void;
  readonly onRefresh: () => void;
  readonly onEscape: () => void;
}

function useKeys({ onKiosk, onRefresh, onEscape }: Keys): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      // An open menu or drawer takes Escape for itself.
      if (event.key === 'Escape' && !document.querySelector('[role="dialog"],[role="menu"]')) onEscape();
      if (event.key === 'k') onKiosk();
      if (event.key === 'r') onRefresh();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}

function Links({ dashboard, variables }: { readonly dashboard: Dashboard; readonly variables: VariableState }) {
  if (dashboard.links.length === 0) return null;
  return (
    <div className="row wrap" style={{ marginBottom: 10 }}>
      {dashboard.links.map((l) => (
        <a key={l.url + l.title} className="tag" href={interpolate(l.url, variables.scope, 'url')}>
          {l.title}
        </a>
      ))}
    </div>
  );
}

interface PanelsProps {
  readonly dashboard: Dashboard;
  readonly viewed: number;
  readonly variables: VariableState;
  readonly onView: (id: number | undefined) => void;
}

function Panels({ dashboard, viewed, variables, onView }: PanelsProps) {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const sections = useMemo(
    () => sectionsOf(dashboard.panels, variables.scope.variables, toggled),
    [dashboard.panels, variables.scope, toggled],
  );
  const one = useMemo(() => allPanels(dashboard.panels).find((p) => p.id === viewed), [dashboard.panels, viewed]);
  if (dashboard.panels.length === 0) {
    return (
      <EmptyState roomy icon={IconLayoutDashboard} title="This dashboard has no panels">
        Add panels to its file and reload.
      </EmptyState>
    );
  }
  if (one) {
    return (
      <div className="one-panel">
        <PanelFrame placed={{ key: String(one.id), panel: one, pos: one.gridPos }} viewed onView={onView} />
      </div>
    );
  }
  const toggle = (key: string) =>
    setToggled((s) => {
      const next = new Set(s);
      if (!next.delete(key)) next.add(key);
      return next;
    });
  return sections.map((s) => (
    <SectionView key={s.key} section={s} variables={variables} onToggle={() => toggle(s.key)} onView={onView} />
  ));
}

function allPanels(panels: readonly Panel[]): readonly Panel[] {
  return panels.flatMap((p) => [p, ...p.panels]);
}

interface SectionViewProps {
  readonly section: Section;
  readonly variables: VariableState;
  readonly onToggle: () => void;
  readonly onView: (id: number | undefined) => void;
}

function SectionView({ section, variables, onToggle, onView }: SectionViewProps) {
  const { row, collapsed, panels } = section;
  const count = row?.panel.panels.length ?? 0;
  const title =
    row && (row.scoped ? row.panel.title.replaceAll(`$${row.scoped.name}`, row.scoped.text) : row.panel.title);
  return (
    <section aria-label={title}>
      {row && (
        <button type="button" className="row-head" aria-expanded={!collapsed} onClick={onToggle}>
          {collapsed ? <IconChevronRight size={16} /> : <IconChevronDown size={16} />}
          <span>{interpolate(title ?? '', variables.scope, 'text')}</span>
          {collapsed && count > 0 && (
            <span className="faint">
              ({count} {count === 1 ? 'panel' : 'panels'})
            </span>
          )}
        </button>
      )}
      <div className="panel-grid">
        {panels.map((placed) => (
          <div
            key={placed.key}
            className="panel-slot"
            style={
              {
                '--x': placed.pos.x + 1,
                '--y': placed.pos.y + 1,
                '--w': placed.pos.w,
                '--h': placed.pos.h,
              } as React.CSSProperties
            }
          >
            <PanelFrame placed={placed} viewed={false} onView={onView} />
          </div>
        ))}
      </div>
    </section>
  );
}
