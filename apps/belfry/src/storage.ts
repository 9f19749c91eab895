import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ReceiveHeaders, ReceiveResult } from '@belfry/api';
import { type RemoteWriteMessage, remoteWriteMessage } from '@belfry/exposition';
import { BelfryError, REFUSED, type WriteReport } from '@belfry/model';
import type { ScrapeReport, ScrapeSink } from '@belfry/scrape';
import { type CallPort, connectDatabase, type RemoteDatabase } from '@belfry/tsdb';
import type { Logger } from './log.ts';

/** What the storage thread is started with. Plain data. */
export interface StorageSettings {
  readonly directory: string;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly outOfOrderWindowMs: number;
  readonly maxExemplars: number;
}

/** The store in its thread, and what the composition adds to it. */
export interface Storage {
  readonly database: RemoteDatabase;
  readonly sink: ScrapeSink;
  receive(body: Buffer, headers: ReceiveHeaders): Promise<ReceiveResult>;
  /** The thread ended by itself: nothing can be stored or read any more. */
  readonly lost: Promise<BelfryError>;
  close(): Promise<void>;
}

/** Starts the storage thread. `database.ready` resolves when the log is read. */
export function openStorage(settings: StorageSettings, log: Logger): Storage {
  const worker = new Worker(join(import.meta.dirname, 'storage-worker.ts'), { workerData: settings });
  const database = connectDatabase(worker as unknown as CallPort, ({ level, message }) => log[level](message));
  let closing = false;
  const lost = new Promise<BelfryError>((resolve) => {
    const end = (why: string, cause?: unknown) => {
      const error = new BelfryError('unavailable', `the storage thread ended: ${why}`, { cause });
      database.fail(error);
      if (!closing) resolve(error);
    };
    worker.once('error', (error) => end(error instanceof Error ? error.message : String(error), error));
    worker.once('exit', (code) => end(`exit code ${code}`));
  });
  return {
    database,
    lost,
    sink: {
      open: (target) => database.call('openTarget', target) as Promise<void>,
      ingest: (job) => {
        const transfer = job.body && ownsItsBuffer(job.body) ? [job.body.buffer as ArrayBuffer] : [];
        return database.call('ingest', job, { transfer }) as Promise<ScrapeReport>;
      },
      close: (key, staleAtMs) => database.call('closeTarget', [key, staleAtMs]) as Promise<void>,
    },
    receive: (body, headers) => receive(database, body, headers),
    async close() {
      closing = true;
      // A store that never opened has nothing to close.
      await database.close().catch(() => {});
      await worker.terminate();
    },
  };
}

/** Small buffers are views into a shared pool, which must not be given away. */
function ownsItsBuffer(bytes: Uint8Array): boolean {
  return bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
}

async function receive(database: RemoteDatabase, body: Buffer, headers: ReceiveHeaders): Promise<ReceiveResult> {
  if (headers.contentEncoding !== '' && headers.contentEncoding !== 'snappy') {
    throw new BelfryError(
      'unsupported_media',
      `${headers.contentEncoding} encoding (compression) is not accepted; only snappy`,
    );
  }
  const message: RemoteWriteMessage = remoteWriteMessage(headers.contentType);
  const answer = (await database.call('remoteWrite', [body, message])) as {
    report: WriteReport;
    invalid: readonly string[];
  };
  return writeResult(answer.report, answer.invalid, message);
}

const REASONS: Readonly<Record<number, string>> = {
  [REFUSED.outOfOrder]: 'out of order sample',
  [REFUSED.duplicate]: 'duplicate sample for timestamp',
  [REFUSED.outOfBounds]: 'out of bounds',
  [REFUSED.tooOld]: 'too old sample',
};

/** What was wrong with single samples is a 400 after the others were written: the sender must not try those again. */
function writeResult(report: WriteReport, invalid: readonly string[], message: RemoteWriteMessage): ReceiveResult {
  const { samples, histograms, exemplars, refused } = report;
  const complaints = [...invalid, ...refused.map((r) => `${REASONS[r.reason]} (${r.count}): ${r.first}`)];
  const written = message === 'io.prometheus.write.v2.Request' ? { written: { samples, histograms, exemplars } } : {};
  if (complaints.length > 0) return { status: 400, message: complaints.join('; '), ...written };
  return { status: 204, ...written };
}
