/** Starts the targets that are scraped, and the configuration that names them. */
import { join } from 'node:path';
import { send, until } from './http-client.ts';
import { startProcess } from './servers.ts';

export interface Exposition {
  readonly targets: number;
  readonly seriesPerTarget: number;
  /** `scrape_configs` for these targets. */
  config(intervalSeconds: number): string;
  /** Scrapes so far, of each target. */
  hits(): Promise<number[]>;
  stop(): Promise<void>;
}

export async function startExposition(targets: number, seriesPerTarget: number): Promise<Exposition> {
  const program = join(import.meta.dirname, 'exposition-server.ts');
  const { stop, output } = startProcess(process.execPath, [program, String(targets), String(seriesPerTarget)]);
  const { ports, control } = await until('the targets', 20_000, 50, async () => {
    const line = output()
      .split('\n')
      .find((l) => l.startsWith('{"ports"'));
    return line?.endsWith('}') ? (JSON.parse(line) as { ports: number[]; control: number }) : undefined;
  });
  const addresses = ports.map((port) => `'127.0.0.1:${port}'`).join(', ');
  return {
    targets,
    seriesPerTarget,
    config: (s) =>
      `global:\n  scrape_interval: ${s}s\n  scrape_timeout: ${s}s\n` +
      `scrape_configs:\n  - job_name: bench\n    static_configs:\n      - targets: [${addresses}]\n`,
    hits: async () => JSON.parse((await send(`http://127.0.0.1:${control}/`)).body.toString()) as number[],
    stop: () => stop(),
  };
}
