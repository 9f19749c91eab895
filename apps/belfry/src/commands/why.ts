import { BelfryError, quote } from '@belfry/model';
import pc from 'picocolors';

/** The parts of a report that the terminal shows; the API has all of it. */
type Report = Readonly<Record<string, unknown>>;

/** Tells why an alert is, or is not, told: asks the tower at `url`. */
export async function why(
  alertname: string,
  options: { readonly url: string; readonly format: string },
): Promise<void> {
  const base = options.url.replace(/\/$/, '');
  let response: Response;
  try {
    response = await fetch(
      `${base}/api/belfry/alerting/why?filter=${encodeURIComponent(`alertname=${quote(alertname)}`)}`,
    );
  } catch {
    throw new BelfryError('unavailable', `nothing answers at ${base}; is a tower running there? (--url)`);
  }
  const { alerts = [], error } = (await response.json()) as { alerts?: readonly Report[]; error?: string };
  if (!response.ok) throw new BelfryError('not_found', error ?? `answered ${response.status}`);
  if (options.format === 'json') return console.log(JSON.stringify(alerts, undefined, 2));
  if (alerts.length === 0) {
    console.log(`No alert ${pc.bold(alertname)} is known to the router: none fires, and none was told lately.`);
    return;
  }
  for (const report of alerts) for (const line of lines(report, 0)) console.log(line);
}

/** Any report as indented text: names, and what they hold. */
function lines(value: unknown, depth: number): string[] {
  const pad = '  '.repeat(depth);
  if (Array.isArray(value)) return value.flatMap((item) => [`${pad}-`, ...lines(item, depth + 1)]);
  if (typeof value !== 'object' || value === null) return [`${pad}${String(value)}`];
  return Object.entries(value).flatMap(([name, held]) => {
    if (held === undefined || (Array.isArray(held) && held.length === 0)) return [];
    if (typeof held !== 'object' || held === null) return [`${pad}${pc.dim(`${name}:`)} ${String(held)}`];
    return [`${pad}${pc.dim(`${name}:`)}`, ...lines(held, depth + 1)];
  });
}
