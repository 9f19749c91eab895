import { BelfryError } from '@belfry/model';
import pc from 'picocolors';
import type { ServiceStatus } from '../fleet.ts';

const STATE_COLOR = { running: pc.green, stopped: pc.dim, starting: pc.yellow, failed: pc.red } as const;

/** Lists or changes the reference services of the tower that answers at `url`. */
export async function fleet(url: string, action: string, name?: string, breakage?: string): Promise<void> {
  const base = `${url.replace(/\/$/, '')}/api/belfry/fleet`;
  const target = {
    list: base,
    start: `${base}/${name}/start`,
    stop: `${base}/${name}/stop`,
    break: `${base}/${name}/breakages/${breakage}/on`,
    mend: `${base}/${name}/breakages/${breakage}/off`,
  }[action]!;
  const services = await call(target, action === 'list' ? 'GET' : 'POST');
  for (const service of services) console.log(describe(service));
}

async function call(url: string, method: string): Promise<readonly ServiceStatus[]> {
  let response: Response;
  try {
    response = await fetch(url, { method });
  } catch {
    throw new BelfryError(
      'unavailable',
      `nothing answers at ${new URL(url).origin}; is \`belfry up\` running? (--url)`,
    );
  }
  const body = (await response.json()) as { services?: ServiceStatus[]; error?: string };
  if (!response.ok)
    throw new BelfryError(response.status === 404 ? 'not_found' : 'unavailable', body.error ?? 'no answer');
  return body.services ?? [];
}

function describe(service: ServiceStatus): string {
  const lines = [
    `${pc.bold(service.name.padEnd(12))} ${STATE_COLOR[service.state](service.state.padEnd(9))} ${service.description}`,
  ];
  for (const { name, url } of service.ports) lines.push(`  ${name.padEnd(10)} ${pc.cyan(url)}`);
  if (service.error) lines.push(`  ${pc.red(service.error)}`);
  for (const failure of service.breakages) {
    const mark = failure.active ? pc.red('● broken ') : pc.dim('○ can break');
    lines.push(`  ${mark} ${failure.name}: ${failure.description}`);
  }
  return lines.join('\n');
}
