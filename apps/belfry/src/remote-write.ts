import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configFingerprint, type HttpClient, httpClient, type RemoteWriteConfig } from '@belfry/config';
import { BelfryError, type Clock, type Labels, messageOf, type Random, sleep } from '@belfry/model';
import {
  type FamilyMetadata,
  type RemoteWriter,
  type RemoteWriteStats,
  type SampleTail,
  startRemoteWriter,
} from '@belfry/scrape';
import type { RemoteDatabase } from '@belfry/tsdb';
import type { Logger } from './log.ts';
import { VERSION } from './version.ts';

/** A queue as its metrics show it. */
export interface RemoteWriteQueue {
  readonly name: string;
  readonly config: RemoteWriteConfig;
  readonly stats: RemoteWriteStats;
}

/** The `remote_write` sections in force. */
export interface RemoteWrites {
  /**
   * Starts what is new, ends what is gone, starts again what changed; the others go on untouched.
   * @throws BelfryError `config_invalid`, and then nothing has changed.
   */
  apply(sections: readonly RemoteWriteConfig[], externalLabels: Labels): Promise<void>;
  queues(): readonly RemoteWriteQueue[];
  /** Gives what is queued until the flush deadline; the rest is sent after the next start. */
  close(): Promise<void>;
}

export interface RemoteWritesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly database: Pick<RemoteDatabase, 'tailPosition' | 'tailRead' | 'tailForget'>;
  /** Of the store; the positions are kept in it. */
  readonly directory: string;
  readonly flushMs: number;
  readonly metadata: () => readonly FamilyMetadata[];
}

/** In the data directory: where each queue is in the log, as JSON `{key: position}`. */
const POSITIONS_FILE = 'remote_write.json';
/** A reload waits no longer for a queue to be sent: it goes on from its position. */
const RELOAD_FLUSH_MS = 2_000;
const READ_AGAIN_MS = 5_000;

interface Queue {
  readonly key: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly config: RemoteWriteConfig;
  readonly writer: RemoteWriter;
  readonly client: HttpClient;
}

export function createRemoteWrites(options: RemoteWritesOptions): RemoteWrites {
  const positions = openPositions(join(options.directory, POSITIONS_FILE), options.log);
  let queues: Queue[] = [];

  const end = async (queue: Queue, flushMs: number) => {
    await queue.writer.stop(flushMs);
    await queue.client.close();
  };
  const start = async (section: Section, client: HttpClient): Promise<Queue> => {
    const { key, name, fingerprint, config, externalLabels } = section;
    // Kept at once: what comes from now on is sent even if this process ends before it sent anything.
    const position = positions.get(key) ?? (await options.database.tailPosition());
    positions.set(key, position);
    const { clock, random } = options;
    const log = options.log.child({ remote: name, url: config.url });
    const writer = startRemoteWriter({
      config,
      clock,
      random,
      client,
      tail: sampleTail(key, config, options, log),
      externalLabels,
      metadata: options.metadata,
      position,
      savePosition: (next) => positions.set(key, next),
      onEvent: ({ level, message }) => log[level](message),
    });
    return { key, name, fingerprint, config, writer, client };
  };

  return {
    async apply(configs, externalLabels) {
      const sections = sectionsOf(configs, externalLabels);
      const runs = (s: Section) => queues.some((q) => q.key === s.key && q.fingerprint === s.fingerprint);
      // First what a section can be refused for, so that then nothing has changed.
      const clients = sections
        .filter((s) => !runs(s))
        .map((section) => {
          const { clock } = options;
          return { section, client: httpClient(section.config, { clock, userAgent: `Belfry/${VERSION}` }) };
        });
      const stays = (q: Queue) => sections.some((s) => s.key === q.key && s.fingerprint === q.fingerprint);
      const ending = queues.filter((q) => !stays(q));
      queues = queues.filter(stays);
      await Promise.all(ending.map((q) => end(q, Math.min(options.flushMs, RELOAD_FLUSH_MS))));
      const keys = new Set(sections.map((s) => s.key));
      for (const { key } of ending) if (!keys.has(key)) await options.database.tailForget(key);
      positions.keep(keys);
      for (const { section, client } of clients) queues.push(await start(section, client));
    },
    queues: () => queues.map(({ name, config, writer }) => ({ name, config, stats: writer.stats() })),
    async close() {
      await Promise.all(queues.splice(0).map((q) => end(q, options.flushMs)));
    },
  };
}

interface Section {
  /** Finds its position again after a restart and after changes of the section. */
  readonly key: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly config: RemoteWriteConfig;
  readonly externalLabels: Labels;
}

function sectionsOf(configs: readonly RemoteWriteConfig[], externalLabels: Labels): Section[] {
  const seen = new Map<string, number>();
  return configs.map((config) => {
    const base = config.name || config.url;
    const nth = (seen.get(base) ?? 0) + 1;
    seen.set(base, nth);
    const fingerprint = configFingerprint({ config, externalLabels });
    // As Prometheus names those without a name.
    const name = config.name || createHash('md5').update(fingerprint).digest('hex').slice(0, 6);
    return { key: nth === 1 ? base : `${base}#${nth}`, name, fingerprint, config, externalLabels };
  });
}

/** The log of the store, read in its thread. Reading does not end for a disk that fails: it is said, and tried again. */
function sampleTail(
  key: string,
  config: RemoteWriteConfig,
  { database, clock }: RemoteWritesOptions,
  log: Logger,
): SampleTail {
  const metadata = config.protobuf_message === 'io.prometheus.write.v2.Request';
  return {
    async read(from, maxSamples, signal) {
      let position = from ?? (await database.tailPosition());
      for (;;) {
        try {
          const { gap, ...read } = await database.tailRead(key, position, { maxSamples, metadata }, signal);
          if (gap) log.warn(`not everything can be sent: ${gap}`);
          return read;
        } catch (error) {
          signal.throwIfAborted();
          log.error(`the log of the store cannot be read: ${messageOf(error)}`);
          if (error instanceof BelfryError && error.code === 'bad_data') position = await database.tailPosition();
          else await sleep(clock, READ_AGAIN_MS, signal);
        }
      }
    },
  };
}

interface Positions {
  get(key: string): string | undefined;
  set(key: string, position: string): void;
  /** Forgets all others. */
  keep(keys: ReadonlySet<string>): void;
}

/** Written at every change: the older a position after a crash, the more is sent twice. */
function openPositions(file: string, log: Logger): Positions {
  const positions = readPositions(file, log);
  let failing = false;
  const write = () => {
    try {
      writeFileSync(`${file}.tmp`, `${JSON.stringify(Object.fromEntries(positions))}\n`);
      renameSync(`${file}.tmp`, file);
      failing = false;
    } catch (error) {
      if (!failing) log.error(`positions of remote write are not kept: ${messageOf(error)}`);
      failing = true;
    }
  };
  return {
    get: (key) => positions.get(key),
    set: (key, position) => {
      if (positions.get(key) === position) return;
      positions.set(key, position);
      write();
    },
    keep: (keys) => {
      const gone = [...positions.keys()].filter((key) => !keys.has(key));
      for (const key of gone) positions.delete(key);
      if (gone.length > 0) write();
    },
  };
}

function readPositions(file: string, log: Logger): Map<string, string> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
    const entries = Object.entries(parsed as object).filter(([, position]) => typeof position === 'string');
    return new Map(entries as [string, string][]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.error(`${file} cannot be read, remote write goes on from now: ${messageOf(error)}`);
    }
    return new Map();
  }
}
