/** Dashboards as older Grafanas wrote them, brought to the form of today: rows, imports, panels that were replaced. */
import { isObject, type Json, type JsonObject, listOf, numberOf, objectOf, textOf } from './json.ts';
import { modernPanel } from './old-panels.ts';

const GRID_COLUMNS = 24;
/** A grid line with its margin, and the height of a row that says none; both in pixels. */
const GRID_LINE_PX = 38;
const ROW_HEIGHT_PX = 250;
/** Spans counted twelfths of the page. */
const SPAN_COLUMNS = GRID_COLUMNS / 12;
const DEFAULT_SPAN = 4;
const DEFAULT_WIDTH = 12;
const DEFAULT_HEIGHT = 8;

/** The dashboard with `panels` on the grid of 24 columns, whatever form the file has. Its other parts stay as they are. */
export function modernDashboard(source: JsonObject): JsonObject {
  const rows = listOf(source.rows).filter(isObject);
  const inputs = inputValues(source);
  const written: readonly Json[] = rows.length > 0 ? panelsOfRows(rows) : placed(listOf(source.panels));
  const panels = written.map((p) => modernPanel(objectOf(p)));
  const resolved = inputs.size > 0 ? (withInputs({ ...source, panels }, inputs) as JsonObject) : { ...source, panels };
  return { ...resolved, panels: withSharedQueries(listOf(resolved.panels)) };
}

/** Constants that a file asks for when it is imported, by their names. Data sources have one answer here. */
function inputValues(source: JsonObject): ReadonlyMap<string, string> {
  return new Map(
    listOf(source.__inputs)
      .map((i) => objectOf(i))
      .map((i): [string, string] => [textOf(i.name), i.type === 'constant' ? textOf(i.value) : 'belfry'])
      .filter(([name]) => name !== ''),
  );
}

function withInputs(json: Json | undefined, inputs: ReadonlyMap<string, string>): Json {
  if (typeof json === 'string') {
    if (!json.includes('${')) return json;
    return json.replace(/\$\{(\w+)\}/g, (whole, name: string) => inputs.get(name) ?? whole);
  }
  if (Array.isArray(json)) return (json as readonly Json[]).map((v) => withInputs(v, inputs));
  if (!isObject(json)) return json ?? null;
  return Object.fromEntries(Object.entries(json).map(([k, v]) => [k, withInputs(v, inputs)]));
}

/** Panels without a place stand two beside each other, below all that have one. */
function placed(panels: readonly Json[]): readonly Json[] {
  const bottomOf = (p: Json) => (numberOf(objectOf(objectOf(p).gridPos).y) ?? 0) + (heightOf(p) ?? 0);
  let y = Math.max(0, ...panels.filter((p) => isObject(objectOf(p).gridPos)).map(bottomOf));
  let x = 0;
  return panels.map((json) => {
    const panel = objectOf(json);
    if (isObject(panel.gridPos)) return panel;
    if (panel.type === 'row') {
      if (x > 0) y += DEFAULT_HEIGHT;
      x = 0;
      return { ...panel, gridPos: { x: 0, y: y++, w: GRID_COLUMNS, h: 1 } };
    }
    const gridPos = { x, y, w: DEFAULT_WIDTH, h: DEFAULT_HEIGHT };
    x += DEFAULT_WIDTH;
    if (x >= GRID_COLUMNS) {
      x = 0;
      y += DEFAULT_HEIGHT;
    }
    return { ...panel, gridPos };
  });
}

const heightOf = (p: Json): number | undefined => numberOf(objectOf(objectOf(p).gridPos).h);

/** Panels of `rows`, each with its place; rows that someone can see become row panels. */
function panelsOfRows(rows: readonly JsonObject[]): readonly JsonObject[] {
  const shown = rows.some((r) => r.collapse === true || r.showTitle === true || textOf(r.repeat) !== '');
  const usedIds = rows.flatMap((r) => listOf(r.panels)).map((p) => numberOf(objectOf(p).id) ?? 0);
  let nextId = Math.max(0, ...usedIds) + 1;
  let y = 0;
  return rows.flatMap((row): readonly JsonObject[] => {
    const head = shown ? { x: 0, y: y++, w: GRID_COLUMNS, h: 1 } : undefined;
    const { panels, height } = flow(row, y);
    y += height;
    if (!head) return panels;
    const collapsed = row.collapse === true;
    const made: JsonObject = {
      id: nextId++,
      type: 'row',
      title: textOf(row.title),
      repeat: textOf(row.repeat),
      gridPos: head,
      collapsed,
      panels: collapsed ? panels : [],
    };
    return collapsed ? [made] : [made, ...panels];
  });
}

/** The panels of one row from left to right, wrapped where the next one has no room. */
function flow(row: JsonObject, top: number): { readonly panels: readonly JsonObject[]; readonly height: number } {
  const rowHeight = linesOf(row.height) ?? linesOf(ROW_HEIGHT_PX)!;
  const free = new Array<number>(GRID_COLUMNS).fill(top);
  let x = 0;
  const panels = listOf(row.panels).map((json): JsonObject => {
    const panel = objectOf(json);
    const span = Math.max(numberOf(panel.span) ?? DEFAULT_SPAN, 1);
    const w = Math.min(Math.floor(span) * SPAN_COLUMNS, GRID_COLUMNS);
    const h = linesOf(panel.height) ?? rowHeight;
    if (x + w > GRID_COLUMNS) x = 0;
    const y = Math.max(...free.slice(x, x + w));
    free.fill(y + h, x, x + w);
    const minSpan = numberOf(panel.minSpan);
    const gridPos = { x, y, w, h };
    x += w;
    return { ...panel, gridPos, ...(minSpan ? { maxPerRow: Math.max(Math.floor(12 / minSpan), 1) } : {}) };
  });
  return { panels, height: Math.max(...free) - top };
}

/** Pixels (`250`, `"250px"`) as lines of the grid. */
function linesOf(height: unknown): number | undefined {
  const px = typeof height === 'string' ? Number.parseFloat(height) : numberOf(height);
  return px === undefined || Number.isNaN(px) ? undefined : Math.max(Math.ceil(px / GRID_LINE_PX), 1);
}

/** Panels that show the result of another panel (`-- Dashboard --`) ask its queries themselves. */
function withSharedQueries(panels: readonly Json[]): readonly Json[] {
  const all = panels.map((p) => objectOf(p)).flatMap((p) => [p, ...listOf(p.panels).map((q) => objectOf(q))]);
  const shared = (panel: JsonObject): JsonObject => {
    const nested = listOf(panel.panels);
    const inner = nested.length > 0 ? { panels: nested.map((p) => shared(objectOf(p))) } : {};
    const id = sharedPanelId(panel);
    const source = id === undefined ? undefined : all.find((p) => numberOf(p.id) === id && p !== panel);
    return source
      ? { ...panel, targets: source.targets, datasource: source.datasource, ...inner }
      : { ...panel, ...inner };
  };
  return panels.map((p) => shared(objectOf(p)));
}

function sharedPanelId(panel: JsonObject): number | undefined {
  const name = isObject(panel.datasource) ? textOf(panel.datasource.uid) : textOf(panel.datasource);
  if (name !== '-- Dashboard --') return undefined;
  return numberOf(objectOf(listOf(panel.targets)[0]).panelId);
}
