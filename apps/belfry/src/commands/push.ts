import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { BelfryError } from '@belfry/model';
import { build, type GeneratedFile, type Pack, parseYamlText } from '@belfry/sdk';
import { loadPacks, ownPackFiles } from '../packs.ts';
import { type PushClient, type PushCredentials, pushClient } from '../push-client.ts';
import { alertmanagerPlan, grafanaPlan, type PushStep, planText, RULERS, rulerPlan } from '../push-plan.ts';

interface Options extends PushCredentials {
  readonly yes?: boolean;
  readonly folder: string;
  readonly prometheusUrl: string;
  readonly alertmanager?: boolean;
}

/** Shows what a delivery would change; with `yes`, changes it, in the plan's order. */
export async function push(service: string, url: string, files: readonly string[], options: Options): Promise<void> {
  const client = pushClient(url, options, process.env);
  const steps = await planOf(service, client, files, options);
  const changes = steps.filter((s) => s.action !== 'same');
  console.log(`Plan for ${service} at ${url}:\n${planText(steps)}`);
  if (changes.length === 0) return console.log('Nothing to deliver.');
  if (!options.yes) return console.log(`Nothing is delivered yet: --yes carries out these ${changes.length} changes.`);
  for (const [i, { what, run }] of changes.entries()) {
    const answer = (await run()) as { status?: number } | undefined;
    if (answer?.status === 404) {
      throw new BelfryError(
        'delivery_failed',
        `${what}: 404, so the service does not have this interface; ${i} of ${changes.length} changes were delivered`,
      );
    }
    console.log(`done: ${what}`);
  }
  console.log(`Delivered ${changes.length} changes.`);
}

async function planOf(
  service: string,
  client: PushClient,
  files: readonly string[],
  options: Options,
): Promise<readonly PushStep[]> {
  if (service === 'loki') return rulerPlan(client, RULERS.loki, logRules(files));
  if (service !== 'grafana' && service !== 'mimir') {
    throw new BelfryError(
      'usage',
      `there is no delivery to ${JSON.stringify(service)}; expected grafana, mimir or loki`,
    );
  }
  const packs = await loadPacks(files.length > 0 ? files : ownPackFiles());
  const built = build(packs);
  if (service === 'grafana') return grafanaPlan(client, built, options);
  const rules = await rulerPlan(client, RULERS.mimir, namespacesOf(packs));
  if (!options.alertmanager) return rules;
  return [...rules, ...(await alertmanagerPlan(client, built.find((f) => f.path === 'alertmanager.yml')!.text))];
}

/** A namespace for each pack. */
function namespacesOf(packs: readonly Pack[]): ReadonlyMap<string, ReturnType<typeof groupsOf>> {
  return new Map(
    packs.map((pack) => [
      pack.name,
      build([pack])
        .filter((f) => f.path.startsWith('rules/'))
        .flatMap(groupsOf),
    ]),
  );
}

/** Packs have no rules on logs: files of LogQL rules go as they are, a namespace for each file. */
function logRules(files: readonly string[]): ReadonlyMap<string, ReturnType<typeof groupsOf>> {
  if (files.length === 0)
    throw new BelfryError('usage', 'packs have no rules on logs; name the files of rules for Loki');
  return new Map(
    files.map((path) => {
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch (error) {
        throw new BelfryError('file_unreadable', `cannot read ${path}`, { cause: error });
      }
      return [basename(path).replace(/\.ya?ml$/, ''), groupsOf({ path, text })];
    }),
  );
}

function groupsOf({ path, text }: GeneratedFile): readonly Readonly<Record<string, unknown>>[] {
  const value = parseYamlText(text, path) as { groups?: readonly Readonly<Record<string, unknown>>[] } | null;
  if (!Array.isArray(value?.groups)) throw new BelfryError('bad_data', 'expected `groups`', { file: path });
  return value.groups;
}
