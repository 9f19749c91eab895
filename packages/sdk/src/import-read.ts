/** What `belfry import` understands of files: rules, scrape jobs, alertmanager.yml, dashboards. As data, with comments. */
import { BelfryError, messageOf } from '@belfry/model';
import { isMap, isSeq, parseAllDocuments, type Document as YamlDocument } from 'yaml';
import type { GeneratedFile } from './build.ts';

export type Fields = Readonly<Record<string, unknown>>;

export interface ReadRule {
  readonly fields: Fields;
  readonly comment: string | undefined;
}

export interface ReadGroup {
  readonly name: string;
  /** All but `name` and `rules`. */
  readonly fields: Fields;
  readonly rules: readonly ReadRule[];
}

export interface ReadRuleFile {
  readonly kind: 'rules';
  readonly path: string;
  readonly groups: readonly ReadGroup[];
}

export interface ReadDashboard {
  readonly kind: 'dashboard';
  readonly path: string;
  readonly model: Fields & { readonly title: string };
}

export interface ReadPrometheus {
  readonly kind: 'prometheus';
  readonly path: string;
  readonly config: Fields;
  /** With the interval that the file's `global` gives them. */
  readonly jobs: readonly (Fields & { readonly job_name: string })[];
}

export interface ReadAlertmanager {
  readonly kind: 'alertmanager';
  readonly path: string;
  readonly config: Fields;
}

export type ReadThing = ReadRuleFile | ReadDashboard | ReadPrometheus | ReadAlertmanager;

/**
 * The things in a file; none when it holds nothing that a pack has.
 * @throws BelfryError `bad_data` for a file that is not YAML or JSON
 */
export function readImport(file: GeneratedFile): readonly ReadThing[] {
  if (/\.json$/i.test(file.path)) return jsonThings(file);
  if (!/\.ya?ml$/i.test(file.path)) return [];
  return parseAllDocuments(file.text).flatMap((document) => {
    const fault = document.errors[0];
    if (fault) throw new BelfryError('bad_data', fault.message.split('\n')[0]!, { file: file.path });
    return yamlThings(file.path, document);
  });
}

function jsonThings({ path, text }: GeneratedFile): readonly ReadThing[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new BelfryError('bad_data', messageOf(error), { file: path, cause: error });
  }
  if (!isFields(value)) return [];
  const model = isFields(value.dashboard) ? value.dashboard : value;
  const isDashboard = typeof model.title === 'string' && ('panels' in model || 'rows' in model);
  return isDashboard ? [{ kind: 'dashboard', path, model: model as ReadDashboard['model'] }] : [];
}

function yamlThings(path: string, document: YamlDocument): readonly ReadThing[] {
  const value: unknown = document.toJS();
  if (!isFields(value)) return [];
  if (value.kind === 'PrometheusRule') return [rulesOf(path, value.spec, document.getIn(['spec', 'groups']))];
  if (Array.isArray(value.groups) && !('apiVersion' in value)) return [rulesOf(path, value, document.get('groups'))];
  if (isFields(value.route) && Array.isArray(value.receivers)) return [{ kind: 'alertmanager', path, config: value }];
  if ('scrape_configs' in value || 'rule_files' in value)
    return [{ kind: 'prometheus', path, config: value, jobs: jobsOf(value) }];
  return [];
}

function rulesOf(path: string, holder: unknown, node: unknown): ReadRuleFile {
  const groups = isFields(holder) && Array.isArray(holder.groups) ? holder.groups.filter(isFields) : [];
  return {
    kind: 'rules',
    path,
    groups: groups.map(({ name, rules, ...fields }, g) => {
      const list = (Array.isArray(rules) ? rules : []).filter(isFields);
      return {
        name: String(name),
        fields,
        rules: list.map((rule, r) => ({ fields: rule, comment: commentOf(node, g, r) })),
      };
    }),
  };
}

/** What stands above a rule. */
function commentOf(groups: unknown, group: number, rule: number): string | undefined {
  const map = isSeq(groups) ? groups.items[group] : undefined;
  const rules = isMap(map) ? map.get('rules') : undefined;
  if (!isSeq(rules)) return undefined;
  const item = rules.items[rule];
  const own = isMap(item) ? item.commentBefore : undefined;
  const text = own ?? (rule === 0 ? rules.commentBefore : undefined);
  return text ? text.trim() : undefined;
}

const DEFAULT_INTERVAL = '1m';

function jobsOf(config: Fields): ReadPrometheus['jobs'] {
  const global = isFields(config.global) ? config.global : {};
  const interval = global.scrape_interval ?? DEFAULT_INTERVAL;
  const jobs = Array.isArray(config.scrape_configs) ? config.scrape_configs.filter(isFields) : [];
  return jobs.map((job) => ({ scrape_interval: interval, ...job, job_name: String(job.job_name) }));
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
