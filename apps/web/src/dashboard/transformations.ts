/** Grafana's transformations: frames in, frames out. */
import { regExpOf } from './field-config.ts';
import { type Cell, type Field, type Frame, fieldTitle } from './frames.ts';
import { type JsonObject, listOf, objectOf, type Transformation, textOf } from './model.ts';
import { calculationOf, reduceValues } from './reduce.ts';

export interface Transformed {
  readonly frames: readonly Frame[];
  /** Ids that are not known here; the panel says so. */
  readonly unknown: readonly string[];
}

type Step = (frames: readonly Frame[], options: JsonObject) => readonly Frame[];

const STEPS: Readonly<Record<string, Step>> = {
  organize: (frames, options) => frames.map((f) => organize(f, options)),
  merge: (frames) => merge(frames),
  joinByField: (frames, options) => joinByField(frames, options),
  seriesToColumns: (frames, options) => joinByField(frames, options),
  sortBy: (frames, options) => frames.map((f) => sortBy(f, options)),
  filterFieldsByName: (frames, options) => frames.map((f) => filterFieldsByName(f, options)),
  filterByRefId: (frames, options) => filterByRefId(frames, options),
  limit: (frames, options) =>
    frames.map((f) => takeRows(f, range(Math.min(Number(options.limitField ?? 10), rowCount(f))))),
  reduce: (frames, options) => reduceFrames(frames, options),
  labelsToFields: (frames) => labelsToFields(frames),
  seriesToRows: (frames) => seriesToRows(frames),
  renameByRegex: (frames, options) => renameByRegex(frames, options),
  calculateField: (frames, options) => frames.map((f) => calculateField(f, options)),
  groupBy: (frames, options) => frames.map((f) => groupBy(f, options)),
};

/** Applies the enabled transformations in order. */
export function transform(frames: readonly Frame[], transformations: readonly Transformation[]): Transformed {
  const unknown: string[] = [];
  let current = frames;
  for (const { id, options, disabled } of transformations) {
    if (disabled) continue;
    const step = Object.hasOwn(STEPS, id) ? STEPS[id] : undefined;
    if (step) current = step(current, options);
    else unknown.push(id);
  }
  return { frames: current, unknown };
}

const range = (n: number): number[] => Array.from({ length: Math.max(n, 0) }, (_, i) => i);
const rowCount = (f: Frame): number => f.fields[0]?.values.length ?? 0;

function takeRows(frame: Frame, rows: readonly number[]): Frame {
  return { ...frame, fields: frame.fields.map((f) => ({ ...f, values: rows.map((r) => f.values[r] ?? null) })) };
}

function organize(frame: Frame, options: JsonObject): Frame {
  const exclude = objectOf(options.excludeByName);
  const include = objectOf(options.includeByName);
  const index = objectOf(options.indexByName);
  const rename = objectOf(options.renameByName);
  const onlyIncluded = Object.values(include).some((v) => v === true);
  const place = (f: Field, i: number) => {
    const at = index[fieldTitle(f)] ?? index[f.name];
    return typeof at === 'number' ? at : 1000 + i;
  };
  const fields = frame.fields
    .map((field, i) => ({ field, at: place(field, i) }))
    .filter(({ field }) => exclude[fieldTitle(field)] !== true && exclude[field.name] !== true)
    .filter(({ field }) => !onlyIncluded || include[fieldTitle(field)] === true || include[field.name] === true)
    .sort((a, b) => a.at - b.at)
    .map(({ field }) => {
      const to = textOf(rename[fieldTitle(field)]) || textOf(rename[field.name]);
      return to === '' ? field : { ...field, displayName: to };
    });
  return { ...frame, fields };
}

/** Rows that agree in every field they share become one; all fields of all frames are columns. */
function merge(frames: readonly Frame[]): readonly Frame[] {
  const first = frames[0];
  if (!first || frames.length < 2) return frames;
  const names = [...new Set(frames.flatMap((f) => f.fields.map((x) => x.name)))];
  const counts = new Map(names.map((n) => [n, frames.filter((f) => f.fields.some((x) => x.name === n)).length]));
  const shared = names.filter((n) => counts.get(n)! > 1);
  const rows = new Map<string, Map<string, Cell>>();
  for (const frame of frames) {
    for (const r of range(rowCount(frame))) {
      const cells = new Map(frame.fields.map((f): [string, Cell] => [f.name, f.values[r] ?? null]));
      const key = JSON.stringify(shared.map((n) => cells.get(n) ?? null));
      const row = rows.get(key);
      if (row) for (const [n, v] of cells) row.set(n, v);
      else rows.set(key, cells);
    }
  }
  const all = [...rows.values()];
  const templates = new Map(frames.flatMap((f) => f.fields.map((x): [string, Field] => [x.name, x])).reverse());
  const ordered = [...names].sort((a, b) => rank(templates.get(a)!) - rank(templates.get(b)!));
  return [
    {
      refId: 'merge',
      fields: ordered.map((n) => ({ ...templates.get(n)!, values: all.map((r) => r.get(n) ?? null) })),
    },
  ];
}

/** Time, then labels, then values. */
const rank = (f: Field): number => (f.type === 'time' ? 0 : f.type === 'string' ? 1 : 2);

function joinByField(frames: readonly Frame[], options: JsonObject): readonly Frame[] {
  const by = textOf(options.byField, 'Time');
  const inner = options.mode === 'inner';
  const keyOf = (f: Frame) => f.fields.find((x) => x.name === by || fieldTitle(x) === by);
  const joined = frames.filter(keyOf);
  if (joined.length === 0) return frames;
  const indexes = joined.map((f) => new Map(keyOf(f)!.values.map((v, i): [Cell, number] => [v, i])));
  const keys = [...new Set(joined.flatMap((f) => keyOf(f)!.values))].filter(
    (k) => !inner || indexes.every((index) => index.has(k)),
  );
  const keyField = keyOf(joined[0]!)!;
  if (keyField.type === 'time') keys.sort((a, b) => Number(a) - Number(b));
  const fields = joined.flatMap((f, i) =>
    f.fields
      .filter((x) => x !== keyOf(f))
      .map((x) => ({ ...x, values: keys.map((k) => x.values[indexes[i]!.get(k) ?? -1] ?? null) })),
  );
  return [{ refId: 'join', fields: [{ ...keyField, values: keys }, ...fields] }];
}

function sortBy(frame: Frame, options: JsonObject): Frame {
  const sort = objectOf(listOf(options.sort)[0]);
  const name = textOf(sort.field);
  const field = frame.fields.find((f) => fieldTitle(f) === name || f.name === name);
  if (!field) return frame;
  return takeRows(frame, sortedRows(field.values, sort.desc === true));
}

/** Row numbers in the order of a column; empty cells last. */
export function sortedRows(values: readonly Cell[], desc: boolean): number[] {
  const compare = (a: Cell, b: Cell): number => {
    if (typeof a === 'number' && typeof b === 'number') return (a - b || 0) * (desc ? -1 : 1);
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return String(a).localeCompare(String(b), 'en', { numeric: true }) * (desc ? -1 : 1);
  };
  return range(values.length).sort((a, b) => compare(values[a]!, values[b]!) || a - b);
}

function nameTest(options: JsonObject): (f: Field) => boolean {
  const names = listOf(options.names).map((n) => textOf(n));
  const pattern = textOf(options.pattern);
  const regex = pattern === '' ? undefined : regExpOf(pattern);
  return (f) => names.includes(fieldTitle(f)) || names.includes(f.name) || (regex?.test(fieldTitle(f)) ?? false);
}

function filterFieldsByName(frame: Frame, options: JsonObject): Frame {
  const include = objectOf(options.include);
  const exclude = objectOf(options.exclude);
  const wanted = Object.keys(include).length > 0 ? nameTest(include) : () => true;
  const unwanted = Object.keys(exclude).length > 0 ? nameTest(exclude) : () => false;
  return { ...frame, fields: frame.fields.filter((f) => wanted(f) && !unwanted(f)) };
}

function filterByRefId(frames: readonly Frame[], options: JsonObject): readonly Frame[] {
  const regex = regExpOf(textOf(options.include));
  const exclude = textOf(options.exclude) === '' ? undefined : regExpOf(textOf(options.exclude));
  return frames.filter((f) => (regex?.test(f.refId) ?? true) && !exclude?.test(f.refId));
}

function reduceFrames(frames: readonly Frame[], options: JsonObject): readonly Frame[] {
  const reducers = listOf(options.reducers).map((r) => textOf(r));
  const ids = reducers.length > 0 ? reducers : ['max'];
  const fields = frames.flatMap((f) => f.fields.filter((x) => x.type === 'number'));
  if (options.mode === 'reduceFields') {
    return frames.map((f) => ({
      ...f,
      fields: f.fields
        .filter((x) => x.type === 'number')
        .map((x) => ({ ...x, values: [reduceValues(ids[0]!, x.values)] })),
    }));
  }
  const column = (id: string): Field => ({
    name: calculationOf(id)?.label ?? id,
    type: 'number',
    labels: {},
    values: fields.map((f) => reduceValues(id, f.values)),
  });
  const names: Field = { name: 'Field', type: 'string', labels: {}, values: fields.map(fieldTitle) };
  return [{ refId: 'reduce', fields: [names, ...ids.map(column)] }];
}

function labelsToFields(frames: readonly Frame[]): readonly Frame[] {
  return frames.map((frame) => {
    const rows = rowCount(frame);
    const labels = Object.assign({}, ...frame.fields.map((f) => f.labels)) as Record<string, string>;
    const columns = Object.entries(labels)
      .filter(([name]) => name !== '__name__')
      .map(([name, value]): Field => ({ name, type: 'string', labels: {}, values: new Array(rows).fill(value) }));
    const [time, ...rest] = frame.fields;
    return {
      ...frame,
      fields: [...(time ? [time] : []), ...columns, ...rest.map(({ displayName: _, ...f }) => ({ ...f, labels: {} }))],
    };
  });
}

function seriesToRows(frames: readonly Frame[]): readonly Frame[] {
  const rows = frames.flatMap((f) => {
    const time = f.fields.find((x) => x.type === 'time');
    return f.fields
      .filter((x) => x.type === 'number')
      .flatMap((x) => x.values.map((v, i): [Cell, Cell, Cell] => [time?.values[i] ?? null, fieldTitle(x), v]));
  });
  return [
    {
      refId: 'rows',
      fields: [
        { name: 'Time', type: 'time', labels: {}, values: rows.map((r) => r[0]) },
        { name: 'Metric', type: 'string', labels: {}, values: rows.map((r) => r[1]) },
        { name: 'Value', type: 'number', labels: {}, values: rows.map((r) => r[2]) },
      ],
    },
  ];
}

function renameByRegex(frames: readonly Frame[], options: JsonObject): readonly Frame[] {
  const regex = regExpOf(textOf(options.regex));
  if (!regex) return frames;
  const to = textOf(options.renamePattern);
  return frames.map((f) => ({
    ...f,
    fields: f.fields.map((x) => (x.type === 'time' ? x : { ...x, displayName: fieldTitle(x).replace(regex, to) })),
  }));
}

const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

function calculateField(frame: Frame, options: JsonObject): Frame {
  const numbers = frame.fields.filter((f) => f.type === 'number');
  const binary = objectOf(options.binary);
  const reduce = objectOf(options.reduce);
  const cellOf = (side: unknown) => {
    const name = typeof side === 'object' ? textOf(objectOf(objectOf(side).matcher).options) : textOf(side);
    const field = frame.fields.find((f) => fieldTitle(f) === name || f.name === name);
    return (row: number): number => (field ? Number(field.values[row]) : Number(name));
  };
  let value: (row: number) => Cell;
  if (options.mode === 'binary') {
    const operator = OPERATORS[textOf(binary.operator, '+')] ?? OPERATORS['+']!;
    const [left, right] = [cellOf(binary.left), cellOf(binary.right)];
    value = (row) => operator(left(row), right(row));
  } else {
    const id = textOf(reduce.reducer, 'sum');
    value = (row) =>
      reduceValues(
        id,
        numbers.map((f) => f.values[row] ?? null),
      );
  }
  const name = textOf(options.alias) || 'Total';
  const made: Field = { name, type: 'number', labels: {}, values: range(rowCount(frame)).map(value) };
  const kept = options.replaceFields === true ? frame.fields.filter((f) => f.type === 'time') : frame.fields;
  return { ...frame, fields: [...kept, made] };
}

function groupBy(frame: Frame, options: JsonObject): Frame {
  const plan = objectOf(options.fields);
  const planOf = (f: Field) => objectOf(plan[fieldTitle(f)] ?? plan[f.name]);
  const keys = frame.fields.filter((f) => planOf(f).operation === 'groupby');
  if (keys.length === 0) return frame;
  const groups = new Map<string, number[]>();
  for (const r of range(rowCount(frame))) {
    const key = JSON.stringify(keys.map((k) => k.values[r]));
    const rows = groups.get(key);
    if (rows) rows.push(r);
    else groups.set(key, [r]);
  }
  const rows = [...groups.values()];
  const keyFields = keys.map((k) => ({ ...k, values: rows.map((r) => k.values[r[0]!] ?? null) }));
  const made = frame.fields
    .filter((f) => planOf(f).operation === 'aggregate')
    .flatMap((f) =>
      listOf(planOf(f).aggregations).map(
        (id): Field => ({
          name: `${fieldTitle(f)} (${textOf(id)})`,
          type: 'number',
          labels: {},
          values: rows.map((r) =>
            reduceValues(
              textOf(id),
              r.map((i) => f.values[i] ?? null),
            ),
          ),
        }),
      ),
    );
  return { ...frame, fields: [...keyFields, ...made] };
}
