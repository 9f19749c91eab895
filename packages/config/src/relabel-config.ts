import { compilePattern, isLegacyLabelName, isValidName, messageOf } from '@belfry/model';
import { z } from 'zod';

export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;
export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

/** One step of rewriting a label set, or of dropping it. Plain data: crosses worker borders; `relabeller` executes it. */
export interface RelabelConfig {
  readonly source_labels: readonly string[];
  readonly separator: string;
  /** RE2, fully anchored, `.` matching newlines. */
  readonly regex: string;
  readonly modulus: number;
  /** May refer to groups of `regex` (`$1`, `${name}`) where the action is `replace`. */
  readonly target_label: string;
  readonly replacement: string;
  readonly action: RelabelAction;
}

export const DEFAULT_RELABEL: RelabelConfig = {
  source_labels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  target_label: '',
  replacement: '$1',
  action: 'replace',
};

/** Which names may be written: the old ASCII ones, or any Unicode text. */
export type NameValidation = 'legacy' | 'utf8';

export function isLabelName(name: string, validation: NameValidation): boolean {
  return validation === 'legacy' ? isLegacyLabelName(name) : isValidName(name);
}

const UTF8_TARGET = /^(?:[^${}]|\$(?:\{[^${}]+\}|[^${}]))+$/;

function isTargetTemplate(text: string, validation: NameValidation): boolean {
  // The patterns backtrack on long texts; no label name is that long.
  const MAX_TEMPLATE_CHARS = 1024;
  if (text.length > MAX_TEMPLATE_CHARS) return false;
  return validation === 'legacy' ? isLegacyTemplate(text) : UTF8_TARGET.test(text);
}

/** In linear time what Prometheus takes for a template of old names: name characters and references, not beginning with a digit. */
function isLegacyTemplate(text: string): boolean {
  const bare = text.replace(/\$(?:\{\w+\}|\w+)/g, '_');
  return /^[a-zA-Z_]\w*$/.test(bare);
}

type Fields = z.output<typeof Fields>;
const Fields = z.strictObject({
  source_labels: z.array(z.string()).nullish(),
  separator: z.string().nullish(),
  regex: z.string().nullish(),
  modulus: z.number().int().min(0).nullish(),
  target_label: z.string().nullish(),
  replacement: z.string().nullish(),
  action: z.string().nullish(),
});

const NEEDS_TARGET: ReadonlySet<RelabelAction> = new Set([
  'replace',
  'hashmod',
  'lowercase',
  'uppercase',
  'keepequal',
  'dropequal',
]);
const NO_REPLACEMENT: ReadonlySet<RelabelAction> = new Set(['lowercase', 'uppercase', 'keepequal', 'dropequal']);

/**
 * A relabelling step as files have it. Names are checked as UTF-8 here; {@link checkRelabelNames} checks again where the
 * section asks for the old names.
 */
export const RelabelConfig = Fields.transform((fields, context): RelabelConfig => {
  const complain = (message: string, field?: string) => {
    context.addIssue({ code: 'custom', message, ...(field ? { path: [field] } : {}) });
  };
  const action = actionOf(fields.action);
  if (action === undefined) {
    const message = fields.action
      ? `unknown relabel action ${JSON.stringify(fields.action)}, expected one of ${RELABEL_ACTIONS.join(', ')}`
      : 'relabel action cannot be empty';
    complain(message, 'action');
    return z.NEVER;
  }
  const config: RelabelConfig = {
    source_labels: fields.source_labels ?? [],
    separator: valueOr(fields.separator, ';'),
    regex: valueOr(fields.regex, '(.*)'),
    modulus: fields.modulus ?? 0,
    target_label: fields.target_label ?? '',
    replacement: valueOr(fields.replacement, '$1'),
    action,
  };
  try {
    compilePattern(config.regex);
  } catch (error) {
    complain(messageOf(error), 'regex');
  }
  for (const name of config.source_labels) {
    if (!isValidName(name)) complain(`${JSON.stringify(name)} is not a valid label name`, 'source_labels');
  }
  for (const problem of relabelProblems(config, 'utf8')) complain(problem.message, problem.field);
  checkUnusedFields(fields, config, complain);
  return config;
});

function actionOf(text: string | null | undefined): RelabelAction | undefined {
  if (text === undefined) return 'replace';
  return RELABEL_ACTIONS.find((a) => a === (text ?? '').toLowerCase());
}

/** Written without a value is the empty text, as Go decodes it; not written is the default. */
function valueOr(text: string | null | undefined, fallback: string): string {
  return text === undefined ? fallback : (text ?? '');
}

/** What is wrong with a step when names are validated so. */
export function relabelProblems(
  config: RelabelConfig,
  validation: NameValidation,
): readonly { readonly message: string; readonly field?: string }[] {
  const { action, target_label: target } = config;
  const invalidTarget = {
    message: `${JSON.stringify(target)} is invalid 'target_label' for ${action} action`,
    field: 'target_label',
  };
  if (action === 'hashmod' && config.modulus === 0) {
    return [{ message: 'relabel configuration for hashmod requires non-zero modulus', field: 'modulus' }];
  }
  if (NEEDS_TARGET.has(action) && target === '') {
    return [{ message: `relabel configuration for ${action} action requires 'target_label' value` }];
  }
  if (action === 'replace') {
    const fine = target.includes('$') ? isTargetTemplate(target, validation) : isLabelName(target, validation);
    return fine ? [] : [invalidTarget];
  }
  if (NEEDS_TARGET.has(action) && !isLabelName(target, validation)) return [invalidTarget];
  if (action === 'labelmap' && !isTargetTemplate(config.replacement, validation)) {
    const message = `${JSON.stringify(config.replacement)} is invalid 'replacement' for labelmap action`;
    return [{ message, field: 'replacement' }];
  }
  return [];
}

function checkUnusedFields(fields: Fields, config: RelabelConfig, complain: (message: string) => void): void {
  const { action } = config;
  const custom = config.separator !== ';' || config.replacement !== '$1' || config.modulus !== 0;
  if (NO_REPLACEMENT.has(action) && config.replacement !== '$1') {
    complain(`'replacement' can not be set for ${action} action`);
  } else if ((action === 'keepequal' || action === 'dropequal') && (custom || fields.regex !== undefined)) {
    complain(`${action} action requires only 'source_labels' and 'target_label', and no other fields`);
  } else if (
    (action === 'labeldrop' || action === 'labelkeep') &&
    (custom || (fields.source_labels ?? undefined) !== undefined || config.target_label !== '')
  ) {
    complain(`${action} action requires only 'regex', and no other fields`);
  }
}
