/** The single values that stat, gauge, bar gauge and pie panels show. */
import type { Palette } from '../theme.ts';
import { type ShownValue, seriesColor, showValue } from './field-config.ts';
import { type Cell, type Field, type Frame, fieldTitle } from './frames.ts';
import { type JsonObject, listOf, numberOf, objectOf, textOf } from './model.ts';
import { reduceValues } from './reduce.ts';

export interface PanelValue {
  readonly title: string;
  readonly value: Cell;
  readonly shown: ShownValue;
  readonly color: string;
  readonly field: Field;
  /** The whole column, for a sparkline; empty when rows are shown one by one. */
  readonly column: readonly Cell[];
}

const MAX_VALUES = 200;

/** By `reduceOptions`: one value a field, or with `values: true` one a row. */
export function panelValues(frames: readonly Frame[], options: JsonObject, palette: Palette): readonly PanelValue[] {
  const reduce = objectOf(options.reduceOptions);
  const calc = textOf(listOf(reduce.calcs)[0], 'lastNotNull');
  const wanted = textOf(reduce.fields);
  const isWanted = (f: Field) => {
    if (wanted === '') return f.type === 'number';
    const pattern = /^\/(.*)\/$/.exec(wanted);
    if (pattern) {
      try {
        return new RegExp(pattern[1]!).test(fieldTitle(f));
      } catch {
        return false;
      }
    }
    return f.name === wanted || fieldTitle(f) === wanted;
  };
  const out: PanelValue[] = [];
  const add = (field: Field, value: Cell, title: string, column: readonly Cell[]) => {
    const shown = showValue(value, field.config, palette);
    const number = typeof value === 'number' ? value : null;
    out.push({
      title,
      value,
      shown,
      color: shown.color ?? seriesColor(field, out.length, number, palette),
      field,
      column,
    });
  };
  const limit = numberOf(reduce.limit) ?? MAX_VALUES;
  for (const frame of frames) {
    for (const field of frame.fields.filter(isWanted)) {
      if (reduce.values !== true && !isTable(frame)) {
        add(
          field,
          field.type === 'number' ? reduceValues(calc, field.values) : (field.values.at(-1) ?? null),
          fieldTitle(field),
          field.values,
        );
        continue;
      }
      for (const [row, value] of field.values.slice(0, limit).entries())
        add(field, value, rowTitle(frame, field, row), []);
    }
  }
  return out.slice(0, MAX_VALUES);
}

/** A table that holds labels in columns shows its rows; reducing them to one would mix different series. */
function isTable(frame: Frame): boolean {
  return frame.fields.some((f) => f.type === 'string') && frame.fields.some((f) => f.type === 'number');
}

function rowTitle(frame: Frame, field: Field, row: number): string {
  const names = frame.fields.filter((f) => f.type === 'string').map((f) => f.values[row]);
  return names.length > 0 ? names.join(' ') : fieldTitle(field);
}

/** Minimum and maximum for a gauge: the field's own, or 0 and what the values need. */
export function gaugeLimits(value: PanelValue, all: readonly PanelValue[]): readonly [number, number] {
  const { min, max, unit, thresholds } = value.field.config ?? {};
  if (min !== undefined && max !== undefined) return [min, max];
  if (unit === 'percent') return [min ?? 0, max ?? 100];
  if (unit === 'percentunit') return [min ?? 0, max ?? 1];
  const numbers = all.flatMap((v) => (typeof v.value === 'number' && Number.isFinite(v.value) ? [v.value] : []));
  const steps = (thresholds?.steps ?? []).map((s) => s.value).filter(Number.isFinite);
  const low = min ?? Math.min(0, ...numbers);
  const top = Math.max(...numbers, ...(thresholds?.mode === 'percentage' ? [] : steps), low);
  return [low, max ?? (top > low ? top : low + 1)];
}
