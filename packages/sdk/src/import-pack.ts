/**
 * Rule files, dashboards, alertmanager.yml and scrape jobs as a pack in TypeScript, whose build means the same. What
 * queries ask for becomes a catalogue, so that metrics can be followed and renamed.
 */
import { BelfryError } from '@belfry/model';
import { selectorsOf } from '@belfry/promql';
import type { GeneratedFile } from './build.ts';
import { type InferredMetric, inferMetrics } from './import-infer.ts';
import { type ImportPlan, planImport } from './import-plan.ts';
import { type ImportedQuery, panelQuery, ruleQuery, variableQuery } from './import-queries.ts';
import {
  type Fields,
  isFields,
  type ReadDashboard,
  type ReadGroup,
  type ReadRule,
  type ReadRuleFile,
} from './import-read.ts';
import { type Code, code, stringText, templateText, typescriptText } from './typescript-text.ts';

export { importDifferences } from './import-compare.ts';

export interface ImportNames {
  /** Of the pack: lower-case letters, digits and `-`. */
  readonly name: string;
  readonly title: string;
}

export interface ImportedPack {
  /** The pack's sources, by paths relative to its folder. */
  readonly files: readonly GeneratedFile[];
  /** What could not be taken over, and what to look at; a sentence each. */
  readonly notes: readonly string[];
}

/** Makes TypeScript of a query: metrics of the catalogue in holes. */
type QueryWriter = (query: ImportedQuery) => Code | undefined;

/**
 * @throws BelfryError `bad_data` for a file that is not YAML or JSON, or a rule without name; `query_syntax` or `query_type` for a rule's expression;
 * `conflict` for several alertmanager.yml; `usage` when there is nothing to import
 */
export function importPack(files: readonly GeneratedFile[], names: ImportNames): ImportedPack {
  const plan = planImport(files);
  if (files.length === plan.others.length) {
    throw new BelfryError('usage', 'there are no rules, dashboards, routes or scrape jobs in these files');
  }
  const metrics = inferMetrics(queriesOf(plan), recordedNames(plan));
  const write = queryWriter(metrics);
  const rules = [...plan.rules].map(([stem, file]) => rulesModule(stem, file, write));
  const dashboards = [...plan.dashboards].map(([uid, d]) => dashboardModule(uid, d, write));
  return {
    files: [
      ...(metrics.length > 0 ? [metricsModule(names.name, metrics)] : []),
      ...rules,
      ...dashboards,
      ...(plan.alertmanager ? [alertmanagerModule(plan.alertmanager.config, plan.alertmanager.path)] : []),
      packModule(plan, names, metrics.length > 0),
    ],
    notes: notesOf(plan, metrics.length),
  };
}

/** Every query with the labels that the texts beside it mention. */
function queriesOf(plan: ImportPlan): { query: ImportedQuery; mentioned: readonly string[] }[] {
  const out: { query: ImportedQuery; mentioned: readonly string[] }[] = [];
  for (const { groups, path } of plan.rules.values()) {
    for (const { fields } of groups.flatMap((g) => g.rules)) {
      const texts = JSON.stringify([fields.labels, fields.annotations]);
      const mentioned = [...texts.matchAll(/\$labels\.(\w+)/g)].map((m) => m[1]!);
      out.push({ query: queryOfRule(fields, path), mentioned });
    }
  }
  for (const { model } of plan.dashboards.values()) {
    visitQueries(model, (query, holder) => {
      const mentioned = [...String(holder.legendFormat ?? '').matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map((m) => m[1]!);
      out.push({ query, mentioned });
      return undefined;
    });
  }
  return out;
}

function recordedNames(plan: ImportPlan): ReadonlySet<string> {
  const rules = [...plan.rules.values()].flatMap((f) => f.groups.flatMap((g) => g.rules));
  return new Set(rules.flatMap(({ fields }) => (fields.record === undefined ? [] : [String(fields.record)])));
}

function queryOfRule(fields: Fields, path: string): ImportedQuery {
  const name = fields.alert ?? fields.record;
  if (name === undefined)
    throw new BelfryError('bad_data', 'a rule is neither an alert nor a recording', { file: path });
  try {
    return ruleQuery(String(fields.expr ?? ''));
  } catch (error) {
    if (!(error instanceof BelfryError)) throw error;
    throw new BelfryError(error.code, `rule ${String(name)}: ${error.message}`, { file: path, cause: error });
  }
}

/** A copy of a dashboard's model in which each query is what `replace` makes of it, or itself. */
function visitQueries(
  model: Fields,
  replace: (query: ImportedQuery, holder: Fields) => unknown,
  inVariables = false,
): Record<string, unknown> {
  const visit = (value: unknown, variables: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => visit(item, variables));
    return isFields(value) ? visitQueries(value, replace, variables) : value;
  };
  return Object.fromEntries(
    Object.entries(model).map(([key, value]) => {
      const isVariable = inVariables && (key === 'query' || key === 'definition');
      if (typeof value === 'string' && (key === 'expr' || isVariable)) {
        return [key, replace(isVariable ? variableQuery(value) : panelQuery(value), model) ?? value];
      }
      return [key, visit(value, inVariables || key === 'templating')];
    }),
  );
}

/** Gives nothing when no metric of the catalogue is named. */
function queryWriter(metrics: readonly InferredMetric[]): QueryWriter {
  const known = new Set(metrics.map((m) => m.name));
  return ({ text, expr, offset }) => {
    const holes = (expr ? selectorsOf(expr) : []).flatMap(({ name, span }) => {
      if (name === undefined) return [];
      const at = span.start + offset;
      const base = known.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');
      return known.has(base) && text.startsWith(name, at) ? [{ at, base }] : [];
    });
    if (holes.length === 0) return undefined;
    let out = '';
    let from = 0;
    for (const { at, base } of holes.sort((a, b) => a.at - b.at)) {
      out += `${templateText(text.slice(from, at))}\${m.${base}}`;
      from = at + base.length;
    }
    return code(blockText(out + templateText(text.slice(from))));
  };
}

/** A template of several lines begins on a line of its own; `promql` takes the indentation away again. */
function blockText(template: string): string {
  return template.includes('\n') ? `promql\`\n  ${template.replaceAll('\n', '\n  ')}\n\`` : `promql\`${template}\``;
}

function rulesModule(stem: string, file: ReadRuleFile, write: QueryWriter): GeneratedFile {
  const body = file.groups.map((group) => groupText(group, file.path, write)).join('');
  const used = ['exactAlert', 'exactGroup', 'exactRecording', 'promql'].filter((n) =>
    new RegExp(`\\b${n}\\b[(\`]`).test(body),
  );
  return {
    path: `rules/${stem}.ts`,
    text: `/** From ${inComment(file.path)}. */
${importLine([...used, 'type RuleGroup'])}${metricsImport(body)}
const file = ${stringText(stem)};

export const groups: readonly RuleGroup[] = [
${body}];
`,
  };
}

function importLine(names: readonly string[]): string {
  return `import { ${names.join(', ')} } from '@belfry/sdk';\n`;
}

function metricsImport(body: string): string {
  return body.includes('${m.') ? "import { m } from '../metrics.ts';\n" : '';
}

function inComment(text: string): string {
  return text.replaceAll('*/', '*\\/');
}

function groupText(group: ReadGroup, path: string, write: QueryWriter): string {
  const hasFields = Object.keys(group.fields).length > 0;
  const options = hasFields ? `{ file, fields: ${typescriptText(group.fields, 2)} }` : '{ file }';
  const rules = group.rules.map((rule) => ruleText(rule, path, write)).join('');
  return `  exactGroup(${stringText(group.name)}, ${options}, [\n${rules}  ]),\n`;
}

function ruleText({ fields, comment }: ReadRule, path: string, write: QueryWriter): string {
  const query = queryOfRule(fields, path);
  const asked =
    write({ ...query, text: query.text.trim(), offset: -leading(query.text) }) ??
    code(blockText(templateText(query.text.trim())));
  const notes = comment
    ? comment
        .split('\n')
        .map((line) => `    //${line.startsWith(' ') ? '' : ' '}${line.trimEnd()}\n`)
        .join('')
    : '';
  const labels = textsOf(fields.labels);
  if (fields.record !== undefined) {
    const parts = [
      stringText(String(fields.record)),
      typescriptText(asked, 6),
      ...(labels ? [typescriptText(labels, 6)] : []),
    ];
    const line = `    exactRecording(${parts.join(', ')}),\n`;
    const fits = line.length <= 120 && !line.trimEnd().includes('\n');
    return notes + (fits ? line : `    exactRecording(\n${parts.map((p) => `      ${p},\n`).join('')}    ),\n`);
  }
  const options = {
    query: asked,
    for: optionalText(fields.for),
    keepFiringFor: optionalText(fields.keep_firing_for),
    labels,
    annotations: textsOf(fields.annotations),
  };
  const lines = Object.entries(options).flatMap(([key, value]) => {
    const head = `      ${key}: `;
    return value === undefined ? [] : [`${head}${typescriptText(value, 6, head.length)},\n`];
  });
  return `${notes}    exactAlert(${stringText(String(fields.alert))}, {\n${lines.join('')}    }),\n`;
}

function leading(text: string): number {
  return text.length - text.trimStart().length;
}

function optionalText(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value);
}

function textsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isFields(value) || Object.keys(value).length === 0) return undefined;
  return Object.fromEntries(Object.entries(value).map(([key, text]) => [key, text === null ? '' : String(text)]));
}

function dashboardModule(uid: string, { path, model }: ReadDashboard, write: QueryWriter): GeneratedFile {
  const { uid: _, ...rest } = model;
  const written = visitQueries(rest, (query) => (keepsItsText(query.text) ? write(query) : undefined));
  const body = typescriptText(written);
  const names = ['dashboardJson', ...(body.includes('promql`') ? ['promql'] : [])];
  return {
    path: `dashboards/${uid}.ts`,
    text: `/** From ${inComment(path)}. */
${importLine(names)}${metricsImport(body)}
export const dashboard = dashboardJson(${stringText(uid)}, ${body});
`,
  };
}

/** Whether `promql` gives back the text as it is, blanks too. */
function keepsItsText(text: string): boolean {
  if (text.trim() !== text) return false;
  const lines = text.split('\n').slice(1);
  return lines.every((line) => line === '' || line.trim() !== '');
}

function alertmanagerModule(config: Fields, path: string): GeneratedFile {
  return {
    path: 'alertmanager.ts',
    text: `/** From ${inComment(path)}. */
import { exactAlertmanager } from '@belfry/sdk';

export const alertmanager = exactAlertmanager(${typescriptText(config)});
`,
  };
}

const HELP = 'Inferred from the queries that ask for it.';
const SOME_VALUES = 10;
/** Queries do not tell the bounds, so these are so wide that nothing is concluded from them. */
const WIDE_BUCKETS = Array.from({ length: 19 }, (_, i) => Number(`1e${i - 6}`));
const USUAL_QUANTILES = [0.5, 0.9, 0.99];

function metricsModule(job: string, metrics: readonly InferredMetric[]): GeneratedFile {
  const entries = metrics.map(
    (metric) =>
      `  ${metric.name}: ${metric.kind}(${typescriptText(metricOptions(metric), 2, metric.name.length + metric.kind.length + 5)}),\n`,
  );
  const kinds = [...new Set(metrics.map((m) => m.kind as string))];
  const labelled = metrics.some((m) => m.labels.length > 0);
  const guessed = metrics.some((m) => m.kind === 'histogram' && m.bounds.length === 0);
  const names = [...(labelled ? ['anyValue'] : []), 'catalogue', ...kinds].sort();
  return {
    path: 'metrics.ts',
    text: `/**
 * Inferred by \`belfry import\`: the metrics that the imported queries name, their kinds from names and functions, their
 * labels from matchers and groupings. What the service really exports is not known from them: correct it here (help,
 * values of labels, buckets), then it is checked.
 */
import { ${names.join(', ')} } from '@belfry/sdk/catalogue';

const help = ${stringText(HELP)};
const stability = 'experimental';
${labelled ? `const inferred = anyValue('inferred from queries', ${SOME_VALUES});\n` : ''}${guessed ? `/** Not known: so wide that nothing is concluded from them. */\nconst buckets = [${WIDE_BUCKETS.join(', ')}];\n` : ''}
export const inferredCatalogue = catalogue(${stringText(job)}, {
${entries.join('')}});

/** For queries. */
export const m = inferredCatalogue.metrics;
`,
  };
}

function metricOptions(metric: InferredMetric): Fields {
  const labels = Object.fromEntries(metric.labels.map((label) => [label, code('inferred')]));
  return {
    name: metric.name,
    help: code('help'),
    stability: code('stability'),
    unit: metric.unit === 'count' ? undefined : metric.unit,
    labels: metric.labels.length > 0 ? labels : undefined,
    buckets: metric.kind === 'histogram' ? bucketsOf(metric.bounds) : undefined,
    quantiles: metric.kind === 'summary' ? (metric.bounds.length > 0 ? metric.bounds : USUAL_QUANTILES) : undefined,
  };
}

/** The bounds that queries name, among others. */
function bucketsOf(bounds: readonly number[]): Code | readonly number[] {
  if (bounds.length === 0) return code('buckets');
  return [...new Set([...WIDE_BUCKETS, ...bounds])].sort((a, b) => a - b);
}

function packModule(plan: ImportPlan, names: ImportNames, hasMetrics: boolean): GeneratedFile {
  const rules = identifiers([...plan.rules.keys()], 'Rules');
  const dashboards = identifiers([...plan.dashboards.keys()], 'Dashboard');
  const jobs = plan.prometheus.flatMap((p) => p.jobs).map(jobText);
  const used = ['exactScrapeJob', 'pack', 'scrapeJob'].filter(
    (n) => n === 'pack' || jobs.some((j) => j.text.startsWith(`${n}(`)),
  );
  const imports = [
    importLine(used),
    ...(plan.alertmanager ? ["import { alertmanager } from './alertmanager.ts';\n"] : []),
    ...[...dashboards].map(([uid, id]) => `import { dashboard as ${id} } from './dashboards/${uid}.ts';\n`),
    ...(hasMetrics ? ["import { inferredCatalogue } from './metrics.ts';\n"] : []),
    ...[...rules].map(([stem, id]) => `import { groups as ${id} } from './rules/${stem}.ts';\n`),
  ];
  const options = {
    name: names.name,
    title: names.title,
    directory: code('import.meta.dirname'),
    catalogues: hasMetrics ? [code('inferredCatalogue')] : [],
    scrape: jobs,
    ...(rules.size > 0 ? { rules: [...rules.values()].map((id) => code(`...${id}`)) } : {}),
    ...(plan.alertmanager ? { alertmanager: code('alertmanager') } : {}),
    ...(dashboards.size > 0 ? { dashboardsJson: [...dashboards.values()].map(code) } : {}),
  };
  const body = typescriptText(options);
  return {
    path: 'pack.ts',
    text: `${imports.join('')}\n/** ${inComment(names.title)}: imported. */\nexport default pack(${body});\n`,
  };
}

/** An identifier for each name. */
function identifiers(names: readonly string[], ending: string): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    names.map((name) => {
      const words = name.split(/[^a-zA-Z0-9]+/).filter((w) => w !== '');
      const camel = words.map((w, i) => (i === 0 ? w : w[0]!.toUpperCase() + w.slice(1))).join('');
      const plain = /^[a-zA-Z]/.test(camel) ? camel : `the${camel}`;
      let id = plain + ending;
      for (let n = 2; taken.has(id); n++) id = `${plain}${ending}${n}`;
      taken.add(id);
      return [name, id];
    }),
  );
}

const PLAIN_JOB = new Set(['job_name', 'scrape_interval', 'metrics_path', 'static_configs']);

/** The checked form where it says everything, else the job as it stands. */
function jobText(job: Fields & { readonly job_name: string }): Code {
  const statics = Array.isArray(job.static_configs) ? job.static_configs : [];
  const targets =
    statics.length === 1 && isFields(statics[0]) && Object.keys(statics[0]).join() === 'targets'
      ? statics[0].targets
      : undefined;
  const isPlain =
    Object.keys(job).every((key) => PLAIN_JOB.has(key)) &&
    Array.isArray(targets) &&
    targets.every((t) => /:\d+$/.test(String(t)));
  if (!isPlain) return code(`exactScrapeJob(${typescriptText(job)})`);
  const path = job.metrics_path === undefined || job.metrics_path === '/metrics' ? undefined : job.metrics_path;
  return code(
    `scrapeJob(${stringText(job.job_name)}, ${typescriptText({ targets, interval: job.scrape_interval, path })})`,
  );
}

const SECRET = /^(?:.*api_url|.*_key|.*token|.*password|.*secret|webhook_url)$/;

function secretsIn(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item, i) => secretsIn(item, `${path}[${i}]`));
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return typeof inner === 'string' && SECRET.test(key) && inner !== '' ? [at] : secretsIn(inner, at);
  });
}

const TAKEN_SECTIONS = new Set(['global', 'scrape_configs', 'rule_files', 'alerting']);
const TAKEN_GLOBALS = new Set(['scrape_interval', 'evaluation_interval', 'external_labels']);

function notesOf(plan: ImportPlan, metrics: number): string[] {
  const notes = plan.others.map((path) => `${path} is not imported: it has no rules, dashboard, routes or scrape jobs`);
  for (const { path, config } of plan.prometheus) {
    const globals = isFields(config.global) ? Object.keys(config.global).filter((k) => !TAKEN_GLOBALS.has(k)) : [];
    const left = [...Object.keys(config).filter((k) => !TAKEN_SECTIONS.has(k)), ...globals.map((g) => `global.${g}`)];
    if (left.length > 0) notes.push(`${path}: only its scrape jobs are imported, not ${left.join(', ')}`);
  }
  if (plan.alertmanager) {
    const { path, config } = plan.alertmanager;
    const secrets = secretsIn(config, '');
    if (secrets.length > 0)
      notes.push(
        `${path} has secrets in the clear, and so has alertmanager.ts: ${secrets.join(', ')}; use the fields that end in _file`,
      );
  }
  if (metrics > 0)
    notes.push(`metrics.ts is inferred from ${metrics} names in queries: correct it before you trust its checks`);
  return notes;
}
