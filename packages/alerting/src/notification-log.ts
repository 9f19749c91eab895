/** What a receiver was last told about a group. */
export interface LogEntry {
  readonly kind: 'log_entry';
  readonly groupKey: string;
  /** {@link integrationKey} */
  readonly integration: string;
  readonly atMs: number;
  /** Fingerprints. */
  readonly firing: ReadonlySet<string>;
  readonly resolved: ReadonlySet<string>;
  readonly expiresAtMs: number;
}

/** Where entries are kept; a change is durable when the call returns. */
export interface LogStorage {
  putLogEntry(entry: LogEntry): void;
  deleteLogEntries(entries: readonly LogEntry[]): void;
}

export interface NotificationLog {
  get(groupKey: string, integration: string): LogEntry | undefined;
  record(entry: LogEntry): void;
  /** Forgets what is expired. */
  collect(nowMs: number): number;
}

/** `team-db/webhook[0]`: one integration of one receiver. */
export function integrationKey(receiver: string, kind: string, index: number): string {
  return `${receiver}/${kind}[${index}]`;
}

export function createNotificationLog(initial: Iterable<LogEntry> = [], storage?: LogStorage): NotificationLog {
  const entries = new Map<string, LogEntry>();
  const key = (groupKey: string, integration: string) => `${groupKey}\xff${integration}`;
  for (const entry of initial) entries.set(key(entry.groupKey, entry.integration), entry);
  return {
    get: (groupKey, integration) => entries.get(key(groupKey, integration)),
    record(entry) {
      // In memory first: the receiver was told, whether the disk can take it or not.
      entries.set(key(entry.groupKey, entry.integration), entry);
      storage?.putLogEntry(entry);
    },
    collect(nowMs) {
      const gone = [...entries.values()].filter((e) => e.expiresAtMs <= nowMs);
      if (gone.length > 0) storage?.deleteLogEntries(gone);
      for (const entry of gone) entries.delete(key(entry.groupKey, entry.integration));
      return gone.length;
    },
  };
}
