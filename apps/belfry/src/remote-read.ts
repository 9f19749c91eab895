import {
  decodeRemoteRead,
  encodeRemoteReadSamples,
  type RemoteReadQuery,
  type RemoteReadSeries,
} from '@belfry/exposition';
import { BelfryError, compareLabels, type Labels, labelsWith, labelValue, type Matcher } from '@belfry/model';
import type { Queryable } from '@belfry/promql';

export interface RemoteReadOptions {
  readonly queryable: Pick<Queryable, 'raw'>;
  readonly externalLabels: () => Labels;
  /** Samples that one query may give; 0: any number. */
  readonly sampleLimit: number;
  /** Requests served at once; the others wait. */
  readonly concurrency: number;
}

/** Answers remote read requests with samples: a snappy-compressed protobuf request in, the response body out. */
export function remoteReader(options: RemoteReadOptions): (body: Buffer, signal: AbortSignal) => Promise<Buffer> {
  const turn = turns(options.concurrency);
  return async (body, signal) => {
    const { queries, accepted } = decodeRemoteRead(body);
    if (!accepted.includes('samples')) {
      throw new BelfryError('bad_data', `none of the accepted response types is supported: ${accepted.join(', ')}`);
    }
    return turn(signal, async () => {
      const results: RemoteReadSeries[][] = [];
      for (const query of queries) results.push(await answer(query, options, signal));
      return Buffer.from(encodeRemoteReadSamples(results));
    });
  };
}

async function answer(
  { matchers, startMs, endMs }: RemoteReadQuery,
  options: RemoteReadOptions,
  signal: AbortSignal,
): Promise<RemoteReadSeries[]> {
  const external = options.externalLabels();
  const limit = options.sampleLimit || Number.MAX_SAFE_INTEGER;
  const series = await options.queryable
    .raw(withoutExternal(matchers, external), startMs - 1, endMs, limit, signal)
    .catch((error: unknown) => {
      if (!(error instanceof BelfryError) || error.code !== 'query_too_many_samples') throw error;
      throw new BelfryError('bad_data', `exceeded sample limit (${limit})`, { cause: error });
    });
  return series
    .map((s) => ({ ...s, labels: withExternal(s.labels, external) }))
    .sort((a, b) => compareLabels(a.labels, b.labels));
}

/** What others ask of this server by its external labels is asked of all that it has. */
function withoutExternal(matchers: readonly Matcher[], external: Labels): Matcher[] {
  return matchers.filter(({ name, op, value }) => op !== '=' || value === '' || labelValue(external, name) !== value);
}

function withExternal(labels: Labels, external: Labels): Labels {
  let out = labels;
  for (let i = 0; i < external.length; i += 2) {
    if (labelValue(out, external[i]!) === '') out = labelsWith(out, external[i]!, external[i + 1]!);
  }
  return out;
}

/** Runs at most `most` at once, in the order in which they came; one whose signal aborted gives up its place. */
function turns(most: number): <T>(signal: AbortSignal, run: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (signal, run) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      signal.throwIfAborted();
      return await run();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
