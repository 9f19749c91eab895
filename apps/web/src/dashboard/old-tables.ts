/** Tables as Grafana drew them before version 7: styles by column patterns. */
import { type Json, type JsonObject, listOf, numberOf, objectOf, textOf } from './json.ts';
import { given, modernCalc, oldMappings, stepsOf, withDefaults } from './old-panels.ts';

/** A table with `styles` in the terms of field overrides; others stay as they are. */
export function modernTable(panel: JsonObject): JsonObject {
  const isOld = panel.type === 'table-old' || Array.isArray(panel.styles) || typeof panel.transform === 'string';
  if (!isOld) return panel;
  // The first style that matched won; of overrides the last one does.
  const overrides = listOf(panel.styles)
    .map((s) => styleOverride(objectOf(s)))
    .reverse();
  const columns = listOf(panel.columns).map((c) => objectOf(c));
  return {
    ...panel,
    type: 'table',
    fieldConfig: withDefaults(panel, {}, overrides),
    transformations: [...transformationsOf(panel, columns), ...listOf(panel.transformations)],
    options: { ...sortOf(panel), ...objectOf(panel.options) },
  };
}

function transformationsOf(panel: JsonObject, columns: readonly JsonObject[]): readonly Json[] {
  switch (panel.transform) {
    case 'timeseries_to_rows':
      return [{ id: 'seriesToRows', options: {} }];
    case 'timeseries_to_columns':
      return [{ id: 'joinByField', options: { byField: 'Time' } }];
    case 'timeseries_aggregations': {
      const reducers = columns.map((c) => modernCalc(textOf(c.value)));
      return [
        { id: 'reduce', options: { reducers: reducers.length > 0 ? reducers : ['mean'] } },
        { id: 'organize', options: { renameByName: { Field: 'Metric' } } },
      ];
    }
    default: {
      const chosen = columns.map((c) => textOf(c.value) || textOf(c.text)).filter((c) => c !== '');
      const only = chosen.length > 0 ? [{ id: 'filterFieldsByName', options: { include: { names: chosen } } }] : [];
      return [{ id: 'merge', options: {} }, ...only];
    }
  }
}

/** Columns were counted; a name is not known before the data is here. */
function sortOf(panel: JsonObject): JsonObject {
  const sort = objectOf(panel.sort);
  const column = numberOf(sort.col);
  return column === undefined ? {} : { sortBy: [{ column, desc: sort.desc === true }] };
}

function styleOverride(style: JsonObject): Json {
  const pattern = textOf(style.pattern);
  const regex = /^\/.*\/[a-z]*$/.test(pattern);
  const type = textOf(style.type, 'string');
  const values: Readonly<Record<string, Json | undefined>> = {
    displayName: textOf(style.alias),
    'custom.align': style.align === 'auto' ? undefined : textOf(style.align),
    ...(type === 'hidden' ? { 'custom.hidden': true } : {}),
    ...(type === 'date' ? { unit: 'dateTimeAsIso' } : {}),
    ...(type === 'number' ? { unit: textOf(style.unit), decimals: numberOf(style.decimals) } : {}),
    ...colorsOf(style),
    ...linksOf(style),
  };
  const mappings = oldMappings({ ...style, mappingType: style.mappingType ?? 1 });
  const all = given({ ...values, ...(mappings.length > 0 ? { mappings } : {}) });
  return {
    matcher: { id: regex ? 'byRegexp' : 'byName', options: pattern },
    properties: Object.entries(all).map(([id, value]): Json => ({ id, value: value ?? null })),
  };
}

const CELL_MODES: Readonly<Record<string, string>> = {
  cell: 'color-background',
  row: 'color-background',
  value: 'color-text',
};

function colorsOf(style: JsonObject): Readonly<Record<string, Json | undefined>> {
  const mode = CELL_MODES[textOf(style.colorMode)];
  if (!mode) return {};
  const bounds = listOf(style.thresholds).map((t) => textOf(t));
  return {
    'custom.displayMode': mode,
    thresholds: stepsOf(bounds.join(','), listOf(style.colors)),
    color: { mode: 'thresholds' },
  };
}

/** `$__cell_2` and `${__cell}` are today's `${__data.fields[2]}` and `${__value.raw}`. */
function linksOf(style: JsonObject): Readonly<Record<string, Json | undefined>> {
  if (style.link !== true || typeof style.linkUrl !== 'string') return {};
  const modern = (text: string) =>
    text
      .replace(/\$\{?__cell_(\d+)(?::raw)?\}?/g, (_, n: string) => `\${__data.fields[${n}]}`)
      .replace(/\$\{?__cell(?::raw)?\b\}?/g, () => '${__value.raw}');
  return {
    links: [
      {
        title: modern(textOf(style.linkTooltip)),
        url: modern(style.linkUrl),
        targetBlank: style.linkTargetBlank === true,
      },
    ],
  };
}
