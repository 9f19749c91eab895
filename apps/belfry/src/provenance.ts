import { DatabaseSync } from 'node:sqlite';
import { fingerprintOf, formatTime } from '@belfry/alerting';
import { type Clock, formatFloat, labelsFrom, labelsKey, labelsToObject, type Timer } from '@belfry/model';
import type { AlertTransition, Evidence, RuleAlert } from '@belfry/rules';

/** What one part of an alert's expression gave. Values are texts, as in Prometheus' API: JSON has no NaN. */
export interface OriginPart {
  readonly expr: string;
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: string }[];
  /** How many more elements there were. */
  readonly more: number;
  readonly error?: string;
}

/** A change of an alert's state. Times are RFC 3339. */
export interface OriginTransition {
  readonly at: string;
  readonly from: string;
  readonly to: string;
  readonly reason: AlertTransition['reason'];
  readonly value: string;
  /** What the whole and the parts of the expression gave then; only of the latest change into each state. */
  readonly evidence?: readonly OriginPart[];
}

/** How an alert came to be: its rule, and its life so far, the oldest first. */
export interface Origin {
  readonly kind: 'rule';
  readonly file: string;
  readonly group: string;
  readonly alert: string;
  readonly expr: string;
  /** As the rule gave them, before external labels and relabelling. */
  readonly labels: Readonly<Record<string, string>>;
  readonly activeAt: string;
  readonly transitions: readonly OriginTransition[];
}

/** Remembers, over restarts, why alerts of this process's rules came to be. */
export interface Provenance {
  /** Takes note of a change of state and, in the background, of what the parts of the expression gave. */
  changed(transition: AlertTransition): void;
  /** Takes note of the labels under which alerts are told. */
  told(alerts: readonly RuleAlert[]): void;
  /** By the fingerprint of an alert as it was told. */
  originOf(fingerprint: string): Origin | undefined;
  close(): Promise<void>;
}

export interface ProvenanceOptions {
  /** File of the database; `:memory:` for tests. */
  readonly file: string;
  readonly clock: Clock;
  readonly explain: (transition: AlertTransition, signal: AbortSignal) => Promise<readonly Evidence[]>;
  readonly onProblem: (message: string) => void;
}

const MAX_TRANSITIONS = 20;
/** Elements of one part that are kept, and characters of a whole origin: it is copied into every notification. */
const MAX_SAMPLES = 3;
const MAX_ORIGIN_CHARS = 16_384;
/** Changes that wait to be explained; of those beyond, only the change itself is kept. */
const MAX_WAITING = 20_000;
const RETENTION_MS = 120 * 3600_000;
const MAX_ORIGINS = 50_000;
/** Writes are gathered this long, so that a storm of alerts is a few transactions. A kill loses no more than this. */
const FLUSH_DELAY_MS = 100;

const TABLES = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS origins (key TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS origins_at ON origins (at_ms);
  CREATE TABLE IF NOT EXISTS fingerprints (
    fingerprint TEXT PRIMARY KEY, key TEXT NOT NULL REFERENCES origins (key) ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX IF NOT EXISTS fingerprints_key ON fingerprints (key);
  PRAGMA foreign_keys = ON;
`;

/** @throws Error of node:sqlite when the file cannot be opened */
export function openProvenance(options: ProvenanceOptions): Provenance {
  const { clock } = options;
  const database = new DatabaseSync(options.file);
  database.exec(TABLES);
  const select = database.prepare('SELECT body FROM origins WHERE key = ?');
  const selectTold = database.prepare('SELECT body FROM fingerprints JOIN origins USING (key) WHERE fingerprint = ?');
  const put = database.prepare(
    'INSERT INTO origins VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body',
  );
  const link = database.prepare('INSERT OR REPLACE INTO fingerprints SELECT ?, key FROM origins WHERE key = ?');
  const trimOld = database.prepare('DELETE FROM origins WHERE at_ms < ?');
  const trimMany = database.prepare(
    'DELETE FROM origins WHERE key IN (SELECT key FROM origins ORDER BY at_ms DESC LIMIT -1 OFFSET ?)',
  );
  const stopping = new AbortController();
  /** What is not written yet. */
  const fresh = new Map<string, Origin>();
  const links = new Map<string, string>();
  /** What is written already: alerts are told again every minute. */
  const linked = new Map<string, string>();
  let timer: Timer | undefined;

  const flush = () => {
    timer = undefined;
    if (fresh.size === 0 && links.size === 0) return;
    try {
      database.exec('BEGIN IMMEDIATE');
      for (const [key, origin] of fresh) put.run(key, Math.round(clock.now()), JSON.stringify(origin));
      for (const [fingerprint, key] of links) link.run(fingerprint, key);
      trimOld.run(Math.round(clock.now() - RETENTION_MS));
      trimMany.run(MAX_ORIGINS);
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      options.onProblem(`the origin of alerts could not be kept: ${error instanceof Error ? error.message : error}`);
    }
    fresh.clear();
    links.clear();
  };
  const soon = () => {
    timer ??= clock.after(FLUSH_DELAY_MS, flush, { background: true });
  };
  const load = (key: string): Origin | undefined => {
    const known = fresh.get(key);
    if (known) return known;
    const row = select.get(key);
    return row ? (JSON.parse(String(row.body)) as Origin) : undefined;
  };
  const keep = (key: string, origin: Origin) => {
    fresh.set(key, origin);
    soon();
  };

  const waiting: AlertTransition[] = [];
  let explaining: Promise<void> | undefined;
  const explainAll = async () => {
    for (let next = waiting.shift(); next && !stopping.signal.aborted; next = waiting.shift()) {
      try {
        const evidence = await options.explain(next, stopping.signal);
        const key = keyOf(next.file, next.group, next.alert, next.labels);
        const origin = load(key);
        if (origin) keep(key, withEvidence(origin, next, evidence));
      } catch {
        // The rule is no more, or the server is stopping: the change itself is kept all the same.
      }
    }
  };

  return {
    changed(transition) {
      const key = keyOf(transition.file, transition.group, transition.alert, transition.labels);
      keep(key, withTransition(load(key), transition));
      if (waiting.length >= MAX_WAITING) return;
      waiting.push(transition);
      explaining ??= explainAll().finally(() => {
        explaining = undefined;
      });
    },
    told(alerts) {
      for (const { labels, source } of alerts) {
        const fingerprint = fingerprintOf(labels);
        const key = keyOf(source.file, source.group, source.alert, source.labels);
        if (linked.get(fingerprint) === key) continue;
        if (linked.size >= MAX_ORIGINS) linked.clear();
        linked.set(fingerprint, key);
        links.set(fingerprint, key);
      }
      if (links.size > 0) soon();
    },
    originOf(fingerprint) {
      const key = links.get(fingerprint);
      if (key !== undefined) return load(key);
      const row = selectTold.get(fingerprint);
      if (!row) return undefined;
      const origin = JSON.parse(String(row.body)) as Origin;
      return fresh.get(keyOfOrigin(origin)) ?? origin;
    },
    async close() {
      stopping.abort(new Error('the server is stopping'));
      await explaining;
      timer?.cancel();
      flush();
      database.close();
    },
  };
}

function keyOf(file: string, group: string, alert: string, labels: AlertTransition['labels']): string {
  return [file, group, alert, labelsKey(labels)].join('\xfe');
}

function keyOfOrigin({ file, group, alert, labels }: Origin): string {
  return keyOf(file, group, alert, labelsFrom(labels));
}

function withTransition(before: Origin | undefined, t: AlertTransition): Origin {
  const past = before?.transitions ?? [];
  const transition = { at: formatTime(t.atMs), from: t.from, to: t.to, reason: t.reason, value: formatFloat(t.value) };
  return {
    kind: 'rule',
    file: t.file,
    group: t.group,
    alert: t.alert,
    expr: t.query,
    labels: labelsToObject(t.labels),
    activeAt: formatTime(t.activeAtMs),
    transitions: [...past, transition].slice(-MAX_TRANSITIONS),
  };
}

/** Evidence stays with the latest change into each state; an origin that grows too large loses that of its oldest. */
function withEvidence(origin: Origin, t: AlertTransition, evidence: readonly Evidence[]): Origin {
  const at = formatTime(t.atMs);
  const parts = evidence.map(
    ({ query, samples, more, error }): OriginPart => ({
      expr: query,
      samples: samples
        .slice(0, MAX_SAMPLES)
        .map(({ labels, value }) => ({ labels: labelsToObject(labels), value: formatFloat(value) })),
      more: more + Math.max(0, samples.length - MAX_SAMPLES),
      ...(error === undefined ? {} : { error }),
    }),
  );
  const transitions = origin.transitions.map((known): OriginTransition => {
    if (known.at === at && known.to === t.to && known.from === t.from) return { ...known, evidence: parts };
    return known.to === t.to && Date.parse(known.at) < t.atMs ? withoutEvidence(known) : known;
  });
  for (let i = 0; i < transitions.length && JSON.stringify(transitions).length > MAX_ORIGIN_CHARS; i++) {
    transitions[i] = withoutEvidence(transitions[i]!);
  }
  return { ...origin, transitions };
}

function withoutEvidence({ evidence: _, ...rest }: OriginTransition): OriginTransition {
  return rest;
}
