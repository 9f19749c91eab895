import { Modal } from '@mantine/core';
import {
  type Icon,
  IconBellRinging,
  IconChartHistogram,
  IconFileText,
  IconLayoutDashboard,
  IconSearch,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { labelValues } from '../api/prometheus.ts';
import { rankMatches } from '../format/fuzzy.ts';
import { dashboardsQuery, metadataQuery, rulesQuery } from './queries.ts';
import './command-palette.css';

interface Command {
  readonly kind: string;
  readonly text: string;
  readonly note: string;
  readonly to: string;
  readonly icon: Icon;
}

const PAGES: readonly (readonly [text: string, to: string])[] = [
  ['Home', '/'],
  ['Dashboards', '/dashboards'],
  ['Explore', '/explore'],
  ['Alerts', '/alerts'],
  ['Firing alerts', '/alerts?state=firing'],
  ['Inbox', '/inbox'],
  ['Silences', '/silences'],
  ['New silence', '/silences?new=1'],
  ['Targets', '/targets'],
  ['Fleet', '/fleet'],
  ['Status', '/status'],
  ['Configuration', '/status?tab=config'],
  ['Flags', '/status?tab=flags'],
  ['Cardinality', '/status?tab=tsdb'],
];
const MAX_SHOWN = 40;

/** Ctrl or Cmd K: goes to any page, dashboard, alert or metric. */
export function CommandPalette({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const navigate = useNavigate();
  const list = useRef<HTMLDivElement>(null);
  const commands = useCommands();
  const found = useMemo(() => {
    const start = commands.filter((c) => c.kind !== 'Metric');
    return text.trim() === ''
      ? start.slice(0, MAX_SHOWN)
      : rankMatches(text, commands, (c) => c.text).slice(0, MAX_SHOWN);
  }, [commands, text]);
  const go = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    navigate(command.to);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      setAt((i) => (i + move + found.length) % Math.max(found.length, 1));
    } else if (event.key === 'Enter') go(found[at]);
  };
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  });
  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      padding={0}
      size={600}
      yOffset="12vh"
      radius="md"
      transitionProps={{ duration: 90 }}
    >
      <div className="palette">
        <div className="palette-input">
          <IconSearch size={17} />
          <input
            data-autofocus
            role="combobox"
            aria-label="Go to"
            aria-expanded="true"
            aria-controls="palette-list"
            aria-activedescendant={found[at] && `palette-${at}`}
            placeholder="Go to a page, dashboard, alert or metric"
            value={text}
            onChange={(event) => {
              setText(event.currentTarget.value);
              setAt(0);
            }}
            onKeyDown={onKeyDown}
          />
        </div>
        <div className="palette-list" id="palette-list" role="listbox" aria-label="Results" ref={list}>
          {found.map((command, i) => (
            <div
              key={`${command.kind}-${command.to}`}
              id={`palette-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === at}
              className="palette-item"
              onMouseMove={() => setAt(i)}
              onClick={() => go(command)}
              onKeyDown={onKeyDown}
            >
              <command.icon size={16} stroke={1.6} />
              <span className={`ellipsis ${command.kind === 'Metric' ? 'mono' : ''}`}>{command.text}</span>
              <span className="faint ellipsis grow">{command.note}</span>
              <span className="faint">{command.kind}</span>
            </div>
          ))}
          {found.length === 0 && <div className="palette-none">Nothing is called “{text}”.</div>}
        </div>
        <div className="palette-keys faint">↑↓ choose · Enter open · Esc close</div>
      </div>
    </Modal>
  );
}

function useCommands(): readonly Command[] {
  const dashboards = useQuery(dashboardsQuery);
  const rules = useQuery(rulesQuery);
  const metadata = useQuery(metadataQuery);
  const metrics = useQuery({
    queryKey: ['metric-names'],
    queryFn: ({ signal }) => labelValues('__name__', '', undefined, signal),
    staleTime: 60_000,
  });
  return useMemo(() => {
    const pages = PAGES.map(([text, to]) => ({ kind: 'Page', text, note: '', to, icon: IconFileText }));
    const boards = (dashboards.data ?? []).map((d) => ({
      kind: 'Dashboard',
      text: d.title,
      note: d.folder,
      to: d.url,
      icon: IconLayoutDashboard,
    }));
    const alerts = (rules.data ?? [])
      .flatMap((g) => g.rules.map((r) => ({ group: g.name, rule: r })))
      .filter(({ rule }) => rule.kind === 'alerting')
      .map(({ group, rule }) => ({
        kind: 'Alert',
        text: rule.name,
        note: group,
        to: `/alerts?search=${encodeURIComponent(rule.name)}`,
        icon: IconBellRinging,
      }));
    const names = (metrics.data ?? []).map((name) => ({
      kind: 'Metric',
      text: name,
      note: metadata.data?.get(name)?.help ?? '',
      to: `/explore?expr=${encodeURIComponent(name)}`,
      icon: IconChartHistogram,
    }));
    return [...boards, ...pages, ...alerts, ...names];
  }, [dashboards.data, rules.data, metrics.data, metadata.data]);
}
