import { Menu, Tooltip, useMantineColorScheme } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import {
  type Icon,
  IconBellRinging,
  IconBox,
  IconChartHistogram,
  IconCommand,
  IconDeviceDesktop,
  IconHome2,
  IconInbox,
  IconLayoutDashboard,
  IconLayoutSidebarLeftCollapse,
  IconLayoutSidebarLeftExpand,
  IconMoon,
  IconPlugConnectedX,
  IconSearch,
  IconServerBolt,
  IconSun,
  IconTarget,
  IconVolumeOff,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { Link, Outlet, useLocation, useNavigation, useSearchParams } from 'react-router';
import { isApiError, isMissing } from '../api/http.ts';
import { localTime } from '../format/time-range.ts';
import { fleetQuery, rulesQuery } from './queries.ts';

const CommandPalette = lazy(async () => ({ default: (await import('./command-palette.tsx')).CommandPalette }));

interface NavEntry {
  readonly to: string;
  readonly label: string;
  readonly icon: Icon;
}

const WATCH: readonly NavEntry[] = [
  { to: '/', label: 'Home', icon: IconHome2 },
  { to: '/dashboards', label: 'Dashboards', icon: IconLayoutDashboard },
  { to: '/explore', label: 'Explore', icon: IconChartHistogram },
];
const ALERTING: readonly NavEntry[] = [
  { to: '/alerts', label: 'Alerts', icon: IconBellRinging },
  { to: '/inbox', label: 'Inbox', icon: IconInbox },
  { to: '/silences', label: 'Silences', icon: IconVolumeOff },
];
const SYSTEM: readonly NavEntry[] = [
  { to: '/targets', label: 'Targets', icon: IconTarget },
  { to: '/fleet', label: 'Fleet', icon: IconBox },
  { to: '/status', label: 'Status', icon: IconServerBolt },
];

/** The frame around every page: navigation on the left, the page, and the command palette above. */
export function Shell() {
  const [narrow, setNarrow] = useLocalStorage({
    key: 'belfry-nav-narrow',
    defaultValue: false,
    getInitialValueInEffect: false,
  });
  const [palette, setPalette] = useState(false);
  const [parameters] = useSearchParams();
  const navigation = useNavigation();
  const kiosk = parameters.has('kiosk');
  useCommandKey(() => setPalette((open) => !open));
  return (
    <div className={`shell ${narrow ? 'narrow' : ''} ${kiosk ? 'kiosk' : ''}`}>
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      {navigation.state === 'loading' && <div className="progress-line" />}
      {!kiosk && <Navigation narrow={narrow} onNarrow={setNarrow} onSearch={() => setPalette(true)} />}
      <div className="main">
        <ConnectionNote />
        <Suspense>
          <Outlet />
        </Suspense>
      </div>
      {palette && (
        <Suspense>
          <CommandPalette onClose={() => setPalette(false)} />
        </Suspense>
      )}
    </div>
  );
}

/** Says so when what is shown is no longer the present. */
function ConnectionNote() {
  const { error, dataUpdatedAt } = useQuery(rulesQuery);
  if (!isApiError(error) || (error.status !== 0 && error.status < 502)) return null;
  return (
    <div className="connection-note" role="alert">
      <IconPlugConnectedX size={16} />
      No connection to the server.
      {dataUpdatedAt > 0 && ` What is shown is from ${localTime(dataUpdatedAt)}.`}
    </div>
  );
}

function useCommandKey(toggle: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      toggle();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}

interface NavigationProps {
  readonly narrow: boolean;
  readonly onNarrow: (narrow: boolean) => void;
  readonly onSearch: () => void;
}

function Navigation({ narrow, onNarrow, onSearch }: NavigationProps) {
  const fleet = useQuery(fleetQuery);
  const system = isMissing(fleet.error) ? SYSTEM.filter((e) => e.to !== '/fleet') : SYSTEM;
  const Collapse = narrow ? IconLayoutSidebarLeftExpand : IconLayoutSidebarLeftCollapse;
  return (
    <nav className="nav" aria-label="Main">
      <Link to="/" className="brand" aria-label="Belfry, home">
        <BellMark />
        <span>Belfry</span>
      </Link>
      <Hint label="Search  Ctrl K" show={narrow}>
        <button type="button" className="nav-item nav-search" onClick={onSearch} aria-label="Search">
          <IconSearch size={16} stroke={1.7} />
          <span className="grow">Search</span>
          <span className="faint row" style={{ gap: 1 }}>
            <IconCommand size={12} />K
          </span>
        </button>
      </Hint>
      {WATCH.map((e) => (
        <NavItem key={e.to} entry={e} narrow={narrow} />
      ))}
      <div className="nav-section">Alerting</div>
      {ALERTING.map((e) => (
        <NavItem key={e.to} entry={e} narrow={narrow} badge={e.to === '/alerts' && <FiringCount />} />
      ))}
      <div className="nav-section">System</div>
      {system.map((e) => (
        <NavItem key={e.to} entry={e} narrow={narrow} />
      ))}
      <span className="grow nav-spacer" />
      <SchemeMenu narrow={narrow} />
      <Hint label="Expand" show={narrow}>
        <button
          type="button"
          className="nav-item wide-only"
          onClick={() => onNarrow(!narrow)}
          aria-label={narrow ? 'Expand' : 'Collapse'}
        >
          <Collapse size={18} stroke={1.6} />
          <span>Collapse</span>
        </button>
      </Hint>
    </nav>
  );
}

function Hint({
  label,
  show,
  children,
}: {
  readonly label: string;
  readonly show: boolean;
  readonly children: ReactNode;
}) {
  return (
    <Tooltip label={label} position="right" disabled={!show} openDelay={200}>
      {children as React.ReactElement}
    </Tooltip>
  );
}

function NavItem({
  entry,
  narrow,
  badge,
}: {
  readonly entry: NavEntry;
  readonly narrow: boolean;
  readonly badge?: ReactNode;
}) {
  const { pathname } = useLocation();
  const inside = entry.to === '/dashboards' && pathname.startsWith('/d/');
  const active = inside || (entry.to === '/' ? pathname === '/' : pathname.startsWith(entry.to));
  return (
    <Hint label={entry.label} show={narrow}>
      <Link
        to={entry.to}
        aria-label={entry.label}
        aria-current={active ? 'page' : undefined}
        className={`nav-item ${active ? 'active' : ''}`}
      >
        <entry.icon size={18} stroke={1.6} aria-hidden="true" />
        <span>{entry.label}</span>
        {badge}
      </Link>
    </Hint>
  );
}

function FiringCount() {
  const { data } = useQuery(rulesQuery);
  const firing = (data ?? [])
    .flatMap((g) => g.rules)
    .flatMap((r) => r.alerts)
    .filter((a) => a.state === 'firing').length;
  if (firing === 0) return null;
  return (
    <span className="count pill plain tone-critical" role="status" aria-label={`${firing} firing`}>
      {firing}
    </span>
  );
}

const SCHEMES = [
  { value: 'dark', label: 'Dark', icon: IconMoon },
  { value: 'light', label: 'Light', icon: IconSun },
  { value: 'auto', label: 'As the system', icon: IconDeviceDesktop },
] as const;

function SchemeMenu({ narrow }: { readonly narrow: boolean }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const current = SCHEMES.find((s) => s.value === colorScheme) ?? SCHEMES[2];
  return (
    <Menu position="right-end" withinPortal>
      <Menu.Target>
        <button
          type="button"
          className="nav-item wide-only"
          aria-label="Appearance"
          title={narrow ? 'Appearance' : undefined}
        >
          <current.icon size={18} stroke={1.6} />
          <span>Appearance</span>
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {SCHEMES.map((s) => (
          <Menu.Item key={s.value} leftSection={<s.icon size={15} />} onClick={() => setColorScheme(s.value)}>
            {s.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** The bell. */
export function BellMark({ size = 22 }: { readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.9"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d="M12 2.500v2.200M6.300 17c1.250-1.400 1.600-3.300 1.600-5.800a4.100 4.100 0 0 1 8.200 0c0 2.500.35 4.400 1.600 5.800zM4.500 17h15M10.200 20a2 2 0 0 0 3.600 0" />
    </svg>
  );
}
