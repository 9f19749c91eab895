import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { BelfryError, labelsFromSorted, messageOf } from '@belfry/model';
import { type Alert, NO_TIME } from './alert.ts';
import type { LogEntry, LogStorage } from './notification-log.ts';
import type { NotificationQuery, NotificationRecord, StoredNotification } from './provenance.ts';
import type { Silence, SilenceStorage } from './silences.ts';

const FILE = 'alerting.db';
const SCHEMA_VERSION = 2;
const LOCK_WAIT_MS = 500;
const MAX_QUERY_ROWS = 1000;

/**
 * Everything the router must know after a restart, in one SQLite file. Every call is one transaction, durable against
 * a kill of the process when it returns (write-ahead log; a power cut may take the last moments).
 */
export interface State extends SilenceStorage, LogStorage {
  readonly silences: readonly Silence[];
  readonly logEntries: readonly LogEntry[];
  readonly alerts: readonly Alert[];
  /** When a process last was alive on this state; undefined when it is new. */
  readonly lastAliveMs: number | undefined;
  putAlerts(alerts: readonly Alert[]): void;
  deleteAlerts(fingerprints: readonly string[]): void;
  markAlive(atMs: number): void;
  /** When a heartbeat was last seen. */
  heartbeat(name: string): number | undefined;
  putHeartbeat(name: string, atMs: number): void;
  /** @returns its id */
  addNotification(record: NotificationRecord): number;
  deleteNotification(id: number): void;
  notifications(query: NotificationQuery): StoredNotification[];
  notification(id: number): StoredNotification | undefined;
  /** Keeps the newest that are no more than `maxRows` and, together, `maxBytes`; none older than `beforeMs`. */
  trimNotifications(limits: { maxRows: number; maxBytes: number; beforeMs: number }): void;
  close(): void;
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS silences (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS log (
    group_key TEXT NOT NULL, integration TEXT NOT NULL, at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
    firing TEXT NOT NULL, resolved TEXT NOT NULL, PRIMARY KEY (group_key, integration)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS alerts (fingerprint TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, receiver TEXT NOT NULL, outcome TEXT NOT NULL,
    body TEXT NOT NULL, bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX IF NOT EXISTS notifications_at ON notifications (at_ms);
  CREATE TABLE IF NOT EXISTS notification_alerts (
    notification INTEGER NOT NULL REFERENCES notifications (id) ON DELETE CASCADE, fingerprint TEXT NOT NULL,
    alertname TEXT NOT NULL, PRIMARY KEY (fingerprint, notification)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS notification_alerts_name ON notification_alerts (alertname, notification);
  CREATE INDEX IF NOT EXISTS notification_alerts_notification ON notification_alerts (notification);
`;

/**
 * Opens (or makes) the state in a directory; without one, in memory.
 * @throws BelfryError `data_locked` when another process has it, `data_corrupt`, `file_unreadable`
 */
export function openState(directory: string | undefined): State {
  const file = directory === undefined ? ':memory:' : join(directory, FILE);
  const db = openDatabase(directory, file);
  const statements = new Map<string, StatementSync>();
  const sql = (text: string): StatementSync => {
    let statement = statements.get(text);
    if (!statement) {
      statement = db.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
  const transaction = <T>(work: () => T): T => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      db.exec('ROLLBACK');
      throw asBelfryError(error, file);
    }
  };
  const bodies = (table: string) =>
    (sql(`SELECT body FROM ${table}`).all() as { body: string }[]).map((row) => JSON.parse(row.body));
  const meta = (key: string) =>
    (sql('SELECT value FROM meta WHERE key = ?').get(key) as { value: number } | undefined)?.value;
  const putMeta = (key: string, value: number) =>
    void sql('INSERT OR REPLACE INTO meta VALUES (?, ?)').run(key, Math.round(value));
  const rows = (text: string, ...values: SQLInputValue[]): StoredNotification[] =>
    (sql(text).all(...values) as { id: number; body: string }[]).map((r) => ({ id: r.id, ...JSON.parse(r.body) }));

  return {
    silences: bodies('silences') as Silence[],
    alerts: bodies('alerts').map(alertFromJson),
    logEntries: readLog(sql('SELECT * FROM log').all() as unknown as LogRow[]),
    lastAliveMs: meta('alive'),
    putSilences: (silences) =>
      transaction(() => {
        for (const s of silences) sql('INSERT OR REPLACE INTO silences VALUES (?, ?)').run(s.id, JSON.stringify(s));
      }),
    deleteSilences: (ids) =>
      transaction(() => {
        for (const id of ids) sql('DELETE FROM silences WHERE id = ?').run(id);
      }),
    putLogEntry: (e) =>
      transaction(() => {
        const sets = [JSON.stringify([...e.firing]), JSON.stringify([...e.resolved])] as const;
        sql(
          `INSERT OR REPLACE INTO log (group_key, integration, at_ms, expires_at_ms, firing, resolved)
           VALUES (?, ?, ?, ?, ?, ?)`,
        ).run(e.groupKey, e.integration, Math.round(e.atMs), Math.round(e.expiresAtMs), ...sets);
      }),
    deleteLogEntries: (entries) =>
      transaction(() => {
        const remove = sql('DELETE FROM log WHERE group_key = ? AND integration = ?');
        for (const e of entries) remove.run(e.groupKey, e.integration);
      }),
    putAlerts: (alerts) =>
      transaction(() => {
        const put = sql('INSERT OR REPLACE INTO alerts VALUES (?, ?)');
        for (const alert of alerts) put.run(alert.fingerprint, JSON.stringify(alert));
      }),
    deleteAlerts: (fingerprints) =>
      transaction(() => {
        for (const f of fingerprints) sql('DELETE FROM alerts WHERE fingerprint = ?').run(f);
      }),
    markAlive: (atMs) => putMeta('alive', atMs),
    heartbeat: (name) => meta(`heartbeat:${name}`),
    putHeartbeat: (name, atMs) => putMeta(`heartbeat:${name}`, atMs),
    addNotification: (record) =>
      transaction(() => {
        const body = JSON.stringify(record);
        const { lastInsertRowid } = sql(
          'INSERT INTO notifications (at_ms, receiver, outcome, body, bytes) VALUES (?, ?, ?, ?, ?)',
        ).run(Math.round(record.atMs), record.receiver, record.outcome, body, Buffer.byteLength(body));
        const id = Number(lastInsertRowid);
        const link = sql('INSERT OR IGNORE INTO notification_alerts VALUES (?, ?, ?)');
        for (const a of record.alerts) link.run(id, a.fingerprint, a.labels.alertname ?? '');
        return id;
      }),
    deleteNotification: (id) => void sql('DELETE FROM notifications WHERE id = ?').run(id),
    notifications: (query) => queryNotifications(rows, query),
    notification: (id) => rows('SELECT id, body FROM notifications WHERE id = ?', id)[0],
    trimNotifications: ({ maxRows, maxBytes, beforeMs }) =>
      transaction(() => {
        sql('DELETE FROM notifications WHERE at_ms < ?').run(Math.round(beforeMs));
        sql(
          `DELETE FROM notifications WHERE id <= (
             SELECT id FROM (
               SELECT id, row_number() OVER newest AS position, sum(bytes) OVER newest AS total
               FROM notifications WINDOW newest AS (ORDER BY id DESC)
             ) WHERE position > ? OR total > ? ORDER BY id DESC LIMIT 1)`,
        ).run(maxRows, maxBytes);
      }),
    close: () => db.close(),
  };
}

function openDatabase(directory: string | undefined, file: string): DatabaseSync {
  try {
    if (directory !== undefined) mkdirSync(directory, { recursive: true });
    const db = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
    // One process at a time: two routers on one state would tell everything twice.
    db.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON',
    );
    const version = (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
    if (version > SCHEMA_VERSION) {
      throw new BelfryError(
        'data_corrupt',
        `${file} was written by a newer Belfry (format ${version}, this one reads ${SCHEMA_VERSION})`,
      );
    }
    if (version === 1) db.exec('ALTER TABLE notifications ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0');
    db.exec(`BEGIN IMMEDIATE; ${TABLES} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    return db;
  } catch (error) {
    throw asBelfryError(error, file);
  }
}

function asBelfryError(error: unknown, file: string): BelfryError {
  if (error instanceof BelfryError) return error;
  const code = (error as { errcode?: number }).errcode ?? 0;
  const message = messageOf(error);
  const options = { cause: error };
  if (code === 5 || code === 6) return new BelfryError('data_locked', `${file} is in use by another process`, options);
  if (code === 11 || code === 26) return new BelfryError('data_corrupt', `${file}: ${message}`, options);
  if (code === 13) return new BelfryError('storage_full', `${file}: ${message}`, options);
  return new BelfryError('file_unreadable', `${file}: ${message}`, options);
}

interface LogRow {
  readonly group_key: string;
  readonly integration: string;
  readonly at_ms: number;
  readonly expires_at_ms: number;
  readonly firing: string;
  readonly resolved: string;
}

function readLog(rows: readonly LogRow[]): LogEntry[] {
  return rows.map((row) => ({
    kind: 'log_entry',
    groupKey: row.group_key,
    integration: row.integration,
    atMs: row.at_ms,
    expiresAtMs: row.expires_at_ms,
    firing: new Set(JSON.parse(row.firing) as string[]),
    resolved: new Set(JSON.parse(row.resolved) as string[]),
  }));
}

function alertFromJson(json: Record<string, unknown>): Alert {
  return {
    ...(json as unknown as Alert),
    labels: labelsFromSorted(json.labels as string[]),
    annotations: labelsFromSorted(json.annotations as string[]),
    // JSON has no infinity.
    endsAtMs: (json.endsAtMs as number | null) ?? NO_TIME,
  };
}

function queryNotifications(
  rows: (text: string, ...values: SQLInputValue[]) => StoredNotification[],
  query: NotificationQuery,
): StoredNotification[] {
  const where: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (condition: string, value: SQLInputValue | undefined) => {
    if (value === undefined) return;
    where.push(condition);
    values.push(value);
  };
  add('at_ms >= ?', query.sinceMs);
  add('at_ms <= ?', query.untilMs);
  add('id < ?', query.beforeId);
  add('receiver = ?', query.receiver);
  add('outcome = ?', query.outcome);
  add('id IN (SELECT notification FROM notification_alerts WHERE alertname = ?)', query.alertname);
  add('id IN (SELECT notification FROM notification_alerts WHERE fingerprint = ?)', query.fingerprint);
  const condition = where.length > 0 ? `WHERE ${where.join(' AND ')}` : '';
  const limit = Math.max(1, Math.min(query.limit ?? 100, MAX_QUERY_ROWS));
  return rows(`SELECT id, body FROM notifications ${condition} ORDER BY id DESC LIMIT ?`, ...values, limit);
}
