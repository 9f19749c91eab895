import { createHash } from 'node:crypto';
import { compilePattern, type Labels, labelsWith, labelValue, type Pattern } from '@belfry/model';
import { RE2JS } from 're2js';
import { isLabelName, type NameValidation, type RelabelConfig } from './relabel-config.ts';

/** Rewrites a label set; nothing when a step drops it. Never changes its argument, and returns it where nothing changes. */
export type Relabeller = (labels: Labels) => Labels | undefined;

type Step = (labels: Labels) => Labels | undefined;

/**
 * Compiles relabelling steps. What they do with a label set depends on it alone, so callers may keep the result.
 * @throws BelfryError `regex_invalid` for steps that did not pass through the schema.
 */
export function relabeller(configs: readonly RelabelConfig[], validation: NameValidation = 'utf8'): Relabeller {
  if (configs.length === 0) return (labels) => labels;
  const steps = configs.map((config) => compileStep(config, validation));
  return (labels) => {
    let current: Labels | undefined = labels;
    for (let i = 0; i < steps.length; i++) {
      current = steps[i]!(current);
      if (current === undefined) return undefined;
    }
    return current;
  };
}

function compileStep(config: RelabelConfig, validation: NameValidation): Step {
  const source = sourceValue(config);
  const pattern = compilePattern(config.regex);
  const target = config.target_label;
  switch (config.action) {
    case 'keep':
      return (labels) => (pattern.matches(source(labels)) ? labels : undefined);
    case 'drop':
      return (labels) => (pattern.matches(source(labels)) ? undefined : labels);
    case 'keepequal':
      return (labels) => (labelValue(labels, target) === source(labels) ? labels : undefined);
    case 'dropequal':
      return (labels) => (labelValue(labels, target) === source(labels) ? undefined : labels);
    case 'lowercase':
      return (labels) => labelsWith(labels, target, source(labels).toLowerCase());
    case 'uppercase':
      return (labels) => labelsWith(labels, target, source(labels).toUpperCase());
    case 'hashmod':
      return (labels) => labelsWith(labels, target, hashModulo(source(labels), config.modulus));
    case 'labelmap':
      return labelMapStep(config, pattern);
    case 'labeldrop':
      return (labels) => withoutNames(labels, (name) => pattern.matches(name));
    case 'labelkeep':
      return (labels) => withoutNames(labels, (name) => !pattern.matches(name));
    case 'replace':
      return replaceStep(config, pattern, source, validation);
  }
}

function sourceValue(config: RelabelConfig): (labels: Labels) => string {
  const names = config.source_labels;
  const first = names[0];
  if (first === undefined) return () => '';
  if (names.length === 1) return (labels) => labelValue(labels, first);
  return (labels) => {
    let out = labelValue(labels, first);
    for (let i = 1; i < names.length; i++) out += config.separator + labelValue(labels, names[i]!);
    return out;
  };
}

/** The last eight bytes of the MD5, big-endian, modulo: what Prometheus servers agree on when they share targets. */
function hashModulo(text: string, modulus: number): string {
  const digest = createHash('md5').update(text).digest();
  return String(digest.readBigUInt64BE(8) % BigInt(modulus));
}

function replaceStep(
  config: RelabelConfig,
  pattern: Pattern,
  source: (labels: Labels) => string,
  validation: NameValidation,
): Step {
  const { target_label: target, replacement } = config;
  if (!target.includes('$') && !replacement.includes('$')) {
    return (labels) => (pattern.matches(source(labels)) ? labelsWith(labels, target, replacement) : labels);
  }
  const groups = groupMatcher(config.regex);
  const expandTarget = template(target);
  const expandReplacement = template(replacement);
  return (labels) => {
    const found = groups(source(labels));
    if (found === undefined) return labels;
    const name = expandTarget(found);
    if (!isLabelName(name, validation)) return labels;
    return labelsWith(labels, name, expandReplacement(found));
  };
}

function labelMapStep(config: RelabelConfig, pattern: Pattern): Step {
  const groups = groupMatcher(config.regex);
  const expand = template(config.replacement);
  return (labels) => {
    let out = labels;
    for (let i = 0; i < labels.length; i += 2) {
      const name = labels[i]!;
      if (!pattern.matches(name)) continue;
      const found = groups(name);
      if (found !== undefined) out = labelsWith(out, expand(found), labels[i + 1]!);
    }
    return out;
  };
}

function withoutNames(labels: Labels, drop: (name: string) => boolean): Labels {
  let out = labels;
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    if (drop(name)) out = labelsWith(out, name, '');
  }
  return out;
}

/** The groups of a match: by number, and by name for those that have one. Absent ones are empty. */
interface Groups {
  readonly numbered: readonly string[];
  readonly named: Readonly<Record<string, number>>;
}

/** Matches the whole text; nothing when it does not match. */
function groupMatcher(regex: string): (text: string) => Groups | undefined {
  if (regex === '(.*)') return (text) => ({ numbered: [text, text], named: {} });
  if (regex === '(.+)') return (text) => (text === '' ? undefined : { numbered: [text, text], named: {} });
  const compiled = RE2JS.compile(regex, RE2JS.DOTALL);
  const named = compiled.namedGroups() as Record<string, number>;
  return (text) => {
    const matcher = compiled.matcher(text);
    if (!matcher.matches()) return undefined;
    const numbered: string[] = [];
    for (let i = 0; i <= matcher.groupCount(); i++) numbered.push(matcher.group(i) ?? '');
    return { numbered, named };
  };
}

const REFERENCE = /\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu;

/** Go's templates: `$1`, `${1}`, `$name`, `${name}`, `$$`; the name is the longest possible, and an unknown one is empty. */
function template(text: string): (groups: Groups) => string {
  const parts: (string | number | { readonly name: string })[] = [];
  let end = 0;
  for (const match of text.matchAll(REFERENCE)) {
    parts.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    const name = match[2] ?? match[3];
    if (name === undefined) parts.push('$');
    else parts.push(/^\d+$/.test(name) ? Number(name) : { name });
  }
  parts.push(text.slice(end));
  return ({ numbered, named }) => {
    let out = '';
    for (const part of parts) {
      if (typeof part === 'string') out += part;
      else if (typeof part === 'number') out += numbered[part] ?? '';
      else out += numbered[named[part.name] ?? -1] ?? '';
    }
    return out;
  };
}
