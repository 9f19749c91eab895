import { secretOf } from './build-alertmanager.ts';
import type { Pack } from './pack.ts';
import { receiversOf, type Secret } from './routing.ts';

/** The secrets that the receivers of these packs need, each once, by name. */
export function secretsOf(packs: readonly Pack[]): readonly Secret[] {
  const found = new Map<string, Secret>();
  for (const pack of packs) {
    if (!pack.routing) continue;
    for (const integration of receiversOf(pack.routing.root).flatMap((r) => r.integrations)) {
      const secret = secretOf(integration);
      if (secret) found.set(secret.name, secret);
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** For each of them the file `<folder>/<name>`. */
export function secretFilesIn(folder: string, packs: readonly Pack[]): Readonly<Record<string, string>> {
  return Object.fromEntries(secretsOf(packs).map(({ name }) => [name, `${folder}/${name}`]));
}
