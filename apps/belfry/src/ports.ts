import { createServer } from 'node:net';
import { BelfryError } from '@belfry/model';

/** A port that will be listened on, what for, and the flag that moves it. */
export interface PlannedPort {
  readonly port: number;
  readonly purpose: string;
  readonly flag: string;
}

/**
 * Fails before anything is started when a port is taken.
 * @throws BelfryError `port_in_use`: one line that names each taken port and its flag
 */
export async function assertPortsFree(host: string, ports: readonly PlannedPort[]): Promise<void> {
  const tooHigh = ports.find(({ port }) => port > 65535);
  if (tooHigh)
    throw new BelfryError('usage', `port ${tooHigh.port} (${tooHigh.purpose}) is above 65535: ${tooHigh.flag}`);
  const doubled = ports.find((a, i) => ports.some((b, j) => j < i && a.port === b.port));
  if (doubled)
    throw new BelfryError('usage', `port ${doubled.port} (${doubled.purpose}) is asked for twice: ${doubled.flag}`);
  const free = await Promise.all(ports.map(({ port }) => isFree(host, port)));
  const taken = ports.filter((_, i) => !free[i]);
  if (taken.length === 0) return;
  const list = taken.map(({ port, purpose, flag }) => `port ${port} (${purpose}; ${flag})`).join(', ');
  throw new BelfryError(
    'port_in_use',
    `${list} ${taken.length === 1 ? 'is' : 'are'} in use; --port-offset moves all ports`,
  );
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
