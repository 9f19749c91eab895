/** kill -9 in the middle of writing: which acknowledged samples are gone afterwards. */
import { dataOf, get, sendWrite, sleep } from './http-client.ts';
import { takesEncoding } from './phase-load.ts';
import { ready, type ServerKind, startServer } from './servers.ts';
import { encodeSamples } from './write-requests.ts';

const WRITE_MS = 3_000;
const SERIES = 10;

/** Acknowledged samples that are not there any more. */
export async function lostAtKill(kind: ServerKind, directory: string): Promise<{ lost: number; acknowledged: number }> {
  const server = await startServer({ kind, directory });
  await ready(server);
  const encoding = await takesEncoding(server);
  const series = Array.from({ length: SERIES }, (_, i) => ['__name__', 'kill_test', 'number', String(i)]);
  const acknowledged: number[] = [];
  let killed = false;
  const write = async () => {
    for (let last = 0; !killed; ) {
      const timestampMs = Math.max(Date.now(), last + 1);
      last = timestampMs;
      try {
        const { status } = await sendWrite(server.base, encodeSamples(series, timestampMs, timestampMs), encoding);
        if (status < 300) acknowledged.push(timestampMs);
      } catch {
        // It was killed before it answered: not acknowledged.
      }
    }
  };
  const writing = write();
  await sleep(WRITE_MS);
  killed = true;
  await server.stop('SIGKILL');
  await writing;
  const again = await startServer({ kind, directory });
  await ready(again);
  const time = String((acknowledged.at(-1)! + 1_000) / 1000);
  const answer = await get(again.base, '/api/v1/query', { query: 'kill_test[10m]', time });
  const { result } = dataOf(answer) as { result: { values: [number, string][] }[] };
  await again.stop();
  let lost = 0;
  const found = result.map(({ values }) => new Set(values.map(([at]) => Math.round(at * 1000))));
  for (const at of acknowledged) {
    lost += SERIES - found.length;
    for (const there of found) if (!there.has(at)) lost++;
  }
  return { lost, acknowledged: acknowledged.length * SERIES };
}
