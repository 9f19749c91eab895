import './alerts.css';
import { IconBellRinging, IconChevronRight, IconExternalLink, IconVolumeOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'react-router';
import type { ActiveAlert, Rule, RuleGroup } from '../api/prometheus.ts';
import { EmptyState } from '../components/empty-state.tsx';
import { ErrorState } from '../components/error-state.tsx';
import { Expr } from '../components/expr.tsx';
import { LabelList } from '../components/labels.tsx';
import { Loading } from '../components/loading.tsx';
import { Page } from '../components/page.tsx';
import { Pill, toneOf } from '../components/pill.tsx';
import { rulesQuery } from '../components/queries.ts';
import { SearchInput } from '../components/search-input.tsx';
import { useUrlState } from '../components/url-state.ts';
import { useNow } from '../components/use-now.ts';
import { Why } from '../components/why.tsx';
import { agoText, localDateTime, roughSpan, spanText } from '../format/time-range.ts';
import { formatValue } from '../format/units.ts';

const STATES = ['firing', 'pending', 'inactive'] as const;

/** Every alerting rule and its state; recording rules on demand. */
export function Alerts() {
  const { data, error, refetch } = useQuery(rulesQuery);
  const [state, setState] = useUrlState('state');
  const [search, setSearch] = useUrlState('search');
  const [recording, setRecording] = useUrlState('recording');
  const now = useNow();
  const alerting = (data ?? []).flatMap((g) => g.rules).filter((r) => r.kind === 'alerting');
  const groups = (data ?? [])
    .map((g) => ({ ...g, rules: g.rules.filter((r) => matches(r, g, search, state, recording === '1')) }))
    .filter((g) => g.rules.length > 0);
  return (
    <Page title="Alerts">
      {error && !data ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : (
        <>
          <div className="filters">
            <SearchInput value={search} onChange={setSearch} placeholder="Search name, label or expression" />
            {STATES.map((s) => (
              <button
                key={s}
                type="button"
                className={`chip-toggle tone-${toneOf(s)}`}
                aria-pressed={state === s}
                onClick={() => setState(state === s ? '' : s)}
              >
                <i />
                {title(s)} <span className="num strong">{alerting.filter((r) => r.state === s).length}</span>
              </button>
            ))}
            <button
              type="button"
              className="chip-toggle"
              aria-pressed={recording === '1'}
              onClick={() => setRecording(recording === '1' ? '' : '1')}
            >
              Recording rules
            </button>
          </div>
          {groups.map((g) => (
            <Group
              key={`${g.file};${g.name}`}
              group={g}
              now={now}
              onPick={(name, value) => setSearch(`${name}="${value}"`)}
            />
          ))}
          {groups.length === 0 && (
            <EmptyState
              roomy
              icon={IconBellRinging}
              title={alerting.length === 0 ? 'No alerting rules' : 'No rule matches'}
            >
              {alerting.length === 0
                ? 'Name rule files under rule_files in the configuration.'
                : 'Other states or fewer letters may.'}
            </EmptyState>
          )}
        </>
      )}
    </Page>
  );
}

const title = (s: string) => s[0]!.toUpperCase() + s.slice(1);

function matches(rule: Rule, group: RuleGroup, search: string, state: string, recording: boolean): boolean {
  if (rule.kind === 'recording') return recording && state === '' && textMatches(rule, group, search);
  return (state === '' || rule.state === state) && textMatches(rule, group, search);
}

function textMatches(rule: Rule, group: RuleGroup, search: string): boolean {
  if (search === '') return true;
  const labelSets = [rule.labels, ...rule.alerts.map((a) => a.labels)];
  const labels = labelSets.flatMap((l) => Object.entries(l).map(([k, v]) => `${k}="${v}"`));
  const text = [rule.name, rule.query, group.name, ...labels].join('\n').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

interface GroupProps {
  readonly group: RuleGroup;
  readonly now: number;
  readonly onPick: (name: string, value: string) => void;
}

function Group({ group, now, onPick }: GroupProps) {
  return (
    <section className="card">
      <header>
        <h2>{group.name}</h2>
        <span className="faint mono ellipsis grow" title={group.file}>
          {group.file}
        </span>
        <span className="dim num" title={group.lastEvaluationMs ? localDateTime(group.lastEvaluationMs) : 'not yet'}>
          every {spanText(group.intervalMs)}
          {group.lastEvaluationMs &&
            ` · ${agoText(group.lastEvaluationMs, now)} · took ${formatValue(group.evaluationMs, 'ms')}`}
        </span>
      </header>
      {group.rules.map((rule, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a group may hold two rules of one name
        <RuleView key={`${rule.name}-${i}`} rule={rule} now={now} onPick={onPick} />
      ))}
    </section>
  );
}

function RuleView({
  rule,
  now,
  onPick,
}: {
  readonly rule: Rule;
  readonly now: number;
  readonly onPick: GroupProps['onPick'];
}) {
  const [open, setOpen] = useState<boolean | undefined>();
  const shown = open ?? (rule.state === 'firing' || rule.state === 'pending');
  const unwell = rule.health === 'err' || rule.lastError !== '';
  return (
    <div className={`rule tone-${unwell ? 'critical' : toneOf(rule.state)} ${rule.kind} ${rule.state}`}>
      <button type="button" className="rule-head" aria-expanded={shown} onClick={() => setOpen(!shown)}>
        <IconChevronRight size={15} className="turn" />
        <span className="strong ellipsis">{rule.name}</span>
        {rule.labels.severity && <span className="tag">{rule.labels.severity}</span>}
        {rule.annotations.summary && (
          <span className="dim ellipsis grow wide-only">
            {rule.alerts[0]?.annotations.summary ?? rule.annotations.summary}
          </span>
        )}
        <span className="grow" />
        {unwell && <Pill tone="critical">error</Pill>}
        {rule.kind === 'recording' ? (
          <Pill tone="neutral" plain>
            recording
          </Pill>
        ) : (
          <Pill tone={toneOf(rule.state)}>
            {rule.state}
            {rule.alerts.length > 1 && ` ${rule.alerts.length}`}
          </Pill>
        )}
      </button>
      {shown && <RuleBody rule={rule} now={now} onPick={onPick} />}
    </div>
  );
}

function RuleBody({
  rule,
  now,
  onPick,
}: {
  readonly rule: Rule;
  readonly now: number;
  readonly onPick: GroupProps['onPick'];
}) {
  return (
    <div className="rule-body">
      {rule.lastError && <ErrorState inline title="Evaluation failed" error={new Error(rule.lastError)} />}
      <Expr expr={rule.query} to={`/explore?expr=${encodeURIComponent(rule.query)}`} />
      <div className="row wrap dim">
        {rule.durationMs > 0 && <span>for {spanText(rule.durationMs)}</span>}
        {rule.keepFiringForMs > 0 && <span>keeps firing for {spanText(rule.keepFiringForMs)}</span>}
        {Object.keys(rule.labels).length > 0 && <LabelList labels={rule.labels} onPick={onPick} />}
        <span className="grow" />
        {rule.kind === 'alerting' && (
          <>
            {rule.alerts.length > 0 && <Why alertname={rule.name} />}
            <Link to={`/inbox?alertname=${encodeURIComponent(rule.name)}`}>Notifications</Link>
            <Link to={`/silences?new=1&matcher=${encodeURIComponent(`alertname="${rule.name}"`)}`}>
              <IconVolumeOff size={13} style={{ verticalAlign: -2 }} /> Silence
            </Link>
          </>
        )}
      </div>
      {rule.alerts.length > 0 ? (
        <div className="scroll-x">
          <table className="table alerts-table">
            <thead>
              <tr>
                <th>State</th>
                <th>Labels</th>
                <th>Since</th>
                <th className="right">Value</th>
              </tr>
            </thead>
            <tbody>
              {rule.alerts.map((alert) => (
                <AlertRow key={JSON.stringify(alert.labels)} alert={alert} now={now} onPick={onPick} />
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        rule.kind === 'alerting' && <Annotations annotations={rule.annotations} />
      )}
    </div>
  );
}

function AlertRow({
  alert,
  now,
  onPick,
}: {
  readonly alert: ActiveAlert;
  readonly now: number;
  readonly onPick: GroupProps['onPick'];
}) {
  return (
    <tr>
      <td>
        <Pill tone={toneOf(alert.state)}>{alert.state}</Pill>
      </td>
      <td>
        <LabelList labels={alert.labels} without={['alertname']} onPick={onPick} />
        <Annotations annotations={alert.annotations} />
      </td>
      <td
        className="num"
        title={alert.activeAtMs ? localDateTime(alert.activeAtMs) : ''}
        style={{ whiteSpace: 'nowrap' }}
      >
        {alert.activeAtMs ? roughSpan(now - alert.activeAtMs) : '–'}
      </td>
      <td className="right num mono">{String(Number(alert.value.toPrecision(8)))}</td>
    </tr>
  );
}

/** Texts of an alert; addresses become links. */
export function Annotations({ annotations }: { readonly annotations: Readonly<Record<string, string>> }) {
  const entries = Object.entries(annotations);
  if (entries.length === 0) return null;
  return (
    <dl className="kv annotations">
      {entries.map(([name, value]) => (
        <div key={name} style={{ display: 'contents' }}>
          <dt>{name}</dt>
          <dd>
            <AnnotationValue value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function AnnotationValue({ value }: { readonly value: string }) {
  if (!/^https?:\/\/\S+$/.test(value)) return value;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  // A runbook that this server shows itself, by whatever name it was reached.
  if (url?.port === location.port && url.pathname.startsWith('/runbooks/'))
    return <Link to={url.pathname}>{value}</Link>;
  return (
    <a href={value} target="_blank" rel="noreferrer">
      {value} <IconExternalLink size={12} />
    </a>
  );
}
