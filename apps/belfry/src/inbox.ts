import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '@belfry/model';

/** The newest this many are kept. */
const MAX_RECEIVED = 1000;

/** A webhook receiver at home: keeps what alert routers post to it, so that it can be looked at. */
export interface Inbox {
  /** Durable when it returns. */
  receive(payload: unknown): void;
  /** Newest first. */
  received(limit: number): readonly { readonly at: string; readonly payload: unknown }[];
  close(): void;
}

export function openInbox(file: string, clock: Clock): Inbox {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS received (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, payload TEXT NOT NULL) STRICT;
  `);
  const insert = database.prepare('INSERT INTO received (at, payload) VALUES (?, ?)');
  const trim = database.prepare('DELETE FROM received WHERE id <= (SELECT max(id) FROM received) - ?');
  const select = database.prepare('SELECT at, payload FROM received ORDER BY id DESC LIMIT ?');
  return {
    receive(payload) {
      insert.run(clock.now(), JSON.stringify(payload));
      trim.run(MAX_RECEIVED);
    },
    received: (limit) =>
      select.all(limit).map((row) => ({
        at: new Date(Number(row.at)).toISOString(),
        payload: JSON.parse(String(row.payload)) as unknown,
      })),
    close: () => database.close(),
  };
}
