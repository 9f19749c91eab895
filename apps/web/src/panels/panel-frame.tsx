import './panel-frame.css';
import { Menu, Tooltip } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import {
  IconAlertTriangle,
  IconChartHistogram,
  IconCode,
  IconDotsVertical,
  IconExternalLink,
  IconInfoCircle,
  IconMaximize,
  IconMinimize,
  IconTable,
} from '@tabler/icons-react';
import { lazy, memo, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { ErrorState } from '../components/error-state.tsx';
import { Loading } from '../components/loading.tsx';
import type { PlacedPanel } from '../dashboard/grid-layout.ts';
import { interpolate } from '../dashboard/interpolate.ts';
import type { Panel } from '../dashboard/model.ts';
import { type DashboardContextValue, useDashboardContext } from './context.ts';
import { Markdown } from './markdown.tsx';
import { type PanelData, scopedTo, usePanelData } from './panel-data.ts';
import { isKnownPanel, PanelView } from './panel-view.tsx';

const PanelInspect = lazy(async () => ({ default: (await import('./panel-inspect.tsx')).PanelInspect }));

interface PanelFrameProps {
  readonly placed: PlacedPanel;
  readonly viewed: boolean;
  readonly onView: (id: number | undefined) => void;
}

/** A panel's box: title, what can be done with it, its state, and its content once it is in sight. */
export const PanelFrame = memo(function PanelFrame({ placed, viewed, onView }: PanelFrameProps) {
  const { panel, scoped } = placed;
  const outer = useDashboardContext();
  const context = useMemo(() => (scoped ? { ...outer, scope: scopedTo(outer.scope, scoped) } : outer), [outer, scoped]);
  const { ref: sizeRef, width, height } = useElementSize();
  const [box, visible] = useVisible();
  const [inspect, setInspect] = useState<'data' | 'query' | 'json' | undefined>();
  const data = usePanelData(panel, context, Math.round(width), visible);
  const title = interpolate(panel.title, context.scope, 'text');
  return (
    <section
      className={`panel ${panel.transparent ? 'transparent' : ''}`}
      ref={box}
      aria-label={title || panel.type}
      aria-busy={data.fetching}
    >
      <header className="panel-head">
        <h2 className="ellipsis" title={title}>
          {title}
        </h2>
        {panel.description && <Description text={interpolate(panel.description, context.scope, 'text')} />}
        {ownRange(panel) && <span className="faint ellipsis">{ownRange(panel)}</span>}
        <Notices data={data} panel={panel} onInspect={() => setInspect('query')} />
        <span className="grow" />
        {data.fetching && !data.loading && <span className="panel-busy" role="presentation" />}
        <PanelMenu
          panel={panel}
          data={data}
          context={context}
          viewed={viewed}
          onView={() => onView(viewed ? undefined : panel.id)}
          onInspect={setInspect}
        />
      </header>
      <div className="panel-body" ref={sizeRef}>
        {visible && width > 0 && <PanelContent panel={panel} data={data} context={context} size={{ width, height }} />}
      </div>
      {inspect && (
        <Suspense>
          <PanelInspect
            panel={panel}
            title={title}
            data={data}
            tab={inspect}
            onTab={setInspect}
            onClose={() => setInspect(undefined)}
          />
        </Suspense>
      )}
    </section>
  );
});

interface PanelContentProps {
  readonly panel: Panel;
  readonly data: PanelData;
  readonly context: DashboardContextValue;
  readonly size: { readonly width: number; readonly height: number };
}

function PanelContent({ panel, data, context, size }: PanelContentProps) {
  const needsData = panel.type !== 'text' && isKnownPanel(panel.type);
  if (needsData && data.errors.length > 0 && data.answers.length === 0)
    return <ErrorState error={data.errors[0]!.error} />;
  if (needsData && data.loading) return <Loading />;
  return <PanelView panel={panel} data={data} context={context} size={size} />;
}

/** In words, when the panel shows another range than the dashboard. */
function ownRange(panel: Panel): string {
  if (panel.hideTimeOverride) return '';
  const last = panel.timeFrom ? `last ${panel.timeFrom}` : '';
  const shift = panel.timeShift ? `${panel.timeShift} earlier` : '';
  return [last, shift].filter((t) => t !== '').join(', ');
}

/** Once seen, always counted as seen: scrolling back must not ask again. */
function useVisible(): readonly [React.RefObject<HTMLElement | null>, boolean] {
  const ref = useRef<HTMLElement>(null);
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry?.isIntersecting) return;
        setVisible(true);
        observer.disconnect();
      },
      { rootMargin: '240px' },
    );
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return [ref, visible];
}

function Description({ text }: { readonly text: string }) {
  return (
    <Tooltip
      label={<Markdown text={text} />}
      multiline
      maw={380}
      position="bottom"
      withArrow
      events={{ hover: true, focus: true, touch: true }}
    >
      <button type="button" className="panel-icon" aria-label="Description">
        <IconInfoCircle size={14} />
      </button>
    </Tooltip>
  );
}

/** Errors beside data that is still shown, warnings of the server, and what of the panel is not supported. */
function Notices({
  data,
  panel,
  onInspect,
}: {
  readonly data: PanelData;
  readonly panel: Panel;
  readonly onInspect: () => void;
}) {
  // Without anything to show, the panel's content is the error itself.
  const shown = data.answers.length > 0 || !isKnownPanel(panel.type) ? data.errors : [];
  const errors = shown.map(
    (e) => `${e.refId ? `Query ${e.refId}: ` : ''}${e.error instanceof Error ? e.error.message : String(e.error)}`,
  );
  const notes = [
    ...data.warnings,
    ...foreignNotes(panel),
    ...data.unknownTransformations.map(
      (id) => `The transformation “${id}” is not supported; its data is shown as it came.`,
    ),
  ];
  if (errors.length === 0 && notes.length === 0) return null;
  return (
    <Tooltip
      label={[...errors, ...notes].map((t) => <div key={t}>{t}</div>)}
      multiline
      maw={420}
      position="bottom"
      withArrow
    >
      <button
        type="button"
        className={`panel-icon tone-text ${errors.length > 0 ? 'tone-critical' : 'tone-warning'}`}
        aria-label={`${panel.title}: ${[...errors, ...notes].join('; ')}`}
        onClick={onInspect}
      >
        <IconAlertTriangle size={14} />
      </button>
    </Tooltip>
  );
}

function foreignNotes(panel: Panel): readonly string[] {
  const kinds = new Set(panel.targets.filter((t) => !t.hide && t.foreign !== '').map((t) => t.foreign));
  return [...kinds].map((kind) => `Queries for “${kind}” are left out: only PromQL is answered here.`);
}

interface PanelMenuProps {
  readonly panel: Panel;
  readonly data: PanelData;
  readonly context: DashboardContextValue;
  readonly viewed: boolean;
  readonly onView: () => void;
  readonly onInspect: (tab: 'data' | 'query' | 'json') => void;
}

function PanelMenu({ panel, data, context, viewed, onView, onInspect }: PanelMenuProps) {
  const navigate = useNavigate();
  const explore = () => {
    const parameters = new URLSearchParams({ from: context.rawRange.from, to: context.rawRange.to });
    for (const r of data.requests) parameters.append('expr', r.expr);
    navigate(`/explore?${parameters}`);
  };
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <button type="button" className="panel-icon panel-menu" aria-label={`Menu of ${panel.title || 'panel'}`}>
          <IconDotsVertical size={15} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={viewed ? <IconMinimize size={15} /> : <IconMaximize size={15} />} onClick={onView}>
          {viewed ? 'Back to the dashboard' : 'View'}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconChartHistogram size={15} />}
          onClick={explore}
          disabled={data.requests.length === 0}
        >
          Explore
        </Menu.Item>
        {panel.links.length > 0 && <Menu.Divider />}
        {panel.links.map((l) => (
          <Menu.Item
            key={l.url + l.title}
            component="a"
            href={interpolate(l.url, context.scope, 'url')}
            {...(l.newTab ? { target: '_blank', rel: 'noreferrer' } : {})}
            leftSection={<IconExternalLink size={15} />}
          >
            {interpolate(l.title, context.scope, 'text')}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>Inspect</Menu.Label>
        <Menu.Item leftSection={<IconTable size={15} />} onClick={() => onInspect('data')}>
          Data
        </Menu.Item>
        <Menu.Item leftSection={<IconChartHistogram size={15} />} onClick={() => onInspect('query')}>
          Query
        </Menu.Item>
        <Menu.Item leftSection={<IconCode size={15} />} onClick={() => onInspect('json')}>
          Panel JSON
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
