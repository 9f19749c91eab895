import './dashboards.css';
import { IconLayoutDashboard } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { dashboardsQuery } from '../components/queries.ts';
import { SearchInput } from '../components/search-input.tsx';
import { useUrlState } from '../components/url-state.ts';

/** Every dashboard, by folder. */
export function Dashboards() {
  const { data, error, refetch } = useQuery(dashboardsQuery);
  const [search, setSearch] = useUrlState('search');
  const [tag, setTag] = useUrlState('tag');
  const needle = search.toLowerCase();
  const found = (data ?? []).filter(
    (d) =>
      (d.title.toLowerCase().includes(needle) || d.folder.toLowerCase().includes(needle)) &&
      (tag === '' || d.tags.includes(tag)),
  );
  const folders = [...Map.groupBy(found, (d) => d.folder)].sort((a, b) => a[0].localeCompare(b[0]));
  const tags = [...new Set((data ?? []).flatMap((d) => d.tags))].sort();
  return (
    <Page title="Dashboards" beside={data && <span className="faint num">{data.length}</span>}>
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.length === 0 ? (
        <EmptyState roomy icon={IconLayoutDashboard} title="No dashboards yet">
          Put Grafana's dashboard JSON where the provisioning looks, or build a pack:{' '}
          <code className="mono">belfry build</code>.
        </EmptyState>
      ) : (
        <>
          <div className="filters">
            <SearchInput value={search} onChange={setSearch} placeholder="Search dashboards" />
            {tags.map((t) => (
              <button
                key={t}
                type="button"
                className="chip-toggle"
                aria-pressed={tag === t}
                onClick={() => setTag(tag === t ? '' : t)}
              >
                {t}
              </button>
            ))}
          </div>
          {folders.map(([folder, dashboards]) => (
            <section className="card" key={folder}>
              <header>
                <h2>{folder}</h2>
                <span className="faint num">{dashboards.length}</span>
              </header>
              <ul className="dashboard-list">
                {dashboards.map((d) => (
                  <li key={d.uid}>
                    <Link to={d.url}>
                      <IconLayoutDashboard size={16} stroke={1.5} />
                      <span className="strong ellipsis">{d.title}</span>
                      <span className="grow" />
                      {d.tags.map((t) => (
                        <span className="tag" key={t}>
                          {t}
                        </span>
                      ))}
                    </Link>
                  </li>
                ))}
              </ul>
            </section>
          ))}
          {found.length === 0 && <EmptyState title="Nothing matches">Try fewer letters.</EmptyState>}
        </>
      )}
    </Page>
  );
}
