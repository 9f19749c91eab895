import './runbook.css';
import { IconBook2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from 'react-router';
import { runbook } from '../api/belfry.ts';
import { isMissing } from '../api/http.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { Pill, toneOf } from '../components/pill.tsx';
import { rulesQuery } from '../components/queries.ts';
import { Markdown } from '../panels/markdown.tsx';

/** What to do about an alert, with the state of the rules that name this runbook. */
export function Runbook() {
  const { pack = '', name = '' } = useParams();
  const { data, error, refetch } = useQuery({
    queryKey: ['runbook', pack, name],
    queryFn: ({ signal }) => runbook(pack, name, signal),
    staleTime: 60_000,
  });
  const title = data?.match(/^#\s+(.+)$/m)?.[1] ?? name;
  return (
    <Page title={title} crumb={<span className="dim">Runbooks / {pack} /</span>}>
      {error ? (
        isMissing(error) ? (
          <EmptyState roomy icon={IconBook2} title={`There is no runbook ${pack}/${name}`}>
            Packs bring theirs in their runbooks folder.
          </EmptyState>
        ) : (
          <ErrorState error={error} onRetry={() => void refetch()} />
        )
      ) : data === undefined ? (
        <Loading />
      ) : (
        <div className="runbook">
          <RulesHere path={`/runbooks/${pack}/${name}`} />
          <article className="card">
            <Markdown text={data.replace(/^#\s+.+\n/, '')} explore />
          </article>
        </div>
      )}
    </Page>
  );
}

function RulesHere({ path }: { readonly path: string }) {
  const { data } = useQuery(rulesQuery);
  const rules = (data ?? []).flatMap((g) => g.rules).filter((r) => r.annotations.runbook_url?.endsWith(path));
  if (rules.length === 0) return null;
  return (
    <div className="row wrap" style={{ marginBottom: 12 }}>
      {rules.map((r) => (
        <Link key={r.name} className="chip-toggle" to={`/alerts?search=${encodeURIComponent(r.name)}`}>
          {r.name} <Pill tone={toneOf(r.state)}>{r.state}</Pill>
        </Link>
      ))}
    </div>
  );
}
