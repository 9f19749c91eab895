/** Which configuration each field has, and what that makes of a value: text and colour. */

import { rampColor } from '../format/color.ts';
import { type FormattedValue, formatParts } from '../format/units.ts';
import { categoricalColor, namedColor, type Palette } from '../theme.ts';
import { type Cell, type Field, type Frame, fieldTitle } from './frames.ts';
import { formatLegend } from './legend.ts';
import {
  type FieldConfig,
  type FieldOverride,
  fieldProperty,
  type Json,
  type JsonObject,
  listOf,
  type MappingResult,
  objectOf,
  type Panel,
  type Thresholds,
  textOf,
  type ValueMapping,
} from './model.ts';

/** Frames whose fields carry their configuration: the panel's defaults with every override that matches. */
export function applyFieldConfig(frames: readonly Frame[], config: Panel['fieldConfig']): Frame[] {
  return frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => withConfig(field, configOf(field, frame, config))),
  }));
}

function withConfig(field: Field, config: FieldConfig): Field {
  if (config.custom.nullAsZero !== true || field.type !== 'number') return { ...field, config };
  return { ...field, config, values: field.values.map((v) => v ?? 0) };
}

function configOf(field: Field, frame: Frame, { defaults, overrides }: Panel['fieldConfig']): FieldConfig {
  // Units and limits of the values would be nonsense on a time or a label.
  const plain: FieldConfig = { custom: defaults.custom };
  let config: FieldConfig = field.type === 'number' ? defaults : plain;
  for (const override of overrides) {
    if (!matches(override.matcher, field, frame)) continue;
    for (const { id, value } of override.properties) config = withProperty(config, id, value);
  }
  if (!config.displayName) return config;
  const displayName = config.displayName
    .replace(/\$\{__field\.labels\.(\w+)\}/g, (_, name: string) => field.labels[name] ?? '')
    .replace(/\$\{__(?:series|field)\.(?:name|displayName)\}/g, field.displayName ?? field.name);
  return { ...config, displayName: formatLegend(displayName, field.labels) };
}

function withProperty(config: FieldConfig, id: string, value: Json | undefined): FieldConfig {
  if (!id.startsWith('custom.')) return { ...config, ...fieldProperty(id, value) };
  const path = id.slice('custom.'.length).split('.');
  return { ...config, custom: setPath(config.custom, path, value) };
}

function setPath(object: JsonObject, path: readonly string[], value: Json | undefined): JsonObject {
  const [head, ...rest] = path as [string, ...string[]];
  const inner: Json | undefined = rest.length === 0 ? value : setPath(objectOf(object[head]), rest, value);
  return { ...object, [head]: inner };
}

function matches({ id, options }: FieldOverride['matcher'], field: Field, frame: Frame): boolean {
  const names = [field.name, field.displayName ?? field.name];
  switch (id) {
    case 'byName':
      return names.includes(textOf(options));
    case 'byRegexp': {
      const regex = regExpOf(textOf(options));
      return regex !== undefined && names.some((n) => regex.test(n));
    }
    case 'byNames': {
      const list = listOf(objectOf(options).names).map((n) => textOf(n));
      const included = names.some((n) => list.includes(n));
      return objectOf(options).mode === 'exclude' ? !included && field.type === 'number' : included;
    }
    case 'byType':
      return field.type === textOf(options);
    case 'byFrameRefID':
      return frame.refId === textOf(options);
    default:
      return false;
  }
}

/** `/pattern/flags` or a bare pattern; undefined when it is no regular expression. */
export function regExpOf(text: string): RegExp | undefined {
  const literal = /^\/(.*)\/([imsu]*)$/s.exec(text);
  try {
    return literal ? new RegExp(literal[1]!, literal[2]) : new RegExp(text);
  } catch {
    return undefined;
  }
}

/** The colour of the highest step that the value reaches. Percentages are of the span from min to max. */
export function thresholdColor(
  value: number,
  thresholds: Thresholds,
  limits: { readonly min?: number | undefined; readonly max?: number | undefined } = {},
): string {
  const { min = 0, max = 100 } = limits;
  const reached = thresholds.mode === 'percentage' ? ((value - min) / (max - min)) * 100 : value;
  let color = thresholds.steps[0]?.color ?? 'green';
  for (const step of thresholds.steps) if (reached >= step.value) color = step.color;
  return color;
}

/** What a mapping makes of a value; undefined when none matches. */
export function mappedValue(value: Cell, mappings: readonly ValueMapping[] | undefined): MappingResult | undefined {
  for (const mapping of mappings ?? []) {
    const result = oneMapping(value, mapping);
    if (result) return result;
  }
  return undefined;
}

function oneMapping(value: Cell, mapping: ValueMapping): MappingResult | undefined {
  switch (mapping.kind) {
    case 'value':
      return value === null ? undefined : mapping.results[String(value)];
    case 'range':
      return typeof value === 'number' && value >= mapping.from && value <= mapping.to ? mapping.result : undefined;
    case 'regex':
      return value !== null && regExpOf(mapping.pattern)?.test(String(value)) ? mapping.result : undefined;
    case 'special':
      return isSpecial(value, mapping.match) ? mapping.result : undefined;
  }
}

function isSpecial(value: Cell, match: string): boolean {
  const nan = typeof value === 'number' && Number.isNaN(value);
  if (match === 'null') return value === null;
  if (match === 'nan') return nan;
  if (match === 'null+nan') return value === null || nan;
  if (match === 'empty') return value === '';
  return match === String(value);
}

export interface ShownValue extends FormattedValue {
  /** Undefined when the configuration colours nothing. */
  readonly color: string | undefined;
}

/** Text and colour of a value under its field's configuration. */
export function showValue(value: Cell, config: FieldConfig | undefined, palette: Palette): ShownValue {
  const mapped = mappedValue(value, config?.mappings);
  const color = mapped?.color ? namedColor(palette, mapped.color) : valueColor(value, config, palette);
  const [before, after] = [textOf(config?.custom.prefix), textOf(config?.custom.postfix)];
  if (mapped?.text !== undefined) return { prefix: before, text: mapped.text, suffix: after, color };
  if (value === null) return { prefix: '', text: config?.noValue ?? '–', suffix: '', color };
  if (typeof value === 'string') return { prefix: '', text: value, suffix: '', color };
  const { prefix, text, suffix } = formatParts(value, config?.unit, config?.decimals);
  return { prefix: before + prefix, text, suffix: suffix + after, color };
}

/** In one text. */
export function shownText({ prefix, text, suffix }: FormattedValue): string {
  return prefix + text + suffix;
}

/** By thresholds or a continuous ramp, when the configuration says that values have colours. */
export function valueColor(value: Cell, config: FieldConfig | undefined, palette: Palette): string | undefined {
  const mode = config?.color?.mode ?? 'thresholds';
  if (mode === 'fixed') return namedColor(palette, config?.color?.fixedColor ?? 'text');
  if (typeof value !== 'number' || Number.isNaN(value)) return undefined;
  if (mode.startsWith('continuous-')) {
    const { min = 0, max = 100 } = config ?? {};
    return rampColor(continuousRamp(mode, palette), (value - min) / (max - min || 1));
  }
  if (mode !== 'thresholds' || !config?.thresholds) return undefined;
  return namedColor(palette, thresholdColor(value, config.thresholds, config));
}

function continuousRamp(mode: string, palette: Palette): readonly string[] {
  const named = mode
    .slice('continuous-'.length)
    .split(/(?=[A-Z])/)
    .map(
      (n) => ({ gr: 'green', yl: 'yellow', rd: 'red', bl: 'blue', pu: 'purple' })[n.toLowerCase()] ?? n.toLowerCase(),
    );
  const ramp = named.filter((n) => palette.named[n]).map((n) => namedColor(palette, n));
  return ramp.length >= 2 ? ramp : palette.sequential;
}

/** The colour of a series' line: fixed, of its last value's threshold, or the next of the palette. */
export function seriesColor(field: Field, index: number, last: number | null, palette: Palette): string {
  const { config } = field;
  const mode = config?.color?.mode ?? 'palette-classic';
  if (mode === 'fixed') return namedColor(palette, config?.color?.fixedColor ?? 'text');
  if (mode === 'thresholds' || mode.startsWith('continuous-')) {
    const color = valueColor(last, config, palette);
    if (color) return color;
  }
  if (mode === 'palette-classic-by-name') return categoricalColor(palette, hash(fieldTitle(field)));
  if (mode === 'shades') return namedColor(palette, config?.color?.fixedColor ?? 'blue');
  return categoricalColor(palette, index);
}

function hash(text: string): number {
  let h = 0;
  for (let i = 0; i < text.length; i++) h = (h * 31 + text.charCodeAt(i)) >>> 0;
  return h % 48;
}
