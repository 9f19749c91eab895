/** The storage thread: owns the data directory; scrapes are parsed and written, and queries' leaves evaluated, here. */
import { parentPort, workerData } from 'node:worker_threads';
import { decodeRemoteWrite, type RemoteWriteMessage } from '@belfry/exposition';
import { systemClock } from '@belfry/model';
import { type IngestTarget, type ScrapeJob, scrapeIngester } from '@belfry/scrape';
import { type CallPort, serveDatabase, writeBatch } from '@belfry/tsdb';
import type { StorageSettings } from './storage.ts';

const settings = workerData as StorageSettings;

serveDatabase(parentPort as unknown as CallPort, {
  ...settings,
  clock: systemClock,
  random: Math.random,
  handlers: (database) => {
    const ingester = scrapeIngester(database, systemClock);
    return {
      openTarget: (target: IngestTarget) => ingester.open(target),
      ingest: (job: ScrapeJob) => ingester.ingest(job),
      closeTarget: ([key, staleAtMs]: [string, number | undefined]) => ingester.close(key, staleAtMs),
      remoteWrite: ([body, message]: [Uint8Array, RemoteWriteMessage]) => {
        const { batch, invalid } = decodeRemoteWrite(body, message);
        return { report: writeBatch(database, batch), invalid };
      },
    };
  },
});
