import { BelfryError } from '@belfry/model';

/** Asks a running tower; `body` makes it a POST. @throws BelfryError `unavailable`, `not_found` with what it answered */
export async function askTower<T>(url: string, path: string, body?: unknown): Promise<T> {
  const base = url.replace(/\/$/, '');
  let response: Response;
  try {
    response = await fetch(`${base}${path}`, {
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new BelfryError('unavailable', `nothing answers at ${base}; is a tower running there? (--url)`);
  }
  const text = await response.text();
  let answer: { error?: string } & T;
  try {
    answer = JSON.parse(text) as { error?: string } & T;
  } catch {
    throw new BelfryError('unavailable', `what answers at ${base} is no tower (status ${response.status})`);
  }
  if (!response.ok) throw new BelfryError('not_found', answer.error ?? `${base} answered ${response.status}`);
  return answer;
}
