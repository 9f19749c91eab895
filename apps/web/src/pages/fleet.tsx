import './fleet.css';
import { Button, Switch } from '@mantine/core';
import { IconBox, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { controlService, type Service, setBreakage } from '../api/belfry.ts';
import { isMissing } from '../api/http.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { Pill, toneOf } from '../components/pill.tsx';
import { fleetQuery } from '../components/queries.ts';

/** The reference services: run them, stop them, break them. */
export function Fleet() {
  const { data, error, refetch } = useQuery(fleetQuery);
  return (
    <Page title="Fleet">
      {error && !data ? (
        isMissing(error) ? (
          <EmptyState roomy icon={IconBox} title="No fleet runs here">
            <code className="mono">belfry up</code> runs the reference services beside this server.
          </EmptyState>
        ) : (
          <ErrorState error={error} onRetry={() => void refetch()} />
        )
      ) : !data ? (
        <Loading />
      ) : data.length === 0 ? (
        <EmptyState roomy icon={IconBox} title="The fleet is empty" />
      ) : (
        <div className="fleet">
          {data.map((s) => (
            <ServiceCard key={s.name} service={s} />
          ))}
        </div>
      )}
    </Page>
  );
}

function ServiceCard({ service }: { readonly service: Service }) {
  const queryClient = useQueryClient();
  const onSuccess = (services: readonly Service[]) => {
    if (services.length > 0) queryClient.setQueryData(fleetQuery.queryKey, services);
    void queryClient.invalidateQueries({ queryKey: fleetQuery.queryKey });
  };
  const control = useMutation({
    mutationFn: (action: 'start' | 'stop') => controlService(service.name, action),
    onSuccess,
  });
  const breakage = useMutation({
    mutationFn: (b: { name: string; on: boolean }) => setBreakage(service.name, b.name, b.on),
    onSuccess,
  });
  const runs = service.state === 'running' || service.state === 'starting';
  return (
    <section className="card service">
      <header>
        <h2>{service.name}</h2>
        <Pill tone={toneOf(service.state)}>{service.state}</Pill>
        {service.pid !== undefined && <span className="faint num">pid {service.pid}</span>}
        <span className="grow" />
        {runs ? (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconPlayerStop size={14} />}
            loading={control.isPending}
            onClick={() => control.mutate('stop')}
          >
            Stop
          </Button>
        ) : (
          <Button
            size="compact-sm"
            leftSection={<IconPlayerPlay size={14} />}
            loading={control.isPending}
            onClick={() => control.mutate('start')}
          >
            Start
          </Button>
        )}
      </header>
      <div className="body">
        {service.description && <p className="dim">{service.description}</p>}
        {service.error && <ErrorState inline title="It failed" error={new Error(service.error)} />}
        {control.error && <ErrorState inline error={control.error} />}
        <dl className="kv">
          {service.ports.map((p) => (
            <div key={p.name} style={{ display: 'contents' }}>
              <dt>{p.name}</dt>
              <dd>
                <a className="mono" href={p.url} target="_blank" rel="noreferrer">
                  {p.url || p.port}
                </a>
              </dd>
            </div>
          ))}
        </dl>
        {service.breakages.length > 0 && (
          <div className="breakages">
            <h3>Failures to try</h3>
            {service.breakages.map((b) => (
              <Switch
                key={b.name}
                size="xs"
                color="red"
                checked={b.active}
                disabled={!runs || breakage.isPending}
                label={b.name}
                description={b.description}
                onChange={(event) => breakage.mutate({ name: b.name, on: event.currentTarget.checked })}
              />
            ))}
            {breakage.error && <ErrorState inline error={breakage.error} />}
          </div>
        )}
      </div>
    </section>
  );
}
