import './status.css';
import { Tabs } from '@mantine/core';
import { IconServerBolt } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { type Cardinality, statusConfig, statusTexts, tsdbStatus } from '../api/prometheus.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { SearchInput } from '../components/search-input.tsx';
import { useUrlState } from '../components/url-state.ts';
import { localDateTime } from '../format/time-range.ts';
import { formatValue } from '../format/units.ts';

/** What this server is, how it was started, and what it holds. */
export function Status() {
  const [tab, setTab] = useUrlState('tab', 'build');
  return (
    <Page title="Status">
      <Tabs value={tab} onChange={(v) => setTab(v ?? 'build')} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="build">Build and runtime</Tabs.Tab>
          <Tabs.Tab value="tsdb">Storage</Tabs.Tab>
          <Tabs.Tab value="config">Configuration</Tabs.Tab>
          <Tabs.Tab value="flags">Flags</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="build">
          <div className="two-columns">
            <Facts name="buildinfo" title="Build" />
            <Facts name="runtimeinfo" title="Runtime" />
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="tsdb">
          <Storage />
        </Tabs.Panel>
        <Tabs.Panel value="config">
          <Configuration />
        </Tabs.Panel>
        <Tabs.Panel value="flags">
          <Flags />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Facts({ name, title }: { readonly name: 'buildinfo' | 'runtimeinfo'; readonly title: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['status', name],
    queryFn: ({ signal }) => statusTexts(name, signal),
  });
  return (
    <section className="card">
      <header>
        <h2>{title}</h2>
      </header>
      <div className="body">
        {error ? (
          <ErrorState inline error={error} onRetry={() => void refetch()} />
        ) : !data ? (
          <Loading />
        ) : (
          <dl className="kv">
            {Object.entries(data).map(([k, v]) => (
              <div key={k} style={{ display: 'contents' }}>
                <dt>{words(k)}</dt>
                <dd className="mono">{/^\d{4}-\d\d-\d\dT/.test(v) ? localDateTime(Date.parse(v)) : v || '–'}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </section>
  );
}

/** `storageRetention` as `storage retention`. */
function words(key: string): string {
  return key
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/^./, (c) => c.toUpperCase())
    .replace(/ ([A-Z])(?=[a-z])/g, (c) => c.toLowerCase());
}

function Flags() {
  const [search, setSearch] = useUrlState('search');
  const { data, error, refetch } = useQuery({
    queryKey: ['status', 'flags'],
    queryFn: ({ signal }) => statusTexts('flags', signal),
  });
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  const found = Object.entries(data).filter(([k, v]) => `${k}=${v}`.includes(search));
  return (
    <>
      <div className="filters">
        <SearchInput value={search} onChange={setSearch} placeholder="Search flags" />
      </div>
      <div className="card">
        <table className="table">
          <tbody>
            {found.map(([k, v]) => (
              <tr key={k}>
                <td className="mono strong">--{k}</td>
                <td className="mono">{v || <span className="faint">empty</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {found.length === 0 && <EmptyState title="No flag matches" />}
      </div>
    </>
  );
}

function Configuration() {
  const { data, error, refetch } = useQuery({
    queryKey: ['status', 'config'],
    queryFn: ({ signal }) => statusConfig(signal),
  });
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  if (data === '') return <EmptyState roomy icon={IconServerBolt} title="The configuration is empty" />;
  return (
    <div className="configuration">
      <button type="button" className="link-button" onClick={() => void navigator.clipboard.writeText(data)}>
        Copy
      </button>
      <pre className="code">{yamlLines(data)}</pre>
    </div>
  );
}

/** Keys, strings and comments told apart. */
function yamlLines(text: string) {
  return text.split('\n').map((line, i) => {
    const match = /^(\s*(?:- )?)([\w.-]+:)?(.*)$/.exec(line)!;
    return (
      // biome-ignore lint/suspicious/noArrayIndexKey: lines of one text
      <span key={i}>
        {match[1]}
        <span className="px-func">{match[2]}</span>
        <span className={/^\s*#/.test(line) ? 'px-comment' : ''}>{match[3]}</span>
        {'\n'}
      </span>
    );
  });
}

function Storage() {
  const { data, error, refetch } = useQuery({
    queryKey: ['status', 'tsdb'],
    queryFn: ({ signal }) => tsdbStatus(signal),
  });
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  const time = (ms: number | undefined) => (ms === undefined ? '–' : localDateTime(ms));
  return (
    <>
      <div className="figures">
        <Figure title="Series in memory" text={formatValue(data.series, 'locale')} />
        <Figure title="Chunks" text={formatValue(data.chunks, 'locale')} />
        {data.labelPairs > 0 && <Figure title="Label pairs" text={formatValue(data.labelPairs, 'locale')} />}
        <Figure title="Oldest in memory" text={time(data.minTimeMs)} small />
        <Figure title="Newest in memory" text={time(data.maxTimeMs)} small />
      </div>
      <div className="two-columns">
        <Top
          title="Metrics with most series"
          list={data.seriesByMetric}
          linkTo={(name) => `/explore?expr=${encodeURIComponent(name)}&tab=table`}
        />
        <Top title="Label pairs with most series" list={data.seriesByPair} linkTo={pairLink} />
        <Top
          title="Labels with most values"
          list={data.valuesByLabel}
          linkTo={(name) => `/explore?expr=${encodeURIComponent(`count by (${name}) ({__name__=~".+"})`)}&tab=table`}
        />
        <Top title="Labels that take most memory" list={data.memoryByLabel} unit="bytes" />
      </div>
    </>
  );
}

function pairLink(pair: string): string {
  const at = pair.indexOf('=');
  return `/explore?tab=table&expr=${encodeURIComponent(`topk(20, count by (__name__) ({${pair.slice(0, at)}=${JSON.stringify(pair.slice(at + 1))}}))`)}`;
}

export function Figure({
  title,
  text,
  small = false,
}: {
  readonly title: string;
  readonly text: string;
  readonly small?: boolean;
}) {
  return (
    <div className="card figure">
      <span className="dim">{title}</span>
      <b className={small ? 'small' : ''}>{text}</b>
    </div>
  );
}

interface TopProps {
  readonly title: string;
  readonly list: readonly Cardinality[];
  readonly unit?: string;
  readonly linkTo?: (name: string) => string;
}

function Top({ title, list, unit = 'locale', linkTo }: TopProps) {
  const most = Math.max(...list.map((c) => c.value), 1);
  return (
    <section className="card">
      <header>
        <h2>{title}</h2>
      </header>
      {list.length === 0 ? (
        <EmptyState title="Nothing yet" />
      ) : (
        <ol className="top-list">
          {list.map((c) => (
            <li key={c.name}>
              <span className="bar" style={{ width: `${(c.value / most) * 100}%` }} />
              {linkTo ? (
                <Link className="mono ellipsis" to={linkTo(c.name)}>
                  {c.name}
                </Link>
              ) : (
                <span className="mono ellipsis">{c.name}</span>
              )}
              <span className="num strong">{formatValue(c.value, unit)}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
