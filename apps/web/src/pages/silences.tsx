import './silences.css';
import { Button, Drawer, SegmentedControl, Textarea, TextInput } from '@mantine/core';
import { IconPlus, IconVolumeOff } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { expireSilence, matcherText, routedAlerts, type Silence, saveSilence, silences } from '../api/alertmanager.ts';
import { isMissing } from '../api/http.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { LabelList } from '../components/labels.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { Pill, toneOf } from '../components/pill.tsx';
import { LIVE_MS } from '../components/queries.ts';
import { useUrlChange, useUrlState } from '../components/url-state.ts';
import { useNow } from '../components/use-now.ts';
import { parseMatchers } from '../format/matchers.ts';
import { agoText, localDateTime, parseSpan, roughSpan } from '../format/time-range.ts';

const STATES = ['active', 'pending', 'expired'] as const;
const SPANS = ['30m', '1h', '2h', '4h', '12h', '1d', '7d'];

/** What is kept quiet, by whom, until when. */
export function Silences() {
  const [state, setState] = useUrlState('state', 'active');
  const [isNew] = useUrlState('new');
  const [matcher] = useUrlState('matcher');
  const change = useUrlChange();
  const now = useNow();
  const { data, error, refetch } = useQuery({
    queryKey: ['silences'],
    queryFn: ({ signal }) => silences(signal),
    refetchInterval: ({ state: s }) => (isMissing(s.error) ? false : LIVE_MS),
  });
  const found = (data ?? []).filter((s) => s.state === state).toSorted((a, b) => a.endsAtMs - b.endsAtMs);
  const close = () => change({ new: '', matcher: '' });
  return (
    <Page
      title="Silences"
      actions={
        <Button
          size="xs"
          leftSection={<IconPlus size={15} />}
          disabled={isMissing(error)}
          onClick={() => change({ new: '1' })}
        >
          New silence
        </Button>
      }
    >
      {error && !data ? (
        isMissing(error) ? (
          <EmptyState roomy icon={IconVolumeOff} title="No alert router runs here">
            Silences belong to an alert router. Start the server with an alertmanager.yml.
          </EmptyState>
        ) : (
          <ErrorState error={error} onRetry={() => void refetch()} />
        )
      ) : !data ? (
        <Loading />
      ) : (
        <>
          <div className="filters">
            <SegmentedControl
              size="xs"
              value={state}
              onChange={setState}
              data={STATES.map((s) => ({
                value: s,
                label: `${s[0]!.toUpperCase()}${s.slice(1)} ${data.filter((x) => x.state === s).length}`,
              }))}
            />
          </div>
          {found.map((s) => (
            <SilenceCard key={s.id} silence={s} now={now} />
          ))}
          {found.length === 0 && (
            <EmptyState roomy icon={IconVolumeOff} title={`No ${state} silences`}>
              A silence keeps matching alerts from being sent, for a while.
            </EmptyState>
          )}
        </>
      )}
      <Drawer
        opened={isNew === '1'}
        onClose={close}
        position="right"
        size="min(560px, 96vw)"
        title="New silence"
        padding="lg"
      >
        {isNew === '1' && <SilenceForm key={matcher} matcher={matcher} onDone={close} />}
      </Drawer>
    </Page>
  );
}

function SilenceCard({ silence: s, now }: { readonly silence: Silence; readonly now: number }) {
  const queryClient = useQueryClient();
  const expire = useMutation({
    mutationFn: () => expireSilence(s.id),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['silences'] }),
  });
  const when =
    s.state === 'active'
      ? `ends in ${roughSpan(s.endsAtMs - now)}`
      : s.state === 'pending'
        ? `begins ${agoText(s.startsAtMs, now)}`
        : `ended ${agoText(s.endsAtMs, now)}`;
  return (
    <section className="card silence">
      <div className="grow">
        <span className="labels">
          {s.matchers.map((m) => (
            <span className="label" key={matcherText(m)}>
              <span>{matcherText(m)}</span>
            </span>
          ))}
        </span>
        <p>{s.comment}</p>
        <p className="dim num">
          {s.createdBy} · {localDateTime(s.startsAtMs)} to {localDateTime(s.endsAtMs)}
        </p>
        {expire.error && <ErrorState inline error={expire.error} />}
      </div>
      <Pill tone={s.state === 'active' ? 'info' : toneOf(s.state)}>{when}</Pill>
      {s.state !== 'expired' && (
        <Button size="compact-sm" variant="default" loading={expire.isPending} onClick={() => expire.mutate()}>
          Expire
        </Button>
      )}
    </section>
  );
}

const CREATOR_KEY = 'belfry-silence-creator';

function SilenceForm({ matcher, onDone }: { readonly matcher: string; readonly onDone: () => void }) {
  const queryClient = useQueryClient();
  const [text, setText] = useState(matcher);
  const [span, setSpan] = useState('2h');
  const [creator, setCreator] = useState(() => localStorage.getItem(CREATOR_KEY) ?? '');
  const [comment, setComment] = useState('');
  const parsed = parseMatchers(text);
  const spanMs = parseSpan(span);
  const preview = useQuery({
    queryKey: ['silence-preview', text],
    queryFn: ({ signal }) => routedAlerts(parsed.matchers.map(matcherText), signal),
    enabled: parsed.matchers.length > 0 && !parsed.error,
  });
  const save = useMutation({
    mutationFn: () => {
      localStorage.setItem(CREATOR_KEY, creator);
      const now = Date.now();
      return saveSilence({
        matchers: parsed.matchers,
        startsAt: new Date(now).toISOString(),
        endsAt: new Date(now + spanMs!).toISOString(),
        createdBy: creator,
        comment,
      });
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['silences'] });
      onDone();
    },
  });
  const ready = parsed.matchers.length > 0 && !parsed.error && spanMs && creator.trim() !== '' && comment.trim() !== '';
  return (
    <form
      className="silence-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) save.mutate();
      }}
    >
      <Textarea
        label="Matchers"
        description='Label matchers between commas: alertname="ServiceDown", job=~"metald|billaged"'
        autosize
        minRows={2}
        data-autofocus
        classNames={{ input: 'mono' }}
        value={text}
        error={text === '' ? undefined : parsed.error}
        onChange={(e) => setText(e.currentTarget.value)}
      />
      <div>
        <TextInput
          label="For how long"
          value={span}
          error={spanMs ? undefined : 'A duration, such as 90m or 2d'}
          onChange={(e) => setSpan(e.currentTarget.value)}
        />
        <div className="row wrap" style={{ marginTop: 6, gap: 4 }}>
          {SPANS.map((s) => (
            <button key={s} type="button" className="chip-toggle" aria-pressed={span === s} onClick={() => setSpan(s)}>
              {s}
            </button>
          ))}
        </div>
      </div>
      <TextInput label="Created by" value={creator} onChange={(e) => setCreator(e.currentTarget.value)} />
      <Textarea
        label="Comment"
        placeholder="Why, and what ends it"
        autosize
        minRows={2}
        value={comment}
        onChange={(e) => setComment(e.currentTarget.value)}
      />
      <div>
        <span className="dim">
          {preview.data
            ? `Keeps ${preview.data.length} current ${preview.data.length === 1 ? 'alert' : 'alerts'} quiet`
            : 'Alerts that match now'}
        </span>
        <div className="silence-preview">
          {(preview.data ?? []).slice(0, 20).map((a) => (
            <LabelList key={JSON.stringify(a.labels)} labels={a.labels} />
          ))}
        </div>
      </div>
      {save.error && <ErrorState inline error={save.error} />}
      <div className="row">
        <Button type="submit" size="sm" disabled={!ready} loading={save.isPending}>
          Create silence
        </Button>
        <Button size="sm" variant="subtle" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
